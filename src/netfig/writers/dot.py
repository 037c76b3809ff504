"""DOT with every position: any Graphviz draws the same picture with ``neato -n2``, and the result can still be edited.

Boxes are nodes and wires are edges with ready-made curves. What Graphviz has no shape for (panels, solids, stacked copies,
hatching, pills) goes into ``_background`` as drawing operations; a transparent node stands in its place. Every run of text is
centred where we measured it, in its box's node when that is the middle, else in a node of its own: so scripts and mixed faces
stay where they belong however an engine measures text.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
from html import escape as html_escape
from typing import TYPE_CHECKING

from netfig.drawing import Drawing, Glyphs, Label, Line, Point, Rule, Shape
from netfig.layout.text import clean
from netfig.writers import paint
from netfig.writers.options import DotOptions
from netfig.writers.paint import number as n

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.theme import Theme

Bounds = tuple[float, float, float, float]

LONGEST_NAME = 200
_CHUNK = 6000
_CORNER = 12.0  # Graphviz' own corner radius, at most a third of the shorter side
_CORNER_SLACK = 5.1
_HEAD_GROWTH = 2.0  # pen widths that outlining adds to a head's length
_TIP_GROWTH = 0.35  # a part of what it adds at the tip: Graphviz 2 lets the outline stand out, newer ones do not
_BASELINE = 0.275  # em from a plain label's centre down to its baseline: 0.30 embedded, 0.25 with pango
_HTML_BASELINE = 0.23  # the same for a label with markup: 0.30 and 0.16
_PINNED_BASELINE = 0.3, -1.0  # and in a cell of odd height, where the engines agree within half a point
_MIDDLE = 1.25  # how far a label may be moved to become its node's own
_NAMES = {"Liberation Sans": "Arial", "Liberation Serif": "Times", "Liberation Mono": "Courier New"}


def write(drawing: Drawing, theme: Theme, options: DotOptions) -> bytes:
    """The drawing as DOT source."""
    return _Dot(drawing, theme, options).text().encode("utf-8")


def quoted(text: str) -> str:
    """Any text as a DOT string that means exactly these characters: no markup, no escape sequence, no character entity."""
    from graphviz import escape
    from graphviz.quoting import quote

    found: str = quote(escape(clean(text)[: paint.LONGEST_TEXT].replace("&", "&amp;")))
    return found if found.startswith('"') else f'"{found}"'


def _attributes(pairs: Iterable[tuple[str, str]]) -> str:
    return "[" + ", ".join(f"{key}={value}" for key, value in pairs) + "]"


class _Dot:
    """One file in the making."""

    def __init__(self, drawing: Drawing, theme: Theme, options: DotOptions) -> None:
        self.drawing, self.theme, self.options = drawing, theme, options
        self.items = drawing.items
        self.grounds = _grounds(drawing)
        self.background: list[str] = []
        self.nodes: list[str] = []
        self.edges: list[str] = []
        self.texts: list[str] = []
        self.names: dict[str, str] = {}
        self.taken: set[str] = set()
        self.fonts = {
            key: _NAMES.get(names[0], names[0])
            for key, names in (("sans", theme.sans), ("serif", theme.serif), ("mono", theme.mono), ("symbol", theme.symbol))
        }

    def text(self) -> str:
        drawing = self.drawing
        middles = self._middle_labels()
        for item in self.items:
            if isinstance(item, Shape):
                self._shape(item, middles)
            elif isinstance(item, Line):
                self._line(item)
        self._stand_ins()
        merged = {id(label) for label in middles.values()}
        for item in self.items:
            if isinstance(item, Label) and id(item) not in merged:
                self._label(item)
        page = [("bgcolor", f'"{self.theme.page}"' if self.options.background else "transparent"), ("pad", "0"), ("margin", "0")]
        page += [("outputorder", "edgesfirst"), ("splines", "true"), ("comment", quoted(drawing.title))]
        if drawing.scale != 1:
            page.append(("size", f'"{drawing.width * drawing.scale / 72:.4f},{drawing.height * drawing.scale / 72:.4f}!"'))
        if self.background:
            page.append(("_background", _long("".join(self.background))))
        corners = [self._corner(0.72, 0.72), self._corner(drawing.width - 0.72, drawing.height - 0.72)]
        return "\n".join(
            [
                "// every position is fixed; draw with: neato -n2 -Tsvg (or -Tpng, -Tpdf)",
                f"digraph {quoted(drawing.title or 'figure')} {{",
                f"  graph {_attributes(page)};",
                *corners,
                *self.nodes,
                *self.edges,
                *self.texts,
                "}",
                "",
            ]
        )

    # --- names and places ---

    def _name(self, wanted: str) -> str:
        """A node name nobody has yet."""
        base = clean(wanted)[:LONGEST_NAME] or "_"
        name, count = base, 1
        while name in self.taken:
            count += 1
            name = f"{base} ({count})"
        self.taken.add(name)
        return name

    def _place(self, x: float, y: float) -> str:
        return f'"{n(x)},{n(self.drawing.height - y)}"'

    def _point(self, p: Point) -> str:
        return f"{n(p[0])} {n(self.drawing.height - p[1])}"

    def _corner(self, x: float, y: float) -> str:
        """An invisible node that keeps the page its size."""
        size = (("width", "0.02"), ("height", "0.02"), ("fixedsize", "true"), ("label", '""'))
        node = _attributes((("pos", self._place(x, y)), ("shape", "box"), ("style", "invis"), *size))
        return f"  {quoted(self._name('page corner'))} {node};"

    # --- shapes ---

    def _shape(self, shape: Shape, middles: dict[str, Label]) -> None:
        paints = paint.shape_paint(shape, self.theme)
        owns_node = bool(shape.box) and shape.part == "" and shape.kind != "polygon" and shape.id not in self.grounds
        owns_node = owns_node and shape.tone != "plate" and shape.box not in self.names
        if not owns_node:
            self._paint_behind(shape, paints, fill=True, stroke=True)
            return
        patterned = paints.pattern != "none" and paints.fill is not None
        native = shape.kind == "ellipse" or (self._corner_fits(shape) and not patterned)
        if patterned or not native:
            self._paint_behind(shape, paints, fill=True, stroke=not native)
        look: list[tuple[str, str]] = []
        style = ["filled"] if native and paints.fill and not patterned else []
        rounded = shape.kind == "rect" and paint.rounded_radius(shape) > 0
        if native and rounded:
            style.append("rounded")
        if native and paints.dashed and paints.stroke:
            style.append("dashed")
        look.append(("style", f'"{",".join(style)}"'))
        if native and paints.fill and not patterned:
            look.append(("fillcolor", f'"{paints.fill}"'))
        if native and paints.stroke:
            look += [("color", f'"{paints.stroke}"'), ("penwidth", n(paints.width))]
        else:
            look.append(("color", "transparent"))
        kind = "box" if shape.kind == "rect" else "ellipse"
        self._node(shape, kind, look, middles.get(shape.box))

    def _node(self, shape: Shape, kind: str, look: list[tuple[str, str]], label: Label | None) -> None:
        left, top, right, bottom = shape.bounds
        name = self._name(shape.box)
        self.names[shape.box] = name
        pairs = [("pos", self._place((left + right) / 2, (top + bottom) / 2)), ("shape", kind)]
        pairs += [("width", f"{(right - left) / 72:.4f}"), ("height", f"{(bottom - top) / 72:.4f}"), ("fixedsize", "true")]
        pairs += [("margin", "0"), *look]
        pairs += self._run(label, paint.merged_runs(label).runs[0])[0] if label else [("label", '""')]
        pairs.append(("tooltip", quoted(shape.tooltip or clean(shape.box))))
        if shape.stands_for:
            pairs.append(("id", quoted(shape.stands_for[0])))
        self.nodes.append(f"  {quoted(name)} {_attributes(pairs)};")

    def _corner_fits(self, shape: Shape) -> bool:
        """Whether Graphviz' rounding is close enough to ours."""
        left, top, right, bottom = shape.bounds
        radius = paint.rounded_radius(shape)
        shorter = min(right - left, bottom - top)
        is_pill = radius > 0.45 * shorter
        return radius == 0 or (
            not is_pill and not self.options.exact and abs(radius - min(_CORNER, shorter / 3)) <= _CORNER_SLACK
        )

    def _stand_ins(self) -> None:
        """Transparent nodes for whatever wires touch that is drawn in the background."""
        ends = {end: None for line in self.drawing.lines for end in (line.source, line.target) if end and end not in self.names}
        shapes: dict[str, list[Shape]] = {}
        for shape in self.drawing.shapes:
            if shape.box in ends:
                shapes.setdefault(shape.box, []).append(shape)
        points: dict[str, list[Point]] = {}
        for line in self.drawing.lines:
            points.setdefault(line.source, []).append(line.points[0])
            points.setdefault(line.target, []).append(line.points[-1])
        for end in ends:
            outline = [s for s in shapes.get(end, ()) if s.part == ""] or shapes.get(end, [])
            around = [p for s in outline for p in s.points] or points[end]
            xs, ys = [p[0] for p in around], [p[1] for p in around]
            base = outline[0] if outline else None
            shape = Shape(
                end,
                "rect",
                base.role if base else "default",
                ((min(xs), min(ys)), (max(xs), max(ys))),
                box=end,
                tooltip=base.tooltip if base else "",
                stands_for=base.stands_for if base else (),
            )
            self._node(shape, "box", [("style", '""'), ("color", "transparent")], None)
        self.edges += [self._edge(line) for line in self.drawing.lines if line.source and line.target]

    # --- drawing operations ---

    def _paint_behind(self, shape: Shape, paints: paint.Paint, *, fill: bool, stroke: bool) -> None:
        left, top, right, bottom = shape.bounds
        if shape.kind == "ellipse":
            centre = self._point(((left + right) / 2, (top + bottom) / 2))
            verbs, body = "Ee", f"{centre} {n((right - left) / 2)} {n((bottom - top) / 2)}"
        elif shape.kind == "rect" and paint.rounded_radius(shape) > 0:
            curve = _rounded(shape.bounds, paint.rounded_radius(shape))
            verbs, body = "bB", f"{len(curve)} {' '.join(self._point(p) for p in curve)}"
        else:
            corners = paint.outline(shape)
            verbs, body = "Pp", f"{len(corners)} {' '.join(self._point(p) for p in corners)}"
        if fill and paints.fill:
            self._operation(paints.fill, 0.05, False, f"C 7 -{paints.fill} {verbs[0]} {body}")
            if paints.pattern != "none":
                for a, b in paint.hatch_lines(shape, paints.pattern):
                    self._operation(paints.ink, paint.HATCH_WIDTH, False, f"L 2 {self._point(a)} {self._point(b)}")
                for x, y in paint.hatch_dots(shape, paints.pattern):
                    dot = f"E {self._point((x, y))} {n(paint.DOT_RADIUS)} {n(paint.DOT_RADIUS)}"
                    self._operation(paints.ink, 0.05, False, f"C 7 -{paints.ink} {dot}")
        if stroke and paints.stroke and paints.width > 0:
            self._operation(paints.stroke, paints.width, paints.dashed, f"{verbs[1]} {body}")

    def _operation(self, pen: str, width: float, dashed: bool, operation: str) -> None:
        line, style = f"setlinewidth({n(width)})", "dashed" if dashed else "solid"
        self.background.append(f"S {len(style)} -{style} S {len(line)} -{line} c {len(pen)} -{pen} {operation} ")

    def _line(self, line: Line) -> None:
        """A helper line belongs to no pair of boxes; it is only paint."""
        if line.source and line.target:
            return
        paints = paint.line_paint(line, self.theme)
        head = paint.head_length(line, self.theme)
        curve = _as_curve(paint.line_path(line, head))
        if curve and paints.stroke:
            body = f"B {len(curve)} {' '.join(self._point(p) for p in curve)}"
            self._operation(paints.stroke, paints.width, paints.dashed, body)
        if head and paints.stroke:
            corners = " ".join(self._point(p) for p in paint.head_polygon(line, head))
            self._operation(paints.stroke, 0.05, False, f"C 7 -{paints.stroke} P 3 {corners}")

    def _edge(self, line: Line) -> str:
        paints = paint.line_paint(line, self.theme)
        head = paint.head_length(line, self.theme)
        size = 0.0
        if head:
            # Graphviz also outlines the head with the wire's pen: it grows by that, and old versions push its tip out
            size = max(head - _HEAD_GROWTH * paints.width, 0.3 * head)
            line = _shortened(line, min(_TIP_GROWTH * paints.width, head / 3))
        curve = _as_curve(paint.line_path(line, size, overlap=0.0))
        pos = " ".join(self._point(p).replace(" ", ",") for p in curve)
        if head:
            pos = f"e,{self._point(line.points[-1]).replace(' ', ',')} {pos}"
        pairs = [("pos", f'"{pos}"'), ("color", f'"{paints.stroke}"'), ("penwidth", n(paints.width))]
        pairs.append(("arrowsize", n(size / 10)) if head else ("dir", "none"))
        if paints.dashed:
            pairs.append(("style", "dashed"))
        if line.tooltip:
            pairs.append(("tooltip", quoted(line.tooltip)))
        return f"  {quoted(self.names[line.source])} -> {quoted(self.names[line.target])} {_attributes(pairs)};"

    # --- text ---

    def _middle_labels(self) -> dict[str, Label]:
        """Labels that stand where Graphviz puts a node's own label, by box."""
        centres = {
            shape.box: ((shape.bounds[0] + shape.bounds[2]) / 2, (shape.bounds[1] + shape.bounds[3]) / 2)
            for shape in reversed(self.drawing.shapes)
            if shape.box and shape.part == "" and shape.kind != "polygon"
        }
        grounds = {shape.box for shape in self.drawing.shapes if shape.id in self.grounds}
        found: dict[str, Label] = {}
        for item in self.items:
            if not isinstance(item, Label) or item.box not in centres or item.box in found or item.box in grounds:
                continue
            runs = paint.merged_runs(item).runs
            if len(runs) != 1 or item.rules or (_is_markup(runs[0]) and not runs[0].text.isascii()):
                continue
            x, y = self._centre(item, runs[0])
            if abs(x - centres[item.box][0]) < 0.5 and abs(y - centres[item.box][1]) < _MIDDLE:
                found[item.box] = item
        return found

    @staticmethod
    def _centre(label: Label, run: Glyphs, *, pinned: bool = False) -> Point:
        drop = _HTML_BASELINE * run.size if _is_markup(run) else _BASELINE * run.size
        drop = _PINNED_BASELINE[0] * run.size + _PINNED_BASELINE[1] if pinned else drop
        return run.x + run.width / 2, label.baseline + run.dy - drop

    def _label(self, label: Label) -> None:
        runs = [_as_broad_as_drawn(run) for run in paint.merged_runs(label).runs if run.text.strip()]
        for run in runs:
            # An engine whose letters are wider must not push a run into the one before it.
            pinned = len(runs) > 1 or label.align == "left" or (_is_markup(run) and not run.text.isascii())
            look, x = self._run(label, run, pinned=pinned)
            y = self._centre(label, run, pinned=pinned)[1]
            pairs = [("pos", self._place(x, y)), ("shape", "plaintext"), ("margin", "0"), ("width", "0"), ("height", "0"), *look]
            self.texts.append(f"  {quoted(self._name('text ' + label.id))} {_attributes(pairs)};")
        for rule in label.rules:
            self._rule(label, rule)

    def _rule(self, label: Label, rule: Rule) -> None:
        """A bar as a table of one coloured cell: a node cannot be so thin, and an edge is painted under the nodes."""
        size = f'WIDTH="{max(1, round(rule.width))}" HEIGHT="{max(1, round(rule.height))}"'
        cell = f'<TD FIXEDSIZE="TRUE" {size} BGCOLOR="{paint.text_colour(label, self.theme)}"></TD>'
        table = f'<<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0"><TR>{cell}</TR></TABLE>>'
        place = self._place(rule.x + rule.width / 2, label.baseline + rule.dy + rule.height / 2)
        pairs = [("pos", place), ("shape", "plaintext"), ("margin", "0"), ("width", "0"), ("height", "0"), ("label", table)]
        self.texts.append(f"  {quoted(self._name('bar ' + label.id))} {_attributes(pairs)};")

    def _run(self, label: Label, run: Glyphs, *, pinned: bool = False) -> tuple[list[tuple[str, str]], float]:
        """The attributes that set one run of text, and the x of the node that centres it.

        A `pinned` run stands at the left of a cell with room to spare, so that its left end does not depend on the engine.
        """
        family, _, variant = run.face.partition("-")
        x = run.x + run.width / 2
        if pinned or _is_markup(run):
            # Graphviz 2 takes a "]" before a tag for the end of a CDATA section
            content = html_escape(run.text, quote=True).replace("]", "&#93;")
            for word, tag in (("italic", "I"), ("bold", "B")):
                if word in variant:
                    content = f"<{tag}>{content}</{tag}>"
            if pinned:
                if not variant:
                    content += "<I> </I>"  # where nothing is marked up each engine has a baseline of its own
                width = math.ceil(1.1 * run.width + 12 * sum(not c.isascii() for c in run.text) + 0.3 * run.size)
                x = run.x + width / 2
                size = f'WIDTH="{width}" HEIGHT="{math.ceil(run.size * 1.6) | 1}"'
                cell = f'<TD FIXEDSIZE="TRUE" {size} ALIGN="LEFT">{content}</TD>'
                content = f'<TABLE BORDER="0" CELLBORDER="0" CELLPADDING="0" CELLSPACING="0"><TR>{cell}</TR></TABLE>'
            content = f"<{content}>"
        else:
            content = quoted(run.text)
        pairs = [("label", content), ("fontname", quoted(self.fonts[family])), ("fontsize", n(run.size))]
        return [*pairs, ("fontcolor", f'"{paint.text_colour(label, self.theme)}"')], x


def _as_broad_as_drawn(run: Glyphs) -> Glyphs:
    """Graphviz cannot make characters narrower: a tall bracket keeps its middle and has its face's breadth."""
    breadth = run.width / run.squeeze
    return dataclasses.replace(run, x=run.x - (breadth - run.width) / 2, width=breadth, squeeze=1.0) if run.squeeze != 1 else run


def _is_markup(run: Glyphs) -> bool:
    """Whether a run needs an HTML-like label: a plain one has no italics and no bold that every engine finds."""
    return "-" in run.face


def _grounds(drawing: Drawing) -> frozenset[str]:
    """Ids of shapes that other boxes stand on: panels. They are painted before the wires."""
    shapes = [s for s in drawing.shapes if s.box]
    axis = 0 if drawing.width >= drawing.height else 1
    centres = sorted((_middle(s.bounds)[axis], _middle(s.bounds)[1 - axis], i) for i, s in enumerate(shapes))
    found = set()
    for i, shape in enumerate(shapes):
        left, top, right, bottom = shape.bounds
        low, high = ((left, right), (top, bottom))[axis]
        other = ((top, bottom), (left, right))[axis]
        for position in range(bisect.bisect_left(centres, (low, -math.inf, -1)), len(centres)):
            along, across, j = centres[position]
            if along > high:
                break
            if j > i and other[0] < across < other[1] and shapes[j].box != shape.box:
                found.add(shape.id)
                break
    return frozenset(found)


def _middle(bounds: Bounds) -> Point:
    return (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2


def _rounded(bounds: Bounds, radius: float) -> list[Point]:
    """A rounded rectangle as one closed Bézier curve."""
    left, top, right, bottom = bounds
    corners = ((right, top), (right, bottom), (left, bottom), (left, top))
    steps = ((1, 0), (0, 1), (-1, 0), (0, -1))
    handle = radius * 0.5523
    curve: list[Point] = [(left + radius, top)]
    for k, (x, y) in enumerate(corners):
        (ux, uy), (vx, vy) = steps[k], steps[(k + 1) % 4]
        start, end = (x - ux * radius, y - uy * radius), (x + vx * radius, y + vy * radius)
        curve += [curve[-1], start, start]
        curve += [(start[0] + ux * handle, start[1] + uy * handle), (end[0] - vx * handle, end[1] - vy * handle), end]
    return curve


def _shortened(line: Line, by: float) -> Line:
    """The line with its last point moved back."""
    (ax, ay), (bx, by_) = line.points[-2], line.points[-1]
    length = math.dist((ax, ay), (bx, by_)) or 1.0
    end = (bx - (bx - ax) / length * by, by_ - (by_ - ay) / length * by)
    return dataclasses.replace(line, points=(*line.points[:-1], end))


def _as_curve(path: list[paint.Segment]) -> list[Point]:
    """A path as one Bézier curve: 3k + 1 points."""
    curve: list[Point] = []
    for verb, points in path:
        if verb == "L":
            (ax, ay), (bx, by) = curve[-1], points[0]
            curve += [(ax + (bx - ax) / 3, ay + (by - ay) / 3), (ax + (bx - ax) * 2 / 3, ay + (by - ay) * 2 / 3)]
        curve += points
    return curve


def _long(text: str) -> str:
    """A quoted string in pieces: scanners have a limit for one token."""
    return " +\n    ".join(f'"{text[i : i + _CHUNK]}"' for i in range(0, len(text), _CHUNK))
