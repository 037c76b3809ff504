"""The passes ``unroll`` and ``fold``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfig.errors import UsageError

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.passes.options import FoldOptions, UnrollOptions

_SIZE = re.compile(r"\A\s*([^\W\d]\w*)\s*=\s*(\d{1,9})\s*\Z")


def unroll_steps(graph: Graph, options: UnrollOptions) -> Graph:
    """The steps of a plate written out; see `netfig.graph.plates.unroll`."""
    from netfig.graph.plates import unroll

    return unroll(graph, _time_of(graph, options.axis), options.extent, _sizes(options.sizes))


def fold_steps(graph: Graph, options: FoldOptions) -> Graph:
    """One plate for steps that are alike; see `netfig.graph.plates.fold`."""
    from netfig.graph.plates import fold

    return fold(graph, _time_of(graph, options.axis))


def _time_of(graph: Graph, axis: str) -> str:
    """The axis that is meant: where nothing is called ``t``, the only axis of time."""
    times = [a.id for a in graph.axes if a.name == "time"]
    return times[0] if axis == "t" and len(times) == 1 and all(a.id != "t" for a in graph.axes) else axis


def _sizes(words: tuple[str, ...]) -> dict[str, int]:
    found = {}
    for word in words:
        size = _SIZE.match(word)
        if size is None:
            raise UsageError(f"{word!r} gives no size a number", hint="write unroll.sizes=K=2")
        found[size[1]] = int(size[2])
    return found
