"""Formulas in boxes, on wires and under figures: nothing touches, signs are centred, equations are aligned."""

from __future__ import annotations

import dataclasses

import pytest
from figures import figure, op, path, tensor, wire

from netfig.drawing import Drawing, Label
from netfig.figure import Box, End, Figure, Row, Wire
from netfig.layout import lay_out
from netfig.layout.lines import WIDEST_EQUATION, broken, fit_line
from netfig.layout.lint import lint
from netfig.layout.text import set_line
from netfig.mathtext import Accent, Big, Fraction, Run, Script, Text, math, plain
from netfig.theme import load_theme

THEME = load_theme("light")
PARTIAL: Text = (Fraction((Run("∂L", "math"),), (Run("∂", "math"), *math("h_t"))),)


def m(text: str) -> Text:
    return (Run(text, "math"),)


ELMAN: Text = (*math("h_t"), *m(" = "), Run("tanh", "math-upright"), *m("("), *math("W_xh"), *m(" "), *math("x_t"), *m(" + "),
               *math("W_hh"), *m(" "), *math("h_{t-1}"), *m(" + "), *math("b_h"), *m(")"))  # fmt: skip
HAT: Text = (Script((Accent((Run("y", "math"),), "hat"),), (Run("1", "math"),)),)
SUM: Text = (Accent(m("y"), "hat"), *m(" = "), Big("Σ", m("i=0"), m("K")), *math("a_{t,i}"), *m(" "), *math("v_i"))


def small(*equations: Text, **more: object) -> Figure:
    boxes = [tensor("x", "x_t"), op("add", "+"), tensor("h", "h_t", "state")]
    return dataclasses.replace(figure(boxes, path("x", "add", "h")), equations=equations, **more)  # type: ignore[arg-type]


def label(drawing: Drawing, id: str) -> Label:
    return next(one for one in drawing.labels if one.id == id)


def relation(one: Label) -> float:
    return next(run.x for run in one.runs if run.text == "=")


# --- equations ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_a_figure_with_equations_and_a_caption_lints_clean(theme: str) -> None:
    style = load_theme(theme)
    made = small(ELMAN, SUM, (*PARTIAL, *m(" = "), *PARTIAL), caption=(plain("A caption."),))
    assert lint(lay_out(made, style), style) == ()


def test_equations_stand_under_the_figure_and_above_its_caption_in_their_order() -> None:
    drawing = lay_out(small(ELMAN, SUM, caption=(plain("A caption."),)), THEME)
    first, second, caption = (label(drawing, id) for id in ("equation/0", "equation/1", "caption/0.0"))
    assert first.bounds[1] > max(shape.bounds[3] for shape in drawing.shapes)
    assert first.bounds[3] < second.bounds[1]
    assert second.bounds[3] < caption.bounds[1]
    assert {run.size for run in first.runs if run.dy == 0} == {14}
    assert caption.bounds[3] < drawing.height


def test_equations_are_aligned_on_their_first_relations() -> None:
    drawing = lay_out(small(ELMAN, (*PARTIAL, *m(" = "), *PARTIAL), SUM), THEME)
    places = [relation(label(drawing, f"equation/{i}")) for i in range(3)]
    assert places == pytest.approx([places[0]] * 3, abs=0.02)


def test_a_page_is_as_wide_as_its_equations_and_they_are_in_its_middle() -> None:
    drawing = lay_out(small(ELMAN), THEME)
    left, _, right, _ = label(drawing, "equation/0").bounds
    assert left > 0
    assert right < drawing.width
    assert (left + right) / 2 == pytest.approx(drawing.width / 2, abs=1)


def test_the_alt_text_says_the_equations_once() -> None:
    said = "h_t = tanh(W_xh x_t + W_hh h_{t−1} + b_h)"
    assert said in lay_out(small(ELMAN), THEME).alt
    assert lay_out(dataclasses.replace(small(ELMAN), alt=f"The cell: {said}."), THEME).alt == f"The cell: {said}."


def test_an_equation_too_wide_is_broken_before_an_operator_outside_of_brackets() -> None:
    right = ELMAN[2:]
    long: Text = (*math("h_t"), *m(" = "), *right, *m(" + "), *right, *m(" + "), *right)
    lines = broken(long, 14, WIDEST_EQUATION)
    assert len(lines) == 2
    assert all(line.width <= WIDEST_EQUATION for line in lines)
    assert lines[1].runs[0].text == "+"
    assert lines[1].runs[1].x - lines[1].runs[0].x - lines[1].runs[0].width == pytest.approx(14 * 4 / 18, abs=0.01)
    drawing = lay_out(small(ELMAN, long), THEME)
    rest = label(drawing, "equation/2")
    assert rest.runs[0].x > relation(label(drawing, "equation/1"))
    assert lint(drawing, THEME) == ()


# --- boxes and wires ---------------------------------------------------------------------------------------------------------


def test_a_fraction_in_a_box_has_room_and_stands_in_its_middle() -> None:
    boxes = [tensor("x", "x"), Box("f", "op.box", (PARTIAL,)), Box("g", "layer", (plain("gradient"), PARTIAL), (Row("shape", plain("3×4")),))]  # fmt: skip  # noqa: E501
    drawing = lay_out(figure(boxes, path("x", "f", "g")), THEME)
    assert lint(drawing, THEME) == ()
    shape = next(s for s in drawing.shapes if s.id == "f")
    top, bottom = shape.bounds[1] - label(drawing, "f/text0").bounds[1], shape.bounds[3] - label(drawing, "f/text0").bounds[3]
    assert abs(top + bottom) < 3
    lines = [label(drawing, f"g/text{i}").bounds for i in range(3)]
    assert lines[0][3] < lines[1][1]
    assert lines[1][3] < lines[2][1]


@pytest.mark.parametrize("direction", ["right", "down", "up"])
def test_fractions_beside_wires_touch_nothing(direction: str) -> None:
    boxes = [tensor("x", "x_t"), tensor("h", "h_t", "state"), tensor("y", "y_t", "output"), tensor("z", "z_t", "output")]
    wires = [Wire(End(a), End(b), "data", PARTIAL) for a, b in (("x", "h"), ("h", "y"), ("h", "z"))]
    drawing = lay_out(figure(boxes, wires), THEME, direction=direction)  # type: ignore[arg-type]
    assert len([one for one in drawing.labels if one.rules]) >= 2
    assert lint(drawing, THEME) == ()


@pytest.mark.parametrize("title", [plain("−"), plain("+"), plain("⊙"), plain("×"), m("−"), m("⊙"), m("σ"), plain("=")])
def test_a_sign_is_in_the_middle_of_its_circle(title: Text) -> None:
    drawing = lay_out(figure([tensor("x", "x"), Box("o", "op", (title,)), tensor("y", "y")], path("x", "o", "y")), THEME)
    shape, sign = next(s for s in drawing.shapes if s.id == "o"), label(drawing, "o/text0")
    assert shape.kind == "ellipse"
    assert (sign.bounds[1] + sign.bounds[3]) / 2 == pytest.approx((shape.bounds[1] + shape.bounds[3]) / 2, abs=0.1)


def test_symbols_with_and_without_scripts_share_a_baseline_in_a_row() -> None:
    boxes = [
        tensor("a", "h_t", "state"),
        tensor("b", "x", "input"),
        Box("c", "state", ((Script((Accent(m("y"), "hat"),), m("1")),),)),
    ]
    drawing = lay_out(figure(boxes, path("a", "b", "c")), THEME, direction="right")
    assert len({round(label(drawing, f"{id}/text0").baseline, 1) for id in "abc"}) == 1


def test_a_wire_named_with_a_symbol_sets_it_as_maths() -> None:
    named = dataclasses.replace(wire("x", "y"), label=math("c_t"))
    drawing = lay_out(figure([tensor("x", "x"), tensor("y", "y")], [named]), THEME)
    assert [run.face for run in label(drawing, "wire/0/label").runs] == ["serif-italic", "serif-italic"]


def test_a_line_cut_for_its_width_keeps_its_styles() -> None:
    cut = fit_line((*plain("a long name "), *(p for _ in range(40) for p in math("W_xh"))), 12)
    assert {run.face for run in cut.runs} == {"sans", "serif-italic"}
    assert cut.text.endswith("…")
    assert set_line(plain("x"), 12).rules == ()
