"""Distances between segments, boxes and outlines, and a grid that finds what lies near: the arithmetic of the lint."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator
from functools import lru_cache

from netfig.drawing import Point, Shape

Segment = tuple[Point, Point]
Bounds = tuple[float, float, float, float]

_OVERSIZED = 2000  # cells; what covers more is cheaper to compare with everything


def grown(bounds: Bounds, by: float) -> Bounds:
    """The bounds moved outwards on every side."""
    left, top, right, bottom = bounds
    return left - by, top - by, right + by, bottom + by


def touch(a: Bounds, b: Bounds) -> bool:
    """Whether two bounds share a point."""
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def holds(outer: Bounds, inner: Bounds, slack: float = 0.0) -> bool:
    """Whether `inner` lies in `outer`."""
    return (
        outer[0] - slack <= inner[0]
        and outer[1] - slack <= inner[1]
        and inner[2] <= outer[2] + slack
        and inner[3] <= outer[3] + slack
    )


def bounds_of(points: Iterable[Point]) -> Bounds:
    """left, top, right, bottom of some points."""
    listed = list(points)
    xs, ys = [p[0] for p in listed], [p[1] for p in listed]
    return min(xs), min(ys), max(xs), max(ys)


def segments_of(points: tuple[Point, ...], *, closed: bool = False) -> list[Segment]:
    """The straight pieces of a polyline that have a length."""
    ring = (*points, points[0]) if closed else points
    return [(a, b) for a, b in itertools.pairwise(ring) if math.dist(a, b) > 1e-9]


def length_inside(segment: Segment, corners: tuple[Point, ...], grow: float = 0.0) -> float:
    """How much of a segment lies in a convex polygon whose sides are moved outwards by `grow` (inwards when negative)."""
    (x0, y0), (x1, y1) = segment
    turn = 1.0 if _area(corners) > 0 else -1.0
    enter, leave = 0.0, 1.0
    for (ax, ay), (bx, by) in segments_of(corners, closed=True):
        size = math.hypot(bx - ax, by - ay)
        nx, ny = turn * (by - ay) / size, -turn * (bx - ax) / size  # outwards
        start = (x0 - ax) * nx + (y0 - ay) * ny - grow
        end = (x1 - ax) * nx + (y1 - ay) * ny - grow
        if start > 0 and end > 0:
            return 0.0
        if start > 0:
            enter = max(enter, start / (start - end))
        elif end > 0:
            leave = min(leave, start / (start - end))
    return max(0.0, leave - enter) * math.hypot(x1 - x0, y1 - y0)


def segment_meets(segment: Segment, bounds: Bounds) -> bool:
    """Whether a segment touches a box, its inside included."""
    (x0, y0), (x1, y1) = segment
    enter, leave = 0.0, 1.0
    for start, delta, low, high in ((x0, x1 - x0, bounds[0], bounds[2]), (y0, y1 - y0, bounds[1], bounds[3])):
        if abs(delta) < 1e-12:
            if not low <= start <= high:
                return False
            continue
        near, far = sorted(((low - start) / delta, (high - start) / delta))
        enter, leave = max(enter, near), min(leave, far)
    return enter <= leave


def point_to_segment(point: Point, segment: Segment) -> float:
    """The distance from a point to a segment."""
    (x0, y0), (x1, y1) = segment
    dx, dy = x1 - x0, y1 - y0
    along = ((point[0] - x0) * dx + (point[1] - y0) * dy) / ((dx * dx + dy * dy) or 1.0)
    along = min(1.0, max(0.0, along))
    return math.dist(point, (x0 + along * dx, y0 + along * dy))


def shared_length(a: Segment, b: Segment, within: float) -> float:
    """How long two (nearly) parallel segments run side by side closer than `within`; 0 when they cross or diverge."""
    (ax, ay), (bx, by) = a
    size = math.dist(*a)
    ux, uy = (bx - ax) / size, (by - ay) / size
    spots = [((x - ax) * ux + (y - ay) * uy, (x - ax) * -uy + (y - ay) * ux) for x, y in b]
    (s0, d0), (s1, d1) = sorted(spots)
    if s1 - s0 < 1e-9 or abs(d1 - d0) > 0.035 * (s1 - s0):  # more than two degrees apart
        return 0.0
    low, high = max(0.0, s0), min(size, s1)
    if high <= low:
        return 0.0
    gaps = [abs(d0 + (d1 - d0) * (s - s0) / (s1 - s0)) for s in (low, high)]
    return high - low if max(gaps) < within else 0.0


@lru_cache(maxsize=8192)
def outline(shape: Shape) -> tuple[Point, ...]:
    """The corners of a shape's outline; arcs become short straight pieces outside which nothing of the arc lies."""
    left, top, right, bottom = shape.bounds
    if shape.kind == "polygon":
        return shape.points
    if shape.kind == "ellipse":
        rx, ry = (right - left) / 2, (bottom - top) / 2
        return tuple(_arc((left + rx, top + ry), rx, ry, 0.0, 360.0, 36)[:-1])
    r = min(shape.radius, (right - left) / 2, (bottom - top) / 2)
    if r < 0.5:
        return (left, top), (right, top), (right, bottom), (left, bottom)
    spots = [((right - r, top + r), 270.0), ((right - r, bottom - r), 0.0), ((left + r, bottom - r), 90.0)]
    spots.append(((left + r, top + r), 180.0))
    return tuple(p for centre, start in spots for p in _arc(centre, r, r, start, start + 90.0, 6))


def _arc(centre: Point, rx: float, ry: float, start: float, end: float, steps: int) -> list[Point]:
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(centre[0] + rx * math.cos(a), centre[1] + ry * math.sin(a)) for a in angles]


def depth(shape: Shape, point: Point) -> float:
    """How far a point lies inside a shape's outline; negative outside."""
    if shape.kind == "rect":
        return _depth_in_rect(shape.bounds, shape.radius, point)
    corners = outline(shape)
    gap = min(point_to_segment(point, s) for s in segments_of(corners, closed=True))
    return gap if _within(point, corners) else -gap


def _depth_in_rect(bounds: Bounds, radius: float, point: Point) -> float:
    """Depth in a rectangle with rounded corners: the distance from a smaller one in it whose corners are sharp, turned round."""
    left, top, right, bottom = bounds
    r = min(radius, (right - left) / 2, (bottom - top) / 2)
    across = abs(point[0] - (left + right) / 2) - (right - left) / 2 + r
    down = abs(point[1] - (top + bottom) / 2) - (bottom - top) / 2 + r
    return r - math.hypot(max(across, 0.0), max(down, 0.0)) - min(max(across, down), 0.0)


def _within(point: Point, corners: tuple[Point, ...]) -> bool:
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in zip(corners, (*corners[1:], corners[0]), strict=True):
        if (ay > y) != (by > y) and x < ax + (y - ay) * (bx - ax) / (by - ay):
            odd = not odd
    return odd


def overlap(a: Shape, b: Shape) -> float:
    """How deep two convex shapes lie in each other; 0 when they are apart or only touch."""
    left, right = outline(a), outline(b)
    least = math.inf
    for corners in (left, right):
        for (ax, ay), (bx, by) in segments_of(corners, closed=True):
            size = math.hypot(bx - ax, by - ay)
            nx, ny = (by - ay) / size, -(bx - ax) / size
            first = [x * nx + y * ny for x, y in left]
            second = [x * nx + y * ny for x, y in right]
            least = min(least, min(max(first) - min(second), max(second) - min(first)))
            if least <= 0:
                return 0.0
    return least


def _area(corners: tuple[Point, ...]) -> float:
    pairs = zip(corners, (*corners[1:], corners[0]), strict=True)
    return sum(ax * by - bx * ay for (ax, ay), (bx, by) in pairs) / 2


class Grid:
    """Finds the items whose bounds are near given bounds, in the order they were added."""

    def __init__(self, cell: float = 48.0) -> None:
        self._cell = cell
        self._cells: dict[tuple[int, int], list[int]] = {}
        self._bounds: list[Bounds] = []
        self._large: list[int] = []

    def add(self, bounds: Bounds) -> int:
        """Add an item; its number is how many were added before."""
        number = len(self._bounds)
        self._bounds.append(bounds)
        spots = self._spots(bounds)
        if spots is None:
            self._large.append(number)
        else:
            for spot in spots:
                self._cells.setdefault(spot, []).append(number)
        return number

    def near(self, bounds: Bounds) -> Iterator[int]:
        """Numbers of the items whose bounds touch these."""
        spots = self._spots(bounds)
        if spots is None:
            candidates: Iterable[int] = range(len(self._bounds))
        else:
            candidates = sorted({n for spot in spots for n in self._cells.get(spot, ())}.union(self._large))
        return (n for n in candidates if touch(self._bounds[n], bounds))

    def _spots(self, bounds: Bounds) -> list[tuple[int, int]] | None:
        left, top, right, bottom = (math.floor(v / self._cell) for v in bounds)
        if (right - left + 1) * (bottom - top + 1) > _OVERSIZED:
            return None
        return [(x, y) for x in range(left, right + 1) for y in range(top, bottom + 1)]
