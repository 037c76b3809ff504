"""Cutting a program into statements: where one ends, where it goes on over lines, and what the comments say."""

from __future__ import annotations

import re
from typing import Final

from netfig.equations.lexer import Token

OPEN: Final = {"(": ")", "[": "]", "{": "}"}

_GOES_ON: Final = frozenset(("+", "-", "*", "/", "@", "outer", "=", ",", "^", "_", "in", "..", "for", "and", ":", "sum", "prod"))

_CONTINUES: Final = frozenset(
    ("+", "-", "*", "/", "@", "outer", "=", "for", "if", "when", "where", "and", "in", ")", "]", "}", ":")
)

_OPERATORS: Final = frozenset(("+", "-", "*", "/", "@", "outer", "="))

_GUARD: Final = frozenset(("for", "forall", "if", "when", "where", "and"))

_COMPARE: Final = frozenset(("..", ">=", ">", "<=", "<"))

_REALS: Final = frozenset(("ℝ", "R", "𝐑", "mathbb"))

_LOOK: Final = 60  # tokens; a line that says nothing within so many is taken as it stands

_HEADER: Final = re.compile(r"\A[#%]\s*title\s*:\s*(.*?)\s*\Z")


class Chunk:
    """The tokens of one statement and the short text after ``#``."""

    __slots__ = ("items", "label", "sign")

    def __init__(self) -> None:
        self.items: list[Token] = []
        self.label = ""
        self.sign = ""


def statements_of(found: list[Token]) -> tuple[list[Chunk], str]:
    """The statements, and the title: the first line of comment, or the one that says ``title:``."""
    chunks: list[Chunk] = []
    now = Chunk()
    on_line: list[Chunk] = []  # statements that end on this line
    comments: list[str] = []
    depth = 0
    following = _followers(found)

    def close() -> None:
        nonlocal now
        if now.items:
            chunks.append(now)
            on_line.append(now)
        now = Chunk()

    for at, token in enumerate(found):
        kind = token.kind
        if kind == "comment":
            if now.items or on_line:
                owner = now if now.items else on_line[-1]
                owner.label = owner.label or " ".join(token.text[1:].split())
            elif not chunks:
                comments.append(token.text)
        elif kind == "newline":
            if depth == 0 and (
                not _goes_on(now, following[at])
                or (now.items[-1].kind in _OPERATORS and _is_new(now, found, at))
                or (now.items[-1].kind == "," and now.sign and _is_next(found, at, now.sign))
            ):
                close()
            elif depth and _is_new(now, found, at):
                close()
                depth = 0
            if token.text == "\n" and not now.items:
                on_line = []
        elif depth == 0 and (kind == ";" or (kind == "," and now.sign and _starts_another(found, at))):
            close()
        else:
            if kind in OPEN:
                depth += 1
            elif kind in (")", "]", "}"):
                depth = max(0, depth - 1)
            elif not depth and not now.sign and kind in ("=", ":", "in"):
                now.sign = kind
            now.items.append(token)
    close()
    headers = [" ".join(m[1].split()) for m in map(_HEADER.match, comments) if m]
    title = headers[0] if headers else next((" ".join(c.lstrip("#% ").split()) for c in comments if c.strip("#% ")), "")
    return chunks, title


def _followers(found: list[Token]) -> list[str]:
    """For each token the kind of the first one after it that is neither a line end nor a comment."""
    kinds, after = [""] * len(found), ""
    for at in range(len(found) - 1, -1, -1):
        kinds[at] = after
        if found[at].kind not in ("newline", "comment"):
            after = found[at].kind
    return kinds


def _goes_on(now: Chunk, after: str) -> bool:
    """Whether a statement continues on the next line, which begins with a token of the kind `after`."""
    return bool(now.items) and (now.items[-1].kind in _GOES_ON or after in _CONTINUES)


def _is_new(now: Chunk, found: list[Token], at: int) -> bool:
    """Whether the next line is a statement of its own although a bracket or a sign is open: it reads ``name … =``."""
    if now.items and now.items[-1].kind in _GOES_ON - _OPERATORS:
        return False
    depth = 0
    for position in range(at + 1, min(len(found), at + _LOOK)):
        kind = found[position].kind
        if kind in OPEN:
            depth += 1
        elif kind in (")", "]", "}"):
            depth -= 1
            if depth < 0:
                return False
        elif depth == 0 and kind == "=":
            return found[at + 1].kind in ("name", "accent")
        elif (kind == "newline" and position > at + 1) or kind in _GUARD:
            return False
    return False


def _is_next(found: list[Token], at: int, sign: str) -> bool:
    """Whether a statement with this sign ends with the comma before a line end: the next line is another, as in a text.

    ``h_t = …``, ``W : m×n`` and ``W ∈ ℝⁿ`` are, ``i = 1..K`` and ``i ∈ 1..K`` are the range of an equation.
    """
    depth, words = 0, 0
    for position, token in enumerate(found[at : at + _LOOK], at):
        kind = token.kind
        if kind in ("newline", "comment"):
            if words:
                return False
            continue
        if kind in ("=", ":", "in") and not depth:
            is_shape = kind == ":" or (kind == "in" and found[position + 1 : position + 2] and found[position + 1].text in _REALS)
            return words > 0 and (words > 1 or sign != "=" or bool(is_shape))
        if (not words and kind not in ("name", "accent")) or kind in _GUARD:
            return False
        depth += (kind in OPEN) - (kind in OPEN.values())
        words += 1 + ("_" in token.text and kind == "name")
    return False


def _starts_another(found: list[Token], at: int) -> bool:
    """Whether a comma ends an equation or declaration, rather than standing before its ranges or inside them."""
    depth = 0
    has_sign = False
    first = found[at + 1].kind if at + 1 < len(found) else "end"
    if first in _GUARD or first in ("..", "number"):
        return False
    for position in range(at + 1, min(len(found), at + _LOOK)):
        kind = found[position].kind
        if kind in OPEN:
            depth += 1
        elif kind in (")", "]", "}"):
            depth -= 1
        elif depth:
            continue
        elif kind in ("newline", ";", "comment"):
            break
        elif kind == ",":
            following = found[position + 1].kind if position + 1 < len(found) else "end"
            if has_sign and following in ("..", "number"):
                return False
            if has_sign:
                break
        elif kind in ("=", ":", "in"):
            has_sign = True
        elif kind in _COMPARE:
            return False
    return has_sign
