"""An unrolled recurrence as boxes in rows and columns and wires between them; what every unrolled figure is made of."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Box, End, Group, Wire
from netfig.mathtext import Run, Text, plain, text_of
from netfig.renderers.recurrence import Dependency, Instance, Recurrence
from netfig.renderers.recurrence_rows import Row, Rows, Unit
from netfig.renderers.recurrence_steps import Column, Steps, Wanted
from netfig.renderers.recurrence_words import Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.figure import Chip
    from netfig.renderers.recurrence import Indices

CLOSED = "layer.cell"  # role of a layer that is drawn closed, in every step
LAG = 3  # steps after a gap that may still read what stands before it


class Sheet:
    """Boxes and wires of an unrolled recurrence; `readings` are values in which a step attends to another sequence."""

    def __init__(
        self, recurrence: Recurrence, wanted: Wanted, above: frozenset[str] = frozenset(), readings: Iterable[str] = ()
    ) -> None:
        self.recurrence = recurrence
        self.graph = recurrence.graph
        self.rows = Rows(recurrence, above)
        self.words = Words(recurrence)
        self.steps = Steps(recurrence, self.rows, wanted)
        recurrence.read_first(max(map(len, self.steps.shown.values()), default=0))
        self.boxes: dict[str, Box] = {}
        self.wires: list[Wire] = []
        self.traces: dict[str, tuple[str, ...]] = {}
        self.readings = frozenset(readings)
        self._fill()

    # --- boxes ----------------------------------------------------------------------------------------------------------------

    def _fill(self) -> None:
        for number, column in enumerate(self.steps.columns):
            if column.kind == "between":
                for k, value in enumerate(column.values):
                    box = self._box(Instance(value), (self.steps.starts[number], self._free_row(value, k)), 1)
                    self.boxes[box.id] = box
            elif column.kind == "step":
                self._step(number, column)
        for target, merged in list(self._targets()):
            self._wires_into(target, merged)
        for column in self.steps.columns:
            if column.kind == "step":
                self._into_layers(column)
        for number, column in enumerate(self.steps.columns):
            if column.kind == "gap":
                self._gap(number, column)

    def _free_row(self, value: str, k: int) -> int:
        return self.rows.level + k if self.recurrence.shown[value] != "input" else k

    def _step(self, number: int, column: Column) -> None:
        rows = self.rows.rows[column.axis]
        first = self.rows.first[column.axis]
        for n, row in enumerate(rows):
            at, span = self.steps.place(number, row)
            if not row.value:
                dots = Box(f"dots {row.unit.values[0]}.{n}[{column.axis}={column.index}]", "ellipsis.upright", (), place=(at, n + first), span=(span, 1), tooltip="layers left out")  # noqa: E501  # fmt: skip
                self.boxes[dots.id] = dots
            elif not row.unit.is_cell:
                box = self._box(self._at(row, column.index), (at, n + first), span)
                self.boxes[box.id] = box
            elif row.value == row.unit.values[0]:
                box = self._cell(row, column, (at, n + first))
                self.boxes[box.id] = box

    def _at(self, row: Row, index: int) -> Instance:
        """The value of a row at a step."""
        axis = self.recurrence.time_of(row.value)
        at = dict(row.layer)
        at[axis or ""] = index
        return Instance(row.value, tuple((a, at[a]) for a in self.graph.value_by_id[row.value].axes))

    def _box(self, instance: Instance, place: tuple[int, int], span: int) -> Box:
        value = self.graph.value_by_id[instance.value]
        initial = self.recurrence.initial_of(instance) if self.recurrence.is_initial(instance) else None
        stands = (initial or instance.value, *(self.ops_of(initial or instance.value)))
        shape = text_of(self.words.shape(value))
        is_initial = self.recurrence.is_initial(instance)
        attends, table = instance.value in self.readings, self.recurrence.looked_up.get(instance.value, "")
        title = plain("Attend") if attends else self.words.table(table) if table else self.words.symbol(instance)
        return Box(
            str(instance),
            "attention.plain" if attends else self.role_of(instance.value),
            (title,),
            marks=("initial",) if is_initial else (),
            place=place,
            span=(span, 1),
            tooltip=f"{text_of(self.words.symbol(instance))}{shape}",
            stands_for=stands,
        )

    def role_of(self, value: str) -> str:
        """How a shown value is painted: what is fed back as the output it is, a row of a table as the layer that looks it up."""
        kind = self.recurrence.shown.get(value, "state")
        if value in self.recurrence.looked_up:
            return CLOSED
        return "output" if value in self.recurrence.fed_back else "state" if kind == "value" else kind

    def is_layer(self, value: str) -> bool:
        """Whether a value's box is the layer that makes it, so that its name stands on the wires."""
        return value in self.readings or value in self.recurrence.looked_up

    def _cell(self, row: Row, column: Column, place: tuple[int, int]) -> Box:
        values = row.unit.values
        ops = tuple(dict.fromkeys(id for v in values for id in (v, *self.ops_of(v))))
        return Box(
            self.cell_id(row.unit, self._at(row, column.index)),
            CLOSED,
            (plain(self.words.cell_of(values[0])),),
            place=place,
            span=(1, len(values)),
            tooltip=f"{self.words.cell_of(values[0])}: {', '.join(values)}",
            stands_for=ops,
        )

    def cell_id(self, unit: Unit, instance: Instance) -> str:
        """The id of the cell that makes a state."""
        return ",".join(unit.values) + str(instance)[len(instance.value) :]

    def ops_of(self, value: str) -> tuple[str, ...]:
        """The ops that make a shown value from other shown ones, with what they read that nothing else shows."""
        if value not in self.traces:
            found: dict[str, None] = {}
            stack = [value]
            while stack:
                op = self.graph.producer.get(stack.pop())
                if op is None or op.id in found:
                    continue
                found[op.id] = None
                for read in op.reads:
                    known = self.graph.value_by_id[read]
                    if known.kind in ("parameter", "buffer", "constant"):
                        found[read] = None
                    elif read not in self.recurrence.shown:
                        stack.append(read)
            self.traces[value] = tuple(found)
        return self.traces[value]

    # --- wires ----------------------------------------------------------------------------------------------------------------

    def _targets(self) -> Iterable[tuple[str, tuple[Instance, ...]]]:
        """Every box that is made from others: its id, and the values in it."""
        for column in self.steps.columns:
            if column.kind == "between":
                yield from ((str(Instance(v)), (Instance(v),)) for v in column.values)
            if column.kind == "step":
                for unit, layer in dict.fromkeys((row.unit, row.layer) for row in self.rows.rows[column.axis] if row.value):
                    instances = tuple(self._at(Row(unit, layer, v), column.index) for v in unit.values)
                    yield (self.cell_id(unit, instances[0]) if unit.is_cell else str(instances[0])), instances

    def merged(self, instances: tuple[Instance, ...]) -> list[Dependency]:
        """What the values of one box are made from, other than one another."""
        found: dict[Instance, dict[tuple[Instance, ...], None]] = {}
        for instance in instances:
            table = self.recurrence.looked_up.get(instance.value)
            for d in self.recurrence.made_from(instance):
                if d.source not in instances:
                    paths = (tuple(w for w in path if w.value != table) for path in d.paths)  # the table is the box itself
                    found.setdefault(d.source, {}).update(dict.fromkeys(paths))
        return [Dependency(source, tuple(paths)) for source, paths in found.items()]

    def _wires_into(self, target: str, instances: tuple[Instance, ...]) -> None:
        for d in self.merged(instances):
            source = self.end_of(d.source)
            if source is None or source.box == target:
                continue
            lane = next((n for n, i in enumerate(instances) if i.value == d.source.value), 0)
            into = End(target, lane=lane if len(instances) > 1 else 0)
            r = self.recurrence
            if instances[0].value in self.readings and r.time_of(d.source.value) != r.time_of(instances[0].value):
                into = dataclasses.replace(into, side="top")  # from lanes that all steps have in common
            self._add(source, into, d, goes_on=d.source.value in {i.value for i in instances})

    def _add(self, source: End, target: End, d: Dependency, *, head: bool = True, goes_on: bool = False) -> None:
        """A wire; that of a state which goes on to its next step past all weights is a highway."""
        chips = self.words.chips(d)
        box = self.boxes[source.box]
        label = self.words.symbol(d.source) if box.span[1] > 1 or self.is_layer(d.source.value) else ()
        between = [w for w in self.wires if (w.source.box, w.source.lane, w.target.box) == (source.box, source.lane, target.box)]
        if between and self.boxes.get(target.box, box).role.startswith("ellipsis"):
            return  # what goes on is said once
        if between and box.role.startswith("ellipsis"):
            source, target = dataclasses.replace(source, side="top"), dataclasses.replace(target, side="top")
        role = "state" if goes_on and not chips else "data"
        wire = Wire(source, target, role, label, chips, head=head, stands_for=(d.source.value,))
        if wire not in self.wires:
            self.wires.append(wire)

    def end_of(self, instance: Instance) -> End | None:
        """Where a wire that carries a value starts: its box, the cell that makes it, the dots of steps left out."""
        r = self.recurrence
        axis = r.time_of(instance.value)
        if axis is None:
            return End(str(instance)) if str(instance) in self.boxes else None
        index = instance.index(axis)
        row = self.rows.row_of(instance)
        if index is None:
            return None
        if row is None:
            return self._between_layers(instance, index)
        if r.is_initial(instance):
            return self._initial(instance, index, row, axis)
        if index in self.steps.shown[axis]:
            own = self.rows.rows[axis][row - self.rows.first[axis]]
            if own.unit.is_cell:
                return End(self.cell_id(own.unit, instance), slot=instance.value, lane=own.unit.values.index(instance.value))
            return End(str(instance))
        return self._in_gap(axis, index, row)

    def _between_layers(self, instance: Instance, index: int) -> End | None:
        axis = self.recurrence.time_of(instance.value)
        return next(
            (End(id) for id in self.boxes if id.startswith(f"dots {instance.value}.") and id.endswith(f"[{axis}={index}]")), None
        )

    def _initial(self, instance: Instance, index: int, row: int, axis: str) -> End:
        id = str(instance)
        if id not in self.boxes:
            number = next((n for n, c in enumerate(self.steps.columns) if c == Column("start", axis, index)), None)
            if number is None:
                return End(id)
            self.boxes[id] = self._box(instance, (self.steps.starts[number], row), 1)
            start = self.recurrence.initial_of(instance)
            if start is not None and self.graph.value_by_id[start].kind == "computed":
                self._wires_into(id, (instance,))
        return End(id)

    def _into_layers(self, column: Column) -> None:
        """The wires into the dots between layers."""
        rows = self.rows.rows[column.axis]
        for n, row in enumerate(rows):
            if row.value or not n:
                continue
            below = rows[n - 1]
            hidden = tuple((a, k + 1 if k != m else k) for (a, k), (_, m) in zip(below.layer, row.layer, strict=True))
            instances = tuple(self._at(Row(row.unit, hidden, v), column.index) for v in row.unit.values)
            dots = self._between_layers(instances[0], column.index)
            for d in self.merged(instances):
                source = self.end_of(d.source)
                own = d.source.value in row.unit.values and d.source.index(column.axis) == column.index
                if dots and source and own and not self.boxes[source.box].role.startswith("ellipsis"):
                    self._add(source, dots, d, head=False)

    # --- gaps -----------------------------------------------------------------------------------------------------------------

    def _in_gap(self, axis: str, index: int, row: int) -> End | None:
        """The dots that stand for a step left out, made when first asked for."""
        shown = self.steps.shown[axis]
        for number, column in enumerate(self.steps.columns):
            if column.kind == "gap" and column.axis == axis:
                after = next((n for n in shown if n > column.index), None)
                if column.index <= index and (after is None or index < after):
                    return End(self._dots(number, row).id)
        return None

    def _dots(self, number: int, row: int) -> Box:
        column = self.steps.columns[number]
        id = f"dots {row}[{column.axis}={column.index}…]"
        if id not in self.boxes:
            at = self.steps.starts[number]
            self.boxes[id] = Box(
                id, "ellipsis", (), place=(at, row), tooltip=f"steps left out, from {column.axis} = {column.index}"
            )
        return self.boxes[id]

    def _gap(self, number: int, column: Column) -> None:
        """Dots in every row that goes on after a gap, and the wires that lead into them."""
        rows = self.rows.rows[column.axis]
        first = self.rows.first[column.axis]
        shown = self.steps.shown[column.axis]
        after = next((n for n in shown if n > column.index), None)
        for n, row in enumerate(rows):
            if row.value and (after is not None or row.unit.kind == "state"):
                self._dots(number, n + first)
        hidden = {*range(column.index, column.index + LAG)} | ({*range(after - LAG, after)} if after is not None else set())
        last = self.recurrence.last(column.axis)
        for index in sorted(
            n for n in hidden if n >= column.index and (after is None or n < after) and (last is None or n <= last)
        ):
            for unit, layer in dict.fromkeys((row.unit, row.layer) for row in rows if row.value):
                instances = tuple(self._at(Row(unit, layer, v), index) for v in unit.values)
                for d in self.merged(instances):
                    self._into_gap(number, column, instances, d)

    def _into_gap(self, number: int, column: Column, instances: tuple[Instance, ...], d: Dependency) -> None:
        at = d.source.index(column.axis)
        if at is None or at not in self.steps.shown[column.axis]:
            return
        lane = next((n for n, i in enumerate(instances) if i.value == d.source.value), 0)
        row = self.rows.row_of(instances[lane])
        source = self.end_of(d.source)
        if row is not None and source is not None:
            goes_on = d.source.value in {i.value for i in instances}
            self._add(source, End(self._dots(number, row).id), d, head=False, goes_on=goes_on)

    # --- emphasis -------------------------------------------------------------------------------------------------------------

    def find(self, name: str, instances: Mapping[str, tuple[str, int]] | None = None) -> str:
        """The box that a word such as ``h[3]`` names.

        Raises:
            UsageError: there is none; a near one is suggested.
        """
        spoken = self.spoken()
        wanted = "".join(name.split())
        if wanted in spoken:
            return spoken[wanted]
        raise UsageError(f"there is no {name!r} in the figure", hint=did_you_mean(wanted, spoken))

    def name_of(self, word: str) -> Text:
        """The symbol of the value that a word such as ``h[3]`` names."""
        wanted = "".join(word.split())
        named = (i for _, instances in self._targets() for i in instances if self._spoken(i) == wanted)
        found = next(named, None)
        return self.words.symbol(found) if found is not None else self.boxes[self.find(word)].title[0]

    def spoken(self) -> dict[str, str]:
        """Every value that is drawn as one writes it, such as ``h[3]`` or ``h[2,T]``, and its box."""
        found: dict[str, str] = {}
        for _, instances in self._targets():
            for i in instances:
                end = self.end_of(i)
                if end is not None:
                    found[self._spoken(i)] = end.box
        found |= {id.replace("t=", ""): id for id, box in self.boxes.items() if "initial" in box.marks}
        return found

    def _spoken(self, instance: Instance) -> str:
        words = ",".join(text_of(self.words.index(a, n)).replace("−", "-") for a, n in instance.at)
        return instance.value + (f"[{words}]" if words else "")

    def highlight(self, box: str) -> None:
        """Every way by which a box hangs on others is strong, the rest quiet."""
        into: dict[str, list[int]] = {}
        for n, wire in enumerate(self.wires):
            into.setdefault(wire.target.box, []).append(n)
        strong: set[int] = set()
        reached, stack = {box}, [box]
        while stack:
            for n in into.get(stack.pop(), ()):
                strong.add(n)
                source = self.wires[n].source.box
                if source not in reached:
                    reached.add(source)
                    stack.append(source)
        self.wires = [
            dataclasses.replace(w, role="data", emphasis="strong" if n in strong else "quiet") for n, w in enumerate(self.wires)
        ]
        for id, one in self.boxes.items():
            self.boxes[id] = dataclasses.replace(one, emphasis="strong" if id in reached else "quiet")

    # --- the group ------------------------------------------------------------------------------------------------------------

    def chips(self) -> list[Chip]:
        """Every chip on every wire."""
        return [chip for wire in self.wires for chip in wire.chips]

    def row_names(self) -> tuple[tuple[Text, ...], ...]:
        """The names of the common rows: what stands in them and of which shape."""
        found: dict[int, tuple[dict[tuple[str, Indices], None], str]] = {}
        for axis, rows in self.rows.rows.items():
            for n, row in enumerate(rows):
                if row.value:
                    found.setdefault(n + self.rows.first[axis], ({}, row.unit.kind))[0][row.value, row.layer] = None
        for column in self.steps.columns:
            for value in column.values:
                place = self.boxes[str(Instance(value))].place
                found.setdefault(place[1] if place else 0, ({}, "value"))[0][value, ()] = None
        names = []
        for n in range(max(found, default=-1) + 1):
            members, kind = found.get(n, ({}, "value"))
            named = [(self.graph.value_by_id[v], at) for v, at in members]
            names.append(self.words.row_name(named, kind) if named else ())
        return tuple(names)

    def column_names(self) -> tuple[Text, ...]:
        """``t = 1`` under every step."""
        found: list[Text] = []
        for column in self.steps.columns:
            name: Text = ()
            if column.kind == "step":
                name = (Run(f"{column.axis.split('@')[0]} = ", "math"), *self.words.index(column.axis, column.index))
            found += [name] + [()] * (self.steps.widths(column) - 1)
        return tuple(found)

    def group(self, id: str = "steps") -> Group:
        """All boxes as a grid."""
        return Group(
            id,
            tuple(self.boxes.values()),
            arrangement="grid",
            row_names=self.row_names(),
            column_names=self.column_names(),
            stands_for=(self.graph.root.id,),
        )
