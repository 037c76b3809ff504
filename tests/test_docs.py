"""What the documentation shows runs, what it links to exists, and what it generates is fresh."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from netfig.cli import COMMANDS
from netfig.cli.commands.gallery import _run as run_netfig
from netfig.hooks import Specs
from netfig.theme import load_theme

PROJECT = Path(__file__).parents[1]
PAGES = [PROJECT / "README.md", PROJECT / "CONTRIBUTING.md", *sorted((PROJECT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"""\]\(([^)\s]+)\)|(?:src|srcset)="([^"]+)\"""")


def blocks(page: Path, language: str) -> list[str]:
    return [text for kind, text in BLOCK.findall(page.read_text(encoding="utf-8")) if kind == language]


def shell_lines(page: Path) -> list[str]:
    return [line for block in blocks(page, "sh") for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def with_commands(page: Path) -> bool:
    return any(line.startswith("netfig ") for line in shell_lines(page))


def name(page: Path) -> str:
    return page.relative_to(PROJECT).as_posix()


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder that looks like the project to a reader who types along."""
    (tmp_path / "examples").symlink_to(PROJECT / "examples")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("page", [p for p in PAGES if with_commands(p)], ids=name)
def test_every_netfig_command_of_a_page_runs_and_writes_what_it_names(page, folder):
    for block in blocks(page, "toml"):
        if "extends" in block:
            (folder / "mine.toml").write_text(block)
    for line in shell_lines(page):
        words = shlex.split(line)
        if words[0] == "netfig":
            run_netfig(words[1:])
            for flag, value in pairwise(words):
                assert flag != "-o" or (folder / value).stat().st_size > 0, line


def test_the_readme_shows_commands_and_python():
    readme = PROJECT / "README.md"
    assert sum(line.startswith("netfig ") for line in shell_lines(readme)) >= 5
    assert blocks(readme, "python")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_named_exists(page):
    makefile = (PROJECT / "Makefile").read_text()
    named = set(re.findall(r"(?:^|`)make (?:PYTHON=\S+ )?([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE))
    assert {target for target in named if not re.search(rf"^{target}:", makefile, re.MULTILINE)} == set()


def test_the_python_of_the_readme_runs(folder):
    for block in blocks(PROJECT / "README.md", "python"):
        exec(compile(block, "README.md", "exec"), {"__name__": "readme"})
    assert (folder / "model.svg").exists()
    assert (folder / "model.pdf").exists()


def test_the_renderer_of_the_plugin_page_draws(folder, monkeypatch):
    (code,) = blocks(PROJECT / "docs/plugins.md", "python")
    (folder / "chain_plugin.py").write_text(code)
    program = (
        "import torch, netfig, chain_plugin\n"
        "from netfig.hooks import Renderer\n"
        "(renderer,) = chain_plugin.netfig_renderers()\n"
        "assert isinstance(renderer, Renderer)\n"
        "graph = netfig.trace(torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()), torch.zeros(1, 2))\n"
        "figure = renderer.draw(graph, renderer.options())\n"
        "assert [b.id for b in figure.boxes.values()] == [op.id for op in graph.ops]\n"
        "assert len(figure.wires) == len(graph.ops) - 1, graph.text()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert len(code.splitlines()) < 60


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_within_the_project_leads_somewhere(page):
    text = BLOCK.sub("", page.read_text(encoding="utf-8"))
    targets = [a or b for a, b in LINK.findall(text)]
    local = {t.split("#")[0] for t in targets if "://" not in t and not t.startswith("#")}
    assert {t for t in local if not (page.parent / t).exists()} == set()


def test_generated_pages_are_fresh():
    done = subprocess.run([sys.executable, PROJECT / "docs/generate.py", "--check"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_component_option_named_exists(page):
    known = set(re.findall(r"^\| `(\w+\.\w+)` \|", (PROJECT / "docs/options.md").read_text(), re.MULTILINE)) | {"chain.limit"}
    named = set(re.findall(r"--opt ([a-z_]+\.[a-z_]+)=", page.read_text(encoding="utf-8")))
    assert named <= known


def test_every_command_is_on_the_page_of_the_command_line():
    headings = re.findall(r"^## netfig (.+)$", (PROJECT / "docs/cli.md").read_text(), re.MULTILINE)
    assert set(COMMANDS) <= {h.split()[0] for h in headings}


def test_the_plugin_page_names_every_hook():
    page = (PROJECT / "docs/plugins.md").read_text()
    hooks = {key for key in vars(Specs) if key.startswith("netfig_")}
    assert set(re.findall(r"^\| `(netfig_\w+)` \|", page, re.MULTILINE)) == hooks


def test_the_theme_page_names_every_role_of_the_light_theme():
    page = (PROJECT / "docs/themes.md").read_text()
    roles = {role.split(".")[0] for role in load_theme("light").roles} - {"default", "text", "panel"}
    assert {role for role in roles if f"`{role}`" not in page} == set()
