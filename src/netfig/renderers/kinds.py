"""How operations are named and drawn: one row for each kind of op. Plugins add rows through ``netfig_op_kinds``.

A helper hands its first input on in another layout, or makes something nobody reads a figure for; the ``modules`` renderer leaves
helpers out and draws a wire in their place.
"""

from __future__ import annotations

from dataclasses import replace

from netfig.graph import Graph, Op
from netfig.hooks import OpKind


def _rows() -> list[OpKind]:
    def circle(name: str, label: str, sign: str) -> OpKind:
        return OpKind(name, label, "op", sign)

    def box(name: str, label: str, role: str = "op.box", helper: bool = False) -> OpKind:
        return OpKind(name, label, role, "", helper)

    rows = [
        circle("add", "add", "+"),
        circle("sub", "subtract", "−"),
        circle("rsub", "subtract", "−"),
        circle("mul", "multiply", "⊙"),
        circle("div", "divide", "÷"),
        circle("pow", "power", "^"),
        circle("neg", "negate", "−"),
        circle("getitem", "index", "[ ]"),
        box("cat", "concat"),
        box("concat", "concat"),
        box("stack", "stack"),
        box("mm", "matmul"),
        box("bmm", "matmul"),
        box("addmm", "linear", "layer"),
        box("masked_fill", "mask"),
        box("write", "write into"),
        box("setitem", "write into"),
        box("copy", "copy"),
        box("flatten", "flatten"),
        box("embedding", "embedding", "layer"),
        box("scaled_dot_product_attention", "scaled dot-product attention", "attention"),
        box("multi_head_attention_forward", "multi-head attention", "attention"),
        box("_native_multi_head_attention", "multi-head attention", "attention"),
        box("_transformer_encoder_layer_fwd", "fused encoder layer", "attention"),
        box("interpolate", "upsample", "pool"),
        box("upsample", "upsample", "pool"),
        box("pixel_shuffle", "pixel shuffle", "pool"),
        box("cross_entropy", "cross-entropy", "loss"),
        box("nll_loss", "NLL loss", "loss"),
        box("mse_loss", "MSE loss", "loss"),
        box("sum", "sum"),
        box("mean", "mean"),
        box("max", "max"),
        box("argmax", "argmax"),
        box("topk", "top-k"),
        box("einsum", "einsum"),
        box("where", "where"),
    ]
    rows += [box(kind, "linear", "layer") for kind in ("linear", "bilinear")]
    rows += [box(f"conv{n}d", f"conv{n}d", "layer") for n in (1, 2, 3)]
    rows += [box(f"conv_transpose{n}d", f"up-conv{n}d", "layer") for n in (1, 2, 3)]
    for shape in ("1d", "2d", "3d"):
        rows += [
            box(f"{prefix}{kind}_pool{shape}", f"{words}{short} pool", "pool")
            for prefix, words in (("", ""), ("adaptive_", "adaptive "))
            for kind, short in (("max", "max"), ("avg", "avg"))
        ]
    rows += [
        box(kind, label, "norm")
        for kind, label in (
            ("batch_norm", "batch norm"),
            ("layer_norm", "layer norm"),
            ("group_norm", "group norm"),
            ("instance_norm", "instance norm"),
            ("rms_norm", "RMS norm"),
            ("normalize", "normalize"),
        )
    ]
    rows += [
        box(kind, label, "activation")
        for kind, label in (
            ("relu", "ReLU"),
            ("relu6", "ReLU6"),
            ("leaky_relu", "leaky ReLU"),
            ("prelu", "PReLU"),
            ("elu", "ELU"),
            ("selu", "SELU"),
            ("gelu", "GELU"),
            ("silu", "SiLU"),
            ("mish", "Mish"),
            ("sigmoid", "sigmoid"),
            ("hardsigmoid", "hard sigmoid"),
            ("hardswish", "hard swish"),
            ("hardtanh", "hard tanh"),
            ("tanh", "tanh"),
            ("softmax", "softmax"),
            ("log_softmax", "log-softmax"),
            ("softplus", "softplus"),
            ("glu", "GLU"),
        )
    ]
    rows += [
        box(kind, kind.strip("_"), helper=True)
        for kind in (
            "alias",
            "alpha_dropout",
            "clone",
            "contiguous",
            "cpu",
            "detach",
            "dropout",
            "dropout1d",
            "dropout2d",
            "dropout3d",
            "expand",
            "expand_as",
            "feature_dropout",
            "float",
            "half",
            "lift_fresh",
            "positive",
            "reshape_as",
            "resolve_conj",
            "resolve_neg",
            "squeeze",
            "to",
            "type",
            "type_as",
            "unsqueeze",
            "view_as",
        )
    ]
    return rows


KINDS = {row.name: row for row in _rows()}

RESHAPES = frozenset(
    {"view", "reshape", "permute", "transpose", "t", "T", "mT", "movedim", "swapaxes", "unflatten", "_unsafe_view"}
)
"""Ops that only change how the same elements are indexed."""

PARAMETRIC = frozenset(k for k, row in KINDS.items() if row.role in ("layer", "norm")) | {"prelu"}
"""Ops whose weights belong to them and are named in their box."""


def kind_of(graph: Graph, op: Op) -> OpKind:
    """The row for an op: a plugin's note on it first, then ours, then its own name in words."""
    row = KINDS.get(op.kind) or KINDS.get(op.kind.rstrip("_")) or OpKind(op.kind, op.kind.strip("_").replace("_", " "))
    notes = graph.notes_on(op.id)
    said = {key: notes[f"kind.{key}"].value for key in ("label", "role", "sign", "helper") if f"kind.{key}" in notes}
    return replace(row, **said) if said else row  # type: ignore[arg-type]
