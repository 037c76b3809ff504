"""The unrolled recurrence: time in columns, the same weight on the wire at every step."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from netfig.errors import UsageError
from netfig.figure import Figure
from netfig.mathtext import Run, Text, math, plain, text_of
from netfig.renderers.attention_words import sentences
from netfig.renderers.options import UnrolledOptions
from netfig.renderers.recurrence import FAR, Recurrence
from netfig.renderers.recurrence_sheet import Sheet
from netfig.renderers.recurrence_steps import Wanted

if TYPE_CHECKING:
    from netfig.graph import Graph
    from netfig.renderers.reading import Reading


def draw_unrolled(graph: Graph, options: UnrolledOptions) -> Figure:
    """The figure of a recurrence over its first steps.

    Raises:
        UsageError: nothing recurs in the graph, or what is to be highlighted is not in it.
    """
    recurrence, readings = with_readings(rolled(graph, sizes_of(options.sizes)))
    more = _named_step(options.highlight, recurrence)
    wanted = Wanted(options.steps, options.all_steps, options.last, more)
    plain_view = not (options.all_steps or options.highlight or options.weights == "fan")
    reading = _reading(recurrence, wanted) if readings and plain_view else None
    sheet = reading or Sheet(recurrence, wanted, readings=readings)
    caption = caption_of(sheet) if options.caption else ()
    if options.highlight:
        box = sheet.find(options.highlight)
        sheet.highlight(box)
        caption = (
            (*caption, (*plain("Thick: all that "), *sheet.name_of(options.highlight), *plain(" depends on."))) if caption else ()
        )
    alt = alt_of(sheet)
    if reading is not None:
        caption = (sentences((*caption, reading.facts())),) if caption else ()
        alt = f"{alt} {text_of(reading.facts())}"
    group, wires = sheet.group(), tuple(sheet.wires)
    if options.weights == "fan":
        from netfig.renderers.recurrence_fan import fan_out

        group, wires = fan_out(group, wires)
    return Figure(
        graph.name,
        alt,
        group,
        wires,
        caption=caption,
        direction="right",
        equations=equations_of(graph) if options.equations else (),
    )


def rolled(graph: Graph, sizes: dict[str, int]) -> Recurrence:
    """The recurrence of a graph, folded first when it is unrolled.

    Raises:
        UsageError: nothing recurs in it.
    """
    if any(s.kind == "step" for s in graph.scopes):
        from netfig.graph.plates import fold

        for axis in dict.fromkeys(s.axis for s in graph.scopes if s.kind == "step" and s.axis is not None):
            graph = fold(graph, axis)
    found = Recurrence(graph, sizes)
    if not found.times or not found.states:
        raise UsageError(
            f"{graph.name!r} is no recurrence",
            why="no value of it is made from itself at another step",
            hint="draw it with -r modules",
        )
    return found


def with_readings(recurrence: Recurrence) -> tuple[Recurrence, tuple[str, ...]]:
    """The recurrence with what its steps attend to of another sequence as a value that is shown; and which that is."""
    from netfig.renderers.recurrence_attention import find_reading

    context = find_reading(recurrence) if len(recurrence.times) > 1 else None
    if context is None:
        return recurrence, ()
    return Recurrence(recurrence.graph, recurrence.sizes, {context: "value"}), (context,)


def _reading(recurrence: Recurrence, wanted: Wanted) -> Reading | None:
    """The figure of a sequence whose steps read another one, where that is all there is."""
    from netfig.renderers.reading import Reading, stands_alone
    from netfig.renderers.recurrence_attention import find_attention_to_other

    attention = find_attention_to_other(Recurrence(recurrence.graph, recurrence.sizes))
    if attention is None or not stands_alone(recurrence, attention.context):
        return None
    return Reading(recurrence, wanted, attention)


def is_recurrence(graph: Graph) -> bool:
    """Whether a value hangs on another step."""
    if not graph.axes:
        return False
    if any(s.kind == "step" for s in graph.scopes):
        return True
    found = Recurrence(graph)
    return bool(found.times and found.states)


def sizes_of(words: tuple[str, ...]) -> dict[str, int]:
    """``T=5`` as a number by name.

    Raises:
        UsageError: a word is something else.
    """
    found: dict[str, int] = {}
    for word in words:
        name, equals, number = word.partition("=")
        if not (equals and name.strip().isidentifier() and number.strip().isdecimal() and len(number) < 10):
            raise UsageError(f"the size {word!r} is not of the form NAME=NUMBER", hint="for example T=5,K=2")
        found[name.strip()] = int(number)
    return found


def equations_of(graph: Graph) -> tuple[Text, ...]:
    """The equations to print under a figure."""
    from netfig.equations import equation_lines

    return equation_lines(graph)


def _named_step(word: str, recurrence: Recurrence) -> dict[str, tuple[int, ...]]:
    """The step that a word such as ``h[3]`` names, by axis, so that it is drawn."""
    found = re.match(r"\A\s*([^\[\]]+)\[([^\[\]]*)\]\s*\Z", word)
    value = recurrence.graph.value_by_id.get(found[1].strip()) if found else None
    if not found or value is None:
        return {}
    steps: dict[str, tuple[int, ...]] = {}
    for axis, written in zip(value.axes, found[2].split(","), strict=False):
        name = recurrence.axes[axis].extent.name
        if axis in recurrence.times:
            if written.strip().isdecimal() and len(written) < 7:
                steps[axis] = (int(written),)
            elif name is not None and written.strip() == name:
                steps[axis] = (recurrence.last(axis) or FAR,)
    return steps


def caption_of(sheet: Sheet) -> tuple[Text, ...]:
    """What is shared, how many parameters that is, and what the chips stand for."""
    words = sheet.words
    first: Text = (*words.title(), *plain(" "), *words.shared())
    lines = [first, *words.folded_chips(sheet.chips())]
    past = _past_weights(sheet)
    drawn: list[Text] = []
    for axis, n in sheet.recurrence.sampled.items():
        name = sheet.recurrence.axes[axis].extent
        drawn.append((*plain("Drawn for "), *math(str(name)), Run(f" = {n}", "math"), *plain(".")))
    return (*lines, *((past,) if past else ()), *drawn)


def _past_weights(sheet: Sheet) -> Text:
    """Which states reach the next one also past the weights on the wire."""
    r = sheet.recurrence
    found: dict[str, Text] = {}
    for axis, units in sheet.rows.units.items():
        for unit in units:
            instances = tuple(r.sample(v) for v in unit.values)
            for d in sheet.merged(instances):
                here = instances[0].index(axis)
                index = d.source.index(axis)
                other = axis if index is not None else r.time_of(d.source.value)
                if d.weights and () in d.paths and here is not None and other is not None:
                    shift = index - here if index is not None else 0
                    found[f"{d.source.value}[{other}{shift:+d}]"] = words_of(sheet, d.source.value, shift, other)
    if not found:
        return ()
    listed: Text = ()
    for n, text in enumerate(found.values()):
        listed = (*listed, *(plain(", ") if n else ()), *text)
    one = len(found) == 1
    said = "acts also directly, past the weights on its wire." if one else "act also directly, past the weights on their wires."
    return (*listed, *plain(f" {said}"))


def words_of(sheet: Sheet, value: str, shift: int, axis: str) -> Text:
    """``h_{t−1}``."""
    return sheet.words.general(sheet.graph.value_by_id[value], shift, axis)


def alt_of(sheet: Sheet) -> str:
    """The figure in one sentence: what is made from what."""
    steps = [c for c in sheet.steps.columns if c.kind == "step"]
    boxes = sheet.boxes

    def name(id: str) -> str:
        return text_of(boxes[id].title[0]) if boxes[id].title else "steps left out"

    made: dict[str, list[str]] = {}
    for wire in sheet.wires:
        weights = ", ".join(text_of(c.title) for c in wire.chips)
        made.setdefault(wire.target.box, []).append(name(wire.source.box) + (f" ({weights})" if weights else ""))
    parts = [f"{name(target)} from {', '.join(sources)}" for target, sources in made.items() if boxes[target].title]
    return f"{sheet.words.name} unrolled over {len(steps)} steps: {'; '.join(parts)}."
