"""The plane wires run in: what is in the way, who already runs where, what a way costs, and a search for when all else fails."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from itertools import pairwise

from netfig.layout.blocks import Rect, Trunk

Path = list[tuple[float, float]]
Segment = tuple[float, float, float, float]

CELL = 64.0
CLEAR = 5.0  # a wire keeps this far from boxes it does not belong to
HIT, OVERLAP, CROSSING, OWN_CROSSING, BEND, LENGTH = 1000.0, 220.0, 28.0, 12.0, 9.0, 0.05
BORDER = "\x00border"  # stands for the box in the trunk of a panel's outline
LONG, LARGE_CELL = 6 * CELL, 16 * CELL
NEAR = 6.0  # parallel wires closer than this run on one another


class Field:
    """Obstacles and wires in a grid of cells, so that a question costs what is near and not what there is."""

    def __init__(self) -> None:
        self._obstacles: list[tuple[Rect, str]] = []
        self._members: dict[str, frozenset[str]] = {}
        self._obstacle_cells: dict[tuple[int, int], list[int]] = {}
        self._segments: dict[int, list[tuple[Segment, Trunk]]] = {}
        # by direction and by length: a long stretch would lie in very many small cells
        self._segment_cells: dict[tuple[bool, bool], dict[tuple[int, int], list[tuple[int, int]]]] = {
            (along, long): {} for along in (True, False) for long in (True, False)
        }
        self._covered: dict[tuple[Trunk, bool, float], tuple[float, float]] = {}
        self.effort = EFFORT

    @staticmethod
    def _cells(u0: float, v0: float, u1: float, v1: float, size: float = CELL) -> Iterator[tuple[int, int]]:
        for a in range(int(u0 // size), int(u1 // size) + 1):
            for b in range(int(v0 // size), int(v1 // size) + 1):
                yield a, b

    @staticmethod
    def _is_long(segment: Segment) -> bool:
        return segment[2] - segment[0] + segment[3] - segment[1] > LONG

    def add_obstacle(self, rect: Rect, id: str) -> None:
        """Something no foreign wire may pass through."""
        self._obstacles.append((rect, id))
        for cell in self._cells(*rect):
            self._obstacle_cells.setdefault(cell, []).append(len(self._obstacles) - 1)

    def add_panel(self, rect: Rect, id: str, members: frozenset[str]) -> None:
        """Something only wires of its members may enter, and along whose border none may run."""
        self.add_obstacle(rect, id)
        self._members[id] = members
        u0, v0, u1, v1 = rect
        corners = [(u0, v0), (u1, v0), (u1, v1), (u0, v1), (u0, v0)]
        self.add_path(-len(self._members), corners, (BORDER, id))

    def obstacles(self, u0: float, v0: float, u1: float, v1: float) -> list[tuple[Rect, str]]:
        """Those that touch a rectangle, in the order they were added."""
        found: set[int] = set()
        for cell in self._cells(u0, v0, u1, v1):
            found.update(self._obstacle_cells.get(cell, ()))
        out = []
        for index in sorted(found):
            rect, id = self._obstacles[index]
            if rect.u1 > u0 and rect.u0 < u1 and rect.v1 > v0 and rect.v0 < v1:
                out.append((rect, id))
        return out

    def add_path(self, wire: int, path: Path, trunk: Trunk) -> None:
        """Remembers a wire's way, less what its trunk already has: a bus of a thousand branches stays one."""
        kept = self._segments[wire] = []
        for a, b in pairwise(path):
            whole = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
            along = whole[2] - whole[0] >= whole[3] - whole[1]
            for segment in self._uncovered(whole, along, trunk):
                kept.append((segment, trunk))
                long = self._is_long(segment)
                for cell in self._cells(*segment, LARGE_CELL if long else CELL):
                    self._segment_cells[along, long].setdefault(cell, []).append((wire, len(kept) - 1))

    def new_of(self, segment: Segment, trunk: Trunk) -> list[Segment]:
        """What is to be looked at of a long stretch: what its trunk has already was looked at then."""
        u0, v0, u1, v1 = segment
        along = u1 - u0 >= v1 - v0
        covered = self._covered.get((trunk, along, v0 if along else u0))
        low, high = (u0, u1) if along else (v0, v1)
        if covered is None or high - low < LONG:
            return [segment]
        first, last = covered
        if low > last + 0.01 or high < first - 0.01:
            return [segment]
        ends = ((low, min(high, first + 1)), (max(low, last - 1), high))
        return [(a, v0, b, v1) if along else (u0, a, u1, b) for a, b in ends if b - a > 1.01]

    def _uncovered(self, segment: Segment, along: bool, trunk: Trunk) -> list[Segment]:
        """What of a segment reaches beyond those of its trunk on the same line."""
        u0, v0, u1, v1 = segment
        key = (trunk, along, v0 if along else u0)
        low, high = (u0, u1) if along else (v0, v1)
        if key in self._covered:
            first, last = self._covered[key]
            if low > last + 0.01 or high < first - 0.01:
                return [segment]
            self._covered[key] = min(first, low), max(last, high)
            ends = [(low, first), (last, high)]
        else:
            self._covered[key] = low, high
            ends = [(low, high)]
        return [(a, v0, b, v1) if along else (u0, a, u1, b) for a, b in ends if b - a > 0.01]

    def remove_path(self, wire: int) -> None:
        """Forgets a wire's way."""
        for segment, trunk in self._segments.pop(wire, ()):
            along = segment[2] - segment[0] >= segment[3] - segment[1]
            self._covered.pop((trunk, along, segment[1] if along else segment[0]), None)
            cells = self._segment_cells[along, long := self._is_long(segment)]
            for cell in self._cells(*segment, LARGE_CELL if long else CELL):
                cells[cell] = [s for s in cells[cell] if s[0] != wire]

    def hits(self, segment: Segment, source: str, target: str, *, touching: bool = True) -> int:
        """How many boxes a segment passes through or too close to; it may touch (`touching`) those it ends at."""
        u0, v0, u1, v1 = segment
        count = 0
        for rect, id in self.obstacles(u0 - CLEAR, v0 - CLEAR, u1 + CLEAR, v1 + CLEAR):
            members = self._members.get(id)
            if members is not None and (source in members or target in members):
                continue
            margin = -1.5 if touching and id in (source, target) else CLEAR
            if u1 > rect.u0 - margin and u0 < rect.u1 + margin and v1 > rect.v0 - margin and v0 < rect.v1 + margin:
                count += 1
        return count

    def friction(self, segment: Segment, trunk: Trunk) -> float:
        """What running along and across other wires costs; along one's own trunk is a small gain."""
        u0, v0, u1, v1 = segment
        cost, along = 0.0, u1 - u0 >= v1 - v0
        for (a0, b0, a1, b1), other in self._near(segment, along):
            shared = min(u1, a1) - max(u0, a0) if along else min(v1, b1) - max(v0, b0)
            apart = abs(v0 - b0) if along else abs(u0 - a0)
            if shared > 2 and apart < NEAR:
                cost += (-2.0 if apart < 0.5 else OVERLAP / 4) if other == trunk else OVERLAP
        for (a0, b0, a1, b1), other in self._near(segment, not along):
            if other[0] == BORDER:
                continue
            if (u0 + 1 < a0 < u1 - 1 and b0 + 1 < v0 < b1 - 1) if along else (v0 + 1 < b0 < v1 - 1 and a0 + 1 < u0 < a1 - 1):
                cost += OWN_CROSSING if other == trunk else CROSSING
        return cost

    def runs_along(self, segment: Segment, trunk: Trunk) -> bool:
        """Whether a segment lies on another value's wire."""
        u0, v0, u1, v1 = segment
        along = u1 - u0 >= v1 - v0
        for (a0, b0, a1, b1), other in self._near(segment, along):
            if other != trunk:
                shared = min(u1, a1) - max(u0, a0) if along else min(v1, b1) - max(v0, b0)
                if shared > 2 and (abs(v0 - b0) if along else abs(u0 - a0)) < NEAR:
                    return True
        return False

    def _near(self, segment: Segment, along: bool) -> list[tuple[Segment, Trunk]]:
        """The wires' stretches in the cells around a segment that run along the flow, or across it."""
        u0, v0, u1, v1 = segment
        found: set[tuple[int, int]] = set()
        for long, size in ((False, CELL), (True, LARGE_CELL)):
            cells = self._segment_cells[along, long]
            for cell in self._cells(u0 - NEAR, v0 - NEAR, u1 + NEAR, v1 + NEAR, size) if cells else ():
                if cell in cells:
                    found.update(cells[cell])
        return [self._segments[wire][index] for wire, index in found]

    def cost(self, path: Path, trunk: Trunk, source: str, target: str, limit: float = float("inf")) -> float:
        """What a whole way costs; counting stops at `limit`."""
        total = BEND * (len(path) - 2)
        for a, b in pairwise(path):
            whole = (min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
            total += LENGTH * (whole[2] - whole[0] + whole[3] - whole[1])
            for segment in self.new_of(whole, trunk):
                total += HIT * self.hits(segment, source, target) + self.friction(segment, trunk)
            if total > limit + 30:
                break
        return total


def simplified(path: Sequence[tuple[float, float]]) -> Path:
    """The same way without repeated points and corners that do not turn."""
    out: Path = []
    for u, v in path:
        point = (round(u, 2), round(v, 2))
        if out and abs(out[-1][0] - point[0]) < 0.02 and abs(out[-1][1] - point[1]) < 0.02:
            continue
        if len(out) >= 2:
            (a0, b0), (a1, b1) = out[-2], out[-1]
            same_u = abs(a0 - a1) < 0.02 and abs(a1 - point[0]) < 0.02
            same_v = abs(b0 - b1) < 0.02 and abs(b1 - point[1]) < 0.02
            if same_u or same_v:
                out[-1] = point
                continue
        out.append(point)
    return out


EFFORT = 25_000  # places all searches of one figure may look at together: beyond, a poor way is kept
WINDOW = 90.0  # the search looks this far beyond its ends first
MAX_LINES = 120


def find_way(
    field: Field,
    trunk: Trunk,
    source: str,
    target: str,
    start: tuple[float, float],
    goals: Sequence[tuple[tuple[float, float], int, float]],
) -> Path | None:
    """The cheapest way around everything, on the lines that pass beside what is near; ``None`` when there is none.

    A goal is a point, the side it is on (0: entered along the flow, −1 and +1: from beside) and what choosing it costs.
    """
    for window in (WINDOW, 4 * WINDOW):
        found = _find_way(field, trunk, source, target, start, goals, window)
        if found is not None:
            return found
    return None


def _find_way(
    field: Field,
    trunk: Trunk,
    source: str,
    target: str,
    start: tuple[float, float],
    goals: Sequence[tuple[tuple[float, float], int, float]],
    window: float,
) -> Path | None:
    ends = [g[0] for g in goals]
    u0, u1 = min(start[0], *(e[0] for e in ends)) - window, max(start[0], *(e[0] for e in ends)) + window
    v0, v1 = min(start[1], *(e[1] for e in ends)) - window, max(start[1], *(e[1] for e in ends)) + window
    first = (start[0] + 11.0, start[1])
    stubs: dict[tuple[float, float], tuple[tuple[float, float], int, float]] = {}
    for (u, v), side, extra in goals:
        stub = (u - 17.0, v) if side == 0 else (u, v + side * 17.0)
        last = (min(u, stub[0]), min(v, stub[1]), max(u, stub[0]), max(v, stub[1]))
        if not (field.hits(last, source, target) or field.runs_along(last, trunk)):
            stubs[_round(stub)] = ((u, v), side, extra)
    if not stubs:
        return None
    us, vs = {first[0], *(s[0] for s in stubs)}, {first[1], *(s[1] for s in stubs)}
    near = field.obstacles(u0, v0, u1, v1)
    if len(near) > MAX_LINES or field.effort <= 0:
        return None
    for rect, _ in near:
        us |= {rect.u0 - 12, rect.u1 + 12, rect.u0 - 20, rect.u1 + 20}
        vs |= {rect.v0 - 12, rect.v1 + 12, rect.v0 - 20, rect.v1 + 20}
    lines_u, lines_v = sorted({round(u, 2) for u in us if u0 <= u <= u1}), sorted({round(v, 2) for v in vs if v0 <= v <= v1})
    at_u, at_v = {u: i for i, u in enumerate(lines_u)}, {v: i for i, v in enumerate(lines_v)}
    begin = (at_u[round(first[0], 2)], at_v[round(first[1], 2)])
    goal_at = {(at_u[s[0]], at_v[s[1]]): g for s, g in stubs.items()}
    edge_cost: dict[tuple[int, int, int], float] = {}

    def step_cost(i: int, j: int, direction: int) -> float:
        """From (i, j) to its right (0) or lower (1) neighbour."""
        key = (i, j, direction)
        if key not in edge_cost:
            a, b = lines_u[i], lines_v[j]
            c, d = (lines_u[i + 1], b) if direction == 0 else (a, lines_v[j + 1])
            segment = (a, b, c, d)
            if field.hits(segment, source, target, touching=False):
                edge_cost[key] = -1.0
            else:
                rub = field.friction((a - 1, b, c + 1, d) if direction == 0 else (a, b - 1, c, d + 1), trunk)
                edge_cost[key] = LENGTH * (c - a + d - b) + max(rub, 0.0)
        return edge_cost[key]

    def heuristic(i: int, j: int) -> float:
        return min(LENGTH * (abs(lines_u[i] - s[0]) + abs(lines_v[j] - s[1])) + g[2] for s, g in stubs.items())

    heap: list[tuple[float, float, int, int, int]] = [(heuristic(*begin), 0.0, begin[0], begin[1], 0)]
    best: dict[tuple[int, int, int], float] = {(begin[0], begin[1], 0): 0.0}
    came: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    moves = ((1, 0, 0), (-1, 0, 0), (0, 1, 1), (0, -1, 1))
    while heap:
        field.effort -= 1
        if field.effort < 0:
            return None
        _, cost, i, j, heading = heapq.heappop(heap)
        state = (i, j, heading)
        if cost > best.get(state, float("inf")) + 1e-9:
            continue
        if (i, j) in goal_at and heading != {0: 1, -1: 3, 1: 2}[goal_at[i, j][1]]:  # not from behind, back the way it came
            return _trace(came, state, lines_u, lines_v, start, goal_at[(i, j)][0])
        for turn, (di, dj, direction) in enumerate(moves):
            if (turn ^ 1) == heading:
                continue
            x, y = i + di, j + dj
            if not (0 <= x < len(lines_u) and 0 <= y < len(lines_v)):
                continue
            price = step_cost(min(i, x), min(j, y), direction)
            if price < 0:
                continue
            total = cost + price + (BEND if turn != heading else 0.0)
            if total < best.get((x, y, turn), float("inf")) - 1e-9:
                best[(x, y, turn)] = total
                came[(x, y, turn)] = state
                heapq.heappush(heap, (total + heuristic(x, y), total, x, y, turn))
    return None


def _trace(
    came: dict[tuple[int, int, int], tuple[int, int, int]],
    state: tuple[int, int, int],
    lines_u: list[float],
    lines_v: list[float],
    start: tuple[float, float],
    goal: tuple[float, float],
) -> Path:
    points = [goal]
    while True:
        points.append((lines_u[state[0]], lines_v[state[1]]))
        if state not in came:
            break
        state = came[state]
    points.append(start)
    return simplified(points[::-1])


def _round(point: tuple[float, float]) -> tuple[float, float]:
    return round(point[0], 2), round(point[1], 2)
