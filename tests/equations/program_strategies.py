"""Arbitrary programs as trees, built so that every letter is bound where it is used."""

from __future__ import annotations

from hypothesis import strategies as st

from netfig.equations.types import (
    UNBOUNDED,
    Binary,
    Call,
    Concat,
    Declaration,
    Each,
    Equation,
    FunctionName,
    Negative,
    Number,
    Power,
    Product,
    Program,
    Range,
    Reduce,
    SizeValue,
    Symbol,
    Transpose,
)
from netfig.graph import Affine

INPUTS = ("x", "u", "gate", "h_tilde", "y_hat", "alpha", "c_prime", "Deltat", "v_hat_in")
WEIGHTS = ("W", "W_xh", "b", "W_x", "W_out", "W_tilde_in", "Gamma", "A_bar", "beta_xi", "W_1", "b_2x", "mu_r", "w_alpha", "sigma")
FAMILIES = ("q", "k_in", "omega")
FUNCTIONS = ("sigmoid", "tanh", "exp", "sqrt", "abs", "norm", "softmax", "layer_norm", "phi", "MLP", "f_out")
LETTERS = ("i", "j", "tau")
T = Affine((("t", 1),))

constants = st.integers(-3, 3)
times = constants.map(lambda c: Affine((("t", 1),), c))
numbers = st.sampled_from(("0", "1", "2", "0.5", "1e-3", "12", ".5")).map(Number)
labels = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp", "Z")), max_size=8)


def sums(letters: tuple[str, ...]) -> st.SearchStrategy[Affine]:
    """An index: a few letters with factors, and a constant."""
    terms = st.lists(
        st.tuples(st.sampled_from(letters), st.sampled_from((1, -1, 2))), min_size=1, max_size=2, unique_by=lambda p: p[0]
    )
    return st.builds(Affine, terms.map(tuple), constants)


def ranges(letter: str, bound: tuple[str, ...]) -> st.SearchStrategy[Range]:
    ends = st.one_of(
        st.integers(1, 5).map(lambda n: Affine((), n)), st.just(Affine((("K", 1),))), sums(("K", *bound)), st.just(UNBOUNDED)
    )
    return st.builds(Range, st.just(letter), st.integers(0, 2).map(lambda n: Affine((), n)), ends)


def symbols(bound: tuple[str, ...]) -> st.SearchStrategy[Symbol]:
    """A weight, an input at some time, one of a family."""
    running = tuple(b for b in bound if b != "t")
    kinds = [
        st.sampled_from(WEIGHTS).map(Symbol),
        st.builds(Symbol, st.sampled_from(INPUTS), st.just(()), times.map(lambda a: (a,))),
        st.builds(
            Symbol,
            st.just("h"),
            st.just(()),
            st.tuples(st.one_of(sums(running or ("t",)), constants.map(lambda c: Affine((), c))), times),
        ),
        st.builds(Symbol, st.sampled_from(FAMILIES), st.just((Affine(),)), times.map(lambda a: (a,))),
    ]
    if running:
        kinds.append(
            st.builds(
                Symbol, st.sampled_from(FAMILIES), sums(running).map(lambda a: (a,)), st.just(()) | times.map(lambda a: (a,))
            )
        )
        kinds.append(st.builds(Symbol, st.just("m"), st.just(()), sums(running).map(lambda a: (a,))))
    return st.one_of(kinds)


def expressions(bound: tuple[str, ...], depth: int = 3) -> st.SearchStrategy:
    """Expressions over the letters that run."""
    leaf = numbers | symbols(bound)
    if depth == 0:
        return leaf
    inner = st.deferred(lambda: expressions(bound, depth - 1))
    letter = next((one for one in LETTERS if one not in bound), None)
    kinds = [
        leaf,
        st.builds(Binary, st.sampled_from(("+", "-", "*", "/", "@")), inner, inner),
        st.builds(Product, inner, inner),
        st.builds(Negative, inner),
        st.builds(Transpose, inner),
        st.builds(
            Power,
            inner,
            st.one_of(numbers, numbers.map(Negative), st.sampled_from((Symbol("n"), Symbol("T"), Symbol("N"))), inner),
        ),
        st.builds(Call, st.sampled_from(FUNCTIONS), inner.map(lambda e: (e,))),
        st.builds(Call, st.sampled_from(("max", "outer", "dot", "MLP")), st.tuples(inner, inner)),
        st.builds(Concat, st.lists(inner, min_size=1, max_size=3).map(tuple)),
    ]
    if letter is not None:
        body = st.deferred(lambda: expressions((*bound, letter), depth - 1))
        kinds.append(st.builds(Each, body, ranges(letter, bound)))
        kinds.append(st.builds(Reduce, st.sampled_from(("sum", "prod", "mean", "max")), body, ranges(letter, bound)))
    return st.one_of(kinds)


def _equation(over: tuple[str, ...], left: Symbol) -> st.SearchStrategy[Equation]:
    bound = ("t", *over, *(name for index in left.indices for name, _ in index.terms if name != "t"))
    each = [ranges(letter, ("t", *over[:number])) for number, letter in enumerate(over)]
    return st.builds(Equation, st.just(left), expressions(bound), st.tuples(*each), labels)


LEFTS = [
    ((), Symbol("h", (), (Affine((("l", 1),)), T))),
    ((), Symbol("gate", (), (T,))),
    (("i",), Symbol("q", (Affine((("i", 1),)),), (T,))),
    (("i", "j"), Symbol("r", (Affine((("i", 1),)), Affine((("j", 1),))), (T,))),
]
SIZES = (Affine((("n", 1),)), Affine((("m", 2),), 1), Affine((), 3), Affine((("d_model", 1),)))
declarations = st.builds(
    Declaration,
    st.sampled_from((Symbol("x", (), (T,)), Symbol("W_xh"), Symbol("alpha"), Symbol("q", (Affine((("i", 1),)),), (T,)))),
    st.lists(st.sampled_from(SIZES), max_size=2).map(tuple),
)
# What every program says, so that each name is what the strategies take it for.
FIRM = (
    FunctionName("MLP"),
    FunctionName("f_out"),
    SizeValue("K", 4),
    *(
        Equation(
            Symbol(f, (Affine((("i", 1),)),), (T,)), Symbol("x", (), (T,)), (Range("i", Affine((), 1), Affine((("K", 1),))),)
        )
        for f in FAMILIES
    ),
    *(
        Equation(Symbol(f, (Affine((("i", 1),)),)), Number("1"), (Range("i", Affine((), 1), Affine((("K", 1),))),))
        for f in FAMILIES
    ),
)
equations = st.one_of([_equation(over, left) for over, left in LEFTS])
statements = st.lists(equations | declarations, min_size=1, max_size=4)
programs = st.builds(lambda ones, title: Program((*FIRM, *ones), title), statements, labels)
