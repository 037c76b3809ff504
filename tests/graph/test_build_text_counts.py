"""The builder names things uniquely, the text shows everything, parameters are counted once."""

from __future__ import annotations

import pytest

from netfig.errors import InvalidGraph
from netfig.graph import Graph, Ref
from netfig.graph.build import GraphBuilder, attribute, safe_id
from netfig.graph.counts import first_owners, parameter_counts


def tied() -> Graph:
    """An embedding whose weight is the head's too, a layer called twice, a module that is never called itself."""
    b = GraphBuilder("net", type_name="Net")
    tokens = b.input("tokens", (1, 7), dtype="int64")
    with b.scope("emb", type_name="Embedding", inputs=[tokens]) as emb:
        weight = b.parameter("emb.weight", (100, 16), names=("emb.weight", "head.weight"))
        x = b.op("embedding", {"weight": weight, "indices": tokens}, shape=(1, 7, 16))
        emb.outputs = [x]
    with b.scope("lin", type_name="Linear", inputs=[x], attributes={"in_features": 16, "out_features": 16}) as lin:
        first = b.parameter("lin.weight", (16, 16))
        x = b.op("linear", {"input": x, "weight": first}, shape=(1, 7, 16))
        lin.outputs = [x]
    with b.scope("lin", type_name="Linear", path="lin", call=1, inputs=[x]) as again:
        x = b.op("linear", {"input": x, "weight": first}, shape=(1, 7, 16))
        again.outputs = [x]
    with b.scope("attn", type_name="MultiheadAttention", inputs=[x]) as attn:
        out_proj = b.parameter("attn.out_proj.weight", (16, 16), owned=False)
        x = b.op("multi_head_attention_forward", {"query": x, "out_proj": out_proj}, shape=(1, 7, 16))
        attn.outputs = [x]
    with b.scope("head", type_name="Linear", inputs=[x], owns=[weight]) as head:
        x = b.op("linear", {"input": x, "weight": weight}, shape=(1, 7, 100))
        head.outputs = [x]
    b.output("output", x)
    return b.finish()


def test_the_text_of_a_graph_shows_scopes_ops_shapes_and_shared_parameters() -> None:
    assert tied().text() == (
        "graph net\n"
        "  in  tokens: tokens 1×7 int64\n"
        "  out output: head/linear.out 1×7×100\n"
        "  net  Net()  1×7 int64 → 1×7×100  2,112 parameters\n"
        "    emb  Embedding()  1×7 int64 → 1×7×16  1,600 parameters\n"
        "      emb/embedding: embedding(weight=emb.weight, indices=tokens) → emb/embedding.out 1×7×16\n"
        "    lin  Linear(in_features=16, out_features=16)  1×7×16 → 1×7×16  256 parameters\n"
        "      lin/linear: linear(input=emb/embedding.out, weight=lin.weight) → lin/linear.out 1×7×16\n"
        "    lin@1  Linear()  1×7×16 → 1×7×16  256 parameters  (shared with lin)\n"
        "      lin@1/linear: linear(input=lin/linear.out, weight=lin.weight) → lin@1/linear.out 1×7×16\n"
        "    attn  MultiheadAttention()  1×7×16 → 1×7×16  256 parameters\n"
        "      attn/multi_head_attention_forward: multi_head_attention_forward(query=lin@1/linear.out,"
        " out_proj=attn.out_proj.weight) → attn/multi_head_attention_forward.out 1×7×16\n"
        "    head  Linear()  1×7×16 → 1×7×100  1,600 parameters  (shared with emb)\n"
        "      head/linear: linear(input=attn/multi_head_attention_forward.out, weight=emb.weight) → head/linear.out 1×7×100\n"
    )


def test_the_first_owner_pays_for_a_shared_parameter() -> None:
    counts = parameter_counts(tied())
    assert [(id, c.total, c.paid, c.shared_with) for id, c in counts.items()] == [
        ("net", 2112, 2112, None),
        ("emb", 1600, 1600, None),
        ("lin", 256, 256, None),
        ("lin@1", 256, 0, "lin"),
        ("attn", 256, 256, None),
        ("head", 1600, 0, "emb"),
    ]


def test_the_root_counts_what_the_graph_counts() -> None:
    graph = tied()
    assert parameter_counts(graph)["net"].total == graph.parameter_count


def test_a_parameter_of_a_module_that_is_never_called_belongs_to_the_nearest_module_above_it() -> None:
    assert first_owners(tied())["attn.out_proj.weight"] == "attn"


def test_a_parameter_that_two_modules_of_a_block_own_is_counted_once_in_the_block() -> None:
    b = GraphBuilder("net")
    with b.scope("block"), b.scope("block.a"):
        weight = b.parameter("block.a.weight", (3, 3))
    with b.scope("block.b", path="block.b") as second:
        second.owns.append(weight)
    counts = parameter_counts(b.finish())
    assert (counts["block"].total, counts["block.b"].total, counts["net"].total) == (9, 9, 9)


def test_an_unknown_size_makes_the_sums_above_it_unknown() -> None:
    b = GraphBuilder("net")
    with b.scope("lazy"):
        b.parameter("lazy.weight", None)
    with b.scope("other"):
        b.parameter("other.weight", (2, 2))
    counts = parameter_counts(b.finish())
    assert [counts[s].total for s in ("net", "lazy", "other")] == [None, None, 4]


def test_unique_never_gives_an_id_twice_even_when_a_wanted_one_looks_like_a_counted_one() -> None:
    b = GraphBuilder("net")
    given = [b.unique(name) for name in ("a", "a@1", "a", "a", "a@1")]
    assert given[0] == "a"
    assert len(set(given)) == 5


@pytest.mark.parametrize("hostile", ["", ":", "a:b", "\0", "a\nb", "\ud800", "<script>:", "x" * 100_000])
def test_a_safe_id_keeps_the_rules(hostile: str) -> None:
    b = GraphBuilder("net")
    b.value(safe_id(hostile), kind="input")
    b.scope(hostile)
    assert b.finish()


def test_an_object_becomes_an_attribute_without_its_memory_address() -> None:
    import torch

    class Odd:
        pass

    found = attribute([torch.float32, Odd(), torch.Size((1, 2)), True, {"a": 1}, len])
    assert found == ("float32", "Odd", (1, 2), True, "{'a': 1}", "len")


def test_the_builder_raises_all_violations_when_it_finishes() -> None:
    b = GraphBuilder("net")
    b.op("add", {"input": "gone", "other": Ref("lost")}, outputs=["nothing"])
    with pytest.raises(InvalidGraph) as caught:
        b.finish()
    assert len(caught.value.violations) == 3


def test_a_thousand_nested_scopes_print_without_recursion() -> None:
    b = GraphBuilder("net")
    for i in range(1500):
        b.scope(f"s{i}").__enter__()
    assert b.finish().text().count("\n") == 1502


def test_a_model_named_like_its_child_keeps_both_apart():
    b = GraphBuilder("net")
    x = b.input("x", (1, 2))
    with b.scope("net", type_name="ReLU", inputs=(x,)):
        y = b.op("relu", {"input": x}, shape=(1, 2))
    b.output("output", y)
    assert sorted(scope.id for scope in b.finish().scopes) == ["net", "net@1"]
