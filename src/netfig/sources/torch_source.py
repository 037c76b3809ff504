"""Source "torch": a PyTorch module, named on the command line or given from Python. Naming one runs its code."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from netfig.errors import InvalidInput, ModelFailed, UsageError
from netfig.hooks import Loaded, ModelRun, Request
from netfig.sources.forward import Inputs
from netfig.sources.importing import folder_of, importable
from netfig.sources.inputs import dtype_hint, make_inputs
from netfig.sources.targets import Resolved, made, resolve, split_target

MODES = ("eval", "train", "same")


def accepts(target: Any) -> bool:
    """``file.py``, ``file.py:Net``, ``pkg.mod:name``, an ``nn.Module``, or a callable that makes one."""
    if isinstance(target, (str, os.PathLike)):
        return split_target(str(target)) is not None
    return callable(target)


def load(request: Request, options: Any) -> Loaded:
    """Make the model and its inputs, run it once and return what it computed."""
    if request.mode not in MODES:
        raise UsageError(f"unknown mode {request.mode!r}", hint=f"one of {', '.join(MODES)}")
    if request.sizes:
        raise UsageError("a traced model has no sizes that are names", hint="leave out --size; the shape of an input is --input")
    if not isinstance(request.target, (str, os.PathLike)):
        name = getattr(request.target, "__name__", "")
        found = made(request.target, name, device=request.device)
        return trace(request, found, make_inputs(request, found.value), numbers=_numbers(options))
    target = split_target(str(request.target))
    assert target is not None, "the source has accepted it"
    # What the user's code prints must not end up in a product written to stdout.
    with importable(folder_of(target.place, is_file=target.is_file)), contextlib.redirect_stdout(sys.stderr):
        found = resolve(target, device=request.device)
        loaded = trace(request, found, make_inputs(request, found.value), numbers=_numbers(options))
    shown = Path(target.place).name if target.is_file else target.place
    origin = f"{shown}:{target.path}" if target.path else shown
    return dataclasses.replace(loaded, graph=dataclasses.replace(loaded.graph, origin=origin))


def _numbers(options: Any) -> str:
    return str(getattr(options, "numbers", "none"))


def trace(request: Request, found: Resolved, inputs: Inputs, *, numbers: str = "none") -> Loaded:
    """Trace a module on its inputs, in the mode the request asks for; with `numbers` of its attention, on the CPU."""
    from netfig.sources.torch_trace import trace_module

    model = found.value
    run = ModelRun(model, inputs.args, inputs.kwargs)
    with _in_mode(model, request.mode, keep=found.is_fresh):
        try:
            if numbers == "attention":
                from netfig.sources.torch_numbers import trace_with_attention

                return Loaded(trace_with_attention(run, name=request.name or found.name, batch=inputs.batch), run)
            graph = trace_module(
                model,
                inputs.args,
                dict(inputs.kwargs),
                name=request.name or found.name,
                device=request.device,
                partial=request.partial,
                batch=inputs.batch,
            )
        except ModelFailed as error:
            dtype_hint(error)
            raise
        if request.verify:
            _verify(run)
    return Loaded(graph, run)


@contextlib.contextmanager
def _in_mode(model: Any, mode: str, *, keep: bool) -> Iterator[None]:
    """Put the model in a mode; unless it is ours to `keep` so, its train flags and gradient flags come back as they were.

    The user's own ``train`` method is called, since it may do more than set flags (a frozen backbone stays in eval mode).
    """
    if mode == "same":
        yield
        return
    flags = [(m, m.training) for m in model.modules()]
    gradients = [] if keep else [(p, p.requires_grad) for p in model.parameters()]
    try:
        try:
            model.train(mode == "train")
        except Exception:  # it contains itself, or (as what torch.export gives) allows no change
            from torch import nn

            plain = getattr(model.train, "__func__", None) is nn.Module.train
            for module, flag in flags:
                module.training = mode == "train" if plain else flag
        yield
    finally:
        for module, flag in [] if keep else flags:
            if module.training != flag:
                module.training = flag
        for parameter, flag in gradients:
            if parameter.requires_grad != flag:
                parameter.requires_grad_(flag)


def _verify(run: ModelRun) -> None:
    from netfig.sources.torch_replay import verify

    result = verify(run.model, run.args, dict(run.kwargs))
    if not result.ok:
        raise InvalidInput("the recorded graph does not give the model's outputs", why=result.message)
