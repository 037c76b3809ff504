"""A recurrence whose steps attend to past states: a box for it beside every state, the wires of past states in lanes."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from netfig.errors import UsageError
from netfig.figure import End, Figure, Wire
from netfig.mathtext import Run, Text, plain
from netfig.renderers.attention_words import chips_said, sentences, settings_said, short_chips, sizes_said
from netfig.renderers.options import AttentionRnnOptions
from netfig.renderers.recurrence import Dependency, Instance, Recurrence
from netfig.renderers.recurrence_attention import Attention, find_attention, weights_of
from netfig.renderers.recurrence_sheet import Sheet
from netfig.renderers.recurrence_steps import Wanted
from netfig.renderers.unrolled import alt_of, caption_of, equations_of, is_recurrence, rolled, sizes_of

if TYPE_CHECKING:
    from netfig.graph import Graph

EVERY_STEP = 2  # up to so many past states are wired at every step, more only at the one in focus
LEFT_OUT = "Earlier steps attend to past states too; their wires are left out."
FOCUS = 4  # the step in focus of attention to more states


def draw_attention_rnn(graph: Graph, options: AttentionRnnOptions) -> Figure:
    """The figure of a recurrence that attends to its past states.

    Raises:
        UsageError: nothing recurs in the graph, or no step of it weighs several past states.
    """
    sizes = sizes_of(options.sizes)
    plain_view = rolled(graph, sizes)
    attention = find_attention(plain_view)
    if attention is None:
        raise UsageError(
            f"no step of {graph.name!r} attends to several past states",
            why="there is no softmax over values that read a state at different steps",
            hint="draw it with -r unrolled",
        )
    return _Lanes(graph, attention, sizes, options).figure()


class _Lanes(Sheet):
    """The sheet with the boxes that attend; `focus` is the step that is made strong."""

    def __init__(self, original: Graph, attention: Attention, sizes: dict[str, int], options: AttentionRnnOptions) -> None:
        self.original, self.attention, self.options = original, attention, options
        recurrence = Recurrence(attention.graph, sizes, {attention.context: "value"})
        self.time = recurrence.time_of(attention.context) or recurrence.times[0]
        start = recurrence.axes[self.time].start
        far = self._past(recurrence, start + FOCUS + 3)
        steps = options.steps or max(options.focus or 0, 3 if far <= EVERY_STEP else FOCUS)
        self.focus = start - 1 + (options.focus or steps)
        if self.focus > start - 1 + steps:
            raise UsageError(f"the step {self.focus} in focus is not drawn", hint=f"draw more: steps={self.focus}")
        self.every = far <= EVERY_STEP
        self.weights = weights_of(recurrence, attention, self.focus)
        here = recurrence.sample(attention.context)
        self.high = not any(d.source.index(self.time) == here.index(self.time) for d in recurrence.made_from(here))
        every = {self.time: tuple(range(start, start + steps))}
        super().__init__(recurrence, Wanted(steps, last=False, more=every), frozenset({attention.context} if self.high else ()))
        self._dress()

    def role_of(self, value: str) -> str:
        """As of any sheet; a state is one also where attention gives it."""
        return "state" if value in self.recurrence.states else super().role_of(value)

    def _past(self, recurrence: Recurrence, step: int) -> int:
        """How many past states a step attends to."""
        here = recurrence.sample(self.attention.context).moved(self.time, step)
        return sum(_is_before(d, self.time, step) for d in recurrence.made_from(here))

    # --- wires ----------------------------------------------------------------------------------------------------------------

    def _wires_into(self, target: str, instances: tuple[Instance, ...]) -> None:
        if instances[0].value != self.attention.context:
            super()._wires_into(target, instances)
            return
        step = instances[0].index(self.time) or 0
        for d in self.merged(instances):
            past = _is_before(d, self.time, step)
            source = self.end_of(d.source) if self.every or step == self.focus or not past else None
            if source is not None:
                self._attend(source, target, step, d, past=past)

    def _attend(self, source: End, target: str, step: int, d: Dependency, *, past: bool) -> None:
        into = End(target)
        if past and self.high:
            source = dataclasses.replace(source, side="right")
            into = End(target, side="left" if d.source.index(self.time) == step - 1 else "top")
        elif past:  # from above, over the states between: no wire of those is crossed
            source, into = dataclasses.replace(source, side="top"), End(target, side="left")
        in_focus = step == self.focus
        label: Text = ()
        if in_focus and d.source in self.weights:
            softmax = self.graph.op_by_id[self.attention.softmax]
            vector = self.graph.value_by_id[softmax.outputs[0]]
            if vector.symbol:
                pieces = (self.words.index(self.time, self.weights[d.source]), self.words.index(self.time, step))
                label = self.words.indexed(vector.symbol, pieces)
        role = "memory" if in_focus else "data"
        wire = Wire(source, into, role, label=label, chips=short_chips(self.words.chips(d)), emphasis="strong" if in_focus else "", stands_for=(d.source.value,))  # noqa: E501  # fmt: skip
        self.wires.append(wire)

    def _into_gap(self, number: int, column: object, instances: tuple[Instance, ...], d: Dependency) -> None:
        if instances[0].value != self.attention.context:
            super()._into_gap(number, column, instances, d)  # type: ignore[arg-type]

    # --- boxes ----------------------------------------------------------------------------------------------------------------

    def _dress(self) -> None:
        """Attention boxes look like what they are, the results are named, and what nothing reads is not there."""
        axis = self.time
        for id, box in list(self.boxes.items()):
            instance = next((i for i in (self._instance(id),) if i is not None), None)
            if instance is None:
                continue
            step = instance.index(axis)
            focus = step == self.focus
            ops = (*self.ops_of(self.attention.context),) if not self.attention.is_state else self._original_ops()
            known = tuple(o for o in ops if o in self.original.op_by_id or o in self.original.value_by_id)
            own = () if self.attention.is_state else (self.attention.context,)
            self.boxes[id] = dataclasses.replace(
                box,
                role="attention" if focus else "attention.plain",
                title=(plain("Attend"),),
                emphasis="strong" if focus else "",
                tooltip=f"attention at {axis} = {step}",
                stands_for=(*own, *known),
            )
        if self.attention.is_state:
            state = self.attention.context.removesuffix("/attend.out")
            for id, box in self.boxes.items():
                if box.role == "state":
                    self.boxes[id] = dataclasses.replace(box, stands_for=tuple(s for s in box.stands_for if s in self.original.op_by_id or s in self.original.value_by_id))  # noqa: E501  # fmt: skip
            self.wires = [dataclasses.replace(w, stands_for=tuple(state if s == self.attention.context else s for s in w.stands_for)) for w in self.wires]  # noqa: E501  # fmt: skip
        self.wires = [self._result(w) for w in self.wires]
        self._go_on()
        self._compact()

    def _instance(self, id: str) -> Instance | None:
        """The attention that a box id names."""
        for step in self.steps.shown[self.time]:
            here = self.recurrence.sample(self.attention.context).moved(self.time, step)
            if str(here) == id:
                return here
        return None

    def _original_ops(self) -> tuple[str, ...]:
        return self.ops_of(self.attention.context)

    def _result(self, wire: Wire) -> Wire:
        """The wire from an attention box carries its result by name; that of the focus is strong."""
        here = self._instance(wire.source.box)
        if here is None:
            return wire
        label = () if self.attention.is_state else self.words.symbol(here)
        focus = here.index(self.time) == self.focus
        return dataclasses.replace(wire, label=label, role="memory" if focus else "data", emphasis="strong" if focus else "")

    def _go_on(self) -> None:
        """Dots stand behind the last state; no wire leads there: states are read from the lanes above them."""
        for number, column in enumerate(self.steps.columns):
            if column.kind != "gap":
                continue
            for n, row in enumerate(self.rows.rows[column.axis]):
                if row.value and row.unit.kind == "state":
                    self._dots(number, n + self.rows.first[column.axis])

    def _compact(self) -> None:
        """Given states that no wire leaves are left out, and their columns with them."""
        used = {w.source.box for w in self.wires} | {w.target.box for w in self.wires}
        self.boxes = {id: box for id, box in self.boxes.items() if "initial" not in box.marks or id in used}
        columns = sorted({(box.place or (0, 0))[0] for box in self.boxes.values()})
        at = {old: new for new, old in enumerate(columns)}
        for id, box in self.boxes.items():
            column, row = box.place or (0, 0)
            self.boxes[id] = dataclasses.replace(box, place=(at[column], row))
        names = self.column_names()
        self.names = tuple(names[old] for old in columns if old < len(names))

    # --- the figure -----------------------------------------------------------------------------------------------------------

    def row_names(self) -> tuple[tuple[Text, ...], ...]:
        """As of any sheet; the row of attention says what it gives."""
        names = list(super().row_names())
        row = self.rows.row_of(self.recurrence.sample(self.attention.context))
        if row is not None:
            value = self.graph.value_by_id[self.attention.context]
            shape = () if self.attention.is_state else (*self.words.general(value), *self.words.shape(value))
            names[row] = tuple(line for line in (plain("attention" if self.attention.is_state else "context"), shape) if line)
        return tuple(names)

    def figure(self) -> Figure:
        """The finished figure."""
        group = dataclasses.replace(self.group(), column_names=self.names)
        return Figure(
            self.original.name,
            alt_of(self) if self.every else f"{alt_of(self)} {LEFT_OUT}",
            group,
            tuple(self.wires),
            caption=self._caption() if self.options.caption else (),
            direction="right",
            equations=equations_of(self.original) if self.options.equations else (),
        )

    def _caption(self) -> tuple[Text, ...]:
        words = self.words
        lines = list(caption_of(self))
        step = (Run(f"{self.time.split('@')[0]} = ", "math"), *words.index(self.time, self.focus))
        left_out = "." if self.every else "; the wires of earlier steps are left out."
        strong: Text = (*plain("Thick: what step "), *step, *plain(f" attends to{left_out}"))
        facts = (lines[0], strong, settings_said(words), chips_said(words, self.chips()), sizes_said(words))
        return (sentences(facts), *lines[1:])


def _is_before(d: Dependency, axis: str, step: int) -> bool:
    """Whether a dependency reaches back before a step."""
    index = d.source.index(axis)
    return index is not None and index < step


def suits(graph: Graph) -> float:
    """0.95 where a step attends to past states."""
    if not any(op.kind == "softmax" for op in graph.ops) or not is_recurrence(graph):
        return 0.0
    return 0.95 if find_attention(rolled(graph, {})) is not None else 0.0
