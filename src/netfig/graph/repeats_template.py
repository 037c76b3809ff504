"""The template of a repeat: one scope, op, value for those of all members, with names of its own and a table of what differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netfig.graph.repeats_names import PLATE, Prefixes, Taken, free, together
from netfig.graph.repeats_place import TEMPLATE, Untold
from netfig.graph.repeats_table import Table
from netfig.graph.types import Axis, Op, Ref, Scope, Slot, Value

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from netfig.graph.repeats_align import Alignment
    from netfig.graph.repeats_state import State


class Template:
    """Makes the things of the template; what the names do not tell goes to `untold`."""

    def __init__(self, state: State, same: Alignment, taken: Collection[str]) -> None:
        self.state, self.same, self.members = state, same, same.members
        self.count = len(self.members)
        self.untold = Untold()
        self._table(taken)
        self._name()

    # ---- names -----------------------------------------------------------------------------------------------------------

    def _name(self) -> None:
        state = self.state
        tops = [[node.id for node in member.nodes] for member in self.members]
        taken = Taken(state.ops, state.scopes)
        self.tops: list[str] = []
        for row in zip(*tops, strict=True):
            self.tops.append(free(together(row[0], row[-1]), taken))
            taken.add(self.tops[-1])
        columns = {template: [names[i] for names in tops] for i, template in enumerate(self.tops)}
        self.names = Prefixes(columns)
        self.axis = free(self.tops[0], state.axes)
        self.plate = free(PLATE + self.axis, taken)
        taken.add(self.plate)
        self.nodes: dict[str, str] = {}  # id in the first member → id in the template
        for rows, kind in ((zip(*[m.ops for m in self.members], strict=True), "op"), (self.scope_rows(), "scope")):
            for row in rows:
                self.nodes[row[0]] = self._named(row, kind, taken)
        axes = Taken(state.axes, {self.axis})
        self.axes = {row[0]: self._named(row, "axis", axes) for row in self.axis_rows()}
        values = Taken(state.values)
        self.made = [self._named(row, "value", values) for row in zip(*[list(m.made) for m in self.members], strict=True)]
        self.own = [self._named(row, "value", values) for row in self.same.families]
        self.entries = []
        for number in range(len(self.same.entries)):
            self.entries.append(free(f"{self.axis}.in{number or ''}", values))
            values.add(self.entries[-1])

    def _named(self, row: Sequence[str], kind: str, taken: Taken) -> str:
        """The id in the template; one that does not follow from the names of the members is told."""
        found = self.names.template(row[0])
        if found == row[0]:
            found = together(row[0], row[-1])
        if found in taken and not (kind in ("op", "scope") and found in self.tops):
            found = free(found, taken)
        taken.add(found)
        if any(self.names.at(found, k) != id for k, id in enumerate(row)):
            self.untold.ids[kind if kind == "value" or kind == "axis" else "node", found] = tuple(row)
        return found

    def scope_rows(self) -> Iterable[tuple[str, ...]]:
        """The ids of each scope in all members."""
        return zip(*[member.scopes for member in self.members], strict=True)

    def axis_rows(self) -> Iterable[tuple[str, ...]]:
        """The ids of each axis in all members."""
        return zip(*[member.axes for member in self.members], strict=True)

    # ---- what differs ----------------------------------------------------------------------------------------------------

    def _table(self, taken: Collection[str]) -> None:
        state = self.state
        inner = {name for member in self.members for axis in member.axes for name, _ in state.axes[axis].table}
        table = self.table = Table({*taken, *inner}, self.count)
        values = state.values
        rows = list(zip(*[m.made for m in self.members], strict=True))
        for row in rows:
            table.see_type([values[v].type for v in row])
        leaving = {entry.position for entry in self.same.entries if entry.back}
        passed_on = [[values[v].type for v in rows[position]] for position in sorted(leaving)]
        for entry in self.same.entries:
            table.see_entry([values[v].type for v in entry.column], passed_on)
        for row in self.same.families:
            table.see_type([values[v].type for v in row], stored=True)
        for row in self.scope_rows():
            if state.scopes[row[0]].kind != "plate":
                table.see_attributes([state.scopes[s].attributes for s in row])
        for row in zip(*[m.ops for m in self.members], strict=True):
            table.see_attributes([state.ops[o].attributes for o in row])
        for row in self.axis_rows():
            table.see_extent([state.axes[a].extent for a in row])
            table.see_attributes([state.axes[a].table for a in row])
        table.name_all()

    # ---- the template ----------------------------------------------------------------------------------------------------

    def use(self, column: tuple[str, ...]) -> str:
        """The id in the template for a column of uses."""
        word, what = self.same.resolve(column)
        if word == "same":
            return str(what)
        listed = self.made if word == "made" else self.own if word == "own" else self.entries
        return listed[int(what)]

    def _uses(self, rows: Sequence[Sequence[str]]) -> tuple[str, ...]:
        return tuple([self.use(column) for column in zip(*rows, strict=True)])

    def op(self, row: Sequence[str]) -> Op:
        """The template of an op."""
        ops = [self.state.ops[id] for id in row]
        first = ops[0]
        slots = []
        for i, slot in enumerate(first.inputs):
            columns = zip(*[[ref.value for ref in op.inputs[i].refs] for op in ops], strict=True)
            slots.append(Slot(slot.name, tuple([Ref(self.use(column)) for column in columns])))
        outputs = self._uses([op.outputs for op in ops])
        attributes = self.table.attributes([op.attributes for op in ops])
        writes = tuple([self.names.template(name) for name in first.writes])
        id, scope = self.nodes[first.id], self.nodes.get(first.scope, self.plate)
        return Op(id, first.kind, tuple(slots), outputs, scope, attributes, first.phase, writes)

    def scope(self, row: Sequence[str]) -> Scope:
        """The template of a scope."""
        scopes = [self.state.scopes[id] for id in row]
        first = scopes[0]
        inputs, outputs = (self._uses([getattr(scope, name) for scope in scopes]) for name in ("inputs", "outputs"))
        alike = all(len(scope.owns) == len(first.owns) for scope in scopes)
        owns = self._uses([scope.owns for scope in scopes]) if alike else first.owns
        if first.kind == "plate":  # names of its own template
            attributes = tuple([(k, self.texts(v) if k == TEMPLATE else v) for k, v in first.attributes])
        else:
            attributes = self.table.attributes([scope.attributes for scope in scopes])
        path = self.names.template(first.path)
        if path == first.path and len({scope.path for scope in scopes}) > 1:
            path = together(first.path, scopes[-1].path)
        axis = None if first.axis is None else self.axes[first.axis]
        parent = self.nodes.get(first.parent or "", self.plate)
        return Scope(
            self.nodes[first.id], first.kind, parent, first.type_name, path, first.call, axis, inputs, outputs, owns, attributes
        )

    def value(self, row: Sequence[str], id: str) -> Value:
        """The template of a value."""
        values = [self.state.values[one] for one in row]
        first, template = values[0], self.names.template
        feeds = []
        for i, feed in enumerate(first.feeds):
            use = self.use(tuple([value.feeds[i].value for value in values]))
            offset = tuple([(self.axes[axis], distance) for axis, distance in feed.offset])
            feeds.append(Ref(use, offset, tuple([(self.axes[axis], index) for axis, index in feed.at])))
        return Value(
            id,
            first.kind,
            self.table.type([value.type for value in values]),
            first.symbol,
            (self.axis, *[self.axes[axis] for axis in first.axes]),
            tuple([template(name) for name in first.names]),
            None if first.storage is None else template(first.storage),
            None if first.grad_of is None else self.use(tuple([str(value.grad_of) for value in values])),
            first.initial,
            first.data,
            None if first.origin is None else template(first.origin),
            first.final,
            tuple(feeds),
        )

    def inner_axis(self, row: Sequence[str]) -> Axis:
        """The template of an axis of a plate inside."""
        axes = [self.state.axes[id] for id in row]
        first = axes[0]
        members = tuple([tuple(map(self.names.template, names)) for names in first.members])
        table = self.table.attributes([axis.table for axis in axes])
        return Axis(self.axes[first.id], first.name, self.table.extent([a.extent for a in axes]), first.start, members, table)

    def texts(self, value: Any) -> Any:
        """What is said of the first member, said of the template."""
        if isinstance(value, tuple):
            return tuple(map(self.texts, value))
        return self.names.template(value) if isinstance(value, str) else value

    def entry(self, number: int) -> Value:
        """A value that is handed in."""
        entry = self.same.entries[number]
        values = [self.state.values[id] for id in entry.column]
        type, storage = self.table.type([value.type for value in values]), values[0].storage
        feeds = entry.feeds(self.axis, self.made)
        return Value(self.entries[number], "computed", type, axes=(self.axis,), storage=storage, feeds=feeds)
