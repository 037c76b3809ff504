"""A figure too long for a page is broken into columns (or rows) where a single wire runs on.

Works on the finished items: a break is a stretch that nothing but one straight wire crosses, so no skip connection, panel or
label is ever cut. The wire is led around: out of the end of one column, between the two, and into the head of the next.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from netfig.drawing import Item, Line, Point, Shape
from netfig.layout.parts import bounds_of, shift

FINE = 0.9  # of its size: what prints larger is left as it is
LEAVE = 12.0  # from the end of a column to the turn of the wire that leaves it
ENTER = 24.0  # from the turn at the head of the next column to its first box: a rounded corner and an arrow head
ALLEY = 40.0  # between two columns, the wire in its middle
WORTH = 1.05  # how much larger the print must become for one more column
MOST = 6
SHORTEST = 0.4  # of the longest column
LOWER = 120.0  # how far a column may begin behind the others so that its rows stand level with theirs
LEVEL_WORTH = 0.95  # what may be lost of the print's size for it


class Break(NamedTuple):
    """A stretch along the flow (`start` … `end`) that only the line number `line` crosses, at `across`."""

    start: float
    end: float
    line: int
    across: float


def in_columns(items: Sequence[Item], *, direction: str, room: tuple[float, float]) -> list[Item]:
    """The items, in as many columns (rows where they flow to the right) as print largest in a room of (width, height) points."""
    whole = _extent(items, direction)
    length, breadth = whole[1] - whole[0], whole[3] - whole[2]
    along, across = room if direction == "right" else (room[1], room[0])
    scale = min(1.0, along / length, across / breadth) if length and breadth else 1.0
    if scale > FINE:
        return list(items)
    breaks = _breaks(items, direction)

    def broken(at: Sequence[Break], level: bool = False) -> tuple[list[Item], float]:
        found = _broken(items, at, direction, whole[0], level=level)
        first, last, low, high = _extent(found, direction)
        return found, min(1.0, along / (last - first), across / (high - low))

    best, best_scale, best_breaks = list(items), scale, list[Break]()
    for count in range(2, min(MOST, len(breaks) + 1) + 1):
        chosen = _choose(breaks, count, whole[0], length / count)
        if len(chosen) != count - 1 or not _even(chosen, whole[0], whole[1]):
            continue
        tried, scale = broken(chosen)
        if scale > best_scale * WORTH:
            best, best_scale, best_breaks = tried, scale, chosen
    if best_breaks:
        tried, scale = broken(best_breaks, level=True)
        if scale >= min(FINE, LEVEL_WORTH * best_scale):
            best, best_scale = tried, scale
    if best_scale <= FINE and direction != "right":
        from netfig.layout.legs import in_legs

        folded = in_legs(
            items,
            to_flow=lambda p: _to_flow(p, direction),
            to_page=lambda p: _to_page(p, direction),
            room=(along, across),
        )
        if folded is not None and folded[1] > best_scale * WORTH:
            return folded[0]
    return best


def _extent(items: Sequence[Item], direction: str) -> tuple[float, float, float, float]:
    """First and last along the flow, first and last across it."""
    left, top, right, bottom = bounds_of(items)
    if direction == "right":
        return left, right, top, bottom
    return (top, bottom, left, right) if direction == "down" else (-bottom, -top, left, right)


def _to_flow(point: Point, direction: str) -> Point:
    """A point as (along the flow, across it)."""
    x, y = point
    return (x, y) if direction == "right" else (y, x) if direction == "down" else (-y, x)


def _to_page(point: Point, direction: str) -> Point:
    """The way back."""
    u, v = point
    x, y = (u, v) if direction == "right" else (v, u) if direction == "down" else (v, -u)
    return round(x, 2), round(y, 2)


def _breaks(items: Sequence[Item], direction: str) -> list[Break]:
    spans = sorted(_extent([item], direction)[:2] for item in items if not isinstance(item, Line))
    gaps: list[tuple[float, float]] = []
    reach = spans[0][1] if spans else 0.0
    for start, end in spans:
        if start - reach > 6.0:
            gaps.append((reach, start))
        reach = max(reach, end)
    lines = [(*_extent([item], direction)[:2], i) for i, item in enumerate(items) if isinstance(item, Line)]
    coming, going = sorted(lines), sorted(lines, key=lambda entry: entry[1])
    found: list[Break] = []
    across_gap: set[int] = set()
    opened = closed = 0
    for start, end in gaps:
        while opened < len(coming) and coming[opened][0] < end:
            across_gap.add(coming[opened][2])
            opened += 1
        while closed < len(going) and going[closed][1] <= start:
            across_gap.discard(going[closed][2])
            closed += 1
        if len(across_gap) == 1:
            (index,) = across_gap
            line = items[index]
            assert isinstance(line, Line)
            across = _straight(line, start, end, direction)
            if across is not None:
                found.append(Break(start, end, index, across))
    return found


def _straight(line: Line, start: float, end: float, direction: str) -> float | None:
    """Where a line runs across the flow, if it runs straight through all of a stretch and onwards."""
    for a, b in pairwise(line.points):
        (ua, va), (ub, vb) = _to_flow(a, direction), _to_flow(b, direction)
        if abs(va - vb) < 0.01 and ua <= start + 0.01 and ub >= end - 3.0:
            return va
    return None


def _choose(breaks: Sequence[Break], count: int, first: float, share: float) -> list[Break]:
    chosen: list[Break] = []
    for k in range(1, count):
        left = [b for b in breaks if not chosen or b.start > chosen[-1].end]
        if not left:
            break
        chosen.append(min(left, key=lambda b: (abs((b.start + b.end) / 2 - first - k * share), b.start)))
    return chosen


def _even(breaks: Sequence[Break], first: float, last: float) -> bool:
    """Whether no column is much shorter than another: a stub beside a tall column prints badly however large."""
    ends = [first, *((b.start + b.end) / 2 for b in breaks), last]
    lengths = [b - a for a, b in pairwise(ends)]
    return min(lengths) >= SHORTEST * max(lengths)


def _broken(items: Sequence[Item], breaks: Sequence[Break], direction: str, head: float, *, level: bool) -> list[Item]:
    middles = [(b.start + b.end) / 2 for b in breaks]
    crossing = {b.line: b for b in breaks}
    groups: list[list[int]] = [[] for _ in range(len(breaks) + 1)]
    for i, item in enumerate(items):
        if i not in crossing:
            low, high = _extent([item], direction)[:2]
            groups[sum((low + high) / 2 > m for m in middles)].append(i)
    out: list[Item] = list(items)
    moves: list[tuple[float, float]] = []
    alleys: list[float] = []
    heads: list[float] = []
    rows: set[tuple[str, float]] = set()
    edge = 0.0
    for k, group in enumerate(groups):
        low, high = _extent([items[i] for i in group], direction)[2:]
        along = 0.0 if k == 0 else head + ENTER - breaks[k - 1].end
        across = 0.0 if k == 0 else edge + ALLEY - low
        here = _rows([items[i] for i in group], direction)
        if k:
            lower = _lower(rows, [(role, u + along) for role, u in here]) if level else 0.0
            along += lower
            heads.append(head + lower)
            alleys.append(edge + ALLEY / 2)
        rows |= {(role, round(u + along, 1)) for role, u in here}
        edge = high + across
        moves.append((along, across))
        for i in group:
            out[i] = shift(items[i], *_to_page((along, across), direction))
    for k, one in enumerate(breaks):
        line = items[one.line]
        assert isinstance(line, Line)
        out[one.line] = _led_around(line, one, moves[k], moves[k + 1], alleys[k], heads[k], direction)
    return out


def _rows(items: Sequence[Item], direction: str) -> list[tuple[str, float]]:
    """The role of every box and where along the flow its middle is; of a panel, where it begins."""
    found = []
    for item in items:
        if isinstance(item, Shape) and item.box == item.id:
            start, end = _extent([item], direction)[:2]
            found.append((item.role, start if item.role.split(".")[0] == "panel" else (start + end) / 2))
    return found


def _lower(rows: set[tuple[str, float]], here: Sequence[tuple[str, float]]) -> float:
    """How much further down a column is to begin so that most of its boxes stand level with others of their kind."""
    near = sorted(rows)
    level: Counter[float] = Counter()
    for role, v in here:
        for kind, u in near[bisect_left(near, (role, v - 0.05)) :]:
            if kind != role or u > v + LOWER:
                break
            level[round(u - v, 1)] += 1
    best = max(level, key=lambda d: (level[d], -d), default=0.0)
    return best if level[best] > level[0.0] else 0.0


def _led_around(
    line: Line, one: Break, here: tuple[float, float], there: tuple[float, float], alley: float, head: float, direction: str
) -> Line:
    points = [_to_flow(p, direction) for p in line.points]
    middle = (one.start + one.end) / 2
    last = max(k for k, (a, b) in enumerate(pairwise(points)) if a[0] <= middle <= b[0] and abs(a[1] - b[1]) < 0.01)
    before = [(u + here[0], v + here[1]) for u, v in points[: last + 1]]
    after = [(u + there[0], v + there[1]) for u, v in points[last + 1 :]]
    turn = one.start + here[0] + LEAVE
    around = [(turn, one.across + here[1]), (turn, alley), (head, alley), (head, one.across + there[1])]
    path = tuple(_to_page(p, direction) for p in (*before, *around, *after))
    corners = (_to_flow(p, direction) for p in line.sharp)  # a fork's corner lies before the break
    sharp = tuple(_to_page((u + here[0], v + here[1]), direction) for u, v in corners)
    return dataclasses.replace(line, points=path, sharp=sharp)
