"""The right side of an equation as a tree whose names are looked up and whose ranges are axes or single members."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.functions import OPS, rule
from netfig.equations.infer_affine import is_plain, name, put
from netfig.equations.infer_ranges import cut_range, inside, symbols
from netfig.equations.infer_tree import Node, Thing
from netfig.equations.types import (
    Binary,
    Call,
    Concat,
    Each,
    Negative,
    Number,
    Power,
    Product,
    Reduce,
    Symbol,
    Transpose,
)
from netfig.errors import did_you_mean

if TYPE_CHECKING:
    from netfig.equations.infer_names import Names
    from netfig.equations.types import Expression, Range
    from netfig.graph.types import Affine

_SIGNS = {"+": "add", "-": "sub", "*": "mul", "/": "div", "@": "sign"}


class Reader:
    """Reads the expressions of one equation; `env` says what its indices stand for."""

    def __init__(self, names: Names, env: dict[str, Affine]) -> None:
        self.names, self.env = names, env

    def node(self, expression: Expression, nest: tuple[str, ...]) -> Node:
        """The tree of an expression repeated over the axes of `nest`."""
        span = expression.span
        match expression:
            case Number(text):
                return Node("number", span, nest, name=text)
            case Symbol():
                return self.symbol(expression, nest)
            case Binary(sign, left, right):
                return Node(_SIGNS[sign], span, nest, (self.node(left, nest), self.node(right, nest)))
            case Product(left, right):
                return Node("product", span, nest, (self.node(left, nest), self.node(right, nest)))
            case Negative(body):
                return Node("neg", span, nest, (self.node(body, nest),))
            case Power(body, exponent):
                if isinstance(exponent, Negative) and isinstance(exponent.body, Number) and exponent.body.text == "1":
                    return Node("inverse", span, nest, (self.node(body, nest),))
                return Node("pow", span, nest, (self.node(body, nest), self.node(exponent, nest)))
            case Transpose(body):
                return Node("transpose", span, nest, (self.node(body, nest),))
            case Call(function, arguments):
                return self.call(expression, function, arguments, nest)
            case Concat(parts):
                return Node("cat", span, nest, tuple(self.node(part, nest) for part in parts))
            case Each(body, found):
                return self.gathered("stack", "", body, found, expression, nest)
            case Reduce(kind, body, found):
                return self.gathered("reduce", kind, body, found, expression, nest)

    def call(self, call: Call, function: str, arguments: tuple[Expression, ...], nest: tuple[str, ...]) -> Node:
        """A call; ``cat(a, b)`` is ``[a; b]``."""
        parts = tuple(self.node(argument, nest) for argument in arguments)
        how = rule(function, len(parts))
        if how == "join":
            return Node("cat", call.span, nest, parts)
        if how is not None:
            expected = 2 if how in ("two", "outer", "dot", "matmul") else 1
            if len(parts) != expected:
                what = f"{function} takes {expected} argument{'s' if expected > 1 else ''}, {len(parts)} are given"
                self.names.problems.add(call.span, what)
        return Node("call", call.span, nest, parts, name=OPS.get(function, function))

    def gathered(self, op: str, kind: str, body: Expression, found: Range, whole: Each | Reduce, nest: tuple[str, ...]) -> Node:
        """A list or a sum over a range, cut where the families in it change from one piece to another."""
        names = self.names
        names.check_range(found, {word: affine for word, affine in self.env.items() if word != found.variable})
        ends = names.known(put(found.first, self.env)), names.known(put(found.last, self.env))
        parts: list[Node] = []
        gathers: list[str | None] = []
        cut = cut_range(found.variable, ends, body, names.families, self.env)
        outer = self.env.get(found.variable)
        for count, (first, last) in enumerate(cut):
            if first == last and not first.terms and (len(cut) > 1 or self._has_member(body, first.constant)):
                self.env[found.variable] = first
                parts.append(self.node(body, nest))
                gathers.append(None)
                continue
            written = _as_written(found, first if count else None, last if count < len(cut) - 1 else None, self.env)
            axis = names.axis(found.variable, written, nest)
            self.env[found.variable] = name(axis)
            parts.append(self.node(body, (*nest, axis)))
            gathers.append(axis)
        if outer is None:
            self.env.pop(found.variable, None)
        else:
            self.env[found.variable] = outer
        return Node(op, whole.span, nest, tuple(parts), name=kind, gathers=tuple(gathers), first=put(found.first, self.env))

    def _has_member(self, body: Expression, index: int) -> bool:
        """Whether a family in an expression has a member at `index` that is a value by itself: ``q_0`` where K = 0."""
        return any(s.family and (s.name, (index,)) in self.names.by_key for s, _ in symbols(body))

    def symbol(self, symbol: Symbol, nest: tuple[str, ...]) -> Node:
        """A read of a name, or of a component of it, or of a size or an index as a number."""
        names = self.names
        symbol = names.member(symbol)
        word = symbol.name
        if not symbol.indices and not symbol.family and (word, False) not in names.defined:
            if word in self.env:
                return Node("index", symbol.span, nest, index=self.env[word])
            if word in names.sizes:
                return Node("size", symbol.span, nest, name=word)
        if symbol.family and word in names.components:
            read = self.read(symbol, (), nest)
            for index in symbol.family:
                read = Node("select", symbol.span, nest, (read,), index=self.index(index, symbol))
            return read
        return self.read(symbol, symbol.family, nest)

    def index(self, index: Affine, symbol: Symbol) -> Affine:
        """An index over axes and sizes; an unknown name in it is a mistake."""
        names = self.names
        for word, _ in index.terms:
            if word in self.env or word in names.sizes:
                continue
            if word in names.variables:
                hint = f"give the left side the index, or write 'for {word} = ...'"
                names.problems.add(symbol.span, f"the index {word} of {symbol.name} is not defined in this equation", hint)
            else:
                known = [*self.env, *names.sizes]
                names.problems.add(symbol.span, f"the index {word} of {symbol.name} is not defined", did_you_mean(word, known))
        return put(index, self.env)

    def read(self, symbol: Symbol, family: tuple[Affine, ...], nest: tuple[str, ...]) -> Node:
        """A read of a thing, with what its indices say relative to where it stands."""
        indices = [self.index(i, symbol) for i in symbol.indices]
        members = [self.index(i, symbol) for i in family]
        thing = self.find(symbol, members, nest)
        node = Node("read", symbol.span, nest, thing=thing)
        if thing.brackets != len(indices):
            return self.unlike(symbol, thing, node, nest)
        thing.reads.append(node)
        offsets, at = [], []
        axes = thing.axes[: len(indices)]
        family_axes = thing.axes[len(indices) :]
        varying = [m for m in members if m.terms] if len(family_axes) < len(members) else members
        for axis, index in (*zip(axes, indices, strict=True), *zip(family_axes, varying, strict=False)):
            if axis in nest and is_plain(index) == axis:
                if index.constant:
                    offsets.append((axis, index.constant))
            else:
                at.append((axis, index))
        node.offset, node.at = tuple(offsets), tuple(at)
        return node

    def unlike(self, symbol: Symbol, thing: Thing, node: Node, nest: tuple[str, ...]) -> Node:
        """A read with too few or too many indices: all of them where none is written and none is there to take."""
        names = self.names
        if not symbol.indices and len(thing.axes) == 1 and thing.axes[0] not in nest:
            inner = Node("read", symbol.span, (*nest, thing.axes[0]), thing=thing)
            thing.reads.append(inner)
            return Node("stack", symbol.span, nest, (inner,), gathers=(thing.axes[0],), first=names.axes[thing.axes[0]].first)
        letters = ", ".join(names.axes[a].letter for a in thing.axes[: thing.brackets])
        given = len(symbol.indices)
        what = (
            f"{symbol.name} has {thing.brackets} {'index' if thing.brackets == 1 else 'indices'} elsewhere, here it has {given}"
        )
        names.problems.add(symbol.span, what, f"write {symbol.name}[{letters}]" if letters else f"write {symbol.name} alone")
        node.thing = Thing(symbol.name, symbol.name)
        return node

    def find(self, symbol: Symbol, members: list[Affine], nest: tuple[str, ...]) -> Thing:
        """The thing, or the piece of a family, that a symbol names here; a parameter where there is none yet."""
        names = self.names
        if not symbol.indices and (tied := names.tied_to(symbol.name, members)) is not None:
            return tied
        piece: list[str | int] = []
        for member in members:
            member = names.known(member)
            word = is_plain(member)
            piece.append(member.constant if not member.terms else word if word is not None else str(member))
        exact = names.by_key.get((symbol.name, tuple(piece)))
        if exact is None and len(members) == 1:
            exact = self._covering(symbol, members[0])
        if exact is None:
            axes = tuple(p for p in piece if isinstance(p, str) and p in names.axes)
            exact = names.add(symbol.name, tuple(piece), symbol.span)
            words = [is_plain(index) for index in symbol.indices]
            letters = [names.axis(word if word is not None and word in names.variables else "t", None) for word in words]
            if len(set(letters)) < len(letters):
                names.problems.add(symbol.span, f"two indices of {symbol.name} run over the same range, {', '.join(letters)}")
            exact.brackets = len(symbol.indices)
            exact.axes = (*letters, *axes)
            exact.role = "input" if symbol.indices else "parameter"
        return exact

    def _covering(self, symbol: Symbol, member: Affine) -> Thing | None:
        """The piece over whose range a member lies."""
        names = self.names
        reach = names.reach(member)
        for (word, piece), thing in names.by_key.items():
            if word == symbol.name and len(piece) == 1 and isinstance(piece[0], str):
                ends = names.ends(piece[0])
                if ends is None or reach is None or all(inside(ends, names.known(end)) for end in reach):
                    return thing
        return None


def _as_written(found: Range, first: Affine | None, last: Affine | None, env: dict[str, Affine]) -> Range:
    """A range with the ends it was written with, except where it is cut."""
    return type(found)(
        found.variable,
        put(found.first, env) if first is None else first,
        put(found.last, env) if last is None else last,
        found.span,
    )
