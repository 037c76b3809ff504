"""A decoder that reads an encoder: one over the other, what one step reads made strong."""

from __future__ import annotations

import pytest
from recurrences import ALL, drawn, hangs_on, members

from netfig.equations import compile, parse
from netfig.figure import Figure
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import text_of
from netfig.renderers.unrolled import UnrolledOptions, draw_unrolled
from netfig.theme import load_theme

LIGHT = load_theme("light")
WORDS = ALL["bahdanau"].read_text(encoding="utf-8")


def reading(text: str = WORDS, *, all_steps: bool = False, steps: int | None = None, **sizes: int) -> Figure:
    return draw_unrolled(compile(parse(text, "bahdanau"), sizes or None), UnrolledOptions(steps=steps, all_steps=all_steps))


def into(figure: Figure, box: str) -> dict[str, list[str]]:
    """What a box is made from, with the chips on the way."""
    return {w.source.box: [text_of(c.title) for c in w.chips] for w in figure.wires if w.target.box == box}


def test_the_step_in_focus_attends_to_every_state_drawn_and_to_those_left_out() -> None:
    figure = reading(steps=3)
    read = into(figure, "c[t=3]")
    assert {"h[j=1]", "h[j=2]", "h[j=1000000]", "s[t=2]"} <= set(read)
    assert [source for source in read if source.startswith("dots")]
    assert into(figure, "c[t=1]") == {"s[t=0]": ["W_a"]}


def test_all_wires_are_those_of_the_unrolled_graph_but_for_what_other_steps_read() -> None:
    figure = reading(S=3, T=2)
    graph = compile(parse(WORDS, "bahdanau"), {"S": 3, "T": 2})
    shown = frozenset(value for box in figure.boxes for value in members(box))
    starts = {source: id for id, box in figure.boxes.items() if "initial" in box.marks for source in box.stands_for}
    expected = {(starts.get(source, source), target) for source, target in hangs_on(graph, shown)}
    assert drawn(figure) == expected - {(f"h[j={j}]", "c[t=1]") for j in (1, 2, 3)}


def test_what_acts_after_the_sum_stands_in_the_box_and_not_on_the_wires() -> None:
    figure = reading()
    read = into(figure, "c[t=2]")
    assert (read["h[j=1]"], read["s[t=1]"]) == (["U_a"], ["W_a"])
    assert [text_of(row.text) for row in figure.boxes["c[t=1]"].rows] == ["with v"]


def test_only_what_is_read_and_what_it_gives_is_strong() -> None:
    figure = reading()
    strong = {(w.source.box, w.target.box) for w in figure.wires if w.emphasis == "strong"}
    assert strong == {pair for pair in drawn(figure) if "c[t=2]" in pair}
    assert {id: box.role for id, box in figure.boxes.items() if box.role.startswith("attention")} == {
        "c[t=1]": "attention.plain",
        "c[t=2]": "attention",
    }


def test_the_attention_weights_are_named_on_the_wires() -> None:
    labels = {w.source.box: text_of(w.label) for w in reading().wires if w.target.box == "c[t=2]" and w.label}
    assert labels == {"h[j=1]": "α_{1,2}", "h[j=2]": "α_{2,2}", "h[j=1000000]": "α_{S,2}"}


def test_the_steps_stand_over_what_they_read() -> None:
    places = {id: box.place for id, box in reading().boxes.items() if box.place}
    columns = [places[id][0] for id in ("h[j=2]", "c[t=2]", "s[t=2]", "y[t=2]")]
    rows = [places[id][1] for id in ("x[j=1]", "h[j=1]", "c[t=1]", "s[t=1]", "y[t=1]")]
    assert len(set(columns)) == 1
    assert rows == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_it_prints_on_a_page_as_large_as_it_is(theme: str) -> None:
    paints = load_theme(theme)
    drawing = lay_out(reading(), paints)
    assert not lint(drawing, paints)
    assert drawing.width <= 520
    assert drawing.height <= 680


def test_every_size_of_the_parameters_is_explained() -> None:
    caption = " ".join(text_of(line) for line in reading().caption)
    assert "v ∈ ℝ^" in caption
    assert "Thick: what step t = 2 attends to" in caption


def test_with_all_steps_every_step_has_its_wires() -> None:
    figure = reading(S=3, T=2, all_steps=True)
    assert {"h[j=1]", "h[j=2]", "h[j=3]"} <= set(into(figure, "c[t=1]"))


def test_where_the_first_state_comes_from_what_is_read_the_sequences_stand_side_by_side() -> None:
    places = {id: box.place for id, box in reading(f"{WORDS}\ns[0] = tanh(W_0 h[S])\n").boxes.items() if box.place}
    assert places["c[t=1]"][0] > places["h[j=2]"][0]
    assert places["s[t=1]"][1] == places["h[j=1]"][1]


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_as_many_steps_are_drawn_as_are_asked_for(steps: int) -> None:
    boxes = reading(steps=steps).boxes
    assert [id for id in boxes if id.startswith("c[")] == [f"c[t={t}]" for t in range(1, steps + 1)]
    assert boxes[f"c[t={steps}]"].emphasis == "strong"


def test_of_many_steps_the_first_and_the_last_are_drawn() -> None:
    figure = reading(steps=20)
    assert [id for id in figure.boxes if id.startswith("c[")] == [f"c[t={t}]" for t in (1, 2, 3, 20)]
    assert len([w for w in figure.wires if w.target.box == "c[t=20]" and w.source.box.startswith("dots 1[j")]) == 1
    assert not lint(lay_out(figure, LIGHT), LIGHT)


def test_what_the_next_step_reads_goes_on_into_dots_of_its_row() -> None:
    """The state and the output that is fed back; the context does not."""
    figure = reading()
    on = {w.source.box: w.target.box for w in figure.wires if w.target.box.startswith("dots") and "[t=" in w.source.box}
    assert set(on) == {"s[t=2]", "y[t=2]"}
    for source, target in on.items():
        assert figure.boxes[source].place[1] == figure.boxes[target].place[1]


def test_a_column_is_named_by_the_step_that_reads_and_the_one_that_is_read() -> None:
    assert [text_of(name) for name in reading().root.column_names if name] == ["j = 1, t = 1", "j = 2, t = 2", "j = S"]
