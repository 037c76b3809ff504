"""What the layout of a grid speaks of: the ports, passages and route of a wire, columns and rows with the channels between them.

Channel V*c* lies left of column *c*, channel H*r* below row *r*. A way is the port it leaves by, the channels it runs through and
the port it arrives at.
"""

from __future__ import annotations

from dataclasses import field
from itertools import pairwise
from typing import TYPE_CHECKING, Literal

from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.figure import Box, Wire

PORT_STEP = 9.0  # between the wires on one side of a box
LANE = 12.0  # between tracks
APART = 0.2  # of the way from one column to the middle of the next: nearer than that is side by side
BARE = ("delay", "ellipsis", "anchor")  # roles whose title stands beside them
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


@dataclass
class Bands:
    """The columns (or rows, counted upwards) and the channels between them: sizes, then places along one direction."""

    sizes: list[float]
    channels: list[float]
    middles: list[float] = field(default_factory=list)
    starts: list[float] = field(default_factory=list)  # of the channels

    def settle(self) -> None:
        """Places everything one after the other from 0."""
        at = 0.0
        for size, channel in zip([*self.sizes, 0.0], self.channels, strict=True):
            self.starts.append(at)
            self.middles.append(round(at + channel + size / 2, 2))
            at += channel + size
        self.middles.pop()


def chip_passage(route: Route) -> Passage | None:
    """The passage whose track the chips of a wire sit on."""
    leg = chip_leg(route)
    return route.passages[leg - 1] if 0 < leg <= len(route.passages) else None


def chip_leg(route: Route) -> int:
    """Which stretch of a wire its chips sit on: 0 the first, 1 … the passages, then the last."""
    if route.is_straight:
        return 0
    count = len(route.passages)
    if is_step(route):
        return 0 if route.end.shift else 2  # of several that come together each has its own beginning
    if count < 2:
        return 1
    return 1 + chip_channel([p.channel for p in route.passages])


def chip_channel(channels: list[tuple[str, int]]) -> int:
    """In which of its channels a wire has its chips, before its passages have a place."""
    if len(channels) == 2:
        return 0 if channels[0][0] == "H" else 1
    return 1 if len(channels) == 3 else 0


def is_step(route: Route) -> bool:
    """Whether a wire goes up (or down) with one step aside."""
    return len(route.passages) == 1 and {route.start.side, route.end.side} == {"top", "bottom"}


def is_bare(box: Box) -> bool:
    """Whether a box is a mere sign, its words beside it."""
    return box.role.split(".")[0] in BARE


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
