"""The built-in writers: a Drawing (or a Graph) as the bytes of a file.

Importing this package loads none of what the formats need; each writer's module is imported when it first writes.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from netfig.hooks import Format, Writer
from netfig.writers.options import DotOptions, JsonOptions, PdfOptions, PngOptions, SvgOptions, TextOptions

if TYPE_CHECKING:
    from collections.abc import Callable

    from netfig.theme import Theme


def _later(module: str) -> Callable[[Any, Theme, Any], bytes]:
    """The ``write`` function of a writer's module, imported at its first call."""

    def write(what: Any, theme: Theme, options: Any) -> bytes:
        found: bytes = importlib.import_module(f"netfig.writers.{module}").write(what, theme, options)
        return found

    return write


def builtin_writers() -> tuple[Writer, ...]:
    """The writers that ship with netfig."""
    return (
        Writer(
            "svg",
            "Vector picture for web pages and editors, with real text, tooltips and the graph's ids.",
            (Format("svg", "image/svg+xml"),),
            _later("svg"),
            options=SvgOptions,
        ),
        Writer(
            "png",
            "Pixel picture, the same on every machine.",
            (Format("png", "image/png", text=False),),
            _later("png"),
            options=PngOptions,
        ),
        Writer(
            "pdf",
            "Vector picture for papers, with its fonts embedded.",
            (Format("pdf", "application/pdf", text=False),),
            _later("pdf"),
            options=PdfOptions,
        ),
        Writer(
            "dot",
            "Graphviz source with every position: `neato -n2` draws the same picture.",
            (Format("dot", "text/vnd.graphviz"), Format("gv", "text/vnd.graphviz")),
            _later("dot"),
            options=DotOptions,
        ),
        Writer(
            "json",
            "The graph itself, to be read back by netfig.",
            (Format("json", "application/json"),),
            _later("json"),
            takes="graph",
            options=JsonOptions,
        ),
        Writer(
            "text",
            "The graph as an indented tree for a terminal.",
            (Format("txt", "text/plain"),),
            _later("text"),
            takes="graph",
            options=TextOptions,
        ),
    )
