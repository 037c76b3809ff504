"""The channels of a grid: how wide each must be for the wires, chips and names in it, and where in it each track runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.layout.blocks import wire_role
from netfig.layout.grid_chips import CHIP_GAP
from netfig.layout.grid_parts import LANE, chip_leg, chip_passage, is_step, passages_by_channel, place_of
from netfig.layout.parts import fit_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfig.figure import Figure
    from netfig.layout.grid_parts import Bands, Passage, Port, Route
    from netfig.layout.grid_tight import Measures
    from netfig.layout.parts import SizedBox
    from netfig.theme import Theme

EDGE = 17.0  # from a box to the first track above or below it: an arrow head and a rounded corner
LEAD = 13.0  # upright wire before and after a chip, at least


class Channels:
    """The channels of one figure: V*c* left of column *c*, H*r* below row *r*; `more` is room before a track beyond what is
    reckoned."""

    def __init__(
        self,
        figure: Figure,
        theme: Theme,
        measures: Measures,
        routes: Sequence[Route],
        sized: Mapping[str, SizedBox],
        chips: Mapping[str, SizedBox],
        more: Mapping[tuple[str, int, int], float],
    ) -> None:
        self.figure, self.theme, self.measures = figure, theme, measures
        self.routes, self.sized, self.chips, self.more = routes, sized, chips, more
        self.passages = passages_by_channel(routes)
        self.along: dict[int, list[Route]] = {}  # the routes that share a passage, by its identity
        self.across: dict[tuple[str, int], list[Route]] = {}  # the routes whose chips or names may need room in a channel
        self.straight: dict[int, list[Route]] = {}  # the straight routes from a port, by its identity
        for route in routes:
            for passage in route.passages:
                self.along.setdefault(id(passage), []).append(route)
            if route.is_straight:
                self.straight.setdefault(id(route.start), []).append(route)
                channels = {("V" if route.end.side in ("left", "right") else "H", self._opens_on(route.end))}
            else:
                channels = {p.channel for p in route.passages}
            for channel in channels:
                self.across.setdefault(channel, []).append(route)

    def _chips_of(self, route: Route) -> tuple[float, float]:
        """Width and height of the chips of a wire, set in a row or in a column."""
        chips = [self.chips[chip.id] for chip in self.figure.wires[route.wire].chips]
        return sum(c.width + CHIP_GAP for c in chips) - CHIP_GAP, sum(c.height + CHIP_GAP for c in chips) - CHIP_GAP

    def _lead(self, kind: str) -> float:
        """The wire before and after a chip."""
        return self.measures.lead if kind == "V" else self.measures.rise

    def _edge(self, kind: str) -> float:
        """From a box to the first track beside it."""
        return self.measures.edge if kind == "V" else EDGE

    def widest_chip(self, route: Route) -> float:
        """The width of the broadest chip of a wire."""
        return max((self.chips[chip.id].width for chip in self.figure.wires[route.wire].chips), default=0.0)

    def _zone(self, kind: str, n: int) -> float:
        """Room that chips and names on wires across a channel need."""
        need = 0.0
        for route in self.across.get((kind, n), ()):
            wire = self.figure.wires[route.wire]
            if not wire.chips and not wire.label:
                continue
            if route.is_straight:
                if self._opens_on(route.start) != n:
                    continue
            elif not self._turns_in(route, kind, n):
                continue
            lead = self._lead(kind)
            if kind == "V" and wire.chips and route.start.side == "top" and not route.is_straight:
                need = max(need, self._zone_above(route, n))
                continue
            w, h = self._chips_of(route) if wire.chips else (-2 * lead, -2 * lead)
            label = self._label_width(route) + 14 if wire.label and kind == "V" and route.is_straight else 0.0
            if wire.label and wire.chips and kind == "H" and route.is_straight:
                h += 12.0  # the name stands beside the wire, clear of the chip
            need = max(need, (w if kind == "V" else h) + 2 * lead + (label if not wire.chips or not label else label + lead))
        return need

    def _zone_above(self, route: Route, n: int) -> float:
        """Room for chips on a wire that leaves its box at the top and turns in the next channel: half of it is over the box."""
        column = place_of(self.figure.boxes[route.start.box])[0]
        if n not in (column, column + 1) or route.end.side not in ("left", "right"):
            return 0.0
        half = max(one.width for one in self.sized.values() if place_of(one.box)[0] == column) / 2
        return self._chips_of(route)[0] + 2 * self.measures.bend - half

    def _turns_in(self, route: Route, kind: str, n: int) -> bool:
        """Whether the chips of a bent wire need the room beside the tracks of a channel."""
        if is_step(route):
            return route.passages[0].channel == (kind, n)
        passage = chip_passage(route)
        if passage is None or not self.figure.wires[route.wire].chips or kind != "V" or passage.channel[0] == "V":
            return False
        if route.end.side in ("top", "bottom") and abs(place_of(self.figure.boxes[route.end.box])[0] + 0.5 - n) > 1:
            return False  # it runs over a whole column
        return any(p.channel == (kind, n) for p in route.passages)  # a level stretch that ends there

    def _label_width(self, route: Route) -> float:
        wire = self.figure.wires[route.wire]
        return fit_line(wire.label, self.theme.role(wire_role(wire.role)).size).width

    def long_wires(self, bands: Bands, kind: str) -> None:
        """Straight wires over several channels, and upright passages, have room for their chips."""
        for route in self.routes:
            passage = chip_passage(route)
            if kind == "H" and passage is not None and passage.channel[0] == "V":
                self._long_passage(route, bands)
            if not route.is_straight or ("V" if route.end.side in ("left", "right") else "H") != kind:
                continue
            first, last = sorted((self._opens_on(route.start), self._opens_on(route.end)))
            chips = self.figure.wires[route.wire].chips
            if first == last or not chips:
                continue
            need = self._chips_of(route)[0 if kind == "V" else 1] + 2 * self._lead(kind)
            have = sum(bands.channels[first : last + 1]) + sum(bands.sizes[first:last])
            bands.channels[last] += max(0.0, need - have)
            if kind == "V":  # whatever crosses in the columns between, there is room beside the target
                at = self._opens_on(route.end)
                beside = bands.sizes[at - 1 if route.end.side == "left" else at] / 2
                bands.channels[at] = max(bands.channels[at], need - beside)

    def _opens_on(self, port: Port) -> int:
        """The channel at a port's side."""
        column, row = place_of(self.figure.boxes[port.box])
        span = self.figure.boxes[port.box].span
        return {"left": column, "right": column + span[0], "bottom": row, "top": row + span[1]}[port.side]

    def width(self, kind: str, n: int, count: int) -> float:
        """How wide a channel is."""
        more = sum(room for (own, at, _), room in self.more.items() if (own, at) == (kind, n))
        return more + self._least_channel(kind, n, count)

    def _least_channel(self, kind: str, n: int, count: int) -> float:
        zone, tracks = self._zone(kind, n), self._thick(kind, n)
        outer = n in (0, count)
        if not tracks:
            gap = self.measures.gap if kind == "V" else None
            return 0.0 if outer else max(zone, self.theme.gap_along if gap is None else gap)
        edge = self._edge(kind)
        edges = edge if outer else 2 * edge
        split = self._split(kind, n)
        beside = zone - edge if 0 < split < len(tracks) else max(0.0, zone - edge)
        if self.measures.over and not 0 < split < len(tracks):  # chips on tracks stand above or below those across
            beside -= (tracks[-1 if split else 0] - LANE) / 2
        return sum(tracks) - LANE + edges + max(beside, 0.0)

    def _thick(self, kind: str, n: int) -> list[float]:
        """The breadth of each track of a channel."""
        found: dict[int, float] = {}
        for passage in self.passages.get((kind, n), ()):
            found[passage.track] = max(found.get(passage.track, LANE), self.breadth(passage))
        return [found[track] for track in sorted(found)]

    def breadth(self, passage: Passage) -> float:
        """A track that carries a chip is as broad as it."""
        need = LANE
        for route in self.along[id(passage)]:
            if self.figure.wires[route.wire].chips and chip_passage(route) is passage:
                upright = passage.channel[0] == "V"
                tallest = max(self.chips[chip.id].height for chip in self.figure.wires[route.wire].chips)
                need = max(need, (self.widest_chip(route) if upright else tallest) + 10)
        return need

    def _split(self, kind: str, n: int) -> int:
        """How many tracks stand at the near side (left, below) of the room for chips."""
        passages = self.passages.get((kind, n), ())
        count = 1 + max((p.track for p in passages), default=-1)
        wishes = [0] * count
        for passage in passages:
            wishes[passage.track] += sum(-side for _, side in passage.stubs) or self._wish(passage)
        return max(range(count + 1), key=lambda k: (sum(wishes[:k]) - sum(wishes[k:]), -k)) if count else 0

    def _wish(self, passage: Passage) -> int:
        """Where a passage that leads across wants to be: beyond its chip, else near the box it leads to."""
        wish = 0
        for route in self.along[id(passage)]:
            at = next(n for n, p in enumerate(route.passages) if p is passage)
            ahead = 1 if route.end.side in ("bottom", "left") else -1
            near = 1 if route.start.side in ("right", "top") else -1
            if self.figure.wires[route.wire].chips and is_step(route):
                return 3 * (ahead if chip_leg(route) else -ahead)  # it needs the room more than others
            if not at and route.start.straight:
                strength = 3 if passage.channel[0] == "V" else 1
                return strength * (near if self._differs_from_straight(route) else -near)
            if at < len(route.passages) - 1:  # it stays near where it comes from
                return near
            wish = wish or -ahead
        return wish

    def _differs_from_straight(self, route: Route) -> bool:
        """Whether other weights act on the straight wire from the same port: its chips then sit behind the fork."""
        own = self.figure.wires[route.wire].chips
        return any(self.figure.wires[r.wire].chips != own for r in self.straight.get(id(route.start), ()))

    def place_tracks(self, kind: str, bands: Bands) -> None:
        """Gives every passage its place in its channel."""
        for n, start in enumerate(bands.starts):
            thick = self._thick(kind, n)
            if not thick:
                continue
            split, end = self._split(kind, n), start + bands.channels[n]
            at: list[float] = []
            near = start + (self._edge(kind) if n else 0.0) - LANE / 2
            for track, breadth in enumerate(thick[:split]):
                near += self.more.get((kind, n, track), 0.0)
                at.append(near + breadth / 2)
                near += breadth
            far = end - (self._edge(kind) if n < len(bands.channels) - 1 else 0.0) + LANE / 2
            for track in range(len(thick) - 1, split - 1, -1):
                far -= self.more.get((kind, n, track + 1), 0.0)
                at.insert(split, far - thick[track] / 2)
                far -= thick[track]
            for passage in self.passages[kind, n]:
                passage.at = round(at[passage.track], 2)

    def _long_passage(self, route: Route, bands: Bands) -> None:
        low, high = sorted((route.start.row, route.end.row))
        if low < high:
            have = sum(bands.channels[low + 1 : high + 1]) + sum(bands.sizes[low + 1 : high])
            lost = 2 * EDGE if len(route.passages) == 3 else 0.0
            bands.channels[high] += max(0.0, self._chips_of(route)[1] + 2 * LEAD + lost - have)
