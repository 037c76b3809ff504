"""What a program means: spellings, precedence, indices, families, functions, ranges, declarations, and its errors."""

from __future__ import annotations

import re
import time

import pytest

from netfig.equations import parse
from netfig.equations.types import (
    UNBOUNDED,
    Call,
    Concat,
    Declaration,
    Each,
    Equation,
    FunctionName,
    Product,
    Range,
    Reduce,
    SizeValue,
    Symbol,
    Transpose,
)
from netfig.errors import ExitCode, InvalidProgram, NetfigError
from netfig.graph import Affine


def equation(source: str, number: int = -1) -> Equation:
    return parse(source).equations[number]


def right(source: str) -> object:
    """The right side of the last equation."""
    return equation(source).right


def at(*indices: str) -> tuple[Affine, ...]:
    return tuple(map(Affine.parse, indices))


def problems(source: str) -> list[str]:
    with pytest.raises(InvalidProgram) as caught:
        parse(source)
    return [p.what for p in caught.value.problems]


def error(source: str) -> InvalidProgram:
    with pytest.raises(InvalidProgram) as caught:
        parse(source)
    return caught.value


# ---- one program, many spellings

SPELLINGS = [
    ("h[t] = σ(W x[t])", "h[t] = sigmoid(W x[t])", r"h_t = \sigma(W x_t)", "h_{t} = sigma(W x_{t})", "hₜ = σ(W xₜ)"),
    ("h[t] = a[t] ⊙ b[t-1]", "h[t] = a[t] * b[t-1]", r"h_t = a_t \odot b_{t-1}", "h[t] = a[t] .* b[t-1]", "hₜ = aₜ ∘ bₜ₋₁"),
    (
        "a[t] = q[t]ᵀ k[t]",
        "a[t] = q[t]^T k[t]",
        "a[t] = q[t]' k[t]",
        r"a_t = q_t^\top k_t",
        r"a_t = q_t^{\top} k_t",
        "a[t] = q[t]^⊤ k[t]",
    ),
    ("h̃[t] = x[t]", "h_tilde[t] = x[t]", r"\tilde{h}_t = x_t", r"\tilde h_t = x_t", "h\u0303[t] = x[t]", "h_tilde_t = x_t"),
    ("ŷ[t] = x[t]", "y_hat[t] = x[t]", r"\hat{y}_t = x_t", "y\u0302[t] = x[t]", "\u0177[t] = x[t]"),
    ("h[t] = α x[t] + Γ", "h[t] = alpha x[t] + Gamma", r"h_t = \alpha x_t + \Gamma", "h[t] = αx[t] + 𝚪"),
    (
        "h[t] = W_xh x[t]",
        r"h_t = W_{xh} x_t",
        r"h_t = \mathbf{W}_{xh}\mathbf{x}_t",
        r"h_t = {W}_{x h}x_t",
        "h[t] = 𝐖_xh x[t]",
        "h[t] = Wₓₕ x[t]",
    ),
    ("h[t] = x[t]² + y[t]⁻¹", "h[t] = x[t]^2 + y[t]^-1", r"h_t = x_t^{2} + y_t^{-1}", "h[t] = x[t]**2 + y[t]^(-1)"),
    ("h[t] = a[t] / 2 - √(x[t])", "h[t] = a[t] / 2 - sqrt(x[t])", r"h_t = \frac{a_t}{2} - \sqrt{x_t}", "h[t] = a[t]/2 − √x[t]"),
    (
        "h[t] = |x[t]| + ‖y[t]‖",
        "h[t] = abs(x[t]) + norm(y[t])",
        r"h_t = \lvert x_t \rvert + \|y_t\|_2",
        "h[t] = |x[t]| + ||y[t]||",
    ),
    (
        "h[t] = Σ(v_i[t] for i = 0..K)",
        "h[t] = sum(v_i[t] for i in 0..K)",
        r"h_t = \sum_{i=0}^{K} v_{i,t}",
        "h[t] = ∑_{i=0}^K v_i[t]",
        "h[t] = Σ_{i=0..K} v_i[t]",
    ),
    (
        "h[t] = tanh(W x[t] + b)",
        r"h_t &= \tanh\left(Wx_t + b\right) \\",
        "h[t] = tanh (W x[t]\n  + b)",
        r"h_t = \operatorname{tanh}(W x_t + b)",
    ),
    ("h[t] = W · x[t]", "h[t] = W @ x[t]", r"h_t = W \cdot x_t"),
    ("h[l,t] = h[l-1,t]", r"h_t^{(l)} = h_t^{(l-1)}", r"h^{(l)}_t = h^{(l-1)}_t", "hₜ⁽ˡ⁾ = hₜ⁽ˡ⁻¹⁾"),
    ("c′[t] = x[t]", "c'[t] = x[t]", "c_prime[t] = x[t]", r"c^{\prime}_t = x_t", "c'_t = x_t"),
    (
        "q_i[t] = Q_i x[t] for i = 1..K",
        r"q_{i,t} = Q_i x_t \quad \text{for } i = 1, \ldots, K",
        "q_i[t] = Q_i x[t], i = 1, 2, …, K",
        "q_i[t] = Q_i x[t] for 1 <= i ≤ K",
        "qᵢ[t] = Qᵢ x[t] for i ∈ {1, …, K}",
    ),
]


@pytest.mark.parametrize(("first", "other"), [(group[0], other) for group in SPELLINGS for other in group[1:]])
def test_every_spelling_is_the_same_program(first, other):
    assert parse(other) == parse(first)


def test_the_names_of_a_program_are_ascii_whatever_was_typed():
    program = parse("h̃[t] = ŷ[t] + W_α φ(x̄[t])\nΔt : scalar")
    symbols = [program.equations[0].left.name, program.equations[0].right.left.name, program.statements[1].symbol.name]
    assert symbols == ["h_tilde", "y_hat", "Deltat"]
    assert program.equations[0].right.right.right == Call("phi", (Symbol("x_bar", (), at("t")),))


# ---- precedence

SAME = [
    ("a b ⊙ c d", "(a b) ⊙ (c d)"),
    ("a ⊙ b + c", "(a ⊙ b) + c"),
    ("a b c", "(a b) c"),
    ("a - b - c", "(a - b) - c"),
    ("a / b ⊙ c", "(a / b) ⊙ c"),
    ("-a b", "-(a b)"),
    ("-a ⊙ b", "(-a) ⊙ b"),
    ("a bᵀ", "a (bᵀ)"),
    ("a b^2", "a (b^2)"),
    ("q' k", "(q') k"),
    ("tanh a b + c", "tanh(a b) + c"),
    ("tanh(a) b", "(tanh(a)) b"),
    ("√a b", "sqrt(a) b"),
    ("Σ_{i=1}^{3} a_i b_i + c", "(Σ_{i=1}^{3} (a_i b_i)) + c"),
    ("a · b c", "(a · b) c"),
    ("2 x / 3", "(2 x) / 3"),
]


@pytest.mark.parametrize(("plain", "bracketed"), SAME)
def test_juxtaposition_binds_before_elementwise_signs_and_those_before_sums(plain, bracketed):
    assert right(f"y = {plain}") == right(f"y = {bracketed}")


@pytest.mark.parametrize(("one", "other"), [("a b ⊙ c", "a (b ⊙ c)"), ("a - b - c", "a - (b - c)"), ("a / b / c", "a / (b / c)")])
def test_brackets_that_matter_make_another_program(one, other):
    assert right(f"y = {one}") != right(f"y = {other}")


# ---- indices, names and families


def test_time_below_a_name_is_an_index():
    assert equation("h_t = W h_{t-1}").left == Symbol("h", (), at("t"))
    assert right("h_t = W h_{t-1}") == Product(Symbol("W"), Symbol("h", (), at("t-1")))


def test_a_letter_that_runs_makes_a_family_and_one_that_does_not_a_name():
    assert right("q_i[t] = Q_i x[t] for i = 1..K").left == Symbol("Q", at("i"))
    gate = parse("i[t] = σ(W_i x[t])\nf[t] = σ(W_f x[t])")
    assert gate.equations[0].right.arguments[0].left == Symbol("W_i")


def test_the_left_side_binds_a_letter_that_is_used_as_an_index():
    program = parse("e_j[t] = vᵀ tanh(U s[t-1] + W_j h[j])")
    assert program.equations[0].left == Symbol("e", at("j"), at("t"))
    assert program.equations[0].right.right.arguments[0].right.left == Symbol("W", at("j"))


def test_a_number_below_is_a_member_a_component_a_time_or_part_of_the_name():
    assert equation("q_0[t] = x[t]\nq_i[t] = x[t-i] for i = 1..2", 0).left == Symbol("q", at("0"), at("t"))
    assert right("a[t] = softmax(x[t])\ny[t] = a_1[t]") == Symbol("a", at("1"), at("t"))
    assert equation("h_t = W h_{t-1}\nh_0 = 0").left == Symbol("h", (), at("0"))
    assert right("h[t] = tanh(W_1 h[t-1])").arguments[0].left == Symbol("W_1")
    assert right("h[t] = W h[t-1]\nh[0] = h_0") == Symbol("h_0")


def test_two_letters_below_are_two_indices_where_both_run():
    source = "w_ij = a for i = 1..2, j = 1..3"
    assert equation(source).left == Symbol("w", at("i", "j"))
    assert equation("w_ij = a").left == Symbol("w_ij")


def test_another_letter_steps_where_the_program_has_no_t():
    assert right("x_k = A x_{k-1} + B u_k").left.right == Symbol("x", (), at("k-1"))


def test_brackets_after_a_name_are_indices_or_a_vector():
    assert right("h[t] = W[h[t-1]; x[t]]").right == Concat((Symbol("h", (), at("t-1")), Symbol("x", (), at("t"))))
    assert right("a = x\nb = x\ny = W [a, b]") == Product(Symbol("W"), Concat((Symbol("a"), Symbol("b"))))
    assert right("y = h[S]") == Symbol("h", (), at("S"))


def test_a_prime_belongs_to_a_name_and_a_quote_transposes():
    source = "c'[t] = x[t]\ny[t] = c'[t] + q[t]' k[t]"
    assert right(source).left == Symbol("c_prime", (), at("t"))
    assert right(source).right.left == Transpose(Symbol("q", (), at("t")))


def test_two_greek_letters_of_a_gate_are_not_xi():
    assert parse(r"i_t = \sigma(W_{xi} x_t)") == parse("i[t] = σ(W_xi x[t])") != parse("i[t] = σ(W_ξ x[t])")


# ---- functions


def test_letters_of_functions_are_applied_unless_they_are_values():
    assert right("h[t] = φ(x[t])") == Call("phi", (Symbol("x", (), at("t")),))
    assert isinstance(right("f[t] = σ(x[t])\nh[t] = f[t] (x[t] + 1)"), Product)
    assert isinstance(right("h[t] = α(x[t] - h[t-1])"), Product)


def test_a_forgotten_space_is_found_where_the_family_has_two_letters():
    with pytest.raises(InvalidProgram) as caught:
        parse("g_ij[t] = w_i u_j x[t]  for i = 1..L, j = 1..L\nh[t] = Σ(Kg_ij[t] for i = 1..L)  for j = 1..L")
    assert caught.value.problems[0].hint == "for the product write 'K g'"


def test_a_declared_function_is_one_whatever_it_is_called():
    program = parse("MLP : function\nh[t] = MLP(x[t], h[t-1])")
    assert program.statements[0] == FunctionName("MLP")
    assert program.equations[0].right.function == "MLP"


def test_softmax_of_numbers_is_that_of_their_vector():
    assert right("a[t] = softmax(u, v, w)") == Call("softmax", (Concat((Symbol("u"), Symbol("v"), Symbol("w"))),))


def test_a_sum_without_limits_runs_as_the_letter_does_elsewhere():
    program = parse("K = 2\nv_0[t] = x[t]; v_i[t] = h[t-i] for i = 1..K\na[t] = softmax([x[t] for i = 0..K])\nh[t] = Σ_i v_i[t]")
    assert program.equations[-1].right.range == Range("i", *at("0", "K"))


def test_functions_of_a_running_letter_take_the_list():
    source = "a[t] = softmax_j(e_j[t])\ne_j[t] = W_j x[t] for j = 1..S"
    made = equation(source, 0).right
    assert isinstance(made.arguments[0], Each)
    assert made.arguments[0].range == Range("j", *at("1", "S"))


# ---- ranges, declarations, sizes, comments

RANGES = {
    "i = 1..K": ("1", "K"),
    "i in 0..t-1": ("0", "t-1"),
    "i = 1, …, 2K+1": ("1", "2*K+1"),
    "i = 1, 2, 3": ("1", "3"),
    "0 < i < K": ("1", "K-1"),
    "i = 1 to N": ("1", "N"),
    "i ∈ [1, K]": ("1", "K"),
}


@pytest.mark.parametrize("text", RANGES)
def test_ranges_are_read_as_they_are_written_by_hand(text):
    assert equation(f"q_i[t] = Q_i x[t] for {text}").ranges == (Range("i", *at(*RANGES[text])),)


@pytest.mark.parametrize("text", ["i ≥ 1", "i >= 1", "i > 0", "i = 1, 2, …"])
def test_an_open_range_has_no_end(text):
    assert equation(f"Q_i = Q for {text}").ranges == (Range("i", Affine((), 1), UNBOUNDED),)


def test_ranges_nest_with_the_first_outermost():
    made = right("y = sum(a_ij for i = 1..2, j = 1..i)")
    assert (made.range.variable, made.body.range) == ("i", Range("j", *at("1", "i")))
    assert isinstance(made.body, Reduce)


SHAPES = {
    "x[t] : n": ("n",),
    "x[t] ∈ R^n": ("n",),
    "x[t] ∈ ℝⁿ": ("n",),
    "W ∈ R^{m×n}": ("m", "n"),
    "W ∈ ℝᵐˣⁿ": ("m", "n"),
    "W : m x 2n": ("m", "2*n"),
    "W : 3x4": ("3", "4"),
    "W : (m, n)": ("m", "n"),
    r"W \in \mathbb{R}^{d_k \times m}": ("d_k", "m"),
    "w : scalar": (),
    "w ∈ ℝ": (),
    "x[t] in R^(K+1)": ("K+1",),
    r"W \in \mathbb{R}^{d_{i,j},m}": ("d_i_j", "m"),
}


@pytest.mark.parametrize("text", SHAPES)
def test_shapes_are_declared_as_a_mathematician_or_a_programmer_would(text):
    made = parse(text).statements[0]
    assert isinstance(made, Declaration)
    assert made.shape == at(*SHAPES[text])


@pytest.mark.parametrize(
    ("source", "wanted"),
    [
        ("x[t] : n,  # input\nh[t] : m   # state\nh[t] = W x[t]", "x[t] : n\nh[t] : m\nh[t] = W x[t]"),
        ("x[t] ∈ ℝⁿ, h : m,\nW ∈ R^{m×n},\nh = W x[1]", "x[t] : n\nh : m\nW : m×n\nh = W x[1]"),
        ("x : n,\nn = 3\nh = x", "x : n\nn = 3\nh = x"),
        ("h = W x,\nW ∈ ℝ^{m×n}", "h = W x\nW : m×n"),
        ("h = W x,\nx : n", "h = W x\nx : n"),
        ("W : m,  # rows\n  n\nh = W x", "W : m×n\nh = W x"),
    ],
)
def test_a_comma_at_the_end_of_a_line_ends_what_another_statement_follows(source, wanted):
    assert parse(source) == parse(wanted)


@pytest.mark.parametrize("over", ["i = 1..K", "i = 1, …, K", "i ∈ 1..K"])
def test_a_range_may_stand_on_the_line_after_a_comma(over):
    assert parse(f"q_i[t] = Q_i x[t],\n  {over}") == parse("q_i[t] = Q_i x[t]  for i = 1..K")


def test_several_statements_share_a_line():
    program = parse("x[t] : n,  h[t], c[t] : m; K = 2; q_i[t] = x[t], i = 0..K")
    assert [type(s).__name__ for s in program.statements] == ["Declaration"] * 3 + ["SizeValue", "Equation"]


def test_a_number_for_a_size_is_no_equation():
    assert parse("K = 2\na[t] = Σ_{i=1}^{K} v_i").statements[0] == SizeValue("K", 2)
    assert isinstance(parse("c = 2\na[t] = c x[t]").statements[0], Equation)


def test_a_statement_goes_on_over_lines_while_a_bracket_or_a_sign_is_open():
    whole = parse("h[t] = tanh(W x[t] + U h[t-1]) + b\ny[t] = h[t]")
    assert parse("h[t] = tanh(W x[t]\n  + U h[t-1]) +  # so far\n  b\n\ny[t]\n  = h[t]") == Whole(whole)


class Whole:
    """Equal to a program with the same statements whatever their labels."""

    def __init__(self, program):
        self.program = program

    def __eq__(self, other):
        return [(e.left, e.right) for e in other.equations] == [(e.left, e.right) for e in self.program.equations]

    __hash__ = None


def test_comments_give_the_title_and_the_labels():
    program = parse("# title: A cell\n# summary: none\n\nf[t] = σ(x[t])   # forget gate\n% only TeX\nh[t] = f[t]\n")
    assert program.title == "A cell"
    assert [e.label for e in program.equations] == ["forget gate", ""]
    assert parse("% Plain\nh = x").title == "Plain"


def test_spans_point_into_the_source():
    source = "x[t] : n;  h[t] = tanh(W x[t])  # state"
    declared, made = parse(source).statements
    assert source[declared.span.start : declared.span.end] == "x[t] : n"
    assert source[made.span.start : made.span.end] == "h[t] = tanh(W x[t])"
    assert source[made.right.arguments[0].right.span.start :].startswith("x[t]")


# ---- errors

MISTAKES = {
    "h[t] = simgoid(W x[t])": ("'simgoid' is no function", "did you mean 'sigmoid'?"),
    "h[t] = tanh(W x(t))": ("indices stand in square brackets", "write x[t]"),
    "h(t) = x[t]": ("indices stand in square brackets", "write h[t]"),
    "h[t] = tanh(W x[t]": ("this '(' is never closed", ""),
    "h[t] = tanh(Uh[t-1])": ("'Uh' is one name, and nothing defines it", "for the product write 'U h'"),
    "h[t] = MLP(x[t])": ("'MLP' is no function", "if it is one of yours, say so: MLP : function"),
    "h[t] = tanh": ("'tanh' is a function and needs an argument", "such as tanh(x)"),
    "h[t] = tanh(a, b)": ("tanh takes one argument, not 2", ""),
    "h[t] = Σ_i a_i": ("nothing says where 'i' begins and ends", "write Σ_{i=1}^{n} … or sum(… for i = 1..n)"),
    "dh/dt = f(h)": ("a derivative cannot be defined", "write the step: h[t] = h[t-1] + Delta f(…)"),
    "h[t] x[t]": ("this is no equation: it has no '='", "such as h[t] = tanh(W x[t] + U h[t-1])"),
    "h[t] = x[t] = y[t]": ("a second '='", "one equation for each value, each on its own line"),
    "h[t] = [a; b, c]": ("',' and ';' in one bracket", "a vector of parts is [a; b; c]; matrices of blocks are not supported"),
    "x[t] : 0": ("a size is at least 1, not 0", ""),
    "h[t] = W x[t] § 2": ("'§' is no part of the language", ""),
    "": ("there is no equation", "such as h[t] = tanh(W x[t] + U h[t-1])"),
}


@pytest.mark.parametrize("source", MISTAKES)
def test_a_mistake_says_what_it_is_and_what_to_write(source):
    found = error(source)
    assert (found.what, found.hint) == MISTAKES[source]
    assert found.exit_code == ExitCode.INVALID


def test_all_mistakes_of_all_statements_are_said_at_once_each_with_its_place():
    found = error("h[t] = simgoid(x[t])\ny[t] = V h[t] +\nz[t] = [h[t]\nw[t] = tanh(h[t]\nv[t] = h(t)")
    assert [found.place(p)[0] for p in found.problems] == [1, 2, 3, 4, 5]
    assert all(p.what in str(found) for p in found.problems)


def test_the_caret_stands_under_the_mistake():
    text = str(error("x[t] : n\nh[t] = tanh(W x[t] ⊙ ) + b"))
    line, caret = text.splitlines()[1:3]
    assert line.endswith("line 2: h[t] = tanh(W x[t] ⊙ ) + b")
    assert line[caret.index("^")] == ")"


def test_what_follows_from_a_mistake_elsewhere_is_not_said():
    assert problems("a_i[t] = W_i x[t] ) for i = 0..K\nh[t] = Σ_i a_i[t]") == ["')' cannot stand here"]


@pytest.mark.parametrize(
    "source",
    [
        "h = " + "(" * 5000 + "x" + ")" * 5000,
        "h = " + "[" * 5000,
        "h = " + "-" * 5000 + "x",
        "h = " + "√" * 5000 + "x",
        "h = " + "tanh " * 5000 + "x",
        "h = x" + "^2" * 5000,
        "h = x" + " + x" * 5000,
        "h = " + "a b " * 4000,
        "h = " + "{" * 4000 + "x" + "}" * 4000,
        "h = " + "|x| " * 3000,
        "h = x" + "_a" * 8000,
        "h" + "[t" * 3000 + "]" * 3000 + " = x",
        "x : " + "n," * 9000 + "n",
        "x : m ×" + " " * 90_000 + "n",
        "a = b, " * 4000 + "c = d",
        "\n" * 50_000 + "h = x +" + "\n" * 40_000 + "+ y",
        "h = x; " * 3000,
        "x" * 100_001,
        "\\hat " * 3000 + "x = y",
        "h = " + "Σ_{i=1}^{2} " * 2000 + "x",
    ],
    ids=lambda s: s[:12].replace("\n", "⏎"),
)
def test_long_and_deep_programs_end_soon_and_with_no_traceback(source):
    begin, said = time.process_time(), ""
    try:
        parse(source)
    except NetfigError as found:
        said = str(found)
    assert time.process_time() - begin < 1.0
    assert len(said) < 20_000


def test_the_programs_of_the_manual_are_programs(project):
    page = (project / "docs" / "recurrences.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```rnn\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert len(shown) >= 3
    assert all(parse(program).statements for program in shown)


def test_the_mistake_of_the_manual_is_said_so(project):
    page = (project / "docs" / "recurrences.md").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^```text\nnetfig: error: (.*?)\n```$", page, re.MULTILINE | re.DOTALL)
    assert shown == str(error("h[t] = simgoid(W x[t])"))
