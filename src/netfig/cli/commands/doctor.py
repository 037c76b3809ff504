"""``netfig doctor``."""

from __future__ import annotations

import platform
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from netfig.cli.shared import print_json, print_table, registry_of
from netfig.errors import ExitCode, NetfigError
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.registry import Registry

_PACKAGES = (
    "netfig",
    "torch",
    "torchinfo",
    "click",
    "pluggy",
    "graphviz",
    "graphviz-pure",
    "resvg-py",
    "reportlab",
    "fonttools",
    "numpy",
    "rich",
)


@dataclass(frozen=True)
class Check:
    """One line of the report; `state` is ok, absent (nothing needs it) or broken."""

    name: str
    state: str
    detail: str


@click.command("doctor", short_help="Say what is installed and whether it works.")
@click.option("--json", is_flag=True, help="As JSON.")
@click.pass_context
def command(ctx: click.Context, json: bool) -> None:
    """Say what is installed and whether it works: packages, engines, fonts, plugins. Exit code 4 when something is broken."""
    checks = [_python(), *_packages(), *_engines(), *_fonts(), *_plugins(registry_of(ctx))]
    if json:
        print_json([asdict(c) for c in checks])
    else:
        print_table((c.state, c.name, c.detail) for c in checks)
    if any(c.state == "broken" for c in checks):
        ctx.exit(ExitCode.MISSING)


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()} ({platform.python_implementation()}, {sys.platform})")


def _packages() -> list[Check]:
    from importlib.metadata import PackageNotFoundError, version

    found = []
    for package in _PACKAGES:
        try:
            found.append(Check(package, "ok", version(package)))
        except PackageNotFoundError:
            found.append(Check(package, "broken", f"not installed: pip install {package}"))
    return found


def _engines() -> list[Check]:
    """Each engine draws one small graph: being installed is not enough."""
    from netfig.layout.engine import run_dot

    found = []
    for engine, name in (("auto", "engine auto (brought along)"), ("dot", "engine dot (the system's Graphviz)")):
        try:
            works = run_dot("digraph { a -> b }", ["-Tplain"], engine=engine, timeout=10.0).startswith(b"graph ")
            found.append(Check(name, "ok" if works else "broken", "lays out a graph"))
        except NetfigError as error:
            found.append(Check(name, "broken" if engine == "auto" else "absent", error.what))
    return found


def _fonts() -> list[Check]:
    from importlib import resources

    from fontTools.ttLib import TTFont

    found = []
    for entry in sorted(resources.files("netfig").joinpath("fonts").iterdir(), key=lambda e: e.name):
        if not entry.name.endswith(".ttf"):
            continue
        try:
            with resources.as_file(entry) as path, TTFont(path, lazy=True) as font:
                found.append(Check(f"font {entry.name}", "ok", f"{len(font.getGlyphOrder())} glyphs"))
        except Exception as error:  # a damaged font fails in many ways
            found.append(Check(f"font {entry.name}", "broken", str(error)))
    return found or [Check("fonts", "broken", "the package holds none: reinstall netfig")]


def _plugins(registry: Registry) -> list[Check]:
    return [Check(f"plugin {p.name}", "broken" if p.error else "ok", p.error or p.distribution) for p in registry.plugins]
