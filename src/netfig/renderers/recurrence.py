"""A recurrence as a reader thinks of it: inputs, states, outputs, and which of them depends on which, through which weights.

A rolled graph says what one step computes. `Recurrence` walks it for chosen indices: what h at t = 3 is made from, down to values
that are shown, and which weights act on the way. Biases and pointwise functions are part of a step and not of a dependency.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfig.graph import Affine, Axis, Graph, Op, Ref, Value

Indices = tuple[tuple[str, int], ...]
Kind = Literal["input", "state", "value", "output"]
Path = tuple["Instance", ...]
"""The weights a value passes on its way, in order."""

FAR = 1_000_000
"""The index that stands for the last step where only its name is known."""
MANY = 32  # distinct ways between two values: more are not told apart
LONG = 64  # indices of a gathered range: of a longer one the first and the last
SAMPLE = 3  # a size that nothing fixes


@dataclass(frozen=True, slots=True, order=True)
class Instance:
    """One value at given indices, those of its axes in their order."""

    value: str
    at: Indices = ()

    def index(self, axis: str) -> int | None:
        """Its index along an axis."""
        return next((n for name, n in self.at if name == axis), None)

    def moved(self, axis: str, index: int) -> Instance:
        """The same value at another index of an axis."""
        return Instance(self.value, tuple((name, index if name == axis else n) for name, n in self.at))

    def __str__(self) -> str:
        return self.value + (f"[{','.join(f'{a}={n}' for a, n in self.at)}]" if self.at else "")


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a value is made from: another one, and the ways between them (each the weights on it, in order)."""

    source: Instance
    paths: tuple[Path, ...]

    @property
    def weights(self) -> tuple[Instance, ...]:
        """All weights on all ways, each once, in order."""
        return tuple(dict.fromkeys(w for path in self.paths for w in path))

    @property
    def is_plain(self) -> bool:
        """Whether all ways are the same: what stands on the wire is all that acts."""
        return len(self.paths) == 1


class Recurrence:
    """The recurrence of a rolled graph. `sizes` are numbers for named sizes, such as ``{"T": 5, "K": 2}``; values in `also` are
    shown whatever they are."""

    def __init__(self, graph: Graph, sizes: Mapping[str, int] | None = None, also: Mapping[str, Kind] | None = None) -> None:
        self.graph = graph
        self.also = dict(also or {})
        self.sizes = dict(sizes or {})
        self.axes = {axis.id: axis for axis in graph.axes}
        self.sampled: dict[str, int] = {}
        self.first = 2
        self._flows: dict[Instance, dict[Instance, tuple[Path, ...]]] = {}

    # --- axes -----------------------------------------------------------------------------------------------------------------

    @cached_property
    def times(self) -> tuple[str, ...]:
        """The axes that states recur along, in the graph's order: those named time, else those read at another index."""
        used = {a for v in self.graph.values for a in v.axes}
        named = tuple(a.id for a in self.graph.axes if a.name == "time" and a.id in used)
        shifted = {axis for _, axis in self._shifted}
        return named or tuple(a.id for a in self.graph.axes if a.id in shifted)

    @cached_property
    def recurring(self) -> frozenset[str]:
        """The axes along which a value hangs on another index of itself: time, layers."""
        return frozenset((*self.times, *(axis for _, axis in self._shifted)))

    @cached_property
    def _shifted(self) -> tuple[tuple[str, str], ...]:
        """Values that are read at another index of an axis, with that axis."""
        found: dict[tuple[str, str], None] = {}
        for op in self.graph.ops:
            for slot in op.inputs:
                for ref in slot.refs:
                    for axis, step in ref.offset:
                        if step:
                            found[ref.value, axis] = None
                    for axis, index in ref.at:
                        if any(name == axis for name, _ in index.terms):
                            found[ref.value, axis] = None
        return tuple(found)

    def time_of(self, value: str) -> str | None:
        """The time axis of a value."""
        return next((a for a in self.graph.value_by_id[value].axes if a in self.times), None)

    def extent(self, axis: Axis, env: Mapping[str, int]) -> int | None:
        """How many indices an axis has, where that is known."""
        size, name = axis.extent.size, axis.extent.name
        if name is not None and name in self.sizes:
            return self.sizes[name]
        if size is not None or name is None:
            return size
        return _affine(name).at({**self.sizes, **_named(env)}).number

    def last(self, axis: str) -> int | None:
        """The last index of an axis, where it is a number."""
        found = self.axes[axis]
        count = self.extent(found, {})
        return None if count is None else found.start + count - 1

    def read_first(self, count: int) -> None:
        """Of an axis without a known end, what reads all of it reads the first `count` (at least two) and the last."""
        self.first = max(2, min(count, LONG))
        self._flows.clear()

    def _number(self, index: Affine, env: Mapping[str, int]) -> int | None:
        known: dict[str, int] = {}
        for axis in self.axes.values():
            name = axis.extent.name
            if name is not None and name.isidentifier():
                if axis.extent.size is not None:
                    known[name] = axis.extent.size
                elif axis.id in self.recurring:
                    known[name] = FAR
        known |= self.sizes
        return index.at({**known, **_named(env)}).number

    def _range(self, axis: str, env: Mapping[str, int]) -> list[int]:
        """The indices of an axis that is read as a whole; a size nobody knows is taken as a small one."""
        found = self.axes[axis]
        count = self.extent(found, env)
        if count is None and axis in self.recurring:
            return [*range(found.start, found.start + self.first), FAR]
        if count is None:
            count = SAMPLE
            self.sampled[axis] = SAMPLE
        every = range(found.start, found.start + max(count, 0))
        return list(every) if count <= LONG else [*every[:2], every[-1]]

    # --- what is shown --------------------------------------------------------------------------------------------------------

    @cached_property
    def states(self) -> tuple[str, ...]:
        """The values that a later (or earlier) step reads, in the graph's order."""
        read = {value for value, _ in self._shifted}
        return tuple(v.id for v in self.graph.values if v.id in read and v.kind == "computed" and self.time_of(v.id))

    @cached_property
    def shown(self) -> Mapping[str, Kind]:
        """Every value that is drawn, and as what: inputs, states, outputs, and others that a later value hangs on alone."""
        kinds: dict[str, Kind] = dict(self.also)
        outputs = {port.value for port in self.graph.outputs}
        for value in self.graph.values:
            if value.id in kinds:
                continue
            if value.kind == "input":
                kinds[value.id] = "input"
            elif value.id in self.states:
                kinds[value.id] = "state"
            elif self._joins_ways(value):
                kinds[value.id] = "output" if value.id in outputs else "value"
            elif value.kind == "computed" and self._is_result(value.id, outputs):
                kinds[value.id] = "output"
        self._shown = dict(kinds)
        for id in self.starts:
            if self.time_of(id) is None:
                kinds.pop(id, None)  # it is drawn as the state it starts
        self._shown = dict(kinds)
        for value in self.graph.values:
            if value.id not in kinds and (
                self._is_context(value) or self._is_looked_up(value) or self._carries_alone(value, kinds)
            ):
                kinds[value.id] = "value"
        self._shown = dict(kinds)
        self._flows.clear()
        return {v.id: kinds[v.id] for v in self.graph.values if v.id in kinds}

    @cached_property
    def looked_up(self) -> Mapping[str, str]:
        """The shown values that are rows of a table, each with its table."""
        found = {v: self.graph.producer.get(v) for v in self.shown}
        return {v: next(iter(op.reads)) for v, op in found.items() if op is not None and op.kind == "embedding"}

    @cached_property
    def fed_back(self) -> frozenset[str]:
        """The states that are outputs: each is made from its own step alone, and only others read it later."""
        outputs = {port.value for port in self.graph.outputs}
        found: set[str] = set()
        for value in self.states:
            here, axis = self.sample(value), self.time_of(value) or ""
            within = all(d.source.index(axis) == here.index(axis) for d in self.made_from(here))
            if value in outputs and within and len(self.shown) > 2:
                found.add(value)
        return frozenset(found)

    @cached_property
    def starts(self) -> tuple[str, ...]:
        """The values that states are before the first step or after the last, in the graph's order."""
        found = {entry[2] for v in self.graph.values for entry in (*v.initial, *v.final)}
        return tuple(v.id for v in self.graph.values if v.id in found)

    def starts_of(self, value: str) -> tuple[Instance, ...]:
        """A value where it is given: before the first step and after the last."""
        here, known = self.sample(value), self.graph.value_by_id[value]
        early = [here.moved(axis, n) for axis, n, _ in known.initial]
        return (*early, *(here.moved(axis, (self.last(axis) or FAR) + n) for axis, n, _ in known.final))

    def _is_read(self, value: str) -> bool:
        return bool(self.graph.readers.get(value)) or value in self.starts

    def _joins_ways(self, value: Value) -> bool:
        """Whether a named value puts together states of which one runs forward and one backward."""
        op = self.graph.producer.get(value.id)
        if op is None or op.kind != "cat" or not value.symbol:
            return False
        parts = [self.graph.value_by_id[read] for read in op.reads]
        return all(p.id in self.states for p in parts) and any(p.initial for p in parts) and any(p.final for p in parts)

    def _is_result(self, value: str, outputs: set[str]) -> bool:
        """Whether a value is handed on, or read by nobody."""
        return (value in outputs or not self._is_read(value)) and not self._is_ends(value)

    def _is_ends(self, value: str) -> bool:
        """Whether a value only collects steps of states, for whoever comes after: they are drawn where they are."""
        op = self.graph.producer.get(value)
        refs = [ref for slot in op.inputs for ref in slot.refs] if op is not None and op.kind == "stack" else []
        return bool(refs) and not self._is_read(value) and all(ref.at and ref.value in self.states for ref in refs)

    def _is_context(self, value: Value) -> bool:
        """Whether a named value is made of whole sequences and itself belongs to no step."""
        named = value.kind == "computed" and bool(value.symbol) and value.id not in self.starts
        return named and self.time_of(value.id) is None and value.id not in self.weight_only

    def _is_looked_up(self, value: Value) -> bool:
        """Whether a named value is the row of a table: what a word is read as."""
        op = self.graph.producer.get(value.id)
        return op is not None and op.kind == "embedding" and bool(value.symbol) and self.time_of(value.id) is not None

    def _carries_alone(self, value: Value, kinds: Mapping[str, Kind]) -> bool:
        """Whether a named value is all that some shown value is made from, with weights between."""
        if value.kind != "computed" or not value.symbol or value.id in kinds:
            return False
        for other in kinds:
            if self.graph.value_by_id[other].kind != "computed" or self.time_of(other) != self.time_of(value.id):
                continue
            here = self.sample(other)
            self._shown = dict(kinds)
            self._flows.clear()
            without = self.flow(here)
            self._shown = {**kinds, value.id: "value"}
            self._flows.clear()
            deps = self.flow(here)
            sources = {source for source in deps if source.value == value.id}
            if len(sources) == 1 and len(deps) == 1 and all(deps[next(iter(sources))]) and len(without) >= 1:
                return True
        return False

    def sample(self, value: str) -> Instance:
        """A value well inside the ranges of all its axes."""
        at = []
        for axis in self.graph.value_by_id[value].axes:
            last = self.last(axis)
            inside = self.axes[axis].start + (4 if axis in self.times else 1)
            at.append((axis, inside if last is None else min(inside, last)))
        return Instance(value, tuple(at))

    # --- dependencies ---------------------------------------------------------------------------------------------------------

    def made_from(self, instance: Instance) -> tuple[Dependency, ...]:
        """What a shown value (or an initial one) is made from, in the order of the graph."""
        _ = self.shown
        order = {v.id: n for n, v in enumerate(self.graph.values)}
        found = sorted(self.flow(instance).items(), key=lambda item: (order[item[0].value], item[0].at))
        return tuple(Dependency(source, paths) for source, paths in found)

    def flow(self, instance: Instance) -> dict[Instance, tuple[Path, ...]]:
        """Shown values a value is made from, with the ways from each."""
        if instance not in self._flows:
            self._flows[instance] = {}  # a value that depends on itself at one index is no program
            start = self.initial_of(instance)
            if start is not None:
                value = self.graph.value_by_id[start]
                self._flows[instance] = self._through(Instance(start)) if value.kind == "computed" else {}
            else:
                self._flows[instance] = self._made(instance)
        return self._flows[instance]

    def _made(self, instance: Instance) -> dict[Instance, tuple[Path, ...]]:
        op = self.graph.producer.get(instance.value)
        return {} if op is None else self._of_op(op, dict(instance.at))

    def _through(self, instance: Instance) -> dict[Instance, tuple[Path, ...]]:
        """The way from a value to one that reads it: it itself when it is shown, else what it is made from."""
        if instance.value in self._shown or self.is_initial(instance):
            return {instance: ((),)}
        return self.flow(instance)

    def _of_op(self, op: Op, env: Mapping[str, int]) -> dict[Instance, tuple[Path, ...]]:
        weights: list[Instance] = []
        flows: list[dict[Instance, tuple[Path, ...]]] = []
        for slot in op.inputs:
            for ref in slot.refs:
                for read in self.reads(op, ref, env):
                    if read.value in self.weight_only:
                        if not (op.kind in ("add", "sub", "cat", "stack") or slot.name.startswith("bias")):
                            weights += self._weights_in(read)
                    else:
                        flows.append(self._through(read))
        found: dict[Instance, dict[Path, None]] = {}
        for flow in flows:
            for source, paths in flow.items():
                mine = found.setdefault(source, {})
                for path in paths:
                    mine[(*path, *(w for w in dict.fromkeys(weights)))] = None
        return {source: tuple(paths) if len(paths) <= MANY else (_union(paths),) for source, paths in found.items()}

    def reads(self, op: Op, ref: Ref, env: Mapping[str, int]) -> Iterator[Instance]:
        """The values a use stands for at given indices of the reader: one, or all along the axes it gathers."""
        own = set(self.axes_of_scope(op.scope))
        offsets, places = dict(ref.offset), dict(ref.at)
        choices: list[tuple[str, list[int]]] = []
        for axis in self.graph.value_by_id[ref.value].axes:
            if axis in offsets and axis in env:
                choices.append((axis, [env[axis] + offsets[axis]]))
            elif axis in places:
                place = self._number(places[axis], env)
                choices.append((axis, [self.axes[axis].start if place is None else place]))
            elif axis in own and axis in env:
                choices.append((axis, [env[axis]]))
            else:
                choices.append((axis, self._range(axis, env)))
        for at in _product(choices):
            yield self._beyond(Instance(ref.value, at))

    def _beyond(self, instance: Instance) -> Instance:
        """A value before the first layer may be another one at the same time (``h[0, t] = x[t]``)."""
        start = self.initial_of(instance)
        if start is None:
            return instance
        value = self.graph.value_by_id[start]
        if self.time_of(start) is None or not set(value.axes) <= {a for a, _ in instance.at}:
            return instance
        return Instance(start, tuple((a, instance.index(a) or 0) for a in value.axes))

    def axes_of_scope(self, scope: str) -> tuple[str, ...]:
        """The axes of the plates a scope stands in."""
        found: list[str] = []
        at: str | None = scope
        while at is not None:
            here = self.graph.scope_by_id[at]
            if here.kind == "plate" and here.axis is not None:
                found.append(here.axis)
            at = here.parent
        return tuple(found)

    def is_initial(self, instance: Instance) -> bool:
        """Whether it stands before the first index of an axis, or after the last."""
        return any(self._outside(axis, n) for axis, n in instance.at)

    def _outside(self, axis: str, n: int) -> bool:
        found, last = self.axes[axis], self.last(axis)
        if n < found.start:
            return True
        if last is None:
            return axis in self.recurring and n > FAR
        return n > last

    def initial_of(self, instance: Instance) -> str | None:
        """The value that a state before the first step (or after the last) is."""
        value = self.graph.value_by_id[instance.value]
        for axis, n in instance.at:
            if not self._outside(axis, n):
                continue
            before = n < self.axes[axis].start
            own = [e for e in (value.initial if before else value.final) if e[0] == axis]
            wanted = n if before else n - (self.last(axis) or FAR)
            near = [e for e in own if e[1] == wanted] or own
            return near[0][2] if near else None
        return None

    @cached_property
    def weight_only(self) -> frozenset[str]:
        """Values that hang on nothing but parameters and constants."""
        found = {v.id for v in self.graph.values if v.kind in ("parameter", "buffer", "constant")}
        for op in self.graph.ops:
            if all(read in found for read in op.reads):
                found.update(out for out in op.outputs if not set(self.graph.value_by_id[out].axes) & set(self.times))
        return frozenset(found - {s for s in self.starts if self.graph.value_by_id[s].kind == "computed"})

    def _weights_in(self, instance: Instance) -> list[Instance]:
        value = self.graph.value_by_id[instance.value]
        if value.kind in ("parameter", "buffer"):
            return [instance]
        op = self.graph.producer.get(instance.value)
        env = dict(instance.at)
        if op is None:
            return []
        return [w for slot in op.inputs for ref in slot.refs for r in self.reads(op, ref, env) for w in self._weights_in(r)]


def _named(env: Mapping[str, int]) -> dict[str, int]:
    """The indices by the letters a program calls them."""
    return {axis.split("@")[0]: n for axis, n in env.items()} | dict(env)


@lru_cache(maxsize=256)
def _affine(name: str) -> Affine:
    from netfig.graph import Affine

    try:
        return Affine.parse(name)
    except ValueError:
        return Affine(((name, 1),))


def _union(paths: Mapping[Path, None]) -> Path:
    return tuple(dict.fromkeys(w for path in paths for w in path))


def _product(choices: list[tuple[str, list[int]]]) -> Iterator[Indices]:
    if not choices:
        yield ()
        return
    (axis, indices), rest = choices[0], choices[1:]
    for n in indices:
        for more in _product(rest):
            yield ((axis, n), *more)
