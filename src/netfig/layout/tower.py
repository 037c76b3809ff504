"""Towers: columns of equal boxes from the bottom up, what bypasses a box in a lane outside the column.

The root's groups are towers, side by side, their first panels level. In a tower boxes and panels stand from the bottom up; a box
with the `place` (0, 0) stands left of the next box of the column, one with (2, 0) right of it. A wire whose target has the side
``left`` or ``right`` runs in a lane there; wires that enter a box from below have places of their own, by slot. Rows of kind
``detail`` stand in their box, the others in one column beside the tower. A panel's badge stands outside of it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from netfig.drawing import Drawing, Item, Label, Shape
from netfig.errors import InvalidGraph
from netfig.figure import Box, Figure, Group, Row, Wire
from netfig.layout.lines import fit_line, make_label
from netfig.layout.parts import LEADING, SizedBox, badge_line, box_items, page, size_box
from netfig.layout.text import CAP_HEIGHT
from netfig.records import dataclass
from netfig.theme import Theme

WIDTH = 112.0  # of a box of the column, at least
LEAST = 22.0  # between boxes
EDGE = 14.0  # from a box to the border of a panel
NEST = 10.0  # between borders of panels in one another
FORK = 9.0  # from a box or border to where its wires part
AFTER_FORK = 13.0
EXIT = 16.0  # over the top of a tower
LEVEL = 10.0  # between levels in one gap
ENTRY = 15.0  # from the last level to the box: a head and a rounded corner
NAMED_ENTRY = 20.0  # with the names of slots beside it
TITLE = 5.0  # more over the border of a panel with a title
LANE = 22.0  # from the column to its first lane
LANES = 10.0  # between lanes
PAD = 14.0  # from the outermost lane to the border of its panel
BESIDE = 14.0  # from a box to the border where there is no lane
SIDE = 22.0  # from the column to a box beside it
SIGN_SIDE = 30.0  # from a sign of the column to a box beside it
PASS = 10.0  # from the column to a box that stands beside it and feeds another one there
NOTE = 7.0  # from a tower to the texts beside it
APART = 26.0  # between towers
PORT = 34.0  # between wires that enter a box from below


@dataclass(slots=True)
class Spot:
    """A box with its place: `row` counts from the bottom, `side` is −1 or 1 for one beside the column; y grows upwards."""

    sized: SizedBox
    row: int
    side: int = 0
    x: float = 0.0
    y: float = 0.0

    @property
    def left(self) -> float:
        return self.x - self.sized.width / 2

    @property
    def right(self) -> float:
        return self.x + self.sized.width / 2

    @property
    def top(self) -> float:
        return self.y + self.sized.height / 2

    @property
    def bottom(self) -> float:
        return self.y - self.sized.height / 2


@dataclass(slots=True)
class Frame:
    """A panel: the rows it is around, how deep it stands in others, and its borders."""

    group: Group
    first: int
    last: int
    depth: int
    left: float = 0.0
    right: float = 0.0
    top: float = 0.0
    bottom: float = 0.0


@dataclass(slots=True)
class Lane:
    """Room for what one box hands past others, on one side: from the gap over row `first` up to `last`."""

    source: str
    side: int
    first: float
    last: float
    x: float = 0.0


@dataclass(slots=True)
class Gap:
    """Where things stand over a row, from its top: the level where wires part, and those on which they come to the next box."""

    size: float = LEAST
    fork: float = 0.0
    near: float = 0.0  # the level right under the next box
    far: float = 0.0  # the level under that one
    edges: dict[str, float] = field(default_factory=dict)


def lay_out_towers(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root is a row of towers; `width` is the printed width in points.

    Raises:
        InvalidGraph: a child of the root is no tower, or a box beside a column stands above everything.
    """
    from netfig.layout.tower_wires import draw_wires

    wrong = [child.id for child in figure.root.children if not isinstance(child, Group)]
    towers = [Tower(child, figure, theme) for child in figure.root.children if isinstance(child, Group)]
    wrong += [spot.sized.box.id for tower in towers for spot in tower.spots.values() if spot.row >= len(tower.column)]
    if wrong:
        raise InvalidGraph(f"figure {figure.title!r} is no row of towers", [f"{one!r} stands in no tower" for one in wrong])
    broad = max((s.sized.width for t in towers for s in t.column if s.sized.outline != "circle"), default=0.0)
    for tower in towers:
        tower.size(max(WIDTH, broad), _heights(towers))
        tower.settle(0.0, 0.0)
    _side_by_side(towers)
    items: list[Item] = [shape for tower in towers for shape in tower.frames_drawn()]
    for tower in towers:
        items += tower.items()
    items += draw_wires(towers, figure, theme, items)
    return page(items, figure, theme, direction="up", width=width)


def _heights(towers: Iterable[Tower]) -> dict[str, float]:
    """Boxes of a kind are as high as the highest of them."""
    found: dict[str, float] = {}
    for spot in (s for t in towers for s in t.column):
        kind = kind_of(spot.sized)
        found[kind] = max(found.get(kind, 0.0), spot.sized.height)
    return found


def kind_of(sized: SizedBox) -> str:
    """Boxes of one kind are equally high; of layers, those with one line of words may be lower."""
    role = sized.box.role
    return "main" if role.split(".")[0] == "attention" or role == "layer.tower" else role


def _side_by_side(towers: Sequence[Tower]) -> None:
    framed = [tower for tower in towers if tower.frames] or towers
    level = max((tower.level for tower in framed), default=0.0)
    lowest = min((tower.bottom + level - tower.level for tower in framed), default=0.0)
    left = 0.0
    for index, tower in enumerate(towers):
        crossing = sum(tower.passes(other) for other in towers[:index])
        left += APART + LANES * max(0, crossing - 1) if index else 0.0
        tower.settle(left - tower.extent[0], level - tower.level if tower in framed else lowest - tower.bottom)
        left = tower.x + tower.extent[1]


class Tower:
    """One column with everything beside it. Built, then sized, then settled; `draw_wires` reads it."""

    def __init__(self, group: Group, figure: Figure, theme: Theme) -> None:
        self.group, self.figure, self.theme = group, figure, theme
        self.column: list[Spot] = []
        self.spots: dict[str, Spot] = {}
        self.frames: list[Frame] = []
        self._walk(group, -1)
        own = self.spots
        self.wires: list[tuple[int, Wire]] = [
            (i, w) for i, w in enumerate(figure.wires) if w.source.box in own and w.target.box in own
        ]
        self.x = self.level = 0.0
        self.lanes: list[Lane] = []
        self.offsets: dict[str, float] = {}

    def _walk(self, group: Group, depth: int) -> None:
        for child in group.children:
            if isinstance(child, Group):
                frame = Frame(child, len(self.column), 0, depth + 1)
                drawn = child.role != "plain"
                if drawn:
                    self.frames.append(frame)
                self._walk(child, depth + drawn)
                frame.last = len(self.column) - 1
                continue
            sized = size_box(_inside(child), self.theme)
            side = 0 if child.place is None else child.place[0] - 1
            spot = self.spots[child.id] = Spot(sized, len(self.column), side)
            if side == 0:
                self.column.append(spot)

    # ---- asking ------------------------------------------------------------------------------------------------------

    def passes(self, other: Tower) -> int:
        """How many boxes of another tower hand something to this one."""
        return len({w.source.box for w in self.figure.wires if w.source.box in other.spots and w.target.box in self.spots})

    def is_straight(self, wire: Wire) -> bool:
        """Whether a wire goes to the next box of the column, from below."""
        source, target = self.spots[wire.source.box], self.spots[wire.target.box]
        return source.side == target.side == 0 and target.row == source.row + 1 and wire.target.side not in ("left", "right")

    def is_beside(self, wire: Wire) -> bool:
        """Whether a wire comes from a box beside the column."""
        return self.spots[wire.source.box].side != 0

    def side_of(self, wire: Wire) -> int:
        """The side of the lane a wire runs in."""
        return {"left": -1, "right": 1}.get(wire.target.side, self.outer)

    @property
    def outer(self) -> int:
        """The side where most lanes are, and with them the badges; texts stand on the other one."""
        sides = [w.target.side for _, w in self.wires]
        return 1 if sides.count("right") > sides.count("left") else -1

    def enters_below(self, id: str) -> list[tuple[int, Wire]]:
        """The wires that enter a box from below, from this tower and others."""
        found = [(i, w) for i, w in enumerate(self.figure.wires) if w.target.box == id and w.target.side not in ("left", "right")]
        return [(i, w) for i, w in found if w.source.box not in self.spots or not self.is_beside(w)]

    def ports(self, id: str) -> dict[int, float]:
        """Where the wires from below enter a box, from its middle: from the left first, then from under it, from the right."""
        order = []
        for index, wire in self.enters_below(id):
            if wire.source.box not in self.spots:
                side = -1 if self._stands_left(wire.source.box) else 1
            else:
                side = 0 if self.is_straight(wire) else self.side_of(wire)
            order.append((side, index))
        order.sort()
        step = PORT if len(order) > 2 else PORT + 10.0
        return {index: step * (k - (len(order) - 1) / 2) for k, (_, index) in enumerate(order)}

    def _stands_left(self, id: str) -> bool:
        for child in self.figure.root.children:
            if child.id == self.group.id:
                return False
            if isinstance(child, Group) and any(box.id == id for box in boxes_of(child)):
                return True
        return False

    def gap_over(self, row: int) -> Gap:
        """The gap over a row."""
        return self.gaps[row + 1]

    def named(self, id: str) -> bool:
        """Whether the slots of a box are named: where what enters it from below comes from several boxes."""
        entering = [w for _, w in self.enters_below(id)]
        return len({w.source.box for w in entering}) > 1 and all(w.target.slot for w in entering)

    @property
    def bottom(self) -> float:
        """The bottom of its lowest box."""
        return min((spot.bottom for spot in self.spots.values()), default=0.0)

    # ---- sizes -------------------------------------------------------------------------------------------------------

    def size(self, width: float, heights: dict[str, float]) -> None:
        """Makes boxes of a kind equal and finds the room between them."""
        self.width = width
        for spot in self.column:
            small = spot.sized.box.role.startswith("op")
            widest = max(s.sized.width for s in self.column if s.sized.box.role == spot.sized.box.role)
            spot.sized = spot.sized.resized(widest if small else width, heights[kind_of(spot.sized)])
        self._find_offsets()
        self.gaps = [self._gap(row) for row in range(-1, len(self.column))]
        self._find_lanes()

    def _find_offsets(self) -> None:
        """How far the middles of boxes beside the column stand from its middle; those that feed one another stand in line."""
        above = {w.source.box: w.target.box for _, w in self.wires if self.is_beside(w) and self.spots[w.target.box].side}
        lines: dict[str, list[str]] = {}
        for id, spot in self.spots.items():
            if spot.side:
                last = id
                while last in above:
                    last = above[last]
                lines.setdefault(last, []).append(id)
        for last, ids in lines.items():
            offset = 0.0
            for id in ids:
                beside = self.column[self.spots[id].row].sized
                gap = (SIGN_SIDE if beside.outline == "circle" else SIDE) if id == last else PASS
                offset = max(offset, beside.width / 2 + gap + self.spots[id].sized.width / 2)
            self.offsets |= dict.fromkeys(ids, float(-(-offset // 1)))

    def _leaves(self, row: int) -> list[tuple[int, Wire]]:
        """Wires that part from the way up over a row: into lanes, or to other towers."""
        if row < 0:
            return []
        id = self.column[row].sized.box.id
        found = [(i, w) for i, w in enumerate(self.figure.wires) if w.source.box == id]
        return [(i, w) for i, w in found if w.target.box not in self.spots or not self.is_straight(w)]

    def _gap(self, row: int) -> Gap:
        gap = Gap(0.0)
        y = 0.0
        for k, frame in enumerate(f for f in reversed(self.frames) if f.last == row):
            y += NEST if k else EDGE
            gap.edges[f"top {frame.group.id}"] = y
        parting = self._leaves(row)
        begins = [f for f in self.frames if f.first == row + 1]
        inside = {spot.sized.box.id for f in begins for spot in self.column[f.first : f.last + 1]}
        early = bool(parting) and not any(w.target.box in inside for _, w in parting)
        if early:
            y += FORK if row + 1 < len(self.column) else EXIT
            gap.fork = y
        for k, frame in enumerate(begins):
            y += NEST if k else EDGE
            gap.edges[f"bottom {frame.group.id}"] = y
        if not begins and any(f.group.title for f in self.frames if f.last == row):
            y += TITLE
        if parting and not early:
            y += FORK if row + 1 < len(self.column) else EXIT
            gap.fork = y
        if row < 0:
            gap.size = y + (EDGE if begins else 0.0)
            return gap
        gap.size = max(self._levels(gap, row, y), LEAST if row + 1 < len(self.column) else 0.0)
        if gap.near:
            entry = self._entry(row + 1)
            gap.far, gap.near = (gap.size - entry - LEVEL if gap.far else 0.0), gap.size - entry
        return gap

    def _levels(self, gap: Gap, row: int, y: float) -> float:
        """The size of the gap, given where its borders and forks end."""
        if row + 1 >= len(self.column):
            return y
        target = self.column[row + 1].sized.box.id
        entering = self.enters_below(target)
        straight = [w for i, w in entering if w.source.box in self.spots and self.is_straight(w)]
        bent = [i for i, x in self.ports(target).items() if abs(x) > 0.5]
        if not bent and len(straight) == len(entering):
            return y + (AFTER_FORK if gap.fork == y and y else EDGE if y else LEAST)
        gap.near = 1.0
        y += LEVEL + 2.0
        if len(straight) < len(entering) and straight:
            gap.far = 1.0
            y += LEVEL
        return y + self._entry(row + 1)

    def _entry(self, row: int) -> float:
        return NAMED_ENTRY if self.named(self.column[row].sized.box.id) else ENTRY

    def _find_lanes(self) -> None:
        """Lanes on each side, the shorter the nearer; what one box hands on shares one."""
        wanted: dict[tuple[str, int], Lane] = {}
        for _, wire in self.wires:
            if self.is_straight(wire) or self.is_beside(wire):
                continue
            source, target = self.spots[wire.source.box], self.spots[wire.target.box]
            last = target.row - (0.2 if wire.target.side not in ("left", "right") else 0.0)
            lane = wanted.setdefault(
                (wire.source.box, self.side_of(wire)), Lane(wire.source.box, self.side_of(wire), source.row + 0.3, last)
            )
            lane.last = max(lane.last, last)
        self.lanes = sorted(wanted.values(), key=lambda lane: (lane.last - lane.first, lane.first))
        placed: list[Lane] = []
        for lane in self.lanes:
            lane.x = lane.side * self._lane_at(lane, placed)
            placed.append(lane)
        self._border()

    def _lane_at(self, lane: Lane, placed: Sequence[Lane]) -> float:
        reach = self.width / 2 + LANE
        for spot in self.spots.values():
            if spot.side == lane.side and lane.first < spot.row < lane.last + 0.5:
                reach = max(reach, self._side_reach(spot) + LANES)
        for other in placed:
            if other.side == lane.side and other.first < lane.last and lane.first < other.last:
                reach = max(reach, abs(other.x) + LANES)
        for frame in self.frames:
            if lane.first < frame.first and frame.last < lane.last:
                reach = max(reach, self._frame_reach(frame, lane.side, placed) + LANES)
        return reach

    def _side_reach(self, spot: Spot) -> float:
        """How far a box beside the column reaches from its middle, with the words beside it."""
        return self.offsets[spot.sized.box.id] + spot.sized.width / 2 + self._words_beside(spot)

    def _words_beside(self, spot: Spot) -> float:
        rows = [row for row in self._beside(spot) if spot.sized.outline == "circle"]
        widths = [fit_line(row.text, self._note_size).width for row in rows]
        return max(widths) + 6.0 if widths else 0.0

    def _frame_reach(self, frame: Frame, side: int, lanes: Sequence[Lane]) -> float:
        """How far a panel reaches on a side, from the middle of the column; panels of one depth reach equally far."""
        alike = [f for f in self.frames if f.depth == frame.depth]
        inner = [abs(n.x) + PAD for n in lanes for f in alike if n.side == side and f.first <= n.first and n.last <= f.last + 0.5]
        inner += [
            self._side_reach(s) + PAD for s in self.spots.values() for f in alike if s.side == side and f.first <= s.row <= f.last
        ]
        inner += [
            self._frame_reach(g, side, lanes) + NEST
            for g in self.frames
            for f in alike
            if g.depth == f.depth + 1 and f.first <= g.first <= f.last
        ]
        return max([self.width / 2 + BESIDE, *inner])

    def _border(self) -> None:
        """How far everything reaches to the left and right of the middle."""
        for frame in self.frames:
            frame.left, frame.right = -self._frame_reach(frame, -1, self.lanes), self._frame_reach(frame, 1, self.lanes)
        lefts = [-self.width / 2, *(f.left for f in self.frames), *(n.x for n in self.lanes)]
        rights = [self.width / 2, *(f.right for f in self.frames), *(n.x for n in self.lanes)]
        lefts += [-self._side_reach(s) for s in self.spots.values() if s.side < 0]
        rights += [self._side_reach(s) for s in self.spots.values() if s.side > 0]
        reach = [min(lefts), max(rights)]
        free = 1 - (self.outer + 1) // 2
        self.note_x = abs(reach[free]) + NOTE
        notes = [fit_line(row.text, self._note_size).width for s in self.column for row in self._beside(s)]
        if notes:
            reach[free] = (self.note_x + max(notes)) * (1 if free else -1)
        badges = [self._badge_x(f) + badge_line(f.group.badge).width for f in self.frames if f.group.badge]
        if badges:
            reach[1 - free] = max(abs(reach[1 - free]), *badges) * (-1 if free else 1)
        self.extent = (reach[0], reach[1])

    def _badge_x(self, frame: Frame) -> float:
        """How far from the middle of the column a badge begins: outside of the panels and lanes that pass there."""
        borders = [
            abs(f.right if self.outer > 0 else f.left) for f in self.frames if f.first <= frame.first and frame.last <= f.last
        ]
        passing = [abs(n.x) for n in self.lanes if n.side == self.outer and n.first < frame.last and frame.first < n.last]
        return max(*borders, *passing) + NOTE if passing else max(borders) + NOTE

    # ---- places ------------------------------------------------------------------------------------------------------

    def settle(self, x: float, y: float) -> None:
        """Puts everything in its place, the bottom of the lowest box at height `y`, the column at `x`."""
        self.x = x
        y += self.gaps[0].size
        for spot, gap in zip(self.column, self.gaps[1:], strict=True):
            spot.x, spot.y = x, round(y + spot.sized.height / 2, 2)
            y += spot.sized.height + gap.size
        for spot in self.spots.values():
            if spot.side:
                spot.x = round(x + spot.side * self.offsets[spot.sized.box.id], 2)
                spot.y = self.column[spot.row].y
        for frame in self.frames:
            frame.top = self.column[frame.last].top + self.gap_over(frame.last).edges[f"top {frame.group.id}"]
            below = self.gap_over(frame.first - 1)
            start = self.column[frame.first].bottom - below.size
            frame.bottom = start + below.edges[f"bottom {frame.group.id}"]
        self.level = min((f.bottom for f in self.frames), default=self.bottom)

    # ---- the drawing -------------------------------------------------------------------------------------------------

    @property
    def _note_size(self) -> float:
        return self.theme.role("text.secondary").size

    def _beside(self, spot: Spot) -> list[Row]:
        box = self.figure.boxes[spot.sized.box.id]
        return [row for row in box.rows if row.kind != "detail"]

    def frames_drawn(self) -> Iterator[Shape]:
        """The panels, the outermost first."""
        for frame in self.frames:
            group = frame.group
            points = (
                (round(self.x + frame.left, 2), round(-frame.top, 2)),
                (round(self.x + frame.right, 2), round(-frame.bottom, 2)),
            )
            corner = self.theme.role(group.role).corner
            yield Shape(
                group.id, "rect", group.role, points, corner, box=group.id, tooltip=group.tooltip, stands_for=group.stands_for
            )

    def items(self) -> Iterator[Item]:
        """Boxes, what is written beside them, and what is written beside panels."""
        for spot in self.spots.values():
            shapes, labels = box_items(dataclasses.replace(spot.sized, badge=None), spot.left, -spot.top)
            yield from shapes
            yield from labels
            yield from self._notes(spot)
        for frame in self.frames:
            yield from self._frame_words(frame)

    def _notes(self, spot: Spot) -> Iterator[Label]:
        """The rows of a box that stand beside the tower, level with it; those of a sign beside the column, right next to it."""
        size = self._note_size
        rows = self._beside(spot)
        side = spot.side or -self.outer
        x = spot.x + spot.side * (spot.sized.width / 2 + 6.0) if spot.side else self.x + side * self.note_x
        for i, row in enumerate(rows):
            baseline = -spot.y + size * (CAP_HEIGHT / 2 + 1.05 * LEADING * (i - (len(rows) - 1) / 2))
            id = f"{spot.sized.box.id}/row{i}"
            yield make_label(
                id, fit_line(row.text, size), x, baseline, role="text.secondary", align="left" if side > 0 else "right"
            )

    def _frame_words(self, frame: Frame) -> Iterator[Label]:
        group, outer = frame.group, self.outer
        edge = self.x + (frame.right if outer > 0 else frame.left)
        if group.badge:
            line = badge_line(group.badge)
            x, y = self.x + outer * self._badge_x(frame), -(frame.top + frame.bottom) / 2 + (line.ascent - line.descent) / 2
            yield make_label(f"{group.id}/badge", line, x, y, align="left" if outer > 0 else "right", box=group.id)
        if group.title:
            size = self.theme.role(group.role).size
            passed = any(n.side == outer and n.first < frame.last + 1 < n.last for n in self.lanes)
            outer, edge = (-outer, self.x + (frame.left if outer > 0 else frame.right)) if passed else (outer, edge)
            x, y = edge - outer * 8.0, -frame.top - 5.0
            line = fit_line(group.title, size)
            yield make_label(
                f"{group.id}/title", line, x, y, role=group.role, align="right" if outer > 0 else "left", box=group.id
            )


def _inside(box: Box) -> Box:
    """The box with those rows only that stand in it."""
    return dataclasses.replace(box, rows=tuple(row for row in box.rows if row.kind == "detail" and box.role != "op"))


def boxes_of(group: Group) -> Iterator[Box]:
    """All boxes in a group."""
    for child in group.children:
        if isinstance(child, Group):
            yield from boxes_of(child)
        else:
            yield child


__all__ = ["Tower", "lay_out_towers"]
