"""Worked examples: every number is that of the answer sheet and of torch; every mistake is found at its place."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from netfig.errors import InvalidProgram, NetfigError, UsageError
from netfig.evaluation import evaluate
from netfig.graph import Graph
from netfig.graph.exact import decode
from netfig.hooks import Request
from netfig.pipeline import load
from netfig.registry import current_registry
from netfig.schema import graph_from_json, graph_to_json
from netfig.sources.worked import worked

PROJECT = Path(__file__).parents[2]
CASES = json.loads((PROJECT / "examples/cases.json").read_text())
EXAMPLES = sorted((PROJECT / "examples/worked").glob("*.worked.toml"))


def example(name: str) -> Graph:
    return worked((PROJECT / f"examples/worked/{name}.worked.toml").read_text(), name)


def numbers(graph: Graph, id: str) -> torch.Tensor:
    value = graph.value_by_id[id]
    found = [float("-inf") if (n := decode(entry)) is None else float(n) for entry in value.data or ()]
    return torch.tensor(found, dtype=torch.float64).reshape(value.type.sizes or ())


def close(graph: Graph, id: str, expected: object, within: float = 1e-9) -> bool:
    return torch.allclose(numbers(graph, id), torch.tensor(expected, dtype=torch.float64), rtol=0, atol=within)


# ---- the answer sheet ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "key", "corner"), [("convolution", "valid", -22), ("convolution-padded", "padding_1", 7)])
def test_the_convolution_is_that_of_the_answer_sheet(name, key, corner):
    graph, case = example(name), CASES["conv_worked"]
    assert numbers(graph, "image").tolist() == case["image"]
    assert numbers(graph, "filter").tolist() == case["kernel"]
    assert numbers(graph, "map").tolist() == case[key]
    assert numbers(graph, "map")[-1, -1] == corner


def test_the_small_attention_is_that_of_the_answer_sheet():
    graph, case = example("attention"), CASES["attention_worked_3x2"]
    assert numbers(graph, "QK_T").tolist() == case["scores"]
    assert close(graph, "S", case["scaled"], 5e-5)
    assert close(graph, "A", case["weights"], 5e-7)
    assert close(graph, "Z", case["output"], 5e-5)
    assert decode(graph.value_by_id["scale"].data[0]).terms == decode("sqrt(2)").terms


def test_the_red_panda_is_exact():
    graph, case = example("red-panda"), CASES["attention_red_panda"]
    assert graph.value_by_id["W_K"].data == tuple(entry for row in case["W_K"] for entry in row)
    assert graph.value_by_id["S"].data[10:15] == (0, "ln(80)", 0, 0, "ln(17)")
    assert numbers(graph, "A").tolist() == case["weights"]
    assert numbers(graph, "Z").tolist() == case["output"]


# ---- torch ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_every_number_is_what_evaluating_the_graph_by_torch_gives(path):
    graph = load(Request(str(path)), current_registry()).graph
    found = evaluate(graph)
    for value in graph.values:
        if value.data is not None and value.id in found:
            assert torch.allclose(numbers(graph, value.id), found[value.id], rtol=1e-9, atol=1e-12), value.id


def as_toml(tensor: torch.Tensor) -> str:
    return json.dumps([[round(x, 3) for x in row] if isinstance(row, list) else round(row, 3) for row in tensor.tolist()])


def random(seed: int, *shape: int) -> torch.Tensor:
    made = torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.round(made, decimals=2)


@given(st.integers(0, 10**6), st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.booleans())
def test_attention_of_any_numbers_is_that_of_torch(seed, queries, keys, width, causal):
    q, k, v = random(seed, queries, width), random(seed + 1, keys, width), random(seed + 2, keys, 2)
    mask = '\nmask = "causal"' if causal else ""
    graph = worked(f'kind = "attention"\nQ = {as_toml(q)}\nK = {as_toml(k)}\nV = {as_toml(v)}{mask}')
    expected = functional.scaled_dot_product_attention(q, k, v, is_causal=causal)
    assert torch.allclose(numbers(graph, "Z"), expected, atol=1e-9)


@given(st.integers(0, 10**6), st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(0, 2), st.integers(1, 3))
def test_a_convolution_of_any_numbers_is_that_of_torch(seed, height, width, side, padding, stride):
    image, kernel = random(seed, height, width), random(seed + 1, side, side)
    text = f'kind = "convolution"\nimage = {as_toml(image)}\nfilter = {as_toml(kernel)}\npadding = {padding}\nstride = {stride}'
    if min(height, width) + 2 * padding < side:
        with pytest.raises(InvalidProgram, match="larger than the image"):
            worked(text)
        return
    expected = functional.conv2d(image[None, None], kernel[None, None], padding=padding, stride=stride)[0, 0]
    assert torch.allclose(numbers(worked(text), "map"), expected, atol=1e-9)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "sigmoid", "tanh", "gelu", "softmax"])
def test_a_layer_with_each_activation_is_that_of_torch(name):
    x, weight, bias = random(1, 3), random(2, 4, 3), random(3, 4)
    layer = f'[[layer]]\nweight = {as_toml(weight)}\nbias = {as_toml(bias)}\nactivation = "{name}"'
    graph = worked(f'kind = "mlp"\nx = {as_toml(x)}\n{layer}')
    before = functional.linear(x, weight, bias)
    expected = (
        torch.softmax(before, -1)
        if name == "softmax"
        else torch.tanh(before)
        if name == "tanh"
        else getattr(functional, name)(before)
    )
    assert torch.allclose(numbers(graph, "y"), expected, atol=1e-9)


def test_a_layer_norm_is_that_of_torch():
    x, weight, bias = random(1, 3, 5), random(2, 5), random(3, 5)
    text = f'kind = "layer_norm"\nx = {as_toml(x)}\nweight = {as_toml(weight)}\nbias = {as_toml(bias)}\neps = 1e-5'
    assert torch.allclose(numbers(worked(text), "y"), functional.layer_norm(x, (5,), weight, bias), atol=1e-9)


def test_a_product_of_many_matrices_goes_from_left_to_right():
    a, b, c = random(1, 2, 3), random(2, 4, 3), random(3, 4)
    graph = worked(f'kind = "chain"\nproduct = "y = A B^T c"\nA = {as_toml(a)}\nB = {as_toml(b)}\nc = {as_toml(c)}')
    assert torch.allclose(numbers(graph, "y"), a @ b.T @ c[:, None], atol=1e-9)


# ---- the graph -----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
def test_the_graph_survives_json_with_its_exact_numbers(path):
    graph = worked(path.read_text(), path.name)
    assert graph_from_json(graph_to_json(graph)) == graph


def test_the_parameters_are_the_matrices_that_are_learned():
    assert example("red-panda").parameter_count == 3 * 9
    assert example("mlp").parameter_count == 2 * 3 + 3 + 3 * 2 + 2
    assert example("convolution").parameter_count == 4
    assert example("attention").parameter_count == 0


# ---- mistakes ------------------------------------------------------------------------------------------------------------------


def refused(text: str) -> InvalidProgram:
    with pytest.raises(InvalidProgram) as caught:
        worked(text, "mine.worked.toml")
    return caught.value


@pytest.mark.parametrize(
    ("text", "what", "place"),
    [
        ("x = [1]", "'kind' is missing", (1, 1)),
        ('kind = "atention"', "'atention'", (1, 8)),
        ('kind = "softmax"\nx = [1, "sqrt(2) + lnn(3)"]', "'lnn'", (2, 20)),
        ('kind = "softmax"\nx = [[1, 2], [3]]', "row 2 of x has 1 number", (2, 14)),
        ('kind = "softmax"\nx = [\n  [1, 2],  # first ]\n  [true, 2],\n]', "true or false", (4, 4)),
        ('kind = "softmax"\nx = [1, 2]\nroww = 1', "'roww'", (3, 8)),
        ('kind = "softmax"\nx = [1, 2]\nrow = 5', "no row", (3, 7)),
        ('kind = "softmax"\ntokens = ["cat", "dog"]\nx = [[1], [2]]\nrow = "dgo"', "no row 'dgo'", (4, 7)),
        ('kind = "softmax"\nx = [1, 2', "not valid TOML", (2, 10)),
        ('kind = "softmax"\nx = [1, inf]', "'inf'", (2, 9)),
        ('kind = "softmax"\nx = []', "an empty list", (2, 5)),
        ('kind = "layer_norm"\nx = [3, 3]', "all alike", (2, 5)),
        ('kind = "attention"\nX = [[1, 2]]\nW_Q = [[1]]\nW_K = [[1], [1]]\nW_V = [[1], [1]]', "W_Q does not fit", (3, 7)),
        ('kind = "attention"\nQ = [[1]]\nK = [[1]]\nV = [[1]]\nmask = [[0]]', "hides everything", (5, 9)),
        ('kind = "convolution"\nimage = [[1]]\nfilter = [[1, 2]]', "larger than the image", (3, 10)),
        ('kind = "convolution"\nimage = [[1]]\nfilter = [[1]]\ncell = [2, 1]', "no place", (4, 8)),
        ('kind = "chain"\nproduct = "A B"\nA = [[1, 2]]\nB = [[1, 2]]', "B does not fit", (4, 5)),
        ('kind = "chain"\nproduct = "A + B"\nA = [[1]]\nB = [[1]]', "is no product", (2, 11)),
        ('kind = "mlp"\nx = [1, 2]\n[[layer]]\nweight = [[1, 2]]\n[[layer]]\nweight = [[1, 2]]', "weight does not fit", (6, 10)),
        ('kind = "mlp"\nx = [1]\n[[layer]]\nweight = [[1]]\nactivation = "rleu"', "'rleu'", (5, 14)),
        ('kind = "weights"\nA = [[0.5, 0.4]]', "row 1 of A is no row of weights", (2, 6)),
    ],
)
def test_a_mistake_is_named_at_its_line_and_column(text, what, place):
    error = refused(text)
    found = [p for p in error.problems if what in p.what]
    assert found, [p.what for p in error.problems]
    assert error.place(found[0]) == place


def test_all_mistakes_are_named_at_once_with_the_nearest_key():
    error = refused('kind = "attention"\nQ = [["srqt(2)"]]\nK = [[1], [2, 3]]\nV = [[1]]\nscal = 2')
    assert len(error.problems) == 3
    assert "the worked example has 3 mistakes" in str(error)
    assert all(word in str(error) for word in ("did you mean 'sqrt'", "did you mean 'scale'", "mine.worked.toml:3"))


@pytest.mark.parametrize(
    "text",
    [
        'kind = "softmax"\nx = [' + "[" * 2000,
        'kind = "softmax"\nx = ["' + "(" * 390 + '"]',
        "\x00",
        'kind = "softmax"\nx = 1979-05-27',
        'kind = "chain"\nproduct = "' + "A " * 60 + '"\nA = [[1e60]]',
        'kind = "softmax"\n"\\u202E" = 1\nx = [1]',
        'kind = "mlp"\nlayer = 3\nx = [1]',
        "[kind]\nx = 1",
    ],
)
def test_a_hostile_file_is_refused_or_worked_out_without_a_traceback(text):
    with contextlib.suppress(NetfigError):
        worked(text)


@given(st.text(alphabet='kindx=[]"attenionsofmx123.,\n# ', max_size=80))
def test_any_text_is_worked_out_or_refused(text):
    with contextlib.suppress(NetfigError):
        worked(text)


def test_a_worked_example_takes_no_inputs(tmp_path):
    path = tmp_path / "a.worked.toml"
    path.write_text('kind = "softmax"\nx = [1, 2]')
    with pytest.raises(UsageError, match="takes no inputs"):
        load(Request(str(path), inputs=("3",)), current_registry())
