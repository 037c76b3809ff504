"""The words of a recurrence program: one list of tokens whatever the spelling, Unicode, ASCII or LaTeX.

Each sign has one kind however it is written (``⊙``, ``*``, ``∘``, ``.*`` and ``\\odot`` are ``*``). Fonts, spacing and alignment
of LaTeX vanish. A program *is LaTeX* when it has commands and no index in brackets: only then letters in a row are a product, an
unbraced subscript is one letter, and spaces mean nothing.
"""

from __future__ import annotations

import re
from typing import Final

from netfig.equations.names import GREEK, KEYWORDS, function, letters

SUBSCRIPTS: Final = "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎ₐₑₒₓₔₕₖₗₘₙₚₛₜᵢᵣᵤᵥⱼᵦᵧᵨᵩᵪ"
SUPERSCRIPTS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱᵃᵇᶜᵈᵉᶠᵍʰʲᵏˡᵐᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂ"
_PLAIN = {**dict(zip(SUBSCRIPTS, "0123456789+-=()aeoxəhklmnpstiruvjβγρφχ", strict=True))} | dict(
    zip(SUPERSCRIPTS, "0123456789+-=()niabcdefghjklmoprstuvwxyzABDEGHIJKLMNOPRTUVW", strict=True)
)


def plain(char: str) -> str:
    """A raised or lowered character on the line."""
    return _PLAIN[char]


class Token:
    """A word with its place; `gap` says whether a space stands before it. `whole` words are never taken apart."""

    __slots__ = ("end", "gap", "kind", "start", "text", "whole")

    def __init__(self, kind: str, text: str, start: int, end: int, gap: bool = False, whole: bool = False) -> None:
        self.kind, self.text, self.start, self.end, self.gap, self.whole = kind, text, start, end, gap, whole

    def __repr__(self) -> str:
        return f"<{self.kind} {self.text!r}>"


_SIGNS: Final = {
    "+": "+", "-": "-", "−": "-", "–": "-", "*": "*", "⊙": "*", "∘": "*", "◦": "*", "⨀": "*", "∗": "*", ".*": "*", "⊗": "outer",
    "/": "/", "÷": "/", "./": "/", "·": "@", "⋅": "@", "@": "@", "×": "@", "=": "=", ":=": "=", "≔": "=", "←": "=",
    "(": "(", ")": ")", "[": "[", "]": "]", "{": "{", "}": "}", "^": "^", "**": "^", "_": "_", ",": ",", ":": ":", "∈": "in",
    "..": "..", "...": "..", "…": "..", "⋯": "..", "‥": "..", "|": "|", "‖": "‖", "||": "‖", "∥": "‖", "'": "'", "’": "'",
    "′": "prime", "⊤": "top", "∞": "∞", "<": "<", ">": ">", "<=": "<=", "≤": "<=", "⩽": "<=", ">=": ">=", "≥": ">=", "⩾": ">=",
    "∀": "forall", "√": "sqrt", "∑": "sum", "∏": "prod", ";": ";",
    "‐": "-", "‑": "-", "‒": "-", "—": "-", "－": "-", "＋": "+", "＊": "*", "／": "/", "＝": "=", "（": "(", "）": ")",
    "［": "[", "］": "]", "｛": "{", "｝": "}", "，": ",", "；": ";", "：": ":",
}  # fmt: skip
_COMMANDS: Final = {
    "odot": "*", "circ": "*", "ast": "*", "bullet": "*", "otimes": "outer", "cdot": "@", "times": "@", "top": "top",
    "intercal": "top", "intercalT": "top", "prime": "prime", "ldots": "..", "dots": "..", "cdots": "..", "dotsc": "..",
    "in": "in", "ge": ">=", "geq": ">=", "geqslant": ">=", "le": "<=", "leq": "<=", "leqslant": "<=", "lt": "<", "gt": ">",
    "infty": "∞", "forall": "forall", "frac": "frac", "dfrac": "frac", "tfrac": "frac", "sqrt": "sqrt", "sum": "sum",
    "prod": "prod", "lVert": "‖", "rVert": "‖", "Vert": "‖", "|": "‖", "lvert": "|", "rvert": "|", "vert": "|", "mid": "|",
    "{": "(", "}": ")", "gets": "=", "leftarrow": "=", "coloneqq": "=", "lbrack": "[", "rbrack": "]", "lbrace": "(",
    "rbrace": ")", "colon": ":", "_": "_", "div": "/", "nonumber": "", "notag": "", "limits": "", "displaystyle": "",
    "textstyle": "", "left": "", "right": "", "middle": "", "big": "", "Big": "", "bigg": "", "Bigg": "", "bigl": "",
    "bigr": "", "Bigl": "", "Bigr": "", "biggl": "", "biggr": "", "mathbf": "", "boldsymbol": "", "bm": "", "mathcal": "",
    "mathsf": "", "mathtt": "", "mathrm": "", "mathit": "", "mathnormal": "", "text": "", "textbf": "", "textit": "",
    "textrm": "", "operatorname": "", "operatorname*": "", "mathop": "", "bf": "", "rm": "", "it": "", "boldmath": "",
    "vphantom": "", "quad": " ", "qquad": " ", ",": " ", ";": " ", ":": " ", " ": " ", "!": "", ">": " ", "/": "", "(": "",
    ")": "", "[": "newline", "]": "newline", "hspace": "", "mathbb": "mathbb", "#": "", "$": "", "&": "", "%": "",
}  # fmt: skip
"""The kind of each LaTeX command that is no letter or function; "" vanishes, " " is a space that counts."""

_ACCENTS: Final = {
    "hat": "hat", "widehat": "hat", "tilde": "tilde", "widetilde": "tilde", "bar": "bar", "overline": "bar", "dot": "dot",
    "vec": "vec", "overrightarrow": "vec",
}  # fmt: skip
_LETTERS: Final = {
    "varepsilon": "epsilon",
    "varphi": "phi",
    "vartheta": "theta",
    "varrho": "rho",
    "varsigma": "sigma",
    "varpi": "pi",
    "ell": "l",
}

_LOWERED = "₀-₎ₐ-ₜᵢ-ᵪⱼ"  # as ranges: a regular expression of single characters takes long to compile
_RAISED = "²³¹ʰ-ʸˡ-ˣᴬ-ᵡᶛ-ᶿ⁰ⁱ⁴-ⁿⱽ"
_LETTER = r"[^\W\d_²³¹ʰ-ʸˡ-ˣᴬ-ᵪᶛ-ᶿ⁰-₎ₐ-ₜⱼⱽͰ-Ͽ𝚨-𝟋]"  # any but Greek, which stands alone
_GREEK = "[Ͱ-Ͽ𝚨-𝟋]"
_ANY_LETTER = rf"(?:{_LETTER}|{_GREEK})"
_COMBINE = "[\u0300-\u036f\u20d0-\u20ff]*"
_TAIL = rf"(?:_(?:{_ANY_LETTER}{_COMBINE}|[0-9])+)*"
_TOKEN = re.compile(
    rf"""(?P<space>[^\S\n]+|~|&|\$|\\begin\s*\{{[a-z]+\*?\}}|\\end\s*\{{[a-z]+\*?\}}|\\(?:label|tag)\s*\{{[^{{}}\n]*\}}|\\(?:left|right)\.)
      |(?P<nothing>[\u00ad\u200b-\u200f\u2060-\u2064\ufeff]+)
      |(?P<comment>[#%][^\n]*)
      |(?P<newline>\n|\\\\(?:\[[^\]\n]*\])?)
      |(?P<number>(?:[0-9]+(?:\.(?!\.)[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      |(?P<word>\\(?:mathrm|mathit|mathsf|text|textrm|textit|operatorname\*?)\s*\{{\s*(?:\\[Dd]elta\s+)?(?:{_LETTER}{_COMBINE}|[0-9]|_)+\s*\}})
      |(?P<command>\\(?:[A-Za-z]+\*?|[^\w\n]|_))
      |(?P<reals>ℝ)
      |(?P<name>(?:(?:[Δδ]{_COMBINE}(?={_LETTER}(?!{_LETTER})))?{_LETTER}{_COMBINE}(?:{_LETTER}{_COMBINE}|[0-9])*|{_GREEK}{_COMBINE}[0-9]*){_TAIL})
      |(?P<sub>[{_LOWERED}]+)
      |(?P<sup>[{_RAISED}]+)
      |(?P<sign>\.\.\.|\.\.|\.\*|\./|\*\*|:=|<=|>=|\|\||[-+*/@=()\[\]{{}}^_,:;|'<>−–⊙∘◦⨀∗⊗÷·⋅×≔←∈…⋯‥‖∥’′⊤∞≤⩽≥⩾∀√∑∏‐‑‒—－＋＊／＝（）［］｛｝，；：])
    """,
    re.VERBOSE,
)
_LATEX = re.compile(r"\\[A-Za-z]")
_INDEXED = re.compile(r"[\w'′]\[\s*[a-zτ](?:\s*[-+,\]])")
_WHOLE = re.compile(r"\{\s*(.*?)\s*\}", re.DOTALL)


def is_latex(source: str) -> bool:
    """Whether letters in a row are a product, as in LaTeX."""
    return "\\" in source and _LATEX.search(source) is not None and _INDEXED.search(source) is None


def tokens(source: str) -> list[Token]:
    """The tokens of a program, comments and line ends among them; what is no part of the language is a token ``bad``."""
    latex = is_latex(source)
    found: list[Token] = []
    gap, position, length = False, 0, len(source)
    match = _TOKEN.match
    while position < length:
        token = match(source, position)
        if token is None:
            found.append(Token("bad", source[position], position, position + 1, gap))
            gap, position = False, position + 1
            continue
        start, position = position, token.end()
        kind, text = token.lastgroup or "", token.group()
        if kind == "space":
            gap = gap or not latex
            continue
        if kind == "nothing":
            continue  # what a web page leaves between letters when it is copied
        if kind == "sign":
            kind = _SIGNS[text]
        elif kind == "name":
            if latex:
                _latex_names(text, start, found, gap)
                gap = False
                continue
            kind = _keyword(text)
        elif kind == "command":
            kind, text = _command(text[1:])
            if kind == " ":
                gap = True
            if kind in ("", " "):
                continue
        elif kind == "word":
            inside = _WHOLE.search(text)
            text = inside[1] if inside else text
            if text[0] == "\\":
                text = ("Δ" if text[1] == "D" else "δ") + text[6:].lstrip()
            kind = _keyword(text)
            found.append(Token(kind, text, start, position, gap, kind == "name"))
            gap = False
            continue
        elif kind == "sub" or kind == "sup":
            text = "".join(_PLAIN.get(c, "�") for c in text)  # a few have no equal on the line
            if kind == "sup" and text == "T":
                kind = "ᵀ"
        found.append(Token(kind, text, start, position, gap))
        gap = False
    return found


def _keyword(text: str) -> str:
    return text if text in KEYWORDS and text not in ("scalar", "function") else "name"


def _command(word: str) -> tuple[str, str]:
    """Kind and text of a LaTeX command."""
    if word in _COMMANDS:
        return _COMMANDS[word], word
    if word in _ACCENTS:
        return "accent", _ACCENTS[word]
    name = _LETTERS.get(word, word)
    if name in GREEK or name == "l":
        return "name", GREEK.get(name, name)
    if function(word):
        return "name", word
    return "bad", "\\" + word


def _latex_names(text: str, start: int, found: list[Token], gap: bool) -> None:
    """A run of letters in LaTeX: a word that is known, or a product of letters, each with one letter below it at most."""
    head = text.split("_", 1)[0]
    if head in KEYWORDS or (function(head) and len(head) > 1) or (len(head) > 1 and letters(head) in GREEK):
        found.append(Token(_keyword(head), head, start, start + len(head), gap))
        if len(head) == len(text):
            return
        found.append(Token("_", "_", start + len(head), start + len(head) + 1))
        text, start, gap = text[len(head) + 1 :], start + len(head) + 1, False
    for piece in _PIECE_OR_MORE.finditer(text):
        kind = "_" if piece.group() == "_" else "number" if piece.group().isdigit() else "name"
        found.append(Token(kind, piece.group(), start + piece.start(), start + piece.end(), gap))
        gap = False


_PIECE_OR_MORE = re.compile(rf"_|[0-9]+|(?:{_LETTER}|{_GREEK}){_COMBINE}")
