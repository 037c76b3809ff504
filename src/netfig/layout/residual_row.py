"""The parts of a network in a row on one centre line: shapes above, stages as stacked cards, skips around stages in lanes.

A row that is too long to be read is broken, and a wire leads around to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from netfig.drawing import Item, Point
from netfig.figure import Box, Figure, Wire
from netfig.layout.lines import fit_line, make_label
from netfig.layout.parts import STACK_OFFSET, SizedBox, badge_line, box_items, size_box
from netfig.layout.residual_spot import junction, wire_line
from netfig.layout.text import CAP_HEIGHT, SetLine
from netfig.records import dataclass
from netfig.theme import Theme

GAPS = (24.0, 20.0, 17.0, 15.0, 13.0)
"""Between parts, the first that fits."""
ROW_GAPS = (22.0, 18.0, 15.0)
HEIGHT, PORT = 80.0, 52.0  # of layers and stages, of the input and output
OFF = 9.0  # from a box to its shape, from a shape to what is above it
BADGE = 14.0
APART = 7.0  # between shapes side by side
LANE = 13.0
TURN = 13.0  # around the wire that leads to the next row
ROWS = 24.0  # between rows


@dataclass(slots=True)
class Spot:
    """A part with its place: `x` its middle, `y` the centre line of its row."""

    sized: SizedBox
    shape: SetLine | None
    x: float = 0.0
    y: float = 0.0
    row: int = 0

    @property
    def left(self) -> float:
        """Its left side."""
        return self.x - self.sized.width / 2

    @property
    def right(self) -> float:
        """With the copies behind it."""
        return self.x + self.sized.width / 2 + STACK_OFFSET * self.sized.copies

    @property
    def top(self) -> float:
        """Its upper side."""
        return self.y - self.sized.height / 2

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + self.sized.height / 2

    @property
    def reach(self) -> tuple[float, float]:
        """How far it reaches left and right of its middle, with its shape."""
        text = (self.shape.width if self.shape else 0.0) / 2
        shift = STACK_OFFSET * self.sized.copies / 2
        return max(self.sized.width / 2, text - shift), max(self.right - self.x, text + shift)


class Overview:
    """Places the parts; `most` is how broad the row may be."""

    def __init__(self, figure: Figure, theme: Theme, boxes: Sequence[Box], most: float) -> None:
        self.figure, self.theme = figure, theme
        self.small = theme.role("text.secondary").size
        self.spots = [self._spot(box) for box in boxes]
        high = max(s.sized.height for s in self.spots)
        for spot in self.spots:
            if spot.sized.height >= HEIGHT:
                spot.sized = spot.sized.resized(spot.sized.width, high)
        self.by_id = {spot.sized.box.id: spot for spot in self.spots}
        self.wires = [(i, w) for i, w in enumerate(figure.wires) if w.source.box in self.by_id and w.target.box in self.by_id]
        order = {id: n for n, id in enumerate(self.by_id)}
        self.lanes = [(i, w) for i, w in self.wires if order[w.target.box] > order[w.source.box] + 1]
        self.most = most
        self.rows = self._broken(most)
        self._settle()

    def _spot(self, box: Box) -> Spot:
        sized = size_box(box, self.theme, slim=True)
        head = box.role.split(".")[0]
        if sized.outline != "circle":
            least = PORT if head in ("input", "output") else HEIGHT
            sized = SizedBox(
                box, sized.style, "round" if sized.outline == "pill" else sized.outline, sized.width, max(least, sized.height),
                sized.lines, sized.text_height,
            )  # fmt: skip
        return Spot(sized, fit_line(box.above[0], self.small) if box.above and box.above[0] else None)

    # ---- rows ----------------------------------------------------------------------------------------------------------

    def _broken(self, most: float) -> list[list[Spot]]:
        for gap in GAPS:
            if self._along(self.spots, gap) <= most:
                return [self.spots]
        for count in range(2, len(self.spots) + 1):
            cuts = self._cuts(count)
            rows = [self.spots[a:b] for a, b in pairwise(cuts)]
            for gap in ROW_GAPS:
                if all(self._along(row, gap) <= most - 2 * TURN for row in rows):
                    return rows
        return [[spot] for spot in self.spots]

    def _cuts(self, count: int) -> list[int]:
        """Where so many rows are broken for the longest to be as short as it can be."""
        total = len(self.spots)
        best: dict[tuple[int, int], tuple[float, list[int]]] = {(0, 0): (0.0, [0])}
        for rows in range(1, count + 1):
            for end in range(rows, total + 1):
                choices = [
                    (
                        max(best[rows - 1, start][0], self._along(self.spots[start:end], ROW_GAPS[-1])),
                        [*best[rows - 1, start][1], end],
                    )
                    for start in range(rows - 1, end)
                    if (rows - 1, start) in best
                ]
                best[rows, end] = min(choices, key=lambda choice: choice[0])
        return best[count, total][1]

    def _along(self, row: Sequence[Spot], gap: float) -> float:
        """Sets a row from 0 on; returns where it ends."""
        end, text = 0.0, -APART
        for n, spot in enumerate(row):
            before = spot.x = 0.0
            words = (spot.shape.width if spot.shape else 0.0) / 2
            shift = STACK_OFFSET * spot.sized.copies / 2
            before = end + (gap if n else 0.0) + spot.sized.width / 2
            spot.x = round(max(before, text + APART + words - shift, words - shift), 1)
            end, text = spot.right, spot.x + shift + words
        return max(end, text)

    def _settle(self) -> None:
        gaps = GAPS if len(self.rows) == 1 else ROW_GAPS
        lengths = [self._along(row, gaps[-1]) for row in self.rows]
        self.length = max(lengths)
        y = 0.0
        for n, row in enumerate(self.rows):
            gap = self._widest(row, gaps) if len(self.rows) == 1 else self._even(row)
            end = self._along(row, gap)
            self.length = max(self.length, end)
            above = self._above(row) + LANE * len(self._lanes_over(n))
            for spot in row:
                spot.row = n
                spot.y = y + above + max(s.sized.height for s in row) / 2
            y = max(s.bottom for s in row) + ROWS + (TURN if n + 1 < len(self.rows) else 0.0)

    def _widest(self, row: Sequence[Spot], gaps: Sequence[float]) -> float:
        least = self._along(row, gaps[-1])
        return next((gap for gap in gaps if self._along(row, gap) <= max(least, self.most)), gaps[-1])

    def _even(self, row: Sequence[Spot]) -> float:
        """The gap with which a row is as long as the longest, within bounds."""
        low, high = ROW_GAPS[-1], 46.0
        for _ in range(12):
            middle = (low + high) / 2
            if self._along(row, middle) <= self.length:
                low = middle
            else:
                high = middle
        return low

    def _above(self, row: Sequence[Spot]) -> float:
        badge = any(spot.sized.box.badge for spot in row)
        return OFF + self.small + STACK_OFFSET * 2 + (OFF + BADGE if badge else 0.0)  # over the highest box

    def _lanes_over(self, row: int) -> list[tuple[int, Wire]]:
        return [(i, w) for i, w in self.lanes if self._row(w.source.box) == row or self._row(w.target.box) == row]

    def _row(self, id: str) -> int:
        return next(n for n, row in enumerate(self.rows) if self.by_id[id] in row)

    # ---- what is drawn -------------------------------------------------------------------------------------------------

    def items(self) -> list[Item]:
        """Boxes with their shapes and badges, and the wires."""
        found: list[Item] = []
        for row in self.rows:
            line = min(spot.top - STACK_OFFSET * spot.sized.copies for spot in row if spot.sized.outline != "circle") - OFF
            for spot in row:
                shapes, labels = box_items(spot.sized, round(spot.left, 2), round(spot.top, 2))
                found += [*shapes, *labels]
                middle = spot.x + STACK_OFFSET * spot.sized.copies / 2
                name = spot.sized.box.id
                if spot.shape is not None:
                    found.append(make_label(f"{name}/shape", spot.shape, middle, line, role="text.secondary", box=name))
                if spot.sized.box.badge:
                    baseline = line - self.small * CAP_HEIGHT - OFF
                    found.append(make_label(f"{name}/badge", badge_line(spot.sized.box.badge), middle, baseline, box=name))
        return [*found, *self._lines()]

    def _lines(self) -> list[Item]:
        found: list[Item] = []
        for index, wire in self.wires:
            if (index, wire) in self.lanes:
                continue
            source, target = self.by_id[wire.source.box], self.by_id[wire.target.box]
            points: tuple[Point, ...] = ((source.right, source.y), (target.left, target.y))
            if source.row != target.row:
                right, lane = self.length + TURN, max(s.bottom for s in self.rows[source.row]) + TURN
                points = (points[0], (right, source.y), (right, lane), (-TURN, lane), (-TURN, target.y), points[1])
            found.append(wire_line(self.theme, index, wire, points))
        for nth, (index, wire) in enumerate(self.lanes):
            found += self._lane(nth, index, wire)
        return found

    def _lane(self, nth: int, index: int, wire: Wire) -> list[Item]:
        """A skip around stages: up beside its source, along over the row, down into its target."""
        source, target = self.by_id[wire.source.box], self.by_id[wire.target.box]
        row = self.rows[source.row]
        above = self._above(row) + 2.0 + LANE * nth
        lane = round(min(s.y - max(q.sized.height for q in row) / 2 for s in row) - above, 2)
        start = (round(source.right + 7.0, 2), source.y)
        if source.row == target.row:
            points: tuple[Point, ...] = (start, (start[0], lane), (target.x, lane), (target.x, target.top))
        else:
            right = self.length + 2 * TURN
            below = self.rows[target.row]
            second = round(min(s.y - max(q.sized.height for q in below) / 2 for s in below) - self._above(below), 2)
            points = (start, (start[0], lane), (right, lane), (right, second), (target.x, second), (target.x, target.top))
        line = wire_line(self.theme, index, wire, points)
        return [line, junction(str(index), start, line.role)]

    def can_zoom(self, id: str) -> bool:
        """Whether a part stands in the last row, so that nothing is between it and the panel."""
        return self.by_id[id].row + 1 == len(self.rows)

    def zoom(self, id: str, left: Point, right: Point) -> list[tuple[Point, Point]]:
        """The lines from the lower corners of a part to two points below."""
        spot = self.by_id[id]
        inset, y = spot.sized.corner * 0.3, round(spot.bottom, 2)
        return [((round(spot.left + inset, 2), y), left), ((round(spot.x + spot.sized.width / 2 - inset, 2), y), right)]
