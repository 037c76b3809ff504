"""The graph itself as JSON, which netfig reads back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.theme import Theme
    from netfig.writers.options import JsonOptions


def write(graph: Graph, theme: Theme, options: JsonOptions) -> bytes:
    """The graph in the versioned schema; the theme plays no part."""
    from netfig.schema import graph_to_json

    return graph_to_json(graph)
