"""Finds the one path that a chain-like model is: its layers in order, each reading what the one before made.

Containers are opened; a layer of ``torch.nn``, a function call or an op is a step. What does not depend on the input (masks,
constants) stands aside and is counted. Anything that makes the model more than a path is reported, all of it at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.errors import UsageError
from netfig.graph import Op, Scope
from netfig.records import dataclass
from netfig.renderers.labels import MODULE_ROLES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph import Graph

_WHOLE = ("attention", "state")  # layers that are one thing although they hold others
_SHOWN_PROBLEMS = 4


@dataclass(frozen=True, slots=True)
class Step:
    """One layer, function or op of the path: the value it reads, the value it makes, and the ops it stands for."""

    item: Scope | Op
    reads: str
    makes: str
    ops: tuple[Op, ...]

    @property
    def id(self) -> str:
        """The graph's id of it."""
        return self.item.id


@dataclass(frozen=True, slots=True)
class Path:
    """The steps from `start` (the input value), and the ids of the ops that stand aside."""

    start: str
    steps: tuple[Step, ...]
    aside: tuple[str, ...]


def find_path(graph: Graph) -> Path:
    """The path that the whole graph is.

    Raises:
        UsageError: the graph has branches, several inputs or outputs from its middle; each is named.
    """
    return _Walk(graph).path()


class _Walk:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.problems: list[str] = []
        self.depends = {v.id for v in graph.values if v.kind == "input"}
        for op in graph.ops:
            if any(v in self.depends for v in op.reads):
                self.depends.update(op.outputs)
        self.maker: dict[str, str] = {v.id: "the input" for v in graph.values if v.kind == "input"}
        self.leaving = {port.value for port in graph.outputs}

    def path(self) -> Path:
        used = [p.value for p in self.graph.inputs if self.graph.readers.get(p.value)]
        if len(set(used)) != 1:
            names = ", ".join(repr(p.name) for p in self.graph.inputs)
            self.problems.append(f"it has {len(set(used))} inputs that are used ({names})" if used else "it reads no input")
            raise self._error()
        start = current = used[0]
        steps: list[Step] = []
        aside: list[str] = []
        for item in self._items(self.graph.root):
            ops = tuple(self._ops(item))
            reads = self._reads(item, ops)
            made = self._makes(item, ops)
            self.maker.update((v, repr(item.id)) for v in made if v not in self.maker)
            if not reads:
                aside += [op.id for op in ops]
                continue
            for value in reads:
                if value != current:
                    origin = self.maker.get(value, "another branch")
                    what = "joins the path with" if current in reads else "begins a second branch: it reads"
                    self.problems.append(f"{item.id!r} {what} {value!r} of {origin}")
            outs = [v for v in made if v in self.depends and self._is_used(v, ops)]
            if not outs and made:
                outs = [next((v for v in made if v in self.depends), current)]
            if len(outs) > 1:
                self.problems.append(f"{item.id!r} hands on {len(outs)} values ({', '.join(map(repr, outs))})")
            following = outs[0] if outs else current
            steps.append(Step(item, current, following, ops))
            current = following
        early = [p for p in self.graph.outputs if p.value != current and p.value in self.depends]
        self.problems += [f"the output {p.name!r} is {p.value!r}, which is not the end of the path" for p in early]
        if self.problems:
            raise self._error()
        return Path(start, tuple(steps), tuple(aside))

    def _error(self) -> UsageError:
        shown = self.problems[:_SHOWN_PROBLEMS]
        if len(self.problems) > len(shown):
            shown.append(f"and {len(self.problems) - len(shown)} more")
        return UsageError(
            f"the pipeline renderer draws one chain of layers, and {self.graph.name!r} is not one",
            where=self.graph.origin,
            why="\n       ".join(shown),
            hint="draw it with --renderer modules",
        )

    def _items(self, scope: Scope) -> Iterator[Scope | Op]:
        for child in self.graph.children[scope.id]:
            if isinstance(child, Op) or child.kind == "function" or self._is_layer(child):
                yield child
            else:
                yield from self._items(child)

    def _is_layer(self, scope: Scope) -> bool:
        if scope.kind != "module" or scope.type_name not in MODULE_ROLES:
            return False
        holds_modules = any(isinstance(c, Scope) and c.kind == "module" for c in self.graph.children[scope.id])
        return not holds_modules or MODULE_ROLES[scope.type_name] in _WHOLE

    def _ops(self, item: Scope | Op) -> Iterator[Op]:
        if isinstance(item, Op):
            yield item
            return
        for child in self.graph.children[item.id]:
            yield from self._ops(child)

    def _reads(self, item: Scope | Op, ops: tuple[Op, ...]) -> list[str]:
        """Values that depend on the input and come from outside."""
        inside = {v for op in ops for v in op.outputs}
        listed = [v for op in ops for v in op.reads] if ops or isinstance(item, Op) else list(item.inputs)
        return list(dict.fromkeys(v for v in listed if v in self.depends and v not in inside))

    def _makes(self, item: Scope | Op, ops: tuple[Op, ...]) -> list[str]:
        if isinstance(item, Op):
            return list(item.outputs)
        made = [v for op in ops for v in op.outputs]
        handed = [v for v in item.outputs if v in made]
        return list(dict.fromkeys((*handed, *made)))

    def _is_used(self, value: str, ops: tuple[Op, ...]) -> bool:
        own = {op.id for op in ops}
        return value in self.leaving or any(reader.id not in own for reader in self.graph.readers.get(value, ()))
