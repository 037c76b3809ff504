"""What a character is in a formula, and the space it keeps from its neighbours."""

from __future__ import annotations

import unicodedata
from typing import Final, Literal

Kind = Literal["word", "ord", "op", "bin", "rel", "open", "close", "punct"]
"""TeX's classes: an ordinary sign, a large operator or function, a binary operator, a relation, brackets, punctuation; words."""

CENTRED: Final = "⋮⋯⋱∿"
"""Signs that are neither operators nor relations and still stand on the axis."""

_KINDS: Final[dict[str, Kind]] = {
    **dict.fromkeys("+−±∓×÷·∘⊙⊕⊗⊖⊘⊞∗⋆∧∨∩∪", "bin"),
    **dict.fromkeys("=≠≡≔<>≤≥≪≫≈∼≃≅∝∈∉∋⊂⊆⊃→←↔⇒⇐⇔↦", "rel"),
    **dict.fromkeys("([{⟨⌈⌊", "open"),
    **dict.fromkeys(")]}⟩⌉⌋!", "close"),
    **dict.fromkeys(",;:", "punct"),
}
_ORDER: Final = ("ord", "op", "bin", "rel", "open", "close", "punct")
_SPACES: Final = ("0123000", "1103000", "2200200", "3300300", "0000000", "0123000", "1101111")  # left by right, TeXbook p. 170
_EM: Final = (0.0, 3 / 18, 4 / 18, 5 / 18)
_SPELLINGS: Final = str.maketrans({"-": "−", "'": "′"})


def spelled(text: str) -> str:
    """A formula with real minus signs and primes, and letters joined with their accents where Unicode has them so."""
    return unicodedata.normalize("NFC", text).translate(_SPELLINGS)


def kind_of(text: str) -> Kind:
    """The class of a sign, or of the name of a function."""
    return _KINDS.get(text, "op" if len(text) > 1 and text.isalnum() else "ord")


def gap(left: Kind, right: Kind, *, typed: int, in_script: bool) -> float:
    """The space between neighbours in em; `typed` is how many spaces the writer left: two part formulas on one line."""
    if "word" in (left, right):
        return 0.0
    steps = int(_SPACES[_ORDER.index(left)][_ORDER.index(right)])
    if in_script and (steps > 1 or left == "punct"):
        steps = 0
    if typed > 1 and not {"bin", "rel"} & {left, right}:
        return 1.0
    if typed and not {"bin", "rel", "punct"} & {left, right}:
        steps = max(steps, 1)
    return _EM[steps]


def joins_nothing(before: Kind, after: Kind) -> bool:
    """Whether a + or − between these is a sign of what follows it and no operator."""
    return before in ("bin", "op", "rel", "open", "punct") or after in ("rel", "close", "punct")


def is_joint(char: str) -> bool:
    """Whether a formula may be broken before a character: a relation or a binary operator."""
    return kind_of(char.translate(_SPELLINGS)) in ("rel", "bin")


def shift_of(char: str) -> str:
    """``<super>`` or ``<sub>`` for the small letters of Unicode such as ``ⁿ`` and ``₀``, else nothing."""
    found = "" if len(char) != 1 or char < "\x80" else unicodedata.decomposition(char).partition(" ")[0]
    return found if found in ("<super>", "<sub>") else ""


def is_rtl(char: str) -> bool:
    """Whether a letter is read from right to left."""
    return char > "\u0590" and unicodedata.bidirectional(char) in ("R", "AL")
