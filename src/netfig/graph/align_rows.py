"""Modules in a row that have the same inside and the same differences: ``layers.0`` to ``layers.11``."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from netfig.graph.types import Op, Scope

if TYPE_CHECKING:
    from netfig.graph.align import Item


def rows_of(item: Item) -> list[tuple[Item, ...]]:
    """The children of an item in their order; those that stand side by side and are alike are one row."""
    found: list[tuple[Item, ...]] = []
    for _, group in groupby(item.children, key=_likeness):
        row = tuple(group)
        shapes = {tuple(inner.state for inner in one.walk()) for one in row}
        found += [row] if len(shapes) == 1 else [(one,) for one in row]
    return found


def _likeness(item: Item) -> object:
    one = item.item
    if isinstance(one, Op) or one.kind != "module" or not one.path or not one.path[-1].isdigit():
        return id(item)
    changes = tuple(tuple((c.what, c.before, c.after) for c in inner.changes if c.what != "name") for inner in item.walk())
    return one.path.rstrip("0123456789"), item.state, item.like, bool(item.moved), changes


def row_name(row: tuple[Item, ...]) -> str:
    """The path of what stands in a row: ``layers.0 … 11``."""
    first, last = (one.item.path if isinstance(one.item, Scope) else one.item.id for one in (row[0], row[-1]))
    return first if len(row) == 1 else f"{first} … {last.rpartition('.')[2]}"
