"""netfig: from a PyTorch module, a chain of layers or recurrence equations to a figure you would put into a paper.

`trace` makes a Graph, `draw` a figure, `summarize` a table, `evaluate` numbers; `load_graph` reads a saved graph. Nothing here
imports torch until a model is traced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netfig.errors import NetfigError
    from netfig.graph import Graph
    from netfig.pipeline import Result, diff, draw, evaluate, load_graph, summarize, trace

__version__ = "0.1.0"
__all__ = ["Graph", "NetfigError", "Result", "__version__", "diff", "draw", "evaluate", "load_graph", "summarize", "trace"]

_HOME = {
    "Graph": "netfig.graph",
    "NetfigError": "netfig.errors",
    "Result": "netfig.pipeline",
    "diff": "netfig.pipeline",
    "draw": "netfig.pipeline",
    "evaluate": "netfig.pipeline",
    "load_graph": "netfig.pipeline",
    "summarize": "netfig.pipeline",
    "trace": "netfig.pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'netfig' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
