"""The built-in writers: a Drawing (or a Graph) as the bytes of a file.

Importing this package loads none of what the formats need; each writer's module is imported when it first writes.
"""

from __future__ import annotations

from netfig.hooks import Format, Writer
from netfig.later import later
from netfig.writers.options import DotOptions, JsonOptions, PdfOptions, PngOptions, SvgOptions, TextOptions


def builtin_writers() -> tuple[Writer, ...]:
    """The writers that ship with netfig."""
    return (
        Writer(
            "svg",
            "Vector picture for web pages and editors, with real text, tooltips and the graph's ids.",
            (Format("svg", "image/svg+xml"),),
            later("netfig.writers.svg:write"),
            options=SvgOptions,
        ),
        Writer(
            "png",
            "Pixel picture, the same on every machine.",
            (Format("png", "image/png", text=False),),
            later("netfig.writers.png:write"),
            options=PngOptions,
        ),
        Writer(
            "pdf",
            "Vector picture for papers, with its fonts embedded.",
            (Format("pdf", "application/pdf", text=False),),
            later("netfig.writers.pdf:write"),
            options=PdfOptions,
        ),
        Writer(
            "dot",
            "Graphviz source with every position: `neato -n2` draws the same picture.",
            (Format("dot", "text/vnd.graphviz"), Format("gv", "text/vnd.graphviz")),
            later("netfig.writers.dot:write"),
            options=DotOptions,
        ),
        Writer(
            "json",
            "The graph itself, to be read back by netfig.",
            (Format("json", "application/json"),),
            later("netfig.writers.json:write"),
            takes="graph",
            options=JsonOptions,
        ),
        Writer(
            "text",
            "The graph as an indented tree for a terminal.",
            (Format("txt", "text/plain"),),
            later("netfig.writers.text:write"),
            takes="graph",
            options=TextOptions,
        ),
    )
