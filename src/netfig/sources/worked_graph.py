"""What worked examples of every kind are built with: a matrix of the file as a value, an operation with what it makes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from netfig.errors import did_you_mean, shown
from netfig.graph import Graph
from netfig.graph.build import GraphBuilder
from netfig.graph.exact import Number, encode
from netfig.graph.types import ValueKind
from netfig.mathtext import Text, math
from netfig.records import dataclass
from netfig.sources import worked_math as m
from netfig.sources.worked_math import Masked, Matrix
from netfig.sources.worked_text import WorkedText

AUTHOR: Final = "worked"


@dataclass(frozen=True)
class Grid:
    """A value of the graph: its id and its entries; `flat` when it has one dimension."""

    id: str
    rows: Masked
    flat: bool = False

    @property
    def numbers(self) -> Matrix:
        """The entries of a value in which nothing is masked."""
        return [[n for n in row if n is not None] for row in self.rows]

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self.rows), len(self.rows[0])


class Builder:
    """The graph in the making, and the file it is read from."""

    def __init__(self, text: WorkedText, name: str, origin: str, kind: str) -> None:
        self.text, self.data = text, text.data
        self.graph = GraphBuilder(name, origin=origin)
        self.graph.note("", "worked", kind, author=AUTHOR)

    def given(self, key: str, kind: ValueKind, *, flat: bool = False, symbol: Text = (), path: tuple[str | int, ...] = (),
              table: Mapping[str, Any] | None = None, id: str = "") -> Grid | None:  # fmt: skip
        """A matrix of the file as a value; ``None`` when it is not there or wrong."""
        table = self.data if table is None else table
        rows = self.text.matrix(table, key, path) if key in table else None
        if rows is None:
            return None
        if flat and len(rows[0]) > 1:
            if len(rows) > 1:
                self.text.wrong(f"{key} has {len(rows)} rows; it is a plain list of numbers", (*path, key))
                return None
            rows = m.transpose(rows)
        return Grid(self.value(id or key, rows, kind, flat=flat, symbol=symbol or math(key)), rows, flat)

    def value(self, id: str, rows: Masked, kind: ValueKind = "computed", *, flat: bool = False, symbol: Text = ()) -> str:
        """A value with its entries."""
        shape = (len(rows),) if flat else (len(rows), len(rows[0]))
        made = self.graph.value(id, shape, kind=kind, symbol=symbol, data=[encode(n) for row in rows for n in row])
        if kind == "input":
            self.graph.enters(id, made)
        elif kind == "parameter":
            self.graph.current.owns.append(made)
        return made

    def op(self, kind: str, reads: Mapping[str, str], rows: Masked, id: str, *, symbol: Text = (), flat: bool = False,
           attributes: Mapping[str, object] | None = None) -> Grid:  # fmt: skip
        """An operation and the value it makes."""
        made = self.value(id, rows, flat=flat, symbol=symbol or math(id))
        self.graph.op(kind, reads, outputs=[made], attributes=attributes)
        return Grid(made, rows, flat)

    def number(self, id: str, number: Number, symbol: Text) -> str:
        """A constant of one number."""
        return self.graph.value(id, (), kind="constant", symbol=symbol, data=[encode(number)])

    def note(self, subject: str, key: str, value: object) -> None:
        """A fact about how it is shown."""
        self.graph.note(subject, key, value, author=AUTHOR)

    def names(self, key: str, count: int, of: str) -> list[str]:
        """The words that name rows or columns; as many as there are of them."""
        found = self.text.words(self.data, key, ())
        if found and len(found) != count:
            self.text.wrong(f"there are {len(found)} {key} for {count} rows of {of}", (key,))
            return []
        return found

    def row(self, names: Sequence[str], count: int) -> int | None:
        """The row to work out, from 0: a number from 1, or one of the names."""
        if "row" not in self.data:
            return None
        found = self.data["row"]
        if isinstance(found, str) and names:
            if found in names:
                return list(names).index(found)
            self.text.wrong(f"there is no row {shown(found)}", ("row",), hint=did_you_mean(found, names))
            return None
        if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= count:
            self.text.wrong(f"there is no row {shown(str(found))}", ("row",), hint=f"rows are counted from 1 to {count}")
            return None
        return found - 1

    def finish(self, *outputs: Grid) -> Graph:
        """The graph, when nothing was wrong."""
        self.text.check()
        for output in outputs:
            self.graph.output(output.id, output.id)
        return self.graph.finish()

    def fits(self, key: str, right: bool, why: str) -> bool:
        """Notes that a matrix has the wrong size."""
        if not right:
            self.text.wrong(f"{key} does not fit", (key,), why=why)
        return right
