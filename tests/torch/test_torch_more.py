"""The second set of awkward models, through the same judges as the first, and models that give nothing to compare."""

from __future__ import annotations

import collections
import copy
import functools
import os
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from models import Case
from models_more import MORE
from models_odd import forget  # its models are in the same table
from test_torch_suite import (  # noqa: F401 - the same judges, with this file's models
    test_a_graph_traced_without_data_computes_the_models_outputs_from_its_data,
    test_a_shape_that_was_remembered_is_the_one_that_torch_finds_out,
    test_the_graph_counts_every_parameter_once,
    test_the_graph_has_a_path_for_every_true_dependency_and_no_more,
    test_the_replayed_graph_gives_the_models_own_outputs,
    test_the_users_model_inputs_and_generators_are_as_before,
)
from torch import nn
from witness import dependencies

import netfig
from netfig.errors import ModelFailed
from netfig.sources.torch_ports import tensors_in
from netfig.sources.torch_replay import difference, verify
from netfig.sources.torch_trace import trace_module
from netfig.testing import figure_problems

KERNELS = frozenset({"Autocast", "CopyInForward", "Expanded", "FlexibleAttention", "ScriptedRoot", "SlicesOfSlices", "ZeroSizes"})
"""Models for which torch itself has other operators without data than with it: fused attention, casts, filling."""

pytestmark = pytest.mark.filterwarnings("ignore")


OPEN = {
    "QuantizedDynamic": "an argument that is a script object is not in the graph",
    "Stateful": "an argument that is a random generator is not in the graph",
}
"""Models whose graph cannot be replayed, each with the cause; everything else holds for them too."""
OPEN_WITHOUT_DATA = {
    "Autocast": "autocast casts by other rules where there is no data",
    "Stateful": OPEN["Stateful"],
}


@pytest.fixture(params=MORE, ids=str)
def prepared(request: pytest.FixtureRequest) -> Any:
    if request.param in OPEN and "replayed" in request.node.name:
        request.applymarker(pytest.mark.xfail(reason=OPEN[request.param], strict=True))
    if request.param in OPEN_WITHOUT_DATA and "without_data" in request.node.name:
        request.applymarker(pytest.mark.xfail(reason=OPEN_WITHOUT_DATA[request.param], strict=True))
    case = MORE[request.param]
    torch.manual_seed(0)
    model = case.model()
    args, kwargs = case.inputs()
    with torch.set_grad_enabled(case.grad):
        yield case, model, args, kwargs


def results_of(case: Case, *, traced: bool) -> list[tuple[str, torch.Tensor]]:
    """What a fresh model gives when called twice, after it was traced or not."""
    torch.manual_seed(0)
    model = case.model()
    args, kwargs = case.inputs()
    found: list[tuple[str, torch.Tensor]] = []
    with torch.set_grad_enabled(case.grad):
        if traced:
            for device in ("auto", "cpu"):
                trace_module(model, args, kwargs, device=device)
        torch.manual_seed(1)
        for _ in range(2):
            out = model(*copy.deepcopy(args) if all(map(_is_leaf, args)) else args, **copy.deepcopy(kwargs))
            found += [(name, tensor.detach().clone()) for name, tensor in tensors_in(out, "output")]
    return found


def _is_leaf(item: Any) -> bool:
    return not isinstance(item, torch.Tensor) or item.is_leaf


@pytest.mark.parametrize("name", MORE)
def test_a_traced_model_computes_what_one_never_traced_computes(name: str) -> None:
    plain, after = results_of(MORE[name], traced=False), results_of(MORE[name], traced=True)
    assert [n for n, _ in after] == [n for n, _ in plain]
    assert max((difference(a, b) for (_, a), (_, b) in zip(plain, after, strict=True)), default=0.0) < 1e-5


@pytest.mark.parametrize("name", [name for name in MORE if name not in KERNELS])
def test_the_path_taken_without_data_is_the_path_taken_with_it(name: str) -> None:
    """Functions called, by scope: another device must not mean another way through the model."""
    case = MORE[name]
    counts = []
    for device in ("cpu", "auto"):
        forget()
        torch.manual_seed(0)
        model = case.model()
        args, kwargs = case.inputs()
        with torch.set_grad_enabled(case.grad):
            graph = trace_module(model, args, kwargs, device=device)
        counts.append(collections.Counter((op.scope, op.kind) for op in graph.ops))
    assert counts[0] == counts[1]


@pytest.mark.parametrize("renderer", ["modules", "dataflow"])
def test_the_figure_of_a_model_loses_no_op_and_invents_no_wire(prepared: Any, renderer: str) -> None:
    _, model, args, kwargs = prepared
    drawn = netfig.draw(trace_module(model, args, kwargs), renderer=renderer)
    assert figure_problems(drawn.graph, drawn.figure) == []


class Constant(nn.Module):
    """Gives back something that holds no tensor."""

    def __init__(self, result: Any) -> None:
        super().__init__()
        self.result = result

    def forward(self, x: torch.Tensor) -> Any:
        x + 1
        return self.result


@pytest.mark.parametrize("result", [None, 3.5, "text", [], {"a": None}], ids=repr)
def test_a_model_without_a_tensor_in_its_output_has_a_graph_without_outputs(result: Any) -> None:
    graph = trace_module(Constant(result), (torch.randn(2),))
    assert graph.outputs == ()
    assert [op.kind for op in graph.ops] == ["add"]


class Exits(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise SystemExit(0)


class Speechless(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        class NoWords(Exception):
            def __str__(self) -> str:
                raise RuntimeError

        raise NoWords


class Foreign(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        raise ValueError("größe 漢字 \udc80")


class Endless(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self(x)


@pytest.fixture
def plain_limit() -> Iterator[None]:
    """Python's own recursion limit, whatever another test needed."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize("name", ["Exits", "Speechless", "Foreign", "Endless"])
def test_whatever_a_forward_raises_is_the_models_failure(name: str, plain_limit: None) -> None:
    with pytest.raises(ModelFailed, match=name):
        trace_module(globals()[name](), (torch.randn(2),))


def test_a_second_trace_is_not_misled_by_a_tensor_that_outlived_the_first() -> None:
    kept: dict[str, torch.Tensor] = {}

    class Keeps(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = ((x + 1) * 2).relu()
            if "mask" not in kept:
                kept["mask"] = torch.ones(4) * 3
            return y * kept["mask"]

    class Uses(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            unused = ((y + 1) * 2).relu() * 3 * 4 * 5 * 6
            return x * kept["mask"] if unused is not None else x

    trace_module(Keeps(), (torch.randn(2, 4),), device="cpu")
    graph = trace_module(Uses(), (torch.randn(2, 4), torch.randn(2, 4)), device="cpu")
    assert [port.name for port in graph.inputs] == ["x", "y"]
    assert dependencies(graph, ["x", "y"]) == {"output": 0b01}


def test_traces_on_several_threads_do_not_disturb_each_other_or_the_process() -> None:
    asked, limit = torch.overrides.has_torch_function, sys.getrecursionlimit()
    model, x = nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(2, 4)
    expected = trace_module(model, (x,))
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.extend(trace_module(model, (x,)) for _ in range(5))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 20
    assert torch.overrides.has_torch_function is asked
    assert sys.getrecursionlimit() == limit


def test_a_forward_that_changes_the_working_directory_does_so_for_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Moves(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            os.chdir("/")
            return x

    monkeypatch.chdir(tmp_path)
    trace_module(Moves(), (torch.randn(2),))
    assert Path.cwd() == tmp_path


KEPT: list[torch.Tensor] = []
MASK: torch.Tensor | None = None


@functools.cache
def tables(size: int) -> tuple[torch.Tensor, list[torch.Tensor]]:
    return torch.ones(size) * 2, [torch.ones(size) * 3]


class Settings:
    scale: torch.Tensor | None = None


class KeepsEverywhere(nn.Module):
    """Fills a list, a variable, a cached function, a class and a dict of lists when it first runs."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        global MASK
        if MASK is None:
            MASK = torch.ones(4) * 4
        if not KEPT:
            KEPT.append(torch.ones(4) * 5)
        if Settings.scale is None:
            Settings.scale = torch.ones(4) * 6
        if "rotary" not in ROTARY:
            ROTARY["rotary"] = [torch.ones(4) * 7, torch.ones(4) * 8]
        cos, sin = ROTARY["rotary"]
        first, (second,) = tables(4)
        return x * MASK + KEPT[0] * Settings.scale + first * second + cos * sin


ROTARY: dict[str, list[torch.Tensor]] = {}


@pytest.mark.parametrize("device", ["auto", "meta", "fake", "cpu"])
def test_nothing_without_data_stays_in_what_a_model_fills_outside_of_itself(device: str) -> None:
    x = torch.ones(2, 4)
    try:
        graph = trace_module(KeepsEverywhere(), (x,), device=device)
        assert torch.equal(KeepsEverywhere()(x), torch.full((2, 4), 4.0 + 5 * 6 + 2 * 3 + 7 * 8))
        assert not [note for note in graph.notes if note.key == "left_behind"]
    finally:
        globals()["MASK"] = Settings.scale = None
        KEPT.clear()
        ROTARY.clear()
        tables.cache_clear()


def test_a_trace_within_a_traced_forward_is_a_trace_of_its_own() -> None:
    inner: list[Any] = []

    class Traces(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            y = x + 1
            inner.append(trace_module(nn.ReLU(), (y,), device="cpu"))
            return y * 2

    graph = trace_module(Traces(), (torch.randn(2),), device="cpu")
    assert [op.kind for op in inner[0].ops] == ["relu"]
    assert [port.name for port in inner[0].inputs] == ["input"]
    assert dependencies(graph, ["x"]) == {"output": 1}


@pytest.mark.parametrize(
    ("way", "device"),
    [
        (lambda x: x + torch.arange(4, device=x.device), "meta"),
        (lambda x: x.to(x.device) + torch.zeros(4).to(x.device), "meta"),
        (lambda x: x.relu() if x.device.type == "cpu" else x.tanh(), "fake"),
        (lambda x: x.relu() if torch.device("cpu") == x.device else x.tanh(), "fake"),
        (lambda x: x.relu() if x.is_cpu else x.tanh(), "fake"),
    ],
    ids=["hands on", "moves", "type", "compares", "is_cpu"],
)
def test_only_a_model_that_goes_by_the_device_is_kept_off_the_meta_device(way: Any, device: str) -> None:
    class Goes(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return way(x)

    graph = trace_module(Goes(), (torch.randn(2, 4),))
    assert [note.value for note in graph.notes if note.key == "device"] == [device]
    assert "tanh" not in {op.kind for op in graph.ops}


@pytest.mark.parametrize(
    "asks",
    [lambda x: x.all(), lambda x: 3 in x, lambda x: x.sum().item(), lambda x: x.tolist()[0][0], lambda x: len(x[x > 0])],
    ids=["bool", "in", "item", "tolist", "mask"],
)
def test_a_model_that_needs_its_data_goes_the_way_it_goes_with_them_even_if_it_spares_fake_tensors(asks: Any) -> None:
    class Guards(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if isinstance(x, torch._subclasses.FakeTensor) or asks(x):
                return x.relu()
            return x.tanh()

    graph = trace_module(Guards(), (torch.zeros(2, 4),))
    assert graph.ops[-1].kind == "tanh"


@pytest.mark.parametrize("name", ["ExportedRoot"])
def test_a_model_whose_mode_cannot_be_set_is_drawn_all_the_same(name: str) -> None:
    model = MORE[name].model()
    flags = [module.training for module in model.modules()]
    assert netfig.trace(model, torch.randn(2, 4)).ops
    assert [module.training for module in model.modules()] == flags


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_operators_that_take_functions_show_the_way_taken_and_that_a_value_decided(device: str) -> None:
    class Decides(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            step = torch.zeros((), dtype=torch.int64)
            _, y = torch.while_loop(lambda i, y: i < 2, lambda i, y: (i + 1, y * 2), (step, x))
            return torch.cond(x.sum() > 0, torch.sin, torch.cos, (y,))

    graph = trace_module(Decides(), (torch.ones(3),), device=device)
    assert [op.kind for op in graph.ops if op.kind in {"mul", "sin", "cos"}] == ["mul", "mul", "sin"]
    assert [note.subject for note in graph.notes if note.key == "data_dependent" and note.subject][-1:] == ["bool@3"]
    assert verify(Decides(), (torch.ones(3),)).ok


def test_no_op_is_called_like_a_scope() -> None:
    class Shadows(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.relu(torch.relu(x))

    graph = trace_module(Shadows(), (torch.randn(2),))
    assert [op.id for op in graph.ops] == ["relu@1", "relu/relu"]
    assert [scope.id for scope in graph.scopes] == ["Shadows", "relu"]
