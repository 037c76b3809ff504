"""What is worked out about a graph: counts, multiply-adds, and what torchinfo says."""

from __future__ import annotations

from netfig.hooks import Annotator
from netfig.later import later


def builtin_annotators() -> tuple[Annotator, ...]:
    """The annotators that come with netfig."""
    return (
        Annotator(
            "counts",
            "Parameters with their products written out, dense equivalents, receptive fields.",
            later("netfig.annotators.counts:annotate"),
        ),
        Annotator(
            "flops",
            "Multiply-adds of every module, from the shapes of its ops.",
            later("netfig.annotators.macs:annotate"),
            suits=lambda graph: not graph.axes,  # how often a plate repeats is not known before it is unrolled
        ),
        Annotator(
            "torchinfo",
            "What torchinfo says of each layer, and where it disagrees with the graph.",
            later("netfig.annotators.torchinfo_notes:annotate"),
            needs_run=True,
        ),
    )
