"""A view of a graph at some level of detail: which scopes and ops are boxes, and which values flow between them.

Every fact comes from the graph: a wire of the view is one or more values that an op inside the one box makes and an op inside the
other reads, possibly through helpers that are left out (and counted). Nothing is dropped without being counted.

What stands in a plate over members that are alike (see `netfig.graph.repeats`) is there once and counts as often as it repeats;
what runs along from member to member comes from where the first has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import field

from netfig.graph import Graph, Op, Scope
from netfig.graph.repeats_read import times
from netfig.records import dataclass


@dataclass(slots=True)
class Leaf:
    """A box to be: a closed scope, an op, a graph input (`port`), a stored value, or an output."""

    id: str
    item: Scope | Op | None
    panel: str
    order: float
    stands_for: list[str] = field(default_factory=list)
    weights: list[str] = field(default_factory=list)  # parameters read inside


@dataclass(slots=True)
class Edge:
    """Values on their way from one leaf to another, with the slot of the reader they enter.

    `read` are the values as the reader sees them: the last helper's outputs where helpers in between are left out.
    """

    source: str
    target: str
    values: list[str]
    slot: str = ""
    rank: int = 0
    read: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Detail:
    """What is opened and what is left out.

    `opened` says whether a scope is shown from inside; `hidden` whether an op is left out, its first input standing for its
    output; `stored` whether a parameter or buffer read by an op is a box of its own; `shown` whether a value that one op makes
    from nothing (zeros, noise, a mask) is a box for another that reads it.
    """

    opened: Callable[[Scope], bool]
    hidden: Callable[[Op], bool]
    stored: Callable[[Op], bool]
    shown: Callable[[Op, Op], bool]
    constants: bool = False  # show ops that depend on no input and no stored value


class View:
    """See the module docstring. `leaves` in execution order; `panels` are the opened scopes, outermost first."""

    def __init__(self, graph: Graph, detail: Detail) -> None:
        self.graph = graph
        self.leaves: dict[str, Leaf] = {}
        self.panels: list[Scope] = []
        self.edges: dict[tuple[str, str], Edge] = {}
        self.helper_count = 0
        self.constant_count = 0
        self.unused_count = 0
        self.unchanged: list[Scope] = []
        self._detail = detail
        self._home: dict[str, str] = {}  # scope id → id of the closed scope it is inside, or ""
        self._made: dict[str, str] = {}  # value → leaf
        self._stands: dict[str, tuple[str, ...]] = {}  # value → visible values it carries
        self._stored: dict[str, str] = {}  # value → the parameter or buffer it is a helper's copy of
        self._constant: dict[str, Op] = {}  # value → the op that made it from nothing
        self._often: dict[str, int] = {}  # scope → how many real ones it stands for
        self._op_names = _names_apart(graph)
        self._place_scopes()
        self._walk_ops()
        self._add_outputs()
        self._drop_unused()

    # -- building ---------------------------------------------------------------------------------------------------

    def _place_scopes(self) -> None:
        busy = {op.scope for op in self.graph.ops}
        for scope in reversed(self.graph.scopes):
            if scope.id in busy and scope.parent is not None:
                busy.add(scope.parent)
        by_id = self.graph.scope_by_id
        for scope in self.graph.scopes:
            outer = self._home[scope.parent] if scope.parent is not None else ""
            if outer:
                self._home[scope.id] = outer
            elif scope.parent is None or (self._detail.opened(scope) and scope.id in busy):
                self._home[scope.id] = ""
                self.panels.append(scope)
            else:
                self._home[scope.id] = scope.id
                if scope.id not in busy and scope.kind == "module" and by_id[scope.id].inputs:
                    self.unchanged.append(scope)

    def _walk_ops(self) -> None:
        graph = self.graph
        for index, port in enumerate(graph.inputs):
            if port.value not in self._made:
                leaf = Leaf(self._free(port.value), None, graph.root.id, index - 1e9, [port.value])
                self.leaves[leaf.id] = leaf
                self._made[port.value] = leaf.id
                self._stands[port.value] = (port.value,)
        depends = {v.id for v in graph.values if v.kind in ("input", "parameter", "buffer")}
        for position, op in enumerate(graph.ops):
            inner = self._home[op.scope]
            reads = [value for read in op.reads for value, _ in self.through(read)]
            alive = any(r in depends for r in reads)
            if alive or (not reads and self._detail.constants):
                depends.update(op.outputs)
            elif not inner and not self._detail.constants:
                self.constant_count += self.often(op)
                self._constant.update(dict.fromkeys(op.outputs, op))
                continue
            flowing = [r for r in reads if self._stands.get(r)]
            kinds = {self._stored.get(r, r): graph.value_by_id[self._stored.get(r, r)].kind for r in reads}
            stored = [k for k, kind in kinds.items() if kind in ("parameter", "buffer")]
            if not inner and self._detail.hidden(op) and len(flowing) + len(stored) >= 1 and not (flowing and stored):
                self.helper_count += self.often(op)
                for out in op.outputs:
                    if flowing:
                        self._stands[out] = self._stands[flowing[0]]
                    else:
                        self._stored[out] = stored[0]
                continue
            leaf = self._leaf_of(op, inner, position)
            self._wire_in(op, leaf, inner, kinds, position)
            for out in op.outputs:
                self._made[out] = leaf.id
                self._stands[out] = (out,)

    def _leaf_of(self, op: Op, inner: str, position: int) -> Leaf:
        name = inner or self._op_names.get(op.id, op.id)
        leaf = self.leaves.get(name)
        if leaf is None:
            item: Scope | Op = self.graph.scope_by_id[inner] if inner else op
            parent = item.parent if isinstance(item, Scope) else item.scope
            leaf = self.leaves[name] = Leaf(name, item, parent or self.graph.root.id, position, [item.id])
        return leaf

    def _wire_in(self, op: Op, leaf: Leaf, inner: str, kinds: Mapping[str, str], position: int) -> None:
        rank = 0
        for slot in op.inputs:
            for made, read in (pair for ref in slot.refs for pair in self.through(ref.value)):
                rank += 1
                value = self._stored.get(made, made)
                maker = self._constant.get(value)
                if maker is not None and (inner or len(kinds) == 1 or self._detail.shown(op, maker)):
                    self._constant_leaf(value, maker, leaf, position)
                if kinds[value] in ("parameter", "buffer"):
                    if inner or not self._detail.stored(op):
                        if kinds[value] == "parameter" and value not in leaf.weights:
                            leaf.weights.append(value)
                        continue
                    self._stored_leaf(value, kinds[value], leaf, position)
                for carried in self._stands.get(value, ()):
                    self._connect(self._made[carried], leaf.id, carried, slot.name, rank, read)

    def _stored_leaf(self, value: str, kind: str, reader: Leaf, position: int) -> None:
        """A chip for a weight, one for each reader, so that it stands beside the op that uses it."""
        name = self._free(f"{value}@{reader.id}")
        weights = [value] if kind == "parameter" else []
        self.leaves[name] = Leaf(name, None, reader.panel, position - 0.5, [value], weights)
        self._made[value] = name
        self._stands[value] = (value,)

    def _constant_leaf(self, value: str, op: Op, reader: Leaf, position: int) -> None:
        """A value made from nothing that is all a box reads (the first state of a recurrence) is drawn."""
        if isinstance(reader.item, Scope) and reader.item.kind != "module":
            return
        if isinstance(reader.item, Scope) and not any(
            value == made for one in reader.item.inputs for made, _ in self.through(one)
        ):
            return
        name = self._op_names.get(op.id, op.id)
        if name not in self.leaves:
            self.leaves[name] = Leaf(name, op, reader.panel, position - 0.5, [op.id])
            self.constant_count -= self.often(op)
        self._made[value] = name
        self._stands[value] = (value,)

    def _connect(self, source: str, target: str, value: str, slot: str, rank: int, read: str = "") -> None:
        if source == target:
            return
        edge = self.edges.setdefault((source, target), Edge(source, target, [], slot, rank))
        if value not in edge.values:
            edge.values.append(value)
            edge.read.append(read or value)

    def _add_outputs(self) -> None:
        groups: dict[str, list[str]] = {}
        for port in self.graph.outputs:
            groups.setdefault(self._port_group(port.name), []).append(port.value)
        self.output_groups = groups
        for index, (name, values) in enumerate(groups.items()):
            read = {made: seen for v in values for made, seen in self.through(v)}
            sources = [c for v in read for c in self._stands.get(v, ())]
            if not sources:
                continue
            leaf = Leaf(self._free(name), None, self.graph.root.id, 1e9 + index, list(dict.fromkeys(values)))
            self.leaves[leaf.id] = leaf
            for carried in dict.fromkeys(sources):
                if carried in self._made:
                    self._connect(self._made[carried], leaf.id, carried, "", 0, read.get(carried, ""))

    def _port_group(self, name: str) -> str:
        """Outputs of one field are one box when there are many: 24 cache tensors are not 24 boxes."""
        if len(self.graph.outputs) <= 6:
            return name
        return name.replace("[", ".").split(".")[0] if name.startswith("output[") else ".".join(name.split(".")[:2]).split("[")[0]

    def _drop_unused(self) -> None:
        """Ops that lead to no output (a mask nobody reads, a shape) are left out; modules with weights stay."""
        modules = {leaf.id for leaf in self.leaves.values() if isinstance(leaf.item, Scope) and leaf.item.kind == "module"}
        wanted = modules | {leaf.id for leaf in self.leaves.values() if self.is_output(leaf)}
        wanted |= {leaf.id for leaf in self.leaves.values() if self.is_input(leaf)}
        before: dict[str, list[str]] = {}
        for source, target in self.edges:
            before.setdefault(target, []).append(source)
        stack = list(wanted)
        while stack:
            for source in before.get(stack.pop(), ()):
                if source not in wanted:
                    wanted.add(source)
                    stack.append(source)
        if not self.graph.outputs or "failed" in self.graph.notes_on(""):
            return
        gone = [name for name in self.leaves if name not in wanted]
        ops = {op.id: op for op in self.graph.ops}
        inside: dict[str, list[Op]] = {}
        for op in self.graph.ops:
            inside.setdefault(self._home[op.scope], []).append(op)
        left_out = [op for name in gone for op in inside.get(name, [ops[i] for i in self.leaves[name].stands_for if i in ops])]
        self.unused_count = sum(self.often(op) for op in left_out)
        for name in gone:
            del self.leaves[name]
        self.edges = {k: e for k, e in self.edges.items() if k[0] in wanted and k[1] in wanted}

    def _free(self, name: str) -> str:
        taken = self._op_names.values()
        while name in self.leaves or name in self.graph.scope_by_id or name in self.graph.op_by_id or name in taken:
            name += "~"
        return name

    # -- asking -----------------------------------------------------------------------------------------------------

    def through(self, value: str) -> list[tuple[str, str]]:
        """What a value is where it is handed on: (value that is made or stored, the value as its reader sees it)."""
        feeds = self.graph.value_by_id[value].feeds
        if not feeds:
            return [(value, value)]
        if feeds[0].at:  # what one member makes, under its own id
            return [(made, value) for made, _ in self.through(feeds[0].value)]
        pairs = [pair for feed in feeds if not feed.offset for pair in self.through(feed.value)]
        return list(dict.fromkeys(pairs))

    def often(self, item: Op | Scope) -> int:
        """How many real ones a scope or op stands for."""
        scope = item.scope if isinstance(item, Op) else item.id
        if not self.graph.axes:
            return 1
        if scope not in self._often:
            self._often[scope] = times(self.graph, scope if isinstance(item, Scope) else item.id)
        return self._often[scope]

    def is_output(self, leaf: Leaf) -> bool:
        """Whether the leaf is an output of the graph."""
        return leaf.order >= 1e9

    def is_input(self, leaf: Leaf) -> bool:
        """Whether the leaf is an input of the graph."""
        return leaf.order < -1

    def into(self, leaf_id: str) -> list[Edge]:
        """Edges that end at a leaf, in slot order."""
        return sorted((e for e in self.edges.values() if e.target == leaf_id), key=lambda e: e.rank)

    def merge(self, kept: str, folded: str) -> None:
        """Fold one leaf into the one before it; its outgoing edges become the other's."""
        gone = self.leaves.pop(folded)
        self.leaves[kept].stands_for += gone.stands_for
        self.leaves[kept].weights += [w for w in gone.weights if w not in self.leaves[kept].weights]
        found: dict[tuple[str, str], Edge] = {}
        for (source, target), edge in self.edges.items():
            if target == folded:
                continue
            source = kept if source == folded else source
            edge.source = source
            if (source, target) in found:
                into = found[source, target]
                fresh = [k for k, v in enumerate(edge.values) if v not in into.values]
                into.values += [edge.values[k] for k in fresh]
                into.read += [edge.read[k] for k in fresh]
            else:
                found[source, target] = edge
        self.edges = found

    def redundant(self) -> set[tuple[str, str]]:
        """Edges that bypass a longer way between the same two leaves: the skip connections."""
        return redundant_edges(list(self.leaves), list(self.edges))


def _names_apart(graph: Graph) -> dict[str, str]:
    """Other names for ops that are called like a scope (a module `relu` beside a call of the function `relu`)."""
    found: dict[str, str] = {}
    for op in graph.ops:
        if op.id in graph.scope_by_id:
            name = op.id + "~"
            while name in graph.scope_by_id or name in graph.op_by_id:
                name += "~"
            found[op.id] = name
    return found


def redundant_edges(nodes: list[str], edges: list[tuple[str, str]]) -> set[tuple[str, str]]:
    """Edges of a DAG whose ends are also joined by a longer path.

    Only edges whose source has several targets and whose target has several sources can be; each is checked by a search that
    stays within the positions between its ends.
    """
    after: dict[str, list[str]] = {n: [] for n in nodes}
    into: dict[str, int] = dict.fromkeys(nodes, 0)
    for source, target in edges:
        after[source].append(target)
        into[target] += 1
    order = dict.fromkeys(_topological(nodes, after, dict(into)))
    order.update(dict.fromkeys(nodes))  # boxes that read each other in a ring have no order: as they are listed
    position = {n: i for i, n in enumerate(order)}
    found = set()
    for source, target in edges:
        if len(after[source]) < 2 or into[target] < 2:
            continue
        limit = position[target]
        seen: set[str] = set()
        stack = [n for n in after[source] if n != target]
        while stack:
            node = stack.pop()
            if node == target:
                found.add((source, target))
                break
            if node not in seen and position[node] < limit:
                seen.add(node)
                stack.extend(after[node])
    return found


def _topological(nodes: list[str], after: dict[str, list[str]], waiting: dict[str, int]) -> Iterator[str]:
    ready = [n for n in reversed(nodes) if waiting[n] == 0]
    while ready:
        node = ready.pop()
        yield node
        for target in after[node]:
            waiting[target] -= 1
            if waiting[target] == 0:
                ready.append(target)
