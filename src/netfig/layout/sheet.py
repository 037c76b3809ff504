"""The layout of a sheet: paragraphs of formulas between matrices, one line after another, broken where they are too long.

A line is broken between formulas, else before a sign. Everything on a line is centred on one axis.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from netfig.drawing import Drawing, Item
from netfig.figure import Box, Group
from netfig.layout.blocks import PAGE_HEIGHT, PAGE_WIDTH
from netfig.layout.parts import bounds_of, equation_lines, page, shift
from netfig.layout.sheet_parts import LOW, NARROW, NOTE_SIZE, ROOMY, Part, Room, box_part, moved, renamed

if TYPE_CHECKING:
    from netfig.figure import Figure
    from netfig.theme import Theme

GAP: Final = 9.0  # between a matrix and a sign
FORMULA_GAP: Final = 30.0
SMALL_GAP: Final = 13.0  # between small matrices
EQUATION: Final = 15.5  # its scripts print at nine points when the sheet is made as small as it may be
INSIDE: Final = 0.4  # the cost of breaking a formula, in lines


def lay_out_sheet(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root is a sheet; `width` is the printed width in points."""
    most = (width or PAGE_WIDTH) * NOTE_SIZE / theme.min_text - 2 * theme.margin
    room = ROOMY
    chosen = _paragraphs(figure, theme, most, room)
    if any(lines > 1 for _, lines in chosen):
        narrow = _paragraphs(figure, theme, most, NARROW)
        if sum(lines for _, lines in narrow) < sum(lines for _, lines in chosen):
            room, chosen = NARROW, narrow
    items = _stacked(chosen, room)
    drawing = page(items, figure, theme, direction="right", width=width)
    if drawing.height > PAGE_HEIGHT * NOTE_SIZE / theme.min_text:
        items = _stacked(_paragraphs(figure, theme, most, LOW), LOW)
        drawing = page(items, figure, theme, direction="right", width=width)
    return drawing


def _stacked(paragraphs: Sequence[tuple[list[Item], int]], room: Room) -> list[Item]:
    items: list[Item] = []
    y = 0.0
    for n, (drawn, _) in enumerate(paragraphs):
        _, top, _, bottom = bounds_of(drawn)
        y += (room.paragraph if n else 0.0) - top
        items += [shift(item, 0.0, y) for item in drawn]
        y += bottom
    return items


def _paragraphs(figure: Figure, theme: Theme, most: float, room: Room) -> list[tuple[list[Item], int]]:
    found = [_paragraph(paragraph, figure, theme, most, room) for paragraph in figure.root.children]
    return [(items, lines) for items, lines in found if items]


def _paragraph(paragraph: Box | Group, figure: Figure, theme: Theme, most: float, room: Room) -> tuple[list[Item], int]:
    """The items of a paragraph, centred at x = 0, its first axis somewhere; and how many lines it has."""
    formulas = paragraph.children if isinstance(paragraph, Group) else (paragraph,)
    equations = [box for box in formulas if isinstance(box, Box) and box.role.startswith("text")]
    if equations:
        return _equations(equations, theme, most), 0
    parts: list[tuple[Part, bool]] = []  # each with whether a formula begins there
    for formula in formulas:
        parts += [(part, n == 0) for n, part in enumerate(_parts(formula, figure, theme, room))]
    items: list[Item] = []
    y = 0.0
    lines = _lines(parts, most)
    for n, line in enumerate(lines):
        above, below = max(part.above for part, _ in line), max(part.below for part, _ in line)
        y += above + (room.line if n else 0.0)
        x = -_length(line) / 2
        for k, (part, begins) in enumerate(line):
            x += _gap(line[k - 1][0], part, begins=begins) if k else 0.0
            items += moved(part, x, y)
            x += part.width
        y += below
    return items, len(lines)


def _parts(formula: Box | Group, figure: Figure, theme: Theme, room: Room) -> list[Part]:
    if isinstance(formula, Box):
        return [box_part(formula, theme, room)]
    if formula.arrangement == "arcs":
        from netfig.layout.arcs import arcs_part

        return [arcs_part(formula, figure, theme)]
    return [part for child in formula.children for part in _parts(child, figure, theme, room)]


def _equations(boxes: Sequence[Box], theme: Theme, most: float) -> list[Item]:
    items: list[Item] = []
    y = 0.0
    style = dataclasses.replace(theme.role("text.equation"), size=EQUATION)
    theme = dataclasses.replace(theme, roles={**theme.roles, "text.equation": style})
    for box in boxes:
        labels, end = equation_lines(box.title, theme, 0.0, y, most)
        items += renamed(labels, box.id)
        y = end + 8.0
    return items


def _gap(before: Part, part: Part, *, begins: bool) -> float:
    if before.small and part.small:
        return SMALL_GAP
    return FORMULA_GAP if begins else GAP


def _length(line: Sequence[tuple[Part, bool]]) -> float:
    gaps = sum(_gap(line[k - 1][0], part, begins=begins) for k, (part, begins) in enumerate(line) if k)
    return sum(part.width for part, _ in line) + gaps


def _lines(parts: Sequence[tuple[Part, bool]], most: float) -> list[list[tuple[Part, bool]]]:
    """The parts in as few lines as fit, of lengths as even as may be; a line longer than `most` is one that cannot be broken."""
    count = len(parts)
    best: list[tuple[float, int]] = [(0.0, 0)]  # cost and last break of the first n parts
    for end in range(1, count + 1):
        choices: list[tuple[float, int]] = []
        for start in range(end - 1, -1, -1):
            part, begins = parts[start]
            if start and not (begins or part.joint):
                continue
            length = _length(parts[start:end])
            over = max(0.0, length - most)
            if over and choices:
                break
            cost = best[start][0] + 1.0 + (1 - min(length / most, 1.0)) ** 2 + over
            choices.append((cost + (INSIDE if start and not begins else 0.0), start))
        best.append(min(choices) if choices else (best[end - 1][0] + most, end - 1))
    cuts, end = [count], count
    while end:
        end = best[end][1]
        cuts.append(end)
    cuts.reverse()
    return [list(parts[a:b]) for a, b in pairwise(cuts) if a < b]
