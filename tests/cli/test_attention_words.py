"""``netfig draw attention``: a target that is a word has its sizes as options of the command."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commandline import Netfig

COMMAND = ("attention", "--d-model", "8", "--heads", "2", "--tokens", "4")


def test_the_command_of_the_lecture_draws_a_figure(netfig: Netfig, here: Path):
    done = netfig("draw", *COMMAND, "-o", "a.svg")
    assert (done.code, done.stderr) == (0, "")
    assert (here / "a.svg").read_text().count("Linear") >= 4


@pytest.mark.parametrize("order", [(*COMMAND, "-f", "svg"), ("-f", "svg", *COMMAND[1:], "attention")])
def test_options_may_stand_before_and_after_the_word(netfig: Netfig, order: tuple[str, ...]):
    assert netfig("draw", *order).stdout == netfig("draw", *COMMAND, "-f", "svg").stdout


def test_options_are_short_for_opt(netfig: Netfig):
    long = ("--opt", "attention.d_model=8", "--opt", "attention.heads=2", "--opt", "attention.tokens=4")
    assert netfig("draw", "attention", *long, "-f", "svg").stdout == netfig("draw", *COMMAND, "-f", "svg").stdout


def test_flags_and_their_opposites(netfig: Netfig):
    with_bias = json.loads(netfig("summary", *COMMAND, "--json").stdout)
    without = json.loads(netfig("summary", *COMMAND, "--no-bias", "--json").stdout)
    assert (with_bias["total"]["params"], without["total"]["params"]) == (288, 256)
    assert "mask" in netfig("trace", *COMMAND, "--causal").stdout


def test_names_may_stand_for_numbers(netfig: Netfig):
    done = netfig("trace", "attention", "--d-model", "d", "--heads", "h", "--tokens", "n")
    assert "h×n×n" in done.stdout


def test_it_is_computed_on_random_numbers(netfig: Netfig):
    found = json.loads(netfig("evaluate", *COMMAND, "--json").stdout)
    (rows,) = found.values()
    assert [len(row) for row in rows] == [8, 8, 8, 8]


def test_help_lists_the_options_of_the_word_only_for_the_word(netfig: Netfig):
    assert "--kv-heads" in netfig("draw", "attention", "--help").stdout
    assert "--kv-heads" not in netfig("draw", "--help").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("attention", "--d-modle", "8"), "--d-model"),
        (("attention", "--position", "rotery"), "rotary"),
        (("Linear(3)", "--d-model", "8"), "--d-model"),
        (("Linear(3)", "-r", "attention", "--d-model", "8"), "are for the target 'attention'"),
        (("attention", "--d-model", "8", "--heads", "3"), "not divisible"),
    ],
)
def test_mistakes_end_with_a_usage_error_and_no_traceback(netfig: Netfig, words: tuple[str, ...], said: str):
    done = netfig("draw", *words)
    assert done.code == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_file_is_checked(netfig: Netfig, here: Path):
    (here / "a.attention").write_text("d_model = 8\nheads = 2\n")
    assert "ok  a.attention  attention: 'a', 12 ops, 288 parameters" in netfig("check", "a.attention").stdout
    (here / "b.attention").write_text("heads = 0.5\n")
    assert netfig("check", "b.attention").code == 3
