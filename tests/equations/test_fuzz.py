"""Programs nobody would write: each is a program that is read back, or a mistake with a place. `make fuzz` runs 100,000."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from mutations import programs

from netfig.equations import compile, parse, typeset, write
from netfig.errors import InvalidProgram, NetfigError
from netfig.graph import Graph
from netfig.mathtext import text_of

T = TypeVar("T")
LIMIT = 1.0  # seconds of this process for one program


def attempt(call: Callable[[], T]) -> T | NetfigError:
    """What a call makes or the mistake it finds, in good time; any other exception is a bug.

    What is slow once is tried again: the garbage of a hundred thousand examples takes a second to collect, wherever that falls.
    """
    for _ in range(2):
        begin = time.process_time()
        made: T | NetfigError
        try:
            made = call()
        except NetfigError as error:
            made = error
        if time.process_time() - begin < LIMIT:
            return made
    raise AssertionError("twice slower than the limit")


def judged(source: str) -> None:
    program = attempt(lambda: parse(source))
    if isinstance(program, NetfigError):
        assert isinstance(program, InvalidProgram)
        assert program.problems
        assert all(0 <= p.start <= p.end <= len(source) for p in program.problems)
        assert str(program)
        return
    for style in ("unicode", "ascii", "latex"):
        assert parse(write(program, style)) == program, style
    for statement in program.statements:
        text_of(typeset(statement))
    made = attempt(lambda: compile(program))
    assert isinstance(made, Graph) or str(made)


@settings(max_examples=400, suppress_health_check=list(HealthCheck))
@given(programs)
def test_a_mutated_program_is_a_graph_or_a_mistake_with_a_place(source):
    judged(source)


@pytest.mark.heavy
@settings(max_examples=100_000, derandomize=False, database=None, suppress_health_check=list(HealthCheck))
@given(programs)
def test_a_hundred_thousand_mutated_programs_are_graphs_or_mistakes_with_a_place(source):
    judged(source)
