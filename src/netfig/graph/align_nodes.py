"""The scopes and ops of two graphs as trees of nodes, with numbers that say which of them are alike."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from netfig.graph.types import Op

if TYPE_CHECKING:
    from netfig.graph.types import Attribute, Graph, Scope

COUNTING: Final = frozenset(("layer_idx", "layer_index", "layer_id", "layer_number", "block_idx", "target"))
"""Settings that only say which one in a row a module is, or by which name an op was called."""


class Node:
    """A scope or op of one graph. `exact` is equal where everything but names is equal, `loose` where the word is the same;
    `size` counts the ops in it, itself included; an op that reads what is stored `stores`."""

    __slots__ = ("_bag", "children", "exact", "item", "loose", "name", "parent", "size", "stores")

    def __init__(self, item: Scope | Op, parent: Node | None) -> None:
        self.item, self.parent = item, parent
        self.children: list[Node] = []
        self.name = _local_name(item, parent)
        self.exact = self.loose = self.size = 0
        self.stores = False
        self._bag: Counter[int] | None = None

    @property
    def id(self) -> str:
        """The id of the scope or op; a scope and an op may have the same."""
        return self.item.id

    @property
    def is_op(self) -> bool:
        """Whether it is an op."""
        return isinstance(self.item, Op)

    @property
    def word(self) -> str:
        """What it is: the kind of an op, the class of a module."""
        return self.item.kind if isinstance(self.item, Op) else self.item.type_name

    @property
    def bag(self) -> Counter[int]:
        """How often each loose number of an op stands in it."""
        if self._bag is None:
            self._bag = Counter([self.loose] if self.is_op else ())
            for child in self.children:
                self._bag.update(child.bag)
        return self._bag

    def similarity(self, other: Node) -> float:
        """From 0 (no op in common) to 1 (the same ops, whatever their sizes)."""
        if self.exact == other.exact:
            return 1.0
        shared = sum((self.bag & other.bag).values())
        return 2.0 * shared / max(1, self.size + other.size)


def _local_name(item: Scope | Op, parent: Node | None) -> str:
    """The attribute a module is known by in the one around it, the equation an op comes from; others have no name."""
    if isinstance(item, Op):
        equation = item.id.rpartition("/")[0]
        return equation if equation != item.scope else ""
    if item.kind not in ("module", "block"):
        return ""
    around = parent
    while around is not None and not (not isinstance(around.item, Op) and around.item.path):
        around = around.parent
    outer = around.item.path + "." if around is not None and not isinstance(around.item, Op) else ""
    path = item.path or item.id
    return path.removeprefix(outer) + (f"@{item.call}" if item.call else "")


def trees(*graphs: Graph) -> list[Node]:
    """The roots of the trees of graphs, numbered alike."""
    known: dict[Any, int] = {}
    return [_tree(graph, known) for graph in graphs]


def _tree(graph: Graph, known: dict[Any, int]) -> Node:
    root = Node(graph.root, None)
    order, stack = [root], [root]
    while stack:
        node = stack.pop()
        if isinstance(node.item, Op):
            continue
        node.children = [Node(child, node) for child in graph.children[node.id]]
        order += node.children
        stack += node.children
    values = graph.value_by_id

    def number(key: Any) -> int:
        return known.setdefault(key, len(known))

    for node in reversed(_parents_first(root)):
        item = node.item
        if isinstance(item, Op):
            reads = tuple((slot.name, tuple((values[r.value].type, r.offset, r.at) for r in slot.refs)) for slot in item.inputs)
            makes = tuple(values[out].type for out in item.outputs)
            node.exact = number(("op", item.kind, tuple(settings(item).items()), item.phase, item.writes, reads, makes))
            node.loose = number(("op", item.kind, len(list(item.reads))))
            node.size, node.stores = 1, any(values[read].kind not in ("computed", "input") for read in item.reads)
        else:
            prefix = item.path + "." if item.path else ""
            owned = tuple((own_name(graph, v, prefix), values[v].type) for v in item.owns)
            inside = tuple(child.exact for child in node.children)
            node.exact = number(("scope", item.kind, item.type_name, tuple(settings(item).items()), owned, inside))
            node.loose = number(("scope", item.kind, item.type_name))
            node.size = sum(child.size for child in node.children)
    return root


def settings(item: Scope | Op) -> dict[str, Attribute]:
    """The attributes that say what an item does."""
    return {key: value for key, value in item.attributes if key not in COUNTING}


def _parents_first(root: Node) -> list[Node]:
    found = [root]
    for node in found:
        found += node.children
    return found


def own_name(graph: Graph, value: str, prefix: str) -> str:
    """The name of a stored value as its module says it: ``weight``."""
    names = graph.value_by_id[value].names or (value,)
    return next((n for n in names if n.startswith(prefix)), names[0]).removeprefix(prefix)
