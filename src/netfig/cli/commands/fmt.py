"""``netfig fmt``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from netfig.cli.app import say
from netfig.errors import ExitCode, UsageError, shown


@click.command("fmt", short_help="Print equations in Unicode, ASCII or LaTeX.")
@click.argument("file", metavar="FILE")
@click.option(
    "--style",
    type=click.Choice(["unicode", "ascii", "latex"]),
    default="unicode",
    show_default=True,
    help="How signs are written.",
)
@click.option("--write", is_flag=True, help="Write FILE anew instead of printing it.")
@click.option("--check", is_flag=True, help="Print nothing; exit code 1 when FILE is not in this style already.")
@click.pass_context
def command(ctx: click.Context, file: str, style: str, write: bool, check: bool) -> None:
    """Print the equations of FILE (- is stdin) in one style: σ ⊙ ᵀ, sigmoid * ^T, or the body of a LaTeX align.

    Instead of a FILE, the equations themselves or a cell of the library (cell:lstm) will do.

    Comments and line breaks stay, except in LaTeX, which has one equation a line.
    """
    if write and check:
        raise UsageError("--write and --check exclude each other")
    if write and file == "-":
        raise UsageError("standard input cannot be written", hint="leave out --write to print the equations")
    source = _read(file)
    is_own = Path(file).is_file()
    if write and not is_own:
        raise UsageError(f"{shown(file)} is no file that could be written", hint="leave out --write to print the equations")
    from netfig.equations import parse
    from netfig.equations.writer import reformat

    program = parse(source, file if is_own else "")
    formatted = reformat(program, style)  # type: ignore[arg-type]  # one of the three
    if check:
        if formatted != source:
            say(f"netfig: {file} is not written in {style}")
            ctx.exit(ExitCode.FAILED)
    elif write:
        from netfig.pipeline.files import write_files

        write_files({file: formatted.encode()})
    else:
        click.echo(formatted, nl=False)


def _read(file: str) -> str:
    from netfig.sources.files import read_file
    from netfig.sources.recurrence import accepts, decoded, equations_of

    if file == "-":
        return decoded(sys.stdin.buffer.read(), "standard input")
    return equations_of(file) if accepts(file) else decoded(read_file(file, "recurrence file"), file)
