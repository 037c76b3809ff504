"""A real browser as the witness of our SVG: the same picture as our PNG, and scripts that are really small and shifted."""

from __future__ import annotations

import dataclasses
import io
import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter
from writer_drawings import HOSTILE, hostile, label, sample

from netfig.drawing import Drawing
from netfig.mathtext import math
from netfig.theme import load_theme
from netfig.writers import png, svg
from netfig.writers.options import SvgOptions

BROWSER = next((found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), "")
pytestmark = pytest.mark.skipif(not BROWSER, reason="no Chromium on this machine")
QUIET = ["--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars"]


def browse(folder: Path, *arguments: str) -> bytes:
    command = [
        BROWSER,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        *QUIET,
        f"--user-data-dir={folder / 'profile'}",
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, timeout=120, check=True).stdout


def screenshot(folder: Path, source: bytes, width: int, height: int) -> Image.Image:
    file, shot = folder / "figure.svg", folder / "shot.png"
    file.write_bytes(source)
    size = [f"--window-size={width},{height}", "--force-device-scale-factor=2"]
    browse(folder, *size, f"--screenshot={shot}", file.as_uri())
    return Image.open(shot).convert("RGB")


def softened(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("RGB").filter(ImageFilter.GaussianBlur(1.5))).astype(float)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_the_browser_shows_the_picture_of_our_png(tmp_path, theme):
    style = load_theme(theme)
    ours = softened(Image.open(io.BytesIO(png.png_of(sample(), style, 2))))
    theirs = softened(screenshot(tmp_path, svg.write(sample(), style, SvgOptions()), 907, 287))
    assert abs(ours.shape[0] - theirs.shape[0]) <= 2
    height, width = min(ours.shape[0], theirs.shape[0]), min(ours.shape[1], theirs.shape[1])
    difference = np.abs(ours[:height, :width] - theirs[:height, :width]).mean()
    moved = np.abs(ours[:, 4:] - ours[:, :-4]).mean()  # the same picture a point and a half off
    assert difference < 1.0
    assert difference < 0.4 * moved


def test_embedded_fonts_are_used_where_no_other_is(tmp_path):
    style = dataclasses.replace(load_theme("light"), sans=("No Such Sans",), serif=("No Such Serif",), symbol=("No Such Symbol",))
    ours = softened(Image.open(io.BytesIO(png.png_of(sample(), style, 2))))
    height, width = 574, 1814
    with_fonts = softened(screenshot(tmp_path, svg.write(sample(), style, SvgOptions(embed_fonts=True)), 907, 287))
    without = softened(screenshot(tmp_path, svg.write(sample(), style, SvgOptions()), 907, 287))
    differences = [np.abs(ours[:height, :width] - p[:height, :width]).mean() for p in (with_fonts, without)]
    assert differences[0] < 1.0
    assert differences[1] > 2 * differences[0]


MEASURE = """
const found = [...document.querySelectorAll("tspan")].map(t => {
  const first = t.getExtentOfChar(0), last = t.getExtentOfChar(t.getNumberOfChars() - 1);
  return {text: t.textContent, x: first.x, right: last.x + last.width, y: t.getStartPositionOfChar(0).y, height: first.height};
});
document.body.dataset.found = JSON.stringify(found);
"""


def test_scripts_are_small_shifted_and_where_they_were_measured(tmp_path):
    text = label("t", math("W_x^{(2)}"), 100, 100, 16)
    source = svg.svg_text(Drawing(200, 150, (text,), "t", "a"), load_theme("light")).partition("?>")[2]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><meta charset=utf-8><body>{source}<script>{MEASURE}</script></body>", encoding="utf-8")
    dom = browse(tmp_path, "--dump-dom", page.as_uri()).decode()
    base, sub, sup = json.loads(unescape(re.search(r'data-found="([^"]*)"', dom)[1]))
    assert (base["text"], sub["text"], sup["text"]) == ("W", "x", "(2)")
    assert sub["y"] - base["y"] > 2
    assert base["y"] - sup["y"] > 4
    assert sub["height"] < 0.8 * base["height"]
    runs = text.runs
    assert (base["x"], base["right"]) == pytest.approx((runs[0].x, runs[0].x + runs[0].width), abs=0.3)
    assert (sub["x"], sub["right"]) == pytest.approx((runs[1].x, runs[1].x + runs[1].width), abs=0.3)


def test_no_hostile_name_becomes_an_element(tmp_path):
    drawings = [hostile(text) for text in HOSTILE.values() if len(text) < 1000]
    figures = "".join(svg.svg_text(drawing, load_theme("light")).partition("?>")[2] for drawing in drawings)
    page = tmp_path / "page.html"
    count = (
        "document.body.dataset.found = [...new Set([...document.querySelectorAll('svg *')].map(e => e.tagName))].sort().join(' ')"
    )
    page.write_text(f"<!doctype html><meta charset=utf-8><body>{figures}<script>{count}</script></body>", encoding="utf-8")
    dom = browse(tmp_path, "--dump-dom", page.as_uri()).decode()
    assert re.search(r'data-found="([^"]*)"', dom)[1] == "desc g path polygon rect text title tspan"
