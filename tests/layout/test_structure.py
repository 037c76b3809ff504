"""How a group's wires become chains, branches and knots."""

from __future__ import annotations

import figures

from netfig.layout.structure import ENTRY, decompose, lift


def shape(part: object) -> object:
    kind, parts = part.kind, part.parts  # type: ignore[attr-defined]
    return part.id if kind == "leaf" else (kind, *(shape(p) for p in parts))  # type: ignore[attr-defined]


def test_a_chain_is_a_series() -> None:
    assert shape(decompose("abc", [("a", "b"), ("b", "c")])) == ("series", "a", "b", "c")


def test_branches_between_a_fork_and_a_join_are_parallel() -> None:
    edges = [("a", "b"), ("a", "c"), ("c", "d"), ("b", "e"), ("d", "e")]
    assert shape(decompose("abcde", edges)) == ("series", "a", ("parallel", "b", ("series", "c", "d")), "e")


def test_what_is_neither_is_a_knot_with_its_chains_merged() -> None:
    edges = [("a", "c"), ("a", "d"), ("b", "d"), ("c", "e"), ("d", "f")]
    part = decompose("abcdef", edges)
    assert part.kind == "knot"
    assert ("series", "c", "e") in [shape(p) for p in part.parts]


def test_a_skip_has_no_say_in_the_structure() -> None:
    wires = lift(figures.residual())["block"]
    assert (ENTRY, "add") in wires.edges
    assert (ENTRY, "add") not in wires.cover


def test_a_wire_that_closes_a_cycle_runs_back() -> None:
    figure = figures.figure([figures.box("a"), figures.box("b")], [figures.wire("a", "b"), figures.wire("b", "a")])
    assert lift(figure)["root"].back == {("b", "a")}
