"""Every rule of the lint finds its defect in an otherwise clean drawing, and nothing else."""

from __future__ import annotations

import dataclasses
import time

import pytest

from netfig.drawing import Drawing, Glyphs, Label, Line, Shape
from netfig.layout.lint import RULES, contrast, lint
from netfig.layout.near import depth
from netfig.layout.text import set_line
from netfig.mathtext import plain
from netfig.theme import load_theme

THEME = load_theme("light")


def box(name, x, y, w=60.0, h=30.0, role="layer", **more):
    return Shape(name, "rect", role, ((x, y), (x + w, y + h)), radius=7, box=more.pop("box", name), **more)


def words(name, text, x, baseline, *, role="layer", size=12.0, **more):
    line = set_line(plain(text), size)
    left = x - line.width / 2
    runs = tuple(dataclasses.replace(r, x=r.x + left) for r in line.runs)
    bounds = (left, baseline - line.ascent, left + line.width, baseline + line.descent)
    return Label(name, role, runs, baseline, bounds, **more)


def wire(name, *points, source="a", target="b", **more):
    return Line(name, more.pop("role", "data"), points, source=source, target=target, **more)


def clean_items():
    return [
        Shape("p", "rect", "panel", ((10, 10), (390, 190)), radius=12, box="p"),
        box("a", 30, 40),
        box("b", 200, 40),
        box("c", 300, 120),
        wire("ab", (90, 55), (200, 55)),
        wire("ac", (130, 55), (130, 135), (300, 135), target="c", sharp=((130, 55),)),
        words("la", "conv", 60, 59, box="a", on="inside"),
        words("wire name", "3×64×64", 165, 48, role="data", size=10),
        words("title", "block", 60, 27, role="panel", size=11, box="p", on="inside"),
    ]


def found(items, theme=THEME, **page):
    size = {"width": 400, "height": 200, **page}
    return lint(Drawing(items=tuple(items), title="t", alt="t", **size), theme)


def rules(items, **page):
    return {f.rule for f in found(items, **page)}


def replaced(name, **change):
    return [dataclasses.replace(i, **change) if i.id == name else i for i in clean_items()]


def moved(label, dx=0.0, dy=0.0):
    left, top, right, bottom = label.bounds
    runs = tuple(dataclasses.replace(r, x=r.x + dx) for r in label.runs)
    bounds = (left + dx, top + dy, right + dx, bottom + dy)
    return dataclasses.replace(label, runs=runs, baseline=label.baseline + dy, bounds=bounds)


def test_a_clean_drawing_has_no_findings_in_any_theme():
    for name in ("light", "dark"):
        assert found(clean_items(), load_theme(name)) == ()


def label_of(name):
    return next(i for i in clean_items() if i.id == name)


DEFECTS = {
    "text-on-line": lambda: [*clean_items()[:-2], moved(label_of("wire name"), dy=5.5), label_of("title")],
    "text-on-text": lambda: [*clean_items(), words("more", "64", 180, 46, role="data", size=10)],
    "text-on-edge": lambda: [*clean_items(), words("near", "free", 60, 80, role="text.secondary", size=12)],
    "text-over-box": lambda: [*clean_items(), words("over", "x", 330, 140, role="text", size=12)],
    "text-outside-box": lambda: [*(i for i in clean_items() if i.id != "la"), moved(label_of("la"), dy=10.5)],
    "text-bounds": lambda: replaced("la", bounds=(50, 50, 55, 60)),
    "small-text": lambda: [*clean_items(), words("tiny", "tiny", 330, 105, role="text.secondary", size=8)],
    "wire-through-box": lambda: [*clean_items(), wire("far", (60, 70), (60, 150), (380, 150), target="p", head=False)],
    "wire-on-edge": lambda: [*clean_items(), wire("down", (30, 62), (30, 48), (20, 48), target="p", head=False)],
    "head-misses": lambda: replaced("ab", points=((90, 55), (195, 55))),
    "tail-misses": lambda: [*clean_items(), wire("gap", (100, 65), (200, 65))],
    "shared-stretch": lambda: [*clean_items(), wire("again", (130, 90), (130, 105), (100, 105), head=False)],
    "zero-length": lambda: [*clean_items(), wire("none", (90, 65), (90, 65), head=False)],
    "short-head": lambda: replaced("ac", points=((130, 55), (130, 115), (295, 115), (295, 135), (300, 135))),
    "box-overlap": lambda: [*clean_items(), box("d", 320, 140, role="pool")],
    "off-page": lambda: [*clean_items(), words("out", "out", 396, 100, role="text.secondary", size=10)],
    "duplicate-id": lambda: [*clean_items(), box("a", 30, 120, box="e")],
    "low-contrast": lambda: [*clean_items(), words("pale", "pale", 330, 139, role="panel", box="c", on="inside")],
    "text-on-pattern": lambda: clean_items(),
}
PAGES = {"off-page": {"width": 400}}


def test_every_rule_has_a_defect_here():
    assert set(DEFECTS) == set(RULES)


@pytest.mark.parametrize("rule", [r for r in DEFECTS if r not in ("text-on-pattern", "low-contrast")])
def test_a_rule_finds_its_defect_and_only_that(rule):
    assert rules(DEFECTS[rule]()) == ({rule, "text-on-edge"} if rule == "off-page" else {rule})


def test_words_on_a_pattern_need_a_plate():
    theme = load_theme("print")
    assert {f.rule for f in found(clean_items(), theme)} == {"text-on-pattern"}
    label = label_of("la")
    left, top, right, bottom = label.bounds
    plate = Shape("plate", "rect", "layer", ((left - 1, top - 1), (right + 1, bottom + 1)), tone="plate", outlined=False, box="a")
    items = clean_items()
    assert found([*items[:6], plate, *items[6:]], theme) == ()


def test_pale_words_and_pale_strokes_are_found():
    roles = {**THEME.roles, "layer": dataclasses.replace(THEME.roles["layer"], text="#8F5A00", stroke="#D0C0A0")}
    pale = found(clean_items(), dataclasses.replace(THEME, roles=roles))
    assert {(f.rule, f.items) for f in pale} == {("low-contrast", (i,)) for i in ("la", "a", "b", "c")}


def test_contrast_is_that_of_the_wcag_examples():
    """Known pairs: black on white 21, #767676 on white 4.54 (the usual least grey)."""
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#767676", "#FFFFFF") == pytest.approx(4.54, abs=0.01)


def test_text_that_is_large_enough_on_the_page_may_be_too_small_in_print():
    assert rules(clean_items()) == set()
    assert rules(clean_items(), scale=0.8) == {"small-text"}


@pytest.mark.parametrize(
    "outline",
    [
        Shape("b", "ellipse", "op", ((200, 40), (230, 70)), box="b"),
        Shape("b", "rect", "activation", ((200, 40), (260, 70)), radius=15, box="b"),
        Shape("b", "polygon", "op", ((200, 55), (215, 40), (230, 55), (215, 70)), box="b"),
    ],
)
def test_a_head_may_end_on_any_outline(outline):
    def drawn(x):
        return [box("a", 30, 40), outline, wire("ab", (90, 55), (x, 55))]

    assert rules(drawn(200)) == set()
    assert "head-misses" in rules(drawn(196))
    assert "head-misses" in rules(drawn(205))


def test_a_head_that_leaves_its_target_misses():
    items = [
        box("a", 30, 40),
        box("b", 200, 40),
        wire("ab", (60, 40), (60, 20), (230, 20), (230, 30), (180, 30), (180, 55), (200, 55)),
    ]
    assert rules(items) == set()
    items[-1] = dataclasses.replace(items[-1], points=((90, 55), (150, 55), (150, 20), (280, 20), (280, 55), (260, 55)))
    assert rules(items) == set()
    items[-1] = dataclasses.replace(items[-1], points=((90, 55), (260, 55)))
    assert "head-misses" in rules(items)


def test_a_wire_into_a_panel_is_not_foreign_but_one_through_a_sibling_panel_is():
    inner = Shape("q", "rect", "panel", ((190, 30), (270, 80)), radius=8, box="q")
    items = clean_items()
    assert found([items[0], inner, *items[1:]]) == ()
    other = Shape("q", "rect", "panel", ((180, 100), (280, 180)), radius=8, box="q")
    assert rules([items[0], other, *items[1:]]) == {"wire-through-box"}


@pytest.mark.parametrize(
    ("point", "deep"),
    [
        ((50, 5), 5.0),
        ((50, 30), 30.0),
        ((97, 30), 3.0),
        ((6, 20), 6.0),
        ((20, 20), 20.0),
        ((0, 0), 20 - 800**0.5),
        ((50, -4), -4.0),
    ],
)
def test_how_deep_a_point_lies_in_a_rounded_box_is_measured_to_its_sides_and_arcs(point, deep):
    box = Shape("a", "rect", "op", ((0.0, 0.0), (100.0, 60.0)), 20.0)
    assert depth(box, point) == pytest.approx(deep)


def test_findings_say_where_and_which():
    (only,) = found(DEFECTS["head-misses"]())
    assert only.items == ("ab",)
    assert only.where == (195, 55)
    assert "'b'" in only.message


def test_two_thousand_boxes_are_judged_in_seconds():
    def chain(count):
        items = []
        for n in range(count):
            x, y = 100.0 * (n % 40), 60.0 * (n // 40)
            items.append(box(f"b{n}", 20 + x, 20 + y))
            items.append(words(f"l{n}", "conv", 50 + x, 39 + y, box=f"b{n}", on="inside"))
            if n % 40:
                items.append(wire(f"w{n}", (x - 20, 35 + y), (20 + x, 35 + y), source=f"b{n - 1}", target=f"b{n}"))
        return items

    def seconds(count):
        items = chain(count)
        start = time.process_time()
        assert found(items, width=4100, height=60 * count / 40 + 40) == ()
        return time.process_time() - start

    seconds(100)
    small, large = seconds(500), seconds(2000)
    assert large < 12
    assert large < 9 * small  # four times the boxes: 16 would be quadratic


def test_a_label_without_a_drawn_box_is_found():
    lost = Label("l", "text", (Glyphs("x", "sans", 12, 5, 0, 6),), 20, (5, 12, 11, 20), box="gone", on="inside")
    assert rules([lost]) == {"text-outside-box"}
