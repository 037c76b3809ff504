"""The attention weights of a model on real inputs: one run on the CPU, replayed op by op, and what its softmaxes make kept.

Fused attention hides its weights, so it runs as the plain mathematics it stands for: the same numbers in more ops.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any, Final

import torch
from torch import Tensor

from netfig.errors import InvalidInput
from netfig.graph import Graph
from netfig.hooks import ModelRun
from netfig.sources.torch_replay import ReplayError, replay
from netfig.sources.torch_trace import build_graph, failure, watched_run

MOST_WEIGHTS: Final = 1 << 17
"""Weights of one softmax that are kept; a larger one stays without numbers."""
KEPT_DECIMALS: Final = 6
_SUM: Final = 1e-3
_PRODUCTS: Final = frozenset(("matmul", "mm", "bmm", "baddbmm", "einsum"))
_HANDED_ON: Final = frozenset(
    (
        "dropout",
        "native_dropout",
        "view",
        "reshape",
        "_unsafe_view",
        "expand",
        "clone",
        "to",
        "contiguous",
        "transpose",
        "permute",
        "alias",
    )
)


def trace_with_attention(run: ModelRun, *, name: str | None, batch: int | None) -> Graph:
    """The graph of one run on the CPU whose attention weights have their numbers (`Value.data`, row by row, six decimals).

    Raises:
        InvalidInput: the run cannot be replayed, or there are no attention weights in it.
    """
    with _unfused():
        watched = watched_run(run.model, tuple(run.args), dict(run.kwargs), "cpu", keep=True)
        if watched.error is not None:
            raise failure(watched, run.model) from watched.error
        graph, build = build_graph(watched, run.model, name=name, batch=batch)
        known = {
            build.values.first[number].id: tensor
            for number, tensor in (watched.tensors | watched.recorder.constants).items()
            if number in build.values.first
        }
        made = [op.outputs[0] for op in graph.ops if "softmax" in op.kind and "log" not in op.kind and op.outputs]
        wanted = frozenset(id for id in made if _weigh(graph, id))
        try:
            found = replay(graph, known, wanted)
        except ReplayError as error:
            raise InvalidInput("the attention weights cannot be worked out", why=str(error)) from error
        finally:
            watched.take_apart()
    kept = {id: _data(found[id]) for id in wanted if id in found and _are_weights(found[id])}
    if not kept:
        why = "no softmax makes weights of tokens for tokens" if not wanted else "none of its softmaxes makes rows of weights"
        raise InvalidInput("the model has no attention weights", why=why, hint="leave out --opt torch.numbers=attention")
    values = tuple(dataclasses.replace(v, data=kept[v.id]) if v.id in kept else v for v in graph.values)
    return dataclasses.replace(graph, values=values)


def _weigh(graph: Graph, id: str) -> bool:
    """Whether a product reads a value, or what only hands it on."""
    waiting, seen = [id], {id}
    while waiting:
        for op in graph.readers.get(waiting.pop(), ()):
            if op.kind in _PRODUCTS:
                return True
            if op.kind in _HANDED_ON and op.outputs[0] not in seen:
                seen.add(op.outputs[0])
                waiting.append(op.outputs[0])
    return False


def _are_weights(tensor: Tensor) -> bool:
    """Whether it is rows of weights over tokens: two dimensions or more, rows that sum to 1 (or to 0: wholly masked)."""
    if not 2 <= tensor.dim() <= 4 or not tensor.is_floating_point() or not 0 < tensor.numel() <= MOST_WEIGHTS:
        return False
    sums = tensor.double().sum(-1)
    return bool(((sums - 1).abs() < _SUM).all()) and (tensor.dim() > 2 or tensor.shape[0] > 1)


def _data(tensor: Tensor) -> tuple[float, ...]:
    return tuple(round(x, KEPT_DECIMALS) for x in tensor.double().flatten().tolist())


@contextlib.contextmanager
def _unfused() -> Iterator[None]:
    """Attention as matrix products and a softmax, wherever the model has it."""
    from torch.nn.attention import SDPBackend, sdpa_kernel

    backend: Any = torch.backends.mha
    fast = backend.get_fastpath_enabled()
    backend.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        backend.set_fastpath_enabled(fast)
