"""The pass ``expand``: a recurrent layer of torch becomes the equations that define it.

The equations are those of the library of cells. A layer becomes a plate over time in which every direction of every layer has its
states; its fused weights stay the model's own parameters, and the weights of the gates are their rows. The batch is left out:
what is written down is done to each of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.errors import UsageError
from netfig.passes.expand_draft import Draft
from netfig.passes.expand_find import Found, find
from netfig.passes.expand_follow import follow
from netfig.passes.expand_layer import Layer
from netfig.passes.expand_lead import lead

if TYPE_CHECKING:
    from netfig.graph import Graph


def expand(graph: Graph, options: object = None) -> Graph:
    """The graph with its recurrent layers and cells written out.

    Raises:
        UsageError: there are none, or none that can be; it says why.
    """
    candidates = list(find(graph))
    ready = [one for one in candidates if isinstance(one, Found)]
    if not ready:
        reasons = [f"{scope.id}: {why}" for scope, why in (one for one in candidates if isinstance(one, tuple))]
        raise UsageError(
            f"there is no recurrent layer in {graph.name!r} to expand",
            why="\n       ".join(reasons),
            hint="LSTM, GRU, RNN and their cells are expanded",
        )
    draft = Draft(graph)
    layers = [found.scope.id for found in ready if not found.is_cell]
    for found in ready:
        Layer(draft, found).write(_name(found.scope.id) if found.scope.id in layers and len(layers) > 1 else "")
    return follow(lead(draft.finished()))


def expand_step(graph: Graph) -> Graph | None:
    """The graph with the recurrent cell that it calls, once, as a sequence of one step; ``None`` when there is no such cell."""
    candidates = list(find(graph))
    found = candidates[0] if len(candidates) == 1 else None
    if not isinstance(found, Found) or not found.is_cell:
        return None
    draft = Draft(graph)
    Layer(draft, found).write_step()
    return follow(draft.finished())


def _name(scope: str) -> str:
    """What a layer is called where there are others: ``encoder``, or ``encoder 2`` when it is called again."""
    name, _, call = scope.rpartition("/")[2].partition("@")
    return f"{name} {int(call) + 1}" if call.isdecimal() else name
