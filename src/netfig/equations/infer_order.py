"""Who needs whom: the order within a step, cycles, and states that would need their own future."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.infer_affine import minus, name, plus
from netfig.equations.infer_rules import nodes_of
from netfig.graph.types import Affine
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from netfig.equations.infer_problems import Problems
    from netfig.equations.infer_tree import Boundary, Definition, Node, Resolved, Thing

Interval = tuple[int | None, int | None]
"""Least and greatest distance of an index from the reader's own; ``None`` is without limit."""


@dataclass(frozen=True, slots=True)
class Edge:
    """One read: what is read, by which definition, how far away along each axis that the two share."""

    reader: str
    read: str
    distances: tuple[tuple[str, Interval], ...]
    node: Node

    @property
    def is_now(self) -> bool:
        """Whether it may be a read in the same step."""
        return all((lo is None or lo <= 0) and (hi is None or hi >= 0) for _, (lo, hi) in self.distances)


def reads_of(body: Node) -> Iterable[Node]:
    """The reads in a tree."""
    return (node for node in nodes_of(body) if node.op == "read")


def edges_of(resolved: Resolved) -> list[Edge]:
    """All reads of defined things."""
    found: list[Edge] = []
    for thing in resolved.things.values():
        if thing.definition is None:
            continue
        sources: list[Definition | Boundary] = [thing.definition, *thing.boundaries]
        for source in sources:
            reads = [(node, node.thing) for node in reads_of(source.body)]
            found += [
                Edge(thing.id, read.id, _distances(resolved, source, node, read), node)
                for node, read in reads
                if read is not None and read.definition is not None
            ]
    return found


def _distances(
    resolved: Resolved, definition: Definition | Boundary, node: Node, thing: Thing
) -> tuple[tuple[str, Interval], ...]:
    offsets, at = dict(node.offset), dict(node.at)
    found = []
    for axis in thing.axes:
        if axis in definition.nest:
            if axis in at:
                found.append((axis, bounds(resolved, minus(at[axis], name(axis)), definition.nest)))
            else:
                found.append((axis, (offsets.get(axis, 0), offsets.get(axis, 0))))
        elif axis in definition.thing.axes:
            found.append((axis, (None, None)))
    return tuple(found)


def bounds(resolved: Resolved, distance: Affine, nest: Sequence[str]) -> Interval:
    """The least and the greatest value of an index expression over the axes that do not belong to `nest`."""
    ends: list[int | None] = []
    for upper in (False, True):
        value: Affine | None = distance
        for _ in range(4):
            if value is None:
                break
            inner = [(axis, factor) for axis, factor in value.terms if axis in resolved.axes and axis not in nest]
            if not inner:
                break
            axis, factor = inner[0]
            span = resolved.axes[axis]
            end = span.last if (factor > 0) == upper else span.first
            value = None if end is None else plus(minus(value, Affine(((axis, factor),))), end, factor)
        ends.append(None if value is None else _limit(resolved, value, upper))
    return ends[0], ends[1]


def _limit(resolved: Resolved, value: Affine, upper: bool) -> int | None:
    """A bound of a sum of sizes and indices, which are at least 1."""
    value = value.at({word: number for word, number in resolved.sizes.items() if number is not None})
    if value.number is not None:
        return value.number
    if all((factor < 0) == upper for _, factor in value.terms):
        return value.constant + sum(factor for _, factor in value.terms)
    return None


def components(nodes: Sequence[str], edges: Iterable[Edge]) -> list[list[str]]:
    """Strongly connected components (Tarjan), each in the order of `nodes`, what is read before what reads it."""
    reads: dict[str, list[str]] = {one: [] for one in nodes}
    for edge in edges:
        if edge.reader in reads and edge.read in reads:
            reads[edge.reader].append(edge.read)
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    open_: list[str] = []
    is_open: set[str] = set()
    found: list[list[str]] = []
    for start in nodes:
        if start in index:
            continue
        work = [(start, 0)]
        while work:
            one, position = work.pop()
            if one not in index:
                index[one] = low[one] = len(index)
                open_.append(one)
                is_open.add(one)
            for count in range(position, len(reads[one])):
                other = reads[one][count]
                if other not in index:
                    work += [(one, count), (other, 0)]
                    break
                if other in is_open:
                    low[one] = min(low[one], low[other])
            else:
                if low[one] == index[one]:
                    members: set[str] = set()
                    while one not in members:
                        members.add(open_.pop())
                    is_open -= members
                    found.append([n for n in nodes if n in members])
    return found


def check_order(resolved: Resolved, problems: Problems) -> list[Definition]:
    """The definitions in an order in which each step can be worked out; what cannot is added to the problems."""
    edges = edges_of(resolved)
    ids = [d.thing.id for d in resolved.definitions]
    now = [e for e in edges if e.is_now]
    for component in components(ids, now):
        inside = [e for e in now if e.reader in component and e.read in component]
        if len(component) > 1 or inside:
            _report_cycle(component, inside, problems)
            return resolved.definitions
    _check_directions(ids, edges, resolved, problems)
    group: dict[str, int] = {}
    for number, component in enumerate(components(ids, edges)):
        group.update(dict.fromkeys(component, number))
    binding = [(e.reader, e.read) for e in edges if e.is_now or group[e.reader] != group[e.read]]
    return _sorted(resolved.definitions, binding)


def _sorted(definitions: list[Definition], binding: list[tuple[str, str]]) -> list[Definition]:
    """What is read before what reads it, otherwise as written."""
    waits: dict[str, set[str]] = {}
    for reader, read in binding:
        if reader != read:
            waits.setdefault(reader, set()).add(read)
    done: set[str] = set()
    result: list[Definition] = []
    left = list(definitions)
    while left:
        ready = next((d for d in left if waits.get(d.thing.id, set()) <= done), left[0])
        left.remove(ready)
        done.add(ready.thing.id)
        result.append(ready)
    return result


def _report_cycle(component: list[str], edges: list[Edge], problems: Problems) -> None:
    by_reader: dict[str, Edge] = {}
    for edge in edges:
        by_reader.setdefault(edge.reader, edge)
    path = [component[0]]
    while path[-1] in by_reader and by_reader[path[-1]].read not in path:
        path.append(by_reader[path[-1]].read)
    last = by_reader.get(path[-1])
    if last is not None:
        path = [*path[path.index(last.read) :], last.read]
    first = by_reader[path[0]].node
    hint = "read one of them at t-1" if len(path) > 2 else "read it at another index, such as t-1"
    if not problems.has_indices:
        hint = "indices stand in brackets: h[t] = tanh(W x[t] + U h[t-1])"
    problems.add(first.span, f"within one step {' needs '.join(path)}", hint)


def _check_directions(ids: list[str], edges: list[Edge], resolved: Resolved, problems: Problems) -> None:
    """Peel off, axis by axis, the reads that lie strictly on one side; what cannot be peeled needs both past and future."""
    for component in components(ids, edges):
        inside = [e for e in edges if e.reader in component and e.read in component]
        if not inside or all(e.is_now and all(d == (0, 0) for _, d in e.distances) for e in inside):
            continue
        axes = dict.fromkeys(axis for e in inside for axis, _ in e.distances)
        for axis, sign in ((axis, sign) for axis in axes for sign in (1, -1)):
            spans = [_turned(dict(e.distances).get(axis, (None, None)), sign) for e in inside]
            if all(hi is not None and hi <= 0 for _, hi in spans) and any(hi is not None and hi < 0 for _, hi in spans):
                rest = [e for e, (_, hi) in zip(inside, spans, strict=True) if hi is None or hi >= 0]
                if rest:
                    _check_directions(component, rest, resolved, problems)
                break
        else:
            _report_directions(inside, problems)


def _turned(interval: Interval, sign: int) -> Interval:
    lo, hi = interval
    if sign > 0:
        return interval
    return (None if hi is None else -hi), (None if lo is None else -lo)


def _report_directions(inside: list[Edge], problems: Problems) -> None:
    past = next((e for e in inside if any(hi is not None and hi < 0 for _, (_, hi) in e.distances)), inside[0])
    future = next((e for e in inside if any(hi is None or hi > 0 for _, (_, hi) in e.distances)), inside[-1])
    texts = [problems.text(e.node.span) for e in (past, future)]
    what = f"{future.read} would need both its past ({texts[0]}) and its future ({texts[1]})"
    problems.add(future.node.span, what, "a bidirectional model has two states, one for each direction")


def least_index(resolved: Resolved, thing: Thing, axis: str, node: Node) -> tuple[Affine | None, Affine | None]:
    """The least and the greatest index along an axis that a read reaches, over everything the reader runs over."""
    at = dict(node.at).get(axis)
    index = at if at is not None else plus(name(axis), Affine((), dict(node.offset).get(axis, 0)))
    return _end(resolved, index, upper=False), _end(resolved, index, upper=True)


def _end(resolved: Resolved, index: Affine, *, upper: bool) -> Affine | None:
    """An end of an index expression with every axis replaced by its end, innermost first."""
    for _ in range(6):
        inner = [(axis, factor) for axis, factor in index.terms if axis in resolved.axes]
        if not inner:
            return index
        nested = [
            (axis, factor)
            for axis, factor in inner
            if not any(is_inside(resolved, other, axis) for other, _ in inner if other != axis)
        ]
        axis, factor = (nested or inner)[0]
        span = resolved.axes[axis]
        end = span.last if (factor > 0) == upper else span.first
        if end is None:
            end = name(span.end)
        index = plus(minus(index, Affine(((axis, factor),))), end, factor)
    return None


def is_inside(resolved: Resolved, inner: str, outer: str) -> bool:
    """Whether the range of one axis depends on another."""
    span = resolved.axes[inner]
    ends = (span.first, span.last) if span.last is not None else (span.first,)
    return any(word == outer for end in ends for word, _ in end.terms)
