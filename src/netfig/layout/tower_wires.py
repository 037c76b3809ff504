"""The wires of towers: straight up the column, past boxes in lanes, from tower to tower between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import field

from netfig.drawing import Item, Label, Line, Shape
from netfig.figure import Figure, Wire
from netfig.layout.blocks import wire_role
from netfig.layout.lines import fit_line, make_label
from netfig.layout.notes import Board, place_label
from netfig.layout.tower import APART, LANES, PORT, Spot, Tower
from netfig.mathtext import math
from netfig.records import dataclass
from netfig.theme import Theme

DOT = 4.4
SLOT_SIZE = 10.5
SLOT_OFF = 5.0  # from a wire to the name of its slot
EXIT = 12.0

Point = tuple[float, float]


@dataclass(slots=True)
class Way:
    """A wire's way, y upwards; `junction` is where it leaves what another wire of the same box draws."""

    wire: int
    points: list[Point]
    junction: Point | None = None
    sharp: list[Point] = field(default_factory=list)


def draw_wires(towers: Sequence[Tower], figure: Figure, theme: Theme, there: Sequence[Item]) -> list[Item]:
    """The lines of all wires with their junctions and names; `there` is what names keep off."""
    ways: list[Way] = []
    for tower in towers:
        ways += _Ways(tower, towers, figure).all()
    lines, dots = _drawn(sorted(ways, key=lambda way: way.wire), figure, theme)
    items: list[Item] = [*lines, *dots, *(label for tower in towers for label in _slot_names(tower, theme))]
    return [*items, *_names(figure, theme, lines, [*there, *items])]


class _Ways:
    """The ways of the wires that begin in one tower."""

    def __init__(self, tower: Tower, towers: Sequence[Tower], figure: Figure) -> None:
        self.tower, self.towers, self.figure = tower, list(towers), figure
        self.home = {id: other for other in towers for id in other.spots}

    def all(self) -> Iterator[Way]:
        for id, spot in self.tower.spots.items():
            leaving = [(i, w) for i, w in enumerate(self.figure.wires) if w.source.box == id]
            if spot.side:
                yield from self._level(spot, leaving)
            elif leaving:
                yield from self._up(spot, leaving)

    def _level(self, spot: Spot, leaving: list[tuple[int, Wire]]) -> Iterator[Way]:
        """From a box beside the column straight into its row, or up into the next one beside it."""
        for index, wire in leaving:
            target = self.home[wire.target.box].spots[wire.target.box]
            if target.side == spot.side:
                yield Way(index, [(spot.x, spot.top), (spot.x, target.bottom)])
                continue
            ends = (spot.right, target.left) if spot.side < 0 else (spot.left, target.right)
            yield Way(index, [(ends[0], spot.y), (ends[1], spot.y)])

    def _up(self, spot: Spot, leaving: list[tuple[int, Wire]]) -> Iterator[Way]:
        """Straight wires first: what else leaves the box parts from them."""
        tower = self.tower
        own = [(i, w) for i, w in leaving if w.target.box in tower.spots]
        straight = [(i, w) for i, w in own if tower.is_straight(w)]
        ways = list(self._straight(spot, straight))
        level = round(spot.top + tower.gap_over(spot.row).fork, 2)
        trunk: Point | None = (spot.x, level) if ways and ways[0].points[1][1] >= level - 0.01 else None
        for lane in tower.lanes:
            if lane.source == spot.sized.box.id:
                inside = [(i, w) for i, w in own if not tower.is_straight(w) and tower.side_of(w) == lane.side]
                more = self._by_lane(spot, inside, tower.x + lane.x, level, trunk)
                trunk = trunk or (spot.x, level)
                ways += more
        away = [(i, w) for i, w in leaving if w.target.box not in tower.spots]
        for other in self.towers:
            there = [(i, w) for i, w in away if w.target.box in other.spots]
            if there:
                ways += self._across(spot, there, other, level, trunk)
                trunk = trunk or (spot.x, level)
        if not straight and trunk is not None and sum(trunk in way.points for way in ways) > 1:
            ways[0].sharp.append(trunk)
        yield from ways

    def _straight(self, spot: Spot, wires: list[tuple[int, Wire]]) -> Iterator[Way]:
        """Into the next box, each at its own place: the one nearest to the middle goes up, the others part from it."""
        if not wires:
            return
        target = self.tower.spots[wires[0][1].target.box]
        ports = self.tower.ports(target.sized.box.id)
        gap = self.tower.gap_over(spot.row)
        level = round(spot.top + (gap.far or gap.near), 2)
        junction = (spot.x, level)
        order = sorted(wires, key=lambda pair: (abs(ports[pair[0]]), pair[0]))
        for nth, (index, _) in enumerate(order):
            x = round(spot.x + ports[index], 2)
            if abs(ports[index]) < 0.5:
                yield Way(index, [(spot.x, spot.top), (spot.x, target.bottom)])
            elif nth == 0:
                way = Way(index, [(spot.x, spot.top), junction, (x, level), (x, target.bottom)])
                way.sharp = [junction] if len(order) > 1 else []
                yield way
            else:
                yield Way(index, [junction, (x, level), (x, target.bottom)], junction)

    def _by_lane(self, spot: Spot, wires: list[tuple[int, Wire]], x: float, level: float, trunk: Point | None) -> Iterator[Way]:
        """Out to a lane, along it, and in: the farthest first, the others part from it."""
        x = round(x, 2)
        start = [trunk] if trunk is not None else [(spot.x, spot.top), (spot.x, level)]
        order = sorted(wires, key=lambda pair: -self.tower.spots[pair[1].target.box].row)
        for nth, (index, _) in enumerate(order):
            ends = self._entry(index, x)
            if nth == 0:
                way = Way(index, [*start, (x, level), *ends], trunk)
                yield way
            else:
                yield Way(index, ends, ends[0])
                way.sharp.append(ends[0])

    def _entry(self, index: int, x: float) -> list[Point]:
        """From a lane or channel at `x` into the box a wire enters."""
        wire = self.figure.wires[index]
        tower = self.home[wire.target.box]
        target = tower.spots[wire.target.box]
        if wire.target.side in ("left", "right"):
            edge = target.right if x > target.x else target.left
            return [(x, target.y), (edge, target.y)]
        port = round(target.x + tower.ports(wire.target.box)[index], 2)
        level = round(target.bottom - (tower.gap_over(target.row - 1).size - tower.gap_over(target.row - 1).near), 2)
        if target.row == 0:
            level = round(target.bottom - EXIT, 2)
        return [(x, level), (port, level), (port, target.bottom)]

    def _across(
        self, spot: Spot, wires: list[tuple[int, Wire]], other: Tower, level: float, trunk: Point | None
    ) -> Iterator[Way]:
        """Up out of a tower, over to the other one, in from its side."""
        right = other.x > self.tower.x
        senders = [
            id for id in self.tower.spots
            if any(w.source.box == id and w.target.box in other.spots for w in self.figure.wires)
        ]  # fmt: skip
        nth = senders.index(spot.sized.box.id)
        border = other.x + other.extent[0] - APART / 2 if right else other.x + other.extent[1] + APART / 2
        x = round(border - LANES * nth if right else border + LANES * nth, 2)
        start = [trunk] if trunk is not None else [(spot.x, spot.top), (spot.x, level)]
        order = sorted(wires, key=lambda pair: (self.home[pair[1].target.box].spots[pair[1].target.box].y, pair[0]))
        groups: dict[float, list[int]] = {}
        for index, _ in order:
            groups.setdefault(self._entry(index, x)[0][1], []).append(index)
        below = sorted(y for y in groups if y <= level)
        above = sorted((y for y in groups if y > level), reverse=True)
        for part, begin in ((below or above, True), (above if below else [], False)):
            for nth, y in enumerate(part):
                far = max(groups[y], key=lambda i: abs(self._entry(i, x)[-1][0] - x))
                ends = self._entry(far, x)
                if nth:
                    yield Way(far, ends, ends[0], [ends[0]])
                elif begin:
                    yield Way(far, [*start, (x, level), *ends], trunk, [(x, level)] if below and above else [])
                else:
                    yield Way(far, [(x, level), *ends], (x, level))
                yield from (Way(i, self._entry(i, x)[1:], self._entry(i, x)[1]) for i in groups[y] if i != far)


def _drawn(ways: Sequence[Way], figure: Figure, theme: Theme) -> tuple[list[Line], list[Shape]]:
    lines: list[Line] = []
    dots: dict[tuple[str, Point], Shape] = {}
    for way in ways:
        wire = figure.wires[way.wire]
        role = wire_role(wire.role)
        style = theme.role(role)
        points, sharp = tuple(map(_page, way.points)), tuple(map(_page, way.sharp))
        lines.append(
            Line(
                f"wire/{way.wire}", role, points, style.radius, style.head > 0 and wire.head, style.dashed, None, sharp,
                wire.source.box, wire.target.box, "", wire.stands_for,
            )
        )  # fmt: skip
        if way.junction is not None and (wire.source.box, way.junction) not in dots:
            (x, y), half = _page(way.junction), DOT / 2
            spot = ((round(x - half, 2), round(y - half, 2)), (round(x + half, 2), round(y + half, 2)))
            name = f"junction/{wire.source.box}/{len(dots)}"
            dots[wire.source.box, way.junction] = Shape(
                name, "ellipse", role, spot, tone="stroke", outlined=False, part="junction"
            )
    return lines, list(dots.values())


def _slot_names(tower: Tower, theme: Theme) -> Iterator[Label]:
    """The names of slots beside the wires that enter a box from below, where they come from several boxes."""
    for id, spot in tower.spots.items():
        if spot.side or not tower.named(id):
            continue
        ports = tower.ports(id)
        for index, wire in tower.enters_below(id):
            line = fit_line(math(wire.target.slot), SLOT_SIZE)
            x = spot.x + ports[index]
            right = wire.source.box in tower.spots and tower.is_straight(wire) and ports[index] > -PORT / 4
            baseline = -spot.bottom + 4.5 + line.ascent
            at = x + SLOT_OFF if right else x - SLOT_OFF
            yield make_label(
                f"{id}/slot{index}", line, at, baseline, role="text.secondary", align="left" if right else "right", box=id
            )


def _names(figure: Figure, theme: Theme, lines: Sequence[Line], there: Sequence[Item]) -> Iterator[Label]:
    """What wires are called, where nothing is in the way."""
    board = Board()
    for item in there:
        if isinstance(item, Shape) and item.role.startswith("panel"):
            board.add_outline(item)
        else:
            board.add(item)
    for line in lines:
        index = int(line.id.rpartition("/")[2])
        wire = figure.wires[index]
        if wire.label:
            same = [one for one in lines if one.source == line.source and one.role == line.role]
            points = max(same, key=lambda one: len(one.points)).points
            stretches = [list(points[k : k + 2]) for k in range(len(points) - 1)]
            level = [s for s in stretches if s[0][1] == s[1][1]] or stretches
            label = place_label(wire, index, line.role, level[:1], theme, board)
            board.add(label)
            yield label


def _page(point: Point) -> Point:
    return round(point[0], 2), round(-point[1], 2)
