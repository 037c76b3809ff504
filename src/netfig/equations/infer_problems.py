"""All that is wrong with a program, collected and then raised at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.errors import InvalidProgram, Problem

if TYPE_CHECKING:
    from netfig.equations.types import Program, Span


class Problems:
    """Collects mistakes with where they stand; `raise_any` raises them as one `InvalidProgram`."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.found: list[Problem] = []

    def add(self, span: Span, what: str, hint: str = "", why: str = "") -> None:
        """One mistake; the same one at the same place is kept once."""
        problem = Problem(what, span.start, span.end, why, hint)
        if problem not in self.found:
            self.found.append(problem)

    @property
    def has_indices(self) -> bool:
        """Whether any equation of the program is for an index."""
        return any(one.left.indices or one.left.family for one in self.program.equations)

    def line(self, span: Span) -> int:
        """The number of the line a span starts in, from 1."""
        return self.program.source.count("\n", 0, span.start) + 1

    def text(self, span: Span) -> str:
        """What stands there, in quotes."""
        words = " ".join(self.program.source[span.start : span.end].split())
        return repr(words if len(words) <= 40 else words[:39] + "…")

    def raise_any(self) -> None:
        """Raise what was found."""
        if self.found:
            raise InvalidProgram(self.found, self.program.source, name=self.program.name)
