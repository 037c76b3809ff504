"""Where repeats are: every row of things that stand side by side is searched, the innermost first."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Final

from netfig.graph.repeats_align import Alignment, Member, Unlike
from netfig.graph.repeats_fold import Fold
from netfig.graph.repeats_names import stem
from netfig.graph.repeats_tokens import Run, Tokens, runs
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from netfig.graph.repeats_state import Node, State

MOST_FAILURES: Final = 40
"""Runs that turn out to be none before a row is left alone."""
GAIN: Final = 3
"""So many layers a fold has to save, unless its members are modules with several layers each."""


@dataclass(frozen=True)
class Wish:
    """What to fold.

    `sizes`: things that differ only in sizes, too; `skips`: these also where skip connections join single ones to what is
    elsewhere (a U-Net, whose shape is lost by it); `branches`: things side by side that see the same; `least` so many, not fewer;
    `apart`: ids or paths of what is to stand by itself.
    """

    sizes: bool = True
    branches: bool = True
    least: int = 2
    skips: bool = False
    apart: tuple[str, ...] = ()


class Search:
    """Folds everything in a state; `found` counts."""

    def __init__(self, state: State, wish: Wish, taken: Collection[str]) -> None:
        self.state, self.wish, self.taken = state, wish, taken
        self.tokens = Tokens(state, wish.apart)
        self.found = 0
        self.refused: list[tuple[str, str]] = []

    def run(self) -> None:
        """Fold, the innermost rows first."""
        order: list[Node] = []
        stack = [self.state.root]
        while stack:
            node = stack.pop()
            order.append(node)
            stack.extend(node.children)
        for node in reversed(order):
            if len(node.children) > 1:
                _Row(self, node).fold()
            self.tokens.number(node)


class _Row:
    """The things that stand directly in one scope."""

    def __init__(self, search: Search, node: Node) -> None:
        self.search, self.node = search, node
        self._failed: set[tuple[str, int, int]] = set()
        self._failures = 0

    def fold(self) -> None:
        """Fold what repeats in it, the runs that cover most first."""
        for loose in (False, True) if self.search.wish.sizes else (False,):
            self._failures = 0
            while self._failures < MOST_FAILURES and self._fold_one(loose):
                pass

    def _fold_one(self, loose: bool) -> bool:
        nodes = self.node.children
        for run in self._worth(nodes, loose):
            count = run.length // run.period
            if not loose and self.search.wish.sizes and self._is_part(run):
                continue
            shifts = range(run.length % run.period + 1)
            counted = {shift: self._told_apart_by_number(run.start + shift, run.period, count) for shift in shifts}
            for shift in sorted(shifts, key=lambda s: -counted[s]):
                if (not loose or counted[shift] == run.period) and self._try(run.start + shift, run.period, count, loose):
                    return True
        return False

    def _is_part(self, run: Run) -> bool:
        """Whether a run is the lesser part of one of things that differ in sizes, most of which stand alone in theirs."""
        nodes, period = self.node.children, run.period
        first, last = run.start, run.start + run.length // period * period
        while first >= period and all(nodes[i].loose == nodes[i - period].loose for i in range(first, first + period)):
            first -= period
        while last + period <= len(nodes) and all(nodes[i].loose == nodes[i - period].loose for i in range(last, last + period)):
            last += period
        groups = [tuple(node.exact for node in nodes[i : i + period]) for i in range(first, last, period)]
        lengths = [len(list(same)) for _, same in groupby(groups)]
        return 2 * lengths.count(1) > len(lengths)

    def _told_apart_by_number(self, start: int, period: int, count: int) -> int:
        """How many of the things in a member have names that go on counting: ``up3``, ``merge3`` and then ``up2``, ``merge2``."""
        nodes = self.node.children[start : start + count * period]
        stems = [stem(node.id) for node in nodes]
        return sum(len(set(stems[i::period])) == 1 for i in range(period))

    def _worth(self, nodes: Sequence[Node], loose: bool) -> list[Run]:
        """The runs that are worth a fold, those that cover most first, the shortest period of these."""
        found = []
        size = [0]
        for node in nodes:
            size.append(size[-1] + node.size)
        for run in runs([node.loose if loose else node.exact for node in nodes]):
            count = run.length // run.period
            if self._is_worth(run.start, run.period, count):
                covered = size[run.start + count * run.period] - size[run.start]
                found.append((-covered, run.period, run.start, run))
        return [one[-1] for one in sorted(found)]

    def _is_worth(self, start: int, period: int, count: int) -> bool:
        """Whether a fold saves enough layers; of modules with several layers each two are enough.

        Where there are no layers, what has parameters counts as one.
        """
        nodes = self.node.children[start : start + period]
        weight = sum(node.heavy for node in nodes) or int(any(node.stores for node in nodes))
        module = period == 1 and not nodes[0].is_op and weight > 1
        return count >= max(2, self.search.wish.least) and (module or (count - 1) * weight >= GAIN)

    def _try(self, start: int, period: int, count: int, loose: bool) -> bool:
        """Fold members from a place on; where they do not fit, the longest part that does."""
        nodes = self.node.children
        spans = [(0, count)]
        while spans:
            first, last = spans.pop(0)
            begin = start + first * period
            if not self._is_worth(begin, period, last - first):
                continue
            key = (nodes[begin].id, period, last - first)
            if key in self._failed:
                continue
            members = [nodes[begin + k * period : begin + (k + 1) * period] for k in range(last - first)]
            try:
                self._fold(members, loose)
            except Unlike as unlike:
                self._failed.add(key)
                self._failures += 1
                self.search.refused.append((nodes[begin].id, str(unlike)))
                if unlike.member is not None:
                    cut = first + unlike.member
                    spans += sorted([(first, cut), (cut - 1, last), (cut, last)], key=lambda span: span[0] - span[1])
                continue
            return True
        return False

    def _fold(self, members: Sequence[Sequence[Node]], loose: bool) -> None:
        search = self.search
        same = Alignment(search.state, [Member.of(nodes, search.state) for nodes in members])
        self._check_weights(same, members)
        if not same.is_chain:
            self._check_branches(same, loose)
        elif loose and not search.wish.skips:
            self._check_skips(same)
        fold = Fold(search.state, same, search.taken)
        fold.prepare()
        plate = fold.apply()
        search.found += 1
        self._failed.clear()
        for node in reversed(list(plate.inside())):
            search.tokens.number(node)

    def _check_weights(self, same: Alignment, members: Sequence[Sequence[Node]]) -> None:
        """One module used several times is a repeat only when it is called on what it made itself, as a whole.

        Ops in a row that have no weights of their own are steps of a loop over time.
        """
        values = self.search.state.values
        if any(values[row[0]].kind == "parameter" for row in same.families):
            return
        module = len(members[0]) == 1 and not members[0][0].is_op
        if same.is_chain and not module:
            raise Unlike("they have no weights of their own")
        shared = [column[0] for column, (word, _) in same.use.items() if word == "same"]
        if not same.is_chain and any(values[value].kind == "parameter" for value in shared):
            raise Unlike("they are one module used several times")

    def _check_skips(self, same: Alignment) -> None:
        """Stages that single skip connections join to other things are not one stage drawn once."""
        values = self.search.state.values
        for entry in same.entries:
            if not entry.back and values[entry.first[0]].kind == "computed":
                raise Unlike(f"each reads another value from elsewhere: {', '.join(entry.first[:3])}")
        for row in zip(*[list(member.made) for member in same.members], strict=True):
            if len({_ways(same, id) for id in row[:-1]} - {frozenset()}) > 1:
                raise Unlike(f"what single ones make is read elsewhere: {row[0]!r}")

    def _check_branches(self, same: Alignment, loose: bool) -> None:
        """Members that do not run one into the next are a repeat only as branches, all used alike."""
        if loose or not self.search.wish.branches:
            raise Unlike("they are branches" + (" that differ in sizes" if loose else ""))
        out = 0
        for row in zip(*[list(member.made) for member in same.members], strict=True):
            ways = [_ways(same, id) for id in row]
            if any(way != ways[0] for way in ways):
                raise Unlike(f"{row[0]!r} is used otherwise than the others")
            out += bool(ways[0])
        if not out:
            raise Unlike("nothing they make is used")


def _ways(same: Alignment, id: str) -> frozenset[tuple[str, str]]:
    """How a value is used outside: by which ops in which slots, or handed out."""
    state = same.state
    found = set()
    for word, who in same.outside(id):
        if word == "op":
            found |= {(who, slot.name) for slot in state.ops[who].inputs if any(ref.value == id for ref in slot.refs)}
        elif word != "scope":
            found.add((word, who))
    return frozenset(found)
