"""Where a figure may be cut in two: where one straight wire crosses, and nothing else but skips that lie within one another."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from itertools import pairwise

from netfig.drawing import Item, Line, Point, Shape
from netfig.layout.near import Bounds
from netfig.records import dataclass

CUTS = 16  # places tried, the nearest to the middle first,
EFFORT = 8000  # but fewer of a large figure: so many items are moved in all

Flow = Callable[[Point], Point]
"""Turns a point of the page into (along the flow, across it), or back."""


@dataclass(slots=True)
class Skip:
    """A line that bypasses a cut: it leaves the axis at `start`, and lands level at `end` on its target's side."""

    index: int
    start: float
    end: float
    lead: list[Point]  # the points before it leaves the axis, in the flow
    landing: float  # across


@dataclass(slots=True)
class Cut:
    """A stretch from `low` to `high` that the line number `main` crosses at `across`."""

    main: int
    across: float
    low: float
    high: float
    skips: list[Skip]  # the outermost first
    base: tuple[int, Cut] | None = None  # a lone box behind the cut, and the cut behind that


class Sheet:
    """Finished items, seen in the plane of the flow."""

    def __init__(self, items: Sequence[Item], to_flow: Flow, to_page: Flow) -> None:
        self.items, self.to_flow, self.to_page = items, to_flow, to_page
        self.spans = [self.span(item) for item in items]
        self.outlines = {item.id: k for k, item in enumerate(items) if isinstance(item, Shape) and item.box == item.id}
        self.panels = {id: k for id, k in self.outlines.items() if items[k].role.split(".")[0] == "panel"}
        self.starts: dict[str, list[Point]] = {}
        for item in items:
            if isinstance(item, Line):
                self.starts.setdefault(item.source, []).append(to_flow(item.points[0]))

    def span(self, item: Item) -> Bounds:
        """(first, lowest across, last, highest across)."""
        corners = item.points if isinstance(item, Line) else (item.bounds[:2], item.bounds[2:])
        points = [self.to_flow((p[0], p[1])) for p in corners]
        us, vs = [p[0] for p in points], [p[1] for p in points]
        return min(us), min(vs), max(us), max(vs)

    def is_box(self, k: int) -> bool:
        """Whether an item is the outline of a box."""
        item = self.items[k]
        return isinstance(item, Shape) and item.box == item.id and item.id not in self.panels

    def frames(self, k: int) -> bool:
        """Whether an item is the outline of a panel."""
        item = self.items[k]
        return isinstance(item, Shape) and item.id in self.panels

    def cuts(self) -> list[Cut]:
        """The places to cut, the nearest to the middle first; some with the box behind them."""
        solid = sorted(self.spans[k][::2] for k, item in enumerate(self.items) if not isinstance(item, Line))
        stretches: list[tuple[float, float]] = []
        reach = solid[0][1] if solid else 0.0
        for start, end in solid:
            if start - reach > 6.0:
                stretches.append((reach, start))
            reach = max(reach, end)
        if not stretches:
            return []
        middle = (solid[0][0] + reach) / 2
        stretches.sort(key=lambda s: (abs((s[0] + s[1]) / 2 - middle), s))
        lines = [k for k, item in enumerate(self.items) if isinstance(item, Line)]
        found = []
        for low, high in stretches[: max(2, min(CUTS, EFFORT // len(self.items)))]:
            cut = self._cut(low, high, lines)
            if cut is not None:
                found.append(cut)
                base = self._base(cut, sorted(stretches), lines)
                if base is not None:
                    found.append(dataclasses.replace(cut, base=base))
        return found

    def _base(self, cut: Cut, stretches: Sequence[tuple[float, float]], lines: Sequence[int]) -> tuple[int, Cut] | None:
        """The lone box behind a cut, if the same skips bypass it too."""
        following = next((s for s in stretches if s[0] > cut.high), None)
        second = self._cut(*following, lines) if following else None
        if second is None or [s.index for s in second.skips] != [s.index for s in cut.skips]:
            return None
        inside = [
            k for k in self.outlines.values() if cut.high - 0.01 <= self.spans[k][0] and self.spans[k][2] <= second.low + 0.01
        ]
        if len(inside) != 1 or self.frames(inside[0]) or abs(self.spans[inside[0]][0] - cut.high) > 0.01:
            return None
        return inside[0], second

    def _cut(self, low: float, high: float, lines: Sequence[int]) -> Cut | None:
        middle = (low + high) / 2
        main: tuple[int, float] | None = None
        skips: list[Skip] = []
        for k in lines:
            if not self.spans[k][0] < middle < self.spans[k][2]:
                continue
            points = [self.to_flow(p) for p in self.items[k].points]  # type: ignore[union-attr]
            skip = self._skip(k, points, middle)
            if skip is not None:
                skips.append(skip)
                continue
            over = [a for a, b in pairwise(points) if a[0] <= low + 0.01 and b[0] >= high - 3.0 and abs(a[1] - b[1]) < 0.01]
            if main is not None or not over:
                return None
            main = k, over[0][1]
        skips.sort(key=lambda s: s.start)
        nested = all(a.start < b.start - 1 and a.end > b.end + 1 for a, b in pairwise(skips))
        return Cut(*main, low, high, skips) if main is not None and skips and nested else None

    def _skip(self, k: int, points: list[Point], middle: float) -> Skip | None:
        """A line that runs along the axis, across to its lane, along it over the cut, and across into its target."""
        line = self.items[k]
        assert isinstance(line, Line)
        lead, (a, b, c, d) = points[:-4], points[-4:] if len(points) >= 4 else (points[0],) * 4
        level = abs(a[0] - b[0]) < 0.01 and abs(c[0] - d[0]) < 0.01 and abs(b[1] - c[1]) < 0.01
        if len(points) not in (4, 5) or line.sharp or not (level and b[0] < middle < c[0]):
            return None
        if line.target not in self.outlines or (lead and abs(lead[0][1] - a[1]) > 0.01):
            return None
        if any(on_stretch((b, c), p) or (on_stretch((a, b), p) and p != a) for p in self.starts.get(line.source, ())):
            return None  # another wire leaves its lane
        target = self.spans[self.outlines[line.target]]
        if d[0] < target[0] or d[0] > target[2]:
            return None
        return Skip(k, a[0], d[0], [*lead, a], min(d[1], target[1] + target[3] - d[1]))


def on_stretch(segment: tuple[Point, Point], point: Point) -> bool:
    """Whether a point lies on a level or upright stretch."""
    left, top, right, bottom = box_of(segment)
    return left - 0.01 <= point[0] <= right + 0.01 and top - 0.01 <= point[1] <= bottom + 0.01


def box_of(segment: tuple[Point, Point]) -> Bounds:
    """The bounds of a stretch."""
    (a, b), (c, d) = segment
    return min(a, c), min(b, d), max(a, c), max(b, d)
