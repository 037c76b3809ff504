"""Modules by what people call them: ``layers.3``, or ``layers.*.attention`` for several.

``*`` stands for one part of a path or a piece of it, ``**`` for any number of parts. In a folded graph a template goes by the
paths of all that it stands for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from fnmatch import translate
from typing import TYPE_CHECKING

from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.graph.types import Graph, Scope


@dataclass(frozen=True)
class Named:
    """A module scope of a graph, and the paths of the model that it is there for."""

    scope: Scope
    paths: tuple[str, ...]


def named_modules(graph: Graph) -> list[Named]:
    """Every module of a graph, a template with the paths of all that it stands for."""
    real: Mapping[str, tuple[str, ...]] = {}
    if any(axis.members for axis in graph.axes):
        from netfig.graph.repeats import real_ids

        real = real_ids(graph).ids
    found = []
    for scope in graph.scopes:
        if scope.kind == "module":
            ids = real.get(scope.id, ())
            found.append(Named(scope, tuple(dict.fromkeys(id.partition("@")[0] for id in ids)) or (scope.path,)))
    return found


def fits(pattern: str, paths: Iterable[str]) -> list[str]:
    """Those of some paths that a pattern is for."""
    if not any(sign in pattern for sign in "*?["):
        return [path for path in paths if path == pattern]
    parts = pattern.split(".")
    regex = r"\.".join(".*" if part == "**" else _one_part(part) for part in parts)
    found = re.compile(regex)
    return [path for path in paths if found.fullmatch(path)]


def _one_part(part: str) -> str:
    """The regular expression of one part of a path: as for files, but a star stops at a dot."""
    return translate(part).removeprefix("(?s:").removesuffix(r")\Z").removesuffix(r")\z").replace(".*", "[^.]*")
