"""The members of a repeat, made from the template: what a thing in a plate over members that are alike is at one index."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Any, TypeVar

from netfig.graph.plates_pack import packed, unpacked
from netfig.graph.repeats_names import Prefixes, multiple
from netfig.graph.types import Axis, Dim, Note, Op, Ref, Scope, Slot, TensorType, Value
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.graph.types import Attribute, Attributes

T = TypeVar("T")
EACH = ".each"
"""Ends the key of a note that is not the same for all members: its value is (axis, value at each index)."""


TEMPLATE = "template"
"""Attribute of a plate over members that are alike: the ids of the scopes and ops that stand for them directly in it."""


def template_names(plate: Scope) -> tuple[str, ...]:
    """What stands directly in a plate over members that are alike, in the order of `Axis.members`."""
    found = plate.attribute(TEMPLATE)
    return tuple(map(str, found)) if isinstance(found, tuple) else ()


def is_entry(value: Value, axis: str) -> bool:
    """Whether a value hands something into the plate over an axis."""
    return bool(value.feeds) and value.axes[-1:] == (axis,) and not value.feeds[0].at


def is_exit(value: Value, axis: str) -> bool:
    """Whether a value is what one member makes, for those outside the plate over an axis."""
    return bool(value.feeds) and any(along == axis for along, _ in value.feeds[0].at)


@dataclass
class Untold:
    """What the template does not tell about the members.

    `ids`: by kind of thing and id in the template, the ids at each index that do not follow from the names of the members.
    `fields`: by kind and id, the fields that do not follow, each with what it is at each index. `orders`: how the things of one
    list stand among the others, where they do not follow each other member by member (see `repeats_order.told_order`).
    `outside`: lists of scopes outside, by scope and field. `notes`: those that only some members have, each with how many notes
    are before it.
    """

    ids: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    fields: dict[tuple[str, str], dict[str, tuple[Any, ...]]] = field(default_factory=dict)
    orders: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    outside: dict[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    notes: tuple[Any, ...] = ()

    def attribute(self) -> tuple[Any, ...]:
        """All of it as an attribute, for a note; ``()`` when nothing is untold."""
        found: list[Any] = [("id", kind, id, *ids) for (kind, id), ids in self.ids.items()]
        for (kind, id), fields in self.fields.items():
            found += [("field", kind, id, name, *map(packed, column)) for name, column in fields.items()]
        found += [("order", name, *segments) for name, segments in self.orders.items()]
        found += [("outside", scope, name, *ids) for (scope, name), ids in self.outside.items()]
        found += [("note", *one) for one in self.notes]
        return tuple(found)

    @classmethod
    def read(cls, entries: Iterable[Any]) -> Untold:
        """What `attribute` wrote. Raises `ValueError` or `TypeError` on anything else."""
        told, notes = cls(), []
        for word, *more in entries:
            if word == "id":
                told.ids[more[0], more[1]] = tuple(more[2:])
            elif word == "field":
                told.fields.setdefault((more[0], more[1]), {})[more[2]] = tuple(map(unpacked, more[3:]))
            elif word == "order":
                told.orders[more[0]] = tuple(more[1:])
            elif word == "outside":
                told.outside[more[0], more[1]] = tuple(more[2:])
            elif word == "note":
                notes.append(tuple(more))
            else:
                raise ValueError(f"{word!r} is nothing a repeat may say")
        told.notes = tuple(notes)
        return told


class Placer:
    """Makes the things of a plate at an index of its axis."""

    def __init__(self, axis: Axis, plate: Scope, untold: Untold, entries: Iterable[Value]) -> None:
        self.axis, self.plate, self.untold = axis, plate, untold
        self.count = len(axis.members)
        tops = template_names(plate)
        self.names = Prefixes({template: [names[i] for names in axis.members] for i, template in enumerate(tops)})
        self.entries = {entry.id: entry.feeds for entry in entries}
        self.columns = {name: column for name, column in axis.table if isinstance(column, tuple)}
        self.values: dict[str, list[str]] = {}
        self.nodes: dict[str, list[str]] = {}
        self.axes: dict[str, list[str]] = {}

    def know(self, kind: str, known: dict[str, list[str]], ids: Iterable[str]) -> None:
        """Work out the ids that things of the template have at each index."""
        told = self.untold.ids
        every = range(self.count)
        for id in ids:
            known[id] = list(told.get((kind, id), ())) or [self.names.at(id, k) for k in every]

    # ---- uses ----------------------------------------------------------------------------------------------------------

    def value_at(self, id: str, k: int) -> str:
        """A value as the member at an index sees it."""
        feeds = self.entries.get(id)
        if feeds is not None:
            feed = feeds[min(k, len(feeds) - 1)]
            distance = next((d for along, d in feed.offset if along == self.axis.id), 0)
            return self.values[feed.value][k + distance] if distance else feed.value
        found = self.values.get(id)
        return id if found is None else found[k]

    def values_at(self, ids: tuple[str, ...], k: int) -> tuple[str, ...]:
        """A list of values."""
        return tuple([self.value_at(id, k) for id in ids])

    def node_at(self, id: str | None, k: int) -> str | None:
        """A scope or op; the plate is what it stands in."""
        if id == self.plate.id:
            return self.plate.parent
        found = self.nodes.get(id or "")
        return id if found is None else found[k]

    def axis_at(self, id: str, k: int) -> str:
        """An axis inside the plate."""
        found = self.axes.get(id)
        return id if found is None else found[k]

    # ---- sizes and settings ----------------------------------------------------------------------------------------------

    def attribute_at(self, value: Attribute, k: int) -> Attribute:
        """An attribute with what the table says in place of its names."""
        if not self.columns:
            return value
        if isinstance(value, tuple):
            return tuple([self.attribute_at(item, k) for item in value])
        return self._named(value, k) if isinstance(value, str) else value

    def attributes_at(self, attributes: Attributes, k: int) -> Attributes:
        """Attributes with what the table says."""
        if not self.columns:
            return attributes
        return tuple([(key, self.attribute_at(value, k)) for key, value in attributes])

    def _named(self, text: str, k: int) -> Attribute:
        found = multiple(text)
        column = self.columns.get(found[1]) if found is not None else None
        if found is None or column is None:
            return text
        entry = column[k]
        times, _, over = found
        return entry if times == over == 1 else entry * times // over if isinstance(entry, int) else text

    def dim_at(self, dim: Dim, k: int) -> Dim:
        """A size."""
        if dim.size is not None or dim.name is None:
            return dim
        found = self._named(dim.name, k)
        return Dim(found) if isinstance(found, int) else Dim(None, found) if isinstance(found, str) else dim

    def type_at(self, type: TensorType, k: int) -> TensorType:
        """A type."""
        if not self.columns or type.shape is None or not any(d.size is None and d.name for d in type.shape):
            return type
        return TensorType(type.dtype, tuple([self.dim_at(dim, k) for dim in type.shape]))

    # ---- things ----------------------------------------------------------------------------------------------------------

    def op(self, op: Op, k: int) -> Op:
        """An op at an index."""
        value_at = self.value_at
        slots = tuple([Slot(s.name, tuple([self._ref(ref, k) for ref in s.refs])) for s in op.inputs])
        outputs = tuple([value_at(out, k) for out in op.outputs])
        writes = tuple([self.names.at(name, k) for name in op.writes]) if op.writes else ()
        id, scope = self.nodes[op.id][k], self.node_at(op.scope, k) or ""
        made = Op(id, op.kind, slots, outputs, scope, self.attributes_at(op.attributes, k), op.phase, writes)
        return self.told("op", op.id, made, k)

    def _ref(self, ref: Ref, k: int) -> Ref:
        value = self.value_at(ref.value, k)
        if not (ref.offset or ref.at):
            return Ref(value)
        offset = tuple([(self.axis_at(axis, k), distance) for axis, distance in ref.offset])
        return Ref(value, offset, tuple([(self.axis_at(axis, k), index) for axis, index in ref.at]))

    def scope(self, scope: Scope, k: int) -> Scope:
        """A scope at an index."""
        made = Scope(
            self.nodes[scope.id][k],
            scope.kind,
            self.node_at(scope.parent, k),
            scope.type_name,
            self.names.at(scope.path, k) if scope.path else "",
            scope.call,
            None if scope.axis is None else self.axis_at(scope.axis, k),
            self.values_at(scope.inputs, k),
            self.values_at(scope.outputs, k),
            self.values_at(scope.owns, k),
            self._plate_attributes(scope.attributes, k) if scope.kind == "plate" else self.attributes_at(scope.attributes, k),
        )
        return self.told("scope", scope.id, made, k)

    def _plate_attributes(self, attributes: Attributes, k: int) -> Attributes:
        return tuple([(key, self.texts_at(value, k) if key == TEMPLATE else value) for key, value in attributes])

    def value(self, value: Value, k: int) -> Value:
        """A value at an index."""
        at, axes = self.names.at, value.axes
        made = Value(
            self.values[value.id][k],
            value.kind,
            self.type_at(value.type, k),
            value.symbol,
            tuple([self.axis_at(axis, k) for axis in axes if axis != self.axis.id]) if len(axes) > 1 else (),
            tuple([at(name, k) for name in value.names]) if value.names else (),
            None if value.storage is None else at(value.storage, k),
            None if value.grad_of is None else self.value_at(value.grad_of, k),
            value.initial,
            value.data,
            None if value.origin is None else at(value.origin, k),
            value.final,
            tuple([self._ref(feed, k) for feed in value.feeds]) if value.feeds else (),
        )
        return self.told("value", value.id, made, k)

    def inner_axis(self, axis: Axis, k: int) -> Axis:
        """An axis of a plate inside at an index."""
        made = Axis(
            self.axes[axis.id][k],
            axis.name,
            self.dim_at(axis.extent, k),
            axis.start,
            tuple([tuple([self.names.at(name, k) for name in names]) for names in axis.members]),
            self.attributes_at(axis.table, k),
        )
        return self.told("axis", axis.id, made, k)

    def note(self, note: Note, subject: str, k: int) -> Note:
        """A note about a thing at an index."""
        if note.key.endswith(EACH) and isinstance(note.value, tuple) and note.value[:1] == (self.axis.id,):
            value = note.value[1][k]  # type: ignore[index]
            inner = isinstance(value, tuple) and len(value) == 2 and value[0] in self._inner_ids(k)
            return Note(subject, note.key if inner else note.key.removesuffix(EACH), value, note.unit, note.author)
        return Note(subject, note.key, self.texts_at(note.value, k), note.unit, note.author)

    def _inner_ids(self, k: int) -> set[str]:
        return {ids[k] for ids in self.axes.values()}

    def texts_at(self, value: Attribute, k: int) -> Attribute:
        """What a note says of a member: texts that begin like a name of the template are those of the member."""
        if isinstance(value, tuple):
            return tuple([self.texts_at(item, k) for item in value])
        return self.names.at(value, k) if isinstance(value, str) else value

    def told(self, kind: str, id: str, made: T, k: int) -> T:
        """With the fields that only this member has so."""
        fields = self.untold.fields.get((kind, id))
        return made if fields is None else replace(made, **{name: column[k] for name, column in fields.items()})  # type: ignore[type-var]
