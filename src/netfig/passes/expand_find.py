"""Where a traced graph holds recurrent layers of torch, and whether they can be written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph import Graph, Op, Scope

LAYERS = {"LSTM": "lstm", "GRU": "gru", "RNN": "rnn"}
"""Classes of torch that run over a sequence, and their definitions."""
CELLS = {"LSTMCell": "lstm", "GRUCell": "gru", "RNNCell": "rnn"}
_FUNCTIONS = {
    "lstm": ("lstm", "lstm_cell"),
    "gru": ("gru", "gru_cell"),
    "rnn": ("rnn_tanh", "rnn_relu", "rnn_tanh_cell", "rnn_relu_cell"),
}
_PLUMBING = frozenset(("zeros", "unsqueeze", "squeeze", "view", "reshape"))
"""What a layer does around its function: states that start at zero, a batch of one."""


@dataclass(frozen=True)
class Found:
    """One call of a recurrent layer or cell: its scope, the scopes and ops inside it, and its settings."""

    scope: Scope
    kind: str
    inner: frozenset[str]
    ops: tuple[Op, ...]
    layers: int
    directions: tuple[str, ...]  # the endings torch gives to the weights of each direction
    bias: bool
    input_size: int
    hidden_size: int
    proj_size: int
    batch_first: bool
    relu: bool

    @property
    def is_cell(self) -> bool:
        """Whether it is one step."""
        return self.scope.type_name in CELLS

    @property
    def letters(self) -> str:
        """The states, the one handed back first."""
        return "hc" if self.kind == "lstm" else "h"


def find(graph: Graph) -> Iterator[Found | tuple[Scope, str]]:
    """Every call of a recurrent layer; with a sentence instead of it where it cannot be written out."""
    inner = _inner(graph)
    by_scope: dict[str, list[Op]] = {}
    for op in graph.ops:
        by_scope.setdefault(op.scope, []).append(op)
    for scope in graph.scopes:
        kind = {**LAYERS, **CELLS}.get(scope.type_name)
        if kind is None or scope.kind not in ("module", "root") or scope.attribute("hidden_size") is None:
            continue
        inside = [s for s in graph.scopes if s.id in inner[scope.id]]
        ops = tuple(op for op in graph.ops if op.scope == scope.id or op.scope in inner[scope.id])
        reason = _reason(kind, scope, inside, by_scope, ops)
        yield (scope, reason) if reason else _found(kind, scope, inner[scope.id], ops)


def _inner(graph: Graph) -> dict[str, frozenset[str]]:
    """The scopes inside each scope, however deep."""
    found: dict[str, set[str]] = {s.id: set() for s in graph.scopes}
    parent = {s.id: s.parent for s in graph.scopes}
    for s in graph.scopes:
        above = s.parent
        while above is not None:
            found[above].add(s.id)
            above = parent[above]
    return {id: frozenset(scopes) for id, scopes in found.items()}


def _reason(kind: str, scope: Scope, inside: list[Scope], by_scope: dict[str, list[Op]], ops: tuple[Op, ...]) -> str:
    """Why a layer cannot be written out, or ``""``."""
    functions = [s.type_name for s in inside if s.kind == "function"]
    if len(functions) != 1 or functions[0] not in _FUNCTIONS[kind]:
        return "it does more than its class does"
    other = [op.kind for op in by_scope.get(scope.id, ()) if op.kind not in _PLUMBING]
    if other:
        return f"it does {other[0]} besides"
    if any("dropout" in op.kind or "bernoulli" in op.kind for op in ops):
        return "it drops out between its layers (use eval mode)"
    return ""


def _found(kind: str, scope: Scope, inner: frozenset[str], ops: tuple[Op, ...]) -> Found:
    def number(key: str, default: int) -> int:
        value = scope.attribute(key)
        return value if isinstance(value, int) else default

    mode = f"{scope.attribute('mode', '')}{scope.attribute('nonlinearity', '')}".lower()
    return Found(
        scope,
        kind,
        inner,
        ops,
        number("num_layers", 1),
        ("", "_reverse") if scope.attribute("bidirectional") else ("",),
        bool(scope.attribute("bias", True)),
        number("input_size", 0),
        number("hidden_size", 0),
        number("proj_size", 0),
        bool(scope.attribute("batch_first", False)),
        "relu" in mode,
    )
