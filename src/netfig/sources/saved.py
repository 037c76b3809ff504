"""Source "saved": a graph written by ``netfig trace``; reading one never runs code."""

from __future__ import annotations

import os
import sys
from typing import Any

from netfig.errors import UsageError
from netfig.hooks import Loaded, Request
from netfig.sources.files import read_file


def accepts(target: Any) -> bool:
    """A path that ends in ``.json``, or ``-`` for standard input."""
    return isinstance(target, (str, os.PathLike)) and (os.fspath(target) == "-" or str(target).lower().endswith(".json"))


def load(request: Request, options: Any) -> Loaded:
    """Read the graph; what is wrong with it is said by the schema."""
    where = "standard input" if os.fspath(request.target) == "-" else str(request.target)
    _refuse_what_only_models_take(request)
    return from_bytes(request, _read(request.target), where=where)


def from_bytes(request: Request, raw: bytes, *, where: str) -> Loaded:
    """The graph in the bytes of a file."""
    from netfig.schema import graph_from_json

    _refuse_what_only_models_take(request)
    return Loaded(graph_from_json(raw, where=where))


def _refuse_what_only_models_take(request: Request) -> None:
    given = _what_only_models_take(request)
    if given:
        raise UsageError(
            f"a saved graph takes no {' and no '.join(given)}",
            where=str(request.target),
            why="it holds the shapes it was traced with",
            hint="leave it out, or trace the model again",
        )


def _what_only_models_take(request: Request) -> list[str]:
    return [
        word
        for word, is_given in (
            ("--input", bool(request.inputs)),
            ("--inputs", request.inputs_from is not None),
            ("inputs", request.arguments is not None),
            ("--verify", request.verify),
        )
        if is_given
    ]


def _read(target: Any) -> bytes:
    if os.fspath(target) == "-":
        return sys.stdin.buffer.read()
    return read_file(target, "graph file")
