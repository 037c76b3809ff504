"""The words of boxes: one vocabulary for modules, functions and chains; shapes without the batch; frames of like branches."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn

import netfig
from netfig.figure import Group
from netfig.mathtext import text_of
from netfig.renderers.boxwords import constant_text
from netfig.renderers.modules import ModulesOptions, draw_modules
from netfig.renderers.pipeline import PipelineOptions, draw_pipeline


def figure_of(model, *inputs, **options):
    return draw_modules(netfig.trace(model.eval(), *inputs), ModulesOptions(**options))


def words(box):
    return [text_of(t) for t in box.title], [text_of(r.text) for r in box.rows if r.kind == "detail"]


@pytest.mark.parametrize(
    ("layer", "shape", "title", "details"),
    [
        (nn.Conv2d(3, 8, 5), (3, 9, 9), "5×5 conv, 8", []),
        (nn.Conv2d(3, 8, (1, 7), stride=2), (3, 9, 9), "1×7 conv, 8", ["stride 2"]),
        (nn.Conv2d(4, 8, 3, dilation=2, groups=2), (4, 9, 9), "3×3 conv, 8", ["dilation 2", "2 groups"]),
        (nn.Conv2d(4, 4, 3, groups=4), (4, 9, 9), "3×3 depthwise conv, 4", []),
        (nn.Conv1d(3, 8, 5), (3, 9), "conv 5, 8", []),
        (nn.ConvTranspose2d(4, 6, 2, stride=2), (4, 9, 9), "2×2 up-conv, 6", []),
        (nn.ConvTranspose2d(4, 6, 3, stride=2), (4, 9, 9), "3×3 up-conv, 6", ["stride 2"]),
        (nn.MaxPool2d(3, stride=1), (4, 9, 9), "3×3 max pool", ["stride 1"]),
        (nn.AvgPool2d(3), (4, 9, 9), "3×3 avg pool", []),
        (nn.AdaptiveAvgPool2d(1), (4, 9, 9), "global avg pool", []),
        (nn.AdaptiveMaxPool2d((2, 3)), (4, 9, 9), "max pool to 2×3", []),
        (nn.GroupNorm(2, 4), (4, 9, 9), "group norm", ["2 groups"]),
        (nn.Upsample(scale_factor=2), (4, 9, 9), "upsample ×2", []),
    ],
)
def test_a_layer_is_called_by_its_window_its_size_and_what_is_unusual(layer, shape, title, details):
    figure = figure_of(nn.Sequential(layer, nn.Flatten()), torch.zeros(1, *shape))
    box = list(figure.boxes.values())[1]
    assert words(box) == ([title], details)


class Functional(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(8, 3, 3, 3))

    def forward(self, x):
        return F.max_pool2d(torch.relu(F.conv2d(x, self.weight, stride=2)), 2)


def test_a_function_is_called_as_its_module_is():
    titles = [words(box) for box in figure_of(Functional(), torch.zeros(1, 3, 17, 17)).boxes.values()]
    assert (["3×3 conv, 8, ReLU"], ["stride 2"]) in titles
    assert (["2×2 max pool"], []) in titles


def test_a_chain_and_a_free_figure_use_the_same_words():
    graph = netfig.trace(nn.Sequential(nn.Conv2d(3, 8, 5, stride=2), nn.MaxPool2d(2)), torch.zeros(1, 3, 16, 16))
    free = [words(box) for box in draw_modules(graph, ModulesOptions()).boxes.values()][1:3]
    chain = [[text_of(t) for t in box.above] for box in draw_pipeline(graph, PipelineOptions()).boxes.values()][1:]
    assert free == [(["5×5 conv, 8"], ["stride 2"]), (["2×2 max pool"], [])]
    assert chain == [["5×5 conv", "stride 2"], ["2×2 max pool"]]


class LastState(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(5, 7, num_layers=3, batch_first=True)

    def forward(self, x):
        return self.lstm(x)[1][0][-1]


@pytest.mark.parametrize("batch", [1, 2])
def test_the_batch_is_left_out_of_recurrent_states_where_it_stands_second(batch):
    figure = figure_of(LastState(), torch.zeros(batch, 4, 5))
    assert {text_of(w.label) for w in figure.wires if w.source.box == "lstm"} == {"3×7"}


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.branch1 = nn.Sequential(nn.Linear(4, 4))
        self.branch2 = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))
        self.other = nn.Sequential(nn.Linear(4, 4))

    def forward(self, x):
        return self.branch1(x) + self.branch2(x) + self.other(x)


def test_a_branch_of_one_layer_is_framed_when_its_like_is():
    figure = figure_of(Branches(), torch.zeros(1, 4))
    framed = {text_of(g.title): len(g.children) for g in figure.groups.values() if isinstance(g, Group) and g.role == "panel"}
    assert framed == {"branch1": 1, "branch2": 2}


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.steps = nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, x):
        for step in self.steps:
            x = step(x)
        return x


def test_a_closed_module_says_how_many_layers_its_list_holds():
    figure = figure_of(nn.Sequential(Encoder(), nn.Linear(4, 2)), torch.zeros(1, 4), depth=1)
    assert (["Encoder"], ["3 steps"]) in [words(box) for box in figure.boxes.values()]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (math.sqrt(12), "√12"),
        (1 / math.sqrt(8), "1/√8"),
        (0.125, "0.125"),
        (4.0, "4"),
        (2, "2"),
        (-1.5, "−1.5"),
        (0.0, "0"),
        (3.4641, "3.4641"),
        (1e30, "1e+30"),
    ],
)
def test_a_constant_is_written_as_people_write_it(value, text):
    assert constant_text(value) == text


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.a(x), self.b(x)


def test_outputs_without_a_name_are_counted_from_one():
    figure = figure_of(Pair(), torch.zeros(1, 4))
    assert [text_of(b.title[0]) for b in figure.boxes.values() if b.role == "output"] == ["output 1", "output 2"]
