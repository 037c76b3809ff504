"""Writes the pages of docs/ that come from the program itself; ``--check`` says which are stale and writes nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from netfig.cli import cli
from netfig.errors import ExitCode

HERE = Path(__file__).parent
WIDTH = 100


def commands(group: click.Group, context: click.Context) -> Iterator[tuple[str, str]]:
    """Every command of netfig's own and its help, parents first."""
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden or (group is cli and name in group.commands):
            continue  # what an installed plugin adds is not ours to describe
        inner = click.Context(command, info_name=name, parent=context, terminal_width=WIDTH, max_content_width=WIDTH)
        yield inner.command_path, command.get_help(inner)
        if isinstance(command, click.Group):
            yield from commands(command, inner)


def cli_page() -> str:
    """docs/cli.md."""
    context = click.Context(cli, info_name="netfig", terminal_width=WIDTH, max_content_width=WIDTH)
    lines = ["# The command line", "", "What `--help` says, command by command. This page is written by `make docs`.", ""]
    lines += ["```text", cli.get_help(context).strip(), "```"]
    for path, text in commands(cli, context):
        lines += ["", f"## {path}", "", "```text", "\n".join(line.rstrip() for line in text.strip().splitlines()), "```"]
    lines += ["", "## Exit codes", "", "| code | name |", "| --: | --- |"]
    lines += [f"| {code.value} | {code.name.lower()} |" for code in ExitCode]
    return "\n".join(line.rstrip() for line in "\n".join(lines).splitlines()) + "\n"


def components(kind: str) -> list[dict[str, Any]]:
    """What ``netfig list`` says of one kind, less what installed plugins add."""
    done = subprocess.run([sys.executable, "-m", "netfig", "list", kind, "--json"], check=True, capture_output=True, text=True)
    return [item for item in json.loads(done.stdout) if item["plugin"].startswith("netfig ")]


def options_page() -> str:
    """docs/options.md."""
    lines = [
        "# Components and their options",
        "",
        "What `netfig list` says, as a page. An option is given as `--opt NAME.OPTION=VALUE`.",
    ]
    lines += ["This page is written by `make docs`."]
    for kind in ("renderers", "passes", "writers", "annotators", "sources"):
        lines += ["", f"## {kind.capitalize()}"]
        for item in components(kind):
            lines += ["", f"### {item['name']}", "", item["summary"]]
            if item["options"]:
                lines += ["", "| option | values | default | meaning |", "| --- | --- | --- | --- |"]
            for option in item["options"]:
                values = ", ".join(f"`{c}`" for c in option["choices"]) or option["type"]
                default = json.dumps(option["default"]).strip('"') or "empty"
                lines.append(f"| `{item['name']}.{option['name']}` | {values} | {default} | {option['help']} |")
    return "\n".join(lines) + "\n"


PAGES = {"cli.md": cli_page, "options.md": options_page}


def main() -> int:
    """Write, or check."""
    stale = [
        name for name, page in PAGES.items() if not (HERE / name).exists() or (HERE / name).read_text(encoding="utf-8") != page()
    ]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"stale: docs/{name} (make docs)", file=sys.stderr)
        return int(bool(stale))
    for name in stale:
        (HERE / name).write_text(PAGES[name](), encoding="utf-8")
        print(f"wrote docs/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
