"""Themes: what a file may say, how roles fall back, and that every text can be read on what it stands on."""

from __future__ import annotations

import pytest

from netfig.errors import InvalidInput, Missing
from netfig.theme import BUILT_IN, load_theme


@pytest.fixture
def theme_file(tmp_path):
    """Writes a theme and loads it."""

    def load(text: str, name: str = "mine.toml"):
        (tmp_path / name).write_text(text)
        return load_theme(str(tmp_path / name))

    return load


def test_a_role_falls_back_to_the_left():
    theme = load_theme("light")
    assert theme.role("op.box.of.a.plugin") is theme.role("op.box")
    assert theme.role("norm.of.a.plugin") is theme.role("norm")
    assert theme.role("never-heard-of") is theme.role("default")


def test_a_theme_lists_only_what_differs(theme_file):
    theme, light = theme_file('extends = "light"\npage = "#FFFDF7"\n[role.layer]\nfill = "#D8E8D0"\n'), load_theme("light")
    assert (theme.name, theme.page, theme.ink) == ("mine", "#FFFDF7", light.ink)
    assert theme.role("layer").fill == "#D8E8D0"
    assert theme.role("layer").stroke == light.role("layer").stroke
    assert theme.role("norm") == light.role("norm")


def test_a_role_that_changes_changes_the_roles_that_fall_back_to_it(theme_file):
    theme = theme_file('extends = "light"\n[role.panel]\ntext = "#102030"\n[role.default]\ntext = "#203040"\n')
    assert theme.role("panel.inner").text == "#102030"
    assert theme.role("panel.inner").fill == load_theme("light").role("panel.inner").fill
    assert theme.role("layer").text == "#203040"


def test_a_file_may_have_the_name_of_the_theme_it_extends(theme_file):
    assert theme_file('extends = "light"\n', "light.toml").role("layer") == load_theme("light").role("layer")


def test_all_mistakes_are_said_at_once(theme_file):
    with pytest.raises(InvalidInput) as caught:
        theme_file('pgae = "#FFFFFF"\nink = "red"\n[role.op]\nwidth = -1\noutline = "star"\nfil = "#000000"\n')
    message = str(caught.value)
    assert "5 mistakes" in message
    for part in (
        "did you mean 'page'",
        "ink must be a colour",
        "width must be a number",
        "outline must be",
        "did you mean 'fill'",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("name", "error", "hint"),
    [("lihgt", Missing, "did you mean 'light'"), ("no/such.toml", Missing, "cannot read"), ("", Missing, "there is no theme")],
)
def test_a_theme_that_is_not_there_is_said(name, error, hint):
    with pytest.raises(error) as caught:
        load_theme(name)
    assert hint in str(caught.value)


def test_what_it_extends_must_be_a_built_in_theme(theme_file):
    with pytest.raises(InvalidInput, match="extends 'ligth'"):
        theme_file('extends = "ligth"\n')


def luminance(colour: str) -> float:
    """WCAG 2's relative luminance."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a: str, b: str) -> float:
    light, dark = sorted((luminance(a), luminance(b)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


BOXES = [
    "input",
    "state",
    "output",
    "layer",
    "block",
    "weight",
    "op",
    "op.box",
    "activation",
    "norm",
    "pool",
    "attention",
    "loss",
]


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("role", BOXES)
def test_text_on_a_box_has_a_contrast_of_seven_and_its_outline_of_three(name, role):
    theme = load_theme(name)
    style = theme.role(role)
    assert contrast(style.text, style.fill) >= 7
    assert contrast(style.stroke, theme.page) >= 3


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_names_of_panels_can_be_read(name):
    theme = load_theme(name)
    for role in ("panel", "panel.inner"):
        assert contrast(theme.role(role).text, theme.role(role).fill) >= 4.5
