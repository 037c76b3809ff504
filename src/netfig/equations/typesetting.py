"""Equations as they are printed in a figure: pieces of `mathtext`, indices below their symbols, real fractions and sums."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from netfig.equations.names import function, merged, symbol_text
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
    Range,
    Reduce,
    SizeValue,
    Statement,
    Symbol,
    Transpose,
)
from netfig.graph.types import Affine
from netfig.mathtext import Big, Fence, Fraction, Root, Run, Script, Text

_SUM, _TERM, _PRODUCT, _FACTOR, _ATOM = range(5)  # how tightly a piece holds together
_SIGNS: Final = {"+": " + ", "-": " − ", "*": " ⊙ ", "/": " / ", "@": " · "}
_BIG: Final = {"sum": "Σ", "prod": "Π"}
_SHOWN: Final = {
    "relu": "ReLU",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
    "selu": "SELU",
    "layer_norm": "LayerNorm",
    "rms_norm": "RMSNorm",
    "batch_norm": "BatchNorm",
}
_TOP: Final[Text] = (Run("⊤", "math"),)


def typeset(what: Statement | Expression) -> Text:
    """A statement or an expression as one line: ``c_t = σ(W_c x_t + W_h h_{t−1})``, ``x_t ∈ ℝ^n``."""
    match what:
        case Equation(left, right, over):
            return merged((*symbol(left), _run(" = "), *_expression(right), *_ranges(over)))
        case SizeValue(name, value):
            return merged((*symbol_text(name), _run(f" = {value}")))
        case FunctionName(name):
            return symbol_text(name)
        case Declaration(one, shape):
            return merged((*symbol(one), _run(" ∈ "), *shape_text(map(affine, shape))))
    return merged(_expression(what))


def shape_text(sizes: Iterable[Text]) -> Text:
    """``ℝ^{m×n}`` of sizes already typeset; ``ℝ`` for a scalar."""
    power: list[Run | Script] = []
    for size in sizes:
        power += ([_run("×")] if power else []) + list(size)  # type: ignore[arg-type]
    real = (Run("ℝ", "math-upright"),)
    return (Script(real, (), merged(power)),) if power else real


def affine(index: Affine) -> Text:
    """``t−1``, ``2K``, ``∞``."""
    if index == UNBOUNDED:
        return (_run("∞"),)
    out: Text = ()
    for name, factor in index.terms:
        sign = "−" if factor < 0 else "+" if out else ""
        times = "" if abs(factor) == 1 else str(abs(factor))
        out += (*((_run(sign + times),) if sign + times else ()), *symbol_text(name))
    if index.constant or not out:
        number = f"{index.constant:+d}" if out else str(index.constant)
        out += (_run(number.replace("-", "−")),)
    return merged(out)


def symbol(one: Symbol) -> Text:
    """A symbol with its indices below it: ``q_i[t-1]`` is q with ``i, t−1``."""
    return with_indices(one.shown or symbol_text(one.name), map(affine, (*one.family, *one.indices)))


def with_indices(name: Text, indices: Iterable[Text]) -> Text:
    """A typeset name with more below it, after what stands there already."""
    below: Text = ()
    for index in indices:
        below += (*((_run(", "),) if below else ()), *index)
    if not below:
        return name
    if len(name) == 1 and isinstance(name[0], Script):
        only = name[0]
        return (Script(only.base, merged((*only.sub, *((_run(", "),) if only.sub else ()), *below)), only.sup),)
    return (Script(name, merged(below)),)


# ---- expressions ------------------------------------------------------------------------------------------------------------


def _run(text: str) -> Run:
    return Run(text, "math")


def _is_tall(text: Text) -> bool:
    """Whether brackets round it must grow."""
    return any(isinstance(p, (Fraction, Big, Fence)) or (isinstance(p, Root) and _is_tall(p.body)) for p in text)


def _fenced(left: str, body: Text, right: str) -> Text:
    return (Fence(left, body, right),) if _is_tall(body) else (_run(left), *body, _run(right))


def _expression(one: Expression, level: int = _SUM) -> Text:
    text, holds = _make(one)
    return text if holds >= level else _fenced("(", merged(text), ")")


def _operand(one: Expression, level: int) -> Text:
    return _expression(one, _ATOM if isinstance(one, Negative) else level)


def _make(one: Expression) -> tuple[Text, int]:
    match one:
        case Number(text):
            return _number(text), _ATOM
        case Symbol():
            return symbol(one), _ATOM
        case Binary(sign, left, right):
            return _binary(sign, left, right)
        case Product(left, right):
            return (*_left(left), _run(" "), *_operand(right, _FACTOR)), _PRODUCT
        case Negative(body):
            return (_run("−"), *_operand(body, _PRODUCT)), _PRODUCT
        case Transpose(body):
            return _raised(body, _TOP), _FACTOR
        case Power(body, exponent):
            return _raised(body, merged(_expression(exponent))), _FACTOR
        case Call(name, arguments):
            return _call(name, arguments), _ATOM
        case Concat(parts):
            return _fenced("[", _list(parts, "; "), "]"), _ATOM
        case Each(body, over):
            return (Script(merged(_fenced("[", _expression(body), "]")), *_limits(over)),), _ATOM
        case Reduce(kind, body, over):
            return (Big(_BIG.get(kind, kind), *_limits(over)), *_expression(body, _TERM)), _TERM


def _left(one: Expression) -> Text:
    is_chain = isinstance(one, Product) or (isinstance(one, Binary) and one.sign == "@")
    return _operand(one, _PRODUCT if is_chain else _FACTOR)


def _binary(sign: str, left: Expression, right: Expression) -> tuple[Text, int]:
    if sign == "/" and (_is_sum(left) or _is_sum(right) or isinstance(right, Product)):
        return (Fraction(merged(_expression(left)), merged(_expression(right))),), _FACTOR
    if sign == "@":
        return (*_left(left), _run(_SIGNS[sign]), *_operand(right, _FACTOR)), _PRODUCT
    level = _SUM if sign in "+-" else _TERM
    first = _expression(left, _PRODUCT if isinstance(left, Reduce) and level == _TERM else level)
    return (*first, _run(_SIGNS[sign]), *_operand(right, level + 1)), level


def _is_sum(one: Expression) -> bool:
    """Whether a side of a quotient would need brackets on one line."""
    return isinstance(one, (Reduce, Binary, Negative))


def _raised(body: Expression, sup: Text) -> Text:
    """Something above a symbol joins what stands above and below it already."""
    base = merged(_expression(body, _ATOM))
    if len(base) == 1 and isinstance(base[0], Script) and not base[0].sup:
        return (Script(base[0].base, base[0].sub, sup),)
    return (Script(base, (), sup),) if len(base) == 1 else (*base[:-1], Script((base[-1],), (), sup))


def _number(text: str) -> Text:
    mantissa, _, exponent = text.lower().partition("e")
    if not exponent:
        return (_run(text),)
    power = Script((_run("10"),), (), (_run(str(int(exponent[:6])).replace("-", "−")),))
    return (
        (power,)
        if mantissa.strip("0").rstrip(".") == "1" and "0" not in mantissa.split(".")[0]
        else (_run(f"{mantissa} · "), power)
    )


def _list(parts: tuple[Expression, ...], between: str) -> Text:
    out: Text = ()
    for part in parts:
        out += (*((_run(between),) if out else ()), *_expression(part))
    return merged(out)


def _call(name: str, arguments: tuple[Expression, ...]) -> Text:
    inside = _list(arguments, ", ")
    if len(arguments) == 1:
        if name == "sqrt":
            return (Root(inside),)
        if name in ("abs", "norm"):
            bar = "|" if name == "abs" else "‖"
            return _fenced(bar, inside, bar)
    return (*_function(name), *_fenced("(", inside, ")"))


def _function(name: str) -> Text:
    if name == "sigmoid":
        return (_run("σ"),)
    if function(name) == name:
        return (Run(_SHOWN.get(name, name.replace("_", " ")), "math-upright"),)
    text = symbol_text(name)
    return (Run(name, "math-upright"),) if len(name) > 2 and name.isalpha() and text == (Run(name, "math"),) else text


def _limits(over: Range) -> tuple[Text, Text]:
    """What stands below and above a sum."""
    letter = symbol_text(over.variable)
    if over.last == UNBOUNDED:
        return merged((*letter, _run(" ≥ "), *affine(over.first))), ()
    return merged((*letter, _run("="), *affine(over.first))), affine(over.last)


def _ranges(over: tuple[Range, ...]) -> Text:
    """``,  i = 1, …, K``."""
    out: Text = ()
    for one in over:
        letter = symbol_text(one.variable)
        if one.last == UNBOUNDED:
            out += (_run(",   "), *letter, _run(" ≥ "), *affine(one.first))
        else:
            between = (_run(", …, "),)
            if one.first.number is not None and one.last.number == one.first.number + 1:
                between = (_run(", "),)
            out += (_run(",   "), *letter, _run(" = "), *affine(one.first), *(between if one.first != one.last else ()))
            out += affine(one.last) if one.first != one.last else ()
    return out
