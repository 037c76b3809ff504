"""From a live PyTorch module and its inputs to a Graph: the door of the tracer."""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import sys
import threading
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import nn

from netfig.errors import ModelFailed, UsageError
from netfig.graph import Graph, Note, Port
from netfig.sources.torch_build import Build
from netfig.sources.torch_leftovers import take_back
from netfig.sources.torch_names import function_name, settings
from netfig.sources.torch_run import Run

DEVICES = ("auto", "meta", "fake", "cpu")
"""Where a model can be run: the meta device (no data), fake tensors, the processor; `auto` takes the first that works."""

AUTHOR = "netfig"


def trace_module(
    model: nn.Module,
    args: tuple[Any, ...] = (),
    kwargs: Mapping[str, Any] | None = None,
    *,
    name: str | None = None,
    device: str = "auto",
    partial: bool = False,
    batch: int | None = None,
) -> Graph:
    """Run the model's forward once, watched, on a copy, and hand back what it computed.

    The model, its inputs and the random generators are afterwards as they were before. The run is with gradients or without,
    training or evaluating, as the caller has it. With `partial` a forward that raises gives the graph up to the failure.
    """
    with _no_collection():
        run = watched_run(model, tuple(args), dict(kwargs or {}), device)
        if run.error is not None and not partial:
            raise failure(run, model) from run.error
        graph = build_graph(run, model, name=name, batch=batch)[0]
        made = run.take_apart()
        del run
        if left := take_back(made):
            note = Note("", "left_behind", f"{left} tensors without data are still held by the model's code", author=AUTHOR)
            graph = dataclasses.replace(graph, notes=(*graph.notes, note))
        return graph


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """A trace makes many small objects and no cycles: looking for cycles among them would take longer than the trace.

    Freezing and thawing puts them among the old objects, which are looked at rarely, without a look at each.
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            if gc.get_freeze_count() == 0:
                gc.freeze()
                gc.unfreeze()
            gc.enable()


def watched_run(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], device: str, *, keep: bool = False) -> Run:
    """Run the model on the first device that can; `keep` what a replay needs."""
    if device not in DEVICES:
        raise UsageError(f"unknown device {device!r}", hint=f"known: {', '.join(DEVICES)}")
    with _ONE_AT_A_TIME:
        *first, last = _candidates(model, args, kwargs) if device == "auto" else (device,)
        missed_data = False
        for candidate in first:
            if missed_data:  # a model may ask whether a tensor is a fake one, and then go another way instead of failing again
                break
            run = _run_on(candidate, model, args, kwargs, keep)
            if run.error is None and not run.unsure:
                return run
            missed_data = run.recorder.missed_data
            made = run.take_apart()
            del run
            take_back(made)
        return _run_on(last, model, args, kwargs, keep)


def _run_on(device: str, model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], keep: bool) -> Run:
    """One run; another where the first loaded the compiler, which was then not told to leave functions as they are written."""
    loaded = "torch._dynamo" in sys.modules
    run = Run(device, keep=keep)
    run(model, args, kwargs)
    if run.error is not None and not loaded and "torch._dynamo" in sys.modules:
        take_back(run.take_apart())
        run = Run(device, keep=keep)
        run(model, args, kwargs)
    return run


_ONE_AT_A_TIME = threading.RLock()
"""A watched run changes settings of the whole process (and may itself start another trace)."""


def _candidates(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[str, ...]:
    """Devices worth trying, in order.

    Every failure without data is looked at again with data, because only the real run says whether it is the model's own.
    A model with a fused fast path takes it on real tensors only.
    """
    if any(p.is_meta for p in model.parameters()):
        return ("meta",)
    modules = list(model.modules())
    if any(isinstance(m, torch.jit.ScriptModule) for m in modules):
        return ("cpu",)
    if not torch.is_grad_enabled() and any(isinstance(m, _FAST_PATHS) and not m.training for m in modules):
        return ("cpu",)
    return ("meta", "fake", "cpu")


_FAST_PATHS = (nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)


def build_graph(run: Run, model: nn.Module, *, name: str | None = None, batch: int | None = None) -> tuple[Graph, Build]:
    """The Graph of a finished run, and the build that knows where everything came from."""
    type_name = type(model).__name__
    name = name or type_name
    build = Build(
        run.recorder,
        [(path, type(module).__name__) for path, module in run.modules],
        name,
        type_name,
        frozenset(number for _, number in run.outputs),
    )
    values = build.values
    for number in dict.fromkeys(run.declared):
        values.declare_external(number)
    inputs = tuple([Port(port, values.read(number).id) for port, number in run.inputs])
    build.run()
    build.finish(run.declared)
    outputs = tuple([Port(port, values.read(number).id) for port, number in run.outputs])
    owns = [tuple(dict.fromkeys([build.first_value(number) for number in own])) for own in run.owned]
    values.close()
    notes = _notes(run, build, model, batch)
    graph = Graph(
        name,
        build.finished_values(),
        tuple(build.ops),
        build.finished_scopes(owns, [settings(module) for _, module in run.modules]),
        inputs,
        outputs,
        (),
        tuple(notes),
        origin=f"{type(model).__module__}.{type(model).__qualname__}",
    )
    return graph, build


def _notes(run: Run, build: Build, model: nn.Module, batch: int | None) -> list[Note]:
    notes = [
        Note("", "mode", "train" if model.training else "eval", author=AUTHOR),
        Note("", "device", run.device, author=AUTHOR),
    ]
    if batch is not None:
        notes.append(Note("", "batch", batch, author=AUTHOR))
    dynamic = [(build.op_at[position], where) for position, where in run.recorder.dynamic.items() if position in build.op_at]
    notes += [Note(op_id, "data_dependent", where, author=AUTHOR) for op_id, where in dynamic]
    known = {name: v.id for v in build.values.first.values() if v.kind == "buffer" for name in v.names}
    for name, buffer in model.named_buffers():
        if name in known and (pattern := _pattern(buffer)):
            notes.append(Note(known[name], "pattern", pattern, author=AUTHOR))
    if dynamic:
        places = ", ".join(dict.fromkeys(where for _, where in dynamic if where))
        notes.append(Note("", "data_dependent", f"one path of several; values were read in {places}", author=AUTHOR))
    if run.error is not None:
        notes += _failed(run, build)
    return notes


def _pattern(buffer: torch.Tensor) -> str:
    """What a buffer that is a causal mask holds: ``lower`` (1 up to the diagonal), ``upper`` (1 above), ``hidden`` (−∞ above)."""
    n = buffer.shape[-1] if buffer.dim() > 1 else 0
    if (
        buffer.is_meta
        or buffer.layout is not torch.strided
        or n < 2
        or buffer.shape[-2] != n
        or not n * n == buffer.numel() < 1 << 24
    ):
        return ""
    square = buffer.detach().reshape(n, n)
    corner = float(square[0, -1])
    later = torch.ones(n, n, dtype=torch.bool, device=square.device).triu(1)
    if corner == 0 and torch.equal(square != 0, ~later) and bool((square[~later] == 1).all()):
        return "lower"
    if corner == 1 and torch.equal(square != 0, later) and bool((square[later] == 1).all()):
        return "upper"
    return "hidden" if corner == float("-inf") and torch.equal(square != 0, later) and bool(square[later].isinf().all()) else ""


def _failed(run: Run, build: Build) -> list[Note]:
    """Where a partial trace stopped: on the graph and on the scope that failed."""
    path, _, _ = _place_of_failure(run)
    doing = _doing(run)
    message = f"{type(run.error).__name__}: {first_line(run.error)}{f' (in {doing})' if doing else ''}"
    notes = [Note("", "failed", f"in {path!r}: {message}" if path else message, author=AUTHOR)]
    scope = next((s for s in reversed(build.scopes) if s.kind == "module" and s.path == path), None)
    if scope is not None:
        notes.append(Note(scope.id, "failed", message, author=AUTHOR))
    return notes


def _doing(run: Run) -> str:
    """The function that raised, if one of torch's did."""
    failing = run.recorder.failing
    return function_name(failing[1]) if failing is not None and failing[0] is run.error else ""


def _place_of_failure(run: Run) -> tuple[str, str, str]:
    """Path and class of the module that raised, and what it was called with."""
    failed = run.recorder.failed
    if failed is None or failed[0] is not run.error:
        return "", "", run.outside
    path, module = run.modules[failed[1]]
    return path, type(module).__name__, failed[2]


def first_line(error: BaseException | None) -> str:
    """The first line of what an exception says, or its class when it says nothing."""
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # the text is made by the model's own class
        lines = []
    return lines[0][:300] if lines else type(error).__name__


def failure(run: Run, model: nn.Module) -> ModelFailed:
    """The error that says where in the model it failed, and on what."""
    path, kind, shapes = _place_of_failure(run)
    where = f"module {path!r} ({kind})" if path else f"the model ({kind or type(model).__name__})"
    doing = _doing(run)
    return ModelFailed(
        f"{where} failed{f' in {doing}' if doing else ''}: {first_line(run.error)}",
        where=f"called with {shapes}" if shapes else "",
        why=type(run.error).__name__,
    )


__all__ = ["DEVICES", "build_graph", "failure", "first_line", "trace_module", "watched_run"]
