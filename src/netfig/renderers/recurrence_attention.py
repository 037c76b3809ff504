"""Where a recurrence attends to its past: which op weighs which states, and the graph with that as a value of its own."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from netfig.mathtext import plain
from netfig.records import dataclass
from netfig.renderers.recurrence import Instance, Recurrence

if TYPE_CHECKING:
    from netfig.graph import Graph, Op

MEETS = ("sum", "matmul", "dot", "mean", "scale", "mul")  # what brings the weights and the weighed together


@dataclass(frozen=True, slots=True)
class Attention:
    """One attention over past states: its softmax, the value that holds its weights, and what it gives.

    `context` is the value shown as the result; where that is the state itself (`is_state`), `graph` has another value before it.
    """

    graph: Graph
    softmax: str
    context: str
    is_state: bool


def find_attention(recurrence: Recurrence) -> Attention | None:
    """The first softmax over a list whose entries read a state at different past steps."""
    graph = recurrence.graph
    for op in graph.ops:
        if op.kind == "softmax" and _reads_past(recurrence, op):
            context = _context(recurrence, op)
            if context is not None:
                return _with_context(recurrence, op, context)
    return None


def find_reading(recurrence: Recurrence) -> str | None:
    """The value in which a step brings together what it has weighed of another sequence, such as the context of a decoder."""
    found = find_attention_to_other(recurrence)
    return found.context if found is not None else None


def find_attention_to_other(recurrence: Recurrence) -> Attention | None:
    """The first softmax over what is made from several steps of another sequence."""
    graph = recurrence.graph
    for op in graph.ops:
        if op.kind != "softmax" or not _reads_elsewhere(recurrence, op):
            continue
        context = _context(recurrence, op)
        if context is not None and context not in recurrence.shown:
            return Attention(graph, op.id, context, is_state=False)
    return None


def _reads_elsewhere(recurrence: Recurrence, op: Op) -> bool:
    """Whether what a softmax is taken of at a step is made from several steps of another time axis."""
    time = next((a for a in recurrence.axes_of_scope(op.scope) if a in recurrence.times), None)
    if time is None:
        return False
    _ = recurrence.shown
    found: dict[str, set[int | None]] = {}
    for source in recurrence.flow(recurrence.sample(op.outputs[0])):
        axis = recurrence.time_of(source.value)
        if axis not in (None, time):
            found.setdefault(source.value, set()).add(source.index(axis or ""))
    return any(len(steps) > 1 for steps in found.values())


def _reads_past(recurrence: Recurrence, op: Op) -> bool:
    """Whether what a softmax is taken of is made from one state at two different steps."""
    time = next((a for a in recurrence.axes_of_scope(op.scope) if a in recurrence.times), None)
    if time is None:
        return False
    _ = recurrence.shown
    sample = recurrence.sample(op.outputs[0])
    found: dict[str, set[int]] = {}
    for source in recurrence.flow(sample):
        index, here = source.index(time), sample.index(time)
        if source.value in recurrence.states and index is not None and here is not None and index < here:
            found.setdefault(source.value, set()).add(index)
    return any(len(steps) > 1 for steps in found.values())


def _context(recurrence: Recurrence, op: Op) -> str | None:
    """The first named value in which the weights have met what they weigh."""
    graph = recurrence.graph
    reached = {op.outputs[0]: False}  # and whether that happened before it
    for later in graph.ops[graph.ops.index(op) + 1 :]:
        met = [reached[read] for read in later.reads if read in reached]
        if met:
            for out in later.outputs:
                reached[out] = any(met) or later.kind in MEETS
                if reached[out] and graph.value_by_id[out].symbol:
                    return out
    return None


def _with_context(recurrence: Recurrence, op: Op, context: str) -> Attention:
    graph = recurrence.graph
    if context not in recurrence.states:
        return Attention(graph, op.id, context, is_state=False)
    # the state is what attention gives: a value of its own stands between, so that there is something to draw
    made = f"{context}/attend.out"
    value = dataclasses.replace(graph.value_by_id[context], id=made, symbol=plain("Attend"), names=(), initial=(), final=())
    producer = graph.producer[context]
    ops: list[Op] = []
    for one in graph.ops:
        if one is producer:
            outputs = tuple(made if out == context else out for out in one.outputs)
            ops += [dataclasses.replace(one, outputs=outputs), _identity(context, made, one)]
        else:
            ops.append(one)
    graph = dataclasses.replace(graph, values=(*graph.values, value), ops=tuple(ops))
    return Attention(graph, op.id, made, is_state=True)


def _identity(context: str, made: str, like: Op) -> Op:
    from netfig.graph import Op, Ref, Slot

    return Op(f"{context}/attend", "identity", (Slot("input", (Ref(made),)),), (context,), like.scope)


def weights_of(recurrence: Recurrence, attention: Attention, step: int) -> dict[Instance, int]:
    """The index of the weight that each value is weighed with at a step, where it is weighed with one."""
    graph = recurrence.graph
    softmax = graph.op_by_id[attention.softmax]
    out = graph.value_by_id[softmax.outputs[0]]
    time = next(a for a in out.axes if a in recurrence.times)
    env = {time: step}
    stack = next((graph.producer[read] for read in softmax.reads if read in graph.producer), None)
    if stack is None or stack.kind not in ("stack", "cat"):
        return {}
    found: dict[Instance, set[int]] = {}
    _ = recurrence.shown
    for slot in stack.inputs:
        for ref in slot.refs:
            for read in recurrence.reads(stack, ref, env):
                index = next((n for axis, n in read.at if axis != time), None)
                if index is None:
                    digits = re.search(r"_(\d+)\Z", read.value)
                    index = int(digits[1]) if digits else None
                for source in recurrence.flow(read):
                    found.setdefault(source, set()).add(-1 if index is None else index)
    return {source: next(iter(all_of)) for source, all_of in found.items() if len(all_of) == 1 and -1 not in all_of}
