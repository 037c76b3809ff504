"""What stands where in a program: which letters are indices, which names are sizes, and over what the indices run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.equations.infer_affine import is_plain
from netfig.equations.infer_ranges import children, symbols
from netfig.equations.names import split
from netfig.equations.types import Binary, Call, Declaration, Each, Range, Reduce, SizeValue, Symbol

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netfig.equations.infer_problems import Problems
    from netfig.equations.types import Expression, Program
    from netfig.graph.types import Affine

_SIZE_LETTERS: Final = frozenset("dnmNDTKM")


class Scan:
    """The sizes, the index letters and the ranges of one program; `collect` fills it."""

    def __init__(self, program: Program, problems: Problems, given: Mapping[str, int]) -> None:
        self.program, self.problems, self.given = program, problems, given
        self.sizes: dict[str, int | None] = {}
        self.variables: set[str] = set()
        self.home: dict[str, Range] = {}
        self.ranges: list[Range] = []

    def collect(self) -> None:
        """Look at every statement once."""
        equations = self.program.equations
        declared = [s for s in self.program.statements if isinstance(s, Declaration)]
        for equation in equations:
            self.variables.update(r.variable for r in equation.ranges)
        for symbol in [e.left for e in equations] + [d.symbol for d in declared]:
            below = symbol.family if symbol.indices else ()  # W_y : m×n alone does not make y an index
            for index in (*symbol.indices, *below):
                word = is_plain(index)
                if word is not None and not self._looks_like_a_size(word):
                    self.variables.add(word)
        for equation in equations:
            self.ranges += [*equation.ranges, *self._ranges_in(equation.right)]
        self.variables.update(found.variable for found in self.ranges)
        for statement in self.program.statements:
            if isinstance(statement, SizeValue):
                if self.sizes.get(statement.name) not in (None, statement.value):
                    self.problems.add(statement.span, f"{statement.name} is already {self.sizes[statement.name]}")
                self.sizes[statement.name] = statement.value
        for declaration in declared:
            self._sizes_in(declaration.shape)
        for equation in equations:
            for found in (*equation.ranges, *self._ranges_in(equation.right)):
                self._sizes_in((found.first, found.last))
            for found in equation.ranges:
                index_words = [is_plain(i) for i in equation.left.indices]
                if found.variable in index_words:
                    self.home.setdefault(found.variable, found)
        for equation in equations:
            for symbol, _ in symbols(equation.right):
                for index in (*symbol.indices, *symbol.family):
                    for word, _ in index.terms:
                        if word not in self.variables and self._looks_like_a_size(word):
                            self.sizes.setdefault(word, None)

        self.sizes.update(dict.fromkeys(self._numbers_by_use(), None) | self.sizes)
        self.sizes.update({word: number for word, number in self.given.items() if word in self.sizes})

    def _numbers_by_use(self) -> list[str]:
        """Names of sizes that only stand where one divides by a size or its root: ``d_k`` in ``qᵀ k / √d_k``."""
        verdict = {s.symbol.name: False for s in self.program.statements if isinstance(s, Declaration)}
        for equation in self.program.equations:
            verdict[equation.left.name] = False
            stack: list[tuple[Expression, bool]] = [(equation.right, False)]
            while stack:
                item, is_divisor = stack.pop()
                if isinstance(item, Symbol):
                    fits = is_divisor and not item.indices and not item.family and split(item.name)[0] in _SIZE_LETTERS
                    verdict[item.name] = verdict.get(item.name, True) and fits
                elif isinstance(item, Call) and item.function == "sqrt":
                    stack.append((item.arguments[0], True))
                elif isinstance(item, Binary) and item.sign == "/":
                    stack += [(item.left, False), (item.right, True)]
                else:
                    stack += [(child, False) for child in children(item)]
        return [word for word, fits in verdict.items() if fits]

    def _looks_like_a_size(self, word: str) -> bool:
        return word in self.sizes or word[0].isupper()

    def _sizes_in(self, affines: tuple[Affine, ...]) -> None:
        for affine in affines:
            for word, _ in affine.terms:
                if word not in self.variables:
                    self.sizes.setdefault(word, None)

    def _ranges_in(self, expression: Expression) -> Iterator[Range]:
        stack = [expression]
        while stack:
            item = stack.pop()
            if isinstance(item, (Each, Reduce)):
                yield item.range
            stack.extend(reversed(children(item)))

    def known(self, affine: Affine) -> Affine:
        """With the numbers of sizes put in, for comparing; texts keep the names."""
        return affine.at({word: value for word, value in self.sizes.items() if value is not None})
