"""Attention over past states: a box that attends at every step, past states in lanes, one step in focus."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import pytest
from recurrences import CONTEXT, ELMAN, program, rolled

from netfig.drawing import Drawing, Line
from netfig.errors import UsageError
from netfig.figure import Figure
from netfig.graph import Graph
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import Run, text_of
from netfig.renderers.attention_rnn import AttentionRnnOptions, draw_attention_rnn, suits
from netfig.theme import load_theme

LIGHT = load_theme("light")


def attending(graph: Graph, **options: object) -> Figure:
    return draw_attention_rnn(graph, AttentionRnnOptions(**options))  # type: ignore[arg-type]


def sources(figure: Figure, target: str) -> list[str]:
    return sorted(w.source.box for w in figure.wires if w.target.box == target)


def attends(step: int) -> str:
    return f"h/attend.out[t={step}]"


def said(figure: Figure) -> str:
    return " ".join(text_of(line) for line in figure.caption)


def crossings(drawing: Drawing) -> list[tuple[Line, Line]]:
    """Pairs of lines of which one crosses the other."""
    found = []
    for one, other in combinations(drawing.lines, 2):
        for (a, b), (c, d) in product(pairwise(one.points), pairwise(other.points)):
            (x0, x1), (y0, y1) = sorted((a[0], b[0])), sorted((c[1], d[1]))
            (u0, u1), (v0, v1) = sorted((c[0], d[0])), sorted((a[1], b[1]))
            if (x0 < c[0] < x1 and c[0] == d[0] and y0 < a[1] < y1) or (u0 < a[0] < u1 and a[0] == b[0] and v0 < c[1] < v1):
                found.append((one, other))
    return found


def test_c4_attends_to_the_input_and_the_last_two_states_at_every_step() -> None:
    figure = attending(rolled("attention-rnn"))
    for t in (1, 2, 3):
        assert sources(figure, attends(t)) == sorted([f"h[t={t - 2}]", f"h[t={t - 1}]", f"x[t={t}]"])
        assert sources(figure, f"h[t={t}]") == [attends(t)]


def test_each_past_state_has_the_matrices_of_its_distance() -> None:
    figure = attending(rolled("attention-rnn"))
    chips = {w.source.box: [text_of(c.title) for c in w.chips] for w in figure.wires if w.target.box == attends(3)}
    assert chips == {"x[t=3]": ["QKV_0"], "h[t=2]": ["QKV_1"], "h[t=1]": ["QKV_2"]}
    stands = {c.title: c.stands_for for w in figure.wires if w.target.box == attends(3) for c in w.chips}
    assert set(stands.values()) == {("Q_0", "K_0", "V_0"), ("Q", "K", "V")}
    assert "QKV_0: Q_0, K_0, V_0; QKV_i: Q_i, K_i, V_i." in said(figure)


def test_the_weights_are_named_on_the_wires_of_the_step_in_focus_only() -> None:
    figure = attending(rolled("attention-rnn"), focus=2)
    labels = {(w.target.box, w.source.box): text_of(w.label) for w in figure.wires if w.label}
    assert labels == {
        (attends(2), "x[t=2]"): "a_{0,2}",
        (attends(2), "h[t=1]"): "a_{1,2}",
        (attends(2), "h[t=0]"): "a_{2,2}",
    }


def test_the_focus_has_another_role_and_is_thicker() -> None:
    figure = attending(rolled("attention-rnn"))
    assert [figure.boxes[attends(t)].role for t in (1, 2, 3)] == ["attention.plain", "attention.plain", "attention"]
    assert {w.emphasis for w in figure.wires if w.target.box == attends(3)} == {"strong"}
    assert {w.emphasis for w in figure.wires if w.target.box == attends(2)} == {""}


def test_more_than_two_past_states_are_wired_at_the_focus_only() -> None:
    figure = attending(rolled("attention-rnn-infinite"))
    assert sources(figure, attends(4)) == ["h[t=1]", "h[t=2]", "h[t=3]", "x[t=4]"]
    assert sources(figure, attends(3)) == ["x[t=3]"]
    assert not any("initial" in box.marks for box in figure.boxes.values())


def test_a_chosen_k_and_a_chosen_t() -> None:
    figure = attending(rolled("attention-rnn-k"), sizes=("K=4",), focus=6)
    assert sources(figure, attends(6)) == ["h[t=2]", "h[t=3]", "h[t=4]", "h[t=5]", "x[t=6]"]
    assert not lint(lay_out(figure, LIGHT), LIGHT)


@pytest.mark.parametrize(("name", "sizes"), [("attention-rnn-k", ("K=4",)), ("attention-rnn-infinite", ())])
def test_no_wires_cross_where_one_step_is_wired(name: str, sizes: tuple[str, ...]) -> None:
    assert not crossings(lay_out(attending(rolled(name), sizes=sizes), LIGHT))


def test_the_wires_of_one_step_do_not_cross_each_other() -> None:
    drawing = lay_out(attending(rolled("attention-rnn")), LIGHT)
    assert len(crossings(drawing)) == 2  # what every second state hands on passes over the next, one crossing a step
    assert not [pair for pair in crossings(drawing) if pair[0].target == pair[1].target]


def test_lanes_do_not_climb_from_step_to_step() -> None:
    few, many = (
        lay_out(attending(rolled("attention-rnn"), steps=steps, equations=False, caption=False), LIGHT) for steps in (3, 9)
    )
    assert many.height <= few.height + 20


@pytest.mark.parametrize(
    ("name", "sizes"), [("attention-rnn", ()), ("attention-rnn-k", ("K=4",)), ("attention-rnn-infinite", ())]
)
def test_it_prints_on_a_page_as_large_as_it_is(name: str, sizes: tuple[str, ...]) -> None:
    drawing = lay_out(attending(rolled(name), sizes=sizes), LIGHT)
    assert drawing.width <= 520
    assert drawing.height <= 680
    assert min(run.size for label in drawing.labels for run in label.runs if run.face != "symbol") >= 9


def test_the_caption_explains_each_size_and_sets_the_step_as_maths() -> None:
    figure = attending(rolled("attention-rnn-k"), sizes=("K=4",))
    assert "K = 4: 15 weight matrices." in said(figure)
    assert "q_{i,t}, k_{i,t} ∈ ℝ^d." in said(figure)
    assert Run("t = ", "math") in figure.caption[0]
    assert Run("4", "math") in figure.caption[0]


def test_where_the_context_is_a_value_it_flows_down_through_its_weight() -> None:
    figure = attending(program(CONTEXT))
    wire = next(w for w in figure.wires if (w.source.box, w.target.box) == ("c[t=2]", "h[t=2]"))
    assert text_of(wire.label) == "c_2"
    assert [text_of(c.title) for c in wire.chips] == ["W_c"]
    places = {id: box.place for id, box in figure.boxes.items()}
    assert places["c[t=2]"][1] > places["h[t=2]"][1] > places["x[t=2]"][1]  # type: ignore[index]


@pytest.mark.parametrize("name", ["attention-rnn", "attention-rnn-k", "attention-rnn-infinite"])
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_it_lints_clean(name: str, theme: str) -> None:
    paints = load_theme(theme)
    assert not lint(lay_out(attending(rolled(name)), paints), paints)


def test_every_op_has_a_trace_and_nothing_stands_for_what_the_graph_has_not() -> None:
    graph = rolled("attention-rnn")
    figure = attending(graph)
    traced = {id for box in figure.boxes.values() for id in box.stands_for} | {id for w in figure.wires for id in w.stands_for}
    assert {op.id for op in graph.ops} <= traced
    assert traced <= {op.id for op in graph.ops} | {v.id for v in graph.values}


@pytest.mark.parametrize(
    ("name", "said"), [("attention-rnn", "9"), ("attention-rnn-k", "3(K+1)"), ("attention-rnn-infinite", "6")]
)
def test_the_caption_counts_the_matrices(name: str, said: str) -> None:
    caption = " ".join(text_of(line) for line in attending(rolled(name)).caption).replace(" + ", "+")
    assert f"{said} weight matrices" in caption


def test_it_suits_what_attends_and_refuses_what_does_not() -> None:
    assert suits(rolled("attention-rnn")) > 0.9
    assert suits(program(ELMAN)) == 0
    with pytest.raises(UsageError, match="several past states"):
        attending(program(ELMAN))
    with pytest.raises(UsageError, match="not drawn"):
        attending(rolled("attention-rnn"), steps=2, focus=5)


@pytest.mark.parametrize("name", ["attention-rnn", "attention-rnn-k", "attention-rnn-infinite"])
def test_no_wire_leads_from_the_last_state_to_the_dots(name: str) -> None:
    """States are read from the lanes above them, never from their right."""
    figure = attending(rolled(name))
    dots = {id for id, box in figure.boxes.items() if box.role == "ellipsis"}
    assert dots
    assert not any({w.source.box, w.target.box} & dots for w in figure.wires)
