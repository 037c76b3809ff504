"""One repeat folded: members that lie on one another become a plate with one template in it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from netfig.graph.plates_pack import packed
from netfig.graph.repeats_align import Unlike
from netfig.graph.repeats_names import family_word
from netfig.graph.repeats_order import told_order
from netfig.graph.repeats_place import EACH, TEMPLATE, Placer
from netfig.graph.repeats_state import Node
from netfig.graph.repeats_template import Template
from netfig.graph.types import Affine, Axis, Dim, Note, Ref, Scope, Value

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

    from netfig.graph.repeats_align import Alignment
    from netfig.graph.repeats_state import State

NOTE: Final = "members"
"""Key of the note on a plate that has what its template does not tell about the members."""
_SIZES: Final = ("type", "extent", "table")
"""Fields that the template has to tell: what is counted, it counts by them."""
_PLAIN: Final = ("attributes", "data", "table")
"""Fields with plain numbers, of which Python calls some equal that are written differently."""


class Fold(Template):
    """Folds one repeat in a `State`: `prepare`, then `apply`; where `prepare` raises `Unlike`, nothing is changed."""

    def __init__(self, state: State, same: Alignment, taken: Collection[str]) -> None:
        super().__init__(state, same, taken)
        self.told_notes: list[int] = []

    def prepare(self) -> None:
        """Make the template, and note what it does not tell."""
        state, count = self.state, self.count
        members = tuple([tuple([node.id for node in member.nodes]) for member in self.members])
        first = self.members[0].nodes[0]
        assert first.parent is not None
        otherwise = "step" if first.is_op else "block"
        word = family_word(first.id if first.is_op else state.scopes[first.id].path or first.id, otherwise)
        axis = Axis(self.axis, word, Dim(count), 0, members, self.table.written())
        stored = [self.value(row, id) for row, id in zip(self.same.families, self.own, strict=True)]
        rows = list(zip(*[list(m.made) for m in self.members], strict=True))
        made = [self.value(row, id) for row, id in zip(rows, self.made, strict=True)]
        entries = [self.entry(number) for number in range(len(self.entries))]
        inputs = tuple(dict.fromkeys([*self.entries, *[str(i) for word, i in self.same.use.values() if word == "same"]]))
        inputs = tuple(one for one in inputs if one in self.entries or state.values[one].kind not in ("parameter", "buffer"))
        exits = self.exits = self._exits(rows)
        outputs = tuple(dict.fromkeys(self.made[position] for _, _, position in exits))
        plate = Scope(
            self.plate, "plate", first.parent.id, "", "", 0, self.axis, inputs, outputs, (), ((TEMPLATE, tuple(self.tops)),)
        )
        placer = self.placer = Placer(axis, plate, self.untold, entries)
        placer.know("value", placer.values, [*self.own, *self.made])
        placer.know("node", placer.nodes, self.nodes.values())
        placer.know("axis", placer.axes, self.axes.values())
        self.new_axis, self.new_plate, self.new_entries = axis, plate, entries
        self.new: dict[str, list[tuple[Sequence[str], Any]]] = {
            "values": self._in_order("values", [*zip(self.same.families, stored, strict=True), *zip(rows, made, strict=True)]),
            "ops": [(row, self.op(row)) for row in zip(*[m.ops for m in self.members], strict=True)],
            "scopes": [(row, self.scope(row)) for row in self.scope_rows()],
            "axes": [(row, self.inner_axis(row)) for row in self.axis_rows()],
        }
        makers = {"values": placer.value, "ops": placer.op, "scopes": placer.scope, "axes": placer.inner_axis}
        for name, things in self.new.items():
            known = getattr(state, name)
            for row, template in things:
                self._tell(name[:-1] if name != "axes" else "axis", template, [known[id] for id in row], makers[name])
        for name, things in self.new.items():
            self._tell_order(name, [row for row, _ in things], [thing for _, thing in things])
        self._notes()

    def _in_order(self, name: str, things: list[Any]) -> list[Any]:
        rank = self.state.orders[name].rank
        return sorted(things, key=lambda one: rank[one[0][0]])

    def _exits(self, rows: Sequence[Sequence[str]]) -> list[tuple[str, int, int]]:
        """What is read outside: id, member, position."""
        return [(id, k, i) for i, row in enumerate(rows) for k, id in enumerate(row) if self.same.outside(id)]

    def _tell(self, kind: str, template: Any, real: Sequence[Any], make: Any) -> None:
        """Note the fields that do not come out of the template."""
        unlike: set[str] = set()
        for k, thing in enumerate(real):
            made = make(template, k)
            if made != thing or any(not equal(getattr(made, f), getattr(thing, f)) for f in _PLAIN if hasattr(made, f)):
                unlike.update(f for f in made.__match_args__ if not equal(getattr(made, f), getattr(thing, f)))
        if "id" in unlike:
            raise Unlike(f"the id {template.id!r} does not tell those of the members")
        if not unlike.isdisjoint(_SIZES):
            raise Unlike(f"the sizes of {template.id!r} differ in a way that no table tells")
        for name in sorted(unlike):
            self.untold.fields.setdefault((kind, template.id), {})[name] = tuple([getattr(thing, name) for thing in real])

    def _tell_order(self, name: str, rows: Sequence[Sequence[Any]], things: Sequence[Any]) -> None:
        told = told_order(self.state.orders[name], rows, things)
        if told is not None:
            if name in ("ops", "scopes"):
                raise Unlike(f"their {name} do not follow each other")
            self.untold.orders[name] = told

    # ---- notes -----------------------------------------------------------------------------------------------------------

    def _notes(self) -> None:
        """One note for those of all members; those that only some have are told. Changes the list of notes: the last step."""
        state, orders = self.state, self.state.orders["notes"]
        self.note_rows: list[tuple[tuple[int, ...], Note]] = []
        rows = list({thing.id: (row, thing.id) for things in self.new.values() for row, thing in things}.values())
        for row, template in rows:
            listed = [self._keyed(orders.sorted(state.notes_on.get(id, ()))) for id in row]
            if not any(listed):
                continue
            for key in list(listed[0]):
                if all(key in one for one in listed):
                    numbers = tuple([one.pop(key) for one in listed])
                    self.note_rows.append((numbers, self._note([state.notes[n] for n in numbers], template)))
            self.told_notes += [number for one in listed for number in one.values()]
        if self.told_notes:
            self._tell_notes()
        self.note_rows.sort(key=lambda one: orders.rank[one[0][0]])
        told = told_order(orders, [row for row, _ in self.note_rows], [note for _, note in self.note_rows])
        if told is not None:
            self.untold.orders["notes"] = told

    def _keyed(self, numbers: Sequence[int]) -> dict[tuple[object, ...], int]:
        """Notes about one thing by what they are called; of several that are called the same, by which of them."""
        found: dict[tuple[object, ...], int] = {}
        for number in numbers:
            note = self.state.notes[number]
            key: tuple[object, ...] = (note.key, note.unit, note.author)
            while key in found:
                key = (*key, "again")
            found[key] = number
        return found

    def _tell_notes(self) -> None:
        mine, before, found = set(self.told_notes), 0, []
        order = self.state.orders["notes"]
        for number in list(order):
            if number not in mine:
                before += 1
                continue
            found.append((before, packed(self.state.notes.pop(number))))
            order.remove(number)
        self.untold.notes = tuple(found)

    def _note(self, notes: Sequence[Note], subject: str) -> Note:
        first = notes[0]
        text = self.texts(first.value)
        made = Note(subject, first.key, text, first.unit, first.author)
        if all(equal(self.placer.note(made, note.subject, k), note) for k, note in enumerate(notes)):
            return made
        each = (self.axis, tuple([note.value for note in notes]))
        made = Note(subject, first.key.removesuffix(EACH) + EACH, each, first.unit, first.author)
        if any(not equal(self.placer.note(made, note.subject, k), note) for k, note in enumerate(notes)):
            raise Unlike(f"the note {first.key!r} on {first.subject!r} cannot be told")
        return made

    # ---- into the state ----------------------------------------------------------------------------------------------------

    def apply(self) -> Node:
        """Put the plate in the place of the members."""
        state = self.state
        self._outside_lists()
        self._put_notes()
        exits = {id: Ref(self.made[position], (), ((self.axis, Affine((), k)),)) for id, k, position in self.exits}
        first_scope = state.orders["scopes"]
        plate_before = self.members[0].scopes[0] if self.members[0].scopes else None
        parent = self.new_plate.parent
        assert parent is not None
        if plate_before is None:
            plate_before = first_scope.next[parent]
        if plate_before is None:
            first_scope.append(self.plate)
        else:
            first_scope.insert(self.plate, plate_before)
        for name, things in self.new.items():
            self._put(name, things, exits)
        state.scopes[self.plate] = self.new_plate
        state.axes[self.axis] = self.new_axis
        state.orders["axes"].append(self.axis)
        for entry in self.new_entries:
            self._add_value(entry)
        told = self.untold.attribute()
        if told:
            state.add_note(Note(self.plate, NOTE, told, author="netfig"))
        return self._plate_node(exits)

    def _put(self, name: str, things: Sequence[tuple[Sequence[str], Any]], exits: Mapping[str, Ref]) -> None:
        """Put the things of the template in the place of those of the first member, and take the others out."""
        state, order = self.state, self.state.orders[name]
        known = getattr(state, name)
        handed_out = []
        readers: dict[str, Callable[[Any], None]] = {
            "values": state.read_by_value,
            "ops": state.read_by_op,
            "scopes": state.read_by_scope,
        }
        read = readers.get(name)
        for row, template in things:
            order.exchange(row[0], template.id)
            for k, id in enumerate(row):
                old = known.pop(id)
                if k:
                    order.remove(id)
                if id in exits:
                    handed_out.append(replace(old, feeds=(exits[id],), data=None, initial=(), final=()))
            known[template.id] = template
            if read is not None:
                read(template)
        for value in handed_out:
            self._add_value(value)

    def _add_value(self, value: Value) -> None:
        self.state.values[value.id] = value
        self.state.orders["values"].append(value.id)
        self.state.read_by_value(value)

    def _outside_lists(self) -> None:
        """Scopes outside that own stored values of the members own the one that stands for them."""
        state = self.state
        own = {id: template for row, template in zip(self.same.families, self.own, strict=True) for id in row}
        scopes = {id for one in own for word, id in self.same.outside(one) if word == "owner"}
        for id in state.orders["scopes"].sorted(scopes):
            scope = state.scopes[id]
            self.untold.outside[id, "owns"] = scope.owns
            owns = tuple(dict.fromkeys(own.get(one, one) for one in scope.owns))
            state.scopes[id] = replace(scope, owns=owns)
            state.read_by_scope(state.scopes[id])

    def _put_notes(self) -> None:
        state, order = self.state, self.state.orders["notes"]
        for id in (id for things in self.new.values() for row, _ in things for id in row):
            state.notes_on.pop(id, None)
        for numbers, note in self.note_rows:
            for number in numbers[1:]:
                order.remove(number)
                del state.notes[number]
            state.add_note(note, numbers[0])

    def _plate_node(self, exits: Iterable[str]) -> Node:
        first = self.members[0]
        parent = first.nodes[0].parent
        assert parent is not None
        plate = Node(self.plate, False, parent)
        plate.extras = [*self.entries, *exits]
        where = parent.children.index(first.nodes[0])
        width = sum(len(member.nodes) for member in self.members)
        parent.children[where : where + width] = [plate]
        plate.children = list(first.nodes)
        for top in plate.children:
            top.parent = plate
            for node in top.inside():
                node.extras = [self._extra(id) for id in node.extras]
                node.id = self.nodes[node.id]
        return plate

    def _extra(self, id: str) -> str:
        return self.made[self.members[0].made[id]]


def equal(one: Any, other: Any) -> bool:
    """Whether two attributes are the same, 1 told from 1.0 and from ``True``."""
    return bool(one == other) and repr(one) == repr(other)
