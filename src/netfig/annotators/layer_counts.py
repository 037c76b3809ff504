"""What ``counts`` says of single layers: parameters of steps that are no module, dense equivalents, receptive fields."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from netfig.annotators.formulas import named_count, parameter_formula, product, with_result
from netfig.annotators.kinds import base
from netfig.annotators.layers import Layers, is_convolution
from netfig.annotators.windows import receptive_fields
from netfig.graph import Note
from netfig.graph.formula_graph import counted, is_symbolic

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph import Graph, Op

AUTHOR = "netfig"
_TYPE_OF = {"linear": "Linear", "embedding": "Embedding", "bilinear": "Bilinear"}


def layer_notes(graph: Graph) -> Iterator[Note]:
    """The notes on layers; a graph with axes says itself what its steps' parameters are."""
    layers = Layers(graph)
    if not graph.axes:
        yield from _raw_parameters(layers)
    yield from _dense_equivalents(layers)
    yield from _fields(layers)


def _raw_parameters(layers: Layers) -> Iterator[Note]:
    """Steps that read parameters in a module that is more than this one layer: their share stands on the step."""
    graph = layers.graph
    parameters = {v.id for v in graph.values if v.kind == "parameter"}
    read_by = {op.id: [v for v in op.reads if v in parameters] for op in graph.ops}

    def reads_parameters(op: Op) -> bool:
        return bool(read_by[op.id])

    steps: dict[str, tuple[str, dict[str, None]]] = {}
    for op in graph.ops:
        if read_by[op.id] and op.phase == "forward":
            step = layers.unit(op)
            if layers.subject(op, reads_parameters) == step:
                kind = op.kind if step == op.id else graph.scope_by_id[step].type_name
                steps.setdefault(step, (kind, {}))[1].update(dict.fromkeys(read_by[op.id]))
    first: dict[str, str] = {}
    for step, (kind, read) in steps.items():
        shared = next((first[v] for v in read if v in first), None)
        sizes = {value: layers.sizes(value) for value in read}
        known = {value: size for value, size in sizes.items() if size is not None}
        first.update({value: step for value in read if value not in first})
        if len(known) != len(sizes):
            made = counted(graph, _type_of(kind), read) if is_symbolic(graph) else None
            for key, text in named_count(made).items() if made is not None else ():
                yield Note(step, key, text, "parameters" if key == "params" else "", AUTHOR)
            continue
        yield Note(step, "params", sum(map(math.prod, known.values())), "parameters", AUTHOR)
        yield Note(step, "params.formula", parameter_formula(_type_of(kind), _short_names(known)), "", AUTHOR)
        if shared:
            yield Note(step, "params.shared_with", shared, "", AUTHOR)


def _type_of(kind: str) -> str:
    """The layer type that a function is the same as."""
    kind = base(kind)
    if kind.startswith("conv"):
        return "ConvTranspose" if "transpose" in kind else "Conv"
    return _TYPE_OF.get(kind, "Norm" if kind.endswith("_norm") else "")


def _short_names(known: dict[str, tuple[int, ...]]) -> dict[str, tuple[int, ...]]:
    """One weight with one bias is named so; otherwise the parameters keep their own names."""
    ranks = sorted(known.values(), key=len, reverse=True)
    if len(known) == 2 and len(ranks[0]) > len(ranks[1]) == 1:
        return {"weight": ranks[0], "bias": ranks[1]}
    return {"weight": ranks[0]} if len(known) == 1 else dict(known)


def _dense_equivalents(layers: Layers) -> Iterator[Note]:
    """For each convolution the parameters of the linear layer between its flattened input and output."""
    for op in layers.graph.ops:
        if not is_convolution(op) or op.phase != "forward":
            continue
        weight, bias = layers.slot(op, "weight"), layers.slot(op, "bias")
        subject = layers.subject(op, is_convolution)
        out = layers.sizes(op.outputs[0]) if op.outputs else None
        kernel = layers.sizes(weight) if weight else None
        if out is None or kernel is None:
            continue
        scope = layers.graph.scope_by_id.get(subject)
        given = [*(scope.inputs[:1] if scope else ()), layers.slot(op, "input")]  # the layer's input stands before any padding
        into = next((size for v in given if v and (size := layers.sizes(v)) and len(size) == len(out)), None)
        if into is None:
            continue
        rank = len(kernel) - 1  # channels and space: a batch dimension in front is left out
        into, out = into[-rank:], out[-rank:]
        inside, outside = math.prod(into), math.prod(out)
        value = (inside + (bias is not None)) * outside
        terms = f"({product(into)} + 1)·{product(out)}" if bias else f"{product(into)}·{product(out)}"
        yield Note(subject, "dense_equivalent", value, "parameters", AUTHOR)
        yield Note(subject, "dense_equivalent.formula", with_result(terms, value), "", AUTHOR)


def _fields(layers: Layers) -> Iterator[Note]:
    for subject, field in receptive_fields(layers).items():
        yield Note(subject, "receptive_field", product(field.size).replace("·", "×"), "", AUTHOR)
        yield Note(subject, "jump", product(field.jump).replace("·", "×"), "", AUTHOR)
