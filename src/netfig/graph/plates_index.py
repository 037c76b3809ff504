"""What an index means: ids of single steps, the range of an axis, and which value a use of a value is at a place.

A *place* is a mapping from axes to numbers: where an op runs, or which one of a family a value is.
"""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from netfig.errors import InvalidInput, UsageError, did_you_mean
from netfig.graph.plates_rules import named_axes
from netfig.graph.types import Affine
from netfig.mathtext import Run, Script

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from netfig.graph.types import Attributes, Graph, Ref, Value
    from netfig.mathtext import Text

Place = dict[str, int]
Offset = tuple[tuple[str, int], ...]
At = tuple[tuple[str, Affine], ...]

_BRACKET = re.compile(r"\A(?P<base>.+)\[(?P<entries>[^\[\]=,]+=-?\d+(?:,[^\[\]=,]+=-?\d+)*)\]\Z", re.DOTALL)


def split_id(id: str) -> tuple[str, tuple[tuple[str, int], ...]]:
    """``q[t=2,i=1]`` as ``q`` and its entries; an id without any is itself."""
    if not id.endswith("]"):
        return id, ()
    found = _BRACKET.match(id)
    if found is None:
        return id, ()
    entries = (entry.rpartition("=") for entry in found["entries"].split(","))
    return found["base"], tuple((axis, int(number)) for axis, _, number in entries)


def join_id(base: str, entries: Sequence[tuple[str, int]]) -> str:
    """The inverse of `split_id`."""
    return f"{base}[{','.join(f'{axis}={number}' for axis, number in entries)}]" if entries else base


def placed_id(id: str, place: Sequence[tuple[str, int]], order: Mapping[str, int]) -> str:
    """The id of one of a family; new entries stand among older ones in the order of the graph's axes."""
    if not place:
        return id
    base, entries = split_id(id)
    if not entries and len(place) == 1:
        return f"{id}[{place[0][0]}={place[0][1]}]"
    if entries and not {axis for axis, _ in entries}.isdisjoint(axis for axis, _ in place):
        return join_id(id, place)
    return join_id(base, merged(entries, place, order))


def merged(
    entries: Sequence[tuple[str, int]], place: Sequence[tuple[str, int]], order: Mapping[str, int]
) -> list[tuple[str, int]]:
    """Both lists of entries in the order of the axes; older entries keep theirs."""
    both = list(entries)
    for axis, number in place:
        rank = order.get(axis, len(order))
        where = next((j for j, (other, _) in enumerate(both) if order.get(other, len(order)) > rank), len(both))
        both.insert(where, (axis, number))
    return both


def indexed(symbol: Text, number: int) -> Text:
    """A symbol with a number as its (last) subscript: ``h`` at 2 is h₂, ``W_xh`` at 1 is W with ``xh,1`` below."""
    if not symbol:
        return ()
    digits = Run(str(number).replace("-", "−"), "math")
    only = symbol[0]
    if len(symbol) == 1 and isinstance(only, Script) and (only.sub or only.sup):
        return (Script(only.base, (*only.sub, Run(",", "math"), digits) if only.sub else (digits,), only.sup),)
    return (Script(symbol, (digits,)),)


def unindexed(symbol: Text, number: int) -> Text:
    """The inverse of `indexed`; a symbol that has no such subscript stays as it is."""
    only = symbol[0] if len(symbol) == 1 else None
    if not isinstance(only, Script) or not only.sub:
        return symbol
    digits = Run(str(number).replace("-", "−"), "math")
    if only.sub == (digits,):
        return (Script(only.base, (), only.sup),) if only.sup else only.base
    if len(only.sub) > 2 and only.sub[-2:] == (Run(",", "math"), digits):
        return (Script(only.base, only.sub[:-2], only.sup),)
    return symbol


def reindexed(symbol: Text, before: Sequence[int], after: Sequence[int]) -> Text:
    """A symbol that bears the numbers `before` with the numbers `after` in their stead."""
    for number in reversed(before):
        symbol = unindexed(symbol, number)
    for number in after:
        symbol = indexed(symbol, number)
    return symbol


INDEX_ATTRIBUTES: Final = ("index", "start")
"""Attributes of an op that hold an index or the first one there is, as an `Affine` in words (``i``, ``t-1``)."""


def placed_attributes(attributes: Attributes, known: Mapping[str, int]) -> Attributes:
    """Attributes with numbers for the indices and sizes in them."""
    for position, (key, value) in enumerate(attributes):
        if key in INDEX_ATTRIBUTES and isinstance(value, str) and not value.lstrip("-").isdigit():
            try:
                now = str(Affine.parse(value).at(known))
            except ValueError:
                continue
            if now != value:
                attributes = (*attributes[:position], (key, now), *attributes[position + 1 :])
    return attributes


class Use(NamedTuple):
    """One value that a use reads: which of its family (numbers for its axes that have places), and what is left open."""

    value: str
    numbers: tuple[int, ...]
    offset: Offset = ()
    at: At = ()


class Places:
    """Numbers for the axes in `axes`; other axes of the graph stay open.

    `extents` says how long an axis is whatever the graph says; `sizes` has numbers for names (``K``, ``T``).
    """

    def __init__(self, graph: Graph, axes: Collection[str], extents: Mapping[str, int], sizes: Mapping[str, int]) -> None:
        self.graph, self.axes, self.sizes = graph, frozenset(axes), dict(sizes)
        self.values = graph.value_by_id
        self.around = {
            scope: tuple(axis for axis in inside if axis in self.axes) for scope, inside in graph.plates_around.items()
        }
        self.order = {a.id: i for i, a in enumerate(graph.axes)}
        self._axis = {a.id: a for a in graph.axes}
        self._extents = dict(extents)
        self._outer = {a.id: () if a.id in extents else named_axes(_rule(graph, a.id), self.order) for a in graph.axes}
        for a in graph.axes:  # T is known once the length of t is
            size = extents.get(a.id, a.extent.size)
            if size is not None:
                self.sizes = {**_solved(a.extent.name, size), **self.sizes}
        self._placed = {v.id: tuple(axis for axis in v.axes if axis in self.axes) for v in graph.values if v.axes}

    def placed_axes(self, value: str) -> tuple[str, ...]:
        """The axes of a value that have places, in its order."""
        return self._placed.get(value, ())

    def span(self, axis: str, place: Mapping[str, int]) -> range:
        """The indices of an axis at a place; where they depend on an axis that is not in it, all it ever has.

        Raises:
            UsageError: the extent is not known.
        """
        start = self._axis[axis].start
        outer = [other for other in self._outer[axis] if other not in place]
        if not outer:
            return range(start, start + max(0, self._extent(axis, place)))
        ends = [self.span(other, place) for other in outer]
        longest = 0
        for corner in itertools.product(*({end[0], end[-1]} if end else () for end in ends)):  # a sum is largest at a corner
            longest = max(longest, self._extent(axis, {**place, **dict(zip(outer, corner, strict=True))}))
        return range(start, start + longest)

    def _extent(self, axis: str, place: Mapping[str, int]) -> int:
        if axis in self._extents:
            return self._extents[axis]
        rule = _rule(self.graph, axis)
        extent = self._axis[axis].extent
        if self._outer[axis] or extent.size is None:
            found = Affine.parse(rule).at({**self.sizes, **place}).number if rule is not None else None
        else:
            found = extent.size
        if found is None:
            raise unknown_extent(self.graph, axis)
        return found

    def every(self, axes: Sequence[str], place: Place) -> Iterator[Place]:
        """All places along some axes, from a place on; a range that depends on another of the axes runs inside it."""
        if not axes:
            yield dict(place)
            return
        first = next((a for a in axes if not any(o in axes for o in self._outer[a])), axes[0])
        rest = [a for a in axes if a != first]
        if first in place:
            yield from self.every(rest, place)
            return
        for number in self.span(first, place):
            yield from self.every(rest, {**place, first: number})

    def uses(self, ref: Ref, place: Place, reader: str) -> list[Use]:
        """What an op (or port) at a place reads.

        Raises:
            InvalidInput: it reads where there is no value, or at a place that is not known.
        """
        placed = self._placed.get(ref.value, ())
        if not ref.offset and not ref.at and all(axis in place for axis in placed):
            return [Use(ref.value, tuple([place[axis] for axis in placed]))]
        offset, at = dict(ref.offset), dict(ref.at)
        target: Place = {}
        for axis in placed:
            if axis in offset:
                target[axis] = place[axis] + offset[axis]
            elif axis in at:
                target[axis] = self._number(at[axis], place, ref, axis, reader)
            elif axis in place:
                target[axis] = place[axis]
        rest_offset, rest_at = self._open(ref, place)
        gathered = [axis for axis in placed if axis not in target]
        places = self.every(gathered, target) if gathered else (target,)
        return [self._inside(self.values[ref.value], full, rest_offset, rest_at, reader) for full in places]

    def _open(self, ref: Ref, place: Place) -> tuple[Offset, At]:
        """The indices along axes without places; a place that has become a distance is written as one."""
        offset = [(axis, distance) for axis, distance in ref.offset if axis not in self.axes]
        at: list[tuple[str, Affine]] = []
        for axis, index in ref.at:
            if axis in self.axes:
                continue
            index = index.at({name: number for name, number in place.items() if name in self.axes})
            if index.terms == ((axis, 1),):
                offset.append((axis, index.constant))
            else:
                at.append((axis, index))
        return tuple(offset), tuple(at)

    def _number(self, index: Affine, place: Place, ref: Ref, axis: str, reader: str) -> int:
        known = index.at({**self.sizes, **place})
        if known.number is None:
            unknown = [name for name, _ in known.terms]
            if any(name in self.order for name in unknown):
                hint = f"give {unknown[0]!r} numbers first"
            else:
                hint = f"say what {' and '.join(unknown)} is, such as {unknown[0]}=3"
            raise UsageError(
                f"{ref.value}[{axis}={index}] is not known: {', '.join(unknown)} has no number", where=reader, hint=hint
            )
        return known.number

    def _inside(self, value: Value, target: Place, offset: Offset, at: At, reader: str) -> Use:
        """One value at a place, or where that is outside a range, its boundary value there."""
        while True:
            outside = [axis for axis in self._placed.get(value.id, ()) if target[axis] not in self.span(axis, target)]
            if not outside:
                return Use(value.id, tuple([target[axis] for axis in self._placed.get(value.id, ())]), offset, at)
            boundary = self._boundary(value, target, outside)
            if boundary is None:
                axis = outside[0]
                known = self.span(axis, target)
                raise InvalidInput(
                    f"there is no {join_id(value.id, [(axis, target[axis])])}, which is read",
                    where=reader,
                    why=f"{axis} runs from {known.start} to {known.stop - 1}" if known else f"the range of {axis} is empty",
                    hint=f"give {value.id} a value at {axis}={target[axis]}",
                )
            value = self.values[boundary]
            offset = tuple((axis, distance) for axis, distance in offset if axis in value.axes)
            at = tuple((axis, index) for axis, index in at if axis in value.axes)

    def _boundary(self, value: Value, target: Place, outside: list[str]) -> str | None:
        for axis, index, boundary in value.initial:
            if axis in outside and target[axis] == index:
                return boundary
        for axis, distance, boundary in value.final:
            if axis in outside and target[axis] == self.span(axis, target).stop - 1 + distance:
                return boundary
        for axis in outside:  # a constant stands for all that lies beyond it, too
            before = target[axis] < self.span(axis, target).start
            known = [(i, b) for a, i, b in (value.initial if before else value.final) if a == axis]
            furthest = (min if before else max)(known, key=lambda one: one[0], default=None)
            if furthest is not None and self.values[furthest[1]].kind == "constant":
                return furthest[1]
        return None


def _rule(graph: Graph, axis: str) -> str | None:
    """The name of an extent."""
    return next(a.extent.name for a in graph.axes if a.id == axis)


def _solved(rule: str | None, extent: int) -> dict[str, int]:
    """What the one name in the rule of an extent is, when the extent is known: with ``T-1`` and 3, T is 4."""
    if rule is None:
        return {}
    affine = Affine.parse(rule)
    if len(affine.terms) != 1:
        return {}
    name, factor = affine.terms[0]
    number, rest = divmod(extent - affine.constant, factor)
    return {} if rest else {name: number}


def unknown_extent(graph: Graph, axis: str) -> UsageError:
    """The error for a range whose end nobody said."""
    rule = _rule(graph, axis)
    names = [name for name, _ in Affine.parse(rule).terms] if rule is not None else []
    what = "how many steps there are" if axis == "t" else "how long the range is"
    hint = f"say how {'many steps' if axis == 't' else 'long it is'}: extent=3, or --opt unroll.extent=3"
    if names and rule not in names:
        hint += f", or what {' and '.join(names)} is"
    return UsageError(f"{what} along {axis!r} is not known", why=f"its extent is {rule}" if rule else "", hint=hint)


def known_axis(graph: Graph, axis: str) -> None:
    """Raise `UsageError` unless the graph has this axis."""
    ids = [a.id for a in graph.axes]
    if axis not in ids:
        hint = did_you_mean(axis, ids) if ids else "nothing in it is repeated"
        raise UsageError(f"the graph {graph.name!r} has no axis {axis!r}", hint=hint)
