"""The verb `evaluate`: the numbers of a graph, on given or random ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from netfig.errors import UsageError, did_you_mean
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.graph import Graph

STEPS = "t"
"""The axis that `steps` counts."""


@dataclass(frozen=True)
class Numbers:
    """One value's numbers as a table: a row for each index or row of it, with its label; `shape` as torch gives it."""

    shape: tuple[int, ...]
    labels: tuple[str, ...]
    rows: tuple[tuple[float, ...], ...]
    nested: Any


class Evaluation(dict[str, Numbers]):
    """The numbers of the values asked for, by value id."""

    def data(self) -> dict[str, Any]:
        """For JSON: nested lists of numbers."""
        return {id: numbers.nested for id, numbers in self.items()}


def evaluate_graph(
    graph: Graph,
    *,
    steps: int | None = None,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    functions: Mapping[str, str] | None = None,
    values: Iterable[str] | None = None,
) -> Evaluation:
    """The outputs of a graph (or the `values` named) on random numbers; `functions` are names of known ones."""
    from netfig.evaluation import evaluate
    from netfig.evaluation.ops import by_name

    known = with_steps(graph, steps, sizes or {})
    named = {}
    for unknown, name in (functions or {}).items():
        function = by_name(name)
        if function is None:
            raise UsageError(f"there is no function {name!r} for {unknown}", hint="tanh, relu, sigmoid, … are known")
        named[unknown] = function
    found = evaluate(graph, sizes=known, functions=named, seed=seed)
    wanted = list(values) if values is not None else [port.value for port in graph.outputs]
    result = Evaluation()
    for id in wanted:
        if id not in found and id not in graph.value_by_id:
            raise UsageError(f"there is no value {id!r}", hint=did_you_mean(id, found))
        for one in [id] if id in found else [name for name in found if name.startswith(f"{id}[")]:  # of different lengths
            result[one] = _numbers(graph, one, found[one])
    return result


def with_steps(graph: Graph, steps: int | None, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes with the number of steps among them, under the name that the axis of time has for it.

    Raises:
        UsageError: there are no steps, or the graph says how many there are.
    """
    from netfig.graph.types import Affine

    if steps is None:
        return dict(sizes)
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise UsageError(f"{steps!r} is no number of steps", hint="it is a whole number from 1 on")
    axis = next((a for a in graph.axes if a.id == STEPS), None) or next((a for a in graph.axes if a.name == "time"), None)
    if axis is None:
        raise UsageError(f"the graph {graph.name!r} has no steps", hint="leave out --steps")
    rule = Affine.parse(axis.extent.name) if axis.extent.name is not None else Affine()
    if axis.extent.size is not None or len(rule.terms) != 1:
        said = axis.extent.size if axis.extent.size is not None else axis.extent.name
        if said != steps:
            raise UsageError(f"the graph {graph.name!r} says how many steps there are: {said}", hint="leave out --steps")
        return dict(sizes)
    name, factor = rule.terms[0]
    return {**sizes, name: (steps - rule.constant) // factor}


def _numbers(graph: Graph, id: str, tensor: Any) -> Numbers:
    flat = tensor.detach()
    value = graph.value_by_id.get(id)
    rows = flat.reshape(-1, flat.shape[-1]) if flat.dim() > 1 else flat.reshape(1, -1)
    starts = {a.id: a.start for a in graph.axes}
    axes = value.axes if value is not None else ()
    if axes and flat.dim() == len(axes):  # a scalar at each place
        rows = flat.reshape(-1, 1)
    labels = []
    outer = flat.shape[: max(flat.dim() - 1, len(axes))] if flat.dim() > 1 or axes else ()
    for position in range(rows.shape[0]):
        entries, rest = [], position
        for i in range(len(outer) - 1, -1, -1):
            rest, index = divmod(rest, outer[i])
            name = axes[i] if i < len(axes) else "row"
            entries.append(f"{name}={index + (starts[axes[i]] if i < len(axes) else 1)}")
        labels.append(",".join(reversed(entries)))
    cells = tuple(tuple(float(number) for number in row) for row in rows)
    return Numbers(tuple(flat.shape), tuple(labels), cells, flat.tolist())
