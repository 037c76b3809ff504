"""The rules every Graph keeps, checked once when it is built.

Each rule has a number that its messages start with:

- G1  ids are unique within values, within axes, and within ops and scopes together.
- G2  an id is text, not empty, and has no ``:``, control character or lone surrogate.
- G3  what is named exists: values in slots, outputs, scopes' inputs, outputs and `owns`, `grad_of`; an op's scope.
- G4  a computed value has exactly one producer, or is fed (`Value.feeds`) and has none; any other value has none.
- G5  a value is read after it was made (a read at another index of an axis may come before).
- G6  scopes form one tree: one root (kind ``root``), parents listed before their children.
- G7  what an op writes is one of its slots or a known storage, and it makes a new value in that storage.
- G8  nothing reads, and no output port names, a value whose storage was overwritten since it was made.
- G9  ports name existing values; port names are unique among the inputs and among the outputs.
- G10 axes that are named exist; plates and steps have one; indices are along axes of the value that is read, and boundary values
  fit (see `netfig.graph.plates_rules`).
- G11 a note is about the graph (``""``) or something that exists.
- G12 attributes, note values and data are None, bool, int, float, str or tuples of these (nested 32 deep at most); keys and slot
  names do not repeat.
- G13 kinds and phases are known; sizes are whole numbers, not negative.

This runs inside every trace: one pass, one set look-up for each read, messages only when something is wrong.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, Final, get_args

from netfig.graph.types import Phase, ScopeKind, ValueKind

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from netfig.graph.types import Attributes, Graph, Note, Op, Port, Ref, Scope, Value

VALUE_KINDS: Final = frozenset(get_args(ValueKind))
SCOPE_KINDS: Final = frozenset(get_args(ScopeKind))
PHASES: Final = frozenset(get_args(Phase))
MAX_NESTING: Final = 32
"""Tuples in an attribute nest no deeper than this."""
_SCALARS: Final = frozenset((type(None), bool, int, float, str))
_SIZES: Final = frozenset((type(None), int))
_BAD_CATEGORIES: Final = frozenset(("Cc", "Cs", "Zl", "Zp"))


def violations(graph: Graph) -> list[str]:
    """All broken rules of a graph, each as one line that starts with the rule's number; empty when it is valid."""
    found: list[str] = []
    value_ids = [v.id for v in graph.values]
    op_ids = [o.id for o in graph.ops]
    scope_ids = [s.id for s in graph.scopes]
    axis_ids = [a.id for a in graph.axes]
    _ids(found, (("value", value_ids), ("op", op_ids), ("scope", scope_ids), ("axis", axis_ids)))
    known, scopes, axes = set(value_ids), set(scope_ids), set(axis_ids)
    found += [f"G1: an op and a scope have the id {one!r}" for one in op_ids if one in scopes]
    _values(found, graph.values, known, axes)
    _scopes(found, graph.scopes, known, axes)
    if any(op.writes for op in graph.ops):
        fresh = _ops_that_write(found, graph, known, scopes, axes)
    else:
        fresh = _ops(found, graph, known, scopes, axes)
    _ports(found, "input", graph.inputs, known, known)
    _ports(found, "output", graph.outputs, known, fresh)
    if graph.axes:
        from netfig.graph.plates_rules import plate_violations  # most graphs have no axis

        found += plate_violations(graph)
    if graph.notes:
        _notes(found, graph.notes, {"", *value_ids, *op_ids, *scope_ids, *axis_ids})
    return found


def is_attribute(value: object) -> bool:
    """Whether a value may stand in an attribute, a note or `data`: exactly the types that JSON gives back unchanged."""
    kind = type(value)
    if kind in _SCALARS or (kind is tuple and _SCALARS.issuperset(map(type, value))):  # type: ignore[call-overload]
        return True
    level = [value]
    for _ in range(MAX_NESTING):
        inner: list[object] = []
        for item in level:
            if type(item) is tuple:
                inner.extend(item)
            elif type(item) not in _SCALARS:
                return False
        if not inner:
            return True
        level = inner
    return False


def id_problem(text: object) -> str:
    """Why a text cannot be an id, or ``""``."""
    if not isinstance(text, str):
        return f"is {type(text).__name__}, not text"
    if not text:
        return "is empty"
    if ":" in text:
        return "contains ':'"
    for char in text:
        if unicodedata.category(char) in _BAD_CATEGORIES:
            return f"contains the character U+{ord(char):04X}"
    return ""


def _ids(found: list[str], kinds: Iterable[tuple[str, list[str]]]) -> None:
    for kind, ids in kinds:
        if not ids:
            continue
        if len(set(ids)) != len(ids):
            seen: set[str] = set()
            for one in ids:
                if one in seen:
                    found.append(f"G1: two {_plural(kind)} have the id {one!r}")
                seen.add(one)
        try:
            together = "".join(ids)
        except TypeError:
            together = ":"
        if "" in ids or ":" in together or not together.isprintable():  # rare: look at each
            found.extend(f"G2: the id of {kind} {one!r} {why}" for one in ids if (why := id_problem(one)))


def _plural(kind: str) -> str:
    return "axes" if kind == "axis" else kind + "s"


def _values(found: list[str], values: tuple[Value, ...], known: set[str], axes: set[str]) -> None:
    kinds, sizes = VALUE_KINDS, _SIZES
    for v in values:
        if v.kind not in kinds:
            found.append(f"G13: value {v.id!r} has the unknown kind {v.kind!r}")
        shape = v.type.shape
        if shape:
            for dim in shape:
                size = dim.size
                if type(size) not in sizes or (size is not None and size < 0):
                    found.append(f"G13: value {v.id!r} has a dimension of size {size!r}")
        if v.axes or v.initial or v.final or v.grad_of is not None or v.data is not None or v.feeds:
            _rare_value(found, v, known, axes)


def _rare_value(found: list[str], v: Value, known: set[str], axes: set[str]) -> None:
    found += [f"G10: value {v.id!r} has the axis {axis!r}, which does not exist" for axis in v.axes if axis not in axes]
    if v.grad_of is not None and v.grad_of not in known:
        found.append(f"G3: value {v.id!r} is the gradient of {v.grad_of!r}, which does not exist")
    for word, verb, listed in (("an initial", "starts from", v.initial), ("a final", "ends with", v.final)):
        for axis, index, boundary in listed:
            if axis not in v.axes:
                found.append(f"G10: value {v.id!r} has {word} value along {axis!r}, which is not one of its axes")
            if boundary not in known:
                found.append(f"G3: value {v.id!r} {verb} {boundary!r} at index {index}, which does not exist")
    if v.data is not None and not is_attribute(v.data):
        found.append(f"G12: the data of value {v.id!r} are not plain numbers or text")
    if v.feeds and v.kind != "computed":
        found.append(f"G4: value {v.id!r} is of kind {v.kind!r} and is fed")
    found += [f"G3: value {v.id!r} is fed by {one.value!r}, which does not exist" for one in v.feeds if one.value not in known]
    named = {axis for one in v.feeds for axis, _ in (*one.offset, *one.at)}
    found += [f"G10: value {v.id!r} is fed along the axis {axis!r}, which does not exist" for axis in sorted(named - axes)]


def _scopes(found: list[str], scopes: tuple[Scope, ...], known: set[str], axes: set[str]) -> None:
    kinds, entered, roots = SCOPE_KINDS, set(), []
    all_ids: set[str] | None = None
    for s in scopes:
        parent, kind = s.parent, s.kind
        if parent is None:
            roots.append(s.id)
        elif parent not in entered:
            all_ids = all_ids or {other.id for other in scopes}
            why = "is listed after it" if parent in all_ids and parent != s.id else "is not there"
            found.append(f"G6: the parent {parent!r} of scope {s.id!r} {why if parent != s.id else 'is the scope itself'}")
        entered.add(s.id)
        if kind not in kinds:
            found.append(f"G13: scope {s.id!r} has the unknown kind {kind!r}")
        elif (kind == "root") != (parent is None):
            found.append(f"G6: scope {s.id!r} is of kind {kind!r} and has {'no' if parent is None else 'a'} parent")
        if s.axis is not None or kind in ("plate", "step"):
            _axis_of_scope(found, s, axes)
        if not (known.issuperset(s.inputs) and known.issuperset(s.outputs) and known.issuperset(s.owns)):
            for what, listed in (("takes", s.inputs), ("hands back", s.outputs), ("owns", s.owns)):
                found += [f"G3: scope {s.id!r} {what} {v!r}, which does not exist" for v in listed if v not in known]
        if s.attributes:
            _attributes(found, "scope", s.id, s.attributes)
    if len(roots) != 1:
        found.append(f"G6: {'several roots: ' + ', '.join(map(repr, roots)) if roots else 'no scope is the root'}")


def _axis_of_scope(found: list[str], s: Scope, axes: set[str]) -> None:
    if s.axis is None:
        found.append(f"G10: the {s.kind} {s.id!r} has no axis")
    elif s.axis not in axes:
        found.append(f"G10: scope {s.id!r} has the axis {s.axis!r}, which does not exist")


def _attributes(found: list[str], what: str, owner: str, attributes: Attributes) -> None:
    by_key = dict(attributes)
    if len(by_key) != len(attributes):
        found.append(f"G12: an attribute of {what} {owner!r} is given twice")
    for key, value in by_key.items():
        if type(value) not in _SCALARS and not is_attribute(value):
            found.append(f"G12: the attribute {key!r} of {what} {owner!r} is {type(value).__name__}, which JSON cannot keep")


def _ops(found: list[str], graph: Graph, known: set[str], scopes: set[str], axes: set[str]) -> set[str]:
    """Check the ops of a graph that writes nothing in place; hands back the values that may be read at the end."""
    ready = {v.id for v in graph.values if v.kind != "computed" or v.feeds}
    pending = known - ready
    for op in graph.ops:
        for slot in op.inputs:
            for ref in slot.refs:
                if ref.value not in ready or ref.offset or ref.at:
                    _read(found, graph, op, ref, pending, ready, axes)
        for out in op.outputs:
            if out in pending:
                pending.remove(out)
                ready.add(out)
            else:
                _made(found, op, out, known, graph)
        _op(found, op, scopes)
    _not_made(found, graph, pending)
    return ready | pending


def _op(found: list[str], op: Op, scopes: set[str]) -> None:
    if op.scope not in scopes:
        found.append(f"G3: op {op.id!r} stands in the scope {op.scope!r}, which does not exist")
    if op.phase not in PHASES:
        found.append(f"G13: op {op.id!r} is in the unknown phase {op.phase!r}")
    attributes, inputs = op.attributes, op.inputs
    if attributes:
        _attributes(found, "op", op.id, attributes)
    if len(inputs) > 1 and len({slot.name for slot in inputs}) != len(inputs):
        found.append(f"G12: a slot name of op {op.id!r} is used twice")


def _ops_that_write(found: list[str], graph: Graph, known: set[str], scopes: set[str], axes: set[str]) -> set[str]:
    """The same for a graph with in-place writes: a write makes all older values of its storage unreadable."""
    storage = {v.id: v.storage for v in graph.values if v.storage is not None}
    storages = set(storage.values())
    fed = {v.id for v in graph.values if v.feeds}  # read at another time than they stand for: what wrote since is not known
    ready = {v.id for v in graph.values if v.kind != "computed" or v.feeds}
    pending = known - ready
    living: dict[str, list[str]] = {}
    for value in ready:
        if value in storage and value not in fed:
            living.setdefault(storage[value], []).append(value)
    for op in graph.ops:
        for slot in op.inputs:
            for ref in slot.refs:
                if ref.value not in ready or ref.offset or ref.at:
                    _read(found, graph, op, ref, pending, ready, axes)
        if op.writes:
            for written in _written(found, op, storage, storages):
                ready.difference_update(living.pop(written, ()))
        for out in op.outputs:
            if out in pending:
                pending.remove(out)
                ready.add(out)
                if (memory := storage.get(out)) is not None:
                    living.setdefault(memory, []).append(out)
            else:
                _made(found, op, out, known, graph)
        _op(found, op, scopes)
    _not_made(found, graph, pending)
    return ready | pending


def _written(found: list[str], op: Op, storage: dict[str, str], storages: Collection[str]) -> list[str]:
    """The storages an op overwrites; each must get a new value."""
    made = [storage.get(out) for out in op.outputs]
    written: dict[str, None] = {}
    for name in op.writes:
        slot = next((slot for slot in op.inputs if slot.name == name), None)
        if slot is not None:
            for ref in slot.refs:
                if ref.value in storage:
                    written[storage[ref.value]] = None
                else:
                    found.append(f"G7: op {op.id!r} writes {ref.value!r} in place, which has no storage")
        elif name in storages:
            written[name] = None
        else:
            found.append(f"G7: op {op.id!r} writes {name!r}, which is neither one of its slots nor a storage")
    found += [f"G7: op {op.id!r} writes the storage {one!r} but makes no value in it" for one in written if one not in made]
    return list(written)


def _read(found: list[str], graph: Graph, op: Op, ref: Ref, pending: set[str], ready: set[str], axes: set[str]) -> None:
    value = ref.value
    if value not in graph.value_by_id:
        found.append(f"G3: op {op.id!r} reads {value!r}, which does not exist")
        return
    own = graph.value_by_id[value].axes
    for axis, _ in (*ref.offset, *ref.at):
        if axis not in axes:
            found.append(f"G10: op {op.id!r} reads {value!r} along the axis {axis!r}, which does not exist")
        elif axis not in own:
            found.append(f"G10: op {op.id!r} reads {value!r} along the axis {axis!r}, which that value does not have")
    if value in ready or ref.at or any(distance for _, distance in ref.offset):
        return
    if value not in pending:
        found.append(f"G8: op {op.id!r} reads {value!r} after its storage was overwritten")
    elif value in graph.producer:  # otherwise G4 says that nothing makes it
        found.append(f"G5: op {op.id!r} reads {value!r} before op {graph.producer[value].id!r} makes it")


def _made(found: list[str], op: Op, out: str, known: set[str], graph: Graph) -> None:
    if out not in known:
        found.append(f"G3: op {op.id!r} makes {out!r}, which does not exist")
    elif graph.value_by_id[out].kind != "computed":
        found.append(f"G4: op {op.id!r} makes {out!r}, which is of kind {graph.value_by_id[out].kind!r}")
    else:
        found.append(f"G4: op {op.id!r} makes {out!r} a second time")


def _not_made(found: list[str], graph: Graph, pending: set[str]) -> None:
    if pending:
        found += [f"G4: the computed value {v.id!r} has no producer" for v in graph.values if v.id in pending]


def _ports(found: list[str], what: str, ports: tuple[Port, ...], known: set[str], fresh: set[str]) -> None:
    seen: set[str] = set()
    for port in ports:
        if port.value not in known:
            found.append(f"G9: the {what} {port.name!r} names the value {port.value!r}, which does not exist")
        elif port.value not in fresh:
            found.append(f"G8: the {what} {port.name!r} names {port.value!r}, whose storage was overwritten")
        if port.name in seen:
            found.append(f"G9: two {what}s have the name {port.name!r}")
        seen.add(port.name)


def _notes(found: list[str], notes: tuple[Note, ...], subjects: set[str]) -> None:
    for note in notes:
        if note.subject not in subjects:
            found.append(f"G11: the note {note.key!r} is about {note.subject!r}, which does not exist")
        value = note.value
        if type(value) not in _SCALARS and not is_attribute(value):
            found.append(f"G12: the note {note.key!r} about {note.subject!r} is {type(value).__name__}, which JSON cannot keep")
