"""``netfig draw``."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from netfig.cli.app import say
from netfig.cli.shared import TARGET_HELP, opt_option, pass_option, registry_of, request_from, target_options, working
from netfig.cli.words import TargetCommand
from netfig.errors import NetfigError, UsageError

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.pipeline import Result
    from netfig.registry import Registry

_FINDINGS_SHOWN = 5


@click.command(
    "draw",
    cls=TargetCommand,
    short_help="Make a figure of a model, a layer chain, a recurrence or a saved graph.",
    help=f"""Make a figure.

{TARGET_HELP}
Without -o the SVG goes to stdout, or on a terminal into <name>.svg.
""",
)
@target_options
@click.option(
    "-o",
    "--output",
    multiple=True,
    metavar="FILE",
    help="Where to; the suffix is the format. Repeatable; - is stdout.",
)
@click.option("-f", "--format", metavar="FORMAT", help="Format for stdout.  [default: svg]")
@click.option(
    "-r",
    "--renderer",
    metavar="NAME",
    help="What is shown; see netfig list renderers.  [default: modules; for a recurrence unrolled or attention-rnn]",
)
@click.option("-t", "--theme", default="light", show_default=True, metavar="NAME", help="light, dark, print, or a .toml file.")
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="How many levels of modules are opened.")
@click.option("--expand", multiple=True, metavar="PATH", help="Open a module, such as layers.3 or 'layers.*.mlp'. Repeatable.")
@click.option("--collapse", multiple=True, metavar="PATH", help="Keep a module closed. Repeatable.")
@click.option("--max-boxes", type=click.IntRange(min=1), metavar="N", help="Open modules while there are at most N boxes.")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="How many steps of a recurrence are drawn.  [default: 3]")
@click.option("--all-steps", is_flag=True, help="Draw every step of a recurrence.")
@click.option("--highlight", metavar="VALUE", help='Make every path strong by which a value, such as "h[3]", hangs on others.')
@click.option("--with-unrolled", is_flag=True, help="The folded recurrence with the unrolled one beside it.")
@click.option(
    "--direction", type=click.Choice(["right", "down", "up"]), help="Reading direction.  [default: the renderer's choice]"
)
@click.option("--width", metavar="LENGTH", help="Printed width, such as 3.25in, 8cm, 85mm, 234pt.")
@click.option(
    "--engine", default="auto", show_default=True, metavar="ENGINE", help="auto (brought along) or dot (the system's Graphviz)."
)
@click.option("--strict", is_flag=True, help="Fail, and write nothing, when the figure does not lint clean.")
@pass_option
@opt_option
@click.pass_context
def command(ctx: click.Context, /, target: str, **given: Any) -> None:
    """Make a figure."""
    from netfig.pipeline import Short, annotate, check_formats, load, points, render, suffix_of, transform, write_files

    outputs: tuple[str, ...] = given["output"]
    suffix: str | None = given["format"]
    registry = registry_of(ctx)
    theme, engine = str(given["theme"]), str(given["engine"])
    options = registry.options(given["opt"])
    short = Short.of(given, on_command_line=True)
    renderer: str | None = given["renderer"] or short.renderer
    if renderer is not None:
        registry.renderer(renderer)  # everything that can be wrong is looked at before the model runs
        short.into(registry, renderer, options)
    registry.theme(theme)
    width = points(given["width"])
    _check_engine(engine)
    _check_outputs(registry, outputs, suffix)
    check_formats(registry, outputs)
    for name in given["pass"]:
        registry.pass_named(name)
    with working("running the model"):
        loaded = load(request_from(target, given), registry, options)
        loaded = transform(loaded, registry, given["pass"], options=options)
        graph = annotate(loaded, registry, options=options, report=say)
    with working("drawing"):
        result = render(
            graph,
            registry,
            renderer=renderer,
            theme=theme,
            options=options,
            short=short,
            direction=given["direction"],
            width=width,
            engine=engine,
        )
        places = _places(outputs, suffix, graph)
        for place in places:
            result.check_path(place)
        _judge(result, strict=given["strict"])
        products = {place: result.bytes_of(suffix or "svg" if place == "-" else suffix_of(place)) for place in places}
    write_files(products)
    for place in places if not outputs else ():
        if place != "-":
            say(f"netfig: wrote {place}")


def _check_engine(engine: str) -> None:
    """An engine asked for by name has to be there and work, even where the figure turns out not to need it."""
    from netfig.layout.engine import run_dot

    if engine != "auto":
        run_dot("digraph { a -> b }", ["-Tplain"], engine=engine)


def _check_outputs(registry: Registry, outputs: tuple[str, ...], suffix: str | None) -> None:
    if suffix is not None:
        _, form = registry.format(suffix)
        if not outputs and not form.text and sys.stdout.isatty():
            raise UsageError(f"{suffix} is not for terminals", hint=f"write it to a file: -o figure.{suffix}")
        if outputs and "-" not in outputs:
            raise UsageError("--format is for stdout", why="with -o the suffix is the format", hint="leave it out, or add -o -")
    if len(set(outputs)) < len(outputs):
        raise UsageError("the same file is written twice", where=", ".join(outputs))


def _places(outputs: tuple[str, ...], suffix: str | None, graph: Graph) -> tuple[str, ...]:
    """The files asked for; without any, stdout, or on a terminal a file named after the graph."""
    if outputs:
        return outputs
    if suffix is not None or not sys.stdout.isatty():
        return ("-",)
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", graph.name).strip("-.")[:60] or "figure"
    return (f"{name}.svg",)


def _judge(result: Result, *, strict: bool) -> None:
    from netfig.registry import describe

    findings = result.lint()
    if not findings:
        return
    smaller = any(f.rule == "small-text" for f in findings)
    has_steps = any(option.name == "steps" for option in describe(result.renderer))
    less = "draw fewer steps (--steps)" if has_steps else "open fewer levels (--depth), turn it (--direction)"
    hint = less + (", or print it wider (--width)" if smaller else "")
    lines = [str(f) for f in findings[:_FINDINGS_SHOWN]]
    if len(findings) > _FINDINGS_SHOWN:
        lines.append(f"… and {len(findings) - _FINDINGS_SHOWN} more")
    noun = "place" if len(findings) == 1 else "places"
    what = f"the figure is hard to read in {len(findings)} {noun}"
    if strict:
        raise NetfigError(what, why="\n       ".join(lines), hint=hint)
    say("\n".join([f"netfig: warning: {what}", *(f"  {line}" for line in lines), f"  hint: {hint}"]))
