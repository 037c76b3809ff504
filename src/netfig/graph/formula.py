"""Sizes as formulas: sums and products of names and whole numbers, rounded quotients, the least of several.

A `Formula` is a sum of terms in the order written, each a whole number times factors; a sum that is a factor stays in its bracket
until `expanded`. Quotients are put in a plain form as they are made: ``floor((H - 2)/2) + 1`` is ``floor(H/2)``. Names stand for
whole numbers from 1 on. `str` writes what `parse` reads: ``floor((H + 2*P - D*(K_H - 1) - 1)/S) + 1``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from netfig.records import dataclass

MOST_TERMS: Final = 2000
"""A product multiplied out may have so many terms."""

Kind = Literal["floor", "ceil", "exact"]


@dataclass(frozen=True, slots=True)
class Name:
    """A size by its name."""

    text: str


@dataclass(frozen=True, slots=True)
class Quotient:
    """One formula over another, rounded down, up, or known to be whole."""

    kind: Kind
    over: Formula
    under: Formula


@dataclass(frozen=True, slots=True)
class Least:
    """The least of several."""

    of: tuple[Formula, ...]


@dataclass(frozen=True, slots=True)
class Bracket:
    """A sum as a factor."""

    body: Formula


Atom: TypeAlias = Name | Quotient | Least | Bracket
Term: TypeAlias = tuple[int, tuple[Atom, ...]]


@dataclass(frozen=True, slots=True)
class Formula:
    """See the module docstring."""

    terms: tuple[Term, ...] = ()

    def __add__(self, other: Formula | int) -> Formula:
        return _sum((*self.terms, *formula(other).terms))

    def __sub__(self, other: Formula | int) -> Formula:
        return self + formula(other).scaled(-1)

    def __mul__(self, other: Formula | int) -> Formula:
        return _times(self, formula(other))

    def __str__(self) -> str:
        return _written(self)

    def scaled(self, factor: int) -> Formula:
        """A multiple, without a bracket."""
        return Formula(tuple((c * factor, f) for c, f in self.terms)) if factor else Formula()

    @property
    def number(self) -> int | None:
        """Its value when no name is left in it and it is whole."""
        if not self.terms:
            return 0
        return self.terms[0][0] if len(self.terms) == 1 and not self.terms[0][1] else None

    @property
    def names(self) -> tuple[str, ...]:
        """The names in it, in the order they stand."""
        return tuple(dict.fromkeys(_names(self)))

    @property
    def symbol(self) -> str | None:
        """The name that it is, if it is just one."""
        if len(self.terms) == 1 and self.terms[0][0] == 1 and len(self.terms[0][1]) == 1:
            only = self.terms[0][1][0]
            return only.text if isinstance(only, Name) else None
        return None

    def at(self, known: Mapping[str, Formula | int]) -> Formula:
        """The same with names replaced by numbers or formulas.

        Raises:
            ValueError: something is divided by 0 or less.
        """
        out = Formula()
        for coefficient, factors in self.terms:
            made = formula(1)
            for factor in factors:
                made = made * _replaced(factor, known)
            only = made.number
            out = out + (formula(only * coefficient) if only is not None else made * coefficient)
        return out

    def same(self, other: Formula | int) -> bool:
        """Whether the two are equal once multiplied out."""
        return _key(self) == _key(formula(other))


ONE: Final = Formula(((1, ()),))


def formula(value: Formula | int | str) -> Formula:
    """A number, a name, or what is a formula already."""
    if isinstance(value, Formula):
        return value
    if isinstance(value, str):
        return Formula(((1, (Name(value),)),))
    return Formula(((int(value), ()),)) if value else Formula()


def total(parts: Iterable[Formula]) -> Formula:
    """The sum of all."""
    return _sum([term for part in parts for term in part.terms])


def product(parts: Iterable[Formula | int]) -> Formula:
    """The product of all, in their order."""
    made = ONE
    for part in parts:
        made = made * part
    return made


def _sum(terms: Iterable[Term]) -> Formula:
    """Like terms together, where the first of them stands."""
    found: dict[tuple[str, ...], list[int]] = {}
    factors_of: dict[tuple[str, ...], tuple[Atom, ...]] = {}
    for coefficient, factors in terms:
        key = tuple(sorted(map(_atom_key, factors)))
        found.setdefault(key, [0])[0] += coefficient
        factors_of.setdefault(key, factors)
    constant = found.pop((), [0])[0]  # a number stands last
    kept = [(total[0], factors_of[key]) for key, total in found.items() if total[0]]
    if constant and kept and kept[0][0] < 0 < constant:
        return Formula(((constant, ()), *kept))
    return Formula((*kept, *(((constant, ()),) if constant else ())))


def _times(a: Formula, b: Formula) -> Formula:
    if not a.terms or not b.terms:
        return Formula()
    if a == ONE or b == ONE:
        return b if a == ONE else a
    (c, left), (d, right) = _factors(a), _factors(b)
    more, factors = _cancelled((*left, *right))
    return Formula(((c * d * more, factors),))


def _factors(a: Formula) -> Term:
    return a.terms[0] if len(a.terms) == 1 else (1, (Bracket(a),))


def _cancelled(factors: tuple[Atom, ...]) -> Term:
    """``C/g`` times ``g`` is ``C``, ``8/h`` times ``h`` is 8."""
    for i, one in enumerate(factors):
        if isinstance(one, Quotient) and one.kind == "exact":
            under, over = _factors(one.under), _factors(one.over)
            for j, other in enumerate(factors):
                if j != i and under == (1, (other,)):
                    rest = [f for k, f in enumerate(factors) if k not in (i, j)]
                    more, left = _cancelled((*rest[: min(i, j)], *over[1], *rest[min(i, j) :]))
                    return over[0] * more, left
    return 1, factors


# --- quotients ---


def quotient(kind: Kind, over: Formula | int, under: Formula | int, *, normal: bool = False) -> Formula:
    """One over the other, rounded as `kind` says; what divides evenly stands outside, with `normal` every whole number too.

    Raises:
        ValueError: it is divided by 0 or less.
    """
    top, bottom = _loosened(formula(over)), formula(under)
    number = bottom.number
    if number is not None and number < 1:
        raise ValueError(f"a size is divided by {number}")
    if bottom == ONE:
        return top
    outside, inside = _divided(kind, top, bottom, normal)
    if kind == "exact" and inside.terms:
        return Formula(((1, (Quotient(kind, top, bottom),)),))
    if not inside.terms:
        return outside
    if number is not None and inside.number is not None:
        return outside + (inside.number // number if kind == "floor" else -(-inside.number // number))
    nested = _nested(kind, inside, bottom)
    if nested is not None:
        return nested + outside
    return Formula(((1, (Quotient(kind, inside, bottom),)),)) + outside


def floor(over: Formula | int, under: Formula | int) -> Formula:
    """⌊over/under⌋."""
    return quotient("floor", over, under)


def ceil(over: Formula | int, under: Formula | int) -> Formula:
    """⌈over/under⌉."""
    return quotient("ceil", over, under)


def _loosened(top: Formula) -> Formula:
    """Without brackets that only a number stands before."""
    terms: list[Term] = []
    for coefficient, factors in top.terms:
        if len(factors) == 1 and isinstance(factors[0], Bracket):
            terms += _loosened(factors[0].body).scaled(coefficient).terms
        else:
            terms.append((coefficient, factors))
    return _sum(terms)


def _divided(kind: Kind, top: Formula, bottom: Formula, normal: bool) -> tuple[Formula, Formula]:
    """What divides evenly, and the rest; with `normal` its number is less than the divisor."""
    if len(bottom.terms) != 1:
        return (ONE, Formula()) if top.same(bottom) else (Formula(), top)
    divisor, below = bottom.terms[0]
    outside: list[Term] = []
    inside: list[Term] = []
    for coefficient, factors in top.terms:
        rest = _without(factors, below)
        if rest is not None and coefficient % divisor == 0:
            outside.append((coefficient // divisor, rest))
        elif normal and not factors and not below and kind != "exact":
            whole = coefficient // divisor if kind == "floor" else -(-coefficient // divisor)
            outside.append((whole, ()))
            inside.append((coefficient - whole * divisor, ()))
        else:
            inside.append((coefficient, factors))
    return _sum(outside), _sum(inside)


def _without(factors: tuple[Atom, ...], taken: tuple[Atom, ...]) -> tuple[Atom, ...] | None:
    left = list(factors)
    for one in taken:
        if one not in left:
            return None
        left.remove(one)
    return tuple(left)


def _nested(kind: Kind, inside: Formula, bottom: Formula) -> Formula | None:
    """⌊(⌊a/b⌋ + c)/d⌋ is ⌊(a + bc)/(bd)⌋."""
    first = inside.terms[0]
    rest = Formula(inside.terms[1:]).number
    inner = first[1][0] if first[0] == 1 and len(first[1]) == 1 else None
    if not isinstance(inner, Quotient) or inner.kind != kind or rest is None:
        return None
    if rest and (inner.under.number is None or bottom.number is None):
        return None
    return quotient(kind, inner.over + _loosened(inner.under * rest), inner.under * bottom)


def least(*of: Formula) -> Formula:
    """The least of several, those left out that are never it."""
    kept: list[Formula] = []
    for one in of:
        known = [other for other in kept if _never_above(other, one)]
        if not known:
            kept = [other for other in kept if not _never_above(one, other)]
            kept.append(one)
    return kept[0] if len(kept) == 1 else Formula(((1, (Least(tuple(kept)),)),))


def _never_above(a: Formula, b: Formula) -> bool:
    """Whether it is plain that a ≤ b: their difference is a number, or they round one apart from another."""
    difference = expanded(b - a).number
    if difference is not None:
        return difference >= 0
    (one, c), (other, d) = _rounded(a), _rounded(b)
    if one is None or other is None or one.kind != other.kind or not one.under.same(other.under) or one.under.number is None:
        return False
    apart = expanded(other.over - one.over).number
    return apart is not None and apart + (d - c) * one.under.number >= 0


def _rounded(a: Formula) -> tuple[Quotient | None, int]:
    """A quotient and the number beside it."""
    rest = Formula(a.terms[1:]).number
    if not a.terms or a.terms[0][0] != 1 or len(a.terms[0][1]) != 1 or rest is None:
        return None, 0
    only = a.terms[0][1][0]
    return (only, rest) if isinstance(only, Quotient) else (None, 0)


# --- what is asked of formulas ---


def _replaced(atom: Atom, known: Mapping[str, Formula | int]) -> Formula:
    match atom:
        case Name(text):
            return formula(known[text]) if text in known else Formula(((1, (atom,)),))
        case Quotient(kind, over, under):
            return quotient(kind, over.at(known), under.at(known))
        case Least(of):
            return least(*(one.at(known) for one in of))
        case Bracket(body):
            return body.at(known)


def _names(a: Formula) -> Iterable[str]:
    for _, factors in a.terms:
        for atom in factors:
            match atom:
                case Name(text):
                    yield text
                case Quotient(_, over, under):
                    yield from _names(over)
                    yield from _names(under)
                case Least(of):
                    for one in of:
                        yield from _names(one)
                case Bracket(body):
                    yield from _names(body)


def expanded(a: Formula) -> Formula:
    """Multiplied out.

    Raises:
        ValueError: that would be very long.
    """
    out: list[Term] = []
    for coefficient, factors in a.terms:
        made: list[Term] = [(coefficient, ())]
        for atom in factors:
            parts = _opened(atom).terms
            made = [(c * d, (*f, *g)) for c, f in made for d, g in parts]
            if len(made) > MOST_TERMS:
                made = list(_sum(made).terms)
            if len(made) > MOST_TERMS:
                raise ValueError(f"a formula of more than {MOST_TERMS:,} terms")
        out += made
    return _sum(out)


def _opened(atom: Atom) -> Formula:
    match atom:
        case Bracket(body):
            return expanded(body)
        case Quotient(kind, over, under):
            return quotient(kind, expanded(over), under, normal=True)
        case _:
            return Formula(((1, (atom,)),))


def _key(a: Formula) -> str:
    """Equal for equal formulas."""
    return "+".join(sorted(f"{c}*{'*'.join(sorted(map(_atom_key, f)))}" for c, f in expanded(a).terms))


@lru_cache(maxsize=4096)
def _atom_key(atom: Atom) -> str:
    match atom:
        case Name(text):
            return text
        case Quotient(kind, over, under):
            return f"{kind}({_key(over)}/{_key(under)})"
        case Least(of):
            return f"min({','.join(sorted(map(_key, of)))})"
        case Bracket(body):
            return f"({_key(body)})"


def growth(a: Formula) -> Formula:
    """The terms that outgrow the others as the names grow, without their numbers: of 3d² + 2d it is d²."""
    found = [power for sign, power in _powers(a) if sign > 0]
    kept = []
    for power in found:
        if not any(other != power and _outgrows(other, power) for other in found) and power not in kept:
            kept.append(power)
    return total(_monomial(power) for power in kept)


def _powers(a: Formula) -> list[tuple[int, dict[str, int]]]:
    """The terms as powers of names; a rounded quotient counts as the quotient."""
    out: list[tuple[int, dict[str, int]]] = []
    for coefficient, factors in expanded(a).terms:
        made: list[tuple[int, dict[str, int]]] = [(coefficient, {})]
        for atom in factors:
            made = [(c * d, _joined(p, q)) for c, p in made for d, q in _atom_powers(atom)]
            if len(made) > MOST_TERMS:
                raise ValueError(f"a formula of more than {MOST_TERMS:,} terms")
        out += made
    return out


def _atom_powers(atom: Atom) -> list[tuple[int, dict[str, int]]]:
    match atom:
        case Quotient(_, over, under) if len(under.terms) == 1:
            below = _powers(under)
            turned = {name: -power for name, power in below[0][1].items()} if len(below) == 1 else {}
            return [(sign, _joined(power, turned)) for sign, power in _powers(over)]
        case Quotient(_, over, _):
            return _powers(over)
        case Least(of):
            return _powers(of[0])
        case Bracket(body):
            return _powers(body)
        case Name(text):
            return [(1, {text: 1})]


def _joined(a: Mapping[str, int], b: Mapping[str, int]) -> dict[str, int]:
    made = dict(a)
    for name, power in b.items():
        made[name] = made.get(name, 0) + power
    return {name: power for name, power in made.items() if power}


def _outgrows(a: Mapping[str, int], b: Mapping[str, int]) -> bool:
    return all(a.get(name, 0) >= b.get(name, 0) for name in (*a, *b))


def _monomial(powers: Mapping[str, int]) -> Formula:
    over = product(formula(name) for name, power in sorted(powers.items()) for _ in range(max(power, 0)))
    under = product(formula(name) for name, power in sorted(powers.items()) for _ in range(max(-power, 0)))
    return quotient("exact", over, under)


# --- as text ---


def _written(a: Formula) -> str:
    out = ""
    for coefficient, factors in a.terms:
        words = [_atom_written(atom) for atom in factors]
        if abs(coefficient) != 1 or not words:
            words.insert(0, str(abs(coefficient)))
        sign = "-" if coefficient < 0 else "+"
        out += f" {sign} " if out else "-" if coefficient < 0 else ""
        out += "*".join(words)
    return out or "0"


def _atom_written(atom: Atom) -> str:
    match atom:
        case Name(text):
            return text
        case Quotient("exact", over, under):
            return f"({_inside(over)}/{_inside(under)})"
        case Quotient(kind, over, under):
            return f"{kind}({_inside(over)}/{_inside(under)})"
        case Least(of):
            return f"min({', '.join(map(_written, of))})"
        case Bracket(body):
            return f"({_written(body)})"


def _inside(a: Formula) -> str:
    """A formula above or below a stroke."""
    text = _written(a)
    single = a.number is not None or (len(a.terms) == 1 and a.terms[0][0] == 1 and len(a.terms[0][1]) == 1)
    return text if single and not text.startswith("-") else f"({text})"
