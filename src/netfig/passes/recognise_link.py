"""Which nodes are one value at several steps, and which step of time each of them is.

The nodes at one place of the steps of a loop are a family, and so are those that one traced op makes for a whole sequence. What
reads what tells how the indices of families go with one another: a loop that reads ``x[:, T-1-k]`` runs against time.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import field

from netfig.passes.recognise_atoms import Unclear
from netfig.passes.recognise_nodes import Leaf, Lowering, Node, Operand
from netfig.passes.recognise_runs import Runs
from netfig.records import dataclass

Key = tuple[Hashable, ...]
Spot = tuple[int, int]
"""A sign and an offset: time = sign · index + offset."""


@dataclass(frozen=True)
class Place:
    """Where a value is: what it is one of, along which axis (``None``: there is only one), and at which time."""

    value: Key
    axis: int | None = None
    time: int = 0


@dataclass
class Span:
    """An axis: how many steps, and whether a loop runs along it."""

    count: int
    carries: bool
    backwards: set[int] = field(default_factory=set)


@dataclass(frozen=True)
class _Edge:
    one: Key
    other: Key
    scale: int
    shift: int
    rank: int


class Linked:
    """Families, axes and places of all nodes.

    Raises:
        Unclear: the steps do not go with one another.
    """

    def __init__(self, low: Lowering, runs: Runs) -> None:
        self.low, self.runs = low, runs
        self.families: dict[Key, dict[int, Node]] = {}
        self.group: dict[Key, Key] = {}
        self.member: dict[int, tuple[Key, int]] = {}
        self.sequences: dict[tuple[str | Node, int], None] = {}
        self.spans: list[Span] = []
        self._gather()
        self._edges = self._relations()
        self._times: dict[Key, tuple[int, int, int]] = {}
        self._place_all()

    # ---- families ------------------------------------------------------------------------------------------------------------

    def _gather(self) -> None:
        for number, run in enumerate(self.runs.found):
            for place in range(run.start, run.stop):
                step, offset = divmod(place - run.start, run.period)
                self._add(("run", number, offset), ("run", number), step, self.runs.nodes[place])
        for node in self.low.nodes:
            if node.vector is not None:
                key = ("each", *node.vector[0])  # type: ignore[misc]
                self._add(key, key, node.vector[1], node)
        for key in [k for k, members in self.families.items() if len(members) < 2]:
            for node in self.families.pop(key).values():
                del self.member[id(node)]

    def _add(self, key: Key, group: Key, index: int, node: Node) -> None:
        self.families.setdefault(key, {})[index] = node
        self.group[key] = group
        self.member[id(node)] = (key, index)

    # ---- how indices go together ---------------------------------------------------------------------------------------------

    def _relations(self) -> list[_Edge]:
        found: dict[tuple[Key, Key, int], _Edge] = {}
        for key, members in self.families.items():
            order = sorted(members)
            for rows in zip(*(tuple(members[i].operands) for i in order), strict=False):
                edge = self._relation(self.group[key], order, rows)
                if edge is None:
                    continue
                old = found.get((edge.one, edge.other, edge.scale))
                if old is None or edge.shift > old.shift:
                    found[edge.one, edge.other, edge.scale] = edge
        return sorted(found.values(), key=lambda e: e.rank)

    def _relation(self, group: Key, order: Sequence[int], rows: Sequence[Operand]) -> _Edge | None:
        spot = _moving(rows)
        if spot is not None:
            assert isinstance(rows[-1], Leaf)
            self.sequences[rows[-1].source, spot] = None
        seen: dict[Key, list[tuple[int, int]]] = {}
        for index, one in zip(order, rows, strict=True):
            if isinstance(one, Node) and id(one) in self.member:
                family, there = self.member[id(one)]
                seen.setdefault(self.group[family], []).append((index, there))
            elif isinstance(one, Leaf) and spot is not None and isinstance(one.at[spot], int):
                seen.setdefault(("leaf", one.source, spot), []).append((index, one.at[spot]))  # type: ignore[arg-type]
        if not seen:
            return None
        other, pairs = max(seen.items(), key=lambda item: len(item[1]))
        if other == group:
            return None
        (i, a), (j, b) = pairs[-2:] if len(pairs) > 1 else (pairs[-1], (pairs[-1][0] + 1, pairs[-1][1] + 1))
        scale = (b - a) / (j - i)
        if scale not in (1, -1):
            if scale:
                raise Unclear(f"neighbouring steps differ, and the loop repeats only every {abs(scale):g} steps")
            return None
        rank = 0 if other[0] == "leaf" and group[0] == "run" else 1 if other[0] == "leaf" else 2
        return _Edge(group, other, int(scale), a - int(scale) * i, rank)

    def _place_all(self) -> None:
        """Give every group a time, component by component; inputs count from 1."""
        near: dict[Key, list[tuple[int, int, _Edge, bool]]] = {}
        for n, edge in enumerate(self._edges):
            near.setdefault(edge.one, []).append((edge.rank, n, edge, True))
            near.setdefault(edge.other, []).append((edge.rank, n, edge, False))
        inputs = {port.value for port in self.low.graph.inputs}
        groups = dict.fromkeys(self.group.values())
        anchors = [("leaf", s, spot) for s, spot in self.sequences if s in inputs]
        for anchor in (*anchors, *(g for g in groups if g[0] == "run"), *groups):
            if anchor not in self._times and (anchor in near or anchor in groups):
                self._component(anchor, near)

    def _component(self, anchor: Key, near: dict[Key, list[tuple[int, int, _Edge, bool]]]) -> None:
        axis = len(self.spans)
        found: dict[Key, Spot] = {anchor: (1, 1)}
        waiting = list(near.get(anchor, ()))
        while waiting:
            waiting.sort(key=lambda entry: entry[:2], reverse=True)
            _, _, edge, forward = waiting.pop()
            known, new = (edge.one, edge.other) if forward else (edge.other, edge.one)
            sign, offset = found[known]
            if forward:
                spot = (sign * edge.scale, offset - sign * edge.scale * edge.scale * edge.scale * edge.shift)
            else:
                spot = (sign * edge.scale, offset + sign * edge.shift)
            if new in found:
                if found[new][0] != spot[0]:
                    raise Unclear("a sequence is read forwards and backwards by one loop")
                continue
            found[new] = spot
            waiting += near.get(new, ())
        members = {g: [i for k, f in self.families.items() if self.group[k] == g for i in f] for g in found}
        runs = [g for g in found if g[0] == "run"]
        measured = runs or [g for g in found if members[g]] or [anchor]
        times = [found[g][0] * i + found[g][1] for g in measured for i in members[g]]
        if not times:
            return
        first, last = min(times), max(times)
        self.spans.append(Span(last - first + 1, bool(runs)))
        for g, (sign, offset) in found.items():
            self._times[g] = (axis, sign, offset - first + 1)
            if sign < 0 and g[0] == "run":
                self.spans[axis].backwards.add(int(str(g[1])))

    # ---- places --------------------------------------------------------------------------------------------------------------

    def place(self, one: Node | Leaf) -> Place:
        """Where a value is."""
        if isinstance(one, Node):
            found = self.member.get(id(one))
            if found is None:
                return Place(("node", id(one)))
            spot = self._times.get(self.group[found[0]])
            if spot is None:
                return Place(("node", id(one)))
            return Place(("family", found[0]), spot[0], spot[1] * found[1] + spot[2])
        for spot_, part in enumerate(one.at):
            known = self._times.get(("leaf", one.source, spot_))
            if known is not None and isinstance(part, int):
                rest = tuple("t" if n == spot_ else p for n, p in enumerate(one.at))
                return Place(("sequence", one.source, rest), known[0], known[1] * part + known[2])
        return Place(("leaf", one.source, one.at))

    def steps_of(self, source: str | Node, spot: int) -> tuple[int, int, int]:
        """The axis of a sequence, and the index of its first step and how many one step moves on."""
        axis, sign, offset = self._times["leaf", source, spot]
        return axis, sign * (1 - offset), sign

    def axis_of(self, family: Key) -> int | None:
        """The axis of a family."""
        found = self._times.get(self.group[family])
        return None if found is None else found[0]

    def time_of(self, family: Key, index: int) -> int:
        """The time of one of a family."""
        _, sign, offset = self._times[self.group[family]]
        return sign * index + offset


def _moving(rows: Sequence[Operand]) -> int | None:
    """The dimension of a leaf whose index goes with the step."""
    leaves = [one for one in rows if isinstance(one, Leaf)]
    if len(leaves) < 2 or leaves[-1].source != leaves[-2].source:
        return None
    pairs = enumerate(zip(leaves[-2].at, leaves[-1].at, strict=False))
    return next((n for n, (a, b) in pairs if a != b and isinstance(a, int) and isinstance(b, int)), None)
