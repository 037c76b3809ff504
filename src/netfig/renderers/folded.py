"""The folded recurrence: one step, with a loop and a delay for what comes from another; beside its unrolled form if wanted."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.figure import Box, End, Figure, Group, Wire
from netfig.mathtext import Text, plain, text_of
from netfig.records import dataclass
from netfig.renderers.options import FoldedOptions
from netfig.renderers.recurrence_folded import Folded
from netfig.renderers.recurrence_sheet import Sheet
from netfig.renderers.recurrence_steps import Wanted
from netfig.renderers.unrolled import caption_of, equations_of, rolled, sizes_of

if TYPE_CHECKING:
    from netfig.graph import Graph


def draw_folded(graph: Graph, options: FoldedOptions) -> Figure:
    """The figure of one step of a recurrence, with its loops.

    Raises:
        UsageError: nothing recurs in the graph.
    """
    recurrence = rolled(graph, sizes_of(options.sizes))
    sheet = Sheet(recurrence, Wanted(options.steps))
    folded = Folded(sheet)
    boxes, wires = list(folded.boxes.values()), list(folded.wires)
    if options.with_unrolled:  # the two forms hold the same values
        boxes = [dataclasses.replace(box, id=f"folded {box.id}") for box in boxes]
        wires = [_renamed(wire) for wire in wires]
    names = _at_rows(folded, sheet.row_names())
    columns: tuple[Text, ...] = ()
    if options.with_unrolled:
        more, columns = _beside(folded, sheet)
        boxes += more.boxes.values()
        wires += more.wires
    return Figure(
        graph.name,
        _alt(sheet, folded),
        Group("steps", tuple(boxes), arrangement="grid", row_names=names, column_names=columns, stands_for=(graph.root.id,)),
        tuple(wires),
        caption=caption_of(sheet) if options.caption else (),
        direction="right",
        equations=equations_of(graph) if options.equations else (),
    )


@dataclass
class _More:
    boxes: dict[str, Box]
    wires: list[Wire]


def _renamed(wire: Wire) -> Wire:
    source, target = (dataclasses.replace(end, box=f"folded {end.box}") for end in (wire.source, wire.target))
    return dataclasses.replace(wire, source=source, target=target)


def _at_rows(folded: Folded, names: tuple[tuple[Text, ...], ...]) -> tuple[tuple[Text, ...], ...]:
    """The names of the common rows at their rows of the grid."""
    found: list[tuple[Text, ...]] = [()] * (max(folded.rows.values(), default=0) + 1)
    for n, name in enumerate(names):
        found[folded.rows[n]] = name
    return tuple(found)


def _beside(folded: Folded, sheet: Sheet) -> tuple[_More, tuple[Text, ...]]:
    """The unrolled form to the right, in the same rows, behind an arrow."""
    level = folded.rows[sheet.rows.level]
    arrow = [Box(f"unfold {end}", "anchor", (), place=(folded.width + n, level)) for n, end in enumerate(("from", "to"))]
    offset = folded.width + 2
    boxes = {box.id: box for box in arrow}
    for id, box in sheet.boxes.items():
        column, row = box.place or (0, 0)
        boxes[id] = dataclasses.replace(box, place=(column + offset, folded.rows[row]))
    wires = [Wire(End(arrow[0].id), End(arrow[1].id), role="helper.arrow", label=plain("unfold")), *sheet.wires]
    return _More(boxes, wires), ((),) * offset + sheet.column_names()


def _alt(sheet: Sheet, folded: Folded) -> str:
    def name(id: str) -> str:
        box = folded.boxes[id]
        return text_of(box.title[0]) if box.title else "delay" if box.role == "delay" else "layers left out"

    parts = []
    for wire in folded.wires:
        weights = ", ".join(text_of(chip.title) for chip in wire.chips)
        parts.append(f"{name(wire.source.box)} to {name(wire.target.box)}" + (f" ({weights})" if weights else ""))
    return f"{sheet.words.name} folded into one step: {'; '.join(parts)}."
