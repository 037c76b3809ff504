"""How wide a character is and where its ink ends, in the fonts netfig ships: read from tables beside them, a face at a time.

The tables are made by ``tools/measure_fonts.py``. Parsing a font would cost more than laying out a small figure.
"""

from __future__ import annotations

import os
import struct
import sys
import unicodedata
import zlib
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final

from netfig.drawing import Face

FONT_FILES: Final[dict[Face, str]] = {
    "sans": "LiberationSans-Regular.ttf",
    "sans-bold": "LiberationSans-Bold.ttf",
    "sans-italic": "LiberationSans-Italic.ttf",
    "serif": "LiberationSerif-Regular.ttf",
    "serif-italic": "LiberationSerif-Italic.ttf",
    "serif-bold": "LiberationSerif-Bold.ttf",
    "serif-bold-italic": "LiberationSerif-BoldItalic.ttf",
    "mono": "LiberationMono-Regular.ttf",
    "symbol": "DejaVuSans.ttf",
}
"""The file in ``netfig/fonts`` of each face."""

UNITS_PER_EM: Final = 2048
_FOLDER: Final = os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fonts")
_BIDI_CONTROLS: Final = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

Ink = tuple[float, float, float, float]
"""Left, right, below the baseline, above it; in em, all 0 where there is no ink."""


def packed(rows: Iterable[tuple[int, int, int, int, int, int]]) -> bytes:
    """The table of a face as it is stored: code point, advance, ink's left, right, bottom and top, sorted, column by column."""
    codes, *columns = zip(*rows, strict=True)
    count = len(codes)
    return zlib.compress(struct.pack(f"<I{count}I{5 * count}h", count, *codes, *(n for column in columns for n in column)), 9)


class _Table:
    """The characters of one face."""

    def __init__(self, file: str) -> None:
        with open(os.path.join(_FOLDER, file.removesuffix(".ttf") + ".metrics"), "rb") as stored:
            data = zlib.decompress(stored.read())
        self._count = struct.unpack_from("<I", data)[0]
        end = 4 + 4 * self._count
        self._codes, self._numbers = array("I", data[4:end]), array("h", data[end:])
        if sys.byteorder == "big":
            self._codes.byteswap()
            self._numbers.byteswap()

    def find(self, char: str) -> tuple[float, Ink] | None:
        """Advance and ink; ``None`` when the face lacks the character."""
        code, count = ord(char), self._count
        at = bisect_left(self._codes, code)
        if at == count or self._codes[at] != code:
            return None
        advance, left, right, bottom, top = (self._numbers[at + column * count] / UNITS_PER_EM for column in range(5))
        return advance, (left, right, bottom, top)


@cache
def _table(face: Face) -> _Table:
    return _Table(FONT_FILES[face])


@lru_cache(maxsize=8192)
def measure(char: str, face: Face) -> tuple[Face, float, Ink]:
    """The face that sets `char`, its advance and its ink, in em; what no face has is estimated."""
    found = _table(face).find(char)
    if found is not None:
        return (face, *found)
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return face, 0.0, (0.0, 0.0, 0.0, 0.0)
    found = _table("symbol").find(char)
    if found is not None:
        return ("symbol", *found)
    width = 1.0 if unicodedata.east_asian_width(char) in "WF" or ord(char) >= 0x1F000 else 0.66
    return "symbol", width, (0.0, width, -0.15, 0.8)


@lru_cache(maxsize=4096)
def clean(text: str) -> str:
    """`text` without characters that cannot be drawn: controls, bidirectional marks, halves of surrogate pairs."""
    if text.isascii() and text.isprintable():
        return text
    out = []
    for char in text:
        category = unicodedata.category(char)
        if char in "\t\n\r\u2028\u2029":
            out.append(" ")
        elif category == "Cs":
            out.append("\ufffd")
        elif category == "Cc" or char in _BIDI_CONTROLS or (ord(char) & 0xFFFE) == 0xFFFE or 0xFDD0 <= ord(char) <= 0xFDEF:
            continue
        else:
            out.append(char)
    return "".join(out)
