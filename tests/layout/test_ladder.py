"""Ladders: rows and columns line up exactly, wires run straight where they can, names keep off them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfig.errors import InvalidGraph
from netfig.figure import Box, End, Figure, Group, Wire
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.layout.text import set_line
from netfig.mathtext import Under, math, plain, text_of
from netfig.theme import load_theme

LIGHT = load_theme("light")


def ladder(name: str, rows: int, columns: int = 3) -> tuple[Group, list[Wire]]:
    """A source under `columns` boxes, each of them in a column of `rows` boxes, and one box over all."""
    boxes = [Box(f"{name}/in", "input", (math("X"),), place=(0, 0), span=(columns, 1))]
    wires = []
    for c in range(columns):
        below = f"{name}/in"
        for r in range(1, rows + 1):
            id = f"{name}/{c}.{r}"
            boxes.append(Box(id, "op.box", (plain("step"),), place=(c, r)))
            wires.append(Wire(End(below), End(id)))
            below = id
        wires.append(Wire(End(below), End(f"{name}/out")))
    boxes.append(Box(f"{name}/out", "output", (math("Y"),), place=(0, rows + 1), span=(columns, 1)))
    return Group(name, tuple(boxes), title=plain(name), row_names=((plain("shape"),),) * (rows + 2)), wires


def figure(*ladders: tuple[Group, list[Wire]]) -> Figure:
    groups = tuple(group for group, _ in ladders)
    wires = tuple(wire for _, listed in ladders for wire in listed)
    return Figure("ladders", "alt", Group("root", groups, arrangement="ladders"), wires)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_any_two_ladders_are_clean_and_begin_and_end_at_one_level(rows: int, more: int, columns: int, others: int):
    drawing = lay_out(figure(ladder("a", rows, columns), ladder("b", more, others)), LIGHT)
    assert [str(found) for found in lint(drawing, LIGHT)] == []
    middle = {s.id: (s.bounds[1] + s.bounds[3]) / 2 for s in drawing.shapes}
    assert middle["a/in"] == pytest.approx(middle["b/in"], abs=0.02)
    assert middle["a/out"] == pytest.approx(middle["b/out"], abs=0.02)


def test_boxes_of_one_row_and_of_one_column_line_up():
    drawing = lay_out(figure(ladder("a", 3)), LIGHT)
    centre = {s.id: ((s.bounds[0] + s.bounds[2]) / 2, (s.bounds[1] + s.bounds[3]) / 2) for s in drawing.shapes}
    for c in range(3):
        assert len({centre[f"a/{c}.{r}"][0] for r in (1, 2, 3)}) == 1
    for r in (1, 2, 3):
        assert len({centre[f"a/{c}.{r}"][1] for c in range(3)}) == 1
    assert centre["a/in"][0] == centre["a/1.1"][0] == centre["a/out"][0]


def test_a_wire_that_parts_is_one_trunk_with_a_dot():
    drawing = lay_out(figure(ladder("a", 1)), LIGHT)
    starts = [line for line in drawing.lines if line.source == "a/in"]
    source = next(s for s in drawing.shapes if s.id == "a/in")
    assert sum(abs(line.points[0][1] - source.bounds[1]) < 0.1 for line in starts) == 1
    assert len([s for s in drawing.shapes if s.part == "junction"]) == 1


def test_ladders_too_wide_for_a_page_stand_one_below_the_other():
    wide = [ladder(name, 2, 7) for name in "ab"]
    drawing = lay_out(figure(*wide), LIGHT)
    tops = {s.id: s.bounds[1] for s in drawing.shapes}
    assert tops["b/out"] > tops["a/in"]
    assert [str(found) for found in lint(drawing, LIGHT)] == []


def test_boxes_without_a_place_or_with_the_same_are_refused():
    group = Group(
        "a",
        (
            Box("x", "input", (math("x"),)),
            Box("y", "input", (math("y"),), place=(0, 0)),
            Box("z", "input", (math("z"),), place=(0, 0)),
        ),
    )
    with pytest.raises(InvalidGraph) as caught:
        lay_out(figure((group, [])), LIGHT)
    assert len(caught.value.violations) == 2


def test_a_note_below_a_symbol_is_centred_and_under_its_ink():
    line = set_line((Under(math("W"), math("8 × 4")),), 14)
    symbol, *note = line.runs
    assert symbol.text == "W"
    left, right = min(run.x for run in note), max(run.x + run.width for run in note)
    assert (left + right) / 2 == pytest.approx(symbol.x + symbol.width / 2, abs=0.1)
    assert all(run.dy - 0.7 * run.size > 0 for run in note)
    assert text_of((Under(math("W"), math("8 × 4")),)) == "W [8 × 4]"
