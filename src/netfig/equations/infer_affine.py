"""Arithmetic on sums of names with whole factors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.graph.types import Affine

if TYPE_CHECKING:
    from collections.abc import Mapping

ZERO = Affine()
ONE = Affine((), 1)


def number(value: int) -> Affine:
    """A constant."""
    return Affine((), value)


def name(word: str, constant: int = 0) -> Affine:
    """A name, with something added."""
    return Affine(((word, 1),), constant)


def plus(left: Affine, right: Affine, factor: int = 1) -> Affine:
    """``left + factor·right``."""
    if not right.terms:
        return Affine(left.terms, left.constant + factor * right.constant) if right.constant else left
    terms = dict(left.terms)
    for word, times in right.terms:
        terms[word] = terms.get(word, 0) + factor * times
    return Affine(tuple((w, f) for w, f in terms.items() if f), left.constant + factor * right.constant)


def minus(left: Affine, right: Affine) -> Affine:
    """``left − right``."""
    return plus(left, right, -1)


def put(affine: Affine, known: Mapping[str, Affine]) -> Affine:
    """The same with the names in `known` replaced by what they stand for."""
    if not any(word in known for word, _ in affine.terms):
        return affine
    result = number(affine.constant)
    for word, factor in affine.terms:
        result = plus(result, known.get(word) or name(word), factor)
    return result


def is_plain(affine: Affine) -> str | None:
    """The one name of ``t`` or ``t−1``, else ``None``."""
    return affine.terms[0][0] if len(affine.terms) == 1 and affine.terms[0][1] == 1 else None
