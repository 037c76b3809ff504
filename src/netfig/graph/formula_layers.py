"""The sizes that layers make of sizes, as formulas: the rules of ``torch.nn``, each beside the page that states it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import gcd

from netfig.graph.formula import Formula, ceil, floor, formula, least, product, quotient, total

Sizes = tuple[Formula, ...]


def window(size: Formula, kernel: Formula, stride: Formula, padding: Formula, dilation: Formula) -> Formula:
    """⌊(H + 2P − D(K − 1) − 1)/S⌋ + 1: a convolution or pooling along one dimension (``torch.nn.Conv2d``, *Shape*)."""
    return _places(size, kernel, stride, padding.scaled(2), dilation)


def window_over(size: Formula, kernel: Formula, stride: Formula, padding: Formula, dilation: Formula) -> Formula:
    """With ``ceil_mode``: rounded up, but no window starts beyond the input and its left padding (``torch.nn.MaxPool2d``)."""
    reach = size + padding.scaled(2) - dilation * (kernel - 1) - 1
    return least(_next_to_one(reach, stride, up=True), ceil(size + padding, stride))


def enlarged(size: Formula, kernel: Formula, stride: Formula, padding: Formula, dilation: Formula, more: Formula) -> Formula:
    """(H − 1)S − 2P + D(K − 1) + O + 1: a transposed convolution along one dimension (``torch.nn.ConvTranspose2d``)."""
    steps = size - 1
    return (
        (steps.scaled(stride.number) if stride.number is not None else steps * stride)
        - padding.scaled(2)
        + (_spread(kernel, dilation) + more + 1)
    )


def _places(size: Formula, kernel: Formula, stride: Formula, padded: Formula, dilation: Formula) -> Formula:
    return _next_to_one(size + padded - _spread(kernel, dilation) - 1, stride, up=False)


def _spread(kernel: Formula, dilation: Formula) -> Formula:
    """D(K − 1), without a bracket where D is a number."""
    reach = kernel - 1
    return reach.scaled(dilation.number) if dilation.number is not None else dilation * reach


def _next_to_one(over: Formula, stride: Formula, *, up: bool) -> Formula:
    """A rounded quotient and 1, which stands above the stroke where the stride is a number: ⌊(H − 2)/2⌋ + 1 is ⌊H/2⌋."""
    rounded = ceil if up else floor
    return rounded(over + stride, stride) if stride.number is not None else rounded(over, stride) + 1


def elements(shape: Iterable[Formula]) -> Formula:
    """How many there are in a shape."""
    return product(shape)


def parameter_count(type_name: str, shapes: Mapping[str, Sequence[Formula]]) -> Formula:
    """The parameters of one layer by short name, counted row by row: F·(C·K_H·K_W + 1), d_k·(d_model + 1), 4h·(n + h + 2)."""
    rows: list[tuple[Formula, Formula]] = []
    for shape in _output_first(type_name, dict(shapes)).values():
        first, rest = (shape[0], elements(shape[1:])) if shape else (formula(1), formula(1))
        for i, (known, inside) in enumerate(rows):
            if known.same(first):
                rows[i] = known, inside + rest
                break
        else:
            rows.append((first, rest))
    rows = [_content(*row) for row in rows]
    merged: list[tuple[Formula, Formula]] = []
    for first, inside in rows:  # rows of one kind in several matrices: 3E·(E + 1) and E·(E + 1)
        for i, (known, same) in enumerate(merged):
            if same.same(inside):
                merged[i] = known + first, same
                break
        else:
            merged.append((first, inside))
    return total(first * inside for first, inside in merged)


def _content(first: Formula, inside: Formula) -> tuple[Formula, Formula]:
    """d·(3c + 3) as 3d·(c + 1)."""
    common = gcd(*(c for c, _ in inside.terms)) if len(inside.terms) > 1 else 1
    if common == 1:
        return first, inside
    return first.scaled(common), Formula(tuple((c // common, factors) for c, factors in inside.terms))


def _output_first(type_name: str, shapes: dict[str, Sequence[Formula]]) -> dict[str, Sequence[Formula]]:
    """A transposed convolution keeps its weight input × output; people count by output."""
    weight, bias = shapes.get("weight"), shapes.get("bias")
    if "Transpose" in type_name and weight is not None and bias is not None and weight[1].same(bias[0]):
        shapes["weight"] = (weight[1], weight[0], *weight[2:])
    return shapes


def shared_out(size: Formula, groups: Formula) -> Formula:
    """C/g, which is whole."""
    return quotient("exact", size, groups)
