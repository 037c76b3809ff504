"""A builder for graphs: names things uniquely and turns plain Python into the types."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from netfig.graph.types import Attribute, Axis, Dim, Graph, Note, Op, Port, Ref, Scope, Slot, TensorType, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfig.graph.types import Phase, ScopeKind, ValueKind
    from netfig.mathtext import Text

    Reads = str | Ref | Sequence[str | Ref]


def safe_id(text: str) -> str:
    """A text as an id: ``:`` and characters no id may have become ``_``; an empty one becomes ``_``."""
    if text and text.isprintable() and ":" not in text:
        return text
    bad = ("Cc", "Cs", "Zl", "Zp")
    return "".join("_" if c == ":" or unicodedata.category(c) in bad else c for c in text) or "_"


def tensor_type(shape: Iterable[int | str | Dim | None] | None, dtype: str | None = "float32") -> TensorType:
    """A type from plain sizes: ``tensor_type((1, "d", None))``; a word is a named size, ``None`` an unknown one."""
    return TensorType(dtype, None if shape is None else tuple(_dim(size) for size in shape))


def _dim(size: int | str | Dim | None) -> Dim:
    if isinstance(size, Dim):
        return size
    return Dim(name=size) if isinstance(size, str) else Dim(size)


def attribute(value: object) -> Attribute:
    """A Python value as an attribute; what JSON cannot keep becomes its text without a memory address."""
    if value is None or type(value) in (bool, int, float, str):
        return value  # type: ignore[return-value]
    if isinstance(value, (list, tuple)):
        return tuple(attribute(item) for item in value)
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain(value)
    if isinstance(value, type) or callable(value):
        return str(getattr(value, "__qualname__", type(value).__name__))
    text = str(value)
    return type(value).__name__ if " at 0x" in text else text.removeprefix("torch.")


def _settings(given: Mapping[str, object]) -> tuple[tuple[str, Attribute], ...]:
    """Keyword settings as attributes, in the order given."""
    return tuple((key, attribute(value)) for key, value in given.items())


class GraphBuilder:
    """Collects values, ops and scopes in execution order; `finish` checks the rules and hands back the Graph.

    ::

        b = GraphBuilder("net")
        x = b.input("x", (1, 8))
        with b.scope("fc", type_name="Linear", inputs=[x]) as fc:
            y = b.op("linear", {"input": x, "weight": b.parameter("fc.weight", (2, 8))}, shape=(1, 2))
            fc.outputs = [y]
        b.output("output", y)
        graph = b.finish()
    """

    def __init__(self, name: str, *, type_name: str = "", origin: str = "") -> None:
        self.name, self.origin = name, origin
        self._used: dict[str, int] = {}
        self._values: dict[str, Value] = {}
        self._ops: list[Op] = []
        self._scopes: list[ScopeUnderway] = []
        self._open: list[ScopeUnderway] = []
        self._inputs: list[Port] = []
        self._outputs: list[Port] = []
        self._axes: list[Axis] = []
        self._notes: list[Note] = []
        root = Scope(self.unique(name, "scope"), "root", None, type_name=type_name)
        self._open.append(ScopeUnderway(self, root))
        self._scopes.append(self._open[0])

    @property
    def current(self) -> ScopeUnderway:
        """The scope that ops are put into now."""
        return self._open[-1]

    def unique(self, wanted: str, kind: str = "op") -> str:
        """An id not used yet among this kind of things: the wanted one, or it with ``@1``, ``@2`` …

        Ops and scopes are one kind: no op is called like a scope.
        """
        wanted = safe_id(wanted)
        kind = "op" if kind == "scope" else kind
        key = f"{kind}:{wanted}"
        count = self._used.get(key, 0)
        while True:
            found = wanted if count == 0 else f"{wanted}@{count}"
            count += 1
            self._used[key] = count
            if found == wanted or f"{kind}:{found}" not in self._used:
                self._used.setdefault(f"{kind}:{found}", 1)
                return found

    def value(
        self,
        id: str,
        shape: Iterable[int | str | Dim | None] | None = None,
        *,
        kind: ValueKind = "computed",
        dtype: str | None = "float32",
        symbol: Text = (),
        axes: Sequence[str] = (),
        names: Sequence[str] = (),
        storage: str | None = None,
        grad_of: str | None = None,
        initial: Sequence[tuple[str, int, str]] = (),
        data: Sequence[object] | None = None,
        origin: str | None = None,
        final: Sequence[tuple[str, int, str]] = (),
    ) -> str:
        """Add a value and hand back its id."""
        unique = self.unique(id, "value")
        content = None if data is None else tuple(attribute(item) for item in data)
        self._values[unique] = Value(
            unique,
            kind,
            tensor_type(shape, dtype),
            symbol=symbol,
            axes=tuple(axes),
            names=tuple(names),
            storage=storage,
            grad_of=grad_of,
            initial=tuple(initial),
            data=content,
            origin=origin,
            final=tuple(final),
        )
        return unique

    def input(self, name: str, shape: Iterable[int | str | Dim | None] | None = None, *, dtype: str | None = "float32") -> str:
        """Add an input value and the port that brings it in."""
        found = self.value(name, shape, kind="input", dtype=dtype)
        self._inputs.append(Port(name, found))
        self.current.inputs.append(found)
        return found

    def enters(self, name: str, value: str) -> None:
        """Say that a value made by `value` enters the graph under a name."""
        self._inputs.append(Port(name, value))
        self.current.inputs.append(value)

    def parameter(
        self,
        name: str,
        shape: Iterable[int | str | Dim | None] | None,
        *,
        names: Sequence[str] = (),
        dtype: str | None = "float32",
        owned: bool = True,
        symbol: Text = (),
    ) -> str:
        """Add a parameter; the current scope owns it unless `owned` is false."""
        found = self.value(name, shape, kind="parameter", dtype=dtype, names=tuple(names) or (name,), symbol=symbol)
        if owned:
            self.current.owns.append(found)
        return found

    def buffer(self, name: str, shape: Iterable[int | str | Dim | None] | None, *, dtype: str | None = "float32") -> str:
        """Add a buffer that the current scope owns."""
        found = self.value(name, shape, kind="buffer", dtype=dtype, names=(name,))
        self.current.owns.append(found)
        return found

    def constant(self, name: str, shape: Iterable[int | str | Dim | None] = (), *, data: Sequence[object] | None = None) -> str:
        """Add a constant."""
        return self.value(name, shape, kind="constant", data=data)

    def axis(self, id: str, name: str, extent: int | str | Dim | None = None, *, start: int = 0) -> str:
        """Add an axis and hand back its id."""
        self._axes.append(Axis(safe_id(id), name, _dim(extent), start))
        return self._axes[-1].id

    def scope(
        self,
        id: str,
        kind: ScopeKind = "module",
        *,
        type_name: str = "",
        path: str | None = None,
        call: int = 0,
        axis: str | None = None,
        inputs: Sequence[str] = (),
        outputs: Sequence[str] = (),
        owns: Sequence[str] = (),
        attributes: Mapping[str, object] | None = None,
    ) -> ScopeUnderway:
        """Add a scope inside the current one; use it as a context manager to put ops into it."""
        given = _settings(attributes or {})
        path = (id if kind == "module" else "") if path is None else path
        made = Scope(self.unique(id, "scope"), kind, self.current.id, type_name, path, call, axis, attributes=given)
        underway = ScopeUnderway(self, made)
        underway.inputs, underway.outputs, underway.owns = list(inputs), list(outputs), list(owns)
        self._scopes.append(underway)
        return underway

    def op(
        self,
        kind: str,
        inputs: Mapping[str, Reads],
        *,
        shape: Iterable[int | str | Dim | None] | None = None,
        dtype: str | None = "float32",
        id: str | None = None,
        outputs: Sequence[str] | None = None,
        attributes: Mapping[str, object] | None = None,
        phase: Phase = "forward",
        writes: Sequence[str] = (),
        storage: str | None = None,
    ) -> str:
        """Add an op in the current scope and hand back the id of its (first) output.

        Without `outputs` one computed value of the given shape is made for it.
        """
        where = self.current
        op_id = self.unique(id or (kind if where.scope.kind == "root" else f"{where.id}/{kind}"), "op")
        if outputs is None:
            outputs = [self.value(f"{op_id}.out", shape, dtype=dtype, storage=storage)]
        slots = tuple(Slot(name, _refs(reads)) for name, reads in inputs.items())
        given = _settings(attributes or {})
        self._ops.append(Op(op_id, kind, slots, tuple(outputs), where.id, given, phase, tuple(writes)))
        return outputs[0] if outputs else ""

    def output(self, name: str, value: str) -> None:
        """Say that a value leaves the graph under a name."""
        self._outputs.append(Port(name, value))
        self._scopes[0].outputs.append(value)

    def note(self, subject: str, key: str, value: object, *, unit: str = "", author: str = "netfig") -> None:
        """Add a note."""
        self._notes.append(Note(subject, key, attribute(value), unit, author))

    def finish(self) -> Graph:
        """The graph; raises `InvalidGraph` with all violations when a rule is broken."""
        return Graph(
            self.name,
            tuple(self._values.values()),
            tuple(self._ops),
            tuple(underway.finished() for underway in self._scopes),
            tuple(self._inputs),
            tuple(self._outputs),
            tuple(self._axes),
            tuple(self._notes),
            self.origin,
        )


def _refs(reads: Reads) -> tuple[Ref, ...]:
    if isinstance(reads, (str, Ref)):
        reads = [reads]
    return tuple(Ref(read) if isinstance(read, str) else read for read in reads)


class ScopeUnderway:
    """A scope being filled; `inputs`, `outputs` and `owns` are lists until the graph is finished."""

    def __init__(self, builder: GraphBuilder, scope: Scope) -> None:
        self._builder, self.scope, self.id = builder, scope, scope.id
        self.inputs: list[str] = []
        self.outputs: list[str] = []
        self.owns: list[str] = []

    def __enter__(self) -> ScopeUnderway:
        self._builder._open.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._builder._open.pop()

    def finished(self) -> Scope:
        """The scope as it stands now."""
        s = self.scope
        filled = tuple(self.inputs), tuple(self.outputs), tuple(self.owns)
        return Scope(s.id, s.kind, s.parent, s.type_name, s.path, s.call, s.axis, *filled, s.attributes)
