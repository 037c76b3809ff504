"""Receptive fields along chains of convolutions and poolings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.annotators.kinds import CONVOLUTION, POINTWISE, POOL, base
from netfig.annotators.layers import each, is_convolution, is_transposed, is_window
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.annotators.layers import Layers, Sizes
    from netfig.graph import Op


@dataclass(frozen=True, slots=True)
class Field:
    """How much of the input one element sees, and how far apart (in input elements) neighbours look."""

    size: Sizes
    jump: Sizes


INPUT = Field((), ())
"""What an input sees: itself, in as many dimensions as the first window has."""


def receptive_fields(layers: Layers) -> Mapping[str, Field]:
    """The receptive field behind each window op, by what its note stands on.

    Defined from an input through windows and what works on one position at a time; where branches meet the largest counts. Where
    it is not defined (behind a linear layer, an upsampling, branches of different steps) there is none.
    """
    graph = layers.graph
    seen: dict[str, Field | None] = {v.id: INPUT if v.kind == "input" else None for v in graph.values}
    found: dict[str, Field] = {}
    for op in graph.ops:
        if op.phase != "forward":
            continue
        if is_window(op):
            field = _through_window(layers, op, seen)
            if field is not None:
                found[layers.subject(op, is_window)] = field
        elif base(op.kind) in POINTWISE:
            field = _joined(layers, op, seen)
        else:
            continue
        seen.update(dict.fromkeys(op.outputs, field))
    return found


def _through_window(layers: Layers, op: Op, seen: Mapping[str, Field | None]) -> Field | None:
    given = layers.slot(op, "input", "self") or next(iter(op.reads), None)
    into = layers.sizes(given) if given else None
    window = _window(layers, op)
    if given is None or into is None or window is None or is_transposed(op):
        return None
    kernel, stride, dilation = window
    rank = len(kernel)
    before = seen[given]
    if before == INPUT:
        before = Field((1,) * rank, (1,) * rank)
    if before is None or len(before.size) != rank:
        return None
    size = tuple(s + (k - 1) * d * j for s, k, d, j in zip(before.size, kernel, dilation, before.jump, strict=True))
    return Field(size, tuple(j * s for j, s in zip(before.jump, stride, strict=True)))


def _window(layers: Layers, op: Op) -> tuple[Sizes, Sizes, Sizes] | None:
    """Kernel, stride and dilation of a window op."""
    kind = base(op.kind)
    if is_convolution(op):
        weight = layers.slot(op, "weight")
        shape = layers.sizes(weight) if weight else None
        if shape is None or kind == "conv_tbc":
            return None
        match = CONVOLUTION.match(kind)
        kernel: Sizes | None = shape[2:]
        assert match is not None
    else:
        match = POOL.match(kind)
        assert match is not None
        kernel = each(layers.setting(op, "kernel_size"), int(match[1]), 0)
    if not kernel or 0 in kernel:
        return None
    own = layers.setting(op, "stride")
    stride = kernel if own in (None, ()) and not is_convolution(op) else each(own, len(kernel), 1)
    dilation = each(layers.setting(op, "dilation"), len(kernel), 1)
    return None if stride is None or dilation is None else (kernel, stride, dilation)


def _joined(layers: Layers, op: Op, seen: Mapping[str, Field | None]) -> Field | None:
    """The field behind an op that works on one position at a time; stored values do not matter."""
    flowing = [layers.graph.value_by_id[v] for v in op.reads]
    fields = [seen[v.id] for v in flowing if v.kind in ("input", "computed") and v.type.sizes != ()]
    if not fields or None in fields:
        return None
    real = [f for f in fields if f is not None and f != INPUT]
    if not real:
        return INPUT
    first = real[0]
    alike = all(f.jump == first.jump for f in real)
    if not alike or (len(real) < len(fields) and set(first.jump) != {1}):  # branches of different steps
        return None
    return Field(tuple(max(sizes) for sizes in zip(*(f.size for f in real), strict=True)), first.jump)
