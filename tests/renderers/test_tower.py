"""Towers: what is drawn is what is computed. The truth is torch's own module, traced, and the graph's wiring."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn

import netfig
from netfig.drawing import Drawing, Line
from netfig.errors import UsageError
from netfig.figure import Box, Figure, Group
from netfig.graph import Graph
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import text_of
from netfig.renderers.options import TowerOptions
from netfig.renderers.tower import draw_tower, suits
from netfig.testing import figure_problems
from netfig.theme import load_theme

PASSES = ("attention", "repeats")
HOME = "examples/transformers/"
EXAMPLES = {
    "encoder": (f"{HOME}encoder.py:encoder", "10x64"),
    "pre-norm": (f"{HOME}encoder.py:encoder(norm_first=True, layers=3)", "10x64"),
    "decoder": (f"{HOME}decoder.py:Decoder", "tokens=7:int64", "memory=10x64"),
    "transformer": (f"{HOME}transformer.py:Transformer(layers=2)", "source=10:int64", "target=7:int64"),
    "gpt2": (f"{HOME}gpt2.py:GPT2", "tokens=24:int64"),
    "llama": (f"{HOME}llama.py:Llama", "tokens=24:int64"),
    "bert": (f"{HOME}bert.py:Bert(layers=4)", "tokens=16:int64", "segments=16:int64"),
    "vit": (f"{HOME}vit.py:VisionTransformer(layers=4)", "3x64x64"),
    "mixture": (f"{HOME}mixture.py:Decoder(layers=4)", "tokens=24:int64"),
}
TWO = ("decoder", "transformer")


@cache
def graph_of(name: str) -> Graph:
    return netfig.trace(*EXAMPLES[name], netfig_options={"passes": PASSES, "annotators": ()})


@cache
def figure_of(name: str) -> Figure:
    return draw_tower(graph_of(name), TowerOptions())


def traced(model: nn.Module, *inputs: Tensor) -> Figure:
    graph = netfig.trace(model.eval(), *inputs, netfig_options={"passes": PASSES, "annotators": ()})
    figure = draw_tower(graph, TowerOptions())
    assert figure_problems(graph, figure) == []
    return figure


def words(box: Box) -> str:
    return " ".join(text_of(line) for line in box.title).replace("- ", "-")


def said(box: Box) -> str:
    return " ".join(text_of(row.text) for row in box.rows)


def named(figure: Figure, name: str) -> list[Box]:
    return [box for box in figure.boxes.values() if words(box) == name]


def into(figure: Figure, box: Box) -> list[str]:
    return [words(figure.boxes[wire.source.box]) for wire in figure.wires if wire.target.box == box.id]


def badges(figure: Figure) -> list[str]:
    return [text_of(group.badge) for group in figure.groups.values() if group.badge]


def lines_into(drawing: Drawing, box: Box) -> list[Line]:
    return [line for line in drawing.lines if line.target == box.id]


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_op_is_lost_and_no_wire_is_drawn_that_the_graph_does_not_have(name: str):
    assert figure_problems(graph_of(name), figure_of(name)) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_whatever_a_box_reads_of_another_is_a_wire(name: str):
    graph, figure = graph_of(name), figure_of(name)
    home = {op: box.id for box in figure.boxes.values() for op in box.stands_for if op in graph.op_by_id}
    drawn = {(wire.source.box, wire.target.box) for wire in figure.wires}
    for value, op in graph.producer.items():
        handed = {value, *graph.handed_on.get(value, ())}
        readers = {reader for one in handed for reader in graph.readers.get(one, ())}
        for reader in readers:
            if op.id in home and reader.id in home and home[op.id] != home[reader.id]:
                assert (home[op.id], home[reader.id]) in drawn


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("name", EXAMPLES)
def test_a_tower_lints_clean_and_prints_at_nine_points_in_its_column(name: str, theme: str):
    paints = load_theme(theme)
    drawing = lay_out(figure_of(name), paints, width=520.0 if name in TWO else 260.0)
    assert [str(found) for found in lint(drawing, paints)] == []


@pytest.mark.parametrize("options", [TowerOptions(params="count"), TowerOptions(shapes="all"), TowerOptions(shapes="none")])
@pytest.mark.parametrize("name", ["transformer", "llama"])
def test_parameters_and_all_shapes_touch_nothing(name: str, options: TowerOptions):
    light = load_theme("light")
    assert [str(found) for found in lint(lay_out(draw_tower(graph_of(name), options), light), light)] == []


def test_attention_and_feed_forward_are_34_points_high_norms_20_and_all_are_equally_broad_on_one_axis():
    figure = figure_of("encoder")
    shapes = {s.id: s.bounds for s in lay_out(figure, load_theme("light")).shapes}
    heights = {"Multi-head attention": 34, "Feed-forward GELU": 34, "Add & norm": 20}
    places = [(b[0], b[2]) for box in figure.boxes.values() if words(box) in heights for b in (shapes[box.id],)]
    assert len(set(places)) == 1
    for box in figure.boxes.values():
        if words(box) in heights:
            assert shapes[box.id][3] - shapes[box.id][1] == heights[words(box)]


def test_post_norm_is_drawn_as_add_and_norm_that_reads_what_went_in_and_what_came_out():
    figure = figure_of("encoder")
    first, second = named(figure, "Add & norm")
    assert sorted(into(figure, first)) == ["Multi-head attention", "src"]
    assert sorted(into(figure, second)) == ["Add & norm", "Feed-forward GELU"]
    assert not named(figure, "+")
    assert not named(figure, "Layer norm")


def test_pre_norm_is_drawn_as_a_norm_before_each_part_and_a_sum_after_it():
    figure = figure_of("pre-norm")
    first, second = named(figure, "+")
    assert sorted(into(figure, first)) == ["Multi-head attention", "src"]
    assert sorted(into(figure, second)) == ["+", "Feed-forward GELU"]
    assert [into(figure, box) for box in named(figure, "Layer norm")] == [["src"], ["+"]]
    assert not named(figure, "Add & norm")


@pytest.mark.parametrize(
    ("name", "expected"), [("encoder", ["6 ×"]), ("pre-norm", ["3 ×"]), ("gpt2", ["12 ×"]), ("llama", ["8 ×"])]
)
def test_a_block_is_drawn_once_with_how_often_it_is_there(name: str, expected: list[str]):
    assert badges(figure_of(name)) == expected
    assert len([box for box in figure_of(name).boxes.values() if box.role == "attention.tower"]) == 1


def test_encoder_and_decoder_are_two_towers_with_as_many_blocks_as_the_model_has():
    figure = figure_of("transformer")
    assert badges(figure) == ["2 ×", "2 ×"]
    assert badges(figure_of("decoder")) == ["6 ×"]
    titles = [[text_of(g.title) for g in tower.children if isinstance(g, Group)] for tower in figure.root.children]  # type: ignore[union-attr]
    assert titles[0][-1] == "encoder"
    assert titles[-1][-1] == "decoder"


def test_a_decoder_that_reads_an_input_of_the_model_is_folded_too():
    figure = traced(nn.Transformer(32, 2, 3, 3, 64, batch_first=True), torch.zeros(1, 10, 32), torch.zeros(1, 7, 32))
    assert badges(figure) == ["3 ×", "3 ×"]


def test_only_the_memory_is_coloured_and_it_enters_cross_attention_as_keys_and_values():
    figure = figure_of("transformer")
    memory = [wire for wire in figure.wires if wire.role.startswith("memory")]
    cross = {box.id for box in named(figure, "Cross-attention")}
    assert {(wire.target.box, wire.target.slot) for wire in memory} == {(box, slot) for box in cross for slot in "KV"}
    queries = [wire for wire in figure.wires if wire.target.box in cross and wire.target.slot == "Q"]
    assert {words(figure.boxes[wire.source.box]) for wire in queries} == {"Add & norm"}
    encoder = figure.root.children[0]
    assert {wire.source.box for wire in memory} <= {b.id for b in figure.boxes.values()}
    assert isinstance(encoder, Group)
    assert {wire.source.box for wire in memory} == {next(c.id for c in reversed(encoder.children))}


def test_a_memory_that_is_an_input_stands_in_a_column_of_its_own():
    figure = figure_of("decoder")
    first = figure.root.children[0]
    assert isinstance(first, Group)
    assert [child.id for child in first.children] == ["in/memory"]


def test_self_attention_is_entered_by_three_heads_that_leave_one_trunk():
    figure = figure_of("gpt2")
    drawing = lay_out(figure, load_theme("light"))
    (box,) = named(figure, "Masked self-attention")
    lines = lines_into(drawing, box)
    bottom = next(s.bounds[3] for s in drawing.shapes if s.id == box.id)
    tips = sorted(line.points[-1] for line in lines)
    assert [y for _, y in tips] == [bottom] * 3
    assert {round(b[0] - a[0], 1) for a, b in pairwise(tips)} == {34.0}
    assert len({line.points[0] for line in lines}) == 2  # one from the box, the others from its wire


@pytest.mark.parametrize(("name", "side"), [("encoder", -1), ("gpt2", 1)])
def test_residual_lanes_run_left_of_an_encoder_and_right_of_a_decoder(name: str, side: int):
    figure = figure_of(name)
    drawing = lay_out(figure, load_theme("light"))
    boxes = {s.box: s.bounds for s in drawing.shapes if not s.part}
    panel = next(g.id for g in figure.groups.values() if g.badge)
    left, _, right, _ = boxes[panel]
    lanes = [p[0] for line in drawing.lines for p in line.points if len(line.points) == 4 and line.target in figure.boxes]
    middle = (boxes[next(iter(figure.boxes))][0] + boxes[next(iter(figure.boxes))][2]) / 2
    outer = {x for x in lanes if abs(x - middle) > 56}
    assert outer
    assert all(left < x < right and (x - middle) * side > 0 for x in outer)


def test_a_tied_output_says_so_and_both_boxes_bear_the_mark_of_a_shared_weight():
    figure = figure_of("gpt2")
    (linear,) = named(figure, "Linear")
    (embedding,) = named(figure, "Token embedding")
    assert "tied with token embedding" in said(linear)
    assert linear.marks == embedding.marks == ("shared",)


def test_an_output_of_its_own_is_not_called_tied():
    (linear,) = named(figure_of("llama"), "Linear")
    assert "tied" not in said(linear)
    assert not linear.marks


def test_attention_is_called_by_what_it_is():
    (llama,) = (box for box in figure_of("llama").boxes.values() if box.role == "attention.tower")
    assert words(llama) == "Masked grouped-query attention"
    assert "rotary positions" in said(llama)
    assert "8 heads 2 for K, V" in said(llama)
    assert [words(b) for b in figure_of("bert").boxes.values() if b.role == "attention.tower"] == ["Multi-head attention"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("encoder", ("GELU", "64→256→64")), ("decoder", ("ReLU", "64→256→64")), ("llama", ("SwiGLU", "96→256→96"))],
)
def test_a_feed_forward_network_is_called_by_its_activation_with_its_sizes(name: str, expected: tuple[str, str]):
    boxes = [box for box in figure_of(name).boxes.values() if words(box).startswith("Feed-forward")]
    assert {(words(box).removeprefix("Feed-forward "), said(box)) for box in boxes} == {expected}


def test_positions_that_are_learned_stand_beside_the_sum_and_sines_are_a_wave():
    (position,) = named(figure_of("gpt2"), "Position embedding")
    assert position.place is not None
    assert [wire.target.box for wire in figure_of("gpt2").wires if wire.source.box == position.id] == [
        next(b.id for b in named(figure_of("gpt2"), "+") if b.id == "add")
    ]
    assert len(named(figure_of("transformer"), "∿")) == 2


def test_a_mixture_of_experts_says_how_many_and_alternates_with_dense_blocks_in_one_panel():
    figure = figure_of("mixture")
    (mixture,) = named(figure, "Mixture of experts")
    assert said(mixture) == "8 experts 2 for a token"
    (panel,) = [g for g in figure.groups.values() if g.badge]
    inside = {child.id for child in panel.children}
    assert text_of(panel.badge) == "2 ×"
    assert mixture.id in inside
    assert {b.id for b in named(figure, "Feed-forward SwiGLU")} <= inside


class Block(nn.Module):
    """Attention and a feed-forward network, `side` by side or one after the other."""

    def __init__(self, width: int = 16, extra: bool = False, side: bool = False, hidden: int = 32) -> None:
        super().__init__()
        self.norm, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 2, batch_first=True)
        self.mlp = nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
        self.extra = nn.Linear(width, width) if extra else None
        self.side = side

    def forward(self, x: Tensor) -> Tensor:
        normed = self.norm(x)
        mixed = self.attention(normed, normed, normed, need_weights=False)[0]
        if self.side:
            return x + (mixed + self.mlp(normed))
        x = x + mixed
        x = self.extra(x) if self.extra is not None else x
        return x + self.mlp(self.second(x))


def test_blocks_that_differ_are_a_panel_for_each_run():
    figure = traced(nn.Sequential(Block(extra=True), Block(), Block(), Block()), torch.zeros(1, 5, 16))
    assert badges(figure) == ["1 ×", "3 ×"]
    assert len(named(figure, "Linear")) == 1


def test_parts_side_by_side_end_in_one_sum_of_three():
    figure = traced(nn.Sequential(*(Block(side=True) for _ in range(3))), torch.zeros(1, 5, 16))
    (total,) = named(figure, "+")
    assert sorted(into(figure, total)) == ["Feed-forward GELU", "Multi-head attention", "input"]
    light = load_theme("light")
    assert [str(found) for found in lint(lay_out(figure, light), light)] == []


def test_sizes_that_differ_from_block_to_block_are_listed_under_the_figure():
    figure = traced(nn.Sequential(*(Block(hidden=hidden) for hidden in (16, 32, 64, 128))), torch.zeros(1, 5, 16))
    assert badges(figure) == ["4 ×"]
    (feed,) = named(figure, "Feed-forward GELU")
    name = said(feed).split("→")[1]
    assert any(f"{name} is 16, 32, 64, 128" in text_of(line) for line in figure.caption)


def test_without_attention_the_error_says_what_to_do_instead():
    graph = netfig.trace(nn.Sequential(nn.Linear(4, 4), nn.Softmax(-1)), torch.zeros(1, 4), netfig_options={"annotators": ()})
    assert suits(graph) == 0.0
    with pytest.raises(UsageError, match="no attention") as caught:
        draw_tower(graph, TowerOptions())
    assert "modules" in str(caught.value.hint)


def test_the_same_graph_gives_the_same_figure():
    assert draw_tower(graph_of("transformer"), TowerOptions()) == draw_tower(graph_of("transformer"), TowerOptions())


SPOKEN = {
    "encoder": "src, 6 times (Multi-head attention, Add & norm, Feed-forward GELU, Add & norm), output",
    "gpt2": "tokens, Token embedding, Position embedding, +, 12 times (Layer norm, Masked self-attention, +, Layer norm, "
    "Feed-forward GELU, +), Layer norm, Linear, output",
    "llama": "tokens, Token embedding, 8 times (RMS norm, Masked grouped-query attention, +, RMS norm, Feed-forward SwiGLU, +), "
    "RMS norm, Linear, output",
    "bert": "tokens, segments, Word embedding, Segment embedding, +, Position embedding, +, Layer norm, 4 times (Multi-head "
    "attention, Add & norm, Feed-forward GELU, Add & norm), [:, 0], Linear, Tanh, output",
    "vit": "image, Patch embedding, Class token, Concat, Position embedding, +, 4 times (Layer norm, Multi-head attention, +, "
    "Layer norm, Feed-forward GELU, +), Layer norm, [:, 0], Linear, output",
    "mixture": "tokens, Token embedding, Position embedding, +, 2 times (RMS norm, Masked self-attention, +, RMS norm, "
    "Feed-forward SwiGLU, +, RMS norm, Masked self-attention, +, RMS norm, Mixture of experts, +), RMS norm, Linear, output",
}


@pytest.mark.parametrize("name", SPOKEN)
def test_a_screen_reader_is_told_the_tower_from_the_bottom(name: str):
    assert figure_of(name).alt == f"{graph_of(name).name}. From the bottom: {SPOKEN[name]}."


def test_attention_that_no_pass_has_made_canonical_is_found_by_its_products():
    graph = netfig.trace(*EXAMPLES["bert"], netfig_options={"passes": ("repeats",), "annotators": ()})
    figure = draw_tower(graph, TowerOptions())
    assert figure_problems(graph, figure) == []
    assert figure.alt == figure_of("bert").alt
