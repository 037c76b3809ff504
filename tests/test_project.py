"""Rules that hold for the project as a whole."""

from __future__ import annotations

import re
import statistics
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import netfig

FOLDERS = ("src", "tests", "plugins", "examples", "benchmarks", "docs")
TEXT = {".py", ".md", ".toml", ".txt", ".layers", ".json", ".svg", ".dot", ".cfg", ".yml"}


def python_files(project: Path, *folders: str) -> list[Path]:
    return sorted(p for folder in folders for p in (project / folder).rglob("*.py") if "build" not in p.parts)


def settings(project: Path) -> dict:
    return tomllib.loads((project / "pyproject.toml").read_text())


def names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[; ]", r, maxsplit=1)[0].lower().replace("_", "-") for r in requirements}


def test_no_python_file_is_longer_than_800_lines(project):
    long = {
        str(p.relative_to(project)): n for p in python_files(project, *FOLDERS) if (n := len(p.read_text().splitlines())) > 800
    }
    assert not long


def test_the_median_source_file_stays_under_250_lines(project):
    assert statistics.median(len(p.read_text().splitlines()) for p in python_files(project, "src")) <= 250


def test_nothing_names_a_folder_of_the_machine_it_was_made_on(project):
    home = re.compile(r"(?<![\w.<])/(?:root|work|home/[a-z]+|Users/[A-Za-z]+|tmp/[a-z]+)/[\w.]")
    files = [p for p in project.glob("*") if p.is_file() and p.suffix in TEXT]
    files += [p for folder in (*FOLDERS, "gallery") for p in (project / folder).rglob("*") if p.suffix in TEXT]
    found = {
        f"{path.relative_to(project)}:{number}"
        for path in files
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if home.search(line)
    }
    assert not found


def test_the_licence_is_the_one_pyproject_names_and_the_fonts_bring_theirs(project):
    assert settings(project)["project"]["license"] == "Apache-2.0"
    assert "Apache License" in (project / "LICENSE").read_text().splitlines()[1]
    fonts = project / "src/netfig/fonts"
    families = {p.name.split("Sans")[0].split("Serif")[0].split("Mono")[0] for p in fonts.glob("*.ttf")}
    assert families
    assert families == {p.stem.removeprefix("LICENSE-") for p in fonts.glob("LICENSE-*.txt")}


def test_every_dependency_is_pinned_in_constraints(project):
    data = settings(project)
    needed = names(data["project"]["dependencies"]) | names(data["dependency-groups"]["dev"])
    pinned = names([line for line in (project / "constraints.txt").read_text().splitlines() if not line.startswith("#")])
    assert needed == pinned


def test_the_version_is_one_and_the_changelog_tells_of_it(project):
    version = settings(project)["project"]["version"]
    assert netfig.__version__ == version
    changelog = (project / "CHANGELOG.md").read_text()
    assert re.search(rf"^## \[(Unreleased|{re.escape(version)})\]", changelog, re.MULTILINE)


def test_imports_keep_their_direction(project):
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"], cwd=project, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("words", [["--help"], ["draw", "--help"], ["--version"]])
def test_help_loads_neither_torch_nor_anything_slow(words):
    program = (
        "import sys\n"
        f"sys.argv = ['netfig', *{words!r}]\n"
        "from netfig.cli import main\n"
        "try:\n    main()\n"
        "except SystemExit as stop:\n    assert not stop.code, stop.code\n"
        "slow = {'torch', 'numpy', 'reportlab', 'fontTools', 'graphviz', 'torchinfo', 'rich.table'} & set(sys.modules)\n"
        "sys.exit(f'loaded {sorted(slow)}' if slow else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_importing_netfig_loads_no_torch():
    program = "import sys, netfig; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0


def test_test_files_have_names_of_their_own(project):
    files = [p.name for p in python_files(project, "tests") if p.name.startswith("test_")]
    assert len(files) == len(set(files)), sorted({n for n in files if files.count(n) > 1})


@pytest.mark.heavy
@pytest.mark.parametrize("benchmark", ["startup.py", "drawing.py"])
def test_a_benchmark_stays_within_its_limit(project, benchmark):
    done = subprocess.run([sys.executable, project / "benchmarks" / benchmark], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
