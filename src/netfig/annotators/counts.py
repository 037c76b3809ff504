"""The ``counts`` annotator: parameters, dense equivalents and receptive fields, from the graph alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfig.graph import Note
from netfig.graph.counts import matrix_count, owned_parameters, parameter_counts, written_count, written_total

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph import Graph
    from netfig.hooks import ModelRun

AUTHOR = "netfig"


def annotate(graph: Graph, run: ModelRun | None = None, options: Any = None) -> list[Note]:
    """All notes of this annotator."""
    if graph.axes and not any(s.kind == "module" for s in graph.scopes):  # equations: no layer to look into
        return [*_parameters(graph), *_symbols(graph)]
    from netfig.annotators.layer_counts import layer_notes
    from netfig.graph.formula_graph import is_symbolic

    named = _named(graph) if graph.parameter_count is None and is_symbolic(graph) else ()
    return [*_parameters(graph), *named, *(_symbols(graph) if graph.axes else ()), *layer_notes(graph)]


def _named(graph: Graph) -> Iterator[Note]:
    """Where sizes are names: counts as formulas, and how they grow with the names."""
    from netfig.annotators.formulas import named_count
    from netfig.graph.formula_graph import counts

    found, known = counts(graph), parameter_counts(graph)
    for s in graph.scopes:
        if s.kind in ("module", "root") and s.id in found and known[s.id].total is None:
            for key, text in named_count(found[s.id]).items():
                yield Note(s.id, key, text, "parameters" if key == "params" else "", AUTHOR)
                if s.parent is None:
                    yield Note("", key, text, "parameters" if key == "params" else "", AUTHOR)


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
    from netfig.annotators.formulas import parameter_formula

    shapes = {}
    for value in values:
        known = graph.value_by_id[value]
        sizes = known.type.sizes
        if sizes is None:
            return ""
        name = next((n for n in known.names if n.startswith(f"{path}.")), (known.names or (value,))[0])
        shapes[name.removeprefix(f"{path}.")] = sizes
    return parameter_formula(type_name, shapes)
