"""The verbs of the Python API, and the one path every figure takes: source → passes → annotators → renderer → layout → writer."""

from typing import TYPE_CHECKING, Any

from netfig.pipeline.files import STDOUT, check_writable, write_files
from netfig.pipeline.result import Result, check_formats, suffix_of
from netfig.pipeline.short import Short
from netfig.pipeline.stages import annotate, load, render, renderer_for, transform
from netfig.pipeline.units import points
from netfig.pipeline.verbs import draw, evaluate, load_graph, summarize, trace

if TYPE_CHECKING:
    from netfig.pipeline.comparison import Comparison, diff

__all__ = [
    "STDOUT",
    "Comparison",
    "Result",
    "Short",
    "annotate",
    "check_formats",
    "check_writable",
    "diff",
    "draw",
    "evaluate",
    "load",
    "load_graph",
    "points",
    "render",
    "renderer_for",
    "suffix_of",
    "summarize",
    "trace",
    "transform",
    "write_files",
]


def __getattr__(name: str) -> Any:
    """What only a comparison needs is imported when there is one."""
    if name not in ("Comparison", "diff"):
        raise AttributeError(f"module 'netfig.pipeline' has no attribute {name!r}")
    from netfig.pipeline import comparison

    return getattr(comparison, name)
