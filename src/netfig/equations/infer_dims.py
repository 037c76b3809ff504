"""The sizes of every vector and matrix, by unification over the equations; a size that nothing fixes gets a readable name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.equations.functions import rule
from netfig.equations.infer_affine import ONE, minus, plus
from netfig.equations.infer_rules import is_number, nodes_of
from netfig.equations.infer_tree import KIND_WORDS, MATRIX, RANK, ROW, SCALAR, VECTOR, Node, Resolved, Term, Thing
from netfig.equations.names import split
from netfig.graph.types import Affine, Dim

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.equations.infer_problems import Problems
    from netfig.equations.types import Declaration


class Unknown:
    """A size: one that the program names (`name`), or one to be found, which is then `bound`, by the equation in `line`."""

    __slots__ = ("bound", "line", "name")

    def __init__(self, name: str = "") -> None:
        self.name, self.line = name, 0
        self.bound: Length | None = None


class Length:
    """A sum of sizes with whole factors and a constant."""

    __slots__ = ("constant", "terms")

    def __init__(self, terms: tuple[tuple[Unknown, int], ...] = (), constant: int = 0) -> None:
        self.terms, self.constant = terms, constant

    def settled(self) -> Length:
        """The same over sizes that are not bound."""
        if not any(unknown.bound for unknown, _ in self.terms):
            return self
        terms: dict[Unknown, int] = {}
        constant = self.constant
        for unknown, factor in self.terms:
            inner = unknown.bound.settled() if unknown.bound is not None else Length(((unknown, 1),))
            constant += factor * inner.constant
            for other, times in inner.terms:
                terms[other] = terms.get(other, 0) + factor * times
        return Length(tuple((u, f) for u, f in terms.items() if f), constant)


def fresh() -> Length:
    """A size to be found."""
    return Length(((Unknown(), 1),))


def _sum(lengths: Iterable[Length], factor: int = 1) -> Length:
    terms: dict[Unknown, int] = {}
    constant = 0
    for count, one in enumerate(lengths):
        sign = factor if count else 1
        constant += sign * one.constant
        for unknown, times in one.terms:
            terms[unknown] = terms.get(unknown, 0) + sign * times
    return Length(tuple((u, f) for u, f in terms.items() if f), constant)


UNIT: Final = Length((), 1)


def _solved(rest: Length, unknown: Unknown, factor: int) -> Length:
    """What an unknown is when `rest`, in which it stands once with this factor, is zero."""
    return Length(tuple((u, -f * factor) for u, f in rest.terms if u is not unknown), -rest.constant * factor)


def _is_difference(length: Length) -> bool:
    """``n−1`` and ``m−n`` are; a size that becomes a sum (``W : m×(n+m)``) reads better."""
    return length.constant < 0 or any(factor < 0 for _, factor in length.terms)


class Sizes:
    """Unifies the sizes of one program."""

    def __init__(self, resolved: Resolved, problems: Problems) -> None:
        self.resolved, self.problems = resolved, problems
        self.names: dict[str, Unknown] = {}
        self.later: list[tuple[Length, Length, Node]] = []
        self.declared: dict[Thing, str] = {}

    def length(self, affine: Affine) -> Length:
        """A sum of size names as a length."""
        terms = tuple((self.names.setdefault(word, Unknown(word)), factor) for word, factor in affine.terms)
        return Length(terms, affine.constant)

    def extent(self, axis: str) -> Length:
        """How many indices an axis has."""
        found = self.resolved.axes[axis]
        last = found.last if found.last is not None else Affine(((found.end, 1),))
        return self.length(plus(minus(last, found.first), ONE))

    def infer(self, declared: Mapping[Thing, Declaration]) -> None:
        """Give every term its sizes and unify them; contradictions are added to the problems."""
        for thing in self.resolved.things.values():
            if thing in declared and len(declared[thing].shape) == RANK[thing.term.kinds]:
                thing.term.sizes = tuple(map(self.length, declared[thing].shape))
                shape = "×".join(map(str, declared[thing].shape))
                self.declared[thing] = f"line {self.problems.line(declared[thing].span)} says {thing.name} : {shape}"
        bodies = [(d.body, d.thing) for d in self.resolved.definitions]
        bodies += [(b.body, b.thing) for thing in self.resolved.things.values() for b in thing.boundaries]
        for body, thing in bodies:
            for node in nodes_of(body):
                self.node(node)
            if not (thing.boundaries and is_number(body)):
                self.same(body, body.term, thing.term, f"{thing.name} is {self.shape(thing.term)} elsewhere")
        for thing in self.resolved.things.values():
            if thing.name == "I" and thing.definition is None and not thing.axes and len(thing.term.sizes) == 2:
                self.unify(*thing.term.sizes, thing.reads[0])
        for _ in range(2):
            postponed, self.later = self.later, []
            for left, right, node in postponed:
                self.unify(left, right, node, last=False)
        for left, right, node in self.later:
            if not self.unify(left, right, node, last=True):
                self.mismatch(node)

    def sizes(self, term: Term) -> tuple[Length, ...]:
        """The sizes of a term, new ones when it has none yet."""
        if len(term.sizes) != RANK.get(term.kinds, 0):
            term.sizes = tuple(fresh() for _ in range(RANK.get(term.kinds, 0)))
        return term.sizes

    def node(self, node: Node) -> None:
        """Unify what one operation says about sizes."""
        parts = [self.sizes(part.term) for part in node.parts]
        kinds = [part.term.kinds for part in node.parts]
        out = self.sizes(node.term)
        match node.op:
            case "product" | "sign":
                self.product(node, kinds, parts, out)
            case "transpose":
                self.equal(node, zip(parts[0], reversed(out) if len(out) == 2 else out, strict=True))
            case "cat":
                whole = _sum([UNIT if kind == SCALAR else sizes[0] for kind, sizes in zip(kinds, parts, strict=True)])
                self.equal(node, [(out[0], whole)])
            case "stack":
                whole = _sum([UNIT if axis is None else self.extent(axis) for axis in node.gathers])
                self.equal(node, [(out[0], whole), *(pair for sizes in parts for pair in zip(sizes, out[1:], strict=True))])
            case "select":
                self.equal(node, zip(parts[0][1:], out, strict=True))
            case "inverse":
                self.equal(node, [*zip(parts[0], out, strict=True), *([(out[0], out[1])] if len(out) == 2 else [])])
            case "call":
                self.call(node, parts, out)
            case "number" | "size" | "index" | "read":
                pass
            case _:
                for sizes in parts:
                    if sizes:
                        self.equal(node, zip(sizes, out, strict=True))

    def call(self, node: Node, parts: list[tuple[Length, ...]], out: tuple[Length, ...]) -> None:
        """A function, by its rule."""
        how = rule(node.name, len(parts))
        if how in ("same", "list", "two"):
            for sizes in parts:
                if sizes:
                    self.equal(node, zip(sizes, out, strict=True))
        elif how == "outer":
            self.equal(node, [(parts[0][0], out[0]), (parts[1][0], out[1])])
        elif how == "dot":
            self.equal(node, zip(*parts, strict=True))
        elif how == "matrix":
            self.equal(node, [(parts[0][0], out[0]), (parts[0][0], out[1])])
        elif how == "matmul":
            self.product(node, [p.term.kinds for p in node.parts], parts, out)
        elif how == "inverse":
            self.equal(node, [*zip(parts[0], out, strict=True), *([(out[0], out[1])] if len(out) == 2 else [])])

    def product(self, node: Node, kinds: list[int], parts: list[tuple[Length, ...]], out: tuple[Length, ...]) -> None:
        """A matrix product: the inner sizes agree, the outer ones are the result's."""
        left, right = parts
        match kinds:
            case [1, _] | [_, 1]:
                self.equal(node, zip(right if kinds[0] == SCALAR else left, out, strict=True))
            case [8, 2]:
                self.equal(node, [(left[1], right[0]), (left[0], out[0])])
            case [8, 8]:
                self.equal(node, [(left[1], right[0]), (left[0], out[0]), (right[1], out[1])])
            case [4, 2] | [2, 2]:
                self.equal(node, [(left[0], right[0])])
            case [4, 8]:
                self.equal(node, [(left[0], right[0]), (right[1], out[0])])
            case [2, 4]:
                self.equal(node, [(left[0], out[0]), (right[0], out[1])])

    def same(self, node: Node, left: Term, right: Term, hint: str) -> None:
        """The two sides of an equation."""
        if left is not right:
            for a, b in zip(self.sizes(left), self.sizes(right), strict=False):
                if not self.unify(a, b, node):
                    self.mismatch(node, f"the right side is {self.shape(left)}, the left side is {self.shape(right)}")
                    return

    def equal(self, node: Node, pairs: Iterable[tuple[Length, Length]]) -> None:
        """Unify; the first pair that cannot be equal is reported."""
        for left, right in pairs:
            if not self.unify(left, right, node):
                self.mismatch(node)
                return

    def unify(self, left: Length, right: Length, node: Node, last: bool = False) -> bool:
        """Whether two sizes can be equal; they are from here on."""
        rest = _sum((left.settled(), right.settled()), -1).settled()
        if not rest.terms:
            return rest.constant == 0
        free = [(u, f) for u, f in rest.terms if not u.name]
        if not free:
            known = self.resolved.sizes
            numbers = [known.get(u.name) for u, _ in rest.terms]
            values = (number * f for number, (_, f) in zip(numbers, rest.terms, strict=True) if number is not None)
            return None not in numbers and sum(values) + rest.constant == 0
        choices = [(u, f) for u, f in free if abs(f) == 1]
        if (len(free) > 2 and not last) or not choices:
            self.later.append((left, right, node))
            return not last
        unknown, value = min(((u, _solved(rest, u, f)) for u, f in choices[::-1]), key=lambda pair: _is_difference(pair[1]))
        if not value.terms and value.constant < 1:
            return False
        unknown.bound, unknown.line = value, self.problems.line(node.span)
        return True

    # What is said about it

    def mismatch(self, node: Node, what: str = "") -> None:
        """Say which shapes do not fit, and which lines made them so."""
        texts = []
        lines: dict[int, None] = {}
        for part in node.parts:
            texts.append(f"{self.problems.text(part.span)} is {self.shape(part.term)}")
            for one in part.term.sizes:
                self._trace(one, lines)
        texts += [text for thing, text in self.declared.items() if thing in _things_in(node)]
        where = [n for n in lines if n and n != self.problems.line(node.span)]
        if where:
            texts.append(f"by line{'s' if len(where) > 1 else ''} {', '.join(map(str, sorted(where)))}")
        if not what:
            what = "the inner sizes of this product differ" if node.op in ("product", "sign") else "these shapes differ"
        self.problems.add(node.span, what, why="; ".join(texts))

    def _trace(self, length: Length, lines: dict[int, None]) -> None:
        stack = [length]
        while stack:
            for unknown, _ in stack.pop().terms:
                if unknown.bound is not None and unknown.line not in lines:
                    lines[unknown.line] = None
                    stack.append(unknown.bound)

    def shape(self, term: Term) -> str:
        """``a matrix m×n``, a size that is not known yet being ``?``."""
        words = KIND_WORDS.get(term.kinds, "anything")
        sizes = [self.text(one) for one in term.sizes]
        return f"{words} {'×'.join(sizes)}" if sizes and term.kinds == MATRIX else f"{words} of {sizes[0]}" if sizes else words

    def text(self, length: Length) -> str:
        """A size as it is written."""
        settled = length.settled()
        return str(Affine(tuple((u.name or "?", f) for u, f in settled.terms), settled.constant))

    # Names for sizes that nothing fixes

    def name_all(self, order: Iterable[Thing]) -> None:
        """Names for the sizes still open, from the things in `order`: ``n_x`` for the vector ``x``."""
        taken = {*self.names, *self.resolved.things, *(t.name for t in self.resolved.things.values())}
        for thing in order:
            word = "_".join((split(thing.name)[0], *split(thing.name)[2]))
            letters = ("n",) if thing.term.kinds in (VECTOR, ROW) else ("m", "n")
            for letter, size in zip(letters, self.sizes(thing.term), strict=False):
                self._name(size, f"{letter}_{word}", taken)
        for body in [d.body for d in self.resolved.definitions]:
            for node in nodes_of(body):
                for size in self.sizes(node.term):
                    self._name(size, "n_1", taken)

    def _name(self, size: Length, wanted: str, taken: set[str]) -> None:
        for unknown, _ in size.settled().terms:
            if unknown.name:
                continue
            word, count = wanted, 1
            while word in taken:
                count += 1
                word = f"{wanted}_{count}" if wanted != "n_1" else f"n_{count}"
            unknown.name = word
            taken.add(word)

    def size_names(self) -> set[str]:
        """Every name that stands in the shape of some thing."""
        terms = [size.settled().terms for thing in self.resolved.things.values() for size in self.sizes(thing.term)]
        return {unknown.name for one in terms for unknown, _ in one}

    def positive_names(self) -> set[str]:
        """Names that are a dimension by themselves (or less than one), and so cannot be 0."""
        found = [size.settled() for thing in self.resolved.things.values() for size in self.sizes(thing.term)]
        return {one.terms[0][0].name for one in found if len(one.terms) == 1 and one.constant <= 0}

    def dims(self, term: Term) -> tuple[Dim, ...]:
        """The shape as the graph keeps it; a row has that of its vector."""
        return tuple(self.dim(one) for one in self.sizes(term))

    def dim(self, length: Length) -> Dim:
        """A size, with its name where it was written with names."""
        settled = length.settled()
        affine = Affine(tuple((u.name, f) for u, f in settled.terms), settled.constant)
        known = affine.at({word: number for word, number in self.resolved.sizes.items() if number is not None})
        return Dim(known.number, str(affine) if affine.terms else None)


def _things_in(node: Node) -> set[Thing]:
    return {one.thing for one in nodes_of(node) if one.thing is not None}


def declarations(resolved: Resolved, found: Iterable[tuple[Thing, Declaration]], problems: Problems) -> dict[Thing, Declaration]:
    """Declared shapes by thing; the kind of each is set."""
    result: dict[Thing, Declaration] = {}
    for thing, declaration in found:
        kind = (SCALAR, VECTOR, MATRIX)[len(declaration.shape)] if len(declaration.shape) < 3 else 0
        if not kind:
            problems.add(
                declaration.span,
                f"{thing.name} has {len(declaration.shape)} sizes",
                "a scalar, a vector or a matrix has at most 2",
            )
        elif thing in result and result[thing].shape != declaration.shape:
            problems.add(declaration.span, f"{thing.name} is declared twice, with different sizes")
        else:
            result[thing] = declaration
            thing.term.kinds = kind
    return result
