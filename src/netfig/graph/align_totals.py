"""The totals of two aligned graphs: layers the same, changed, added, removed; parameters and multiply-adds before and after."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from netfig.graph.types import Op, Scope

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph.align import Alignment, Item, State
    from netfig.graph.types import Graph


class Totals(NamedTuple):
    """Parameters and multiply-adds of both graphs (``None`` where they are not known), and layers by state.

    `macs_at_least` says that some op's work is not known, in either; `word` what the layers are: ``operations`` where there is no
    module.
    """

    params: tuple[int | None, int | None]
    macs: tuple[int | None, int | None]
    macs_at_least: bool
    layers: dict[State, int]
    word: str


def totals(alignment: Alignment) -> Totals:
    """What `Totals` says, from the graphs and what annotators noted."""
    graphs = alignment.before, alignment.after
    listed = list(layers(alignment.root))
    found: Counter[State] = Counter(map(layer_state, listed))
    word = "layers" if any(not item.is_op for item in listed) else "operations"
    states: tuple[State, ...] = ("same", "changed", "added", "removed")
    left, right = (_macs(graph) for graph in graphs)
    unsure = any("macs.unknown_ops" in graph.notes_on("") for graph in graphs)
    counts = graphs[0].parameter_count, graphs[1].parameter_count
    return Totals(counts, (left, right), unsure, {state: found[state] for state in states}, word)


def _macs(graph: Graph) -> int | None:
    note = graph.notes_on("").get("macs")
    return note.value if note is not None and isinstance(note.value, int) else None


def layers(root: Item) -> Iterator[Item]:
    """The layers: modules and functions that hold no other module, and the ops that stand in none of them."""
    for child in root.children:
        if is_layer(child):
            yield child
        else:
            yield from layers(child)


def is_layer(item: Item) -> bool:
    """Whether an item is one of the `layers`, if none around it is."""
    return item.is_op or not (_mixed(item) or any(_is_module(inner) for inner in item.walk() if inner is not item))


def _is_module(item: Item) -> bool:
    return not isinstance(item.item, Op) and item.item.kind in ("module", "plate", "block", "step")


def _mixed(item: Item) -> bool:
    """A plate or step is no layer; nor is what wraps something that the other graph has too."""
    if not isinstance(item.item, Op) and item.item.kind in ("plate", "block", "step"):
        return True
    return (item.before is None or item.after is None) and any(i.before is not None and i.after is not None for i in item.walk())


def layer_state(item: Item) -> State:
    """The state of a layer: changed when anything in it is not the same."""
    if item.state == "same" and any(i.state != "same" or i.rewired for i in item.walk()):
        return "changed"
    return item.state


def layer_changes(item: Item) -> list[tuple[str, str, str]]:
    """What is different in a layer, each thing once: its own changes, or where it has none those of what is in it."""
    if item.changes:
        return [(c.what, c.before, c.after) for c in item.changes]
    found: dict[tuple[str, str, str], None] = {}
    for child in item.children:
        found.update(dict.fromkeys(layer_changes(child)))
    return list(found)


def parameters_of(graph: Graph, item: Scope | Op | None) -> int | None:
    """Parameters of a module as noted, or those an op reads; ``None`` when there are none to tell."""
    if item is None:
        return None
    if isinstance(item, Scope):
        note = graph.notes_on(item.id).get("params")
        return note.value if note is not None and isinstance(note.value, int) else None
    values = [graph.value_by_id[v] for v in dict.fromkeys(item.reads)]
    sizes = [graph.elements(v) for v in values if v.kind == "parameter"]
    return None if not sizes or None in sizes else sum(size for size in sizes if size is not None)


def signed(before: int, after: int) -> str:
    """A difference with its sign: ``+1,024``, ``−8``."""
    return f"{after - before:+,}".replace("-", "−") if after != before else "the same"
