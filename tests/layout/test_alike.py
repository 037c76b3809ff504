"""What is alike stands level and is named in one place."""

from __future__ import annotations

import figures
import pytest
from figures import box, figure, op, panel, path, tensor, wire

from netfig.drawing import Drawing
from netfig.layout import lay_out
from netfig.layout.blocks import PAGE_WIDTH
from netfig.layout.flow import LEGIBLE
from netfig.layout.lint import lint
from netfig.theme import load_theme

LIGHT = load_theme("light")


def bounds(drawing: Drawing) -> dict[str, tuple[float, float, float, float]]:
    return {s.id: s.bounds for s in drawing.shapes if s.box == s.id}


def middle(of: tuple[float, float, float, float]) -> tuple[float, float]:
    return (of[0] + of[2]) / 2, (of[1] + of[3]) / 2


def branches(width: str = "") -> figures.Figure:
    """Four framed branches of one to three layers between a box and a sum."""
    groups = [
        panel(f"p{k}", [box(f"b{k}.{i}", f"3×3 conv{width}, 64, ReLU") for i in range(1 + k % 3)], f"branch{k}") for k in range(4)
    ]
    wires = []
    for group in groups:
        ids = [child.id for child in group.children]
        wires += [wire("x", ids[0]), *path(*ids), wire(ids[-1], "cat", label="64@28×28")]
    return figure(
        [tensor("x", "x"), *groups, box("cat", "concat", "op.box"), tensor("y", "y", "output")], [*wires, wire("cat", "y")]
    )


def test_branches_that_begin_together_begin_in_one_row():
    at = bounds(lay_out(branches(), LIGHT, direction="down"))
    assert len({at[f"b{k}.0"][1] for k in range(4)}) == 1


def test_a_bare_branch_and_a_framed_one_begin_in_one_row():
    inside = [box("a"), box("b")]
    wires = [wire("x", "a"), wire("a", "b"), wire("b", "sum"), *path("x", "c", "d", "e", "sum", "y")]
    listed = [tensor("x", "x"), panel("p", inside), box("c"), box("d"), box("e"), op("sum"), tensor("y", "y", "output")]
    at = bounds(lay_out(figure(listed, wires), LIGHT, direction="down"))
    assert at["a"][1] == at["c"][1]
    assert at["b"][1] == at["d"][1]


def test_panels_side_by_side_are_equally_broad():
    at = bounds(lay_out(branches(), LIGHT, direction="down"))
    assert len({round(at[f"p{k}"][2] - at[f"p{k}"][0], 2) for k in range(4)}) == 1


def test_the_shapes_that_leave_framed_branches_stand_in_them_right_behind_the_last_box():
    drawing = lay_out(branches(), LIGHT, direction="down")
    at = bounds(drawing)
    names = [label for label in drawing.labels if label.text == "64@28×28"]
    assert len(names) == 4
    offsets = set()
    for name in names:
        (k,) = (k for k in range(4) if at[f"p{k}"][0] < name.bounds[0] and name.bounds[2] < at[f"p{k}"][2])
        last = at[f"b{k}.{k % 3}"]
        offsets.add((round(name.bounds[0] - middle(last)[0], 1), round(name.bounds[1] - last[3], 1)))
    assert len(offsets) == 1


def test_titles_are_broken_where_the_figure_would_else_print_too_small():
    drawing = lay_out(branches(), LIGHT, direction="down")
    assert PAGE_WIDTH / drawing.width >= LEGIBLE
    assert {label.text for label in drawing.labels if label.box == "b0.0"} == {"3×3 conv, 64", "ReLU"}
    assert lint(drawing, LIGHT) == ()


def test_titles_are_not_broken_where_there_is_room():
    listed = [tensor("x", "x"), box("a", "3×3 conv, 64, ReLU"), tensor("y", "y", "output")]
    drawing = lay_out(figure(listed, path("x", "a", "y")), LIGHT, direction="down")
    assert [label.text for label in drawing.labels if label.box == "a"] == ["3×3 conv, 64, ReLU"]


def test_what_stands_beside_a_series_stands_in_one_column():
    listed = [
        tensor("x", "x"),
        box("first"),
        box("w1", "position", "weight"),
        op("a"),
        box("w2", "position", "weight"),
        box("b", "a broad operation"),
    ]
    wires = [*path("x", "first", "a", "b", "y"), wire("w1", "a"), wire("w2", "b")]
    at = bounds(lay_out(figure([*listed, tensor("y", "y", "output")], wires), LIGHT, direction="down"))
    assert middle(at["w1"])[0] == middle(at["w2"])[0]


@pytest.mark.parametrize("direction", ["down", "up"])
def test_twins_fed_by_one_box_stand_level_though_one_is_needed_later(direction):
    """A variational autoencoder: both also leave as outputs."""
    names = ("x", "encoder", "mean", "spread", "half", "exp", "noise", "decoder")
    listed = [*(box(n) for n in names), op("times", "×"), op("sum"), *(tensor(n, n, "output") for n in ("y", "m", "s"))]
    wires = [*path("x", "encoder", "mean", "sum"), *path("encoder", "spread", "half", "exp", "times", "sum", "decoder", "y")]
    wires += [wire("noise", "times"), wire("mean", "m"), wire("spread", "s")]
    at = bounds(lay_out(figure(listed, wires), LIGHT, direction=direction))
    assert middle(at["mean"])[1] == middle(at["spread"])[1]


def test_boxes_of_one_kind_are_equally_high_whatever_enters_them():
    wires = [*path("x", "a", "c1", "b", "c2", "y"), wire("x", "c1", "skip"), wire("x", "c2", "skip"), wire("a", "c2", "skip")]
    listed = [tensor("x", "x"), box("a"), box("c1", "concat", "op.box"), box("b"), box("c2", "concat", "op.box")]
    at = bounds(lay_out(figure([*listed, tensor("y", "y", "output")], wires), LIGHT, direction="down"))
    assert at["c1"][3] - at["c1"][1] == at["c2"][3] - at["c2"][1]


def test_a_lane_that_is_left_halfway_does_not_cross_one_within_it():
    ids = [f"b{i}" for i in range(7)]
    wires = [*path(*ids), wire("b0", "b4", "skip"), wire("b0", "b6", "skip"), wire("b2", "b5", "skip")]
    drawing = lay_out(figure([box(id) for id in ids], wires), LIGHT, direction="down")
    axis = middle(bounds(drawing)["b0"])[0]
    lanes = {(line.source, min(x for x, _ in line.points) < axis - 1) for line in drawing.lines if line.role == "skip"}
    assert len(lanes) == len({side for _, side in lanes}) == 2  # each source keeps to a side of its own
    assert lint(drawing, LIGHT) == ()
