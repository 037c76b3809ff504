"""What each built-in writer can be told. Kept apart from the writers so that listing the options loads no format library."""

from __future__ import annotations

from dataclasses import field

from netfig.records import dataclass


def _help(text: str) -> dict[str, str]:
    return {"help": text}


@dataclass(frozen=True)
class SvgOptions:
    """Options of the ``svg`` writer."""

    background: bool = field(default=True, metadata=_help("paint the page in the theme's colour; false: transparent"))
    embed_fonts: bool = field(default=False, metadata=_help("put the glyphs used into the file, so that any machine shows them"))
    tooltips: bool = field(default=True, metadata=_help("show names and details when the pointer rests on a box or wire"))
    id_prefix: str = field(default="", metadata=_help("put before every element id, for pages that hold several figures"))


@dataclass(frozen=True)
class PngOptions:
    """Options of the ``png`` writer."""

    dpi: float = field(default=0.0, metadata=_help("pixels per printed inch; 0: 192, or less for a very large figure"))
    background: bool = field(default=True, metadata=_help("paint the page in the theme's colour; false: transparent"))


@dataclass(frozen=True)
class PdfOptions:
    """Options of the ``pdf`` writer."""

    background: bool = field(default=True, metadata=_help("paint the page in the theme's colour; false: leave it to the paper"))
    author: str = field(default="", metadata=_help("the author named in the document's properties"))


@dataclass(frozen=True)
class DotOptions:
    """Options of the ``dot`` writer."""

    background: bool = field(default=True, metadata=_help("paint the page in the theme's colour; false: transparent"))
    exact: bool = field(
        default=False,
        metadata=_help(
            "draw corners exactly, behind the nodes; false: as the nodes' own outlines, which Graphviz rounds its own way"
        ),
    )


@dataclass(frozen=True)
class JsonOptions:
    """Options of the ``json`` writer."""


@dataclass(frozen=True)
class TextOptions:
    """Options of the ``text`` writer."""

    shapes: bool = field(default=True, metadata=_help("say the shape of what each module and operation makes"))
    ops: bool = field(default=True, metadata=_help("list the operations inside the modules"))
