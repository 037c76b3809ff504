"""The layout of a grid: boxes in exact rows and columns, wires along them and in lanes between, weights as chips on the wires.

Every box stands at its `place`; columns are as wide as their widest box and channels as wide as the chips, tracks and names in
them need. In the order in which they come: `grid_routes` finds the ways, `grid_tracks` their order in a channel, `grid_space` the
places (with `grid_channels`), `grid_wires` draws the wires (`grid_paths` has their corners, `grid_chips` the places of chips on
them) and `grid_items` all else. What lacks room is given some, and the places are found again.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.errors import InvalidGraph
from netfig.layout.grid_items import Show
from netfig.layout.grid_parts import PORT_STEP, place_of
from netfig.layout.grid_routes import Ways
from netfig.layout.grid_space import Space, chip_boxes
from netfig.layout.grid_tight import NORMAL, SNUG, TIGHT, Measures, said, snug_theme, tight_figure, tight_theme
from netfig.layout.grid_wires import Wiring
from netfig.layout.parts import page

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.drawing import Drawing
    from netfig.figure import Figure
    from netfig.layout.grid_chips import Lack
    from netfig.theme import Theme

ROUNDS = 12  # of making room for chips
MOST_APART = 40.0  # two ports of one box
TWO_COLUMNS = 520.0  # a figure as wide as the page of a paper prints as large as it is
SLACK = 6.0  # what is reckoned may be more than what is drawn
NEARLY = 1.5  # times as wide as there is room: more than closer columns can make up for


def lay_out_grid(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root is a grid; `width` is the printed width in points.

    Raises:
        InvalidGraph: a box has no place, or two boxes have the same.
    """
    _check(figure)
    limit = TWO_COLUMNS if width is None else width
    grid = _Grid(figure, theme)
    wide = limit < grid.least <= NEARLY * limit
    snug = _snug(figure, theme, limit, width) if wide else None
    if snug is not None:
        return snug
    drawing = page(grid.show().items(), figure, theme, direction="right", width=width)
    if drawing.width <= limit:
        return drawing
    snug = _snug(figure, theme, limit, width) if grid.least <= limit else None
    if snug is not None or width is None:
        return snug or drawing
    narrow = _narrow(figure, theme, width)
    return narrow if narrow.scale > drawing.scale else drawing


def _snug(figure: Figure, theme: Theme, limit: float, width: float | None) -> Drawing | None:
    """The figure with less between its columns, and the names of its rows in it, where that makes it fit."""
    theme = snug_theme(theme)
    grid = _Grid(figure, theme, SNUG)
    show = grid.show()
    items = show.items()
    if grid.least <= limit:
        beside = page([*items, *show.row_names()], figure, theme, direction="right", width=width)
        if beside.width <= limit:
            return beside
    names = show.names_inside(items)
    inside = page([*items, *names], figure, theme, direction="right", width=width) if names is not None else None
    return inside if inside is not None and inside.width <= limit else None


def _narrow(figure: Figure, theme: Theme, width: float | None) -> Drawing:
    """The figure in its narrow form, the names of its rows in it or in the caption."""
    figure, theme = tight_figure(figure), tight_theme(theme)
    show = _Grid(figure, theme, TIGHT).show()
    items = show.items()
    beside = page([*items, *show.row_names()], figure, theme, direction="right", width=width)
    if beside.scale >= 1.0:
        return beside
    names = show.names_inside(items)
    if names is None:
        figure = dataclasses.replace(figure, caption=(*figure.caption, said(figure.root.row_names)))
    return page([*items, *(names or ())], figure, theme, direction="right", width=width)


def _check(figure: Figure) -> None:
    found = [f"the box {box.id!r} has no place in the grid" for box in figure.boxes.values() if box.place is None]
    taken: dict[tuple[int, int], str] = {}
    for box in figure.boxes.values():
        column, row = place_of(box)
        for cell in ((c, r) for c in range(column, column + box.span[0]) for r in range(row, row + box.span[1])):
            there = taken.setdefault(cell, box.id) if box.place is not None else box.id
            found += (
                [f"the boxes {there!r} and {box.id!r} both stand in column {cell[0]}, row {cell[1]}"] if there != box.id else []
            )
    if found:
        raise InvalidGraph(f"figure {figure.title!r} is no grid", found)


class _Grid:
    """One figure on its way to its places: ways, then places and wires, and again while chips lack room."""

    def __init__(self, figure: Figure, theme: Theme, measures: Measures = NORMAL) -> None:
        self.figure, self.theme, self.measures = figure, theme, measures
        self.chips = chip_boxes(figure, theme)
        self.steps: dict[tuple[str, str], float] = {}  # between the ports of a box's side
        self.more: dict[tuple[str, int, int], float] = {}  # room in a channel before its nth track, beyond what is reckoned
        self._route()
        self._place()

    @property
    def least(self) -> float:
        """How wide the page will be at least."""
        return self.space.width + 2 * self.theme.margin - SLACK

    def show(self) -> Show:
        """All of it, to be drawn."""
        wiring = self._wiring()
        drawn = wiring.draw()
        for _ in range(ROUNDS):
            if not self._make_room(wiring.lacks):
                break
            self._place()
            wiring = self._wiring()
            drawn = wiring.draw()
        return Show(self.figure, self.theme, self.measures, self.space, wiring, drawn)

    def _wiring(self) -> Wiring:
        return Wiring(self.figure, self.theme, self.routes, self.space, self.chips, self.measures)

    def _route(self) -> None:
        ways = Ways(self.figure, self.steps)
        self.taken, self.routes = ways.taken, ways.run()

    def _place(self) -> None:
        """Sets rows and columns apart."""
        self.space = Space(self.figure, self.theme, self.measures, self.routes, self.taken, self.chips, self.more)

    # --- room for chips -------------------------------------------------------------------------------------------------------

    def _make_room(self, lacks: Iterable[Lack]) -> bool:
        """Makes channels wider and sets ports apart where chips lack room; whether anything could be done."""
        wider: dict[tuple[str, int, int], float] = {}
        apart: dict[tuple[str, str], float] = {}
        for lack in lacks:
            gap = self._gap_between(lack)
            if lack.ports:
                for port in lack.ports:
                    apart[port] = max(apart.get(port, 0.0), lack.need)
            elif gap is not None:
                wider[gap] = max(wider.get(gap, 0.0), lack.need)
        for port, need in apart.items():
            self.steps[port] = min(self.steps.get(port, PORT_STEP) + need, MOST_APART)
        for gap, need in wider.items():
            self.more[gap] = self.more.get(gap, 0.0) + need
        if apart:
            self._route()
        return bool(apart or wider)

    def _gap_between(self, lack: Lack) -> tuple[str, int, int] | None:
        """The channel, and the track in it, before which there is to be more room; ``None`` between two wires of one box."""
        kind, bands = ("V", self.space.columns) if lack.level else ("H", self.space.rows)
        low, high = (lack.low, lack.high) if lack.level else (-lack.high, -lack.low)
        best: tuple[float, tuple[str, int, int]] | None = None
        for n, (start, size) in enumerate(zip(bands.starts, bands.channels, strict=True)):
            first = -1e6 if not n else start
            last = 1e6 if n == len(bands.starts) - 1 else start + size
            a, b = max(low, first), min(high, last)
            if b - a > 0.05 or (b >= a and a == low == high):
                tracks = {p.at for p in self.space.channels.passages.get((kind, n), ())}
                track = sum(at < (a + b) / 2 for at in tracks)
                if best is None or b - a > best[0]:
                    best = b - a, (kind, n, track)
        return best[1] if best is not None else None
