"""How large a grid is: its boxes, its columns and rows, the channels between them, and where each of these stands."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.figure import Box
from netfig.layout.grid_channels import Channels
from netfig.layout.grid_parts import PORT_STEP, Bands, is_bare, place_of
from netfig.layout.parts import SizedBox, fit_line, size_box

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfig.figure import Figure, Group
    from netfig.layout.grid_parts import Corner, Route
    from netfig.layout.grid_tight import Measures
    from netfig.theme import Theme

DOTS_BETWEEN = 22.0  # between wires that end at dots from both sides
NAME_GAP = 18.0  # from the names of the rows to the first column
NAME_ROOM = 24.0  # around the words beside a sign
PANEL_STRIP = 18.0  # for the title of a panel
TENSORS = ("input", "state", "output")  # of one size


class Space:
    """The places of everything in a grid once its wires have their ways; `more` is room that chips turned out to lack."""

    def __init__(
        self,
        figure: Figure,
        theme: Theme,
        measures: Measures,
        routes: Sequence[Route],
        taken: Iterable[Corner],
        chips: Mapping[str, SizedBox],
        more: Mapping[tuple[str, int, int], float],
    ) -> None:
        self.figure, self.theme, self.routes, self.taken = figure, theme, routes, taken
        self.sized = self._sizes()
        self.channels = Channels(figure, theme, measures, routes, self.sized, chips, more)
        self.columns, self.rows = self._bands("V"), self._bands("H")

    @property
    def width(self) -> float:
        """From the left of the names of the rows to the right of the last column."""
        size = self.theme.role("text.secondary").size
        names = [fit_line(text, size).width for row in self.figure.root.row_names for text in row if text]
        return sum(self.columns.sizes) + sum(self.columns.channels) + (max(names) + NAME_GAP if names else 0.0)

    def centre(self, box: Box) -> tuple[float, float]:
        """The middle of a box; y counts upwards here."""
        (column, row), (wide, high) = place_of(box), box.span
        columns, rows = self.columns.middles, self.rows.middles
        return (columns[column] + columns[column + wide - 1]) / 2, (rows[row] + rows[row + high - 1]) / 2

    def _sizes(self) -> dict[str, SizedBox]:
        sized: dict[str, SizedBox] = {}
        for box in self.figure.boxes.values():
            shown = dataclasses.replace(box, title=()) if is_bare(box) else box
            sized[box.id] = size_box(shown, self.theme, slim=True)
        kinds: dict[tuple[str, int], list[str]] = {}
        for id, one in sized.items():
            if not is_bare(one.box) and one.outline != "circle":
                role = one.box.role.split(".")[0]
                kinds.setdefault(("tensor" if role in TENSORS else role, one.box.span[1]), []).append(id)
        crowd = self._crowd()
        for id, one in sized.items():
            if is_bare(one.box) and one.box.role.startswith("ellipsis"):  # what leads on ends at its dots
                apart = DOTS_BETWEEN if {(id, "left"), (id, "right")} <= crowd.keys() else 0.0
                sized[id] = one.resized(max(_side(crowd, id, "top", "bottom"), apart), _side(crowd, id, "left", "right"))
        for ids in kinds.values():
            w = max(max(sized[id].width, _side(crowd, id, "top", "bottom") + 16) for id in ids)
            h = max(max(sized[id].height, _side(crowd, id, "left", "right") + 16) for id in ids)
            for id in ids:
                sized[id] = sized[id].resized(w, h)
        return sized

    def _crowd(self) -> Mapping[tuple[str, str], float]:
        """How much of each side of each box its ports take."""
        found: dict[tuple[str, str], float] = {}
        for route in self.routes:
            for port in (route.start, route.end):
                key = port.box, port.side
                found[key] = max(found.get(key, 0.0), 2 * abs(port.shift))
        return found

    def _bands(self, kind: str) -> Bands:
        upright = kind == "V"
        count = max((self._end_of(box, upright) for box in self.figure.boxes.values()), default=1)
        sizes = [0.0] * count
        for one in self.sized.values():
            first, span = place_of(one.box)[0 if upright else 1], one.box.span[0 if upright else 1]
            if span == 1:
                sizes[first] = max(sizes[first], one.width if upright else one.height)
            for n in range(first, first + span) if span > 1 and not upright else ():
                sizes[n] = max(sizes[n], one.style.min_height)
        for route in self.routes if upright else ():
            if route.is_straight and route.end.side in ("top", "bottom") and self.figure.boxes[route.end.box].span[0] == 1:
                column = place_of(self.figure.boxes[route.end.box])[0]
                sizes[column] = max(sizes[column], self.channels.widest_chip(route))
        channels = [self.channels.width(kind, n, count) for n in range(count + 1)]
        bands = Bands(sizes, channels)
        for id, one in self.sized.items():  # what spans several columns or rows has room for its text
            first, span = place_of(one.box)[0 if upright else 1], one.box.span[0 if upright else 1]
            if span > 1:
                have = sum(sizes[first : first + span]) + sum(channels[first + 1 : first + span])
                lack = (one.width if upright else one.height) - have
                if lack > 0:
                    channels[first + 1] += lack
                if not upright:
                    self.sized[id] = one.resized(0.0, max(one.height, have))
        self.channels.long_wires(bands, kind)
        if upright:
            self._room_for_names(bands)
            self._level_steps(bands)
        for group in self.figure.groups.values():
            self._room_for_panel(group, bands, upright)
        bands.settle()
        self.channels.place_tracks(kind, bands)
        return bands

    def _level_steps(self, bands: Bands) -> None:
        """Columns with a name that follow one another stand equally far apart, unless that would waste much."""
        names = self.figure.root.column_names
        named = [c < len(names) and bool(names[c]) for c in range(len(bands.sizes))]
        between = [c for c in range(1, len(named)) if named[c - 1] and named[c]]
        if between:
            most, least = (pick(bands.channels[c] for c in between) for pick in (max, min))
            for c in between if most <= 2 * least else ():
                bands.channels[c] = most

    def _room_for_names(self, bands: Bands) -> None:
        """The words beside a sign keep clear of what stands next to it."""
        for box in self.figure.boxes.values():
            if not (is_bare(box) and box.title):
                continue
            column, row = place_of(box)
            side = self.side_of_name(box)
            if any(r == row and (c - column) * side > 0 for c, r in self.taken):
                n = column + 1 if side > 0 else column
                width = max(fit_line(text, self.theme.role("text.secondary").size).width for text in box.title)
                bands.channels[n] = max(bands.channels[n], width + NAME_ROOM)

    def side_of_name(self, box: Box) -> int:
        """On which side of a sign its words stand: away from where its wires lead."""
        ends = [place_of(self.figure.boxes[w.target.box])[0] for w in self.figure.wires if w.source.box == box.id]
        return -1 if any(column > place_of(box)[0] for column in ends) else 1

    def _end_of(self, box: Box, upright: bool) -> int:
        return place_of(box)[0 if upright else 1] + box.span[0 if upright else 1]

    def _room_for_panel(self, group: Group, bands: Bands, upright: bool) -> None:
        if group.role == "plain" or group is self.figure.root:
            return
        first, last = self.reach(group, 0 if upright else 1)
        pad = self.theme.panel_pad
        bands.channels[first] += pad
        bands.channels[last + 1] += pad + (0.0 if upright or not group.title else PANEL_STRIP)

    def reach(self, group: Group, which: int) -> tuple[int, int]:
        """The first and last column (or row) of what is in a group."""
        boxes = [box for box in self.figure.boxes.values() if self._is_in(box.id, group.id)]
        firsts = [place_of(box)[which] for box in boxes]
        lasts = [place_of(box)[which] + box.span[which] - 1 for box in boxes]
        return min(firsts, default=0), max(lasts, default=0)

    def _is_in(self, box: str, group: str) -> bool:
        parent = self.figure.parent_of.get(box)
        while parent is not None and parent != group:
            parent = self.figure.parent_of.get(parent)
        return parent == group


def _side(crowd: Mapping[tuple[str, str], float], box: str, *sides: str) -> float:
    """The most that ports take of one of these sides; one port takes nothing."""
    most = max((crowd.get((box, side), 0.0) for side in sides), default=0.0)
    return most + PORT_STEP / 2 if most else 0.0


def chip_boxes(figure: Figure, theme: Theme) -> dict[str, SizedBox]:
    """Every chip by its id: one height, and one width where that wastes little."""
    chips = {chip.id: chip for wire in figure.wires for chip in wire.chips}
    sized = {id: size_box(Box(id, chip.role, (chip.title,)), theme) for id, chip in chips.items()}
    height = max((one.height for one in sized.values()), default=0.0)
    text = max((one.text_height for one in sized.values()), default=0.0)  # the same for all, so that they stand on one line
    least = min((one.width for one in sized.values()), default=0.0)
    common = max((one.width for one in sized.values() if one.width <= 1.4 * least), default=0.0)
    return {id: dataclasses.replace(one.resized(common, height), text_height=text) for id, one in sized.items()}
