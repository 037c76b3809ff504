"""The arrangement ``cell``: the highway on top, gates below it, and wires without a defect for cells nobody thought of."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from functools import cache
from itertools import combinations, pairwise
from math import hypot
from pathlib import Path

import pytest

import netfig
from netfig.drawing import Drawing, Line, Shape
from netfig.equations import compile, parse
from netfig.figure import Box, End, Figure, Group, Wire
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import math, plain, text_of
from netfig.renderers.cell import CellOptions, draw_cell
from netfig.theme import load_theme

THEME = load_theme("light")
CELLS = Path(netfig.__file__).parent / "cells"


@cache
def drawn(name: str, weights: str = "auto") -> tuple[Figure, Drawing]:
    graph = compile(parse((CELLS / f"{name}.rnn").read_text(encoding="utf-8"), name))
    figure = draw_cell(graph, CellOptions(weights=weights))  # type: ignore[arg-type]
    return figure, lay_out(figure, THEME)


def shape(drawing: Drawing, box: str) -> Shape:
    return next(s for s in drawing.shapes if s.id == box)


def middle(drawing: Drawing, box: str) -> tuple[float, float]:
    a, b, c, d = shape(drawing, box).bounds
    return (a + c) / 2, (b + d) / 2


def titled(figure: Figure, title: str) -> str:
    """The box with a title."""
    return next(b.id for b in figure.boxes.values() if " ".join(text_of(line) for line in b.title) == title)


def highway(figure: Figure) -> list[str]:
    after = {w.source.box: w.target.box for w in figure.wires if w.role.startswith("state")}
    at = next(a for a in after if a not in after.values())
    way = [at]
    while at in after:
        at = after[at]
        way.append(at)
    return way


def crossings(drawing: Drawing) -> int:
    pieces = [(line.source, a, b) for line in drawing.lines if line.source for a, b in pairwise(line.points)]
    return sum(_cross(one, other) for one, other in combinations(pieces, 2))


Piece = tuple[str, tuple[float, float], tuple[float, float]]


def _cross(one: Piece, other: Piece) -> bool:
    if (one[1][1] == one[2][1]) == (other[1][1] == other[2][1]):
        return False
    (_, a, b), (_, c, d) = (one, other) if one[1][1] == one[2][1] else (other, one)
    return min(a[0], b[0]) + 0.5 < c[0] < max(a[0], b[0]) - 0.5 and min(c[1], d[1]) + 0.5 < a[1] < max(c[1], d[1]) - 0.5


# --- the library ---------------------------------------------------------------------------------------------------------------

ALL = sorted(p.stem for p in CELLS.glob("*.rnn"))


@pytest.mark.parametrize("name", ALL)
def test_the_highway_is_one_level_row_with_nothing_of_the_state_above_it(name: str) -> None:
    figure, drawing = drawn(name)
    way = highway(figure)
    rows = {round(middle(drawing, box)[1], 1) for box in way}
    xs = [middle(drawing, box)[0] for box in way]
    assert len(rows) == 1
    assert xs == sorted(xs)
    lower = [b.id for b in figure.boxes.values() if b.role.split(".")[0] in ("state", "input")]
    assert all(middle(drawing, box)[1] >= min(rows) - 0.1 for box in lower)


@pytest.mark.parametrize("name", ALL)
def test_states_come_in_on_the_left_and_leave_on_the_right_and_inputs_come_from_below(name: str) -> None:
    figure, drawing = drawn(name)
    panel = next(g.id for g in figure.groups.values() if g.role == "panel")
    left, top, right, bottom = shape(drawing, panel).bounds
    targets, sources = {w.target.box for w in figure.wires}, {w.source.box for w in figure.wires}
    for box in figure.boxes.values():
        a, b, c, d = shape(drawing, box.id).bounds
        if box.id not in targets:
            assert (c < left) if box.role == "state" else (b > bottom)
        elif box.id not in sources:
            assert a > right or d < top
        else:
            assert (left < a, c < right, top < b, d < bottom) == (True,) * 4


@pytest.mark.parametrize("weights", ["chips", "words"])
def test_the_lstm_is_drawn_without_a_crossing_and_its_gates_stand_in_one_row(weights: str) -> None:
    figure, drawing = drawn("lstm", weights)
    assert crossings(drawing) <= (3 if weights == "chips" else 0)
    words = {"words": ["σ forget", "σ input", "tanh candidate", "σ output"], "chips": ["W_if", "W_ii", "W_ig", "W_io"]}[weights]
    gates = [titled(figure, word) for word in words]
    assert len({round(middle(drawing, g)[1], 1) for g in gates}) == 1
    assert len({(s.bounds[2] - s.bounds[0], s.bounds[3] - s.bounds[1]) for s in (shape(drawing, g) for g in gates)}) == 1


def test_the_gated_cell_is_drawn_without_a_crossing_and_its_gate_stands_under_the_sign_it_gates() -> None:
    figure, drawing = drawn("gated")
    gate, sign = titled(figure, "σ"), highway(figure)[1]
    assert crossings(drawing) == 0
    assert middle(drawing, gate)[0] == pytest.approx(middle(drawing, sign)[0])
    assert middle(drawing, gate)[1] > middle(drawing, sign)[1]


def test_chips_that_read_the_input_stand_in_one_row() -> None:
    figure, drawing = drawn("gated")
    assert middle(drawing, titled(figure, "W_c"))[1] == pytest.approx(middle(drawing, titled(figure, "W_x"))[1])


def test_only_the_highway_is_thick() -> None:
    figure, drawing = drawn("lstm")
    on_way = set(pairwise(highway(figure)))
    width = {line.id: THEME.role(line.role).width for line in drawing.lines}
    for i, wire in enumerate(figure.wires):
        assert (width[f"wire/{i}"] > 1.5) == ((wire.source.box, wire.target.box) in on_way)


def test_a_value_that_goes_several_ways_has_one_trunk_with_dots() -> None:
    _, drawing = drawn("lstm")
    dots = [s for s in drawing.shapes if s.part == "junction"]
    assert len(dots) == 4  # three of the bus's branches and the way from c_t to tanh


def test_the_name_of_a_value_stands_at_its_wire() -> None:
    _, drawing = drawn("gated")
    found = {label.text for label in drawing.labels if label.id.startswith("wire/")}
    assert found == {"ct", "1 − ct", "ct ⊙ ht−1", "Wx xt"}


# --- cells nobody thought of ---------------------------------------------------------------------------------------------------

ROLES = ("op", "op", "activation", "weight", "activation.gate", "op.box", "op.merge")
TITLES = {
    "op": math("+"), "activation": plain("tanh"), "weight": math("W_x"), "activation.gate": plain("forget"),
    "op.box": plain("concat"), "op.merge": math("[x; h]"),
}  # fmt: skip


def random_cell(seed: int, most: int = 14) -> Figure:
    """A cell of random boxes: each reads up to three of those before it or what comes in; what nobody reads leaves."""
    rng = random.Random(seed)
    states = rng.randint(0, 3)
    coming = [Box(f"s{i}", "state", (math(f"s{i}_t"),)) for i in range(states)]
    coming += [Box(f"x{i}", "input", (math(f"x{i}_t"),)) for i in range(rng.randint(0 if states else 1, 3))]
    pool, inner, wires = [b.id for b in coming], [], []
    for i in range(rng.randint(1, most)):
        role = rng.choice(ROLES)
        inner.append(Box(f"n{i}", role, (TITLES[role],)))
        for source in dict.fromkeys(
            rng.choice(pool[-6:] + pool[:2]) for _ in range(1 if role in ("activation", "weight") else rng.randint(1, 3))
        ):
            name = math(rng.choice(["", "", "c_t", "c_t ⊙ h"])) if source.startswith("n") else ()
            wires.append(Wire(End(source), End(f"n{i}"), "data.value", name, stands_for=(source,)))
        pool.append(f"n{i}")
    going = []
    for i in range(states):
        going.append(Box(f"s{i}o", "state", (math(f"s{i}_t"),)))
        source = rng.choice(inner).id
        wires.append(Wire(End(source), End(f"s{i}o"), "data.value", stands_for=(source,)))
    read = {w.source.box for w in wires}
    for box in inner:
        if box.id not in read:
            going.append(Box(f"{box.id}o", "output", (math("y_t"),)))
            wires.append(Wire(End(box.id), End(f"{box.id}o"), "data.value", stands_for=(box.id,)))
    used = [b for b in coming if b.id in read]
    children: tuple[Box | Group, ...] = (*used, Group("cell", tuple(inner), "panel", plain("cell")), *going)
    return Figure("cell", "a random cell", Group("figure", children, arrangement="cell"), tuple(_with_highway(wires, states)))


def _with_highway(wires: list[Wire], states: int) -> list[Wire]:
    """The shortest way from the first state that has one to what it becomes is its highway."""
    for i in range(states):
        came: dict[str, int] = {}
        reached = [f"s{i}"]
        for at in reached:
            for n, wire in enumerate(wires):
                if wire.source.box == at and wire.target.box not in (*reached,):
                    came[wire.target.box] = n
                    reached.append(wire.target.box)
        at = f"s{i}o"
        if at in came:
            way = set()
            while at in came:
                way.add(came[at])
                at = wires[came[at]].source.box
            return [
                Wire(w.source, w.target, "state.value", w.label, stands_for=w.stands_for) if n in way else w
                for n, w in enumerate(wires)
            ]
    return wires


@pytest.mark.parametrize("seed", range(60))
def test_a_random_cell_is_drawn_without_a_defect_and_with_every_wire(seed: int) -> None:
    figure = random_cell(seed)
    drawing = lay_out(figure, THEME)
    assert lint(drawing, THEME) == ()
    lines = {line.id: line for line in drawing.lines}
    for i, wire in enumerate(figure.wires):
        line: Line = lines[f"wire/{i}"]
        assert (line.source, line.target) == (wire.source.box, wire.target.box)


def test_a_cell_of_forty_boxes_is_drawn_without_a_defect() -> None:
    figure = random_cell(3, most=40)
    assert len(figure.boxes) > 20
    assert lint(lay_out(figure, THEME), THEME) == ()


def test_the_same_cell_gives_the_same_drawing_whatever_the_hash_seed() -> None:
    code = (
        "from test_cell_layout import drawn, random_cell, THEME\nfrom netfig.layout import lay_out\n"
        "print(repr(drawn('gru')[1].items), repr(lay_out(random_cell(7), THEME).items))"
    )
    runs = [
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parent)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]
    assert len(runs[0]) > 1000


# --- on paper ------------------------------------------------------------------------------------------------------------------


def text_sizes(drawing: Drawing) -> list[float]:
    return sorted(run.size for label in drawing.labels for run in label.runs)


@pytest.mark.parametrize("name", ["lstm", "gru", "mgu", "lstm-peephole"])
def test_a_cell_of_the_library_is_no_larger_than_a_page(name: str) -> None:
    _, drawing = drawn(name)
    assert drawing.width <= 520
    assert drawing.height <= 680


def test_a_cell_that_is_wider_than_the_paper_comes_closer_together_and_its_text_keeps_its_size() -> None:
    figure, wide = drawn("gru")
    narrow = lay_out(figure, THEME, width=430.0)
    assert narrow.width <= 430 < wide.width
    assert text_sizes(narrow) == text_sizes(wide)
    assert lint(narrow, THEME) == ()


def head_of(line: Line) -> tuple[float, float, float, float]:
    """What the head of a wire covers; heads are level or upright, and 0.7 times as broad as long."""
    length = THEME.role(line.role).head
    (a, b), (c, d) = line.points[-2:]
    part = length / (abs(a - c) + abs(b - d))
    e, f = c + (a - c) * part, d + (b - d) * part
    x, y = (0.0, 0.35 * length) if b == d else (0.35 * length, 0.0)
    return min(c, e) - x, min(d, f) - y, max(c, e) + x, max(d, f) + y


@pytest.mark.parametrize("name", ALL)
def test_no_name_comes_near_the_head_of_a_wire(name: str) -> None:
    _, drawing = drawn(name)
    heads = [head_of(line) for line in drawing.lines if line.head]
    for label in drawing.labels:
        if label.id.startswith("wire/"):
            a, b, c, d = label.bounds
            assert all(hypot(max(a - g, e - c, 0), max(b - h, f - d, 0)) >= 2.5 for e, f, g, h in heads), label.text
