"""What traced ops do element by element, and one op as its rule sees it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from netfig.graph import Attribute, Op
from netfig.passes.recognise_atoms import Dims, Unclear
from netfig.passes.recognise_nodes import Const, Fix, Lowering, Node, Operand, Tensor

FILLS: Final = {
    **dict.fromkeys(("zeros", "new_zeros", "zeros_like", "empty", "new_empty", "empty_like"), 0.0),
    **dict.fromkeys(("ones", "new_ones", "ones_like"), 1.0),
}
RENAMED: Final = {
    "log_sigmoid_forward": "logsigmoid",
    "softmax_rule": "softmax",
    "_log_softmax": "log_softmax",
    "native_layer_norm": "layer_norm",
    **dict.fromkeys(("_unsafe_view", "reshape", "_reshape_alias"), "view"),
    **dict.fromkeys(("unsafe_split", "split_with_sizes", "unsafe_chunk", "chunk", "unsafe_split_with_sizes"), "split"),
}


class Call:
    """One traced op as its rule sees it."""

    def __init__(self, low: Lowering, op: Op, position: int, name: str) -> None:
        self.low, self.op, self.position, self.name = low, op, position, name
        self.atoms = low.atoms
        self.slots = {slot.name: slot.refs for slot in op.inputs}

    @property
    def tensors(self) -> list[Tensor]:
        """All tensors it reads, in order."""
        return [self.of(ref.value) for slot in self.op.inputs for ref in slot.refs]

    def of(self, value: str) -> Tensor:
        """The tensor of a traced value."""
        if value not in self.low.tensors:
            raise Unclear(f"{value!r} is not known")
        return self.low.tensors[value]

    def slot(self, *names: str) -> Tensor:
        """The tensor in the first of these slots that it has."""
        for name in names:
            if self.slots.get(name):
                return self.of(self.slots[name][0].value)
        raise Unclear(f"{self.op.id} has no {names[0]}")

    def number(self, key: str, default: int) -> int:
        """An attribute that is a whole number."""
        value = self.op.attribute(key, default)
        return value if isinstance(value, int) else default

    def dim(self, tensor: Tensor, key: str = "dim", default: int = 0) -> int:
        """A dimension given by an attribute, counted from the first."""
        found = self.number(key, default)
        return found + len(tensor.dims) if found < 0 else found

    def sizes(self, output: int = 0) -> tuple[int, ...]:
        """The shape of an output."""
        return self.low.sizes(self.op.outputs[output])

    def view(self, tensor: Tensor, dims: Dims, extra: Callable[[], dict[int, int]] | None = None) -> Tensor:
        """The same numbers with other dimensions, some atoms of the tensor fixed."""
        low = self.low
        if extra is None:
            return Tensor(dims, lambda fix: low.at(tensor, fix), tensor.leaf)
        return Tensor(dims, lambda fix: low.at(tensor, {**fix, **extra()}), tensor.leaf)

    def node(
        self,
        kind: str,
        slots: list[tuple[str, list[Operand]]],
        dims: Dims,
        fix: Fix,
        attributes: tuple[tuple[str, Attribute], ...] = (),
    ) -> Node:
        """A new node with these dimensions, as far as one sample has them."""
        return self.low.node(self.position, kind, slots, self.low.remaining(dims, fix), fix, attributes)


# ---- element by element ----------------------------------------------------------------------------------------------------


def broadcast(call: Call, all_dims: Sequence[Dims]) -> Dims:
    """Aligned at the right; where both are long they are the same dimension."""
    atoms = call.atoms
    found: list[tuple[int, ...]] = []
    for place in range(1, max(map(len, all_dims), default=0) + 1):
        here: tuple[int, ...] | None = None
        for dims in all_dims:
            if len(dims) < place:
                continue
            dim = dims[-place]
            if here is None or (atoms.extent(here) == 1 and atoms.extent(dim) != 1):
                here = dim
            elif atoms.extent(dim) == atoms.extent(here):
                atoms.unify(here, dim)
        found.append(here or ())
    return tuple(reversed(found))


def _narrow(call: Call, tensor: Tensor, dims: Dims, fix: Fix) -> Fix:
    """What is fixed of an operand: a dimension of size 1 that is left out of the result is left out of it too."""
    low, extra = call.low, dict(fix)
    for mine, its in zip(reversed(tensor.dims), reversed(dims), strict=False):
        if call.atoms.extent(mine) == 1 and not low.remaining((its,), fix):
            extra.update((a, 0) for a in call.atoms.flat(mine) if a not in low.batch)
    return extra


def elementwise(
    call: Call, kind: str, operands: list[Tensor | Const], attributes: tuple[tuple[str, Attribute], ...] = ()
) -> Tensor:
    """An op on aligned elements of one or two tensors."""
    names = ("input",) if len(operands) == 1 else ("left", "right")
    dims = broadcast(call, [one.dims for one in operands])

    def build(fix: Fix) -> Operand:
        slots: list[tuple[str, list[Operand]]] = []
        for name, one in zip(names, operands, strict=True):
            made = one if isinstance(one, Const) else call.low.operand(call.position, one, _narrow(call, one, dims, fix))
            slots.append((name, [made]))
        word = kind
        if kind == "mul" and any(not low_dims(made) for _, (made,) in slots) and any(low_dims(made) for _, (made,) in slots):
            word = "scale"
        return call.node(word, slots, dims, fix, attributes)

    return Tensor(dims, build)


def low_dims(operand: Operand) -> Dims:
    """The dimensions of an operand."""
    return operand.dims


def pointwise_rule(call: Call) -> list[Tensor]:
    """One function of each element."""
    kept = tuple(
        pair for pair in call.op.attributes if pair[0] in ("negative_slope", "alpha", "min_val", "max_val", "beta", "approximate")
    )
    kind = RENAMED.get(call.name, call.name)
    return [elementwise(call, kind, [call.slot("self", "input")], kept)]


def _pair(call: Call) -> tuple[Tensor | Const, Tensor | Const]:
    def one(name: str, key: str) -> Tensor | Const:
        if call.slots.get(name):
            return call.of(call.slots[name][0].value)
        number = call.op.attribute(key)
        if not isinstance(number, (int, float)):
            raise Unclear(f"{call.op.id} has no {key}")
        return Const(float(number))

    left = one("self", "self")
    return left, one("exponent", "exponent") if call.name == "pow" else one("other", "other")


def arithmetic_rule(call: Call) -> list[Tensor]:
    """Two tensors, or a tensor and a number, element by element."""
    left, right = _pair(call)
    alpha = call.op.attribute("alpha", 1)
    if alpha != 1:
        if not isinstance(alpha, (int, float)):
            raise Unclear("an unknown factor")
        if call.name == "rsub":
            raise Unclear("an unknown factor")
        right = elementwise(call, "mul", [Const(float(alpha)), right])
    if call.name == "rsub":
        left, right = right, left
    if call.op.attribute("rounding_mode") is not None:
        raise Unclear("a rounded quotient")
    kind = {"rsub": "sub", "true_divide": "div", "subtract": "sub", "multiply": "mul", "divide": "div"}.get(call.name, call.name)
    return [elementwise(call, kind, [left, right])]


def square_rule(call: Call) -> list[Tensor]:
    """x²."""
    return [elementwise(call, "pow", [call.slot("self"), Const(2.0)])]


def reciprocal_rule(call: Call) -> list[Tensor]:
    """1 / x."""
    return [elementwise(call, "div", [Const(1.0), call.slot("self")])]


def lerp_rule(call: Call) -> list[Tensor]:
    """a + w (b − a)."""
    start, end = call.slot("self"), call.slot("end")
    weight: Tensor | Const = call.slot("weight") if call.slots.get("weight") else Const(float(str(call.op.attribute("weight"))))
    far = elementwise(call, "sub", [end, start])
    return [elementwise(call, "add", [start, elementwise(call, "mul", [weight, far])])]


def fill_rule(call: Call) -> list[Tensor]:
    """A tensor of one number."""
    number = FILLS[call.name] if call.name in FILLS else call.op.attribute("fill_value", call.op.attribute("value"))
    if not isinstance(number, (int, float)):
        raise Unclear("filled with what is not known")
    dims = call.atoms.dims(call.sizes())
    return [Tensor(dims, lambda fix: Const(float(number), call.low.remaining(dims, fix)))]


def same_rule(call: Call) -> list[Tensor]:
    """A copy, in another place or type."""
    tensor = call.slot("self", "src", "input")
    if call.name == "native_dropout" and call.op.attribute("train") is not False:
        raise Unclear("it drops out")
    if call.op.attribute("dtype") is not None and str(call.op.attribute("dtype")).startswith(("int", "bool")):
        raise Unclear("rounded")
    if call.sizes() != tuple(map(call.atoms.extent, tensor.dims)):
        return [expanded(call, tensor, call.sizes())]
    return [call.view(tensor, tensor.dims)]


def expanded(call: Call, tensor: Tensor, sizes: Sequence[int]) -> Tensor:
    """A tensor repeated along new dimensions and those of size 1."""
    atoms, low = call.atoms, call.low
    new = len(sizes) - len(tensor.dims)
    if new < 0:
        raise Unclear("a copy into less")
    dims: list[tuple[int, ...]] = [(atoms.new(size),) for size in sizes[:new]]
    grown: list[tuple[tuple[int, ...], tuple[int, ...]]] = []
    for dim, size in zip(tensor.dims, sizes[new:], strict=True):
        if atoms.extent(dim) == size:
            dims.append(dim)
        else:
            dims.append((atoms.new(size),))
            grown.append((dims[-1], dim))

    def build(fix: Fix) -> Operand:
        extra = dict(fix)
        for mine, its in grown:
            if not low.remaining((mine,), fix):
                extra.update((a, 0) for a in atoms.flat(its))
        return low.at(tensor, extra)

    return Tensor(tuple(dims), build, tensor.leaf)
