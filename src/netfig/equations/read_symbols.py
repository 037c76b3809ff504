"""Symbols: a name with its marks, what stands below and above it, and its indices in brackets."""

from __future__ import annotations

from typing import Final

from parsy import Parser, Result

from netfig.equations.lexer import Token, tokens
from netfig.equations.names import KEYWORDS, MARKS, PRIME, below, join, letters
from netfig.equations.read_ranges import affine
from netfig.equations.read_tree import (
    Line,
    Mistake,
    Node,
    Piece,
    Spelled,
    affine_of,
    closing,
    expression,
    no,
    ok,
    plain_symbol,
    unexpected,
)
from netfig.graph.types import Affine

_IN_WORDS: Final = frozenset(("name", "number", "_", "{", "}", "accent", "sub", *KEYWORDS))

_LOOSE: Final = frozenset(("name", "_", "{", "}", "accent", "sub"))


def _piece(stream: Line, index: int, stop: int) -> Piece:
    """One part of a subscript, the tokens from `index` up to `stop`."""
    while stream[index].kind == "{" and closing(stream, index) == stop - 1 and stop - index > 2:
        index, stop = index + 1, stop - 1
    items = stream[index:stop]
    if len(items) > 2 and items[0].kind == "name" and items[1].kind == "=":
        found = affine(stream, index + 2)
        if found.status and found.index == stop:
            return Piece("", found.value, explicit=True)
    if any(t.kind in ("+", "-", "*", "@") for t in items) or (items[0].kind == "number" and len(items) > 1):
        found = affine(stream, index)
        signed = any(t.kind in ("+", "-") for t in items)
        if found.status and found.index == stop and (signed or found.value.terms):
            return Piece(join_words(items) if found.value.terms else str(found.value), found.value)
    if wrong := next((t for t in items if t.kind not in _IN_WORDS or not (t.text.isalnum() or t.kind in _LOOSE)), None):
        raise Mistake(f"{wrong.text!r} cannot stand below a name", wrong.start, wrong.end, "such as h_{t-1} or W_{xh}")
    word = join_words(items)
    if not word:
        raise Mistake("nothing stands below this name", items[0].start, items[-1].end)
    piece = _word_piece(word)
    piece.named = len(items) == 1 and items[0].whole and (len(word) > 1 or word.isdigit())
    return piece


def join_words(items: list[Token]) -> str:
    """A subscript as part of a name: the letters and digits of its tokens."""
    return "".join(below(t.text) for t in items if t.kind not in ("_", "{", "}", "+", "-", "*", "@"))


def pieces(stream: Line, index: int, stop: int) -> list[Piece]:
    """The parts of a subscript, separated by commas."""
    found, start, depth = [], index, 0
    for at in range(index, stop + 1):
        kind = stream[at].kind if at < stop else ","
        depth += (kind in "({[") - (kind in ")}]") if len(kind) == 1 else 0
        if kind == "," and (depth == 0 or at == stop):
            if at == start:
                raise Mistake("an index is missing", stream[at].start, stream[at].end)
            found.append(_piece(stream, start, at))
            start = at + 1
    return found


def _below(stream: Line, index: int, spelled: Spelled) -> int:
    """What follows ``_``: one letter, word or number, or several in braces. Returns where it ends."""
    token = stream[index]
    if token.kind in ("{", "("):
        stop = closing(stream, index)
        if stop == index + 1:
            raise Mistake("nothing stands below this name", token.start, stream[stop].end)
        spelled.below += pieces(stream, index + 1, stop)
        return stop + 1
    if token.kind == "name" or token.text.isalnum():
        spelled.below += tail_pieces(token.text.split("_"))
        return index + 1
    raise Mistake("something must stand below this name", token.start, token.end, "such as h_t or W_{xh}")


def _word_piece(word: str) -> Piece:
    if word.isdigit() and len(word) < 10:
        return Piece(word, Affine((), int(word)))
    return Piece(word, Affine(((letters(word), 1),)) if word else None)


def tail_pieces(parts: list[str]) -> list[Piece]:
    """The parts of ``_x_h``; a mark on one of them is part of its word."""
    return [_word_piece(below(part)) for part in parts]


def read_symbol(stream: Line, index: int, plain: bool = False) -> Result:
    """A name with its indices; `plain` ones (sizes) have none in brackets."""
    start, marks, opened = stream[index].start, [], 0
    while True:
        kind = stream[index].kind
        if kind == "accent":
            marks.append(stream[index].text)
        elif kind == "{":
            opened += 1
        else:
            break
        index += 1
    token = stream[index]
    if token.kind != "name" or not token.text[0].isalpha():
        return no(index, "a name")
    base, *tail = token.text.split("_")
    if base in KEYWORDS and base not in ("scalar", "function"):
        raise Mistake(f"{base!r} is a word of the language and no name", token.start, token.end)
    below = tail_pieces(tail)
    suffixes = [p.word for p in below if p.word in MARKS or p.word == PRIME]
    below = [p for p in below if p.word not in suffixes]
    spelled = Spelled(join(letters(base), tuple(suffixes)), below)
    index = _decorations(stream, index + 1, spelled, plain)
    while opened and stream[index].kind == "}":
        opened -= 1
        index = _decorations(stream, index + 1, spelled, plain)
    if opened:
        return no(index, "'}'")
    if marks:
        spelled.base = join(spelled.base, tuple(reversed(marks)))
    return ok(index, Node("name", spelled, (), start, stream[index - 1].end))


def _decorations(stream: Line, index: int, spelled: Spelled, plain: bool) -> int:
    """Everything that hangs on a name: subscripts, bracketed superscripts, primes, indices."""
    while True:
        token = stream[index]
        kind = token.kind
        if kind == "[" and not plain and spelled.bracket is None:
            after = _bracket(stream, index, spelled)
            if after is None:
                return index
            index = after
        elif kind == "_":
            index = _below(stream, index + 1, spelled)
        elif kind == "sub":
            inner = Line(shifted(token), token.end, stream.defined)
            spelled.below += pieces(inner, 0, len(inner) - 2)
            index += 1
        elif plain:
            return index
        elif kind == "prime" or (
            kind == "'" and (stream[index + 1].kind == "_" or (stream[index + 1].kind == "[" and not stream[index + 1].gap))
        ):
            spelled.base = join(spelled.base + "_" + PRIME)
            index += 1
        elif kind == "sup" and token.text.startswith("("):
            inner = Line(shifted(token), token.end, stream.defined)
            spelled.above += pieces(inner, 1, closing(inner, 0))
            index += 1
        elif kind == "^":
            after = _above(stream, index + 1, spelled)
            if after == index:
                return index
            index = after
        else:
            return index


def shifted(token: Token) -> list[Token]:
    """The tokens of a run of raised or lowered characters, at its place."""
    return [Token(t.kind, t.text, token.start, token.end, t.gap) for t in tokens(token.text)]


def _above(stream: Line, index: int, spelled: Spelled) -> int:
    """``^{(l)}`` and ``^{\\prime}`` belong to the name; anything else is a power and stays. Returns where it ends."""
    if stream[index].kind == "prime":
        spelled.base = join(spelled.base + "_" + PRIME)
        return index + 1
    if stream[index].kind != "{":
        return index - 1
    inner = stream[index + 1].kind
    if inner == "prime":
        stop = closing(stream, index)
        for _ in range(stop - index - 1):
            spelled.base = join(spelled.base + "_" + PRIME)
        return stop + 1
    if inner in ("(", "["):
        stop = closing(stream, index + 1)
        if stream[stop + 1].kind == "}":
            spelled.above += pieces(stream, index + 2, stop)
            return stop + 2
    return index - 1


def _bracket(stream: Line, index: int, spelled: Spelled) -> int | None:
    """Indices in square brackets, or ``None`` where the bracket is a vector that follows (``W [h; x]``)."""
    stop = closing(stream, index)
    if any(t.kind in (";", "for", "forall") for t in stream[index:stop]):
        return None
    at, parts = index + 1, []
    if at == stop:
        raise Mistake("these brackets hold no index", stream[index].start, stream[stop].end, "such as h[t-1]")
    while True:
        if stream[at].kind == "name" and stream[at + 1].kind == "=":
            at += 2  # h[t=0]
        if stream[at].kind == "name" and (stream[at + 1].kind in (",", "]")) and "_" not in stream[at].text:
            found = read_symbol(stream, at)  # the common case, fast
        else:
            found = expression(stream, at)
        if not found.status:
            raise unexpected(stream, found)
        parts.append(found.value)
        at = found.index
        if at == stop:
            break
        if stream[at].kind != ",":
            raise unexpected(stream, no(at, "',' or ']'"))
        at += 1
    spelled.bracket, spelled.bracket_gap = tuple(parts), stream[index].gap
    spelled.indices = tuple(map(affine_of, parts))
    return stop + 1


def _plain(stream: Line, index: int) -> Result:
    return read_symbol(stream, index, plain=True)


symbol = Parser(read_symbol)
plain_symbol.become(Parser(_plain))
