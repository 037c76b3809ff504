"""Where everything stands: groups are put together from the inside out, then settled from the outside in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from netfig.figure import Box, Figure, Group, Wire
from netfig.layout.blocks import Block, Frame, Lane, Rect, Trunk
from netfig.layout.knots import place_knot
from netfig.layout.parts import BADGE_GAP, BADGE_SIZE, STACK_OFFSET, SizedBox, badge_line, fit_line
from netfig.layout.structure import ENTRY, EXIT, GroupWires, Part, decompose, forced
from netfig.layout.text import set_line
from netfig.theme import Theme

FORK = 11.0  # from a box to where its wires part
JOIN = 17.0  # from where wires meet to the box they enter: an arrow head and a rounded corner
LEVEL = 8.0  # between the turns of wires that meet in one gap
TITLE_INSET = 12.0


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


WIRE_ROLES = {"state": "state_wire"}
"""Wire roles whose theme entry has another name, because a box role has it."""


def wire_role(role: str) -> str:
    """The theme's role of a wire."""
    head, dot, rest = role.partition(".")
    return WIRE_ROLES.get(head, head) + dot + rest


def trunk_of(wire: Wire) -> Trunk:
    """The trunk a wire belongs to: wires from one box share it when they carry the same value from the same slot."""
    return wire.source.box, "\x00".join((wire.source.slot, *wire.stands_for[:1]))


class Placer:
    """Places one figure in one direction."""

    def __init__(
        self,
        figure: Figure,
        theme: Theme,
        frame: Frame,
        sized: Mapping[str, SizedBox],
        lifted: Mapping[str, GroupWires],
        engine: str,
    ) -> None:
        self.figure, self.theme, self.frame, self.sized, self.lifted, self.engine = figure, theme, frame, sized, lifted, engine
        self.boundaries: list[tuple[int, Block, int]] = []  # wire, series, part it leaves
        self.lanes: list[tuple[Block, Lane]] = []
        self.inner: dict[int, list[int]] = {}  # by a knot's identity: the wires between its parts
        self.besides: dict[str, dict[str, int]] = {}  # reader → the boxes that stand beside it, and on which side
        data = theme.role("data").width
        self.emphasised = {
            (w.source.box, w.target.box) for w in figure.wires if theme.role(wire_role(w.role)).width > data
        }  # thick wires are to run straight

    def run(self) -> Placement:
        """Sizes and settles all blocks."""
        root = self._group(self.figure.root, drawn=self.figure.root.role != "plain")
        root.settle(0.0, root.before)
        out = Placement(direction=self.frame.direction, length=root.length, breadth=root.breadth)
        self._collect(root, out)
        for group in self.lifted.values():
            for edge in sorted(group.back):
                out.back.update(group.edges[edge])
            for reader, others in self.besides.items():
                for other, side in others.items():
                    out.beside.update(dict.fromkeys(group.edges.get((other, reader), ()), side))
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
            self.besides |= found
            apart = {other for others in found.values() for other in others}
            part = decompose([n for n in wires.nodes if n not in apart], [e for e in wires.cover if e[0] not in apart])
        leaves: dict[str, list[tuple[Block, int]]] = {}
        block = self._block(part, children, wires, leaves)
        if part.kind == "leaf":
            leaves[part.id] = []
        self._lanes(block, wires, leaves)
        self._measure(block)
        return self._panel(group, block) if drawn else block

    def _empty(self, group: Group) -> Block:
        along, across = self.frame.size(60.0, 34.0)
        return Block("panel", group.id, along, across / 2, across / 2)

    def _block(
        self, part: Part, children: Mapping[str, Box | Group], wires: GroupWires, leaves: dict[str, list[tuple[Block, int]]]
    ) -> Block:
        """The blocks of a part, not yet measured; `leaves` gets each child's way up: (block, index) from inside out."""
        if part.kind == "leaf":
            leaves[part.id] = []
            if part.id in (ENTRY, EXIT):
                return Block("ghost", part.id)
            child = children[part.id]
            if isinstance(child, Group):
                return self._group(child, child.role != "plain")
            if child.id not in self.besides:
                return self._box(child.id)
            block = Block("beside", parts=[self._box(child.id)])
            leaves[child.id] = [(block, 0)]
            for i, other in enumerate(self.besides[child.id], start=1):
                block.parts.append(self._box(other))
                leaves[other] = [(block, i)]
            return block
        block = Block(part.kind)
        for i, inner in enumerate(part.parts):
            mine: dict[str, list[tuple[Block, int]]] = {}
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

    def _box(self, id: str) -> Block:
        sized = self.sized[id]
        d = STACK_OFFSET * sized.copies
        top, right, bottom = (0.0, d, d) if self.frame.direction == "down" else (d, d, 0.0)
        if sized.badge is not None:
            if self.frame.direction == "right":
                top += BADGE_GAP + BADGE_SIZE * 0.8
            else:
                right += BADGE_GAP + sized.badge.width
        outset = self.frame.outset(0, top, right, bottom)
        along, across = self.frame.size(sized.width, sized.height)
        length = outset.u0 + along + outset.u1
        return Block("box", id, length, across / 2 + outset.v0, across / 2 + outset.v1, outset=outset)

    def _panel(self, group: Group, inner: Block) -> Block:
        pad = self.theme.panel_pad
        style = self.theme.role(group.role)
        title, detail = (fit_line(text, style.size).width for text in (group.title, group.detail))
        strip = style.size + 9.0 if title or detail else 0.0
        p = self.frame.outset(pad, pad + strip, pad, pad)
        if strip:
            p = self.frame.outset(pad, max(pad, strip + 7.0), pad, pad)
        length, before, after = p.u0 + inner.length + p.u1, inner.before + p.v0, inner.after + p.v1
        shift = 0.0
        if strip:
            if self.frame.direction == "right":
                need = title + 2 * TITLE_INSET + (detail + TITLE_INSET if detail else 0.0)
                shift = max(0.0, need - length) / 2
                length += 2 * shift
            else:  # the axis, and the wire on it, stays clear of both ends of the line
                before = max(before, title + TITLE_INSET + 8)
                after = max(after, detail + TITLE_INSET + 8 if detail else title + 2 * TITLE_INSET - before)
        above = right = 0.0
        if group.badge:
            if self.frame.direction == "right":
                above = BADGE_GAP + BADGE_SIZE
            else:
                right = BADGE_GAP + 2 + badge_line(group.badge).width
        o = self.frame.outset(0, above, right, 0)
        block = Block("panel", group.id, length + o.u0 + o.u1, before + o.v0, after + o.v1, [inner], outset=o)
        block.at = [(o.u0 + p.u0 + shift, 0.0)]
        return block

    # --- lanes ----------------------------------------------------------------------------------------------------------------

    def _lanes(self, root: Block, wires: GroupWires, leaves: Mapping[str, list[tuple[Block, int]]]) -> None:
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
                if block.kind == "knot":
                    self.inner.setdefault(id(block), []).append(i)
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
        label = self._label_size(wire)
        lane.label = max(lane.label[0], label[0]), max(lane.label[1], label[1])
        return lane

    def _label_size(self, wire: int) -> tuple[float, float]:
        text = self.figure.wires[wire].label
        if not text:
            return 0.0, 0.0
        style = self.theme.role(self.figure.wires[wire].role)
        return self.frame.size(set_line(text, style.size).width, style.size)

    # --- measuring ------------------------------------------------------------------------------------------------------------

    def _measure(self, block: Block) -> None:
        if block.kind in ("box", "ghost", "panel"):
            return
        for part in block.parts:
            if not part.length:
                self._measure(part)
        if block.kind == "series":
            self._measure_series(block)
        elif block.kind == "parallel":
            self._measure_parallel(block)
        elif block.kind == "beside":
            self._measure_beside(block)
        else:
            self._measure_knot(block)

    def _measure_beside(self, block: Block) -> None:
        """The reader on the axis, the others level with it."""
        reader, *others = block.parts
        block.length = max(p.length for p in block.parts)
        block.before, block.after = reader.before, reader.after
        offsets = [0.0]
        for other in others:
            side = self.besides[reader.id][other.id]
            label = max((self._label_size(i) for i in self._wires_between(other.id, reader.id)), default=(0.0, 0.0))
            gap = max(self.theme.gap_along, label[1] + JOIN + FORK if label[1] else 0.0)
            if side < 0:
                offsets.append(-(reader.before + gap + other.after))
                block.before = reader.before + gap + other.breadth
            else:
                offsets.append(reader.after + gap + other.before)
                block.after = reader.after + gap + other.breadth
        block.at = [((block.length - p.length) / 2, v) for p, v in zip(block.parts, offsets, strict=True)]

    def _wires_between(self, source: str, target: str) -> list[int]:
        group = self.lifted[self.figure.parent_of[target]]
        return group.edges.get((source, target), [])

    def _measure_series(self, block: Block) -> None:
        parts = block.parts
        block.gaps, block.forks, block.joins = [], [], []
        forking = {lane.p for lane in block.lanes if lane.side < 0}
        labels = self._boundary_labels(block)
        crowd: dict[int, int] = {}
        for _, series, p in self.boundaries:
            if series is block:
                crowd[p] = crowd.get(p, 0) + 1
        self._align_panels(parts)
        for k in range(len(parts) - 1):
            gap, fork, join = self._gap(parts[k], parts[k + 1], k in forking)
            if crowd.get(k, 0) > 1 and parts[k + 1].kind == "box":
                gap = max(gap, fork + JOIN + (9 if k in forking else 0))
            if k in labels:
                along, across = labels[k]
                gap = max(gap, along + (26 if self.frame.direction == "right" else 18) + (FORK if k in forking else 0))
                block.after = max(block.after, across + 8)
            block.gaps.append(gap)
            block.forks.append(fork)
            block.joins.append(join)
        u = 0.0
        block.at = []
        for k, part in enumerate(parts):
            block.at.append((u, 0.0))
            u += part.length + (block.gaps[k] if k < len(block.gaps) else 0.0)
        block.length = u
        block.before = max([block.before, *(p.before for p in parts)])
        block.after = max([block.after, *(p.after for p in parts)])
        self._assign_lanes(block)

    def _align_panels(self, parts: Sequence[Block]) -> None:
        """Panels that follow one another reach equally far where that wastes little."""
        panels = [p for p in parts if p.kind == "panel"]
        if len(panels) > 1:
            before, after = max(p.before for p in panels), max(p.after for p in panels)
            for p in panels:
                if p.before + p.after >= 0.7 * (before + after):
                    p.before, p.after = before, after

    def _boundary_labels(self, block: Block) -> dict[int, tuple[float, float]]:
        found: dict[int, tuple[float, float]] = {}
        for wire, series, p in self.boundaries:
            if "ghost" in (series.parts[p].kind, series.parts[p + 1].kind):
                continue  # a name stands between the outermost things its wire joins
            if series is block and self.figure.wires[wire].label:
                along, across = self._label_size(wire)
                was = found.get(p, (0.0, 0.0))
                found[p] = max(was[0], along), max(was[1], across)
        return found

    def _gap(self, first: Block, second: Block, forks: bool) -> tuple[float, float, float]:
        """How far apart two parts of a series stand, and where wires turn between them."""
        wide = [p.kind in ("parallel", "knot") for p in (first, second)]
        ghosts = [p.kind == "ghost" for p in (first, second)]
        if ghosts[0]:
            return (20.0 if forks else 26.0 if wide[1] else 4.0), (6.0 if forks or wide[1] else 2.0), (JOIN if wide[1] else 2.0)
        if ghosts[1]:
            return (12.0 if wide[0] else 2.0), 2.0, (2.0 if not wide[0] else 6.0)
        gap = self.theme.gap_along
        if any(wide):
            levels = (len(first.parts) + 1) // 2 if wide[0] and second.kind == "box" else 1
            gap = max(gap, FORK + JOIN + 4 + LEVEL * (levels - 1))
            gap += 6 if all(wide) else 0
        if forks:
            gap = max(gap, FORK + JOIN + 2)
        return gap, FORK, JOIN

    def _assign_lanes(self, block: Block) -> None:
        lane_gap = self.theme.lane
        done: list[Lane] = []
        for lane in block.lanes:
            if lane.side < 0 and any(_crosses(lane, other) and other.side == lane.side for other in done):
                flipped = [o for o in done if o.side == 1 and _overlaps(lane, o)]
                if not any(_crosses(lane, o) for o in flipped):
                    lane.side = 1
            reach = 0.0
            for part in block.parts[lane.p + 1 : lane.q + 1]:
                reach = max(reach, part.before if lane.side < 0 else part.after)
            offset = reach + lane_gap
            for other in done:
                if other.side == lane.side and _overlaps(lane, other):
                    room = other.label[1] + 4 if other.label[1] and self.frame.direction == "right" else 0.0
                    offset = max(offset, abs(other.offset) + lane_gap + room)
            lane.offset = lane.side * offset
            done.append(lane)
            extent = offset + 2 + (lane.label[1] + 6 if lane.label[1] else 0.0)
            if lane.side < 0:
                block.before = max(block.before, extent)
            else:
                block.after = max(block.after, extent)

    def _measure_parallel(self, block: Block) -> None:
        parts, gap = block.parts, self.theme.gap_across
        aligns = [at[0] for at in block.at]
        block.length = max(p.length for p in parts)
        main = _main_branch(parts)
        if main is not None and len(parts) > 1:
            others = [p for i, p in enumerate(parts) if i != main]
            v, places = -parts[main].before, {main: 0.0}
            for part in reversed(others):
                v -= gap + part.after
                places[parts.index(part)] = v
                v -= part.before
            offsets = [places[i] for i in range(len(parts))]
        else:
            offsets, v = [], 0.0
            for part in parts:
                offsets.append(v + part.before)
                v += part.breadth + gap
            n = len(parts)
            axis = offsets[n // 2] if n % 2 else (offsets[n // 2 - 1] + offsets[n // 2]) / 2
            middle = (offsets[0] + offsets[-1]) / 2
            if n % 2 == 0 or abs(axis - middle) > 60:
                axis = middle
            offsets = [o - axis for o in offsets]
        block.before = max(0.0, *(p.before - o for p, o in zip(parts, offsets, strict=True)))
        block.after = max(0.0, *(p.after + o for p, o in zip(parts, offsets, strict=True)))
        block.at = [((block.length - p.length) * a, o) for p, a, o in zip(parts, aligns, offsets, strict=True)]

    def _measure_knot(self, block: Block) -> None:
        edges = [(int(a), int(b)) for a, b in block.at]
        half = [max(p.before, p.after) if p.breadth < 2.5 * max(p.before, p.after, 1) else p.breadth / 2 for p in block.parts]
        sizes = [(max(p.length, 1.0), max(2 * h, 1.0)) for p, h in zip(block.parts, half, strict=True)]
        weights = [24 if (block.parts[a].id, block.parts[b].id) in self.emphasised else 1 for a, b in edges]
        names = [self._label_size(wire)[0] for wire in self.inner.get(id(block), ())]
        gap = max(self.theme.gap_along + 12, max(names, default=0.0) + 30)
        centres = place_knot(sizes, edges, weights, gap_along=gap, gap_across=self.theme.gap_across, engine=self.engine)
        starts = [u - p.length / 2 for (u, _), p in zip(centres, block.parts, strict=True)]
        first = min(starts)
        axis = next((c[1] for c, p in zip(centres, block.parts, strict=True) if p.kind == "ghost"), None)
        if axis is None:
            axis = centres[min(range(len(starts)), key=lambda i: (starts[i], i))][1]
        block.at = [(s - first, c[1] - axis) for s, c in zip(starts, centres, strict=True)]
        block.length = max(at[0] + p.length for at, p in zip(block.at, block.parts, strict=True))
        block.before = max(0.0, *(p.before - at[1] for at, p in zip(block.at, block.parts, strict=True)))
        block.after = max(0.0, *(p.after + at[1] for at, p in zip(block.at, block.parts, strict=True)))


def besides(children: Mapping[str, Box | Group], wires: GroupWires) -> dict[str, dict[str, int]]:
    """Boxes that nothing enters and that one box alone reads: they stand beside their reader, level with it.

    A reader keeps at least one way in from before it. Each side takes one, and no side where skips land.
    """
    into: dict[str, list[str]] = {}
    out: dict[str, list[str]] = {}
    for a, b in wires.edges:
        if (a, b) not in wires.back:
            into.setdefault(b, []).append(a)
            out.setdefault(a, []).append(b)
    looped = {end for edge in wires.back for end in edge}
    cover = set(wires.cover)
    found: dict[str, dict[str, int]] = {}
    for reader, sources in into.items():
        if not isinstance(children.get(reader), Box) or reader in looped:
            continue
        lone = [
            s
            for s in sources
            if isinstance(children.get(s), Box) and s not in into and s not in looped and out[s] == [reader]
            if len(wires.edges[s, reader]) == 1
        ]
        if len(lone) == len(sources):
            lone = []  # all its inputs are alike: they stand before it
        landing = any((s, reader) not in cover for s in sources)
        leaving = any((reader, t) not in cover for t in out.get(reader, ()))
        sides = [1] if landing or leaving else [-1, 1]
        if lone and len(lone) <= len(sides):
            found[reader] = dict(zip(lone, sides, strict=False))
    return found


Way = list[tuple[Block, int]]
"""From a leaf outwards: the blocks it stands in, and in which of their parts."""


def _meeting(a: Way, b: Way) -> tuple[tuple[Way, tuple[Block, int]], tuple[Way, tuple[Block, int]]] | None:
    """Of two leaves' ways, what lies within the innermost block they have in common, and that block."""
    at = {id(block): k for k, (block, _) in enumerate(a)}
    for n, (block, j) in enumerate(b):
        if id(block) in at:
            k = at[id(block)]
            return (a[:k], a[k]), (b[:n], (block, j))
    return None


def _overlaps(a: Lane, b: Lane) -> bool:
    return a.p < b.q and b.p < a.q


def _crosses(a: Lane, b: Lane) -> bool:
    return _overlaps(a, b) and ((a.p < b.p and a.q < b.q) or (b.p < a.p and b.q < a.q)) and a.trunk != b.trunk


def _main_branch(parts: Sequence[Block]) -> int | None:
    """The branch that goes straight on: one without boxes, or one much longer than all others."""
    ghosts = [i for i, p in enumerate(parts) if p.kind == "ghost" or any(q.kind == "ghost" for q in p.parts)]
    if len(ghosts) == 1:
        return ghosts[0]
    order = sorted(range(len(parts)), key=lambda i: -parts[i].length)
    if len(parts) == 2 and parts[order[0]].length >= 1.6 * parts[order[1]].length:
        return order[0]
    return None
