"""Figures too long for a page: broken where one wire runs on."""

from __future__ import annotations

from itertools import pairwise

import pytest

from netfig.figure import Box, End, Figure, Group, Wire
from netfig.layout import lay_out
from netfig.layout.blocks import PAGE_HEIGHT, PAGE_WIDTH
from netfig.layout.lint import lint
from netfig.mathtext import plain
from netfig.theme import load_theme

LIGHT = load_theme("light")


def chain(count: int, *skips: tuple[int, int], panels: int = 0) -> Figure:
    boxes = [Box(f"b{i}", "layer", (plain(f"layer {i}"),)) for i in range(count)]
    children: list[Box | Group] = list(boxes)
    if panels:
        children = [Group(f"p{k}", tuple(boxes[k : k + panels]), "panel", plain(f"stage {k}")) for k in range(0, count, panels)]
    wires = [Wire(End(f"b{i}"), End(f"b{i + 1}"), stands_for=(f"v{i}",)) for i in range(count - 1)]
    wires += [Wire(End(f"b{a}"), End(f"b{b}"), "skip", stands_for=(f"v{a}",)) for a, b in skips]
    return Figure("chain", "a chain", Group("root", tuple(children)), tuple(wires))


def printed(drawing) -> float:
    return min(1.0, PAGE_WIDTH / drawing.width, PAGE_HEIGHT / drawing.height)


@pytest.mark.parametrize("direction", ["down", "right", "up"])
def test_a_long_chain_prints_at_nearly_full_size_and_lints_clean(direction):
    drawing = lay_out(chain(30), LIGHT, direction=direction)
    assert printed(drawing) > 0.8
    assert lint(drawing, LIGHT) == ()


def test_a_short_chain_stays_one_column():
    drawing = lay_out(chain(6), LIGHT, direction="down")
    assert len({(s.points[0][0] + s.points[1][0]) for s in drawing.shapes}) == 1


def test_a_panel_is_never_cut():
    figure = chain(30, panels=6)
    drawing = lay_out(figure, LIGHT, direction="down")
    outlines = {s.id: s.bounds for s in drawing.shapes}
    for group in figure.root.children:
        left, top, right, bottom = outlines[group.id]
        for box in group.children:
            a, b, c, d = outlines[box.id]
            assert left < a
            assert top < b
            assert c < right
            assert d < bottom
    assert lint(drawing, LIGHT) == ()


def test_skips_within_the_columns_survive_the_break():
    figure = chain(30, (1, 4), (12, 15), (25, 28))
    drawing = lay_out(figure, LIGHT, direction="down")
    assert printed(drawing) > 0.8
    assert lint(drawing, LIGHT) == ()


def test_every_wire_still_ends_on_its_target():
    drawing = lay_out(chain(40), LIGHT, direction="down")
    outlines = {s.id: s.bounds for s in drawing.shapes}
    for line in drawing.lines:
        left, top, right, _ = outlines[line.target]
        assert left < line.points[-1][0] < right
        assert abs(line.points[-1][1] - top) < 0.05


def test_a_narrow_print_asks_for_fewer_columns():
    wide, narrow = (lay_out(chain(30), LIGHT, direction="down", width=w) for w in (520.0, 234.0))
    assert narrow.width < wide.width


def test_columns_of_like_panels_begin_at_one_height():
    panels = [
        Group(f"p{k}", tuple(Box(f"b{k}.{i}", "layer", (plain(f"layer {i}"),)) for i in range(8)), "panel", plain(f"stage {k}"))
        for k in range(3)
    ]
    ends = [
        Box("x", "input", (plain("input"),)),
        *(box for group in panels for box in group.children),
        Box("y", "output", (plain("y"),)),
    ]
    wires = tuple(Wire(End(a.id), End(b.id), stands_for=(a.id,)) for a, b in pairwise(ends))
    drawing = lay_out(Figure("f", "a figure", Group("root", (ends[0], *panels, ends[-1])), wires), LIGHT, direction="down")
    tops = {s.bounds[1] for s in drawing.shapes if s.id.startswith("p")}
    assert len({s.bounds[0] for s in drawing.shapes if s.id.startswith("p")}) == 3
    assert len(tops) == 1
    assert lint(drawing, LIGHT) == ()
