"""The layout of a neuron diagram: columns of circles, straight wires from every circle to those of the next column."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from netfig.drawing import Drawing, Item, Label, Line, Shape
from netfig.figure import Box, Group
from netfig.layout.blocks import PAGE_WIDTH
from netfig.layout.parts import LEADING, fit_line, make_label, page
from netfig.layout.text import CAP_HEIGHT, set_line

if TYPE_CHECKING:
    from netfig.drawing import Point
    from netfig.figure import Figure, Wire
    from netfig.theme import RoleStyle, Theme

PITCH: Final = 12.0  # between two circles of a column
COLUMNS: Final = (96.0, 170.0)  # least and most between the middles of two columns
STEEP: Final = 0.42  # columns are at least so far apart, in heights of the tallest
WITH_NUMBER: Final = 42.0  # across a circle that holds a symbol and a number
DOT: Final = 3.2
DOT_GAP: Final = 7.0
NAME_GAP: Final = 14.0
WIDEST_NAME: Final = 150.0


def lay_out_neurons(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root is columns of neurons; `width` is the printed width in points."""
    return page(_Placer(figure, theme, width or PAGE_WIDTH).items(), figure, theme, direction="right", width=width)


class _Placer:
    """Finds the places; one instance a figure."""

    def __init__(self, figure: Figure, theme: Theme, width: float) -> None:
        self.figure, self.theme = figure, theme
        self.columns = [child for child in figure.root.children if isinstance(child, Group)]
        self.boxes = [[box for box in column.children if isinstance(box, Box)] for column in self.columns]
        every = [box for boxes in self.boxes for box in boxes if not _is_dots(box)]
        numbers = any(box.rows for box in every)
        least = max((theme.role(box.role).min_width for box in every), default=33.0)
        self.across = max(least, WITH_NUMBER) if numbers else least
        self.tall = max((self._height(boxes) for boxes in self.boxes), default=0.0)
        names = max((self._name_width(column) for column in self.columns), default=0.0)
        room = (width - 2 * theme.margin - names) / max(1, len(self.columns) - 1)
        wanted = max(COLUMNS[0], names + 16, STEEP * self.tall)
        self.step = max(COLUMNS[0], names + 10, min(COLUMNS[1], wanted, room))
        self.centres: dict[str, Point] = {}

    def _height(self, boxes: list[Box]) -> float:
        return sum(self._room(box) for box in boxes) + PITCH * max(0, len(boxes) - 1)

    def _room(self, box: Box) -> float:
        return 2 * DOT_GAP + DOT if _is_dots(box) else self.across

    def _name_width(self, column: Group) -> float:
        size = self.theme.role("text.secondary").size
        return max(fit_line(text, size, WIDEST_NAME).width for text in (column.title, column.detail))

    def items(self) -> list[Item]:
        for n, boxes in enumerate(self.boxes):
            y = -self._height(boxes) / 2
            for box in boxes:
                room = self._room(box)
                self.centres[box.id] = (round(n * self.step, 2), round(y + room / 2, 2))
                y += room + PITCH
        wires = [self._wire(n, wire) for n, wire in enumerate(self.figure.wires)]
        wires.sort(key=lambda line: self.theme.role(line.role).width)
        items: list[Item] = list(wires)
        for boxes in self.boxes:
            for box in boxes:
                items += self._neuron(box)
        for n, column in enumerate(self.columns):
            items += self._names(n, column)
        return items

    def _wire(self, n: int, wire: Wire) -> Line:
        role = f"{wire.role}.{wire.emphasis}" if wire.emphasis else wire.role
        (ax, ay), (bx, by) = self.centres[wire.source.box], self.centres[wire.target.box]
        size = math.hypot(bx - ax, by - ay)
        dx, dy = (bx - ax) / size * self.across / 2, (by - ay) / size * self.across / 2
        points = ((round(ax + dx, 2), round(ay + dy, 2)), (round(bx - dx, 2), round(by - dy, 2)))
        return Line(
            f"wire/{n}", role, points, 0.0, self.theme.role(role).head > 0, source=wire.source.box, target=wire.target.box,
            stands_for=wire.stands_for,
        )  # fmt: skip

    def _neuron(self, box: Box) -> list[Item]:
        x, y = self.centres[box.id]
        if _is_dots(box):
            return [self._dot(box, i, x, y + (i - 1) * DOT_GAP) for i in range(3)]
        half = self.across / 2
        style = self.theme.role(box.role)
        shape = Shape(
            box.id, "ellipse", box.role, ((round(x - half, 2), round(y - half, 2)), (round(x + half, 2), round(y + half, 2))),
            width=2.4 if box.emphasis == "strong" else None, box=box.id, tooltip=box.tooltip, stands_for=box.stands_for,
        )  # fmt: skip
        return [shape, *self._texts(box, style, x, y)]

    def _dot(self, box: Box, i: int, x: float, y: float) -> Shape:
        points = ((round(x - DOT / 2, 2), round(y - DOT / 2, 2)), (round(x + DOT / 2, 2), round(y + DOT / 2, 2)))
        return Shape(f"{box.id}/dot{i}", "ellipse", box.role, points, tone="stroke", outlined=False, box=box.id, part=f"dot{i}")

    def _texts(self, box: Box, style: RoleStyle, x: float, y: float) -> list[Label]:
        """The symbol, and the number below it."""
        found: list[Label] = []
        size = style.size if not box.rows else style.size - 2
        line = set_line(box.title[0], size)
        if not box.rows:
            return [make_label(f"{box.id}/text0", line, x, y + size * 0.28, role=box.role, box=box.id, on="inside")]
        found.append(make_label(f"{box.id}/text0", line, x, y - 3.5, role=box.role, box=box.id, on="inside"))
        strong = box.emphasis == "strong"
        number = fit_line(box.rows[0].text, style.row_size, self.across - 8, strong=strong)
        baseline = y + 8 + style.row_size * CAP_HEIGHT / 2
        found.append(make_label(f"{box.id}/text1", number, x, baseline, role=box.role, box=box.id, on="inside"))
        return found

    def _names(self, n: int, column: Group) -> list[Label]:
        """What a layer is and how wide it is, level under all columns."""
        size = self.theme.role("text.secondary").size
        y = self.tall / 2 + NAME_GAP + 0.72 * size
        found = []
        for i, text in enumerate((column.title, column.detail)):
            if text:
                line = fit_line(text, size, WIDEST_NAME)
                found.append(make_label(f"{column.id}/name{i}", line, n * self.step, y, role="text.secondary"))
                y += LEADING * size
        return found


def _is_dots(box: Box) -> bool:
    return box.role.startswith("ellipsis")
