"""Finding the loop: where in the order of the trace the same nodes come again, step by step, each step reading the one before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

from netfig.passes.recognise_nodes import Const, Leaf, Node, Operand
from netfig.records import dataclass

PERIODS = 12  # distances to the same node that are tried, at each place
MOST_TURNS = 64
ALONE = 3  # steps of a loop that reads no sequence; a block that is used twice is merely reused
TABLES = 400  # distances that are tried at all


@dataclass(frozen=True, slots=True)
class Run:
    """`count` steps of `period` nodes each, the first at `start`."""

    start: int
    period: int
    count: int

    @property
    def stop(self) -> int:
        """The place after its last node."""
        return self.start + self.period * self.count


class Runs:
    """The loops among nodes in the order of the trace; `reasons` says why something that looked like one is none."""

    def __init__(self, nodes: Sequence[Node], weights: frozenset[str], extent: Callable[[Sequence[int]], int]) -> None:
        self.nodes, self.weights, self.extent = nodes, weights, extent
        self.place = {id(node): n for n, node in enumerate(nodes)}
        self.reasons: list[str] = []
        self._tables: dict[int, list[int]] = {}
        self._failed: dict[int, int] = {}
        self._before: list[Run] = []
        self._colours = self._coloured()
        self._next = self._following()
        self.found = tuple(self._find())

    # ---- alike at first sight ------------------------------------------------------------------------------------------------

    def _coloured(self) -> list[int]:
        """A number for each node; those of two steps that do the same have the same."""
        uses: dict[tuple[object, ...], int] = {}
        for node in self.nodes:
            for one in node.operands:
                if isinstance(one, Leaf):
                    uses[one.source, one.at] = uses.get((one.source, one.at), 0) + 1

        def colour(one: Operand) -> object:
            if isinstance(one, Const):
                return one.number if not one.dims else ""
            if isinstance(one, Leaf) and one.source in self.weights and uses[one.source, one.at] > 1:
                return one.source, one.at
            return ""

        known: dict[object, int] = {}
        found = []
        for node in self.nodes:
            slots = tuple((name, tuple(colour(one) for one in listed)) for name, listed in node.slots)
            sizes = tuple(map(self.extent, node.dims))
            found.append(known.setdefault((node.kind, node.attributes, slots, sizes), len(known)))
        return found

    def _following(self) -> list[int]:
        """For each node the next place of its colour, or −1."""
        last: dict[int, int] = {}
        found = [-1] * len(self._colours)
        for n in range(len(found) - 1, -1, -1):
            found[n] = last.get(self._colours[n], -1)
            last[self._colours[n]] = n
        return found

    def _alike(self, period: int) -> list[int]:
        """How many nodes from each place on are like those a period later."""
        if period not in self._tables:
            colours = self._colours
            table = [0] * (len(colours) + 1)
            for n in range(len(colours) - period - 1, -1, -1):
                table[n] = table[n + 1] + 1 if colours[n] == colours[n + period] else 0
            self._tables[period] = table
        return self._tables[period]

    # ---- loops ---------------------------------------------------------------------------------------------------------------

    def _find(self) -> Iterator[Run]:
        n = 0
        floor = 0
        while n < len(self.nodes):
            run = self._at(n, floor)
            if run is None:
                n += 1
                continue
            self._before.append(run)
            yield run
            n = floor = run.stop

    def _at(self, start: int, floor: int) -> Run | None:
        """The loop that begins at a place, or a step before it."""
        there = start
        for _ in range(PERIODS):
            there = self._next[there]
            if there < 0:
                return None
            period = there - start
            if self._failed.get(period, -1) > start or (len(self._tables) > TABLES and period not in self._tables):
                continue
            colours = self._colours
            if colours[start : start + period] != colours[there : there + period]:
                continue
            same = self._alike(period)[start]
            run = Run(start, period, same // period + 1)
            why, carries = self._check(run)
            if why or not carries:
                self._failed[period] = start + same  # another start is the same loop, turned
                if why and carries:
                    self.reasons.append(why)
                continue
            grown = self._grown(self._turned(run, same % period), floor)
            if self._is_driven(grown) or (grown.count >= ALONE and self._is_weighted(grown)):
                return grown
            self._failed[period] = start + same
            self.reasons.append("what is done again and again reads nothing new and has no weights")
        return None

    def _is_driven(self, run: Run) -> bool:
        """Whether each step reads the next of a sequence."""
        for offset in range(run.period):
            members = [self.nodes[run.start + k * run.period + offset] for k in range(run.count)]
            for rows in zip(*(tuple(m.operands) for m in members), strict=False):
                one, other = rows[-2], rows[-1]
                if one is not other and one != other and self._step_of(run, other) is None:
                    return True
        return False

    def _is_weighted(self, run: Run) -> bool:
        """Whether a step reads a weight."""
        nodes = self.nodes[run.start : run.start + run.period]
        return any(isinstance(one, Leaf) and one.source in self.weights for node in nodes for one in node.operands)

    def _turned(self, run: Run, spare: int) -> Run:
        """The loop begun up to `spare` nodes later: as few states as can be, and a step ends with one."""
        best = (*self._states(run), 0)
        for shift in range(1, min(spare, MOST_TURNS) + 1):
            turned = Run(run.start + shift, run.period, run.count)
            if not self._check(turned)[0]:
                best = min(best, (*self._states(turned), -shift))
        return Run(run.start - best[2], run.period, run.count)

    def _states(self, run: Run) -> tuple[int, bool]:
        """How many values one step hands to the next, and whether its last one is none of them."""
        last = range(run.stop - run.period, run.stop)
        found = set()
        for place in last:
            for one in self.nodes[place].operands:
                step = self._step_of(run, one)
                if step is not None and step[0] < run.count - 1:
                    found.add(step[1])
        return len(found), run.period - 1 not in found

    def _grown(self, run: Run, floor: int) -> Run:
        """The loop with its first or last step, where that reads something else than the others (a given state)."""
        while run.start - run.period >= floor and self._same_kinds(run.start - run.period, run.start, run.period):
            longer = Run(run.start - run.period, run.period, run.count + 1)
            if self._check(longer)[0]:
                break
            run = longer
        while run.stop + run.period <= len(self.nodes) and self._same_kinds(run.start, run.stop, run.period):
            longer = Run(run.start, run.period, run.count + 1)
            if self._check(longer)[0]:
                break
            run = longer
        return run

    def _same_kinds(self, one: int, other: int, count: int) -> bool:
        return all(
            a.kind == b.kind
            and a.attributes == b.attributes
            and [(s, len(refs)) for s, refs in a.slots] == [(s, len(refs)) for s, refs in b.slots]
            for a, b in zip(self.nodes[one : one + count], self.nodes[other : other + count], strict=True)
        )

    # ---- alike indeed --------------------------------------------------------------------------------------------------------

    def _check(self, run: Run) -> tuple[str, bool]:
        """Why steps are not alike, or ``""``; and whether a step reads what one before it made."""
        carries = False
        wrong = ""
        for offset in range(run.period):
            members = [self.nodes[run.start + k * run.period + offset] for k in range(run.count)]
            for rows in zip(*(tuple(m.operands) for m in members), strict=False):
                why, distance = self._compare(run, offset, rows)
                carries = carries or distance > 0
                wrong = wrong or why
        return wrong, carries

    def _compare(self, run: Run, offset: int, rows: Sequence[Operand]) -> tuple[str, int]:
        """One operand of one node at every step: why it is not the same rule, and how many steps back it reads."""
        last = self._step_of(run, rows[-1])
        if last is None:
            inside = next((k for k, one in enumerate(rows) if self._step_of(run, one) is not None), None)
            if inside is not None:
                return self._difference(run, offset, inside, rows), 0
            return self._outside(run, offset, rows), 0
        distance = run.count - 1 - last[0]
        for k, one in enumerate(rows):
            here = self._step_of(run, one)
            if k < distance:
                if here is not None and here[0] != k - distance:
                    return self._difference(run, offset, k, rows), distance
            elif here is None or (k - here[0], here[1]) != (distance, last[1]):
                return self._difference(run, offset, k, rows), distance
        return "", distance

    def _step_of(self, run: Run, one: Operand) -> tuple[int, int] | None:
        place = self.place.get(id(one)) if isinstance(one, Node) else None
        if place is None or not run.start <= place < run.stop:
            return None
        return divmod(place - run.start, run.period)

    def _outside(self, run: Run, offset: int, rows: Sequence[Operand]) -> str:
        """What every step reads from outside: one thing, or the next of a sequence."""
        for k in range(1, len(rows)):
            one, other = rows[k - 1], rows[k]
            if type(one) is not type(other):
                return self._difference(run, offset, k, rows)
            if isinstance(one, Const) and isinstance(other, Const) and one.number != other.number:
                return self._difference(run, offset, k, rows)
            if isinstance(one, Leaf) and isinstance(other, Leaf) and not _is_next(one, other, rows, k):
                return self._difference(run, offset, k, rows)
        if all(isinstance(one, Node) for one in rows) and any(one is not rows[0] for one in rows):
            spots = [self._spot(one) for one in rows]
            steps = {b[1] - a[1] if a and b and a[0] == b[0] else 0 for a, b in pairwise(spots)}
            if len(steps) > 1 or steps == {0}:
                return self._difference(run, offset, 1, rows)
        return ""

    def _spot(self, one: Operand) -> tuple[object, int] | None:
        """Which of a sequence a node is: one that an op makes as a whole, or that of a loop before."""
        if not isinstance(one, Node):
            return None
        if one.vector is not None:
            return one.vector
        for number, run in enumerate(self._before):
            step = self._step_of(run, one)
            if step is not None:
                return ("run", number, step[1]), step[0]
        return None

    def _difference(self, run: Run, offset: int, step: int, rows: Sequence[Operand]) -> str:
        first = min(max(step, 1), len(rows) - 1)
        kind = self.nodes[run.start + offset].kind
        if rows[first - 1] is rows[first]:
            return f"steps {first} and {first + 1} differ in how far back {kind} reads: both read {self._word(rows[first])}"
        return f"steps {first} and {first + 1} differ: {kind} reads {self._word(rows[first - 1])}, then {self._word(rows[first])}"

    def _word(self, one: Operand) -> str:
        if isinstance(one, Const):
            return "zeros" if one.number == 0 and one.dims else f"{one.number:g}"
        if isinstance(one, Leaf):
            spots = [str(a) for a in one.at if isinstance(a, int)]
            return (one.source if isinstance(one.source, str) else one.source.op) + (f"[{','.join(spots)}]" if spots else "")
        return one.op


def _is_next(one: Leaf, other: Leaf, rows: Sequence[Operand], k: int) -> bool:
    """Whether two leaves are the same, or the index of one dimension goes on as in the steps before."""
    if one.source != other.source or len(one.at) != len(other.at):
        return False
    moved = [(a, b) for a, b in zip(one.at, other.at, strict=True) if a != b]
    if not moved:
        return k < 2 or rows[k - 2] == one
    if len(moved) > 1 or not all(isinstance(a, int) and isinstance(b, int) for a, b in moved):
        return False
    if k < 2:
        return True
    before = rows[k - 2]
    if not isinstance(before, Leaf):
        return False
    (a, b), spot = moved[0], next(n for n, (p, q) in enumerate(zip(one.at, other.at, strict=True)) if p != q)
    return isinstance(a, int) and isinstance(b, int) and isinstance(before.at[spot], int) and b - a == a - before.at[spot]  # type: ignore[operator]
