"""Programs nobody would write: each is a program that is read back, or a mistake with a place. `make fuzz` runs 100,000."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from mutations import programs

from netfig.equations import compile, parse, typeset, write
from netfig.equations.writer import reformat
from netfig.errors import InvalidProgram, NetfigError
from netfig.graph import Graph
from netfig.mathtext import text_of

T = TypeVar("T")
LIMIT = 1.0  # seconds of this process for one program


def attempt(call: Callable[[], T]) -> T | NetfigError:
    """What a call makes or the mistake it finds, in good time; any other exception is a bug.

    The garbage of a hundred thousand examples takes a second to collect, which is no fault of the one it falls on; nor is what
    else the machine does, so a slow one is done again by the clock of the process, which takes too long to be asked each time.
    """
    gc.disable()
    begin = time.perf_counter()
    try:
        made = made_or_mistake(call)
        if time.perf_counter() - begin > LIMIT:
            begin = time.process_time()
            made_or_mistake(call)
            assert time.process_time() - begin < LIMIT
    finally:
        gc.enable()
    return made


def made_or_mistake(call: Callable[[], T]) -> T | NetfigError:
    try:
        return call()
    except NetfigError as error:
        return error


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
    for style in ("unicode", "ascii"):
        assert parse(reformat(program, style)) == program, f"{style}, comments and lines kept"
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
