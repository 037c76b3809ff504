"""Typeset maths in every format: the same places, real text, and whatever characters come."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from html import unescape

import numpy as np
import pytest
from PIL import Image
from pypdf import PdfReader
from test_browser import BROWSER, browse, screenshot, softened
from test_writer_dot import ENGINES, drawn
from writer_drawings import HOSTILE
from writer_formulas import FORMULAS, everything_of, sheet

from netfig.drawing import Drawing, Glyphs, Label
from netfig.layout.lines import make_label
from netfig.layout.lint import lint
from netfig.layout.text import set_line
from netfig.schema import drawing_from_json, drawing_to_json
from netfig.theme import load_theme
from netfig.writers import builtin_writers, dot, pdf, png, svg
from netfig.writers.options import DotOptions, PdfOptions, SvgOptions

LIGHT = load_theme("light")
SVG = "{http://www.w3.org/2000/svg}"


def runs_of(drawing: Drawing) -> list[tuple[Label, Glyphs]]:
    return [(label, run) for label in drawing.labels for run in label.runs]


def test_the_sheet_lints_clean():
    assert lint(sheet(), LIGHT) == ()


def test_the_sheet_has_every_kind_of_piece():
    kinds = {type(piece).__name__ for text in FORMULAS.values() for piece in text}
    assert kinds == {"Run", "Script", "Accent", "Fraction", "Big", "Root", "Fence"}


@pytest.mark.parametrize("name", FORMULAS)
def test_a_drawing_with_formulas_survives_json(name):
    drawing = sheet(only=(name,))
    assert drawing_from_json(drawing_to_json(drawing)) == drawing


# --- SVG ---------------------------------------------------------------------------------------------------------------------

MEASURE = """
await document.fonts.ready;
const found = [...document.querySelectorAll("text, tspan")].filter(t => !t.querySelector("tspan")).map(t => {
  const to = t.getCTM(), start = t.getStartPositionOfChar(0), end = t.getEndPositionOfChar(t.getNumberOfChars() - 1);
  const place = p => p.matrixTransform(to);
  return [t.textContent, place(start).x, place(end).x, place(start).y];
});
const bars = [...document.querySelectorAll("path")].map(p => p.getBBox()).map(b => [b.x, b.y, b.width, b.height]);
document.body.dataset.found = JSON.stringify({found, bars});
"""


@pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
def test_every_run_and_bar_is_in_the_browser_where_it_was_set(tmp_path):
    drawing = sheet()
    source = svg.svg_text(drawing, LIGHT, SvgOptions(embed_fonts=True)).partition("?>")[2]
    page = tmp_path / "page.html"
    script = f"<script type=module>{MEASURE}</script>"
    page.write_text(f"<!doctype html><meta charset=utf-8><body>{source}{script}</body>", encoding="utf-8")
    dom = browse(tmp_path, "--virtual-time-budget=5000", "--dump-dom", page.as_uri()).decode()
    measured = json.loads(unescape(re.search(r'data-found="([^"]*)"', dom)[1]))
    px = svg.PX_PER_PT
    places = {(run.text, round(run.x, 1), round(label.baseline + run.dy, 1)): run for label, run in runs_of(drawing)}
    assert len(measured["found"]) == len(places)
    for text, start, end, y in measured["found"]:
        near = [r for (t, x, base), r in places.items() if t == text and abs(base - y / px) < 0.2 and abs(x - start / px) < 0.35]
        assert near, (text, start / px, y / px)
        assert any(abs(r.x + r.width - end / px) < 0.35 for r in near), (text, end / px)
    rules = [(r.x, label.baseline + r.dy, r.width, r.height) for label in drawing.labels for r in label.rules]
    assert len(rules) > 20
    assert sum(len(label.rules) > 0 for label in drawing.labels) == len(measured["bars"])
    assert {round(bar[0], 1) for bar in measured["bars"]} <= {round(x, 1) for x, _, _, _ in rules}


@pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
def test_the_browser_shows_the_formulas_of_our_png(tmp_path):
    drawing = sheet()
    size = round(drawing.width * svg.PX_PER_PT), round(drawing.height * svg.PX_PER_PT)
    ours = softened(Image.open(io.BytesIO(png.png_of(drawing, LIGHT, 2))))
    theirs = softened(screenshot(tmp_path, svg.write(drawing, LIGHT, SvgOptions()), *size))
    height, width = min(ours.shape[0], theirs.shape[0]), min(ours.shape[1], theirs.shape[1])
    difference = np.abs(ours[:height, :width] - theirs[:height, :width]).mean()
    moved = np.abs(ours[:, 4:] - ours[:, :-4]).mean()
    assert difference < 0.4 * moved


def test_svg_holds_every_character_as_text_and_every_bar_as_a_shape():
    drawing = sheet()
    tree = ET.fromstring(svg.svg_text(drawing, LIGHT))
    said = "".join("".join(t.itertext()) for t in tree.iter(f"{SVG}text"))
    assert sorted(said) == sorted("".join(run.text for _, run in runs_of(drawing)))
    bars = "".join(p.get("d") for p in tree.iter(f"{SVG}path"))
    assert bars.count("z") == sum(len(label.rules) for label in drawing.labels)


# --- PDF ---------------------------------------------------------------------------------------------------------------------


def test_every_run_of_the_pdf_is_text_of_its_size_at_its_place():
    drawing = sheet()
    data = PdfReader(io.BytesIO(pdf.write(drawing, LIGHT, PdfOptions()))).pages[0].get_contents().get_data().decode("latin1")
    tm = re.findall(r"BT 1 0 0 1 ([-\d.]+) ([-\d.]+) Tm", data)
    wanted = [(run.x, drawing.height - label.baseline - run.dy) for label, run in runs_of(drawing)]
    assert len(tm) == len(wanted)
    for found, place in zip(tm, wanted, strict=True):
        assert tuple(map(float, found)) == pytest.approx(place, abs=0.02)
    squeezed = [run.squeeze for _, run in runs_of(drawing) if run.squeeze != 1]
    assert [float(n) for n in re.findall(r"([\d.]+) Tz", data)] == pytest.approx(
        [n for squeeze in squeezed for n in (100 * squeeze, 100)], abs=0.1
    )


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("elman", "ht = tanh(Wxh xt + Whh ht−1 + bh)"),
        ("gated", "ht = ct ⊙ ht−1 + (1 − ct) ⊙ Wx xt"),
        ("greek", "α β γ δ ε ζ η θ λ μ π σ φ ψ ω Γ Δ Θ Λ Σ Φ Ψ Ω ∇ ∂ ∞"),
        ("sets", "x ∈ ℝn×m"),
        ("bold", "Wx + b = σ"),
        ("words", "where Wh is shared, T = 3 steps and x ∈ ℝn of dk numbers"),
    ],
)
def test_a_reader_of_the_pdf_selects_the_formula(name, words):
    text = PdfReader(io.BytesIO(pdf.write(sheet(only=(name,)), LIGHT, PdfOptions()))).pages[0].extract_text()
    assert words in text


def test_the_bars_of_the_pdf_are_filled_where_they_were_set():
    drawing = sheet(only=("gradient", "roots"))
    data = PdfReader(io.BytesIO(pdf.write(drawing, LIGHT, PdfOptions()))).pages[0].get_contents().get_data().decode("latin1")
    boxes = [tuple(map(float, found)) for found in re.findall(r"n ([-\d.]+) ([-\d.]+) ([-\d.]+) ([-\d.]+) re f\*?", data)]
    for label in drawing.labels:
        for r in label.rules:
            wanted = (r.x, drawing.height - label.baseline - r.dy - r.height, r.width, r.height)
            assert any(box == pytest.approx(wanted, abs=0.02) for box in boxes)


# --- DOT ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("engine", ENGINES)
def test_graphviz_draws_the_formulas_of_our_png(engine):
    drawing = sheet(only=("elman", "gated", "gradient", "attention", "roots", "marked", "greek", "operators"))
    out = drawn(dot.write(drawing, LIGHT, DotOptions()).decode(), "svg", engine).decode()
    theirs = softened(Image.open(io.BytesIO(png.render_svg(out.replace('stroke="transparent"', 'stroke="none"'), 1.5))))
    ours = softened(Image.open(io.BytesIO(png.png_of(drawing, LIGHT, 1.5))))
    height, width = min(ours.shape[0], theirs.shape[0]), min(ours.shape[1], theirs.shape[1])
    assert abs(ours.shape[0] - theirs.shape[0]) <= 4
    difference = np.abs(ours[:height, :width] - theirs[:height, :width]).mean()
    moved = np.abs(ours[:, 6:] - ours[:, :-6]).mean()
    assert difference < 0.75 * moved


@pytest.mark.parametrize("engine", ENGINES)
def test_graphviz_draws_letters_and_signs_of_a_line_on_one_baseline(engine):
    items = (make_label("t", set_line(FORMULAS["elman"], 14), 20, 30, align="left"),)
    out = drawn(dot.write(Drawing(260, 50, items, "t", "a"), LIGHT, DotOptions()).decode(), "svg", engine).decode()
    heights = {
        float(y)
        for y, size, text in re.findall(r'<text [^>]*y="(-?[\d.]+)"[^>]*font-size="([\d.]+)"[^>]*>([^<]+)</text>', out)
        if float(size) == 14 and text.strip()
    }
    assert heights
    assert max(heights) - min(heights) <= 1.0


# --- anything ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("word", [w for w in HOSTILE if not w.startswith("long")])
@pytest.mark.parametrize("writer", [w for w in builtin_writers() if w.takes == "drawing"], ids=lambda w: w.name)
def test_formulas_of_hostile_characters_are_written(word, writer):
    items = (make_label("t", set_line(everything_of(HOSTILE[word]), 14), 20, 100, align="left"),)
    data = writer.write(Drawing(900, 200, items, "t", "a"), LIGHT, writer.options())
    assert len(data) > 400
    if writer.name == "svg":
        assert {e.tag.removeprefix(SVG) for e in ET.fromstring(data).iter()} <= {
            "svg",
            "title",
            "desc",
            "rect",
            "g",
            "text",
            "tspan",
            "path",
        }
    if writer.name == "dot":
        drawn(data.decode(), "svg")


def test_a_monstrous_formula_is_cut():
    line = set_line(everything_of("x" * 100_000), 14)
    assert sum(len(run.text) for run in line.runs) <= 450
