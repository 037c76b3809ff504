"""A graph while its repeats are being folded: its tree, its lists in order, and who reads what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator

    from netfig.graph.types import Axis, Graph, Note, Op, Scope, Value

Reader = tuple[str, str]
"""Who reads a value: ("op" | "scope" | "value" | "port", its id or name)."""


class Order:
    """A list whose members are found, taken out and put in at once: who follows whom, and a number that grows along it."""

    def __init__(self, keys: Iterable[Hashable]) -> None:
        self.next: dict[Any, Any] = {}
        self.before: dict[Any, Any] = {}
        self.rank: dict[Any, float] = {}
        self._last: Any = None
        self.next[None] = None
        for key in keys:
            self.append(key)

    def append(self, key: Any) -> None:
        """Put one at the end."""
        self.rank[key] = 1 + self.rank.get(self._last, 0.0)
        self.next[self._last], self.before[key], self.next[key] = key, self._last, None
        self._last = key

    def insert(self, key: Any, follower: Any) -> None:
        """Put one before another."""
        before = self.before[follower]
        self.rank[key] = (self.rank.get(before, 0.0) + self.rank[follower]) / 2
        self.next[before], self.before[key], self.next[key], self.before[follower] = key, before, follower, key

    def exchange(self, key: Any, other: Any) -> None:
        """Put another in the place of one."""
        if key == other:
            return
        self.insert(other, key)
        self.rank[other] = self.rank[key]
        self.remove(key)

    def remove(self, key: Any) -> None:
        """Take one out."""
        before, after = self.before.pop(key), self.next.pop(key)
        self.next[before] = after
        if after is None:
            self._last = before
        else:
            self.before[after] = before
        del self.rank[key]

    def __iter__(self) -> Iterator[Any]:
        key = self.next[None]
        while key is not None:
            yield key
            key = self.next[key]

    def sorted(self, keys: Iterable[Any]) -> list[Any]:
        """Some of its keys as they stand in it."""
        return sorted(keys, key=self.rank.__getitem__)


class Node:
    """A scope or op in the tree.

    `extras` are the values that a plate hands in and out; `exact` and `loose` say what it is like, `size` how many ops and
    `heavy` how many layers are in it, `stores` whether there are parameters in it (see `netfig.graph.repeats_tokens`).
    """

    __slots__ = ("children", "exact", "extras", "heavy", "id", "is_op", "loose", "parent", "size", "stores")

    def __init__(self, id: str, is_op: bool, parent: Node | None) -> None:
        self.id, self.is_op, self.parent = id, is_op, parent
        self.children: list[Node] = []
        self.extras: list[str] = []
        self.exact = self.loose = -1
        self.size = self.heavy = 0
        self.stores = False

    def inside(self) -> Iterator[Node]:
        """The node and all below it, in order."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            stack.extend(reversed(node.children))


class State:
    """See the module docstring."""

    def __init__(self, graph: Graph) -> None:
        self.values: dict[str, Value] = dict(graph.value_by_id)
        self.ops: dict[str, Op] = dict(graph.op_by_id)
        self.scopes: dict[str, Scope] = dict(graph.scope_by_id)
        self.axes: dict[str, Axis] = {axis.id: axis for axis in graph.axes}
        self.notes: dict[int, Note] = dict(enumerate(graph.notes))
        self.orders = {
            "values": Order(self.values),
            "ops": Order(self.ops),
            "scopes": Order(self.scopes),
            "axes": Order(self.axes),
            "notes": Order(self.notes),
        }
        self.notes_on: dict[str, list[int]] = {}
        for number, note in self.notes.items():
            self.notes_on.setdefault(note.subject, []).append(number)
        self.readers: dict[str, set[Reader]] = {}
        for op in graph.ops:
            self.read_by_op(op)
        for scope in graph.scopes:
            self.read_by_scope(scope)
        for value in graph.values:
            self.read_by_value(value)
        for port in (*graph.inputs, *graph.outputs):
            self.readers.setdefault(port.value, set()).add(("port", ""))
        self._last_note = len(graph.notes)
        self._tree(graph)

    def _tree(self, graph: Graph) -> None:
        self.root = Node(graph.root.id, False, None)
        self.nodes: dict[str, Node] = {self.root.id: self.root}
        children = graph.children
        stack = [self.root]
        while stack:
            node = stack.pop()
            for child in children[node.id]:
                made = Node(child.id, child.id in graph.op_by_id, node)
                self.nodes[child.id] = made
                node.children.append(made)
                if not made.is_op:
                    stack.append(made)

    # ---- who reads what --------------------------------------------------------------------------------------------------

    def read_by_op(self, op: Op) -> None:
        """Note what an op reads."""
        readers, who = self.readers, ("op", op.id)
        for slot in op.inputs:
            for ref in slot.refs:
                readers.setdefault(ref.value, set()).add(who)

    def read_by_scope(self, scope: Scope) -> None:
        """Note what a scope lists."""
        readers = self.readers
        for value in (*scope.inputs, *scope.outputs):
            readers.setdefault(value, set()).add(("scope", scope.id))
        for value in scope.owns:
            readers.setdefault(value, set()).add(("owner", scope.id))

    def read_by_value(self, value: Value) -> None:
        """Note what a value refers to."""
        named = [feed.value for feed in value.feeds]
        named += [one for _, _, one in (*value.initial, *value.final)]
        named += [value.grad_of] if value.grad_of is not None else []
        for one in named:
            self.readers.setdefault(one, set()).add(("value", value.id))

    def living(self, reader: Reader) -> bool:
        """Whether a reader noted once is still there."""
        word, id = reader
        if word == "port":
            return True
        return id in (self.ops if word == "op" else self.values if word == "value" else self.scopes)

    # ---- changes ---------------------------------------------------------------------------------------------------------

    def add_note(self, note: Note, instead: int | None = None) -> None:
        """Add a note: in the place of another, or at the end."""
        if instead is None:
            instead = self._last_note
            self._last_note += 1
            self.orders["notes"].append(instead)
        self.notes[instead] = note
        self.notes_on.setdefault(note.subject, []).append(instead)
