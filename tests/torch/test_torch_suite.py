"""Every awkward model: the trace is true, complete, and leaves no mark."""

from __future__ import annotations

import copy
import random
import sys
import weakref
from typing import Any

import pytest
import torch
from models import CASES, Case
from torch import Tensor, nn
from witness import Taint

from netfig.graph import Graph
from netfig.sources.torch_ports import named_inputs, tensors_in
from netfig.sources.torch_replay import verify
from netfig.sources.torch_trace import trace_module

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(params=CASES, ids=str)
def prepared(request: pytest.FixtureRequest) -> Any:
    case = CASES[request.param]
    torch.manual_seed(0)
    model = case.model()
    args, kwargs = case.inputs()
    with torch.set_grad_enabled(case.grad):
        yield case, model, args, kwargs


def test_the_replayed_graph_gives_the_models_own_outputs(prepared: Any) -> None:
    _, model, args, kwargs = prepared
    torch.manual_seed(1)
    found = verify(model, args, kwargs)
    assert found.ok, found.message
    assert found.outputs_compared > 0


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_graph_counts_every_parameter_once(prepared: Any, device: str) -> None:
    case, model, args, kwargs = prepared
    graph = trace_module(model, args, kwargs, device=device)
    if case.lazy:
        model(*copy.deepcopy(args))
    assert graph.parameter_count == sum(p.numel() for p in model.parameters())


def state_of(item: Any, depth: int = 0, above: frozenset[int] = frozenset()) -> Any:
    """Everything a model or its inputs hold, as plain data that can be compared."""
    if isinstance(item, torch.nn.parameter.UninitializedTensorMixin):
        return ("uninitialized", id(item), type(item))
    if isinstance(item, Tensor):
        data = item.detach().to_dense() if item.layout is not torch.strided else item.detach()
        content = data.resolve_conj().clone().contiguous().reshape(-1).view(torch.uint8).tolist()
        own = sorted(item.__dict__)
        return (
            id(item),
            item.shape,
            item.stride() if item.layout is torch.strided else None,
            item.dtype,
            item.requires_grad,
            item._version,
            item.grad is None,
            own,
            content,
        )
    if type(item) in weakref.ProxyTypes or id(item) in above:
        return id(item)
    if isinstance(item, nn.Module) and not isinstance(item, torch.jit.ScriptModule):
        above |= {id(item)}
        return (id(item), type(item), {k: state_of(v, depth + 1, above) for k, v in item.__dict__.items()})
    if isinstance(item, torch.jit.ScriptModule):
        return [state_of(t) for t in (*item.parameters(), *item.buffers())]
    if isinstance(item, dict):
        return {k if isinstance(k, (str, int)) else id(k): state_of(v, depth + 1, above) for k, v in item.items()}
    if isinstance(item, (list, tuple)) or type(item).__name__ == "deque":
        return [state_of(v, depth + 1, above) for v in item]
    if hasattr(item, "__dict__") and depth < 6 and not callable(item):
        return {k: state_of(v, depth + 1, above) for k, v in vars(item).items()}
    return item if isinstance(item, (int, float, str, bool, type(None), set)) else id(item)


def test_the_users_model_inputs_and_generators_are_as_before(prepared: Any) -> None:
    _, model, args, kwargs = prepared
    sys.setrecursionlimit(20_000)
    before = state_of((model, args, kwargs))
    generators = torch.get_rng_state(), random.getstate()
    for device in ("auto", "cpu"):
        trace_module(model, args, kwargs, device=device)
    assert state_of((model, args, kwargs)) == before
    assert torch.equal(torch.get_rng_state(), generators[0])
    assert random.getstate() == generators[1]


def dependencies(graph: Graph, sources: dict[str, str]) -> dict[str, set[str]]:
    """For each output the sources (by name) that have a path to it."""
    reach: dict[str, set[str]] = {value: {name} for name, value in sources.items()}
    for op in graph.ops:
        found = set().union(*(reach.get(value, set()) for value in op.reads))
        for out in op.outputs:
            reach[out] = found
    return {port.name: reach.get(port.value, set()) for port in graph.outputs}


def witnessed(case: Case) -> tuple[dict[str, set[str]], list[str]]:
    """The true dependencies of every output on the inputs and parameters, by the independent taint run."""
    torch.manual_seed(0)
    model = case.model()  # made anew: a deep copy breaks closures, parameters that share memory, and what cannot be copied
    args, kwargs = case.inputs()
    if case.lazy:
        model(*copy.deepcopy(args))
    torch.manual_seed(1)
    taint = Taint()
    named = [*named_inputs(model.forward, args, kwargs), *model.named_parameters()][:60]
    names = []
    for position, (name, tensor) in enumerate(named):
        if not isinstance(tensor, torch.nn.parameter.UninitializedTensorMixin):
            taint.set(tensor, 1 << position)
            names.append(name)
    with taint:
        out = model(*args, **kwargs)
    truth = {}
    for name, tensor in tensors_in(out, "output"):
        mask = taint.get(tensor)
        truth[name] = {source for position, (source, _) in enumerate(named) if mask >> position & 1}
    return truth, names


def test_the_graph_has_a_path_for_every_true_dependency_and_no_more(prepared: Any) -> None:
    case, model, args, kwargs = prepared
    if not case.witness:
        pytest.skip("part of the computation happens outside torch")
    torch.manual_seed(1)
    truth, names = witnessed(case)
    torch.manual_seed(1)
    for device in ("cpu", "auto"):
        graph = trace_module(model, args, kwargs, device=device)
        by_name = {name: value.id for value in graph.values if value.kind != "computed" for name in value.names}
        assert set(names) <= set(by_name)
        assert dependencies(graph, {name: by_name[name] for name in names}) == truth, device
