"""Evaluating graphs with torch: the same numbers whether a graph is rolled or unrolled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netfig.evaluation.numbers import random_numbers
    from netfig.evaluation.run import evaluate

__all__ = ["evaluate", "random_numbers"]

_HOME = {"evaluate": "run", "random_numbers": "numbers"}


def __getattr__(name: str) -> Any:  # torch is loaded with the first use
    if name not in _HOME:
        raise AttributeError(f"module 'netfig.evaluation' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"netfig.evaluation.{_HOME[name]}"), name)
