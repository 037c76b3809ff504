"""Figures nobody thought of: they are drawn whole, the same each time, and without a defect the lint knows."""

from __future__ import annotations

import time
from collections.abc import Callable

import figures
import pytest
from random_figures import network, wiring

from netfig.errors import EngineFailed
from netfig.figure import Direction, Figure
from netfig.layout import knots, lay_out
from netfig.layout.engine import EngineTimedOut
from netfig.layout.lint import Finding, lint
from netfig.theme import load_theme

THEMES = tuple(load_theme(name) for name in ("light", "dark", "print"))
DIRECTIONS: tuple[Direction, ...] = ("right", "down", "up")


def defects(grow: Callable[[int], Figure], seed: int) -> tuple[Finding, ...]:
    theme = THEMES[seed // 3 % 3]
    return lint(lay_out(grow(seed), theme, direction=DIRECTIONS[seed % 3]), theme)


@pytest.mark.parametrize("first", range(0, 180, 30))
def test_networks_lint_clean(first: int) -> None:
    assert {seed: found for seed in range(first, first + 30) if (found := defects(network, seed))} == {}


def test_of_random_wirings_nineteen_in_twenty_lint_clean() -> None:
    assert sum(defects(wiring, seed) == () for seed in range(100)) >= 95


def test_a_random_figure_is_drawn_the_same_each_time() -> None:
    for seed in range(12):
        assert lay_out(wiring(seed), THEMES[0]) == lay_out(wiring(seed), THEMES[0])


def test_a_skip_from_before_a_fork_into_a_branch_keeps_its_own_lane() -> None:
    boxes = [figures.tensor("x", "x"), figures.box("a"), figures.box("b"), figures.op("add"), figures.box("gate")]
    wires = [*figures.path("x", "a", "b", "add", "mul", "y"), *figures.path("x", "gate", "mul"), figures.wire("x", "add", "skip")]
    figure = figures.figure([*boxes, figures.op("mul", "⊙"), figures.tensor("y", "y", "output")], wires)
    for direction in DIRECTIONS:
        drawing = lay_out(figure, THEMES[0], direction=direction)
        shapes = {s.id: s.bounds for s in drawing.shapes}
        across = 1 if direction == "right" else 0
        skip = next(line for line in drawing.lines if line.role == "skip")
        lane = min(p[across] for p in skip.points)
        assert shapes["gate"][across + 2] < lane < min(shapes["a"][across], shapes["b"][across])
        assert lint(drawing, THEMES[0]) == ()


def test_values_that_leave_a_panel_side_by_side_do_not_meet_in_it() -> None:
    panel = figures.panel("p", [figures.box("a"), figures.box("b"), figures.box("c")])
    wires = [*figures.path("x", "a", "b", "y"), figures.wire("a", "c"), figures.wire("c", "z"), figures.wire("b", "z", "skip")]
    boxes = [figures.tensor("x", "x"), panel, figures.box("y"), figures.box("z")]
    for direction in DIRECTIONS:
        assert lint(lay_out(figures.figure(list(boxes), wires), THEMES[0], direction=direction), THEMES[0]) == ()


@pytest.mark.parametrize("grow", [figures.experts, figures.chain])
def test_time_grows_less_than_quadratically(grow: Callable[[int], Figure]) -> None:
    def seconds(size: int) -> float:
        figure, start = grow(size), time.process_time()
        lay_out(figure, THEMES[0], direction="down")
        return time.process_time() - start

    seconds(50)
    assert min(seconds(1000) for _ in range(2)) < max(seconds(250), 0.05) * 4**1.8


def test_many_branches_enter_one_broad_box_straight() -> None:
    drawing = lay_out(figures.experts(40), THEMES[0], direction="right")
    assert all(len(line.points) == 2 for line in drawing.lines if line.target == "sum")
    assert lint(drawing, THEMES[0]) == ()


def test_an_engine_in_trouble_is_told_to_hurry_and_then_given_up_with_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def slow(source: str, *_: object, **__: object) -> bytes:
        asked.append(source)
        raise EngineTimedOut("the engine did not finish within 30 s")

    monkeypatch.setattr(knots, "run_dot", slow)
    knots._dot.cache_clear()
    with pytest.raises(EngineFailed, match="4 boxes with 3 wires") as error:
        knots.place_knot([(20, 20)] * 4, [(0, 2), (0, 3), (1, 3)], [1, 1, 1], gap_along=20, gap_across=20, engine="auto")
    assert "--depth" in error.value.hint
    assert ["nslimit=0.1" in source for source in asked] == [False, True]
