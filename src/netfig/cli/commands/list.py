"""``netfig list``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click

from netfig.cli.shared import print_json, print_table, registry_of
from netfig.errors import ExitCode, UsageError, did_you_mean

if TYPE_CHECKING:
    from netfig.registry import Registry

Rows = list[dict[str, Any]]

EXIT_CODES = {
    ExitCode.DONE: "done",
    ExitCode.FAILED: "it ran and failed: the model raised, an engine timed out, a plugin misbehaved",
    ExitCode.USAGE: "the command line is wrong: an unknown command, option, renderer, format or theme",
    ExitCode.INVALID: "the input is invalid: a malformed chain, graph or theme",
    ExitCode.MISSING: "something is missing or incompatible: a file, an engine, a plugin, a schema version",
    ExitCode.INTERRUPTED: "interrupted",
}
"""The one table of exit codes, as people read it."""


@click.command("list", short_help="List what there is: renderers, formats, themes, ...")
@click.argument("kind")
@click.option("--json", is_flag=True, help="As JSON, with everything known.")
@click.pass_context
def command(ctx: click.Context, kind: str, json: bool) -> None:
    """List one KIND: renderers, writers, formats, themes, annotators, sources, passes, op-kinds, cells or exit-codes."""
    if kind not in _KINDS:
        raise UsageError(f"there is no kind {kind!r}", hint=did_you_mean(kind, _KINDS))
    rows = _KINDS[kind](registry_of(ctx))
    if json:
        print_json(rows)
        return
    for row in rows:
        print_table([(str(row["name"]), str(row["summary"]))])
        print_table(("", f"--opt {row['name']}.{o['name']}", _values(o), o["help"]) for o in row.get("options", ()))


def _values(option: dict[str, Any]) -> str:
    what = "|".join(map(str, option["choices"])) or option["type"]
    return f"{what} [{option['default']}]"


def _described(kind: str) -> Callable[[Registry], Rows]:
    def rows(registry: Registry) -> Rows:
        from netfig.registry import describe

        return [
            {
                "name": name,
                "summary": found.summary,
                "plugin": registry.owner(kind, name).distribution,
                "options": [asdict(o) for o in describe(found)],
            }
            for name, found in registry.of(kind).items()
        ]

    return rows


def _formats(registry: Registry) -> Rows:
    return [
        {
            "name": suffix,
            "summary": writer.summary,
            "writer": writer.name,
            "media_type": form.media_type,
            "text": form.text,
            "takes": writer.takes,
        }
        for suffix, (writer, form) in registry.formats.items()
    ]


def _themes(registry: Registry) -> Rows:
    return [
        {"name": name, "summary": theme.summary, "plugin": registry.owner("themes", name).distribution}
        for name, theme in registry.of("themes").items()
    ]


def _op_kinds(registry: Registry) -> Rows:
    return [
        {
            "name": name,
            "summary": f"{kind.sign} {kind.label}".strip(),
            "role": kind.role,
            "sign": kind.sign,
            "helper": kind.helper,
        }
        for name, kind in registry.of("op_kinds").items()
    ]


def _cells(registry: Registry) -> Rows:
    from netfig.equations.library import cells

    return [{"name": name, "summary": title, "target": f"cell:{name}"} for name, title in cells().items()]


def _exit_codes(registry: Registry) -> Rows:
    return [{"name": int(code), "summary": meaning} for code, meaning in EXIT_CODES.items()]


_KINDS: dict[str, Callable[[Any], Rows]] = {
    "renderers": _described("renderers"),
    "writers": _described("writers"),
    "formats": _formats,
    "themes": _themes,
    "annotators": _described("annotators"),
    "sources": _described("sources"),
    "passes": _described("passes"),
    "op-kinds": _op_kinds,
    "cells": _cells,
    "exit-codes": _exit_codes,
}
