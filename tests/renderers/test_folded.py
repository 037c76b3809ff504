"""The folded recurrence: one step, its loops with delays, in the same rows as unrolled."""

from __future__ import annotations

import pytest
from recurrences import ALL, ELMAN, HANDED_OVER, JORDAN, SKIPS, program, rolled

from netfig.errors import UsageError
from netfig.figure import Figure
from netfig.graph import Graph
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import text_of
from netfig.renderers.folded import FoldedOptions, draw_folded
from netfig.renderers.unrolled import UnrolledOptions, draw_unrolled
from netfig.theme import load_theme

LIGHT = load_theme("light")


def folded(graph: Graph, **options: object) -> Figure:
    return draw_folded(graph, FoldedOptions(**options))  # type: ignore[arg-type]


def delays(figure: Figure) -> list[str]:
    return [id for id, box in figure.boxes.items() if box.role == "delay"]


def test_the_state_comes_back_through_one_delay_and_the_shared_weight() -> None:
    figure = folded(program(ELMAN))
    (delay,) = delays(figure)
    out, back = (w for w in figure.wires if delay in (w.source.box, w.target.box))
    assert (out.source.box, text_of(out.label), out.head) == ("h[t]", "h_t", False)
    assert (back.target.box, text_of(back.label), back.head) == ("h[t]", "h_{t−1}", True)
    assert [text_of(c.title) for c in back.chips] == ["W_hh"]
    assert text_of(figure.boxes[delay].title[0]) == "one-step delay"


def test_a_delay_of_two_steps_says_so_and_every_delay_is_named_once() -> None:
    figure = folded(program(SKIPS))
    assert [text_of(figure.boxes[id].title[0]) for id in delays(figure)] == ["one-step delay", "two-step delay"]
    lstm = folded(rolled("lstm"))
    assert [len(lstm.boxes[id].title) for id in delays(lstm)] == [1, 0]


def test_looking_ahead_is_no_delay() -> None:
    figure = folded(rolled("bidirectional"))
    assert sorted(text_of(figure.boxes[id].title[0]) for id in delays(figure)) == ["one step ahead", "one-step delay"]


def test_an_output_fed_back_comes_back_to_the_box_below() -> None:
    figure = folded(program(JORDAN))
    (delay,) = delays(figure)
    ends = {(w.source.box, w.target.box) for w in figure.wires if delay in (w.source.box, w.target.box)}
    assert ends == {("y[t]", delay), (delay, "h[t]")}


@pytest.mark.parametrize("name", ALL)
def test_it_folds_what_the_graph_reads_and_nothing_else(name: str) -> None:
    """Every delayed reading of a state is a loop: counted from the references of the graph alone."""
    graph = rolled(name)
    times = {a.id for a in graph.axes if a.name == "time"}
    computed = {v.id for v in graph.values if v.kind == "computed"}
    read = {
        (ref.value, axis, step)
        for op in graph.ops for slot in op.inputs for ref in slot.refs for axis, step in ref.offset
        if step and axis in times and ref.value in computed
    }  # fmt: skip
    figure = folded(graph)
    drawn = {(id.split()[1], int(id.split()[2])) for id in delays(figure)}
    assert {(value, step) for value, _, step in read} <= drawn
    if not any(ref.at for op in graph.ops for slot in op.inputs for ref in slot.refs):
        assert drawn == {(value, step) for value, _, step in read}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_it_lints_clean(name: str, theme: str) -> None:
    paints = load_theme(theme)
    assert not lint(lay_out(folded(rolled(name)), paints), paints)


@pytest.mark.parametrize("name", ["elman", "lstm", "stacked"])
def test_beside_its_unrolled_form_rows_are_level(name: str) -> None:
    figure = folded(rolled(name), with_unrolled=True)
    drawing = lay_out(figure, LIGHT)
    assert not lint(drawing, LIGHT)
    middle = {s.id: (s.bounds[1] + s.bounds[3]) / 2 for s in drawing.shapes if not s.part}
    pairs = [(id, id.replace("folded ", "").replace("t]", "t=2]")) for id in figure.boxes if id.startswith("folded ")]
    level = [(a, b) for a, b in pairs if b in middle]
    assert len(level) >= 2
    assert all(middle[a] == pytest.approx(middle[b], abs=0.02) for a, b in level)
    assert any(text_of(w.label) == "unfold" for w in figure.wires)


def test_rows_have_the_same_names_as_unrolled() -> None:
    names = [row for row in folded(program(ELMAN)).root.row_names if row]
    assert names == list(draw_unrolled(program(ELMAN), UnrolledOptions()).root.row_names)


def test_c2_folded_shows_its_shapes_and_36_parameters() -> None:
    figure = folded(rolled("example-three-layer-shapes"))
    assert [text_of(row[-1]) for row in figure.root.row_names if row] == ["x_t ∈ ℝ^3", "h_t ∈ ℝ^4", "ŷ_t ∈ ℝ^2"]
    assert "36 parameters" in text_of(figure.caption[0])


def test_what_does_not_recur_is_refused() -> None:
    with pytest.raises(UsageError, match="no recurrence"):
        folded(program("y = W x"))


def test_the_first_state_of_a_decoder_comes_from_the_last_of_the_encoder() -> None:
    figure = folded(program(HANDED_OVER))
    wire = next(w for w in figure.wires if w.target.box == "s[t=0]")
    assert (wire.source.box, text_of(wire.label)) == ("h[j]", "h_S")
    assert any(w.source.box == "s[t=0]" and w.target.box == "s[t]" for w in figure.wires)
