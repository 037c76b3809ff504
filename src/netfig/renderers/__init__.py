"""The built-in renderers: Graph → Figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfig.hooks import OpKind, Renderer


def builtin_renderers() -> tuple[Renderer, ...]:
    """The renderers that ship with netfig, the default one first."""
    from netfig.renderers.dataflow import DATAFLOW
    from netfig.renderers.modules import MODULES
    from netfig.renderers.pipeline import PIPELINE

    return (MODULES, DATAFLOW, PIPELINE)


def builtin_op_kinds() -> tuple[OpKind, ...]:
    """How the operations of torch are named and drawn."""
    from netfig.renderers.kinds import KINDS

    return tuple(KINDS.values())
