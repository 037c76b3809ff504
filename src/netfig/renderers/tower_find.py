"""Finds the parts of a transformer among atoms, by what they compute: norms, attention, feed-forward networks, sums.

Nothing here looks at the name of a class. What is found becomes one atom each, of kind ``norm``, ``attention`` or ``feed``.
"""

from __future__ import annotations

from netfig.graph import Graph, Op
from netfig.renderers.tower_atoms import HELPERS, Atom, Net

NORMS = {
    "layer_norm": "Layer norm",
    "native_layer_norm": "Layer norm",
    "rms_norm": "RMS norm",
    "group_norm": "Group norm",
    "batch_norm": "Batch norm",
    "instance_norm": "Instance norm",
}
LINEAR = frozenset({"linear", "addmm", "mm", "matmul", "bmm", "baddbmm", "einsum", "conv1d", "conv2d", "conv3d"})
ACTIVATIONS = {
    "relu": "ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "sigmoid": "sigmoid",
    "tanh": "tanh",
    "mish": "Mish",
    "leaky_relu": "leaky ReLU",
    "elu": "ELU",
    "selu": "SELU",
    "relu6": "ReLU6",
    "hardswish": "hard swish",
    "softplus": "softplus",
    "glu": "GLU",
}
GATED = {"SiLU": "SwiGLU", "GELU": "GEGLU", "ReLU": "ReGLU", "sigmoid": "GLU", "GLU": "GLU"}
ELEMENTWISE = frozenset({"mul", "add", "sub", "div", "pow", "neg", "square", "erf", "rsub", "clamp", "clamp_min", "abs", "exp"})
PARTING = frozenset({"chunk", "split", "split_with_sizes", "unbind", "getitem", "select", "slice", "unsafe_chunk"})
LOOKUPS = frozenset({"getitem", "index", "index_select"})
AVERAGES = frozenset({"mean", "var", "pow", "square", "sum", "var_mean"})
CORES = frozenset({"scaled_dot_product_attention", "multi_head_attention_forward"})
FAR = 12  # ops between a softmax and a product
PRODUCTS = frozenset({"matmul", "bmm", "einsum", "baddbmm"})


def find_parts(net: Net) -> None:
    """Makes one atom of every norm, attention, feed-forward network and sum."""
    for atom in net.in_order():
        if atom.kind in NORMS:
            atom.facts["words"] = NORMS[atom.kind]
            atom.kind = "norm"
        elif atom.kind in LOOKUPS and len(atom.reads) > 1 and net.graph.value_by_id[atom.reads[0].value].kind == "parameter":
            atom.kind = "embedding"
    _written_norms(net)
    for atom in net.in_order():
        if is_linear(net, atom):
            atom.facts["conv"] = atom.kind.startswith("conv")
            atom.kind = "linear"
    _written_attention(net)
    _mixtures(net)
    _feed_forward(net)
    _sums(net)


def is_linear(net: Net, atom: Atom) -> bool:
    """Whether an atom is a product of one value that flows and one stored matrix; a convolution if its window is 1."""
    if atom.kind not in LINEAR or len({read.value for read in atom.flows}) != 1:
        return False
    weights = [net.graph.value_by_id[value].type.shape or () for value in net.stored(atom)]
    if not any(len(shape) >= 2 for shape in weights):
        return False
    return not atom.kind.startswith("conv") or all(d.size == 1 for shape in weights if len(shape) > 2 for d in shape[2:])


# --- norms written out --------------------------------------------------------------------------------------------------------


def _written_norms(net: Net) -> None:
    for atom in net.in_order():
        if atom.id in net.atoms and (
            atom.kind in ("rsqrt", "sqrt") or (atom.kind == "pow" and _exponent(net, atom) in (0.5, -0.5))
        ):
            _norm_around(net, atom)


def _norm_around(net: Net, root: Atom) -> None:
    """A norm around the root of a mean: back to the one value it is of, on to where that is divided by it and scaled."""
    inside = {root.id}
    outside: set[str] = set()
    stack = [root]
    while stack:
        for read in stack.pop().flows:
            maker = net.atoms[read.maker]
            if maker.id in inside or maker.id in outside:
                continue
            if (maker.kind in AVERAGES or maker.kind in ELEMENTWISE) and not (maker.kind == "add" and len(_flowing(maker)) > 1):
                inside.add(maker.id)
                stack.append(maker)
            else:
                outside.add(read.value)
    if len(outside) != 1 or not any(net.atoms[one].kind in ("mean", "var", "var_mean", "sum") for one in inside):
        return
    source = next(iter(outside), "")
    grown = _grown(net, inside, source)
    if grown is None:
        return
    kinds = {net.atoms[one].kind for one in grown}
    words = "Layer norm" if kinds & {"sub", "var", "var_mean"} else "RMS norm" if "mean" in kinds else "Length 1"
    net.group(grown, "norm", words=words)


def _grown(net: Net, inside: set[str], source: str) -> set[str] | None:
    """The set with the products that follow, until one value leaves it that is scaled; ``None`` if there is no such."""
    inside = set(inside)
    for _ in range(6):
        after = [a for a in net.in_order() if a.id not in inside and any(read.maker in inside for read in a.reads)]
        leaving = {read.value for a in after for read in a.reads if read.maker in inside}
        scaled = [
            a
            for a in after
            if a.kind in ("mul", "div", "add", "sub") and all(r.maker in inside or r.value == source for r in a.flows)
        ]
        single = len(leaving) == 1 and any(net.atoms[one].kind in ("mul", "div") for one in inside)
        if single and not (len(after) == len(scaled) == 1 and (any(net.stored(scaled[0])))):
            return inside
        if not scaled:
            return None
        inside.update(a.id for a in scaled)
    return None


def _flowing(atom: Atom) -> set[str]:
    return {read.value for read in atom.flows}


def _exponent(net: Net, atom: Atom) -> object:
    op = net.graph.op_by_id[atom.ops[0]]
    return next((value for key, value in op.attributes if key in ("exponent", "other")), None)


# --- attention written out ----------------------------------------------------------------------------------------------------


def _written_attention(net: Net) -> None:
    """Attention that no pass has found: the softmax between two products of values that flow, and the linears around it."""
    for atom in net.in_order():
        if atom.id not in net.atoms or atom.kind == "attention":
            continue
        if atom.kind in CORES or (atom.kind in ("softmax", "_softmax") and _between_products(net, atom)):
            _attention_around(net, atom)


def weighs(graph: Graph, op: Op) -> bool:
    """Whether an op is a softmax of products of values that flow, and weighs values that flow."""
    if op.kind == "scaled_dot_product_attention":
        return True
    if op.kind not in ("softmax", "_softmax"):
        return False
    through = HELPERS | ELEMENTWISE | {"masked_fill", "where", "dropout", "expand", "squeeze", "unsqueeze", "native_dropout"}
    before: Op | None = op
    for _ in range(FAR):
        value = next((read for read in before.reads if read in graph.producer), "") if before is not None else ""
        before = graph.producer.get(value)
        if before is None or before.kind not in through:
            break
    after = [op]
    for _ in range(FAR):
        after = [reader for one in after for out in one.outputs for reader in graph.readers.get(out, ())][:FAR]
        if any(one.kind in PRODUCTS for one in after):
            break
        after = [one for one in after if one.kind in through]
    return before is not None and before.kind in PRODUCTS and any(one.kind in PRODUCTS for one in after)


def _between_products(net: Net, atom: Atom) -> bool:
    before = [net.atoms[r.maker] for r in atom.flows]
    while before and before[0].kind in ELEMENTWISE | {"masked_fill", "where"}:
        before = [net.atoms[r.maker] for r in before[0].flows]
    after = net.readers(atom.id)
    return bool(before) and before[0].kind in PRODUCTS and any(a.kind in PRODUCTS for a in after)


def _attention_around(net: Net, core: Atom) -> None:
    inside = {core.id}
    stack = [core]
    if core.kind not in CORES:
        mixing = next(a for a in net.readers(core.id) if a.kind in PRODUCTS)
        inside.add(mixing.id)
        stack.append(mixing)
    last = stack[-1]
    sources: dict[str, None] = {}
    if core.kind == "multi_head_attention_forward":  # its projections are in it
        sources, stack = dict.fromkeys(read.value for read in core.flows), []
    while stack:
        atom = stack.pop()
        for read in atom.flows:
            maker = net.atoms[read.maker]
            if maker.kind in ("input", "embedding", "norm", "attention", "output") or atom.kind == "linear":
                sources[read.value] = None
            elif maker.id not in inside:
                inside.add(maker.id)
                stack.append(maker)
    after = net.readers(last.id)
    if core.kind != "multi_head_attention_forward" and len(after) == 1 and after[0].kind == "linear":
        inside.add(after[0].id)
    shape = net.graph.value_by_id[core.makes[0]].type.shape or ()
    ops = [net.graph.op_by_id[op] for op in core.ops]
    causal = any(op.attribute("is_causal") is True or op.kind in ("tril", "triu") for op in ops)
    heads = shape[1].size if len(shape) == 4 and core.kind != "multi_head_attention_forward" else None
    net.group(inside, "attention", sources=tuple(sources), causal=causal, heads=heads)


# --- mixtures of experts ------------------------------------------------------------------------------------------------------


def _mixtures(net: Net) -> None:
    """A choice of the largest few scores with linears in one module, one value in and one out: experts and their router."""
    for atom in net.in_order():
        if atom.kind != "topk" or atom.id not in net.atoms:
            continue
        best: tuple[str, ...] = ()
        for scope in reversed(net.scopes_around(atom)[1:]):
            inside = tuple(a.id for a in net.in_order() if scope in net.scopes_around(a))
            if any(net.atoms[one].kind == "attention" for one in inside):
                break
            if _one_in_one_out(net, set(inside)):
                best = inside
        if sum(net.atoms[one].kind in ("linear", "_grouped_mm", "grouped_mm", *LINEAR) for one in best) < 2:
            continue
        scores = net.graph.value_by_id[atom.flows[0].value].type.shape or ()
        chosen = net.graph.op_by_id[atom.ops[-1]].attribute("k")
        _describe(net, net.group(best, "mixture", experts=str(scores[-1]) if scores else "", chosen=chosen))


def _one_in_one_out(net: Net, inside: set[str]) -> bool:
    coming = {read.value for one in inside for read in net.atoms[one].flows if read.maker not in inside}
    leaving = {read.value for a in net.in_order() if a.id not in inside for read in a.flows if read.maker in inside}
    return len(coming) == 1 and len(leaving) == 1


# --- feed-forward networks ----------------------------------------------------------------------------------------------------


def _feed_forward(net: Net) -> None:
    for atom in reversed(net.in_order()):
        if atom.id in net.atoms and atom.kind == "linear":
            inside = _network_before(net, atom)
            if inside:
                sizes = _sizes(net, atom, inside)
                linears = sum(net.atoms[one].kind == "linear" for one in inside)
                gated = linears > 2 or any(net.atoms[one].kind in {*PARTING, "glu"} for one in inside)
                _describe(net, net.group(inside, "feed", sizes=sizes, gated=gated))


def _network_before(net: Net, last: Atom) -> set[str]:
    """The atoms of a network that ends in a linear: back over what works element by element to linears of one value."""
    inside, sources = {last.id}, set()
    stack, nonlinear, first = [last], False, 0
    while stack:
        atom = stack.pop()
        for read in atom.flows:
            maker = net.atoms[read.maker]
            if atom.kind == "linear" and atom is not last:
                sources.add(read.value)
            elif maker.kind == "linear" or maker.kind in ACTIVATIONS or maker.kind in ELEMENTWISE or maker.kind in PARTING:
                if maker.id not in inside:
                    inside.add(maker.id)
                    stack.append(maker)
                    nonlinear = nonlinear or maker.kind in ACTIVATIONS or maker.kind in ("erf", "exp", "clamp", "clamp_min")
                    first += maker.kind == "linear"
            else:
                return set()
    if len(sources) != 1 or not nonlinear or not first or next(iter(sources)) in {v for i in inside for v in net.atoms[i].makes}:
        return set()
    hidden = inside - {last.id}
    if any(reader.id not in inside for one in hidden for reader in net.readers(one)):
        return set()
    return inside


def _sizes(net: Net, last: Atom, inside: set[str]) -> tuple[str, ...]:
    """Features in, in between, out."""
    values = net.graph.value_by_id
    first = [r for one in inside for r in net.atoms[one].flows if r.maker not in inside]
    shapes = [values[first[0].seen].type.shape, values[last.flows[0].seen].type.shape, values[last.makes[-1]].type.shape]
    at = 1 if last.facts.get("conv") else -1
    return tuple(str(shape[at]) for shape in shapes if shape)


def _describe(net: Net, feed: Atom) -> None:
    ops = [net.graph.op_by_id[op] for op in feed.ops]
    units = {op.kind for op in ops}
    scopes = {net.graph.scope_by_id[op.scope].type_name for op in ops if net.graph.scope_by_id[op.scope].kind == "function"}
    found = [ACTIVATIONS[kind] for kind in ACTIVATIONS if kind in units | scopes]
    word = found[0] if found else "activation"
    if ("pow" in units and "tanh" in units) or "erf" in units:
        word = "GELU"
    if word == "sigmoid" and "mul" in units:  # x · σ(x), or of 1.702 x
        factors = [op.attribute("other") for op in ops if op.kind == "mul"]
        word = "quick GELU" if any(isinstance(f, float) and abs(f - 1.702) < 1e-3 for f in factors) else "SiLU"
    if feed.facts.get("gated"):
        word = GATED.get(word, f"gated, {word}")
    feed.facts["activation"] = word


def _sums(net: Net) -> None:
    """A sum that is only added to again is one sum of all."""
    for atom in net.in_order():
        if atom.id in net.atoms and atom.kind == "add" and len(_flowing(atom)) > 1:
            after = net.readers(atom.id)
            if len(after) == 1 and after[0].kind == "add" and len(_flowing(after[0])) > 1:
                others = {read.maker for read in after[0].flows} - {atom.id}
                if others & net.leading_to(atom.id):  # x + (f(x) + g(x))
                    net.group((atom.id, after[0].id), "add")
