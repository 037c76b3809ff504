"""Repeats of real models fold, add up, draw truthfully, and come back byte for byte."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner
from repeated_models import MODELS

from netfig.cli import cli
from netfig.gallery import read_examples
from netfig.graph import Graph
from netfig.graph.counts import parameter_counts
from netfig.graph.repeats import Wish, each, fold_repeats, is_chain, op_count, real_ids, times, total, unfold_repeats
from netfig.hooks import Request
from netfig.mathtext import text_of
from netfig.pipeline import annotate, load, render
from netfig.registry import current_registry
from netfig.schema import graph_from_json, graph_to_json
from netfig.testing import figure_problems

PROJECT = Path(__file__).parents[2]
EXAMPLES = [
    (command.words[1], tuple(value for flag, value in pairwise(command.words) if flag == "--input"))
    for example in read_examples(PROJECT)
    for command in example.commands
    if command.picture and ".py:" in command.words[1]
]


def traced(name: str) -> Graph:
    net = MODELS[name]
    loaded = load(Request(net.model().eval(), arguments=(net.inputs, {})), current_registry())
    return annotate(loaded, current_registry(), names=("counts", "flops"))


def check(graph: Graph, folded: Graph) -> None:
    """Everything that must hold of any fold."""
    assert unfold_repeats(folded) == graph
    assert graph_to_json(unfold_repeats(graph_from_json(graph_to_json(folded)))) == graph_to_json(graph)
    assert folded.parameter_count == graph.parameter_count
    assert op_count(folded) == len(graph.ops)
    real = real_ids(folded).ids
    for scope in folded.scopes:
        for key in ("params", "macs"):
            ids = () if scope.kind == "plate" else real.get(scope.id, (scope.id,))
            said = [graph.notes_on(id)[key].value for id in ids if key in graph.notes_on(id)]
            assert list(each(folded, scope.id, key)) == said
            assert total(folded, scope.id, key) == (sum(said) if said else None)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", MODELS)
def test_models_fold_to_what_is_said_of_them_and_unfold_exactly(name: str) -> None:
    graph = traced(name)
    folded = fold_repeats(graph)
    assert tuple(len(axis.members) for axis in folded.axes) == MODELS[name].members
    check(graph, folded)


@pytest.mark.parametrize(("target", "inputs"), EXAMPLES, ids=[target.rpartition("/")[2] for target, _ in EXAMPLES])
def test_every_example_model_unfolds_exactly(target: str, inputs: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    graph = annotate(load(Request(target, inputs=inputs), current_registry()), current_registry(), names=("counts", "flops"))
    for wish in (Wish(), Wish(skips=True), Wish(sizes=False)):
        check(graph, fold_repeats(graph, wish))


@pytest.mark.parametrize("name", [name for name in MODELS if MODELS[name].members])
def test_the_default_figure_of_a_folded_graph_is_true(name: str) -> None:
    result = render(traced(name), current_registry(), renderer="modules")
    assert any(axis.members for axis in result.graph.axes)
    assert figure_problems(result.graph, result.figure) == []
    badges = [text_of(item.badge) for item in result.figure.walk() if item.badge]
    assert badges
    assert any(text_of(line).startswith("Drawn once: ") for line in result.figure.caption)


def test_parameters_in_lists_are_one_weight_for_each_step() -> None:
    graph = fold_repeats(traced("Loop"))
    (axis,) = graph.axes
    stored = [v for v in graph.values if v.kind == "parameter"]
    assert [v.axes for v in stored] == [(axis.id,), (axis.id,)]
    assert parameter_counts(graph)[graph.root.id].total == 6 * (8 * 8 + 8)


def test_heads_written_one_by_one_are_branches() -> None:
    graph = fold_repeats(traced("Heads"))
    (axis,) = graph.axes
    assert not is_chain(graph, axis)
    assert times(graph, next(op.id for op in graph.ops if op.kind == "softmax")) == 4


def test_helper_operations_are_counted_as_often_as_they_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    loaded = load(Request("examples/gpt.py:GPT", inputs=("tokens=24:int64",)), current_registry())
    graph = annotate(loaded, current_registry(), names=("counts",))
    options = {"repeats": {"least": 100}, "modules": {"depth": 3}}
    folded = render(graph, current_registry(), renderer="modules", options={"modules": {"depth": 3}})
    written = render(graph, current_registry(), renderer="modules", options=options)
    assert not written.graph.axes
    assert folded.figure.caption[0] == written.figure.caption[0]


def test_the_passes_are_inverse_on_the_command_line() -> None:
    target = f"{PROJECT}/examples/resnet18.py:ResNet18"

    def run(*words: str) -> str:
        result = CliRunner().invoke(cli, ["trace", target, "--input", "3x64x64", "-f", "json", *words])
        assert result.exit_code == 0, result.output
        return result.stdout

    plain = run()
    assert run("--pass", "repeats", "--pass", "unfold") == plain
    assert '"members"' in run("--pass", "repeats")


@pytest.mark.parametrize(("option", "said"), [("least=1", "two are the fewest"), ("apart=layer1.7", "'layer1.1'")])
def test_a_wish_that_cannot_be_is_refused(option: str, said: str) -> None:
    target = f"{PROJECT}/examples/resnet18.py:ResNet18"
    result = CliRunner().invoke(cli, ["trace", target, "--input", "3x64x64", "--pass", "repeats", "--opt", f"repeats.{option}"])
    assert result.exit_code == 2
    assert said in result.output
