"""Equations as a figure prints them."""

from __future__ import annotations

import pytest
from hypothesis import given
from mutations import CORPUS
from program_strategies import programs

from netfig.equations import parse, shape_text, symbol_text, typeset
from netfig.equations.typesetting import affine
from netfig.graph import Affine
from netfig.mathtext import Accent, Big, Fence, Fraction, Root, Run, Script, text_of

LINES = {
    "c[t] = σ(W_c x[t] + W_h h[t-1])": "c_t = σ(W_c x_t + W_h h_{t−1})",
    "h[t] = c[t] ⊙ h[t-1] + (1 - c[t]) ⊙ W_x x[t]": "h_t = c_t ⊙ h_{t−1} + (1 − c_t) ⊙ W_x x_t",
    "q_i[t] = Q_i h[t-i] for i = 1..K": "q_{i, t} = Q_i h_{t−i},   i = 1, …, K",
    "h[t] = sum(a_i v_i for i = 0..K)": "h_t = Σ_{i=0}^K a_i v_i",
    "h̃[t] = -x[t]ᵀ y[t]": "h̃_t = −x_t^{⊤} y_t",
    "h[t] = (a + b) / (c d) + e / f": "h_t = (a + b)/(c d) + e / f",
    "h[t] = W x[t] / √d + a / b c": "h_t = W x_t / √d + a/(b c)",
    "h[t] = √(a)": "h_t = √a",
    "h[t] = |a b|^2 [x; y]": "h_t = |a b|^2 [x; y]",
    "a[t] = softmax([w_i for i = 0..K])": "a_t = softmax([w_i]_{i=0}^K)",
    "h[l,t] = 1e-3 h[l-1,t]": "h_{l, t} = 10^{−3} h_{l−1, t}",
    "Q_i = Q for i ≥ 1": "Q_i = Q,   i ≥ 1",
    "h[0] = 0": "h_0 = 0",
    "x[t] ∈ R^n": "x_t ∈ ℝ^n",
    "W : m x 2n": "W ∈ ℝ^{m×2n}",
    "α : scalar": "α ∈ ℝ",
    "z[t] = d_model ReLU(x[t])": "z_t = d_model ReLU(x_t)",
}


@pytest.mark.parametrize("source", LINES)
def test_an_equation_reads_as_on_paper(source):
    assert text_of(typeset(parse(source).statements[-1])) == LINES[source]


def test_symbols_are_italic_functions_upright_and_indices_below():
    made = typeset(parse("h[t] = tanh(W_xh x[t-1])").equations[0])
    assert made[0] == Script((Run("h", "math"),), (Run("t", "math"),))
    assert Run("tanh", "math-upright") in made
    assert Script((Run("W", "math"),), (Run("xh", "math"),)) in made
    assert Script((Run("x", "math"),), (Run("t−1", "math"),)) in made


def test_real_fractions_roots_sums_accents_and_growing_brackets_are_pieces():
    made = typeset(parse("y = (a + b) / c + √d + Σ_{i=1}^{3} x_i + tanh((1 + ẑ) / 2)").equations[0])
    kinds = {type(piece) for piece in made}
    assert kinds == {Run, Fraction, Root, Big, Script, Fence}
    assert made[-1].body == (Fraction((Run("1 + ", "math"), Accent((Run("z", "math"),), "hat")), (Run("2", "math"),)),)


def test_names_are_typeset_by_their_parts():
    assert symbol_text("h_tilde") == (Accent((Run("h", "math"),), "tilde"),)
    assert symbol_text("W_alpha") == (Script((Run("W", "math"),), (Run("α", "math"),)),)
    assert symbol_text("d_model") == (Script((Run("d", "math"),), (Run("model", "math-upright"),)),)
    assert symbol_text("c_prime") == (Script((Run("c", "math"),), (), (Run("′", "math"),)),)
    assert symbol_text("b1") == symbol_text("b_1")
    assert text_of(symbol_text("W_xi")) == "W_xi"


def test_shapes_are_typeset_without_a_declaration():
    assert text_of(shape_text([affine(Affine.parse("m")), affine(Affine.parse("2*n"))])) == "ℝ^{m×2n}"
    assert text_of(shape_text([])) == "ℝ"


@given(programs)
def test_every_program_can_be_typeset(program):
    assert all(text_of(typeset(statement)) for statement in program.statements)


@pytest.mark.parametrize("source", CORPUS, ids=lambda s: s.split("\n")[0][:40])
def test_equal_statements_are_typeset_alike_and_no_ascii_minus_is_left(source):
    for statement in parse(source).statements:
        text = typeset(statement)
        assert text == typeset(statement)
        assert "-" not in text_of(text)
        assert "*" not in text_of(text)
