"""Which atom stands in which tower, in which panel, in which order, and which values are drawn as wires.

A tower is a chain of panels with what leads to it and from it. What one tower hands to the keys and values of another is memory.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping

from netfig.graph import Scope
from netfig.graph.repeats_read import is_repeat
from netfig.records import dataclass
from netfig.renderers.tower_atoms import Atom, Net, Read

JOINING = frozenset({"add", "cat", "concat", "mul", "sub"})
MOST_BESIDE = 3


@dataclass(frozen=True)
class Step:
    """One box of a column: its atom, the panels around it (outermost first), and what is read from boxes beside it."""

    atom: Atom
    panels: tuple[str, ...]
    beside: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plan:
    """The towers, each from the bottom up; `panels` are the scopes drawn as panels; `wires` are (source, target, read)."""

    towers: tuple[tuple[Step, ...], ...]
    panels: Mapping[str, Scope]
    wires: tuple[tuple[str, str, Read], ...]
    unseen: tuple[str, ...]
    outputs_left: tuple[str, ...]
    inputs_left: tuple[str, ...]


def main_reads(net: Net, atom: Atom) -> list[tuple[str, Read]]:
    """What flows into an atom and is drawn, with the slot it is drawn at: of attention Q, K and V, of others everything."""
    if atom.kind != "attention":
        seen: dict[str, Read] = {}
        for read in atom.flows:
            if not (atom.kind in ("getitem", "index", "index_select", "gather") and read.slot in ("indices", "index")):
                seen.setdefault(read.maker, read)
        return [("", read) for read in seen.values()]
    flows = {read.value: read for read in reversed(atom.flows)}
    if atom.block is not None:
        found = []
        for slot, value in zip("QKV", atom.block.sources, strict=True):
            found += [(slot, flows[one]) for one in net.stands(value) if one in flows][:1]
        return found
    sources = atom.facts.get("sources")
    values = [flows[value] for value in sources if value in flows] if isinstance(sources, tuple) else []
    if len(values) == 1:
        return [(slot, values[0]) for slot in "QKV"]
    return [("", read) for read in values]  # which of them is what, nobody has made out


def make_plan(net: Net) -> Plan:
    """See the module docstring."""
    return _Planner(net).plan()


class _Planner:
    def __init__(self, net: Net) -> None:
        self.net = net
        self.outputs_left: list[str] = []
        self._choose_outputs()
        self.reads = {atom.id: main_reads(net, atom) for atom in net.in_order()}
        self.shown = self._useful()
        self.beside = self._find_beside()
        self.panels = self._find_panels()
        if self._fuse():
            self.reads = {atom.id: main_reads(net, atom) for atom in net.in_order()}
            self.shown = self._useful()
            self.beside = self._find_beside()
        self.around = {id: self._panels_around(net.atoms[id]) for id in self.shown}

    def plan(self) -> Plan:
        net = self.net
        order = self._order()
        homes = self._homes(order)
        towers = []
        for tower in sorted(set(homes.values())):
            ids = [id for id in order if homes.get(id) == tower]
            level: dict[int, list[str]] = {}
            for k, id in enumerate(ids):
                for chain in self.beside.get(id, ()):
                    for nth, one in enumerate(chain):
                        level.setdefault(max(k - nth, 0), []).append(one)
            towers.append(tuple(Step(net.atoms[id], self.around[id], tuple(level.get(k, ()))) for k, id in enumerate(ids)))
        beside = [one for chains in self.beside.values() for chain in chains for one in reversed(chain)]
        drawn = {*homes, *beside}
        wires = tuple(
            (read.maker, id, Read(slot, read.seen, read.value, read.maker))
            for id in (*order, *beside)
            for slot, read in self.reads[id]
            if read.maker in drawn
        )
        unseen = tuple(a.id for a in net.in_order() if a.id not in drawn and a.kind not in ("input", "output"))
        inputs = tuple(a.id for a in net.in_order() if a.kind == "input" and a.id not in drawn)
        return Plan(tuple(towers), self.panels, wires, unseen, tuple(self.outputs_left), inputs)

    # ---- what is drawn -----------------------------------------------------------------------------------------------

    def _choose_outputs(self) -> None:
        """The first output, and those that nothing reads on; the others are handed back on the way (states, caches)."""
        makers: dict[str, str] = {}
        for nth, atom in enumerate([a for a in self.net.in_order() if a.kind == "output"]):
            maker = next((read.maker for read in atom.reads if read.maker), "")
            inner = bool(maker) and any(a.kind != "output" for a in self.net.readers(maker))
            if nth and (not maker or maker in makers or inner or self.net.atoms[maker].kind in ("attention", "input")):
                self.outputs_left.append(atom.id)
                del self.net.atoms[atom.id]
            else:
                makers[maker] = atom.id

    def _useful(self) -> list[str]:
        """Atoms from which a drawn way leads to an output, in order."""
        wanted = {a.id for a in self.net.in_order() if a.kind == "output"}
        stack = list(wanted)
        while stack:
            for _, read in self.reads[stack.pop()]:
                if read.maker not in wanted:
                    wanted.add(read.maker)
                    stack.append(read.maker)
        return [a.id for a in self.net.in_order() if a.id in wanted]

    def _find_beside(self) -> dict[str, list[list[str]]]:
        """What stands beside the column: for each sum or join the chains that lead to it and to nothing else, all but one.

        The one that stays in the column is the first that something flows through, unless more than a chain leads there.
        A chain is listed from the sum downwards.
        """
        found: dict[str, list[list[str]]] = {}
        for id in self.shown:
            makers = list(dict.fromkeys(read.maker for _, read in self.reads[id]))
            if self.net.atoms[id].kind not in JOINING or len(makers) < 2:
                continue
            chains = {one: self._chain(one, id) for one in makers}
            if all(chains.values()):
                stays = next((one for one in makers if self.net.atoms[chains[one][-1]].kind == "input"), makers[0])
                chains[stays] = []
            room = 1 + max(len(self.net.leading_to(one)) for one in makers if not chains[one])
            found[id] = [chain for chain in chains.values() if chain and len(chain) <= room]
        return found

    def _chain(self, id: str, reader: str) -> list[str]:
        """The atoms of a chain from `id` down, if nothing else reads one of them and none has a panel; else nothing."""
        found: list[str] = []
        while id:
            readers = [one for one in self.shown if any(read.maker == id for _, read in self.reads[one])]
            makers = {read.maker for _, read in self.reads[id]}
            atom = self.net.atoms[id]
            if readers != [reader] or len(makers) > 1 or len(found) == MOST_BESIDE or atom.kind == "attention":
                return []
            if any(self.net.graph.scope_by_id[scope].kind == "plate" for scope in self.net.scopes_around(atom)):
                return []
            found.append(id)
            reader, id = id, next(iter(makers), "")
        return found

    def _fuse(self) -> bool:
        """A norm that alone reads a residual sum, in one panel with it, is one box with it: post-norm."""
        net = self.net
        handed = {feed.value for value in net.graph.values for feed in value.feeds}
        found = False
        for atom in [a for a in net.in_order() if a.kind == "add"]:
            after = net.readers(atom.id)
            if len(after) != 1 or after[0].kind != "norm" or len({r.maker for r in after[0].flows}) != 1:
                continue
            makers = {read.maker for read in atom.flows}
            residual = any(one in net.leading_to(other) for one in makers for other in makers if one != other)
            same = self._panels_around(atom) == self._panels_around(after[0])
            if residual and same and not handed & set(atom.makes):
                words = after[0].facts["words"]
                net.group((atom.id, after[0].id), "addnorm", words=words)
                found = True
        return found

    # ---- panels ------------------------------------------------------------------------------------------------------

    def _find_panels(self) -> dict[str, Scope]:
        """Plates over members, and modules that do what such a member does: attention with a sum in one module."""
        graph = self.net.graph
        found = {s.id: s for s in graph.scopes if s.kind == "plate" and any(a.id == s.axis and is_repeat(a) for a in graph.axes)}
        kinds = {inner.type_name for s in found.values() for inner in graph.scopes if inner.parent == s.id}
        for id in self.shown:
            atom = self.net.atoms[id]
            around = self.net.scopes_around(atom)
            if atom.kind != "attention" or any(scope in found for scope in around):
                continue
            block = self._block_around(atom, around, kinds)
            if block:
                found[block] = graph.scope_by_id[block]
        return {s.id: s for s in graph.scopes if s.id in found}

    def _block_around(self, atom: Atom, around: list[str], kinds: set[str]) -> str:
        """The smallest module around an attention that has a feed-forward network in it, too, else one with a sum."""
        scopes = self.net.graph.scope_by_id
        modules = [s for s in around if scopes[s].kind == "module" and s != self.net.graph.root.id]
        alike = [s for s in modules if scopes[s].type_name in kinds]
        if alike:
            return alike[-1]
        for wanted in ("feed", "mixture", "add", "addnorm"):
            for scope in reversed(modules):
                if any(
                    self.net.atoms[one].kind == wanted and scope in self.net.scopes_around(self.net.atoms[one])
                    for one in self.shown
                ):
                    return scope
        return ""

    def _panels_around(self, atom: Atom) -> tuple[str, ...]:
        return tuple(s for s in self.net.scopes_around(atom) if s in self.panels)

    # ---- order and towers --------------------------------------------------------------------------------------------

    def _order(self) -> list[str]:
        """The atoms of the columns so that each stands over what it reads, as they ran."""
        beside = {one for chains in self.beside.values() for chain in chains for one in chain}
        ids = sorted((id for id in self.shown if id not in beside), key=self._when)
        waiting = {id: len({r.maker for _, r in self.reads[id]} & set(ids)) for id in ids}
        place = {id: n for n, id in enumerate(ids)}
        heap = [place[id] for id in ids if not waiting[id]]
        heapq.heapify(heap)
        found = []
        while heap:
            id = ids[heapq.heappop(heap)]
            found.append(id)
            for after in ids:
                if any(read.maker == id for _, read in self.reads[after]):
                    waiting[after] -= 1
                    if not waiting[after]:
                        heapq.heappush(heap, place[after])
        return found

    def _when(self, id: str) -> float:
        """When an atom runs; an input comes right before what reads it first."""
        atom = self.net.atoms[id]
        if atom.kind != "input":
            return float(atom.order)
        return min(
            (self.net.atoms[one].order - 0.5 for one in self.shown if any(r.maker == id for _, r in self.reads[one])),
            default=-1.0,
        )

    def _homes(self, order: list[str]) -> dict[str, int]:
        """The tower of each atom: panels that lead to one another are one tower, and so is what leads to them or from them."""
        before: dict[str, set[str]] = {}  # the outermost panels on the way to an atom, memory left out
        for id in order:
            found = {self.around[id][0]} if self.around[id] else set()
            for slot, read in self.reads[id]:
                if slot in ("", "Q") or not self._is_memory(id):
                    found |= before.get(read.maker, set())
            before[id] = found
        tower: dict[str, int] = {}
        for panel in dict.fromkeys(self.around[id][0] for id in order if self.around[id]):
            mine = {p for id in order if self.around[id][:1] == (panel,) for p in before[id]} - {panel}
            known = [tower[p] for p in mine if p in tower]
            tower[panel] = max(known) if known else max(tower.values(), default=-1) + 1
        homes: dict[str, int] = {}
        for id in order:
            if before[id]:
                homes[id] = max(tower[p] for p in before[id])
        for id in reversed(order):
            if id not in homes:
                reading = [(a, s) for a in order if a in homes for s, r in self.reads[a] if r.maker == id]
                after = [homes[a] for a, s in reading if s not in ("K", "V") or not self._is_memory(a)]
                homes[id] = min(after) if after else min([0, *homes.values()]) - 1 if reading else 0
        return homes

    def _is_memory(self, id: str) -> bool:
        """Whether an attention takes its keys from elsewhere than its queries."""
        makers = {slot: read.maker for slot, read in self.reads[id]}
        return "K" in makers and makers.get("Q") != makers["K"] and self._apart(makers["K"], makers.get("Q", ""))

    def _apart(self, one: str, other: str) -> bool:
        """Whether two atoms depend on nothing in common but what both read from inputs."""
        return not (self._above(one) & self._above(other))

    def _above(self, id: str) -> set[str]:
        found = {id}
        stack = [id] if id else []
        while stack:
            for slot, read in self.reads[stack.pop()]:
                if read.maker not in found and slot in ("", "Q"):
                    found.add(read.maker)
                    stack.append(read.maker)
        return found
