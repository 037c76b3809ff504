"""What a cell is made of, for its layout: boxes by where they belong, the wires between them, and the highway."""

from __future__ import annotations

from dataclasses import field

from netfig.figure import Figure, Group
from netfig.records import dataclass

MERGE = "op.merge"
"""Role of a box where several values become one bus: it stands at the foot of the gates."""


@dataclass(frozen=True, slots=True)
class Edge:
    """A wire of the figure between two boxes."""

    source: str
    target: str
    wire: int


@dataclass(slots=True)
class Net:
    """The boxes of a cell by where they belong, and the wires between them."""

    inner: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)  # states that come in
    below: list[str] = field(default_factory=list)  # inputs
    right: list[str] = field(default_factory=list)  # states (and outputs) that go out
    above: list[str] = field(default_factory=list)  # outputs
    buses: set[str] = field(default_factory=set)  # inner boxes where several values become one
    feet: set[str] = field(default_factory=set)  # inner boxes between inputs and a bus: embeddings
    main: list[str] = field(default_factory=list)  # the highway's boxes, in order
    main_ends: tuple[str, str] = ("", "")  # the states it begins and ends at
    edges: list[Edge] = field(default_factory=list)
    into: dict[str, list[Edge]] = field(default_factory=dict)
    out: dict[str, list[Edge]] = field(default_factory=dict)

    def sources(self, box: str) -> list[str]:
        """What a box reads, in the order of its wires."""
        return list(dict.fromkeys(e.source for e in self.into.get(box, ())))

    def readers(self, box: str) -> list[str]:
        """Who reads a box."""
        return list(dict.fromkeys(e.target for e in self.out.get(box, ())))


def net_of(figure: Figure) -> Net:
    """The net of a figure whose root has the arrangement ``cell``: what is in a panel is inner, the rest are its terminals."""
    net = Net()
    for i, wire in enumerate(figure.wires):
        edge = Edge(wire.source.box, wire.target.box, i)
        net.edges.append(edge)
        net.into.setdefault(edge.target, []).append(edge)
        net.out.setdefault(edge.source, []).append(edge)
    terminals = [child.id for child in figure.root.children if not isinstance(child, Group)]
    net.inner = [id for id in figure.boxes if id not in set(terminals)]
    lows = {t for t in terminals if not net.into.get(t)}
    order = topological(net)
    given: set[str] = set()  # made of what comes in alone
    for id in order:
        if id in net.inner and figure.boxes[id].role != MERGE and all(s in lows or s in given for s in net.sources(id)):
            given.add(id)
    merges = {id for id in net.inner if figure.boxes[id].role == MERGE and all(s in lows or s in given for s in net.sources(id))}
    net.buses = {id for id in merges if len(net.readers(id)) > 1}
    state_wires = {e.source: e.target for e in net.edges if figure.wires[e.wire].role.split(".")[0] == "state"}
    starts = [t for t in terminals if t in state_wires and not net.into.get(t)]
    if starts:
        at = starts[0]
        while at in state_wires and state_wires[at] not in net.main and state_wires[at] in net.inner:
            at = state_wires[at]
            net.main.append(at)
        net.main_ends = starts[0], state_wires.get(at, "")
    net.buses -= set(net.main)
    for id in reversed(order):
        if id in given and id not in net.main and any(r in net.buses or r in net.feet for r in net.readers(id)):
            net.feet.add(id)
    outputs = {t for t in terminals if net.into.get(t) and figure.boxes[t].role.startswith("output")}
    while (up := upper_of(net, outputs)) and not outputs <= up:
        outputs &= up
    for id in terminals:
        role = figure.boxes[id].role
        if net.into.get(id):
            (net.above if id in up else net.right).append(id)
        else:
            (net.left if role.startswith("state") else net.below).append(id)
    return net


def upper_of(net: Net, outputs: set[str]) -> set[str]:
    """The outputs, and inner boxes that lead to nothing else, that the highway alone makes."""
    order = topological(net)
    leads = set(outputs)
    for id in reversed(order):
        readers = net.readers(id)
        if id in net.inner and id not in net.main and readers and all(r in leads for r in readers):
            leads.add(id)
    found: set[str] = set()
    for id in order:
        if id in leads and all(s in found or s in net.main for s in net.sources(id)):
            found.add(id)
    return found


def topological(net: Net) -> list[str]:
    """All boxes, what is read before what reads it (a figure's cycle, were there one, ends in the order of the wires)."""
    boxes = list(dict.fromkeys([*net.inner, *(b for e in net.edges for b in (e.source, e.target))]))
    waiting = {b: len(net.sources(b)) for b in boxes}
    order = [b for b in boxes if not waiting[b]]
    seen = set(order)
    for box in order:
        for reader in net.readers(box):
            waiting[reader] -= 1
            if not waiting[reader] and reader not in seen:
                seen.add(reader)
                order.append(reader)
    return [*order, *(b for b in boxes if b not in seen)]
