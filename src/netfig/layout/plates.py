"""Plates: what lies between a pattern and the words on it, so that they can be read."""

from __future__ import annotations

from collections.abc import Sequence

from netfig.drawing import Item, Label, Shape
from netfig.theme import Theme

BESIDE, ABOVE = 3.0, 1.5  # how far a plate reaches beyond its words


def with_plates(items: Sequence[Item], theme: Theme) -> list[Item]:
    """The same items, with a plate right behind every text in a box that would otherwise stand on a pattern."""
    patterned: dict[str, list[Shape]] = {}
    for item in items:
        if (
            isinstance(item, Shape)
            and item.box
            and item.tone == "fill"
            and item.heat is None
            and theme.role(item.role).pattern != "none"
        ):
            patterned.setdefault(item.box, []).append(item)
    out: list[Item] = []
    for item in items:
        if isinstance(item, Label) and item.on == "inside" and any(_meet(item, shape) for shape in patterned.get(item.box, ())):
            out.append(_plate(item))
        out.append(item)
    return out


def _plate(label: Label) -> Shape:
    left, top, right, bottom = label.bounds
    corners = (round(left - BESIDE, 2), round(top - ABOVE, 2)), (round(right + BESIDE, 2), round(bottom + ABOVE, 2))
    return Shape(f"{label.id}/plate", "rect", label.role, corners, 2.0, tone="plate", outlined=False, box=label.box, part="plate")


def _meet(label: Label, shape: Shape) -> bool:
    a, b = label.bounds, shape.bounds
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
