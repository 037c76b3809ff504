"""A grid as it is drawn: panels, wires, boxes and dots, the names of rows, columns and signs."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Literal

from netfig.drawing import Item, Shape
from netfig.layout.grid_parts import is_bare, place_of
from netfig.layout.grid_space import NAME_GAP, PANEL_STRIP
from netfig.layout.grid_tight import NORMAL, names_inside
from netfig.layout.notes import Board
from netfig.layout.parts import LEADING, SizedBox, box_items, fit_line, make_label
from netfig.layout.text import CAP_HEIGHT, SetLine

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netfig.drawing import Label, Tone
    from netfig.figure import Box, Figure, Group
    from netfig.layout.grid_space import Space
    from netfig.layout.grid_tight import Measures
    from netfig.layout.grid_wires import Wiring
    from netfig.theme import Theme

COLUMN_GAP = 15.0  # from the lowest row to the names of the columns
DOT = 3.2
DOTS_APART = 3.9  # from the outermost of three dots to a wire that ends there


class Show:
    """What is drawn of a grid whose places are known; `drawn` are its wires."""

    def __init__(
        self, figure: Figure, theme: Theme, measures: Measures, space: Space, wiring: Wiring, drawn: Sequence[Item]
    ) -> None:
        self.figure, self.theme, self.measures = figure, theme, measures
        self.space, self.wiring, self.drawn = space, wiring, drawn
        self.touched: dict[str, set[str]] = {}  # the sides of each box at which wires begin or end
        for route in wiring.routes:
            for port in (route.start, route.end):
                self.touched.setdefault(port.box, set()).add(port.side)
        self.sized, self.centre = space.sized, space.centre
        self.columns, self.rows, self.passages = space.columns, space.rows, space.channels.passages

    def items(self) -> list[Item]:
        """Panels, wires, chips, boxes and names."""
        boxes: list[Item] = []
        for id, one in self.sized.items():
            boxes += self._box(one, self.figure.boxes[id])
        wiring, drawn = self.wiring, self.drawn
        panels = [item for group in self.figure.groups.values() for item in self._panel(group)]
        names = [*(self.row_names() if self.measures is NORMAL else ()), *self._column_names()]
        names += self._signs([*drawn, *boxes, *names])
        return [*panels, *drawn, *boxes, *names, *wiring.names([*drawn, *boxes, *names])]

    def _box(self, one: SizedBox, box: Box) -> list[Item]:
        x, y = self.centre(box)
        left, top = x - one.width / 2, -y - one.height / 2
        if box.role == "anchor":
            points = ((round(left, 2), round(top, 2)), (round(left + one.width, 2), round(top + one.height, 2)))
            return [Shape(box.id, "rect", box.role, points, tone="none", outlined=False, box=box.id)]
        if is_bare(box) and box.role != "delay":
            return _dots(box, x, -y, one, self._touched(box))
        shapes, labels = box_items(one, left, top)
        quiet, strong = box.emphasis == "quiet", box.emphasis == "strong"
        width = max(2.4, one.style.width) if strong else 0.9 if quiet else None
        tone: Tone = "page" if "initial" in box.marks else "fill"
        items: list[Item] = [
            dataclasses.replace(s, tone=tone if s.id == box.id else s.tone, width=width, fade=0.6 if quiet else s.fade)
            for s in shapes
        ]
        items += [dataclasses.replace(label, role="text.secondary") if quiet else label for label in labels]
        return items

    def _touched(self, box: Box) -> set[str]:
        """The sides of dots at which wires end; where none do, those of others in the column, which they stand in line with."""
        if box.id in self.touched:
            return self.touched[box.id]
        column = place_of(box)[0]
        alike = [b.id for b in self.figure.boxes.values() if b.role == box.role and place_of(b)[0] == column]
        found = {side for id in alike for side in self.touched.get(id, ())}
        return found if len(found) == 1 else set()

    def _signs(self, there: Iterable[Item]) -> Iterable[Item]:
        """The words of delays beside them, where nothing else is."""
        board = Board()
        for item in there:
            board.add(item)
        size = self.theme.role("text.secondary").size
        for id, one in self.sized.items():
            box = self.figure.boxes[id]
            if not is_bare(box) or not box.title:
                continue
            x, y = self.centre(box)
            side = self.space.side_of_name(box)
            line = fit_line(box.title[0], size)
            middle, gap = -y + size * CAP_HEIGHT / 2, one.width / 2 + 6
            places: list[tuple[float, float, Literal["left", "center", "right"]]] = [
                (x + gap * side, middle, "left" if side > 0 else "right"),
                (x - gap * side, middle, "right" if side > 0 else "left"),
                (x + gap * side, middle + size + 4, "left" if side > 0 else "right"),
                (x + gap * side, middle - size - 4, "left" if side > 0 else "right"),
            ]
            labels = [make_label(f"{id}/name", line, a, b, role="text.secondary", align=c, box=id) for a, b, c in places]
            best = min(labels, key=lambda label: round(board.clash(label.bounds, 3.0), 2))
            board.add(best)
            yield best

    def _panel(self, group: Group) -> list[Item]:
        if group.role == "plain" or group is self.figure.root:
            return []
        pad = self.theme.panel_pad
        (c0, c1), (r0, r1) = self.space.reach(group, 0), self.space.reach(group, 1)
        columns, rows = self.columns, self.rows
        left = columns.middles[c0] - columns.sizes[c0] / 2 - pad
        right = columns.middles[c1] + columns.sizes[c1] / 2 + pad
        bottom = -(rows.middles[r0] - rows.sizes[r0] / 2) + pad
        top = -(rows.middles[r1] + rows.sizes[r1] / 2) - pad - (PANEL_STRIP if group.title else 0.0)
        style = self.theme.role(group.role)
        points = ((round(left, 2), round(top, 2)), (round(right, 2), round(bottom, 2)))
        items: list[Item] = [Shape(group.id, "rect", group.role, points, style.corner, box=group.id, tooltip=group.tooltip, stands_for=group.stands_for)]  # noqa: E501  # fmt: skip
        if group.title:
            line = fit_line(group.title, style.size)
            items.append(make_label(f"{group.id}/title", line, left + 12, top + 7 + style.size * 0.8, role=group.role, align="left", box=group.id, on="inside"))  # noqa: E501  # fmt: skip
        return items

    def names_inside(self, there: Iterable[Item]) -> list[Label] | None:
        """The names of the rows within the figure, where they have room among what is there."""
        firsts: dict[int, SizedBox] = {}
        for one in sorted(self.sized.values(), key=lambda one: place_of(one.box)[0]):
            firsts.setdefault(place_of(one.box)[1], one)
        rows = []
        for r, middle in enumerate(self.rows.middles):
            x, y = self.centre(firsts[r].box) if r in firsts else (0.0, middle)
            half = (firsts[r].width / 2, firsts[r].height / 2) if r in firsts else (0.0, 0.0)
            rows.append((-middle, (x - half[0], -y - half[1], x + half[0], -y + half[1])))
        return names_inside(rows, self.figure.root.row_names, self._left(), there, self.theme)

    def row_names(self) -> Iterable[Item]:
        """The names of the rows to the left of the figure."""
        size = self.theme.role("text.secondary").size
        root = self.figure.root
        lines: list[list[SetLine]] = [[fit_line(text, size) for text in row if text] for row in root.row_names]
        widest = max((line.width for row in lines for line in row), default=0.0)
        left = self._left() - NAME_GAP - widest
        for r, row in enumerate(lines[: len(self.rows.middles)]):
            middle = -self.rows.middles[r]
            for i, line in enumerate(row):
                baseline = middle + size * (CAP_HEIGHT / 2 + 1.3 * LEADING * (i - (len(row) - 1) / 2))
                yield make_label(f"row/{r}.{i}", line, left, baseline, role="text.secondary", align="left")

    def _left(self) -> float:
        """The left end of everything but the names of the rows."""
        edges = [self.centre(one.box)[0] - one.width / 2 for one in self.sized.values()]
        edges += [p.at - self.space.channels.breadth(p) / 2 for p in self.passages.get(("V", 0), ())]
        size = self.theme.role("text.secondary").size
        for box in self.figure.boxes.values():
            if is_bare(box) and self.space.side_of_name(box) < 0:
                edges += [self.centre(box)[0] - 12 - fit_line(text, size).width for text in box.title]
        return min(edges, default=0.0)

    def _column_names(self) -> Iterable[Item]:
        size = self.theme.role("text.secondary").size
        low = min((self.rows.middles[0] - self.rows.sizes[0] / 2, *(p.at for p in self.passages.get(("H", 0), ()))), default=0.0)
        pad = 0.0
        for group in self.figure.groups.values():
            if group is not self.figure.root and group.role != "plain" and self.space.reach(group, 1)[0] == 0:
                pad = self.theme.panel_pad
        baseline = -low + pad + COLUMN_GAP + size * CAP_HEIGHT
        names = self.figure.root.column_names
        middles = list(self.columns.middles)
        for box in sorted(self.figure.boxes.values(), key=lambda box: (box.span[0], -place_of(box)[1])):
            middles[place_of(box)[0]] = self.centre(box)[0]  # the broadest, then the lowest
        for c, text in enumerate(names[: len(middles)]):
            if text:
                yield make_label(f"column/{c}", fit_line(text, size), middles[c], baseline, role="text.secondary")


def _dots(box: Box, x: float, y: float, one: SizedBox, touched: set[str]) -> list[Item]:
    """Three dots in an outline that is not drawn, apart from the wires that end at it."""
    w, h = one.width, one.height
    upright = box.role == "ellipsis.upright"
    points = ((round(x - w / 2, 2), round(y - h / 2, 2)), (round(x + w / 2, 2), round(y + h / 2, 2)))
    items: list[Item] = [Shape(box.id, "rect", box.role, points, tone="none", outlined=False, box=box.id, tooltip=box.tooltip, stands_for=box.stands_for)]  # noqa: E501  # fmt: skip
    long = h if upright else w
    first, last = (side in touched for side in (("top", "bottom") if upright else ("left", "right")))
    step = min(7.5, (long - DOT - DOTS_APART * (first + last or 1)) / 2)
    aside = max(0.0, DOTS_APART - (long - DOT) / 2 + step) * (first - last)  # to the side where no wire ends
    for k in (-1, 0, 1):
        cx, cy = (x, y + aside + step * k) if upright else (x + aside + step * k, y)
        spot = ((round(cx - DOT / 2, 2), round(cy - DOT / 2, 2)), (round(cx + DOT / 2, 2), round(cy + DOT / 2, 2)))
        name = f"{box.id}/dot{k + 1}"
        items.append(Shape(name, "ellipse", box.role, spot, tone="stroke", outlined=False, box=box.id, part="dot"))
    return items
