"""Source "worked": a small example with numbers in a ``.worked.toml`` file. Nothing is executed.

What may stand in it is read by `netfig.sources.worked_text` and made into a graph by `netfig.sources.worked_build`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidInput, UsageError
from netfig.hooks import Loaded, Request
from netfig.sources.files import read_file

if TYPE_CHECKING:
    from netfig.graph import Graph

SUFFIX = ".worked.toml"


def accepts(target: Any) -> bool:
    """A path that ends in ``.worked.toml``."""
    return isinstance(target, (str, os.PathLike)) and str(os.fspath(target)).lower().endswith(SUFFIX)


def load(request: Request, options: Any) -> Loaded:
    """Read the file, work everything out, and hand back the graph with its numbers.

    Raises:
        InvalidProgram: something in the file is wrong; all of it is named, each with its place.
    """
    path = os.fspath(request.target)
    _check(request)
    raw = read_file(path, "worked example")
    try:
        source = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"worked example {path!r} is not UTF-8 text", why=f"byte {error.start}: {error.reason}") from None
    file = os.path.basename(path)
    return Loaded(worked(source, file, name=request.name or ""))


def worked(source: str, file: str = "", *, name: str = "") -> Graph:
    """The graph of a worked example given as text."""
    from netfig.sources.worked_build import KINDS
    from netfig.sources.worked_graph import Builder
    from netfig.sources.worked_text import WorkedText

    text = WorkedText(source, file)
    if "kind" not in text.data:
        text.stop("the key 'kind' is missing", (0, 1), hint=f'write kind = "attention"; known: {", ".join(KINDS)}')
    kind = text.word(text.data, "kind", (), KINDS, "")
    title = text.text(text.data, "title", ())
    text.check()
    stem = file.lower().removesuffix(SUFFIX) or kind
    try:
        return KINDS[kind](Builder(text, name or title or stem, file, kind))
    except OverflowError:
        text.stop("the numbers grow too large to be worked out", (0, 1), hint="use smaller ones")


def _check(request: Request) -> None:
    """What only models take."""
    given = request.inputs or request.inputs_from is not None or (request.arguments is not None and any(request.arguments))
    if given:
        raise UsageError("a worked example takes no inputs", why="its numbers stand in the file", hint="leave them out")
    if request.verify:
        raise UsageError("a worked example is no model, so there is nothing to --verify", hint="leave it out")
