"""The source of equations: which targets it takes, what it does with sizes, and that nothing is run."""

from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace

import pytest

from netfig.errors import InvalidInput, InvalidProgram, Missing, UsageError
from netfig.hooks import Request
from netfig.registry import current_registry
from netfig.schema import graph_to_json
from netfig.sources import recurrence
from netfig.sources.recurrence import accepts

ELMAN = "h[t] = tanh(W x[t] + U h[t-1])"


def load(target: str, *inputs: str, **given):
    return recurrence.load(Request(target, inputs=inputs, **given), None)


def sizes(graph, value: str) -> list[int | None]:
    return [d.size for d in graph.value_by_id[value].type.shape]


class TestTargets:
    @pytest.mark.parametrize(
        "target", ["a.rnn", "dir/A.RNN", "-", "cell:lstm", ELMAN, f"K = 2; {ELMAN}", f"# Elman\n{ELMAN}\n", "h_t = tanh(W x_t)"]
    )
    def test_files_standard_input_cells_and_equations_are_taken(self, target):
        assert accepts(target)

    @pytest.mark.parametrize(
        "target",
        [
            "net.py:Net(kernel_size=[3, 3])", "net.py", "graph.json", "chain.layers", "Conv2d(3, kernel_size=[3, 3]) | ReLU",
            "conv_1: Conv2d(16, 3, padding=1)", "pkg.mod:zoo['a']", "Linear(3, bias=False)", "2 * (Linear(10) | ReLU)",
            7, None, b"a.rnn",
        ],
    )  # fmt: skip
    def test_what_other_sources_read_is_not_taken(self, target):
        assert not accepts(target)

    def test_a_file_is_named_after_itself(self, tmp_path):
        path = tmp_path / "my net.rnn"
        path.write_text(f"# title: Mine\n{ELMAN}\n", "utf-8")
        graph = load(str(path)).graph
        assert (graph.name, graph.origin) == ("my net", "my net.rnn")
        assert graph.notes_on("")["title"].value == "Mine"

    def test_a_string_a_file_and_standard_input_give_the_same_ops(self, tmp_path, monkeypatch):
        path = tmp_path / "elman.rnn"
        path.write_bytes(b"\xef\xbb\xbf" + ELMAN.replace("\n", "\r\n").encode())
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(ELMAN.encode())))
        graphs = [load(target).graph for target in (ELMAN, str(path), "-")]
        assert graphs[0].ops == graphs[1].ops == graphs[2].ops

    def test_standard_input_may_still_be_a_saved_graph(self, monkeypatch):
        graph = load(ELMAN).graph
        monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(graph_to_json(graph))))
        assert load("-").graph == graph

    def test_it_is_asked_before_the_other_sources(self):
        assert next(s.name for s in current_registry().sources.values() if s.accepts("-")) == "recurrence"


class TestSizes:
    def test_sizes_get_numbers_one_by_one_or_several_in_a_word(self):
        graph = load("cell:elman", "n=3", "m=4,k=2").graph
        assert sizes(graph, "W_xh") == [4, 3]
        assert graph.parameter_count == 12 + 16 + 4 + 8 + 2

    def test_an_input_may_stand_for_its_size_and_a_found_size_has_a_name(self):
        assert sizes(load(ELMAN, "x=3", "n_h=4").graph, "W") == [4, 3]

    def test_the_extent_of_time_is_a_size(self):
        assert [a.extent.size for a in load(ELMAN, "T=5").graph.axes] == [5]

    def test_a_number_given_overrides_the_one_in_the_program(self):
        assert sizes(load("cell:attention-rnn", "K=4").graph, "a") == [5]

    @pytest.mark.parametrize(
        ("words", "what"),
        [
            (("3x4",), "gives no size"),
            (("q=3",), "no size 'q'"),
            (("n_x=3", "n_x=4"), "given twice"),
            (("n_x=-1",), "gives no size"),
        ],
    )
    def test_other_words_are_refused(self, words, what):
        with pytest.raises(UsageError, match=what):
            load(ELMAN, *words)

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"arguments": ((1,), {})}, "tensors"),
            ({"verify": True}, "--verify"),
            ({"batch": 4, "device": "cpu", "mode": "train"}, "--batch and no --device and no --train"),
            ({"partial": True, "inputs_from": "a.py:f"}, "--inputs and no --partial"),
        ],
    )
    def test_what_says_how_a_model_is_run_is_refused_with_what_equations_take(self, given, words):
        with pytest.raises(UsageError) as raised:
            load(ELMAN, **given)
        assert raised.value.what == f"equations take no {words}"
        assert "--size n=3" in raised.value.hint

    def test_what_a_configuration_says_of_models_is_not_for_equations(self):
        given = {"batch": 4, "device": "cpu", "mode": "train", "partial": True}
        assert load(ELMAN, **given, configured=frozenset(given)) == load(ELMAN)


class TestFailures:
    def test_a_missing_file_is_missing(self, tmp_path):
        with pytest.raises(Missing, match=r"no\.rnn"):
            load(str(tmp_path / "no.rnn"))

    def test_bytes_that_are_no_text_are_refused(self, tmp_path):
        path = tmp_path / "bad.rnn"
        path.write_bytes(b"h[t] = \xff\xfe")
        with pytest.raises(InvalidInput, match="not UTF-8"):
            load(str(path))

    def test_a_mistake_names_the_file_and_the_line(self, tmp_path):
        path = tmp_path / "bad.rnn"
        path.write_text("y[t] = V h[t]\nh[t] = W h[t]\n", "utf-8")
        with pytest.raises(InvalidProgram) as caught:
            load(str(path))
        assert "bad.rnn:2:" in str(caught.value)


def test_loading_equations_never_loads_torch():
    code = (
        "import sys\nfrom netfig.hooks import Request\nfrom netfig.sources.recurrence import load\n"
        "load(Request('cell:lstm'), None)\nprint([m for m in ('torch', 'numpy', 'difflib') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert run.stdout.strip() in ("[]", "['difflib']")
