"""The verbs of the Python API, and the one path every figure takes: source → passes → annotators → renderer → layout → writer."""

from netfig.pipeline.files import STDOUT, check_writable, write_files
from netfig.pipeline.result import Result, check_formats, suffix_of
from netfig.pipeline.short import Short
from netfig.pipeline.stages import annotate, load, render, renderer_for, transform
from netfig.pipeline.units import points
from netfig.pipeline.verbs import draw, evaluate, load_graph, summarize, trace

__all__ = [
    "STDOUT",
    "Result",
    "Short",
    "annotate",
    "check_formats",
    "check_writable",
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
