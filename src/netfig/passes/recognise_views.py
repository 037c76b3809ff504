"""What traced ops do that only look at tensors in another way: views, parts of them, and tensors put together."""

from __future__ import annotations

from netfig.passes.recognise_atoms import Unclear
from netfig.passes.recognise_elements import Call, expanded
from netfig.passes.recognise_nodes import Fix, Operand, Tensor

# ---- views -----------------------------------------------------------------------------------------------------------------


def view_rule(call: Call) -> list[Tensor]:
    """Other sizes of the same elements."""
    tensor = call.slot("self")
    return [call.view(tensor, call.atoms.regrouped(tensor.dims, call.sizes()))]


def permuted_rule(call: Call) -> list[Tensor]:
    """Dimensions in another order."""
    tensor = call.slot("self")
    order = list(range(len(tensor.dims)))
    if call.name in ("t", "numpy_T", "mT"):
        order = order[::-1] if len(order) <= 2 else [*order[:-2], order[-1], order[-2]]
    elif call.name == "permute":
        given = call.op.attribute("dims")
        order = [int(str(d)) % len(order) for d in given] if isinstance(given, tuple) else order
    else:
        a, b = call.dim(tensor, "dim0", 0), call.dim(tensor, "dim1", 1)
        order[a], order[b] = order[b], order[a]
    return [call.view(tensor, tuple(tensor.dims[d] for d in order))]


def unsqueeze_rule(call: Call) -> list[Tensor]:
    """A new dimension of size 1."""
    tensor = call.slot("self")
    place = call.number("dim", 0)
    place = place + len(tensor.dims) + 1 if place < 0 else place
    dims = list(tensor.dims)
    dims.insert(place, (call.atoms.new(1),))
    return [call.view(tensor, tuple(dims))]


def squeeze_rule(call: Call) -> list[Tensor]:
    """Dimensions of size 1 left out."""
    tensor = call.slot("self")
    given = call.op.attribute("dim")
    places = given if isinstance(given, tuple) else (given,) if isinstance(given, int) else tuple(range(len(tensor.dims)))
    wanted = {int(str(p)) % max(len(tensor.dims), 1) for p in places}
    gone = [d for p, d in enumerate(tensor.dims) if p in wanted and call.atoms.extent(d) == 1]
    dims = tuple(d for p, d in enumerate(tensor.dims) if not (p in wanted and call.atoms.extent(d) == 1))
    for dim in gone:
        call.low.index(dim)
    return [call.view(tensor, dims, lambda: {a: 0 for dim in gone for a in call.atoms.flat(dim) if a not in call.low.batch})]


def expand_rule(call: Call) -> list[Tensor]:
    """A tensor repeated."""
    return [expanded(call, call.slot("self"), call.sizes())]


# ---- parts -----------------------------------------------------------------------------------------------------------------


def _taken(call: Call, tensor: Tensor, place: int, index: int) -> Tensor:
    """A tensor at one index of a dimension."""
    dim = tensor.dims[place]
    call.low.index(dim)
    index = index + call.atoms.extent(dim) if index < 0 else index
    rest = tensor.dims[:place] + tensor.dims[place + 1 :]
    return call.view(tensor, rest, lambda: call.atoms.indices(dim, index))


def select_rule(call: Call) -> list[Tensor]:
    """One index of a dimension."""
    tensor = call.slot("self")
    return [_taken(call, tensor, call.dim(tensor), call.number("index", 0))]


def unbind_rule(call: Call) -> list[Tensor]:
    """Every index of a dimension."""
    tensor = call.slot("self")
    place = call.dim(tensor)
    return [_taken(call, tensor, place, k) for k in range(len(call.op.outputs))]


def _block(call: Call, tensor: Tensor, place: int, start: int, size: int) -> Tensor:
    """Indices `start` to `start + size` of a dimension."""
    atoms, dim = call.atoms, tensor.dims[place]
    whole = atoms.extent(dim)
    if size == whole:
        return call.view(tensor, tensor.dims)
    before, after = tensor.dims[:place], tensor.dims[place + 1 :]
    if size == 1:
        call.low.index(dim)
        return call.view(tensor, (*before, (atoms.new(1),), *after), lambda: atoms.indices(dim, start))
    if whole % size == 0 and start % size == 0 and not atoms.is_series(dim):
        outer, inner = (atoms.new(whole // size),), (atoms.new(size),)
        atoms.unify(dim, (*outer, *inner))
        call.low.index(outer)
        return call.view(tensor, (*before, inner, *after), lambda: atoms.indices(outer, start // size))
    return _moved(call, tensor, place, start, 1, size)


def _moved(call: Call, tensor: Tensor, place: int, start: int, step: int, size: int) -> Tensor:
    """A dimension read in another order, or only in part; each index is one index of it."""
    low, atoms, dim = call.low, call.atoms, tensor.dims[place]
    new = (atoms.new(size),)
    dims = (*tensor.dims[:place], new, *tensor.dims[place + 1 :])
    low.index(dim)
    low.index(new)
    low.series(new)

    def build(fix: Fix) -> Operand:
        index = low.position(new, fix)
        if index is not None:
            return low.at(tensor, {**fix, **atoms.indices(dim, start + step * index)})
        parts = [low.operand(call.position, tensor, {**fix, **atoms.indices(dim, start + step * i)}) for i in range(size)]
        return call.node("stack", [("values", parts)], (new, *(d for d in dims if d is not new)), fix)

    return Tensor(dims, build)


def split_rule(call: Call) -> list[Tensor]:
    """Parts of a dimension, one after another."""
    tensor = call.slot("self")
    place = call.dim(tensor)
    found, start = [], 0
    for k in range(len(call.op.outputs)):
        size = call.sizes(k)[place]
        found.append(_block(call, tensor, place, start, size))
        start += size
    return found


def slice_rule(call: Call) -> list[Tensor]:
    """A range of a dimension."""
    tensor = call.slot("self")
    place = call.dim(tensor)
    whole, size, step = call.atoms.extent(tensor.dims[place]), call.sizes()[place], call.number("step", 1)
    start = call.number("start", 0)
    start = max(start + whole, 0) if start < 0 else start
    return [_block(call, tensor, place, start, size) if step == 1 else _moved(call, tensor, place, start, step, size)]


def flip_rule(call: Call) -> list[Tensor]:
    """Dimensions turned round."""
    tensor = call.slot("self")
    given = call.op.attribute("dims")
    for place in given if isinstance(given, tuple) else ():
        spot = int(str(place)) % len(tensor.dims)
        whole = call.atoms.extent(tensor.dims[spot])
        tensor = _moved(call, tensor, spot, whole - 1, -1, whole)
    return [tensor]


# ---- putting together ------------------------------------------------------------------------------------------------------


def _stacked(call: Call, parts: list[Tensor], place: int) -> Tensor:
    """Tensors of one shape along a new dimension."""
    low, atoms = call.low, call.atoms
    for part in parts[1:]:
        for one, other in zip(parts[0].dims, part.dims, strict=True):
            atoms.unify(one, other)
    new = (atoms.new(len(parts)),)
    dims = (*parts[0].dims[:place], new, *parts[0].dims[place:])
    low.index(new)
    low.series(new)

    def build(fix: Fix) -> Operand:
        index = low.position(new, fix)
        if index is not None:
            return low.at(parts[index], fix)
        every: list[Operand] = [low.operand(call.position, part, fix) for part in parts]
        return call.node("stack", [("values", every)], (new, *parts[0].dims), fix)

    return Tensor(dims, build)


def stack_rule(call: Call) -> list[Tensor]:
    """Tensors along a new dimension."""
    parts = call.tensors
    place = call.number("dim", 0)
    return [_stacked(call, parts, place + len(parts[0].dims) + 1 if place < 0 else place)]


def cat_rule(call: Call) -> list[Tensor]:
    """Tensors one after another along a dimension; those of size 1 are stacked."""
    low, atoms = call.low, call.atoms
    parts = [one for one in call.tensors if one.dims]
    place = call.dim(parts[0])
    sizes = [atoms.extent(part.dims[place]) for part in parts]
    if len(parts) == 1:
        return [call.view(parts[0], parts[0].dims)]
    for part in parts[1:]:
        for spot, (one, other) in enumerate(zip(parts[0].dims, part.dims, strict=True)):
            if spot != place:
                atoms.unify(one, other)
    if set(sizes) == {1}:
        for part in parts:
            low.index(part.dims[place])
        bare = [
            call.view(part, part.dims[:place] + part.dims[place + 1 :], lambda d=part.dims[place]: atoms.indices(d, 0))  # type: ignore[misc]
            for part in parts
        ]
        return [_stacked(call, bare, place)]
    new = (atoms.new(sum(sizes)),)
    dims = (*parts[0].dims[:place], new, *parts[0].dims[place + 1 :])
    starts = [sum(sizes[:k]) for k in range(len(sizes))]
    if all(atoms.is_series(part.dims[place]) for part in parts):
        low.series(new)
    for part in parts:
        low.mix(part.dims[place])

    def build(fix: Fix) -> Operand:
        flat = atoms.flat(new)
        fixed = [a in fix for a in flat]
        if not any(fixed):
            every = [low.operand(call.position, part, fix) for part in parts]
            return call.node("cat", [("values", every)], dims, fix)
        count = fixed.index(False) if False in fixed else len(fixed)
        rest = atoms.extent(flat[count:])
        start = low._number(flat[:count], fix) * rest
        for part, begin, size in zip(parts, starts, sizes, strict=True):
            if begin <= start and start + rest <= begin + size and not any(fixed[count:]):
                if rest == size:
                    return low.at(part, fix)
                if rest == 1:
                    return low.at(part, {**fix, **atoms.indices(part.dims[place], start - begin)})
        raise Unclear("a part of a list is read")

    return [Tensor(dims, build)]


def write_rule(call: Call) -> list[Tensor]:
    """Pieces written into a buffer: a stack, when they are all its indices along one dimension."""
    place, places = call.op.attribute("place"), call.op.attribute("places")
    if not (isinstance(place, tuple) and isinstance(places, tuple)):
        raise Unclear("a write into what is not known")
    _, sizes, strides, offset = place
    parts = [call.of(ref.value) for ref in call.slots["written"]]
    for spot in range(len(sizes)):  # type: ignore[arg-type]
        rest = (*sizes[:spot], *sizes[spot + 1 :])  # type: ignore[index]
        own = (*strides[:spot], *strides[spot + 1 :])  # type: ignore[index]
        if any(p[1] != rest or (p[2] != own and 1 not in rest) for p in places):  # type: ignore[index]
            continue
        indices = [(p[3] - offset) / strides[spot] for p in places]  # type: ignore[index, operator]
        if len(set(indices)) < len(indices) or any(not 0 <= i < sizes[spot] or i % 1 for i in indices):  # type: ignore[index, operator]
            continue
        at = {int(i): part for i, part in zip(indices, parts, strict=True)}
        if len(at) < sizes[spot]:  # type: ignore[operator, index]
            old = call.slot("old")
            at = {i: at[i] if i in at else _taken(call, old, spot, i) for i in range(sizes[spot])}  # type: ignore[index, arg-type]
        return [_stacked(call, [at[i] for i in sorted(at)], spot)]
    raise Unclear("a write into parts of a tensor")
