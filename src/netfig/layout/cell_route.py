"""Wires of a cell: the cheapest right-angled way of each on a grid of lanes, before anything has a coordinate.

Every column of the cell is three upright lines (the middle of its boxes and a port to either side of it), every row one level
line; between them run lanes. A wire starts anywhere on what is already drawn of its value, so that a value that goes several ways
has one trunk; it may cross another wire but never run on it. Lanes that nobody takes have no width in the end, so a cell is as
tight as its wires allow.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from itertools import accumulate

from netfig.layout.cell_grid import (
    BACK,
    DOWN,
    LEFT,
    MOVES,
    RIGHT,
    UP,
    Demand,
    Grid,
    Node,
    Spot,
    Trunk,
    Way,
    corners_of,
    heading_of,
    nodes_of,
    stretches_of,
)
from netfig.records import dataclass

STEP_LANE, STEP_BOX = 2.0, 4.0  # what passing a lane and a column or row costs
BEND, CROSS, CROSS_MAIN, BRANCH, PUSH = 12.0, 40.0, 70.0, 2.0, 60.0
OFF_MIDDLE = 10.0  # entering beside the middle of a side
EFFORT, MOST_EFFORT = 10_000, 800_000  # places all searches may look at: for each wire, and for all of them


@dataclass(slots=True)
class _Use:
    """Who takes a grid point: by trunk, how often level and upright, and how often with a corner or an end."""

    level: int = 0
    upright: int = 0
    corner: int = 0


class Maze:
    """Routes the wires of one cell."""

    def __init__(self, grid: Grid, spots: Mapping[str, Spot], fence: tuple[tuple[int, int], tuple[int, int]]) -> None:
        self.grid, self.spots = grid, spots
        self.owner: dict[Node, str] = {}
        for id, spot in spots.items():
            for part in (-1, 0, 1):
                self.owner[grid.x(spot.column, part), grid.y(spot.row)] = id
        self.points: dict[Node, dict[Trunk, _Use]] = {}
        self.stretches: dict[tuple[Node, bool], dict[Trunk, int]] = {}
        self.entered: dict[tuple[str, int, int], int] = {}
        self.ways: dict[int, Way] = {}
        self.main: set[Trunk] = set()
        self.history: dict[tuple[Node, bool], float] = {}  # what was fought over before
        self.pushing = False  # through other wires, at a price
        self.fence = fence
        self.left = 0
        self.last_x, self.last_y = grid.width - 1, grid.height - 1
        self.along = list(accumulate((self._step((x, 0), True) for x in range(grid.width - 1)), initial=0.0))
        self.across = list(accumulate((self._step((0, y), False) for y in range(grid.height - 1)), initial=0.0))

    def run(self, demands: Iterable[Demand]) -> dict[int, Way]:
        """All wires by their number; a wire that finds no way is left out."""
        order = sorted(demands, key=self._rank)
        self.left = min(EFFORT * (len(order) + 8), MOST_EFFORT)
        self.main = {d.trunk for d in order if d.first}
        for demand in order:
            self._lead(demand)
        self._make_way(order)
        for _ in range(2):  # lead what crosses something again, now that all others are known
            better = False
            trunks = dict.fromkeys(d.trunk for d in order if d.wire not in self.ways or self._crossings(self.ways[d.wire]))
            for trunk in trunks:
                better |= self._again([d for d in order if d.trunk == trunk])
            if not better:
                break
        return self.ways

    def _make_way(self, demands: list[Demand]) -> None:
        """Leads wires that found no way through others, and these then around them; what is fought over grows dearer."""
        for _ in range(4 * len(demands)):
            stuck = next((d for d in demands if d.wire not in self.ways), None)
            if stuck is None or self.left <= 0:
                return
            self.pushing = True
            found = self._search(stuck)
            self.pushing = False
            if found is None:
                return
            spots = set(stretches_of(found.path)), set(nodes_of(found.path)[1:-1])
            for other in [w for w in self.ways.values() if w.demand.trunk != stuck.trunk]:
                if self._in_the_way(other, found, spots):
                    for one in [d for d in demands if d.trunk == other.demand.trunk]:
                        self._forget(one.wire)
            for stretch in spots[0]:
                self.history[stretch] = self.history.get(stretch, 0.0) + PUSH / 4
            self._keep(found)
            for demand in demands:
                if demand.wire not in self.ways and demand.trunk != stuck.trunk:
                    self._lead(demand)

    def _in_the_way(self, other: Way, found: Way, spots: tuple[set[tuple[Node, bool]], set[Node]]) -> bool:
        if other.demand.wire not in self.ways:
            return False
        stretches, nodes = spots
        if any(s in stretches for s in stretches_of(other.path)):
            return True
        corners, mine = set(other.path[1:-1]), set(found.path[1:-1])
        if any(n in nodes for n in corners) or any(n in mine for n in nodes_of(other.path)[1:-1]):
            return True
        return other.demand.target == found.demand.target and other.path[-2:] == found.path[-2:]

    def _rank(self, demand: Demand) -> tuple[int, int, int, int]:
        a, b = self.spots[demand.source], self.spots[demand.target]
        dx, dy = abs(a.column - b.column), abs(a.row - b.row)
        return 0 if demand.first else 1, 0 if not (dx and dy) else 1, dx + dy, demand.wire

    def _again(self, demands: list[Demand]) -> bool:
        before = [self.ways[d.wire] for d in demands if d.wire in self.ways]
        was = self._price(demands)
        for demand in demands:
            self._forget(demand.wire)
        for demand in demands:
            self._lead(demand)
        if self._price(demands) < was - 1e-6:
            return True
        for demand in demands:
            self._forget(demand.wire)
        for way in before:
            self._keep(way)
        return False

    def _price(self, demands: list[Demand]) -> float:
        """What wires cost together, a shared trunk once."""
        total, seen = 0.0, set()
        for demand in demands:
            way = self.ways.get(demand.wire)
            if way is None:
                total += 1e6
                continue
            total += BEND * (len(way.path) - 2)
            for node, level in stretches_of(way.path):
                if (node, level) not in seen:
                    seen.add((node, level))
                    total += self._step(node, level) + self._crossed(node, level, demand.trunk)
        return total

    def _crossings(self, way: Way) -> float:
        return sum(self._crossed(node, level, way.demand.trunk) for node, level in stretches_of(way.path))

    def _crossed(self, node: Node, level: bool, trunk: Trunk) -> float:
        """What crossing others at a point costs."""
        uses = self.points.get(node, {})
        crossed = [other for other, use in uses.items() if other != trunk and (use.upright if level else use.level)]
        return sum(CROSS_MAIN if other in self.main else CROSS for other in crossed)

    def _step(self, node: Node, level: bool) -> float:
        if level:
            part = node[0] % (self.grid.lanes + 3)
            return STEP_LANE if part >= 3 else STEP_BOX
        return STEP_LANE if node[1] % (self.grid.lanes + 1) else STEP_BOX

    # --- what is taken --------------------------------------------------------------------------------------------------------

    def _keep(self, way: Way, count: int = 1) -> None:
        trunk = way.demand.trunk
        for node, level in stretches_of(way.path):
            users = self.stretches.setdefault((node, level), {})
            users[trunk] = users.get(trunk, 0) + count
            if users[trunk] <= 0:
                del users[trunk]
        nodes = nodes_of(way.path)
        corners = set(way.path)
        for k, node in enumerate(nodes):
            use = self.points.setdefault(node, {}).setdefault(trunk, _Use())
            before, after = nodes[max(k - 1, 0)], nodes[min(k + 1, len(nodes) - 1)]
            use.level += count * (before[0] != after[0])
            use.upright += count * (before[1] != after[1])
            use.corner += count * (node in corners)
            if not (use.level or use.upright or use.corner):
                del self.points[node][trunk]
        a, b = way.path[-2:]
        key = way.demand.target, b[0], heading_of(a, b)
        self.entered[key] = self.entered.get(key, 0) + count
        if count > 0:
            self.ways[way.demand.wire] = way
        else:
            del self.ways[way.demand.wire]

    def _forget(self, wire: int) -> None:
        if wire in self.ways:
            self._keep(self.ways[wire], -1)

    # --- finding a way --------------------------------------------------------------------------------------------------------

    def _lead(self, demand: Demand) -> None:
        found = self._search(demand)
        if found is not None:
            self._keep(found)

    def _starts(self, demand: Demand) -> list[tuple[float, Node, int, Node | None]]:
        """(cost, point, heading, the point of the trunk it branches from) of every place a wire may begin at."""
        spot = self.spots[demand.source]
        x, y = self.grid.x(spot.column), self.grid.y(spot.row)
        starts: list[tuple[float, Node, int, Node | None]] = []
        for heading, cost in enumerate(spot.exits):
            if cost is not None:
                starts.append((cost, (x, y), heading, None))
        for node, uses in self.points.items():
            mine = uses.get(demand.trunk)
            if mine is None or node in self.owner or len(uses) > 1:
                continue
            for heading in range(4):
                level = heading in (RIGHT, LEFT)
                if (mine.level if level else mine.upright) and not mine.corner:
                    continue
                starts.append((BRANCH + (1.0 if mine.corner else 0.0), node, heading, node))
        return starts

    def _search(self, demand: Demand) -> Way | None:
        spots, grid, owner, target = self.spots, self.grid, self.owner, demand.target
        goal = spots[target]
        gx, gy = grid.x(goal.column), grid.y(goal.row)
        heap: list[tuple[float, float, Node, int]] = []
        best: dict[tuple[Node, int], float] = {}
        came: dict[tuple[Node, int], tuple[Node, int] | None] = {}

        along, across = self.along, self.across

        def ahead(node: Node, heading: int) -> float:
            """What the way from here costs at least."""
            x, y = node
            least = max(0.0, abs(along[x] - along[gx]) - STEP_BOX) + abs(across[y] - across[gy])
            if heading < 2:
                if (x > gx + 1) if heading == RIGHT else (x < gx - 1):
                    return least + 2 * BEND
                return least + (BEND if y != gy else 0.0)
            if (y > gy) if heading == DOWN else (y < gy):
                return least + 2 * BEND
            return least + (BEND if abs(x - gx) > 1 else 0.0)

        for cost, node, heading, _ in self._starts(demand):
            state = node, heading
            if cost < best.get(state, 1e9):
                best[state], came[state] = cost, None
                heap.append((cost + ahead(node, heading), cost, node, heading))
        heapq.heapify(heap)
        while heap:
            self.left -= 1
            if self.left < 0:
                return None
            _, cost, node, heading = heapq.heappop(heap)
            state = node, heading
            if cost > best[state] + 1e-9:
                continue
            if owner.get(node) == target and came[state] is not None:
                return self._way(demand, came, state, cost)
            inside = node in owner
            for turn in range(4):
                if turn == BACK[heading] or (turn != heading and (inside or came[state] is None)):
                    continue
                after = node[0] + MOVES[turn][0], node[1] + MOVES[turn][1]
                price = self._move(node, after, heading, turn, demand)
                if price is None:
                    continue
                total = cost + price
                key = after, turn
                if total < best.get(key, 1e9) - 1e-9:
                    best[key], came[key] = total, state
                    heapq.heappush(heap, (total + ahead(after, turn), total, after, turn))
        return None

    def _move(self, node: Node, after: Node, heading: int, turn: int, demand: Demand) -> float | None:
        """What a step costs, or ``None`` when it cannot be taken."""
        if not (0 <= after[0] <= self.last_x and 0 <= after[1] <= self.last_y):
            return None
        trunk = demand.trunk
        level = turn < 2
        where = node if turn in (RIGHT, DOWN) else after
        price = self._step(where, level) + self.history.get((where, level), 0.0)
        users = self.stretches.get((where, level))
        if users:
            if not self.pushing or trunk in users:
                return None  # a wire branches from its trunk, it never runs along it
            price += PUSH
        if turn != heading:
            price += BEND
            if any(t != trunk for t in self.points.get(node, ())):
                if not self.pushing:
                    return None
                price += PUSH
        box = self.owner.get(after)
        if box is None:
            if not self._open(after, demand):
                return None
            for other, use in self.points.get(after, {}).items():
                if other == trunk:
                    return None
                if use.corner or (use.level if level else use.upright):
                    if not self.pushing:
                        return None
                    price += PUSH
                price += CROSS_MAIN if other in self.main else CROSS
            return price
        if box == demand.source and self.owner.get(node) == demand.source:
            return price
        if box != demand.target:
            return None
        return self._enter(after, turn, demand, price)

    def _enter(self, node: Node, heading: int, demand: Demand, price: float) -> float | None:
        spot = self.spots[demand.target]
        cost = spot.entries[BACK[heading]]
        if cost is None:
            return None
        middle = self.grid.x(spot.column)
        if heading in (UP, DOWN) and node[0] != middle:
            if not spot.wide:
                return None
            cost += OFF_MIDDLE
        if self.entered.get((demand.target, node[0] if heading in (UP, DOWN) else middle, heading)):
            return None
        for use in self.points.get(node, {}).values():
            # somebody leaves or enters here; in the middle a wire may leave upwards while another enters from below
            if node[0] != middle and use.upright:
                return None
        return price + cost

    def _open(self, node: Node, demand: Demand) -> bool:
        """Whether a point lies in the panel, or on the way of a terminal of this wire."""
        (x0, x1), (y0, y1) = self.fence
        if x0 <= node[0] <= x1 and y0 <= node[1] <= y1:
            return True
        for id in (demand.source, demand.target):
            spot = self.spots[id]
            if node[1] == self.grid.y(spot.row) and not x0 <= self.grid.x(spot.column) <= x1:
                return True
            if node[0] == self.grid.x(spot.column) and not y0 <= self.grid.y(spot.row) <= y1:
                return True
        return False

    def _way(
        self, demand: Demand, came: dict[tuple[Node, int], tuple[Node, int] | None], state: tuple[Node, int], cost: float
    ) -> Way:
        points = [state[0]]
        at: tuple[Node, int] | None = state
        while at is not None and came[at] is not None:
            at = came[at]
            assert at is not None
            points.append(at[0])
        points.reverse()
        spot = self.spots[demand.source]
        middle = self.grid.x(spot.column), self.grid.y(spot.row)
        if points[0] != middle:
            points = [*self._trunk_to(points[0], demand.trunk), *points[1:]]
        end = self.spots[demand.target]
        heading = state[1]
        if heading in (RIGHT, LEFT):
            points.append((self.grid.x(end.column), self.grid.y(end.row)))
        return Way(demand, corners_of(points), cost)

    def _trunk_to(self, node: Node, trunk: Trunk) -> list[Node]:
        """The way along what is drawn of a trunk, from its box to a point on it."""
        for way in self.ways.values():
            if way.demand.trunk == trunk:
                nodes = nodes_of(way.path)
                if node in nodes:
                    return nodes[: nodes.index(node) + 1]
        return [node]
