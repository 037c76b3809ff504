"""What hangs on what in a recurrence, and through which weights."""

from __future__ import annotations

import pytest
from recurrences import CONTEXT, ELMAN, GATED, JORDAN, SKIPS, program, rolled

from netfig.mathtext import text_of
from netfig.renderers.recurrence import FAR, Instance, Recurrence
from netfig.renderers.recurrence_attention import find_attention
from netfig.renderers.recurrence_rows import Rows
from netfig.renderers.recurrence_words import Words, title_of


def at(value: str, step: int) -> Instance:
    return Instance(value, (("t", step),))


def weights(text: str, target: Instance) -> dict[str, list[list[str]]]:
    found = Recurrence(program(text)).made_from(target)
    return {str(d.source): [[w.value for w in path] for path in d.paths] for d in found}


def test_a_state_hangs_on_the_input_and_on_the_state_before_each_through_its_own_weight() -> None:
    assert weights(ELMAN, at("h", 3)) == {"x[t=3]": [["W_xh"]], "h[t=2]": [["W_hh"]]}
    assert weights(ELMAN, at("y", 3)) == {"h[t=3]": [["W_hy"]]}


def test_two_steps_back_is_two_steps_back() -> None:
    assert weights(SKIPS, at("h", 5)) == {"x[t=5]": [["B"]], "h[t=3]": [["A_2"]], "h[t=4]": [["A_1"]]}


def test_a_gate_gives_a_way_past_all_weights() -> None:
    found = weights(GATED, at("h", 2))
    assert sorted(found["h[t=1]"]) == [[], ["W_h"]]
    assert sorted(found["x[t=2]"]) == [["W_c"], ["W_x"]]


def test_weights_one_after_the_other_stand_in_the_order_they_act() -> None:
    deep = "h[t] = tanh(W h[t-1] + V tanh(U x[t]))"
    assert weights(deep, at("h", 2))["x[t=2]"] == [["U", "V"]]


def test_an_input_states_and_outputs_are_shown_and_gates_are_not() -> None:
    assert dict(Recurrence(program(ELMAN)).shown) == {"x": "input", "h": "state", "y": "output"}
    assert dict(Recurrence(program(GATED)).shown) == {"x": "input", "h": "state"}


def test_a_value_all_of_an_output_passes_through_is_shown() -> None:
    assert Recurrence(program(JORDAN)).shown["h"] == "value"


def test_a_pre_activation_is_no_row_of_its_own() -> None:
    assert "z" not in Recurrence(rolled("example-three-layer-shapes")).shown


def test_the_last_step_is_not_known_while_it_is_a_name() -> None:
    view = Recurrence(program(ELMAN))
    assert view.last("t") is None
    assert Recurrence(program(ELMAN), {"T": 7}).last("t") == 7
    assert at("h", FAR - 1) in {d.source for d in view.made_from(at("h", FAR))}


def test_states_before_the_first_step_and_after_the_last_are_given() -> None:
    view = Recurrence(rolled("bidirectional", sized=True))
    assert view.is_initial(at("f", 0))
    assert view.is_initial(at("b", 5))
    assert not view.is_initial(at("b", 4))
    assert at("b", 5) in {d.source for d in view.made_from(at("b", 4))}


def test_layer_zero_is_the_input() -> None:
    view = Recurrence(rolled("stacked", sized=True))
    first = Instance("h", (("l", 1), ("t", 2)))
    assert {str(d.source) for d in view.made_from(first)} == {"x[t=2]", "h[l=1,t=1]"}


def test_the_states_of_an_lstm_are_one_cell_with_the_cell_state_on_top() -> None:
    units = Rows(Recurrence(rolled("lstm"))).units["t"]
    assert [unit.values for unit in units] == [("x",), ("h", "c")]


@pytest.mark.parametrize("name", ["jordan", "encoder-decoder", "elman", "gru", "stacked", "bidirectional"])
def test_states_that_do_not_share_what_they_are_made_from_stay_apart(name: str) -> None:
    rows = Rows(Recurrence(rolled(name)))
    assert all(not unit.is_cell for units in rows.units.values() for unit in units)


def test_attention_is_a_softmax_over_several_past_states_only() -> None:
    assert find_attention(Recurrence(rolled("attention-rnn"))) is not None
    assert find_attention(Recurrence(program(CONTEXT))) is not None
    assert find_attention(Recurrence(program("h[t] = softmax(W h[t-1] + U x[t])"))) is None
    assert find_attention(Recurrence(rolled("lstm"))) is None


def test_all_past_states_are_read_when_the_range_ends_at_t() -> None:
    view = Recurrence(rolled("attention-rnn-infinite"))
    assert {str(d.source) for d in view.made_from(at("h", 5))} == {"x[t=5]", *(f"h[t={n}]" for n in range(1, 5))}


@pytest.mark.parametrize(
    ("text", "sizes", "count"),
    [
        ("x[t] : 3, h[t] : 4\n" + "h[t] = tanh(W x[t] + U h[t-1] + b)", {}, "4·3 + 4·4 + 4 = 32 parameters"),
        ("x[t] : n, h[t] : m\n" + "h[t] = tanh(W x[t] + U h[t-1])", {}, "m·n + m·m parameters"),
        ("h[t] = w h[t-1] + u x[t]\nx[t] : scalar\nh[t] : scalar", {}, "2 parameters"),
    ],
)
def test_parameters_are_counted_as_the_sum_of_products_they_are(text: str, sizes: dict[str, int], count: str) -> None:
    assert text_of(Words(Recurrence(program(text, **sizes))).parameters()).replace(" · ", "·") == count


def test_c2_has_36_parameters() -> None:
    assert text_of(Words(Recurrence(rolled("example-three-layer-shapes"))).parameters()).endswith("= 36 parameters")


@pytest.mark.parametrize(
    ("name", "said"), [("attention-rnn", "9"), ("attention-rnn-k", "3(K+1)"), ("attention-rnn-infinite", "6")]
)
def test_c5_counts_its_matrices(name: str, said: str) -> None:
    assert text_of(Words(Recurrence(rolled(name))).matrices()).replace(" ", "") == f"{said}weightmatrices."


def test_names_of_programs_become_titles() -> None:
    assert title_of("lstm") == "LSTM"
    assert title_of("lstm-projection") == "LSTM projection"
    assert title_of("elman") == "Elman"
