"""Names: one canonical ASCII form for every spelling, and the forms of it that a figure, a terminal and LaTeX show.

A canonical name is a base, then marks, then what stands below it, joined by ``_``: ``W_xh``, ``h_tilde``, ``x_hat_in``,
``alpha``, ``c_prime``. Greek letters are spelled out.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from netfig.equations.functions import RULES
from netfig.mathtext import Accent, Mark, Piece, Run, Script, Text

_LETTERS = {
    "αβγδεζηθικλμνξπρστυφχψω": "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega",
    "ΓΔΘΛΞΠΣΥΦΨΩ": "Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega",
}
GREEK: Final[dict[str, str]] = {
    name: letter for letters, names in _LETTERS.items() for letter, name in zip(letters, names.split(), strict=True)
}
"""The letter of each name."""

_NAME_OF: Final = {letter: name for name, letter in GREEK.items()} | {
    "ς": "sigma",
    **dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΧο", "ABEZHIKMNOPTXo", strict=True)),  # capitals that look like Latin ones
}

MARKS: Final[dict[str, Mark]] = {"hat": "hat", "tilde": "tilde", "bar": "bar", "dot": "dot", "vec": "vector"}
"""The mark of each suffix of a name."""

COMBINING: Final = {"\u0302": "hat", "\u0303": "tilde", "\u0304": "bar", "\u0305": "bar", "\u0307": "dot", "\u20d7": "vec"}
"""The suffix of each combining character."""
_COMBINED: Final = {"hat": "\u0302", "tilde": "\u0303", "bar": "\u0304", "dot": "\u0307", "vec": "\u20d7"}

PRIME: Final = "prime"

_ALIASES: Final = {
    "σ": "sigmoid",
    "sigma": "sigmoid",
    "logistic": "sigmoid",
    "swish": "silu",
    "ln": "log",
    "sgn": "sign",
    "concat": "cat",
    "inv": "inverse",
    "layernorm": "layer_norm",
    "batchnorm": "batch_norm",
    "rmsnorm": "rms_norm",
    "leakyrelu": "leaky_relu",
    "transpose": "transpose",
    "logsoftmax": "log_softmax",
    "id": "identity",
    "atan": "arctan",
    "normalise": "normalize",
    "average": "mean",
    "product": "prod",
}

REDUCTIONS: Final = ("sum", "prod", "mean", "max", "min")
"""Functions that take ``… for i = a..b``."""

KEYWORDS: Final = frozenset(("for", "in", "if", "when", "where", "forall", "and", "to", "scalar", "function"))
"""Words that are no names."""


def function(word: str) -> str | None:
    """The canonical name of a known function, however it is spelled: ``σ``, ``Sigmoid``, ``ReLU``, ``LayerNorm``."""
    small = word.lower()
    if len(word) == 1 and word != "σ":
        return None
    found = _ALIASES.get(small, small)
    return found if (found in RULES or found == "transpose") and (word != "Sigma" and word != "Σ") else None


def nearest(word: str, known: tuple[str, ...] | frozenset[str] | set[str] | list[str]) -> str | None:
    """The known name that `word` most likely is a slip of, or ``None``."""
    import difflib

    found = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.7)
    return found[0] if found else None


@lru_cache(maxsize=4096)
def letters(text: str) -> str:
    """A stretch of letters and digits in ASCII: ``ŷ`` → ``y_hat``, ``α`` → ``alpha``, ``𝐖`` → ``W``, ``Δt`` → ``Deltat``."""
    if text.isascii():
        return text
    out, marks = "", []
    for char in unicodedata.normalize("NFKD", text):
        if char in COMBINING:
            marks.append(COMBINING[char])
        else:
            out += _NAME_OF.get(char, char)
    return "_".join([unicodedata.normalize("NFC", out), *marks])


_SHORT: Final = frozenset(("mu", "nu", "xi", "pi", "Xi", "Pi"))


def below(text: str) -> str:
    """A word below a name. ``W_xi`` is x and i there, so a Greek letter of two letters' name stays as it is: ``W_ξ``."""
    if text.isascii():
        return text.replace("_", "")
    out = ""
    for char in unicodedata.normalize("NFKD", text):
        name = COMBINING.get(char) or _NAME_OF.get(char, char)
        out += char if name in _SHORT else name
    return unicodedata.normalize("NFC", out).replace("_", "")


@lru_cache(maxsize=4096)
def join(base: str, below: tuple[str, ...] = ()) -> str:
    """The canonical name of a base with what stands below it; marks come first, then primes, wherever they stood."""
    parts = base.split("_") + [part for piece in below for part in piece.split("_")]
    marks = [p for p in parts[1:] if p in MARKS]
    primes = [p for p in parts[1:] if p == PRIME]
    return "_".join([parts[0], *marks, *primes, *(p for p in parts[1:] if not (p in MARKS or p == PRIME))])


@lru_cache(maxsize=4096)
def split(name: str) -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """The base, the marks (and primes) and what stands below, of a canonical name."""
    base, *rest = name.split("_")
    marks = tuple(p for p in rest if p in MARKS or p == PRIME)
    return base, marks, tuple(p for p in rest if p and not (p in MARKS or p == PRIME))


_WORD = re.compile(r"(Delta|delta)([^\W\d_]\d*)\Z|([^\W\d_]+)(\d*)\Z")


def _parts(word: str) -> tuple[str, str, str]:
    """A Greek or other stem, the letter that follows a Δ, and the digits at the end."""
    if word in GREEK:
        return GREEK[word], "", ""
    found = _WORD.match(word)
    if not found:
        return word, "", ""
    if found[1]:
        return GREEK[found[1]], found[2], ""
    return GREEK.get(found[3], found[3]), "", found[4]


def letter(word: str) -> str:
    """The base of a canonical name in Unicode: ``alpha`` → ``α``, ``Deltat`` → ``Δt``, ``Wx`` → ``Wx``."""
    stem, after, digits = _parts(word)
    return stem + after + digits


def lowered(word: str) -> str:
    """A part below a canonical name in Unicode."""
    return word if word in _SHORT else letter(word)


@lru_cache(maxsize=4096)
def unicode_name(name: str) -> str:
    """The name as one types it in Unicode: ``h̃``, ``W_α``, ``ŷ``, ``c′``; a mark over several letters stays a word."""
    base, marks, parts = split(name)
    out = letter(base)
    for mark in marks:
        if mark == PRIME:
            out += "′"
        elif len(letter(base)) == 1:
            out = unicodedata.normalize("NFC", out + _COMBINED[mark]) if "′" not in out else out + "_" + mark
        else:
            out += "_" + mark
    return "_".join([out, *map(lowered, parts)])


@lru_cache(maxsize=4096)
def latex_name(name: str, digits_upright: bool = False) -> str:
    """The name in LaTeX: ``\\tilde{h}``, ``W_{xh}``, ``d_{\\mathrm{model}}``; `digits_upright` where ``h_{0}`` is an index."""
    base, marks, parts = split(name)
    out = _latex_word(base, r"\mathit")
    for mark in marks:
        if mark == PRIME:
            out += r"^{\prime}"
        else:
            wide = {"hat": r"\widehat", "tilde": r"\widetilde", "bar": r"\overline"}.get(mark, f"\\{mark}")
            out = f"{wide if len(letter(base)) > 1 else chr(92) + mark}{{{out}}}"
    if not parts:
        return out
    words = [rf"\mathrm{{{w}}}" if digits_upright and w.isdigit() else _latex_below(w) for w in parts]
    return f"{out}_{{{','.join(words)}}}"


def _latex_word(word: str, font: str, long: int = 2) -> str:
    stem, after, digits = _parts(word)
    if word in GREEK:
        return f"\\{word}"
    if after:
        return rf"\mathit{{\{'Delta' if stem == 'Δ' else 'delta'} {after}}}"
    return word if len(word) < long and not digits and (word.isdigit() or not word[0].isdigit()) else f"{font}{{{word}}}"


def _latex_below(word: str) -> str:
    if word in _NAME_OF:
        return f"\\{_NAME_OF[word]}"
    return word if word in _SHORT else _latex_word(word, r"\mathrm", 3)


@lru_cache(maxsize=4096)
def symbol_text(name: str) -> Text:
    """A canonical name as it is typeset: ``W_xh`` italic with a subscript, ``h_tilde`` under its tilde, ``alpha`` as α."""
    base, marks, parts = split(name)
    stem, after, digits = _parts(base)
    text: Text = (Run(stem + after, "math"),)
    primes = marks.count(PRIME)
    for mark in marks:
        if mark != PRIME:
            text = (Accent(text, MARKS[mark]),)
    sub: Text = _below(parts) if parts else ()
    if digits:
        sub = (Run(digits, "math"), *((Run(", ", "math"), *sub) if sub else ()))
    sup: Text = (Run("′" * primes, "math"),) if primes else ()
    return (Script(text, sub, sup),) if sub or sup else text


def _below(parts: tuple[str, ...]) -> Text:
    """What stands below: letters italic, words of three letters and more upright, commas between the parts."""
    out: Text = ()
    for part in parts:
        word = lowered(part)
        out += (Run(", ", "math"),) if out else ()
        out += (Run(word, "math-upright" if len(word) > 2 and word.isalpha() else "math"),)
    return merged(out)


def merged(text: Iterable[Piece]) -> Text:
    """Neighbouring runs of one style as one."""
    out: list[Piece] = []
    for piece in text:
        last = out[-1] if out else None
        if isinstance(piece, Run) and isinstance(last, Run) and piece.style == last.style:
            out[-1] = Run(last.text + piece.text, piece.style)
        else:
            out.append(piece)
    return tuple(out)
