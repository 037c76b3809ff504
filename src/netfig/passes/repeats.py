"""The passes ``repeats`` and ``unfold``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.errors import UsageError, did_you_mean

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.passes.options import RepeatsOptions


def fold_alike(graph: Graph, options: RepeatsOptions) -> Graph:
    """One plate for blocks that are alike; see `netfig.graph.repeats`."""
    from netfig.graph.repeats import Wish, fold_repeats

    if options.least < 2:
        raise UsageError(f"repeats.least is {options.least}", hint="two are the fewest that can be alike")
    known = {s.id for s in graph.scopes} | {s.path for s in graph.scopes} | {op.id for op in graph.ops}
    for name in options.apart:
        if name not in known:
            raise UsageError(f"there is no {name!r} in {graph.name!r}", hint=did_you_mean(name, known))
    folded = fold_repeats(graph, Wish(options.sizes, options.branches, options.least, options.skips, options.apart))
    some = _some_of_a_fold(folded, options.split) if options.split else ()
    if not some:
        return folded
    return fold_repeats(graph, Wish(options.sizes, options.branches, options.least, options.skips, (*options.apart, *some)))


def _some_of_a_fold(folded: Graph, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """The paths that patterns are for where they are not for all that stand folded with them."""
    from netfig.graph.paths import fits, named_modules

    found: dict[str, None] = {}
    for module in named_modules(folded):
        wanted = {path for pattern in patterns for path in fits(pattern, module.paths)}
        if wanted and len(wanted) < len(module.paths):
            found.update(dict.fromkeys(path for path in module.paths if path in wanted))
    return tuple(found)


def write_out(graph: Graph, options: object = None) -> Graph:
    """Every block by itself again."""
    from netfig.graph.repeats import unfold_repeats

    return unfold_repeats(graph)
