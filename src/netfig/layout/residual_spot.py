"""What the row of parts and the opened blocks share: a box with its place, the line of a wire, a junction dot."""

from __future__ import annotations

from collections.abc import Sequence

from netfig.drawing import Line, Point, Shape
from netfig.figure import Wire
from netfig.layout.blocks import wire_role
from netfig.layout.parts import SizedBox
from netfig.records import dataclass
from netfig.theme import Theme

DOT = 4.4


@dataclass(slots=True)
class Spot:
    """A box and its middle; y grows downwards."""

    sized: SizedBox
    x: float = 0.0
    y: float = 0.0

    @property
    def left(self) -> float:
        """Its left side."""
        return self.x - self.sized.width / 2

    @property
    def right(self) -> float:
        """Its right side."""
        return self.x + self.sized.width / 2

    @property
    def top(self) -> float:
        """Its upper side."""
        return self.y - self.sized.height / 2

    @property
    def bottom(self) -> float:
        """Its lower side."""
        return self.y + self.sized.height / 2


def wire_line(theme: Theme, index: int, wire: Wire, points: Sequence[Point], *, head: bool = True) -> Line:
    """The line of a wire of a figure along `points`."""
    role = wire_role(wire.role)
    style = theme.role(role)
    rounded = tuple((round(x, 2), round(y, 2)) for x, y in points)
    with_head = style.head > 0 and wire.head and head
    return Line(
        f"wire/{index}", role, rounded, style.radius, with_head, style.dashed, source=wire.source.box, target=wire.target.box,
        stands_for=wire.stands_for,
    )  # fmt: skip


def junction(name: str, point: Point, role: str) -> Shape:
    """The dot where wires part."""
    x, y = point
    corners = ((round(x - DOT / 2, 2), round(y - DOT / 2, 2)), (round(x + DOT / 2, 2), round(y + DOT / 2, 2)))
    return Shape(f"junction/{name}", "ellipse", role, corners, tone="stroke", outlined=False, part="junction")
