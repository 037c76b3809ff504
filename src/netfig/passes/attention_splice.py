"""Puts blocks of attention into a graph and takes out what they stand for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import field, replace
from math import inf

from netfig.graph.attention import AttentionParts, attention_parts
from netfig.graph.types import Graph, Note, Op, Ref, Scope, Slot, Value
from netfig.passes.attention_arrange import Arrange, as_places
from netfig.passes.attention_find import Match
from netfig.passes.attention_plan import Plan
from netfig.records import dataclass


@dataclass(eq=False)
class Block:
    """A planned block: where it goes, and which existing values it will make."""

    id: str
    parent: str
    match: Match
    plan: Plan
    arrange: Arrange
    at: int = 0
    makes: dict[str, tuple[tuple[str, ...], int]] = field(default_factory=dict)
    before: tuple[Op, ...] = ()

    @property
    def reads(self) -> list[str]:
        """All existing values that it and the helper ops in front of it read."""
        listed = [*self.plan.sources]
        for one in self.plan.reads.values():
            listed += [one] if isinstance(one, str) else one
        listed += [value for op in self.before for value in op.reads]
        return [one for one in dict.fromkeys(listed) if one not in self.arrange.values]


class Splice:
    """One graph and its blocks."""

    def __init__(self, graph: Graph, blocks: list[Block]) -> None:
        self.graph, self.blocks = graph, blocks
        self.index = {op.id: i for i, op in enumerate(graph.ops)}

    def graph_with_blocks(self) -> Graph:
        """The graph in which the blocks stand for what they were found in."""
        made_at = {out: i for i, op in enumerate(self.graph.ops) for out in op.outputs}
        entered = self._entered()
        for block in self.blocks:
            block.before = tuple(block.arrange.ops)
            ready = max((made_at[value] + 1 for value in block.reads if value in made_at), default=0)
            block.at = max(ready, entered.get(block.parent, 0))  # not among the ops of a scope before its own
        live = self._live()
        return self._written(live)

    def _entered(self) -> dict[str, int]:
        """Where the first op of each scope stands, or of a scope in it."""
        parents = {scope.id: scope.parent for scope in self.graph.scopes}
        found: dict[str, int] = {}
        for at, op in enumerate(self.graph.ops):
            scope: str | None = op.scope
            while scope is not None and scope not in found:
                found[scope] = at
                scope = parents[scope]
        return found

    # ---- what stays --------------------------------------------------------------------------------------------------

    def _live(self) -> set[int]:
        """Places of the ops that stay; blocks are told which values they have to make."""
        graph, offers = self.graph, self._offers()
        ports = {port.value: inf for port in graph.outputs}
        needed: dict[str, float] = dict(ports)
        core = {op.id for block in self.blocks for op in block.match.core}
        live: set[int] = set()
        by_place: dict[int, list[Block]] = {}
        for block in self.blocks:
            by_place.setdefault(block.at, []).append(block)

        def need(values: Iterable[str], when: float) -> None:
            for value in values:
                needed[value] = min(when, needed.get(value, inf))

        for at in range(len(graph.ops), -1, -1):
            if at < len(graph.ops):
                op = graph.ops[at]
                wanted = [out for out in op.outputs if out in needed]
                given = [self._offered(offers.get(out, []), needed[out]) for out in wanted]
                unread = not any(out in graph.readers or out in ports for out in op.outputs)
                if (unread and op.id not in core) or any(one is None for one in given) or op.phase != "forward":
                    live.add(at)
                    need(op.reads, at)
                else:
                    for out, one in zip(wanted, given, strict=True):
                        if one is not None:
                            one[0].makes[out] = (one[1], one[2])
            for block in by_place.get(at, ()):
                need(block.reads, at - 0.5)
        return live

    def _offers(self) -> dict[str, list[tuple[Block, tuple[str, ...], int]]]:
        found: dict[str, list[tuple[Block, tuple[str, ...], int]]] = {}
        for block in self.blocks:
            for number, ((value, _), parts) in enumerate(block.plan.offers):
                found.setdefault(value, []).append((block, parts, number))
        return found

    def _offered(
        self, offers: list[tuple[Block, tuple[str, ...], int]], when: float
    ) -> tuple[Block, tuple[str, ...], int] | None:
        """A block that can make a value before it is read."""
        for block, parts, number in offers:
            if when >= block.at:
                site = block.plan.offers[number][0]
                space, sizes = block.arrange.space, block.arrange.reader.sizes(site[0])
                if site[0] not in block.reads and all(space.is_all(p, s) for p, s in zip(site[1], sizes, strict=True)):
                    own = set(space.all_over(site[1]))
                    fits = tuple(one for one in parts if {a for d in block.plan.parts[one] for a in space.flat(d)} == own)
                    if fits:
                        return block, fits, number
        return None

    # ---- writing -----------------------------------------------------------------------------------------------------

    def _written(self, live: set[int]) -> Graph:
        graph = self.graph
        ops: list[Op] = []
        by_place: dict[int, list[Block]] = {}
        for block in self.blocks:
            by_place.setdefault(block.at, []).append(block)
        new_values: list[Value] = []
        scopes: list[Scope] = []
        for at in range(len(graph.ops) + 1):
            for block in by_place.get(at, ()):
                made = self._parts(block)
                ops += [*block.before, *made.ops, *block.arrange.ops[len(block.before) :]]
                axes = block.arrange.axes
                new_values += [replace(v, axes=axes) if axes else v for v in made.values]
                new_values += block.arrange.values.values()
                scopes.append(made.scope)
            if at in live:
                ops.append(graph.ops[at])
        made_now = {out for op in ops for out in op.outputs}
        read_now = {value for op in ops for value in op.reads} | {port.value for port in graph.outputs}
        before = {value for op in graph.ops for value in op.reads}
        values = [
            v
            for v in graph.values
            if (v.kind != "computed" or v.feeds or v.id in made_now)
            and not (v.kind == "constant" and v.id in before and v.id not in read_now)
        ]
        values += new_values
        return self._scoped(tuple(values), tuple(ops), scopes, live)

    def _parts(self, block: Block) -> AttentionParts:
        """The block itself, and helper ops after it for values that are needed in another order."""
        plan = block.plan
        makes: dict[str, str] = {}
        later: list[tuple[str, str, int]] = []
        for value, (parts, number) in sorted(block.makes.items(), key=lambda item: item[1][1]):
            site = plan.offers[number][0]
            exact = next((one for one in parts if one not in makes and block.arrange.is_exactly(site, plan.parts[one])), None)
            if exact is not None:
                makes[exact] = value
            else:
                later.append((value, parts[0], number))
        made = attention_parts(
            plan.spec,
            *plan.sources,
            id=block.id,
            parent=block.parent,
            batch=plan.batch,
            reads=plan.reads,
            makes=makes,
            dtype=block.arrange.type_of(plan.output).dtype,
        )
        outs = {str(op.attribute("part")): op.outputs[0] for op in made.ops}
        types = {v.id: v.type for v in made.values}
        for value, part, number in later:
            site, wanted = plan.offers[number][0], plan.parts[part]
            space = block.arrange.space
            out = outs[part]
            if out in types:
                block.arrange.values.setdefault(out, Value(out, type=types[out]))
            block.arrange.bring((out, as_places(block.arrange.reader, wanted)), [space.over(place) for place in site[1]], value)
        for out in list(block.arrange.values):
            if out in types:
                del block.arrange.values[out]
        return made

    def _scoped(self, values: tuple[Value, ...], ops: tuple[Op, ...], made: list[Scope], live: set[int]) -> Graph:
        """Scopes without those that are empty now; what they own goes to the block that uses it."""
        graph = self.graph
        known = {v.id for v in values}
        gone = self._empty(live, known)
        parent_of = {s.id: s.parent for s in graph.scopes}
        owned: dict[str, list[str]] = {scope.id: [] for scope in made}
        for s in graph.scopes:
            if s.id in gone:
                for value in s.owns:
                    owned[self._owner(s, value, parent_of)].append(value)
        by_parent: dict[str, list[Scope]] = {}
        for scope in made:
            inputs = tuple(one for one in scope.inputs if one in known)
            by_parent.setdefault(scope.parent or "", []).append(
                replace(scope, inputs=inputs, owns=tuple(dict.fromkeys((*scope.owns, *owned[scope.id]))))
            )
        lost = {graph.ops[i].scope for i in range(len(graph.ops)) if i not in live}
        scopes: list[Scope] = []
        for s in graph.scopes:
            if s.id in gone:
                continue
            scopes += [self._kept(s, known, ops, s.id in lost), *by_parent.get(s.id, ())]
        subjects = {"", *known, *(op.id for op in ops), *(s.id for s in scopes), *(a.id for a in graph.axes)}
        notes = tuple(note for note in graph.notes if note.subject in subjects)
        return replace(graph, values=values, ops=ops, scopes=tuple(scopes), notes=notes, _checked=False)

    def _kept(self, s: Scope, known: set[str], ops: tuple[Op, ...], lost: bool) -> Scope:
        inputs = tuple(one for one in s.inputs if one in known)
        outputs = tuple(one for one in s.outputs if one in known)
        if lost and len(inputs) < len(s.inputs):
            own = [op for op in ops if op.scope == s.id]
            inside = {out for op in own for out in op.outputs}
            stored = {v.id for v in self.graph.values if v.kind in ("parameter", "buffer")}
            extra = [one for op in own for one in op.reads if one not in inside and one not in stored]
            inputs = tuple(dict.fromkeys((*inputs, *extra)))
        return s if (inputs, outputs) == (s.inputs, s.outputs) else replace(s, inputs=inputs, outputs=outputs)

    def _empty(self, live: set[int], known: set[str]) -> set[str]:
        """Scopes that had ops and have none now, and those that only passed on what is gone."""
        graph = self.graph
        parents = {block.parent for block in self.blocks}
        parent_of = {s.id: s.parent for s in graph.scopes}
        had: set[str] = set()
        has: set[str] = set()
        for at, op in enumerate(graph.ops):
            here: str | None = op.scope
            while here is not None and not (here in had and (at not in live or here in has)):
                had.add(here)
                if at in live:
                    has.add(here)
                here = parent_of[here]
        for parent in parents:
            up: str | None = parent
            while up is not None and up not in has:
                has.add(up)
                up = parent_of[up]
        gone: set[str] = set()
        for s in graph.scopes:
            if s.parent is None or s.id in has:
                continue
            passed = [*s.inputs, *s.outputs]
            idle = s.id not in had and bool(passed) and not any(one in known for one in passed)
            if s.id in had or s.parent in gone or idle:
                gone.add(s.id)
        return gone

    def _owner(self, scope: Scope, value: str, parent_of: dict[str, str | None]) -> str:
        """The block that a parameter of a scope that is gone belongs to."""
        users = [block.id for block in self.blocks if value in block.plan.stored]
        up, above = scope.parent, []
        while up is not None:
            above.append(up)
            up = parent_of[up]
        near = [
            block.id
            for block in sorted(self.blocks, key=lambda b: above.index(b.parent) if b.parent in above else len(above))
            if block.parent in above
        ]
        return next((one for one in near if one in users), (users or near or [self.blocks[0].id])[0])


__all__ = ["Block", "Note", "Ref", "Slot", "Splice"]
