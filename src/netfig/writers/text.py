"""The graph as an indented tree for a terminal: modules with their settings, shapes and parameters in columns."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from netfig.graph.counts import parameter_counts
from netfig.graph.text import attribute_text, shape_text
from netfig.graph.types import Graph, Op, Scope
from netfig.layout.text import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.theme import Theme
    from netfig.writers.options import TextOptions

_WIDEST_NAME = 72  # columns; a longer name pushes its own line's columns only
_LONGEST_NAME = 400
_SETTINGS_ROOM = 52

Row = tuple[str, str, str]  # tree and name, shapes, parameters


def write(graph: Graph, theme: Theme, options: TextOptions) -> bytes:
    """The tree; the theme plays no part."""
    rows = _Tree(graph, options).rows()
    widths = [max((w for row in rows if (w := _columns(row[i])) <= _WIDEST_NAME), default=0) for i in range(2)]
    lines = []
    for name, shapes, count in rows:
        line = name + " " * (widths[0] - _columns(name)) + "  " + shapes
        line += " " * (max(widths[0], _columns(name)) + 2 + widths[1] - _columns(line)) + "  " + count
        lines.append(line.rstrip())
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _shown(text: str) -> str:
    """A name as a terminal may have it."""
    text = clean(text[: 2 * _LONGEST_NAME])
    return text if len(text) <= _LONGEST_NAME else text[: _LONGEST_NAME - 1] + "…"


def _columns(text: str) -> int:
    """How many terminal cells a text takes."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


class _Tree:
    """The rows of one graph."""

    def __init__(self, graph: Graph, options: TextOptions) -> None:
        self.graph, self.options = graph, options
        self.counts = parameter_counts(graph)

    def rows(self) -> list[Row]:
        graph = self.graph
        root = graph.root
        total = self.counts[root.id].total
        found: list[Row] = [(self._name(root, graph.name), "", "" if total == 0 else _parameters(total))]
        found += [(f"  in   {_shown(p.name)}", self._shapes((p.value,)), "") for p in graph.inputs]
        stack = self._children(root, "")
        while stack:  # as deep as the model is: no recursion
            item, lead, last = stack.pop()
            found.append(self._row(item, lead + ("└─ " if last else "├─ ")))
            if isinstance(item, Scope):
                stack += self._children(item, lead + ("   " if last else "│  "))
        found += [(f"  out  {_shown(p.name)}", self._shapes((p.value,)), "") for p in graph.outputs]
        return found

    def _children(self, scope: Scope, lead: str) -> list[tuple[Scope | Op, str, bool]]:
        """What is listed under a scope, last first; the one operation a module consists of says nothing new."""
        inside = self.graph.children[scope.id]
        if len(inside) == 1 and isinstance(inside[0], Op) and scope.parent is not None:
            return []
        listed = [item for item in inside if self.options.ops or isinstance(item, Scope)]
        return [(item, lead, item is listed[-1]) for item in reversed(listed)]

    def _row(self, item: Scope | Op, lead: str) -> Row:
        if isinstance(item, Op):
            reads = self._shapes(dict.fromkeys(v for v in item.reads if self.graph.value_by_id[v].kind in ("input", "computed")))
            return f"{lead}{_shown(item.kind)}", self._flow(reads, item.outputs), ""
        count = self.counts[item.id]
        parameters = "" if count.total == 0 else _parameters(count.total)
        if count.shared_with is not None:
            parameters += f" (shared with {_shown(count.shared_with) or 'the model'})"
        return (
            lead + self._name(item, _own_part(item, self.graph)),
            self._flow(self._shapes(item.inputs), item.outputs),
            parameters,
        )

    def _name(self, scope: Scope, name: str) -> str:
        settings = _settings(scope)
        described = f"{scope.type_name}({settings})" if settings else scope.type_name
        repeated = f"call {scope.call + 1}" if scope.call else ""
        over = f"over {scope.axis}" if scope.axis else ""
        words = [name, *(word for word in (described, repeated, over) if word and word != name)]
        return _shown("  ".join(words))

    def _shapes(self, values: Iterable[str]) -> str:
        if not self.options.shapes:
            return ""
        return _shown(", ".join(shape_text(self.graph.value_by_id[v].type) for v in values))

    def _flow(self, reads: str, made: tuple[str, ...]) -> str:
        makes = self._shapes(made)
        return f"{reads} → {makes}" if reads and makes else makes


def _settings(scope: Scope) -> str:
    """As many settings as a line has room for; ``(3, 3)`` is said as ``3``."""
    found: list[str] = []
    room = _SETTINGS_ROOM
    for key, value in scope.attributes:
        same = isinstance(value, tuple) and len(value) > 1 and len(set(value)) == 1
        word = f"{key}={attribute_text(value[0] if same and isinstance(value, tuple) else value)}"
        room -= len(word) + 2
        if room < 0:
            return ", ".join([*found, "…"])
        found.append(word)
    return ", ".join(found)


def _own_part(scope: Scope, graph: Graph) -> str:
    """A scope's id without what its parent's already says."""
    parent = graph.scope_by_id[scope.parent] if scope.parent is not None else None
    prefix = parent.path if parent and scope.kind == "module" else parent.id if parent else ""
    own = scope.path if scope.kind == "module" else scope.id
    if prefix and own.startswith(prefix) and len(own) > len(prefix) + 1:
        return own[len(prefix) :].lstrip("./")
    return own or scope.id


def _parameters(count: int | None) -> str:
    return "? parameters" if count is None else f"{count:,} parameters"
