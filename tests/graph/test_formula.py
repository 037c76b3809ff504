"""Formulas: their forms, their text, their values, and how they grow. The truth is Python's own arithmetic."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netfig.graph.formula import Formula, ceil, expanded, floor, formula, growth, least, quotient
from netfig.graph.formula_layers import parameter_count, window, window_over
from netfig.graph.formula_text import WrongFormula, latex, parse, pretty, typeset
from netfig.mathtext import text_of

NAMES = "HKSPD"
numbers = st.fixed_dictionaries({name: st.integers(1, 12) for name in NAMES})


def leaf():
    return st.one_of(st.integers(-5, 9).map(str), st.sampled_from(NAMES))


def combined(inner):
    return st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda t: f"({t[0]}){t[1]}({t[2]})"),
        st.tuples(st.sampled_from(["floor", "ceil"]), inner, st.sampled_from(["S", "2", "3", "K"])).map(
            lambda t: f"{t[0]}(({t[1]})/{t[2]})"
        ),
        st.tuples(inner, inner).map(lambda t: f"min({t[0]}, {t[1]})"),
    )


texts = st.recursive(leaf(), combined, max_leaves=8)


def by_python(text: str, known: dict[str, int]) -> int:
    """The value of a text that these tests made themselves, of digits, five letters and three functions."""
    names = {name: _Box(value) for name, value in known.items()}
    functions = {"W": _Box, "floor": _floored, "ceil": _ceiled, "min": _least}
    boxed = re.sub(r"\b\d+\b", lambda found: f"W({found[0]})", text)
    return eval(boxed, {"__builtins__": {}}, {**names, **functions}).value


class _Box:
    """Whole numbers whose quotient waits for how it is rounded."""

    def __init__(self, value, under=1):
        self.value, self.under = value, under

    def __add__(self, other):
        return _Box(self.value + other.value)

    def __sub__(self, other):
        return _Box(self.value - other.value)

    def __mul__(self, other):
        return _Box(self.value * other.value)

    def __neg__(self):
        return _Box(-self.value)

    def __truediv__(self, other):
        return _Box(self.value, other.value)


def _floored(box):
    return _Box(box.value // box.under)


def _ceiled(box):
    return _Box(-(-box.value // box.under))


def _least(a, b):
    return _Box(min(a.value, b.value))


@given(texts, numbers)
def test_a_formula_with_numbers_for_its_names_is_what_python_computes(text: str, known: dict[str, int]) -> None:
    assert parse(text).at(known).number == by_python(text, known)


@given(texts, numbers, numbers)
def test_numbers_may_be_put_in_one_after_the_other(text: str, known: dict[str, int], order: dict[str, int]) -> None:
    made = parse(text)
    for name in sorted(known, key=lambda n: (order[n], n)):
        made = made.at({name: known[name]})
    assert made.number == by_python(text, known)


@given(texts)
def test_what_is_written_and_what_is_shown_read_back_as_the_same_formula(text: str) -> None:
    made = parse(text)
    assert parse(str(made)).same(made)
    assert parse(pretty(made)).same(made)


@given(texts, numbers)
def test_multiplying_out_changes_no_value(text: str, known: dict[str, int]) -> None:
    assert expanded(parse(text)).at(known).number == parse(text).at(known).number


H, K, S, P, D, C, F = map(formula, ("H", "K", "S", "P", "D", "C", "F"))


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        (window(H, K, S, P, D), "⌊(H + 2P − D·(K − 1) − 1)/S⌋ + 1"),
        (window(H, formula(2), formula(2), formula(0), formula(1)), "⌊H/2⌋"),
        (window(H, formula(3), formula(2), formula(0), formula(1)), "⌊(H − 1)/2⌋"),
        (window(H, K, K, formula(0), formula(1)), "⌊H/K⌋"),
        (window(H, formula(3), formula(1), formula(1), formula(1)), "H"),
        (window(H, formula(3), formula(1), formula(0), formula(1)), "H − 2"),
        (window_over(H, formula(2), formula(2), formula(0), formula(1)), "⌈H/2⌉"),
        (window_over(H, K, S, P, formula(1)), "min(⌈(H + 2P − K)/S⌉ + 1, ⌈(H + P)/S⌉)"),
        (floor(floor(H, 2), 2), "⌊H/4⌋"),
        (floor(H.scaled(2), 2), "H"),
        (quotient("exact", C, "g") * formula("g"), "C"),
        (formula("h") * quotient("exact", formula(8), formula("h")), "8"),
        (F * (C * K * K + 1), "F·(C·K² + 1)"),
        (least(ceil(H - 3, 2) + 1, ceil(H, 2)), "⌈(H − 3)/2⌉ + 1"),
        (Formula(), "0"),
        (formula(4) * formula("d_model"), "4d_model"),
    ],
)
def test_a_formula_stands_in_its_plain_form(made: Formula, shown: str) -> None:
    assert pretty(made) == shown


@pytest.mark.parametrize(
    ("text", "grows"),
    [
        ("3*d_model*(d_model + 1)", "d_model²"),
        ("F*(C*K^2 + 1)", "C·F·K²"),
        ("a + b + 7", "a + b"),
        ("floor((H - K)/2)*C", "C·H"),
        ("floor((H - K)/S)*C", "C·H/S"),
        ("12", "1"),
    ],
)
def test_growth_is_what_outgrows_the_rest(text: str, grows: str) -> None:
    assert pretty(growth(parse(text))) == grows


def test_parameters_are_counted_row_by_row() -> None:
    d, k = formula("d_model"), formula("d_k")
    assert pretty(parameter_count("Linear", {"weight": (k, d), "bias": (k,)})) == "d_k·(d_model + 1)"
    four = {"in_proj_weight": (d.scaled(3), d), "in_proj_bias": (d.scaled(3),), "o.weight": (d, d), "o.bias": (d,)}
    assert pretty(parameter_count("MultiheadAttention", four)) == "4d_model·(d_model + 1)"
    assert pretty(parameter_count("BatchNorm2d", {"weight": (F,), "bias": (F,)})) == "2F"


@pytest.mark.parametrize(
    ("text", "what", "at"),
    [("2*", "a size is missing", 2), ("H + ?", "'?' means nothing in a size", 4), ("floor(H/2 + 1)", "'+' stands in", 10)],
)
def test_a_text_that_is_no_formula_is_refused_at_its_place(text: str, what: str, at: int) -> None:
    with pytest.raises(WrongFormula) as caught:
        parse(text)
    assert caught.value.what.startswith(what)
    assert caught.value.start == at


@pytest.mark.parametrize("text", ["(" * 100 + "H" + ")" * 100, "H*" * 2000 + "H", "H/0", "((a+b)*(c+d))^9", "1" * 5000])
def test_hostile_text_is_refused_or_read_quickly(text: str) -> None:
    try:
        made = parse(text)
    except WrongFormula:
        return
    assert text_of(typeset(made))


def test_latex_is_for_maths_mode() -> None:
    assert latex(window(H, K, S, P, D)) == (r"\left\lfloor \frac{H + 2 P - D \cdot \left(K - 1\right) - 1}{S} \right\rfloor + 1")
    assert latex(formula("d_model") * formula("d_model")) == r"d_{\mathrm{model}}^{2}"


def test_division_by_zero_is_refused_when_the_number_is_put_in() -> None:
    with pytest.raises(ValueError, match="divided by 0"):
        floor(H, S).at({"S": 0})
