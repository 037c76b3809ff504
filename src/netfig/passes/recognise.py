"""The pass ``recognise``: a traced loop, or a recurrent layer of torch, becomes a recurrence."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.errors import UsageError
from netfig.graph import Graph, Note

if TYPE_CHECKING:
    from netfig.passes.recognise_nodes import Lowering

REFUSED = "recurrence.refused"
"""Key of the note that says why nothing was recognised."""

_GATHERS = frozenset(("stack", "cat", "slice", "softmax"))
_GROWN = 3  # in a row; of two it cannot be said that they grow


def recognise(graph: Graph, options: object = None) -> Graph:
    """The recurrence of a traced graph: plates over time, one step written once, without the batch.

    Values have the names of textbooks (x, h, W_xh); those of torch are in `Value.names`, with the part of the tensor they are
    (``x[:, t]``, ``lstm.weight_ih_l0[0:4]``). What leaves the graph as a last state only is said in a note ``output.<port>``.
    A graph that has an axis is handed back as it is; one in which no step reads what the step before it made, with a note that
    says why.
    """
    from netfig.passes.recognise_atoms import Unclear

    if graph.axes or any(note.key == REFUSED for note in graph.notes):
        return graph
    collecting = gc.isenabled()
    gc.disable()  # very many small objects, and no cycles that matter
    try:
        return _recognised(graph)
    except Unclear as error:
        return _expanded(graph, str(error))
    finally:
        if collecting:
            gc.enable()


def _recognised(graph: Graph) -> Graph:
    from netfig.passes.recognise_graph import rolled
    from netfig.passes.recognise_link import Linked
    from netfig.passes.recognise_nodes import Lowering
    from netfig.passes.recognise_rules import lower
    from netfig.passes.recognise_runs import Runs
    from netfig.passes.recognise_sheet import Sheet
    from netfig.passes.recognise_tidy import tidy

    low = Lowering(graph, lower)
    runs = Runs([node for node in low.nodes if node.vector is None], _weights(low), low.atoms.extent)
    if not runs.found:
        return _expanded(graph, _growing(graph) or next(iter(runs.reasons), "no step reads what the step before it made"))
    sheet = Sheet(low, Linked(low, runs))
    tidy(sheet)
    return rolled(graph, sheet)


def _growing(graph: Graph) -> str:
    """What to say of a loop whose steps read a list that grows, such as all states so far: they are no one step, done again."""
    runs: dict[str, list[tuple[str, tuple[int | None, ...]]]] = {}
    for op in graph.ops:
        if op.kind not in _GATHERS or not op.outputs:
            continue
        sizes = graph.value_by_id[op.outputs[0]].type.sizes
        run = runs.setdefault(op.kind, [])
        if run and not (sizes and run[-1][1] and _is_one_more(run[-1][1], sizes)):
            run.clear()
        run.append((op.id, sizes or ()))
        if len(run) == _GROWN:
            names = ", ".join(repr(id) for id, _ in run)
            return f"each step reads one thing more than the one before ({names}); equations say that by a range: for i = 1..t-1"
    return ""


def _is_one_more(before: tuple[int | None, ...], now: tuple[int | None, ...]) -> bool:
    """Whether one dimension has grown by one and the others are as before."""
    if len(before) != len(now):
        return False
    changed = [(a, b) for a, b in zip(before, now, strict=True) if a != b]
    return len(changed) == 1 and changed[0][0] is not None and changed[0][1] == changed[0][0] + 1


def _weights(low: Lowering) -> frozenset[str]:
    return frozenset(v.id for v in low.graph.values if v.kind in ("parameter", "buffer"))


def _expanded(graph: Graph, why: str) -> Graph:
    """A layer that the trace holds as one op has no loop to find; its equations are in the library."""
    from netfig.passes.expand import expand, expand_step

    try:
        found = expand(graph)
    except UsageError:
        found = graph
    if any(axis.name == "time" for axis in found.axes):
        return found
    if (step := expand_step(graph)) is not None:
        return step
    return replace(graph, notes=(*graph.notes, Note("", REFUSED, why, author="netfig")))
