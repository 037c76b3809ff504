"""The library of cells: well-known recurrences as ``.rnn`` files, drawn by the target ``cell:NAME``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from netfig.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from netfig.equations.types import Program

FOLDER = Path(__file__).parent.parent / "cells"
SUFFIX = ".rnn"


def cells() -> dict[str, str]:
    """The cells by name, each with the title its file begins with."""
    found = {}
    for path in sorted(FOLDER.glob(f"*{SUFFIX}")):
        with path.open(encoding="utf-8") as file:
            found[path.stem] = file.readline().removeprefix("#").strip()
    return found


def cell_text(name: str) -> str:
    """The equations of a cell as its file has them.

    Raises:
        UsageError: there is no such cell.
    """
    if name not in {path.stem for path in FOLDER.glob(f"*{SUFFIX}")}:
        raise UsageError(f"there is no cell {name!r}", hint=did_you_mean(name, cells()))
    return (FOLDER / f"{name}{SUFFIX}").read_text("utf-8")


def cell(name: str) -> Program:
    """A cell as a program; see `cell_text`."""
    from netfig.equations.parser import parse

    return parse(cell_text(name), name)
