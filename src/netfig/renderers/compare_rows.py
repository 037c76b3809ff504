"""Fewer boxes for what is alike: modules in a row with the same differences drawn once, long stretches of the same as one box."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

from netfig.graph.align_rows import rows_of

if TYPE_CHECKING:
    from netfig.graph.align import Item
    from netfig.renderers.compare_view import CompareView, Pair

SHORTEST = 3
"""Boxes that are the same and become one when the figure is too large."""

Row = tuple["Item", ...]


def fold_rows(view: CompareView) -> dict[Item, Row]:
    """Draw modules with one inside and the same differences once; the rows that are opened, by their first."""
    pair_of = {pair.item: name for name, pair in view.pairs.items() if pair.item is not None}
    stored = _stored(view)
    into: dict[str, str] = {}
    members: list[dict[str, int]] = []
    opened: dict[Item, Row] = {}
    rows = [row for item in sorted(view.opened, key=view.order.__getitem__) for row in rows_of(item)]
    for row in (row for row in rows if len(row) > 1):
        first, where = row[0], {}
        for k, other in enumerate(row):
            for a, b in zip(first.walk(), other.walk(), strict=True):
                boxes = [(pair_of.get(a), pair_of.get(b)), *zip(stored.get(a, ()), stored.get(b, ()), strict=False)]
                for kept, gone in boxes:
                    if kept is None or gone is None:
                        continue
                    where[gone] = k
                    if kept != gone:
                        into.setdefault(gone, kept)
        members.append(where)
        if first in view.opened:
            opened[first] = row
        elif first in pair_of:
            pair = view.pairs[pair_of[first]]
            pair.times, pair.last = len(row), row[-1]

    def end(name: str) -> str:
        while name in into:
            name = into[name]
        return name

    def onward(source: str, target: str) -> bool:
        """Whether it leads from one member of a row to another."""
        return any(source in m and target in m and m[source] != m[target] for m in members)

    view.contract(end, onward)
    return opened


def _stored(view: CompareView) -> dict[Item, list[str]]:
    """Boxes of weights by the item that reads them."""
    found: dict[Item, list[str]] = {}
    for source, target in view.links:
        reader = view.pairs[target].item
        if view.pairs[source].item is None and abs(view.pairs[source].order) < 1e8 and reader is not None:
            found.setdefault(reader, []).append(source)
    return found


def elide(view: CompareView) -> None:
    """Draw stretches of what is the same, away from any difference, as one box each."""
    differs = {pair.id for pair in view.pairs.values() if pair.state != "same"}
    near = {name for ends, link in view.links.items() if link.state != "same" or differs & {*ends} for name in ends}
    into: dict[str, str] = {}
    ordered = sorted(view.pairs.values(), key=lambda pair: pair.order)

    def stretch(pair: Pair) -> object:
        plain = pair.state == "same" and pair.item is not None and pair.id not in near
        return (id(pair.panel),) if plain else pair.id

    for _, group in groupby(ordered, key=stretch):
        pairs = list(group)
        if len(pairs) >= SHORTEST:
            pairs[0].elided = pairs[1:]
            into.update({pair.id: pairs[0].id for pair in pairs[1:]})
    view.contract(lambda name: into.get(name, name))


def fold_activations(view: CompareView, roles: dict[str, str]) -> None:
    """Draw an activation with the layer before it, where nothing else reads that."""
    into: dict[str, str] = {}
    sources: dict[str, list[str]] = {}
    readers: dict[str, list[str]] = {}
    for source, target in view.links:
        sources.setdefault(target, []).append(source)
        readers.setdefault(source, []).append(target)
    for pair in view.pairs.values():
        before = sources.get(pair.id, [])
        if roles[pair.id] != "activation" or len(before) != 1 or pair.elided or pair.times > 1:
            continue
        layer = view.pairs[before[0]]
        fits = pair.state in ("same", layer.state) and pair.state != "changed" and roles[layer.id] in ("layer", "norm")
        one = layer.state in ("same", "changed") or pair.state == layer.state
        alone = len(readers[layer.id]) == 1 and layer.panel is pair.panel and not layer.elided and layer.times == 1
        if fits and one and alone and (view.links[layer.id, pair.id].state == "same") == (pair.state == "same"):
            layer.folded.append(pair)
            into[pair.id] = layer.id
    view.contract(lambda name: into.get(name, name))
