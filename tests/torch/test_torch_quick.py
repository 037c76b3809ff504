"""Records made quickly are the frozen records of the graph."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from netfig.graph import Op, Ref, Scope, Slot, Value
from netfig.sources.torch_quick import quick


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        (Ref, ("x",)),
        (Slot, ("self", (Ref("x"),))),
        (Value, ("x", "input")),
        (Op, ("add", "add", (), ("add.out",), "root")),
        (Scope, ("a", "module", "root")),
    ],
)
def test_a_quick_record_is_the_frozen_one_with_the_same_defaults(kind: Any, arguments: tuple[Any, ...]) -> None:
    made, plain = quick(kind)(*arguments), kind(*arguments)
    assert type(made) is kind
    assert made == plain
    assert hash(made) == hash(plain)
    assert repr(made) == repr(plain)
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(made, dataclasses.fields(kind)[0].name, "other")


def test_a_class_that_checks_itself_is_refused() -> None:
    @dataclasses.dataclass(frozen=True, slots=True)
    class Checked:
        size: int

        def __post_init__(self) -> None:
            if self.size < 0:
                raise ValueError

    with pytest.raises(TypeError, match="Checked"):
        quick(Checked)
