"""A figure too long for a page whose skip connections lie within one another is folded into two legs: a U.

Works on the finished items, as `netfig.layout.columns` does. It is cut where one straight wire and nothing but such skips cross;
what lies behind the cut is turned over and set beside the rest, so that every skip runs straight across from leg to leg. The
legs are stretched where wires allow it until both ends of each skip stand level. A lone box at the cut stands between the legs.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from netfig.drawing import Item, Label, Line, Point, Shape
from netfig.layout.cuts import Cut, Flow, Sheet, Skip, box_of
from netfig.layout.near import Bounds, Grid, grown, segments_of, touch
from netfig.layout.parts import shift
from netfig.layout.stretch import mapped, steps_of

LEAVE, ENTER = 10.0, 24.0  # from the last box of the first leg to the turn of the wire; from there to the first of the second
ALLEY = 60.0  # between the legs
BESIDE = 26.0  # from a leg to the box between them
CLEAR = 3.0  # between a skip that runs across and everything else
TEXT_CLEAR = 1.5  # around the name of a wire
SLIM = 0.9  # what a figure more than twice as long as broad is worth


def in_legs(items: Sequence[Item], *, to_flow: Flow, to_page: Flow, room: tuple[float, float]) -> tuple[list[Item], float] | None:
    """The items in two legs and the scale they print at in a room (along, across) points large, or ``None``."""
    return _Folder(Sheet(items, to_flow, to_page)).best(room)


class _Folder:
    def __init__(self, sheet: Sheet) -> None:
        self.sheet, self.items, self.spans = sheet, sheet.items, sheet.spans
        self.to_flow, self.to_page = sheet.to_flow, sheet.to_page

    def best(self, room: tuple[float, float]) -> tuple[list[Item], float] | None:
        """The fold that prints largest, rather one that is not slim, rather one with a box between its legs."""
        best: tuple[list[Item], float] | None = None
        most = (0.0, False)
        for cut in self.sheet.cuts():
            folded = self._folded(cut)
            if folded is None:
                continue
            spans = [self.sheet.span(item) for item in folded]
            along = max(s[2] for s in spans) - min(s[0] for s in spans)
            across = max(s[3] for s in spans) - min(s[1] for s in spans)
            scale = min(1.0, room[0] / along, room[1] / across)
            worth = round(scale * (1.0 if along <= 2 * across else SLIM), 3), cut.base is not None
            if worth > most:
                best, most = (folded, scale), worth
        return best

    def _folded(self, cut: Cut) -> list[Item] | None:
        last = cut.base[1] if cut.base else cut
        resume = self.spans[cut.base[0]][2] if cut.base else cut.high  # where the second leg begins
        crossing = {cut.main, last.main, *(s.index for s in cut.skips)}
        own = self.items[cut.base[0]].id if cut.base else ""
        between = [k for k, item in enumerate(self.items) if own and not isinstance(item, Line) and item.box == own]
        rest = [k for k in range(len(self.items)) if k not in crossing and k not in between]
        first = [k for k in rest if self.spans[k][2] <= cut.low + 0.01]
        second = [k for k in rest if self.spans[k][0] >= resume - 0.01]
        steps = steps_of(self.sheet, cut, first, second) if len(first) + len(second) == len(rest) else None
        if steps is None:
            return None
        here, there = mapped(steps[0], cut.skips[0].start, 1.0), mapped(steps[1], cut.skips[0].end, -1.0)
        low, high = max(self.spans[k][3] for k in first), min(self.spans[k][1] for k in second)
        alley, depth = self._alley(cut)
        gap = low + alley - high
        out = list(self.items)
        for k in first:
            out[k] = self._moved(self.items[k], here, 0.0, mirror=cut.across)
        for k in second:
            out[k] = self._moved(self.items[k], there, gap)
        for skip in cut.skips:
            points = [(here(u), v) for u, v in skip.lead]
            out[skip.index] = self._line(skip.index, [*points, (points[-1][0], skip.landing + gap)], ())
        entry = min(self.spans[k][0] for k in second if k in self.sheet.outlines.values())
        nearest = min(self.spans[k][0] for k in second)  # a name may stand before the first box
        turn = max(here(cut.low) + LEAVE, there(entry) + ENTER, there(nearest) + LEAVE)
        if cut.base:
            turn = max(turn, here(cut.skips[-1].start) + depth / 2 + BESIDE)
        before, after, sharp = self._cut_ends(cut, last, here, there, gap)
        if cut.base is None:
            out[cut.main] = self._line(cut.main, [*before, (turn, before[-1][1]), (turn, after[0][1]), *after], sharp)
            return out if self._is_sound(out, cut.skips) else None
        centre = low + alley / 2
        u0, v0, u1, v1 = self.spans[cut.base[0]]
        (x, y), (x1, y1) = self.to_page(((u0 + u1) / 2, (v0 + v1) / 2)), self.to_page((turn, centre))
        for k in between:
            out[k] = shift(self.items[k], x1 - x, y1 - y)
        half = (v1 - v0) / 2
        out[cut.main] = self._line(cut.main, [*before, (turn, before[-1][1]), (turn, centre - half)], sharp)
        out[last.main] = self._line(last.main, [(turn, centre + half), (turn, after[0][1]), *after], sharp)
        return out if self._is_sound(out, cut.skips) else None

    def _alley(self, cut: Cut) -> tuple[float, float]:
        """How far the legs are apart, and how deep the box between them is."""
        if cut.base is None:
            return ALLEY, 0.0
        u0, v0, u1, v1 = self.spans[cut.base[0]]
        return v1 - v0 + 2 * BESIDE, u1 - u0

    def _cut_ends(
        self, cut: Cut, last: Cut, here: Callable[[float], float], there: Callable[[float], float], gap: float
    ) -> tuple[list[Point], list[Point], list[Point]]:
        """What the cut leaves of its wires: of the first its beginning, of the last its end; and their square corners."""
        first, second = self.items[cut.main], self.items[last.main]
        assert isinstance(first, Line)
        assert isinstance(second, Line)
        before = [(here(u), v) for u, v in map(self.to_flow, first.points) if u <= cut.low + 0.01]
        after = [(there(u), v + gap) for u, v in map(self.to_flow, second.points) if u >= last.high - 3.0]
        sharp = [(here(u), v) for u, v in map(self.to_flow, first.sharp) if u <= cut.low]
        return before, after, sharp + [(there(u), v + gap) for u, v in map(self.to_flow, second.sharp) if u >= last.high]

    def _line(self, k: int, points: Sequence[Point], sharp: Sequence[Point]) -> Item:
        line = self.items[k]
        assert isinstance(line, Line)
        return dataclasses.replace(
            line, points=tuple(self.to_page(p) for p in points), sharp=tuple(self.to_page(p) for p in sharp)
        )

    def _moved(self, item: Item, go: Callable[[float], float], gap: float, mirror: float | None = None) -> Item:
        """An item of one leg at its new place; free text of the first leg stands left of the axis, clear of the skips."""
        if isinstance(item, Line):
            points, corners = ([(go(u), v + gap) for u, v in map(self.to_flow, ps)] for ps in (item.points, item.sharp))
            return dataclasses.replace(item, points=tuple(map(self.to_page, points)), sharp=tuple(map(self.to_page, corners)))
        low, left, high, right = self.sheet.span(item)
        if isinstance(item, Shape) and item.id in self.sheet.panels:
            ends = sorted((go(low), go(high)))
            a, b = self.to_page((ends[0], left + gap)), self.to_page((ends[1], right + gap))
            return dataclasses.replace(item, points=((min(a[0], b[0]), min(a[1], b[1])), (max(a[0], b[0]), max(a[1], b[1]))))
        around = self.sheet.outlines.get(item.box) if not isinstance(item, Line) else None
        if around is not None and item.box in self.sheet.panels:  # the words of a panel keep their distance to its top
            old = self.items[around]
            new = self._moved(old, go, gap)
            assert isinstance(old, Shape)
            assert isinstance(new, Shape)
            return shift(item, new.bounds[0] - old.bounds[0], new.bounds[1] - old.bounds[1])
        if around is not None:
            low, _, high, _ = self.spans[around]
        centre = (low + high) / 2
        across = gap
        if mirror is not None and around is None and not isinstance(item, Shape) and (left + right) / 2 > mirror:
            across += 2 * mirror - left - right
        was, now = self.to_page((centre, 0.0)), self.to_page((go(centre), across))
        return shift(item, now[0] - was[0], now[1] - was[1])

    def _is_sound(self, items: Sequence[Item], skips: Sequence[Skip]) -> bool:
        """Whether the skips run across free ground, and the names of wires stand clear of everything."""
        grid, listed = Grid(), list[tuple[Item, Bounds]]()
        for k, item in enumerate(items):
            if not self.sheet.frames(k):
                pieces = [box_of(s) for s in segments_of(item.points)] if isinstance(item, Line) else [item.bounds]
                for piece in pieces:
                    grid.add(piece)
                    listed.append((item, piece))
        own = {s.index for s in skips}
        for k, item in enumerate(items):
            if isinstance(item, Label) and not item.box:
                if any(listed[n][0] is not item for n in grid.near(grown(item.bounds, TEXT_CLEAR))):
                    return False
            elif isinstance(item, Line) and k in own:
                across = box_of((item.points[-2], item.points[-1]))
                if any(self._in_the_way(item, across, *listed[n]) for n in grid.near(grown(across, CLEAR))):
                    return False
        return True

    def _in_the_way(self, skip: Line, across: Bounds, other: Item, piece: Bounds) -> bool:
        if isinstance(other, Line):
            return skip.source != other.source and skip.target != other.target and touch(piece, across)
        return other.box not in (skip.source, skip.target) and not (isinstance(other, Shape) and other.part == "junction")
