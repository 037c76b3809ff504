"""Writes the pages of docs/ that come from the program itself; ``--check`` says which are stale and writes nothing."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

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


PAGES = {"cli.md": cli_page}


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
