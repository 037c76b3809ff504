"""The contract between netfig and its plugins: hook markers, descriptors and the API version. Nothing else.

A plugin is a module or object in the entry-point group ``netfig`` whose functions are marked with `hookimpl`. Built-ins use
exactly these hooks. Descriptors are frozen dataclasses with a `name`, a one-sentence `summary` and an `options` dataclass whose
fields become ``--opt <name>.<field>=<value>``: the field's type parses it, its default documents it, ``metadata={"help": …}``
explains it, and ``metadata={"choices": (…)}`` (or a ``Literal`` type) limits it.

A plugin says which version of this contract it was written for with a name of its module: ``NETFIG_API = (1, 0)``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

import pluggy

from netfig.records import dataclass

if TYPE_CHECKING:
    import click
    import graphviz

    from netfig.figure import Figure
    from netfig.graph import Graph, Note
    from netfig.theme import Theme

API = (1, 0)
"""Version of this contract: a plugin built for another major version is refused, with a line that says so."""

hookspec = pluggy.HookspecMarker("netfig")
hookimpl = pluggy.HookimplMarker("netfig")


@dataclass(frozen=True)
class NoOptions:
    """For descriptors that take none."""


@dataclass(frozen=True)
class Request:
    """What the user asked of a source: the target as typed, and how to run it.

    `inputs` are the ``--input`` words as typed, `inputs_from` the ``--inputs`` target; `batch` is added to each bare shape.
    `arguments` are ``(args, kwargs)`` given from Python; they stand for both. `configured` are the fields that nobody typed for
    this target: a configuration file or the environment gives them for all, and a source that has no use for one need not say so.
    `sizes` are numbers for sizes that are names.
    """

    target: Any
    inputs: tuple[str, ...] = ()
    inputs_from: str | None = None
    batch: int = 1
    device: str = "auto"
    mode: str = "eval"
    partial: bool = False
    verify: bool = False
    name: str | None = None
    arguments: tuple[tuple[Any, ...], Mapping[str, Any]] | None = None
    configured: frozenset[str] = frozenset()
    sizes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ModelRun:
    """A live model and the inputs it was traced on, for annotators that run it again on a copy of their own."""

    model: Any
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Loaded:
    """What a source hands back: the graph, and the live model when there is one."""

    graph: Graph
    run: ModelRun | None = None


@dataclass(frozen=True)
class Source:
    """Turns a target into a Graph. `accepts` is cheap, reads at most a suffix or a first line, and never runs code."""

    name: str
    summary: str
    accepts: Callable[[Any], bool]
    load: Callable[[Request, Any], Loaded]
    runs_code: bool = False
    options: type = NoOptions


@dataclass(frozen=True)
class Annotator:
    """Computes notes for a graph: ``annotate(graph, run, options)``, where `run` is ``None`` when there is no live model.

    It is not asked about graphs it does not suit, nor, when it `needs_run`, about one without a live model.
    """

    name: str
    summary: str
    annotate: Callable[[Graph, ModelRun | None, Any], Iterable[Note]]
    options: type = NoOptions
    suits: Callable[[Graph], bool] = lambda graph: True
    needs_run: bool = False


@dataclass(frozen=True)
class Pass:
    """Turns a Graph into a Graph."""

    name: str
    summary: str
    run: Callable[[Graph, Any], Graph]
    options: type = NoOptions


@dataclass(frozen=True)
class Renderer:
    """Decides what to show. `suits` gives 0 (cannot) to 1 (made for it); the default renderer is asked for by name.

    `passes` are those a graph goes through before it is drawn; one that is fit already comes out of them as it went in.
    """

    name: str
    summary: str
    draw: Callable[[Graph, Any], Figure | graphviz.Digraph]
    suits: Callable[[Graph], float] = lambda graph: 0.5
    options: type = NoOptions
    passes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Format:
    """A file format a writer makes: suffix without the dot, media type, and whether the bytes are text."""

    suffix: str
    media_type: str
    text: bool = True


@dataclass(frozen=True)
class Writer:
    """Writes a Drawing (or, with ``takes="figure"`` / ``"graph"``, that) as bytes."""

    name: str
    summary: str
    formats: tuple[Format, ...]
    write: Callable[[Any, Theme, Any], bytes]
    takes: str = "drawing"
    options: type = NoOptions


@dataclass(frozen=True)
class OpKind:
    """How an op is named and drawn: role of its box, the sign in its circle, and whether it is a helper nobody draws."""

    name: str
    label: str
    role: str = "op.box"
    sign: str = ""
    helper: bool = False


@dataclass(frozen=True)
class ModuleDescription:
    """How a plugin wants a module shown: its label, extra attributes, and whether to treat it as one op."""

    label: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    opaque: bool = False


class Specs:
    """The hook specifications. Implementations may take fewer arguments than the specification names."""

    @hookspec
    def netfig_sources(self) -> Iterable[Source]:  # type: ignore[empty-body]
        """Called once, when a target is first looked at. Return sources; an empty list adds none. Since 1.0."""

    @hookspec
    def netfig_annotators(self) -> Iterable[Annotator]:  # type: ignore[empty-body]
        """Called once, before a graph is first annotated. Since 1.0."""

    @hookspec
    def netfig_passes(self) -> Iterable[Pass]:  # type: ignore[empty-body]
        """Called once, when passes are first needed. Since 1.0."""

    @hookspec
    def netfig_renderers(self) -> Iterable[Renderer]:  # type: ignore[empty-body]
        """Called once, when a renderer is first needed. Since 1.0."""

    @hookspec
    def netfig_writers(self) -> Iterable[Writer]:  # type: ignore[empty-body]
        """Called once, when a format is first needed. Since 1.0."""

    @hookspec
    def netfig_themes(self) -> Iterable[Theme]:  # type: ignore[empty-body]
        """Called once, when a theme is first needed. Since 1.0."""

    @hookspec
    def netfig_op_kinds(self) -> Iterable[OpKind]:  # type: ignore[empty-body]
        """Called once, when the first graph is drawn. Since 1.0."""

    @hookspec
    def netfig_commands(self, cli: click.Group) -> None:
        """Called once, before the command line is parsed; add commands to `cli`. Since 1.0."""

    @hookspec(firstresult=True)
    def netfig_describe_module(self, module: Any, path: str) -> ModuleDescription | None:
        """Called for each module traced; the first answer that is not ``None`` wins. Since 1.0."""
