"""What a pipeline looks like: everything lints clean, sizes say what they mean, names share baselines."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pipeline_chains import MODELS, graph_named

from netfig.errors import InvalidGraph
from netfig.figure import Box, End, Figure, Group, Row, Solid, Wire
from netfig.layout import lay_out, near
from netfig.layout.lint import lint
from netfig.layout.pipeline import lay_out_pipeline
from netfig.mathtext import plain
from netfig.renderers.pipeline import PipelineOptions, draw_pipeline
from netfig.theme import load_theme

STYLES = ("flat", "volumes", "sheets")
LIGHT = load_theme("light")
FULL = {"params": "worked", "dense_equivalent": True, "receptive_field": True}


def laid(name, style, *, theme=LIGHT, width=None, **options):
    figure = draw_pipeline(graph_named(name), PipelineOptions(style=style, **options))
    return lay_out(figure, theme, width=width)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", MODELS)
def test_a_pipeline_lints_clean_with_few_words_and_with_many(name, style):
    for options in ({}, FULL, {"params": "none", "window": False}):
        assert lint(laid(name, style, **options), LIGHT) == ()


@pytest.mark.parametrize("theme", ["dark", "print"])
@pytest.mark.parametrize("style", STYLES)
def test_a_pipeline_lints_clean_in_every_theme(style, theme):
    loaded = load_theme(theme)
    assert lint(laid("cnn_64", style, theme=loaded, **FULL), loaded) == ()


@pytest.mark.parametrize("name", ["lenet", "cnn_64", "cnn_128_same_valid", "cnn_horse"])
@pytest.mark.parametrize("style", STYLES)
def test_two_columns_hold_every_case_at_nine_points(name, style):
    drawing = laid(name, style, width=520, **FULL)
    assert drawing.width * drawing.scale <= 520.01
    assert lint(drawing, LIGHT) == ()


@pytest.mark.parametrize("name", ["lenet", "cnn_64", "cnn_horse"])
def test_one_column_is_enough_for_flat_boxes(name):
    drawing = laid(name, "flat", width=234)
    assert drawing.width * drawing.scale <= 234.01
    assert lint(drawing, LIGHT) == ()


@pytest.mark.parametrize("style", STYLES)
def test_every_pair_of_neighbours_is_joined(style):
    figure = draw_pipeline(graph_named("vgg"), PipelineOptions(style=style))
    joined = {(line.source, line.target) for line in lay_out(figure, LIGHT).lines}
    assert joined == set(itertools.pairwise(figure.boxes))


@pytest.mark.parametrize("style", STYLES)
def test_a_row_has_its_names_on_one_baseline(style):
    drawing = laid("vgg", style)
    names = [label for label in drawing.labels if label.id.endswith("/name0")]
    lines = {label.baseline for label in names}
    rows = 1 + sum(len(line.points) == 6 for line in drawing.lines)  # one wire leads around to each further row
    assert len(names) == 19
    assert len(lines) == rows > 1


def test_larger_maps_are_drawn_larger_and_more_channels_wider():
    drawing = laid("cnn_64", "flat")
    figure = draw_pipeline(graph_named("cnn_64"), PipelineOptions())
    size = {s.box: (s.bounds[3] - s.bounds[1], s.bounds[2] - s.bounds[0]) for s in drawing.shapes}
    maps = [b for b in figure.boxes.values() if b.solid.height]
    for a, b in itertools.combinations(maps, 2):
        if a.solid.height > b.solid.height:
            assert size[a.id][0] > size[b.id][0]
        if a.solid.channels > b.solid.channels:
            assert size[a.id][1] > size[b.id][1]


def test_a_volume_has_three_tones_its_numbers_and_a_window_on_its_side():
    drawing = laid("lenet", "volumes")
    for box in ("conv1", "conv2"):
        own = {s.part: s for s in drawing.shapes if s.box == box}
        assert [own[p].tone for p in ("", "top", "side")] == ["fill", "light", "dark"]
        assert all(near.depth(own["side"], corner) > 0 for corner in own["window-edge"].points)
    numbers = {label.id: label.text for label in drawing.labels}
    assert (numbers["conv2/channels"], numbers["conv2/size"]) == ("16", "10")


def test_both_sides_are_numbered_when_they_differ():
    numbers = {label.id: label.text for label in laid("oblong", "volumes").labels}
    assert (numbers["0/channels"], numbers["0/size"], numbers["0/height"]) == ("32", "160", "40")


def test_four_dashed_lines_lead_from_a_window_to_one_point_of_the_next_volume():
    drawing = laid("lenet", "volumes")
    lines = [line for line in drawing.lines if (line.source, line.target) == ("conv1", "max_pool2d")]
    window = next(s for s in drawing.shapes if s.id == "conv1/window")
    front = next(s for s in drawing.shapes if s.id == "max_pool2d")
    assert {line.points[0] for line in lines} == set(window.points)
    (end,) = {line.points[-1] for line in lines}
    assert abs(near.depth(front, end)) < 0.1
    assert all(line.dashed and not line.head for line in lines)


def test_sheets_are_as_many_as_channels_up_to_ten():
    drawing = laid("lenet", "sheets")
    count = {
        box: sum(s.box == box and (not s.part or s.part.startswith("sheet")) for s in drawing.shapes)
        for box in ("conv1", "conv2")
    }
    assert count == {"conv1": 6, "conv2": 10}


def test_dense_layers_between_bars_are_trapezoids_in_sheets_and_arrows_elsewhere():
    pair = ("fc1", "fc2")
    for style, heads in (("sheets", [False, False]), ("volumes", [True]), ("flat", [True])):
        lines = [line for line in laid("lenet", style).lines if (line.source, line.target) == pair]
        assert [line.head for line in lines] == heads


def test_the_same_figure_is_laid_out_the_same_way():
    assert laid("vgg", "volumes", **FULL) == laid("vgg", "volumes", **FULL)


def test_a_box_without_a_body_is_refused():
    figure = Figure("f", "alt", Group("g", (Box("a", "layer", (plain("a"),)),), arrangement="pipeline"))
    with pytest.raises(InvalidGraph, match="is no pipeline") as refused:
        lay_out_pipeline(figure, LIGHT)
    assert refused.value.violations == ("the box 'a' has no solid to draw",)


def test_hostile_names_are_cut_and_harmless():
    names = ["x" * 100_000, "</text><script>", "\u202eabc", "שלום", "🙂" * 50, "a\x00b", ""]
    boxes = tuple(
        Box(f"b{n}", "layer", (plain(name),), (Row("shape", plain(name)),), solid=Solid("volume", 3, 8, 8), above=(plain(name),))
        for n, name in enumerate(names)
    )
    wires = tuple(Wire(End(a.id), End(b.id)) for a, b in itertools.pairwise(boxes))
    drawing = lay_out(Figure("hostile", "hostile", Group("g", boxes, arrangement="pipeline"), wires), LIGHT)
    assert drawing.width < 700
    assert lint(drawing, LIGHT) == ()


_WORDS = st.lists(st.sampled_from(["conv 3×3, pad 1", "ReLU", "gyp", "a rather long operation", "x"]), max_size=3)


@st.composite
def _figures(draw):
    form = draw(st.sampled_from(["flat", "volume", "sheets"]))
    boxes = []
    for n in range(draw(st.integers(1, 9))):
        channels = draw(st.integers(1, 5000))
        height = draw(st.none() | st.integers(1, 3000))
        width = draw(st.none() | st.integers(1, 3000)) if height else None
        window = draw(st.none() | st.tuples(st.integers(1, 40), st.integers(1, 40))) if height else None
        solid = Solid(form if height or form == "flat" else "bar", channels, height, width, window if form != "flat" else None)
        rows = (Row("shape", plain(f"{channels}@{height}×{width}")), *(Row("params", plain(w)) for w in draw(_WORDS)))
        role = draw(st.sampled_from(["layer", "pool", "op.box", "output"]))
        name = draw(st.sampled_from(["x", "conv1", "fully-connected-1"]))
        boxes.append(Box(f"b{n}", role, (plain(name),), rows, solid=solid, above=tuple(map(plain, draw(_WORDS)))))
    wires = tuple(Wire(End(a.id), End(b.id)) for a, b in itertools.pairwise(boxes))
    return Figure("random", "random", Group("g", tuple(boxes), arrangement="pipeline"), wires)


@settings(max_examples=150)
@given(_figures())
def test_whatever_the_sizes_and_words_nothing_collides(figure):
    assert lint(lay_out_pipeline(figure, LIGHT), LIGHT) == ()
