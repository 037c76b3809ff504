"""The page of the gallery, in the Markdown that code hosts show for a folder."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping

from netfig.gallery.header import Example

INDEX = "README.md"


def dark_name(picture: str) -> str:
    """The file of a picture's dark version."""
    return picture.removesuffix(".svg") + "-dark.svg"


def picture_markup(picture: str, alt: str, *, dark: bool, folder: str = "") -> str:
    """The picture, light or dark as the reader's screen is."""
    image = f'<img alt="{html.escape(alt)}" src="{folder}{picture}">'
    if not dark:
        return image
    source = f'<source media="(prefers-color-scheme: dark)" srcset="{folder}{dark_name(picture)}">'
    return f"<picture>\n  {source}\n  {image}\n</picture>"


def index_page(
    examples: Iterable[Example], categories: Mapping[str, str], tables: Mapping[str, str], dark_pictures: frozenset[str]
) -> str:
    """The whole page; `tables` are the printed tables by command line."""
    examples = tuple(examples)
    used = [name for name in categories if any(e.category == name for e in examples)]
    lines = [
        "# Gallery",
        "",
        "Every picture is made by the command under it, run in the project's folder. `make gallery` draws them all again.",
        "",
        *(f"- [{name}](#{_anchor(name)})" for name in used),
    ]
    for name in used:
        lines += ["", f"## {name}", "", categories[name]]
        for example in examples:
            if example.category == name:
                lines += _entry(example, tables, dark_pictures)
    return "\n".join(lines) + "\n"


def _entry(example: Example, tables: Mapping[str, str], dark_pictures: frozenset[str]) -> list[str]:
    lines = ["", f"### {example.title}", "", f"{example.summary} ([source](../{example.path}))"]
    for command in example.commands:
        lines.append("")
        if command.picture:
            alt = f"{example.title}. {example.summary}"
            lines += [picture_markup(command.picture, alt, dark=command.picture in dark_pictures), ""]
        lines += ["```sh", command.line, "```"]
        if not command.picture:
            lines += ["", tables[command.line].strip()]
    return lines


def _anchor(heading: str) -> str:
    return "".join(c for c in heading.lower().replace(" ", "-") if c.isalnum() or c in "-_")
