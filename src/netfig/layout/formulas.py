"""What is built of blocks: scripts, accents, fractions, limits, radicals and tall brackets. Lengths are points, `size` the em."""

from __future__ import annotations

from typing import Final

from netfig.drawing import Face
from netfig.layout.ink import AXIS, Block, stretched
from netfig.layout.metrics import clean, measure

SUB_SHIFT, SUP_SHIFT = 0.2, 0.36  # em of the base, down and up
DESCENDER = 0.19  # em of a script: as deep as a Q reaches
SCRIPT_GAP = 0.08  # em between a subscript and the superscript over it
RULE = 0.05  # em: as thick as a minus
ACCENT_GAP = 0.08  # em between a letter and the mark over it
LETTER_SLANT = 0.29  # of italic letters: a mark over a tall one stands further to the right
FRACTION_UP, FRACTION_DOWN = 0.677, 0.686  # em from the line's baseline to the numerator's and the denominator's
SMALL_FRACTION_UP, SMALL_FRACTION_DOWN = 0.44, 0.34  # the same for one in scripts
FRACTION_GAP = 0.13  # em between the bar and the ink over and under it
NOTE_APART = 0.4  # em between the notes of neighbours
NOTE_DOWN = 0.36  # em from the baseline to where a note below begins, at least
LIMIT_GAP = 0.14  # em between a large operator and its limits
FENCE_COVERS = 0.92  # of what it holds, as TeX's delimiterfactor
SYMBOL_FENCE = 0.9  # of a serif bracket's size

_ACCENTS: Final = {"hat": "ˆ", "tilde": "˜", "dot": "˙", "vector": "→"}


def scripted(body: Block, sub: Block, sup: Block, size: float, *, depth: float = 0.0) -> Block:
    """A base with its scripts, which keep clear of tall bases and of each other; a blank one is left out.

    The subscript leaves `depth` under the line of the superscript for a descender, needed or not: pairs are of one height.
    """
    out = Block(body.width, starts=body.starts, ends=body.ends, reach=body.reach)
    out.put(body, 0.0)
    tall = not body.is_blank and (body.ascent > 0.75 * size or body.descent > 0.3 * size)
    down = max(SUB_SHIFT * size, body.descent + 0.05 * size) if tall else SUB_SHIFT * size
    up = max(SUP_SHIFT * size, body.ascent - 0.39 * size) if tall else SUP_SHIFT * size
    if not (sub.is_blank or sup.is_blank):
        down += max(0.0, SCRIPT_GAP * size - ((up - max(sup.descent, depth)) + (down - sub.ascent)))
    if not sub.is_blank:
        out.put(sub, body.width + 0.3 + (sub.reach or 0.0), down)
        out.width = body.width + 0.7 + (sub.reach or 0.0) + sub.width
    if not sup.is_blank:
        at = body.width + max(body.lean or 0.0, 0.03 * size) + 0.02 * size
        out.put(sup, at, -up)
        out.width = max(out.width, at + sup.width + 0.4)
    return out


def primed(body: Block, sub: Block, primes: Block, size: float) -> Block:
    """A base with primes, which are raised and small by themselves, and a subscript under them."""
    out = scripted(body, sub, Block(), size)
    at = body.width + (body.lean or 0.0)
    out.put(primes, at)
    out.width = max(out.width, at + primes.width)
    return out


def accented(body: Block, mark: str, size: float, *, is_letter: bool) -> Block:
    """A base with a mark over its middle; over a single italic letter it follows the slant."""
    out = Block(body.width, starts=body.starts, ends=body.ends, lean=body.lean, reach=body.reach)
    out.put(body, 0.0)
    top = max(body.ascent, 0.46 * size)  # at least over the small letters
    middle = body.width / 2 + (LETTER_SLANT * (top - AXIS * size) if body.lean is not None and is_letter else 0.0)
    if mark == "bar":
        width = max(0.32 * size, body.width * 0.8) if is_letter else body.width * 0.9
        out.rule(middle - width / 2, top + (0.12 + RULE) * size, width, RULE * size)
        return out
    scaled = size * (0.62 if mark == "vector" else 1.0)
    bold = bool(body.runs) and "bold" in body.runs[0].face
    face, advance, ink = measure(_ACCENTS[mark], "serif-bold" if bold else "serif")
    dy = ink[2] * scaled - (top + ACCENT_GAP * size)
    out.put(Block.of(_ACCENTS[mark], face, advance, ink, scaled), middle - (ink[0] + ink[1]) / 2 * scaled, dy)
    return out


def fraction(over: Block, under: Block, size: float, *, small: bool) -> Block:
    """One block over another with a bar on the axis between them."""
    thick = RULE * size
    up, down = (SMALL_FRACTION_UP, SMALL_FRACTION_DOWN) if small else (FRACTION_UP, FRACTION_DOWN)
    clear = thick / 2 + FRACTION_GAP * size
    up = max(up * size, AXIS * size + clear + over.descent)
    down = max(down * size, -AXIS * size + clear + under.ascent)
    wide = max(over.width, under.width) + 0.14 * size
    pad = 0.1 * size
    out = Block(wide + 2 * pad)
    out.put(over, pad + (wide - over.width) / 2, -up)
    out.put(under, pad + (wide - under.width) / 2, down)
    out.rule(pad, AXIS * size + thick / 2, wide, thick)
    return out


def limited(sign: Block, low: Block, high: Block, size: float) -> Block:
    """A large operator with its limits centred below and above it."""
    width = max(sign.width, low.width, high.width)
    out = Block(width, starts="op", ends="op")
    out.put(sign, (width - sign.width) / 2)
    if not high.is_blank:
        out.put(high, (width - high.width) / 2, -(sign.ascent + LIMIT_GAP * size + high.descent))
    if not low.is_blank:
        out.put(low, (width - low.width) / 2, max(sign.descent, 0.0) + LIMIT_GAP * size + low.ascent)
    return out


def noted_below(body: Block, note: Block, size: float) -> Block:
    """A body with a note centred below it; notes of neighbours stand on one line unless a body reaches far down."""
    width = max(body.width, note.width + NOTE_APART * size)
    out = Block(width, starts=body.starts, ends=body.ends)
    out.put(body, (width - body.width) / 2)
    if not note.is_blank:
        out.put(note, (width - note.width) / 2, max(body.descent, NOTE_DOWN * size) + LIMIT_GAP * size + 0.46 * size)
    return out


def rooted(body: Block, size: float, face: Face) -> Block:
    """A radical whose sign is as tall as its body, at least as a capital, and whose bar covers it."""
    face, advance, ink = measure("√", face)
    thick = RULE * size
    top = max(body.ascent, 0.68 * size) + 0.13 * size + thick
    bottom = max(body.descent, 0.02 * size)
    scaled = (top + bottom) / (ink[3] - ink[2])
    out = Block()
    out.put(Block.of("√", face, advance, ink, scaled), 0.0, ink[3] * scaled - top)
    start = ink[1] * scaled
    at = start + 0.06 * size + (body.reach or 0.0)
    out.put(body, at)
    end = at + body.width + (body.lean or 0.0) + 0.05 * size
    out.rule(start - 0.4 * thick, top, end - start + 0.4 * thick, thick)
    out.width = end + 0.06 * size
    return out


def fenced(left: str, body: Block, right: str, size: float, face: Face) -> Block:
    """A body between brackets that are as tall as it is; an empty bracket is left out."""
    half = 0.0 if body.is_blank else max(body.ascent - AXIS * size, body.descent + AXIS * size)
    ends = [_bracket(clean(side)[:1].strip(), half, size, face) for side in (left, right)]
    at = ends[0].width + (0.0 if ends[0].is_blank else body.reach or 0.0)
    after = at + body.width + (0.0 if ends[1].is_blank else body.lean or 0.0)
    tall = any(run.squeeze != 1 for run in ends[0].runs)
    out = Block(after + ends[1].width, starts="ord" if tall else "open", ends="close")  # a tall one keeps clear of a function
    for block, x in ((ends[0], 0.0), (body, at), (ends[1], after)):
        out.put(block, x)
    return out


def _bracket(side: str, half: float, size: float, face: Face) -> Block:
    if not side:
        return Block()
    found, _, ink = measure(side, face)
    least = size * (SYMBOL_FENCE if found == "symbol" else 1.0)
    return stretched(side, face, max(least, 2 * FENCE_COVERS * half / max(ink[3] - ink[2], 0.1)), size, narrow=True)
