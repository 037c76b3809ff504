"""`netfig.testing`: what keeps its promises passes, what breaks one fails with a line that says which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from netfig.figure import Box, End, Figure, Group, Wire
from netfig.graph import Graph
from netfig.hooks import Format, Renderer, Writer
from netfig.mathtext import plain
from netfig.registry import Registry
from netfig.testing import check_renderer, check_writer, figure_problems, plain_figure, sample_graphs

BUILT_IN = Registry([])


def sample(name: str) -> Graph:
    return next(g for g in sample_graphs() if g.name == name)


def test_the_samples_are_different_and_the_same_every_time() -> None:
    first, second = list(sample_graphs()), list(sample_graphs())
    assert first == second
    assert len({g.name for g in first}) == len(first) >= 7


@pytest.mark.parametrize("name", list(BUILT_IN.renderers))
def test_every_built_in_renderer_keeps_its_promises(name: str) -> None:
    check_renderer(BUILT_IN.renderer(name))


@pytest.mark.parametrize("name", list(BUILT_IN.writers))
def test_every_built_in_writer_keeps_its_promises(name: str) -> None:
    check_writer(BUILT_IN.writers[name])


@pytest.mark.parametrize("graph", list(sample_graphs()), ids=lambda g: g.name[:12])
def test_one_box_an_op_is_a_truthful_figure_of_any_graph(graph: Graph) -> None:
    assert figure_problems(graph, plain_figure(graph)) == []


def test_a_wire_that_the_graph_does_not_have_is_found() -> None:
    graph = sample("branches")
    figure = plain_figure(graph)
    lie = Wire(End("branch0/linear"), End("branch1/linear"))
    assert figure_problems(graph, replace(figure, wires=(*figure.wires, lie))) == [
        "the wire from 'branch0/linear' to 'branch1/linear' is not in the graph"
    ]


def test_a_wire_against_the_flow_is_found() -> None:
    graph = sample("chain")
    figure = plain_figure(graph)
    lie = Wire(End("2/linear"), End("0/linear"))
    assert len(figure_problems(graph, replace(figure, wires=(*figure.wires, lie)))) == 1


def test_a_wire_around_a_box_that_is_shown_is_found() -> None:
    graph = sample("chain")
    figure = plain_figure(graph)
    lie = Wire(End("0/linear"), End("2/linear"))  # the ReLU between them is drawn: the value goes through it
    assert len(figure_problems(graph, replace(figure, wires=(*figure.wires, lie)))) == 1


def test_an_op_that_is_lost_is_found_unless_the_caption_counts_it() -> None:
    graph = sample("chain")
    figure = plain_figure(graph)
    root = Group("figure", tuple(b for b in figure.boxes.values() if b.id != "1/relu"))
    wires = tuple(w for w in figure.wires if "1/relu" not in (w.source.box, w.target.box))
    cut = replace(figure, root=root, wires=wires)
    assert figure_problems(graph, cut) == ["1 ops are lost without a trace: 1/relu"]
    assert figure_problems(graph, replace(cut, caption=(plain("1 operation is not shown"),))) == []


def test_a_box_for_something_that_is_not_there_is_found() -> None:
    graph = sample("chain")
    figure = plain_figure(graph)
    ghost = Box("ghost", "op", (plain("boo"),), stands_for=("ghost",))
    root = replace(figure.root, children=(*figure.root.children, ghost))
    assert figure_problems(graph, replace(figure, root=root)) == [
        "the box 'ghost' stands for 'ghost', which the graph does not have"
    ]


def test_a_renderer_that_draws_differently_each_time_is_found() -> None:
    runs: list[int] = []

    def draw(graph: Graph, options: Any) -> Figure:
        runs.append(1)
        return replace(plain_figure(graph), title=str(len(runs)))

    with pytest.raises(AssertionError, match="drawn twice, it gives two different figures"):
        check_renderer(Renderer("moody", "Changes its mind.", draw), lint=False)


def test_a_renderer_that_returns_no_figure_is_found() -> None:
    with pytest.raises(AssertionError, match="returned str, not Figure"):
        check_renderer(Renderer("text", "Returns text.", lambda graph, options: "text"))  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize(
    ("write", "why"),
    [
        (lambda what, theme, options: "text", "wrote str"),
        (lambda what, theme, options: b"", "not bytes"),
        (lambda what, theme, options: b"<svg><g></svg>", "the SVG is not XML"),
        (lambda what, theme, options: b"<svg><script/></svg>", "the SVG holds a <script>"),
        (lambda what, theme, options: b"<svg onload='x()'/>", "the SVG holds the handler 'onload'"),
        (lambda what, theme, options: b"\x1b[31m", "control characters"),
        (lambda what, theme, options: b"\xff", "not UTF-8"),
    ],
)
def test_a_writer_that_breaks_a_promise_is_found(write: Any, why: str) -> None:
    with pytest.raises(AssertionError, match=why):
        check_writer(Writer("bad", "Writes badly.", (Format("svg", "image/svg+xml"),), write, takes="graph"))
