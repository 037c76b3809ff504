"""The layout of a pipeline: tensors in a row (or several), operations between them, names and shapes on common baselines."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

from netfig.drawing import Drawing, Item, Line
from netfig.errors import InvalidGraph
from netfig.layout import solids
from netfig.layout.blocks import PAGE_HEIGHT, PAGE_WIDTH
from netfig.layout.parts import LEADING, bounds_of, fit_line, make_label, page, shift
from netfig.layout.text import SetLine
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.figure import Box, Figure
    from netfig.layout.solids import Body
    from netfig.theme import Theme

SMALLER = (1.0, 0.85, 0.7, 0.6)  # how large bodies are drawn: smaller where they are too many for a page
TEXT_MARGIN = 7.0  # on both sides of the text in a gap
HEAD_ROOM = 5.0  # more on the side of the arrow head
CAPTION_GAP = 11.0  # between neighbouring names
WIRE_GAP = 5.0  # between the wire and the text above or below it
LONGEST_NAME = 130.0  # a name or line wider than this ends in an ellipsis
LANE_ROOM = 13.0  # around the wire that leads to the next row
ROOMY = 90.0  # gaps grow so far to make rows equally long
AWKWARD = 0.12  # the cost of breaking a row where no stage ends
ASCENT, DESCENT = 0.74, 0.2  # em, of any word: lines of text keep their baselines whatever letters they hold


def lay_out_pipeline(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root is a pipeline of solids; `width` is the printed width in points.

    A row too long to be read at that width is broken, and a wire leads around to the next row.

    Raises:
        InvalidGraph: a box of the pipeline has no solid.
    """
    boxes = list(figure.boxes.values())
    bare = [f"the box {box.id!r} has no solid to draw" for box in boxes if box.solid is None]
    if bare or not boxes:
        raise InvalidGraph(f"figure {figure.title!r} is no pipeline", bare or ["it has no boxes"])
    legible = _smallest(theme) / theme.min_text  # how much larger than its print a figure may be
    most = (width or PAGE_WIDTH) * legible - 2 * theme.margin - LANE_ROOM
    for size in SMALLER:
        drawing = page(_Placer(figure, boxes, theme, size).rows(most), figure, theme, direction="right", width=width)
        if drawing.height <= PAGE_HEIGHT * legible:
            break
    return drawing


def _smallest(theme: Theme) -> float:
    return min(theme.role("text.secondary").size, solids.SIZE_LABEL)


@dataclass(frozen=True)
class _Gap:
    """What stands between two bodies: the operation above the wire, its counts below it (or further above)."""

    above: tuple[SetLine, ...]
    below: tuple[SetLine, ...]

    @property
    def width(self) -> float:
        return max((line.width for line in (*self.above, *self.below)), default=0.0)


class _Placer:
    """Finds the places; one instance a figure."""

    def __init__(self, figure: Figure, boxes: list[Box], theme: Theme, size: float) -> None:
        self.theme = theme
        self.words = theme.role("text.secondary").size
        self.leading = LEADING * self.words
        self.scale = solids.scales((box.solid for box in boxes if box.solid is not None), size)
        forms = {box.solid.form for box in boxes if box.solid is not None}
        self.flat = not forms & {"volume", "sheets"}
        self.boxes = boxes
        self.gaps = [self._gap(box) for box in boxes]
        self.names = [[fit_line(t, theme.role("text").size, LONGEST_NAME, strong=True) for t in box.title if t] for box in boxes]
        self.notes = [self._lines(box, "shape", "detail") for box in boxes]
        self._bodies: dict[tuple[int, bool], Body] = {}
        self.wires = {(w.source.box, w.target.box): w for w in figure.wires}

    def _gap(self, box: Box) -> _Gap:
        above = tuple(fit_line(text, self.words, LONGEST_NAME) for text in box.above if text)
        counts = tuple(self._lines(box, "params", "count"))
        return _Gap(above, counts) if self.flat else _Gap((*above, *counts), ())

    def _lines(self, box: Box, *kinds: str) -> list[SetLine]:
        return [fit_line(row.text, self.words, LONGEST_NAME) for row in box.rows if row.kind in kinds and row.text]

    def body(self, n: int, *, last: bool) -> Body:
        """The body of the n-th box where nothing has moved it; `last` in its row."""
        if (n, last) not in self._bodies:
            self._bodies[n, last] = solids.body(self.boxes[n], self.scale, last=last)
        return self._bodies[n, last]

    def caption_width(self, n: int) -> float:
        return max((line.width for line in (*self.names[n], *self.notes[n])), default=0.0)

    # --- rows ---------------------------------------------------------------------------------------------------------------

    def rows(self, most: float) -> list[Item]:
        """Everything, in as few rows as fit."""
        parts = self._split(most)
        lengths = [self._length(part[0], part[-1] + 1) for part in parts]
        goal = most if len(parts) == 1 else max(lengths)
        placed = []
        for i, part in enumerate(parts):
            row = _Row(self, part, stub=i > 0)
            bodies = row.evened(goal, ROOMY if len(parts) > 1 else 0.0)
            row_items = row.items(bodies)
            left = bounds_of(row_items)[0] if i == 0 else 0.0  # words may reach beyond the first body
            placed.append(([body.moved(-left, 0.0) for body in bodies], [shift(item, -left, 0.0) for item in row_items]))
        right = max(bounds_of(row_items)[2] for _, row_items in placed) + LANE_ROOM
        items: list[Item] = []
        before: Body | None = None
        bottom = 0.0
        for bodies, row_items in placed:
            _, top, _, low = bounds_of(row_items)
            y = 0.0
            if before is not None:
                lane = bottom + LANE_ROOM
                y = lane + LANE_ROOM - top
                following = bodies[0].moved(0.0, y)
                start, end = before.leave or before.outlet, following.entry
                points = (start, (right, start[1]), (right, lane), (0.0, lane), (0.0, end[1]), end)
                items.append(self.wire(before, following, points))
            items += [shift(item, 0.0, y) for item in row_items]
            before, bottom = bodies[-1].moved(0.0, y), low + y
        return items

    def _length(self, start: int, end: int) -> float:
        row = _Row(self, range(start, end), stub=start > 0)
        return row.extent(row.along(0.0))

    def _split(self, most: float) -> list[list[int]]:
        """Cuts the chain into as few rows as fit, evenly, rather before a vector or after a pool than elsewhere."""
        count = len(self.boxes)
        best: list[tuple[int, float, int]] = [(0, 0.0, 0)]  # rows, cost and last cut of the first n boxes
        lengths: dict[tuple[int, int], float] = {}
        for start in range(count):
            for end in range(start + 1, count + 1):
                lengths[start, end] = self._length(start, end)
                if lengths[start, end] > most:
                    break
        for end in range(1, count + 1):
            choices = []
            for start in range(end):
                length = lengths.get((start, end), math.inf)
                if length <= most or end == start + 1:
                    rows, cost, _ = best[start]
                    choices.append((rows + 1, round(cost + (1 - length / most) ** 2 + self._penalty(end), 6), start))
            best.append(min(choices))
        cuts, end = [count], count
        while end:
            end = best[end][2]
            cuts.append(end)
        cuts.reverse()
        return [list(range(a, b)) for a, b in pairwise(cuts)]

    def _penalty(self, cut: int) -> float:
        if cut == len(self.boxes):
            return 0.0
        last, following = self.boxes[cut - 1], self.boxes[cut]
        if following.solid is not None and following.solid.height is None:
            return AWKWARD / 2 if last.solid is not None and last.solid.height is None else 0.0
        return 0.0 if last.role.split(".")[0] == "pool" else AWKWARD

    def wire(self, source: Body, target: Body, points: Sequence[tuple[float, float]]) -> Line:
        """The arrow between two bodies."""
        wire = self.wires.get((source.box.id, target.box.id))
        return Line(
            f"{source.box.id}->{target.box.id}",
            wire.role if wire else "data",
            tuple((round(x, 2), round(y, 2)) for x, y in points),
            source=source.box.id,
            target=target.box.id,
            stands_for=wire.stands_for if wire else (),
        )


def _is_vector(body: Body) -> bool:
    return body.box.solid is not None and body.box.solid.height is None


class _Row:
    """One row of bodies with everything that belongs to them, its wire axis at y = 0 and its left end at x = 0."""

    def __init__(self, placer: _Placer, part: Sequence[int], *, stub: bool) -> None:
        self.p, self.part, self.stub = placer, list(part), stub

    def evened(self, goal: float, roomy: float) -> list[Body]:
        """The bodies with small gaps widened as far as the row stays within `goal`, to the widest gap or `roomy` points."""
        bodies = self.along(0.0)
        gaps = [b.core[0] - a.core[2] for a, b in pairwise(bodies)]
        low, high = 0.0, max([*gaps, roomy])
        for _ in range(12):
            middle = high if low == 0.0 else (low + high) / 2
            tried = self.along(middle)
            if self.extent(tried) <= goal + 0.1:
                low, bodies = middle, tried
                if middle == high:
                    break
            else:
                low, high = max(low, 0.1), middle
        return bodies

    def extent(self, bodies: list[Body]) -> float:
        """How long the row is, with everything that stands above and below its bodies."""
        p = self.p
        lefts, rights = [0.0 if self.stub else math.inf], [-math.inf]
        for k, (n, body) in enumerate(zip(self.part, bodies, strict=True)):
            half = p.caption_width(n) / 2
            lefts += [body.reach[0], body.middle - half]
            rights += [body.reach[2], body.middle + half]
            if k or self.stub:
                middle = self._text_middle(n, bodies[k - 1].core[2] if k else 0.0, body)
                lefts.append(middle - p.gaps[n].width / 2)
                rights.append(middle + p.gaps[n].width / 2)
        return max(rights) - min(lefts)

    def along(self, floor: float) -> list[Body]:
        """The bodies side by side: gaps at least `floor` and as wide as their text, names that do not touch."""
        p = self.p
        placed: list[Body] = []
        right_edge, caption_edge, text_edge, before = 0.0, -math.inf, -math.inf, 0.0
        for k, n in enumerate(self.part):
            body = p.body(n, last=k == len(self.part) - 1)
            gap = p.gaps[n]
            x = -body.core[0]
            if k or self.stub:
                x = right_edge - body.reach[0] + self._least(placed[-1] if placed else None, body)
                x = max(x, before + floor if k else 0.0, caption_edge + CAPTION_GAP + p.caption_width(n) / 2 - body.middle)
                if p.flat or not k:
                    x = max(x, before + gap.width + 2 * TEXT_MARGIN + HEAD_ROOM)
                if not p.flat and k:
                    x = max(x, 2 * (text_edge + CAPTION_GAP + gap.width / 2) - before)
                    if k and _is_vector(placed[-1]) and _is_vector(body):  # bars stand as far apart as their words need
                        x = max(x, placed[-1].middle + gap.width + CAPTION_GAP - body.middle)
            body = body.moved(round(x, 1), 0.0)
            if k or self.stub:
                text_edge = self._text_middle(n, before, body) + gap.width / 2
            right_edge, before = max(body.reach[2], body.core[2]), body.core[2]
            caption_edge = body.middle + p.caption_width(n) / 2
            placed.append(body)
        return placed

    def _text_middle(self, n: int, start: float, body: Body) -> float:
        """Where the text of a gap is centred; at the beginning of a later row it keeps clear of the wire that comes down."""
        middle = (start + body.core[0] - (HEAD_ROOM if self.p.flat else 0.0)) / 2
        if self.stub and n == self.part[0]:
            return max(middle, self.p.gaps[n].width / 2 + TEXT_MARGIN)
        return middle

    def _least(self, before: Body | None, body: Body) -> float:
        """The smallest gap between two bodies' drawn extents."""
        if before is None:
            return 44.0
        if self.p.flat:
            return 36.0
        return 26.0 if before.window else 38.0

    def items(self, bodies: list[Body]) -> list[Item]:
        """Bodies, what joins them, and their words."""
        items: list[Item] = []
        for body in bodies:
            items += body.drawn
        top = min(body.reach[1] for body in bodies)
        bottom = max(body.reach[3] for body in bodies)
        if self.p.flat:  # words under a wire may reach below a small box
            counts = max(len(self.p.gaps[n].below) for n in self.part)
            bottom = max(bottom, WIRE_GAP + (counts - 0.2) * self.p.leading if counts else 0.0)
        for before, body in pairwise(bodies):
            items += self._between(before, body)
        for k, (n, body) in enumerate(zip(self.part, bodies, strict=True)):
            items += self._caption(n, body, bottom)
            if k or self.stub:
                items += self._words(n, bodies[k - 1].core[2] if k else 0.0, body, top)
        return items

    def _between(self, before: Body, body: Body) -> list[Item]:
        p = self.p
        solid = body.box.solid
        if solid and solid.height is None and self._form() == "sheets":
            return list(solids.trapezoid(before, body))
        if before.window:
            return [*solids.landing(body), *solids.projection(before, body)]
        return [p.wire(before, body, (before.outlet, body.inlet))]

    def _form(self) -> str:
        return next((b.solid.form for b in self.p.boxes if b.solid and b.solid.form != "bar"), "bar")

    def _caption(self, n: int, body: Body, bottom: float) -> list[Item]:
        """Bold name and shape under a body, on the row's common baselines."""
        p = self.p
        items: list[Item] = []
        size = p.theme.role("text").size
        y = bottom + 7 + 0.72 * size
        for i, line in enumerate(p.names[n]):
            items.append(make_label(f"{body.box.id}/name{i}", line, body.middle, y, role="text", box=body.box.id))
            y += LEADING * size
        for i, line in enumerate(p.notes[n]):
            items.append(make_label(f"{body.box.id}/row{i}", line, body.middle, y, role="text.secondary", box=body.box.id))
            y += p.leading
        return items

    def _words(self, n: int, start: float, body: Body, top: float) -> list[Item]:
        """The operation that leads to a body: on its wire, or on the line above all bodies."""
        p, gap = self.p, self.p.gaps[n]
        name = body.box.id
        middle = self._text_middle(n, start, body)
        if not p.flat:
            tallest = max(len(p.gaps[m].above) for m in self.part)
            y = top - 9 - (tallest - 1) * p.leading - DESCENT * p.words
            return [self._word(f"{name}/op{i}", line, middle, y + i * p.leading) for i, line in enumerate(gap.above)]
        y = -WIRE_GAP - DESCENT * p.words - (len(gap.above) - 1) * p.leading
        found = [self._word(f"{name}/op{i}", line, middle, y + i * p.leading) for i, line in enumerate(gap.above)]
        y = WIRE_GAP + ASCENT * p.words
        found += [self._word(f"{name}/count{i}", line, middle, y + i * p.leading) for i, line in enumerate(gap.below)]
        return found

    def _word(self, name: str, line: SetLine, x: float, y: float) -> Item:
        return make_label(name, line, x, y, role="text.secondary", box=name.rpartition("/")[0])
