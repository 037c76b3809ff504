"""What the parts of an attention compute, by torch: the kinds of op of `netfig.graph.attention`, slots by name.

Batch dimensions may stand in front of everything. Sources: Vaswani et al. 2017 (scaled dot-product), Su et al. 2021 (rotary
embedding), Press et al. 2022 (ALiBi), Raffel et al. 2020 (bias by distance).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import functional as nn

from netfig.errors import Missing
from netfig.evaluation.numbers import number_of
from netfig.graph.types import Dim, Op

Slots = Mapping[str, Sequence[Tensor]]


def attention_result(op: Op, slots: Slots, sizes: Mapping[str, int]) -> list[Tensor]:
    """The outputs of one part of an attention; `sizes` has numbers for names in its attributes.

    Raises:
        Missing: the part is of a kind that no attention has, or a size is not known.
    """
    compute = _KINDS.get(op.kind)
    if compute is None:
        raise Missing(f"nothing is known about the op {op.kind!r} in an attention", where=op.id)
    made = compute(_Part(op, slots, sizes))
    return made if isinstance(made, list) else [made]


class _Part:
    """An op with what it reads."""

    def __init__(self, op: Op, slots: Slots, sizes: Mapping[str, int]) -> None:
        self.op, self.slots, self.sizes = op, slots, sizes

    def __getitem__(self, slot: str) -> Tensor:
        return self.slots[slot][0]

    def get(self, slot: str) -> Tensor | None:
        """What is read in a slot, if it is there."""
        return self.slots[slot][0] if self.slots.get(slot) else None

    def number(self, key: str) -> int:
        """An attribute that is a size."""
        return self.size(self.op.attribute(key))

    def size(self, given: Any) -> int:
        found = number_of(Dim(given) if isinstance(given, int) else Dim(name=str(given)), self.sizes)
        if found is None:
            raise Missing(f"how large {given} is is not known", where=self.op.id, hint=f"say so: {given}=3")
        return found

    def real(self, key: str, usual: float) -> float:
        """An attribute that is a number."""
        found = self.op.attribute(key, usual)
        return float(found) if isinstance(found, (int, float)) else usual


def _linear(part: _Part) -> Tensor:
    return nn.linear(part["input"], part["weight"], part.get("bias"))


def _split(part: _Part) -> list[Tensor]:
    """Rows of a stored matrix, which come as one or several groups of those of q, k and v."""
    given = part.op.attribute("sizes")
    groups = part.number("groups")
    sizes = [part.size(one) // groups for one in given] if isinstance(given, tuple) else []
    whole = part["input"]
    cut = torch.split(whole.reshape(groups, whole.shape[0] // groups, *whole.shape[1:]), sizes, 1)
    return [one.flatten(0, 1) for one in cut]


def _rms_norm(part: _Part) -> Tensor:
    x = part["input"]
    return nn.rms_norm(x, x.shape[-1:], part.get("weight"), part.real("eps", 1e-6))


def _layer_norm(part: _Part) -> Tensor:
    x = part["input"]
    return nn.layer_norm(x, x.shape[-1:], part.get("weight"), part.get("bias"), part.real("eps", 1e-5))


def _rotary(part: _Part) -> Tensor:
    """Each pair of features turned by an angle that grows with the position."""
    x = part["input"]
    width = part.number("dims") if part.op.attribute("dims") is not None else x.shape[-1]
    turned, rest = x[..., :width], x[..., width:]
    by_halves = part.op.attribute("style", "half") == "half"
    cos, sin = part.get("cos"), part.get("sin")
    if cos is None or sin is None:
        steps = torch.arange(0, width, 2, dtype=x.dtype, device=x.device) / width
        angles = torch.arange(x.shape[-2], dtype=x.dtype, device=x.device)[:, None] * part.real("base", 10000.0) ** -steps
        angles = torch.cat((angles, angles), -1) if by_halves else angles.repeat_interleave(2, -1)
        cos, sin = angles.cos(), angles.sin()
    if by_halves:
        low, high = turned.chunk(2, -1)
        other = torch.cat((-high, low), -1)
    else:
        other = torch.stack((-turned[..., 1::2], turned[..., ::2]), -1).flatten(-2)
    return torch.cat((turned * cos + other * sin, rest), -1)


def _scale(part: _Part) -> Tensor:
    factor = part.get("factor")
    if factor is not None:
        return part["input"] * factor
    rule = part.op.attribute("factor")
    return part["input"] * (part.number("d_k") ** -0.5 if rule == "1/sqrt(d_k)" else part.real("factor", 1.0))


def _softcap(part: _Part) -> Tensor:
    cap = part.real("cap", 1.0)
    return cap * torch.tanh(part["input"] / cap)


def _distances(scores: Tensor) -> Tensor:
    """How far each key is ahead of each query, the last key beside the last query: n × m."""
    n, m = scores.shape[-2:]
    here = torch.arange(n, device=scores.device)[:, None] + (m - n)
    return torch.arange(m, device=scores.device) - here


def _relative_bias(part: _Part) -> Tensor:
    scores = part["input"]
    return scores + part["table"][..., _distances(scores) + scores.shape[-1] - 1]


def _alibi(part: _Part) -> Tensor:
    scores = part["input"]
    distances = _distances(scores).abs().to(scores.dtype)
    if part.op.attribute("heads") is None:
        return scores - alibi_slopes(1)[0] * distances
    slopes = torch.tensor(alibi_slopes(part.number("heads")), dtype=scores.dtype, device=scores.device)
    return scores - slopes[:, None, None] * distances


def alibi_slopes(heads: int) -> list[float]:
    """The slope of each head: 2^(−8/h), 2^(−16/h), …; for other than a power of two as in Press et al. 2022."""
    whole = 1 << (heads.bit_length() - 1)
    first = [2.0 ** (-8.0 * (i + 1) / whole) for i in range(whole)]
    return first + [2.0 ** (-4.0 * (2 * i + 1) / whole) for i in range(heads - whole)]


def _mask(part: _Part) -> Tensor:
    scores = part["input"]
    kinds = part.op.attribute("kinds")
    kinds = kinds if isinstance(kinds, tuple) else ()
    ahead = _distances(scores)
    seen = torch.ones_like(ahead, dtype=torch.bool)
    if "causal" in kinds:
        seen &= ahead <= 0
    if "window" in kinds:
        seen &= ahead.abs() < part.number("window")
    for given in part.slots.get("mask", ()):
        if part.op.attribute("means") == "add":
            scores = scores + given
        else:
            seen = seen & ((given != 0) if part.op.attribute("means") == "keep" else (given == 0))
    return scores.masked_fill(~seen, -math.inf)


_KINDS: Final[dict[str, Callable[[_Part], Tensor | list[Tensor]]]] = {
    "linear": _linear,
    "split": _split,
    "rms_norm": _rms_norm,
    "layer_norm": _layer_norm,
    "normalize": lambda part: nn.normalize(part["input"], dim=-1, eps=part.real("eps", 1e-12)),
    "split_heads": lambda part: part["input"].reshape(*part["input"].shape[:-1], part.number("heads"), -1).transpose(-3, -2),
    "merge_heads": lambda part: part["input"].transpose(-3, -2).flatten(-2),
    "rotary": _rotary,
    "repeat_kv": lambda part: part["input"].repeat_interleave(part.number("heads") // part["input"].shape[-3], -3),
    "matmul": lambda part: part["query"] @ part["key"].mT if "query" in part.slots else part["weights"] @ part["value"],
    "scale": _scale,
    "softcap": _softcap,
    "add": lambda part: part["input"] + sum(part.slots["bias"]),
    "relative_bias": _relative_bias,
    "alibi": _alibi,
    "mask": _mask,
    "softmax": lambda part: torch.softmax(part["input"], -1),
    "dropout": lambda part: part["input"],
}
