"""SVG straight from the Drawing, with explicit attributes only: the same picture in browsers, resvg and editors.

Scripts are real ``<tspan>``s with their own size, ``x`` and ``y`` (readers disagree about ``baseline-shift``), arrowheads are
polygons (readers disagree about markers), and nothing refers to anything outside the file.
"""

from __future__ import annotations

import json
import re
import zlib
from typing import TYPE_CHECKING

from netfig.drawing import Drawing, Glyphs, Item, Label, Line, Shape
from netfig.layout.text import clean
from netfig.writers import fonts, paint
from netfig.writers.grouping import by_owner, owner
from netfig.writers.options import SvgOptions
from netfig.writers.paint import number as n

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netfig.theme import Theme

PX_PER_PT = 96 / 72
_GENERIC = frozenset({"serif", "sans-serif", "monospace", "cursive", "fantasy", "system-ui", "math"})
_ANCHORS = {"left": (0.0, ""), "center": (0.5, ' text-anchor="middle"'), "right": (1.0, ' text-anchor="end"')}
_TOOLTIP_LIMIT = 2000


def write(drawing: Drawing, theme: Theme, options: SvgOptions) -> bytes:
    """The drawing as an SVG file."""
    return svg_text(drawing, theme, options).encode("utf-8")


def svg_text(drawing: Drawing, theme: Theme, options: SvgOptions | None = None, *, bundled_fonts: bool = False) -> str:
    """The drawing as SVG source; with `bundled_fonts` it names only the fonts that ship with netfig."""
    return _Svg(drawing, theme, options or SvgOptions(), bundled_fonts).text()


def attribute(value: str) -> str:
    """Any text as the inside of a quoted attribute."""
    return escape(clean(value)).replace('"', "&quot;")


def escape(value: str) -> str:
    """Any text as the content of an element."""
    return value.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


class _Svg:
    """One file in the making."""

    def __init__(self, drawing: Drawing, theme: Theme, options: SvgOptions, bundled_fonts: bool) -> None:
        self.drawing, self.theme, self.options = drawing, theme, options
        self.items = drawing.items
        self.embedded = fonts.embedded(self.items) if options.embed_fonts else ()
        stacks = {"sans": theme.sans, "serif": theme.serif, "mono": theme.mono, "symbol": theme.symbol}
        if bundled_fonts:
            stacks = {key: (name,) for key, name in fonts.FAMILIES.items()}
        for font in self.embedded:
            key = font.face.partition("-")[0]
            stacks[key] = (font.family, *(name for name in stacks[key] if name != font.family))
        self.stacks = {key: font_stack(names) for key, names in stacks.items()}
        self.out: list[str] = []
        self.ids: set[str] = set()

    def text(self) -> str:
        drawing, options = self.drawing, self.options
        mark = f"{zlib.crc32(repr((drawing.title, drawing.alt)).encode('utf-8', 'replace')):08x}"
        title, desc = (self._unique(f"{word}-{mark}") for word in ("title", "desc"))
        px = drawing.scale * PX_PER_PT
        described = f'role="img" aria-labelledby="{title} {desc}"'
        font = f'font-family="{attribute(self.stacks["sans"])}" text-rendering="geometricPrecision"'
        # the layout sums plain advances, so a reader must not kern or join letters
        self.out = [
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{n(drawing.width * px)}" height="{n(drawing.height * px)}" '
            f'viewBox="0 0 {n(drawing.width)} {n(drawing.height)}" {described} {font} '
            'style="font-kerning:none;font-variant-ligatures:none">',
            f'<title id="{title}">{escape(clean(drawing.title))}</title>',
            f'<desc id="{desc}">{escape(clean(drawing.alt))}</desc>',
        ]
        if self.embedded:
            self.out += ["<style>", *(font.rule for font in self.embedded), "</style>"]
        if options.background:
            self.out.append(f'<rect width="{n(drawing.width)}" height="{n(drawing.height)}" fill="{self.theme.page}"/>')
        for group in by_owner(self.items):
            self._group(group)
        self.out.append("</svg>")
        return "\n".join(self.out) + "\n"

    def _unique(self, wanted: str) -> str:
        """An element id no other element has; readable, and safe in a URL fragment, a selector and XML."""
        base = re.sub(r"[^A-Za-z0-9_.-]+", "_", self.options.id_prefix + wanted[:200])
        base = base if re.match(r"[A-Za-z_]", base) else f"_{base}"
        name, count = base, 1
        while name in self.ids:
            count += 1
            name = f"{base}-{count}"
        self.ids.add(name)
        return name

    # --- groups ---

    def _group(self, items: Sequence[Item]) -> None:
        first = items[0]
        box = owner(first)
        whole = any(isinstance(i, Shape) and i.part == "" for i in items)
        stands_for = next((i.stands_for for i in items if not isinstance(i, Label) and i.stands_for), ())
        attributes = f'id="{self._unique((box if whole else "") or first.id)}"'
        if isinstance(first, Line):
            ends = (("source", first.source), ("target", first.target))
            attributes += "".join(f' data-{key}="{attribute(value)}"' for key, value in ends if value)
        if stands_for:
            attributes += f' data-id="{attribute(stands_for[0])}"'
        elif box:
            attributes += f' data-id="{attribute(box)}"'
        if len(stands_for) > 1:
            attributes += f' data-ids="{attribute(json.dumps(stands_for, ensure_ascii=False))}"'
        self.out.append(f"<g {attributes}>")
        tooltip = next((i.tooltip for i in items if not isinstance(i, Label) and i.tooltip), "")
        if tooltip and self.options.tooltips:
            lines = [clean(part) for part in tooltip[:_TOOLTIP_LIMIT].splitlines()]
            self.out.append(f"<title>{escape(chr(10).join(lines))}</title>")
        for item in items:
            if isinstance(item, Shape):
                self._shape(item)
            elif isinstance(item, Line):
                self._line(item)
            else:
                self._label(item)
        self.out.append("</g>")

    # --- shapes ---

    def _shape(self, shape: Shape) -> None:
        paints = paint.shape_paint(shape, self.theme)
        hatched = paints.fill is not None and paints.pattern != "none"
        fill = f'fill="{paints.fill or "none"}"'
        if not hatched:
            self.out.append(_outline(shape, fill + _stroke(paints)))
            return
        self.out.append(_outline(shape, fill))
        self.out += _hatch(shape, paints)
        if stroke := _stroke(paints):
            self.out.append(_outline(shape, 'fill="none"' + stroke))

    # --- lines ---

    def _line(self, line: Line) -> None:
        paints = paint.line_paint(line, self.theme)
        head = paint.head_length(line, self.theme)
        path = "".join(f"{verb}{' '.join(f'{n(x)},{n(y)}' for x, y in points)}" for verb, points in paint.line_path(line, head))
        if path:
            self.out.append(f'<path d="{path}" fill="none"{_stroke(paints)}/>')
        if head:
            corners = " ".join(f"{n(x)},{n(y)}" for x, y in paint.head_polygon(line, head))
            self.out.append(f'<polygon points="{corners}" fill="{paints.stroke}"/>')

    # --- text ---

    def _label(self, label: Label) -> None:
        colour = paint.text_colour(label, self.theme)
        if label.rules:
            bars = "".join(f"M{n(r.x)},{n(label.baseline + r.dy)}h{n(r.width)}v{n(r.height)}h{n(-r.width)}z" for r in label.rules)
            self.out.append(f'<path d="{bars}" fill="{colour}"/>')
        runs = [run for run in paint.merged_runs(label).runs if run.text]
        for run in (run for run in runs if run.squeeze != 1):
            place = f'transform="translate({n(run.x)} {n(label.baseline + run.dy)}) scale({n(run.squeeze)} 1)"'
            self.out.append(f'<text {place}{self._font(run)} fill="{colour}">{escape(run.text)}</text>')
        runs = [run for run in runs if run.squeeze == 1]
        if not runs:
            return
        # Each run has a place of its own: readers disagree on how `dx` counts in centred text, and resvg sets a whole stretch
        # in the fallback font when one character of it needs that.
        share, anchor = _ANCHORS[label.align]
        main = max(runs, key=lambda run: (run.dy == 0, run.width))
        preserve = ' xml:space="preserve"' if any(r.text != " ".join(r.text.split()) for r in runs) else ""
        look = f'{anchor}{self._font(main)} fill="{colour}"{preserve}'
        places = [f'x="{n(run.x + share * run.width)}" y="{n(label.baseline + run.dy)}"' for run in runs]
        if len(runs) == 1:
            self.out.append(f"<text {places[0]}{look}>{escape(runs[0].text)}</text>")
            return
        parts = [
            f"<tspan {place}{self._font(run, than=main)}>{escape(run.text)}</tspan>"
            for run, place in zip(runs, places, strict=True)
        ]
        self.out.append(f"<text {places[0]}{look}>{''.join(parts)}</text>")

    def _font(self, run: Glyphs, than: Glyphs | None = None) -> str:
        """The font attributes of a run, or only those that differ from another's."""
        wanted, other = _font_of(run), _font_of(than) if than else ("sans", "normal", "normal", None)
        found = []
        if wanted[0] != other[0]:
            found.append(f' font-family="{attribute(self.stacks[wanted[0]])}"')
        if wanted[1] != other[1]:
            found.append(f' font-weight="{wanted[1]}"')
        if wanted[2] != other[2]:
            found.append(f' font-style="{wanted[2]}"')
        if wanted[3] != other[3]:
            found.append(f' font-size="{n(run.size)}"')
        return "".join(found)


def font_stack(names: Iterable[str]) -> str:
    """A CSS font list: generic families bare, every other name in single quotes."""
    plain = (re.sub(r"""[\\'"<>;{}]""", "", clean(name)).strip() for name in names)
    return ", ".join(name if name in _GENERIC else f"'{name}'" for name in plain if name)


def _font_of(run: Glyphs) -> tuple[str, str, str, float | None]:
    family, _, variant = run.face.partition("-")
    return family, "bold" if "bold" in variant else "normal", "italic" if "italic" in variant else "normal", run.size


def _stroke(paints: paint.Paint) -> str:
    if paints.stroke is None or paints.width <= 0:
        return ""
    dashes = f' stroke-dasharray="{" ".join(n(d) for d in paint.DASH)}"' if paints.dashed else ""
    return f' stroke="{paints.stroke}" stroke-width="{n(paints.width)}"{dashes}'


def _outline(shape: Shape, look: str) -> str:
    left, top, right, bottom = shape.bounds
    if shape.kind == "polygon":
        return f'<polygon points="{" ".join(f"{n(x)},{n(y)}" for x, y in shape.points)}" {look} stroke-linejoin="round"/>'
    if shape.kind == "ellipse":
        place = f'cx="{n((left + right) / 2)}" cy="{n((top + bottom) / 2)}"'
        return f'<ellipse {place} rx="{n((right - left) / 2)}" ry="{n((bottom - top) / 2)}" {look}/>'
    radius = paint.rounded_radius(shape)
    corner = f' rx="{n(radius)}"' if radius else ""
    return f'<rect x="{n(left)}" y="{n(top)}" width="{n(right - left)}" height="{n(bottom - top)}"{corner} {look}/>'


def _hatch(shape: Shape, paints: paint.Paint) -> list[str]:
    """The pattern as plain strokes: readers tile a ``<pattern>`` differently, resvg with breaks at the seams."""
    strokes = "".join(f"M{n(a[0])},{n(a[1])}L{n(b[0])},{n(b[1])}" for a, b in paint.hatch_lines(shape, paints.pattern))
    dots = "".join(f"M{n(x)},{n(y)}h.01" for x, y in paint.hatch_dots(shape, paints.pattern))
    found = []
    if strokes:
        found.append(f'<path d="{strokes}" fill="none" stroke="{paints.ink}" stroke-width="{n(paint.HATCH_WIDTH)}"/>')
    if dots:
        width = n(2 * paint.DOT_RADIUS)
        found.append(f'<path d="{dots}" fill="none" stroke="{paints.ink}" stroke-width="{width}" stroke-linecap="round"/>')
    return found
