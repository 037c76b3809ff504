"""What each kind of op computes, by torch. The list of functions a recurrence may use is `netfig.equations.functions`.

A vector has shape (n,), a matrix (m, n), a scalar (); a row is a vector that was transposed. Dimensions in front of these are a
batch: each function does the same to each of it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as nn

from netfig.errors import Missing, shown
from netfig.graph.exact import decode
from netfig.graph.types import Affine, Op

Function = Callable[..., Tensor]

_ONE: Final[dict[str, Function]] = {
    "abs": torch.abs,
    "arctan": torch.atan,
    "ceil": torch.ceil,
    "celu": nn.celu,
    "cos": torch.cos,
    "cosh": torch.cosh,
    "cumax": lambda x: torch.cumsum(torch.softmax(x, -1), -1),
    "cumsum": lambda x: torch.cumsum(x, -1),
    "det": torch.linalg.det,
    "diag": torch.diag_embed,
    "dropout": lambda x: x,  # as when a model is used, not trained
    "elu": nn.elu,
    "erf": torch.erf,
    "exp": torch.exp,
    "expm1": torch.expm1,
    "floor": torch.floor,
    "gelu": nn.gelu,
    "hardsigmoid": nn.hardsigmoid,
    "hardswish": nn.hardswish,
    "hardtanh": nn.hardtanh,
    "heaviside": lambda x: (x > 0).to(x.dtype),
    "identity": lambda x: x,
    "inverse": torch.linalg.inv,
    "layer_norm": lambda x: nn.layer_norm(x, x.shape[-1:]),
    "leaky_relu": nn.leaky_relu,
    "log": torch.log,
    "log1p": torch.log1p,
    "log_softmax": lambda x: torch.log_softmax(x, -1),
    "logsigmoid": nn.logsigmoid,
    "mish": nn.mish,
    "neg": torch.neg,
    "normalize": lambda x: x / torch.linalg.vector_norm(x, dim=-1, keepdim=True),
    "relu": torch.relu,
    "relu6": nn.relu6,
    "rms_norm": lambda x: nn.rms_norm(x, x.shape[-1:]),
    "round": torch.round,
    "selu": torch.selu,
    "sigmoid": torch.sigmoid,
    "sign": torch.sign,
    "silu": nn.silu,
    "sin": torch.sin,
    "sinh": torch.sinh,
    "softmax": lambda x: torch.softmax(x, -1),
    "softmin": lambda x: torch.softmax(-x, -1),
    "softplus": nn.softplus,
    "softsign": nn.softsign,
    "sort": lambda x: torch.sort(x, -1).values,
    "sparsemax": lambda x: _sparsemax(x),
    "sqrt": torch.sqrt,
    "square": torch.square,
    "step": lambda x: (x > 0).to(x.dtype),
    "stop_gradient": lambda x: x.detach(),
    "tanh": torch.tanh,
    "trace": lambda x: torch.diagonal(x, dim1=-2, dim2=-1).sum(-1),
}
_TWO: Final[dict[str, Function]] = {
    "add": torch.add,
    "cosine": lambda a, b: nn.cosine_similarity(a, b, dim=-1),
    "cosine_similarity": lambda a, b: nn.cosine_similarity(a, b, dim=-1),
    "div": torch.div,
    "dot": lambda a, b: (a * b).sum(-1),
    "mul": torch.mul,
    "pow": torch.pow,
    "scale": torch.mul,
    "sub": torch.sub,
}
_NUMBER: Final[dict[str, Function]] = {
    "argmax": lambda x: torch.argmax(x, -1).to(x.dtype),
    "argmin": lambda x: torch.argmin(x, -1).to(x.dtype),
    "logsumexp": lambda x: torch.logsumexp(x, -1),
    "norm": lambda x: torch.linalg.vector_norm(x, dim=-1),
    "std": lambda x: torch.std(x, -1),
    "var": lambda x: torch.var(x, -1),
}
"""Functions of all elements of a tensor."""
_MANY: Final[dict[str, tuple[Function, float]]] = {
    "sum": (lambda x, dim: torch.sum(x, dim), 0.0),
    "prod": (lambda x, dim: torch.prod(x, dim), 1.0),
    "mean": (lambda x, dim: torch.mean(x, dim), 0.0),
    "max": (lambda x, dim: torch.amax(x, dim), float("-inf")),
    "min": (lambda x, dim: torch.amin(x, dim), float("inf")),
}
"""Functions of all values of a range, of two, or of the elements of one; and what they are of none."""

_STRUCTURE: Final = (
    "matmul",
    "embedding",
    "outer",
    "transpose",
    "cat",
    "stack",
    "select",
    "index",
    "function",
    "unbind",
    "chunk",
    "linear",
    "conv2d",
    "masked_fill",
)
KINDS: Final = frozenset((*_ONE, *_TWO, *_NUMBER, *_MANY, *_STRUCTURE))
"""The kinds of op that can be evaluated."""


class Read(NamedTuple):
    """A tensor that an op reads, and how many dimensions it has without its batch, where known."""

    tensor: Tensor
    rank: int | None


def result(
    op: Op, reads: Sequence[Read], rank: int | None, functions: Mapping[str, Function], dtype: torch.dtype
) -> list[Tensor]:
    """The outputs of an op that reads these tensors; `rank` is the number of dimensions of its output, where known.

    Raises:
        Missing: nothing is known about this kind of op.
    """
    kind = op.kind
    every = _aligned(reads) if kind in _TWO or kind in _MANY else [read.tensor for read in reads]
    if kind == "function":
        return [_named(str(op.attribute("name")), functions)(*every)]
    if kind in functions:
        return [functions[kind](*every)]
    if kind in _MANY:
        return [_of_many(kind, op, every, reads, dtype)]
    if kind in _NUMBER:
        return [_NUMBER[kind](_flat(reads[0]))]
    if kind == "layer_norm" and (len(every) > 1 or op.attribute("eps") is not None):
        slots = {slot.name: read for slot, read in zip(op.inputs, every, strict=True)}
        eps = op.attribute("eps")
        epsilon = float(decode(eps) or 0.0) if eps is not None else 1e-5
        return [nn.layer_norm(every[0], every[0].shape[-1:], slots.get("weight"), slots.get("bias"), epsilon)]
    if kind in _ONE:
        return [_ONE[kind](*every)]
    if kind in _TWO:
        return [_TWO[kind](*every)]
    if kind == "matmul":
        return [_matmul(every[0], every[1], rank, reads)]
    if kind == "outer":
        return [every[0].unsqueeze(-1) * every[1].unsqueeze(-2)]
    if kind == "transpose":
        return [every[0].mT if rank == 2 else every[0]]
    if kind == "cat":
        return [_joined([read.tensor.unsqueeze(-1) if read.rank == 0 else read.tensor for read in reads])]
    if kind == "stack":
        return [_stacked(op, reads, dtype)]
    if kind == "select":
        start = op.attribute("start", 0)
        return [every[0][..., _index(op.attribute("index"), op) - (_index(start, op) if start is not None else 0)]]
    if kind == "chunk":
        return list(torch.chunk(every[0], len(op.outputs), 0))
    if kind == "embedding":
        return [every[0][every[1].long()]]
    if kind == "linear":
        return [nn.linear(*every)]
    if kind == "conv2d":
        return [_convolved(op, every[0], every[1], every[2] if len(every) > 2 else None)]
    if kind == "masked_fill":
        return [every[0].masked_fill(every[1].bool(), float(str(op.attribute("value"))))]
    if kind == "index":
        return [torch.tensor(_index(op.attribute("index"), op), dtype=dtype)]
    if kind == "unbind":
        return list(torch.unbind(every[0], int(str(op.attribute("dim", 0)))))
    raise Missing(
        f"nothing is known about the op {shown(kind)}", where=op.id, hint="say what it computes: functions={name: function}"
    )


def _convolved(op: Op, image: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """With channels as torch has it, or an image and a filter of two dimensions."""
    settings: dict[str, Any] = {key: op.attribute(key) for key in ("stride", "padding", "dilation", "groups")}
    given = {key: value for key, value in settings.items() if value is not None}
    if image.dim() == 2:
        return nn.conv2d(image[None, None], weight[None, None], bias, **given)[0, 0]
    return nn.conv2d(image, weight, bias, **given)


def _of_many(kind: str, op: Op, every: list[Tensor], reads: Sequence[Read], dtype: torch.dtype) -> Tensor:
    function, empty = _MANY[kind]
    if op.attribute("axis") is None and len(every) == 1:
        return function(_flat(reads[0]), -1)
    if not every:
        return torch.tensor(empty, dtype=dtype)
    return function(torch.stack(torch.broadcast_tensors(*every)), 0)  # type: ignore[no-untyped-call]


def _flat(read: Read) -> Tensor:
    """The elements of a tensor in one dimension."""
    rank = read.tensor.dim() if read.rank is None else read.rank
    return read.tensor.flatten(-rank) if rank else read.tensor.unsqueeze(-1)


def _aligned(reads: Sequence[Read]) -> list[Tensor]:
    """Tensors that broadcast as they should: a batch of scalars meets a batch of vectors in front."""
    most = max((read.rank for read in reads if read.rank is not None), default=0)
    return [read.tensor.reshape((*read.tensor.shape, *(1,) * most)) if read.rank == 0 else read.tensor for read in reads]


def _matmul(left: Tensor, right: Tensor, rank: int | None, reads: Sequence[Read]) -> Tensor:
    """A product as the rank of the result says: 0 of two vectors, 1 of a matrix and a vector, 2 of matrices or column and row."""
    ranks = [read.tensor.dim() if read.rank is None else read.rank for read in reads]
    if rank == 0:
        return (left * right).sum(-1)
    if rank == 2 and ranks == [1, 1]:
        return left.unsqueeze(-1) * right.unsqueeze(-2)
    if rank == 1 and ranks[0] == 2:
        return (left @ right.unsqueeze(-1)).squeeze(-1)
    if rank == 1 and ranks[0] == 1:
        return (left.unsqueeze(-2) @ right).squeeze(-2)
    return torch.matmul(left, right)


def _joined(parts: list[Tensor]) -> Tensor:
    """Vectors one after another; what has no batch is the same for each of it."""
    batch = torch.broadcast_shapes(*(part.shape[:-1] for part in parts))  # type: ignore[no-untyped-call]
    return torch.cat([part.expand(*batch, part.shape[-1]) for part in parts], -1)


def _stacked(op: Op, reads: Sequence[Read], dtype: torch.dtype) -> Tensor:
    if not reads:
        return torch.zeros(0, dtype=dtype)
    tensors = torch.broadcast_tensors(*(read.tensor for read in reads))  # type: ignore[no-untyped-call]
    dim = op.attribute("dim")
    rank = reads[0].rank if reads[0].rank is not None else tensors[0].dim()
    return torch.stack(tensors, dim if isinstance(dim, int) else -1 - rank)


def _named(name: str, functions: Mapping[str, Function]) -> Function:
    if name in functions:
        return functions[name]
    raise Missing(
        f"what the function {shown(name)} computes is not known",
        hint=f"say which it is, such as {name}=tanh (in Python: functions={{{name!r}: torch.tanh}})",
    )


def by_name(name: str) -> Function | None:
    """A function of one tensor that has a name of its own, or ``None``."""
    return _ONE.get(name)


def _index(attribute: Any, op: Op) -> int:
    found = attribute if isinstance(attribute, int) else Affine.parse(str(attribute)).number
    if found is None:
        raise Missing(f"the index {attribute} has no number", where=op.id, hint=f"say what it is: {attribute}=3")
    return found


def _sparsemax(x: Tensor) -> Tensor:
    """The point of the simplex nearest to `x` (Martins and Astudillo 2016)."""
    ordered = torch.sort(x, -1, descending=True).values
    count = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype)
    total = torch.cumsum(ordered, -1)
    kept = (1 + count * ordered > total).sum(-1, keepdim=True)
    threshold = (total.gather(-1, kept - 1) - 1) / kept
    return torch.clamp(x - threshold, min=0)
