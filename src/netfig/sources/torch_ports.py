"""Names for the tensors in inputs and outputs, in any structure: ``batch.image``, ``output[0]``, ``output.logits``."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Iterator, Mapping
from typing import Any

from torch import Tensor, nn

_DEEPEST = 32


def tensors_in(structure: Any, name: str) -> Iterator[tuple[str, Tensor]]:
    """Every tensor in a structure with its name, in order; what is not a tensor (``None``, numbers, text) is skipped."""
    yield from _walk(structure, name, 0, set())


def _walk(item: Any, name: str, depth: int, above: set[int]) -> Iterator[tuple[str, Tensor]]:
    if isinstance(item, Tensor):
        yield name, item
        return
    if (
        item is None
        or isinstance(item, (int, float, complex, str, bytes, type, nn.Module))
        or depth > _DEEPEST
        or id(item) in above
    ):
        return
    above.add(id(item))
    for part, inner in _parts(item):
        yield from _walk(inner, name + part, depth + 1, above)
    above.discard(id(item))


def _parts(item: Any) -> list[tuple[str, Any]]:
    if isinstance(item, Mapping):
        return [(_key(key), value) for key, value in item.items()]
    if isinstance(item, tuple) and hasattr(item, "_fields"):
        return [(f".{field}", getattr(item, field)) for field in item._fields]
    if isinstance(item, (list, tuple)):
        return [(f"[{i}]", value) for i, value in enumerate(item)]
    if dataclasses.is_dataclass(item):
        return [(f".{field.name}", getattr(item, field.name, None)) for field in dataclasses.fields(item)]
    state = getattr(item, "__dict__", None)
    if isinstance(state, dict) and not callable(item):
        return [(f".{key}", value) for key, value in state.items()]
    return []


def _key(key: Any) -> str:
    return (
        f".{key}" if isinstance(key, str) and key.isidentifier() else f"[{key!r}]" if isinstance(key, (str, int)) else f"[{key}]"
    )


def named_inputs(forward: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
    """The tensors passed to a model, named after the parameters of its `forward`."""
    for name, value in _bound(forward, args, kwargs):
        yield from tensors_in(value, name)


def _bound(forward: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> list[tuple[str, Any]]:
    try:
        signature = inspect.signature(forward)
        bound = signature.bind_partial(*args, **kwargs)
    except (TypeError, ValueError):
        return [*((f"input{i}" if len(args) > 1 else "input", a) for i, a in enumerate(args)), *kwargs.items()]
    found: list[tuple[str, Any]] = []
    for name, value in bound.arguments.items():
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_POSITIONAL:
            found += [(f"{name}[{i}]", item) for i, item in enumerate(value)]
        elif kind is inspect.Parameter.VAR_KEYWORD:
            found += list(value.items())
        else:
            found.append((name, value))
    return found
