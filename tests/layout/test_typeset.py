"""Formulas are set as books set them: what is italic, what stands apart, what lies over what."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfig.drawing import Glyphs
from netfig.layout.metrics import measure
from netfig.layout.text import AXIS, SetLine, set_line
from netfig.mathtext import Accent, Big, Fence, Fraction, Root, Run, Script, Text, math, plain, text_of

SIZE = 16.0


def m(text: str, style: str = "math") -> Text:
    return (Run(text, style),)  # type: ignore[arg-type]


def line(*pieces: Text, size: float = SIZE) -> SetLine:
    return set_line(tuple(p for piece in pieces for p in piece), size)


def run_of(set_: SetLine, text: str) -> Glyphs:
    return next(r for r in set_.runs if r.text == text)


def ink(run: Glyphs) -> tuple[float, float, float, float]:
    """Left, top, right, bottom; y downwards from the baseline of the line."""
    inks = [measure(c, run.face)[2] for c in run.text]
    x, right = run.x, run.x + run.width
    last, first = inks[-1], inks[0]
    return (
        x + first[0] * run.size * run.squeeze,
        run.dy - max(i[3] for i in inks) * run.size,
        right - (measure(run.text[-1], run.face)[1] - last[1]) * run.size * run.squeeze,
        run.dy - min(i[2] for i in inks) * run.size,
    )


class TestFaces:
    @pytest.mark.parametrize("letter", "hWxασω∂ℓ")
    def test_latin_and_small_greek_letters_are_italic(self, letter):
        assert line(m(letter)).runs[0].face == "serif-italic"

    @pytest.mark.parametrize("sign", "0ΓΔΣΩ+=()[],→")
    def test_digits_signs_brackets_and_greek_capitals_are_upright(self, sign):
        assert line(m(sign)).runs[0].face == "serif"

    def test_names_of_functions_are_upright_and_bold_letters_upright_and_bold(self):
        assert [(r.text, r.face) for r in line(m("tanh", "math-upright"), m("W", "math-bold")).runs] == [
            ("tanh", "serif"),
            ("W", "serif-bold"),
        ]

    @pytest.mark.parametrize("sign", "⊙∘∈∼ℝ⊕")
    def test_signs_the_serif_face_lacks_come_from_the_symbol_face(self, sign):
        assert line(m(f"x{sign}y")).runs[1].face == "symbol"

    @pytest.mark.parametrize("sign", "⊙∘∈⊕+−=×⋮")
    def test_relations_and_operators_are_centred_on_the_axis(self, sign):
        _, top, _, bottom = ink(run_of(line(m(f"x {sign} y")), sign))
        assert -(top + bottom) / 2 == pytest.approx(AXIS * SIZE, abs=0.03 * SIZE)

    def test_a_double_struck_letter_is_as_tall_as_a_capital(self):
        tops = [ink(line(m(letter)).runs[0])[1] for letter in "ℝX"]
        assert tops[0] == pytest.approx(tops[1], abs=0.02 * SIZE)

    def test_the_transpose_is_one_upright_letter_however_it_is_written(self):
        ways = [line(m("Qᵀ")), line((Script(m("Q"), (), m("ᵀ")),)), line((Script(m("Q"), (), m("⊤")),))]
        assert [[(r.text, r.face) for r in way.runs] for way in ways] == [[("Q", "serif-italic"), ("T", "serif")]] * 3
        assert all(way.runs[1].dy < 0 and way.runs[1].size < SIZE for way in ways)

    def test_the_small_letters_of_unicode_are_scripts(self):
        up, down = line(m("ℝⁿ")).runs[1], line(m("h₁₂")).runs[1]
        assert (up.text, up.face) == ("n", "serif-italic")
        assert down.text == "12"
        assert up.dy < 0 < down.dy


class TestSpaces:
    def gap(self, text: str, left: str, right: str) -> float:
        set_ = line(m(text))
        a, b = run_of(set_, left), run_of(set_, right)
        return (b.x - a.x - a.width) / SIZE

    @pytest.mark.parametrize("text", ["x=y", "x = y", "x  =y"])
    def test_a_relation_has_thick_spaces_however_many_are_typed(self, text):
        assert self.gap(text, "x", "=") == pytest.approx(5 / 18, abs=1e-3)
        assert self.gap(text, "=", "y") == pytest.approx(5 / 18, abs=1e-3)

    @pytest.mark.parametrize("sign", "+−⊙×·∘")
    def test_an_operator_between_two_terms_has_medium_spaces(self, sign):
        assert self.gap(f"x{sign}y", "x", sign) == pytest.approx(4 / 18, abs=1e-3)

    @pytest.mark.parametrize("text", ["-x", "(-x)", "y = -x", "a, -x"])
    def test_a_sign_before_a_term_stands_close_to_it(self, text):
        runs = line(m(text)).runs
        sign = next(r for r in runs if r.text.endswith("−"))
        assert runs[-1 if ")" not in text else -2].x - (sign.x + sign.width) < 0.06 * SIZE

    def test_nothing_stands_apart_in_scripts(self):
        assert [r.text for r in line((Script(m("a"), m("t - 1 = i")),)).runs] == ["a", "t", "−1=", "i"]

    def test_a_function_stands_apart_from_its_argument_but_not_from_its_bracket(self):
        alone = line(m("tanh", "math-upright"), m("x")).runs
        assert alone[1].x - alone[0].x - alone[0].width == pytest.approx(SIZE / 6, abs=0.01)
        assert line(m("tanh", "math-upright"), m("(x)")).runs[0].text == "tanh("

    def test_a_space_between_factors_is_thin(self):
        assert self.gap("W x", "W", "x") == pytest.approx(1 / 6, abs=1e-3)

    def test_two_spaces_part_formulas_on_one_line(self):
        assert self.gap("x,  y", ",", "y") == pytest.approx(1, abs=0.01)

    @pytest.mark.parametrize("text", ["f(y)", "T(j)", "f)", "|f|", "(y)", "[f]"])
    def test_letters_that_lean_do_not_touch_brackets(self, text):
        runs = line(m(text)).runs
        for a, b in itertools.pairwise(runs):
            assert ink(b)[0] - ink(a)[2] > 0.02 * SIZE


class TestScripts:
    def test_nested_scripts_are_smaller_and_lower_but_never_under_nine_points(self):
        sizes = [(r.size, r.dy) for r in line(math("h_{t_{i}}"), size=24).runs]
        assert [s for s, _ in sizes] == pytest.approx([24, 15.84, 10.454], abs=0.01)
        assert sizes[0][1] < sizes[1][1] < sizes[2][1]
        assert min(r.size for r in line(math("h_{t_{i_{j}}}"), size=12).runs) == 9

    def test_a_subscript_lies_below_the_superscript_over_it(self):
        _, sub, sup = line((Script(m("W"), m("x"), m("2")),)).runs
        assert ink(sub)[1] > ink(sup)[3]
        assert sub.x < sup.x, "a superscript keeps clear of a letter that leans over"

    def test_a_prime_is_a_full_size_sign_and_a_subscript_goes_under_it(self):
        base, sub, prime = line((Script(m("f"), m("i"), m("'")),)).runs
        assert (prime.text, prime.size, prime.dy) == ("′", SIZE, 0)
        assert sub.x < prime.x + prime.width
        assert ink(base)[2] <= ink(prime)[0] + 0.1 * SIZE


class TestAccents:
    @pytest.mark.parametrize("mark", ["hat", "tilde", "bar", "dot", "vector"])
    @pytest.mark.parametrize("letter", "hxWyσ")
    def test_a_mark_lies_over_its_letter_and_is_centred_on_it(self, letter, mark):
        set_ = line((Accent(m(letter), mark),))
        base = line(m(letter)).runs[0]
        left, top, right, _ = ink(base)
        if len(set_.runs) == 1 and not set_.rules:  # a letter the face has with its mark
            assert len(set_.runs[0].text) == 1
            assert set_.ascent > -top
            return
        if set_.rules:
            bar = set_.rules[0]
            box = (bar.x, bar.dy, bar.x + bar.width, bar.dy + bar.height)
        else:
            box = ink(set_.runs[-1])
        assert box[3] <= top + 0.01
        assert top - box[3] < 0.2 * SIZE
        assert abs((box[0] + box[2]) / 2 - (left + right) / 2) < 0.16 * SIZE

    def test_an_accented_letter_with_a_combining_mark_is_an_accent(self):
        assert line(m("h\u0303")).runs == line((Accent(m("h"), "tilde"),)).runs
        assert line(m("y\u0302")).runs == line((Accent(m("y"), "hat"),)).runs

    def test_a_subscript_stands_beside_the_letter_and_not_beside_the_mark(self):
        set_ = line((Script((Accent(m("h"), "tilde"),), m("t")),))
        assert run_of(set_, "t").x >= set_.runs[0].x + set_.runs[0].width
        assert run_of(set_, "t").dy == pytest.approx(0.2 * SIZE)


class TestFractions:
    FRACTION = (Fraction((*m("∂"), *m("L")), (*m("∂"), Script(m("h"), m("t")))),)

    def test_the_bar_is_on_the_axis_and_as_wide_as_the_wider_part(self):
        set_ = line(self.FRACTION)
        (bar,) = set_.rules
        assert -(bar.dy + bar.height / 2) == pytest.approx(AXIS * SIZE, abs=0.01)
        assert bar.width >= max(line(part).width for part in (self.FRACTION[0].over, self.FRACTION[0].under))
        assert set_.width >= bar.x + bar.width

    def test_numerator_and_denominator_are_centred_and_clear_of_the_bar(self):
        set_ = line(self.FRACTION)
        (bar,) = set_.rules
        above = [r for r in set_.runs if r.dy < 0]
        below = [r for r in set_.runs if r.dy > 0]
        assert max(ink(r)[3] for r in above) < bar.dy - 0.05 * SIZE
        assert min(ink(r)[1] for r in below) > bar.dy + bar.height + 0.05 * SIZE
        middle = bar.x + bar.width / 2
        for part in (above, below):
            start, end = part[0].x, part[-1].x + part[-1].width
            assert (start + end) / 2 == pytest.approx(middle, abs=0.06 * SIZE)

    def test_a_fraction_within_a_fraction_is_small(self):
        nested = line((Fraction((Fraction(m("a"), m("b")),), m("c")),))
        assert sorted({r.size for r in nested.runs}) == pytest.approx([0.66 * SIZE, SIZE])
        assert len(nested.rules) == 2


class TestOperatorsRootsBrackets:
    def test_limits_lie_below_and_above_a_large_sign_and_are_centred_on_it(self):
        set_ = line((Big("Σ", m("i=0"), m("K")),), m("v"))
        sign, top = run_of(set_, "∑"), run_of(set_, "K")
        assert sign.size > 1.3 * SIZE
        low = [r for r in set_.runs if r.dy > 0.5 * SIZE]
        assert "".join(r.text for r in low) == "i=0"
        assert ink(top)[3] < ink(sign)[1]
        assert min(ink(r)[1] for r in low) > ink(sign)[3]
        middle = sign.x + sign.width / 2
        assert (low[0].x + low[-1].x + low[-1].width) / 2 == pytest.approx(middle, abs=0.1)
        assert run_of(set_, "v").x > low[-1].x + low[-1].width

    def test_limits_stand_at_the_side_where_room_is_short(self):
        set_ = line((Fraction((Big("Σ", m("i")),), m("n")),))
        assert run_of(set_, "i").x > run_of(set_, "∑").x

    def test_a_named_operator_has_its_limit_below(self):
        set_ = line((Big("max", m("i")),), m("z"))
        assert run_of(set_, "max").face == "serif"
        assert ink(run_of(set_, "i"))[1] > ink(run_of(set_, "max"))[3]

    @pytest.mark.parametrize("body", [m("x"), math("d_k"), (Fraction(m("1"), m("n")),), m("W")])
    def test_the_bar_of_a_radical_meets_its_sign_and_covers_its_body(self, body):
        set_ = line((Root(body),))
        sign, bar = run_of(set_, "√"), min(set_.rules, key=lambda r: r.dy)
        left, top, right, bottom = ink(sign)
        assert bar.dy == pytest.approx(top, abs=0.02)
        assert left < bar.x <= right
        inside = [ink(r) for r in set_.runs if r is not sign]
        assert max(i[2] for i in inside) <= bar.x + bar.width
        assert min(i[1] for i in inside) > bar.dy + bar.height
        assert bottom >= min(0.1, max(i[3] for i in inside)) - 0.01
        assert min(i[0] for i in inside) >= right - 0.05 * SIZE

    def test_brackets_are_as_tall_as_a_fraction_and_no_taller_than_letters_need(self):
        tall = line((Fence("(", TestFractions.FRACTION, ")"),))
        brackets = [r for r in tall.runs if r.text in "()"]
        inside = [ink(r) for r in tall.runs if r.text not in "()"]
        for bracket in brackets:
            _, top, _, bottom = ink(bracket)
            assert bottom - top > 0.85 * (max(i[3] for i in inside) - min(i[1] for i in inside))
            assert -(top + bottom) / 2 == pytest.approx(AXIS * SIZE, abs=0.02)
            assert bracket.squeeze < 1
        assert [r.text for r in line((Fence("(", m("x"), ")"),)).runs] == ["(", "x", ")"]
        assert {r.size for r in line((Fence("(", m("x"), ")"),)).runs} == {SIZE}

    def test_a_bracket_that_is_left_out_takes_no_room(self):
        assert line((Fence("", m("x"), ""),)).width == line(m("x")).width


class TestLines:
    def test_the_first_relation_says_where_a_line_is_aligned(self):
        set_ = line(math("h_t"), m(" = a = b"))
        assert set_.relation == pytest.approx(set_.runs[2].x, abs=0.001)
        assert line(m("a + b")).relation is None

    def test_words_and_formulas_keep_the_spaces_between_them(self):
        set_ = line(plain("where "), math("W_h"), plain(" is shared"))
        assert set_.text == "where Wh is shared"

    def test_the_ink_of_a_minus_ends_above_the_baseline(self):
        set_ = line(plain("−"))
        assert set_.descent < 0 < set_.ascent
        assert line(plain(" ")).ascent == line(plain(" ")).descent == 0


styles = st.sampled_from(["math", "math-bold", "math-upright", "plain", "code"])
pieces = st.recursive(
    st.builds(Run, st.text("xyW12 +-=(|ᵀ⊙∂\u0302é漢ש", max_size=6), styles),
    lambda inner: st.one_of(
        *(
            st.builds(kind, *(st.lists(inner, max_size=2).map(tuple) for _ in range(count)))
            for kind, count in ((Script, 3), (Fraction, 2), (Root, 1))
        ),
        st.builds(Accent, st.lists(inner, max_size=2).map(tuple), st.sampled_from(["hat", "tilde", "bar", "dot", "vector"])),
        st.builds(Big, st.sampled_from(["Σ", "Π", "∫", "max", "", "<"]), st.lists(inner, max_size=2).map(tuple)),
        st.builds(Fence, st.sampled_from("([{|⟨"), st.lists(inner, max_size=2).map(tuple), st.sampled_from([")", "", "‖"])),
    ),
    max_leaves=8,
)  # fmt: skip


@given(st.lists(pieces, max_size=4).map(tuple), st.sampled_from([9.0, 12.0, 14.0]))
@settings(deadline=None)
def test_whatever_is_nested_lies_within_the_ink_its_line_states(text: Text, size: float) -> None:
    set_ = set_line(text, size)
    assert set_.width >= 0
    for run in set_.runs:
        assert run.width >= 0
        assert run.x > -size
        if any(any(measure(c, run.face)[2]) for c in run.text):
            _, top, _, bottom = ink(run)
            assert -top <= set_.ascent + 0.01
            assert bottom <= set_.descent + 0.01
    for rule in set_.rules:
        assert -rule.dy <= set_.ascent + 0.01
        assert rule.dy + rule.height <= set_.descent + 0.01
    assert isinstance(text_of(text), str)


@pytest.mark.parametrize("size", [10.0, 14.0])
def test_subscripts_under_superscripts_stand_at_one_height_whether_those_reach_down_or_not(size: float):
    downs = {run.dy for above in "QKVT" for run in set_line((Script(m("W"), m("i"), m(above)),), size).runs if run.text == "i"}
    assert len(downs) == 1
