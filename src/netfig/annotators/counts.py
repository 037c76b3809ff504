"""The ``counts`` annotator: parameters, dense equivalents and receptive fields, from the graph alone."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from netfig.annotators.formulas import parameter_formula, product, with_result
from netfig.annotators.kinds import base
from netfig.annotators.layers import Layers, is_convolution
from netfig.annotators.windows import receptive_fields
from netfig.graph import Note
from netfig.graph.counts import matrix_count, owned_parameters, parameter_counts, written_count, written_total

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph import Graph, Op
    from netfig.hooks import ModelRun

AUTHOR = "netfig"
_TYPE_OF = {"linear": "Linear", "embedding": "Embedding", "bilinear": "Bilinear"}


def annotate(graph: Graph, run: ModelRun | None = None, options: Any = None) -> list[Note]:
    """All notes of this annotator."""
    if graph.axes and not any(s.kind == "module" for s in graph.scopes):  # equations: no layer to look into
        return [*_parameters(graph), *_symbols(graph)]
    layers = Layers(graph)
    if graph.axes:
        return [*_parameters(graph), *_symbols(graph), *_dense_equivalents(layers), *_fields(layers)]
    return [*_parameters(graph), *_raw_parameters(layers), *_dense_equivalents(layers), *_fields(layers)]


def _parameters(graph: Graph) -> Iterator[Note]:
    counts, owned = parameter_counts(graph), owned_parameters(graph)
    if graph.parameter_count is not None:
        yield Note("", "params", graph.parameter_count, "parameters", AUTHOR)
    for s in graph.scopes:
        count = counts[s.id]
        if s.kind not in ("module", "root"):
            continue
        if count.total is not None:
            yield Note(s.id, "params", count.total, "parameters", AUTHOR)
        formula = "" if graph.axes and s.kind == "root" else _formula(graph, s.type_name, owned[s.id], s.path)
        if formula:
            yield Note(s.id, "params.formula", formula, "", AUTHOR)
        if count.shared_with:
            yield Note(s.id, "params.shared_with", count.shared_with, "", AUTHOR)


def _symbols(graph: Graph) -> Iterator[Note]:
    """In a graph with axes each weight by itself, however often it is used: its count written out, what it is shared over."""
    total = written_total(graph)
    if total is not None and any(v.kind == "parameter" for v in graph.values):
        if total.number is None:
            yield Note("", "params", total.text, "parameters", AUTHOR)
        yield Note("", "params.formula", total.worked, "", AUTHOR)
        matrices = matrix_count(graph)
        yield Note("", "params.matrices", matrices.text if matrices.number is None else matrices.number, "matrices", AUTHOR)
    repeated = {s.id: s.axis for s in graph.scopes if s.kind in ("plate", "step") and s.axis is not None}
    parent = {s.id: s.parent for s in graph.scopes}
    over: dict[str, dict[str, None]] = {}
    for op in graph.ops:
        scope: str | None = op.scope
        while scope is not None:
            if scope in repeated:
                for read in op.reads:
                    over.setdefault(read, {})[repeated[scope]] = None
            scope = parent[scope]
    for value in graph.values:
        count = written_count(graph, value) if value.kind == "parameter" else None
        if count is None:
            continue
        yield Note(value.id, "params", count.text if count.number is None else count.number, "parameters", AUTHOR)
        yield Note(value.id, "params.formula", count.worked, "", AUTHOR)
        shared = tuple(axis.id for axis in graph.axes if axis.id in over.get(value.id, {}) and axis.id not in value.axes)
        if shared:
            yield Note(value.id, "params.shared_over", shared, "", AUTHOR)


def _formula(graph: Graph, type_name: str, values: list[str], path: str) -> str:
    shapes = {}
    for value in values:
        known = graph.value_by_id[value]
        sizes = known.type.sizes
        if sizes is None:
            return ""
        name = next((n for n in known.names if n.startswith(f"{path}.")), (known.names or (value,))[0])
        shapes[name.removeprefix(f"{path}.")] = sizes
    return parameter_formula(type_name, shapes)


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
