"""What layers look like in a graph: the ops that have weights or windows, their shapes, and what a note about them stands on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.annotators.kinds import CONVOLUTION, POOL, base

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netfig.graph import Attribute, Graph, Op

Sizes = tuple[int, ...]


class Layers:
    """Look-ups that several annotators share, worked out once for a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.module_of = self._modules()
        self.has_children = {self.module_of[s.parent] for s in graph.scopes if s.kind == "module" and s.parent is not None}
        self.unit_of = self._units()
        self._steps: dict[Callable[[Op], bool], Mapping[str, set[str]]] = {}

    def _modules(self) -> Mapping[str, str]:
        """The module (or root) that a scope stands in, itself included."""
        found: dict[str, str] = {}
        for s in self.graph.scopes:
            own = s.kind in ("module", "root") or s.parent is None
            found[s.id] = s.id if own else found[s.parent]  # type: ignore[index]
        return found

    def sizes(self, value: str) -> Sizes | None:
        """The shape of a value as numbers, when known."""
        return self.graph.value_by_id[value].type.sizes

    def slot(self, op: Op, *names: str) -> str | None:
        """The value in the first slot that has one of these names."""
        for name in names:
            for slot in op.inputs:
                if slot.name == name and slot.refs:
                    return slot.refs[0].value
        return None

    def _units(self) -> Mapping[str, str]:
        """For every scope inside a function call the outermost such call: to people that call is one step."""
        found: dict[str, str] = {}
        for s in self.graph.scopes:
            if s.kind == "function" and s.parent is not None:
                found[s.id] = found.get(s.parent, s.id)
        return found

    def unit(self, op: Op) -> str:
        """The step an op belongs to: the function call around it, or itself."""
        return self.unit_of.get(op.scope, op.id)

    def subject(self, op: Op, family: Callable[[Op], bool]) -> str:
        """What a note about a layer op stands on: its module when that is this one step, otherwise the step itself."""
        module = self.module_of[op.scope]
        if family not in self._steps:
            steps: dict[str, set[str]] = {}
            for other in self.graph.ops:
                if family(other):
                    steps.setdefault(self.module_of[other.scope], set()).add(self.unit(other))
            self._steps[family] = steps
        alone = len(self._steps[family].get(module, ())) == 1 and module not in self.has_children
        return module if alone and self.graph.scope_by_id[module].kind == "module" else self.unit(op)

    def setting(self, op: Op, key: str) -> Attribute:
        """A setting of a layer op: its own attribute, or that of the module it is alone in."""
        found = op.attribute(key)
        if found in (None, ()):
            found = self.graph.scope_by_id[self.module_of[op.scope]].attribute(key)
        return found


def is_convolution(op: Op) -> bool:
    """Whether an op convolves."""
    return CONVOLUTION.match(base(op.kind)) is not None


def is_window(op: Op) -> bool:
    """Whether an op slides a window: a convolution or a pooling with a fixed kernel."""
    kind = base(op.kind)
    return CONVOLUTION.match(kind) is not None or POOL.match(kind) is not None


def is_transposed(op: Op) -> bool:
    """Whether a convolution is transposed."""
    return "transpose" in op.kind or op.attribute("transposed") is True


def each(value: Attribute, count: int, default: int) -> Sizes | None:
    """A setting for every spatial dimension: one number stands for all; ``None`` when it cannot be read."""
    if value is None or value == ():
        return (default,) * count
    if isinstance(value, int):
        return (int(value),) * count
    if isinstance(value, tuple) and all(isinstance(v, int) for v in value):
        numbers = tuple(v for v in value if isinstance(v, int))
        return numbers * count if len(numbers) == 1 else numbers if len(numbers) == count else None
    return None
