"""Text as it is typeset: runs of words or maths, with scripts that nest.

A `Text` is a tuple of pieces. Maths letters are set in italic serif, words in upright sans; the theme decides the faces and the
layout the positions. Nothing here knows a font or a size.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Style = Literal["plain", "strong", "math", "code"]


@dataclass(frozen=True, slots=True)
class Run:
    """Characters in one style."""

    text: str
    style: Style = "plain"


@dataclass(frozen=True, slots=True)
class Script:
    """A base with a subscript, a superscript or both; each part is a `Text` and may nest."""

    base: Text
    sub: Text = ()
    sup: Text = ()


Piece = Run | Script
Text = tuple[Piece, ...]


def plain(text: str) -> Text:
    """Words, upright sans."""
    return (Run(text),) if text else ()


def strong(text: str) -> Text:
    """Words, bold sans."""
    return (Run(text, "strong"),) if text else ()


def code(text: str) -> Text:
    """A name from a program, monospaced."""
    return (Run(text, "code"),) if text else ()


_SYMBOL = re.compile(r"\A([^_^]+)(?:_(\{[^{}]*\}|[^_^]+))?(?:\^(\{[^{}]*\}|[^_^]+))?\Z")


def math(source: str) -> Text:
    """A symbol such as ``h``, ``W_xh``, ``h_{t-1}`` or ``x^2``; anything else is one maths run."""
    found = _SYMBOL.match(source)
    if not found or not (found[2] or found[3]):
        return (Run(source.replace("-", "−"), "math"),) if source else ()
    part = [((Run(g.strip("{}").replace("-", "−"), "math"),) if g else ()) for g in (found[2], found[3])]
    return (Script((Run(found[1], "math"),), part[0], part[1]),)


def text_of(text: Text) -> str:
    """The characters alone, scripts written ``_`` and ``^``: for alt texts, ids, terminals and tests."""
    out = []
    for piece in text:
        if isinstance(piece, Run):
            out.append(piece.text)
        else:
            out.append(text_of(piece.base))
            out += [mark + text_of(part) for mark, part in (("_", piece.sub), ("^", piece.sup)) if part]
    return "".join(out)
