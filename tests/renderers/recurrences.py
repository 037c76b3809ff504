"""Recurrences to draw, and what their unrolled graphs say hangs on what."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from netfig.equations import compile, parse
from netfig.figure import Figure
from netfig.graph import Graph
from netfig.graph.plates import unroll

ROOT = Path(__file__).parents[2]
CELLS = {path.stem: path for path in sorted((ROOT / "src/netfig/cells").glob("*.rnn"))}
EXAMPLES = {f"example-{path.stem}": path for path in sorted((ROOT / "examples/recurrences").glob("*.rnn"))}
ALL = CELLS | EXAMPLES
SIZES = {"T": 4, "S": 4, "L": 3, "K": 2}

ELMAN = "h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)\ny[t] = W_hy h[t] + b_y"
SKIPS = "h[t] = A_1 h[t-1] + A_2 h[t-2] + B x[t]"
JORDAN = "h[t] = tanh(W_xh x[t] + W_yh y[t-1] + b_h)\ny[t] = W_hy h[t] + b_y"
GATED = "c[t] = σ(W_c x[t] + W_h h[t-1])\nh[t] = c[t] ⊙ h[t-1] + (1 - c[t]) ⊙ W_x x[t]"
HANDED_OVER = """h[j] = tanh(W_x x[j] + W_h h[j-1]) for j = 1..S
s[0] = h[S]
s[t] = tanh(U_y y[t-1] + U_s s[t-1])
y[t] = softmax(V s[t])"""
CONTEXT = """e_i[t] = uᵀ tanh(A h[t-i]) for i = 1..2
α[t] = softmax([e_i[t] for i = 1..2])
c[t] = sum(α_i[t] h[t-i] for i = 1..2)
h[t] = tanh(W_x x[t] + W_c c[t])"""


def program(text: str, name: str = "program", **sizes: int) -> Graph:
    """The rolled graph of a program in words."""
    return compile(parse(text, name), sizes or None)


@cache
def rolled(name: str, *, sized: bool = False) -> Graph:
    """The rolled graph of a cell or example; `sized` with a number for every length it has."""
    parsed = parse(ALL[name].read_text(encoding="utf-8"), name)
    graph = compile(parsed)
    if not sized:
        return graph
    names = {axis.extent.name for axis in graph.axes if axis.extent.size is None}
    return compile(parsed, {size: number for size, number in SIZES.items() if size in names})


def hangs_on(graph: Graph, shown: frozenset[str]) -> set[tuple[str, str]]:
    """All pairs (source, target) of shown values, by the ids of the unrolled graph, between which no other shown value lies.

    Found by walking the unrolled graph's own ops back; nothing of the renderers is used.
    """
    started = {entry[2]: (v.id, entry) for v in graph.values for entry in (*v.initial, *v.final)}
    for axis in [a.id for a in graph.axes]:
        if any(s.kind == "plate" and s.axis == axis for s in graph.scopes):
            graph = unroll(graph, axis)
    pairs: set[tuple[str, str]] = set()
    for target in shown & graph.value_by_id.keys():
        stack, seen = [target], {target}
        while stack:
            producer = graph.producer.get(stack.pop())
            for read in producer.reads if producer is not None else ():
                if read in shown or (read in started and read not in graph.producer):
                    pairs.add((read, target))
                elif read not in seen:
                    seen.add(read)
                    stack.append(read)
    return pairs


def members(box: str) -> set[str]:
    """The values in a box: ``h,c[t=2]`` holds ``h[t=2]`` and ``c[t=2]``."""
    names, bracket, rest = box.partition("[")
    return {name + bracket + rest for name in names.split(",")}


def drawn(figure: Figure) -> set[tuple[str, str]]:
    """All pairs (source box, target box) that a figure has wires between."""
    return {(wire.source.box, wire.target.box) for wire in figure.wires}
