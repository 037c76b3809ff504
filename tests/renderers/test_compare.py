"""The figure of two models: what it shows of each, how states are told apart, and that it can be read in every theme."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import netfig
from netfig.drawing import Line
from netfig.figure import Figure
from netfig.graph import Graph, Op
from netfig.graph.align import align
from netfig.layout import lay_out
from netfig.layout.lint import contrast, lint
from netfig.mathtext import text_of
from netfig.renderers.compare import draw_comparison
from netfig.renderers.options import CompareOptions
from netfig.theme import BUILT_IN, load_theme

sys.path.insert(0, str(Path(__file__).parents[1] / "graph"))
from compared_models import Block, Branches, Norms, Renamed, Skip, Tied, Wrapped, of, plain

MANY = {
    "width": (lambda: plain(), lambda: plain(width=16)),
    "one layer": (lambda: plain(count=12), lambda: plain(count=12, narrow=7)),
    "more layers": (lambda: plain(), lambda: plain(count=6)),
    "renamed": (lambda: plain(), lambda: of(Renamed())),
    "wrapped": (lambda: plain(), lambda: of(Wrapped())),
    "norms": (lambda: of(Norms(True)), lambda: of(Norms(False))),
    "branches": (lambda: of(Branches(False)), lambda: of(Branches(True))),
    "skip": (lambda: of(Skip(False)), lambda: of(Skip(True))),
    "other": (lambda: of(Skip(False)), lambda: plain()),
    "recurrences": (lambda: netfig.trace("cell:lstm"), lambda: netfig.trace("cell:gru")),
    "equal": (lambda: plain(), lambda: plain()),
}


def figure_of(before: Graph, after: Graph, **options: object) -> Figure:
    return draw_comparison(align(before, after), CompareOptions(**options))  # type: ignore[arg-type]


def words(figure: Figure) -> dict[str, list[str]]:
    """All lines of every box that is not the same, by its first line."""
    found = {}
    for box in figure.boxes.values():
        if not box.role.startswith("same"):
            lines = [text_of(line) for line in box.title] + [text_of(row.text) for row in box.rows]
            found[lines[0]] = lines[1:]
    return found


def caption(figure: Figure) -> str:
    return " ".join(text_of(line) for line in figure.caption)


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("theme", BUILT_IN)
def test_every_comparison_lints_clean_in_every_theme(name, theme):
    before, after = MANY[name]
    paints = load_theme(theme)
    drawing = lay_out(figure_of(before(), after()), paints)
    assert [str(finding) for finding in lint(drawing, paints)] == []


@pytest.mark.parametrize("name", MANY)
def test_what_is_drawn_as_the_same_or_otherwise_is_so_in_the_alignment(name):
    before, after = (make() for make in MANY[name])
    alignment = align(before, after)
    figure = draw_comparison(alignment, CompareOptions())
    ops = {(which, one.id): item.state for item in alignment.root.walk()
           for which, one in (("before", item.before), ("after", item.after)) if isinstance(one, Op)}  # fmt: skip
    for box in figure.boxes.values():
        for id in box.stands_for:
            if box.role.startswith("added") and ("after", id) in ops:
                assert ops["after", id] == "added"
            if box.role.startswith("removed") and ("before", id) in ops:
                assert ops["before", id] == "removed"


def test_two_equal_models_are_said_to_be_equal_and_nothing_stands_out():
    figure = figure_of(plain(), plain())
    assert caption(figure).startswith("No difference.")
    assert (words(figure), figure.legend) == ({}, ())
    assert {wire.role for wire in figure.wires} == {"data.same"}


def test_a_change_says_what_was_and_what_is():
    figure = figure_of(of(nn.Sequential(nn.Conv2d(3, 4, 3)), 1, 3, 8, 8), of(nn.Sequential(nn.Conv2d(3, 4, 5)), 1, 3, 8, 8))
    assert words(figure) == {"~ 5×5 conv, 4": ["kernel 3 → 5", "112 → 304 params"]}
    assert "112 → 304 parameters (+192)" in caption(figure)


def test_only_the_layer_of_twelve_that_differs_is_opened():
    figure = figure_of(plain(count=12), plain(count=12, narrow=7))
    assert [text_of(box.badge) for box in figure.boxes.values() if box.badge] == ["× 7", "× 4"]
    assert [text_of(group.title) for group in figure.groups.values() if group.role == "panel"] == ["layers.7"]


def test_layers_that_change_alike_are_drawn_once():
    figure = figure_of(plain(count=12), plain(count=12, width=16))
    panels = [(text_of(g.title), text_of(g.badge)) for g in figure.groups.values() if g.role == "panel"]
    assert panels == [("layers.0 … 11", "× 12")]


def test_layers_that_are_added_alike_are_one_box():
    figure = figure_of(plain(), plain(count=6))
    assert words(figure) == {"+ Layer": ["layers.3 … 5", "296 params each"]}


def test_a_module_that_has_moved_is_drawn_at_both_places():
    figure = figure_of(of(Norms(False)), of(Norms(True)))
    assert words(figure) == {"− layer norm": ["moved away", "8 params"], "+ layer norm": ["moved here", "8 params"]}


def test_wires_of_one_model_only_are_added_or_removed():
    figure = figure_of(of(Skip(False)), of(Skip(True)))
    ends = {(wire.role, wire.source.box, wire.target.box) for wire in figure.wires if wire.role != "data.same"}
    assert ends == {("data.removed", "a", "add"), ("data.added", "b", "add")}


def test_what_an_added_and_a_removed_wire_share_is_drawn_as_the_same():
    def net(normed: bool) -> Graph:
        return of(nn.Sequential(nn.Linear(4, 4), nn.Tanh(), *([nn.LayerNorm(4)] if normed else []), nn.Linear(4, 2)))

    drawing = lay_out(figure_of(net(True), net(False)), load_theme("light"))
    lines = [item for item in drawing.items if isinstance(item, Line)]
    ends = {one.points[-1] for one in lines if one.role == "data.same" and not one.head}
    starts = {role: {one.points[0] for one in lines if one.role == role} for role in ("data.added", "data.removed")}
    assert ends & starts["data.added"] & starts["data.removed"]


def test_a_renamed_module_says_its_old_name():
    assert words(figure_of(plain(), of(Renamed()))) == {"~ linear, 5": ["was head"]}


def test_a_shared_weight_says_where_it_is_read_from():
    tokens = torch.zeros(1, 3, dtype=torch.long)
    figure = figure_of(*(netfig.trace(Tied(tied), tokens) for tied in (False, True)))
    assert words(figure) == {"~ linear, 9": ["reads head.weight → embedding.weight"]}


def test_an_exchanged_activation_is_one_box():
    assert "~ ReLU → GELU" in words(figure_of(of(Block(nn.ReLU())), of(Block(nn.GELU()))))


def test_what_does_nothing_is_named_in_the_caption():
    figure = figure_of(of(nn.Sequential(nn.Linear(4, 4))), of(nn.Sequential(nn.Linear(4, 4), nn.Dropout())))
    assert "Added but not drawn, because it does nothing here: 1 (Dropout)" in caption(figure)


def test_long_stretches_of_the_same_are_one_box_unless_context_is_asked_for():
    def chain(last: nn.Module) -> Graph:
        return of(nn.Sequential(*(nn.Linear(4, 4 + k % 2) if k % 2 == 0 else nn.LayerNorm(4) for k in range(40)), last))

    graphs = chain(nn.ReLU()), chain(nn.GELU())
    assert len(figure_of(*graphs).boxes) < 8
    assert len(figure_of(*graphs, context=True).boxes) > 40


def test_more_boxes_than_wanted_open_less():
    graphs = plain(count=12), plain(count=12, narrow=7)
    figure = figure_of(*graphs, max_boxes=8)
    assert len(figure.boxes) <= 8
    assert words(figure) == {"~ Layer": ["2 changed inside", "296 → 160 params"]}


def test_the_states_differ_in_outline_not_only_in_colour():
    for name in BUILT_IN:
        theme = load_theme(name)
        looks = [(r.dashed, r.pattern, r.width) for r in (theme.role(s) for s in ("same", "changed", "added", "removed"))]
        assert len(set(looks)) == 4
        assert len({(r.dashed, r.width) for r in (theme.role(f"data.{s}") for s in ("same", "added", "removed"))}) == 3


@pytest.mark.parametrize("theme", BUILT_IN)
def test_the_same_stands_back(theme):
    paints = load_theme(theme)
    page = paints.page
    quiet = contrast(paints.role("same").stroke, page)
    assert all(contrast(paints.role(state).stroke, page) > quiet for state in ("changed", "added", "removed"))
