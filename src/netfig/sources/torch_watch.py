"""What watches a run: two torch modes, and a forward of each module that says when it is called.

The dispatch mode sees every operator that really runs, whatever Python called it; the function mode sees which Python-level
function it was part of.
"""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch._higher_order_ops.cond import cond_op
from torch._higher_order_ops.while_loop import while_loop_op
from torch.overrides import TorchFunctionMode
from torch.utils._device import _device_constructors
from torch.utils._python_dispatch import TorchDispatchMode

from netfig.sources.torch_looks import decides
from netfig.sources.torch_ops import op_info
from netfig.sources.torch_record import ENTER, EXIT, LEAF, OP, PLAIN, SPAN, Recorder

_MethodWrapper = type(Tensor.shape.__get__)  # type: ignore[attr-defined]
_PLACES = frozenset({Tensor.device, Tensor.is_cpu, Tensor.is_cuda, Tensor.is_meta})
_SILENT = frozenset({Tensor.shape, Tensor.dtype, Tensor.ndim, Tensor.layout, Tensor.requires_grad})
"""Properties that run no operator."""
Forward = Callable[..., Any]


def watched_forward(recorder: Recorder, module: nn.Module, index: int) -> Forward:
    """A module's forward that says when it is entered and left."""
    forward, kind = module.forward, type(module)
    function = _ONE_FUNCTION.get(kind)
    if function is not None and getattr(forward, "__func__", None) is kind.forward and not _does_more(module):
        watched = _watched_leaf(recorder, forward, function, index)
    else:
        watched = _watched(recorder, forward, index)
    watched.__wrapped__ = forward  # type: ignore[attr-defined]  # inspect.signature sees the model's own
    return watched


def _watched(recorder: Recorder, forward: Forward, index: int) -> Forward:
    log, gather = recorder.log, recorder.numbers_in

    def watched(*args: Any, **kwargs: Any) -> Any:
        log.append((ENTER, index, gather(args) + gather(kwargs) if kwargs else gather(args)))
        try:
            out = forward(*args, **kwargs)
        except BaseException as error:
            if recorder.failed is None or recorder.failed[0] is not error:
                recorder.failed = (error, index, describe_shapes(args, kwargs))
            log.append((EXIT, index, None))
            raise
        log.append((EXIT, index, gather(out)))
        return out

    return watched


def _watched_leaf(recorder: Recorder, forward: Forward, function: Any, index: int) -> Forward:
    """The same for a module that is one call of one function, when it is called with one plain tensor."""
    log, mark, unwatched = recorder.log, recorder.mark, torch._C.DisableTorchFunction

    def watched(*args: Any, **kwargs: Any) -> Any:
        if kwargs or len(args) != 1 or type(args[0]) is not Tensor:
            return _watched(recorder, forward, index)(*args, **kwargs)
        x = args[0]
        number = x.__dict__.get(mark) or recorder.meet(x)
        start = len(log)
        log.append(())  # the entry's place: it is written when its end is known
        recorder.inside += 1
        recorder.leaf = True
        try:
            with unwatched():
                out = forward(x)
            result = out.__dict__.get(mark) or recorder.meet(out)
        except BaseException as error:
            if recorder.failed is None or recorder.failed[0] is not error:
                recorder.raised = True
                recorder.failed, recorder.failing = (error, index, describe_shapes(args, {})), (error, function)
            log[start] = (LEAF, index, function, number, None, len(log))
            raise
        finally:
            recorder.inside -= 1
            recorder.leaf = False
        log[start] = (LEAF, index, function, number, result, len(log))
        return out

    return watched


# Modules whose forward is one call of one function: the function mode need not watch what is known.
_ONE_FUNCTION: dict[type, Any] = {
    nn.Conv1d: torch.conv1d,
    nn.Conv2d: torch.conv2d,
    nn.Conv3d: torch.conv3d,
    nn.Linear: functional.linear,
    nn.BatchNorm1d: functional.batch_norm,
    nn.BatchNorm2d: functional.batch_norm,
    nn.BatchNorm3d: functional.batch_norm,
    nn.LayerNorm: functional.layer_norm,
    nn.GroupNorm: functional.group_norm,
    nn.Embedding: functional.embedding,
    nn.Dropout: functional.dropout,
    nn.ReLU: functional.relu,
    nn.GELU: functional.gelu,
    nn.SiLU: functional.silu,
    nn.Sigmoid: torch.sigmoid,
    nn.Tanh: torch.tanh,
}


def _does_more(module: Any) -> bool:
    """Whether such a module does more than its one function: count batches, pad otherwise, renormalise."""
    state = module.__dict__
    padded = state.get("padding_mode", "zeros") != "zeros"
    return padded or state.get("max_norm") is not None or (module.training and state.get("track_running_stats", False))


class WatchOps(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Hands every operator to the recorder."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Compiled functions run as written during a trace, so the wrapper that keeps the compiler out is only a cost."""
        return False

    def __init__(self, recorder: Recorder) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.recorder = recorder

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        recorder = self.recorder
        if recorder.paused:
            return func(*args, **(kwargs or {}))
        if recorder.inside:
            return recorder.record(func, args, kwargs or {})
        with torch._C.DisableTorchFunction():
            return recorder.record(func, args, kwargs or {})


class WatchFunctions(TorchFunctionMode):
    """Notes which log entries a Python-level torch function made; sends factory functions to the device of the run."""

    def __init__(self, recorder: Recorder, device: torch.device | None = None) -> None:
        super().__init__()
        self.recorder = recorder
        self.device = device
        self._factories = _device_constructors() if device is not None else frozenset()

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        recorder = self.recorder
        if type(func) is _MethodWrapper:
            return self._property(func, args)
        if func is _DEEP_COPY:
            recorder.numbers_in(args[0])  # it has its number before
        log = recorder.log
        start = len(log)
        if self._factories and func in self._factories:
            kwargs = dict(kwargs or {})
            if kwargs.get("device") is None or torch.device(kwargs["device"]).type == "cpu":
                kwargs["device"] = self.device
        if func in _OPENED and not types:
            with self:
                out = _OPENED[func](*args, **(kwargs or {}))
        else:
            recorder.inside += 1
            try:
                out = func(*args, **kwargs) if kwargs else func(*args)
            except Exception as error:
                recorder.raised = True
                recorder.missed_data |= func in _READ_DATA
                if recorder.failing is None or recorder.failing[0] is not error:
                    recorder.failing = (error, func)
                raise
            finally:
                recorder.inside -= 1
        if func in _FROM_NUMBERS and self.device is not None and type(out) is Tensor:
            recorder.keep_content(out, args[_FROM_NUMBERS[func]] if len(args) > _FROM_NUMBERS[func] else None)
        if len(log) != start and not recorder.paused:
            if func is _DEEP_COPY:
                _filled(recorder, start, args[0], out)
            if type(out) is Tensor and (number := out.__dict__.get(recorder.mark)):
                log.append((SPAN, func, start, (number,)))
            else:
                log.append((SPAN, func, start, recorder.numbers_in(out)))
        return out

    def _property(self, func: Any, args: Any) -> Any:
        """A property of a tensor: most run nothing; ``x.data = y`` makes `x` another tensor without any operator."""
        if func.__self__ in _SILENT:
            return func(*args)
        recorder = self.recorder
        start = len(recorder.log)
        recorder.inside += 1
        try:
            out = func(*args)
            if func.__self__ in _PLACES and not recorder.looked:
                recorder.looked = decides(sys._getframe(2), func.__self__.__name__)
            if func.__name__ == "__set__" and func.__self__ is Tensor.data and not recorder.paused:
                changed, source = args
                of = recorder.number_of(source)
                if of is None:
                    of = recorder.meet(source)
                number = recorder.renumber(changed, recorder.seen[of][4])
                recorder.log.append((OP, op_info(torch.ops.aten.detach.default), [of], None, number))
        finally:
            recorder.inside -= 1
        if len(recorder.log) != start and not recorder.paused:
            recorder.log.append((SPAN, func, start, recorder.numbers_in(out)))
        return out


def _opened(function: Any) -> types.FunctionType:
    """The same function, but the functions it calls are watched one by one.

    A torch function written in Python first asks ``has_torch_function`` and would come straight back to the mode; this one's
    globals answer no, which is the truth without us.
    """
    outside = dict.fromkeys(("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic"), lambda *_: False)
    opened = types.FunctionType(
        function.__code__, {**function.__globals__, **outside}, function.__name__, function.__defaults__, function.__closure__
    )
    opened.__kwdefaults__ = function.__kwdefaults__
    return opened


_OPENED: dict[Any, Any] = {functional.multi_head_attention_forward: _opened(functional.multi_head_attention_forward)}
_READ_DATA: frozenset[Any] = frozenset(
    {Tensor.item, Tensor.tolist, Tensor.numpy, Tensor.is_nonzero, Tensor.__bool__, Tensor.__int__, Tensor.__float__}
    | {Tensor.__complex__, Tensor.__index__, Tensor.__contains__, Tensor.__array__, Tensor.__format__, Tensor.equal, torch.equal}
)
"""Functions that hand the content of a tensor to Python."""
_DEEP_COPY = Tensor.__deepcopy__
_FROM_NUMBERS: dict[Any, int] = {torch.tensor: 0, torch.as_tensor: 0, torch.asarray: 0, Tensor.new_tensor: 1}
"""Functions that make a tensor of numbers written in the code, and the place of these among their arguments."""


def _filled(recorder: Recorder, start: int, source: Any, out: Any) -> None:
    """``copy.deepcopy`` of a tensor fills a new storage behind torch's back: what it did from `start` on was one ``clone``."""
    of = recorder.number_of(source)
    if of is not None and type(out) is Tensor and type(source) is Tensor and source.grad is None:
        del recorder.log[start:]
        recorder.log.append((OP, op_info(torch.ops.aten.clone.default), [of], None, recorder.renumber(out, None)))


@cond_op.py_impl(WatchOps)
def _cond(mode: WatchOps, chosen: Any, if_true: Forward, if_false: Forward, operands: Any) -> Any:
    """``torch.cond`` as Python would do it: the operators of the branch taken are seen, and that a value decided."""
    with mode:
        return (if_true if chosen else if_false)(*operands)


@while_loop_op.py_impl(WatchOps)
def _while_loop(mode: WatchOps, condition: Forward, body: Forward, carried: Any, others: Any) -> Any:
    with mode:
        carried = tuple(carried)
        while condition(*carried, *others):
            carried = tuple(body(*carried, *others))
        return carried


def describe_shapes(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    """Arguments as people read them: ``(1, 3, 8, 8) float32, mask=(1, 8) bool``."""

    def one(value: Any) -> str:
        if isinstance(value, Tensor):
            return f"{tuple(value.shape)} {str(value.dtype).removeprefix('torch.')}"
        if isinstance(value, (list, tuple)):
            return f"[{', '.join(map(one, value))}]"
        return repr(value) if type(value) in PLAIN else type(value).__name__

    with torch._C.DisableTorchFunction():
        return ", ".join([*map(one, args), *(f"{key}={one(value)}" for key, value in kwargs.items())])
