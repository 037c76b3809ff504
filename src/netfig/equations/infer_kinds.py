"""Scalar, vector or matrix: what each symbol is, from what is done with it and from how people name things.

Every operation allows some combinations of kinds (`infer_rules`); combinations that no assignment can complete are struck out
until nothing changes. What remains open is settled by convention (`infer_conventions`), the strongest first, each time striking
out again; a convention that would leave something impossible is not taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.infer_conventions import Conventions
from netfig.equations.infer_rules import Contradiction, Readers, Rule, readers_of, rules_of, strike
from netfig.equations.infer_tree import ANY, KIND_WORDS, ROW, VECTOR, Resolved, Term

if TYPE_CHECKING:
    from netfig.equations.infer_problems import Problems


def infer_kinds(resolved: Resolved, problems: Problems) -> None:
    """Set the one kind of every term; what cannot be is added to the problems."""
    rules = rules_of(resolved)
    state: dict[Term, int] = {}
    for thing in resolved.things.values():
        # a name for a row of a matrix is written as a vector, transposed
        state[thing.term] = thing.term.kinds if thing.definition is not None else thing.term.kinds & ~ROW
    good = rules
    trial = dict(state)
    try:
        strike(trial, rules, readers_of(rules))
        state = trial
    except Contradiction:
        good, state = _without_contradictions(rules, state, problems)
    solver = Conventions(resolved, good, problems.program.source)
    solver.settle(state, problems)
    for term, kinds in solver.state.items():
        term.kinds = kinds


def _without_contradictions(rules: list[Rule], state: dict[Term, int], problems: Problems) -> tuple[list[Rule], dict[Term, int]]:
    """The operations that can be together, taken one by one; each that cannot is reported, so that all of them are found."""
    good: list[Rule] = []
    readers: Readers = {}
    for one in rules:
        trial = dict(state)
        try:
            strike(trial, [one], readers)
        except Contradiction:
            _report(one, state, problems)
            continue
        good.append(one)
        for term in one.terms:
            readers.setdefault(term, []).append(one)
        state = trial
    return good, state


def _report(one: Rule, state: dict[Term, int], problems: Problems) -> None:
    """Say which operation cannot be, and what its operands are."""
    node = one.node
    known = [state.get(part.term, ANY) for part in node.parts]
    texts = [f"{problems.text(p.span)} is {_kind_text(k)}" for p, k in zip(node.parts, known, strict=True)]
    hint = ""
    if node.op in ("product", "sign"):
        what = "these cannot be multiplied as matrices"
        if known == [VECTOR, VECTOR]:
            hint = "write ⊙ (or *) for the product element by element, or aᵀ b (a^T b) for the inner product"
    elif node.op in ("add", "sub", "mul", "div", "pow"):
        what = "these two have different shapes"
    elif len(one.terms) == 2 and one.terms[1] is not node.term:
        what = "the two sides of this equation have different shapes"
    else:
        what = f"this does not fit {node.name or node.op}"
    problems.add(node.span, what, hint, why="; ".join(texts))


def _kind_text(kinds: int) -> str:
    return " or ".join(words for kind, words in KIND_WORDS.items() if kinds & kind) if kinds != ANY else "anything"
