"""Measuring text with the fonts netfig ships, so that the same figure has the same geometry on every machine.

`set_line` turns a `Text` into runs of glyphs, one face and size each, and rules, with their place from the start of the line. A
character that its face lacks is set in the symbol face; one that no face has is given an estimated width. Widths are sums of
advances: no kerning and no shaping, so a writer draws each run at the `x` it is given.
"""

from __future__ import annotations

from functools import lru_cache

from netfig.drawing import Glyphs, Rule, spoken
from netfig.layout.ink import AXIS
from netfig.layout.metrics import FONT_FILES, clean
from netfig.layout.typeset import MAX_CHARACTERS, Setter
from netfig.mathtext import Text
from netfig.records import dataclass

__all__ = ["AXIS", "CAP_HEIGHT", "FONT_FILES", "MAX_CHARACTERS", "SetLine", "clean", "set_line"]

CAP_HEIGHT = 0.69  # em; text is centred on its capitals so that words with and without descenders share a baseline


@dataclass(frozen=True, slots=True)
class SetLine:
    """A measured line: runs and rules from x = 0 on a baseline at 0; `ascent` and `descent` are its ink above and below it (a
    minus has its ink above: its descent is negative). `relation` is where its first relation sign begins."""

    width: float
    ascent: float
    descent: float
    runs: tuple[Glyphs, ...]
    rules: tuple[Rule, ...] = ()
    relation: float | None = None

    @property
    def text(self) -> str:
        """The characters that are set."""
        return spoken(self.runs)


@lru_cache(maxsize=4096)
def set_line(text: Text, size: float, *, strong: bool = False) -> SetLine:
    """Measures one line of text at `size` points; `strong` sets all of it bold."""
    block = Setter(strong).row(text, size)
    ascent, descent = (0.0, 0.0) if block.is_blank else (block.ascent, block.descent)
    runs = (
        Glyphs(r.text, r.face, round(r.size, 3), round(r.x, 3), round(r.dy, 3), round(r.width, 3), r.squeeze) for r in block.runs
    )
    rules = (Rule(round(r.x, 3), round(r.dy, 3), round(r.width, 3), round(r.height, 3)) for r in block.rules)
    relation = None if block.relation is None else round(block.relation, 3)
    return SetLine(round(block.width, 3), round(ascent, 3), round(descent, 3), tuple(runs), tuple(rules), relation)
