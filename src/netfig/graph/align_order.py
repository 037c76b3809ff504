"""What stands elsewhere in the other graph: partners out of order that the flow allows, and what has moved."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, NamedTuple

from netfig.graph.align_match import Cell, match

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from netfig.graph.align_nodes import Node
    from netfig.graph.types import Graph


class Side(NamedTuple):
    """One graph and the nodes of its ops."""

    graph: Graph
    node_of: Mapping[str, Node]


def side(graph: Graph, root: Node) -> Side:
    """The side of a graph whose tree has this root."""
    found, stack = {}, [root]
    while stack:
        node = stack.pop()
        if node.is_op:
            found[node.id] = node
        stack += node.children
    return Side(graph, found)


def uncross(cell: Cell, before: Side, after: Side) -> None:
    """Make partners of children with one name that the two graphs call in another order, where nothing flows against it."""
    stack = [cell]
    while stack:
        one = stack.pop()
        if one.before is not None and one.after is not None and one.before.exact != one.after.exact:
            _uncross(one, before, after)
        stack += one.children


def _uncross(cell: Cell, before: Side, after: Side) -> None:
    gone = {_called(c): c for c in cell.children if c.after is None and _node(c).name and not _node(c).is_op}
    pairs = [(gone[_called(c)], c) for c in cell.children if c.before is None and _called(c) in gone]
    if not pairs or cell.before is None or cell.after is None:
        return
    flows = [*_flow(before, cell.before), *_flow(after, cell.after)]
    for left, right in pairs:
        joined = match(_node(left), _node(right))
        tried = [joined if c is right else c for c in cell.children if c is not left]
        ordered = _ordered(tried, flows)
        if ordered is not None:
            cell.children = ordered


def _flow(one: Side, scope: Node) -> set[tuple[Node, Node]]:
    """Which children of a scope read what others make."""
    found: set[tuple[Node, Node]] = set()
    for reader in _ops(scope):
        target = _child(reader, scope)
        for read in one.graph.op_by_id[reader.id].reads:
            maker = one.graph.producer.get(read)
            source = _child(one.node_of[maker.id], scope) if maker is not None else None
            if source is not None and target is not None and source is not target:
                found.add((source, target))
    return found


def _ops(node: Node) -> Iterator[Node]:
    stack = [node]
    while stack:
        one = stack.pop()
        if one.is_op:
            yield one
        stack += one.children


def _child(node: Node, scope: Node) -> Node | None:
    at: Node | None = node
    while at is not None and at.parent is not scope:
        at = at.parent
    return at


def _ordered(cells: list[Cell], flows: list[tuple[Node, Node]]) -> list[Cell] | None:
    """The cells so that everything flows onwards, else as they are; ``None`` when something flows in a ring."""
    place = {node: k for k, c in enumerate(cells) for node in (c.before, c.after) if node is not None}
    for k, c in enumerate(cells):  # a partner that stands deeper, in something that wraps it
        for inner in c.children if c.before is None or c.after is None else ():
            for node in (inner.before, inner.after):
                if node is not None:
                    place.setdefault(node, k)
    edges = {(place[a], place[b]) for a, b in flows if a in place and b in place and place[a] != place[b]}
    waiting = [0] * len(cells)
    onward: dict[int, list[int]] = {}
    for a, b in edges:
        waiting[b] += 1
        onward.setdefault(a, []).append(b)
    ready = [k for k, count in enumerate(waiting) if not count]
    found: list[Cell] = []
    heapq.heapify(ready)
    while ready:
        k = heapq.heappop(ready)
        found.append(cells[k])
        for b in onward.get(k, ()):
            waiting[b] -= 1
            if not waiting[b]:
                heapq.heappush(ready, b)
    return found if len(found) == len(cells) else None


def find_moved(root: Cell) -> None:
    """Tell modules without a partner that the same stands elsewhere: equal in everything, or of one class and one name."""
    gone = [c for c in _modules(root) if c.after is None]
    come = [c for c in _modules(root) if c.before is None]
    for key in (_same, _called):
        left, right = _once(gone, key), _once(come, key)
        for name, cell in left.items():
            other = right.get(name)
            if other is not None and cell.moved is None and other.moved is None:
                cell.moved, other.moved = other, cell


def _modules(root: Cell) -> Iterator[Cell]:
    stack = [root]
    while stack:
        cell = stack.pop()
        node = cell.before or cell.after
        if node is not None and not node.is_op and node.name and (cell.before is None or cell.after is None):
            yield cell
        stack += reversed(cell.children)


def _node(cell: Cell) -> Node:
    node = cell.before or cell.after
    assert node is not None
    return node


def _same(cell: Cell) -> object:
    node = _node(cell)
    return node.exact, node.name


def _called(cell: Cell) -> object:
    node = _node(cell)
    return (node.word, node.name) if not node.name.isdigit() else id(cell)


def _once(cells: list[Cell], key: Callable[[Cell], object]) -> dict[object, Cell]:
    found: dict[object, Cell | None] = {}
    for cell in cells:
        if cell.moved is None:
            name = key(cell)
            found[name] = None if name in found else cell
    return {name: cell for name, cell in found.items() if cell is not None}
