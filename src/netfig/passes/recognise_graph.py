"""A sheet as a rolled graph."""

from __future__ import annotations

import re

from netfig.equations.names import symbol_text
from netfig.graph import Affine, Axis, Dim, Graph, Note, Op, Port, Ref, Scope, Slot, TensorType, Value, ValueKind
from netfig.passes.recognise_link import Key, Place
from netfig.passes.recognise_names import Names
from netfig.passes.recognise_nodes import Const, Leaf
from netfig.passes.recognise_sheet import Fact, Sheet, Step, Use

AUTHOR = "netfig"
_LOOPS = (("t", "T"), ("j", "S"), ("k", "R"))
"""The letters of the loops, the last loop first, and what their lengths are called."""
_OTHERS = ("i", "n", "m", "o")
_KEPT_NOTES = ("mode", "device")


def rolled(old: Graph, sheet: Sheet) -> Graph:
    """The recurrence of a sheet: plates over its axes, weights once, boundary values where a state starts."""
    return _Writer(old, sheet).graph()


class _Writer:
    def __init__(self, old: Graph, sheet: Sheet) -> None:
        self.old, self.sheet = old, sheet
        self.values: dict[str, Value] = {}
        self.ops: list[Op] = []
        self.used = {old.name}
        self.axes = self._axes()
        self.names = Names(sheet, self.axes)
        self.boundaries: list[tuple[Key, str, int, str]] = []
        self.taken: list[tuple[str, Use, Key]] = []
        self.plates: dict[int, str] = {}

    def graph(self) -> Graph:
        """Everything put together."""
        order = self._written()
        for step in order:
            for use in step.uses:
                self._given(use.value)
        for key, fact in list(self.sheet.facts.items()):
            for ends, name in ((fact.initial, "initial"), (fact.final, "final")):
                for index in sorted(ends):
                    self._bound(key, name, index, ends[index])
        for step in order:
            self._taken_before(step)
            self._step(step)
        for key in self.sheet.facts:
            self._ends(key)
        self._unread()
        inputs = self._in_order([v for v in self.values.values() if v.kind == "input"])
        ports, notes = self._outputs()
        kept = [n for n in self.old.notes if n.subject == "" and n.key in _KEPT_NOTES]
        kept += [Note(op.outputs[0], "label", "embedding", author=AUTHOR) for op in self.ops if op.kind == "embedding"]
        kept += [Note(id, "label", word, author=AUTHOR) for id, word in self.names.words.items() if id in self.values]
        kept += [Note("", "cell", self.names.cell, author=AUTHOR)] if self.names.cell else []
        weights = [v for v in self.values.values() if v.kind in ("parameter", "buffer")]
        rest = [v for v in self.values.values() if v.kind not in ("input", "parameter", "buffer")]
        owned = tuple(v.id for v in weights)
        root = Scope(
            self.old.name, "root", None, self.old.root.type_name, inputs=tuple(v.id for v in inputs),
            outputs=tuple(dict.fromkeys(p.value for p in ports)), owns=owned,
        )  # fmt: skip
        plates = [Scope(id, "plate", self.old.name, axis=self.axes[axis].id) for axis, id in self.plates.items()]
        return Graph(
            self.old.name,
            (*inputs, *weights, *rest),
            tuple(self.ops),
            (root, *plates),
            tuple(Port(v.id, v.id) for v in inputs),
            tuple(ports),
            tuple(self.axes[n] for n in sorted(self.axes) if n in self.plates or self._is_used(n)),
            (*kept, *notes),
            self.old.origin,
        )

    def _written(self) -> list[Step]:
        """The steps as one reads equations: each named value after the parts of its right side, from left to right."""
        found: dict[Key, Step] = {}

        def write(step: Step) -> None:
            for use in step.uses:
                below = self.sheet.steps.get(use.value)
                if below is not None and below.value not in found and below.value not in self.names.ids:
                    write(below)
            found[step.value] = step

        for step in self.sheet.ordered():
            if step.value in self.names.ids or step.value not in self.names.readers:
                write(step)
        for step in self.sheet.ordered():
            if step.value not in found:
                write(step)
        return list(found.values())

    def _is_used(self, axis: int) -> bool:
        return any(self.axes[axis].id in v.axes for v in self.values.values())

    # ---- axes ----------------------------------------------------------------------------------------------------------------

    def _axes(self) -> dict[int, Axis]:
        found: dict[int, Axis] = {}
        spans = self.sheet.linked.spans
        loops = [n for n, span in enumerate(spans) if span.carries]
        letters = dict(zip(reversed(loops), _LOOPS, strict=False))
        others = dict(zip((n for n in range(len(spans)) if n not in loops), _OTHERS, strict=False))
        for n, span in enumerate(spans):
            letter, name = letters.get(n) or (others.get(n) or f"i@{n}", None)
            extent = Dim(span.count, name)
            found[n] = Axis(letter, "time" if span.carries else letter, extent, 1)
        return found

    def _plate(self, axis: int) -> str:
        if axis not in self.plates:
            self.plates[axis] = f"over {self.axes[axis].id}"
            self.used.add(self.plates[axis])
        return self.plates[axis]

    # ---- values --------------------------------------------------------------------------------------------------------------

    def id_of(self, key: Key) -> str:
        """The id of a value; one without a name has that of the op that makes it."""
        return self.names.ids[key]

    def _type(self, fact: Fact, dtype: str | None = None) -> TensorType:
        return TensorType(dtype, tuple(Dim(size) for size in fact.sizes))

    def _given(self, key: Key) -> None:
        """A value that no step makes."""
        fact = self.sheet.facts[key]
        if fact.leaf is None or (key in self.names.ids and self.names.ids[key] in self.values):
            return
        if isinstance(fact.leaf, Const):
            self._constant(key, fact.leaf, fact)
            return
        leaf = fact.leaf
        assert isinstance(leaf.source, str)
        old = self.old.value_by_id[leaf.source]
        if key not in self.names.ids:
            self.names.ids[key] = self.names.unique(re.sub(r"\W+", "_", leaf.source))
        id = self.names.ids[key]
        axes = (self.axes[fact.axis].id,) if fact.axis is not None else ()
        at = self._named_part(leaf, key) if key[0] == "sequence" else leaf.at
        own = tuple(f"{name}{_part(at)}" for name in old.names or (old.id,))
        kind: ValueKind = old.kind
        dtype = old.type.dtype if (old.type.dtype or "").startswith(("int", "uint")) else None
        self.values[id] = Value(id, kind, self._type(fact, dtype), symbol_text(id), axes, own, data=old.data, origin=old.origin)

    def _named_part(self, leaf: Leaf, key: Key) -> tuple[object, ...]:
        """A sequence as one writes it: ``[:, t]`` for all of it from the first on, else with the indices it has."""
        rest: tuple[object, ...] = tuple(key[2]) if isinstance(key[2], tuple) else ()
        spot = rest.index("t")
        axis, first, step = self.sheet.linked.steps_of(leaf.source, spot)
        count = self.sheet.linked.spans[axis].count
        whole = self.old.value_by_id[str(leaf.source)].type.sizes
        word = "t" if whole is not None and (first, step, count) == (0, 1, whole[spot]) else f"t={first}:{first + step * count}"
        return (*rest[:spot], word if step > 0 else f"{word}:-1", *rest[spot + 1 :])

    def _constant(self, key: Key, const: Const, fact: Fact) -> None:
        number = int(const.number) if const.number == int(const.number) else const.number
        id = self.names.unique(f"{number:g}") if not fact.sizes else self.names.unique(f"full {number:g}")
        self.names.ids[key] = id
        self.values[id] = Value(id, "constant", self._type(fact), data=(number,))

    def _bound(self, key: Key, name: str, index: int, use: Use) -> None:
        """A value before the first step or after the last."""
        fact, given = self.sheet.facts[key], use.value
        self.names.name(key, "u")
        base = self.names.ids[key]
        id = f"{base}[{self.names.boundary(fact.axis or 0, name, index)}]"
        known = self.sheet.facts[given]
        if isinstance(known.leaf, Const):
            number = known.leaf.number
            data = (int(number) if number == int(number) else number,)
            self.values[id] = Value(id, "constant", self._type(fact), symbol_text(base), (), (id,), data=data)
            self.boundaries.append((key, name, index, id))
            return
        if use.time is not None:  # a state of another loop: it is taken out of it first
            self.values[id] = Value(id, "computed", self._type(fact), symbol_text(base), (), (id,))
            self.taken.append((id, use, key))
            self.boundaries.append((key, name, index, id))
            return
        if given not in self.names.ids and known.leaf is not None and given[0] == "edge":
            self.names.ids[given] = id
            own = str(known.leaf.source)
            self.values[id] = Value(id, "input", self._type(known), symbol_text(base), (), (f"{own}{_part(known.leaf.at)}",))
        self._given(given)
        self.boundaries.append((key, name, index, self.names.ids[given]))

    def _ends(self, key: Key) -> None:
        """Put the boundary values of a value into it."""
        mine = [(n, i, g) for k, n, i, g in self.boundaries if k == key]
        if not mine:
            return
        id, axis = self.names.ids[key], self.axes[self.sheet.facts[key].axis or 0].id
        value = self.values[id]
        initial = tuple((axis, i, g) for n, i, g in sorted(mine, key=lambda e: e[1]) if n == "initial")
        final = tuple((axis, i, g) for n, i, g in sorted(mine, key=lambda e: e[1]) if n == "final")
        self.values[id] = Value(
            value.id, value.kind, value.type, value.symbol, value.axes, value.names, initial=initial, data=value.data,
            origin=value.origin, final=final,
        )  # fmt: skip

    def _unread(self) -> None:
        """Weights that nothing reads are counted all the same."""
        read = {f.leaf.source for f in self.sheet.facts.values() if isinstance(f.leaf, Leaf)}
        for value in self.old.values:
            if value.kind == "parameter" and value.id not in read:
                id = self.names.unique(re.sub(r"\W+", "_", value.id))
                self.values[id] = Value(id, "parameter", value.type, symbol_text(id), (), value.names, origin=value.origin)

    def _in_order(self, inputs: list[Value]) -> list[Value]:
        order = [name for port in self.old.inputs for name in self.old.value_by_id[port.value].names]
        return sorted(inputs, key=lambda v: next((n for n, o in enumerate(order) if v.names and v.names[0].startswith(o)), 99))

    # ---- ops -----------------------------------------------------------------------------------------------------------------

    def _step(self, step: Step) -> None:
        target = self.names.target(step.value)
        owner = self.names.ids[target] if target is not None else "value"
        wanted, count = f"{owner}/{step.kind}", 0
        id = wanted
        while id in self.used:
            count += 1
            id = f"{wanted}@{count}"
        self.used.add(id)
        fact = self.sheet.facts[step.value]
        out = self.names.ids.get(step.value)
        named = out is not None
        if out is None:
            out = self.names.ids[step.value] = f"{id}.out"
        axes = (self.axes[fact.axis].id,) if fact.axis is not None else ()
        base = out.partition("[")[0]
        self.values[out] = Value(out, "computed", self._type(fact), symbol_text(base) if named else (), axes, origin=step.origin)
        scope = self._plate(step.axis) if step.axis is not None else self.old.name
        slots = tuple(Slot(name, tuple(self._ref(step, use) for use in uses)) for name, uses in step.slots)
        attributes = tuple((k, self.axes[int(v)].id if k == "axis" else v) for k, v in step.attributes)  # type: ignore[arg-type]
        self.ops.append(Op(id, step.kind, slots, (out,), scope, attributes))

    def _taken_before(self, step: Step) -> None:
        """States of other loops that what a step reads starts from."""
        read = {use.value for use in step.uses}
        for entry in [e for e in self.taken if e[2] in read]:
            id, use, _ = entry
            self.taken.remove(entry)
            self.used.add(f"{id}/identity")
            self.ops.append(Op(f"{id}/identity", "identity", (Slot("input", (self._ref(step, use),)),), (id,), self.old.name))

    def _ref(self, step: Step, use: Use) -> Ref:
        fact, id = self.sheet.facts[use.value], self.names.ids[use.value]
        if fact.axis is None or use.every:
            return Ref(id)
        axis = self.axes[fact.axis]
        if use.time is not None:
            return Ref(id, at=((axis.id, self._time(axis, use.time)),))
        return Ref(id, ((axis.id, use.distance),) if use.distance else ())

    def _time(self, axis: Axis, time: int) -> Affine:
        last = axis.extent.name is not None and time == axis.extent.size
        return Affine(((axis.extent.name, 1),)) if last and axis.extent.name else Affine((), time)

    # ---- outputs -------------------------------------------------------------------------------------------------------------

    def _outputs(self) -> tuple[list[Port], list[Note]]:
        """The values that leave; the last states of a sequence that leaves are said in a note."""
        ports: list[Port] = []
        notes: list[Note] = []
        later: list[str] = []
        for port in self.old.outputs:
            places = [place for _, place in self.sheet.outputs.get(port.value, ())]
            whole = self._whole(places)
            if whole is not None:
                ports.append(Port(port.name, whole))
                continue
            words = tuple(self._word(place) for place in places)
            notes.append(Note("", f"output.{port.name}", words, author=AUTHOR))
            later += [self.names.ids[p.value] for p in places if p.value in self.names.ids]
            alone = [p for p in places if p.axis is None and p.value in self.names.ids]
            ports += [
                Port(port.name if len(places) == 1 else f"{port.name}[{n}]", self.names.ids[p.value]) for n, p in enumerate(alone)
            ]
        computed = [id for id in later if self.values[id].kind == "computed"]
        if not ports and computed:
            ports.append(Port(self.old.outputs[0].name, computed[0]))
        return ports, notes

    def _whole(self, places: list[Place]) -> str | None:
        """The value that a list of places is all of."""
        if not places or places[0].value not in self.names.ids:
            return None
        first = places[0]
        if first.axis is None:
            return self.names.ids[first.value] if len(places) == 1 else None
        count = self.sheet.linked.spans[first.axis].count
        every = [(p.value, p.time) for p in places] == [(first.value, t) for t in range(1, count + 1)]
        return self.names.ids[first.value] if every else None

    def _word(self, place: Place) -> str:
        id = self.names.ids.get(place.value, "?")
        return id if place.axis is None else f"{id}[{self.axes[place.axis].id}={place.time}]"


def _part(at: object) -> str:
    """The part of a tensor that a leaf is, as one writes it: ``[0:4]``, ``[:, t]``; nothing for all of it."""
    words = [":" if p is None else f"{p[0]}:{p[0] + p[1]}" if isinstance(p, tuple) else str(p) for p in _tuple(at)]
    while words and words[-1] == ":":
        words.pop()
    return f"[{', '.join(words)}]" if words else ""


def _tuple(at: object) -> tuple[object, ...]:
    return at if isinstance(at, tuple) else ()
