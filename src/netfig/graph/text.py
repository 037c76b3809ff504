"""A graph as text: an indented tree of scopes and ops with shapes, for people, terminals and golden tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.graph.counts import parameter_counts
from netfig.graph.types import Op

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.graph.counts import ScopeCount
    from netfig.graph.types import Attribute, Attributes, Graph, Ref, Scope, TensorType, Value

LONGEST = 60
"""Attribute texts are cut after this many characters."""


def shape_text(type: TensorType) -> str:
    """``1×3×64×64``; ``scalar`` without dimensions, ``?`` when the shape is not known; a dtype other than float32 follows."""
    shape = "?" if type.shape is None else "×".join(map(str, type.shape)) or "scalar"
    return shape if type.dtype in (None, "float32") else f"{shape} {type.dtype}"


def attribute_text(value: Attribute) -> str:
    """An attribute as Python would write it, cut when long."""
    if isinstance(value, tuple):
        inner = ", ".join(attribute_text(item) for item in value[:LONGEST])
        text = f"({inner},)" if len(value) == 1 else f"({inner})"
    else:
        text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _settings(attributes: Attributes) -> str:
    return ", ".join(f"{key}={attribute_text(value)}" for key, value in attributes)


def graph_text(graph: Graph) -> str:
    """The whole graph, one line for each scope, op, input, output and unused parameter."""
    writer = _Text(graph)
    writer.write()
    return "\n".join(writer.lines) + "\n"


class _Text:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.values: Mapping[str, Value] = graph.value_by_id
        self.counts: Mapping[str, ScopeCount] = parameter_counts(graph)
        self.inside: Mapping[str, tuple[str, ...]] = graph.plates_around if graph.axes else {}
        self.lines: list[str] = []

    def write(self) -> None:
        graph = self.graph
        self.lines.append(f"graph {graph.name}")
        for axis in graph.axes:
            self.lines.append(f"  axis {axis.id}: {axis.name}, {axis.extent} from {axis.start}")
            if axis.members:
                self.lines.append(f"    of {', '.join(' + '.join(names) for names in axis.members)}")
            self.lines += [f"    {name} is {attribute_text(column)}" for name, column in axis.table]
        for value in graph.values:
            self.lines += [f"  {self.named(value.id)} is {', then '.join(map(self.fed, value.feeds))}" for _ in value.feeds[:1]]
        for value in graph.values:
            self.lines += [f"  {self.named(value.id)} at {axis}={i} is {start}" for axis, i, start in value.initial]
            ends = {a.id: a.extent if a.start == 1 else f"{a.extent} {a.start - 1:+d}" for a in graph.axes}
            self.lines += [f"  {self.named(value.id)} at {axis}={ends[axis]}+{i} is {end}" for axis, i, end in value.final]
        self.lines += [f"  in  {port.name}: {self.typed(port.value)}" for port in graph.inputs]
        self.lines += [f"  out {port.name}: {self.typed(port.value)}" for port in graph.outputs]
        for key, note in sorted(graph.notes_on("").items()):
            unit = f" {note.unit}" if note.unit else ""
            self.lines.append(f"  note {key}: {attribute_text(note.value)}{unit}{_author(note.author)}")
        stack: list[tuple[Scope | Op, int]] = [(graph.root, 1)]
        children = graph.children
        while stack:  # as deep as the model is: no recursion
            item, depth = stack.pop()
            if isinstance(item, Op):
                self.lines.append("  " * depth + self.op(item))
            else:
                self.lines.append("  " * depth + self.scope(item))
                stack.extend((child, depth + 1) for child in reversed(children[item.id]))

    def typed(self, value: str) -> str:
        """A value with its shape."""
        return f"{self.named(value)} {shape_text(self.values[value].type)}"

    def named(self, value: str) -> str:
        """A value with its indices: ``h[t]``."""
        axes = self.values[value].axes
        return f"{value}[{','.join(axes)}]" if axes else value

    def scope(self, scope: Scope) -> str:
        """One line for a scope: id, type with settings, shapes in and out, parameters."""
        parts = [scope.id]
        if scope.kind not in ("module", "root"):
            parts[0] = f"{scope.kind} {scope.id}"
        if scope.axis:
            parts.append(f"over {scope.axis}")
        if scope.type_name or scope.attributes:
            parts.append(f"{scope.type_name}({_settings(scope.attributes)})")
        if scope.inputs or scope.outputs:
            parts.append(f"{self.shapes(scope.inputs)} → {self.shapes(scope.outputs)}")
        count = self.counts[scope.id]
        if count.total is None:
            parts.append("? parameters")
        elif count.total:
            parts.append(f"{count.total:,} parameters")
        if count.shared_with:
            parts.append(f"(shared with {count.shared_with})")
        return "  ".join(parts)

    def ref(self, ref: Ref, op: Op) -> str:
        """A use of a value with its indices: ``h[t-1]``; ``h[t=:]`` is all of them."""
        offset, at = dict(ref.offset), dict(ref.at)
        indices = []
        for axis in self.values[ref.value].axes:
            if axis in at:
                indices.append(str(at[axis]))
            elif axis in offset or axis in self.inside.get(op.scope, ()):
                indices.append(f"{axis}{offset[axis]:+d}" if offset.get(axis) else axis)
            else:
                indices.append(f"{axis}=:")
        return f"{ref.value}[{','.join(indices)}]" if indices else ref.value

    def fed(self, ref: Ref) -> str:
        """What a value is fed by: ``x[layers+1]``."""
        indices = [f"{axis}{distance:+d}" for axis, distance in ref.offset] + [f"{axis}={index}" for axis, index in ref.at]
        return f"{ref.value}[{','.join(indices)}]" if indices else ref.value

    def shapes(self, values: tuple[str, ...]) -> str:
        """Shapes of several values."""
        return ", ".join(shape_text(self.values[v].type) for v in values) or "nothing"

    def op(self, op: Op) -> str:
        """One line for an op: its reads by slot, settings, what it makes."""
        reads = []
        for slot in op.inputs:
            texts = [self.ref(ref, op) for ref in slot.refs]
            many = f"[{', '.join(texts)}]" if len(texts) != 1 else texts[0]
            reads.append(f"{slot.name}{'!' if slot.name in op.writes else ''}={many}")
        settings = _settings(tuple(pair for pair in op.attributes if pair[0] != "target"))  # how to run it again
        made = ", ".join(self.typed(out) for out in op.outputs) or "nothing"
        phase = "" if op.phase == "forward" else f" [{op.phase}]"
        if self.inside.get(op.scope):  # in a plate as it would be written down; the slots are those of the equation
            terms = [read.partition("=")[2] for read in reads]
            named, shapes = ", ".join(map(self.named, op.outputs)), self.shapes(op.outputs)
            return f"{named} = {op.kind}({', '.join(terms + ([settings] if settings else []))})  {shapes}{phase}"
        return f"{op.id}: {op.kind}({', '.join(reads + ([settings] if settings else []))}) → {made}{phase}"


def _author(author: str) -> str:
    return "" if author in ("", "netfig") else f" ({author})"
