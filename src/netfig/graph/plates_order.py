"""In which order the steps of plates run.

Ops of one plate that follow each other run step by step, upwards where they need earlier indices and downwards where they need
later ones. Where both occur (a forward and a backward state) the plate is cut between them, and one part runs through all its
steps before the next begins. Only where no cut helps are the ops sorted one by one.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from netfig.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from netfig.graph.plates_index import Place

Step = tuple[int, tuple[int, ...]]
"""An op (its position in the rolled graph) and the numbers of its place."""


class Need(NamedTuple):
    """An op needs what another makes, `sign` (−1, 0, 1) away along the axis at `depth` of both nests; outside it, here."""

    reader: int
    maker: int
    depth: int
    sign: int


class _NoOrderError(Exception):
    """No order of whole steps will do."""


def step_order(
    nests: Sequence[tuple[str, ...]], needs: set[Need], indices: Callable[[str, Place], range]
) -> Iterator[Step] | None:
    """The steps of all ops in an order in which everything is made before it is read; ``None`` when whole steps will not do.

    `nests` are the axes around each op, `needs` what follows from what they read.
    """
    try:
        plan = _arranged(list(range(len(nests))), 0, nests, needs)
    except _NoOrderError:
        return None
    return _run(plan, {}, indices, nests)


class _Loop(NamedTuple):
    axis: str
    downwards: bool
    body: list[int | _Loop]


def _arranged(ops: list[int], depth: int, nests: Sequence[tuple[str, ...]], needs: set[Need]) -> list[int | _Loop]:
    """Ops of one place as single ones and loops over the axis at `depth`."""
    plan: list[int | _Loop] = []
    run: list[int] = []
    for op in [*ops, -1]:
        axis = nests[op][depth] if op >= 0 and len(nests[op]) > depth else None
        if run and axis != nests[run[0]][depth]:
            plan += _loops(run, depth, nests, needs)
            run = []
        if axis is not None:
            run.append(op)
        elif op >= 0:
            plan.append(op)
    _check(plan, needs)
    return plan


def _loops(run: list[int], depth: int, nests: Sequence[tuple[str, ...]], needs: set[Need]) -> list[int | _Loop]:
    """Ops that stand in plates over one axis, cut into as few loops as their directions allow."""
    inside = set(run)
    here = [n for n in needs if n.reader in inside and n.maker in inside]
    signs: dict[int, list[Need]] = {}
    for need in here:
        if need.depth == depth and need.sign:
            signs.setdefault(need.reader, []).append(need)
    within = {n for n in here if not (n.depth == depth and n.sign)}  # the others are met by the order of the steps
    loops: list[int | _Loop] = []
    axis, part, direction = nests[run[0]][depth], set[int](), 0

    def close() -> None:
        loops.append(_Loop(axis, direction > 0, _arranged(sorted(part), depth + 1, nests, within)))

    for knot in _knots(run, here):
        own = {n.sign for op in knot for n in signs.get(op, ()) if n.maker in knot}
        wanted = own | {n.sign for op in knot for n in signs.get(op, ()) if n.maker in part} | ({direction} - {0})
        if len(own) > 1:
            raise _NoOrderError
        if len(wanted) > 1:
            close()
            part, wanted = set(), own
        part |= knot
        direction = next(iter(wanted), 0)
    close()
    return loops


def _knots(run: list[int], needs: list[Need]) -> Iterator[set[int]]:
    """The ops in their order, those that have to share a loop together: all between one and a later one that it needs."""
    reach = {op: op for op in run}
    for need in needs:
        reach[need.reader] = max(reach[need.reader], need.maker)
    held: set[int] = set()
    end = -1
    for op in run:
        held.add(op)
        end = max(end, reach[op])
        if op >= end:
            yield held
            held, end = set(), -1


def _check(plan: list[int | _Loop], needs: set[Need]) -> None:
    """Raise when something in a plan needs what comes after it in the plan."""
    where: dict[int, int] = {}
    for position, item in enumerate(plan):
        for op in _all(item):
            where[op] = position
    for need in needs:
        if need.reader in where and need.maker in where:
            reader, maker = where[need.reader], where[need.maker]
            if reader < maker or (reader == maker and isinstance(plan[reader], int)):
                raise _NoOrderError


def _all(item: int | _Loop) -> Iterator[int]:
    if isinstance(item, int):
        yield item
    else:
        for inner in item.body:
            yield from _all(inner)


def _run(
    plan: list[int | _Loop], place: Place, indices: Callable[[str, Place], range], nests: Sequence[tuple[str, ...]]
) -> Iterator[Step]:
    numbers = tuple(place.values())
    for item in plan:
        if isinstance(item, int):
            yield item, numbers
        else:
            span = indices(item.axis, place)
            for number in reversed(span) if item.downwards else span:
                yield from _run(item.body, {**place, item.axis: number}, indices, nests)


def sorted_steps(steps: Sequence[Step], needed: Mapping[Step, Sequence[Step]], name: Callable[[Step], str]) -> list[Step]:
    """Single steps so that each comes after those it needs, otherwise as near to the given order as can be.

    Raises:
        InvalidInput: some steps need each other.
    """
    rank = {step: i for i, step in enumerate(steps)}
    waiting = {step: len(set(needed.get(step, ()))) for step in steps}
    followers: dict[Step, list[Step]] = {}
    for step in steps:
        for maker in set(needed.get(step, ())):
            followers.setdefault(maker, []).append(step)
    ready = [rank[step] for step in steps if not waiting[step]]
    heapq.heapify(ready)
    done: list[Step] = []
    while ready:
        step = steps[heapq.heappop(ready)]
        done.append(step)
        for follower in followers.get(step, ()):
            waiting[follower] -= 1
            if not waiting[follower]:
                heapq.heappush(ready, rank[follower])
    if len(done) < len(steps):
        raise InvalidInput("some steps need each other", why=_circle(needed, {s for s in steps if waiting[s]}, name))
    return done


def _circle(needed: Mapping[Step, Sequence[Step]], stuck: set[Step], name: Callable[[Step], str]) -> str:
    step = min(stuck)
    seen: list[Step] = []
    while step not in seen:
        seen.append(step)
        step = next(maker for maker in needed[step] if maker in stuck)
    circle = [*seen[seen.index(step) :], step]
    shown = [name(s) for s in circle]
    if len(shown) > 6:
        shown = [*shown[:5], "…", shown[-1]]
    return " needs ".join(shown)
