"""Every operation as a box: what the model really does, op by op."""

from __future__ import annotations

from netfig.figure import Figure
from netfig.graph import Graph
from netfig.renderers.boxwords import Look
from netfig.renderers.modules import FigureMaker
from netfig.renderers.options import DataflowOptions


def draw_dataflow(graph: Graph, options: DataflowOptions) -> Figure:
    """A Figure of every op, in panels for the modules they ran in."""
    look = Look(
        helpers=True,
        reshapes=True,
        constants=options.constants,
        functions=options.level == "aten",
        params=options.params,
        shapes=options.shapes,
        fold=False,
        names=False,
        caption=options.caption,
        unfold_library=True,
    )
    return FigureMaker(graph, look, lambda scope: True).figure()
