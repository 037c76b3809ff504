"""What the known functions do to a shape; every other name is an unknown function, applied element by element."""

from __future__ import annotations

from typing import Final, Literal

Rule = Literal["same", "list", "number", "two", "outer", "dot", "matrix", "inverse", "join", "matmul"]
"""How the shape of a call follows from its arguments.

``same``: as its one argument. ``list``: the same, and that is a vector or a matrix. ``number``: any tensor to a scalar. ``two``:
two of one shape, element by element. ``outer``, ``dot``, ``matmul``: as their names say. ``matrix``: a vector to a matrix.
``inverse``: a square matrix to one. ``join``: like ``[a; b]``.
"""

_SAME = """sigmoid tanh relu exp log sqrt abs sin cos sign softplus softsign gelu silu elu selu celu mish leaky_relu hardtanh
 hardsigmoid hardswish relu6 square round floor ceil arctan sinh cosh erf log1p expm1 dropout layer_norm batch_norm rms_norm
 identity clip step heaviside logsigmoid stop_gradient""".split()  # noqa: SIM905 (a list of eighty words reads better so)

RULES: Final[dict[str, Rule]] = {
    **dict.fromkeys(_SAME, "same"),
    **dict.fromkeys(("softmax", "log_softmax", "sparsemax", "softmin", "normalize", "cumsum", "sort", "cumax"), "list"),
    **dict.fromkeys(("norm", "sum", "mean", "prod", "var", "std", "trace", "det", "logsumexp", "argmax", "argmin"), "number"),
    **dict.fromkeys(("max", "min", "hadamard", "where"), "two"),
    **dict.fromkeys(("cat", "concat"), "join"),
    **dict.fromkeys(("dot", "inner", "cosine", "cosine_similarity"), "dot"),
    "outer": "outer",
    "matmul": "matmul",
    "diag": "matrix",
    "inverse": "inverse",
    "inv": "inverse",
}
"""The rule of each known function by its canonical name."""

OPS: Final[dict[str, str]] = {"inv": "inverse", "concat": "cat", "inner": "dot", "hadamard": "mul"}
"""The kind of op of a function where it is not its name."""


def rule(function: str, count: int) -> Rule | None:
    """The rule of a call with `count` arguments; ``None`` where nothing is known about the shape of what it makes."""
    known = RULES.get(function)
    if known == "two":
        return "number" if count == 1 else "two"
    if known is not None:
        return known
    return "same" if count == 1 else None


def is_known(function: str) -> bool:
    """Whether it is a function netfig knows rather than one the program only names (``ψ``)."""
    return function in RULES
