"""The parameters of an attention: of every matrix and in total, with and without biases, as products of sizes."""

from __future__ import annotations

import math as arithmetic
from typing import TYPE_CHECKING

from netfig.graph.attention import AttentionBlock, AttentionSpec
from netfig.graph.types import Dim
from netfig.mathtext import Script, Text, strong
from netfig.records import dataclass
from netfig.renderers.attention_block_words import indexed, joined, key_index, letter, sentence, size, whole

if TYPE_CHECKING:
    from netfig.graph import Graph

Factor = Dim | int | tuple["Dim | Product", int]
"""A size, a number, or a sum of a size and a number."""


@dataclass(frozen=True, slots=True)
class Product:
    """A count as the product it is."""

    factors: tuple[Factor, ...]

    @property
    def number(self) -> int | None:
        """Its value, if every size has one."""
        values = [_value(one) for one in self.factors]
        return None if None in values else arithmetic.prod(v for v in values if v is not None)

    @property
    def text(self) -> Text:
        """``3·d_k·(d_model + 1)·h``; equal names are a power."""
        written: list[tuple[Text, int]] = []
        for factor in self.factors:
            if factor == 1 or (isinstance(factor, Dim) and factor.size == 1):
                continue
            text = _factor(factor)
            named = isinstance(factor, Dim) and factor.size is None
            if named and written and written[-1][0] == text:
                written[-1] = (text, written[-1][1] + 1)
            else:
                written.append((text, 1))
        powers = [text if power == 1 else _power(text, power) for text, power in written]
        return joined("·", powers) or letter("1")

    @property
    def worked(self) -> Text:
        """``4·(8 + 1) = 36``, or the product alone where sizes are names."""
        done = "" if self.number is None else f"{self.number:,}"
        text = self.text
        return (*text, *letter(f" = {done}")) if done and text != letter(done) else text


def _power(text: Text, power: int) -> Text:
    above = letter(str(power))
    only = text[0]
    if len(text) == 1 and isinstance(only, Script) and not only.sup:
        return (Script(only.base, only.sub, above),)
    return (Script(text, (), above),)


def _value(factor: Factor) -> int | None:
    if isinstance(factor, int):
        return factor
    if isinstance(factor, Dim):
        return factor.size
    inner, more = factor
    value = inner.number if isinstance(inner, Product) else inner.size
    return None if value is None else value + more


def _factor(factor: Factor) -> Text:
    if isinstance(factor, int):
        return letter(f"{factor:,}")
    if isinstance(factor, Dim):
        is_sum = factor.size is None and bool(set(str(factor)) & set("+-"))
        return (*letter("("), *size(factor), *letter(")")) if is_sum else size(factor)
    inner, more = factor
    text = inner.text if isinstance(inner, Product) else size(inner)
    return text if not more else (*letter("("), *text, *letter(f" + {more})"))


@dataclass(frozen=True, slots=True)
class Count:
    """The parameters of one projection: of one head's matrix, and of all heads; with and without a bias."""

    letter: str
    heads: Dim
    width: Dim
    features: Dim

    def one(self, bias: bool) -> Product:
        """Of the matrix of one head."""
        return Product((self.width, (self.features, int(bias))))

    def all(self, bias: bool, times: int = 1) -> Product:
        """Of the matrices of all heads."""
        return Product((times, self.width, (self.features, int(bias)), self.heads))


def counts(spec: AttentionSpec) -> list[Count]:
    """The projections of queries, keys and values, those there are."""
    rows = {
        "q": (spec.heads, spec.d_k, spec.d_model),
        "k": (spec.kv_heads, spec.d_k, spec.d_key),
        "v": (spec.kv_heads, spec.d_v, spec.d_value),
    }
    return [Count(one, *rows[one]) for one in "qkv" if one in spec.projections]


def output_count(spec: AttentionSpec, bias: bool) -> Product | None:
    """Of the output projection."""
    if "o" not in spec.projections:
        return None
    rows: Dim | Product = Product((spec.heads, spec.d_v)) if spec.is_multi_head else spec.d_v
    if spec.even and spec.d_v == spec.d_k:
        rows = spec.d_model
    return Product((spec.d_out, (rows, int(bias))))


def total(spec: AttentionSpec, bias: str) -> int | None:
    """All weights of the projections, those of `bias` with one."""
    values = [one.all(one.letter in bias).number for one in counts(spec)]
    out = output_count(spec, "o" in bias)
    values += [out.number] if out is not None else []
    return None if None in values else sum(v for v in values if v is not None)


# ---- in words ----------------------------------------------------------------------------------------------------------------


def counted(block: AttentionBlock, graph: Graph) -> list[Text]:
    """Sentences about the parameters of every matrix and of all, with and without biases."""
    s = block.spec
    groups: dict[tuple[Dim, Dim, Dim, bool], list[Count]] = {}
    for one in counts(s):
        groups.setdefault((one.heads, one.width, one.features, one.letter in s.bias), []).append(one)
    parts: list[Text | str] = []
    for own in groups.values():
        parts += _of_projections(s, own)
    said: Text = (*sentence(parts), *_of_all(block, graph))
    return [(*strong("Parameters. "), *said)] if said else []


def _of_projections(s: AttentionSpec, own: list[Count]) -> list[Text | str]:
    """Of the matrices of one head that are alike, and of those of all heads."""
    index = {"q": "i" if s.is_multi_head else "", "k": key_index(s), "v": key_index(s)}
    names = [indexed("W", index[one.letter], one.letter.upper()) for one in own]
    one, bias = own[0], own[0].letter in s.bias
    this, other = one.one(bias).worked, one.one(not bias).worked
    parts: list[Text | str] = [whole(joined(", ", names)), ": ", whole(this), " each" if len(own) > 1 else ""]
    parts += [" with its bias, " if bias else " without a bias, ", whole(other), " without" if bias else " with one"]
    every = one.all(bias, len(own))
    if s.is_multi_head and one.heads.size != 1:
        parts += ["; all heads ", whole(every.text)]
        if s.d_k.size is None and one.width == s.d_k and one.heads == s.heads:
            simple = Product((len(own), s.d_model, (one.features, int(bias))))
            parts += [" ", whole((*letter("= "), *simple.text))]
            if not s.even:
                parts += [" when ", whole(_evenly(s))]
        if every.number is not None:
            parts += [" ", whole(letter(f"= {every.number:,}"))]
    return [*parts, ". "]


def _evenly(s: AttentionSpec) -> Text:
    """d_k = d_model / h."""
    return (*size(s.d_k), *letter(" = "), *size(s.d_model), *letter(" / "), *size(s.heads))


def _of_all(block: AttentionBlock, graph: Graph) -> Text:
    """Of the output projection, of what is no projection, and in total."""
    s, bias = block.spec, "o" in block.spec.bias
    parts: list[Text | str] = []
    out = output_count(s, bias)
    if out is not None:
        parts += [indexed("W", "", "O"), ": ", whole(out.worked), " with its bias. " if bias else ". "]
    more = _others(block, graph)
    for words, products in more.items():
        for n, product in enumerate(products):
            parts += [" and " if n else f"{words}: ", whole(product.worked)]
        parts.append(". ")
    extra = sum(product.number or 0 for products in more.values() for product in products)
    full, bare = total(s, s.bias or s.projections), total(s, "")
    if not s.projections:
        return ()
    if full is not None and bare is not None:
        now, then = (full, bare) if s.bias else (bare, full)
        open_ends = [words.lower() for words, products in more.items() if any(one.number is None for one in products)]
        parts += ["In total ", whole(letter(f"{now + extra:,}")), " (", whole(letter(f"{then + extra:,}"))]
        parts.append(f" {'without' if s.bias else 'with'} biases){f', besides the {open_ends[0]}' if open_ends else ''}.")
    elif _is_square(s):
        whole_count, plain_count = Product((4, s.d_model, (s.d_model, 1))), Product((4, s.d_model, s.d_model))
        first, second = (whole_count, plain_count) if s.bias else (plain_count, whole_count)
        growth = whole((*letter("O("), *Product((s.d_model, s.d_model)).text, *letter(")")))
        parts += ["In total ", whole(first.text), f" ({'without' if s.bias else 'with'} biases ", whole(second.text)]
        parts += ["), as ", whole(_evenly(s)), ": it grows as ", growth, "."]
    else:
        groups: dict[tuple[Dim, Dim, Dim, bool], int] = {}
        for one in counts(s):
            key = one.heads, one.width, one.features, one.letter in s.bias
            groups[key] = groups.get(key, 0) + 1
        terms = [Product((n, width, (features, int(b)), heads)).text for (heads, width, features, b), n in groups.items()]
        parts.append("In total ")
        for n, term in enumerate(terms + ([out.text] if out is not None else [])):
            parts += [letter(" + ") if n else "", whole(term)]
        parts.append(".")
    return sentence(parts)


def _is_square(s: AttentionSpec) -> bool:
    """Whether all four matrices together are d_model × d_model each, by definition."""
    alike = s.d_out == s.d_model == s.d_key == s.d_value and s.d_v == s.d_k and not s.is_grouped
    return s.even and alike and set(s.projections) == set("qkvo") and set(s.bias) in (set(), set("qkvo"))


def _others(block: AttentionBlock, graph: Graph) -> dict[str, list[Product]]:
    """Parameters that are no projection's: of norms, of a bias by distance, of a learned scale."""
    words = {
        "q_norm": "Norms",
        "k_norm": "Norms",
        "q_norm_all": "Norms",
        "k_norm_all": "Norms",
        "bias": "Bias by distance",
        "scale": "Scale",
    }
    found: dict[tuple[str, tuple[Dim, ...]], int] = {}
    for part, word in words.items():
        op = block.ops.get(part)
        for value in dict.fromkeys(op.reads) if op is not None else ():
            item = graph.value_by_id[value]
            if item.kind == "parameter" and item.type.shape is not None:
                key = word, item.type.shape
                found[key] = found.get(key, 0) + 1
    return {word: [Product((n, *shape)) for (own, shape), n in found.items() if own == word] for word, _ in found}
