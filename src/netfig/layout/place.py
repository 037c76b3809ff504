"""Where everything stands: groups are put together from the inside out, then settled from the outside in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from netfig.figure import Box, Figure, Group
from netfig.layout.blocks import JOIN, Block, Frame, Lane, Rect, Trunk, trunk_of
from netfig.layout.measure import Measurer
from netfig.layout.parts import SizedBox
from netfig.layout.structure import ENTRY, EXIT, GroupWires, Part, besides, decompose, forced
from netfig.records import dataclass
from netfig.theme import Theme

Way = list[tuple[Block, int]]
"""From a leaf outwards: the blocks it stands in, and in which of their parts."""


@dataclass(slots=True)
class Step:
    """A place on a wire's way: a lane it takes, or a gap it may turn in (`fork` … `join` along u)."""

    u: float
    lane: Lane | None = None
    fork: float = 0.0
    join: float = 0.0
    prefer: str = ""  # "fork" or "join": where it should turn


@dataclass(slots=True)
class Placement:
    """Everything with its place in the plane of the flow."""

    boxes: dict[str, Rect] = field(default_factory=dict)  # outlines
    footprints: dict[str, Rect] = field(default_factory=dict)  # with copies and badges
    panels: dict[str, Rect] = field(default_factory=dict)
    steps: dict[int, list[Step]] = field(default_factory=dict)  # by wire
    lane_at: dict[int, float] = field(default_factory=dict)  # v of each lane, by its identity
    back: set[int] = field(default_factory=set)  # wires against the flow
    beside: dict[int, int] = field(default_factory=dict)  # wires from a box that stands beside its reader → the flank they enter
    turn_after: dict[int, float] = field(default_factory=dict)  # by wire, where several values leave a panel side by side
    direction: str = "right"
    length: float = 0.0
    breadth: float = 0.0


class Placer:
    """Places one figure in one direction."""

    def __init__(
        self,
        figure: Figure,
        theme: Theme,
        frame: Frame,
        sized: dict[str, SizedBox],
        lifted: Mapping[str, GroupWires],
        engine: str,
    ) -> None:
        self.figure, self.frame, self.lifted = figure, frame, lifted
        self.measurer = Measurer(figure, theme, frame, sized, lifted, engine)
        self.boundaries: list[tuple[int, Block, int]] = []  # wire, series, part it leaves
        self.lanes: list[tuple[Block, Lane]] = []

    def run(self) -> Placement:
        """Sizes and settles all blocks."""
        root = self._group(self.figure.root, drawn=self.figure.root.role != "plain")
        root.settle(0.0, root.before)
        out = Placement(direction=self.frame.direction, length=root.length, breadth=root.breadth)
        self._collect(root, out)
        for group in self.lifted.values():
            for edge in sorted(group.back):
                out.back.update(group.edges[edge])
        for reader, others in self.measurer.besides.items():
            edges = self.lifted[self.figure.parent_of[reader]].edges
            for other, side in others.items():
                out.beside.update(dict.fromkeys(edges[other, reader], side))
        self._leave_apart(out)
        for wire, series, p in self.boundaries:
            end = series.parts[p].u + series.parts[p].length
            fork, join = end + series.forks[p], series.parts[p + 1].u - series.joins[p]
            first, second = series.parts[p].kind, series.parts[p + 1].kind
            prefer = "fork" if second in ("parallel", "knot") else "join" if first in ("parallel", "knot") else ""
            out.steps.setdefault(wire, []).append(Step(fork, None, fork, join, prefer))
        for series, lane in self.lanes:
            out.lane_at[id(lane)] = series.v + lane.offset
            around, p = (series, lane.p) if lane.p >= 0 else lane.gap or (series, -1)
            if p >= 0:
                lane.fork = around.parts[p].u + around.parts[p].length + around.forks[p]
            else:
                lane.fork = series.u - JOIN
            for wire in lane.wires:
                out.steps.setdefault(wire, []).append(Step(lane.fork, lane))
        for steps in out.steps.values():
            steps.sort(key=lambda s: s.u)
        return out

    def _leave_apart(self, out: Placement) -> None:
        """Values that leave a group side by side turn towards one another only outside it."""
        leaving: dict[tuple[int, int], tuple[float, dict[int, Trunk]]] = {}
        for wire, series, p in self.boundaries:
            if series.parts[p + 1].id == EXIT:
                wires = leaving.setdefault((id(series), p + 1), (series.parts[p + 1].u, {}))[1]
                wires[wire] = trunk_of(self.figure.wires[wire])
        for series, lane in self.lanes:
            if (id(series), lane.q) in leaving and lane.leaving:
                leaving[id(series), lane.q][1].update(dict.fromkeys(lane.leaving, lane.trunk))
        for end, trunks in leaving.values():
            if len(set(trunks.values())) > 1:
                for wire in trunks:
                    out.turn_after[wire] = max(out.turn_after.get(wire, end), end)

    def _collect(self, root: Block, out: Placement) -> None:
        stack = [root]
        while stack:
            block = stack.pop()
            if block.kind == "box":
                o = block.outset
                whole = Rect(block.u, block.v - block.before, block.u + block.length, block.v + block.after)
                out.footprints[block.id] = whole
                out.boxes[block.id] = Rect(whole.u0 + o.u0, whole.v0 + o.v0, whole.u1 - o.u1, whole.v1 - o.v1)
            elif block.kind == "panel":
                o = block.outset
                out.panels[block.id] = Rect(
                    block.u + o.u0, block.v - block.before + o.v0, block.u + block.length - o.u1, block.v + block.after - o.v1
                )
            stack.extend(reversed(block.parts))

    # --- blocks ---------------------------------------------------------------------------------------------------------------

    def _group(self, group: Group, drawn: bool) -> Block:
        wires = self.lifted[group.id]
        children = {child.id: child for child in group.children}
        if not children:
            return self._empty(group)
        if group.arrangement in ("row", "column"):
            horizontal = self.frame.direction == "right"
            part = forced(group, along=(group.arrangement == "row") == horizontal)
        else:
            found = besides(children, wires)
            self.measurer.besides |= found
            apart = {other for others in found.values() for other in others}
            part = decompose([n for n in wires.nodes if n not in apart], [e for e in wires.cover if e[0] not in apart])
        leaves: dict[str, Way] = {}
        block = self._block(part, children, wires, leaves)
        self._lanes(block, wires, leaves)
        self.measurer.measure(block)
        return self.measurer.panel(group, block) if drawn else block

    def _empty(self, group: Group) -> Block:
        along, across = self.frame.size(60.0, 34.0)
        return Block("panel", group.id, along, across / 2, across / 2)

    def _block(self, part: Part, children: Mapping[str, Box | Group], wires: GroupWires, leaves: dict[str, Way]) -> Block:
        """The blocks of a part, not yet measured; `leaves` gets each child's way up: (block, index) from inside out."""
        if part.kind == "leaf":
            leaves[part.id] = []
            if part.id in (ENTRY, EXIT):
                return Block("ghost", part.id)
            child = children[part.id]
            if isinstance(child, Group):
                return self._group(child, child.role != "plain")
            if child.id not in self.measurer.besides:
                return self.measurer.box(child.id)
            block = Block("beside", parts=[self.measurer.box(child.id)])
            leaves[child.id] = [(block, 0)]
            for i, other in enumerate(self.measurer.besides[child.id], start=1):
                block.parts.append(self.measurer.box(other))
                leaves[other] = [(block, i)]
            return block
        block = Block(part.kind)
        for i, inner in enumerate(part.parts):
            mine: dict[str, Way] = {}
            block.parts.append(self._block(inner, children, wires, mine))
            for name, way in mine.items():
                leaves[name] = [*way, (block, i)]
        if part.kind == "parallel":
            owner = {name: way[-1][1] for name, way in leaves.items() if way and way[-1][0] is block}
            fed, feeds = set(), set()
            for a, b in wires.cover:
                if owner.get(a) != owner.get(b):
                    feeds.add(owner.get(a, -1))
                    fed.add(owner.get(b, -1))
            block.at = [(0.5 if (i in fed) == (i in feeds) else 0.0 if i in fed else 1.0, 0.0) for i in range(len(block.parts))]
        elif part.kind == "knot":
            block.gaps = [0.0]
            block.at = [(float(a), float(b)) for a, b in part.edges]
        return block

    # --- lanes ----------------------------------------------------------------------------------------------------------------

    def _lanes(self, root: Block, wires: GroupWires, leaves: Mapping[str, Way]) -> None:
        """Gives every wire between parts of a series the gap it crosses or the lane it takes."""
        cover = set(wires.cover)
        asked: dict[int, tuple[Block, dict[tuple[Trunk, int], Lane]]] = {}
        for (a, b), indices in wires.edges.items():
            met = _meeting(leaves[a], leaves[b])
            if met is None:
                continue
            back = (a, b) in wires.back
            (way_out, (block, p)), (way_in, (_, q)) = met
            for i in indices:
                if block.kind == "series":
                    low, high = (q, p) if back else (p, q)
                    if back or (high - low >= 2 and (a, b) not in cover):
                        if high > low:
                            self._ask(asked, block, low, high, i, 1 if back else -1, leaving=b == EXIT)
                    elif high == low + 1:
                        self.boundaries.append((i, block, low))
                        self.measurer.crossing.setdefault(id(block), []).append((i, low))
                if block.kind == "knot":
                    self.measurer.inner.setdefault(id(block), []).append(i)
                if back:
                    continue
                for series, at in way_out:  # out of the middle of a branch, beside its rest
                    if series.kind == "series" and at + 1 < len(series.parts):
                        self._ask(asked, series, at, len(series.parts), i, -1, leaving=True)
                for n, (series, at) in enumerate(way_in):  # into the middle of a branch, beside its beginning
                    if series.kind == "series" and at:
                        lane = self._ask(asked, series, -1, at, i, -1)
                        around = [*way_in[n + 1 :], (block, q)]
                        lane.gap = next(((s, k - 1) for s, k in around if s.kind == "series" and k), None)
        for series, lanes in asked.values():
            series.lanes = sorted(lanes.values(), key=lambda lane: (lane.q - lane.p, lane.p, lane.trunk))
            self.lanes += [(series, lane) for lane in series.lanes]

    def _ask(
        self,
        asked: dict[int, tuple[Block, dict[tuple[Trunk, int], Lane]]],
        series: Block,
        p: int,
        q: int,
        wire: int,
        side: int,
        *,
        leaving: bool = False,
    ) -> Lane:
        """A lane of a series for a wire: that of its trunk."""
        trunk = trunk_of(self.figure.wires[wire])
        lane = asked.setdefault(id(series), (series, {}))[1].setdefault((trunk, side), Lane(trunk, p, q, side))
        lane.p, lane.q = min(lane.p, p), max(lane.q, q)
        lane.wires[wire] = q
        if leaving:
            lane.leaving.add(wire)
        label = self.measurer.label_size(wire)
        lane.label = max(lane.label[0], label[0]), max(lane.label[1], label[1])
        return lane


def _meeting(a: Way, b: Way) -> tuple[tuple[Way, tuple[Block, int]], tuple[Way, tuple[Block, int]]] | None:
    """Of two leaves' ways, what lies within the innermost block they have in common, and that block."""
    at = {id(block): k for k, (block, _) in enumerate(a)}
    for n, (block, j) in enumerate(b):
        if id(block) in at:
            k = at[id(block)]
            return (a[:k], a[k]), (b[:n], (block, j))
    return None
