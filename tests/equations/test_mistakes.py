"""What a hurried student types: read as meant where it is certain, else refused with a message that says what to write."""

from __future__ import annotations

import pytest

from netfig.equations import compile, infer, parse, write
from netfig.errors import InvalidProgram

ELMAN = "h[t] = tanh(W x[t] + U h[t-1])\ny[t] = V h[t]\n"


def refused(source: str) -> InvalidProgram:
    with pytest.raises(InvalidProgram) as caught:
        infer(parse(source))
    return caught.value


def pointed_at(error: InvalidProgram) -> str:
    """What stands above the carets of the only problem."""
    (problem,) = error.problems
    return error.source[problem.start : problem.end]


class TestPasted:
    @pytest.mark.parametrize("sign", ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u200e", "\u200f"])
    def test_invisible_signs_of_a_web_page_mean_nothing(self, sign):
        source = sign + ELMAN.replace("[", sign + "[").replace("\n", sign + "\n")
        assert parse(source) == parse(ELMAN)

    @pytest.mark.parametrize("sign", ["\u202e", "\u2066", "\x00", "\x1b"])
    def test_signs_that_hide_what_is_read_are_named_by_their_number(self, sign):
        error = refused(f"h[t] = W {sign}x[t]")
        assert error.what == f"an invisible sign, U+{ord(sign):04X}, cannot stand here"
        assert (pointed_at(error), error.hint) == (sign, "delete it")

    def test_full_width_signs_are_those_of_ascii(self):
        wide = str.maketrans("=()+-;", "＝（）＋－；")
        source = "h[t] = tanh(W x[t] + U h[t-1]); y[t] = V h[t]"
        assert parse(source.translate(wide)) == parse(source)

    @pytest.mark.parametrize("dash", ["\u2010", "\u2011", "\u2012", "–", "—", "−"])
    def test_every_dash_is_a_minus(self, dash):
        assert parse(ELMAN.replace("-", dash)) == parse(ELMAN)

    @pytest.mark.parametrize("end", ["\r\n", "\r", "\u2028", "\u2029", "\x85", "\f\n"])
    def test_every_line_end_ends_an_equation(self, end):
        assert parse(ELMAN.replace("\n", end)) == parse(ELMAN)

    @pytest.mark.parametrize("signs", [",.", ",,", "..", ", "])
    @pytest.mark.parametrize("mark", [r"\\" + "\n", "\n"])
    def test_the_commas_and_the_full_stop_of_a_sentence_end_equations_in_latex(self, signs, mark):
        first, second = r"h_t &= \tanh(W x_t + U h_{t-1})", r"y_t &= V h_t"
        assert parse(f"{first}{signs[0]}{mark}{second}{signs[1]}\n") == parse(ELMAN)

    def test_a_comma_at_the_end_of_a_line_still_goes_on_to_its_range(self):
        assert write(parse("q_i[t] = Q_i x[t],\n  i = 1..3")).strip() == "q_i[t] = Q_i x[t]  for i = 1..3"


class TestMisread:
    @pytest.mark.parametrize(
        ("index", "where"), [("t/2", "t/2"), ("t*t", "t*t"), ("t-1.5", "t-1.5"), ("t-9999999999", "t-9999999999")]
    )
    def test_an_index_that_cannot_be_one_is_no_vector(self, index, where):
        error = refused(f"h[t] = W x[{index}]")
        assert (error.what, pointed_at(error)) == ("an index is a name plus or minus a whole number", index)

    @pytest.mark.parametrize(
        ("source", "where", "step", "difference"),
        [
            ("h_t = W x_t + U h_t-1", "h_t-1", "h[t-1]", "h_t - 1"),
            ("h_t+1 = W h_t", "h_t+1", "h[t+1]", "h_t + 1"),
            ("x_k-2 = A x_k", "x_k-2", "x[k-2]", "x_k - 2"),
        ],
    )
    def test_a_step_without_braces_is_asked_about(self, source, where, step, difference):
        error = refused(source)
        assert (error.what, pointed_at(error)) == (f"{where!r} can be read in two ways", where)
        assert step in error.hint
        assert difference in error.hint

    @pytest.mark.parametrize("source", ["z_t = x_t - 1", "z[t] = x[t]-1", "z_t = 2 - x_t", r"z_t = \tanh(x_t)-1"])
    def test_a_difference_with_spaces_or_brackets_is_one(self, source):
        assert " - " in write(parse(source))

    @pytest.mark.parametrize("number", ["-2", "2.5", "n", "m + 1"])
    def test_a_size_is_a_whole_number_and_never_silently_a_value(self, number):
        error = refused(f"K = {number}\nh[t] = sum(W_i h[t-i] for i = 1..K) + x[t]")
        assert (error.what, pointed_at(error)) == ("K is a size and can only be a whole number", number)

    def test_the_number_of_steps_can_be_given_although_no_equation_mentions_it(self):
        (axis,) = compile(parse(f"T = 5\n{ELMAN}")).axes
        assert (axis.extent.name, axis.extent.size) == ("T", 5)

    def test_a_value_named_like_a_size_stays_a_value(self):
        assert infer(parse("T = 2\nh[t] = T h[t-1] + x[t]")).symbols["T"].role == "computed"

    @pytest.mark.parametrize(("source", "name"), [("T = 0\n" + ELMAN, "T"), ("n = 0\nx[t] : n\n" + ELMAN, "n")])
    def test_nothing_has_no_steps_and_no_vector_no_numbers(self, source, name):
        error = refused(source)
        assert (error.what, pointed_at(error)) == (f"{name} is at least 1, not 0", f"{name} = 0")

    def test_without_past_states_the_first_member_is_still_the_one_that_is_defined(self):
        source = "K = 0\nq_0[t] = Q_0 x[t]; q_i[t] = Q_i h[t-i] for i = 1..K\nh[t] = sum(q_i[t] for i = 0..K)"
        assert [v.id for v in compile(parse(source)).values if v.kind == "input"] == ["x"]


class TestSaid:
    @pytest.mark.parametrize(
        ("source", "what", "where", "hint"),
        [
            ("h[t] = np.tanh(W x[t])", "'.' is no part of the language", ".", "without 'np.': tanh"),
            ("h[t] = W.T x[t]", "'.' is no part of the language", ".", "the transpose is W^T"),
            ('h["t"] = W x[t]', "'\"' is no part of the language", '"', "names stand without quotes"),
            ("h[t] = W x[t] // the state", "'/' cannot stand here", "/", "a comment begins with #"),
            ("// the state", "'/' cannot stand here", "/", "a comment begins with #"),
            ("= tanh(W x[t])", "nothing stands on the left of '='", "=", "such as h[t], q_i[t] or h[l, t]"),
            ("h[t] : vector\nh[t] = W x[t]", "'vector' is no size", "vector", "a vector has one size, n; a matrix two, m×n"),
            ("h[t] : 9999999999\nh[t] = W x[t]", "this size is too large", "9999999999", ""),
            ("ht = U ht", "within one step ht needs ht", "ht", "indices stand in brackets: h[t] = tanh(W x[t] + U h[t-1])"),
            ("K = 3", "there is no equation", "K = 3", "such as h[t] = tanh(W x[t] + U h[t-1])"),
        ],
    )  # fmt: skip
    def test_what_is_wrong_where_and_what_to_write(self, source, what, where, hint):
        error = refused(source)
        assert (error.what, pointed_at(error), error.hint) == (what, where, hint)

    def test_a_range_inside_a_sum_is_shown_as_it_is_written(self):
        error = refused("h[t] = sum(W_i h[t-i], i = 1..3) + x[t]")
        assert (error.what, pointed_at(error)) == ("'=' cannot stand here", "=")
        assert "sum(a_i for i = 1..K)" in error.hint

    def test_a_shape_as_python_writes_it_is_read(self):
        assert write(parse("h[t] : (n,)\nh[t] = W x[t]")).splitlines()[0] == "h[t] : n"

    def test_a_matrix_that_looks_like_a_vector_can_be_declared(self):
        error = refused("h[t] : (3, 4)\nh[t] = W x[t]")
        assert error.hint == "if it is a matrix, say so: x[t] : m×n"
        assert infer(parse("h[t] : (3, 4)\nx[t] : m×4\nh[t] = W x[t]"))
