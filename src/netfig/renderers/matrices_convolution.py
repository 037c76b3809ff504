"""A convolution in numbers: the window with what each cell is multiplied by, the sum, and all places of the window in a strip."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.errors import UsageError
from netfig.figure import Box, Cell, Cells, Figure, Group, Row
from netfig.graph.exact import ZERO, Number
from netfig.mathtext import Run, Text, plain, strong, text_of
from netfig.renderers import matrices_lines as lines
from netfig.renderers.matrices import MOST_PRINTED, grid, note, size_text
from netfig.renderers.matrices_numbers import Printer, Rows, is_exact, rows_of

if TYPE_CHECKING:
    from netfig.graph import Graph, Op
    from netfig.renderers.options import MatricesOptions

MOST_PLACES: Final = 30  # places of the window that are drawn in a strip
STRIP_WIDTH: Final = 10  # places side by side


def draw_convolution(graph: Graph, options: MatricesOptions) -> Figure:
    """The figure of the first convolution of a graph.

    Raises:
        UsageError: the cell asked for is not in the map.
    """
    return _Convolution(graph, options).figure()


class _Convolution:
    def __init__(self, graph: Graph, options: MatricesOptions) -> None:
        self.graph, self.options = graph, options
        self.op: Op = next(op for op in graph.ops if op.kind == "conv2d")
        self.image_id, self.kernel_id = list(self.op.reads)[:2]
        self.map_id = self.op.outputs[0]
        found = [rows_of(graph.value_by_id[id]) for id in (self.image_id, self.kernel_id, self.map_id)]
        if any(rows is None for rows in found):
            raise UsageError(f"the convolution {self.op.id!r} has no numbers", hint="they stand in a .worked.toml file")
        self.image, self.kernel, self.map = (rows for rows in found if rows is not None)
        self.padding = _whole(self.op.attribute("padding", 0))
        self.stride = max(_whole(self.op.attribute("stride", 1)), 1)
        exact = is_exact(graph) if options.numbers == "auto" else options.numbers == "exact"
        self.printer = Printer(options.digits, exact)
        self.padded = self._padded()
        self.cell = self._chosen()

    def figure(self) -> Figure:
        image = Box("image", "input", (strong("image"),), self._below(self._image_words()), cells=self._image_cells(), stands_for=(self.image_id,))  # noqa: E501  # fmt: skip
        kernel = Box("filter", "weight", (strong("filter"),), self._below(self._kernel_words()), cells=self._large(self.kernel), stands_for=(self.kernel_id,))  # noqa: E501  # fmt: skip
        made = Box("map", "output", (strong("feature map"),), self._below(size_text(self.map)), cells=self._map_cells(), stands_for=(self.map_id, self.op.id))  # noqa: E501  # fmt: skip
        star, equals = Box("star", "sign", (plain("∗"),)), Box("equals", "sign", (plain("="),))
        formula = Group("formula", (image, star, kernel, equals, made), arrangement="row")
        groups: list[Group] = [Group("paragraph", (formula,), arrangement="row")]
        if self.options.worked and len(self.kernel) * len(self.kernel[0]) <= 2 * lines.MOST_TERMS:
            groups.append(Group("worked", (Box("worked/lines", "text.equation", (self._sum(),)),), arrangement="column"))
        groups += self._strips()
        return Figure(
            title=self.graph.name,
            alt=self._alt(),
            root=Group("sheet", tuple(groups), arrangement="sheet", stands_for=(self.graph.root.id,)),
            caption=self._caption() if self.options.caption else (),
            direction="right",
        )

    def _padded(self) -> Rows:
        p = self.padding
        width = len(self.image[0]) + 2 * p
        blank: list[Number | None] = [ZERO] * width
        sides: list[Number | None] = [ZERO] * p
        return [
            *(list(blank) for _ in range(p)),
            *([*sides, *row, *sides] for row in self.image),
            *(list(blank) for _ in range(p)),
        ]

    def _chosen(self) -> tuple[int, int]:
        height, width = len(self.map), len(self.map[0])
        if self.options.cell:
            words = [w.strip() for w in self.options.cell.split(",")]
            if len(words) == 2 and all(w.isdigit() for w in words):
                i, j = (int(w) - 1 for w in words)
                if 0 <= i < height and 0 <= j < width:
                    return i, j
            raise UsageError(
                f"the map has no cell {self.options.cell!r}", hint=f"row and column from 1: cell=1,1 to cell={height},{width}"
            )
        said = note(self.graph, self.map_id, "cell")
        if isinstance(said, tuple) and len(said) == 2 and isinstance(said[0], int) and isinstance(said[1], int):
            return min(said[0], height - 1), min(said[1], width - 1)
        return height - 1, width - 1

    def _window(self) -> tuple[int, int, int, int]:
        """Top, left, bottom and right of the window in the padded image; the last two lie outside of it."""
        top, left = self.cell[0] * self.stride, self.cell[1] * self.stride
        return top, left, top + len(self.kernel), left + len(self.kernel[0])

    def _is_large(self) -> bool:
        return max(len(self.padded), len(self.padded[0])) <= MOST_PRINTED

    def _large(self, rows: Rows) -> Cells:
        texts = self.printer.rows(rows, given=True)
        size = "large" if self._is_large() else "usual"
        return Cells(tuple(tuple(Cell(text) for text in row) for row in texts), size=size)  # type: ignore[arg-type]

    def _image_cells(self) -> Cells:
        if not self._is_large():
            return self._marked(grid(self.padded, self.printer.rows(self.padded, given=True)), self._window())
        texts = self.printer.rows(self.padded, given=True)
        top, left, bottom, right = self._window()
        weights = self.printer.rows(self.kernel, given=True)
        rows = []
        for i, row in enumerate(texts):
            cells = []
            for j, text in enumerate(row):
                marked = top <= i < bottom and left <= j < right
                times: Text = (Run("× "), *weights[i - top][j - left]) if marked else ()
                cells.append(Cell(text, times, None, "quiet" if self._is_padding(i, j) else "", marked))
            rows.append(tuple(cells))
        return Cells(tuple(rows), size="large")

    def _is_padding(self, i: int, j: int) -> bool:
        p = self.padding
        return not (p <= i < p + len(self.image) and p <= j < p + len(self.image[0]))

    def _marked(self, cells: Cells, window: tuple[int, int, int, int]) -> Cells:
        top, left, bottom, right = window
        rows = tuple(
            tuple(Cell(c.text, c.note, c.heat, c.emphasis, top <= i < bottom and left <= j < right) for j, c in enumerate(row))
            for i, row in enumerate(cells.rows)
        )
        return Cells(rows, cells.row_names, cells.column_names, cells.size)

    def _map_cells(self) -> Cells:
        if max(len(self.map), len(self.map[0])) > MOST_PRINTED:
            cells = grid(self.map, self.printer.rows(self.map))
        else:
            texts = self.printer.rows(self.map)
            size = "large" if self._is_large() else "usual"
            cells = Cells(tuple(tuple(Cell(text) for text in row) for row in texts), size=size)  # type: ignore[arg-type]
        i, j = self.cell
        return self._marked(cells, (i, j, i + 1, j + 1))

    def _sum(self) -> Text:
        top, left, bottom, right = self._window()
        weights = [n for row in self.kernel for n in row if n is not None]
        seen = [n for row in self.padded[top:bottom] for n in row[left:right] if n is not None]
        result = self.printer.row([self.map[self.cell[0]][self.cell[1]]])[0]
        said = lines.sum_text(list(zip(seen, weights, strict=True)), self.printer)
        return lines.equation(said, tuple(Run(p.text, "math-bold") if isinstance(p, Run) else p for p in result))

    def _strips(self) -> list[Group]:
        """Every place of the window with its result, whole rows of the map on a line."""
        count, width = len(self.map) * len(self.map[0]), len(self.map[0])
        if not self.options.strip or count > MOST_PLACES or width > STRIP_WIDTH or not self._is_large():
            return []
        texts = self.printer.rows(self.map)
        boxes = []
        for i in range(len(self.map)):
            for j in range(width):
                top, left = i * self.stride, j * self.stride
                rows = tuple(
                    tuple(
                        Cell(
                            emphasis="quiet" if self._is_padding(a, b) else "",
                            marked=top <= a < top + len(self.kernel) and left <= b < left + len(self.kernel[0]),
                            heat=0.15,
                        )
                        for b in range(len(self.padded[0]))
                    )
                    for a in range(len(self.padded))
                )
                boxes.append(Box(f"place{i}.{j}", "input", (), (Row("count", texts[i][j]),), cells=Cells(rows, size="small")))
        together = width * max(1, STRIP_WIDTH // width)
        return [Group(f"strip{n}", tuple(boxes[n : n + together]), arrangement="row") for n in range(0, len(boxes), together)]

    def _below(self, words: str) -> tuple[Row, ...]:
        return (Row("shape", plain(words)),) if self.options.shapes != "none" else ()

    def _image_words(self) -> str:
        own = size_text(self.image)
        return f"{own}, padding {self.padding}: {size_text(self.padded)}" if self.padding else own

    def _kernel_words(self) -> str:
        return f"{size_text(self.kernel)}, stride {self.stride}"

    def _caption(self) -> tuple[Text, ...]:
        words = " The filter slides over the image; in each place, what lies under it is multiplied entry by entry and summed up."
        words += " It is not flipped: this is cross-correlation, which neural networks call convolution."
        if self.padding:
            words += " Dashed cells are zeros that padding adds."
        found: list[Text] = [(*strong(f"{self.graph.name}."), *plain(words))]
        if self.options.shapes == "why":
            found.append(plain(self._why()))
        return tuple(found)

    def _why(self) -> str:
        parts = []
        for word, axis in (("high", 0), ("wide", 1)):
            n, k = (len(self.image), len(self.kernel)) if axis == 0 else (len(self.image[0]), len(self.kernel[0]))
            made = len(self.map) if axis == 0 else len(self.map[0])
            parts.append(f"⌊({n} + 2·{self.padding} − {k}) / {self.stride}⌋ + 1 = {made} {word}")
        return f"The feature map is {' and '.join(parts)}."

    def _alt(self) -> str:
        i, j = self.cell
        return (
            f"{self.graph.name}: an image of {size_text(self.image)} convolved with a filter of {size_text(self.kernel)} gives a "
            f"map of {size_text(self.map)}; row {i + 1}, column {j + 1} of the map is worked out: {text_of(self._sum())}."
        )


def _whole(value: object) -> int:
    first = value[0] if isinstance(value, tuple) and value else value
    return first if isinstance(first, int) else 0
