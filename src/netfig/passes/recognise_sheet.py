"""One step of a recognised loop, and what lies around it, as ops that read values at a distance in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import field, replace

from netfig.graph import Attributes
from netfig.passes.recognise_atoms import Unclear
from netfig.passes.recognise_link import Key, Linked, Place
from netfig.passes.recognise_nodes import Const, Leaf, Lowering, Node, Operand
from netfig.records import dataclass


@dataclass(frozen=True, slots=True)
class Use:
    """A use of a value: its own, at a distance along the reader's axis, at a time, or (`every`) all along its axis."""

    value: Key
    distance: int = 0
    time: int | None = None
    every: bool = False


@dataclass(frozen=True)
class Step:
    """An op of the sheet; along an axis it is done at every time."""

    value: Key
    kind: str
    slots: tuple[tuple[str, tuple[Use, ...]], ...]
    axis: int | None
    attributes: Attributes = ()
    origin: str = ""
    place: tuple[object, ...] = ()

    @property
    def uses(self) -> Iterator[Use]:
        """Everything it reads."""
        return (use for _, uses in self.slots for use in uses)

    def one(self, name: str) -> Use:
        """The only use in a slot."""
        return next(uses[0] for slot, uses in self.slots if slot == name)


@dataclass
class Fact:
    """What is known about a value: its shape, its axis, where it comes from, and what it is outside its range."""

    sizes: tuple[int, ...]
    axis: int | None = None
    leaf: Leaf | Const | None = None
    initial: dict[int, Use] = field(default_factory=dict)
    final: dict[int, Use] = field(default_factory=dict)

    @property
    def bounds(self) -> Iterator[Use]:
        """All boundary values."""
        return iter((*self.initial.values(), *self.final.values()))


class Sheet:
    """The steps and facts of a linked graph, in an order in which they can be computed."""

    def __init__(self, low: Lowering, linked: Linked) -> None:
        self.low, self.linked = low, linked
        self.steps: dict[Key, Step] = {}
        self.facts: dict[Key, Fact] = {}
        self.outputs: dict[str, list[tuple[tuple[int, ...], Place]]] = {}
        self._axis: int | None = None
        for family, members in linked.families.items():
            if linked.axis_of(family) is not None:
                self._family(family, members)
        for node in low.nodes:
            if linked.place(node).axis is None:
                self._single(node)
        for out, found in low.sinks.items():
            self.outputs[out] = [(spot, self._located(one)) for spot, one in found.items()]

    # ---- places --------------------------------------------------------------------------------------------------------------

    def _located(self, one: Operand) -> Place:
        """Where an operand is; what it is known by is noted."""
        if isinstance(one, Const):
            key: Key = ("const", one.number, self._sizes(one))
            self.facts.setdefault(key, Fact(self._sizes(one), leaf=one))
            return Place(key)
        place = self.linked.place(one)
        if isinstance(one, Leaf) and not isinstance(one.source, str):
            self._part_of(one, place)
        elif isinstance(one, Leaf):
            self.facts.setdefault(place.value, Fact(self._sizes(one), place.axis, one))
        else:
            self.facts.setdefault(place.value, Fact(self._sizes(one), place.axis))
        if place.axis is not None and not 1 <= place.time <= self.linked.spans[place.axis].count and isinstance(one, Leaf):
            edge: Key = ("edge", *place.value[1:], place.time)
            self.facts.setdefault(edge, Fact(self._sizes(one), leaf=one))
            fact, count = self.facts[place.value], self.linked.spans[place.axis].count
            bounds, index = (fact.initial, place.time) if place.time < 1 else (fact.final, place.time - count)
            bounds[index] = Use(edge)
        return place

    def _part_of(self, leaf: Leaf, place: Place) -> None:
        """One element of what an op made as a whole: it is taken apart once."""
        assert isinstance(leaf.source, Node)
        whole = self._located(leaf.source)
        self.facts.setdefault(place.value, Fact(self._sizes(leaf), place.axis))
        if place.value in self.steps:
            return
        spots = [n for n, part in enumerate(leaf.at) if part is not None]
        if len(spots) != 1 or whole.axis is not None:
            raise Unclear(f"a part of what {leaf.source.op} makes is read")
        kind, number = ("unbind", spots[0]) if place.axis is not None else ("select", leaf.at[spots[0]])
        attributes: Attributes = (("dim", spots[0]), *((("index", number),) if kind == "select" else ()))
        self.steps[place.value] = Step(
            place.value, kind, (("input", (Use(whole.value),)),), None, attributes, leaf.source.op, (*leaf.source.key, "part")
        )

    def _sizes(self, one: Operand) -> tuple[int, ...]:
        return tuple(self.low.atoms.extent(dim) for dim in one.dims)

    # ---- families ------------------------------------------------------------------------------------------------------------

    def _family(self, family: Key, members: Mapping[int, Node]) -> None:
        axis = self.linked.axis_of(family)
        assert axis is not None
        count = self.linked.spans[axis].count
        at_time = {self.linked.time_of(family, index): node for index, node in members.items()}
        times = sorted(at_time)
        if times != list(range(1, count + 1)):
            raise Unclear(f"{at_time[times[0]].op} is computed at {len(times)} of {count} steps")
        last = at_time[times[len(times) // 2]]
        key: Key = ("family", family)
        slots: list[tuple[str, tuple[Use, ...]]] = []
        for number, (name, listed) in enumerate(last.slots):
            rows = [[(t, at_time[t].slots[number][1][n]) for t in times] for n in range(len(listed))]
            slots.append((name, self._gathered([self._use(axis, row) for row in rows])))
        self.facts.setdefault(key, Fact(self._sizes(last), axis))
        self.steps[key] = Step(
            key, last.kind, tuple(slots), axis, last.attributes, at_time[1].op, min(n.key for n in at_time.values())
        )

    def _use(self, axis: int, rows: Sequence[tuple[int, Operand]]) -> Use:
        """The rule by which every time of an axis reads one operand; where it leads outside, the others are boundary values."""
        places = [(t, self._located(one)) for t, one in rows]
        counts: dict[Key, int] = {}
        for _, place in places:
            counts[place.value] = counts.get(place.value, 0) + 1
        base = max(counts, key=lambda key: (self.facts[key].axis == axis, counts[key]))
        inside = [(t, p) for t, p in places if p.value == base]
        if self.facts[base].axis != axis:
            if len(inside) < len(places):
                raise Unclear(f"what is read at step 1 is not what is read at step {len(places)}")
            if len({p.time for _, p in inside}) > 1:
                raise Unclear("two loops go at different speeds")
            return Use(base, time=inside[0][1].time if self.facts[base].axis is not None else None)
        gaps = [p.time - t for t, p in inside]
        distance = max(set(gaps), key=gaps.count)
        if len(set(gaps)) > 1:
            if len({p.time for _, p in inside}) == 1:
                return Use(base, time=inside[0][1].time)
            raise Unclear("the distance between a step and what it reads changes")
        count = self.linked.spans[axis].count
        for t, place in places:
            if place.value == base:
                continue
            if 1 <= t + distance <= count or (place.axis is not None and place.value[0] == "family" and place.axis == axis):
                raise Unclear(f"steps {t} and {t + 1 if t < count else t - 1} differ in what they read")
            fact = self.facts[base]
            bounds, index = (fact.initial, t + distance) if t + distance < 1 else (fact.final, t + distance - count)
            given = Use(place.value, time=place.time if place.axis is not None else None)
            if bounds.setdefault(index, given) != given:
                raise Unclear("a state starts in two ways")
        return Use(base, distance)

    def _single(self, node: Node) -> None:
        key: Key = ("node", id(node))
        slots = []
        for name, listed in node.slots:
            places = [self._located(one) for one in listed]
            slots.append((name, self._gathered([Use(p.value, time=p.time if p.axis is not None else None) for p in places])))
        attributes = node.attributes
        if ("axis", "?") in attributes:
            every = next((u for _, uses in slots for u in uses if u.every), None)
            attributes = (("axis", str(self.facts[every.value].axis)),) if every is not None else ()
        self.facts.setdefault(key, Fact(self._sizes(node)))
        self.steps[key] = Step(key, node.kind, tuple(slots), None, attributes, node.op, node.key)

    def _gathered(self, uses: Sequence[Use]) -> tuple[Use, ...]:
        """Uses of every time of one value, one after another, are one use of all of it."""
        found: list[Use] = []
        n = 0
        while n < len(uses):
            axis = self.facts[uses[n].value].axis
            count = self.linked.spans[axis].count if axis is not None else 0
            here = uses[n : n + count]
            if count > 1 and [(u.value, u.time) for u in here] == [(uses[n].value, t) for t in range(1, count + 1)]:
                found.append(Use(uses[n].value, every=True))
                n += count
            else:
                found.append(uses[n])
                n += 1
        return tuple(found)

    # ---- order ---------------------------------------------------------------------------------------------------------------

    def readers(self) -> dict[Key, list[Step]]:
        """The steps that read each value, once for each use."""
        found: dict[Key, list[Step]] = {}
        for step in self.steps.values():
            for use in step.uses:
                found.setdefault(use.value, []).append(step)
        return found

    def kept(self) -> set[Key]:
        """Values that something other than one step at its own time needs."""
        ports = [port.value for port in self.low.graph.outputs]
        found = {place.value for out in ports for _, place in self.outputs.get(out, ())}
        for fact in self.facts.values():
            found.update(use.value for use in fact.bounds)
        for step in self.steps.values():
            found.update(use.value for use in step.uses if use.distance or use.every or use.time is not None)
        return found

    def carried(self) -> tuple[Key, ...]:
        """The states: what a step reads of another one."""
        found = dict.fromkeys(
            use.value for step in self.steps.values() for use in step.uses if use.distance and use.value in self.steps
        )
        return tuple(key for key in self.steps if key in found)

    def ordered(self) -> list[Step]:
        """The steps, each after what it reads at its own time, else as in the trace."""
        left: dict[Key, set[Key]] = {}
        readers: dict[Key, list[Key]] = {}
        for key, step in self.steps.items():
            needs: set[Key] = set()
            for use in step.uses:
                fact = self.facts[use.value]
                needs.update(u.value for u in fact.bounds if u.value in self.steps and self.facts[u.value].axis != step.axis)
                if use.value in self.steps and not use.distance and not (use.time is not None and step.axis == fact.axis):
                    needs.add(use.value)
            left[key] = needs - {key}
            for need in left[key]:
                readers.setdefault(need, []).append(key)
        import heapq

        order = {key: n for n, key in enumerate(sorted(self.steps, key=lambda k: _sortable(self.steps[k].place)))}
        ready = [(order[key], n, key) for n, key in enumerate(self.steps) if not left[key]]
        heapq.heapify(ready)
        found: list[Step] = []
        while ready:
            _, n, key = heapq.heappop(ready)
            found.append(self.steps[key])
            for reader in readers.get(key, ()):
                left[reader].discard(key)
                if not left[reader]:
                    heapq.heappush(ready, (order[reader], n + 1, reader))
        if len(found) < len(self.steps):
            raise Unclear("values need each other at one step")
        return found


def _sortable(place: Iterable[object]) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(int(n) for n in p) if isinstance(p, tuple) else (int(p),) if isinstance(p, int) else (0,) for p in place)


def exchanged(step: Step, old: Key, new: Use) -> Step:
    """The step reading something else in place of a value."""
    slots = tuple((name, tuple(new if use.value == old else use for use in uses)) for name, uses in step.slots)
    return replace(step, slots=slots)
