"""The Graph: what is computed, and nothing about how it looks.

Immutable, ordered, valid by construction. Edges are derived, never stored: an op names the values it reads in its slots and the
values it makes. A value has at most one producer and any number of readers, so sharing (a tied weight, a module called twice) is
one value read by several ops.

Ids are readable, unique and deterministic and never contain ``:``. By convention of the sources: a module call has its dotted
module path as scope id (``layer1.0.conv1``; the second call ``layer1.0.conv1@1``), an op ``<scope id>/<kind>`` (``@1`` when
repeated), a computed value ``<op id>.out`` (``.out1`` …), an input its argument name, a parameter its qualified name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import field
from functools import cached_property
from typing import Literal

from netfig.errors import InvalidGraph
from netfig.mathtext import Text
from netfig.records import dataclass

Attribute = None | bool | int | float | str | tuple["Attribute", ...]
Attributes = tuple[tuple[str, Attribute], ...]

ValueKind = Literal["input", "parameter", "buffer", "constant", "computed"]
ScopeKind = Literal["root", "module", "function", "block", "plate", "step"]
Phase = Literal["forward", "backward", "update"]


@dataclass(frozen=True, slots=True)
class Dim:
    """A size, a name (``d_model``, ``4*d``), or both."""

    size: int | None = None
    name: str | None = None

    def __str__(self) -> str:
        return self.name if self.name is not None else "?" if self.size is None else str(self.size)


@dataclass(frozen=True, slots=True)
class Affine:
    """A sum of names with whole factors and a constant: ``t-1``, ``2*m``, ``K+1``, ``t-i``; names in the order written."""

    terms: tuple[tuple[str, int], ...] = ()
    constant: int = 0

    def __str__(self) -> str:
        text = ""
        for name, factor in self.terms:
            sign = "-" if factor < 0 else "+" if text else ""
            text += sign + (name if abs(factor) == 1 else f"{abs(factor)}*{name}")
        if self.constant or not text:
            text += f"{self.constant:+d}" if text else str(self.constant)
        return text

    @classmethod
    def parse(cls, text: str) -> Affine:
        """What `str` wrote. Raises `ValueError` on anything else."""
        pieces = re.findall(r"[+-]?[^+-]+", text.replace(" ", ""))
        if not pieces or "".join(pieces) != text.replace(" ", ""):
            raise ValueError(f"{text!r} is no sum of names and whole numbers")
        terms: dict[str, int] = {}
        constant = 0
        for piece in pieces:
            found = _TERM.match(piece)
            if not found:
                raise ValueError(f"{piece!r} in {text!r} is neither a name, a whole number nor their product")
            factor = int((found["sign"] or "") + (found["factor"] or "1"))
            name = found["name"] or found["bare"]
            if name:
                terms[name] = terms.get(name, 0) + factor
            else:
                constant += factor
        return cls(tuple((n, f) for n, f in terms.items() if f), constant)

    def at(self, known: Mapping[str, int]) -> Affine:
        """The same with the names in `known` replaced by their numbers."""
        rest = tuple((name, factor) for name, factor in self.terms if name not in known)
        return Affine(rest, self.constant + sum(known[name] * factor for name, factor in self.terms if name in known))

    @property
    def number(self) -> int | None:
        """Its value when no name is left in it, else ``None``."""
        return None if self.terms else self.constant


_TERM = re.compile(r"\A(?P<sign>[+-]?)(?:(?P<factor>\d+)(?:\*(?P<name>[^\W\d]\w*(?:@\d+)?))?|(?P<bare>[^\W\d]\w*(?:@\d+)?))\Z")


@dataclass(frozen=True, slots=True)
class TensorType:
    """dtype (torch's name without ``torch.``, such as ``float32``) and shape; either may be unknown (``None``)."""

    dtype: str | None = None
    shape: tuple[Dim, ...] | None = None

    @property
    def sizes(self) -> tuple[int, ...] | None:
        """The shape as numbers, or ``None`` when any dimension has no known size."""
        if self.shape is None:
            return None
        sizes = tuple(d.size for d in self.shape)
        return None if None in sizes else sizes  # type: ignore[return-value]

    @property
    def numel(self) -> int | None:
        """Number of elements, or ``None`` when unknown."""
        sizes = self.sizes
        if sizes is None:
            return None
        count = 1
        for size in sizes:
            count *= size
        return count


@dataclass(frozen=True, slots=True)
class Axis:
    """Something repeated over: time, layer, head. ``extent`` is how often, ``start`` the first index.

    The name of an extent may be an `Affine` over size names and outer axes (``K+1``; ``t-1`` for one range inside another).
    An axis of things that are alike (see `netfig.graph.repeats`) has `members`: for each index the ids of the scopes and ops
    that one of them is; `table` are names for what differs along it (``("C", (64, 128, 256))``), one entry for each index.
    """

    id: str
    name: str
    extent: Dim = Dim()
    start: int = 0
    members: tuple[tuple[str, ...], ...] = ()
    table: Attributes = ()


@dataclass(frozen=True, slots=True)
class Value:
    """Anything that flows or is stored.

    `names` are all names it is known by (a tied weight has several); `storage` groups values that live in the same memory (an
    in-place write makes a new value in the same storage); `origin` is where it came from (a file and line, a module path);
    `initial` are the boundary values by (axis, index) for a recurrence, each index before the axis starts; `final` are those
    after its end by (axis, distance from the last index: 1 is T+1); the outermost one, when it is a constant, stands for all
    beyond it. `data` is small exact numeric content.
    `feeds` are for a value that no op makes and that is handed on: into a plate over members that are alike, at index k the feed
    k (the last one from then on); out of it, the one feed there is. See `netfig.graph.repeats`.
    """

    id: str
    kind: ValueKind = "computed"
    type: TensorType = TensorType()
    symbol: Text = ()
    axes: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    storage: str | None = None
    grad_of: str | None = None
    initial: tuple[tuple[str, int, str], ...] = ()
    data: tuple[Attribute, ...] | None = None
    origin: str | None = None
    final: tuple[tuple[str, int, str], ...] = ()
    feeds: tuple[Ref, ...] = ()


@dataclass(frozen=True, slots=True)
class Ref:
    """A use of a value, with an index offset for each axis (``h[t-1]`` is ``(("t", -1),)``).

    An index that is no constant distance from the reader's own stands in `at` (``h[t-i]`` is ``(("t", Affine t-i),)``, the last
    state ``h[T]`` is ``(("t", Affine T),)``). Along an axis of the value that neither names, an op inside a plate over that axis
    reads its own index, any other op reads all of them.
    """

    value: str
    offset: tuple[tuple[str, int], ...] = ()
    at: tuple[tuple[str, Affine], ...] = ()


@dataclass(frozen=True, slots=True)
class Slot:
    """A named input of an op; a list argument (``cat``) is one slot with several refs."""

    name: str
    refs: tuple[Ref, ...]


@dataclass(frozen=True, slots=True)
class Op:
    """One application of an operation.

    `kind` is the word people use (``conv2d``, ``linear``, ``add``, ``relu``, ``cat``, ``view``); `attributes` hold the arguments
    that are not values. `writes` names the slots written in place. An op that overwrites a tensor without reading it (``copy_``
    into a fresh buffer, ``out=``) has no slot for the old content.
    """

    id: str
    kind: str
    inputs: tuple[Slot, ...]
    outputs: tuple[str, ...]
    scope: str
    attributes: Attributes = ()
    phase: Phase = "forward"
    writes: tuple[str, ...] = ()

    @property
    def reads(self) -> Iterator[str]:
        """Ids of the values it reads, slot by slot."""
        return (ref.value for slot in self.inputs for ref in slot.refs)

    def attribute(self, key: str, default: Attribute = None) -> Attribute:
        """One attribute."""
        return next((v for k, v in self.attributes if k == key), default)


@dataclass(frozen=True, slots=True)
class Scope:
    """Where ops live.

    ``module``: one call of an ``nn.Module`` (`type_name` its class, `path` its dotted path, `call` which call of it, from 0).
    ``function``: one call of a function made of several ops (``matmul``, ``multi_head_attention_forward``); `type_name` its name.
    ``plate``: repeated over `axis`; ``step``: one step of it. ``block``: a named region. `inputs` and `outputs` are the values
    passed in and handed back, in argument order; a call that changes nothing has its input among its outputs. `attributes` are
    the settings people read (kernel_size, stride, in_features …). `owns` are parameters and buffers declared directly in it.
    """

    id: str
    kind: ScopeKind
    parent: str | None
    type_name: str = ""
    path: str = ""
    call: int = 0
    axis: str | None = None
    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    owns: tuple[str, ...] = ()
    attributes: Attributes = ()

    def attribute(self, key: str, default: Attribute = None) -> Attribute:
        """One attribute."""
        return next((v for k, v in self.attributes if k == key), default)


@dataclass(frozen=True, slots=True)
class Port:
    """A place where a value enters or leaves the graph: ``tokens``, ``output``, ``output.logits``, ``output[0]``."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class Note:
    """A fact computed by someone about a scope, op, value or (subject ``""``) the whole graph."""

    subject: str
    key: str
    value: Attribute
    unit: str = ""
    author: str = ""


@dataclass(frozen=True)
class Graph:
    """See the module docstring. Raises `InvalidGraph` with all violations when a rule is broken."""

    name: str
    values: tuple[Value, ...] = ()
    ops: tuple[Op, ...] = ()
    scopes: tuple[Scope, ...] = ()
    inputs: tuple[Port, ...] = ()
    outputs: tuple[Port, ...] = ()
    axes: tuple[Axis, ...] = ()
    notes: tuple[Note, ...] = ()
    origin: str = ""
    _checked: bool = field(default=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        from netfig.graph.rules import violations  # the rules import the types

        found = violations(self)
        if found:
            raise InvalidGraph(f"graph {self.name!r} breaks {len(found)} rule{'s' if len(found) > 1 else ''}", found)

    @cached_property
    def value_by_id(self) -> Mapping[str, Value]:
        """Values by id."""
        return {v.id: v for v in self.values}

    @cached_property
    def op_by_id(self) -> Mapping[str, Op]:
        """Ops by id."""
        return {o.id: o for o in self.ops}

    @cached_property
    def scope_by_id(self) -> Mapping[str, Scope]:
        """Scopes by id."""
        return {s.id: s for s in self.scopes}

    @cached_property
    def producer(self) -> Mapping[str, Op]:
        """The op that makes a value; inputs, parameters, buffers and constants have none."""
        return {out: op for op in self.ops for out in op.outputs}

    @cached_property
    def readers(self) -> Mapping[str, tuple[Op, ...]]:
        """The ops that read a value, in execution order, each once."""
        found: dict[str, list[Op]] = {}
        for op in self.ops:
            for value in dict.fromkeys(op.reads):
                found.setdefault(value, []).append(op)
        return {k: tuple(v) for k, v in found.items()}

    @cached_property
    def handed_on(self) -> Mapping[str, tuple[str, ...]]:
        """The values that a value is handed on as (see `Value.feeds`); what one member hands the next is left out."""
        found: dict[str, list[str]] = {}
        for value in self.values:
            for feed in value.feeds:
                if not feed.offset:
                    found.setdefault(feed.value, []).append(value.id)
        return {k: tuple(dict.fromkeys(v)) for k, v in found.items()}

    @cached_property
    def children(self) -> Mapping[str, tuple[Scope | Op, ...]]:
        """What stands directly in a scope, in execution order (a scope stands where it was entered)."""
        found: dict[str, list[Scope | Op]] = {s.id: [] for s in self.scopes}
        placed: set[str] = set()
        first: dict[str, int] = {}
        by_id = self.scope_by_id
        for position, op in enumerate(self.ops):
            scope: str | None = op.scope
            while scope is not None and scope not in first:
                first[scope] = position
                scope = by_id[scope].parent
        order = {s.id: i for i, s in enumerate(self.scopes)}
        entries: dict[str, list[tuple[float, int, Scope | Op]]] = {s.id: [] for s in self.scopes}
        for position, op in enumerate(self.ops):
            entries[op.scope].append((position, len(self.scopes), op))
        follows: float = -1.0
        for s in self.scopes:  # a scope without ops stands after whatever was entered before it
            follows = first.get(s.id, follows)
            if s.parent is not None and s.id not in placed:
                placed.add(s.id)
                entries[s.parent].append((float(follows), order[s.id], s))
        for key, listed in entries.items():
            found[key] = [e for _, _, e in sorted(listed, key=lambda entry: entry[:2])]
        return {k: tuple(v) for k, v in found.items()}

    @cached_property
    def plates_around(self) -> Mapping[str, tuple[str, ...]]:
        """The axes of the plates that each scope is or stands in, outermost first."""
        found: dict[str, tuple[str, ...]] = {}
        for s in self.scopes:
            outer = found.get(s.parent or "", ())
            found[s.id] = (*outer, s.axis) if s.kind == "plate" and s.axis is not None else outer
        return found

    @property
    def root(self) -> Scope:
        """The scope without a parent."""
        return next(s for s in self.scopes if s.parent is None)

    def notes_on(self, subject: str) -> Mapping[str, Note]:
        """Notes about one subject by key (the last one of a key wins)."""
        return self._notes.get(subject, {})

    @cached_property
    def _notes(self) -> Mapping[str, Mapping[str, Note]]:
        found: dict[str, dict[str, Note]] = {}
        for note in self.notes:
            found.setdefault(note.subject, {})[note.key] = note
        return found

    @property
    def parameter_count(self) -> int | None:
        """Elements of all parameters, one value counted once; ``None`` when a size is not known."""
        counts = [self.elements(v) for v in self.values if v.kind == "parameter"]
        return None if None in counts else sum(c for c in counts if c is not None)

    def elements(self, value: Value) -> int | None:
        """Elements of a value over all its axes (a family ``Q_i`` for i = 1..3 is three matrices); ``None`` when unknown."""
        count = value.type.numel
        if value.axes and any(axis.members and axis.id in value.axes for axis in self.axes):
            from netfig.graph.repeats_read import elements  # sizes may differ along such an axis

            return elements(self, value)
        for axis in self.axes if value.axes else ():
            if axis.id in value.axes and count is not None:
                count = None if axis.extent.size is None else count * axis.extent.size
        return count

    def text(self) -> str:
        """The graph for people and golden tests: an indented tree of scopes and ops with shapes."""
        from netfig.graph.text import graph_text

        return graph_text(self)
