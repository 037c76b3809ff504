"""Frozen records made at the price of ordinary ones: a trace makes several for each operator.

A frozen dataclass with slots sets each field through ``object.__setattr__``, five times as slow as an assignment. Here the same
fields are assigned in a class of the same layout that is not frozen, and the finished object is then declared to be of the
frozen class, which Python allows because the slots are the same. Nothing else of the class is bypassed: it must have no
``__post_init__``.
"""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from netfig.graph import Op, Ref, Scope, Slot, Value

T = TypeVar("T")


def quick(kind: type[T]) -> type[T]:
    """A constructor of `kind` with the same arguments and defaults."""
    if hasattr(kind, "__post_init__"):
        raise TypeError(f"a {kind.__name__} would not be checked")

    def settle(self: Any) -> None:
        self.__class__ = kind

    fields = [(f.name, Any, dataclasses.field(default=f.default)) for f in dataclasses.fields(kind)]  # type: ignore[arg-type]
    made: Any = dataclasses.make_dataclass(kind.__name__, fields, namespace={"__post_init__": settle}, slots=True, eq=False)
    return made  # type: ignore[no-any-return]


QuickOp, QuickRef, QuickScope, QuickSlot, QuickValue = quick(Op), quick(Ref), quick(Scope), quick(Slot), quick(Value)
