"""Unrolling: every plate over some axes becomes its steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.graph.plates_index import Places, Use, indexed, merged, placed_attributes, placed_id, reindexed, split_id
from netfig.graph.plates_order import Need, sorted_steps, step_order
from netfig.graph.plates_rules import named_axes
from netfig.graph.types import Affine, Axis, Dim, Graph, Note, Op, Port, Ref, Scope, Slot, Value
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from netfig.graph.plates_index import Place
    from netfig.graph.plates_order import Step


@dataclass
class Parts:
    """The fields of a graph underway."""

    values: list[Value]
    ops: list[Op]
    scopes: list[Scope]
    inputs: list[Port]
    outputs: list[Port]
    axes: list[Axis]
    notes: list[Note]

    @classmethod
    def of(cls, graph: Graph) -> Parts:
        """Those of a graph."""
        listed = (graph.values, graph.ops, graph.scopes, graph.inputs, graph.outputs, graph.axes, graph.notes)
        return cls(*map(list, listed))  # type: ignore[arg-type]

    def graph(self, like: Graph) -> Graph:
        """The graph they make, checked, with the name and origin of another."""
        listed = (self.values, self.ops, self.scopes, self.inputs, self.outputs, self.axes, self.notes)
        return Graph(like.name, *map(tuple, listed), origin=like.origin)  # type: ignore[arg-type, misc]


def together(graph: Graph, axis: str) -> tuple[str, ...]:
    """The axis and those that have to be unrolled with it: with ranges that depend on it, or that index something along it."""
    ids = [a.id for a in graph.axes]
    outer = {a.id: named_axes(a.extent.name, ids) for a in graph.axes}
    along: dict[str, set[str]] = {}
    for op in graph.ops:
        for slot in op.inputs:
            for ref in slot.refs:
                for along_axis, index in ref.at:
                    along.setdefault(along_axis, set()).update(name for name, _ in index.terms if name in outer)
    found = {axis}
    while True:
        more = {a for a in ids if any(o in found for o in outer[a])}
        more |= {name for a in found for name in along.get(a, ())}
        if more <= found:
            return (axis, *(a for a in ids if a in found and a != axis))
        found |= more


def unrolled(graph: Graph, places: Places, extents: Mapping[str, int]) -> tuple[Parts, dict[str, tuple[str, Place]]]:
    """The graph with the axes of `places` unrolled, and what each new id was and at which place.

    `extents` are the lengths of axes that are the same everywhere.
    """
    made = _Unroll(graph, places)
    return made.parts(extents), made.origin


class _Unroll:
    def __init__(self, graph: Graph, places: Places) -> None:
        self.graph, self.places = graph, places
        self.origin: dict[str, tuple[str, Place]] = {}
        self._ids: dict[tuple[str, tuple[int, ...]], str] = {}
        self._families: dict[tuple[str, str], list[str]] = {}
        self._reads: dict[str, list[tuple[Ref, ...]]] = {}
        self._spans: dict[str, list[Place]] = {}
        self._maker = {out: position for position, op in enumerate(graph.ops) for out in op.outputs}
        self._nests = [places.around[op.scope] for op in graph.ops]
        self._needs: set[Need] = set()
        self._late: dict[Step, list[Step]] | None = None

    def parts(self, extents: Mapping[str, int]) -> Parts:
        graph = self.graph
        values = [made for v in graph.values for made in self._values(v)]
        scopes = [made for s in graph.scopes for made in self._scopes(s)]
        ops = self._ops()
        axes = [replace(a, extent=Dim(extents[a.id], a.extent.name)) if a.id in extents else a for a in graph.axes]
        inputs = [made for port in graph.inputs for made in self._port(port)]
        outputs = [made for port in graph.outputs for made in self._port(port)]
        return Parts(values, ops, scopes, inputs, outputs, axes, self._notes())

    # ---- things and their places -------------------------------------------------------------------------------------

    def id_at(self, value: str, numbers: tuple[int, ...]) -> str:
        """The id of one of a family of values."""
        if not numbers:
            return value
        key = (value, numbers)
        found = self._ids.get(key)
        if found is None:
            entries = tuple(zip(self.places.placed_axes(value), numbers, strict=True))
            found = self._ids[key] = self.placed(value, entries)
        return found

    def placed(self, id: str, entries: tuple[tuple[str, int], ...]) -> str:
        """The id of a thing at a place; where it came from is kept in `origin`."""
        found = placed_id(id, entries, self.places.order)
        self.origin[found] = (id, dict(entries))
        return found

    def along(self, id: str, axis: str) -> list[str]:
        """The ids of a thing at every index of an axis whose range is the same everywhere."""
        found = self._families.get((id, axis))
        if found is None:
            places = self.places_along(axis)
            if split_id(id)[1]:
                found = [self.placed(id, tuple(place.items())) for place in places]
            else:
                found = [f"{id}[{axis}={place[axis]}]" for place in places]
                self.origin.update({new: (id, place) for new, place in zip(found, places, strict=True)})
            self._families[id, axis] = found
        return found

    def places_along(self, axis: str) -> list[Place]:
        """Every index of such an axis as a place."""
        if axis not in self._spans:
            self._spans[axis] = [{axis: number} for number in self.places.span(axis, {})]
        return self._spans[axis]

    def listed(self, values: Sequence[str], place: Place) -> tuple[str, ...]:
        """A list of values as it is at a place: along axes that the place has, its own; along others, all."""
        found: list[str] = []
        for value in values:
            axes = self.places.placed_axes(value)
            if not axes:
                found.append(value)
                continue
            if axes == tuple(place):
                found.append(self.id_at(value, tuple(place.values())))
                continue
            known = {axis: place[axis] for axis in axes if axis in place}
            every = self.places.every([axis for axis in axes if axis not in known], known)
            found += [self.id_at(value, tuple([full[axis] for axis in axes])) for full in every]
        return tuple(found)

    def _values(self, v: Value) -> Iterator[Value]:
        placed = self.places.placed_axes(v.id)
        if not placed:
            yield self._with_boundaries(v, v, {})
            return
        axes = tuple(axis for axis in v.axes if axis not in self.places.axes)
        if len(placed) == 1 and not axes and v.grad_of is None and not split_id(v.id)[1] and not self._named_dims(v):
            yield from self._family_of(v, placed[0])
            return
        older = split_id(v.id)[1]
        before = [number for _, number in older]
        named = self._named_dims(v)
        for place in self.places.every(placed, {}):
            numbers = tuple([place[axis] for axis in placed])
            entries = tuple(zip(placed, numbers, strict=True))
            after = [number for _, number in merged(older, entries, self.places.order)]
            made = Value(
                self.id_at(v.id, numbers),
                v.kind,
                v.type if not named else replace(v.type, shape=tuple(_dim_at(d, place) for d in v.type.shape or ())),
                reindexed(v.symbol, before, after) if v.symbol else (),
                axes,
                tuple([placed_id(name, entries, self.places.order) for name in v.names]),
                None if v.storage is None else placed_id(v.storage, entries, self.places.order),
                self.listed((v.grad_of,), place)[0] if v.grad_of is not None else None,
                (),
                v.data,
                v.origin,
            )
            yield self._with_boundaries(made, v, place) if axes else made

    def _family_of(self, v: Value, axis: str) -> Iterator[Value]:
        """A value at every index of its one axis: the usual case, without detours."""
        names = list(zip(*(self.along(name, axis) for name in v.names), strict=True)) if v.names else []
        storage = None if v.storage is None else self.along(v.storage, axis)
        for i, (id, place) in enumerate(zip(self.along(v.id, axis), self.places_along(axis), strict=True)):
            yield Value(
                id,
                v.kind,
                v.type,
                indexed(v.symbol, place[axis]) if v.symbol else (),
                (),
                names[i] if names else (),
                None if storage is None else storage[i],
                None,
                (),
                v.data,
                v.origin,
            )

    def _named_dims(self, v: Value) -> bool:
        return any(named_axes(d.name, self.places.axes) for d in v.type.shape or () if d.size is None)

    def _with_boundaries(self, made: Value, rolled: Value, place: Place) -> Value:
        """With the boundary values along axes that stay; one that has the value's own axes is the one at its place."""
        if not (rolled.initial or rolled.final):
            return made
        initial, final = (
            tuple((axis, i, self.listed((b,), place)[0]) for axis, i, b in listed if axis not in self.places.axes)
            for listed in (rolled.initial, rolled.final)
        )
        return replace(made, initial=initial, final=final)

    def _entries(self, scope: str, place: Place) -> tuple[tuple[str, int], ...]:
        return tuple([(axis, place[axis]) for axis in self.places.around[scope]])

    def _scopes(self, s: Scope) -> Iterator[Scope]:
        around = self.places.around[s.id]
        if not around:
            inner = (self.listed(s.inputs, {}), self.listed(s.outputs, {}), self.listed(s.owns, {}))
            yield s if inner == (s.inputs, s.outputs, s.owns) else replace(s, inputs=inner[0], outputs=inner[1], owns=inner[2])
            return
        step = s.kind == "plate" and s.axis in self.places.axes
        for place in self.places.every(around, {}):
            yield replace(
                s,
                id=self.placed(s.id, self._entries(s.id, place)),
                kind="step" if step else s.kind,
                parent=None if s.parent is None else placed_id(s.parent, self._entries(s.parent, place), self.places.order),
                inputs=self.listed(s.inputs, place),
                outputs=self.listed(s.outputs, place),
                owns=self.listed(s.owns, place),
                attributes=(*s.attributes, ("index", place[s.axis])) if step and s.axis else s.attributes,
            )

    def _port(self, port: Port) -> Iterator[Port]:
        axes = self.places.placed_axes(port.value)
        for place in self.places.every(axes, {}):
            entries = tuple([(axis, place[axis]) for axis in axes])
            value = self.id_at(port.value, tuple([number for _, number in entries]))
            yield Port(placed_id(port.name, entries, self.places.order), value) if axes else port

    def _notes(self) -> list[Note]:
        graph, found = self.graph, list[Note]()
        scopes = graph.scope_by_id
        for note in graph.notes:
            if note.subject in graph.value_by_id:
                subjects = self.listed((note.subject,), {})
            else:
                scope = note.subject if note.subject in scopes else getattr(graph.op_by_id.get(note.subject), "scope", "")
                around = self.places.around.get(scope, ())
                subjects = tuple(
                    placed_id(note.subject, self._entries(scope, place), self.places.order)
                    for place in (self.places.every(around, {}) if around else ())
                ) or ((note.subject,) if not around else ())
            found += [note if subject == note.subject else replace(note, subject=subject) for subject in subjects]
        return found

    # ---- ops ---------------------------------------------------------------------------------------------------------

    def _ops(self) -> list[Op]:
        made: dict[Step, Op] = {}
        for position, op in enumerate(self.graph.ops):
            around = self._nests[position]
            columns = self._columns(position, op) if len(around) == 1 else None
            if columns is not None:
                made.update(self._quick(position, op, columns))
                continue
            for place in self.places.every(around, {}):
                numbers = tuple([place[axis] for axis in around])
                made[position, numbers] = self._op(position, op, place, numbers) if around or self._touched(op) else op
        order = step_order(self._nests, self._needs, self.places.span)
        if order is None:
            return [made[step] for step in self._sorted(list(made), made)]
        return [made[step] for step in order]

    def _touched(self, op: Op) -> bool:
        """Whether an op outside the plates reads or makes anything that is repeated."""
        return any(map(self.places.placed_axes, (*op.reads, *op.outputs)))

    def _columns(self, position: int, op: Op) -> list[list[tuple[Ref, ...]]] | None:
        """What each slot of an op reads at every step of its one axis, where these are its own index or so far away."""
        axis = self._nests[position][0]
        span = self.places.span(axis, {})
        columns: list[list[tuple[Ref, ...]]] = []
        for slot in op.inputs:
            parts: list[list[tuple[Ref, ...]]] = []
            for ref in slot.refs:
                placed = self.places.placed_axes(ref.value)
                if ref.at or placed not in ((), (axis,)) or any(other != axis for other, _ in ref.offset):
                    return None
                distance = dict(ref.offset).get(axis, 0)
                if not placed:
                    self._need(position, {axis: span.start}, Use(ref.value, ()))
                    parts.append([(ref,)] * len(span))
                    continue
                own = self._family(ref.value, axis)
                column = own if not distance else own[distance:] if distance > 0 else own[:distance]
                edge = span[-distance:] if distance > 0 else span[: min(-distance, len(span))] if distance else ()
                outer = [self._refs((ref,), position, op, {axis: number}) for number in edge]
                if len(edge) < len(span):
                    inside = span[0] if distance >= 0 else span[-1]
                    self._need(position, {axis: inside}, Use(ref.value, (inside + distance,)))
                parts.append([*column, *outer] if distance > 0 else [*outer, *column])
            columns.append(
                parts[0] if len(parts) == 1 else [sum(row, ()) for row in zip(*parts, strict=True)] or [()] * len(span)
            )
        return columns

    def _family(self, value: str, axis: str) -> list[tuple[Ref, ...]]:
        """Reads of each of a family over one axis."""
        if value not in self._reads:
            self._reads[value] = [(Ref(id),) for id in self.along(value, axis)]
        return self._reads[value]

    def _quick(self, position: int, op: Op, columns: list[list[tuple[Ref, ...]]]) -> Iterator[tuple[Step, Op]]:
        """An op at every step of its one axis."""
        axis = self._nests[position][0]
        names = [slot.name for slot in op.inputs]
        simple = all(self.places.placed_axes(out) == (axis,) for out in op.outputs)
        outputs = list(zip(*(self.along(out, axis) for out in op.outputs), strict=True)) if simple else []
        scopes = self.along(op.scope, axis)
        for i, (id, place) in enumerate(zip(self.along(op.id, axis), self.places_along(axis), strict=True)):
            slots = tuple([Slot(name, column[i]) for name, column in zip(names, columns, strict=True)])
            made = outputs[i] if outputs else self.listed(op.outputs, place)
            attributes = placed_attributes(op.attributes, place) if op.attributes else ()
            yield (position, (place[axis],)), Op(id, op.kind, slots, made, scopes[i], attributes, op.phase, op.writes)

    def _op(self, position: int, op: Op, place: Place, numbers: tuple[int, ...]) -> Op:
        entries = tuple(zip(self._nests[position], numbers, strict=True))
        order = self.places.order
        slots = tuple([Slot(slot.name, self._refs(slot.refs, position, op, place)) for slot in op.inputs])
        scope = placed_id(op.scope, entries, order)
        outputs = self.listed(op.outputs, place)
        attributes = placed_attributes(op.attributes, place) if op.attributes else ()
        return Op(self.placed(op.id, entries), op.kind, slots, outputs, scope, attributes, op.phase, op.writes)

    def _refs(self, refs: Sequence[Ref], position: int, op: Op, place: Place) -> tuple[Ref, ...]:
        found: list[Ref] = []
        for ref in refs:
            if not ref.at and not ref.offset and not self.places.placed_axes(ref.value):
                found.append(ref)
                self._need(position, place, Use(ref.value, ()))
                continue
            for use in self.places.uses(ref, place, op.id):
                found.append(Ref(self.id_at(use.value, use.numbers), use.offset, use.at))
                self._need(position, place, use)
        return tuple(found)

    def _need(self, reader: int, place: Place, use: Use) -> None:
        """Note which way along which axis an op reads what another one makes."""
        maker = self._maker.get(use.value)
        if maker is None:
            return
        depth = sign = 0
        target = dict(zip(self.places.placed_axes(use.value), use.numbers, strict=True)) if use.numbers else {}
        for mine, its in zip(self._nests[reader], self._nests[maker], strict=False):
            if mine != its or target[its] != place[mine]:
                sign = 0 if mine != its else 1 if target[its] > place[mine] else -1
                break
            depth += 1
        if not sign and (use.offset or use.at):
            return  # another index of an axis that stays
        if self._late is None:
            self._needs.add(Need(reader, maker, depth, sign))
        else:
            made = (maker, tuple([target[axis] for axis in self._nests[maker]]))
            self._late.setdefault((reader, tuple(place.values())), []).append(made)

    def _sorted(self, steps: list[Step], made: Mapping[Step, Op]) -> list[Step]:
        """The steps sorted one by one: those of one place of the outermost plate are kept near each other."""
        self._late = {}
        for position, op in enumerate(self.graph.ops):
            for place in self.places.every(self._nests[position], {}):
                for slot in op.inputs:
                    self._refs(slot.refs, position, op, place)
        first = {p: self._first_of_run(p) for p in range(len(self.graph.ops))}
        near = sorted(steps, key=lambda step: (first[step[0]], step[1][:1], step[0], step[1]))
        return sorted_steps(near, self._late, lambda step: made[step].id)

    def _first_of_run(self, position: int) -> int:
        axis = self._nests[position][:1]
        while axis and position and self._nests[position - 1][:1] == axis:
            position -= 1
        return position


def _dim_at(dim: Dim, place: Place) -> Dim:
    """A named size that depends on an index, at one index: ``t-1`` at 3 is 2."""
    if dim.size is not None or dim.name is None or not named_axes(dim.name, place):
        return dim
    known = Affine.parse(dim.name).at(place)
    return Dim(known.number) if known.number is not None else Dim(None, str(known))
