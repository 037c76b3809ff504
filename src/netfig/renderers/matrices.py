"""The renderer ``matrices``: the numbers of a graph as grids of cells, operation by operation, with one row worked out below.

It draws any graph whose values have numbers (`Value.data`): each operation is a formula ``left × right = made``; one that goes on
from what the last made stands on the same line. What is drawn already is named, not drawn again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Box, Cell, Cells, Figure, Group, Row
from netfig.mathtext import Piece, Run, Text, plain, strong, text_of
from netfig.renderers import matrices_lines as lines
from netfig.renderers.kinds import kind_of
from netfig.renderers.matrices_numbers import Printer, Rows, has_rows, is_exact, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.graph import Graph, Op
    from netfig.graph.exact import Number
    from netfig.renderers.options import MatricesOptions

MOST_PRINTED: Final = 8  # rows or columns: a larger matrix is shown by its heat alone
MOST_INLINE: Final = 3  # columns: a product with a wider matrix is a formula of its own
MOST_DRAWN: Final = 96  # rows or columns that are drawn at all
_SIGNS: Final = {"matmul": "×", "add": "+", "sub": "−", "mul": "⊙", "div": "÷", "outer": "⊗"}
_SKIPPED: Final = frozenset(("transpose", "clone", "contiguous", "identity", "dropout", "detach"))


def suits(graph: Graph) -> float:
    """Near 1 when everything computed has numbers, less when some has, 0 when nothing has."""
    if graph.axes:
        return 0.0
    made = [graph.value_by_id[op.outputs[0]] for op in graph.ops if op.outputs]
    known = [has_rows(value) for value in made if value.data is not None]
    return 0.0 if not any(known) else 0.95 if all(known) and len(known) == len(made) else 0.3


def draw_matrices(graph: Graph, options: MatricesOptions) -> Figure:
    """The figure of a graph with numbers.

    Raises:
        UsageError: no value that the graph computes has numbers, or a row or cell asked for does not exist.
    """
    if suits(graph) <= 0:
        raise UsageError(
            f"the graph {graph.name!r} has no numbers to draw",
            hint="the renderer matrices draws worked examples: a .worked.toml file",
        )
    if any(op.kind == "conv2d" for op in graph.ops):
        from netfig.renderers.matrices_convolution import draw_convolution

        return draw_convolution(graph, options)
    return _Sheet(graph, options).figure()


def note(graph: Graph, subject: str, key: str) -> object:
    """What the example says about how a value is shown."""
    found = graph.notes_on(subject).get(key)
    return None if found is None else found.value


def size_text(rows: Rows) -> str:
    """``3 × 4``."""
    return f"{len(rows)} × {len(rows[0])}"


def grid(rows: Rows, texts: Sequence[Sequence[Text]], *, heat: tuple[float, float] | None = None, bold: int | None = None,
         row_names: Sequence[str] = (), column_names: Sequence[str] = ()) -> Cells:  # fmt: skip
    """The cells of a matrix; a large one is heat without digits, a very large one is cut."""
    large = max(len(rows), len(rows[0])) > MOST_PRINTED
    low, high = heat or (_span(rows) if large else (0.0, 0.0))
    shaded = heat is not None or large
    made = []
    for i, row in enumerate(rows[:MOST_DRAWN]):
        cells = []
        for j, number in enumerate(row[:MOST_DRAWN]):
            warmth = None
            if shaded:
                warmth = 0.0 if number is None else round((float(number) - low) / (high - low), 4) if high > low else 0.5
            emphasis = "strong" if i == bold else ""
            cells.append(Cell(() if large else texts[i][j], (), warmth, emphasis))  # type: ignore[arg-type]
        made.append(tuple(cells))
    return Cells(tuple(made), tuple(plain(n) for n in row_names), tuple(plain(n) for n in column_names))


def _span(rows: Rows) -> tuple[float, float]:
    numbers = [float(n) for row in rows for n in row if n is not None]
    return (min(numbers), max(numbers)) if numbers else (0.0, 0.0)


class _Sheet:
    """The figure in the making: paragraphs of formulas, and what of the graph is drawn where."""

    def __init__(self, graph: Graph, options: MatricesOptions) -> None:
        self.graph, self.options = graph, options
        exact = is_exact(graph) if options.numbers == "auto" else options.numbers == "exact"
        self.printer = Printer(options.digits, exact)
        self.rows = {v.id: rows for v in graph.values if (rows := rows_of(v)) is not None}
        self.paragraphs: list[list[Group]] = []
        self.formula: list[Box] = []
        self.drawn: dict[str, int] = {}  # a value and the paragraph it is drawn in
        self.last = ""  # what the formula under way has made
        self.passed: dict[str, list[str]] = {}  # what leaves no box of its own, by the value it ends in
        self.boxes = 0
        self.scores = self._scores()
        self.chosen = self._chosen()

    def figure(self) -> Figure:
        for op in self.graph.ops:
            self._op(op)
        self._close()
        groups = [
            Group(f"paragraph{n}", tuple(formulas), arrangement="row") for n, formulas in enumerate(self.paragraphs) if formulas
        ]
        graph = self.graph
        worked = self._worked() if self.options.worked else []
        if worked:
            groups.append(Group("worked", (Box("worked/lines", "text.equation", tuple(worked)),), arrangement="column"))
        return Figure(
            title=graph.name,
            alt=self._alt(worked),
            root=Group("sheet", tuple(groups), arrangement="sheet", stands_for=(graph.root.id,)),
            caption=self._caption(is_worked=bool(worked)) if self.options.caption else (),
            direction="right",
        )

    # ---- what is special about a value -------------------------------------------------------------------------------------

    def _scores(self) -> set[str]:
        """Values that a softmax reads, and what they are made from entry by entry."""
        found: set[str] = set()
        for op in reversed(self.graph.ops):
            if op.kind == "softmax" or (op.kind in ("div", "scale", "masked_fill", "mul") and set(op.outputs) & found):
                found.update(list(op.reads)[:1])
        return found

    def _role(self, id: str) -> str:
        id = self._source(id)
        value, op = self.graph.value_by_id[id], self.graph.producer.get(id)
        if value.kind == "input":
            return "input"
        if op is None:
            return "weight" if value.kind == "parameter" else "norm"
        if id in self.scores:
            return "norm"
        if op.kind == "softmax":
            return "attention" if self.graph.readers.get(id) else "output"
        return "output" if id in {port.value for port in self.graph.outputs} else "state"

    def _heat(self, id: str) -> tuple[float, float] | None:
        op = self.graph.producer.get(id)
        if op is not None and op.kind == "softmax":
            return 0.0, 1.0
        return _span(self.rows[id]) if id in self.scores else None

    def _names(self, id: str, key: str) -> tuple[str, ...]:
        found = note(self.graph, id, key)
        return tuple(str(n) for n in found) if isinstance(found, tuple) else ()

    def _chosen(self) -> int | None:
        """The row that is worked out, from 0: the one asked for, or the one of the example."""
        said = next((n for v in self.graph.values if isinstance(n := note(self.graph, v.id, "row"), int)), None)
        if not self.options.row:
            return said
        of = next((op.outputs[0] for op in self.graph.ops if op.kind == "softmax"), self.graph.ops[-1].outputs[0])
        names, count = self._names(of, "row_names"), len(self.rows.get(of, [[]]))
        if self.options.row in names:
            return names.index(self.options.row)
        if self.options.row.isdigit() and 1 <= int(self.options.row) <= count:
            return int(self.options.row) - 1
        hint = did_you_mean(self.options.row, names) if names else f"rows are counted from 1 to {count}"
        raise UsageError(f"there is no row {self.options.row!r}", hint=hint)

    def _has_chosen(self, id: str) -> bool:
        return self.chosen is not None and self.chosen < len(self.rows[id]) and id in self._row_values

    @property
    def _row_values(self) -> set[str]:
        """Values whose rows are those of the result, from the scores on."""
        noted = {v.id for v in self.graph.values if note(self.graph, v.id, "row") is not None}
        made = {out for op in self.graph.ops if op.kind in ("softmax", "layer_norm") for out in op.outputs}
        return noted | made | self.scores | {port.value for port in self.graph.outputs}

    # ---- formulas ----------------------------------------------------------------------------------------------------------

    def _op(self, op: Op) -> None:
        if not op.outputs or op.outputs[0] not in self.rows:
            return
        made = op.outputs[0]
        reads = [id for id in op.reads if id in self.rows]
        if op.kind in _SKIPPED and len(reads) == 1:
            self.passed.setdefault(made, []).extend((op.id, made))
        elif op.kind == "linear" and len(reads) >= 2:
            self._linear(op, reads)
        elif len(reads) == 2 and op.kind in _SIGNS and not self._is_number(reads[1]):
            self._binary(op, reads[0], reads[1])
        else:
            self._unary(op, reads)

    def _is_number(self, id: str) -> bool:
        return not self.graph.value_by_id[id].type.shape

    def _binary(self, op: Op, left: str, right: str) -> None:
        made = op.outputs[0]
        if left != self.last and self._is_drawn(left) and self._is_drawn(right) and self._stays(made):
            before = [step for id in (left, right) for step in self.passed.get(id, ())]
            self.passed[made] = [*before, op.id, made]  # S = QKᵀ / √2 is said over the matrix that is drawn
            self._begin(new_line=True)
            return
        if left != self.last or len(self.rows[left][0]) > MOST_INLINE:
            named = left == self.last or self._is_here(left)
            self._begin(new_line=not self._are_given(left, right))
            self._operand(left, named=named)
        self._sign(_SIGNS[op.kind])
        self._operand(right, named=False)
        self._sign("=")
        self._matrix(made, (op.id,))

    def _linear(self, op: Op, reads: Sequence[str]) -> None:
        self._begin(new_line=True)
        self._operand(reads[1], named=False)
        self._sign("×")
        self._operand(reads[0], named=False)
        for id in reads[2:]:
            self._sign("+")
            self._operand(id, named=False)
        self._sign("=")
        self._matrix(op.outputs[0], (op.id,))

    def _unary(self, op: Op, reads: Sequence[str]) -> None:
        made, first = op.outputs[0], reads[0] if reads else ""
        if first in self.passed and op.kind in ("div", "scale", "mul", "masked_fill") and not self._is_drawn(first):
            self.passed[made] = [*self.passed[first], op.id, made]
            if self._stays(made):
                return
            self._matrix(made, (), title=self._expression(made, named=True))
            return
        if first and first != self.last:
            self._begin(new_line=True)
            if first in self.passed and not self._is_drawn(first):
                self._matrix(first, (), title=self._expression(first, named=True))
            else:
                self._operand(first, named=False)
        beside = [id for id in reads[1:] if not self._is_number(id) and op.kind != "masked_fill"]
        for id in beside if op.kind != "layer_norm" else ():
            self._operand(id, named=False)
        self._arrow(op, reads)
        self._matrix(made, (op.id,))
        for id in beside if op.kind == "layer_norm" else ():
            self._begin(new_line=False)
            self._matrix(id, (), lies=True)

    def _stays(self, made: str) -> bool:
        """Whether a value is only a step to another one that says it, such as scores before they are scaled."""
        readers = self.graph.readers.get(made, ())
        return len(readers) == 1 and readers[0].kind in ("div", "masked_fill") and not self.options.steps

    def _is_drawn(self, id: str) -> bool:
        return self._source(id) in self.drawn

    def _is_here(self, id: str) -> bool:
        return self.drawn.get(self._source(id)) == len(self.paragraphs) - 1

    def _source(self, id: str) -> str:
        """What a value is before it is transposed or handed on."""
        while id in self.passed and (op := self.graph.producer[id]).kind in _SKIPPED:
            id = next(op.reads)
        return id

    def _are_given(self, *ids: str) -> bool:
        return all(self._source(id) not in self.graph.producer for id in ids)

    def _begin(self, *, new_line: bool) -> None:
        self._close()
        if (new_line and (not self.paragraphs or self.paragraphs[-1])) or not self.paragraphs:
            self.paragraphs.append([])

    def _close(self) -> None:
        if self.formula:
            self.paragraphs[-1].append(Group(f"formula{self.boxes}", tuple(self.formula), arrangement="row"))
            self.boxes += 1
        self.formula, self.last = [], ""

    # ---- boxes -------------------------------------------------------------------------------------------------------------

    def _id(self, wanted: str) -> str:
        self.boxes += 1
        return f"{wanted}/{self.boxes}"

    def _sign(self, sign: str) -> None:
        self.formula.append(Box(self._id("sign"), "sign", (plain(sign),)))

    def _operand(self, id: str, *, named: bool) -> None:
        if named:
            self.formula.append(Box(self._id("name"), "sign.name", (self._symbol(id),), stands_for=(id,)))
        else:
            self._matrix(id, ())

    def _arrow(self, op: Op, reads: Sequence[str]) -> None:
        """A step from one matrix to the next, entry by entry or row by row."""
        words: list[Text] = []
        if op.kind in ("div", "scale", "mul") and len(reads) == 2:
            number = self.rows[reads[1]][0][0]
            shown = Printer(self.options.digits, True).rows([[number]])[0][0]
            words = [(Run("÷ " if op.kind == "div" else "× "), *shown)]
        else:
            label = "mask" if op.kind == "masked_fill" else kind_of(self.graph, op).label
            words = [plain(label)]
            if op.kind in ("softmax", "layer_norm") and self._has_rows(op.outputs[0]):
                words.append(plain("each row"))
        self.formula.append(Box(self._id("step"), "sign", (plain("→"),), above=tuple(words)))

    def _matrix(self, id: str, ops: tuple[str, ...], *, title: Text = (), lies: bool = False) -> None:
        value, rows = self.graph.value_by_id[id], self.rows[id]
        if lies:
            rows = [list(column) for column in zip(*rows, strict=True)]
        given = value.kind != "computed" or self._are_given(id)
        bold = self.chosen if self._has_chosen(id) else None
        first = not self.formula
        columns = self._names(id, "column_names")
        names = self._names(self._source(id) if id not in self._transposed else id, "row_names")
        cells = grid(
            rows, self.printer.rows(rows, given=given), heat=self._heat(id), bold=bold,
            row_names=names if first else (), column_names=columns,
        )  # fmt: skip
        through = tuple(o for o in self.passed.get(id, ()))
        self.formula.append(
            Box(
                self._id(id), self._role(id), (title or self._symbol(id),), self._below(id, rows), cells=cells,
                stands_for=tuple(dict.fromkeys((id, *ops, *through))), tooltip=text_of(self._symbol(id)),
            )
        )  # fmt: skip
        self.drawn.setdefault(self._source(id), max(len(self.paragraphs) - 1, 0))
        if not self.paragraphs:
            self.paragraphs.append([])
        self.last = id if ops or title else self.last

    @property
    def _transposed(self) -> set[str]:
        return {out for op in self.graph.ops if op.kind == "transpose" for out in op.outputs}

    def _below(self, id: str, rows: Rows) -> tuple[Row, ...]:
        if self.options.shapes == "none":
            return ()
        op = self.graph.producer.get(id)
        words = size_text(rows)
        if max(len(rows), len(rows[0])) > MOST_DRAWN:
            words += f", the first {MOST_DRAWN}"
        if op is not None and op.kind == "softmax":
            words += ", rows sum to 1" if self._has_rows(id) else ", sums to 1"
        return (Row("shape", plain(words)),)

    def _has_rows(self, id: str) -> bool:
        return len(self.rows[id]) > 1 and len(self.graph.value_by_id[id].type.shape or ()) == 2

    def _symbol(self, id: str) -> Text:
        return self.graph.value_by_id[id].symbol or (Run(id, "math"),)

    def _expression(self, id: str, *, named: bool = False) -> Text:
        """``S = QKᵀ / √2``: a value by what it is made from."""
        op = self.graph.producer.get(id)
        if op is None or id not in self.passed or op.kind in _SKIPPED:
            return self._symbol(id)
        left, *rest = [id for id in op.reads if id in self.rows]
        body: tuple[Piece, ...]
        if op.kind == "masked_fill":
            return (*self._expression(left, named=named), Run(", masked", "plain"))
        if op.kind == "matmul":
            body = (*self._expression(left), *self._expression(rest[0]))
        else:
            number = Printer(self.options.digits, True).rows(self.rows[rest[0]], style="math")[0][0]
            body = (*self._expression(left), Run(" / " if op.kind == "div" else " · ", "math"), *number)
        return (*self._symbol(id), Run(" = ", "math"), *body) if named else body

    # ---- words -------------------------------------------------------------------------------------------------------------

    def _worked(self) -> list[Text]:
        """The lines in which the chosen row is worked out."""
        found: list[Text | None] = []
        row = self.chosen
        if row is None:
            return []
        for op in self.graph.ops:
            made = op.outputs[0] if op.outputs else ""
            if made not in self.rows or not self._has_chosen(made) or row >= len(self.rows[made]):
                continue
            left = lines.symbol_of_row(self._symbol(made), self._row_name(made, row))
            reads = [id for id in op.reads if id in self.rows]
            numbers = [n for n in self.rows[made][row] if n is not None]
            if op.kind == "softmax":
                found.append(lines.softmax_line(left, self.rows[reads[0]][row], self._printed(made)[row], self.printer))
            elif op.kind == "div" and made in self.scores:
                found.append(self._scores_line(op, left, row))
            elif op.kind == "matmul" and made not in self.scores and not (self.scores and self._are_given(*reads)):
                rows = self._printed(reads[1])
                if len(rows[0]) == 1:  # a sum of numbers: each as short as it is
                    rows = [self.printer.row(entries, given=True) for entries in self.rows[reads[1]]]
                found.append(lines.product_line(left, self._printed(reads[0])[row], rows, self._printed(made)[row]))
            elif op.kind == "layer_norm":
                extra = [self._vector(op, slot) for slot in ("weight", "bias")]
                entries = [n for n in self.rows[reads[0]][row] if n is not None]
                found += lines.layer_norm_lines(op, self._row_name(made, row), entries, extra, numbers, self.printer)
        return [line for line in found if line is not None]

    def _printed(self, id: str) -> list[list[Text]]:
        """The entries of a matrix as its cells have them."""
        return self.printer.rows(self.rows[id], given=self._are_given(id), style="math")

    def _scores_line(self, op: Op, left: Text, row: int) -> Text | None:
        product = self.graph.producer.get(next(op.reads))
        if product is None or product.kind != "matmul":
            return None
        queries, keys = list(product.reads)[:2]
        turned = [list(column) for column in zip(*self.rows[keys], strict=True)]
        scale = Printer(self.options.digits, True).rows(self.rows[list(op.reads)[1]], style="math")[0][0]
        query = [n for n in self.rows[queries][row] if n is not None]
        return lines.scores_line(left, query, turned, self.rows[op.outputs[0]][row], scale, self.printer)

    def _vector(self, op: Op, slot: str) -> list[Number] | None:
        found = next((ref.value for s in op.inputs if s.name == slot for ref in s.refs), None)
        return None if found is None else [row[0] for row in self.rows[found] if row[0] is not None]

    def _row_name(self, id: str, row: int) -> str:
        names = self._names(id, "row_names")
        return names[row] if names else str(row + 1)

    def _caption(self, *, is_worked: bool) -> tuple[Text, ...]:
        opened: Text = (*strong(f"{self.graph.name}."),) if self.graph.name else ()
        kinds = {op.kind for op in self.graph.ops}
        if "softmax" in kinds and any(op.kind == "matmul" for op in self.graph.ops):
            opened += (
                Run(" A row of "),
                Run("A", "math"),
                Run(" says how much one query takes from each value: the darker, the more."),
            )
        elif "softmax" in kinds:
            opened += plain(" Softmax makes weights that sum to 1.")
        if self.chosen is not None and is_worked:
            of = next((id for id in self._row_values if self._names(id, "row_names")), "")
            name = self._row_name(of, self.chosen) if of else str(self.chosen + 1)
            opened += plain(f" The bold row {name} is worked out.")
        found = [opened] if opened else []
        if self.options.shapes == "why":
            from netfig.renderers.matrices_shapes import shape_lines

            found += shape_lines(self.graph, {id: (len(r), len(r[0])) for id, r in self.rows.items()}, self._symbol)
        return tuple(found)

    def _alt(self, worked: Sequence[Text]) -> str:
        said = [f"{text_of(self._symbol(id))} ({size_text(self.rows[id])})" for id in self.drawn if id in self.rows]
        row = "".join(f" {text_of(line)}." for line in worked)
        return f"{self.graph.name}: matrices with their numbers: {', '.join(said)}.{row}"


__all__ = ["draw_matrices", "grid", "note", "size_text", "suits"]
