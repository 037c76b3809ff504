"""What a group's wires say about its shape: chains, branches side by side, and knots that need Graphviz.

Wires are lifted to the children of the group they meet in. Those that only bypass others (the skips: edges a transitive
reduction drops) have no say in the placement; the rest is split at the children every path passes (a *series*) and into parts
that do not touch (*parallel*), again and again. What cannot be split is a *knot*.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import field
from typing import Literal

from netfig.figure import Box, Figure, Group
from netfig.records import dataclass

ENTRY, EXIT = "\x00in", "\x00out"
"""Stand for where wires enter and leave a group among its children."""

Edge = tuple[str, str]


@dataclass(slots=True)
class GroupWires:
    """The wires of a figure as one group sees them: between its children, and to and from its border."""

    nodes: list[str]
    edges: dict[Edge, list[int]] = field(default_factory=dict)
    back: set[Edge] = field(default_factory=set)  # against the flow: they close a cycle
    cover: list[Edge] = field(default_factory=list)  # the edges that shape the placement


@dataclass(slots=True)
class Part:
    """A piece of a group's structure; a leaf names a child."""

    kind: Literal["leaf", "series", "parallel", "knot"]
    id: str = ""
    parts: list[Part] = field(default_factory=list)
    edges: list[tuple[int, int]] = field(default_factory=list)  # of a knot: between its parts


def lift(figure: Figure) -> dict[str, GroupWires]:
    """For every group, the wires between its children."""
    parent = figure.parent_of
    seen = {g.id: GroupWires([child.id for child in g.children]) for g in figure.groups.values()}

    def ancestry(item: str) -> list[str]:
        path = [item]
        while path[-1] in parent:
            path.append(parent[path[-1]])
        return path[::-1]

    paths: dict[str, list[str]] = {}
    for index, wire in enumerate(figure.wires):
        ends = []
        for item in (wire.source.box, wire.target.box):
            if item not in paths:
                paths[item] = ancestry(item)
            ends.append(paths[item])
        a, b = ends
        k = 0
        while k < min(len(a), len(b)) and a[k] == b[k]:
            k += 1
        if k < len(a) and k < len(b):
            seen[a[k - 1]].edges.setdefault((a[k], b[k]), []).append(index)
        for i in range(k, len(b) - 1):
            seen[b[i]].edges.setdefault((ENTRY, b[i + 1]), []).append(index)
        for i in range(k, len(a) - 1):
            seen[a[i]].edges.setdefault((a[i + 1], EXIT), []).append(index)
    for wires in seen.values():
        if any(a == ENTRY for a, _ in wires.edges):
            wires.nodes.insert(0, ENTRY)
        if any(b == EXIT for _, b in wires.edges):
            wires.nodes.append(EXIT)
        _find_back_edges(wires)
        wires.cover = _reduced(wires.nodes, [e for e in wires.edges if e not in wires.back])
    return seen


def entering(figure: Figure, lifted: Mapping[str, GroupWires]) -> dict[str, tuple[int, int]]:
    """How many wires enter each box from the front and on its flanks: there land those that bypass something or run back."""
    aside: set[int] = set()
    for wires in lifted.values():
        cover = set(wires.cover)
        for edge, indices in wires.edges.items():
            if edge not in cover:
                aside.update(indices)
    found: dict[str, tuple[int, int]] = {}
    for i, wire in enumerate(figure.wires):
        front, flank = found.get(wire.target.box, (0, 0))
        found[wire.target.box] = (front, flank + 1) if i in aside else (front + 1, flank)
    return found


def _find_back_edges(wires: GroupWires) -> None:
    after: dict[str, list[str]] = {n: [] for n in wires.nodes}
    for a, b in wires.edges:
        after[a].append(b)
    state: dict[str, int] = {}
    for root in wires.nodes:
        if root in state:
            continue
        state[root] = 1
        stack = [(root, iter(after[root]))]
        while stack:
            node, rest = stack[-1]
            for nxt in rest:
                if state.get(nxt) == 1:
                    wires.back.add((node, nxt))
                elif nxt not in state:
                    state[nxt] = 1
                    stack.append((nxt, iter(after[nxt])))
                    break
            else:
                state[node] = 2
                stack.pop()


def _order(nodes: Sequence[str], edges: Iterable[Edge]) -> list[str]:
    """A topological order that keeps reading order where it may."""
    import heapq

    rank = {n: i for i, n in enumerate(nodes)}
    left = dict.fromkeys(nodes, 0)
    after: dict[str, list[str]] = {n: [] for n in nodes}
    for a, b in edges:
        after[a].append(b)
        left[b] += 1
    ready = [rank[n] for n in nodes if not left[n]]
    heapq.heapify(ready)
    out = []
    while ready:
        node = nodes[heapq.heappop(ready)]
        out.append(node)
        for nxt in after[node]:
            left[nxt] -= 1
            if not left[nxt]:
                heapq.heappush(ready, rank[nxt])
    return out


def _reach(order: Sequence[str], after: Mapping[str, Iterable[str]]) -> tuple[dict[str, int], dict[str, int]]:
    """For every node a bit set of those below it (itself left out), and its own bit."""
    bit = {n: 1 << i for i, n in enumerate(order)}
    below: dict[str, int] = {}
    for node in reversed(order):
        found = 0
        for nxt in after[node]:
            found |= below[nxt] | bit[nxt]
        below[node] = found
    return below, bit


def _reduced(nodes: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    """The edges no longer path replaces."""
    order = _order(nodes, edges)
    after: dict[str, list[str]] = {n: [] for n in nodes}
    for a, b in edges:
        after[a].append(b)
    below, bit = _reach(order, after)
    kept = []
    for a, b in edges:
        if not any(c != b and below[c] & bit[b] for c in after[a]):
            kept.append((a, b))
    return kept


def decompose(nodes: Sequence[str], edges: Sequence[Edge]) -> Part:
    """The structure of a directed graph without cycles whose edges are transitively reduced."""
    if len(nodes) == 1:
        return Part("leaf", nodes[0])
    components = _components(nodes, edges)
    if len(components) > 1:
        return Part("parallel", parts=[decompose(c, _within(c, edges)) for c in components])
    order = _order(nodes, edges)
    after: dict[str, list[str]] = {n: [] for n in nodes}
    for a, b in edges:
        after[a].append(b)
    below, bit = _reach(order, after)
    above = dict.fromkeys(order, 0)
    for node in order:
        for nxt in after[node]:
            above[nxt] |= above[node] | bit[node]
    cuts = [n for n in order if below[n].bit_count() + above[n].bit_count() + 1 == len(order)]
    if cuts:
        return _series(order, cuts, edges)
    return _knot(order, edges)


def _within(nodes: Sequence[str], edges: Sequence[Edge]) -> list[Edge]:
    inside = set(nodes)
    return [(a, b) for a, b in edges if a in inside and b in inside]


def _components(nodes: Sequence[str], edges: Sequence[Edge]) -> list[list[str]]:
    lead = {n: n for n in nodes}

    def find(n: str) -> str:
        while lead[n] != n:
            lead[n] = lead[lead[n]]
            n = lead[n]
        return n

    for a, b in edges:
        lead[find(a)] = find(b)
    found: dict[str, list[str]] = {}
    for n in nodes:
        found.setdefault(find(n), []).append(n)
    return list(found.values())


def _series(order: Sequence[str], cuts: Sequence[str], edges: Sequence[Edge]) -> Part:
    cut = set(cuts)
    segments: list[list[str]] = [[]]
    for node in order:
        if node in cut:
            segments += [[node], []]
        else:
            segments[-1].append(node)
    owner = {n: i for i, segment in enumerate(segments) for n in segment}
    own: list[list[Edge]] = [[] for _ in segments]
    for a, b in edges:
        if owner[a] == owner[b]:
            own[owner[a]].append((a, b))
    return Part("series", parts=[decompose(s, e) for s, e in zip(segments, own, strict=True) if s])


def _knot(order: Sequence[str], edges: Sequence[Edge]) -> Part:
    """Chains and twins inside a knot are merged first: they keep their template and Graphviz sees less."""
    units: dict[int, Part] = {i: Part("leaf", n) for i, n in enumerate(order)}
    index = {n: i for i, n in enumerate(order)}
    after: dict[int, dict[int, None]] = {i: {} for i in units}
    before: dict[int, dict[int, None]] = {i: {} for i in units}
    for a, b in edges:
        after[index[a]][index[b]] = None
        before[index[b]][index[a]] = None
    changed = True
    while changed and len(units) > 1:
        changed = _merge_chains(units, after, before)
        changed = _merge_twins(units, after, before) or changed
    if len(units) == 1:
        return next(iter(units.values()))
    place = {u: i for i, u in enumerate(units)}
    return Part("knot", parts=list(units.values()), edges=[(place[a], place[b]) for a in units for b in after[a]])


def _merge_chains(units: dict[int, Part], after: dict[int, dict[int, None]], before: dict[int, dict[int, None]]) -> bool:
    changed = False
    for u in list(units):
        while u in units and len(after[u]) == 1:
            (w,) = after[u]
            if len(before[w]) != 1:
                break
            first = units[u].parts if units[u].kind == "series" else [units[u]]
            second = units[w].parts if units[w].kind == "series" else [units[w]]
            units[u] = Part("series", parts=[*first, *second])
            after[u] = after.pop(w)
            for x in after[u]:
                before[x] = {u if y == w else y: None for y in before[x]}
            del units[w], before[w]
            changed = True
    return changed


def _merge_twins(units: dict[int, Part], after: dict[int, dict[int, None]], before: dict[int, dict[int, None]]) -> bool:
    alike: dict[tuple[frozenset[int], frozenset[int]], list[int]] = {}
    for u in units:
        if before[u] and after[u]:
            alike.setdefault((frozenset(before[u]), frozenset(after[u])), []).append(u)
    changed = False
    for twins in alike.values():
        if len(twins) > 1:
            first, *others = twins
            units[first] = Part("parallel", parts=[units[t] for t in twins])
            for t in others:
                for x in after.pop(t):
                    del before[x][t]
                for x in before.pop(t):
                    del after[x][t]
                del units[t]
            changed = True
    return changed


def forced(group: Group, along: bool) -> Part:
    """The structure of a group whose arrangement is given: a row or a column, whatever its wires say."""
    return Part("series" if along else "parallel", parts=[Part("leaf", child.id) for child in group.children])


def besides(children: Mapping[str, Box | Group], wires: GroupWires) -> dict[str, dict[str, int]]:
    """Boxes that nothing enters and that one box alone reads: they stand beside their reader, level with it.

    A reader keeps at least one way in from before it. Each side takes one, and no side where skips land.
    """
    into: dict[str, list[str]] = {}
    out: dict[str, list[str]] = {}
    for a, b in wires.edges:
        if (a, b) not in wires.back:
            into.setdefault(b, []).append(a)
            out.setdefault(a, []).append(b)
    looped = {end for edge in wires.back for end in edge}
    cover = set(wires.cover)
    found: dict[str, dict[str, int]] = {}
    for reader, sources in into.items():
        if not isinstance(children.get(reader), Box) or reader in looped:
            continue
        lone = [
            s
            for s in sources
            if isinstance(children.get(s), Box) and s not in into and s not in looped and out[s] == [reader]
            if len(wires.edges[s, reader]) == 1
        ]
        if len(lone) == len(sources):
            lone = []  # all its inputs are alike: they stand before it
        landing = any((s, reader) not in cover for s in sources)
        leaving = any((reader, t) not in cover for t in out.get(reader, ()))
        sides = [1] if landing or leaving else [-1, 1]
        if lone and len(lone) <= len(sides):
            found[reader] = dict(zip(lone, sides, strict=False))
    return found
