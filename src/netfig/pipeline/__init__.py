"""The verbs of the Python API, and the one path every figure takes: source → annotators → renderer → layout → writer."""

from netfig.pipeline.files import STDOUT, check_writable, write_files
from netfig.pipeline.result import Result, check_formats, suffix_of
from netfig.pipeline.stages import annotate, load, render
from netfig.pipeline.units import points
from netfig.pipeline.verbs import draw, load_graph, summarize, trace

__all__ = [
    "STDOUT",
    "Result",
    "annotate",
    "check_formats",
    "check_writable",
    "draw",
    "load",
    "load_graph",
    "points",
    "render",
    "suffix_of",
    "summarize",
    "trace",
    "write_files",
]
