"""Graphviz in a child process: found without the PATH, limited in time, and believed only when it says all went well."""

from __future__ import annotations

import os
import stat

import pytest

from netfig.errors import EngineFailed, Missing, UsageError
from netfig.layout import engine
from netfig.layout.engine import engine_versions, run_dot


def test_the_embedded_engine_needs_no_path(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    assert run_dot("digraph { a -> b }", ["-Tplain"]).startswith(b"graph ")


def test_it_lays_out_in_ranks():
    lines = run_dot("digraph { a -> b; a -> c }", ["-Tplain"]).decode().splitlines()
    y = {line.split()[1]: float(line.split()[3]) for line in lines if line.startswith("node")}
    assert y["a"] > y["b"] == y["c"]


@pytest.mark.parametrize("text", ["digraph {", "digraph { a -> }", "digraph { a \x00 }"])
def test_a_syntax_error_is_reported_with_what_the_engine_said(text):
    with pytest.raises(EngineFailed) as error:
        run_dot(text, ["-Tsvg"])
    assert "syntax error" in error.value.why


def test_no_output_is_a_failure_even_when_the_engine_is_content():
    with pytest.raises(EngineFailed, match="wrote nothing"):
        run_dot("", ["-Tsvg"])


def test_a_picture_that_lost_edges_is_a_failure():
    lossy = 'digraph { node [shape=record]; a [label="<p>x|<q>y"]; b [label="<r>z"]; {rank=same; a; b} a:p -> b:r; a:q -> b:r }'
    with pytest.raises(EngineFailed, match="status 1"):
        run_dot(lossy, ["-Tsvg"])


def test_an_engine_that_takes_too_long_is_ended():
    nodes = "; ".join(f"n{i} -> n{j}" for i in range(120) for j in range(i))
    with pytest.raises(EngineFailed, match=r"did not finish within 0\.2 s") as error:
        run_dot(f"digraph {{ {nodes} }}", ["-Tsvg"], timeout=0.2)
    assert error.value.hint


def test_the_system_engine_is_missing_with_a_hint(monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Missing) as error:
        run_dot("digraph { a }", ["-Tsvg"], engine="dot")
    assert "graphviz.org" in error.value.hint
    assert error.value.exit_code == 4
    assert engine_versions()["dot"] == ""


def test_the_system_engine_is_the_dot_on_the_path(monkeypatch, tmp_path):
    fake = tmp_path / "dot"
    fake.write_text("#!/bin/sh\ncat >/dev/null\necho from the path\n")
    fake.chmod(fake.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert run_dot("digraph { a }", ["-Tsvg"], engine="dot") == b"from the path\n"


def test_an_unknown_engine_is_a_usage_error_with_a_suggestion():
    with pytest.raises(UsageError) as error:
        run_dot("digraph { a }", ["-Tsvg"], engine="dto")
    assert "did you mean 'dot'" in error.value.hint


def test_a_wheel_without_its_executable_is_said_to_be_missing(monkeypatch):
    engine._embedded.cache_clear()
    monkeypatch.setattr("importlib.metadata.files", lambda name: [])
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(Missing, match="graphviz-pure"):
        run_dot("digraph { a }", ["-Tsvg"])
    engine._embedded.cache_clear()


def test_versions_name_the_embedded_engine():
    assert "graphviz-pure" in engine_versions()["graphviz-pure"]
