"""Which way each wire of a grid takes: along rows and columns of boxes, and through the channels between them.

Channel V*c* lies left of column *c*, channel H*r* below row *r*. A way is the port it leaves by, the channels it runs through and
the port it arrives at; where in a channel it runs (its track) is decided so that few wires cross and none lie on each other.
"""

from __future__ import annotations

from dataclasses import field
from itertools import pairwise, permutations
from typing import TYPE_CHECKING, Literal

from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.figure import Box, End, Figure, Wire

PORT_STEP = 9.0  # between the wires on one side of a box
LANE = 12.0  # between tracks
HEIGHT = 0.6  # what one more track costs, a crossing being 1
APART = 0.2  # of the way from one column to the middle of the next: nearer than that is side by side
SPREAD = 0.55  # of a channel is taken by its tracks
FEW = 5  # tracks whose every order is tried
PassageSide = Literal["left", "right", "top", "bottom"]
Corner = tuple[int, int]


@dataclass(slots=True)
class Port:
    """Where wires touch a side of a box; `shift` is how far from the side's middle (or its lane's), rightwards or down."""

    box: str
    side: PassageSide
    row: int
    shift: float = 0.0
    straight: bool = False
    toward: float = 0.0  # where its wires come from or go to, across the side: orders the ports


@dataclass(slots=True)
class Passage:
    """A stretch of a wire (or of the common trunk of several) in a channel; `at` is its place once there are coordinates."""

    channel: tuple[str, int]
    trunk: tuple[str, ...]
    low: float = 0.0
    high: float = 0.0
    stubs: list[tuple[float, int]] = field(default_factory=list)  # place along the channel, side to which a wire leaves it
    lean: int = 0  # 1: to be near the left (lower) end of its channel, −1: near the other
    track: int = 0
    at: float = 0.0

    def meets(self, other: Passage) -> bool:
        """Whether both take some of the same stretch; such as want to be at different ends do not share a track at all."""
        room = APART if self.lean * other.lean < 0 else 0.02
        return self.low < other.high + room and other.low < self.high + room


@dataclass(slots=True)
class Route:
    """The way of one wire."""

    wire: int
    start: Port
    passages: list[Passage]
    end: Port

    @property
    def is_straight(self) -> bool:
        """Whether it is one straight line."""
        return not self.passages and {self.start.side, self.end.side} in ({"left", "right"}, {"top", "bottom"})


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

    def run(self) -> list[Route]:
        """The ways, their ports set apart and their tracks chosen."""
        for n, wire in enumerate(self.figure.wires):
            self.routes.append(self._route(n, wire))
        self._measure()
        self._order_ports()
        self._measure()
        self._order_tracks("V")
        for passage in [p for p in self.passages.values() if p.channel[0] == "V"]:
            self.tracks[passage.channel] = max(self.tracks.get(passage.channel, 0), passage.track + 1)
        self._measure()
        self._order_tracks("H")
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
        own = wire.chips if channels else ()
        at = _chip_channel(channels)
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

    # --- tracks ---------------------------------------------------------------------------------------------------------------

    def _order_tracks(self, kind: str) -> None:
        channels: dict[tuple[str, int], list[Passage]] = {}
        for passage in (p for p in self.passages.values() if p.channel[0] == kind):
            channels.setdefault(passage.channel, []).append(passage)
        for cluster in (cluster for whole in channels.values() for cluster in _clusters(whole)):
            if len(cluster) > FEW:
                _set_tracks(_in_order(cluster))
            else:
                best = min(permutations(cluster), key=lambda order: _crossings(order) + HEIGHT * _set_tracks(order))
                _set_tracks(best)


def _clusters(passages: list[Passage]) -> list[list[Passage]]:
    """Passages of one channel that meet, directly or through others."""
    found: list[list[Passage]] = []
    reach = -1.0
    for passage in sorted(passages, key=lambda p: (p.low, p.high)):
        if not found or passage.low > reach + APART:
            found.append([])
        found[-1].append(passage)
        reach = max(reach, passage.high) if len(found[-1]) > 1 else passage.high
    return found


def _set_tracks(order: Iterable[Passage]) -> int:
    """Gives each passage the first track beyond all that meet it, in the order given; how many tracks that takes."""
    placed: list[Passage] = []
    for passage in order:
        passage.track = max((p.track for p in placed if p.meets(passage)), default=-1) + 1
        placed.append(passage)
    return 1 + max((p.track for p in placed), default=-1)


def _in_order(passages: list[Passage]) -> list[Passage]:
    """An order of many passages, from the low track up: each before those that it is better below."""
    near: dict[int, dict[int, float]] = {n: {} for n in range(len(passages))}
    for i, one in enumerate(passages):
        for k in range(i + 1, len(passages)):
            other = passages[k]
            if one.meets(other):
                gain = _crossings((one, other)) - _crossings((other, one))
                near[i][k], near[k][i] = gain, -gain
    cost = {n: sum(gains.values()) for n, gains in near.items()}
    order: list[int] = []
    while cost:
        first = min(cost, key=lambda n: (round(cost[n], 3), passages[n].low, passages[n].high, n))
        del cost[first]
        order.append(first)
        for n, gain in near[first].items():
            if n in cost:
                cost[n] += gain
    for _ in range(len(order)):  # neighbours change places while that helps
        swapped = False
        for k in range(len(order) - 1):
            if near[order[k]].get(order[k + 1], 0.0) > 0.01:
                order[k], order[k + 1] = order[k + 1], order[k]
                swapped = True
        if not swapped:
            break
    return [passages[n] for n in order]


def chip_leg(route: Route) -> int:
    """Which stretch of a wire its chips sit on: 0 the first, 1 … the passages, then the last."""
    if route.is_straight:
        return 0
    count = len(route.passages)
    if is_step(route):
        return 0 if route.end.shift else 2  # of several that come together each has its own beginning
    if count < 2:
        return 1
    return 1 + _chip_channel([p.channel for p in route.passages])


def _lean(k: int, count: int, leave: PassageSide, arrive: PassageSide) -> int:
    """To which end of its channel a passage belongs: that where its wire comes from, or where it goes."""
    if k == 0 and (count > 1 or leave == arrive):
        return 1 if leave in ("right", "top") else -1
    if k == count - 1 and count > 1:
        return -1 if arrive in ("left", "bottom") else 1
    return 0


def _chip_channel(channels: list[tuple[str, int]]) -> int:
    """In which of its channels a wire has its chips, before its passages have a place."""
    if len(channels) == 2:
        return 0 if channels[0][0] == "H" else 1
    return 1 if len(channels) == 3 else 0


def is_step(route: Route) -> bool:
    """Whether a wire goes up (or down) with one step aside."""
    return len(route.passages) == 1 and {route.start.side, route.end.side} == {"top", "bottom"}


def _crossings(order: Iterable[Passage]) -> float:
    listed = list(order)
    total = 0.0
    for i, low in enumerate(listed):
        for high in listed[i + 1 :]:
            if not low.meets(high):
                continue
            for at, side in low.stubs:
                if side > 0:
                    total += _hit(at, high)
            for at, side in high.stubs:
                if side < 0:
                    total += _hit(at, low)
            total += 0.5 if low.lean < high.lean else 0.0
            total += 0.001 * ((low.high - low.low) - (high.high - high.low)) * (1 if low.channel[0] == "H" else 0)
    return total


def _hit(at: float, passage: Passage) -> float:
    """What a stub at a place costs that crosses a passage; on its end it would lie on a wire of the other."""
    if any(abs(at - spot) < 0.02 for spot, _ in passage.stubs):
        return 5.0
    return 1.0 if passage.low < at < passage.high else 0.0


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


def place_of(box: Box) -> Corner:
    """The column and lowest row of a box."""
    return box.place if box.place is not None else (0, 0)


def trunk_of(wire: Wire) -> tuple[str, ...]:
    """Wires that carry the same value from the same place share their way as far as it is the same."""
    return (wire.source.box, wire.source.slot, str(wire.source.lane), *wire.stands_for[:1])


def passages_by_channel(routes: Iterable[Route]) -> Mapping[tuple[str, int], list[Passage]]:
    """All passages of each channel, each once, by track."""
    found: dict[tuple[str, int], dict[int, Passage]] = {}
    for route in routes:
        for passage in route.passages:
            found.setdefault(passage.channel, {})[id(passage)] = passage
    return {channel: sorted(ps.values(), key=lambda p: (p.track, p.low)) for channel, ps in found.items()}


def corners_of(lines: list[tuple[str, float]]) -> list[tuple[float, float]]:
    """Where each of alternating upright (``v``) and level (``h``) lines meets the next."""
    return [(a[1], b[1]) if a[0] == "v" else (b[1], a[1]) for a, b in pairwise(lines)]
