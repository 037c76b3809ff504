"""Where on its way a wire has its chips: on the stretch meant for them, in line with others, clear of all that is there."""

from __future__ import annotations

from bisect import bisect, bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from netfig.layout.grid_parts import chip_leg, is_step, place_of, trunk_of
from netfig.layout.near import Grid
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfig.drawing import Point
    from netfig.figure import Figure
    from netfig.layout.grid_parts import Route
    from netfig.layout.grid_paths import Bounds, Paths
    from netfig.layout.grid_tight import Measures
    from netfig.layout.near import Segment
    from netfig.layout.parts import SizedBox

CHIP_GAP = 9.0  # between chips that follow one another
HEAD = 7.0
STAGGER = 4.0  # between a chip and what stands beside it


@dataclass(frozen=True, slots=True)
class Lack:
    """Room that is missing for chips: `need` points between two places of one direction, or on the sides of boxes in `ports`."""

    level: bool  # the places lie beside one another, else above one another
    low: float
    high: float
    need: float
    ports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Spot:
    """Where on its way a wire has its chips, and what is missing there."""

    level: bool
    centre: float
    stretch: int
    lacks: tuple[Lack, ...] = ()

    @property
    def lack(self) -> float:
        """How much is missing in all; ports set apart make boxes larger, so that is the last resort."""
        return sum(one.need * (3.0 if one.ports else 1.0) for one in self.lacks)


class Spots:
    """Finds the places of all chips of one figure; `lacks` is what they lack, known once all have a place.

    `names` is the room that the name of a wire needs before its chips.
    """

    def __init__(
        self,
        figure: Figure,
        routes: Sequence[Route],
        paths: Paths,
        chips: Mapping[str, SizedBox],
        measures: Measures,
        names: Mapping[int, float],
    ) -> None:
        self.figure, self.routes, self.chips, self.measures, self.names = figure, routes, chips, measures, names
        self.paths, self.rows = paths.of, paths.rows
        self.upright, self.level = paths.pieces(0), paths.pieces(1)
        self.route_of = {route.wire: route for route in routes}
        self.trunk = {route.wire: (*trunk_of(figure.wires[route.wire]), id(route.start)) for route in routes}
        self.legs = {route.wire: self._leg(route) for route in routes}
        self.outlines = _Rectangles()
        for id_ in paths.sized:
            self.outlines.add(id_, paths.outline(id_))
        self.placed = _Rectangles()  # the chips that have a place
        self.lacks: list[Lack] = []
        self.aligned = self._aligned()

    def find(self, parts: Mapping[int, list[Point]]) -> dict[int, Spot]:
        """Where the chips of each wire sit, those with room in line with others first; `lacks` gets what is missing."""
        self.placed, self.lacks = _Rectangles(), []
        wires = [w for w in parts if self.figure.wires[w].chips]
        found: dict[int, Spot] = {}
        for wire in (w for w in wires if w in self.aligned):
            spot = self._in_line(wire, parts[wire])
            if spot is not None:
                found[wire] = self._settle(wire, parts[wire], spot)
        for wire in (w for w in wires if w not in found):
            found[wire] = self._settle(wire, parts[wire], self._spot(wire, parts[wire]))
        return found

    def _settle(self, wire: int, path: Sequence[Point], spot: Spot) -> Spot:
        self.lacks += spot.lacks
        along, across = self._span(wire, spot.level) / 2, self._breadth(wire, spot.level) / 2
        y = path[spot.stretch][1 if spot.level else 0]
        x = spot.centre
        box = (x - along, y - across, x + along, y + across) if spot.level else (y - across, x - along, y + across, x + along)
        self.placed.add(wire, box)
        return spot

    def _in_line(self, index: int, path: list[Point]) -> Spot | None:
        """The place a wire's chips have in line with those of others, where that is free."""
        wanted = self.aligned[index]
        for k, (a, b) in enumerate(pairwise(path)):
            level = a[1] == b[1]
            if not _on(self.legs[index], a, b):
                continue
            half = self._span(index, level) / 2 + self.measures.bend - 1
            if any(low <= wanted - half and wanted + half <= high for low, high in self._gaps(index, (a, b), level)):
                return Spot(level, wanted, k)
        return None

    def _spot(self, index: int, path: list[Point]) -> Spot:
        """The best place on a way: one with room, best on the stretch meant for it; else where the least is missing."""
        best: tuple[tuple[float, ...], Spot] | None = None
        for k, (a, b) in enumerate(pairwise(path)):
            level = a[1] == b[1]
            ahead = HEAD if self._has_head(index, b) and not (self.measures.ahead and level) else 0.0
            need = self._span(index, level) + 2 * self.measures.bend + ahead
            low, high = self._free(index, (a, b), level)
            room = high - low
            meant = _on(self.legs[index], a, b)
            spots = [Spot(level, (low + high) / 2, k, (Lack(level, low, high, need - room),) if room < need - 0.05 else ())]
            if spots[0].lacks:
                spots.append(self._pushing(index, (a, b), k, need))
            for spot in spots:
                rank = (spot.lack, not meant, -min(room, 400.0)) if spot.lacks else (0.0, not meant, -min(room, 400.0))
                if best is None or rank < best[0]:
                    best = rank, spot
        assert best is not None
        return best[1]

    def _pushing(self, index: int, stretch: Segment, k: int, need: float) -> Spot:
        """A place on a stretch once the wires that run beside it have been moved away."""
        (ax, ay), (_, by) = stretch
        level = ay == by
        across = ay if level else ax
        low, high = self._free(index, stretch, level, beside=False)
        lacks = [Lack(level, low, high, need - (high - low))] if high - low < need else []
        near = self._breadth(index, level) / 2 + STAGGER
        for place, one, two, wire in (self.level if level else self.upright)[1]:
            if abs(place - across) < near and two > low + 1 and one < high - 1 and not self._is_own(index, wire, place, across):
                mine, other = self.route_of[index], self.route_of[wire]
                sides = {(p.box, p.side) for p in (mine.start, mine.end)} & {(p.box, p.side) for p in (other.start, other.end)}
                ends = (min(place, across), max(place, across))
                lacks.append(Lack(not level, *ends, near - abs(place - across), tuple(sorted(sides))))
        return Spot(level, (low + high) / 2, k, tuple(lacks))

    def _leg(self, route: Route) -> Segment:
        """The stretch of a wire that is meant for its chips."""
        path, leg = self.paths[route.wire], chip_leg(route)
        if leg == 0 or leg > len(route.passages):
            a, b = path[:2] if leg == 0 else path[-2:]
            if is_step(route):  # within the channel it turns in
                n = route.passages[0].channel[1]
                start = self.rows.starts[n]
                low, high = -(start + self.rows.channels[n]), -start
                a, b = (a[0], min(max(a[1], low), high)), (b[0], min(max(b[1], low), high))
            return a, b
        passage = route.passages[leg - 1]
        upright = passage.channel[0] == "V"
        at = passage.at if upright else round(-passage.at, 2)
        for a, b in pairwise(path):
            if abs(a[0 if upright else 1] - at) < 0.05 and abs(b[0 if upright else 1] - at) < 0.05:
                return a, b
        return path[0], path[1]

    def _aligned(self) -> dict[int, float]:
        """Where the chips of wires sit that cross one channel: in one line where there is room for that."""
        groups: dict[tuple[str, int], list[tuple[int, float, float]]] = {}
        for route in self.routes:
            if not self.figure.wires[route.wire].chips or not (route.is_straight or is_step(route)):
                continue
            a, b = self.legs[route.wire]
            level = a[1] == b[1]
            n = self._channel(route)
            groups.setdefault(("h" if level else "v", n), []).append((route.wire, *self._free(route.wire, (a, b), level)))
        found: dict[int, float] = {}
        for (side, _), members in groups.items():
            low, high = max(m[1] for m in members), min(m[2] for m in members)
            need = max(self._span(wire, side == "h") for wire, _, _ in members) + 2 * self.measures.bend
            for wire, own_low, own_high in members:
                found[wire] = round((low + high) / 2 if high - low >= need else (own_low + own_high) / 2, 2)
        return found

    def _channel(self, route: Route) -> int:
        if route.passages:
            return route.passages[0].channel[1]
        (column, row), span = place_of(self.figure.boxes[route.end.box]), self.figure.boxes[route.end.box].span
        return {"left": column, "right": column + span[0], "bottom": row, "top": row + span[1]}[route.end.side]

    def _span(self, wire: int, level: bool) -> float:
        """How long the chips of a wire are along it."""
        chips = [self.chips[chip.id] for chip in self.figure.wires[wire].chips]
        return sum(c.width if level else c.height for c in chips) + CHIP_GAP * (len(chips) - 1)

    def _breadth(self, wire: int, level: bool) -> float:
        """How much the chips of a wire take across it."""
        chips = [self.chips[chip.id] for chip in self.figure.wires[wire].chips]
        return max((c.height if level else c.width for c in chips), default=0.0)

    def _free(self, index: int, stretch: Segment, level: bool, *, beside: bool = True) -> tuple[float, float]:
        """The longest part of a stretch with nothing else in the way of chips."""
        gaps = self._gaps(index, stretch, level, beside=beside)
        return max(gaps, key=lambda gap: round(gap[1] - gap[0], 2))

    def _gaps(self, index: int, stretch: Segment, level: bool, *, beside: bool = True) -> list[tuple[float, float]]:
        """The parts of a stretch in whose way no wire is, no box and no other chip; `beside` counts wires that run along it."""
        (ax, ay), (bx, by) = stretch
        low, high = (min(ax, bx), max(ax, bx)) if level else (min(ay, by), max(ay, by))
        if self.measures.ahead and level and self._has_head(index, stretch[1]):
            low, high = (low, high - HEAD) if bx > ax else (low + HEAD, high)
        if level and index in self.names and stretch[0] == self.paths[index][0]:  # the name stands before the chips
            lack = 2 * self.names[index] - (high - low - self._span(index, level))
            if lack > 0:
                low, high = (low + lack, high) if bx > ax else (low, high - lack)
        across = ay if level else ax
        near = max(self.measures.bend, self._breadth(index, level) / 2 + STAGGER)
        taken: list[tuple[float, float]] = []
        more = max(self.measures.cross - self.measures.bend, 0.0)
        places, segments = self.upright if level else self.level
        for place, one, two, wire in segments[bisect(places, low) : bisect_left(places, high)]:
            if wire != index and one - near < across < two + near:
                taken.append((place - more, place + more))
        if taken:  # as far from the box at the other end
            low, high = low + more, high - more
        if beside:
            places, segments = self.level if level else self.upright
            for place, one, two, wire in segments[bisect(places, across - near) : bisect_left(places, across + near)]:
                if one < high and two > low and not self._is_own(index, wire, place, across):
                    taken.append((one, two))
        ends = (self.route_of[index].start.box, self.route_of[index].end.box)
        around = (low - CHIP_GAP, across - near, high + CHIP_GAP, across + near)
        if not level:
            around = (around[1], around[0], around[3], around[2])
        rects = [(box, STAGGER) for id, box in self.outlines.near(around) if id not in ends]
        chips = [(box, CHIP_GAP - self.measures.bend) for wire, box in self.placed.near(around) if wire != index]
        for (a, b, c, d), pad in (*rects, *chips):
            one, two, first, last = (b, d, a, c) if level else (a, c, b, d)
            if one - near < across < two + near and first < high and last > low:
                taken.append((first - pad, last + pad))
        gaps: list[tuple[float, float]] = []
        at = low
        for first, last in sorted(taken):
            if first > at:
                gaps.append((at, min(first, high)))
            at = max(at, last)
        if at < high:
            gaps.append((at, high))
        return gaps or [((low + high) / 2, (low + high) / 2)]

    def _has_head(self, index: int, end: Point) -> bool:
        return self.figure.wires[index].head and self.paths[index][-1] == end

    def _is_own(self, index: int, other: int, place: float, across: float) -> bool:
        """Whether a wire that runs beside (or on) another is it itself or its trunk."""
        return index == other or (self.trunk[index] == self.trunk[other] and abs(place - across) < 0.05)


class _Rectangles:
    """Rectangles by what they belong to, found by where they are."""

    def __init__(self) -> None:
        self.items: list[tuple[str | int, Bounds]] = []
        self.grid = Grid()

    def add(self, owner: str | int, bounds: Bounds) -> None:
        self.items.append((owner, bounds))
        self.grid.add(bounds)

    def near(self, bounds: Bounds) -> list[tuple[str | int, Bounds]]:
        """Those near a rectangle, and maybe others."""
        return [self.items[n] for n in self.grid.near(bounds)]


def _on(leg: Segment, a: Point, b: Point) -> bool:
    """Whether a stretch is the leg, or the leg a part of it."""
    (px, py), (qx, qy) = leg
    if a[1] == b[1]:
        inside = min(a[0], b[0]) - 0.1 <= min(px, qx) and max(px, qx) <= max(a[0], b[0]) + 0.1
        return abs(py - a[1]) < 0.1 and abs(qy - a[1]) < 0.1 and inside
    inside = min(a[1], b[1]) - 0.1 <= min(py, qy) and max(py, qy) <= max(a[1], b[1]) + 0.1
    return abs(px - a[0]) < 0.1 and abs(qx - a[0]) < 0.1 and inside
