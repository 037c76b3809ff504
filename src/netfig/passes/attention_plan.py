"""From a match to a block: its sizes, its order of dimensions, and what it reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Literal

from netfig.graph.attention import AttentionSpec
from netfig.graph.types import Dim
from netfig.passes.attention_inside import Inside
from netfig.passes.attention_products import Site, Strand
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass


@dataclass(eq=False)
class Plan:
    """What `attention_parts` is called with, and which existing values each part could make."""

    spec: AttentionSpec
    sources: tuple[str, str, str]
    batch: tuple[Dim, ...]
    reads: dict[str, str | Sequence[str]]
    parts: dict[str, list[list[int]]]
    offers: list[tuple[Site, tuple[str, ...]]]
    output: str
    stored: dict[str, None] = field(default_factory=dict)


class Planner(Inside):
    """Plans one block; helper ops go through `arrange`."""

    def plan(self) -> Plan:
        """The whole plan.

        Raises:
            Unclear: the match does not fit a block; it says why.
        """
        m = self.m
        q, q_last = self._query()
        k, k_last = self._source(m.k, self.kv, self.keys, self.d)
        v, v_last = self._source(m.v, self.kv, self.keys, self.dv)
        fused, groups = self._weights({"q": q_last, "k": k_last, "v": v_last})
        merge, out, parts = self._output()
        norm = self._norms()
        rotary = self._rotary()
        masks = self._scores()
        scale = self._scale()
        typed = [self.arrange.type_of(one).shape or () for one in (q, k, v)]
        bare = m.q.weight is None
        h, d, dv = (Dim(self.space.extent(one)) for one in (self.heads, self.d, self.dv))
        kv = Dim(self.space.extent(self.kv))
        rows = Dim(self.space.extent([*self.heads, *self.dv]))
        d_model = typed[0][-1] if not bare else Dim(self.space.extent([*self.heads, *self.d]))
        split = not (bare and self.heads)
        letters = ("" if bare else "qkv") + ("o" if m.out.projection is not None else "")
        letters = "".join(one for one in letters if one == "o" or getattr(m, one).weight is not None)
        bias = "".join(one for one in "qkv" if getattr(m, one).bias is not None)
        bias += "o" if m.out.projection is not None and m.out.projection.bias is not None else ""
        if fused != "none" and any(one in bias for one in fused):
            bias = "".join(one for one in "qkvo" if one in bias)
        reading = m.reading
        position: Literal["none", "rotary", "relative", "alibi"] = "rotary" if rotary else reading.position
        spec = AttentionSpec(
            d_model=d_model,
            heads=h,
            d_k=d,
            d_v=dv,
            queries=typed[0][-2],
            keys=typed[1][-2],
            kv_heads=kv,
            d_key=typed[1][-1] if not bare else Dim(self.space.extent([*self.kv, *self.d])),
            d_value=typed[2][-1] if not bare else Dim(self.space.extent([*self.kv, *self.dv])),
            d_out=out if out is not None else rows,
            projections=letters,
            bias=bias,
            fused=fused,  # type: ignore[arg-type]
            fused_groups=groups,
            scale=scale,
            masks=masks,
            window=reading.window,
            mask_means=self.means,  # type: ignore[arg-type]
            position=position,
            rotary_style=rotary.style if rotary else "half",
            rotary_dims=rotary.dims if rotary and rotary.dims != self.space.extent(self.d) else None,
            qk_norm=norm.kind if norm else "none",
            qk_norm_over=self.norm_over,  # type: ignore[arg-type]
            qk_norm_weights=norm is None or norm.weight is not None,
            norm_eps=norm.eps if norm else 1e-6,
            softcap=m.scores.cap,
            dropout=m.dropout,
            cross=self.is_cross,
            split=split,
            merge=merge,
            even=bool(d_model.size is not None and h.size and d.size and d_model.size == h.size * d.size),
        )
        batch = tuple(typed[0][: len(self.batch)])
        return Plan(spec, (q, k, v), batch, self.reads, parts, self._offers(parts, merge), m.out.heads[0][0], self.stored)

    # ---- sources -----------------------------------------------------------------------------------------------------

    def _query(self) -> tuple[str, list[int]]:
        """Where queries come from; its dimensions in front say what the batch is."""
        m = self.m
        inner = len(self._inner(self.heads, m.q))
        best: Site | None = None
        for value, places in self._chain(m.q.source):
            if len(places) < inner or not self._is_whole((value, places)):
                continue
            over = [self.space.over(place) for place in places]
            n, last = over[-2], over[-1]
            if set(n) != set(self.n) or set(self.space.flat(m.batch)) != {a for one in over[:-inner] for a in one}:
                continue
            if (inner == 3 and over[-3] != self.heads) or (m.q.weight is None and last != self.d):
                continue
            best = (value, places)
        wanted = set(self.space.flat(m.batch))
        if best is not None:
            over = [self.space.over(place) for place in best[1]]
            self.batch, self.n = over[:-inner], over[-2]
            return best[0], over[-1]
        order = [a for a in self.space.all_over(m.q.source[1]) if a in wanted]
        self.batch = [[a] for a in [*order, *sorted(wanted - set(order))]]
        return self._source(m.q, self.heads, self.n, self.d)

    def _inner(self, heads: list[int], strand: Strand) -> list[list[int]]:
        """The last dimensions of a source: heads where they come split, tokens, features."""
        return [[], [], []] if strand.weight is None and self.heads else [[], []]

    def _source(self, strand: Strand, heads: list[int], tokens: list[int], width: list[int]) -> tuple[str, list[int]]:
        """Where keys or values come from, in the order wanted; and the atoms of its features."""
        bare = strand.weight is None
        own = set(self.space.all_over(strand.source[1]))
        features = width if bare else [a for a in self.space.flat(strand.source_over) if a in own]
        lead: list[list[int]] = [*self.batch, *([heads] if bare and self.heads else [])]
        best: tuple[str, list[int]] | None = None
        for value, places in self._chain(strand.source):
            last = self.space.over(places[-1]) if places else []
            right = set(last) == set(features) and (not bare or last == features)
            if right and self.arrange.is_exactly((value, places), [*lead, tokens, last]):
                best = (value, last)
        if best is not None:
            return best
        far = [one for one in self._chain(strand.source) if self._is_whole(one)]
        return self.arrange.bring(far[-1] if far else strand.source, [*lead, tokens, features]), features

    def _is_whole(self, site: Site) -> bool:
        """Whether all of a value is meant, none of it twice."""
        return all(self.space.is_all(p, s) for p, s in zip(site[1], self.reader.sizes(site[0]), strict=True))

    # ---- the output --------------------------------------------------------------------------------------------------

    def _output(self) -> tuple[bool, Dim | None, dict[str, list[list[int]]]]:
        """Whether heads are merged, the width of the output projection, and the dimensions of each part at the end."""
        m, b = self.m, self.batch
        rows = [*self.heads, *self.dv]
        parts: dict[str, list[list[int]]] = {
            "softmax": [*b, *([self.heads] if self.heads else []), self.n, self.keys],
            "sum": [*b, *([self.heads] if self.heads else []), self.n, self.dv],
        }
        projection = m.out.projection
        merged = [*b, self.n, rows]
        if projection is None:
            merge = bool(self.heads) and any(self.arrange.is_exactly(one, merged) or self._is_merged(one) for one in m.out.heads)
            if merge:
                parts["merge"] = merged
            return merge or not self.heads, None, parts
        out = [a for a in self.space.all_over(projection.weight[1]) if a not in self.space.flat(projection.over)]
        if set(self.space.flat(projection.over)) != set(rows):
            raise Unclear("the projection of the output is not over heads and features")
        if self.heads:
            parts["merge"] = merged
        for site in m.out.outputs or []:
            last = self.space.over(site[1][-1]) if site[1] else []
            if set(last) == set(out):
                out = last
        parts["o_proj"] = [*b, self.n, out]
        self.reads["o.weight"] = self.arrange.bring(projection.weight, [out, rows])
        self.stored[projection.weight[0]] = None
        if projection.bias is not None:
            self.reads["o.bias"] = self.arrange.bring(projection.bias, [out])
            self.stored[projection.bias[0]] = None
        return True, Dim(self.space.extent(out)), parts

    def _is_merged(self, site: Site) -> bool:
        """Whether heads and features of a value are one dimension."""
        return any(set(self.space.over(place)) >= {*self.heads, *self.dv} for place in site[1])

    # ---- what parts could make -----------------------------------------------------------------------------------------

    def _offers(self, parts: dict[str, list[list[int]]], merge: bool) -> list[tuple[Site, tuple[str, ...]]]:
        """Values of the graph, and the parts that hold the same numbers, the nearest in order first."""
        m = self.m
        found: list[tuple[Site, tuple[str, ...]]] = [(site, ("softmax",)) for site in m.weights]
        ends = tuple(one for one in ("merge", "sum") if one in parts and (one != "merge" or merge))
        found += [(site, ends) for site in m.out.heads]
        found += [(site, ("o_proj",)) for site in m.out.outputs or []]
        b = self.batch
        for strand, heads, tokens, width in (
            (m.q, self.heads, self.n, self.d),
            (m.k, self.kv, self.keys, self.d),
            (m.v, self.kv, self.keys, self.dv),
        ):
            one = strand.letter
            split = [*b, *([heads] if self.heads else []), tokens, width]
            flat = [*b, tokens, [*heads, *width]]
            first = {f"{one}_proj": flat} if strand.weight is not None else {}
            if strand.weight is not None and self.heads:
                first[f"{one}_heads"] = split
            normed, rotated = dict(first), {}
            if strand.norm is not None:
                normed = {f"{one}_norm": split} if self.norm_over == "head" else {f"{one}_heads": split, f"{one}_norm_all": flat}
                if self.norm_over == "all":
                    first = {f"{one}_proj": flat}
                elif not first and m.bare:
                    first = {}
            rotated = {f"{one}_rotary": split} if strand.rotary is not None else normed
            for value, places, seen, factor in strand.visits:
                level = {"": rotated, "rotary": normed, "norm": first}[seen]
                if factor == strand.factor and level:
                    parts.update(level)
                    found.append(((value, places), tuple(level)))
        return found
