"""The lines in which one row is worked out: softmax with its powers of e, a product as a sum of rows, layer norm."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from netfig.graph import exact
from netfig.graph.exact import Exact, Number
from netfig.mathtext import Piece, Root, Run, Script, Text, text_of
from netfig.renderers.matrices_numbers import Printer, Rows

if TYPE_CHECKING:
    from netfig.graph import Op

MOST_TERMS: Final = 8  # a sum of more terms is no line to read
_DOT: Final = Run(" · ")  # not as maths: a line is not broken there


def symbol_of_row(symbol: Text, name: str) -> Text:
    """``z_panda``: the small letter of a matrix with the name of its row."""
    letters = text_of(symbol)
    letter = letters[0].lower() if letters[:1].isalpha() else "r"
    return (Script((Run(letter, "math"),), (Run(name, "math" if name.isdigit() else "plain"),)),)


def vector(entries: Sequence[Text]) -> Text:
    """``[1, 2]``; one entry stands without brackets."""
    return entries[0] if len(entries) == 1 else _joined([(_m("["),), *_between(entries, ", "), (_m("]"),)])


def _m(text: str) -> Run:
    return Run(text, "math")


def _joined(parts: Iterable[Text]) -> Text:
    found: list[Piece] = []
    for part in parts:
        for piece in part:
            last = found[-1] if found else None
            if isinstance(piece, Run) and isinstance(last, Run) and piece.style == last.style:
                found[-1] = Run(last.text + piece.text, piece.style)
            else:
                found.append(piece)
    return tuple(found)


def _between(parts: Sequence[Text], sign: str) -> list[Text]:
    return [piece for n, part in enumerate(parts) for piece in (((_m(sign),), part) if n else (part,))]


def equation(left: Text, *rights: Text) -> Text:
    """``left = right = right``."""
    return _joined(_between([left, *rights], " = "))


def factor(text: Text) -> Text:
    """A number as a factor after a dot: a negative one or a sum in brackets."""
    words = text_of(text)
    is_sum = " + " in words or " − " in words
    return _joined([(_m("("),), text, (_m(")"),)]) if words.startswith("−") or is_sum else text


def _is_bare(text: Text) -> bool:
    words = text_of(text)
    return " + " not in words and " − " not in words


def softmax_line(left: Text, row: Sequence[Number | None], made: Sequence[Text], printer: Printer) -> Text | None:
    """``a = [1, 80, 1] / (1 + 80 + 1) = […]``; powers of e that have no closed form stay powers."""
    if len(row) > MOST_TERMS:
        return None
    powers = [_power(x, printer) for x in row]
    top = _joined([vector(powers), (_m(" / ("),), *_between(powers, " + "), (_m(")"),)])
    scores = _joined([(Run("softmax", "math-upright"), _m(" ")), vector(printer.row(row))])
    return equation(left, scores, top, vector(made))


def _power(x: Number | None, printer: Printer) -> Text:
    if x is None:
        return (_m("0"),)
    try:
        value = exact.exp(x)
    except OverflowError:
        value = float("inf")
    if isinstance(value, Exact) and value.rational is not None:
        return printer.row([value])[0]
    return (Script((_m("e"),), (), printer.row([x])[0]),)


def product_line(left: Text, weights: Sequence[Text], rows: Sequence[Sequence[Text]], made: Sequence[Text]) -> Text | None:
    """``z = 0.11 · [3, 2] + 0.45 · [2, 2] = [3.00, 2.45]``: a row of the left matrix weighs the rows of the right one."""
    if len(weights) > MOST_TERMS or len(made) > MOST_TERMS:
        return None
    terms = []
    for n, (weight, entries) in enumerate(zip(weights, rows, strict=True)):
        vectors = vector(entries) if len(entries) > 1 else factor(entries[0])
        terms.append(_joined([factor(weight) if n or not _is_bare(weight) else weight, (_DOT,), vectors]))
    return equation(left, _joined(_between(terms, " + ")), vector(made))


def scores_line(
    left: Text, query: Sequence[Number], keys: Rows, made: Sequence[Number | None], scale: Text, printer: Printer
) -> Text | None:
    """``s = [1·2 + 2·1, 1·4 + 2·3] / √2 = [4, 10] / √2 = […]``: one query with every key."""
    if len(query) > 3 or len(keys) > 3:
        return None
    entries, sums = [], []
    for key in keys:
        mine, theirs = printer.row(query), printer.row(key)
        terms = [_joined([a, (_DOT,), factor(b)]) for a, b in zip(mine, theirs, strict=True)]
        entries.append(_joined(_between(terms, " + ")))
        sums.append(exact.total(exact.mul(a, b) for a, b in zip(query, key, strict=True) if b is not None))
    by = _joined([(_m(" / "),), scale]) if scale else ()
    steps = [_joined([vector(entries), by]), *([_joined([vector(printer.row(sums)), by])] if by else [])]
    return equation(left, *steps, vector(printer.row(made)))


def sum_text(pairs: Sequence[tuple[Number, Number]], printer: Printer) -> Text:
    """``1·1 + 0·(−1)``."""
    left, right = ([printer.row([pair[side]], given=True)[0] for pair in pairs] for side in (0, 1))
    terms = [
        _joined([factor(a) if n or not _is_bare(a) else a, (_DOT,), factor(b)])
        for n, (a, b) in enumerate(zip(left, right, strict=True))
    ]
    return _joined(_between(terms, " + "))


def layer_norm_lines(op: Op, name: str, row: Sequence[Number], extra: Sequence[Sequence[Number] | None],
                     made: Sequence[Number | None], printer: Printer) -> list[Text]:  # fmt: skip
    """Mean, variance and the row that comes out; `extra` are γ and β."""
    if len(row) > MOST_TERMS:
        return []
    count = exact.exact(len(row))
    under: Text = (_m(f" / {len(row)}"),)
    mean = exact.div(exact.total(row), count)
    apart = [exact.add(x, exact.neg(mean)) for x in row]
    variance = exact.div(exact.total(exact.mul(d, d) for d in apart), count)
    index: Text = (_m(name) if name.isdigit() else Run(name),)
    squares = [(Script(factor(text), (), (_m("2"),)),) for text in printer.row(apart)]
    lines = [
        equation(
            (Script((_m("μ"),), index),),
            _joined([(_m("("),), *_between(_signed(printer.row(row)), " + "), (_m(")"),), under]),
            _one(mean, printer),
        ),
        equation(
            (Script((_m("σ"),), index, (_m("2"),)),),
            _joined([(_m("("),), *_between(squares, " + "), (_m(")"),), under]),
            _one(variance, printer),
        ),
    ]
    eps = exact.decode(op.attribute("eps", 0)) or exact.ZERO
    inner = _one(variance, printer) if eps == exact.ZERO else _joined([_one(variance, printer), (_m(" + "),), (_m("ε"),)])
    right = _joined([vector(printer.row(apart)), (_m(" / "), Root(inner))])
    if extra[0] is not None:
        right = _joined([vector(printer.row(extra[0], given=True)), (_m(" ⊙ "),), right])
    if extra[1] is not None:
        right = _joined([right, (_m(" + "),), vector(printer.row(extra[1], given=True))])
    return [*lines, equation((Script((_m("y"),), index),), right, vector(printer.row(made)))]


def _signed(texts: Sequence[Text]) -> list[Text]:
    return [factor(text) if n else text for n, text in enumerate(texts)]


def _one(number: Number, printer: Printer) -> Text:
    return printer.row([number])[0]
