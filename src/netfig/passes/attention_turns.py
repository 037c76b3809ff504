"""One feature of a head as a sum of features that are turned: what a rotation makes of it."""

from __future__ import annotations

from netfig.passes.attention_follow import aten
from netfig.passes.attention_index import Places
from netfig.passes.attention_products import INPUT, PARAMETER, Reader, Site
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass

_MOST_TERMS = 4


@dataclass(frozen=True, slots=True)
class Term:
    """``sign · value[places]``, times a factor: a value, its place, and which part of a complex number."""

    sign: int
    value: str
    places: Places
    factor: tuple[str, Places, int | None] | None = None


class Turns:
    """Reads features of one graph."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader

    def terms(self, value: str, places: Places, part: int | None) -> list[Term]:
        """One feature of a value as a sum; `part` says which part of a complex number."""
        reader = self.reader
        while (step := reader.back(value, places)) is not None:
            value, places = step
        op = reader.graph.producer.get(value)
        name = aten(op) if op is not None else ""
        if op is None:
            return [Term(1, value, places)] if part is None else self._unclear(value)
        reads = list(op.reads)
        if name == "view_as_real":
            return self.terms(reads[0], places[:-1], places[-1][0]) if not places[-1][1] else self._unclear(value)
        if name == "view_as_complex":
            return self.terms(reads[0], (*places, (part or 0, ())), None)
        if name == "neg":
            return [Term(-one.sign, one.value, one.places, one.factor) for one in self.terms(reads[0], places, part)]
        pair = reader.pair(op, places) if name in ("add", "sub", "mul") and op.attribute("alpha", 1) == 1 else None
        if pair is None or any(reader.is_weight(one) and reader.is_stored(one) for one in reads):
            return [Term(1, value, places)] if part is None else self._unclear(value)
        if name == "mul":
            return self._turned(pair, part)
        second = self.terms(*pair[1], part)
        if name == "sub":
            second = [Term(-one.sign, one.value, one.places, one.factor) for one in second]
        found = [*self.terms(*pair[0], part), *second]
        return found if len(found) <= _MOST_TERMS else self._unclear(value)

    def _turned(self, pair: tuple[Site, Site], part: int | None) -> list[Term]:
        """A product of features and angles."""
        one, other = pair
        if self._is_angle(one[0]) and not self._is_angle(other[0]):
            one, other = other, one
        elif not self._is_angle(other[0]):
            return self._unclear(one[0])
        if part is None:
            return [self._times(term, (*other, None)) for term in self.terms(*one, None)]
        real, imaginary = (self.terms(*one, side) for side in (0, 1))
        if part == 0:
            turned = [self._times(term, (*other, 1)) for term in imaginary]
            return [
                *(self._times(term, (*other, 0)) for term in real),
                *(Term(-t.sign, t.value, t.places, t.factor) for t in turned),
            ]
        return [*(self._times(term, (*other, 1)) for term in real), *(self._times(term, (*other, 0)) for term in imaginary)]

    def _is_angle(self, value: str) -> bool:
        """Whether a value is made from positions alone: from no weight, and not of an input's own numbers."""
        bits = self.reader.depends[value]
        return not bits & PARAMETER and (not bits & INPUT or self._is_function_of_place(value))

    def _is_function_of_place(self, value: str) -> bool:
        """Whether it is a cosine or sine."""
        for _ in range(12):
            op = self.reader.graph.producer.get(value)
            if op is None:
                return False
            if aten(op) in ("cos", "sin", "polar"):
                return True
            reads = list(op.reads)
            if not reads:
                return False
            value = reads[0]
        return False

    def _times(self, term: Term, factor: tuple[str, Places, int | None]) -> Term:
        return Term(term.sign, term.value, term.places, factor) if term.factor is None else self._unclear(term.value)[0]

    def _unclear(self, value: str) -> list[Term]:
        raise Unclear(f"{value} is no rotation")
