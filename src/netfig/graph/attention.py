"""The canonical graph of attention: one block of ops with fixed parts, whatever the model wrote.

`AttentionSpec` says what the attention is, `attention_parts` makes the block of it, `attention_blocks` reads the blocks of a
graph back. Every op of a block says which part of attention it is in its attribute ``part``; `PARTS` lists them in the order they
run.

With batch dimensions ``*`` in front, queries are ``* × n × d_model``, a projection ``* × n × h·d_k``, heads ``* × h × n × d_k``,
scores and weights ``* × h × n × m``. Weights are stored as torch stores them, output × input.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any, Final, Literal

from netfig.errors import InvalidInput
from netfig.graph.types import Attribute, Dim, Graph, Op, Scope, Value
from netfig.mathtext import Run, Script, Text, math
from netfig.records import dataclass

TYPE_NAME: Final = "Attention"
MASKS: Final = ("causal", "window", "padding", "given")
PARTS: Final = (
    *("split_weight", "split_bias"),
    *("q_proj", "k_proj", "v_proj"),
    *("q_norm_all", "k_norm_all"),
    *("q_heads", "k_heads", "v_heads"),
    *("q_norm", "k_norm"),
    *("q_rotary", "k_rotary"),
    *("k_repeat", "v_repeat"),
    *("scores", "scale", "softcap", "bias", "mask", "softmax", "dropout", "sum", "merge", "o_proj"),
)
"""Parts of attention in the order they run; a block has those it needs."""


@dataclass(frozen=True, slots=True)
class AttentionSpec:
    """What an attention is.

    `d_model` are the features of the queries, `d_key` and `d_value` those that keys and values are made of, `d_out` those of the
    output projection; `queries` (n) and `keys` (m) count tokens. `projections` and `bias` are letters of ``qkvo``. `fused` says
    which projections are one stored matrix, its rows in `fused_groups` groups of q, k, v. `scale` is ``sqrt`` for 1/√d_k,
    ``none``, ``learned``, or the factor. `masks` are some of `MASKS`; `mask_means` says what a mask that is read holds:
    True where a query may look (``keep``), where it may not (``drop``), or numbers to add. `split` and `merge` are false where
    heads come split and are handed back split. `rotary_dims` are the features of a head that are rotated (``None``: all of them).
    `even` says that d_k is d_model / h by definition, even where both are names.
    """

    d_model: Dim
    heads: Dim
    d_k: Dim
    d_v: Dim
    queries: Dim
    keys: Dim
    kv_heads: Dim
    d_key: Dim
    d_value: Dim
    d_out: Dim
    projections: str = "qkvo"
    bias: str = "qkvo"
    fused: Literal["none", "qkv", "kv"] = "none"
    fused_groups: int = 1
    scale: str | float = "sqrt"
    masks: tuple[str, ...] = ()
    window: int | None = None
    mask_means: Literal["keep", "drop", "add"] = "keep"
    position: Literal["none", "rotary", "relative", "alibi"] = "none"
    rotary_style: Literal["half", "interleaved"] = "half"
    rotary_base: float = 10000.0
    rotary_dims: int | None = None
    qk_norm: Literal["none", "rms", "layer", "l2"] = "none"
    qk_norm_over: Literal["head", "all"] = "head"
    qk_norm_weights: bool = True
    norm_eps: float = 1e-6
    softcap: float | None = None
    dropout: float = 0.0
    cross: bool = False
    split: bool = True
    merge: bool = True
    even: bool = False

    @property
    def is_grouped(self) -> bool:
        """Whether several heads of queries share one of keys and values."""
        return self.kv_heads != self.heads

    @property
    def is_multi_head(self) -> bool:
        """Whether there is (or, where that is a name, may be) more than one head."""
        return self.heads.size != 1

    def attributes(self) -> tuple[tuple[str, Attribute], ...]:
        """The sizes, and whatever else is not as usual: the attributes of the block's scope."""
        usual = {f.name: f.default for f in fields(self)}
        return tuple((name, _plain(value)) for name in usual if (value := getattr(self, name)) != usual[name])

    @classmethod
    def from_attributes(cls, attributes: Sequence[tuple[str, Attribute]]) -> AttentionSpec:
        """The inverse of `attributes`; keys that are no field are passed over."""
        types = {f.name: f.type for f in fields(cls)}
        given: dict[str, Any] = {k: dim(v) if types[k] == "Dim" else v for k, v in attributes if k in types}
        return cls(**given)

    def problems(self) -> list[str]:
        """What does not fit together, each as a sentence; empty when all does."""
        found = []
        for letters, what in ((self.projections, "projections"), (self.bias, "bias")):
            if set(letters) - set("qkvo"):
                found.append(f"{what} are letters of qkvo, not {letters!r}")
        found += [f"there is no mask {mask!r}" for mask in self.masks if mask not in MASKS]
        if ("window" in self.masks) != (self.window is not None) or (self.window is not None and self.window < 1):
            found.append(f"a window mask and the size of its window ({self.window}) belong together")
        h, g = self.heads.size, self.kv_heads.size
        if h is not None and g is not None and (not g or h % g):
            found.append(f"{h} heads cannot share {g} heads of keys and values evenly")
        for one, what in ((self.heads, "heads"), (self.d_k, "d_k"), (self.d_v, "d_v"), (self.d_model, "d_model")):
            if one.size == 0:
                found.append(f"{what} is 0")
        if (
            self.even
            and None not in (h, self.d_model.size, self.d_k.size)
            and (self.d_k.size or 0) * (h or 0) != self.d_model.size
        ):
            found.append(f"d_model = {self.d_model} is not {h} heads of {self.d_k}")
        if self.position == "rotary" and self.rotary_dims is None and self.d_k.size is not None and self.d_k.size % 2:
            found.append(f"rotary embedding turns pairs of features, and d_k = {self.d_k} is odd")
        if isinstance(self.scale, str) and self.scale not in ("sqrt", "none", "learned"):
            found.append(f"the scale is sqrt, none, learned or a number, not {self.scale!r}")
        return found


def spec_of(
    d_model: int | str | Dim,
    heads: int | str | Dim = 1,
    *,
    queries: int | str | Dim = "n",
    keys: int | str | Dim | None = None,
    kv_heads: int | str | Dim | None = None,
    d_k: int | str | Dim | None = None,
    d_v: int | str | Dim | None = None,
    d_key: int | str | Dim | None = None,
    d_value: int | str | Dim | None = None,
    d_out: int | str | Dim | None = None,
    **more: Any,
) -> AttentionSpec:
    """A specification from plain sizes: d_k is d_model / h, d_v is d_k, keys are the queries' tokens, unless given.

    Raises:
        InvalidInput: the sizes do not fit together; all problems are named.
    """
    d, h = dim(d_model), dim(heads)
    even = d_k is None
    if d_k is None:
        if d.size is not None and h.size and d.size % h.size:
            raise InvalidInput(f"d_model = {d.size} is not divisible by {h.size} heads", hint="say how wide a head is: d_k")
        d_k = Dim(d.size // h.size) if d.size is not None and h.size else d if h.size == 1 else Dim(name="d_k")
    of_keys = dim(d_model if d_key is None else d_key)
    n = dim(queries)
    spec = AttentionSpec(
        d_model=d,
        heads=h,
        d_k=dim(d_k),
        d_v=dim(d_k if d_v is None else d_v),
        queries=n,
        keys=n if keys is None else dim(keys),
        kv_heads=h if kv_heads is None else dim(kv_heads),
        d_key=of_keys,
        d_value=of_keys if d_value is None else dim(d_value),
        d_out=d if d_out is None else dim(d_out),
        even=even,
        **more,
    )
    found = spec.problems()
    if found:
        raise InvalidInput(found[0], why="\n       ".join(found[1:]))
    return spec


@dataclass(frozen=True)
class AttentionParts:
    """A block ready to be put into a graph: its scope, the values and ops in it, and what it hands back."""

    scope: Scope
    values: tuple[Value, ...]
    ops: tuple[Op, ...]
    output: str
    weights: str
    parameters: tuple[str, ...]


@dataclass(frozen=True)
class AttentionBlock:
    """An attention of a graph: its scope, what it is, and its ops by part."""

    scope: Scope
    spec: AttentionSpec
    ops: Mapping[str, Op]

    def reads(self, part: str, slot: str) -> str | None:
        """The value that a part reads in a slot, if there are both."""
        op = self.ops.get(part)
        return next((ref.value for s in op.inputs if s.name == slot for ref in s.refs), None) if op is not None else None

    def makes(self, part: str) -> str | None:
        """The value that a part makes."""
        return self.ops[part].outputs[0] if part in self.ops else None

    @property
    def sources(self) -> tuple[str, str, str]:
        """The values that queries, keys and values are made of."""
        q, k, v = (self.reads(f"{one}_proj", "input") or self._first(one) for one in "qkv")
        return q, k, v

    def _first(self, letter: str) -> str:
        for part in (f"{letter}_norm_all", f"{letter}_heads", f"{letter}_norm", f"{letter}_rotary", f"{letter}_repeat"):
            if (found := self.reads(part, "input")) is not None:
                return found
        part, slot = {"q": ("scores", "query"), "k": ("scores", "key"), "v": ("sum", "value")}[letter]
        return self.reads(part, slot) or ""


def attention_blocks(graph: Graph) -> tuple[AttentionBlock, ...]:
    """The attentions of a graph in the order they run."""
    scopes = {s.id: s for s in graph.scopes if s.kind == "block" and s.type_name == TYPE_NAME}
    ops: dict[str, dict[str, Op]] = {id: {} for id in scopes}
    for op in graph.ops if scopes else ():
        if op.scope in ops:
            ops[op.scope].setdefault(str(op.attribute("part")), op)
    return tuple(AttentionBlock(s, AttentionSpec.from_attributes(s.attributes), ops[s.id]) for s in scopes.values())


def dim(size: Any) -> Dim:
    """A size from a number, a name, or both."""
    if isinstance(size, Dim):
        return size
    if isinstance(size, str):
        return Dim(name=size)
    return Dim(int(size[0]), str(size[1])) if isinstance(size, tuple) else Dim(size)


def times(left: Dim, right: Dim) -> Dim:
    """The product of two sizes: a number where both have one, else a name such as ``h*d_k``."""
    size = None if left.size is None or right.size is None else left.size * right.size
    if size is not None and (left.name is None or right.name is None):
        return Dim(size)
    if 1 in (left.size, right.size):
        return right if left.size == 1 else left
    return Dim(size, f"{left}*{right}")


def attention_parts(
    spec: AttentionSpec,
    query: str,
    key: str | None = None,
    value: str | None = None,
    *,
    id: str = "attention",
    parent: str,
    batch: Sequence[Dim] = (),
    reads: Mapping[str, str | Sequence[str]] | None = None,
    makes: Mapping[str, str] | None = None,
    dtype: str | None = "float32",
    prefix: str = "",
) -> AttentionParts:
    """The block of an attention over existing values; `key` is `query` and `value` is `key` unless given.

    `reads` are existing values for what the block reads besides (see `READS`); weights that are not among them are made, as
    parameters named ``<prefix>W_Q``. `makes` are existing values that parts make, by part; those are not made again.

    Raises:
        InvalidInput: the specification does not fit together, or `reads` or `makes` name what this block does not have.
    """
    from netfig.graph.attention_build import Build

    found = spec.problems()
    if found:
        raise InvalidInput(f"this is no attention: {found[0]}", why="\n       ".join(found[1:]))
    key = query if key is None else key
    build = Build(spec, id, tuple(batch), dict(reads or {}), dict(makes or {}), dtype, prefix)
    return build.parts(query, key, key if value is None else value, parent)


READS: Final = (
    *("q.weight", "k.weight", "v.weight", "o.weight", "qkv.weight", "kv.weight"),
    *("q.bias", "k.bias", "v.bias", "o.bias", "qkv.bias", "kv.bias"),
    *("q_norm.weight", "k_norm.weight", "q_norm.bias", "k_norm.bias"),
    *("cos", "sin", "k_cos", "k_sin", "scale", "bias", "table", "mask"),
)
"""What a block may read besides queries, keys and values."""


def _plain(value: Any) -> Attribute:
    if isinstance(value, Dim):
        if value.size is not None and value.name is not None:
            return (value.size, value.name)
        return value.size if value.name is None else value.name
    return value  # type: ignore[no-any-return]


def symbol(base: str, sup: str = "", sub: str = "") -> Text:
    """``W`` with ``Q`` above and ``i`` below."""
    return (Script(math(base), math(sub), math(sup)),) if sup or sub else (Run(base, "math"),)


__all__ = [
    "MASKS",
    "PARTS",
    "READS",
    "TYPE_NAME",
    "AttentionBlock",
    "AttentionParts",
    "AttentionSpec",
    "attention_blocks",
    "attention_parts",
    "dim",
    "spec_of",
    "symbol",
    "times",
]
