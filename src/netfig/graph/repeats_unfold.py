"""Repeats written out: each template made for each member, and what was handed in and out put through."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidInput
from netfig.graph.plates_pack import unpacked
from netfig.graph.repeats_fold import NOTE
from netfig.graph.repeats_order import spread
from netfig.graph.repeats_place import Placer, Untold, is_entry, is_exit

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netfig.graph.plates_unroll import Parts
    from netfig.graph.types import Axis, Graph, Note, Scope, Value


def written_out(graph: Graph, parts: Parts, known: dict[str, tuple[str, ...]] | None = None) -> Parts:
    """A graph underway with all repeats written out, the outermost first, the last folded first.

    `known` is filled with the real ids of the things of templates.

    Raises:
        InvalidInput: the graph does not say enough about the members.
    """
    try:
        while axes := [axis for axis in parts.axes if axis.members]:
            step = _Unfold(parts, axes)
            if known is not None:
                _follow(known, step.placers.values())
            parts = step.parts()
    except (IndexError, KeyError, TypeError, ValueError) as error:
        raise InvalidInput(
            f"what the graph {graph.name!r} says of members that are alike does not fit together",
            why=f"{type(error).__name__}: {error}",
            hint="fold the graph again",
        ) from None
    return parts


def _follow(known: dict[str, tuple[str, ...]], placers: Any) -> None:
    """Put real ids one step further."""
    made = {id: tuple(ids) for placer in placers for ids_of in (placer.values, placer.nodes) for id, ids in ids_of.items()}
    named = {id for ids in known.values() for id in ids}
    for template, ids in known.items():
        known[template] = tuple([real for id in ids for real in made.get(id, (id,))])
    known.update({template: ids for template, ids in made.items() if template not in named})


class _Unfold:
    """Writes out the repeats that stand in no other, those that can be done at once; of others the one folded last."""

    def __init__(self, parts: Parts, axes: Sequence[Axis]) -> None:
        self.given = parts
        by_id = {axis.id: axis for axis in axes}
        self.home: dict[str, str] = {}  # scope → the outermost axis of members around it
        plates: dict[str, Scope] = {}
        for scope in parts.scopes:
            if scope.parent in self.home:
                self.home[scope.id] = self.home[scope.parent]
            elif scope.kind == "plate" and scope.axis in by_id:
                self.home[scope.id] = scope.axis
                plates[scope.axis] = scope
        told = self._told(plates)
        last = next((axis for axis in reversed(axes) if axis.id in plates), None)
        if last is None:
            raise ValueError(f"there is no plate over {axes[0].id!r}")
        chosen = [axis for axis in axes if axis.id in plates]
        if any(any(told[axis.id].orders.values()) or told[axis.id].notes for axis in chosen):
            chosen = [last]  # where things stand is told as of when it was folded
        entries: dict[str, list[Value]] = {}
        for value in parts.values:
            if value.axes and is_entry(value, value.axes[-1]):
                entries.setdefault(value.axes[-1], []).append(value)
        self.placers = {a.id: Placer(a, plates[a.id], told[a.id], entries.get(a.id, ())) for a in chosen}
        self._know()

    def _told(self, plates: Mapping[str, Scope]) -> dict[str, Untold]:
        notes = {note.subject: note.value for note in self.given.notes if note.key == NOTE}
        found = {}
        for axis, plate in plates.items():
            value = notes.get(plate.id, ())
            found[axis] = Untold.read(value if isinstance(value, tuple) else (("",),))
        return found

    def _know(self) -> None:
        """Work out the real ids of everything in the plates."""
        values: dict[str, list[str]] = {axis: [] for axis in self.placers}
        nodes: dict[str, list[str]] = {axis: [] for axis in self.placers}
        inner: dict[str, list[str]] = {axis: [] for axis in self.placers}
        for value in self.given.values:
            axis = value.axes[0] if value.axes else ""
            if axis in values and not is_entry(value, axis):
                values[axis].append(value.id)
        for scope in self.given.scopes:
            axis = self.home.get(scope.id, "")
            if axis in nodes and scope.id != self.placers[axis].plate.id:
                nodes[axis].append(scope.id)
                inner[axis] += [scope.axis] if scope.axis is not None else []
        for op in self.given.ops:
            axis = self.home.get(op.scope, "")
            if axis in nodes:
                nodes[axis].append(op.id)
        for axis, placer in self.placers.items():
            placer.know("value", placer.values, values[axis])
            placer.know("node", placer.nodes, nodes[axis])
            placer.know("axis", placer.axes, inner[axis])

    def parts(self) -> Parts:
        """The graph underway after it."""
        given, placers = self.given, self.placers
        nodes = {id: placer for placer in placers.values() for id in placer.nodes}
        axes = {id: placer for placer in placers.values() for id in placer.axes}
        plates = {placer.plate.id for placer in placers.values()}

        def of_value(value: Value) -> Placer | None:
            return placers.get(value.axes[0]) if value.axes else None

        def of_node(node: Any) -> Placer | None:
            return nodes.get(node.id)

        def of_axis(axis: Axis) -> Placer | None:
            return axes.get(axis.id)

        values = [v for v in given.values if not self._is_handed(v)]
        scopes = [s for s in given.scopes if s.id not in plates]
        return replace(
            given,
            values=self._spread("values", values, of_value, lambda placer, one, k: placer.value(one, k)),
            ops=self._spread("ops", given.ops, of_node, lambda placer, one, k: placer.op(one, k)),
            scopes=self._outside(self._spread("scopes", scopes, of_node, lambda placer, one, k: placer.scope(one, k))),
            axes=self._spread(
                "axes",
                [a for a in given.axes if a.id not in placers],
                of_axis,
                lambda placer, one, k: placer.inner_axis(one, k),
            ),
            notes=self._notes(plates),
        )

    def _is_handed(self, value: Value) -> bool:
        """Whether a value only hands on into or out of a plate that is written out now."""
        if not value.feeds:
            return False
        if value.axes and value.axes[-1] in self.placers and is_entry(value, value.axes[-1]):
            return True
        return any(is_exit(value, axis) for axis, _ in value.feeds[0].at if axis in self.placers)

    def _spread(
        self, name: str, listed: Sequence[Any], of: Callable[[Any], Placer | None], make: Callable[[Placer, Any, int], Any]
    ) -> list[Any]:
        return list(spread(listed, of, lambda placer: placer.count, make, lambda placer: placer.untold.orders.get(name)))

    def _outside(self, scopes: list[Scope]) -> list[Scope]:
        """Lists of scopes outside as they were; where several repeats changed one, as before the first did."""
        told: dict[str, tuple[str, ...]] = {}
        for placer in reversed(self.placers.values()):
            told.update({scope: ids for (scope, _), ids in placer.untold.outside.items()})
        return [replace(s, owns=told[s.id]) if s.id in told else s for s in scopes] if told else scopes

    def _notes(self, plates: set[str]) -> list[Note]:
        listed = [note for note in self.given.notes if not (note.subject in plates and note.key == NOTE)]
        subjects: dict[str, tuple[Placer, list[str]]] = {}
        for placer in self.placers.values():
            for known in (placer.axes, placer.nodes, placer.values):
                subjects.update({id: (placer, ids) for id, ids in known.items()})

        def of(note: Note) -> Placer | None:
            found = subjects.get(note.subject)
            return None if found is None else found[0]

        found = self._spread("notes", listed, of, lambda placer, note, k: placer.note(note, subjects[note.subject][1][k], k))
        only = next(iter(self.placers.values()))
        return _among(found, only.untold.notes) if only.untold.notes else found


def _among(listed: list[Note], told: tuple[Any, ...]) -> list[Note]:
    """Notes with others put among them, each after so many."""
    found: list[Note] = []
    done = 0
    for before, note in told:
        found += listed[done:before]
        done = before
        found.append(unpacked(note))
    return found + listed[done:]
