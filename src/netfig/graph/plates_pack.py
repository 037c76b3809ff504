"""Parts of a graph as attributes, so that a note can hold them."""

from __future__ import annotations

import dataclasses
from functools import cache
from typing import Any

from netfig import mathtext
from netfig.graph import types


@cache
def _classes() -> dict[str, tuple[type, tuple[str, ...]]]:
    every = {**vars(mathtext), **vars(types)}.values()
    return {
        cls.__name__: (cls, tuple(f.name for f in dataclasses.fields(cls)))
        for cls in every
        if isinstance(cls, type) and dataclasses.is_dataclass(cls) and cls is not types.Graph
    }


def packed(thing: Any) -> Any:
    """A record as its class's name and fields, a tuple as an empty name and its items; text and numbers are themselves."""
    if isinstance(thing, tuple):
        return ("", *map(packed, thing))
    known = _classes().get(type(thing).__name__)
    return thing if known is None else (type(thing).__name__, *(packed(getattr(thing, name)) for name in known[1]))


def unpacked(data: Any) -> Any:
    """The inverse of `packed`. Raises `ValueError` on anything else."""
    if not isinstance(data, tuple):
        return data
    if not data or not isinstance(data[0], str):
        raise ValueError("this is no part of a graph")
    name, items = data[0], tuple(map(unpacked, data[1:]))
    if not name:
        return items
    cls, fields = _classes().get(name, (None, ()))
    if cls is None or len(fields) != len(items):
        raise ValueError(f"there is no part of a graph called {name!r} with {len(items)} fields")
    return cls(*items)
