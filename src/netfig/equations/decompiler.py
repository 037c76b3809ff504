"""The equations of a graph: those it was written with, or read back from its ops."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfig.equations.functions import RULES
from netfig.equations.infer_affine import name, number, plus
from netfig.equations.names import symbol_text
from netfig.equations.types import (
    Binary,
    Call,
    Concat,
    Declaration,
    Each,
    Equation,
    Negative,
    Number,
    Power,
    Product,
    Program,
    Range,
    Reduce,
    Symbol,
    Transpose,
)
from netfig.graph.types import Affine
from netfig.mathtext import text_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.equations.types import Expression, Sign
    from netfig.graph import Graph, Op, Ref, Value
    from netfig.mathtext import Text

_SIGNS: dict[str, Sign] = {"add": "+", "sub": "-", "mul": "*", "div": "/"}
_WRITTEN = frozenset(
    "cat stack linear matmul scale dot outer pow neg transpose inverse identity select index function embedding".split()  # noqa: SIM905
)
"""Kinds of op that have a way of their own to be written, beside the signs and the known functions."""
_TAKEN_APART = frozenset(("chunk", "split", "unbind"))
"""Kinds of op that take a whole apart: their results are given names and no equations."""
MOST = 400
"""Ops in one equation; a longer one is cut with a dot for what is left out."""
MOST_LINES = 30
"""Equations read back for a figure; more are no help to its reader."""


def equation_lines(graph: Graph) -> tuple[Text, ...]:
    """The equations of a graph, typeset, one line each; empty when it has none that can be written."""
    from netfig.equations.typesetting import typeset

    note = graph.notes_on("").get("equations")
    if note is not None and isinstance(note.value, tuple):
        from netfig.equations.parser import parse

        program = parse("\n".join(map(str, note.value)))
        return tuple(typeset(equation) for equation in program.equations)
    if not _can_be_written(graph):
        return ()
    from netfig.equations.layers import as_families

    lines = as_families(tuple(typeset(equation) for equation in decompile(graph).equations))
    return lines if len(lines) <= MOST_LINES else ()


def _can_be_written(graph: Graph) -> bool:
    """Whether there is a way to write all that is done in the steps of a graph: half of it would say something else."""
    known = _WRITTEN | _SIGNS.keys() | RULES.keys()
    inside = graph.plates_around
    return all(op.kind in known for op in graph.ops if op.phase == "forward" and inside[op.scope])


def decompile(graph: Graph) -> Program:
    """The equations read back from the ops: one for each value with a name, in the order of execution."""
    return _Decompiler(graph).program()


class _Decompiler:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.axes = {axis.id: axis for axis in graph.axes}
        self.inside = graph.plates_around
        self.left = MOST
        bounds = (start for v in graph.values for _, _, start in (*v.initial, *v.final))
        self.starts = {start for start in bounds if start.endswith("]")}

    def program(self) -> Program:
        equations: list[Equation] = []
        for value in self.graph.values:
            equations += self._boundaries(value)
        for op in self.graph.ops:
            if op.phase != "forward" or not op.outputs or not self.is_named(op.outputs[0]) or op.outputs[0] in self.starts:
                continue
            if op.kind in _TAKEN_APART:
                continue
            self.left = MOST
            value = self.graph.value_by_id[op.outputs[0]]
            equations.append(Equation(self.own(value), self.expression(op), self._ranges(value)))
        return Program((*self._declarations(), *equations), name=self.graph.name)

    def _declarations(self) -> list[Declaration]:
        """The shapes of what comes from outside: what a scalar is cannot be read from the equations alone."""
        found = []
        for value in self.graph.values:
            dims = value.type.shape
            if value.kind in ("input", "parameter") and dims is not None and len(dims) < 3:
                sizes = [Affine.parse(d.name) if d.name else number(d.size or 0) for d in dims if d.name or d.size]
                symbol = self.own(value)
                if len(sizes) == len(dims) and len(symbol.family) < 2:
                    found.append(Declaration(symbol, tuple(sizes)))
        return found

    def is_named(self, value: str) -> bool:
        """Whether an equation is written for a value, rather than its expression where it is read."""
        known = self.graph.value_by_id[value]
        return bool(known.symbol) or bool(known.names) or value not in self.graph.producer

    def _ranges(self, value: Value) -> tuple[Range, ...]:
        """The ranges of a family; an index in brackets runs over all there is, unless its end has a name of its own."""
        return tuple(self.range(a) for a in value.axes if not self._in_brackets(value, a) or self._has_own_end(a))

    def _has_own_end(self, axis: str) -> bool:
        found = self.axes[axis]
        return axis != "t" and (found.start != 1 or found.extent.name not in (None, self.letter(axis).upper()))

    def range(self, axis: str) -> Range:
        """The range of an axis as written in a program."""
        found = self.axes[axis]
        first = number(found.start)
        extent = found.extent.name
        if extent is None:
            last = number(found.start + (found.extent.size or 0) - 1)
        else:
            last = plus(self._lettered(Affine.parse(extent)), number(found.start - 1))
        return Range(self.letter(axis), first, last)

    def letter(self, axis: str) -> str:
        """The index letter of an axis."""
        return axis.partition("@")[0]

    def _lettered(self, index: Affine) -> Affine:
        return Affine(tuple((self.letter(word), factor) for word, factor in index.terms), index.constant)

    def _in_brackets(self, value: Value, axis: str) -> bool:
        return stands_in_brackets(self.graph, value, axis)

    def _boundaries(self, value: Value) -> list[Equation]:
        """What a state starts from, unless that is zero."""
        found = []
        for axis, index, start in value.initial:
            given = self.graph.value_by_id[start]
            if given.kind == "constant" and set(given.data or ()) <= {0}:
                continue
            left = self.symbol(value, {axis: number(index)})
            if start in self.graph.producer and start in self.starts:
                found.append(Equation(left, self.expression(self.graph.producer[start])))
            elif given.data is not None:
                found.append(Equation(left, _literal(given.data)))
            elif not _looks_like(left, self.symbol(given, {})):
                found.append(Equation(left, self.symbol(given, {})))
        return found

    # Symbols

    def own(self, value: Value) -> Symbol:
        """A value at its own indices."""
        return self.symbol(value, {})

    def symbol(self, value: Value, at: dict[str, Affine]) -> Symbol:
        """A value at given indices, its own where none is given."""
        base, member = value.id, None
        shown = value.symbol if value.symbol and value.symbol != symbol_text(base) else ()
        stem, _, tail = base.rpartition("_")
        if not shown and tail.isdigit() and stem in self.graph.value_by_id:
            base, member = stem, int(tail)
        inside = tuple(at.get(a, name(self.letter(a))) for a in value.axes if self._in_brackets(value, a))
        below = tuple(at.get(a, name(self.letter(a))) for a in value.axes if not self._in_brackets(value, a))
        if member is not None:
            below = (number(member), *below)
        return Symbol(re.sub(r"[\W_]+", "_", base.partition("@")[0]).strip("_") or "v", below, inside, shown=shown)

    def read(self, ref: Ref) -> Expression:
        """What a use of a value is written as."""
        value = self.graph.value_by_id[ref.value]
        if value.kind == "constant" and value.data is not None and not value.axes:
            return _literal(value.data)
        if not self.is_named(ref.value):
            self.left -= 1
            return self.expression(self.graph.producer[ref.value]) if self.left > 0 else Symbol("…")
        at = {axis: plus(name(self.letter(axis)), number(distance)) for axis, distance in ref.offset}
        at |= {axis: self._lettered(index) for axis, index in ref.at}
        return self.symbol(value, at)

    # Ops

    def expression(self, op: Op) -> Expression:
        """The right side that an op is."""
        refs = [ref for slot in op.inputs for ref in slot.refs]
        if op.kind in ("stack", "sum", "prod", "mean", "max", "min") and op.inputs and op.inputs[0].name == "values":
            return self._gathered(op, refs)
        parts = [self.read(ref) for ref in refs]
        if op.kind == "cat":
            return Concat(tuple(parts))
        if op.kind == "linear" and len(parts) >= 2:
            product = Product(parts[1], parts[0])
            return Binary("+", product, parts[2]) if len(parts) > 2 else product
        if op.kind == "embedding" and len(parts) == 2:
            table, row = parts
            return Call(text_of(table.shown) or table.name, (row,)) if isinstance(table, Symbol) else Product(table, row)
        if len(parts) == 2:
            return self._binary(op, parts[0], parts[1], refs)
        if len(parts) == 1:
            return self._unary(op, parts[0], refs[0])
        if op.kind == "index":
            index = self._lettered(Affine.parse(str(op.attribute("index"))))
            return _sum_of(index)
        return Call(self._function(op), tuple(parts))

    def _function(self, op: Op) -> str:
        return str(op.attribute("name")) if op.kind == "function" else op.kind

    def _binary(self, op: Op, left: Expression, right: Expression, refs: Sequence[Ref]) -> Expression:
        match op.kind:
            case "matmul":
                return Product(self._row(left, refs[0]), right)
            case "scale":
                return Product(left, right)
            case "dot":
                return Product(self._row(left, refs[0]), right)
            case "outer":
                return Product(left, Transpose(right))
            case "pow":
                return Power(left, right)
            case "mul" if all(self.graph.value_by_id[ref.value].type.shape == () for ref in refs):
                return Product(left, right)
        if op.kind in _SIGNS:
            return Binary(_SIGNS[op.kind], left, right)
        return Call(self._function(op), (left, right))

    def _row(self, part: Expression, ref: Ref) -> Expression:
        """The left side of a product: a vector there is a row, unless what it is written as is one already."""
        shape = self.graph.value_by_id[ref.value].type.shape
        if shape is not None and len(shape) != 1:
            return part
        inner: Expression = part
        while isinstance(inner, Product):
            if isinstance(inner.left, Transpose) or isinstance(inner.right, Transpose):
                return part
            inner = inner.right
        return Transpose(part)

    def _unary(self, op: Op, part: Expression, ref: Ref) -> Expression:
        match op.kind:
            case "neg":
                return Negative(part)
            case "transpose":
                return Transpose(part)
            case "inverse":
                return Power(part, Negative(Number("1")))
            case "identity":
                return part
            case "select":
                index = self._lettered(Affine.parse(str(op.attribute("index"))))
                if isinstance(part, Symbol):
                    return Symbol(part.name, (*part.family, index), part.indices, shown=part.shown)
                return Call("select", (part, _sum_of(index)))
        return Call(self._function(op), (part,))

    def _gathered(self, op: Op, refs: Sequence[Ref]) -> Expression:
        """A list or a sum over the axes that its op does not stand in."""
        around = self.inside[op.scope]
        parts: list[tuple[Expression, str | None]] = []
        for ref in refs:
            named = {axis for axis, _ in (*ref.offset, *ref.at)}
            open_ = [a for a in self.graph.value_by_id[ref.value].axes if a not in around and a not in named]
            parts.append((self.read(ref), open_[0] if open_ else None))
        merged = self._merged(parts)
        if merged is not None:
            body, found = merged
            return Each(body, found) if op.kind == "stack" else Reduce(op.kind, body, found)
        if op.kind == "stack":
            return Concat(tuple(body if axis is None else Each(body, self.range(axis)) for body, axis in parts))
        terms = [body if axis is None else Reduce(op.kind, body, self.range(axis)) for body, axis in parts]
        if op.kind in ("sum", "prod"):
            whole = terms[0]
            for term in terms[1:]:
                whole = Binary("+" if op.kind == "sum" else "*", whole, term)
            return whole
        return Call(op.kind, tuple(terms))

    def _merged(self, parts: list[tuple[Expression, str | None]]) -> tuple[Expression, Range] | None:
        """``w_0`` and ``w_i for i = 1..K`` as ``w_i for i = 0..K``, where the one is the other with its index put in."""
        if len(parts) == 1 and parts[0][1] is not None:
            return parts[0][0], self.range(parts[0][1])
        if len(parts) != 2 or parts[0][1] is not None or parts[1][1] is None:
            return None
        found = self.range(parts[1][1])
        first = plus(found.first, number(-1))
        if put_in(parts[1][0], found.variable, first) != parts[0][0]:
            return None
        return parts[1][0], Range(found.variable, first, found.last)


def _looks_like(one: Symbol, other: Symbol) -> bool:
    """Whether two symbols are printed alike."""
    from netfig.equations.typesetting import symbol

    return one == other or ((bool(one.shown) or bool(other.shown)) and symbol(one) == symbol(other))


def stands_in_brackets(graph: Graph, value: Value, axis: str) -> bool:
    """Whether an index of a value is written ``h[t]`` rather than below it, ``q_i``.

    t is, and what stands before it (``h[l,t]``); without t, what states recur along, unless the value is a weight.
    """
    if "t" in value.axes:
        return value.axes.index(axis) <= value.axes.index("t")
    return value.kind != "parameter" and any(a.id == axis and a.name == "time" for a in graph.axes)


def put_in(expression: Expression, variable: str, index: Affine) -> Expression:
    """An expression with a number for one of its index letters."""
    match expression:
        case Symbol(word, family, indices):
            members, places = (tuple(_put(i, variable, index) for i in some) for some in (family, indices))
            return Symbol(word, members, places, shown=expression.shown)
        case Binary(sign, left, right):
            return Binary(sign, put_in(left, variable, index), put_in(right, variable, index))
        case Product(left, right):
            return Product(put_in(left, variable, index), put_in(right, variable, index))
        case Transpose(body):
            return Transpose(put_in(body, variable, index))
        case Negative(body):
            return Negative(put_in(body, variable, index))
        case Power(body, exponent):
            return Power(put_in(body, variable, index), put_in(exponent, variable, index))
        case Call(function, arguments):
            return Call(function, tuple(put_in(one, variable, index) for one in arguments))
    return expression


def _put(affine: Affine, variable: str, index: Affine) -> Affine:
    factor = dict(affine.terms).get(variable)
    if factor is None:
        return affine
    return plus(Affine(tuple(term for term in affine.terms if term[0] != variable), affine.constant), index, factor)


def _sum_of(index: Affine) -> Expression:
    """An index used as a number."""
    whole: Expression | None = None
    for word, factor in index.terms:
        term: Expression = Symbol(word) if abs(factor) == 1 else Product(Number(str(abs(factor))), Symbol(word))
        whole = (Negative(term) if factor < 0 else term) if whole is None else Binary("-" if factor < 0 else "+", whole, term)
    if whole is None:
        return Number(str(index.constant))
    if index.constant:
        whole = Binary("-" if index.constant < 0 else "+", whole, Number(str(abs(index.constant))))
    return whole


def _literal(data: Sequence[object]) -> Expression:
    parts: list[Expression] = []
    for one in data:
        if isinstance(one, str):
            parts.append(Symbol("I" if one == "identity" else one))
        else:
            text = f"{one:g}" if isinstance(one, float) else str(one)
            parts.append(Negative(Number(text[1:])) if text.startswith("-") else Number(text))
    return parts[0] if len(parts) == 1 else Concat(tuple(parts))
