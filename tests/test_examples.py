"""Every example is a test: traced, replayed, counted, saved, and drawn by every renderer in every theme without a finding."""

from __future__ import annotations

import importlib.util
import json
import re
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import pytest

from netfig.cli.commands.gallery import _run as run_netfig
from netfig.gallery import read_examples
from netfig.graph import Graph
from netfig.graph.plates import fold, unroll
from netfig.hooks import Loaded, Request
from netfig.pipeline import annotate, load, render
from netfig.registry import current_registry
from netfig.schema import graph_from_json, graph_to_json
from netfig.theme import BUILT_IN

PROJECT = Path(__file__).parents[1]
EXAMPLES = read_examples(PROJECT)
COMMANDS = [command for example in EXAMPLES for command in example.commands if command.picture]
CASES = json.loads((PROJECT / "examples/cases.json").read_text())
RENDERERS = tuple(current_registry().renderers)


def request(words: tuple[str, ...]) -> Request:
    inputs = tuple(value for flag, value in pairwise(words) if flag == "--input")
    return Request(words[1], inputs=inputs)


TARGETS = {(r.target, r.inputs): r for r in (request(c.words) for c in COMMANDS)}


@pytest.fixture(autouse=True)
def in_project(monkeypatch):
    monkeypatch.chdir(PROJECT)


@cache
def loaded(target: str, inputs: tuple[str, ...]) -> Loaded:
    return load(TARGETS[target, inputs], current_registry())


@cache
def graph_of(target: str, inputs: tuple[str, ...]) -> Graph:
    return annotate(loaded(target, inputs), current_registry())


def each(targets):
    return pytest.mark.parametrize(("target", "inputs"), targets, ids=[t.removeprefix("examples/") for t, _ in targets])


EQUATIONS = [(target, inputs) for target, inputs in TARGETS if target.endswith(".rnn")]
each_target, each_recurrence = each(list(TARGETS)), each(EQUATIONS)
each_model = each([key for key in TARGETS if not key[0].endswith((".rnn", ".attention", ".toml")) and "/symbolic/" not in key[0]])


def model_from_source(target: str):
    """The model, made by plain Python without netfig."""
    path, _, words = target.partition(".py:")
    spec = importlib.util.spec_from_file_location("example_under_test", f"{path}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = eval(words, vars(module))
    return made() if "(" not in words else made


@each_model
def test_the_parameters_are_as_many_as_torch_says(target, inputs):
    model = model_from_source(target) if ".py:" in target else loaded(target, inputs).run.model
    assert graph_of(target, inputs).parameter_count == sum(p.numel() for p in model.parameters())


@each_target
def test_the_graph_survives_json_and_its_bytes_are_stable(target, inputs):
    graph = graph_of(target, inputs)
    data = graph_to_json(graph)
    again = graph_from_json(data)
    assert again == graph
    assert graph_to_json(again) == data


@each_model
def test_replaying_the_graph_gives_what_the_model_gives(target, inputs):
    from netfig.sources.torch_replay import verify

    run = load(replace(TARGETS[target, inputs], verify=True), current_registry()).run
    result = verify(run.model, run.args, run.kwargs)
    assert result.ok, str(result)


@each_recurrence
def test_folding_the_unrolled_recurrence_gives_it_back(target, inputs):
    graph = loaded(target, inputs).graph
    for axis in sorted(axis.id for axis in graph.axes if axis.name == "time"):
        assert fold(unroll(graph, axis, 4), axis) == graph


@each_target
@pytest.mark.parametrize("renderer", RENDERERS)
def test_each_renderer_that_suits_draws_it_clean_in_each_theme(target, inputs, renderer):
    registry, graph = current_registry(), graph_of(target, inputs)
    if registry.renderer(renderer).suits(graph) <= 0:
        pytest.skip(f"{renderer} is not for this graph")
    for theme in BUILT_IN:
        result = render(graph, registry, renderer=renderer, theme=theme)
        assert [str(f) for f in result.lint()] == [], theme
        assert result.svg().startswith("<")


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: c.picture)
def test_the_figure_of_each_command_is_clean(command, tmp_path):
    words = [str(tmp_path / w) if w == command.picture else w for w in command.words]
    run_netfig([*words, "--strict"])
    assert (tmp_path / command.picture).stat().st_size > 500


def value_of(product: str) -> int:
    """What a written-out product such as ``3·16·3·3 + 16`` comes to, by Python's arithmetic."""
    text = product.replace("·", "*").replace("×", "*").replace(",", "").replace("−", "-").replace("\u202f", "")
    assert re.fullmatch(r"[0-9*+() -]+", text), product
    return eval(text)


@pytest.mark.parametrize("case", ["cnn_64", "cnn_128_same_valid", "cnn_horse"])
def test_shapes_and_counts_of_the_homework_are_those_of_the_answer_sheet(case):
    expected = CASES[case]
    table = json.loads(run_netfig(["summary", f"examples/{case}.layers", "--json"]))
    rows = table["rows"]
    assert [row["output"] for row in rows] == [layer["output"] for layer in expected["layers"]]
    assert [row["params"] for row in rows] == [layer["params"] for layer in expected["layers"]]
    assert table["total"]["params"] == expected["total_params"]
    for row, layer in zip(rows, expected["layers"], strict=True):
        if layer["params"]:
            product, _, result = row["formula"].rpartition(" = ")
            assert value_of(product) == value_of(result) == layer["params"]
        if "dense_equivalent" in layer:
            product, _, result = row["dense_equivalent_formula"].rpartition(" = ")
            assert value_of(product) == value_of(result) == row["dense_equivalent"] == layer["dense_equivalent"]
        if "name" in layer:
            assert row["layer"] == layer["name"]


def test_the_shares_of_the_homework_are_those_of_the_answer_sheet():
    expected = CASES["cnn_horse"]
    shares = {s["family"]: s for s in json.loads(run_netfig(["summary", "examples/cnn_horse.layers", "--json"]))["shares"]}
    for family in ("convolutional", "dense"):
        assert shares[family]["params"] == expected[f"{family}_params"]
        assert shares[family]["percent"] == expected[f"{family}_share_percent"]


@pytest.mark.parametrize("style", ["flat", "volumes"])
def test_the_figure_of_the_homework_shows_every_shape_product_and_dense_equivalent(style):
    options = ["--opt", f"pipeline.style={style}", "--opt", "pipeline.params=worked", "--opt", "pipeline.dense_equivalent=true"]
    svg = run_netfig(["draw", "examples/cnn_64.layers", "--renderer", "pipeline", *options, "--format", "svg", "-o", "-"])
    text = re.sub(r"\s+", " ", " ".join(ElementTree.fromstring(svg).itertext())).replace("\u00a0", " ")
    for layer in CASES["cnn_64"]["layers"]:
        shape = layer["output"]
        assert (f"{shape[0]}@{shape[1]}×{shape[2]}" if len(shape) == 3 else f"{shape[0]}") in text
        if layer["params"]:
            assert f"{layer['params']:,}" in text
        if "dense_equivalent" in layer:
            assert f"{layer['dense_equivalent']:,}" in text
    assert "3·16·3·3 + 16" in text
