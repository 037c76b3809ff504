"""Names on wires: beside the wire, clear of every line, box and other text."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from netfig.drawing import Item, Label, Line, Shape
from netfig.figure import Wire
from netfig.layout.parts import make_label
from netfig.layout.text import SetLine, set_line
from netfig.theme import Theme

CELL = 64.0
CLEAR = 4.0  # text to line
OFF_HEAD = 3.0  # text to arrow head
HALF_HEAD = 0.38  # how broad a head is on either side of its line, by its length
PLACES = (0.5, 0.35, 0.65, 0.25, 0.75, 0.15, 0.85, 0.05, 0.95, 0.42, 0.58, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9)
"""Where along a stretch a name may stand, the best first."""
LONG = 40.0  # points: more than from one box to the next
WORST_GOOD = 19.0  # a place that costs more touches something
WAYS = 8  # a value that goes more ways than this is named on one of the first

Bounds = tuple[float, float, float, float]


class Board:
    """What already is on the page, by cells."""

    def __init__(self) -> None:
        self._items: list[Bounds] = []
        self._cells: dict[tuple[int, int], list[int]] = {}

    def _put(self, bounds: Bounds) -> None:
        self._items.append(bounds)
        for cell in _cells(bounds):
            self._cells.setdefault(cell, []).append(len(self._items) - 1)

    def add(self, item: Item) -> None:
        """Something a name must keep off."""
        if isinstance(item, Line):
            for (a, b), (c, d) in pairwise(item.points):
                self._put((min(a, c), min(b, d), max(a, c), max(b, d)))
        else:
            self._put(item.bounds)

    def add_outline(self, shape: Shape) -> None:
        """A panel: names may stand in it but not on its border."""
        a, b, c, d = shape.bounds
        for side in ((a, b, c, b), (a, d, c, d), (a, b, a, d), (c, b, c, d)):
            self._put(side)

    def clash(self, bounds: Bounds, clear: float) -> float:
        """How much of what is there a name would touch: overlapping area and a bit for each thing."""
        a, b, c, d = bounds[0] - clear, bounds[1] - clear, bounds[2] + clear, bounds[3] + clear
        seen: set[int] = set()
        for cell in _cells((a, b, c, d)):
            seen.update(self._cells.get(cell, ()))
        total = 0.0
        for index in sorted(seen):
            e, f, g, h = self._items[index]
            if e < c and g > a and f < d and h > b:
                total += 20 + (min(c, g) - max(a, e)) * (min(d, h) - max(b, f)) * 0.1
        return total


def _cells(bounds: Bounds) -> Iterator[tuple[int, int]]:
    for a in range(int(bounds[0] // CELL), int(bounds[2] // CELL) + 1):
        for b in range(int(bounds[1] // CELL), int(bounds[3] // CELL) + 1):
            yield a, b


def place_label(wire: Wire, index: int, role: str, paths: list[list[tuple[float, float]]], theme: Theme, board: Board) -> Label:
    """The name of a value at the best place beside the ways it goes."""
    line = set_line(wire.label, theme.role(role).size)
    head = theme.role(role).head if wire.head else 0.0
    best: tuple[float, Label] | None = None
    for nth, path in enumerate(paths):
        for order, label in enumerate(_places(line, f"wire/{index}/label", role, path, head)):
            cost = board.clash(label.bounds, CLEAR - 0.5) + 0.05 * order + 1.5 * nth
            if best is None or cost < best[0]:
                best = (cost, label)
            if cost < 2:
                break
        if best is not None and best[0] < WORST_GOOD:
            break
    assert best is not None
    return best[1]


def _places(line: SetLine, id: str, role: str, path: list[tuple[float, float]], head: float) -> Iterator[Label]:
    """Above and below a level stretch, right and left of an upright one; the longest stretch and its middle first.

    A way that is long or has corners is named where it begins, as a short one is: right behind the box. Beside the `head` of a
    wire, so many points long, a name keeps off it.
    """
    (a, b), (c, d) = path[:2]
    if abs(a - c) < 0.01 and (len(path) > 2 or abs(b - d) > LONG):
        sign = 1.0 if d > b else -1.0
        y = b + sign * (CLEAR + 1.0 + (line.ascent + line.descent) / 2) + (line.ascent - line.descent) / 2
        yield make_label(id, line, a + CLEAR + 1, y, role=role, align="left")
        yield make_label(id, line, a - CLEAR - 1, y, role=role, align="right")
    stretches = sorted(pairwise(path), key=lambda s: -(abs(s[0][0] - s[1][0]) + abs(s[0][1] - s[1][1])))
    more = max(HALF_HEAD * head + OFF_HEAD - CLEAR, 0.0) if head else 0.0
    for (a, b), (c, d) in stretches:
        free = head + 2 if (c, d) == path[-1] else None  # so far from the end a name stands at its usual distance
        for part in PLACES:
            x, y = a + (c - a) * part, b + (d - b) * part
            if abs(b - d) < 0.01:
                off = CLEAR + (more if free is not None and abs(c - x) - line.width / 2 < free else 0.0)
                yield make_label(id, line, x, y - off - line.descent, role=role)
                yield make_label(id, line, x, y + off + line.ascent, role=role)
            else:
                off = CLEAR + 1 + (max(more - 1, 0.0) if free is not None and abs(d - y) - _half(line) < free else 0.0)
                middle = y + (line.ascent - line.descent) / 2
                yield make_label(id, line, x + off, middle, role=role, align="left")
                yield make_label(id, line, x - off, middle, role=role, align="right")


def _half(line: SetLine) -> float:
    return (line.ascent + line.descent) / 2
