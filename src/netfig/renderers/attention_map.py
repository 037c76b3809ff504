"""The renderer ``attention-map``: what one token looks at as arcs to the others, and all weights as a heat map."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Box, Cell, Cells, End, Figure, Group, Row, Wire
from netfig.graph.exact import decode
from netfig.mathtext import Run, Text, plain, strong, text_of
from netfig.renderers.matrices import MOST_PRINTED, grid, note, size_text
from netfig.renderers.matrices_numbers import Printer, Rows, decimal

if TYPE_CHECKING:
    from netfig.graph import Graph, Value
    from netfig.renderers.options import AttentionMapOptions

MOST_TOKENS: Final = 14
"""Tokens that are drawn as words with arcs; more are a heat map alone."""
MOST_ARCS: Final = 8
STRONG: Final = 0.35  # a weight whose arc has a large head
PALE: Final = 0.5  # where no weight is larger, the largest is drawn as dark as can be
_SAID: Final = 0.9  # the caption names tokens until their weights make this
_SUM: Final = 1e-3  # how far a row of weights may be from 1


def weights_in(graph: Graph) -> list[str]:
    """Values that are attention weights: what a softmax makes, or what is given as weights, with numbers.

    They have two dimensions (queries × keys), or heads and a batch in front of these.
    """
    made = [op.outputs[0] for op in graph.ops if "softmax" in op.kind and op.outputs]
    given = [v.id for v in graph.values if v.kind in ("input", "constant") and note(graph, v.id, "weights") is True]
    return [id for id in (*given, *made) if heads_of(graph.value_by_id[id])]


def heads_of(value: Value) -> list[Rows]:
    """The weights of each head (of the first of a batch); none when the value has no numbers, or other ones."""
    sizes = value.type.sizes
    if value.data is None or sizes is None or not 2 <= len(sizes) <= 4 or math.prod(sizes) != len(value.data) or not value.data:
        return []
    height, width = sizes[-2:]
    count = sizes[-3] if len(sizes) > 2 else 1
    found: list[Rows] = []
    try:
        numbers = [decode(entry) for entry in value.data[: count * height * width]]
    except ValueError:
        return []
    for h in range(count):
        start = h * height * width
        found.append([numbers[start + i * width : start + (i + 1) * width] for i in range(height)])
    right = all(abs(sum(float(n) for n in row if n is not None) - 1) < _SUM for rows in found for row in rows)
    return found if right else []


def suits(graph: Graph) -> float:
    """1 for weights alone, near it for a model's, less for a worked example, which ``matrices`` shows whole."""
    if graph.axes or not weights_in(graph):
        return 0.0
    if not graph.ops:
        return 1.0
    return 0.6 if note(graph, "", "worked") is not None else 0.9


def draw_attention_map(graph: Graph, options: AttentionMapOptions) -> Figure:
    """The figure.

    Raises:
        UsageError: the graph has no attention weights with numbers, or not the value or row asked for.
    """
    known = weights_in(graph)
    if not known:
        raise UsageError(
            f"the graph {graph.name!r} has no attention weights with numbers",
            hint="draw a worked example (a .worked.toml file), or a model with --opt torch.numbers=attention",
        )
    if options.value and options.value not in known:
        raise UsageError(f"{options.value!r} is no attention weights", hint=did_you_mean(options.value, known))
    if not options.value and not 1 <= options.layer <= len(known):
        raise UsageError(f"there is no layer {options.layer} of attention weights", hint=f"there are {len(known)}")
    return _Map(graph, options.value or known[options.layer - 1], options).figure()


class _Map:
    def __init__(self, graph: Graph, id: str, options: AttentionMapOptions) -> None:
        self.graph, self.id, self.options = graph, id, options
        heads = heads_of(graph.value_by_id[id])
        if not 1 <= options.head <= len(heads):
            raise UsageError(
                f"there is no head {options.head}", hint=f"there {'is 1' if len(heads) == 1 else f'are {len(heads)}'}"
            )
        self.heads = len(heads)
        self.rows: Rows = heads[options.head - 1]
        found = self.rows
        self.queries, self.keys = self._names("row_names", len(found)), self._names("column_names", len(found[0]))
        self.printer = Printer(options.digits, False)
        self.texts = self.printer.rows(found)
        self.focus = self._focus()

    def _names(self, key: str, count: int) -> list[str]:
        said = note(self.graph, self.id, key)
        names = [str(n) for n in said] if isinstance(said, tuple) else []
        if self.options.tokens and len(self.options.tokens) == count:
            return list(self.options.tokens)
        if self.options.tokens and len(self.rows) == len(self.rows[0]):
            raise UsageError(f"there are {len(self.options.tokens)} names for {count} tokens")
        return names if len(names) == count else [str(n + 1) for n in range(count)]

    def _focus(self) -> int:
        """The row whose arcs are drawn: the one asked for, that of the example, or the one that looks most at another token."""
        wanted = self.options.row
        if wanted:
            if wanted in self.queries:
                return self.queries.index(wanted)
            if wanted.isdigit() and 1 <= int(wanted) <= len(self.rows):
                return int(wanted) - 1
            raise UsageError(f"there is no row {wanted!r}", hint=did_you_mean(wanted, self.queries))
        said = note(self.graph, self.id, "row")
        if isinstance(said, int) and 0 <= said < len(self.rows):
            return said
        peaks = [
            max((w for j, w in enumerate(self._weights(i)) if not (self._is_self and i == j)), default=0.0)
            for i in range(len(self.rows))
        ]
        return max(range(len(peaks)), key=lambda i: (round(peaks[i], 9), -i))

    def _weights(self, row: int) -> list[float]:
        return [0.0 if n is None else float(n) for n in self.rows[row]]

    @property
    def _is_self(self) -> bool:
        return self.queries == self.keys

    def figure(self) -> Figure:
        groups: list[Group] = []
        wires: tuple[Wire, ...] = ()
        if max(len(self.queries), len(self.keys)) <= MOST_TOKENS:
            row, wires = self._words()
            groups.append(Group("arcs", (row,), arrangement="row"))
        if self.options.heat:
            groups.append(Group("map", (self._heat(),), arrangement="row"))
        graph = self.graph
        return Figure(
            title=graph.name,
            alt=self._alt(),
            root=Group("sheet", tuple(groups), arrangement="sheet", stands_for=(graph.root.id,)),
            wires=wires,
            caption=self._caption() if self.options.caption else (),
            direction="right",
        )

    # ---- arcs ------------------------------------------------------------------------------------------------------------------

    def _words(self) -> tuple[Group, tuple[Wire, ...]]:
        """The keys in a row with their weights; the query among them, or of another sequence, in front of them."""
        weights = self._weights(self.focus)
        boxes = []
        for j, name in enumerate(self.keys):
            is_focus = self._is_self and j == self.focus
            boxes.append(
                Box(
                    f"token{j}", "attention", (plain(name),), (Row("count", self.texts[self.focus][j]),), (),
                    emphasis="strong" if is_focus else "", cells=Cells(((Cell(heat=round(weights[j], 4)),),)),
                    tooltip=f"{self.queries[self.focus]} to {name}: {text_of(self.texts[self.focus][j])}", stands_for=(self.id,),
                )
            )  # fmt: skip
        source = f"token{self.focus}"
        if not self._is_self:
            source = "query"
            boxes.insert(
                0, Box(source, "input", (plain(self.queries[self.focus]),), (Row("shape", plain("query")),), emphasis="strong")
            )
        order = sorted((j for j in range(len(weights)) if f"token{j}" != source), key=lambda j: (-round(weights[j], 9), j))
        kept = sorted(j for j in order[:MOST_ARCS] if round(weights[j], self.options.digits) > 0)
        even = 1 / len(weights)
        wires = tuple(
            Wire(
                End(source), End(f"token{j}"), "arc", weight=round(weights[j], 4), stands_for=(self.id,),
                emphasis="strong" if weights[j] >= STRONG else "quiet" if weights[j] < even / 2 else "",
            )
            for j in kept
        )  # fmt: skip
        return Group("words", tuple(boxes), arrangement="arcs"), wires

    # ---- heat map --------------------------------------------------------------------------------------------------------------

    def _heat(self) -> Group:
        cells = grid(
            self.rows, self.texts, heat=(0.0, self._hottest()), bold=self.focus, row_names=self.queries, column_names=self.keys
        )  # fmt: skip
        symbol = self.graph.value_by_id[self.id].symbol or (Run("A", "math"),)
        box = Box(
            "weights", "attention", (symbol,), (Row("shape", plain(f"{size_text(self.rows)}, rows sum to 1")),), cells=cells,
            stands_for=(self.id, *(op.id for op in (self.graph.producer.get(self.id),) if op is not None)),
        )  # fmt: skip
        return Group("matrix", (box,), arrangement="row")

    def _hottest(self) -> float:
        """The weight whose cell is darkest: 1, or the largest one where all are small."""
        most = max(max(self._weights(i)) for i in range(len(self.rows)))
        return most if 0 < most <= PALE else 1.0

    # ---- words -----------------------------------------------------------------------------------------------------------------

    def _caption(self) -> tuple[Text, ...]:
        name = self.queries[self.focus]
        said: Text = strong(f"{self.graph.name}.") if self.graph.name else ()
        said += plain(self._where())
        weights = self._weights(self.focus)
        best = sorted(range(len(weights)), key=lambda j: (-round(weights[j], 9), j))
        if round(weights[best[0]] - weights[best[-1]], 6) == 0:
            said += plain(f" “{name}” looks at all tokens alike.")
        else:
            said += plain(f" “{name}” looks at {self._looks_at(best)}: {self._sign()}.")
        if self._hottest() < 1 and self.options.heat:
            said += plain(f" The darkest cell is {decimal(self._hottest(), self.options.digits)}.")
        drawn = sum(round(w, self.options.digits) > 0 for w in weights) - 1
        if drawn > MOST_ARCS and len(weights) <= MOST_TOKENS:
            said += plain(f" Only the {MOST_ARCS} thickest arcs are drawn.")
        if len(self.rows) > MOST_PRINTED or len(self.rows[0]) > MOST_PRINTED:
            said += plain(" Rows look at columns.")
        return (said,)

    def _where(self) -> str:
        """Which of several weights these are."""
        known = weights_in(self.graph)
        words = [f"layer {known.index(self.id) + 1} of {len(known)}"] if len(known) > 1 else []
        words += [f"head {self.options.head} of {self.heads}"] if self.heads > 1 else []
        said = ", ".join(words)
        return f" {said[0].upper()}{said[1:]}:" if said else ""

    def _sign(self) -> str:
        """How the figure says more."""
        arcs = "the thicker the arc" if max(len(self.queries), len(self.keys)) <= MOST_TOKENS else ""
        cells = "the darker the cell" if self.options.heat or arcs else ""
        return f"{' and '.join(word for word in (arcs, cells) if word)}, the more"

    def _looks_at(self, best: list[int]) -> str:
        """The tokens with the largest weights, three at most."""
        weights, found = self._weights(self.focus), []
        for j in best[:3]:
            found.append(f"“{self.keys[j]}” ({text_of(self.texts[self.focus][j])})")
            if sum(weights[k] for k in best[: len(found)]) >= _SAID - 1e-9:
                break
        return found[0] if len(found) == 1 else f"{', '.join(found[:-1])} and {found[-1]}"

    def _alt(self) -> str:
        weights = ", ".join(f"{key} {text_of(t)}" for key, t in zip(self.keys, self.texts[self.focus], strict=True))
        return f"{self.graph.name}: attention of {self.queries[self.focus]!r} to {weights}; below, all weights as a heat map."
