"""Every operation as a box: what the model really does, op by op."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from netfig.figure import Figure
from netfig.graph import Graph
from netfig.hooks import Renderer
from netfig.renderers.modules import FigureMaker, Look, depths


@dataclass(frozen=True)
class DataflowOptions:
    """Options of the ``dataflow`` renderer."""

    level: Literal["function", "aten"] = field(
        default="function", metadata={"help": "one box for each function called, or for each operation the dispatcher ran"}
    )
    params: Literal["none", "count"] = field(default="count", metadata={"help": "parameter counts in the boxes"})
    shapes: Literal["changes", "all", "none"] = field(default="changes", metadata={"help": "shapes on the wires"})
    constants: bool = field(default=True, metadata={"help": "show operations that depend on no input, such as masks"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


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
    return FigureMaker(graph, look, depths(graph), depth=10**9).figure()


DATAFLOW = Renderer(
    name="dataflow",
    summary="Every operation as a box, in panels for the modules they ran in.",
    draw=draw_dataflow,
    suits=lambda graph: 0.4,
    options=DataflowOptions,
)
