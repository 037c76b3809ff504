"""Renderer "attention": the inside of one head, all heads side by side, every shape, the parameters of every matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Box, Figure, Group
from netfig.graph.attention import AttentionBlock, attention_blocks
from netfig.graph.types import Dim
from netfig.mathtext import Text, plain
from netfig.renderers.attention_block_head import NORMS, HeadPlan
from netfig.renderers.attention_block_text import alt_text, caption, equations
from netfig.renderers.attention_block_words import (
    indexed,
    letter,
    merged,
    name,
    ratio,
    sentence,
    shape,
    size,
)

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.renderers.options import AttentionOptions


def suits(graph: Graph) -> float:
    """1 for a graph that is an attention and nothing else."""
    blocks = attention_blocks(graph)
    if not blocks:
        return 0.0
    return (
        0.95 if len(blocks) == 1 and len(graph.scopes) == 2 and all(op.scope == blocks[0].scope.id for op in graph.ops) else 0.5
    )


def draw_attention(graph: Graph, options: AttentionOptions) -> Figure:
    """The figure of one attention of a graph.

    Raises:
        UsageError: the graph has none, or not the one that is asked for.
    """
    block, others = _chosen(graph, options.block)
    plan = _Plan(block)
    ladders = plan.ladders()
    said = caption(block, graph, others, plan.sources, params=options.params != "none") if options.caption else ()
    return Figure(
        f"Attention: {graph.name}",
        alt_text(block),
        Group("attention", tuple(ladders), arrangement="ladders"),
        tuple(plan.wires),
        said,
        "up",
        equations=equations(block, plan.sources) if options.equations else (),
    )


def _chosen(graph: Graph, wanted: str) -> tuple[AttentionBlock, tuple[AttentionBlock, ...]]:
    """The block asked for, else the first; and the others."""
    blocks = attention_blocks(graph)
    if not blocks:
        raise UsageError(
            f"no attention is found in {graph.name!r}",
            why="nothing in it computes a softmax of products of queries and keys and mixes values by it",
            hint="draw it with -r modules, or an attention by its sizes: netfig draw attention --d-model 8 --heads 2",
        )
    names = {b.scope.id: b for b in blocks} | {str(b.scope.parent): b for b in reversed(blocks)}
    if wanted and wanted not in names:
        raise UsageError(f"there is no attention {wanted!r}", hint=did_you_mean(wanted, names))
    chosen = names[wanted] if wanted else blocks[0]
    return chosen, tuple(b for b in blocks if b is not chosen)


class _Plan(HeadPlan):
    """The ladders of an attention."""

    @property
    def has_all(self) -> bool:
        """Whether more happens to heads than what happens in each."""
        return bool(set(self.spec.projections) & set("qkvo")) or (self.spec.is_multi_head and self.spec.merge)

    def ladders(self) -> list[Group]:
        """One ladder for a single head, else one for a head and one for all."""
        if not self.has_all:
            return [self._head()]
        return [self._head(), self._all()] if self.spec.is_multi_head else [self._single()]

    # ---- ladders -----------------------------------------------------------------------------------------------------

    def _head(self) -> Group:
        """(a) one head."""
        s, first = self.spec, int(self.has_side)
        lanes = (first, first + 1, first + 2)
        symbols = {"q": indexed("Q", self.i), "k": indexed("K", self.j), "v": indexed("V", self.j)}
        tensors = [self.box(f"head/{one}", "input", (symbols[one],), (lane, 0)) for one, lane in zip("qkv", lanes, strict=True)]
        inside, last, _ = self.inside(1, lanes, {one: f"head/{one}" for one in "qkv"}, shapes=True)
        top = max(box.place[1] for box in inside if box.place is not None) + 1
        title: Text = indexed("head", "i") if self.i else letter("Y")
        out = self.box("head/out", "output", (title,), (first, top), 3, "sum")
        self.wire(last, "head/out", (), "sum")
        below: tuple[Text, ...] = (shape(s.queries, s.d_k), shape(s.keys, s.d_k), shape(s.keys, s.d_v))
        if len(set(below)) == 1:
            below = ((), sentence(["each ", below[0]]), ())
        panel = Group("head/inside", tuple(inside), "panel")
        alone = sentence(["one of ", size(s.heads), " heads"]) if self.i else plain(self.kind)
        return Group(
            "head",
            (*tensors, panel, out),
            title=plain("(a) one head") if self.i and self.has_all else alone,
            column_names=((),) * first + below,
            row_names=_rows({top: (shape(s.queries, s.d_v),)}),
        )

    def _entry(self, first: int) -> tuple[list[Box], dict[str, str], dict[int, tuple[Text, ...]], int]:
        """What everything is made of, and the start of each lane: boxes, the box of each lane, names of rows, the next row."""
        s = self.spec
        lanes = {one: first + n for n, one in enumerate("qkv")}
        index = {"q": self.i, "k": self.j, "v": self.j}
        boxes: list[Box] = []
        for symbol in dict.fromkeys(self.sources.values()):
            own = [one for one in "qkv" if self.sources[one] == symbol]
            value = self.block.sources["qkv".index(own[0])]
            place, span = (min(lanes[one] for one in own), 0), (len(own), 1)
            boxes.append(Box(f"source/{symbol}", "input", (name(symbol),), place=place, span=span, stands_for=(value,)))
        names = {0: self._source_shapes()}
        if self.is_direct:
            return boxes, {one: f"source/{self.sources[one]}" for one in "qkv"}, names, 1
        feeds = {}
        for one in "qkv":
            marks = self.copies(one)
            if one in s.projections:
                feeds[one] = f"proj/{one}"
                boxes.append(self.linear(feeds[one], one, (lanes[one], 1), index=index[one], marks=marks))
            else:  # a tensor of its own, or a part of it for each head
                feeds[one] = f"lane/{one}"
                title = indexed(one.upper(), index[one])
                boxes.append(self.box(feeds[one], "input", (title,), (lanes[one], 1), 1, f"{one}_heads", marks=marks))
            self.wire(f"source/{self.sources[one]}", feeds[one])
        return boxes, feeds, names | {1: self._lane_shapes()}, 2

    def _exit(self, last: str, part: str, row: int, column: int, names: dict[int, tuple[Text, ...]]) -> list[Box]:
        """The output projection and the output, from a row on."""
        s = self.spec
        boxes = []
        if "o" in s.projections:
            boxes.append(self.linear("proj/o", "o", (column, row), 3))
            self.wire(last, "proj/o", (), part)
            names[row], last, row = (shape(s.queries, s.d_out),), "proj/o", row + 1
        boxes.append(self.box("out", "output", (letter("Y"),), (column, row), 3, "o_proj"))
        self.wire(last, "out", (), "o_proj" if last == "proj/o" else part)
        return boxes

    def _all(self) -> Group:
        """(b) all heads."""
        s = self.spec
        columns = {"q": 0, "k": 1, "v": 2}
        boxes, feeds, names, row = self._entry(0)
        for part, word, role in self._between():
            for one in "qk" if part.startswith("norm") else "kv":
                id = f"{part}/{one}"
                boxes.append(self.box(id, role, word, (columns[one], row), 1, f"{one}_{part}"))
                self.wire(feeds[one], id)
                feeds[one] = id
            row += 1
        count = sentence([size(s.heads), " heads"])
        words, parts = (plain(self.kind.capitalize()),), "scores scale bias mask softmax sum"
        boxes.append(self.box("all", "attention", words, (0, row), 3, parts, marks=self.copies(), badge=count))
        for one in "qkv":
            self.wire(feeds[one], "all", (), f"{one}_proj")
        names[row], last, part = (shape(s.heads, s.queries, s.d_v),), "all", "sum"
        row += 1
        if s.merge:
            boxes.append(self.box("concat", "op.box", (plain("Concat"),), (0, row), 3, "merge"))
            self.wire(last, "concat", (), part)
            names[row], last, part, row = (shape(s.queries, merged(s)),), "concat", "merge", row + 1
        boxes += self._exit(last, part, row, 0, names)
        title = "multi-head" if not s.is_grouped else "multi-query" if s.kv_heads.size == 1 else "grouped-query"
        return Group("heads", tuple(boxes), title=plain(f"(b) {title} attention"), row_names=_rows(names))

    def _between(self) -> list[tuple[str, tuple[Text, ...], str]]:
        """What is done to all heads between the projections and the attention."""
        s = self.spec
        found: list[tuple[str, tuple[Text, ...], str]] = []
        if "q_norm_all" in self.block.ops:
            found.append(("norm_all", NORMS[s.qk_norm], "norm.slim"))
        if s.is_grouped:
            found.append(("repeat", (plain("repeat"), (*letter("× "), *ratio(s))), "op.box.slim"))
        return found

    def _single(self) -> Group:
        """The one ladder of a single head: projections, the head, the output projection."""
        first = int(self.has_side)
        boxes, feeds, names, row = self._entry(first)
        inside, last, shapes = self.inside(row, (first, first + 1, first + 2), feeds, named=True)
        names |= {row: (text,) for row, text in shapes}
        above = self._exit(last, "sum", max(names) + 1, first, names)
        panel = Group("head/inside", tuple(inside), "panel")
        return Group("head", (*boxes, panel, *above), title=plain("single-head attention"), row_names=_rows(names))

    def _source_shapes(self) -> tuple[Text, ...]:
        s = self.spec
        of = {"q": shape(s.queries, s.d_model), "k": shape(s.keys, s.d_key), "v": shape(s.keys, s.d_value)}
        if not s.split:  # heads come apart
            return self._lane_shapes()
        return _distinct(of, {one: name(self.sources[one]) for one in "qkv"})

    def _lane_shapes(self) -> tuple[Text, ...]:
        s = self.spec
        heads: tuple[Dim, ...] = (s.heads,) if s.is_multi_head else ()
        shared: tuple[Dim, ...] = (s.kv_heads,) if s.is_multi_head else ()
        of = {"q": shape(*heads, s.queries, s.d_k), "k": shape(*shared, s.keys, s.d_k), "v": shape(*shared, s.keys, s.d_v)}
        return _distinct(of, {one: letter(one.upper()) for one in "qkv"})


def _distinct(of: dict[str, Text], symbols: dict[str, Text]) -> tuple[Text, ...]:
    """Shapes once each, with the symbols they are of where there are several."""
    groups: dict[Text, list[Text]] = {}
    for one, text in of.items():
        own = groups.setdefault(text, [])
        if symbols[one] not in own:
            own.append(symbols[one])
    if len(groups) <= 1:
        return tuple(groups)
    found = []
    for text, own in groups.items():
        words: Text = ()
        for symbol in own:
            words = (*words, *(letter(", ") if words else ()), *symbol)
        found.append((*words, *letter(": "), *text))
    return tuple(found)


def _rows(given: dict[int, tuple[Text, ...]]) -> tuple[tuple[Text, ...], ...]:
    return tuple(given.get(row, ()) for row in range(max(given, default=-1) + 1))
