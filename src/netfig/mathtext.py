"""Text as it is typeset: runs of words or maths, with scripts that nest.

A `Text` is a tuple of pieces. Maths letters are set in italic serif, words in upright sans; the theme decides the faces and the
layout the positions. Nothing here knows a font or a size.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

from netfig.records import dataclass

Style = Literal["plain", "strong", "math", "math-bold", "math-upright", "code"]
Mark = Literal["hat", "tilde", "bar", "dot", "vector"]


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


@dataclass(frozen=True, slots=True)
class Accent:
    """A base with a mark centred over it: ŷ, h̃, x̄, ẋ."""

    base: Text
    mark: Mark


@dataclass(frozen=True, slots=True)
class Fraction:
    """One text over another, with a rule between them."""

    over: Text
    under: Text


@dataclass(frozen=True, slots=True)
class Big:
    """A large operator (Σ, Π, ∫, max) with its limits below and above it."""

    sign: str
    below: Text = ()
    above: Text = ()


@dataclass(frozen=True, slots=True)
class Root:
    """A radical sign over its body."""

    body: Text


@dataclass(frozen=True, slots=True)
class Fence:
    """Brackets as tall as what they hold."""

    left: str
    body: Text
    right: str


@dataclass(frozen=True, slots=True)
class Under:
    """A text with a small note centred below it: a matrix and its shape."""

    noted: Text
    note: Text


Piece = Run | Script | Accent | Fraction | Big | Root | Fence | Under
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


_PART = r"(?:\{((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}|([^_^{}]+))"  # braces nest three deep
_SYMBOL = re.compile(rf"\A([^_^{{}}]+)(?:_{_PART})?(?:\^{_PART})?\Z")


def math(source: str) -> Text:
    """A symbol such as ``h``, ``W_xh``, ``h_{t-1}``, ``h_{t_{i}}`` or ``x^2``; anything else is one maths run."""
    found = _SYMBOL.match(source)
    parts = [math(found[i] or found[i + 1] or "") for i in (2, 4)] if found else [(), ()]
    if not found or not (parts[0] or parts[1]):
        return (Run(source.replace("-", "−"), "math"),) if source else ()
    return (Script((Run(found[1].replace("-", "−"), "math"),), parts[0], parts[1]),)


MARKS: dict[Mark, str] = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307", "vector": "\u20d7"}
"""The combining character of each mark."""

_APART = "\u2060"  # ends a large operator: what follows it stands apart
_WORD = re.compile(r"[^\W_]*\Z")  # needs no braces as a script
_FACTOR = re.compile(r"[^\s+−·×/,=]*\Z")  # needs no brackets beside a stroke


def text_of(text: Text) -> str:
    """The characters alone, on one line: ``h_{t−1}``, ``(∂L)/(∂h)``, ``Σ_{i=0}^K``: for alt texts, ids, terminals and tests."""
    out = ""
    for piece in text:
        part = _linear(piece)
        out += " " + part if out.endswith(_APART) and part and not part[0].isspace() else part
    return out.replace(_APART, "")


def _linear(piece: Piece) -> str:
    match piece:
        case Run(text, style):
            return text.replace("-", "−") if style.startswith("math") else text
        case Script(base, sub, sup):
            return text_of(base) + _scripts(sub, sup)
        case Accent(base, mark):
            body = text_of(base)
            return unicodedata.normalize("NFC", body[:1] + MARKS[mark]) if len(body) == 1 else f"{mark}({body})"
        case Fraction(over, under):
            return f"{_bracketed(over)}/{_bracketed(under)}"
        case Big(sign, below, above):
            return f"{sign}{_scripts(below, above)}{_APART}"
        case Root(body):
            return f"√{_bracketed(body)}"
        case Fence(left, body, right):
            return f"{left}{text_of(body)}{right}"
        case Under(noted, note):
            return f"{text_of(noted)} [{text_of(note)}]"


def _scripts(sub: Text, sup: Text) -> str:
    out = ""
    for sign, part in (("_", text_of(sub)), ("^", text_of(sup))):
        if part:
            out += sign + (part if _WORD.match(part) else f"{{{part}}}")
    return out


def _bracketed(text: Text) -> str:
    words = text_of(text)
    return words if _FACTOR.match(words) else f"({words})"
