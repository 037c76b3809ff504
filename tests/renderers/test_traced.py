"""Figures of traced models: what they show and leave out."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import netfig
from netfig.mathtext import text_of
from netfig.testing import figure_problems


class Attention(nn.Module):
    """Hand-written: one projection, three uses, a mask buffer, a scale."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv = nn.Linear(8, 24)
        self.register_buffer("mask", torch.ones(5, 5).triu(1).bool())

    def forward(self, x):
        q, k, v = self.qkv(x).chunk(3, -1)
        scores = (q @ k.transpose(1, 2)) / 8**0.5
        return torch.softmax(scores.masked_fill(self.mask[:5, :5], float("-inf")), -1) @ v


class Position(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.position = nn.Parameter(torch.zeros(1, 5, 8))
        self.out = nn.Linear(8, 8)

    def forward(self, x):
        return self.out(x + self.position)


class State(nn.Module):
    """The first state is made from nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.RNNCell(8, 8)

    def forward(self, x):
        h = torch.zeros(x.shape[0], 8)
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return h


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.GELU(), nn.Dropout(0.1), nn.Linear(8, 8))

    def forward(self, x):
        return x + self.body(x)


class Noise(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.mean, self.spread = nn.Linear(8, 8), nn.Linear(8, 8)

    def forward(self, x):
        spread = self.spread(x).exp()
        return self.mean(x) + torch.randn_like(spread) * spread


MODELS = {"noise": Noise, "attention": Attention, "position": Position, "state": State, "residual": Residual}


def drawn(name: str, renderer: str = "modules", **options):
    torch.manual_seed(0)
    return netfig.draw(MODELS[name]().eval(), torch.randn(2, 5, 8), renderer=renderer, **options)


def titles(result) -> list[str]:
    return [text_of(box.title[0]) for box in result.figure.boxes.values()]


@pytest.mark.parametrize("renderer", ["modules", "dataflow"])
@pytest.mark.parametrize("name", MODELS)
def test_no_op_is_lost_and_no_wire_is_invented(name, renderer):
    result = drawn(name, renderer)
    assert figure_problems(result.graph, result.figure) == []


@pytest.mark.parametrize("renderer", ["modules", "dataflow"])
@pytest.mark.parametrize("name", MODELS)
def test_the_figure_lints_clean(name, renderer):
    assert drawn(name, renderer).lint() == ()


def test_a_mask_buffer_stands_beside_the_op_that_reads_it_without_its_slicing():
    result = drawn("attention")
    mask = next(i for i, box in result.figure.boxes.items() if box.role == "note")
    reader = next(w.target.box for w in result.figure.wires if w.source.box == mask)
    assert text_of(result.figure.boxes[reader].title[0]) == "mask"


def test_values_and_queries_are_no_skip_connection():
    assert [w for w in drawn("attention").figure.wires if w.role == "skip"] == []


def test_a_parameter_that_is_added_is_a_chip_and_its_reader_shows_no_count():
    result = drawn("position")
    assert "position" in titles(result)
    plus = next(box for box in result.figure.boxes.values() if box.role == "op")
    assert plus.rows == ()


def test_the_first_state_of_a_loop_is_drawn_though_nothing_flows_into_it():
    result = drawn("state")
    assert any(box.role == "note" and "zeros" in text_of(box.title[0]) for box in result.figure.boxes.values())


def test_noise_that_is_multiplied_in_is_drawn_and_hangs_on_no_input():
    result = drawn("noise")
    noise = next(i for i, box in result.figure.boxes.items() if "randn" in text_of(box.title[0]))
    assert [w.target.box for w in result.figure.wires if w.source.box == noise]
    assert not [w for w in result.figure.wires if w.target.box == noise]


def test_boxes_that_read_alike_say_the_name_of_their_attribute():
    rows = [[text_of(row.text) for row in box.rows] for box in drawn("noise").figure.boxes.values() if box.role == "layer"]
    assert sorted(row[0] for row in rows) == ["mean", "spread"]


def test_a_cell_called_again_is_marked_as_the_same_weights():
    marks = [box.marks for box in drawn("state").figure.boxes.values() if "RNN" in text_of(box.title[0])]
    assert marks == [("shared",)] * 5


def test_an_identity_around_a_body_is_a_skip_and_the_panel_closes_with_depth_one():
    opened, closed = drawn("residual"), drawn("residual", depth=1)
    assert [w.role for w in opened.figure.wires].count("skip") == 1
    assert titles(closed) == ["x", "body", "+", "output"]


def test_dropout_that_does_nothing_is_named_under_the_figure():
    assert "Dropout" in " ".join(text_of(line) for line in drawn("residual").figure.caption)


def test_a_closed_container_says_what_it_holds():
    body = next(box for box in drawn("residual", depth=1).figure.boxes.values() if text_of(box.title[0]) == "body")
    assert any("linear" in text_of(row.text) or "layers" in text_of(row.text) for row in body.rows)


def test_a_wire_says_the_shape_its_reader_sees_though_a_transpose_is_not_drawn():
    model = nn.Sequential(nn.Conv1d(3, 6, 1), Transposed(), nn.Linear(6, 2))
    result = netfig.draw(model, torch.randn(1, 3, 5))
    assert "5×6" in [text_of(w.label) for w in result.figure.wires]


def test_indexing_that_leaves_something_behind_is_drawn_as_written():
    result = netfig.draw(Picks(), torch.randn(2, 4, 5))
    assert {"[:, 0]", "[:, 1:3]"} <= set(titles(result))
    assert figure_problems(result.graph, result.figure) == []


class Transposed(nn.Module):
    def forward(self, x):
        return x.transpose(1, 2)


class Picks(nn.Module):
    def forward(self, x):
        return x[:, 0], x[:, 1:3], x[:, :, None]


def test_query_key_and_value_from_one_box_are_a_wire_each():
    result = drawn("attention")
    ends = [(w.source.box, w.target.box) for w in result.figure.wires if "chunk" in w.source.box]
    assert len(ends) == 3
