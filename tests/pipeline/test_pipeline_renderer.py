"""The pipeline renderer shows exactly the chain that a graph is, with the numbers of the cases."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
import torch
from pipeline_chains import MODELS, graph_named, graph_of
from torch import nn

from netfig.errors import UsageError
from netfig.mathtext import text_of
from netfig.renderers import builtin_renderers
from netfig.renderers.pipeline import PipelineOptions, draw_pipeline

suits = next(r for r in builtin_renderers() if r.name == "pipeline").suits

CASES = json.loads((Path(__file__).parents[2] / "examples" / "cases.json").read_text(encoding="utf-8"))
CNNS = ("cnn_64", "cnn_128_same_valid", "cnn_horse")


def drawn(name, **options):
    return draw_pipeline(graph_named(name), PipelineOptions(**options))


def rows(box, *kinds):
    return [text_of(row.text) for row in box.rows if row.kind in kinds]


def shape_word(sizes):
    return f"{sizes[0]}@{'×'.join(map(str, sizes[1:]))}" if len(sizes) > 1 else str(sizes[0])


def shown_layers(case):
    """The layers of a case that are drawn as tensors: all but those folded into the arrow before."""
    return [layer for layer in CASES[case]["layers"] if not layer["layer"].startswith(("ReLU", "Softmax"))]


@pytest.mark.parametrize("case", CNNS)
def test_every_shape_of_a_case_stands_under_its_tensor(case):
    shapes = [rows(box, "shape")[0] for box in drawn(case).boxes.values()]
    expected = [CASES[case]["input"], *(layer["output"] for layer in shown_layers(case))]
    assert shapes == [shape_word(sizes) for sizes in expected]


@pytest.mark.parametrize("case", CNNS)
def test_every_parameter_count_of_a_case_is_at_its_arrow(case):
    counts = [rows(box, "params") for box in list(drawn(case).boxes.values())[1:]]
    assert counts == [[f"{layer['params']:,} params"] if layer["params"] else [] for layer in shown_layers(case)]


@pytest.mark.parametrize("case", CNNS)
def test_a_worked_product_gives_the_count_it_is_said_to_give(case):
    worked = 0
    for box, layer in zip(list(drawn(case, params="worked").boxes.values())[1:], shown_layers(case), strict=True):
        if not layer["params"]:
            continue
        terms, result = " ".join(rows(box, "params")).split(" = ")
        value = sum(math.prod(int(f.replace(",", "")) for f in term.split("·")) for term in terms.split(" + "))
        assert value == layer["params"] == int(result.removesuffix(" params").replace(",", ""))
        assert "·" in terms
        worked += 1
    assert worked == sum(1 for layer in shown_layers(case) if layer["params"])


def test_the_first_product_of_the_first_case_is_written_as_in_the_case():
    box = drawn("cnn_64", params="worked").boxes["0"]
    assert rows(box, "params") == ["3·16·3·3 + 16", "= 448 params"]


def test_dense_equivalents_stand_beside_each_convolution_when_asked_for():
    figure = drawn("cnn_64", dense_equivalent=True)
    shown = [rows(box, "count") for box in list(figure.boxes.values())[1:]]
    expected = [[f"dense: {d:,}"] if (d := layer.get("dense_equivalent")) else [] for layer in shown_layers("cnn_64")]
    assert shown == expected
    assert sum(map(len, expected)) == 4
    assert not any(rows(box, "count") for box in drawn("cnn_64").boxes.values())


def test_totals_and_shares_of_the_horse_are_in_the_caption():
    case = CASES["cnn_horse"]
    line = text_of(drawn("cnn_horse").caption[0])
    for key in ("convolutional", "dense"):
        assert f"{case[f'{key}_params']:,} ({case[f'{key}_share_percent']} %)" in line
    assert f"{case['total_params']:,} parameters" in line


@pytest.mark.parametrize("name", MODELS)
def test_every_op_stands_in_exactly_one_box(name):
    graph, figure = graph_named(name), drawn(name)
    seen = [i for box in figure.boxes.values() for i in box.stands_for]
    assert len(seen) == len(set(seen))
    assert {op.id for op in graph.ops} <= {*seen, *figure.root.stands_for}


@pytest.mark.parametrize("name", MODELS)
def test_each_wire_carries_a_value_from_where_it_is_made_to_where_it_is_read(name):
    graph, figure = graph_named(name), drawn(name)
    assert len(figure.wires) == len(figure.boxes) - 1
    for wire in figure.wires:
        (value,) = wire.stands_for
        source, target = figure.boxes[wire.source.box], figure.boxes[wire.target.box]
        maker = graph.producer.get(value)
        assert (maker.id if maker else value) in source.stands_for
        assert any(reader.id in target.stands_for for reader in graph.readers[value])


def test_functions_and_modules_are_told_in_the_same_words():
    above = {text_of(box.title[0]): [text_of(t) for t in box.above] for box in drawn("lenet").boxes.values()}
    assert above == {
        "input": [],
        "conv1": ["5×5 conv, pad 2", "ReLU"],
        "pool1": ["2×2 max pool"],
        "conv2": ["5×5 conv, ReLU"],
        "pool2": ["2×2 max pool"],
        "flatten": ["flatten"],
        "fc1": ["linear, ReLU"],
        "fc2": ["linear, ReLU"],
        "fc3": ["linear", "log-softmax"],
    }


def test_norms_activations_and_dropout_join_the_arrow_of_their_layer():
    figure = drawn("vgg")
    names = [text_of(box.title[0]) for box in figure.boxes.values()]
    assert names[:5] == ["input", "conv1", "pool1", "conv2", "pool2"]
    assert names[-4:] == ["flatten", "fc1", "fc2", "fc3"]
    by_name = dict(zip(names, figure.boxes.values(), strict=True))
    assert [text_of(t) for t in by_name["conv1"].above] == ["3×3 conv, pad 1", "batch norm, ReLU"]
    assert [text_of(t) for t in by_name["fc1"].above] == ["linear, ReLU", "dropout 0.5"]
    assert rows(by_name["conv1"], "params") == [f"{3 * 64 * 9 + 64 + 128:,} params"]


def test_one_and_three_dimensions_are_channels_at_sizes():
    assert [rows(b, "shape")[0] for b in drawn("audio").boxes.values()] == ["7@99", "16@49", "16@24", "32@20", "32", "4"]
    assert rows(list(drawn("video").boxes.values())[1], "shape") == ["8@16×32×48"]
    words = [[text_of(t) for t in box.above] for box in drawn("audio").boxes.values()]
    assert words[1] == ["conv 3, stride 2", "ReLU"]
    assert words[3] == ["conv 3", "dilation 2"]


def test_the_batch_is_not_shown():
    graph = graph_of(MODELS["cnn_64"][0](), 3, 64, 64, batch=5)
    assert [rows(b, "shape") for b in draw_pipeline(graph, PipelineOptions()).boxes.values()][:2] == [["3@64×64"], ["16@64×64"]]


def test_a_layer_called_twice_is_counted_once():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(4, 4, 3, padding=1)

        def forward(self, x):
            return self.conv(torch.relu(self.conv(x)))

    figure = draw_pipeline(graph_of(Twice(), 4, 8, 8), PipelineOptions())
    counts = [rows(box, "params") for box in list(figure.boxes.values())[1:]]
    assert counts == [["148 params"], ["shared with conv"]]
    assert "148 parameters" in text_of(figure.caption[0])


def test_windows_are_those_the_next_layer_looks_through():
    windows = [box.solid.window for box in drawn("lenet", style="volumes").boxes.values()]
    assert windows == [(5, 5), (2, 2), (5, 5), (2, 2), None, None, None, None, None]
    assert {b.solid.window for b in drawn("lenet", style="volumes", window=False).boxes.values()} == {None}
    assert [b.solid.window for b in drawn("oblong", style="sheets").boxes.values()] == [(3, 9), (2, 4), None, None]


def test_the_style_decides_the_bodies_of_maps_and_vectors():
    def forms(style):
        return {b.solid.form for b in drawn("lenet", style=style).boxes.values()}

    assert (forms("flat"), forms("volumes"), forms("sheets")) == ({"flat"}, {"volume", "bar"}, {"sheets", "bar"})


def test_receptive_fields_are_a_row_when_asked_for():
    fields = [rows(b, "detail") for b in drawn("cnn_64", receptive_field=True).boxes.values()]
    assert fields[1:4] == [["sees 3×3"], ["sees 4×4"], ["sees 8×8"]]
    assert not any(rows(b, "detail") for b in drawn("cnn_64").boxes.values())


def test_the_alt_text_tells_every_tensor_in_order():
    figure = drawn("cnn_horse")
    places = [figure.alt.index(f" {text_of(b.title[0])}: {rows(b, 'shape')[0]}") for b in figure.boxes.values()]
    assert places == sorted(places)


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.last = nn.Conv2d(3, 3, 3, padding=1), nn.Conv2d(3, 1, 1)

    def forward(self, x):
        return self.last(x + self.conv(x))


class Early(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        hidden = self.a(x)
        return self.b(hidden), hidden


class Fork(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x)], dim=1)


@pytest.mark.parametrize(
    ("model", "shape", "words"),
    [
        (Skip(), (3, 8, 8), ["'add'", "joins the path with 'x' of the input"]),
        (Early(), (4,), ["the output 'output[1]'", "not the end of the path"]),
        (Fork(), (4,), ["'b' begins a second branch: it reads 'x' of the input", "'cat' joins the path with 'a/linear"]),
    ],
)
def test_a_model_with_branches_is_refused_by_the_name_of_the_branch(model, shape, words):
    graph = graph_of(model, *shape)
    with pytest.raises(UsageError) as refused:
        draw_pipeline(graph, PipelineOptions())
    for word in words:
        assert word in refused.value.why
    assert "--renderer modules" in refused.value.hint
    assert suits(graph) == 0


def test_all_problems_are_told_at_once_but_not_hundreds():
    class Many(nn.Module):
        def forward(self, x):
            total = x
            for _ in range(30):
                total = total * 2 + x
            return total

    with pytest.raises(UsageError) as refused:
        draw_pipeline(graph_of(Many(), 4), PipelineOptions())
    assert "and 26 more" in refused.value.why


def test_it_suits_convolutions_best_and_other_chains_less():
    assert suits(graph_named("cnn_64")) == 1
    assert 0 < suits(graph_named("one layer")) < 1


def test_what_does_not_depend_on_the_input_is_counted_in_the_caption():
    class Shifted(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(1, 2, 3)

        def forward(self, x):
            return self.conv(x) + torch.ones(6, 6) * 2

    graph = graph_of(Shifted(), 1, 8, 8)
    figure = draw_pipeline(graph, PipelineOptions())
    aside = [op.id for op in graph.ops if op.id in figure.root.stands_for]
    assert len(aside) == 2
    assert "2 operations that do not depend on the input" in " ".join(map(text_of, figure.caption))
