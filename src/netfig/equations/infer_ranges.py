"""Families in pieces: where a range spans a member that is defined by itself (``q_0 = …``), it is cut there."""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from netfig.equations.infer_affine import ONE, is_plain, minus, number, plus, put
from netfig.equations.types import Concat, Each, Equation, Expression, Number, Range, Reduce, Symbol
from netfig.graph.types import Affine
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Interval = tuple[Affine, Affine]
"""First and last index, both included."""


def children(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly inside one."""
    match expression:
        case Number() | Symbol():
            return ()
        case Each() | Reduce():
            return (expression.body,)
        case Concat():
            return expression.parts
    return tuple(
        part
        for field_name in expression.__dataclass_fields__
        if field_name not in ("span", "sign", "function")
        for part in _expressions(getattr(expression, field_name))
    )


def _expressions(value: object) -> tuple[Expression, ...]:
    return value if isinstance(value, tuple) else (value,)


def symbols(expression: Expression, ranges: tuple[Range, ...] = ()) -> Iterator[tuple[Symbol, tuple[Range, ...]]]:
    """Every symbol with the ranges around it, outermost first, in the order written."""
    stack = [(expression, ranges)]
    while stack:
        item, around = stack.pop()
        if isinstance(item, Symbol):
            yield item, around
        inner = (*around, item.range) if isinstance(item, (Each, Reduce)) else around
        stack.extend((part, inner) for part in reversed(children(item)))


@dataclass(slots=True)
class Item:
    """An equation, or the part of it that one piece of its family takes: `fixed` indices and what is left of its ranges."""

    equation: Equation
    ranges: tuple[Range, ...]
    fixed: dict[str, Affine] = field(default_factory=dict)


@dataclass(slots=True)
class Family:
    """What is known of the members of a family ``name_i``: which indices are defined, and which are used.

    One that `recurs` is read at another index of its range (``s_{l-1}``): a member before the first is where it starts from, as
    a boundary value, and no piece of its own.
    """

    defined: list[Interval] = field(default_factory=list)
    used: list[Interval] = field(default_factory=list)
    recurs: bool = False

    def cuts(self) -> list[Affine]:
        """Indices before which one piece ends and another begins."""
        if self.defined:
            pieces = [one for one in self.defined if not (self.recurs and one[0] == one[1])]
        else:  # a member used by itself is one of its own, unless every range that is used has it in it
            singles = [one for one in self.used if one[0] == one[1]]
            spans = [one for one in self.used if one[0] != one[1]]
            pieces = [one for one in singles if not all(inside(span, one[0]) for span in spans) or not spans]
        found: list[Affine] = []
        for first, last in pieces:
            found += [cut for cut in (first, plus(last, ONE)) if cut not in found]
        return found


def inside(interval: Interval, index: Affine) -> bool:
    """Whether an index lies in an interval, as far as can be seen: ``2`` is taken to lie in ``1..K``."""
    below, above = minus(index, interval[0]), minus(interval[1], index)
    return (below.number is None or below.number >= 0) and (above.number is None or above.number >= 0)


def pieces_of(interval: Interval, cuts: list[Affine]) -> list[Interval]:
    """An interval cut before each of `cuts` that lies strictly inside it."""
    first, last = interval
    within = []
    for cut in cuts:
        after, rest = minus(cut, first), minus(last, cut)
        if (after.number is not None and after.number > 0) and (rest.number is None or rest.number >= 0):
            within.append((after.number, cut))
        elif after.number is None and rest.number is not None and rest.number >= 0:
            within.append((1 << 30, cut))  # such as K in 1..K: near the end
    result = []
    for _, cut in sorted(within, key=lambda pair: pair[0]):
        result.append((first, minus(cut, ONE)))
        first = cut
    return [*result, (first, last)]


def cut_range(
    variable: str,
    interval: Interval,
    body: Expression | tuple[Expression, ...],
    families: Mapping[str, Family],
    fixed: Mapping[str, Affine],
) -> list[Interval]:
    """The parts of a range over which every family used in `body` stays within one of its pieces."""
    cuts: list[Affine] = []
    for one in body if isinstance(body, tuple) else (body,):
        for symbol, around in symbols(one):
            if symbol.name not in families or any(r.variable == variable for r in around):
                continue
            for index in symbol.family:
                index = put(index, fixed)
                if is_plain(index) == variable and not (families[symbol.name].recurs and index.constant):
                    shifted = [minus(cut, number(index.constant)) for cut in families[symbol.name].cuts()]
                    cuts += [cut for cut in shifted if cut not in cuts]
    return pieces_of(interval, cuts)
