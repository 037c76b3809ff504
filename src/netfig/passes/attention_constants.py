"""Numbers that a graph makes from nothing but sizes: masks from ``tril`` and ``arange``, computed without torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import TYPE_CHECKING, Any, Final

from netfig.passes.attention_follow import RESHAPES, SAME, Follow, aten, whole

if TYPE_CHECKING:
    from netfig.graph.types import Op

MOST = 1 << 23
"""Tensors of more elements are not computed."""


class Constants:
    """Computes values of one graph that depend on no parameter, buffer or input."""

    def __init__(self, follow: Follow) -> None:
        self.follow, self.graph = follow, follow.graph
        self._known: dict[str, Any] = {}
        self._alike: dict[tuple[Any, ...], Any] = {}

    def array(self, value: str) -> Any:
        """The numbers of a value as an array, ``None`` where they cannot be told."""
        waiting = [value]
        while waiting:
            one = waiting[-1]
            if one in self._known:
                waiting.pop()
                continue
            op = self.graph.producer.get(one)
            open_ones = [v for v in op.reads if v not in self._known] if op is not None else []
            if open_ones:
                waiting += open_ones
                continue
            self._known[one] = self._stored(one) if op is None else self._computed(op, one)
            waiting.pop()
        return self._known[value]

    def _stored(self, value: str) -> Any:
        import numpy as np

        v = self.graph.value_by_id[value]
        sizes = v.type.sizes
        note = self.graph.notes_on(value).get("pattern")
        if v.kind == "buffer" and note is not None and sizes is not None and prod(sizes) <= MOST:
            square = np.ones(sizes, dtype=float)
            told = {
                "lower": np.tril(square),
                "upper": np.triu(square, 1),
                "hidden": np.where(np.triu(square, 1) > 0, -np.inf, 0.0),
            }
            found = told.get(str(note.value))
            return found.astype(bool) if found is not None and v.type.dtype == "bool" else found
        if v.kind != "constant" or v.data is None or sizes is None or not all(isinstance(x, (int, float)) for x in v.data):
            return None
        data = np.array(v.data, dtype=bool if v.type.dtype == "bool" else float)
        return np.full(sizes, data[0]) if data.size == 1 else data.reshape(sizes) if data.size == prod(sizes) else None

    def _computed(self, op: Op, value: str) -> Any:
        reads = [self._known[one] for one in op.reads]
        sizes = self.graph.value_by_id[value].type.sizes
        if any(one is None for one in reads) or len(op.outputs) != 1 or sizes is None or prod(sizes) > MOST:
            return None
        key = (aten(op), tuple(s.name for s in op.inputs), tuple(id(one) for one in reads), op.attributes, sizes)
        if key not in self._alike:
            self._alike[key] = self._made(op, reads, sizes, self.graph.value_by_id[value].type.dtype or "")
        return self._alike[key]

    def _made(self, op: Op, reads: list[Any], sizes: tuple[int, ...], dtype: str) -> Any:
        import numpy as np

        name = aten(op)
        try:
            if name in RESHAPES:
                found = reads[0].reshape(sizes)
            elif name in ("expand", "broadcast_to", "expand_as"):
                found = np.broadcast_to(reads[0], sizes)
            elif name in SAME or name == "copy":
                found = reads[-1] if name == "copy" else reads[0]
            elif name in _FILLS:
                told = _FILLS[name]
                number = told if told is not None else op.attribute("fill_value", op.attribute("s", op.attribute("value")))
                found = np.full(sizes, number) if isinstance(number, (int, float)) else None
            elif (name in _BITWISE and dtype != "bool") or op.attribute("rounding_mode") is not None:
                found = None
            else:
                rule = _RULES.get(name)
                found = rule(op, reads, np) if rule is not None else None
        except (TypeError, ValueError, IndexError, ZeroDivisionError):
            return None
        if found is None:
            return None
        found = np.asarray(found)
        if dtype == "bool":
            found = found.astype(bool)
        elif found.dtype == bool:
            found = found.astype(float)
        return found if found.shape == sizes else None


_BITWISE: Final = frozenset(("bitwise_and", "bitwise_or", "bitwise_not", "__and", "__or"))
_FILLS: Final[Mapping[str, float | None]] = {
    **dict.fromkeys(("zeros", "zeros_like", "new_zeros", "zero"), 0.0),
    **dict.fromkeys(("ones", "ones_like", "new_ones"), 1.0),
    **dict.fromkeys(("full", "full_like", "new_full", "scalar_tensor", "fill")),
}


def _number(op: Op, key: str, usual: float | None = None) -> Any:
    found = op.attribute(key, usual)
    return found if isinstance(found, (int, float)) else usual


def _other(op: Op, reads: list[Any]) -> Any:
    if len(reads) > 1:
        return reads[1]
    found = _number(op, "other")
    if found is None:
        raise ValueError("no second number")
    return found


def _two(function: str) -> Callable[[Op, list[Any], Any], Any]:
    def rule(op: Op, reads: list[Any], np: Any) -> Any:
        alpha = _number(op, "alpha", 1)
        second = _other(op, reads)
        return getattr(np, function)(reads[0], second * alpha if alpha != 1 else second)

    return rule


def _one(function: str) -> Callable[[Op, list[Any], Any], Any]:
    return lambda op, reads, np: getattr(np, function)(reads[0])


def _arange(op: Op, reads: list[Any], np: Any) -> Any:
    return np.arange(_number(op, "start", 0), _number(op, "end"), _number(op, "step", 1))


def _where(op: Op, reads: list[Any], np: Any) -> Any:
    return np.where(reads[0], reads[1], reads[2]) if len(reads) == 3 else None


def _masked_fill(op: Op, reads: list[Any], np: Any) -> Any:
    value = reads[2] if len(reads) == 3 else _number(op, "value")
    return np.where(reads[1].astype(bool), value, reads[0])


def _cut(op: Op, reads: list[Any], np: Any) -> Any:
    dim, length = whole(op.attribute("dim")), reads[0].shape[whole(op.attribute("dim"))]
    if aten(op) == "select":
        return np.take(reads[0], whole(op.attribute("index")), axis=dim)
    end = op.attribute("end")
    picked = slice(
        whole(op.attribute("start")), min(end, length) if isinstance(end, int) else None, whole(op.attribute("step"), 1)
    )
    return reads[0][(slice(None),) * (dim % reads[0].ndim) + (picked,)]


def _turned(op: Op, reads: list[Any], np: Any) -> Any:
    if aten(op) == "permute":
        return np.transpose(reads[0], op.attribute("dims"))
    if aten(op) == "t":
        return reads[0].T
    return np.swapaxes(reads[0], whole(op.attribute("dim0")), whole(op.attribute("dim1")))


_RULES: Final[dict[str, Callable[[Op, list[Any], Any], Any]]] = {
    "arange": _arange,
    "where": _where,
    "masked_fill": _masked_fill,
    "tril": lambda op, reads, np: np.tril(reads[0], whole(op.attribute("diagonal"))),
    "triu": lambda op, reads, np: np.triu(reads[0], whole(op.attribute("diagonal"))),
    "select": _cut,
    "slice": _cut,
    "permute": _turned,
    "transpose": _turned,
    "t": _turned,
    "rsub": lambda op, reads, np: _other(op, reads) - reads[0],
    "reciprocal": lambda op, reads, np: 1.0 / reads[0],
    "rsqrt": lambda op, reads, np: 1.0 / np.sqrt(reads[0]),
    "cumsum": lambda op, reads, np: np.cumsum(reads[0], axis=whole(op.attribute("dim"))),
    "cat": lambda op, reads, np: np.concatenate(reads, axis=whole(op.attribute("dim"))),
    "stack": lambda op, reads, np: np.stack(reads, axis=whole(op.attribute("dim"))),
    "clamp": lambda op, reads, np: np.clip(reads[0], _number(op, "min"), _number(op, "max")),
    "clamp_min": lambda op, reads, np: np.maximum(reads[0], _number(op, "min")),
    "pow": lambda op, reads, np: np.power(
        reads[0] if op.inputs[0].name == "self" else _number(op, "self"),
        reads[-1] if len(reads) > 1 or op.inputs[0].name != "self" else _number(op, "exponent"),
    ),
    "floor_divide": _two("floor_divide"),
    **{
        name: _two(function)
        for name, function in {
            "add": "add",
            "sub": "subtract",
            "mul": "multiply",
            "div": "divide",
            "maximum": "maximum",
            "minimum": "minimum",
            "remainder": "remainder",
            "lt": "less",
            "le": "less_equal",
            "gt": "greater",
            "ge": "greater_equal",
            "eq": "equal",
            "ne": "not_equal",
            "logical_and": "logical_and",
            "logical_or": "logical_or",
            "bitwise_and": "logical_and",
            "bitwise_or": "logical_or",
            "__and": "logical_and",
            "__or": "logical_or",
        }.items()
    },
    **{
        name: _one(function)
        for name, function in {
            "neg": "negative",
            "abs": "abs",
            "exp": "exp",
            "log": "log",
            "sqrt": "sqrt",
            "logical_not": "logical_not",
            "bitwise_not": "logical_not",
        }.items()
    },
}
"""What ops compute, by numpy; the bitwise ones on truth values."""


__all__ = ["MOST", "Constants"]
