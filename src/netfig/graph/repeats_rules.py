"""The part of rule G10 that only graphs with repeats can break.

An axis with members has one plate over it, which names what stands for them; it has as many members as it is long; each of them
is as many things; and its table has one entry for each member, or one word of the table of an axis around it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.graph.repeats_names import multiple
from netfig.graph.repeats_place import template_names

if TYPE_CHECKING:
    from netfig.graph.types import Axis, Graph, Scope


def repeat_violations(graph: Graph) -> list[str]:
    """All broken rules about axes with members, each as one line."""
    plates: dict[str, list[Scope]] = {}
    for scope in graph.scopes:
        if scope.kind == "plate" and scope.axis is not None:
            plates.setdefault(scope.axis, []).append(scope)
    found: list[str] = []
    for axis in graph.axes:
        if axis.members:
            found += [f"G10: the axis {axis.id!r} {why}" for why in _of_axis(axis, plates.get(axis.id, []))]
    return found


def _of_axis(axis: Axis, plates: list[Scope]) -> list[str]:
    found = []
    count = len(axis.members)
    if len(plates) != 1:
        found.append(f"has members and {len(plates) or 'no'} plates")
    elif any(len(names) != len(template_names(plates[0])) for names in axis.members) or not axis.members[0]:
        found.append(f"has members that are not as many things as stand in its plate {plates[0].id!r}")
    if axis.extent.size is not None and axis.extent.size != count:
        found.append(f"is {axis.extent.size} long and has {count} members")
    for name, column in axis.table:
        parts = multiple(name)
        if parts is None or parts[1] != name:
            found.append(f"has a table with the name {name!r}, which is no word")
        if not isinstance(column, (tuple, str)) or (isinstance(column, tuple) and len(column) != count):
            found.append(f"has a table in which {name!r} has not one entry for each of the {count} members")
    return found
