"""Graphs with much in them that is alike, and a little that is not."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from netfig.graph import Graph
from netfig.graph.build import GraphBuilder

KINDS = ("mlp", "wide", "masked", "tied", "written", "bare", "branches", "side")


def linear(b: GraphBuilder, path: str, x: str, width: int) -> str:
    """A linear layer with its module around it."""
    with b.scope(path, type_name="Linear", inputs=[x], attributes={"out_features": width}) as scope:
        read = {
            "input": x,
            "weight": b.parameter(f"{path}.weight", (width, width)),
            "bias": b.parameter(f"{path}.bias", (width,)),
        }
        scope.outputs = [b.op("linear", read, shape=(1, width))]
    return scope.outputs[0]


def block(b: GraphBuilder, path: str, kind: str, x: str, width: int, known: dict[str, str]) -> str:
    """One block of a kind as a module, or (``bare``) as ops without one."""
    if kind == "bare":
        y = b.op("linear", {"input": x, "weight": b.parameter(f"w{b.unique('w', 'count')}", (width, width))}, shape=(1, width))
        return b.op("relu", {"input": y}, shape=(1, width))
    with b.scope(path, type_name=kind.title(), inputs=[x, known["mask"]] if kind == "masked" else [x]) as scope:
        y = linear(b, f"{path}.first", x, width)
        if kind == "masked":
            y = b.op("mul", {"input": y, "other": known["mask"]}, shape=(1, width))
        if kind == "tied":
            y = b.op("linear", {"input": y, "weight": known["tied"]}, shape=(1, width))
        if kind == "written":
            y = b.op("copy", {"input": y}, shape=(1, width), storage=f"{path}.memory")
            y = b.op("relu_", {"self": y}, shape=(1, width), writes=["self"], storage=f"{path}.memory")
        if kind == "branches":
            parts = [linear(b, f"{path}.parts.{i}", y, width) for i in range(5)]
            y = b.op("stack", {"tensors": parts}, shape=(5, 1, width))
            y = b.op("mean", {"input": y}, shape=(1, width), attributes={"dim": 0})
        if kind == "side":
            y = b.op("add", {"input": y, "other": b.op("neg", {"input": known["x"]}, shape=(1, width))}, shape=(1, width))
        y = linear(b, f"{path}.second", y, width)
        scope.outputs = [b.op("add", {"input": y, "other": x}, shape=(1, width))]
    return scope.outputs[0]


def stages(b: GraphBuilder, path: str, plan: Any, x: str, known: dict[str, str], seen: list[str]) -> str:
    """A plan: (kind, width, count) for blocks in a row, or a list of plans for a module around them."""
    for i, part in enumerate(plan):
        if isinstance(part, list):
            with b.scope(f"{path}{i}", type_name="Stage", inputs=[x]) as scope:
                scope.outputs = [x := stages(b, f"{path}{i}.", part, x, known, seen)]
            continue
        kind, width, count = part
        for k in range(count):
            x = block(b, f"{path}{i}.{k}", kind, x, width, known)
            seen.append(x)
    return x


def built(plan: Any, collected: str = "", notes: bool = False) -> Graph:
    """The graph of a plan; `collected` says what is done with the outputs of all blocks."""
    b = GraphBuilder("net", type_name="Net")
    x = b.input("x", (1, 8))
    known = {"x": x, "mask": b.input("mask", (1, 8)), "tied": b.parameter("tied", (8, 8))}
    seen: list[str] = []
    last = stages(b, "part", plan, x, known, seen)
    if collected == "ports":
        for k, value in enumerate(seen):
            b.output(f"hidden.{k}", value)
    if collected == "cat" and seen:
        last = b.op("cat", {"tensors": seen}, shape=(1, 8 * len(seen)))
    b.output("output", last)
    graph = b.finish()
    if notes:
        for key in ("first", "second"):
            for number, scope in enumerate(graph.scopes):
                b.note(scope.id, key, (len(scope.owns), key, number % 7 if key == "second" else scope.type_name))
        graph = b.finish()
    return graph


parts = st.tuples(st.sampled_from(KINDS), st.sampled_from([8, 16]), st.integers(1, 5))
plans = st.lists(st.recursive(parts, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=6), min_size=1, max_size=4)


@st.composite
def repetitive(draw: st.DrawFn) -> Graph:
    """Rows of blocks in stages in stages, some of them the same stage several times."""
    plan = draw(plans)
    again = draw(st.integers(1, 3))
    return built(plan * again, draw(st.sampled_from(["", "ports", "cat"])), draw(st.booleans()))
