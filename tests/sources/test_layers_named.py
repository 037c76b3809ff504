"""Layer chains whose sizes are names. The truth is torch: the same chain with numbers, run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import torch
from torch import nn

import netfig
from netfig.cli.commands.gallery import _run as run_netfig
from netfig.errors import InvalidInput, UsageError
from netfig.graph.formula_graph import counts, definitions
from netfig.graph.formula_text import parse, pretty
from netfig.schema import graph_from_json, graph_to_json
from netfig.sources.layers_check import compare
from netfig.sources.layers_named import read_shape
from netfig.sources.layers_text import read_chain

EXAMPLES = Path(__file__).parents[2] / "examples/symbolic"
CONVOLUTION = str(EXAMPLES / "convolution.layers")
CASES = [
    ("Conv2d(C, F, (K_H, K_W), stride=S, padding=P, dilation=D)", "C x H x W"),
    ("Conv2d(F, K, stride=(a, b), padding=P, dilation=D, groups=g, bias=False) | ReLU", "2*g x H x W"),
    ("Conv1d(F, K, stride=S) | Conv1d(2*F, 3)", "C x L"),
    ("Conv3d(F, K, stride=2, padding=1)", "C x d x h x w"),
    ("MaxPool2d(K, stride=S, padding=P, dilation=D, ceil_mode=True)", "CxHxW"),
    ("AvgPool2d(K, stride=S, padding=P, ceil_mode=True)", "CxHxW"),
    ("MaxPool2d(3, stride=2, ceil_mode=True) | MaxPool2d(2) | AvgPool2d(2)", "CxHxW"),
    ("MaxPool2d(K) | Flatten | Linear(n)", "CxHxW"),
    ("ConvTranspose2d(F, K, stride=S, padding=P, output_padding=1, dilation=D)", "CxHxW"),
    ("LSTM(h, proj_size=p)", "T x d"),
    ("GRU(h, num_layers=2, bidirectional=True)", "T x d"),
    ("MultiheadAttention(d, 1) | LayerNorm(d)", "n x d"),
    ("TransformerEncoderLayer(d, 1, dim_feedforward=4*d)", "n x d"),
    ("Embedding(v, d) | Linear(4*d) | GELU | Linear(d) | RMSNorm(d)", "n:int64"),
    ("Conv2d(F, K, padding=P) | BatchNorm2d | MaxPool2d(2) | PReLU(F) | AdaptiveAvgPool2d(1) | Flatten | Linear(n)", "CxHxW"),
    ("ZeroPad2d((1, 2, p, 0)) | Upsample(scale_factor=2) | PixelShuffle(2)", "4*C x H x W"),
    ("Conv2d(F, 3, padding='same', dilation=D) | residual(Conv2d(F, 3, padding=1) | ReLU) | GroupNorm(1, F)", "CxHxW"),
    ("AdaptiveMaxPool2d((a, None)) | Softmax2d | Flatten(2)", "CxHxW"),
    ("PixelUnshuffle(r)", "C x r*H x r*W"),
    ("GLU", "n x 2*d"),
]


@pytest.mark.parametrize(("text", "shape"), CASES, ids=[text[:40] for text, _ in CASES])
def test_on_random_numbers_every_shape_and_count_is_torchs(text: str, shape: str) -> None:
    found = compare(read_chain(text), read_shape(shape), settings=8, seed=3)
    assert found.differences == ()
    assert found.equal == 8


def test_a_wrong_formula_would_be_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    from netfig.graph.formula import floor
    from netfig.sources import layers_rules

    monkeypatch.setattr(layers_rules, "window", lambda h, k, s, p, d: floor(h + p.scaled(2) - k, s) + 1)  # forgets dilation
    found = compare(read_chain("Conv2d(F, K, stride=S, dilation=D)"), read_shape("CxHxW"), settings=8)
    assert found.differences
    assert "makes" in found.differences[0]


@pytest.mark.parametrize("case", json.loads((EXAMPLES.parent / "cases.json").read_text())["conv_output_sizes"])
def test_the_general_convolution_gives_the_sizes_of_the_answer_sheet(case: dict[str, list[int]]) -> None:
    (h, w), (kh, kw) = case["input"], case["kernel"]
    sizes = {"H": h, "W": w, "K_H": kh, "K_W": kw, "S": case["stride"], "P": case["padding"], "D": case["dilation"]}
    graph = netfig.trace(CONVOLUTION, netfig_options={"sizes": sizes})
    assert [str(d) for d in graph.value_by_id[graph.outputs[0].value].type.shape] == ["1", "F", *map(str, case["output"])]


@pytest.mark.parametrize("case", json.loads((EXAMPLES.parent / "cases.json").read_text())["conv1d_jacobians"])
def test_the_one_dimensional_convolution_gives_the_sizes_of_the_answer_sheet(case: dict[str, list[int]]) -> None:
    sizes = {"C": case["channels"], "L": case["length"], "K": case["kernel"], "S": case["stride"]}
    graph = netfig.trace(str(EXAMPLES / "convolution_1d.layers"), netfig_options={"sizes": sizes})
    assert graph.value_by_id[graph.outputs[0].value].type.sizes == (1, 1, *case["output"])
    assert graph.value_by_id["filter.weight"].type.sizes == tuple(case["weight"])


def test_the_general_convolution_is_the_formula_of_the_textbook() -> None:
    graph = netfig.trace(CONVOLUTION)
    assert {name: pretty(size) for name, size in definitions(graph).items()} == {
        "H'": "⌊(H + 2P − D·(K_H − 1) − 1)/S⌋ + 1",
        "W'": "⌊(W + 2P − D·(K_W − 1) − 1)/S⌋ + 1",
    }
    assert pretty(counts(graph)["conv"]) == "F·(C·K_H·K_W + 1)"


def test_numbers_for_all_names_run_the_chain_and_for_some_leave_the_rest() -> None:
    sizes = {"C": 3, "H": 8, "F": 4, "K": 3, "n": 10}
    whole = netfig.trace("Conv2d(F, K) | Flatten | Linear(n)", "CxHxH", netfig_options={"sizes": sizes})
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(4 * 36, 10))
    assert whole.parameter_count == sum(p.numel() for p in model.parameters())
    assert tuple(model(torch.zeros(1, 3, 8, 8)).shape) == whole.value_by_id[whole.outputs[0].value].type.sizes
    part = netfig.trace("Conv2d(F, K) | Flatten | Linear(n)", "CxHxH", netfig_options={"sizes": {"K": 3}})
    assert pretty(counts(part)["conv"]) == "F·(9C + 1)"


def test_a_saved_graph_takes_numbers_for_its_names(tmp_path: Path) -> None:
    graph = netfig.trace(CONVOLUTION)
    assert graph_from_json(graph_to_json(graph)) == graph
    (tmp_path / "g.json").write_bytes(graph_to_json(graph))
    table = json.loads(run_netfig(["summary", str(tmp_path / "g.json"), "--json", "--size", "H=17,P=0,D=1,K_H=3,S=2"]))
    assert table["rows"][0]["output"] == ["F", 8, "W′"]
    assert table["rows"][0]["settings"] == "C→F k=3×K_W s2"
    whole = ["--size", "C=3,F=4,H=17,W=11,P=0,D=1,K_H=3,K_W=5,S=2"]
    saved = json.loads(run_netfig(["summary", str(tmp_path / "g.json"), "--json", *whole]))
    traced = json.loads(run_netfig(["summary", CONVOLUTION, "--json", *whole]))
    for key in ("output", "params", "formula", "macs", "settings"):
        assert saved["rows"][0][key] == traced["rows"][0][key]


def test_the_parameters_of_an_attention_by_names_are_those_of_torch() -> None:
    table = json.loads(run_netfig(["summary", "attention", "--json"]))
    total, growth = table["total"]["params"], [row["growth"] for row in table["rows"] if row["growth"]]
    assert set(growth) == {"O(d_model²)"}
    for width in (8, 12):
        real = nn.MultiheadAttention(width, 4)
        assert parse(total).at({"d_model": width}).number == sum(p.numel() for p in real.parameters())
    matrix = parse(next(row["params"] for row in table["rows"] if row["layer"] == "q_proj"))
    assert matrix.same(parse("d_model*(d_model + 1)"))  # h·d_k·(d_model + 1), h heads of d_model / h


def test_the_table_writes_formulas_for_people_for_latex_and_for_programs() -> None:
    words = ["summary", CONVOLUTION]
    plain, tex = run_netfig(words), run_netfig([*words, "-f", "latex"])
    assert "H′ = ⌊(H + 2P − D·(K_H − 1) − 1)/S⌋ + 1" in plain
    assert "O(C·F·K_H·K_W)" in plain
    assert r"$F \cdot \left(C \cdot K_{H} \cdot K_{W} + 1\right)$" in tex
    assert r"$H' = \left\lfloor \frac{H + 2 P - D \cdot \left(K_{H} - 1\right) - 1}{S} \right\rfloor + 1$" in tex
    data = json.loads(run_netfig([*words, "--json"]))
    assert parse(data["sizes"]["H′"]).same(parse("floor((H + 2*P - D*(K_H - 1) - 1)/S) + 1"))


def test_long_sizes_are_named_once_and_short_ones_stand_in_the_shapes() -> None:
    graph = netfig.trace(str(EXAMPLES / "network.layers"))
    shapes = {v.id.partition("/")[0]: [str(d) for d in v.type.shape[1:]] for v in graph.values if v.id.endswith(".out")}
    assert shapes["conv-1"] == shapes["relu-1"] == ["F", "H_1", "W_1"]
    assert shapes["pool-1"] == ["F", "floor(H_1/2)", "floor(W_1/2)"]
    assert list(definitions(graph)) == ["H_1", "W_1", "H_2", "W_2", "N"]
    taken = netfig.trace("Conv2d(N, K, padding=P) | MaxPool2d(2) | Conv2d(H_1, K) | Flatten", "CxHxW")
    assert "N" not in definitions(taken)
    assert "H_1" not in definitions(taken)


def test_the_figure_shows_shapes_settings_counts_and_growth_as_formulas() -> None:
    figure = netfig.draw(CONVOLUTION, options={"pipeline.growth": True}).figure
    from netfig.mathtext import text_of

    box = figure.boxes["conv"]
    assert [text_of(line) for line in box.above] == ["K_H×K_W conv", "stride S, pad P", "dilation D"]
    rows = [text_of(row.text) for row in box.rows]
    assert rows[0] == "F@H′×W′"
    assert "F·(C·K_H·K_W + 1)" in rows[1]
    assert "O(C·F·K_H·K_W)" in " ".join(rows)
    assert [text_of(line) for line in figure.equations] == [
        "H′ = ⌊(H + 2P − D·(K_H − 1) − 1)/S⌋ + 1",
        "W′ = ⌊(W + 2P − D·(K_W − 1) − 1)/S⌋ + 1",
    ]


def test_check_compares_a_chain_of_names_with_torch() -> None:
    said = run_netfig(["check", CONVOLUTION])
    assert re.search(r"equal to torch's on 25 random settings", said)


@pytest.mark.parametrize(
    ("text", "shape", "sizes", "what"),
    [
        ("Conv2d(C, F, 3)", "3xHxW", {}, "layer 1 'conv' (Conv2d) does not fit: it gets 3×H×W"),
        ("Conv2d(F, 3, bias=maybe)", "CxHxW", {}, "layer 1 'conv' (Conv2d): bias is True or False, not maybe"),
        ("Fold(K, 3)", "CxL", {}, "layer 1 'fold' (Fold) has no rule for sizes that are names"),
        ("Conv2d(F, 5)", "Cx3xW", {}, "layer 1 'conv' (Conv2d) makes nothing"),
        ("residual(Conv2d(F, 3))", "CxHxW", {}, "the residual does not fit: its chain makes F×(H − 2)×(W − 2)"),
        ("Linear(n)", "Cx2*", {}, "input 'Cx2*' is malformed: a size is missing"),
        ("LSTM(h, num_layers=n)", "Txd", {}, "layer 1 'lstm' (LSTM) does not fit"),
        ("Conv2d(F, 3, stride=S)", "3xHxW", {"S": 0}, "layer 1 'conv' (Conv2d) does not fit: a size is divided by 0"),
        ("Conv2d(6, F, K, groups=g)", "6xHxW", {"g": 4}, "layer 1 'conv' (Conv2d) does not fit: a size would be 6/4"),
        ("Linear(n)", "8", {"m": 3}, "the chain has no size 'm'"),
        ("MaxPool2d(K, return_indices=True)", "CxHxW", {}, "layer 1 'pool' (MaxPool2d) does not fit"),
    ],
)
def test_what_does_not_fit_is_said_of_the_layer(text: str, shape: str, sizes: dict[str, int], what: str) -> None:
    with pytest.raises((InvalidInput, UsageError)) as caught:
        netfig.trace(text, shape, netfig_options={"sizes": sizes})
    assert caught.value.what.startswith(what)


@pytest.mark.parametrize(
    ("text", "sizes"),
    [
        ("CxHxW", "C H W"),
        ("d_max × n", "d_max n"),
        ("n x 2*d", "n 2*d"),
        ("[n]:int64", "n"),
        ("3x64x64", "3 64 64"),
        ("x,y", "x y"),
    ],
)
def test_sizes_of_an_input_are_joined_by_an_x_or_a_sign(text: str, sizes: str) -> None:
    assert [str(size) for size in read_shape(text).sizes] == sizes.split()


def test_a_traced_model_refuses_numbers_for_names_that_it_has_not() -> None:
    with pytest.raises(UsageError, match="no sizes that are names"):
        netfig.trace("examples/lenet5.py:LeNet5", "1x28x28", netfig_options={"sizes": {"H": 28}})


def test_sizes_are_given_alike_to_chains_equations_and_attention() -> None:
    assert json.loads(run_netfig(["summary", "attention", "--size", "d_model=8,h=2", "--json"]))["total"]["params"] == 4 * 8 * 9
    table = json.loads(run_netfig(["summary", "h[t] = tanh(W x[t] + U h[t-1])", "--json", "--size", "n_x=3,n_h=2"]))
    assert table["total"]["params"] == 3 * 2 + 2 * 2
