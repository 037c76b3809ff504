"""The errors netfig raises on purpose, and the exit codes of its command line.

Every error says *what* is wrong, *where*, *why* and what to do about it (*hint*). Anything else that escapes is a bug and keeps
its traceback.
"""

from __future__ import annotations

import enum
import unicodedata
from collections.abc import Iterable
from typing import NamedTuple


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


class Problem(NamedTuple):
    """One mistake in a program: what is wrong, the offsets in the source it is about, and what was expected or found there."""

    what: str
    start: int
    end: int
    why: str = ""
    hint: str = ""


class InvalidProgram(InvalidInput):
    """Equations that cannot be read or do not fit together; `problems` are all of them, in the order of the source.

    `place` gives the line and column of one; `name` is the file's, if it has one; `kind` is what the program is and its verb.
    """

    def __init__(self, problems: Iterable[Problem], source: str, *, name: str = "", kind: str = "the equations have") -> None:
        self.problems = tuple(sorted(problems, key=lambda p: (p.start, p.end)))
        self.source, self.name = source, name
        if len(self.problems) == 1:
            one = self.problems[0]
            super().__init__(_shortened(one.what), where=self._where(one, "where"), why=one.why, hint=one.hint)
        else:
            super().__init__(f"{kind} {len(self.problems)} mistakes", why="\n       ".join(map(self._block, self.problems[:20])))

    def place(self, problem: Problem) -> tuple[int, int]:
        """The line and the column a problem starts at, both from 1."""
        before = self.source[: problem.start]
        return before.count("\n") + 1, problem.start - (before.rfind("\n") + 1) + 1

    def _where(self, problem: Problem, title: str) -> str:
        line, column = self.place(problem)
        begin = problem.start - column + 1
        stop = self.source.find("\n", begin)
        text = self.source[begin : stop if stop >= 0 else len(self.source)]
        label = f"{self.name}:{line}: " if self.name else f"line {line}: "
        start = len(label) + column - 1
        return point_at(label + text, start, min(start + problem.end - problem.start, len(label) + len(text)), title=title)

    def _block(self, problem: Problem) -> str:
        """One of several, indented below ``why:``; `point_at` puts its caret under a field of five letters."""
        lines = [_shortened(problem.what), self._where(problem, "-----")]
        lines += [f"{word}: {text}" for word, text in (("why", problem.why), ("hint", problem.hint)) if text]
        return "\n         ".join(lines)


def _shortened(what: str) -> str:
    return what if len(what) <= 400 else what[:399] + "…"


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
    import difflib  # only a mistake needs it

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
