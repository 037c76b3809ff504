"""``netfig check``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from netfig.cli.app import say
from netfig.cli.shared import print_json, registry_of
from netfig.errors import InvalidInput, Missing, NetfigError, UsageError

if TYPE_CHECKING:
    from netfig.sources.layers_text import ChainText

_SUFFIXES = (".json", ".layers", ".rnn", ".toml", ".attention")


@click.command("check", short_help="Validate files of ours: graphs, figures, chains, equations, themes.")
@click.argument("files", nargs=-1, required=True, metavar="FILE…")
@click.option("--json", is_flag=True, help="As JSON.")
@click.pass_context
def command(ctx: click.Context, files: tuple[str, ...], json: bool) -> None:
    """Validate each FILE: a graph, figure or drawing (.json), a layer chain (.layers), equations (.rnn), sizes of an
    attention (.attention), a theme (.toml) or a worked example (.worked.toml).

    - is JSON on stdin.

    All files are looked at and all that is wrong with each is said. The exit code is that of the first bad one. No code is run.
    """
    rows, first_bad = [], None
    for file in files:
        try:
            kind, summary = _check(ctx, file)
            rows.append({"file": file, "ok": True, "kind": kind, "summary": summary})
            if not json:
                click.echo(f"ok  {file}  {kind}: {summary}")
        except NetfigError as error:
            first_bad = first_bad or error
            rows.append(
                {"file": file, "ok": False, "what": error.what, "where": error.where, "why": error.why, "hint": error.hint}
            )
            if not json:
                say(f"netfig: error: {file}: {error}")
    if json:
        print_json(rows)
    if first_bad is not None:
        ctx.exit(first_bad.exit_code)


def _check(ctx: click.Context, file: str) -> tuple[str, str]:
    """What the file is and holds, or the error that says what is wrong."""
    suffix = ".json" if file == "-" else Path(file).suffix.lower()
    if suffix not in _SUFFIXES:
        raise UsageError(f"there is nothing to check in a {suffix or 'nameless'} file", hint=f"known: {', '.join(_SUFFIXES)}")
    data = _read(file)
    if suffix == ".attention":
        return "attention", _attention(data, file)
    if suffix == ".rnn":
        return "recurrence", _equations(data, file)
    if suffix == ".json":
        return _document(data, file)
    if file.lower().endswith(".worked.toml"):
        from netfig.hooks import Request
        from netfig.pipeline import load

        graph = load(Request(file), registry_of(ctx)).graph
        return "worked example", f"{graph.name!r}, {len(graph.ops)} ops, {len(graph.values)} values"
    if suffix == ".toml":
        from netfig.theme import load_theme

        theme = load_theme(file)
        return "theme", f"{len(theme.roles)} roles"
    return "layer chain", _chain(ctx, data, file)


def _chain(ctx: click.Context, data: bytes, file: str) -> str:
    """With an input of its own the chain is built, so that every name and size is checked; without, its text is read."""
    from netfig.sources.layers_text import read_chain

    try:
        chain = read_chain(data.decode("utf-8-sig"), file)
    except UnicodeDecodeError as error:
        raise InvalidInput("this is not UTF-8 text", why=str(error)) from None
    if chain.input is None:
        return f"{len(chain.items)} lines; no line 'input: …', so sizes are not checked"
    from netfig.hooks import Request
    from netfig.pipeline import load

    graph = load(Request(file), registry_of(ctx)).graph
    if graph.parameter_count is None or chain.names:
        return f"{graph.name!r}, {len(chain.items)} lines, {_formulas(chain)}"
    return f"{graph.name!r}, {len(chain.items)} lines, {graph.parameter_count} parameters"


def _formulas(chain: ChainText) -> str:
    """Sizes that are names: the formulas are compared with torch on random numbers."""
    from netfig.sources.layers_check import compare
    from netfig.sources.layers_named import read_shape

    found = compare(chain, read_shape(chain.input or ""))
    if found.differences:
        raise NetfigError("formulas and torch differ", why="\n       ".join(found.differences[:3]))
    if not found.equal:
        raise InvalidInput("no numbers were found that torch takes", hint="give some names numbers in the file")
    return f"sizes and parameters by formula equal to torch's on {found.equal} random settings"


def _equations(data: bytes, file: str) -> str:
    """The equations are parsed, and every name and shape in them inferred."""
    from netfig.equations import infer, parse
    from netfig.sources.recurrence import decoded

    program = parse(decoded(data, file), file)
    symbols = infer(program).symbols.values()
    counts = {role: sum(s.role == role for s in symbols) for role in ("input", "parameter")}
    words = [f"{n} {word}{'s' * (n != 1)}" for word, n in {"equation": len(program.equations), **counts}.items()]
    return f"{program.title or Path(file).stem!r}, {', '.join(words)}"


def _attention(data: bytes, file: str) -> str:
    """The sizes are read and the graph is made from them."""
    from netfig.hooks import Request
    from netfig.sources.attention import load, read_options
    from netfig.sources.attention_options import AttentionOptions

    read_options(data, file)
    graph = load(Request(file), AttentionOptions()).graph
    count = graph.parameter_count
    return f"{graph.name!r}, {len(graph.ops)} ops" + (f", {count:,} parameters" if count is not None else "")


def _document(data: bytes, where: str) -> tuple[str, str]:
    """A JSON document says itself what it is; anything that does not is judged as a graph."""
    from netfig import schema

    try:
        found = json.loads(data)
        word = str(found.get("format", "")).removeprefix("netfig-") if isinstance(found, dict) else ""
    except (ValueError, RecursionError):
        word = ""  # the reader of graphs says where the mistake is
    if word == "figure":
        figure = schema.figure_from_json(data, where)
        return "figure", f"{figure.title!r}, {len(figure.boxes)} boxes, {len(figure.wires)} wires"
    if word == "drawing":
        drawing = schema.drawing_from_json(data, where)
        return "drawing", f"{drawing.title!r}, {len(drawing.items)} items"
    graph = schema.graph_from_json(data, where)
    return "graph", f"{graph.name!r}, {len(graph.ops)} ops, {len(graph.values)} values"


def _read(file: str) -> bytes:
    if file == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(file).read_bytes()
    except (OSError, ValueError) as error:
        raise Missing(f"cannot read {file!r}", why=getattr(error, "strerror", None) or str(error)) from None
