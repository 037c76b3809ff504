"""Boxes that stand beside their reader, and what a panel says at the other end of its title line."""

from __future__ import annotations

import figures
import pytest

from netfig.drawing import Drawing, Shape
from netfig.figure import Direction, Figure
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.layout.structure import besides, lift
from netfig.mathtext import plain
from netfig.theme import load_theme

THEME = load_theme("light")
DIRECTIONS: tuple[Direction, ...] = ("right", "down", "up")


def found(figure: Figure) -> dict[str, dict[str, int]]:
    return besides({child.id: child for child in figure.root.children}, lift(figure)["root"])


def with_noise(*more: figures.Wire, skip: bool = False) -> Figure:
    boxes = [figures.tensor("x", "x"), figures.box("scale"), figures.box("noise", role="op.box"), figures.op("mul", "⊙")]
    wires = [*figures.path("x", "scale", "mul", "y"), figures.wire("noise", "mul"), *more]
    wires += [figures.wire("x", "mul", "skip")] if skip else []
    return figures.figure([*boxes, figures.tensor("y", "y", "output")], wires)


def middle(drawing: Drawing, id: str) -> tuple[float, float]:
    shape: Shape = next(s for s in drawing.shapes if s.id == id)
    a, b, c, d = shape.bounds
    return (a + c) / 2, (b + d) / 2


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("skip", [False, True])
def test_a_box_nothing_enters_stands_level_with_the_one_that_reads_it(direction: Direction, skip: bool) -> None:
    drawing = lay_out(with_noise(skip=skip), THEME, direction=direction)
    along = 0 if direction == "right" else 1
    assert middle(drawing, "noise")[along] == pytest.approx(middle(drawing, "mul")[along], abs=0.02)
    line = next(line for line in drawing.lines if line.source == "noise")
    assert len(line.points) == 2
    assert lint(drawing, THEME) == ()


def test_it_stands_on_the_side_where_no_skip_lands() -> None:
    assert found(with_noise()) == {"mul": {"noise": -1}}
    assert found(with_noise(skip=True)) == {"mul": {"noise": 1}}


def test_inputs_that_are_all_alike_stand_before_their_reader() -> None:
    boxes = [figures.tensor("a", "a"), figures.tensor("b", "b"), figures.op("add"), figures.tensor("y", "y", "output")]
    assert found(figures.figure(list(boxes), [*figures.path("a", "add", "y"), figures.wire("b", "add")])) == {}


def test_a_box_that_two_others_read_stands_before_both() -> None:
    assert found(with_noise(figures.wire("noise", "y"))) == {}


def test_a_box_whose_value_enters_twice_stands_before_its_reader() -> None:
    assert found(with_noise(figures.wire("noise", "mul", slot="other"))) == {}


def test_a_loop_is_no_way_in_from_before() -> None:
    boxes = [figures.tensor("x", "x"), figures.box("cell"), figures.box("delay"), figures.tensor("y", "y", "output")]
    wires = [*figures.path("x", "cell", "delay", "y"), figures.wire("delay", "cell", "state")]
    assert found(figures.figure(list(boxes), wires)) == {}


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_the_detail_of_a_panel_ends_its_title_line(direction: Direction) -> None:
    panel = figures.panel("p", [figures.box("a"), figures.box("b")], "encoder", detail=plain("Transformer, 1,204 parameters"))
    figure = figures.figure(
        [figures.tensor("x", "x"), panel, figures.tensor("y", "y", "output")], figures.path("x", "a", "b", "y")
    )
    drawing = lay_out(figure, THEME, direction=direction)
    title, detail = (next(label for label in drawing.labels if label.id == f"p/{word}") for word in ("title", "detail"))
    outline = next(s for s in drawing.shapes if s.id == "p").bounds
    assert title.baseline == detail.baseline
    assert title.bounds[2] + 8 <= detail.bounds[0]
    assert outline[2] - detail.bounds[2] == pytest.approx(title.bounds[0] - outline[0], abs=0.02)
    assert lint(drawing, THEME) == ()


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_words_on_a_pattern_have_a_plate_behind_them(direction: Direction) -> None:
    theme = load_theme("print")
    drawing = lay_out(figures.encoder(), theme, direction=direction)
    items = list(drawing.items)
    plates = [s for s in drawing.shapes if s.tone == "plate"]
    assert plates
    for plate in plates:
        label = items[items.index(plate) + 1]
        assert plate.box == label.box  # type: ignore[union-attr]
        assert plate.bounds[0] < label.bounds[0] < label.bounds[2] < plate.bounds[2]  # type: ignore[union-attr]
    assert lint(drawing, theme) == ()
    assert not [s for s in lay_out(figures.encoder(), THEME, direction=direction).shapes if s.tone == "plate"]
