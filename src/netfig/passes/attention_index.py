"""Which element of one tensor an element of another is: dimensions as sums of steps along atoms.

A `Place` is one dimension of a tensor as a function of atoms, ``offset + Σ stride · atom``. Views, permutations, parts and
repetitions only change places; so what an attention reads can be followed back through them to where it is stored, exactly.
Atoms of size 1 are left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

from netfig.passes.recognise_atoms import Atoms, Unclear

Place = tuple[int, tuple[tuple[int, int], ...]]
"""The offset of a dimension, and (atom, stride) of what it runs over."""
Places = tuple[Place, ...]
NOWHERE: Place = (0, ())


class Space:
    """The atoms of one graph, and what is done with places over them."""

    def __init__(self) -> None:
        self.atoms = Atoms()

    def new(self, size: int) -> Place:
        """A dimension that is one new atom."""
        return (0, ((self.atoms.new(size), 1),)) if size > 1 else NOWHERE

    def size(self, atom: int) -> int:
        """How many indices an atom has."""
        return self.atoms.size(atom)

    def terms(self, place: Place) -> list[tuple[int, int]]:
        """What a dimension runs over, atoms that were split as their parts, the slowest first."""
        found: list[tuple[int, int]] = []
        for atom, stride in place[1]:
            flat = self.atoms.flat((atom,))
            if len(flat) == 1:
                found.append((flat[0], stride))
                continue
            for part in reversed(flat):
                if self.size(part) > 1:
                    found.append((part, stride))
                stride *= self.size(part)
        return sorted(found, key=lambda term: -term[1])

    def over(self, place: Place) -> list[int]:
        """The atoms of a dimension, the slowest first."""
        return [atom for atom, _ in self.terms(place)]

    def all_over(self, places: Iterable[Place]) -> list[int]:
        """The atoms of several dimensions."""
        return [atom for place in places for atom in self.over(place)]

    def flat(self, atoms: Iterable[int]) -> list[int]:
        """Atoms, those that were split as their parts."""
        return [atom for atom in self.atoms.flat(tuple(atoms)) if self.size(atom) > 1]

    def extent(self, atoms: Iterable[int]) -> int:
        """How many indices they have together."""
        return prod(self.size(atom) for atom in self.flat(atoms))

    def of(self, atoms: Sequence[int]) -> Place:
        """A dimension that runs over atoms, the slowest first."""
        found, stride = [], 1
        for atom in reversed(self.flat(atoms)):
            found.append((atom, stride))
            stride *= self.size(atom)
        return (0, tuple(reversed(found)))

    def is_all(self, place: Place, size: int) -> bool:
        """Whether a dimension of this size is all indices of its atoms in order."""
        return (
            place[0] == 0 and self.of(self.over(place))[1] == tuple(self.terms(place)) and self.extent(self.over(place)) == size
        )

    def view(self, places: Sequence[Place], sizes: Sequence[int], others: Sequence[int]) -> Places:
        """The places of a tensor of shape `sizes` when it is seen with the shape `others`.

        Raises:
            Unclear: a dimension is cut where its parts do not meet.
        """
        offset, terms, step = 0, [], prod(sizes)
        for place, size in zip(places, sizes, strict=True):
            step //= max(size, 1)
            offset += place[0] * step
            terms += [(atom, stride * step) for atom, stride in self.terms(place)]
        return self._apart(offset, terms, others)

    def _apart(self, offset: int, terms: list[tuple[int, int]], sizes: Sequence[int]) -> Places:
        steps, step = [], prod(sizes)
        for size in sizes:
            step //= max(size, 1)
            steps.append(step)
        found: list[list[tuple[int, int]]] = [[] for _ in sizes]
        waiting = list(terms)
        while waiting:
            atom, stride = waiting.pop()
            spot = next((k for k, s in enumerate(steps) if sizes[k] > 1 and s <= stride < s * sizes[k]), None)
            if spot is None or stride % steps[spot]:
                raise Unclear("a view cuts a dimension where it has no joint")
            top = steps[spot] * sizes[spot]
            if stride * self.size(atom) > top:  # it reaches into the next slower dimension
                inner = top // stride
                if top % stride or self.size(atom) % inner:
                    raise Unclear("a view cuts a dimension where it has no joint")
                slow, fast = self.atoms.split(atom, self.size(atom) // inner)
                waiting += [(slow, top), (fast, stride)]
                continue
            found[spot].append((atom, stride // steps[spot]))
        places = []
        for spot, (size, step) in enumerate(zip(sizes, steps, strict=True)):
            start, offset = divmod(offset, step) if step else (0, offset)
            if start + sum((self.size(atom) - 1) * stride for atom, stride in found[spot]) > max(size - 1, 0):
                raise Unclear("a part of a tensor runs over the end of a dimension")
            places.append((start, tuple(found[spot])))
        return tuple(places)

    def same(self, one: Sequence[Place], other: Sequence[Place]) -> bool:
        """Whether two tensors of one shape have the same element everywhere."""
        return len(one) == len(other) and all(
            a[0] == b[0] and sorted(self.terms(a)) == sorted(self.terms(b)) for a, b in zip(one, other, strict=True)
        )
