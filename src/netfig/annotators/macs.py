"""The ``flops`` annotator: multiply-adds of every module, worked out from the ops and shapes of the graph.

Convention: one multiply-add is one multiplication with its addition; biases and element-wise work are left out; the batch is
counted in. An op whose work is not known makes the sum a lower bound, and is named.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from netfig.annotators.kinds import CHEAP, base
from netfig.annotators.layers import Layers, is_convolution, is_transposed
from netfig.graph import Note

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from netfig.graph import Graph, Op
    from netfig.hooks import ModelRun

AUTHOR = "netfig"
UNIT = "multiply-adds"


def annotate(graph: Graph, run: ModelRun | None = None, options: Any = None) -> list[Note]:
    """All notes of this annotator."""
    layers = Layers(graph)
    work = {op.id: macs(layers, op) for op in graph.ops if op.phase == "forward"}
    unknown = {op.id: base(op.kind) for op in graph.ops if op.id in work and work[op.id] is None}
    return list(_notes(layers, work, unknown))


def _notes(layers: Layers, work: Mapping[str, int | None], unknown: Mapping[str, str]) -> Iterator[Note]:
    graph = layers.graph
    open_scopes = layers.has_children | {graph.root.id}  # where an op is a step of its own
    total = {s.id: 0 for s in graph.scopes}
    missing = {s.id: 0 for s in graph.scopes}
    for op in graph.ops:
        total[op.scope] += work.get(op.id) or 0
        missing[op.scope] += op.id in unknown
    for s in reversed(graph.scopes):
        if s.parent is not None:
            total[s.parent] += total[s.id]
            missing[s.parent] += missing[s.id]
    yield Note("", "macs", total[graph.root.id], UNIT, AUTHOR)
    if unknown:
        yield Note("", "macs.unknown_ops", len(unknown), "ops", AUTHOR)
        yield Note("", "macs.unknown_kinds", tuple(sorted(set(unknown.values()))), "", AUTHOR)
    for s in graph.scopes:
        if s.kind in ("module", "root") or (s.kind == "function" and total[s.id]):
            yield Note(s.id, "macs", total[s.id], UNIT, AUTHOR)
            if missing[s.id]:
                yield Note(s.id, "macs.unknown_ops", missing[s.id], "ops", AUTHOR)

    for op in graph.ops:
        if work.get(op.id) and graph.scope_by_id[op.scope].kind != "function" and op.scope in open_scopes:
            yield Note(op.id, "macs", work[op.id], UNIT, AUTHOR)


def macs(layers: Layers, op: Op) -> int | None:
    """Multiply-adds of one op; ``None`` when they are not known."""
    kind = base(op.kind)
    if kind in CHEAP:
        return 0
    if is_convolution(op):
        return _convolution(layers, op)
    rule = _RULES.get(kind)
    return rule(layers, op) if rule else None


def _convolution(layers: Layers, op: Op) -> int | None:
    weight = layers.slot(op, "weight") or _read(op, 1)
    given = layers.slot(op, "input", "self") or _read(op, 0)
    kernel, into, out = _sizes(layers, weight, given, op.outputs[0] if op.outputs else None)
    if kernel is None or into is None or out is None:
        return None
    if base(op.kind) == "conv_tbc":
        return math.prod(out) * math.prod(kernel[:2])
    return math.prod(into if is_transposed(op) else out) * math.prod(kernel[1:])


def _matrix(first: tuple[str, ...], position: int) -> Callable[[Layers, Op], int | None]:
    """Elements of the result times the length of the rows of the left factor."""

    def rule(layers: Layers, op: Op) -> int | None:
        left, out = _sizes(layers, layers.slot(op, *first) or _read(op, position), op.outputs[0] if op.outputs else None)
        return None if not left or out is None else math.prod(out) * left[-1]

    return rule


def _addbmm(layers: Layers, op: Op) -> int | None:
    left, right = _sizes(layers, layers.slot(op, "batch1") or _read(op, 1), layers.slot(op, "batch2") or _read(op, 2))
    return None if left is None or right is None else math.prod(left) * right[-1]


def _attention(layers: Layers, op: Op) -> int | None:
    """Queries times keys, then weights times values."""
    query, key, value = _sizes(
        layers, *(layers.slot(op, name) or _read(op, i) for i, name in enumerate(("query", "key", "value")))
    )
    if query is None or key is None or value is None:
        return None
    return math.prod(query[:-1]) * key[-2] * (query[-1] + value[-1])


def _einsum(layers: Layers, op: Op) -> int | None:
    """Two factors that share a summed index: the product of all index sizes."""
    equation = op.attribute("equation")
    shapes = _sizes(layers, *op.reads)
    if not isinstance(equation, str) or "." in equation or None in shapes:
        return None
    left, arrow, right = equation.replace(" ", "").partition("->")
    factors = left.split(",")
    if len(factors) != len(shapes) or len(factors) > 2:
        return None
    if len(factors) == 1:
        return 0
    if not arrow:
        right = "".join(letter for letter in left if left.count(letter) == 1)
    size = {
        letter: n for factor, shape in zip(factors, shapes, strict=True) for letter, n in zip(factor, shape or (), strict=False)
    }
    summed = set(factors[0]) & set(factors[1]) - set(right)
    return math.prod(size.values()) if summed else 0


def _recurrent(layers: Layers, op: Op) -> int | None:
    """Every weight matrix once for each element of the sequence and batch."""
    values = list(op.reads)
    kinds = layers.graph.value_by_id
    given = _sizes(layers, values[0])[0] if values else None
    if given is None:
        return None
    weights = [layers.sizes(v) for v in values[1:] if kinds[v].kind == "parameter"]
    if not weights or None in weights:
        return None
    return math.prod(given[:-1]) * sum(math.prod(w) for w in weights if w is not None and len(w) == 2)


def _bilinear(layers: Layers, op: Op) -> int | None:
    weight, out = _sizes(layers, layers.slot(op, "weight") or _read(op, 2), op.outputs[0] if op.outputs else None)
    return None if weight is None or out is None else math.prod(out) * math.prod(weight[1:])


def _fused_encoder(layers: Layers, op: Op) -> int | None:
    """The fused attention and encoder layers of the fast path: projections of every token, and attention between tokens."""
    values = list(op.reads)
    tokens = layers.sizes(values[0]) if values else None
    weights = [layers.sizes(v) for v in dict.fromkeys(values) if layers.graph.value_by_id[v].kind == "parameter"]
    if tokens is None or len(tokens) != 3 or None in weights:
        return None
    matrices = sum(math.prod(w) for w in weights if w is not None and len(w) == 2)
    return tokens[0] * tokens[1] * (matrices + 2 * tokens[1] * tokens[2])


def _read(op: Op, position: int) -> str | None:
    reads = list(op.reads)
    return reads[position] if position < len(reads) else None


def _sizes(layers: Layers, *values: str | None) -> list[tuple[int, ...] | None]:
    return [layers.sizes(value) if value else None for value in values]


_LEFT = ("self", "input", "mat1", "tensor1")
_RULES: Mapping[str, Callable[[Layers, Op], int | None]] = {
    **dict.fromkeys(("linear", "mm", "bmm", "matmul", "mv", "dot", "vdot", "inner", "scaled_mm", "int_mm"), _matrix(_LEFT, 0)),
    "addmm": _matrix(("mat1",), 1),
    "addmv": _matrix(("mat", "mat1"), 1),
    "baddbmm": _matrix(("batch1",), 1),
    "addbmm": _addbmm,
    **dict.fromkeys(("outer", "ger"), lambda layers, op: 0),
    **dict.fromkeys(
        (
            "scaled_dot_product_attention",
            "scaled_dot_product_attention_math",
            "scaled_dot_product_flash_attention",
            "scaled_dot_product_flash_attention_for_cpu",
            "scaled_dot_product_efficient_attention",
            "scaled_dot_product_cudnn_attention",
            "scaled_dot_product_fused_attention_overrideable",
        ),
        _attention,
    ),
    "einsum": _einsum,
    **dict.fromkeys(
        ("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell", "mkldnn_rnn_layer"),
        _recurrent,
    ),
    **dict.fromkeys(("bilinear", "trilinear"), _bilinear),
    **dict.fromkeys(("native_multi_head_attention", "transformer_encoder_layer_fwd"), _fused_encoder),
}
