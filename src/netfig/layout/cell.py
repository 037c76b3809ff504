"""The arrangement ``cell``: the inside of one step, for any equations.

Rows and columns come from who reads whom (`cell_place`), wires are led on a grid of lanes before anything has a coordinate
(`cell_route`), and the lanes that are taken say how far apart columns and rows stand (`cell_coords`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from math import sqrt

from netfig.drawing import Drawing, Item
from netfig.errors import EngineFailed
from netfig.figure import Figure, Group
from netfig.layout.blocks import Frame, Rect, trunk_of
from netfig.layout.cell_coords import NORMAL, SNUG, Extra, Points, Room, points_of
from netfig.layout.cell_grid import Demand, Grid, Node, Spot, Way
from netfig.layout.cell_names import make_room, place_names
from netfig.layout.cell_net import Net, net_of
from netfig.layout.cell_place import Spots, place_cell
from netfig.layout.cell_route import Maze
from netfig.layout.compose import compose
from netfig.layout.parts import SizedBox, fit_line, page
from netfig.layout.place import Placement
from netfig.layout.route import Routed
from netfig.layout.search import Path
from netfig.layout.sizes import size_boxes
from netfig.theme import Theme

PORTS = 40.0  # a box this wide has room for three wires on a side
TENSORS = ("input", "state", "output")
TRIES = 4  # at making room for names
PAGE = 520.0, 680.0  # a figure no larger than the page of a paper prints as large as it is
MOST_LANES = (4, 8, 16)

_Sides = tuple[float | None, float | None, float | None, float | None]


def lay_out_cell(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places and draws a figure whose root has the arrangement ``cell``; `width` is the printed width in points.

    In one that is wider than that (than a page, where nothing is said) there is less room between the columns; in one that is
    higher than a page, between the rows.
    """
    net = net_of(figure)
    spots = place_cell(net)
    led = _led(figure, net, spots, size_boxes(figure, theme, "right", {}))
    drawing = _drawn(figure, theme, net, spots, led, (NORMAL, NORMAL), width)
    if drawing.height > PAGE[1]:
        drawing = _drawn(figure, theme, net, spots, led, (NORMAL, SNUG), width)
    if drawing.width <= (PAGE[0] if width is None else width):
        return drawing
    snug = _drawn(figure, snug_theme(figure, theme), net, spots, led, (SNUG, NORMAL), width)
    if snug.height > PAGE[1]:
        snug = _drawn(figure, snug_theme(figure, theme), net, spots, led, (SNUG, SNUG), width)
    return min(drawing, snug, key=lambda one: one.width)


def snug_theme(figure: Figure, theme: Theme) -> Theme:
    """The theme with low padding and a narrow margin; text keeps its size, and what goes in and out is of one width."""
    roles = {**theme.roles, **{name: dataclasses.replace(theme.role(name), min_width=30, pad_x=5) for name in TENSORS}}
    sized = size_boxes(figure, dataclasses.replace(theme, roles=roles), "right", {})
    widest = max((one.width for one in sized.values() if one.box.role in TENSORS), default=30.0)
    roles |= {name: dataclasses.replace(roles[name], min_width=widest) for name in TENSORS}
    for name in ("activation.gate", "op.merge", "layer.cell", "weight"):
        roles[name] = dataclasses.replace(roles[name], pad_x=min(roles[name].pad_x, 4.0))
    return dataclasses.replace(theme, margin=min(theme.margin, 5.0), roles=roles)


def _drawn(
    figure: Figure,
    theme: Theme,
    net: Net,
    spots: Spots,
    led: tuple[Grid, dict[int, Way]],
    room: tuple[Room, Room],
    width: float | None,
) -> Drawing:
    """The figure with its wires as they were led, with some `room` between columns and between rows."""
    sized = size_boxes(figure, theme, "right", {})
    panel = next((g for g in figure.root.children if isinstance(g, Group)), None)
    grid, ways = led
    titled = 0.0
    if panel is not None and (panel.title or panel.detail):
        size = theme.role(panel.role).size
        titled = sum(fit_line(t, size).width + 12 for t in (panel.title, panel.detail) if t) + 12
    extra = Extra()
    for attempt in range(TRIES):
        points = points_of(grid, net, spots, sized, ways.values(), extra, room=room, titled=titled)
        paths = _paths(figure, net, grid, points, spots, sized, ways)
        items = _items(figure, theme, grid, spots, sized, panel, points, paths)
        names, tight = place_names(figure, theme, items, paths)
        if not tight:
            break
        if attempt < TRIES - 1:
            make_room(tight, grid, ways, paths, extra)
    return page([*items, *names], figure, theme, width=width)


def _led(figure: Figure, net: Net, spots: Spots, sized: Mapping[str, SizedBox]) -> tuple[Grid, dict[int, Way]]:
    """The wires on the grid; with more lanes when few do not suffice."""
    rows = [row for _, row in spots.at.values()]
    between = range(min([spots.rows[0] - 1, *rows]), max([spots.rows[1] + 1, *rows]) + 1)
    main, lines = set(net.main), {e.source for id in net.right for e in net.into[id]}
    places = {
        id: Spot(
            column,
            row,
            sized[id].width >= PORTS and sized[id].outline != "circle",
            *_sides(id, figure.boxes[id].role, net, spots, main, lines, sized[id].copies > 0),
        )
        for id, (column, row) in spots.at.items()
    }
    demands = [
        Demand(e.wire, e.source, e.target, trunk_of(figure.wires[e.wire]), figure.wires[e.wire].role.split(".")[0] == "state")
        for e in net.edges
    ]
    for lanes in MOST_LANES:
        grid = Grid(range(-1, spots.columns + 1), between, lanes)
        # beyond the panel only the way from a terminal straight into it is open
        fence = (grid.x(-1, 1) + 1, grid.x(spots.columns, -1) - 1), (grid.y(between.start) + 1, grid.y(between.stop - 1) - 1)
        maze = Maze(grid, places, fence)
        ways = maze.run(demands)
        if len(ways) == len(demands):
            return grid, ways
        if maze.left <= 0:
            break
    raise EngineFailed(
        f"{len(demands) - len(ways)} of {len(demands)} wires of the cell {figure.title!r} found no way",
        hint="draw it with --renderer dataflow",
    )


def _sides(id: str, role: str, net: Net, spots: Spots, main: set[str], lines: set[str], stacked: bool) -> tuple[_Sides, _Sides]:
    """What leaving and entering at the right, left, bottom and top of a box costs."""
    none: _Sides = (None, None, None, None)
    if id in net.left:
        return (0.0, None, None, None), none
    if id in net.below:
        return (None, None, None, 0.0), none
    if id in net.right:
        return none, (None, 0.0, None, None)
    if id in net.above:
        return none, (None, None, 0.0, None)
    if stacked:  # its copies stand to the upper right
        return (0.0 if id in main or id in lines else 1.0, 8.0, 8.0, 0.0), (25.0, 0.0, 0.0, 25.0)
    if id in main or id in lines:
        return (0.0, None, 14.0, 14.0), (8.0, 0.0, 0.0, 6.0)
    if role == "activation.gate":
        return (1.0, 8.0, 8.0, 0.0), (6.0, 5.0, 0.0, 5.0)
    if spots.at[id][1] < 0:
        return (4.0, 8.0, None, 0.0), (6.0, 1.0, 0.0, None)
    return (1.0, 8.0, 8.0, 0.0), (5.0, 0.0, 0.0, 3.0)


def _rects(grid: Grid, spots: Spots, sized: Mapping[str, SizedBox], points: Points) -> dict[str, Rect]:
    found = {}
    for id, (column, row) in spots.at.items():
        x, y = points.xs[grid.x(column)], points.ys[grid.y(row)]
        w, h = sized[id].width / 2, sized[id].height / 2
        found[id] = Rect(x - w, y - h, x + w, y + h)
    return found


def _paths(
    figure: Figure, net: Net, grid: Grid, points: Points, spots: Spots, sized: Mapping[str, SizedBox], ways: Mapping[int, Way]
) -> dict[int, Path]:
    """The ways in points, from outline to outline."""
    rects = _rects(grid, spots, sized, points)
    return {
        e.wire: _clipped(ways[e.wire].path, points, sized[e.source], sized[e.target], rects) for e in net.edges if e.wire in ways
    }


def _items(
    figure: Figure,
    theme: Theme,
    grid: Grid,
    spots: Spots,
    sized: Mapping[str, SizedBox],
    panel: Group | None,
    points: Points,
    paths: Mapping[int, Path],
) -> list[Item]:
    rects = _rects(grid, spots, sized, points)
    placed = Placement(rects, rects, direction="right")
    if panel is not None:
        placed.panels[panel.id] = points.panel
    routed = [Routed(i, trunk_of(wire), paths[i]) for i, wire in enumerate(figure.wires)]
    unnamed = dataclasses.replace(figure, wires=tuple(dataclasses.replace(w, label=()) for w in figure.wires))
    return compose(unnamed, theme, Frame("right"), sized, placed, routed)


def _clipped(path: list[Node], points: Points, source: SizedBox, target: SizedBox, rects: Mapping[str, Rect]) -> Path:
    """The way in points, from outline to outline."""
    out = [points.at(node) for node in path]
    out[0] = _edge(out[1], out[0], rects[source.box.id], source)
    out[-1] = _edge(out[-2], out[-1], rects[target.box.id], target)
    return [(round(x, 2), round(y, 2)) for x, y in out]


def _edge(outside: tuple[float, float], inside: tuple[float, float], rect: Rect, sized: SizedBox) -> tuple[float, float]:
    """Where a straight piece from outside meets a box's outline."""
    half_w, half_h = (rect.u1 - rect.u0) / 2, (rect.v1 - rect.v0) / 2
    x, y = (rect.u0 + rect.u1) / 2, (rect.v0 + rect.v1) / 2
    if abs(outside[1] - inside[1]) < 0.01:  # level
        reach = half_w - _inset(sized, half_h, inside[1] - y)
        return (x - reach if outside[0] < x else x + reach), inside[1]
    reach = half_h - _inset(sized, half_w, inside[0] - x)
    return inside[0], (y - reach if outside[1] < y else y + reach)


def _inset(sized: SizedBox, half: float, shift: float) -> float:
    corner = min(sized.corner, half)
    past = abs(shift) - (half - corner)
    return corner - sqrt(max(corner * corner - past * past, 0.0)) if past > 0 else 0.0
