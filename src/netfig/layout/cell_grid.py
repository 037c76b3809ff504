"""The grid on which a cell's wires are led, before anything has a coordinate: its lines, what is on it, and ways along it."""

from __future__ import annotations

from itertools import pairwise

from netfig.records import dataclass

Node = tuple[int, int]
Trunk = tuple[str, str]
RIGHT, LEFT, DOWN, UP = range(4)
MOVES = ((1, 0), (-1, 0), (0, 1), (0, -1))
BACK = (LEFT, RIGHT, UP, DOWN)


@dataclass(frozen=True, slots=True)
class Spot:
    """A box on the grid: its place, whether wires may enter beside the middle of its long sides, and which sides are open."""

    column: int
    row: int
    wide: bool = False
    exits: tuple[float | None, float | None, float | None, float | None] = (1.0, 8.0, 8.0, 0.0)  # right, left, bottom, top
    entries: tuple[float | None, float | None, float | None, float | None] = (6.0, 0.0, 0.0, 4.0)


@dataclass(frozen=True, slots=True)
class Demand:
    """A wire to be led: from where, to where, and what it carries. `level` wires come first."""

    wire: int
    source: str
    target: str
    trunk: Trunk
    first: bool = False


@dataclass(slots=True)
class Way:
    """A routed wire: its corners on the grid, from the source's middle to the target's."""

    demand: Demand
    path: list[Node]
    cost: float


@dataclass(slots=True)
class Grid:
    """Which lines there are: line numbers of columns and rows, lanes in between."""

    columns: range
    rows: range
    lanes: int = 4  # between two neighbouring columns or rows

    def x(self, column: int, part: int = 0) -> int:
        """The upright line in a column: its middle, or the port left (−1) or right (+1) of it."""
        return (column - self.columns.start) * (self.lanes + 3) + 1 + part

    def y(self, row: int) -> int:
        """The level line of a row."""
        return (row - self.rows.start) * (self.lanes + 1)

    @property
    def width(self) -> int:
        """How many upright lines there are."""
        return len(self.columns) * (self.lanes + 3) - self.lanes

    @property
    def height(self) -> int:
        """How many level lines there are."""
        return len(self.rows) * (self.lanes + 1) - self.lanes

    def column_of(self, x: int) -> tuple[int, int | None]:
        """The column a line is in and its part, or the column before a lane and ``None``."""
        column, part = divmod(x, self.lanes + 3)
        return self.columns.start + column, (part - 1 if part < 3 else None)

    def row_of(self, y: int) -> tuple[int, bool]:
        """The row a line is in (``True``), or the row above a lane (``False``)."""
        row, part = divmod(y, self.lanes + 1)
        return self.rows.start + row, part == 0


def heading_of(a: Node, b: Node) -> int:
    """Which way a level or upright step goes."""
    if a[1] == b[1]:
        return RIGHT if b[0] > a[0] else LEFT
    return DOWN if b[1] > a[1] else UP


def nodes_of(path: list[Node]) -> list[Node]:
    """Every grid point of a way."""
    out = [path[0]]
    for a, b in pairwise(path):
        dx, dy = MOVES[heading_of(a, b)]
        while out[-1] != b:
            out.append((out[-1][0] + dx, out[-1][1] + dy))
    return out


def stretches_of(path: list[Node]) -> list[tuple[Node, bool]]:
    """Every step of a way: the point it begins at on its left or upper end, and whether it is level."""
    nodes = nodes_of(path)
    return [(min(a, b), a[1] == b[1]) for a, b in pairwise(nodes)]


def corners_of(points: list[Node]) -> list[Node]:
    """The same way without points where it does not turn."""
    out = [points[0]]
    for before, at, after in zip(points, points[1:], points[2:], strict=False):
        if at != before and heading_of(before, at) != (heading_of(at, after) if at != after else -1):
            out.append(at)
    out.append(points[-1])
    return out
