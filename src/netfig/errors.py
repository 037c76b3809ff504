"""The errors netfig raises on purpose, and the exit codes of its command line.

Every error says *what* is wrong, *where*, *why* and what to do about it (*hint*). Anything else that escapes is a bug and keeps
its traceback.
"""

from __future__ import annotations

import difflib
import enum
import unicodedata
from collections.abc import Iterable


class ExitCode(enum.IntEnum):
    """What the process tells the shell."""

    DONE = 0  # the product was written
    FAILED = 1  # it ran and failed: the user's model raised, an engine timed out
    USAGE = 2  # the command line itself is wrong
    INVALID = 3  # the input is invalid: a malformed chain, graph or theme
    MISSING = 4  # something is missing or incompatible: a file, an engine, a plugin, a schema version
    INTERRUPTED = 130  # Ctrl-C


class NetfigError(Exception):
    """Something the user can act on.

    The first line (`what`) is complete by itself; `where` locates it, `why` explains, `hint` says what to do.
    """

    exit_code = ExitCode.FAILED

    def __init__(self, what: str, *, where: str = "", why: str = "", hint: str = "") -> None:
        self.what, self.where, self.why, self.hint = what, where, why, hint
        super().__init__(what)

    def __str__(self) -> str:
        lines = [self.what]
        lines += [f"  {name}: {text}" for name, text in (("where", self.where), ("why", self.why), ("hint", self.hint)) if text]
        return "\n".join(lines)


class UsageError(NetfigError):
    """The request is wrong: an unknown renderer, an option that does not exist."""

    exit_code = ExitCode.USAGE


class InvalidInput(NetfigError):
    """What was given cannot be read: a malformed layer chain, a broken graph file."""

    exit_code = ExitCode.INVALID


class InvalidGraph(InvalidInput):
    """A graph, figure or drawing breaks its rules; `violations` lists all of them."""

    def __init__(self, what: str, violations: Iterable[str], *, where: str = "", hint: str = "") -> None:
        self.violations = tuple(violations)
        super().__init__(what, where=where, why="\n       ".join(self.violations), hint=hint)


class Missing(NetfigError):
    """Something needed is not there, or not in a version we can use."""

    exit_code = ExitCode.MISSING


class ModelFailed(NetfigError):
    """The user's own code raised; the original exception is the cause."""


class EngineFailed(NetfigError):
    """A layout engine or converter failed or took too long."""


class PluginError(NetfigError):
    """A plugin returned something its hook does not allow."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """The hint for a word that is not known: the nearest one, or the list of all."""
    names = sorted(known)
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.55)
    if near:
        return f"did you mean {near[0]!r}? Known: {', '.join(names)}" if len(names) <= 12 else f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else ""


def point_at(line: str, start: int, end: int | None = None, *, title: str = "where") -> str:
    """`line` with carets under its columns `start` to `end`, as the text of a `NetfigError` field (`title` says which).

    A long line is cut to a window around the place; what a terminal would not print as one sign is shown as a blank.
    """
    end = max(start + 1, end or 0)
    if len(line) > 160:
        cut = max(0, start - 60)
        line, start, end = line[cut : cut + 140], start - cut, min(end - cut, 140)
    shown = "".join(c if c.isprintable() else " " for c in line)
    indent = " " * (len(title) + 4)  # where the field's text starts in `str(error)`
    lead = " " * sum(_columns(c) for c in shown[:start])
    return f"{shown}\n{indent}{lead}{'^' * max(1, sum(_columns(c) for c in shown[start:end]))}"


def shown(word: str, limit: int = 100) -> str:
    """A word of the user's in quotes, cut if it is long."""
    return repr(word if len(word) <= limit else word[: limit - 1] + "…")


def _columns(char: str) -> int:
    """How many columns a terminal gives a character."""
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1
