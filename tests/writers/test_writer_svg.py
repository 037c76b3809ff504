"""SVG: well-formed, self-contained, named by the graph's ids, and exactly the drawing."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from writer_drawings import HOSTILE, box, hostile, label, sample

from netfig.drawing import Drawing, Line, Shape
from netfig.mathtext import math, plain
from netfig.theme import load_theme
from netfig.writers import svg
from netfig.writers.options import SvgOptions

NS = {"s": "http://www.w3.org/2000/svg"}
LIGHT = load_theme("light")
THEMES = ["light", "dark", "print"]


def tree(drawing: Drawing, theme=LIGHT, **options) -> ET.Element:
    return ET.fromstring(svg.write(drawing, theme, SvgOptions(**options)))


def drawing(*items, width=300.0, height=200.0, **more) -> Drawing:
    return Drawing(width, height, tuple(items), "title", "alt", **more)


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("theme", ["light", "print"])
def test_any_name_gives_well_formed_xml(word, theme):
    root = tree(hostile(HOSTILE[word]), load_theme(theme))
    assert root.find("s:g", NS) is not None
    assert not root.findall(".//s:script", NS)


@pytest.mark.parametrize("word", HOSTILE)
def test_any_name_gives_unique_safe_ids(word):
    ids = [e.get("id") for e in tree(hostile(HOSTILE[word])).iter() if e.get("id") is not None]
    assert len(ids) == len(set(ids))
    assert all(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.-]*", i) for i in ids)


def test_markup_in_a_label_is_shown_as_typed():
    root = tree(hostile("<script>alert(1)</script>"))
    assert any("".join(t.itertext()) == "<script>alert(1)</script>" for t in root.findall(".//s:text", NS))


@pytest.mark.parametrize("theme", THEMES)
def test_the_file_refers_to_nothing_outside_and_runs_nothing(theme):
    source = svg.svg_text(sample(), load_theme(theme))
    assert not re.search(r"href|url\(|@import|<script|<style|<image|<use|\bon\w+=|var\(", source)
    assert source.count("http") == 1  # the namespace


def test_title_and_alt_text_are_what_a_screen_reader_is_told():
    root = tree(sample())
    title, desc = root.find("s:title", NS), root.find("s:desc", NS)
    assert (title.text, desc.text) == ("Sample figure", "An input goes through a convolution, a ReLU and a sum.")
    assert root.get("role") == "img"
    assert root.get("aria-labelledby").split() == [title.get("id"), desc.get("id")]


def test_a_box_is_one_group_with_its_text_its_tooltip_and_the_graph_ids():
    group = tree(sample()).find("s:g[@id='conv']", NS)
    assert group.get("data-id") == "conv"
    assert group.get("data-ids") == '["conv", "conv/conv2d"]'
    assert group.find("s:title", NS).text == "Conv2d(3, 16)"
    assert ["".join(t.itertext()) for t in group.findall("s:text", NS)] == ["Conv2d 3×3", "AVAT → 16×64×64"]


def test_a_label_listed_last_joins_its_box_but_one_that_would_be_covered_stays_on_top():
    a, cover, free = box("a", "layer", 20, 20, 100, 40), box("b", "state", 60, 30, 100, 40), box("c", "layer", 20, 120, 80, 30)
    text = label("a.t", plain("on both"), 80, 45, box="a")
    alone = label("c.t", plain("alone"), 60, 140, box="c")
    root = tree(drawing(a, free, cover, text, alone))
    assert root.find("s:g[@id='c']/s:text", NS).text == "alone"
    assert root.find("s:g[@id='a']/s:text", NS) is None
    assert root.findall("s:g", NS)[-1].find("s:text", NS).text == "on both"


def test_the_printed_size_is_the_drawing_size_times_its_scale():
    root = tree(drawing(box("a", "layer", 20, 20, 50, 30), width=360, height=144, scale=0.5))
    assert (float(root.get("width")), float(root.get("height"))) == (240, 96)  # 2.5 × 1 inch at 96 per inch
    assert root.get("viewBox") == "0 0 360 144"


def test_an_arrow_tip_is_exactly_the_last_point_and_the_wire_ends_before_it():
    root = tree(drawing(Line("w", "data", ((10, 10), (100, 10), (100, 80)))))
    corners = [tuple(map(float, p.split(","))) for p in root.find(".//s:polygon", NS).get("points").split()]
    assert corners[1] == (100, 80)
    assert corners[0][1] == corners[2][1] == 80 - LIGHT.role("data").head
    end = float(root.find(".//s:path", NS).get("d").rpartition(",")[2])
    assert 80 - LIGHT.role("data").head <= end < 80 - LIGHT.role("data").head / 2


def test_corners_are_quarter_circles_except_the_sharp_ones():
    line = Line("w", "data", ((10, 10), (100, 10), (100, 80), (200, 80)), radius=8, head=False, sharp=((100, 80),))
    d = tree(drawing(line)).find(".//s:path", NS).get("d")
    assert d == "M10,10L92,10C96.42,10 100,13.58 100,18L100,80L200,80"


def test_corners_on_a_short_stretch_share_it():
    line = Line("w", "data", ((10, 10), (50, 10), (50, 16), (90, 16)), radius=8, head=False)
    d = tree(drawing(line)).find(".//s:path", NS).get("d")
    assert d == "M10,10L47,10C48.66,10 50,11.34 50,13L50,13C50,14.66 51.34,16 53,16L90,16"


def test_scripts_have_a_size_and_a_place_of_their_own():
    root = tree(drawing(label("t", math("W_x^{(2)}"), 100, 100, 16)))
    base, sub, sup = root.findall(".//s:tspan", NS)
    assert float(sub.get("font-size")) < 16 > float(sup.get("font-size"))
    assert float(sub.get("y")) > 100 == float(base.get("y")) > float(sup.get("y"))
    assert "baseline-shift" not in ET.tostring(root, encoding="unicode")


@pytest.mark.parametrize(("align", "anchor"), [("left", None), ("center", "middle"), ("right", "end")])
def test_text_is_anchored_as_aligned_so_that_another_font_stays_in_place(align, anchor):
    text = tree(drawing(label("t", plain("words"), 100, 100, align=align))).find(".//s:text", NS)
    assert text.get("text-anchor") == anchor
    assert float(text.get("x")) == pytest.approx(100, abs=0.01)


def test_a_plate_lies_between_a_pattern_and_the_text_on_it():
    plate = Shape("t/plate", "rect", "layer", ((60, 32), (80, 48)), 2.0, tone="plate", outlined=False, box="a", part="plate")
    items = (box("a", "layer", 20, 20, 100, 40), plate, label("t", plain("W"), 70, 44, box="a"))
    parts = [e.tag.rpartition("}")[2] for e in tree(drawing(*items), load_theme("print")).find("s:g", NS)]
    assert parts == ["rect", "path", "rect", "rect", "text"]  # fill, hatching, outline, plate, text


def test_hatching_stays_inside_its_shape():
    theme = load_theme("print")
    root = tree(drawing(box("a", "attention", 21, 22, 87, 41, 0.0)), theme)
    numbers = [float(v) for v in re.findall(r"-?[\d.]+", root.find(".//s:path", NS).get("d"))]
    assert len(numbers) > 40
    assert all(21 <= x <= 108 for x in numbers[::2])
    assert all(22 <= y <= 63 for y in numbers[1::2])


def test_without_a_background_the_page_is_transparent():
    assert tree(drawing(), background=False).find("s:rect", NS) is None
    assert tree(drawing()).find("s:rect", NS).get("fill") == LIGHT.page


def test_an_id_prefix_keeps_figures_in_one_page_apart():
    ids = [e.get("id") for e in tree(sample(), id_prefix="fig1-").iter() if e.get("id")]
    assert ids
    assert all(i.startswith("fig1-") for i in ids)


def test_embedded_fonts_hold_the_characters_used():
    import base64
    import io

    from fontTools.ttLib import TTFont

    source = svg.svg_text(sample(), LIGHT, SvgOptions(embed_fonts=True))
    fonts = [TTFont(io.BytesIO(base64.b64decode(data))) for data in re.findall(r"base64,([A-Za-z0-9+/=]+)", source)]
    known = set().union(*(set(font.getBestCmap()) for font in fonts))
    used = {ord(c) for text in sample().labels for c in text.text}
    assert len(fonts) == len({run.face for text in sample().labels for run in text.runs})
    assert used <= known
    assert len(known) < 200


def test_a_font_name_from_a_theme_cannot_leave_its_attribute():
    import dataclasses

    theme = dataclasses.replace(LIGHT, sans=('Evil"><script>', "O'Neil", "sans-serif"))
    root = tree(sample(), theme)
    assert root.get("font-family") == "'Evilscript', 'ONeil', sans-serif"


@given(st.text(alphabet=st.characters(), max_size=40))
def test_whatever_the_characters_the_file_is_xml(text):
    tree(hostile(text))
