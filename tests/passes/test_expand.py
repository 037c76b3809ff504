"""A recurrent layer of torch, written out as its equations, computes what it computed."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import netfig
from netfig.equations import compile, equation_lines, parse
from netfig.equations.library import cell_text
from netfig.errors import UsageError
from netfig.evaluation import evaluate
from netfig.graph import Graph, Ref
from netfig.graph.plates import fold, unroll
from netfig.mathtext import text_of
from netfig.passes.expand import expand, expand_step

INPUT, HIDDEN, STEPS, BATCH = 3, 4, 5, 2


def tensors(found: Any) -> Iterator[Tensor]:
    """The tensors of nested tuples, in order."""
    if isinstance(found, Tensor):
        yield found
    else:
        for one in found:
            yield from tensors(one)


def sequence(*, batch_first: bool = False, size: int = INPUT) -> Tensor:
    return torch.randn(BATCH, STEPS, size) if batch_first else torch.randn(STEPS, BATCH, size)


def numbers(graph: Graph, model: nn.Module, inputs: tuple[Any, ...], batch_first: bool) -> dict[str, Tensor]:
    """The model's own weights and inputs for a graph of it."""
    weights = dict(model.named_parameters())
    found = {v.id: weights[v.names[0]] for v in graph.values if v.kind == "parameter"}
    for port, tensor in zip(graph.inputs, tensors(inputs), strict=True):
        by_step = graph.value_by_id[port.value].axes and batch_first and tensor.dim() == 3
        found[port.value] = tensor.transpose(0, 1) if by_step else tensor
    return found


def expanded(model: nn.Module, *inputs: Any, batch_first: bool = False) -> Graph:
    """A model written out, after a check that it computes what torch computes, and the same unrolled and folded again."""
    model = model.double().eval()
    inputs = tuple(one.double() if isinstance(one, Tensor) else tuple(t.double() for t in one) for one in inputs)
    graph = expand(netfig.trace(model, *inputs))
    found = evaluate(graph, numbers(graph, model, inputs, batch_first))
    wanted = list(tensors(model(*inputs)))
    for port, tensor in zip(graph.outputs, wanted, strict=True):
        got = found[port.value]
        got = got.transpose(0, 1) if graph.value_by_id[port.value].axes and batch_first and tensor.dim() == 3 else got
        torch.testing.assert_close(got, tensor, rtol=0, atol=1e-12)
    assert graph.parameter_count == sum(p.numel() for p in model.parameters())
    if graph.axes:
        unrolled = unroll(graph, "t")
        assert fold(unrolled) == graph
        given = {v.id: found[v.id] for v in unrolled.values if v.kind in ("input", "parameter")}
        again = evaluate(unrolled, given)
        assert all(torch.equal(again[v.id], found[v.id]) for v in unrolled.values if v.kind == "computed")
    return graph


@pytest.mark.parametrize(
    ("layers", "bidirectional", "batch_first", "bias"), list(itertools.product((1, 2), *[(False, True)] * 3))
)
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_layer_written_out_computes_what_torch_computes(
    kind: type[nn.RNNBase], layers: int, bidirectional: bool, batch_first: bool, bias: bool
) -> None:
    model = kind(INPUT, HIDDEN, num_layers=layers, bidirectional=bidirectional, batch_first=batch_first, bias=bias)
    graph = expanded(model, sequence(batch_first=batch_first), batch_first=batch_first)
    ways = 2 if bidirectional else 1
    assert [s.axis for s in graph.scopes if s.kind == "plate"] == ["t"] * layers * (ways + bidirectional)
    assert not [s for s in graph.scopes if s.kind == "function"]


def test_a_projected_lstm_of_two_layers_in_both_directions() -> None:
    graph = expanded(nn.LSTM(INPUT, HIDDEN, num_layers=2, bidirectional=True, proj_size=2), sequence())
    assert {text_of(graph.value_by_id[f"h.l1{end}"].symbol) for end in ("", "_reverse")} == {"h^{(2)→}", "h^{(2)←}"}


def test_relu_instead_of_tanh_and_a_sequence_without_a_batch() -> None:
    graph = expanded(nn.RNN(INPUT, HIDDEN, nonlinearity="relu"), torch.randn(STEPS, INPUT))
    assert "relu" in {op.kind for op in graph.ops}


def test_states_that_are_given_are_where_the_layer_starts() -> None:
    starts = (torch.randn(2, BATCH, HIDDEN), torch.randn(2, BATCH, HIDDEN))
    graph = expanded(nn.LSTM(INPUT, HIDDEN, num_layers=2), sequence(), starts)
    assert graph.value_by_id["h.l1"].initial == (("t", 0, "h_0.1"),)


def test_the_weights_stay_the_models_own_and_those_of_the_gates_are_their_rows() -> None:
    model = nn.GRU(INPUT, HIDDEN)
    graph = expanded(model, sequence())
    assert {v.id for v in graph.values if v.kind == "parameter"} == {name for name, _ in model.named_parameters()}
    rows = next(op for op in graph.ops if op.kind == "chunk" and list(op.reads) == ["weight_ih_l0"])
    assert [text_of(graph.value_by_id[out].symbol) for out in rows.outputs] == ["W_ir", "W_iz", "W_in"]
    assert [graph.value_by_id[out].type.sizes for out in rows.outputs] == [(HIDDEN, INPUT)] * 3


@pytest.mark.parametrize("kind", [nn.LSTMCell, nn.GRUCell, nn.RNNCell])
def test_a_cell_called_once_is_a_sequence_of_one_step_and_computes_what_torch_computes(kind: type[nn.RNNCellBase]) -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell, self.head = kind(INPUT, HIDDEN), nn.Linear(HIDDEN, 2)

        def forward(self, x: Tensor, h: Tensor, c: Tensor) -> Tensor:
            state = self.cell(x, (h, c) if kind is nn.LSTMCell else h)
            return self.head(state[0] if kind is nn.LSTMCell else state)

    model = Net().double()
    given = [torch.randn(1, size).double() for size in (INPUT, HIDDEN, HIDDEN)]
    graph = expand_step(netfig.trace(model, *given))
    assert graph is not None
    assert [(axis.id, axis.extent.size) for axis in graph.axes] == [("t", 1)]
    last = given[2][0] if kind is nn.LSTMCell else given[2]  # what is no state of the cell keeps its batch
    values = numbers(graph, model, (given[0], given[1][0], last), batch_first=False)
    found = evaluate(graph, {id: value for id, value in values.items() if id in graph.value_by_id})
    torch.testing.assert_close(found[graph.outputs[0].value], model(*given)[0], rtol=0, atol=1e-12)


def test_several_calls_of_a_cell_are_no_single_step() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.cell = nn.RNNCell(INPUT, HIDDEN)

        def forward(self, x: Tensor, h: Tensor) -> Tensor:
            return self.cell(x, self.cell(x, h))

    assert expand_step(netfig.trace(Net(), torch.randn(1, INPUT), torch.randn(1, HIDDEN))) is None


def test_a_step_reads_the_states_before_it_and_a_backward_one_those_after_it() -> None:
    graph = expanded(nn.RNN(INPUT, HIDDEN, bidirectional=True), sequence())
    reads = {ref for op in graph.ops for slot in op.inputs for ref in slot.refs if ref.offset}
    assert reads == {Ref("h.l0", (("t", -1),)), Ref("h.l0_reverse", (("t", 1),))}
    assert graph.value_by_id["h.l0_reverse"].final[0][:2] == ("t", 1)


class Tagger(nn.Module):
    """A layer, something to each of its steps, and an answer for each."""

    def __init__(self, kind: type[nn.RNNBase], **settings: Any) -> None:
        super().__init__()
        self.rnn = kind(INPUT, HIDDEN, batch_first=True, **settings)
        self.out = nn.Linear(HIDDEN * (2 if settings.get("bidirectional") else 1), 2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(self.out(torch.relu(self.rnn(x)[0])))


class Plain(Tagger):
    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(x)[0])


class Last(Tagger):
    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(x)[0][:, -1]


@pytest.mark.parametrize("settings", [{}, {"bidirectional": True, "num_layers": 2}])
def test_what_is_done_to_the_whole_sequence_is_done_to_each_step(settings: dict[str, Any]) -> None:
    graph = expanded(Tagger(nn.LSTM, **settings), sequence(batch_first=True), batch_first=True)
    assert graph.value_by_id[graph.outputs[0].value].axes == ("t",)
    assert not [op for op in graph.ops if op.kind in ("unbind", "stack", "view")]


def test_an_elman_network_of_modules_has_the_ops_of_its_equations() -> None:
    graph = expanded(Plain(nn.RNN), sequence(batch_first=True), batch_first=True)
    equations = netfig.trace("h[t] = tanh(W_xh x[t] + b_xh + W_hh h[t-1] + b_hh); y[t] = W_hy h[t] + b_y")
    assert [op.kind for op in graph.ops] == [op.kind for op in equations.ops]
    symbols = [[text_of(g.value_by_id[id].symbol) for op in g.ops for id in (*op.reads, *op.outputs)] for g in (graph, equations)]
    assert symbols[0] == symbols[1]


def test_one_layer_keeps_its_equations_in_words_and_several_have_none() -> None:
    graph = expanded(Plain(nn.LSTM), sequence(batch_first=True), batch_first=True)
    lines = graph.notes_on("")["equations"].value
    assert (len(lines), lines[-1]) == (7, "y[t] = W_hy h[t] + b_y")  # type: ignore[arg-type, index]
    assert "equations" not in expanded(nn.LSTM(INPUT, HIDDEN, num_layers=2), sequence()).notes_on("")


def test_the_last_step_is_read_where_it_is() -> None:
    graph = expanded(Last(nn.GRU), sequence(batch_first=True), batch_first=True)
    op = graph.producer[graph.outputs[0].value]
    assert (op.kind, str(op.inputs[0].refs[0].at[0][1])) == ("identity", "T")


def test_layers_one_after_the_other_pass_their_steps_on() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.GRU(INPUT, HIDDEN), nn.LSTM(HIDDEN, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.second(self.first(x)[0])[0]

    graph = expanded(Two(), sequence())
    assert [a.id for a in graph.axes] == ["t"]
    assert "first/h" in graph.producer["second/i/matmul.out"].reads


class Words(nn.Module):
    """Tokens that become vectors and pass a linear layer before the recurrent one; the answer is made of its last state."""

    def __init__(self, **settings: Any) -> None:
        super().__init__()
        self.embed, self.into = nn.Embedding(20, 6), nn.Linear(6, INPUT)
        self.rnn, self.out = nn.GRU(INPUT, HIDDEN, batch_first=True, **settings), nn.Linear(HIDDEN, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.rnn(torch.tanh(self.into(self.embed(x))))[1][-1])


@pytest.mark.parametrize("settings", [{}, {"num_layers": 3}, {"bidirectional": True}])
def test_what_is_done_to_each_step_before_a_layer_is_a_part_of_the_step(settings: dict[str, Any]) -> None:
    model, tokens = Words(**settings).double().eval(), torch.randint(0, 20, (BATCH, STEPS))
    graph = expand(netfig.trace(model, tokens))
    assert not [op for op in graph.ops if op.kind in ("unbind", "stack", "view", "addmm")]
    weights = {v.id: dict(model.named_parameters())[v.names[0]] for v in graph.values if v.kind == "parameter"}
    found = evaluate(graph, {**weights, graph.inputs[0].value: tokens.T})
    torch.testing.assert_close(found[graph.outputs[0].value], model(tokens), rtol=0, atol=1e-12)


def test_an_elman_network_of_tokens_prints_what_it_computes() -> None:
    class Net(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.rnn, self.out = nn.Embedding(20, INPUT), nn.RNN(INPUT, HIDDEN), nn.Linear(HIDDEN, 2)

        def forward(self, x: Tensor) -> Tensor:
            return self.out(self.rnn(self.embed(x))[0])

    graph = expand(netfig.trace(Net(), torch.randint(0, 20, (STEPS, BATCH))))
    assert printed(graph) == [
        "x_t = E(w_t)",
        "h_t = tanh(W_xh x_t + b_xh + W_hh h_{t−1} + b_hh)",
        "y_t = W_hy h_t + b_y",
    ]


def printed(graph: Graph) -> list[str]:
    return [text_of(line) for line in equation_lines(graph)]


def test_layers_in_both_directions_print_each_equation_once() -> None:
    graph = expand(netfig.trace(nn.RNN(INPUT, HIDDEN, num_layers=3, bidirectional=True), sequence()))
    way = "tanh(W_xh^{(l)%s} h_t^{(l−1)} + b_xh^{(l)%s} + W_hh^{(l)%s} h_{t%s1}^{(l)%s} + b_hh^{(l)%s}),   l = 1, …, 3"
    assert printed(graph) == [
        "h_t^{(0)} = x_t",
        "h_t^{(l)→} = " + way % ("→", "→", "→", "−", "→", "→"),
        "h_t^{(l)←} = " + way % ("←", "←", "←", "+", "←", "←"),
        "h_t^{(l)} = [h_t^{(l)→}; h_t^{(l)←}],   l = 1, …, 3",
    ]


def test_a_layer_is_told_from_another_by_its_name() -> None:
    class Two(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.enc, self.dec = nn.RNN(INPUT, HIDDEN), nn.RNN(HIDDEN, HIDDEN)

        def forward(self, x: Tensor) -> Tensor:
            return self.dec(self.dec(self.enc(x)[0])[0])[0]

    graph = expand(netfig.trace(Two(), sequence()))
    states = [text_of(v.symbol) for v in graph.values if v.initial]
    assert states == ["h^{(enc)}", "h^{(dec)}", "h^{(dec 2)}"]


@pytest.mark.parametrize(("kind", "cell"), [(nn.LSTM, "lstm"), (nn.GRU, "gru")])
def test_gates_are_called_what_the_library_calls_them(kind: type[nn.RNNBase], cell: str) -> None:
    def words(graph: Graph) -> dict[str, object]:
        made = {v.id: text_of(v.symbol) for v in graph.values}
        return {made[n.subject]: n.value for n in graph.notes if n.key == "label"}

    assert words(expand(netfig.trace(kind(INPUT, HIDDEN), sequence()))) == words(compile(parse(cell_text(cell))))
    assert set(words(expand(netfig.trace(kind(INPUT, HIDDEN, bidirectional=True), sequence()))).values()) >= {
        "hidden state, forward",
        "hidden state, backward",
        "both directions",
    }


class Cells(nn.Module):
    """Three cells, one of them called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm, self.gru, self.rnn = nn.LSTMCell(INPUT, HIDDEN), nn.GRUCell(HIDDEN, HIDDEN), nn.RNNCell(HIDDEN, HIDDEN)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h, c = self.lstm(x)
        h, c = self.lstm(x, (h, c))
        return self.rnn(self.gru(h), h), c


def test_cells_are_written_out_where_they_are_called() -> None:
    graph = expanded(Cells(), torch.randn(BATCH, INPUT))
    assert not graph.axes
    assert sum(op.kind == "chunk" for op in graph.ops) == 8  # the rows of each fused weight, once for both calls
    assert {op.scope for op in graph.ops if op.kind == "tanh"} == {"lstm", "lstm@1", "gru", "rnn"}


def test_a_model_without_recurrent_layers_says_so() -> None:
    with pytest.raises(UsageError, match="there is no recurrent layer in 'Linear' to expand"):
        expand(netfig.trace(nn.Linear(2, 2), torch.randn(1, 2)))


def test_a_layer_that_does_more_says_why_it_is_left() -> None:
    class LSTM(nn.LSTM):
        def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
            return super().forward(x)[0].cos()

    with pytest.raises(UsageError, match="LSTM: it does cos besides"):
        expand(netfig.trace(LSTM(INPUT, HIDDEN), sequence()))


def test_many_calls_of_a_cell_take_time_in_proportion() -> None:
    import time

    class Loop(nn.Module):
        def __init__(self, steps: int) -> None:
            super().__init__()
            self.cell, self.steps = nn.RNNCell(INPUT, HIDDEN), steps

        def forward(self, x: Tensor) -> Tensor:
            h = torch.zeros(x.shape[0], HIDDEN)
            for _ in range(self.steps):
                h = self.cell(x, h)
            return h

    def seconds(steps: int) -> float:
        graph = netfig.trace(Loop(steps), torch.randn(1, INPUT), netfig_options={"annotators": []})
        start = time.process_time()
        expand(graph)
        return time.process_time() - start

    assert seconds(80) < 8 * 4 * seconds(10)  # one after the other it would take 64 times as long
