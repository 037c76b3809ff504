"""Parameters with their products, dense equivalents and receptive fields; truth is torch's own numel and the worked cases."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from layer_chains import add_layer, case, chain
from torch import nn

from netfig.annotators import counts
from netfig.annotators.formulas import parameter_formula
from netfig.graph.build import GraphBuilder
from netfig.schema import graph_to_json

CASES = Path(__file__).parents[2] / "examples" / "cases.json"


def note(graph: object, subject: str, key: str) -> object:
    """The value of one note of this annotator."""
    return next((n.value for n in counts.annotate(graph) if (n.subject, n.key) == (subject, key)), None)  # type: ignore[arg-type]


LAYERS: dict[str, tuple[nn.Module, str]] = {
    "conv2d": (nn.Conv2d(3, 16, 3), "3·16·3·3 + 16 = 448"),
    "conv2d without bias": (nn.Conv2d(3, 16, (3, 5), bias=False), "3·16·3·5 = 720"),
    "conv1d": (nn.Conv1d(7, 1, 3), "7·1·3 + 1 = 22"),
    "conv3d": (nn.Conv3d(2, 4, 3), "2·4·3·3·3 + 4 = 220"),
    "grouped": (nn.Conv2d(32, 64, 3, groups=4), "8·64·3·3 + 64 = 4,672"),
    "depthwise": (nn.Conv2d(32, 32, 3, groups=32, bias=False), "1·32·3·3 = 288"),
    "transposed": (nn.ConvTranspose2d(16, 8, 2, stride=2), "16·8·2·2 + 8 = 520"),
    "linear": (nn.Linear(3072, 128), "3,072·128 + 128 = 393,344"),
    "linear without bias": (nn.Linear(5, 3, bias=False), "5·3 = 15"),
    "embedding": (nn.Embedding(1000, 64), "1,000·64 = 64,000"),
    "batch norm": (nn.BatchNorm2d(16), "2·16 = 32"),
    "layer norm": (nn.LayerNorm((10, 16)), "2·10·16 = 320"),
    "layer norm without bias": (nn.LayerNorm(16, bias=False), "16"),
    "group norm": (nn.GroupNorm(2, 8), "2·8 = 16"),
    "rnn": (nn.RNN(3, 4), "3·4 + 4·4 + 2·4 = 36"),
    "lstm": (nn.LSTM(10, 20), "4·(10·20 + 20·20 + 2·20) = 2,560"),
    "lstm of two layers": (nn.LSTM(10, 20, 2), "4·(10·20 + 20·20 + 2·20) + 4·(20·20 + 20·20 + 2·20) = 5,920"),
    "deep lstm": (nn.LSTM(20, 20, 3), "3·4·(20·20 + 20·20 + 2·20) = 10,080"),
    "two directions": (nn.LSTM(10, 20, bidirectional=True), "2·4·(10·20 + 20·20 + 2·20) = 5,120"),
    "projected lstm": (nn.LSTM(10, 20, proj_size=5), "4·(10·20 + 5·20 + 2·20) + 5·20 = 1,460"),
    "gru without bias": (nn.GRU(10, 20, bias=False), "3·(10·20 + 20·20) = 1,800"),
    "lstm cell": (nn.LSTMCell(10, 20), "4·(10·20 + 20·20 + 2·20) = 2,560"),
    "attention": (nn.MultiheadAttention(64, 4), "4·(64·64 + 64) = 16,640"),
    "attention without bias": (nn.MultiheadAttention(64, 4, bias=False), "4·64·64 = 16,384"),
    "attention with bias vectors": (nn.MultiheadAttention(8, 2, add_bias_kv=True), "4·(8·8 + 8) + 1·1·8 + 1·1·8 = 304"),
    "attention of other widths": (nn.MultiheadAttention(8, 2, kdim=4, vdim=6, bias=False), "8·8 + 8·4 + 8·6 + 8·8 = 208"),
    "bilinear": (nn.Bilinear(3, 4, 5), "3·4·5 + 5 = 65"),
    "prelu": (nn.PReLU(6), "6"),
}


@pytest.mark.parametrize("name", LAYERS)
def test_a_layers_parameters_are_written_out(name: str) -> None:
    layer, formula = LAYERS[name]
    shapes = {key: tuple(p.shape) for key, p in layer.named_parameters()}
    assert parameter_formula(type(layer).__name__, shapes) == formula


@pytest.mark.parametrize("name", LAYERS)
def test_the_written_product_comes_out_at_torchs_own_count(name: str) -> None:
    layer, _ = LAYERS[name]
    formula = parameter_formula(type(layer).__name__, {key: tuple(p.shape) for key, p in layer.named_parameters()})
    terms, _, result = formula.replace(",", "").replace("·", "*").partition(" = ")
    assert re.fullmatch(r"[\d*+() ]+", terms)
    assert eval(terms) == int(result or terms) == sum(p.numel() for p in layer.parameters())


def test_any_parameters_are_the_sum_of_products_of_their_shapes() -> None:
    assert parameter_formula("Mine", {"scale": (10, 16), "shift": (16,), "gate": ()}) == "10·16 + 16 + 1 = 177"


@pytest.mark.parametrize("name", ["cnn_64", "cnn_128_same_valid", "cnn_horse"])
def test_the_worked_cases_come_out(name: str) -> None:
    data = json.loads(CASES.read_text())[name]
    graph = case(data)
    for i, layer in enumerate(data["layers"]):
        subject = layer.get("name", str(i))
        assert note(graph, subject, "params") == layer["params"]
        if "dense_equivalent" in layer:
            assert note(graph, subject, "dense_equivalent") == layer["dense_equivalent"]
    assert note(graph, "", "params") == data["total_params"]


def test_the_dense_equivalent_is_the_linear_layer_between_flattened_input_and_output() -> None:
    conv = nn.Conv2d(2, 3, 2, stride=2, bias=True)
    graph = chain([("conv", conv)], (2, 6, 4))
    out = conv(torch.zeros(1, 2, 6, 4))
    dense = nn.Linear(2 * 6 * 4, out.numel(), bias=False)
    assert note(graph, "conv", "dense_equivalent") == dense.weight.numel() + out.numel()
    assert note(graph, "conv", "dense_equivalent.formula") == "(2·6·4 + 1)·3·3·2 = 882"


def test_the_dense_equivalent_without_bias_has_no_bias() -> None:
    graph = chain([("conv", nn.Conv1d(2, 3, 2, bias=False))], (2, 6))
    assert note(graph, "conv", "dense_equivalent.formula") == "2·6·3·5 = 180"


def field_by_gradient(layers: list[tuple[str, nn.Module]], shape: tuple[int, ...]) -> str:
    """The receptive field that torch shows: the extent of input elements that reach the middle output."""
    data = torch.zeros(1, *shape, requires_grad=True)
    out: torch.Tensor = data
    for _, layer in layers:
        for parameter in layer.parameters():
            nn.init.ones_(parameter)
        out = layer(out)
    middle = tuple(n // 2 for n in out.shape[2:])
    out[(0, 0, *middle)].backward()
    assert data.grad is not None
    seen = data.grad[0].sum(0).nonzero()
    extent = seen.max(0).values - seen.min(0).values + 1
    return "×".join(str(int(n)) for n in extent)


CHAINS = {
    "stacked": [("a", nn.Conv2d(1, 2, 3)), ("b", nn.Conv2d(2, 2, 3))],
    "strided": [("a", nn.Conv2d(1, 2, 3, stride=2)), ("b", nn.Conv2d(2, 2, 5))],
    "dilated": [("a", nn.Conv2d(1, 2, 3, dilation=3)), ("b", nn.Conv2d(2, 2, (3, 1), dilation=2))],
    "pooled": [("a", nn.Conv2d(1, 2, 3)), ("p", nn.AvgPool2d(2)), ("b", nn.Conv2d(2, 2, 3))],
    "one dimension": [("a", nn.Conv1d(1, 2, 7, stride=2)), ("b", nn.Conv1d(2, 2, 3))],
}


@pytest.mark.parametrize("name", CHAINS)
def test_the_receptive_field_is_what_the_gradient_reaches(name: str) -> None:
    layers = CHAINS[name]
    shape = (1, 60) if name == "one dimension" else (1, 40, 40)
    graph = chain(layers, shape)
    assert note(graph, layers[-1][0], "receptive_field") == field_by_gradient(layers, shape)


def test_the_larger_of_two_branches_is_the_receptive_field() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (1, 1, 9, 9))
    small = add_layer(b, "small", nn.Conv2d(1, 1, 3, padding=1), x, (1, 1, 9, 9))
    large = add_layer(b, "large", nn.Conv2d(1, 1, 5, padding=2), x, (1, 1, 9, 9))
    both = b.op("add", {"self": small, "other": large}, shape=(1, 1, 9, 9))
    last = add_layer(b, "last", nn.Conv2d(1, 1, 3, padding=1), both, (1, 1, 9, 9))
    b.output("output", last)
    assert note(b.finish(), "last", "receptive_field") == "7×7"


def test_behind_a_linear_layer_there_is_no_receptive_field() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (1, 1, 9, 9))
    mixed = b.op("linear", {"input": x}, shape=(1, 1, 9, 9))
    b.output("output", add_layer(b, "conv", nn.Conv2d(1, 1, 3, padding=1), mixed, (1, 1, 9, 9)))
    assert note(b.finish(), "conv", "receptive_field") is None


def test_a_convolution_with_a_raw_parameter_has_its_count_on_the_op() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (1, 3, 8, 8))
    weight, bias = b.parameter("kernel", (4, 3, 3, 3)), b.parameter("shift", (4,))
    y = b.op("conv2d", {"input": x, "weight": weight, "bias": bias}, shape=(1, 4, 6, 6))
    y = b.op("linear", {"input": y, "weight": b.parameter("matrix", (2, 6))}, shape=(1, 4, 6, 2))
    b.output("output", y)
    graph = b.finish()
    assert note(graph, "conv2d", "params.formula") == "3·4·3·3 + 4 = 112"
    assert note(graph, "linear", "params.formula") == "6·2 = 12"
    assert note(graph, "conv2d", "dense_equivalent") == (3 * 8 * 8 + 1) * math.prod((4, 6, 6))


def test_counting_never_loads_torch() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (1, 3, 8, 8))
    b.output("y", b.op("conv2d", {"input": x, "weight": b.parameter("w", (4, 3, 3, 3))}, shape=(1, 4, 6, 6)))
    code = (
        "import sys\n"
        "from netfig.annotators import builtin_annotators\n"
        "from netfig.schema import graph_from_json\n"
        "from netfig.summary import render, summarize\n"
        "graph = graph_from_json(sys.stdin.buffer.read())\n"
        "notes = [n for a in builtin_annotators() for n in a.annotate(graph, None, None)]\n"
        "print(len(notes) > 3, 'Parameters: 108' in render(summarize(graph)), 'torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], input=graph_to_json(b.finish()), capture_output=True, check=True)
    assert done.stdout.split() == [b"True", b"True", b"False"]
