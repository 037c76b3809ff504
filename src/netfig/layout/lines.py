"""Lines of text: cut to a width, wrapped, made into labels; equations one under the other."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

from netfig.drawing import Glyphs, Label, Rule
from netfig.layout.signs import is_joint
from netfig.layout.text import MAX_CHARACTERS, SetLine, set_line
from netfig.mathtext import Piece, Run, Script, Style, Text
from netfig.theme import Theme

Align = Literal["left", "center", "right"]

MAX_TEXT_WIDTH = 280.0
"""A line in a box is cut, with an ellipsis, before it grows wider than this."""

WIDEST_EQUATION = 480.0
"""A longer equation is broken, unless the figure over it is wider."""


def make_label(
    id: str, line: SetLine, x: float, baseline: float, *, role: str = "text", align: Align = "center", box: str = "",
    on: Literal["inside", "free"] = "free",
) -> Label:  # fmt: skip
    """The label of a set line whose left end, middle or right end (`align`) is at `x`."""
    left = x - {"left": 0.0, "center": line.width / 2, "right": line.width}[align]
    runs = tuple(
        Glyphs(r.text, r.face, round(r.size, 3), round(left + r.x, 2), round(r.dy, 2), round(r.width, 2), r.squeeze)
        for r in line.runs
    )
    rules = tuple(Rule(round(left + r.x, 2), round(r.dy, 2), round(r.width, 2), round(r.height, 2)) for r in line.rules)
    right, top, bottom = left + line.width, baseline - line.ascent, baseline + line.descent
    bounds = (round(left, 2), round(top, 2), round(right, 2), round(bottom, 2))
    return Label(id, role, runs, round(baseline, 2), bounds, align, box, on, rules)


@lru_cache(maxsize=4096)
def fit_line(text: Text, size: float, width: float = MAX_TEXT_WIDTH, *, strong: bool = False) -> SetLine:
    """`text` set on one line, cut with an ellipsis when it is wider than `width`."""
    line = set_line(text, size, strong=strong)
    if line.width <= width:
        return line
    parts = _pieces(text)
    counts = range(1, len(parts) + 1)
    kept = bisect_left(counts, True, key=lambda count: set_line(_cut(parts, count), size, strong=strong).width > width)
    return set_line(_cut(parts, kept), size, strong=strong)


def _pieces(text: Text) -> Text:
    """The same with every character a piece of its own."""
    return tuple(
        part
        for piece in text
        for part in ([Run(c, piece.style) for c in piece.text[:MAX_CHARACTERS]] if isinstance(piece, Run) else [piece])
    )


def _cut(parts: Sequence[Piece], count: int) -> Text:
    """The first parts and an ellipsis."""
    kept = list(parts[:count])
    while kept and isinstance(last := kept[-1], Run) and last.text.isspace():
        kept.pop()
    style: Style = next((piece.style for piece in reversed(kept) if isinstance(piece, Run)), "plain")
    return _joined((*kept, Run("…", style)))


def wrap(text: Text, size: float, width: float) -> list[SetLine]:
    """`text` on as many lines as it needs; it breaks at spaces of its plain words only."""
    parts = [part for piece in text for part in _words(piece)]
    lines: list[SetLine] = []
    while parts:
        whole = set_line(_joined(parts), size)
        if whole.width <= width:
            return [*lines, whole]
        counts = range(1, len(parts))
        kept = max(1, bisect_left(counts, True, key=lambda count: set_line(_joined(parts[:count]), size).width > width))
        if _is_mark(parts[kept : kept + 1]):  # it stays with what is before it
            back = next((count for count in range(kept - 1, 0, -1) if not _is_mark(parts[count : count + 1])), 0)
            kept = back or next(count for count in range(kept, len(parts) + 1) if not _is_mark(parts[count : count + 1]))
        lines.append(set_line(_joined(parts[:kept]), size))
        parts = parts[kept:]
        if parts and isinstance(first := parts[0], Run):
            parts[0] = Run(first.text.lstrip(), first.style)
    return lines


_MARKS = (".", ",", ";", ":", ")", ").", "),")


def _is_mark(first: Sequence[Piece]) -> bool:
    return any(isinstance(piece, Run) and piece.text in _MARKS for piece in first)


def _words(piece: Piece) -> Text:
    """What of a piece stays together on a line."""
    if not isinstance(piece, Run) or piece.style not in ("plain", "strong"):
        return (piece,)
    return tuple(Run(word, piece.style) for word in re.findall(r"\s*\S+|\s+", piece.text))


def _joined(text: Sequence[Piece]) -> Text:
    out: list[Piece] = []
    for piece in text:
        last = out[-1] if out else None
        if isinstance(piece, Run) and isinstance(last, Run) and last.style == piece.style:
            out[-1] = Run(last.text + piece.text, piece.style)
        else:
            out.append(piece)
    return tuple(out)


def equation_lines(equations: Sequence[Text], theme: Theme, middle: float, top: float, width: float) -> tuple[list[Label], float]:
    """Equations one under the other, aligned on their first relations; also where the last one ends.

    One that is too wide goes on, a little indented, after its relation.
    """
    style = theme.role("text.equation")
    rows: list[tuple[SetLine, float | None]] = []  # a line and what of it stands left of the alignment; None: it is centred
    for equation in equations:
        first, *rest = broken(equation, style.size, width)
        rows.append((first, first.relation))
        rows += [(line, None if first.relation is None else -2 * style.size) for line in rest]
    left = max((at for _, at in rows if at is not None), default=0.0)
    right = max((line.width - at for line, at in rows if at is not None), default=0.0)
    labels: list[Label] = []
    baseline = top
    for i, (line, at) in enumerate(rows):
        if i:
            baseline += max(1.6 * style.size, rows[i - 1][0].descent + line.ascent + 0.5 * style.size)
        else:
            baseline += max(line.ascent, 0.7 * style.size)
        start = middle - line.width / 2 if at is None else middle + (left - right) / 2 - at
        labels.append(make_label(f"equation/{i}", line, start, baseline, role="text.equation", align="left"))
    return labels, baseline + max((rows[-1][0].descent if rows else 0.0), 0.2 * style.size)


def broken(equation: Text, size: float, width: float) -> list[SetLine]:
    """A formula on as many lines as it needs; it breaks before relations and operators outside of brackets."""
    whole = set_line(equation, size)
    if whole.width <= width:
        return [whole]
    parts = _pieces(equation)
    lines: list[SetLine] = []
    while parts:
        room = width if not lines else width - (lines[0].relation or 0.0) - 2 * size
        fits = [at for at in _joints(parts) if set_line(_joined(parts[:at]), size).width <= room]
        rest = set_line(_joined(parts), size)
        at = len(parts) if rest.width <= room or not fits else fits[-1]
        lines.append(set_line(_joined(parts[:at]), size))
        parts = parts[at:]
        if parts:
            parts = (Script(()), *parts)  # an operator that begins a line is still one that joins
    return lines


def _joints(parts: Sequence[Piece]) -> list[int]:
    """Where a formula may be broken: in as few brackets as there is a place at all."""
    found: list[tuple[int, int]] = []
    depth = 0
    for at, piece in enumerate(parts):
        text = piece.text if isinstance(piece, Run) and piece.style.startswith("math") else ""
        depth += (text in "([{") - (text in ")]}") if text else 0
        if text and is_joint(text) and any(not isinstance(p, Script) or p.base for p in parts[:at]):
            found.append((depth, at))
    least = min((depth for depth, _ in found), default=0)
    return [at for depth, at in found if depth == least]
