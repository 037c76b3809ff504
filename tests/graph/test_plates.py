"""Unrolling a plate and folding its steps are inverse, and change no number."""

from __future__ import annotations

import dataclasses
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfig.equations.library import cell_text, cells
from netfig.errors import InvalidInput, UsageError
from netfig.graph import Graph, Ref, Slot
from netfig.graph.plates import fold, unroll
from netfig.mathtext import text_of
from netfig.schema import graph_from_json, graph_to_json
from plates_strategies import interleaved, programs, rolled

ELMAN = "h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)\ny[t] = W_hy h[t] + b_y"
STACKED = "h[0,t] = x[t]\nh[l,t] = tanh(W_l h[l-1,t] + U_l h[l,t-1] + b_l)  for l = 1..L\ny[t] = V h[L,t]"


@given(source=programs(), steps=st.integers(1, 4))
@settings(max_examples=100)
def test_folding_what_was_unrolled_gives_the_same_graph(source: str, steps: int) -> None:
    graph = rolled(source)
    unrolled = unroll(graph, "t", steps)
    assert fold(unrolled) == graph
    assert fold(graph_from_json(graph_to_json(unrolled))) == graph


@given(graph=interleaved(), steps=st.integers(1, 4))
def test_forward_and_backward_ops_may_be_mixed_in_one_plate(graph: Graph, steps: int) -> None:
    assert fold(unroll(graph, "t", steps)) == graph


@given(source=programs(families=("fixed",)))
@settings(max_examples=40)
def test_the_steps_alone_tell_how_they_fold(source: str) -> None:
    """Without the note that unroll leaves, the folded graph still unrolls to the same steps."""
    unrolled = unroll(rolled(source), "t", 7)
    bare = dataclasses.replace(unrolled, notes=tuple(n for n in unrolled.notes if n.key != "unrolled"))
    again = unroll(fold(bare), "t", 7)
    assert set(again.ops) == set(bare.ops)
    assert {v.id for v in again.values} == {v.id for v in bare.values}


@pytest.mark.parametrize("name", cells())
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_every_cell_of_the_library_unrolls_and_folds(name: str, steps: int) -> None:
    graph = rolled(cell_text(name))
    assert fold(unroll(graph, "t", steps, {"K": 2, "S": 3, "L": 2})) == graph


@pytest.mark.parametrize("first", ["t", "l"])
def test_two_axes_unroll_in_either_order(first: str) -> None:
    graph = rolled(STACKED)
    second = "l" if first == "t" else "t"
    once = unroll(graph, first, 2)
    both = unroll(once, second, 2)
    assert fold(both, second) == once
    assert fold(fold(both, first), second) == graph
    assert {op.id for op in both.ops if op.kind == "tanh"} == {f"h/tanh[l={layer},t={t}]" for layer in (1, 2) for t in (1, 2)}
    other = unroll(unroll(graph, second, 2), first, 2)
    assert {v.id: v for v in other.values} == {v.id: v for v in both.values}
    assert {op.id: op for op in other.ops} == {op.id: op for op in both.ops}


def test_a_step_reads_the_one_before_it_and_the_first_the_boundary_value() -> None:
    unrolled = unroll(rolled(ELMAN), "t", 3)
    reads = [op.inputs[1].refs for op in unrolled.ops if op.id.startswith("h/matmul@1")]
    assert reads == [(Ref("h[t=0]"),), (Ref("h[t=1]"),), (Ref("h[t=2]"),)]


def test_weights_stay_one_value_that_every_step_reads() -> None:
    unrolled = unroll(rolled(ELMAN), "t", 3)
    assert [op.id for op in unrolled.readers["W_hh"]] == [f"h/matmul@1[t={t}]" for t in (1, 2, 3)]
    assert {v.id for v in unrolled.values if v.kind == "parameter"} == {"W_xh", "W_hh", "b_h", "W_hy", "b_y"}


def test_steps_stand_in_scopes_that_say_which_they_are() -> None:
    steps = [s for s in unroll(rolled(ELMAN), "t", 3).scopes if s.kind == "step"]
    assert [(s.id, s.axis, s.attribute("index")) for s in steps] == [(f"over t[t={t}]", "t", t) for t in (1, 2, 3)]


def test_symbols_get_the_index_below_them_and_the_axis_the_number_of_steps() -> None:
    unrolled = unroll(rolled(ELMAN), "t", 3)
    assert text_of(unrolled.value_by_id["h[t=2]"].symbol) == "h_2"
    assert (unrolled.axes[0].extent.size, unrolled.axes[0].extent.name) == (3, "T")


def test_notes_on_a_value_are_on_it_at_every_step_and_one_again_when_folded() -> None:
    graph = rolled("h[t] = tanh(W h[t-1] + U x[t])  # state")
    unrolled = unroll(graph, "t", 2)
    assert [unrolled.notes_on(f"h[t={t}]")["label"].value for t in (1, 2)] == ["state", "state"]
    assert [n for n in fold(unrolled).notes if n.subject == "h"] == [n for n in graph.notes if n.subject == "h"]


def test_a_plate_that_needs_later_steps_runs_downwards() -> None:
    unrolled = unroll(rolled("b[t] = tanh(U b[t+1] + V x[t])"), "t", 3)
    made = [op.outputs[0] for op in unrolled.ops if op.outputs[0].startswith("b[")]
    assert made == ["b[t=3]", "b[t=2]", "b[t=1]"]
    assert next(op for op in unrolled.ops if op.id == "b/matmul[t=3]").inputs[1].refs == (Ref("b[t=T+1]"),)


def test_a_bidirectional_plate_runs_up_and_then_down() -> None:
    unrolled = unroll(rolled(cell_text("bidirectional")), "t", 3)
    made = [op.outputs[0] for op in unrolled.ops if op.outputs[0][:2] in ("f[", "b[", "y[")]
    assert made == [f"f[t={t}]" for t in (1, 2, 3)] + [f"{name}[t={t}]" for t in (3, 2, 1) for name in "by"]


def test_a_range_that_grows_with_t_is_written_out_at_every_step() -> None:
    unrolled = unroll(rolled(cell_text("attention-rnn-infinite")), "t", 3)
    assert [op.inputs[1].refs[0].value for op in unrolled.ops if op.id.startswith("q/matmul[")] == ["h[t=1]", "h[t=2]", "h[t=1]"]
    assert [v.id for v in unrolled.values if v.id.startswith("q[")] == ["q[t=2,i=1]", "q[t=3,i=1]", "q[t=3,i=2]"]
    assert text_of(unrolled.value_by_id["q[t=3,i=2]"].symbol) == "q_{3,2}"
    assert [str(unrolled.value_by_id[f"a[t={t}]"].type.shape[0]) for t in (1, 2, 3)] == ["1", "2", "3"]


def test_a_family_alone_unrolls_beside_its_plate_over_time() -> None:
    unrolled = unroll(rolled(cell_text("attention-rnn")), "i", sizes={"K": 2})
    assert unrolled.value_by_id["q[i=1]"].axes == ("t",)
    assert text_of(unrolled.value_by_id["q[i=1]"].symbol) == "q_1"
    reads = [op.inputs[1].refs[0] for op in unrolled.ops if op.id.startswith("q/matmul[")]
    assert reads == [Ref("h", (("t", -1),)), Ref("h", (("t", -2),))]


def test_what_is_read_from_outside_is_read_at_every_step() -> None:
    unrolled = unroll(rolled("h[t] = tanh(W h[t-1] + U x[t])\nm = sum(h[t] for t = 1..T)\nz = h[T]"), "t", 3)
    ops = {op.outputs[0]: op for op in unrolled.ops}
    assert ops["m"].inputs[0].refs == tuple(Ref(f"h[t={t}]") for t in (1, 2, 3))
    assert ops["z"].inputs[0].refs == (Ref("h[t=3]"),)


def test_an_index_in_an_op_becomes_the_number_of_the_step() -> None:
    graph = rolled("h[t] = h[t-1] / t + x[t]")
    unrolled = unroll(graph, "t", 3)
    assert [op.attribute("index") for op in unrolled.ops if op.kind == "index"] == ["1", "2", "3"]
    assert fold(unrolled) == graph


def test_a_constant_boundary_stands_for_everything_beyond_it() -> None:
    unrolled = unroll(rolled(cell_text("attention-rnn-k")), "t", 2, {"K": 3})
    reads = [op.inputs[1].refs[0].value for op in unrolled.ops if op.id.startswith("q/matmul[t=1")]
    assert reads == ["h[t=0]", "h[t=0]", "h[t=0]"]


def test_unrolling_takes_time_in_proportion_to_the_steps() -> None:
    graph = rolled(ELMAN)

    def seconds(steps: int) -> float:
        best = float("inf")
        for _ in range(3):
            start = time.process_time()
            fold(unroll(graph, "t", steps))
            best = min(best, time.process_time() - start)
        return best

    assert seconds(1600) < 8 * 3 * seconds(200)  # a quadratic one would take 64 times as long


def test_five_thousand_steps_unroll() -> None:
    unrolled = unroll(rolled(ELMAN), "t", 5000)
    assert len(unrolled.ops) == 35000
    assert unrolled.ops[-1].outputs == ("y[t=5000]",)


@pytest.mark.parametrize(
    ("source", "axis", "extent", "message"),
    [
        (ELMAN, "t", None, "how many steps there are along 't' is not known\n  why: its extent is T\n  hint: say how many steps"),
        (ELMAN, "t", 0, "'t' cannot have 0 steps\n  hint: the least is 1"),
        (ELMAN, "tt", 3, "the graph 'random' has no axis 'tt'\n  hint: did you mean 't'"),
        (STACKED, "l", None, "how long the range is along 'l' is not known"),
        (cell_text("attention-rnn-infinite"), "i", None, "the range of 'i' depends on 't'\n  hint: unroll 't'"),
        (cell_text("attention-rnn-k"), "t", 3, "how long the range is along 'i' is not known\n  why: its extent is K"),
    ],
)
def test_what_cannot_be_unrolled_says_why(source: str, axis: str, extent: int | None, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        unroll(dataclasses.replace(rolled(source), name="random"), axis, extent)
    assert str(caught.value).startswith(message)


def test_what_is_unrolled_is_not_unrolled_again_and_what_is_rolled_not_folded() -> None:
    graph = rolled(ELMAN)
    with pytest.raises(UsageError, match="unrolled already"):
        unroll(unroll(graph, "t", 2), "t", 2)
    with pytest.raises(UsageError, match="is not unrolled"):
        fold(graph)
    with pytest.raises(UsageError, match="'i' was unrolled with 't'"):
        fold(unroll(rolled(cell_text("attention-rnn-infinite")), "t", 3), "i")


def test_a_value_that_is_not_there_is_named() -> None:
    graph = rolled("h[t] = tanh(W x[t-1] + U h[t-1])")
    bare = dataclasses.replace(graph, values=tuple(dataclasses.replace(v, initial=()) for v in graph.values))
    with pytest.raises(InvalidInput, match=r"there is no x\[t=0\], which is read\n  where: h/matmul"):
        unroll(bare, "t", 2)


def test_states_that_need_each_other_are_named() -> None:
    graph = rolled("a[t] = tanh(W b[t-1])\nb[t] = tanh(V x[t])")
    values = tuple(dataclasses.replace(v, final=(("t", 1, "b[t=0]"),), initial=()) if v.id == "a" else v for v in graph.values)
    turned = []
    for op in graph.ops:
        if op.outputs == ("b",):
            op = dataclasses.replace(op, inputs=(Slot("input", (Ref("a", (("t", 1),)),)),))
        turned.append(op)
    with pytest.raises(InvalidInput, match=r"need each other\n  why: .* needs .* needs"):
        unroll(dataclasses.replace(graph, values=values, ops=tuple(turned)), "t", 3)


def changed_op(graph: Graph, id: str, **changes: object) -> Graph:
    ops = tuple(dataclasses.replace(op, **changes) if op.id == id else op for op in graph.ops)  # type: ignore[arg-type]
    return dataclasses.replace(graph, ops=ops)


def test_steps_that_are_not_alike_say_where_they_differ() -> None:
    unrolled = unroll(rolled(ELMAN), "t", 4)
    other = changed_op(unrolled, "h/tanh[t=3]", kind="relu")
    with pytest.raises(InvalidInput, match=r"op 'h/tanh\[t=3\]' is 'relu', in the other steps it is 'tanh'"):
        fold(other)
    skipped = changed_op(unrolled, "h/matmul@1[t=3]", inputs=(Slot("left", (Ref("W_hh"),)), Slot("right", (Ref("h[t=1]"),))))
    with pytest.raises(InvalidInput, match=r"'h/matmul@1\[t=3\]' reads h\[t=1\] as right; .* it would read h\[t=2\]"):
        fold(skipped)


def test_a_step_that_lacks_an_op_is_named() -> None:
    unrolled = unroll(rolled(ELMAN), "t", 4)
    kept = tuple(op for op in unrolled.ops if op.id not in ("y/matmul[t=2]", "y/add[t=2]"))
    gone = ("y/matmul.out[t=2]", "y[t=2]")
    values = tuple(v for v in unrolled.values if v.id not in gone)
    outputs = tuple(p for p in unrolled.outputs if p.value not in gone)
    scopes = tuple(dataclasses.replace(s, outputs=tuple(o for o in s.outputs if o not in gone)) for s in unrolled.scopes)
    with pytest.raises(InvalidInput, match=r"the op 'y/matmul\[t=2\]' is missing"):
        fold(dataclasses.replace(unrolled, ops=kept, values=values, outputs=outputs, scopes=scopes))


def test_steps_with_a_gap_are_refused() -> None:
    unrolled = unroll(rolled("y[t] = W x[t]"), "t", 3)
    gone = ("x[t=2]", "y[t=2]")
    with pytest.raises(InvalidInput, match="not in a row\n  why: t begins at 1; not there: 2"):
        fold(
            dataclasses.replace(
                unrolled,
                values=tuple(v for v in unrolled.values if v.id not in gone),
                ops=tuple(op for op in unrolled.ops if op.outputs[0] not in gone),
                scopes=tuple(
                    dataclasses.replace(
                        s,
                        inputs=tuple(i for i in s.inputs if i not in gone),
                        outputs=tuple(i for i in s.outputs if i not in gone),
                    )
                    for s in unrolled.scopes
                    if s.id != "over t[t=2]"
                ),
                inputs=tuple(p for p in unrolled.inputs if p.value not in gone),
                outputs=tuple(p for p in unrolled.outputs if p.value not in gone),
            )
        )
