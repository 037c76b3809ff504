"""Passes are asked for by name, on the command line and in Python, and change the graph before it is annotated and drawn."""

from __future__ import annotations

import subprocess
import sys

import pytest
from click.testing import CliRunner

import netfig
from netfig.cli import cli
from netfig.errors import PluginError, UsageError
from netfig.graph.plates import unroll
from netfig.hooks import Loaded, Pass
from netfig.pipeline import transform
from netfig.registry import Registry

EQUATION = "h[t] = tanh(W h[t-1] + U x[t])"


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(cli, list(words))
    return result.exit_code, result.stdout, result.stderr


def steps(graph: netfig.Graph) -> list[str]:
    return [s.id for s in graph.scopes if s.kind == "step"]


def test_a_pass_is_asked_for_by_name_with_its_options() -> None:
    code, out, _ = run("trace", EQUATION, "--pass", "unroll", "--opt", "unroll.extent=3", "-f", "json")
    assert code == 0
    assert out.count('"kind": "step"') == 3


def test_several_passes_run_in_the_order_given() -> None:
    _, rolled, _ = run("trace", EQUATION)
    code, out, _ = run("trace", EQUATION, "--pass", "unroll", "--pass", "fold", "--opt", "unroll.extent=2")
    assert (code, out) == (0, rolled)


def test_trace_and_draw_take_passes_in_python() -> None:
    graph = netfig.trace(EQUATION, netfig_options={"passes": ["unroll"], "options": {"unroll.extent": 2}})
    assert steps(graph) == ["over t[t=1]", "over t[t=2]"]
    drawn = netfig.draw(EQUATION, renderer="dataflow", passes=["unroll"], options={"unroll.extent": 2})
    assert steps(drawn.graph) == steps(graph)
    again = netfig.draw(graph, renderer="dataflow", passes=["fold"])
    assert steps(again.graph) == []


def test_sizes_of_ranges_are_given_in_words() -> None:
    words = {"passes": ["unroll"], "options": {"unroll.axis": "i", "unroll.sizes": "K=2"}}
    graph = netfig.trace("s[t] = sum(Q_i x[t] for i = 1..K)", netfig_options=words)
    assert steps(graph) == ["over t/over i[i=1]", "over t/over i[i=2]"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--pass", "unrol"), "there is no pass 'unrol'\n  hint: did you mean 'unroll'"),
        (
            ("--pass", "unroll"),
            "how many steps there are along 't' is not known\n  why: its extent is T\n  hint: say how many steps",
        ),
        (("--pass", "unroll", "--opt", "unroll.axis=tt"), "the graph 'recurrence' has no axis 'tt'\n  hint: did you mean 't'"),
        (("--pass", "unroll", "--opt", "unroll.extent=x"), "unroll.extent must be a whole number or none, not 'x'"),
        (("--pass", "unroll", "--opt", "unroll.sizes=K"), "'K' gives no size a number\n  hint: write unroll.sizes=K=2"),
        (("--pass", "fold"), "'t' is not unrolled: it has no steps\n  hint: unroll it first"),
        (("--pass", "expand"), "there is no recurrent layer in 'recurrence' to expand"),
    ],
)
def test_what_a_pass_cannot_do_is_said(words: tuple[str, ...], message: str) -> None:
    code, out, err = run("trace", EQUATION, *words)
    assert (code, out) == (2, "")
    assert message in err


def test_a_pass_that_is_not_there_is_noticed_before_a_model_runs() -> None:
    code, _, err = run("draw", "does_not_exist.py:Net", "--pass", "nothing")
    assert code == 2
    assert "there is no pass 'nothing'" in err


def test_a_string_is_no_list_of_passes() -> None:
    with pytest.raises(UsageError, match=r"passes are a list of names, not 'unroll'\n  hint: write \['unroll'\]"):
        netfig.draw(EQUATION, passes="unroll")


def test_a_pass_of_a_plugin_that_returns_no_graph_is_that_plugins_mistake() -> None:
    class Plugin:
        @staticmethod
        def netfig_passes() -> list[Pass]:
            return [Pass("broken", "Hands nothing back.", lambda graph, options: None)]  # type: ignore[arg-type, return-value]

    from netfig.hooks import hookimpl
    from netfig.registry import Candidate

    hookimpl(Plugin.netfig_passes)
    registry = Registry([Candidate("mine", "mine 1.0", lambda: Plugin, "mine")])
    graph = netfig.trace(EQUATION)
    with pytest.raises(PluginError, match=r"the pass 'broken' of the plugin 'mine' \(mine 1.0\) returned NoneType, not Graph"):
        transform(Loaded(graph), registry, ["broken"])


def test_unrolling_a_recurrence_never_loads_torch() -> None:
    options = "{'passes': ['unroll'], 'options': {'unroll.extent': 3}}"
    code = f"import sys, netfig; netfig.trace({EQUATION!r}, netfig_options={options}); print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "False"


def test_annotations_come_after_the_passes() -> None:
    graph = netfig.trace(
        "h[t] = tanh(W h[t-1] + U x[t]); x[t] : 2, h[t] : 3",
        netfig_options={"passes": ["unroll"], "options": {"unroll.extent": 2}},
    )
    assert graph.notes_on("")["params"].value == 15
    assert steps(unroll(netfig.trace(EQUATION), "t", 2)) == steps(graph)
