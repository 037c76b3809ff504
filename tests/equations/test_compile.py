"""The graphs that `compile` makes: plates, indices, boundary values, ports, ids; and the equations read back from them."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from netfig.equations import compile, decompile, equation_lines, parse, write
from netfig.graph import Affine, Graph, Ref
from netfig.graph.plates import fold, unroll
from netfig.mathtext import text_of
from netfig.schema import graph_from_json, graph_to_json

PAPERS = sorted((Path(__file__).parent / "papers").glob("*.rnn"))
ELMAN = "h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)  # hidden state\ny[t] = W_hy h[t] + b_y"
GATED = "x[t] : n, h[t] : m\nc[t] = σ(W_c x[t] + W_h h[t-1])\nh[t] = c[t] ⊙ h[t-1] + (1 - c[t]) ⊙ W_x x[t]"
ATTENTION = """
q_0[t] = Q_0 x[t];  q_i[t] = Q_i h[t-i] for i = 1..K
v_0[t] = V_0 x[t];  v_i[t] = V_i h[t-i] for i = 1..K
w_i[t] = q_i[t]ᵀ v_i[t] for i = 0..K
a[t] = softmax([w_i[t] for i = 0..K])
h[t] = sum(a_i[t] v_i[t] for i = 0..K)
"""


def graph(source: str, **sizes: int) -> Graph:
    return compile(parse(source, "program"), sizes)


def reads(made: Graph, op: str) -> list[Ref]:
    return [ref for slot in made.op_by_id[op].inputs for ref in slot.refs]


class TestElman:
    def test_every_op_stands_in_the_plate_over_time_and_every_weight_outside_it(self):
        made = graph(ELMAN)
        assert {op.scope for op in made.ops} == {"over t"}
        assert made.scope_by_id["over t"].axis == "t"
        assert {v.id for v in made.values if v.kind == "parameter" and v.axes == ()} == {"W_xh", "W_hh", "b_h", "W_hy", "b_y"}

    def test_the_ops_are_those_written_in_the_order_of_one_step_and_the_last_makes_the_name(self):
        made = graph(ELMAN)
        assert [(op.id, op.kind) for op in made.ops] == [
            ("h/matmul", "matmul"), ("h/matmul@1", "matmul"), ("h/add", "add"), ("h/add@1", "add"), ("h/tanh", "tanh"),
            ("y/matmul", "matmul"), ("y/add", "add"),
        ]  # fmt: skip
        assert made.op_by_id["h/tanh"].outputs == ("h",)

    def test_the_state_is_read_one_step_back_and_starts_from_zeros(self):
        made = graph(ELMAN)
        assert reads(made, "h/matmul@1") == [Ref("W_hh"), Ref("h", (("t", -1),))]
        assert made.value_by_id["h"].initial == (("t", 0, "h[t=0]"),)
        start = made.value_by_id["h[t=0]"]
        assert (start.kind, start.data, start.type.shape) == ("constant", (0,), made.value_by_id["h"].type.shape)

    def test_what_nothing_reads_is_the_output(self):
        made = graph(ELMAN)
        assert [p.value for p in made.inputs] == ["x"]
        assert [p.value for p in made.outputs] == ["y"]

    def test_labels_and_equations_are_notes(self):
        made = graph(ELMAN)
        assert made.notes_on("h")["label"].value == "hidden state"
        assert made.notes_on("")["equations"].value[0].startswith("h[t] = tanh(")

    def test_it_takes_a_few_milliseconds(self):
        program = parse(ELMAN)
        compile(program)
        times = []
        for _ in range(5):
            begin = time.perf_counter()
            compile(program)
            times.append(time.perf_counter() - begin)
        assert min(times) < 0.01


class TestStarts:
    def test_a_parameter_may_be_the_start(self):
        assert graph("h[0] = h_init\nh[t] = tanh(W h[t-1])").value_by_id["h"].initial == (("t", 0, "h_init"),)

    def test_numbers_may_be_the_start(self):
        made = graph("h[0] = [1; 0; 0]\nh[t] = tanh(W h[t-1])")
        assert made.value_by_id["h[t=0]"].data == (1, 0, 0)
        assert [d.size for d in made.value_by_id["h"].type.shape] == [3]

    def test_an_expression_may_be_the_start_and_is_worked_out_outside_the_plate(self):
        made = graph("h[0] = tanh(W_0 z)\nh[t] = tanh(W h[t-1])")
        assert made.producer["h[t=0]"].scope == made.root.id

    def test_the_first_layer_may_be_the_input(self):
        made = graph("h[0,t] = x[t]\nh[l,t] = tanh(W_l h[l-1,t] + U_l h[l,t-1])")
        assert ("l", 0, "x") in made.value_by_id["h"].initial
        assert ("t", 0, "h[t=0]") in made.value_by_id["h"].initial
        assert made.value_by_id["W"].axes == ("l",)

    def test_the_last_state_of_one_chain_may_be_the_start_of_another(self):
        made = graph("h[j] = tanh(W h[j-1] + U x[j]) for j = 1..S\ns[0] = h[S]\ns[t] = tanh(V s[t-1])")
        assert reads(made, made.producer["s[t=0]"].id) == [Ref("h", (), (("j", Affine((("S", 1),))),))]

    def test_a_read_of_the_future_ends_with_zeros(self):
        assert graph("b[t] = tanh(W x[t] + U b[t+1])").value_by_id["b"].final == (("t", 1, "b[t=T+1]"),)

    def test_a_read_further_back_has_a_start_for_each_step(self):
        starts = graph("h[t] = sum(A_i h[t-i] for i = 1..3)").value_by_id["h"].initial
        assert [index for _, index, _ in starts] == [-2, -1, 0]


class TestFamilies:
    def test_a_family_is_one_weight_over_its_axis_and_its_extent_keeps_its_name(self):
        made = graph(ATTENTION)
        axis = next(a for a in made.axes if a.id == "i")
        assert made.value_by_id["Q"].axes == ("i",)
        assert (axis.start, str(axis.extent), axis.extent.size) == (1, "K", None)

    def test_an_equation_over_several_pieces_is_split_along_them(self):
        made = graph(ATTENTION)
        assert made.value_by_id["w_0"].axes == ("t",)
        assert made.value_by_id["w"].axes == ("t", "i")
        assert reads(made, "a/stack") == [Ref("w_0"), Ref("w")]

    def test_an_index_that_depends_on_another_is_a_place(self):
        made = graph(ATTENTION)
        assert reads(made, "q/matmul")[1] == Ref("h", (), (("t", Affine((("t", 1), ("i", -1)))),))

    def test_a_component_of_the_list_from_zero_counts_from_zero(self):
        made = graph(ATTENTION)
        picked = {(o.attribute("index"), o.attribute("start")) for o in made.ops if o.kind == "select"}
        assert picked == {("0", 0), ("i", 0)}

    def test_a_number_for_the_range_makes_sizes_and_starts_numbers(self):
        made = graph(ATTENTION, K=4)
        assert [d.size for d in made.value_by_id["a"].type.shape] == [5]
        assert [index for _, index, _ in made.value_by_id["h"].initial] == [-3, -2, -1, 0]

    def test_tied_weights_are_one_value_without_the_axis(self):
        made = graph(
            "Q_i = Q for i ≥ 1\nq_0[t] = Q_0 x[t]; q_i[t] = Q_i h[t-i] for i = 1..t-1\nh[t] = sum(q_i[t] for i = 0..t-1)"
        )
        assert {v.id: v.axes for v in made.values if v.kind == "parameter"} == {"Q": (), "Q_0": ()}
        assert [str(a.extent) for a in made.axes] == ["T", "t-1"]

    def test_an_inner_sum_may_use_the_letter_of_the_outer_range_again(self):
        source = "a_i[t] = exp(W_i x[t]) / sum(exp(W_i x[t]) for i = 1..K) for i = 1..K"
        made = graph(source)
        assert len({a.id for a in made.axes}) == 3
        assert unroll(made, "i", 2, {"K": 2}).ops

    def test_the_identity_matrix_is_no_parameter(self):
        made = graph("K[t] = (I - A) x[t] + A x[t-1]")
        assert made.value_by_id["I"].kind == "constant"


class TestEquations:
    def test_they_are_typeset_as_written(self):
        assert [text_of(line) for line in equation_lines(graph(GATED))] == [
            "c_t = σ(W_c x_t + W_h h_{t−1})",
            "h_t = c_t ⊙ h_{t−1} + (1 − c_t) ⊙ W_x x_t",
        ]

    def test_without_the_note_they_are_read_back_from_the_ops(self):
        from dataclasses import replace

        made = graph(GATED)
        assert equation_lines(replace(made, notes=())) == equation_lines(made)

    @pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
    def test_what_is_read_back_has_the_same_ops(self, path):
        made = compile(parse(path.read_text("utf-8"), path.stem))
        again = compile(parse(write(decompile(made)), path.stem))
        assert [(o.kind, len(list(o.reads))) for o in again.ops] == [(o.kind, len(list(o.reads))) for o in made.ops]


@pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
class TestPapers:
    """Recurrences from papers, transcribed without looking at what the tool makes of them."""

    def test_it_compiles_and_every_name_has_a_shape(self, path):
        made = compile(parse(path.read_text("utf-8"), path.stem))
        assert made.outputs
        assert all(d.size is not None or d.name for v in made.values for d in v.type.shape)

    def test_it_survives_json(self, path):
        made = compile(parse(path.read_text("utf-8"), path.stem))
        assert graph_from_json(graph_to_json(made)) == made

    def test_folding_undoes_unrolling(self, path):
        made = compile(parse(path.read_text("utf-8"), path.stem))
        axis = made.axes[0].id
        sizes = {name: 3 for a in made.axes for name, _ in Affine.parse(str(a.extent)).terms if name not in ("t", axis)}
        assert fold(unroll(made, axis, 3, sizes), axis) == made


def sizes_of(made: Graph) -> dict[str, int]:
    """A number for every size that has none: different ones, so that no two shapes agree by chance."""
    axes = {a.id for a in made.axes}
    named = [d.name for d in (*(d for v in made.values for d in v.type.shape), *(a.extent for a in made.axes)) if d.size is None]
    words = [word for text in named for word, _ in Affine.parse(text).terms if word not in axes]
    words += [word for v in made.values if v.kind == "constant" for word in v.data or () if isinstance(word, str)]
    return {word: 3 if word in "TKSLMNn" else count + 2 for count, word in enumerate(dict.fromkeys(words)) if word != "identity"}


CELLS = sorted((Path(__file__).parents[2] / "src/netfig/cells").glob("*.rnn"))


@pytest.mark.parametrize("path", [*PAPERS, *CELLS], ids=lambda p: p.stem)
def test_every_shape_is_the_one_that_torch_gives(path):
    import torch

    from netfig.evaluation import evaluate

    made = compile(parse(path.read_text("utf-8"), path.stem))
    sizes = sizes_of(made)
    functions = {str(op.attribute("name")): lambda x, *_: torch.tanh(x) for op in made.ops if op.kind == "function"}
    numbers = evaluate(made, sizes=sizes, seed=0, functions=functions)
    for value in made.values:
        shape = [Affine.parse(d.name).at(sizes).number if d.size is None else d.size for d in value.type.shape]
        if not value.axes and value.kind != "constant" and value.id in numbers and None not in shape:
            assert list(numbers[value.id].shape) == shape, value.id
        for place in range(1, 3):
            one = numbers.get(f"{value.id}[t={place}]")
            if one is not None and value.axes == ("t",) and None not in shape:
                assert list(one.shape) == shape, value.id
