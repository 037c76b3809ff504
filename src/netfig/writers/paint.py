"""What every picture writer needs to know: colours of an item, the exact outline of a wire, hatching, and text runs.

Writers differ only in how they spell these; the geometry is computed once, here, so that all formats show the same picture.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

from netfig.drawing import Glyphs, Label, Line, Point, Shape
from netfig.layout.text import clean
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.theme import Theme

DASH = (5.0, 2.0)  # what Graphviz calls dashed, so that DOT looks the same
HEAD_HALF_WIDTH = 0.35  # of its length; Graphviz' "normal" arrow
HATCH_STEP = 5.0
HATCH_WIDTH = 0.5
DOT_RADIUS = 0.55
LONGEST_TEXT = 2000  # characters of one run; painters take minutes for one of 100,000

Segment = tuple[str, tuple[Point, ...]]  # ("M", (p,)), ("L", (p,)), ("C", (control, control, p))


def number(value: float) -> str:
    """A coordinate with at most two decimals, in the one shortest spelling."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


@dataclass(frozen=True, slots=True)
class Paint:
    """Resolved colours of a shape or line; ``None`` is not painted. `ink` is the colour of the pattern's strokes."""

    fill: str | None
    stroke: str | None
    width: float
    dashed: bool
    pattern: str = "none"
    ink: str = "#000000"


def shape_paint(shape: Shape, theme: Theme) -> Paint:
    """The colours of a shape: the tone picks the role's paint, the fade mixes fill, outline and pattern towards the page."""
    style = theme.role(shape.role)
    stroke = style.stroke if shape.outlined and shape.tone not in ("plate", "stroke") else None
    if shape.fade and stroke:
        stroke = theme.mix(stroke, theme.page, shape.fade)
    return Paint(
        theme.paint(shape.role, shape.tone, shape.fade, shape.heat),
        stroke,
        style.width if shape.width is None else shape.width,
        shape.dashed or style.dashed,
        # the lighter and darker faces of a body are told apart by their grey
        style.pattern if shape.tone == "fill" and shape.heat is None else "none",
        theme.mix(style.stroke, theme.page, max(shape.fade, 0.35)),
    )


def line_paint(line: Line, theme: Theme) -> Paint:
    """The colour, width and dashes of a line."""
    style = theme.role(line.role)
    return Paint(None, style.stroke, style.width if line.width is None else line.width, line.dashed or style.dashed)


def text_colour(label: Label, theme: Theme) -> str:
    """The colour of a label's characters."""
    return theme.role(label.role).text


def rounded_radius(shape: Shape) -> float:
    """The corner radius a rectangle can really have."""
    left, top, right, bottom = shape.bounds
    return max(0.0, min(shape.radius, (right - left) / 2, (bottom - top) / 2))


# --- wires -----------------------------------------------------------------------------------------------------------------


def head_length(line: Line, theme: Theme) -> float:
    """How long the line's arrowhead is, never longer than its last stretch; 0 without one."""
    if not line.head or len(line.points) < 2:
        return 0.0
    return min(theme.role(line.role).head, math.dist(line.points[-2], line.points[-1]))


def head_polygon(line: Line, length: float) -> tuple[Point, Point, Point]:
    """The arrowhead: its tip is exactly the line's last point."""
    tip, before = line.points[-1], line.points[-2]
    ux, uy = _unit(before, tip)
    base = (tip[0] - ux * length, tip[1] - uy * length)
    half = max(length * HEAD_HALF_WIDTH, 0.0)
    return (base[0] - uy * half, base[1] + ux * half), tip, (base[0] + uy * half, base[1] - ux * half)


def line_path(line: Line, head: float, overlap: float = 0.5) -> list[Segment]:
    """The line's stroke as straight stretches and quarter arcs, ending where the head (of length `head`) begins.

    It reaches `overlap` under the head, so that no reader shows a seam. A corner takes at most half of an inner stretch, so
    two arcs on one stretch never overlap.
    """
    points = [p for i, p in enumerate(line.points) if i == 0 or math.dist(p, line.points[i - 1]) > 1e-6]
    if len(points) < 2:
        return []
    if head:
        ux, uy = _unit(points[-2], points[-1])
        overlap = min(overlap, head / 2)
        points[-1] = (points[-1][0] - ux * (head - overlap), points[-1][1] - uy * (head - overlap))
    sharp = {(round(x, 2), round(y, 2)) for x, y in line.sharp}
    path: list[Segment] = [("M", (points[0],))]
    for i in range(1, len(points) - 1):
        corner = points[i]
        before, after = math.dist(points[i - 1], corner), math.dist(corner, points[i + 1])
        room = min(before / 2 if i > 1 else before * 0.8, after / 2 if i < len(points) - 2 else after * 0.8)
        reach = 0.0 if (round(corner[0], 2), round(corner[1], 2)) in sharp else min(line.radius, room)
        path += _corner(points[i - 1], corner, points[i + 1], reach)
    path.append(("L", (points[-1],)))
    return path


def _corner(before: Point, corner: Point, after: Point, reach: float) -> list[Segment]:
    """Towards a corner and around it: a circular arc that touches both stretches `reach` away from it, or a plain corner."""
    (ux, uy), (vx, vy) = _unit(before, corner), _unit(corner, after)
    turn = math.atan2(ux * vy - uy * vx, ux * vx + uy * vy)
    if reach < 0.05 or abs(turn) < 1e-3 or abs(turn) > math.pi - 1e-3:
        return [("L", (corner,))]
    radius = reach / math.tan(abs(turn) / 2)
    handle = 4 / 3 * math.tan(abs(turn) / 4) * radius
    start = (corner[0] - ux * reach, corner[1] - uy * reach)
    end = (corner[0] + vx * reach, corner[1] + vy * reach)
    controls = (start[0] + ux * handle, start[1] + uy * handle), (end[0] - vx * handle, end[1] - vy * handle)
    return [("L", (start,)), ("C", (*controls, end))]


def _unit(a: Point, b: Point) -> Point:
    length = math.dist(a, b) or 1.0
    return (b[0] - a[0]) / length, (b[1] - a[1]) / length


# --- hatching --------------------------------------------------------------------------------------------------------------


def hatch_lines(shape: Shape, pattern: str) -> Iterator[tuple[Point, Point]]:
    """The pattern's strokes within the shape, on a grid that belongs to the page (so that neighbours match)."""
    polygon = outline(shape)
    for a, b in _hatch_grid(pattern, shape.bounds):
        inside = clip(a, b, polygon)
        if inside is not None and math.dist(*inside) > 0.2:
            yield inside


def hatch_dots(shape: Shape, pattern: str) -> Iterator[Point]:
    """The centres of the pattern's dots within the shape."""
    if pattern != "dots":
        return
    left, top, right, bottom = shape.bounds
    polygon = outline(shape)
    for y in _steps(top, bottom):
        row = clip((left, y), (right, y), polygon)
        if row:
            yield from ((x, y) for x in _steps(row[0][0] + DOT_RADIUS, row[1][0] - DOT_RADIUS))


def _hatch_grid(pattern: str, bounds: tuple[float, float, float, float]) -> Iterator[tuple[Point, Point]]:
    left, top, right, bottom = bounds
    if pattern in ("horizontal", "grid"):
        yield from (((left, y), (right, y)) for y in _steps(top, bottom))
    if pattern in ("vertical", "grid"):
        yield from (((x, top), (x, bottom)) for x in _steps(left, right))
    if pattern in ("diagonal", "cross"):  # rising: x + y is constant
        yield from (((c - bottom, bottom), (c - top, top)) for c in _steps(left + top, right + bottom))
    if pattern in ("backdiagonal", "cross"):  # falling: x - y is constant
        yield from (((c + top, top), (c + bottom, bottom)) for c in _steps(left - bottom, right - top))


def _steps(low: float, high: float) -> Iterator[float]:
    """Grid lines strictly between two coordinates: odd multiples of half a step."""
    k = math.ceil(low / HATCH_STEP - 0.5)
    while (value := (k + 0.5) * HATCH_STEP) < high:
        if value > low:
            yield value
        k += 1


def outline(shape: Shape, steps: int = 6) -> list[Point]:
    """A convex polygon that follows the shape's outline, with `steps` points for a quarter of a circle."""
    if shape.kind == "polygon":
        return list(shape.points)
    left, top, right, bottom = shape.bounds
    if shape.kind == "ellipse":
        rx, ry = (right - left) / 2, (bottom - top) / 2
    else:
        rx = ry = rounded_radius(shape)
        if rx == 0:
            return [(left, top), (right, top), (right, bottom), (left, bottom)]
    centres = ((right - rx, bottom - ry), (left + rx, bottom - ry), (left + rx, top + ry), (right - rx, top + ry))
    found = []
    for quarter, (cx, cy) in enumerate(centres):
        for step in range(steps + 1):
            angle = math.pi / 2 * (quarter + step / steps)
            found.append((cx + rx * math.cos(angle), cy + ry * math.sin(angle)))
    return found


def clip(a: Point, b: Point, polygon: list[Point]) -> tuple[Point, Point] | None:
    """The part of a stretch inside a convex polygon (of either orientation)."""
    area = sum(p[0] * q[1] - q[0] * p[1] for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True))
    sign = 1.0 if area > 0 else -1.0
    low, high = 0.0, 1.0
    for p, q in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        nx, ny = -(q[1] - p[1]) * sign, (q[0] - p[0]) * sign  # points inwards
        start = (a[0] - p[0]) * nx + (a[1] - p[1]) * ny
        along = (b[0] - a[0]) * nx + (b[1] - a[1]) * ny
        if abs(along) < 1e-12:
            if start < 0:
                return None
            continue
        at = -start / along
        low, high = (max(low, at), high) if along > 0 else (low, min(high, at))
    if high - low < 1e-9:
        return None
    return _between(a, b, low), _between(a, b, high)


def _between(a: Point, b: Point, t: float) -> Point:
    return a[0] + (b[0] - a[0]) * t, a[1] + (b[1] - a[1]) * t


def merged_runs(label: Label) -> Label:
    """The label with neighbouring runs of one face, size and offset joined, its text cleaned and a monstrous one cut."""
    found: list[Glyphs] = []
    for run in label.runs:
        text = clean(run.text)
        text = text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "…"
        run = run if text == run.text else dataclasses.replace(run, text=text)
        last = found[-1] if found else None
        same = last is not None and (last.face, last.size, last.dy, last.squeeze) == (run.face, run.size, run.dy, run.squeeze)
        if last is not None and same and abs(last.x + last.width - run.x) < 0.05:
            found[-1] = dataclasses.replace(last, text=last.text + run.text, width=run.x + run.width - last.x)
        elif run.text:
            found.append(run)
    runs = tuple(found)
    return label if runs == label.runs else dataclasses.replace(label, runs=runs)
