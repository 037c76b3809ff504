"""What operators without data give, remembered: a model of many equal layers asks for the same shapes again and again.

On the meta device the result of an operator (type, shape, strides) follows from those of its arguments and from nothing else, and
finding it out takes torch several times as long as recording it. So it is found out once, and made again from what was found.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import _len_torch_dispatch_stack  # type: ignore[attr-defined]

_PLAIN = frozenset({int, float, bool, str, type(None)})
_WORDS = frozenset({torch.dtype, torch.device, torch.layout, torch.memory_format})
_META = torch.device("meta")


class Form(NamedTuple):
    """Of a tensor in memory of its own: all that one without data has."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    stride: tuple[int, ...]


class Shapes:
    """Results by operator and arguments; `known` has ``None`` where a result is not to be made again."""

    __slots__ = ("known",)

    def __init__(self) -> None:
        self.known: dict[tuple[Any, ...], Form | None] = {}

    @staticmethod
    def key(info: Any, args: Sequence[Any], kwargs: dict[str, Any] | None) -> tuple[Any, ...] | None:
        """All that decides the result; ``None`` where something else might."""
        key: list[Any] = [info, torch.get_default_dtype()]
        for value in args if not kwargs else (*args, *kwargs.values()):
            if not _add(key, value):
                return None
        return (*key, *kwargs) if kwargs else tuple(key)

    def remember(self, key: tuple[Any, ...], out: Any, args: Sequence[Any]) -> None:
        """Keep what an operator gave."""
        self.known[key] = _form(out, args)


def again(form: Form) -> Tensor:
    """A tensor like one that was given before."""
    return torch.empty_strided(form.shape, form.stride, dtype=form.dtype, device=_META)


def is_alone() -> bool:
    """Whether no other mode waits for the operators: it would not see those that are not run."""
    return bool(_len_torch_dispatch_stack() == 0)


def _add(key: list[Any], value: Any) -> bool:
    kind = type(value)
    if kind in _PLAIN:
        key.append(kind)  # 1, 1.0 and True are equal, and give other types
        key.append(value)
    elif isinstance(value, Tensor):
        dtype = value.dtype
        if not value.is_meta or dtype.is_complex or value.layout is not torch.strided:  # complex ones may be lazily conjugated
            return False
        key.append(dtype)
        key.append(value.shape)
        key.append(value.stride())
    elif kind is list or kind is tuple:
        key.append(len(value))
        return all(map(_add, itertools.repeat(key), value))
    elif kind in _WORDS:
        key.append(value)
    else:
        return False
    return True


def _form(out: Any, args: Sequence[Any]) -> Form | None:
    if type(out) is not Tensor or not out.is_meta or out.layout is not torch.strided or out.dtype.is_complex:
        return None
    form = Form(out.dtype, tuple(out.shape), out.stride())
    memory = out.untyped_storage()
    shared = any(isinstance(arg, Tensor) and arg.untyped_storage()._cdata == memory._cdata for arg in args)
    if shared or out.storage_offset() or again(form).untyped_storage().nbytes() != memory.nbytes():
        return None
    return form
