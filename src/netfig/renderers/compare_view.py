"""Two graphs seen at one level of detail: the boxes and wires of both, told apart by which graph they are in.

Each graph has a `View` of its own; a scope is opened in both or in neither. What stands for the same scope, op or value in both
views is one box. Nothing here knows how a box looks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from typing import TYPE_CHECKING

from netfig.graph import Op, Scope
from netfig.graph.align import State
from netfig.records import dataclass
from netfig.renderers.boxwords import flattens
from netfig.renderers.kinds import PARAMETRIC, RESHAPES, kind_of
from netfig.renderers.labels import MODULE_ROLES
from netfig.renderers.view import Detail, Edge, Leaf, View

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.graph.align import Alignment, Item

Key = tuple[int, bool, str]
"""Which graph (0 the earlier), whether it is an op, its id."""


@dataclass(slots=True, eq=False)
class Pair:
    """A box to be, of both graphs or of one. `items` are what of the alignment it stands for, `times` how many like it."""

    id: str
    before: Leaf | None
    after: Leaf | None
    panel: Item
    order: float
    state: State = "same"
    item: Item | None = None
    times: int = 1
    last: Item | None = None  # of a row of alike ones
    elided: list[Pair] = field(default_factory=list)  # same ones it stands for besides itself
    folded: list[Pair] = field(default_factory=list)  # activations drawn with it

    @property
    def leaf(self) -> Leaf:
        """The leaf, as it is afterwards where it is still there."""
        found = self.after or self.before
        assert found is not None
        return found


@dataclass(slots=True, eq=False)
class Link:
    """Values from one box to another: the edge of each graph that has it."""

    before: Edge | None = None
    after: Edge | None = None

    @property
    def state(self) -> State:
        """In both, or in which."""
        return "same" if self.before and self.after else "removed" if self.before else "added"


class CompareView:
    """See the module docstring. `pairs` in reading order; `opened` are the items shown from inside."""

    def __init__(self, alignment: Alignment, depth: int) -> None:
        self.alignment = alignment
        self.graphs: tuple[Graph, Graph] = alignment.before, alignment.after
        self.items: dict[Key, Item] = {}
        self.order: dict[Item, int] = {}
        self.parent: dict[Item, Item] = {}
        self.size: dict[Item, int] = {}
        for k, item in enumerate(alignment.root.walk()):
            self.order[item] = k
            for which, one in enumerate((item.before, item.after)):
                if one is not None:
                    self.items[which, isinstance(one, Op), one.id] = item
            for child in item.children:
                self.parent[child] = item
        self.differs = differing(alignment.root)
        self.opened = self._opened(depth)
        self.views = View(self.graphs[0], self._detail(0)), View(self.graphs[1], self._detail(1))
        self.pairs: dict[str, Pair] = {}
        self.links: dict[tuple[str, str], Link] = {}
        self._of: tuple[dict[str, str], dict[str, str]] = {}, {}  # by leaf id: the pair
        self._join_leaves()
        self._join_edges()

    # -- level of detail --------------------------------------------------------------------------------------------

    def _opened(self, depth: int) -> set[Item]:
        found: set[Item] = set()
        stack = [(self.alignment.root, 0)]
        while stack:
            item, level = stack.pop()
            one = item.item
            if isinstance(one, Op) or one.kind == "function":
                continue
            if one.parent is not None and one.kind in ("module", "block") and not self._opens(item, one, level, depth):
                continue
            found.add(item)
            stack += [(child, level + (one.kind != "plate")) for child in item.children]
        return found

    def _opens(self, item: Item, scope: Scope, level: int, depth: int) -> bool:
        library = scope.type_name in MODULE_ROLES and not _wraps(item)
        opaque = any("opaque" in g.notes_on(s.id) for g, s in zip(self.graphs, (item.before, item.after), strict=True) if s)
        if library or opaque or level >= depth:
            return False
        return item in self.differs and (item.state in ("same", "changed") or _wraps(item))

    def _detail(self, which: int) -> Detail:
        def opened(scope: Scope) -> bool:
            return self.items[which, False, scope.id] in self.opened

        def hidden(op: Op) -> bool:
            item = self.items[which, True, op.id]
            both = zip(self.graphs, (item.before, item.after), strict=True)
            return all(_hides(graph, one) for graph, one in both if isinstance(one, Op))

        graph = self.graphs[which]

        def stored(op: Op) -> bool:
            return op.kind not in PARAMETRIC

        def shown(op: Op, maker: Op) -> bool:
            return kind_of(graph, op).role == "op" or "rand" in maker.kind

        return Detail(opened, hidden, stored, shown)

    # -- leaves -----------------------------------------------------------------------------------------------------

    def _join_leaves(self) -> None:
        left, right = self.views
        partner = self._partners()
        back = {b: a for a, b in partner.items()}
        for leaf in right.leaves.values():
            self._add(left.leaves[back[leaf.id]] if leaf.id in back else None, leaf)
        for leaf in left.leaves.values():
            if leaf.id not in partner:
                self._add(leaf, None)
        self.pairs = {p.id: p for p in sorted(self.pairs.values(), key=lambda pair: pair.order)}

    def _partners(self) -> dict[str, str]:
        """Leaves of the earlier graph by those of the later that are the same thing."""
        left, right = self.views
        by_item = {self.item_of(1, leaf): leaf.id for leaf in right.leaves.values() if leaf.item is not None}
        by_value = {self._stored(1, leaf): leaf.id for leaf in right.leaves.values() if leaf.item is None}
        found = self._output_partners()
        by_ops = {self._ops(1, leaf): leaf.id for leaf in right.leaves.values() if isinstance(leaf.item, Op | Scope)}
        for leaf in left.leaves.values():
            if leaf.id in found:
                continue
            if leaf.item is None:
                other = by_value.get(self._stored(0, leaf))
            else:
                ops = self._ops(0, leaf)
                other = by_item.get(self.item_of(0, leaf)) or (by_ops.get(ops) if ops else None)
            if other is not None and other not in found.values():
                found[leaf.id] = other
        return found

    def _output_partners(self) -> dict[str, str]:
        """Outputs of one name are partners, the others in their order."""
        outputs = [{leaf.id.rstrip("~"): leaf.id for leaf in view.leaves.values() if view.is_output(leaf)} for view in self.views]
        found = {outputs[0][name]: outputs[1][name] for name in outputs[0] if name in outputs[1]}
        rest = [[id for name, id in one.items() if name not in other] for one, other in (outputs, outputs[::-1])]
        return found | dict(zip(*rest, strict=False))

    def _stored(self, which: int, leaf: Leaf) -> tuple[str, float]:
        """By what an input or a stored value is known: its value in the later graph, and who reads it there."""
        value = leaf.stands_for[0]
        known = value if which else self.alignment.values.get(value, "")
        return known, -1.0 if self.views[which].is_input(leaf) else self._place(which, leaf)

    def _ops(self, which: int, leaf: Leaf) -> frozenset[int]:
        """The ops of the alignment that a leaf stands for."""
        item = self.item_of(which, leaf)
        inside = item.walk() if item is not None else ()
        return frozenset(self.order[i] for i in inside if i.is_op and (i.before, i.after)[which] is not None)

    def item_of(self, which: int, leaf: Leaf) -> Item | None:
        """What of the alignment a leaf is."""
        return None if leaf.item is None else self.items[which, isinstance(leaf.item, Op), leaf.item.id]

    def _add(self, before: Leaf | None, after: Leaf | None) -> None:
        leaf, which = (after, 1) if after is not None else (before, 0)
        assert leaf is not None
        name = leaf.id
        while name in self.pairs:
            name += "~"
        item = self.item_of(which, leaf)
        panel = self.parent[item] if item is not None else self.items[which, False, leaf.panel]
        while panel not in self.opened:
            panel = self.parent[panel]
        if item is not None:
            order = float(self.order[item])
        else:
            order = leaf.order if abs(leaf.order) >= 1e8 else self._place(which, leaf)
        pair = self.pairs[name] = Pair(name, before, after, panel, order, item=item)
        for found, one in zip(self._of, (before, after), strict=True):
            if one is not None:
                found[one.id] = name
        pair.state = self._state(pair)

    def _place(self, which: int, leaf: Leaf) -> float:
        """A stored value stands before the op that reads it."""
        view = self.views[which]
        readers = [view.leaves[e.target] for e in view.edges.values() if e.source == leaf.id]
        items = [item for reader in readers if (item := self.item_of(which, reader)) is not None]
        return min((self.order[item] for item in items), default=0) - 0.5

    def _state(self, pair: Pair) -> State:
        item = pair.item
        if pair.before is not None and pair.after is not None:
            if item is None:
                return self._port_state(pair)
            ops = [i for i in item.walk() if i.before is not None and i.after is not None]
            return "changed" if item in self.differs and any(i.state != "same" or i.rewired for i in ops) else "same"
        if item is not None and item.state in ("same", "changed"):
            return item.state
        return "removed" if pair.after is None else "added"

    def _port_state(self, pair: Pair) -> State:
        """An input or weight is changed when its size or name is, an output when its name is: its size follows."""
        names: set[str] = set()
        types = set()
        for view, graph, leaf in zip(self.views, self.graphs, (pair.before, pair.after), strict=True):
            if leaf is None:
                continue
            value = graph.value_by_id[leaf.stands_for[0]]
            port = view.is_input(leaf) or view.is_output(leaf)
            names.add(leaf.id.rstrip("~") if port else (value.names or (value.id,))[0].rpartition(".")[2])
            if not view.is_output(leaf):
                types.add(value.type)
        return "changed" if len(names) > 1 or len(types) > 1 else "same"

    # -- edges ------------------------------------------------------------------------------------------------------

    def _join_edges(self) -> None:
        for which, view in enumerate(self.views):
            for (source, target), edge in view.edges.items():
                ends = self._of[which][source], self._of[which][target]
                link = self.links.setdefault(ends, Link())
                if which:
                    link.after = edge
                else:
                    link.before = edge

    def contract(self, into: Callable[[str], str], dropped: Callable[[str, str], bool] = lambda a, b: False) -> None:
        """Let pairs stand for others: `into` says for each which one is left; links between two that are `dropped` go."""
        found: dict[tuple[str, str], Link] = {}
        for (source, target), link in self.links.items():
            ends = into(source), into(target)
            if ends[0] == ends[1] or dropped(source, target):
                continue
            kept = found.setdefault(ends, link)
            kept.before, kept.after = kept.before or link.before, kept.after or link.after
        self.links = found
        self.pairs = {name: pair for name, pair in self.pairs.items() if into(name) == name}


def _wraps(item: Item) -> bool:
    """Whether something that has no partner holds something that has."""
    return item.state in ("added", "removed") and any(i.before is not None and i.after is not None for i in item.walk())


def _hides(graph: Graph, op: Op) -> bool:
    if kind_of(graph, op).helper:
        return True
    if op.kind == "getitem":
        values = graph.value_by_id
        reads = [values[r] for r in op.reads]
        stored = any(v.kind in ("parameter", "buffer") for v in reads)
        return stored or not reads or not op.outputs or values[op.outputs[0]].type.numel == reads[0].type.numel
    return op.kind.rstrip("_") in RESHAPES and not flattens(graph, op)


def differing(root: Item) -> set[Item]:
    """The items in which something differs, or that differ themselves; other sizes alone are no difference."""
    found: set[Item] = set()
    for item in reversed(list(root.walk())):
        if item.state != "same" or item.rewired or any(child in found for child in item.children):
            found.add(item)
    return found
