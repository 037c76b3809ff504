"""What is alike folds to one, unfolds to exactly what it was, and adds up to the same."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from graph_strategies import graphs
from hypothesis import given, settings
from hypothesis import strategies as st
from repeats_strategies import block, built, linear, repetitive

from netfig.errors import InvalidGraph, InvalidInput
from netfig.graph import Affine, Axis, Dim, Graph, Note, Op, Ref, Slot
from netfig.graph.build import GraphBuilder
from netfig.graph.counts import parameter_counts
from netfig.graph.plates import unroll
from netfig.graph.repeats import (
    Wish,
    at,
    axes_of,
    counts,
    each,
    entries,
    fold_repeats,
    is_chain,
    likeness,
    loops,
    op_count,
    places,
    plate_of,
    real_ids,
    reasons,
    sizes,
    sources,
    times,
    total,
    unfold_repeats,
)
from netfig.schema import graph_from_json, graph_to_json


def axis_of(graph: Graph, id: str) -> Axis:
    return next(axis for axis in graph.axes if axis.id == id)


@given(graph=repetitive(), wish=st.builds(Wish, st.booleans(), st.booleans(), st.integers(2, 4), st.booleans()))
@settings(max_examples=80)
def test_unfolding_gives_back_exactly_what_was_folded(graph: Graph, wish: Wish) -> None:
    folded = fold_repeats(graph, wish)
    assert unfold_repeats(folded) == graph
    assert graph_to_json(unfold_repeats(graph_from_json(graph_to_json(folded)))) == graph_to_json(graph)


@given(graph=graphs())
def test_any_graph_comes_back(graph: Graph) -> None:
    assert unfold_repeats(fold_repeats(graph)) == graph


@given(graph=repetitive())
def test_parameters_and_ops_add_up_to_those_of_the_unfolded_graph(graph: Graph) -> None:
    folded = fold_repeats(graph)
    assert folded.parameter_count == graph.parameter_count
    assert op_count(folded) == len(graph.ops)
    whole, parts = parameter_counts(graph), parameter_counts(folded)
    real = real_ids(folded)
    for scope in folded.scopes:
        if scope.kind == "module":
            assert parts[scope.id].paid == sum(whole[id].paid or 0 for id in real.ids.get(scope.id, (scope.id,)))


@given(graph=repetitive())
def test_the_template_stands_for_every_thing_once(graph: Graph) -> None:
    folded = fold_repeats(graph)
    real = real_ids(folded)
    things = [*(op.id for op in folded.ops), *(s.id for s in folded.scopes if s.kind != "plate")]
    everything = [id for thing in things for id in real.ids.get(thing, (thing,))]
    assert sorted(everything) == sorted([*graph.op_by_id, *graph.scope_by_id])
    assert all(times(folded, thing) == len(real.ids.get(thing, (thing,))) for thing in things)
    for op in folded.ops:
        ids = real.ids.get(op.id, (op.id,))
        types = [graph.value_by_id[graph.op_by_id[id].outputs[0]].type for id in ids]
        assert types == [at(folded.value_by_id[op.outputs[0]].type, known) for _, known in places(folded, axes_of(folded, op.id))]


def test_blocks_in_a_chain_fold_to_one_with_the_value_that_runs_along() -> None:
    graph = built([("masked", 8, 12)])
    folded = fold_repeats(graph)
    (axis,) = folded.axes
    assert axis == Axis("part0.0+", "block", Dim(12), 0, tuple((f"part0.{k}",) for k in range(12)))
    (entry,) = entries(folded, axis)
    assert (entry.feeds[0], entry.feeds[1].offset) == (Ref("x"), (("part0.0+", -1),))
    assert is_chain(folded, axis)
    assert loops(folded, entry.id)
    assert sources(folded, entry.id) == ("x",)
    assert folded.value_by_id["part0.0+.first.weight"].axes == ("part0.0+",)
    assert folded.value_by_id["mask"].axes == ()
    last = folded.value_by_id[folded.outputs[0].value]
    assert last.feeds == (Ref("part0.0+/add.out", (), (("part0.0+", Affine((), 11)),)),)
    assert sources(folded, last.id) == ("part0.0+/add.out",)


def test_stages_that_differ_in_sizes_fold_with_a_table() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (1, 32, 56))
    for i, (before, width) in enumerate(((32, 64), (64, 128), (128, 256))):
        with b.scope(
            f"stage{i + 1}", type_name="Stage", inputs=[x], attributes={"width": width, "stride": min(i, 1) + 1}
        ) as scope:
            y = b.op(
                "conv1d", {"input": x, "weight": b.parameter(f"stage{i + 1}.a", (width, before, 3))}, shape=(1, width, 56 >> i)
            )
            x = b.op(
                "conv1d", {"input": y, "weight": b.parameter(f"stage{i + 1}.b", (width, width, 3))}, shape=(1, width, 56 >> i)
            )
            scope.outputs = [x]
    b.output("output", x)
    graph = b.finish()
    folded = fold_repeats(graph)
    (axis,) = folded.axes
    assert (axis.id, len(axis.members)) == ("stage1+", 3)
    columns = dict(sizes(folded, axis))
    assert (64, 128, 256) in columns.values()
    assert (56, 28, 14) in columns.values()
    assert dict(axis.table)["stride"] == (1, 2, 2)
    width = next(name for name, column in columns.items() if column == (64, 128, 256))
    assert folded.scope_by_id["stage1+"].attribute("width") == width
    assert str(folded.value_by_id["stage1+.a"].type.shape[1]) == f"{width}/2"  # type: ignore[index]
    assert unfold_repeats(folded) == graph


def test_repeats_nest_and_the_inner_ones_may_be_of_several_lengths() -> None:
    graph = built([[("wide", width, 1), ("mlp", width, count)] for width, count in ((8, 2), (16, 3), (8, 5))])
    folded = fold_repeats(graph)
    inner, outer = folded.axes
    assert counts(folded, outer) == (3,)
    assert counts(folded, inner) == (2, 3, 5)
    assert inner.extent.name in dict(sizes(folded, outer))
    assert times(folded, folded.ops[-1].id) == 10
    assert unfold_repeats(folded) == graph


def test_a_pattern_of_two_folds_as_pairs() -> None:
    graph = built([("mlp", 8, 1), ("masked", 8, 1)] * 4)
    (axis,) = fold_repeats(graph).axes
    assert axis.members[:2] == (("part0.0", "part1.0"), ("part2.0", "part3.0"))


def test_ops_in_a_row_without_modules_fold() -> None:
    graph = built([("bare", 8, 6)])
    folded = fold_repeats(graph)
    assert [op.kind for op in folded.ops] == ["linear", "relu"]
    assert counts(folded, folded.axes[0]) == (6,)
    assert next(v for v in folded.values if v.kind == "parameter" and v.axes).axes == (folded.axes[0].id,)
    assert unfold_repeats(folded) == graph


def test_branches_that_are_alike_and_used_alike_fold() -> None:
    graph = built([("branches", 8, 1)])
    folded = fold_repeats(graph)
    (axis,) = folded.axes
    assert (counts(folded, axis), is_chain(folded, axis)) == ((5,), False)
    stack = next(op for op in folded.ops if op.kind == "stack")
    assert [sources(folded, read) for read in stack.reads] == [(f"{axis.id}/linear.out",)] * 5


@pytest.mark.parametrize("collected", ["ports", "cat"])
def test_outputs_of_all_blocks_keep_their_names_when_they_are_collected(collected: str) -> None:
    graph = built([("mlp", 8, 4)], collected)
    folded = fold_repeats(graph)
    assert [port.name for port in folded.outputs] == [port.name for port in graph.outputs]
    assert {sources(folded, f"part0.{k}/add.out") for k in range(4)} == {("part0.0+/add.out",)}


def test_one_value_from_outside_for_each_block_is_handed_in() -> None:
    """A U-Net: every step up reads what the step down at its height made."""
    b = GraphBuilder("net")
    known = {"mask": b.input("mask", (1, 8)), "tied": "", "x": ""}
    x = b.input("x", (1, 8))
    down = [x := block(b, f"down{i}", ("mlp", "wide", "masked")[i % 3], x, 8, known) for i in range(3)]
    for i, skip in enumerate(reversed(down)):
        with b.scope(f"up{i}", type_name="Up", inputs=[x, skip]) as scope:
            y = linear(b, f"up{i}.a", x, 8)
            x = linear(b, f"up{i}.b", b.op("add", {"input": y, "other": skip}, shape=(1, 8)), 8)
            scope.outputs = [x]
    b.output("output", x)
    graph = b.finish()
    folded = fold_repeats(graph)
    (axis,) = folded.axes
    assert axis.id == "up0+"
    skips = next(entry for entry in entries(folded, axis) if not loops(folded, entry.id))
    assert [feed.value for feed in skips.feeds] == list(reversed(down))
    assert unfold_repeats(folded) == graph


def calls(count: int, chained: bool) -> Graph:
    """One module with two layers called several times."""
    b = GraphBuilder("net")
    x = b.input("x", (1, 8))
    weights = [b.parameter(f"body.{i}", (8, 8)) for i in range(2)]
    made, y = [], x
    for k in range(count):
        given = y if chained else b.input(f"x{k}", (1, 8))
        with b.scope("body", type_name="Body", path="body", call=k, inputs=[given]) as scope:
            scope.owns += weights if k == 0 else []
            y = given
            for weight in weights:
                y = b.op("linear", {"input": y, "weight": weight}, shape=(1, 8))
            scope.outputs = [y]
        made.append(y)
    b.output("output", y if chained else b.op("cat", {"tensors": made}, shape=(1, 8 * count)))
    return b.finish()


def test_one_module_used_on_several_inputs_is_no_repeat() -> None:
    graph = calls(4, chained=False)
    assert fold_repeats(graph) == graph
    assert {reason for _, reason in reasons(graph)} == {"they are one module used several times"}


def test_one_module_called_on_what_it_made_is_a_repeat_with_one_set_of_weights() -> None:
    graph = calls(12, chained=True)
    folded = fold_repeats(graph)
    assert counts(folded, folded.axes[0]) == (12,)
    assert [v.axes for v in folded.values if v.kind == "parameter"] == [(), ()]
    assert folded.parameter_count == graph.parameter_count == 128
    assert unfold_repeats(folded) == graph


def attention(heads: int) -> Graph:
    """Projections to query, key and value: three layers alike that are used in three ways."""
    b = GraphBuilder("net")
    x = b.input("x", (1, 8))
    q, k, v = (linear(b, f"proj{i}", linear(b, f"pre{i}", x, 8), 8) for i in range(3))
    scores = b.op("matmul", {"left": q, "right": b.op("transpose", {"input": k}, shape=(8, 1))}, shape=(1, 1))
    b.output("output", b.op("matmul", {"left": scores, "right": v}, shape=(1, 8)))
    return b.finish()


def test_query_key_and_value_are_no_repeat() -> None:
    graph = attention(1)
    assert fold_repeats(graph) == graph
    assert any("is used otherwise" in reason for _, reason in reasons(graph))


def test_a_growing_list_is_no_repeat() -> None:
    """DenseNet: every layer reads all before it."""
    b = GraphBuilder("net")
    features = [b.input("x", (1, 8))]
    for i in range(4):
        with b.scope(f"layer{i}", type_name="Layer", inputs=features) as scope:
            y = b.op("cat", {"tensors": list(features)}, shape=(1, 8 * len(features)))
            y = linear(b, f"layer{i}.b", linear(b, f"layer{i}.a", y, 8), 8)
            scope.outputs = [y]
        features.append(y)
    b.output("output", b.op("cat", {"tensors": features}, shape=(1, 40)))
    graph = b.finish()
    assert fold_repeats(graph) == graph
    assert ("layer1", "'layer1/cat' reads 2 values as tensors, 'layer2/cat' 3") in reasons(graph)


def test_a_block_that_reads_something_else_stays_out() -> None:
    """The chain is cut where a block does not read what the one before it made."""
    b = GraphBuilder("net")
    known = {"mask": b.input("mask", (1, 8)), "tied": "", "x": ""}
    x = y = b.input("x", (1, 8))
    for i in range(7):
        y = block(b, f"b.{i}", "mlp", x if i == 3 else y, 8, known)
    b.output("output", y)
    graph = b.finish()
    folded = fold_repeats(graph)
    assert sorted(len(axis.members) for axis in folded.axes) == [3, 4]
    assert unfold_repeats(folded) == graph


def test_a_weight_that_is_used_elsewhere_too_stays_where_it_is() -> None:
    b = GraphBuilder("net")
    known = {"mask": b.input("mask", (1, 8)), "tied": "", "x": ""}
    y = b.input("x", (1, 8))
    for i in range(4):
        y = block(b, f"b.{i}", "mlp", y, 8, known)
    b.output("output", b.op("linear", {"input": y, "weight": "b.2.first.weight"}, shape=(1, 8)))
    graph = b.finish()
    folded = fold_repeats(graph)
    assert folded.value_by_id["b.2.first.weight"].axes == ()
    assert folded.parameter_count == graph.parameter_count
    assert unfold_repeats(folded) == graph


def test_steps_of_a_loop_over_time_are_left_to_recurrences() -> None:
    b = GraphBuilder("net")
    h, w = b.input("h", (1, 8)), b.parameter("w", (8, 8))
    for _ in range(9):
        h = b.op("tanh", {"input": b.op("linear", {"input": h, "weight": w}, shape=(1, 8))}, shape=(1, 8))
    b.output("output", h)
    graph = b.finish()
    assert fold_repeats(graph) == graph
    assert {reason for _, reason in reasons(graph)} == {"they have no weights of their own"}


def test_a_few_layers_that_differ_in_sizes_are_no_repeat() -> None:
    """What would be saved is not worth a table."""
    graph = built([("bare", 8, 1), ("bare", 16, 1), ("bare", 8, 1)])
    assert fold_repeats(graph) == graph


def test_notes_are_per_member_or_one_for_each() -> None:
    b = GraphBuilder("net")
    known = {"mask": b.input("mask", (1, 8)), "tied": "", "x": ""}
    y = b.input("x", (1, 8))
    for i in range(3):
        y = block(b, f"b.{i}", "mlp", y, 8, known)
    b.output("output", y)
    for i in range(3):
        b.note(f"b.{i}", "params", 144)
        b.note(f"b.{i}", "seen", i * i)
        b.note(f"b.{i}", "same.as", f"b.{i}.first")
    graph = b.finish()
    folded = fold_repeats(graph)
    said = {note.key: note.value for note in folded.notes if note.subject == "b.0+"}
    assert said == {"params": 144, "same.as": "b.0+.first", "seen.each": ("b.0+", (0, 1, 4))}
    assert each(folded, "b.0+", "seen") == (0, 1, 4)
    assert (total(folded, "b.0+", "params"), total(folded, "b.0+", "seen")) == (432, 5)
    assert unfold_repeats(folded) == graph


def test_members_with_other_notes_still_fold() -> None:
    graph = built([("mlp", 8, 3)])
    graph = replace(
        graph, notes=(Note("part0.1", "label", "the middle"), Note("", "mode", "eval"), Note("part0.2.first", "a", 1))
    )
    folded = fold_repeats(graph)
    assert folded.axes
    assert unfold_repeats(folded) == graph


def test_what_is_to_stand_apart_does() -> None:
    graph = built([("mlp", 8, 9)])
    folded = fold_repeats(graph, Wish(apart=("part0.4",)))
    assert sorted(len(axis.members) for axis in folded.axes) == [4, 4]
    assert "part0.4" in folded.scope_by_id
    assert unfold_repeats(folded) == graph


def test_stages_joined_by_skip_connections_fold_only_when_asked() -> None:
    """A U-Net folded to one step down and one up is no U any more."""
    b = GraphBuilder("net")
    x = b.input("x", (1, 8))
    seen = []
    for i, width in enumerate((8, 16, 32)):
        with b.scope(f"down{i}", type_name="Down", inputs=[x]) as scope:
            x = linear(b, f"down{i}.b", linear(b, f"down{i}.a", x, width), width)
            scope.outputs = [x]
        seen.append(x)
    for i, width in enumerate((32, 16, 8)):
        with b.scope(f"up{i}", type_name="Up", inputs=[x, seen[2 - i]]) as scope:
            y = b.op("add", {"input": x, "other": seen[2 - i]}, shape=(1, width))
            x = linear(b, f"up{i}.b", linear(b, f"up{i}.a", y, width), width)
            scope.outputs = [x]
    b.output("output", x)
    graph = b.finish()
    assert fold_repeats(graph) == graph
    assert any("elsewhere" in reason for _, reason in reasons(graph))
    folded = fold_repeats(graph, Wish(skips=True))
    assert [len(axis.members) for axis in folded.axes] == [3, 3]
    assert unfold_repeats(folded) == graph


def test_blocks_of_the_same_build_are_alike_up_to_sizes() -> None:
    graph = built([("mlp", 8, 1), ("masked", 8, 1), ("mlp", 16, 1)])
    number = likeness(graph)
    assert number["part0.0"] == number["part2.0"] != number["part1.0"]


def test_a_folded_graph_is_folded_already() -> None:
    folded = fold_repeats(built([("mlp", 8, 3)]))
    assert fold_repeats(folded) is folded


def test_unrolling_an_axis_of_members_writes_them_out() -> None:
    graph = built([("mlp", 8, 3)])
    folded = fold_repeats(graph)
    assert unroll(folded, folded.axes[0].id) == graph


def test_a_damaged_note_says_so() -> None:
    folded = fold_repeats(built([("bare", 8, 4)]))
    (axis,) = folded.axes
    for said in ((("id", "value"), 3), (("field", "op"),), "nonsense", (("order", "notes", (1, 2)),), (("what",),)):
        broken = replace(folded, notes=(Note(plate_of(folded, axis), "members", said),))
        with pytest.raises(InvalidInput, match=r"does not fit together|breaks"):
            unfold_repeats(broken)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"members": (("a",), ("b", "c"), ("d",), ("e",))}, "not as many things"),
        ({"members": (("a", "b"),) * 3}, "is 4 long and has 3 members"),
        ({"id": "other"}, "has members and no plates"),
        ({"table": (("C", (1, 2)),)}, "not one entry for each"),
        ({"table": (("4*C", (1, 2, 3, 4)),)}, "no word"),
    ],
)
def test_an_axis_with_members_that_do_not_fit_is_no_graph(change: dict[str, object], said: str) -> None:
    folded = fold_repeats(built([("bare", 8, 4)]))
    with pytest.raises(InvalidGraph) as error:
        replace(folded, axes=(replace(folded.axes[0], **change),))
    assert any(said in line for line in error.value.violations)


def test_it_takes_time_in_proportion_to_the_graph() -> None:
    def seconds(count: int) -> float:
        graph = built([("branches", 8, count), ("wide", 16, count), ("bare", 8, count)])
        start = time.process_time()
        folded = fold_repeats(graph)
        unfold_repeats(folded)
        assert len(folded.ops) < 30
        return (time.process_time() - start) / len(graph.ops)

    seconds(20)
    assert seconds(400) < 4 * seconds(40)


def test_a_long_row_with_no_repeat_in_it_is_left_in_time() -> None:
    b = GraphBuilder("net")
    x = b.input("x", (1, 8))
    ops = []
    for i in range(5000):  # the digits of a number without a period
        kind = "linear" if (i * i * 7919 + i) % 11 < 5 else "relu"
        ops.append(kind)
        x = b.op(kind, {"input": x, **({"weight": b.parameter(f"w{i}", (8, 8))} if kind == "linear" else {})}, shape=(1, 8))
    b.output("output", x)
    graph = b.finish()
    start = time.process_time()
    folded = fold_repeats(graph)
    assert time.process_time() - start < 10
    assert unfold_repeats(folded) == graph


def test_rules_hold_a_value_that_is_fed_to_what_exists() -> None:
    folded = fold_repeats(built([("mlp", 8, 3)]))
    entry = next(v for v in folded.values if v.feeds)
    other = replace(entry, feeds=(Ref("nowhere"), Ref("x", (("no axis", -1),))))
    with pytest.raises(InvalidGraph) as error:
        replace(folded, values=tuple(other if v is entry else v for v in folded.values))
    assert any("G3" in line and "nowhere" in line for line in error.value.violations)
    assert any("G10" in line and "no axis" in line for line in error.value.violations)
    again = Op("again", "relu", (Slot("input", (Ref("x"),)),), (entry.id,), folded.root.id)
    with pytest.raises(InvalidGraph, match="breaks"):
        replace(folded, ops=(*folded.ops, again))
