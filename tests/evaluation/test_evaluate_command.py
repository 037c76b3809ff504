"""``netfig evaluate`` prints small tables; the same numbers for the same seed."""

from __future__ import annotations

import json
import re

import pytest
from click.testing import CliRunner

import netfig
from netfig.cli import cli

EQUATION = "h[t] = tanh(W h[t-1] + U x[t]); x[t] : 2, h[t] : 3"


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, ["evaluate", *words])
    return result.exit_code, result.stdout, result.stderr


def test_the_outputs_are_printed_with_a_line_for_each_step() -> None:
    code, out, err = run(EQUATION, "--steps", "2")
    assert code == 0
    assert re.fullmatch(r"h  2 × 3\n  t=1  +-?[\d.e-]+ +-?[\d.e-]+ +-?[\d.e-]+\n  t=2  .*\n", out)
    assert "seed 0" in err


def test_json_has_all_digits_of_what_python_gives() -> None:
    _, out, _ = run(EQUATION, "--steps", "2", "--seed", "5", "--json")
    assert json.loads(out) == {"h": netfig.evaluate(EQUATION, steps=2, seed=5)["h"].tolist()}


def test_sizes_functions_and_values_are_given_in_words() -> None:
    code, out, _ = run(
        "h[t] = psi(W h[t-1] + U x[t])", "--steps", "2", "--size", "n_x=2,n_h=1", "--function", "psi=relu", "--value", "x"
    )
    assert code == 0
    assert out.startswith("x  2 × 2\n")


def test_a_value_whose_places_differ_in_length_is_printed_place_by_place() -> None:
    _, out, _ = run("cell:attention-rnn-infinite", "--steps", "3", "--size", "n=2,m=2,d=2", "--value", "a")
    assert [line for line in out.splitlines() if line.startswith("a")] == ["a[t=1]  1", "a[t=2]  2", "a[t=3]  3"]


def test_a_pass_gives_the_values_of_the_single_steps() -> None:
    _, out, _ = run(EQUATION, "--pass", "unroll", "--opt", "unroll.extent=2")
    assert [line for line in out.splitlines() if line.startswith("h")] == ["h[t=1]  3", "h[t=2]  3"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((EQUATION,), "how many steps there are along 't' is not known"),
        ((EQUATION, "--steps", "2", "--value", "hh"), "there is no value 'hh'\n  hint: did you mean 'h'"),
        ((EQUATION, "--steps", "2", "--size", "3"), "--size '3' is not NAME=NUMBER"),
        ((EQUATION, "--steps", "2", "--function", "psi=wave"), "there is no function 'wave' for psi"),
        ((EQUATION, "--steps", "2", "--pass", "unrol"), "there is no pass 'unrol'\n  hint: did you mean 'unroll'"),
    ],
)
def test_mistakes_are_said(words: tuple[str, ...], message: str) -> None:
    code, out, err = run(*words)
    assert (code, out) == (2, "")
    assert f"netfig: error: {message}" in err
