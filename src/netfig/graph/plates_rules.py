"""The part of rule G10 that only graphs with axes can break: plates, indices, ranges and boundary values.

- A plate stands in no other plate over its axis. A step says which one it is. An op in a plate makes values with its axis.
- An index is an offset or a place, not both. An offset is from the reader's own index, so it stands in a plate over that axis; so
  does an op that uses an index in a place (``h[t-i]`` stands in a plate over i).
- A range is a sum of names and whole numbers; those that are axes are axes of plates around it.
- Axes with members keep the rules in `netfig.graph.repeats_rules`.
- Boundary values lie outside the range, one at each place, and have no axis that the value has not, nor the one they bound.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.graph.types import Affine

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.graph.types import Axis, Graph, Op, Ref, Scope, Value


def plate_violations(graph: Graph) -> list[str]:
    """All broken rules about axes, each as one line."""
    found: list[str] = []
    axes = {a.id: a for a in graph.axes}
    outer = _ranges(found, graph.axes)
    if any(a.members for a in graph.axes):
        from netfig.graph.repeats_rules import repeat_violations  # few graphs have repeats

        found += repeat_violations(graph)
    around = graph.plates_around
    for s in graph.scopes:
        if s.kind in ("plate", "step"):
            _plate(found, s, around, outer)
    by_id = graph.value_by_id
    for v in graph.values:
        if v.initial or v.final:
            _boundaries(found, v, by_id, axes)
    for op in graph.ops:
        inside = around.get(op.scope, ())
        if inside:
            for axis in inside:
                missing = [out for out in op.outputs if out in by_id and axis not in by_id[out].axes]
                found += [
                    f"G10: op {op.id!r} in a plate over {axis!r} makes {out!r}, which has no axis {axis!r}" for out in missing
                ]
        for slot in op.inputs:
            for ref in slot.refs:
                if ref.offset or ref.at:
                    _index(found, op, ref, inside, by_id, axes)
    return found


def named_axes(text: str | None, axes: Iterable[str]) -> tuple[str, ...]:
    """The axes that the name of a size depends on (``t-1`` depends on t); none for a name that is no sum."""
    if text is None:
        return ()
    try:
        names = [name for name, _ in Affine.parse(text).terms]
    except ValueError:
        return ()
    return tuple(axis for axis in axes if axis in names)


def _ranges(found: list[str], axes: tuple[Axis, ...]) -> Mapping[str, tuple[str, ...]]:
    """The axes that each range depends on."""
    ids = [a.id for a in axes]
    outer: dict[str, tuple[str, ...]] = {}
    for axis in axes:
        name = axis.extent.name
        outer[axis.id] = named_axes(name, ids)
        if name is not None and not _is_sum(name):
            found.append(f"G10: the extent {name!r} of axis {axis.id!r} is no sum of names and whole numbers")
    for axis in axes:
        seen: set[str] = set()
        reached = list(outer[axis.id])
        while reached:
            one = reached.pop()
            if one not in seen:
                seen.add(one)
                reached += outer[one]
        if axis.id in seen:
            found.append(f"G10: the extent {axis.extent.name!r} of axis {axis.id!r} depends on the axis itself")
    return outer


def _is_sum(text: str) -> bool:
    try:
        Affine.parse(text)
    except ValueError:
        return False
    return True


def _plate(found: list[str], s: Scope, around: Mapping[str, tuple[str, ...]], outer: Mapping[str, tuple[str, ...]]) -> None:
    if s.kind == "step":
        if type(s.attribute("index")) is not int:
            found.append(f"G10: the step {s.id!r} does not say which one it is: it has no attribute 'index'")
        return
    above = around.get(s.parent or "", ())
    if s.axis in above:
        found.append(f"G10: the plate {s.id!r} stands in another plate over {s.axis!r}")
    missing = [axis for axis in outer.get(s.axis or "", ()) if axis not in above]
    found += [f"G10: the range of the plate {s.id!r} depends on {axis!r}, and it stands in no plate over it" for axis in missing]


def _index(found: list[str], op: Op, ref: Ref, inside: tuple[str, ...], by_id: Mapping[str, Value], axes: Iterable[str]) -> None:
    reads = f"G10: op {op.id!r} reads {ref.value!r}"
    named = [axis for axis, _ in (*ref.offset, *ref.at)]
    found += [f"{reads} along {axis!r} at two indices" for axis in dict.fromkeys(named) if named.count(axis) > 1]
    own = by_id[ref.value].axes if ref.value in by_id else ()
    for axis, _ in ref.offset:
        if axis in own and axis not in inside:
            found.append(f"{reads} at a distance along {axis!r} and stands in no plate over it")
    for axis, index in ref.at:
        if not _is_sum(str(index)) or Affine.parse(str(index)) != index:
            found.append(f"{reads} along {axis!r} at {str(index)!r}, which is no sum of names and whole numbers")
        unknown = [name for name, _ in index.terms if name in axes and name not in inside]
        found += [f"{reads} along {axis!r} at {str(index)!r} and stands in no plate over {name!r}" for name in unknown]


def _boundaries(found: list[str], v: Value, by_id: Mapping[str, Value], axes: Mapping[str, Axis]) -> None:
    for verb, listed in (("starts from", v.initial), ("ends with", v.final)):
        seen: set[tuple[str, int]] = set()
        for axis, index, boundary in listed:
            says = f"G10: value {v.id!r} {verb} {boundary!r}"
            if verb == "starts from" and axis in v.axes and axis in axes and index >= axes[axis].start:
                found.append(f"{says} at index {index} of {axis!r}, which begins at {axes[axis].start}")
            if verb == "ends with" and index < 1:
                found.append(f"{says} {index} after the last index of {axis!r}; the first after it is 1")
            if (axis, index) in seen:
                found.append(f"{says} at index {index} of {axis!r}, where it has another boundary value")
            seen.add((axis, index))
            extra = [a for a in (by_id[boundary].axes if boundary in by_id else ()) if a == axis or a not in v.axes]
            found += [f"{says} at index {index} of {axis!r}, which has the axis {one!r} that does not fit" for one in extra]
