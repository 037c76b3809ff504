"""Families of layers, and which ops are worth a row of their own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.graph import Op, Scope

_BY_TYPE: Final = (
    ("convolutional", re.compile(r"\A(Lazy)?Conv(Transpose)?[123]d\Z")),
    ("dense", re.compile(r"\A(Lazy)?(Linear|Bilinear|NonDynamicallyQuantizableLinear)\Z")),
    ("embedding", re.compile(r"\AEmbedding(Bag)?\Z")),
    ("normalization", re.compile(r"Norm[123]?d?\Z")),
    ("recurrent", re.compile(r"\A(RNN|LSTM|GRU)(Cell)?\Z")),
    ("attention", re.compile(r"Attention\Z")),
)
_BY_KIND: Final = (
    ("convolutional", re.compile(r"\A_?conv")),
    ("dense", re.compile(r"\A(linear|addmm|mm|bmm|matmul|bilinear|baddbmm)\Z")),
    ("embedding", re.compile(r"\Aembedding")),
    ("normalization", re.compile(r"_norm\Z|\Anative_(batch|layer|group)_norm")),
    ("recurrent", re.compile(r"\A(rnn|lstm|gru)")),
    ("attention", re.compile(r"attention")),
)
_ROWS: Final = re.compile(
    r"""\A_?(
        conv\w* | linear | addmm | mm | bmm | baddbmm | matmul | einsum | bilinear | embedding(_bag)?
      | \w*_norm | \w*_pool[123]d(_with_indices)? | \w*attention\w* | lstm | gru | rnn_\w+ | \w+_cell
      | relu6? | leaky_relu | prelu | rrelu | elu | selu | celu | gelu | silu | mish | glu | sigmoid | tanh | hardswish
      | hardsigmoid | hardtanh | softplus | softsign | log_?sigmoid | (log_)?softmax | softmin | gumbel_softmax
      | (feature_|alpha_|feature_alpha_)?dropout[123]?d? | flatten | cat | concat(enate)? | stack | add | sub | mul | div
      | interpolate | upsample\w* | pixel_(un)?shuffle | grid_sample | mean | sum | pad | fft\w* | \w*_loss\w* | cross_entropy
    )_?\Z""",
    re.VERBOSE,
)


def is_worth_a_row(kind: str) -> bool:
    """Whether an op or function outside any leaf module is a step people name; views, casts and index arithmetic are not."""
    return _ROWS.match(kind) is not None


def family_of_parameter(owner: Scope, readers: Sequence[Op]) -> str:
    """``convolutional``, ``dense`` …: by the type of the module that owns it, otherwise by what is done with it."""
    for family, pattern in _BY_TYPE:
        if pattern.search(owner.type_name):
            return family
    for op in readers:
        for family, pattern in _BY_KIND:
            if pattern.search(op.kind):
                return family
    return "other"
