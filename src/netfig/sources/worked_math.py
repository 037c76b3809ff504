"""Matrix arithmetic on exact numbers: products, softmax, convolution, layer norm, activations; ``None`` stands for −∞."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Final, TypeAlias

from netfig.graph import exact
from netfig.graph.exact import ZERO, Exact, Number

Matrix: TypeAlias = list[list[Number]]
Masked: TypeAlias = Sequence[Sequence[Number | None]]

MOST_PRODUCTS: Final = 300_000
"""Products of two entries that are worked out exactly; beyond that they are floats."""


def matmul(a: Matrix, b: Matrix) -> Matrix:
    """The matrix product."""
    columns = [list(column) for column in zip(*b, strict=True)]
    if len(a) * len(columns) * len(b) > MOST_PRODUCTS:
        left = [[float(n) for n in row] for row in a]
        right = [[float(n) for n in column] for column in columns]
        return [[math.fsum(x * y for x, y in zip(row, column, strict=True)) for column in right] for row in left]
    return [[dot(row, column) for column in columns] for row in a]


def dot(a: Sequence[Number], b: Sequence[Number]) -> Number:
    """The sum of products; of rationals without ado."""
    left, right = _rationals(a), _rationals(b)
    if left is not None and right is not None:
        return exact.total([exact.exact(sum((x * y for x, y in zip(left, right, strict=True)), Fraction(0)))])
    return exact.total(exact.mul(x, y) for x, y in zip(a, b, strict=True))


def _rationals(numbers: Sequence[Number]) -> list[Fraction] | None:
    found: list[Fraction] = []
    for n in numbers:
        value = n.rational if isinstance(n, Exact) else None
        if value is None:
            return None
        found.append(value)
    return found


def transpose(a: Matrix) -> Matrix:
    """Rows become columns."""
    return [list(column) for column in zip(*a, strict=True)]


def divided(a: Matrix, by: Number) -> Matrix:
    """Every entry by a number."""
    return [[exact.div(n, by) for n in row] for row in a]


def masked(a: Matrix, mask: Sequence[Sequence[bool]]) -> Masked:
    """Entries where the mask is true become −∞."""
    return [[None if hidden else n for n, hidden in zip(row, hides, strict=True)] for row, hides in zip(a, mask, strict=True)]


def softmax(a: Masked) -> Matrix:
    """Of each row."""
    return [exact.softmax(row) for row in a]


def convolution(image: Matrix, kernel: Matrix, padding: int, stride: int) -> Matrix:
    """Cross-correlation: the filter is not flipped."""
    padded = with_zeros(image, padding)
    height, width = len(kernel), len(kernel[0])
    weights = [n for row in kernel for n in row]
    return [
        [
            dot([n for row in padded[i : i + height] for n in row[j : j + width]], weights)
            for j in range(0, len(padded[0]) - width + 1, stride)
        ]
        for i in range(0, len(padded) - height + 1, stride)
    ]


def with_zeros(image: Matrix, padding: int) -> Matrix:
    """An image with zeros all around."""
    side: list[Number] = [ZERO] * padding
    blank: list[Number] = [ZERO] * (len(image[0]) + 2 * padding)
    return [*[blank] * padding, *([*side, *row, *side] for row in image), *[blank] * padding]


def layer_norm(a: Matrix, weight: Sequence[Number] | None, bias: Sequence[Number] | None, eps: Number) -> Matrix:
    """Of each row: (x − μ) / √(σ² + ε) · γ + β, with the variance of all n entries.

    Raises:
        ZeroDivisionError: the entries of a row are all alike and ε is 0.
    """
    found = []
    for row in a:
        count = exact.exact(len(row))
        mean = exact.div(exact.total(row), count)
        apart = [exact.add(n, exact.neg(mean)) for n in row]
        variance = exact.div(exact.total(exact.mul(d, d) for d in apart), count)
        scale = exact.sqrt(exact.add(variance, eps))
        normal = [exact.div(d, scale) for d in apart]
        if weight is not None:
            normal = [exact.mul(n, w) for n, w in zip(normal, weight, strict=True)]
        found.append(normal if bias is None else [exact.add(n, b) for n, b in zip(normal, bias, strict=True)])
    return found


def _sigmoid(x: Number) -> Number:
    one = exact.exact(1)
    if abs(float(x)) > 700:
        return ZERO if float(x) < 0 else one
    return exact.div(one, exact.add(one, exact.exp(exact.neg(x))))


def _tanh(x: Number) -> Number:
    twice = _sigmoid(exact.mul(exact.exact(2), x))
    return exact.add(exact.mul(exact.exact(2), twice), exact.exact(-1)) if isinstance(twice, Exact) else math.tanh(float(x))


def _relu(x: Number) -> Number:
    return x if float(x) > 0 else ZERO


def _leaky(x: Number) -> Number:
    return x if float(x) > 0 else exact.mul(x, exact.exact(Fraction(1, 100)))


def _gelu(x: Number) -> Number:
    value = float(x)
    return ZERO if x == ZERO else 0.5 * value * (1 + math.erf(value / math.sqrt(2)))


ACTIVATIONS: Final[Mapping[str, Callable[[list[Number]], list[Number]]]] = {
    "identity": lambda xs: xs,
    "relu": lambda xs: [_relu(x) for x in xs],
    "leaky_relu": lambda xs: [_leaky(x) for x in xs],
    "sigmoid": lambda xs: [_sigmoid(x) for x in xs],
    "tanh": lambda xs: [_tanh(x) for x in xs],
    "gelu": lambda xs: [_gelu(x) for x in xs],
    "softmax": lambda xs: exact.softmax(xs),
}
"""Functions of all neurons of a layer, by the kind of op; ``identity`` is none."""
