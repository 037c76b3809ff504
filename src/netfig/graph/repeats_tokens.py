"""Which parts of a graph look alike: a number for each scope and op, and the runs in a row of numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from netfig.graph.repeats_state import Node, State
    from netfig.graph.types import Attribute, Op, TensorType

MOST_PERIODS: Final = 64
"""Periods that are tried in a row of things."""
NEAR: Final = 6
"""How many occurrences of the same thing onwards are looked at for a period."""
_PRODUCTS: Final = ("linear", "addmm", "mm", "bmm", "matmul", "baddbmm", "addbmm", "mv", "dot", "einsum", "bilinear")
_RECURRENT: Final = ("lstm", "gru", "rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell")
_FUSED: Final = ("native_multi_head_attention", "transformer_encoder_layer_fwd")
_HEAVY: Final = frozenset((*_PRODUCTS, *_RECURRENT, *_FUSED, "embedding", "embedding_bag"))


class Run(NamedTuple):
    """`length` things from `start` on repeat after `period`."""

    start: int
    period: int
    length: int


class Tokens:
    """Numbers by which nodes are alike: `exact` when they do the same on the same sizes, `loose` when sizes are left out."""

    def __init__(self, state: State, apart: Collection[str] = ()) -> None:
        self.state, self.apart = state, frozenset(apart)
        self._known: dict[Any, int] = {}

    def number(self, node: Node) -> None:
        """Give a node its numbers; what stands in it has them already. One that is to stand apart is like no other."""
        self._number(node)
        if self.apart and (node.id in self.apart or (not node.is_op and self.state.scopes[node.id].path in self.apart)):
            node.exact = node.loose = self._of(("apart", node.id))

    def _number(self, node: Node) -> None:
        if node.is_op:
            op = self.state.ops[node.id]
            node.exact, node.loose = self._of(self._op(op, True)), self._of(self._op(op, False))
            node.size, node.heavy = 1, int(is_heavy(op))
            node.stores = any(self.state.values[read].kind == "parameter" for read in op.reads)
            return
        scope = self.state.scopes[node.id]
        node.stores = any(self.state.values[v].kind == "parameter" for v in scope.owns) or any(c.stores for c in node.children)
        counts = (len(scope.inputs), len(scope.outputs))
        if scope.kind == "plate" and scope.axis is not None:
            members = len(self.state.axes[scope.axis].members)
            extent = str(self.state.axes[scope.axis].extent)
            node.exact = self._of(("plate", members, extent, *[child.exact for child in node.children]))
            node.loose = self._of(("plate", *[child.loose for child in node.children]))
            node.size, node.heavy = members * sum(c.size for c in node.children), members * sum(c.heavy for c in node.children)
            return
        head = (scope.kind, scope.type_name, counts)
        node.exact = self._of((*head, True, *[child.exact for child in node.children]))
        node.loose = self._of((*head, False, *[child.loose for child in node.children]))
        node.size, node.heavy = sum(c.size for c in node.children), sum(c.heavy for c in node.children)

    def _of(self, key: Any) -> int:
        return self._known.setdefault(key, len(self._known))

    def _op(self, op: Op, exact: bool) -> Any:
        values, slots = self.state.values, []
        for slot in op.inputs:
            read = [values[ref.value] for ref in slot.refs]
            slots.append((slot.name, *[(v.kind == "computed" or v.kind == "input", _type(v.type, exact)) for v in read]))
        made = tuple([_type(values[out].type, exact) for out in op.outputs])
        attributes = op.attributes if exact else tuple([(key, _without_sizes(value)) for key, value in op.attributes])
        return (op.kind, tuple(slots), made, attributes, op.phase, len(op.writes))


def is_heavy(op: Op) -> bool:
    """Whether an op is one of those that people count layers by: a matrix product, a convolution, a table."""
    kind = op.kind.rstrip("_")
    return kind in _HEAVY or kind.startswith(("conv", "scaled_dot_product"))


def _type(type: TensorType, exact: bool) -> Any:
    if type.shape is None:
        return (type.dtype,)
    if exact:
        return (type.dtype, *[dim.size if dim.name is None else dim.name for dim in type.shape])
    return (type.dtype, len(type.shape), "")


def _without_sizes(value: Attribute) -> Any:
    if isinstance(value, tuple):
        return tuple([_without_sizes(item) for item in value])
    return "number" if type(value) in (int, float) else (value,)


def runs(tokens: Sequence[int]) -> Iterator[Run]:
    """Every longest stretch that repeats at least twice, for each period that may be one."""
    for period in _periods(tokens):
        start, count = 0, len(tokens) - period
        i = 0
        while i <= count:
            if i < count and tokens[i] == tokens[i + period]:
                i += 1
                continue
            if i - start >= period:
                yield Run(start, period, i - start + period)
            i += 1
            start = i


def _periods(tokens: Sequence[int]) -> list[int]:
    """Distances at which the same things stand, the most frequent ones."""
    places: dict[int, list[int]] = {}
    votes: Counter[int] = Counter()
    for i, token in enumerate(tokens):
        earlier = places.setdefault(token, [])
        votes.update([i - j for j in earlier[-NEAR:]])
        earlier.append(i)
    return sorted(period for period, _ in votes.most_common(MOST_PERIODS))
