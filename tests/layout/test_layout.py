"""What a laid-out figure promises, looked at in the Drawing."""

from __future__ import annotations

import dataclasses
import math as m
import time
from itertools import pairwise

import figures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfig.drawing import Drawing, Line, Shape
from netfig.figure import Box, Direction, Figure
from netfig.layout import lay_out
from netfig.mathtext import plain
from netfig.theme import load_theme

THEME = load_theme("light")
DIRECTIONS: tuple[Direction, ...] = ("right", "down", "up")
CASES = [(name, direction) for name in figures.ALL for direction in DIRECTIONS]


def drawn(name: str, direction: Direction) -> tuple[Figure, Drawing]:
    figure = figures.ALL[name]()
    return figure, lay_out(figure, THEME, direction=direction)


def outlines(drawing: Drawing) -> dict[str, Shape]:
    return {s.id: s for s in drawing.shapes if s.box == s.id}


def stretches(line: Line) -> list[tuple[float, float, float, float]]:
    return [(min(a, c), min(b, d), max(a, c), max(b, d)) for (a, b), (c, d) in pairwise(line.points)]


def centre(shape: Shape) -> tuple[float, float]:
    a, b, c, d = shape.bounds
    return (a + c) / 2, (b + d) / 2


def off_outline(shape: Shape, x: float, y: float) -> float:
    """How far a point lies from a shape's outline."""
    left, top, right, bottom = shape.bounds
    if shape.kind == "ellipse":
        r = (right - left) / 2
        return abs(m.hypot(x - left - r, y - top - r) - r)
    r = shape.radius
    dx, dy = max(left + r - x, x - right + r, 0.0), max(top + r - y, y - bottom + r, 0.0)
    if dx and dy:
        return abs(m.hypot(dx, dy) - r)
    return min(abs(x - left), abs(x - right), abs(y - top), abs(y - bottom))


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_arrow_tips_lie_on_the_targets_outline(name: str, direction: Direction) -> None:
    _, drawing = drawn(name, direction)
    shapes = outlines(drawing)
    for line in drawing.lines:
        assert off_outline(shapes[line.target], *line.points[-1]) < 0.1, line.id


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_no_wire_passes_through_a_box_it_does_not_belong_to(name: str, direction: Direction) -> None:
    figure, drawing = drawn(name, direction)
    shapes = outlines(drawing)
    for line in drawing.lines:
        for id in figure.boxes:
            if id in (line.source, line.target):
                continue
            a, b, c, d = shapes[id].bounds
            for left, top, right, bottom in stretches(line):
                assert not (left < c and right > a and top < d and bottom > b), (line.id, id)


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_all_wires_run_level_or_upright(name: str, direction: Direction) -> None:
    _, drawing = drawn(name, direction)
    for line in drawing.lines:
        for left, top, right, bottom in stretches(line):
            assert right - left < 0.011 or bottom - top < 0.011, line.id


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_no_wire_runs_on_the_wire_of_another_value(name: str, direction: Direction) -> None:
    _, drawing = drawn(name, direction)
    lines = drawing.lines
    for i, one in enumerate(lines):
        for other in lines[i + 1 :]:
            for a in stretches(one):
                for b in stretches(other):
                    for near, along in ((0, 1), (1, 0)):
                        flat = a[near + 2] - a[near] < 0.1 and b[near + 2] - b[near] < 0.1
                        shared = min(a[along + 2], b[along + 2]) - max(a[along], b[along])
                        assert not (flat and shared > 0.5 and abs(a[near] - b[near]) < 2), (one.id, other.id)


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_boxes_keep_clear_of_one_another(name: str, direction: Direction) -> None:
    figure, drawing = drawn(name, direction)
    shapes = [outlines(drawing)[id] for id in figure.boxes]
    for i, one in enumerate(shapes):
        for other in shapes[i + 1 :]:
            a, b = one.bounds, other.bounds
            apart = max(a[0] - b[2], b[0] - a[2], a[1] - b[3], b[1] - a[3])
            assert apart >= 8, (one.id, other.id, apart)


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_panels_hold_what_is_in_them(name: str, direction: Direction) -> None:
    figure, drawing = drawn(name, direction)
    shapes = outlines(drawing)
    for id, parent in figure.parent_of.items():
        if parent in shapes:
            a, b = shapes[parent].bounds, shapes[id].bounds
            assert a[0] + 8 <= b[0]
            assert a[1] + 8 <= b[1]
            assert b[2] <= a[2] - 8
            assert b[3] <= a[3] - 8


@pytest.mark.parametrize(("name", "direction"), CASES)
def test_names_keep_off_lines_and_boxes_hold_their_text(name: str, direction: Direction) -> None:
    _, drawing = drawn(name, direction)
    shapes = outlines(drawing)
    for label in drawing.labels:
        a, b, c, d = label.bounds
        if label.on == "inside":
            e, f, g, h = shapes[label.box].bounds
            assert e <= a
            assert f <= b
            assert c <= g
            assert d <= h
        for line in drawing.lines:
            if label.box in (line.source, line.target) and label.on == "inside":
                continue
            for left, top, right, bottom in stretches(line):
                assert not (left < c + 2 and right > a - 2 and top < d + 2 and bottom > b - 2), (label.id, line.id)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_a_chain_stands_on_one_line(direction: Direction) -> None:
    figure = figures.chain(3)
    drawing = lay_out(figure, THEME, direction=direction)
    shapes = outlines(drawing)
    axis = {centre(shapes[id])[1 if direction == "right" else 0] for id in figure.boxes}
    assert len(axis) == 1
    assert all(len(line.points) == 2 for line in drawing.lines)


def test_reading_directions_put_the_output_last() -> None:
    for direction, axis, sign in (("right", 0, 1), ("down", 1, 1), ("up", 1, -1)):
        _, drawing = drawn("chain", direction)
        shapes = outlines(drawing)
        assert sign * (centre(shapes["y"])[axis] - centre(shapes["x"])[axis]) > 100


def test_a_skip_runs_outside_what_it_bypasses_and_lands_on_the_flank() -> None:
    _, drawing = drawn("residual", "right")
    shapes = outlines(drawing)
    skip = next(line for line in drawing.lines if line.role == "skip")
    lane = min(y for _, y in skip.points)
    assert lane <= min(shapes[id].bounds[1] for id in ("conv1", "bn1", "relu1", "conv2", "bn2")) - 10
    assert lane > shapes["block"].bounds[1]
    assert skip.points[-1] == pytest.approx((centre(shapes["add"])[0], shapes["add"].bounds[1]), abs=0.02)


def test_nested_skips_nest_outwards() -> None:
    drawing = lay_out(figures.unet(), THEME, direction="right", width=2000)  # room enough: nothing is folded
    lanes = {line.source: min(y for _, y in line.points) for line in drawing.lines if line.role == "skip"}
    assert lanes["enc0"] <= lanes["enc1"] - 10
    assert lanes["enc1"] <= lanes["enc2"] - 10


def test_equal_branches_stand_symmetrically_about_the_axis() -> None:
    _, drawing = drawn("inception", "down")
    shapes = outlines(drawing)
    axis = centre(shapes["x"])[0]
    assert centre(shapes["cat"])[0] == axis
    assert centre(shapes["b1"])[0] + centre(shapes["b4a"])[0] == pytest.approx(2 * axis, abs=0.1)
    assert centre(shapes["b2a"])[0] + centre(shapes["b3a"])[0] == pytest.approx(2 * axis, abs=0.1)


def test_a_value_that_goes_several_ways_has_one_trunk_and_a_dot_where_they_part() -> None:
    _, drawing = drawn("inception", "down")
    from_x = [line for line in drawing.lines if line.source == "x"]
    starts = [line.points[0] for line in from_x]
    bottom = outlines(drawing)["x"].bounds[3]
    assert sum(1 for x, y in starts if y == bottom) == 1
    dots = [centre(s) for s in drawing.shapes if s.part == "junction"]
    for x, y in starts:
        assert y == bottom or any(m.hypot(x - a, y - b) < 0.1 for a, b in dots)


def test_one_kind_has_one_size() -> None:
    _, drawing = drawn("encoder", "down")
    shapes = outlines(drawing)
    sizes = {(round(s.bounds[2] - s.bounds[0]), round(s.bounds[3] - s.bounds[1])) for s in shapes.values() if s.role == "norm"}
    assert len(sizes) == 1


@pytest.mark.parametrize("name", figures.ALL)
def test_ids_are_unique_and_the_page_holds_everything(name: str) -> None:
    _, drawing = drawn(name, "down")
    ids = [item.id for item in drawing.items]
    assert len(ids) == len(set(ids))
    for item in drawing.items:
        points = item.points if isinstance(item, Line) else (item.bounds[:2], item.bounds[2:])
        for x, y in points:
            assert 0 <= x <= drawing.width
            assert 0 <= y <= drawing.height


def test_the_same_figure_gives_the_same_drawing() -> None:
    for name in figures.ALL:
        assert lay_out(figures.ALL[name](), THEME) == lay_out(figures.ALL[name](), THEME)


def test_auto_takes_the_direction_that_prints_larger() -> None:
    assert lay_out(figures.unet(), THEME).direction == "down"
    assert lay_out(figures.chain(3), THEME).direction == "right"
    assert lay_out(figures.experts(12), THEME, width=520).direction == "right"


def test_a_printed_width_makes_a_figure_smaller_but_never_larger() -> None:
    wide = lay_out(figures.chain(12), THEME, direction="right", width=260)
    assert wide.scale * wide.width == pytest.approx(260, abs=0.01)
    assert lay_out(figures.chain(1), THEME, direction="right", width=2000).scale == 1


def test_marks_badges_and_captions_are_drawn() -> None:
    figure = figures.chain(2)
    first, second = figure.root.children[1], figure.root.children[2]
    assert isinstance(first, Box)
    assert isinstance(second, Box)
    first = dataclasses.replace(first, marks=("stacked", "shared", "failed"), badge=plain("× 12"))
    second = dataclasses.replace(second, marks=("initial",))
    root = dataclasses.replace(figure.root, children=(figure.root.children[0], first, second, figure.root.children[3]))
    figure = dataclasses.replace(figure, root=root, caption=(plain("A caption that is long. " * 9),), show_title=True)
    drawing = lay_out(figure, THEME, direction="right")
    parts = {s.part for s in drawing.shapes if s.box == first.id}
    assert {"copy1", "copy2", "mark.shared", "mark.failed"} <= parts
    assert outlines(drawing)[second.id].dashed
    texts = [label.text for label in drawing.labels]
    assert "× 12" in texts
    assert "test" in texts
    assert sum(label.role == "text.caption" for label in drawing.labels) > 1


def test_a_loop_against_the_flow_is_routed_around() -> None:
    figure = figures.figure(
        [figures.tensor("x", "x"), figures.box("h", "cell"), figures.box("delay", "delay", "op.box"), figures.tensor("y", "y")],
        [*figures.path("x", "h", "delay", "y"), figures.wire("delay", "h", "state")],
    )
    drawing = lay_out(figure, THEME, direction="right")
    back = next(line for line in drawing.lines if line.source == "delay" and line.target == "h")
    shapes = outlines(drawing)
    assert max(y for _, y in back.points) > max(shapes[id].bounds[3] for id in ("h", "delay")) + 8
    assert off_outline(shapes["h"], *back.points[-1]) < 0.1


def test_a_thousand_boxes_take_seconds() -> None:
    started = time.process_time()
    drawing = lay_out(figures.chain(1500), THEME, direction="down")
    assert len(drawing.lines) == 1501
    assert time.process_time() - started < 10


def test_a_value_that_goes_several_ways_is_named_once() -> None:
    children = [figures.box(id) for id in "abc"]
    wires = [figures.wire("a", "b", label="8×8"), figures.wire("a", "c", label="8×8")]
    drawing = lay_out(figures.figure(list(children), wires), THEME)
    assert [label.text for label in drawing.labels].count("8×8") == 1


def test_an_empty_figure_and_an_empty_panel_have_a_page() -> None:
    assert lay_out(figures.figure([], []), THEME).width > 0
    drawing = lay_out(figures.figure([figures.panel("p", [])], []), THEME)
    assert "p" in outlines(drawing)


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_wires_may_end_on_a_panel(direction: Direction) -> None:
    figure = figures.figure(
        [figures.tensor("x", "x"), figures.panel("p", [figures.box("a"), figures.box("b")]), figures.tensor("y", "y")],
        [figures.wire("x", "p"), figures.wire("a", "b"), figures.wire("p", "y")],
    )
    drawing = lay_out(figure, THEME, direction=direction)
    shapes = outlines(drawing)
    ends = {(line.source, line.target): line for line in drawing.lines}
    assert off_outline(shapes["p"], *ends["x", "p"].points[-1]) < 0.1
    assert off_outline(shapes["p"], *ends["p", "y"].points[0]) < 0.1


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=18), st.sampled_from(DIRECTIONS))
def test_any_wiring_is_drawn_whole(pairs: list[tuple[int, int]], direction: Direction) -> None:
    boxes = [figures.box(f"b{i}", role="op" if i % 4 == 3 else "layer") for i in range(10)]
    wires = [figures.wire(f"b{a}", f"b{b}") for a, b in dict.fromkeys(pairs) if a != b]
    half = figures.panel("p", list(boxes[:5]))
    drawing = lay_out(figures.figure([half, *boxes[5:]], wires), THEME, direction=direction)
    assert len(drawing.lines) == len(wires)
    assert {f"b{i}" for i in range(10)} <= outlines(drawing).keys()
    shapes = outlines(drawing)
    for line in drawing.lines:
        assert off_outline(shapes[line.target], *line.points[-1]) < 0.1


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_copies_of_a_stacked_box_do_not_hide_the_arrow_into_it(direction: Direction) -> None:
    stacked = dataclasses.replace(figures.box("b"), marks=("stacked",))
    drawing = lay_out(figures.figure([figures.box("a"), stacked], [figures.wire("a", "b")]), THEME, direction=direction)
    x, y = drawing.lines[0].points[-1]
    for copy in (s for s in drawing.shapes if s.part.startswith("copy")):
        left, top, right, bottom = copy.bounds
        assert not (left < x < right and top < y < bottom) or (direction == "right" and left >= x)
