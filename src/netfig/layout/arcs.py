"""Words in a row with arcs over them: the part of a sheet that shows what a token looks at.

Every arc leaves the top of its word and comes down on the top of another; those to nearer words leave further out, so that none
crosses another.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.drawing import Item, Label, Line, Shape
from netfig.figure import Box
from netfig.layout.parts import fit_line, make_label
from netfig.layout.sheet_parts import PLAIN_HEAT, WORD_SIZE, Part, part_of
from netfig.layout.text import CAP_HEIGHT

if TYPE_CHECKING:
    from netfig.figure import Figure, Group, Wire
    from netfig.theme import Theme

HEIGHT: Final = 28.0
PAD: Final = 9.0
LEAST: Final = 44.0
GAP: Final = 16.0
WIDEST_WORD: Final = 110.0
LANE: Final = 6.0  # between two arcs that leave one word
FLAT: Final = 0.42  # height of an arc, in its width
HIGHEST, LOWEST, RISE = 80.0, 24.0, 8.0
WIDTHS: Final = (0.8, 4.6)  # of arcs of weight 0 and 1


def arcs_part(group: Group, figure: Figure, theme: Theme) -> Part:
    """The words of a group and the wires between them; a word's `cells` hold one cell whose heat shades it."""
    boxes = [box for box in group.children if isinstance(box, Box)]
    wires = [w for w in figure.wires if w.source.box in {b.id for b in boxes}]
    return part_of(_Row(boxes, wires, theme).items())


class _Row:
    def __init__(self, boxes: list[Box], wires: list[Wire], theme: Theme) -> None:
        self.boxes, self.wires, self.theme = boxes, wires, theme
        self.words = {box.id: fit_line(box.title[0], WORD_SIZE, WIDEST_WORD, strong=box.emphasis == "strong") for box in boxes}
        self.spans: dict[str, tuple[float, float]] = {}
        x = 0.0
        for box in boxes:
            place = boxes.index(box)
            before = {b.id for b in boxes[:place]}
            mine = [w.target.box in before for w in wires if w.source.box == box.id]
            width = max(LEAST, self.words[box.id].width + 2 * PAD, LANE * (2 * max(sum(mine), len(mine) - sum(mine)) + 3))
            width = float(-(-width // 2) * 2)
            self.spans[box.id] = (x, x + width)
            x += width + GAP

    def items(self) -> list[Item]:
        items: list[Item] = []
        for place, wire in enumerate(self.wires):
            items.append(self._arc(place, wire))
        for box in self.boxes:
            items += self._word(box)
        return items

    def _middle(self, box: str) -> float:
        left, right = self.spans[box]
        return (left + right) / 2

    def _fan(self, wire: Wire) -> list[Wire]:
        """The arcs that leave the same word to the same side, the shortest first."""
        here = self._middle(wire.source.box)
        to_left = self._middle(wire.target.box) < here
        fan = [w for w in self.wires if w.source.box == wire.source.box and (self._middle(w.target.box) < here) == to_left]
        return sorted(fan, key=lambda w: abs(self._middle(w.target.box) - here))

    def _height(self, wire: Wire) -> float:
        """How high an arc rises: by its reach, and above those it passes over."""
        here, height = self._middle(wire.source.box), 0.0
        for other in self._fan(wire):
            reach = abs(self._middle(other.target.box) - here)
            height = max(height + RISE if height else 0.0, LOWEST, min(HIGHEST, FLAT * reach))
            if other is wire:
                break
        return height

    def _arc(self, place: int, wire: Wire) -> Line:
        here, end, top = self._middle(wire.source.box), self._middle(wire.target.box), -HEIGHT / 2
        fan = self._fan(wire)
        lane = LANE / 2 + LANE * (len(fan) - 1 - fan.index(wire))
        start = here + (lane if end > here else -lane)
        reach, height = abs(end - start), self._height(wire)
        weight = wire.weight if wire.weight is not None else 0.5
        role = f"{wire.role}.{wire.emphasis}" if wire.emphasis else wire.role
        points = ((start, top), (start, top - height), (end, top - height), (end, top))
        return Line(
            f"arc/{place}", role, tuple((round(x, 2), round(y, 2)) for x, y in points), round(min(reach / 2, height), 2),
            width=round(WIDTHS[0] + (WIDTHS[1] - WIDTHS[0]) * weight, 2), source=wire.source.box, target=wire.target.box,
            stands_for=wire.stands_for,
        )  # fmt: skip

    def _word(self, box: Box) -> list[Item]:
        left, right = self.spans[box.id]
        cell = box.cells.rows[0][0] if box.cells is not None else None
        heat = cell.heat if cell is not None and cell.heat is not None else PLAIN_HEAT
        shape = Shape(
            box.id, "rect", box.role, ((left, -HEIGHT / 2), (right, HEIGHT / 2)), 6.0, heat=heat, box=box.id,
            width=2.4 if box.emphasis == "strong" else None, tooltip=box.tooltip, stands_for=box.stands_for,
        )  # fmt: skip
        middle = self._middle(box.id)
        word = self.words[box.id]
        label = make_label(f"{box.id}/word", word, middle, WORD_SIZE * CAP_HEIGHT / 2, role=box.role, box=box.id, on="inside")
        return [shape, label, *self._below(box, middle)]

    def _below(self, box: Box, middle: float) -> list[Label]:
        style = self.theme.role("text.secondary")
        y = HEIGHT / 2 + 7
        found = []
        for i, row in enumerate(box.rows):
            line = fit_line(row.text, style.size + 1, strong=row.kind == "count")
            y += 0.74 * (style.size + 1) if i == 0 else 1.22 * style.size
            found.append(
                make_label(f"{box.id}/below{i}", line, middle, y, role="text" if row.kind == "count" else "text.secondary")
            )
        return found
