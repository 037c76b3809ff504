"""The grid: exact rows and columns, straight wires between neighbours, lanes for others, chips centred on their stretch."""

from __future__ import annotations

import dataclasses
import itertools

import pytest

from netfig.drawing import Drawing, Line, Shape
from netfig.errors import InvalidGraph
from netfig.figure import Box, Chip, End, Figure, Group, Wire
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.mathtext import math, plain
from netfig.theme import load_theme

LIGHT = load_theme("light")


def chip(name: str) -> Chip:
    return Chip(name, math(name))


def box(id: str, column: int, row: int, role: str = "state", **more: object) -> Box:
    return Box(id, role, (math(id),), place=(column, row), **more)  # type: ignore[arg-type]


def wire(source: str, target: str, *weights: str, **more: object) -> Wire:
    return Wire(End(source), End(target), chips=tuple(map(chip, weights)), **more)  # type: ignore[arg-type]


def grid(boxes: list[Box], wires: list[Wire], **more: object) -> Figure:
    return Figure("grid", "a grid", Group("all", tuple(boxes), arrangement="grid", **more), tuple(wires))  # type: ignore[arg-type]


def chain(steps: int = 3) -> Figure:
    boxes = [box("h_0", 0, 1, marks=("initial",))]
    wires = []
    for t in range(1, steps + 1):
        boxes += [box(f"x_{t}", t, 0, "input"), box(f"h_{t}", t, 1), box(f"y_{t}", t, 2, "output")]
        wires += [wire(f"x_{t}", f"h_{t}", "W_xh"), wire(f"h_{t - 1}", f"h_{t}", "W_hh"), wire(f"h_{t}", f"y_{t}", "W_hy")]
    names = ((plain("input"),), (plain("hidden state"),), (plain("output"),))
    return grid(boxes, wires, row_names=names, column_names=((), *(math(f"t = {t}") for t in range(1, steps + 1))))


def lanes() -> Figure:
    figure = chain()
    more = [wire("h_1", "h_3", "U"), wire("y_1", "h_2", "V"), wire("h_0", "h_2", "U"), wire("x_1", "y_1", "S")]
    return Figure("lanes", "lanes", figure.root, (*figure.wires, *more))


def shapes(drawing: Drawing) -> dict[str, Shape]:
    return {s.id: s for s in drawing.shapes if not s.part}


def middle(shape: Shape) -> tuple[float, float]:
    a, b, c, d = shape.bounds
    return round((a + c) / 2, 2), round((b + d) / 2, 2)


def pieces(drawing: Drawing, source: str, target: str) -> list[Line]:
    """The lines of one wire, from box to box through its chips."""
    found, at = [], source
    while at != target:
        line = next(
            one for one in drawing.lines if one.source == at and (one.target == target or one.target.startswith("wire/"))
            and one not in found and _leads(drawing, one, target)
        )  # fmt: skip
        found.append(line)
        at = line.target
    return found


def _leads(drawing: Drawing, line: Line, target: str) -> bool:
    while line.target.startswith("wire/"):
        line = next(one for one in drawing.lines if one.source == line.target)
    return line.target == target


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize("make", [chain, lanes])
def test_a_grid_lints_clean(make: object, theme: str) -> None:
    paints = load_theme(theme)
    assert not lint(lay_out(make(), paints), paints)  # type: ignore[operator]


@pytest.mark.parametrize("make", [chain, lanes])
def test_rows_and_columns_line_up_exactly_and_rows_go_up(make: object) -> None:
    figure = make()  # type: ignore[operator]
    at = {id: middle(shape) for id, shape in shapes(lay_out(figure, LIGHT)).items()}
    for a, b in itertools.combinations(figure.boxes.values(), 2):
        assert (at[a.id][0] == at[b.id][0]) == (a.place[0] == b.place[0])  # type: ignore[index]
        assert (at[a.id][1] == at[b.id][1]) == (a.place[1] == b.place[1])  # type: ignore[index]
    assert at["x_1"][1] > at["h_1"][1] > at["y_1"][1]
    assert at["h_0"][0] < at["h_1"][0] < at["h_2"][0]


def test_one_kind_has_one_size_and_steps_are_equally_far_apart() -> None:
    found = shapes(lay_out(chain(4), LIGHT))
    sizes = {(s.bounds[2] - s.bounds[0], s.bounds[3] - s.bounds[1]) for id, s in found.items() if id[1] == "_"}
    assert len({(round(w, 1), round(h, 1)) for w, h in sizes}) == 1
    xs = [middle(found[f"h_{t}"])[0] for t in range(1, 5)]
    assert len({round(b - a, 1) for a, b in itertools.pairwise(xs)}) == 1


def test_wires_between_neighbours_are_straight_with_the_chip_in_their_middle() -> None:
    drawing = lay_out(chain(), LIGHT)
    found = shapes(drawing)
    for source, target, axis in (("h_1", "h_2", 0), ("x_2", "h_2", 1), ("h_2", "y_2", 1)):
        first, last = pieces(drawing, source, target)
        assert len(first.points) == len(last.points) == 2
        ends = first.points[0][axis], last.points[-1][axis]
        assert middle(found[first.target])[axis] == pytest.approx(sum(ends) / 2, abs=0.02)
        assert first.points[0][1 - axis] == last.points[-1][1 - axis]


def test_a_wire_through_a_chip_has_one_head_and_that_after_the_chip() -> None:
    drawing = lay_out(lanes(), LIGHT)
    for source, target in (("h_1", "h_2"), ("h_1", "h_3"), ("y_1", "h_2"), ("x_1", "y_1")):
        parts = pieces(drawing, source, target)
        assert [part.head for part in parts] == [False] * (len(parts) - 1) + [True]


def test_every_chip_has_one_size() -> None:
    found = [s for s in lay_out(lanes(), LIGHT).shapes if s.role == "weight"]
    assert len({(round(s.bounds[2] - s.bounds[0], 1), round(s.bounds[3] - s.bounds[1], 1)) for s in found}) == 1


def test_a_wire_past_a_box_takes_a_lane_with_rounded_corners() -> None:
    drawing = lay_out(lanes(), LIGHT)
    found = shapes(drawing)
    points = [p for line in pieces(drawing, "h_1", "h_3") for p in line.points]
    assert min(y for _, y in points) < found["h_2"].bounds[1] - 8
    assert all(a[0] == b[0] or a[1] == b[1] for line in drawing.lines for a, b in itertools.pairwise(line.points))
    assert all(line.radius >= 6 for line in drawing.lines if len(line.points) > 2)


def test_a_value_that_goes_to_several_leaves_in_one_trunk_with_a_dot() -> None:
    figure = grid(
        [box("c", 0, 0), *(box(f"s_{t}", t, 1) for t in (1, 2, 3))],
        [Wire(End("c", side="right"), End(f"s_{t}", side="bottom"), chips=(chip("C"),), stands_for=("c",)) for t in (1, 2, 3)],
    )
    drawing = lay_out(figure, LIGHT)
    assert not lint(drawing, LIGHT)
    dots = [s for s in drawing.shapes if s.part == "junction"]
    assert len(dots) == 2
    assert len([line for line in drawing.lines if line.source == "c"]) == 1
    assert len([s for s in drawing.shapes if s.role == "weight"]) == 1  # applied once, for all


def test_other_weights_on_the_same_value_sit_behind_the_fork() -> None:
    figure = grid(
        [box("h", 0, 0), box("a", 1, 0), box("b", 2, 0), box("c", 3, 0)],
        [Wire(End("h"), End(t), chips=(chip(w),), stands_for=("h",)) for t, w in (("a", "A"), ("b", "B"), ("c", "C"))],
    )
    drawing = lay_out(figure, LIGHT)
    assert not lint(drawing, LIGHT)
    assert len([s for s in drawing.shapes if s.role == "weight"]) == 3


def test_a_box_over_several_rows_has_a_lane_at_each() -> None:
    cells = [Box(f"cell{t}", "state", (plain("LSTM"),), place=(t, 1), span=(1, 2)) for t in (1, 2)]
    figure = grid(
        [box("x", 1, 0, "input"), *cells],
        [
            wire("x", "cell1", "W"),
            *(Wire(End("cell1", n, lane=k), End("cell2", lane=k), label=math(n)) for k, n in enumerate(("h_1", "c_1"))),
        ],
    )
    drawing = lay_out(figure, LIGHT)
    assert not lint(drawing, LIGHT)
    ys = {line.points[0][1] for line in drawing.lines if line.source == "cell1"}
    assert len(ys) == 2
    assert {"h1", "c1"} <= {label.text for label in drawing.labels}


def test_an_initial_box_is_dashed_and_white() -> None:
    found = shapes(lay_out(chain(), LIGHT))
    assert found["h_0"].dashed
    assert found["h_0"].tone == "page"
    assert not found["h_1"].dashed


def test_row_names_stand_left_of_everything_and_column_names_below() -> None:
    drawing = lay_out(chain(), LIGHT)
    found = shapes(drawing)
    names = {label.text: label.bounds for label in drawing.labels if label.id.startswith(("row/", "column/"))}
    assert max(b[2] for text, b in names.items() if text in ("input", "hidden state", "output")) < found["h_0"].bounds[0]
    assert all(b[1] > found["x_1"].bounds[3] for text, b in names.items() if text.startswith("t"))


def test_dots_have_no_outline_and_the_wire_into_them_no_head() -> None:
    figure = chain()
    boxes = [*figure.root.children, Box("dots", "ellipsis", (), place=(4, 1))]
    figure = grid(boxes, [*figure.wires, wire("h_3", "dots", "W_hh", head=False)])  # type: ignore[arg-type]
    drawing = lay_out(figure, LIGHT)
    assert not lint(drawing, LIGHT)
    assert not shapes(drawing)["dots"].outlined
    assert len([s for s in drawing.shapes if s.part == "dot"]) == 3
    assert not any(part.head for part in pieces(drawing, "h_3", "dots"))


def test_boxes_without_a_place_or_in_one_place_are_no_grid() -> None:
    with pytest.raises(InvalidGraph, match="no grid") as caught:
        lay_out(grid([box("a", 0, 0), box("b", 0, 0), Box("c", "state", (math("c"),))], []), LIGHT)
    assert "both stand in column 0, row 0" in str(caught.value)
    assert "'c' has no place" in str(caught.value)


def test_three_steps_print_in_the_column_of_a_paper_with_text_of_nine_points() -> None:
    drawing = lay_out(chain(), LIGHT, width=234)
    assert drawing.scale * drawing.width <= 234
    assert not lint(drawing, LIGHT)  # among the rules: no text under nine points
    assert {f"h_{n}" for n in range(4)} <= shapes(drawing).keys()


def test_the_narrow_form_says_what_the_rows_are() -> None:
    drawing = lay_out(chain(), LIGHT, width=234)
    words = " ".join(label.text for label in drawing.labels)
    assert all(word in words for word in ("input", "hidden", "state", "output"))


def test_what_is_too_long_for_the_printed_width_is_made_smaller() -> None:
    drawing = lay_out(chain(12), LIGHT, width=234)
    assert drawing.scale * drawing.width == pytest.approx(234, abs=0.1)


def test_chips_are_lower_than_the_boxes_and_hold_what_hangs_below_the_line() -> None:
    drawing = lay_out(chain(), LIGHT)
    found = shapes(drawing)
    heights = {s.bounds[3] - s.bounds[1] for s in found.values() if "/chip" in s.id}
    assert len(heights) == 1
    assert max(heights) <= 24 < min(s.bounds[3] - s.bounds[1] for s in found.values() if s.id.startswith(("h_", "x_")))
    assert not lint(drawing, LIGHT)


@pytest.mark.parametrize("count", [2, 3, 4])
def test_weights_on_wires_side_by_side_have_room(count: int) -> None:
    boxes = [box(f"a_{n}", 0, n) for n in range(count)] + [box("b", 1, 0), box("c", 2, count)]
    wires = [wire(f"a_{n}", "b", f"U_{n}") for n in range(count)] + [wire(f"a_{n}", "c", f"V_{n}", "Q") for n in range(count)]
    drawing = lay_out(grid(boxes, [*wires, wire("b", "c", "P")]), LIGHT)
    assert not lint(drawing, LIGHT)
    assert len([s for s in drawing.shapes if "/chip" in s.id and not s.part]) == 3 * count + 1


def test_many_lanes_run_alike_at_every_step() -> None:
    """The way from x past h to y takes the same heights at each of eight steps."""
    figure = chain(8)
    more = [wire(f"x_{t}", f"y_{t}", "S") for t in range(1, 9)]
    drawing = lay_out(dataclasses.replace(figure, wires=(*figure.wires, *more)), LIGHT)
    assert not lint(drawing, LIGHT)
    heights = {tuple(y for line in pieces(drawing, f"x_{t}", f"y_{t}") for _, y in line.points) for t in range(2, 8)}
    assert len(heights) == 1


def test_the_same_figure_gives_the_same_drawing() -> None:
    assert lay_out(lanes(), LIGHT) == lay_out(lanes(), LIGHT)


def test_what_is_little_wider_than_a_page_stands_closer_together_in_text_of_the_same_size() -> None:
    usual, closer = (lay_out(chain(steps), LIGHT) for steps in (2, 3))
    assert max(usual.width, closer.width) <= 520
    sizes = [{run.size for label in drawing.labels for run in label.runs} for drawing in (usual, closer)]
    assert sizes[0] == sizes[1]
    assert not lint(closer, LIGHT)


def test_what_is_much_wider_than_a_page_keeps_its_usual_gaps() -> None:
    drawing = lay_out(chain(12), LIGHT)
    assert drawing.width > 520
    inputs = sorted((s.bounds[0], s.bounds[2]) for s in drawing.shapes if s.id.startswith("x_"))
    assert min(b[0] - a[1] for a, b in itertools.pairwise(inputs)) >= 59.9


def test_a_fork_has_the_colour_of_the_trunk() -> None:
    boxes = [box("a", 0, 0), box("b", 1, 1), box("c", 1, 0)]
    figure = grid(boxes, [wire("a", "b", role="memory", emphasis="strong"), wire("a", "c")])
    dots = [s for s in lay_out(figure, LIGHT).shapes if s.part == "junction"]
    assert [dot.role for dot in dots] == ["memory.strong"]


def cells(*, chips: bool = True, **wide: object) -> Figure:
    """Three cells, the name of what goes from one to the next on a wire with a weight; dots behind the last."""
    boxes = [box(f"C_{t}", t, 0) for t in range(3)] + [Box("dots", "ellipsis", (), place=(3, 0))]
    wires = [wire(f"C_{t}", f"C_{t + 1}", *(("W",) if chips else ()), label=math(f"h_{t}")) for t in range(2)]
    return grid(boxes, [*wires, wire("C_2", "dots", head=False)], **wide)


@pytest.mark.parametrize("width", [None, 234.0, 190.0])
def test_the_name_of_what_goes_into_a_weight_stands_before_it(width: float | None) -> None:
    drawing = lay_out(cells(), LIGHT, width=width)
    assert not [found for found in lint(drawing, LIGHT) if found.rule != "small-text"]
    for n in range(2):
        name = next(label for label in drawing.labels if label.id == f"wire/{n}/label")
        assert name.bounds[2] <= shapes(drawing)[f"wire/{n}/chip0"].bounds[0]
        assert name.bounds[0] >= shapes(drawing)[f"C_{n}"].bounds[2]


def test_a_name_that_one_of_several_wires_has_stands_behind_the_dot_where_the_others_leave() -> None:
    boxes = [box("h", 0, 0), box("a", 1, 1), box("b", 2, 1)]
    drawing = lay_out(grid(boxes, [wire("h", "a", "U"), wire("h", "b", "W", label=math("k"))]), LIGHT)
    dot = next(s for s in drawing.shapes if s.part == "junction")
    name = next(label for label in drawing.labels if label.id == "wire/1/label")
    past = [line for line in drawing.lines if line.id.startswith("wire/1")]
    x, y = (name.bounds[0] + name.bounds[2]) / 2, (name.bounds[1] + name.bounds[3]) / 2

    def away(line: Line) -> float:
        return min(
            abs(x - min(max(x, min(a, c)), max(a, c))) + abs(y - min(max(y, min(b, d)), max(b, d)))
            for (a, b), (c, d) in itertools.pairwise(line.points)
        )

    trunk = next(line for line in drawing.lines if line.points[0] == past[0].points[0] or line.source == "h")
    start = trunk.points[0]
    before = abs(x - start[0]) + abs(y - start[1]) < abs(middle(dot)[0] - start[0]) + abs(middle(dot)[1] - start[1])
    assert min(map(away, past)) < 15
    assert not before


@pytest.mark.parametrize("width", [None, 234.0, 150.0])
@pytest.mark.parametrize("both", [False, True])
def test_wires_end_well_before_the_first_of_three_dots(width: float | None, both: bool) -> None:
    boxes = [box("a", 0, 0), Box("dots", "ellipsis", (), place=(1, 0)), *([box("b", 2, 0)] if both else [])]
    wires = [wire("a", "dots", head=False), *([wire("dots", "b")] if both else [])]
    drawing = lay_out(grid(boxes, wires), LIGHT, width=width)
    dots = sorted(s.bounds for s in drawing.shapes if s.part == "dot")
    assert dots[0][0] - next(line for line in drawing.lines if line.id == "wire/0").points[-1][0] >= 3.8
    if both:
        assert next(line for line in drawing.lines if line.id == "wire/1").points[0][0] - dots[2][2] >= 3.8
    assert all(b[0] - a[2] > 1.5 for a, b in itertools.pairwise(dots))
