"""The stages: load, transform, annotate, render. Each checks what a plugin returned and says whose mistake it was."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from netfig.errors import NetfigError, UsageError, did_you_mean
from netfig.figure import Direction, Figure
from netfig.graph import Graph, Note
from netfig.hooks import Loaded, ModelRun, Request, Source
from netfig.pipeline.result import Result
from netfig.pipeline.short import Short

if TYPE_CHECKING:
    from netfig.registry import Registry

Options = Mapping[str, Mapping[str, Any]]


def load(request: Request, registry: Registry, options: Options | None = None) -> Loaded:
    """The graph of a target, by the first source that accepts it.

    Raises:
        UsageError: no source accepts the target.
    """
    source = _source_for(request.target, registry)
    loaded = registry.call("sources", source, source.load, request, registry.options_of(source, options or {}))
    if not (isinstance(loaded, Loaded) and isinstance(loaded.graph, Graph)):
        raise registry.misuse("sources", source, f"returned {type(loaded).__name__}, not Loaded")
    return replace(loaded, graph=_as_plugins_want(loaded, registry))


def _source_for(target: Any, registry: Registry) -> Source:
    for source in registry.sources.values():
        if registry.call("sources", source, source.accepts, target):
            return source
    shown = target if isinstance(target, str) else type(target).__name__
    known = "; ".join(f"{s.name}: {s.summary}" for s in registry.sources.values())
    raise UsageError(f"nothing knows how to read the target {shown!r}", hint=f"known sources: {known}")


def _as_plugins_want(loaded: Loaded, registry: Registry) -> Graph:
    """The graph with what plugins say about its modules and op kinds, kept as notes that renderers read."""
    notes: list[Note] = []
    own = {}
    if registry.others_offer("netfig_op_kinds"):
        own = {name: kind for name, kind in registry.of("op_kinds").items() if registry.owner("op_kinds", name).name != "netfig"}
    for op in loaded.graph.ops if own else ():
        kind = own.get(op.kind)
        if kind is not None:
            author = registry.owner("op_kinds", kind.name).distribution
            facts = {"kind.label": kind.label, "kind.role": kind.role, "kind.sign": kind.sign, "kind.helper": kind.helper}
            notes += [Note(op.id, key, value, author=author) for key, value in facts.items()]
    if loaded.run is not None and any("netfig_describe_module" in p.hooks for p in registry.plugins):
        notes += _described(loaded.graph, loaded.run, registry)
    return replace(loaded.graph, notes=loaded.graph.notes + tuple(notes)) if notes else loaded.graph


def _described(graph: Graph, run: ModelRun, registry: Registry) -> Iterable[Note]:
    modules = dict(run.model.named_modules()) if hasattr(run.model, "named_modules") else {}
    for scope in graph.scopes:
        module = modules.get(scope.path)
        said = registry.describe_module(module, scope.path) if scope.kind == "module" and module is not None else None
        if said is None:
            continue
        if said.label:
            yield Note(scope.id, "label", said.label, author="plugin")
        if said.opaque:
            yield Note(scope.id, "opaque", True, author="plugin")
        for key, value in said.attributes.items():
            yield Note(scope.id, f"attribute.{key}", value, author="plugin")


def transform(loaded: Loaded, registry: Registry, names: Iterable[str], *, options: Options | None = None) -> Loaded:
    """The graph after the passes named, one after another; annotators come after them."""
    return replace(loaded, graph=_passed(loaded.graph, registry, names, options or {}))


def _passed(graph: Graph, registry: Registry, names: Iterable[str], options: Options) -> Graph:
    """A graph after passes; what one of them could not do is said in a line."""
    for chosen in [registry.pass_named(name) for name in names]:
        before, graph = graph, registry.call("passes", chosen, chosen.run, graph, registry.options_of(chosen, options))
        if not isinstance(graph, Graph):
            raise registry.misuse("passes", chosen, f"returned {type(graph).__name__}, not Graph")
        for note in graph.notes if graph is not before else ():
            if note.key.endswith(".refused") and note not in before.notes:
                _to_stderr(f"netfig: warning: no {note.key.rpartition('.')[0]} in {graph.name!r}: {note.value}")
    return graph


def annotate(
    loaded: Loaded,
    registry: Registry,
    *,
    names: Iterable[str] | None = None,
    options: Options | None = None,
    report: Any = None,
) -> Graph:
    """The graph with the notes of all annotators, or of those named. One that fails costs a line, not the figure."""
    graph = loaded.graph
    wanted = tuple(registry.annotators) if names is None else tuple(names)
    for name in wanted:
        if name not in registry.annotators:
            raise UsageError(f"there is no annotator {name!r}", hint=did_you_mean(name, registry.annotators))
    for name in wanted:
        annotator = registry.annotators[name]
        if (annotator.needs_run and loaded.run is None) or not registry.call("annotators", annotator, annotator.suits, graph):
            continue
        own = registry.options_of(annotator, options or {})
        try:
            notes = tuple(registry.call("annotators", annotator, annotator.annotate, graph, loaded.run, own))
            for note in notes:
                if not isinstance(note, Note):
                    raise registry.misuse("annotators", annotator, f"returned {type(note).__name__}, not Note")
            there = frozenset(graph.notes)
            graph = replace(graph, notes=graph.notes + tuple(n for n in notes if n not in there)) if notes else graph
        except NetfigError as error:
            (report or _to_stderr)(f"netfig: warning: {error.what}" + (f" ({error.why})" if error.why else ""))
    return graph


def renderer_for(graph: Graph, registry: Registry) -> str:
    """The renderer of a graph when none is asked for: ``modules``, or for a recurrence the one that suits it best."""
    fitting = {"modules": 0.0}
    particular = graph.axes or any(v.data is not None for v in graph.values) or any(s.kind == "block" for s in graph.scopes)
    particular = particular or any(note.key.startswith("size.") for note in graph.notes)  # sizes by formula
    for name, renderer in registry.renderers.items() if particular else ():
        fitting[name] = registry.call("renderers", renderer, renderer.suits, graph)
    best = max(fitting, key=lambda name: fitting[name])
    return best if fitting[best] >= 0.8 else "modules"


def render(
    graph: Graph,
    registry: Registry,
    *,
    renderer: str | None = None,
    theme: str = "light",
    options: Options | None = None,
    short: Short | None = None,
    direction: Direction | None = None,
    width: float | None = None,
    engine: str = "auto",
) -> Result:
    """A figure of a graph by a renderer: the one named, the one that `short` is for, or the one for such graphs."""
    from netfig.layout.engine import ENGINES

    renderer = renderer or (short.renderer if short is not None else None) or renderer_for(graph, registry)
    chosen, paints = registry.renderer(renderer), registry.theme(theme)
    if direction is not None and direction not in get_args(Direction):
        raise UsageError(f"there is no direction {direction!r}", hint=did_you_mean(str(direction), get_args(Direction)))
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}", hint=did_you_mean(str(engine), ENGINES))
    given = (short or Short({})).into(registry, renderer, options or {})
    graph = _passed(graph, registry, chosen.passes, given)
    drawn = registry.call("renderers", chosen, chosen.draw, graph, registry.options_of(chosen, given))
    if not (isinstance(drawn, Figure) or _is_digraph(drawn)):
        raise registry.misuse("renderers", chosen, f"returned {type(drawn).__name__}, not Figure or graphviz.Digraph")
    return Result(graph, drawn, paints, chosen, registry=registry, options=given, direction=direction, width=width, engine=engine)


def _is_digraph(drawn: Any) -> bool:
    """Whether it is a ``graphviz.Digraph``, without importing graphviz: who made one has."""
    graphviz = sys.modules.get("graphviz")
    return graphviz is not None and isinstance(drawn, (graphviz.Digraph, graphviz.Graph))


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr)
