"""Measuring text with the fonts netfig ships, so that the same figure has the same geometry on every machine.

`set_line` turns a `Text` into runs of glyphs, one face and size each, with their place from the start of the line. A character
that its face lacks is set in the symbol face; one that no face has is given an estimated width. Widths are sums of advances:
no kerning and no shaping, so a writer draws each run at the `x` it is given.
"""

from __future__ import annotations

import io
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib import resources
from typing import Any

from netfig.drawing import Face, Glyphs
from netfig.mathtext import Run, Text

FONT_FILES: dict[Face, str] = {
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

MAX_CHARACTERS = 400
"""A line longer than this is cut there and ends in an ellipsis."""

SCRIPT_SIZE = 0.66  # of the base, but not below
SCRIPT_MIN = 9.0
SUB_SHIFT = 0.2  # em of the base, down
SUP_SHIFT = 0.36  # em of the base, up
CAP_HEIGHT = 0.69  # em; text is centred on its capitals so that words with and without descenders share a baseline

_BIDI_CONTROLS = set("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


@dataclass(frozen=True, slots=True)
class SetLine:
    """A measured line: runs from x = 0 on a baseline at 0; `ascent` and `descent` are its ink above and below it."""

    width: float
    ascent: float
    descent: float
    runs: tuple[Glyphs, ...]

    @property
    def text(self) -> str:
        """The characters that are set."""
        return "".join(run.text for run in self.runs)


class _Font:
    """Advances and ink heights of one face, in em, read when first asked for."""

    def __init__(self, file: str) -> None:
        from fontTools.ttLib import TTFont

        data = resources.files("netfig").joinpath("fonts", file).read_bytes()
        font = TTFont(io.BytesIO(data), lazy=True)
        self._font: Any = font
        self._em = float(font["head"].unitsPerEm)
        self._cmap: dict[int, str] = font.getBestCmap()
        self._metrics: dict[str, tuple[int, int]] = font["hmtx"].metrics
        self._known: dict[str, tuple[float, float, float] | None] = {}

    def measure(self, char: str) -> tuple[float, float, float] | None:
        """Advance, ink above the baseline and ink below it; ``None`` when the face lacks the character."""
        if char not in self._known:
            name = self._cmap.get(ord(char))
            if name is None:
                self._known[char] = None
            else:
                glyph = self._font["glyf"][name]
                top, bottom = (glyph.yMax, glyph.yMin) if glyph.numberOfContours else (0, 0)
                self._known[char] = (self._metrics[name][0] / self._em, top / self._em, -bottom / self._em)
        return self._known[char]


@cache
def _font(face: Face) -> _Font:
    return _Font(FONT_FILES[face])


@lru_cache(maxsize=8192)
def glyph(char: str, face: Face) -> tuple[Face, float, float, float]:
    """The face that sets `char`, its advance, and its ink above and below the baseline, in em."""
    found = _font(face).measure(char)
    if found is not None:
        return (face, *found)
    if unicodedata.combining(char) or unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return (face, 0.0, 0.0, 0.0)
    found = _font("symbol").measure(char)
    if found is not None:
        return ("symbol", *found)
    wide = unicodedata.east_asian_width(char) in "WF" or ord(char) >= 0x1F000
    return ("symbol", 1.0 if wide else 0.66, 0.8, 0.15)


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


def _is_rtl(char: str) -> bool:
    return unicodedata.bidirectional(char) in ("R", "AL")


class _Setter:
    """Collects runs, without spaces at their ends: neighbours in one face, size, shift and reading direction become one."""

    def __init__(self, strong: bool) -> None:
        self.strong = strong
        self.left = MAX_CHARACTERS
        self.runs: list[Glyphs] = []
        self.ascent = self.descent = 0.0

    def face(self, style: str, char: str) -> Face:
        if style == "math":
            letter = char.isalpha()
            if self.strong:
                return "serif-bold-italic" if letter else "serif-bold"
            return "serif-italic" if letter else "serif"
        if style == "code":
            return "mono"
        return "sans-bold" if self.strong or style == "strong" else "sans"

    def characters(self, text: str, style: str, size: float, x: float, dy: float) -> float:
        if self.left <= 0:
            return x
        text = clean(text)
        if len(text) > self.left:
            text, self.left = text[: self.left - 1] + "…", 0
        else:
            self.left -= len(text)
        pending: list[str] = []
        start, rtl = x, False
        current: Face = "sans"
        for char in text:
            face, advance, up, down = glyph(char, self.face(style, char))
            turns = _is_rtl(char)
            if pending and (face != current or turns != rtl) and not (char == " " and rtl):
                self._flush(pending, current, size, start, dy, x)
                pending, start = [], x
            if not pending:
                current, rtl = face, turns
            pending.append(char)
            x += advance * size
            self.ascent = max(self.ascent, up * size - dy)
            self.descent = max(self.descent, down * size + dy)
        if pending:
            self._flush(pending, current, size, start, dy, x)
        return x

    def _flush(self, pending: list[str], face: Face, size: float, start: float, dy: float, end: float) -> None:
        while pending and pending[-1].isspace():
            end -= glyph(pending.pop(), face)[1] * size
        while pending and pending[0].isspace():
            start += glyph(pending.pop(0), face)[1] * size
        if pending:
            self.runs.append(Glyphs("".join(pending), face, size, round(start, 3), round(dy, 3), round(end - start, 3)))

    def text(self, text: Text, size: float, x: float, dy: float) -> float:
        for piece in text:
            if isinstance(piece, Run):
                x = self.characters(piece.text, piece.style, size, x, dy)
                continue
            x = self.text(piece.base, size, x, dy)
            small = min(size, max(SCRIPT_MIN, size * SCRIPT_SIZE))
            ends = [x]
            if piece.sub:
                ends.append(self.text(piece.sub, small, x + 0.3, dy + SUB_SHIFT * size) + 0.4)
            if piece.sup:
                # clear of an italic base's lean
                ends.append(self.text(piece.sup, small, x + 0.06 * size, dy - SUP_SHIFT * size) + 0.4)
            x = max(ends)
        return x


@lru_cache(maxsize=4096)
def set_line(text: Text, size: float, *, strong: bool = False) -> SetLine:
    """Measures one line of text at `size` points; `strong` sets all of it bold."""
    setter = _Setter(strong)
    width = setter.text(text, size, 0.0, 0.0)
    return SetLine(round(width, 3), round(setter.ascent, 3), round(setter.descent, 3), tuple(setter.runs))
