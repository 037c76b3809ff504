"""What a layer of ``torch.nn`` makes of a shape whose sizes are formulas, and the shapes of its parameters.

Shapes are those of one example, without the batch. `RULES` is by class name; the formulas stand in `netfig.graph.formula_layers`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from netfig.graph.formula import Formula, floor, formula, product, quotient
from netfig.graph.formula_layers import Sizes, enlarged, shared_out, window, window_over
from netfig.records import dataclass


@dataclass(frozen=True)
class Made:
    """What a layer makes: its op, its output's shape, and its parameters by short name."""

    kind: str
    shape: Sizes
    parameters: Mapping[str, Sizes]


class Misfit(ValueError):
    """An argument or a shape that a layer cannot have."""


class Arguments:
    """The arguments of a layer, all of them."""

    def __init__(self, type_name: str, given: Mapping[str, Any], shape: Sizes) -> None:
        self.type_name, self.given, self.shape = type_name, given, shape

    def size(self, name: str) -> Formula:
        """A whole number or a formula."""
        return _size(name, self.given.get(name))

    def flag(self, name: str) -> bool:
        """True or False."""
        value = self.given.get(name, False)
        if not isinstance(value, (bool, int)):
            raise Misfit(f"{name} is True or False, not {value}")
        return bool(value)

    def count(self, name: str) -> int:
        """A number that decides how many things there are, so that it cannot be a name."""
        value = self.given.get(name)
        if not isinstance(value, int):
            raise Misfit(f"{name} must be a number here, not {value}")
        return value

    def each(self, name: str, dimensions: int, default: str = "") -> Sizes:
        """One size for each dimension; where it is left out, that of `default`."""
        value = self.given.get(name)
        if value is None and default:
            return self.each(default, dimensions)
        if isinstance(value, (tuple, list)):
            if len(value) != dimensions:
                raise Misfit(f"{name} has {len(value)} sizes for {dimensions} dimensions")
            return tuple(_size(name, one) for one in value)
        return (_size(name, value),) * dimensions

    def check(self, has: Formula, name: str) -> None:
        """That what reaches the layer has the size an argument says."""
        if name in self.given and not has.same(self.size(name)):
            from netfig.graph.formula_text import pretty

            raise Misfit(f"{name} is {pretty(self.size(name))}, and it gets {pretty(has)}")


def _size(name: str, value: Any) -> Formula:
    if isinstance(value, Formula):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return formula(value)
    raise Misfit(f"{name} is a size, not {value!r}")


Rule = Callable[[Arguments], Made]


def rule_of(type_name: str) -> Rule | None:
    """The rule of a class of ``torch.nn``, if it has one."""
    return next((rule for pattern, rule in RULES if re.fullmatch(pattern, type_name)), None)


def _spatial(type_name: str) -> int:
    return int(type_name[-2])


def _convolution(a: Arguments) -> Made:
    n = _spatial(a.type_name)
    into, out, groups = a.size("in_channels"), a.size("out_channels"), a.size("groups")
    kernel, stride, dilation = a.each("kernel_size", n), a.each("stride", n), a.each("dilation", n)
    a.check(a.shape[0], "in_channels")
    padding = a.given.get("padding")
    if padding == "same":
        if any(s.number != 1 for s in stride):
            raise Misfit("padding='same' is for stride 1")
        sizes = a.shape[1:]
    else:
        around = (formula(0),) * n if padding == "valid" else a.each("padding", n)
        sizes = tuple(map(window, a.shape[1:], kernel, stride, around, dilation))
    weight = (out, shared_out(into, groups), *kernel)
    return Made(f"conv{n}d", (out, *sizes), {"weight": weight, **({"bias": (out,)} if a.flag("bias") else {})})


def _transposed(a: Arguments) -> Made:
    n = _spatial(a.type_name)
    into, out, groups = a.size("in_channels"), a.size("out_channels"), a.size("groups")
    kernel, stride, dilation = a.each("kernel_size", n), a.each("stride", n), a.each("dilation", n)
    a.check(a.shape[0], "in_channels")
    sizes = map(enlarged, a.shape[1:], kernel, stride, a.each("padding", n), dilation, a.each("output_padding", n))
    weight = (into, shared_out(out, groups), *kernel)
    return Made(f"conv_transpose{n}d", (out, *sizes), {"weight": weight, **({"bias": (out,)} if a.flag("bias") else {})})


def _pool(a: Arguments) -> Made:
    n = _spatial(a.type_name)
    kernel, stride = a.each("kernel_size", n), a.each("stride", n, "kernel_size")
    dilation = a.each("dilation", n) if "dilation" in a.given else (formula(1),) * n
    if a.given.get("return_indices"):
        raise Misfit("it hands back indices, too")
    rule = window_over if a.flag("ceil_mode") else window
    sizes = tuple(map(rule, a.shape[-n:], kernel, stride, a.each("padding", n), dilation))
    word = "max" if a.type_name.startswith("Max") else "avg"
    return Made(f"{word}_pool{n}d", (*a.shape[:-n], *sizes), {})


def _adaptive(a: Arguments) -> Made:
    n = _spatial(a.type_name)
    wanted = a.given.get("output_size")
    listed = list(wanted) if isinstance(wanted, (tuple, list)) else [wanted] * n
    if len(listed) != n:
        raise Misfit(f"output_size has {len(listed)} sizes for {n} dimensions")
    sizes = tuple(old if new is None else _size("output_size", new) for old, new in zip(a.shape[-n:], listed, strict=True))
    word = "max" if "Max" in a.type_name else "avg"
    return Made(f"adaptive_{word}_pool{n}d", (*a.shape[:-n], *sizes), {})


def _linear(a: Arguments) -> Made:
    into, out = a.size("in_features"), a.size("out_features")
    a.check(a.shape[-1], "in_features")
    return Made("linear", (*a.shape[:-1], out), {"weight": (out, into), **({"bias": (out,)} if a.flag("bias") else {})})


def _flatten(a: Arguments) -> Made:
    rank = len(a.shape) + 1
    start, end = (a.count(name) + (rank if a.count(name) < 0 else 0) - 1 for name in ("start_dim", "end_dim"))
    if not 0 <= start <= end < rank - 1:
        raise Misfit("it flattens the batch away, or dimensions that are not there")
    return Made("flatten", (*a.shape[:start], product(a.shape[start : end + 1]), *a.shape[end + 1 :]), {})


def _same(a: Arguments) -> Made:
    parameters = {"weight": (a.size("num_parameters"),)} if a.type_name == "PReLU" else {}
    name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", a.type_name).lower()
    return Made({"re_lu": "relu", "leaky_re_lu": "leaky_relu", "prelu": "prelu"}.get(name, name), a.shape, parameters)


def _half(a: Arguments) -> Made:
    if a.given.get("dim", -1) != -1:
        raise Misfit("it halves another dimension than the last")
    return Made("glu", (*a.shape[:-1], quotient("exact", a.shape[-1], 2)), {})


def _channel_norm(a: Arguments) -> Made:
    name = "num_channels" if "num_channels" in a.given else "num_features"
    a.check(a.shape[0], name)
    size = a.size(name)
    kind = {"B": "batch_norm", "I": "instance_norm", "G": "group_norm"}[a.type_name[0]]
    return Made(kind, a.shape, {"weight": (size,), "bias": (size,)} if a.flag("affine") else {})


def _last_norm(a: Arguments) -> Made:
    given = a.given.get("normalized_shape")
    sizes = tuple(_size("normalized_shape", one) for one in (given if isinstance(given, (tuple, list)) else (given,)))
    if len(sizes) > len(a.shape) or not all(x.same(y) for x, y in zip(a.shape[-len(sizes) :], sizes, strict=True)):
        raise Misfit("normalized_shape is not what reaches it")
    parameters = {"weight": sizes} if a.flag("elementwise_affine") else {}
    if parameters and a.type_name == "LayerNorm" and a.flag("bias"):
        parameters["bias"] = sizes
    return Made("layer_norm" if a.type_name == "LayerNorm" else "rms_norm", a.shape, parameters)


def _embedding(a: Arguments) -> Made:
    table = (a.size("num_embeddings"), a.size("embedding_dim"))
    return Made("embedding", (*a.shape, table[1]), {"weight": table})


def _recurrent(a: Arguments) -> Made:
    into, hidden = a.size("input_size"), a.size("hidden_size")
    if len(a.shape) != 2:
        raise Misfit("it takes steps of features, T×d")
    a.check(a.shape[-1], "input_size")
    gates = {"LSTM": 4, "GRU": 3, "RNN": 1}[a.type_name]
    ways = 2 if a.flag("bidirectional") else 1
    projected = a.given.get("proj_size") or 0
    back = hidden if isinstance(projected, int) and not projected else _size("proj_size", projected)
    rows = hidden.scaled(gates)
    parameters: dict[str, Sizes] = {}
    for layer in range(a.count("num_layers")):
        for way in ("", "_reverse")[:ways]:
            end = f"l{layer}{way}"
            parameters |= {f"weight_ih_{end}": (rows, back.scaled(ways) if layer else into), f"weight_hh_{end}": (rows, back)}
            if a.flag("bias"):
                parameters |= {f"bias_ih_{end}": (rows,), f"bias_hh_{end}": (rows,)}
            if projected:
                parameters[f"weight_hr_{end}"] = (back, hidden)
    return Made(a.type_name.lower(), (a.shape[0], back.scaled(ways)), parameters)


def _attention(a: Arguments) -> Made:
    width = a.size("embed_dim")
    a.check(a.shape[-1], "embed_dim")
    if a.given.get("kdim") is not None or a.given.get("vdim") is not None or a.flag("add_bias_kv"):
        raise Misfit("keys and values of their own sizes have no rule yet")
    return Made("multi_head_attention", a.shape, _projections(width, "", bias=a.flag("bias")))


def _projections(width: Formula, prefix: str, *, bias: bool) -> dict[str, Sizes]:
    weights: dict[str, Sizes] = {f"{prefix}in_proj_weight": (width.scaled(3), width)}
    if bias:
        weights[f"{prefix}in_proj_bias"] = (width.scaled(3),)
    weights[f"{prefix}out_proj.weight"] = (width, width)
    return {**weights, f"{prefix}out_proj.bias": (width,)} if bias else weights


def _encoder_layer(a: Arguments) -> Made:
    width, inner, bias = a.size("d_model"), a.size("dim_feedforward"), a.flag("bias")
    a.check(a.shape[-1], "d_model")
    parameters = _projections(width, "self_attn.", bias=bias)
    for name, shape in (("linear1", (inner, width)), ("linear2", (width, inner)), ("norm1", (width,)), ("norm2", (width,))):
        parameters[f"{name}.weight"] = shape
        if bias:
            parameters[f"{name}.bias"] = shape[:1]
    return Made("transformer_encoder_layer", a.shape, parameters)


def _upsample(a: Arguments) -> Made:
    n = len(a.shape) - 1
    if a.given.get("size") is not None:
        return Made("interpolate", (a.shape[0], *a.each("size", n)), {})
    factors = a.each("scale_factor", n)
    return Made("interpolate", (a.shape[0], *(product((f, s)) for f, s in zip(factors, a.shape[1:], strict=True))), {})


def _padded(a: Arguments) -> Made:
    n = _spatial(a.type_name)
    given = a.given.get("padding")
    listed = given if isinstance(given, (tuple, list)) else (given,) * (2 * n)
    if len(listed) != 2 * n:
        raise Misfit(f"padding has {len(listed)} sizes for {n} dimensions of two sides each")
    sides = [_size("padding", one) for one in listed]
    around = [sides[2 * (n - 1 - i)] + sides[2 * (n - 1 - i) + 1] for i in range(n)]  # torch counts from the last dimension
    return Made("pad", (*a.shape[:-n], *(s + p for s, p in zip(a.shape[-n:], around, strict=True))), {})


def _shuffled(a: Arguments) -> Made:
    r = a.size("upscale_factor" if a.type_name == "PixelShuffle" else "downscale_factor")
    channels, height, width = _three(a.shape)
    if a.type_name == "PixelShuffle":
        return Made("pixel_shuffle", (quotient("exact", channels, r * r), height * r, width * r), {})
    return Made("pixel_unshuffle", (channels * r * r, floor(height, r), floor(width, r)), {})


def _three(shape: Sequence[Formula]) -> tuple[Formula, Formula, Formula]:
    if len(shape) != 3:
        raise Misfit("it takes C×H×W")
    return shape[0], shape[1], shape[2]


RULES: tuple[tuple[str, Rule], ...] = (
    (r"Conv[123]d", _convolution),
    (r"ConvTranspose[123]d", _transposed),
    (r"(Max|Avg)Pool[123]d", _pool),
    (r"Adaptive(Max|Avg)Pool[123]d", _adaptive),
    (r"Linear", _linear),
    (r"Flatten", _flatten),
    (r"(Batch|Instance)Norm[123]d|GroupNorm", _channel_norm),
    (r"LayerNorm|RMSNorm", _last_norm),
    (r"Embedding", _embedding),
    (r"LSTM|GRU|RNN", _recurrent),
    (r"MultiheadAttention", _attention),
    (r"TransformerEncoderLayer", _encoder_layer),
    (r"Upsample|Upsampling(Nearest|Bilinear)2d", _upsample),
    (r"(Zero|Constant|Reflection|Replication|Circular)Pad[123]d", _padded),
    (r"Pixel(Un)?[sS]huffle", _shuffled),
    (r"GLU", _half),
    (r"(Feature)?(Alpha)?Dropout[123]?d?|Identity|Softmax2?d?|LogSoftmax|Softmin|LocalResponseNorm", _same),
    (r"P?R?ReLU6?|LeakyReLU|[CSG]?ELU|SiLU|Mish|(Log|Hard)?[sS]igmoid|Tanh|Softplus|Softsign", _same),
    (r"Hard(swish|tanh|shrink)|Softshrink|Tanhshrink|Threshold", _same),
)
"""The rule of each class of ``torch.nn``, by a pattern for its name."""
