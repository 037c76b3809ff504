"""A copy of a model that can be run without the user noticing: same structure, own containers, shared or meta tensors.

Not ``copy.deepcopy``: no tensor is duplicated. Every module, container, bound method and plain object is copied once (what is
shared stays shared, whatever the depth), every tensor is replaced by what `tensor` makes of it: an alias of the same memory, or a
stand-in without data. Anything that cannot hold a tensor or a module is shared with the original.
"""

from __future__ import annotations

import collections
import copy
import enum
import functools
import itertools
import random
import sys
import types
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedTensorMixin  # type: ignore[attr-defined]

_EMPTY = frozenset({dict, collections.OrderedDict, set, list})
TensorMap = Callable[[Tensor], Tensor]

_ATOMS = frozenset(
    {int, float, complex, bool, str, bytes, type(None), type(Ellipsis), type, range, slice, torch.dtype, torch.device, torch.Size}
    | {torch.layout, torch.memory_format, types.BuiltinFunctionType, types.ModuleType, property}
)


class StructuralCopy:
    """Copies modules, inputs and anything they hold; one instance is one memo, so sharing survives between calls."""

    def __init__(self, tensor: TensorMap) -> None:
        self._tensor = tensor
        self._memo: dict[int, Any] = {}
        self._kept: list[Any] = []  # ids in the memo stay valid while their objects live
        self.lazy = False  # whether a tensor has no size yet

    def __call__(self, original: Any) -> Any:
        """The copy of anything."""
        kind = type(original)
        if kind in _ATOMS:
            return original
        found = self._memo.get(id(original), self)
        if found is not self:
            return found
        handler = _BY_TYPE.get(kind)
        made = self._copy(original, kind) if handler is None else handler(self, original)
        self._memo[id(original)] = made
        self._kept.append(original)
        return made

    def _copy(self, original: Any, kind: type) -> Any:
        if isinstance(original, Tensor):
            return self._copy_tensor(original)
        if isinstance(original, nn.Module):
            return original if isinstance(original, torch.jit.ScriptModule) else self._copy_object(original, kind)
        if isinstance(original, (type, enum.Enum, types.ModuleType, torch.fx.Graph)):
            return original
        if isinstance(original, (dict, list, set)):
            return self._copy_container_subclass(original, kind)
        if isinstance(original, tuple):
            return kind(*map(self, original)) if hasattr(original, "_fields") else tuple(map(self, original))
        if isinstance(original, (torch.Generator, random.Random)):
            return original.clone_state() if isinstance(original, torch.Generator) else copy.deepcopy(original)
        if kind.__module__.startswith("numpy.random"):
            return copy.deepcopy(original)
        if kind.__module__ == "numpy" and hasattr(original, "copy"):
            return original.copy()
        if vars(kind).get("__new__", kind.__new__) is object.__new__ and (hasattr(original, "__dict__") or _slots(kind)):
            return self._copy_object(original, kind)
        return original

    def _copy_tensor(self, original: Tensor) -> Tensor:
        made = self._tensor(original)
        extra = original.__dict__
        if isinstance(original, UninitializedTensorMixin):
            self.lazy = True
        elif extra and made.__dict__ is not extra:
            for key, value in extra.items():
                if not key.startswith("_netfig"):  # what an earlier run wrote on it
                    made.__dict__.setdefault(key, value)
        return made

    def _copy_object(self, original: Any, kind: type) -> Any:
        try:
            made: Any = object.__new__(kind)  # not the class's own: a GraphModule makes a class for itself there
        except TypeError:  # a class laid out in C
            made = kind.__new__(kind)  # type: ignore[call-overload]
        self._memo[id(original)] = made
        state = getattr(made, "__dict__", {})
        for key, value in getattr(original, "__dict__", state).items():
            sort = type(value)
            if sort in _ATOMS:
                state[key] = value
            elif sort in _EMPTY and not value:  # most of a module: its tables of hooks
                state[key] = sort()
            elif sort is tuple and _ATOMS.issuperset(map(type, value)):
                state[key] = value
            else:
                state[key] = self(value)
        for slot in _slots(kind):
            if hasattr(original, slot):
                object.__setattr__(made, slot, self(getattr(original, slot)))
        return made

    def _copy_container_subclass(self, original: Any, kind: type) -> Any:
        made = copy.copy(original)
        self._memo[id(original)] = made
        if isinstance(original, dict):
            for key in original:
                dict.__setitem__(made, key, self(dict.__getitem__(original, key)))
        elif isinstance(original, list):
            list.__setitem__(made, slice(None), [self(item) for item in list.__iter__(original)])
        if hasattr(original, "__dict__") and made.__dict__ is not original.__dict__:
            for key, value in original.__dict__.items():
                made.__dict__[key] = self(value)
        return made

    def _copy_dict(self, original: Any) -> Any:
        made = type(original)()
        if isinstance(original, collections.defaultdict):
            made.default_factory = original.default_factory
        self._memo[id(original)] = made
        for key, value in original.items():
            made[key] = value if type(value) in _ATOMS else self(value)
        return made

    def _copy_list(self, original: list[Any]) -> list[Any]:
        made: list[Any] = []
        self._memo[id(original)] = made
        made.extend(map(self, original))
        return made

    def _copy_tuple(self, original: tuple[Any, ...]) -> tuple[Any, ...]:
        made = tuple(map(self, original))
        return original if all(a is b for a, b in zip(made, original, strict=True)) else made

    def _copy_deque(self, original: collections.deque[Any]) -> collections.deque[Any]:
        return collections.deque(map(self, original), original.maxlen)

    def _copy_method(self, original: types.MethodType) -> types.MethodType:
        return types.MethodType(self(original.__func__), self(original.__self__))

    def _copy_function(self, original: types.FunctionType) -> types.FunctionType:
        """A closure over a module or tensor must see the copy of it."""
        if not original.__closure__:
            return original
        cells = []
        changed = False
        for cell in original.__closure__:
            try:
                content = cell.cell_contents
            except ValueError:  # an empty cell: a name not bound yet
                cells.append(cell)
                continue
            if content is original:
                cells.append(cell)
                continue
            made = self(content)
            changed |= made is not content
            cells.append(cell if made is content else types.CellType(made))
        if not changed:
            return original
        made_function = types.FunctionType(
            original.__code__, original.__globals__, original.__name__, original.__defaults__, tuple(cells)
        )
        made_function.__kwdefaults__ = original.__kwdefaults__
        made_function.__dict__.update(original.__dict__)
        return made_function

    def _copy_partial(self, original: functools.partial[Any]) -> functools.partial[Any]:
        return functools.partial(
            self(original.func), *map(self, original.args), **{k: self(v) for k, v in original.keywords.items()}
        )

    def _copy_namespace(self, original: types.SimpleNamespace) -> types.SimpleNamespace:
        made = types.SimpleNamespace()
        self._memo[id(original)] = made
        for key, value in vars(original).items():
            setattr(made, key, self(value))
        return made

    def _copy_count(self, original: Any) -> Any:
        try:
            return copy.copy(original)
        except TypeError:  # a Python that does not copy iterators
            return original

    def _copy_proxy(self, original: Any) -> Any:
        try:
            target = original.__getattribute__.__self__  # a proxy hands this on to what it stands for
        except ReferenceError:
            return original
        made = self(target)
        return original if made is target else weakref.proxy(made)

    def _copy_weakref(self, original: weakref.ref[Any]) -> weakref.ref[Any]:
        target = original()
        made = self(target) if target is not None else None
        return original if made is target or made is None else weakref.ref(made)


_BY_TYPE: dict[type, Callable[[StructuralCopy, Any], Any]] = {
    dict: StructuralCopy._copy_dict,
    collections.OrderedDict: StructuralCopy._copy_dict,
    collections.defaultdict: StructuralCopy._copy_dict,
    list: StructuralCopy._copy_list,
    tuple: StructuralCopy._copy_tuple,
    Tensor: StructuralCopy._copy_tensor,
    nn.Parameter: StructuralCopy._copy_tensor,
    set: lambda _, original: set(original),
    collections.deque: StructuralCopy._copy_deque,
    types.MethodType: StructuralCopy._copy_method,
    types.FunctionType: StructuralCopy._copy_function,
    functools.partial: StructuralCopy._copy_partial,
    weakref.ReferenceType: StructuralCopy._copy_weakref,
    **dict.fromkeys(weakref.ProxyTypes, StructuralCopy._copy_proxy),
    types.SimpleNamespace: StructuralCopy._copy_namespace,
    itertools.count: StructuralCopy._copy_count,
    bytearray: lambda _, original: bytearray(original),
}


@functools.cache
def _slots(kind: type) -> tuple[str, ...]:
    """The attributes of a class that are not in its instances' ``__dict__``."""
    found: list[str] = []
    for base in kind.__mro__:
        slots = base.__dict__.get("__slots__", ())
        for slot in [slots] if isinstance(slots, str) else slots:
            private = slot.startswith("__") and not slot.endswith("__")
            found.append(f"_{base.__name__.lstrip('_')}{slot}" if private else slot)
    return tuple(slot for slot in found if slot not in {"__dict__", "__weakref__"})


def alias(original: Tensor) -> Tensor:
    """The same memory behind a tensor object of our own: attributes, gradients and version counters stay apart."""
    kind = type(original)
    if kind is Tensor:
        made = original.data
        return made.requires_grad_() if original.requires_grad else made
    if kind is nn.Parameter:
        return Tensor._make_subclass(nn.Parameter, original.data, original.requires_grad)
    if isinstance(original, UninitializedTensorMixin):
        return _uninitialized(original, original.device)
    if isinstance(original, nn.Buffer):
        return nn.Buffer(original.data, persistent=original.persistent)
    return original  # a subclass with its own rules: the user's object itself, its memory under the journal


class ToMeta:
    """Replaces a tensor by one of the same type, shape and strides without data; views of one storage stay views of one."""

    def __init__(self) -> None:
        self._storages: dict[int, torch.UntypedStorage] = {}

    def __call__(self, original: Tensor) -> Tensor:
        """The stand-in of a tensor."""
        if original.is_meta:
            return alias(original)
        if isinstance(original, UninitializedTensorMixin):
            return _uninitialized(original, torch.device("meta"))
        if original.layout != torch.strided or original.is_quantized or original.is_nested:
            raise NotImplementedError(f"a {original.layout} tensor has no stand-in on the meta device")
        kind = type(original)
        if kind not in {Tensor, nn.Parameter} and not isinstance(original, nn.Buffer):
            raise NotImplementedError(f"a {kind.__name__} has no stand-in on the meta device")
        made = self._stand_in(original)
        if kind is nn.Parameter:
            return nn.Parameter(made, original.requires_grad)
        if kind is not Tensor:
            return nn.Buffer(made, persistent=original.persistent)  # type: ignore[attr-defined]
        return made.requires_grad_() if original.requires_grad else made

    def _stand_in(self, original: Tensor) -> Tensor:
        storage = original.untyped_storage()
        key = storage._cdata
        shared = self._storages.get(key)
        if shared is None:
            made = torch.empty_strided(original.shape, original.stride(), dtype=original.dtype, device="meta")
            if storage.nbytes() == made.untyped_storage().nbytes() and original.storage_offset() == 0:
                self._storages[key] = made.untyped_storage()
                return made
            shared = self._storages[key] = torch.UntypedStorage(storage.nbytes(), device="meta")  # type: ignore[no-untyped-call]
        made = torch.empty(0, dtype=original.dtype, device="meta")
        return made.set_(shared, original.storage_offset(), original.shape, original.stride())


class CloneMemory:
    """Replaces a tensor by a copy with the same data; views of one storage become views of one copy of it."""

    def __init__(self) -> None:
        self._storages: dict[int, torch.UntypedStorage] = {}

    def __call__(self, original: Tensor) -> Tensor:
        """The copy of a tensor."""
        kind = type(original)
        if kind not in {Tensor, nn.Parameter} or original.layout is not torch.strided or original.is_quantized:
            return copy.deepcopy(original)
        storage = original.untyped_storage()
        shared = self._storages.get(storage._cdata)
        if shared is None:
            shared = self._storages[storage._cdata] = storage.clone()  # type: ignore[no-untyped-call]
        made = torch.empty(0, dtype=original.dtype, device=original.device)
        made.set_(shared, original.storage_offset(), original.shape, original.stride())
        if kind is nn.Parameter:
            return nn.Parameter(made, original.requires_grad)
        return made.requires_grad_() if original.requires_grad else made


def _uninitialized(original: Any, device: torch.device) -> Tensor:
    made = type(original)(original.requires_grad, device=device, dtype=original.dtype)
    assert isinstance(made, Tensor)
    return made


def modules_with_paths(root: nn.Module, limit: int = 8) -> Iterator[tuple[str, nn.Module]]:
    """Every module with each of its dotted paths, parents first; a module shared in very many places gives its first few."""
    seen: dict[int, int] = {}
    waiting: list[tuple[str, nn.Module]] = [("", root)]
    while waiting:
        path, module = waiting.pop()
        count = seen[id(module)] = seen.get(id(module), 0) + 1
        if count > limit:
            continue
        yield path, module
        if module._modules:
            prefix = f"{path}." if path else ""
            children = [(prefix + name, child) for name, child in module._modules.items() if child is not None]
            waiting.extend(reversed(children))


class RandomState:
    """The state of every random generator a forward can reach, to be put back."""

    def __init__(self) -> None:
        self._torch = torch.get_rng_state()
        self._cuda = torch.cuda.get_rng_state_all() if torch.cuda.is_available() else None
        self._python = random.getstate()
        numpy = sys.modules.get("numpy")
        self._numpy = numpy.random.get_state() if numpy is not None else None

    def restore(self) -> None:
        """Puts every generator back."""
        torch.set_rng_state(self._torch)
        if self._cuda is not None:
            torch.cuda.set_rng_state_all(self._cuda)
        random.setstate(self._python)
        if self._numpy is not None:
            sys.modules["numpy"].random.set_state(self._numpy)
