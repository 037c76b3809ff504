"""The fonts that ship with netfig, as files and as subsets to put into an SVG."""

from __future__ import annotations

import os
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from netfig.drawing import Face, Item, Label
from netfig.layout.text import FONT_FILES, clean
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

FAMILIES = {"sans": "Liberation Sans", "serif": "Liberation Serif", "mono": "Liberation Mono", "symbol": "DejaVu Sans"}
"""The family name of the bundled font by the first word of its face."""


@dataclass(frozen=True, slots=True)
class EmbeddedFont:
    """A subset of one face: the family name it is known by in the file, and the CSS rule that defines it."""

    face: Face
    family: str
    rule: str


def font_path(face: Face) -> str:
    """The bundled file of a face."""
    return os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "fonts", FONT_FILES[face])


def embedded(items: Iterable[Item]) -> tuple[EmbeddedFont, ...]:
    """Subsets with the characters the labels use, one for each face. The family is named by its content."""
    import base64

    used: dict[Face, set[str]] = {}
    for item in items:
        if isinstance(item, Label):
            for run in item.runs:
                used.setdefault(run.face, set()).update(clean(run.text))
    names: dict[str, int] = {}
    for face in sorted(used):
        key = face.partition("-")[0]
        names[key] = zlib.crc32(f"{face} {''.join(sorted(used[face]))}".encode(), names.get(key, 0))
    found = []
    for face in sorted(used):
        key, _, variant = face.partition("-")
        family = f"netfig-{key}-{names[key]:08x}"
        data = base64.b64encode(subset(face, "".join(sorted(used[face])))).decode("ascii")
        rule = (
            f"@font-face{{font-family:'{family}';font-weight:{'bold' if 'bold' in variant else 'normal'};"
            f"font-style:{'italic' if 'italic' in variant else 'normal'};src:url(data:font/woff;base64,{data}) format('woff')}}"
        )
        found.append(EmbeddedFont(face, family, rule))
    return tuple(found)


@lru_cache(maxsize=32)
def subset(face: Face, characters: str) -> bytes:
    """A WOFF font with these characters of a face, the same bytes every time."""
    import io

    from fontTools import subset as subsetter
    from fontTools.ttLib import TTFont

    options = subsetter.Options(
        hinting=False,
        layout_features=[],
        notdef_outline=True,
        recalc_timestamp=False,
        drop_tables=["FFTM", "GSUB", "GPOS", "kern"],
    )
    font = TTFont(font_path(face), recalcTimestamp=False)
    job = subsetter.Subsetter(options)
    job.populate(text=characters)
    job.subset(font)
    font.flavor = "woff"
    out = io.BytesIO()
    font.save(out, reorderTables=True)
    return out.getvalue()
