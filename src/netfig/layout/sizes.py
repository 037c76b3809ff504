"""How large boxes are: as their text needs, and the same where they are the same kind."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from netfig.figure import Box, Direction, Figure
from netfig.layout.parts import SizedBox, fit_line, size_box
from netfig.mathtext import Run, Text
from netfig.theme import Theme

COLUMN_WIDTH = 60.0  # narrower boxes stay as they are: symbols, short pills
WASTE = 1.7  # a box grows to its kind's common size by at most this factor


PORT_ROOM = 13.0  # along a side, for each wire that enters there
FLANK_ROOM = 9.0
NARROW = 90.0  # points: a title wider than this is broken where room is short
MANY = 4  # a circle takes this many wires; one with more becomes a bar


def size_boxes(
    figure: Figure,
    theme: Theme,
    direction: Direction,
    entering: Mapping[str, tuple[int, int]],
    *,
    narrow: bool = False,
) -> dict[str, SizedBox]:
    """Every box of the figure, sized for a reading direction.

    One kind has one height and, where that wastes little, one width; boxes that stand in one column share their width. A box
    that many wires enter from the front (`entering`) is made broad enough for them. With `narrow`, long titles are set on two
    lines.
    """
    boxes = [_broken(box, theme) if narrow else box for box in figure.boxes.values()]
    sized = {box.id: size_box(box, theme, slim=direction == "right") for box in boxes}
    kinds: dict[tuple[str, int], list[str]] = {}
    for id, one in sized.items():
        if one.outline != "circle":
            kinds.setdefault((one.box.role, len(one.lines)), []).append(id)
    for ids in kinds.values():
        _equalise(sized, ids)
    if direction != "right":
        columns = [id for id, one in sized.items() if one.outline != "circle" and one.width >= COLUMN_WIDTH]
        _equalise(sized, columns, heights=False)
    for id, (front, flank) in entering.items():
        if id in sized and (front > 1 or flank > 1):
            sized[id] = _with_room(sized[id], front, flank, direction)
    for ids in kinds.values():  # room for wires made some larger: where that is not much, all of the kind
        least, most = (f(sized[id].height for id in ids) for f in (min, max))
        if most <= WASTE * least:
            _equalise(sized, ids)
    return sized


def _broken(box: Box, theme: Theme) -> Box:
    """The box with each long line of its title broken at its last comma."""
    size = theme.role(box.role).size
    lines: list[Text] = []
    for line in box.title:
        only = line[0] if len(line) == 1 else None
        if isinstance(only, Run) and ", " in only.text and fit_line(line, size).width > NARROW:
            first, _, rest = only.text.rpartition(", ")
            lines += [(Run(first, only.style),), (Run(rest, only.style),)]
        else:
            lines.append(line)
    return dataclasses.replace(box, title=tuple(lines))


def _with_room(one: SizedBox, front: int, flank: int, direction: Direction) -> SizedBox:
    if one.outline == "circle":
        if front <= MANY and flank <= 2:
            return one
        one = dataclasses.replace(one, outline="round")
    across = PORT_ROOM * front + 8 if front > 1 else 0.0
    along = FLANK_ROOM * flank + 6 if flank > 1 else 0.0
    return one.resized(along, across) if direction == "right" else one.resized(across, along)


def _equalise(sized: dict[str, SizedBox], ids: list[str], *, heights: bool = True) -> None:
    widths = sorted(sized[id].width for id in ids)
    if not widths:
        return
    tallest = max(sized[id].height for id in ids) if heights else 0.0
    typical = widths[(len(widths) * 3) // 4]
    common = max((w for w in widths if w <= 1.35 * typical), default=0.0)
    for id in ids:
        one = sized[id]
        width = common if one.width <= common <= WASTE * one.width else one.width
        sized[id] = one.resized(width, tallest)
