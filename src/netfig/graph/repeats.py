"""Repeats: twelve blocks that are alike as one block in a plate over twelve, and back.

A repeat is an axis with `Axis.members` and one plate over it. In the plate stands the *template*: one copy of the scopes, ops
and values of a member, with ids such as ``layers.0+.norm1``. What is stored for each member of its own (its weights) has the
axis. What comes in are *entries*: values with the axis and `Value.feeds`. What goes out are *exits*: values without the axis,
under the ids they always had, with one feed: what the template makes, at an index. So nothing outside of a repeat changes when it
is folded. What differs between members by a number has a name in `Axis.table`.

`fold_repeats` and `unfold_repeats` are inverse, exactly: ids, order, scopes and notes come back. The other functions read a
folded graph; they know nothing of how it came about.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidGraph
from netfig.graph.repeats_read import (
    at,
    axes_of,
    counts,
    each,
    elements,
    entries,
    is_chain,
    is_repeat,
    loops,
    op_count,
    places,
    plate_of,
    sizes,
    sources,
    times,
    total,
)
from netfig.graph.repeats_reasons import unlike_neighbours
from netfig.graph.repeats_search import Search, Wish
from netfig.graph.repeats_state import State
from netfig.graph.types import Graph
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

__all__ = [
    "Real",
    "Wish",
    "at",
    "axes_of",
    "counts",
    "each",
    "elements",
    "entries",
    "fold_repeats",
    "is_chain",
    "is_repeat",
    "likeness",
    "loops",
    "op_count",
    "places",
    "plate_of",
    "real_ids",
    "reasons",
    "sizes",
    "sources",
    "times",
    "total",
    "unfold_repeats",
]


def fold_repeats(graph: Graph, wish: Wish | None = None) -> Graph:
    """The graph with what is alike folded. A graph that has an axis already is handed back as it is."""
    if graph.axes:
        return graph
    with _no_collection():
        state = State(graph)
        search = Search(state, wish or Wish(), _words(graph))
        search.run()
        try:
            return _graph_of(state, graph) if search.found else graph
        except InvalidGraph:  # memory that members write in turns, in an order that one template cannot have
            return graph


def unfold_repeats(graph: Graph) -> Graph:
    """The graph with every repeat written out.

    Raises:
        InvalidInput: the graph does not say enough about the members.
    """
    if not any(map(is_repeat, graph.axes)):
        return graph
    from netfig.graph.plates_unroll import Parts
    from netfig.graph.repeats_unfold import written_out

    with _no_collection():
        return written_out(graph, Parts.of(graph)).graph(graph)


@dataclass(frozen=True)
class Real:
    """Which real things those of a folded graph stand for: by id of the template the real ids, and the other way round."""

    ids: Mapping[str, tuple[str, ...]]
    template: Mapping[str, str]


def real_ids(graph: Graph) -> Real:
    """The real ids of all scopes, ops and values in plates over members, each in the order of the members."""
    from netfig.graph.plates_unroll import Parts
    from netfig.graph.repeats_unfold import written_out

    found: dict[str, tuple[str, ...]] = {}
    with _no_collection():
        written_out(graph, Parts.of(graph), found)
    return Real(found, {id: template for template, ids in found.items() for id in ids})


def likeness(graph: Graph) -> dict[str, int]:
    """A number for each scope: those with equal numbers do the same, up to sizes."""
    state = State(graph)
    search = Search(state, Wish(), ())
    nodes = list(state.root.inside())
    for node in reversed(nodes):
        search.tokens.number(node)
    return {node.id: node.loose for node in nodes if not node.is_op}


def reasons(graph: Graph, wish: Wish | None = None) -> list[tuple[str, str]]:
    """Why what one would take for a repeat is none: the id of its first scope or op, and the reason."""
    state = State(unfold_repeats(graph))
    search = Search(state, wish or Wish(), _words(graph))
    search.run()
    return [*search.refused, *unlike_neighbours(state)]


def _graph_of(state: State, like: Graph) -> Graph:
    listed: list[Any] = [
        tuple([getattr(state, name)[key] for key in state.orders[name]]) for name in ("values", "ops", "scopes", "axes", "notes")
    ]
    values, ops, scopes, axes, notes = listed
    return Graph(like.name, values, ops, scopes, like.inputs, like.outputs, axes, notes, like.origin)


def _words(graph: Graph) -> frozenset[str]:
    """Every text that a size or setting of the graph is: no name of a table may be one of them."""
    found: set[str] = {dim.name for v in graph.values for dim in v.type.shape or () if dim.name is not None}
    settings = [thing.attributes for thing in graph.ops] + [thing.attributes for thing in graph.scopes]
    stack: list[Any] = [value for attributes in settings for _, value in attributes]
    while stack:
        value = stack.pop()
        if isinstance(value, tuple):
            stack.extend(value)
        elif isinstance(value, str):
            found.add(value)
    return frozenset(found)


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Many small objects are made, and no cycles: looking for cycles among them would take longer than making them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
