"""How much of a model is opened by default, and what is asked for by name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import nn

import netfig
from netfig.drawing import Label
from netfig.errors import UsageError
from netfig.graph.paths import fits
from netfig.layout import lay_out
from netfig.mathtext import text_of
from netfig.theme import load_theme


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.ModuleDict({"q": nn.Linear(8, 8), "k": nn.Linear(8, 8)})
        self.mlp = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8))

    def forward(self, x):
        x = x + self.attention["q"](x) * self.attention["k"](x)
        return x + self.mlp(x)


class Model(nn.Module):
    def __init__(self, blocks=6):
        super().__init__()
        self.layers = nn.ModuleList([Block() for _ in range(blocks)])
        self.head = nn.Sequential(nn.Linear(8, 4), nn.Tanh())

    def forward(self, x):
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


@pytest.fixture(scope="module")
def graph():
    return netfig.trace(Model(), torch.zeros(5, 8))


def seen(result):
    """What stands in the figure, as the real things it is for."""
    return {id for box in result.figure.boxes.values() for id in box.stands_for}


def badges(result):
    figure = result.figure
    return sorted(text_of(thing.badge) for thing in (*figure.groups.values(), *figure.boxes.values()) if thing.badge)


@pytest.mark.parametrize(
    ("pattern", "hits"),
    [
        ("layers", {"layers"}),
        ("layers.*", {"layers.0", "layers.11"}),
        ("layers.?", {"layers.0"}),
        ("layers.[0-3]", {"layers.0"}),
        ("**.q", {"layers.0.q"}),
        ("*", {"layers"}),
        ("layers.1", set()),
    ],
)
def test_a_star_stands_for_one_part_of_a_path_and_two_for_any_number(pattern, hits):
    assert set(fits(pattern, ["layers", "layers.0", "layers.0.q", "layers.11"])) == hits


def test_one_member_of_a_fold_that_is_expanded_stands_by_itself(graph):
    result = netfig.draw(graph, depth=1, expand="layers.3")
    assert badges(result) == ["× 2", "× 3"]
    assert any(id.startswith("layers.3.") for id in seen(result))
    assert not any(id.startswith("layers.0") and "." in id.removeprefix("layers.0") for id in seen(result))


def test_a_glob_that_every_member_of_a_fold_fits_opens_the_fold(graph):
    result = netfig.draw(graph, depth=1, expand=["layers.*"])
    assert badges(result) == ["× 6"]
    assert any(id.startswith("layers.0+.attention.q") for id in seen(result))


def test_what_is_collapsed_is_one_box_however_deep_the_figure_is(graph):
    result = netfig.draw(graph, depth=9, collapse=["layers.*"])
    assert {"layers.0+", "head.0"} <= seen(result)
    assert badges(result) == ["× 6"]


def test_what_is_expanded_is_seen_even_in_something_that_is_collapsed(graph):
    result = netfig.draw(graph, depth=9, expand="layers.*.mlp", collapse=["layers.*"])
    assert "layers.0+.mlp.0" in seen(result)


def test_the_number_of_boxes_stays_under_the_most_there_may_be(graph):
    most = {n: len(netfig.draw(graph, max_boxes=n).figure.boxes) for n in (4, 8, 20)}
    assert all(found <= n for n, found in most.items())
    assert most[4] < most[20]


def test_all_paths_that_are_not_there_are_named_with_what_is_near(graph):
    with pytest.raises(UsageError) as error:
        netfig.draw(graph, expand=["layers.33"], collapse=["haed"])
    assert "layers.33" in str(error.value)
    assert "layers.3" in error.value.hint
    assert "'haed'" in str(error.value)
    assert "'head'" in str(error.value)


def test_the_same_path_is_not_both_opened_and_closed(graph):
    with pytest.raises(UsageError, match="to be opened and to be kept closed"):
        netfig.draw(graph, expand="head", collapse="head")


def test_other_renderers_have_no_modules_to_open(graph):
    with pytest.raises(UsageError, match="'dataflow' has no expand"):
        netfig.draw(graph, renderer="dataflow", expand="head")


def test_the_command_line_takes_paths_more_than_once():
    from click.testing import CliRunner

    from netfig.cli import cli

    here = Path(__file__).parents[2]
    words = ["draw", f"{here}/examples/gpt.py:GPT", "--input", "tokens=24:int64", "--depth", "1"]
    more = ["--expand", "blocks.1", "--collapse", "head", "-f", "json"]
    done = CliRunner().invoke(cli, [*words, *more])
    assert done.exit_code == 0, done.output
    assert "blocks.1." in json.dumps(done.output)


class Wide(nn.Module):
    """Blocks that are no two alike, so that nothing folds."""

    def __init__(self):
        super().__init__()
        self.stages = nn.ModuleList(
            [nn.Sequential(*[nn.Sequential(nn.Linear(k, k + 1), nn.Tanh()) for k in range(n, n + 8)]) for n in (2, 10, 18, 26)]
        )

    def forward(self, x):
        for stage in self.stages:
            x = stage(x) * 2
        return x


def test_by_default_a_figure_fits_a_page_with_no_text_under_nine_points():
    result = netfig.draw(Wide(), torch.zeros(3, 2), options={"repeats.least": 1000})
    drawing = lay_out(result.figure, load_theme("light"))
    scale = min(1.0, 520 / drawing.width, 680 / drawing.height)
    sizes = [run.size for item in drawing.items if isinstance(item, Label) for run in item.runs]
    assert min(sizes) * scale >= 8.9
    assert len(result.figure.boxes) > 6


class Loop(nn.Module):
    """One module called in a loop with other operations between its calls, each of whose results is handed out."""

    def __init__(self):
        super().__init__()
        self.update = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))

    def forward(self, x):
        found = []
        for _ in range(10):
            y = x.sin() + x.cos() * 2
            for _ in range(5):
                y = y.tanh() * y + x
            x = self.update(y)
            found.append(x)
        return found


def test_a_long_loop_without_weights_of_its_turns_is_drawn_as_its_first_turn_and_the_others():
    result = netfig.draw(Loop(), torch.zeros(3, 4))
    titles = [text_of(box.title[0]) for box in result.figure.boxes.values()]
    panels = [text_of(group.title) for group in result.figure.groups.values()]
    assert any("steps 2–10" in word for word in titles + panels)
    assert len(titles) <= 40
    assert not result.lint()
