"""The rule of every traced op that is understood, and what is done with the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from netfig.graph import Op
from netfig.passes import recognise_elements as elements
from netfig.passes import recognise_products as products
from netfig.passes import recognise_views as views
from netfig.passes.recognise_atoms import Dims, Unclear
from netfig.passes.recognise_elements import FILLS, RENAMED, Call
from netfig.passes.recognise_nodes import Fix, Lowering, Node, Operand, Tensor

_SAME = frozenset(
    ("alias", "clone", "contiguous", "detach", "to", "_to_copy", "lift_fresh", "type_as", "copy", "setitem", "view_as", "dropout")
) | {"native_dropout", "identity"}
_POINTWISE: Final = (
    frozenset(
        (
            "abs",
            "ceil",
            "celu",
            "cos",
            "cosh",
            "elu",
            "erf",
            "exp",
            "expm1",
            "floor",
            "gelu",
            "hardsigmoid",
            "hardswish",
            "hardtanh",
        )
    )
    | frozenset(
        ("leaky_relu", "log", "log1p", "log_sigmoid_forward", "mish", "neg", "relu", "relu6", "round", "selu", "sigmoid", "sign")
    )
    | {"silu", "sin", "sinh", "softplus", "sqrt", "tan", "tanh"}
)


def lower(low: Lowering, op: Op, position: int) -> Sequence[Tensor]:
    """The tensors that an op makes.

    Raises:
        Unclear: what it does cannot be followed.
    """
    target = str(op.attribute("target") or "")
    name = target.split(".")[1] if target.count(".") else op.kind
    name = name if name == "_to_copy" else name.rstrip("_")
    name = "copy" if op.kind == "setitem" and name == "copy" else name
    rule = _RULES.get(RENAMED.get(name, name))
    try:
        if rule is not None:
            return rule(Call(low, op, position, name))
    except Unclear:
        pass
    return _opaque(Call(low, op, position, name))


def _opaque(call: Call) -> list[Tensor]:
    """An op that nothing is known about, except that it treats each sample of the batch alone."""
    low, atoms = call.low, call.atoms
    inputs = [(slot.name, [low.tensors[ref.value] for ref in slot.refs if ref.value in low.tensors]) for slot in call.op.inputs]
    first = next(
        (one for _, listed in inputs for one in listed if one.leaf not in low.graph.value_by_id or one.leaf is None), None
    )
    first = first or next((one for _, listed in inputs for one in listed), None)
    found: list[Tensor] = []
    made: dict[str, Node] = {}
    for number, out in enumerate(call.op.outputs):
        if low.graph.value_by_id[out].type.sizes is None:
            continue
        sizes = call.sizes(number)
        dims = atoms.dims(sizes)
        if first is not None and dims and first.dims and atoms.extent(first.dims[0]) == sizes[0] and len(first.dims) > 1:
            dims = (first.dims[0], *dims[1:])
        for dim in dims[1:]:
            low.series(dim)
        found.append(Tensor(dims, _opaque_build(call, inputs, dims, made, number)))
    for _, listed in inputs:
        for one in listed:
            for dim in one.dims[1:] if one is first else one.dims if one.leaf is not None else one.dims[1:]:
                low.mix(dim)
    return found


def _opaque_build(
    call: Call, inputs: list[tuple[str, list[Tensor]]], dims: Dims, made: dict[str, Node], number: int
) -> Callable[[Fix], Operand]:
    def build(fix: Fix) -> Operand:
        if "" not in made:
            slots = [(name, [call.low.operand(call.position, one, {}) for one in listed]) for name, listed in inputs]
            kept = tuple(pair for pair in call.op.attributes if pair[0] != "target")
            made[""] = call.node(call.op.kind, slots, dims, {}, kept)
        node = made[""]
        if number:
            raise Unclear(f"a further output of {call.op.kind}")
        return call.low.access(node, node.dims, fix) if fix else node

    return build


_RULES: Final[dict[str, Callable[[Call], Sequence[Tensor]]]] = {
    **dict.fromkeys(_SAME, elements.same_rule),
    **dict.fromkeys(_POINTWISE, elements.pointwise_rule),
    "logsigmoid": elements.pointwise_rule,
    **dict.fromkeys(
        ("add", "sub", "rsub", "mul", "div", "pow", "true_divide", "subtract", "multiply", "divide"), elements.arithmetic_rule
    ),
    **dict.fromkeys(FILLS, elements.fill_rule),
    **dict.fromkeys(("full", "new_full", "full_like", "fill", "zero", "scalar_tensor"), elements.fill_rule),
    "square": elements.square_rule,
    "reciprocal": elements.reciprocal_rule,
    "lerp": elements.lerp_rule,
    "view": views.view_rule,
    **dict.fromkeys(("t", "numpy_T", "mT", "permute", "transpose"), views.permuted_rule),
    "unsqueeze": views.unsqueeze_rule,
    "squeeze": views.squeeze_rule,
    **dict.fromkeys(("expand", "expand_as", "broadcast_to"), views.expand_rule),
    "select": views.select_rule,
    "unbind": views.unbind_rule,
    "split": views.split_rule,
    "slice": views.slice_rule,
    "narrow": views.slice_rule,
    "flip": views.flip_rule,
    "stack": views.stack_rule,
    "cat": views.cat_rule,
    "write": views.write_rule,
    **dict.fromkeys(("mm", "matmul", "bmm", "mv", "dot"), products.matmul_rule),
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), products.addmm_rule),
    "linear": products.linear_rule,
    "embedding": products.embedding_rule,
    **dict.fromkeys(("softmax", "log_softmax"), products.softmax_rule),
    "layer_norm": products.layer_norm_rule,
    **dict.fromkeys(("sum", "mean"), products.reduce_rule),
}
