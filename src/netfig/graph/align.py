"""`align`: two graphs side by side, as one tree of what is the same, changed, added and removed.

Partners are found from the root inwards. The children of two partners are aligned in order, heaviest first by what speaks for
them being the same: equal in everything, a name, a class, what they hold (`align_match`). What is equal at both ends of a row is
paired at once, so the cost is that of what differs. Then values follow from the ops that make and read them, and wires from both.
"""

from __future__ import annotations

from collections import Counter
from functools import cached_property
from itertools import zip_longest
from typing import TYPE_CHECKING, Literal, NamedTuple

from netfig.graph.align_changes import Change, op_changes, scope_changes, type_text
from netfig.graph.align_match import Cell, match
from netfig.graph.align_nodes import trees
from netfig.graph.align_order import find_moved, side, uncross
from netfig.graph.types import Affine, Graph, Op, Scope
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = ["Alignment", "Change", "Item", "State", "Wire", "align"]

State = Literal["same", "changed", "added", "removed"]
_COMMUTE = frozenset(("add", "mul", "maximum", "minimum", "logical_and", "logical_or", "eq", "ne", "dot"))


class Wire(NamedTuple):
    """A value that an op (or, with the name of a port, the outside) reads: ids of its own graph."""

    value: str
    reader: str
    slot: str


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """A scope or op of two graphs: `before` in the one, `after` in the other, ``None`` where it is not.

    `changes` are its own; `reshaped` says that it makes other sizes while its own settings are the same. `moved` is the path at
    which a module without a partner stands in the other graph. `rewired` says that wires between its children differ. Two items
    with one `like` have the same inside, and the same differences.
    """

    before: Scope | Op | None
    after: Scope | Op | None
    state: State
    changes: tuple[Change, ...] = ()
    reshaped: bool = False
    moved: str = ""
    rewired: bool = False
    like: tuple[int, int] = (-1, -1)
    children: tuple[Item, ...] = ()

    @property
    def item(self) -> Scope | Op:
        """The scope or op, as it is afterwards where it is still there."""
        found = self.after or self.before
        assert found is not None
        return found

    @property
    def is_op(self) -> bool:
        """Whether it is an op."""
        return isinstance(self.item, Op)

    def walk(self) -> Iterator[Item]:
        """It and everything in it, parents first, in the order of both graphs."""
        stack = [self]
        while stack:
            item = stack.pop()
            yield item
            stack.extend(reversed(item.children))


@dataclass(frozen=True)
class Alignment:
    """Two graphs as one tree. `values` are the partners of the values of `before`; the wires are those only one graph has."""

    before: Graph
    after: Graph
    root: Item
    values: Mapping[str, str]
    removed_wires: tuple[Wire, ...] = ()
    added_wires: tuple[Wire, ...] = ()
    ports: tuple[Change, ...] = ()  # inputs and outputs that are not the same

    @cached_property
    def counts(self) -> Mapping[State, int]:
        """How many ops are the same, changed, added, removed; one that is changed, added or removed with a layer counts once."""
        found: Counter[State] = Counter(item.state for item in self.root.walk() if item.is_op)
        return {state: found[state] for state in ("same", "changed", "added", "removed")}

    @cached_property
    def is_equal(self) -> bool:
        """Whether nothing differs but names of the models and numbers in paths."""
        wires = self.removed_wires or self.added_wires or self.ports
        return not wires and all(i.state == "same" and not i.reshaped for i in self.root.walk())


def align(before: Graph, after: Graph) -> Alignment:
    """The alignment of two graphs; repeats are unfolded first, so that every op of both stands in it exactly once."""
    before, after = (_unfolded(graph) for graph in (before, after))
    left, right = trees(before, after)
    root = match(left, right)
    uncross(root, side(before, left), side(after, right))
    find_moved(root)
    return _Finisher(before, after, root).alignment()


def _unfolded(graph: Graph) -> Graph:
    if not any(axis.members for axis in graph.axes):
        return graph
    from netfig.graph.repeats import unfold_repeats

    return unfold_repeats(graph)


class _Finisher:
    """Values, wires and words for cells that are found."""

    def __init__(self, before: Graph, after: Graph, root: Cell) -> None:
        self.before, self.after, self.root = before, after, root
        self.pairs: list[tuple[Op, Op, Cell]] = []
        self.around: dict[Cell, Cell] = {}
        self.cell_of: tuple[dict[str, Cell], dict[str, Cell]] = {}, {}  # by op, in each graph
        stack = [root]
        while stack:
            cell = stack.pop()
            for node, found in zip((cell.before, cell.after), self.cell_of, strict=True):
                if node is not None and node.is_op:
                    found[node.id] = cell
            if cell.before is not None and cell.after is not None:
                a, b = cell.before.item, cell.after.item
                if isinstance(a, Op) and isinstance(b, Op):
                    self.pairs.append((a, b, cell))
            for child in cell.children:
                self.around[child] = cell
            stack += cell.children
        self.values: dict[str, str] = {}
        self.taken: set[str] = set()
        self.more: dict[Cell, list[Change]] = {}
        self.rewired: set[Cell] = set()

    def alignment(self) -> Alignment:
        """The whole of it."""
        ports = [*self._inputs()]
        order = {op.id: k for k, op in enumerate(self.before.ops)}
        self.pairs.sort(key=lambda pair: order[pair[0].id])
        for a, b, _ in self.pairs:
            for x, y in zip(a.outputs, b.outputs, strict=False):
                self._pair(x, y)
        for a, b, cell in self.pairs:
            self._stored(a, b, cell)
        ports += self._outputs()
        removed, added = self._wires()
        return Alignment(self.before, self.after, self._item(self.root), self.values, tuple(removed), tuple(added), tuple(ports))

    # -- values -----------------------------------------------------------------------------------------------------

    def _pair(self, x: str, y: str) -> None:
        if x not in self.values and y not in self.taken:
            self.values[x] = y
            self.taken.add(y)

    def _inputs(self) -> Iterator[Change]:
        left, right = ({p.name: p.value for p in g.inputs} for g in (self.before, self.after))
        for a, b in self._port_pairs(list(left), list(right)):
            x = self.before.value_by_id[left[a]].type if a is not None else None
            y = self.after.value_by_id[right[b]].type if b is not None else None
            if a is not None and b is not None:
                self._pair(left[a], right[b])
                if a != b:
                    yield Change("input", a, b)
            if x != y:
                yield Change(f"input {b or a}", type_text(x), type_text(y))

    def _outputs(self) -> Iterator[Change]:
        left, right = ({p.name: p.value for p in g.outputs} for g in (self.before, self.after))
        for a, b in self._port_pairs(list(left), list(right)):
            x = self.before.value_by_id[left[a]].type if a is not None else None
            y = self.after.value_by_id[right[b]].type if b is not None else None
            name = b or a or ""
            name = name if name.startswith("output") else f"output {name}"
            if a is not None and b is not None and a != b:
                yield Change("output", a, b)
            if x != y:
                yield Change(name, type_text(x), type_text(y))

    @staticmethod
    def _port_pairs(left: list[str], right: list[str]) -> Iterator[tuple[str | None, str | None]]:
        """Ports of one name are partners, the others in their order."""
        yield from ((name, name) for name in left if name in right)
        yield from zip_longest((n for n in left if n not in right), (n for n in right if n not in left))

    def _stored(self, a: Op, b: Op, cell: Cell) -> None:
        """Weights are partners when partners read them in the same place; one that has another partner is another weight."""
        left, right = ({s.name: [r.value for r in s.refs] for s in op.inputs} for op in (a, b))
        for slot, values in left.items():
            for x, y in zip(values, right.get(slot, ()), strict=False):
                kinds = self.before.value_by_id[x].kind, self.after.value_by_id[y].kind
                if "computed" in kinds or "input" in kinds:
                    continue
                self._pair(x, y)
                if "parameter" not in kinds:
                    continue
                one, other = self.before.value_by_id[x], self.after.value_by_id[y]
                names = [(v.names or (v.id,))[0] for v in (one, other)]
                if self.values.get(x) != y:
                    self.more.setdefault(cell, []).append(Change("reads", *names))
                elif one.type != other.type:
                    name = names[1].rpartition(".")[2]
                    self.more.setdefault(cell, []).append(Change(name, type_text(one.type), type_text(other.type)))

    # -- wires ------------------------------------------------------------------------------------------------------

    def _wires(self) -> tuple[list[Wire], list[Wire]]:
        partner = {a.id: b.id for a, b, _ in self.pairs}
        back = {b: a for a, b in partner.items()}
        removed: list[Wire] = []
        added: list[Wire] = []
        for op in self.before.ops:
            other = self.after.op_by_id[partner[op.id]] if op.id in partner else None
            self._compare(op, other, removed, added)
        for op in self.after.ops:
            if op.id not in back:
                added += [Wire(ref.value, op.id, slot.name) for slot in op.inputs for ref in slot.refs]
        left, right = ({p.name: p.value for p in g.outputs} for g in (self.before, self.after))
        for x, y in self._port_pairs(list(left), list(right)):
            if x is not None and y is not None and self.values.get(left[x]) == right[y]:
                continue
            removed += [Wire(left[x], x, "")] if x is not None else []
            added += [Wire(right[y], y, "")] if y is not None else []
        self._mark(removed, self.before, 0)
        self._mark(added, self.after, 1)
        return removed, added

    def _compare(self, a: Op, b: Op | None, removed: list[Wire], added: list[Wire]) -> None:
        """The wires into an op that its partner has not, and the other way round."""
        left = [(Wire(r.value, a.id, s.name), (self.values.get(r.value, ""), r.offset, r.at)) for s in a.inputs for r in s.refs]
        if b is None:
            removed += [wire for wire, _ in left]
            return
        right = [(Wire(r.value, b.id, s.name), (r.value, r.offset, r.at)) for s in b.inputs for r in s.refs]
        spare = Counter(key for _, key in right)
        spare.subtract(key for _, key in left)
        known = self.before.value_by_id
        for wire, key in left:
            stored = known[wire.value].kind not in ("computed", "input")
            if spare[key] < 0 and not (stored and key[0]):
                removed.append(wire)
            spare[key] += spare[key] < 0
        for wire, key in right:
            stored = self.after.value_by_id[wire.value].kind not in ("computed", "input")
            if spare[key] > 0 and not (stored and wire.value in self.taken):
                added.append(wire)
            spare[key] -= spare[key] > 0
        cell = self.cell_of[0][a.id]
        keys = [[key for _, key in side] for side in (left, right)]
        if a.kind.rstrip("_") in _COMMUTE and Counter(keys[0]) == Counter(keys[1]):
            return
        if keys[0] != keys[1] and Counter(keys[0]) == Counter(keys[1]):
            self.more.setdefault(cell, []).append(Change("order of inputs", *(_listed(w) for w in (left, right))))
        indices = [[key[1:] for key in side] for side in keys]
        pairs = [(x, y) for x, y in zip(*indices, strict=False) if x != y]
        if pairs:
            self.more.setdefault(cell, []).append(
                Change("reads at", *(", ".join(_index(*one) for one in some) for some in zip(*pairs, strict=True)))
            )

    def _mark(self, wires: list[Wire], graph: Graph, which: int) -> None:
        """Tell the innermost cell around both ends of a wire."""
        for wire in wires:
            maker = graph.producer.get(wire.value)
            reader = self.cell_of[which].get(wire.reader)
            if reader is None:
                continue
            above: set[Cell] = set()
            cell = self.cell_of[which][maker.id] if maker is not None else self.root
            while True:
                above.add(cell)
                if cell not in self.around:
                    break
                cell = self.around[cell]
            at = self.around[reader]
            while at not in above:
                at = self.around[at]
            self.rewired.add(at)

    # -- words ------------------------------------------------------------------------------------------------------

    def _item(self, cell: Cell) -> Item:
        a, b = (node.item if node is not None else None for node in (cell.before, cell.after))
        children = tuple(map(self._item, cell.children))
        rewired = cell in self.rewired
        like = cell.before.exact if cell.before is not None else -1, cell.after.exact if cell.after is not None else -1
        if a is None or b is None:
            other = (cell.moved.before or cell.moved.after) if cell.moved is not None else None
            moved = other.item.path if other is not None and isinstance(other.item, Scope) else ""
            return Item(a, b, "added" if a is None else "removed", (), False, moved, rewired, like, children)
        changes = list(self.more.get(cell, ()))
        if isinstance(a, Op) and isinstance(b, Op):
            changes = op_changes(self.before, a, self.after, b) + changes
        elif isinstance(a, Scope) and isinstance(b, Scope):
            changes = scope_changes(self.before, a, self.after, b) + changes
        types = [tuple(g.value_by_id[v].type for v in item.outputs) for g, item in ((self.before, a), (self.after, b))]
        state: State = "changed" if changes else "same"
        return Item(a, b, state, tuple(changes), types[0] != types[1], "", rewired, like, children)


def _listed(wires: Sequence[tuple[Wire, object]]) -> str:
    return ", ".join(wire.value for wire, _ in wires)


def _index(offset: tuple[tuple[str, int], ...], at: tuple[tuple[str, Affine], ...]) -> str:
    """An index as written: ``t−1``."""
    words = [f"{axis}{steps:+d}" if steps else axis for axis, steps in offset] + [str(one) for _, one in at]
    return (", ".join(words) or "here").replace("-", "−")
