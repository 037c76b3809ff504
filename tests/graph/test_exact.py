"""Exact numbers: what is read, worked out and written stays true, and is exact where it can be."""

from __future__ import annotations

import contextlib
import json
import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netfig.graph import exact
from netfig.graph.exact import Exact, decode, encode
from netfig.graph.expressions import WrongNumber, parse_number


@st.composite
def expressions(draw, depth: int = 3) -> tuple[str, float]:
    """A text and the value that Python's own arithmetic gives it."""
    if depth == 0 or draw(st.integers(0, 3)) == 0:
        kind = draw(st.sampled_from(["whole", "decimal", "sqrt", "ln", "pi", "exp"]))
        n = draw(st.integers(1, 90))
        return {
            "whole": (str(n), float(n)),
            "decimal": (f"{n}.25", n + 0.25),
            "sqrt": (f"sqrt({n})", math.sqrt(n)),
            "ln": (f"ln({n})", math.log(n)),
            "pi": ("pi", math.pi),
            "exp": (f"exp({n}/30)", math.exp(n / 30)),
        }[kind]
    (left, a), (right, b) = draw(expressions(depth - 1)), draw(expressions(depth - 1))
    sign = draw(st.sampled_from(["+", "-", "*", "/"]))
    if sign == "/" and abs(b) < 1e-6:
        sign = "*"
    value = {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else 0.0}[sign]
    return f"({left}{sign}{right})", value


@given(expressions())
def test_an_expression_has_the_value_that_floating_point_gives_it(pair):
    text, value = pair
    assert float(parse_number(text)) == pytest.approx(value, rel=1e-9, abs=1e-9)


@given(expressions())
def test_what_is_kept_as_data_reads_back_as_the_same_number(pair):
    number = parse_number(pair[0])
    kept = encode(number)
    assert json.loads(json.dumps(kept)) == kept
    again = decode(kept)
    assert float(again) == pytest.approx(float(number), rel=1e-12, abs=1e-12)
    if isinstance(kept, str):
        assert again == number


@given(st.fractions(max_denominator=1000), st.fractions(max_denominator=1000))
def test_rationals_are_worked_out_exactly(a, b):
    left, right = exact.exact(a), exact.exact(b)
    assert exact.add(left, right) == exact.exact(a + b)
    assert exact.mul(left, right) == exact.exact(a * b)
    if b:
        assert exact.div(left, right) == exact.exact(a / b)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("sqrt(3)*ln(80)/sqrt(3)", "ln(80)"),
        ("exp(ln(80))", 80),
        ("exp(ln(80)/2)", "4*sqrt(5)"),
        ("sqrt(12)", "2*sqrt(3)"),
        ("(1+sqrt(2))^2", "3+2*sqrt(2)"),
        ("1/3 + 1/6", 0.5),
        ("1/3", "1/3"),
        ("ln(1/2) + ln(2)", 0),
        ("√3·ln(17) − 0", "sqrt(3)*ln(17)"),
        ("e^2/e^2", 1),
        ("2^-3", 0.125),
    ],
)
def test_closed_forms_simplify(text, kept):
    assert encode(parse_number(text)) == kept


def test_softmax_of_logarithms_is_exact():
    row = [parse_number(t) for t in ("0", "ln(80)", "0", "0", "ln(17)")]
    assert [encode(n) for n in exact.softmax(row)] == [0.01, 0.8, 0.01, 0.01, 0.17]
    assert [n.rational for n in exact.softmax(row) if isinstance(n, Exact)] == [Fraction(k, 100) for k in (1, 80, 1, 1, 17)]


def test_equal_irrational_scores_share_exactly():
    assert exact.softmax([parse_number("sqrt(2)")] * 4) == [exact.exact(Fraction(1, 4))] * 4


def test_a_masked_score_gets_no_weight():
    assert exact.softmax([parse_number("5"), None]) == [exact.exact(1), exact.ZERO]


@given(st.lists(st.floats(-600, 600), min_size=1, max_size=6))
def test_softmax_sums_to_one_however_large_the_scores(scores):
    row = exact.softmax([decode(x) for x in scores])
    assert sum(float(n) for n in row) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("", "missing", (0, 1)),
        ("1 +", "missing", (3, 4)),
        ("sqrt 3", "bracket", (0, 4)),
        ("qrt(3)", "no function", (0, 3)),
        ("(1+2", "not closed", (4, 5)),
        ("3 4", "does not belong", (2, 3)),
        ("1/0", "divided by 0", (2, 3)),
        ("1/(2-2)", "divided by 0", None),
        ("ln(0)", "logarithm", None),
        ("sqrt(-1)", "root of a negative", None),
        ("exp(exp(9))", "too large", None),
        ("9^9^9^9", "too large", None),
        ("__import__('os').system('true')", "nothing a number", (11, 12)),
    ],
)
def test_a_text_that_is_no_number_is_refused_with_its_place(text, what, place):
    with pytest.raises(WrongNumber, match=what) as caught:
        parse_number(text)
    if place is not None:
        assert (caught.value.start, caught.value.end) == place


@given(st.text(alphabet="0123456789.+-*/^()sqrtlnexpi e√·", max_size=60))
def test_any_text_is_a_number_or_refused(text):
    found = None
    try:
        float(parse_number(text))
    except WrongNumber as error:
        found = error
    assert found is None or 0 <= found.start <= found.end <= max(len(text), 1) + 1


@pytest.mark.parametrize("text", ["(" * 300, "-" * 300 + "1", "√" * 300 + "2", "2" * 500, "1e99999999", "2^(2^(2^(2^9)))"])
def test_a_hostile_text_ends_soon(text):
    with contextlib.suppress(WrongNumber):
        float(parse_number(text))
