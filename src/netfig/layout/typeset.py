"""Text and formulas as glyphs with a place: rows of characters, scripts, accents, fractions, operators with limits, radicals.

The rules are TeX's (The TeXbook, chapters 17 and 18, appendix G) as far as fonts without tables for maths allow. Lengths are
points; `level` is 0 on a line, 1 within a fraction or a radical, 2 in scripts, where relations and operators stand close.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from typing import Final

from netfig.drawing import Face
from netfig.layout.formulas import DESCENDER, accented, fenced, fraction, limited, noted_below, primed, rooted, scripted
from netfig.layout.ink import AXIS, Block, flush, stretched
from netfig.layout.metrics import clean, measure
from netfig.layout.signs import CENTRED, Kind, gap, is_rtl, joins_nothing, kind_of, shift_of, spelled
from netfig.mathtext import MARKS, Accent, Big, Fence, Fraction, Mark, Piece, Root, Run, Script, Style, Text, Under, text_of
from netfig.records import dataclass

MAX_CHARACTERS = 400
"""A line longer than this is cut there and ends in an ellipsis."""

SCRIPT_SIZE = 0.66  # of the base, but not below
SCRIPT_MIN = 9.0
SYMBOL_SIZE: Final = {"bin": 0.9, "rel": 0.8}  # of serif letters, for signs of the symbol face
DEEPEST = 16  # what nests deeper is set as plain characters

_BIG: Final = {"Σ": ("∑", 1.4), "∑": ("∑", 1.4), "Π": ("∏", 1.4), "∏": ("∏", 1.4), "∫": ("∫", 1.5)}
_MARK_OF: Final = {char: mark for mark, char in MARKS.items()}
_TRANSPOSE: Final = "ᵀ⊤"
_PRIMES: Final = set("'′″")


@dataclass(slots=True)
class _Atom:
    """A block in its row; `spaced` is how many spaces were written before it, `said` the last sign of a word."""

    block: Block
    spaced: int = 0
    said: Kind = "ord"


class Setter:
    """Sets one line; `strong` sets all of it bold."""

    def __init__(self, strong: bool) -> None:
        self.strong = strong
        self.left = MAX_CHARACTERS

    @property
    def _upright(self) -> Face:
        return "serif-bold" if self.strong else "serif"

    def row(self, text: Text, size: float, level: int = 0, depth: int = 0) -> Block:
        """Pieces one after the other."""
        atoms = self._atoms(text if depth < DEEPEST else (Run(text_of(text), "math"),), size, level, depth)
        _settle_signs(atoms)
        out = Block()
        x = 0.0
        for i, atom in enumerate(atoms):
            block = atom.block
            if i:
                x += _space(atoms[i - 1].block, atom, size, level)
            if block.starts == "rel" and out.relation is None:
                out.relation = x
            out.put(block, x)
            x += block.width
        out.width = x
        if atoms:
            first, last = atoms[0].block, atoms[-1].block
            out.starts, out.reach, out.ends, out.lean = first.starts, first.reach, last.ends, last.lean
        return out

    def _atoms(self, text: Text, size: float, level: int, depth: int) -> list[_Atom]:
        atoms: list[_Atom] = []
        spaced = 0
        for piece in text:
            if isinstance(piece, Run) and piece.style.startswith("math"):
                spaced = self._maths(piece, size, atoms, spaced)
            elif isinstance(piece, Run):
                ending = piece.text.rstrip()[-1:]
                atoms.append(_Atom(self._words(piece.text, piece.style, size), said=kind_of(ending)))
                spaced = 0
            else:
                atoms.append(_Atom(self._piece(piece, size, level, depth + 1), spaced))
                spaced = 0
        return atoms

    def _cut(self, text: str) -> str:
        if self.left <= 0:
            return ""
        if len(text) > self.left:
            text, self.left = text[: self.left - 1] + "…", 0
        else:
            self.left -= len(text)
        return text

    # --- words ---

    def _words(self, text: str, style: Style, size: float) -> Block:
        """Characters in one style, without spaces at the ends of runs; a run has one face and one reading direction."""
        wanted: Face = "mono" if style == "code" else "sans-bold" if self.strong or style == "strong" else "sans"
        out = Block(starts="word", ends="word")
        pending: list[str] = []
        start, x, rtl = 0.0, 0.0, False
        current: Face = wanted
        for char in self._cut(clean(text)):
            face, advance, ink = measure(char, wanted)
            turns = is_rtl(char)
            if pending and (face != current or turns != rtl) and not (char == " " and rtl):
                flush(out, pending, current, size, start, x)
                pending, start = [], x
            if not pending:
                current, rtl = face, turns
            pending.append(char)
            x += advance * size
            out.grow(ink, size)
        flush(out, pending, current, size, start, x)
        out.width = x
        return out

    # --- characters of formulas ---

    def _maths(self, run: Run, size: float, atoms: list[_Atom], spaced: int) -> int:
        """Appends the characters of a maths run; how many spaces end it."""
        text = spelled(self._cut(clean(run.text)))
        i = 0
        while i < len(text):
            char, i = text[i], i + 1
            if char.isspace():
                spaced += 1
                continue
            if run.style == "math-upright" and char.isalpha():
                while i < len(text) and text[i].isalnum():
                    char, i = char + text[i], i + 1
            shift = shift_of(char)
            if shift and atoms and not spaced:
                while i < len(text) and shift_of(text[i]) == shift:
                    char, i = char + text[i], i + 1
                atoms[-1].block = self._small_letters(atoms[-1].block, char, shift, run.style, size)
                continue
            mark = _MARK_OF.get(text[i]) if i < len(text) and len(char) == 1 and char.isalpha() else None
            if mark is not None:
                atoms.append(_Atom(self._accent((Run(char, run.style),), mark, size, 2, 0), spaced))
                i += 1
            else:
                block = self._sign(char, run.style, size)
                if char == "," and text[i - 2 : i - 1].isdigit() and text[i : i + 1].isdigit():
                    block.starts = block.ends = "ord"  # 1,000
                atoms.append(_Atom(block, spaced))
            spaced = 0
        return spaced

    def _face(self, char: str, style: Style) -> Face:
        bold = self.strong or style == "math-bold"
        slants = (char.isalpha() and style != "math-upright" and not "Α" <= char <= "Ω") or char == "∂"
        if style == "math-bold" and not self.strong and not "α" <= char <= "ω":
            slants = False
        return ("serif-bold-italic" if slants else "serif-bold") if bold else ("serif-italic" if slants else "serif")

    def _sign(self, text: str, style: Style, size: float) -> Block:
        """One character, or the name of a function; signs of the symbol face are fitted to the letters."""
        kind = kind_of(text)
        out = Block(starts=kind, ends=kind)
        wanted = self._face(text[0], style)
        for char in text:
            face, advance, ink = measure(char, wanted)
            scaled, dy = size, 0.0
            if face == "symbol":
                least = min(size, SCRIPT_MIN) if char.isalnum() else 0.0
                scaled = max(least, size * (0.75 if char == "∗" else SYMBOL_SIZE.get(kind, 0.9)))
                if kind in ("bin", "rel", "open", "close") or char in CENTRED:
                    dy = (ink[2] + ink[3]) / 2 * scaled - AXIS * size
            out.put(Block.of(char, face, advance, ink, scaled), out.width, dy)
            out.width += advance * scaled
            if "italic" in face:
                out.lean, out.reach = max(0.0, ink[1] - advance) * scaled, max(0.0, -ink[0]) * scaled
        return out

    def _small_letters(self, base: Block, chars: str, shift: str, style: Style, size: float) -> Block:
        """A base with what was written in Unicode's small letters: ``ℝⁿ``, ``h₀``, ``Qᵀ``."""
        plain = unicodedata.normalize("NFKC", chars)
        small = self._transpose(size) if chars in _TRANSPOSE else self.row((Run(plain, style),), _small(size), 2)
        return scripted(base, small, Block(), size) if shift == "<sub>" else scripted(base, Block(), small, size)

    def _transpose(self, size: float) -> Block:
        return self._sign("T", "math-upright", _small(size))

    # --- formulas ---

    def _piece(self, piece: Piece, size: float, level: int, depth: int) -> Block:
        match piece:
            case Script(base, sub, sup):
                return self._script(base, sub, sup, size, level, depth)
            case Accent(base, mark):
                return self._accent(base, mark, size, level, depth)
            case Fraction(over, under):
                inner = size if level == 0 else _small(size)
                top, bottom = (self.row(part, inner, level + 1, depth) for part in (over, under))
                return fraction(top, bottom, size, small=level > 0)
            case Big(sign, below, above):
                return self._big(sign, below, above, size, level, depth)
            case Root(body):
                return rooted(self.row(body, size, max(level, 1), depth), size, self._upright)
            case Fence(left, body, right):
                return fenced(left, self.row(body, size, level, depth), right, size, self._upright)
            case Under(noted, note):
                return noted_below(self.row(noted, size, level, depth), self.row(note, _small(size), 2, depth), size)
            case Run():
                return self.row((piece,), size, level, depth)

    def _script(self, base: Text, sub: Text, sup: Text, size: float, level: int, depth: int) -> Block:
        body, below = self.row(base, size, level, depth), self.row(sub, _small(size), 2, depth)
        raised = text_of(sup).strip()
        if raised and set(raised) <= _PRIMES:
            return primed(body, below, self.row(sup, size, 2, depth), size)
        above = self._transpose(size) if raised and raised in _TRANSPOSE else self.row(sup, _small(size), 2, depth)
        return scripted(body, below, above, size, depth=DESCENDER * _small(size))

    def _accent(self, base: Text, mark: Mark, size: float, level: int, depth: int) -> Block:
        only = base[0] if len(base) == 1 else None
        is_letter = isinstance(only, Run) and len(only.text) == 1
        if isinstance(only, Run) and is_letter and mark in ("hat", "tilde", "dot"):
            whole = unicodedata.normalize("NFC", only.text + MARKS[mark])  # where the face has one it is the best
            if len(whole) == 1 and measure(whole, self._face(whole, only.style))[0] != "symbol":
                return self.row((Run(whole, only.style),), size, level, depth)
        return accented(self.row(base, size, max(level, 1), depth), mark, size, is_letter=is_letter)

    def _big(self, sign: str, below: Text, above: Text, size: float, level: int, depth: int) -> Block:
        """A large operator: limits below and above it on a line, at its side where there is less room."""
        char, growth = _BIG.get(sign, (self._cut(clean(sign)) or " ", 1.0))
        if len(char) == 1 and not char.isalpha():
            body = stretched(char, self._upright, size * (growth if level == 0 else 1.0), size)
        else:
            body = self._sign(char, "math-upright", size)
        body.starts = body.ends = "op"
        low, high = self.row(below, _small(size), 2, depth), self.row(above, _small(size), 2, depth)
        return scripted(body, low, high, size) if level > 0 or char == "∫" else limited(body, low, high, size)


def _small(size: float) -> float:
    return min(size, max(SCRIPT_MIN, size * SCRIPT_SIZE))


def _settle_signs(atoms: Sequence[_Atom]) -> None:
    """Signs with nothing to join are no operators."""
    before: Kind = "open"
    for i, atom in enumerate(atoms):
        block = atom.block
        after = atoms[i + 1].block.starts if i + 1 < len(atoms) else "close"
        if block.starts == "bin" and joins_nothing(before, after):
            block.starts = block.ends = "ord"
        before = atom.said if block.ends == "word" else block.ends


def _space(left: Block, atom: _Atom, size: float, level: int) -> float:
    """The space between neighbours in a row."""
    right = atom.block
    space = gap(left.ends, right.starts, typed=atom.spaced, in_script=level > 1)
    if space:
        return space * size
    # an upright sign keeps clear of an italic letter that stands out of its width
    if right.reach is None and left.lean:
        return left.lean
    return right.reach if left.lean is None and right.reach else 0.0
