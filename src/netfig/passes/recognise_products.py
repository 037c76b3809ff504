"""What traced ops do across dimensions: products, sums, norms."""

from __future__ import annotations

from netfig.graph import Attribute
from netfig.passes.recognise_atoms import Dims, Unclear
from netfig.passes.recognise_elements import RENAMED, Call, broadcast, elementwise
from netfig.passes.recognise_nodes import Fix, Node, Operand, Tensor

# ---- products and reductions -----------------------------------------------------------------------------------------------


def _product(call: Call, left: Tensor, right: Tensor) -> Tensor:
    """The matrix product over the last dimension of one and the last but one of the other."""
    low, atoms = call.low, call.atoms
    vector = len(right.dims) == 1
    summed = (left.dims[-1], right.dims[-1] if vector else right.dims[-2])
    for dim in summed:
        low.mix(dim)
    outer = broadcast(call, [left.dims[:-2], () if vector else right.dims[:-2]])
    rows = left.dims[-2:-1]
    dims = (*outer, *rows, *(() if vector else right.dims[-1:]))

    def build(fix: Fix) -> Operand:
        own = {a for d in summed for a in atoms.flat(d)}
        kept = {a: i for a, i in fix.items() if a not in own}
        a = low.at(left, kept)
        b = low.at(right, kept)
        x, y = low.remaining(left.dims, kept), low.remaining(right.dims, kept)
        if not x or not y or (len(x) == 1 and len(y) == 1 and not (set(low.remaining(left.dims[-1:], kept)) == set(x))):
            raise Unclear("a product of numbers")
        if len(x) == 1 and len(y) == 1:
            return call.node("dot", [("left", [b]), ("right", [a])], dims, fix)
        if len(x) == 1 and len(y) == 2:  # x W is Wᵀ x
            turned = (
                b if b.dims == y[::-1] and b.dims != y else low.node(call.position, "transpose", [("input", [b])], y[::-1], fix)
            )
            return call.node("matmul", [("left", [turned]), ("right", [a])], dims, fix)
        slots = [("left", [low.operand(call.position, left, kept)]), ("right", [low.operand(call.position, right, kept)])]
        return call.node("matmul", slots, dims, fix)

    return Tensor(dims, build)


def matmul_rule(call: Call) -> list[Tensor]:
    """A product of matrices or vectors."""
    return [_product(call, call.slot("self"), call.slot("mat2", "other", "vec", "tensor"))]


def _with_bias(call: Call, product: Tensor, bias: Tensor, weight: Tensor) -> Tensor:
    if call.op.attribute("alpha", 1) != 1 or call.op.attribute("beta", 1) != 1:
        raise Unclear("a product with factors")
    if bias.leaf is not None and weight.leaf is not None:
        call.low.biases.setdefault(bias.leaf, weight.leaf)
    return elementwise(call, "add", [product, bias])


def addmm_rule(call: Call) -> list[Tensor]:
    """A product and a bias."""
    a, b = call.slot("mat1", "batch1", "mat"), call.slot("mat2", "batch2", "vec")
    return [_with_bias(call, _product(call, a, b), call.slot("self"), b)]


def linear_rule(call: Call) -> list[Tensor]:
    """W x + b."""
    weight = call.slot("weight")
    turned = call.view(weight, weight.dims[::-1])
    made = _product(call, call.slot("input"), turned)
    return [_with_bias(call, made, call.slot("bias"), weight) if call.slots.get("bias") else made]


def embedding_rule(call: Call) -> list[Tensor]:
    """The row of a table for each index."""
    weight, indices = call.slot("weight"), call.slot("indices")
    call.low.mix(weight.dims[0])
    dims = (*indices.dims, weight.dims[1])

    def build(fix: Fix) -> Operand:
        own = set(call.atoms.flat(weight.dims[0]))
        table = call.low.at(weight, {a: i for a, i in fix.items() if a not in own})
        index = call.low.operand(call.position, indices, fix)
        return call.node("embedding", [("weight", [table]), ("input", [index])], dims, fix)

    return [Tensor(dims, build)]


def _whole(call: Call, kind: str, tensor: Tensor, place: int, attributes: tuple[tuple[str, Attribute], ...] = ()) -> Tensor:
    """A function of all of the last dimension, such as softmax."""
    low = call.low
    old = tensor.dims[place]
    low.mix(old)
    new = (call.atoms.new(call.atoms.extent(old)),)
    low.series(new)
    dims = (*tensor.dims[:place], new, *tensor.dims[place + 1 :])

    def build(fix: Fix) -> Operand:
        own = set(call.atoms.flat(new))
        kept = {a: i for a, i in fix.items() if a not in own}
        input = low.operand(call.position, tensor, kept)
        if low.remaining(tensor.dims, kept)[-1:] != low.remaining((old,), kept):
            raise Unclear(f"{kind} over an inner dimension")
        made = whole.get(frozenset(kept.items()))
        if made is None:
            made = whole[frozenset(kept.items())] = call.node(kind, [("input", [input])], dims, kept, attributes)
        return made if len(kept) == len(fix) else low.access(made, made.dims, fix)

    whole: dict[frozenset[tuple[int, int]], Node] = {}
    return Tensor(dims, build)


def softmax_rule(call: Call) -> list[Tensor]:
    """A softmax over one dimension."""
    tensor = call.slot("self", "input")
    return [_whole(call, RENAMED.get(call.name, call.name), tensor, call.dim(tensor, default=-1))]


def layer_norm_rule(call: Call) -> list[Tensor]:
    """A layer norm over the last dimension, with its weight and bias."""
    tensor = call.slot("input")
    shape = call.op.attribute("normalized_shape")
    if not (isinstance(shape, tuple) and len(shape) == 1):
        raise Unclear("a norm over several dimensions")
    eps = call.op.attribute("eps", 1e-5)
    made = _whole(call, "layer_norm", tensor, len(tensor.dims) - 1, () if eps == 1e-5 else (("eps", eps),))
    if call.slots.get("weight"):
        made = elementwise(call, "mul", [call.slot("weight"), made])
    if call.slots.get("bias"):
        made = elementwise(call, "add", [made, call.slot("bias")])
    return [made]


def reduce_rule(call: Call) -> list[Tensor]:
    """A sum or mean over one dimension."""
    low, tensor = call.low, call.slot("self")
    given = call.op.attribute("dim")
    places = given if isinstance(given, tuple) else (given,) if isinstance(given, int) else ()
    if len(places) != 1:
        raise Unclear("a sum over several dimensions")
    place = int(str(places[0])) % len(tensor.dims)
    old = tensor.dims[place]
    low.mix(old)
    rest = (*tensor.dims[:place], *tensor.dims[place + 1 :])
    keep = bool(call.op.attribute("keepdim", False))
    dims = (*tensor.dims[:place], (call.atoms.new(1),), *tensor.dims[place + 1 :]) if keep else rest
    kind = call.name

    def build(fix: Fix) -> Operand:
        flat = call.atoms.flat(old)
        kept = {a: i for a, i in fix.items() if a not in flat}
        input = low.operand(call.position, tensor, kept)
        left = low.remaining((old,), kept)
        if isinstance(input, Node) and input.kind == "stack" and input.dims[:1] == left:
            return call.node(kind, [("values", list(input.operands))], rest, fix, (("axis", "?"),))
        if input.dims == left:
            return call.node(kind, [("input", [input])], rest, fix)
        factors = _matrix_and_vector(input, left) if kind == "sum" else None
        if factors is None:
            return call.node("function", [("input", [input])], rest, fix, (("name", f"{kind} over rows"),))
        matrix, vector = factors
        if matrix.dims[:1] == left:
            matrix = low.node(call.position, "transpose", [("input", [matrix])], matrix.dims[::-1], fix)
        return call.node("matmul", [("left", [matrix]), ("right", [vector])], rest, fix)

    return [Tensor(dims, build)]


def _matrix_and_vector(product: Operand, dim: Dims) -> tuple[Operand, Operand] | None:
    """The factors of a product of each row (or column) of a matrix with a vector, which is summed over `dim`."""
    if not isinstance(product, Node) or product.kind != "mul":
        return None
    one, other = product.operands
    matrix, vector = (one, other) if len(one.dims) == 2 else (other, one)
    return (matrix, vector) if len(matrix.dims) == 2 and vector.dims == dim else None
