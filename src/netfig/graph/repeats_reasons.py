"""Why things that one would take for alike are not: in words."""

from __future__ import annotations

from itertools import pairwise, zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph.repeats_state import Node, State


def unlike_neighbours(state: State) -> Iterator[tuple[str, str]]:
    """Modules of one type that stand side by side and are not alike even up to sizes: the first of two, and how they differ."""
    for node in state.root.inside():
        modules = [child for child in node.children if not child.is_op and state.scopes[child.id].kind == "module"]
        for one, other in pairwise(modules):
            alike = state.scopes[one.id].type_name == state.scopes[other.id].type_name
            if alike and one.heavy and one.loose != other.loose:
                yield one.id, difference(state, one, other)


def difference(state: State, one: Node, other: Node) -> str:
    """The first thing in which two modules differ."""
    for mine, its in zip_longest(one.inside(), other.inside()):
        if mine is None or its is None:
            longer = its if mine is None else mine
            return f"{longer.id!r} is in one of {one.id!r} and {other.id!r} only"
        if mine.is_op != its.is_op or (mine.is_op and state.ops[mine.id].kind != state.ops[its.id].kind):
            return f"{mine.id!r} is where the other has {its.id!r}"
        if mine.is_op:
            words = _op_difference(state, mine.id, its.id)
            if words:
                return words
        elif len(mine.children) != len(its.children) and mine.loose != its.loose and mine not in (one,):
            return f"{mine.id!r} has {len(mine.children)} things in it, {its.id!r} {len(its.children)}"
    return f"{one.id!r} and {other.id!r} have not as many things passed in or out"


def _op_difference(state: State, mine: str, its: str) -> str:
    one, other = state.ops[mine], state.ops[its]
    for a, b in zip_longest(one.inputs, other.inputs):
        if a is None or b is None or a.name != b.name:
            return f"{mine!r} and {its!r} read other arguments"
        if len(a.refs) != len(b.refs):
            return f"{mine!r} reads {len(a.refs)} values as {a.name}, {its!r} {len(b.refs)}"
    return ""
