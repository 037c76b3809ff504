"""Folding: the steps over an axis become one plate, read off from how the steps differ."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from netfig.graph.plates_index import INDEX_ATTRIBUTES, join_id, reindexed, split_id
from netfig.graph.plates_pack import packed, unpacked
from netfig.graph.plates_unroll import Parts
from netfig.graph.types import Affine, Dim, Note, Op, Port, Ref, Scope, Slot, Value

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfig.graph.plates_index import Place
    from netfig.graph.types import Attributes

T = TypeVar("T", bound="Value | Op | Scope")
Boundary = tuple[str, int, str]


class Family(NamedTuple, Generic[T]):
    """Things that are one in the folded graph, by place."""

    id: str
    members: list[tuple[Place, T]]


class _Read(NamedTuple):
    """Some refs of one slot of one step that are one use in the folded graph: one value, or all along `gathered`."""

    id: str
    base: str
    place: Place
    gathered: tuple[str, ...]
    ref: Ref


def folded(parts: Parts, axes: Sequence[str], *, every: bool, known: Mapping[str, tuple[str, Place]] | None = None) -> Parts:
    """A graph underway with the steps over `axes` folded into plates, as far as the steps tell; nothing is checked.

    `every`: look at all steps, otherwise at the first and last few. `known` saves reading ids apart.
    """
    return _Fold(parts, axes, every, known or {}).parts()


class _Fold:
    def __init__(self, given: Parts, axes: Sequence[str], every: bool, known: Mapping[str, tuple[str, Place]]) -> None:
        self.given, self.axes, self.every = given, tuple(axes), every
        self.order = {a.id: i for i, a in enumerate(given.axes)}
        self._rank = {axis: i for i, axis in enumerate(axes)}
        steps: dict[str, set[int]] = {axis: set() for axis in axes}
        for scope in given.scopes:
            number = scope.attribute("index")
            if scope.kind == "step" and scope.axis in steps and isinstance(number, int):
                steps[scope.axis].add(number)
        self.spans = {axis: range(min(seen), max(seen) + 1) if seen else range(0) for axis, seen in steps.items()}
        self._parsed: dict[str, tuple[str, Place]] = dict(known)
        self.values = self._families(given.values)
        self.initial: dict[str, list[Boundary]] = {}
        self.final: dict[str, list[Boundary]] = {}

    def place_of(self, id: str) -> tuple[str, Place]:
        """The id in the folded graph, and which one of its family this is."""
        found = self._parsed.get(id)
        if found is None:
            base, entries = split_id(id)
            place = {axis: number for axis, number in entries if axis in self.spans and number in self.spans[axis]}
            rest = [entry for entry in entries if entry[0] not in place] if place else []
            found = self._parsed[id] = (join_id(base, rest), place) if place else (id, place)
        return found

    def _families(self, things: Iterable[T]) -> dict[str, Family[T]]:
        found: dict[str, Family[T]] = {}
        for thing in things:
            base, place = self.place_of(thing.id)
            if base not in found:
                found[base] = Family(base, [])
            found[base].members.append((place, thing))
        return found

    def _some(self, family: Family[T]) -> list[tuple[Place, T]]:
        """Members enough to read a rule off: the first and last few of the outermost axis, and of the inner ones in each."""
        members = family.members
        if self.every or len(members) <= 5:
            return members
        if len(self.axes) == 1:
            return [*members[:3], *members[-2:]]
        main = self.axes[0]
        steps: dict[int, list[tuple[Place, T]]] = {}
        for member in members:
            steps.setdefault(member[0].get(main, 0), []).append(member)
        ends = sorted(steps)
        some = [steps[number] for number in dict.fromkeys([*ends[:3], *ends[-2:]])]
        return [one for step in some for one in (step if len(step) <= 4 else [*step[:3], step[-1]])]

    def parts(self) -> Parts:
        """The folded graph."""
        given = self.given
        ops = [self._op(family) for family in self._ops_in_order()]  # finds boundary values on the way
        values = [self._value(family) for family in self.values.values()]
        scopes = [self._scope(family) for family in self._families(given.scopes).values()]
        inputs, outputs = self._ports(given.inputs), self._ports(given.outputs)
        axes = [replace(a, extent=_rolled_extent(a.extent)) if a.id == self.axes[0] else a for a in given.axes]
        return Parts(values, ops, scopes, inputs, outputs, axes, self._notes())

    # ---- values, scopes, ports, notes ----------------------------------------------------------------------------------

    def _value(self, family: Family[Value]) -> Value:
        place, first = family.members[0]
        if not place:
            return first
        entries = split_id(first.id)[1]
        before, after = [n for _, n in entries], [n for axis, n in entries if axis not in place]
        axes = sorted((*place, *first.axes), key=lambda axis: self.order[axis])
        bounds = [
            (*((axis, i, self.place_of(b)[0]) for axis, i, b in own), *found.get(family.id, ()))
            for own, found in ((first.initial, self.initial), (first.final, self.final))
        ]
        return Value(
            family.id,
            first.kind,
            self._type(family),
            reindexed(first.symbol, before, after),
            tuple(axes),
            tuple(self.place_of(name)[0] for name in first.names),
            None if first.storage is None else self.place_of(first.storage)[0],
            None if first.grad_of is None else self.place_of(first.grad_of)[0],
            bounds[0],
            first.data,
            first.origin,
            bounds[1],
        )

    def _type(self, family: Family[Value]) -> Any:
        """The type of a value; a size that goes with an index is a rule (``t-1``)."""
        some = self._some(family)
        first = some[0][1].type
        if first.shape is None or all(v.type.shape == first.shape for _, v in some):
            return first
        shape = []
        for i, dim in enumerate(first.shape):
            sizes = [(place, v.type.shape[i].size) for place, v in some if v.type.shape is not None and len(v.type.shape) > i]
            rule = _rule([(place, size) for place, size in sizes if size is not None], None)
            shape.append(dim if rule is None or not rule.terms else Dim(None, str(rule)))
        return replace(first, shape=tuple(shape))

    def _scope(self, family: Family[Scope]) -> Scope:
        place, first = family.members[0]
        lists = [self._list(ids, place) for ids in (first.inputs, first.outputs, first.owns)]
        if not place:
            return replace(first, inputs=lists[0], outputs=lists[1], owns=lists[2]) if self.values else first
        step = first.kind == "step" and first.axis in place
        return replace(
            first,
            id=family.id,
            kind="plate" if step else first.kind,
            parent=None if first.parent is None else self.place_of(first.parent)[0],
            inputs=lists[0],
            outputs=lists[1],
            owns=lists[2],
            attributes=tuple(pair for pair in first.attributes if pair[0] != "index") if step else first.attributes,
        )

    def _list(self, ids: Sequence[str], place: Place) -> tuple[str, ...]:
        """A list of values: all of a family one after another, along axes that the place has not, are the family."""
        found: list[str] = []
        last = ""
        for id in ids:
            base, its = self.place_of(id)
            if base != last or place.keys() >= its.keys():
                found.append(base)
            last = base if its else ""
        return tuple(found)

    def _ports(self, ports: Sequence[Port]) -> list[Port]:
        found: dict[str, Port] = {}
        for port in ports:
            base, place = self.place_of(port.value)
            name = self.place_of(port.name)[0] if place else port.name
            found.setdefault(name, Port(name, base))
        return list(found.values())

    def _notes(self) -> list[Note]:
        """The notes; what is said of each of a family is said of the family as of its first."""
        first: dict[str, str] = {}
        found = []
        for note in self.given.notes:
            base, place = self.place_of(note.subject)
            if first.setdefault(base, note.subject) == note.subject:
                found.append(replace(note, subject=base) if place else note)
        return found

    # ---- ops -------------------------------------------------------------------------------------------------------------

    def _ops_in_order(self) -> list[Family[Op]]:
        """The ops as the last step has them, then those that it has not."""
        families = self._families(self.given.ops)
        main = self.axes[0]
        last = self.spans[main][-1] if self.spans[main] else 0
        order = dict.fromkeys(
            base for op in self.given.ops for base, place in (self.place_of(op.id),) if place.get(main, last) == last
        )
        return [families[base] for base in (*order, *(base for base in families if base not in order))]

    def _op(self, family: Family[Op]) -> Op:
        place, first = family.members[0]
        some = self._some(family)
        slots = tuple(self._slot(i, slot.name, some) for i, slot in enumerate(first.inputs))
        if not place and slots == first.inputs:
            outputs = self._list(first.outputs, place)
            return first if outputs == first.outputs else replace(first, outputs=outputs)
        scope, outputs = self.place_of(first.scope)[0], self._list(first.outputs, place)
        return replace(first, id=family.id, scope=scope, inputs=slots, outputs=outputs, attributes=_attributes(some))

    def _slot(self, position: int, name: str, some: list[tuple[Place, Op]]) -> Slot:
        rows = [(place, self._reads(op.inputs[position].refs, place)) for place, op in some if len(op.inputs) > position]
        most = max(len(reads) for _, reads in rows)
        rows = [row for row in rows if len(row[1]) == most]  # an empty range reads nothing
        return Slot(name, tuple(self._ref([(place, reads[i]) for place, reads in rows]) for i in range(most)))

    def _reads(self, refs: Sequence[Ref], place: Place) -> list[_Read]:
        """The refs of one slot of one step; where they are all of a family, one after another, they are one read."""
        found: list[_Read] = []
        i = 0
        while i < len(refs):
            base, its = self.place_of(refs[i].value)
            gathered = tuple(axis for axis in its if axis not in place)
            count = 1
            if gathered:
                fixed = {axis: n for axis, n in its.items() if axis not in gathered}
                members = [v.id for p, v in self.values[base].members if all(p[axis] == n for axis, n in fixed.items())]
                if [ref.value for ref in refs[i : i + len(members)]] == members:
                    count, its = len(members), fixed
                else:
                    gathered = ()
            found.append(_Read(refs[i].value, base, its, gathered, refs[i]))
            i += count
        return found

    def _ref(self, rows: list[tuple[Place, _Read]]) -> Ref:
        """The one use that reads so at every step, as far as these steps tell."""
        counted = Counter(read.base for _, read in rows if read.place or read.gathered)
        if not counted:
            return self._with_open(rows[0][1].base, [], [], rows)
        base = max(counted, key=lambda b: (counted[b], b))  # what another value is read instead of is its boundary value
        inside = [(place, read) for place, read in rows if read.base == base]
        if inside[0][1].gathered and not inside[0][1].place:
            return self._with_open(base, [], [], inside)
        rules: dict[str, Affine] = {}
        offset: list[tuple[str, int]] = []
        at: list[tuple[str, Affine]] = []
        for axis in inside[0][1].place:
            rule = _rule([(place, read.place.get(axis, 0)) for place, read in inside], axis) or Affine()
            rules[axis] = rule
            if rule.terms == ((axis, 1),):
                offset += [(axis, rule.constant)] if rule.constant else []
            else:
                at.append((axis, rule))
        for place, read in rows:
            if read.base != base:
                self._bound(base, place, rules, read.base)
        return self._with_open(base, offset, at, inside)

    def _with_open(
        self, base: str, offset: list[tuple[str, int]], at: list[tuple[str, Affine]], rows: list[tuple[Place, _Read]]
    ) -> Ref:
        """The use with its indices along axes that are not folded; a distance that goes with an index is a place (``t-i``)."""
        offset = [*offset, *rows[0][1].ref.offset]
        at = [*at, *rows[0][1].ref.at]
        if any(read.ref.offset != rows[0][1].ref.offset for _, read in rows):
            for axis in dict.fromkeys(axis for _, read in rows for axis, _ in read.ref.offset):
                rule = _rule([(place, dict(read.ref.offset).get(axis, 0)) for place, read in rows], None)
                offset = [pair for pair in offset if pair[0] != axis]
                at.append((axis, Affine(((axis, 1), *(rule or Affine()).terms), (rule or Affine()).constant)))
        return Ref(base, tuple(offset), tuple(at))

    def _bound(self, base: str, place: Place, rules: dict[str, Affine], boundary: str) -> None:
        """Note a boundary value: `boundary` is read where `base` would be by the rules, outside its range."""
        for axis, rule in rules.items():
            number = rule.at(place).number
            span = self.spans[axis]
            if number is None or number in span:
                continue
            found, index = (self.initial, number) if number < span.start else (self.final, number - span.stop + 1)
            entry = (axis, index, boundary)
            if entry not in found.setdefault(base, []):
                found[base].append(entry)
                found[base].sort(key=lambda one: one[1])
            return


def _attributes(some: list[tuple[Place, Op]]) -> Attributes:
    """The attributes of an op; an index that goes with the steps is a rule (``t-1``)."""
    first = some[0][1].attributes
    if all(op.attributes == first for _, op in some):
        return first
    found = []
    for position, (key, value) in enumerate(first):
        rows = [(place, op.attributes[position][1]) for place, op in some if len(op.attributes) > position]
        if key in INDEX_ATTRIBUTES and any(one != value for _, one in rows):
            known = [(place, int(one)) for place, one in rows if isinstance(one, str) and one.lstrip("-").isdigit()]
            rule = _rule(known, None)
            value = value if rule is None else str(rule)
        found.append((key, value))
    return tuple(found)


def _rolled_extent(extent: Dim) -> Dim:
    return Dim(None, extent.name) if extent.name is not None else extent


def _rule(rows: list[tuple[Place, int]], own: str | None) -> Affine | None:
    """The simplest sum that gives each number at its place: a distance from `own`, a constant, another index, or both.

    Where none gives all of them, the one that gives most, so that the others can be shown to differ from it.
    """
    if not rows:
        return None
    axes = [axis for axis in rows[0][0] if axis != own]
    here: list[tuple[tuple[str, int], ...]] = [((own, 1),)] if own is not None and own in rows[0][0] else []
    others: list[tuple[tuple[str, int], ...]] = [((axis, sign),) for axis in axes for sign in (1, -1)]
    best, most = Affine(), 0
    for terms in [*here, (), *others, *(mine + other for mine in here for other in others)]:
        rests = Counter(number - sum(place[axis] * factor for axis, factor in terms) for place, number in rows)
        rest, count = rests.most_common(1)[0]
        if count > most:
            best, most = Affine(terms, rest), count
    return best


# ---- what the steps do not tell ---------------------------------------------------------------------------------------------


def difference(found: Parts, wanted: Parts) -> tuple[Any, ...]:
    """What has to be changed in one graph underway to make it the other, as an attribute."""
    entries: list[Any] = []
    for name in ("values", "ops", "scopes", "axes", "inputs", "outputs"):
        mine, theirs = getattr(found, name), getattr(wanted, name)
        if mine == theirs:
            continue
        by_id = {_key(thing): thing for thing in mine}
        ids = [_key(thing) for thing in theirs]
        entries += [(name, packed(thing)) for thing in theirs if by_id.get(_key(thing)) != thing]
        changed = dict(by_id) | dict.fromkeys(ids)
        if list(changed) != ids:
            entries.append((name, "order", tuple(ids)))
    if found.notes != wanted.notes:
        entries.append(("notes", "all", packed(tuple(wanted.notes))))
    return tuple(entries)


def changed(found: Parts, entries: Iterable[Any]) -> Parts:
    """A graph underway with a `difference` applied."""
    lists: dict[str, dict[str, Any]] = {
        name: {_key(thing): thing for thing in getattr(found, name)} for name in ("values", "ops", "scopes", "axes")
    }
    lists |= {name: {port.name: port for port in getattr(found, name)} for name in ("inputs", "outputs")}
    notes = found.notes
    for name, what, *more in entries:
        if name == "notes":
            notes = list(unpacked(more[0]))
        elif what == "order":
            lists[name] = {id: lists[name][id] for id in more[0] if id in lists[name]}
        else:
            thing = unpacked(what)
            lists[name][_key(thing)] = thing
    return replace(found, notes=notes, **{name: list(by_id.values()) for name, by_id in lists.items()})


def _key(thing: Any) -> str:
    key: str = thing.name if isinstance(thing, Port) else thing.id
    return key
