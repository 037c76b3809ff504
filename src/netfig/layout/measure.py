"""How much room blocks need, and where their parts stand in them: boxes, panels, and the four ways of putting parts together."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

from netfig.figure import Figure, Group
from netfig.layout.alike import align_beside, align_panels, first_role, first_twins, lead, main_branch, twins
from netfig.layout.blocks import FORK, JOIN, LEVEL, TITLE_INSET, Block, Frame, Lane, wire_role
from netfig.layout.knots import place_knot
from netfig.layout.parts import BADGE_GAP, BADGE_SIZE, STACK_OFFSET, SizedBox, badge_line, fit_line
from netfig.layout.structure import GroupWires
from netfig.layout.text import set_line
from netfig.theme import Theme

BROAD = 24  # a box that more branches enter becomes as broad as they are
NAME_ROOM = 12.0  # around a name that stands between a box and the border of its panel
NAME_OVER = 5.0  # how far it may reach into the padding there
PANELS_NEARER = 0.6  # of the gap between branches, where both have a frame with room of its own
EDGE = 20.0  # from the outermost of them to the end of the box they enter


class Measurer:
    """Measures blocks from the inside out. It is told which wires cross which gaps, and what stands beside what."""

    def __init__(
        self,
        figure: Figure,
        theme: Theme,
        frame: Frame,
        sized: dict[str, SizedBox],
        lifted: Mapping[str, GroupWires],
        engine: str,
    ) -> None:
        self.figure, self.theme, self.frame, self.sized, self.lifted, self.engine = figure, theme, frame, sized, lifted, engine
        self.crossing: dict[int, list[tuple[int, int]]] = {}  # by a series' identity: wires, and the part behind which they cross
        self.inner: dict[int, list[int]] = {}  # by a knot's identity: the wires between its parts
        self.besides: dict[str, dict[str, int]] = {}  # reader → the boxes that stand beside it, and on which side
        data = theme.role("data").width
        self.emphasised = {
            (w.source.box, w.target.box) for w in figure.wires if theme.role(wire_role(w.role)).width > data
        }  # thick wires are to run straight

    def box(self, id: str) -> Block:
        """The block of a box."""
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

    def panel(self, group: Group, inner: Block) -> Block:
        """The block of a panel around what is in it."""
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

    def label_size(self, wire: int) -> tuple[float, float]:
        """How far a wire's name reaches along the flow and across it."""
        text = self.figure.wires[wire].label
        if not text:
            return 0.0, 0.0
        style = self.theme.role(self.figure.wires[wire].role)
        line = set_line(text, style.size)
        return self.frame.size(line.width, max(style.size, line.ascent + line.descent))

    def measure(self, block: Block) -> None:
        """Measures a block, and before it those of its parts that are not measured yet."""
        if block.kind in ("box", "ghost", "panel"):
            return
        for part in block.parts:
            if not part.length:
                self.measure(part)
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
            label = max((self.label_size(i) for i in self._wires_between(other.id, reader.id)), default=(0.0, 0.0))
            gap = max(self.theme.gap_along, label[1] + JOIN + FORK if label[1] else 0.0)
            block.length = max(block.length, 2 * label[0] + 18 if label[0] else 0.0)  # it stands on one side of the wire
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
        for _, p in self.crossing.get(id(block), ()):
            crowd[p] = crowd.get(p, 0) + 1
        align_panels(parts)
        align_beside(parts)
        self._broaden(parts)
        for k in range(len(parts) - 1):
            gap, fork, join = self._gap(parts[k], parts[k + 1], k in forking)
            if crowd.get(k, 0) > 1 and parts[k + 1].kind == "box":
                gap = max(gap, fork + JOIN + (9 if k in forking else 0))
            if k in labels:
                along, across = labels[k]
                gap = max(gap, along + (26 if self.frame.direction == "right" else 13) + (FORK if k in forking else 0))
                block.after = max(block.after, across - NAME_OVER)
            if parts[k + 1].kind == "ghost" and self.frame.direction != "right":
                gap = max(gap, self._named_exit(block, k))
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

    def _named_exit(self, block: Block, k: int) -> float:
        """Room for the name of a value right behind the box it leaves, before the border of the panel."""
        sizes = [self.label_size(wire) for wire, p in self.crossing.get(id(block), ()) if p == k]
        along, across = max((a for a, _ in sizes), default=0.0), max((b for _, b in sizes), default=0.0)
        block.after = max(block.after, across - NAME_OVER)
        return along + NAME_ROOM - self.theme.panel_pad if along else 0.0

    def _broaden(self, parts: list[Block]) -> None:
        """A box that very many branches enter becomes as broad as they are, so that each wire runs straight."""
        for k, (first, second) in enumerate(pairwise(parts)):
            if first.kind == "parallel" and second.kind == "box" and len(first.parts) > BROAD:
                half = max(abs(v) for _, v in first.at) + EDGE
                size = (0.0, 2 * half) if self.frame.direction == "right" else (2 * half, 0.0)
                self.sized[second.id] = self.sized[second.id].resized(*size)
                parts[k + 1] = self.box(second.id)

    def _boundary_labels(self, block: Block) -> dict[int, tuple[float, float]]:
        found: dict[int, tuple[float, float]] = {}
        for wire, p in self.crossing.get(id(block), ()):
            if "ghost" in (block.parts[p].kind, block.parts[p + 1].kind):
                continue  # a name stands between the outermost things its wire joins
            if self.figure.wires[wire].label:
                along, across = self.label_size(wire)
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
            meeting = wide[0] and second.kind == "box" and (first.kind == "knot" or len(first.parts) <= BROAD)
            levels = (len(first.parts) + 1) // 2 if meeting else 1
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
            for k, part in enumerate(block.parts[lane.p + 1 : lane.q + 1], start=lane.p + 1):
                if k == lane.q and part.kind in ("parallel", "knot"):
                    continue  # it goes into one of these before they begin
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
        parts = block.parts
        nearer = 1.0 if self.frame.direction == "right" else PANELS_NEARER  # there, names of wires stand between them
        gaps = [self.theme.gap_across * (nearer if a.kind == b.kind == "panel" else 1.0) for a, b in pairwise(parts)]
        aligns = [at[0] for at in block.at]
        panels = [p for p in parts if p.kind == "panel"]
        longest = max((p.length for p in panels), default=0.0)
        for panel in panels:  # panels side by side are equally long where that wastes little
            if panel.length >= 0.5 * longest:
                panel.length = longest
        align_panels(parts)
        leads = [lead(p) if a == 0.5 and p.kind != "ghost" else None for p, a in zip(parts, aligns, strict=True)]
        furthest = max((x for x in leads if x is not None), default=0.0)
        block.length = max(p.length + (0.0 if x is None else furthest - x) for p, x in zip(parts, leads, strict=True))
        main = main_branch(parts)
        if main is not None and len(parts) > 1:
            others = [p for i, p in enumerate(parts) if i != main]
            v, places = -parts[main].before, {main: 0.0}
            for part in reversed(others):
                v -= self.theme.gap_across + part.after
                places[parts.index(part)] = v
                v -= part.before
            offsets = [places[i] for i in range(len(parts))]
        else:
            offsets, v = [], 0.0
            for part, gap in zip(parts, [*gaps, 0.0], strict=True):
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
        starts = [  # branches that run on at both ends begin in one row
            (block.length - p.length) * a if x is None else furthest - x for p, a, x in zip(parts, aligns, leads, strict=True)
        ]
        block.at = list(zip(starts, offsets, strict=True))

    def _measure_knot(self, block: Block) -> None:
        edges = [(int(a), int(b)) for a, b in block.at]
        half = [max(p.before, p.after) if p.breadth < 2.5 * max(p.before, p.after, 1) else p.breadth / 2 for p in block.parts]
        sizes = [(max(p.length, 1.0), max(2 * h, 1.0)) for p, h in zip(block.parts, half, strict=True)]
        weights = [24 if (block.parts[a].id, block.parts[b].id) in self.emphasised else 1 for a, b in edges]
        root = len(block.parts)
        roles = [first_role(self.figure, p) for p in block.parts]
        level = first_twins(roles, edges)
        if level:  # nothing in the knot feeds them: a point before them keeps them level
            sizes.append((1.0, 1.0))
            edges += [(root, k) for k in level]
            weights += [1] * len(level)
        for k in twins([*roles, ""], edges):  # a short edge keeps them level with one another
            weights[k] = max(weights[k], 12)
        names = [self.label_size(wire)[0] for wire in self.inner.get(id(block), ())]
        gap = max(self.theme.gap_along + 12, max(names, default=0.0) + 30)
        centres = place_knot(sizes, edges, weights, gap_along=gap, gap_across=self.theme.gap_across, engine=self.engine)[:root]
        starts = [u - p.length / 2 for (u, _), p in zip(centres, block.parts, strict=True)]
        first = min(starts)
        axis = next((c[1] for c, p in zip(centres, block.parts, strict=True) if p.kind == "ghost"), None)
        if axis is None:
            axis = centres[min(range(len(starts)), key=lambda i: (starts[i], i))][1]
        block.at = [(s - first, c[1] - axis) for s, c in zip(starts, centres, strict=True)]
        block.length = max(at[0] + p.length for at, p in zip(block.at, block.parts, strict=True))
        block.before = max(0.0, *(p.before - at[1] for at, p in zip(block.at, block.parts, strict=True)))
        block.after = max(0.0, *(p.after + at[1] for at, p in zip(block.at, block.parts, strict=True)))


def _overlaps(a: Lane, b: Lane) -> bool:
    return a.p < b.q and b.p < a.q


def _crosses(a: Lane, b: Lane) -> bool:
    """Whether two lanes on one side cross: they interleave, or a wire leaves the outer one while the inner one runs."""
    if a.trunk == b.trunk or not _overlaps(a, b):
        return False
    interleaved = (a.p < b.p and a.q < b.q) or (b.p < a.p and b.q < a.q)
    inner, outer = (a, b) if a.q - a.p <= b.q - b.p else (b, a)
    return interleaved or any(inner.p < q < inner.q for q in outer.wires.values())
