"""What is different between two partners, in words: settings, sizes, how they are connected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfig.graph.align_nodes import own_name, settings
from netfig.graph.types import Op, Scope
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.graph.types import Attribute, Graph, TensorType

NONE = "none"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that is another: ``kernel``, ``3×3``, ``5×5``. What only one of two has is `NONE` in the other."""

    what: str
    before: str
    after: str

    def __str__(self) -> str:
        return f"{self.what} {self.before} → {self.after}"


def op_changes(a: Graph, before: Op, b: Graph, after: Op) -> list[Change]:
    """What differs between two ops but for what they read and the sizes of what they make, also where a setting names these."""
    found = [Change("operation", before.kind, after.kind)] if before.kind != after.kind else []
    if before.kind == after.kind:
        left, right = settings(before), settings(after)
        sizes = [{g.value_by_id[out].type.sizes for out in op.outputs} for g, op in ((a, before), (b, after))]
        for key in [key for key in left if key in right and left[key] in sizes[0] and right[key] in sizes[1]]:
            del left[key], right[key]
        found += _settings(left, right)
    if bool(before.writes) != bool(after.writes) and before.kind.rstrip("_") == after.kind.rstrip("_"):
        found.append(Change("in place", _yes(bool(before.writes)), _yes(bool(after.writes))))
    return found


def scope_changes(a: Graph, before: Scope, b: Graph, after: Scope) -> list[Change]:
    """What differs between two scopes by themselves: name, class, settings, and weights that no setting explains."""
    if before.parent is None or after.parent is None:
        return _settings(settings(before), settings(after)) + _stored(a, before, b, after)
    names = [re.sub(r"[\d.@]+", "", s.path.rpartition(".")[2]) for s in (before, after)]
    found = [Change("name", before.path, after.path)] if names[0] != names[1] and all(names) else []
    if before.type_name != after.type_name:
        found.append(Change("class", before.type_name, after.type_name))
        return found
    others = _settings(settings(before), settings(after))
    return [*found, *(others or _stored(a, before, b, after))]


def _settings(before: dict[str, Attribute], after: dict[str, Attribute]) -> list[Change]:
    keys = [*before, *(key for key in after if key not in before)]
    return [
        Change(_word(key), _text(before.get(key)), _text(after.get(key)))
        for key in keys
        if before.get(key) != after.get(key) and _text(before.get(key)) != _text(after.get(key))
    ]


def _stored(a: Graph, before: Scope, b: Graph, after: Scope) -> list[Change]:
    """Weights and buffers declared in a module, by their names in it."""
    left = {own_name(a, v, before.path + "."): a.value_by_id[v].type for v in before.owns}
    right = {own_name(b, v, after.path + "."): b.value_by_id[v].type for v in after.owns}
    keys = [*left, *(key for key in right if key not in left)]
    return [Change(key, type_text(left.get(key)), type_text(right.get(key))) for key in keys if left.get(key) != right.get(key)]


def type_text(kind: TensorType | None) -> str:
    """A shape as ``64×3×7×7``; a dtype that is not the usual one stands behind it."""
    if kind is None:
        return NONE
    shape = "?" if kind.shape is None else "×".join(map(str, kind.shape)) or "scalar"
    return shape if kind.dtype in (None, "float32") else f"{shape} {kind.dtype}"


def _word(key: str) -> str:
    return {"kernel_size": "kernel", "inplace": "in place", "other": "by"}.get(key, key.replace("_", " "))


def _text(value: Attribute) -> str:
    if isinstance(value, tuple):
        same = len({_text(v) for v in value}) == 1
        return _text(value[0]) if same else "×".join(map(_text, value)) if value else NONE
    if isinstance(value, bool):
        return _yes(value)
    if isinstance(value, float):
        return f"{value:g}".replace("-", "−")
    return NONE if value is None else str(value).replace("-", "−") if isinstance(value, int) else str(value)


def _yes(value: bool) -> str:
    return "yes" if value else "no"
