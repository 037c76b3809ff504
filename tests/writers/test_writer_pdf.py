"""PDF: one page of the printed size, selectable text in embedded subsets, no date; read back by pypdf."""

from __future__ import annotations

import io

import pytest
from pypdf import PdfReader
from writer_drawings import HOSTILE, hostile, sample

from netfig.drawing import Drawing
from netfig.theme import load_theme
from netfig.writers import pdf
from netfig.writers.options import PdfOptions

LIGHT = load_theme("light")


def read(drawing: Drawing, theme=LIGHT, **options) -> PdfReader:
    return PdfReader(io.BytesIO(pdf.write(drawing, theme, PdfOptions(**options))), strict=True)


def test_the_page_is_the_printed_size():
    import dataclasses

    page = read(dataclasses.replace(sample(), scale=0.5)).pages
    assert len(page) == 1
    assert (float(page[0].mediabox.width), float(page[0].mediabox.height)) == (340, 107.5)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_every_font_is_an_embedded_subset(theme):
    fonts = [f.get_object() for f in read(sample(), load_theme(theme)).pages[0]["/Resources"]["/Font"].values()]
    assert len(fonts) == len({run.face for text in sample().labels for run in text.runs})
    for font in fonts:
        assert "+" in font["/BaseFont"]
        assert "/FontFile2" in font["/FontDescriptor"]
        assert "/ToUnicode" in font


def test_text_can_be_selected():
    text = read(sample()).pages[0].extract_text()
    for word in ("Conv2d 3×3", "16×64×64", "ReLU", "Attention", "⊙"):
        assert word in text


def test_properties_hold_title_alt_text_and_author_but_no_date():
    found = read(sample(), author="A. Author").metadata
    assert (found.title, found.subject, found.author) == ("Sample figure", sample().alt, "A. Author")
    assert not [key for key in found if "Date" in key]
    assert b"/CreationDate" not in pdf.write(sample(), LIGHT, PdfOptions())


def test_the_picture_is_vector():
    page = read(sample(), load_theme("print")).pages[0]
    assert "/XObject" not in page["/Resources"]
    assert len(page.get_contents().get_data()) > 3000


@pytest.mark.parametrize("word", HOSTILE)
@pytest.mark.parametrize("theme", ["light", "print"])
def test_any_name_gives_a_readable_file(word, theme):
    page = read(hostile(HOSTILE[word]), load_theme(theme), author=HOSTILE[word]).pages[0]
    assert page.get_contents().get_data()


def test_a_title_with_other_letters_survives():
    assert read(hostile("Größe 模型 🚀")).metadata.title == "Größe 模型 🚀"


def test_right_to_left_letters_are_painted_from_the_right():
    assert pdf.visual_order("שלום") == "םולש"
    assert pdf.visual_order("conv 3×3") == "conv 3×3"


def test_what_a_face_lacks_leaves_no_box_between_letters():
    assert pdf.drawable("e\u0301a\u200db", "sans") == "éab"
    assert pdf.drawable("Ω σ → ×", "sans") == "Ω σ → ×"


def test_a_figure_longer_than_a_page_may_be_is_scaled_to_fit():
    page = read(Drawing(50_000, 500, (), "t", "a")).pages[0]
    assert float(page.mediabox.width) == pdf.LARGEST_PAGE
