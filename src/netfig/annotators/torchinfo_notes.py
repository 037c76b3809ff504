"""The ``torchinfo`` annotator: what torchinfo says of each layer, run on a copy of ours, and where it disagrees with the graph.

The copy has the model's structure and shapes but no weights (meta device); when the model cannot run there, a small one is copied
with its weights. The caller's module, its flags, its hooks and the random state stay as they were.
"""

from __future__ import annotations

import copy
import math
import random
import re
import sys
import warnings
from contextlib import contextmanager, nullcontext
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from netfig.annotators.kinds import base
from netfig.annotators.layers import Layers, is_convolution
from netfig.annotators.macs import macs
from netfig.graph import Note
from netfig.graph.counts import parameter_counts

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    from netfig.graph import Graph, Scope
    from netfig.hooks import ModelRun

LARGEST_REAL_COPY = 100_000_000
"""Elements of the largest model that is copied with its weights."""

MOST_STEPS = 2_000_000
"""torchinfo is not asked when it would take more steps than this."""


def annotate(graph: Graph, run: ModelRun | None = None, options: Any = None) -> list[Note]:
    """All notes of this annotator; none without a live model. A failure of torchinfo is a note too."""
    if run is None:
        return []
    try:
        author = f"torchinfo {version('torchinfo')}"
    except PackageNotFoundError:
        return [Note("", "torchinfo.failed", "torchinfo is not installed", "", "torchinfo")]
    if _cost(graph) > MOST_STEPS:
        why = "the modules nest too deeply: torchinfo's work doubles with every level"
        return [Note("", "torchinfo.failed", why, "", author)]
    if _contains_itself(run.model):
        return [Note("", "torchinfo.failed", "a module contains itself: torchinfo would never end", "", author)]
    try:
        statistics, model = _statistics(run)
    except Exception as error:  # whatever it is, it is torchinfo's or the copy's, never the user's
        return [Note("", "torchinfo.failed", _first_line(error), "", author)]
    return list(_notes(graph, statistics, model, author))


def _contains_itself(module: Any, around: frozenset[int] = frozenset(), seen: set[int] | None = None) -> bool:
    seen = set() if seen is None else seen
    if id(module) in around:
        return True
    if id(module) in seen:
        return False
    seen.add(id(module))
    return any(_contains_itself(child, around | {id(module)}, seen) for child in getattr(module, "children", list)())


def _cost(graph: Graph) -> int:
    """Steps torchinfo takes: it visits a module once for every set of modules around it."""
    depth: dict[str, int] = {}
    for s in graph.scopes:
        above = depth[s.parent] if s.parent is not None else 0
        depth[s.id] = above + (s.kind == "module")
    return sum(2 ** min(depth[s.id], 64) for s in graph.scopes if s.kind == "module")


def _first_line(error: BaseException) -> str:
    """What the innermost error says, without contents of tensors and memory addresses, which differ between runs."""
    while error.__cause__ is not None:
        error = error.__cause__
    lines = str(error).strip().splitlines()
    text = re.sub(r" at 0x[0-9a-fA-F]+", "", re.sub(r"\btensor\(.*", "tensor(…", lines[0])) if lines else ""
    text = text if len(text) <= 160 else text[:159] + "…"
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _statistics(run: ModelRun) -> tuple[Any, Any]:
    """torchinfo's statistics and the copy that they are about."""
    import torch

    with _random_state_kept(run.model), warnings.catch_warnings(), _nothing_compiled():
        warnings.simplefilter("ignore")
        try:
            return _summary(run, meta=True)
        except Exception:
            elements = sum(p.numel() for p in run.model.parameters() if not torch.nn.parameter.is_lazy(p))
            if elements > LARGEST_REAL_COPY:
                raise
            return _summary(run, meta=False)


def _nothing_compiled() -> AbstractContextManager[Any]:
    """Compiled parts run as they were written: compiling them again for the copy would take long."""
    if "torch._dynamo" not in sys.modules:
        return nullcontext()
    import torch

    stance: AbstractContextManager[Any] = torch.compiler.set_stance("force_eager")
    return stance


def _summary(run: ModelRun, *, meta: bool) -> tuple[Any, Any]:
    import torch
    import torchinfo
    from torch.overrides import TorchFunctionMode

    class ToMeta(TorchFunctionMode):
        """Copying a tensor gives one without data."""

        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            if func is torch.Tensor.clone:
                return torch.empty_like(args[0], device="meta")
            if func is torch.Tensor.__deepcopy__:
                tensor, memo = args
                made = torch.empty_like(tensor, device="meta", requires_grad=tensor.requires_grad)
                return memo.setdefault(id(tensor), made)
            return func(*args, **(kwargs or {}))

    class Harness(torch.nn.Module):
        """Calls the model with all its arguments, whatever they are, and keeps its train flags."""

        def __init__(self, model: Any, args: Any, kwargs: Any) -> None:
            super().__init__()
            self.model = model
            self._call = args, kwargs

        def forward(self, nothing: Any) -> Any:
            args, kwargs = self._call
            with torch.set_grad_enabled(gradients):  # torchinfo turns them off, which some models do not survive
                return self.model(*args, **kwargs)

        def train(self, mode: bool = True) -> Harness:
            return self

        def to(self, *args: Any, **kwargs: Any) -> Harness:
            return self

    gradients = torch.is_grad_enabled()
    memo: dict[int, Any] = {}
    if meta:
        with torch.no_grad(), ToMeta():
            model, args, kwargs = copy.deepcopy((run.model, tuple(run.args), dict(run.kwargs)), memo)
    else:
        model, args, kwargs = copy.deepcopy((run.model, tuple(run.args), dict(run.kwargs)), memo)
    _without_foreign_hooks(model)
    device = "meta" if meta else "cpu"
    statistics = torchinfo.summary(
        Harness(model, args, kwargs), input_data=[torch.empty(0, device=device)], device=device, depth=10_000, verbose=0
    )
    return statistics, model


def _without_foreign_hooks(model: Any) -> None:
    """Hooks of the user's would act on the user's objects; torch's own (weight_norm) are part of the computation."""
    for module in model.modules():
        for hooks in (module._forward_hooks, module._forward_pre_hooks):
            for key in [k for k, hook in hooks.items() if not _is_torchs(hook)]:
                del hooks[key]


def _is_torchs(hook: Any) -> bool:
    return str(getattr(hook, "__module__", None) or type(hook).__module__).partition(".")[0] == "torch"


@contextmanager
def _random_state_kept(model: Any) -> Iterator[None]:
    import numpy as np
    import torch

    python, numpy = random.getstate(), np.random.get_state()
    try:
        with torch.random.fork_rng(devices={p.device for p in model.parameters() if p.is_cuda}):
            yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)


def _notes(graph: Graph, statistics: Any, model: Any, author: str) -> Iterator[Note]:
    counts = parameter_counts(graph)
    yield Note("", "torchinfo.params", int(statistics.total_params), "parameters", author)
    yield Note("", "torchinfo.mult_adds", int(statistics.total_mult_adds), "multiply-adds", author)
    differences = {"": list(_total_differences(graph, statistics))}
    for scope, layer in _rows(graph, statistics, model):
        shape = tuple(int(n) for n in layer.output_size) if _is_shape(layer.output_size) else None
        yield Note(scope.id, "torchinfo.params", int(layer.num_params), "parameters", author)
        yield Note(scope.id, "torchinfo.mult_adds", int(layer.macs), "multiply-adds", author)
        if shape is not None:
            yield Note(scope.id, "torchinfo.output_shape", shape, "", author)
        ours = counts[scope.id].total
        found = differences.setdefault(scope.id, [])
        if ours is not None and ours != layer.num_params:
            found.append(f"torchinfo counts {layer.num_params:,} parameters, the graph {ours:,}")
        made = [graph.value_by_id[v].type.sizes for v in scope.outputs]
        if shape is not None and made and None not in made and shape not in made:
            found.append(f"torchinfo gives the output shape {_shape(shape)}, the graph {', '.join(map(_shape, made))}")
    for subject, texts in differences.items():
        if texts:
            yield Note(subject, "disagreement", "; ".join(texts), "", author)


def _is_shape(size: Any) -> bool:
    return isinstance(size, (list, tuple)) and all(isinstance(n, int) for n in size)


def _shape(sizes: Any) -> str:
    return "×".join(map(str, sizes)) or "scalar"


def _rows(graph: Graph, statistics: Any, model: Any) -> Iterator[tuple[Scope, Any]]:
    """torchinfo's rows with the module call each stands for."""
    paths: Mapping[int, str] = {id(module): path for path, module in model.named_modules()}
    calls: dict[tuple[str, int], Scope] = {(s.path, s.call): s for s in graph.scopes if s.kind == "module"}
    seen: dict[str, int] = {}
    for layer in statistics.summary_list:
        path = paths.get(id(layer.module))
        if not path or not layer.executed:
            continue
        call = seen.get(path, 0)
        seen[path] = call + 1
        scope = calls.get((path, call))
        if scope is not None:
            yield scope, layer


def _total_differences(graph: Graph, statistics: Any) -> Iterator[str]:
    ours = graph.parameter_count
    if ours is not None and ours != statistics.total_params:
        yield f"torchinfo counts {statistics.total_params:,} parameters, the graph {ours:,}"
    layers = Layers(graph)
    work = [macs(layers, op) for op in graph.ops]
    total = sum(n for n in work if n is not None)
    if statistics.total_mult_adds not in (total, total + _conventional_extras(layers)):
        least = "at least " if None in work else ""
        yield f"torchinfo counts {statistics.total_mult_adds:,} multiply-adds, the graph {least}{total:,}"


def _conventional_extras(layers: Layers) -> int:
    """What torchinfo adds by its convention: biases of convolutions and linear layers, parameters of normalizations."""
    total = 0
    parameters = {v.id: v for v in layers.graph.values if v.kind == "parameter"}
    for op in layers.graph.ops:
        sizes = layers.sizes(op.outputs[0]) if op.outputs else None
        if not sizes:
            continue
        kind = base(op.kind)
        if kind == "addmm" or ((is_convolution(op) or kind == "linear") and layers.slot(op, "bias")):
            total += math.prod(sizes)
        elif kind.endswith("_norm"):
            total += sizes[0] * sum(parameters[v].type.numel or 0 for v in op.reads if v in parameters)
    return total
