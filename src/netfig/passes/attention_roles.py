"""One attention as it was found, and what each of its dimensions is: batch, head, query, key or feature."""

from __future__ import annotations

from dataclasses import field

from netfig.graph.types import Op
from netfig.passes.attention_index import Places
from netfig.passes.attention_products import Reader, Site, Strand
from netfig.passes.attention_scores import Reading, Scores
from netfig.passes.attention_strands import Outgoing
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass


@dataclass(eq=False)
class Match:
    """One attention as it was found: strands, scores, output, and what each atom means."""

    start: Op
    weights: list[Site]
    dropout: float
    scores: Scores
    q: Strand
    k: Strand
    v: Strand
    out: Outgoing
    core: list[Op]
    features: tuple[int, ...] = ()
    values: tuple[int, ...] = ()
    keys: tuple[int, ...] = ()
    queries: tuple[int, ...] = ()
    heads: tuple[int, ...] = ()
    shared: tuple[int, ...] = ()
    batch: tuple[int, ...] = ()
    bare: bool = False
    origins: tuple[str, ...] = ()
    reading: Reading = field(default_factory=Reading)


class Roles:
    """Says what each atom of a match is: batch, head, query, key, feature."""

    def __init__(self, reader: Reader, match: Match) -> None:
        self.reader, self.space, self.match = reader, reader.space, match

    def assign(self) -> None:
        """Fill in the roles.

        Raises:
            Unclear: an atom has none.
        """
        m, flat = self.match, self.space.flat
        features, keys = set(flat(m.features)), set(flat(m.keys))
        of_q = set(self.space.all_over(m.q.visits[0][1])) - features
        of_k = set(self.space.all_over(m.k.visits[0][1])) - features
        if (of_k - of_q) != keys or of_q & keys:
            raise Unclear("its keys have a dimension that is no key, head or batch")
        if m.q.weight is not None and features and features <= set(self.space.all_over(m.q.source[1])):
            raise Unclear("it compares features over all tokens, not tokens")
        if self._differs() or self._is_split_early(features):
            m.origins = tuple(self.reader.origin(*one.source)[-1][0] for one in (m.q, m.k, m.v))
            self._strip()
        deep_k = set(self.space.all_over(m.k.visits[-1][1]))
        of_v = set(self.space.all_over(m.v.visits[-1][1]))
        of_k, of_q = set(self.space.flat(of_k)), set(self.space.flat(of_q))
        weighed = (of_q | of_k) - keys
        heads = self._heads(weighed, of_q & of_k)
        m.heads = tuple(heads)
        own = set(heads)
        m.queries = tuple(a for a in self._order(m.q.visits[0][1], m.q.source[1]) if a in of_q - of_k - own)
        m.batch = tuple(a for a in self._order(m.q.visits[0][1], m.q.source[1]) if a in (of_q & of_k) - own)
        m.shared = tuple(a for a in heads if a in deep_k)
        m.keys = tuple(a for a in self._order(m.k.visits[0][1], m.k.source[1]) if a in keys)
        m.values = tuple(a for a in self._order(m.v.visits[0][1], ()) if a in of_v - own - set(m.batch) - keys)
        m.features = tuple(a for a in self._rows(m.q) if a in features) or tuple(flat(m.features))
        if {a for a in heads if a in of_v} != set(m.shared):
            raise Unclear("keys and values have different heads")
        if set(m.values) & (of_q | of_k):
            raise Unclear("its values have a dimension that is no key, head, batch or feature")
        m.heads = (*m.shared, *(a for a in heads if a not in deep_k))
        m.bare = m.q.weight is None

    def _order(self, *several: Places) -> list[int]:
        """Atoms as the last of these has them, then the others."""
        found: dict[int, None] = {}
        for places in reversed(several):
            found.update(dict.fromkeys(self.space.all_over(places)))
        return list(found)

    def _rows(self, strand: Strand) -> list[int]:
        """The atoms of the rows of a projection, in the order they are stored."""
        return self.space.all_over(strand.weight[1]) if strand.weight is not None else []

    def _heads(self, weighed: set[int], both: set[int]) -> list[int]:
        """The atoms that count heads, in the order in which weights have them."""
        m = self.match
        listed = [*self._rows(m.q), *self._rows(m.k), *self._rows(m.v)]
        if m.out.projection is not None:
            listed += self.space.all_over(m.out.projection.weight[1])
        found = [a for a in dict.fromkeys(listed) if a in weighed]
        if found or m.q.weight is not None or m.out.projection is not None:
            return found
        values = set(self.space.all_over(m.v.visits[0][1])) - set(self.space.flat(m.keys)) - weighed
        for _, places in m.out.heads:  # no weight says so: what is merged with the features of values
            for place in places:
                own = self.space.over(place)
                if set(own) & values and set(own) & weighed:
                    return [a for a in own if a in weighed]
        lead = m.q.source[1]
        return [a for a in self.space.over(lead[-3]) if a in both] if len(lead) > 3 else []

    def _differs(self) -> bool:
        """Whether queries and keys are not treated alike, as a block has it."""
        q, k = self.match.q, self.match.k
        norms = [None if one.norm is None else (one.norm.kind, one.norm.eps) for one in (q, k)]
        turned = [one.rotary is not None for one in (q, k)]
        return norms[0] != norms[1] or turned[0] != turned[1]

    def _is_split_early(self, features: set[int]) -> bool:
        """Whether heads were split before the projections, or only some of q, k and v are projected while there are heads."""
        m = self.match
        three = (m.q, m.k, m.v)
        of_q, of_k = (set(self.space.all_over(one.visits[0][1])) - features for one in three[:2])
        heads = set(self._heads((of_q | of_k) - set(self.space.flat(m.keys)), of_q & of_k))
        if any(one.weight is not None and heads & set(self.space.all_over(one.source[1])) for one in three):
            return True
        return bool(heads) and len({one.weight is None for one in three}) > 1

    def _is_whole(self, value: str, places: Places) -> bool:
        return all(self.space.is_all(p, s) for p, s in zip(places, self.reader.sizes(value), strict=True))

    def _strip(self) -> None:
        """Leave the projections out: heads come split, as they are multiplied."""
        m = self.match
        alike = not self._differs()
        for one in (m.q, m.k, m.v):
            if alike:
                last = one.visits[-1]
                whole = [v[:2] for v in one.visits if v[2:] == last[2:] and self._is_whole(v[0], v[1])]
                if not whole:
                    raise Unclear("its heads are put together from several things")
                one.source = whole[-1]
            else:
                one.source, one.rotary, one.norm, one.factor = (one.visits[0][0], one.visits[0][1]), None, None, 1.0
                one.visits = one.visits[:1]
            one.weight = one.bias = one.projected = None


__all__ = ["Match", "Roles"]
