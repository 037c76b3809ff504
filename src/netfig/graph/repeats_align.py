"""Laying the members of a repeat on one another: which of their things are one thing of the template.

Every use is looked at over all members at once. It is one of: the same thing inside each member; the same value for all (a mask);
a stored value of each member's own (its weight); what the member before made, and something from outside for the first (the value
that runs along); or another value from outside for each (one skip connection for each stage). Anything else is no repeat.
"""

from __future__ import annotations

from dataclasses import field
from typing import TYPE_CHECKING

from netfig.graph.types import Ref
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.graph.repeats_state import Node, State
    from netfig.graph.types import Scope

Column = tuple[str, ...]
STORED = ("parameter", "buffer", "constant")


class Unlike(Exception):
    """The members cannot be laid on one another; `member` is the first that is not like those before, where one is to blame."""

    def __init__(self, why: str, member: int | None = None) -> None:
        super().__init__(why)
        self.member = member


@dataclass
class Member:
    """The things of one member, in order. `made` are the values its ops make and those its plates hand in and out."""

    nodes: Sequence[Node]
    ops: list[str] = field(default_factory=list)
    scopes: list[str] = field(default_factory=list)
    axes: list[str] = field(default_factory=list)
    extras: list[str] = field(default_factory=list)
    made: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, nodes: Sequence[Node], state: State) -> Member:
        """The things below some nodes that stand side by side."""
        found = cls(nodes)
        for top in nodes:
            for node in top.inside():
                if node.is_op:
                    found.ops.append(node.id)
                    continue
                found.scopes.append(node.id)
                found.extras += node.extras
                axis = state.scopes[node.id].axis
                if axis is not None:
                    found.axes.append(axis)
        orders = state.orders
        found.ops, found.scopes = orders["ops"].sorted(found.ops), orders["scopes"].sorted(found.scopes)
        found.axes, found.extras = orders["axes"].sorted(found.axes), orders["values"].sorted(found.extras)
        outputs = [out for op in found.ops for out in state.ops[op].outputs]
        found.made = {value: i for i, value in enumerate([*outputs, *found.extras])}
        return found


@dataclass
class Entry:
    """A value handed in: its feeds by ids of the first members and positions among what a member makes."""

    column: Column
    first: tuple[str, ...]
    back: int = 0
    position: int = -1

    def feeds(self, axis: str, template: Sequence[str]) -> tuple[Ref, ...]:
        """As `Value.feeds`."""
        outer = tuple(Ref(value) for value in self.first)
        return (*outer, Ref(template[self.position], ((axis, -self.back),))) if self.back else outer


class Alignment:
    """Members laid on one another; raises `Unlike`.

    `use[column]` is what a column of uses is: ("made", position), ("same", id), ("own", number), ("entry", number).
    """

    def __init__(self, state: State, members: Sequence[Member]) -> None:
        self.state, self.members = state, members
        self.count = len(members)
        self.use: dict[Column, tuple[str, int | str]] = {}
        self.families: list[Column] = []
        self.entries: list[Entry] = []
        self._owner = {value: (k, i) for k, member in enumerate(members) for value, i in member.made.items()}
        self._own: set[str] = set()
        self._home = {id: k for k, member in enumerate(members) for id in (*member.ops, *member.scopes)}
        self._inside = {
            (word, id)
            for member in members
            for word, ids in (("op", member.ops), ("scope", member.scopes), ("value", member.made), ("owner", member.scopes))
            for id in ids
        }
        self._sizes()
        self._all_ops()
        self._all_extras()
        self._all_scopes()

    @property
    def is_chain(self) -> bool:
        """Whether a member reads what the one before made."""
        return any(entry.back for entry in self.entries)

    def outside(self, value: str) -> list[tuple[str, str]]:
        """Who reads a value and is in no member."""
        readers = self.state.readers.get(value, ())
        return [reader for reader in readers if reader not in self._inside and self.state.living(reader)]

    # ---- going through all things ----------------------------------------------------------------------------------------

    def _sizes(self) -> None:
        first = self.members[0]
        for k, member in enumerate(self.members):
            for name in ("ops", "scopes", "axes", "made"):
                if len(getattr(member, name)) != len(getattr(first, name)):
                    raise Unlike(f"it has {len(getattr(member, name))} {name}, not {len(getattr(first, name))}", k)

    def _all_ops(self) -> None:
        ops = self.state.ops
        for ids in zip(*[member.ops for member in self.members], strict=True):
            row = [ops[id] for id in ids]
            first = row[0]
            for k, op in enumerate(row):
                if (op.kind, op.phase, len(op.outputs), len(op.inputs)) != (
                    first.kind,
                    first.phase,
                    len(first.outputs),
                    len(first.inputs),
                ):
                    raise Unlike(f"{op.id!r} is not like {first.id!r}", k)
            for slots in zip(*[op.inputs for op in row], strict=True):
                for k, slot in enumerate(slots):
                    if slot.name != slots[0].name or len(slot.refs) != len(slots[0].refs):
                        raise Unlike(f"{row[k].id!r} reads {len(slot.refs)} values as {slot.name}, not {len(slots[0].refs)}", k)
                for refs in zip(*[slot.refs for slot in slots], strict=True):
                    if any(ref.offset or ref.at for ref in refs):
                        raise Unlike("it reads at another index")
                    self.resolve(tuple([ref.value for ref in refs]))

    def _all_extras(self) -> None:
        """What the plates in the members are fed by."""
        values = self.state.values
        for ids in zip(*[member.extras for member in self.members], strict=True):
            row = [values[id].feeds for id in ids]
            if any(len(feeds) != len(row[0]) for feeds in row):
                raise Unlike("it has more to hand in")
            for feeds in zip(*row, strict=True):
                self.resolve(tuple([feed.value for feed in feeds]))
        for ids in zip(*[member.made for member in self.members], strict=True):
            gradients = [values[id].grad_of for id in ids]
            told = [one for one in gradients if one is not None]
            if told and len(told) != len(gradients):
                raise Unlike("a gradient is not one in all of them")
            if told:
                self.resolve(tuple(told))

    def _all_scopes(self) -> None:
        scopes = self.state.scopes
        later: list[tuple[str, ...]] = []  # a second call of a module owns nothing
        for ids in zip(*[member.scopes for member in self.members], strict=True):
            row = [scopes[id] for id in ids]
            for k, scope in enumerate(row):
                if _shape(scope) != _shape(row[0]):
                    raise Unlike(f"{scope.id!r} is not like {row[0].id!r}", k)
            for name in ("inputs", "outputs", "owns"):
                listed = [getattr(scope, name) for scope in row]
                if len({len(one) for one in listed}) == 1:
                    for column in zip(*listed, strict=True):
                        self.resolve(column)
                elif name != "owns":
                    raise Unlike(f"{row[0].id!r} has not as many {name} in all of them")
                else:
                    later.append(row[0].owns)
        if any(value in self._own or value in self._owner for owns in later for value in owns):
            raise Unlike("they do not own the same")

    # ---- one use over all members ----------------------------------------------------------------------------------------

    def resolve(self, column: Column) -> tuple[str, int | str]:
        """What a column of uses is."""
        found = self.use.get(column)
        if found is None:
            found = self.use[column] = self._resolve(column)
        return found

    def _resolve(self, column: Column) -> tuple[str, int | str]:
        positions = [member.made.get(value) for value, member in zip(column, self.members, strict=True)]
        if positions[0] is not None:
            for k, position in enumerate(positions):
                if position != positions[0]:
                    raise Unlike(f"it reads {column[k]!r} where the first reads {column[0]!r} of its own", k)
            return "made", positions[0]
        for k, position in enumerate(positions):
            if position is not None:
                raise Unlike(f"it reads {column[k]!r} of its own where the first reads {column[0]!r}", k)
        if all(value == column[0] for value in column):
            if column[0] in self._owner:
                raise Unlike(f"all read {column[0]!r}, which one of them makes")
            return "same", column[0]
        if self._is_family(column):
            self.families.append(column)
            return "own", len(self.families) - 1
        self.entries.append(self._entry(column))
        return "entry", len(self.entries) - 1

    def _entry(self, column: Column) -> Entry:
        owners = [self._owner.get(value) for value in column]
        start = next((k for k, owner in enumerate(owners) if owner is not None), None)
        if start is None:
            last = len(column)
            while last > 1 and column[last - 1] == column[last - 2]:
                last -= 1
            return Entry(column, column[:last])
        owner = owners[start]
        assert owner is not None
        back, position = start - owner[0], owner[1]
        for k in range(start, len(column)):
            if owners[k] != (k - back, position):
                raise Unlike(f"it reads {column[k]!r}, which is not what the others read there", k)
        if back != start or back < 1:
            raise Unlike(f"it reads {column[start]!r} of an earlier one, the one before it does not", start)
        return Entry(column, column[:start], back, position)

    def _is_family(self, column: Column) -> bool:
        """Whether these are stored values, one of each member's own."""
        values = self.state.values
        if any(values[value].kind not in STORED for value in column) or len(set(column)) < len(column):
            return False
        if any(value in self._own for value in column):
            raise Unlike(f"{column[0]!r} is used by several of them in different places")
        if len({values[value].kind for value in column}) > 1 or len({len(values[value].names) for value in column}) > 1:
            return False
        for value in column:
            if any(word != "owner" for word, _ in self.outside(value)):
                return False
        for k, value in enumerate(column):
            if any(reader in self._inside and not self._reads_in(reader, k) for reader in self.state.readers.get(value, ())):
                return False
        self._own.update(column)
        return True

    def _reads_in(self, reader: tuple[str, str], k: int) -> bool:
        word, id = reader
        return id in self.members[k].made if word == "value" else self._home[id] == k


def _shape(scope: Scope) -> tuple[object, ...]:
    return (scope.kind, scope.type_name, len(scope.inputs), len(scope.outputs), scope.axis is None)
