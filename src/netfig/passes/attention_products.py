"""What is computed on the way to an attention: products, numbers that are multiplied in, norms of queries and keys."""

from __future__ import annotations

from dataclasses import field
from functools import cached_property
from typing import Final, Literal

from netfig.graph.types import Op
from netfig.passes.attention_constants import Constants
from netfig.passes.attention_follow import SAME, Follow, aten, narrowed
from netfig.passes.attention_index import NOWHERE, Place, Places
from netfig.passes.recognise_atoms import Unclear
from netfig.records import dataclass

Site = tuple[str, Places]
"""A value, and which element of it is meant."""
PARAMETER, INPUT, BUFFER, RANDOM = 1, 2, 4, 8
_RANDOM: Final = frozenset(
    ("rand", "randn", "randint", "bernoulli", "normal", "uniform", "native_dropout", "dropout", "exponential")
)


@dataclass(frozen=True, slots=True)
class Product:
    """A product of two tensors, summed over the atoms `over`: ``alpha · left · right + beta · addend``."""

    op: Op
    left: Site
    right: Site
    over: tuple[int, ...]
    addend: Site | None = None
    alpha: float = 1.0
    beta: float = 1.0


@dataclass(frozen=True, slots=True)
class Norm:
    """A norm over the last dimension of a value."""

    kind: Literal["rms", "layer", "l2"]
    input: str
    eps: float
    weight: str | None = None
    bias: str | None = None


class Reader(Follow):
    """Reads what ops compute."""

    @cached_property
    def depends(self) -> dict[str, int]:
        """What each value is made from: parameters, inputs, buffers, chance."""
        kinds = {"parameter": PARAMETER, "input": INPUT, "buffer": BUFFER}
        found = {v.id: kinds.get(v.kind, 0) for v in self.graph.values}
        found |= {note.subject: 0 for note in self.graph.notes if note.key == "pattern"}  # a buffer whose numbers are known
        for v in self.graph.values:
            for feed in v.feeds:
                found[v.id] |= found.get(feed.value, INPUT)
        for op in self.graph.ops:
            bits = RANDOM if aten(op) in _RANDOM else 0
            for value in op.reads:
                bits |= found[value]
            for out in op.outputs:
                found[out] |= bits
        return found

    def is_weight(self, value: str) -> bool:
        """Whether a value is made from parameters (or buffers) alone."""
        bits = self.depends[value]
        return bool(bits & (PARAMETER | BUFFER)) and not bits & (INPUT | RANDOM)

    def is_stored(self, value: str) -> bool:
        """Whether a value is a view of a parameter or buffer."""
        while True:
            op = self.graph.producer.get(value)
            if op is None:
                return self.graph.value_by_id[value].kind in ("parameter", "buffer")
            if self.back_source(op) is None:
                return False
            value = self.back_source(op) or value

    def back_source(self, op: Op) -> str | None:
        """What an op that only looks at a tensor in another way looks at."""
        reads = list(op.reads)
        return reads[0] if len(reads) == 1 and _is_plain_view(op) else None

    # ---- numbers -----------------------------------------------------------------------------------------------------

    def number(self, value: str) -> float | None:
        """The one number that a tensor of one element holds, when the graph tells it."""
        v = self.graph.value_by_id[value]
        if v.type.numel != 1:
            return None
        if self.depends[value]:
            return None
        array = self.constants.array(value)
        return None if array is None else float(array.reshape(-1)[0])

    @cached_property
    def constants(self) -> Constants:
        """Computes what depends on nothing but sizes."""
        return Constants(self)

    def multiplied(self, op: Op) -> tuple[str, float] | None:
        """The tensor and the number it is multiplied with, of an op that does just that."""
        name = aten(op)
        if name == "neg":
            return self.slot(op, "self"), -1.0
        if name not in ("mul", "div", "true_divide", "multiply", "divide"):
            return None
        reads = list(op.reads)
        if len(reads) == 1:
            other = op.attribute("other")
            if not isinstance(other, (int, float)) or op.attribute("rounding_mode") is not None:
                return None
            return reads[0], float(other) if name.startswith("mul") else 1.0 / float(other)
        first, second = (self.number(one) for one in reads)
        if second is not None and second:
            return reads[0], second if name.startswith("mul") else 1.0 / second
        return (reads[1], first) if first is not None and name.startswith("mul") else None

    def pair(self, op: Op, places: Places) -> tuple[Site, Site] | None:
        """The two tensors that an op reads element by element, as far as it goes."""
        reads = list(op.reads)
        if len(reads) != 2:
            return None
        sizes = self.sizes(op.outputs[0])
        a, b = ((one, narrowed(places, sizes, self.sizes(one))) for one in reads)
        return a, b

    # ---- products ----------------------------------------------------------------------------------------------------

    def product(self, value: str, places: Places) -> Product | None:
        """The product that makes a value, if one does."""
        op = self.graph.producer.get(value)
        if op is None:
            return None
        name = aten(op)
        if name in ("bmm", "baddbmm"):
            left, right = self.slot(op, "batch1" if name == "baddbmm" else "self"), self.slot(op, "batch2", "mat2")
            k = self.space.new(self.sizes(left)[-1])
            return self._product(op, (left, (*places[:2], k)), (right, (places[0], k, places[2])), k, value, places)
        if name in ("mm", "addmm"):
            left, right = self.slot(op, "mat1" if name == "addmm" else "self"), self.slot(op, "mat2")
            k = self.space.new(self.sizes(left)[-1])
            return self._product(op, (left, (places[0], k)), (right, (k, places[1])), k, value, places)
        if name == "matmul":
            return self._matmul(op, places)
        if name in ("mv", "addmv"):
            left, right = self.slot(op, "mat" if name == "addmv" else "self"), self.slot(op, "vec")
            k = self.space.new(self.sizes(right)[-1])
            return self._product(op, (left, (places[0], k)), (right, (k,)), k, value, places)
        if name == "linear":
            left, right = self.slot(op, "input"), self.slot(op, "weight")
            k = self.space.new(self.sizes(right)[-1])
            return self._product(op, (left, (*places[:-1], k)), (right, (places[-1], k)), k, value, places)
        if name in ("convolution", "conv1d", "conv2d"):
            return self._convolution(op, places)
        if name == "sum":
            return self._summed(op, places)
        return None

    def _product(self, op: Op, left: Site, right: Site, k: Place, value: str, places: Places) -> Product:
        addend = None
        name = aten(op)
        if name in ("addmm", "baddbmm", "addmv") or (name == "linear" and any(s.name == "bias" for s in op.inputs)):
            one = self.slot(op, "bias" if name == "linear" else "self")
            addend = (one, narrowed(places, self.sizes(value), self.sizes(one)))
        alpha, beta = op.attribute("alpha", 1.0), op.attribute("beta", 1.0)
        if not (isinstance(alpha, (int, float)) and isinstance(beta, (int, float))):
            raise Unclear(f"{op.id} has factors that are no numbers")
        return Product(op, left, right, tuple(self.space.over(k)), addend if beta else None, float(alpha), float(beta))

    def _matmul(self, op: Op, places: Places) -> Product | None:
        """A product of matrices, dimensions in front of them broadcast."""
        left, right = op.reads
        sizes = self.sizes(op.outputs[0])
        if len(self.sizes(left)) < 2 or len(self.sizes(right)) < 2:
            return None
        k = self.space.new(self.sizes(left)[-1])
        lead = [narrowed(places[:-2], sizes[:-2], self.sizes(one)[:-2]) for one in (left, right)]
        a, b = (left, (*lead[0], places[-2], k)), (right, (*lead[1], k, places[-1]))
        return Product(op, a, b, tuple(self.space.over(k)))

    def _convolution(self, op: Op, places: Places) -> Product | None:
        """A convolution by one element: the same matrix at every place."""
        input, weight = self.slot(op, "input"), self.slot(op, "weight")
        sizes = self.sizes(weight)
        plain = {"stride": 1, "padding": 0, "dilation": 1, "output_padding": 0}
        for key, usual in plain.items():
            given = op.attribute(key, usual)
            if any(one != usual for one in (given if isinstance(given, tuple) else (given,))):
                return None
        if any(size != 1 for size in sizes[2:]) or op.attribute("transposed", False) or op.attribute("groups", 1) != 1:
            return None
        k = self.space.new(sizes[1])
        bias = next((s.refs[0].value for s in op.inputs if s.name == "bias"), None)
        of_weight = (places[1], k, *(NOWHERE for _ in sizes[2:]))
        addend = None if bias is None else (bias, (places[1],))
        return Product(op, (input, (places[0], k, *places[2:])), (weight, of_weight), tuple(self.space.over(k)), addend)

    def _summed(self, op: Op, places: Places) -> Product | None:
        """A sum over one dimension of what was multiplied element by element."""
        source = self.slot(op, "self")
        inner = self.graph.producer.get(source)
        dims = op.attribute("dim")
        dims = dims if isinstance(dims, tuple) else (dims,)
        if inner is None or aten(inner) != "mul" or len(list(inner.reads)) != 2 or len(dims) != 1 or not isinstance(dims[0], int):
            return None
        sizes = self.sizes(source)
        at = dims[0] % len(sizes)
        k = self.space.new(sizes[at])
        rest = (*places[:at], *places[at + 1 :]) if op.attribute("keepdim", False) else places
        pair = self.pair(inner, (*rest[:at], k, *rest[at:]))
        return None if pair is None else Product(op, pair[0], pair[1], tuple(self.space.over(k)))

    # ---- norms -------------------------------------------------------------------------------------------------------

    def norm(self, value: str) -> Norm | None:
        """The norm over its last dimension that makes a value, if one does."""
        op = self.graph.producer.get(value)
        if op is None:
            return None
        name = aten(op)
        if name in ("native_layer_norm", "layer_norm", "_fused_rms_norm", "rms_norm"):
            shape = op.attribute("normalized_shape")
            slots = {s.name: s.refs[0].value for s in op.inputs}
            eps = op.attribute("eps")
            if not isinstance(shape, tuple) or len(shape) != 1 or not isinstance(eps, float):
                return None
            kind: Literal["rms", "layer"] = "layer" if "layer" in name else "rms"
            return Norm(kind, self.slot(op, "input"), eps, slots.get("weight"), slots.get("bias"))
        reads = list(op.reads)
        if len(reads) != 2 or name not in ("mul", "div"):
            return None
        if name == "div":
            return self._by_length(reads[0], reads[1])
        if (bare := self._by_squares(*reads) or self._by_squares(reads[1], reads[0])) is not None:
            return bare
        for weight, rest in (reads, reads[::-1]):
            if self.is_weight(weight) and len(self.sizes(weight)) == 1:
                inner = self.graph.producer.get(self._cast(rest))
                pair = list(inner.reads) if inner is not None and aten(inner) == "mul" else []
                found = (self._by_squares(*pair) or self._by_squares(pair[1], pair[0])) if len(pair) == 2 else None
                if found is not None:
                    return Norm("rms", found.input, found.eps, weight)
        return None

    def _by_squares(self, x: str, scale: str) -> Norm | None:
        """x · rsqrt(mean(x²) + ε)."""
        root = self.graph.producer.get(self._cast(scale))
        if root is None or aten(root) != "rsqrt":
            return None
        plus = self.graph.producer.get(self.slot(root, "self"))
        if plus is None or aten(plus) != "add" or len(list(plus.reads)) != 1:
            return None
        eps = plus.attribute("other")
        mean = self.graph.producer.get(self.slot(plus, "self"))
        if mean is None or aten(mean) != "mean" or not self._is_last(mean) or not isinstance(eps, (int, float)):
            return None
        square = self.graph.producer.get(self.slot(mean, "self"))
        if square is None or not self._is_square(square) or self._cast(self.slot(square, "self")) != self._cast(x):
            return None
        return Norm("rms", self._cast(x), float(eps))

    def _is_last(self, op: Op) -> bool:
        """Whether an op runs over the last dimension alone."""
        dims = op.attribute("dim")
        rank = len(self.sizes(self.slot(op, "self")))
        only = dims[0] if isinstance(dims, tuple) and len(dims) == 1 else dims
        return rank == 1 if dims is None else isinstance(only, int) and only % rank == rank - 1

    def _is_square(self, op: Op) -> bool:
        name, reads = aten(op), list(op.reads)
        return (name == "pow" and op.attribute("exponent") == 2) or name == "square" or (name == "mul" and reads[:1] * 2 == reads)

    def _by_length(self, x: str, length: str) -> Norm | None:
        """x / max(‖x‖, ε)."""
        op = self.graph.producer.get(length)
        while op is not None and (aten(op) in SAME or aten(op) in ("expand", "expand_as")):
            op = self.graph.producer.get(self.slot(op, "self"))
        eps = 0.0
        if op is not None and aten(op) in ("clamp_min", "clamp"):
            low = op.attribute("min")
            if not isinstance(low, (int, float)) or op.attribute("max") is not None:
                return None
            eps, op = float(low), self.graph.producer.get(self.slot(op, "self"))
        if op is None or aten(op) not in ("linalg_vector_norm", "norm") or not self._is_last(op):
            return None
        if op.attribute("ord", op.attribute("p", 2)) != 2 or not op.attribute("keepdim", False):
            return None
        return Norm("l2", x, eps) if self._cast(self.slot(op, "self")) == self._cast(x) else None

    def _cast(self, value: str) -> str:
        """A value before its dtype was changed or it was copied."""
        op = self.graph.producer.get(value)
        while op is not None and aten(op) in SAME:
            value = self.slot(op, "self", "input")
            op = self.graph.producer.get(value)
        return value


def _is_plain_view(op: Op) -> bool:
    from netfig.passes.attention_follow import _PARTS, RESHAPES, TURNS

    name = aten(op)
    return name in RESHAPES or name in TURNS or name in SAME or name in _PARTS or name == "expand"


@dataclass(eq=False)
class Strand:
    """Queries, keys or values on their way from a source to the attention, read backwards.

    `visits` are the values on the way with how much was seen by then: whether the rotation, the norm and the projection are
    still to come (further back), and the factor that was multiplied in after them.
    """

    letter: str
    source: Site
    weight: Site | None = None
    source_over: tuple[int, ...] = ()
    bias: Site | None = None
    projected: Site | None = None
    norm: Norm | None = None
    norm_over: tuple[int, ...] = ()
    rotary: object | None = None
    factor: float = 1.0
    visits: list[tuple[str, Places, str, float]] = field(default_factory=list)


__all__ = ["BUFFER", "INPUT", "PARAMETER", "RANDOM", "Norm", "Product", "Reader", "Site", "Strand"]
