"""``netfig diff A B`` and `netfig.diff`: figure, text, JSON, exit codes and what is wrong with a target."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from commandline import Netfig

import netfig as api

BEFORE = "Conv2d(3,16,3,padding=1) | ReLU | MaxPool2d(2) | Flatten | Linear(10)"
AFTER = "Conv2d(3,16,5,padding=2) | ReLU | Flatten | Linear(10)"
INPUT = ("--input", "3x8x8")


def test_it_writes_a_figure_and_prints_the_differences(netfig: Netfig, here: Path):
    done = netfig("diff", BEFORE, AFTER, *INPUT, "--text", "-o", "a.svg", "-o", "a.txt", "-o", "a.json")
    assert (done.code, done.stderr) == (0, "")
    assert "removed" in (here / "a.svg").read_text()
    assert (here / "a.txt").read_text() == done.stdout
    lines = done.stdout.splitlines()
    assert lines[1].split("  ")[0] == "~"
    assert "kernel 3 → 5; padding 1 → 2; 448 → 1,216 parameters" in lines[1]
    assert lines[2].startswith("−")
    assert "MaxPool2d" in lines[2]


def test_the_numbers_are_those_of_torch(netfig: Netfig):
    data = json.loads(netfig("diff", BEFORE, AFTER, *INPUT, "--json").stdout)
    layers = [torch.nn.Conv2d(3, 16, 3), torch.nn.Linear(256, 10)], [torch.nn.Conv2d(3, 16, 5), torch.nn.Linear(1024, 10)]
    counts = [sum(p.numel() for layer in side for p in layer.parameters()) for side in layers]
    assert [data[side]["parameters"] for side in ("before", "after")] == counts
    assert data["layers"] == {"same": 2, "changed": 2, "added": 0, "removed": 1}
    assert data["equal"] is False


def test_without_output_the_svg_goes_to_stdout(netfig: Netfig):
    done = netfig("diff", BEFORE, AFTER, *INPUT)
    assert done.stdout.startswith("<svg") or done.stdout.startswith("<?xml")


@pytest.mark.parametrize(("other", "code"), [(BEFORE, 0), (AFTER, 1)])
def test_the_exit_code_says_whether_they_differ_when_asked(netfig: Netfig, other: str, code: int):
    assert netfig("diff", BEFORE, other, *INPUT, "--text", "--exit-code").code == code
    assert netfig("diff", BEFORE, other, *INPUT, "--text").code == 0


def test_equal_models_are_said_to_be_equal(netfig: Netfig):
    assert "No difference." in netfig("diff", BEFORE, BEFORE, *INPUT, "--text").stdout


def test_each_model_may_have_its_own_input(netfig: Netfig):
    done = netfig("diff", "Linear(3)", "Linear(3)", "--input-a", "4", "--input-b", "6", "--text")
    assert "in features 4 → 6" in done.stdout
    assert "input" in done.stdout.splitlines()[2]


def test_a_saved_graph_is_compared_with_a_chain(netfig: Netfig, here: Path):
    netfig("trace", BEFORE, *INPUT, "-o", "a.json")
    done = netfig("diff", "a.json", BEFORE, "--input-b", "3x8x8", "--text")
    assert (done.code, "No difference." in done.stdout) == (0, True)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("diff", BEFORE), 2, "missing argument"),
        (("diff", BEFORE, "nothing.py:Net", *INPUT), 4, "nothing.py"),
        (("diff", "Conv2d(3,16,3 | ReLU", BEFORE, *INPUT), 3, "conv2d"),
        (("diff", "cell:lstn", "cell:gru"), 2, "lstm"),
        (("diff", "-", "-"), 2, "stdin"),
        (("diff", BEFORE, AFTER, *INPUT, "--text", "--json"), 2, "different things"),
        (("diff", BEFORE, AFTER, *INPUT, "--text", "-f", "svg"), 2, "stdout"),
        (("diff", BEFORE, AFTER, *INPUT, "-o", "a.swg"), 2, "svg"),
        (("diff", BEFORE, AFTER, *INPUT, "--theme", "drak"), 2, "dark"),
    ],
)
def test_mistakes_are_said(netfig: Netfig, words: tuple[str, ...], code: int, said: str):
    done = netfig(*words)
    assert said in done.stderr.lower() + done.stdout.lower()
    assert done.code == code
    assert "Traceback" not in done.stderr


def test_hostile_names_stay_text(netfig: Netfig, here: Path):
    name = '<script>"&\u202e'
    (here / "a.layers").write_text("input: 4\nfc: Linear(3)\n")
    graph = json.loads(netfig("trace", "a.layers", "-f", "json").stdout)
    text = json.dumps(graph).replace('"fc', f'"{name[1:7]}x')
    (here / "b.json").write_text(text)
    done = netfig("diff", "a.layers", "b.json", "-f", "svg")
    assert "<script" not in done.stdout


def test_the_python_verb_takes_modules_graphs_and_targets():
    model, x = torch.nn.Linear(4, 3), torch.zeros(2, 4)
    found = api.diff(model, torch.nn.Linear(4, 5), x)
    assert not found.is_equal
    assert "out features 3 → 5" in found.text
    assert found.data["after"]["parameters"] == 25
    assert found.lint() == ()
    assert api.diff(api.trace(model, x), model, x).is_equal
    assert api.diff("Linear(3)", "Linear(3)", "4").is_equal


def test_the_same_pair_gives_the_same_bytes():
    models = torch.nn.Linear(4, 3), torch.nn.Linear(4, 5)
    first, second = (api.diff(*models, torch.zeros(2, 4)).bytes_of("svg") for _ in range(2))
    assert first == second
