"""Every awkward model: the trace is true, complete, and leaves no mark."""

from __future__ import annotations

import copy
import random
import sys
import weakref
from typing import Any

import pytest
import torch
import witness
from models import CASES, Case
from torch import Tensor, nn

from netfig.graph import Graph
from netfig.sources import torch_run
from netfig.sources.torch_replay import verify, verify_graph
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


def on_meta(graph: Graph) -> bool:
    return any(note.key == "device" and note.value == "meta" for note in graph.notes)


def test_a_graph_traced_without_data_computes_the_models_outputs_from_its_data(prepared: Any) -> None:
    case, model, args, kwargs = prepared
    torch.manual_seed(1)
    graph = trace_module(model, args, kwargs)
    if case.lazy or not on_meta(graph):
        pytest.skip("not traced without data")
    unknown = {
        value.id for value in graph.values if value.kind == "constant" and value.data is None and 0 not in value.type.sizes
    }
    if any(value in unknown for op in graph.ops for value in op.reads):
        pytest.skip("reads a tensor that is neither input, parameter nor buffer")
    found = verify_graph(graph, model, args, kwargs)
    if "cannot be copied" in found.message:
        pytest.skip(found.message)
    assert found.ok, found.message


def test_a_shape_that_was_remembered_is_the_one_that_torch_finds_out(prepared: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    _, model, args, kwargs = prepared
    torch.manual_seed(1)
    graph = trace_module(model, args, kwargs)
    if not on_meta(graph):
        pytest.skip("not traced without data")
    monkeypatch.setattr(torch_run, "is_alone", lambda: False)
    torch.manual_seed(1)
    assert repr(trace_module(model, args, kwargs)) == repr(graph)  # not a number is equal to nothing


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


def named(mask: int, names: list[str]) -> set[str]:
    return {name for bit, name in enumerate(names) if mask >> bit & 1}


def witnessed(case: Case) -> tuple[list[str], dict[str, int]]:
    """The true dependencies of every output on the inputs and parameters, by the independent taint run."""
    torch.manual_seed(0)
    model = case.model()  # made anew: a deep copy breaks closures, parameters that share memory, and what cannot be copied
    args, kwargs = case.inputs()
    if case.lazy:
        model(*copy.deepcopy(args))
    torch.manual_seed(1)
    return witness.witnessed(model, args, kwargs)


def test_the_graph_has_a_path_for_every_true_dependency_and_no_more(prepared: Any) -> None:
    case, model, args, kwargs = prepared
    if not case.witness:
        pytest.skip("part of the computation happens outside torch")
    torch.manual_seed(1)
    names, truth = witnessed(case)
    torch.manual_seed(1)
    for device in ("cpu", "auto"):
        graph = trace_module(model, args, kwargs, device=device)
        found = witness.dependencies(graph, names)
        assert {port: named(mask, names) for port, mask in found.items()} == {
            port: named(mask, names) for port, mask in truth.items()
        }, device
