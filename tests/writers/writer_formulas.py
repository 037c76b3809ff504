"""Formulas with every kind of piece, as a drawing: what typeset maths must look like in each format."""

from __future__ import annotations

from writer_drawings import box

from netfig.drawing import Drawing, Item
from netfig.layout.lines import make_label
from netfig.layout.text import set_line
from netfig.mathtext import MARKS, Accent, Big, Fence, Fraction, Root, Run, Script, Text, math, plain


def m(text: str) -> Text:
    return (Run(text, "math"),)


def up(text: str) -> Text:
    return (Run(text, "math-upright"),)


def bold(text: str) -> Text:
    return (Run(text, "math-bold"),)


def sub(base: str, below: str, above: str = "") -> Script:
    return Script(m(base), m(below) if below else (), m(above) if above else ())


PARTIAL = Fraction((*m("∂"), *m("L")), (*m("∂"), sub("h", "t")))

FORMULAS: dict[str, Text] = {
    "elman": (
        sub("h", "t"), *m(" = "), *up("tanh"), *m("("), sub("W", "xh"), *m(" "), sub("x", "t"), *m(" + "),
        sub("W", "hh"), *m(" "), sub("h", "t-1"), *m(" + "), sub("b", "h"), *m(")"),
    ),
    "gated": (
        sub("h", "t"), *m(" = "), sub("c", "t"), *m(" ⊙ "), sub("h", "t-1"), *m(" + (1 - "), sub("c", "t"), *m(") ⊙ "),
        sub("W", "x"), *m(" "), sub("x", "t"),
    ),
    "gradient": (PARTIAL, *m(" = "), Fraction((*m("∂"), sub("L", "t+1")), (*m("∂"), sub("h", "t"))), *m(" + "),
                 Big("Σ", m("i=0"), m("K")), Fraction((*m("∂"), Accent(m("y"), "hat")), (*m("∂"), sub("W", "hh")))),
    "attention": (sub("h", "t"), *m(" = "), Big("Σ", m("i=0"), m("K")), sub("a", "t,i"), *m(" "), sub("v", "i")),
    "scaled": (*up("softmax"), Fence("(", (Fraction((*m("Q"), *m("Kᵀ")), (Root((sub("d", "k"),)),)),), ")"), *m(" V")),
    "score": (sub("w", "i"), *m(" = "), Script(m("Q"), m("i"), m("ᵀ")),
              *m(" "), sub("k", "i"), *m(",  "), sub("w", "i", "2")),
    "roots": (Root((sub("d", "k"),)), *m(" , "), Root(m("x")), *m(" , "), Root((Fraction(m("1"), m("n")),)), *m(", "),
              Root((Root(m("y")),))),
    "marks": tuple(p for mark in MARKS for letter in "yhxWdfσ" for p in (Accent(m(letter), mark), *m(" "))),
    "marked": (Script((Accent(m("y"), "hat"),), m("1")), *m(", "), Script((Accent(m("h"), "tilde"),), m("t")), *m(" = "),
               *up("tanh"), *m("(W[x; r ⊙ h'])")),
    "bold": (*bold("W"), *bold("x"), *m(" + "), *bold("b"), *m(" = "), *bold("σ"), *m(",  "), *m("W x + b")),
    "sets": (*m("x"), *m(" ∈ "), Script(m("ℝ"), (), m("n×m")), *m(", "), *m("f: "), *m("ℝ → ℕ, n ≤ m ≈ p ≠ q ∼ r ∝ s")),
    "greek": m("α β γ δ ε ζ η θ λ μ π σ φ ψ ω Γ Δ Θ Λ Σ Φ Ψ Ω ∇ ∂ ∞"),
    "signs": (*m("-x + y - (-z) · w × v ⊙ u ∘ t ⊕ s ∗ r ± q, "), Script(m("e"), (), m("-x"))),
    "operators": (Big("max", m("i")), sub("z", "i"), *m(" ≥ "), Big("Π", m("t=1"), m("T")), sub("p", "t"), *m(" − "),
                  Big("∫", m("0"), m("1")), *m("f(y) "), *up("d"), *m("y")),
    "nested": (*math("h_{t_{i}}"), *m(" + "), *math("x^{2^{n}}"), *m(" + "), sub("W", "xh", "(2)"), *m(" + "),
               Script(m("f"), m("i"), m("'")), *m(" + "), sub("y", "j"), *m(" + T(y) + f(f)")),
    "fences": (Fence("[", (Fraction(m("a"), m("b")),), "]"), *m(" "), Fence("{", (Fraction(m("a"), m("b")),), "}"), *m(" "),
               Fence("|", (Fraction(m("a"), m("b")),), "|"), *m(" "), Fence("‖", (sub("x", "i"),), "‖"), *m(" "),
               Fence("⌈", m("x"), "⌉"), *m(" "), Script((Fence("(", (Fraction(m("a"), m("b")),), ")"),), m("i"), m("2")),
               *m(" = "), *up("tanh"), Fence("(", m("x"), ")")),
    "words": (*plain("where "), sub("W", "h"), *plain(" is shared, "), *m("T"), *plain(" = 3 steps and "), *m("x ∈ ℝⁿ"),
              *plain(" of "), sub("d", "k"), *plain(" numbers")),
}  # fmt: skip


def everything_of(text: str) -> Text:
    """Every kind of piece, made of one string."""
    t = m(text)
    return (
        *plain(text), *t, *up(text), *bold(text), Script(t, t, t), Accent(t, "hat"), Accent(t, "bar"), Fraction(t, t),
        Big(text, t, t), Root(t), Fence(text, t, text),
    )  # fmt: skip


def sheet(size: float = 14.0, only: tuple[str, ...] = tuple(FORMULAS)) -> Drawing:
    """One formula a line, each at `size` and as a small label."""
    items: list[Item] = []
    top = 20.0
    for name in only:
        line, small = set_line(FORMULAS[name], size), set_line(FORMULAS[name], 11)
        baseline = top + line.ascent
        items.append(make_label(name, line, 20, baseline, align="left"))
        items.append(make_label(f"{name}/small", small, 480, baseline, align="left"))
        top += line.ascent + line.descent + 12
    items.append(box("h", "state", 700, 20, 44, 30))
    items.append(make_label("h/text", set_line(math("h_{t-1}"), 16), 722, 40.5, role="state", box="h", on="inside"))
    items.append(box("g", "state", 760, 20, 60, 50))
    items.append(make_label("g/text", set_line((PARTIAL,), 14), 790, 49, role="state", box="g", on="inside"))
    return Drawing(860, top + 8, tuple(items), "Formulas", "Every kind of piece that maths is set with.")
