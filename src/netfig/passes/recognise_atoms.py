"""Sizes of traced tensors taken apart into atoms: batch, time, gates, features.

A dimension is a list of atoms, the first the slowest; ``view`` and ``chunk`` split atoms, operations on aligned dimensions make
two atoms one. What is left says which dimension of one tensor is which of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

Dims = tuple[tuple[int, ...], ...]


class Unclear(Exception):
    """What a traced operation does to its dimensions cannot be followed."""


class Atoms:
    """A disjoint set of atoms with sizes; one that was split stands for its parts."""

    def __init__(self) -> None:
        self._sizes: list[int] = []
        self._same: list[int] = []
        self._parts: dict[int, tuple[int, ...]] = {}
        self._series: set[int] = set()
        self._flat: dict[Sequence[int], tuple[int, ...]] | None = None

    def new(self, size: int) -> int:
        """A new atom."""
        self._sizes.append(size)
        self._same.append(len(self._same))
        return len(self._same) - 1

    def dims(self, sizes: Iterable[int]) -> Dims:
        """New dimensions of one atom each."""
        return tuple((self.new(size),) for size in sizes)

    def size(self, atom: int) -> int:
        """How many indices it has."""
        return self._sizes[atom]

    def extent(self, dim: Sequence[int]) -> int:
        """How many indices a dimension has."""
        return prod(self._sizes[atom] for atom in dim)

    def find(self, atom: int) -> int:
        """The one that stands for all that are the same."""
        while self._same[atom] != atom:
            self._same[atom] = self._same[self._same[atom]]
            atom = self._same[atom]
        return atom

    def roots(self) -> Iterable[int]:
        """One of every set of atoms that are the same."""
        return (atom for atom, same in enumerate(self._same) if atom == same)

    def mark(self, dim: Sequence[int]) -> None:
        """Note that a dimension is a sequence of tensors, not a part of a weight."""
        self._series.update(self.flat(dim))

    def is_series(self, dim: Sequence[int]) -> bool:
        """Whether one of its atoms was marked."""
        return any(atom in self._series for atom in self.flat(dim))

    def freeze(self) -> None:
        """No atom is made, split or joined from now on."""
        self._flat = {}

    def flat(self, dim: Sequence[int]) -> tuple[int, ...]:
        """The atoms of a dimension that were not split."""
        if self._flat is not None:
            known = self._flat.get(dim)
            if known is None:
                known = self._flat[dim] = self._flattened(dim)
            return known
        return self._flattened(dim)

    def _flattened(self, dim: Sequence[int]) -> tuple[int, ...]:
        found: list[int] = []
        for atom in dim:
            root = self.find(atom)
            parts = self._parts.get(root)
            found += (root,) if parts is None else self._flattened(parts)
        return tuple(found)

    def unify(self, one: Sequence[int], other: Sequence[int]) -> None:
        """Make two dimensions of one extent the same, splitting atoms where the other has more.

        Raises:
            Unclear: neither is a refinement of the other.
        """
        left, right = list(self.flat(one)), list(self.flat(other))
        while left and right:
            a, b = left[0], right[0]
            if a == b:
                left, right = left[1:], right[1:]
            elif self._sizes[a] == self._sizes[b]:
                self._same[b] = a
                if b in self._series:
                    self._series.add(a)
                left, right = left[1:], right[1:]
            elif self._sizes[a] == 1:
                left = left[1:]
            elif self._sizes[b] == 1:
                right = right[1:]
            elif self._sizes[a] > self._sizes[b]:
                self.split(a, self._sizes[b])
                left = [*self._parts[a], *left[1:]]
            else:
                self.split(b, self._sizes[a])
                right = [*self._parts[b], *right[1:]]
        if any(self._sizes[atom] != 1 for atom in (*left, *right)):
            raise Unclear("two sizes do not fit")

    def split(self, atom: int, first: int) -> tuple[int, int]:
        """Take an atom apart into a slower one of size `first` and the rest."""
        if not first or self._sizes[atom] % first:
            raise Unclear(f"a size of {self._sizes[atom]} is not taken apart into equal parts")
        parts = (self.new(first), self.new(self._sizes[atom] // first))
        self._parts[self.find(atom)] = parts
        if self.find(atom) in self._series:
            self._series.update(parts)
        return parts

    def regrouped(self, dims: Dims, sizes: Sequence[int]) -> Dims:
        """The dimensions of a ``view`` with other sizes."""
        atoms = [atom for dim in dims for atom in self.flat(dim)]
        found: list[tuple[int, ...]] = []
        for size in sizes:
            taken: list[int] = []
            left = size
            if size == 1:
                taken = [atoms.pop(0)] if atoms and self._sizes[atoms[0]] == 1 else [self.new(1)]
            while left > 1:
                if not atoms:
                    raise Unclear("a view of another number of elements")
                atom = atoms.pop(0)
                if left % self._sizes[atom]:
                    first, rest = self.split(atom, left)
                    atom = first
                    atoms.insert(0, rest)
                taken.append(atom)
                left //= self._sizes[atom]
            found.append(tuple(taken))
        return tuple(found)

    def indices(self, dim: Sequence[int], index: int) -> dict[int, int]:
        """The index of each atom of a dimension at one index of it."""
        found: dict[int, int] = {}
        for atom in reversed(self.flat(dim)):
            index, found[atom] = divmod(index, self._sizes[atom])
        return found
