"""Names for what differs along a repeat: the small table of its sizes and settings."""

from __future__ import annotations

from collections import Counter
from dataclasses import field
from typing import TYPE_CHECKING, Any

from netfig.graph.types import Dim, TensorType
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from netfig.graph.types import Attribute, Attributes

Column = tuple[Any, ...]
LARGEST_FACTOR = 8
"""A size is written as so many times another, not more."""
LETTERS = {1: "D", 2: "ND", 3: "NLD", 4: "NCHW", 5: "NCTHW"}
"""What the dimensions of a tensor are called by their number, the batch first."""


@dataclass
class Table:
    """Columns that differ, while they are collected and once they have names.

    First everything is shown to it (`see_type`, `see_attributes`), then `name_all` gives names, then `type` and `attributes`
    write with them.
    """

    taken: Collection[str]
    count: int
    _sizes: dict[Column, Counter[str]] = field(default_factory=dict)  # column → how often it stands for which letter
    _come_in: set[Column] = field(default_factory=set)
    _settings: dict[Column, str] = field(default_factory=dict)  # column → key
    _extents: dict[Column, str] = field(default_factory=dict)
    names: dict[tuple[str, Column], str] = field(default_factory=dict)
    columns: dict[str, Column] = field(default_factory=dict)

    # ---- collecting ------------------------------------------------------------------------------------------------------

    def see_type(self, types: Sequence[TensorType], stored: bool = False) -> None:
        """Collect the sizes that differ in the types of one value."""
        shapes = [type.shape for type in types]
        first = shapes[0]
        if first is None or all(shape == first for shape in shapes):
            return
        if any(shape is None or len(shape) != len(first) for shape in shapes):
            return
        columns = [tuple([shape[i] for shape in shapes if shape is not None]) for i in range(len(first))]
        letters = _letters(columns, stored)
        for i, dims in enumerate(columns):
            column = _numbers(dims)
            if column is not None and len(set(column)) > 1:
                self._sizes.setdefault(column, Counter())[letters[i]] += 1

    def see_entry(self, types: Sequence[TensorType], passed_on: Sequence[Sequence[TensorType]]) -> None:
        """The same for a value that comes in: a size that does not go out in `passed_on` is one that comes in."""
        self.see_type(types)
        leaving = {column for row in passed_on for column in _columns(row)}
        self._come_in.update(column for column in _columns(types) if passed_on and column not in leaving)

    def see_attributes(self, listed: Sequence[Attributes]) -> None:
        """Collect what differs in the attributes of one thing, where they have the same keys."""
        if _written_alike(listed) or any([k for k, _ in one] != [k for k, _ in listed[0]] for one in listed):
            return
        for i, (key, _) in enumerate(listed[0]):
            self._see(tuple([one[i][1] for one in listed]), key)

    def _see(self, column: Column, key: str) -> None:
        if _same(column):
            return
        if _alike_tuples(column):
            for parts in zip(*column, strict=True):
                self._see(parts, key)
        elif column not in self._sizes:
            self._settings.setdefault(_hashed(column), key)

    def see_extent(self, extents: Sequence[Dim]) -> None:
        """Collect how often something inside repeats, where that differs."""
        column = _numbers(extents)
        if column is not None and len(set(column)) > 1:
            self._extents.setdefault(column, "n")

    # ---- naming ----------------------------------------------------------------------------------------------------------

    def name_all(self) -> None:
        """Give every column a name: a size that is a multiple or part of a more frequent one is written by it."""
        letters = {column: votes.most_common(1)[0][0] for column, votes in self._sizes.items()}
        for column in sorted(self._sizes, key=lambda one: -self._sizes[one].total()):
            letter = letters[column]
            votes = self._sizes[column]
            written = next((text for base, text in self._multiples(column) if votes[letters.get(base, "")]), None)
            wanted = f"{letter}_in" if column in self._come_in and letter in self.columns else letter
            self.names["size", column] = written or self._new(wanted, column)
        for column in self._extents:
            self.names["extent", column] = self._new(self._extents[column], column)
        for column, key in self._settings.items():
            written = self.names.get(("size", column))
            word = "".join(c if c.isalnum() or c == "_" else "_" for c in key)
            self.names["setting", column] = written or self._new(word if word[:1].isalpha() else f"at_{word}", column)

    def _new(self, wanted: str, column: Column) -> str:
        name, number = wanted, 2
        while name in self.taken or name in self.columns:
            name, number = f"{wanted}{number}", number + 1
        self.columns[name] = tuple([value[1] if isinstance(value, _Exact) else value for value in column])
        return name

    def _multiples(self, column: Column) -> Iterator[tuple[Column, str]]:
        """The sizes that have names already of which a column is a small multiple or part, and how it is written by each."""
        for name, base in self.columns.items():
            if not all(type(one) is int and one > 0 for one in (*column, *base)):
                continue
            times, over = column[0] // base[0], base[0] // column[0]
            if 1 < times <= LARGEST_FACTOR and all(one == value * times for one, value in zip(column, base, strict=True)):
                yield base, f"{times}*{name}"
            elif 1 < over <= LARGEST_FACTOR and all(one * over == value for one, value in zip(column, base, strict=True)):
                yield base, f"{name}/{over}"

    # ---- writing ---------------------------------------------------------------------------------------------------------

    def type(self, types: Sequence[TensorType]) -> TensorType:
        """One type for those at every index: that of the first with names for what differs; without a shape where ranks do."""
        first = types[0]
        shapes = [type.shape for type in types]
        if first.shape is None or all(shape == first.shape for shape in shapes):
            return first
        if any(shape is None or len(shape) != len(first.shape) for shape in shapes):
            return TensorType(first.dtype)
        dims = []
        for i, dim in enumerate(first.shape):
            column = _numbers([shape[i] for shape in shapes if shape is not None])
            name = self.names.get(("size", column)) if column is not None else None
            dims.append(dim if name is None else Dim(None, name))
        return TensorType(first.dtype, tuple(dims))

    def attributes(self, listed: Sequence[Attributes]) -> Attributes:
        """One for the attributes at every index, with names for what differs."""
        first = listed[0]
        if _written_alike(listed) or any([k for k, _ in one] != [k for k, _ in first] for one in listed):
            return first
        return tuple([(key, self.attribute(tuple([one[i][1] for one in listed]))) for i, (key, _) in enumerate(first)])

    def attribute(self, column: Column) -> Attribute:
        """The same for one attribute."""
        if _same(column):
            return column[0]  # type: ignore[no-any-return]
        if _alike_tuples(column):
            return tuple([self.attribute(parts) for parts in zip(*column, strict=True)])
        hashed = _hashed(column)
        return self.names.get(("size", hashed)) or self.names.get(("setting", hashed), column[0])

    def extent(self, extents: Sequence[Dim]) -> Dim:
        """One for the extents at every index."""
        column = _numbers(extents)
        name = self.names.get(("extent", column)) if column is not None else None
        return extents[0] if name is None else Dim(None, name)

    def written(self) -> Attributes:
        """The table: what is used in shapes first."""
        return tuple(self.columns.items())


class _Exact(tuple):  # type: ignore[type-arg]
    """A number told from others that Python calls equal: ``True`` and 1, 1 and 1.0."""


def _hashed(column: Column) -> Column:
    kinds = {type(value) for value in column}
    if len(kinds) == 1 or not kinds & {bool, float}:
        return column if kinds <= {int, str, type(None), tuple} else tuple(_Exact((type(v).__name__, v)) for v in column)
    return tuple(_Exact((type(value).__name__, value)) for value in column)


def _written_alike(listed: Sequence[Attributes]) -> bool:
    """Whether all are the same, 1 told from 1.0 and ``True``."""
    first = listed[0]
    return all(one == first for one in listed) and len(set(map(repr, listed))) == 1


def _same(column: Column) -> bool:
    first = column[0]
    return all(type(value) is type(first) and value == first for value in column)


def _alike_tuples(column: Column) -> bool:
    return all(type(value) is tuple and len(value) == len(column[0]) for value in column)


def _columns(types: Sequence[TensorType]) -> Iterator[Column]:
    """The sizes of each dimension of the types at all indices, where these have as many."""
    shapes = [type.shape for type in types if type.shape is not None]
    if len(shapes) == len(types) and len({len(shape) for shape in shapes}) == 1:
        for dims in zip(*shapes, strict=True):
            column = _numbers(dims)
            if column is not None:
                yield column


def _numbers(dims: Sequence[Dim]) -> tuple[int, ...] | None:
    found = [dim.size for dim in dims if dim.size is not None and dim.name is None]
    return tuple(found) if len(found) == len(dims) else None


def _letters(columns: Sequence[Sequence[Dim]], stored: bool) -> str:
    """Letters for the dimensions of one value."""
    rank = len(columns)
    if stored:
        return ("CC" if rank > 2 else "DD") + "KKKK" if rank > 1 else "D"
    if rank == 4 and columns[1] == columns[2] != columns[3]:
        return "NHWC"
    return LETTERS.get(rank) or "N" + "D" * (rank - 1)
