"""The words of attention: short names of weights that act together, the sizes that stand nowhere else in a figure."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING

from netfig.mathtext import Run, Script, Text, math, plain, text_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.figure import Chip
    from netfig.graph import Value
    from netfig.renderers.recurrence_words import Words

MANY = 3  # letters that are written as one word; two would read as a product
COMMA = Run(", ", "math")


def short_chips(chips: tuple[Chip, ...]) -> tuple[Chip, ...]:
    """The same chips, several letters with one index as one word: Q_2, K_2, V_2 as QKV_2."""
    return tuple(dataclasses.replace(chip, title=short(chip.title)) for chip in chips)


def short(listed: Text) -> Text:
    """A list of letters with one index as one word, or the list as it is."""
    names: list[list[object]] = [[]]
    for piece in listed:
        if piece == COMMA:
            names.append([])
        else:
            names[-1].append(piece)
    letters, indices = [], set()
    for name in names:
        one = name[0] if len(name) == 1 else None
        base, index = (one.base, one.sub) if isinstance(one, Script) and not one.sup else ((one,), ())
        if not (len(base) == 1 and isinstance(base[0], Run) and len(base[0].text) == 1):
            return listed
        letters.append(base[0].text)
        indices.add(index)
    if len(letters) < MANY or len(indices) > 1:
        return listed
    word = (Run("".join(letters), "math"),)
    index = indices.pop()
    return (Script(word, index),) if index else word


def chips_said(words: Words, chips: Iterable[Chip]) -> Text:
    """What the short names on chips stand for: ``QKV_i: Q_i, K_i, V_i.``"""
    found: dict[Text, Text] = {}
    for chip in chips:
        names = [words.general(words.graph.value_by_id[v]) for v in chip.stands_for]
        listed = _listed(names)
        if short(listed) != listed:
            found[short(listed)] = listed
    text: Text = ()
    for word, listed in found.items():
        text = (*text, *(plain("; ") if text else ()), *word, *plain(": "), *listed)
    return (*text, *plain(".")) if text else ()


def settings_said(words: Words) -> Text:
    """The numbers that named sizes have, and how many weight matrices that makes: ``K = 4: 15 weight matrices.``"""
    r = words.recurrence
    found: dict[str, int] = {}
    for axis in r.axes.values():
        name, count = axis.extent.name, r.extent(axis, {})
        if axis.id not in r.times and name is not None and name.isidentifier() and count is not None:
            found[name] = count
    text: Text = ()
    for name, count in found.items():
        text = (*text, *(plain(", ") if text else ()), *math(name), Run(f" = {count}", "math"))
    matrices = words.matrices()
    return (*text, *plain(": " if matrices else "."), *matrices) if text else matrices


def sizes_said(words: Words) -> Text:
    """The shapes of what is not drawn and has a size that no box has: ``q_{i,t}, k_{i,t} ∈ ℝᵈ.``"""
    r = words.recurrence
    known = {name for v in r.shown for d in words.graph.value_by_id[v].type.shape or () for name in _names(str(d))}
    known |= {name for id, axis in r.axes.items() for name in (id.split("@")[0], *_names(str(axis.extent)))}
    found: dict[str, list[Value]] = {}
    for kind in ("computed", "parameter"):
        for value in words.graph.values:
            dims = [str(d) for d in value.type.shape or () if d.size is None]
            if value.kind == kind and value.symbol and len(dims) == 1 and not known.issuperset(_names(dims[0])):
                found.setdefault(dims[0], []).append(value)
        known |= {name for dim in found for name in _names(dim)}
    text: Text = ()
    for values in found.values():
        ids = {v.id for v in values}
        whole = [v for v in values if re.sub(r"_\d+\Z", "", v.id) not in ids - {v.id}]  # q_0 is one of the q_i
        text = (*text, *(plain("; ") if text else ()), *_listed([_general(words, v) for v in whole]), *words.shape(whole[0]))
    return (*text, *plain(".")) if text_of(text) else ()


def _names(size: str) -> list[str]:
    """The names in a size such as ``2*m`` or ``K+1``."""
    return re.findall(r"[^\W\d]\w*", size)


def sentences(texts: Iterable[Text]) -> Text:
    """One after the other, those that say something."""
    said = [text for text in texts if text]
    return tuple(piece for n, text in enumerate(said) for piece in (*(plain(" ") if n else ()), *text))


def _general(words: Words, value: Value) -> Text:
    """The symbol of a value with the indices of its equation: time last."""
    axes = sorted(value.axes, key=lambda axis: axis in words.recurrence.times)
    return words.indexed(words.bare(value), [math(axis.split("@")[0]) for axis in axes])


def _listed(names: list[Text]) -> Text:
    return tuple(piece for n, name in enumerate(names) for piece in (*((COMMA,) if n else ()), *name))
