"""An attention from its sizes: the word with options, a file of them, and what does not fit together."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import netfig
from netfig.errors import InvalidInput, Missing, NetfigError, UsageError
from netfig.graph import Graph
from netfig.graph.attention import PARTS, AttentionSpec, attention_blocks, attention_parts, spec_of
from netfig.graph.types import Dim
from netfig.hooks import Request
from netfig.sources.attention import accepts, load
from netfig.sources.attention_options import AttentionOptions


def graph_of(**options: Any) -> Graph:
    return load(Request("attention"), AttentionOptions(**options)).graph


def spec(**options: Any) -> AttentionSpec:
    return attention_blocks(graph_of(**options))[0].spec


@pytest.mark.parametrize("target", ["attention", "a.attention", "folder/B.ATTENTION", Path("x.attention")])
def test_the_word_and_files_of_sizes_are_accepted(target: Any):
    assert accepts(target)


@pytest.mark.parametrize("target", ["attention.py:Net", "attention.json", "Attention(8)", "attentions", 3, b"attention"])
def test_other_targets_are_left_to_other_sources(target: Any):
    assert not accepts(target)


def test_every_shape_of_the_graph_follows_from_the_sizes():
    graph = graph_of(d_model=8, heads=2, tokens=4)
    shapes = {v.id: v.type.sizes for v in graph.values}
    assert shapes["x"] == shapes["heads/o_proj.out"] == (4, 8)
    assert shapes["W_Q"] == shapes["W_O"] == (8, 8)
    assert shapes["heads/q_heads.out"] == (2, 4, 4)
    assert shapes["heads/softmax.out"] == (2, 4, 4)


def test_names_stand_for_sizes_in_every_shape():
    graph = graph_of(d_model="d", heads="h", tokens="n", kv_heads="g", cross=True)
    shapes = {v.id: [str(d) for d in v.type.shape or ()] for v in graph.values}
    assert shapes["W_K"] == ["g*d_k", "d"]
    assert shapes["heads/scores.out"] == ["h", "n", "m"]
    assert shapes["heads/k_repeat.out"] == ["h", "m", "d_k"]
    assert graph.parameter_count is None


def test_parts_run_in_one_order_whatever_is_asked_for():
    graph = graph_of(
        heads=4,
        d_model=64,
        kv_heads=2,
        position="rotary",
        qk_norm="rms",
        softcap=5.0,
        causal=True,
        window=3,
        dropout=0.5,
        fused="qkv",
    )
    parts = [str(op.attribute("part")) for op in graph.ops]
    assert parts == [part for part in PARTS if part in parts]
    assert {"split_weight", "q_norm", "k_rotary", "v_repeat", "softcap", "mask", "dropout", "o_proj"} <= set(parts)


def test_one_head_has_no_dimension_of_heads():
    graph = graph_of(d_model=8, heads=1, tokens=4)
    assert graph.value_by_id["heads/scores.out"].type.sizes == (4, 4)
    assert not {op.kind for op in graph.ops} & {"split_heads", "merge_heads"}


def test_a_file_says_the_same_as_options(tmp_path: Path):
    file = tmp_path / "small.attention"
    file.write_text('# sizes\nd_model = 8\nheads = 2\ntokens = "n"\nbias = false\n')
    found = load(Request(str(file)), AttentionOptions()).graph
    assert found.name == "small"
    assert attention_blocks(found)[0].spec == spec(d_model=8, heads=2, tokens="n", bias=False)
    changed = load(Request(str(file)), AttentionOptions(tokens=7)).graph
    assert attention_blocks(changed)[0].spec.queries == Dim(7)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"d_model": 8, "heads": 3}, "d_model = 8 is not divisible by 3 heads"),
        ({"heads": 0}, "--heads must be from 1 to 10,000,000, not 0"),
        ({"tokens": -1}, "--tokens must be from 1"),
        ({"heads": "a b"}, "--heads must be a whole number or a name"),
        ({"d_model": "<b>x</b>"}, "--d-model must be a whole number or a name"),
        ({"heads": "x" * 99}, "--heads must be a whole number or a name"),
        ({"d_model": 64, "heads": 8, "kv_heads": 3}, "8 heads cannot share 3 heads of keys and values evenly"),
        ({"d_model": 6, "heads": 2, "position": "rotary"}, "d_k = 3 is odd"),
        ({"window": 0}, "belong together"),
        ({"dropout": 1.5}, "--dropout must be from 0 to below 1"),
        ({"cross": True, "fused": "qkv"}, "cannot have one matrix"),
    ],
)
def test_sizes_that_do_not_fit_together_are_named(options: dict[str, Any], said: str):
    with pytest.raises(UsageError) as caught:
        graph_of(**options)
    assert said in caught.value.what


def test_all_wrong_sizes_are_named_at_once():
    with pytest.raises(UsageError) as caught:
        graph_of(heads=0, tokens="a-b", dropout=2.0)
    assert all(word in str(caught.value) for word in ("--heads", "--tokens", "--dropout"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("d_modle = 8", "did you mean 'd_model'"),
        ("d_model = 1.5", "a whole number or a name"),
        ("d_model = true", "a whole number or a name"),
        ('position = "rotery"', "'rotary'"),
        ("d_model = ", "this is not TOML"),
        ("d_model = 8\nd_model = 9", "this is not TOML"),
        ("[a]\nb = 1", "no such size"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_mistakes(tmp_path: Path, text: str, said: str):
    file = tmp_path / "a.attention"
    file.write_text(text)
    with pytest.raises(InvalidInput) as caught:
        load(Request(str(file)), AttentionOptions())
    assert said in str(caught.value)


def test_a_file_that_is_not_there_is_missing(tmp_path: Path):
    with pytest.raises(Missing):
        load(Request(str(tmp_path / "no.attention")), AttentionOptions())


@pytest.mark.parametrize("request_", [Request("attention", inputs=("4x8",)), Request("attention", verify=True)])
def test_what_only_models_take_is_refused(request_: Request):
    with pytest.raises(UsageError, match="takes no"):
        load(request_, AttentionOptions())


def test_python_takes_the_same_options():
    result = netfig.draw("attention", options={"attention.d_model": 8, "attention.heads": 2, "attention.tokens": 4})
    assert result.renderer.name == "attention"
    assert result.graph.parameter_count == 288
    assert (
        netfig.trace("attention", netfig_options={"options": {"attention.d_model": 8, "attention.heads": 2}}).parameter_count
        == 288
    )


def test_parts_may_read_and_make_existing_values_and_nothing_else():
    made = attention_parts(spec_of(8, 2), "x", parent="net", reads={"q.weight": "w"}, makes={"o_proj": "y"}, prefix="a.")
    assert made.output == "y"
    assert made.parameters == ("a.b_Q", "a.W_K", "a.b_K", "a.W_V", "a.b_V", "a.W_O", "a.b_O")
    for wrong in ({"reads": {"qq": "w"}}, {"reads": {"cos": "c"}}, {"makes": {"mask": "y"}}):
        with pytest.raises(NetfigError):
            attention_parts(spec_of(8, 2), "x", parent="net", **wrong)


def test_drawing_it_loads_no_torch(tmp_path: Path):
    code = (
        "import sys; from netfig.cli import cli; sys.argv = ['netfig', 'draw', 'attention', '--d-model', '8', '--heads', '2', "
        f"'-o', {str(tmp_path / 'a.svg')!r}]\n"
        "try: cli.main(prog_name='netfig')\nexcept SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert (tmp_path / "a.svg").stat().st_size > 5000
