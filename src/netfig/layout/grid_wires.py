"""The wires of a grid as lines on the page: shared trunks drawn once, chips centred on the stretch they sit on, names beside."""

from __future__ import annotations

import dataclasses
from bisect import bisect, bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from netfig.drawing import Item, Label, Line, Point, Shape
from netfig.layout.blocks import wire_role
from netfig.layout.grid_routes import Port, Route, chip_leg, corners_of, is_step, place_of, trunk_of
from netfig.layout.grid_tight import NORMAL
from netfig.layout.notes import Board, place_label
from netfig.layout.parts import SizedBox, box_items
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netfig.figure import Box, Figure, Wire
    from netfig.layout.grid import Bands
    from netfig.layout.grid_tight import Measures
    from netfig.theme import Theme

JUNCTION = 4.4
CHIP_GAP = 9.0
HEAD = 7.0
STAGGER = 4.0  # between a chip and what stands beside it
Stretch = tuple[Point, Point]
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Lack:
    """Room that is missing for chips: `need` points between two places of one direction, or on the sides of boxes in `ports`."""

    level: bool  # the places lie beside one another, else above one another
    low: float
    high: float
    need: float
    ports: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where on its way a wire has its chips, and what is missing there."""

    level: bool
    centre: float
    stretch: int
    lacks: tuple[Lack, ...] = ()

    @property
    def lack(self) -> float:
        """How much is missing in all; ports set apart make boxes larger, so that is the last resort."""
        return sum(one.need * (3.0 if one.ports else 1.0) for one in self.lacks)


@dataclass(slots=True)
class _Way:
    """What of a wire is drawn by itself: its corners from where it leaves the trunk."""

    wire: int
    points: list[Point]
    fork: bool = False


class Wiring:
    """Draws all wires of one figure. `centre` gives a box's middle with y counting upwards."""

    def __init__(
        self,
        figure: Figure,
        theme: Theme,
        routes: Sequence[Route],
        sized: Mapping[str, SizedBox],
        chips: Mapping[str, SizedBox],
        centre: Callable[[Box], tuple[float, float]],
        rows: Bands,
        measures: Measures = NORMAL,
    ) -> None:
        self.figure, self.theme, self.routes, self.measures = figure, theme, routes, measures
        self.sized, self.chips, self.centre, self.rows = sized, chips, centre, rows
        self.paths = {route.wire: self._points(route) for route in routes}
        self.upright, self.level = self._pieces(0), self._pieces(1)
        self.legs = {route.wire: self._leg(route) for route in routes}
        self.outlines = [(id, self._outline(id)) for id in sized]
        self.placed: list[tuple[int, Bounds]] = []  # the chips that have a place
        self.route_of = {route.wire: route for route in routes}
        self.trunk = {route.wire: (*trunk_of(figure.wires[route.wire]), id(route.start)) for route in routes}
        self.spots = self._aligned()
        self.lacks: list[Lack] = []
        """What chips lack; known once everything is drawn."""

    # --- corners --------------------------------------------------------------------------------------------------------------

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

    def _outline(self, id: str) -> Bounds:
        x, y = self.centre(self.figure.boxes[id])
        one = self.sized[id]
        return x - one.width / 2, -y - one.height / 2, x + one.width / 2, -y + one.height / 2

    def _pieces(self, which: int) -> tuple[list[float], list[tuple[float, float, float, int]]]:
        """All upright (0) or level (1) stretches by where they stand: that, the interval they take, and whose they are."""
        found = []
        for wire, path in self.paths.items():
            for a, b in pairwise(path):
                if a[which] == b[which]:
                    ends = sorted((a[1 - which], b[1 - which]))
                    found.append((a[which], ends[0], ends[1], wire))
        found.sort()
        return [piece[0] for piece in found], found

    # --- lines ----------------------------------------------------------------------------------------------------------------

    def draw(self) -> list[Item]:
        """Lines, then junction dots, then chips."""
        trunks: dict[tuple[object, ...], list[int]] = {}
        for route in self.routes:
            trunks.setdefault(self.trunk[route.wire], []).append(route.wire)
        grown = [(*self._tree(group), group) for group in trunks.values()]
        parts: dict[int, tuple[int, list[Point]]] = {}  # the piece of each wire that its chips sit on, and where that begins
        behind: dict[int, str] = {}  # wires that begin behind the chips of another
        for ways, _, _ in grown:
            self._share_chips(ways, parts, behind)
        spots = self._find_spots({wire: part for wire, (_, part) in parts.items()})
        lines: list[Line] = []
        marks: list[Item] = []
        chips: list[Item] = []
        for number, (ways, forks, _) in enumerate(grown):
            at = {point for point, _ in forks}
            for way in ways:
                if way.wire in behind:
                    lines.append(self._line(way, way.points, at, source=behind[way.wire]))
                elif way.wire not in spots:
                    lines.append(self._line(way, way.points, at))
                else:
                    more = self._with_chips(way, parts[way.wire], at, spots[way.wire])
                    lines += more[0]
                    chips += more[1]
            for k, (point, wire) in enumerate(forks):
                marks.append(self._dot(f"junction/{number}.{k}", point, self.figure.wires[wire]))
        lines.sort(key=lambda line: self.theme.role(line.role).width)  # the emphasised are painted over the others
        return [*lines, *marks, *chips]

    def _tree(self, wires: list[int]) -> tuple[list[_Way], list[tuple[Point, int]]]:
        """The ways of wires with a common beginning, each drawn from where it leaves those before; the places where they part."""
        ways: list[_Way] = []
        forks: dict[Point, int] = {}
        order = sorted(wires, key=lambda w: (-_rank(self.figure.wires[w]), len(self.paths[w]), _length(self.paths[w]), w))
        drawn: list[list[Point]] = []
        for wire in order:
            path = self.paths[wire]
            best, rest = None, path
            for other in drawn:
                point, left = _parting(other, path)
                if point is not None and _length(left) < _length(rest) - 0.01:
                    best, rest = point, left
            if best is not None:
                forks.setdefault(best, wire)
            ways.append(_Way(wire, rest, best is not None))
            drawn.append(path)
        return ways, list(forks.items())

    def _share_chips(self, ways: list[_Way], parts: dict[int, tuple[int, list[Point]]], behind: dict[int, str]) -> None:
        """Finds the piece of each way its chips sit on: what several have in common is before they part, of others behind it."""
        for k, way in enumerate(ways):
            chips = self.figure.wires[way.wire].chips
            kids = [w for w in ways[k + 1 :] if w.fork and w.wire not in behind and _holds(way.points, w.points[0])]
            same = [w for w in kids if chips and self.figure.wires[w.wire].chips == chips]
            apart = {w.points[0] for w in kids if w not in same}
            if way.wire in behind:
                behind |= {w.wire: behind[way.wire] for w in same}
                continue
            first, part = _after(way.points, apart)
            meets = {w.points[0] for w in same}
            if same and not meets & apart and all(_holds(part[1:], point) or _holds(part[:2], point) for point in meets):
                parts[way.wire] = first, _until(part, meets)
                behind |= {w.wire: f"wire/{way.wire}/chip{len(chips) - 1}" for w in same}
            else:
                parts[way.wire] = _after(way.points, apart | meets)

    def _role(self, wire: Wire) -> str:
        return wire_role(wire.role) + (f".{wire.emphasis}" if wire.emphasis else "")

    def _line(
        self, way: _Way, points: Sequence[Point], at: set[Point], *, source: str = "", target: str = "", part: int = 0
    ) -> Line:
        wire = self.figure.wires[way.wire]
        role = self._role(wire)
        style = self.theme.role(role)
        last = points[-1] == way.points[-1]
        return Line(
            f"wire/{way.wire}" + (f".{part}" if part else ""),
            role,
            tuple(points),
            style.radius,
            wire.head and last and style.head > 0,
            style.dashed,
            None,
            tuple(p for p in points[1:-1] if p in at),
            source or wire.source.box,
            target or wire.target.box,
            "",
            wire.stands_for,
        )

    def _dot(self, id: str, point: Point, wire: Wire) -> Shape:
        (x, y), half = point, JUNCTION / 2
        corners = ((round(x - half, 2), round(y - half, 2)), (round(x + half, 2), round(y + half, 2)))
        return Shape(id, "ellipse", self._role(wire), corners, tone="stroke", outlined=False, part="junction")

    # --- chips ----------------------------------------------------------------------------------------------------------------

    def _with_chips(
        self, way: _Way, piece: tuple[int, list[Point]], at: set[Point], spot: _Spot
    ) -> tuple[list[Line], list[Item]]:
        """The pieces of a wire between its chips, and the chips; `piece` is what of it has them: the stretch it begins in, and
        its points."""
        wire = self.figure.wires[way.wire]
        first, part = piece
        level, centre, k = spot.level, spot.centre, spot.stretch
        sized = [self.chips[chip.id] for chip in wire.chips]
        lengths = [one.width if level else one.height for one in sized]
        total = sum(lengths) + CHIP_GAP * (len(lengths) - 1)
        (ax, ay), (bx, by) = part[k], part[k + 1]
        sign = 1 if (bx - ax if level else by - ay) > 0 else -1
        along = centre - sign * total / 2
        lines: list[Line] = []
        items: list[Item] = []
        before = way.points[: first + k + 1]
        source = ""
        for n, (chip, one, length) in enumerate(zip(wire.chips, sized, lengths, strict=True)):
            enter, leave = along, along + sign * length
            name = f"wire/{way.wire}/chip{n}"
            edge = (round(enter, 2), ay) if level else (ax, round(enter, 2))
            lines.append(self._line(way, [*before, edge], at, source=source, target=name, part=n))
            middle = ((enter + leave) / 2, ay) if level else (ax, (enter + leave) / 2)
            items += self._chip(name, chip.id, one, middle, wire)
            before = [(round(leave, 2), ay) if level else (ax, round(leave, 2))]
            source = name
            along = leave + sign * CHIP_GAP
        lines.append(self._line(way, [*before, *way.points[first + k + 1 :]], at, source=source, part=len(sized)))
        return lines, items

    def _chip(self, name: str, id: str, one: SizedBox, middle: Point, wire: Wire) -> list[Item]:
        chip = next(c for c in wire.chips if c.id == id)
        box = dataclasses.replace(one.box, id=name, tooltip=chip.tooltip, stands_for=chip.stands_for)
        own = dataclasses.replace(one, box=box)
        shapes, labels = box_items(own, middle[0] - one.width / 2, middle[1] - one.height / 2)
        if wire.emphasis == "quiet":
            shapes = [dataclasses.replace(s, fade=0.6, width=0.8) for s in shapes]
            labels = [dataclasses.replace(label, role="text.secondary") for label in labels]
        elif wire.emphasis == "strong":
            shapes = [dataclasses.replace(s, width=2.0) for s in shapes]
        return [*shapes, *labels]

    def _find_spots(self, parts: Mapping[int, list[Point]]) -> dict[int, _Spot]:
        """Where the chips of each wire sit, those with room in line with others first; `lacks` gets what is missing."""
        self.placed, self.lacks = [], []
        wires = [w for w in parts if self.figure.wires[w].chips]
        found: dict[int, _Spot] = {}
        for wire in (w for w in wires if w in self.spots):
            spot = self._in_line(wire, parts[wire])
            if spot is not None:
                found[wire] = self._settle(wire, parts[wire], spot)
        for wire in (w for w in wires if w not in found):
            found[wire] = self._settle(wire, parts[wire], self._spot(wire, parts[wire]))
        return found

    def _settle(self, wire: int, path: Sequence[Point], spot: _Spot) -> _Spot:
        self.lacks += spot.lacks
        along, across = self._span(wire, spot.level) / 2, self._breadth(wire, spot.level) / 2
        y = path[spot.stretch][1 if spot.level else 0]
        x = spot.centre
        box = (x - along, y - across, x + along, y + across) if spot.level else (y - across, x - along, y + across, x + along)
        self.placed.append((wire, box))
        return spot

    def _in_line(self, index: int, path: list[Point]) -> _Spot | None:
        """The place a wire's chips have in line with those of others, where that is free."""
        wanted = self.spots[index]
        for k, (a, b) in enumerate(pairwise(path)):
            level = a[1] == b[1]
            if not _on(self.legs[index], a, b):
                continue
            half = self._span(index, level) / 2 + self.measures.bend - 1
            if any(low <= wanted - half and wanted + half <= high for low, high in self._gaps(index, (a, b), level)):
                return _Spot(level, wanted, k)
        return None

    def _spot(self, index: int, path: list[Point]) -> _Spot:
        """The best place on a way: one with room, best on the stretch meant for it; else where the least is missing."""
        best: tuple[tuple[float, ...], _Spot] | None = None
        for k, (a, b) in enumerate(pairwise(path)):
            level = a[1] == b[1]
            ahead = HEAD if self._has_head(index, b) and not (self.measures.ahead and level) else 0.0
            need = self._span(index, level) + 2 * self.measures.bend + ahead
            low, high = self._free(index, (a, b), level)
            room = high - low
            meant = _on(self.legs[index], a, b)
            spots = [_Spot(level, (low + high) / 2, k, (Lack(level, low, high, need - room),) if room < need - 0.05 else ())]
            if spots[0].lacks:
                spots.append(self._pushing(index, (a, b), k, need))
            for spot in spots:
                rank = (spot.lack, not meant, -min(room, 400.0)) if spot.lacks else (0.0, not meant, -min(room, 400.0))
                if best is None or rank < best[0]:
                    best = rank, spot
        assert best is not None
        return best[1]

    def _pushing(self, index: int, stretch: Stretch, k: int, need: float) -> _Spot:
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
        return _Spot(level, (low + high) / 2, k, tuple(lacks))

    def _leg(self, route: Route) -> Stretch:
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

    def _free(self, index: int, stretch: Stretch, level: bool, *, beside: bool = True) -> tuple[float, float]:
        """The longest part of a stretch with nothing else in the way of chips."""
        gaps = self._gaps(index, stretch, level, beside=beside)
        return max(gaps, key=lambda gap: round(gap[1] - gap[0], 2))

    def _gaps(self, index: int, stretch: Stretch, level: bool, *, beside: bool = True) -> list[tuple[float, float]]:
        """The parts of a stretch in whose way no wire is, no box and no other chip; `beside` counts wires that run along it."""
        (ax, ay), (bx, by) = stretch
        low, high = (min(ax, bx), max(ax, bx)) if level else (min(ay, by), max(ay, by))
        if self.measures.ahead and level and self._has_head(index, stretch[1]):
            low, high = (low, high - HEAD) if bx > ax else (low + HEAD, high)
        across = ay if level else ax
        near = max(self.measures.bend, self._breadth(index, level) / 2 + STAGGER)
        taken: list[tuple[float, float]] = []
        places, segments = self.upright if level else self.level
        for place, one, two, wire in segments[bisect(places, low) : bisect_left(places, high)]:
            if wire != index and one - near < across < two + near:
                taken.append((place, place))
        if beside:
            places, segments = self.level if level else self.upright
            for place, one, two, wire in segments[bisect(places, across - near) : bisect_left(places, across + near)]:
                if one < high and two > low and not self._is_own(index, wire, place, across):
                    taken.append((one, two))
        ends = {self.route_of[index].start.box, self.route_of[index].end.box}
        rects = [(box, STAGGER) for id, box in self.outlines if id not in ends]
        for (a, b, c, d), pad in [*rects, *((box, CHIP_GAP - self.measures.bend) for wire, box in self.placed if wire != index)]:
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

    # --- names ----------------------------------------------------------------------------------------------------------------

    def names(self, there: Sequence[Item]) -> list[Label]:
        """The names of the wires, clear of everything that is there."""
        board = Board()
        for item in there:
            if not (isinstance(item, Shape) and item.tone == "none"):
                board.add(item)
        found: list[Label] = []
        done: set[tuple[object, ...]] = set()
        for n, wire in enumerate(self.figure.wires):
            key = (*trunk_of(wire), wire.label)
            if not wire.label or key in done:
                continue
            done.add(key)
            label = place_label(wire, n, self._role(wire), [self.paths[n]], self.theme, board)
            found.append(label)
            board.add(label)
        return found


def _on(leg: Stretch, a: Point, b: Point) -> bool:
    """Whether a stretch is the leg, or the leg a part of it."""
    (px, py), (qx, qy) = leg
    if a[1] == b[1]:
        inside = min(a[0], b[0]) - 0.1 <= min(px, qx) and max(px, qx) <= max(a[0], b[0]) + 0.1
        return abs(py - a[1]) < 0.1 and abs(qy - a[1]) < 0.1 and inside
    inside = min(a[1], b[1]) - 0.1 <= min(py, qy) and max(py, qy) <= max(a[1], b[1]) + 0.1
    return abs(px - a[0]) < 0.1 and abs(qx - a[0]) < 0.1 and inside


def _rank(wire: Wire) -> int:
    return {"strong": 2, "": 1, "quiet": 0}[wire.emphasis]


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


def _length(path: Sequence[Point]) -> float:
    return sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in pairwise(path))


def _parting(one: Sequence[Point], other: Sequence[Point]) -> tuple[Point | None, list[Point]]:
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


def _until(points: list[Point], forks: set[Point]) -> list[Point]:
    """The beginning of a way up to its first fork."""
    out = [points[0]]
    for a, b in pairwise(points):
        on = [f for f in forks if f != a and _lies(f, a, b)]
        if on:
            return [*out, min(on, key=lambda f: abs(f[0] - a[0]) + abs(f[1] - a[1]))]
        out.append(b)
    return out


def _after(points: list[Point], forks: set[Point]) -> tuple[int, list[Point]]:
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


def _holds(path: Sequence[Point], point: Point) -> bool:
    """Whether a point lies on a way."""
    return any(_lies(point, a, b) for a, b in pairwise(path))


def _lies(point: Point, a: Point, b: Point) -> bool:
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
