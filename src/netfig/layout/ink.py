"""Blocks: what has been set so far, as runs and rules with a place, and what is known of its ink."""

from __future__ import annotations

from dataclasses import field
from typing import Final

from netfig.drawing import Face, Glyphs, Rule
from netfig.layout.metrics import Ink, measure
from netfig.layout.signs import Kind, is_rtl
from netfig.records import dataclass

AXIS: Final = 0.332
"""em above the baseline: the middle of −, + and =, and of whatever is centred on a line."""

NARROWEST: Final = 0.5  # of a bracket's own breadth when it is tall


@dataclass(slots=True)
class Block:
    """Something set, from x = 0 on a baseline at 0; ink reaches `ascent` above it and `descent` below (< 0: it ends above).

    `lean` is how far an italic letter stands out of its width at the right, `reach` at the left; ``None`` at an upright edge.
    """

    width: float = 0.0
    ascent: float = -1e9
    descent: float = -1e9
    runs: list[Glyphs] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    starts: Kind = "ord"
    ends: Kind = "ord"
    lean: float | None = None
    reach: float | None = None
    relation: float | None = None  # where the first relation of a row begins

    @property
    def is_blank(self) -> bool:
        """Whether it has no ink."""
        return self.ascent < -1e8

    @classmethod
    def of(cls, text: str, face: Face, advance: float, ink: Ink, size: float, squeeze: float = 1.0) -> Block:
        """One character."""
        out = cls(advance * size * squeeze)
        out.grow(ink, size)
        out.runs.append(Glyphs(text, face, size, 0.0, 0.0, out.width, squeeze))
        return out

    def grow(self, ink: Ink, size: float) -> None:
        """Counts the ink of a character on the baseline."""
        if ink[3] != ink[2]:
            self.ascent, self.descent = max(self.ascent, ink[3] * size), max(self.descent, -ink[2] * size)

    def put(self, other: Block, x: float, dy: float = 0.0) -> None:
        """Adds another block with its origin there; characters that go on where a run ends join it."""
        self.ascent, self.descent = max(self.ascent, other.ascent - dy), max(self.descent, other.descent + dy)
        for run in other.runs:
            run = Glyphs(run.text, run.face, run.size, run.x + x, run.dy + dy, run.width, run.squeeze)
            last = self.runs[-1] if self.runs else None
            if last is not None and _goes_on(last, run):
                joined = last.text + run.text
                self.runs[-1] = Glyphs(joined, run.face, run.size, last.x, last.dy, run.x + run.width - last.x)
            else:
                self.runs.append(run)
        self.rules += [Rule(rule.x + x, rule.dy + dy, rule.width, rule.height) for rule in other.rules]

    def rule(self, x: float, top: float, width: float, height: float) -> None:
        """Adds a bar whose top is `top` above the baseline."""
        self.rules.append(Rule(x, -top, width, height))
        self.ascent, self.descent = max(self.ascent, top), max(self.descent, height - top)


def _goes_on(last: Glyphs, run: Glyphs) -> bool:
    return (
        (last.face, last.size, last.squeeze, run.squeeze) == (run.face, run.size, 1.0, 1.0)
        and abs(last.dy - run.dy) < 1e-6
        and abs(last.x + last.width - run.x) < 1e-6
        and is_rtl(last.text[-1]) == is_rtl(run.text[0])
    )


def flush(out: Block, pending: list[str], face: Face, size: float, start: float, end: float) -> None:
    """Adds a run without the spaces at its ends."""
    while pending and pending[-1].isspace():
        end -= measure(pending.pop(), face)[1] * size
    while pending and pending[0].isspace():
        start += measure(pending.pop(0), face)[1] * size
    if pending:
        out.runs.append(Glyphs("".join(pending), face, size, start, 0.0, end - start))


def stretched(char: str, face: Face, scaled: float, size: float, *, narrow: bool = False) -> Block:
    """A sign in another size, centred on the axis; in its own size it stays where the font has it."""
    face, advance, ink = measure(char, face)
    dy = (ink[2] + ink[3]) / 2 * scaled - AXIS * size if face == "symbol" or scaled > 1.08 * size else 0.0
    scaled = scaled if dy else size
    squeeze = min(1.0, max(NARROWEST, (size / scaled) ** 0.6)) if narrow else 1.0
    glyph = Block.of(char, face, advance, ink, scaled, round(squeeze, 3))
    out = Block(glyph.width)
    out.put(glyph, 0.0, dy)
    return out
