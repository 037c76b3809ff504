"""The Graph of a program: ops in plates over its axes, weights outside them, boundary values where a state starts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.equations.functions import is_known
from netfig.equations.infer_affine import ONE, minus, number, plus
from netfig.equations.infer_order import edges_of, least_index
from netfig.equations.infer_program import infer
from netfig.equations.infer_tree import MATRIX, VECTOR, AxisRange, Boundary, Node, Thing
from netfig.equations.names import symbol_text
from netfig.graph.build import safe_id
from netfig.graph.types import Affine, Axis, Dim, Graph, Note, Op, Port, Ref, Scope, Slot, TensorType, Value

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.equations.infer_program import Inferred
    from netfig.equations.types import Program
    from netfig.graph.types import Attributes, ValueKind
    from netfig.mathtext import Text

ATOMS = ("read", "number", "size", "index")
"""What is read as it is, without an op."""
NAME = "recurrence"
"""The name of a graph whose program has none."""
IDENTITY = "identity"
"""The data of the constant ``I``: ones on the diagonal, whatever its size."""
_ORDER = {"input": 0, "parameter": 1}
_SLOTS = {
    1: ("input",),
    2: ("left", "right"),
}


def compile(program: Program, sizes: Mapping[str, int] | None = None, *, name: str = "") -> Graph:
    """The rolled graph of a program: one plate for each nest of axes, every weight one value.

    `sizes` are numbers for sizes, whether the program names them or not (``n_x``); they override what it says. `name` is the
    graph's, the program's when left out.

    Raises:
        UsageError: a name in `sizes` is no size of the program.
        InvalidProgram: the program has mistakes, all of which are listed.
    """
    return _Compiler(infer(program, sizes), safe_id(name or program.name or NAME)).graph()


class _Compiler:
    def __init__(self, inferred: Inferred, name: str) -> None:
        self.inferred, self.resolved = inferred, inferred.resolved
        self.program = self.resolved.program
        self.values: dict[str, Value] = {}
        self.ops: list[Op] = []
        self.used: set[str] = {name}
        self.scopes: dict[tuple[str, ...], str] = {(): name}
        self.parents: dict[str, tuple[str, str]] = {}
        self.owner = ""
        self.scalar = TensorType(None, ())

    def graph(self) -> Graph:
        """Everything put together."""
        things = self.resolved.things
        for thing in things.values():
            self._declare(thing)
        for definition in self.inferred.order:
            for boundary in definition.thing.boundaries:
                self._boundary(boundary)
            thing = definition.thing
            if thing.role != "constant":
                self._emit(thing.id, definition.body, thing.id, thing.axes)
        for thing in things.values():
            if thing.definition is None:
                for boundary in thing.boundaries:
                    self._boundary(boundary)
        for thing in things.values():
            self._starts(thing)
        root = self.scopes[()]
        parameters = tuple(v.id for v in self.values.values() if v.kind == "parameter")
        inputs = tuple(Port(t.id, t.id) for t in things.values() if t.role == "input")
        outputs = tuple(Port(name, name) for name in self._outputs())
        scopes = [
            Scope(
                root,
                "root",
                None,
                inputs=tuple(p.value for p in inputs),
                outputs=tuple(p.value for p in outputs),
                owns=parameters,
            )
        ]
        scopes += [Scope(id, "plate", parent, axis=axis) for id, (parent, axis) in self.parents.items()]
        return Graph(
            root,
            tuple(sorted(self.values.values(), key=lambda v: _ORDER.get(v.kind, 2))),
            tuple(self.ops),
            tuple(scopes),
            inputs,
            outputs,
            tuple(self._axis(a) for a in self._axes_in_order()),
            tuple(self._notes()),
        )

    # Values

    def _declare(self, thing: Thing) -> None:
        """The value of a name; one that is a literal is a constant."""
        kind: ValueKind = "computed" if thing.role == "constant" else thing.role
        data: tuple[float | int | str, ...] | None = None
        if thing.definition is not None and not thing.axes and (literal := literal_data(thing.definition.body)) is not None:
            thing.role, kind, data = "constant", "constant", literal
        elif is_identity(thing):
            thing.role, kind, data = "constant", "constant", (IDENTITY,)
        symbol = symbol_text(thing.name if thing.piece is None else f"{thing.name}_{thing.piece}")
        shape = self.inferred.sizes.dims(thing.term)
        self._value(Value(thing.id, kind, TensorType(None, shape), symbol, thing.axes, names=(thing.id,), data=data))

    def _value(self, value: Value) -> str:
        self.values[value.id] = value
        return value.id

    def _constant(self, id: str, data: tuple[float | int | str, ...], symbol: Text = ()) -> str:
        unique, count = id, 0
        while unique in self.values and self.values[unique].data != data:
            count += 1
            unique = f"{id}@{count}"
        if unique not in self.values:
            self._value(Value(unique, "constant", self.scalar, symbol, data=data))
        return unique

    # Scopes and ops

    def _scope(self, nest: tuple[str, ...]) -> str:
        """The plate of a nest of axes, made when first needed."""
        if nest not in self.scopes:
            parent = self._scope(nest[:-1])
            wanted = f"over {nest[-1]}" if len(nest) == 1 else f"{parent}/over {nest[-1]}"
            self.scopes[nest] = wanted
            self.used.add(wanted)
            self.parents[wanted] = (parent, nest[-1])
        return self.scopes[nest]

    def _op(self, kind: str, slots: list[tuple[str, list[Ref]]], node: Node, target: str | None, attributes: Attributes) -> Ref:
        wanted = f"{self.owner}/{kind}"
        id, count = wanted, 0
        while id in self.used:
            count += 1
            id = f"{wanted}@{count}"
        self.used.add(id)
        if target is None:
            target = f"{id}.out"
            shape = self.inferred.sizes.dims(node.term)
            self._value(Value(target, "computed", TensorType(None, shape), axes=node.nest))
        inputs = tuple(Slot(name, tuple(refs)) for name, refs in slots)
        self.ops.append(Op(id, kind, inputs, (target,), self._scope(node.nest), attributes))
        return Ref(target)

    def _emit(self, owner: str, body: Node, target: str, axes: tuple[str, ...]) -> None:
        """The ops of an equation; the last one makes the named value."""
        self.owner = owner
        if body.op in ATOMS:
            self._op("identity", [("input", [self._ref(body)])], body, target, ())
        else:
            self._ref(body, target)

    def _ref(self, node: Node, target: str | None = None) -> Ref:
        """What a node's value is read as; the ops that make it are added."""
        match node.op:
            case "read":
                assert node.thing is not None
                return Ref(node.thing.id, node.offset, node.at)
            case "number":
                return Ref(self._constant(node.name, (_literal(node.name),)))
            case "size":
                known = self.resolved.sizes.get(node.name)
                return Ref(self._constant(node.name, (known if known is not None else node.name,), symbol_text(node.name)))
            case "index":
                assert node.index is not None
                return self._op("index", [], node, target, (("index", str(node.index)),))
            case "stack" | "reduce":
                return self._gathered(node, target)
            case "cat":
                return self._op("cat", [("values", [self._ref(p) for p in node.parts])], node, target, ())
            case "select":
                first = self._first(node.parts[0])
                settings: Attributes = (("index", str(node.index)), ("start", _plain(first)))
                return self._op("select", [("input", [self._ref(node.parts[0])])], node, target, settings)
            case "call" if not is_known(node.name):
                names = _SLOTS[1] if len(node.parts) == 1 else tuple(f"input{i}" for i in range(len(node.parts)))
                refs = [(name, [self._ref(p)]) for name, p in zip(names, node.parts, strict=True)]
                return self._op("function", refs, node, target, (("name", node.name),))
        if _is_turned_vector(node):  # a row has the numbers of its vector: what it is multiplied with tells them apart
            part = node.parts[0]
            if target is None or part.op not in ATOMS:
                return self._ref(part, target)
            return self._op("identity", [("input", [self._ref(part)])], node, target, ())
        parts = [self._ref(part) for part in node.parts]
        names = _SLOTS[len(parts)]
        return self._op(self._kind(node), [(name, [ref]) for name, ref in zip(names, parts, strict=True)], node, target, ())

    def _kind(self, node: Node) -> str:
        if node.op == "call":
            return node.name
        if node.op not in ("product", "sign"):
            return node.op
        match [part.term.kinds for part in node.parts]:
            case [1, 1]:
                return "mul"
            case [1, _] | [_, 1]:
                return "scale"
            case [4, 2] | [2, 2]:
                return "dot"
            case [2, 4]:
                return "outer"
        return "matmul"

    def _gathered(self, node: Node, target: str | None) -> Ref:
        """A list or a sum over a range: one slot with a reference for each piece, collected along its axis."""
        refs = [self._member(part, axis) for part, axis in zip(node.parts, node.gathers, strict=True)]
        axes = tuple(axis for axis in node.gathers if axis is not None)
        kind = "stack" if node.op == "stack" else node.name
        attributes: Attributes = (("axis", axes[0] if len(axes) == 1 else axes),) if axes else ()
        return self._op(kind, [("values", refs)], node, target, attributes)

    def _member(self, part: Node, axis: str | None) -> Ref:
        """One part of a list or sum: a read at another index than the range's own is put into the plate of the range."""
        thing = part.thing
        if axis is not None and part.op in ATOMS:
            indices = {a for a, _ in (*part.offset, *part.at)}
            if thing is None or axis not in thing.axes or axis in indices or any(axis in dict(i.terms) for _, i in part.at):
                return self._op("identity", [("input", [self._ref(part)])], part, None, ())
        return self._ref(part)

    def _first(self, node: Node, depth: int = 0) -> Affine:
        """The index of the first component of a vector: that of the list it was made from, otherwise 1."""
        if depth > 50:
            return ONE
        if node.op == "stack" and node.first is not None:
            return node.first
        if node.op == "read" and node.thing is not None:
            definition = node.thing.definition
            return self._first(definition.body, depth + 1) if definition is not None else ONE
        if node.op in ("call", "neg", "pow", "add", "sub", "mul", "div", "product"):
            for part in node.parts:
                if part.term.kinds == VECTOR:
                    return self._first(part, depth + 1)
        return ONE

    # Boundary values

    def _boundary(self, boundary: Boundary) -> None:
        """A value given at a fixed index: a name itself, a literal, or what an expression gives."""
        thing = boundary.thing
        id = f"{thing.id}[{boundary.axis}={boundary.index}]"
        body = boundary.body
        if body.op == "read" and not body.at and not body.offset and body.thing is not None:
            target = body.thing.id
            if set(body.thing.axes) <= set(thing.axes) - {boundary.axis} and body.thing.role != "constant":
                self._starts_from(thing, boundary.axis, boundary.index, target)
                return
        axes = tuple(a for a in thing.axes if a != boundary.axis)
        data = literal_data(body)
        shape = self.inferred.sizes.dims(thing.term)
        symbol = self.values[thing.id].symbol
        if data is not None:
            self._value(Value(id, "constant", TensorType(None, shape), symbol, axes, names=(id,), data=data))
        else:
            self._value(Value(id, "computed", TensorType(None, shape), symbol, axes, names=(id,)))
            self._emit(id, body, id, axes)
        self._starts_from(thing, boundary.axis, boundary.index, id)

    def _starts_from(self, thing: Thing, axis: str, index: Affine, value: str) -> None:
        """Note a boundary value: before the axis starts at an index, after its end at a distance from the last one."""
        span = self.resolved.axes[axis]
        known = {word: size for word, size in self.resolved.sizes.items() if size is not None}
        before = index.at(known).number
        last = span.last if span.last is not None else Affine(((span.end, 1),))
        after = minus(index, last).at(known).number
        first = span.first.at(known).number
        old = self.values[thing.id]
        if before is not None and first is not None and before < first:
            self.values[thing.id] = _with(old, initial=(*old.initial, (axis, before, value)))
        elif after is not None and after > 0:
            self.values[thing.id] = _with(old, final=(*old.final, (axis, after, value)))

    def _starts(self, thing: Thing) -> None:
        """Zeros wherever a value is read outside its range and nothing is given there."""
        known = {word: size for word, size in self.resolved.sizes.items() if size is not None}
        for node in thing.reads:
            for axis in thing.axes:
                if axis not in dict(node.offset) and axis not in dict(node.at):
                    continue
                if axis in dict(node.at) and not any(word in self.resolved.axes for word, _ in dict(node.at)[axis].terms):
                    continue  # h[T], h[0]: one place, named by the user
                least, greatest = least_index(self.resolved, thing, axis, node)
                span = self.resolved.axes[axis]
                last = span.last if span.last is not None else Affine(((span.end, 1),))
                first = span.first.at(known).number
                low = None if least is None else least.at(known).number
                if first is not None and least is not None:
                    for index in range(low if low is not None else first - 1, first):
                        self._zero(thing, axis, number(index))
                over = None if greatest is None else minus(greatest, last).at(known).number
                for distance in range(1, (over or 0) + 1):
                    self._zero(thing, axis, plus(last, number(distance)))

    def _zero(self, thing: Thing, axis: str, index: Affine) -> None:
        value = self.values[thing.id]
        known = {word: size for word, size in self.resolved.sizes.items() if size is not None}
        span = self.resolved.axes[axis]
        last = span.last if span.last is not None else Affine(((span.end, 1),))
        after = minus(index, last).at(known).number
        before = index.at(known).number
        if any(a == axis and i == before for a, i, _ in value.initial) or any(
            a == axis and i == after for a, i, _ in value.final
        ):
            return
        id = f"{thing.id}[{axis}={before if before is not None else index}]"
        if id in self.values:
            return
        axes = tuple(a for a in thing.axes if a != axis)
        self._value(Value(id, "constant", value.type, value.symbol, axes, names=(id,), data=(0,)))
        self._starts_from(thing, axis, index, id)

    # The rest

    def _outputs(self) -> list[str]:
        """What nothing reads: the answers; without any, the states that nothing reads in the same step."""
        edges = edges_of(self.resolved)
        now = {e.read for e in edges if e.is_now}
        made = [d.thing.id for d in self.inferred.order if d.thing.role == "computed"]
        read = {e.read for e in edges}
        return [one for one in made if one not in read] or [one for one in made if one not in now] or made[-1:]

    def _axes_in_order(self) -> list[AxisRange]:
        """Axes that something is repeated over; one whose range depends on another after it."""
        used = {a for v in self.values.values() for a in v.axes} | {axis for _, axis in self.parents.values()}
        return [a for a in self.resolved.axes.values() if a.id in used]

    def _axis(self, axis: AxisRange) -> Axis:
        known = {word: size for word, size in self.resolved.sizes.items() if size is not None}
        last = axis.last if axis.last is not None else Affine(((axis.end, 1),))
        extent = plus(minus(last, axis.first), ONE)
        size = extent.at(known).number
        start = axis.first.at(known).number
        return Axis(axis.id, axis.word, Dim(size, str(extent) if extent.terms else None), 1 if start is None else start)

    def _notes(self) -> list[Note]:
        from netfig.equations.writer import write

        lines = tuple(line for line in write(replace(self.program, title="")).split("\n") if line.strip())
        notes = [Note("", "equations", lines, author="netfig")]
        if self.program.title:
            notes.append(Note("", "title", self.program.title, author="netfig"))
        labels = {t.id: t.definition.equation.label for t in self.resolved.things.values() if t.definition is not None}
        return [*notes, *(Note(id, "label", label, author="netfig") for id, label in labels.items() if label)]


def _is_turned_vector(node: Node) -> bool:
    return node.op == "transpose" and node.parts[0].term.kinds != MATRIX


def is_identity(thing: Thing) -> bool:
    """Whether a name is the identity matrix: ``I``, which nothing defines."""
    return thing.name == "I" and thing.definition is None and not thing.axes and thing.term.kinds == MATRIX


def literal_data(node: Node) -> tuple[float | int, ...] | None:
    """The numbers of a literal or a list of literals."""
    if node.op == "number":
        return (_literal(node.name),)
    if node.op == "neg":
        inner = literal_data(node.parts[0])
        return None if inner is None else tuple(-one for one in inner)
    if node.op == "cat":
        parts = [literal_data(part) for part in node.parts]
        return None if None in parts else tuple(one for part in parts if part is not None for one in part)
    return None


def _literal(text: str) -> float | int:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _plain(affine: Affine) -> int | str:
    return affine.constant if not affine.terms else str(affine)


def _with(
    value: Value,
    *,
    initial: tuple[tuple[str, int, str], ...] | None = None,
    final: tuple[tuple[str, int, str], ...] | None = None,
) -> Value:
    if initial is not None:
        return replace(value, initial=initial)
    return replace(value, final=final or ())
