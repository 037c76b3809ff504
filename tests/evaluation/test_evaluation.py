"""A graph computes what torch computes, rolled or unrolled."""

from __future__ import annotations

import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torchinfo import summary

import netfig
from netfig.equations import compile, parse
from netfig.equations.functions import OPS, RULES
from netfig.equations.library import cell_text, cells
from netfig.errors import InvalidInput, Missing, ModelFailed, UsageError
from netfig.evaluation import evaluate, random_numbers
from netfig.evaluation.ops import KINDS
from netfig.graph import Graph
from netfig.graph.plates import fold, unroll
from plates_strategies import interleaved, programs

INPUT, HIDDEN, STEPS = 3, 4, 5
TOLERANCE = {"rtol": 0, "atol": 1e-12}


def rolled(source: str, **sizes: int) -> Graph:
    """The graph of a program, some of its sizes numbers."""
    return compile(parse(source, "program"), sizes)


def library(name: str, **sizes: int) -> Graph:
    return rolled(cell_text(name), **sizes)


def gates(module: nn.Module, which: str, names: list[str]) -> dict[str, Tensor]:
    """The blocks of a fused weight of torch by the names the equations give them."""
    return dict(zip(names, getattr(module, which).detach().chunk(len(names)), strict=True))


def fused(module: nn.Module, letters: str, suffix: str = "l0") -> dict[str, Tensor]:
    """All four fused weights of one layer: ``W_ii`` …, ``b_hi`` …."""
    found: dict[str, Tensor] = {}
    for source, letter in (("ih", "i"), ("hh", "h")):
        found |= gates(module, f"weight_{source}_{suffix}", [f"W_{letter}{gate}" for gate in letters])
        found |= gates(module, f"bias_{source}_{suffix}", [f"b_{letter}{gate}" for gate in letters])
    return found


def both(graph: Graph, numbers: dict[str, Tensor], steps: int = STEPS) -> dict[str, Tensor]:
    """The numbers of a graph, after a check that the unrolled one has the same."""
    found = evaluate(graph, numbers)
    unrolled = unroll(graph, "t", steps)
    given = {v.id: found[v.id] for v in unrolled.values if v.kind in ("input", "parameter")}
    again = evaluate(unrolled, given)
    assert all(torch.equal(again[v.id], found[v.id]) for v in unrolled.values if v.kind == "computed")
    return found


def test_the_lstm_of_the_library_is_the_lstm_of_torch() -> None:
    torch.manual_seed(0)
    lstm, x = nn.LSTM(INPUT, HIDDEN).double(), torch.randn(STEPS, INPUT, dtype=torch.float64)
    found = both(library("lstm"), {"x": x, **fused(lstm, "ifgo")})
    output, (_, cell) = lstm(x)
    torch.testing.assert_close(found["h"], output.detach(), **TOLERANCE)
    torch.testing.assert_close(found[f"c[t={STEPS}]"], cell[0].detach(), **TOLERANCE)


def test_the_gru_of_the_library_is_the_gru_of_torch() -> None:
    torch.manual_seed(1)
    gru, x = nn.GRU(INPUT, HIDDEN).double(), torch.randn(STEPS, INPUT, dtype=torch.float64)
    found = both(library("gru"), {"x": x, **fused(gru, "rzn")})
    torch.testing.assert_close(found["h"], gru(x)[0].detach(), **TOLERANCE)


def test_the_elman_network_of_the_library_is_the_rnn_of_torch_with_its_biases_added() -> None:
    torch.manual_seed(2)
    rnn, out = nn.RNN(INPUT, HIDDEN).double(), nn.Linear(HIDDEN, 2).double()
    x = torch.randn(STEPS, INPUT, dtype=torch.float64)
    weights = {"W_xh": rnn.weight_ih_l0, "W_hh": rnn.weight_hh_l0, "b_h": rnn.bias_ih_l0 + rnn.bias_hh_l0}
    found = both(library("elman"), {"x": x, **weights, "W_hy": out.weight, "b_y": out.bias})
    torch.testing.assert_close(found["y"], out(rnn(x)[0]), **TOLERANCE)


def test_a_projected_lstm_is_that_of_torch() -> None:
    torch.manual_seed(3)
    lstm, x = nn.LSTM(INPUT, HIDDEN, proj_size=2).double(), torch.randn(STEPS, INPUT, dtype=torch.float64)
    found = both(library("lstm-projection"), {"x": x, **fused(lstm, "ifgo"), "W_hr": lstm.weight_hr_l0})
    torch.testing.assert_close(found["h"], lstm(x)[0].detach(), **TOLERANCE)


def test_a_bidirectional_network_is_that_of_torch() -> None:
    torch.manual_seed(4)
    rnn, out = nn.RNN(INPUT, HIDDEN, bidirectional=True).double(), nn.Linear(2 * HIDDEN, 2).double()
    x = torch.randn(STEPS, INPUT, dtype=torch.float64)
    weights = {"W_y": out.weight, "b_y": out.bias}
    for letter, suffix in (("f", "l0"), ("b", "l0_reverse")):
        weights[f"W_{letter}"], weights[f"U_{letter}"] = getattr(rnn, f"weight_ih_{suffix}"), getattr(rnn, f"weight_hh_{suffix}")
        weights[f"b_{letter}"] = getattr(rnn, f"bias_ih_{suffix}") + getattr(rnn, f"bias_hh_{suffix}")
    found = both(library("bidirectional"), {"x": x, **weights})
    torch.testing.assert_close(found["y"], out(rnn(x)[0]), **TOLERANCE)


def test_a_stacked_network_is_that_of_torch() -> None:
    torch.manual_seed(5)
    rnn, out = nn.RNN(HIDDEN, HIDDEN, num_layers=3).double(), nn.Linear(HIDDEN, 2).double()
    x = torch.randn(STEPS, HIDDEN, dtype=torch.float64)
    layers = [getattr(rnn, f"weight_ih_l{i}") for i in range(3)], [getattr(rnn, f"weight_hh_l{i}") for i in range(3)]
    biases = [getattr(rnn, f"bias_ih_l{i}") + getattr(rnn, f"bias_hh_l{i}") for i in range(3)]
    weights = {
        "W": torch.stack(layers[0]),
        "U": torch.stack(layers[1]),
        "b": torch.stack(biases),
        "V": out.weight,
        "b_y": out.bias,
    }
    graph = library("stacked")
    found = evaluate(graph, {"x": x, **weights})
    torch.testing.assert_close(found["y"], out(rnn(x)[0]), **TOLERANCE)
    for first, second in (("t", "l"), ("l", "t")):
        lengths = {"t": STEPS, "l": 3}
        unrolled = unroll(unroll(graph, first, lengths[first]), second, lengths[second])
        given = {v.id: found[v.id] for v in unrolled.values if v.kind in ("input", "parameter")}
        again = evaluate(unrolled, given)
        assert all(torch.equal(again[v.id], found[v.id]) for v in unrolled.values if v.kind == "computed")


@pytest.mark.parametrize(
    ("name", "module", "sizes"),
    [
        ("lstm", nn.LSTM(INPUT, HIDDEN), {"n": INPUT, "m": HIDDEN}),
        ("gru", nn.GRU(INPUT, HIDDEN), {"n": INPUT, "m": HIDDEN}),
        ("lstm-projection", nn.LSTM(INPUT, HIDDEN, proj_size=2), {"n": INPUT, "m": HIDDEN, "p": 2}),
    ],
)
def test_parameters_are_counted_as_torch_and_torchinfo_count_them(name: str, module: nn.Module, sizes: dict[str, int]) -> None:
    count = library(name, **sizes).parameter_count
    assert count == sum(p.numel() for p in module.parameters())
    assert count == summary(module, verbose=0).total_params


@given(source=programs(), steps=st.integers(1, 4))
@settings(max_examples=40)
def test_unrolling_and_folding_change_no_number(source: str, steps: int) -> None:
    graph = rolled(source)
    sizes = dict.fromkeys(_sizes(graph), 2) | {"T": steps}
    numbers = random_numbers(graph, sizes)
    found = evaluate(graph, numbers, sizes=sizes)
    unrolled = unroll(graph, "t", steps)
    again = evaluate(unrolled, random_numbers(unrolled, sizes), sizes=sizes)
    made = [v.id for v in unrolled.values if v.kind == "computed" and not v.axes]
    assert made
    assert all(torch.equal(again[id], found[id]) for id in made)
    after = evaluate(fold(unrolled), numbers, sizes=sizes)
    assert found.keys() == after.keys()
    assert all(torch.equal(after[id], found[id]) for id in found)


@given(graph=interleaved(), steps=st.integers(1, 4))
@settings(max_examples=30)
def test_mixed_directions_give_the_same_numbers_unrolled(graph: Graph, steps: int) -> None:
    sizes = {"n": 2, "T": steps}
    found, unrolled = evaluate(graph, sizes=sizes, seed=0), unroll(graph, "t", steps)
    again = evaluate(unrolled, sizes=sizes, seed=0)
    assert all(torch.equal(again[v.id], found[v.id]) for v in unrolled.values if v.kind == "computed")


@pytest.mark.parametrize("name", cells())
def test_every_cell_of_the_library_can_be_computed(name: str) -> None:
    graph = library(name)
    sizes = dict.fromkeys(_sizes(graph), 2) | {"T": 3}
    found = evaluate(graph, sizes=sizes, seed=0)
    assert all(torch.isfinite(found[port.value]).all() for port in graph.outputs if port.value in found)
    assert any(port.value in found for port in graph.outputs)


def _sizes(graph: Graph) -> set[str]:
    dims = [d.name for v in graph.values for d in v.type.shape or ()] + [a.extent.name for a in graph.axes]
    return {name for text in dims if text for name in re.findall(r"[^\W\d]\w*", text)} - {a.id for a in graph.axes}


def test_every_function_that_equations_know_can_be_computed() -> None:
    undefined = {"batch_norm", "clip", "where"}  # they need numbers that equations do not give
    assert {OPS.get(name, name) for name in RULES} - KINDS == undefined


@pytest.mark.parametrize("name", ["attention-rnn", "attention-rnn-infinite", "bahdanau", "gru", "lstm-peephole"])
def test_a_batch_is_computed_as_each_of_it_by_itself(name: str) -> None:
    """Also where scalars weigh vectors, and lists of scalars are made into vectors."""
    graph = library(name)
    sizes = dict.fromkeys(_sizes(graph), 3) | {"T": 4}
    given = random_numbers(graph, sizes, 1)
    inputs = [v.id for v in graph.values if v.kind == "input"]
    for id in list(given):
        if id.partition("[")[0] in inputs:
            given[id] = torch.stack([given[id], given[id] * 2 - 1])
    together = evaluate(graph, given, sizes=sizes)
    for which in range(2):
        one = {id: tensor[which] if id.partition("[")[0] in inputs else tensor for id, tensor in given.items()}
        alone = evaluate(graph, one, sizes=sizes)
        for id, tensor in alone.items():
            same = together[id] if together[id].shape == tensor.shape else together[id].select(-1 - _rank(graph, id), which)
            torch.testing.assert_close(same, tensor, rtol=0, atol=1e-12)


def _rank(graph: Graph, id: str) -> int:
    return len(graph.value_by_id[id if id in graph.value_by_id else id.partition("[")[0]].type.shape or ())


def test_random_numbers_are_the_same_for_the_same_seed_and_others_for_another() -> None:
    graph = library("lstm")
    sizes = {"n": 2, "m": 3, "T": 2}
    first, again, other = (evaluate(graph, sizes=sizes, seed=seed)["h"] for seed in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_gradients_flow_through() -> None:
    """∂h_20/∂h_1 of h[t] = ReLU(w h[t-1] + u x[t]) with w = 3 is 3¹⁹ (case D1)."""
    graph = rolled("h[t] = relu(w h[t-1] + u x[t]); h[0] = s; x[t] : scalar, w : scalar, u : scalar, h[t] : scalar, s : scalar")
    start = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    found = evaluate(graph, {"x": torch.zeros(19), "s": start}, {"w": 3.0, "u": 1.0})
    (slope,) = torch.autograd.grad(found["h[t=19]"], start)
    assert slope.item() == 3.0**19


def test_an_unknown_function_is_asked_for_and_may_be_given() -> None:
    graph = rolled("h[t] = psi(W h[t-1] + U x[t])")
    sizes = {"n_h": 2, "n_x": 2, "T": 2}
    with pytest.raises(Missing, match=r"what the function 'psi' computes is not known\n  hint: say which it is"):
        evaluate(graph, sizes=sizes, seed=0)
    same = rolled("h[t] = tanh(W h[t-1] + U x[t])")
    expected = evaluate(same, sizes=sizes, seed=0)["h"]
    assert torch.equal(evaluate(graph, sizes=sizes, seed=0, functions={"psi": torch.tanh})["h"], expected)


def test_what_is_missing_or_does_not_fit_is_said_all_at_once() -> None:
    graph = library("elman")
    with pytest.raises(UsageError, match="there are no numbers for x, W_xh, W_hh, b_h, W_hy, b_y"):
        evaluate(graph, sizes={"T": 2})
    with pytest.raises(
        UsageError, match="how large n and m and k are is not known\n  hint: say so: --size n=3 --size m=3 --size k=3"
    ):
        evaluate(graph, sizes={"T": 2}, seed=0)
    with pytest.raises(UsageError, match="how many steps there are along 't' is not known"):
        evaluate(graph, sizes={"n": 2, "m": 2, "k": 2}, seed=0)
    wrong = {"W_xh": torch.zeros(4, 3), "W_hh": torch.zeros(5, 5), "x": torch.zeros(2, 7)}
    with pytest.raises(InvalidInput, match=r"W_hh is \(5, 5\) instead of \(m, m\)\n       x is \(2, 7\) instead of \(T, n\)"):
        evaluate(graph, wrong)
    with pytest.raises(UsageError, match="there is no value 'W_xx' to give numbers to\n  hint: did you mean 'W_xh'"):
        evaluate(graph, {"W_xx": torch.zeros(2, 2)}, sizes={"T": 2, "n": 2, "m": 2, "k": 2}, seed=0)


def test_what_torch_refuses_names_the_op_and_the_shapes() -> None:
    graph = rolled("y[t] = inverse(W) x[t]")
    with pytest.raises(ModelFailed, match=r"inverse cannot be computed\n  where: .*inverse"):
        evaluate(graph, {"W": torch.zeros(2, 2), "x": torch.zeros(1, 2)})


def test_the_verb_takes_a_target_in_words_and_a_number_of_steps() -> None:
    found = netfig.evaluate("h[t] = tanh(W h[t-1] + U x[t])", steps=3, sizes={"n_h": 2, "n_x": 2})
    assert found["h"].shape == (3, 2)
    assert found["h"].dtype == torch.float64
    unrolled = netfig.evaluate(
        "h[t] = tanh(W h[t-1] + U x[t])", sizes={"n_h": 2, "n_x": 2}, passes=["unroll"], options={"unroll.extent": 3}
    )
    assert torch.equal(unrolled["h[t=3]"], found["h[t=3]"])


def test_many_steps_need_no_deep_recursion() -> None:
    graph = rolled("b[t] = tanh(u b[t+1] + x[t]); x[t] : scalar, u : scalar")
    found = evaluate(graph, {"x": torch.ones(3000), "u": 0.5})
    assert found["b"].shape == (3000,)
