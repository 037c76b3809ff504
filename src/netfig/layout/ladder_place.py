"""Where the boxes of a ladder stand: columns as broad as boxes and names need, rows as far apart as wires and their names."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from netfig.figure import Box, Figure, Group
from netfig.layout.blocks import wire_role
from netfig.layout.parts import STACK_OFFSET, SizedBox, fit_line, size_box
from netfig.records import dataclass
from netfig.theme import Theme

ENTRY = 14.0  # from a wire to the end of the box it enters
LABEL_APART = 7.0  # between a name and the wires at both of its sides
UNDER_APART = 7.0  # between names under neighbours
UNDER_GAP = 6.0  # from a box to its name under it
SIDE_GAP = 18.0  # where a wire runs across from a box at the side


@dataclass(slots=True)
class Spot:
    """A box with its place: the middle, y upwards."""

    sized: SizedBox
    column: int
    row: int
    span: int
    x: float = 0.0
    y: float = 0.0

    @property
    def left(self) -> float:
        """Its left end."""
        return self.x - self.sized.width / 2

    @property
    def right(self) -> float:
        """Its right end."""
        return self.x + self.sized.width / 2

    @property
    def top(self) -> float:
        """Its upper end."""
        return self.y + self.sized.height / 2

    @property
    def bottom(self) -> float:
        """Its lower end."""
        return self.y - self.sized.height / 2


@dataclass(frozen=True, slots=True)
class Gaps:
    """What is kept free: between columns, between ladders, before the names of rows, around what is in a panel; upright between
    rows, where wires part, around a name in a gap, and over the title.
    """

    columns: float
    ladders: float
    names: float
    pad: float
    rows: float = 22.0
    fork: float = 34.0
    label: float = 13.0
    title: float = 18.0

    def tightened(self, share: float) -> Gaps:
        """The same with less room upright: 0 as it is, 1 as tight as can still be read."""
        less = {"rows": 8.0, "fork": 8.0, "label": 5.0, "title": 7.0}
        return dataclasses.replace(self, **{name: getattr(self, name) - share * by for name, by in less.items()})


class Rungs:
    """The boxes of one ladder and their places."""

    def __init__(self, group: Group, figure: Figure, theme: Theme, gaps: Gaps) -> None:
        self.group, self.figure, self.theme, self.measures = group, figure, theme, gaps
        self.boxes: dict[str, Box] = {box.id: box for box in boxes_of(group)}
        self.wires = [(i, w) for i, w in enumerate(figure.wires) if w.source.box in self.boxes and w.target.box in self.boxes]
        self.spots = self._sized()
        self.rows = 1 + max((spot.row for spot in self.spots.values()), default=-1)
        self._columns()
        self._broaden()
        self._centre()
        self.heights = [
            max((s.sized.height for s in self.spots.values() if s.row == row), default=0.0) for row in range(self.rows)
        ]
        self.gaps = [self._gap(row) for row in range(self.rows - 1)]
        under = self.name_size + UNDER_GAP if any(group.column_names) else 0.0
        self.below = self.heights[0] / 2 + under  # from the middle of the lowest row

    # ---- sizes and places --------------------------------------------------------------------------------------------

    @property
    def height(self) -> float:
        """From the middle of the lowest row to the middle of the highest."""
        return sum(self.gaps) + sum(self.heights) - (self.heights[0] + self.heights[-1]) / 2

    def stretch(self, height: float) -> None:
        """Make its highest row as high as that of the tallest ladder."""
        if self.gaps:
            more = (height - self.height) / len(self.gaps)
            self.gaps = [gap + more for gap in self.gaps]

    def settle(self, left: float) -> None:
        """Put everything in its place; the panel or the outermost box begins at `left`."""
        start = min(spot.left for spot in self.spots.values()) - (self.measures.pad if self.panels() else 0.0)
        y = -self.heights[0] / 2
        middles = []
        for height, gap in zip(self.heights, [*self.gaps, 0.0], strict=True):
            middles.append(y + height / 2)
            y += height + gap
        for spot in self.spots.values():
            spot.x, spot.y = round(spot.x + left - start, 2), round(middles[spot.row], 2)
        copies = max((STACK_OFFSET * s.sized.copies for s in self.spots.values()), default=0.0)
        self.left = left
        self.edge = max(spot.right for spot in self.spots.values()) + (self.measures.pad if self.panels() else copies)
        self.middles = middles
        self.right = self.edge
        for row, texts in enumerate(self.group.row_names[: self.rows] if not self.group.column_names else ()):
            widest = max((fit_line(text, self.name_size).width for text in texts), default=0.0)
            self.right = max(self.right, self.beside(row) + widest) if widest else self.right

    @property
    def name_size(self) -> float:
        """Of the names of rows, and under boxes."""
        return self.theme.role("text.secondary").size

    def _sized(self) -> dict[str, Spot]:
        sized = {id: size_box(box, self.theme) for id, box in self.boxes.items()}
        kinds: dict[tuple[object, ...], list[str]] = {}
        for id, one in sized.items():
            if one.outline != "circle":
                span = self.boxes[id].span[0]
                kind, base = one.box.role, one.box.role.split(".")[0]
                if base in ("op", "activation", "norm"):
                    kind = "op"
                elif base == "layer":
                    span = 1  # as broad as any other of its kind, alone in its row as well
                kinds.setdefault((kind, span, len(one.lines)), []).append(id)
        for ids in kinds.values():
            width, height = max(sized[id].width for id in ids), max(sized[id].height for id in ids)
            for id in ids:
                sized[id] = sized[id].resized(width, height)
        spots = {}
        for id, one in sized.items():
            column, row = self.boxes[id].place or (0, 0)
            spots[id] = Spot(one, column, row, self.boxes[id].span[0])
        return spots

    def _columns(self) -> None:
        """Where the columns stand: as broad as boxes of one column, and together as those that span several."""
        count = max((s.column + s.span for s in self.spots.values()), default=1)
        widths = [
            max((s.sized.width for s in self.spots.values() if s.column == c and s.span == 1), default=0.0) for c in range(count)
        ]
        stacked = any(s.sized.copies and s.span == 1 for s in self.spots.values())
        gap = self.measures.columns + (2 * STACK_OFFSET if stacked else 0.0)
        sides = {s.column for s in self.spots.values() if self._is_side(s)}
        under = self._under()
        widths = [max(w, *under[c : c + 1], 0.0) + (SIDE_GAP - gap if c in sides else 0.0) for c, w in enumerate(widths)]
        for spot in sorted(self.spots.values(), key=lambda s: s.span):
            if spot.span > 1:
                span = slice(spot.column, spot.column + spot.span)
                lack = spot.sized.width - sum(widths[span]) - gap * (spot.span - 1)
                if lack > 0:
                    widths[span] = [w + lack / spot.span for w in widths[span]]
        room = self._label_room(widths, gap)
        starts = [sum(widths[:c]) + sum(room[:c]) + gap * c for c in range(count)]
        for spot in self.spots.values():
            last = spot.column + spot.span - 1
            spot.x = (starts[spot.column] + starts[last] + widths[last] - (SIDE_GAP - gap if self._is_side(spot) else 0.0)) / 2
            if spot.span > 1 and spot.sized.copies:
                spot.sized = spot.sized.resized(starts[last] + widths[last] - starts[spot.column] + 8, 0.0)

    def _under(self) -> list[float]:
        """The room that names under boxes need of a column; one that has no neighbours reaches beyond it."""
        names = [fit_line(text, self.name_size).width + UNDER_APART if text else 0.0 for text in self.group.column_names]
        return [room if any(names[max(0, c - 1) : c] + names[c + 1 : c + 2]) else 0.0 for c, room in enumerate(names)]

    def _label_room(self, widths: list[float], gap: float) -> list[float]:
        """What has to be added behind each column, so that the names on wires over it keep off the wires further right."""
        more = [0.0] * len(widths)
        for _, wire in self.wires:
            source = self.spots[wire.source.box]
            last = source.column + source.span - 1
            if wire.label and last + 1 < len(widths):
                reach = (sum(widths[source.column : last + 1]) + gap * (source.span - 1)) / 2
                there = reach + gap + widths[last + 1] / 2
                line = fit_line(wire.label, self.theme.role(wire_role(wire.role)).size)
                more[last] = max(more[last], line.width + 2 * LABEL_APART - there)
        return more

    def _is_side(self, spot: Spot) -> bool:
        """Whether a box feeds one in its own row."""
        return any(w.source.box == spot.sized.box.id and self.spots[w.target.box].row == spot.row for _, w in self.wires)

    def _broaden(self) -> None:
        """A box that several wires enter from below reaches over all of them; what stands over it alone follows it."""
        for spot in sorted(self.spots.values(), key=lambda s: s.row):
            below = [self.spots[w.source.box] for _, w in self.wires if self.spots[w.target.box] is spot]
            below = [s for s in below if s.row < spot.row]
            if len(below) > 1 and spot.span > 1 and not spot.sized.copies:
                first, last = min(s.x for s in below), max(s.x for s in below)
                spot.x = (first + last) / 2
                spot.sized = spot.sized.resized(last - first + 2 * ENTRY, 0.0)
            elif len(below) == 1 and below[0].span > 1 and spot.span == below[0].span:
                spot.x = below[0].x
        for group in self.panels():  # steps of one chain are of one width
            chain = [self.spots[box.id] for box in boxes_of(group) if box.span[0] > 1]
            width = max((spot.sized.width for spot in chain), default=0.0)
            for spot in chain:
                spot.sized = spot.sized.resized(width, 0.0)

    def _centre(self) -> None:
        """What feeds several boxes stands under the middle of them."""
        for spot in self.spots.values():
            above = sorted(self.spots[w.target.box].x for _, w in self.wires if self.spots[w.source.box] is spot)
            if spot.span > 1 and len(above) > 1:
                half = len(above) // 2
                spot.x = above[half] if len(above) % 2 else (above[half - 1] + above[half]) / 2

    def _gap(self, row: int) -> float:
        """The room over a row."""
        gap = self.measures.rows
        copies = max((STACK_OFFSET * s.sized.copies for s in self.spots.values() if s.row == row), default=0.0)
        for _, wire in self.wires:
            source, target = self.spots[wire.source.box], self.spots[wire.target.box]
            if source.row == row and target.row > row:
                if wire.label:
                    line = fit_line(wire.label, self.theme.role(wire_role(wire.role)).size)
                    gap = max(gap, line.ascent + line.descent + self.measures.label)
                if self._parts(source):
                    gap = max(gap, self.measures.fork)
        return gap + copies

    def _parts(self, source: Spot) -> bool:
        """Whether wires go from a box to several places."""
        return sum(self.spots[w.source.box] is source for _, w in self.wires) > 1

    def panels(self) -> list[Group]:
        """The groups that are drawn as panels."""
        return [child for child in self.group.children if isinstance(child, Group) and child.role != "plain"]

    def beside(self, row: int) -> float:
        """Where the names of a row begin: in one column, or beside its last box where what is under boxes is named too."""
        if not self.group.column_names:
            return self.edge + self.measures.names
        return max(spot.right for spot in self.spots.values() if spot.row == row) + self.measures.names


def boxes_of(group: Group) -> Iterable[Box]:
    """All boxes of a group and of the groups in it."""
    for child in group.children:
        if isinstance(child, Group):
            yield from boxes_of(child)
        else:
            yield child
