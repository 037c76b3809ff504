"""Saved graphs: read back equal, and errors for files that are none."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from netfig.errors import InvalidInput, Missing, NetfigError, UsageError
from netfig.graph import Graph
from netfig.hooks import Request
from netfig.schema import graph_to_json
from netfig.sources import layers, saved


@pytest.fixture(scope="module")
def graph() -> Graph:
    return layers.load(Request("Conv2d(4, 3) | ReLU | Flatten | Linear(2)", inputs=("3x8x8",)), None).graph


def test_a_saved_graph_is_the_graph(graph: Graph, tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_bytes(graph_to_json(graph))
    loaded = saved.load(Request(str(path)), None)
    assert loaded.graph == graph
    assert loaded.run is None


def test_a_dash_is_standard_input(graph: Graph, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stdin:
        buffer = io.BytesIO(graph_to_json(graph))

    monkeypatch.setattr("sys.stdin", Stdin)
    assert saved.load(Request("-"), None).graph == graph


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b"\xff\xfe", b'{"netfig": 1}', b"[" * 100000])
def test_a_file_that_is_no_graph_is_invalid(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "g.json").write_bytes(content)
    with pytest.raises(InvalidInput) as caught:
        saved.load(Request(str(tmp_path / "g.json")), None)
    assert "g.json" in str(caught.value)


def test_a_graph_of_a_later_version_is_refused(graph: Graph, tmp_path: Path) -> None:
    text = graph_to_json(graph).decode()
    document = json.loads(text)
    version = next(k for k, v in document.items() if "version" in k.lower())
    document[version] = [99, 0] if isinstance(document[version], list) else "99.0"
    (tmp_path / "g.json").write_text(json.dumps(document))
    with pytest.raises(Missing, match="99"):
        saved.load(Request(str(tmp_path / "g.json")), None)


def test_a_missing_file_a_folder_and_a_name_with_nul_are_errors_of_one_line(tmp_path: Path) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "graph.json").write_text("{}")
    for name, what in (("grap.json", "did you mean"), ("folder.json", "is a folder"), ("a\0b.json", "cannot be read")):
        with pytest.raises(NetfigError) as caught:
            saved.load(Request(str(tmp_path / name)), None)
        assert what in str(caught.value)
        assert "\n" not in caught.value.what


def test_inputs_make_no_sense_for_a_saved_graph() -> None:
    with pytest.raises(UsageError, match="takes no --input"):
        saved.load(Request("g.json", inputs=("3x4",)), None)
