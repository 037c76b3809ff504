"""Names that try to break out of their format: in module paths, class names and graph names, written in every format."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from textwrap import dedent
from xml.etree import ElementTree

import pytest
from commandline import Netfig

NAMES = {
    "script": "<script>alert(1)</script>",
    "quotes": "a\"b'c`",
    "closing": "</text></svg>",
    "nul": "a\0b",
    "long": "x" * 100_000,
    "right-to-left": "שלום\u202eabc",
    "emoji": "🧠🔥",
    "escape": "\x1b[31mred\x07",
    "dot": '"]; evil [label="\\n\\l}{|<p>',
    "entity": "&amp;&lt;&#0;]]>",
    "newline": "a\nb\r\nc",
    "surrogate": "a\ud800b",
    "latex": "\\input{/etc/passwd}%$&_#^~",
    "formula": "=HYPERLINK(1)",
}
SUFFIXES = ("svg", "png", "pdf", "dot", "json", "txt")


@pytest.fixture(params=NAMES)
def model(request: pytest.FixtureRequest, here: Path) -> str:
    """A model whose class, children and names are hostile."""
    name = NAMES[request.param]
    (here / "hostile.py").write_text(
        dedent(f"""
            from torch import nn

            NAME = {name!r}


            def make():
                printable = NAME.replace(chr(0), "?").encode("utf-8", "replace").decode()  # Python refuses others
                child = type("Linear" + printable, (nn.Linear,), {{}})(4, 4)
                model = nn.Sequential()
                model._modules[NAME.replace(".", "-")] = child
                model._modules["next"] = nn.ReLU()
                return model
            """),
        encoding="utf-8",
        errors="surrogatepass",
    )
    return name


def test_every_format_survives_it_and_stays_what_it_is(netfig: Netfig, here: Path, model: str) -> None:
    words = [word for suffix in SUFFIXES for word in ("-o", f"a.{suffix}")]
    done = netfig("draw", "hostile.py:make", "--input", "4", "--name", "plain", *words)
    assert (done.code, done.error_line) == (0, "")
    _check_svg((here / "a.svg").read_bytes())
    assert (here / "a.png").read_bytes().startswith(b"\x89PNG")
    _check_pdf(here / "a.pdf")
    _check_dot((here / "a.dot").read_text(encoding="utf-8"))
    assert json.loads((here / "a.json").read_bytes())["name"] == "plain"
    text = (here / "a.txt").read_text(encoding="utf-8")
    assert [c for c in text if c < " " and c != "\n"] == []


def test_the_saved_graph_gives_the_same_figure(netfig: Netfig, here: Path, model: str) -> None:
    assert netfig("trace", "hostile.py:make", "--input", "4", "--name", "plain", "-o", "g.json").code == 0
    assert netfig("check", "g.json").code == 0
    direct = netfig("draw", "hostile.py:make", "--input", "4", "--name", "plain")
    assert netfig("draw", "g.json").stdout == direct.stdout


@pytest.mark.parametrize("form", ["terminal", "json", "markdown", "latex", "csv"])
def test_the_summary_survives_it_in_every_form(netfig: Netfig, model: str, form: str) -> None:
    done = netfig("summary", "hostile.py:make", "--input", "4", "--name", "plain", "--format", form)
    assert (done.code, done.error_line) == (0, "")
    assert "\x1b" not in done.stdout
    assert "\0" not in done.stdout
    if form == "json":
        json.loads(done.stdout)
    if form == "csv":
        rows = list(csv.reader(io.StringIO(done.stdout)))
        assert {len(row) for row in rows} == {len(rows[0])}


@pytest.mark.parametrize(
    "name", [pytest.param(text, id=word) for word, text in NAMES.items() if word not in ("nul", "surrogate")]
)
def test_a_hostile_graph_name_survives_too_and_names_no_path(netfig: Netfig, here: Path, name: str) -> None:
    done = netfig("draw", "Linear(4)", "--input", "4", "--name", name, "-o", "a.svg", "-o", "a.dot")
    assert (done.code, done.error_line) == (0, "")
    _check_svg((here / "a.svg").read_bytes())
    _check_dot((here / "a.dot").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", ["../../evil", "a/b", "..", "", "con\0", "a" * 500, "-rf"])
def test_the_file_made_on_a_terminal_is_in_this_folder_whatever_the_graph_is_called(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace
    from typing import cast

    from netfig.cli.commands import draw
    from netfig.graph import Graph

    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: True))
    (place,) = draw._places((), None, cast("Graph", SimpleNamespace(name=name)))
    assert Path(place).name == place
    assert place.endswith(".svg")
    assert not place.startswith(("-", "."))
    assert len(place) < 100


def _check_svg(data: bytes) -> None:
    """It is XML, and there is nothing in it that acts or fetches."""
    root = ElementTree.fromstring(data)
    for element in root.iter():
        assert element.tag.rpartition("}")[2] not in ("script", "foreignObject", "iframe", "image", "use")
        for key, value in element.attrib.items():
            assert not key.lower().startswith("on")
            assert "javascript:" not in value.lower() or key.startswith("data-")


def _check_pdf(path: Path) -> None:
    from pypdf import PdfReader

    reader = PdfReader(path)
    assert len(reader.pages) == 1
    assert "/OpenAction" not in reader.trailer["/Root"]
    assert "/AA" not in reader.trailer["/Root"]


def _check_dot(text: str) -> None:
    """Graphviz reads it back, and finds only nodes with a place: nothing escaped from a label into the graph."""
    import re

    from netfig.layout.engine import run_dot

    plain = run_dot(text, ["-Kneato", "-n2", "-Tplain"]).decode()
    assert plain.startswith("graph ")
    assert not re.search(r"^node evil\b", plain, re.MULTILINE)
