"""What is worked out about a graph: counts, multiply-adds, and what torchinfo says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfig.hooks import Annotator

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.graph import Graph, Note
    from netfig.hooks import ModelRun


def _counts(graph: Graph, run: ModelRun | None, options: Any) -> Iterable[Note]:
    from netfig.annotators.counts import annotate

    return annotate(graph, run, options)


def _flops(graph: Graph, run: ModelRun | None, options: Any) -> Iterable[Note]:
    from netfig.annotators.macs import annotate

    return annotate(graph, run, options)


def _torchinfo(graph: Graph, run: ModelRun | None, options: Any) -> Iterable[Note]:
    from netfig.annotators.torchinfo_notes import annotate

    return annotate(graph, run, options)


def builtin_annotators() -> tuple[Annotator, ...]:
    """The annotators that come with netfig."""
    return (
        Annotator("counts", "Parameters with their products written out, dense equivalents, receptive fields.", _counts),
        Annotator("flops", "Multiply-adds of every module, from the shapes of its ops.", _flops),
        Annotator("torchinfo", "What torchinfo says of each layer, and where it disagrees with the graph.", _torchinfo),
    )
