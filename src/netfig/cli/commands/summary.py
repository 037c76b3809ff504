"""``netfig summary``."""

from __future__ import annotations

import shutil
import sys
from dataclasses import replace
from typing import Any

import click

from netfig.cli.app import say
from netfig.cli.shared import TARGET_HELP, opt_option, registry_of, request_from, target_options, working
from netfig.cli.words import TargetCommand
from netfig.errors import NetfigError, UsageError, did_you_mean

_SUFFIXES = {"json": "json", "md": "markdown", "tex": "latex", "csv": "csv", "txt": "terminal"}


@click.command(
    "summary",
    cls=TargetCommand,
    short_help="Print a table: layers, shapes, parameters, multiply-adds.",
    help=f"""Print a table: layers, shapes, parameters with their products written out, multiply-adds.

{TARGET_HELP}""",
)
@target_options
@click.option("-o", "--output", default="-", metavar="FILE", help="Where to: .json, .md, .tex, .csv or .txt.  [default: -]")
@click.option("-f", "--format", metavar="FORMAT", help="terminal, json, markdown, latex or csv.  [default: terminal]")
@click.option("--json", is_flag=True, help="The same as --format json.")
@click.option("--depth", type=click.IntRange(min=0), metavar="N", help="How many levels of modules are listed.")
@click.option("--columns", metavar="A,B,…", help="Which columns, or all.")
@click.option(
    "--strict",
    is_flag=True,
    help="Also show what torchinfo counts differently; fail if it does or an op is not counted.",
)
@opt_option
@click.pass_context
def command(ctx: click.Context, /, target: str, **given: Any) -> None:
    """Print a table."""
    from netfig.pipeline import annotate, check_writable, load, write_files
    from netfig.summary import render, summarize

    output: str = given["output"]
    form = _form(given["format"], given["json"], output)
    check_writable(output)
    registry = registry_of(ctx)
    options = registry.options(given["opt"])
    columns = [c.strip() for c in given["columns"].split(",") if c.strip()] if given["columns"] else None
    with working("running the model"):
        graph = annotate(load(request_from(target, given), registry, options), registry, options=options, report=say)
    summary = summarize(graph, depth=given["depth"], columns=columns)
    if not given["strict"]:
        summary = replace(summary, disagreements=())
    on_terminal = output == "-" and form == "terminal" and sys.stdout.isatty()
    text = render(summary, form, width=shutil.get_terminal_size().columns if on_terminal else None, color=on_terminal)
    write_files({output: (text if text.endswith("\n") else text + "\n").encode()})
    if given["strict"]:
        _judge(summary)


def _form(form: str | None, as_json: bool, output: str) -> str:
    """The form asked for, by option or by suffix; asking twice for different things is an error."""
    from pathlib import Path

    from netfig.summary import FORMATS

    suffix = Path(output).suffix.removeprefix(".").lower() if output != "-" else ""
    if output != "-" and suffix not in _SUFFIXES:
        hint = did_you_mean(suffix, _SUFFIXES)
        raise UsageError(f"a summary cannot be written as {suffix!r}", where=output, hint=hint)
    if as_json and form not in (None, "json"):
        raise UsageError(f"--json and --format {form} ask for different things")
    if form is not None and form not in FORMATS:
        raise UsageError(f"there is no summary format {form!r}", hint=did_you_mean(form, FORMATS))
    return "json" if as_json else form or (_SUFFIXES[suffix] if suffix else "terminal")


def _judge(summary: Any) -> None:
    lines = [f"{subject or 'the whole'}: {text}" for subject, text in summary.disagreements]
    if summary.macs_unknown:
        lines.append(f"multiply-adds are a lower bound: not counted are {', '.join(summary.macs_unknown)}")
    if lines:
        noun = "fact needs" if len(lines) == 1 else "facts need"
        raise NetfigError(
            f"{len(lines)} {noun} a second look",
            why="\n       ".join(lines),
            hint="the counts of netfig stand; those of the graph stand in the table",
        )
