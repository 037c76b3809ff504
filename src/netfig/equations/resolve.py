"""What each letter is: from statements as they were written to the tree of `types`.

Whether ``W_i`` is a name or the member of a family, ``f(x)`` a function or a product, ``W[a, b]`` has indices or is followed by a
vector, depends on the rest of the program: which letters run, which names are values, which families there are. That is looked at
first (`Facts`), then every statement is made by itself.
"""

from __future__ import annotations

from typing import Final

from netfig.equations.functions import RULES
from netfig.equations.names import GREEK, PRIME, REDUCTIONS, function, join, nearest, split, unicode_name
from netfig.equations.read_tree import Mistake, Node, Piece, RangeText, Spelled, affine_of, ungrouped
from netfig.equations.resolve_facts import FUNCTION_LETTERS, Facts, Written, is_compound, letters_of, names_in
from netfig.equations.types import (
    Binary,
    Call,
    Concat,
    Each,
    Equation,
    Expression,
    Negative,
    Number,
    Power,
    Product,
    Reduce,
    SizeValue,
    Span,
    Symbol,
    Transpose,
)
from netfig.graph.types import Affine

_SEVERAL: Final = frozenset(("clip", "leaky_relu", "elu", "dropout", "where"))


class Resolver:
    """Makes the expressions of one statement."""

    def __init__(self, facts: Facts, bound: set[str]) -> None:
        self.facts, self.bound = facts, bound

    def equation(self, written: Written) -> Equation | SizeValue:
        """One equation, or the number of a size."""
        facts = self.facts
        left = self.left(written.left)
        right = ungrouped(written.right)
        span = Span(written.start, written.end)
        if left.name in facts.sizes and not (left.indices or left.family or written.ranges):
            if right.kind != "number" or not right.data.isdigit():
                hint = f"such as {unicode_name(left.name)} = 3"
                raise Mistake(f"{unicode_name(left.name)} is a size and can only be a whole number", right.start, right.end, hint)
            if len(right.data) > 9:
                raise Mistake("this size is too large", right.start, right.end)
            return SizeValue(left.name, int(right.data), span)
        over = tuple(facts.range_of(r) for r in written.ranges if not (r.first is None and r.variable == facts.time))
        return Equation(left, self.make(written.right), over, written.label, span)

    def left(self, node: Node) -> Symbol:
        """The symbol that is defined: all that stands in its brackets are indices."""
        spelled: Spelled = node.data
        for part, index in zip(spelled.bracket or (), spelled.indices, strict=True):
            if index is None:
                raise Mistake("an index is a letter, a number, or their sum", part.start, part.end, "such as h[l, t-1]")
        return self.symbol(node, True)

    def symbol(self, node: Node, with_bracket: bool = True) -> Symbol:
        """A name and its indices."""
        facts, spelled = self.facts, node.data
        family: list[Affine | Piece] = []
        below: list[Affine] = []
        words: list[str] = []
        for piece in spelled.below:
            names = letters_of(piece.affine) if piece.affine is not None else []
            if piece.affine is None or piece.named:
                several = None if piece.named else facts.letters(piece, self.bound)
                for letter in several or ():
                    (below if letter == facts.time else family).append(Affine(((letter, 1),)))
                if not several:
                    words.append(piece.word)
            elif piece.explicit:
                below.append(piece.affine)
            elif not names:
                family.append(piece)  # h_0, W_1: decided when the rest is known
            elif facts.runs(piece, self.bound):
                (below if facts.time in names else family).append(piece.affine)
            elif (several := facts.letters(piece, self.bound)) is not None:
                for letter in several:
                    (below if letter == facts.time else family).append(Affine(((letter, 1),)))
            elif facts.is_last(piece) and join(spelled.base, tuple(words)) in facts.timed:
                below.append(piece.affine)  # h_T, the last of them
            elif facts.sizes.issuperset(names) and join(spelled.base, tuple(words)) in facts.families:
                family.append(piece.affine)  # q_K, the last of them
            elif is_compound(piece.affine):
                raise Mistake(
                    f"nothing says that a letter of {str(piece.affine)!r} runs", node.start, node.end, "say where: for i = 1..K"
                )
            else:
                words.append(piece.word)
        above = [p.affine for p in spelled.above if p.affine is not None and facts.stands_above(p, self.bound)]
        words += [p.word for p in spelled.above if not facts.stands_above(p, self.bound)]
        bracket = [a for a in spelled.indices if a is not None] if with_bracket else []
        members = self._numbered(family, join(spelled.base, tuple(words)), below, above + bracket, words, node)
        name = join(spelled.base, tuple(words))
        if above and (below or bracket):
            below = above + below
        else:
            members += above
        self._check_name(name, node, bool(below or bracket))
        return Symbol(name, tuple(members), tuple(below + bracket), Span(node.start, node.end))

    def _numbered(
        self, family: list[Affine | Piece], stem: str, below: list[Affine], bracket: list[Affine], words: list[str], node: Node
    ) -> list[Affine]:
        """What each number below a name is: a member of a family, a component, a time, or part of the name."""
        facts = self.facts
        is_member = (stem, len(family)) in facts.members
        is_component = bool(below + bracket) and (stem, len(below + bracket)) in facts.indexed
        members: list[Affine] = []
        for one in family:
            if isinstance(one, Affine):
                members.append(one)
                continue
            assert one.affine is not None
            if is_member or (is_component and one.affine.constant >= 0):
                members.append(one.affine)
            elif not (below or bracket) and stem in facts.timed and stem not in facts.explicit:
                below.append(one.affine)
            elif one.affine.constant < 0:
                raise Mistake("a name has no negative number", node.start, node.end, "an index stands in brackets: h[-1]")
            else:
                words.append(one.word)
        return members

    def _check_name(self, name: str, node: Node, indexed: bool) -> None:
        """``Uh[t-1]`` where ``h`` is a state is a product with the space forgotten."""
        facts = self.facts
        if (
            indexed
            and len(name) > 1
            and name[0].isupper()
            and name[1:] in facts.defined
            and name not in facts.defined
            and "_" not in name[:2]
        ):
            if name in GREEK:
                return
            parts = f"{name[0]} {unicode_name(name[1:])}"
            raise Mistake(
                f"{name!r} is one name, and nothing defines it", node.start, node.end, f"for the product write {parts!r}"
            )

    def _check_function(self, node: Node) -> None:
        """A known function is no value, unless the program makes it one."""
        base = node.data.base.split("_")[0]
        for name in (base, self.symbol(node, False).name):
            if len(name) > 1 and name not in GREEK and function(name) is not None and base not in self.facts.words:
                raise Mistake(f"{name!r} is a function and needs an argument", node.start, node.end, f"such as {name}(x)")

    def indices(self, node: Node) -> bool:
        """Whether the brackets after a name hold indices rather than the parts of a vector."""
        spelled: Spelled = node.data
        for index in spelled.indices:
            if index is None:
                return False
            for letter in letters_of(index):
                known = letter in self.bound or (
                    not spelled.bracket_gap and (letter not in self.facts.values or letter in self.facts.sizes)
                )
                if not known:
                    return False
        return True

    # ---- expressions

    def make(self, node: Node) -> Expression:
        """The expression of a node."""
        factors = self.factors(node)
        made = factors[0]
        for factor in factors[1:]:
            made = Product(made, factor, Span(node.start, factor.span.end))
        return made

    def factors(self, node: Node) -> list[Expression]:
        """The factors of what reads as one word but is a product: ``W[a, b]``, ``c(h + 1)``; else the one expression."""
        span = Span(node.start, node.end)
        kind = node.kind
        if kind == "group":
            return [self.make(node.parts[0])]
        if kind == "number":
            return [Number(node.data, span)]
        if kind == "name":
            self._check_function(node)
            if node.data.bracket is None or self.indices(node):
                return [self.symbol(node)]
            self._check_index(node.data)
            parts = tuple(map(self.make, node.data.bracket))
            return [self.symbol(node, False), Concat(parts, Span(node.data.bracket[0].start, node.end))]
        if kind in ("transpose", "power", "prime"):
            if kind == "prime" and (primed := self._primed(node)) is not None:
                return [primed]
            *before, base = self.factors(node.parts[0])
            last = Power(base, self.make(node.parts[1]), span) if kind == "power" else Transpose(base, span)
            return [*before, last]
        if kind == "product":
            left = self.make(node.parts[0])
            for factor in self.factors(node.parts[1]):
                left = Product(left, factor, Span(node.start, factor.span.end))
            return [left]
        if kind == "binary":
            left = self.make(node.parts[0])
            if node.data != "@":
                return [Binary(node.data, left, self.make(node.parts[1]), span)]
            first, *rest = self.factors(node.parts[1])
            made: Expression = Binary("@", left, first, span)
            for factor in rest:
                made = Product(made, factor, span)
            return [made]
        if kind == "negative":
            return [Negative(self.make(node.parts[0]), span)]
        if kind == "concat":
            return [Concat(tuple(map(self.make, node.parts)), span)]
        if kind == "each":
            return [self.over("", node.data, node.parts, span)]
        if kind == "over":
            return [self.over(node.data[0], node.data[1], node.parts, span)]
        if kind == "call":
            return [self.call(node.data, node.parts, span)]
        return self.apply(node, span)

    def _check_index(self, spelled: Spelled) -> None:
        """``x[t/2]`` is no vector of one number but an index that cannot be one."""
        assert spelled.bracket is not None
        if spelled.bracket_gap or len(spelled.bracket) > 1 or spelled.indices[0] is not None:
            return
        inside = spelled.bracket[0]
        free = self.bound | self.facts.sizes
        names = [n.data for n, _ in names_in(inside)]
        if all(n.base in free and not (n.below or n.bracket) for n in names):
            hint = "such as t, t-1, t+K or T"
            raise Mistake("an index is a name plus or minus a whole number", inside.start, inside.end, hint)

    def _primed(self, node: Node) -> Symbol | None:
        """``c'`` where ``c′`` is a name of the program."""
        part = node.parts[0]
        if part.kind != "name":
            return None
        plain = self.symbol(part)
        name = join(plain.name + "_" + PRIME)
        if name not in self.facts.defined:
            return None
        return Symbol(name, plain.family, plain.indices, Span(node.start, node.end))

    def over(self, kind: str, texts: list[RangeText], parts: tuple[Node, ...], span: Span) -> Expression:
        """``[… for …]``, ``sum(… for …)``, or a function of such a list; several ranges nest, the first outermost."""
        if len(parts) > 1:
            raise Mistake("only one expression can stand before 'for'", parts[1].start, parts[-1].end)
        over = [self.facts.range_of(text) for text in texts]
        inner = Resolver(self.facts, self.bound | {r.variable for r in over})
        body = inner.make(parts[0])
        for one in reversed(over):
            body = Reduce(kind, body, one, span) if kind in REDUCTIONS else Each(body, one, span)
        return body if kind in REDUCTIONS or not kind else Call(kind, (body,), span)

    def call(self, kind: str, parts: tuple[Node, ...], span: Span) -> Expression:
        """A known function."""
        arguments = tuple(map(self.make, parts))
        count = len(arguments)
        if kind == "transpose" and count == 1:
            return Transpose(arguments[0], span)
        rule = RULES.get(kind)
        if rule == "join":
            return Concat(arguments, span) if count > 1 or not isinstance(arguments[0], Each) else arguments[0]
        if rule == "list" and count > 1:
            return Call(kind, (Concat(arguments, span),), span)
        wanted = {"two": (1, 2), "outer": (2, 2), "dot": (2, 2), "matmul": (2, 2), "number": (1, 1)}.get(rule or "", (1, 1))
        if kind not in _SEVERAL and not wanted[0] <= count <= wanted[1]:
            needs = "one argument" if wanted == (1, 1) else "two arguments" if wanted == (2, 2) else "one or two arguments"
            raise Mistake(f"{kind} takes {needs}, not {count}", span.start, span.end)
        return Call(kind, arguments, span)

    def apply(self, node: Node, span: Span) -> list[Expression]:
        """A name directly before a bracket: a function or a factor."""
        head, over = node.data
        facts, name = self.facts, self.symbol(head)
        base = split(name.name)[0]
        is_letter = len(base.rstrip("0123456789")) == 1 or base in GREEK or base.startswith("Delta")
        certain = name.name in facts.functions or base in facts.functions
        if not certain and (name.indices or name.family):
            self._check_function(head)
        if not certain and not over and len(node.parts) == 1 and is_letter and self._is_time(node.parts[0]):
            inside = f"{unicode_name(name.name)}[{affine_of(node.parts[0])}]"
            raise Mistake("indices stand in square brackets", node.start, node.end, f"write {inside}")
        is_value = name.name in facts.values or bool(name.indices)
        if not certain and not is_letter and not is_value:
            near = nearest(name.name, [*RULES, *facts.functions])
            hint = f"did you mean {near!r}?" if near else f"if it is one of yours, say so: {name.name} : function"
            raise Mistake(f"{unicode_name(name.name)!r} is no function", head.start, head.end, hint)
        if certain or (not is_value and base in FUNCTION_LETTERS):
            if name.family:
                raise Mistake("functions have no running index", head.start, head.end)
            if over:
                return [Call(name.name, (self.over("", over, node.parts, span),), span)]
            return [Call(name.name, tuple(map(self.make, node.parts)), span)]
        if len(node.parts) > 1 or over:
            hint = f"if it is a function, say so: {unicode_name(name.name)} : function"
            raise Mistake(f"{unicode_name(name.name)!r} is no function", head.start, head.end, hint)
        return [name, self.make(node.parts[0])]

    def _is_time(self, node: Node) -> bool:
        index = affine_of(node)
        return index is not None and bool(index.terms) and self.bound.issuperset(letters_of(index))
