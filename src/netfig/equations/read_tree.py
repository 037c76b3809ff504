"""One statement as it is written: tokens with an end, nodes, symbols, ranges, and the mistakes found on the way.

The readers are functions with parsy's contract, `(stream, index) -> Result`; those that every token passes call one another
directly, what is rare is put together from parsy's combinators.
"""

from __future__ import annotations

from typing import Any, Final

from parsy import Parser, Result, forward_declaration

from netfig.equations.lexer import Token
from netfig.equations.names import join
from netfig.graph.types import Affine

MAX_NESTING: Final = 40

MAX_DEPTH: Final = 120


class Mistake(Exception):
    """Something wrong that is known well enough to say so; `depends` where it may follow from a mistake elsewhere."""

    def __init__(self, what: str, start: int, end: int, hint: str = "", why: str = "") -> None:
        self.what, self.start, self.end, self.hint, self.why = what, start, end, hint, why
        self.depends = False
        super().__init__(what)


class Node:
    """A piece of what was written: its kind, one datum, its parts, its place."""

    __slots__ = ("data", "depth", "end", "kind", "parts", "start")

    def __init__(self, kind: str, data: Any, parts: tuple[Node, ...], start: int, end: int) -> None:
        self.kind, self.data, self.parts, self.start, self.end = kind, data, parts, start, end
        self.depth: int = 1 + max((p.depth for p in parts), default=0)
        if self.depth > MAX_DEPTH:
            raise Mistake(
                f"more than {MAX_DEPTH} operations one inside or after the other", start, end, "give parts names of their own"
            )


class Piece:
    """One part of a subscript: `word` as a name, `affine` as an index; `explicit` in ``h_{t=0}``, `named` in ``\\mathrm``."""

    __slots__ = ("affine", "explicit", "named", "word")

    def __init__(self, word: str, affine: Affine | None, explicit: bool = False, named: bool = False) -> None:
        self.word, self.affine, self.explicit, self.named = word, affine, explicit, named


class Spelled:
    """A symbol as written: its base, what stands below, above in brackets, and in square brackets."""

    __slots__ = ("above", "base", "below", "bracket", "bracket_gap", "indices")

    def __init__(self, base: str, below: list[Piece]) -> None:
        self.base, self.below = base, below
        self.above: list[Piece] = []
        self.bracket: tuple[Node, ...] | None = None
        self.indices: tuple[Affine | None, ...] = ()  # what each part of the bracket is as an index
        self.bracket_gap = False


class Line(list[Token]):
    """The tokens of a statement and an end; `defined` are the words that some statement of the program begins with."""

    def __init__(self, items: list[Token], end: int, defined: frozenset[str]) -> None:
        super().__init__(items)
        self.append(Token("end", "", end, end))
        self.append(Token("end", "", end, end))
        self.defined = defined
        self.nesting = 0
        self.bars: list[str] = []


class RangeText:
    """A range as written; without `first` it says only which letter it is about."""

    __slots__ = ("end", "first", "last", "start", "variable")

    def __init__(self, variable: str, first: Affine | None, last: Affine | None, start: int, end: int) -> None:
        self.variable, self.first, self.last, self.start, self.end = variable, first, last, start, end


_NOTHING: Final[frozenset[str]] = frozenset()

STARTS: Final = frozenset(("name", "number", "(", "[", "{", "accent", "sqrt", "frac", "sum", "prod"))

CLOSES: Final = {"(": ")", "{": "}", "[": "]"}


def ok(index: int, value: Any) -> Result:
    """What was read, and where it ends."""
    return Result(True, index, value, -1, _NOTHING)


def no(index: int, expected: str) -> Result:
    """Something else stands there."""
    return Result(False, -1, None, index, frozenset((expected,)))


def a_token(kind: str, shown: str = "") -> Parser:
    """One token of a kind."""
    expected = shown or f"'{kind}'"

    def one(stream: Line, index: int) -> Result:
        return ok(index + 1, stream[index]) if stream[index].kind == kind else no(index, expected)

    return Parser(one)


def closing(stream: Line, index: int) -> int:
    """Where the bracket that opens at `index` closes."""
    depth = 0
    for at in range(index, len(stream)):
        kind = stream[at].kind
        if kind in ("(", "[", "{"):
            depth += 1
        elif kind in (")", "]", "}"):
            depth -= 1
            if not depth:
                return at
    token = stream[index]
    raise Mistake(f"this {token.text!r} is never closed", token.start, token.end)


def unexpected(stream: Line, found: Result) -> Mistake:
    """The mistake of a failed result: what stands there, and what could."""
    token = stream[min(found.furthest, len(stream) - 1)]
    *others, last = sorted(found.expected)
    wanted = f"{', '.join(others)} or {last}" if others else last
    if token.kind == "end":
        return Mistake("the equation ends too early", token.start, token.end, why=f"expected {wanted}")
    if token.kind == "bad":
        return _foreign(stream, found.furthest)
    before = stream[found.furthest - 1] if found.furthest > 0 else token
    is_comment = token.text in ("/", "*") and before.text == "/" and before.end == token.start
    starts = token.text == "/" and stream[found.furthest + 1].text == "/"
    hint = "a comment begins with #" if is_comment or starts else ""
    return Mistake(f"{token.text!r} cannot stand here", token.start, token.end, hint, f"expected {wanted}")


def _foreign(stream: Line, index: int) -> Mistake:
    """A sign that is no part of the language, with what is usually meant by it."""
    token = stream[index]
    before = stream[index - 1].text if index else ""
    if not token.text.isprintable():
        sign = f"U+{ord(token.text[-1]):04X}"
        return Mistake(f"an invisible sign, {sign}, cannot stand here", token.start, token.end, "delete it")
    hint = ""
    if token.text == "." and before and stream[index + 1].kind == "name":
        after = stream[index + 1].text
        hint = f"the transpose is {before}^T" if after == "T" else f"without '{before}.': {after}"
    elif token.text in '"`“”„«»':
        hint = "names stand without quotes"
    what = f"{token.text!r} is no part of the language" if len(token.text) < 40 else "this is no part of the language"
    return Mistake(what, token.start, token.end, hint)


def ungrouped(node: Node) -> Node:
    """A node without the brackets round it."""
    while node.kind == "group":
        node = node.parts[0]
    return node


def total(parts: list[tuple[int, Affine]]) -> Affine:
    """The sum of terms with their signs, names in the order of their first mention."""
    terms: dict[str, int] = {}
    constant = 0
    for sign, part in parts:
        constant += sign * part.constant
        for name, factor in part.terms:
            terms[name] = terms.get(name, 0) + sign * factor
    return Affine(tuple((n, f) for n, f in terms.items() if f), constant)


def affine_of(node: Node) -> Affine | None:
    """What was written in brackets as an index, or ``None`` where it cannot be one."""
    node = ungrouped(node)
    if node.kind == "number":
        return Affine((), int(node.data)) if node.data.isdigit() and len(node.data) < 10 else None
    if node.kind == "name":
        spelled: Spelled = node.data
        if spelled.bracket is not None or spelled.above or any(p.explicit for p in spelled.below):
            return None
        return Affine(((join(spelled.base, tuple(p.word for p in spelled.below)), 1),))
    if node.kind == "negative":
        inner = affine_of(node.parts[0])
        return total([(-1, inner)]) if inner else None
    if node.kind in ("product", "binary"):
        left, right = affine_of(node.parts[0]), affine_of(node.parts[1])
        if left is None or right is None:
            return None
        if node.kind == "binary" and node.data in ("+", "-"):
            return total([(1, left), (1 if node.data == "+" else -1, right)])
        if node.data in ("@", "*") and left.number is not None:
            return Affine(tuple((n, f * left.constant) for n, f in right.terms if left.constant), right.constant * left.constant)
    return None


expression, term, product, plain_symbol = (forward_declaration() for _ in range(4))
"""Readers that others need before they are defined: a sum, a term, a product, a name without indices in brackets."""
