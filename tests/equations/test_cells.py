"""The library of cells: every file compiles, and has as many parameters as torch's module of that name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netfig.annotators.counts import annotate
from netfig.equations import compile, parse
from netfig.equations.library import cell, cells
from netfig.errors import UsageError
from netfig.graph import Graph
from netfig.graph.counts import matrix_count, written_count, written_total
from netfig.graph.plates import fold, unroll
from netfig.summary import render, summarize

PROJECT = Path(__file__).parents[2]
EXAMPLES = sorted((PROJECT / "examples/recurrences").glob("*.rnn"))
CASES = json.loads((PROJECT / "examples/cases.json").read_text())
WANTED = {
    "elman", "jordan", "gated", "lstm", "lstm-peephole", "lstm-projection", "gru", "mgu", "bidirectional", "stacked",
    "encoder-decoder", "bahdanau", "attention-rnn", "attention-rnn-k", "attention-rnn-infinite",
}  # fmt: skip


def compiled(name: str, **sizes: int) -> Graph:
    return compile(cell(name), sizes)


def annotated(graph: Graph) -> Graph:
    from dataclasses import replace

    return replace(graph, notes=graph.notes + tuple(annotate(graph)))


def example(name: str, **sizes: int) -> Graph:
    path = PROJECT / f"examples/recurrences/{name}.rnn"
    return annotated(compile(parse(path.read_text("utf-8"), name), sizes))


def test_the_library_has_the_cells_of_the_textbooks():
    assert set(cells()) == WANTED
    assert cells()["lstm"] == "LSTM"


def test_a_cell_that_is_not_there_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="no cell 'lsmt'") as caught:
        cell("lsmt")
    assert "'lstm'" in caught.value.hint


@pytest.mark.parametrize("name", sorted(WANTED))
def test_each_cell_compiles_and_unrolls_and_folds_back(name):
    made = compiled(name)
    sizes = {"K": 2, "L": 2, "S": 3}
    assert made.outputs
    assert fold(unroll(made, "t", 3, sizes), "t") == made


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_each_example_compiles_and_its_shapes_are_all_known_by_number_or_name(path):
    made = compile(parse(path.read_text("utf-8"), path.stem))
    assert all(str(d) != "?" for v in made.values for d in v.type.shape)


class TestCounts:
    @pytest.mark.parametrize(
        ("name", "module", "options"),
        [("lstm", "LSTM", {}), ("gru", "GRU", {}), ("lstm-projection", "LSTM", {"proj_size": 2})],
    )
    def test_a_cell_has_as_many_parameters_as_torch_has(self, name, module, options):
        from torch import nn

        torch_has = sum(p.numel() for p in getattr(nn, module)(3, 5, device="meta", **options).parameters())
        sizes = {"n": 3, "m": 5, **({"p": 2} if options else {})}
        assert compiled(name, **sizes).parameter_count == torch_has

    def test_the_elman_network_has_one_bias_where_torch_has_two(self):
        from torch import nn

        torch_has = sum(p.numel() for p in nn.RNN(3, 5, device="meta").parameters())
        made = compiled("elman", n=3, m=5, k=2)
        own = {v.id: v.type.numel for v in made.values if v.kind == "parameter"}
        assert own["W_xh"] + own["W_hh"] + 2 * own["b_h"] == torch_has

    def test_the_three_layer_case_has_thirty_six_parameters(self):
        made = example("three-layer-shapes")
        assert made.parameter_count == CASES["rnn_cmu"]["params"] == 36
        assert made.notes_on("")["params"].value == 36
        assert made.notes_on("W_hx")["params.formula"].value == "4·3 = 12"

    def test_a_count_of_named_sizes_is_written_with_the_names(self):
        made = example("elman")
        assert made.notes_on("W_xh")["params"].value == "m·n"
        assert made.notes_on("")["params"].value == "m·n + m·m + m + k·m + k"

    def test_equal_terms_are_written_together(self):
        assert written_total(compiled("lstm")).text == "4·m·n + 8·m + 4·m·m"

    def test_a_family_counts_as_many_matrices_as_it_has_members(self):
        made = compiled("attention-rnn", n=3, m=4, d=2)
        own = {v.id: written_count(made, v) for v in made.values if v.kind == "parameter"}
        assert own["Q"].worked == "2·2·4 = 16"
        assert made.parameter_count == 2 * (2 * 3) + 4 * 3 + 2 * (2 * 2 * 4) + 2 * 4 * 4

    def test_attention_over_the_last_k_states_has_three_times_k_plus_one_matrices(self):
        assert matrix_count(compiled("attention-rnn-k")).text == "3·(K+1)"
        assert [matrix_count(compiled("attention-rnn-k", K=k)).number for k in (1, 2, 5)] == [6, 9, 18]

    def test_attention_over_all_past_states_has_six_matrices_since_they_are_tied(self):
        assert matrix_count(compiled("attention-rnn-infinite")).number == 6

    def test_a_weight_says_what_it_is_shared_over(self):
        made = example("attention-rnn-infinite")
        assert made.notes_on("Q")["params.shared_over"].value == ("t", "i")
        assert made.notes_on("Q_0")["params.shared_over"].value == ("t",)

    def test_unrolling_leaves_the_count_as_it_is(self):
        made = compiled("stacked", m=3, k=2, L=2)
        assert unroll(made, "t", 4).parameter_count == made.parameter_count == 2 * (9 + 9 + 3) + 2 * 3 + 2


class TestSummary:
    def test_it_lists_symbols_with_their_indices_shapes_and_counts(self):
        table = summarize(example("elman", n=3, m=4, k=2))
        rows = {row.layer: row for row in table.rows}
        assert list(rows) == ["x[t]", "W_xh", "W_hh", "b_h", "W_hy", "b_y", "h[t]", "y[t]"]
        assert (rows["W_xh"].output_text, rows["W_xh"].params, rows["W_xh"].formula) == ("4×3", 12, "4·3 = 12")
        assert rows["h[t]"].settings == "hidden state"
        assert table.params == 12 + 16 + 4 + 8 + 2

    @pytest.mark.parametrize("form", ["terminal", "markdown", "latex", "csv", "json"])
    def test_named_sizes_stand_in_every_form(self, form):
        assert "K·d·m" in render(summarize(example("attention-rnn-k")), form).replace(r"$\cdot$", "·")

    def test_it_says_that_weights_are_counted_once_and_how_many_matrices_there_are(self):
        text = render(summarize(example("attention-rnn-k")))
        assert "Weight matrices: 3·(K+1)" in text
        assert "Shared over t, counted once." in text
