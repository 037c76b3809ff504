"""From the lines of a cell's grid to points: lanes get room where wires take them, columns and rows what their boxes need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from itertools import pairwise

from netfig.layout.blocks import NOTHING, Rect
from netfig.layout.cell_grid import Grid, Node, Way
from netfig.layout.cell_net import Net
from netfig.layout.cell_place import Spots
from netfig.layout.parts import STACK_OFFSET, SizedBox
from netfig.records import dataclass

TITLE_STRIP = 20.0


@dataclass(frozen=True, slots=True)
class Room:
    """Lengths in points: `lane` between two lanes, `leave` from a box to the lane beside it and `enter` from a lane to a box that
    a wire enters (corner and head), `least` between boxes, `out` from the panel to its terminals, `pad` inside it."""

    lane: float = 10.0
    leave: float = 13.0
    enter: float = 19.0
    least: float = 24.0
    out: float = 24.0
    pad: float = 20.0


NORMAL = Room()
SNUG = Room(lane=9.0, leave=9.0, enter=17.0, least=13.0, out=12.0, pad=9.0)
"""Room in a figure that is to be no larger than a page."""


@dataclass(slots=True)
class Points:
    """Where the lines are: x of every upright one, y of every level one, and the panel."""

    xs: list[float] = field(default_factory=list)
    ys: list[float] = field(default_factory=list)
    panel: Rect = NOTHING

    def at(self, node: Node) -> tuple[float, float]:
        """The point of a grid point."""
        return self.xs[node[0]], self.ys[node[1]]


@dataclass(slots=True)
class Extra:
    """Room asked for beyond what wires and boxes need, by gap (the column or row behind it)."""

    columns: dict[int, float] = field(default_factory=dict)
    rows: dict[int, float] = field(default_factory=dict)


def points_of(
    grid: Grid,
    net: Net,
    spots: Spots,
    sized: Mapping[str, SizedBox],
    ways: Iterable[Way],
    extra: Extra,
    *,
    room: tuple[Room, Room],
    titled: float,
) -> Points:
    """Coordinates for every line; `room` is that between columns and between rows, `titled` how wide the panel's words are at
    least, 0 without a title."""
    ways = list(ways)
    used_x, used_y = _used(ways)
    back_x, back_y = _entered_from_behind(grid, ways)
    inner = set(net.inner)
    widths, heights = [0.0] * len(grid.columns), [0.0] * len(grid.rows)
    ports = [0.0] * len(grid.columns)
    for id, (column, row) in spots.at.items():
        c, r = column - grid.columns.start, row - grid.rows.start
        if id in inner or id in net.left or id in net.right:
            behind = 2 * STACK_OFFSET * sized[id].copies
            widths[c] = max(widths[c], sized[id].width + behind)
            heights[r] = max(heights[r], sized[id].height + behind)
        if id in net.below or id in net.above:
            heights[r] = max(heights[r], sized[id].height)
        if id in inner and sized[id].width >= 40:
            ports[c] = min(ports[c] or 99.0, sized[id].width / 4)
    out = Points([0.0] * grid.width, [0.0] * grid.height)
    _room_below(grid, net, spots, sized, widths, extra, room[0].least)
    left, right = _walk(
        out.xs, widths, grid.lanes + 3, 3, used_x, back_x, extra.columns, grid.columns.start, room[0], ports, bool(net.left)
    )
    strip = TITLE_STRIP if titled else 0.0
    top, bottom = _walk(
        out.ys, heights, grid.lanes + 1, 1, used_y, back_y, extra.rows, grid.rows.start, room[1], None, bool(net.above), strip
    )
    if right - left < titled:
        shift = titled - (right - left)
        right += shift
        out.xs[(len(grid.columns) - 1) * (grid.lanes + 3) :] = [
            x + shift for x in out.xs[(len(grid.columns) - 1) * (grid.lanes + 3) :]
        ]
    out.panel = Rect(left, top, right, bottom)
    return out


def _used(ways: Iterable[Way]) -> tuple[set[int], set[int]]:
    """The upright and the level lines that wires run along."""
    xs: set[int] = set()
    ys: set[int] = set()
    for way in ways:
        for a, b in pairwise(way.path):
            if a[0] == b[0]:
                xs.add(a[0])
            else:
                ys.add(a[1])
    return xs, ys


def _entered_from_behind(grid: Grid, ways: Iterable[Way]) -> tuple[set[int], set[int]]:
    """The columns and rows with a box that a wire enters from the right or from below: before the lanes there is a head."""
    columns: set[int] = set()
    rows: set[int] = set()
    for way in ways:
        (ax, ay), (bx, by) = way.path[-2:]
        if ax > bx:
            columns.add(grid.column_of(bx)[0])
        if ay > by:
            rows.add(grid.row_of(by)[0])
    return columns, rows


def _room_below(grid: Grid, net: Net, spots: Spots, sized: Mapping[str, SizedBox], widths: list[float], extra: Extra, least: float
) -> None:  # fmt: skip
    """Inputs are broader than the columns they stand below: neighbours must not touch."""
    for ids in (net.below, net.above):
        columns = sorted((spots.at[id][0], id) for id in ids)
        for (a, one), (b, other) in pairwise(columns):
            need = (sized[one].width + sized[other].width) / 2 + 14
            have = sum(widths[c - grid.columns.start] for c in range(a + 1, b)) + least * (b - a)
            have += (widths[a - grid.columns.start] + widths[b - grid.columns.start]) / 2
            if need > have:
                extra.columns[b] = max(extra.columns.get(b, 0.0), need - have)


def _walk(
    lines: list[float],
    sizes: list[float],
    stride: int,
    own: int,
    used: set[int],
    back: set[int],
    extra: Mapping[int, float],
    start: int,
    room: Room,
    ports: list[float] | None,
    before: bool,
    strip: float = 0.0,
) -> tuple[float, float]:
    """Sets the lines along one axis; where the panel begins and ends. The first and the last cell are outside it."""
    count, pad = len(sizes), room.pad
    at, first, last = 0.0, 0.0, 0.0
    for k in range(count):
        base = k * stride
        centre = at + sizes[k] / 2
        lines[base + own // 2] = centre
        if own == 3:
            offset = ports[k] if ports and ports[k] else 11.0
            lines[base], lines[base + 2] = centre - offset, centre + offset
        at += sizes[k]
        if k == count - 1:
            break
        lanes = range(base + own, base + stride)
        taken = [line for line in lanes if line in used]
        margin_a, margin_b, least = room.enter if start + k in back else room.leave, room.enter, room.least
        if k == 0:
            at += room.out if before and sizes[0] else 0.0
            first = at
            at += strip
            margin_a, least = pad, pad
        if k == count - 2:
            margin_b, least = pad, max(pad, least if k == 0 else pad)
        if k == 0 and k == count - 2:
            margin_b = pad
        need = margin_a + room.lane * (len(taken) - 1) + margin_b if taken else least
        need = max(need, least) + extra.get(start + k + 1, 0.0)
        spare = need - (margin_a + room.lane * (len(taken) - 1) + margin_b) if taken else need
        for line in lanes:
            if line in taken:
                lines[line] = at + margin_a + spare / 2 + room.lane * taken.index(line)
            else:
                lines[line] = at + need / 2
        at += need
        if k == count - 2:
            last = at
            at += room.out
    return first, last
