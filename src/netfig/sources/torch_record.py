"""The log of one run of a model: light tuples, turned into a Graph afterwards.

No tensor that the model computes is kept alive: each carries its number in its own ``__dict__``.
"""

from __future__ import annotations

import dataclasses
import itertools
import sys
from typing import Any, NamedTuple
from weakref import ref as _ref

import torch
from torch import Tensor
from torch._C._functorch import get_unwrapped, is_functorch_wrapped_tensor
from torch.autograd import forward_ad
from torch.utils._python_dispatch import _disable_current_modes

from netfig.sources.torch_ops import FACTS, OpInfo, op_info
from netfig.sources.torch_shapes import Form, Shapes, again

OP, ENTER, EXIT, SPAN, LEAF = 0, 1, 2, 3, 4
"""Kinds of log entries.

``OP, info, arguments, keyword arguments, result``: an operator ran. ``ENTER, module, numbers`` and ``EXIT, module, numbers``:
a module was called and came back. ``SPAN, function, start, numbers``: the entries from `start` to here were made by one
Python-level function. ``LEAF, module, function, number, result, end``: a module called with one tensor that was one call of one
function; its entries are those up to `end`. Where a call failed its result is ``None``.
"""

_RUNS = itertools.count(1)


class Number(int):
    """The number of a tensor object in this run; its type tells it from an integer argument."""

    __slots__ = ()


Seen = tuple[torch.dtype, tuple[int, ...], tuple[int, ...] | None, int, int]
"""What is known of a numbered tensor: dtype, shape, strides (``None`` when it is not strided), offset, number of its memory.

Memory that was there before the run has a negative number, memory of the run the number of the tensor that first had it.
"""


class External(NamedTuple):
    """A tensor that was there before the run (or came from outside torch): what it is and what it is called."""

    kind: str
    names: tuple[str, ...]


class Recorder:
    """The log of one run and the numbers of its tensors."""

    def __init__(self, *, keep_constants: bool = False, remember: bool = False) -> None:
        self.mark = sys.intern(f"_netfig{next(_RUNS)}")  # of this run: what another one wrote on a tensor says nothing here
        self.log: list[tuple[Any, ...]] = []
        self.seen: list[Seen] = [(torch.float32, (), None, 0, 0)]  # number 0 is nobody's: a number is always true
        self.external: dict[int, External] = {}  # by number
        self.constants: dict[int, Tensor] = {}
        self.contents: dict[int, tuple[Any, ...]] = {}
        self.dynamic: dict[int, str] = {}  # log position → where in the user's code
        self.failed: tuple[BaseException, int, str] | None = None
        self.failing: tuple[BaseException, Any] | None = None
        self.raised = False  # whether an operator or function of torch raised, even if the model took no notice
        self.made: list[_ref[Tensor]] | None = [] if remember else None  # of a run without data, to find what it leaves behind
        self.looked = False  # whether the model asked where a tensor lives
        self.missed_data = False  # whether something failed because it needs the content of a tensor
        self.inside = 0  # torch functions under way: the function mode is off within them
        self.leaf = False  # whether a module that is one call of one function is under way
        self.paused = False
        self.shapes: Shapes | None = None  # of a run on the meta device
        self._keep_constants = keep_constants
        self._storages = itertools.count(1)
        self._known: dict[int, Number] = {}  # by id, of tensors that are not ours to mark
        self._adopted: dict[int, Tensor] = {}
        self._by_memory: dict[int, int] = {}
        self._versions: list[tuple[Tensor, int]] = []
        self._protected: dict[int, Tensor] = {}
        self._backups: dict[int, tuple[Tensor, Tensor]] = {}

    # numbers

    def adopt(self, tensor: Tensor, kind: str, names: tuple[str, ...], *, mark: bool = True) -> Number:
        """Number a tensor that exists before the run; `mark` writes the number on it (it is ours, or known to be harmless)."""
        state = tensor.__dict__
        known = state.get(self.mark) or self._known.get(id(tensor))
        if known is not None:
            before = self.external[known]
            self.external[known] = External(before.kind, (*before.names, *(n for n in names if n not in before.names)))
            return known
        storage = self._memory(tensor)
        number = self._describe(tensor, storage)
        self.external[number] = External(kind, names)
        self._protected.setdefault(storage, tensor)
        self._adopted[number] = tensor
        if mark:
            state[self.mark] = number
            if self.made is not None:
                self.made.append(_ref(tensor))
        else:
            self._known[id(tensor)] = number
            if not tensor.is_inference():
                self._versions.append((tensor, tensor._version))
        return number

    def number_of(self, tensor: Tensor) -> Number | None:
        """The number of a tensor, if it has one in this run."""
        found: Number | None = tensor.__dict__.get(self.mark)
        return self._known.get(id(tensor)) if found is None else found

    def tensor(self, number: int) -> Tensor:
        """The tensor of a number given by `adopt`."""
        return self._adopted[number]

    def meet(self, tensor: Tensor) -> Number:
        """Number a tensor that appears without having been made by an operator we saw."""
        known = self._known.get(id(tensor))
        if known is not None:
            return known
        if is_functorch_wrapped_tensor(tensor):  # inside vmap, grad, jvp: operators see what is inside
            inner = tensor
            while is_functorch_wrapped_tensor(inner):
                inner = get_unwrapped(inner)
            return inner.__dict__.get(self.mark) or self.meet(inner)
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            base = tensor._base if tensor._is_view() else None
            if base is not None and (of := self.number_of(base)) is not None:
                number = self._describe(tensor, self.seen[of][4])
                self.log.append((OP, op_info(torch.ops.aten.alias.default), (of,), None, number))
                tensor.__dict__[self.mark] = number
                return number
            number = self.adopt(tensor, "constant", (), mark=False)
            if tensor.numel() <= _FEW and type(tensor) is Tensor and tensor.device.type == "cpu" and tensor.dtype in _NUMBERS:
                self.contents[number] = tuple(tensor.detach().reshape(-1).tolist())
            if self._keep_constants:
                self.constants[number] = tensor.detach().clone()
        return number

    def _memory(self, tensor: Tensor) -> int:
        try:
            key = tensor.untyped_storage()._cdata
        except (NotImplementedError, RuntimeError):  # sparse, wrapped: no storage
            return -next(self._storages)
        found = self._by_memory.get(key)
        if found is None:
            found = self._by_memory[key] = -next(self._storages)
        return found

    def _describe(self, tensor: Tensor, storage: int | None) -> Number:
        seen = self.seen
        number = Number(len(seen))
        try:
            if storage is None:
                seen.append((tensor.dtype, tensor.shape, tensor.stride(), 0, number))
            else:
                seen.append((tensor.dtype, tensor.shape, tensor.stride(), int(tensor.storage_offset()), storage))
        except (RuntimeError, NotImplementedError):  # sparse, nested: no strides
            shape = tuple(tensor.shape) if not tensor.is_nested else ()
            seen.append((tensor.dtype, shape, None, 0, number if storage is None else storage))
        return number

    def _new_of(self, form: Form, tensor: Tensor) -> Number:
        number = tensor.__dict__[self.mark] = Number(len(self.seen))
        self.seen.append((*form, 0, number))
        if self.made is not None:
            self.made.append(_ref(tensor))
        return number

    def _new(self, tensor: Tensor, storage: int | None) -> Number:
        number = tensor.__dict__[self.mark] = self._describe(tensor, storage)
        if self.made is not None:
            self.made.append(_ref(tensor))
        return number

    def renumber(self, tensor: Tensor, storage: int | None) -> Number:
        """A new number for a tensor object that has become another tensor; `storage` as ``None`` is memory of its own."""
        self._known.pop(id(tensor), None)
        return self._new(tensor, storage)

    # ops

    def record(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Run one operator and log it."""
        info = FACTS.get(id(func)) or op_info(func)
        if info.question:
            return func(*args, **kwargs)
        mark = self.mark
        encoded = list(args)
        given = len(encoded)
        for place in info.tensors:
            if place >= given:
                break
            value = encoded[place]
            if isinstance(value, Tensor):
                encoded[place] = value.__dict__.get(mark) or self.meet(value)
            elif value is not None:
                encoded[place] = self._encode(value)
        encoded_kwargs = {k: self._encode(v) for k, v in kwargs.items()} if kwargs else None
        made: Any
        if info.writes and (info.when is None or given <= info.when or encoded[info.when]):
            for _, written in info.written(encoded, encoded_kwargs or {}):
                self._protect(written)
        shapes = self.shapes
        key = shapes.key(info, args, kwargs) if shapes is not None and info.by_shape else None
        if shapes is not None and key is not None:
            form = shapes.known.get(key)
            if type(form) is Form:
                out = again(form)
                self.log.append((OP, info, encoded, encoded_kwargs, self._new_of(form, out)))
                return out
        try:
            out = info.run(*args, **kwargs) if kwargs else info.run(*args)
        except Exception:
            self.raised = True
            self.missed_data |= info.dynamic
            raise
        if shapes is not None and key is not None and key not in shapes.known:
            shapes.remember(key, out, args)
        if info.statistics and self.leaf and not torch.is_grad_enabled() and forward_ad._current_level < 0:
            made = self._new(out[0], None)  # the function hands back no more: nobody can read the statistics
        elif info.fresh:
            if type(out) is Tensor:
                made = out.__dict__[mark] = self._describe(out, None)
                if self.made is not None:
                    self.made.append(_ref(out))
            else:
                made = self._number_outputs(out, None)
        elif info.renames or info.lift:
            made = self._after_renaming(info, out, args)
        elif info.writes:
            made = encoded[0] if args and out is args[0] else self._number_outputs(out, None)
        else:
            of = encoded[0] if args and type(encoded[0]) is Number else self._first(encoded, encoded_kwargs)
            made = self._number_outputs(out, None if of is None else self.seen[of][4])
        if info.dynamic:
            self.dynamic[len(self.log)] = _user_line()
        self.log.append((OP, info, encoded, encoded_kwargs, made))
        return out

    def _first(self, encoded: list[Any], encoded_kwargs: dict[str, Any] | None) -> Number | None:
        return next((a for a in (*encoded, *(encoded_kwargs or {}).values()) if type(a) is Number), None)

    def _encode(self, value: Any) -> Any:
        if type(value) in _LISTS:
            return list(value) if PLAIN.issuperset(map(type, value)) else [self._encode(item) for item in value]
        if isinstance(value, Tensor):
            return value.__dict__.get(self.mark) or self.meet(value)
        return value

    def _number_outputs(self, out: Any, storage: int | None) -> Any:
        if isinstance(out, Tensor):
            return out.__dict__.get(self.mark) or self._known.get(id(out)) or self._new(out, storage)
        if isinstance(out, (tuple, list)):
            return [self._number_outputs(item, storage) for item in out]
        return None

    def _after_renaming(self, info: OpInfo, out: Any, args: tuple[Any, ...]) -> Any:
        """Number what an operator hands back that makes a tensor object another tensor, or announces a constant."""
        changed = args[0]
        if not info.renames:
            of = None if out is changed else self.number_of(changed)
            return self._number_outputs(out, None if of is None else self.seen[of][4])
        source = args[1] if len(args) > 1 and isinstance(args[1], Tensor) else None
        of = self.number_of(source if source is not None else changed)
        storage = self.seen[of][4] if of is not None else None
        if info.name == "set_" and source is None:
            storage = self._memory(changed)
        return self.renumber(changed, storage)

    # memory that belongs to the user

    def _protect(self, value: Any) -> None:
        """Before the first write to memory that was there before the run: keep its content."""
        for number in value if type(value) is list else (value,):
            if type(number) is Number and (storage := self.seen[number][4]) in self._protected:
                self.back_up(storage)

    def back_up(self, storage: int) -> None:
        """Keep the content of a storage of the user's, once."""
        if storage in self._backups:
            return
        owner = self._protected[storage]
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            if owner.is_meta or type(owner).__name__ == "FakeTensor":
                return
            whole = owner.detach()
            if owner.layout is torch.strided:
                flat = torch.empty(0, dtype=torch.uint8, device=owner.device)
                whole = flat.set_(owner.untyped_storage(), 0, (owner.untyped_storage().nbytes(),), (1,))
            self._backups[storage] = (whole, whole.clone())

    def restore(self) -> None:
        """Put back everything that was written over, bit for bit."""
        for whole, content in self._backups.values():
            if whole.layout is torch.strided:
                whole.copy_(content)
        if self._backups:
            tensors, versions = zip(*self._versions, strict=True) if self._versions else ((), ())
            torch._C._autograd._unsafe_set_version_counter(tensors, versions)
        self._backups.clear()

    def written_externals(self) -> dict[int, Tensor]:
        """The tensors, by number, whose memory the run wrote to: as they are now. One that was given other memory is left out."""
        adopted = self._adopted.items()
        return {n: t for n, t in adopted if self.seen[n][4] in self._backups and self.number_of(t) == n}

    def keep_content(self, tensor: Tensor, numbers: Any) -> None:
        """Remember the numbers that a small tensor without data was made of, if they are plain ones."""
        if tensor.numel() > _FEW or tensor.dtype not in _NUMBERS or not tensor.is_meta or not _are_numbers(numbers):
            return
        number = self.meet(tensor)
        with _disable_current_modes(), torch._C.DisableTorchFunction():
            self.contents[number] = tuple(torch.tensor(numbers, dtype=tensor.dtype, device="cpu").reshape(-1).tolist())

    # modules

    def numbers_in(self, structure: Any, depth: int = 0) -> list[Number]:
        """The tensors in arguments or results of a module call, in order."""
        found: list[Number] = []
        self._gather(structure, found, depth)
        return found

    def _gather(self, item: Any, found: list[Number], depth: int) -> None:
        if isinstance(item, Tensor):
            found.append(item.__dict__.get(self.mark) or self.meet(item))
        elif isinstance(item, (tuple, list)):
            for part in item:
                if part.__class__ not in PLAIN:
                    self._gather(part, found, depth + 1)
        elif isinstance(item, dict):
            for part in item.values():
                if part.__class__ not in PLAIN:
                    self._gather(part, found, depth + 1)
        elif dataclasses.is_dataclass(item) and not isinstance(item, type) and depth < 8:
            for field in dataclasses.fields(item):
                self._gather(getattr(item, field.name, None), found, depth + 1)


_FEW = 8
"""Elements of a constant whose content is kept."""
_NUMBERS = frozenset({torch.float32, torch.float64, torch.int64, torch.int32, torch.bool})
_LISTS = frozenset({list, tuple})
PLAIN = frozenset({int, float, str, bool, type(None)})
"""Types of arguments that hold no tensor."""


def _are_numbers(given: Any) -> bool:
    if type(given) in _LISTS:
        return all(map(_are_numbers, given))
    return type(given) in {int, float, bool}


def _user_line() -> str:
    """The line of the model's code that is running: ``forward (net.py line 12)``."""
    frame = sys._getframe(1)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if not module.startswith(("torch.", "netfig.")) and module != "torch":
            file = frame.f_code.co_filename.replace("\\", "/").rsplit("/", 1)[-1]
            return f"{frame.f_code.co_name} ({file} line {frame.f_lineno})"
        frame = frame.f_back  # type: ignore[assignment]
    return ""
