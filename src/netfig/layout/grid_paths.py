"""The ways of a grid's wires as corners on the page, and what can be asked of such ways."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from netfig.layout.grid_parts import corners_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.drawing import Point
    from netfig.figure import Figure
    from netfig.layout.grid_parts import Port, Route
    from netfig.layout.grid_space import Space
    from netfig.layout.parts import SizedBox

Bounds = tuple[float, float, float, float]


class Paths:
    """The corners of every wire by its number."""

    def __init__(self, figure: Figure, routes: Sequence[Route], space: Space) -> None:
        self.figure, self.sized, self.centre, self.rows = figure, space.sized, space.centre, space.rows
        self.of = {route.wire: self._points(route) for route in routes}

    def _points(self, route: Route) -> list[Point]:
        lines = [self._line_of(route.start)]
        lines += [("v" if p.channel[0] == "V" else "h", p.at) for p in route.passages]
        lines.append(self._line_of(route.end))
        start, end = self._touch(route.start), self._touch(route.end)
        middle = [] if route.is_straight else corners_of(lines)
        return [(round(x, 2), round(-y, 2)) for x, y in _joined([start, *middle, end])]

    def _line_of(self, port: Port) -> tuple[str, float]:
        x, y = self._touch(port)
        return ("h", y) if port.side in ("left", "right") else ("v", x)

    def _touch(self, port: Port) -> tuple[float, float]:
        """The point of a box's outline where a port is; y counts upwards."""
        box = self.figure.boxes[port.box]
        one = self.sized[port.box]
        x, y = self.centre(box)
        flank = port.side in ("left", "right")
        if flank:
            y = self.rows.middles[port.row] - port.shift
            return x + (one.width / 2 - self._inset(one, port.shift)) * (1 if port.side == "right" else -1), y
        half = one.height / 2 - self._inset(one, port.shift, flank=False)
        return x + port.shift, y + half * (1 if port.side == "top" else -1)

    def _inset(self, one: SizedBox, shift: float, *, flank: bool = True) -> float:
        """How far the rounded outline lies inside its rectangle."""
        half = (one.height if flank else one.width) / 2
        past = abs(shift) - (half - one.corner)
        if past <= 0 or one.box.span[1] > 1:
            return 0.0
        return one.corner - float((max(one.corner**2 - past**2, 0.0)) ** 0.5)

    def outline(self, id: str) -> Bounds:
        """The rectangle of a box."""
        x, y = self.centre(self.figure.boxes[id])
        one = self.sized[id]
        return x - one.width / 2, -y - one.height / 2, x + one.width / 2, -y + one.height / 2

    def pieces(self, which: int) -> tuple[list[float], list[tuple[float, float, float, int]]]:
        """All upright (0) or level (1) stretches by where they stand: that, the interval they take, and whose they are."""
        found = []
        for wire, path in self.of.items():
            for a, b in pairwise(path):
                if a[which] == b[which]:
                    ends = sorted((a[1 - which], b[1 - which]))
                    found.append((a[which], ends[0], ends[1], wire))
        found.sort()
        return [piece[0] for piece in found], found


def _joined(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same way without points on a straight line between others."""
    out: list[tuple[float, float]] = []
    for point in points:
        if out and abs(out[-1][0] - point[0]) < 0.01 and abs(out[-1][1] - point[1]) < 0.01:
            continue
        if len(out) > 1 and (abs(out[-2][0] - out[-1][0]) < 0.01) == (abs(out[-1][0] - point[0]) < 0.01):
            out.pop()
        out.append(point)
    return out


def path_length(path: Sequence[Point]) -> float:
    """How long a way is."""
    return sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(path))


def parting(one: Sequence[Point], other: Sequence[Point]) -> tuple[Point | None, list[Point]]:
    """Where `other` leaves `one`, both from the same point, and what of it is left; ``None`` when at once."""
    if one[0] != other[0]:
        return None, list(other)
    k = 0
    while k + 1 < min(len(one), len(other)) and one[k + 1] == other[k + 1]:
        k += 1
    if k + 1 >= min(len(one), len(other)):
        return other[k], list(other[k:])
    a, b, c = one[k], one[k + 1], other[k + 1]
    level = a[1] == b[1]
    if level != (a[1] == c[1]) or ((b[0] - a[0]) * (c[0] - a[0]) < 0 if level else (b[1] - a[1]) * (c[1] - a[1]) < 0):
        return (None, list(other)) if k == 0 else (a, list(other[k:]))
    near = min(b, c, key=lambda p: abs(p[0] - a[0]) + abs(p[1] - a[1]))
    return near, ([near, *other[k + 1 :]] if near != c else list(other[k + 1 :]))


def until(points: list[Point], forks: set[Point]) -> list[Point]:
    """The beginning of a way up to its first fork."""
    out = [points[0]]
    for a, b in pairwise(points):
        on = [f for f in forks if f != a and _lies(f, a, b)]
        if on:
            return [*out, min(on, key=lambda f: abs(f[0] - a[0]) + abs(f[1] - a[1]))]
        out.append(b)
    return out


def after(points: list[Point], forks: set[Point]) -> tuple[int, list[Point]]:
    """The end of a way behind its last fork, and in which stretch it begins."""
    for k in range(len(points) - 2, -1, -1):
        a, b = points[k], points[k + 1]
        on = [f for f in forks if f not in (a, b) and _lies(f, a, b)]
        if b in forks and k + 2 < len(points):
            return k + 1, points[k + 1 :]
        if on:
            last = max(on, key=lambda f: abs(f[0] - a[0]) + abs(f[1] - a[1]))
            return k, [last, *points[k + 1 :]]
    return 0, points


def holds(path: Sequence[Point], point: Point) -> bool:
    """Whether a point lies on a way."""
    return any(_lies(point, a, b) for a, b in pairwise(path))


def _lies(point: Point, a: Point, b: Point) -> bool:
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
