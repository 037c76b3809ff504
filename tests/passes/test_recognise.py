"""Recognised loops and layers compute what PyTorch computes, whatever way they are written."""

from __future__ import annotations

import itertools
import re
import time
from collections.abc import Callable, Mapping

import pytest
import torch
from recurrent_models import LOOPS, Around, Cells, LastState, ThreeLinears, Translator, Words, numbers
from recurrent_models_more import MORE, Attending, Flow, OneNumber, PastStates, SumOfStates, TimeFirst
from torch import Tensor, nn

import netfig
from netfig.evaluation import evaluate
from netfig.graph import Graph
from netfig.graph.plates import fold, unroll
from netfig.mathtext import text_of
from netfig.passes.recognise import REFUSED, recognise
from netfig.sources.torch_ports import tensors_in


@pytest.fixture(autouse=True)
def doubles() -> object:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def traced(model: nn.Module, *inputs: Tensor) -> Graph:
    return netfig.trace(model.eval(), *inputs, netfig_options={"annotators": []})


def why_not(graph: Graph) -> list[object]:
    return [note.value for note in graph.notes if note.key == REFUSED]


def agree(graph: Graph, model: nn.Module, inputs: Mapping[str, Tensor]) -> None:
    """The graph gives the model's outputs, or where a note says so the last states that they are."""
    wanted = dict(tensors_in(model(*inputs.values()), "output"))
    found = evaluate(graph, numbers(graph, model, inputs))
    said = {note.key.removeprefix("output."): note.value for note in graph.notes if note.key.startswith("output.")}
    given = {port.name: found[port.value] for port in graph.outputs if port.name not in said}
    given |= {name: torch.cat([found[str(id)].reshape(-1) for id in ids]) for name, ids in said.items()}
    assert given.keys() == wanted.keys()
    for name, tensor in wanted.items():
        torch.testing.assert_close(given[name].reshape(-1), tensor.reshape(-1), rtol=0, atol=1e-12)


def checked(model: nn.Module, inputs: Mapping[str, Tensor], batch: int | None = 0) -> Graph:
    """The recognised graph, compared with the model for every sample of the batch."""
    graph = recognise(traced(model, *inputs.values()))
    assert why_not(graph) == []
    assert graph.parameter_count == sum(p.numel() for p in model.parameters())
    count = 1 if batch is None else next(iter(inputs.values())).shape[batch]
    for n in range(count):
        agree(graph, model, {k: v if batch is None else v.narrow(batch, n, 1) for k, v in inputs.items()})
    for axis in [a.id for a in graph.axes if a.name == "time"]:
        assert fold(unroll(graph, axis), axis) == graph
    return graph


def equations(graph: Graph) -> list[str]:
    from netfig.equations import equation_lines

    return [text_of(line) for line in equation_lines(graph)]


# ---- the same numbers ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", LOOPS)
@pytest.mark.parametrize(("steps", "batch", "seed"), [(3, 1, 0), (3, 3, 1), (7, 3, 2)])
def test_a_loop_computes_what_it_computed(name: str, steps: int, batch: int, seed: int) -> None:
    torch.manual_seed(seed)
    graph = checked(LOOPS[name](), {"x": torch.randn(batch, steps, 3)})
    assert {s.axis for s in graph.scopes if s.kind == "plate"} == ({"j", "t"} if name == "translator" else {"t"})


@pytest.mark.parametrize("name", ["three linears", "RNNCell", "LSTMCell", "GRUCell", "own cell", "peepholes", "no weights"])
def test_two_steps_are_enough_where_a_sequence_is_read(name: str) -> None:
    checked(LOOPS[name](), {"x": torch.randn(2, 2, 3)})


@pytest.mark.parametrize(
    ("kind", "layers", "both", "batch_first", "bias"),
    list(itertools.product((nn.RNN, nn.LSTM, nn.GRU), (1, 2), *[(False, True)] * 3)),
)
def test_a_recurrent_layer_computes_what_it_computed(
    kind: Callable[..., nn.Module], layers: int, both: bool, batch_first: bool, bias: bool
) -> None:
    model = kind(3, 4, num_layers=layers, bidirectional=both, batch_first=batch_first, bias=bias)
    graph = checked(model, {"input": torch.randn(1, 5, 3) if batch_first else torch.randn(5, 1, 3)}, None)
    assert [(a.id, a.extent.size) for a in graph.axes] == [("t", 5)]


def test_a_projected_lstm_in_two_layers_both_ways() -> None:
    model = nn.LSTM(3, 4, num_layers=2, bidirectional=True, proj_size=2, batch_first=True)
    checked(model, {"input": torch.randn(1, 4, 3)}, None)


@pytest.mark.parametrize("kind", [nn.RNN, nn.LSTM, nn.GRU])
def test_a_sequence_without_a_batch(kind: Callable[..., nn.Module]) -> None:
    checked(kind(3, 4), {"input": torch.randn(6, 3)}, None)


@pytest.mark.parametrize("name", MORE)
@pytest.mark.parametrize("batch", [1, 3])
def test_a_loop_written_in_an_unusual_way_computes_what_it_computed(name: str, batch: int) -> None:
    checked(MORE[name](), {"x": torch.randn(batch, 5, 3)})


def test_time_first() -> None:
    checked(TimeFirst(), {"x": torch.randn(5, 3, 3)}, 1)
    checked(TimeFirst(), {"x": torch.randn(5, 1, 3)}, 1)


@pytest.mark.parametrize("batch", [1, 3])
def test_numbers_instead_of_vectors(batch: int) -> None:
    checked(OneNumber(), {"x": torch.randn(batch, 5)})


@pytest.mark.parametrize("batch", [1, 3])
def test_a_block_that_is_done_again_and_again_carries_its_own_result(batch: int) -> None:
    graph = checked(Flow(), {"x": torch.randn(batch, 4)})
    assert equations(graph)[-1] == "y = W_hy h_T + b_y"


@pytest.mark.parametrize("batch", [1, 3])
def test_a_decoder_that_attends_reads_every_state_of_its_encoder(batch: int) -> None:
    graph = checked(Attending(), {"x": torch.randn(batch, 5, 3), "z": torch.randn(batch, 3, 2)})
    assert [a.id for a in graph.axes] == ["j", "t"]
    stack = next(op for op in graph.ops if op.kind == "stack")
    assert [(ref.value, ref.offset, ref.at) for ref in stack.inputs[0].refs] == [("h", (), ())]


def test_what_lies_around_the_loop_stays_in_the_graph() -> None:
    graph = checked(Around(), {"x": torch.randn(2, 4, 3), "z": torch.randn(2, 5)})
    assert {op.id for op in graph.ops if op.scope == graph.root.id} >= {"h[t=0]/tanh", "y/add"}
    assert graph.value_by_id["h"].initial == (("t", 0, "h[t=0]"),)


def test_words_are_looked_up_at_every_step() -> None:
    graph = checked(Words(), {"words": torch.randint(0, 10, (2, 5))})
    first = next(op for op in graph.ops if op.kind == "embedding")
    assert (first.outputs, list(first.reads), first.scope) == (("x",), ["E", "w"], "over t")


def test_a_layer_that_the_trace_holds_as_one_op_has_the_equations_of_the_library() -> None:
    model = nn.LSTM(3, 4, batch_first=True).float()
    given = netfig.trace(model, torch.randn(1, 5, 3).float(), netfig_options={"annotators": [], "device": "cpu"})
    assert "mkldnn_rnn_layer" in {op.kind for op in given.ops}
    graph = recognise(given)
    assert why_not(graph) == []
    assert [(a.id, a.extent.size) for a in graph.axes] == [("t", 5)]


# ---- names -----------------------------------------------------------------------------------------------------------------


def test_weights_are_named_after_what_they_lead_from_and_to() -> None:
    graph = recognise(traced(ThreeLinears(), torch.randn(1, 3, 3)))
    names = {v.id: v.names for v in graph.values if v.kind in ("parameter", "input")}
    assert names == {
        "x": ("x[:, t]",),
        "W_xh": ("xh.weight",),
        "W_hh": ("hh.weight",),
        "b_xh": ("xh.bias",),
        "b_hh": ("hh.bias",),
        "W_hy": ("hy.weight",),
        "b_y": ("hy.bias",),
    }


def test_the_gates_of_an_lstm_are_rows_of_its_matrices_and_have_their_letters() -> None:
    graph = recognise(traced(Cells(nn.LSTMCell), torch.randn(1, 3, 3)))
    names = {v.id: v.names[0] for v in graph.values if v.kind == "parameter"}
    assert [names[f"W_i{gate}"] for gate in "ifgo"] == [f"cell.weight_ih[{n}:{n + 4}]" for n in (0, 4, 8, 12)]
    assert equations(graph)[4:6] == ["c_t = f_t ⊙ c_{t−1} + i_t ⊙ g_t", "h_t = o_t ⊙ tanh(c_t)"]


def test_weights_of_torchs_cells_are_spelled_as_in_the_library() -> None:
    for cell, kind in ((nn.LSTMCell, "lstm"), (nn.GRUCell, "gru")):
        found = {v.id for v in recognise(traced(Cells(cell), torch.randn(1, 3, 3))).values if v.kind == "parameter"}
        library = {v.id for v in netfig.trace(f"cell:{kind}").values if v.kind == "parameter"}
        assert {name for name in library if name[0] == "W"} <= found


def test_gates_and_states_are_called_what_the_library_calls_them() -> None:
    for cell, kind in ((nn.LSTMCell, "lstm"), (nn.GRUCell, "gru")):
        notes = [recognise(traced(Cells(cell), torch.randn(1, 3, 3))).notes, netfig.trace(f"cell:{kind}").notes]
        found, library = ({n.subject: n.value for n in one if n.key == "label" and n.subject != "y"} for one in notes)
        assert found == library


def test_a_gru_has_the_equations_of_the_library() -> None:
    lines = equations(recognise(traced(nn.GRU(3, 4), torch.randn(4, 1, 3))))
    assert lines[-1] == "h_t = (1 − z_t) ⊙ h̃_t + z_t ⊙ h_{t−1}"
    assert [line.split(" = ")[0] for line in lines] == ["r_t", "z_t", "h̃_t", "h_t"]


def test_a_decoder_starts_from_the_last_state_of_its_encoder() -> None:
    lines = equations(recognise(traced(Translator(), torch.randn(1, 3, 3))))
    assert lines[0] == "s_0 = h_S"
    assert lines[-1] == "y_t = W_sy s_t + b_y"


def test_the_last_state_alone_is_read_at_the_last_step() -> None:
    graph = recognise(traced(LastState(), torch.randn(1, 3, 3)))
    assert equations(graph)[-1] == "y = W_hy h_T + b_y"


# ---- what is no recurrence -------------------------------------------------------------------------------------------------


class Siamese(nn.Module):
    """One network twice, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.f, self.head = nn.Sequential(nn.Linear(4, 4), nn.Tanh()), nn.Linear(8, 1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return self.head(torch.cat([self.f(x), self.f(y)], -1))


class Residual(nn.Module):
    """Twelve layers of one kind."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(4, 4) for _ in range(12)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = x + torch.tanh(layer(x))
        return x


class Twice(nn.Module):
    """One block, one after the other."""

    def __init__(self) -> None:
        super().__init__()
        self.block = nn.Sequential(nn.Linear(4, 4), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        return self.block(self.block(x))


class Alternating(nn.Module):
    """Two cells in turn."""

    def __init__(self) -> None:
        super().__init__()
        self.cells = nn.ModuleList([nn.RNNCell(4, 4), nn.RNNCell(4, 4)])

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], 4)
        for t in range(x.shape[1]):
            h = self.cells[t % 2](x[:, t], h)
        return h


class OneReLU(nn.Module):
    """An activation that is used three times."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c, self.act = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4), nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.c(self.act(self.b(self.act(self.a(x))))))


class Squashed(nn.Module):
    """A function of nothing but its own result, four times."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.tanh(torch.tanh(torch.tanh(torch.tanh(x))))


@pytest.mark.parametrize(
    ("model", "shapes", "why"),
    [
        (OneReLU, [(2, 4)], "steps 1 and 2 differ: matmul reads a.weight, then b.weight"),
        (Residual, [(2, 4)], "steps 1 and 2 differ: matmul reads layers.0.weight, then layers.1.weight"),
        (Siamese, [(2, 4), (2, 4)], "no step reads what the step before it made"),
        (Twice, [(2, 4)], "what is done again and again reads nothing new and has no weights"),
        (Squashed, [(2, 4)], "what is done again and again reads nothing new and has no weights"),
        (Alternating, [(2, 6, 4)], "neighbouring steps differ, and the loop repeats only every 2 steps"),
    ],
)
def test_what_is_merely_reused_is_not_folded_and_it_says_why(
    model: type[nn.Module], shapes: list[tuple[int, ...]], why: str
) -> None:
    given = traced(model(), *(torch.randn(shape) for shape in shapes))
    graph = recognise(given)
    assert why_not(graph) == [why]
    assert (graph.ops, graph.values, graph.scopes) == (given.ops, given.values, given.scopes)


@pytest.mark.parametrize("keeps", ["list", "cache", "buffer"])
@pytest.mark.parametrize("steps", [3, 5])
def test_steps_that_read_ever_more_are_not_one_step_and_it_says_what_grows(keeps: str, steps: int) -> None:
    graph = recognise(traced(PastStates(keeps), torch.randn(2, steps, 3)))
    (why,) = why_not(graph)
    assert str(why).startswith("each step reads one thing more than the one before ('")
    named = re.findall(r"'(.+?)'", str(why))
    sizes = [graph.value_by_id[graph.op_by_id[op].outputs[0]].type.sizes for op in named]
    assert [size[1] for size in sizes] == [1, 2, 3] or [size[1] for size in sizes] == [2, 3, 4]


def test_a_sum_over_ever_more_states_is_not_folded() -> None:
    (why,) = why_not(recognise(traced(SumOfStates(), torch.randn(2, 3, 3))))
    assert str(why).startswith("steps 1 and 2 differ in how far back add reads: both read ")


def test_the_layers_of_a_transformer_are_no_recurrence() -> None:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    graph = recognise(traced(nn.TransformerEncoder(layer, 3), torch.randn(1, 5, 8)))
    assert len(why_not(graph)) == 1


def test_a_recurrence_is_handed_back_as_it_is() -> None:
    once = recognise(traced(ThreeLinears(), torch.randn(1, 3, 3)))
    assert recognise(once) is once


# ---- time ------------------------------------------------------------------------------------------------------------------


def test_twice_the_steps_take_about_twice_the_time() -> None:
    graphs = [traced(Cells(nn.LSTMCell), torch.randn(1, steps, 3)) for steps in (60, 240)]
    taken = []
    for graph in graphs:
        recognise(graph)
        tries = []
        for _ in range(3):
            start = time.perf_counter()
            recognise(graph)
            tries.append(time.perf_counter() - start)
        taken.append(min(tries))
    assert taken[1] < 8 * taken[0]  # four times as many steps; were it quadratic, sixteen
