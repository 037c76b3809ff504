"""A netfig renderer that draws a plain layer list: one box a layer, in the order in which they run."""

from __future__ import annotations

from dataclasses import dataclass, field

from netfig.figure import Box, End, Figure, Group, Row, Wire
from netfig.graph import Graph, Op, Scope
from netfig.hooks import Renderer, hookimpl
from netfig.mathtext import plain

NETFIG_API = (1, 0)


@dataclass(frozen=True)
class OutlineOptions:
    """Options of the ``outline`` renderer."""

    shapes: bool = field(default=True, metadata={"help": "write the shape of what each layer makes"})


def draw(graph: Graph, options: OutlineOptions) -> Figure:
    """One box for each innermost module call or loose operation, joined where the graph has a dependency."""
    leaf_of = {op.id: _leaf(graph, op) for op in graph.ops}
    boxes = {port.value: _box(graph, port.value, "input", port.name, port.value, options) for port in graph.inputs}
    wires: dict[tuple[str, str], Wire] = {}
    for op in graph.ops:
        leaf = leaf_of[op.id]
        title = f"{leaf.path or leaf.id}: {leaf.type_name}" if isinstance(leaf, Scope) else leaf.kind
        made = (leaf.outputs or op.outputs)[-1]
        boxes[leaf.id] = _box(graph, leaf.id, "layer" if isinstance(leaf, Scope) else "op.box", title, made, options)
        for value in op.reads:
            source = leaf_of[graph.producer[value].id].id if value in graph.producer else value
            if source in boxes and source != leaf.id:
                wires[source, leaf.id] = Wire(End(source), End(leaf.id), stands_for=(value,))
    root = Group("outline", tuple(boxes.values()) or (Box("empty", "note", (plain("nothing runs"),)),))
    return Figure(graph.name, f"{graph.name}: {len(boxes)} layers", root, tuple(wires.values()), direction="down")


def _leaf(graph: Graph, op: Op) -> Scope | Op:
    """The module call an op belongs to when that call holds nothing but ops; the op itself otherwise."""
    scope = graph.scope_by_id[op.scope]
    holds_scopes = any(isinstance(child, Scope) for child in graph.children[scope.id])
    return op if scope.kind != "module" or holds_scopes else scope


def _box(graph: Graph, id: str, role: str, title: str, value: str, options: OutlineOptions) -> Box:
    shape = graph.value_by_id[value].type.shape if options.shapes else None
    rows = (Row("shape", plain("×".join(map(str, shape)))),) if shape else ()
    return Box(id, role, (plain(title),), rows, tooltip=title, stands_for=(id,))


RENDERER = Renderer("outline", "The layers as a plain list, one box each.", draw, options=OutlineOptions)


@hookimpl
def netfig_renderers() -> list[Renderer]:
    """Offer the renderer to netfig."""
    return [RENDERER]
