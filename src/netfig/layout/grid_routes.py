"""Which way each wire of a grid takes: along rows and columns of boxes, and through the channels between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.layout.grid_parts import PORT_STEP, Passage, Port, Route, chip_channel, place_of, trunk_of
from netfig.layout.grid_tracks import order_tracks

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.figure import Box, End, Figure, Wire
    from netfig.layout.grid_parts import Corner, PassageSide

SPREAD = 0.55  # of a channel is taken by its tracks


class Ways:
    """Finds the ways of all wires of a figure whose boxes stand in a grid; `steps` sets ports of a box's side further apart."""

    def __init__(self, figure: Figure, steps: Mapping[tuple[str, str], float] | None = None) -> None:
        self.figure = figure
        self.boxes = figure.boxes
        self.steps = steps or {}
        self.taken: dict[Corner, str] = {}
        for box in self.boxes.values():
            column, row = place_of(box)
            for c in range(column, column + box.span[0]):
                for r in range(row, row + box.span[1]):
                    self.taken[c, r] = box.id
        self.ports: dict[tuple[object, ...], Port] = {}
        self.passages: dict[tuple[object, ...], Passage] = {}
        self.routes: list[Route] = []
        self.tracks: dict[tuple[str, int], int] = {}
        self.loads: dict[tuple[str, ...], set[tuple[str, ...]]] = {}  # the weights on the wires of each trunk
        for wire in figure.wires:
            self.loads.setdefault(trunk_of(wire), set()).add(tuple(chip.id for chip in wire.chips))

    def run(self) -> list[Route]:
        """The ways, their ports set apart and their tracks chosen."""
        for n, wire in enumerate(self.figure.wires):
            self.routes.append(self._route(n, wire))
        self._measure()
        self._order_ports()
        self._measure()
        order_tracks(p for p in self.passages.values() if p.channel[0] == "V")
        for passage in [p for p in self.passages.values() if p.channel[0] == "V"]:
            self.tracks[passage.channel] = max(self.tracks.get(passage.channel, 0), passage.track + 1)
        self._measure()
        order_tracks(p for p in self.passages.values() if p.channel[0] == "H")
        return self.routes

    # --- ways -----------------------------------------------------------------------------------------------------------------

    def _cell(self, end: End) -> Corner:
        column, row = place_of(self.boxes[end.box])
        return column, row + end.lane

    def _last(self, end: End) -> int:
        """The rightmost column of a box."""
        return place_of(self.boxes[end.box])[0] + self.boxes[end.box].span[0] - 1

    def _clear(self, cells: Iterable[Corner], *ends: str) -> bool:
        return all(self.taken.get(cell) in (None, *ends) for cell in cells)

    def _route(self, n: int, wire: Wire) -> Route:
        a, b = wire.source, wire.target
        leave, arrive = self._sides(wire)
        channels = self._channels(wire, leave, arrive)
        trunk = trunk_of(wire)
        (_, row_a), (_, row_b) = self._cell(a), self._cell(b)
        start = self._port((trunk, leave, row_a), a.box, leave, row_a)
        end = self._port((n, "end"), b.box, arrive, row_b)
        passages = []
        own = wire.chips if channels and len(self.loads[trunk]) > 1 else ()
        at = chip_channel(channels)
        for k, channel in enumerate(channels):
            key: tuple[object, ...] = (trunk, leave, row_a, *channels[: k + 1])
            if k >= at:  # other weights need a stretch of their own
                key = (*key, *(chip.id for chip in own))
            lean = _lean(k, len(channels), leave, arrive)
            passages.append(self.passages.setdefault(key, Passage(channel, trunk, lean=lean)))
        route = Route(n, start, passages, end)
        if route.is_straight:
            start.straight = end.straight = True
        return route

    def _port(self, key: tuple[object, ...], box: str, side: PassageSide, row: int) -> Port:
        return self.ports.setdefault(key, Port(box, side, row))

    def _sides(self, wire: Wire) -> tuple[PassageSide, PassageSide]:
        (ca, ra), (cb, rb) = self._cell(wire.source), self._cell(wire.target)
        across, up = cb - ca, rb - ra
        leave: PassageSide
        arrive: PassageSide
        if up and across and self._overlap(wire):
            across = 0
        if self._box_of(wire.source).span[1] > 1 and rb >= self._top(wire.source) and not across:
            leave, arrive = "top", "bottom"
        elif up == 0 and across:
            between = [(c, ra) for c in range(min(ca, cb) + 1, max(ca, cb))]
            if self._clear(between, wire.source.box, wire.target.box):
                leave, arrive = ("right", "left") if across > 0 else ("left", "right")
            else:
                free = ra > 0 and self._clear([(c, ra - 1) for c in _steps(ca, cb)])
                leave, arrive = ("bottom", "bottom") if free else ("top", "top")
        elif across == 0:
            leave, arrive = ("top", "bottom") if up > 0 else ("bottom", "top")
        else:
            leave, arrive = ("right", "left") if across > 0 else ("left", "right")
        wanted, given = wire.source.side, wire.target.side
        if wanted in ("left", "right", "top", "bottom"):
            leave = wanted
        if given in ("left", "right", "top", "bottom"):
            arrive = given
        return leave, arrive

    def _overlap(self, wire: Wire) -> bool:
        """Whether one of two boxes stands, in its columns, over the other."""
        (ca, _), (cb, _) = self._cell(wire.source), self._cell(wire.target)
        return ca <= self._last(wire.target) and cb <= self._last(wire.source)

    def _middle(self, end: End) -> float:
        """Of the columns of a box."""
        return (place_of(self.boxes[end.box])[0] + self._last(end)) / 2

    def _box_of(self, end: End) -> Box:
        return self.boxes[end.box]

    def _top(self, end: End) -> int:
        """The row above a box."""
        return place_of(self.boxes[end.box])[1] + self.boxes[end.box].span[1]

    def _out(self, end: End, side: PassageSide) -> tuple[str, int]:
        """The channel a box opens on at a side."""
        column, row = place_of(self.boxes[end.box])
        if side in ("left", "right"):
            return "V", column if side == "left" else self._last(end) + 1
        return "H", row if side == "bottom" else self._top(end)

    def _channels(self, wire: Wire, leave: PassageSide, arrive: PassageSide) -> list[tuple[str, int]]:
        a, b = wire.source, wire.target
        (ca, ra), (cb, rb) = self._cell(a), self._cell(b)
        first, last = self._out(a, leave), self._out(b, arrive)
        ends = (a.box, b.box)
        if first[0] == last[0] == "V":
            if ra == rb and {leave, arrive} == {"left", "right"} and (cb > ca) == (leave == "right"):
                between = [(c, ra) for c in range(min(ca, cb) + 1, max(ca, cb))]
                if self._clear(between, *ends):
                    return []
            if first == last:
                return [first]
            reach_b = [(c, ra) for c in _between(first[1], last[1])]
            reach_a = [(c, rb) for c in _between(first[1], last[1])]
            if self._clear(reach_b, *ends) and {leave, arrive} == {"left", "right"}:
                return [last]
            if self._clear(reach_a, *ends) and {leave, arrive} == {"left", "right"}:
                return [first]
            if leave == arrive:
                outer = max(first[1], last[1]) if leave == "right" else min(first[1], last[1])
                if self._clear([(c, ra) for c in _between(first[1], outer)] + [(c, rb) for c in _between(outer, last[1])], *ends):
                    return [("V", outer)]
            return [first, ("H", max(ra, rb) if ra != rb else ra + 1), last]
        if first[0] == last[0] == "H":
            through = [(c, r) for c in {ca, cb} for r in _between(first[1], last[1])]
            if {leave, arrive} == {"top", "bottom"} and (rb > ra) == (leave == "top"):
                if self._middle(a) == self._middle(b) and self._clear(through, *ends):
                    return []
                if first != last and self._overlap(wire):
                    if self._clear([(cb, r) for _, r in through], *ends) and _spans(self.boxes[a.box]):
                        return [first]
                    if self._clear([(ca, r) for _, r in through], *ends) and _spans(self.boxes[b.box]):
                        return [last]
            if first == last:
                return [first]
            if leave == arrive:
                outer = max(first[1], last[1]) if leave == "top" else min(first[1], last[1])
                if self._clear([(ca, r) for r in _between(first[1], outer)] + [(cb, r) for r in _between(outer, last[1])], *ends):
                    return [("H", outer)]
            return [first, ("V", self._beside(wire, ca, cb)), last]
        return self._bent(leave, arrive, (ca, ra), (cb, rb), first, last, ends)

    def _beside(self, wire: Wire, ca: int, cb: int) -> int:
        """The channel in which a wire passes boxes of its own column: on the left where it enters a step, else on the right."""
        if ca != cb:
            return max(ca, cb)
        return cb + 1 if wire.source.side or self.boxes[wire.source.box].role.split(".")[0] != "input" else cb

    def _bent(
        self, leave: PassageSide, arrive: PassageSide, a: Corner, b: Corner, first: tuple[str, int], last: tuple[str, int],
        ends: tuple[str, str],
    ) -> list[tuple[str, int]]:  # fmt: skip
        """From a flank to a top or bottom, or the other way round: one corner where nothing stands there, else three."""
        (ca, ra), (cb, rb) = a, b
        if first[0] == "V":
            forward = (cb > ca) == (leave == "right") and ca != cb
            towards = (rb < ra) == (arrive == "top") and ra != rb
            level = (rb == ra) and cb != ca
            corner = [*((c, ra) for c in _steps(ca, cb)), *((cb, r) for r in _steps(rb, ra))]
            if forward and towards and self._clear(corner, *ends):
                return []
            if level and self.boxes[ends[1]].role == "delay":
                return []
            return [first, last]
        forward = (rb > ra) == (leave == "top") and ra != rb
        towards = (cb < ca) == (arrive == "right") and ca != cb
        if forward and towards and self._clear([*((ca, r) for r in _steps(ra, rb)), *((c, rb) for c in _steps(cb, ca))], *ends):
            return []
        return [first, last]

    # --- where along a channel ------------------------------------------------------------------------------------------------

    def _measure(self) -> None:
        """Finds for each passage which part of its channel it takes and to which side its wires leave it (rows count upwards)."""
        for passage in self.passages.values():
            passage.stubs.clear()
        for route in self.routes:
            chain = [self._port_line(route.start), *(self._channel_line(p) for p in route.passages), self._port_line(route.end)]
            for k, passage in enumerate(route.passages, start=1):
                before, after = chain[k - 1], chain[k + 1]
                beyond_before = chain[k - 2] if k > 1 else None
                beyond_after = chain[k + 2] if k + 2 < len(chain) else None
                for line, beyond in ((before, beyond_before), (after, beyond_after)):
                    other = beyond[0] if beyond is not None else line[1]
                    passage.stubs.append((line[0], 1 if other > self._channel_line(passage)[0] else -1))
                spots = [s for s, _ in passage.stubs]
                passage.low, passage.high = min(spots), max(spots)
            if route.passages:
                first, last = route.passages[0], route.passages[-1]
                route.start.toward = _far(chain, 0, first)
                route.end.toward = _far(chain[::-1], 0, last)
            elif not route.is_straight:
                route.start.toward, route.end.toward = chain[1][1], chain[0][1]

    def _port_line(self, port: Port) -> tuple[float, float]:
        """Where the line through a port lies across its direction, and where along it the box stands."""
        column, row = place_of(self.boxes[port.box])
        box = self.boxes[port.box]
        middle = column + (box.span[0] - 1) / 2
        if port.side in ("left", "right"):
            return 2 * port.row + 1 - port.shift / 100, 2 * middle + 1
        return 2 * middle + 1 + port.shift / 100, 2 * (row + (box.span[1] - 1) / 2) + 1

    def _channel_line(self, passage: Passage) -> tuple[float, float]:
        tracks = self.tracks.get(passage.channel, 0)  # known of upright channels when level ones are ordered
        within = SPREAD * (2 * (passage.track + 1) / (tracks + 1) - 1) if tracks else 0.0
        return 2.0 * passage.channel[1] + within, 0.0

    def _order_ports(self) -> None:
        """Sets the ports of each side apart, in the order of where their wires come from."""
        sides: dict[tuple[str, str, int], list[Port]] = {}
        for port in self.ports.values():
            flank = port.side in ("left", "right")
            sides.setdefault((port.box, port.side, port.row if flank else 0), []).append(port)
        for (box, side, _), ports in sides.items():
            step = self.steps.get((box, side), PORT_STEP)
            sign = -1.0 if side in ("left", "right") else 1.0  # rows count upwards, points downwards
            straight = [p for p in ports if p.straight]
            bent = sorted((p for p in ports if not p.straight), key=lambda p: sign * p.toward)
            centre = self._port_line(Port(ports[0].box, ports[0].side, ports[0].row))[0]
            if not straight:
                for k, port in enumerate(bent):
                    port.shift = (k - (len(bent) - 1) / 2) * step
                continue
            before = [p for p in bent if sign * (p.toward - centre) < 0]
            after = [p for p in bent if sign * (p.toward - centre) >= 0]
            for k, port in enumerate(reversed(before), start=1):
                port.shift = -k * step
            for k, port in enumerate(after, start=1):
                port.shift = k * step
        self._spread_straight()

    def _spread_straight(self) -> None:
        """Several straight wires between the same two boxes run side by side."""
        pairs: dict[tuple[object, ...], list[Route]] = {}
        for route in self.routes:
            if route.is_straight:
                pair = sorted(((route.start.box, route.start.row), (route.end.box, route.end.row)))
                pairs.setdefault(tuple(pair), []).append(route)
        for group in pairs.values():
            ends = [(port.box, port.side) for route in group for port in (route.start, route.end)]
            step = max(self.steps.get(end, PORT_STEP) for end in ends)
            for k, route in enumerate(group):
                if len(group) > 1:
                    route.start.shift = route.end.shift = (k - (len(group) - 1) / 2) * step


def _lean(k: int, count: int, leave: PassageSide, arrive: PassageSide) -> int:
    """To which end of its channel a passage belongs: that where its wire comes from, or where it goes."""
    if k == 0 and (count > 1 or leave == arrive):
        return 1 if leave in ("right", "top") else -1
    if k == count - 1 and count > 1:
        return -1 if arrive in ("left", "bottom") else 1
    return 0


def _far(chain: list[tuple[float, float]], at: int, passage: Passage) -> float:
    """Where the wire goes once it has turned into its first channel."""
    own = chain[at][0]
    return chain[at + 2][0] if abs(chain[at + 2][0] - own) > 0.01 else own


def _between(first: int, last: int) -> range:
    """The columns (or rows) between two channels."""
    return range(min(first, last), max(first, last))


def _spans(box: Box) -> bool:
    """Whether a box takes several columns."""
    return box.span[0] > 1


def _steps(a: int, b: int) -> range:
    """From `a` to `b`, both included."""
    return range(min(a, b), max(a, b) + 1)
