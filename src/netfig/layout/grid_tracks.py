"""The tracks of wires that run through one channel: chosen so that few wires cross and none lie on each other."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING

from netfig.layout.grid_parts import APART

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.layout.grid_parts import Passage

HEIGHT = 0.6  # what one more track costs, a crossing being 1
FEW = 5  # tracks whose every order is tried


def order_tracks(passages: Iterable[Passage]) -> None:
    """Gives every passage its track among those of its channel."""
    channels: dict[tuple[str, int], list[Passage]] = {}
    for passage in passages:
        channels.setdefault(passage.channel, []).append(passage)
    for cluster in (cluster for whole in channels.values() for cluster in _clusters(whole)):
        if len(cluster) > FEW:
            _set_tracks(_in_order(cluster))
        else:
            best = min(permutations(cluster), key=lambda order: _crossings(order) + HEIGHT * _set_tracks(order))
            _set_tracks(best)


def _clusters(passages: list[Passage]) -> list[list[Passage]]:
    """Passages of one channel that meet, directly or through others."""
    found: list[list[Passage]] = []
    reach = -1.0
    for passage in sorted(passages, key=lambda p: (p.low, p.high)):
        if not found or passage.low > reach + APART:
            found.append([])
        found[-1].append(passage)
        reach = max(reach, passage.high) if len(found[-1]) > 1 else passage.high
    return found


def _set_tracks(order: Iterable[Passage]) -> int:
    """Gives each passage the first track beyond all that meet it, in the order given; how many tracks that takes."""
    placed: list[Passage] = []
    for passage in order:
        passage.track = max((p.track for p in placed if p.meets(passage)), default=-1) + 1
        placed.append(passage)
    return 1 + max((p.track for p in placed), default=-1)


def _in_order(passages: list[Passage]) -> list[Passage]:
    """An order of many passages, from the low track up: each before those that it is better below."""
    near: dict[int, dict[int, float]] = {n: {} for n in range(len(passages))}
    for i, one in enumerate(passages):
        for k in range(i + 1, len(passages)):
            other = passages[k]
            if one.meets(other):
                gain = _crossings((one, other)) - _crossings((other, one))
                near[i][k], near[k][i] = gain, -gain
    cost = {n: sum(gains.values()) for n, gains in near.items()}
    order: list[int] = []
    low = dict.fromkeys(cost, 0)  # the lowest track that is left for it
    while cost:
        first = min(cost, key=lambda n: (round(cost[n], 1), low[n], round(cost[n], 3), passages[n].low, passages[n].high, n))
        del cost[first]
        order.append(first)
        for n, gain in near[first].items():
            low[n] = max(low[n], low[first] + 1)
            if n in cost:
                cost[n] += gain
    for _ in range(len(order)):  # neighbours change places while that helps
        swapped = False
        for k in range(len(order) - 1):
            if near[order[k]].get(order[k + 1], 0.0) > 0.01:
                order[k], order[k + 1] = order[k + 1], order[k]
                swapped = True
        if not swapped:
            break
    return [passages[n] for n in order]


def _crossings(order: Iterable[Passage]) -> float:
    listed = list(order)
    total = 0.0
    for i, low in enumerate(listed):
        for high in listed[i + 1 :]:
            if not low.meets(high):
                continue
            for at, side in low.stubs:
                if side > 0:
                    total += _hit(at, high)
            for at, side in high.stubs:
                if side < 0:
                    total += _hit(at, low)
            total += 0.5 if low.lean < high.lean else 0.0
            total += 0.001 * ((low.high - low.low) - (high.high - high.low)) * (1 if low.channel[0] == "H" else 0)
    return total


def _hit(at: float, passage: Passage) -> float:
    """What a stub at a place costs that crosses a passage; on its end it would lie on a wire of the other."""
    if any(abs(at - spot) < 0.02 for spot, _ in passage.stubs):
        return 5.0
    return 1.0 if passage.low < at < passage.high else 0.0
