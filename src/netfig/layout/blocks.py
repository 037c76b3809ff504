"""The pieces a figure is put together from, in a plane whose `u` runs with the flow and whose `v` runs across it.

Every block has an axis along `u`: its length, and how far it reaches to either side of the axis. Blocks know nothing of boxes'
contents; the frame turns (u, v) into the page's (x, y) for each reading direction.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal, NamedTuple

from netfig.figure import Direction, Wire
from netfig.records import dataclass

PAGE_WIDTH, PAGE_HEIGHT = 520.0, 680.0
"""The room a figure has in print when no width is asked for: two columns, most of a page."""
FORK = 11.0  # from a box to where its wires part
JOIN = 17.0  # from where wires meet to the box they enter: an arrow head and a rounded corner
LEVEL = 8.0  # between the turns of wires that meet in one gap
TITLE_INSET = 12.0

Trunk = tuple[str, str]
"""Where a wire starts: a box and what of it (slot, value). Wires with the same trunk carry the same value."""

WIRE_ROLES = {"state": "state_wire"}
"""Wire roles whose theme entry has another name, because a box role has it."""


def wire_role(role: str) -> str:
    """The theme's role of a wire."""
    head, dot, rest = role.partition(".")
    return WIRE_ROLES.get(head, head) + dot + rest


def trunk_of(wire: Wire) -> Trunk:
    """The trunk a wire belongs to: wires from one box share it when they carry the same value from the same slot."""
    return wire.source.box, "\x00".join((wire.source.slot, *wire.stands_for[:1]))


class Rect(NamedTuple):
    """u and v of two opposite corners."""

    u0: float
    v0: float
    u1: float
    v1: float


NOTHING = Rect(0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class Lane:
    """Room beside a series for wires that bypass some of its parts: from behind part `p` (−1: before the first) to part `q`."""

    trunk: Trunk
    p: int
    q: int
    side: int  # -1: at small v, +1: at large v
    offset: float = 0.0  # of its middle from the axis
    fork: float = 0.0  # where wires leave for it (u)
    gap: tuple[Block, int] | None = None  # of a lane from before a series' first part: the gap where wires leave for it
    wires: dict[int, int] = field(default_factory=dict)  # wire → the part it goes to
    leaving: set[int] = field(default_factory=set)  # wires that take it out of the group
    label: tuple[float, float] = (0.0, 0.0)  # the largest label on it, along and across


@dataclass(slots=True)
class Block:
    """A placed piece. `at` holds each part's start along `u` and its axis' `v`, both from this block's own."""

    kind: Literal["box", "ghost", "panel", "series", "parallel", "knot", "beside"]
    id: str = ""
    length: float = 0.0
    before: float = 0.0
    after: float = 0.0
    parts: list[Block] = field(default_factory=list)
    at: list[tuple[float, float]] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    forks: list[float] = field(default_factory=list)  # of a series: how far behind each part wires part
    joins: list[float] = field(default_factory=list)  # … and how far before the next they meet
    lanes: list[Lane] = field(default_factory=list)
    outset: Rect = NOTHING  # of a box: room for copies and badges around its outline; of a panel: its padding
    u: float = 0.0
    v: float = 0.0

    @property
    def breadth(self) -> float:
        """Its full extent across the flow."""
        return self.before + self.after

    def settle(self, u: float, v: float) -> None:
        """Gives it and all its parts their final place."""
        self.u, self.v = u, v
        for part, (du, dv) in zip(self.parts, self.at, strict=True):
            part.settle(u + du, v + dv)


@dataclass(frozen=True, slots=True)
class Frame:
    """Turns the plane of the flow into the page and back."""

    direction: Direction

    def to_page(self, u: float, v: float) -> tuple[float, float]:
        """(x, y) of (u, v)."""
        if self.direction == "right":
            return u, v
        return (v, u) if self.direction == "down" else (v, -u)

    def size(self, width: float, height: float) -> tuple[float, float]:
        """(along, across) of a width and a height."""
        return (width, height) if self.direction == "right" else (height, width)

    def outset(self, left: float, top: float, right: float, bottom: float) -> Rect:
        """Room around something, from the page's sides to the flow's."""
        if self.direction == "right":
            return Rect(left, top, right, bottom)
        return Rect(top, left, bottom, right) if self.direction == "down" else Rect(bottom, left, top, right)

    def rect_to_page(self, r: Rect) -> tuple[float, float, float, float]:
        """left, top, right, bottom of a rectangle."""
        a, b = self.to_page(r.u0, r.v0), self.to_page(r.u1, r.v1)
        return min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1])

    def rect_from_page(self, left: float, top: float, right: float, bottom: float) -> Rect:
        """The inverse of `rect_to_page`."""
        if self.direction == "right":
            return Rect(left, top, right, bottom)
        return Rect(top, left, bottom, right) if self.direction == "down" else Rect(-bottom, left, -top, right)
