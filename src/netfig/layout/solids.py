"""Feature maps as bodies: flat boxes, oblique volumes, stacked sheets and bars for vectors.

Sizes are logarithmic and capped, relative to the largest and smallest of the figure, so 224 and 6 are both visible. A body stands
with its left edge at x = 0 and its middle at y = 0; the pipeline layout moves it to its place.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

from netfig.drawing import Item, Label, Line, Point, Shape
from netfig.layout.parts import make_label, shift
from netfig.layout.text import set_line
from netfig.mathtext import plain
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netfig.drawing import Tone
    from netfig.figure import Box, Solid

OBLIQUE = (0.42, -0.30)  # where one unit of depth goes
DEPTH = 0.8  # of the width of a map
SQUATTEST = 0.5  # a side of a volume is drawn at least so long as this part of the other
SHEETS = 10  # at most as many are drawn
SHEET_STEP = 5.2
NARROW = 3.6
LEAST_WINDOW = 0.16  # of a map: a window is never smaller
SIZE_LABEL = 10.0


@dataclass(frozen=True)
class Scale:
    """Turns numbers of elements into points: `least` … `most` for the smallest and largest map of the figure."""

    small: float
    large: float
    least: float
    most: float
    steepest: float  # points per doubling

    def __call__(self, size: float) -> float:
        """The drawn length of a size."""
        doublings = math.log2(max(self.large, 1) / max(self.small, 1)) or 1.0
        slope = min(self.steepest, (self.most - self.least) / doublings)
        return round(min(self.most, max(self.least, self.most - slope * math.log2(max(self.large, 1) / max(size, 1)))), 2)


@dataclass(frozen=True)
class Scales:
    """The scales of one figure: map side, bar length and front width."""

    side: Scale
    bar: Scale
    front: Scale


def scales(solids: Iterable[Solid], size: float = 1.0) -> Scales:
    """Scales that suit all solids of a figure together; the largest map or bar is drawn `size` times as large as usual."""
    listed = list(solids)
    maps = [s for s in listed if s.height is not None]
    sides = [x for s in maps for x in (s.height, s.width) if x is not None] or [1]
    vectors = [s.channels for s in listed if s.height is None] or [1]
    depths = [s.channels for s in maps] or [1]
    form = maps[0].form if maps else "bar"
    most, least, slope = {"flat": (140.0, 22.0, 26.0), "volume": (118.0, 18.0, 24.0), "sheets": (104.0, 22.0, 24.0)}.get(
        form, (140.0, 22.0, 26.0)
    )
    most = size * min(most, max(64.0, slope * math.log2(max(sides) + 1) - 24))
    tallest = most * {"volume": 1.2, "sheets": 1.3}.get(form, 1.0) if maps else 140.0 * size
    front = (12.0, 52.0, 6.0) if form == "flat" else (6.0, 44.0, 6.0)
    widest = min(front[1], 6 * math.log2(max(depths)) + 4)
    return Scales(
        Scale(min(sides), max(sides), least, most, slope),
        Scale(min(vectors), max(vectors), 26.0, min(tallest, 14 * math.log2(max(vectors)) + 12), 14.0),
        Scale(min(depths), max(depths), front[0], max(front[0], widest), front[2]),
    )


@dataclass(frozen=True)
class Body:
    """One drawn tensor. `inlet` and `outlet` are where straight wires touch it, `entry` and `leave` where wires from and
    to other rows do; `target` is where the window of the map before ends.

    `reach` is the extent of everything drawn (left, top, right, bottom); `core` that of the body without its numbers.
    `items` stand where the body was made, all else where it is: `drawn` moves them by `at`.
    """

    box: Box
    items: tuple[Item, ...]
    core: tuple[float, float, float, float]
    inlet: Point
    outlet: Point
    entry: Point = (0.0, 0.0)
    leave: Point | None = None
    target: tuple[Point, ...] = ()
    window: tuple[Point, ...] = ()
    corners: tuple[Point, Point, Point, Point] = (
        (0, 0),
        (0, 0),
        (0, 0),
        (0, 0),
    )  # left top, left bottom, right top, right bottom
    reach: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    at: Point = (0.0, 0.0)

    @property
    def drawn(self) -> list[Item]:
        """The items where the body has been moved to."""
        return [shift(item, *self.at) for item in self.items]

    def moved(self, dx: float, dy: float) -> Body:
        """The same body elsewhere."""

        def go(points: Sequence[Point]) -> tuple[Point, ...]:
            return tuple((round(x + dx, 2), round(y + dy, 2)) for x, y in points)

        a, b, c, d = self.core
        e, f, g, h = self.reach
        inlet, outlet, entry, leave = go((self.inlet, self.outlet, self.entry, self.leave or self.outlet))
        return dataclasses.replace(
            self,
            at=(self.at[0] + dx, self.at[1] + dy),
            core=(a + dx, b + dy, c + dx, d + dy),
            reach=(e + dx, f + dy, g + dx, h + dy),
            inlet=inlet,
            outlet=outlet,
            entry=entry,
            leave=leave,
            target=go(self.target),
            window=go(self.window),
            corners=go(self.corners),  # type: ignore[arg-type]
        )

    @property
    def middle(self) -> float:
        """The x its name is centred on."""
        return (self.core[0] + self.core[2]) / 2


def body(box: Box, scale: Scales, *, last: bool = False) -> Body:
    """The drawn form of a box's solid; `last` leaves the window out, because nothing looks through it."""
    solid = box.solid
    assert solid is not None, box.id
    if solid.form == "volume" and solid.height is not None:
        made = _volume(box, solid, scale, last)
    elif solid.form == "sheets" and solid.height is not None:
        made = _sheets(box, solid, scale, last)
    elif solid.height is not None:
        made = _plain(box, scale.front(solid.channels), scale.side(_side(solid)))
    else:
        made = _plain(box, 14.0 if solid.form == "flat" else 12.0, scale.bar(solid.channels))
    return dataclasses.replace(made, reach=_extent(made.items))


def _side(solid: Solid) -> float:
    height = solid.height or 1
    return math.sqrt(height * solid.width) if solid.width else height


def _extent(items: Sequence[Item]) -> tuple[float, float, float, float]:
    boxes = [i.bounds for i in items if not isinstance(i, Line)]
    return min(b[0] for b in boxes), min(b[1] for b in boxes), max(b[2] for b in boxes), max(b[3] for b in boxes)


def _rect(box: Box, left: float, top: float, right: float, bottom: float, part: str = "", tone: Tone = "fill") -> Shape:
    return _outline(box, "rect", ((left, top), (right, bottom)), part, tone)


def _outline(box: Box, kind: str, points: tuple[Point, ...], part: str = "", tone: Tone = "fill") -> Shape:
    return Shape(
        f"{box.id}/{part}" if part else box.id,
        kind,  # type: ignore[arg-type]
        box.role,
        points,
        tone=tone,
        width=1.1,
        box=box.id,
        part=part,
        tooltip=box.tooltip if not part else "",
        stands_for=box.stands_for if not part else (),
    )


def _plain(box: Box, width: float, height: float) -> Body:
    top, bottom = -height / 2, height / 2
    shape = _rect(box, 0, top, width, bottom)
    corners = ((0.0, top), (0.0, bottom), (width, top), (width, bottom))
    core = (0.0, top, width, bottom)
    return Body(box, (shape,), core, (0.0, 0.0), (width, 0.0), target=((0.0, 0.0),), corners=corners)


def _volume(box: Box, solid: Solid, scale: Scales, last: bool) -> Body:
    rows, columns = solid.height or 1, solid.width
    wide, high = scale.front(solid.channels), scale.side(rows)
    long = scale.side(columns) if columns is not None else high
    high = max(high, SQUATTEST * long)
    deep = DEPTH * max(long, SQUATTEST * high) if columns is not None else 14.0  # a sequence has no second side
    dx, dy = deep * OBLIQUE[0], deep * OBLIQUE[1]
    top, bottom = -(high + dy) / 2, (high - dy) / 2
    right = wide + dx
    faces: list[Item] = [
        _outline(box, "polygon", ((0, top), (dx, top + dy), (right, top + dy), (wide, top)), "top", "light"),
        _outline(box, "polygon", ((wide, top), (right, top + dy), (right, bottom + dy), (wide, bottom)), "side", "dark"),
        _rect(box, 0, top, wide, bottom),
    ]

    def on_side(u: float, v: float) -> Point:
        return wide + dx * u, top + high * v + dy * u

    window: tuple[Point, ...] = ()
    if solid.window is not None and not last:
        tall = _share(solid.window[0], rows, 0.6)
        broad = _share(solid.window[1], columns, 0.6) if columns is not None else 0.6
        u, v = 0.52, 0.48
        spots = ((-1, -1), (1, -1), (1, 1), (-1, 1))
        window = tuple(on_side(u + a * broad / 2, v + b * tall / 2) for a, b in spots)
        faces += _window(box, window)
    numbers = _volume_numbers(box, solid, wide, bottom, dx, dy)
    corners = ((0.0, top), (0.0, bottom), (right, top + dy), (right, bottom + dy))
    return Body(
        box,
        (*faces, *numbers),
        (0.0, top + dy, right, bottom),
        (0.0, 0.0),
        (right, 0.0),
        target=((0.0, 0.0),),
        window=window,
        corners=corners,
    )


def _volume_numbers(box: Box, solid: Solid, wide: float, bottom: float, dx: float, dy: float) -> list[Label]:
    """Channels under the front edge, width along the receding edge, height left of the front when it differs."""
    channels = set_line(plain(str(solid.channels)), SIZE_LABEL)
    below = bottom + channels.ascent + 4
    found = [make_label(f"{box.id}/channels", channels, wide / 2, below, role="text", box=box.id)]
    across = solid.width if solid.width is not None else solid.height
    size = set_line(plain(str(across)), SIZE_LABEL)
    place = max(wide + dx / 2 + 2, wide / 2 + channels.width / 2 + 5)
    edge = bottom + dy * min(1.0, (place - wide) / max(dx, 0.1))
    found.append(make_label(f"{box.id}/size", size, place, edge + size.ascent + 4, role="text", align="left", box=box.id))
    if solid.width is not None and solid.width != solid.height:
        tall = set_line(plain(str(solid.height)), SIZE_LABEL)
        found.append(make_label(f"{box.id}/height", tall, -4, bottom - 1, role="text", align="right", box=box.id))
    return found


def _sheets(box: Box, solid: Solid, scale: Scales, last: bool) -> Body:
    count = min(solid.channels, SHEETS)
    high = scale.side(solid.height or 1)
    wide = scale.side(solid.width) if solid.width is not None else 12.0
    spread = (count - 1) * SHEET_STEP
    top, left = _off_the_wire(-(high + spread) / 2, high, count), 0.0
    items: list[Item] = []
    for n in range(count):
        d = n * SHEET_STEP
        front = n == count - 1
        tone: Tone = "fill" if (count - 1 - n) % 2 == 0 else "light"
        items.append(_rect(box, left + d, top + d, left + d + wide, top + d + high, "" if front else f"sheet{n}", tone))
    x, y = left + spread, top + spread  # the front sheet
    window: tuple[Point, ...] = ()
    if solid.window is not None and not last:
        tall = high * _share(solid.window[0], solid.height or 1)
        broad = wide * (_share(solid.window[1], solid.width) if solid.width is not None else 0.8)
        window = _square(x + wide * 0.66, y + high * 0.42, broad, tall)
        items += _window(box, window)
    spot = max(5.0, high * 0.09)
    target = _square(x + wide * 0.3, y + high * 0.58, min(spot, wide * 0.5), spot)
    corners = ((x, y), (x, y + high), (x + wide, y), (x + wide, y + high))
    core = (0.0, top, x + wide, y + high)
    seen = [n for n in range(count) if top + n * SHEET_STEP + high > 0] or [count - 1]  # sheets whose sides cross the middle
    inlet = (seen[0] * SHEET_STEP, 0.0)
    outlet = (max(n for n in range(count) if n == 0 or top + n * SHEET_STEP < 0) * SHEET_STEP + wide, 0.0)
    return Body(
        box, tuple(items), core, inlet, outlet, entry=(0.0, top + high / 2), leave=(x + wide, y + high / 2),
        target=target, window=window, corners=corners,
    )  # fmt: skip


def _off_the_wire(top: float, high: float, count: int) -> float:
    """A top near the wanted one for which no sheet's edge lies on the wire at y = 0."""
    offsets = sorted((n * 0.2 * sign for n in range(14) for sign in (1, -1)), key=abs)
    edges = [n * SHEET_STEP + side for n in range(count) for side in (0.0, high)]
    return next((top + o for o in offsets if all(abs(top + o + e) >= 1.2 for e in edges)), top)


def _square(x: float, y: float, wide: float, tall: float) -> tuple[Point, ...]:
    return (
        (x - wide / 2, y - tall / 2),
        (x + wide / 2, y - tall / 2),
        (x + wide / 2, y + tall / 2),
        (x - wide / 2, y + tall / 2),
    )


def _share(part: int, whole: int, most: float = 0.8) -> float:
    """How much of a side a window covers, drawn no smaller than can be seen and no larger than leaves a rim."""
    return min(most, max(LEAST_WINDOW, part / max(whole, 1)))


def _window(box: Box, corners: tuple[Point, ...], name: str = "window") -> list[Shape]:
    shade = dataclasses.replace(_outline(box, "polygon", corners, name, "stroke"), fade=0.55, outlined=False)
    edge = dataclasses.replace(_outline(box, "polygon", corners, f"{name}-edge", "none"), role="op", width=1.0)
    return [shade, edge]


def landing(target: Body) -> list[Shape]:
    """The small square on a front sheet that a window's lines end at."""
    return _window(target.box, target.target, "landing") if len(target.target) == 4 else []


def projection(source: Body, target: Body) -> list[Line]:
    """The lines from a window to what it becomes in the next map, or the outline of a dense layer between bars."""
    name = f"{source.box.id}/sees"
    a, b = source.box.id, target.box.id
    if source.window and len(target.target) == 4:  # sheets: right corners of the window to the left corners of the spot
        pairs = [(source.window[1], target.target[0]), (source.window[2], target.target[3])]
        return [
            Line(f"{name}{i}", "helper.solid", pair, 0.0, head=False, width=0.8, source=a, target=b)
            for i, pair in enumerate(pairs)
        ]
    narrow = abs(source.window[1][0] - source.window[0][0]) < NARROW  # its left and right corners would give one line
    lines = ((corner, target.target[0]) for corner in (source.window[1:3] if narrow else source.window))
    return [Line(f"{name}{i}", "helper", pair, 0.0, head=False, dashed=True, source=a, target=b) for i, pair in enumerate(lines)]


def trapezoid(source: Body, target: Body) -> list[Line]:
    """The two lines that say every element of one is joined with every element of the other."""
    pairs = ((source.corners[2], target.corners[0]), (source.corners[3], target.corners[1]))
    name = f"{source.box.id}/joins"
    a, b = source.box.id, target.box.id
    return [Line(f"{name}{i}", "helper.solid", pair, 0.0, head=False, source=a, target=b) for i, pair in enumerate(pairs)]
