"""DOT: any Graphviz draws the same picture from it with ``neato -n2``. The engines themselves are the witnesses."""

from __future__ import annotations

import io
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from PIL import Image, ImageFilter
from writer_drawings import HOSTILE, box, hostile, label, sample

from netfig.drawing import Drawing, Line
from netfig.layout.engine import run_dot
from netfig.mathtext import math, plain, strong
from netfig.theme import load_theme
from netfig.writers import dot, png
from netfig.writers.options import DotOptions

LIGHT = load_theme("light")
ENGINES = ["embedded", pytest.param("system", marks=pytest.mark.skipif(not shutil.which("neato"), reason="no system Graphviz"))]


def source(drawing: Drawing, theme=LIGHT, **options) -> str:
    return dot.write(drawing, theme, DotOptions(**options)).decode()


def drawn(text: str, form: str, engine: str = "embedded", *more: str) -> bytes:
    if engine == "embedded":
        return run_dot(text, ["-Kneato", "-n2", f"-T{form}", *more])
    done = subprocess.run(["neato", "-n2", f"-T{form}", *more], input=text.encode(), capture_output=True, timeout=60, check=True)
    return done.stdout


class Read:
    """What an engine made of our DOT, in the drawing's coordinates."""

    def __init__(self, drawing: Drawing, engine: str, theme=LIGHT) -> None:
        data = json.loads(drawn(source(drawing, theme), "json", engine))
        self.height = drawing.height
        self.page = [float(v) for v in data["bb"].split(",")]
        self.nodes = {o["name"]: o for o in data["objects"]}
        self.edges = data.get("edges", [])
        self.names = {o["_gvid"]: o["name"] for o in data["objects"]}

    def bounds(self, name: str) -> tuple[float, ...]:
        node = self.nodes[name]
        x, y = map(float, node["pos"].split(","))
        w, h = float(node["width"]) * 36, float(node["height"]) * 36
        return x - w, self.height - y - h, x + w, self.height - y + h


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("theme", ["light", "print"])
def test_every_box_is_a_node_of_its_place_and_size(engine, theme):
    read = Read(sample(), engine, load_theme(theme))
    boxes = [s for s in sample().shapes if s.box and s.part == "" and s.kind != "polygon" and s.box != "panel"]
    assert len(boxes) == 8
    for shape in boxes:
        assert read.bounds(shape.box) == pytest.approx(shape.bounds, abs=1.1)


@pytest.mark.parametrize("engine", ENGINES)
def test_every_wire_is_an_edge_between_its_boxes_with_its_ends(engine):
    read = Read(sample(), engine)
    wires = [line for line in sample().lines if line.source]
    assert len(wires) == len(read.edges) == 7
    edges = {(read.names[edge["tail"]], read.names[edge["head"]]): edge for edge in read.edges}
    for line in wires:
        edge = edges[line.source, line.target]
        found = re.match(r"e,([\d.]+),([\d.]+) ([\d.]+),([\d.]+)", edge["pos"])
        tip_x, tip_y, start_x, start_y = map(float, found.groups())
        assert (tip_x, read.height - tip_y) == pytest.approx(line.points[-1], abs=1.6)
        assert (start_x, read.height - start_y) == pytest.approx(line.points[0], abs=1.1)


@pytest.mark.parametrize("engine", ENGINES)
def test_the_page_keeps_its_size(engine):
    assert Read(sample(), engine).page == pytest.approx([0, 0, 680, 215], abs=1.1)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_the_picture_is_that_of_our_png(engine, theme):
    style = load_theme(theme)
    svg = drawn(source(sample(), style), "svg", engine).decode()
    theirs = softened(png.render_svg(svg.replace('stroke="transparent"', 'stroke="none"'), 1.5))
    ours = softened(png.png_of(sample(), style, 1.5))
    height, width = min(ours.shape[0], theirs.shape[0]), min(ours.shape[1], theirs.shape[1])
    assert ours.shape[1] - width < 6
    difference = np.abs(ours[:height, :width] - theirs[:height, :width]).mean()
    moved = np.abs(ours[:, 6:] - ours[:, :-6]).mean()
    assert difference < 2.0
    assert difference < 0.45 * moved  # what a picture four points off would give


def softened(data: bytes) -> np.ndarray:
    """Pixels blurred over about a point, so that the engines' half-point roundings do not count."""
    picture = Image.open(io.BytesIO(data)).convert("RGB").filter(ImageFilter.GaussianBlur(2))
    return np.asarray(picture).astype(float)


@pytest.mark.parametrize("engine", ENGINES)
def test_text_stands_on_its_baseline(engine):
    drawing = Drawing(300, 120, (label("a", plain("words"), 80, 60, 16), label("b", math("h"), 180, 60, 16)), "t", "a")
    text = drawn(source(drawing), "svg", engine).decode()
    shift = float(re.search(r"translate\(([\d.]+) ([\d.]+)\)", text)[2])
    found = [float(y) + shift for y in re.findall(r'<text [^>]* y="(-?[\d.]+)"', text)]
    assert found == pytest.approx([60, 60], abs=1.2)


@pytest.mark.parametrize("word", [w for w in HOSTILE if w != "override"])
@pytest.mark.parametrize("engine", ENGINES)
def test_any_name_is_drawn_as_typed_and_adds_nothing(word, engine):
    read = Read(hostile(HOSTILE[word]), engine)
    assert len(read.edges) == 1
    texts = [n for n in read.nodes if n.startswith("text ")]
    assert len(read.nodes) == 2 + 2 + len(texts)
    assert len(texts) <= 3 if word not in ("right-to-left", "emoji", "surrogate") else texts


def test_a_label_reads_back_character_by_character():
    for word in ("script", "closing", "entity", "escapes", "html label", "dot", "quotes"):
        typed = HOSTILE[word]
        svg = drawn(source(Drawing(200, 60, (label("a", plain(typed), 100, 30),), "t", "a")), "svg").decode()
        import xml.etree.ElementTree as ET

        texts = ["".join(t.itertext()) for t in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]
        assert texts == [typed]


def test_markup_in_an_italic_label_is_shown_as_typed():
    import xml.etree.ElementTree as ET

    typed = "<b>&amp;</b>"
    drawing = Drawing(200, 60, (label("a", math(typed), 100, 30),), "t", "a")
    texts = [t.text for t in ET.fromstring(drawn(source(drawing), "svg")).iter("{http://www.w3.org/2000/svg}text")]
    assert "".join("".join(texts).split()) == typed  # signs stand apart


def test_a_plain_box_carries_its_colours_and_its_word():
    read = Read(sample(), "embedded")
    style = LIGHT.role("norm")
    node = read.nodes["norm"]
    assert (node["fillcolor"], node["color"], node["label"]) == (style.fill, style.stroke, "code")
    assert read.nodes["add"]["shape"] == "ellipse"
    assert read.nodes["h"]["style"] == "filled,rounded,dashed"


def test_a_larger_scale_is_a_larger_page():
    import dataclasses

    half = drawn(source(dataclasses.replace(sample(), scale=0.5)), "svg").decode()
    assert [float(v) for v in re.search(r'<svg width="([\d.]+)pt" height="([\d.]+)pt"', half).groups()] == pytest.approx(
        [340, 108], abs=1
    )


def test_a_background_of_many_shapes_passes_every_scanner():
    shapes = [box(f"p{i}", "panel", 10 + i, 10 + i, 500, 300, 12.0, part="card") for i in range(120)]
    text = source(Drawing(700, 500, (*shapes, Line("h", "helper", ((5, 5), (600, 5)), head=False)), "t", "a"))
    assert len(re.search(r"_background=(.*)\];", text, re.S)[1]) > 50_000
    assert max(map(len, re.findall(r'"[^"]*"', text))) < 8000
    assert drawn(text, "svg").count(b"<path") == 241
    if shutil.which("neato"):
        assert drawn(text, "svg", "system").count(b"<path") == 241


def test_exact_corners_are_those_of_the_drawing():
    style = load_theme("light")
    ours = softened(png.png_of(sample(), style, 1.5))
    found = []
    for exact in (False, True):
        theirs = softened(png.render_svg(drawn(source(sample(), style, exact=exact), "svg").decode(), 1.5))
        height, width = min(ours.shape[0], theirs.shape[0]), min(ours.shape[1], theirs.shape[1])
        found.append(np.abs(ours[:height, :width] - theirs[:height, :width]).mean())
    assert found[1] < 0.95 * found[0]


@pytest.mark.parametrize("engine", ENGINES)
def test_neighbouring_runs_never_overlap_however_an_engine_measures(engine):
    words = (*strong("network. "), *plain("51,902 parameters: 2,572 (4.96 %) of convolutions, 49,330 (95.04 %) of dense layers."))
    text = label("a", words, 300, 30, 10.5)
    svg = drawn(source(Drawing(600, 60, (text,), "t", "a")), "svg", engine).decode()
    starts = [float(x) for x in re.findall(r'<text [^>]*text-anchor="start" x="([\d.]+)"', svg)]
    assert starts[:2] == pytest.approx([text.runs[0].x, text.runs[1].x], abs=1.1)
