"""The layout of a grid: boxes in exact rows and columns, wires along them and in lanes between, weights as chips on the wires.

Every box stands at its `place`; columns are as wide as their widest box and channels as wide as the chips, tracks and names in
them need. `netfig.layout.grid_routes` finds the ways, `netfig.layout.grid_wires` draws them.
"""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import TYPE_CHECKING, Literal

from netfig.drawing import Drawing, Item, Shape
from netfig.errors import InvalidGraph
from netfig.figure import Box
from netfig.layout.blocks import wire_role
from netfig.layout.grid_routes import (
    LANE,
    PORT_STEP,
    Passage,
    Port,
    Route,
    Ways,
    chip_leg,
    is_step,
    passages_by_channel,
    place_of,
)
from netfig.layout.grid_tight import NORMAL, TIGHT, Measures, names_inside, said, tight_figure, tight_theme
from netfig.layout.grid_wires import Lack, Wiring
from netfig.layout.notes import Board
from netfig.layout.parts import LEADING, SizedBox, box_items, fit_line, make_label, page, size_box
from netfig.layout.text import CAP_HEIGHT, SetLine
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.drawing import Label, Tone
    from netfig.figure import Figure, Group
    from netfig.theme import Theme

EDGE = 17.0  # from a box to the first track above or below it: an arrow head and a rounded corner
LEAD = 13.0  # wire before and after a chip
NAME_ROOM = 24.0  # around the words beside a sign
CHIP_GAP = 9.0  # between chips that follow one another
NAME_GAP = 18.0  # from the names of the rows to the first column
COLUMN_GAP = 15.0  # from the lowest row to the names of the columns
PANEL_STRIP = 18.0  # for the title of a panel
TENSORS = ("input", "state", "output")  # of one size
BARE = ("delay", "ellipsis", "anchor")  # roles whose title stands beside them
DOT = 3.2
ROUNDS = 12  # of making room for chips
MOST_APART = 40.0  # two ports of one box


def lay_out_grid(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root is a grid; `width` is the printed width in points.

    Raises:
        InvalidGraph: a box has no place, or two boxes have the same.
    """
    _check(figure)
    drawing = page(_Grid(figure, theme).items(), figure, theme, direction="right", width=width)
    if drawing.scale >= 1.0:
        return drawing
    narrow = _narrow(figure, theme, width)
    return narrow if narrow.scale > drawing.scale else drawing


def _narrow(figure: Figure, theme: Theme, width: float | None) -> Drawing:
    """The figure in its narrow form, the names of its rows in it or in the caption."""
    figure, theme = tight_figure(figure), tight_theme(theme)
    grid = _Grid(figure, theme, TIGHT)
    items = grid.items()
    beside = page([*items, *grid.row_names()], figure, theme, direction="right", width=width)
    if beside.scale >= 1.0:
        return beside
    names = grid.names_inside(items)
    if names is None:
        figure = dataclasses.replace(figure, caption=(*figure.caption, said(figure.root.row_names)))
    return page([*items, *(names or ())], figure, theme, direction="right", width=width)


def _check(figure: Figure) -> None:
    found = [f"the box {box.id!r} has no place in the grid" for box in figure.boxes.values() if box.place is None]
    taken: dict[tuple[int, int], str] = {}
    for box in figure.boxes.values():
        column, row = place_of(box)
        for cell in ((c, r) for c in range(column, column + box.span[0]) for r in range(row, row + box.span[1])):
            there = taken.setdefault(cell, box.id) if box.place is not None else box.id
            found += (
                [f"the boxes {there!r} and {box.id!r} both stand in column {cell[0]}, row {cell[1]}"] if there != box.id else []
            )
    if found:
        raise InvalidGraph(f"figure {figure.title!r} is no grid", found)


@dataclass
class Bands:
    """The columns (or rows, counted upwards) and the channels between them: sizes, then places along one direction."""

    sizes: list[float]
    channels: list[float]
    middles: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)  # of the channels

    def settle(self) -> None:
        """Places everything one after the other from 0."""
        at = 0.0
        for size, channel in zip([*self.sizes, 0.0], self.channels, strict=True):
            self.starts.append(at)
            self.middles.append(round(at + channel + size / 2, 2))
            at += channel + size
        self.middles.pop()


class _Grid:
    def __init__(self, figure: Figure, theme: Theme, measures: Measures = NORMAL) -> None:
        self.figure, self.theme, self.measures = figure, theme, measures
        self.chips = _chip_boxes(figure, theme)
        self.steps: dict[tuple[str, str], float] = {}  # between the ports of a box's side
        self.more: dict[tuple[str, int, int], float] = {}  # room in a channel before its nth track, beyond what is reckoned
        self._route()
        self.wiring, self.drawn = self._wire()
        for _ in range(ROUNDS):
            if not self._make_room(self.wiring.lacks):
                break
            self.wiring, self.drawn = self._wire()

    def _route(self) -> None:
        ways = Ways(self.figure, self.steps)
        self.taken, self.routes = ways.taken, ways.run()
        self.channels = passages_by_channel(self.routes)

    def _wire(self) -> tuple[Wiring, list[Item]]:
        """Sets rows and columns apart and draws the wires between them."""
        self.sized = self._sizes()
        self.columns, self.rows = self._bands("V"), self._bands("H")
        wiring = Wiring(self.figure, self.theme, self.routes, self.sized, self.chips, self.centre, self.rows, self.measures)
        return wiring, wiring.draw()

    # --- room for chips -------------------------------------------------------------------------------------------------------

    def _make_room(self, lacks: Iterable[Lack]) -> bool:
        """Makes channels wider and sets ports apart where chips lack room; whether anything could be done."""
        wider: dict[tuple[str, int, int], float] = {}
        apart: dict[tuple[str, str], float] = {}
        for lack in lacks:
            gap = self._gap_between(lack)
            if lack.ports:
                for port in lack.ports:
                    apart[port] = max(apart.get(port, 0.0), lack.need)
            elif gap is not None:
                wider[gap] = max(wider.get(gap, 0.0), lack.need)
        for port, need in apart.items():
            self.steps[port] = min(self.steps.get(port, PORT_STEP) + need, MOST_APART)
        for gap, need in wider.items():
            self.more[gap] = self.more.get(gap, 0.0) + need
        if apart:
            self._route()
        return bool(apart or wider)

    def _gap_between(self, lack: Lack) -> tuple[str, int, int] | None:
        """The channel, and the track in it, before which there is to be more room; ``None`` between two wires of one box."""
        kind, bands = ("V", self.columns) if lack.level else ("H", self.rows)
        low, high = (lack.low, lack.high) if lack.level else (-lack.high, -lack.low)
        best: tuple[float, tuple[str, int, int]] | None = None
        for n, (start, size) in enumerate(zip(bands.starts, bands.channels, strict=True)):
            first = -1e6 if not n else start
            last = 1e6 if n == len(bands.starts) - 1 else start + size
            a, b = max(low, first), min(high, last)
            if b - a > 0.05 or (b >= a and a == low == high):
                track = sum(1 for at in sorted({p.at for p in self.channels.get((kind, n), ())}) if at < (a + b) / 2)
                if best is None or b - a > best[0]:
                    best = b - a, (kind, n, track)
        return best[1] if best is not None else None

    # --- sizes ----------------------------------------------------------------------------------------------------------------

    def _sizes(self) -> dict[str, SizedBox]:
        sized: dict[str, SizedBox] = {}
        for box in self.figure.boxes.values():
            shown = dataclasses.replace(box, title=()) if is_bare(box) else box
            sized[box.id] = size_box(shown, self.theme, slim=True)
        kinds: dict[tuple[str, int], list[str]] = {}
        for id, one in sized.items():
            if not is_bare(one.box) and one.outline != "circle":
                role = one.box.role.split(".")[0]
                kinds.setdefault(("tensor" if role in TENSORS else role, one.box.span[1]), []).append(id)
        crowd = self._crowd()
        for id, one in sized.items():
            if is_bare(one.box) and one.box.role.startswith("ellipsis"):  # what leads on ends at its dots
                sized[id] = one.resized(_side(crowd, id, "top", "bottom"), _side(crowd, id, "left", "right"))
        for ids in kinds.values():
            w = max(max(sized[id].width, _side(crowd, id, "top", "bottom") + 16) for id in ids)
            h = max(max(sized[id].height, _side(crowd, id, "left", "right") + 16) for id in ids)
            for id in ids:
                sized[id] = sized[id].resized(w, h)
        return sized

    def _crowd(self) -> Mapping[tuple[str, str], float]:
        """How much of each side of each box its ports take."""
        found: dict[tuple[str, str], float] = {}
        for route in self.routes:
            for port in (route.start, route.end):
                key = port.box, port.side
                found[key] = max(found.get(key, 0.0), 2 * abs(port.shift))
        return found

    def _bands(self, kind: str) -> Bands:
        upright = kind == "V"
        count = max((self._end_of(box, upright) for box in self.figure.boxes.values()), default=1)
        sizes = [0.0] * count
        for one in self.sized.values():
            first, span = place_of(one.box)[0 if upright else 1], one.box.span[0 if upright else 1]
            if span == 1:
                sizes[first] = max(sizes[first], one.width if upright else one.height)
            for n in range(first, first + span) if span > 1 and not upright else ():
                sizes[n] = max(sizes[n], one.style.min_height)
        for route in self.routes if upright else ():
            if route.is_straight and route.end.side in ("top", "bottom") and self.figure.boxes[route.end.box].span[0] == 1:
                column = place_of(self.figure.boxes[route.end.box])[0]
                sizes[column] = max(sizes[column], self._widest_chip(route))
        channels = [self._channel(kind, n, count) for n in range(count + 1)]
        bands = Bands(sizes, channels)
        for id, one in self.sized.items():  # what spans several columns or rows has room for its text
            first, span = place_of(one.box)[0 if upright else 1], one.box.span[0 if upright else 1]
            if span > 1:
                have = sum(sizes[first : first + span]) + sum(channels[first + 1 : first + span])
                lack = (one.width if upright else one.height) - have
                if lack > 0:
                    channels[first + 1] += lack
                if not upright:
                    self.sized[id] = one.resized(0.0, max(one.height, have))
        self._long_wires(bands, kind)
        if upright:
            self._room_for_names(bands)
            self._level_steps(bands)
        for group in self.figure.groups.values():
            self._room_for_panel(group, bands, upright)
        bands.settle()
        self._place_tracks(kind, bands)
        return bands

    def _level_steps(self, bands: Bands) -> None:
        """Columns with a name that follow one another stand equally far apart, unless that would waste much."""
        names = self.figure.root.column_names
        named = [c < len(names) and bool(names[c]) for c in range(len(bands.sizes))]
        between = [c for c in range(1, len(named)) if named[c - 1] and named[c]]
        if between:
            most, least = (pick(bands.channels[c] for c in between) for pick in (max, min))
            for c in between if most <= 2 * least else ():
                bands.channels[c] = most

    def _long_passage(self, route: Route, bands: Bands) -> None:
        low, high = sorted((route.start.row, route.end.row))
        if low < high:
            have = sum(bands.channels[low + 1 : high + 1]) + sum(bands.sizes[low + 1 : high])
            lost = 2 * EDGE if len(route.passages) == 3 else 0.0
            bands.channels[high] += max(0.0, self._chips_of(route)[1] + 2 * LEAD + lost - have)

    def _room_for_names(self, bands: Bands) -> None:
        """The words beside a sign keep clear of what stands next to it."""
        for box in self.figure.boxes.values():
            if not (is_bare(box) and box.title):
                continue
            column, row = place_of(box)
            side = self._side_of_name(box)
            if any(r == row and (c - column) * side > 0 for c, r in self.taken):
                n = column + 1 if side > 0 else column
                width = max(fit_line(text, self.theme.role("text.secondary").size).width for text in box.title)
                bands.channels[n] = max(bands.channels[n], width + NAME_ROOM)

    def _side_of_name(self, box: Box) -> int:
        """On which side of a sign its words stand: away from where its wires lead."""
        ends = [place_of(self.figure.boxes[w.target.box])[0] for w in self.figure.wires if w.source.box == box.id]
        return -1 if any(column > place_of(box)[0] for column in ends) else 1

    def _end_of(self, box: Box, upright: bool) -> int:
        return place_of(box)[0 if upright else 1] + box.span[0 if upright else 1]

    def _room_for_panel(self, group: Group, bands: Bands, upright: bool) -> None:
        if group.role == "plain" or group is self.figure.root:
            return
        first, last = self._reach(group, 0 if upright else 1)
        pad = self.theme.panel_pad
        bands.channels[first] += pad
        bands.channels[last + 1] += pad + (0.0 if upright or not group.title else PANEL_STRIP)

    def _reach(self, group: Group, which: int) -> tuple[int, int]:
        """The first and last column (or row) of what is in a group."""
        boxes = [box for box in self.figure.boxes.values() if self._is_in(box.id, group.id)]
        firsts = [place_of(box)[which] for box in boxes]
        lasts = [place_of(box)[which] + box.span[which] - 1 for box in boxes]
        return min(firsts, default=0), max(lasts, default=0)

    def _is_in(self, box: str, group: str) -> bool:
        parent = self.figure.parent_of.get(box)
        while parent is not None and parent != group:
            parent = self.figure.parent_of.get(parent)
        return parent == group

    # --- channels -------------------------------------------------------------------------------------------------------------

    def _chips_of(self, route: Route) -> tuple[float, float]:
        """Width and height of the chips of a wire, set in a row or in a column."""
        chips = [self.chips[chip.id] for chip in self.figure.wires[route.wire].chips]
        return sum(c.width + CHIP_GAP for c in chips) - CHIP_GAP, sum(c.height + CHIP_GAP for c in chips) - CHIP_GAP

    def _lead(self, kind: str) -> float:
        """The wire before and after a chip."""
        return self.measures.lead if kind == "V" else LEAD

    def _edge(self, kind: str) -> float:
        """From a box to the first track beside it."""
        return self.measures.edge if kind == "V" else EDGE

    def _widest_chip(self, route: Route) -> float:
        return max((self.chips[chip.id].width for chip in self.figure.wires[route.wire].chips), default=0.0)

    def _zone(self, kind: str, n: int) -> float:
        """Room that chips and names on wires across a channel need."""
        need = 0.0
        for route in self.routes:
            wire = self.figure.wires[route.wire]
            if not wire.chips and not wire.label:
                continue
            if route.is_straight:
                across = "V" if route.end.side in ("left", "right") else "H"
                if across != kind or self._opens_on(route.end) != n or self._opens_on(route.start) != n:
                    continue
            elif not self._turns_in(route, kind, n):
                continue
            lead = self._lead(kind)
            w, h = self._chips_of(route) if wire.chips else (-2 * lead, -2 * lead)
            label = self._label_width(route) + 14 if wire.label and kind == "V" and route.is_straight else 0.0
            if wire.label and wire.chips and kind == "H" and route.is_straight:
                h += 12.0  # the name stands beside the wire, clear of the chip
            need = max(need, (w if kind == "V" else h) + 2 * lead + (label if not wire.chips or not label else label + lead))
        return need

    def _turns_in(self, route: Route, kind: str, n: int) -> bool:
        """Whether the chips of a bent wire need the room beside the tracks of a channel."""
        if is_step(route):
            return route.passages[0].channel == (kind, n)
        passage = chip_passage(route)
        if passage is None or not self.figure.wires[route.wire].chips or kind != "V" or passage.channel[0] == "V":
            return False
        return any(p.channel == (kind, n) for p in route.passages)  # a level stretch that ends there

    def _label_width(self, route: Route) -> float:
        wire = self.figure.wires[route.wire]
        return fit_line(wire.label, self.theme.role(wire_role(wire.role)).size).width

    def _long_wires(self, bands: Bands, kind: str) -> None:
        """Straight wires over several channels, and upright passages, have room for their chips."""
        for route in self.routes:
            passage = chip_passage(route)
            if kind == "H" and passage is not None and passage.channel[0] == "V":
                self._long_passage(route, bands)
            if not route.is_straight or ("V" if route.end.side in ("left", "right") else "H") != kind:
                continue
            first, last = sorted((self._opens_on(route.start), self._opens_on(route.end)))
            chips = self.figure.wires[route.wire].chips
            if first == last or not chips:
                continue
            need = self._chips_of(route)[0 if kind == "V" else 1] + 2 * self._lead(kind)
            have = sum(bands.channels[first : last + 1]) + sum(bands.sizes[first:last])
            bands.channels[last] += max(0.0, need - have)
            if kind == "V":  # whatever crosses in the columns between, there is room beside the target
                at = self._opens_on(route.end)
                beside = bands.sizes[at - 1 if route.end.side == "left" else at] / 2
                bands.channels[at] = max(bands.channels[at], need - beside)

    def _opens_on(self, port: Port) -> int:
        """The channel at a port's side."""
        column, row = place_of(self.figure.boxes[port.box])
        span = self.figure.boxes[port.box].span
        return {"left": column, "right": column + span[0], "bottom": row, "top": row + span[1]}[port.side]

    def _channel(self, kind: str, n: int, count: int) -> float:
        """How wide a channel is."""
        more = sum(room for (own, at, _), room in self.more.items() if (own, at) == (kind, n))
        return more + self._least_channel(kind, n, count)

    def _least_channel(self, kind: str, n: int, count: int) -> float:
        zone, tracks = self._zone(kind, n), self._thick(kind, n)
        outer = n in (0, count)
        if not tracks:
            gap = self.measures.gap if kind == "V" else None
            return 0.0 if outer else max(zone, self.theme.gap_along if gap is None else gap)
        edge = self._edge(kind)
        edges = edge if outer else 2 * edge
        beside = zone - edge if 0 < self._split(kind, n) < len(tracks) else max(0.0, zone - edge)
        return sum(tracks) - LANE + edges + max(beside, 0.0)

    def _thick(self, kind: str, n: int) -> list[float]:
        """The breadth of each track of a channel."""
        found: dict[int, float] = {}
        for passage in self.channels.get((kind, n), ()):
            found[passage.track] = max(found.get(passage.track, LANE), self._breadth(passage))
        return [found[track] for track in sorted(found)]

    def _breadth(self, passage: Passage) -> float:
        """A track that carries a chip is as broad as it."""
        need = LANE
        for route in self.routes:
            if self.figure.wires[route.wire].chips and chip_passage(route) is passage:
                upright = passage.channel[0] == "V"
                tallest = max(self.chips[chip.id].height for chip in self.figure.wires[route.wire].chips)
                need = max(need, (self._widest_chip(route) if upright else tallest) + 10)
        return need

    def _split(self, kind: str, n: int) -> int:
        """How many tracks stand at the near side (left, below) of the room for chips."""
        passages = self.channels.get((kind, n), ())
        count = 1 + max((p.track for p in passages), default=-1)
        wishes = [0] * count
        for passage in passages:
            wishes[passage.track] += sum(-side for _, side in passage.stubs) or self._wish(passage)
        return max(range(count + 1), key=lambda k: (sum(wishes[:k]) - sum(wishes[k:]), -k)) if count else 0

    def _wish(self, passage: Passage) -> int:
        """Where a passage that leads across wants to be: beyond its chip, else near the box it leads to."""
        wish = 0
        for route in self.routes:
            at = next((n for n, p in enumerate(route.passages) if p is passage), None)
            if at is None:
                continue
            ahead = 1 if route.end.side in ("bottom", "left") else -1
            near = 1 if route.start.side in ("right", "top") else -1
            if self.figure.wires[route.wire].chips and is_step(route):
                return 3 * (ahead if chip_leg(route) else -ahead)  # it needs the room more than others
            if not at and route.start.straight:
                strength = 3 if passage.channel[0] == "V" else 1
                return strength * (near if self._differs_from_straight(route) else -near)
            if at < len(route.passages) - 1:  # it stays near where it comes from
                return near
            wish = wish or -ahead
        return wish

    def _differs_from_straight(self, route: Route) -> bool:
        """Whether other weights act on the straight wire from the same port: its chips then sit behind the fork."""
        own = self.figure.wires[route.wire].chips
        return any(r.is_straight and r.start is route.start and self.figure.wires[r.wire].chips != own for r in self.routes)

    def _place_tracks(self, kind: str, bands: Bands) -> None:
        for n, start in enumerate(bands.starts):
            thick = self._thick(kind, n)
            if not thick:
                continue
            split, end = self._split(kind, n), start + bands.channels[n]
            at: list[float] = []
            near = start + (self._edge(kind) if n else 0.0) - LANE / 2
            for track, breadth in enumerate(thick[:split]):
                near += self.more.get((kind, n, track), 0.0)
                at.append(near + breadth / 2)
                near += breadth
            far = end - (self._edge(kind) if n < len(bands.channels) - 1 else 0.0) + LANE / 2
            for track in range(len(thick) - 1, split - 1, -1):
                far -= self.more.get((kind, n, track + 1), 0.0)
                at.insert(split, far - thick[track] / 2)
                far -= thick[track]
            for passage in self.channels[kind, n]:
                passage.at = round(at[passage.track], 2)

    # --- the drawing ----------------------------------------------------------------------------------------------------------

    def centre(self, box: Box) -> tuple[float, float]:
        """The middle of a box; y counts upwards here."""
        (column, row), (wide, high) = place_of(box), box.span
        columns, rows = self.columns.middles, self.rows.middles
        return (columns[column] + columns[column + wide - 1]) / 2, (rows[row] + rows[row + high - 1]) / 2

    def items(self) -> list[Item]:
        """Panels, wires, chips, boxes and names."""
        boxes: list[Item] = []
        for id, one in self.sized.items():
            boxes += self._box(one, self.figure.boxes[id])
        wiring, drawn = self.wiring, self.drawn
        panels = [item for group in self.figure.groups.values() for item in self._panel(group)]
        names = [*(self.row_names() if self.measures is NORMAL else ()), *self._column_names()]
        names += self._signs([*drawn, *boxes, *names])
        return [*panels, *drawn, *boxes, *names, *wiring.names([*drawn, *boxes, *names])]

    def _box(self, one: SizedBox, box: Box) -> list[Item]:
        x, y = self.centre(box)
        left, top = x - one.width / 2, -y - one.height / 2
        if box.role == "anchor":
            points = ((round(left, 2), round(top, 2)), (round(left + one.width, 2), round(top + one.height, 2)))
            return [Shape(box.id, "rect", box.role, points, tone="none", outlined=False, box=box.id)]
        if is_bare(box) and box.role != "delay":
            return _dots(box, x, -y, one)
        shapes, labels = box_items(one, left, top)
        quiet, strong = box.emphasis == "quiet", box.emphasis == "strong"
        width = max(2.4, one.style.width) if strong else 0.9 if quiet else None
        tone: Tone = "page" if "initial" in box.marks else "fill"
        items: list[Item] = [
            dataclasses.replace(s, tone=tone if s.id == box.id else s.tone, width=width, fade=0.6 if quiet else s.fade)
            for s in shapes
        ]
        items += [dataclasses.replace(label, role="text.secondary") if quiet else label for label in labels]
        return items

    def _signs(self, there: Iterable[Item]) -> Iterable[Item]:
        """The words of delays beside them, where nothing else is."""
        board = Board()
        for item in there:
            board.add(item)
        size = self.theme.role("text.secondary").size
        for id, one in self.sized.items():
            box = self.figure.boxes[id]
            if not is_bare(box) or not box.title:
                continue
            x, y = self.centre(box)
            side = self._side_of_name(box)
            line = fit_line(box.title[0], size)
            middle, gap = -y + size * CAP_HEIGHT / 2, one.width / 2 + 6
            places: list[tuple[float, float, Literal["left", "center", "right"]]] = [
                (x + gap * side, middle, "left" if side > 0 else "right"),
                (x - gap * side, middle, "right" if side > 0 else "left"),
                (x + gap * side, middle + size + 4, "left" if side > 0 else "right"),
                (x + gap * side, middle - size - 4, "left" if side > 0 else "right"),
            ]
            labels = [make_label(f"{id}/name", line, a, b, role="text.secondary", align=c, box=id) for a, b, c in places]
            best = min(labels, key=lambda label: round(board.clash(label.bounds, 3.0), 2))
            board.add(best)
            yield best

    def _panel(self, group: Group) -> list[Item]:
        if group.role == "plain" or group is self.figure.root:
            return []
        pad = self.theme.panel_pad
        (c0, c1), (r0, r1) = self._reach(group, 0), self._reach(group, 1)
        columns, rows = self.columns, self.rows
        left = columns.middles[c0] - columns.sizes[c0] / 2 - pad
        right = columns.middles[c1] + columns.sizes[c1] / 2 + pad
        bottom = -(rows.middles[r0] - rows.sizes[r0] / 2) + pad
        top = -(rows.middles[r1] + rows.sizes[r1] / 2) - pad - (PANEL_STRIP if group.title else 0.0)
        style = self.theme.role(group.role)
        points = ((round(left, 2), round(top, 2)), (round(right, 2), round(bottom, 2)))
        items: list[Item] = [Shape(group.id, "rect", group.role, points, style.corner, box=group.id, tooltip=group.tooltip, stands_for=group.stands_for)]  # noqa: E501  # fmt: skip
        if group.title:
            line = fit_line(group.title, style.size)
            items.append(make_label(f"{group.id}/title", line, left + 12, top + 7 + style.size * 0.8, role=group.role, align="left", box=group.id, on="inside"))  # noqa: E501  # fmt: skip
        return items

    def names_inside(self, there: Iterable[Item]) -> list[Label] | None:
        """The names of the rows within the figure, where they have room among what is there."""
        firsts: dict[int, SizedBox] = {}
        for one in sorted(self.sized.values(), key=lambda one: place_of(one.box)[0]):
            firsts.setdefault(place_of(one.box)[1], one)
        rows = []
        for r, middle in enumerate(self.rows.middles):
            x, y = self.centre(firsts[r].box) if r in firsts else (0.0, middle)
            half = (firsts[r].width / 2, firsts[r].height / 2) if r in firsts else (0.0, 0.0)
            rows.append((-middle, (x - half[0], -y - half[1], x + half[0], -y + half[1])))
        return names_inside(rows, self.figure.root.row_names, self._left(), there, self.theme)

    def row_names(self) -> Iterable[Item]:
        """The names of the rows to the left of the figure."""
        size = self.theme.role("text.secondary").size
        root = self.figure.root
        lines: list[list[SetLine]] = [[fit_line(text, size) for text in row if text] for row in root.row_names]
        widest = max((line.width for row in lines for line in row), default=0.0)
        left = self._left() - NAME_GAP - widest
        for r, row in enumerate(lines[: len(self.rows.middles)]):
            middle = -self.rows.middles[r]
            for i, line in enumerate(row):
                baseline = middle + size * (CAP_HEIGHT / 2 + 1.3 * LEADING * (i - (len(row) - 1) / 2))
                yield make_label(f"row/{r}.{i}", line, left, baseline, role="text.secondary", align="left")

    def _left(self) -> float:
        """The left end of everything but the names of the rows."""
        edges = [self.centre(one.box)[0] - one.width / 2 for one in self.sized.values()]
        edges += [p.at - self._breadth(p) / 2 for p in self.channels.get(("V", 0), ())]
        size = self.theme.role("text.secondary").size
        for box in self.figure.boxes.values():
            if is_bare(box) and self._side_of_name(box) < 0:
                edges += [self.centre(box)[0] - 12 - fit_line(text, size).width for text in box.title]
        return min(edges, default=0.0)

    def _column_names(self) -> Iterable[Item]:
        size = self.theme.role("text.secondary").size
        low = min((self.rows.middles[0] - self.rows.sizes[0] / 2, *(p.at for p in self.channels.get(("H", 0), ()))), default=0.0)
        pad = 0.0
        for group in self.figure.groups.values():
            if group is not self.figure.root and group.role != "plain" and self._reach(group, 1)[0] == 0:
                pad = self.theme.panel_pad
        baseline = -low + pad + COLUMN_GAP + size * CAP_HEIGHT
        names = self.figure.root.column_names
        middles = list(self.columns.middles)
        for box in sorted(self.figure.boxes.values(), key=lambda box: (box.span[0], -place_of(box)[1])):
            middles[place_of(box)[0]] = self.centre(box)[0]  # the broadest, then the lowest
        for c, text in enumerate(names[: len(middles)]):
            if text:
                yield make_label(f"column/{c}", fit_line(text, size), middles[c], baseline, role="text.secondary")


def _side(crowd: Mapping[tuple[str, str], float], box: str, *sides: str) -> float:
    """The most that ports take of one of these sides; one port takes nothing."""
    most = max((crowd.get((box, side), 0.0) for side in sides), default=0.0)
    return most + PORT_STEP / 2 if most else 0.0


def chip_passage(route: Route) -> Passage | None:
    """The passage whose track the chips of a wire sit on."""
    leg = chip_leg(route)
    return route.passages[leg - 1] if 0 < leg <= len(route.passages) else None


def _chip_boxes(figure: Figure, theme: Theme) -> dict[str, SizedBox]:
    """Every chip by its id: one height, and one width where that wastes little."""
    chips = {chip.id: chip for wire in figure.wires for chip in wire.chips}
    sized = {id: size_box(Box(id, chip.role, (chip.title,)), theme) for id, chip in chips.items()}
    height = max((one.height for one in sized.values()), default=0.0)
    text = max((one.text_height for one in sized.values()), default=0.0)  # the same for all, so that they stand on one line
    least = min((one.width for one in sized.values()), default=0.0)
    common = max((one.width for one in sized.values() if one.width <= 1.4 * least), default=0.0)
    return {id: dataclasses.replace(one.resized(common, height), text_height=text) for id, one in sized.items()}


def is_bare(box: Box) -> bool:
    """Whether a box is a mere sign, its words beside it."""
    return box.role.split(".")[0] in BARE


def _dots(box: Box, x: float, y: float, one: SizedBox) -> list[Item]:
    """Three dots in an outline that is not drawn."""
    w, h = one.width, one.height
    upright = box.role == "ellipsis.upright"
    points = ((round(x - w / 2, 2), round(y - h / 2, 2)), (round(x + w / 2, 2), round(y + h / 2, 2)))
    items: list[Item] = [Shape(box.id, "rect", box.role, points, tone="none", outlined=False, box=box.id, tooltip=box.tooltip, stands_for=box.stands_for)]  # noqa: E501  # fmt: skip
    step = min(7.5, ((h if upright else w) - DOT - 1) / 2)
    for k in (-1, 0, 1):
        cx, cy = (x, y + step * k) if upright else (x + step * k, y)
        spot = ((round(cx - DOT / 2, 2), round(cy - DOT / 2, 2)), (round(cx + DOT / 2, 2), round(cy + DOT / 2, 2)))
        name = f"{box.id}/dot{k + 1}"
        items.append(Shape(name, "ellipse", box.role, spot, tone="stroke", outlined=False, box=box.id, part="dot"))
    return items
