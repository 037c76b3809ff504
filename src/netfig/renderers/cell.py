"""The inside of one step of a recurrence: state from left to right along the top, inputs from below, gates between them."""

from __future__ import annotations

import heapq
from dataclasses import replace
from itertools import pairwise

from netfig.errors import UsageError, did_you_mean
from netfig.figure import Box, End, Figure, Group, Wire
from netfig.graph import Affine, Graph
from netfig.mathtext import Run, Text, plain, text_of
from netfig.renderers.cell_steps import Feed, Folded, Step, fold_steps, plate_of, terminals
from netfig.renderers.cell_words import Words, joined
from netfig.renderers.options import CellOptions
from netfig.renderers.recurrence import Recurrence
from netfig.renderers.recurrence_words import Words as RecurrenceWords

DIRECT = {"add": 1, "sub": 1, "mul": 1, "factor": 2, "shift": 1, "chip": 6, "minus": 8, "div": 3, "sum": 3}
"""How far each kind of step is from a wire that just goes on: the highway is the shortest way from past to present."""
INDIRECT = 9


def draw_cell(graph: Graph, options: CellOptions) -> Figure:
    """A Figure of what one step computes.

    Raises:
        UsageError: `options.plate` names nothing that repeats, or nothing is computed.
    """
    plates = [s for s in graph.scopes if s.kind == "plate"]
    if not plates:
        raise UsageError(
            f"nothing in {graph.name!r} repeats, so there is no step to open",
            hint="draw it with --renderer modules; a recurrence that was unrolled is rolled up with --pass fold",
        )
    if options.plate and not any(options.plate in (s.id, s.axis, s.id.removeprefix("over ")) for s in plates):
        raise UsageError(
            f"{graph.name!r} repeats nothing called {options.plate!r}", hint=did_you_mean(options.plate, [s.id for s in plates])
        )
    words = {"auto": None, "chips": False, "words": True}[options.weights]
    folded = fold_steps(graph, plate_of(graph, options.plate), words=words, biases=options.biases)
    if not folded.steps:
        raise UsageError(f"{graph.name!r} computes nothing in a step", hint="draw it with --renderer dataflow")
    return _CellMaker(folded, options).figure()


class _CellMaker:
    def __init__(self, folded: Folded, options: CellOptions) -> None:
        self.folded, self.graph, self.options = folded, folded.graph, options
        self.words = Words(folded)
        self.maker = folded.maker()
        self.ids: dict[object, str] = {}
        self.terminals = terminals(folded)

    def figure(self) -> Figure:
        """See `draw_cell`."""
        highway = self._highway()
        inner = tuple(self._box(step) for step in self.folded.steps)
        coming = tuple(self._terminal(key, feed) for key, feed in self.terminals.items())
        going = tuple(self._leaving(v) for v in (*self.folded.states, *self.folded.outputs) if v in self.maker)
        note = self.graph.notes_on("").get("title")
        title = str(note.value) if note is not None and note.value else self._layer() or self.graph.name.replace("_", " ")
        panel = Group("cell", inner, "panel", plain(title), stands_for=(self.folded.plate.id, *self.folded.untold))
        wires = self._wires(highway)
        return Figure(
            title=title,
            alt=self._alt(coming, inner, going),
            root=Group("figure", (*coming, panel, *going), arrangement="cell"),
            wires=tuple(wires),
            caption=self._caption() if self.options.caption else (),
            equations=self._equations() if self.options.equations else (),
            direction="right",
        )

    def _layer(self) -> str:
        """The layer that the step was expanded from."""
        around = self.graph.scope_by_id.get(self.folded.plate.parent or "")
        return around.type_name if around is not None and "expanded" in self.graph.notes_on(around.id) else ""

    # --- boxes ----------------------------------------------------------------------------------------------------------------

    def _box(self, step: Step) -> Box:
        role, title = self.words.look(step)
        marks = ("stacked",) if step.repeated else ()
        stands_for = (*step.ops, *dict.fromkeys((*step.weights, *step.biases)))
        self.ids[step.makes] = f"{step.id}"
        return Box(step.id, role, title, marks=marks, stands_for=stands_for)  # type: ignore[arg-type]

    def _terminal(self, key: tuple[str, tuple[tuple[str, Affine], ...]], feed: Feed) -> Box:
        value = self.graph.value_by_id[feed.value]
        recurs = feed.index and feed.value in {v for op in self.graph.ops for v in op.outputs} and self._is_past(feed)
        id = feed.value + ("[" + ", ".join(f"{a}={p}" for a, p in feed.index) + "]" if feed.index else "[in]")
        self.ids[key] = id
        families = {a for s in self.folded.steps for a in s.repeated}
        own = {a for a in value.axes if a not in dict(feed.index)} | {n for _, p in feed.index for n, _ in p.terms}
        marks = ("stacked",) if own & families else ()
        return Box(id, "state" if recurs else "input", (self.words.feed(feed),), marks=marks, stands_for=(value.id,))  # type: ignore[arg-type]

    def _is_past(self, feed: Feed) -> bool:
        """Whether it comes from another step of what is drawn (along another axis it comes from below)."""
        return feed.value in self.folded.states and any(axis == self.folded.axis for axis, _ in feed.index)

    def _leaving(self, value: str) -> Box:
        role = "state" if value in self.folded.states else "output"
        id = f"{value}[out]"
        return Box(id, role, (self.words.value(value),), stands_for=(value,))

    # --- wires ----------------------------------------------------------------------------------------------------------------

    def _source(self, feed: Feed) -> str:
        if feed.key in self.terminals:
            return self.ids[feed.key]
        return self.ids[feed.value]

    def _wires(self, highway: set[tuple[str, str]]) -> list[Wire]:
        made: list[Wire] = []
        shown = {*self.folded.states, *self.folded.outputs}
        for step in self.folded.steps:
            for feed in step.feeds:
                source = self._source(feed)
                made.append(self._wire(source, step.id, feed, highway, ()))
        for value in (*self.folded.states, *self.folded.outputs):
            if value in self.maker:
                source, target = self.ids[value], f"{value}[out]"
                role = "state.value" if (source, target) in highway else "data.value"
                made.append(Wire(End(source), End(target), role, (), stands_for=(value,)))
        return [self._named(wire, shown) for wire in made]

    def _wire(self, source: str, target: str, feed: Feed, highway: set[tuple[str, str]], label: Text) -> Wire:
        role = "state.value" if (source, target) in highway else "data.value"
        if feed.sign:
            label = (Run(feed.sign, "math"),)
            role += ".sign"
        inside = self.maker.get(feed.value) if feed.key not in self.terminals else None
        carried = tuple(f.value for f in inside.feeds) if inside is not None and inside.kind == "merge" else (feed.value,)
        return Wire(End(source), End(target), role, label, stands_for=carried)

    def _named(self, wire: Wire, shown: set[str]) -> Wire:
        """The wire with the name of what it carries, unless a box at its end says it."""
        step = next((s for s in self.folded.steps if s.id == wire.source.box), None)
        if step is None or step.makes in shown or not self.options.names:
            return wire
        if step.kind == "chip" and self._feeds_a_sum(step):
            return wire
        name = self.words.name(step)
        if wire.label and name:
            name = (*wire.label, Run(" ", "math"), *name)
        return replace(wire, label=name or wire.label)

    def _feeds_a_sum(self, step: Step) -> bool:
        """Whether a product only goes into a sum right beside it: it needs no name of its own."""
        readers = [s for s in self.folded.steps if any(f.value == step.makes and not f.index for f in s.feeds)]
        return all(r.kind in ("add", "sub", "merge") or r.kind.startswith("gate.") for r in readers)

    def _highway(self) -> set[tuple[str, str]]:
        """The wires from a past state to the present one by the most direct way there is."""
        for step in self.folded.steps:
            self.ids[step.makes] = step.id
        for key, feed in self.terminals.items():
            self._terminal(key, feed)
        best: tuple[int, float, int, list[str]] | None = None
        for order, state in enumerate(self.folded.states):
            pasts = [f for f in self.terminals.values() if f.value == state and self._is_past(f)]
            for feed in pasts:
                found = self._shortest(feed, state)
                distance = sum(abs(place.constant) for axis, place in feed.index if axis == self.folded.axis)
                if found is not None and (best is None or (distance, found[0], order) < best[:3]):
                    best = distance, found[0], order, found[1]
        if best is None:
            return set()
        way = best[3]
        return set(pairwise(way))

    def _shortest(self, feed: Feed, state: str) -> tuple[float, list[str]] | None:
        goal = self.maker.get(state)
        if goal is None:
            return None
        readers: dict[object, list[Step]] = {}
        for step in self.folded.steps:
            for one in step.feeds:
                readers.setdefault(one.key if one.key in self.terminals else one.value, []).append(step)
        heap: list[tuple[float, int, list[str], object]] = [(0.0, 0, [self.ids[feed.key]], feed.key)]
        seen: set[object] = set()
        count = 0
        while heap:
            cost, _, way, at = heapq.heappop(heap)
            if at == goal.makes:
                return cost, [*way, f"{state}[out]"]
            if at in seen:
                continue
            seen.add(at)
            for step in readers.get(at, ()):
                count += 1
                price = DIRECT.get(step.kind, INDIRECT)
                heapq.heappush(heap, (cost + price, count, [*way, step.id], step.makes))
        return None

    # --- words ----------------------------------------------------------------------------------------------------------------

    def _equations(self) -> tuple[Text, ...]:
        from netfig.equations import equation_lines

        return tuple(equation_lines(self.graph))

    def _caption(self) -> tuple[Text, ...]:
        facts = RecurrenceWords(Recurrence(self.graph))
        alike: dict[Text, list[Text]] = {}
        coming = (f.value for f in self.terminals.values())
        for value in dict.fromkeys((*coming, *(s.makes for s in self.folded.steps if self.words.is_named(s.makes)))):
            shape = facts.shape(self.graph.value_by_id[value])
            if shape:
                alike.setdefault(shape, []).append(self.words.value(value))
        shapes = joined([(*joined(names, Run(", ", "math")), *shape) for shape, names in alike.items()], Run("; "))
        return tuple(line for line in (shapes, facts.shared()) if line)

    def _alt(self, coming: tuple[Box, ...], inner: tuple[Box, ...], going: tuple[Box, ...]) -> str:
        def listed(boxes: tuple[Box, ...]) -> str:
            return ", ".join(text_of(line) for b in boxes for line in b.title)

        ends = f"from {listed(coming) or 'nothing'} to {listed(going) or 'nothing'}"
        return f"One step of {self.graph.name}: {ends}, by {listed(inner)}."
