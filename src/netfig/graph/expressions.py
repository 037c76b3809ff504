"""Reads an exact number from text such as ``sqrt(3)*ln(80)``: numbers, ``+ - * / ^``, brackets, ``sqrt ln log exp pi e``.

It is read by recursive descent over a few signs; nothing of Python is evaluated, and depth and length have limits.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Final

from netfig.errors import did_you_mean, shown
from netfig.graph import exact
from netfig.graph.exact import Exact, Number

LONGEST: Final = 400
DEEPEST: Final = 40
_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|[-+*/^()√−·×÷]))"
)
_SAME: Final = {"−": "-", "·": "*", "×": "*", "÷": "/", "**": "^"}
FUNCTIONS: Final[dict[str, Callable[[Number], Number]]] = {
    "sqrt": exact.sqrt,
    "ln": exact.ln,
    "log": exact.ln,
    "exp": exact.exp,
}
CONSTANTS: Final[dict[str, Number]] = {"pi": exact.PI, "π": exact.PI, "e": exact.exp(exact.exact(1))}


class WrongNumber(ValueError):
    """A text that is no number: what is wrong, where in it, and what to do."""

    def __init__(self, what: str, start: int, end: int, hint: str = "") -> None:
        super().__init__(what)
        self.what, self.start, self.end, self.hint = what, start, end, hint


def parse_number(text: str) -> Number:
    """The number a text says.

    Raises:
        WrongNumber: it says none.
    """
    if len(text) > LONGEST:
        raise WrongNumber(f"a number of {len(text)} characters is too long", 0, len(text), f"{LONGEST} is the most")
    return _Reader(text).run()


class _Reader:
    """Recursive descent: sum, product, power, atom."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens: list[tuple[str, str, int, int]] = []
        self.at = self.depth = 0
        place = 0
        while text[place:].strip():
            found = _TOKEN.match(text, place)
            if found is None:
                start = place + len(text[place:]) - len(text[place:].lstrip())
                raise WrongNumber(f"{shown(text[start])} is nothing a number is made of", start, start + 1, _KNOWN)
            kind = str(found.lastgroup)
            self.tokens.append((kind, _SAME.get(found[kind], found[kind]), found.start(kind), found.end(kind)))
            place = found.end()
        self.tokens.append(("end", "", len(text), len(text)))

    def run(self) -> Number:
        value = self._sum()
        kind, word, start, end = self.tokens[self.at]
        if kind != "end":
            hint = "a product is written with *" if kind in ("number", "name") or word == "(" else ""
            raise WrongNumber(f"{shown(word)} does not belong here", start, end, hint)
        return value

    def _next(self, *signs: str) -> str:
        kind, word, _, _ = self.tokens[self.at]
        if kind == "sign" and word in signs:
            self.at += 1
            return word
        return ""

    def _sum(self) -> Number:
        value = self._product()
        while sign := self._next("+", "-"):
            right = self._product()
            value = exact.add(value, exact.neg(right) if sign == "-" else right)
        return value

    def _product(self) -> Number:
        value = self._signed()
        while sign := self._next("*", "/"):
            start = self.tokens[self.at][2]
            right = self._signed()
            value = self._checked(start, lambda r: exact.mul(value, r) if sign == "*" else exact.div(value, r), right)  # noqa: B023
        return value

    def _signed(self) -> Number:
        self.depth += 1
        if self.depth > DEEPEST:
            _, _, start, end = self.tokens[self.at]
            raise WrongNumber("the number is nested too deeply", start, end, f"{DEEPEST} levels are the most")
        sign = self._next("+", "-")
        value = exact.neg(self._signed()) if sign == "-" else self._signed() if sign else self._power()
        self.depth -= 1
        return value

    def _power(self) -> Number:
        start = self.tokens[self.at][2]
        base = self._atom()
        if not self._next("^"):
            return base
        where = self.tokens[self.at][2]
        top = self._signed()
        value = top.rational if isinstance(top, Exact) else None
        if value is not None and value.denominator == 1 and abs(value) <= 64:
            n = int(value)
            return self._checked(start, lambda b: exact.power(b, n), base)
        if value == Fraction(1, 2):
            return self._checked(start, exact.sqrt, base)
        return self._checked(where, lambda t: exact.exp(exact.mul(t, exact.ln(base))), top)

    def _atom(self) -> Number:
        kind, word, start, end = self.tokens[self.at]
        self.at += 1
        if kind == "number":
            if len(word) > 40 or abs(int(re.split("[eE]", word)[1]) if re.search("[eE]", word) else 0) > 60:
                raise WrongNumber(f"the number {shown(word, 30)} is too long", start, end)
            return exact.exact(Fraction(word))
        if word == "√":
            place = self.tokens[self.at][2]
            return self._checked(place, exact.sqrt, self._atom())
        if word == "(":
            value = self._sum()
            self._close(start)
            return value
        if kind == "name" and word in CONSTANTS:
            return CONSTANTS[word]
        if kind == "name" and word in FUNCTIONS:
            if not self._next("("):
                raise WrongNumber(f"{word} is followed by a bracket", start, end, f"such as {word}(80)")
            place = self.tokens[self.at][2]
            value = self._sum()
            self._close(end)
            return self._checked(place, FUNCTIONS[word], value)
        if kind == "name":
            raise WrongNumber(
                f"there is no function or constant {shown(word)}", start, end, did_you_mean(word, [*FUNCTIONS, *CONSTANTS])
            )
        what = "a number is missing" if kind == "end" else f"{shown(word)} stands where a number should"
        raise WrongNumber(what, start, max(end, start + 1), _KNOWN if not self.text.strip() else "")

    def _close(self, opened: int) -> None:
        if not self._next(")"):
            _, _, start, end = self.tokens[self.at]
            raise WrongNumber("a bracket is not closed", start, max(end, start + 1), f"it is opened at column {opened + 1}")

    def _checked(self, start: int, function: Callable[[Number], Number], value: Number) -> Number:
        end = self.tokens[self.at - 1][3]
        try:
            made = function(value)
            if not math.isfinite(float(made)):
                raise OverflowError
        except ZeroDivisionError:
            raise WrongNumber("something is divided by 0", start, end) from None
        except OverflowError:
            raise WrongNumber("the number is too large", start, end) from None
        except ValueError as error:
            raise WrongNumber(f"this is {error}", start, end) from None
        return made


_KNOWN: Final = "a number is written with digits, + - * / ^, brackets, sqrt, ln, exp, pi and e"
