"""``netfig diff``."""

from __future__ import annotations

import re
import sys
from typing import TYPE_CHECKING, Any

import click

from netfig.cli.app import say
from netfig.cli.commands.draw import _check_engine, _check_outputs, _judge
from netfig.cli.shared import TARGET_HELP, opt_option, pass_option, print_json, registry_of, request_from, run_options, working
from netfig.errors import UsageError

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.registry import Registry


@click.command(
    "diff",
    short_help="Show what differs between two models, in one figure.",
    help=f"""Show what is the same, changed, added and removed from model A to model B, in one figure.

{TARGET_HELP.replace("TARGET is one", "A and B are each one")}
Without -o the SVG goes to stdout, or on a terminal into <A>-<B>.svg. As .txt or .json it is a list of the differences.
""",
)
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@run_options
@click.option("--input-a", multiple=True, metavar="[NAME=]SHAPE[:DTYPE]", help="An input of A alone, instead of --input.")
@click.option("--input-b", multiple=True, metavar="[NAME=]SHAPE[:DTYPE]", help="An input of B alone, instead of --input.")
@click.option("--name-a", metavar="TEXT", help="What A is called.")
@click.option("--name-b", metavar="TEXT", help="What B is called.")
@click.option(
    "-o", "--output", multiple=True, metavar="FILE", help="Where to; the suffix is the format. Repeatable; - is stdout."
)
@click.option("-f", "--format", metavar="FORMAT", help="Format for stdout.  [default: svg]")
@click.option("--text", is_flag=True, help="Print the differences as lines of text.")
@click.option("--json", is_flag=True, help="Print them for programs.")
@click.option("--exit-code", is_flag=True, help="End with 1 when the models differ.")
@click.option("-t", "--theme", default="light", show_default=True, metavar="NAME", help="light, dark, print, or a .toml file.")
@click.option("--depth", type=click.IntRange(min=1), metavar="N", help="How many levels are opened.  [default: to what differs]")
@click.option(
    "--max-boxes", type=click.IntRange(min=1), metavar="N", help="Open less when there are more boxes than this.  [default: 60]"
)
@click.option("--context", is_flag=True, help="Draw everything that is the same, however much it is.")
@click.option(
    "--direction", type=click.Choice(["right", "down", "up"]), help="Reading direction.  [default: the one that prints larger]"
)
@click.option("--width", metavar="LENGTH", help="Printed width, such as 3.25in, 8cm, 85mm, 234pt.")
@click.option(
    "--engine", default="auto", show_default=True, metavar="ENGINE", help="auto (brought along) or dot (the system's Graphviz)."
)
@click.option("--strict", is_flag=True, help="Fail, and write nothing, when the figure does not lint clean.")
@pass_option
@opt_option
@click.pass_context
def command(ctx: click.Context, /, before: str, after: str, **given: Any) -> None:
    """Show what differs."""
    from netfig.pipeline import check_formats, points, suffix_of, write_files
    from netfig.pipeline.comparison import compare

    outputs: tuple[str, ...] = given["output"]
    suffix: str | None = given["format"]
    registry = registry_of(ctx)
    if given["text"] and given["json"]:
        raise UsageError("--text and --json ask for different things")
    if before == after == "-":
        raise UsageError("stdin can be read only once", hint="write one of the graphs to a file")
    printed = given["text"] or given["json"]
    if printed and (suffix is not None or "-" in outputs):
        word = "text" if given["text"] else "json"
        raise UsageError(f"--{word} goes to stdout, where a figure is to go, too", hint="write the figure with -o FILE")
    registry.theme(given["theme"])
    width = points(given["width"])
    _check_engine(given["engine"])
    _check_outputs(registry, outputs, suffix)
    check_formats(registry, outputs)
    for name in given["pass"]:
        registry.pass_named(name)
    with working("running the models"):
        graphs = [_graph(registry, target, given, which) for which, target in (("a", before), ("b", after))]
    with working("drawing"):
        result = compare(
            graphs[0],
            graphs[1],
            registry,
            theme=given["theme"],
            depth=given["depth"],
            max_boxes=given["max_boxes"],
            context=given["context"],
            options=registry.options(given["opt"]),
            direction=given["direction"],
            width=width,
            engine=given["engine"],
        )
        places = () if printed and not outputs else _places(outputs, suffix, graphs)
        kinds = {place: suffix or "svg" if place == "-" else suffix_of(place) for place in places}
        for place in places:
            result.check_path(place)
        if set(kinds.values()) - {"txt", "json"}:
            _judge(result, strict=given["strict"])
        products = {place: result.bytes_of(kind) for place, kind in kinds.items()}
    write_files(products)
    if given["json"]:
        print_json(result.data)
    elif given["text"]:
        click.echo(result.text, nl=False)
    for place in places if not outputs else ():
        if place != "-":
            say(f"netfig: wrote {place}")
    if given["exit_code"] and not result.is_equal:
        ctx.exit(1)


def _graph(registry: Registry, target: str, given: dict[str, Any], which: str) -> Graph:
    """One of the two graphs, with its own inputs where it has any."""
    from netfig.pipeline import annotate, load, transform

    own = given[f"input_{which}"]
    options = registry.options(given["opt"])
    request = request_from(target, {**given, "input": own or given["input"], "name": given[f"name_{which}"]})
    loaded = transform(load(request, registry, options), registry, given["pass"], options=options)
    return annotate(loaded, registry, options=options, report=say)


def _places(outputs: tuple[str, ...], suffix: str | None, graphs: list[Graph]) -> tuple[str, ...]:
    """The files asked for; without any, stdout, or on a terminal a file named after both models."""
    if outputs:
        return outputs
    if suffix is not None or not sys.stdout.isatty():
        return ("-",)
    words = [re.sub(r"[^A-Za-z0-9._-]+", "-", graph.name).strip("-.")[:30] for graph in graphs]
    return ("-".join(word for word in dict.fromkeys(words) if word) + "-diff.svg",)
