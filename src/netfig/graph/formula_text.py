"""Formulas read from text, typeset for figures, and written for tables and LaTeX."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netfig.graph import formula as f
from netfig.graph.formula import Bracket, Formula, Least, Name, Quotient
from netfig.mathtext import Fence, Fraction, Run, Script, Text, text_of

if TYPE_CHECKING:
    from netfig.graph.formula import Atom

LONGEST: Final = 2000
DEEPEST: Final = 40
_MOST_POWER: Final = 9
NAME: Final = r"[^\W\d]\w{0,30}['′]{0,3}"
_TOKEN: Final = re.compile(rf"\s*(?:(?P<number>\d{{1,12}})|(?P<name>{NAME})|(?P<sign>\*\*|[-+*/^(),·−⌊⌋⌈⌉]))")
_POWERS: Final = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_SAME: Final = {"−": "-", "·": "*", "**": "^"}


class WrongFormula(ValueError):
    """A text that is no formula: what is wrong and where in it."""

    def __init__(self, what: str, start: int, end: int) -> None:
        super().__init__(what)
        self.what, self.start, self.end = what, start, end


def parse(text: str) -> Formula:
    """The formula a text says: ``floor((H - K)/S) + 1``, ``4*d_model``, ``⌊H/2⌋``.

    Raises:
        WrongFormula: it says none.
    """
    if len(text) > LONGEST:
        raise WrongFormula(f"a formula of {len(text)} characters is too long", 0, len(text))
    try:
        return _Reader(text).run()
    except ValueError as error:
        raise error if isinstance(error, WrongFormula) else WrongFormula(str(error), 0, len(text)) from None


def parsed(text: str | None) -> Formula | None:
    """The formula a text says, or ``None``."""
    try:
        return None if text is None else parse(text)
    except WrongFormula:
        return None


class _Reader:
    """Recursive descent: sum, product, power, atom."""

    def __init__(self, text: str) -> None:
        text = re.sub(f"[{_POWERS}]", lambda found: f"^{_POWERS.index(found[0])}", text)
        self.text, self.at, self.depth = text, 0, 0
        self.tokens: list[tuple[str, str, int, int]] = []
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                raise WrongFormula(f"{text[start]!r} means nothing in a size", start, start + 1)
            kind = str(found.lastgroup)
            self.tokens.append((kind, _SAME.get(found[kind], found[kind]), found.start(kind), found.end(kind)))
            place = found.end()
        self.tokens.append(("end", "", len(text), len(text) + 1))

    def run(self) -> Formula:
        value = self._sum()
        if self.tokens[self.at][0] != "end":
            raise self._wrong("does not belong here")
        return value

    def _wrong(self, what: str) -> WrongFormula:
        kind, word, start, end = self.tokens[self.at]
        return WrongFormula("a size is missing" if kind == "end" else f"{word!r} {what}", start, end)

    def _next(self, *signs: str) -> str:
        kind, word, _, _ = self.tokens[self.at]
        if kind == "sign" and word in signs:
            self.at += 1
            return word
        return ""

    def _sum(self) -> Formula:
        self.depth += 1
        if self.depth > DEEPEST:
            raise self._wrong("is nested too deeply")
        negative = self._next("+", "-") == "-"
        value = self._product()
        value = value.scaled(-1) if negative else value
        while sign := self._next("+", "-"):
            right = self._product()
            value = value - right if sign == "-" else value + right
        self.depth -= 1
        return value

    def _product(self, rounds: f.Kind = "exact") -> Formula:
        value = self._power()
        while True:
            if self._next("*"):
                value = value * self._power()
            elif self._next("/"):
                value = f.quotient(rounds, value, self._power())
            elif self.tokens[self.at][0] == "name" and self.tokens[self.at - 1][0] == "number":  # 2P
                value = value * self._power()
            else:
                return value

    def _power(self) -> Formula:
        base = self._atom()
        if not self._next("^"):
            return base
        kind, word, _, _ = self.tokens[self.at]
        if kind != "number" or not 1 <= int(word) <= _MOST_POWER:
            raise self._wrong("is no power: a whole number from 1 to 9")
        self.at += 1
        return f.product([base] * int(word))

    def _atom(self) -> Formula:
        kind, word, _, _ = self.tokens[self.at]
        if kind == "number":
            self.at += 1
            return f.formula(int(word))
        if kind == "name" and word in ("floor", "ceil", "min") and self.tokens[self.at + 1][1] == "(":
            self.at += 2
            return self._least() if word == "min" else self._rounded("floor" if word == "floor" else "ceil", ")")
        if kind == "name":
            self.at += 1
            return f.formula(word.replace("′", "'"))
        if opened := self._next("⌊", "⌈"):
            return self._rounded("floor" if opened == "⌊" else "ceil", "⌋" if opened == "⌊" else "⌉")
        if self._next("("):
            value = self._sum()
            self._close(")")
            return value
        raise self._wrong("stands where a size should")

    def _rounded(self, kind: f.Kind, closing: str) -> Formula:
        value = self._product(kind)
        if self.tokens[self.at][1] in "+-" and self.tokens[self.at][0] == "sign":
            raise self._wrong("stands in a rounded quotient: write the sum above the stroke in brackets")
        self._close(closing)
        return value

    def _least(self) -> Formula:
        found = [self._sum()]
        while self._next(","):
            found.append(self._sum())
        self._close(")")
        return f.least(*found)

    def _close(self, sign: str) -> None:
        if not self._next(sign):
            raise self._wrong(f"stands where {sign!r} should")


# --- typeset ---


def typeset(a: Formula, *, tall: bool = False) -> Text:
    """For a figure; with `tall` quotients are fractions, otherwise it fits a line."""
    return _merged(_sum(a, tall))


def pretty(a: Formula) -> str:
    """On one line, as people write it: ``⌊(H + 2P − 1)/S⌋ + 1``, ``C·K²``."""
    return re.sub(r"\^(\d)", lambda found: _POWERS[int(found[1])], text_of(typeset(a)))


def pretty_size(text: str) -> str:
    """The name of a size, a product or sum of names among them, as people write it."""
    made = parsed(text)
    return text if made is None else pretty(made)


def name_text(name: str) -> Text:
    """``K_H`` with its subscript below; words of several letters upright."""
    body = name.rstrip("'")
    base, _, below = body.partition("_")
    if not base or not below:
        base, below = body, ""
    primes = "′" * (len(name) - len(body))
    letters: Text = (Run(base + primes, "math" if len(base) == 1 else "math-upright"),)
    return (Script(letters, _below(below)),) if below else letters


def _below(text: str) -> Text:
    return (Run(text.replace("_", ","), "math" if len(text) == 1 else "math-upright"),)


def _sign(text: str) -> Text:
    return (Run(text, "math"),)


def _sum(a: Formula, tall: bool) -> Text:
    out: Text = ()
    for n, (coefficient, factors) in enumerate(a.terms):
        minus = coefficient < 0
        sign = (" − " if minus else " + ") if n else "−" if minus else ""
        out = (*out, *(_sign(sign) if sign else ()), *_product(abs(coefficient), factors, tall))
    return out or _sign("0")


def _product(coefficient: int, factors: tuple[Atom, ...], tall: bool) -> Text:
    """Equal factors are a power; a number stands close to a name, with a dot before a bracket."""
    powers: dict[Atom, int] = {}
    for atom in factors:
        powers[atom] = powers.get(atom, 0) + 1
    only = len(powers) == 1 and coefficient == 1
    out = _sign(f"{coefficient:,}") if coefficient != 1 or not powers else ()
    for atom, power in powers.items():
        close = len(out) == 1 and coefficient != 1 and isinstance(atom, Name)
        if out and not close:
            out = (*out, *_sign("·"))
        out = (*out, *_atom(atom, power, tall, only))
    return out


def _atom(atom: Atom, power: int, tall: bool, only: bool) -> Text:
    match atom:
        case Name(text):
            made = name_text(text)
            if power == 1:
                return made
            first = made[0]
            above = _sign(str(power))
            return (Script(first.base, first.sub, above),) if isinstance(first, Script) else (Script(made, (), above),)
        case Quotient(kind, over, under):
            made = (Fraction(_sum(over, False), _sum(under, False)),) if tall else _stroke(over, under)
            if kind != "exact":
                left, right = ("⌊", "⌋") if kind == "floor" else ("⌈", "⌉")
                made = (Fence(left, made, right),) if tall else (*_sign(left), *made, *_sign(right))
            elif not (tall or (only and power == 1)):
                made = (*_sign("("), *made, *_sign(")"))
        case Least(of):
            inner: Text = ()
            for one in of:
                inner = (*inner, *(_sign(", ") if inner else ()), *_sum(one, tall))
            made = (Run("min", "math-upright"), *((Fence("(", inner, ")"),) if tall else (*_sign("("), *inner, *_sign(")"))))
        case Bracket(body):
            made = (*_sign("("), *_sum(body, tall), *_sign(")"))
    return (Script(made, (), _sign(str(power))),) if power > 1 else made


def _stroke(over: Formula, under: Formula) -> Text:
    top, bottom = _sum(over, False), _sum(under, False)
    if len(over.terms) > 1 or any(coefficient < 0 for coefficient, _ in over.terms):
        top = (*_sign("("), *top, *_sign(")"))
    simple = under.number is not None or isinstance(next(iter(under.terms[0][1]), None), Name)
    if len(under.terms) > 1 or not simple or (under.number is None and len(under.terms[0][1]) + (under.terms[0][0] != 1) > 1):
        bottom = (*_sign("("), *bottom, *_sign(")"))
    return (*top, *_sign("/"), *bottom)


def _merged(text: Text) -> Text:
    """Neighbours in one style are one run."""
    out: list[Run | object] = []
    for piece in text:
        if out and isinstance(piece, Run) and isinstance(out[-1], Run) and out[-1].style == piece.style:
            out[-1] = Run(out[-1].text + piece.text, piece.style)
        else:
            out.append(piece)
    return tuple(out)  # type: ignore[arg-type]


# --- LaTeX ---


def latex(a: Formula) -> str:
    r"""For maths mode: ``\left\lfloor \frac{H - K}{S} \right\rfloor + 1``."""
    out = ""
    for coefficient, factors in a.terms:
        powers: dict[Atom, int] = {}
        for atom in factors:
            powers[atom] = powers.get(atom, 0) + 1
        words = [_latex_atom(atom) + (f"^{{{power}}}" if power > 1 else "") for atom, power in powers.items()]
        sign = "-" if coefficient < 0 else "+"
        number = f"{abs(coefficient)} " if words and abs(coefficient) != 1 else ""
        out += (f" {sign} " if out else "-" if coefficient < 0 else "") + number
        out += r" \cdot ".join(words) or str(abs(coefficient))
    return out or "0"


def latex_name(name: str) -> str:
    r"""``K_{H}``, ``d_{\mathrm{model}}``, ``H'``."""
    body = name.rstrip("'")
    base, _, below = body.partition("_")
    if not base or not below:
        base, below = body.replace("_", r"\_"), ""
    base = base if len(base) == 1 else rf"\mathrm{{{base}}}"
    below = below.replace("_", ",")
    sub = "" if not below else f"_{{{below}}}" if len(below) == 1 else rf"_{{\mathrm{{{below}}}}}"
    return base + "'" * (len(name) - len(body)) + sub


def _latex_atom(atom: Atom) -> str:
    match atom:
        case Name(text):
            return latex_name(text)
        case Quotient(kind, over, under):
            inner = rf"\frac{{{latex(over)}}}{{{latex(under)}}}"
            if kind == "exact":
                return inner
            word = "floor" if kind == "floor" else "ceil"
            return rf"\left\l{word} {inner} \right\r{word}"
        case Least(of):
            return rf"\min\left({', '.join(map(latex, of))}\right)"
        case Bracket(body):
            return rf"\left({latex(body)}\right)"
