"""What a figure of a residual network shows: the row of its parts, and inside a block the chain, the lane and what runs beside.

Parts are layers (with the norms and activations that follow them), stages of blocks that are alike but for the skip of the first,
and the ports. `Stage.shown` are the blocks of a stage that differ in how they skip, the first of each kind.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import Literal

from netfig.graph import Dim
from netfig.records import dataclass
from netfig.renderers.residual_find import Block, Dense, LongSkip, Single, find_trunk, signature
from netfig.renderers.residual_net import Net

LAYER_WEIGHT = 16
"""The chain of a branch is its longest way, a layer counting as so many other steps."""


@dataclass(slots=True)
class Part:
    """One box of the overview: what it stands for, and the value it hands on."""

    kind: Literal["layer", "stage", "dense", "sum", "region"]
    nodes: list[str]
    value: str
    entry: LongSkip | Dense | None = None
    blocks: list[Block] = field(default_factory=list)
    scope: str = ""
    source: str = ""  # the value that enters

    @property
    def shown(self) -> list[Block]:
        """The first block of each kind of skip, in order; ones without a skip only where no other is there."""
        found: dict[str, Block] = {}
        for block in self.blocks:
            found.setdefault(block.kind, block)
        return list(found.values())


@dataclass(slots=True)
class Plan:
    """The parts of a network from input to output. `aside` are nodes that lie on no way to the main output."""

    net: Net
    parts: list[Part]
    aside: list[str]

    @property
    def blocks(self) -> list[Block]:
        """All blocks, in order."""
        return [block for part in self.parts for block in part.blocks]

    @property
    def residual(self) -> list[Block]:
        """The blocks that have a skip."""
        return [block for block in self.blocks if block.join]

    @property
    def is_suited(self) -> bool:
        """Whether there is a residual or dense block, and a convolution in one."""
        opened = [n for b in self.residual for n in b.branch]
        opened += [n for part in self.parts if isinstance(part.entry, Dense) for n in part.nodes]
        return any(self.net.nodes[n].is_layer and self.net.settings(n).is_conv for n in opened)


def make_plan(net: Net) -> Plan:
    """The plan of a network; without blocks it has no use."""
    entries = find_trunk(net)
    parts: list[Part] = []
    waiting: list[Single] = []
    opened = {node for entry in entries if not isinstance(entry, (Single, LongSkip)) for node in entry.nodes}
    for entry in entries:
        if isinstance(entry, Single):
            waiting.append(entry)
            continue
        parts += _layers(net, waiting, opened)
        waiting = []
        if isinstance(entry, Block):
            last = parts[-1] if parts else None
            if last is not None and last.kind == "stage" and _alike(net, last.blocks[-1], entry):
                last.blocks.append(entry)
                last.nodes += entry.nodes
                last.value = net.made(entry.last)
            else:
                parts.append(Part("stage", list(entry.nodes), net.made(entry.last), blocks=[entry], source=entry.source))
        elif isinstance(entry, Dense):
            parts.append(Part("dense", entry.nodes, net.made(entry.join), entry, source=entry.base))
        else:
            parts.append(Part("sum", [*entry.skip, entry.node], net.made(entry.node), entry))
    parts += _layers(net, waiting, opened)
    for part in parts:
        part.scope = net.common_scope(part.nodes)
    used = {node for part in parts for node in part.nodes}
    return Plan(net, parts, [node for node in net.nodes if node not in used])


def _alike(net: Net, one: Block, other: Block) -> bool:
    """Whether two blocks that follow each other are of one stage: the same steps, and what leaves them is equally large."""
    first, second = (shape_of(net, net.made(block.last)) for block in (one, other))
    return first == second and signature(net, one) == signature(net, other)


def shape_of(net: Net, value: str) -> tuple[Dim, ...]:
    """The shape of a value."""
    return net.graph.value_by_id[value].type.shape or ()


def _layers(net: Net, singles: Iterable[Single], opened: set[str]) -> Iterator[Part]:
    """Nodes of the trunk as boxes: each layer or pool with the norms and activations around it that belong to it."""
    group: list[str] = []
    full = False  # the group has its layer
    for single in singles:
        node = net.nodes[single.node]
        if single.inner:
            if group:
                yield _part(net, group)
            group, full = [], False
            yield Part("region", [*single.inner, single.node], net.made(single.node))
            continue
        plain = node.role in ("norm", "activation")
        joins = bool(group) and (plain or (not full and node.is_layer and _same_home(net, group[-1], node.id, opened)))
        if group and not joins:
            yield _part(net, group)
            group, full = [], False
        group.append(node.id)
        full = full or not plain
    if group:
        yield _part(net, group)


def _same_home(net: Net, a: str, b: str, opened: set[str]) -> bool:
    """Whether two nodes stand in one module that is not the whole network and holds no block."""
    home = net.common_scope([a, b])
    return home != net.graph.root.id and not any(home in net.scopes_of(node) for node in opened)


def _part(net: Net, nodes: list[str]) -> Part:
    return Part("layer", list(nodes), net.made(nodes[-1]))


# --- inside a block -----------------------------------------------------------------------------------------------------------


@dataclass(slots=True)
class Inside:
    """A block as it is drawn: its `chain` from left to right, the `lane` of its skip, and what runs beside the chain."""

    chain: list[str]
    lane: list[str]
    beside: list[list[str]]


def inside(net: Net, block: Block) -> Inside:
    """The chain of a block is the longest way through its branch; what is left of the branch runs beside it."""
    main = _longest(net, block.branch, block.split)
    chain = [*block.lead, *main, *([block.join] if block.join else []), *block.tail]
    return Inside(chain, list(block.skip), list(_beside(net, block, main)))


def _longest(net: Net, branch: list[str], split: str) -> list[str]:
    """The longest way through a branch; into a product goes what is larger, for the other one is its gate."""
    inside_ = {*branch, split}
    length: dict[str, tuple[int, str]] = {split: (0, "")}
    for one in branch:
        before = [other for other in net.nodes[one].before if other in inside_]
        gated = net.nodes[one].kind == "mul"
        best = max(before, key=lambda other: (_elements(net, one, other) if gated else 0, length[other][0]), default="")
        length[one] = (length[best][0] + (LAYER_WEIGHT if net.nodes[one].is_layer else 1), best) if best else (1, "")
    found: list[str] = []
    one = branch[-1]  # every way of a branch ends in its last node
    while one and one != split:
        found.append(one)
        one = length[one][1]
    return found[::-1]


def _elements(net: Net, reader: str, maker: str) -> int:
    read = next(r for r in net.nodes[reader].reads if net.maker[r.value] == maker)
    return net.graph.value_by_id[read.seen].type.numel or 0


def _beside(net: Net, block: Block, main: list[str]) -> Iterator[list[str]]:
    """Chains of what is left, each as far as one node alone follows another."""
    left = [one for one in block.branch if one not in main]
    while left:
        run = [left.pop(0)]
        while True:
            after = [one for one in net.nodes[run[-1]].after if one in left]
            if len(after) != 1 or net.nodes[after[0]].before != [run[-1]] or net.nodes[run[-1]].after != after:
                break
            left.remove(after[0])
            run.append(after[0])
        yield run
