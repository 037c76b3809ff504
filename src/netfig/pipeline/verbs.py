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
from netfig.pipeline.short import Short
from netfig.pipeline.stages import annotate, load, render, transform
from netfig.pipeline.units import points
from netfig.registry import current_registry

if TYPE_CHECKING:
    from netfig.pipeline.table import Table
    from netfig.registry import Registry

_TRACE_OPTIONS = ("name", "device", "mode", "partial", "batch", "sizes", "annotators", "passes", "options")


def trace(model: Any, /, *args: Any, netfig_options: Mapping[str, Any] | None = None, **kwargs: Any) -> Graph:
    """The graph of one real forward pass, `model(*args, **kwargs)`, run on a copy; the model is left as it was.

    `model` is a module, or a target as on the command line (``"net.py:Net"``, a layer chain, a saved graph); the arguments of a
    target in words are ``--input`` words (``"3x64x64"``). Everything of ours goes into `netfig_options`, so that no keyword of
    the model's own is taken: ``name``, ``device``, ``mode`` (``"eval"`` or ``"train"``), ``partial``, ``batch``,
    ``sizes`` (``{"H": 17}``) and ``annotators`` (names; all of them when left out), ``passes`` (names, in order) and ``options``
    (``{"unroll.extent": 3}``).
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
    names = _names("annotators", given.pop("annotators", None))
    passes = _names("passes", given.pop("passes", None)) or ()
    registry = current_registry()
    options = registry.options(given.pop("options", None) or {})
    loaded = load(_request(model, args, kwargs, given), registry, options)
    return annotate(transform(loaded, registry, passes, options=options), registry, names=names, options=options)


def _names(what: str, names: Any) -> Iterable[str] | None:
    if isinstance(names, str):
        raise UsageError(f"{what} are a list of names, not {names!r}", hint=f"write [{names!r}]")
    return None if names is None else tuple(names)


def draw(
    target: Any,
    /,
    *inputs: Any,
    renderer: str | None = None,
    theme: str = "light",
    depth: int | None = None,
    expand: str | Iterable[str] = (),
    collapse: str | Iterable[str] = (),
    max_boxes: int | None = None,
    steps: int | None = None,
    all_steps: bool = False,
    highlight: str | None = None,
    with_unrolled: bool = False,
    direction: Direction | None = None,
    width: str | float | None = None,
    engine: str = "auto",
    passes: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    netfig_options: Mapping[str, Any] | None = None,
) -> Result:
    """A figure of a graph, a module or a target in words. Without a `renderer` it is ``modules``, of a recurrence ``unrolled``.

    `inputs` and `kwargs` are what the model is called with, `netfig_options` as for `trace`. `depth`, `expand` and `collapse`
    (paths of modules such as ``"layers.3"``, or globs), `max_boxes`, `steps`, `all_steps`, `highlight` (``"h[3]"``) and
    `with_unrolled` are short for options of the renderer, as on the command line. `passes` change the graph first
    (``["unroll"]``). `options` are those of passes, renderers and writers (``{"pipeline.style": "volumes"}``), `width` is the
    printed one (``"3.25in"``).

    Raises:
        NetfigError: what is given fits no source, renderer or option, or contradicts itself; its hint says what does.

    The figure shows itself in a notebook; ``.save("a.svg", "a.pdf")`` writes it.
    """
    registry = current_registry()
    sorted_options = registry.options(options or {})
    named = {"depth": depth, "expand": expand, "collapse": collapse, "max_boxes": max_boxes, "steps": steps}
    named |= {"all_steps": all_steps, "highlight": highlight, "with_unrolled": with_unrolled}
    short = Short.of(named)
    renderer = renderer or short.renderer
    if renderer is not None:
        short.into(registry, renderer, sorted_options)  # what is wrong is said before the model runs
    changed = {"passes": _names("passes", passes) or ()} if passes else {}
    if own := _of_others(options, registry):
        changed["options"] = own
    return render(
        _graph_of(target, inputs, kwargs, netfig_options, changed),
        registry,
        renderer=renderer,
        theme=theme,
        options=sorted_options,
        short=short,
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


def evaluate(
    target: Any,
    /,
    inputs: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    steps: int | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    dtype: Any = None,
    functions: Mapping[str, Any] | None = None,
    passes: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The numbers of every value of a graph or recurrence, as tensors by value id; see `netfig.evaluation.evaluate`.

    `inputs` and `parameters` that are not given are random, the same for the same `seed`. `steps` is the number of steps in time,
    `functions` says what unknown functions compute. The dtype is ``torch.float64`` unless given; gradients flow through.
    """
    from netfig.evaluation import evaluate as evaluated
    from netfig.pipeline.evaluation import with_steps

    registry = current_registry()
    ready = registry.options(options or {})
    loaded = Loaded(target) if isinstance(target, Graph) else load(_request(target, (), {}, {}), registry, ready)
    graph = transform(loaded, registry, _names("passes", passes) or (), options=ready).graph
    known = with_steps(graph, steps, sizes or {})
    return evaluated(graph, inputs, parameters, known, dtype=dtype, functions=functions, seed=seed)


def load_graph(path: str | os.PathLike[str]) -> Graph:
    """A graph saved by ``netfig trace`` or `netfig.schema.graph_to_json`; never runs code."""
    registry = current_registry()
    source = registry.sources["saved"]
    loaded: Loaded = registry.call("sources", source, source.load, Request(os.fspath(path)), registry.options_of(source, {}))
    return loaded.graph


def _of_others(options: Mapping[str, Any] | None, registry: Registry) -> dict[str, Any]:
    """Options of what runs before a renderer: of sources and passes."""
    names = {*registry.passes, *registry.sources}
    return {key: value for key, value in (options or {}).items() if key.rpartition(".")[0] in names}


def _graph_of(
    target: Any,
    inputs: tuple[Any, ...],
    kwargs: Mapping[str, Any] | None,
    given: Mapping[str, Any] | None,
    changed: Mapping[str, Any] | None = None,
) -> Graph:
    """The graph of a target; `changed` are options of `trace` that stand beside those given."""
    if not isinstance(target, Graph):
        return _traced(target, inputs, dict(kwargs or {}), {**(given or {}), **changed} if changed else given)
    if inputs or kwargs or given:
        raise UsageError("a graph takes no inputs", hint="it was traced with some; leave them out")
    registry = current_registry()
    wanted = dict(changed or {})
    options = registry.options(wanted.get("options", {}))
    return annotate(transform(Loaded(target), registry, wanted.get("passes", ()), options=options), registry)


def _request(model: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any], given: Mapping[str, Any]) -> Request:
    if not isinstance(model, (str, os.PathLike)):
        return Request(model, arguments=(args, kwargs), **given)
    if all(isinstance(a, str) for a in args) and not kwargs:
        return Request(os.fspath(model), inputs=args, **given)
    return Request(os.fspath(model), arguments=(args, kwargs), **given)
