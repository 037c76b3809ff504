"""A graph as atoms: what counts as one thing in a tower, and which values flow from one to another.

An atom is an op, a call of a function such as ``linear``, or an attention. Ops that hand the same elements on are left out, and
so are those that depend on nothing that flows in (masks, positions); both are counted. `Net.group` makes one atom of several.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import field

from netfig.graph import Graph, Op
from netfig.graph.attention import AttentionBlock, attention_blocks
from netfig.graph.repeats_read import sources, times
from netfig.records import dataclass
from netfig.renderers.kinds import RESHAPES, kind_of

STORED = ("parameter", "buffer")
HELPERS = RESHAPES | {"ravel", "flatten", "narrow", "pad_sequence", "_to_copy", "to", "lift_fresh_copy", "clone", "contiguous"}
"""Ops that hand on what they are given; for towers the order of the elements is no matter."""
PARTS = frozenset({"getitem", "slice", "select", "narrow", "index_select"})


@dataclass(frozen=True)
class Read:
    """A use of a value: the slot, the value as it is read, what made it or stores it, and the atom that made it, if any."""

    slot: str
    seen: str
    value: str
    maker: str = ""


@dataclass(slots=True)
class Atom:
    """See the module docstring. `kind` is an op kind or function name until something says more: ``norm``, ``feed``, …"""

    id: str
    kind: str
    ops: list[str]
    scope: str
    order: int
    reads: list[Read] = field(default_factory=list)
    makes: list[str] = field(default_factory=list)
    block: AttentionBlock | None = None
    facts: dict[str, object] = field(default_factory=dict)

    @property
    def flows(self) -> list[Read]:
        """What it reads of other atoms and of the inputs."""
        return [read for read in self.reads if read.maker]


class Net:
    """The atoms of a graph in the order they run; inputs and outputs of the graph are atoms of kind ``input`` and ``output``."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.atoms: dict[str, Atom] = {}
        self.maker: dict[str, str] = {}  # value → atom
        self.helpers: list[str] = []  # ops left out because they hand on what they are given
        self.constants: dict[str, Op] = {}  # value → the op that made it of nothing that flows
        self._readers: dict[str, list[str]] = {}  # atom → those that read it, as long as nothing is grouped
        self._stands: dict[str, tuple[str, ...]] = {}  # value → the values it is a copy of
        self._blocks = {block.scope.id: block for block in attention_blocks(graph)}
        self._units = self._find_units()
        self._ports()
        self._walk()
        self._results()

    # -- building ---------------------------------------------------------------------------------------------------

    def _find_units(self) -> dict[str, str]:
        """For each scope the outermost function or attention around it whose ops are one atom, or ``""``."""
        opened: set[str] = set()  # functions with an attention in them are no unit
        for id in self._blocks:
            scope = self.graph.scope_by_id[id].parent
            while scope is not None:
                opened.add(scope)
                scope = self.graph.scope_by_id[scope].parent
        found: dict[str, str] = {}
        for scope_ in self.graph.scopes:
            outer = found.get(scope_.parent or "", "")
            closed = scope_.id in self._blocks or (scope_.kind == "function" and scope_.id not in opened)
            found[scope_.id] = outer or (scope_.id if closed else "")
        return found

    def _ports(self) -> None:
        for index, port in enumerate(self.graph.inputs):
            name = f"in/{port.value}"
            if name not in self.atoms:
                self._add(Atom(name, "input", [], self.graph.root.id, index - 10**6, makes=[port.value]))

    def _add(self, atom: Atom) -> None:
        self.atoms[atom.id] = atom
        for value in atom.makes:
            self.maker[value] = atom.id
            self._stands[value] = (value,)

    def _walk(self) -> None:
        units: dict[str, list[Op]] = {}
        for op in self.graph.ops:
            units.setdefault(self._units[op.scope] or f"\x00{op.id}", []).append(op)
        alive: set[str] = {v.id for v in self.graph.values if v.kind in ("input", "parameter")}
        for order, (unit, ops) in enumerate(units.items()):
            inside = {value for op in ops for value in op.outputs}
            reads = [
                Read(slot.name, ref.value, made)
                for op in ops
                for slot in op.inputs
                for ref in slot.refs
                if ref.value not in inside
                for made in self.stands(ref.value)
            ]
            if not any(read.value in alive for read in reads):
                for op in ops:
                    self.constants.update(dict.fromkeys(op.outputs, op))
                continue
            alive |= inside
            name = unit.removeprefix("\x00")
            scope = self.graph.scope_by_id.get(unit)
            kind = scope.type_name if scope is not None else ops[0].kind
            if scope is None and self._hands_on(ops[0], reads):
                self.helpers.append(ops[0].id)
                self._stands.update(dict.fromkeys(ops[0].outputs, tuple(dict.fromkeys(r.value for r in reads[:1]))))
                continue
            if scope is not None and scope.id not in self._blocks and self._hands_on_all(kind, ops, reads):
                self.helpers += [op.id for op in ops]
                self._stands.update(dict.fromkeys(inside, (reads[0].value,)))
                continue
            where = (scope.parent or self.graph.root.id) if scope is not None else ops[0].scope
            atom = Atom(name, "attention" if unit in self._blocks else kind, [op.id for op in ops], where, order, reads)
            atom.block = self._blocks.get(unit)
            atom.makes = [value for op in ops for value in op.outputs]
            self._add(atom)
        self._link()

    def _hands_on(self, op: Op, reads: Sequence[Read]) -> bool:
        if op.kind not in HELPERS and not kind_of(self.graph, op).helper and not self._takes_all(op, reads):
            return False
        flowing = {r.value for r in reads if r.value in self.maker}
        stored = {r.value for r in reads if self.graph.value_by_id[r.value].kind in STORED}
        return len(flowing) + len(stored) == 1

    def _takes_all(self, op: Op, reads: Sequence[Read]) -> bool:
        """Whether an op takes a part that is all there is, or a part of what is stored."""
        if op.kind not in PARTS or len(reads) != 1:
            return False
        values = self.graph.value_by_id
        whole = values[reads[0].seen].type.shape == values[op.outputs[0]].type.shape
        taken = str(op.attribute("target"))
        return (whole and ("slice" in taken or "alias" in taken)) or values[reads[0].value].kind == "parameter"

    def _hands_on_all(self, kind: str, ops: Sequence[Op], reads: Sequence[Read]) -> bool:
        only = len({r.value for r in reads}) == 1
        return only and all(op.kind in HELPERS or kind_of(self.graph, op).helper for op in ops)

    def stands(self, value: str) -> tuple[str, ...]:
        """The values a value is a copy of, through plates and helpers: those that atoms make, that are stored or constant."""
        found: dict[str, None] = {}
        for one in sources(self.graph, value):
            found.update(dict.fromkeys(self._stands.get(one, (one,))))
        return tuple(found)

    def _link(self) -> None:
        for atom in self.atoms.values():
            atom.reads = [Read(r.slot, r.seen, r.value, self.maker.get(r.value, "")) for r in atom.reads]

    def _results(self) -> None:
        for index, port in enumerate(self.graph.outputs):
            name = f"out/{port.value}"
            if name in self.atoms:
                continue
            reads = [Read("", port.value, made, self.maker.get(made, "")) for made in self.stands(port.value)]
            self.atoms[name] = Atom(name, "output", [], self.graph.root.id, 10**6 + index, reads)

    # -- changing ---------------------------------------------------------------------------------------------------

    def group(self, ids: Iterable[str], kind: str, id: str = "", **facts: object) -> Atom:
        """One atom of several; it stands where the last of them stood."""
        members = sorted((self.atoms[one] for one in dict.fromkeys(ids)), key=lambda a: a.order)
        inside = {value for atom in members for value in atom.makes}
        last = members[-1]
        reads = [read for atom in members for read in atom.reads if read.value not in inside]
        joined = Atom(id or last.id, kind, [op for a in members for op in a.ops], self._around(members), last.order, reads)
        joined.makes = [value for atom in members for value in atom.makes]
        joined.block = next((a.block for a in members if a.block is not None), None)
        joined.facts = dict(facts)
        self._readers.clear()
        for atom in members:
            del self.atoms[atom.id]
        self.atoms[joined.id] = joined
        self.maker.update(dict.fromkeys(joined.makes, joined.id))
        for atom in self.atoms.values():
            atom.reads = [Read(r.slot, r.seen, r.value, self.maker.get(r.value, "")) for r in atom.reads]
        return joined

    def _around(self, members: Sequence[Atom]) -> str:
        """The innermost scope that all of some atoms stand in."""
        chains = [self.scopes_around(atom) for atom in members]
        shared = [one for one in chains[0] if all(one in chain for chain in chains)]
        return shared[-1]

    # -- asking -----------------------------------------------------------------------------------------------------

    def scopes_around(self, atom: Atom) -> list[str]:
        """The scopes an atom stands in, the outermost first."""
        found: list[str] = []
        scope: str | None = atom.scope
        while scope is not None:
            found.append(scope)
            scope = self.graph.scope_by_id[scope].parent
        return found[::-1]

    def readers(self, id: str) -> list[Atom]:
        """The atoms that read what an atom makes, in order."""
        if not self._readers:
            for atom in self.in_order():
                for maker in dict.fromkeys(read.maker for read in atom.flows):
                    self._readers.setdefault(maker, []).append(atom.id)
        return [self.atoms[one] for one in self._readers.get(id, ()) if one in self.atoms]

    def leading_to(self, id: str) -> set[str]:
        """The atoms that an atom is made of, itself left out."""
        found: set[str] = set()
        stack = [id]
        while stack:
            for read in self.atoms[stack.pop()].flows:
                if read.maker not in found:
                    found.add(read.maker)
                    stack.append(read.maker)
        return found

    def in_order(self) -> list[Atom]:
        """All atoms in the order they run."""
        return sorted(self.atoms.values(), key=lambda atom: atom.order)

    def stored(self, atom: Atom) -> Iterator[str]:
        """The parameters and buffers an atom reads."""
        for read in atom.reads:
            if not read.maker and self.graph.value_by_id[read.value].kind in STORED:
                yield read.value

    def made_by(self, value: str) -> set[str]:
        """The kinds of ops that a value that does not flow is made by."""
        found: dict[str, str] = {}
        stack = [value]
        while stack:
            op = self.constants.get(stack.pop())
            if op is not None and op.id not in found:
                found[op.id] = op.kind
                stack += op.reads
        return set(found.values())

    def often(self, ops: Iterable[str]) -> int:
        """How many real ops some ops of a folded graph stand for."""
        return sum(times(self.graph, op) for op in ops)
