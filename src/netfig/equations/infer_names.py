"""What each name of a program is, along which axes, and which piece of a family an index means."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.infer_affine import is_plain, minus, number, put
from netfig.equations.infer_axes import Axes
from netfig.equations.infer_nodes import Reader
from netfig.equations.infer_ranges import Interval, Item, inside
from netfig.equations.infer_tree import Boundary, Definition, Node, Resolved, Thing
from netfig.equations.types import Range, Symbol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.equations.infer_pieces import Uses
    from netfig.equations.infer_problems import Problems
    from netfig.equations.types import Program, Span
    from netfig.graph.types import Affine

Piece = tuple[str | int, ...]
"""Which members of a family: for each index below the name its axis, or the number it is fixed at; () for no family."""


class Names(Axes):
    """The things a program names; `resolve` fills it and reads the right sides."""

    def __init__(self, program: Program, problems: Problems, given: Mapping[str, int]) -> None:
        super().__init__(program, problems, given)
        self.things: dict[str, Thing] = {}
        self.by_key: dict[tuple[str, Piece], Thing] = {}
        self.tied: dict[tuple[str, bool], list[tuple[Interval | None, Thing]]] = {}
        self.definitions: list[Definition] = []

    def resolve(self) -> Resolved:
        """Everything about the program but its shapes."""
        self.collect()
        items = self.items()
        general = [item for item in items if not self.is_boundary(item) and not self._tie(item)]
        for item in general:
            self._define(item)
        for (word, is_family), uses in self.uses.items():
            if (word, is_family) not in self.defined and (not is_family or word not in self.components):
                self._undefined(word, is_family, uses)
        for item in general:
            self._read(item)
        for item in items:
            if self.is_boundary(item):
                self._boundary(item)
        for word, family in self.families.items():
            if family.recurs:
                self._starts_of(word)
        things = {thing.id: thing for thing in self.things.values()}
        return Resolved(self.program, things, self.axes, self.definitions, self.sizes, self.ranges)

    def add(self, word: str, piece: Piece, span: Span) -> Thing:
        """A new thing for a name, or for one piece of a family."""
        wanted = word + "".join(f"_{index}" for index in piece if isinstance(index, int))
        if piece and wanted == word and word in self.plain:
            wanted = f"{word}_{str(piece[0]).partition('@')[0]}"
        unique, count = wanted, 0
        while unique in self.things:
            count += 1
            unique = f"{wanted}@{count}"
        fixed = next((index for index in piece if isinstance(index, int)), None)
        thing = Thing(unique, word, fixed, span=span)
        self.things[unique] = thing
        self.by_key[word, piece] = thing
        return thing

    def _piece(self, item: Item, env: dict[str, Affine]) -> Piece:
        piece: list[str | int] = []
        for index in item.equation.left.family:
            at = put(index, env)
            word = is_plain(at)
            if word in self.axes and not at.constant:
                piece.append(str(word))
            elif not at.terms:
                piece.append(at.constant)
            else:
                self.problems.add(
                    item.equation.left.span, f"the index {index} below {item.equation.left.name} is neither a name nor a number"
                )
        return tuple(piece)

    def _define(self, item: Item) -> None:
        left = item.equation.left
        env = self.scope(item)
        piece = self._piece(item, env)
        there = self.by_key.get((left.name, piece))
        if there is None and (other := self._overlapping(left.name, piece)):
            there = other
        if there is not None:
            line = self.problems.line(there.span)
            self.problems.add(left.span, f"{left.name} is defined twice", why=f"line {line} defines it already")
            return
        thing = self.add(left.name, piece, left.span)
        thing.role = "computed"
        brackets = []
        for index in left.indices:
            word = is_plain(index)
            assert word is not None, "boundaries are read elsewhere"
            brackets += [axis for axis, _ in env[word].terms] if word in env else []
        thing.axes = (*brackets, *(p for p in piece if isinstance(p, str)))
        thing.brackets = len(brackets)

    def _overlapping(self, word: str, piece: Piece) -> Thing | None:
        for (other, pieces), thing in self.by_key.items():
            if other != word or len(pieces) != len(piece) or len(piece) != 1:
                continue
            mine, theirs = (self.ends(p[0]) for p in (piece, pieces))
            if mine is None or theirs is None:
                continue
            if mine == theirs:
                return thing
            gaps = minus(mine[0], theirs[1]).number, minus(theirs[0], mine[1]).number
            if all(gap is not None and gap <= 0 for gap in gaps):
                return thing
        return None

    def _tie(self, item: Item) -> bool:
        """Whether an equation only says that a name is another name of a parameter (``Q_i = Q``); then it is kept as that."""
        left, right = item.equation.left, item.equation.right
        if left.indices or not isinstance(right, Symbol) or right.indices or right.family or len(left.family) > 1:
            return False
        if (right.name, False) in self.defined or right.name in self.sizes or right.name in self.variables:
            return False
        target = self.by_key.get((right.name, ())) or self.add(right.name, (), right.span)
        interval = self.interval(left.family[0], item) if left.family else None
        self.tied.setdefault((left.name, bool(left.family)), []).append((interval, target))
        return True

    def tied_to(self, word: str, members: list[Affine]) -> Thing | None:
        """The parameter that a name, or one of a family, is another name of."""
        for interval, target in self.tied.get((word, bool(members)), ()):
            ends = self.reach(members[0]) if members else None
            if interval is None or (ends is not None and all(inside(interval, self.known(end)) for end in ends)):
                return target
        return None

    def _undefined(self, word: str, is_family: bool, uses: Uses) -> None:
        """An input or a parameter: nothing defines it."""
        if not is_family and not uses[0][0].indices and (word in self.sizes or word in self.variables):
            return
        counts = {len(symbol.indices) for symbol, _, _ in uses}
        brackets = max(counts)
        if is_family and len(uses[0][0].family) > 1:
            return  # a family over two indices is found where it is read
        for key in self._used_pieces(word, is_family):
            thing = self.by_key.get((word, key)) or self.add(word, key, uses[0][0].span)
            axes = [self._bracket_axis(p, uses) for p in range(brackets)]
            if len(set(axes)) < len(axes):
                self.problems.add(uses[0][0].span, f"two indices of {word} run over the same range, {', '.join(axes)}")
            thing.axes = (*axes, *(k for k in key if isinstance(k, str)))
            thing.brackets = brackets
            thing.role = "input" if brackets else "parameter"

    def _bracket_axis(self, position: int, uses: Uses) -> str:
        """The axis of an input: of the free index it is read at, else of the first range it is read over."""
        choices: list[tuple[int, str, Range | None]] = []
        for symbol, around, item in uses:
            if position >= len(symbol.indices):
                continue
            word = is_plain(put(symbol.indices[position], item.fixed))
            if word is None or word not in self.variables:
                continue
            found = next((r for r in reversed(around) if r.variable == word), None)
            on_left = any(is_plain(i) == word for i in item.equation.left.indices)
            choices.append((0 if on_left else 1, word, found))
        if not choices:
            return self.axis("t", None)
        _, word, found = min(choices, key=lambda choice: choice[0])
        return self.axis(word, found)

    def _used_pieces(self, word: str, is_family: bool) -> list[Piece]:
        if not is_family:
            return [()]
        used = self.families[word].used if word in self.families else []
        cuts = self.families[word].cuts() if word in self.families else []
        spans = [one for one in used if one[0] != one[1]]
        found: list[Piece] = []
        for first, _ in (one for one in used if one[0] == one[1]):
            if first.number is not None and (first in cuts or not spans) and (first.number,) not in found:
                found.append((first.number,))
        letters = self._letters(word)
        if spans or (letters and not found):
            widest = self._widest(spans)
            letter, given = letters[0] if letters else ("i", None)
            if widest is not None and (given is None or (self.known(given.first), self.known(given.last)) != widest):
                given = Range(letter, *widest)
            found.append((self.axis(letter, given),))
        return found

    def _letters(self, word: str) -> list[tuple[str, Range | None]]:
        """The letters a family is read with, and their ranges as written."""
        found: list[tuple[str, Range | None]] = []
        for symbol, around, item in self.uses.get((word, True), ()):
            for index in symbol.family:
                letter = is_plain(put(index, item.fixed))
                if letter is not None and letter in self.variables:
                    given = next((r for r in reversed((*item.ranges, *around)) if r.variable == letter), None)
                    found.append((letter, None if index.constant else given))
        return found

    def _widest(self, spans: list[tuple[Affine, Affine]]) -> tuple[Affine, Affine] | None:
        if not spans:
            return None
        first, last = spans[0]
        for other_first, other_last in spans[1:]:
            if (gap := minus(other_first, first).number) is not None and gap < 0:
                first = other_first
            if (gap := minus(other_last, last).number) is not None and gap > 0:
                last = other_last
        return first, last

    def _starts_of(self, word: str) -> None:
        """Members defined by themselves beside a family that recurs are its boundary values (``s_0`` of ``s_l``)."""
        pieces = {key[0]: thing for (name_of, key), thing in self.by_key.items() if name_of == word and len(key) == 1}
        for axis, thing in pieces.items():
            if not isinstance(axis, str) or thing.definition is None:
                continue
            for index, member in pieces.items():
                if isinstance(index, int) and member.definition is not None:
                    nest = self.nest(tuple(a for a in thing.axes if a != axis))
                    body = Node("read", member.span, nest, thing=member)
                    equation = member.definition.equation
                    thing.boundaries.append(Boundary(thing, equation, axis, number(index), nest, body))

    def _read(self, item: Item) -> None:
        env = self.scope(item)
        thing = self.by_key.get((item.equation.left.name, self._piece(item, env)))
        if thing is None or thing.definition is not None:
            return
        nest = self.nest(thing.axes)
        body = Reader(self, env).node(item.equation.right, nest)
        thing.definition = Definition(thing, item.equation, nest, body)
        self.definitions.append(thing.definition)

    def _boundary(self, item: Item) -> None:
        left = item.equation.left
        env: dict[str, Affine] = {}
        piece_item = Item(item.equation, item.ranges, item.fixed)
        env = self.scope(piece_item)
        thing = self.by_key.get((left.name, self._piece(item, env)))
        if thing is None or len(left.indices) != thing.brackets:
            hint = f"write an equation for {left.name}[t]" if thing is None else ""
            self.problems.add(
                left.span, f"{left.name} is given at a fixed index, but nothing defines or reads it in general", hint
            )
            return
        fixed = [(p, put(index, env)) for p, index in enumerate(left.indices) if is_plain(index) not in self.variables]
        if len(fixed) != 1:
            self.problems.add(left.span, "a value at the boundary fixes one index; the others are names")
            return
        position, index = fixed[0]
        axis = thing.axes[position]
        rest = tuple(a for a in thing.axes if a != axis)
        nest = self.nest(rest)
        if any(b.axis == axis and b.index == index for b in thing.boundaries):
            self.problems.add(left.span, f"{left.name}[{index}] is given twice")
            return
        if not self.is_outside(axis, index):
            letter, first = self.axes[axis].letter, self.axes[axis].first
            hint = f"write {left.name}[{letter}] = …" + ("" if first.terms else f", or give {left.name}[{first.constant - 1}]")
            self.problems.add(left.span, f"{left.name}[{index}] is neither before the range of {letter} nor after it", hint)
            return
        body = Reader(self, env).node(item.equation.right, nest)
        thing.boundaries.append(Boundary(thing, item.equation, axis, index, nest, body))
