"""Plugins: found, guarded, checked and attributed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from types import ModuleType
from typing import Any, Literal

import pytest

from netfig.errors import PluginError, UsageError
from netfig.figure import Box, Figure, Group
from netfig.hooks import Annotator, Format, NoOptions, OpKind, Renderer, Source, Specs, Writer, hookimpl
from netfig.mathtext import plain
from netfig.registry import KINDS, Candidate, Registry, describe
from netfig.registry.installed import _chosen
from netfig.theme import Theme, load_theme


def plugin(name: str = "mine", distribution: str = "netfig-mine 1.0", **hooks: Any) -> Candidate:
    """A plugin made of functions."""
    module = ModuleType(name)
    vars(module).update(hooks)
    return Candidate(name, distribution, lambda: module)


def renderer(name: str, options: type = NoOptions) -> Renderer:
    def draw(graph: Any, options: Any) -> Figure:
        return Figure(graph.name, "one box", Group("root", (Box("a", "op", (plain("a"),)),)))

    return Renderer(name, f"Draws {name}.", draw, options=options)


def offering(kind: str, *found: Any) -> dict[str, Any]:
    def offer() -> Any:
        return list(found)

    offer.__name__ = f"netfig_{kind}"
    return {offer.__name__: hookimpl(offer)}


def test_a_plugins_renderer_stands_beside_the_built_in_ones() -> None:
    found = Registry([plugin(**offering("renderers", renderer("mine")))])
    assert {"modules", "mine"} <= set(found.renderers)
    assert found.owner("renderers", "mine").distribution == "netfig-mine 1.0"
    assert found.owner("renderers", "modules").name == "netfig"


def test_a_name_taken_twice_names_both_distributions() -> None:
    candidates = [
        plugin("a", "netfig-a 1.0", **offering("renderers", renderer("same"))),
        plugin("b", "netfig-b 2.0", **offering("renderers", renderer("same"))),
    ]
    with pytest.raises(PluginError, match=r"'same' is offered twice: by netfig-a 1.0 and by netfig-b 2.0"):
        Registry(candidates).renderers  # noqa: B018


def test_a_format_taken_twice_names_both_distributions() -> None:
    svg = Writer("other", "Writes SVG too.", (Format("svg", "image/svg+xml"),), lambda *a: b"")
    with pytest.raises(PluginError, match=r"format 'svg' is offered twice: by netfig 0.* and by netfig-mine 1.0"):
        Registry([plugin(**offering("writers", svg))]).formats  # noqa: B018


def test_a_plugin_that_fails_to_load_costs_one_line_and_nothing_else() -> None:
    def explode() -> Any:
        raise ImportError("no module named\n'nowhere'")

    lines: list[str] = []
    registry = Registry(
        [Candidate("bad", "netfig-bad 0.1", explode), plugin(**offering("renderers", renderer("good")))], report=lines.append
    )
    assert "good" in registry.renderers
    assert lines == ["netfig: plugin 'bad' (netfig-bad 0.1) is not used: ImportError: no module named 'nowhere'"]
    assert "ImportError" in next(p.error for p in registry.plugins if p.name == "bad")


@pytest.mark.parametrize("api", [(2, 0), (1, 99), (0, 9)])
def test_a_plugin_for_another_api_is_refused_with_both_versions(api: tuple[int, int]) -> None:
    lines: list[str] = []
    Registry([plugin(NETFIG_API=api)], report=lines.append)
    assert len(lines) == 1
    assert f"built for plugin API {api[0]}.{api[1]}, this netfig has 1.0" in lines[0]


def test_a_misspelt_hook_is_refused_with_the_right_spelling() -> None:
    @hookimpl
    def netfig_rendrers() -> list[Any]:
        return []

    lines: list[str] = []
    registry = Registry([plugin(netfig_rendrers=netfig_rendrers)], report=lines.append)
    assert "'netfig_rendrers', which is no hook" in lines[0]
    assert "did you mean 'netfig_renderers'?" in lines[0]
    assert "modules" in registry.renderers


@pytest.mark.parametrize(
    ("kind", "wrong", "why"),
    [
        ("renderers", "a string", "returned str, not Renderer"),
        ("renderers", Renderer("a b", "Bad name.", lambda g, o: g), "the name 'a b'"),
        ("renderers", Renderer("x", "Not callable.", "draw"), "draw of 'x' is not callable"),  # type: ignore[arg-type]
        ("renderers", Renderer("x", "No dataclass.", lambda g, o: g, options=dict), "not a dataclass"),
        ("writers", Writer("x", "No format.", (), lambda *a: b""), "names no format"),
        ("writers", Writer("x", "Takes what?", (Format("x", "x/x"),), lambda *a: b"", takes="soup"), "takes 'soup'"),
    ],
)
def test_what_a_hook_returns_is_checked_and_the_plugin_named(kind: str, wrong: Any, why: str) -> None:
    lines: list[str] = []
    registry = Registry([plugin(**offering(kind, wrong))], report=lines.append)
    assert set(registry.of(kind)) == set(Registry([]).of(kind))
    assert len(lines) == 1
    assert "netfig-mine 1.0" in lines[0]
    assert why in lines[0]


def test_a_hook_that_raises_is_guarded_and_reported_once() -> None:
    @hookimpl
    def netfig_renderers() -> Any:
        raise RuntimeError("boom")

    lines: list[str] = []
    registry = Registry([plugin(netfig_renderers=netfig_renderers)], report=lines.append)
    assert "modules" in registry.renderers
    assert "modules" in registry.renderers
    assert lines == ["netfig: plugin 'mine' (netfig-mine 1.0) is not used: netfig_renderers raised RuntimeError: boom"]


def test_hooks_are_asked_lazily() -> None:
    asked: list[str] = []

    @hookimpl
    def netfig_renderers() -> list[Renderer]:
        asked.append("renderers")
        return []

    @hookimpl
    def netfig_writers() -> list[Writer]:
        asked.append("writers")
        return []

    registry = Registry([plugin(netfig_renderers=netfig_renderers, netfig_writers=netfig_writers)])
    assert asked == []
    registry.renderers  # noqa: B018
    registry.renderers  # noqa: B018
    assert asked == ["renderers"]


def test_a_component_that_raises_is_its_plugins_fault() -> None:
    registry = Registry([plugin(**offering("renderers", renderer("mine")))])

    def fail() -> None:
        raise KeyError("oops")

    with pytest.raises(PluginError, match=r"the renderer 'mine' of the plugin 'mine' \(netfig-mine 1.0\) failed"):
        registry.call("renderers", registry.renderer("mine"), fail)


def test_a_built_in_that_raises_keeps_its_traceback() -> None:
    registry = Registry([])

    def fail() -> None:
        raise KeyError("oops")

    with pytest.raises(KeyError):
        registry.call("renderers", registry.renderer("modules"), fail)


# One test for each hook of the contract.


def test_hook_netfig_sources() -> None:
    source = Source("mine", "Reads mine.", lambda target: False, lambda request, options: None)  # type: ignore[arg-type,return-value]
    assert "mine" in Registry([plugin(**offering("sources", source))]).sources


def test_hook_netfig_annotators() -> None:
    annotator = Annotator("mine", "Notes mine.", lambda graph, run, options: ())
    assert "mine" in Registry([plugin(**offering("annotators", annotator))]).annotators


def test_hook_netfig_passes() -> None:
    from netfig.hooks import Pass

    assert "mine" in Registry([plugin(**offering("passes", Pass("mine", "Changes nothing.", lambda graph, options: graph)))]).of(
        "passes"
    )


def test_hook_netfig_renderers() -> None:
    assert "mine" in Registry([plugin(**offering("renderers", renderer("mine")))]).renderers


def test_hook_netfig_writers() -> None:
    writer = Writer("mine", "Writes mine.", (Format("mine", "text/x-mine"),), lambda what, theme, options: b"mine")
    assert Registry([plugin(**offering("writers", writer))]).format("mine")[0] is writer


def test_hook_netfig_themes() -> None:
    theme = Theme("mine", roles=load_theme("light").roles)
    assert Registry([plugin(**offering("themes", theme))]).theme("mine") is theme


def test_hook_netfig_op_kinds() -> None:
    assert Registry([plugin(**offering("op_kinds", OpKind("mine_op", "mine")))]).of("op_kinds")["mine_op"].label == "mine"


def test_hook_netfig_describe_module() -> None:
    from netfig.hooks import ModuleDescription

    @hookimpl
    def netfig_describe_module(module: Any, path: str) -> ModuleDescription | None:
        return ModuleDescription(label="mine") if path == "fc" else None

    registry = Registry([plugin(netfig_describe_module=netfig_describe_module)])
    assert registry.describe_module(object(), "fc").label == "mine"
    assert registry.describe_module(object(), "other") is None


def test_hook_netfig_commands() -> None:
    import click

    @hookimpl
    def netfig_commands(cli: click.Group) -> None:
        cli.add_command(click.Command("mine"))

    group = click.Group()
    Registry([plugin(netfig_commands=netfig_commands)]).add_commands(group)
    assert "mine" in group.commands


def test_every_hook_has_a_test() -> None:
    hooks = [name for name in vars(Specs) if name.startswith("netfig_")]
    assert hooks
    assert [h for h in hooks if f"test_hook_{h}" not in globals()] == []


# Options.


@dataclass(frozen=True)
class Options:
    style: Literal["flat", "tall"] = field(default="flat", metadata={"help": "how it looks"})
    depth: int | None = None
    factor: float = 1.0
    shown: bool = True
    names: tuple[str, ...] = ()
    size: str = field(default="small", metadata={"choices": ("small", "large")})


@pytest.fixture
def registry() -> Registry:
    return Registry([plugin(**offering("renderers", renderer("mine", Options)))])


@pytest.mark.parametrize(
    ("word", "key", "value"),
    [
        ("mine.style=tall", "style", "tall"),
        ("mine.depth=3", "depth", 3),
        ("mine.depth=none", "depth", None),
        ("mine.factor=2", "factor", 2.0),
        ("mine.shown=no", "shown", False),
        ("mine.names=a,b", "names", ("a", "b")),
        ("mine.names=", "names", ()),
        ("mine.size=large", "size", "large"),
    ],
)
def test_an_option_is_parsed_as_its_type(registry: Registry, word: str, key: str, value: Any) -> None:
    found = registry.options_of(registry.renderer("mine"), registry.options([word]))
    assert getattr(found, key) == value
    assert type(getattr(found, key)) is type(value)


@pytest.mark.parametrize(
    ("word", "what", "hint"),
    [
        ("mine.stlye=tall", "mine has no option 'stlye'", "did you mean 'style'?"),
        ("mine.style=tal", "mine.style must be one of flat, tall, not 'tal'", "did you mean 'tall'?"),
        ("mine.size=huge", "mine.size must be one of small, large, not 'huge'", ""),
        ("mine.depth=deep", "mine.depth must be a whole number or none", ""),
        ("mine.factor=x", "mine.factor must be a number", ""),
        ("mine.shown=maybe", "mine.shown must be true or false", ""),
        ("mien.style=tall", "no component is called 'mien'", "did you mean 'mine'?"),
        ("style=tall", "is not of the form name.key=value", "pipeline.style=volumes"),
        ("mine.style", "is not of the form name.key=value", ""),
    ],
)
def test_a_wrong_option_says_what_would_be_right(registry: Registry, word: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        registry.options([word])
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_all_wrong_options_of_a_component_are_said_at_once(registry: Registry) -> None:
    with pytest.raises(UsageError) as caught:
        registry.options(["mine.depth=x", "mine.nonsense=1", "mine.shown=2"])
    assert str(caught.value).count("mine") >= 3


def test_options_from_python_keep_their_types(registry: Registry) -> None:
    found = registry.options_of(
        registry.renderer("mine"), registry.options({"mine.depth": 2, "mine.names": ["a"], "mine.factor": 3})
    )
    assert (found.depth, found.names, found.factor) == (2, ("a",), 3.0)
    with pytest.raises(UsageError, match="whole number"):
        registry.options({"mine.depth": True})


def test_an_option_documents_itself(registry: Registry) -> None:
    style, depth = describe(registry.renderer("mine"))[:2]
    assert (style.name, style.type, style.choices, style.default, style.help) == (
        "style",
        "choice",
        ("flat", "tall"),
        "flat",
        "how it looks",
    )
    assert depth.type == "int or none"


@pytest.mark.parametrize("kind", KINDS)
def test_the_built_ins_are_what_is_asked_of_plugins(kind: str) -> None:
    """They are not checked at every start."""
    ours = Registry([]).of(kind).values()
    again = [replace(one, name=f"again-{one.name}") for one in ours]
    said: list[str] = []
    found = Registry([plugin(**offering(kind, *again))], report=said.append).of(kind)
    assert said == []
    assert {one.name for one in again} <= set(found)


def test_every_option_of_the_built_ins_is_documented() -> None:
    found = Registry([])
    bare = [
        f"{d.name}.{o.name}"
        for kind in ("renderers", "writers", "annotators", "sources", "passes")
        for d in found.of(kind).values()
        for o in describe(d)
        if not o.help
    ]
    assert bare == []


# Choosing plugins.


def candidates(*names: str) -> list[Candidate]:
    return [plugin(name) for name in names]


@pytest.mark.parametrize(
    ("choice", "kept"),
    [(None, "abc"), ("", "abc"), ("none", ""), ("a,c", "ac"), ("-a", "bc"), ("-a,-c", "b")],
)
def test_the_environment_chooses_plugins(choice: str | None, kept: str) -> None:
    assert "".join(c.name for c in _chosen(candidates("a", "b", "c"), choice)) == kept


def test_choosing_a_plugin_that_is_not_there_says_which_are() -> None:
    from netfig.errors import Missing

    with pytest.raises(Missing, match="names the plugin 'outlin', which is not installed") as caught:
        list(_chosen(candidates("outline"), "outlin"))
    assert "did you mean 'outline'?" in caught.value.hint


def test_mixing_both_ways_of_choosing_is_an_error() -> None:
    with pytest.raises(UsageError, match="mixes"):
        list(_chosen(candidates("a", "b"), "a,-b"))
