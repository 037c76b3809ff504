"""Finds the plugins that are installed, and those the user chose among them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

from netfig.errors import Missing, UsageError, did_you_mean
from netfig.glance import may_have_plugins
from netfig.records import dataclass

GROUP = "netfig"
CHOICE = "NETFIG_PLUGINS"
"""Environment variable: ``none``, ``a,b`` (only these) or ``-a,-b`` (all but these)."""


@dataclass(frozen=True)
class Candidate:
    """A plugin before it is loaded: its entry-point name, the distribution it came with, and how to load it."""

    name: str
    distribution: str
    load: Callable[[], Any]
    module: str = ""


def installed() -> tuple[Candidate, ...]:
    """The plugins of all installed distributions that the user did not turn off, ordered by name."""
    found: list[Candidate] = []
    if not may_have_plugins():
        return tuple(_chosen(found, os.environ.get(CHOICE)))
    from importlib.metadata import entry_points

    for point in sorted(entry_points(group=GROUP), key=lambda p: (p.name, p.value)):
        dist = point.dist
        label = f"{dist.name} {dist.version}" if dist is not None else point.value
        found.append(Candidate(point.name, label, point.load, point.value))
    return tuple(_chosen(found, os.environ.get(CHOICE)))


def _chosen(found: list[Candidate], choice: str | None) -> Iterator[Candidate]:
    if choice is None or not choice.strip():
        yield from found
        return
    words = [w.strip() for w in choice.split(",") if w.strip()]
    if words == ["none"]:
        return
    dropped, kept = {w[1:] for w in words if w.startswith("-")}, {w for w in words if not w.startswith("-")}
    if dropped and kept:
        raise UsageError(f"{CHOICE}={choice!r} mixes plugins to load and plugins to leave out", hint="either a,b or -a,-b")
    names = {c.name for c in found}
    for unknown in sorted(kept - names):
        raise Missing(f"{CHOICE} names the plugin {unknown!r}, which is not installed", hint=did_you_mean(unknown, names))
    yield from (c for c in found if (c.name in kept if kept else c.name not in dropped))
