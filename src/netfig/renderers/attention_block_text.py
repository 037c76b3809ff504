"""What is said under the figure of an attention: equations, counts, and the alt text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.graph.attention import AttentionBlock, AttentionSpec
from netfig.mathtext import Run, Text, plain, strong, text_of
from netfig.renderers.attention_block_counts import counted
from netfig.renderers.attention_block_words import (
    call,
    changes,
    concat,
    indexed,
    key_index,
    letter,
    merged,
    name,
    noted,
    ratio,
    score,
    sentence,
    shape,
    size,
    turned,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netfig.graph import Graph
    from netfig.graph.types import Dim


def mask_words(spec: AttentionSpec) -> tuple[Text, ...]:
    """What a mask is called in its box."""
    words = [f"window {spec.window}" if one == "window" else one for one in spec.masks if one != "given"]
    if len(words) > 1:
        return plain(f"Mask: {words[0]},"), plain(", ".join(words[1:]))
    return (plain(f"Mask ({words[0]})" if words else "Mask"),)


LONGEST_LINE = 140
"""Characters of two equations on one line, shapes counted in: more would be broken at a place that the layout chooses."""


# ---- equations ---------------------------------------------------------------------------------------------------------------


def equations(block: AttentionBlock, sources: Mapping[str, str]) -> tuple[Text, ...]:
    """One head and what is made of all, each symbol with its shape below."""
    s = block.spec
    i = "i" if s.is_multi_head else ""
    j = key_index(s)
    lines = _projections(s, sources, i, j)
    if changes(s):
        _add(lines, _changed(s, "Q", i), _changed(s, "K", j))
    body = score(s, noted(turned(s, "Q", i), s.queries, s.d_k), noted(turned(s, "K", j, "T"), s.d_k, s.keys), i)
    if "bias" in block.ops:
        body = (*body, *letter(" + "), *noted(indexed("B", i), s.queries, s.keys))
    if s.masks:
        body = (*body, *letter(" + "), *noted(letter("M"), s.queries, s.keys))
    weights = noted(indexed("A", i), s.queries, s.keys)
    lines.append((*weights, *letter(" = "), *call("softmax", body)))
    symbol = indexed("head", i) if i else letter("Z" if "o" in s.projections else "Y")
    out: Text = noted(symbol, s.queries, s.d_v)
    mixed = (*out, *letter(" = "), *indexed("A", i), *letter(" "), *noted(indexed("V", j), s.keys, s.d_v))
    _add(lines, mixed)
    last = _output(s, i)
    return (*lines, last) if last else tuple(lines)


def _add(lines: list[Text], *more: Text) -> None:
    """Equations on the last line, all of them if they have room there, else on one of their own."""
    joint: Text = ()
    for one in more:
        joint = (*joint, *(letter(",    ") if joint else ()), *one)
    if lines and len(text_of((*lines[-1], *joint))) <= LONGEST_LINE:
        lines[-1] = (*lines[-1], *letter(",    "), *joint)
    else:
        lines.append(joint)


def _changed(s: AttentionSpec, base: str, index: str) -> Text:
    """Q̃ = RoPE(norm(Q)): of the shape that Q has."""
    made = indexed(base, index)
    for word in changes(s):
        made = (Run(word, "math-upright"), *letter("("), *made, *letter(")"))
    return (*turned(s, base, index), *letter(" = "), *made)


def _projections(s: AttentionSpec, sources: Mapping[str, str], i: str, j: str) -> list[Text]:
    """Q, K and V; in one line where they are alike but for their letters."""
    rows = {"q": (i, s.queries, s.d_model, s.d_k), "k": (j, s.keys, s.d_key, s.d_k), "v": (j, s.keys, s.d_value, s.d_v)}
    lines: list[Text] = []
    before: tuple[object, ...] = ()
    for one in "qkv":
        if one not in s.projections:
            continue
        index, tokens, features, width = rows[one]
        big = one.upper()
        same = (sources[one], tokens, features, width) == before
        before = (sources[one], tokens, features, width)
        shapes: tuple[tuple[Dim, ...], ...] = ((tokens, width), (tokens, features), (features, width), (width,))
        symbols = [indexed(big, index), name(sources[one]), indexed("W", index, big), indexed("b", index, big)]
        texts = symbols if same else [noted(text, *dims) for text, dims in zip(symbols, shapes, strict=True)]
        made: Text = (*texts[1], *letter(" "), *texts[2], *((*letter(" + "), *texts[3]) if one in s.bias else ()))
        if one != "v" and s.qk_norm != "none" and s.qk_norm_over == "all":
            made = (Run("norm", "math-upright"), *letter("("), *made, *letter(")"))
        line: Text = (*texts[0], *letter(" = "), *made)
        if same:
            _add(lines, line)
        else:
            lines.append(line)
    return lines


def _output(s: AttentionSpec, i: str) -> Text:
    """Y from the heads."""
    if not ((i and s.merge) or "o" in s.projections):
        return ()
    made: Text = noted(concat(s), s.queries, merged(s)) if i else letter("Z")
    if "o" in s.projections:
        made = (*made, *letter(" "), *noted(indexed("W", "", "O"), merged(s) if i else s.d_v, s.d_out))
        if "o" in s.bias:
            made = (*made, *letter(" + "), *noted(indexed("b", "", "O"), s.d_out))
    width = s.d_out if "o" in s.projections else merged(s)
    return (*noted(letter("Y"), s.queries, width), *letter(" = "), *made)


# ---- the caption -------------------------------------------------------------------------------------------------------------


def caption(
    block: AttentionBlock, graph: Graph, others: Sequence[AttentionBlock], sources: Mapping[str, str], *, params: bool
) -> tuple[Text, ...]:
    """What flows, what is particular, and the counts."""
    s = block.spec
    lines = [(*strong(_kind(block) + "."), *_story(s), *_read(s, sources))]
    numbers = [(one.spec == s, _stands_for(graph, one)) for one in (block, *others)]
    every, alike = sum(number for _, number in numbers), sum(number for same, number in numbers if same)
    if every > 1:
        words = f" One of {every} in {graph.name}" + (
            f", {alike} of them alike." if 1 < alike < every else ", all alike." if alike > 1 else "."
        )
        lines[0] = (*lines[0], Run(words))
    return (*lines, *(counted(block, graph) if params else ()))


def _stands_for(graph: Graph, block: AttentionBlock) -> int:
    """How many attentions a block is: several where repeats are folded."""
    if not any(axis.members for axis in graph.axes):
        return 1
    from netfig.graph.repeats import times

    return times(graph, block.scope.id)


def _kind(block: AttentionBlock) -> str:
    s = block.spec
    what = "Cross-attention" if s.cross else "Self-attention" if len(set(block.sources)) == 1 else "Attention"
    if not s.is_multi_head:
        return f"{what}, one head"
    if s.is_grouped:
        return f"{what} with {'one shared head of keys and values' if s.kv_heads.size == 1 else 'grouped queries'}"
    return f"Multi-head {what.lower()}"


def _story(s: AttentionSpec) -> Text:
    parts: list[Text | str] = [
        " Each head weighs the values by how well its queries fit the keys."
        if s.is_multi_head
        else " The values are weighed by how well queries fit keys."
    ]
    if s.is_grouped and s.kv_heads.size == 1:
        parts.append(" All heads share one head of keys and values.")
    elif s.is_grouped:
        by_name = s.heads.size is None or s.kv_heads.size is None
        inner = (*letter("i "), *size(s.kv_heads), *letter(" / "), *size(s.heads)) if by_name else (*letter("i / "), *ratio(s))
        parts += [" ", whole(ratio(s)), " heads in a row share one of the ", size(s.kv_heads), " heads of keys and values: "]
        parts += [whole((*letter("j = ⌈"), *inner, *letter("⌉"))), "."]
    if s.position == "rotary":
        parts.append(" RoPE turns pairs of features by angles that grow with the position.")
    if s.position == "alibi":
        parts += [" ", letter("B"), " falls with the distance, in each head at its own rate (ALiBi)."]
    if s.position == "relative":
        parts += [" ", letter("B"), " has a learned number for each distance and head."]
    if s.masks:
        parts += [" ", letter("M"), f" is −∞ {_masked(s)}, else 0."]
    if s.fused != "none":
        stored = ", ".join(one.upper() for one in s.fused)
        parts.append(f" The projections {stored} are stored as one matrix.")
    return sentence(parts)


def _read(s: AttentionSpec, sources: Mapping[str, str]) -> Text:
    """What the symbols of the sources stand for, where queries, keys and values are made of one or two."""
    symbols = list(dict.fromkeys(sources.values()))
    if symbols == ["X"]:
        return sentence([" ", letter("X"), ": the tokens."])
    if symbols == ["X", "C"] and sources["k"] == "C":
        return sentence([" ", letter("X"), ": the tokens that ask; ", letter("C"), ": those that are asked."])
    return ()


def _masked(s: AttentionSpec) -> str:
    words = {
        "causal": "at later tokens",
        "window": f"at tokens {s.window} or more away",
        "padding": "at padding",
        "given": "where the mask says so",
    }
    return ", ".join(words[one] for one in s.masks)


def alt_text(block: AttentionBlock) -> str:
    """The figure in words, in reading order."""
    s = block.spec
    said = [f"{_kind(block)}."]
    sizes = f"{text_of(shape(s.queries, s.d_model))} tokens by features"
    said.append(f"Queries come from {sizes}" + (f", keys and values from {text_of(shape(s.keys, s.d_key))}." if s.cross else "."))
    steps = [str(block.ops[part].kind).replace("_", " ") for part in block.ops]
    said.append("In each head: " if s.is_multi_head else "In turn: ")
    said[-1] += ", ".join(steps) + "."
    if s.is_multi_head:
        said.append(f"There are {text_of(size(s.heads))} heads.")
    return " ".join(said)
