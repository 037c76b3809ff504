"""``netfig trace``."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import click

from netfig.cli.app import say
from netfig.cli.shared import TARGET_HELP, opt_option, pass_option, registry_of, request_from, target_options, working
from netfig.cli.words import TargetCommand
from netfig.errors import InvalidInput, NetfigError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfig.graph import Graph
    from netfig.hooks import ModelRun
    from netfig.registry import Registry


@click.command(
    "trace",
    cls=TargetCommand,
    short_help="Make a graph, as JSON or text.",
    help=f"""Make a graph: what is computed, from one forward pass on a copy of the model.

{TARGET_HELP}""",
)
@target_options
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to: .json or .txt; - is stdout.  [default: -]")
@click.option("-f", "--format", metavar="FORMAT", help="json or txt, for stdout.  [default: txt]")
@click.option("--verify", is_flag=True, help="Replay the graph op by op and compare with the model's own outputs.")
@pass_option
@opt_option
@click.pass_context
def command(ctx: click.Context, /, target: str, **given: Any) -> None:
    """Make a graph."""
    from netfig.pipeline import annotate, check_formats, load, suffix_of, transform, write_files

    output: str = given["output"]
    suffix: str | None = given["format"]
    registry = registry_of(ctx)
    options = registry.options(given["opt"])
    if output != "-" and suffix is not None:
        raise UsageError("--format is for stdout", why="with -o the suffix is the format")
    form = suffix or (suffix_of(output) if output != "-" else "txt")
    check_formats(registry, (output,))
    writer = _graph_writer(registry, form)
    for name in given["pass"]:
        registry.pass_named(name)
    with working("running the model"):
        loaded = load(request_from(target, given), registry, options)
        loaded = transform(loaded, registry, given["pass"], options=options)
        graph = annotate(loaded, registry, options=options, report=say)
        if given["verify"]:
            again = partial(_passed, registry=registry, passes=given["pass"], options=options)
            say(f"netfig: {_verify(loaded.run, graph, again)}")
    theme = registry.theme("light")  # a graph has no colour
    data: bytes = registry.call("writers", writer, writer.write, graph, theme, registry.options_of(writer, options))
    write_files({output: data})


def _graph_writer(registry: Registry, form: str) -> Any:
    writer, _ = registry.format(form)
    if writer.takes != "graph":
        known = sorted(s for s, (w, _) in registry.formats.items() if w.takes == "graph")
        raise UsageError(f"a graph cannot be written as {form!r}", hint=f"known: {', '.join(known)}; netfig draw makes figures")
    return writer


def _passed(graph: Graph, registry: Registry, passes: tuple[str, ...], options: Any) -> Graph:
    """A graph after passes; as it was where what they make cannot be run op by op."""
    from netfig.hooks import Loaded
    from netfig.pipeline import transform

    made = transform(Loaded(graph), registry, passes, options=options).graph
    runs = all(op.kind == "write" or any(key in ("target", "part") for key, _ in op.attributes) for op in made.ops)
    return made if runs and not made.axes else graph


def _verify(run: ModelRun | None, graph: Graph, again: Callable[[Graph], Graph]) -> str:
    """Replay, after the passes where that is possible, and a sentence about it; a difference is an error."""
    if run is None:
        raise InvalidInput("there is nothing to verify against", why="a saved graph has no model", hint="verify while tracing")
    from netfig.evaluation.attention import attention_result
    from netfig.sources.torch_replay import verify

    result = verify(run.model, run.args, run.kwargs, through=again, parts=lambda op, slots: attention_result(op, slots, {}))
    if not result.ok:
        raise NetfigError(f"the replay of {graph.name!r} differs from the model", why=result.message)
    return f"verified: {result.message}"
