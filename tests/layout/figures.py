"""Figures as a renderer would make them, of the shapes networks have."""

from __future__ import annotations

import itertools

from netfig.figure import Box, End, Figure, Group, Row, Wire
from netfig.mathtext import math, plain


def box(id: str, title: str = "", role: str = "layer", rows: tuple[str, ...] = (), **more: object) -> Box:
    return Box(id, role, (plain(title or id),), tuple(Row("shape", plain(r)) for r in rows), **more)  # type: ignore[arg-type]


def tensor(id: str, symbol: str, role: str = "input") -> Box:
    return Box(id, role, (math(symbol),))


def op(id: str, sign: str = "+") -> Box:
    return Box(id, "op", (plain(sign),))


def wire(a: str, b: str, role: str = "data", label: str = "", slot: str = "") -> Wire:
    return Wire(End(a), End(b, slot), role, plain(label))


def path(*ids: str) -> list[Wire]:
    return [wire(a, b) for a, b in itertools.pairwise(ids)]


def figure(children: list[Box | Group], wires: list[Wire], **more: object) -> Figure:
    return Figure("test", "a test figure", Group("root", tuple(children)), tuple(wires), **more)  # type: ignore[arg-type]


def panel(id: str, children: list[Box | Group], title: str = "", **more: object) -> Group:
    return Group(id, tuple(children), "panel", plain(title or id), **more)  # type: ignore[arg-type]


def chain(n: int = 6, **more: object) -> Figure:
    layers = [
        box(f"conv{i}", "3×3 conv", rows=("64×56×56",)) if i % 2 == 0 else box(f"relu{i}", "ReLU", "activation") for i in range(n)
    ]
    boxes: list[Box | Group] = [tensor("x", "x"), *layers, tensor("y", "y", "output")]
    return figure(boxes, path(*(b.id for b in boxes)), **more)


def residual(projection: bool = False, **more: object) -> Figure:
    inside: list[Box | Group] = [
        box("conv1", "3×3 conv", rows=("64×56×56",)),
        box("bn1", "BN", "norm"),
        box("relu1", "ReLU", "activation"),
        box("conv2", "3×3 conv", rows=("64×56×56",)),
        box("bn2", "BN", "norm"),
        *([box("proj", "1×1 conv", rows=("64×56×56",))] if projection else []),
        op("add"),
        box("relu2", "ReLU", "activation"),
    ]
    wires = path("x", "conv1", "bn1", "relu1", "conv2", "bn2", "add", "relu2", "y")
    wires += [wire("x", "proj"), wire("proj", "add")] if projection else [wire("x", "add", "skip", "identity")]
    return figure([tensor("x", "x"), panel("block", inside, "BasicBlock"), tensor("y", "y", "output")], wires, **more)


def inception(**more: object) -> Figure:
    boxes: list[Box | Group] = [
        tensor("x", "x"),
        box("b1", "1×1 conv"),
        box("b2a", "1×1 conv"),
        box("b2b", "3×3 conv"),
        box("b3a", "1×1 conv"),
        box("b3b", "5×5 conv"),
        box("b4a", "3×3 max pool", "pool"),
        box("b4b", "1×1 conv"),
        box("cat", "concat", "op.box"),
        tensor("y", "y", "output"),
    ]
    wires = [*path("x", "b1", "cat"), *path("x", "b2a", "b2b", "cat"), *path("x", "b3a", "b3b", "cat")]
    return figure(boxes, [*wires, *path("x", "b4a", "b4b", "cat", "y")], **more)


def unet(depth: int = 3, **more: object) -> Figure:
    boxes: list[Box | Group] = [tensor("x", "x")]
    wires: list[Wire] = []
    last = "x"
    for i in range(depth):
        boxes += [box(f"enc{i}", f"encode {64 << i}", "block"), box(f"pool{i}", "max pool", "pool")]
        wires += path(last, f"enc{i}", f"pool{i}")
        last = f"pool{i}"
    boxes.append(box("mid", "bottleneck", "block"))
    wires += path(last, "mid")
    last = "mid"
    for i in reversed(range(depth)):
        boxes += [box(f"up{i}", "up-conv"), box(f"cat{i}", "concat", "op.box"), box(f"dec{i}", f"decode {64 << i}", "block")]
        wires += [*path(last, f"up{i}", f"cat{i}", f"dec{i}"), wire(f"enc{i}", f"cat{i}", "skip")]
        last = f"dec{i}"
    boxes.append(tensor("y", "y", "output"))
    return figure(boxes, [*wires, *path(last, "y")], **more)


def encoder(layers: int = 1, **more: object) -> Figure:
    boxes: list[Box | Group] = [tensor("x", "x")]
    wires: list[Wire] = []
    last = "x"
    for n in range(layers):
        p = f"l{n}."
        attention = panel(
            p + "attn",
            [box(p + "mha", "Multi-head attention", "attention"), op(p + "add1"), box(p + "norm1", "LayerNorm", "norm")],
            "attention",
        )
        ffn = panel(
            p + "ffn",
            [
                box(p + "lin1", "Linear", rows=("256→1024",)),
                box(p + "relu", "ReLU", "activation"),
                box(p + "lin2", "Linear", rows=("1024→256",)),
                op(p + "add2"),
                box(p + "norm2", "LayerNorm", "norm"),
            ],
            "feed-forward",
        )
        boxes.append(panel(p + "layer", [attention, ffn], "encoder layer", badge=plain("× 6")))
        wires += [wire(last, p + "mha", slot=s) for s in ("query", "key", "value")]
        wires += [*path(p + "mha", p + "add1", p + "norm1"), wire(last, p + "add1", "skip")]
        wires += [*path(p + "norm1", p + "lin1", p + "relu", p + "lin2", p + "add2", p + "norm2")]
        wires += [wire(p + "norm1", p + "add2", "skip")]
        last = p + "norm2"
    boxes.append(tensor("y", "y", "output"))
    return figure(boxes, [*wires, *path(last, "y")], **more)


def concat(**more: object) -> Figure:
    boxes: list[Box | Group] = [
        tensor("a", "x_1"),
        tensor("b", "x_2"),
        box("fa", "Linear"),
        box("fb", "Linear"),
        box("cat", "concat", "op.box"),
        box("out", "Linear"),
        tensor("y", "y", "output"),
    ]
    return figure(boxes, [*path("a", "fa", "cat"), *path("b", "fb", "cat"), *path("cat", "out", "y")], **more)


def dense(n: int = 4, **more: object) -> Figure:
    boxes: list[Box | Group] = [tensor("x", "x")]
    wires: list[Wire] = []
    for i in range(n):
        boxes += [box(f"cat{i}", "concat", "op.box"), box(f"conv{i}", "conv")]
        wires += [wire("x", f"cat{i}")]
        wires += [wire(f"conv{j}", f"cat{i}") for j in range(i)]
        wires += path(f"cat{i}", f"conv{i}")
    boxes += [box("out", "concat", "op.box"), tensor("y", "y", "output")]
    wires += [wire("x", "out"), *(wire(f"conv{j}", "out") for j in range(n)), wire("out", "y")]
    return figure(boxes, wires, **more)


def experts(n: int = 8, **more: object) -> Figure:
    boxes: list[Box | Group] = [tensor("x", "x"), box("router", "router")]
    boxes += [box(f"e{i}", f"expert {i}", "block") for i in range(n)]
    boxes += [op("sum", "Σ"), tensor("y", "y", "output")]
    wires = path("x", "router")
    for i in range(n):
        wires += [wire("router", f"e{i}", label=""), wire(f"e{i}", "sum")]
    return figure(boxes, [*wires, *path("sum", "y")], **more)


def lstm(**more: object) -> Figure:
    boxes: list[Box | Group] = [
        tensor("c0", "c_{t-1}", "state"),
        tensor("hx", "[h,x]"),
        box("f", "σ forget", "activation"),
        box("i", "σ input", "activation"),
        box("g", "tanh cand.", "activation"),
        box("o", "σ output", "activation"),
        op("m1", "⊙"),
        op("m2", "⊙"),
        op("add"),
        box("tanh", "tanh", "activation"),
        op("m3", "⊙"),
        tensor("c1", "c_t", "state"),
        tensor("h1", "h_t", "state"),
    ]
    wires = [wire("c0", "m1", "state"), wire("m1", "add", "state"), wire("add", "c1", "state")]
    wires += [wire("hx", g) for g in "figo"]
    wires += [wire("f", "m1"), wire("i", "m2"), wire("g", "m2"), wire("m2", "add"), wire("add", "tanh"), wire("tanh", "m3")]
    return figure(boxes, [*wires, wire("o", "m3"), wire("m3", "h1")], **more)


ALL = {
    "chain": chain,
    "residual": residual,
    "projection": lambda **more: residual(True, **more),
    "inception": inception,
    "unet": unet,
    "encoder": encoder,
    "concat": concat,
    "dense": dense,
    "experts": experts,
    "lstm": lstm,
}
