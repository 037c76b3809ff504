"""A recurrence folded: one step as a spine, and a loop with a delay for everything that comes from another step."""

from __future__ import annotations

import dataclasses
from dataclasses import field
from typing import TYPE_CHECKING

from netfig.figure import Box, End, Wire
from netfig.mathtext import Text, plain, text_of
from netfig.records import dataclass
from netfig.renderers.recurrence import Dependency, Instance
from netfig.renderers.recurrence_rows import Row, Unit
from netfig.renderers.recurrence_sheet import CLOSED

if TYPE_CHECKING:
    from netfig.figure import Side
    from netfig.renderers.recurrence_sheet import Sheet

NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@dataclass(slots=True)
class Loop:
    """What one unit hands to another over some steps: the value, the steps (negative: from before), and the weights."""

    source: Instance
    target: str
    lane: int
    steps: int
    dependency: Dependency
    unit: Unit


@dataclass(slots=True)
class Spine:
    """One step of one time axis, and where it stands."""

    axis: str
    column: int = 0
    left: int = 0  # columns for loops on its left
    right: int = 0
    split: bool = False
    boxes: dict[str, Box] = field(default_factory=dict)


class Folded:
    """Boxes and wires of a folded recurrence; `first_column` is where it begins, `rows` the grid row of each common row."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.recurrence, self.words = sheet.recurrence, sheet.words
        self.boxes: dict[str, Box] = {}
        self.wires: list[Wire] = []
        self.loops: dict[str, list[Loop]] = {}
        self.named: set[int] = set()
        self.starts: dict[str, Instance] = {}
        for axis in self.recurrence.times:
            self.loops[axis] = self._loops(axis)
        self.rows = self._grid_rows()
        self.width = self._place()
        for axis in self.recurrence.times:
            self._spine_wires(axis)
        self._between_wires()
        self._start_wires()

    # --- what there is --------------------------------------------------------------------------------------------------------

    def _units(self, axis: str) -> list[tuple[Unit, tuple[Row, ...]]]:
        """The boxes of one step, each with the rows it takes."""
        found: dict[tuple[Unit, object], list[Row]] = {}
        for row in self.sheet.rows.rows[axis]:
            if row.value:
                found.setdefault((row.unit, row.layer), []).append(row)
        return [(unit, tuple(rows)) for (unit, _), rows in found.items()]

    def _here(self, row: Row) -> Instance:
        """A value at the step that is drawn."""
        r = self.recurrence
        known = dict(row.layer)
        at = tuple((a, known.get(a, r.sample(row.value).index(a) or 0)) for a in r.graph.value_by_id[row.value].axes)
        return Instance(row.value, at)

    def id_of(self, rows: tuple[Row, ...]) -> str:
        """The id of a unit's box."""
        own = [*(f"{a}={n}" for a, n in rows[0].layer), self.recurrence.time_of(rows[0].value) or ""]
        return ",".join(row.value for row in rows) + f"[{','.join(own)}]"

    def _loops(self, axis: str) -> list[Loop]:
        found: list[Loop] = []
        for unit, rows in self._units(axis):
            instances = tuple(self._here(row) for row in rows)
            for d in self.sheet.merged(instances):
                here, there = instances[0].index(axis), d.source.index(axis)
                if self.recurrence.time_of(d.source.value) == axis and here is not None and there is not None and here != there:
                    lane = next((n for n, i in enumerate(instances) if i.value == d.source.value), 0)
                    found.append(Loop(d.source, self.id_of(rows), lane if unit.is_cell else 0, there - here, d, unit))
        return sorted(found, key=lambda loop: abs(loop.steps))

    def _owner(self, axis: str, instance: Instance) -> tuple[tuple[Row, ...], int] | None:
        """The unit a value belongs to, whatever its step, and its lane."""
        layer = tuple((a, n) for a, n in instance.at if a != axis)
        for unit, rows in self._units(axis):
            for n, row in enumerate(rows):
                if row.value == instance.value and row.layer == layer:
                    return rows, n if unit.is_cell else 0
        return None

    def _common(self, axis: str, row: Row) -> int:
        return self.sheet.rows.rows[axis].index(row) + self.sheet.rows.first[axis]

    # --- rows and columns -----------------------------------------------------------------------------------------------------

    def _is_up(self, loop: Loop, axis: str) -> bool:
        """Whether a loop runs above its unit: those of the upper lanes of a cell."""
        return loop.unit.is_cell and 2 * loop.lane >= len(loop.unit.values) and bool(loop.lane)

    def _is_left(self, axis: str, loop: Loop) -> bool:
        """Whether a loop runs on the left: where states run both ways, and where something is handed on to the right."""
        columns = [c for c in self.sheet.steps.columns if c.kind == "between" or c.axis != axis]
        order = [c.axis for c in self.sheet.steps.columns]
        hands_on = any(self.sheet.steps.columns.index(c) > len(order) - 1 - order[::-1].index(axis) for c in columns)
        return loop.steps < 0 if self.sheet.steps.is_split(axis) else hands_on

    def _own(self, loop: Loop, axis: str) -> bool:
        """Whether a loop comes back to the box it leaves."""
        owner = self._owner(axis, loop.source)
        return owner is not None and self.id_of(owner[0]) == loop.target

    def _grid_rows(self) -> dict[int, int]:
        """The grid row of each common row: below (or above) a unit with loops there is a row for their delays."""
        below: set[int] = set()
        above: set[int] = set()
        top = 0
        for axis in self.recurrence.times:
            for unit, rows in self._units(axis):
                first, last = self._common(axis, rows[0]), self._common(axis, rows[-1])
                top = max(top, last)
                mine = [loop for loop in self.loops[axis] if loop.target == self.id_of(rows) and self._own(loop, axis)]
                if any(not self._is_up(loop, axis) for loop in mine):
                    below.add(first)
                if unit.is_cell and any(self._is_up(loop, axis) for loop in mine):
                    above.add(last)
        for column in self.sheet.steps.columns:
            top = max([top, *(self.sheet.rows.level + k for k in range(len(column.values)))])
        found: dict[int, int] = {}
        at = 0
        for row in range(top + 1):
            at += row in below
            found[row] = at
            at += 1 + (row in above)
        return found

    def _place(self) -> int:
        """Sets all boxes; hands back how many columns they take."""
        at = 0
        done: set[str] = set()
        for column in self.sheet.steps.columns:
            if column.kind == "between":
                for k, value in enumerate(column.values):
                    row = self.sheet.rows.level + k if self.recurrence.shown[value] != "input" else k
                    box = self.sheet._box(Instance(value), (at, self.rows[row]), 1)
                    self.boxes[box.id] = box
                at += 1
            elif column.axis not in done:
                done.add(column.axis)
                at = self._place_spine(column.axis, at)
        return at

    def _place_spine(self, axis: str, at: int) -> int:
        steps = self.sheet.steps
        at += self._place_starts(axis, at)
        split = steps.is_split(axis)
        left = sum(1 for loop in self.loops[axis] if self._is_left(axis, loop) and not (split and loop.steps > 0))
        left = min(left, 1) if split else left
        base = at + left
        for unit, rows in self._units(axis):
            way = steps.way(unit) if split else 0
            place = (base + (1 if way < 0 else 0), self.rows[self._common(axis, rows[0])])
            self.boxes[self.id_of(rows)] = self._box(unit, rows, place, 2 if split and not way else 1)
        for n, row in enumerate(self.sheet.rows.rows[axis]):
            if not row.value:
                place = (base, self.rows[n + self.sheet.rows.first[axis]])
                id = f"dots {row.unit.values[0]}.{n}"
                self.boxes[id] = Box(id, "ellipsis.upright", (), place=place, tooltip="layers left out")
        used: dict[tuple[int, int], str] = {}
        widest = base + (2 if split else 1)
        for loop in self.loops[axis]:
            widest = max(widest, self._loop(axis, loop, base, split, used) + 1)
        return widest

    def _place_starts(self, axis: str, at: int) -> int:
        """The first states that are made from something, in a column before the step they start; how many columns that takes."""
        r = self.recurrence
        made = {e[2] for v in r.graph.values for e in v.initial if r.graph.value_by_id[e[2]].kind == "computed"}
        for _, rows in self._units(axis):
            for row in rows:
                here = self._here(row)
                for _, n, start in r.graph.value_by_id[row.value].initial:
                    if start in made and not r.graph.value_by_id[start].axes:
                        place = (at, self.rows[self._common(axis, row)])
                        box = self.sheet._box(here.moved(axis, n), place, 1)
                        self.boxes[box.id] = box
                        self.starts[box.id] = here.moved(axis, n)
        return 1 if any(r.time_of(i.value) == axis for i in self.starts.values()) else 0

    def _start_wires(self) -> None:
        for id, start in self.starts.items():
            for d in self.recurrence.made_from(start):
                self._from_elsewhere(d, id)
            axis = self.recurrence.time_of(start.value)
            for loop in self.loops[axis or ""]:
                if loop.source.value == start.value:
                    lane = loop.lane
                    chips = self.words.chips(loop.dependency)
                    self.wires.append(Wire(End(id), End(loop.target, lane=lane), chips=chips, stands_for=(start.value,)))

    def _box(self, unit: Unit, rows: tuple[Row, ...], place: tuple[int, int], span: int) -> Box:
        graph = self.recurrence.graph
        value = graph.value_by_id[rows[0].value]
        ops = tuple(dict.fromkeys(id for row in rows for id in (row.value, *self.sheet.ops_of(row.value))))
        if unit.is_cell:
            title: Text = plain(self.words.cell_of(rows[0].value))
            return Box(self.id_of(rows), CLOSED, (title,), place=place, span=(1, len(rows)), stands_for=ops)
        symbol = self.words.general(value, at=dict(rows[0].layer))
        table = self.recurrence.looked_up.get(value.id, "")
        shape = text_of(self.words.shape(value))
        return Box(
            self.id_of(rows),
            self.sheet.role_of(value.id),
            (self.words.table(table) if table else symbol,),
            place=place,
            span=(span, 1),
            tooltip=text_of(symbol) + shape,
            stands_for=ops,
        )

    # --- loops ----------------------------------------------------------------------------------------------------------------

    def _loop(self, axis: str, loop: Loop, base: int, split: bool, used: dict[tuple[int, int], str]) -> int:
        """The delay of a loop and the wires to and from it; hands back its column."""
        owner = self._owner(axis, loop.source)
        if owner is None:
            return base
        rows, lane = owner
        source, target = self.id_of(rows), loop.target
        id = f"delay {loop.source.value} {loop.steps:+d} {target}"
        up, own = self._is_up(loop, axis), source == target
        leftwards = self._is_left(axis, loop)
        home = self.boxes[target].place or (0, 0)
        row = home[1] + (self.boxes[target].span[1] if up else -1) if own else home[1] + loop.lane
        column = base - 1 if leftwards else base + (2 if split else 1)
        while (column, row) in used:
            column += -1 if leftwards else 1
        used[column, row] = id
        self.boxes[id] = Box(id, "delay", self._delay_name(loop.steps), place=(column, row), tooltip=text_of(self._delay_name(loop.steps, every=True)[0]))  # noqa: E501  # fmt: skip
        value = self.recurrence.graph.value_by_id[loop.source.value]
        known = dict(rows[lane].layer) if lane < len(rows) else {}
        now, then = self.words.general(value, at=known), self.words.general(value, loop.steps, axis, at=known)
        near: Side = "left" if leftwards else "right"
        enter: Side = "bottom" if up else "top"
        leave: Side = "top" if up else "bottom"
        if not own:
            source_row = (self.boxes[source].place or (0, 0))[1]
            enter, leave = ("top" if source_row > row else "bottom"), ("right" if leftwards else "left")
        slot = loop.source.value
        chips = self.words.chips(loop.dependency)
        role = "state" if own and not chips else "data"
        self.wires.append(Wire(End(source, slot, near, lane), End(id, side=enter), role, now, head=False, stands_for=(slot,)))
        self.wires.append(
            Wire(End(id, side=leave), End(target, side=near, lane=loop.lane), role, then, chips, stands_for=(slot,))
        )
        return column

    def _delay_name(self, steps: int, *, every: bool = False) -> tuple[Text, ...]:
        """What a delay is called, the first time."""
        if steps in self.named and not every:
            return ()
        if not every:
            self.named.add(steps)
        count = abs(steps)
        word = NUMBERS[count] if count < len(NUMBERS) else str(count)
        return (plain(f"{word}-step delay" if steps < 0 else f"{word} step{'s' if count > 1 else ''} ahead"),)

    # --- wires of the step itself ---------------------------------------------------------------------------------------------

    def _spine_wires(self, axis: str) -> None:
        for unit, rows in self._units(axis):
            instances = tuple(self._here(row) for row in rows)
            for d in self.sheet.merged(instances):
                if self.recurrence.time_of(d.source.value) == axis:
                    if d.source.index(axis) != instances[0].index(axis):
                        continue
                    owner = self._owner(axis, d.source)
                    if owner is not None:
                        named = len(owner[0]) > 1 or self.sheet.is_layer(d.source.value)
                        self._wire(self.id_of(owner[0]), d, self.id_of(rows), owner[1], named=named)
                    elif unit.kind == "state":
                        dots = next((id for id in self.boxes if id.startswith(f"dots {d.source.value}.")), "")
                        if dots:
                            self._wire(dots, d, self.id_of(rows), 0)
                else:
                    self._from_elsewhere(d, self.id_of(rows))

    def _wire(self, source: str, d: Dependency, target: str, lane: int, *, named: bool = False) -> None:
        label = self.words.general(self.recurrence.graph.value_by_id[d.source.value]) if named else ()
        slot = d.source.value if named else ""
        wire = Wire(
            End(source, slot, lane=lane), End(target), label=label, chips=self.words.chips(d), stands_for=(d.source.value,)
        )
        if wire not in self.wires:
            self.wires.append(wire)

    def _from_elsewhere(self, d: Dependency, target: str) -> None:
        """From a value of no step, or from another sequence: its last step, a given one, or all of them."""
        other = self.recurrence.time_of(d.source.value)
        if other is None:
            if str(d.source) in self.boxes:
                self._wire(str(d.source), d, target, 0)
            return
        owner = self._owner(other, d.source)
        if owner is None:
            return
        value = self.recurrence.graph.value_by_id[d.source.value]
        index = d.source.index(other)
        pair = self.id_of(owner[0]), target
        for n, wire in enumerate(self.wires):
            if (wire.source.box, wire.target.box) == pair:  # one wire stands for all steps that are read
                self.wires[n] = dataclasses.replace(wire, label=self.words.general(value))
                return
        label = (
            self.words.indexed(self.words.bare(value), [self.words.index(a, n) for a, n in d.source.at])
            if index is not None
            else ()
        )
        slot = f"{d.source}"
        self.wires.append(
            Wire(
                End(self.id_of(owner[0]), slot, lane=owner[1]),
                End(target),
                label=label,
                chips=self.words.chips(d),
                stands_for=(value.id,),
            )
        )

    def _between_wires(self) -> None:
        for column in self.sheet.steps.columns:
            for value in column.values:
                for d in self.recurrence.made_from(Instance(value)):
                    self._from_elsewhere(d, value)
