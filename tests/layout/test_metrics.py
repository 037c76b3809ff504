"""The tables of widths and ink say what the fonts say, and measuring with them loads no font library."""

from __future__ import annotations

import subprocess
import sys
import zlib
from importlib import resources
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

from netfig.layout.metrics import FONT_FILES, UNITS_PER_EM, measure, packed

FONTS = Path(str(resources.files("netfig").joinpath("fonts")))
TOOL = Path(__file__).parents[2] / "tools" / "measure_fonts.py"


@pytest.mark.parametrize("face", FONT_FILES)
def test_advance_and_ink_of_every_character_are_those_of_the_font(face):
    font = TTFont(FONTS / FONT_FILES[face])
    glyphs, advances = font["glyf"], font["hmtx"].metrics
    assert font["head"].unitsPerEm == UNITS_PER_EM
    for code, name in font.getBestCmap().items():
        glyph = glyphs[name]
        ink = (glyph.xMin, glyph.xMax, glyph.yMin, glyph.yMax) if glyph.numberOfContours else (0, 0, 0, 0)
        assert measure(chr(code), face) == (face, advances[name][0] / UNITS_PER_EM, tuple(n / UNITS_PER_EM for n in ink))


@pytest.mark.parametrize("face", FONT_FILES)
def test_the_tables_are_what_the_tool_makes_of_the_fonts(face):
    spec = spec_from_file_location("measure_fonts", TOOL)
    tool = module_from_spec(spec)
    spec.loader.exec_module(tool)
    font = FONTS / FONT_FILES[face]
    made = packed(tool.measured(font))
    assert zlib.decompress(font.with_suffix(".metrics").read_bytes()) == zlib.decompress(made), "run tools/measure_fonts.py"


def test_a_character_the_face_lacks_is_measured_in_the_symbol_face():
    font = TTFont(FONTS / FONT_FILES["symbol"])
    assert measure("⊙", "serif")[:2] == ("symbol", font["hmtx"].metrics[font.getBestCmap()[ord("⊙")]][0] / UNITS_PER_EM)


def test_a_character_no_font_has_is_given_a_width_and_a_mark_none():
    assert measure("\U0001f680", "sans")[:2] == ("symbol", 1.0)
    assert measure("\u200d", "serif")[1] == 0


def test_setting_text_and_writing_svg_loads_no_font_library_and_no_network_module():
    code = (
        "import sys; from netfig.layout.text import set_line; from netfig.mathtext import math; set_line(math('h_{t-1}'), 16)\n"
        "import netfig.writers.svg; print(*sorted(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    loaded = set(done.stdout.split())
    assert "netfig.writers.svg" in loaded
    assert not loaded & {"fontTools", "urllib.request", "http.client", "xml", "tempfile", "subprocess", "torch", "numpy"}
