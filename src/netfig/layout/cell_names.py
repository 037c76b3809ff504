"""The names on the wires of a cell: each value once, beside its wire; and room where one would touch something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

from netfig.drawing import Item, Label, Shape
from netfig.figure import Figure
from netfig.layout.blocks import Trunk, trunk_of, wire_role
from netfig.layout.cell_coords import Extra
from netfig.layout.cell_grid import Grid, Way
from netfig.layout.notes import CLEAR, WAYS, WORST_GOOD, Board, place_label
from netfig.layout.search import Path
from netfig.mathtext import Text
from netfig.theme import Theme

SIGN = "sign"  # last word of the role of a wire whose label says how its reader takes it: it stands beside the head
TAIL = 30.0  # that far from the head at most


def place_names(
    figure: Figure, theme: Theme, items: Sequence[Item], paths: Mapping[int, Path]
) -> tuple[list[Label], list[tuple[int, Label]]]:
    """The names that have a free place, and those that have none, with their wires."""
    board = Board()
    for item in items:
        if isinstance(item, Shape) and item.role.split(".")[0] == "panel":
            board.add_outline(item)
        else:
            board.add(item)
    named: dict[tuple[Trunk, Text], list[int]] = {}
    signs: list[list[int]] = []
    for i, wire in enumerate(figure.wires):
        if wire.label and wire.role.endswith(SIGN):
            signs.append([i])
        elif wire.label:
            named.setdefault((trunk_of(wire), wire.label), []).append(i)
    placed: list[Label] = []
    tight: list[tuple[int, Label]] = []
    for wires in [*signs, *named.values()]:
        first = figure.wires[wires[0]]
        ways = [paths[w] for w in wires[:WAYS]]
        if first.role.endswith(SIGN):
            ways = [_tail(ways[0])]
        label = place_label(first, wires[0], wire_role(first.role), ways, theme, board)
        if board.clash(label.bounds, CLEAR - 0.5) >= WORST_GOOD:
            tight.append((wires[0], label))
        else:
            placed.append(label)
            board.add(label)
    return placed, tight


def _tail(path: Path) -> Path:
    """The last of a way, without the head."""
    (a, b), (c, d) = path[-2:]
    length = abs(a - c) + abs(b - d)
    part = min(TAIL, length) / (length or 1.0)
    return [(c + (a - c) * part, d + (b - d) * part), (c, d)]


def make_room(
    tight: Sequence[tuple[int, Label]], grid: Grid, ways: Mapping[int, Way], paths: Mapping[int, Path], extra: Extra
) -> None:
    """Widens the gaps beside wires whose names touch something."""
    for wire, label in tight:
        need = label.bounds[2] - label.bounds[0] + 12
        stretches = list(zip(pairwise(ways[wire].path), pairwise(paths[wire]), strict=True))
        levels = [(ends, _length(p)) for ends, p in stretches if ends[0][1] == ends[1][1]]
        uprights = [(ends, _length(p)) for ends, p in stretches if ends[0][0] == ends[1][0]]
        level = max(levels, key=lambda s: s[1], default=None)
        upright = max(uprights, key=lambda s: s[1], default=None)
        if level is not None and (upright is None or level[1] > upright[1]):
            column, part = grid.column_of(max(level[0][0][0], level[0][1][0]))
            behind = column if part is not None else column + 1
            extra.columns[behind] = extra.columns.get(behind, 0.0) + (need - level[1] if level[1] < need else need)
        elif upright is not None:
            behind = grid.column_of(upright[0][0][0])[0] + 1
            extra.columns[behind] = extra.columns.get(behind, 0.0) + need / 2
            if upright[1] < label.bounds[3] - label.bounds[1] + 10:
                row, is_row = grid.row_of(max(upright[0][0][1], upright[0][1][1]))
                extra.rows[row if is_row else row + 1] = 8.0


def _length(stretch: tuple[tuple[float, float], tuple[float, float]]) -> float:
    (ax, ay), (bx, by) = stretch
    return abs(ax - bx) + abs(ay - by)
