"""Recurrences from papers, transcribed without looking at the renderers: each unrolls and folds to a figure without a defect."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from netfig.equations import compile, parse
from netfig.figure import Figure
from netfig.graph import Graph
from netfig.layout import lay_out
from netfig.layout.lint import lint
from netfig.renderers.folded import draw_folded
from netfig.renderers.options import FoldedOptions, UnrolledOptions
from netfig.renderers.unrolled import draw_unrolled
from netfig.theme import load_theme

PAPERS = sorted((Path(__file__).parents[1] / "equations" / "papers").glob("*.rnn"))
THEMES = ("light", "dark", "print")
FORMS = ("unrolled", "folded", "both", "last step")


@cache
def rolled(path: Path) -> Graph:
    return compile(parse(path.read_text(encoding="utf-8"), path.stem))


def figure(path: Path, form: str) -> Figure:
    graph = rolled(path)
    if form in ("folded", "both"):
        return draw_folded(graph, FoldedOptions(with_unrolled=form == "both"))
    return draw_unrolled(graph, UnrolledOptions(last=True if form == "last step" else None))


def defects(path: Path, form: str, theme_name: str) -> list[str]:
    theme = load_theme(theme_name)
    drawing = lay_out(figure(path, form), theme)
    return [str(found) for found in lint(drawing, theme) if found.rule != "small-text"]


def test_there_are_more_than_fifty() -> None:
    assert len(PAPERS) > 50


@pytest.mark.parametrize("form", ["unrolled", "folded"])
@pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
def test_it_draws_without_a_defect(path: Path, form: str) -> None:
    assert not defects(path, form, THEMES[PAPERS.index(path) % len(THEMES)])


@pytest.mark.heavy
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("path", PAPERS, ids=lambda p: p.stem)
def test_it_draws_without_a_defect_in_every_form_and_theme(path: Path, form: str, theme: str) -> None:
    assert not defects(path, form, theme)


@pytest.mark.parametrize("path", PAPERS[::9], ids=lambda p: p.stem)
def test_every_weight_on_a_wire_is_drawn_where_the_wire_is(path: Path) -> None:
    """A chip's middle lies between two pieces of its own wire: making room for it tears nothing apart."""
    theme = load_theme("light")
    shown = figure(path, "unrolled")
    drawing = lay_out(shown, theme)
    shapes = {s.id: s for s in drawing.shapes if not s.part}
    for chip in (id for id in shapes if "/chip" in id):
        left, top, right, bottom = shapes[chip].bounds
        enters = [line.points[-1] for line in drawing.lines if line.target == chip]
        leaves = [line.points[0] for line in drawing.lines if line.source == chip]
        assert enters
        assert leaves
        assert all(left - 0.1 <= x <= right + 0.1 and top - 0.1 <= y <= bottom + 0.1 for x, y in (*enters, *leaves))


def test_the_pass_unroll_takes_the_only_axis_of_time_whatever_its_letter() -> None:
    from netfig.passes import builtin_passes
    from netfig.passes.options import UnrollOptions

    path = next(p for p in PAPERS if p.stem == "memory_network")  # its steps are counted by k
    unroll = next(p for p in builtin_passes() if p.name == "unroll")
    graph = unroll.run(rolled(path), UnrollOptions(extent=3))
    assert [s.id for s in graph.scopes if s.kind == "step"] == [f"over k[k={n}]" for n in (1, 2, 3)]
