"""`diff`: two models side by side, as a figure, as text, as data."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from netfig.errors import UsageError
from netfig.graph import Graph
from netfig.hooks import Renderer
from netfig.pipeline.result import Result
from netfig.pipeline.units import points
from netfig.registry import current_registry

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.figure import Direction
    from netfig.graph.align import Alignment
    from netfig.registry import Registry


class Comparison(Result):
    """Two graphs and their differences. A `Result` whose figure shows both; as ``txt`` and ``json`` it is written in words."""

    def __init__(self, alignment: Alignment, registry: Registry, renderer: Renderer, figure: Any, **how: Any) -> None:
        super().__init__(alignment.after, figure, how.pop("theme"), renderer, registry=registry, **how)
        self.alignment = alignment

    def __repr__(self) -> str:
        return f"<netfig comparison of {self.alignment.before.name!r} and {self.alignment.after.name!r}>"

    @property
    def is_equal(self) -> bool:
        """Whether the two compute the same with the same layers."""
        return self.alignment.is_equal

    @cached_property
    def text(self) -> str:
        """One line for each difference, and totals."""
        from netfig.summary.differences import difference_text

        return difference_text(self.alignment)

    @cached_property
    def data(self) -> dict[str, Any]:
        """The same as dictionaries, lists, texts and numbers."""
        from netfig.summary.differences import difference_data

        return difference_data(self.alignment)

    def bytes_of(self, suffix: str) -> bytes:
        """The file of a format; ``txt`` and ``json`` are the differences in words."""
        if suffix == "txt":
            return self.text.encode()
        if suffix == "json":
            import json

            return (json.dumps(self.data, indent=2, ensure_ascii=False) + "\n").encode()
        return super().bytes_of(suffix)


def compare(
    before: Graph,
    after: Graph,
    registry: Registry,
    *,
    theme: str = "light",
    depth: int | None = None,
    max_boxes: int | None = None,
    context: bool = False,
    options: Mapping[str, Mapping[str, Any]] | None = None,
    direction: Direction | None = None,
    width: float | None = None,
    engine: str = "auto",
) -> Comparison:
    """Two graphs as one figure."""
    from netfig.graph.align import align
    from netfig.renderers.compare import draw_comparison
    from netfig.renderers.options import CompareOptions

    given: dict[str, Any] = {"depth": depth, "max_boxes": max_boxes, "context": context or None}
    for name, number in (("depth", depth), ("max_boxes", max_boxes)):
        if number is not None and number < 1:
            raise UsageError(f"{name} is at least 1, not {number}")
    own = CompareOptions(**{key: value for key, value in given.items() if value is not None})
    alignment = align(before, after)
    chosen = Renderer("diff", "Two models in one figure.", lambda graph, chosen: figure, options=CompareOptions)
    figure = draw_comparison(alignment, own)
    how = {"options": options or {}, "direction": direction, "width": width, "engine": engine}
    return Comparison(alignment, registry, chosen, figure, theme=registry.theme(theme), **how)


def diff(
    before: Any,
    after: Any,
    /,
    *inputs: Any,
    theme: str = "light",
    depth: int | None = None,
    max_boxes: int | None = None,
    context: bool = False,
    direction: Direction | None = None,
    width: str | float | None = None,
    engine: str = "auto",
    passes: Iterable[str] = (),
    options: Mapping[str, Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    netfig_options: Mapping[str, Any] | None = None,
) -> Comparison:
    """What is the same, changed, added and removed from one model to another: graphs, modules or targets in words.

    `inputs` and `kwargs` are what both are called with; for models with different inputs, compare two `trace`d graphs. The figure
    is opened down to where the models differ: `depth` says how deep instead, `max_boxes` how large it may become before less is
    opened, `context` that everything that is the same is drawn. ``.text`` is the same in words, ``.data`` for programs.

    Raises:
        NetfigError: what is given fits no source or option; its hint says what does.
    """
    from netfig.pipeline.verbs import _graph_of, _names

    registry = current_registry()
    changed = {"passes": _names("passes", passes) or ()} if passes else {}
    graphs = []
    for target in (before, after):
        mine = (inputs, kwargs, netfig_options) if not isinstance(target, Graph) else ((), None, None)
        graphs.append(_graph_of(target, *mine, changed))
    return compare(
        graphs[0],
        graphs[1],
        registry,
        theme=theme,
        depth=depth,
        max_boxes=max_boxes,
        context=context,
        options=registry.options(options or {}),
        direction=direction,
        width=points(width),
        engine=engine,
    )
