"""A dense block opened: a thick bus from left to right, layers under it that tap it and add to it."""

from __future__ import annotations

import dataclasses

from netfig.drawing import Item, Point, Shape
from netfig.figure import Box, Figure, Group, Wire
from netfig.layout.lines import fit_line, make_label
from netfig.layout.parts import box_items, size_box
from netfig.layout.residual_spot import Spot, junction, wire_line
from netfig.layout.text import CAP_HEIGHT
from netfig.theme import Theme

TAP = 11.0  # from a box of the bus, or the layer before, to where a layer taps it
BESIDE = 15.0  # from a tap to its layer: a head and a rounded corner
DOWN = 40.0  # from the bus to the layers
EDGE = 11.0
PAD = 14.0
OFF = 8.0
SYMBOL = 16.0  # of the names of layers and of what they add
EQUATION = 34.0
NAME = 18.0  # under a layer, for its name


class Bus:
    """The panel of one dense block: boxes at level 1 are on the bus, those at level 2 are layers, their names under them."""

    def __init__(self, figure: Figure, theme: Theme, group: Group, row: Group) -> None:
        self.figure, self.theme, self.group, self.row = figure, theme, group, row
        self.small = theme.role("text.secondary").size
        boxes = sorted((b for b in row.children if isinstance(b, Box)), key=lambda b: b.place or (0, 0))
        self.spots = {box.id: Spot(size_box(box, theme)) for box in boxes}
        self.wires = [(i, w) for i, w in enumerate(figure.wires) if w.source.box in self.spots and w.target.box in self.spots]
        self.bus = [self.spots[box.id] for box in boxes if (box.place or (0, 1))[1] == 1]
        self.layers = [self.spots[box.id] for box in boxes if (box.place or (0, 1))[1] > 1]
        self.onto = {w.target.box: self.spots[w.source.box] for _, w in self.wires if self.spots[w.source.box] in self.layers}
        self.taps: dict[str, float] = {}
        self.left = self.right = self.bottom = 0.0  # of the panel
        self._place()

    def _place(self) -> None:
        high = max(s.sized.height for s in self.layers)
        broad = max(s.sized.width for s in self.layers)
        for spot in self.layers:
            spot.sized = spot.sized.resized(broad, high)
            spot.y = DOWN + high / 2
        end, under = 0.0, 0.0  # where the bus and the layers end
        for n, spot in enumerate(self.bus):
            half = spot.sized.width / 2
            layer = self.onto.get(spot.sized.box.id)
            if layer is not None:
                tap = max(end + TAP, under + TAP)
                layer.x = spot.x = round(tap + BESIDE + broad / 2, 1)
                self.taps[layer.sized.box.id] = round(tap, 1)
                under = layer.right
            elif n == len(self.bus) - 1:
                spot.x = round(max(end + EDGE, under + PAD) + EDGE + max(half, self._words(spot) / 2), 1)
                if self.row.detail:  # the panel is as broad as its equation
                    spot.x = max(spot.x, self.left + fit_line(self.row.detail, SYMBOL, 520.0).width + 2 * PAD + EDGE + half)
                self.right = max(spot.x - max(half, self._words(spot) / 2) - EDGE, under + PAD)
            else:
                spot.x = round(max(end + 14.0, under + TAP if n else 0.0) + half, 1) if n else half
            end = spot.right
            if n == 0:
                self.left = spot.x + max(half, self._words(spot) / 2) + EDGE - 4
                end = self.left
        names = NAME if any(s.sized.box.above for s in self.layers) else 0.0
        self.bottom = DOWN + high + names + PAD + (EQUATION if self.row.detail else 0.0)

    def _words(self, spot: Spot) -> float:
        above = spot.sized.box.above
        return fit_line(above[0], self.small).width if above and above[0] else 0.0

    def items(self) -> list[Item]:
        """The panel and everything in it."""
        top = -(max(s.sized.height for s in self.bus) / 2 + OFF + self.small * CAP_HEIGHT + 14 + self.small * CAP_HEIGHT + PAD)
        corner = self.theme.role("panel").corner
        box = (round(self.left, 2), round(top, 2)), (round(self.right, 2), round(self.bottom, 2))
        found: list[Item] = [
            Shape(self.group.id, "rect", "panel", box, corner, box=self.group.id, stands_for=self.group.stands_for)
        ]
        for spot in self.spots.values():
            shapes, labels = box_items(spot.sized, round(spot.left, 2), round(spot.top, 2))
            if spot.sized.box.role == "ellipsis":
                shapes = [dataclasses.replace(shape, tone="none", outlined=False) for shape in shapes]
                found += self._ellipsis(spot)
            found += [*shapes, *labels]
            above = spot.sized.box.above
            if spot in self.layers:
                line = fit_line(above[0], SYMBOL) if above else None
                if line is not None:
                    at = round(spot.bottom + 4 + line.ascent, 2)
                    found.append(make_label(f"{spot.sized.box.id}/symbol", line, spot.x, at, box=spot.sized.box.id))
            elif above and above[0]:
                at = round(spot.y - spot.sized.height / 2 - OFF, 2)
                name = spot.sized.box.id
                found.append(
                    make_label(f"{name}/shape", fit_line(above[0], self.small), spot.x, at, role="text.secondary", box=name)
                )
        if self.row.title:
            line = fit_line(self.row.title, self.small)
            at = round(top + PAD + self.small * CAP_HEIGHT, 2)
            found.append(
                make_label(
                    f"{self.row.id}/title", line, round(self.left + 10, 2), at, role="panel", align="left", box=self.row.id
                )
            )
        if self.row.detail:
            line = fit_line(self.row.detail, SYMBOL, 520.0)
            middle, low = round((self.left + self.right) / 2, 2), round(self.bottom - PAD, 2)
            found.append(make_label(f"{self.row.id}/equation", line, middle, low, role="text.equation"))
        for index, wire in self.wires:
            found += self._wire(index, wire)
        return found

    def _ellipsis(self, spot: Spot) -> list[Item]:
        return [
            Shape(
                f"{spot.sized.box.id}/dot{n}", "ellipse", "ellipsis",
                ((round(spot.x + 7 * n - 1.6, 2), -1.6), (round(spot.x + 7 * n + 1.6, 2), 1.6)), tone="stroke", outlined=False,
                box=spot.sized.box.id, part=f"dot{n}",
            )
            for n in (-1, 0, 1)
        ]  # fmt: skip

    def _wire(self, index: int, wire: Wire) -> list[Item]:
        source, target = self.spots[wire.source.box], self.spots[wire.target.box]
        found: list[Item] = []
        points: tuple[Point, ...] = ((source.right, 0.0), (target.left, 0.0))
        if target in self.layers:
            tap = self.taps[target.sized.box.id]
            points = ((tap, 0.0), (tap, target.y), (target.left, target.y))
            found.append(junction(str(index), (tap, 0.0), "skip"))
        elif source in self.layers:
            points = ((source.x, source.top), (target.x, target.bottom))
        if wire.label:
            words = fit_line(wire.label, SYMBOL)
            at = round(points[0][0] + 6, 2), round((points[0][1] + points[-1][1]) / 2 + words.ascent / 2 - 3, 2)
            found.append(make_label(f"wire/{index}/name", words, *at, role="data.value", align="left"))
        return [wire_line(self.theme, index, wire, points), *found]
