"""Reads scores back from a softmax to the product of queries and keys, and what is added and masked on the way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field
from typing import Any, Final, Literal

from netfig.graph.types import Op
from netfig.passes.attention_follow import aten, narrowed
from netfig.passes.attention_index import Places
from netfig.passes.attention_patterns import Patterns
from netfig.passes.attention_products import INPUT, PARAMETER, Product, Reader, Site
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass

Means = Literal["keep", "drop", "add"]
LOW: Final = -1e4
"""What is filled in or added where a key must not be seen is this or less."""
_STEPS: Final = 400


@dataclass(frozen=True, slots=True)
class Added:
    """Something added to the scores: `factor` times a value."""

    site: Site
    factor: float
    near: Site | None = None


@dataclass(frozen=True, slots=True)
class Masked:
    """Where keys may be seen (``keep``) or may not (``drop``), or numbers that say so when they are added.

    `site` is a view of nothing else; `near`, which may be nearer to where it is read, is a view of it.
    """

    site: Site
    means: Means
    near: Site | None = None


@dataclass(eq=False)
class Scores:
    """A product of queries and keys and what was done to it before the softmax."""

    product: Product | None = None
    factor: float = 1.0
    learned: Site | None = None
    cap: float | None = None
    added: list[Added] = field(default_factory=list)
    masked: list[Masked] = field(default_factory=list)
    causal: bool = False


@dataclass(eq=False)
class Reading:
    """What the added and masked things turned out to be."""

    kinds: list[str] = field(default_factory=list)
    window: int | None = None
    biases: list[Added] = field(default_factory=list)
    masks: list[Masked] = field(default_factory=list)
    position: Literal["none", "relative", "alibi"] = "none"


class ScoreReader:
    """Reads the scores of one graph."""

    def __init__(self, reader: Reader) -> None:
        self.reader, self.space, self.graph = reader, reader.space, reader.graph
        self.constants = reader.constants
        self._leads: dict[str, bool] = {}
        self.patterns = Patterns(self.space)

    def scores(self, value: str, places: Places) -> Scores:
        """What a softmax reads.

        Raises:
            Unclear: it is no product of queries and keys, or something is done to it that attention does not do.
        """
        found = Scores()
        for _ in range(_STEPS):
            step = self.reader.back(value, places)
            if step is not None:
                value, places = step
                continue
            op = self.graph.producer.get(value)
            if op is None:
                raise Unclear("what the softmax reads is no product of queries and keys")
            product = self.reader.product(value, places)
            if product is not None:
                self._product(found, product)
                return found
            value, places = self._step(found, op, value, places)
        raise Unclear("what the softmax reads is too far from a product of queries and keys")

    def _product(self, found: Scores, product: Product) -> None:
        if product.addend is not None:
            if found.cap is not None or found.learned is not None:
                raise Unclear("the scores are scaled after something was added to them")
            found.added.append(Added(product.addend, product.beta * found.factor))
        found.factor *= product.alpha
        for side in (product.left[0], product.right[0]):
            if self.reader.is_stored(side):
                raise Unclear("its scores are a projection, no product of queries and keys")
        found.product = product

    def _step(self, found: Scores, op: Op, value: str, places: Places) -> Site:
        """One op back, what it does noted down."""
        name, reads, sizes = aten(op), list(op.reads), self.reader.sizes(value)
        if (scaled := self.reader.multiplied(op)) is not None:
            found.factor *= scaled[1]
            return scaled[0], narrowed(places, sizes, self.reader.sizes(scaled[0]))
        if name == "tanh":
            if found.cap is not None or found.learned is not None:
                raise Unclear("the scores go through tanh after they were scaled")
            found.cap, found.factor = found.factor, 1.0
            return reads[0], places
        if name in ("add", "sub") and len(reads) == 1 and op.attribute("other") is not None:
            return reads[0], places  # the same number added to all scores changes no softmax
        if (found.cap is not None or found.learned is not None) and name in ("masked_fill", "where", "add", "sub"):
            raise Unclear("the scores are scaled after something was added to them")
        if name == "masked_fill":
            self._is_low(op, reads[2] if len(reads) > 2 else None)
            mask = self.reader.slot(op, "mask")
            found.masked.append(Masked((mask, narrowed(places, sizes, self.reader.sizes(mask))), "drop"))
            return self._onto(reads[0], places, sizes)
        if name == "where":
            return self._where(found, op, reads, places, sizes)
        pair = self.reader.pair(op, places) if name in ("add", "sub", "mul", "div") else None
        if pair is None:
            raise Unclear(f"the scores go through {op.kind}")
        own, other = pair if self.leads(pair[0][0]) or not self.leads(pair[1][0]) else (pair[1], pair[0])
        if name in ("mul", "div"):
            if name == "div" or found.learned is not None or self.reader.depends[other[0]] & INPUT:
                raise Unclear("the scores are multiplied by something that is computed")
            found.learned = other
            return own
        alpha = op.attribute("alpha", 1)
        sign = -1.0 if name == "sub" else 1.0
        if (name == "sub" and own is pair[1]) or not isinstance(alpha, (int, float)) or (alpha != 1 and own is pair[1]):
            raise Unclear("the scores are taken from something else")
        found.added.append(Added(other, found.factor * sign * alpha))
        return own

    def _onto(self, value: str, places: Places, sizes: Sequence[int]) -> Site:
        return value, narrowed(places, sizes, self.reader.sizes(value))

    def _where(self, found: Scores, op: Op, reads: list[str], places: Places, sizes: Sequence[int]) -> Site:
        """Scores or a low number, as a condition says."""
        slots = {s.name: s.refs[0].value for s in op.inputs}
        condition = slots.get("condition", reads[0])
        mask = (condition, narrowed(places, sizes, self.reader.sizes(condition)))
        one, other = slots.get("self"), slots.get("other")
        if one is not None and self.leads(one):
            self._is_low(op, other, "other")
            found.masked.append(Masked(mask, "keep"))
            return self._onto(one, places, sizes)
        if other is not None and self.leads(other):
            self._is_low(op, one, "self")
            found.masked.append(Masked(mask, "drop"))
            return self._onto(other, places, sizes)
        raise Unclear("the scores are chosen by a condition")

    def _is_low(self, op: Op, value: str | None, key: str = "value") -> None:
        number = self._level(value) if value is not None else op.attribute(key)
        if not isinstance(number, (int, float)) or number > LOW:
            raise Unclear(f"masked scores become {number}, which does not hide them")

    def _level(self, value: str) -> float | None:
        """The number that fills a tensor."""
        if self.reader.depends[value]:
            return None
        array = self.constants.array(value)
        return float(array.flat[0]) if array is not None and array.size and (array == array.flat[0]).all() else None

    def leads(self, value: str) -> bool:
        """Whether a value goes back to a product of two things that are both computed."""
        if value in self._leads:
            return self._leads[value]
        trail, found, here = [], False, value
        for _ in range(_STEPS):
            trail.append(here)
            op = self.graph.producer.get(here)
            if op is None:
                break
            name = aten(op)
            if name in ("bmm", "baddbmm", "mm", "addmm", "matmul", "sum", "mv"):
                sides = list(op.reads)[-2:] if name != "sum" else [next(iter(op.reads))]
                found = not any(self.reader.is_stored(side) for side in sides) and (name != "sum" or self._is_product(sides[0]))
                break
            reads = list(op.reads)
            if not reads:
                break
            if name in ("add", "mul", "sub", "where") and len(reads) > 1:
                found = any(self.leads(one) for one in reads[-2:])
                break
            if len(reads) > 1 and name not in ("masked_fill", "div"):
                break
            here = reads[0]
        for one in trail:
            self._leads[one] = found
        return found

    def _is_product(self, value: str) -> bool:
        op = self.graph.producer.get(value)
        return op is not None and aten(op) == "mul" and len(list(op.reads)) == 2

    # ---- what was added and masked -----------------------------------------------------------------------------------

    def reading(self, scores: Scores, queries: list[int], keys: list[int]) -> Reading:
        """What the added and masked things are, over atoms of queries and keys in order."""
        found = Reading()
        if scores.causal:
            found.kinds.append("causal")
        for masked in scores.masked:
            self._mask(found, masked, queries, keys)
        waiting = list(scores.added)
        while waiting:
            one = waiting.pop(0)
            waiting = [*self._added(found, one, queries, keys), *waiting]
        return found

    def _mask(self, found: Reading, masked: Masked, queries: list[int], keys: list[int]) -> None:
        """A mask of truth values; what says ``not`` is followed."""
        value, places = near = masked.site
        means = masked.means
        while True:
            step = self.reader.back(value, places)
            op = self.graph.producer.get(value)
            if step is not None:
                value, places = step
            elif op is not None and aten(op) in ("logical_not", "bitwise_not"):
                value, means = next(iter(op.reads)), "drop" if means == "keep" else "keep"
                near = (value, places)
            elif op is not None and aten(op) in ("eq", "ne") and op.attribute("other") == 0 and means != "add":
                value = next(iter(op.reads))
                means = {"drop": "keep", "keep": "drop"}[means] if aten(op) == "eq" else means  # type: ignore[assignment]
                near = (value, places)
            else:
                break
        if not self.reader.depends[value]:
            array = self.constants.array(value)
            if array is not None:
                kind, window = self.patterns.kind(array, (id(array), ""), places, means, queries, keys)
                if kind != "given":
                    self._say(found, kind, window)
                    return
        found.masks.append(Masked((value, places), means, near))
        self._say_read(found, (value, places), queries)

    def _say_read(self, found: Reading, site: Site, queries: list[int]) -> None:
        own = set(self.space.all_over(site[1]))
        self._say(found, "given" if own & set(self.space.flat(queries)) else "padding", None)

    def _say(self, found: Reading, kind: str, window: int | None) -> None:
        for one in kind.split():
            if one not in found.kinds:
                found.kinds.append(one)
        found.window = window if window is not None else found.window

    def _added(self, found: Reading, added: Added, queries: list[int], keys: list[int]) -> list[Added]:
        """One thing that was added; what it is the sum of is handed back."""
        value, places = added.site
        while (step := self.reader.back(value, places)) is not None:
            value, places = step
        site = (value, places)
        if not self.reader.depends[value]:
            array = self.constants.array(value)
            if array is not None:
                return self._constant(found, site, array, added.factor, queries, keys)
        op = self.graph.producer.get(value)
        if op is not None and aten(op) == "add" and op.attribute("alpha", 1) == 1:
            pair = self.reader.pair(op, places)
            if pair is not None:
                return [Added(one, added.factor) for one in pair]
        chosen = self._chosen(op, places, added.factor) if op is not None else None
        if chosen is not None:
            self._mask(found, chosen, queries, keys)
            return []
        bits = self.reader.depends[value]
        if bits & PARAMETER or added.factor != 1:
            found.position = found.position if bits & INPUT else "relative"
            found.biases.append(Added(site, added.factor, added.site))
        else:
            found.masks.append(Masked(site, "add", added.site))
            self._say_read(found, site, queries)
        return []

    def _chosen(self, op: Op, places: Places, factor: float) -> Masked | None:
        """A mask that is added as 0 or a low number, as a condition says."""
        name, slots, sizes = aten(op), {s.name: s.refs[0].value for s in op.inputs}, self.reader.sizes(op.outputs[0])
        if name == "where":
            condition = slots["condition"]
            levels = [self._level(slots[key]) if key in slots else op.attribute(key) for key in ("self", "other")]
        elif name == "masked_fill":
            condition = slots["mask"]
            levels = [self._level(slots["value"]) if "value" in slots else op.attribute("value"), self._level(slots["self"])]
        else:
            return None
        if not all(isinstance(one, (int, float)) for one in levels):
            return None
        yes, no = (float(one) * factor for one in levels)  # type: ignore[arg-type]
        site = (condition, narrowed(places, sizes, self.reader.sizes(condition)))
        if yes == 0 and no <= LOW:
            return Masked(site, "keep")
        return Masked(site, "drop") if no == 0 and yes <= LOW else None

    def _constant(
        self, found: Reading, site: Site, array: Any, factor: float, queries: list[int], keys: list[int]
    ) -> list[Added]:
        """Something that was added and whose numbers are known."""
        token = (id(array), str(factor))
        array = array * factor
        if not array.any():
            return []
        if ((array == 0) | (array <= LOW)).all():
            kind, window = self.patterns.kind(array == 0, token, site[1], "keep", queries, keys)
            if kind == "given":
                found.masks.append(Masked(site, "add", site))
                self._say_read(found, site, queries)
            else:
                self._say(found, kind, window)
            return []
        found.position = (
            "alibi" if found.position == "none" and self.patterns.is_slope(array, site[1], queries, keys) else found.position
        )
        found.biases.append(Added(site, factor))
        return []


__all__ = ["Added", "Masked", "Means", "Reading", "ScoreReader", "Scores"]
