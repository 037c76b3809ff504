"""Graphs and figures survive JSON unchanged, byte for byte; broken files say everything that is wrong, and where."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
from graph_strategies import figures, graphs
from hypothesis import HealthCheck, given, settings

from netfig.drawing import Drawing, Glyphs, Label, Line, Shape
from netfig.errors import ExitCode, InvalidGraph, InvalidInput, Missing, NetfigError
from netfig.figure import Box, Figure, Group
from netfig.graph import Dim, Graph, Note, Scope
from netfig.graph.build import GraphBuilder
from netfig.schema import (
    VERSION,
    drawing_from_json,
    drawing_to_json,
    figure_from_json,
    figure_to_json,
    graph_from_json,
    graph_to_json,
    json_schema,
    schema_bytes,
)

slow = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def small() -> Graph:
    b = GraphBuilder("net")
    x = b.input("x", (1, Dim(8, "d"), "n", None))
    with b.scope("fc", type_name="Linear", attributes={"in_features": 8, "p": 0.5}):
        y = b.op("linear", {"input": x, "weight": b.parameter("fc.weight", (2, 8))}, shape=(1, 2))
    b.output("output", y)
    b.note("fc", "params", 16)
    return b.finish()


def document(**changes: Any) -> dict[str, Any]:
    return json.loads(graph_to_json(small())) | changes


def reading(data: Any) -> NetfigError:
    with pytest.raises(NetfigError) as caught:
        graph_from_json(data if isinstance(data, bytes) else json.dumps(data).encode(), "net.json")
    return caught.value


@slow
@given(graphs())
def test_a_graph_survives_json_and_gives_the_same_bytes_again(graph: Graph) -> None:
    data = graph_to_json(graph)
    again = graph_from_json(data)
    assert again == graph
    assert graph_to_json(again) == data


@slow
@given(graphs())
def test_what_is_written_keeps_the_published_json_schema(graph: Graph) -> None:
    jsonschema.Draft202012Validator(json_schema("graph")).validate(json.loads(graph_to_json(graph)))


@slow
@given(figures())
def test_a_figure_survives_json_and_keeps_its_schema(figure: Figure) -> None:
    data = figure_to_json(figure)
    again = figure_from_json(data)
    assert again == figure
    assert figure_to_json(again) == data
    jsonschema.Draft202012Validator(json_schema("figure")).validate(json.loads(data))


def test_a_drawing_survives_json_and_keeps_its_schema() -> None:
    items = (
        Shape("a", "rect", "layer", ((0.0, 0.0), (10.5, 20.0)), dashed=True, width=0.5, stands_for=("x",)),
        Line("l", "data", ((0.0, 0.1), (1 / 3, 2.0)), sharp=((0.0, 0.1),)),
        Label("t", "text", (Glyphs("hi", "sans", 9.0, 0.0),), 3.0, (0.0, 0.0, 1.0, 1.0), on="inside", box="a"),
    )
    drawing = Drawing(100.0, 50.0, items, "title", "alt", scale=0.5)
    data = drawing_to_json(drawing)
    assert drawing_from_json(data) == drawing
    jsonschema.Draft202012Validator(json_schema("drawing")).validate(json.loads(data))


@pytest.mark.parametrize("word", ["graph", "figure", "drawing"])
def test_the_committed_schema_file_is_current(word: str) -> None:
    assert (files("netfig.schema") / f"{word}.schema.json").read_bytes() == schema_bytes(word)


@pytest.mark.parametrize("word", ["graph", "figure", "drawing"])
def test_the_schema_is_a_valid_json_schema(word: str) -> None:
    jsonschema.Draft202012Validator.check_schema(json_schema(word))


def test_what_has_its_default_is_not_written() -> None:
    op = document()["ops"][0]
    assert set(op) == {"id", "kind", "inputs", "outputs", "scope"}


def test_numbers_that_json_cannot_write_survive() -> None:
    notes = (Note("", "a", math.nan), Note("", "b", (math.inf, -math.inf)), Note("", "c", -0.0), Note("", "d", "\ud800"))
    data = graph_to_json(Graph("net", scopes=(Scope("net", "root", None),), notes=notes))
    again = graph_from_json(data)
    assert math.isnan(again.notes[0].value)  # type: ignore[arg-type]
    assert again.notes[1].value == (math.inf, -math.inf)
    assert graph_to_json(again) == data
    jsonschema.Draft202012Validator(json_schema("graph")).validate(json.loads(data))


def test_the_bytes_do_not_depend_on_the_hash_seed() -> None:
    code = "import sys; sys.path[:0] = sys.argv[1:]; import test_schema as t; sys.stdout.buffer.write(t.graph_to_json(t.small()))"
    here = __file__.rpartition("/")[0]
    runs = {
        subprocess.run([sys.executable, "-c", code, here], env={"PYTHONHASHSEED": seed}, capture_output=True, check=True).stdout
        for seed in ("1", "2")
    }
    assert runs == {graph_to_json(small())}


def test_a_figure_of_two_thousand_nested_groups_survives() -> None:
    group: Box | Group = Box("b", "op", ())
    for i in range(2000):
        group = Group(f"g{i}", (group,))
    assert isinstance(group, Group)
    figure = Figure("deep", "alt", group)
    data = figure_to_json(figure)
    assert figure_to_json(figure_from_json(data)) == data


def test_text_that_is_not_json_says_line_and_column() -> None:
    error = reading(b'{\n "format": oops')
    assert error.exit_code == ExitCode.INVALID
    assert error.what == "this is not JSON"
    assert error.where == "net.json:2:12"


@pytest.mark.parametrize(
    "data",
    [b"\xff\xfe\x00", b"", b"{" * 5000, b"[" * 100_000, b'{"format": NaN}', b'{"a": 1, "a": 2}', b"1" * 5000, b"[1, 2]", b"{}"],
)
def test_what_is_no_graph_file_is_refused_without_a_traceback(data: bytes) -> None:
    assert isinstance(reading(data), InvalidInput)


def test_a_file_larger_than_the_limit_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    data = graph_to_json(small())
    monkeypatch.setattr("netfig.schema.documents.LARGEST", len(data) - 1)
    assert "larger than" in reading(data).what
    monkeypatch.setattr("netfig.schema.documents.LARGEST", len(data))
    assert graph_from_json(data) == small()


def test_another_format_is_named() -> None:
    assert "'netfig-figure'" in reading({"format": "netfig-figure", "version": [1, 0]}).why


def test_another_major_version_is_missing_and_both_versions_are_named() -> None:
    error = reading(document(version=[VERSION[0] + 1, 3]))
    assert isinstance(error, Missing)
    assert error.what == f"the graph file has schema version {VERSION[0] + 1}.3; this netfig reads {VERSION[0]}.x"
    assert error.hint == "update netfig"


@pytest.mark.parametrize("version", [None, "1.0", [1], [1, "0"], [True, 0], [1, -1]])
def test_a_version_that_is_none_is_refused(version: object) -> None:
    assert isinstance(reading(document(version=version)), InvalidInput)


def test_a_newer_minor_version_is_read_and_its_new_keys_left_out() -> None:
    data = document(version=[VERSION[0], VERSION[1] + 1], novelty=1)
    data["ops"][0]["novelty"] = {"x": [1]}
    assert graph_from_json(json.dumps(data).encode()) == small()


def test_all_problems_are_listed_with_their_paths() -> None:
    data = document()
    data["values"][0]["kind"] = "inptu"
    data["ops"][0]["inputs"][1]["refs"] = [3]
    del data["ops"][0]["scope"]
    data["scopes"][1]["atributes"] = {}
    data["notes"][0]["value"] = {"x": 1}
    error = reading(data)
    assert isinstance(error, InvalidGraph)
    assert error.what == "the graph file has 5 problems"
    assert [v.partition(": ")[0] for v in error.violations] == [
        "$.values[0].kind",
        "$.ops[0].inputs[1].refs[0]",
        "$.ops[0]",
        "$.scopes[1]",
        "$.notes[0].value",
    ]
    assert "did you mean 'input'" in error.violations[0]
    assert "'scope' is missing" in error.violations[2]
    assert "did you mean 'attributes'" in error.violations[3]


def test_a_file_that_breaks_the_rules_of_graphs_says_which() -> None:
    data = document()
    data["ops"][0]["inputs"][0]["refs"] = ["gone"]
    error = reading(data)
    assert isinstance(error, InvalidGraph)
    assert error.violations == ("G3: op 'fc/linear' reads 'gone', which does not exist",)
    assert error.where == "net.json"


def test_thousands_of_problems_are_listed_briefly() -> None:
    error = reading(document(values=[{}] * 10_000))
    assert isinstance(error, InvalidGraph)
    assert len(error.violations) < 100
    assert "10" in error.what


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("values", None),
        ("values", {"id": "x"}),
        ("values", ["x"]),
        ("name", 3),
        ("scopes", [{"id": "r", "kind": "root", "parent": None, "call": 1.5}]),
        ("scopes", [{"id": ["r"], "kind": "root", "parent": None}]),
        ("axes", [{"id": "t", "name": "t", "extent": {"size": 1}}]),
        ("notes", [{"subject": "", "key": "k", "value": {"float": "1"}}]),
        ("notes", [{"subject": "", "key": "k", "value": eval("[" * 60 + "]" * 60)}]),
        ("values", [{"id": "x", "kind": "input", "type": {"shape": [-1]}}]),
        ("values", [{"id": "x", "kind": "input", "initial": [["t", 0]]}]),
        ("values", [{"id": "x", "kind": "input", "symbol": [{"base": []}, {"text": 1}, 3]}]),
    ],
)
def test_a_wrong_type_anywhere_is_a_problem_not_a_crash(key: str, value: object) -> None:
    assert isinstance(reading(document(**{key: value})), InvalidInput)


def test_a_figure_whose_items_form_no_tree_is_refused() -> None:
    good = json.loads(figure_to_json(Figure("t", "a", Group("g", (Box("b", "op", ()),)))))
    for items in ([], good["root"][1:], [*good["root"], good["root"][1]], [good["root"][0]], good["root"][::-1]):
        with pytest.raises(InvalidInput):
            figure_from_json(json.dumps(good | {"root": items}).encode())
