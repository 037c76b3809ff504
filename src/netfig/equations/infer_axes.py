"""The axes of a program: each letter with each range it runs over, and what the indices of an equation stand for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.infer_affine import ONE, is_plain, minus, name, number, plus, put
from netfig.equations.infer_pieces import Pieces
from netfig.equations.infer_tree import AxisRange
from netfig.equations.types import UNBOUNDED, Range

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.equations.infer_problems import Problems
    from netfig.equations.infer_ranges import Interval, Item
    from netfig.equations.types import Program
    from netfig.graph.types import Affine


class Axes(Pieces):
    """The axes, made when they are first met."""

    def __init__(self, program: Program, problems: Problems, given: Mapping[str, int]) -> None:
        super().__init__(program, problems, given)
        self.axes: dict[str, AxisRange] = {}

    def axis(self, variable: str, found: Range | None, nest: tuple[str, ...] = ()) -> str:
        """The id of the axis of an index over a range, or over all there is."""
        found = found or self.home.get(variable)
        first, last = (found.first, found.last) if found is not None else (ONE, None)
        for axis in self.axes.values():
            if axis.letter == variable and axis.id not in nest and self._same(axis, first, last):
                return axis.id
        count = sum(axis.letter == variable for axis in self.axes.values())
        made = AxisRange(f"{variable}@{count}" if count else variable, variable, first, last)
        self.axes[made.id] = made
        return made.id

    def _same(self, axis: AxisRange, first: Affine, last: Affine | None) -> bool:
        if self.known(axis.first) != self.known(first):
            return False
        if axis.last is None or last is None:
            if axis.last is None and last is not None and first == ONE and self.known(last) == self.known(name("T")) == name("T"):
                return axis.letter == "t"
            return axis.last is last
        return self.known(axis.last) == self.known(last)

    def scope(self, item: Item) -> dict[str, Affine]:
        """What each index on the left of an equation stands for: its axis, moved where the left is (``h[t+1] = …``)."""
        left = item.equation.left
        env: dict[str, Affine] = dict(item.fixed)
        by_variable = {r.variable: r for r in item.ranges}
        for index in (*left.indices, *left.family):
            index = put(index, item.fixed)
            word = is_plain(index)
            if word is None or word not in self.variables:
                continue
            if word in env:
                self.problems.add(left.span, f"the index {word} stands twice on the left of this equation")
                continue
            env[word] = name(self.axis(word, self._moved(by_variable.get(word), index.constant, env)), -index.constant)
        for found in item.ranges:
            self.check_range(found, {word: affine for word, affine in env.items() if word != found.variable})
            if found.variable not in env:
                hint = f"leave out 'for {found.variable} = {found.first}..{found.last}', or give the left side the index"
                self.problems.add(found.span, f"the index {found.variable} does not stand on the left of this equation", hint)
                env[found.variable] = name(self.axis(found.variable, found))
        return env

    def check_range(self, found: Range, env: Mapping[str, Affine]) -> None:
        """The ends of a range are made of sizes and of indices that stand around it."""
        for word in dict.fromkeys(word for end in (found.first, found.last) for word, _ in end.terms):
            if word == UNBOUNDED.terms[0][0]:
                hint = f"write where it ends: for {found.variable} = {found.first}..K"
                self.problems.add(found.span, f"the range of {found.variable} has no end", hint)
            elif word in self.variables and word not in env:
                what = "depends on itself" if word == found.variable else f"depends on {word}, which is no index here"
                self.problems.add(found.span, f"the range of {found.variable} {what}")

    def _moved(self, found: Range | None, distance: int, env: dict[str, Affine]) -> Range | None:
        if found is None:
            return None
        shift = number(distance)
        return Range(found.variable, plus(put(found.first, env), shift), plus(put(found.last, env), shift), found.span)

    def ends(self, index: str | int) -> Interval | None:
        """First and last index of an axis, or of one member of a family; sizes are numbers where they are known."""
        if isinstance(index, int):
            return number(index), number(index)
        axis = self.axes[index]
        return None if axis.last is None else (self.known(axis.first), self.known(axis.last))

    def reach(self, member: Affine) -> tuple[Affine, Affine] | None:
        """The least and the greatest index that a family is read at, over the range that the index runs over."""
        axis = is_plain(member)
        ends = self.ends(axis) if axis in self.axes else (number(0), number(0)) if not member.terms else None
        shift = number(member.constant)
        return None if ends is None else (plus(ends[0], shift), plus(ends[1], shift))

    def is_outside(self, axis: str, index: Affine) -> bool:
        """Whether an index lies before an axis begins or after it ends, whatever the sizes are."""
        span = self.axes[axis]
        last = span.last if span.last is not None else name(self.end_name(span))
        before = self.known(minus(index, span.first)).number
        after = self.known(minus(index, last)).number
        return (before is not None and before < 0) or (after is not None and after > 0)

    def end_name(self, axis: AxisRange) -> str:
        """The name for where an axis ends that nothing says: ``T`` for t."""
        wanted = axis.letter.upper()
        taken = (wanted, False) in self.defined or (wanted, False) in self.uses
        return f"{wanted}_{axis.letter}" if taken or wanted == axis.letter else wanted

    def nest(self, axes: tuple[str, ...]) -> tuple[str, ...]:
        """Axes as scopes are nested: time outermost, then in the order of the indices."""
        return tuple(sorted(axes, key=lambda axis: 0 if self.axes[axis].letter == "t" else 1))
