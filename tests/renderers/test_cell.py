"""The ``cell`` renderer: what is shown is what one step computes, for the library's cells and for recurrences from papers."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

import netfig
from netfig.equations import compile, parse
from netfig.errors import UsageError
from netfig.figure import Figure, Wire
from netfig.graph import Graph, Op, Ref
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import Accent, Run, Script, text_of
from netfig.renderers.cell import CellOptions, draw_cell
from netfig.renderers.cell_steps import plate_of
from netfig.theme import load_theme

LIBRARY = sorted((Path(netfig.__file__).parent / "cells").glob("*.rnn"))
PAPERS = sorted((Path(__file__).parents[1] / "equations" / "papers").glob("*.rnn"))
MODES = ("chips", "words")
STORED = ("parameter", "constant", "buffer")


@cache
def graph_of(path: Path) -> Graph:
    return compile(parse(path.read_text(encoding="utf-8"), path.stem))


def program(text: str, name: str = "cell") -> Graph:
    return compile(parse(text, name))


def cell(graph: Graph, **options: object) -> Figure:
    return draw_cell(graph, CellOptions(**options))  # type: ignore[arg-type]


def library(name: str) -> Graph:
    return graph_of(next(p for p in LIBRARY if p.stem == name))


def named(path: Path) -> str:
    return path.stem


# --- truth: an independent reading of the graph --------------------------------------------------------------------------------


def ops_inside(graph: Graph) -> list[Op]:
    scopes = {plate_of(graph).id}
    for s in graph.scopes:
        if s.parent in scopes:
            scopes.add(s.id)
    return [op for op in graph.ops if op.scope in scopes]


def weights_only(graph: Graph) -> set[str]:
    found = {v.id for v in graph.values if v.kind in STORED}
    for op in graph.ops:
        if op.inputs and all(r in found for r in op.reads):
            found.update(op.outputs)
    return found


def moved(ref: Ref) -> bool:
    return any(by for _, by in ref.offset) or bool(ref.at)


def flows_of(graph: Graph, figure: Figure) -> set[tuple[str, str]]:
    """What must be drawn: from box to box (or from a value that comes in) wherever an op of one reads what the other makes."""
    home = {op: box.id for box in figure.boxes.values() for op in box.stands_for if op in graph.op_by_id}
    stored = weights_only(graph)
    maker = {out: op for op in ops_inside(graph) for out in op.outputs}
    flows = set()
    for op in ops_inside(graph):
        for slot in op.inputs:
            for ref in slot.refs:
                if ref.value in stored:
                    continue
                source = f"in {ref.value}" if moved(ref) or ref.value not in maker else home[maker[ref.value].id]
                if op.id in home and source != home[op.id]:
                    flows.add((source, home[op.id]))
    return flows


def wires_of(graph: Graph, figure: Figure) -> set[tuple[str, str]]:
    """What is drawn, with a bus taken apart into the ways through it and terminals named by their value."""
    ends = [(w.source.box, w.target.box) for w in figure.wires]
    buses = {b.id for b in figure.boxes.values() if b.role == "op.merge" and not any(s in graph.op_by_id for s in b.stands_for)}
    through = [(a, d) for a, b in ends for c, d in ends if b == c and b in buses]
    panel = next(iter(g for g in figure.groups.values() if g.role == "panel"))
    inner = {child.id for child in panel.children}
    boxes = figure.boxes

    def end(id: str) -> str:
        return id if id in inner else f"in {boxes[id].stands_for[0]}"

    direct = [(a, b) for a, b in ends if not {a, b} & buses and b in inner]
    return {(end(a), b) for a, b in [*direct, *through]}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", [*LIBRARY, *PAPERS], ids=named)
def test_there_is_a_wire_wherever_an_op_reads_a_value_and_no_other(path: Path, mode: str) -> None:
    graph = graph_of(path)
    figure = cell(graph, weights=mode)
    assert wires_of(graph, figure) == flows_of(graph, figure)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("path", [*LIBRARY, *PAPERS], ids=named)
def test_no_op_and_no_weight_of_the_step_is_lost(path: Path, mode: str) -> None:
    graph = graph_of(path)
    figure = cell(graph, weights=mode)
    shown = {id for item in figure.walk() for id in item.stands_for}
    assert {op.id for op in ops_inside(graph)} <= shown
    stored = {v.id for v in graph.values if v.kind == "parameter"}
    working = weights_only(graph)
    read = {r for op in ops_inside(graph) if not set(op.outputs) <= working for r in op.reads if r in stored}
    assert read <= shown


@pytest.mark.parametrize("path", [*LIBRARY, *PAPERS], ids=named)
def test_states_leave_that_some_step_reads_again_and_each_value_is_where_it_is_made(path: Path) -> None:
    graph = graph_of(path)
    figure = cell(graph)
    makers = {out: op.id for op in ops_inside(graph) for out in op.outputs}
    for wire in figure.wires:
        target = figure.boxes[wire.target.box]
        if target.id.endswith("[out]"):
            assert makers[target.stands_for[0]] in figure.boxes[wire.source.box].stands_for


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("path", LIBRARY, ids=named)
def test_the_library_draws_without_a_defect_in_every_theme(path: Path, theme: str) -> None:
    paints = load_theme(theme)
    for mode in ("auto", *MODES):
        assert lint(lay_out(cell(graph_of(path), weights=mode), paints), paints) == ()


@pytest.mark.parametrize("path", PAPERS, ids=named)
def test_recurrences_from_papers_draw_without_a_defect(path: Path) -> None:
    paints = load_theme("light")
    assert lint(lay_out(cell(graph_of(path)), paints), paints) == ()


# --- what a textbook shows -----------------------------------------------------------------------------------------------------


def titles(figure: Figure, role: str) -> list[str]:
    return sorted(" ".join(text_of(line) for line in b.title) for b in figure.boxes.values() if b.role == role)


def highway(figure: Figure) -> list[str]:
    """The signs and words along the state's way, from the state that comes in to the one that leaves."""
    after = {w.source.box: w.target.box for w in figure.wires if w.role.startswith("state")}
    at = next(a for a in after if a not in after.values())
    way = [at]
    while at in after:
        at = after[at]
        way.append(at)
    return [" ".join(text_of(line) for line in figure.boxes[b].title) for b in way]


def names(figure: Figure) -> set[str]:
    return {text_of(w.label) for w in figure.wires if w.label}


def test_the_gated_recurrence_shows_three_chips_and_names_every_wire_its_equations_name() -> None:
    figure = cell(library("gated"))
    assert titles(figure, "weight") == ["W_c", "W_h", "W_x"]
    assert highway(figure) == ["h_{t−1}", "⊙", "+", "h_t"]
    assert names(figure) == {"c_t", "1 − c_t", "c_t ⊙ h_{t−1}", "W_x x_t"}
    assert "1−" in titles(figure, "op")


def test_the_lstm_has_its_cell_state_on_the_highway_and_four_gates_on_one_bus() -> None:
    figure = cell(library("lstm"))
    assert highway(figure) == ["c_{t−1}", "⊙", "+", "c_t"]
    assert titles(figure, "activation.gate") == ["tanh candidate", "σ forget", "σ input", "σ output"]
    bus = next(b.id for b in figure.boxes.values() if b.role == "op.merge")
    assert sum(w.source.box == bus for w in figure.wires) == 4
    assert {figure.boxes[w.source.box].stands_for for w in figure.wires if w.target.box == bus} == {("x",), ("h",)}
    assert titles(figure, "weight") == []


def test_the_gru_keeps_the_product_that_is_gated_apart() -> None:
    figure = cell(library("gru"))
    assert titles(figure, "weight") == ["W_hn"]
    assert highway(figure) == ["h_{t−1}", "⊙", "+", "h_t"]
    assert not any("W_hn" in name for name in names(figure))  # what flows there is W_hn h + b_hn


def test_weights_are_chips_or_words_as_asked() -> None:
    assert len(titles(cell(library("lstm"), weights="chips"), "weight")) == 8
    assert titles(cell(library("gated"), weights="words"), "activation.gate") == ["σ gate"]


def test_biases_are_chips_only_when_asked() -> None:
    assert not any("b" in title for title in titles(cell(library("elman")), "weight"))
    assert [t for t in titles(cell(library("elman"), biases=True), "weight") if "b" in t] == ["+ b_h", "+ b_y"]


def test_names_equations_and_caption_can_be_left_out() -> None:
    figure = cell(library("gated"), names=False, equations=False, caption=False)
    assert (names(figure), figure.equations, figure.caption) == (set(), (), ())


def test_the_equations_use_the_symbols_of_the_wires() -> None:
    figure = cell(library("gated"))
    written = "; ".join(text_of(line) for line in figure.equations)
    assert "c_t = σ(W_c x_t + W_h h_{t−1})" in written
    assert all(symbol in written for symbol in ("c_t ⊙ h_{t−1}", "1 − c_t", "W_x x_t"))


def test_the_caption_says_the_shape_of_a_value_nobody_declared() -> None:
    shapes = text_of(cell(library("gated")).caption[0])
    assert "c_t ∈ ℝ^m" in shapes.replace("h_t, ", "")


def test_a_subtrahend_and_a_divisor_are_told_apart() -> None:
    figure = cell(program("h[t] = (x[t] - h[t-1]) ⊙ y[t] / z[t]"))
    signs = {(figure.boxes[w.source.box].stands_for[0], text_of(w.label)) for w in figure.wires if w.role.endswith("sign")}
    assert signs == {("h", "−"), ("z", "÷")}


def test_a_concatenation_written_several_times_is_one_bus() -> None:
    text = "x[t] : n,  h[t] : m\nf[t] = σ(W_f [h[t-1]; x[t]])\nh[t] = f[t] ⊙ h[t-1] + (1 - f[t]) ⊙ tanh(W_c [h[t-1]; x[t]])"
    figure = cell(program(text))
    merges = [b for b in figure.boxes.values() if b.role == "op.merge"]
    assert [text_of(b.title[0]) for b in merges] == ["[h_{t−1}; x_t]"]
    assert sum(op.endswith("cat") or "cat@" in op for op in merges[0].stands_for) == 2


def test_a_state_two_steps_back_comes_in_beside_the_last_one() -> None:
    figure = cell(program("x[t] : n,  h[t] : m\nh[t] = tanh(W x[t] + U h[t-1] + V h[t-2])"))
    states = [text_of(b.title[0]) for b in figure.boxes.values() if b.role == "state"]
    assert sorted(states) == ["h_t", "h_{t−1}", "h_{t−2}"]
    assert highway(figure)[0] == "h_{t−1}"


def test_a_layer_below_comes_from_below_and_the_past_from_the_left() -> None:
    figure = cell(library("stacked"))
    roles = {text_of(b.title[0]).replace(" ", ""): b.role for b in figure.boxes.values() if b.id.endswith("]")}
    assert roles == {"h_{l−1,t}": "input", "h_{l,t−1}": "state", "h_{l,t}": "state"}


def test_a_family_is_drawn_once_as_a_stack() -> None:
    figure = cell(library("attention-rnn"))
    stacked = {" ".join(text_of(line) for line in b.title) for b in figure.boxes.values() if "stacked" in b.marks}
    assert {"Q_i", "K_i", "V_i", "h_{t−i}"} <= stacked


def test_a_product_of_numbers_has_the_sign_and_the_name_that_its_equation_gives_it() -> None:
    text = "f[t] : scalar,  x[t] : scalar,  c[t] : scalar\nc[t] = f[t] c[t-1] + x[t]"
    figure = cell(program(text))
    assert titles(figure, "op") == ["+", "×"]
    assert names(figure) == {"f_t c_{t−1}"}


def test_numbers_and_weights_alone_are_written_out() -> None:
    figure = cell(program("x[t] : m,  h[t] : m,  α : scalar\nh[t] = (1 - α) h[t-1] + α tanh(x[t])"))
    assert titles(figure, "weight") == ["× (1 − α)", "× α"]


@pytest.mark.parametrize("asked", ["over u", "T"])
def test_a_plate_that_is_not_there_is_named_with_those_that_are(asked: str) -> None:
    with pytest.raises(UsageError) as caught:
        cell(library("gated"), plate=asked)
    assert asked in str(caught.value)


def test_a_graph_without_repetition_has_no_step_to_open() -> None:
    graph = library("gated")
    flat = program("y = tanh(W x)")
    assert cell(graph).boxes
    with pytest.raises(UsageError):
        cell(flat)


def test_hostile_names_are_only_text() -> None:
    figure = cell(program("h[t] = tanh(W h[t-1])", name='<script>"&'))
    drawing = lay_out(figure, load_theme("light"))
    assert any("<script>" in label.text for label in drawing.labels)


def test_every_piece_of_a_title_is_typeset() -> None:
    """Symbols are pieces of maths with scripts, never an underscore in a word."""
    for path in LIBRARY:
        figure = cell(graph_of(path))
        for box in figure.boxes.values():
            for line in box.title:
                assert all(isinstance(p, (Run, Script, Accent)) for p in line)
                assert not any("_" in p.text for p in line if isinstance(p, Run))


def carried(wire: Wire) -> tuple[str, ...]:
    return wire.stands_for


def test_every_wire_says_which_values_it_carries() -> None:
    for path in LIBRARY:
        graph = graph_of(path)
        for wire in cell(graph).wires:
            assert carried(wire)
            assert all(v in graph.value_by_id for v in carried(wire))
