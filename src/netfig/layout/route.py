"""Wires: right angles, lanes outside what they bypass, one trunk for a value that goes several ways.

Placement already says which lane a wire takes and in which gaps it may turn; the router lists the few ways that leaves, takes
the cheapest, and searches freely (`netfig.layout.search`) only when all of them pass through something.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import field
from math import sqrt

from netfig.figure import Figure, Group
from netfig.layout.blocks import FORK, JOIN, LEVEL, Rect, Trunk, trunk_of
from netfig.layout.place import Placement, Step
from netfig.layout.search import BEND, LENGTH, Field, Path, find_way, simplified
from netfig.records import dataclass

STRAIGHT = 0.5  # closer than this is the same line
PORT_GAP = 10.0
INFINITE = float("inf")
POOR = 40.0  # a way that costs more, its length aside, is looked at again
HOPELESS = 200.0  # one that costs more runs through a box or along another wire


@dataclass(slots=True)
class Ports:
    """Where one wire leaves and arrives: `side` 0 is the front, −1 and +1 the flanks; `shift` runs along that side."""

    out: float = 0.0
    side: int = 0
    shift: float = 0.0


@dataclass(slots=True)
class Routed:
    """A wire's way in the plane of the flow."""

    wire: int
    trunk: Trunk
    path: Path = field(default_factory=list)
    cost: float = 0.0


class Router:
    """Routes all wires of a placed figure."""

    def __init__(
        self, figure: Figure, placed: Placement, corners: Mapping[str, float], circles: set[str], blocked: list[Rect]
    ) -> None:
        self.figure, self.placed, self.corners, self.circles = figure, placed, corners, circles
        self.rects: dict[str, Rect] = {**placed.panels, **placed.boxes}
        self.field = Field()
        for id, rect in placed.footprints.items():
            self.field.add_obstacle(rect, id)
        for id, rect in placed.panels.items():
            self.field.add_panel(rect, id, _members(figure, id))
        for i, rect in enumerate(blocked):
            self.field.add_obstacle(rect, f"\x00{i}")
        self.trunks = [trunk_of(w) for w in figure.wires]
        self.fans: dict[Trunk, set[str]] = {}
        self.arrivals: dict[str, list[int]] = {}
        for i, wire in enumerate(figure.wires):
            self.fans.setdefault(self.trunks[i], set()).add(wire.target.box)
            self.arrivals.setdefault(wire.target.box, []).append(i)
        self.ports = [Ports() for _ in figure.wires]
        self.levels: dict[int, int] = {}  # how many turns nearer to their common target a wire's own one is away from it
        self.done: dict[int, Routed] = {}

    def run(self) -> list[Routed]:
        """All wires, in the figure's order."""
        self._assign_exits()
        for target, wires in self.arrivals.items():
            self._assign_arrivals(target, wires)
        order = sorted(range(len(self.figure.wires)), key=self._rank)
        for i in order:
            self._route(i)
        for i in order:  # a second look at those that ended badly, now that all others are known
            if self.done[i].cost >= POOR + LENGTH * _span(self.done[i].path):
                self.field.remove_path(i)
                self._route(i)
        return [self.done[i] for i in range(len(self.figure.wires))]

    def _rank(self, i: int) -> tuple[float, float, int]:
        wire = self.figure.wires[i]
        a, b = self.rects[wire.source.box], self.rects[wire.target.box]
        dv = abs(_mid(a) + self.ports[i].out - _mid(b))
        lanes = sum(1 for s in self.placed.steps.get(i, ()) if s.lane)
        kind = 0.0 if not lanes and dv < STRAIGHT else 1.0 if not lanes else 2.0
        return kind, dv + abs(b.u0 - a.u1), i

    # --- ports ----------------------------------------------------------------------------------------------------------------

    def _assign_exits(self) -> None:
        slots: dict[str, dict[str, list[int]]] = {}
        for i, wire in enumerate(self.figure.wires):
            slots.setdefault(wire.source.box, {}).setdefault(self.trunks[i][1], []).append(i)
        for box, by_slot in slots.items():
            if len(by_slot) < 2 or box in self.circles:
                continue
            rect = self.rects[box]

            def lean(wires: list[int]) -> float:
                return sum(self._departure_v(i) for i in wires) / len(wires)

            ordered = sorted(by_slot.values(), key=lambda w: (round(lean(w), 1), w[0]))
            step = min(24.0, (rect.v1 - rect.v0 - 10) / len(ordered))
            for k, wires in enumerate(ordered):
                for i in wires:
                    self.ports[i].out = (k - (len(ordered) - 1) / 2) * step

    def _departure_v(self, i: int) -> float:
        """Where across the flow a wire goes first."""
        lanes = [step.lane for step in self.placed.steps.get(i, ()) if step.lane is not None]
        return self.placed.lane_at[id(lanes[0])] if lanes else _mid(self.rects[self.figure.wires[i].target.box])

    def _arrival_v(self, i: int) -> float:
        for step in reversed(self.placed.steps.get(i, ())):
            if step.lane is not None:
                return self.placed.lane_at[id(step.lane)]
        return _mid(self.rects[self.figure.wires[i].source.box]) + self.ports[i].out

    def _lands_from_lane(self, i: int) -> float | None:
        """The v of the lane a wire lands from on a flank."""
        for step in reversed(self.placed.steps.get(i, ())):
            if step.lane is not None:
                return None if i in step.lane.leaving else self.placed.lane_at[id(step.lane)]
        return None

    def _assign_arrivals(self, target: str, wires: list[int]) -> None:
        rect = self.rects[target]
        centre, half = _mid(rect), (rect.v1 - rect.v0) / 2
        flank: dict[int, list[int]] = {-1: [], 1: []}
        front: list[int] = []
        for i in wires:
            lane_v = self._lands_from_lane(i)
            wanted = self.figure.wires[i].target.side
            if i in self.placed.beside:
                flank[self.placed.beside[i]].append(i)
            elif lane_v is not None and abs(lane_v - centre) > half + 4:
                flank[-1 if lane_v < centre else 1].append(i)
            elif wanted in ("left", "right", "top", "bottom") and self._flank_of(wanted):
                flank[self._flank_of(wanted)].append(i)
            else:
                front.append(i)
        front.sort(key=lambda i: (round(self._arrival_v(i), 1), i))
        front = self._to_flanks(target, front, flank)
        self._spread_front(target, front)
        for side, group in flank.items():
            # the nearest lane lands first, so that none crosses another
            group.sort(key=lambda i: (abs(self._arrival_v(i) - centre), i))
            span = rect.u1 - rect.u0
            step = min(PORT_GAP, (span - 8) / max(len(group), 1))
            for k, i in enumerate(group):
                self.ports[i].side = side
                self.ports[i].shift = (k - (len(group) - 1) / 2) * step

    def _flank_of(self, side: str) -> int:
        right = self.placed.direction == "right"
        return {"top": -1, "bottom": 1}.get(side, 0) if right else {"left": -1, "right": 1}.get(side, 0)

    def _to_flanks(self, target: str, front: list[int], flank: dict[int, list[int]]) -> list[int]:
        """Moves wires that come from beside to a free flank, so that they turn once and the straight one stays straight."""
        rect = self.rects[target]
        centre, half = _mid(rect), (rect.v1 - rect.v0) / 2
        if len(front) < 2:
            return front
        offsets = [self._arrival_v(i) - centre for i in front]
        circle = target in self.circles
        straight = any(abs(o) < STRAIGHT for o in offsets)
        if not (circle or straight):
            return front
        stay = []
        for i, offset in zip(front, offsets, strict=True):
            side = -1 if offset < 0 else 1
            source = self.rects[self.figure.wires[i].source.box]
            outer = i in (front[0], front[-1])
            room = abs(offset) >= half + 9 and source.u1 < (rect.u0 + rect.u1) / 2 - 8
            if room and outer and not flank[side] and self._free_beside(target, offset):
                flank[side].append(i)
            else:
                stay.append(i)
        return stay

    def _free_beside(self, target: str, offset: float) -> bool:
        """Whether nothing stands between a box's flank and a wire that comes along `offset` from its axis."""
        rect = self.rects[target]
        middle, centre = (rect.u0 + rect.u1) / 2, _mid(rect)
        low, high = (centre + offset, rect.v0) if offset < 0 else (rect.v1, centre + offset)
        return all(id == target for _, id in self.field.obstacles(middle - 8, low - 4, middle + 8, high + 4))

    def _spread_front(self, target: str, front: list[int]) -> None:
        rect = self.rects[target]
        centre, half = _mid(rect), (rect.v1 - rect.v0) / 2
        if not front:
            return
        room = half - (3 if target in self.circles else min(self.corners.get(target, 0.0), half / 2) + 3)
        offsets = [self._arrival_v(i) - centre for i in front]
        if len(front) == 1:
            self.ports[front[0]].shift = offsets[0] if abs(offsets[0]) <= room - 2 and target not in self.circles else 0.0
            return
        if all(abs(o) <= room for o in offsets) and all(b - a >= PORT_GAP for a, b in itertools.pairwise(offsets)):
            for i, offset in zip(front, offsets, strict=True):
                self.ports[i].shift = offset
            return
        n = len(front)
        step = min(28.0, 2 * room / (n - 1)) if n <= 3 else 2 * room / (n - 1)
        straight = next((k for k, o in enumerate(offsets) if abs(o) < STRAIGHT), None)
        if straight is not None and len({self.trunks[i] for i in front}) > 1:
            step = min(step, room / max(straight, n - 1 - straight))
            middle = float(straight)
        else:
            middle = (n - 1) / 2
        for k, i in enumerate(front):
            self.ports[i].shift = (k - middle) * step
        for side in (-1, 1):  # of those that come from one side, the outermost turns last
            ranked = [(abs(o), i) for o, i in zip(offsets, front, strict=True) if (o - self.ports[i].shift) * side > STRAIGHT]
            ranked.sort(key=lambda r: (-r[0], r[1]))
            seen: list[Trunk] = []
            for _, i in ranked:
                if self.trunks[i] not in seen:
                    seen.append(self.trunks[i])
                self.levels[i] = seen.index(self.trunks[i])

    def _start(self, i: int) -> tuple[float, float]:
        box = self.figure.wires[i].source.box
        rect, out = self.rects[box], self.ports[i].out
        return rect.u1 - self._inset(box, (rect.v1 - rect.v0) / 2, out), _mid(rect) + out

    def _end(self, i: int, side: int, shift: float | None = None) -> tuple[float, float]:
        box = self.figure.wires[i].target.box
        rect = self.rects[box]
        if shift is None:
            shift = self.ports[i].shift if side == self.ports[i].side else 0.0
        if side == 0:
            return rect.u0 + self._inset(box, (rect.v1 - rect.v0) / 2, shift), _mid(rect) + shift
        inset = self._inset(box, (rect.u1 - rect.u0) / 2, shift)
        return (rect.u0 + rect.u1) / 2 + shift, rect.v0 + inset if side < 0 else rect.v1 - inset

    def _inset(self, box: str, half: float, shift: float) -> float:
        """How far the outline lies within its rectangle, `shift` from the middle of a side: circles and round corners."""
        corner = half if box in self.circles else min(self.corners.get(box, 0.0), half)
        past = abs(shift) - (half - corner)
        return corner - sqrt(max(corner * corner - past * past, 0.0)) if past > 0 else 0.0

    # --- ways -----------------------------------------------------------------------------------------------------------------

    def _route(self, i: int) -> None:
        wire = self.figure.wires[i]
        ends = (wire.source.box, wire.target.box)
        best: tuple[float, Path] | None = None
        planned = any(step.lane for step in self.placed.steps.get(i, ()))
        for extra, path in self._ways(i):
            path = simplified(path)
            if len(path) < 2 or not _sound(path, self.ports[i].side):
                continue
            if planned and not self._blocked(i, path):  # the room was kept for this
                best = (0.0, path)
                break
            cost = self.field.cost(path, self.trunks[i], *ends, limit=best[0] if best else INFINITE) + extra
            if best is None or cost < best[0] - 1e-6:
                best = (cost, path)
            plain = BEND * (len(path) - 2) + LENGTH * _span(path)
            if extra == 0 and len(path) <= 4 and cost <= plain + 0.5:
                break  # the ways come best first, and nothing is wrong with this one
        if best is None or (best[0] >= HOPELESS and self._blocked(i, best[1])):
            found = self._search(i)
            if found is not None:
                cost = self.field.cost(found, self.trunks[i], *ends) + 4
                if best is None or cost < best[0]:
                    best = (cost, found)
        if best is None:  # nothing works: a plain elbow is better than no wire
            a, b = self._start(i), self._end(i, 0)
            best = (1000.0, simplified([a, (a[0] + FORK, a[1]), (a[0] + FORK, b[1]), b]))
        self.done[i] = Routed(i, self.trunks[i], best[1], best[0])
        self.field.add_path(i, best[1], self.trunks[i])

    def _blocked(self, i: int, path: Path) -> bool:
        """Whether a way runs through a box or along a foreign wire; mere crossings do not count."""
        wire = self.figure.wires[i]
        for a, b in itertools.pairwise(path):
            whole = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
            for segment in self.field.new_of(whole, self.trunks[i]):
                if self.field.hits(segment, wire.source.box, wire.target.box) or self.field.runs_along(segment, self.trunks[i]):
                    return True
        return False

    def _ways(self, i: int) -> Iterator[tuple[float, Path]]:
        steps = self.placed.steps.get(i, [])
        if i in self.placed.back:
            yield from self._ways_back(i, steps)
            return
        if i in self.placed.beside:
            end = self._end(i, self.ports[i].side)
            source = self.rects[self.figure.wires[i].source.box]
            yield 0.0, [(end[0], source.v1 if self.ports[i].side < 0 else source.v0), end]
            return
        start = self._start(i)
        lanes = [s for s in steps if s.lane is not None]
        end = self._end(i, self.ports[i].side)
        if not lanes:
            yield from self._ways_direct(i, [start], start, end, steps)
            return
        rest = [s for s in steps if s.u > lanes[-1].u and s.lane is None]
        for worse, path, at in self._along_lanes(start, lanes):
            for extra, way in self._ways_direct(i, path, at, end, rest):
                yield extra + worse, way

    def _along_lanes(self, start: tuple[float, float], lanes: list[Step]) -> Iterator[tuple[float, Path, tuple[float, float]]]:
        """The ways from `start` onto the last of its lanes, the planned one first."""
        levels = [self.placed.lane_at[id(step.lane)] for step in lanes]
        buses = [step.u for step in lanes]
        tries = [(0.0, buses, levels), (2.0, [start[0] + FORK, *buses[1:]], levels)]
        if len(lanes) > 1:  # from lane to lane beside a bar that others part at, or on one lane all the way
            tries += [(4.0, [buses[0], *(u + d for u in buses[1:])], levels) for d in (-LEVEL, LEVEL)]
            tries += [(6.0, buses[:1], [v]) for v in dict.fromkeys(reversed(levels))]
        for worse, us, vs in tries:
            path, at = [start], start
            for u, v in zip(us, vs, strict=True):
                bus = max(u, at[0] + 1)
                if abs(at[1] - v) > STRAIGHT:
                    path += [(bus, at[1]), (bus, v)]
                at = (bus, v)
            yield worse, path, at

    def _ways_direct(
        self, i: int, path: Path, at: tuple[float, float], end: tuple[float, float], steps: list[Step]
    ) -> Iterator[tuple[float, Path]]:
        """From `at` straight, around one corner, or around two, to the wire's target."""
        side = self.ports[i].side
        if side:
            yield 0.0, [*path, (end[0], at[1]), end]
            for extra, bus in self._turns(i, at, end, steps):
                beside = end[1] + side * JOIN
                yield 6 + extra, [*path, (bus, at[1]), (bus, beside), (end[0], beside), end]
            front = self._end(i, 0)
            yield 12.0, [*path, (front[0] - JOIN, at[1]), (front[0] - JOIN, front[1]), front]
            return
        if abs(at[1] - end[1]) < STRAIGHT:
            yield 0.0, [*path, (end[0], at[1])]
        for extra, bus in self._turns(i, at, end, steps):
            yield extra, [*path, (bus, at[1]), (bus, end[1]), end]

    def _turns(
        self, i: int, at: tuple[float, float], end: tuple[float, float], steps: list[Step]
    ) -> Iterator[tuple[float, float]]:
        """Where along the flow a wire may turn, the best first."""
        late = self.placed.turn_after.get(i, -INFINITE)
        early = []
        for extra, bus in self._buses(i, at, end, [s for s in steps if s.u > late]):
            if bus > late:
                yield extra, bus
            else:
                early.append((extra + 6.0, bus))
        yield from early

    def _buses(
        self, i: int, at: tuple[float, float], end: tuple[float, float], steps: list[Step]
    ) -> Iterator[tuple[float, float]]:
        """Where along the flow a wire usually turns, the best first."""
        fans = len(self.fans[self.trunks[i]]) > 1
        arrivals = self.arrivals[self.figure.wires[i].target.box]
        meets = len(arrivals) > 1
        if sum(1 for j in arrivals if self.trunks[j] == self.trunks[i]) > 1:
            fans = False  # one value enters several times: it spreads right before the box
        room = end[0] - at[0]
        if room < 12:
            return
        near_source, near_target = at[0] + FORK, end[0] - JOIN
        penalty = 0.0
        rank = self.levels.get(i, 0)
        if rank and near_target - LEVEL * rank > at[0] + 6:
            yield 0.0, near_target - LEVEL * rank
            penalty = 1.0
        for step in steps:
            if step.prefer and not rank:
                places = (step.fork, step.join) if step.prefer == "fork" else (step.join, step.fork)
                for extra, bus in zip((0.0, 1.5), places, strict=True):
                    if at[0] + 4 < bus < end[0] - 9:
                        yield extra, bus
                penalty = 2.0
        first, last = (near_source, near_target) if fans or not meets else (near_target, near_source)
        if not fans and not meets and room < 60:
            first = at[0] + room / 2 - 2
        yield penalty, first
        yield penalty + 1, last
        for k in (1, 2, 3):
            if near_target - LEVEL * k > at[0] + 8:
                yield penalty + 1 + 0.3 * k, near_target - LEVEL * k
        for k in (1, 2):
            if near_source + LEVEL * k < end[0] - 14:
                yield penalty + 1.5 + 0.3 * k, near_source + LEVEL * k
        yield penalty + 2, (at[0] + end[0]) / 2

    def _ways_back(self, i: int, steps: list[Step]) -> Iterator[tuple[float, Path]]:
        wire = self.figure.wires[i]
        a, b = self.rects[wire.source.box], self.rects[wire.target.box]
        ua, ub = (a.u0 + a.u1) / 2, (b.u0 + b.u1) / 2
        lanes = [self.placed.lane_at[id(s.lane)] for s in steps if s.lane is not None]
        for v in lanes or [max(a.v1, b.v1) + 20, min(a.v0, b.v0) - 20]:
            edge_a, edge_b = (a.v1, b.v1) if v > _mid(a) else (a.v0, b.v0)
            yield 0.0, [(ua, edge_a), (ua, v), (ub, v), (ub, edge_b)]

    def _search(self, i: int) -> Path | None:
        start = self._start(i)
        wire = self.figure.wires[i]
        rect = self.rects[wire.target.box]
        goals = []
        for side in (0, -1, 1):
            own = side == self.ports[i].side
            goals.append((self._end(i, side), side, 0.0 if own else 14.0))
            span = rect.u1 - rect.u0 if side else rect.v1 - rect.v0
            room = span / 2 - min(self.corners.get(wire.target.box, 0.0), span / 4) - 3
            if room >= PORT_GAP and wire.target.box not in self.circles:  # another wire may already be in the middle
                goals += [(self._end(i, side, shift), side, 16.0) for shift in (-PORT_GAP, PORT_GAP)]
        return find_way(self.field, self.trunks[i], wire.source.box, wire.target.box, start, goals)


def _members(figure: Figure, panel: str) -> frozenset[str]:
    """A group with everything in it."""
    found, stack = [], [figure.groups[panel]]
    while stack:
        group = stack.pop()
        found.append(group.id)
        for child in group.children:
            if isinstance(child, Group):
                stack.append(child)
            else:
                found.append(child.id)
    return frozenset(found)


def _mid(rect: Rect) -> float:
    return (rect.v0 + rect.v1) / 2


def _span(path: Path) -> float:
    return sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in itertools.pairwise(path))


def _sound(path: Path, side: int) -> bool:
    """Whether a way leaves its source forwards and has room for the head before its end."""
    (a, b), (y, z) = path[:2], path[-2:]
    if len(path) > 2 and abs(y[0] - z[0]) + abs(y[1] - z[1]) < 8.5:
        return False
    return not (b[0] < a[0] - 0.01 or (side == 0 and z[0] < y[0] - 0.01))
