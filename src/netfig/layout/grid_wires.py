"""The wires of a grid as lines on the page: shared trunks drawn once, chips centred on the stretch they sit on, names beside."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.drawing import Item, Label, Line, Point, Shape
from netfig.layout.blocks import wire_role
from netfig.layout.grid_chips import CHIP_GAP, Spots
from netfig.layout.grid_parts import trunk_of
from netfig.layout.grid_paths import Paths, after, holds, parting, path_length, until
from netfig.layout.grid_tight import NORMAL
from netfig.layout.notes import CLEAR, Board, place_label
from netfig.layout.parts import SizedBox, box_items
from netfig.layout.text import set_line
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfig.figure import Figure, Wire
    from netfig.layout.grid_chips import Lack, Spot
    from netfig.layout.grid_parts import Route
    from netfig.layout.grid_space import Space
    from netfig.layout.grid_tight import Measures
    from netfig.theme import Theme

JUNCTION = 4.4
TOUCHES = 1.5  # a name so near to something else touches it


@dataclass(slots=True)
class _Way:
    """What of a wire is drawn by itself: its corners from where it leaves the trunk."""

    wire: int
    points: list[Point]
    fork: bool = False


class Wiring:
    """Draws all wires of one figure."""

    def __init__(
        self,
        figure: Figure,
        theme: Theme,
        routes: Sequence[Route],
        space: Space,
        chips: Mapping[str, SizedBox],
        measures: Measures = NORMAL,
    ) -> None:
        self.figure, self.theme, self.routes, self.chips = figure, theme, routes, chips
        paths = Paths(figure, routes, space)
        self.paths = paths.of
        names = {
            route.wire: set_line(wire.label, theme.role(self._role(wire)).size).width + 2 * CLEAR
            for route in routes
            if (wire := figure.wires[route.wire]).label and wire.chips
        }
        self.spots = Spots(figure, routes, paths, chips, measures, names)
        self.before: dict[int, Point] = {}  # where the chips of a wire begin

    @property
    def lacks(self) -> Sequence[Lack]:
        """What chips lack; known once everything is drawn."""
        return self.spots.lacks

    def draw(self) -> list[Item]:
        """Lines, then junction dots, then chips."""
        trunks: dict[tuple[object, ...], list[int]] = {}
        for route in self.routes:
            trunks.setdefault(self.spots.trunk[route.wire], []).append(route.wire)
        grown = [(*self._tree(group), group) for group in trunks.values()]
        parts: dict[int, tuple[int, list[Point]]] = {}  # the piece of each wire that its chips sit on, and where that begins
        behind: dict[int, str] = {}  # wires that begin behind the chips of another
        for ways, _, _ in grown:
            self._share_chips(ways, parts, behind)
        spots = self.spots.find({wire: part for wire, (_, part) in parts.items()})
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
        order = sorted(wires, key=lambda w: (-_rank(self.figure.wires[w]), len(self.paths[w]), path_length(self.paths[w]), w))
        drawn: list[int] = []
        for wire in order:
            path = self.paths[wire]
            best, rest, trunk = None, path, wire
            for other in drawn:
                point, left = parting(self.paths[other], path)
                if point is not None and path_length(left) < path_length(rest) - 0.01:
                    best, rest, trunk = point, left, other
            if best is not None:
                forks.setdefault(best, trunk)
            ways.append(_Way(wire, rest, best is not None))
            drawn.append(wire)
        return ways, list(forks.items())

    def _share_chips(self, ways: list[_Way], parts: dict[int, tuple[int, list[Point]]], behind: dict[int, str]) -> None:
        """Finds the piece of each way its chips sit on: what several have in common is before they part, of others behind it."""
        for k, way in enumerate(ways):
            chips = self.figure.wires[way.wire].chips
            kids = [w for w in ways[k + 1 :] if w.fork and w.wire not in behind and holds(way.points, w.points[0])]
            same = [w for w in kids if chips and self.figure.wires[w.wire].chips == chips]
            apart = {w.points[0] for w in kids if w not in same}
            if way.wire in behind:
                behind |= {w.wire: behind[way.wire] for w in same}
                continue
            first, part = after(way.points, apart)
            meets = {w.points[0] for w in same}
            if same and not meets & apart and all(holds(part[1:], point) or holds(part[:2], point) for point in meets):
                parts[way.wire] = first, until(part, meets)
                behind |= {w.wire: f"wire/{way.wire}/chip{len(chips) - 1}" for w in same}
            else:
                parts[way.wire] = after(way.points, apart | meets)

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

    def _with_chips(self, way: _Way, piece: tuple[int, list[Point]], at: set[Point], spot: Spot) -> tuple[list[Line], list[Item]]:
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
            if not n:
                self.before[way.wire] = edge
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
            behind_forks, before_chips = self._named(n)
            label = place_label(wire, n, self._role(wire), [before_chips], self.theme, board)
            if before_chips != behind_forks and board.clash(label.bounds, TOUCHES):
                other = place_label(wire, n, self._role(wire), [behind_forks], self.theme, board)
                label = label if board.clash(other.bounds, TOUCHES) else other
            found.append(label)
            board.add(label)
        return found

    def _named(self, index: int) -> tuple[list[Point], list[Point]]:
        """The part of a wire behind where those with other names leave it, and of that the part before its chips: it carries what
        the name says.
        """
        wire, path = self.figure.wires[index], self.paths[index]
        trunk = [route.wire for route in self.routes if self.spots.trunk[route.wire] == self.spots.trunk[index]]
        others = [other for other in trunk if self.figure.wires[other].label != wire.label]
        forks = {point for other in others if (point := parting(path, self.paths[other])[0]) is not None}
        _, part = after(path, forks)
        chips = {self.before[other] for other in trunk if other in self.before and self.figure.wires[other].chips == wire.chips}
        return part, until(part, {point for point in chips if point != part[0]})


def _rank(wire: Wire) -> int:
    return {"strong": 2, "": 1, "quiet": 0}[wire.emphasis]
