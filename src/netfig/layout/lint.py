"""What is wrong with a Drawing, judged by geometry and colour alone: the rules every netfig figure passes.

`lint` reports each defect once with the ids of the items it concerns and a place. `RULES` lists the rules. The cost grows with
the number of items that lie near each other, not with the square of all items.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from netfig.drawing import Drawing, Label, Line, Point, Shape
from netfig.layout import near
from netfig.layout.metrics import clean, measure
from netfig.layout.near import Bounds, Grid, Segment
from netfig.layout.typeset import MAX_CHARACTERS
from netfig.records import dataclass
from netfig.theme import Theme

TEXT_TO_LINE = 1.5  # points between ink and the edge of a stroke
TEXT_INSIDE = 1.0  # between a label and the outline of its own box
HEAD_REACH = 1.5  # between an arrow tip and its target's outline
WIRE_TO_BOX = 1.0  # between a wire and the outline of a box it does not belong to
LANE_GAP = 2.0  # wires side by side nearer than this read as one
TEXT_RATIO = 7.0  # contrast of words on what is behind them
QUIET_RATIO = 4.5  # of secondary text: shapes, wire names, panel titles, captions
STROKE_RATIO = 3.0  # of outlines and wires on the page

_QUIET = ("text.secondary", "text.caption", "panel", "plain", "data", "skip", "state_wire", "memory", "helper")
_FRAMES = ("panel", "plain", "note")  # drawn to group, not to be told apart: their outlines may be pale


@dataclass(frozen=True, slots=True)
class Finding:
    """One defect: the rule it breaks, a sentence, the ids of the items concerned and a place on the page."""

    rule: str
    message: str
    items: tuple[str, ...]
    where: Point

    def __str__(self) -> str:
        return f"{self.rule} at ({self.where[0]:g}, {self.where[1]:g}): {self.message}"


def lint(drawing: Drawing, theme: Theme) -> tuple[Finding, ...]:
    """All defects of a drawing, rule by rule in the order of `RULES` and then in drawing order."""
    sheet = _Sheet(drawing, theme)
    return tuple(dict.fromkeys(found for rule in RULES.values() for found in rule(sheet)))


class _Sheet:
    """A drawing with what the rules ask of it: paint order, grids, outlines by box."""

    def __init__(self, drawing: Drawing, theme: Theme) -> None:
        self.drawing, self.theme = drawing, theme
        self.order = {id(item): place for place, item in enumerate(drawing.items)}
        self.shapes, self.lines, self.labels = drawing.shapes, drawing.lines, drawing.labels
        self.pieces = [(line, s) for line in self.lines for s in near.segments_of(line.points)]
        self.by_box: dict[str, list[Shape]] = {}
        for shape in self.shapes:
            self.by_box.setdefault(shape.box, []).append(shape)

    @cached_property
    def shape_grid(self) -> Grid:
        grid = Grid()
        for shape in self.shapes:
            grid.add(shape.bounds)
        return grid

    @cached_property
    def piece_grid(self) -> Grid:
        grid = Grid()
        for _, segment in self.pieces:
            grid.add(near.bounds_of(segment))
        return grid

    @cached_property
    def label_grid(self) -> Grid:
        grid = Grid()
        for label in self.labels:
            grid.add(label.bounds)
        return grid

    def shapes_near(self, bounds: Bounds) -> Iterator[Shape]:
        return (self.shapes[n] for n in self.shape_grid.near(bounds))

    def pieces_near(self, bounds: Bounds) -> Iterator[tuple[Line, Segment]]:
        return (self.pieces[n] for n in self.piece_grid.near(bounds))

    def outline_of(self, box: str) -> Shape | None:
        """The shape that is a box's own outline."""
        own = self.by_box.get(box, [])
        return next((s for s in own if not s.part), own[0] if own and box else None)

    def stroke(self, item: Shape | Line) -> float:
        return item.width if item.width is not None else self.theme.role(item.role).width

    def hidden(self, item: Shape | Line, bounds: Bounds, top: Label) -> bool:
        """Whether something painted after `item` and before `top` covers the bounds."""
        low, high = self.order[id(item)], self.order[id(top)]
        return any(
            low < self.order[id(s)] < high and s.tone != "none" and near.holds(s.bounds, bounds) for s in self.shapes_near(bounds)
        )


def is_frame(shape: Shape) -> bool:
    """Whether a shape is drawn around others."""
    return shape.role.split(".")[0] in _FRAMES[:2]


def _middle(bounds: Bounds) -> Point:
    return round((bounds[0] + bounds[2]) / 2, 1), round((bounds[1] + bounds[3]) / 2, 1)


def _spot(point: Point) -> Point:
    return round(point[0], 1), round(point[1], 1)


# --- text -------------------------------------------------------------------------------------------------------------------


def _text_on_line(sheet: _Sheet) -> Iterator[Finding]:
    """Words touch a wire."""
    for label in sheet.labels:
        reach = near.grown(label.bounds, TEXT_TO_LINE + 2.0)
        for line, segment in sheet.pieces_near(reach):
            gap = TEXT_TO_LINE + sheet.stroke(line) / 2
            if near.segment_meets(segment, near.grown(label.bounds, gap)):
                message = f"the text {label.text!r} touches the wire {line.id!r}"
                yield Finding("text-on-line", message, (label.id, line.id), _middle(label.bounds))


def _text_on_text(sheet: _Sheet) -> Iterator[Finding]:
    """Two pieces of text overlap."""
    for n, label in enumerate(sheet.labels):
        inner = near.grown(label.bounds, -0.05)
        for m in sheet.label_grid.near(inner):
            if m > n:
                other = sheet.labels[m]
                message = f"the texts {label.text!r} and {other.text!r} overlap"
                yield Finding("text-on-text", message, (label.id, other.id), _middle(label.bounds))


def _text_on_edge(sheet: _Sheet) -> Iterator[Finding]:
    """Words touch an outline that is not their own box's."""
    for label in sheet.labels:
        for shape in sheet.shapes_near(near.grown(label.bounds, TEXT_TO_LINE + 2.0)):
            if (
                not shape.outlined
                or shape.tone == "plate"
                or (label.on == "inside" and shape.box == label.box and not shape.part)
            ):
                continue
            reach = near.grown(label.bounds, TEXT_TO_LINE + sheet.stroke(shape) / 2)
            edges = near.segments_of(near.outline(shape), closed=True)
            if any(near.segment_meets(s, reach) for s in edges) and not sheet.hidden(shape, label.bounds, label):
                message = f"the text {label.text!r} touches the outline of {shape.id!r}"
                yield Finding("text-on-edge", message, (label.id, shape.id), _middle(label.bounds))


def _text_over_box(sheet: _Sheet) -> Iterator[Finding]:
    """Free text lies in a box that is not a panel."""
    for label in sheet.labels:
        if label.on == "inside":
            continue
        for shape in sheet.shapes_near(label.bounds):
            if shape.tone in ("none", "plate") or is_frame(shape) or not shape.outlined:
                continue
            if near.depth(shape, _middle(label.bounds)) > 0:
                message = f"the text {label.text!r} lies on {shape.id!r}, which it does not belong to"
                yield Finding("text-over-box", message, (label.id, shape.id), _middle(label.bounds))


def _text_outside_box(sheet: _Sheet) -> Iterator[Finding]:
    """Text that belongs in a box reaches its outline or beyond."""
    for label in sheet.labels:
        if label.on != "inside":
            continue
        shape = sheet.outline_of(label.box)
        if shape is None:
            message = f"the text {label.text!r} belongs in the box {label.box!r}, which is not drawn"
            yield Finding("text-outside-box", message, (label.id,), _middle(label.bounds))
            continue
        left, top, right, bottom = label.bounds
        room = min(near.depth(shape, p) for p in ((left, top), (right, top), (right, bottom), (left, bottom)))
        if room < TEXT_INSIDE:
            message = f"the text {label.text!r} does not fit in {shape.id!r} ({room:.1f} pt to its outline)"
            yield Finding("text-outside-box", message, (label.id, shape.id), _middle(label.bounds))


def _text_bounds(sheet: _Sheet) -> Iterator[Finding]:
    """The runs of a label lie outside the bounds it states, so no other rule could see them."""
    for label in sheet.labels:
        left, top, right, bottom = label.bounds
        ink = list(_ink(label))
        start, end = min((i[0] for i in ink), default=left), max((i[2] for i in ink), default=right)
        high, low = min((i[1] for i in ink), default=top), max((i[3] for i in ink), default=bottom)
        lean = max(1.5, 0.2 * max((r.size for r in label.runs), default=0.0))  # of an italic f
        if start < left - 1.5 or end > right + lean or high < top - 1.5 or low > bottom + 1.5:
            message = f"the text {label.text!r} is set outside its bounds"
            yield Finding("text-bounds", message, (label.id,), _middle(label.bounds))


def _ink(label: Label) -> Iterator[Bounds]:
    """The boxes of the ink of a label's runs and rules."""
    for run in label.runs:
        measured = [
            (advance, ink) for _, advance, ink in (measure(c, run.face) for c in clean(run.text[:MAX_CHARACTERS])) if any(ink)
        ]
        if measured:
            line, broad = label.baseline + run.dy, run.size * run.squeeze
            left, right = run.x + measured[0][1][0] * broad, run.x + run.width - (measured[-1][0] - measured[-1][1][1]) * broad
            high, low = max(ink[3] for _, ink in measured), min(ink[2] for _, ink in measured)
            yield left, line - high * run.size, right, line - low * run.size
    for rule in label.rules:
        top = label.baseline + rule.dy
        yield rule.x, top, rule.x + rule.width, top + rule.height


def _small_text(sheet: _Sheet) -> Iterator[Finding]:
    """Letters or digits are smaller than can be read at the printed size."""
    scale, least = sheet.drawing.scale, sheet.theme.min_text
    for label in sheet.labels:
        size = min((r.size for r in label.runs if any(c.isalnum() for c in r.text)), default=least / scale) * scale
        if size < least - 0.01:
            message = f"the text {label.text!r} is printed at {size:.1f} pt, under {least:g} pt"
            yield Finding("small-text", message, (label.id,), _middle(label.bounds))


# --- wires ------------------------------------------------------------------------------------------------------------------


def _is_helper(line: Line) -> bool:
    return line.role.split(".")[0] == "helper"


def _encloses(sheet: _Sheet, frame: Shape, box: str) -> bool:
    inner = sheet.outline_of(box)
    return inner is not None and inner is not frame and near.holds(frame.bounds, inner.bounds, 1.0)


def _wire_through_box(sheet: _Sheet) -> Iterator[Finding]:
    """A wire passes through, behind or along a box it does not belong to."""
    for line, segment in sheet.pieces:
        ends = {line.source, line.target} - {""}
        if not ends and _is_helper(line):
            continue
        for shape in sheet.shapes_near(near.grown(near.bounds_of(segment), WIRE_TO_BOX)):
            own = shape.box in ends
            if not shape.box or shape.tone == "plate" or (own and (is_frame(shape) or _is_helper(line))):
                continue
            if is_frame(shape):
                if any(_encloses(sheet, shape, end) for end in ends) or not ends:
                    continue
            elif own and shape.part:
                continue
            inside = near.length_inside(segment, near.outline(shape), -1.0 if own else WIRE_TO_BOX)
            if inside > 1.0:
                message = f"the wire {line.id!r} runs through {shape.id!r}"
                yield Finding("wire-through-box", message, (line.id, shape.id), _spot(segment[0]))


def _wire_on_edge(sheet: _Sheet) -> Iterator[Finding]:
    """A wire runs along the edge of a panel or of its own box."""
    for line, segment in sheet.pieces:
        for shape in sheet.shapes_near(near.bounds_of(segment)):
            if (
                _is_helper(line)
                or not shape.outlined
                or not (is_frame(shape) or shape.box in (line.source, line.target))
                or not shape.box
            ):
                continue
            edges = near.segments_of(near.outline(shape), closed=True)
            if any(near.shared_length(segment, edge, 1.0) > 4.0 for edge in edges):
                message = f"the wire {line.id!r} runs along the edge of {shape.id!r}"
                yield Finding("wire-on-edge", message, (line.id, shape.id), _spot(segment[0]))


def _head_misses(sheet: _Sheet) -> Iterator[Finding]:
    """An arrow tip is not on its target's outline, or points away from it."""
    for line in sheet.lines:
        pieces = near.segments_of(line.points)
        if not line.head or not line.target or not pieces:
            continue
        (x0, y0), (x1, y1) = pieces[-1]
        size = math.hypot(x1 - x0, y1 - y0)
        ahead = (x1 + 2.0 * (x1 - x0) / size, y1 + 2.0 * (y1 - y0) / size)
        shapes = sheet.by_box.get(line.target, [])
        hit = [s for s in shapes if abs(near.depth(s, (x1, y1))) <= HEAD_REACH]
        if not hit:
            message = f"the head of the wire {line.id!r} is not on the outline of {line.target!r}"
            yield Finding("head-misses", message, (line.id,), _spot((x1, y1)))
        elif not any(near.depth(s, ahead) > near.depth(s, (x1, y1)) + 0.5 for s in hit):
            message = f"the head of the wire {line.id!r} does not point into {line.target!r}"
            yield Finding("head-misses", message, (line.id,), _spot((x1, y1)))


def _tail_misses(sheet: _Sheet) -> Iterator[Finding]:
    """A wire begins neither at its source nor on another wire of that source."""
    for line in sheet.lines:
        if not line.source or _is_helper(line) or not line.points:
            continue
        start = line.points[0]
        if any(near.depth(s, start) >= -HEAD_REACH for s in sheet.by_box.get(line.source, []) if not is_frame(s)) or any(
            abs(near.depth(s, start)) <= HEAD_REACH for s in sheet.by_box.get(line.source, [])
        ):
            continue
        reach = near.grown((*start, *start), HEAD_REACH)
        if not any(
            other is not line and other.source == line.source and near.point_to_segment(start, segment) <= HEAD_REACH
            for other, segment in sheet.pieces_near(reach)
        ):
            message = f"the wire {line.id!r} does not begin at {line.source!r}"
            yield Finding("tail-misses", message, (line.id,), _spot(start))


def _shared_stretch(sheet: _Sheet) -> Iterator[Finding]:
    """Two wires lie on each other; a shared trunk is drawn by one of them."""
    for n, (line, segment) in enumerate(sheet.pieces):
        for m in sheet.piece_grid.near(near.grown(near.bounds_of(segment), LANE_GAP)):
            other, piece = sheet.pieces[m]
            fan = line is not other and _is_helper(line) and _is_helper(other) and line.points[-1] == other.points[-1]
            if m > n and near.shared_length(segment, piece, 0.3 if fan else LANE_GAP) > 3.0:
                both = (line.id,) if line is other else (line.id, other.id)
                message = f"the wire {line.id!r} runs on {'itself' if line is other else f'the wire {other.id!r}'}"
                yield Finding("shared-stretch", message, both, _spot(segment[0]))


def _zero_length(sheet: _Sheet) -> Iterator[Finding]:
    """A wire has no length."""
    for line in sheet.lines:
        if sum(math.dist(*s) for s in near.segments_of(line.points)) < 0.5:
            where = _spot(line.points[0]) if line.points else (0.0, 0.0)
            yield Finding("zero-length", f"the wire {line.id!r} has no length", (line.id,), where)


def _short_head(sheet: _Sheet) -> Iterator[Finding]:
    """The last straight piece of a wire is shorter than its head, so the head would sit on a bend."""
    for line in sheet.lines:
        pieces = near.segments_of(line.points)
        if line.head and pieces and math.dist(*pieces[-1]) < sheet.theme.role(line.role).head:
            message = f"the last piece of the wire {line.id!r} is shorter than its head"
            yield Finding("short-head", message, (line.id,), _spot(line.points[-1]))


# --- boxes and page ---------------------------------------------------------------------------------------------------------


def _box_overlap(sheet: _Sheet) -> Iterator[Finding]:
    """Two boxes overlap, or one lies in another that is no panel."""
    for n, shape in enumerate(sheet.shapes):
        for m in sheet.shape_grid.near(shape.bounds):
            other = sheet.shapes[m]
            if m <= n or not shape.box or not other.box or shape.box == other.box or "plate" in (shape.tone, other.tone):
                continue
            framed = (is_frame(shape) and near.holds(shape.bounds, other.bounds, 0.5)) or (
                is_frame(other) and near.holds(other.bounds, shape.bounds, 0.5)
            )
            if not framed and near.overlap(shape, other) > 0.5:
                message = f"the boxes {shape.box!r} and {other.box!r} overlap"
                yield Finding("box-overlap", message, (shape.id, other.id), _middle(shape.bounds))


def _off_page(sheet: _Sheet) -> Iterator[Finding]:
    """Something lies outside the page."""
    page = (0.0, 0.0, sheet.drawing.width, sheet.drawing.height)
    for item in sheet.drawing.items:
        if isinstance(item, Label):
            bounds = item.bounds
        elif isinstance(item, Line) and not item.points:
            continue
        else:
            bounds = near.grown(near.bounds_of(item.points), sheet.stroke(item) / 2)
        if not near.holds(page, bounds, 0.1):
            yield Finding("off-page", f"{item.id!r} lies outside the page", (item.id,), _middle(bounds))


def _duplicate_id(sheet: _Sheet) -> Iterator[Finding]:
    """Two items have one id."""
    for name, count in Counter(item.id for item in sheet.drawing.items).items():
        if count > 1:
            yield Finding("duplicate-id", f"{count} items have the id {name!r}", (name,), (0.0, 0.0))


# --- colour -----------------------------------------------------------------------------------------------------------------


def contrast(a: str, b: str) -> float:
    """The WCAG 2 contrast ratio of two ``#RRGGBB`` colours, 1 to 21."""
    high, low = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _behind(sheet: _Sheet, label: Label) -> Shape | None:
    """The filled shape a label is painted on."""
    below = [
        s
        for s in sheet.shapes_near(label.bounds)
        if sheet.order[id(s)] < sheet.order[id(label)] and s.tone != "none" and near.depth(s, _middle(label.bounds)) > 0
    ]
    return max(below, key=lambda s: sheet.order[id(s)], default=None)


def _low_contrast(sheet: _Sheet) -> Iterator[Finding]:
    """A colour does not stand out from what is behind it."""
    theme = sheet.theme
    for label in sheet.labels:
        below = _behind(sheet, label)
        ground = (theme.paint(below.role, below.tone, below.fade, below.heat) if below else None) or theme.page
        least = QUIET_RATIO if any(label.role == q or label.role.startswith(q + ".") for q in _QUIET) else TEXT_RATIO
        ratio = contrast(theme.role(label.role).text, ground)
        if ratio < least:
            message = f"the text {label.text!r} has a contrast of {ratio:.1f} on {ground}, under {least:g}"
            yield Finding("low-contrast", message, (label.id,), _middle(label.bounds))
    drawn: tuple[Shape | Line, ...] = (*sheet.shapes, *sheet.lines)
    for item in drawn:
        faint = isinstance(item, Shape) and (not item.outlined or item.fade or item.tone == "plate")
        if faint or item.role.split(".")[0] in _FRAMES:
            continue
        ratio = contrast(theme.role(item.role).stroke, theme.page)
        if ratio < STROKE_RATIO:
            message = f"the stroke of {item.id!r} has a contrast of {ratio:.1f} on the page, under {STROKE_RATIO:g}"
            yield Finding("low-contrast", message, (item.id,), _middle(near.bounds_of(item.points)))


def _text_on_pattern(sheet: _Sheet) -> Iterator[Finding]:
    """Words stand on a pattern without a plate behind them."""
    for label in sheet.labels:
        below = _behind(sheet, label)
        patterned = below is not None and below.tone == "fill" and below.heat is None
        if below is not None and patterned and sheet.theme.role(below.role).pattern != "none":
            message = f"the text {label.text!r} stands on the pattern of {below.id!r}"
            yield Finding("text-on-pattern", message, (label.id, below.id), _middle(label.bounds))


RULES: dict[str, Callable[[_Sheet], Iterable[Finding]]] = {
    "text-on-line": _text_on_line,
    "text-on-text": _text_on_text,
    "text-on-edge": _text_on_edge,
    "text-over-box": _text_over_box,
    "text-outside-box": _text_outside_box,
    "text-on-pattern": _text_on_pattern,
    "text-bounds": _text_bounds,
    "small-text": _small_text,
    "wire-through-box": _wire_through_box,
    "wire-on-edge": _wire_on_edge,
    "head-misses": _head_misses,
    "tail-misses": _tail_misses,
    "shared-stretch": _shared_stretch,
    "zero-length": _zero_length,
    "short-head": _short_head,
    "box-overlap": _box_overlap,
    "off-page": _off_page,
    "duplicate-id": _duplicate_id,
    "low-contrast": _low_contrast,
}
"""The rules by name; the first line of a rule's docstring says what it finds."""
