"""A second, independent account of what depends on what: taint, byte by byte, on a plain run under a dispatch mode of its own.

Every byte of every storage carries a set of sources (a bit mask). An operator taints what it makes with everything its arguments
carry in the bytes they occupy; a view needs nothing, since its bytes are already tainted; a write taints the bytes it covers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

OVERWRITES = {"copy_", "fill_", "zero_", "uniform_", "normal_", "bernoulli_", "random_", "exponential_"}


def tensors(item: Any) -> list[Tensor]:
    if isinstance(item, Tensor):
        return [item]
    if isinstance(item, (tuple, list)):
        return [t for part in item for t in tensors(part)]
    if isinstance(item, dict):
        return [t for part in item.values() for t in tensors(part)]
    return []


class Taint(TorchDispatchMode):
    """Follows sources through a run; `keep` holds every tensor so that no storage is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.masks: dict[int, np.ndarray] = {}
        self.keep: list[Any] = []

    def _bytes(self, tensor: Tensor) -> np.ndarray:
        """The taint of the bytes of a tensor, as a strided view of its storage's."""
        size = tensor.element_size()
        mask = self.mask(tensor)
        return np.lib.stride_tricks.as_strided(
            mask[tensor.storage_offset() * size :],
            (*tensor.shape, size),
            (*(step * size * mask.itemsize for step in tensor.stride()), mask.itemsize),
        )

    def mask(self, tensor: Tensor) -> np.ndarray:
        storage = tensor.untyped_storage()
        key = storage._cdata
        if key not in self.masks or len(self.masks[key]) < storage.nbytes():
            old = self.masks.get(key, np.zeros(0, np.int64))
            self.masks[key] = np.concatenate([old, np.zeros(storage.nbytes() - len(old) + 16, np.int64)])
            self.keep.append((storage, tensor))
        return self.masks[key]

    def get(self, tensor: Tensor) -> int:
        if tensor.layout is not torch.strided:
            return self.get(tensor._values()) | self.get(tensor._indices())
        if tensor.numel() == 0:
            return 0
        return int(np.bitwise_or.reduce(self._bytes(tensor), axis=None))

    def set(self, tensor: Tensor, sources: int) -> None:
        if tensor.layout is not torch.strided:
            self.set(tensor._values(), sources)
            self.set(tensor._indices(), sources)
        elif tensor.numel():
            self._bytes(tensor)[...] = sources

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        arguments = func._schema.arguments
        given = {a.name: v for a, v in zip(arguments, args, strict=False)} | kwargs
        written = {a.name for a in arguments if a.alias_info is not None and a.alias_info.is_write and a.name in given}
        if "batch_norm" in str(func) and given.get("training"):
            written |= {"running_mean", "running_var"} & given.keys()
        name = func._schema.name.split("::")[-1]
        blind = {"out", "self"} & written if name in OVERWRITES else {"out"} & written
        if name.endswith("_like") or name.startswith("new_"):
            blind = blind | {"self"}  # asked for its shape only
        carried = 0
        for key, value in given.items():
            if key not in blind:
                for tensor in tensors(value):
                    carried |= self.get(tensor)
        before = {t.untyped_storage()._cdata for t in tensors([*args, *kwargs.values()]) if t.layout is torch.strided}
        out = func(*args, **kwargs)
        for key in written:
            for tensor in tensors(given[key]):
                self.set(tensor, carried)
        for tensor in tensors(out):
            if tensor.layout is not torch.strided or tensor.untyped_storage()._cdata not in before:
                self.set(tensor, carried)
        self.keep.append(out)
        return out
