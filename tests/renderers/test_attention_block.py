"""The figure of an attention shows the shapes and counts of the answer sheet and of torch, in the order they are computed."""

from __future__ import annotations

import ast
import json
import operator
import re
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import netfig
from netfig.errors import UsageError
from netfig.evaluation import evaluate
from netfig.figure import Figure
from netfig.graph import Dim, Graph, Port, Scope, TensorType, Value
from netfig.graph.attention import AttentionSpec, attention_parts, spec_of
from netfig.mathtext import text_of
from netfig.pipeline.result import Result
from netfig.schema import figure_from_json, figure_to_json

CASES = json.loads((Path(__file__).parents[2] / "examples/cases.json").read_text())
MULTI_HEAD, PARAMS = CASES["multi_head"], CASES["attention_params"]
WIDE = {"d_model": 512, "heads": 8, "tokens": "n"}
KINDS = {
    "numbers": {"d_model": 8, "heads": 2, "tokens": 4},
    "names": {},
    "one head": {"d_model": 64, "heads": 1, "tokens": 10, "d_k": 32},
    "one head, no output": {"d_model": 64, "heads": 1, "tokens": 10, "output_projection": False},
    "no output": {**WIDE, "output_projection": False},
    "cross": {**WIDE, "cross": True, "keys": 20, "d_memory": 768},
    "one head, cross": {"d_model": 64, "heads": 1, "cross": True},
    "grouped": {**WIDE, "kv_heads": 2, "position": "rotary", "causal": True, "bias": False},
    "grouped names": {"heads": "h", "kv_heads": "g", "d_k": "d_k", "d_v": "d_v", "cross": True},
    "one shared": {**WIDE, "kv_heads": 1, "position": "alibi", "causal": True},
    "relative": {**WIDE, "position": "relative", "scale": "none"},
    "masks": {**WIDE, "causal": True, "window": 64, "padding": True, "dropout": 0.1},
    "norms": {**WIDE, "qk_norm": "rms", "softcap": 50.0, "scale": "learned"},
    "everything": {"kv_heads": "g", "qk_norm": "layer", "position": "relative", "padding": True, "softcap": 30.0, "cross": True},
    "long names": {"d_model": "embedding_dimension", "heads": "number_of_heads", "tokens": "sequence_length"},
    "large": {"d_model": 16384, "heads": 128, "kv_heads": 8, "tokens": 131072, "position": "rotary", "causal": True},
    "fused": {**WIDE, "fused": "qkv"},
}


def drawn(renderer: dict[str, Any] | None = None, /, **sizes: Any) -> Result:
    options = {f"attention.{key}": value for key, value in {**sizes, **(renderer or {})}.items()}
    return netfig.draw("attention", options=options)


def box_words(figure: Figure, id: str) -> list[str]:
    box = figure.boxes[id]
    return [text_of(text) for text in (*box.title, *(row.text for row in box.rows))]


def row_names(figure: Figure, group: str) -> dict[str, tuple[str, ...]]:
    """What stands beside each row of a ladder, by the boxes in the row."""
    found = figure.groups[group]
    names = dict(enumerate(tuple(text_of(text) for text in texts) for texts in found.row_names))
    return {
        box.id: names.get(box.place[1], ()) for box in figure.boxes.values() if box.place and figure.parent_of[box.id] == group
    }


def crossed(shape: list[int]) -> str:
    return " × ".join(map(str, shape))


def caption(figure: Figure) -> str:
    return " ".join(text_of(line) for line in figure.caption).replace("\u2009", " ")


_SIGNS = {ast.Add: operator.add, ast.Mult: operator.mul, ast.Sub: operator.sub}


def value(formula: str, **sizes: int) -> int:
    """What a formula such as ``3·d_k·(d_model + 1)·h`` comes to."""
    formula = re.sub(r"_\{(\w+)\}", r"_\1", formula)
    formula = re.sub(
        r"(\w+)\^(\d)", r"\1*\1", formula.replace("·", "*").replace(",", "").replace("(d_model)^2", "d_model*d_model")
    )

    def walk(node: ast.AST) -> int:
        match node:
            case ast.Expression(body=body):
                return walk(body)
            case ast.BinOp(left=left, op=op, right=right):
                return _SIGNS[type(op)](walk(left), walk(right))
            case ast.Name(id=name):
                return sizes[name]
            case ast.Constant(value=int() as number):
                return number
        raise AssertionError(ast.dump(node))

    return walk(ast.parse(formula.strip(), mode="eval"))


class TestTheAnswerSheet:
    def test_every_matrix_and_result_has_its_shape_beside_it(self):
        case = MULTI_HEAD
        figure = drawn(d_model=case["d_model"], heads=case["heads"], tokens=case["sequence"]).figure
        for letter in "QKV":
            assert box_words(figure, f"proj/{letter.lower()}") == ["Linear", f"W_i^{letter}", crossed(case[f"W_{letter}"])]
        assert box_words(figure, "proj/o") == ["Linear", "W^O", crossed(case["W_O"])]
        beside = row_names(figure, "heads")
        assert beside["concat"] == (crossed(case["concat"]),)
        assert beside["proj/o"] == (crossed(case["output"]),)
        assert beside["all"] == (crossed([case["heads"], *case["head_output"]]),)
        assert row_names(figure, "head")["head/out"] == (crossed(case["head_output"]),)

    def test_one_head_is_written_out_with_shapes(self):
        case = MULTI_HEAD
        lines = [text_of(line) for line in drawn(d_model=8, heads=2, tokens=4).figure.equations]
        assert lines[0].startswith("Q_i [4 × 4] = X [4 × 8] W_i^Q [8 × 4] + b_i^Q [4],")
        assert f"head_i [{crossed(case['head_output'])}] = A_i V_i [4 × 4]" in lines[1]
        assert lines[2] == "Y [4 × 8] = [head₁, head₂] [4 × 8] W^O [8 × 8] + b^O [8]".replace("₁", "_1").replace("₂", "_2")

    @pytest.mark.parametrize("sizes", [{"d_model": 8, "h": 2, "d_k": 4}, {"d_model": 512, "h": 8, "d_k": 64}])
    def test_parameters_are_the_formulas_of_the_answer_sheet(self, sizes):
        said = caption(drawn(d_model="d_model", heads="h").figure)
        each, rest = re.search(r"W_i\^V: (.*?) each with its bias, (.*)", said).groups()
        block, simple = re.search(r"all heads (.*?) = (.*?)\. ", rest).groups()
        assert value(each, **sizes) == value(PARAMS["per_matrix_with_bias"], **sizes)
        assert value(block, **sizes) == value(PARAMS["block"], **sizes)
        assert value(simple, **sizes) == value(PARAMS["with d_k = d_model / h"], **sizes) == value(block, **sizes)
        assert "O(d_model^2)" in said

    def test_the_formula_with_a_d_k_of_its_own_says_when_it_simplifies(self):
        said = caption(drawn(d_model="d_model", heads="h", d_k="d_k").figure)
        assert "3·d_k·(d_model + 1)·h = 3·d_model·(d_model + 1) when d_k = d_model / h" in said.replace("{", "").replace("}", "")


def test_what_is_no_projection_is_counted_too():
    """Norms, a learned scale and a bias by distance: as many as the graph has; as a formula where the length is a name."""
    numbers = {"d_model": 64, "heads": 4, "tokens": 10, "qk_norm": "rms", "scale": "learned", "position": "relative"}
    result = drawn(**numbers)
    assert f"In total {result.graph.parameter_count:,} (" in caption(result.figure)
    said = caption(drawn(**{**numbers, "tokens": "n"}).figure)
    assert "Bias by distance: 4·(2·n−1)." in said
    assert "besides the bias by distance." in said


def counted_by_torch(**settings: Any) -> int:
    return sum(p.numel() for p in nn.MultiheadAttention(**settings).parameters())


@pytest.mark.parametrize(("d_model", "heads"), [(8, 2), (512, 8), (96, 1)])
@pytest.mark.parametrize("bias", [True, False])
def test_the_totals_with_and_without_biases_are_those_of_torch(d_model: int, heads: int, bias: bool):
    """`Parameter.numel` of nn.MultiheadAttention, and the elements of the graph."""
    result = drawn(d_model=d_model, heads=heads, tokens=4, bias=bias)
    now, other = (counted_by_torch(embed_dim=d_model, num_heads=heads, bias=b) for b in (bias, not bias))
    assert f"In total {now:,} ({other:,} {'without' if bias else 'with'} biases)." in caption(result.figure)
    assert result.graph.parameter_count == now


def test_the_total_of_a_cross_attention_is_that_of_torch():
    """Keys and values of another width."""
    result = drawn(d_model=512, heads=8, tokens=10, keys=20, d_memory=768, cross=True)
    assert f"In total {counted_by_torch(embed_dim=512, num_heads=8, kdim=768, vdim=768):,} (" in caption(result.figure)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_every_kind_is_drawn_clean_on_a_page(kind: str, theme: str):
    """Nothing to be found by lint, not wider than two columns, no letter under 9 points."""
    options = {f"attention.{key}": value for key, value in KINDS[kind].items()}
    result = netfig.draw("attention", options=options, theme=theme)
    assert [str(found) for found in result.lint()] == []
    assert result.drawing.width <= 520 or kind == "long names"
    assert min(run.size for label in result.drawing.labels for run in label.runs if run.text.strip()) >= 9


@pytest.mark.parametrize("kind", KINDS)
def test_every_operation_of_the_head_is_shown_in_the_order_it_runs(kind: str):
    """The boxes from bottom to top stand for the ops of the graph in their order, and each once."""
    result = drawn(**KINDS[kind])
    boxes = [box for box in result.figure.boxes.values() if box.id != "all"]
    shown = [one for box in boxes for one in box.stands_for if one in result.graph.op_by_id]
    hidden = {op.id for op in result.graph.ops if op.kind in ("split", "split_heads")}
    assert {op.id for op in result.graph.ops} - set(shown) <= hidden
    rank = {op.id: n for n, op in enumerate(result.graph.ops)}
    inside = [box for box in boxes if result.figure.parent_of[box.id] == "head/inside"]
    ordered = sorted((b for b in inside if b.stands_for), key=lambda b: b.place[1])
    chain = [rank[b.stands_for[0]] for b in ordered if b.span[0] > 1 and b.stands_for[0] in rank]
    assert chain == sorted(chain)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"long names"}))
def test_every_equation_stands_on_one_line(kind: str):
    """None is broken by the layout."""
    result = drawn(**KINDS[kind])
    assert sum(label.id.startswith("equation/") for label in result.drawing.labels) == len(result.figure.equations)


def test_the_figure_survives_json():
    """Notes below symbols included."""
    figure = drawn(d_model=8, heads=2, tokens=4).figure
    assert figure_from_json(figure_to_json(figure)) == figure


def test_two_heads_are_two_cards_and_more_are_three():
    """The copies behind a box do not claim heads that are not there."""
    assert drawn(d_model=8, heads=2).figure.boxes["all"].marks == ("paired",)
    assert drawn(d_model=8, heads=8).figure.boxes["all"].marks == ("stacked",)
    shared = drawn(d_model=64, heads=8, kv_heads=1).figure
    assert (shared.boxes["proj/q"].marks, shared.boxes["proj/k"].marks) == (("stacked",), ())
    drawing = drawn(d_model=8, heads=2).drawing
    assert sum(shape.box == "all" for shape in drawing.shapes) == 2


def test_wires_lead_from_the_sources_that_are_read():
    """Cross attention: queries from X, keys and values from the other sequence; self attention: all from X."""
    for cross, wanted in ((False, {"X"}), (True, {"X", "C"})):
        figure = drawn(cross=cross).figure
        sources = {w.source.box.removeprefix("source/"): w.target.box for w in figure.wires if w.source.box.startswith("source/")}
        assert set(sources) == wanted
    assert {w.target.box for w in figure.wires if w.source.box == "source/C"} == {"proj/k", "proj/v"}


def test_particular_attentions_are_drawn_as_they_are():
    """Grouped queries repeat keys and values, rotary embedding stands on two lanes, masks are named."""
    figure = drawn(**WIDE, kv_heads=2, position="rotary", causal=True, window=64).figure
    assert box_words(figure, "repeat/k") == ["repeat", "× 4"]
    assert box_words(figure, "q/rotary") == box_words(figure, "k/rotary") == ["RoPE"]
    assert box_words(figure, "mask") == ["Mask: causal,", "window 64"]
    assert text_of(figure.groups["heads"].title) == "(b) grouped-query attention"
    assert row_names(figure, "heads")["proj/k"] == ("Q: 8 × n × 64", "K, V: 2 × n × 64")


def around(
    spec: AttentionSpec, sources: tuple[str, ...] = ("x",), reads: dict[str, str] | None = None, given: tuple[str, ...] = ()
) -> Graph:
    """A graph, as a pass leaves it, with an attention over some inputs, a batch in front."""
    wide = (Dim(1), spec.heads, spec.queries, spec.d_k) if not spec.split else (Dim(1), spec.queries, spec.d_model)
    shapes = dict.fromkeys(sources, wide) | dict.fromkeys(given, (spec.queries, spec.keys))
    values = tuple(Value(id, "input", TensorType("float32", shape)) for id, shape in shapes.items())
    parts = attention_parts(spec, *sources, id="net/attention", parent="net", batch=(Dim(1),), reads=reads)
    root = Scope("net", "root", None, inputs=tuple(shapes), outputs=(parts.output,))
    ports = tuple(Port(id, id) for id in shapes)
    return Graph("net", (*values, *parts.values), parts.ops, (root, parts.scope), ports, (Port("output", parts.output),))


BARE = {"projections": "", "bias": ""}
FOUND = {
    "heads come split": (spec_of(64, 4, queries=10, split=False, merge=False, **BARE), ("q", "k", "v")),
    "no projection": (spec_of(64, 4, queries=10, **BARE), ("q", "k", "v")),
    "no projection, one head": (spec_of(64, 1, queries=10, **BARE), ("q", "k", "v")),
    "three sources": (spec_of(64, 4, queries=10, cross=True), ("q", "k", "v")),
    "queries and keys alike": (spec_of(64, 4, queries=10), ("p", "p", "v")),
    "keys without a bias": (spec_of(64, 4, queries=10, bias="qvo"), ("x",)),
    "a mask and a bias given": (
        spec_of(96, 3, queries=49, masks=("given",), mask_means="add", fused="qkv"), ("x",),
        {"bias": "b", "mask": "m"}, ("b", "m"),
    ),
    "norms over all heads": (
        spec_of(64, 4, queries=10, kv_heads=2, qk_norm="layer", qk_norm_over="all", position="rotary", rotary_dims=8), ("x",)
    ),
    "output projection alone": (spec_of(64, 4, queries=10, projections="o", bias="o"), ("x",)),
    "values and output alone": (spec_of(64, 1, queries=10, projections="vo", bias=""), ("x",)),
    "cosine": (spec_of(96, 3, queries=49, qk_norm="l2", scale="learned"), ("x",)),
}  # fmt: skip


@pytest.mark.parametrize("kind", FOUND)
def test_attention_as_a_pass_may_find_it_is_drawn_clean(kind: str):
    """Whatever is missing or given; every box stands for something of the graph, and torch computes the graph."""
    graph = around(*FOUND[kind])
    result = netfig.draw(graph, renderer="attention")
    assert [str(found) for found in result.lint()] == []
    assert result.drawing.width <= 520
    assert all(one in graph.op_by_id or one in graph.value_by_id for b in result.figure.boxes.values() for one in b.stands_for)
    assert evaluate(graph, seed=0)[graph.outputs[0].value].shape[0] == 1


def test_a_graph_without_attention_is_refused_with_a_hint():
    """Nothing is made up."""
    with pytest.raises(UsageError, match="no attention is found"):
        netfig.draw("Linear(4, 3)", "4", renderer="attention")


def test_the_block_asked_for_is_found_or_named():
    """A near miss is suggested."""
    assert drawn({"block": "heads"}, d_model=8, heads=2).figure.boxes
    with pytest.raises(UsageError, match="no attention 'hed'") as caught:
        drawn({"block": "hed"}, d_model=8, heads=2)
    assert "heads" in caught.value.hint


@pytest.mark.parametrize(("count", "said"), [(1, ""), (3, "One of 3 in net, all alike.")])
def test_a_figure_of_several_says_which_part_of_them_it_is(count: int, said: str):
    """Blocks one after another; the second and third can be asked for."""
    spec = spec_of(8, 2, queries=4)
    values, ops, scopes, last = [Value("x", "input", TensorType("float32", (Dim(4), Dim(8))))], [], [], "x"
    for n in range(count):
        parts = attention_parts(spec, last, id=f"layer{n}", parent="net", prefix=f"{n}.")
        values, ops, scopes, last = [*values, *parts.values], [*ops, *parts.ops], [*scopes, parts.scope], parts.output
    root = Scope("net", "root", None, inputs=("x",), outputs=(last,))
    graph = Graph("net", tuple(values), tuple(ops), (root, *scopes), (Port("x", "x"),), (Port("output", last),))
    figure = netfig.draw(graph, renderer="attention", options={"attention.block": f"layer{count - 1}"}).figure
    assert said in caption(figure)
    assert ("One of" in caption(figure)) == (count > 1)
    assert figure.boxes["concat"].stands_for[0] == f"layer{count - 1}/merge"


def test_options_leave_parts_out():
    """No caption, no equations, no parameters."""
    assert drawn({"caption": False, "equations": False}).figure.caption == ()
    assert drawn({"equations": False}).figure.equations == ()
    assert "Parameters" not in caption(drawn({"params": "none"}).figure)


def test_sizes_with_a_name_and_a_number_show_the_number():
    """As traced graphs may have them."""
    from netfig.renderers.attention_block_words import shape

    assert text_of(shape(Dim(8, "d_model"), Dim(None, "h*d_k"))).replace("\u2009", " ") == "8 × (h d_k)"


def test_only_what_is_scaled_is_called_scaled():
    """The box of all heads says what the head computes."""
    assert box_words(drawn(**WIDE).figure, "all") == ["Scaled dot-product attention"]
    assert box_words(drawn(**WIDE, scale="none").figure, "all") == ["Dot-product attention"]


def test_turned_queries_have_a_symbol_of_their_own_in_equations_and_on_wires():
    """What enters RoPE is Q = X W; what leaves it is named with a tilde wherever it is used."""
    figure = drawn(**KINDS["grouped"]).figure
    lines = " ".join(text_of(line) for line in figure.equations)
    turned = {w.source.box: text_of(w.label) for w in figure.wires if w.target.box == "scores"}
    assert "RoPE(Q_i)" in lines
    assert "RoPE(X" not in lines
    assert turned["q/rotary"] + " = RoPE(Q_i)" in lines
    assert turned["k/rotary"] + " = RoPE(K_j)" in lines
    assert box_words(figure, "head/q") == ["Q_i"]


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"long names"}))
def test_boxes_of_one_kind_are_of_one_width(kind: str):
    """The steps of the head, and all projections."""
    result = drawn(**KINDS[kind])
    shapes = {s.id: s for s in result.drawing.shapes if s.id == s.box}
    boxes = result.figure.boxes
    steps = [id for id, box in boxes.items() if box.span[0] > 1 and result.figure.parent_of[id] == "head/inside"]
    for ids in (steps, [id for id in boxes if id.startswith("proj/")]):
        assert len({round(shapes[id].bounds[2] - shapes[id].bounds[0], 1) for id in ids}) <= 1


@pytest.mark.parametrize("kind", ["numbers", "names", "one head", "cross", "grouped", "relative"])
def test_a_figure_fits_on_the_page_of_a_paper(kind: str):
    """Not higher than 680 points: it need not be made smaller."""
    assert drawn(**KINDS[kind]).drawing.height <= 680


def test_values_are_named_where_no_box_does_it():
    """One head in one ladder; and the sources are explained."""
    figure = drawn(**KINDS["one head"]).figure
    assert [text_of(w.label) for w in figure.wires if w.source.box == "proj/v"] == ["V"]
    assert "X: the tokens." in caption(figure)
    assert "C: those that are asked." in caption(drawn(**KINDS["cross"]).figure)
