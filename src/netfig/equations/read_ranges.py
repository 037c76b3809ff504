"""Sums of names with whole factors (``t-1``, ``2K``), and ranges (``i = 1..K``, ``for i ≥ 1``, ``1 <= i <= K``)."""

from __future__ import annotations

from itertools import pairwise
from typing import Final, cast

from parsy import Parser, Result, alt, seq, success

from netfig.equations.names import GREEK, join
from netfig.equations.read_tree import Line, Mistake, RangeText, Spelled, a_token, no, ok, plain_symbol, total
from netfig.equations.types import UNBOUNDED
from netfig.graph.types import Affine


def whole(stream: Line, index: int) -> Result:
    """A whole number of at most nine digits."""
    token = stream[index]
    if token.kind == "number" and token.text.isdigit() and len(token.text) < 10:
        return ok(index + 1, int(token.text))
    return no(index, "a whole number")


def _size_name(stream: Line, index: int) -> Result:
    if stream[index].kind not in ("name", "accent"):
        return no(index, "a name")
    found: Result = plain_symbol(stream, index)
    if found.status:
        spelled: Spelled = found.value.data
        if any(p.explicit for p in spelled.below):
            return no(index, "a name")
        return ok(found.index, join(spelled.base, tuple(p.word for p in spelled.below)))
    return found


def letter(stream: Line, index: int) -> Result:
    """The letter of a range."""
    found = _size_name(stream, index)
    if found.status and len(found.value) > 1 and found.value not in GREEK:
        raise Mistake("an index that runs is one letter", stream[index].start, stream[found.index - 1].end, "such as i")
    return found


_whole_number, size_name = Parser(whole), Parser(_size_name)

_star = a_token("*") | a_token("@")

_affine_term = alt(
    seq(_whole_number, (_star.optional() >> size_name).optional()).combine(
        lambda number, name: Affine(((name, number),)) if name else Affine((), number)
    ),
    size_name.map(lambda name: Affine(((name, 1),))),
)

_plus_minus = a_token("+").result(1) | a_token("-").result(-1)

affine = seq(_plus_minus.optional(1), _affine_term, seq(_plus_minus, _affine_term).many()).combine(
    lambda sign, first, rest: total([(sign, first), *map(tuple, rest)])
)
"""A sum of names with whole factors, ``t-1``, ``2K``."""

comma = a_token(",")

_dots = a_token("..", "'..'")

bound = affine | a_token("∞").result(UNBOUNDED)

_after_dots = (comma.optional() >> bound.optional(UNBOUNDED)).desc("a last index")


def _from_first(first: Affine) -> Parser:
    """What may follow the first index: ``..K``, ``, …, K``, ``, 2, …, K``, `to K``, or ``, 2, 3``."""
    listed = (comma >> _whole_number).many()

    def ends(numbers: list[int]) -> Parser:
        steps = [first.constant, *numbers] if first.number is not None else [*numbers]
        if any(b != a + 1 for a, b in pairwise(steps)) or (numbers and first.number is None):
            return Parser(lambda _, index: no(index, "indices that go up by one"))
        dots = comma.optional() >> _dots >> _after_dots
        return dots | a_token("to", "'to'") >> bound | (success(Affine((), steps[-1])) if numbers else _no_range)

    return listed.bind(ends).map(lambda last: (first, last))


_no_range = Parser(lambda _, index: no(index, "'..' and a last index"))


def _interval(stream: Line, index: int) -> Result:
    """``1..K``, or the same in any brackets."""
    opening = stream[index].kind
    closing = {"(": ")", "[": "]", "{": "}"}.get(opening)
    if closing is None:
        return cast("Result", affine.bind(_from_first)(stream, index))
    ahead = [t.kind for t in stream[index : index + 12]]
    inside = affine.bind(_from_first)
    if opening == "[" and "," in ahead and ".." not in ahead:  # [1, K]
        inside = affine.bind(lambda first: (comma >> bound).map(lambda last: (first, last)))
    if stream[index + 1].kind == "(":  # {\{1, …\}}
        inside = a_token("(") >> inside << a_token(")")
    return cast("Result", (inside << a_token(closing))(stream, index + 1))


_ABOVE: Final = {">=": 0, ">": 1}

_UNDER: Final = {"<=": 0, "<": -1}


def _moved(bound: Affine, by: int) -> Affine:
    return bound if bound == UNBOUNDED else Affine(bound.terms, bound.constant + by)


def _range(stream: Line, index: int) -> Result:
    """One or several letters and where they run: a list of `RangeText`."""
    start = stream[index].start
    if stream[index].kind == "number":  # 1 <= i <= K
        found = affine(stream, index)
        if not found.status or stream[found.index].kind not in _UNDER:
            return no(found.index if found.status else index, "a letter, such as i")
        first = _moved(found.value, -_UNDER[stream[found.index].kind])
        name = letter(stream, found.index + 1)
        if not name.status:
            return name
        return _upper(stream, name.index, [name.value], first, start)
    names = Parser(letter).sep_by(comma, min=1)(stream, index)
    if not names.status:
        return no(index, "a letter and its range, such as i = 1..K")
    at = names.index
    kind = stream[at].kind
    if kind in ("=", "in"):
        found = Parser(_interval)(stream, at + 1)
        if not found.status:
            return found
        first, last = found.value
        return ok(found.index, [RangeText(n, first, last, start, stream[found.index - 1].end) for n in names.value])
    if kind in _ABOVE:
        found = affine(stream, at + 1)
        if not found.status:
            return found
        first = _moved(found.value, _ABOVE[kind])
        return ok(found.index, [RangeText(n, first, UNBOUNDED, start, stream[found.index - 1].end) for n in names.value])
    if kind in _UNDER:
        return _upper(stream, at, names.value, Affine((), 1), start)
    return ok(at, [RangeText(n, None, None, start, stream[at - 1].end) for n in names.value])


def _upper(stream: Line, at: int, names: list[str], first: Affine, start: int) -> Result:
    kind = stream[at].kind
    if kind not in _UNDER:
        return ok(at, [RangeText(n, first, UNBOUNDED, start, stream[at - 1].end) for n in names])
    found = bound(stream, at + 1)
    if not found.status:
        return found
    last = _moved(found.value, _UNDER[kind])
    return ok(found.index, [RangeText(n, first, last, start, stream[found.index - 1].end) for n in names])


_between = alt(comma << alt(a_token("for"), a_token("and"), success(None)), a_token("and"), a_token("for"))

range_list = Parser(_range).sep_by(_between, min=1).map(lambda lists: [one for several in lists for one in several])

_for = alt(*(a_token(w, "'for'") for w in ("for", "forall", "if", "when", "where"))) >> a_token("forall").optional()

ranges = _for >> range_list
"""``for i = 1..K, j = 1..M``."""
