"""Making two legs of a figure equally long between the ends of their skips, where only wires are in the way."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise

from netfig.drawing import Line, Point
from netfig.layout.cuts import Cut, Sheet

FREE = 3.0  # a stretch shorter than this is not made longer


def steps_of(sheet: Sheet, cut: Cut, first: Sequence[int], second: Sequence[int]) -> tuple[list[Point], list[Point]] | None:
    """Where each leg is made longer, and by how much: (place, length), in the order of the flow."""
    ones, others = list[Point](), _turned_panels(sheet, second)
    for outer, inner in pairwise(cut.skips):
        long = inner.start - outer.start + _sum(ones, outer.start, inner.start)
        wide = outer.end - inner.end + _sum(others, inner.end, outer.end)
        if abs(long - wide) < 0.01:
            continue
        short = first if long < wide else second
        low, high = (outer.start, inner.start) if long < wide else (inner.end, outer.end)
        places = _places(sheet, short, low, high)
        if not places:
            return None
        (ones if long < wide else others).extend((p, abs(long - wide) / len(places)) for p in places)
    return sorted(ones), sorted(others)


def _places(sheet: Sheet, leg: Sequence[int], low: float, high: float) -> list[float]:
    """Between two boxes of a leg, the middle of a stretch where only lines are; one for each pair of boxes."""
    boxes = sorted(sheet.spans[k][::2] for k in leg if sheet.is_box(k))
    others = sorted(sheet.spans[k][::2] for k in leg if not isinstance(sheet.items[k], Line) and not sheet.frames(k))
    found: list[float] = []
    reach = low
    for start, end in [*boxes, (high, high)]:
        if start > reach and reach < high:
            stretch = _last_free(others, max(reach, low), min(start, high))
            if stretch is not None and (reach > low or start < high):
                found.append((stretch[0] + stretch[1]) / 2)
        reach = max(reach, end)
    return found


def _turned_panels(sheet: Sheet, leg: Sequence[int]) -> list[Point]:
    """A panel keeps its title on top: where what is in it is turned over, the room before and behind changes places."""
    steps: list[Point] = []
    for k in leg:
        if not sheet.frames(k):
            continue
        low, left, high, right = sheet.spans[k]
        inner = [
            sheet.spans[j]
            for j in leg
            if j != k and not isinstance(sheet.items[j], Line) and sheet.items[j].box != sheet.items[k].id  # type: ignore[union-attr]
            if low <= sheet.spans[j][0] and sheet.spans[j][2] <= high and left <= sheet.spans[j][1] and sheet.spans[j][3] <= right
        ]
        if inner:
            start, end = min(s[0] for s in inner), max(s[2] for s in inner)
            more = (high - end) - (start - low)
            steps += [(start - 1e-3, more), (end + 1e-3, -more)]
    return steps


def mapped(steps: Sequence[Point], origin: float, sign: float) -> Callable[[float], float]:
    """The place of a point after all steps before it are put in, counted from `origin` onwards or (`sign` −1) backwards."""
    places = [place for place, _ in steps]
    sums = [0.0]
    for _, length in steps:
        sums.append(sums[-1] + length)

    def stretched(u: float) -> float:
        return u + sums[bisect_left(places, u)]

    base = stretched(origin)
    return lambda u: round(sign * (stretched(u) - base), 2)


def _sum(steps: Sequence[Point], low: float, high: float) -> float:
    return sum(length for place, length in steps if low < place < high)


def _last_free(spans: Sequence[tuple[float, float]], low: float, high: float) -> tuple[float, float] | None:
    """The last stretch between two places that nothing touches."""
    best: tuple[float, float] | None = None
    reach = low
    for start, end in [*spans, (high, high)]:
        if end < low or start > high:
            continue
        if start - reach > FREE:
            best = reach, start
        reach = max(reach, end)
    return best
