"""The inside of one step: in which column and row everything stands.

The highway (the state's way through the step) is the top row, from left to right. What a box of the highway reads hangs below it:
one operand straight under it, the others in columns to its left, each with what it reads below itself in turn. So a gate stands
below the sign it gates and reaches up to it. What is made from the new state, and leaves as another state, stands to the right;
outputs made from the highway alone stand above it.
"""

from __future__ import annotations

from dataclasses import field

from netfig.layout.cell_net import Net, topological, upper_of
from netfig.records import dataclass


@dataclass(slots=True)
class Spots:
    """(column, row) of every box: rows grow downwards, the highway is row 0; terminals stand outside the inner ones."""

    at: dict[str, tuple[int, int]] = field(default_factory=dict)
    columns: int = 0  # inner columns are 0 … columns − 1
    rows: tuple[int, int] = (0, 0)  # first and last inner row


def place_cell(net: Net) -> Spots:
    """Finds the spots. Deterministic; no two boxes share one."""
    return _Placer(net).run()


class _Placer:
    def __init__(self, net: Net) -> None:
        self.net = net
        self.order = [b for b in topological(net) if b in set(net.inner)]
        self.inner = set(net.inner)
        self.main = set(net.main)
        self.upper = upper_of(net, set(net.above)) & self.inner
        self.merges = net.buses
        self.feet = net.feet
        self.lows = {*net.below, *self.merges, *self.feet}
        self.lines: list[list[str]] = []  # what leads level to another state, from the left
        self.stacked: dict[str, list[str]] = {}  # what stands above the first of such a line, from below
        self.parent: dict[str, str] = {}
        self.children: dict[str, list[str]] = {}
        self.row: dict[str, int] = {}
        self.side: set[str] = set()  # stands level with its parent
        self.moved: set[str] = set()  # moved down to stand in one row with others
        self.col: dict[str, int] = {}

    def run(self) -> Spots:
        self._lines()
        self._parents()
        self._rows()
        self._columns()
        return self._spots()

    # --- lines that lead to the other states ----------------------------------------------------------------------------------

    def _lines(self) -> None:
        taken = set(self.main | self.upper | self.merges | self.feet)
        for sink in self.net.right:
            if sink == self.net.main_ends[1]:
                continue
            line: list[str] = []
            at = self.net.sources(sink)[0]
            while at in self.inner and at not in taken:
                line.insert(0, at)
                taken.add(at)
                sources = self.net.sources(at)
                if len(sources) != 1 or len(self.net.readers(sources[0])) > 1:
                    break
                at = sources[0]
            if line:
                self.lines.append(line)
        pure: set[str] = set()
        for box in self.order:
            if box not in self.main and all(s in self.main or s in pure for s in self.net.sources(box)) and self.net.sources(box):
                pure.add(box)
        for line in self.lines:
            chain: list[str] = []
            at = line[0]
            while above := [s for s in self.net.sources(at) if s in pure and s not in taken]:
                at = above[0]
                chain.append(at)
                taken.add(at)
            self.stacked[line[0]] = chain

    # --- who hangs below whom -------------------------------------------------------------------------------------------------

    def _parents(self) -> None:
        fixed = self.main | self.upper | self.merges | self.feet | {b for line in self.lines for b in line}
        above = {b for chain in self.stacked.values() for b in chain}
        fixed |= above
        depth: dict[str, int] = {}
        rank = {b: i for i, b in enumerate([*self.net.main, *(b for line in self.lines for b in line)])}
        for box in reversed(self.order):
            if box in fixed:
                depth[box] = 0
                continue
            readers = [r for r in self.net.readers(box) if r in depth and r not in self.upper and r not in above]
            depth[box] = 1 + max((depth[r] for r in readers), default=0)
            if readers:
                best = min(readers, key=lambda r: (depth[r], rank.get(r, len(rank)), readers.index(r)))
                self.parent[box] = best
        for parent in dict.fromkeys(self.parent.values()):
            self.children[parent] = [s for s in self.net.sources(parent) if self.parent.get(s) == parent]
        for box, parent in self.parent.items():
            sources = self.net.sources(box)
            single = len(sources) == 1 and len(self.net.readers(box)) == 1
            foreign = single and sources[0] not in self.lows
            foreign = foreign and self.parent.get(sources[0]) != box
            if foreign and (len(self.net.sources(parent)) > 1 and parent not in self.main):
                self.side.add(box)
        for children in self.children.values():
            if len(children) > 1 and all(c in self.side for c in children):
                self.side.discard(children[-1])  # one stands below

    # --- rows -----------------------------------------------------------------------------------------------------------------

    def _rows(self) -> None:
        row, net = self.row, self.net
        row.update(dict.fromkeys(net.main, 0))
        level = 0 if net.main else -1
        for line in self.lines:
            chain = self.stacked[line[0]]
            level += 1 + len(chain)
            for k, box in enumerate(chain):
                row[box] = level - 1 - k
            row.update(dict.fromkeys(line, level))
        heads = {line[0] for line in self.lines}
        for box in reversed(self.order):
            if box in row or box in self.upper or box in self.merges or box in self.feet:
                continue
            wanted = 0 if not self.parent.get(box) else -1
            for reader in net.readers(box):
                if reader not in row:
                    continue
                leading = reader in heads and self._leads(box, reader)
                level_with = reader == self.parent.get(box) and (box in self.side or leading)
                wanted = max(wanted, row[reader] + (0 if level_with else 1))
            row[box] = wanted
        self._clear()
        self._align()
        self._sink()
        for box in self.merges:
            row[box] = 1 + max((row[r] for r in net.readers(box) if r in row), default=0)
        for box in reversed(self.order):
            if box in self.feet:
                row[box] = 1 + max((row[r] for r in net.readers(box) if r in row), default=0)
        for box in self.order:
            if box in self.upper:
                row[box] = min((row[s] for s in net.sources(box) if s in row), default=0) - 1

    def _leads(self, box: str, head: str) -> bool:
        """Whether a box is the one operand of a line's first box that stands level with it, to its left."""
        level = [c for c in self.children.get(head, ()) if c not in self.side]
        return bool(level) and box == level[0] and not any(s in self.net.left for s in self.net.sources(head))

    def _clear(self) -> None:
        """A line that a state leads to from the far left has its row for itself."""
        for line in self.lines:
            if not any(s in self.net.left for s in self.net.sources(line[0])):
                continue
            level = self.row[line[0]]
            own = {*line, *self.stacked[line[0]]}
            if any(r == level and b not in own for b, r in self.row.items()):
                for box, r in self.row.items():
                    if r >= level and box not in own:
                        self.row[box] = r + 1

    def _align(self) -> None:
        """Leaves that read the same bus or the same input stand in one row, where nothing they hang from stands below it."""
        groups: dict[tuple[str, ...], list[str]] = {}
        for box in self.order:
            if box in self.row and box not in self.main and box not in self.side and not self._fixed(box):
                read = [s for s in self.net.sources(box) if s in self.lows]
                if read and all(s not in self.inner or s in self.lows for s in self.net.sources(box)):
                    groups.setdefault((read[0],), []).append(box)
        for boxes in groups.values():
            lowest = max(self.row[b] for b in boxes)
            self.moved.update(b for b in boxes if self.row[b] < lowest)
            self.row.update(dict.fromkeys(boxes, lowest))

    def _sink(self) -> None:
        """What stands on leaves that were moved down follows them, as far as what else it reads stays below it."""
        heads = {line[0] for line in self.lines}
        for box in self.order:
            children = self.children.get(box, [])
            parent = self.parent.get(box)
            hanging = [c for c in children if c not in self.side]
            if parent is None or box in self.side or (parent in heads and self._leads(box, parent)):
                continue
            if not any(c in self.moved for c in hanging):
                continue
            read = [s for c in children if c in self.side for s in self.net.sources(c)] + self.net.sources(box)
            low = [self.row[s] for s in read if s in self.row and s not in self.main and s not in self.side]
            if low and min(low) - 1 > self.row[box]:
                self.row[box] = min(low) - 1
                self.moved.add(box)
        for box in self.side:
            self.row[box] = self.row[self.parent[box]]

    def _fixed(self, box: str) -> bool:
        return any(box in line for line in self.lines) or any(box in chain for chain in self.stacked.values())

    # --- columns --------------------------------------------------------------------------------------------------------------

    def _columns(self) -> None:
        at = 0
        for root in self.net.main:
            at = self._hang(root, at)
        for line in self.lines:
            for box in line:
                at = self._hang(box, at)
                self.col.update(dict.fromkeys(self.stacked.get(box, ()), self.col[box]))
        for box in self.order:
            if box not in self.col and box not in self.upper and box not in self.merges and box not in self.feet:
                at = self._hang(box, at) if box not in self.parent else at
        for box in sorted(self.merges, key=lambda b: (-self.row[b], self.net.inner.index(b))):
            self.col[box] = self._foot(box)
            taken = {self.row[b] for b, c in self.col.items() if c == self.col[box] and b != box}
            while self.row[box] in taken:
                self.row[box] += 1
        for box in reversed(self.order):
            if box in self.feet:
                self._under(box)
        self._squeeze()

    def _under(self, foot: str) -> None:
        """Places what leads to a bus below it, in its column while that is free there, else in the next."""
        readers = [r for r in self.net.readers(foot) if r in self.merges or r in self.feet]
        self.col[foot] = min(self.col[r] for r in readers)
        self.row[foot] = 1 + max(self.row[r] for r in self.net.readers(foot) if r in self.row)
        taken = {(c, self.row[b]) for b, c in self.col.items() if b != foot}
        while (self.col[foot], self.row[foot]) in taken:
            self.col[foot] += 1

    def _hang(self, box: str, at: int) -> int:
        """Gives a box and all that hangs from it columns from `at` on; the first column that stays free."""
        children = self.children.get(box, [])
        straight = self._straight(box, children)
        level = box in self.main or any(box in line for line in self.lines)  # its way out is to the right
        crowded = straight is not None and not level and self._fed_from_left(straight)
        right = [c for c in children if c != straight and self._rises(c)][-1:] if crowded else []
        left = [c for c in children if c != straight and c not in right]
        for child in left:
            at = self._hang(child, at)
        at = self._hang_below(box, straight, at)
        for child in right:
            at = self._hang(child, at)
        return at

    def _rises(self, box: str) -> bool:
        """Whether nothing but inputs from below makes a box, and one box alone reads it."""
        own = self.children.get(box, [])
        feeds = all(s in self.net.below or s in self.feet or (s in own and self._rises(s)) for s in self.net.sources(box))
        return feeds and len(self.net.readers(box)) == 1

    def _fed_from_left(self, box: str) -> bool:
        """Whether a box, or what hangs from it, reads something that comes from the left: its way is to be free."""
        children = self.children.get(box, [])
        low = {*self.lows, *children}
        foreign = any(s not in low for s in self.net.sources(box))
        return foreign or any(self._fed_from_left(c) for c in children)

    def _hang_below(self, box: str, straight: str | None, at: int) -> int:
        if straight is None:
            self.col[box] = at
            return at + 1
        if self.row[straight] == self.row[box]:
            at = self._hang(straight, at)
            self.col[box] = at
            return at + 1
        at = self._hang(straight, at)
        self.col[box] = self.col[straight]
        return at

    def _straight(self, box: str, children: list[str]) -> str | None:
        """The operand right below a box: the one most stands under, the last of equals."""
        hanging = [c for c in children if c not in self.side and self.row[c] > self.row[box]]
        if not hanging:
            return None
        return max(hanging, key=lambda c: (self._weight(c), hanging.index(c)))

    def _weight(self, box: str) -> int:
        return 1 + sum(self._weight(c) for c in self.children.get(box, ()) if c not in self.side)

    def _foot(self, box: str) -> int:
        """The column of a bus: below the first of the gates it feeds."""
        return min((self.col[r] for r in self.net.readers(box) if r in self.col), default=0)

    def _squeeze(self) -> None:
        """Neighbouring columns that no row has a box or an upright wire in both of become one."""
        changed = True
        while changed:
            changed = False
            spans = self._spans()
            for left in range(max(self.col.values(), default=0)):
                here, there = spans.get(left, {}), spans.get(left + 1, {})
                if not here or not there or any(r in there for r in here) or self._joined(left):
                    continue
                for box, at in self.col.items():
                    if at > left:
                        self.col[box] = at - 1
                changed = True
                break

    def _joined(self, left: int) -> bool:
        """Whether a box of one column reads one of the next: they would stand in each other's way."""
        return any(
            {self.col.get(e.source), self.col.get(e.target)} == {left, left + 1}
            and not (e.source in self.side or e.target in self.side)
            for e in self.net.edges
        )

    def _spans(self) -> dict[int, dict[int, bool]]:
        """By column, the rows that boxes and upright wires take."""
        spans: dict[int, dict[int, bool]] = {}
        for box, column in self.col.items():
            rows = spans.setdefault(column, {})
            rows[self.row[box]] = True
            parent = self.parent.get(box)
            if parent is not None and box not in self.side:
                for r in range(self.row[parent] + 1, self.row[box]):
                    rows[r] = True
            if any(s in self.lows for s in self.net.sources(box)):
                for r in range(self.row[box] + 1, max(self.row.values()) + 2):
                    rows[r] = True
            if any(s in self.main or s in self.net.left for s in self.net.sources(box)) and box not in self.main:
                for r in range(self.row[box]):
                    rows[r] = True
        return spans

    # --- terminals ------------------------------------------------------------------------------------------------------------

    def _spots(self) -> Spots:
        net = self.net
        spots = Spots()
        inner = {b: (self.col[b], self.row[b]) for b in net.inner if b in self.col}
        self._place_upper(inner)
        spots.at.update(inner)
        rows = [r for _, r in inner.values()] or [0]
        spots.rows = min(rows), max(rows)
        spots.columns = max((c for c, _ in inner.values()), default=0) + 1
        self._terminals_beside(spots, net.left, first=True)
        self._terminals_beside(spots, net.right, first=False)
        rows = [r for _, r in spots.at.values()] or [0]
        spots.rows = min(rows), max(rows)
        self._terminals_below(spots)
        self._terminals_above(spots)
        spots.at.update({id: (spots.columns, spots.at[id][1]) for id in net.right})
        return spots

    def _place_upper(self, inner: dict[str, tuple[int, int]]) -> None:
        used = set(inner.values())
        for box in self.order:
            if box in self.upper:
                sources = self.net.sources(box)
                column = max(inner[s][0] + (s in self.main) for s in sources)
                while (column, self.row[box]) in used:
                    column += 1
                inner[box] = column, self.row[box]
                used.add(inner[box])

    def _terminals_beside(self, spots: Spots, ids: list[str], *, first: bool) -> None:
        neighbours = self.net.readers if first else self.net.sources
        column = -1 if first else spots.columns
        taken: set[int] = set()
        lead = self.net.main_ends[0 if first else 1]
        if lead in ids:
            spots.at[lead] = column, 0
            taken.add(0)
        heads = {line[0] for line in self.lines}

        def wanted(id: str) -> tuple[int, int]:
            near = [n for n in neighbours(id) if n in spots.at]
            best = [n for n in near if n in heads or n in self.merges] or near
            rows = sorted(spots.at[n][1] for n in best)
            return (rows[0] if rows else 1), ids.index(id)

        for id in sorted((i for i in ids if i != lead), key=wanted):
            row = wanted(id)[0]
            free = sorted(range(-2, spots.rows[1] + len(ids) + 2), key=lambda r: (abs(r - row), r < row, r))
            row = next(r for r in free if r not in taken and (r >= 0 or (not first and r >= spots.rows[0])))
            taken.add(row)
            spots.at[id] = column, row

    def _terminals_below(self, spots: Spots) -> None:
        bottom = max([spots.rows[1], *(r for _, r in spots.at.values())]) + 1
        taken: set[int] = set()

        def wanted(id: str) -> tuple[int, int]:
            near = [spots.at[n] for n in self.net.readers(id) if n in spots.at]
            lowest = max((r for _, r in near), default=0)
            return min((c for c, r in near if r == lowest), default=0), self.net.below.index(id)

        for id in sorted(self.net.below, key=wanted):
            column = wanted(id)[0]
            free = sorted(range(spots.columns + len(self.net.below)), key=lambda c: (abs(c - column), c))
            column = next(c for c in free if c not in taken)
            taken.add(column)
            spots.columns = max(spots.columns, column + 1)
            spots.at[id] = column, bottom

    def _terminals_above(self, spots: Spots) -> None:
        top = spots.rows[0] - 1
        taken: set[int] = set()
        for id in self.net.above:
            sources = [s for s in self.net.sources(id) if s in spots.at]
            column = max((spots.at[s][0] + (s in self.main) for s in sources), default=0)
            while column in taken:
                column += 1
            taken.add(column)
            spots.columns = max(spots.columns, column + 1)
            spots.at[id] = column, top
