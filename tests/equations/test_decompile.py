"""Equations read back from the ops of a graph read as those it was written with, whatever its values are called."""

from __future__ import annotations

from dataclasses import replace

import pytest

from netfig.equations import compile, equation_lines, parse, typeset
from netfig.equations.layers import as_families
from netfig.equations.library import cell_text
from netfig.graph import Graph, Slot
from netfig.mathtext import Run, Script, Text, math, text_of


def renamed(graph: Graph) -> Graph:
    """The graph without its equations, its values called as in a model: ``rnn/h``."""

    def new(id: str) -> str:
        return f"rnn/{id}"

    values = tuple(
        replace(
            v,
            id=new(v.id),
            initial=tuple((a, n, new(s)) for a, n, s in v.initial),
            final=tuple((a, n, new(s)) for a, n, s in v.final),
        )
        for v in graph.values
    )
    ops = tuple(
        replace(
            op,
            inputs=tuple(Slot(s.name, tuple(replace(r, value=new(r.value)) for r in s.refs)) for s in op.inputs),
            outputs=tuple(map(new, op.outputs)),
        )
        for op in graph.ops
    )
    scopes = tuple(
        replace(s, inputs=tuple(map(new, s.inputs)), outputs=tuple(map(new, s.outputs)), owns=tuple(map(new, s.owns)))
        for s in graph.scopes
    )
    ports = {"inputs": graph.inputs, "outputs": graph.outputs}
    moved = {key: tuple(replace(port, value=new(port.value)) for port in some) for key, some in ports.items()}
    return replace(graph, values=values, ops=ops, scopes=scopes, notes=(), **moved)


@pytest.mark.parametrize("cell", ["elman", "jordan", "lstm", "gru", "lstm-peephole", "lstm-projection", "mgu", "bidirectional"])
def test_values_are_printed_by_their_symbols_and_not_by_their_ids(cell: str) -> None:
    program = parse(cell_text(cell), cell)
    lines = [text_of(line) for line in equation_lines(renamed(compile(program)))]
    assert lines == [text_of(typeset(equation)) for equation in program.equations]


def test_an_op_that_cannot_be_written_leaves_no_equations_rather_than_some() -> None:
    graph = renamed(compile(parse("x[t] : n, h[t] : n; h[t] = tanh(W x[t]) + U h[t-1]", "")))
    assert equation_lines(graph)
    odd = tuple(replace(op, kind="view_as_strided") if op.kind == "tanh" else op for op in graph.ops)
    assert equation_lines(replace(graph, ops=odd)) == ()


def test_very_many_equations_are_left_to_the_graph() -> None:
    text = "x[t] : n, h_1[t] : n; h_1[t] = tanh(W x[t] + U h_1[t-1]);" + ";".join(
        f"a{n}[t] = tanh(a{n - 1 if n else ''}[t])" if n else "a0[t] = h_1[t]" for n in range(40)
    )
    graph = compile(parse(text, ""))
    assert equation_lines(graph)
    assert equation_lines(replace(graph, notes=())) == ()


def marked(letter: str, mark: str) -> Script:
    return Script((Run(letter, "math"),), (Run("t", "math"),), (Run(mark, "math-upright"),))


def layer(n: int, below: Script, sign: str = " + ") -> Text:
    return (marked("h", f"({n})"), Run(" = ", "math"), below, Run(sign, "math"), marked("b", f"({n})"))


def test_layers_that_are_alike_are_said_once() -> None:
    x = math("x_t")[0]
    assert isinstance(x, Script)
    lines = (layer(1, x), layer(2, marked("h", "(1)")), layer(3, marked("h", "(2)")))
    assert [text_of(line) for line in as_families(lines)] == [
        "h_t^{(0)} = x_t",
        "h_t^{(l)} = h_t^{(l−1)} + b_t^{(l)},   l = 1, …, 3",
    ]


@pytest.mark.parametrize("odd", [1, 2, 3])
def test_layers_of_which_one_differs_are_all_said(odd: int) -> None:
    x = math("x_t")[0]
    assert isinstance(x, Script)
    below = [x, marked("h", "(1)"), marked("h", "(2)")]
    lines = tuple(layer(n, below[n - 1], " − " if n == odd else " + ") for n in (1, 2, 3))
    assert as_families(lines) == lines
