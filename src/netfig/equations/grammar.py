"""The grammar of one statement, over its tokens: what is written, before anyone knows what each letter is.

::

    equation = symbol "=" sum [ ranges ]                    range   = letter ("=" | "in") from ".." to | letter ">=" from | …
    sum      = term { ("+" | "-") term }                    ranges  = ("for" | ",") range { "," range }
    term     = product { ("*" | "/" | "⊗") product }        symbol  = letter { "_" below | "^{(…)}" | "′" } [ "[" indices "]" ]
    product  = { "-" } factor { [ "·" ] factor }            factor  = atom { "ᵀ" | "'" | "^" exponent }
    atom     = number | symbol | function arguments | "(" sum ")" | "|" sum "|" | big
             | "[" sum { ";" sum } "]" | "[" sum ranges "]"

The next token decides everywhere, so nothing is read twice and the first failure is the one to report. The parts that every
token passes are plain functions with parsy's contract; what is rare is put together from parsy's combinators.
"""

from __future__ import annotations

from typing import Final

from parsy import Parser, Result, alt, seq, success

from netfig.equations.read_functions import big, name_or_call
from netfig.equations.read_ranges import comma, range_list, ranges
from netfig.equations.read_symbols import read_symbol, shifted, symbol
from netfig.equations.read_tree import (
    CLOSES,
    MAX_NESTING,
    STARTS,
    Line,
    Mistake,
    Node,
    RangeText,
    a_token,
    closing,
    expression,
    no,
    ok,
    product,
    term,
    ungrouped,
)


def _expression(stream: Line, index: int) -> Result:
    """A sum of terms."""
    found = _term(stream, index)
    if not found.status:
        return found
    left: Node = found.value
    while (sign := stream[found.index].kind) in ("+", "-"):
        found = _term(stream, found.index + 1)
        if not found.status:
            return found
        left = Node("binary", sign, (left, found.value), left.start, found.value.end)
    return ok(found.index, left)


def _term(stream: Line, index: int) -> Result:
    """Products with element-by-element signs between them."""
    found = _product(stream, index)
    if not found.status:
        return found
    left: Node = found.value
    while (sign := stream[found.index].kind) in ("*", "/", "outer"):
        found = _product(stream, found.index + 1)
        if not found.status:
            return found
        kind = "call" if sign == "outer" else "binary"
        left = Node(kind, sign, (left, found.value), left.start, found.value.end)
    return ok(found.index, left)


def _product(stream: Line, index: int) -> Result:
    """Factors side by side."""
    minus = []
    while (kind := stream[index].kind) in ("-", "+"):
        if kind == "-":
            minus.append(stream[index].start)
        index += 1
    found = _factor(stream, index)
    if not found.status:
        return found
    left: Node = found.value
    while True:
        index = found.index
        kind = stream[index].kind
        if kind == "@":
            found = _factor(stream, index + 1)
        elif kind in STARTS or (kind in ("|", "‖") and kind not in stream.bars):
            found = _factor(stream, index)
        else:
            break
        if not found.status:
            return found
        right = found.value
        left = Node("binary" if kind == "@" else "product", "@", (left, right), left.start, right.end)
    for start in reversed(minus):
        left = Node("negative", None, (left,), start, left.end)
    return ok(index, left)


def _factor(stream: Line, index: int) -> Result:
    """An atom and what is raised above it."""
    stream.nesting += 1
    if stream.nesting > MAX_NESTING:
        token = stream[index]
        raise Mistake(f"brackets more than {MAX_NESTING} deep", token.start, token.end, "give parts names of their own")
    reader = _ATOMS.get(stream[index].kind)
    found = reader(stream, index) if reader else no(index, "a value")
    if found.status:
        found = _raised(stream, found.index, found.value)
    stream.nesting -= 1
    return found


def _raised(stream: Line, index: int, node: Node) -> Result:
    while True:
        token = stream[index]
        kind = token.kind
        if kind in ("ᵀ", "'", "top"):
            node, index = Node("prime" if kind == "'" else "transpose", None, (node,), node.start, token.end), index + 1
        elif kind == "sup":
            inner = Line(shifted(token), token.end, stream.defined)
            found = _expression(inner, 0)
            if not found.status or inner[found.index].kind != "end":
                raise Mistake("this is no exponent", token.start, token.end)
            node, index = Node("power", None, (node, found.value), node.start, token.end), index + 1
        elif kind == "^":
            found = _exponent(stream, index + 1)
            if not found.status:
                return found
            parts = (node,) if found.value is None else (node, found.value)
            kind = "transpose" if found.value is None else "power"
            node, index = Node(kind, None, parts, node.start, stream[found.index - 1].end), found.index
        else:
            return ok(index, node)


def _exponent(stream: Line, index: int) -> Result:
    """What follows ``^``; its value is ``None`` for the sign of a transpose."""
    token = stream[index]
    if token.kind == "top" or (token.kind == "name" and token.text == "T" and not token.whole):
        return ok(index + 1, None)
    if token.kind == "{":
        inner = stream[index + 1]
        is_sign = inner.kind in ("top", "ᵀ") or (inner.kind == "name" and inner.text == "T" and not inner.whole)
        if is_sign and stream[index + 2].kind == "}":
            return ok(index + 3, None)
    if token.kind in ("{", "("):
        return _enclosed(stream, index)
    if token.kind == "-":
        found = _exponent(stream, index + 1) if stream[index + 1].kind in ("number", "name") else no(index + 1, "an exponent")
        if found.status and found.value is not None:
            return ok(found.index, Node("negative", None, (found.value,), token.start, found.value.end))
        return found
    if token.kind == "number":
        return ok(index + 1, Node("number", token.text, (), token.start, token.end))
    if token.kind == "name":
        return read_symbol(stream, index, plain=True)
    return no(index, "an exponent")


def _enclosed(stream: Line, index: int) -> Result:
    """A sum in round brackets or braces; the node remembers that it stood in brackets."""
    opening = stream[index]
    bars, stream.bars = stream.bars, []
    found = _expression(stream, index + 1)
    stream.bars = bars
    if not found.status:
        return found
    if stream[found.index].kind != CLOSES[opening.kind]:
        if stream[found.index].kind == "end":
            raise Mistake(f"this {opening.text!r} is never closed", opening.start, opening.end)
        return no(found.index, f"an operator or '{CLOSES[opening.kind]}'")
    inner: Node = found.value
    return ok(found.index + 1, Node("group", None, (inner,), opening.start, stream[found.index].end))


def _braces(stream: Line, index: int) -> Result:
    """A sum in braces, or a name in braces (a font round it) on which something hangs: ``{W}_{xh}``."""
    after = stream[closing(stream, index) + 1].kind
    return read_symbol(stream, index) if after in ("_", "sub", "prime") else _enclosed(stream, index)


def _vector(stream: Line, index: int) -> Result:
    """``[a; b]``, ``[a, b]`` or ``[a_i for i = …]``."""
    opening = stream[index]
    bars, stream.bars = stream.bars, []
    parts: list[Node] = []
    signs = set()
    while True:
        found = _expression(stream, index + 1)
        if not found.status:
            return found
        parts.append(found.value)
        index = found.index
        if stream[index].kind not in (",", ";"):
            break
        signs.add(stream[index].kind)
    stream.bars = bars
    over: list[RangeText] = []
    if stream[index].kind in ("for", "forall") and len(parts) == 1:
        found = ranges(stream, index)
        if not found.status:
            return found
        over, index = found.value, found.index
    if stream[index].kind != "]":
        if stream[index].kind == "end":
            raise Mistake("this '[' is never closed", opening.start, opening.end)
        return no(index, "an operator, ';', ',' or ']'")
    end = stream[index].end
    if len(signs) > 1:
        raise Mistake(
            "',' and ';' in one bracket",
            opening.start,
            end,
            "a vector of parts is [a; b; c]; matrices of blocks are not supported",
        )
    kind = "each" if over else "concat"
    return ok(index + 1, Node(kind, over, tuple(parts), opening.start, end))


def _literal(stream: Line, index: int) -> Result:
    token = stream[index]
    return ok(index + 1, Node("number", token.text, (), token.start, token.end))


def _bars(stream: Line, index: int) -> Result:
    """``|x|`` and ``‖x‖``."""
    opening = stream[index]
    bars, stream.bars = stream.bars, [*stream.bars, opening.kind]
    found = _expression(stream, index + 1)
    stream.bars = bars
    if not found.status:
        return found
    if stream[found.index].kind != opening.kind:
        return no(found.index, f"'{opening.kind}'")
    end = found.index + 1
    if opening.kind == "‖" and stream[end].kind == "_" and stream[end + 1].text == "2":
        end += 2
    elif opening.kind == "‖" and stream[end].kind == "sub" and stream[end].text == "2":
        end += 1
    name = "abs" if opening.kind == "|" else "norm"
    return ok(end, Node("call", name, (found.value,), opening.start, stream[end - 1].end))


def _sqrt(stream: Line, index: int) -> Result:
    token = stream[index]
    is_closed = stream[index + 1].kind in ("(", "{")
    found = (_enclosed if is_closed else _factor)(stream, index + 1)
    if not found.status:
        return found
    return ok(found.index, Node("call", "sqrt", (ungrouped(found.value),), token.start, found.value.end))


def _fraction(stream: Line, index: int) -> Result:
    token = stream[index]
    over = _factor(stream, index + 1)
    if not over.status:
        return over
    under = _factor(stream, over.index)
    if not under.status:
        return under
    parts = (over.value, under.value)
    return ok(
        under.index,
        Node("group", None, (Node("binary", "/", parts, token.start, under.value.end),), token.start, under.value.end),
    )


_ATOMS: Final = {
    "name": name_or_call,
    "accent": name_or_call,
    "number": _literal,
    "(": _enclosed,
    "{": _braces,
    "[": _vector,
    "|": _bars,
    "‖": _bars,
    "sqrt": _sqrt,
    "frac": _fraction,
    "sum": big,
    "prod": big,
}

expression.become(Parser(_expression))
term.become(Parser(_term))
product.become(Parser(_product))
_end = a_token("end", "an operator or the end of the equation")

equation = seq(symbol, a_token("=") >> expression, alt(ranges, comma >> range_list, success(())) << _end)
"""``[left, right, ranges]`` of an equation."""
