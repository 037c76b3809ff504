"""Finds residual blocks by wiring: a sum of which one operand is the block's input, or a projection of it.

Nothing here looks at the name of a class, but to see which blocks without a skip are of the same making as those with one. The
trunk of a network is what lies on every way from its input to its output; what lies between two such nodes is a residual block,
a dense block (concatenations that grow by one operand each), or a region of which nothing more is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import field
from itertools import pairwise

from netfig.records import dataclass
from netfig.renderers.residual_net import ENTRY, Net

LEAST_DENSE = 2
"""So many layers must add to a concatenation before it is a dense block: one alone is a long skip."""
LEAST_PLAIN = 3
"""So many steps must be as in a residual block before they are such a block without its skip."""


@dataclass(slots=True)
class Single:
    """One node of the trunk, or (`inner`) a region between two of them of which it is the end."""

    node: str
    inner: list[str] = field(default_factory=list)


@dataclass(slots=True)
class LongSkip:
    """A sum of the trunk with what the trunk was at `start`, around blocks; `skip` are the nodes on that way."""

    node: str
    start: str
    skip: list[str]


@dataclass(slots=True)
class Block:
    """A residual block. From `split` (a node, or `ENTRY`) go the `branch` and the `skip`; they meet in the sum `join`.

    `lead` comes before the split, `tail` after the sum. A block of the same making without a skip has only a `branch`.
    """

    split: str
    branch: list[str]
    skip: list[str]
    join: str = ""
    lead: list[str] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    source: str = ""  # the value that enters
    scope: str = ""
    owned: bool = False  # whether the scope is this block's alone

    @property
    def kind(self) -> str:
        """``identity``, ``projection`` or, without a skip, ``plain``."""
        return "plain" if not self.join else "projection" if self.skip else "identity"

    @property
    def nodes(self) -> list[str]:
        """All nodes, in the order of the figure."""
        return [*self.lead, *self.branch, *self.skip, *([self.join] if self.join else []), *self.tail]

    @property
    def last(self) -> str:
        """The node whose value leaves."""
        return (self.tail or ([self.join] if self.join else self.branch))[-1]


@dataclass(slots=True)
class DenseLayer:
    """One layer of a dense block: the concatenation it reads (if there is one), its nodes, what it adds."""

    reads: str
    nodes: list[str]
    value: str


@dataclass(slots=True)
class Dense:
    """A dense block: `base` is what enters, each layer adds to it, `join` is the last concatenation."""

    split: str
    base: str
    layers: list[DenseLayer]
    join: str
    inner: list[str]

    @property
    def nodes(self) -> list[str]:
        """All nodes, in the order they run."""
        return [*self.inner, self.join]

    @property
    def last(self) -> str:
        """The node whose value leaves."""
        return self.join


Entry = Single | LongSkip | Block | Dense


def find_trunk(net: Net) -> list[Entry]:
    """The trunk of a network from its input to its main output, with its blocks found."""
    if net.output == ENTRY:
        return []
    entries = _merged(_walk(net, ENTRY, net.output))
    _own_scopes(net, [e for e in entries if isinstance(e, Block)])
    entries = _with_ends(net, entries)
    return _with_plain(net, entries)


def signature(net: Net, block: Block) -> tuple[tuple[str, str], ...]:
    """What a block does but for sizes and its skip."""
    return tuple(net.words(node) for node in (*block.lead, *block.branch))


# --- the walk -----------------------------------------------------------------------------------------------------------------


def _walk(net: Net, start: str, end: str) -> list[Entry]:
    entries: list[Entry] = []
    before = start
    for id in net.chain(start, end):
        inner = net.between(before, id)
        node = net.nodes[id]
        block = _residual(net, before, id) if node.is_sum else None
        dense = _dense(net, before, id, inner) if node.is_concatenation else None
        if block is not None and _holds_blocks(net, block):
            entries += _walk(net, before, block.branch[-1])
            entries.append(LongSkip(id, before, block.skip))
        elif block is not None:
            entries.append(block)
        elif dense is not None:
            entries.append(dense)
        else:
            entries.append(Single(id, inner))
        before = id
    return entries


def _residual(net: Net, split: str, join: str) -> Block | None:
    """The block that ends in a sum, if one of its operands is the block's input or a projection of it."""
    node = net.nodes[join]
    ways = [net.leading(split, [net.maker[read.value]]) for read in node.reads]
    if set(ways[0]) & set(ways[1]):
        return None
    for skip, branch, read in ((ways[1], ways[0], node.reads[1]), (ways[0], ways[1], node.reads[0])):
        if not any(net.nodes[one].is_layer for one in branch):
            continue
        if not skip and any(r.value == read.value for one in branch for r in net.nodes[one].reads):
            return Block(split, branch, [], join, source=read.value)
        if skip and is_projection(net, skip) and not is_projection(net, branch):
            return Block(split, branch, skip, join, source=net.nodes[skip[0]].reads[0].value)
    return None


def is_projection(net: Net, nodes: Sequence[str]) -> bool:
    """Whether some nodes are one linear way: at most one layer, no activation, each reading the one before."""
    layers = sum(net.nodes[one].is_layer for one in nodes)
    chained = all(net.nodes[b].before == [a] for a, b in pairwise(nodes))
    return layers <= 1 and chained and not any(net.nodes[one].role == "activation" for one in nodes)


def _holds_blocks(net: Net, block: Block) -> bool:
    inside = set(block.branch)
    for one in block.branch:
        within = net.nodes[one].is_sum and net.above[one] in inside | {block.split}
        if within and _residual(net, net.above[one], one) is not None:
            return True
    return False


# --- dense blocks -------------------------------------------------------------------------------------------------------------


def parts(net: Net, cat: str) -> tuple[str, ...]:
    """The values a concatenation is of, through those it reads."""
    found: list[str] = []
    for read in net.nodes[cat].reads:
        maker = net.maker[read.value]
        if maker != ENTRY and net.nodes[maker].is_concatenation:
            found += parts(net, maker)
        else:
            found.append(read.value)
    return tuple(found)


def _dense(net: Net, split: str, join: str, inner: list[str]) -> Dense | None:
    """The dense layers that end in a concatenation: all of them, or one where each concatenation reads the one before."""
    listed = parts(net, join)
    first, last = (-1 if net.maker[one] == ENTRY else net.nodes[net.maker[one]].order for one in (listed[0], listed[-1]))
    if first > last:  # the newest stands first
        listed = listed[::-1]
    if split != ENTRY and net.nodes[split].is_concatenation and set(parts(net, split)) == set(listed[:-1]):
        known = len(listed) - 1
    elif net.maker[listed[0]] == split:
        known = 1
    else:
        return None
    layers: list[DenseLayer] = []
    for k in range(known, len(listed)):
        layer = _dense_layer(net, split, inner, listed, k)
        if layer is None:
            return None
        layers.append(layer)
    return Dense(split, listed[0], layers, join, inner) if layers else None


def _dense_layer(net: Net, split: str, inner: list[str], listed: Sequence[str], k: int) -> DenseLayer | None:
    so_far = set(listed[:k])
    maker = net.maker[listed[k]]
    if maker not in inner:
        return None
    reads, nodes = "", []
    stack = [maker]
    while stack:
        one = stack.pop()
        if one in (ENTRY, split) or one in nodes:
            continue
        if net.nodes[one].is_concatenation and set(parts(net, one)) == so_far:
            reads = one
            continue
        if one not in inner or net.nodes[one].is_concatenation:
            return None
        nodes.append(one)
        stack += net.nodes[one].before
    if not any(net.nodes[one].is_layer for one in nodes) or (
        k > 1 and not reads and split != reads and not _reads(net, nodes, split)
    ):
        return None
    return DenseLayer(reads or split, sorted(nodes, key=lambda one: net.nodes[one].order), listed[k])


def _reads(net: Net, nodes: Iterable[str], other: str) -> bool:
    return any(other in net.nodes[one].before for one in nodes)


def _merged(entries: list[Entry]) -> list[Entry]:
    """Dense layers one after another as one block; one alone is none."""
    found: list[Entry] = []
    for entry in entries:
        last = found[-1] if found else None
        if isinstance(entry, Dense) and isinstance(last, Dense) and entry.split == last.join and entry.base == last.base:
            last.layers += entry.layers
            last.inner = [*last.inner, last.join, *entry.inner]
            last.join = entry.join
        else:
            found.append(entry)
    return [Single(e.join, e.inner) if isinstance(e, Dense) and len(e.layers) < LEAST_DENSE else e for e in found]


# --- what comes before and after ----------------------------------------------------------------------------------------------


def _own_scopes(net: Net, blocks: list[Block]) -> None:
    """The scope of each block, and whether no other block is in it."""
    often: dict[str, int] = {}
    for block in blocks:
        block.scope = net.common_scope([block.join, *block.branch, *block.skip])
        for scope in net.scopes_of(block.join):
            often[scope] = often.get(scope, 0) + 1
    for block in blocks:
        kind = net.graph.scope_by_id[block.scope].kind
        block.owned = often[block.scope] == 1 and kind == "module"


def _widest(net: Net, nodes: list[str]) -> str:
    """The outermost scope in which there are these nodes and no others; the innermost around them if there is none."""
    around = net.common_scope(nodes)
    same = [s for s in net.scopes_of(nodes[0]) if {n for n in net.nodes if s in net.scopes_of(n)} == set(nodes)]
    return same[-1] if same else around


def _with_ends(net: Net, entries: list[Entry]) -> list[Entry]:
    """Each block with the nodes before its split and after its sum that are its own."""
    found: list[Entry] = []
    for k, entry in enumerate(entries):
        last = found[-1] if found else None
        if isinstance(entry, Single) and isinstance(last, Block) and _is_tail(net, last, entry):
            last.tail.append(entry.node)
            continue
        if isinstance(entry, Block):
            while found and _is_lead(net, entry, found, k):
                entry.lead.insert(0, found.pop().node)  # type: ignore[union-attr]
            if entry.lead:
                entry.source = net.nodes[entry.lead[0]].reads[0].value
        found.append(entry)
    return found


def _is_tail(net: Net, block: Block, entry: Single) -> bool:
    node = net.nodes[entry.node]
    if entry.inner or node.before != [block.last] or net.nodes[block.last].after != [entry.node] or node.is_layer:
        return False
    if block.owned:
        return block.scope in net.scopes_of(entry.node) and node.role in ("activation", "norm")
    return node.role == "activation" and not block.tail


def _is_lead(net: Net, block: Block, found: list[Entry], k: int) -> bool:
    entry = found[-1]
    if not isinstance(entry, Single) or entry.inner:
        return False
    if block.owned:
        return block.scope in net.scopes_of(entry.node)
    between = [e for e in found if isinstance(e, Block)]
    return bool(between) and net.nodes[entry.node].role in ("activation", "norm")


# --- blocks without a skip ----------------------------------------------------------------------------------------------------


def _with_plain(net: Net, entries: list[Entry]) -> list[Entry]:
    """Runs of the trunk that do what residual blocks do, or are of the same class, as blocks without a skip."""
    blocks = [e for e in entries if isinstance(e, Block)]
    types = {net.graph.scope_by_id[b.scope].type_name for b in blocks if b.owned}
    known = {sig for b in blocks if len(sig := signature(net, b)) >= LEAST_PLAIN}
    found: list[Entry] = []
    k = 0
    while k < len(entries):
        run = _same_class(net, entries, k, types) or _same_steps(net, entries, k, known)
        if run:
            nodes = [one for e in entries[k : k + run] if isinstance(e, Single) for one in (*e.inner, e.node)]
            plain = Block(net.above[nodes[0]], nodes, [], source=net.nodes[nodes[0]].reads[0].value)
            plain.scope = _widest(net, nodes)
            found.append(plain)
        else:
            found.append(entries[k])
        k += max(run, 1)
    return found


def _same_class(net: Net, entries: list[Entry], k: int, types: set[str]) -> int:
    entry = entries[k]
    if not isinstance(entry, Single):
        return 0
    scopes = net.graph.scope_by_id
    around = next(
        (s for s in reversed(net.scopes_of(entry.node)) if scopes[s].kind == "module" and scopes[s].type_name in types), ""
    )
    if not around:
        return 0
    run = 0
    while k + run < len(entries):
        one = entries[k + run]
        if not isinstance(one, Single) or around not in net.scopes_of(one.node):
            break
        run += 1
    nodes = {n for e in entries[k : k + run] if isinstance(e, Single) for n in (*e.inner, e.node)}
    own = {n for n in net.nodes if around in net.scopes_of(n)}
    return run if nodes == own and any(net.nodes[n].is_layer for n in nodes) else 0


def _same_steps(net: Net, entries: list[Entry], k: int, known: Iterable[tuple[tuple[str, str], ...]]) -> int:
    for steps in sorted(known, key=len, reverse=True):
        run = entries[k : k + len(steps)]
        singles = [e for e in run if isinstance(e, Single) and not e.inner]
        if len(singles) == len(steps) and all(net.words(e.node) == step for e, step in zip(singles, steps, strict=True)):
            return len(steps)
    return 0
