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
            passes=("repeats",),
        ),
        Renderer(
            "dataflow",
            "Every operation as a box, in panels for the modules they ran in; what repeats is drawn once.",
            later("netfig.renderers.dataflow:draw_dataflow"),
            suits=lambda graph: 0.4,
            options=options.DataflowOptions,
            passes=("repeats",),
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
        Renderer(
            "attention",
            "The inside of an attention: one head, all heads, every shape, the parameters of every matrix.",
            later("netfig.renderers.attention_block:draw_attention"),
            suits=_suits_attention,
            options=options.AttentionOptions,
            passes=("attention",),
        ),
        Renderer(
            "tower",
            "A transformer as towers of equal boxes from the bottom up: encoder, decoder or both, blocks once with how often.",
            later("netfig.renderers.tower:draw_tower"),
            suits=_suits_tower,
            options=options.TowerOptions,
            passes=("attention", "repeats"),
        ),
        Renderer(
            "residual",
            "A residual or dense network: its stages as stacked cards in a row, one of them opened below with its skip.",
            later("netfig.renderers.residual:draw_residual"),
            suits=_suits_residual,
            options=options.ResidualOptions,
        ),
        Renderer(
            "matrices",
            "The numbers of a worked example as grids of cells, operation by operation, one row worked out.",
            later("netfig.renderers.matrices:draw_matrices"),
            suits=_suits_matrices,
            options=options.MatricesOptions,
        ),
        Renderer(
            "attention-map",
            "What a token looks at: arcs to other tokens, as thick as their weight, and a heat map of all weights.",
            later("netfig.renderers.attention_map:draw_attention_map"),
            suits=_suits_attention_map,
            options=options.AttentionMapOptions,
        ),
        Renderer(
            "mlp",
            "A chain of linear layers as columns of neurons, with numbers on them where the graph has them.",
            later("netfig.renderers.mlp:draw_mlp"),
            suits=_suits_mlp,
            options=options.MlpOptions,
        ),
    )


def _suits_pipeline(graph: Graph) -> float:
    if graph.axes:  # a chain repeats nothing
        return 0.0
    from netfig.renderers.pipeline import suits

    return suits(graph) if all(v.data is None for v in graph.values) else min(0.5, suits(graph))


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


def _suits_matrices(graph: Graph) -> float:
    if graph.axes or all(v.data is None for v in graph.values):
        return 0.0
    from netfig.renderers.matrices import suits

    return suits(graph)


def _suits_attention(graph: Graph) -> float:
    if not any(s.kind == "block" for s in graph.scopes):
        return 0.0
    from netfig.renderers.attention_block import suits

    return suits(graph)


def _suits_tower(graph: Graph) -> float:
    kinds = {op.kind for op in graph.ops} if len(graph.ops) > 5 else set()
    if not kinds & {"softmax", "_softmax", "scaled_dot_product_attention"}:
        return 0.0
    from netfig.renderers.tower import suits

    return suits(graph)


def _suits_residual(graph: Graph) -> float:
    kinds = {op.kind for op in graph.ops}
    if graph.axes or not any(kind.startswith("conv") for kind in kinds) or not kinds & {"add", "add_", "cat", "concat"}:
        return 0.0
    from netfig.renderers.residual import suits

    return suits(graph)


def _suits_attention_map(graph: Graph) -> float:
    if graph.axes or all(v.data is None for v in graph.values):
        return 0.0
    from netfig.renderers.attention_map import suits

    return suits(graph)


def _suits_mlp(graph: Graph) -> float:
    if graph.axes or len(graph.ops) > 60:  # a neuron diagram has few layers
        return 0.0
    from netfig.renderers.mlp import suits

    return suits(graph)


def builtin_op_kinds() -> tuple[OpKind, ...]:
    """How the operations of torch are named and drawn."""
    from netfig.renderers.kinds import KINDS

    return tuple(KINDS.values())
