"""What stands on a sheet, each drawn for itself: matrices with their names and sizes, signs, lines of arithmetic.

A `Part` has its left end at x = 0 and its axis, on which signs and the middles of matrices stand, at y = 0.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from netfig.drawing import Item, Label, Shape
from netfig.layout.parts import LEADING, bounds_of, fit_line, make_label, shift
from netfig.layout.text import CAP_HEIGHT, SetLine, set_line
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.figure import Box, Cell, Cells
    from netfig.mathtext import Text
    from netfig.theme import Theme

NAME_SIZE: Final = 16.0  # of a symbol over its matrix
WORD_SIZE: Final = 12.0  # of a word over it, and of what is in its cells
LARGE_SIZE: Final = 15.0  # of what is in large cells
NOTE_SIZE: Final = 10.0  # of what a large cell is multiplied by
UNEVEN: Final = 1.7  # a column so much wider than others has a width of its own
SMALL: Final = (5.0, 10.0, 42.0)  # least and most side of small cells, and the width a matrix of them has at most
BARE: Final = (2.0, 14.0, 232.0)  # the same for cells of the usual size without text
WIDEST_NAME: Final = 90.0
NAME_GAP: Final = 8.0  # between cells and what stands around them
PLAIN_HEAT: Final = 0.45
"""How a cell without heat is shaded."""


@dataclass(frozen=True, slots=True)
class Room:
    """How much room a sheet gives: the least cell, the least large cell, what stands around the text in a cell, and gaps between
    lines and paragraphs."""

    cell: tuple[float, float]
    large: tuple[float, float]
    pad: float
    line: float
    paragraph: float


ROOMY: Final = Room((26.0, 25.0), (40.0, 40.0), 10.0, 14.0, 20.0)
NARROW: Final = Room((22.0, 25.0), (34.0, 36.0), 10.0, 14.0, 20.0)
LOW: Final = Room((22.0, 20.0), (34.0, 36.0), 6.0, 10.0, 13.0)
"""For a figure that needs fewer lines, or is too high for a page."""


@dataclass(frozen=True, slots=True)
class Part:
    """Something with a place on a line: `joint` when the line may be broken before it, `small` when little stands around it."""

    items: tuple[Item, ...]
    width: float
    above: float
    below: float
    joint: bool = False
    small: bool = False


def part_of(items: Sequence[Item], *, joint: bool = False, small: bool = False) -> Part:
    """The part that consists of items drawn around their axis; its left end is moved to 0."""
    left, top, right, bottom = bounds_of(items)
    return Part(tuple(shift(i, -left, 0.0) for i in items), right - left, -top, bottom, joint, small)


def box_part(box: Box, theme: Theme, room: Room = ROOMY) -> Part:
    """The part of a box: a matrix, or a sign between two."""
    if box.cells is not None:
        return part_of(_Matrix(box, box.cells, theme, room).items(), small=box.cells.size == "small")
    return part_of(_sign(box, theme), joint="sign" in box.role.split("."))


def _sign(box: Box, theme: Theme) -> list[Item]:
    """Words above a sign, centred together on the axis."""
    style = theme.role(box.role)
    lines = [set_line(text, style.row_size) for text in box.above if text]
    signs = [set_line(text, style.size) for text in box.title if text]
    leading = LEADING * style.row_size
    height = leading * len(lines) + LEADING * style.size * (len(signs) - 1) if lines else 0.0
    items: list[Item] = []
    y = -height / 2 + (style.row_size * CAP_HEIGHT / 2 if lines else 0.0)
    for i, line in enumerate(lines):
        items.append(make_label(f"{box.id}/word{i}", line, 0.0, y, role=box.role))
        y += leading
    for i, line in enumerate(signs):
        baseline = y + 2 if lines else (line.ascent - line.descent) / 2 if len(line.text) == 1 else style.size * 0.3
        items.append(make_label(f"{box.id}/sign{i}", line, 0.0, baseline, role=box.role))
        y += LEADING * style.size
    return items


class _Matrix:
    """The items of one matrix, its cells centred on (0, 0)."""

    def __init__(self, box: Box, cells: Cells, theme: Theme, room: Room) -> None:
        self.box, self.cells, self.theme, self.room = box, cells, theme, room
        self.count = len(cells.rows), max((len(row) for row in cells.rows), default=0)
        self.size = LARGE_SIZE if cells.size == "large" else WORD_SIZE
        self.has_notes = any(cell.note for row in cells.rows for cell in row)
        self.words = theme.role("text.secondary").size
        self.widths, self.height = self._steps()
        self.edges = [0.0]
        for width in self.widths:
            self.edges.append(round(self.edges[-1] + width, 2))
        self.left, self.top = -self.edges[-1] / 2, -self.count[0] * self.height / 2

    def _steps(self) -> tuple[list[float], float]:
        """The width of each column, all alike unless one is much wider, and the height of the rows."""
        most, columns = max(*self.count, 1), self.count[1]
        if self.cells.size == "small":
            side = max(SMALL[0], min(SMALL[1], SMALL[2] / most))
            return [side] * columns, side
        rows = [[set_line(c.text, self.size, strong=c.emphasis == "strong" or c.marked) for c in row] for row in self.cells.rows]
        texts = [line for row in rows for line in row]
        if not any(line.runs for line in texts):
            side = max(BARE[0], min(BARE[1], BARE[2] / most))
            return [side] * columns, side
        least, height = self.room.large if self.cells.size == "large" else self.room.cell
        named = max((fit_line(name, self.words, WIDEST_NAME).width for name in self.cells.column_names if name), default=-6.0)
        tallest = max(line.ascent + max(line.descent, 0.0) for line in texts)
        wanted = [max(least, max(row[j].width for row in rows if j < len(row)) + 9, named + 6) for j in range(columns)]
        if max(wanted) < UNEVEN * min(wanted):
            wanted = [max(wanted)] * columns
        return [float(-(-width // 2) * 2) for width in wanted], max(height, float(-(-(tallest + self.room.pad) // 2) * 2))

    def items(self) -> list[Item]:
        items: list[Item] = [self._frame()]
        order = sorted(self._places(), key=lambda place: place[2].emphasis != "quiet")
        items += [self._cell(i, j, cell) for i, j, cell in order]
        window = self._window()
        if window is not None:
            items.append(window)
        for i, j, cell in self._places():
            items += self._texts(i, j, cell)
        items += self._row_names()
        columns = self._column_names()
        return [*items, *columns, *self._title(bool(columns)), *self._below()]

    def _places(self) -> list[tuple[int, int, Cell]]:
        return [(i, j, cell) for i, row in enumerate(self.cells.rows) for j, cell in enumerate(row)]

    def _corners(self, i: int, j: int, height: int = 1, width: int = 1) -> tuple[tuple[float, float], tuple[float, float]]:
        x, end = self.left + self.edges[j], self.left + self.edges[j + width]
        y = self.top + i * self.height
        return (round(x, 2), round(y, 2)), (round(end, 2), round(y + height * self.height, 2))

    def _frame(self) -> Shape:
        box = self.box
        points = self._corners(0, 0, *self.count)
        quiet = any(cell.emphasis == "quiet" for _, _, cell in self._places())  # the outer cells draw dashes of their own
        return Shape(
            box.id, "rect", box.role, points, tone="none", box=box.id, width=self._pen(), outlined=not quiet, tooltip=box.tooltip,
            stands_for=box.stands_for,
        )  # fmt: skip

    def _pen(self) -> float:
        return 0.6 if self.height < 8 else 1.0 if self.height > 14 else 0.8

    def _cell(self, i: int, j: int, cell: Cell) -> Shape:
        quiet = cell.emphasis == "quiet"
        heat = 1.0 if cell.marked else cell.heat if cell.heat is not None else 0.0 if quiet else PLAIN_HEAT
        quiet_role = "norm" if self.cells.size == "small" else "note"
        role = quiet_role if quiet and not cell.marked else self.box.role
        tiny = self.height < 8 and self.cells.size != "small"
        dashed = quiet and self.cells.size != "small"
        return Shape(
            f"{self.box.id}/cell{i}.{j}", "rect", role, self._corners(i, j), heat=heat, dashed=dashed, box=self.box.id,
            part=f"cell{i}.{j}", width=self._pen(), outlined=not tiny,
        )  # fmt: skip

    def _window(self) -> Shape | None:
        """A strong outline around the marked cells of a large matrix, when they are a block."""
        marked = [(i, j) for i, j, cell in self._places() if cell.marked]
        if not marked or self.cells.size == "small":
            return None
        (top, left), (bottom, right) = marked[0], marked[-1]
        height, width = bottom - top + 1, right - left + 1
        if len(marked) != height * width:
            return None
        points = self._corners(top, left, height, width)
        return Shape(
            f"{self.box.id}/window", "rect", self.box.role, points, tone="none", width=2.2, box=self.box.id, part="window"
        )

    def _texts(self, i: int, j: int, cell: Cell) -> list[Label]:
        (left, top), (right, bottom) = self._corners(i, j)
        found: list[Label] = []
        name = f"{self.box.id}/text{i}.{j}"
        role = "text.secondary" if cell.emphasis == "quiet" and not cell.marked else self.box.role
        if cell.text:
            line = set_line(cell.text, self.size, strong=cell.emphasis == "strong" or cell.marked)
            middle = (top + bottom) / 2 - (7.0 if cell.note else 0.0)
            tall = line.ascent + line.descent > 1.3 * self.size
            baseline = middle + ((line.ascent - line.descent) / 2 if tall else self.size * CAP_HEIGHT / 2)
            found.append(self._inside(name, line, (left + right) / 2, baseline, role))
        if cell.note:
            line = set_line(cell.note, NOTE_SIZE)
            found.append(self._inside(f"{name}/note", line, right - 4 - line.width / 2, bottom - 6.0, role))
        return found

    def _inside(self, id: str, line: SetLine, x: float, baseline: float, role: str) -> Label:
        return make_label(id, line, x, baseline, role=role, box=self.box.id, on="inside")

    def _row_names(self) -> list[Label]:
        if self.height < self.words:
            return []
        x = self.left - NAME_GAP
        found = []
        for i, name in enumerate(self.cells.row_names[: self.count[0]]):
            if name:
                line = fit_line(name, self.words, WIDEST_NAME)
                y = self.top + (i + 0.5) * self.height + self.words * CAP_HEIGHT / 2
                found.append(make_label(f"{self.box.id}/row{i}", line, x, y, role="text.secondary", align="right"))
        return found

    def _column_names(self) -> list[Label]:
        """The names above, when they all fit over their columns."""
        lines = [fit_line(name, self.words, WIDEST_NAME) for name in self.cells.column_names[: self.count[1]]]
        if not lines or any(line.width > width - 3 for line, width in zip(lines, self.widths, strict=False)):
            return []
        y = self.top - 7.0
        return [
            make_label(
                f"{self.box.id}/column{j}", line, self.left + (self.edges[j] + self.edges[j + 1]) / 2, y, role="text.secondary"
            )
            for j, line in enumerate(lines)
            if line.runs
        ]

    def _title(self, has_columns: bool) -> list[Label]:
        found = []
        y = self.top - NAME_GAP - (self.words * 1.3 if has_columns else 0.0)
        for i, text in reversed(list(enumerate(self.box.title))):
            if text:
                line = fit_line(text, NAME_SIZE if _is_maths(text) else WORD_SIZE)
                y -= max(line.descent, 0.0)
                found.append(make_label(f"{self.box.id}/title{i}", line, 0.0, y, role="text"))
                y -= line.ascent + 4
        return found

    def _below(self) -> list[Label]:
        found = []
        small = self.cells.size == "small"
        style = self.theme.role("text.secondary")
        y = self.top + self.count[0] * self.height + (4.0 if small else NAME_GAP - 2)
        for i, row in enumerate(self.box.rows):
            strong = row.kind == "count"
            line = fit_line(row.text, WORD_SIZE if strong else style.size, strong=strong)
            y += max(line.ascent, style.size * 0.74) if i == 0 else LEADING * style.size
            role = "text" if strong else "text.secondary"
            found.append(make_label(f"{self.box.id}/below{i}", line, 0.0, y, role=role))
        return found


def _is_maths(text: Text) -> bool:
    from netfig.mathtext import Run

    return not all(isinstance(piece, Run) and piece.style in ("plain", "strong") for piece in text)


def moved(part: Part, x: float, y: float) -> list[Item]:
    """The items of a part, placed."""
    return [shift(item, x, y) for item in part.items]


def renamed(labels: Sequence[Label], prefix: str) -> list[Label]:
    """Labels with ids of their own."""
    return [dataclasses.replace(label, id=f"{prefix}/{label.id}") for label in labels]
