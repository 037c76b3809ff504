"""Follows a tensor of a traced graph through ops that only look at it in another way, back to its origin and on to its use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from netfig.graph.types import Graph, Op
from netfig.passes.attention_index import NOWHERE, Place, Places, Space
from netfig.passes.recognise_atoms import Unclear

RESHAPES: Final = frozenset(
    ("view", "_unsafe_view", "reshape", "_reshape_alias", "flatten", "unflatten", "squeeze", "unsqueeze", "view_copy")
)
SAME: Final = frozenset(
    ("clone", "contiguous", "alias", "detach", "lift_fresh", "to", "_to_copy", "identity", "_conj_physical", "type_as")
)
TURNS: Final = frozenset(("t", "transpose", "permute", "numpy_T", "mT", "movedim", "swapaxes"))
_PARTS: Final = frozenset(("select", "slice", "narrow", "unbind", "split", "split_with_sizes", "chunk", "unsafe_split"))


def aten(op: Op) -> str:
    """The name of the operator that a traced op called, without the ending of one that works in place."""
    target = op.attribute("target")
    name = target.split(".")[1] if isinstance(target, str) and target.count(".") else op.kind
    return name.rstrip("_") or name


def whole(attribute: object, default: int = 0) -> int:
    """An attribute that is a whole number."""
    return attribute if isinstance(attribute, int) else default


class Follow:
    """Follows values of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.space = graph, Space()

    def sizes(self, value: str) -> tuple[int, ...]:
        """The shape of a value.

        Raises:
            Unclear: it is not known.
        """
        found = self.graph.value_by_id[value].type.sizes
        if found is None:
            raise Unclear(f"the shape of {value!r} is not known")
        return found

    def new(self, value: str) -> Places:
        """A new atom for each dimension of a value."""
        return tuple(self.space.new(size) for size in self.sizes(value))

    def slot(self, op: Op, *names: str) -> str:
        """The value in the first of these slots that an op has.

        Raises:
            Unclear: it has none.
        """
        for name in names:
            for slot in op.inputs:
                if slot.name == name and slot.refs:
                    return slot.refs[0].value
        raise Unclear(f"{op.id} reads no {names[0]}")

    def reads(self, op: Op) -> list[str]:
        """All values that an op reads, in order."""
        return list(op.reads)

    # ---- back --------------------------------------------------------------------------------------------------------

    def back(self, value: str, places: Places) -> tuple[str, Places] | None:
        """One step towards the origin of a value, or ``None`` where something is computed."""
        op = self.graph.producer.get(value)
        if op is None or op.phase != "forward":
            return None
        name = aten(op)
        if name in RESHAPES:
            source = self.slot(op, "self")
            return source, self.space.view(places, self.sizes(value), self.sizes(source))
        if name in SAME:
            return self.slot(op, "self", "input"), places
        if name in TURNS:
            source = self.slot(op, "self")
            found: list[Place] = [NOWHERE] * len(places)
            for spot, old in enumerate(self._order(op, name, len(places))):
                found[old] = places[spot]
            return source, tuple(found)
        if name in ("expand", "broadcast_to", "expand_as"):
            source = self.slot(op, "self")
            return source, narrowed(places, self.sizes(value), self.sizes(source))
        if name in _PARTS:
            return self._part(op, name, value, places)
        if name == "repeat":
            return self._repeated(op, value, places)
        if name in ("cat", "concat", "stack"):
            return self._joined(op, name, value, places)
        return self._indexed(op, value, places) if name == "index" else None

    def origin(self, value: str, places: Places) -> list[tuple[str, Places]]:
        """A value and all it is a view of, the nearest first; where a view cannot be followed it ends."""
        found = [(value, places)]
        while True:
            try:
                step = self.back(*found[-1])
            except Unclear:
                return found
            if step is None:
                return found
            found.append(step)

    def _order(self, op: Op, name: str, rank: int) -> list[int]:
        order = list(range(rank))
        if name == "permute":
            dims = op.attribute("dims")
            return [whole(d) % rank for d in dims] if isinstance(dims, tuple) else order
        if name in ("t", "numpy_T", "mT"):
            return order[::-1] if rank <= 2 or name == "numpy_T" else [*order[:-2], order[-1], order[-2]]
        if name in ("transpose", "swapaxes"):
            a, b = whole(op.attribute("dim0")) % rank, whole(op.attribute("dim1")) % rank
            order[a], order[b] = order[b], order[a]
            return order
        raise Unclear(f"{op.id} moves dimensions")

    def _part(self, op: Op, name: str, value: str, places: Places) -> tuple[str, Places]:
        source = self.slot(op, "self")
        sizes = self.sizes(source)
        at = whole(op.attribute("dim")) % len(sizes)
        number = op.outputs.index(value)
        if name in ("select", "unbind"):
            index = number if name == "unbind" else whole(op.attribute("index")) % sizes[at]
            return source, (*places[:at], (index, ()), *places[at:])
        start, step = 0, 1
        if name in ("slice", "narrow"):
            start, step = whole(op.attribute("start")), whole(op.attribute("step"), 1)
            start = max(start + sizes[at], 0) if start < 0 else start
        else:
            start = sum(self.sizes(out)[at] for out in op.outputs[:number])
        offset, terms = places[at]
        moved = (start + offset * step, tuple((atom, stride * step) for atom, stride in terms))
        return source, (*places[:at], moved, *places[at + 1 :])

    def _repeated(self, op: Op, value: str, places: Places) -> tuple[str, Places]:
        source = self.slot(op, "self")
        old, new = self.sizes(source), self.sizes(value)
        found = []
        for place, size, big in zip(places[len(places) - len(old) :], old, new[len(new) - len(old) :], strict=True):
            found.append(place if size == big else self.space.view([place], [big], [big // size, size])[1])
        return source, tuple(found)

    def _joined(self, op: Op, name: str, value: str, places: Places) -> tuple[str, Places] | None:
        """The one of several tensors that all of this comes from."""
        at = whole(op.attribute("dim")) % len(places)
        offset, terms = places[at]
        last = offset + sum((self.space.size(atom) - 1) * stride for atom, stride in self.space.terms(places[at]))
        start = 0
        for source in op.reads:
            sizes = self.sizes(source)
            count = 1 if name == "stack" else sizes[at] if len(sizes) == len(places) else 0
            if start <= offset and last < start + count:
                rest = () if name == "stack" else ((offset - start, terms),)
                return source, (*places[:at], *rest, *places[at + 1 :])
            start += count
        return None

    def _indexed(self, op: Op, value: str, places: Places) -> tuple[str, Places] | None:
        """One index of a dimension, given as a list of one number."""
        slots = {slot.name: [ref.value for ref in slot.refs] for slot in op.inputs}
        given, which = slots.get("indices", []), op.attribute("indices", (0,))
        data = self.graph.value_by_id[given[0]].data if len(given) == 1 else None
        if data is None or len(data) != 1 or not isinstance(data[0], int) or not isinstance(which, tuple):
            return None
        source, at = slots["self"][0], which.index(0)
        sizes = self.sizes(source)
        if len(self.sizes(value)) != len(sizes):
            return None
        return source, (*places[:at], (data[0] % sizes[at], ()), *places[at + 1 :])

    # ---- on ----------------------------------------------------------------------------------------------------------

    def forward(self, op: Op, places: Places) -> Places | None:
        """The places of what an op makes of a whole tensor, when it only looks at it in another way."""
        name = aten(op)
        if len(op.outputs) != 1:
            return None
        if name in SAME:
            return places
        source, out = self.slot(op, "self", "input"), op.outputs[0]
        if name in RESHAPES:
            return self.space.view(places, self.sizes(source), self.sizes(out))
        if name in TURNS:
            return tuple(places[old] for old in self._order(op, name, len(places)))
        if name in ("expand", "broadcast_to", "expand_as"):
            old, new = self.sizes(source), self.sizes(out)
            if tuple(s for s in old if s != 1) == tuple(s for s in new if s != 1):
                return self.space.view(places, old, new)
        return None


def narrowed(places: Sequence[Place], sizes: Sequence[int], source: Sequence[int]) -> Places:
    """The places of what was broadcast to `sizes` from the shape `source`."""
    lead = len(sizes) - len(source)
    return tuple(
        NOWHERE if size == 1 and big != 1 else place for place, big, size in zip(places[lead:], sizes[lead:], source, strict=True)
    )
