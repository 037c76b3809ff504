"""``netfig gallery build|check``."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

import click

from netfig.errors import InvalidInput, Missing


@click.group("gallery", short_help="Draw every example again, or check that none is stale.")
def command() -> None:
    """Draw the files of examples/ into gallery/, each by the commands in its own header."""


@command.command("build")
@click.argument("root", default=".", type=click.Path(path_type=Path))
def build(root: Path) -> None:
    """Draw everything; say which files changed."""
    from netfig import gallery

    for line in gallery.build(_project(root), _run).lines():
        click.echo(line)


@command.command("check")
@click.argument("root", default=".", type=click.Path(path_type=Path))
def check(root: Path) -> None:
    """Compare with what the examples make now; write nothing."""
    from netfig import gallery

    difference = gallery.check(_project(root), _run)
    if difference:
        raise InvalidInput("the gallery is stale", why="\n       ".join(difference.lines()), hint="netfig gallery build")


def _project(root: Path) -> Path:
    if not (root / "examples").is_dir():
        raise Missing(f"there is no folder 'examples' in {str(root)!r}", hint="run it in the project's folder")
    return root


def _run(words: Sequence[str]) -> str:
    """One command line in this process; what it prints is handed back, its errors are raised."""
    from netfig.cli import cli

    buffer = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(buffer, encoding="utf-8", write_through=True)):
        cli.main(list(words), prog_name="netfig", standalone_mode=False)
        return buffer.getvalue().decode()
