"""The commands: what they print, where to, and how they are configured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from time import perf_counter

import pytest
from commandline import CHAIN, Netfig

from netfig.errors import ExitCode, NetfigError

INPUT = ("--input", "3x64x64")
SVG = "http://www.w3.org/2000/svg"

# Starting up.


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["draw", "--help"], ["list", "renderers"], ["list", "formats"], ["plugins"]]
)
def test_looking_around_never_imports_torch_or_a_format_library(words: list[str]) -> None:
    heavy = {"torch", "torchinfo", "numpy", "reportlab", "resvg_py", "fontTools", "graphviz", "rich"}
    code = f"""
import sys
from netfig.cli import cli
cli.main({words!r}, prog_name="netfig", standalone_mode=False)
print(sorted(set(sys.modules) & {heavy!r}), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr.splitlines()[-1] == "[]"


def test_importing_netfig_imports_no_torch() -> None:
    code = "import sys, netfig; netfig.draw, netfig.trace; print('torch' in sys.modules)"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True).stdout == "False\n"
    )


def test_help_takes_at_most_twice_the_time_of_its_two_libraries() -> None:
    def fastest(*words: str) -> float:
        times = []
        for _ in range(7):
            start = perf_counter()
            subprocess.run([sys.executable, *words], capture_output=True, timeout=60, check=True)
            times.append(perf_counter() - start)
        return min(times)

    assert fastest("-m", "netfig", "--help") <= 2 * fastest("-c", "import click, pluggy")


def test_every_command_says_the_same_of_itself_as_the_overview_does() -> None:
    from importlib import import_module

    from netfig.cli import COMMANDS

    for name, summary in COMMANDS.items():
        command = import_module(f"netfig.cli.commands.{name}").command
        assert (command.name, command.short_help) == (name, summary)


def test_every_option_of_every_command_has_help() -> None:
    from importlib import import_module

    import click

    from netfig.cli import COMMANDS

    bare = [
        f"{name} {option.name}"
        for name in COMMANDS
        for option in import_module(f"netfig.cli.commands.{name}").command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert bare == []


def test_every_option_is_known_by_the_name_it_is_written_with() -> None:
    from importlib import import_module

    import click

    from netfig.cli import COMMANDS

    options = [
        p for name in COMMANDS for p in import_module(f"netfig.cli.commands.{name}").command.params if isinstance(p, click.Option)
    ]
    odd = [(p.name, p.opts) for p in options if f"--{str(p.name).replace('_', '-')}" not in p.opts]
    assert odd == []  # NETFIG_<COMMAND>_<OPTION> is made from it


@pytest.mark.parametrize("command", ["draw", "trace", "summary"])
def test_help_says_which_targets_run_code(netfig: Netfig, command: str) -> None:
    text = netfig(command, "--help").stdout
    assert "imported and run" in text
    assert "never run" in text


def test_the_version_is_that_of_the_package(netfig: Netfig, project: Path) -> None:
    version = tomllib.loads((project / "pyproject.toml").read_text())["project"]["version"]
    assert netfig("--version").stdout == f"netfig {version}\n"
    import netfig as package

    assert package.__version__ == version


# Exit codes.


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("list", "themes"), ExitCode.DONE),
        (("draw", "net.py:Raises", "--input", "4"), ExitCode.FAILED),
        (("draw", CHAIN, *INPUT, "-r", "nope"), ExitCode.USAGE),
        (("draw", "Conv2d(", *INPUT), ExitCode.INVALID),
        (("draw", "nope.py:Net"), ExitCode.MISSING),
        (("draw", "interrupted.py:Net"), ExitCode.INTERRUPTED),
    ],
)
def test_each_row_of_the_table_of_exit_codes(
    netfig: Netfig, here: Path, net: Path, words: tuple[str, ...], code: ExitCode
) -> None:
    (here / "interrupted.py").write_text("raise KeyboardInterrupt")
    assert netfig(*words).code == code


def test_the_table_of_exit_codes_is_complete(netfig: Netfig) -> None:
    rows = json.loads(netfig("list", "exit-codes", "--json").stdout)
    assert [row["name"] for row in rows] == [int(code) for code in ExitCode]
    raised = {cls.exit_code for cls in NetfigError.__subclasses__()} | {NetfigError.exit_code}
    assert raised <= set(ExitCode)


# draw.


def test_without_o_the_svg_goes_to_stdout_and_nothing_else_does(netfig: Netfig, here: Path, net: Path) -> None:
    from xml.etree import ElementTree

    done = netfig("draw", "net.py:Net", "--input", "3x8x8")
    assert done.code == 0
    assert ElementTree.fromstring(done.stdout).tag == f"{{{SVG}}}svg"
    assert "the model speaks" in done.stderr
    assert [p.name for p in here.iterdir() if p.suffix != ".py" and p.name != "__pycache__"] == []


def test_several_files_at_once_each_in_its_format(netfig: Netfig, here: Path) -> None:
    words = [word for suffix in ("svg", "png", "pdf", "dot", "json", "txt") for word in ("-o", f"a.{suffix}")]
    done = netfig("draw", CHAIN, *INPUT, *words)
    assert (done.code, done.stdout) == (0, "")
    starts = {suffix: (here / f"a.{suffix}").read_bytes()[:8] for suffix in ("png", "pdf", "json")}
    assert starts["png"] == b"\x89PNG\r\n\x1a\n"
    assert starts["pdf"].startswith(b"%PDF-")
    assert json.loads((here / "a.json").read_text())["format"] == "netfig-graph"
    assert "graph" in (here / "a.dot").read_text()
    assert "Conv2d" in (here / "a.txt").read_text()


def test_stdout_and_a_file_at_once(netfig: Netfig, here: Path) -> None:
    done = netfig("draw", CHAIN, *INPUT, "-o", "a.svg", "-o", "-")
    assert done.stdout_bytes == (here / "a.svg").read_bytes()


def test_two_runs_give_the_same_bytes(shell: Netfig) -> None:
    runs = [shell("draw", CHAIN, *INPUT, env={"PYTHONHASHSEED": seed}) for seed in ("1", "2")]
    assert runs[0].code == 0
    assert runs[0].stdout_bytes == runs[1].stdout_bytes


def test_a_saved_graph_is_drawn_as_the_model_was_and_runs_no_code(netfig: Netfig, net: Path) -> None:
    words = ("--opt", "modules.depth=1")
    first = netfig("draw", "net.py:Net", "--input", "3x8x8", "-o", "-", *words)
    assert netfig("trace", "net.py:Net", "--input", "3x8x8", "-o", "net.json").code == 0
    net.unlink()
    second = netfig("draw", "net.json", *words)
    assert second.stdout == first.stdout
    assert "the model speaks" not in second.stderr


def test_a_graph_is_read_from_stdin(netfig: Netfig) -> None:
    graph = netfig("trace", CHAIN, *INPUT, "-f", "json").stdout_bytes
    assert netfig("draw", "-", stdin=graph).stdout_bytes == netfig("draw", CHAIN, *INPUT).stdout_bytes


def test_a_failing_model_is_drawn_up_to_the_failure_when_asked(netfig: Netfig, net: Path) -> None:
    done = netfig("draw", "net.py:Raises", "--input", "4", "--partial")
    assert done.code == 0
    assert "linear" in done.stdout


def test_the_printed_width_is_the_width_of_the_svg(netfig: Netfig) -> None:
    text = netfig("draw", CHAIN, *INPUT, "--direction", "right", "--width", "3.25in").stdout
    found = re.search(r'<svg [^>]*?\bwidth="([0-9.]+)(px|pt|in)?"', text)
    assert found
    inches = float(found[1]) / {"pt": 72, "px": 96, None: 96, "in": 1}[found[2]]
    assert inches == pytest.approx(3.25, abs=0.01)


@pytest.mark.parametrize(("direction", "is_wide"), [("right", True), ("down", False)])
def test_the_direction_turns_the_figure(netfig: Netfig, direction: str, is_wide: bool) -> None:
    found = re.search(r'viewBox="0 0 ([0-9.]+) ([0-9.]+)"', netfig("draw", CHAIN, *INPUT, "--direction", direction).stdout)
    assert found
    assert (float(found[1]) > float(found[2])) == is_wide


def test_a_figure_too_small_to_read_is_a_warning_and_with_strict_an_error(netfig: Netfig, here: Path) -> None:
    words = ("draw", CHAIN, *INPUT, "--direction", "right", "--width", "1in", "-o", "a.svg")
    done = netfig(*words)
    assert done.code == 0
    assert "netfig: warning: the figure is hard to read in" in done.stderr
    assert "--width" in done.stderr
    (here / "a.svg").unlink()
    done = netfig(*words, "--strict")
    assert (done.code, done.error_line[:42]) == (1, "netfig: error: the figure is hard to read ")
    assert not (here / "a.svg").exists()


# trace, summary, check.


def test_trace_prints_text_and_writes_json(netfig: Netfig) -> None:
    assert "MaxPool2d" in netfig("trace", CHAIN, *INPUT).stdout
    assert json.loads(netfig("trace", CHAIN, *INPUT, "-f", "json").stdout)["version"] == [1, 0]


def test_trace_verify_says_that_the_replay_agrees(netfig: Netfig, net: Path) -> None:
    done = netfig("trace", "net.py:Net", "--input", "3x8x8", "--verify")
    assert done.code == 0
    assert "netfig: verified" in done.stderr
    assert "verified" not in done.stdout


def test_trace_cannot_write_a_figure(netfig: Netfig) -> None:
    done = netfig("trace", CHAIN, *INPUT, "-f", "svg")
    assert (done.code, done.error_line) == (2, "netfig: error: a graph cannot be written as 'svg'")


@pytest.mark.parametrize("form", ["terminal", "json", "markdown", "latex", "csv"])
def test_summary_counts_what_torch_counts_in_every_form(netfig: Netfig, form: str) -> None:
    from torch import nn

    layers = [nn.Conv2d(3, 16, 3, padding=1), nn.Linear(16 * 32 * 32, 10)]
    text = netfig("summary", CHAIN, *INPUT, "--format", form).stdout
    digits = re.sub(r"[,{}\\]", "", text) if form != "csv" else text
    for layer in layers:
        assert str(sum(p.numel() for p in layer.parameters())) in digits


def test_summary_writes_the_form_its_suffix_names(netfig: Netfig, here: Path) -> None:
    assert netfig("summary", CHAIN, *INPUT, "-o", "a.md").code == 0
    assert (here / "a.md").read_text() == netfig("summary", CHAIN, *INPUT, "--format", "markdown").stdout


def test_summary_refuses_an_unknown_form(netfig: Netfig) -> None:
    done = netfig("summary", CHAIN, *INPUT, "--format", "latx")
    assert (done.code, done.error_line) == (2, "netfig: error: there is no summary format 'latx'")
    assert "did you mean 'latex'?" in done.stderr


@pytest.mark.parametrize(
    ("text", "code", "says"),
    [
        ("Linear(4)\nReLU\n", 0, "sizes are not checked"),
        ("input: 8\nLinear(4)\nReLU\n", 0, "36 parameters"),
        ("input: 8\nLinear(4)\nRELU\n", 3, "unknown layer 'RELU'"),
        ("input: 8\nLinear(9, 4)\n", 3, "does not fit: it gets 8 and needs 9"),
    ],
)
def test_check_builds_a_chain_that_names_its_input(netfig: Netfig, here: Path, text: str, code: int, says: str) -> None:
    (here / "a.layers").write_text(text)
    done = netfig("check", "a.layers")
    assert done.code == code
    assert says in done.stdout + done.stderr


def test_check_looks_at_every_file_and_ends_with_the_code_of_the_first_bad_one(netfig: Netfig, here: Path) -> None:
    netfig("trace", CHAIN, *INPUT, "-o", "good.json")
    (here / "good.layers").write_text("input: 8\nLinear(4)\nReLU\n")
    (here / "bad.layers").write_text("Linear(4\n")
    (here / "good.toml").write_text('extends = "light"\n')
    (here / "bad.toml").write_text('extends = "light"\nink = "purple"\n')
    done = netfig("check", "good.json", "bad.layers", "good.layers", "good.toml", "bad.toml", "none.json")
    assert done.code == 3
    assert [line.split()[1] for line in done.stdout.splitlines()] == ["good.json", "good.layers", "good.toml"]
    for name in ("bad.layers", "bad.toml", "none.json"):
        assert f"netfig: error: {name}: " in done.stderr
    rows = json.loads(netfig("check", "good.json", "none.json", "--json").stdout)
    assert [row["ok"] for row in rows] == [True, False]


# list, plugins, doctor.


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("renderers", "modules"),
        ("writers", "svg"),
        ("formats", "pdf"),
        ("themes", "print"),
        ("annotators", "counts"),
        ("sources", "layers"),
        ("op-kinds", "conv2d"),
    ],
)
def test_list_names_the_built_ins_for_people_and_programs(netfig: Netfig, kind: str, name: str) -> None:
    assert name in netfig("list", kind).stdout
    rows = json.loads(netfig("list", kind, "--json").stdout)
    assert all(row["summary"] for row in rows)
    assert name in [row["name"] for row in rows]


def test_list_documents_options_with_type_default_and_help(netfig: Netfig) -> None:
    rows = json.loads(netfig("list", "renderers", "--json").stdout)
    style = next(o for row in rows if row["name"] == "pipeline" for o in row["options"] if o["name"] == "style")
    assert style["type"] == "choice"
    assert set(style["choices"]) == {"flat", "volumes", "sheets"}
    assert style["default"] in style["choices"]
    assert style["help"]


def test_list_suggests_the_nearest_kind(netfig: Netfig) -> None:
    done = netfig("list", "rendrers")
    assert (done.code, done.error_line) == (2, "netfig: error: there is no kind 'rendrers'")
    assert "did you mean 'renderers'?" in done.stderr


def test_doctor_reports_engines_fonts_and_packages(netfig: Netfig) -> None:
    done = netfig("doctor", "--json")
    found = {row["name"]: row for row in json.loads(done.stdout)}
    assert done.code == 0
    assert found["torch"]["state"] == "ok"
    assert found["engine auto (brought along)"]["state"] == "ok"
    assert found["font DejaVuSans.ttf"]["state"] == "ok"


def test_doctor_ends_with_4_when_something_is_broken(netfig: Netfig, monkeypatch: pytest.MonkeyPatch) -> None:
    from netfig.errors import EngineFailed
    from netfig.layout import engine

    def broken(*_: object, **__: object) -> bytes:
        raise EngineFailed("it does not start")

    monkeypatch.setattr(engine, "run_dot", broken)
    done = netfig("doctor")
    assert done.code == 4
    assert "it does not start" in done.stdout


# Settings.


def test_every_option_is_also_an_environment_variable(netfig: Netfig) -> None:
    dark = netfig("draw", CHAIN, *INPUT, "--theme", "dark").stdout
    assert netfig("draw", CHAIN, *INPUT, env={"NETFIG_DRAW_THEME": "dark"}).stdout == dark
    assert netfig("draw", CHAIN, env={"NETFIG_DRAW_INPUT": "3x64x64", "NETFIG_DRAW_THEME": "dark"}).stdout == dark
    assert netfig("draw", CHAIN, *INPUT, "--theme", "light", env={"NETFIG_DRAW_THEME": "dark"}).stdout != dark


@pytest.mark.parametrize("text", ['[tool.netfig]\ntheme = "dark"\n', '[tool.netfig.draw]\ntheme = "dark"\n'])
def test_options_are_read_from_the_nearest_pyproject(
    netfig: Netfig, here: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    dark = netfig("draw", CHAIN, *INPUT, "--theme", "dark").stdout
    (here / "pyproject.toml").write_text(text)
    (here / "deeper").mkdir()
    monkeypatch.chdir(here / "deeper")
    assert netfig("draw", CHAIN, *INPUT).stdout == dark
    assert netfig("draw", CHAIN, *INPUT, "--theme", "light").stdout != dark
    assert netfig("list", "themes").code == 0


def test_repeated_options_are_lists_in_pyproject(netfig: Netfig, here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.netfig.draw]\ninput = ["3x64x64"]\nopt = ["modules.params=none"]\n')
    assert "448 params" not in netfig("draw", CHAIN).stdout
    assert netfig("draw", CHAIN).code == 0


def test_wrong_keys_in_pyproject_are_all_said_with_the_right_ones(netfig: Netfig, here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.netfig]\nthem = "dark"\n[tool.netfig.drwa]\n[tool.netfig.draw]\nrendrer = "x"\n')
    done = netfig("draw", CHAIN, *INPUT)
    assert done.code == 3
    for hint in ("did you mean 'theme'?", "did you mean 'draw'?", "did you mean 'renderer'?"):
        assert hint in done.stderr


def test_somebody_elses_pyproject_is_no_concern(netfig: Netfig, here: Path) -> None:
    (here / "pyproject.toml").write_text("this is [not TOML")
    assert netfig("list", "themes").code == 0


def test_the_module_runs_like_the_command(shell: Netfig) -> None:
    done = shell("list", "themes")
    assert (done.code, [line.split()[0] for line in done.stdout.splitlines()]) == (0, ["light", "dark", "print"])
