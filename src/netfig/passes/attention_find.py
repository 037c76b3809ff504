"""Finds attentions in a traced graph: a softmax of scores that weighs values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netfig.graph.types import Graph, Op
from netfig.passes.attention_follow import SAME, aten, narrowed
from netfig.passes.attention_index import Places
from netfig.passes.attention_products import RANDOM, Product, Reader, Site
from netfig.passes.attention_roles import Match, Roles
from netfig.passes.attention_scores import Added, Masked, ScoreReader, Scores
from netfig.passes.attention_strands import Strands
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass

SOFTMAXES: Final = frozenset(("_softmax", "softmax", "_safe_softmax"))
FUSED: Final = frozenset(
    (
        "scaled_dot_product_attention",
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_cudnn_attention",
        "_scaled_dot_product_fused_attention_overrideable",
    )
)
_DROPOUTS: Final = frozenset(("native_dropout", "dropout"))


@dataclass(frozen=True, slots=True)
class Refused:
    """Something like attention, and why it stays as it is."""

    op: Op
    why: str


class Finder:
    """Finds the attentions of one graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.reader = Reader(graph)
        self.space = self.reader.space
        self.strands = Strands(self.reader)
        self.scores = ScoreReader(self.reader)

    def every(self) -> Iterator[Match | Refused]:
        """Each attention in the order they run, or why something like one is none."""
        for op in self.graph.ops:
            if op.phase != "forward" or op.attribute("target") is None or not op.outputs:  # only what was traced
                continue
            name = aten(op)
            try:
                if name in FUSED:
                    yield self._fused(op)
                elif name in SOFTMAXES or self._is_quotient(op):
                    found = self._written_out(op)
                    if found is not None:
                        yield found
            except Unclear as error:
                yield Refused(op, str(error))

    # ---- softmax -----------------------------------------------------------------------------------------------------

    def _is_quotient(self, op: Op) -> bool:
        """Whether it is e^x over the sum of e^x."""
        return aten(op) == "div" and self._exponent(op) is not None

    def _exponent(self, op: Op) -> tuple[str, int] | None:
        """What e is raised to, and the dimension of the sum, when an op is a softmax that is written out."""
        reads = list(op.reads)
        if len(reads) != 2:
            return None
        top, below = (self.graph.producer.get(one) for one in reads)
        while below is not None and (aten(below) in SAME or aten(below) in ("expand", "unsqueeze", "expand_as")):
            below = self.graph.producer.get(self.reader.slot(below, "self"))
        if top is None or below is None or aten(top) != "exp" or aten(below) != "sum" or list(below.reads) != [top.outputs[0]]:
            return None
        dims = below.attribute("dim")
        dims = dims if isinstance(dims, tuple) else (dims,)
        if len(dims) != 1 or not isinstance(dims[0], int):
            return None
        inner = self.reader.slot(top, "self")
        less = self.graph.producer.get(inner)
        rank = len(self.reader.sizes(inner))
        if less is not None and aten(less) == "sub" and len(list(less.reads)) == 2:  # the largest is taken away: no change
            one, other = less.reads
            most = self.graph.producer.get(other)
            if most is not None and aten(most) in ("amax", "max") and list(most.reads) == [one]:
                inner = one
        return inner, dims[0] % rank

    def _written_out(self, op: Op) -> Match | None:
        """A softmax whose result weighs values; ``None`` when it does something else."""
        name = aten(op)
        if name in SOFTMAXES:
            inner = self.reader.slot(op, "self", "input")
            dim = op.attribute("dim", -1)
            at = (dim if isinstance(dim, int) else -1) % len(self.reader.sizes(inner))
        else:
            inner, at = self._exponent(op) or ("", 0)
        out = op.outputs[0]
        if not self.reader.sizes(out):
            return None
        places = self.reader.new(out)
        keys = tuple(self.space.over(places[at]))
        weighed = self._weighed(out, places, keys)
        if weighed is None:
            return None
        weights, dropout, total, v, made, ops = weighed
        scores = self.scores.scores(inner, places)
        if scores.product is None:
            raise Unclear("its scores are no product")
        return self._match(op, weights, dropout, scores, scores.product, v, (total, made), keys, [op, scores.product.op, *ops])

    def _weighed(
        self, value: str, places: Places, keys: tuple[int, ...]
    ) -> tuple[list[Site], float, str, Site, Places, list[Op]] | None:
        """The weighted sum that reads a softmax: the weights on their way, dropout, its result, the values, its places."""
        weights: list[Site] = [(value, places)]
        trail: list[tuple[str, Places, float]] = [(value, places, 0.0)]
        summed: tuple[list[Site], float, str, Site, Places, list[Op]] | None = None
        while trail:
            value, places, p = trail.pop(0)
            for op in self.graph.readers.get(value, ()):
                made = self.strands.viewed(op, value, places)
                if made is not None:
                    if not p:
                        weights.append(made)
                    trail.append((*made, p))
                    continue
                if summed is not None:
                    continue
                rate = self._dropped(op, value)
                if rate is not None:
                    trail.append((op.outputs[0], places, rate))
                    continue
                found = self._sum(op, value, places, keys)
                if found is None and aten(op) in ("slice", "narrow") and self._is_weighing(op.outputs[0]):
                    raise Unclear("its softmax runs over more than the keys")
                if found is None and self._is_mixed(op, value, places, keys):
                    raise Unclear("its weights are mixed between heads before they weigh values")
                if found is not None:
                    total, v, result, ops = found
                    summed = weights, p, total, v, result, ops
        return summed

    def _dropped(self, op: Op, value: str) -> float | None:
        """How much of a value an op drops at random, when it does that."""
        if aten(op) in _DROPOUTS:
            given = op.attribute("p", 0.5)
            return float(given) if isinstance(given, (int, float)) else None
        others = [one for one in op.reads if one != value]
        if aten(op) != "mul" or len(others) != 1 or self.reader.depends[others[0]] != RANDOM:
            return None
        here = self.graph.producer.get(others[0])
        while here is not None and aten(here) in ("div", *SAME):  # kept ones are made larger
            here = self.graph.producer.get(next(iter(here.reads)))
        kept = here.attribute("p") if here is not None and aten(here) == "bernoulli" else None
        return round(1 - kept, 9) if isinstance(kept, (int, float)) else None

    def _is_weighing(self, value: str) -> bool:
        """Whether a product of two computed things reads a value, or a view of it."""
        for _ in range(8):
            readers = self.graph.readers.get(value, ())
            if any(aten(op) in ("bmm", "matmul") and not any(map(self.reader.is_stored, op.reads)) for op in readers):
                return True
            if len(readers) != 1 or self.reader.back_source(readers[0]) is None:
                return False
            value = readers[0].outputs[0]
        return False

    def _is_mixed(self, op: Op, value: str, places: Places, keys: tuple[int, ...]) -> bool:
        """Whether a layer runs over something else than keys."""
        if aten(op) not in ("mm", "addmm", "linear", "convolution"):
            return False
        made = self.strands.forward(op, value, places)
        if made is None or not self.reader.is_weight(made[0][0]):
            return False
        return set(self.space.flat(keys)) <= set(self.space.all_over(made[1]))

    def _sum(self, op: Op, value: str, places: Places, keys: tuple[int, ...]) -> tuple[str, Site, Places, list[Op]] | None:
        """A product of weights and values over all keys."""
        last = op
        if aten(op) == "mul":
            readers = self.graph.readers.get(op.outputs[0], ())
            if len(readers) != 1 or aten(readers[0]) != "sum":
                return None
            last = readers[0]
        elif aten(op) not in ("bmm", "mm", "mv", "matmul"):
            return None
        total = last.outputs[0]
        if last is op:
            made = self.strands.forward(op, value, places)
            if made is None:
                return None
            v, out, _ = made
        else:
            product = self._summed(last, value, places)
            if product is None:
                return None
            v, out = product
        gone = set(self.space.all_over(places)) - set(self.space.all_over(out))
        if gone != set(self.space.flat(keys)):
            return None
        return total, v, out, [op, last] if last is not op else [op]

    def _summed(self, op: Op, value: str, places: Places) -> tuple[Site, Places] | None:
        """Weights multiplied with values element by element, then summed."""
        inner = self.graph.producer[self.reader.slot(op, "self")]
        sizes = self.reader.sizes(inner.outputs[0])
        others = [one for one in inner.reads if one != value]
        if len(others) != 1:
            return None
        small = self.reader.sizes(value)
        padded = (*((0, ()) for _ in range(len(sizes) - len(small))), *places)
        wide = (*(1 for _ in range(len(sizes) - len(small))), *small)
        whole = tuple(place if size == big else self.space.new(big) for place, size, big in zip(padded, wide, sizes, strict=True))
        dims = op.attribute("dim")
        dims = dims if isinstance(dims, tuple) else (dims,)
        if len(dims) != 1 or not isinstance(dims[0], int):
            return None
        at = dims[0] % len(sizes)
        rest = ((0, ()),) if op.attribute("keepdim", False) else ()
        return (others[0], narrowed(whole, sizes, self.reader.sizes(others[0]))), (*whole[:at], *rest, *whole[at + 1 :])

    # ---- fused -------------------------------------------------------------------------------------------------------

    def _fused(self, op: Op) -> Match:
        """One op that is all of the core: torch's scaled dot-product attention."""
        q, k, v = (self.reader.slot(op, name) for name in ("query", "key", "value"))
        out = op.outputs[0]
        sizes, of_keys = self.reader.sizes(q), self.reader.sizes(k)
        places = self.reader.new(out)
        features, keys = self.space.new(sizes[-1]), self.space.new(of_keys[-2])
        lead = places[:-2]
        q_places = (*narrowed(lead, self.reader.sizes(out)[:-2], sizes[:-2]), places[-2], features)
        shared = []
        for name in (k, v):
            mine = self.reader.sizes(name)[:-2]
            here = []
            for place, big, size in zip(lead, self.reader.sizes(out)[:-2], mine, strict=True):
                if size in (big, 1):
                    here.append(place if size == big else (0, ()))
                elif big % size == 0:
                    here.append(self.space.view([place], [big], [size, big // size])[0])
                else:
                    raise Unclear("heads of queries and keys do not fit")
            shared.append(tuple(here))
        scale = op.attribute("scale")
        scores = Scores(
            Product(op, (q, q_places), (k, (*shared[0], keys, features)), tuple(self.space.over(features))),
            float(scale) if isinstance(scale, (int, float)) else sizes[-1] ** -0.5,
            causal=bool(op.attribute("is_causal", False)),
        )
        if scores.causal and sizes[-2] != of_keys[-2]:
            raise Unclear("it is causal from the first key on, and there are more keys than queries")
        mask = next((s.refs[0].value for s in op.inputs if s.name in ("attn_mask", "attn_bias")), None)
        if mask is not None:
            square = (*lead, places[-2], keys)
            whole = (*self.reader.sizes(out)[:-1], of_keys[-2])
            site = (mask, narrowed(square, whole, self.reader.sizes(mask)))
            if self.graph.value_by_id[mask].type.dtype == "bool":
                scores.masked.append(Masked(site, "keep"))
            else:
                scores.added.append(Added(site, 1.0))
        p = op.attribute("dropout_p", 0.0)
        rate = float(p) if isinstance(p, (int, float)) else 0.0
        v_site = (v, (*shared[1], keys, places[-1]))
        assert scores.product is not None
        return self._match(op, [], rate, scores, scores.product, v_site, (out, places), tuple(self.space.over(keys)), [op])

    # ---- roles -------------------------------------------------------------------------------------------------------

    def _match(
        self,
        op: Op,
        weights: list[Site],
        dropout: float,
        scores: Scores,
        product: Product,
        v: Site,
        total: Site,
        keys: tuple[int, ...],
        core: list[Op],
    ) -> Match:
        over_keys = set(self.space.flat(keys))
        left, right = (set(self.space.all_over(site[1])) & over_keys for site in (product.left, product.right))
        if (left and right) or not (left or right or not over_keys):
            raise Unclear("the softmax runs over what both factors of its scores have")
        q_site, k_site = (product.right, product.left) if left else (product.left, product.right)
        features = product.over
        q = self.strands.strand("q", q_site, features)
        k = self.strands.strand("k", k_site, features)
        rows = set(self.space.all_over(total[1]))
        v_strand = self.strands.strand("v", v, ())
        values = tuple(atom for atom in self.space.all_over(v[1]) if atom in rows and atom not in self._of(product))
        out = self.strands.outgoing(*total, merged=set(values))
        found = Match(op, weights, dropout, scores, q, k, v_strand, out, core, features, values, keys)
        found.core = [*core, *self._ends(found)]
        Roles(self.reader, found).assign()
        found.reading = self.scores.reading(scores, list(found.queries), list(found.keys))
        return found

    def _of(self, product: Product) -> set[int]:
        return {*self.space.all_over(product.left[1]), *self.space.all_over(product.right[1])}

    def _ends(self, found: Match) -> list[Op]:
        """The ops that make the projections."""
        listed = [one.projected[0] for one in (found.q, found.k, found.v) if one.projected is not None]
        listed += [found.out.outputs[0][0]] if found.out.outputs else []
        return [self.graph.producer[one] for one in listed]


__all__ = ["Finder", "Match", "Refused"]
