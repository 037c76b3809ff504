"""Names and what they are applied to: functions, sums and products over a range, and names that only look like them."""

from __future__ import annotations

from typing import Final

from parsy import Parser, Result

from netfig.equations.names import REDUCTIONS, function
from netfig.equations.read_ranges import affine, bound, letter, range_list, ranges, whole
from netfig.equations.read_symbols import read_symbol, shifted, tail_pieces
from netfig.equations.read_tree import (
    CLOSES,
    STARTS,
    Line,
    Mistake,
    Node,
    Piece,
    RangeText,
    closing,
    expression,
    no,
    ok,
    product,
    term,
    unexpected,
    ungrouped,
)
from netfig.graph.types import Affine


def arguments(stream: Line, index: int) -> Result:
    """What stands in the brackets of a function: its arguments and the ranges after ``for``."""
    opening = stream[index]
    bars, stream.bars = stream.bars, []
    parts: list[Node] = []
    while True:
        found = expression(stream, index + 1)
        if not found.status:
            return found
        parts.append(found.value)
        index = found.index
        if stream[index].kind != ",":
            break
    over: list[RangeText] = []
    if stream[index].kind in ("for", "forall"):
        found = ranges(stream, index)
        if not found.status:
            return found
        over, index = found.value, found.index
    stream.bars = bars
    if stream[index].kind != CLOSES[opening.kind]:
        if stream[index].kind == "end":
            raise Mistake(f"this {opening.text!r} is never closed", opening.start, opening.end)
        return no(index, f"an operator, ',' or '{CLOSES[opening.kind]}'")
    return ok(index + 1, (tuple(parts), over))


def big(stream: Line, index: int, kind: str = "", limits: list[Piece] | None = None) -> Result:
    """``Σ_{i=0}^{K} term``, ``Σ_i term``, ``Σ(term for i = 0..K)``."""
    token = stream[index]
    kind = kind or token.kind
    index += 1
    over: list[RangeText] = []
    if limits is not None:
        over = [RangeText(p.word, None, None, token.start, token.end) for p in limits]
    elif stream[index].kind in ("_", "sub"):
        over, index = _limits(stream, index)
    if stream[index].kind in ("^", "sup") and over:
        index = _upper_limit(stream, index, over)
    if not over:
        if stream[index].kind != "(":
            raise Mistake(
                "this sum does not say what it runs over", token.start, token.end, "write Σ_{i=0}^{K} … or sum(… for i = 0..K)"
            )
        found = arguments(stream, index)
    else:
        found = term(stream, index)
        if found.status:
            found = ok(found.index, ((ungrouped(found.value),), over))
    if not found.status:
        return found
    parts, over = found.value
    end = stream[found.index - 1].end
    if over:
        return ok(found.index, Node("over", (kind, over), parts, token.start, end))
    return ok(found.index, Node("call", kind, parts, token.start, end))


def _limits(stream: Line, index: int) -> tuple[list[RangeText], int]:
    """What stands below a large sign."""
    if stream[index].kind == "sub":
        inner = Line(shifted(stream[index]), stream[index].end, stream.defined)
        stop, after = len(inner) - 2, index + 1
        source, at = inner, 0
    elif stream[index + 1].kind in ("{", "("):
        stop = closing(stream, index + 1)
        source, at, after = stream, index + 2, stop + 1
    else:
        source, at, stop, after = stream, index + 1, index + 2, index + 2
    start, end = source[at].start, source[stop - 1].end
    if source[at].kind == "name" and source[at + 1].kind in ("=", "in"):  # i = 0 alone: the rest stands above
        first = affine(source, at + 2)
        if first.status and first.index == stop:
            variable = letter(source, at).value
            return [RangeText(variable, first.value, None, start, end)], after
    found = range_list(source, at)
    if not found.status:
        raise unexpected(source, found)
    if found.index != stop:
        raise unexpected(source, no(found.index, "'..' and a last index"))
    return found.value, after


def _upper_limit(stream: Line, index: int, over: list[RangeText]) -> int:
    """What stands above a large sign: the last index."""
    token = stream[index]
    if token.kind == "sup":
        inner = Line(shifted(token), token.end, stream.defined)
        found = bound(inner, 0)
        after, good = index + 1, found.status and inner[found.index].kind == "end"
    elif stream[index + 1].kind in ("{", "("):
        stop = closing(stream, index + 1)
        found = bound(stream, index + 2)
        after, good = stop + 1, found.status and found.index == stop
    else:
        found = (Parser(whole).map(lambda n: Affine((), n)) | bound)(stream, index + 1)
        after, good = found.index, found.status
    if not good or over[0].first is None or over[0].last is not None:
        raise Mistake(
            "these limits cannot be read", over[0].start, stream[after - 1].end if good else token.end, "such as Σ_{i=0}^{K}"
        )
    over[0].last = found.value
    return after


_LIMITS: Final = frozenset(("=", "in", ">=", ">", "<=", "<"))

_BIG_LETTERS: Final = {"Σ": "sum", "Π": "prod"}


def name_or_call(stream: Line, index: int) -> Result:
    """A symbol, or a function with what it is applied to."""
    token = stream[index]
    text = token.text
    if token.kind == "name":
        head, _, tail = text.partition("_")
        if head in _BIG_LETTERS and (_has_limits(stream, index) or (head not in stream.defined and _is_big(stream, index, tail))):
            return big(stream, index, _BIG_LETTERS[head], tail_pieces([tail]) if tail else None)
        known = None if head in stream.defined else function(text)
        if known is not None:
            found = _known(stream, index, known)
            if found is not None:
                return found
        elif (
            (base := function(head)) is not None
            and len(head) > 1
            and head not in stream.defined
            and (base in REDUCTIONS or base.endswith("max"))
        ):
            return big(stream, index, base, tail_pieces([tail]))
    found = read_symbol(stream, index)
    if not found.status:
        return found
    after = stream[found.index]
    node: Node = found.value
    if after.kind == "(" and not after.gap and node.data.bracket is None:
        given = arguments(stream, found.index)
        if not given.status:
            return given
        parts, over = given.value
        return ok(given.index, Node("apply", (node, over), parts, node.start, stream[given.index - 1].end))
    return found


_OPERANDS: Final = STARTS - {"["} | {"|", "‖"}
_SUM_LETTERS: Final = frozenset("ijklmnpqrsτ")


def _has_limits(stream: Line, index: int) -> bool:
    """Whether ``_{i=0}`` or ``(… for i = 0..K)`` follows: a sum, whatever else Σ names."""
    after = index + 1
    if stream[after].kind == "(":
        return any(t.kind == "for" for t in stream[after : closing(stream, after)])
    if stream[after].kind != "_" or stream[after + 1].kind != "{":
        return False
    return any(t.kind in _LIMITS for t in stream[after + 1 : closing(stream, after + 1)])


def _is_big(stream: Line, index: int, tail: str) -> bool:
    """Whether Σ here is a sum and no covariance."""
    after = index + 1
    letter = tail
    if stream[after].kind == "sub":
        letter, after = stream[after].text, after + 1
    elif stream[after].kind == "_" and stream[after + 1].kind == "{":
        stop = closing(stream, after + 1)
        letter, after = stream[after + 2].text if stop == after + 3 else "", stop + 1
    elif stream[after].kind == "_":
        letter, after = stream[after + 1].text, after + 2
    elif not tail:
        return False
    return letter in _SUM_LETTERS and stream[after].kind in _OPERANDS


def _known(stream: Line, index: int, known: str) -> Result | None:
    """A known function applied; ``None`` where its name stands for a value (``σ`` alone)."""
    token, after = stream[index], stream[index + 1]
    if after.kind in ("_", "sub") and (known in REDUCTIONS or known.endswith("max")):
        return big(stream, index, known, None)
    if after.kind == "(" or (after.kind in ("[", "{") and token.text not in ("σ", "sigma")):
        found = arguments(stream, index + 1)
        if not found.status:
            return found
        parts, over = found.value
        end = stream[found.index - 1].end
        return ok(
            found.index,
            Node("over", (known, over), parts, token.start, end) if over else Node("call", known, parts, token.start, end),
        )
    if (
        token.text in ("σ", "sigma", "id", "step", "step", "dot", "norm", "mean", "sum", "max", "min", "std", "var")
        or after.kind not in STARTS
    ):
        return None
    stream.nesting += 1
    found = product(stream, index + 1)
    stream.nesting -= 1
    if not found.status:
        return found
    return ok(found.index, Node("call", known, (found.value,), token.start, found.value.end))
