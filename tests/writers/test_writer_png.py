"""PNG: the SVG's picture at true size, with the bundled fonts alone."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from writer_drawings import HOSTILE, box, hostile, sample

from netfig.drawing import Drawing
from netfig.errors import InvalidInput
from netfig.theme import load_theme
from netfig.writers import png
from netfig.writers.options import PngOptions

LIGHT = load_theme("light")


def image(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_the_picture_has_the_size_and_resolution_asked_for():
    picture = image(png.write(sample(), LIGHT, PngOptions(dpi=300)))
    assert picture.size == (pytest.approx(680 / 72 * 300, abs=2), pytest.approx(215 / 72 * 300, abs=2))
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    picture.load()


def test_two_pixels_for_one_of_a_page_by_default():
    assert image(png.write(sample(), LIGHT, PngOptions())).size == image(png.png_of(sample(), LIGHT)).size == (1814, 574)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_boxes_have_the_theme_colours_where_the_drawing_has_them(theme):
    style = load_theme(theme)
    picture = np.asarray(image(png.png_of(sample(), style, 3)).convert("RGB"))
    at = lambda x, y: "#" + "".join(f"{v:02X}" for v in picture[round(y * 4), round(x * 4)])  # noqa: E731
    assert at(5, 5) == style.page
    assert at(120, 130) == style.role("panel").fill
    assert at(24, 95) == style.role("input").fill
    assert at(510, 54) == style.mix(style.role("layer").fill, "#FFFFFF", style.light_mix)
    assert at(540, 100) == style.mix(style.role("layer").fill, style.role("layer").stroke, style.dark_mix)
    assert at(95, 120) == style.role("skip").stroke


def test_text_is_painted_with_the_bundled_fonts():
    text = image(png.png_of(sample(), LIGHT)).convert("L").crop((380, 190, 600, 225))
    assert np.asarray(text).min() < 80


def test_a_transparent_background_leaves_the_page_clear():
    picture = image(png.write(sample(), LIGHT, PngOptions(background=False)))
    assert picture.mode == "RGBA"
    assert picture.getpixel((2, 2))[3] == 0


@pytest.mark.parametrize("word", HOSTILE)
def test_any_name_can_be_painted(word):
    image(png.png_of(hostile(HOSTILE[word]), LIGHT, 1)).load()


def test_a_very_large_figure_gets_fewer_pixels_by_itself_but_an_impossible_wish_is_an_error():
    large = Drawing(14_000, 9_000, (box("a", "layer", 20, 20, 90, 40),), "t", "a")
    size = image(png.write(large, LIGHT, PngOptions())).size
    assert size[0] * size[1] <= png.MAX_PIXELS * 1.01
    with pytest.raises(InvalidInput, match="cannot be painted"):
        png.write(large, LIGHT, PngOptions(dpi=600))
