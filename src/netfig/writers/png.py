"""PNG from the SVG by resvg, with the fonts that ship with netfig and no others: the same bytes on every machine."""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

from netfig.errors import EngineFailed, InvalidInput
from netfig.layout.text import FONT_FILES
from netfig.writers.fonts import FAMILIES, font_path
from netfig.writers.options import PngOptions, SvgOptions
from netfig.writers.svg import PX_PER_PT, svg_text

if TYPE_CHECKING:
    from netfig.drawing import Drawing
    from netfig.theme import Theme

USUAL_DPI = 192.0  # two pixels for one of a web page
MAX_PIXELS = 60_000_000
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def write(drawing: Drawing, theme: Theme, options: PngOptions) -> bytes:
    """The drawing as a PNG file that knows its printed size.

    Raises:
        InvalidInput: the resolution asked for gives a picture too large to paint.
    """
    inches = drawing.width * drawing.scale / 72, drawing.height * drawing.scale / 72
    largest = (MAX_PIXELS / max(inches[0] * inches[1], 1e-9)) ** 0.5
    dpi = options.dpi or min(USUAL_DPI, largest)
    if not 1 <= dpi <= largest:
        raise InvalidInput(
            f"a picture of {inches[0] * dpi:,.0f} × {inches[1] * dpi:,.0f} pixels cannot be painted",
            where=f"png.dpi={options.dpi:g}",
            hint=f"choose a resolution from 1 to {largest:.0f}, or write SVG or PDF, which have no pixels",
        )
    return _with_resolution(_rendered(drawing, theme, dpi / 96, options.background), dpi)


def png_of(drawing: Drawing, theme: Theme, scale: float = 2.0) -> bytes:
    """The drawing as PNG, `scale` pixels for each pixel of a web page at 100 %."""
    return write(drawing, theme, PngOptions(dpi=96 * scale))


def render_svg(svg: str, zoom: float = 1.0) -> bytes:
    """Any SVG of ours as PNG, with the bundled fonts."""
    import resvg_py

    try:
        return bytes(
            resvg_py.svg_to_bytes(
                svg_string=svg,
                zoom=zoom,
                dpi=96,
                skip_system_fonts=True,
                font_files=[font_path(face) for face in FONT_FILES],
                font_family=FAMILIES["sans"],
                sans_serif_family=FAMILIES["sans"],
                serif_family=FAMILIES["serif"],
                monospace_family=FAMILIES["mono"],
            )
        )
    except ValueError as error:
        raise EngineFailed("the picture could not be painted", why=str(error)) from error


def _rendered(drawing: Drawing, theme: Theme, zoom: float, background: bool) -> bytes:
    options = SvgOptions(background=background, tooltips=False)
    width, height = drawing.width * drawing.scale * PX_PER_PT * zoom, drawing.height * drawing.scale * PX_PER_PT * zoom
    if min(width, height) < 1:
        raise InvalidInput(f"a picture of {width:.2f} × {height:.2f} pixels cannot be painted", hint="choose a larger size")
    return render_svg(svg_text(drawing, theme, options, bundled_fonts=True), zoom)


def _with_resolution(png: bytes, dpi: float) -> bytes:
    """Adds the ``pHYs`` chunk, right after the header, so that the picture prints at its true size."""
    end_of_header = len(_SIGNATURE) + 8 + 13 + 4
    per_metre = round(dpi / 0.0254)
    body = b"pHYs" + struct.pack(">IIB", per_metre, per_metre, 1)
    return png[:end_of_header] + struct.pack(">I", 9) + body + struct.pack(">I", zlib.crc32(body)) + png[end_of_header:]
