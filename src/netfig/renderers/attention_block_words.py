"""The words of an attention: sizes, shapes, counts as products, equations with shapes below their symbols."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netfig.graph.attention import AttentionSpec, times
from netfig.graph.types import Dim
from netfig.mathtext import Accent, Fence, Fraction, Root, Run, Script, Text, Under


def letter(text: str) -> Text:
    """A symbol in italics."""
    return (Run(text, "math"),)


def name(text: str) -> Text:
    """A name such as ``d_model``: what is below is upright when it is a word."""
    base, _, below = text.partition("_")
    if not below:
        return letter(base)
    return (Script(letter(base), (Run(below, "math" if len(below) == 1 else "math-upright"),)),)


def size(dim: Dim) -> Text:
    """A size as a number or a name; a product of names stands in a row."""
    if dim.size is not None:
        return letter(str(dim.size))
    text = str(dim)
    if "*" in text and not set(text) & set("+-"):
        return joined("\u2009", [name(one) for one in text.split("*")])
    return joined("", [name(text)]) if text.isidentifier() else letter(text.replace("*", "·"))


def joined(sign: str, texts: Iterable[Text]) -> Text:
    """Texts with a sign between them."""
    out: Text = ()
    for text in texts:
        out = (*out, *(letter(sign) if out and sign else ()), *text)
    return out


def shape(*dims: Dim) -> Text:
    """``n × d_k``; a product of names is in brackets."""
    parts = []
    for dim in dims:
        text = size(dim)
        parts.append((*letter("("), *text, *letter(")")) if dim.size is None and "*" in str(dim) else text)
    return joined(" × ", parts)


def indexed(base: str, index: str = "", above: str = "") -> Text:
    """A symbol with an index below and a letter above."""
    if not (index or above):
        return letter(base)
    return (Script(letter(base), letter(index) if index else (), letter(above) if above else ()),)


def changes(spec: AttentionSpec) -> tuple[str, ...]:
    """What is done to queries and keys in each head before they meet, in this order."""
    norm = ("norm",) if spec.qk_norm != "none" and spec.qk_norm_over != "all" else ()
    return (*norm, *(("RoPE",) if spec.position == "rotary" else ()))


def turned(spec: AttentionSpec, base: str, index: str, above: str = "") -> Text:
    """The symbol of queries or keys as they meet: with a tilde where something has been done to them."""
    if not changes(spec):
        return indexed(base, index, above)
    marked = (Accent(letter(base), "tilde"),)
    return (Script(marked, letter(index) if index else (), letter(above) if above else ()),) if index or above else marked


# ---- equations ---------------------------------------------------------------------------------------------------------------


def noted(text: Text, *dims: Dim) -> Text:
    """A symbol with its shape below."""
    return (Under(text, shape(*dims)),)


def call(function: str, body: Text) -> Text:
    """A function of something."""
    return (Run(function, "math-upright"), Fence("(", body, ")"))


def score(spec: AttentionSpec, q: Text, k: Text, index: str) -> Text:
    """Q Kᵀ / √d_k with whatever is done to it."""
    product = (*q, *k)
    if spec.scale == "sqrt":
        body: Text = (Fraction(product, (Root(size(spec.d_k)),)),)
    elif spec.scale == "learned":
        body = (*indexed("τ", index), *letter(" "), *product)
    elif spec.scale == "none":
        body = product
    else:
        body = (*letter(f"{float(spec.scale):.4g} "), *product)
    if spec.softcap is not None:
        cap = f"{spec.softcap:g}"
        body = (*letter(f"{cap} "), *call("tanh", (*body, *letter(f" / {cap}"))))
    return body


def concat(spec: AttentionSpec) -> Text:
    """[head₁ … head_h]."""
    heads = spec.heads.size
    last = size(spec.heads) if heads is None else letter(str(heads))

    def head(index: Text) -> Text:
        return (Script((Run("head", "math"),), index),)

    if heads is not None and heads <= 3:
        return (*letter("["), *joined(", ", [head(letter(str(i + 1))) for i in range(heads)]), *letter("]"))
    return (*letter("["), *head(letter("1")), *letter(", …, "), *head(last), *letter("]"))


def merged(spec: AttentionSpec) -> Dim:
    """The width of all heads side by side."""
    return times(spec.heads, spec.d_v)


def whole(text: Text) -> Text:
    """A formula that is not broken at the end of a line."""
    return (Fence("", text, ""),)


def sentence(parts: Sequence[Text | str]) -> Text:
    """Words and formulas in a row."""
    out: Text = ()
    for part in parts:
        out = (*out, *((Run(part),) if isinstance(part, str) else part))
    return out


def key_index(spec: AttentionSpec) -> str:
    """The index of keys and values: that of the head, one of their own, or none where all heads share them."""
    if not spec.is_multi_head or spec.kv_heads.size == 1:
        return ""
    return "j" if spec.is_grouped else "i"


def ratio(spec: AttentionSpec) -> Text:
    """How many heads share one of keys and values."""
    h, g = spec.heads.size, spec.kv_heads.size
    if h is not None and g is not None:
        return letter(str(h // g))
    return size(spec.heads) if g == 1 else (*size(spec.heads), *letter("/"), *size(spec.kv_heads))
