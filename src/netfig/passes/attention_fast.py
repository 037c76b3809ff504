"""Takes apart the operators with which torch runs a whole attention, or a whole encoder layer, at once.

Each becomes the ops that it stands for, as `torch.nn.TransformerEncoderLayer` writes them when it is trained; the attention in
them is then found as any other.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from netfig.graph.types import Attribute, Dim, Graph, Op, Ref, Slot, TensorType, Value
from netfig.passes.attention_follow import aten

ATTENTION: Final = "_native_multi_head_attention"
LAYER: Final = "_transformer_encoder_layer_fwd"
_PADDING, _SOURCE = 1, 0
"""What kind of mask the operators say they read: of keys (samples × keys), of pairs (queries × keys); any other is whole."""


def taken_apart(graph: Graph, names: Callable[[str], str]) -> Graph:
    """The graph without such operators, except those that read what no equation says."""
    ops: list[Op] = []
    values: list[Value] = []
    for op in graph.ops:
        made = _Apart(graph, op, names) if aten(op) in (ATTENTION, LAYER) and op.attribute("target") is not None else None
        if made is None or not made.write():
            ops.append(op)
            continue
        ops += made.ops
        values += made.values
    if not values:
        return graph
    there = {op.id for op in ops}
    gone = {op.id for op in graph.ops} - there
    notes = tuple(note for note in graph.notes if note.subject not in gone)
    return replace(graph, ops=tuple(ops), values=(*graph.values, *values), notes=notes)


class _Apart:
    """One operator."""

    def __init__(self, graph: Graph, op: Op, names: Callable[[str], str]) -> None:
        self.graph, self.op, self.names = graph, op, names
        self.slots = {slot.name: slot.refs[0].value for slot in op.inputs}
        self.ops: list[Op] = []
        self.values: list[Value] = []
        self.types = {v: graph.value_by_id[v].type for v in (*self.slots.values(), *op.outputs)}
        self.prefix = "" if graph.scope_by_id[op.scope].parent is None else f"{op.scope}/"

    def write(self) -> bool:
        """Whether it could be written out."""
        x = self.slots.get("src", self.slots.get("query", ""))
        sizes = self.types[x].sizes if x else None
        heads = self.op.attribute("num_heads", self.op.attribute("num_head"))
        if sizes is None or len(sizes) != 3 or not isinstance(heads, int):
            return False
        out = self.op.outputs[0]
        if aten(self.op) == ATTENTION:
            if len({self.slots.get(one) for one in ("query", "key", "value")}) > 1:
                return False
            read = [one in self.graph.readers or one in {p.value for p in self.graph.outputs} for one in self.op.outputs]
            self.attention(x, sizes, heads, out, self.op.outputs[1] if len(read) > 1 and read[1] else None)
            return True
        eps = self.op.attribute("eps", 1e-5)
        first, second = (self.slots.get(f"norm_weight_{n}") for n in (1, 2))
        if not first or not second or not isinstance(eps, float):
            return False
        if self.op.attribute("norm_first", False):
            y = self.add(x, self.attention(self.norm(x, 1, eps), sizes, heads))
            self.add(y, self.feed(self.norm(y, 2, eps), sizes), out)
        else:
            y = self.norm(self.add(x, self.attention(x, sizes, heads)), 1, eps)
            self.norm(self.add(y, self.feed(y, sizes)), 2, eps, out)
        return True

    def attention(self, x: str, sizes: Sequence[int], heads: int, out: str | None = None, weights_out: str | None = None) -> str:
        """An attention of x with itself."""
        batch, n, width = sizes
        size = width // heads
        every = self.linear(x, "qkv", (batch, n, 3 * width))
        every = self.make("view", "view.default", {"self": every}, (batch, n, 3, heads, size), size=(batch, n, 3, heads, size))
        every = self.make("permute", "permute.default", {"self": every}, (3, batch, heads, n, size), dims=(2, 0, 3, 1, 4))
        q, k, v = (self.make("select", "select.int", {"self": every}, (batch, heads, n, size), dim=0, index=i) for i in range(3))
        k = self.make("transpose", "transpose.int", {"self": k}, (batch, heads, size, n), dim0=-2, dim1=-1)
        square = (batch, heads, n, n)
        scores = self.make("matmul", "matmul.default", {"self": q, "other": k}, square)
        scores = self.make("mul", "mul.Scalar", {"self": scores}, square, other=size**-0.5)
        if "mask" in self.slots:
            scores = self.masked(scores, square)
        weights = self.make("softmax", "_softmax.default", {"self": scores}, square, dim=-1, half_to_float=False)
        if weights_out is not None and self.op.attribute("average_attn_weights", True):
            self.make("mean", "mean.dim", {"self": weights}, (batch, n, n), weights_out, dim=(1,))
        elif weights_out is not None:
            self.make("view", "view.default", {"self": weights}, square, weights_out, size=square)
        mixed = self.make("matmul", "matmul.default", {"self": weights, "other": v}, (batch, heads, n, size))
        mixed = self.make("transpose", "transpose.int", {"self": mixed}, (batch, n, heads, size), dim0=1, dim1=2)
        mixed = self.make("reshape", "reshape.default", {"self": mixed}, (batch, n, width), shape=(batch, n, width))
        return self.linear(mixed, "proj", (batch, n, width), out)

    def masked(self, scores: str, square: tuple[int, ...]) -> str:
        """Scores without those the mask is true (or not 0) for."""
        batch, _, n, _ = square
        kind, mask = self.op.attribute("mask_type"), self.slots["mask"]
        shape = (batch, 1, 1, n) if kind == _PADDING else (1, 1, n, n) if kind == _SOURCE else square
        mask = self.make("to", "_to_copy.default", {"self": mask}, self.types[mask].sizes or (), dtype="bool")
        mask = self.make("view", "view.default", {"self": mask}, shape, size=shape)
        slots = {"self": scores, "mask": mask}
        return self.make("masked_fill", "masked_fill.Scalar", slots, square, value=float("-inf"))

    def linear(self, x: str, name: str, sizes: Sequence[int], out: str | None = None) -> str:
        """One of its layers."""
        weight, bias = (
            (f"{name}_weight", f"{name}_bias") if name in ("qkv", "proj") else (f"ffn_weight_{name}", f"ffn_bias_{name}")
        )
        return self.make(
            "linear", "linear.default", {"input": x, "weight": self.slots[weight], "bias": self.slots[bias]}, sizes, out
        )

    def feed(self, x: str, sizes: Sequence[int]) -> str:
        """The two layers after the attention."""
        hidden = (self.types[self.slots["ffn_weight_1"]].sizes or (0,))[0]
        name = "gelu" if self.op.attribute("use_gelu", False) else "relu"
        y = self.linear(x, "1", (*sizes[:-1], hidden))
        return self.linear(self.make(name, f"{name}.default", {"self": y}, (*sizes[:-1], hidden)), "2", sizes)

    def norm(self, x: str, number: int, eps: float, out: str | None = None) -> str:
        """A layer norm."""
        sizes = self.types[x].sizes or ()
        slots = {"input": x, "weight": self.slots[f"norm_weight_{number}"], "bias": self.slots[f"norm_bias_{number}"]}
        return self.make("layer_norm", "native_layer_norm.default", slots, sizes, out, normalized_shape=sizes[-1:], eps=eps)

    def add(self, x: str, y: str, out: str | None = None) -> str:
        """A sum."""
        return self.make("add", "add.Tensor", {"self": x, "other": y}, self.types[x].sizes or (), out)

    def make(
        self,
        kind: str,
        target: str,
        slots: dict[str, str],
        sizes: Sequence[int],
        out: str | None = None,
        /,
        **settings: Attribute,
    ) -> str:
        """One op and its value; `out` is the existing value that it makes."""
        id = self.names(f"{self.prefix}{kind}")
        made = out or f"{id}.out"
        if out is None:
            dtype = "bool" if settings.get("dtype") == "bool" else self.types[next(iter(slots.values()))].dtype
            self.types[made] = TensorType(dtype, tuple(Dim(size) for size in sizes))
            axes = self.graph.plates_around.get(self.op.scope, ())
            self.values.append(Value(made, type=self.types[made], axes=axes))
        reads = tuple(Slot(name, (Ref(value),)) for name, value in slots.items())
        self.ops.append(Op(id, kind, reads, (made,), self.op.scope, (*settings.items(), ("target", f"aten.{target}"))))
        return made
