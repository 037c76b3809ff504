"""What is done alike to every step before an expanded layer: tokens that become vectors, a linear layer, a function.

A traced model does it to the whole sequence, which the layer then takes apart. Here the sequence is taken apart where it comes
from and put together again at once; `follow` carries that through all that is done to each step.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.graph import Op, Ref, Slot, TensorType, Value
from netfig.mathtext import math, text_of
from netfig.passes.expand_follow import FUNCTIONS, is_sequence, unused

if TYPE_CHECKING:
    from netfig.graph import Graph


def lead(graph: Graph) -> Graph:
    """The graph with every sequence that an expanded layer reads taken apart as early as can be."""
    for apart in [op for op in graph.ops if op.kind == "unbind"]:
        made = graph.value_by_id[apart.outputs[0]]
        if made.axes:
            graph = _led(graph, apart, made)
    return graph


def _led(graph: Graph, apart: Op, made: Value) -> Graph:
    """The graph with one sequence taken apart where it comes from."""
    whole = apart.inputs[0].refs[0].value
    source = _source(graph, whole)
    maker = graph.producer.get(source)
    if source == whole or (maker is not None and is_sequence(graph, maker)):
        return graph
    before, kept = graph.value_by_id[source], len(graph.value_by_id[whole].type.shape or ()) - 1
    type = TensorType(before.type.dtype, (before.type.shape or ())[kept:])
    symbol = before.symbol
    if text_of(symbol or math(before.id)) == text_of(made.symbol):
        symbol = math("u" if type.shape else "w")
    first = next(n for n, op in enumerate(graph.ops) if source in op.reads)
    root, dim = graph.root.id, apart.attributes
    new: list[Op] = []
    sequence = Value(unused(graph, f"{source}.sequence"), "computed", before.type)
    values = [*graph.values, sequence]
    if before.kind == "input" and len(graph.readers[source]) == 1:
        step = replace(before, type=type, axes=made.axes, symbol=symbol)
        values[values.index(before)] = step
    else:
        step = Value(unused(graph, f"{source}.step"), "computed", type, symbol, made.axes)
        values.append(step)
        new.append(Op(unused(graph, f"{source}/unbind"), "unbind", (Slot("input", (Ref(source),)),), (step.id,), root, dim))
    new.append(Op(unused(graph, f"{source}/stack"), "stack", (Slot("values", (Ref(step.id),)),), (sequence.id,), root, dim))

    def read(op: Op) -> Op:
        slots = tuple(
            Slot(s.name, tuple(replace(r, value=sequence.id) if r.value == source else r for r in s.refs)) for s in op.inputs
        )
        return replace(op, inputs=slots)

    scopes = tuple(
        replace(s, inputs=tuple(sequence.id if i == source else i for i in s.inputs)) if s.kind == "function" else s
        for s in graph.scopes
    )
    ops = (*graph.ops[:first], *new, *map(read, graph.ops[first:]))
    notes = tuple(note for note in graph.notes if note.key != "equations")  # they do not tell of what is done before
    return replace(graph, values=tuple(values), ops=ops, scopes=scopes, notes=notes)


def _source(graph: Graph, value: str) -> str:
    """Where a sequence comes from, past all that is done to each of its steps alone."""
    while True:
        op = graph.producer.get(value)
        readers = {_unit(graph, reader) for reader in graph.readers.get(value, ())}
        if op is None or len(readers) != 1 or any(port.value == value for port in graph.outputs):
            return value
        before = _read(graph, op)
        if before is None:
            return value
        value = before


def _unit(graph: Graph, op: Op) -> str:
    """What an op is a part of: a function of torch, or itself."""
    return op.scope if graph.scope_by_id[op.scope].kind == "function" else op.id


def _read(graph: Graph, op: Op) -> str | None:
    """The sequence that an op works on step by step; ``None`` when it does something else."""
    reads = list(op.reads)
    if op.kind == "embedding" and len(reads) == 2:
        return reads[1]
    if op.kind in FUNCTIONS and len(reads) == 1:
        return reads[0]
    scope = graph.scope_by_id[op.scope]
    if scope.kind == "function" and scope.type_name == "linear":
        given = [i for i in scope.inputs if graph.value_by_id[i].kind != "parameter"]
        return given[0] if len(given) == 1 else None
    return None
