"""Families in pieces: which members are defined by themselves, and the equations cut along them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.infer_affine import is_plain, name, number, plus, put
from netfig.equations.infer_ranges import Family, Item, cut_range, symbols
from netfig.equations.infer_scan import Scan
from netfig.equations.types import Range, Symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.equations.infer_problems import Problems
    from netfig.equations.types import Program
    from netfig.graph.types import Affine

Uses = list[tuple[Symbol, tuple[Range, ...], Item]]
"""Reads of a name, each with the ranges around it and the equation it stands in."""


class Pieces(Scan):
    """Families and their pieces. A name is a key with whether it has an index below it: ``Q`` and ``Q_i`` are two."""

    def __init__(self, program: Program, problems: Problems, given: Mapping[str, int]) -> None:
        super().__init__(program, problems, given)
        self.families: dict[str, Family] = {}
        self.components: set[str] = set()
        self.plain: set[str] = set()
        self.defined: set[tuple[str, bool]] = set()
        self.uses: dict[tuple[str, bool], Uses] = {}

    def items(self) -> list[Item]:
        """The equations, cut along the pieces of the families in them."""
        items = [Item(equation, equation.ranges) for equation in self.program.equations]
        for item in items:
            left = item.equation.left
            if not self.is_boundary(item):
                self.defined.add((left.name, bool(left.family)))
            if not left.family:
                self.plain.add(left.name)
        for item in items:
            for found, around in symbols(item.equation.right, item.ranges):
                symbol = self.member(found)
                key = symbol.name, bool(symbol.family)
                self.uses.setdefault(key, []).append((symbol, around, item))
                if not symbol.family:
                    self.plain.add(symbol.name)
        for word, is_family in self.uses:
            if is_family and (word, True) not in self.defined and word in self.plain:
                self.components.update([word] if (word, False) in self.defined or word[0].islower() else [])
        for _ in range(len(items) + 2):
            self._gather(items)
            cut = [part for item in items for part in self._cut(item)]
            if len(cut) == len(items):
                break
            items = cut
        return items

    def member(self, symbol: Symbol) -> Symbol:
        """``s_L`` as the last of a family ``s_l`` over 1..L, when that is what it is."""
        word, _, size = symbol.name.rpartition("_")
        if not word or symbol.family or size not in self.sizes or (symbol.name, False) in self.defined:
            return symbol
        return Symbol(word, (name(size),), symbol.indices, symbol.span) if (word, True) in self.defined else symbol

    def _gather(self, items: list[Item]) -> None:
        """The families and the indices that are defined or used."""
        self.families = {}
        for item in items:
            left = item.equation.left
            if len(left.family) == 1 and self.interval(left.family[0], item) is not None:
                family = self.families.setdefault(left.name, Family())
                family.defined.append(self.interval(left.family[0], item))  # type: ignore[arg-type]
        for item in items:
            for symbol, around in symbols(item.equation.right, item.ranges):
                if len(symbol.family) == 1 and symbol.name not in self.components:
                    interval = self.interval(symbol.family[0], item, around)
                    if interval is not None:
                        family = self.families.setdefault(symbol.name, Family())
                        family.used.append(interval)
                        index = put(symbol.family[0], item.fixed)
                        family.recurs = family.recurs or (bool(index.terms) and index.constant != 0)

    def interval(self, index: Affine, item: Item, around: tuple[Range, ...] = ()) -> tuple[Affine, Affine] | None:
        """What a family index runs over where it stands."""
        index = self.known(put(index, item.fixed))
        word = is_plain(index)
        if word is None:
            return (index, index) if not index.terms else None
        for found in (*reversed(around), *reversed(item.ranges)):
            if found.variable == word:
                shift = number(index.constant)
                first, last = (self.known(put(end, item.fixed)) for end in (found.first, found.last))
                return plus(first, shift), plus(last, shift)
        return None

    def _cut(self, item: Item) -> list[Item]:
        """An equation over a range that spans several pieces, as several."""
        for position, found in enumerate(item.ranges):
            ends = self.known(put(found.first, item.fixed)), self.known(put(found.last, item.fixed))
            body = (item.equation.right, item.equation.left)
            parts = cut_range(found.variable, ends, body, self.families, item.fixed)
            if len(parts) == 1 and ends[0] != ends[1]:
                continue
            result = []
            for number_of, (first, last) in enumerate(parts):
                if first == last and not first.terms:
                    rest = item.ranges[:position] + item.ranges[position + 1 :]
                    result.append(Item(item.equation, rest, {**item.fixed, found.variable: first}))
                    continue
                # the ends that were written keep their names (K rather than 2)
                first = found.first if number_of == 0 else first
                last = found.last if number_of == len(parts) - 1 else last
                ranges = (*item.ranges[:position], Range(found.variable, first, last, found.span), *item.ranges[position + 1 :])
                result.append(Item(item.equation, ranges, dict(item.fixed)))
            return result
        return [item]

    def is_boundary(self, item: Item) -> bool:
        """Whether an index in brackets on the left is fixed."""
        return any(is_plain(index) not in self.variables or index.terms == () for index in item.equation.left.indices)
