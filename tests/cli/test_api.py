"""`import netfig`: trace, draw, summarize, load_graph."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from test_registry import offering, plugin
from torch import nn

import netfig
from netfig.errors import Missing, NetfigError, PluginError, UsageError
from netfig.graph import Graph, Note
from netfig.hooks import Annotator, Format, ModuleDescription, OpKind, Renderer, Writer, hookimpl
from netfig.pipeline import annotate, load, points, render
from netfig.registry import Registry, current_registry


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor, *, scale: float = 1.0, name: torch.Tensor | None = None) -> torch.Tensor:
        y = self.fc(x) * scale
        return y if name is None else y + name


@pytest.fixture(autouse=True)
def _no_plugins(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("NETFIG_PLUGINS", "none")
    current_registry.cache_clear()
    yield
    current_registry.cache_clear()


def test_trace_calls_the_model_with_every_argument_given() -> None:
    graph = netfig.trace(Net(), torch.zeros(2, 4), scale=2.0, name=torch.zeros(3))
    assert [port.name for port in graph.inputs] == ["x", "name"]
    assert {"mul", "add"} <= {op.kind for op in graph.ops}
    assert graph.parameter_count == sum(p.numel() for p in Net().parameters())


def test_options_of_ours_take_no_keyword_of_the_models() -> None:
    graph = netfig.trace(Net(), torch.zeros(2, 4), name=torch.zeros(3), netfig_options={"name": "mine"})
    assert graph.name == "mine"
    assert any(port.name == "name" for port in graph.inputs)
    with pytest.raises(UsageError, match="trace has no option 'nmae'"):
        netfig.trace(Net(), torch.zeros(2, 4), netfig_options={"nmae": "mine"})


def test_tracing_leaves_the_model_as_it_was() -> None:
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5)).train()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    netfig.draw(model, torch.zeros(2, 4)).svg()
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert all(m.training for m in model.modules())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_target_in_words_takes_input_words() -> None:
    graph = netfig.trace("Linear(4, 3) | ReLU", "4", netfig_options={"batch": 5})
    assert graph.value_by_id[graph.outputs[0].value].type.sizes == (5, 3)


def test_draw_saves_several_formats_and_shows_itself(tmp_path: Path) -> None:
    result = netfig.draw(Net(), torch.zeros(1, 4))
    paths = result.save(tmp_path / "a.svg", tmp_path / "a.png", tmp_path / "a.pdf", tmp_path / "a.dot")
    assert [p.exists() for p in paths] == [True] * 4
    assert paths[0].read_text() == result.svg() == result._repr_svg_()
    assert paths[1].read_bytes() == result.png()
    assert paths[2].read_bytes() == result.pdf()
    assert paths[3].read_text() == result.dot()
    assert result._repr_mimebundle_()["image/svg+xml"] == result.svg()
    assert result.figure.boxes
    assert result.drawing.items
    assert isinstance(result.graph, Graph)


def test_save_writes_all_files_or_none(tmp_path: Path) -> None:
    result = netfig.draw(Net(), torch.zeros(1, 4))
    with pytest.raises(Missing, match="cannot write"):
        result.save(tmp_path / "a.svg", tmp_path / "nowhere" / "b.svg")
    with pytest.raises(UsageError, match="there is no format 'sgvx'"):
        result.save(tmp_path / "a.svg", tmp_path / "a.sgvx")
    assert list(tmp_path.iterdir()) == []


def test_saving_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real.svg").write_text("old")
    (tmp_path / "link.svg").symlink_to("real.svg")
    netfig.draw("Linear(4)", "4").save(tmp_path / "link.svg")
    assert (tmp_path / "link.svg").is_symlink()
    assert (tmp_path / "real.svg").read_text().startswith("<?xml")


def test_a_saved_file_has_the_permissions_of_an_ordinary_one(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("")
    netfig.draw("Linear(4)", "4").save(tmp_path / "a.svg")
    assert (tmp_path / "a.svg").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_depth_for_a_renderer_without_one_is_refused() -> None:
    with pytest.raises(UsageError, match="the renderer 'pipeline' has no depth"):
        netfig.draw("Linear(4)", "4", renderer="pipeline", depth=2)


def test_a_graph_is_drawn_as_its_model_was(tmp_path: Path) -> None:
    graph = netfig.trace(Net(), torch.zeros(1, 4))
    svg = netfig.draw(graph).svg()
    assert svg == netfig.draw(Net(), torch.zeros(1, 4)).svg()
    netfig.draw(graph).save(tmp_path / "g.json")
    assert netfig.draw(netfig.load_graph(tmp_path / "g.json")).svg() == svg
    with pytest.raises(UsageError, match="a graph takes no inputs"):
        netfig.draw(graph, torch.zeros(1, 4))


def test_annotating_twice_adds_nothing() -> None:
    graph = netfig.trace(Net(), torch.zeros(1, 4))
    assert netfig.draw(graph).graph.notes == graph.notes


def test_options_direction_and_width_reach_the_figure() -> None:
    graph = netfig.trace("Linear(4, 3) | ReLU | Linear(2)", "4")
    wide, tall = (netfig.draw(graph, direction=d).drawing for d in ("right", "down"))  # type: ignore[arg-type]
    assert wide.width > wide.height
    assert tall.height > tall.width
    assert "15 params" in netfig.draw(graph).svg()
    assert "15 params" not in netfig.draw(graph, options={"modules.params": "none"}).svg()
    small = netfig.draw(graph, direction="right", width="2in").drawing
    assert small.width * small.scale == pytest.approx(144, abs=1)


def test_summarize_prints_itself() -> None:
    table = netfig.summarize(Net(), torch.zeros(1, 4))
    assert table.summary.params == 15
    assert "15" in str(table)
    assert "|" in table.text("markdown")


@pytest.mark.parametrize(
    ("text", "value"), [("1in", 72), ("2.54cm", 72), ("25.4 mm", 72), ("100pt", 100), (100, 100), (None, None)]
)
def test_a_width_is_read_in_any_unit(text: Any, value: float | None) -> None:
    assert points(text) == (None if value is None else pytest.approx(value))


@pytest.mark.parametrize("text", ["", "wide", "-1in", "1", "1ft", "nan", "1e9in", "0in"])
def test_a_width_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="width"):
        points(text)


# What plugins may do, and what happens when they do it wrong.


def graph_of(registry: Registry) -> Graph:
    from netfig.hooks import Request

    return annotate(load(Request(Net(), arguments=((torch.zeros(1, 4),), {})), registry), registry)


def test_a_renderer_that_returns_something_else_is_named() -> None:
    wrong = Renderer("wrong", "Returns text.", lambda graph, options: "text")  # type: ignore[arg-type,return-value]
    registry = Registry([plugin(**offering("renderers", wrong))])
    with pytest.raises(PluginError, match=r"'wrong' of the plugin 'mine' \(netfig-mine 1.0\) returned str, not Figure"):
        render(graph_of(registry), registry, renderer="wrong")


def test_a_writer_that_returns_something_else_is_named() -> None:
    wrong = Writer("wrong", "Returns text.", (Format("wrong", "text/plain"),), lambda what, theme, options: "text")  # type: ignore[arg-type,return-value]
    registry = Registry([plugin(**offering("writers", wrong))])
    with pytest.raises(PluginError, match=r"netfig-mine 1.0\) returned str, not bytes"):
        render(graph_of(registry), registry).bytes_of("wrong")


def test_a_renderer_may_write_graphviz_itself() -> None:
    graphviz = pytest.importorskip("graphviz")

    def draw(graph: Graph, options: Any) -> Any:
        dot = graphviz.Digraph("g")
        dot.edge("a", "b")
        return dot

    registry = Registry([plugin(**offering("renderers", Renderer("dotty", "Writes DOT.", draw)))])
    result = render(graph_of(registry), registry, renderer="dotty")
    assert "a -> b" in result.dot()
    assert "<svg" in result.svg()
    assert result.lint() == ()
    assert result.bytes_of("json").startswith(b"{")
    with pytest.raises(UsageError, match="'dotty' cannot be written as 'pdf'") as caught:
        result.pdf()
    assert "with the engine 'dot' also png, pdf" in caught.value.hint


def test_an_annotator_that_fails_costs_a_line_not_the_figure() -> None:
    def fail(graph: Graph, run: Any, options: Any) -> Any:
        raise ValueError("cannot count")

    registry = Registry([plugin(**offering("annotators", Annotator("sad", "Fails.", fail)))])
    lines: list[str] = []
    from netfig.hooks import Request

    graph = annotate(load(Request("Linear(4)", inputs=("4",)), registry), registry, report=lines.append)
    assert lines == [
        "netfig: warning: the annotator 'sad' of the plugin 'mine' (netfig-mine 1.0) failed (ValueError: cannot count)"
    ]
    assert graph.notes_on("")["params"].value == 20


def test_an_annotators_notes_are_kept() -> None:
    annotator = Annotator("happy", "Notes.", lambda graph, run, options: [Note("fc", "mood", "good", author="happy")])
    registry = Registry([plugin(**offering("annotators", annotator))])
    assert graph_of(registry).notes_on("fc")["mood"].value == "good"


def test_a_plugins_op_kind_names_the_box() -> None:
    registry = Registry([plugin(**offering("op_kinds", OpKind("erfinv", "inverse erf")))])
    from netfig.hooks import Request

    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.erfinv(x)

    graph = load(Request(Odd(), arguments=((torch.zeros(1, 4),), {})), registry).graph
    assert "inverse erf" in render(graph, registry).svg()


def test_a_plugin_describes_a_module() -> None:
    @hookimpl
    def netfig_describe_module(module: Any, path: str) -> ModuleDescription | None:
        return ModuleDescription("the head", {"classes": 3}) if path == "fc" else None

    registry = Registry([plugin(netfig_describe_module=netfig_describe_module)])
    notes = graph_of(registry).notes_on("fc")
    assert (notes["label"].value, notes["attribute.classes"].value) == ("the head", 3)


def test_the_module_says_what_it_offers() -> None:
    assert {"draw", "trace", "summarize", "load_graph", "Graph", "NetfigError"} <= set(dir(netfig))
    assert all(hasattr(netfig, name) for name in netfig.__all__)
    with pytest.raises(AttributeError, match="no attribute 'drwa'"):
        netfig.drwa  # noqa: B018


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"direction": "left"}, "direction"),
        ({"engine": "foo"}, "engine"),
        ({"depth": -1}, "depth"),
        ({"netfig_options": {"annotators": "counts"}}, "annotators"),
        ({"netfig_options": [1]}, "netfig_options"),
    ],
)
def test_what_draw_does_not_know_is_said_at_once(given, says):
    with pytest.raises(UsageError, match=says):
        netfig.draw("Linear(4, 4)", "4", **given)


def test_a_file_name_that_no_disk_takes_is_an_error_and_not_a_traceback(tmp_path):
    with pytest.raises(NetfigError, match="cannot write"):
        netfig.draw("Linear(4, 4)", "4").save(tmp_path / ("a" * 300 + ".svg"))
