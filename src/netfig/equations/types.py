"""The tree of a recurrence program: what was written, with where it was written, and nothing inferred.

Names are canonical ASCII whatever the spelling: ``h̃`` and ``h_tilde`` are the name ``h_tilde``, ``W_{xh}`` and ``W_xh`` are
``W_xh``, ``α`` and ``alpha`` are ``alpha``. A *variable* is the name of an index (``t``, ``i``); a *size* is a name for a number
(``n``, ``K``, ``T``) that is no tensor. ``q_i[t]`` is the symbol ``q`` with the family index ``i`` and the index ``t``; ``h_t``
and ``h_{t-1}`` are read as ``h[t]`` and ``h[t-1]``.
"""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netfig.graph.types import Affine
from netfig.mathtext import Text
from netfig.records import dataclass

Sign = Literal["+", "-", "*", "/", "@"]
"""Binary signs: ``*`` is element by element (⊙), ``@`` the matrix product written with a sign (``·``)."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where a piece of the source stands: offsets of its first character and of the one after its last."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Number:
    """A literal, kept as it was typed (``0.5``, ``1e-3``)."""

    text: str
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A use (or, on the left of an equation, the definition) of a name.

    `family` are the indices written below it (``q_i``, ``W_{l}``), `indices` those in brackets (``[t-1]``, ``[l, t]``), in the
    order written. A lower-case ``a_i`` where ``a`` is a vector and no family is its component: only `infer` can tell.
    """

    name: str
    family: tuple[Affine, ...] = ()
    indices: tuple[Affine, ...] = ()
    span: Span = field(default=NOWHERE, compare=False)
    shown: Text = field(default=(), compare=False)  # how it is typeset, when not as its name says


@dataclass(frozen=True, slots=True)
class Binary:
    """``left sign right``."""

    sign: Sign
    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Product:
    """Juxtaposition, ``W x``: the matrix product, or a scaling where one side is a scalar. It binds more tightly than ``⊙``."""

    left: Expression
    right: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """``−body``."""

    body: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Power:
    """``body^exponent``: element by element, except ``^-1`` of a matrix, its inverse."""

    body: Expression
    exponent: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Transpose:
    """``bodyᵀ``."""

    body: Expression
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """A function of one or more arguments under its canonical name (``sigmoid``, ``softmax``, or an unknown ``psi``)."""

    function: str
    arguments: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Concat:
    """``[a; b; c]``: one vector after another. ``[a, b, c]`` of scalars is the vector of them and is read as the same."""

    parts: tuple[Expression, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Range:
    """``variable = first .. last``, both included; either may depend on sizes and on outer variables (``i = 1..t-1``)."""

    variable: str
    first: Affine
    last: Affine
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Each:
    """``[body for i = a..b]``: the vector (of scalars) or list of what `body` is for each index."""

    body: Expression
    range: Range
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Reduce:
    """``sum(body for i = a..b)``; `kind` is ``sum``, ``prod``, ``mean``, ``max`` or ``min``."""

    kind: str
    body: Expression
    range: Range
    span: Span = field(default=NOWHERE, compare=False)


UNBOUNDED = Affine((("∞", 1),))
"""The `last` of a range that is open above (``for i ≥ 1``): as far as it is used."""


Expression = Number | Symbol | Binary | Product | Negative | Power | Transpose | Call | Concat | Each | Reduce


@dataclass(frozen=True, slots=True)
class Equation:
    """``left = right for …``. An index on the left that is a number (``h[0] = …``) makes it a boundary value.

    `label` is a short text after ``#`` on the same line (``# forget gate``), used as the name of the value in figures.
    """

    left: Symbol
    right: Expression
    ranges: tuple[Range, ...] = ()
    label: str = ""
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Declaration:
    """``x[t] : n``, ``W : m×n``, ``w : scalar``: sizes of a symbol, each an `Affine` over size names (``2m``); () is a scalar."""

    symbol: Symbol
    shape: tuple[Affine, ...]
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SizeValue:
    """``K = 2`` where K is used as a size: a number for it."""

    name: str
    value: int
    span: Span = field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class FunctionName:
    """``MLP : function``: a name that may be applied, ``MLP(x)``, whatever it looks like."""

    name: str
    span: Span = field(default=NOWHERE, compare=False)


Statement = Equation | Declaration | SizeValue | FunctionName


@dataclass(frozen=True, slots=True)
class Program:
    """A whole program in the order written. `title` is its first comment line, `source` the text the spans point into."""

    statements: tuple[Statement, ...]
    title: str = ""
    name: str = ""
    source: str = field(default="", compare=False)

    @property
    def equations(self) -> tuple[Equation, ...]:
        """The equations, boundary values included, in the order written."""
        return tuple(s for s in self.statements if isinstance(s, Equation))
