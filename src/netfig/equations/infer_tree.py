"""What inference works on: named things, and the equations as trees whose names are resolved and whose ranges are axes."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING, Literal

from netfig.equations.types import NOWHERE, Equation, Program, Range, Span
from netfig.graph.types import Affine
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.equations.infer_dims import Length

Role = Literal["input", "parameter", "computed", "constant"]
ANY = 15
"""A `Term` of unknown kind may be each of the four."""
SCALAR, VECTOR, ROW, MATRIX = 1, 2, 4, 8
KIND_WORDS = {SCALAR: "a scalar", VECTOR: "a vector", ROW: "a row vector", MATRIX: "a matrix"}
RANK = {SCALAR: 0, VECTOR: 1, ROW: 1, MATRIX: 2}


@dataclass(slots=True, eq=False)
class Term:
    """The shape of something underway: the kinds it may have, then the sizes of its one kind."""

    kinds: int = ANY
    sizes: tuple[Length, ...] = ()


@dataclass(slots=True, eq=False)
class Thing:
    """One name of the program: a symbol, a family over an index, or one piece of a family (``q_0``).

    `axes` are in the order of its indices, those in brackets first, those written below the name after them; the first `brackets`
    of them stand in brackets.
    """

    id: str
    name: str
    piece: int | None = None
    axes: tuple[str, ...] = ()
    brackets: int = 0
    role: Role = "parameter"
    span: Span = NOWHERE
    term: Term = field(default_factory=Term)
    definition: Definition | None = None
    boundaries: list[Boundary] = field(default_factory=list)
    reads: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Node:
    """A piece of the right side of an equation.

    ``op`` is ``read``, ``number``, ``size``, ``index``, a sign, or what the op will be; `nest` are the axes it is repeated over.
    A ``stack`` or ``reduce`` has in `gathers` the axis along which each of its parts is collected, ``None`` for a single one.
    """

    op: str
    span: Span
    nest: tuple[str, ...]
    parts: tuple[Node, ...] = ()
    name: str = ""
    thing: Thing | None = None
    offset: tuple[tuple[str, int], ...] = ()
    at: tuple[tuple[str, Affine], ...] = ()
    gathers: tuple[str | None, ...] = ()
    index: Affine | None = None
    first: Affine | None = None
    term: Term = field(default_factory=Term)


@dataclass(slots=True, eq=False)
class Definition:
    """What makes a thing: an equation of the program, or the part of it that a piece takes."""

    thing: Thing
    equation: Equation
    nest: tuple[str, ...]
    body: Node


@dataclass(slots=True, eq=False)
class Boundary:
    """The value of a thing at one fixed index of an axis."""

    thing: Thing
    equation: Equation
    axis: str
    index: Affine
    nest: tuple[str, ...]
    body: Node


@dataclass(slots=True, eq=False)
class AxisRange:
    """An axis: its letter and both ends. `last` is ``None`` where nothing says where it ends; `end` is its name then."""

    id: str
    letter: str
    first: Affine
    last: Affine | None = None
    end: str = ""
    word: str = ""


@dataclass(slots=True, eq=False)
class Resolved:
    """The whole program: `things` in the order of first mention, definitions in the order written."""

    program: Program
    things: dict[str, Thing]
    axes: dict[str, AxisRange]
    definitions: list[Definition]
    sizes: dict[str, int | None]
    ranges: list[Range]
