"""Writes ``src/netfig/fonts/*.metrics`` from the fonts beside them; ``--check`` says which are stale and writes nothing.

What a layout needs of a font is how far each character advances and where its ink ends. Read from the font itself that costs a
program start many times what a drawing does. The format is what `netfig.layout.metrics` reads.
"""

from __future__ import annotations

import sys
from pathlib import Path

from fontTools.ttLib import TTFont

from netfig.layout.metrics import UNITS_PER_EM, packed

FONTS = Path(__file__).parent.parent / "src" / "netfig" / "fonts"


def measured(file: Path) -> list[tuple[int, int, int, int, int, int]]:
    """Code point, advance, and the ink's left, right, bottom and top of every character, in `UNITS_PER_EM`."""
    with TTFont(file) as font:
        assert font["head"].unitsPerEm == UNITS_PER_EM, f"{file.name} has other units"
        found = []
        for code, name in sorted(font.getBestCmap().items()):
            glyph = font["glyf"][name]
            ink = (glyph.xMin, glyph.xMax, glyph.yMin, glyph.yMax) if glyph.numberOfContours else (0, 0, 0, 0)
            found.append((code, font["hmtx"].metrics[name][0], *ink))
    return found


def main() -> int:
    """Write, or check."""
    stale = []
    for font in sorted(FONTS.glob("*.ttf")):
        file, data = font.with_suffix(".metrics"), packed(measured(font))
        if not file.exists() or file.read_bytes() != data:
            stale.append(file.name)
            if "--check" not in sys.argv[1:]:
                file.write_bytes(data)
    if stale and "--check" in sys.argv[1:]:
        print("stale:", *stale, "(run tools/measure_fonts.py)", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
