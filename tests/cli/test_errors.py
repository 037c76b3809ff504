"""Every mistake a user can make: its first line, its exit code, and nothing written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from commandline import CHAIN, Netfig

INPUT = ("--input", "3x64x64")


def files(folder: Path) -> dict[str, bytes]:
    """What is there, but for what Python caches."""
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file() and "__pycache__" not in p.parts}


def fails(netfig: Netfig, here: Path, words: tuple[str, ...], code: int, first: str, *more: str) -> None:
    """The command ends with the code and the line, says the rest too, prints no product and leaves no file."""
    before = files(here)
    done = netfig(*words)
    assert done.error_line == f"netfig: error: {first}"
    assert done.code == code
    for text in more:
        assert text in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert files(here) == before


@pytest.mark.parametrize(
    ("words", "code", "first", "more"),
    [
        pytest.param(("nope.py:Net", "--input", "4"), 4, "file 'nope.py' does not exist", (), id="missing file"),
        pytest.param(("nope.layers", *INPUT), 4, "layer file 'nope.layers' does not exist", (), id="missing chain file"),
        pytest.param(("nope.json",), 4, "graph file 'nope.json' does not exist", (), id="missing graph"),
        pytest.param(
            ("net.py:Nett", "--input", "4"), 2, "net.py has no 'Nett'", ("did you mean 'Net'?", "^^^^"), id="no such class"
        ),
        pytest.param(
            ("net.py:Sized", "--input", "4"),
            2,
            "Sized needs an argument: 'classes'",
            ("net.py:Sized(classes=…)",),
            id="constructor",
        ),
        pytest.param(("net.py:Net",), 2, "no input is given: Net.forward takes (x)", ("--input 3x64x64",), id="no input"),
        pytest.param(
            ("net.py:Net", "--input", "3x8x8", "--input", "4"),
            2,
            "Net.forward takes (x), which does not fit 2 inputs",
            (),
            id="input count",
        ),
        pytest.param(
            ("net.py:Deep", "--input", "4"),
            1,
            "module 'body.2' (Linear) failed in linear: mat1 and mat2 shapes cannot be multiplied (1x8 and 16x2)",
            ("(1, 8)",),
            id="wrong shape",
        ),
        pytest.param(
            ("net.py:Raises", "--input", "4"), 1, "the model (Raises) failed: the flux is too low", ("RuntimeError",), id="raises"
        ),
        pytest.param(
            ("net.py:Net", "--input", "3xx8"), 3, "input '3xx8' is malformed: a size is a number", ("3xx8",), id="malformed input"
        ),
        pytest.param(
            (CHAIN, *INPUT, "-r", "moduls"), 2, "there is no renderer 'moduls'", ("did you mean 'modules'?",), id="renderer"
        ),
        pytest.param((CHAIN, *INPUT, "-t", "drak"), 2, "there is no theme 'drak'", ("did you mean 'dark'?",), id="theme"),
        pytest.param((CHAIN, *INPUT, "-t", "my.toml"), 4, "cannot read the theme file 'my.toml'", (), id="theme file"),
        pytest.param(
            (CHAIN, *INPUT, "-o", "a.svgg"), 2, "there is no format 'svgg'", ("did you mean 'svg'?",), id="format by suffix"
        ),
        pytest.param((CHAIN, *INPUT, "-f", "svgg"), 2, "there is no format 'svgg'", ("did you mean 'svg'?",), id="format"),
        pytest.param(
            (CHAIN, *INPUT, "--opt", "modules.parms=none"),
            2,
            "modules has no option 'parms'",
            ("did you mean 'params'?",),
            id="component option",
        ),
        pytest.param(
            (CHAIN, *INPUT, "--opt", "modles.params=none"),
            2,
            "no component is called 'modles' (option modles.params)",
            ("did you mean 'modules'?",),
            id="component",
        ),
        pytest.param((CHAIN, *INPUT, "--rendrer", "modules"), 2, None, ("Did you mean '--renderer'?",), id="option"),
        pytest.param((CHAIN, *INPUT, "--engine", "dott"), 2, "there is no engine 'dott'", ("did you mean 'dot'?",), id="engine"),
        pytest.param(
            (CHAIN, *INPUT, "--width", "3 furlongs"), 2, "the width '3 furlongs' is not a length", ("3.25in",), id="width"
        ),
        pytest.param(
            (CHAIN, *INPUT, "-r", "pipeline", "--depth", "2"),
            2,
            "the renderer 'pipeline' has no --depth",
            (),
            id="no depth",
        ),
        pytest.param((CHAIN, *INPUT, "--width", "1mm"), 2, "the width '1mm' is out of range", (), id="tiny width"),
        pytest.param(("Conv2d(3,16,3 | ReLU", *INPUT), 3, "'|' is not expected here", ("^",), id="malformed chain"),
        pytest.param(
            ("Conv2d(3,16,3) | RELU", *INPUT), 3, "unknown layer 'RELU'", ("did you mean 'ReLU'?", "^^^^"), id="unknown layer"
        ),
        pytest.param(
            ("Conv2d(3,16,3) | Linear(3, 4)", *INPUT),
            3,
            "layer 2 'linear' (Linear) does not fit: it gets 16×62×62 and needs …×3",
            ("^^^^^^^^^^^^",),
            id="chain shape",
        ),
        pytest.param((CHAIN,), 2, "a layer chain needs the shape of its input", ("--input 3x64x64",), id="chain input"),
        pytest.param(
            ("what is this?",), 2, "nothing knows how to read the target 'what is this?'", ("known sources",), id="target"
        ),
        pytest.param(
            (CHAIN, *INPUT, "-o", "no/a.svg"), 4, "cannot write 'no/a.svg'", ("the folder 'no' does not exist",), id="no folder"
        ),
        pytest.param(
            (CHAIN, *INPUT, "-o", "a"), 2, "the file name 'a' has no suffix, so its format is not known", ("a.svg",), id="suffix"
        ),
        pytest.param((CHAIN, *INPUT, "-o", "a.svg", "-o", "a.svg"), 2, "the same file is written twice", (), id="twice"),
        pytest.param((CHAIN, *INPUT, "-o", "a.svg", "-f", "png"), 2, "--format is for stdout", (), id="format and output"),
        pytest.param((CHAIN, *INPUT, "-o", "a.svg", "--device", "gpu"), 2, "unknown device 'gpu'", (), id="device"),
    ],
)
def test_a_mistake_in_draw_says_what_is_wrong_and_writes_nothing(
    netfig: Netfig, here: Path, net: Path, words: tuple[str, ...], code: int, first: str | None, more: tuple[str, ...]
) -> None:
    if "-o" not in words and "-f" not in words:
        words = (*words, "-o", "a.svg")
    before = files(here)
    done = netfig("draw", *words)
    if first is not None:
        assert done.error_line == f"netfig: error: {first}"
    assert done.error_line.startswith("netfig: error: ")
    assert done.code == code
    assert [text for text in more if text not in done.stderr] == []
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert files(here) == before


@pytest.mark.parametrize(
    ("text", "code", "first"),
    [
        ("{", 3, "this is not JSON"),
        ("[]", 3, "this JSON is no netfig graph"),
        ('{"format": "netfig-graph"}', 3, "the graph file does not say its version"),
        ('{"format": "netfig-graph", "version": [99, 0]}', 4, "the graph file has schema version 99.0; this netfig reads 1.x"),
        ("\x00", 3, "this is not JSON"),
    ],
)
def test_a_broken_graph_file_is_refused(netfig: Netfig, here: Path, text: str, code: int, first: str) -> None:
    (here / "g.json").write_text(text)
    fails(netfig, here, ("draw", "g.json", "-o", "a.svg"), code, first, "g.json")


def test_a_folder_that_cannot_be_written_is_said_before_the_model_runs(netfig: Netfig, here: Path, net: Path) -> None:
    (here / "locked").mkdir()
    if os.geteuid() == 0:  # root may write everywhere but into what is no folder
        (here / "locked").rmdir()
        (here / "locked").write_text("")
    else:
        (here / "locked").chmod(stat.S_IRUSR | stat.S_IXUSR)
    fails(netfig, here, ("draw", "net.py:Net", "--input", "3x8x8", "-o", "locked/a.svg"), 4, "cannot write 'locked/a.svg'")
    assert "the model speaks" not in netfig("draw", "net.py:Net", "--input", "3x8x8", "-o", "locked/a.svg").stderr


def test_a_full_disk_leaves_neither_file_and_keeps_the_old_one(
    netfig: Netfig, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "a.svg").write_text("the old one")
    real, calls = os.replace, []

    def replace(source: str, target: str) -> None:
        calls.append(target)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", replace)
    done = netfig("draw", CHAIN, *INPUT, "-o", "a.svg", "-o", "b.svg")
    monkeypatch.setattr(os, "replace", real)
    assert done.code == 1
    assert done.error_line == "netfig: error: cannot write 'a.svg'"
    assert "No space left on device" in done.stderr
    assert files(here) == {"a.svg": b"the old one"}


def test_a_writer_that_fails_late_leaves_nothing_of_the_earlier_formats(
    netfig: Netfig, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from netfig.errors import EngineFailed
    from netfig.writers import png

    def write(*_: object) -> bytes:
        raise EngineFailed("the converter broke")

    monkeypatch.setattr(png, "write", write)
    fails(netfig, here, ("draw", CHAIN, *INPUT, "-o", "a.svg", "-o", "a.png"), 1, "the converter broke")


SKIP = """
from torch import nn


class Skip(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x):
        y, z = self.a(x), self.b(x)
        return self.c(y + z) + x
"""


def test_a_missing_engine_says_how_to_get_it(netfig: Netfig, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "skip.py").write_text(SKIP)
    monkeypatch.setenv("PATH", str(here))
    words = ("draw", "skip.py:Skip", "--input", "4", "--engine", "dot", "-o", "a.svg")
    fails(netfig, here, words, 4, "the system's Graphviz is not installed", "hint: install Graphviz")


@pytest.mark.skipif(os.name == "nt", reason="the slow engine is a shell script")
def test_an_engine_that_takes_too_long_is_stopped(netfig: Netfig, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from netfig.layout.engine import run_dot

    (here / "skip.py").write_text(SKIP)
    (here / "bin").mkdir()
    slow = here / "bin" / "dot"
    slow.write_text("#!/bin/sh\nexec sleep 60\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setitem(run_dot.__kwdefaults__, "timeout", 0.3)
    words = ("draw", "skip.py:Skip", "--input", "4", "--engine", "dot", "-o", "a.svg")
    fails(netfig, here, words, 1, "dot did not finish within 0.3 s", "--depth")


def test_an_unknown_command_is_answered_with_the_nearest(netfig: Netfig, here: Path) -> None:
    fails(netfig, here, ("drwa", CHAIN), 2, "there is no command 'drwa'", "did you mean 'draw'?")


@pytest.mark.parametrize("words", [(), ("gallery",)])
def test_no_command_at_all_shows_the_help_and_is_a_usage_error(netfig: Netfig, words: tuple[str, ...]) -> None:
    done = netfig(*words)
    assert (done.code, done.stdout, done.error_line) == (2, "", "")
    assert done.stderr.startswith("Usage: netfig")


def test_a_target_in_the_place_of_a_command_is_answered_with_the_command(netfig: Netfig, here: Path) -> None:
    fails(netfig, here, ("net.py:Net",), 2, "there is no command 'net.py:Net'", "netfig draw 'net.py:Net'")


def test_control_characters_in_a_message_do_not_reach_the_terminal(netfig: Netfig, here: Path) -> None:
    done = netfig("draw", "\x1b[31mred.py:Net", "--input", "4", "-o", "a.svg")
    assert done.code == 4
    assert "\x1b" not in done.stderr


def test_ctrl_c_ends_with_one_line(netfig: Netfig, here: Path) -> None:
    (here / "slow.py").write_text("raise KeyboardInterrupt\n")
    done = netfig("draw", "slow.py:Net", "--input", "4", "-o", "a.svg")
    assert (done.code, done.stderr.strip()) == (130, "netfig: error: interrupted")


def test_a_bug_keeps_its_traceback(netfig: Netfig, monkeypatch: pytest.MonkeyPatch) -> None:
    from netfig import pipeline

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug of ours")

    monkeypatch.setattr(pipeline, "render", broken)
    with pytest.raises(ZeroDivisionError):
        netfig("draw", CHAIN, *INPUT, "-o", "a.svg")


def test_a_reader_that_leaves_is_no_error_message(netfig: Netfig, here: Path) -> None:
    import subprocess
    import sys

    netfig("trace", CHAIN, *INPUT, "-o", "g.json")
    command = f"{sys.executable} -m netfig draw g.json -f json | head -c 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=120, check=False)
    assert done.stdout == b"{"
    assert b"Traceback" not in done.stderr
    assert b"Broken" not in done.stderr
