"""Source "saved": a graph written by ``netfig trace``; reading one never runs code."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from typing import Any

from netfig.hooks import Loaded, Request
from netfig.sources.files import read_file, refuse_what_models_take


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
    graph = graph_from_json(raw, where=where)
    if request.sizes:
        from netfig.graph.formula_graph import with_sizes

        graph = with_sizes(graph, request.sizes)
    return Loaded(graph)


def _refuse_what_only_models_take(request: Request) -> None:
    why, hint = "it holds the shapes it was traced with", "leave it out, or trace the model again"
    refuse_what_models_take(replace(request, sizes={}), f"the saved graph {str(request.target)!r} takes", why, hint)


def _read(target: Any) -> bytes:
    if os.fspath(target) == "-":
        return sys.stdin.buffer.read()
    return read_file(target, "graph file")
