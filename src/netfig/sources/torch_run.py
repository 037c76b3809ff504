"""One watched run of a copy of the model on one kind of device; leaves nothing of itself behind."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from netfig.sources.torch_copy import RandomState, StructuralCopy, ToMeta, alias, modules_with_paths
from netfig.sources.torch_ports import named_inputs, tensors_in
from netfig.sources.torch_record import Recorder
from netfig.sources.torch_shapes import Shapes, is_alone
from netfig.sources.torch_watch import WatchFunctions, WatchOps, describe_shapes, watched_forward

WITHOUT_DATA = frozenset({"meta", "fake"})


class Run:
    """A finished run: the log, the watched modules, and what went in and came out.

    `modules` are path and module; `owned` the numbers of the parameters and buffers declared directly in each.
    """

    def __init__(self, device: str, *, keep: bool = False) -> None:
        self.device = device
        self.keep = keep
        self.recorder = Recorder(keep_constants=keep, remember=device in WITHOUT_DATA)
        self.modules: list[tuple[str, nn.Module]] = []
        self.owned: list[list[int]] = []
        self.inputs: list[tuple[str, int]] = []
        self.outputs: list[tuple[str, int]] = []
        self.declared: list[int] = []
        self.tensors: dict[int, Tensor] = {}  # copies of inputs, parameters and buffers, when kept for replay
        self.results: list[tuple[str, Tensor]] = []
        self.final: dict[int, Tensor] = {}
        self.error: BaseException | None = None
        self.outside = ""

    def __call__(self, model: nn.Module, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Run the model's copy; an exception of the model's ends up in `error`."""
        random_state = RandomState()
        try:
            with _quiet(), contextlib.ExitStack() as around:
                fake = None
                if self.device == "fake":
                    from torch._subclasses.fake_tensor import FakeTensorMode

                    fake = FakeTensorMode(allow_non_fake_inputs=True)
                    around.enter_context(_unlogged("torch._subclasses.fake_tensor"))
                try:
                    copied = StructuralCopy(_tensor_map(self.device, fake))
                    ours, our_args, our_kwargs = (
                        copied(model),
                        tuple(map(copied, args)),
                        {k: copied(v) for k, v in kwargs.items()},
                    )
                    if fake is not None:
                        around.enter_context(fake)
                    if copied.lazy:  # a lazy model takes its sizes from a first run; what is traced is the second
                        ours(*our_args, **our_kwargs)
                    self._adopt(ours, our_args, our_kwargs)
                    self._forward(ours, our_args, our_kwargs)
                except (Exception, SystemExit) as error:  # the model's own, or of a tensor without a stand-in
                    self.error = error
        finally:
            self.recorder.restore()
            random_state.restore()

    @property
    def unsure(self) -> bool:
        """Whether with data the model may go another way: it went on after a failure, or asked where its tensors live."""
        recorder = self.recorder
        return (self.device in WITHOUT_DATA and recorder.raised) or (self.device == "meta" and recorder.looked)

    def take_apart(self) -> list[weakref.ref[Tensor]]:
        """Let go of everything that refers back to this run, and hand back its tensors without data: call when it is read."""
        for _, module in self.modules:
            module.__dict__.pop("forward", None)
        self.error = self.recorder.failed = self.recorder.failing = None
        return self.recorder.made or []

    def _adopt(self, ours: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recorder = self.recorder
        wrapped: set[int] = set()
        for name, tensor in named_inputs(ours.forward, args, kwargs):
            number = recorder.adopt(tensor, "input", (name,))
            self.inputs.append((name, number))
            self.declared.append(number)
        for path, module in modules_with_paths(ours):
            prefix = f"{path}." if path else ""
            ours_alone = not _shared(module)
            own: list[int] = []
            for kind, table in (("parameter", module._parameters), ("buffer", module._buffers)):
                for name, held in table.items():
                    if held is not None:
                        own.append(recorder.adopt(held, kind, (prefix + name,), mark=ours_alone))
            self.declared += own
            if ours_alone and id(module) not in wrapped:
                wrapped.add(id(module))
                module.__dict__["forward"] = watched_forward(recorder, module, len(self.modules))
                self.modules.append((path, module))
                self.owned.append(own)
        if self.keep:
            for declared in self.declared:
                self.tensors[declared] = recorder.tensor(declared).detach().clone()

    def _forward(self, ours: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        recorder = self.recorder
        self.outside = describe_shapes(args, kwargs)
        device = torch.device("meta") if self.device == "meta" else None
        if device is not None and is_alone():
            recorder.shapes = Shapes()
        with WatchFunctions(recorder, device), WatchOps(recorder):
            out = ours(*args, **kwargs)
            recorder.paused = True
        with torch._C.DisableTorchFunction():
            for name, tensor in tensors_in(out, "output"):
                self.outputs.append((name, recorder.number_of(tensor) or recorder.meet(tensor)))
                if self.keep:
                    self.results.append((name, tensor.detach().clone()))
        if self.keep:
            self.final = {number: tensor.detach().clone() for number, tensor in recorder.written_externals().items()}


def _shared(module: nn.Module) -> bool:
    """A scripted module cannot be copied or watched: it runs as one opaque piece of its parent."""
    return isinstance(module, torch.jit.ScriptModule)


def _tensor_map(device: str, fake: Any) -> Callable[[Tensor], Tensor]:
    if device == "meta":
        return ToMeta()
    if fake is not None:
        return lambda tensor: fake.from_tensor(tensor, static_shapes=True)
    return alias


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """What must be different while a model is watched, and is put back whatever happens.

    `torch.overrides.has_torch_function` would answer yes because of our own mode, and modules that ask it would leave their
    fused fast path: they get the answer they would get without us. Compiled functions run as written.
    """
    asked = torch.overrides.has_torch_function
    limit = sys.getrecursionlimit()
    place = _working_directory()
    torch.overrides.has_torch_function = _overridden_or_watched  # type: ignore[assignment]
    sys.setrecursionlimit(max(limit * 3, 3000))
    try:
        dynamo = "torch._dynamo" in sys.modules
        with torch.compiler.set_stance("force_eager") if dynamo else contextlib.nullcontext():
            yield
    finally:
        torch.overrides.has_torch_function = asked
        sys.setrecursionlimit(limit)
        if place and _working_directory() != place:
            with contextlib.suppress(OSError):
                os.chdir(place)


def _working_directory() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was deleted
        return ""


@contextlib.contextmanager
def _unlogged(name: str) -> Iterator[None]:
    """Keeps a logger of torch's silent: a shape that does not fit is told once, by us, without its traceback."""
    logger = logging.getLogger(name)
    disabled, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = disabled


def _overridden_or_watched(given: Any) -> bool:
    """`torch.overrides.has_torch_function` as if our mode were not there; shape functions of torch's ask it of many numbers."""
    for item in given:
        if type(item) not in _NEVER_OVERRIDDEN:
            break
    else:
        if not _modes():
            return False
    if torch._C._is_torch_function_all_disabled():
        return False
    stack = torch._C._get_function_stack_at
    if any(type(stack(i)) is not WatchFunctions for i in range(_modes())):
        return True
    return _overridden(given)


def _overridden(given: Any) -> bool:
    for item in given:
        kind = type(item)
        if kind in _NEVER_OVERRIDDEN:
            continue
        override = getattr(kind, "__torch_function__", None)
        if override is not None and override not in _PLAIN_OVERRIDES:
            return True
    return False


_modes = torch._C._len_torch_function_stack
_NEVER_OVERRIDDEN = frozenset({Tensor, nn.Parameter, int, float, bool, type(None)})
_PLAIN_OVERRIDES = (torch._C._disabled_torch_function_impl, Tensor.__torch_function__)
