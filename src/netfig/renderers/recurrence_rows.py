"""Which rows a recurrence has, from the bottom up: inputs, states, outputs, and which states are one closed cell."""

from __future__ import annotations

from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING

from netfig.records import dataclass
from netfig.renderers.recurrence import FAR, Instance, Kind, Recurrence

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netfig.renderers.recurrence import Indices

LAYERS = 4  # of more only the first two and the last are drawn


@dataclass(frozen=True, slots=True)
class Unit:
    """What is drawn as one box in a step: a value, or several states that one closed cell makes together (lowest lane first)."""

    values: tuple[str, ...]
    kind: Kind
    layers: tuple[Indices, ...]  # its other indices, from the bottom up; a jump in them is an ellipsis

    @property
    def is_cell(self) -> bool:
        """Whether it stands for several states."""
        return len(self.values) > 1


@dataclass(frozen=True, slots=True)
class Row:
    """One row of one time axis: a value at its other indices, or (`value` empty) the dots between layers."""

    unit: Unit
    layer: Indices
    value: str


class Rows:
    """The rows of every time axis. `first` says at which common row each axis begins, so that states stand level.

    Values in `above` stand over what reads them.
    """

    def __init__(self, recurrence: Recurrence, above: frozenset[str] = frozenset()) -> None:
        self.recurrence, self.above = recurrence, above

    @cached_property
    def units(self) -> Mapping[str, tuple[Unit, ...]]:
        """The units of each time axis, from the bottom up."""
        r = self.recurrence
        found: dict[str, tuple[Unit, ...]] = {}
        for axis in r.times:
            values = [v for v in r.shown if r.time_of(v) == axis]
            cells = self._cells([v for v in values if r.shown[v] == "state"])
            units = [Unit(cell, r.shown[cell[0]], self._layers(cell[0])) for cell in cells]
            inside = {v for cell in cells for v in cell}
            units += [Unit((v,), r.shown[v], self._layers(v)) for v in values if v not in inside]
            found[axis] = tuple(sorted(units, key=self._rank_of(units)))
        return found

    def _layers(self, value: str) -> tuple[Indices, ...]:
        """The other indices of a value that are drawn."""
        r = self.recurrence
        choices = []
        for axis in r.graph.value_by_id[value].axes:
            if axis != r.time_of(value):
                first, last = r.axes[axis].start, r.last(axis)
                end = last if last is not None else FAR if axis in r.recurring else first + 2
                every = list(range(first, end + 1)) if end - first < LAYERS else [first, first + 1, end]
                choices.append([(axis, n) for n in every])
        return tuple(product(*choices))

    # --- cells ----------------------------------------------------------------------------------------------------------------

    def _cells(self, states: list[str]) -> list[tuple[str, ...]]:
        """States that hang on one another and are made from the same things belong to one cell."""
        r = self.recurrence
        sources = {v: {d.source for d in r.made_from(r.sample(v))} for v in states}
        names = {v: {s.value for s in sources[v]} for v in states}
        reach = {v: _closure(v, names) for v in states}
        together: list[list[str]] = []
        for v in states:
            for cell in together:
                if any(v in reach[o] and o in reach[v] and sources[v] & sources[o] for o in cell):
                    cell.append(v)
                    break
            else:
                together.append([v])
        return [tuple(sorted(cell, key=self._is_highway)) if len(cell) > 1 else tuple(cell) for cell in together]

    def _is_highway(self, value: str) -> bool:
        """Whether a state reaches its next step also past all weights, and is no output: it runs on top."""
        r = self.recurrence
        here = r.sample(value)
        plain = any(() in d.paths for d in r.made_from(here) if d.source.value == value)
        return plain and not any(port.value == value for port in r.graph.outputs)

    # --- order ----------------------------------------------------------------------------------------------------------------

    def _rank_of(self, units: list[Unit]) -> Callable[[Unit], tuple[float, bool, int]]:
        r = self.recurrence
        owner = {v: n for n, unit in enumerate(units) for v in unit.values}
        below: dict[int, set[int]] = {n: set() for n in range(len(units))}
        for n, unit in enumerate(units):
            for value in unit.values:
                here = r.sample(value)
                axis = r.time_of(value)
                for d in r.made_from(here):
                    if d.source.value in owner and axis and d.source.index(axis) == here.index(axis):
                        below[n].add(owner[d.source.value])
        high = {n for n, unit in enumerate(units) if self.above & set(unit.values)}
        ranks: dict[int, float] = {}

        def rank(n: int, seen: frozenset[int]) -> float:
            if self.above & set(units[n].values):
                return 0.5 + max((rank(m, seen | {n}) for m, low in below.items() if n in low and m not in seen), default=0)
            if n not in ranks:
                ranks[n] = 1 + max(
                    (rank(m, seen | {n}) for m in below[n] if m not in seen and m != n and m not in high), default=-1
                )
            return ranks[n]

        order = {v: n for n, v in enumerate(r.shown)}
        places = {unit: (rank(n, frozenset()), unit.kind != "input", order[unit.values[0]]) for n, unit in enumerate(units)}
        return places.__getitem__

    @cached_property
    def rows(self) -> Mapping[str, tuple[Row, ...]]:
        """The rows of each axis, from the bottom up."""
        found: dict[str, tuple[Row, ...]] = {}
        for axis, units in self.units.items():
            rows: list[Row] = []
            for unit in units:
                last: Indices | None = None
                for layer in unit.layers:
                    if last is not None and any(b - a > 1 for (_, a), (_, b) in zip(last, layer, strict=True)):
                        rows.append(Row(unit, layer, ""))
                    rows += [Row(unit, layer, value) for value in unit.values]
                    last = layer
            found[axis] = tuple(rows)
        return found

    @cached_property
    def first(self) -> Mapping[str, int]:
        """The common row at which the rows of each axis begin: the lowest states of all axes stand level."""
        depth = {axis: next((n for n, row in enumerate(rows) if row.unit.kind == "state"), 0) for axis, rows in self.rows.items()}
        most = max(depth.values(), default=0)
        return {axis: most - n for axis, n in depth.items()}

    def row_of(self, instance: Instance) -> int | None:
        """The common row a value stands in; ``None`` when its layer is not drawn."""
        r = self.recurrence
        axis = r.time_of(instance.value)
        if axis is None:
            return self.level
        layer = tuple((a, n) for a, n in instance.at if a != axis)
        for n, row in enumerate(self.rows[axis]):
            if row.value == instance.value and row.layer == layer:
                return n + self.first[axis]
        return None

    @property
    def level(self) -> int:
        """The common row of the lowest states."""
        return max((self.first[a] + next((n for n, row in enumerate(rows) if row.unit.kind == "state"), 0) for a, rows in self.rows.items()), default=0)  # noqa: E501  # fmt: skip


def _closure(value: str, names: Mapping[str, set[str]]) -> set[str]:
    """What a state hangs on, over any number of steps."""
    found: set[str] = set()
    stack = [value]
    while stack:
        for other in names.get(stack.pop(), ()):
            if other not in found:
                found.add(other)
                stack.append(other)
    return found
