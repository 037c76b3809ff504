"""Exact numbers: sums of rationals times √n, π, powers of ln q and e^…, such as ``sqrt(3)*ln(80)``.

A `Number` is an `Exact`, or a float where no closed form of that kind exists or it would grow too long. Nothing is evaluated as
Python: `parse_number` in `netfig.graph.expressions` reads text by a grammar of its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Final, TypeAlias

from netfig.graph.types import Attribute
from netfig.records import dataclass

MOST_TERMS: Final = 16
MOST_BITS: Final = 256
"""A closed form with more terms, or longer numbers in it, becomes a float."""
LONGEST_TEXT: Final = 60
_MOST_POWER: Final = 64
_DECIMALS: Final = 12  # a float with fewer digits stands for exactly that decimal

Logs: TypeAlias = tuple[tuple[Fraction, int], ...]
Terms: TypeAlias = "tuple[tuple[Factors, Fraction], ...]"


@dataclass(frozen=True, slots=True)
class Factors:
    """What a rational is multiplied by: √root, π to a power, powers of logarithms, e to a sum. `root` has no square in it."""

    root: int = 1
    pi: int = 0
    logs: Logs = ()
    power: Terms = ()

    @property
    def order(self) -> str:
        """A key that sorts."""
        return "" if self == Factors() else repr((self.root, self.pi, self.logs, self.power))


_ONE: Final = Factors()


@dataclass(frozen=True, slots=True)
class Exact:
    """A sum of terms, each a rational times `Factors`; no term is 0 and no two have the same factors."""

    terms: Terms = ()

    @property
    def rational(self) -> Fraction | None:
        """Its value when it is rational."""
        if not self.terms:
            return Fraction(0)
        return self.terms[0][1] if len(self.terms) == 1 and self.terms[0][0] == _ONE else None

    def __float__(self) -> float:
        return math.fsum(float(c) * _factors_value(f) for f, c in self.terms)


Number: TypeAlias = Exact | float


def exact(value: int | Fraction) -> Exact:
    """A rational."""
    return Exact(((_ONE, Fraction(value)),)) if value else Exact()


ZERO: Final = exact(0)
PI: Final = Exact(((Factors(pi=1), Fraction(1)),))


def _factors_value(f: Factors) -> float:
    value = math.sqrt(f.root) * math.pi**f.pi
    for argument, power in f.logs:
        value *= (math.log(argument.numerator) - math.log(argument.denominator)) ** power
    return value * math.exp(float(Exact(f.power))) if f.power else value


def _sum(pairs: Iterable[tuple[Factors, Fraction]]) -> Number:
    found: dict[Factors, Fraction] = {}
    for factors, coefficient in pairs:
        found[factors] = found.get(factors, Fraction(0)) + coefficient
    kept = [(f, c) for f, c in found.items() if c]
    if len(kept) > 1:
        kept.sort(key=lambda pair: pair[0].order)
    made = Exact(tuple(kept))
    short = len(kept) <= MOST_TERMS and all(
        max(c.numerator.bit_length(), c.denominator.bit_length()) <= MOST_BITS for _, c in kept
    )
    return made if short else float(made)


def add(a: Number, b: Number) -> Number:
    """a + b."""
    return _sum((*a.terms, *b.terms)) if isinstance(a, Exact) and isinstance(b, Exact) else float(a) + float(b)


def total(numbers: Iterable[Number]) -> Number:
    """The sum of all."""
    listed = list(numbers)
    if all(isinstance(n, Exact) for n in listed):
        return _sum(term for n in listed if isinstance(n, Exact) for term in n.terms)
    return math.fsum(float(n) for n in listed)


def neg(a: Number) -> Number:
    """−a."""
    return Exact(tuple((f, -c) for f, c in a.terms)) if isinstance(a, Exact) else -a


def mul(a: Number, b: Number) -> Number:
    """a · b; an exact 0 makes 0."""
    if ZERO in (a, b):
        return ZERO
    if not (isinstance(a, Exact) and isinstance(b, Exact)):
        return float(a) * float(b)
    if len(a.terms) * len(b.terms) > MOST_TERMS**2:
        return float(a) * float(b)
    return _sum(_times(x, y) for x in a.terms for y in b.terms)


def _times(x: tuple[Factors, Fraction], y: tuple[Factors, Fraction]) -> tuple[Factors, Fraction]:
    (f, c), (g, d) = x, y
    if f == _ONE or g == _ONE:
        return (g if f == _ONE else f), c * d
    common = math.gcd(f.root, g.root)
    logs = dict(f.logs)
    for argument, power in g.logs:
        logs[argument] = logs.get(argument, 0) + power
    kept = tuple(sorted((a, p) for a, p in logs.items() if p))
    root, coefficient = f.root * g.root // common**2, c * d * common
    made = Factors(root, f.pi + g.pi, kept)
    if f.power or g.power:
        grown = _sum((*f.power, *g.power))
        (extra, times) = _e_to(grown.terms if isinstance(grown, Exact) else (*f.power, *g.power))
        common = math.gcd(root, extra.root)
        made = Factors(root * extra.root // common**2, made.pi, kept, extra.power)
        coefficient *= times * common
    return made, coefficient


def _e_to(terms: Terms) -> tuple[Factors, Fraction]:
    """e to a sum, with e^(n ln q) and e^(ln q / 2) taken out of it."""
    coefficient, inner, kept = Fraction(1), 1, []
    for factors, c in terms:
        argument = factors.logs[0][0] if factors == Factors(logs=factors.logs) and len(factors.logs) == 1 else None
        if argument is None or factors.logs[0][1] != 1 or (2 * c).denominator != 1 or abs(c) > _MOST_POWER:
            kept.append((factors, c))
            continue
        coefficient *= argument ** math.floor(c)
        if c.denominator == 2:
            outside, root = _square_free(argument.numerator * argument.denominator)
            common = math.gcd(inner, root)
            coefficient *= Fraction(outside * common, argument.denominator)
            inner = inner * root // common**2
    return Factors(inner, power=tuple(kept)), coefficient


@lru_cache(maxsize=1024)
def _square_free(n: int) -> tuple[int, int]:
    """n as a² · b with b square-free: (a, b); of a large n only small squares are found."""
    outside, rest, factor = 1, n, 2
    while factor * factor <= rest and factor < 5000:
        while rest % (factor * factor) == 0:
            outside, rest = outside * factor, rest // (factor * factor)
        factor += 1
    whole = math.isqrt(rest)
    return (outside * whole, 1) if whole * whole == rest else (outside, rest)


def div(a: Number, b: Number) -> Number:
    """a / b, exact for a divisor of one term and for a multiple of the divisor.

    Raises:
        ZeroDivisionError: b is 0.
    """
    if b == ZERO or float(b) == 0.0:
        raise ZeroDivisionError
    if not (isinstance(a, Exact) and isinstance(b, Exact)):
        return float(a) / float(b)
    if len(b.terms) == 1:
        return mul(a, Exact((_inverse(b.terms[0]),)))
    if len(a.terms) == len(b.terms) and [f for f, _ in a.terms] == [f for f, _ in b.terms]:
        ratios = {c / d for (_, c), (_, d) in zip(a.terms, b.terms, strict=True)}
        if len(ratios) == 1:
            return exact(ratios.pop())
    return ZERO if a == ZERO else float(a) / float(b)


def _inverse(term: tuple[Factors, Fraction]) -> tuple[Factors, Fraction]:
    f, c = term
    power = tuple((g, -d) for g, d in f.power)
    return Factors(f.root, -f.pi, tuple((a, -p) for a, p in f.logs), power), 1 / (c * f.root)


def sqrt(a: Number) -> Number:
    """√a.

    Raises:
        ValueError: a is negative.
    """
    if float(a) < 0:
        raise ValueError("the root of a negative number")
    value = a.rational if isinstance(a, Exact) else None
    if value is None or value.numerator.bit_length() + value.denominator.bit_length() > 64:
        return math.sqrt(float(a))
    outside, root = _square_free(value.numerator * value.denominator) if value else (0, 1)
    return _sum([(Factors(root), Fraction(outside, value.denominator))])


def ln(a: Number) -> Number:
    """The natural logarithm.

    Raises:
        ValueError: a is not positive.
    """
    if float(a) <= 0:
        raise ValueError("the logarithm of a number that is not positive")
    if isinstance(a, Exact) and len(a.terms) == 1:
        factors, coefficient = a.terms[0]
        if factors == Factors(power=factors.power):
            inner = Exact(factors.power)
            return inner if coefficient == 1 else add(inner, _log(coefficient))
    return math.log(float(a))


def _log(value: Fraction) -> Exact:
    if value == 1:
        return ZERO
    if value < 1:
        return Exact(((Factors(logs=((1 / value, 1),)), Fraction(-1)),))
    return Exact(((Factors(logs=((value, 1),)), Fraction(1)),))


def exp(a: Number) -> Number:
    """e to the power a.

    Raises:
        OverflowError: that is more than a float holds.
    """
    if not isinstance(a, Exact):
        return math.exp(a)
    math.exp(float(a))  # says so when it is too large
    return _sum([_e_to(a.terms)])


def power(a: Number, n: int) -> Number:
    """a to a whole power of at most 64.

    Raises:
        ZeroDivisionError: 0 to a negative power.
        ValueError: the power is too large.
    """
    if abs(n) > _MOST_POWER:
        raise ValueError(f"a power above {_MOST_POWER}")
    made: Number = exact(1)
    for _ in range(abs(n)):
        made = mul(made, a)
    return div(exact(1), made) if n < 0 else made


def softmax(row: Sequence[Number | None]) -> list[Number]:
    """softmax of a row, ``None`` for −∞ (masked); exact where the e^(differences) are rational.

    Raises:
        ValueError: everything is masked.
    """
    there = [x for x in row if x is not None]
    if not there:
        raise ValueError("the softmax of nothing but −∞")
    found = exponentials(row)
    if found is not None:
        whole = total(e for e in found if e is not None)
        return [ZERO if e is None else div(e, whole) for e in found]
    most = max(float(x) for x in there)
    powers = [0.0 if x is None else math.exp(float(x) - most) for x in row]
    whole_value = math.fsum(powers)
    return [ZERO if x is None else p / whole_value for x, p in zip(row, powers, strict=True)]


def exponentials(row: Sequence[Number | None]) -> list[Number | None] | None:
    """e^x of each, up to a common factor (that of the first is 1 unless all are rational), or ``None`` when one is irrational."""
    first = next(x for x in row if x is not None)
    for base in (ZERO, first):
        found: list[Number | None] = []
        for x in row:
            difference = None if x is None else add(x, neg(base))
            made = _e_to(difference.terms) if isinstance(difference, Exact) else None
            if x is not None and (made is None or made[0] != _ONE or made[1].numerator.bit_length() > MOST_BITS):
                break
            found.append(None if made is None else exact(made[1]))
        else:
            return found
    return None


# --- as data of a graph ---------------------------------------------------------------------------------------------------------


def encode(number: Number | None) -> Attribute:
    """A number as `Value.data` keeps it: an int, a float, or the text of an exact number; ``"-inf"`` for a masked score."""
    if number is None:
        return "-inf"
    if not isinstance(number, Exact):
        return number
    value = number.rational
    if value is None:
        text = text_of_number(number)
        return text if len(text) <= LONGEST_TEXT else float(number)
    if value.denominator == 1:
        return value.numerator
    if _is_short_decimal(value):
        return float(value)
    return f"{value.numerator}/{value.denominator}"


def _is_short_decimal(value: Fraction) -> bool:
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return rest == 1 and Fraction(repr(float(value))) == value and _digits(float(value)) <= _DECIMALS


def _digits(value: float) -> int:
    return len(re.sub(r"e.*|\D", "", repr(value)).strip("0"))


def decode(entry: Attribute) -> Number | None:
    """The number that `encode` wrote; a short float is that decimal exactly.

    Raises:
        ValueError: it is none.
    """
    if isinstance(entry, int):
        return exact(int(entry))
    if isinstance(entry, float):
        return exact(Fraction(repr(entry))) if math.isfinite(entry) and _digits(entry) <= _DECIMALS else entry
    if entry == "-inf":
        return None
    return _parsed(str(entry))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> Number:
    from netfig.graph.expressions import parse_number  # which imports this

    return parse_number(text)


def text_of_number(number: Exact) -> str:
    """``2*sqrt(3)*ln(80)/5``: what `parse_number` reads."""
    out = ""
    for factors, coefficient in number.terms:
        sign = "-" if coefficient < 0 else "+" if out else ""
        out += sign + _term_text(factors, abs(coefficient))
    return out or "0"


def _term_text(f: Factors, c: Fraction) -> str:
    over = [str(c.numerator)] if c.numerator != 1 else []
    under = [str(c.denominator)] if c.denominator != 1 else []
    over += [f"sqrt({f.root})"] if f.root != 1 else []
    for word, n in [("pi", f.pi), *((f"ln({a})", p) for a, p in f.logs)]:
        if n:
            (over if n > 0 else under).append(word if abs(n) == 1 else f"{word}^{abs(n)}")
    over += [f"exp({text_of_number(Exact(f.power))})"] if f.power else []
    return "*".join(over or ["1"]) + "".join(f"/{part}" for part in under)
