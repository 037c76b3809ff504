"""What a block reads between its sources and its output: weights, norms, rotation, biases and masks, in its own order."""

from __future__ import annotations

from collections.abc import Sequence

from netfig.passes.attention_arrange import Arrange
from netfig.passes.attention_find import Finder
from netfig.passes.attention_fused import fused_rows
from netfig.passes.attention_products import PARAMETER, Norm, Site, Strand
from netfig.passes.attention_roles import Match
from netfig.passes.attention_rotary import Angle, Rotary
from netfig.passes.attention_scores import Added, Masked
from netfig.passes.recognise_atoms import Unclear

_NEAR = 1e-6
"""A scale this near to 1/√d_k is meant to be that: constants of models have the precision of float32."""


class Inside:
    """One match, its atoms by role, and what its block reads."""

    means: str = "keep"
    norm_over: str = "head"

    def __init__(self, finder: Finder, match: Match, arrange: Arrange, stop: frozenset[str]) -> None:
        self.finder, self.reader, self.space = finder, finder.reader, finder.space
        self.m, self.arrange, self.stop = match, arrange, stop
        far = [self._chain(one.source)[-1][0] for one in (match.q, match.k, match.v)]  # first: this splits atoms further
        self.is_cross = self._crosses(match.origins or tuple(far), match.q.weight is None)
        flat = self.space.flat
        self.heads, self.kv = flat(match.heads), flat(match.shared)
        self.n, self.keys = flat(match.queries), flat(match.keys)
        self.d, self.dv = flat(match.features), flat(match.values)
        self.batch: list[list[int]] = []
        self.reads: dict[str, str | Sequence[str]] = {}
        self.stored: dict[str, None] = {}

    def _crosses(self, origins: tuple[str, ...], bare: bool) -> bool:
        """Whether keys come from elsewhere than queries; where no projection says so, as far as it can be seen."""
        if not bare or all(one not in self.reader.graph.producer for one in origins):
            return len(set(origins)) > 1
        return self.space.extent(self.m.queries) != self.space.extent(self.m.keys)

    def _chain(self, site: Site) -> list[Site]:
        """A source and what it is a view of, as far as it belongs to the attention's own module."""
        found: list[Site] = []
        for one in self.reader.origin(*site):
            found.append(one)
            if one[0] in self.stop:
                break
        return found

    # ---- weights -----------------------------------------------------------------------------------------------------

    def _rows(self, letter: str) -> list[int]:
        return {"q": [*self.heads, *self.d], "k": [*self.kv, *self.d], "v": [*self.kv, *self.dv]}[letter]

    def _weights(self, columns: dict[str, list[int]]) -> tuple[str, int]:
        """The weights of the projections; how they are fused, and in how many groups."""
        m = self.m
        strands = {one: getattr(m, one) for one in "qkv" if getattr(m, one).weight is not None}
        for letter, strand in strands.items():
            if set(self.space.all_over(strand.weight[1])) != {*self._rows(letter), *columns[letter]}:
                raise Unclear("a projection has a dimension that is no head and no feature")
        counts = (self.space.extent(self.kv), self.space.extent(self.heads))
        for letters in ("qkv", "kv"):
            if not all(one in strands for one in letters):
                continue
            rows = {one: self._rows(one) for one in letters}
            groups = fused_rows(self.space, self.reader, strands, letters, rows, columns, counts)
            if groups:
                self._fused(letters, strands, columns)
                self._apart([one for one in strands if one not in letters], strands, columns)
                return letters, groups
        self._apart(list(strands), strands, columns)
        return "none", 1

    def _fused(self, letters: str, strands: dict[str, Strand], columns: dict[str, list[int]]) -> None:
        strand = strands[letters[-1]]
        assert strand.weight is not None
        value, places = strand.weight
        at = next((k for k, place in enumerate(places) if set(self.space.over(place)) & set(columns[letters[-1]])), 1)
        sizes = self.reader.sizes(value)
        whole = [self.space.new(size) if k != at else self.space.of(columns[letters[-1]]) for k, size in enumerate(sizes)]
        rows = self.space.over(whole[1 - at])
        self.reads[f"{letters}.weight"] = self.arrange.bring((value, tuple(whole)), [rows, columns[letters[-1]]])
        self.stored[value] = None
        if strand.bias is not None:
            self.reads[f"{letters}.bias"] = strand.bias[0]
            self.stored[strand.bias[0]] = None

    def _apart(self, letters: Sequence[str], strands: dict[str, Strand], columns: dict[str, list[int]]) -> None:
        for letter in letters:
            strand = strands[letter]
            assert strand.weight is not None
            self.reads[f"{letter}.weight"] = self.arrange.bring(strand.weight, [self._rows(letter), columns[letter]])
            self.stored[strand.weight[0]] = None
            if strand.bias is not None:
                self.reads[f"{letter}.bias"] = self.arrange.bring(strand.bias, [self._rows(letter)])
                self.stored[strand.bias[0]] = None

    # ---- between -----------------------------------------------------------------------------------------------------

    def _scale(self) -> str | float:
        m = self.m
        total = m.q.factor * m.k.factor * m.scores.factor * (m.scores.cap or 1.0)
        if m.scores.learned is not None:
            wanted: list[list[int]] = [*([] for _ in self.batch), *([self.heads] if self.heads else []), [], []]
            self.reads["scale"] = self.arrange.scaled(self.arrange.read(m.scores.learned, wanted), total)
            self.stored[m.scores.learned[0]] = None
            return "learned"
        size = self.space.extent(self.d)
        if abs(total * size**0.5 - 1) < _NEAR:
            return "sqrt"
        return "none" if abs(total - 1) < _NEAR else float(total)

    def _scores(self) -> tuple[str, ...]:
        """Biases and masks that are read; which masks there are."""
        reading, square = self.m.reading, [*self.batch, *([self.heads] if self.heads else []), self.n, self.keys]
        biases = [self.arrange.scaled(self._nearest(one, square), one.factor) for one in reading.biases]
        meant = [one.means for one in reading.masks]
        self.means = "add" if meant and set(meant) == {"add"} else next((one for one in meant if one != "add"), "keep")
        masks: list[str] = []
        for one in reading.masks:
            value = self._nearest(one, square)
            if one.means == self.means:
                masks.append(value)
            elif one.means == "add":
                biases.append(value)
            else:
                masks.append(self.arrange.turned_off(value))
        if biases:
            self.reads["bias"] = biases
        if masks:
            self.reads["mask"] = masks
        for added in reading.biases:
            if self.reader.depends[added.site[0]] & PARAMETER:
                self.stored[added.site[0]] = None
        found = [one for one in ("causal", "window", "padding", "given") if one in reading.kinds]
        if not masks:
            found = [one for one in found if one in ("causal", "window")]
        elif "padding" not in found and "given" not in found:
            found.append("given")
        return tuple(found)

    def _nearest(self, one: Added | Masked, wanted: list[list[int]]) -> str:
        """What was added or masked with, as it is read if that will do."""
        for site in self.reader.origin(*(one.near or one.site)):
            if self.arrange.fits(site, wanted):
                return site[0]
            if site[0] == one.site[0]:
                break
        return self.arrange.read(one.site, wanted)

    def _norms(self) -> Norm | None:
        """The norm of queries and keys."""
        q, k = self.m.q, self.m.k
        if q.norm is None or k.norm is None:
            return None
        overs = []
        for strand, heads in ((q, self.heads), (k, self.kv)):
            over = self.space.flat(strand.norm_over)
            overs.append("head" if set(over) == set(self.d) else "all" if set(over) == {*heads, *self.d} else "")
        if overs[0] != overs[1] or not overs[0] or (q.norm.weight is None) != (k.norm.weight is None):
            raise Unclear("queries and keys have norms that are not alike")
        if overs[0] == "all" and q.weight is None:
            raise Unclear("queries and keys have a norm over all heads after they were split")
        self.norm_over = overs[0]
        for strand, heads in ((q, self.heads), (k, self.kv)):
            norm, over = strand.norm, self.space.flat(strand.norm_over)
            assert norm is not None
            wanted = [self.d] if overs[0] == "head" else [[*heads, *self.d]]
            for what, value in (("weight", norm.weight), ("bias", norm.bias)):
                if value is not None:
                    self.reads[f"{strand.letter}_norm.{what}"] = self.arrange.bring((value, (self.space.of(over),)), wanted)
                    self.stored[value] = None
        return q.norm

    def _rotary(self) -> Rotary | None:
        """The rotation of queries and keys."""
        q, k = self.m.q.rotary, self.m.k.rotary
        if not isinstance(q, Rotary) or not isinstance(k, Rotary):
            return None
        if (q.style, q.dims) != (k.style, k.dims):
            raise Unclear("queries and keys are rotated in different ways")
        found = [self._angle(one, tokens) for rotary, tokens in ((q, self.n), (k, self.keys)) for one in (rotary.cos, rotary.sin)]
        self.reads["cos"], self.reads["sin"] = found[:2]
        if found[2:] != found[:2]:
            self.reads["k_cos"], self.reads["k_sin"] = found[2:]
        return q

    def _angle(self, angle: Angle, tokens: list[int]) -> str:
        """Cosines or sines as tokens × features, with what else they depend on in front."""
        value, places = angle.value, angle.places
        if angle.part is not None:
            value, places = self.arrange.real(value), (*places, (angle.part, ()))
        heads = [self.heads] if self.heads else []
        known = {*(a for one in self.batch for a in one), *self.heads, *tokens}
        turned = [a for a in self.space.over(angle.places[angle.at]) if a not in known]
        read = self.arrange.read((value, places), [*self.batch, *heads, tokens, turned])
        return self.arrange.widened(read, angle.wide) if angle.wide else read
