"""A second, independent account of what depends on what: taint, byte by byte, on a plain run under a dispatch mode of its own.

Every byte of every storage carries a set of sources (a bit mask). An operator taints what it makes with everything its arguments
carry in the bytes they occupy; a view needs nothing, since its bytes are already tainted; a write taints the bytes it covers.
A storage whose bytes all carry the same set is kept as that one set, so that models of real size can be followed too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn.parameter import UninitializedTensorMixin
from torch.utils._python_dispatch import TorchDispatchMode

from netfig.graph import Graph
from netfig.sources.torch_ports import named_inputs, tensors_in

OVERWRITES = {"copy_", "fill_", "zero_", "uniform_", "normal_", "bernoulli_", "random_", "exponential_"}


def tensors(item: Any) -> list[Tensor]:
    if isinstance(item, Tensor):
        return [item]
    if isinstance(item, (tuple, list)):
        return [t for part in item for t in tensors(part)]
    if isinstance(item, dict):
        return [t for part in item.values() for t in tensors(part)]
    return []


class Memory:
    """The taint of one storage: one set for all of it, or for each byte the number of its set."""

    def __init__(self, storage: Any) -> None:
        self.alive = StorageWeakRef(storage)  # its address is not used again while this lives; its data is not kept
        self.whole: int | None = 0
        self.each = np.zeros(0, np.int32)


class Taint(TorchDispatchMode):
    """Follows sources through a run; a source is a bit of a mask of any width."""

    def __init__(self) -> None:
        super().__init__()
        self.memories: dict[int, Memory] = {}
        self.keep: list[Any] = []
        self.sets: list[int] = [0]
        self.numbers: dict[int, int] = {0: 0}

    def _memory(self, tensor: Tensor) -> Memory:
        storage = tensor.untyped_storage()
        found = self.memories.get(storage._cdata)
        if found is None:
            found = self.memories[storage._cdata] = Memory(storage)
        return found

    def _bytes(self, tensor: Tensor, memory: Memory) -> np.ndarray:
        """The taint of the bytes of a tensor, as a strided view of its storage's."""
        length = tensor.untyped_storage().nbytes()
        if memory.whole is not None:
            memory.each = np.full(length, self._number(memory.whole), np.int32)
            memory.whole = None
        elif len(memory.each) < length:
            memory.each = np.concatenate([memory.each, np.zeros(length - len(memory.each), np.int32)])
        size, item = tensor.element_size(), memory.each.itemsize
        return np.lib.stride_tricks.as_strided(
            memory.each[tensor.storage_offset() * size :],
            (*tensor.shape, size),
            (*(step * size * item for step in tensor.stride()), item),
        )

    def _number(self, sources: int) -> int:
        if sources not in self.numbers:
            self.numbers[sources] = len(self.sets)
            self.sets.append(sources)
        return self.numbers[sources]

    def get(self, tensor: Tensor) -> int:
        if tensor.layout is not torch.strided:
            return self.get(tensor._values()) | self.get(tensor._indices())
        if tensor.numel() == 0:
            return 0
        memory = self._memory(tensor)
        if memory.whole is not None:
            return memory.whole
        found = 0
        for number in np.flatnonzero(np.bincount(self._bytes(tensor, memory).ravel(), minlength=1)):
            found |= self.sets[number]
        return found

    def set(self, tensor: Tensor, sources: int, *, fresh: bool = False) -> None:
        """Taint the bytes of a tensor; all of its storage where it is `fresh`, made by the operator that ran."""
        if tensor.layout is not torch.strided:
            self.set(tensor._values(), sources, fresh=fresh)
            self.set(tensor._indices(), sources, fresh=fresh)
        elif tensor.numel():
            memory = self._memory(tensor)
            if fresh or _fills(tensor):
                memory.whole, memory.each = sources, np.zeros(0, np.int32)
            elif memory.whole != sources:
                self._bytes(tensor, memory)[...] = self._number(sources)

    def _forget(self) -> None:
        """Let go of the bytes of storages that are gone."""
        for memory in self.memories.values():
            if memory.whole is None and memory.alive.expired():
                memory.whole, memory.each = 0, np.zeros(0, np.int32)

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
            if tensor.layout is not torch.strided:
                self.set(tensor, carried)
                self.keep.append(tensor)
            elif tensor.untyped_storage()._cdata not in before:
                self.set(tensor, carried, fresh=tensor.untyped_storage()._cdata not in self.memories)
        if len(self.memories) % 256 == 0:
            self._forget()
        return out


def _fills(tensor: Tensor) -> bool:
    """Whether a tensor has every byte of its storage."""
    if tensor.numel() * tensor.element_size() != tensor.untyped_storage().nbytes():
        return False
    expected = 1
    for step, size in sorted(zip(tensor.stride(), tensor.shape, strict=True)):
        if size > 1:
            if step != expected:
                return False
            expected *= size
    return True


def witnessed(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[list[str], dict[str, int]]:
    """Names of a model's inputs and parameters, and for each output which of them it truly depends on: a bit for each name."""
    taint = Taint()
    sources: dict[int, tuple[Tensor, int]] = {}
    names: list[str] = []
    for name, tensor in (*named_inputs(model.forward, args, kwargs), *model.named_parameters()):
        if not isinstance(tensor, UninitializedTensorMixin):
            _, mask = sources.get(id(tensor), (tensor, 0))
            sources[id(tensor)] = tensor, mask | 1 << len(names)
            names.append(name)
    for tensor, mask in sorted(sources.values(), key=lambda source: source[0].numel()):
        taint.set(tensor, mask)  # bytes of two sources are the larger one's
    with taint:
        out = model(*args, **kwargs)
    return names, {name: taint.get(tensor) for name, tensor in tensors_in(out, "output")}


def dependencies(graph: Graph, names: Sequence[str]) -> dict[str, int]:
    """The same of a graph: for each output the inputs and parameters named that have a path to it."""
    value_of = {name: value.id for value in graph.values if value.kind != "computed" for name in value.names}
    reach: dict[str, int] = {}
    for bit, name in enumerate(names):
        reach[value_of[name]] = reach.get(value_of[name], 0) | 1 << bit
    for op in graph.ops:
        found = 0
        for value in op.reads:
            found |= reach.get(value, 0)
        for out in op.outputs:
            reach[out] = found
    return {port.name: reach.get(port.value, 0) for port in graph.outputs}
