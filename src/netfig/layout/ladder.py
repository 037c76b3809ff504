"""Ladders: groups side by side, each of rows from the bottom up, wires straight up between them, a row named at its right.

A box stands at its `place` (column, row) in its ladder and over the columns it spans; it becomes as broad as the wires that enter
it need. Ladders begin at one level and end at one level.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import field

from netfig.drawing import Drawing, Item, Label, Line, Shape
from netfig.errors import InvalidGraph
from netfig.figure import Figure, Group, Wire
from netfig.layout.blocks import PAGE_HEIGHT, PAGE_WIDTH, wire_role
from netfig.layout.ladder_place import UNDER_GAP, Gaps, Rungs, Spot, boxes_of
from netfig.layout.notes import Board, place_label
from netfig.layout.parts import LEADING, STACK_OFFSET, bounds_of, box_items, fit_line, make_label, page, shift
from netfig.layout.text import CAP_HEIGHT
from netfig.records import dataclass
from netfig.theme import Theme

STACK_GAP = 30.0  # between ladders that stand one below the other
STRAIGHT = 16.0  # from where a wire turns up to the box over it: its bend, some straight wire, its head
DOT = 4.4
SLASH = 15.0

USUAL = Gaps(columns=8.0, ladders=8.0, names=9.0, pad=10.0)
SNUG = Gaps(columns=4.0, ladders=5.0, names=7.0, pad=7.0)  # where ladders fit side by side only so

Point = tuple[float, float]


def lay_out_ladders(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root is a row of ladders; `width` is the printed width in points.

    Raises:
        InvalidGraph: a box has no place, or two boxes of a ladder have the same.
    """
    groups = [group for group in figure.root.children if isinstance(group, Group)]
    ladders = [_Ladder(group, figure, theme, USUAL) for group in groups]
    _check(figure, ladders)
    for share in (0.0, 0.5, 1.0):  # rows come closer where the page would be too high
        drawing = page(_arranged(groups, figure, theme, width, share), figure, theme, direction="up", width=width)
        if drawing.height <= PAGE_HEIGHT:
            break
    return drawing


def _arranged(groups: Sequence[Group], figure: Figure, theme: Theme, width: float | None, share: float) -> list[Item]:
    """Side by side, with less room between if they fit only so, else one below the other."""
    room = (PAGE_WIDTH if width is None else width) - 2 * theme.margin
    usual, snug = USUAL.tightened(share), SNUG.tightened(share)
    items = _side_by_side(_Ladder(group, figure, theme, usual) for group in groups)
    if _width(items) > room and len(groups) > 1:
        items = _side_by_side(_Ladder(group, figure, theme, snug) for group in groups)
        if _width(items) > room:
            items = _one_below_the_other(_Ladder(group, figure, theme, usual) for group in groups)
    return items


def _width(items: Iterable[Item]) -> float:
    left, _, right, _ = bounds_of(items)
    return right - left


def _side_by_side(ladders: Iterable[_Ladder]) -> list[Item]:
    listed = list(ladders)
    tallest = max((ladder.height for ladder in listed), default=0.0)
    lowest = max((ladder.below for ladder in listed), default=0.0)
    items: list[Item] = []
    left = 0.0
    for ladder in listed:
        ladder.stretch(tallest)
        ladder.below = lowest
        ladder.settle(left)
        items += ladder.items()
        left = ladder.right + ladder.measures.ladders
    return items


def _one_below_the_other(ladders: Iterable[_Ladder]) -> list[Item]:
    items: list[Item] = []
    top = 0.0
    for ladder in ladders:
        ladder.settle(0.0)
        own = ladder.items()
        left, high, right, low = bounds_of(own)
        items += [shift(item, -(left + right) / 2, top - high) for item in own]
        top += low - high + STACK_GAP
    return items


def _check(figure: Figure, ladders: Iterable[_Ladder]) -> None:
    found = [f"the box {box.id!r} has no place in a ladder" for box in figure.boxes.values() if box.place is None]
    for ladder in ladders:
        taken: dict[tuple[int, int], str] = {}
        for box in ladder.boxes.values():
            if box.place is None:
                continue
            column, row = box.place
            for c in range(column, column + box.span[0]):
                there = taken.setdefault((c, row), box.id)
                if there != box.id:
                    found.append(f"the boxes {there!r} and {box.id!r} both stand in column {c}, row {row}")
    if found:
        raise InvalidGraph(f"figure {figure.title!r} is no row of ladders", found)


@dataclass(slots=True)
class _Path:
    """A wire's way, y upwards, and where it leaves a trunk that another one draws."""

    wire: int
    points: list[Point]
    junction: Point | None = None
    sharp: list[Point] = field(default_factory=list)


class _Ladder(Rungs):
    """A ladder with its wires, as it is drawn."""

    # ---- wires -------------------------------------------------------------------------------------------------------

    def _paths(self) -> list[_Path]:
        found = []
        by_source: dict[str, list[tuple[int, Wire]]] = {}
        for index, wire in self.wires:
            by_source.setdefault(wire.source.box, []).append((index, wire))
        for id, listed in by_source.items():
            found += self._fork(self.spots[id], listed)
        return sorted(found, key=lambda path: path.wire)

    def _fork(self, source: Spot, listed: list[tuple[int, Wire]]) -> list[_Path]:
        """The ways of all wires of a box: straight ones, and a branch to either side halfway up the gap, which others leave."""
        paths: list[_Path] = []
        gap = self._next_bottom(source) - source.top
        level = round(source.top + min(gap / 2 + 2, gap - STRAIGHT), 2)
        trunk: Point | None = None
        branches: dict[bool, list[tuple[int, Spot]]] = {}
        for index, wire in listed:
            target = self.spots[wire.target.box]
            x = _common(source, target)
            if target.row == source.row:
                side = (source.right, target.left) if target.x > source.x else (source.left, target.right)
                paths.append(_Path(index, [(side[0], source.y), (side[1], target.y)]))
            elif x is not None:
                paths.append(_Path(index, [(x, source.top), (x, target.bottom)]))
                trunk = (source.x, level) if abs(x - source.x) < 0.5 else trunk
            else:
                branches.setdefault(target.x > source.x, []).append((index, target))
        for targets in branches.values():
            (index, last), *nearer = sorted(targets, key=lambda pair: -abs(pair[1].x - source.x))
            ways = [(source.x, level), (last.x, level), (last.x, last.bottom)]
            if trunk is None:
                trunk = ways[0]
                paths.append(_Path(index, [(source.x, source.top), *ways], sharp=[trunk] if len(branches) > 1 else []))
            else:
                paths.append(_Path(index, ways, junction=trunk))
            paths += [_Path(n, [(t.x, level), (t.x, t.bottom)], junction=(t.x, level)) for n, t in nearer]
        return paths

    def _next_bottom(self, source: Spot) -> float:
        """The bottom of the nearest box that a box feeds."""
        above = [self.spots[w.target.box] for _, w in self.wires if self.spots[w.source.box] is source]
        return min((spot.bottom for spot in above if spot.row > source.row), default=source.top + self.measures.rows)

    # ---- the drawing -------------------------------------------------------------------------------------------------

    def items(self) -> list[Item]:
        """Panels, boxes, wires, names."""
        panels = [self._panel(group) for group in self.panels()]
        shapes: list[Shape] = []
        labels: list[Label] = []
        for spot in self.spots.values():
            more, words = box_items(dataclasses.replace(spot.sized, badge=None), spot.left, -spot.top)
            shapes += more
            labels += words
        lines, dots = self._lines()
        names = [*self._row_names(), *self._column_names(), *self._title(), *self._badges()]
        board = Board()
        for item in (*shapes, *lines, *labels, *names):
            board.add(item)
        for panel in panels:
            board.add_outline(panel)
        named = []
        for line in lines:
            index = int(line.id.rpartition("/")[2])
            wire = self.figure.wires[index]
            if wire.label:
                label = place_label(wire, index, line.role, [list(line.points)], self.theme, board)
                board.add(label)
                named.append(label)
        return [*panels, *shapes, *lines, *dots, *labels, *names, *named]

    def _panel(self, group: Group) -> Shape:
        pad = self.measures.pad
        inner = [self.spots[box.id] for box in boxes_of(group)]
        left, right = (min(s.left for s in self.spots.values()) - pad, max(s.right for s in self.spots.values()) + pad)
        top, bottom = -max(s.top for s in inner) - pad, -min(s.bottom for s in inner) + pad
        points = ((round(left, 2), round(top, 2)), (round(right, 2), round(bottom, 2)))
        style = self.theme.role(group.role)
        return Shape(
            group.id, "rect", group.role, points, style.corner, box=group.id, tooltip=group.tooltip, stands_for=group.stands_for
        )

    def _lines(self) -> tuple[list[Line], list[Shape]]:
        lines: list[Line] = []
        dots: list[Shape] = []
        for path in self._paths():
            wire = self.figure.wires[path.wire]
            role = wire_role(wire.role)
            style = self.theme.role(role)
            points, sharp = tuple(map(_page, path.points)), tuple(map(_page, path.sharp))
            lines.append(
                Line(
                    f"wire/{path.wire}", role, points, style.radius, style.head > 0 and wire.head, style.dashed, None, sharp,
                    wire.source.box, wire.target.box, "", wire.stands_for,
                )
            )  # fmt: skip
            if path.junction is not None:
                (x, y), half = _page(path.junction), DOT / 2
                spot = ((round(x - half, 2), round(y - half, 2)), (round(x + half, 2), round(y + half, 2)))
                if all(dot.points != spot for dot in dots):
                    name = f"junction/{self.group.id}.{len(dots)}"
                    dots.append(Shape(name, "ellipse", role, spot, tone="stroke", outlined=False, part="junction"))
        return lines, dots

    def _row_names(self) -> list[Label]:
        size = self.name_size
        labels = []
        for row, texts in enumerate(self.group.row_names[: self.rows]):
            for i, text in enumerate(texts):
                if text:
                    baseline = -self.middles[row] + size * (CAP_HEIGHT / 2 + 1.25 * LEADING * (i - (len(texts) - 1) / 2))
                    name = f"{self.group.id}/row{row}.{i}"
                    x = self.beside(row)
                    labels.append(make_label(name, fit_line(text, size), x, baseline, role="text.secondary", align="left"))
        return labels

    def _title(self) -> list[Label]:
        """What the ladder is, under it."""
        if not self.group.title:
            return []
        size = self.theme.role("text").size
        line = fit_line(self.group.title, size)
        middle = (min(s.left for s in self.spots.values()) + max(s.right for s in self.spots.values())) / 2
        baseline = self.below + self.measures.title + size * CAP_HEIGHT
        return [make_label(f"{self.group.id}/title", line, middle, baseline)]

    def _column_names(self) -> list[Label]:
        """What stands under the boxes of the lowest row."""
        size = self.name_size
        labels = []
        for id, spot in self.spots.items():
            text = self.group.column_names[spot.column] if spot.column < len(self.group.column_names) else ()
            if text and spot.row == 0:
                line = fit_line(text, size)
                labels.append(
                    make_label(f"{id}/under", line, spot.x, -spot.bottom + UNDER_GAP + size * CAP_HEIGHT, role="text.secondary")
                )
        return labels

    def _badges(self) -> list[Item]:
        """How many a stack stands for, beside a stroke through its copies."""
        items: list[Item] = []
        for id, spot in self.spots.items():
            text = self.boxes[id].badge
            if not text:
                continue
            x, y = spot.right + STACK_OFFSET * spot.sized.copies, -spot.bottom + 3
            ends = (_page((x - SLASH * 0.6, spot.bottom - 6)), _page((x + SLASH * 0.3, spot.bottom + SLASH * 0.9 - 6)))
            items.append(Line(f"{id}/slash", "helper.solid", ends, 0.0, False, False, 1.2))
            size = self.name_size + 1.5
            line = fit_line(text, size)
            items.append(make_label(f"{id}/badge", line, self.edge + self.measures.names, y + 2, align="left", box=id))
        return items


def _common(source: Spot, target: Spot) -> float | None:
    """Where a straight wire between two boxes stands: in the middle of the narrower one."""
    narrow, broad = (source, target) if source.sized.width <= target.sized.width else (target, source)
    for one, other in ((narrow, broad), (broad, narrow)):
        if other.left + 8 <= one.x <= other.right - 8:
            return one.x
    return None


def _page(point: Point) -> Point:
    return round(point[0], 2), round(-point[1], 2)
