"""Rotary position embedding, however it is written: each feature of a head read out as a sum of turned features.

What an op graph makes of feature i is followed back to terms ``± x[j] · c``; from all of them together it is seen which features
are turned as a pair (halves or neighbours), and which values hold the cosines and sines. Source: Su et al. 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final, Literal

from netfig.passes.attention_follow import aten, whole
from netfig.passes.attention_index import Place, Places
from netfig.passes.attention_products import Reader, Site
from netfig.passes.attention_turns import Term, Turns
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass

Style = Literal["half", "interleaved"]
_STYLES: Final[tuple[Style, ...]] = ("half", "interleaved")


@dataclass(frozen=True, slots=True)
class Angle:
    """Cosines or sines: the last of `places` runs over all turned features, over half of them where `wide` is not empty.

    `wide` then says how the other half is got: the same again (``half``) or each twice (``interleaved``). `part` is 0 for the
    real, 1 for the imaginary part of complex numbers.
    """

    value: str
    places: Places
    at: int
    wide: Literal["", "half", "interleaved"]
    part: int | None


@dataclass(frozen=True, slots=True)
class Rotary:
    """A rotation of the first `dims` features of what `input` is."""

    input: Site
    style: Literal["half", "interleaved"]
    dims: int
    cos: Angle
    sin: Angle


class Rotations:
    """Reads rotations of one graph."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.space, self.turns = reader, reader.space, Turns(reader)

    def find(self, value: str, places: Places, features: Sequence[int]) -> Rotary | None:
        """The rotation that makes a value whose `features` are given as atoms; ``None`` where there is none."""
        op = self.reader.graph.producer.get(value)
        if op is None or aten(op) not in ("add", "sub", "cat", "concat", "stack", "view_as_real"):
            return None
        wanted = self.space.flat(features)
        at = next((k for k, place in enumerate(places) if set(self.space.over(place)) & set(wanted)), None)
        if at is None or sorted(self.space.over(places[at])) != sorted(wanted):
            if aten(op) in ("stack", "view_as_real", "cat") and at is not None:
                return self._over_two(value, places, wanted)
            return None
        size = self.space.extent(wanted)
        if not self.space.is_all(places[at], size):
            return None
        runs = self._by_runs(value, places, at)
        if runs is not None:
            return runs
        rows = [((*places[:at], (i, ()), *places[at + 1 :])) for i in range(size)]
        return self._rotation(value, rows, self.space.over(places[at]))

    # ---- all features of a half at once ------------------------------------------------------------------------------

    def _by_runs(self, value: str, places: Places, at: int) -> Rotary | None:
        """The rotation, when all features of a pair's first and of its second are read at once."""
        size = self.space.extent(self.space.over(places[at]))
        first = self._first_part(value, at, len(places))
        for dims in dict.fromkeys((size, first)):
            for style in _STYLES if dims and dims % 2 == 0 and dims > 2 else ():
                try:
                    found = self._run(value, places, at, dims, style)
                except Unclear:
                    continue
                if found is not None:
                    return found
        return None

    def _first_part(self, value: str, at: int, rank: int) -> int:
        """The size of the first of several things that are put together."""
        op = self.reader.graph.producer[value]
        if aten(op) not in ("cat", "concat") or whole(op.attribute("dim")) % rank != at:
            return 0
        return self.reader.sizes(next(iter(op.reads)))[at]

    def _run(self, value: str, places: Places, at: int, dims: int, style: Style) -> Rotary | None:
        features = self.space.over(places[at])
        size = self.space.extent(features)
        atom = self.space.atoms.new(dims // 2)
        apart, stride = (dims // 2, 1) if style == "half" else (1, 2)

        def read(offset: int, of: int, step: int) -> list[Term]:
            return self.turns.terms(value, (*places[:at], (offset, ((of, step),)), *places[at + 1 :]), None)

        low, high = read(0, atom, stride), read(apart, atom, stride)
        if sorted(one.sign for one in low) != [-1, 1] or [one.sign for one in high] != [1, 1]:
            return None
        low = sorted(low, key=lambda one: -one.sign)
        own, partner = low
        back = next((one for one in high if one.places == own.places), None)
        same = next((one for one in high if one.places == partner.places), None)
        if back is None or same is None or back is same or len({one.value for one in (*low, *high)}) > 1:
            return None
        moved = [k for k, (a, b) in enumerate(zip(own.places, partner.places, strict=True)) if a != b]
        if len(moved) != 1:
            return None
        spot = own.places[moved[0]]
        step, rest = self._step(spot, partner.places[moved[0]], atom, apart, stride)
        if not step:
            return None
        if dims < size and not self._passes(
            read(dims, self.space.atoms.new(size - dims), 1), own, moved[0], spot[0] + step * dims, step
        ):
            return None
        grown = tuple((a, s * step) for a, s in self.space.of(features)[1])
        source = (*own.places[: moved[0]], (spot[0], (*rest, *grown)), *own.places[moved[0] + 1 :])
        cos, sin = (self._wide(a.factor, b.factor, atom, apart, stride, style) for a, b in ((own, same), (partner, back)))
        return None if cos is None or sin is None else Rotary((own.value, source), style, dims, cos, sin)

    def _step(self, one: Place, other: Place, atom: int, apart: int, stride: int) -> tuple[int, tuple[tuple[int, int], ...]]:
        """How far apart neighbours are, and what else a dimension runs over; 0 when they are not evenly apart."""
        terms = dict(one[1])
        if atom not in terms or dict(other[1]) != terms or terms[atom] % stride:
            return 0, ()
        step = terms.pop(atom) // stride
        return (step if other[0] - one[0] == step * apart else 0), tuple(terms.items())

    def _passes(self, rest: list[Term], own: Term, at: int, offset: int, step: int) -> bool:
        """Whether the features after those that are turned stay as they are."""
        if len(rest) != 1 or rest[0].factor is not None or rest[0].sign != 1 or rest[0].value != own.value:
            return False
        place = rest[0].places[at]
        others = [k for k, (a, b) in enumerate(zip(rest[0].places, own.places, strict=True)) if a != b]
        return others == [at] and place[0] == offset and min(s for _, s in place[1]) == step

    def _wide(
        self,
        one: tuple[str, Places, int | None] | None,
        other: tuple[str, Places, int | None] | None,
        atom: int,
        apart: int,
        stride: int,
        style: Style,
    ) -> Angle | None:
        """The value that holds the factors of both of a pair."""
        if one is None or other is None or (one[0], one[2]) != (other[0], other[2]):
            return None
        value, places, part = one
        at = next((k for k, place in enumerate(places) if any(a == atom for a, _ in place[1])), None)
        if at is None or [k for k, (a, b) in enumerate(zip(places, other[1], strict=True)) if a != b] not in ([], [at]):
            return None
        terms = dict(places[at][1])
        run = terms.pop(atom)
        if other[1][at] == places[at]:  # the same factor for both: it is there for one of a pair only
            new = self.space.new(self.space.size(atom))
            wide: Literal["", "half", "interleaved"] = style
        else:
            run, rest = self._step(places[at], other[1][at], atom, apart, stride)
            if not run:
                return None
            new, terms, wide = self.space.new(2 * self.space.size(atom)), dict(rest), ""
        place: Place = (places[at][0], (*terms.items(), *((a, s * run) for a, s in new[1])))
        return Angle(value, (*places[:at], place, *places[at + 1 :]), at, wide, part)

    # ---- one feature after another -----------------------------------------------------------------------------------

    def _over_two(self, value: str, places: Places, wanted: list[int]) -> Rotary | None:
        """The same where the features are several dimensions: pairs, and the two of a pair."""
        sizes = self.reader.sizes(value)
        spots = [k for k, place in enumerate(places) if set(self.space.over(place)) & set(wanted)]
        order = [atom for k in spots for atom in self.space.over(places[k])]
        if sorted(order) != sorted(wanted) or not all(self.space.is_all(places[k], sizes[k]) for k in spots):
            return None
        strides = dict(self.space.of(wanted)[1])
        rows: list[Places] = []
        for i in range(self.space.extent(wanted)):
            row = list(places)
            for k in spots:
                index = sum((i // strides[a] % self.space.size(a)) * stride for a, stride in self.space.terms(places[k]))
                row[k] = (index, ())
            rows.append(tuple(row))
        return self._rotation(value, rows, wanted)

    def _rotation(self, value: str, rows: list[Places], features: list[int]) -> Rotary | None:
        try:
            terms = [self.turns.terms(value, row, None) for row in rows]
        except Unclear:
            return None
        if any(len(listed) > 2 for listed in terms) or not any(one.factor for listed in terms for one in listed):
            return None
        every = [one for listed in terms for one in listed]
        base = _steps([(one.value, one.places) for one in every], len(rows))
        if base is None:
            return None
        first, step, at = base
        source = every[0]
        places = list(source.places)
        grown = tuple((atom, stride * step) for atom, stride in self.space.of(features)[1])
        places[at] = (first, (*source.places[at][1], *grown))
        number = [{(one.places[at][0] - first) // step: one for one in listed} for listed in terms]
        dims = sum(any(one.factor for one in listed) for listed in terms)
        style = self._style(number, dims)
        if style is None:
            return None
        own = [number[i][i].factor for i in range(dims)]
        other = [number[i][_partner(i, dims, style)].factor for i in range(dims)]
        cos, sin = (self._angle(listed, style) for listed in (own, other))
        return None if cos is None or sin is None else Rotary((source.value, tuple(places)), style, dims, cos, sin)

    def _style(self, number: list[dict[int, Term]], dims: int) -> Literal["half", "interleaved"] | None:
        """How features are paired, when all of them are turned by a positive angle."""
        if dims % 2 or any(
            set(number[i]) != {i} or number[i][i].factor or number[i][i].sign != 1 for i in range(dims, len(number))
        ):
            return None
        for style in _STYLES:
            if all(
                set(number[i]) == {i, j}
                and number[i][i].factor
                and number[i][j].factor
                and number[i][i].sign == 1
                and number[i][j].sign == (-1 if j > i else 1)
                for i in range(dims)
                for j in (_partner(i, dims, style),)
            ):
                return style
        return None

    def _angle(self, factors: list[tuple[str, Places, int | None] | None], style: str) -> Angle | None:
        """The value that holds the factors of all features."""
        listed = [one for one in factors if one is not None]
        if len(listed) != len(factors) or len({(one[0], one[2], len(one[1])) for one in listed}) != 1:
            return None
        value, places, part = listed[0]
        count = len(listed)
        wides: list[Literal["", "half", "interleaved"]] = ["", "half" if style == "half" else "interleaved"]
        for wide in wides:
            turns = [i if not wide else i % (count // 2) if wide == "half" else i // 2 for i in range(count)]
            moved = {k for one in listed for k, place in enumerate(one[1]) if place != places[k]}
            if any(one[1][k][1] != places[k][1] for one in listed for k in moved) or len(moved) > 1:
                return None
            at = next(iter(moved), len(places) - 1)
            offsets = [one[1][at][0] for one in listed]
            step = max((b - a for a, b in pairwise(offsets)), default=0)
            if step > 0 and offsets == [offsets[0] + step * turn for turn in turns]:
                atom = self.space.new(max(turns) + 1)
                run: Place = (offsets[0], (*places[at][1], *((a, s * step) for a, s in atom[1])))
                return Angle(value, (*places[:at], run, *places[at + 1 :]), at, wide, part)
        return None


def _partner(i: int, dims: int, style: str) -> int:
    half = dims // 2
    return i ^ 1 if style == "interleaved" else i + half if i < half else i - half


def _steps(sites: list[tuple[str, Places]], count: int) -> tuple[int, int, int] | None:
    """First offset, step and dimension, when all are the same value at `count` evenly spaced indices of one dimension."""
    value, places = sites[0]
    if any(one != value or len(its) != len(places) for one, its in sites):
        return None
    moved = {k for _, its in sites for k, place in enumerate(its) if place != places[k]}
    if len(moved) != 1:
        return None
    at = moved.pop()
    if any(its[at][1] != places[at][1] for _, its in sites):
        return None
    offsets = sorted({its[at][0] for _, its in sites})
    if len(offsets) != count:
        return None
    step = offsets[1] - offsets[0]
    even = offsets == [offsets[0] + step * k for k in range(count)]
    return (offsets[0], step, at) if even else None
