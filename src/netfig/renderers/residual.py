"""Renderer "residual": a residual or dense network as the row of its stages, and one of them opened below.

Everything comes from the wiring: which sums are of a branch and what the branch began with, what lies on the skip, which blocks
are alike. See `netfig.renderers.residual_find`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Box, End, Figure, Group, Mark, Wire
from netfig.mathtext import Text, math, plain, strong, text_of
from netfig.renderers.residual_dense import DensePanel
from netfig.renderers.residual_find import Block, Dense, LongSkip
from netfig.renderers.residual_net import ENTRY, Net
from netfig.renderers.residual_plan import Inside, Part, Plan, inside, make_plan
from netfig.renderers.residual_words import Words, detail_rows, wrapped

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.renderers.options import ResidualOptions

FEW_PARTS = 9
"""More parts than these may need more than one row; what is opened by itself is then in the last one."""
MOST_STEPS = 11
"""Steps of a block that are drawn as a box each; a way beside the chain takes the room of two."""
LANE, CHAIN, BESIDE = 0, 1, 2
"""Levels of the boxes of an opened block: the skip's lane, the chain, what runs beside it (and deeper)."""


def suits(graph: Graph) -> float:
    """Below the default renderer: asked for by name. 0 where there is no residual or dense block."""
    return 0.45 if make_plan(Net(graph)).is_suited else 0.0


def draw_residual(graph: Graph, options: ResidualOptions) -> Figure:
    """The figure of a network of residual or dense blocks.

    Raises:
        UsageError: there is no such block, or the option `open` names none.
    """
    from netfig.graph.repeats import unfold_repeats

    plan = make_plan(Net(unfold_repeats(graph)))
    if not plan.is_suited:
        raise UsageError(
            f"there is no residual block of convolutions in {graph.name!r}",
            where=graph.origin,
            why=_why(plan),
            hint="draw it with -r modules",
        )
    return _Drawn(plan, options).figure()


def _why(plan: Plan) -> str:
    sums = [node for node in plan.net.nodes.values() if node.is_sum]
    if plan.residual:
        return "the blocks around its skips hold no convolution; a transformer is drawn with -r tower"
    if not sums:
        return "nothing in it adds two values that hang on the input, and no concatenation grows layer by layer"
    many = f"none of its {len(sums)} sums is" if len(sums) > 1 else "its one sum is not"
    return f"{many} of what a branch makes and what the branch began with, or a projection of that"


class _Drawn:
    def __init__(self, plan: Plan, options: ResidualOptions) -> None:
        self.plan, self.net, self.options = plan, plan.net, options
        self.words = Words(plan)
        self.wires: list[Wire] = []
        self.equations: list[Text] = []
        self.alt: list[str] = []
        self.extra: list[Text] = []

    def figure(self) -> Figure:
        """The whole figure."""
        overview = self._overview()
        part, blocks = self._opened()
        panel = self._panel(part, blocks)
        self.wires.append(Wire(End(self._id(part)), End(panel.id), "helper", head=False))
        caption = self.words.caption(tuple(self.extra)) if self.options.caption else ()
        graph = self.net.graph
        return Figure(
            graph.name,
            self._alt(overview, caption),
            Group("residual", (overview, panel), arrangement="residual", stands_for=(graph.root.id,)),
            tuple(self.wires),
            caption,
            "right",
            equations=tuple(self.equations) if self.options.equations else (),
        )

    # ---- the overview --------------------------------------------------------------------------------------------------

    def _overview(self) -> Group:
        boxes: list[Box] = []
        makers: dict[str, str] = {}
        graph = self.net.graph
        for port in graph.inputs:
            if port.value not in makers and graph.readers.get(port.value):
                makers[port.value] = f"in/{port.value}"
                title = tuple(plain(line) for line in wrapped(port.name.replace("_", " ") if len(port.name) > 1 else "input")[:3])
                above = (plain(self.words.shape(port.value)),)
                boxes.append(Box(makers[port.value], "input.residual", title, above=above, stands_for=(port.value,)))
        for part in self.plan.parts:
            boxes.append(self._part(part))
            for node in part.nodes:
                for value in self.net.nodes[node].makes:
                    makers[value] = boxes[-1].id
        self._overview_wires(makers)
        port = next(p for p in graph.outputs if self.net.maker.get(self.net.stands(p.value), ENTRY) == self.net.output)
        last = self._id(self.plan.parts[-1])
        title = tuple(plain(line) for line in wrapped(port.name.replace("_", " ").replace(".", " "))[:3])
        boxes.append(
            Box(
                "out/" + port.value,
                "output.residual",
                title,
                above=(plain(self.words.shape(port.value)),),
                stands_for=(port.value,),
            )
        )
        self.wires.append(Wire(End(last), End(boxes[-1].id), stands_for=(port.value,)))
        return Group("overview", tuple(boxes), arrangement="row")

    def _overview_wires(self, makers: dict[str, str]) -> None:
        drawn: set[tuple[str, str]] = set()
        for part in self.plan.parts:
            target = self._id(part)
            for node in part.nodes:
                for read in self.net.nodes[node].reads:
                    source = makers.get(read.value)
                    if source is None or source == target or (source, target) in drawn:
                        continue
                    drawn.add((source, target))
                    role = "skip" if isinstance(part.entry, LongSkip) and self._starts(part.entry, read.value) else "data"
                    self.wires.append(Wire(End(source), End(target), role, stands_for=(read.value,)))

    def _starts(self, skip: LongSkip, value: str) -> bool:
        return self.net.maker[value] == skip.start

    def _id(self, part: Part) -> str:
        return f"part/{part.nodes[0]}"

    def _part(self, part: Part) -> Box:
        net, words = self.net, self.words
        above: tuple[Text, ...] = (plain(words.shape(part.value)),)
        items = words.items(part.nodes)
        if part.kind == "stage":
            kinds = {block.kind for block in part.blocks}
            title = (*((plain("residual"),) if kinds != {"plain"} else ()), plain("block"), strong(words.channels(part.value)))
            return self._stack(part, title, above, len(part.blocks), items)
        if isinstance(part.entry, Dense):
            title = (plain("dense"), plain("layer"), (*math("k"), *plain(f" = {self.growth(part.entry)}")))
            return self._stack(part, title, above, len(part.entry.layers), items)
        if part.kind == "sum":
            return Box(self._id(part), "op", (plain("+"),), stands_for=items)
        if part.kind == "region":
            scope = net.graph.scope_by_id[part.scope]
            name = scope.type_name if scope.parent is not None and scope.type_name else f"{len(part.nodes)} operations"
            return Box(self._id(part), "block.residual", tuple(plain(w) for w in wrapped(name)), above=above, stands_for=items)
        main = next(
            (net.nodes[n] for n in part.nodes if net.nodes[n].role not in ("norm", "activation")), net.nodes[part.nodes[0]]
        )
        role, _ = words.title(main)
        role = "op.box.residual" if role == "op" else role
        return Box(self._id(part), role, words.lines(part.nodes), above=above, tooltip=words.tooltip(main), stands_for=items)

    def _stack(self, part: Part, title: tuple[Text, ...], above: tuple[Text, ...], count: int, items: tuple[str, ...]) -> Box:
        marks: tuple[Mark, ...] = ("stacked",) if count > 2 else ("paired",) if count == 2 else ()
        badge = plain(f"× {count}") if count > 1 else ()
        return Box(
            self._id(part),
            "layer.residual",
            title,
            marks=marks,
            badge=badge,
            above=above,
            tooltip=self.words.path(part.scope),
            stands_for=items,
        )

    def growth(self, dense: Dense) -> str:
        """How many maps each layer of a dense block adds."""
        return DensePanel(self.words).growth(dense)

    # ---- what is opened ------------------------------------------------------------------------------------------------

    def _opened(self) -> tuple[Part, list[Block]]:
        """The part to open and which of its blocks.

        Raises:
            UsageError: the option names no stage and no block.
        """
        stages = [part for part in self.plan.parts if part.kind in ("stage", "dense")]
        wanted = self.options.open
        if wanted:
            return self._named(wanted, stages)
        some = [part for part in stages if any(b.join for b in part.blocks) or part.kind == "dense"]
        if len(self.plan.parts) > FEW_PARTS:
            half = len(self.plan.parts) // 2
            some = [part for part in some if part in self.plan.parts[half:]] or some[-1:]
        both = [part for part in some if len({b.kind for b in part.blocks if b.join}) > 1] or some
        smaller = [part for part in both if self._sides(part.source) != self._sides(part.value)]
        part = (smaller or both)[0]
        return part, part.shown

    def _sides(self, value: str) -> str:
        return self.words.shape(value).partition("@")[2]

    def _named(self, wanted: str, stages: list[Part]) -> tuple[Part, list[Block]]:
        known: list[str] = []
        for part in stages:
            for block in part.blocks:
                if wanted in (self.words.path(block.scope), block.scope) and (block.owned or not block.join):
                    return part, [block]
                known.append(self.words.path(block.scope))
        for k, part in enumerate(stages):
            scopes = [self.words.path(part.scope), part.scope, str(k + 1)]
            known.append(self.words.path(part.scope))
            if wanted in scopes:
                return part, part.shown
        known = [one for one in dict.fromkeys(known) if one]
        raise UsageError(
            f"there is no stage or block {wanted!r} in {self.net.graph.name!r}",
            hint=did_you_mean(wanted, [*known, *(str(k + 1) for k in range(len(stages)))]),
        )

    def _panel(self, part: Part, blocks: list[Block]) -> Group:
        if isinstance(part.entry, Dense):
            panel = DensePanel(self.words)
            group = panel.group(part.entry, self.words.path(part.scope), equation=self.options.equations)
            self.wires += panel.wires
            self.extra += panel.said
            self.alt.append(panel.alt)
            return group
        rows = [self._row(k, part, block) for k, block in enumerate(blocks)]
        for block in blocks:
            self.equations += [e for e in self.words.equation(block) if e not in self.equations]
        return Group("open", tuple(rows), "panel", stands_for=self.words.items([n for b in blocks for n in b.nodes]))

    def _row(self, k: int, part: Part, block: Block) -> Group:
        drawn = inside(self.net, block)
        homes: dict[str, str] = {}
        boxes: list[Box] = [self._end(f"open{k}/x", "x", block.source, 0)]
        units = self._units(drawn)
        for column, unit in enumerate(units):
            boxes.append(self._step(k, unit, (column + 1, CHAIN)))
            homes.update(dict.fromkeys(unit, boxes[-1].id))
        for column, one in enumerate(drawn.lane):
            boxes.append(self._step(k, [one], (column, LANE)))
            homes[one] = boxes[-1].id
        boxes += self._beside(k, drawn, homes)
        made = self.net.made(block.last)
        boxes.append(self._end(f"open{k}/y", "y", made, len(units) + 1))
        self._row_wires(k, block, drawn, homes)
        self.wires.append(Wire(End(homes[block.last]), End(f"open{k}/y"), stands_for=(made,)))
        title = self.words.block_said(part, block)
        self.alt.append(
            f"{title or 'A block'} opened, {block.kind} skip: {self.words.reading(block)}."
            if block.join
            else f"{title or 'A block'} opened, without a skip: {self.words.reading(block)}."
        )
        branch: Text = (*math("F"), *plain("("), *math("u" if block.lead else "x"), *plain(")"))
        branch = (*plain("residual branch "), *branch) if block.join else (*branch, *plain(", no skip"))
        return Group(f"open{k}", tuple(boxes), title=plain(title), detail=branch, arrangement="row")

    def _end(self, id: str, symbol: str, value: str, column: int) -> Box:
        return Box(
            id,
            "state.residual",
            (math(symbol),),
            above=(plain(self.words.shape(value)),),
            place=(column, CHAIN),
            stands_for=(value,),
        )

    def _units(self, drawn: Inside) -> list[list[str]]:
        """The chain as boxes: a step each, or where they are too many a layer with the norms and activations that follow it."""
        nodes, units = self.net.nodes, list[list[str]]()
        close = len(drawn.chain) + 2 * len(drawn.beside) > MOST_STEPS
        for one in drawn.chain:
            before = units[-1][-1] if units else ""
            follows = close and bool(before) and nodes[units[-1][0]].is_layer and nodes[before].after == [one]
            if follows and nodes[one].before == [before] and nodes[one].role in ("norm", "activation"):
                units[-1].append(one)
            else:
                units.append([one])
        return units

    def _step(self, k: int, unit: list[str], place: tuple[int, int]) -> Box:
        node = self.net.nodes[unit[0]]
        role, title = self.words.title(node)
        rows = detail_rows((*self.words.settings(node), *(self.words.name(self.net.nodes[one]) for one in unit[1:])))
        items, tooltip = self.words.items(unit), self.words.tooltip(node)
        return Box(f"open{k}/{unit[0]}", role, (title,), rows, place=place, tooltip=tooltip, stands_for=items)

    def _beside(self, k: int, drawn: Inside, homes: dict[str, str]) -> list[Box]:
        """What runs beside the chain: a box for each way, its steps one under the other."""
        boxes: list[Box] = []
        for level, run in enumerate(drawn.beside):
            last = self.net.nodes[run[-1]]
            joins = [drawn.chain.index(a) for a in last.after if a in drawn.chain]
            is_gate = any(self.net.nodes[drawn.chain[j]].kind == "mul" for j in joins)
            title = self.words.list_of(run)
            if len(run) > 1 and is_gate:
                title = (strong("gate"), *title)
            role = ("op.box.residual" if is_gate else "layer.residual") if len(run) > 1 else self.words.title(last)[0]
            role = "op.box.residual" if role == "op" else role
            id = f"open{k}/{run[0]}"
            homes.update(dict.fromkeys(run, id))
            boxes.append(
                Box(id, role, title, place=(min(joins, default=0) + 1, BESIDE + level), stands_for=self.words.items(run))
            )
        return boxes

    def _row_wires(self, k: int, block: Block, drawn: Inside, homes: dict[str, str]) -> None:
        ids: set[tuple[str, str]] = set()
        for one in [*drawn.chain, *drawn.lane, *(n for run in drawn.beside for n in run)]:
            for read in self.net.nodes[one].reads:
                maker = self.net.maker[read.value]
                source = homes.get(maker, f"open{k}/x")
                if source == homes[one] or (source, homes[one]) in ids:
                    continue
                ids.add((source, homes[one]))
                skip = self._is_skip(block, one, maker)
                label = plain(f"{block.kind} skip") if skip and one == block.join else ()
                if label and block.skip:
                    label = (*label, *plain("  "), *math("P"), *plain("("), *math("u" if block.lead else "x"), *plain(")"))
                self.wires.append(Wire(End(source), End(homes[one]), "skip" if skip else "data", label, stands_for=(read.value,)))

    def _is_skip(self, block: Block, one: str, maker: str) -> bool:
        if one in block.skip or maker in block.skip:
            return True
        return one == block.join and not block.skip and maker == block.split

    # ---- words ---------------------------------------------------------------------------------------------------------

    def _alt(self, overview: Group, caption: tuple[Text, ...]) -> str:
        said: list[str] = []
        for box in overview.children:
            if isinstance(box, Box):
                words = " ".join(text_of(line) for line in box.title)
                shape = f" ({text_of(box.above[0])})" if box.above and text_of(box.above[0]) else ""
                said.append(f"{words}{f' {text_of(box.badge)}' if box.badge else ''}{shape}")
        facts = " ".join(text_of(line) for line in caption)
        return " ".join([f"{self.net.graph.name}, left to right: {', '.join(said)}.", *self.alt, facts]).strip()
