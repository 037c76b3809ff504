"""Unrolling and folding: a plate over an axis and its steps say the same.

``unroll`` writes each step of a plate out: `h` becomes ``h[t=1]``, ``h[t=2]`` …, a read of ``h[t-1]`` a read of the one before,
and at the first step of the boundary value. Weights stay what they are: one value with many readers. ``fold`` is its inverse.
What the steps alone do not tell (which rule a single step followed, what an empty range would have done) `unroll` keeps in a
note on the axis.
"""

from __future__ import annotations

import contextlib
import gc
from typing import TYPE_CHECKING, Any, Final

from netfig.errors import InvalidGraph, InvalidInput, NetfigError, UsageError
from netfig.graph.plates_index import Places, known_axis, unknown_extent
from netfig.graph.plates_rules import named_axes
from netfig.graph.types import Affine, Note

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfig.graph.plates_unroll import Parts
    from netfig.graph.types import Graph

NOTE: Final = "unrolled"
"""Key of the note on an axis that is unrolled: (axes unrolled together, sizes, what the steps do not tell)."""
MOST_SHOWN: Final = 5


def unroll(graph: Graph, axis: str = "t", extent: int | None = None, sizes: Mapping[str, int] | None = None) -> Graph:
    """The graph with every plate over an axis written out step by step.

    `extent` is the number of steps (by default what the graph says), `sizes` has numbers for names in ranges (``K``). Axes whose
    range depends on this one (``i = 1..t-1``), or that index something along it (``h[t-i]``), are unrolled with it. Along an axis
    of members (see `netfig.graph.repeats`) all that is folded is written out.

    Raises:
        UsageError: no such axis, or how long it is is not known.
        InvalidInput: something is read where it has no value, or steps need each other.
    """
    known_axis(graph, axis)
    if any(a.id == axis and a.members for a in graph.axes):
        from netfig.graph.repeats import unfold_repeats  # its members have names of their own

        return unfold_repeats(graph)
    _repeated(graph, axis)
    with _no_collection():
        return _unrolled(graph, axis, extent, sizes or {})


def _unrolled(graph: Graph, axis: str, extent: int | None, sizes: Mapping[str, int]) -> Graph:
    from netfig.graph.plates_fold import difference, folded
    from netfig.graph.plates_unroll import Parts, together, unrolled

    axes = together(graph, axis)
    steps = _steps(graph, axis, extent, sizes)
    places = Places(graph, axes, {axis: steps}, sizes)
    parts, origin = unrolled(graph, places, {axis: steps})
    untold = difference(folded(parts, axes, every=False, known=origin), Parts.of(graph))
    parts.notes.append(Note(axis, NOTE, (axes, tuple(places.sizes.items()), untold), author="netfig"))
    return parts.graph(graph)


def fold(graph: Graph, axis: str = "t") -> Graph:
    """The graph with the steps over an axis as one plate.

    Axes that were unrolled after this one are folded for it and unrolled again. Things belong together by their ids: ``h[t=1]``
    and ``h[t=2]`` are one value at two steps.

    Raises:
        UsageError: no such axis, or it is not unrolled.
        InvalidInput: the steps are not alike; it says where they differ.
    """
    known_axis(graph, axis)
    notes = {note.subject: note for note in graph.notes if note.key == NOTE}
    if axis not in notes:
        for other, note in notes.items():
            if axis in note.value[0]:  # type: ignore[operator, index]
                raise UsageError(f"{axis!r} was unrolled with {other!r}", hint=f"fold {other!r}")
    later = list(notes)[list(notes).index(axis) + 1 :] if axis in notes else []
    extents = {a.id: a.extent.size for a in graph.axes}
    with _no_collection():
        for other in reversed(later):
            graph = _folded(graph, other)
        graph = _folded(graph, axis)
    for other in later:
        graph = unroll(graph, other, extents[other], dict(notes[other].value[1]))  # type: ignore[arg-type, index]
    return graph


@contextlib.contextmanager
def _no_collection() -> Iterator[None]:
    """Many small objects are made, and no cycles: looking for cycles among them would take longer than making them."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


def _repeated(graph: Graph, axis: str) -> None:
    if any(s.kind == "plate" and s.axis == axis for s in graph.scopes) or any(axis in v.axes for v in graph.values):
        return
    if any(s.kind == "step" and s.axis == axis for s in graph.scopes):
        raise UsageError(f"{axis!r} is unrolled already", hint="fold it first to unroll it again")
    raise UsageError(f"nothing in the graph {graph.name!r} is repeated over {axis!r}")


def _steps(graph: Graph, axis: str, extent: int | None, sizes: Mapping[str, int]) -> int:
    found = next(a for a in graph.axes if a.id == axis)
    outer = named_axes(found.extent.name, [a.id for a in graph.axes])
    if outer and extent is None and found.extent.size is None:
        where = " and ".join(map(repr, outer))
        raise UsageError(f"the range of {axis!r} depends on {where}", hint=f"unroll {outer[0]!r}: both are unrolled together")
    if extent is None and found.extent.name is not None and found.extent.size is None:
        extent = Affine.parse(found.extent.name).at(sizes).number
    elif extent is None:
        extent = found.extent.size
    if extent is None:
        raise unknown_extent(graph, axis)
    if extent < 1:
        raise UsageError(f"{axis!r} cannot have {extent} steps", hint="the least is 1")
    return extent


def _folded(graph: Graph, axis: str) -> Graph:
    from netfig.graph.plates_fold import changed, folded
    from netfig.graph.plates_unroll import Parts, unrolled

    note = next((n for n in graph.notes if n.key == NOTE and n.subject == axis), None)
    axes, sizes, untold = _told(note) if note is not None else ((axis,), {}, ())
    if not any(s.kind == "step" and s.axis == axis for s in graph.scopes):
        raise UsageError(f"{axis!r} is not unrolled: it has no steps", hint="unroll it first")
    _in_a_row(graph, axis)
    given = Parts.of(graph)
    given.notes = [n for n in given.notes if n is not note]
    try:
        rolled = changed(folded(given, axes, every=note is None), untold).graph(graph)
        extent = {axis: _count(graph, axis)}
        again, _ = unrolled(rolled, Places(rolled, axes, extent, sizes), extent)
    except InvalidGraph as error:
        raise _unlike(axis, list(error.violations)) from None
    except NetfigError as error:
        raise _unlike(axis, [error.what]) from None
    differences = _differences(given, again)
    if differences:
        raise _unlike(axis, differences)
    return rolled


def _told(note: Note) -> tuple[Any, Any, Any]:
    value: Any = note.value
    try:
        axes, sizes, untold = value
        return axes, dict(sizes), untold
    except (TypeError, ValueError):
        raise InvalidInput(f"the note {NOTE!r} about {note.subject!r} is damaged", hint="unroll the graph again") from None


def _count(graph: Graph, axis: str) -> int:
    return len({s.attribute("index") for s in graph.scopes if s.kind == "step" and s.axis == axis})


def _in_a_row(graph: Graph, axis: str) -> None:
    start = next(a.start for a in graph.axes if a.id == axis)
    numbers = sorted({int(str(s.attribute("index"))) for s in graph.scopes if s.kind == "step" and s.axis == axis})
    missing = [n for n in range(start, numbers[-1] + 1) if n not in set(numbers)]
    if missing or numbers[0] != start:
        shown = ", ".join(map(str, missing[:MOST_SHOWN])) or f"before {start}"
        raise InvalidInput(f"the steps over {axis!r} are not in a row", why=f"{axis} begins at {start}; not there: {shown}")


def _differences(given: Parts, again: Parts) -> list[str]:
    """Where a graph is not what its folded form would unroll to."""
    found: list[str] = []
    for word, name in (("step", "scopes"), ("op", "ops"), ("value", "values")):
        mine = {thing.id: thing for thing in getattr(given, name)}
        its = {thing.id: thing for thing in getattr(again, name)}
        found += [f"the {word} {id!r} is missing" for id in its if id not in mine]
        found += [f"the {word} {id!r} is not in the other steps" for id in mine if id not in its]
        if word == "op":
            found += [_unlike_op(mine[id], its[id]) for id in mine if id in its and mine[id] != its[id]]
        else:
            found += [f"the {word} {id!r} is unlike those of the other steps" for id in mine if id in its and mine[id] != its[id]]
    for what, name in (("input", "inputs"), ("output", "outputs")):
        if {(p.name, p.value) for p in getattr(given, name)} != {(p.name, p.value) for p in getattr(again, name)}:
            found.append(f"the {what}s are not those of every step")
    return found


def _unlike_op(op: Any, other: Any) -> str:
    """How an op is not what the other steps have."""
    for mine, its in zip(op.inputs, other.inputs, strict=False):
        if mine != its and mine.name == its.name:
            reads = [", ".join(ref.value for ref in slot.refs) or "nothing" for slot in (mine, its)]
            if reads[0] != reads[1]:
                return f"op {op.id!r} reads {reads[0]} as {mine.name}; as the other steps are, it would read {reads[1]}"
    if op.kind != other.kind:
        return f"op {op.id!r} is {op.kind!r}, in the other steps it is {other.kind!r}"
    return f"op {op.id!r} is unlike that of the other steps"


def _unlike(axis: str, lines: list[str]) -> InvalidInput:
    shown = lines[:MOST_SHOWN] + ([f"… and {len(lines) - MOST_SHOWN} more"] if len(lines) > MOST_SHOWN else [])
    return InvalidInput(
        f"the steps over {axis!r} are not alike", why="\n       ".join(shown), hint="only steps that are alike fold"
    )
