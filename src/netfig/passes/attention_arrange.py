"""Brings a value into the order a block of attention wants, by views and permutations in front of it or after it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Final

from netfig.graph.types import Attribute, Dim, Op, Ref, Slot, TensorType, Value
from netfig.passes.attention_index import Place, Places
from netfig.passes.attention_products import Reader, Site
from netfig.passes.recognise_atoms import Unclear

Wanted = Sequence[Sequence[int]]
"""For each dimension the atoms it runs over, the slowest first."""
_Factor = tuple[int, list[int], int]
"""A size, the atoms that run over it or a part of it, and where the part starts; without atoms, one index."""
_TARGETS: Final = {
    "view": "aten.view.default",
    "permute": "aten.permute.default",
    "t": "aten.t.default",
    "transpose": "aten.transpose.int",
    "select": "aten.select.int",
    "slice": "aten.slice.Tensor",
    "expand": "aten.expand.default",
    "cat": "aten.cat.default",
    "mul": "aten.mul.Scalar",
    "logical_not": "aten.logical_not.default",
    "view_as_real": "aten.view_as_real.default",
}


class Arrange:
    """Makes helper ops in one scope; the same one is made once."""

    def __init__(self, reader: Reader, scope: str, prefix: str, unique: Callable[[str], str], axes: tuple[str, ...]) -> None:
        self.reader, self.space = reader, reader.space
        self.scope, self.prefix, self.unique, self.axes = scope, prefix, unique, axes
        self.ops: list[Op] = []
        self.values: dict[str, Value] = {}
        self._made: dict[tuple[object, ...], str] = {}

    # ---- ops ---------------------------------------------------------------------------------------------------------

    def type_of(self, value: str) -> TensorType:
        """The type of a value, made here or there before."""
        return (self.values.get(value) or self.reader.graph.value_by_id[value]).type

    def sizes(self, value: str) -> tuple[int, ...]:
        """Its shape."""
        found = self.type_of(value).sizes
        if found is None:
            raise Unclear(f"the shape of {value!r} is not known")
        return found

    def op(
        self,
        kind: str,
        reads: Sequence[str],
        sizes: Sequence[int],
        out: str | None = None,
        dtype: str | None = None,
        /,
        **settings: Attribute,
    ) -> str:
        """A helper op and the value it makes (`out`, when that exists already)."""
        key = (kind, *reads, *settings.items())
        if out is None and key in self._made:
            return self._made[key]
        id = self.unique(f"{self.prefix}{kind}")
        made = out if out is not None else f"{id}.out"
        if out is None:
            type = TensorType(dtype or self.type_of(reads[0]).dtype, tuple(Dim(size) for size in sizes))
            self.values[made] = Value(made, type=type, axes=self.axes)
            self._made[key] = made
        slot = Slot("tensors" if kind == "cat" else "self", tuple(Ref(one) for one in reads))
        self.ops.append(Op(id, kind, (slot,), (made,), self.scope, (*settings.items(), ("target", _TARGETS[kind]))))
        return made

    # ---- arranging ---------------------------------------------------------------------------------------------------

    def fits(self, site: Site, wanted: Wanted) -> bool:
        """Whether a value can be read as it is, where dimensions of size 1 stand for any."""
        own = self.sizes(site[0])
        wanted = self._flat(wanted)
        if len(own) > len(wanted):
            return False
        for place, size, atoms in zip(reversed(site[1]), reversed(own), reversed(wanted), strict=False):
            if size == 1 and not place[1] and place[0] == 0:
                continue
            if not self.space.is_all(place, size) or self.space.over(place) != list(atoms):
                return False
        return True

    def _flat(self, wanted: Wanted) -> list[list[int]]:
        """Dimensions in atoms as they are split now."""
        return [self.space.flat(atoms) for atoms in wanted]

    def is_exactly(self, site: Site, wanted: Wanted) -> bool:
        """Whether a value has these dimensions, all of them."""
        sizes = self.sizes(site[0])
        wanted = self._flat(wanted)
        return len(sizes) == len(wanted) and all(
            self.space.is_all(place, size) and self.space.over(place) == list(atoms)
            for place, size, atoms in zip(site[1], sizes, wanted, strict=True)
        )

    def read(self, site: Site, wanted: Wanted) -> str:
        """A value that can be read where these dimensions are wanted, by way of size 1 where it does not depend on one."""
        if self.fits(site, wanted):
            return site[0]
        own = set(self.space.all_over(site[1]))
        wanted = self._flat(wanted)
        return self.bring(site, [list(atoms) if set(atoms) & own else [] for atoms in wanted])

    def bring(self, site: Site, wanted: Wanted, out: str | None = None) -> str:
        """A value with exactly these dimensions; `out` is the existing value to make, if there is one.

        Raises:
            Unclear: it is not all of what it is a part of, in a way that views can say.
        """
        if out is None and self.is_exactly(site, wanted):
            return site[0]
        wanted = self._flat(wanted)
        value, roles = self._unpacked(site)
        goal = [atom for atoms in wanted for atom in atoms]
        extra = [a for a in roles if a not in goal]
        if extra:
            raise Unclear(f"{site[0]} has a dimension that is not wanted")
        sizes = [self.space.extent(atoms) for atoms in wanted]
        order = [a for a in goal if a in roles]
        missing = len(order) < len(goal)
        if roles != order:
            value = self._permuted(value, roles, order, out if not missing and self._is_last(order, wanted) else None)
        if missing:
            ones = [self.space.size(a) if a in roles else 1 for a in goal]
            value = self._viewed(value, ones)
            value = self.op("expand", [value], full := [self.space.size(a) for a in goal], size=tuple(full))
        if value == out or (out is None and self.sizes(value) == tuple(sizes)):
            return value
        return self.op("view", [value], sizes, out, size=tuple(sizes))

    def _is_last(self, order: list[int], wanted: Wanted) -> bool:
        return [[a] for a in order] == list(wanted)

    def _viewed(self, value: str, sizes: Sequence[int]) -> str:
        return value if self.sizes(value) == tuple(sizes) else self.op("view", [value], sizes, size=tuple(sizes))

    def _permuted(self, value: str, roles: list[int], order: list[int], out: str | None) -> str:
        """Atoms in another order; neighbours that stay together are moved as one."""
        runs: list[list[int]] = []
        for atom in roles:
            last = runs[-1][-1] if runs else None
            together = last is not None and order.index(atom) == order.index(last) + 1
            if together:
                runs[-1].append(atom)
            else:
                runs.append([atom])
        value = self._viewed(value, [self.space.extent(run) for run in runs])
        turn = sorted(range(len(runs)), key=lambda k: order.index(runs[k][0]))
        sizes = [self.space.extent(runs[k]) for k in turn]
        out = out if len(runs) == len(order) else None
        if len(runs) == 2:
            return self.op("t", [value], sizes, out)
        moved = [k for k, old in enumerate(turn) if k != old]
        if len(moved) == 2:
            return self.op("transpose", [value], sizes, out, dim0=moved[0], dim1=moved[1])
        return self.op("permute", [value], sizes, out, dims=tuple(turn))

    def _unpacked(self, site: Site) -> tuple[str, list[int]]:
        """A value that runs over atoms alone, one after another, and these atoms."""
        value, places = site
        factors: list[_Factor] = []
        for place, size in zip(places, self.sizes(value), strict=True):
            factors += self._factors(place, size)
        if any(not atoms or self.space.extent(atoms) != size for size, atoms, _ in factors):
            value = self._viewed(value, [size for size, _, _ in factors])
            for at in reversed(range(len(factors))):
                size, atoms, start = factors[at]
                extent = self.space.extent(atoms)
                sizes = [self.sizes(value)[k] for k in range(len(self.sizes(value)))]
                if not atoms:
                    del sizes[at]
                    value = self.op("select", [value], sizes, dim=at, index=start)
                elif extent != size:
                    sizes[at] = extent
                    value = self.op("slice", [value], sizes, dim=at, start=start, end=start + extent)
        return value, [atom for _, atoms, _ in factors for atom in atoms]

    def _factors(self, place: Place, size: int) -> list[_Factor]:
        """A dimension as factors: all or a run of what atoms count, or one index."""
        found: list[_Factor] = []
        left, offset = size, place[0]
        terms = self.space.terms(place)
        while terms:
            run = [atom for atom, _ in terms]
            if self.space.of(run)[1] == tuple(terms):  # the rest is one run
                extent = self.space.extent(run)
                if offset + extent > left:
                    raise Unclear("a part of a tensor is no part by views")
                return [*found, (left, run, offset)]
            atom, stride = terms.pop(0)
            top = stride * self.space.size(atom)
            if top > left or left % top:
                raise Unclear("a part of a tensor is no part by views")
            if left > top:
                found.append((left // top, [], offset // top))
            found.append((self.space.size(atom), [atom], 0))
            offset %= top
            if offset // stride:
                raise Unclear("a part of a tensor is no part by views")
            left = stride
        if left > 1:
            found.append((left, [], offset))
        return found

    # ---- more than views ---------------------------------------------------------------------------------------------

    def scaled(self, value: str, factor: float) -> str:
        """A value times a number."""
        return value if factor == 1 else self.op("mul", [value], self.sizes(value), other=factor)

    def turned_off(self, value: str) -> str:
        """True where a value is false."""
        return self.op("logical_not", [value], self.sizes(value), None, "bool")

    def real(self, value: str) -> str:
        """A complex value as pairs of numbers."""
        known = {"complex64": "float32", "complex128": "float64"}
        return self.op(
            "view_as_real", [value], [*self.sizes(value), 2], None, known.get(self.type_of(value).dtype or "", "float32")
        )

    def widened(self, value: str, how: str) -> str:
        """The last dimension twice: again (``half``), or each element two times (``interleaved``)."""
        sizes = self.sizes(value)
        if how == "half":
            return self.op("cat", [value, value], (*sizes[:-1], 2 * sizes[-1]), dim=-1)
        single = self.op("view", [value], (*sizes, 1), size=(*sizes, 1))
        double = self.op("expand", [single], (*sizes, 2), size=(*sizes, 2))
        whole = (*sizes[:-1], prod(sizes[-1:]) * 2)
        return self.op("view", [double], whole, size=whole)


def as_places(reader: Reader, wanted: Wanted) -> Places:
    """The places of a value that has these dimensions."""
    return tuple(reader.space.of(list(atoms)) for atoms in wanted)
