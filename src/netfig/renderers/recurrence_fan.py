"""Weights as boxes of their own, each with a wire to every step it acts in, instead of chips on the wires."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.figure import Box, End, Group, Wire

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.figure import Chip
    from netfig.mathtext import Text


def fan_out(group: Group, wires: tuple[Wire, ...]) -> tuple[Group, tuple[Wire, ...]]:
    """The same grid with a weight box at the left, in a row of its own below the first box it acts on, for every chip."""
    boxes = {box.id: box for box in group.children if isinstance(box, Box)}
    weights = _weights(boxes, wires)
    above: dict[int, list[Chip]] = {}  # by the row they act on
    for chip, row in weights.values():
        above.setdefault(row, []).append(chip)
    top = max((row_of(box) for box in boxes.values()), default=0)
    rows: dict[int, int] = {}
    fresh: dict[str, int] = {}
    at = 0
    for row in range(top + 1):
        for chip in above.get(row, ()):
            fresh[chip.id] = at
            at += 1
        rows[row] = at
        at += 1
    placed: list[Box | Group] = [
        Box(f"weight {id}", chip.role, (chip.title,), place=(0, fresh[id]), tooltip=chip.tooltip, stands_for=chip.stands_for)
        for id, (chip, _) in weights.items()
    ]
    for box in boxes.values():
        column, row = box.place or (0, 0)
        placed.append(dataclasses.replace(box, place=(column + 1, rows[row])))
    names: list[tuple[Text, ...]] = [()] * at
    for row, name in enumerate(group.row_names):
        if row in rows:
            names[rows[row]] = name
    changed = dataclasses.replace(group, children=tuple(placed), row_names=tuple(names), column_names=((), *group.column_names))
    return changed, (*_fans(boxes, wires), *(dataclasses.replace(wire, chips=()) for wire in wires))


def row_of(box: Box) -> int:
    """The highest row a box takes."""
    return (box.place or (0, 0))[1] + box.span[1] - 1


def _weights(boxes: Mapping[str, Box], wires: tuple[Wire, ...]) -> dict[str, tuple[Chip, int]]:
    """Every chip with the lowest row it acts on."""
    found: dict[str, tuple[Chip, int]] = {}
    for wire in wires:
        row = (boxes[wire.target.box].place or (0, 0))[1]
        for chip in wire.chips:
            found[chip.id] = chip, min(row, found.get(chip.id, (chip, row))[1])
    return found


def _fans(boxes: Mapping[str, Box], wires: tuple[Wire, ...]) -> list[Wire]:
    """From each weight to every box it acts in, dots left out."""
    found: dict[tuple[str, str], Wire] = {}
    for wire in wires:
        if boxes[wire.target.box].role.startswith("ellipsis"):
            continue
        for chip in wire.chips:
            source, target = End(f"weight {chip.id}", side="right"), End(wire.target.box, side="bottom")
            found.setdefault((chip.id, wire.target.box), Wire(source, target, emphasis=wire.emphasis, stands_for=chip.stands_for))
    return list(found.values())
