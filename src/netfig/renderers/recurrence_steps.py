"""The columns of an unrolled recurrence: which steps are drawn, where the dots stand, what came before the first step."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Literal

from netfig.errors import UsageError
from netfig.records import dataclass
from netfig.renderers.recurrence import FAR, Instance, Recurrence
from netfig.renderers.recurrence_rows import Row, Rows, Unit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

MOST = 400  # steps that are drawn one by one
FEW = 5  # of more than these, the first three and the last are drawn unless all are asked for


@dataclass(frozen=True, slots=True)
class Column:
    """A step, a gap between steps (`index` is the first one left out), or what stands between two time axes."""

    kind: Literal["step", "gap", "start", "between"]
    axis: str = ""
    index: int = 0
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wanted:
    """Which steps are asked for: the first `steps` of each axis (of many only the ends), all of them, `more` by axis, and
    whether the last one is."""

    steps: int | None = None  # three, of several axes two each
    all_steps: bool = False
    last: bool | None = None
    more: Mapping[str, tuple[int, ...]] | None = None


class Steps:
    """The columns of all time axes, in the order in which they hand on to one another."""

    def __init__(self, recurrence: Recurrence, rows: Rows, wanted: Wanted) -> None:
        self.recurrence, self.rows, self.wanted = recurrence, rows, wanted

    # --- which steps ----------------------------------------------------------------------------------------------------------

    @cached_property
    def shown(self) -> Mapping[str, tuple[int, ...]]:
        """The steps of each axis that are drawn."""
        return {axis: self._steps(axis) for axis in self.recurrence.times}

    def _steps(self, axis: str) -> tuple[int, ...]:
        r, wanted = self.recurrence, self.wanted
        start, last = r.axes[axis].start, r.last(axis)
        name = r.axes[axis].extent.name or "T"
        if wanted.all_steps:
            if last is None and wanted.steps is not None:
                last = start + wanted.steps - 1
            if last is None:
                raise UsageError(
                    f"there is no number of steps to draw: {name} is only a name",
                    hint=f"give it one: --steps 5, or --input {name}=5",
                )
            if last - start + 1 > MOST:
                raise UsageError(f"{last - start + 1} steps are too many to draw one by one", why=f"{MOST} is the most")
            return tuple(range(start, last + 1))
        count = wanted.steps or (3 if len(r.times) == 1 else 2)
        first = [*range(start, start + 3), start + count - 1] if count > FEW else list(range(start, start + count))
        more = [n for n in (wanted.more or {}).get(axis, ()) if n >= start]
        for n in more:
            first += range(start, n + 1) if n <= start + 7 else [n]
        if last is not None:
            beyond = [n for n in more if n > last]
            if beyond:
                raise UsageError(f"there is no step {beyond[0]}", why=f"{axis} runs from {start} to {last}")
            first = [n for n in first if n <= last]
            if self.wanted.last is not False:
                first.append(last)
        elif self.wanted.last or (self.wanted.last is None and self._is_named(axis)):
            first.append(FAR)
        return tuple(sorted(set(first)))

    def _is_named(self, axis: str) -> bool:
        """Whether the program itself speaks of the last step."""
        r = self.recurrence
        name = r.axes[axis].extent.name
        refs = [ref for op in r.graph.ops for slot in op.inputs for ref in slot.refs]
        named = any(term == name for ref in refs for _, at in ref.at for term, _ in at.terms)
        whole = any(
            axis in r.graph.value_by_id[ref.value].axes
            and axis not in r.axes_of_scope(op.scope)
            and axis not in dict(ref.at)
            for op in r.graph.ops for slot in op.inputs for ref in slot.refs
        )  # fmt: skip
        ahead = any(step > 0 for ref in refs for a, step in ref.offset if a == axis)
        return named or whole or ahead

    def is_split(self, axis: str) -> bool:
        """Whether states run both ways along an axis, so that each step takes two columns."""
        return len({self.way(unit) for unit in self.rows.units[axis]} - {0}) > 1

    def way(self, unit: Unit) -> int:
        """1 for a state that reads earlier steps, −1 for one that reads later ones, 0 for what reads neither."""
        r = self.recurrence
        for value in unit.values:
            here = r.sample(value)
            axis = r.time_of(value)
            for d in r.made_from(here) if axis else ():
                mine, other = here.index(axis or ""), d.source.index(axis or "")
                if d.source.value in unit.values and mine is not None and other is not None and mine != other:
                    return 1 if other < mine else -1
        return 0

    # --- columns --------------------------------------------------------------------------------------------------------------

    @cached_property
    def columns(self) -> tuple[Column, ...]:
        """All columns from left to right."""
        found: list[Column] = []
        waiting = [v for v in self.recurrence.shown if self.recurrence.time_of(v) is None]
        for axis in self._axes:
            before = [v for v in waiting if self._feeds(v, axis) and v not in self._fed_by_later(axis)]
            if before:
                found.append(Column("between", values=tuple(before)))
                waiting = [v for v in waiting if v not in before]
            found += self._of_axis(axis)
        if waiting:
            found.append(Column("between", values=tuple(waiting)))
        return tuple(found)

    @cached_property
    def _axes(self) -> tuple[str, ...]:
        """The time axes, a source before what reads it."""
        r = self.recurrence
        needs = {axis: {a for v in self._values(axis) for a in self._reach(v)} - {axis} for axis in r.times}
        order: list[str] = []
        while len(order) < len(r.times):
            ready = [a for a in r.times if a not in order and needs[a] <= set(order)]
            order.append(ready[0] if ready else next(a for a in r.times if a not in order))
        return tuple(order)

    def _values(self, axis: str) -> Iterable[str]:
        return (v for v in self.recurrence.shown if self.recurrence.time_of(v) == axis)

    def _reach(self, value: str) -> set[str]:
        """The time axes of what a value, or its first state, is made from; through what belongs to no step."""
        r = self.recurrence
        found: set[str] = set()
        stack = [r.sample(value), *r.starts_of(value)]
        seen: set[Instance] = set()
        while stack:
            here = stack.pop()
            for d in r.made_from(here):
                axis = r.time_of(d.source.value)
                if axis is not None:
                    found.add(axis)
                elif d.source not in seen:
                    seen.add(d.source)
                    stack.append(d.source)
        return found

    def _feeds(self, value: str, axis: str) -> bool:
        r = self.recurrence
        for v in self._values(axis):
            if any(d.source.value == value for here in (r.sample(v), *r.starts_of(v)) for d in r.made_from(here)):
                return True
        return False

    def _fed_by_later(self, axis: str) -> set[str]:
        """Values of no step that are made from this axis or one after it."""
        r = self.recurrence
        later = set(self._axes[self._axes.index(axis) :])
        return {v for v in r.shown if r.time_of(v) is None and self._reach(v) & later}

    def _of_axis(self, axis: str) -> Iterable[Column]:
        shown = self.shown[axis]
        early, late = self._initials(axis)
        for n in early:
            yield Column("start", axis, n)
        for k, n in enumerate(shown):
            yield Column("step", axis, n)
            if k + 1 < len(shown) and shown[k + 1] > n + 1:
                yield Column("gap", axis, n + 1)
        last = self.recurrence.last(axis)
        if shown and shown[-1] != FAR and (last is None or shown[-1] < last):
            yield Column("gap", axis, shown[-1] + 1)
        for n in late:
            yield Column("start", axis, n)

    def _initials(self, axis: str) -> tuple[list[int], list[int]]:
        """The indices before the first step, and after the last, that the steps drawn read."""
        r = self.recurrence
        early: set[int] = set()
        late: set[int] = set()
        for value in self._values(axis):
            for n in self.shown[axis]:
                for layer in next(u.layers for u in self.rows.units[axis] if value in u.values):
                    at = {**dict(layer), axis: n}
                    here = Instance(value, tuple((a, at[a]) for a in r.graph.value_by_id[value].axes))
                    for d in r.made_from(here):
                        k = d.source.index(axis)
                        if k is not None and r.time_of(d.source.value) == axis and r.is_initial(d.source):
                            if k < r.axes[axis].start:
                                early.add(k)
                            elif k > self.shown[axis][-1]:
                                late.add(k)
        return sorted(early), sorted(late)

    def widths(self, column: Column) -> int:
        """How many columns of the grid it takes."""
        return 2 if column.kind == "step" and self.is_split(column.axis) else 1

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """The grid column each begins at."""
        at, found = 0, []
        for column in self.columns:
            found.append(at)
            at += self.widths(column)
        return tuple(found)

    def place(self, column: int, row: Row) -> tuple[int, int]:
        """The grid column of a row's box in a column, and how many it spans."""
        here = self.columns[column]
        if self.widths(here) == 1:
            return self.starts[column], 1
        way = self.way(row.unit)
        return (self.starts[column] + (1 if way < 0 else 0), 1) if way else (self.starts[column], 2)
