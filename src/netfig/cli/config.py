"""``[tool.netfig]`` of the nearest pyproject.toml as defaults of the options.

A key directly in the table is for every command that has the option; ``[tool.netfig.draw]`` is for one command.
"""

from __future__ import annotations

import os
from typing import Any

import click

from netfig.errors import InvalidInput, did_you_mean

_NOT_OURS = ("help", "version")


def read_defaults(ctx: click.Context, group: click.Group) -> dict[str, Any] | None:
    """Defaults by command, ``None`` when there is no such table.

    Raises:
        InvalidInput: the file is not TOML, or a key is no option; all of them are listed.
    """
    path = _nearest()
    if path is None:
        return None
    table = _table(path)
    if not table:
        return None
    command = ctx.invoked_subcommand or ""
    found = group.get_command(ctx, command)
    if found is None:
        return None
    problems = _unknown(ctx, group, table)
    if problems:
        raise InvalidInput(
            f"[tool.netfig] in {os.path.basename(path)!r} has {len(problems)} unknown keys",
            where=path,
            why="\n       ".join(problems),
        )
    names = _options(found)
    values = {key: value for key, value in table.items() if not isinstance(value, dict)}
    own = table.get(command, {})
    merged = {names[_plain(k)]: v for k, v in values.items() if _plain(k) in names} | {
        names[_plain(k)]: v for k, v in own.items()
    }
    return {command: merged}


def _nearest() -> str | None:
    folder, below = os.getcwd(), ""
    while folder != below:
        path = os.path.join(folder, "pyproject.toml")
        if os.path.isfile(path):
            return path
        folder, below = os.path.dirname(folder), folder
    return None


def _table(path: str) -> dict[str, Any]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError):
        return {}  # somebody else's file: unreadable for everyone
    if "netfig" not in text:
        return {}
    import tomllib

    try:
        table = tomllib.loads(text).get("tool", {}).get("netfig", {})
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{os.path.basename(path)!r} is not valid TOML", where=path, why=str(error)) from error
    return table if isinstance(table, dict) else {}


def _unknown(ctx: click.Context, group: click.Group, table: dict[str, Any]) -> list[str]:
    commands = {name: found for name in group.list_commands(ctx) if (found := group.get_command(ctx, name)) is not None}
    everywhere = {name for command in commands.values() for name in _options(command)}
    problems = []
    for key, value in table.items():
        if isinstance(value, dict):
            if key not in commands:
                problems.append(f"[tool.netfig.{key}]: there is no such command ({did_you_mean(key, commands)})")
                continue
            known = _options(commands[key])
            problems += [f"[tool.netfig.{key}] {k}: {did_you_mean(k, known)}" for k in value if _plain(k) not in known]
        elif _plain(key) not in everywhere:
            problems.append(f"{key}: {did_you_mean(key, everywhere)}")
    return problems


def _options(command: click.Command) -> dict[str, str]:
    """What people write (``opt``, ``inputs``) → the parameter's name."""
    return {
        _plain(word.lstrip("-")): str(p.name)
        for p in command.params
        if isinstance(p, click.Option) and p.name not in _NOT_OURS
        for word in (*p.opts, *p.secondary_opts)
        if word.startswith("--")
    }


def _plain(key: str) -> str:
    return key.replace("_", "-")
