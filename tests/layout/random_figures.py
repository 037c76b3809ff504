"""Random figures by seed: `network` grows one as a model's code would, `wiring` throws wires between boxes."""

from __future__ import annotations

import random
from collections.abc import Sequence

import figures

from netfig.figure import Box, End, Figure, Group, Wire

WORDS = ("conv", "3×3 conv", "Linear", "BatchNorm", "ReLU", "Multi-head attention", "max pool", "up-conv", "embedding")
ROLES = ("layer", "layer", "activation", "norm", "pool", "attention", "block", "op.box")
SHAPES = ("64×56×56", "512", "12×48×48", "1024")


class _Growth:
    """A network under construction: boxes and wires so far."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.wires: list[Wire] = []
        self.count = 0

    def id(self, word: str = "b") -> str:
        self.count += 1
        return f"{word}{self.count}"

    def box(self) -> Box:
        r = self.random
        rows = (r.choice(SHAPES),) if r.random() < 0.4 else ()
        return figures.box(self.id(), r.choice(WORDS), r.choice(ROLES), rows=rows)

    def wire(self, source: str, target: str, role: str = "data", named: float = 0.15) -> None:
        label = self.random.choice(("8×8", "64×56×56", "h", "residual", "query")) if self.random.random() < named else ""
        self.wires.append(figures.wire(source, target, role, label))

    def grow(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        """Boxes that take the value of `source`, and the last of them."""
        kinds = [self._layers] * 3 if depth <= 0 else [
            self._layers, self._steps, self._residual, self._branches, self._panel, self._panel, self._gate, self._satellite,
            self._attention, self._split_attention, self._unet, self._dense,
        ]  # fmt: skip
        return self.random.choice(kinds)(source, depth)

    def _layers(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes: list[Box | Group] = []
        for _ in range(self.random.randint(1, 3)):
            boxes.append(self.box())
            self.wire(source, boxes[-1].id)
            source = boxes[-1].id
        return boxes, source

    def _steps(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes: list[Box | Group] = []
        for _ in range(self.random.randint(2, 3)):
            more, source = self.grow(source, depth - 1)
            boxes += more
        return boxes, source

    def _residual(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes, last = self.grow(source, depth - 1)
        add = figures.op(self.id("add"))
        self.wire(last, add.id)
        if self.random.random() < 0.25:
            boxes.append(self.box())
            self.wire(source, boxes[-1].id, "skip")
            source = boxes[-1].id
        self.wire(source, add.id, "skip")
        return [*boxes, add], add.id

    def _branches(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes: list[Box | Group] = []
        join = figures.box(self.id("cat"), "concat", "op.box")
        for _ in range(self.random.randint(2, 4)):
            more, last = self.grow(source, depth - 2)
            boxes += more
            self.wire(last, join.id)
        return [*boxes, join], join.id

    def _panel(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes, last = self.grow(source, depth - 1)
        name = self.id("panel")
        badge = figures.plain("× 6") if self.random.random() < 0.2 else ()
        detail = figures.plain("1,204 parameters") if self.random.random() < 0.3 else ()
        title = self.random.choice(("encoder layer", "Block", "self_attn", "layer1.0"))
        return [figures.panel(name, boxes, title, badge=badge, detail=detail)], last

    def _gate(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes, last = self.grow(source, depth - 1)
        sigma, times = figures.box(self.id(), "σ", "activation"), figures.op(self.id("mul"), "⊙")
        self.wire(source, sigma.id)
        self.wire(sigma.id, times.id)
        self.wire(last, times.id)
        return [*boxes, sigma, times], times.id

    def _satellite(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes, last = self.grow(source, depth - 1)
        weight, add = figures.tensor(self.id("w"), "W", "weight"), figures.op(self.id("add"))
        self.wire(last, add.id)
        self.wire(weight.id, add.id)
        if self.random.random() < 0.5:
            self.wire(source, add.id, "skip")
        return [*boxes, weight, add], add.id

    def _attention(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        q, k, v = (figures.box(self.id(), "Linear") for _ in range(3))
        scores = figures.box(self.id(), "matmul", "op.box")
        soft = figures.box(self.id(), "softmax", "activation")
        mix, out = figures.box(self.id(), "matmul", "op.box"), figures.box(self.id(), "Linear")
        for one in (q, k, v):
            self.wire(source, one.id)
        for a, b in ((q, scores), (k, scores), (scores, soft), (soft, mix), (v, mix), (mix, out)):
            self.wire(a.id, b.id)
        return [q, k, v, scores, soft, mix, out], out.id

    def _split_attention(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        """Query, key and value are parts of one result: they leave one box by ports of their own."""
        chunk, scores = figures.box(self.id(), "chunk", "op.box"), figures.box(self.id(), "matmul", "op.box")
        soft, mix = figures.box(self.id(), "softmax", "activation"), figures.box(self.id(), "matmul", "op.box")
        self.wire(source, chunk.id)
        for slot, target in (("0", scores), ("1", scores), ("2", mix)):
            self.wires.append(Wire(End(chunk.id, slot), End(target.id)))
        self.wire(scores.id, soft.id)
        self.wire(soft.id, mix.id)
        return [chunk, scores, soft, mix], mix.id

    def _unet(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes: list[Box | Group] = []
        kept = []
        for _ in range(self.random.randint(1, 3)):
            more, source = self._layers(source, 0)
            kept.append(source)
            boxes += more
        more, source = self._layers(source, 0)
        boxes += more
        for skip in reversed(kept):
            join = figures.box(self.id("cat"), "concat", "op.box")
            more, last = self._layers(source, 0)
            self.wire(last, join.id)
            self.wire(skip, join.id, "skip")
            boxes += [*more, join]
            source = join.id
        return boxes, source

    def _dense(self, source: str, depth: int) -> tuple[list[Box | Group], str]:
        boxes: list[Box | Group] = []
        known = [source]
        for _ in range(self.random.randint(2, 4)):
            join, conv = figures.box(self.id("cat"), "concat", "op.box"), self.box()
            for one in known:
                self.wire(one, join.id, named=0.0)
            self.wire(join.id, conv.id)
            known.append(conv.id)
            boxes += [join, conv]
        return boxes, known[-1]


def network(seed: int) -> Figure:
    """A figure of the kind a traced model gives: nested blocks, skips, branches, gates, constants, several results."""
    growth = _Growth(seed)
    inputs: list[Box | Group] = [figures.tensor(growth.id("x"), "x")]
    body, last = growth.grow(inputs[0].id, growth.random.randint(1, 4))
    if growth.random.random() < 0.25:
        inputs.append(figures.tensor(growth.id("x"), "x_2"))
        more, second = growth.grow(inputs[-1].id, 1)
        join = figures.box(growth.id("cat"), "concat", "op.box")
        growth.wire(last, join.id)
        growth.wire(second, join.id)
        body, last = [*body, *more, join], join.id
    outputs: list[Box | Group] = []
    for _ in range(1 if growth.random.random() < 0.8 else 2):
        outputs.append(figures.tensor(growth.id("y"), "y", "output"))
        growth.wire(last, outputs[-1].id)
    return figures.figure([*inputs, *body, *outputs], growth.wires)


def wiring(seed: int) -> Figure:
    """3 to 25 boxes, wires forward between any of them, panels around any runs of them."""
    r = random.Random(seed)
    count = r.randint(3, 25)
    growth = _Growth(seed)
    boxes = [figures.op(growth.id("op"), r.choice("+×⊙")) if r.random() < 0.2 else growth.box() for _ in range(count)]
    pairs: dict[tuple[int, int], None] = {}
    for i in range(1, count):
        if r.random() < 0.9:
            pairs[max(0, i - r.choice((1, 1, 1, 1, 2, 3))), i] = None
    for _ in range(r.randint(0, count // 2)):
        a, b = sorted(r.sample(range(count), 2))
        pairs[a, b] = None
    for a, b in pairs:
        growth.wire(boxes[a].id, boxes[b].id, "skip" if b - a > 2 else "data")
    return figures.figure(list(_grouped(r, boxes, 0, growth)), growth.wires)


def _grouped(r: random.Random, items: Sequence[Box | Group], depth: int, growth: _Growth) -> list[Box | Group]:
    """The same boxes in order, some runs of them in panels."""
    out: list[Box | Group] = []
    i = 0
    while i < len(items):
        if depth < 3 and len(items) - i > 2 and r.random() < 0.15:
            n = r.randint(2, max(2, (len(items) - i) * 2 // 3))
            name = growth.id("panel")
            out.append(
                figures.panel(name, _grouped(r, items[i : i + n], depth + 1, growth), r.choice(("Block", "encoder layer")))
            )
            i += n
        else:
            out.append(items[i])
            i += 1
    return out
