"""Names, scopes and values as a reader of the graph finds them."""

from __future__ import annotations

import warnings

import numpy
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from netfig.graph import Graph, Op
from netfig.sources import torch_watch
from netfig.sources.torch_replay import verify, verify_graph
from netfig.sources.torch_storage import Layout, needed, relation
from netfig.sources.torch_trace import trace_module


def kinds(graph: Graph) -> list[str]:
    return [op.kind for op in graph.ops]


def only(graph: Graph, kind: str) -> Op:
    (found,) = [op for op in graph.ops if op.kind == kind]
    return found


class Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3, padding=1)
        self.norm = nn.BatchNorm2d(4)

    def forward(self, image: Tensor) -> Tensor:
        x = self.norm(self.conv(image))
        x = F.max_pool2d(F.relu(x + 1), 2)
        return x.flatten(1)[:, :3] * 2 - 1 / x.mean()


@pytest.mark.parametrize("device", ["meta", "fake", "cpu"])
def test_an_op_has_the_word_that_people_use(device: str) -> None:
    graph = trace_module(Named().eval(), (torch.randn(1, 3, 8, 8),), device=device)
    assert kinds(graph)[:7] == ["conv2d", "batch_norm", "add", "relu", "max_pool2d", "flatten", "getitem"]
    assert graph.inputs[0].name == "image"
    assert only(graph, "conv2d").attribute("target") == "aten.convolution.default"
    assert only(graph, "conv2d").scope == "conv"


class WritesNumbers(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        y = x * torch.tensor(128).sqrt() + torch.tensor([0.1, 0.2, 0.3])
        return y + x.new_tensor([[1.0, 2.0, 3.0]]) * torch.as_tensor([True, False, True])


@pytest.mark.parametrize("device", ["meta", "fake", "cpu"])
def test_a_tensor_of_numbers_written_in_the_code_keeps_them_where_there_is_no_data(device: str) -> None:
    graph = trace_module(WritesNumbers(), (torch.randn(2, 3),), device=device)
    constants = {value.data for value in graph.values if value.kind == "constant"}
    rounded = tuple(torch.tensor([0.1, 0.2, 0.3]).tolist())
    assert constants == {(128,), rounded, (1.0, 2.0, 3.0), (True, False, True)}
    assert verify_graph(graph, WritesNumbers(), (torch.randn(2, 3),)).ok


def test_numbers_that_are_equal_give_the_types_that_each_of_them_gives() -> None:
    class Adds(nn.Module):
        def forward(self, x: Tensor) -> tuple[Tensor, ...]:
            return x + True, x + 1, x + 1.0, x + 1

    graph = trace_module(Adds(), (torch.zeros(3, dtype=torch.bool),), device="meta")
    types = {value.id: value.type.dtype for value in graph.values}
    assert [types[port.value] for port in graph.outputs] == ["bool", "int64", "float32", "int64"]


def test_what_is_computed_with_data_in_a_run_without_keeps_them() -> None:
    class Mixes(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            without = torch.ones(4) * 2
            scale = torch.from_numpy(numpy.arange(4, dtype="float32")) * 2
            return x * scale.sum().item() + without

    graph = trace_module(Mixes(), (torch.randn(2, 4),), device="meta")
    assert graph.ops[-2].attribute("other") == 12.0


def test_a_mode_around_a_trace_sees_every_operator() -> None:
    model, x = nn.Sequential(*(nn.Linear(8, 8) for _ in range(3))), torch.randn(2, 8)
    with FlopCounterMode(display=False) as counter:
        trace_module(model, (x,), device="meta")
    assert counter.get_total_flops() == 3 * 2 * 2 * 8 * 8


def test_a_replay_tells_a_graph_from_that_of_another_model() -> None:
    model = nn.Linear(4, 3)
    graph = trace_module(nn.Sequential(model, nn.ReLU()), (torch.randn(2, 4),))
    assert not verify_graph(graph, nn.Sequential(model, nn.Tanh()), (torch.randn(2, 4),)).ok


def test_a_function_of_several_ops_is_a_scope() -> None:
    graph = trace_module(nn.Linear(4, 3), (torch.randn(2, 5, 4),), device="cpu")
    scope = graph.scope_by_id["linear"]
    assert scope.kind == "function"
    assert set(scope.inputs) >= {"input", "weight"}
    assert all(op.scope == "linear" for op in graph.ops)


def test_settings_of_the_constructor_are_attributes_of_the_scope() -> None:
    graph = trace_module(Named(), (torch.randn(1, 3, 8, 8),))
    conv = graph.scope_by_id["conv"]
    assert conv.attribute("kernel_size") == (3, 3)
    assert conv.attribute("in_channels") == 3
    assert conv.attribute("bias") is True
    assert conv.owns == ("conv.weight", "conv.bias")


def test_a_tied_weight_is_one_value_with_all_its_names() -> None:
    class Tied(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x: Tensor) -> Tensor:
            return self.head(self.embed(x))

    graph = trace_module(Tied(), (torch.zeros(1, 3, dtype=torch.int64),))
    (weight,) = [v for v in graph.values if v.kind == "parameter"]
    assert weight.names == ("embed.weight", "head.weight")
    assert len(graph.readers[weight.id]) == 2


def test_a_second_call_has_a_scope_of_its_own() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(4, 4)

        def forward(self, x: Tensor) -> Tensor:
            return self.layer(self.layer(x))

    graph = trace_module(Twice(), (torch.randn(1, 4),))
    assert [(s.id, s.call) for s in graph.scopes if s.kind == "module"] == [("layer", 0), ("layer@1", 1)]
    assert graph.scope_by_id["layer@1"].inputs == graph.scope_by_id["layer"].outputs


def test_a_module_that_changes_nothing_hands_back_its_input() -> None:
    graph = trace_module(nn.Sequential(nn.Identity(), nn.Dropout()).eval(), (torch.randn(2),))
    assert not graph.ops
    for name in ("0", "1"):
        assert graph.scope_by_id[name].inputs == graph.scope_by_id[name].outputs == ("input",)


def test_a_value_read_in_python_is_noted_where_it_was_read() -> None:
    class Branch(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x + 1 if x.sum() > 0 else x - 1

    graph = trace_module(Branch(), (torch.ones(3),))
    (note,) = [n for n in graph.notes if n.key == "data_dependent" and n.subject]
    assert "forward (test_torch_graph.py line" in str(note.value)
    assert "data_dependent" in graph.notes_on("")
    assert graph.notes_on("")["device"].value == "cpu"


def test_a_buffer_written_in_training_is_a_new_value_of_its_storage() -> None:
    graph = trace_module(nn.BatchNorm1d(3), (torch.randn(4, 3),), device="cpu")
    norm = only(graph, "batch_norm")
    assert set(norm.writes) == {"running_mean", "running_var"}
    storages = {graph.value_by_id[out].storage for out in norm.outputs}
    assert {"running_mean", "running_var"} <= storages


@pytest.mark.parametrize("device", ["meta", "cpu"])
def test_a_model_is_traced_inside_the_callers_own_device_context(device: str) -> None:
    x = torch.randn(1, 3, 8, 8)
    plain = trace_module(Named().eval(), (x,), device=device)
    with torch.device("cpu"):
        assert trace_module(Named().eval(), (x,), device=device) == plain


@pytest.mark.parametrize("grad", [False, True])
def test_the_fused_attention_path_is_taken_exactly_when_the_plain_model_takes_it(grad: bool) -> None:
    model = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2).eval()
    x = torch.randn(2, 5, 16)
    with torch.set_grad_enabled(grad), FlopCounterMode(display=False):
        seen: list[str] = []

        class Spy(torch.utils._python_dispatch.TorchDispatchMode):
            def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
                seen.append(str(func))
                return func(*args, **(kwargs or {}))

        with Spy():
            model(x)
    with torch.set_grad_enabled(grad):
        graph = trace_module(model, (x,))
    fused = "aten._transformer_encoder_layer_fwd.default"
    assert [op.attribute("target") for op in graph.ops].count(fused) == seen.count(fused) == (0 if grad else 2)


def test_the_shortcut_for_modules_of_one_function_names_ops_as_the_watched_function_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def signature(graph: Graph) -> list[object]:
        return [graph.ops, graph.scopes, graph.values]

    inputs = {
        nn.Embedding: torch.zeros(2, 3, dtype=torch.int64),
        nn.Conv1d: torch.randn(1, 4, 8),
        nn.Conv3d: torch.randn(1, 4, 5, 5, 5),
    }
    made = {nn.Conv1d: (4, 4, 3), nn.Conv2d: (4, 4, 3), nn.Conv3d: (4, 4, 3), nn.Linear: (8, 4), nn.Embedding: (5, 4)}
    made |= {nn.BatchNorm1d: (4,), nn.BatchNorm2d: (4,), nn.BatchNorm3d: (4,), nn.LayerNorm: (8,), nn.GroupNorm: (2, 4)}
    inputs |= {nn.BatchNorm1d: torch.randn(2, 4, 8), nn.BatchNorm3d: torch.randn(1, 4, 2, 2, 2)}
    table = dict(torch_watch._ONE_FUNCTION)
    for kind in table:
        for train in (False, True):
            model, x = kind(*made.get(kind, ())).train(train), inputs.get(kind, torch.randn(1, 4, 8, 8))
            monkeypatch.setattr(torch_watch, "_ONE_FUNCTION", table)
            quick = trace_module(model, (x,), device="cpu")
            monkeypatch.setattr(torch_watch, "_ONE_FUNCTION", {})
            assert signature(trace_module(model, (x,), device="cpu")) == signature(quick), (kind, train)


def test_two_traces_are_equal() -> None:
    model, x = nn.LSTM(3, 4, num_layers=2), torch.randn(5, 2, 3)
    assert trace_module(model, (x,)) == trace_module(model, (x,))


def test_no_activation_outlives_the_op_that_reads_it() -> None:
    """While the 40th layer runs, the results of the first ones are gone."""
    import weakref

    alive: list[weakref.ref[Tensor]] = []
    most: list[int] = []

    class Probe(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            y = x + 1
            alive.append(weakref.ref(y.untyped_storage()))
            most.append(sum(storage() is not None for storage in alive))
            return y

    with torch.no_grad():
        trace_module(nn.Sequential(*(Probe() for _ in range(40))), (torch.randn(1000),), device="cpu")
    assert max(most) <= 3


@pytest.mark.parametrize(
    ("written", "read", "expected"),
    [
        (Layout(4, (4,), (1,), 0), Layout(4, (4,), (1,), 4), "disjoint"),
        (Layout(4, (2, 4), (8, 1), 0), Layout(4, (2, 4), (8, 1), 4), "disjoint"),
        (Layout(4, (8,), (2,), 0), Layout(4, (8,), (2,), 1), "disjoint"),
        (Layout(4, (16,), (1,), 0), Layout(4, (2, 4), (8, 1), 4), "covers"),
        (Layout(4, (2, 4), (8, 1), 4), Layout(4, (16,), (1,), 0), "partial"),
        (Layout(8, (2,), (1,), 0), Layout(4, (4,), (1,), 0), "covers"),
        (Layout(4, (0,), (1,), 0), Layout(4, (4,), (1,), 0), "disjoint"),
        (Layout(4, (3,), (0,), 2), Layout(4, (4,), (1,), 0), "partial"),
    ],
)
def test_what_a_write_to_one_view_does_to_another(written: Layout, read: Layout, expected: str) -> None:
    assert relation(written, read) == expected


def test_what_later_writes_hide_is_not_needed() -> None:
    whole, left, right = Layout(4, (8,), (1,), 0), Layout(4, (4,), (1,), 0), Layout(4, (4,), (1,), 4)
    assert needed([left, right], whole) == (False, [True, True])
    assert needed([left, left], whole) == (True, [False, True])


def test_nothing_is_printed_or_warned() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trace_module(Named(), (torch.randn(2, 3, 8, 8),))


def test_results_at_the_end_that_nothing_reads_are_no_values() -> None:
    """The statistics of a norm and unread places of a maximum are left out; a result read by an op or handed back is there."""

    class Extremes(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.batch, self.layer = nn.BatchNorm1d(4), nn.LayerNorm(4)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
            x = self.layer(self.batch(x))
            highest, _ = x.max(1)
            _, lowest = x.min(1)
            _, mean, _ = torch.native_layer_norm(x, (4,), None, None, 1e-5)
            return highest, lowest, mean

    model, x = Extremes().eval(), torch.randn(3, 4)
    made: dict[bool, list[int]] = {}
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            graph = trace_module(model, (x,), device="cpu")
            assert verify(model, (x,)).ok
        norms = ("batch_norm", "layer_norm", "max", "min", "layer_norm")
        assert [op.kind for op in graph.ops] == list(norms)
        made[grad] = [len(op.outputs) for op in graph.ops]
    assert made[False] == made[True] == [1, 1, 1, 2, 2]


def test_a_backward_pass_inside_a_model_reads_the_statistics_of_its_norm() -> None:
    class Slope(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.LayerNorm(4)

        def forward(self, x: Tensor) -> Tensor:
            with torch.enable_grad():
                x = x.requires_grad_()
                (slope,) = torch.autograd.grad(self.norm(x).square().sum(), x)
            return slope

    model, x = Slope(), torch.randn(3, 4)
    with torch.no_grad():
        graph = trace_module(model, (x,), device="cpu")
        assert verify(model, (x,)).ok
    norm = only(graph, "layer_norm")
    assert len(norm.outputs) == 3
    assert [op.kind for op in graph.readers[norm.outputs[1]]] == ["native_layer_norm_backward"]
