"""Printing a program: Unicode, ASCII, or the body of a LaTeX ``align``. `parse` reads each of them back to the same tree."""

from __future__ import annotations

import re
from typing import Final, Literal

from netfig.equations.names import function, latex_name, split, unicode_name
from netfig.equations.types import (
    UNBOUNDED,
    Binary,
    Call,
    Concat,
    Declaration,
    Each,
    Equation,
    Expression,
    FunctionName,
    Negative,
    Number,
    Power,
    Product,
    Program,
    Range,
    Reduce,
    SizeValue,
    Statement,
    Symbol,
    Transpose,
)
from netfig.errors import UsageError, did_you_mean
from netfig.graph.types import Affine

Style = Literal["unicode", "ascii", "latex"]
STYLES: Final = ("unicode", "ascii", "latex")

SUM, TERM, PRODUCT, FACTOR, ATOM = range(5)  # how tightly what is written holds together

_SIGNS: Final = {
    "unicode": {"+": "+", "-": "-", "*": "⊙", "/": "/", "@": "·"},
    "ascii": {"+": "+", "-": "-", "*": "*", "/": "/", "@": "@"},
    "latex": {"+": "+", "-": "-", "*": r"\odot", "/": "/", "@": r"\cdot"},
}
_RAISED: Final = dict(zip("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹", strict=True))
_COMMANDS: Final = frozenset(("tanh", "exp", "log", "sin", "cos", "max", "min", "sinh", "cosh", "arctan", "det"))
_STEP: Final = re.compile(r"_[^\W\d]\Z")
_BIG: Final = {"unicode": {"sum": "Σ", "prod": "Π"}, "ascii": {}, "latex": {"sum": r"\sum", "prod": r"\prod"}}


def write(what: Program | Statement | Expression, style: Style = "unicode") -> str:
    """A program (one statement a line), a statement or an expression as text.

    In LaTeX a program is the body of an ``align`` environment: each line but the last ends in ``\\\\``.
    """
    if style not in STYLES:
        raise UsageError(f"there is no style {style!r}", hint=did_you_mean(style, STYLES))
    if isinstance(what, Program):
        return _program(what, style)
    if isinstance(what, (Equation, Declaration, SizeValue, FunctionName)):
        return _Writer(style, _names((what,)), "t").statement(what)
    return _Writer(style, _names((what,)), "t").expression(what)


def _program(program: Program, style: Style) -> str:
    writer = _Writer(style, _names(program.statements), time_letter(program))
    sign = "%" if style == "latex" else "#"
    lines = [f"{sign} title: {' '.join(program.title.split())}"] if program.title else []
    for number, statement in enumerate(program.statements):
        line = writer.statement(statement)
        if style == "latex" and number + 1 < len(program.statements):
            line += r" \\"
        label = " ".join(statement.label.split()) if isinstance(statement, Equation) else ""
        lines.append(f"{line}  {sign} {label}" if label else line)
    return "\n".join(lines) + "\n"


def reformat(program: Program, style: Style) -> str:
    """The source of a program with every statement written in `style`; comments, blank lines and line breaks stay.

    A LaTeX program, and any program in the style ``latex``, is written anew by `write`, with its title and labels as comments.
    """
    source = program.source
    if style == "latex" or "\\" in source:
        return write(program, style)
    writer = _Writer(style, _names(program.statements), time_letter(program))
    out, end = "", 0
    for statement in program.statements:
        span = statement.span
        text = source[span.start : span.end]
        commented = "\n" in text and ("#" in text or "%" in text)  # a comment inside: there is no line to put it on
        out = _joined(out, source[end : span.start]) + (text if commented else writer.statement(statement))
        end = span.end
    lines = _joined(out, source[end:]).splitlines()
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _joined(written: str, rest: str) -> str:
    """What is written and what stands behind it; the full stop after ``w^2`` is no part of the number."""
    return f"{written} {rest}" if rest[:1] == "." and written[-1:].isdigit() else written + rest


def symbols_of(what: Statement | Expression) -> list[Symbol]:
    """Every symbol in a statement or an expression, in the order written."""
    found: list[Symbol] = []
    stack: list[object] = [what]
    while stack:
        item = stack.pop()
        match item:
            case Symbol():
                found.append(item)
            case Equation(left, right):
                stack += [right, left]
            case Declaration(symbol):
                found.append(symbol)
            case Binary(_, left, right) | Product(left, right) | Power(left, right):
                stack += [right, left]
            case Negative(body) | Transpose(body) | Each(body) | Reduce(_, body):
                stack.append(body)
            case Call(_, parts) | Concat(parts):
                stack += reversed(parts)
    return found


def time_letter(program: Program) -> str:
    """``t``, or the letter that stands in its place: what an equation of a program without a ``t`` steps along."""
    stepped = ""
    for statement in program.statements:
        if any(name == "t" for s in symbols_of(statement) for i in (*s.indices, *s.family) for name, _ in i.terms):
            return "t"
        if not stepped and isinstance(statement, Equation) and len(statement.left.indices) == 1:
            last = statement.left.indices[-1]
            letter = str(last)
            if len(last.terms) != 1 or last != Affine(((letter, 1),)) or any(r.variable == letter for r in statement.ranges):
                continue
            for symbol in symbols_of(statement.right):
                if len(symbol.indices) == 1 and symbol.indices[0].constant and symbol.indices[0].terms == last.terms:
                    stepped = letter
    in_families = {name for st in program.statements for s in symbols_of(st) for i in s.family for name, _ in i.terms}
    return stepped if stepped and stepped not in in_families else "t"


def _names(statements: tuple[Statement | Expression, ...]) -> dict[str, bool]:
    """The names that are used, each with whether it has indices in brackets anywhere."""
    found: dict[str, bool] = {}
    for statement in statements:
        for symbol in symbols_of(statement):
            found[symbol.name] = found.get(symbol.name, False) or bool(symbol.indices)
    return found


class _Writer:
    """Writes in one style; knows which names the program has, so that nothing it writes can be read as something else."""

    def __init__(self, style: Style, names: dict[str, bool], time: str) -> None:
        self.style: Style = style
        self.latex = style == "latex"
        self.signs = _SIGNS[style]
        self.names, self.time = names, time
        self.bound: frozenset[str] = frozenset((time,))

    # ---- statements

    def statement(self, statement: Statement) -> str:
        """One line."""
        equals = " &= " if self.latex else " = "
        match statement:
            case Equation(left, right, over):
                letters = {str(index) for index in (*left.indices, *left.family) if len(str(index)) == 1}
                self.bound = frozenset((self.time, *letters, *(r.variable for r in over)))
                return self.symbol(left) + equals + self.expression(right) + self.ranges(over)
            case SizeValue(name, value):
                return f"{self.name(name)}{equals}{value}"
            case FunctionName(name):
                return rf"{self.name(name)} &: \text{{function}}" if self.latex else f"{self.name(name)} : function"
            case Declaration(symbol, shape):
                letters = {str(index) for index in (*symbol.indices, *symbol.family) if len(str(index)) == 1}
                self.bound = frozenset((self.time, *letters))
                return self.symbol(symbol) + self.shape(shape)

    def shape(self, shape: tuple[Affine, ...]) -> str:
        """What follows the symbol in a declaration."""
        if self.latex:
            power = r" \times ".join(map(self.affine, shape))
            return r" &\in \mathbb{R}" + (f"^{{{power}}}" if shape else "")
        return " : " + ((" x " if self.style == "ascii" else "×").join(map(self.affine, shape)) or "scalar")

    def ranges(self, over: tuple[Range, ...]) -> str:
        """``for i = 1..K, j = 1..i``."""
        if not over:
            return ""
        return (r" \quad \text{for } " if self.latex else "  for ") + ", ".join(map(self.range, over))

    def range(self, one: Range) -> str:
        """``i = 1..K``, ``i ≥ 1``."""
        letter = self.name(one.variable)
        if one.last == UNBOUNDED:
            return f"{letter} {({'unicode': '≥', 'ascii': '>=', 'latex': chr(92) + 'ge'})[self.style]} {self.affine(one.first)}"
        between = r", \ldots, " if self.latex else ".."
        return f"{letter} = {self.affine(one.first)}{between}{self.affine(one.last)}"

    # ---- names and indices

    def name(self, name: str) -> str:
        """A name in this style."""
        if self.latex:
            base, marks, _ = split(name)
            stem = "_".join((base, *marks))
            return latex_name(name, digits_upright=self.names.get(stem, False))
        return unicode_name(name) if self.style == "unicode" else name

    def affine(self, index: Affine) -> str:
        """``t-1``, ``2K``."""
        if index == UNBOUNDED:
            return r"\infty" if self.latex else "∞"
        text = ""
        for name, factor in index.terms:
            sign = "-" if factor < 0 else "+" if text else ""
            times = (
                ""
                if abs(factor) == 1
                else f"{abs(factor)} "
                if self.latex
                else f"{abs(factor)}{'*' if name[0] in 'eExX' else ''}"
            )
            text += sign + times + self.name(name)
        if not index.constant or not text:
            return text or str(index.constant)
        if _STEP.search(text) and not self.latex:  # z_t-1 could be meant as z[t-1]
            return f"{text} {'-' if index.constant < 0 else '+'} {abs(index.constant)}"
        return f"{text}{index.constant:+d}"

    def symbol(self, symbol: Symbol) -> str:
        """A name with its indices."""
        if self.latex:
            return self._latex_symbol(symbol)
        text = self.name(symbol.name)
        if symbol.family:
            inner = ",".join(map(self.affine, symbol.family))
            is_word = inner.isalnum() and (inner.isdigit() or not inner[0].isdigit())
            text += f"_{inner}" if is_word else f"_{{{inner}}}"
        return text + (f"[{','.join(map(self.affine, symbol.indices))}]" if symbol.indices else "")

    def _latex_symbol(self, symbol: Symbol) -> str:
        """``q_{i,t-1}``, ``h_{t}^{(l)}``; an index that is not time stays in brackets."""
        base, marks, below = split(symbol.name)
        head = "_".join((base, *marks))
        text = self.name(symbol.name)
        lower = [self.affine(index) for index in symbol.family]
        above, brackets = "", ""
        if symbol.indices:
            *outer, last = symbol.indices
            known = all(name in self.bound for index in outer for name, _ in index.terms)
            if known and last.number is not None:
                lower.append(f"{self.name(self.time)}={last}")
            elif known and any(name == self.time for name, _ in last.terms):
                lower.append(self.affine(last))
            else:
                outer, brackets = [], f"[{','.join(map(self.affine, symbol.indices))}]"
            above = f"^{{({','.join(map(self.affine, outer))})}}" if outer else ""
        if not lower:
            return text + above + brackets
        if below:  # one subscript, for two are an error in LaTeX
            start = self.name(head)
            words = text[len(start) + 2 : -1]
            return f"{start}_{{{','.join([words, *lower])}}}{above}{brackets}"
        return f"{text}_{{{','.join(lower)}}}{above}{brackets}"

    # ---- expressions

    def expression(self, expression: Expression, level: int = SUM) -> str:
        """An expression, in brackets where it holds together less tightly than `level`."""
        text, holds = self._make(expression)
        if holds >= level:
            return text
        return rf"\left({text}\right)" if self.latex else f"({text})"

    def _make(self, expression: Expression) -> tuple[str, int]:
        match expression:
            case Number(text):
                return text, ATOM
            case Symbol():
                return self.symbol(expression), ATOM
            case Binary(sign, left, right):
                return self._binary(sign, left, right)
            case Product(left, right):
                return self._product(left, right), PRODUCT
            case Negative(body):
                return "-" + self._operand(body, PRODUCT), PRODUCT
            case Transpose(body):
                return self._base(body) + {"unicode": "ᵀ", "ascii": "^T", "latex": r"^{\top}"}[self.style], FACTOR
            case Power(body, exponent):
                return self._base(body) + self._exponent(exponent), FACTOR
            case Call(name, arguments):
                return self._call(name, arguments), ATOM
            case Concat(parts):
                return self._brackets("; ".join(map(self.expression, parts))), ATOM
            case Each(body, over):
                outer = self._enter(over)
                between = r" \; \text{for } " if self.latex else " for "
                text = self._brackets(self.expression(body) + between + self.range(over))
                self.bound = outer
                return text, ATOM
            case Reduce(kind, body, over):
                return self._reduce(kind, body, over)

    def _enter(self, over: Range) -> frozenset[str]:
        outer = self.bound
        self.bound = outer | {over.variable}
        return outer

    def _brackets(self, inside: str) -> str:
        return rf"\left[{inside}\right]" if self.latex else f"[{inside}]"

    def _operand(self, expression: Expression, level: int) -> str:
        """An operand; a sign of its own is put in brackets."""
        return self.expression(expression, ATOM if isinstance(expression, Negative) else level)

    def _binary(self, sign: str, left: Expression, right: Expression) -> tuple[str, int]:
        if sign == "/" and self.latex:
            return rf"\frac{{{self.expression(left)}}}{{{self.expression(right)}}}", FACTOR
        if sign == "@":
            return f"{self._left(left)} {self.signs['@']} {self._operand(right, FACTOR)}", PRODUCT
        level = SUM if sign in "+-" else TERM
        first = self.expression(left, PRODUCT if isinstance(left, Reduce) and level == TERM else level)
        return f"{first} {self.signs[sign]} {self._operand(right, level + 1)}", level

    def _left(self, expression: Expression) -> str:
        """The left side of a product: a product itself needs no brackets."""
        is_chain = isinstance(expression, Product) or (isinstance(expression, Binary) and expression.sign == "@")
        return (
            self.expression(expression, PRODUCT if is_chain else FACTOR)
            if not isinstance(expression, Negative)
            else self._operand(expression, ATOM)
        )

    def _product(self, left: Expression, right: Expression) -> str:
        first, second = self._left(left), self._operand(right, FACTOR)
        last = left.right if isinstance(left, (Product, Binary)) and not first.endswith(")") else left
        if isinstance(last, Symbol) and self._is_word_of_function(last) and first.endswith(self.symbol(last)):
            bare = self.symbol(last)
            first = first.removesuffix(bare) + (f"{{{bare}}}" if self.latex else f"({bare})")
        head = right
        while isinstance(head, (Transpose, Power)):
            head = head.body
        if isinstance(head, Concat) and len(head.parts) == 1:
            second = f"({second})" if not self.latex else rf"\left({second}\right)"
        apart = r" \, " if self.latex and (second.startswith(r"\left(") or second[0].isdigit() or second[0] == ".") else " "
        return first + apart + second

    def _is_word_of_function(self, symbol: Symbol) -> bool:
        """Whether its name would be read as a function before what follows."""
        base, marks, _ = split(symbol.name)
        return (function(base) is not None or base in GREEK_OF.values()) and not marks

    def _base(self, body: Expression) -> str:
        """What a power or a transpose stands on."""
        text = self.expression(body, ATOM)
        if self.latex and isinstance(body, Symbol) and "^" in text:
            return f"{{{text}}}"
        return text

    def _exponent(self, exponent: Expression) -> str:
        number = exponent.body if isinstance(exponent, Negative) else exponent
        minus = "-" if isinstance(exponent, Negative) else ""
        if isinstance(number, Number):
            if self.latex:
                return f"^{{{minus}{number.text}}}"
            whole = number.text.isdigit() and self.style == "unicode"
            return "".join(_RAISED[c] for c in minus + number.text) if whole else f"^{minus}{number.text}"
        simple = isinstance(exponent, Symbol) and not exponent.indices and not exponent.family and exponent.name[0].islower()
        if self.latex:
            inside = self.expression(exponent)
            return f"^{{{inside}}}" if simple else f"^{{{{{inside}}}}}"
        return f"^{self.expression(exponent)}" if simple and split(exponent.name)[1] == () else f"^({self.expression(exponent)})"  # type: ignore[union-attr]

    def _call(self, name: str, arguments: tuple[Expression, ...]) -> str:
        parts = [self.expression(a) for a in arguments]
        inside = ", ".join(parts)
        if len(parts) == 1:
            if name == "sqrt" and self.style != "ascii":
                return rf"\sqrt{{{inside}}}" if self.latex else f"√({inside})"
            if name == "abs" and not self.latex and "|" not in inside and "‖" not in inside:
                return f"|{inside}|"
            if name == "norm" and self.style == "unicode" and "|" not in inside and "‖" not in inside:
                return f"‖{inside}‖"
        return rf"{self._function(name)}\left({inside}\right)" if self.latex else f"{self._function(name)}({inside})"

    def _function(self, name: str) -> str:
        if name == "sigmoid" and self.style != "ascii" and "sigma" not in self.names:
            return r"\sigma" if self.latex else "σ"
        if function(name) == name:
            if self.latex:
                return (
                    f"\\{name}" if name in _COMMANDS else rf"\operatorname{{{name}}}" if name.isalnum() else rf"\mathit{{{name}}}"
                )
            return name
        return self.name(name)

    def _reduce(self, kind: str, body: Expression, over: Range) -> tuple[str, int]:
        outer = self._enter(over)
        if not self.latex:
            sign = _BIG[self.style].get(kind, kind)
            sign = kind if any(split(name)[0] == GREEK_OF.get(sign) for name in self.names) else sign
            text = f"{sign}({self.expression(body)} for {self.range(over)})", ATOM
        else:
            sign = _BIG["latex"].get(kind) or (f"\\{kind}" if kind in _COMMANDS else rf"\operatorname{{{kind}}}")
            limits = f"_{{{self.name(over.variable)}={self.affine(over.first)}}}^{{{self.affine(over.last)}}}"
            inner = self.expression(body, TERM)
            text = f"{sign}{limits} {inner}", TERM
        self.bound = outer
        return text


GREEK_OF: Final = {"Σ": "Sigma", "Π": "Pi"}
