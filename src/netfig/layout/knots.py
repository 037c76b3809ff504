"""Placing what no template fits: Graphviz `dot` finds ranks and order, near-equal coordinates are made equal."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from netfig.errors import EngineFailed
from netfig.layout.engine import EngineTimedOut, run_dot

SNAP = 9.0  # coordinates closer than this become one
LARGE = 300  # from this many blocks, dot is told to hurry
CAPPED, HURRIED = ", nslimit=2, nslimit1=2, mclimit=0.4", ", nslimit=0.1, nslimit1=2, mclimit=0.3"


def place_knot(
    sizes: Sequence[tuple[float, float]],
    edges: Sequence[tuple[int, int]],
    weights: Sequence[int],
    *,
    gap_along: float,
    gap_across: float,
    engine: str,
) -> list[tuple[float, float]]:
    """The centre (u, v) of each block, given (length, breadth) of each and the edges between them."""
    head = f"rankdir=TB, splines=line, nodesep={gap_across / 72:.4f}, ranksep={gap_along / 72:.4f}"
    lines = ['node [shape=box, fixedsize=true, label="", margin=0];']
    lines += [f"n{i} [width={across / 72:.4f}, height={along / 72:.4f}];" for i, (along, across) in enumerate(sizes)]
    spine = _spine(len(sizes), edges)
    lines += [f"n{a} -> n{b} [weight={max(w, 8 if (a, b) in spine else 1)}];" for (a, b), w in zip(edges, weights, strict=True)]
    body = "\n".join([*lines, "}"])
    try:
        centres = _dot(f"digraph {{\ngraph [{head}{CAPPED if len(sizes) >= LARGE else ''}];\n{body}", engine, len(sizes))
    except EngineTimedOut:
        try:
            centres = _dot(f"digraph {{\ngraph [{head}{HURRIED}];\n{body}", engine, len(sizes))
        except EngineTimedOut as error:
            raise EngineFailed(
                f"{len(sizes):,} boxes with {len(edges):,} wires between them could not be placed in time",
                why=f"{error.what}, nor did it with less effort",
                hint="show less at once: --max-boxes N, a smaller --depth, or --collapse PATH for what may stay closed",
            ) from error
    us = _snapped([u for u, _ in centres], [s[0] for s in sizes])
    vs = _snapped([v for _, v in centres], [s[1] for s in sizes])
    return list(zip(us, vs, strict=True))


@lru_cache(maxsize=256)
def _dot(source: str, engine: str, count: int) -> tuple[tuple[float, float], ...]:
    plain = run_dot(source, ["-Tplain"], engine=engine).decode("utf-8")
    found: dict[int, tuple[float, float]] = {}
    height = 0.0
    for line in plain.splitlines():
        words = line.split()
        if words[:1] == ["graph"]:
            height = float(words[3])
        elif words[:1] == ["node"]:
            found[int(words[1][1:])] = ((height - float(words[3])) * 72, float(words[2]) * 72)
    return tuple((round(found[i][0], 2), round(found[i][1], 2)) for i in range(count))


def _spine(count: int, edges: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """The edges of a longest path: they are to be straight."""
    after: dict[int, list[int]] = {i: [] for i in range(count)}
    degree = [0] * count
    for a, b in edges:
        after[a].append(b)
        degree[b] += 1
    order = [i for i in range(count) if not degree[i]]
    for node in order:
        for nxt in after[node]:
            degree[nxt] -= 1
            if not degree[nxt]:
                order.append(nxt)
    best = [(0, -1)] * count
    for node in reversed(order):
        best[node] = max(((best[n][0] + 1, n) for n in after[node]), default=(0, -1), key=lambda b: (b[0], -b[1]))
    if not order:
        return set()
    node = max(order, key=lambda n: (best[n][0], -n))
    spine = set()
    while best[node][1] >= 0:
        spine.add((node, best[node][1]))
        node = best[node][1]
    return spine


def _snapped(values: Sequence[float], sizes: Sequence[float]) -> list[float]:
    """Near-equal values made equal: the value of the most members of their cluster."""
    out = list(values)
    order = sorted(range(len(values)), key=lambda i: (values[i], i))
    cluster: list[int] = []
    for i in [*order, -1]:
        if i >= 0 and (not cluster or (values[i] - values[cluster[-1]] <= SNAP and values[i] - values[cluster[0]] <= 1.5 * SNAP)):
            cluster.append(i)
            continue
        counts: dict[float, int] = {}
        for j in cluster:
            counts[values[j]] = counts.get(values[j], 0) + 1
        common = max(counts, key=lambda v: (counts[v], -abs(v - values[cluster[len(cluster) // 2]]), -v))
        for j in cluster:
            out[j] = common
        cluster = [i]
    return out
