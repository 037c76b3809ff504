"""A traced graph as nodes that each compute one thing for one sample at one step.

Every traced value becomes a `Tensor`: its dimensions in atoms, and a way to make it with some atoms fixed at an index. Views, the
stacking of steps and the splitting of gates thereby vanish: what is asked of them is asked of what they were made from. The batch
is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import field
from functools import cached_property

from netfig.graph import Attributes, Graph, Op
from netfig.passes.recognise_atoms import Atoms, Dims, Unclear
from netfig.records import dataclass

Fix = Mapping[int, int]
Access = None | int | tuple[int, int]


@dataclass(frozen=True, slots=True)
class Leaf:
    """A value given from outside, whole or in part: for each dimension all of it, one index, or a block (start, size)."""

    source: str | Node
    at: tuple[Access, ...] = ()
    dims: Dims = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Const:
    """A tensor of one number."""

    number: float
    dims: Dims = ()


@dataclass(eq=False, slots=True)
class Node:
    """One computation. `key` is its place in the order of the trace, `vector` what it is one of: (family, index)."""

    kind: str
    slots: list[tuple[str, list[Operand]]]
    dims: Dims
    key: tuple[object, ...]
    attributes: Attributes = ()
    op: str = ""
    vector: tuple[object, int] | None = None

    @property
    def operands(self) -> Iterable[Operand]:
        """Everything it reads, in order."""
        return (one for _, listed in self.slots for one in listed)


Operand = Node | Leaf | Const


@dataclass(eq=False, slots=True)
class Tensor:
    """A traced value: its dimensions, and how to make it with atoms fixed."""

    dims: Dims
    build: Callable[[Fix], Operand]
    leaf: str | None = None


class Lowering:
    """Makes the nodes of a traced graph. `lower` is what each op does; see `recognise_rules`."""

    def __init__(self, graph: Graph, lower: Callable[[Lowering, Op, int], Sequence[Tensor]]) -> None:
        self.graph = graph
        self.atoms = Atoms()
        self.tensors: dict[str, Tensor] = {}
        self.nodes: list[Node] = []
        self.sinks: dict[str, dict[tuple[int, ...], Operand]] = {}
        self.spans: dict[str, tuple[int, ...]] = {}
        self.biases: dict[str, str] = {}
        self._mixed: list[tuple[int, ...]] = []
        self._indexed: list[tuple[int, ...]] = []
        self._made: dict[tuple[int, tuple[tuple[int, int], ...]], Operand] = {}
        self._own: dict[int, frozenset[int]] = {}
        self._counts: dict[tuple[object, ...], int] = {}
        for value in graph.values:
            if value.kind != "computed" and value.type.sizes is not None:
                self.tensors[value.id] = self._given(value.id, self.atoms.dims(value.type.sizes))
                for dim in self.tensors[value.id].dims if value.kind == "input" else ():
                    self.series(dim)
        for position, op in enumerate(graph.ops):
            made = lower(self, op, position)
            self.tensors.update(zip(op.outputs, made, strict=False))
        self.atoms.freeze()
        self._make()

    # ---- what the rules say ------------------------------------------------------------------------------------------------

    def mix(self, dim: Sequence[int]) -> None:
        """An op computes across a dimension."""
        self._mixed.append(tuple(dim))

    def index(self, dim: Sequence[int]) -> None:
        """Something takes one index of a dimension."""
        self._indexed.append(tuple(dim))

    def series(self, dim: Sequence[int]) -> None:
        """A dimension is a sequence of tensors, not a part of a weight."""
        self.atoms.mark(dim)

    def sizes(self, value: str) -> tuple[int, ...]:
        """The shape of a traced value."""
        found = self.graph.value_by_id[value].type.sizes
        if found is None:
            raise Unclear(f"the shape of {value!r} is not known")
        return found

    # ---- the batch ---------------------------------------------------------------------------------------------------------

    def _roots(self, dims: Iterable[Sequence[int]]) -> set[int]:
        return {atom for dim in dims for atom in self.atoms.flat(dim)}

    def _of(self, *kinds: str) -> Dims:
        return tuple(d for v in self.graph.values if v.kind in kinds and v.id in self.tensors for d in self.tensors[v.id].dims)

    @cached_property
    def weights(self) -> frozenset[int]:
        """The atoms of parameters and buffers."""
        return frozenset(self._roots(self._of("parameter", "buffer")))

    @cached_property
    def indexed(self) -> frozenset[int]:
        """The atoms that something takes one index of."""
        return frozenset(self._roots(self._indexed))

    @cached_property
    def steps(self) -> frozenset[int]:
        """The atoms that count the elements of a sequence, and not gates of a weight."""
        return frozenset(a for a in self.indexed if self.atoms.is_series((a,)) and self.atoms.size(a) > 1)

    @cached_property
    def batch(self) -> frozenset[int]:
        """The atoms that one sample has not: of the inputs, never computed across, never indexed, of no weight; and of views."""
        busy = self._roots(self._mixed) | self.weights | self.indexed
        found: set[int] = set()
        for port in self.graph.inputs:
            if port.value not in self.tensors:
                continue
            dims = [self.atoms.flat(dim) for dim in self.tensors[port.value].dims]
            rest = [(place, dim) for place, dim in enumerate(dims) if not set(dim) & self.indexed]
            known = self.graph.value_by_id[port.value].type.dtype or ""
            whole = known.startswith(("int", "uint", "bool")) or len(rest) > 1 or bool(rest and rest[0][0] < len(dims) - 1)
            if rest and whole and not set(rest[0][1]) & busy:
                found.update(rest[0][1])
        return frozenset(found | self._units)

    @property
    def _units(self) -> set[int]:
        """The atoms of size 1 that views put in: they say nothing."""
        given = self.weights | self._roots(self._of("input")) | self._roots(self._mixed)
        return {a for a in self.atoms.roots() if self.atoms.size(a) == 1 and a not in given}

    # ---- making ------------------------------------------------------------------------------------------------------------

    def _given(self, id: str, dims: Dims) -> Tensor:
        return Tensor(dims, lambda fix: self.access(id, dims, fix), id)

    def access(self, source: str | Node, dims: Dims, fix: Fix) -> Leaf:
        """A part of a value that is there as a whole."""
        at: list[Access] = []
        rest: list[tuple[int, ...]] = []
        for dim in dims:
            flat = self.atoms.flat(dim)
            fixed = [a in fix for a in flat]
            left = tuple(a for a in flat if a not in fix and a not in self.batch)
            if not any(fixed):
                at.append(None)
            elif all(fixed):
                at.append(self._number(flat, fix))
            else:
                count = fixed.index(False)
                if any(fixed[count:]):
                    raise Unclear("a weight is read in strides")
                size = self.atoms.extent(left)
                at.append((self._number(flat[:count], fix) * size, size))
            if left:
                rest.append(left)
        return Leaf(source, tuple(at), tuple(rest))

    def _number(self, flat: Sequence[int], fix: Fix) -> int:
        number = 0
        for atom in flat:
            number = number * self.atoms.size(atom) + fix.get(atom, 0)
        return number

    def position(self, dim: Sequence[int], fix: Fix) -> int | None:
        """The index at which a dimension is fixed; ``None`` where all of it is wanted.

        Raises:
            Unclear: a part of it is.
        """
        flat = [atom for atom in self.atoms.flat(dim) if self.atoms.size(atom) > 1]
        if all(atom in fix for atom in flat):
            return self._number(flat, fix)
        if any(atom in fix for atom in flat):
            raise Unclear("a part of a list is read")
        return None

    def own(self, tensor: Tensor) -> frozenset[int]:
        """All atoms of a tensor."""
        found = self._own.get(id(tensor))
        if found is None:
            found = self._own[id(tensor)] = frozenset(self._roots(tensor.dims))
        return found

    def at(self, tensor: Tensor, fix: Fix) -> Operand:
        """A tensor with atoms fixed, made once."""
        own = self.own(tensor)
        here = {a: i for a, i in fix.items() if a in own and a not in self.batch}
        key = (id(tensor), tuple(sorted(here.items())))
        if key not in self._made:
            self._made[key] = tensor.build(here)
        return self._made[key]

    def remaining(self, dims: Dims, fix: Fix) -> Dims:
        """The dimensions that are left for one sample with atoms fixed."""
        left = (tuple(a for a in self.atoms.flat(d) if a not in fix and a not in self.batch) for d in dims)
        return tuple(d for d in left if d)

    def operand(self, position: int, tensor: Tensor, fix: Fix) -> Operand:
        """A tensor with atoms fixed, its dimensions in its own order."""
        found = self.at(tensor, fix)
        wanted = self.remaining(tensor.dims, fix)
        if found.dims == wanted or len(wanted) < 2:
            return found
        if len(found.dims) == 2 and found.dims == wanted[::-1]:
            return self.node(position, "transpose", [("input", [found])], wanted, fix)
        if all(d in wanted for d in found.dims) and [d for d in wanted if d in found.dims] == list(found.dims):
            return found  # the others are the same at every index
        sizes = tuple(self.atoms.extent(d) for d in wanted)
        kind = "view" if [a for d in found.dims for a in d] == [a for d in wanted for a in d] else "permute"
        return self.node(position, kind, [("input", [found])], wanted, fix, (("size", sizes),))

    def node(
        self,
        position: int,
        kind: str,
        slots: list[tuple[str, list[Operand]]],
        dims: Dims,
        fix: Fix,
        attributes: Attributes = (),
    ) -> Node:
        """A new node made by the op at a position; `dims` as left by `remaining`."""
        steps = tuple((a, i) for a, i in sorted(fix.items()) if a in self.steps)
        gates = tuple((a, i) for a, i in sorted(fix.items()) if a not in self.steps)
        if len(steps) > 1:
            raise Unclear("a computation is indexed twice")
        key = (position, tuple(i for _, i in steps), tuple(i for _, i in gates), len(self.nodes))
        place = (position, steps, gates, kind)
        count = self._counts[place] = self._counts.get(place, -1) + 1
        vector = ((position, steps[0][0], gates, kind, count), steps[0][1]) if steps else None
        made = Node(kind, slots, dims, key, attributes, self.graph.ops[position].id, vector)
        self.nodes.append(made)
        return made

    def _make(self) -> None:
        """Make what the ops compute, in their order, and then what leaves the graph."""
        for op in self.graph.ops:
            for out in op.outputs:
                tensor = self.tensors.get(out)
                if tensor is None or (self.own(tensor) & self.indexed) - self.batch:
                    continue
                try:
                    self.at(tensor, {})
                except Unclear as error:
                    raise Unclear(f"{op.id}: {error}") from None
        ports = dict.fromkeys(port.value for port in self.graph.outputs)
        for out in (*ports, *(o for op in self.graph.ops for o in op.outputs if o not in self.graph.readers)):
            if out in self.tensors and out not in self.sinks:
                self._sink(out)
        live: dict[int, None] = {}
        stack: list[Operand] = [one for found in self.sinks.values() for one in found.values()]
        while stack:
            one = stack.pop()
            if isinstance(one, Leaf) and isinstance(one.source, Node):
                stack.append(one.source)
            if isinstance(one, Node) and id(one) not in live:
                live[id(one)] = None
                stack += one.operands
        self.nodes = sorted((n for n in self.nodes if id(n) in live), key=lambda n: n.key)

    def _sink(self, out: str) -> None:
        tensor = self.tensors[out]
        atoms = [
            a for dim in tensor.dims for a in self.atoms.flat(dim) if a in self.indexed - self.batch and a not in self.weights
        ]
        self.spans[out] = tuple(self.atoms.size(a) for a in atoms)
        found: dict[tuple[int, ...], Operand] = {}
        places: list[tuple[int, ...]] = [()]
        for atom in atoms:
            places = [(*place, i) for place in places for i in range(self.atoms.size(atom))]
        for place in places:
            found[place] = self.at(tensor, dict(zip(atoms, place, strict=True)))
        self.sinks[out] = found
