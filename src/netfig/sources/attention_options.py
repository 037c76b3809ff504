"""Options of the source ``attention``: ``netfig draw attention --d-model 8 --heads 2 --tokens 4``."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netfig.records import dataclass


@dataclass(frozen=True)
class AttentionOptions:
    """What the attention is. A size is a number or a name."""

    d_model: int | str = field(default="d_model", metadata={"help": "features of a token"})
    heads: int | str = field(default="h", metadata={"help": "heads"})
    tokens: int | str = field(default="n", metadata={"help": "tokens that ask"})
    keys: int | str | None = field(default=None, metadata={"help": "tokens that are looked at, of a cross attention: m"})
    d_k: int | str | None = field(default=None, metadata={"help": "features of a query and a key of one head: d_model / heads"})
    d_v: int | str | None = field(default=None, metadata={"help": "features of a value of one head: d_k"})
    kv_heads: int | str | None = field(default=None, metadata={"help": "heads of keys and values, where queries share them"})
    d_memory: int | str | None = field(default=None, metadata={"help": "features of what a cross attention looks at: d_model"})
    cross: bool = field(default=False, metadata={"help": "keys and values come from other tokens than queries"})
    bias: bool = field(default=True, metadata={"help": "the projections add a bias"})
    output_projection: bool = field(default=True, metadata={"help": "a last projection mixes the heads"})
    causal: bool = field(default=False, metadata={"help": "no token looks ahead"})
    window: int | None = field(default=None, metadata={"help": "a token looks only at those nearer than this"})
    padding: bool = field(default=False, metadata={"help": "a mask is given that hides tokens"})
    position: Literal["none", "rotary", "relative", "alibi"] = field(
        default="none", metadata={"help": "what tells tokens apart by their place"}
    )
    scale: float | Literal["sqrt", "none", "learned"] = field(
        default="sqrt", metadata={"help": "sqrt: scores are divided by √d_k; or the factor"}
    )
    qk_norm: Literal["none", "rms", "layer", "l2"] = field(default="none", metadata={"help": "queries and keys are normalised"})
    softcap: float | None = field(default=None, metadata={"help": "scores are kept below this by tanh"})
    dropout: float = field(default=0.0, metadata={"help": "how many weights are dropped in training"})
    fused: Literal["none", "qkv", "kv"] = field(default="none", metadata={"help": "which projections are stored as one matrix"})
