"""PDF straight from the Drawing by reportlab: vector, true size, selectable text in embedded subsets, and no date."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Any

from netfig.drawing import Drawing, Face, Label, Line, Shape
from netfig.layout.metrics import FONT_FILES, clean, measure
from netfig.writers import paint
from netfig.writers.fonts import font_path
from netfig.writers.options import PdfOptions

if TYPE_CHECKING:
    from netfig.theme import Theme

LARGEST_PAGE = 14_400.0  # points; readers refuse a longer side
_METADATA_LIMIT = 4000
_UNSEEN = ("Mn", "Me", "Cf")


def write(drawing: Drawing, theme: Theme, options: PdfOptions) -> bytes:
    """The drawing as a one-page PDF of its printed size."""
    from reportlab.pdfgen.canvas import Canvas

    _register_fonts()
    scale = min(drawing.scale, LARGEST_PAGE / max(drawing.width, drawing.height, 1.0))
    size = (max(drawing.width * scale, 1.0), max(drawing.height * scale, 1.0))
    canvas = Canvas("", pagesize=size, pageCompression=1, invariant=1, initialFontName=_font_name("sans"))
    _describe(canvas, drawing, options)
    canvas.scale(scale, scale)
    _Pdf(canvas, drawing, theme).draw(options.background)
    canvas.showPage()
    data: bytes = canvas.getpdfdata()
    return data


def _describe(canvas: Any, drawing: Drawing, options: PdfOptions) -> None:
    """Title and alt text in the document's properties; no date and no name of a machine or user."""
    from reportlab.pdfbase.pdfdoc import PDFDictionary, PDFInfo, PDFString

    title, alt, author = (clean(text)[:_METADATA_LIMIT] for text in (drawing.title, drawing.alt, options.author))

    class Info(PDFInfo):  # type: ignore[misc]
        """Properties without a date."""

        def format(self, document: Any) -> Any:
            entries = {"Title": title, "Subject": alt, "Author": author, "Creator": "netfig", "Producer": "ReportLab"}
            return PDFDictionary({key: PDFString(text) for key, text in entries.items() if text}).format(document)

    info = Info()
    info.title, info.subject, info.author = title, alt, author
    canvas._doc.info = info


def _font_name(face: Face) -> str:
    return f"netfig-{face}"


def _register_fonts() -> None:
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    known = set(pdfmetrics.getRegisteredFontNames())
    for face in FONT_FILES:
        if _font_name(face) not in known:
            pdfmetrics.registerFont(TTFont(_font_name(face), font_path(face)))


class _Pdf:
    """Draws items on a canvas; `y` grows downwards in the drawing and upwards on the canvas."""

    def __init__(self, canvas: Any, drawing: Drawing, theme: Theme) -> None:
        self.canvas, self.drawing, self.theme = canvas, drawing, theme

    def draw(self, background: bool) -> None:
        from reportlab.lib.colors import HexColor

        self.colour = HexColor
        drawing = self.drawing
        if background:
            self.canvas.setFillColor(self.colour(self.theme.page))
            self.canvas.rect(0, 0, drawing.width, drawing.height, stroke=0, fill=1)
        for item in drawing.items:
            if isinstance(item, Shape):
                self._shape(item)
            elif isinstance(item, Line):
                self._line(item)
            else:
                self._label(item)

    def _y(self, y: float) -> float:
        return self.drawing.height - y

    def _pen(self, paints: paint.Paint) -> None:
        self.canvas.setStrokeColor(self.colour(paints.stroke))
        self.canvas.setLineWidth(paints.width)
        if paints.dashed:
            self.canvas.setDash(*paint.DASH)
        else:
            self.canvas.setDash()

    def _shape(self, shape: Shape) -> None:
        paints = paint.shape_paint(shape, self.theme)
        stroked = paints.stroke is not None and paints.width > 0
        if paints.fill and paints.pattern != "none":
            self.canvas.setFillColor(self.colour(paints.fill))
            self._outline(shape, stroke=0, fill=1)
            self._hatch(shape, paints)
            filled = False
        else:
            filled = paints.fill is not None
        if filled:
            self.canvas.setFillColor(self.colour(paints.fill))
        if stroked:
            self._pen(paints)
        if stroked or filled:
            self._outline(shape, stroke=int(stroked), fill=int(filled))

    def _outline(self, shape: Shape, *, stroke: int, fill: int) -> None:
        self.canvas.setLineJoin(1 if shape.kind == "polygon" else 0)
        self.canvas.drawPath(self._path(shape), stroke=stroke, fill=fill)
        self.canvas.setLineJoin(0)

    def _path(self, shape: Shape) -> Any:
        path = self.canvas.beginPath()
        left, top, right, bottom = shape.bounds
        if shape.kind == "polygon":
            path.moveTo(shape.points[0][0], self._y(shape.points[0][1]))
            for x, y in shape.points[1:]:
                path.lineTo(x, self._y(y))
            path.close()
        elif shape.kind == "ellipse":
            path.ellipse(left, self._y(bottom), right - left, bottom - top)
        elif radius := paint.rounded_radius(shape):
            path.roundRect(left, self._y(bottom), right - left, bottom - top, radius)
        else:
            path.rect(left, self._y(bottom), right - left, bottom - top)
        return path

    def _hatch(self, shape: Shape, paints: paint.Paint) -> None:
        canvas = self.canvas
        canvas.setLineWidth(paint.HATCH_WIDTH)
        canvas.setDash()
        canvas.setStrokeColor(self.colour(paints.ink))
        canvas.setFillColor(self.colour(paints.ink))
        for a, b in paint.hatch_lines(shape, paints.pattern):
            canvas.line(a[0], self._y(a[1]), b[0], self._y(b[1]))
        for x, y in paint.hatch_dots(shape, paints.pattern):
            canvas.circle(x, self._y(y), paint.DOT_RADIUS, stroke=0, fill=1)

    def _line(self, line: Line) -> None:
        paints = paint.line_paint(line, self.theme)
        head = paint.head_length(line, self.theme)
        segments = paint.line_path(line, head)
        if segments and paints.width > 0:
            self._pen(paints)
            path = self.canvas.beginPath()
            for verb, points in segments:
                draw = {"M": path.moveTo, "L": path.lineTo, "C": path.curveTo}[verb]
                draw(*(c for x, y in points for c in (x, self._y(y))))
            self.canvas.drawPath(path, stroke=1, fill=0)
        if head:
            corners = paint.head_polygon(line, head)
            path = self.canvas.beginPath()
            path.moveTo(corners[0][0], self._y(corners[0][1]))
            for x, y in corners[1:]:
                path.lineTo(x, self._y(y))
            path.close()
            self.canvas.setFillColor(self.colour(paints.stroke))
            self.canvas.drawPath(path, stroke=0, fill=1)

    def _label(self, label: Label) -> None:
        self.canvas.setFillColor(self.colour(paint.text_colour(label, self.theme)))
        for run in paint.merged_runs(label).runs:
            self.canvas.setFont(_font_name(run.face), run.size)
            at = self.canvas.beginText(run.x, self._y(label.baseline + run.dy))
            if run.squeeze != 1:
                at.setHorizScale(100 * run.squeeze)
            at.textOut(visual_order(drawable(run.text, run.face)))
            if run.squeeze != 1:
                at.setHorizScale(100)  # it would hold for what comes next
            self.canvas.drawText(at)
        for rule in label.rules:
            bottom = label.baseline + rule.dy + rule.height
            self.canvas.rect(rule.x, self._y(bottom), rule.width, rule.height, stroke=0, fill=1)


def drawable(text: str, face: Face) -> str:
    """The text with accents joined to their letters, without marks and joiners the face lacks: they would show as boxes."""
    text = text if text.isascii() else unicodedata.normalize("NFC", text)
    return "".join(c for c in text if c.isascii() or unicodedata.category(c) not in _UNSEEN or _is_known(c, face))


def visual_order(text: str) -> str:
    """A run in the order it is painted, left to right: PDF places glyphs and knows no reading direction.

    The layout puts right-to-left letters into runs of their own; marks stay behind the letter they belong to.
    """
    if not any(unicodedata.bidirectional(char) in ("R", "AL") for char in text):
        return text
    clusters: list[str] = []
    for char in text:
        if clusters and unicodedata.combining(char):
            clusters[-1] += char
        else:
            clusters.append(char)
    return "".join(reversed(clusters))


def _is_known(char: str, face: Face) -> bool:
    """Whether something is painted for a character."""
    _, advance, ink = measure(char, face)
    return bool(advance) or any(ink)
