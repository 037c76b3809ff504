"""What the pipeline says where sizes are names: shapes and settings as formulas, and what they stand for below the figure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.graph import Op, Scope
from netfig.graph.formula import Formula
from netfig.graph.formula_graph import DEFINES, definitions, size_of
from netfig.graph.formula_text import name_text, parsed, typeset
from netfig.mathtext import Run, Text, plain, text_of

if TYPE_CHECKING:
    from netfig.graph import Attribute, Dim, Graph
    from netfig.renderers.chain import Step

LINE = 26
"""Characters of a line between two tensors."""
SHORT = 48
"""Characters of a count that may stand in the caption; a longer one is an equation."""
_WORDS = ("same", "valid")


def shape_text(dims: tuple[Dim, ...], *, maps: bool) -> Text:
    """``F@H′×W′``, a sum in brackets; `maps`: the first are channels."""
    out: Text = ()
    for i, dim in enumerate(dims):
        size = size_of(dim)
        text = plain(str(dim)) if size is None else typeset(size)
        if size is not None and len(size.terms) > 1 and len(dims) > 1:
            text = (*_sign("("), *text, *_sign(")"))
        out = (*out, *(plain("@" if maps and i == 1 else "×") if i else ()), *text)
    return out or plain("scalar")


def layer_words(step: Step, words: tuple[str, ...]) -> tuple[Text, ...]:
    """The words on a step's arrow; of a window whose settings are names the words are made here."""
    item = step.item
    if isinstance(item, Op) or not _is_named(item):
        return tuple(plain(word) for word in words)
    low = item.type_name.lower()
    word = "max pool" if "maxpool" in low else "avg pool" if "avgpool" in low else "up-conv" if "transpose" in low else "conv"
    window = _sizes(item.attribute("kernel_size"), item)
    one = item.type_name.endswith("1d")  # a window of one dimension stands behind: conv K
    found: list[Text] = [(*plain(f"{word} "), *window) if one else (*window, *plain(f" {word}"))]
    kernel = _alike(item.attribute("kernel_size"))
    for key, name, usual in (("stride", "stride", 1), ("padding", "pad", 0), ("dilation", "dilation", 1)):
        value = _alike(item.attribute(key))
        if value is None or value == usual or ("pool" in word and key == "stride" and value == kernel):
            continue
        found.append((*plain(f"{name} "), *(plain(str(value)) if value in _WORDS else _setting(value))))
    groups = item.attribute("groups")
    if groups not in (None, 1):
        found.append((*_setting(groups), *plain(" groups")))
    return tuple(found)


def _is_named(item: Scope) -> bool:
    """Whether it is a convolution or pooling with a setting that is a name."""
    if not ("Conv" in item.type_name or "Pool" in item.type_name) or "Adaptive" in item.type_name:
        return False
    return any(_has_name(item.attribute(key)) for key in ("kernel_size", "stride", "padding", "dilation", "groups"))


def _has_name(value: Attribute) -> bool:
    if isinstance(value, tuple):
        return any(map(_has_name, value))
    return isinstance(value, str) and value not in _WORDS


def _alike(value: Attribute) -> Attribute:
    """One setting when all are equal."""
    return value[0] if isinstance(value, tuple) and value and all(one == value[0] for one in value) else value


def _sizes(value: Attribute, item: Scope) -> Text:
    """``K_H×K_W``; one stands for all dimensions."""
    spatial = int(item.type_name[-2]) if item.type_name[-2:-1].isdigit() else 1
    each = value if isinstance(value, tuple) else (value,) * spatial
    return _setting(each if len(each) > 1 else each[0])


def _setting(value: Attribute) -> Text:
    if isinstance(value, tuple):
        out: Text = ()
        for one in value:
            out = (*out, *(plain("×") if out else ()), *_setting(one))
        return out
    size = parsed(str(value))
    return plain(str(value)) if size is None or size.number is not None else typeset(size)


def count_text(count: object) -> Text:
    """A count that a note gives as a formula."""
    size = parsed(str(count))
    return plain(str(count)) if size is None else typeset(size)


def count_lines(count: object, grows: object = None) -> list[Text]:
    """A count and how it grows, each on a line that is not too long for the space between two tensors."""
    size = parsed(str(count))
    if size is None:
        return [plain(f"{count} params")]
    found: list[Text] = []
    for i, term in enumerate(size.terms):
        line = typeset(Formula((term,)))
        line = (*(_sign("+ ") if i and term[0] > 0 else ()), *line)
        if found and len(text_of(found[-1])) + len(text_of(line)) < LINE:
            found[-1] = (*found[-1], *_sign(" "), *line)
        else:
            found.append(line)
    told = [plain("params"), growth_text(grows)] if grows is not None else [plain("params")]
    for one in told:
        if len(text_of(found[-1])) + len(text_of(one)) < LINE and one is told[0]:
            found[-1] = (*found[-1], *plain(" "), *one)
        else:
            found.append(one)
    return found


def growth_text(grows: object) -> Text:
    """``O(C·F·K²)`` of a note."""
    inside = str(grows).removeprefix("O(").removesuffix(")")
    return (*_sign("O("), *count_text(inside), *_sign(")"))


def equations(graph: Graph, count: object) -> tuple[Text, ...]:
    """What the names stand for, and a count that is too long for the caption."""
    found = [equation(name_text(name), size) for name, size in definitions(graph).items()]
    size = parsed(str(count)) if isinstance(count, str) else None
    if size is not None and len(text_of(typeset(size))) > SHORT:
        found.append(equation((Run("parameters", "math-upright"),), size))
    return tuple(found)


def size_equations(graph: Graph) -> tuple[Text, ...]:
    """What the names of sizes stand for; nothing where no size is defined by others."""
    return equations(graph, None) if any(note.key.startswith(DEFINES) for note in graph.notes) else ()


def equation(left: Text, size: Formula) -> Text:
    """``H′ = ⌊…⌋ + 1``."""
    return (*left, *_sign(" = "), *typeset(size, tall=True))


def lines(words: list[Text], most: int) -> tuple[Text, ...]:
    """The words on lines of at most `most` characters, where they fit."""
    found: list[Text] = []
    for word in words:
        if found and len(text_of(found[-1])) + 2 + len(text_of(word)) <= most:
            found[-1] = (*found[-1], *plain(", "), *word)
        else:
            found.append(word)
    return tuple(found)


def _sign(text: str) -> Text:
    return (Run(text, "math"),)
