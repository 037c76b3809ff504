"""Residual networks: the row of their parts above, panels that open one of them below, dashed lines between the two.

See `residual_row` for the row, `residual_open` for an opened block and `residual_bus` for the bus of a dense block.
"""

from __future__ import annotations

import dataclasses

from netfig.drawing import Drawing, Item, Line, Shape
from netfig.errors import InvalidGraph
from netfig.figure import Box, Figure, Group
from netfig.layout.blocks import PAGE_WIDTH
from netfig.layout.parts import bounds_of, page, shift
from netfig.layout.residual_bus import Bus
from netfig.layout.residual_open import OpenRows
from netfig.layout.residual_row import Overview
from netfig.theme import Theme

ZOOM = 44.0  # from the row of parts to the panel
CORNER = 9.0  # where a zoom line meets the panel, from its corner
APART = 16.0  # between panels


def lay_out_residual(figure: Figure, theme: Theme, width: float | None = None) -> Drawing:
    """Places a figure whose root holds a row of parts and panels; `width` is the printed width in points.

    Raises:
        InvalidGraph: the root's first child is no group of boxes.
    """
    groups = [child for child in figure.root.children if isinstance(child, Group)]
    boxes = [child for child in groups[0].children if isinstance(child, Box)] if groups else []
    if not boxes or len(groups) < len(figure.root.children):
        raise InvalidGraph(f"figure {figure.title!r} is no residual network", ["its root is no row of parts with panels below"])
    smallest = min(theme.role(name).size for name in ("text.secondary", "text.caption"))
    most = (width or PAGE_WIDTH) * smallest / theme.min_text - 2 * theme.margin
    overview = Overview(figure, theme, boxes, most)
    opened = {w.source.box for w in figure.wires if w.role.startswith("helper")}
    items = [_marked(item) if item.id in opened and not overview.can_zoom(item.id) else item for item in overview.items()]
    left, _, right, bottom = bounds_of(items)
    middle = (left + right) / 2
    for group in groups[1:]:
        panel = _panel(figure, theme, group, most)
        a, b, c, _ = bounds_of(panel)
        panel = [shift(item, round(middle - (a + c) / 2, 2), round(bottom + ZOOM - b, 2)) for item in panel]
        items = _zoomed(figure, overview, group, panel) + items + panel
        bottom = bounds_of(panel)[3] + APART - ZOOM
    return page(items, figure, theme, direction="right", width=width)


def _panel(figure: Figure, theme: Theme, group: Group, most: float) -> list[Item]:
    rows = [child for child in group.children if isinstance(child, Group)]
    if len(rows) == 1 and rows[0].arrangement == "grid":
        return Bus(figure, theme, group, rows[0]).items()
    return OpenRows(figure, theme, group, rows, most).items()


def _marked(item: Item) -> Item:
    """What is opened, where no line can lead to its panel: its outline is thick."""
    return dataclasses.replace(item, width=2.6) if isinstance(item, Shape) else item


def _zoomed(figure: Figure, overview: Overview, group: Group, panel: list[Item]) -> list[Item]:
    """The dashed lines from what is opened to its panel, where nothing stands between the two."""
    opened = next((w.source.box for w in figure.wires if w.target.box == group.id and w.role.startswith("helper")), "")
    frame = next((item for item in panel if isinstance(item, Shape) and item.box == group.id and not item.part), None)
    if frame is None or not opened:
        return []
    a, b, c, _ = frame.bounds
    if not overview.can_zoom(opened):
        return []
    return [
        Line(f"zoom/{group.id}/{side}", "helper", points, 0.0, False, True)
        for side, points in zip(("left", "right"), overview.zoom(opened, (a + CORNER, b), (c - CORNER, b)), strict=False)
    ]
