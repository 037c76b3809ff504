"""Turns the log of a run into a Graph: names, scopes, and every dependency an in-place write makes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from netfig.graph import Attribute, Dim, Op, Scope, Slot, TensorType, Value
from netfig.graph.build import safe_id
from netfig.sources.torch_names import function_name, literal, plain_name
from netfig.sources.torch_ops import OVERWRITES, OpInfo
from netfig.sources.torch_prepass import Prepass
from netfig.sources.torch_quick import QuickOp, QuickScope, QuickSlot, QuickValue
from netfig.sources.torch_record import ENTER, EXIT, LEAF, OP, Number, Recorder
from netfig.sources.torch_storage import Layout
from netfig.sources.torch_values import Names, Part, Pending, Region, Values

_DIMS: dict[int, Dim] = {}
_TYPES: dict[tuple[Any, Any], TensorType] = {}
COMPARED = frozenset({bool, int, float, complex, str})
"""Types of arguments that may be left out when they are the default; a script object cannot even be compared."""


_OTHER_DEFAULTS = frozenset({torch.float64, torch.float16, torch.bfloat16, torch.complex128, torch.complex32})
"""What a tensor made without a dtype has only where the default dtype was changed."""


def tensor_type(dtype: torch.dtype, shape: tuple[int, ...]) -> TensorType:
    """A type; equal ones are one object."""
    key = (dtype, shape)
    found = _TYPES.get(key)
    if found is None:
        if len(_TYPES) > 20_000:
            _TYPES.clear()
        dims = tuple([_DIMS.get(size) or _DIMS.setdefault(int(size), Dim(int(size))) for size in shape])
        found = _TYPES[key] = TensorType(str(dtype).removeprefix("torch."), dims)
    return found


class OpenScope:
    """A scope while its ops are being placed."""

    __slots__ = ("call", "first_op", "id", "inputs", "kind", "module", "outputs", "parent", "path", "prefix", "type_name")

    def __init__(self, id: str, kind: Any, parent: OpenScope | None, type_name: str) -> None:
        self.id, self.kind, self.parent, self.type_name = id, kind, parent, type_name
        self.path, self.call, self.module, self.first_op = "", 0, -1, 0
        self.prefix = f"{id}/"  # of the ids of what stands in it
        self.inputs: list[str] = []
        self.outputs: list[str] = []


class Call:
    """The arguments of one logged operator, sorted into slots and attributes; the numbers and slots it writes."""

    __slots__ = ("attributes", "slots", "writes", "written")

    def __init__(self, slots: list[Slot], attributes: list[tuple[str, Attribute]], written: list[int]) -> None:
        self.slots, self.attributes, self.written = slots, attributes, written
        self.writes: list[str] = []


class Build:
    """Reads the log once; `values`, `ops` and `scopes` are the result."""

    def __init__(
        self, recorder: Recorder, modules: Sequence[tuple[str, str]], name: str, type_name: str, used_at_the_end: frozenset[int]
    ) -> None:
        self._recorder = recorder
        self._modules = modules  # path and class of each watched module
        self._prepass = Prepass(recorder, used_at_the_end)
        self.values = Values(recorder, self._write_op, self._prepass.written)
        self.ops: list[Op] = []
        self.op_at: dict[int, str] = {}  # where an operator that depends on data stands in the log → the id of its op
        self.final: dict[int, str] = {}
        self._name = Names()  # of ops and scopes alike
        self._calls: dict[int, int] = {}
        self._phase: Any = "forward"
        self.here = OpenScope(self._name(safe_id(name)), "root", None, type_name)
        self._paths = [self._name(safe_id(path)) if path else "" for path, _ in modules]  # theirs, whatever an op is called
        self.scopes = [self.here]
        self.here.prefix = ""

    def run(self) -> None:
        """Place every log entry."""
        self._read_log(0, len(self._recorder.log))

    def _read_log(self, position: int, end: int) -> None:
        log, prepass = self._recorder.log, self._prepass
        opens, single, dropped = prepass.opens, prepass.single, prepass.dropped
        while position < end:
            entry = log[position]
            if position in opens:
                for span in opens[position]:
                    self._enter_function(span.function)
            code = entry[0]
            if code == OP:
                if position not in dropped:
                    self._place(position, entry, single.get(position))
                elif entry[1].lift:
                    self._lifted(entry)
            elif code == LEAF:
                self._read_leaf(position, entry)
                position = entry[5]
                continue
            elif code == ENTER:
                self._enter_module(entry[1], entry[2])
            elif code == EXIT:
                self._leave(entry[2] or ())
            elif position in prepass.closes:
                self._leave_function(entry[3])
            position += 1

    def _read_leaf(self, position: int, entry: tuple[Any, ...]) -> None:
        """A module that is one call of one function: a scope of its own only when it made several operators."""
        _, index, function, number, result, end = entry
        prepass, log = self._prepass, self._recorder.log
        self._enter_module(index, (number,))
        start = position + 1
        placed = [at for at in range(start, end) if at not in prepass.dropped and log[at][0] == OP]
        if len(placed) == 1:
            prepass.single.setdefault(placed[0], function)
        elif placed:
            self._enter_function(function)
        self._read_log(start, end)
        results = () if result is None else (result,)
        if len(placed) > 1:
            self._leave_function(results)
        self._leave(results)

    # scopes

    def _enter_module(self, index: int, numbers: Sequence[int]) -> None:
        path, type_name = self._modules[index]
        inputs = [self.values.read(number).id for number in numbers]
        call = self._calls.get(index, 0)
        self._calls[index] = call + 1
        if path:
            wanted = self._paths[index]
            opened = self._open(self._name(f"{wanted}@{call}") if call else wanted, "module", type_name)
            opened.path, opened.call, opened.module = path, call, index
        elif self.here.module == -1 and self.here.parent is None and not call:
            opened = self.here  # the model itself is the root
            opened.module = index
        else:
            opened = self._open(self._name(f"{self.scopes[0].id}@{call}"), "module", type_name)
            opened.call, opened.module = call, index
        opened.inputs = inputs

    def _open(self, id: str, kind: Any, type_name: str) -> OpenScope:
        opened = OpenScope(id, kind, self.here, type_name)
        opened.first_op = len(self.ops)
        self.scopes.append(opened)
        self.here = opened
        return opened

    def _leave(self, numbers: Sequence[int]) -> None:
        values, here = self.values, self.here
        here.outputs = [values.read(number).id for number in numbers if values.known(number)]
        if here.parent is not None:
            self.here = here.parent

    def _enter_function(self, function: Any) -> None:
        name = function_name(function)
        if name in {"grad", "backward"}:
            self._phase = "backward"
        self._open(self._name(f"{self.here.prefix}{name}"), "function", name)

    def _leave_function(self, numbers: Sequence[int]) -> None:
        here = self.here
        made = {out for op in self.ops[here.first_op :] for out in op.outputs}
        read = dict.fromkeys(ref.value for op in self.ops[here.first_op :] for slot in op.inputs for ref in slot.refs)
        here.inputs = [value for value in read if value not in made]
        if here.type_name in {"grad", "backward"}:
            self._phase = "forward"
        self._leave(numbers)

    # ops

    def _place(self, position: int, entry: tuple[Any, ...], function: Any) -> None:
        _, info, args, kwargs, made = entry
        slots: list[Slot] = []
        attributes: list[tuple[str, Attribute]] = []
        written: list[int] = []
        writes: tuple[str, ...] = ()
        if kwargs or not (info.plain or (info.when is not None and len(args) > info.when and not args[info.when])):
            call = Call(slots, attributes, written)
            self._sort(call, info, args, kwargs)
            writes = tuple(call.writes)
        else:
            self._sort_plain(slots, attributes, info, args)
        kind = function_name(function) if function is not None else self._kind(info, args)
        here = self.here
        op_id = self._name(here.prefix + kind)
        if info.dynamic:
            self.op_at[position] = op_id
        outputs: tuple[str, ...]
        if type(made) is Number and not written:
            outputs = (self.values.declare(made, "computed", op_id + ".out").id,)
        else:
            if info.several and not written and type(made) is list:
                made = self._read_ones(made)
            outputs, holes = self._outputs(made, written, op_id)
            if holes is not None:
                attributes.append(("returns", holes))
        if info.makes_dtype and type(made) is Number and self._recorder.seen[made][0] in _OTHER_DEFAULTS:
            self._add_dtype(attributes, made)
        if info.placed:
            attributes.append(("place", self._place_of(args[0])))
        attributes.append(info.signature)
        self.ops.append(QuickOp(op_id, kind, tuple(slots), outputs, here.id, tuple(attributes), self._phase, writes))

    def _read_ones(self, made: list[Any]) -> list[Any]:
        """The results of an operator up to the last that something reads: the statistics of a norm are there for no one."""
        used, count = self._prepass.used, len(made)
        while count > 1 and made[count - 1] is not None and made[count - 1] not in used:
            count -= 1
        return made[:count]

    def _outputs(self, made: Any, written: list[int], op_id: str) -> tuple[tuple[str, ...], tuple[Attribute, ...] | None]:
        """Values for what was returned, then for what was written but not returned; which returns are no tensors."""
        outputs: list[str] = []
        flat: list[Any] = []
        _flatten(made, flat)
        todo = list(written)
        for number in flat:
            if number is None:
                continue
            wanted = f"{op_id}.out{len(outputs) or ''}"
            if number in todo:
                todo.remove(number)
                outputs.append(self.values.overwrite(number, wanted).id)
            else:
                outputs.append(self.values.declare(number, "computed", wanted).id)
        for number in todo:
            outputs.append(self.values.overwrite(number, f"{op_id}.out{len(outputs) or ''}").id)
        holes = tuple([number is not None for number in flat]) if None in flat and len(flat) > 1 else None
        return tuple(outputs), holes

    def _sort_plain(self, slots: list[Slot], attributes: list[tuple[str, Attribute]], info: OpInfo, args: Sequence[Any]) -> None:
        """The arguments of an operator that writes nothing and has no special ones, all given by place."""
        read = self.values.read
        for name, default, value in zip(info.names, info.default_values, args, strict=False):
            if value is None:
                continue
            kind = type(value)
            if kind is Number:
                slots.append(QuickSlot(name, read(value).refs))
            elif kind is list:
                if value and type(value[0]) is int:
                    attributes.append((name, tuple(value)))
                else:
                    self._list(slots, attributes, name, value)
            elif kind not in COMPARED:
                attributes.append((name, literal(value)))
            elif value != default:
                attributes.append((name, value if kind is not complex else literal(value)))

    def _sort(self, call: Call, info: OpInfo, args: Sequence[Any], kwargs: dict[str, Any] | None) -> None:
        read = self.values.read
        written = dict(info.written(args, kwargs or {})) if info.writes and not info.renames else {}
        given = zip(info.names, args, strict=False) if not kwargs else [*zip(info.names, args, strict=False), *kwargs.items()]
        slots = call.slots
        for index, (name, value) in enumerate(given):
            kind = type(value)
            if name in written:
                self._written(call, info, name, value)
            elif kind is Number:
                if name in info.blind:
                    dtype, shape, stride, _, _ = self._recorder.seen[value]
                    call.attributes.append(("like", (literal(dtype), tuple(shape), tuple(stride or ()))))
                else:
                    slots.append(QuickSlot(name, read(value).refs))
            elif kind is list:
                self._list(slots, call.attributes, name, value)
            elif value is not None and (index >= len(info.names) or kind not in COMPARED or value != info.default(name)):
                call.attributes.append((name, literal(value)))

    def _list(self, slots: list[Slot], attributes: list[tuple[str, Attribute]], name: str, items: list[Any]) -> None:
        """A list argument: tensors become one slot; where some are missing, `name` says which (``indices=(None, 0)``)."""
        tensors = [item for item in items if type(item) is Number]
        if not tensors:
            attributes.append((name, literal(items)))
            return
        slots.append(Slot(name, tuple([self.values.read(number).refs[0] for number in tensors])))
        if len(tensors) != len(items):
            place = iter(range(len(tensors)))
            attributes.append((name, tuple([next(place) if type(item) is Number else None for item in items])))

    def _written(self, call: Call, info: OpInfo, name: str, value: Any) -> None:
        """An argument written in place: read first, unless the operator ignores what was there."""
        numbers = [v for v in value if type(v) is Number] if type(value) is list else [value]
        call.written += numbers
        if info.name in OVERWRITES or name in info.out_names:
            for number in numbers:
                region = self.values.region_of(number)
                region.written = True
                call.writes.append(region.name)
            return
        values = [self.values.read(number) for number in numbers]
        for one in values:
            assert one.region is not None
            one.region.written = True
        call.slots.append(Slot(name, tuple([one.refs[0] for one in values])))
        call.writes.append(name)

    def _add_dtype(self, attributes: list[tuple[str, Attribute]], made: Number) -> None:
        """A tensor made under another default dtype than torch's own: the graph must say so."""
        if all(name != "dtype" for name, _ in attributes):
            attributes.append(("dtype", literal(self._recorder.seen[made][0])))

    def _kind(self, info: OpInfo, args: Sequence[Any]) -> str:
        if info.name == "convolution" and type(args[1]) is Number:
            dims = len(self._recorder.seen[args[1]][1]) - 2
            return f"conv{'_transpose' if args[6] else ''}{dims}d"
        return plain_name(info.name)

    def _place_of(self, number: int) -> tuple[Attribute, ...]:
        dtype, shape, stride, offset, _ = self._recorder.seen[number]
        return place(Layout(dtype.itemsize, shape, stride or (), offset))

    def _lifted(self, entry: tuple[Any, ...]) -> None:
        """``torch.tensor(…)``: the fresh constant, without the operator that only announces it."""
        source, made = entry[2][0], entry[4]
        self.values.hold(made, self.values.read(source))

    def _write_op(self, number: int, region: Region, old: Pending | None, parts: Sequence[Part]) -> Pending:
        """Say that a tensor changed because something was written through another tensor of the same memory."""
        slots = [Slot("written", tuple([value.refs[0] for _, value in parts]))]
        if old is not None:
            slots.insert(0, Slot("old", old.refs))
        op_id = self._name(f"{self.here.prefix}write")
        made = self.values.declare(number, "computed", f"{op_id}.out")
        attributes: tuple[tuple[str, Attribute], ...] = ()
        if region.layout is not None:
            attributes = (("place", place(region.layout)), ("places", tuple([place(at) for at, _ in parts if at is not None])))
        self.ops.append(Op(op_id, "write", tuple(slots), (made.id,), self.here.id, attributes, self._phase))
        return made

    # results

    def finish(self, declared: Sequence[int]) -> None:
        """What parameters, buffers and inputs hold in the end, where the run changed them: `final`, by number."""
        written = self._prepass.written
        seen = self._recorder.seen
        self.final = {number: self.values.read(number).id for number in declared if seen[number][4] in written}

    def first_value(self, number: int) -> str:
        """The id of what a tensor that existed before held at first."""
        return self.values.first[number].id

    def finished_values(self) -> tuple[Value, ...]:
        """All values; those whose memory is written to name it, and constants of a few numbers hold them."""
        seen, contents = self._recorder.seen, self._recorder.contents
        found = []
        for v in self.values.made:
            dtype, shape, _, _, _ = seen[v.number]
            of = _TYPES.get((dtype, shape)) or tensor_type(dtype, shape)
            region = v.region
            storage = region.name if region is not None and region.written else None
            data = contents.get(v.number) if v.kind == "constant" else None
            found.append(QuickValue(v.id, v.kind, of, (), (), v.names, storage, None, (), data))
        return tuple(found)

    def finished_scopes(self, owns: Sequence[tuple[str, ...]], attributes: Sequence[Any]) -> tuple[Scope, ...]:
        """All scopes, with what each module owns and its settings (by module index)."""
        found = []
        first: set[int] = set()
        for s in self.scopes:
            own = owns[s.module] if s.module >= 0 and s.module not in first else ()
            first.add(s.module)
            settings = attributes[s.module] if s.module >= 0 else ()
            parent = None if s.parent is None else s.parent.id
            inputs, outputs = _each_once(s.inputs), _each_once(s.outputs)
            found.append(QuickScope(s.id, s.kind, parent, s.type_name, s.path, s.call, None, inputs, outputs, own, settings))
        return tuple(found)


def place(layout: Layout) -> tuple[Attribute, ...]:
    """A layout as an attribute: element size, sizes, strides, offset."""
    return (layout.itemsize, tuple(layout.shape), tuple(layout.stride), layout.offset)


def _each_once(ids: list[str]) -> tuple[str, ...]:
    return tuple(ids) if len(ids) < 2 else tuple(dict.fromkeys(ids))


def _flatten(item: Any, found: list[Any]) -> None:
    if isinstance(item, list):
        for part in item:
            _flatten(part, found)
    else:
        found.append(item)
