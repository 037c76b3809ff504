"""A graph while its recurrent layers are written out: values, ids, what was taken out and what stands in its place."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.graph import Axis, Dim, Graph, Note, Op, Port, Ref, Scope, Slot, TensorType, Value
from netfig.mathtext import Run, Script, math

if TYPE_CHECKING:
    from netfig.mathtext import Text
    from netfig.passes.expand_find import Found


class Draft:
    """The graph underway. Each layer takes its ops out and puts its equations in the place of the first of them."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values = {v.id: v for v in graph.values}
        self.axes = list(graph.axes)
        self.renamed: dict[str, str] = {}
        self._rows: dict[str, tuple[str, ...]] = {}
        self._by_name = {name: v.id for v in reversed(graph.values) for name in v.names}
        self._used = {*self.values, *(s.id for s in graph.scopes), *(o.id for o in graph.ops)}
        self._new: dict[str, list[Op]] = {}  # by the op in whose place they stand
        self._gone: set[str] = set()
        self._closed: set[str] = set()
        self._plates: dict[str, list[Scope]] = {}
        self._notes: list[Note] = []

    def unique(self, wanted: str) -> str:
        """An id that is not used yet."""
        id, count = wanted, 0
        while id in self._used:
            count += 1
            id = f"{wanted}@{count}"
        self._used.add(id)
        return id

    def add(self, value: Value) -> str:
        """A new value."""
        self.values[value.id] = value
        return value.id

    def parameter(self, name: str) -> str | None:
        """The parameter of a name."""
        return self._by_name.get(name)

    def take_out(self, found: Found) -> tuple[set[str], list[Op]]:
        """Take the ops of a layer out: which of their results others need, and the list of what stands in their place."""
        gone = {op.id for op in found.ops}
        made = [out for op in found.ops for out in op.outputs]
        readers = self.graph.readers
        needed = {out for out in made if any(reader.id not in gone for reader in readers.get(out, ()))}
        for out in made:
            self.values.pop(out, None)
        self._gone |= gone
        self._closed |= found.inner
        self._notes.append(Note(found.scope.id, "expanded", found.kind, author="netfig"))
        return needed, self._new.setdefault(found.ops[0].id, [])

    def is_read_outside(self, value: str, found: Found) -> bool:
        """Whether anything but a layer reads a value."""
        inside = {op.id for op in found.ops}
        return any(op.id not in inside for op in self.graph.readers.get(value, ()))

    def plate(self, id: str, scope: str, axis: str) -> None:
        """A plate in the scope of a layer."""
        self._plates.setdefault(scope, []).append(Scope(id, "plate", scope, axis=axis))

    def say(self, value: str, key: str, word: str) -> None:
        """A note on a value: that it is a ``forget gate``, that an ``LSTM`` makes it."""
        self._notes.append(Note(value, key, word, author="netfig"))

    def recall(self, value: str, id: str) -> None:
        """What was said of a value is said of it under another id."""
        self._notes = [replace(note, subject=id) if note.subject == value else note for note in self._notes]

    def equations(self, definition: Graph) -> None:
        """The equations as they are written, when this is the only layer."""
        if not any(note.key == "equations" for note in self._notes):
            lines = definition.notes_on("")["equations"].value
            assert isinstance(lines, tuple)
            sizeless = tuple(line for line in lines if "=" in str(line))  # the model has numbers for the sizes
            self._notes.append(Note("", "equations", sizeless, author="netfig"))
        else:
            self._notes = [note for note in self._notes if note.key != "equations"]  # the letters would mean two things
            self._notes.append(Note("", "equations", (), author="netfig"))

    def time(self, steps: int | None) -> str:
        """The axis of time; layers over sequences of one length share it."""
        for axis in self.axes:
            if axis.name == "time" and axis.extent.size == steps:
                return axis.id
        count = sum(axis.name == "time" for axis in self.axes)
        self.axes.append(Axis(f"t@{count}" if count else "t", "time", Dim(steps, f"T_{count + 1}" if count else "T"), 1))
        return self.axes[-1].id

    def steps_of(self, sequence: str, axis: str) -> str | None:
        """The value whose steps were put together to a sequence."""
        for ops in self._new.values():
            for op in ops:
                if op.kind == "stack" and op.outputs == (sequence,) and not op.inputs[0].refs[0].at:
                    step = op.inputs[0].refs[0].value
                    return step if axis in self.values[step].axes else None
        return None

    def rows(
        self, parameter: str, names: list[str], size: int, prefix: str, suffix: str, mark: str, ops: list[Op]
    ) -> dict[str, str]:
        """The rows of a fused weight, gate by gate; taken apart once, however often the layer is called."""
        if parameter not in self._rows:
            value = self.values[parameter]
            type = TensorType(value.type.dtype, (Dim(size), *(value.type.shape or ())[1:]))
            made = [Value(self.unique(f"{prefix}{name}{suffix}"), "computed", type, marked(math(name), mark)) for name in names]
            self._rows[parameter] = tuple(map(self.add, made))
            slots = (Slot("input", (Ref(parameter),)),)
            scope = next(s.id for s in self.graph.scopes if parameter in s.owns)
            ops.append(Op(self.unique(f"{prefix}chunk"), "chunk", slots, self._rows[parameter], scope, (("dim", 0),)))
        return dict(zip(names, self._rows[parameter], strict=True))

    def finished(self) -> Graph:
        """The graph."""
        old = self.graph
        ops: list[Op] = []
        for op in old.ops:
            ops += self._new.get(op.id, ())
            if op.id not in self._gone:
                ops.append(op)

        def listed(ids: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(new for id in ids if (new := self.renamed.get(id, id)) in self.values)

        scopes: list[Scope] = []
        for s in old.scopes:
            if s.id not in self._closed:
                scopes.append(replace(s, inputs=listed(s.inputs), outputs=listed(s.outputs), owns=listed(s.owns)))
                scopes += self._plates.get(s.id, [])
        there = {"", *self.values, *(s.id for s in scopes), *(op.id for op in ops), *(a.id for a in self.axes)}
        outputs = (Port(port.name, self.renamed.get(port.value, port.value)) for port in old.outputs)
        return replace(
            old,
            values=tuple(self.values.values()),
            ops=tuple(ops),
            scopes=tuple(scopes),
            outputs=tuple(port for port in outputs if port.value in self.values),
            axes=tuple(self.axes),
            notes=tuple(note for note in (*old.notes, *self._notes) if note.subject in there and note.value != ()),
        )


def marked(symbol: Text, mark: str) -> Text:
    """A symbol with a mark above it: h⁽¹⁾."""
    if not mark or not symbol:
        return symbol
    only = symbol[0]
    above: Text = (Run(mark, "math-upright"),)
    if len(symbol) == 1 and isinstance(only, Script):
        return (replace(only, sup=(*only.sup, *above)),)
    return (Script(symbol, (), above),)
