"""A recurrence that reads another sequence at every step: that sequence below, the steps above, one step in focus."""

from __future__ import annotations

import dataclasses
import itertools
from typing import TYPE_CHECKING

from netfig.figure import Box, End, Group, Row, Wire
from netfig.mathtext import Run, Text, plain
from netfig.renderers.attention_words import sentences, sizes_said
from netfig.renderers.recurrence import FAR, Dependency, Instance
from netfig.renderers.recurrence_attention import Attention, weights_of
from netfig.renderers.recurrence_sheet import Sheet
from netfig.renderers.recurrence_steps import FEW, Wanted

if TYPE_CHECKING:
    from netfig.renderers.recurrence import Path, Recurrence

READ = 2  # of the sequence that is read so many steps are drawn, and the last
LEFT_OUT = "; the wires of other steps are left out."


def stands_alone(recurrence: Recurrence, context: str) -> bool:
    """Whether there are two sequences, one that is read and one whose steps read it, and nothing between them."""
    return len(recurrence.times) == 2 and all(recurrence.time_of(v) is not None for v in recurrence.shown) and not any(
        recurrence.time_of(d.source.value) != recurrence.time_of(v)
        for v in recurrence.shown
        if v != context
        for here in (recurrence.sample(v), *recurrence.starts_of(v))
        for d in recurrence.made_from(here)
    )  # fmt: skip


class Reading(Sheet):
    """The sheet of two sequences, one over the other; `focus` is the step whose reading is wired and made strong."""

    def __init__(self, recurrence: Recurrence, wanted: Wanted, attention: Attention) -> None:
        self.attention, self.context = attention, attention.context
        self.time = recurrence.time_of(self.context) or recurrence.times[-1]
        self.read = next(axis for axis in recurrence.times if axis != self.time)
        self.inside = _in_all(recurrence, self.context)
        start = recurrence.axes[self.time].start
        last = recurrence.last(self.time)
        count = min(wanted.steps or READ, last - start + 1 if last is not None else FAR)
        drawn = tuple(range(start, start + min(count, FEW - 2))) if count > FEW else tuple(range(start, start + count))
        drawn = tuple(dict.fromkeys((*drawn, start + count - 1)))
        wanted = dataclasses.replace(wanted, steps=min(READ, count), more={self.time: drawn})
        super().__init__(recurrence, wanted, readings=(self.context,))
        self.focus = self.steps.shown[self.time][-1]
        self._stack()
        self._dress()
        self._go_on()

    def merged(self, instances: tuple[Instance, ...]) -> list[Dependency]:
        """As of any sheet, but the weights that act on all that a step reads are part of its box."""
        found = super().merged(instances)
        if instances[0].value != self.context:
            return found
        return [Dependency(d.source, tuple(dict.fromkeys(map(self._outside, d.paths)))) for d in found]

    def _outside(self, path: Path) -> Path:
        return tuple(weight for weight in path if weight not in self.inside)

    # --- places ---------------------------------------------------------------------------------------------------------------

    def _stack(self) -> None:
        """The steps that read stand over what they read, both from the same column on."""
        steps = self.steps
        columns = [n for n, column in enumerate(steps.columns) if column.axis == self.time]
        first = steps.starts[columns[0]]
        until = first + sum(steps.widths(steps.columns[n]) for n in columns)
        shift = len(self.rows.rows[self.read]) - self.rows.first[self.time]
        before = self.rows.first[self.read]
        for id, box in self.boxes.items():
            column, row = box.place or (0, 0)
            place = (column - first, row + shift) if first <= column < until else (column - (until if column >= until else 0), row - before)  # noqa: E501  # fmt: skip
            self.boxes[id] = dataclasses.replace(box, place=place)

    def row_names(self) -> tuple[tuple[Text, ...], ...]:
        """The rows of what is read, then those of the steps that read it."""
        rows = [row for axis in (self.read, self.time) for row in self.rows.rows[axis]]
        return tuple(
            self.words.row_name([(self.graph.value_by_id[row.value], row.layer)], row.unit.kind) if row.value else ()
            for row in rows
        )

    def group(self, id: str = "steps") -> Group:
        """All boxes as a grid, the steps of what is read under their columns."""
        rows: dict[str, list[Text]] = {self.read: [], self.time: []}
        for column, name in zip((c for c in self.steps.columns for _ in range(self.steps.widths(c))), self.column_names(), strict=True):  # noqa: E501  # fmt: skip
            rows.setdefault(column.axis, []).append(name)
        found: list[Text] = []
        for below, above in itertools.zip_longest(rows[self.read], rows[self.time], fillvalue=()):
            found.append((*below, *(plain(", ") if below and above else ()), *above))
        return dataclasses.replace(super().group(id), column_names=tuple(found))

    # --- emphasis -------------------------------------------------------------------------------------------------------------

    def _dress(self) -> None:
        """The reading in focus is strong and says how much each state counts, the wires of the others are left out."""
        weights = weights_of(self.recurrence, self.attention, self.focus)
        symbol = self.graph.value_by_id[self.graph.op_by_id[self.attention.softmax].outputs[0]].symbol
        labels: dict[str, Text] = {}
        for source, index in weights.items():
            if symbol and source.index(self.read) == index and str(source) in self.boxes:
                labels[str(source)] = self.words.indexed(symbol, (self.words.index(self.read, index), self.words.index(self.time, self.focus)))  # noqa: E501  # fmt: skip
        steps = {str(self._context_at(n)): n for n in self.steps.shown[self.time]}
        kept: list[Wire] = []
        for wire in self.wires:
            into = steps.get(wire.target.box)
            reads = into is not None and self._is_read(wire)
            if reads and into != self.focus:
                continue
            if reads:
                leave, arrive = dataclasses.replace(wire.source, side="top"), End(wire.target.box, side="bottom")
                wire = dataclasses.replace(wire, source=leave, target=arrive, label=labels.get(wire.source.box, ()))
            if self.focus in (into, steps.get(wire.source.box)):
                wire = dataclasses.replace(wire, role="memory", emphasis="strong")
            if self._row(wire.source.box) > self._row(wire.target.box) and into is None and wire.head:
                wire = dataclasses.replace(wire, target=dataclasses.replace(wire.target, side="top"))
            if wire not in kept:  # of several steps left out one wire says so
                kept.append(wire)
        self.wires = kept
        for id, step in steps.items():
            self.boxes[id] = self._reader(self.boxes[id], step)

    def _is_read(self, wire: Wire) -> bool:
        return all(self.recurrence.time_of(v) == self.read for v in wire.stands_for)

    def _context_at(self, step: int) -> Instance:
        return self.recurrence.sample(self.context).moved(self.time, step)

    def _reader(self, box: Box, step: int) -> Box:
        """A box that attends, with the weights that act on all it reads."""
        inside = [self.words.symbol(weight) for weight in self.inside]
        listed: Text = tuple(p for n, name in enumerate(inside) for p in (*((Run(", ", "math"),) if n else ()), *name))
        return dataclasses.replace(
            box,
            role="attention" if step == self.focus else "attention.plain",
            emphasis="strong" if step == self.focus else "",
            rows=(Row("params", (*plain("with "), *listed)),) if listed else (),
        )

    def _go_on(self) -> None:
        """After the last step the state goes on into the dots, and whatever else the next step reads, each in its own row."""
        ends = {c.index for c in self.steps.columns if c.axis == self.time and c.kind == "gap"}
        dots = {id for id in self.boxes if id.startswith("dots") and any(id.endswith(f"[{self.time}={n}…]") for n in ends)}
        last = {id for id in dots if id.endswith(f"[{self.time}={self.steps.shown[self.time][-1] + 1}…]")}
        row_of = {self._row(id): id for id in last}
        wires: list[Wire] = []
        for wire in self.wires:
            if wire.target.box not in last:
                wires.append(wire)
                continue
            own = row_of.get(self._row(wire.source.box))
            if own is None:
                own = self._more_dots(wire.target.box, self._row(wire.source.box))
                row_of[self._row(wire.source.box)] = own
                last.add(own)
            on = dataclasses.replace(wire, target=End(own), chips=())
            if self.recurrence.time_of(wire.stands_for[0]) == self.time and on not in wires:
                wires.append(on)
        self.wires = wires
        touched = {end.box for wire in wires for end in (wire.source, wire.target)}
        self.boxes = {id: box for id, box in self.boxes.items() if id not in last or id in touched}

    def _more_dots(self, like: str, row: int) -> str:
        """Dots over or under others, in a row that has none."""
        box = self.boxes[like]
        id = f"dots over {row} {like}"
        self.boxes[id] = dataclasses.replace(box, id=id, place=((box.place or (0, 0))[0], row))
        return id

    def _row(self, id: str) -> int:
        return (self.boxes[id].place or (0, 0))[1]

    # --- words ----------------------------------------------------------------------------------------------------------------

    def facts(self) -> Text:
        """What of the figure is thick, what is left out, and the sizes that stand nowhere in it."""
        step = (Run(f"{self.time.split('@')[0]} = ", "math"), *self.words.index(self.time, self.focus))
        others = len(self.steps.shown[self.time]) > 1
        strong: Text = (*plain("Thick: what step "), *step, *plain(f" attends to{LEFT_OUT if others else '.'}"))
        return sentences((strong, sizes_said(self.words)))


def _in_all(recurrence: Recurrence, context: str) -> tuple[Instance, ...]:
    """The weights that act on everything a value is made from: after it has been brought together."""
    found = recurrence.made_from(recurrence.sample(context))
    common = [w for w in found[0].weights if all(w in d.weights for d in found)] if len(found) > 1 else []
    return tuple(common)
