"""What the whole program says about its letters: which run, which are values, which names have members, which letter is time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from netfig.equations.names import GREEK, join
from netfig.equations.read_tree import Mistake, Node, Piece, RangeText, Spelled
from netfig.equations.types import Range, Span
from netfig.graph.types import Affine

FUNCTION_LETTERS: Final = frozenset(
    ("f", "g", "F", "G", "sigma", "rho", "phi", "psi", "chi", "xi", "zeta", "pi", "Phi", "Psi", "Xi", "Upsilon")
)
"""Letters that are functions when they stand before a bracket, unless the program uses them as values."""


class Written:
    """An equation as written."""

    __slots__ = ("bound", "end", "label", "left", "ranges", "right", "start")

    def __init__(self, left: Node, right: Node, ranges: tuple[RangeText, ...], start: int, end: int, label: str = "") -> None:
        self.left, self.right, self.ranges, self.start, self.end, self.label = left, right, ranges, start, end, label
        self.bound: set[str] = set()


def names_in(node: Node) -> Iterator[tuple[Node, bool]]:
    """Every symbol in a node, with whether it stands before a bracket as a function would; no letters of indices."""
    stack = [(node, False)]
    while stack:
        item, head = stack.pop()
        if item.kind == "name":
            yield item, head
            if None in item.data.indices:  # no indices but a vector beside it
                stack.extend((part, False) for part in item.data.bracket)
            continue
        if item.kind == "apply":
            stack.append((item.data[0], True))
        stack.extend((part, False) for part in item.parts)


def vectors_in(node: Node, bound: set[str]) -> Iterator[Spelled]:
    """Every symbol with a space and a bracket after it that holds a letter which does not run there: a vector, ``W [h]``."""
    stack = [(node, frozenset(bound))]
    while stack:
        item, running = stack.pop()
        if item.kind == "name":
            spelled: Spelled = item.data
            if None in spelled.indices:
                stack.extend((part, running) for part in spelled.bracket or ())
            elif spelled.bracket_gap and any(not running.issuperset(letters_of(a)) for a in spelled.indices if a is not None):
                yield spelled
            continue
        if item.kind == "apply":
            stack.append((item.data[0], running))
        if item.kind in ("each", "over", "apply"):
            running = running.union(r.variable for r in (item.data if item.kind == "each" else item.data[1]))
        stack.extend((part, running) for part in item.parts)


def ranges_in(node: Node) -> Iterator[RangeText]:
    """Every range inside a node."""
    stack = [node]
    while stack:
        item = stack.pop()
        if item.kind == "each":
            yield from item.data
        elif item.kind in ("over", "apply"):
            yield from item.data[1]
        stack.extend(item.parts)


def letters_of(affine: Affine) -> list[str]:
    """The names in an index."""
    return [name for name, _ in affine.terms]


def is_compound(index: Affine) -> bool:
    """Whether it is more than one letter."""
    return index.constant != 0 or len(index.terms) != 1 or index.terms[0][1] != 1


class Facts:
    """What the whole program says about its letters."""

    def __init__(self, equations: list[Written], declared: list[Node], sizes: set[str], functions: set[str]) -> None:
        self.equations, self.declared, self.sizes, self.functions = equations, declared, sizes, functions
        self.ranges: dict[str, list[RangeText]] = {}
        for equation in equations:
            for one in (*equation.ranges, *ranges_in(equation.right)):
                if one.first is not None and one.last is not None:
                    self.ranges.setdefault(one.variable, []).append(one)
        self.words = {e.left.data.base.split("_")[0] for e in equations} | {d.data.base.split("_")[0] for d in declared} | sizes
        self.time = self._time()
        self._lowered()
        self.families: set[str] = set()
        self.members: set[tuple[str, int]] = set()
        self.values: set[str] = set()
        self.defined: set[str] = set()
        self.timed: set[str] = set()
        self.explicit: set[str] = set()
        self.indexed: set[tuple[str, int]] = set()
        for equation in equations:
            equation.bound = {self.time, *(r.variable for r in equation.ranges)}
            for index in equation.left.data.indices:
                if index is not None:
                    equation.bound.update(n for n in letters_of(index) if n not in sizes)
            for piece in equation.left.data.above:
                if piece.affine is not None and not piece.named:
                    equation.bound.update(n for n in letters_of(piece.affine) if len(n) == 1 and n not in sizes)
        self._values()
        self._families()
        self.running = set(self.ranges).union(*(e.bound for e in equations))
        self._numbers()

    def _spelled(self) -> Iterator[tuple[Spelled, bool, set[str], Written | None]]:
        """Every symbol of the program with the letters that run where it stands (inner ranges included, loosely)."""
        for equation in self.equations:
            inner = equation.bound | {r.variable for r in ranges_in(equation.right)}
            yield equation.left.data, False, equation.bound, equation
            for node, head in names_in(equation.right):
                yield node.data, head, inner, equation
        for node in self.declared:
            yield node.data, False, {self.time}, None

    def _time(self) -> str:
        """``t``, unless the program never mentions it and steps along another letter below its names."""
        stepped, above = "", ""
        bases = {n.data.base for e in self.equations for n in (e.left, *(m for m, _ in names_in(e.right)))}
        for node in self.declared:
            for index in (*(p.affine for p in node.data.below + node.data.above), *node.data.indices):
                if index is not None and "t" in letters_of(index):
                    return "t"
        for equation in self.equations:
            left = {n for p in equation.left.data.below if p.affine for n in letters_of(p.affine)}
            raised = {n for p in equation.left.data.above if p.affine for n in letters_of(p.affine)}
            for node in (equation.left, *(n for n, _ in names_in(equation.right))):
                inside = node.data.indices if node is equation.left or self._may_index(node.data, bases) else ()
                for index in (*(p.affine for p in node.data.below + node.data.above), *inside):
                    if index is not None and "t" in letters_of(index):
                        return "t"
                for piece in (*node.data.below, *node.data.above):
                    if piece.affine and piece.affine.terms and is_compound(piece.affine):
                        letter = piece.affine.terms[0][0]
                        if letter in left and letter not in {r.variable for r in equation.ranges}:
                            stepped = stepped or letter
                        elif letter in raised and letter not in {r.variable for r in equation.ranges}:
                            above = above or letter
        return stepped or above or "t"

    def _lowered(self) -> None:
        """What stands above a symbol that has no time, ``W^{(l)}``, means the same as below it."""
        nodes = [n for e in self.equations for n in (e.left, *(m for m, _ in names_in(e.right)))]
        for node in (*nodes, *self.declared):
            spelled: Spelled = node.data
            if spelled.above and not self._has_time(spelled):
                spelled.below, spelled.above = spelled.below + spelled.above, []

    def _may_index(self, spelled: Spelled, bases: set[str]) -> bool:
        """Whether brackets after a name can be indices, before it is known which letters run: they hold no names of values."""
        if None in spelled.indices:
            return False
        inside = {n for index in spelled.indices if index is not None for n in letters_of(index)}
        return inside <= {"t"} if spelled.bracket_gap else bases.isdisjoint(inside - {"t"})

    def _values(self) -> None:
        for spelled, head, bound, equation in self._spelled():
            words = tuple(p.word for p in spelled.below if not (p.explicit or self.runs(p, bound) or self.letters(p, bound)))
            name = join(spelled.base, words)
            base = spelled.base.split("_")[0]
            if (
                not head
                or len(words) < len(spelled.below)
                or ((len(base) == 1 or base in GREEK) and base not in FUNCTION_LETTERS and not {base, name} & self.functions)
            ):
                self.values.add(name)
            if equation is not None and spelled is equation.left.data:
                self.defined.add(name)
        for equation in self.equations:
            left = equation.left.data
            bound = equation.bound.union(*(letters_of(p.affine) for p in left.below if p.affine and self._may_run(p)))
            for spelled in vectors_in(equation.right, bound):
                self.values.update(letter for index in spelled.indices if index is not None for letter in letters_of(index))

    def _families(self) -> None:
        """Which names have members: those with a running letter below them; what that says of letters on the left, and again."""
        while True:
            before = len(self.families), sum(len(e.bound) for e in self.equations)
            for spelled, _, bound, _ in self._spelled():
                above = [] if self._has_time(spelled) else spelled.above
                members = [p for p in spelled.below + above if self._is_family(p, bound)]
                if members:
                    stem = self.stem(spelled, bound)
                    self.families.add(stem)
                    if not any(p.affine is not None and p.affine.number is not None for p in spelled.below):
                        self.members.add((stem, sum(len(self.letters(p, bound) or "1") for p in members)))
            for equation in self.equations:
                for piece in equation.left.data.below:
                    if not self._may_run(piece):
                        continue
                    letter = letters_of(piece.affine)[0] if piece.affine else ""
                    if letter and letter not in equation.bound and self._runs(letter, equation):
                        equation.bound.add(letter)
            if (len(self.families), sum(len(e.bound) for e in self.equations)) == before:
                break

    def runs(self, piece: Piece, bound: set[str]) -> bool:
        """Whether a part below a name is an index: its letters run, or it is so many steps from a time, ``h_{t-K}``."""
        if piece.affine is None or piece.named or not piece.affine.terms:
            return False
        names = letters_of(piece.affine)
        if bound.issuperset(names):
            return True
        free = self.sizes.union(bound)
        return is_compound(piece.affine) and (self.time in names or (free.issuperset(names) and not bound.isdisjoint(names)))

    def _has_time(self, spelled: Spelled) -> bool:
        """Whether what stands above in brackets is an index beside the time: ``h_t^{(l)}``."""
        below = any(p.explicit or (p.affine is not None and self.time in letters_of(p.affine)) for p in spelled.below)
        return below or spelled.bracket is not None

    def _may_run(self, piece: Piece) -> bool:
        if piece.affine is None or piece.named or piece.word in self.values:
            return False
        return (len(piece.word) == 1 and piece.word.isalpha()) or piece.word in GREEK

    def _is_family(self, piece: Piece, bound: set[str]) -> bool:
        if piece.affine is None or piece.explicit or piece.named:
            return False
        if self.runs(piece, bound):
            return self.time not in letters_of(piece.affine)
        return self.letters(piece, bound) is not None

    def is_last(self, piece: Piece) -> bool:
        """Whether ``h_T`` may be the state at T."""
        return piece.word in self.sizes and piece.word[0].isupper() and piece.word not in self.values

    def letters(self, piece: Piece, bound: set[str]) -> list[str] | None:
        """The letters of ``w_{ij}`` where both run."""
        word = piece.word
        if piece.named or not 2 <= len(word) <= 3 or not word.isalpha() or word in bound or not bound.issuperset(word):
            return None
        return list(word)

    def stem(self, spelled: Spelled, bound: set[str]) -> str:
        """The name without the indices below it."""
        words = []
        for piece in spelled.below:
            is_number = piece.affine is not None and not piece.affine.terms
            if not (is_number or piece.explicit or self.runs(piece, bound) or self.letters(piece, bound)):
                words.append(piece.word)
        words += [p.word for p in spelled.above if not self.stands_above(p, bound)]
        return join(spelled.base, tuple(words))

    def stands_above(self, piece: Piece, bound: set[str]) -> bool:
        """Whether ``^{(l)}`` is an index and no part of the name."""
        return piece.affine is not None and not piece.named and self.sizes.union(bound).issuperset(letters_of(piece.affine))

    def _runs(self, letter: str, equation: Written) -> bool:
        """Whether a letter below the left side is an index: it is used as one on the right, or its family is known."""
        if self.stem(equation.left.data, equation.bound | {letter}) in self.families:
            return True
        for node, _ in names_in(equation.right):
            spelled: Spelled = node.data
            for index in spelled.indices:
                if index is not None and letter in letters_of(index):
                    return True
            for piece in (*spelled.below, *spelled.above):
                if piece.affine is not None and letter in letters_of(piece.affine):
                    stem = self.stem(spelled, equation.bound | {letter})
                    if stem in self.families or len(piece.affine.terms) > 1 or piece.affine.constant:
                        return True
        return False

    def _numbers(self) -> None:
        """What is needed to read ``h_0``: names with a time below them, and names with so many indices and nothing below."""
        for spelled, _, bound, _ in self._spelled():
            stem = self.stem(spelled, bound)
            below = [p for p in spelled.below if p.affine and (p.explicit or self.time in letters_of(p.affine))]
            if any(not p.explicit for p in below) and not any(p.word.isdigit() for p in spelled.below):
                self.timed.add(stem)
            rest = [p for p in spelled.below if p.word.isdigit() or self._is_family(p, bound)]
            inside = list(spelled.indices)
            if (inside or below) and None not in inside:
                if not rest:
                    self.indexed.add((stem, len(inside) + len(below) + len(spelled.above)))
                fixed = inside + [p.affine for p in below]
                if any(a is not None and a.number is not None for a in fixed):
                    self.explicit.add(stem)

    def range_of(self, one: RangeText) -> Range:
        """A range with both ends, looked up elsewhere in the program where only its letter is written."""
        span = Span(one.start, one.end)
        if one.first is not None and one.last is not None:
            return Range(one.variable, one.first, one.last, span)
        known = self.ranges.get(one.variable, [])
        lasts = {r.last for r in known if r.last is not None}
        firsts = [r.first for r in known if r.first is not None]
        if one.first is not None and len(lasts) == 1:
            return Range(one.variable, one.first, lasts.pop(), span)
        if len(lasts) == 1 and (len(set(firsts)) == 1 or all(f.number is not None for f in firsts)):
            return Range(one.variable, min(firsts, key=lambda f: f.constant), lasts.pop(), span)
        letter = one.variable
        found = Mistake(
            f"nothing says where {letter!r} begins and ends",
            one.start,
            one.end,
            f"write Σ_{{{letter}=1}}^{{n}} … or sum(… for {letter} = 1..n)",
        )
        found.depends = True
        raise found
