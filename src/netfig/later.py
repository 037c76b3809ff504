"""Functions that are imported when they are first called, so that a list of components costs no import of what they need."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def later(place: str) -> Callable[..., Any]:
    """The function at ``package.module:name``, imported at its first call."""
    module, _, name = place.partition(":")
    found: list[Callable[..., Any]] = []

    def call(*args: Any, **kwargs: Any) -> Any:
        if not found:
            found.append(getattr(import_module(module), name))
        return found[0](*args, **kwargs)

    call.__name__, call.__qualname__, call.__module__ = name, name, module
    return call
