"""Numbers as they are printed: exact where the example is exact, else with so many decimals; always a real minus sign."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Final

from netfig.graph.exact import Exact, Factors, Number, decode
from netfig.mathtext import Root, Run, Script, Style, Text, text_of
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.graph import Graph, Value

LONGEST_EXACT: Final = 12  # characters of a closed form that is printed rather than its decimals
_MOST_PLACES: Final = 4  # decimals of what was given in the file

Rows = list[list[Number | None]]


def has_rows(value: Value) -> bool:
    """Whether a value has an entry for every place of a matrix, a vector or a scalar."""
    sizes = value.type.sizes
    if value.data is None or sizes is None or len(sizes) > 2 or not all(sizes):
        return False
    return len(value.data) == math.prod(sizes)


def rows_of(value: Value) -> Rows | None:
    """The entries of a value that has numbers, row by row; a vector is a column, a scalar one entry."""
    sizes = value.type.sizes
    if not has_rows(value) or sizes is None or value.data is None:
        return None
    height = sizes[0] if sizes else 1
    width = sizes[1] if len(sizes) == 2 else 1
    try:
        numbers = [decode(entry) for entry in value.data]
    except ValueError:
        return None
    return [numbers[i * width : (i + 1) * width] for i in range(height)]


def is_exact(graph: Graph) -> bool:
    """Whether something irrational was given, so that what is worked out from it is printed in closed form."""
    given = [v for v in graph.values if v.kind in ("input", "parameter", "buffer") and v.data is not None]
    texts = (entry for v in given for entry in v.data or () if isinstance(entry, str) and entry != "-inf")
    return any(isinstance(n := decode(entry), Exact) and n.rational is None for entry in texts)


@dataclass(frozen=True)
class Printer:
    """How numbers are printed: `digits` decimals, and whether closed forms are."""

    digits: int = 2
    exact: bool = False

    def rows(self, rows: Rows, *, given: bool = False, style: Style = "plain") -> list[list[Text]]:
        """The entries of one matrix: closed forms where they are wanted and short, the rest alike in their decimals."""
        closed = [[self._closed(n, given=given, style=style) for n in row] for row in rows]
        rest = [n for row, texts in zip(rows, closed, strict=True) for n, text in zip(row, texts, strict=True) if text is None]
        places = self._decimals([n for n in rest if n is not None], given=given)
        return [
            [(Run(_word(n, places), style),) if text is None else text for n, text in zip(row, texts, strict=True)]
            for row, texts in zip(rows, closed, strict=True)
        ]

    def row(self, row: Sequence[Number | None], *, given: bool = False) -> list[Text]:
        """The entries of one row, for an equation."""
        return self.rows([list(row)], given=given, style="math")[0]

    def _closed(self, number: Number | None, *, given: bool, style: Style) -> Text | None:
        """A closed form, or a fraction that was given."""
        if not (self.exact or given) or not isinstance(number, Exact):
            return None
        value = number.rational
        if value is not None and (value.denominator == 1 or _places(number, _MOST_PLACES) is not None):
            return None
        text = exact_text(number, style)
        return text if len(text_of(text)) <= LONGEST_EXACT else None

    def _decimals(self, numbers: Sequence[Number], *, given: bool) -> int:
        """How many decimals the entries of a matrix have: as many as they need where they all end soon."""
        needed = [_places(n, _MOST_PLACES if given else self.digits) for n in numbers]
        return self.digits if None in needed else max((n for n in needed if n is not None), default=0)


def _word(number: Number | None, places: int) -> str:
    return "−∞" if number is None else decimal(number, places)


def _places(number: Number, most: int) -> int | None:
    """How many decimals a number has, or ``None`` when they are more than `most`."""
    value = number.rational if isinstance(number, Exact) else None
    if value is None:
        return None
    return next((places for places in range(most + 1) if (value * 10**places).denominator == 1), None)


def decimal(number: Number, places: int) -> str:
    """A number with so many decimals; what rounds to nothing has no sign. Very large ones have an exponent."""
    value = number.rational if isinstance(number, Exact) else None
    if abs(float(number)) >= 1e6 and not (value is not None and value.denominator == 1 and abs(value) < 10**7):
        mantissa, _, power = f"{float(number):.1e}".partition("e")
        return f"{mantissa}e{int(power)}".replace("-", "−")
    text = f"{value if value is not None and places == 0 else float(number):.{places}f}" if places else str(round(float(number)))
    if not text.strip("-0."):
        text = text.lstrip("-")
    return text.replace("-", "−")


def exact_text(number: Exact, style: Style = "plain") -> Text:
    """``2√3 ln 80``, typeset."""
    found: list[Run | Script | Root] = []
    for n, (factors, coefficient) in enumerate(number.terms):
        sign = "−" if coefficient < 0 else "+" if n else ""
        found += [Run(f" {sign} " if n else sign, style)] if sign else []
        found += _term(factors, abs(coefficient), style)
    return tuple(found) or (Run("0", style),)


def _term(factors: Factors, coefficient: Fraction, style: Style) -> list[Run | Script | Root]:
    found: list[Run | Script | Root] = []
    if coefficient.numerator != 1 or factors == Factors():
        found.append(Run(str(coefficient.numerator), style))
    if factors.root != 1:
        found.append(Root((Run(str(factors.root), style),)))
    if factors.pi:
        found.append(_raised((Run("π", style),), factors.pi, style))
    for argument, power in factors.logs:
        space = " " if found else ""
        upright: Style = "math-upright" if style.startswith("math") else style
        found.append(_raised((Run(f"{space}ln", upright),), power, style))
        found.append(Run(f" {argument}", style))
    if factors.power:
        found.append(Script((Run("e", style),), (), exact_text(Exact(factors.power), style)))
    if coefficient.denominator != 1:
        found.append(Run(f"/{coefficient.denominator}", style))
    return found


def _raised(base: Text, power: int, style: Style) -> Run | Script:
    first = base[0]
    if power == 1 and isinstance(first, Run):
        return first
    return Script(base, (), (Run(str(power).replace("-", "−"), style),))
