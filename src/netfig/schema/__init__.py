"""Graphs, figures and drawings as versioned JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from netfig.schema.documents import DRAWING, FIGURE, GRAPH, VERSION, read, schema, write

if TYPE_CHECKING:
    from netfig.drawing import Drawing
    from netfig.figure import Figure
    from netfig.graph import Graph

__all__ = [
    "VERSION",
    "drawing_from_json",
    "drawing_to_json",
    "figure_from_json",
    "figure_to_json",
    "graph_from_json",
    "graph_to_json",
    "json_schema",
    "schema_bytes",
]


def graph_to_json(graph: Graph) -> bytes:
    """A graph as JSON; equal graphs give equal bytes."""
    return write(GRAPH, graph)


def graph_from_json(data: bytes, where: str = "") -> Graph:
    """A graph from JSON; `where` (a file name) stands in the errors."""
    graph: Graph = read(GRAPH, data, where)
    return graph


def figure_to_json(figure: Figure) -> bytes:
    """A figure as JSON."""
    return write(FIGURE, figure)


def figure_from_json(data: bytes, where: str = "") -> Figure:
    """A figure from JSON."""
    figure: Figure = read(FIGURE, data, where)
    return figure


def drawing_to_json(drawing: Drawing) -> bytes:
    """A drawing as JSON."""
    return write(DRAWING, drawing)


def drawing_from_json(data: bytes, where: str = "") -> Drawing:
    """A drawing from JSON."""
    drawing: Drawing = read(DRAWING, data, where)
    return drawing


def json_schema(word: str) -> dict[str, Any]:
    """The JSON Schema of ``graph``, ``figure`` or ``drawing`` documents."""
    return schema({"graph": GRAPH, "figure": FIGURE, "drawing": DRAWING}[word])


def schema_bytes(word: str) -> bytes:
    """The same as the committed file ``<word>.schema.json``."""
    return (json.dumps(json_schema(word), indent=1, ensure_ascii=False) + "\n").encode()
