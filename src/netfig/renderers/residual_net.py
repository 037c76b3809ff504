"""A graph as layers and the values between them: what the search for residual blocks works on.

A node is a layer of ``torch.nn``, a call of a function, or an op. Ops that hand the same elements on (views, dropout in
evaluation, copies) are left out and counted; so is what depends on no input.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from netfig.graph import Graph, Op, Scope
from netfig.records import dataclass
from netfig.renderers.kinds import KINDS, RESHAPES, kind_of
from netfig.renderers.labels import MODULE_ROLES, module_role
from netfig.renderers.layerwords import Settings, layer_name

ENTRY = ""
"""The id that stands for the inputs among makers."""
STORED = ("parameter", "buffer")
_WHOLE = ("attention", "state")  # layers that are one thing although they hold others
_HANDED_ON = RESHAPES | {"flatten", "Flatten", "ravel", "squeeze", "unsqueeze", "contiguous", "Identity", "Dropout", "Dropout2d"}
_TURNS = ("permute", "transpose", "movedim", "swapaxes")
_LAYERS = ("layer", "state", "attention")


@dataclass(frozen=True, slots=True)
class Read:
    """A use of a value: as the reader sees it, and the value it is a copy of; the slot it enters."""

    slot: str
    seen: str
    value: str


@dataclass(slots=True)
class Node:
    """See the module docstring. `reads` are values that flow, `stored` the parameters and buffers it reads."""

    id: str
    item: Scope | Op
    ops: tuple[Op, ...]
    reads: list[Read]
    makes: tuple[str, ...]
    stored: tuple[str, ...]
    order: int
    role: str
    kind: str
    scope: str
    before: list[str] = field(default_factory=list)  # ids of the nodes it reads, in the order of its reads
    after: list[str] = field(default_factory=list)

    @property
    def is_layer(self) -> bool:
        """Whether it has weights that mix what flows: a convolution, a linear layer, attention."""
        return self.role in _LAYERS

    @property
    def is_sum(self) -> bool:
        """Whether it adds two values that flow."""
        return self.kind == "add" and len(self.reads) == 2

    @property
    def is_concatenation(self) -> bool:
        """Whether it puts channels beside each other."""
        return self.kind in ("cat", "concat")


class Net:
    """The nodes of a graph in the order they run, who reads whom, and which node is on every way to which (`above`)."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.nodes: dict[str, Node] = {}
        self.maker: dict[str, str] = {}
        self.helpers: list[str] = []
        self.constants: list[str] = []
        self._stands: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._turned: set[str] = set()  # values with their channels last
        self._depends = {v.id for v in graph.values if v.kind == "input"}
        for op in graph.ops:
            if any(v in self._depends for v in op.reads):
                self._depends.update(op.outputs)
        for value in graph.values:
            if value.kind == "input":
                self.maker[value.id] = ENTRY
        for item in self._items(graph.root):
            self._add(item)
        self.above = self._dominators()

    # -- building ---------------------------------------------------------------------------------------------------

    def _items(self, scope: Scope) -> Iterator[Scope | Op]:
        for child in self.graph.children[scope.id]:
            if isinstance(child, Op) or child.kind == "function" or self._is_closed(child):
                yield child
            else:
                yield from self._items(child)

    def _is_closed(self, scope: Scope) -> bool:
        if scope.kind != "module" or scope.type_name not in MODULE_ROLES:
            return False
        holds_modules = any(isinstance(c, Scope) and c.kind == "module" for c in self.graph.children[scope.id])
        return not holds_modules or MODULE_ROLES[scope.type_name] in _WHOLE

    def _ops(self, item: Scope | Op) -> Iterator[Op]:
        if isinstance(item, Op):
            yield item
            return
        for child in self.graph.children[item.id]:
            yield from self._ops(child)

    def _add(self, item: Scope | Op) -> None:
        ops = tuple(self._ops(item))
        inside = dict.fromkeys(v for op in ops for v in op.outputs)
        reads: list[Read] = []
        stored: list[str] = []
        for op in ops:
            for slot in op.inputs:
                for ref in slot.refs:
                    if ref.value in self._depends and ref.value not in inside:
                        reads.append(Read(slot.name, ref.value, self.stands(ref.value)))
                    elif self.graph.value_by_id[ref.value].kind in STORED:
                        stored.append(ref.value)
        if not reads:
            self.constants += [op.id for op in ops]
            return
        name = item.kind if isinstance(item, Op) else item.type_name
        kind = name.rstrip("_") if isinstance(item, Op) else name
        if self._hands_on(item, ops, reads, stored):
            self.helpers += [op.id for op in ops]
            self._stands.update(dict.fromkeys(inside, reads[0].value))
            turned = (reads[0].seen in self._turned) != (
                any(op.kind in _TURNS for op in ops) and self._rank(ops[-1].outputs[0]) > 3
            )
            self._turned.update(inside if turned else ())
            return
        parent = (item.scope if isinstance(item, Op) else item.parent) or self.graph.root.id
        stored = list(dict.fromkeys(stored))
        node = Node(
            item.id, item, ops, reads, tuple(inside), tuple(stored), len(self.nodes), self._role(item, kind), kind, parent
        )
        if len(reads) > 1 and len({r.value for r in reads}) == 1 and len(ops) > 1:
            node.reads = reads[:1]  # a function that reads its one argument several times
        makers = (self.maker[r.value] for r in node.reads if r.value in self.maker)
        for read in node.reads:
            self._seen.setdefault(read.value, read.seen)
        node.before = list(dict.fromkeys(makers))
        for one in node.before:
            if one != ENTRY:
                self.nodes[one].after.append(node.id)
        if reads[0].seen in self._turned and not kind.lower().startswith("conv"):
            self._turned.update(inside)
        self.nodes[node.id] = node
        self.maker.update(dict.fromkeys(inside, node.id))

    def _hands_on(self, item: Scope | Op, ops: Sequence[Op], reads: Sequence[Read], stored: Sequence[str]) -> bool:
        if stored or len({r.value for r in reads}) != 1:
            return False
        name = item.kind if isinstance(item, Op) else item.type_name
        if isinstance(item, Scope) and item.type_name in MODULE_ROLES:
            return name in _HANDED_ON or name.endswith("Dropout")
        return all(op.kind.rstrip("_") in _HANDED_ON or kind_of(self.graph, op).helper for op in ops)

    def _rank(self, value: str) -> int:
        return len(self.graph.value_by_id[value].type.shape or ())

    def _role(self, item: Scope | Op, kind: str) -> str:
        if kind == "mean":
            return "pool"
        if isinstance(item, Op):
            return kind_of(self.graph, item).role
        if item.kind == "module":
            return module_role(item)
        return KINDS[kind].role if kind in KINDS else "op.box"

    def seen(self, value: str) -> str:
        """A value with its channels first: where it has them last, as its first reader sees it who turns it back."""
        other = self._seen.get(value, value)
        return other if value in self._turned and other not in self._turned else value

    def made(self, node: str) -> str:
        """The value a node hands on."""
        one = self.nodes[node]
        if isinstance(one.item, Scope):
            return next((v for v in one.item.outputs if v in one.makes), one.makes[-1])
        return one.makes[0]

    def stands(self, value: str) -> str:
        """The value that a value is a copy of."""
        return self._stands.get(value, value)

    def _dominators(self) -> dict[str, str]:
        """For each node the nearest one that is on every way from the inputs to it, or `ENTRY`."""
        found: dict[str, str] = {}
        depth: dict[str, int] = {ENTRY: 0}

        def meet(a: str, b: str) -> str:
            while a != b:
                if depth[a] < depth[b]:
                    a, b = b, a
                a = found[a]
            return a

        for node in self.nodes.values():
            before = node.before or [ENTRY]
            above = before[0]
            for other in before[1:]:
                above = meet(above, other)
            found[node.id] = above
            depth[node.id] = depth[above] + 1
        return found

    # -- asking -----------------------------------------------------------------------------------------------------

    def chain(self, start: str, end: str) -> list[str]:
        """The nodes on every way from `start` (excluded) to `end` (included), in order."""
        found: list[str] = []
        while end not in (start, ENTRY):
            found.append(end)
            end = self.above[end]
        return found[::-1]

    def between(self, start: str, end: str) -> list[str]:
        """The nodes on some way from `start` to `end`, both excluded, in order."""
        return self.leading(start, self.nodes[end].before)

    def leading(self, start: str, ends: Iterable[str]) -> list[str]:
        """The nodes after `start` on some way to `ends` (included), in order."""
        found: set[str] = set()
        stack = [one for one in ends if one not in (start, ENTRY)]
        while stack:
            one = stack.pop()
            if one in found:
                continue
            found.add(one)
            stack += [b for b in self.nodes[one].before if b not in (start, ENTRY)]
        return sorted(found, key=lambda one: self.nodes[one].order)

    def scopes_of(self, node: str) -> list[str]:
        """The scopes a node stands in, the innermost first."""
        found: list[str] = []
        scope: str | None = self.nodes[node].scope
        while scope is not None:
            found.append(scope)
            scope = self.graph.scope_by_id[scope].parent
        return found

    def common_scope(self, nodes: Iterable[str]) -> str:
        """The innermost scope around all of some nodes."""
        chains = [self.scopes_of(node) for node in nodes]
        return next(scope for scope in chains[0] if all(scope in other for other in chains))

    def settings(self, node: str) -> Settings:
        """The settings of a node's layer."""
        one = self.nodes[node]
        return Settings(self.graph, one.item, one.ops)

    def words(self, node: str) -> tuple[str, str]:
        """What a node does, whatever its sizes: two nodes with the same words are the same step of a block."""
        one = self.nodes[node]
        if one.is_layer or one.role == "pool":
            return one.role, layer_name(self.graph, one.item, one.ops).name
        return one.role, one.kind.lower()

    @property
    def output(self) -> str:
        """The node that makes the main output: the first that some node makes; `ENTRY` when there is none."""
        for port in self.graph.outputs:
            maker = self.maker.get(self.stands(port.value), ENTRY)
            if maker != ENTRY:
                return maker
        return ENTRY
