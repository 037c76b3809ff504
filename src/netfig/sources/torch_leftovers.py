"""Takes back what a run without data left outside of the model's copy: in a cache of a function, a module or a class.

A model may keep a mask in ``functools.lru_cache`` or in a dict of its module. Filled by a run on the meta device, such a cache
would later hand the user's own model a tensor without data.
"""

from __future__ import annotations

import collections
import functools
import gc
import sys
import types
import weakref
from collections.abc import Iterable
from typing import Any

_DEEPEST = 4
"""Containers within containers that are looked at."""
_CONTAINERS = (tuple, frozenset, list, set, dict, collections.deque)


def take_back(made: Iterable[weakref.ref[Any]]) -> int:
    """Remove from the caches that hold them the tensors still alive; how many are still alive after that.

    To be called when nothing of the run itself is needed any more.
    """
    refs = [ref for ref in made if (tensor := ref()) is not None and (tensor.is_meta or type(tensor).__name__ == "FakeTensor")]
    tensor = None
    if not refs:
        return 0
    gc.collect(0)  # a copy of a model with cycles: nothing was collected during the run, so all of it is young
    targets: list[Any] = [tensor for ref in refs if (tensor := ref()) is not None]
    if not targets:
        return 0
    ours = {id(targets), id(sys._getframe())}
    for _ in range(_DEEPEST):
        if not targets:
            break
        targets = _release(targets, ours)
        ours.add(id(targets))
    del targets
    gc.collect(0)
    return sum(ref() is not None for ref in refs)


def _release(targets: list[Any], ours: set[int]) -> list[Any]:
    """Remove the targets from what holds them; what cannot be changed must be removed itself, and is handed back."""
    wanted = {id(target) for target in targets}
    ours.add(id(sys._getframe()))
    outer: list[Any] = []
    for holder in gc.get_referrers(*targets):
        if id(holder) in ours or holder is targets or isinstance(holder, types.FrameType):
            continue
        if isinstance(holder, functools._lru_cache_wrapper):
            holder.cache_clear()
        elif isinstance(holder, dict):
            _release_dict(holder, wanted)
        elif isinstance(holder, (list, collections.deque)):
            kept = [item for item in holder if id(item) not in wanted]
            if not kept and _is_entry(holder):  # made whole by the run, such as ``[cos, sin]``
                outer.append(holder)
                continue
            holder.clear()
            holder.extend(kept)
        elif isinstance(holder, set):
            for item in [item for item in holder if id(item) in wanted]:
                holder.discard(item)
        elif isinstance(holder, (tuple, frozenset)):
            outer.append(holder)
        elif isinstance(holder, types.CellType):
            holder.cell_contents = None
        elif isinstance(getattr(holder, "__dict__", None), dict):
            _release_dict(vars(holder), wanted)
    return outer


def _is_entry(container: Any) -> bool:
    """Whether a container is what a dict holds under a key, and no variable or attribute."""
    holders = [one for one in gc.get_referrers(container) if isinstance(one, (dict, functools._lru_cache_wrapper))]
    return any(not isinstance(one, dict) or _owner(one) is None for one in holders)


def _release_dict(holder: dict[Any, Any], wanted: set[int]) -> None:
    """Remove entries; a variable of a module or an attribute is rather set to ``None``, as it was before it was filled."""
    keys = [key for key, value in list(holder.items()) if id(value) in wanted]
    if not keys:
        return
    owner = _owner(holder)
    for key in keys:
        if isinstance(owner, type):
            setattr(owner, key, None)
        elif owner is None or (isinstance(key, str) and hasattr(type(owner), key)):
            del holder[key]
        else:
            holder[key] = None


def _owner(holder: dict[Any, Any]) -> Any:
    """The module, class or object whose variables these are; ``None`` for a dict that is just a dict."""
    name = holder.get("__name__")
    module = sys.modules.get(name) if isinstance(name, str) else None
    if module is not None and vars(module) is holder:
        return module
    for one in gc.get_referrers(holder):
        if isinstance(one, type):
            if any(base is one for base in one.__mro__) and "__module__" in holder:
                return one
        elif isinstance(one, (types.FrameType, types.FunctionType, *_CONTAINERS)):
            continue
        elif getattr(one, "__dict__", None) is holder:
            return one
    return None
