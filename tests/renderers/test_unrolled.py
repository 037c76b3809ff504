"""The unrolled recurrence: it shows what the graph has, level, with the same weight at every step."""

from __future__ import annotations

import time

import pytest
from recurrences import ALL, ELMAN, HANDED_OVER, JORDAN, SKIPS, drawn, hangs_on, members, program, rolled

from netfig.errors import UsageError
from netfig.figure import Figure
from netfig.graph import Graph
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import text_of
from netfig.renderers import builtin_renderers
from netfig.renderers.unrolled import UnrolledOptions, draw_unrolled
from netfig.theme import load_theme

LIGHT = load_theme("light")


def unrolled(graph: Graph, **options: object) -> Figure:
    return draw_unrolled(graph, UnrolledOptions(**options))  # type: ignore[arg-type]


def chips_between(figure: Figure, source: str, target: str) -> list[str]:
    return [text_of(c.title) for w in figure.wires if (w.source.box, w.target.box) == (source, target) for c in w.chips]


@pytest.mark.parametrize("name", ALL)
def test_it_has_the_wires_of_the_unrolled_graph_and_no_others(name: str) -> None:
    graph = rolled(name, sized=True)
    figure = unrolled(graph, all_steps=True)
    shown = frozenset(value for box in figure.boxes for value in members(box))
    box_of = {value: box for box in figure.boxes for value in members(box)}
    expected: set[tuple[str, str]] = set()
    for source, target in hangs_on(graph, shown):
        known = box_of.get(source) or next(
            (id for id, box in figure.boxes.items() if "initial" in box.marks and source in box.stands_for), ""
        )
        assert known, (source, target)
        if known != box_of[target]:
            expected.add((known, box_of[target]))
    assert drawn(figure) == expected


@pytest.mark.parametrize("name", ALL)
def test_what_enters_and_what_leaves_is_shown_at_every_step(name: str) -> None:
    graph = rolled(name, sized=True)
    shown = {value for box in unrolled(graph, all_steps=True).boxes for value in members(box)}
    for port in (*graph.inputs, *graph.outputs):
        axes = {a.id: a for a in graph.axes}
        for axis in graph.value_by_id[port.value].axes[-1:]:
            assert {f"{port.value}[{axis}={n}]" for n in range(1, (axes[axis].extent.size or 0) + 1)} <= shown


@pytest.mark.parametrize("name", ALL)
def test_every_op_and_every_weight_has_a_trace_in_it(name: str) -> None:
    graph = rolled(name)
    figure = unrolled(graph)
    traced = {id for box in figure.boxes.values() for id in box.stands_for}
    assert {op.id for op in graph.ops} <= traced
    assert {v.id for v in graph.values if v.kind == "parameter"} <= traced


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_it_lints_clean(name: str, theme: str) -> None:
    paints = load_theme(theme)
    assert not lint(lay_out(unrolled(rolled(name)), paints), paints)


def test_the_same_chip_with_the_same_text_sits_on_the_wire_at_every_step() -> None:
    figure = unrolled(program(ELMAN))
    for t in (1, 2, 3):
        assert chips_between(figure, f"h[t={t - 1}]", f"h[t={t}]") == ["W_hh"]
        assert chips_between(figure, f"x[t={t}]", f"h[t={t}]") == ["W_xh"]
        assert chips_between(figure, f"h[t={t}]", f"y[t={t}]") == ["W_hy"]


def test_the_first_state_is_dashed_and_inputs_states_and_outputs_have_their_roles() -> None:
    boxes = unrolled(program(ELMAN)).boxes
    assert boxes["h[t=0]"].marks == ("initial",)
    assert [boxes[f"{v}[t=1]"].role for v in "xhy"] == ["input", "state", "output"]
    assert boxes["h[t=1]"].marks == ()


def test_of_many_steps_only_the_ends_are_drawn_unless_all_are_asked_for() -> None:
    some = unrolled(program(ELMAN), steps=200)
    assert [id for id in some.boxes if id.startswith("x[")] == ["x[t=1]", "x[t=2]", "x[t=3]", "x[t=200]"]
    assert any(box.role == "ellipsis" for box in some.boxes.values())
    every = unrolled(program(ELMAN), steps=200, all_steps=True)
    assert len([id for id in every.boxes if id.startswith("x[")]) == 200


def test_every_layer_of_a_stack_begins_with_a_dashed_state_of_its_own() -> None:
    figure = unrolled(rolled("stacked"), sizes=("L=2",))
    begins = {id for id, box in figure.boxes.items() if "initial" in box.marks}
    assert begins == {"h[l=1,t=0]", "h[l=2,t=0]"}
    assert chips_between(figure, "h[l=2,t=0]", "h[l=2,t=1]") == ["U_2"]


def test_rows_are_bottom_up_and_columns_are_time() -> None:
    boxes = unrolled(program(ELMAN)).boxes
    assert [boxes[f"{v}[t=2]"].place for v in "xhy"] == [(2, 0), (2, 1), (2, 2)]
    assert [boxes[f"h[t={n}]"].place for n in range(4)] == [(n, 1) for n in range(4)]


def test_a_long_sequence_has_dots_and_its_true_last_step() -> None:
    figure = unrolled(program(ELMAN, T=200))
    assert "h[t=200]" in figure.boxes
    assert "h[t=4]" not in figure.boxes
    dots = [id for id, box in figure.boxes.items() if box.role == "ellipsis"]
    assert len(dots) == 3
    into = next(w for w in figure.wires if w.source.box == "h[t=3]" and w.target.box in dots)
    assert not into.head
    assert next(w for w in figure.wires if w.target.box == "h[t=200]" and w.source.box in dots).head


def test_a_length_that_is_only_a_name_is_drawn_as_far_as_asked() -> None:
    figure = unrolled(program(ELMAN), last=True)
    assert [text_of(box.title[0]) for id, box in figure.boxes.items() if id.startswith("h[") and box.title][-2:] == ["h_T", "h_0"]
    assert not any("1000000" in text_of(line) for box in figure.boxes.values() for line in box.title)


def test_all_steps_needs_a_number() -> None:
    assert len([b for b in unrolled(program(ELMAN, T=7), all_steps=True).boxes if b.startswith("h[")]) == 8
    with pytest.raises(UsageError, match="T is only a name"):
        unrolled(program(ELMAN), all_steps=True)


def test_highlighting_a_state_makes_strong_exactly_what_it_hangs_on() -> None:
    figure = unrolled(program(ELMAN), highlight="h[3]")
    strong = {id for id, box in figure.boxes.items() if box.emphasis == "strong"}
    assert strong == {"h[t=0]", *(f"{v}[t={t}]" for v in "xh" for t in (1, 2, 3))}
    assert {(w.source.box, w.target.box) for w in figure.wires if w.emphasis == "strong"} == {
        *((f"h[t={t - 1}]", f"h[t={t}]") for t in (1, 2, 3)),
        *((f"x[t={t}]", f"h[t={t}]") for t in (1, 2, 3)),
    }
    assert all(w.emphasis for w in figure.wires)


def test_what_is_strong_is_also_thicker() -> None:
    drawing = lay_out(unrolled(program(ELMAN), highlight="h[2]"), LIGHT)
    width = {line.id: LIGHT.role(line.role).width for line in drawing.lines}
    assert {round(w, 1) for w in width.values()} == {0.9, 2.4}


def test_a_highlighted_step_beyond_those_drawn_is_drawn() -> None:
    assert "h[t=40]" in unrolled(program(ELMAN), highlight="h[40]").boxes
    with pytest.raises(UsageError, match="no 'g"):
        unrolled(program(ELMAN), highlight="g[1]")
    with pytest.raises(UsageError, match="no step 9"):
        unrolled(program(ELMAN, T=5), highlight="h[9]")


def test_one_weight_box_fans_out_to_every_step_instead_of_chips() -> None:
    figure = unrolled(program(ELMAN), weights="fan")
    assert not any(wire.chips for wire in figure.wires)
    reached = {w.target.box for w in figure.wires if w.source.box == "weight W_hh"}
    assert reached == {"h[t=1]", "h[t=2]", "h[t=3]"}
    assert not lint(lay_out(figure, LIGHT), LIGHT)


def test_a_state_that_skips_a_step_has_a_lane() -> None:
    figure = unrolled(program(SKIPS))
    assert chips_between(figure, "h[t=1]", "h[t=3]") == ["A_2"]
    drawing = lay_out(figure, LIGHT)
    lane = next(
        line for line in drawing.lines if line.source == "h[t=1]" and line.target.startswith("wire/") and len(line.points) > 2
    )
    top = min(s.bounds[1] for s in drawing.shapes if s.id == "h[t=2]")
    assert min(y for _, y in lane.points) < top


def test_backward_states_run_from_right_to_left() -> None:
    drawing = lay_out(unrolled(rolled("bidirectional")), LIGHT)
    shapes = {s.id: s.bounds for s in drawing.shapes}
    figure = unrolled(rolled("bidirectional"))
    for wire in figure.wires:
        if wire.source.box.startswith("b[") and wire.target.box.startswith("b["):
            assert shapes[wire.target.box][0] < shapes[wire.source.box][0]


def test_the_decoder_starts_from_the_last_state_of_the_encoder() -> None:
    figure = unrolled(program(HANDED_OVER, S=4, T=4))
    assert ("h[j=4]", "s[t=0]") in drawn(figure)


def test_an_lstm_hands_on_two_states_and_names_them_on_the_wires() -> None:
    figure = unrolled(rolled("lstm"))
    between = [w for w in figure.wires if (w.source.box, w.target.box) == ("h,c[t=1]", "h,c[t=2]")]
    assert sorted(text_of(w.label) for w in between) == ["c_1", "h_1"]
    assert {text_of(w.label): len(w.chips) for w in between} == {"c_1": 0, "h_1": 1}
    assert any("W_hi, W_hf, W_hg, W_ho" in text_of(line) for line in figure.caption)


def test_the_caption_says_what_is_shared_and_counts_it_once() -> None:
    caption = text_of(unrolled(rolled("example-three-layer-shapes")).caption[0])
    assert "counted once" in caption
    assert "36 parameters" in caption


def test_row_names_give_shapes() -> None:
    names = unrolled(rolled("example-three-layer-shapes")).root.row_names
    assert [text_of(row[-1]) for row in names] == ["x_t ∈ ℝ^3", "h_t ∈ ℝ^4", "ŷ_t ∈ ℝ^2"]


def test_two_hundred_steps_draw_quickly_with_dots_and_without() -> None:
    graph = program(ELMAN, T=200)
    started = time.process_time()
    lay_out(unrolled(graph), LIGHT)
    assert time.process_time() - started < 0.3
    lay_out(unrolled(graph, all_steps=True), LIGHT)
    assert time.process_time() - started < 3


def test_it_suits_recurrences_only() -> None:
    suits = next(r for r in builtin_renderers() if r.name == "unrolled").suits
    assert suits(rolled("elman")) >= 0.8
    chain = program("y = W x")
    assert suits(chain) == 0
    with pytest.raises(UsageError, match="no recurrence"):
        unrolled(chain)


def test_the_same_program_gives_the_same_figure() -> None:
    assert unrolled(program(ELMAN)) == unrolled(program(ELMAN))
    assert lay_out(unrolled(program(ELMAN)), LIGHT) == lay_out(unrolled(program(ELMAN)), LIGHT)


@pytest.mark.parametrize(("name", "steps"), [("elman", 3), ("elman", 2), ("example-scalar-chain", 3), ("example-three-layer-shapes", 3), ("example-jordan", 2)])  # noqa: E501  # fmt: skip
def test_it_prints_in_one_column_of_a_paper(name: str, steps: int) -> None:
    drawing = lay_out(unrolled(rolled(name), steps=steps), LIGHT, width=234)
    assert drawing.scale == 1.0
    assert not lint(drawing, LIGHT)


def test_an_output_that_is_fed_back_is_painted_as_an_output_and_a_hidden_layer_as_a_state() -> None:
    roles = {id: box.role for id, box in unrolled(program(JORDAN)).boxes.items() if not box.role.startswith("ellipsis")}
    assert {role for id, role in roles.items() if id.startswith("y[")} == {"output"}
    assert {role for id, role in roles.items() if id.startswith("h[")} == {"state"}


def test_a_state_that_reads_itself_stays_a_state_although_it_is_the_output() -> None:
    assert {unrolled(rolled("gru")).boxes[f"h[t={n}]"].role for n in range(4)} == {"state"}


def test_a_closed_cell_is_painted_as_a_layer_and_the_states_before_it_as_states() -> None:
    boxes = unrolled(rolled("lstm")).boxes
    assert (boxes["h,c[t=1]"].role, boxes["h[t=0]"].role, boxes["c[t=0]"].role) == ("layer.cell", "state", "state")


def test_only_a_state_that_goes_on_past_all_weights_is_a_highway() -> None:
    figure = unrolled(rolled("lstm"))
    assert {text_of(w.label) for w in figure.wires if w.role == "state" and w.label} == {"c_1", "c_2", "c_3"}
    assert not any(w.chips for w in figure.wires if w.role == "state")
    assert {w.role for w in unrolled(program(ELMAN)).wires} == {"data"}


def test_what_is_highlighted_is_thick_and_the_caption_says_so() -> None:
    figure = unrolled(rolled("lstm"), highlight="c[2]")
    assert text_of(figure.caption[-1]) == "Thick: all that c_2 depends on."
    assert {w.role for w in figure.wires} == {"data"}
    assert text_of(unrolled(program(ELMAN), highlight="h[3]").caption[-1]) == "Thick: all that h_3 depends on."
