"""Which scope or op of one graph is which of another: children of partners are aligned in order, by name and by structure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from netfig.graph.types import Op
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.graph.align_nodes import Node

MOST: Final = 40_000
"""Pairs of children that are weighed against each other; longer rows are cut at what is the same in both."""
WINDOW: Final = 60
ALIKE: Final = 0.6
_FAMILIES: Final = ("conv", "norm", "pool", "linear", "embedding", "dropout", "attention", "lstm", "gru", "rnn")
_COUNTED: Final = re.compile(r"[\d.@]+")

Couple = tuple["Node | None", "Node | None"]


@dataclass(slots=True, eq=False)
class Cell:
    """A node of one graph with its partner in the other, or alone; its children are what stands in either."""

    before: Node | None
    after: Node | None
    children: list[Cell]
    moved: Cell | None = None  # where the same stands in the other graph, when that is elsewhere


def match(before: Node, after: Node) -> Cell:
    """The cell of two nodes that are partners, and of everything in them."""
    if before.is_op or after.is_op:
        return Cell(before, after, [])
    if before.exact == after.exact:
        return Cell(before, after, [match(a, b) for a, b in zip(before.children, after.children, strict=True)])
    if before.parent is None and after.parent is None:
        for inner, outer, is_after in ((before, after, True), (after, before, False)):
            for child in outer.children:
                if not child.is_op and child.word == inner.word != outer.word and 2 * child.size >= outer.size:
                    return Cell(before, after, [_enclosed(inner, one, is_after) if one is child else alone(one, is_after)
                                                for one in outer.children])  # fmt: skip
    return Cell(before, after, [_cell(a, b) for a, b in rows(before.children, after.children)])


def _cell(before: Node | None, after: Node | None) -> Cell:
    if before is not None and after is not None:
        wrapped = _wrapped(before, after)
        if wrapped is None:
            return match(before, after)
        inner, outer, is_after = wrapped
        children = []
        for child in outer.children:
            if child is not inner:
                children.append(alone(child, is_after))
            else:
                children.append(match(before, child) if is_after else match(child, after))
        return Cell(None, outer, children) if is_after else Cell(outer, None, children)
    return alone(before, False) if before is not None else alone(after, True)  # type: ignore[arg-type]


def _enclosed(root: Node, child: Node, is_after: bool) -> Cell:
    """The cell of a module that has become the model, or that was all of it."""
    pairs = rows(root.children, child.children) if is_after else rows(child.children, root.children)
    children = [_cell(a, b) for a, b in pairs]
    return Cell(None, child, children) if is_after else Cell(child, None, children)


def alone(node: Node, is_after: bool) -> Cell:
    """The cell of a node without a partner."""
    children = [alone(child, is_after) for child in node.children]
    return Cell(None, node, children) if is_after else Cell(node, None, children)


# --- rows of children -------------------------------------------------------------------------------------------------------


def rows(before: Sequence[Node], after: Sequence[Node]) -> list[Couple]:
    """Two rows of nodes as one, in an order that is that of both."""
    start = 0
    while start < min(len(before), len(after)) and _identical(before[start], after[start]):
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and _identical(before[-1 - end], after[-1 - end]):
        end += 1
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    head: list[Couple] = list(zip(before[:start], after[:start], strict=True))
    tail: list[Couple] = list(zip(before[len(before) - end :], after[len(after) - end :], strict=True))
    middle = _weighed(left, right) if len(left) * len(right) <= MOST else _cut(left, right)
    return [*head, *middle, *tail]


def _identical(a: Node, b: Node) -> bool:
    return a.exact == b.exact and a.name == b.name


def _weighed(before: Sequence[Node], after: Sequence[Node]) -> list[Couple]:
    """The heaviest alignment that keeps both orders."""
    n, m = len(before), len(after)
    names = _words(before) & _words(after)
    weights = [[_apart(a, b, names) * weight(a, b) for b in after] for a in before]
    best = [[0.0] * (m + 1) for _ in range(n + 1)]
    for i in range(n - 1, -1, -1):
        row, below, here = best[i], best[i + 1], weights[i]
        for j in range(m - 1, -1, -1):
            paired = below[j + 1] + here[j] if here[j] else 0.0
            row[j] = max(paired, below[j], row[j + 1])
    found: list[Couple] = []
    added: list[Couple] = []
    i = j = 0
    while i < n and j < m:
        if weights[i][j] and best[i][j] == best[i + 1][j + 1] + weights[i][j]:
            found += [*added, (before[i], after[j])]
            added = []
            i, j = i + 1, j + 1
        elif best[i][j] == best[i + 1][j]:
            found.append((before[i], None))
            i += 1
        else:
            added.append((None, after[j]))  # what goes stands before what comes in its place
            j += 1
    return [*found, *((a, None) for a in before[i:]), *added, *((None, b) for b in after[j:])]


def _words(nodes: Sequence[Node]) -> set[str]:
    return {node.name for node in nodes if node.name and not _COUNTED.fullmatch(node.name)}


def _apart(a: Node, b: Node, names: set[str]) -> float:
    """Less than 1 where two have different names and these are there in both graphs: ``query`` is not ``key``."""
    return 1.0 if a.name == b.name else (1.0, 0.2, 0.0)[(a.name in names) + (b.name in names)]


def _cut(before: Sequence[Node], after: Sequence[Node]) -> list[Couple]:
    """Long rows: cut at what stands once in each, in the same order; else the next that fits is taken."""
    anchors = _anchors(before, after)
    if not anchors:
        return _greedy(before, after)
    found: list[Couple] = []
    i = j = 0
    for a, b in anchors:
        found += [*rows(before[i:a], after[j:b]), (before[a], after[b])]
        i, j = a + 1, b + 1
    return [*found, *rows(before[i:], after[j:])]


def _anchors(before: Sequence[Node], after: Sequence[Node]) -> list[tuple[int, int]]:
    """Places of what is the same and stands once in each row, as many as can be in the same order."""
    from bisect import bisect_left

    there: dict[tuple[int, str], list[int]] = {}
    for j, node in enumerate(after):
        there.setdefault((node.exact, node.name), []).append(j)
    here: dict[tuple[int, str], list[int]] = {}
    for i, node in enumerate(before):
        here.setdefault((node.exact, node.name), []).append(i)
    pairs = [(i[0], there[key][0]) for key, i in here.items() if len(i) == 1 and len(there.get(key, ())) == 1]
    ends: list[int] = []
    chains: list[tuple[tuple[int, int], int]] = []  # a pair, and the chain it continues
    last: list[int] = []
    for pair in pairs:
        k = bisect_left(ends, pair[1])
        chains.append((pair, last[k - 1] if k else -1))
        ends[k : k + 1], last[k : k + 1] = [pair[1]], [len(chains) - 1]
    found, at = [], last[-1] if last else -1
    while at >= 0:
        pair, at = chains[at]
        found.append(pair)
    return found[::-1]


def _greedy(before: Sequence[Node], after: Sequence[Node]) -> list[Couple]:
    found: list[Couple] = []
    j = 0
    for node in before:
        near = next((k for k in range(j, min(len(after), j + WINDOW)) if weight(node, after[k]) >= 3), None)
        if near is None:
            found.append((node, None))
            continue
        found += [*((None, b) for b in after[j:near]), (node, after[near])]
        j = near + 1
    return [*found, *((None, b) for b in after[j:])]


# --- weights ----------------------------------------------------------------------------------------------------------------


def weight(a: Node, b: Node) -> float:
    """How much speaks for two nodes being the same thing; 0 when they cannot be."""
    own = _weight(a, b)
    if own < 3.0 and (wrapped := _wrapped(a, b)) is not None:
        inner, _, is_after = wrapped
        return max(own, _weight(a, inner) - 2.0 if is_after else _weight(inner, b) - 2.0)
    return own


def _weight(a: Node, b: Node) -> float:
    if a.is_op != b.is_op:
        return 0.0
    named = _named(a, b)
    if a.exact == b.exact:
        return 8.0 + named
    if isinstance(a.item, Op) and isinstance(b.item, Op):
        if a.word == b.word:
            return named + (5.0 if a.loose == b.loose else 4.0)
        return 1.2 + named if _exchanged(a, a.item, b, b.item) else 0.0
    if not isinstance(a.item, Op) and not isinstance(b.item, Op) and a.item.kind != b.item.kind:
        return 0.0
    alike = a.similarity(b)
    if a.word == b.word:
        return 3.0 + named + 2 * alike if alike >= 0.2 or named >= 2.0 or a.size <= 3 else 0.0
    if named >= 2.0 and (alike >= 0.3 or (_is_layer(a) and _is_layer(b))):
        return 1.5 + named / 2 + alike
    if _is_layer(a) and _is_layer(b) and _family(a) == _family(b) != "":
        return 1.5 + named
    return 2.0 * alike + named if alike >= ALIKE and min(a.size, b.size) > 1 else 0.0


def _named(a: Node, b: Node) -> float:
    """What a name is worth: a word much, a number in a row little."""
    if not a.name or a.name != b.name:
        return 0.0
    return 0.5 if _COUNTED.fullmatch(a.name) else 2.5


def _is_layer(node: Node) -> bool:
    """A module that holds no other."""
    return not node.is_op and all(child.is_op or getattr(child.item, "kind", "") == "function" for child in node.children)


def _family(node: Node) -> str:
    low = node.word.lower()
    stores = not isinstance(node.item, Op) and node.item.owns
    return next((word for word in _FAMILIES if word in low), "" if stores or node.size != 1 else "pointwise")


def _exchanged(left: Node, a: Op, right: Node, b: Op) -> bool:
    """Whether one op can stand in the other's place: another word for what reads as many values and no weight."""
    slots = [[(slot.name, len(slot.refs)) for slot in op.inputs] for op in (a, b)]
    return not (left.stores or right.stores) and slots[0] == slots[1] and len(a.outputs) == len(b.outputs) and a.phase == b.phase


def _wrapped(a: Node, b: Node) -> tuple[Node, Node, bool] | None:
    """One that stands in the other, with little else: (the inner one, the outer one, whether that is the later graph's)."""
    if _weight(a, b) >= 3.0:
        return None
    for inner, outer, is_after in ((a, b, True), (b, a, False)):
        for child in outer.children:
            whole = child.size >= 0.5 * outer.size and (child.exact == inner.exact or child.word == inner.word != "")
            if whole and _weight(inner, child) >= 4.5 and child.similarity(inner) >= ALIKE:
                return child, outer, is_after
    return None
