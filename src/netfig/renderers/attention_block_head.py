"""The inside of one head: the boxes of its operations in the order they run, the wires between them, the names on these."""

from __future__ import annotations

from netfig.figure import Box, End, Mark, Row, Wire
from netfig.graph.attention import AttentionBlock
from netfig.graph.types import Dim
from netfig.mathtext import Text, plain, text_of
from netfig.renderers.attention_block_text import mask_words
from netfig.renderers.attention_block_words import indexed, key_index, letter, merged, shape, size, turned

NORMS: dict[str, tuple[Text, ...]] = {
    one: (plain(word), plain("norm")) for one, word in (("rms", "RMS"), ("layer", "layer"), ("l2", "L2"))
}


LONG_SHAPE = 10
"""Characters: a longer shape of the weights stands in the equations alone, so that two ladders fit on a page."""


class HeadPlan:
    """What a figure of an attention is made of; `wires` grows with every piece that is asked for."""

    def __init__(self, block: AttentionBlock) -> None:
        self.block, self.spec = block, block.spec
        self.wires: list[Wire] = []
        self.i = "i" if self.spec.is_multi_head else ""
        self.j = key_index(self.spec)
        self.sources = self._sources()

    def _sources(self) -> dict[str, str]:
        """The symbol of what queries, keys and values are made of."""
        q, k, v = self.block.sources
        if self.is_direct:
            return {"q": "Q", "k": "K", "v": "V"}
        if q == k:
            return {"q": "X", "k": "X", "v": "X" if q == v else "C"}
        return {"q": "X", "k": "C", "v": "C"} if k == v else {"q": "X_Q", "k": "X_K", "v": "X_V"}

    @property
    def kind(self) -> str:
        """What one head computes."""
        return "dot-product attention" if self.spec.scale == "none" else "scaled dot-product attention"

    @property
    def is_direct(self) -> bool:
        """Whether queries, keys and values are what comes in."""
        return not set("qkv") & set(self.spec.projections) and len(set(self.block.sources)) == 3

    # ---- pieces ------------------------------------------------------------------------------------------------------

    def box(
        self,
        id: str,
        role: str,
        title: tuple[Text, ...],
        place: tuple[int, int],
        span: int = 1,
        parts: str = "",
        *,
        rows: tuple[Row, ...] = (),
        marks: tuple[Mark, ...] = (),
        badge: Text = (),
    ) -> Box:
        """A box for some parts."""
        ops = [self.block.ops[one] for one in parts.split() if one in self.block.ops]
        made = tuple(one for op in ops for one in (op.id, *op.outputs))
        return Box(id, role, title, rows, marks, badge, place=place, span=(span, 1), stands_for=made)

    def copies(self, which: str = "q") -> tuple[Mark, ...]:
        """The mark of a box that each head has, or each of those that keys and values have."""
        heads = self.spec.heads if which == "q" else self.spec.kv_heads
        if not self.spec.is_multi_head or heads.size == 1:
            return ()
        return ("paired",) if heads.size == 2 else ("stacked",)

    def wire(self, source: str, target: str, label: Text = (), part: str = "") -> None:
        """A wire that carries what a part makes, under a name that the equations use."""
        value = self.block.makes(part) if part else None
        role = "data.value" if label else "data"
        self.wires.append(Wire(End(source), End(target), role, label, stands_for=(value,) if value else ()))

    def lane(self, source: str, target: str, which: str, *, named: bool) -> None:
        """A wire into a product; where it is `named` it has the symbol that the equations use."""
        s = self.spec
        symbols = {"q": turned(s, "Q", self.i), "k": turned(s, "K", self.j), "v": indexed("V", self.j)}
        self.wire(source, target, symbols[which] if named else ())

    def linear(
        self, id: str, which: str, place: tuple[int, int], span: int = 1, *, index: str = "", marks: tuple[Mark, ...] = ()
    ) -> Box:
        """A projection with its matrix and the shape of it."""
        s = self.spec
        rows, columns = {
            "q": (s.d_model, s.d_k),
            "k": (s.d_key, s.d_k),
            "v": (s.d_value, s.d_v),
            "o": (merged(s) if s.is_multi_head else s.d_v, s.d_out),
        }[which]
        title = (plain("Linear"), indexed("W", index, which.upper()))
        row = Row("shape", shape(rows, columns))
        return self.box(id, "layer.slim", title, place, span, f"{which}_proj", rows=(row,), marks=marks)

    def inside(
        self, row: int, lanes: tuple[int, int, int], feeds: dict[str, str], *, shapes: bool = False, named: bool = False
    ) -> tuple[list[Box], str, list[tuple[int, Text]]]:
        """The ops of one head from a row on: their boxes, the last of them, and the shapes of rows.

        `named` puts the name of the values on their wire: where no box has it. Queries and keys are named with their product.
        """
        s, (q, k, _) = self.spec, lanes
        boxes: list[Box] = []
        feeds = dict(feeds)
        per_lane: list[tuple[str, tuple[Text, ...], str]] = (
            [("norm", NORMS[s.qk_norm], "norm.slim")] if "q_norm" in self.block.ops else []
        )
        per_lane += [("rotary", (plain("RoPE"),), "op.box.slim")] if s.position == "rotary" else []
        for part, words, role in per_lane:
            for which, lane in (("q", q), ("k", k)):
                boxes.append(self.box(f"{which}/{part}", role, words, (lane, row), 1, f"{which}_{part}"))
                self.wire(feeds[which], f"{which}/{part}")
                feeds[which] = f"{which}/{part}"
            row += 1
        rows: list[tuple[int, Text]] = [(row, shape(s.queries, s.keys))]
        span = k - q + 1
        boxes.append(self.box("scores", "op.box", (plain("MatMul"),), (q, row), span, "scores"))
        for one in "qk":
            self.lane(feeds[one], "scores", one, named=bool(per_lane))
        last, label = "scores", (*turned(s, "Q", self.i), *turned(s, "K", self.j, "T"))
        for part, word, role, after in self._chain(label):
            row += 1
            boxes.append(self.box(part, role, word, (q, row), span, part))
            self.wire(last, part, label, last)
            if (side := self._side(part, (q - 1, row))) is not None:
                boxes.append(side)
                self.wire(side.id, part)
            last, label = part, after
            weights = shape(s.queries, s.keys)
            if part == "softmax" and shapes and len(text_of(weights)) <= LONG_SHAPE:
                label = (*after, *letter(": "), *weights)
        row += 1
        boxes.append(self.box("sum", "op.box", (plain("MatMul"),), (q, row), lanes[2] - q + 1, "sum"))
        self.wire(last, "sum", label, last)
        self.lane(feeds["v"], "sum", "v", named=named)
        rows.append((row, shape(s.queries, s.d_v)))
        return boxes, "sum", rows

    def _chain(self, product: Text) -> list[tuple[str, tuple[Text, ...], str, Text]]:
        """The ops between the two products: part, words, role, and the name of what it makes."""
        s = self.spec
        found: list[tuple[str, tuple[Text, ...], str, Text]] = []
        weights = indexed("A", self.i)
        if s.scale != "none":
            scaled: dict[str, Text] = {
                "sqrt": (*product, *letter(" / "), *_root(s.d_k)),
                "learned": (*indexed("τ", self.i), *letter(" "), *product),
            }
            by = "" if s.scale in ("sqrt", "learned") else f" × {float(s.scale):.4g}"
            found.append(("scale", (plain(f"Scale{by}"),), "op.box", scaled.get(str(s.scale), ())))
        if s.softcap is not None:
            found.append(("softcap", (plain(f"Soft cap {s.softcap:g}"),), "op.box", ()))
        if "bias" in self.block.ops:
            word = "Add ALiBi" if self.block.ops["bias"].kind == "alibi" else "Add bias"
            found.append(("bias", (plain(word),), "op.box", ()))
        if s.masks:
            found.append(("mask", mask_words(s), "op.box", ()))
        found.append(("softmax", (plain("Softmax"),), "activation", weights))
        if s.dropout:
            found.append(("dropout", (plain(f"Dropout {s.dropout:g}"),), "op.box", ()))
        return found

    def _side(self, part: str, place: tuple[int, int]) -> Box | None:
        """What enters a part from the side: a bias or a mask that is given."""
        slots = {"bias": ("bias", "table"), "mask": ("mask",), "scale": ("factor",)}.get(part, ())
        value = next((found for slot in slots if (found := self.block.reads(part, slot)) is not None), None)
        if value is None:
            return None
        base, role = {"bias": ("B", "weight"), "mask": ("M", "input.slim"), "scale": ("τ", "weight")}[part]
        return Box(f"{part}/side", role, (indexed(base, "" if part == "mask" else self.i),), place=place, stands_for=(value,))

    @property
    def has_side(self) -> bool:
        """Whether something enters the head from the side: a bias, a mask that is given, a learned scale."""
        return any(self._side(part, (0, 0)) is not None for part in ("bias", "mask", "scale"))


def _root(d_k: Dim) -> Text:
    """√d_k on a line."""
    return (*letter("√"), *size(d_k))
