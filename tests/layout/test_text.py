"""Text is measured with the fonts that ship, whatever characters come."""

from __future__ import annotations

from importlib import resources

import pytest
from fontTools.ttLib import TTFont
from hypothesis import given
from hypothesis import strategies as st

from netfig.layout.lines import MAX_TEXT_WIDTH, fit_line, wrap
from netfig.layout.text import FONT_FILES, MAX_CHARACTERS, set_line
from netfig.mathtext import Run, Script, code, math, plain, strong


@pytest.mark.parametrize("text", ["Conv 3×3", "Ångström – 12.5 %", "softmax(QKᵀ)".replace("ᵀ", "T")])
def test_widths_are_the_sums_of_the_fonts_advances(text: str) -> None:
    font = TTFont(str(resources.files("netfig").joinpath("fonts", FONT_FILES["sans"])))
    cmap, advances = font.getBestCmap(), font["hmtx"].metrics
    expected = sum(advances[cmap[ord(c)]][0] for c in text) / font["head"].unitsPerEm * 12
    assert set_line(plain(text), 12).width == pytest.approx(expected, abs=0.01)


def test_maths_letters_are_italic_and_digits_and_signs_upright() -> None:
    runs = set_line(math("h_{t-1}"), 16).runs
    assert [(r.text, r.face) for r in runs] == [("h", "serif-italic"), ("t", "serif-italic"), ("−1", "serif")]


def test_scripts_are_smaller_and_moved_off_the_baseline() -> None:
    base, sub, sup = set_line((Script(math("x"), math("i"), math("2")),), 16).runs
    assert sub.size == sup.size == pytest.approx(16 * 0.66)
    assert sup.dy < 0 < sub.dy
    assert sub.x >= base.x + base.width
    assert all(r.size >= 9 for r in set_line((Script(math("x"), (Script(math("i"), math("j")),)),), 12).runs)


def test_styles_choose_their_faces() -> None:
    assert [set_line(t, 12).runs[0].face for t in (plain("a"), strong("a"), code("a"))] == ["sans", "sans-bold", "mono"]
    assert set_line(plain("a"), 12, strong=True).runs[0].face == "sans-bold"


def test_signs_the_face_lacks_come_from_the_symbol_face() -> None:
    runs = set_line(plain("a ⊙ b"), 12).runs
    assert [(r.text, r.face) for r in runs] == [("a", "sans"), ("⊙", "symbol"), ("b", "sans")]


def test_ideographs_are_one_em_wide() -> None:
    assert set_line(plain("漢字"), 10).width == pytest.approx(20)


def test_controls_marks_and_lone_surrogates_are_not_set() -> None:
    line = set_line(plain("a\x00b\x1b\u202ec\ud800"), 12)
    assert line.text.encode("utf-8").decode() == "abc\ufffd"


def test_right_to_left_words_are_runs_of_their_own() -> None:
    runs = set_line(plain("ab שלום cd"), 12).runs
    assert [r.text for r in runs] == ["ab", "שלום", "cd"]


def test_a_huge_line_is_cut_with_an_ellipsis() -> None:
    line = set_line(plain("x" * 100_000), 12)
    assert len(line.text) == MAX_CHARACTERS
    assert line.text.endswith("…")


def test_a_line_in_a_box_is_cut_to_the_width_it_may_have() -> None:
    line = fit_line(plain("a name " * 60), 12)
    assert line.width <= MAX_TEXT_WIDTH
    assert line.text.endswith("…")


def test_wrapped_lines_keep_every_word_within_the_width() -> None:
    words = "Each state mixes its last two predecessors and nothing else"
    lines = wrap(plain(words), 10, 120)
    assert " ".join(" ".join(line.text.split()) for line in lines) == words
    assert all(line.width <= 120 for line in lines)


@given(st.text(max_size=60), st.sampled_from(["plain", "strong", "math", "code"]))
def test_any_text_can_be_set(text: str, style: str) -> None:
    line = set_line((Run(text, style),), 12)  # type: ignore[arg-type]
    line.text.encode("utf-8")
    assert 0 <= line.width < 13 * 60
    for one, two in zip(line.runs, line.runs[1:], strict=False):
        assert two.x >= one.x + one.width - 0.01
