"""Equations of several layers that say the same of each, as the equations of layer l.

Read back from a graph, layer after layer has its own, ``h^{(1)}_t = …``, ``h^{(2)}_t = …``. Where those of the second and every
later one are the same but for the number, and those of the first are too when what it reads is called ``h^{(0)}_t``, they are
said once.
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import groupby
from typing import TYPE_CHECKING

from netfig.mathtext import Accent, Fence, Fraction, Run, Script

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfig.mathtext import Piece, Text

_MARK = re.compile(r"\((?:([^()]*), )?(\d+)\)([→←]?)\Z")  # ``(2)``, ``(encoder, 2)→``
_Layer = tuple[str, int]


def as_families(lines: tuple[Text, ...]) -> tuple[Text, ...]:
    """The lines with those of layers that are alike said once, for l = 1, …, L."""
    found: list[Text] = []
    for _, group in groupby(lines, key=lambda line: layer[0] if (layer := _layer(line)) else None):
        block = tuple(group)
        found += _said_once(block) or block
    return tuple(found)


def _layer(line: Text) -> _Layer | None:
    """The layer whose equation a line is: that of what stands on its left."""
    first = line[0] if line else None
    mark = _MARK.match(first.sup[-1].text) if isinstance(first, Script) and first.sup and isinstance(first.sup[-1], Run) else None
    return (mark[1] or "", int(mark[2])) if mark else None


def _said_once(lines: tuple[Text, ...]) -> list[Text]:
    """The equations of layer l in the place of those of every layer; nothing when they are not alike."""
    layers = {number: list(group) for number, group in groupby(lines, key=lambda line: (_layer(line) or ("", 0))[1])}
    count = len(layers)
    if count < 2 or list(layers) != list(range(1, count + 1)) or sum(map(len, layers.values())) != len(lines):
        return []
    general = [_renumbered(line, {2: "l", 1: "l−1"}) for line in layers[2]]
    if any([_renumbered(line, {n: "l", n - 1: "l−1"}) for line in layers[n]] != general for n in range(3, count + 1)):
        return []
    first = [_renumbered(line, {1: "l"}) for line in layers[1]]
    if len(first) != len(general):
        return []
    differences: dict[tuple[Text, Text], None] = {}
    for one, other in zip(general, first, strict=True):
        if not _compare(one, other, differences):
            return []
    if len(differences) != 1:
        return []
    ((below, given),) = differences
    start = _mapped(below, lambda run: replace(run, text=run.text.replace("l−1", "0")))
    if start == below:
        return []
    numbers = "1, 2" if count == 2 else f"1, …, {count}"
    over = Run(f",   l = {numbers}", "math")
    return [(*start, Run(" = ", "math"), *given), *(_ended(line, over) for line in general)]


def _renumbered(line: Text, names: dict[int, str]) -> Text:
    """A line with other words for the numbers of its layers."""

    def change(run: Run) -> Run:
        mark = _MARK.match(run.text)
        if mark is None or int(mark[2]) not in names:
            return run
        before = f"{mark[1]}, " if mark[1] else ""
        return Run(f"({before}{names[int(mark[2])]}){mark[3]}", "math")

    return _mapped(line, change, only_above=True)


def _mapped(text: Text, change: Callable[[Run], Run], *, only_above: bool = False, above: bool = False) -> Text:
    """A text with its runs changed; only those that stand above something when so wanted."""

    def within(part: Text, *, raised: bool = above) -> Text:
        return _mapped(part, change, only_above=only_above, above=raised)

    out: list[Piece] = []
    for piece in text:
        match piece:
            case Run():
                out.append(change(piece) if above or not only_above else piece)
            case Script(base, sub, sup):
                out.append(Script(within(base), within(sub), within(sup, raised=True)))
            case Fence(left, body, right):
                out.append(Fence(left, within(body), right))
            case Fraction(over, under):
                out.append(Fraction(within(over), within(under)))
            case Accent(base, mark):
                out.append(Accent(within(base), mark))
            case _:
                out.append(piece)
    return tuple(out)


def _compare(one: Text, other: Text, differences: dict[tuple[Text, Text], None]) -> bool:
    """Whether two texts are built alike; the symbols in which they differ are noted."""
    if len(one) != len(other):
        return False
    for left, right in zip(one, other, strict=True):
        if left == right:
            continue
        if isinstance(left, Fence) and isinstance(right, Fence) and (left.left, left.right) == (right.left, right.right):
            if not _compare(left.body, right.body, differences):
                return False
        elif isinstance(left, Script) and isinstance(right, (Script, Run)):
            differences[(left,), (right,)] = None
        else:
            return False
    return True


def _ended(line: Text, over: Run) -> Text:
    last = line[-1]
    if isinstance(last, Run) and last.style == over.style:
        return (*line[:-1], replace(last, text=last.text + over.text))
    return (*line, over)
