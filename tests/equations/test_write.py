"""What is written is read back as the same program, and LaTeX is LaTeX."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from mutations import CORPUS
from program_strategies import programs

from netfig.equations import parse, write
from netfig.equations.types import Symbol
from netfig.equations.writer import reformat
from netfig.errors import UsageError

STYLES = ("unicode", "ascii", "latex")
COMMAND = re.compile(r"\\([A-Za-z]+)")
COMMANDS = """
alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau upsilon phi chi psi omega
Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega tanh exp log sin cos max min sinh cosh arctan det
operatorname mathit mathrm mathbb text left right odot cdot frac sqrt sum prod top prime hat tilde bar dot vec widehat
widetilde overline in times ge ldots infty quad
"""
KNOWN = set(COMMANDS.split())  # of LaTeX with amsmath and amssymb


@pytest.mark.parametrize("style", STYLES)
@given(programs)
def test_an_arbitrary_program_is_read_back_from_every_style(style, program):
    assert parse(write(program, style)) == program


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("source", CORPUS, ids=lambda s: s.split("\n")[0][:40])
def test_every_program_of_the_project_is_read_back_from_every_style(source, style):
    program = parse(source)
    assert parse(write(program, style)) == program


@pytest.mark.parametrize("source", CORPUS, ids=lambda s: s.split("\n")[0][:40])
def test_latex_is_balanced_and_uses_known_commands_only(source):
    latex = "\n".join(line.split("  %")[0] for line in write(parse(source), "latex").splitlines() if not line.startswith("%"))
    assert set(COMMAND.findall(latex)) <= KNOWN
    assert len(re.findall(r"\\left\b", latex)) == len(re.findall(r"\\right\b", latex))
    depth = 0
    for sign in re.sub(r"\\[{}]", "", latex):
        depth += (sign == "{") - (sign == "}")
        assert depth >= 0
    assert depth == 0
    assert not re.search(r"\}\^\{[^{}]*\}\^|_\{[^{}]*\}_", latex)  # a second script on one base is an error
    lines = latex.strip().splitlines()
    assert all(line.rstrip().endswith(r"\\") for line in lines[:-1])
    assert all(line.count("&") == 1 for line in lines)


def test_ascii_is_ascii_and_unicode_is_what_one_writes_by_hand():
    program = parse("h̃[t] = σ(W_α x[t]) ⊙ (q[t]^T k[t] / √(d)) + x[t]^2")
    assert write(program, "ascii") == "h_tilde[t] = sigmoid(W_alpha x[t]) * (q[t]^T k[t] / sqrt(d)) + x[t]^2\n"
    assert write(program) == "h̃[t] = σ(W_α x[t]) ⊙ (q[t]ᵀ k[t] / √(d)) + x[t]²\n"
    assert write(program, "latex") == (
        r"\tilde{h}_{t} &= \sigma\left(W_{\alpha} x_{t}\right) \odot \frac{q_{t}^{\top} k_{t}}{\sqrt{d}} + x_{t}^{2}" + "\n"
    )


def test_one_equation_and_one_expression_are_written_alone():
    made = parse("h[t] = tanh(W x[t])").equations[0]
    assert write(made) == "h[t] = tanh(W x[t])"
    assert write(made.right, "latex") == r"\tanh\left(W x_{t}\right)"
    assert write(Symbol("W_xh")) == "W_xh"


def test_an_unknown_style_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no style 'latx'") as caught:
        write(Symbol("h"), "latx")
    assert "latex" in caught.value.hint


SHEET = """# a cell

x[t] : n,   h[t],c[t] : m     # sizes
f[t] = sigmoid(W_f x[t])  # gate

c[t] = f[t]*c[t-1];  h[t]=tanh(  # the
   c[t])
"""


def test_formatting_keeps_comments_and_lines():
    assert reformat(parse(SHEET), "unicode") == (
        "# a cell\n\nx[t] : n,   h[t] : m,c[t] : m     # sizes\nf[t] = σ(W_f x[t])  # gate\n\n"
        "c[t] = f[t] ⊙ c[t-1];  h[t]=tanh(  # the\n   c[t])\n"
    )


COMMAS = (
    "x, u,  # inputs\n# of the net\nα : scalar\nh[t] = α x u\n",
    "x, # one\n h : n\nh = x\n",
    "W : m ×  # rows\n n\nh = W x\n",
)
"""Declarations that go on behind a comment."""

VECTORS = ("B = A [k] - 1\nx = A x[k-1]", "y[t] = V [h]\nz = U h[1] [h]")
"""A letter in a bracket behind a space is a value, here and in every other bracket."""

ABOVE = (
    "W^{(l)} = V",
    "h^{(l)} = W^{(l)} h^{(l-1)}",
    "h^{(l)} = W^{(l)} x^{(2)}",
    "h_i^{(l)} = Σ_{i=0}^{K} x_{t-i}",
    "Σ = 3\ny[t] = Σ_{i=1}^{D} A_i x[t-i]",
    "a_i^{(l)} = b_i  for i = 1..3",
    "h_i^{(l)} = U h_i^{(l-1)} + W h_{i-1}^{(l)}",
    "W^{(l)} : m×n\nh_t^{(l)} = W^{(l)} x_t + U^{(l)} h_{t-1}^{(l)}",
)
"""Indices above, with and without a time below."""

SENTENCE = "y[t] = V h[t] + w²,\nh[t] = W x[t]²."
"""Equations as in a text: what ends them is no part of a number."""

TWO_LETTERS = "g_ij[t] = w_i u_j x[t]  for i = 1..L, j = 1..L\nh[t] = Σ(g_ij[t] for i = 1..L)  for j = 1..L"


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize(
    "source", [*CORPUS, SHEET, *COMMAS, *VECTORS, *ABOVE, TWO_LETTERS, SENTENCE], ids=lambda s: s.split("\n")[0][:40]
)
def test_formatting_twice_is_formatting_once_and_changes_no_meaning(source, style):
    program = parse(source)
    once = reformat(program, style)
    assert reformat(parse(once), style) == once
    assert parse(once) == program
