"""The built-ins, offered through the same hooks as any plugin. Each hook imports its own part only when it is called."""

from __future__ import annotations

from collections.abc import Iterable

from netfig.hooks import API, Annotator, OpKind, Pass, Renderer, Source, Writer, hookimpl
from netfig.theme import BUILT_IN, Theme, load_theme

NETFIG_API = API


@hookimpl
def netfig_sources() -> Iterable[Source]:
    """PyTorch models, layer chains, saved graphs."""
    from netfig.sources import builtin_sources

    return builtin_sources()


@hookimpl
def netfig_annotators() -> Iterable[Annotator]:
    """Counts of our own, torchinfo, and the counter of torch."""
    from netfig.annotators import builtin_annotators

    return builtin_annotators()


@hookimpl
def netfig_passes() -> Iterable[Pass]:
    """unroll, fold."""
    from netfig.passes import builtin_passes

    return builtin_passes()


@hookimpl
def netfig_renderers() -> Iterable[Renderer]:
    """modules, dataflow, pipeline."""
    from netfig.renderers import builtin_renderers

    return builtin_renderers()


@hookimpl
def netfig_writers() -> Iterable[Writer]:
    """svg, png, pdf, dot, json, text."""
    from netfig.writers import builtin_writers

    return builtin_writers()


@hookimpl
def netfig_themes() -> Iterable[Theme]:
    """light, dark, print."""
    return [load_theme(name) for name in BUILT_IN]


@hookimpl
def netfig_op_kinds() -> Iterable[OpKind]:
    """How the operations of PyTorch are named and drawn."""
    from netfig.renderers import builtin_op_kinds

    return builtin_op_kinds()
