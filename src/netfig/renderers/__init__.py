"""The built-in renderers: Graph → Figure. Each is imported when it draws; what `suits` says at once costs no import."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.hooks import Renderer
from netfig.later import later
from netfig.renderers import options

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.hooks import OpKind


def builtin_renderers() -> tuple[Renderer, ...]:
    """The renderers that ship with netfig, the default one first."""
    recurrent = ("recognise",)
    return (
        Renderer(
            "modules",
            "Modules as boxes and nested panels, operations as small circles, skip connections in their own lane.",
            later("netfig.renderers.modules:draw_modules"),
            suits=lambda graph: 0.6,
            options=options.ModulesOptions,
        ),
        Renderer(
            "dataflow",
            "Every operation as a box, in panels for the modules they ran in.",
            later("netfig.renderers.dataflow:draw_dataflow"),
            suits=lambda graph: 0.4,
            options=options.DataflowOptions,
        ),
        Renderer(
            "pipeline",
            "A chain of layers as the row of tensors it makes: flat boxes, volumes or stacked sheets.",
            later("netfig.renderers.pipeline:draw_pipeline"),
            suits=_suits_pipeline,
            options=options.PipelineOptions,
        ),
        Renderer(
            "unrolled",
            "A recurrence over its first steps: time in columns, the same weight on the wire at every step.",
            later("netfig.renderers.unrolled:draw_unrolled"),
            suits=lambda graph: 0.9 if _is_recurrence(graph) else 0.0,
            options=options.UnrolledOptions,
            passes=recurrent,
        ),
        Renderer(
            "folded",
            "A recurrence as one step with a loop, the delay marked on it.",
            later("netfig.renderers.folded:draw_folded"),
            suits=lambda graph: 0.8 if _is_recurrence(graph) else 0.0,
            options=options.FoldedOptions,
            passes=recurrent,
        ),
        Renderer(
            "cell",
            "The inside of one step of a recurrence, with its state from left to right along the top.",
            later("netfig.renderers.cell:draw_cell"),
            suits=lambda graph: 0.5 if any(s.kind == "plate" for s in graph.scopes) else 0.0,
            options=options.CellOptions,
            passes=recurrent,
        ),
        Renderer(
            "attention-rnn",
            "A recurrence whose steps attend to past states: their wires in lanes, one step in focus.",
            later("netfig.renderers.attention_rnn:draw_attention_rnn"),
            suits=_suits_attention_rnn,
            options=options.AttentionRnnOptions,
            passes=recurrent,
        ),
    )


def _suits_pipeline(graph: Graph) -> float:
    if graph.axes:  # a chain repeats nothing
        return 0.0
    from netfig.renderers.pipeline import suits

    return suits(graph)


def _is_recurrence(graph: Graph) -> bool:
    if not graph.axes:
        return False
    from netfig.renderers.unrolled import is_recurrence

    return is_recurrence(graph)


def _suits_attention_rnn(graph: Graph) -> float:
    if not (graph.axes and any(op.kind == "softmax" for op in graph.ops)):
        return 0.0
    from netfig.renderers.attention_rnn import suits

    return suits(graph)


def builtin_op_kinds() -> tuple[OpKind, ...]:
    """How the operations of torch are named and drawn."""
    from netfig.renderers.kinds import KINDS

    return tuple(KINDS.values())
