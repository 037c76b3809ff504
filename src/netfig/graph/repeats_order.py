"""How the things of all members stand in a list: one member after another, or where not, told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfig.graph.types import Note, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from netfig.graph.repeats_state import Order


def breaks(before: Any, after: Any, positions: dict[str, int]) -> bool:
    """Whether two neighbours in the template begin lists of their own: stored values and computed ones, two annotators."""
    if isinstance(after, Value):
        return bool((before.kind == "computed") != (after.kind == "computed"))
    if isinstance(after, Note):
        back = positions.get(after.subject, 0) < positions.get(before.subject, 0)
        return back and before.key.split(".")[0] != after.key.split(".")[0]
    return False


def positions_of(things: Iterable[Any]) -> dict[str, int]:
    """The subjects of notes in the order in which they are first named."""
    found: dict[str, int] = {}
    for thing in things:
        if isinstance(thing, Note):
            found.setdefault(thing.subject, len(found))
    return found


def told_order(order: Order, rows: Sequence[Sequence[Any]], things: Sequence[Any]) -> tuple[Any, ...] | None:
    """What has to be told of where the things of all members stand in a list: ``None`` when nothing, ``()`` when only that
    stretches do not end where `breaks` says.

    `rows` are the keys of each thing at each index, in the order of the first member.
    """
    if _natural(order, rows, things, breaks):
        return None
    return () if _natural(order, rows, things, _never) else _segments(order, rows)


def _never(before: Any, after: Any, positions: dict[str, int]) -> bool:
    return False


def _natural(order: Order, rows: Sequence[Sequence[Any]], things: Sequence[Any], breaks: Callable[..., bool]) -> bool:
    """Whether each stretch of the template stands in the list once for each member, one after another."""
    others = {key for row in rows for key in row[1:]}
    positions = positions_of(things)
    i = 0
    while i < len(rows):
        j = i + 1
        while j < len(rows) and not breaks(things[j - 1], things[j], positions):
            key = order.next[rows[j - 1][0]]
            while key in others:
                key = order.next[key]
            if key != rows[j][0]:
                break
            j += 1
        expected = [rows[r][k] for k in range(len(rows[0])) for r in range(i, j)]
        key = expected[0]
        for one in expected[1:]:
            key = order.next[key]
            if key != one:
                return False
        i = j
    return True


def _segments(order: Order, rows: Sequence[Sequence[Any]]) -> tuple[tuple[Any, ...], ...]:
    """Where the things stand: for each stretch how many others are before it, then (member, row, length) of what is in it."""
    place = {key: (k, r) for r, row in enumerate(rows) for k, key in enumerate(row)}
    found: list[list[Any]] = []
    before, inside = 0, False
    for key in order:
        where = place.get(key)
        if where is None:
            before, inside = before + 1, False
            continue
        if not inside:
            found.append([before])
            inside = True
        last = found[-1][-1]
        if isinstance(last, list) and (last[0], last[1] + last[2]) == where:
            last[2] += 1
        else:
            found[-1].append([*where, 1])
    return tuple((one[0], *map(tuple, one[1:])) for one in found)


def spread(
    listed: Sequence[Any],
    of: Callable[[Any], Any],
    count: Callable[[Any], int],
    make: Callable[[Any, Any, int], Any],
    told: Callable[[Any], Sequence[Any] | None],
) -> Iterator[Any]:
    """A list with the things of templates made for each member.

    `of` says which repeat a thing is a template in, `count` how many members that has, `make` makes one for an index, `told` is
    what `told_order` gave; where that are segments there is only one repeat.
    """
    owners = [of(thing) for thing in listed]
    segments = next((found for owner in owners if owner is not None and (found := told(owner))), None)
    if segments is not None:
        yield from _placed(listed, owners, make, segments)
        return
    positions = positions_of(thing for thing, owner in zip(listed, owners, strict=True) if owner is not None)
    stretch: list[Any] = []
    current: Any = None
    for thing, owner in zip((*listed, None), (*owners, None), strict=True):
        if stretch and (owner is not current or (told(current) is None and breaks(stretch[-1], thing, positions))):
            yield from [make(current, one, k) for k in range(count(current)) for one in stretch]
            stretch = []
        current = owner
        if owner is not None:
            stretch.append(thing)
        elif thing is not None:
            yield thing


def _placed(
    listed: Sequence[Any], owners: Sequence[Any], make: Callable[[Any, Any, int], Any], told: Sequence[Any]
) -> Iterator[Any]:
    template = [(owner, thing) for thing, owner in zip(listed, owners, strict=True) if owner is not None]
    others = [thing for thing, owner in zip(listed, owners, strict=True) if owner is None]
    done = 0
    for before, *pieces in told:
        yield from others[done:before]
        done = before
        for k, row, length in pieces:
            yield from [make(owner, one, k) for owner, one in template[row : row + length]]
    yield from others[done:]
