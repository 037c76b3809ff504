"""Reading a folded graph: how often something is there, what it is for one member, what it adds up to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, overload

from netfig.errors import InvalidInput
from netfig.graph.repeats_names import multiple
from netfig.graph.repeats_place import EACH
from netfig.graph.types import Dim, TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netfig.graph.types import Attribute, Axis, Graph, Value

MOST_MEMBERS = 1_000_000
"""Members of a repeat that are still counted one by one."""
Place = dict[str, int]
"""An index for each axis."""
Known = dict[str, Any]
"""What the names of the tables are at a place."""


def is_repeat(axis: Axis) -> bool:
    """Whether an axis is over members that are alike (and not over time)."""
    return bool(axis.members)


def places(graph: Graph, axes: Sequence[str]) -> Iterator[tuple[Place, Known]]:
    """Every place along some axes, the outermost first, with what the names of their tables are there."""
    by_id = {axis.id: axis for axis in graph.axes}
    yield from _places([by_id[id] for id in axes], {}, {})


def _places(axes: Sequence[Axis], place: Place, known: Known) -> Iterator[tuple[Place, Known]]:
    if not axes:
        yield place, known
        return
    axis = axes[0]
    columns = [(name, _resolved(column, known)) for name, column in axis.table]
    for k in range(_count(axis, known)):
        here = {name: _resolved(column[k], known) for name, column in columns if isinstance(column, tuple) and k < len(column)}
        yield from _places(axes[1:], {**place, axis.id: k}, {**known, **here})


def _count(axis: Axis, known: Known) -> int:
    found = axis.extent.size if axis.extent.size is not None else known.get(axis.extent.name or "")
    if isinstance(found, int) and found > MOST_MEMBERS:
        raise InvalidInput(f"the axis {axis.id!r} has {found:,} members", hint=f"the most is {MOST_MEMBERS:,}")
    return found if isinstance(found, int) else len(axis.members)


def _resolved(value: Any, known: Known) -> Any:
    """A word of a table by what it is; anything else stays."""
    if not isinstance(value, str):
        return value
    parts = multiple(value)
    if parts is None or parts[1] not in known:
        return value
    times, name, over = parts
    found = known[name]
    return found if times == over == 1 else found * times // over if isinstance(found, int) else value


@overload
def at(thing: TensorType, known: Known) -> TensorType: ...
@overload
def at(thing: Dim, known: Known) -> Dim: ...
@overload
def at(thing: Attribute, known: Known) -> Attribute: ...
def at(thing: Any, known: Known) -> Any:
    """A type, a size or an attribute of the template as it is at a place (see `places`)."""
    if isinstance(thing, TensorType):
        return thing if thing.shape is None else TensorType(thing.dtype, tuple(at(dim, known) for dim in thing.shape))
    if isinstance(thing, Dim):
        found = _resolved(thing.name, known) if thing.size is None else None
        return Dim(found) if isinstance(found, int) else thing
    if isinstance(thing, tuple):
        return tuple(at(item, known) for item in thing)
    return _resolved(thing, known)


def axes_of(graph: Graph, id: str) -> tuple[str, ...]:
    """The axes of repeats that a scope, an op or a value is one of many along, the outermost first."""
    if id in graph.value_by_id:
        axes = graph.value_by_id[id].axes
    else:
        scope = id if id in graph.scope_by_id else graph.op_by_id[id].scope
        axes = graph.plates_around[scope]
        if id in graph.scope_by_id and graph.scope_by_id[id].kind == "plate":
            axes = axes[:-1]
    repeats = {axis.id for axis in graph.axes if axis.members}
    return tuple(axis for axis in axes if axis in repeats)


def times(graph: Graph, id: str) -> int:
    """How many real ones a scope, an op or a value of a folded graph stands for; of a plate, how many plates."""
    return sum(1 for _ in places(graph, axes_of(graph, id)))


def counts(graph: Graph, axis: Axis) -> tuple[int, ...]:
    """How many members a repeat has: one number for each place of those around it (ResNet-50: 2, 3, 5, 2)."""
    plate = plate_of(graph, axis)
    return tuple(_count(axis, known) for _, known in places(graph, axes_of(graph, plate)))


def plate_of(graph: Graph, axis: Axis) -> str:
    """The id of the plate over an axis of members."""
    return next(s.id for s in graph.scopes if s.kind == "plate" and s.axis == axis.id)


def op_count(graph: Graph) -> int:
    """Ops of the graph when every repeat is written out."""
    known: dict[tuple[str, ...], int] = {}
    total = 0
    for op in graph.ops:
        axes = axes_of(graph, op.id)
        if axes not in known:
            known[axes] = sum(1 for _ in places(graph, axes))
        total += known[axes]
    return total


def elements(graph: Graph, value: Value) -> int | None:
    """Elements of a value over all its members; ``None`` where a size is not known."""
    repeats = {axis.id: axis for axis in graph.axes if axis.members}
    others = [axis for axis in graph.axes if axis.id in value.axes and axis.id not in repeats]
    total = 0
    for _, known in places(graph, [axis for axis in value.axes if axis in repeats]):
        one = at(value.type, known).numel
        if one is None:
            return None
        total += one
    for axis in others:
        if axis.extent.size is None:
            return None
        total *= axis.extent.size
    return total


def note_at(value: Attribute, place: Mapping[str, int]) -> Attribute:
    """What a note says at a place: the value under ``<key>.each`` is (axis, value at each index)."""
    while isinstance(value, tuple) and len(value) == 2 and value[0] in place and isinstance(value[1], tuple):
        value = value[1][place[str(value[0])]]
    return value


def each(graph: Graph, subject: str, key: str) -> tuple[Attribute, ...]:
    """What a note says of each real one that a thing stands for, in order; ``()`` where nothing is said."""
    notes = graph.notes_on(subject)
    note = notes.get(key) or notes.get(key + EACH)
    if note is None:
        return ()
    if not subject:
        return (note.value,)
    return tuple(note_at(note.value, place) for place, _ in places(graph, axes_of(graph, subject)))


def total(graph: Graph, subject: str, key: str) -> int | None:
    """The sum of a note over all real ones that a thing stands for: parameters, multiply-adds; ``None`` where it is not known."""
    found = each(graph, subject, key)
    numbers = [one for one in found if type(one) is int]
    return sum(numbers) if found and len(numbers) == len(found) else None


def entries(graph: Graph, axis: Axis) -> tuple[Value, ...]:
    """What comes into the plate over an axis of members."""
    return tuple(v for v in graph.values if v.feeds and v.axes[-1:] == (axis.id,) and not v.feeds[0].at)


def is_chain(graph: Graph, axis: Axis) -> bool:
    """Whether each member reads what the one before made; otherwise they are branches."""
    return any(feed.offset for entry in entries(graph, axis) for feed in entry.feeds)


def loops(graph: Graph, value: str) -> bool:
    """Whether a value is handed from member to member."""
    return any(feed.offset for feed in graph.value_by_id[value].feeds)


def sources(graph: Graph, value: str) -> tuple[str, ...]:
    """The values that a value stands for, through everything that is only handed on: those that ops make or that are stored.

    What the member before hands on is left out: it is the same as what the first is handed.
    """
    found: dict[str, None] = {}
    stack = [value]
    seen: set[str] = set()
    while stack:
        one = stack.pop()
        if one in seen:
            continue
        seen.add(one)
        feeds = graph.value_by_id[one].feeds
        if not feeds:
            found[one] = None
        stack += [feed.value for feed in reversed(feeds) if not feed.offset]
    return tuple(found)


def sizes(graph: Graph, axis: Axis) -> tuple[tuple[str, Attribute], ...]:
    """The columns of the table of an axis that are sizes: those in a shape, or of how often something repeats."""
    used = {dim.name for v in graph.values if axis.id in v.axes for dim in v.type.shape or () if dim.size is None and dim.name}
    used |= {one.extent.name for one in graph.axes if one.extent.size is None and one.extent.name}
    named = {parts[1] for text in used if text is not None and (parts := multiple(text))}
    named |= {word for one in graph.axes for _, column in one.table if isinstance(column, tuple) for word in _words(column)}
    return tuple((name, column) for name, column in axis.table if name in named)


def _words(column: tuple[Attribute, ...]) -> Iterator[str]:
    """The names of an outer table that an inner one is written with."""
    for entry in column:
        parts = multiple(entry) if isinstance(entry, str) else None
        if parts is not None:
            yield parts[1]
