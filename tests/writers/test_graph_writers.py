"""The writers that take the graph itself: JSON that reads back, and a tree for the terminal."""

from __future__ import annotations

import pytest
from writer_drawings import HOSTILE
from writer_graphs import small_graph

from netfig.graph.build import GraphBuilder
from netfig.schema import graph_from_json
from netfig.theme import load_theme
from netfig.writers import builtin_writers

WRITERS = {w.name: w for w in builtin_writers()}
LIGHT = load_theme("light")


def written(name: str, graph, **options) -> str:
    writer = WRITERS[name]
    assert writer.takes == "graph"
    return writer.write(graph, LIGHT, writer.options(**options)).decode()


def test_json_reads_back_as_the_same_graph():
    assert graph_from_json(written("json", small_graph()).encode()) == small_graph()


def test_the_tree_shows_nesting_settings_shapes_parameters_and_sharing():
    assert written("text", small_graph()).splitlines() == [
        "net  Net                                                        64 parameters",
        "  in   x                                        1×8",
        "├─ body  Sequential                             1×8 → 1×8       64 parameters",
        "│  ├─ 0  Linear(in_features=8, out_features=8)  1×8 → 1×8       64 parameters",
        "│  └─ 1  ReLU                                   1×8 → 1×8",
        "├─ body.0  Linear  call 2                       1×8 → 1×8       64 parameters (shared with body.0)",
        "└─ add                                          1×8, 1×8 → 1×8",
        "  out  output                                   1×8",
    ]


def test_operations_and_shapes_can_be_left_out():
    text = written("text", small_graph(), ops=False, shapes=False)
    assert "add" not in text
    assert "×" not in text
    assert "└─ body.0" in text


@pytest.mark.parametrize("word", HOSTILE)
def test_no_name_reaches_the_terminal_with_control_characters(word):
    b = GraphBuilder(f"net {HOSTILE[word]}", type_name=HOSTILE[word])
    x = b.input(HOSTILE[word] or "x", (1,))
    with b.scope(HOSTILE[word] or "s", type_name=HOSTILE[word], inputs=[x], attributes={"a": HOSTILE[word]}):
        b.output("y", b.op("relu", {"input": x}, shape=(1,)))
    text = written("text", b.finish())
    assert all(c == "\n" or c.isprintable() or c in "\u200d\u00a0" for c in text)
    assert len(text) < 20_000


def test_a_model_of_many_levels_needs_no_recursion():
    import contextlib

    b = GraphBuilder("deep")
    x = b.input("x", (1,))
    with contextlib.ExitStack() as stack:
        for i in range(1500):
            stack.enter_context(b.scope(".".join(["m"] * 3) + f".{i}", type_name="Wrap"))
        y = b.op("relu", {"input": x}, shape=(1,))
    b.output("y", y)
    assert written("text", b.finish()).count("Wrap") == 1500
