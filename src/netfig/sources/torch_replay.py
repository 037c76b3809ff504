"""Is a trace true? Runs the recorded graph op by op, with nothing but its edges to carry data, and compares.

In the replay every value is a snapshot that nothing changes: views are copies, in-place operators work on copies, ``write``
ops put parts together by their places in memory. A dependency that the trace lost therefore shows as a wrong number.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

from netfig.errors import ModelFailed
from netfig.graph import Graph, Op
from netfig.records import dataclass
from netfig.sources.torch_copy import CloneMemory, RandomState, StructuralCopy
from netfig.sources.torch_ops import OpInfo, op_info
from netfig.sources.torch_ports import named_inputs, tensors_in
from netfig.sources.torch_trace import build_graph, failure, first_line, watched_run

TOLERANCE = 1e-5
"""Largest relative difference: another memory layout may sum in another order."""
OTHER_KERNELS = 1e-4
"""The same where torch takes other kernels without data than with them (attention), which round otherwise, all the way down."""


@dataclass(frozen=True)
class Verification:
    """What a replay found: `outputs_compared` counts the outputs and the written buffers that were compared."""

    ok: bool
    message: str
    max_error: float
    outputs_compared: int


Parts = Callable[[Op, Mapping[str, list[Tensor]]], list[Tensor]]
"""Runs an op that no operator of torch stands behind, such as a part of an attention, on what it reads by slot."""


def verify(
    model: nn.Module,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    through: Callable[[Graph], Graph] = lambda graph: graph,
    parts: Parts | None = None,
) -> Verification:
    """Trace the model on real tensors, replay the graph, and compare with what the model itself computes.

    The graph goes `through` passes first; `parts` runs ops that these put in.
    """
    args, kwargs = tuple(args), dict(kwargs or {})
    truth = _plain_run(model, args, kwargs)
    run = watched_run(model, args, kwargs, "cpu", keep=True)
    if run.error is not None:
        raise failure(run, model) from run.error
    graph, build = build_graph(run, model)
    known = {
        build.values.first[number].id: tensor
        for number, tensor in (run.tensors | run.recorder.constants).items()
        if number in build.values.first
    }
    expected = [(port.name, port.value, tensor) for port, (_, tensor) in zip(graph.outputs, run.results, strict=True)]
    expected += [(f"{value} (written)", value, run.final[number]) for number, value in build.final.items() if number in run.final]
    graph = through(graph)
    random_state = RandomState()
    try:
        values = replay(graph, known, frozenset(value for _, value, _ in expected), parts)
    except ReplayError as error:
        return Verification(False, str(error), float("inf"), 0)
    finally:
        random_state.restore()
    return _compare(expected, values, truth)


def verify_graph(
    graph: Graph, model: nn.Module, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
) -> Verification:
    """Replay a graph that was traced without data on the data of the model, and compare with what the model computes.

    Only inputs, parameters and buffers have data then, and constants of a few numbers: with another one it cannot be replayed.
    """
    args, kwargs = tuple(args), dict(kwargs or {})
    truth = _plain_run(model, args, kwargs)
    if truth is None:
        return Verification(False, "the model cannot be copied", float("inf"), 0)
    named = dict([*named_inputs(model.forward, args, kwargs), *model.named_parameters(), *model.named_buffers()])
    known = {value.id: named[name] for value in graph.values for name in value.names[:1] if name in named}
    for value in graph.values:
        if value.kind == "constant" and (value.data is not None or 0 in (value.type.sizes or ())):
            made = torch.tensor(value.data or (), dtype=getattr(torch, value.type.dtype or "float32"))
            known[value.id] = made.reshape(value.type.sizes or ())
    expected = [(port.name, port.value, truth[port.name]) for port in graph.outputs if port.name in truth]
    random_state = RandomState()
    try:
        values = replay(graph, known, frozenset(value for _, value, _ in expected))
    except ReplayError as error:
        return Verification(False, str(error), float("inf"), 0)
    finally:
        random_state.restore()
    return _compare(expected, values, None, OTHER_KERNELS)


def _compare(
    expected: list[tuple[str, str, Tensor]],
    values: Mapping[str, Tensor],
    truth: Mapping[str, Tensor] | None,
    tolerance: float = TOLERANCE,
) -> Verification:
    worst, wrong = 0.0, []
    for name, value, tensor in expected:
        if value not in values:
            wrong.append(f"{name} was not computed")
            continue
        error = difference(values[value], tensor)
        if truth is not None and name in truth:
            error = max(error, difference(tensor, truth[name]))
        worst = max(worst, error)
        if error > tolerance:
            wrong.append(f"{name} differs by {error:.3g}")
    message = "; ".join(wrong) if wrong else f"{len(expected)} compared, largest difference {worst:.3g}"
    return Verification(not wrong, message, worst, len(expected))


def difference(a: Tensor, b: Tensor) -> float:
    """The largest difference of two tensors relative to the larger magnitude; infinite when they cannot be compared."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return float("inf")
    if a.layout is not torch.strided or b.layout is not torch.strided:
        a, b = a.to_dense(), b.to_dense()
    if a.numel() == 0 or torch.equal(a, b):
        return 0.0
    if a.is_complex():
        a, b = torch.view_as_real(a.resolve_conj()), torch.view_as_real(b.resolve_conj())
    x, y = a.double(), b.double()
    same = (x == y) | (x.isnan() & y.isnan())
    if bool(same.all()):
        return 0.0
    gap = torch.where(same, 0.0, (x - y).abs())
    if not bool(gap.isfinite().all()):
        return float("inf")
    scale = max(1.0, float(y[y.isfinite()].abs().max()))
    return float(gap.max()) / scale


def _plain_run(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Tensor] | None:
    """What the model itself gives, run without us on a deep copy; ``None`` when it cannot be copied."""
    random_state = RandomState()
    try:
        ours, our_args, our_kwargs = _deep_copy((model, args, kwargs))
    except Exception:  # many things cannot be copied deeply; the watched run is then compared alone
        return None
    try:
        return {name: tensor.detach().clone() for name, tensor in tensors_in(ours(*our_args, **our_kwargs), "output")}
    except (Exception, SystemExit) as error:
        raise ModelFailed(f"the model failed: {first_line(error)}") from error
    finally:
        random_state.restore()


def _deep_copy(things: tuple[nn.Module, tuple[Any, ...], dict[str, Any]]) -> Any:
    """As `copy.deepcopy`, which however takes parameters of one memory apart: those are copied by their memory."""
    stored = {id(t): t for t in (*things[0].parameters(), *things[0].buffers()) if t.layout is torch.strided}
    memories = [t.untyped_storage()._cdata for t in stored.values() if not isinstance(t, UninitializedTensorMixin)]
    if len(set(memories)) == len(memories):
        return copy.deepcopy(things)
    return StructuralCopy(CloneMemory())(things)


class ReplayError(Exception):
    """An op of the graph cannot be run again from what the graph says."""


def replay(graph: Graph, known: Mapping[str, Tensor], wanted: Collection[str], parts: Parts | None = None) -> dict[str, Tensor]:
    """The `wanted` values of a graph, computed from those that are known: its inputs, parameters, buffers and constants.

    A value is let go of after its last reader, so that this needs little more memory than the model's own run.
    """
    values = {name: tensor.detach() for name, tensor in known.items()}
    last = {value: place for place, op in enumerate(graph.ops) for value in (*op.outputs, *op.reads)}
    for place, op in enumerate(graph.ops):  # some kernels ask whether gradients are on, so they are as they were
        if not op.outputs:
            continue
        try:
            if parts is not None and op.attribute("part") is not None:
                results = parts(op, {slot.name: [values[ref.value] for ref in slot.refs] for slot in op.inputs})
            else:
                results = _put_together(op, values, graph) if op.attribute("target") is None else _run(op, values, graph)
        except Exception as error:
            raise ReplayError(f"op {op.id!r} cannot be replayed: {type(error).__name__}: {error}") from error
        if len(results) != len(op.outputs):
            raise ReplayError(f"op {op.id!r} gives {len(results)} values, not {len(op.outputs)}")
        values.update(zip(op.outputs, results, strict=True))
        for value in {*op.outputs, *op.reads}:
            if last[value] == place and value not in wanted:
                del values[value]
    return values


def _overload(target: str) -> Any:
    namespace, name, overload = target.split(".", 2)
    return getattr(getattr(getattr(torch.ops, namespace), name), overload)


def _run(op: Op, values: Mapping[str, Tensor], graph: Graph) -> list[Tensor]:
    info = op_info(_overload(str(op.attribute("target"))))
    slots = {slot.name: [values[ref.value] for ref in slot.refs] for slot in op.inputs}
    args, kwargs = _arguments(info, op, slots, graph)
    if info.name == "as_strided":
        args[0] = _in_memory(args[0], op.attribute("place"))
    if info.name in {"view", "_unsafe_view"} and info.target.endswith(".default"):
        out: Any = args[0].reshape(args[1])
    elif info.name == "set_" and isinstance(args[1], Tensor):
        out = args[1]
    else:
        out = info.overload(*args, **kwargs)
    written = [value for _, value in info.written(args, kwargs)]
    written = [item for value in written for item in (value if isinstance(value, (list, tuple)) else (value,))]
    flat: list[Any] = []
    _flatten(out, flat)
    results = [item for item in flat if isinstance(item, Tensor)]
    results += [item for item in written if not any(item is result for result in results)]
    if info.several:  # those at the end that nothing reads are no values of the graph
        del results[len(op.outputs) :]
    return results if info.fresh else [snapshot(item) for item in results]


def _arguments(info: OpInfo, op: Op, slots: dict[str, list[Tensor]], graph: Graph) -> tuple[list[Any], dict[str, Any]]:
    """The call as the operator's schema wants it."""
    given: dict[str, Any] = dict(op.attributes)
    writes = {name for _, name in info.writes}
    fresh = iter(op.outputs)  # an operator that overwrites hands back what it wrote, in order
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for argument in info.schema.arguments:
        name = argument.name
        listed = str(argument.real_type).startswith(("List", "Optional[List"))
        if name in slots:
            tensors = [snapshot(t) for t in slots[name]] if name in writes else slots[name]
            value: Any = tensors if listed else tensors[0]
            if listed and name in given:  # some entries are missing
                value = [None if place is None else tensors[place] for place in given[name]]
        elif name in writes and (name in info.out_names or name in info.overwritten):
            made = graph.value_by_id[next(fresh)].type
            place: Any = given.get("place")
            stride = place[2] if place is not None else torch.empty(made.sizes or (), device="meta").stride()
            value = torch.empty_strided(made.sizes or (), stride, dtype=getattr(torch, made.dtype or "float32"))
        elif name in info.blind:
            like: Any = given["like"]
            dtype, shape, strides = getattr(torch, like[0]), like[1], like[2]
            value = torch.empty_strided(shape, strides, dtype=dtype) if strides or not shape else torch.empty(shape, dtype=dtype)
        elif name in given:
            value = _decode(str(argument.real_type), given[name])
        elif argument.has_default_value():
            value = argument.default_value
        else:
            value = None
        if argument.kwarg_only:
            kwargs[name] = value
        else:
            args.append(value)
    return args, kwargs


def _decode(kind: str, value: Any) -> Any:
    if isinstance(value, str):
        if "ScalarType" in kind or "Layout" in kind or "MemoryFormat" in kind:
            return getattr(torch, value)
        if "Device" in kind:
            return torch.device("cpu" if value == "meta" else value)
        if "number" in kind or "Tensor" in kind:
            return complex(value)
    return list(value) if isinstance(value, tuple) else value


def _flatten(out: Any, found: list[Any]) -> None:
    if isinstance(out, (tuple, list)):
        for item in out:
            _flatten(item, found)
    else:
        found.append(out)


def snapshot(tensor: Tensor) -> Tensor:
    """A copy that shares no memory, with the same strides where that is possible."""
    if tensor.layout is not torch.strided or any(
        step == 0 and size > 1 for size, step in zip(tensor.shape, tensor.stride(), strict=True)
    ):
        return tensor.clone()
    made = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device)
    return made.copy_(tensor)


def _positions(place: Any, start: int, length: int) -> Tensor:
    """The bytes that a tensor occupies, in the order of its elements."""
    itemsize, shape, stride, offset = place
    everything = torch.arange(length)
    return everything.as_strided(
        (*shape, itemsize), (*(step * itemsize for step in stride), 1), offset * itemsize - start
    ).reshape(-1)


def _span(places: Sequence[Any]) -> tuple[int, int]:
    low, high = None, 0
    for itemsize, shape, stride, offset in places:
        if 0 in shape:
            continue
        last = offset + sum((size - 1) * step for size, step in zip(shape, stride, strict=True))
        low = offset * itemsize if low is None else min(low, offset * itemsize)
        high = max(high, (last + 1) * itemsize)
    return low or 0, high


def _bytes(tensor: Tensor) -> Tensor:
    return tensor.detach().resolve_conj().resolve_neg().contiguous().reshape(-1).view(torch.uint8)


def _put_together(op: Op, values: Mapping[str, Tensor], graph: Graph) -> list[Tensor]:
    """A ``write`` op: the old content with parts replaced, each at its place."""
    slots = {slot.name: [values[ref.value] for ref in slot.refs] for slot in op.inputs}
    place: Any = op.attribute("place")
    places: Any = op.attribute("places")
    start, end = _span([place, *places])
    memory = torch.zeros(end - start, dtype=torch.uint8)
    if "old" in slots:
        memory[_positions(place, start, end - start)] = _bytes(slots["old"][0])
    for where, tensor in zip(places, slots["written"], strict=True):
        memory[_positions(where, start, end - start)] = _bytes(tensor)
    made = graph.value_by_id[op.outputs[0]].type
    content = memory[_positions(place, start, end - start)].view(getattr(torch, made.dtype or "float32")).reshape(place[1])
    _, shape, stride, _ = place
    return [snapshot(content if 0 in stride else torch.empty_strided(shape, stride, dtype=content.dtype).copy_(content))]


def _in_memory(tensor: Tensor, place: Any) -> Tensor:
    """A tensor at its place in a memory of its own, for an operator that counts in memory and not in elements."""
    _, shape, stride, offset = place
    span = _span([(1, shape, stride, offset)])[1]
    memory = torch.zeros(max(span, 1), dtype=tensor.dtype)
    memory.as_strided(shape, stride, offset).copy_(tensor)
    return memory.as_strided(shape, stride, offset)
