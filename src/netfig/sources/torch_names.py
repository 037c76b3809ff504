"""What ops are called and how their other arguments are written down."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import nn

from netfig.graph import Attribute, Attributes

_WORDS = {
    "truediv": "div",
    "itruediv": "div",
    "rtruediv": "div",
    "rdiv": "div",
    "idiv": "div",
    "floordiv": "floor_divide",
    "ifloordiv": "floor_divide",
    "rfloordiv": "floor_divide",
    "radd": "add",
    "iadd": "add",
    "rsub": "sub",
    "isub": "sub",
    "rmul": "mul",
    "imul": "mul",
    "rpow": "pow",
    "ipow": "pow",
    "rmatmul": "matmul",
    "imatmul": "matmul",
    "mod": "remainder",
    "imod": "remainder",
    "rmod": "remainder",
    "and": "bitwise_and",
    "iand": "bitwise_and",
    "or": "bitwise_or",
    "ior": "bitwise_or",
    "xor": "bitwise_xor",
    "invert": "bitwise_not",
    "subtract": "sub",
    "multiply": "mul",
    "divide": "div",
}
_ATEN = {
    "_softmax": "softmax",
    "_log_softmax": "log_softmax",
    "_safe_softmax": "softmax",
    "native_layer_norm": "layer_norm",
    "native_batch_norm": "batch_norm",
    "native_group_norm": "group_norm",
    "native_dropout": "dropout",
    "max_pool2d_with_indices": "max_pool2d",
    "_unsafe_view": "view",
    "_to_copy": "to",
    "_adaptive_avg_pool2d": "adaptive_avg_pool2d",
    "_scaled_dot_product_flash_attention_for_cpu": "scaled_dot_product_attention",
    "_scaled_dot_product_flash_attention": "scaled_dot_product_attention",
    "_scaled_dot_product_efficient_attention": "scaled_dot_product_attention",
    "_local_scalar_dense": "item",
    "unsafe_split": "split",
}
_UNNAMED = frozenset({"getset_descriptor", "__get__", "__set__", "apply", "wrapper"})
_FUNCTION_NAMES: dict[Any, str] = {}


def function_name(function: Any) -> str:
    """The word for a Python-level torch function: ``add`` for ``+``, ``getitem`` for ``x[i]``, ``relu`` for ``relu_``."""
    found = _FUNCTION_NAMES.get(function)
    if found is None:
        name = getattr(function, "__name__", "") or type(function).__name__
        if name in {"__get__", "__set__"}:
            owner = getattr(function, "__self__", None)
            name = getattr(owner, "__name__", "") or "get"
        if len(_FUNCTION_NAMES) < 10_000:
            found = _FUNCTION_NAMES[function] = plain_name(name)
        else:
            found = plain_name(name)
    return found


def plain_name(name: str) -> str:
    """A Python or operator name without underscores around it, in the word people use."""
    name = _ATEN.get(name, name)
    if name.startswith("__") and name.endswith("__"):
        word = name.strip("_")
        return _WORDS.get(word, word)
    if name.endswith("_") and len(name) > 1:
        name = name[:-1]
    name = name.lstrip("_") or name
    return _WORDS.get(name, name)


def literal(value: Any) -> Attribute:
    """An argument that is not a tensor, as an attribute: ``float32`` for a dtype, ``meta`` for a device."""
    kind = type(value)
    if kind in _LITERAL:
        return value  # type: ignore[no-any-return]
    if kind in {list, tuple} or isinstance(value, torch.Size):
        return tuple([literal(item) for item in value])
    if isinstance(value, (torch.dtype, torch.layout, torch.memory_format)):
        return str(value).removeprefix("torch.")
    if isinstance(value, torch.SymInt):
        return int(value)
    if isinstance(value, (torch.device, complex)):
        return str(value)
    for plain in (bool, int, float, str):
        if isinstance(value, plain):
            return plain(value)
    return kind.__name__


_LITERAL = frozenset({bool, int, float, str, type(None)})
_SEQUENCES = frozenset({tuple, list, torch.Size})
_SETTING_NAMES: dict[type, tuple[str, ...]] = {}


def settings(module: nn.Module) -> Attributes:
    """The constructor settings that a module keeps under the constructor's own names, as simple literals."""
    names = _SETTING_NAMES.get(type(module))
    if names is None:
        names = _SETTING_NAMES[type(module)] = _constructor_names(type(module))
    found: list[tuple[str, Attribute]] = []
    state = module.__dict__
    for name in names:
        if name in state:
            value = state[name]
            if value is not None and type(value) in _LITERAL:
                found.append((name, value))
            elif (simple := _simple(value)) is not None:
                found.append((name, simple[0]))
        elif name in state["_parameters"]:
            found.append((name, state["_parameters"][name] is not None))
        elif isinstance(getattr(type(module), name, None), (bool, int, float, str)):
            found.append((name, getattr(type(module), name)))
    return tuple(found)


def _constructor_names(kind: type) -> tuple[str, ...]:
    names: dict[str, None] = {}
    for base in kind.__mro__:
        if base is nn.Module or base is object:
            break
        init = base.__dict__.get("__init__")
        if init is None:
            continue
        try:
            parameters = inspect.signature(init).parameters.values()
        except (TypeError, ValueError):
            break
        names.update(dict.fromkeys(p.name for p in parameters if p.kind in {p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY}))
        if not any(p.kind in {p.VAR_KEYWORD, p.VAR_POSITIONAL} for p in parameters):
            break
    for name in ("self", "device", "dtype"):
        names.pop(name, None)
    return tuple(names)


def _simple(value: Any) -> tuple[Attribute] | None:
    """The value in a one-tuple when people can read it, ``None`` when it is not a simple literal."""
    if isinstance(value, torch.dtype):
        return (literal(value),)
    if type(value) in _SEQUENCES and len(value) <= 8 and _LITERAL.issuperset(map(type, value)):
        return (tuple(value),)
    return None
