"""The built wheel, away from the source tree, does the whole job."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

CHAIN = "Conv2d(3, 16, 3, padding=1) | ReLU | MaxPool2d(2) | Flatten | Linear(10)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    project = Path(__file__).parents[1]
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "-q", "-w", folder, project]
    subprocess.run(command, check=True, timeout=180, capture_output=True)
    (found,) = folder.glob("netfig-*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> dict[str, str]:
    """The environment in which ``python -m netfig`` is the unpacked wheel."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "--no-deps", "--no-compile", "-q", "--target", target, wheel]
    subprocess.run(command, check=True, timeout=180, capture_output=True)
    return {**os.environ, "PYTHONPATH": str(target)}


def netfig(words: list[str], cwd: Path, env: dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([sys.executable, "-m", "netfig", *words], cwd=cwd, env=env, capture_output=True, timeout=120)


def test_the_wheel_holds_fonts_themes_and_licences(wheel):
    project = Path(__file__).parents[1]
    inside = set(zipfile.ZipFile(wheel).namelist())
    data = [
        p
        for p in (project / "src/netfig").rglob("*")
        if p.suffix in {".ttf", ".metrics", ".toml", ".txt", ".json"} or p.name == "py.typed"
    ]
    assert len(data) > 10
    assert {p.relative_to(project / "src").as_posix() for p in data} <= inside
    assert any(name.endswith("licenses/LICENSE") for name in inside)


def test_the_wheel_holds_nothing_but_the_package(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops == {"netfig", f"netfig-{wheel.name.split('-')[1]}.dist-info"}


def test_the_wheel_and_not_the_source_tree_is_what_runs(installed, tmp_path):
    where = subprocess.run(
        [sys.executable, "-c", "import netfig; print(netfig.__file__)"], env=installed, cwd=tmp_path, capture_output=True
    )
    assert where.stdout.decode().startswith(installed["PYTHONPATH"])


@pytest.mark.parametrize(("suffix", "start"), [("svg", b"<"), ("png", b"\x89PNG"), ("pdf", b"%PDF")])
def test_the_wheel_draws_a_chain(installed, tmp_path, suffix, start):
    done = netfig(["draw", CHAIN, "--input", "3x64x64", "-o", f"net.{suffix}"], tmp_path, installed)
    assert done.returncode == 0, done.stderr.decode()
    assert (tmp_path / f"net.{suffix}").read_bytes().startswith(start)
