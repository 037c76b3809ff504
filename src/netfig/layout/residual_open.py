"""A block opened: its chain in a row, the skip in a lane above it, what runs beside it below.

Boxes stand at their `place`: level 0 is the lane, 1 the chain, from 2 on what runs beside. The input and the output, the first
and last of the chain, stand outside of the panel. A norm or activation that follows its layer stands close to it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise

from netfig.drawing import Item, Line, Point, Shape
from netfig.figure import Box, Figure, Group, Wire
from netfig.layout.blocks import wire_role
from netfig.layout.lines import fit_line, make_label
from netfig.layout.parts import SizedBox, box_items, size_box
from netfig.layout.residual_spot import Spot, junction, wire_line
from netfig.layout.text import CAP_HEIGHT
from netfig.mathtext import Run, Text
from netfig.records import dataclass
from netfig.theme import Theme

PAD = 12.0  # inside of the panel, above and below
UP = 18.0  # from the chain to the lane
CHIPS = 12.0  # between the boxes of a lane
SIDE = 14.0  # around a box that stands beside the chain
NOTE = 8.0


@dataclass(frozen=True, slots=True)
class Fit:
    """How much room a chain is given: the gap between boxes, that before a norm or activation, and whether words are broken."""

    gap: float
    near: float
    narrow: bool
    edge: float = 11.0  # from a box to the border of the panel
    fork: float = 12.0  # from a box to where its wires part
    after_fork: float = 16.0  # from there to the next box


FITS = (
    Fit(22.0, 22.0, False),
    Fit(20.0, 18.0, False),
    Fit(20.0, 18.0, True),
    Fit(18.0, 15.0, True),
    Fit(17.0, 9.0, True),
    Fit(15.0, 6.0, True),
    Fit(13.0, 4.0, True, 8.0, 9.0, 13.0),
)
NO_HEAD = 12.0
"""Boxes that stand closer than this are joined by a line without a head."""


class OpenRows:
    """One panel with a row for each block; rows are as broad as each other."""

    def __init__(self, figure: Figure, theme: Theme, group: Group, rows: Sequence[Group], most: float) -> None:
        self.figure, self.theme, self.group = figure, theme, group
        for fit in FITS:
            self.rows = [OpenRow(figure, theme, row, fit) for row in rows]
            self._level()
            if max(row.span for row in self.rows) <= most:
                break

    def _level(self) -> None:
        """Boxes of the same column are equally broad where the chains are alike, and the rows equally long."""
        same = self._same()
        for n in same:
            broad = max(row.chain[n].sized.width for row in self.rows)
            for row in self.rows:
                row.chain[n].sized = row.chain[n].sized.resized(broad, row.chain[n].sized.height)
        for n in (0, -1):
            words = max(row.words(n) for row in self.rows)
            for row in self.rows:
                row.least_words[n] = words
        for row in self.rows:
            row.place(0.0)
        goal = max(row.span for row in self.rows)
        for row in self.rows:
            row.place(goal - row.span)
        for _ in range(3):  # what one row moves may ask for more room in another
            self._align(same[:-1])
            for row in self.rows:
                row.spread()
        self._align([-1])
        for row in self.rows:
            row.settle()

    def _align(self, columns: Sequence[int]) -> None:
        for n in columns:
            x = max(row.chain[n].x for row in self.rows)
            for row in self.rows:
                row.chain[n].x = x

    def _same(self) -> list[int]:
        """The columns that all rows have: as far as their boxes are alike, and the last."""
        count = 1
        while (
            all(len(row.chain) > count + 1 for row in self.rows)
            and len({row.chain[count].sized.box.role for row in self.rows}) == 1
        ):
            count += 1
        return [*range(count), -1]

    def items(self) -> list[Item]:
        """The panel, and its rows one under the other."""
        y, found = PAD, list[Item]()
        left = max(row.inner[0] for row in self.rows)
        for row in self.rows:
            dx = left - row.inner[0]
            found += row.items(dx, y + row.above)
            y += row.above + row.below + (PAD if row is self.rows[-1] else 2 * PAD)
        right = max(row.inner[1] + left - row.inner[0] for row in self.rows)
        style = self.theme.role("panel")
        corners = (round(left, 2), 0.0), (round(right, 2), round(y, 2))
        id = self.group.id
        frame = Shape(id, "rect", "panel", corners, style.corner, box=id, stands_for=self.group.stands_for)
        return [frame, *found]


class OpenRow:
    """One block."""

    def __init__(self, figure: Figure, theme: Theme, group: Group, fit: Fit) -> None:
        self.figure, self.theme, self.group, self.fit = figure, theme, group, fit
        self.small = theme.role("text.secondary").size
        boxes = [child for child in group.children if isinstance(child, Box)]
        self.spots = {box.id: Spot(self._sized(box)) for box in boxes}
        at = {box.id: box.place or (0, 1) for box in boxes}
        self.chain = [self.spots[id] for id in sorted(at, key=lambda id: at[id][0]) if at[id][1] == 1]
        self.lane = [self.spots[id] for id in sorted(at, key=lambda id: at[id][0]) if at[id][1] == 0]
        self.beside = [self.spots[id] for id in sorted(at, key=lambda id: at[id][1]) if at[id][1] > 1]
        self.order = {spot.sized.box.id: n for n, spot in enumerate(self.chain)}
        self.wires = [(i, w) for i, w in enumerate(figure.wires) if w.source.box in self.spots and w.target.box in self.spots]
        high = max((s.sized.height for s in self.chain if s.sized.box.role.startswith("layer")), default=0.0)
        for spot in self.chain:
            if spot.sized.box.role.startswith("layer"):
                spot.sized = spot.sized.resized(spot.sized.width, high)
        self.inner = (0.0, 0.0)
        self.span = 0.0
        self.least_words = {n: self.words(n) for n in (0, -1)}

    def _sized(self, box: Box) -> SizedBox:
        if self.fit.narrow and box.role != "op" and len(box.title) == 1:
            box = dataclasses.replace(box, title=_broken(box.title[0]))
        return size_box(box, self.theme)

    # ---- who is where --------------------------------------------------------------------------------------------------

    def _straight(self, wire: Wire) -> bool:
        a, b = self.order.get(wire.source.box), self.order.get(wire.target.box)
        return a is not None and b is not None and b == a + 1

    def _parting(self, id: str) -> list[Wire]:
        """The wires that leave a box of the chain, but not to the next one."""
        return [w for _, w in self.wires if w.source.box == id and id in self.order and not self._straight(w)]

    def _joining(self, id: str) -> list[tuple[int, Wire]]:
        """The wires that come from below into a box of the chain: the shortest way first."""
        found = [(i, w) for i, w in self.wires if w.target.box == id and not self._straight(w) and not w.role.startswith("skip")]
        return sorted(found, key=lambda pair: self._depth(pair[1]))

    def _depth(self, wire: Wire) -> tuple[int, int]:
        """How deep a wire that comes from below runs: boxes in their order, bare wires under them."""
        source = self.spots[wire.source.box]
        return (0, self.beside.index(source)) if source in self.beside else (1, -self.order.get(wire.source.box, 0))

    def place(self, spare: float) -> None:
        """Sets the boxes from left to right; `spare` is shared out between them."""
        x = 0.0
        gaps = sum(1 for n in range(1, len(self.chain)) if self._gap(n) >= NO_HEAD)
        more = spare / gaps if gaps else 0.0
        for n, spot in enumerate(self.chain):
            if n:
                gap = self._gap(n)
                x += gap + (more if gap >= NO_HEAD else 0.0)
            half = spot.sized.width / 2
            spot.x = round(max(x + half, self._least(spot)), 1)
            x = spot.right
        self.settle()

    def spread(self) -> None:
        """Moves the boxes of the chain as far right as those before them and beside them ask for."""
        for n in range(1, len(self.chain)):
            spot = self.chain[n]
            least = self.chain[n - 1].right + self._gap(n) + spot.sized.width / 2
            spot.x = max(spot.x, round(least, 1), round(self._least(spot), 1))

    def settle(self) -> None:
        """Sets everything else by the boxes of the chain."""
        first, last = self.chain[0], self.chain[-1]
        self.inner = (
            max(first.right, first.x + self.least_words[0] / 2) + self.fit.edge - 4,
            min(last.left, last.x - self.least_words[-1] / 2) - self.fit.edge,
        )
        ends = (min(first.left, first.x - self.least_words[0] / 2), max(last.right, last.x + self.least_words[-1] / 2))
        self.span = round(ends[1] - ends[0], 2)
        self._levels()

    def words(self, n: int) -> float:
        """How broad the shape over the first or last box is."""
        above = self.chain[n].sized.box.above
        return fit_line(above[0], self.small).width if above and above[0] else 0.0

    def _gap(self, n: int) -> float:
        before, spot = self.chain[n - 1], self.chain[n]
        parts = bool(self._parting(before.sized.box.id))
        inside = self.fit.fork + self.fit.after_fork if parts else self.fit.gap
        if n == 1:
            edge = max(0.0, (self.least_words[0] - before.sized.width) / 2) + self.fit.edge - 4
            return edge + (self.fit.fork + self.fit.after_fork - 4 if parts else self.fit.after_fork)
        if n == len(self.chain) - 1:
            return max(0.0, (self.least_words[-1] - spot.sized.width) / 2) + 2 * self.fit.edge
        role = spot.sized.box.role.split(".")[0]
        return self.fit.near if role in ("norm", "activation") and not parts else inside

    def _least(self, spot: Spot) -> float:
        """The least place of a box for what comes to it from the lane and from below."""
        id = spot.sized.box.id
        least = 0.0
        joins = self._joining(id)
        for _, wire in joins:
            source = self.spots[wire.source.box]
            if source not in self.beside:
                continue
            width = source.sized.width
            start = self._fork_x(self._feeding(source))
            least = max(least, start + SIDE + (width / 2 if len(joins) == 1 else width + SIDE + 10 * len(joins)))
        if self.lane and any(w.target.box == id and w.source.box == self.lane[-1].sized.box.id for _, w in self.wires):
            start = self._fork_x(self._feeding(self.lane[0]))
            least = max(least, start + 2 * SIDE + sum(s.sized.width + CHIPS for s in self.lane) + SIDE)
        return least

    def _feeding(self, spot: Spot) -> Spot:
        """The box of the chain that a box beside it or in the lane reads; the last of several."""
        sources = [self.spots[w.source.box] for _, w in self.wires if w.target.box == spot.sized.box.id]
        return max((s for s in sources if s in self.chain), key=lambda s: self.chain.index(s), default=self.chain[0])

    def _fork_x(self, spot: Spot) -> float:
        """Where wires part that leave a box; those of the input part inside of the panel."""
        if spot is self.chain[0]:
            return spot.x + max(spot.sized.width, self.least_words[0]) / 2 + self.fit.edge - 4 + self.fit.fork - 2
        return spot.right + self.fit.fork

    # ---- levels --------------------------------------------------------------------------------------------------------

    def _levels(self) -> None:
        """Gives the lane and what is beside the chain their heights, and finds how far the row reaches."""
        half = max(spot.sized.height for spot in self.chain) / 2
        skips = [w for _, w in self.wires if w.role.startswith("skip")]
        chips = max((s.sized.height for s in self.lane), default=0.0)
        self.lane_y = round(-(half + UP + chips / 2), 2)
        words = self.small * CAP_HEIGHT
        top = self.lane_y - chips / 2 - NOTE - words if skips else -half
        self.above = round(-top + (NOTE + 6 + words if self.group.title else 0.0), 2)
        self._lane_places()
        y = half + NOTE + 6
        note = bool(self.group.detail)
        if note:
            y += words + 6
        self.note_y = half + NOTE + 4 + words
        for spot in self.beside:
            spot.y = round(y + spot.sized.height / 2, 2)
            spot.x = self._beside_x(spot)
            y = spot.bottom + 10
        self.bare: dict[int, float] = {}
        for index, _ in [
            pair for id in self.order for pair in self._joining(id) if self.spots[pair[1].source.box] not in self.beside
        ]:
            self.bare[index] = round(y + 4, 2)
            y += 12
        self.below = round(max(half, y - (10 if self.beside or self.bare else 6)), 2)

    def _lane_places(self) -> None:
        if not self.lane:
            return
        end = next(
            (self.spots[w.target.box] for _, w in self.wires if w.source.box == self.lane[-1].sized.box.id), self.chain[-1]
        )
        start = self._fork_x(self._feeding(self.lane[0]))
        total = sum(s.sized.width for s in self.lane) + CHIPS * (len(self.lane) - 1)
        x = (start + end.x) / 2 - total / 2
        for spot in self.lane:
            spot.x, spot.y = round(x + spot.sized.width / 2, 1), self.lane_y
            x += spot.sized.width + CHIPS

    def _beside_x(self, spot: Spot) -> float:
        targets = [self.spots[w.target.box] for _, w in self.wires if w.source.box == spot.sized.box.id]
        if not targets:
            return self.chain[-1].x
        joins = self._joining(targets[0].sized.box.id)
        if len(joins) == 1:
            return targets[0].x
        return round(targets[0].x - 10 * len(joins) - SIDE - spot.sized.width / 2, 1)

    # ---- what is drawn -------------------------------------------------------------------------------------------------

    def items(self, dx: float, y: float) -> list[Item]:
        """Everything of the row, moved right by `dx`, its chain's centre line at `y`."""
        for spot in self.spots.values():
            spot.x, spot.y = spot.x + dx, spot.y + y
        self.inner = (self.inner[0] + dx, self.inner[1] + dx)
        self.lane_y += y
        self.bare = {index: level + y for index, level in self.bare.items()}
        found: list[Item] = []
        for spot in self.spots.values():
            shapes, labels = box_items(spot.sized, round(spot.left, 2), round(spot.top, 2))
            found += [*shapes, *labels]
            box = spot.sized.box
            if box.above and box.above[0]:
                line = fit_line(box.above[0], self.small)
                found.append(
                    make_label(f"{box.id}/shape", line, spot.x, round(spot.top - NOTE, 2), role="text.secondary", box=box.id)
                )
        found += self._lines()
        found += self._notes(y)
        return found

    def _lines(self) -> list[Item]:
        ways = _Ways(self)
        for index, wire in sorted(self.wires, key=self._deepest):
            ways.add(index, wire)
        return ways.items()

    def _deepest(self, pair: tuple[int, Wire]) -> float:
        """The wires that go down deepest come first: they draw the way that others leave."""
        index, wire = pair
        target = self.spots[wire.target.box]
        if wire.source.box not in self.order or self._straight(wire) or wire.role.startswith("skip"):
            return 0.0
        return -target.y if target in self.beside else -self.bare.get(index, 0.0)

    def _notes(self, y: float) -> list[Item]:
        found: list[Item] = []
        if self.group.title:
            line = fit_line(self.group.title, self.small)
            at = (round(self.inner[0] + 10, 2), round(y - self.above + self.small * CAP_HEIGHT, 2))
            found.append(make_label(f"{self.group.id}/title", line, *at, role="panel", align="left", box=self.group.id))
        skips = [w for _, w in self.wires if w.role.startswith("skip")]
        if not skips and self.group.detail:
            line = fit_line(self.group.detail, self.small)
            middle = round((self.chain[1].left + self.chain[-2].right) / 2, 2)
            found.append(make_label(f"{self.group.id}/branch", line, middle, round(y + self.note_y, 2), role="text.secondary"))
        if not skips:
            return found
        join = next(self.spots[w.target.box] for w in skips if w.target.box in self.order)
        source = next(self.spots[w.source.box] for w in skips if w.source.box in self.order)
        start = self._fork_x(source)
        chips = max((s.sized.height for s in self.lane), default=0.0)
        for wire in skips:
            if wire.label:
                line = fit_line(wire.label, self.small)
                role = wire_role(wire.role)
                baseline = round(self.lane_y - chips / 2 - NOTE + line.descent / 2, 2)
                found.append(make_label(f"{self.group.id}/skip", line, round((start + join.x) / 2, 2), baseline, role=role))
        if self.group.detail:
            line = fit_line(self.group.detail, self.small)
            middle = round(self._note_x(source, join, line.width), 2)
            found.append(make_label(f"{self.group.id}/branch", line, middle, round(y + self.note_y, 2), role="text.secondary"))
        return found

    def _note_x(self, source: Spot, join: Spot, width: float) -> float:
        """The middle of the widest stretch under the branch that no wire crosses."""
        first, last = self.chain.index(source) + 1, self.chain.index(join) - 1
        left, right = self.chain[first].left, self.chain[last].right
        walls = sorted(
            x
            for _, w in self.wires
            if not self._straight(w) and not w.role.startswith("skip")
            for x in ([self._fork_x(self.spots[w.source.box])] if w.source.box in self.order else [])
            + ([self.spots[w.target.box].x] if w.target.box in self.order else [])
        )
        marks = [left, *(x for x in walls if left < x < right), right]
        a, b = max(pairwise(marks), key=lambda pair: pair[1] - pair[0])
        return max((a + b) / 2, a + width / 2 + 4) if len(marks) > 2 else (left + right) / 2


class _Ways:
    """The wires of a row: what leaves one box shares its way as far as it goes."""

    def __init__(self, row: OpenRow) -> None:
        self.row = row
        self.lines: list[Line] = []
        self.dots: dict[Point, Shape] = {}
        self.trunks: set[str] = set()
        self.straight = {w.source.box for _, w in row.wires if row._straight(w)}

    def add(self, index: int, wire: Wire) -> None:
        """The line of a wire."""
        row = self.row
        source, target = row.spots[wire.source.box], row.spots[wire.target.box]
        near = False
        if row._straight(wire) or (source in row.lane and target in row.lane):
            points = [(source.right, source.y), (target.left, target.y)]
            near = target.left - source.right < NO_HEAD or (source in row.lane and target in row.lane)
        elif source in row.lane:
            points = [(source.right, source.y), (target.x, source.y), (target.x, target.top)]
        elif target in row.lane:
            fork = row._fork_x(source)
            points = [(fork, source.y), (fork, target.y), (target.left, target.y)]
            near = True
            self._dot((fork, source.y), wire)
        elif wire.role.startswith("skip"):
            fork = row._fork_x(source)
            points = [(fork, source.y), (fork, row.lane_y), (target.x, row.lane_y), (target.x, target.top)]
            self._dot((fork, source.y), wire)
        else:
            points = self._below(index, wire, source, target)
        self.lines.append(wire_line(row.theme, index, wire, points, head=not near))

    def _below(self, index: int, wire: Wire, source: Spot, target: Spot) -> list[Point]:
        row = self.row
        points: list[Point]
        if source in row.chain:
            fork = row._fork_x(source)
            level = target.y if target in row.beside else row.bare[index]
            points = [(fork, source.y), (fork, level)]
            self._dot((fork, source.y), wire)
            if wire.source.box in self.trunks:  # the deepest draws the trunk
                points = points[1:]
                self._dot(points[0], wire)
            self.trunks.add(wire.source.box)
            if target in row.beside:
                return [*points, (target.left, target.y)]
        else:
            points = [(source.right, source.y)]
        joins = [i for i, _ in row._joining(wire.target.box)]
        if len(joins) == 1 and source in row.beside and abs(source.x - target.x) < 0.5:
            return [(target.x, source.top), (target.x, target.bottom)]
        entry = target.x + (joins.index(index) - (len(joins) - 1) / 2) * 10 if index in joins else target.x
        y = points[-1][1]
        return [*points, (entry, y), (entry, target.bottom)]

    def _dot(self, point: Point, wire: Wire) -> None:
        x, y = round(point[0], 2), round(point[1], 2)
        role = wire_role(wire.role)
        if (x, y) in self.dots and role == "data":
            return
        before = self.dots.get((x, y))
        name = before.id.removeprefix("junction/") if before else f"{self.row.group.id}/{len(self.dots)}"
        self.dots[x, y] = junction(name, (x, y), role)

    def items(self) -> list[Item]:
        """Lines, the thick ones last, and their dots."""
        thin = [line for line in self.lines if line.role == "data"]
        return [*thin, *(line for line in self.lines if line.role != "data"), *self.dots.values()]


def _broken(text: Text) -> tuple[Text, ...]:
    """A title of plain words, a word a line; anything else stays."""
    if len(text) == 1 and isinstance(text[0], Run) and text[0].style == "plain" and " " in text[0].text:
        return tuple((Run(word),) for word in text[0].text.split(" "))
    return (text,)
