"""Figures too long for a page whose skips lie within one another: folded into a U."""

from __future__ import annotations

from itertools import pairwise

import figures
import pytest

from netfig.drawing import Drawing
from netfig.figure import Box, End, Figure, Group, Wire
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import plain
from netfig.theme import load_theme

LIGHT = load_theme("light")


def chain(count: int, *skips: tuple[int, int], panels: int = 0) -> Figure:
    boxes = [Box(f"b{i}", "layer", (plain(f"layer {i}"),)) for i in range(count)]
    children: list[Box | Group] = list(boxes)
    if panels:
        inner = boxes[1:-1]
        groups = [
            Group(f"p{k}", tuple(inner[k : k + panels]), "panel", plain(f"stage {k}")) for k in range(0, len(inner), panels)
        ]
        children = [boxes[0], *groups, boxes[-1]]
    wires = [Wire(End(f"b{i}"), End(f"b{i + 1}"), label=plain(f"{i}×{i}"), stands_for=(f"v{i}",)) for i in range(count - 1)]
    wires += [Wire(End(f"b{a}"), End(f"b{b}"), "skip", stands_for=(f"v{a}",)) for a, b in skips]
    return Figure("chain", "a chain", Group("root", tuple(children)), tuple(wires))


def centres(drawing: Drawing) -> dict[str, tuple[float, float]]:
    found = {}
    for shape in drawing.shapes:
        if shape.box == shape.id:
            left, top, right, bottom = shape.bounds
            found[shape.id] = (left + right) / 2, (top + bottom) / 2
    return found


def skips(drawing: Drawing) -> list:
    return [line for line in drawing.lines if line.role == "skip"]


@pytest.mark.parametrize("direction", ["down", "up"])
def test_every_skip_of_a_folded_unet_runs_straight_across(direction):
    drawing = lay_out(figures.unet(5), LIGHT, direction=direction)
    assert len(skips(drawing)) == 5
    for line in skips(drawing):
        assert len({y for _, y in line.points}) == 1
        assert line.points[0][0] < line.points[-1][0]
    assert lint(drawing, LIGHT) == ()


@pytest.mark.parametrize("direction", ["down", "up"])
def test_the_first_leg_runs_with_the_flow_and_the_second_against_it(direction):
    at = centres(lay_out(figures.unet(5), LIGHT, direction=direction))
    sign = 1 if direction == "down" else -1
    first = [f"enc{i}" for i in range(5)]
    second = [f"dec{i}" for i in range(5)]
    assert len({at[id][0] for id in first}) == 1
    assert len({at[id][0] for id in second}) == 1
    assert at["dec0"][0] > at["enc0"][0] + 100
    assert all(sign * (at[b][1] - at[a][1]) > 0 for a, b in pairwise(first))
    assert all(sign * (at[b][1] - at[a][1]) > 0 for a, b in pairwise(second))


def test_the_bottleneck_stands_between_the_legs_at_their_end():
    at = centres(lay_out(figures.unet(5), LIGHT, direction="down"))
    assert at["enc0"][0] < at["mid"][0] < at["dec0"][0]
    assert at["mid"][1] == max(y for _, y in at.values())


def test_a_fold_is_little_more_than_half_as_long_as_its_boxes_in_one_column():
    drawing = lay_out(figures.unet(5), LIGHT, direction="down")
    boxes = [s.bounds for s in drawing.shapes if s.box == s.id]
    assert drawing.height < 0.65 * sum(bottom - top + LIGHT.gap_along for _, top, _, bottom in boxes)


def test_one_skip_over_everything_is_folded_too():
    drawing = lay_out(chain(24, (0, 23)), LIGHT, direction="down")
    (skip,) = skips(drawing)
    assert len({y for _, y in skip.points}) == 1
    assert drawing.height < 0.7 * 24 * 50
    assert lint(drawing, LIGHT) == ()


def test_panels_keep_their_titles_on_top_in_the_second_leg():
    figure = chain(26, (0, 25), panels=4)
    drawing = lay_out(figure, LIGHT, direction="down")
    bounds = {s.id: s.bounds for s in drawing.shapes if s.box == s.id}
    titles = {label.box: label for label in drawing.labels if label.id.endswith("/title")}
    assert len({round(bounds[g.id][0]) for g in figure.root.children if isinstance(g, Group)}) == 2
    for group in figure.root.children:
        if isinstance(group, Group):
            left, top, right, bottom = bounds[group.id]
            highest = min(bounds[box.id][1] for box in group.children)
            assert top < titles[group.id].bounds[1]
            assert titles[group.id].bounds[3] < highest
            assert all(left < bounds[b.id][0] and bounds[b.id][2] < right and bounds[b.id][3] < bottom for b in group.children)
    assert lint(drawing, LIGHT) == ()


def test_skips_that_cross_are_left_as_they_are():
    drawing = lay_out(chain(24, (0, 15), (8, 23)), LIGHT, direction="down")
    assert any(len({x for x, _ in line.points}) > 1 and len({y for _, y in line.points}) > 1 for line in skips(drawing))


def test_a_short_unet_is_not_folded():
    at = centres(lay_out(figures.unet(1), LIGHT, direction="down"))
    assert len({x for x, _ in at.values()}) == 1


def test_every_wire_of_a_fold_still_ends_on_its_target():
    drawing = lay_out(figures.unet(6), LIGHT, direction="down")
    bounds = {s.id: s.bounds for s in drawing.shapes if s.box == s.id}
    for line in drawing.lines:
        (x, y), (left, top, right, bottom) = line.points[-1], bounds[line.target]
        on_side = min(abs(x - left), abs(x - right)) < 0.05 and top < y < bottom
        assert on_side or (min(abs(y - top), abs(y - bottom)) < 0.05 and left < x < right)


def test_a_lane_that_another_wire_leaves_is_not_cut():
    drawing = lay_out(chain(24, (0, 20), (0, 23)), LIGHT, direction="down")
    assert lint(drawing, LIGHT) == ()
    assert len({x for x, _ in centres(drawing).values()}) == 1
