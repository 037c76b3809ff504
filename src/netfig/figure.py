"""The Figure: what is shown, and nothing about where or in which colour.

A renderer makes a Figure from a Graph. It is a tree of groups and boxes, and wires between boxes. Intent is said in words (role,
arrangement, direction); the theme turns roles into colours and the layout turns arrangements into coordinates.

Roles are dotted words that fall back leftwards (``op.attention.score`` → ``op.attention`` → ``op``), so a plugin's role always
draws. Box roles of the built-in themes: ``input``, ``output``, ``state``, ``layer`` (parametric), ``weight``, ``op`` (small
circle), ``op.box`` (an operation with a word), ``op.merge`` (values put together on one wire), ``activation``, ``norm``,
``pool``, ``attention``, ``loss``, ``block`` (a closed module with something inside), ``delay`` (a solid square: one step of
time), ``ellipsis`` (dots, no outline), ``note``. Group roles: ``panel`` (drawn), ``plain`` (not drawn). Wire roles: ``data``,
``skip``, ``state``, ``memory``, ``helper``; ``data.value`` and ``state.value`` carry a name that an equation uses. In a figure
of two models boxes are ``same``, ``changed``, ``added``, ``removed`` and wires ``data.same``, ``data.added``, ``data.removed``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal

from netfig.errors import InvalidGraph
from netfig.mathtext import Text
from netfig.records import dataclass

Direction = Literal["right", "down", "up"]
Arrangement = Literal[
    "flow", "row", "column", "pipeline", "grid", "cell", "sheet", "neurons", "arcs", "ladders", "towers", "residual"
]
Mark = Literal["shared", "initial", "stacked", "paired", "failed", "data-dependent"]
Emphasis = Literal["", "strong", "quiet"]
Side = Literal["", "in", "out", "left", "right", "top", "bottom"]


@dataclass(frozen=True, slots=True)
class Row:
    """One line under a box's title: its shape, its parameters, a detail. `kind` lets a theme or an option hide it."""

    kind: Literal["shape", "params", "detail", "count"]
    text: Text


@dataclass(frozen=True, slots=True)
class Solid:
    """A feature map drawn as a body: `channels` maps of `height` × `width` (1-D: width None; a vector: both None)."""

    form: Literal["flat", "volume", "sheets", "bar"]
    channels: int
    height: int | None = None
    width: int | None = None
    window: tuple[int, int] | None = None  # the receptive field the next layer looks at, in elements of this map


@dataclass(frozen=True, slots=True)
class Cell:
    """One entry of a matrix: what is printed in it, and `note` small in its lower right corner (what it is multiplied by).

    `heat`, from 0 to 1, shades it; ``strong`` prints it bold, ``quiet`` is a zero that padding adds. `marked` cells are darker:
    they lie in the window, or are what the window makes.
    """

    text: Text = ()
    note: Text = ()
    heat: float | None = None
    emphasis: Emphasis = ""
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Cells:
    """A matrix: its entries row by row, and the names of its rows (at their left) and columns (above them).

    ``small`` cells have no text: a strip of many matrices. Where no cell has a text, cells of the usual size shrink with their
    number.
    """

    rows: tuple[tuple[Cell, ...], ...]
    row_names: tuple[Text, ...] = ()
    column_names: tuple[Text, ...] = ()
    size: Literal["usual", "large", "small"] = "usual"


@dataclass(frozen=True, slots=True)
class Box:
    """One thing that is shown.

    `title` lines are centred in the box; `rows` stand under the title inside the box (small) unless the box has a `solid`, whose
    title and rows stand under it on the figure's common baseline. `above` are the lines of the operation that leads to a solid.
    `place` is its (column, row) in a ``grid`` group, both from 0, columns in reading order, rows from the bottom up; it reaches
    over `span` columns and rows from there. Copies stand behind a ``stacked`` box, one behind a ``paired`` one. `emphasis`
    says whether it is what the figure is about (``strong``) or what stands back (``quiet``). A matrix has `cells`: its title
    stands above them and its rows below.
    `stands_for` are the ids of the graph (ops, scopes, values) it represents.
    """

    id: str
    role: str
    title: tuple[Text, ...]
    rows: tuple[Row, ...] = ()
    marks: tuple[Mark, ...] = ()
    badge: Text = ()
    solid: Solid | None = None
    above: tuple[Text, ...] = ()
    place: tuple[int, int] | None = None
    span: tuple[int, int] = (1, 1)
    emphasis: Emphasis = ""
    tooltip: str = ""
    stands_for: tuple[str, ...] = ()
    cells: Cells | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """Boxes and groups that belong together. ``flow`` is placed as the wires say; ``pipeline`` is a row of solids.

    ``grid`` sets every box at its `place`: columns and rows line up exactly, `row_names` (lines of text) stand at the far left,
    `column_names` below. ``cell`` is the inside of one step: the highway (wires of role ``state``) on top, gates below it.
    ``sheet`` is a page of formulas between matrices: its children are paragraphs, each a group of formulas, each of these a group
    of boxes (matrices, signs of role ``sign``, lines of role ``text.equation``) that stand side by side. ``neurons`` is columns
    of circles with straight wires between them, ``arcs`` words in a row with arcs over them.
    ``ladders`` is groups side by side: boxes at their `place` in each, `row_names` at its right, its title below it.
    ``towers`` is columns side by side, each from the bottom up, wires that bypass a box in lanes beside its column; a box at
    (0, 0) or (2, 0) stands left or right of the next one of the column.
    ``residual`` is a row of parts above (their shapes in `Box.above`) and panels below that open some of them: rows of boxes at
    their `place`, level 0 the lane of the skip, 1 the chain, others below it; a row of arrangement ``grid`` is a bus with taps.
    A panel's `title` says which one it is and its `detail`, at the other end of the same line, what it is.
    """

    id: str
    children: tuple[Box | Group, ...]
    role: str = "plain"
    title: Text = ()
    detail: Text = ()
    badge: Text = ()
    arrangement: Arrangement = "flow"
    row_names: tuple[tuple[Text, ...], ...] = ()
    column_names: tuple[Text, ...] = ()
    tooltip: str = ""
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class End:
    """Where a wire touches a box: a named slot of an op (its order decides the place on the side) and a wanted side.

    `lane` says at which of the rows a box of a grid spans, counted from its lowest.
    """

    box: str
    slot: str = ""
    side: Side = ""
    lane: int = 0


@dataclass(frozen=True, slots=True)
class Chip:
    """A weight that sits on a wire: the same chip with the same text wherever the same weight acts."""

    id: str
    title: Text
    role: str = "weight"
    tooltip: str = ""
    stands_for: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Wire:
    """A value on its way from one box to another. `stands_for` are the ids of the values it carries.

    `chips` are what it passes through, in order. `head` is false where the value goes on (into an ellipsis).
    A wire with a `weight`, from 0 to 1, is so much thicker.
    """

    source: End
    target: End
    role: str = "data"
    label: Text = ()
    chips: tuple[Chip, ...] = ()
    emphasis: Emphasis = ""
    head: bool = True
    stands_for: tuple[str, ...] = ()
    weight: float | None = None


@dataclass(frozen=True, slots=True)
class LegendEntry:
    """One line of the legend: the role of a box or wire and what it means here."""

    role: str
    text: Text
    sample: Literal["box", "wire"] = "box"


@dataclass(frozen=True)
class Figure:
    """See the module docstring. `caption` lines stand under the figure, `equations` between the two, aligned on their relations;
    `alt` is required: it is what a screen reader says."""

    title: str
    alt: str
    root: Group
    wires: tuple[Wire, ...] = ()
    caption: tuple[Text, ...] = ()
    direction: Direction | Literal["auto"] = "auto"
    legend: tuple[LegendEntry, ...] = ()
    show_title: bool = False
    equations: tuple[Text, ...] = ()

    def __post_init__(self) -> None:
        found = self._violations()
        if found:
            raise InvalidGraph(f"figure {self.title!r} breaks {len(found)} rule{'s' if len(found) > 1 else ''}", found)

    def _violations(self) -> list[str]:
        found = []
        if not self.alt.strip():
            found.append("F1: the alt text is empty")
        seen: set[str] = set()
        for item in self.walk():
            if item.id in seen:
                found.append(f"F2: the id {item.id!r} is used twice")
            seen.add(item.id)
        for wire in self.wires:
            found += [
                f"F3: a wire ends at {end.box!r}, which is no box or group of the figure"
                for end in (wire.source, wire.target)
                if end.box not in seen
            ]
            if wire.source.box == wire.target.box:
                found.append(f"F4: a wire goes from {wire.source.box!r} to itself")
        return found

    def walk(self) -> Iterator[Box | Group]:
        """Every group and box, parents first, in reading order."""
        stack: list[Box | Group] = [self.root]
        while stack:
            item = stack.pop()
            yield item
            if isinstance(item, Group):
                stack.extend(reversed(item.children))

    @cached_property
    def boxes(self) -> Mapping[str, Box]:
        """Boxes by id, in reading order."""
        return {item.id: item for item in self.walk() if isinstance(item, Box)}

    @cached_property
    def groups(self) -> Mapping[str, Group]:
        """Groups by id, outermost first."""
        return {item.id: item for item in self.walk() if isinstance(item, Group)}

    @cached_property
    def parent_of(self) -> Mapping[str, str]:
        """The group each box or group stands in."""
        return {child.id: g.id for g in self.groups.values() for child in g.children}
