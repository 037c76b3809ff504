"""Parameter counts written out as products, worked out from the shapes: ``3·16·3·3 + 16 = 448``."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfig.graph.formula import Formula

Sizes = tuple[int, ...]
_RECURRENT = re.compile(r"\A(weight|bias)_(ih|hh|hr)(?:_l(\d+)(_reverse)?)?\Z")


def product(factors: Sequence[int]) -> str:
    """``3·16·3·3``."""
    return "·".join(f"{n:,}" for n in factors) if factors else "1"


def with_result(terms: str, result: int) -> str:
    """``3·16·3·3 + 16 = 448``; a term that is its own result stands alone."""
    done = f"{result:,}"
    return done if terms == done else f"{terms} = {done}"


def named_count(count: Formula) -> dict[str, str]:
    """Notes on a count whose sizes are names: ``F·(C·K² + 1)``, which grows as ``O(C·F·K²)``."""
    from netfig.graph.formula import growth
    from netfig.graph.formula_text import pretty

    if count.number is not None:
        return {"params": f"{count.number:,}"}
    try:
        grows = {"params.growth": f"O({pretty(growth(count))})"}
    except ValueError:  # too long to multiply out
        grows = {}
    return {"params": pretty(count), **grows}


def parameter_formula(type_name: str, shapes: Mapping[str, Sizes]) -> str:
    """The formula of a layer from its type and the shapes of its parameters by short name (``weight``, ``bias``)."""
    if not shapes:
        return ""
    total = sum(math.prod(shape) for shape in shapes.values())
    terms = _recurrent(shapes) or _attention(shapes) or _layer(type_name, shapes)
    return with_result(terms or " + ".join(product(shape) for shape in shapes.values()), total)


def _layer(type_name: str, shapes: Mapping[str, Sizes]) -> str:
    """Layers of a weight and perhaps a bias; ``""`` for anything else."""
    weight, bias = shapes.get("weight"), shapes.get("bias")
    if weight is None or set(shapes) - {"weight", "bias"}:
        return ""
    if bias == weight and "Norm" in type_name:
        return product((2, *weight))
    if len(weight) >= 3 and "Conv" in type_name and "Transpose" not in type_name:
        factors = (weight[1], weight[0], *weight[2:])  # inputs (of one group) first, as people say it
    elif len(weight) == 3 and "Bilinear" in type_name:
        factors = (*weight[1:], weight[0])
    elif len(weight) == 2 and "Embedding" not in type_name:
        factors = (weight[1], weight[0])
    else:
        factors = weight
    return product(factors) + (f" + {product(bias)}" if bias is not None else "")


def _recurrent(shapes: Mapping[str, Sizes]) -> str:
    """RNN, LSTM and GRU: gates × (input·hidden + hidden·hidden + biases), for each layer and direction."""
    found = {name: _RECURRENT.match(name) for name in shapes}
    if not all(found.values()):
        return ""
    groups: dict[tuple[str, str], dict[str, Sizes]] = {}
    for name, match in found.items():
        assert match is not None
        groups.setdefault((match[3] or "", match[4] or ""), {})[f"{match[1]}_{match[2]}"] = shapes[name]
    terms: list[str] = []
    for parts in groups.values():
        term = _recurrent_layer(parts)
        if not term:
            return ""
        terms.append(term)
    merged: list[tuple[str, int]] = []
    for term in terms:  # equal layers in a row are written once, with how many there are
        if merged and merged[-1][0] == term:
            merged[-1] = (term, merged[-1][1] + 1)
        else:
            merged.append((term, 1))
    return " + ".join(term if count == 1 else _times(count, term) for term, count in merged)


def _times(count: int, term: str) -> str:
    one_product = re.fullmatch(r"[\d,]+·\([^()]*\)", term)
    return f"{count}·{term}" if one_product else f"{count}·({term})"


def _recurrent_layer(parts: Mapping[str, Sizes]) -> str:
    if "weight_ih" not in parts or "weight_hh" not in parts:
        return ""
    rows, inputs = parts["weight_ih"]
    back = parts["weight_hh"][1]
    hidden = parts["weight_hr"][1] if "weight_hr" in parts else back
    gates = rows // hidden if hidden and rows % hidden == 0 else 1
    inner = [product((inputs, rows // gates)), product((back, rows // gates))]
    biases = sum(1 for name in parts if name.startswith("bias"))
    if biases:
        inner.append(product((biases, rows // gates) if biases > 1 else (rows // gates,)))
    text = " + ".join(inner)
    text = f"{gates}·({text})" if gates > 1 else text
    return text + (f" + {product(parts['weight_hr'])}" if "weight_hr" in parts else "")


def _attention(shapes: Mapping[str, Sizes]) -> str:
    """Multi-head attention whose four projections have one size: 4·(d·d + d)."""
    width = shapes.get("out_proj.weight", (0, 0))
    if len(width) != 2 or width[0] != width[1] or shapes.get("in_proj_weight") != (3 * width[0], width[0]):
        return ""
    names = {"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"}
    extra = [shape for name, shape in shapes.items() if name not in names]
    biases = ("in_proj_bias" in shapes) + ("out_proj.bias" in shapes)
    if biases == 1:
        return ""
    d = width[0]
    inner = f"{product((d, d))} + {d:,}" if biases else product((d, d))
    return " + ".join([f"4·({inner})" if biases else f"4·{inner}", *map(product, extra)])
