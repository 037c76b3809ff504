"""The view: what becomes a box and what a wire."""

from __future__ import annotations

from dataclasses import replace

from netfig.graph import Note
from netfig.graph.build import GraphBuilder
from netfig.mathtext import text_of
from netfig.renderers.modules import ModulesOptions, draw_modules
from netfig.renderers.view import redundant_edges


def residual_block():
    """x → conv → bn → relu → (+ x) → relu, with a dropout that does nothing in between."""
    b = GraphBuilder("Block")
    x = b.input("x", (1, 8, 4, 4))
    with b.scope("conv", type_name="Conv2d", inputs=(x,), attributes={"out_channels": 8, "kernel_size": (3, 3)}) as s:
        w = b.parameter("conv.weight", (8, 8, 3, 3))
        y = b.op("conv2d", {"input": x, "weight": w}, shape=(1, 8, 4, 4))
        s.outputs.append(y)
    with b.scope("drop", type_name="Dropout", inputs=(y,)) as s:
        s.outputs.append(y)
    with b.scope("act", type_name="ReLU", inputs=(y,)) as s:
        z = b.op("relu", {"input": y}, shape=(1, 8, 4, 4))
        s.outputs.append(z)
    total = b.op("add", {"input": z, "other": x}, shape=(1, 8, 4, 4))
    flat = b.op("view", {"input": total}, shape=(1, 128))
    b.output("output", flat)
    return b.finish()


def figure():
    return draw_modules(residual_block(), ModulesOptions())


def test_an_activation_is_folded_into_the_layer_before_it():
    assert [text_of(box.title[0]) for box in figure().boxes.values() if box.role == "layer"] == ["3×3 conv, 8, ReLU"]


def test_the_wire_that_bypasses_the_layer_is_a_skip():
    skips = [(w.source.box, w.target.box) for w in figure().wires if w.role == "skip"]
    assert skips == [("x", next(i for i, box in figure().boxes.items() if box.role == "op"))]


def test_a_view_that_joins_the_feature_map_into_a_vector_is_drawn_as_flatten():
    assert any(box.title[0][0].text == "flatten" for box in figure().boxes.values())


def test_a_module_that_changes_nothing_is_named_in_the_caption():
    assert "Dropout" in str(figure().caption)


def test_every_op_stands_somewhere_in_the_figure():
    graph = residual_block()
    shown = {i for box in figure().boxes.values() for i in box.stands_for}
    for op in graph.ops:
        assert op.id in shown or op.scope in shown


def test_every_wire_carries_values_of_the_graph_between_its_ends():
    graph = residual_block()
    for wire in figure().wires:
        assert wire.stands_for
        assert all(v in graph.value_by_id for v in wire.stands_for)


def test_only_edges_with_a_longer_way_round_are_redundant():
    nodes = ["a", "b", "c", "d"]
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("c", "d"), ("a", "d")]
    assert redundant_edges(nodes, edges) == {("a", "c"), ("a", "d")}


def test_parallel_branches_are_not_skips():
    assert redundant_edges(["a", "b", "c", "d"], [("a", "b"), ("a", "c"), ("b", "d"), ("c", "d")]) == set()


def with_notes(*notes: Note):
    graph = residual_block()
    return draw_modules(replace(graph, notes=notes), ModulesOptions())


def test_what_a_plugin_says_of_a_kind_of_op_is_drawn():
    said = [Note("add", "kind.label", "join"), Note("add", "kind.role", "op.box"), Note("add", "kind.sign", "")]
    assert "join" in [text_of(box.title[0]) for box in with_notes(*said).boxes.values()]


def test_what_a_plugin_says_of_a_module_is_drawn():
    said = [Note("conv", "label", "my conv"), Note("conv", "attribute.rank", 8)]
    box = next(box for box in with_notes(*said).boxes.values() if box.role == "layer")
    assert text_of(box.title[0]).startswith("my conv")
    assert text_of(box.rows[0].text) == "rank 8"
