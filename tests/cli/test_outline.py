"""The example plugin, installed as a user would and used from the command line."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from commandline import CHAIN, Netfig


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the plugin, put there by pip from its own source."""
    folder = tmp_path_factory.mktemp("plugins")
    source = Path(__file__).parents[2] / "plugins" / "netfig-outline"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--target",
        folder,
        source,
    ]
    subprocess.run(command, check=True, timeout=300)
    return folder


@pytest.fixture
def outline(shell: Netfig, installed: Path, monkeypatch: pytest.MonkeyPatch) -> Netfig:
    """The command line of a machine that has the plugin."""
    monkeypatch.delenv("NETFIG_PLUGINS")
    return lambda *words, **given: shell(*words, path=installed, **given)


def test_the_plugin_is_found_with_its_distribution_and_hooks(outline: Netfig) -> None:
    found = {p["name"]: p for p in json.loads(outline("plugins", "--json").stdout)}
    assert found["outline"] == {
        "name": "outline",
        "distribution": "netfig-outline 0.1.0",
        "module": "netfig_outline",
        "hooks": ["netfig_renderers"],
        "error": "",
        "offers": ["renderers: outline"],
    }


def test_the_plugins_renderer_draws_and_takes_its_options(netfig: Netfig, outline: Netfig) -> None:
    netfig("trace", CHAIN, "--input", "3x64x64", "-o", "g.json")
    done = outline("draw", "g.json", "--renderer", "outline")
    assert done.code == 0
    assert "16×64×64" in done.stdout
    done = outline("draw", "g.json", "--renderer", "outline", "--opt", "outline.shapes=no")
    assert "16×64×64" not in done.stdout
    done = outline("draw", "g.json", "--renderer", "outline", "--opt", "outline.shape=no")
    assert (done.code, done.error_line) == (2, "netfig: error: outline has no option 'shape'")


def test_the_plugins_renderer_keeps_its_promises(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from netfig.testing import check_renderer

    monkeypatch.syspath_prepend(str(installed))
    from netfig_outline import RENDERER

    check_renderer(RENDERER)


def test_the_plugin_can_be_turned_off(outline: Netfig) -> None:
    done = outline("draw", "g.json", "--renderer", "outline", env={"NETFIG_PLUGINS": "-outline"})
    assert (done.code, done.error_line) == (2, "netfig: error: there is no renderer 'outline'")


def test_the_plugin_is_under_60_lines(project: Path) -> None:
    assert len((project / "plugins/netfig-outline/netfig_outline.py").read_text().splitlines()) < 60


BROKEN = {
    "broken.py": "raise ImportError('half of it is missing')\n",
    "command.py": """
import click
from netfig.hooks import hookimpl

@hookimpl
def netfig_commands(cli):
    @cli.command("greet", short_help="Say hello.")
    def greet():
        click.echo("hello")

    @cli.command("draw")
    def draw():
        click.echo("not ours")
""",
    "netfig_mixed-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: netfig-mixed\nVersion: 1.0\n",
    "netfig_mixed-1.0.dist-info/entry_points.txt": "[netfig]\nbroken = broken\ncommand = command\n",
}


@pytest.fixture
def mixed(shell: Netfig, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Netfig:
    """The command line of a machine with one broken plugin and one that adds commands."""
    folder = tmp_path_factory.mktemp("mixed")
    for name, text in BROKEN.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    monkeypatch.delenv("NETFIG_PLUGINS")
    return lambda *words, **given: shell(*words, path=folder, **given)


def test_a_broken_plugin_costs_one_line_and_stops_nothing(mixed: Netfig) -> None:
    done = mixed("list", "themes")
    assert done.code == 0
    assert done.stderr == "netfig: plugin 'broken' (netfig-mixed 1.0) is not used: ImportError: half of it is missing\n"
    assert "NOT USED: ImportError: half of it is missing" in mixed("plugins").stdout
    assert mixed("doctor").code == 4


def test_a_plugins_command_is_in_the_help_and_runs(mixed: Netfig) -> None:
    assert "greet     Say hello." in mixed("--help").stdout
    assert mixed("greet").stdout == "hello\n"


def test_a_plugin_cannot_replace_a_command_of_ours(mixed: Netfig) -> None:
    done = mixed("--help")
    assert "a plugin offers the command 'draw', which netfig has: it is left out" in done.stderr
    assert "Make a figure" in mixed("draw", "--help").stdout
