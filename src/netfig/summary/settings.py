"""The settings of a layer in few characters: ``3→16 k3 s1 p1``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.graph.formula_text import pretty_size

if TYPE_CHECKING:
    from netfig.graph import Attribute, Op, Scope

_PAIRS: Final = (
    ("in_channels", "out_channels"),
    ("in_features", "out_features"),
    ("input_size", "hidden_size"),
    ("num_embeddings", "embedding_dim"),
)
_LETTERS: Final = {"kernel_size": "k", "stride": "s", "padding": "p", "output_padding": "op", "dilation": "d", "groups": "g"}
_ALONE: Final = frozenset(
    ("num_features", "num_channels", "normalized_shape", "embed_dim", "output_size", "d_model", "p", "dim", "start_dim", "axis")
)
_PLAIN: Final[dict[str, tuple[Attribute, ...]]] = {
    "stride": (1,),
    "padding": (0,),
    "output_padding": (0,),
    "dilation": (1,),
    "groups": (1,),
    "bias": (True,),
    "padding_mode": ("zeros",),
    "start_dim": (1,),
    "num_layers": (1,),
    "negative_slope": (0.01,),
}
_WORDS: Final = (
    "num_heads",
    "num_layers",
    "num_groups",
    "bidirectional",
    "dropout",
    "padding_mode",
    "scale_factor",
    "mode",
    "dim",
)
_MOST: Final = 48


def settings_text(item: Scope | Op) -> str:
    """Sizes in and out, then what differs from the usual."""
    given = {key: value for key, value in item.attributes if value is not None and value != ()}
    if "hidden_size" in given:
        given.pop("mode", None)  # LSTM, GRU: the type says it
    parts = []
    for first, second in _PAIRS:
        if first in given and second in given:
            parts.append(f"{_number(given.pop(first))}→{_number(given.pop(second))}")
    for key in tuple(given):
        value = _one(given[key])
        if key in _LETTERS:
            if value not in _PLAIN.get(key, ()):
                parts.append(_LETTERS[key] + ("=" if _is_named(value) else "") + _number(value))
        elif key == "bias" and value is False:
            parts.append("no bias")
        elif key in _ALONE and value not in _PLAIN.get(key, ()) and type(value) is not bool:
            parts.append(f"{key}={_number(value)}" if key in ("dim", "p", "axis", "start_dim") else _number(value))
        elif key in _WORDS and value not in _PLAIN.get(key, ()) and value not in (False, 0.0, "zeros"):
            parts.append(key if value is True else f"{key}={_number(value)}")
    text = " ".join(parts)
    return text if len(text) <= _MOST else text[: _MOST - 1] + "…"


def _one(value: Attribute) -> Attribute:
    """``(3, 3)`` is 3."""
    if isinstance(value, tuple) and value and all(v == value[0] for v in value):
        return value[0]
    return value


def _is_named(value: Attribute) -> bool:
    """Whether it is a size that is a name, or holds one, and no word such as ``same``."""
    if isinstance(value, tuple):
        return any(map(_is_named, value))
    return isinstance(value, str) and value not in ("same", "valid")


def _number(value: Attribute) -> str:
    if isinstance(value, tuple):
        return "×".join(map(_number, value))
    if _is_named(value):
        return pretty_size(str(value))
    return f"{value:g}" if isinstance(value, float) else str(value)
