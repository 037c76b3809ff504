"""The built-in sources: a PyTorch target, a chain of layers, a saved graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netfig.hooks import Source


def builtin_sources() -> tuple[Source, ...]:
    """The sources netfig registers itself, the most specific first; cheap, since torch is loaded only by `load`."""
    from netfig.sources import layers, saved, torch_source

    return (saved.SOURCE, layers.SOURCE, torch_source.SOURCE)
