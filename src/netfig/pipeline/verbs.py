"""`trace`, `draw`, `summarize`, `load_graph`: what ``import netfig`` offers."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Direction
from netfig.graph import Graph
from netfig.hooks import Loaded, Request
from netfig.pipeline.result import Result
from netfig.pipeline.stages import annotate, load, render
from netfig.pipeline.units import points
from netfig.registry import current_registry

if TYPE_CHECKING:
    from netfig.pipeline.table import Table

_TRACE_OPTIONS = ("name", "device", "mode", "partial", "batch", "annotators")


def trace(model: Any, /, *args: Any, netfig_options: Mapping[str, Any] | None = None, **kwargs: Any) -> Graph:
    """The graph of one real forward pass, `model(*args, **kwargs)`, run on a copy; the model is left as it was.

    `model` is a module, or a target as on the command line (``"net.py:Net"``, a layer chain, a saved graph); the arguments of a
    target in words are ``--input`` words (``"3x64x64"``). Everything of ours goes into `netfig_options`, so that no keyword of
    the model's own is taken: ``name``, ``device``, ``mode`` (``"eval"`` or ``"train"``), ``partial``, ``batch`` and
    ``annotators`` (names; all of them when left out).
    """
    return _traced(model, args, kwargs, netfig_options)


def _traced(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], netfig_options: Mapping[str, Any] | None) -> Graph:
    if not (netfig_options is None or isinstance(netfig_options, Mapping)):
        raise UsageError(
            f"netfig_options is a mapping, not a {type(netfig_options).__name__}",
            hint="a model whose forward has a keyword of this name is traced by draw(model, kwargs={'netfig_options': …})",
        )
    given = dict(netfig_options or {})
    for key in given:
        if key not in _TRACE_OPTIONS:
            raise UsageError(f"trace has no option {key!r}", hint=did_you_mean(str(key), _TRACE_OPTIONS))
    names = given.pop("annotators", None)
    if isinstance(names, str):
        raise UsageError(f"annotators are a list of names, not {names!r}", hint=f"write [{names!r}]")
    registry = current_registry()
    return annotate(load(_request(model, args, kwargs, given), registry), registry, names=names)


def draw(
    target: Any,
    /,
    *inputs: Any,
    renderer: str = "modules",
    theme: str = "light",
    depth: int | None = None,
    direction: Direction | None = None,
    width: str | float | None = None,
    engine: str = "auto",
    options: Mapping[str, Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    netfig_options: Mapping[str, Any] | None = None,
) -> Result:
    """A figure of a graph, a module or a target in words.

    `inputs` and `kwargs` are what the model is called with, `netfig_options` as for `trace`. `options` are those of renderers
    and writers (``{"pipeline.style": "volumes"}``), `width` is the printed one (``"3.25in"``).

    The figure shows itself in a notebook; ``.save("a.svg", "a.pdf")`` writes it.
    """
    registry = current_registry()
    sorted_options = registry.options(options or {})
    return render(
        _graph_of(target, inputs, kwargs, netfig_options),
        registry,
        renderer=renderer,
        theme=theme,
        options=sorted_options,
        depth=depth,
        direction=direction,
        width=points(width),
        engine=engine,
    )


def summarize(
    target: Any,
    /,
    *inputs: Any,
    depth: int | None = None,
    columns: Iterable[str] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    netfig_options: Mapping[str, Any] | None = None,
) -> Table:
    """The table of a graph, module or target: layers, shapes, parameters, multiply-adds. Printing it shows it."""
    from netfig.pipeline.table import Table
    from netfig.summary import summarize as rows_of

    return Table(rows_of(_graph_of(target, inputs, kwargs, netfig_options), depth=depth, columns=columns))


def load_graph(path: str | os.PathLike[str]) -> Graph:
    """A graph saved by ``netfig trace`` or `netfig.schema.graph_to_json`; never runs code."""
    registry = current_registry()
    source = registry.sources["saved"]
    loaded: Loaded = registry.call("sources", source, source.load, Request(os.fspath(path)), registry.options_of(source, {}))
    return loaded.graph


def _graph_of(target: Any, inputs: tuple[Any, ...], kwargs: Mapping[str, Any] | None, given: Mapping[str, Any] | None) -> Graph:
    if not isinstance(target, Graph):
        return _traced(target, inputs, dict(kwargs or {}), given)
    if inputs or kwargs or given:
        raise UsageError("a graph takes no inputs", hint="it was traced with some; leave them out")
    return annotate(Loaded(target), current_registry())


def _request(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: Mapping[str, Any]) -> Request:
    if not isinstance(model, (str, os.PathLike)):
        return Request(model, arguments=(args, kwargs), **given)
    if all(isinstance(a, str) for a in args) and not kwargs:
        return Request(os.fspath(model), inputs=args, **given)
    return Request(os.fspath(model), arguments=(args, kwargs), **given)
