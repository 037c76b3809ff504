"""A chain of layers as the row of tensors it makes: flat boxes, volumes or stacked sheets, with the operations between them."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Literal

from netfig.errors import UsageError
from netfig.figure import Box, End, Figure, Group, Row, Solid, Wire
from netfig.graph import Op, Scope
from netfig.graph.formula_graph import is_symbolic
from netfig.mathtext import Fence, Text, plain, strong, text_of
from netfig.records import dataclass
from netfig.renderers.chain import find_path
from netfig.renderers.chainwords import ChainWords, chain_words
from netfig.renderers.labels import batch_of, number
from netfig.renderers.options import PipelineOptions
from netfig.renderers.pipeline_named import SHORT, count_lines, count_text, equations, growth_text, layer_words, lines, shape_text

if TYPE_CHECKING:
    from netfig.graph import Dim, Graph
    from netfig.renderers.chain import Path, Step

LINE = 17  # characters of an operation on one line
FORMULA_LINE = 20


@dataclass
class _Tensor:
    """A tensor to be drawn: the steps that lead to it, its shape and how the first of them is called."""

    value: str
    steps: list[Step]
    words: list[ChainWords]
    dims: tuple[Dim, ...]

    def add(self, step: Step, words: ChainWords) -> None:
        """One more step that leads to it."""
        self.steps.append(step)
        self.words.append(words)

    @property
    def main(self) -> ChainWords | None:
        """The step that gives it its role and name."""
        return next((w for w in self.words if w.makes_tensor), self.words[0] if self.words else None)

    @property
    def main_step(self) -> Step | None:
        return next((s for s, w in zip(self.steps, self.words, strict=True) if w is self.main), None)


def draw_pipeline(graph: Graph, options: PipelineOptions) -> Figure:
    """The Figure of a graph that is one chain of layers.

    Raises:
        UsageError: the graph has branches; each is named.
    """
    return _Pipeline(graph, options, find_path(graph)).figure()


def suits(graph: Graph) -> float:
    """1 for a chain of convolutions and poolings, less for other chains, 0 for what is no chain."""
    try:
        path = find_path(graph)
    except UsageError:
        return 0.0
    kinds = {chain_words(graph, step).kind for step in path.steps}
    return 1.0 if "conv" in kinds else 0.6 if kinds & {"pool", "linear"} else 0.2


class _Pipeline:
    def __init__(self, graph: Graph, options: PipelineOptions, path: Path) -> None:
        self.graph, self.options, self.path = graph, options, path
        self.batch = batch_of(graph)
        self.named = is_symbolic(graph)
        self.maps: set[str] = set()  # values a one-dimensional window works on: channels × length
        self.tensors = self._tensors()
        self.names = self._names()
        self.totals: Counter[str] = Counter()
        self.dense_shown = False

    # --- tensors ------------------------------------------------------------------------------------------------------------

    def _dims(self, value: str) -> tuple[Dim, ...]:
        dims = self.graph.value_by_id[value].type.shape or ()
        if self.batch is not None and len(dims) > 1 and dims[0].size == self.batch:
            return dims[1:]
        return dims

    def _tensors(self) -> list[_Tensor]:
        found = [_Tensor(self.path.start, [], [], self._dims(self.path.start))]
        waiting: list[tuple[Step, ChainWords]] = []  # activations and norms before the first layer
        for step in self.path.steps:
            words = chain_words(self.graph, step)
            if words.kind in ("conv", "pool") and words.spatial == 1:
                self.maps.update((step.reads, step.makes))
            last, dims = found[-1], self._dims(step.makes)
            alike = _sizes(dims) == _sizes(last.dims)
            joins = words.kind == "reshape" and bool(last.steps) and (alike or _is_point(last.dims) or self._is_reshape(last))
            if (words.makes_tensor or not alike) and not joins:
                found.append(_Tensor(step.makes, [], [], dims))
                for earlier in (*waiting, (step, words)):
                    found[-1].add(*earlier)
                waiting = []
            elif last.steps:
                last.add(step, words)
                last.value, last.dims = step.makes, dims
            else:
                waiting.append((step, words))
        if waiting:
            found.append(_Tensor(waiting[-1][0].makes, [], [], self._dims(waiting[-1][0].makes)))
            for earlier in waiting:
                found[-1].add(*earlier)
        return found

    def _is_reshape(self, tensor: _Tensor) -> bool:
        return all(w.kind == "reshape" for w in tensor.words)

    def _names(self) -> list[str]:
        """Module names where all are words and different; otherwise ``conv1``, ``pool1`` … by kind."""
        port = next((p.name for p in self.graph.inputs if p.value == self.path.start), "input")
        made = self.tensors[1:]
        own = [_own_name(t.main_step) for t in made]
        named = [n for n in own if n]
        usable = len(set(named)) == len(named) and not any(n.isdigit() for n in named)
        stems = [t.main.stem if t.main else "tensor" for t in made]
        count, seen = Counter(stems), Counter[str]()
        taken = set(named) if usable else set()
        names = []
        for name, stem in zip(own, stems, strict=True):
            seen[stem] += 1
            if not (usable and name):
                alone = count[stem] == 1 and stem not in ("conv", "pool", "fc")
                name = stem if alone and stem not in taken else f"{stem}{seen[stem]}"
                while name in taken:
                    seen[stem] += 1
                    name = f"{stem}{seen[stem]}"
                taken.add(name)
            names.append(name)
        return ["input" if port in ("x", "input", "inputs") else port, *names]

    # --- the figure ---------------------------------------------------------------------------------------------------------

    def figure(self) -> Figure:
        boxes = [self._box(i, tensor) for i, tensor in enumerate(self.tensors)]
        taken = {box.id for box in boxes}
        root = self.graph.root.id if self.graph.root.id not in taken else f"{self.graph.root.id}@pipeline"
        wires = tuple(
            Wire(End(a.id), End(b.id), stands_for=(tensor.value,))
            for a, b, tensor in zip(boxes, boxes[1:], self.tensors, strict=False)
        )
        caption = self._caption() if self.options.caption else ()
        return Figure(
            self.graph.name,
            self._alt(boxes),
            Group(root, tuple(boxes), arrangement="pipeline", stands_for=(self.graph.root.id, *self.path.aside)),
            wires,
            caption=caption,
            direction="right",
            equations=equations(self.graph, self._total()) if self.named else (),
        )

    def _box(self, n: int, tensor: _Tensor) -> Box:
        step, main = tensor.main_step, tensor.main
        role = "input" if n == 0 else main.role if main else "op.box"
        if n == len(self.tensors) - 1 and n > 0:
            role = "output"
        rows = [Row("shape", self._shape(tensor))]
        if self.options.receptive_field and step is not None:
            field_note = self.graph.notes_on(step.id).get("receptive_field")
            if field_note is not None:
                rows.append(Row("detail", plain(f"sees {field_note.value}")))
        rows += self._counts(tensor)
        stands_for = [tensor.value] if n == 0 else [s.id for s in tensor.steps]
        stands_for += [op.id for s in tensor.steps for op in s.ops if op.id != s.id]
        return Box(
            (step.id if step is not None else tensor.value) if n else self._input_id(),
            role,
            (plain(self.names[n]),),
            tuple(rows),
            solid=self._solid(n, tensor),
            above=self._above(tensor),
            tooltip=self._tooltip(tensor),
            stands_for=tuple(dict.fromkeys(stands_for)),
        )

    def _input_id(self) -> str:
        used = {t.main_step.id for t in self.tensors[1:] if t.main_step}
        return self.path.start if self.path.start not in used else f"{self.path.start}@input"

    def _above(self, tensor: _Tensor) -> tuple[Text, ...]:
        """The words on the arrow that leads to it."""
        if not self.named:
            return tuple(plain(line) for line in _lines([w for words in tensor.words for w in words.words], LINE))
        told = [layer_words(step, words.words) for step, words in zip(tensor.steps, tensor.words, strict=True)]
        return lines([word for words in told for word in words], LINE)

    def _shape(self, tensor: _Tensor) -> Text:
        if any(d.size is None for d in tensor.dims):
            return shape_text(tensor.dims, maps=len(tensor.dims) >= 3 or tensor.value in self.maps)
        words = [str(d) for d in tensor.dims]
        if len(words) >= 3 or (len(words) == 2 and tensor.value in self.maps):
            return plain(f"{words[0]}@{'×'.join(words[1:])}")
        return plain("×".join(words) or "scalar")

    def _solid(self, n: int, tensor: _Tensor) -> Solid:
        sizes = [d.size if d.size is not None else 16 for d in tensor.dims]
        unknown = any(d.size is None for t in self.tensors for d in t.dims)  # numbers on a body must be true
        form: Literal["flat", "volume", "sheets", "bar"] = "flat"
        if self.options.style != "flat" and not unknown:
            form = "volume" if self.options.style == "volumes" else "sheets"
        if len(sizes) < 2:
            return Solid("flat" if form == "flat" else "bar", sizes[0] if sizes else 1)
        if len(sizes) == 2:
            length, channels = (sizes[1], sizes[0]) if tensor.value in self.maps else (sizes[0], sizes[1])
            return Solid(form, channels, length, None, self._window(n, (length, 1)))
        return Solid(form, sizes[0], sizes[-2], sizes[-1], self._window(n, (sizes[-2], sizes[-1])))

    def _window(self, n: int, sides: tuple[int, int]) -> tuple[int, int] | None:
        """What the next tensor's layer looks at, in elements of this map."""
        following = self.tensors[n + 1].main if n + 1 < len(self.tensors) else None
        if following is None or not self.options.window or len(self.tensors[n + 1].dims) < 2:
            return None
        if following.looks_at_all:
            return sides
        if not following.window:
            return None
        window = following.window
        return (min(window[-2], sides[0]), min(window[-1], sides[1])) if len(window) > 1 else (min(window[0], sides[0]), 1)

    # --- counts -------------------------------------------------------------------------------------------------------------

    def _counts(self, tensor: _Tensor) -> list[Row]:
        lines: list[str] = []
        named: list[Row] = []
        total = 0
        for step, words in zip(tensor.steps, tensor.words, strict=True):
            notes = self.graph.notes_on(step.id)
            if "params" in notes and isinstance(notes["params"].value, str) and self.options.params != "none":
                grows = notes["params.growth"].value if self.options.growth and "params.growth" in notes else None
                named += [Row("params", line) for line in count_lines(notes["params"].value, grows)]
            shared = notes.get("params.shared_with")
            count = notes["params"].value if "params" in notes else _own_count(self.graph, step)
            if not isinstance(count, int) or not count:
                continue
            if shared is not None:
                lines.append(f"shared with {shared.value}")
                continue
            self.totals[words.kind] += count
            total += count
            formula = notes.get("params.formula")
            if self.options.params == "worked" and formula is not None and " = " in str(formula.value):
                terms, result = str(formula.value).split(" = ", 1)
                if words is tensor.main:
                    lines += [*_lines(re.split(r" (?=\+)", terms), FORMULA_LINE, " "), f"= {result} params"]
                else:
                    lines.append(f"{words.kind}: {formula.value}")
            elif self.options.params == "worked":
                lines.append(f"{number(count)} params")
        if self.options.params == "count" and total:
            lines.append(f"{number(total)} params")
        rows = [*named, *(Row("params", plain(line)) for line in lines)] if self.options.params != "none" else []
        if self.options.dense_equivalent and tensor.main_step is not None:
            dense = self.graph.notes_on(tensor.main_step.id).get("dense_equivalent")
            if dense is not None and isinstance(dense.value, int):
                self.dense_shown = True
                rows.append(Row("count", plain(f"dense: {number(dense.value)}")))
        return rows

    # --- words --------------------------------------------------------------------------------------------------------------

    def _tooltip(self, tensor: _Tensor) -> str:
        steps = [s.item.type_name or s.id if isinstance(s.item, Scope) else s.item.kind for s in tensor.steps]
        name = tensor.main_step.id if tensor.main_step else tensor.value
        shape = text_of(self._shape(tensor))
        return f"{name}: {', '.join(steps)} → {shape}" if steps else f"{name}: {shape}"

    @property
    def _name(self) -> str:
        """The graph's name as words: many are called after a file."""
        return self.graph.name.replace("_", " ").strip() or self.graph.name

    def _total(self) -> object:
        total = self.graph.notes_on("").get("params")
        return total.value if total is not None else self.graph.parameter_count

    def _caption(self) -> tuple[Text, ...]:
        count = self._total()
        lines: list[Text] = []
        if isinstance(count, int):
            parts = [
                f"{name} {number(self.totals[kind])} ({_percent(self.totals[kind], count)})"
                for kind, name in (("conv", "convolutions"), ("linear", "dense layers"), ("norm", "normalizations"))
                if self.totals[kind]
            ]
            text = f" {number(count)} parameters" + (f": {', '.join(parts)}." if len(parts) > 1 else ".")
            lines.append((*strong(f"{self._name}."), *plain(text)))
        elif isinstance(count, str):
            counted = count_text(count)
            said = (*counted, *plain(" parameters.")) if len(text_of(counted)) <= SHORT else ()
            grows = self.graph.notes_on("").get("params.growth") if self.options.growth else None
            more = (*plain(" They grow as "), Fence("", growth_text(grows.value), ""), *plain(".")) if grows is not None else ()
            lines.append((*strong(f"{self._name}."), *(plain(" ") if said else ()), *said, *more))
        else:
            lines.append(strong(f"{self._name}."))
        if self.dense_shown:
            lines.append(plain("dense: parameters of the linear layer from the flattened input to the flattened output."))
        aside = len(self.path.aside)
        if aside:
            what = "1 operation that does" if aside == 1 else f"{aside} operations that do"
            lines.append(plain(f"Left out: {what} not depend on the input."))
        failed = self.graph.notes_on("").get("failed")
        if failed is not None:
            lines.append(plain(f"Drawn up to a failure: {failed.value}"))
        if any(note.key == "data_dependent" for note in self.graph.notes):
            lines.append(plain("The path depends on the data; this is the one that was taken."))
        return tuple(lines)

    def _alt(self, boxes: list[Box]) -> str:
        sentences = [f"A pipeline of {len(boxes)} tensors, left to right."]
        for box, name in zip(boxes, self.names, strict=True):
            shape = text_of(box.rows[0].text)
            done = ", ".join(text_of(t).rstrip(",") for t in box.above)
            counts = " ".join(text_of(r.text) for r in box.rows if r.kind in ("params", "count"))
            sentences.append(f"{name}: {shape}" + (f" by {done}" if done else "") + (f" ({counts})" if counts else "") + ".")
        count = self.graph.parameter_count
        if count is not None:
            sentences.append(f"{number(count)} parameters.")
        return " ".join(sentences)


def _percent(part: int, whole: int) -> str:
    share = 100 * part / whole
    return f"{share:.2f} %" if share >= 0.005 else "under 0.01 %"


def _own_name(step: Step | None) -> str:
    if step is None or isinstance(step.item, Op) or step.item.kind != "module":
        return ""
    return step.item.path.rpartition(".")[2]


def _own_count(graph: Graph, step: Step) -> int:
    """Elements of the parameters a step reads, for graphs nobody has annotated."""
    read = dict.fromkeys(v for op in step.ops for v in op.reads)
    return sum(graph.value_by_id[v].type.numel or 0 for v in read if graph.value_by_id[v].kind == "parameter")


def _sizes(dims: tuple[Dim, ...]) -> tuple[str, ...]:
    return tuple(str(d) for d in dims)


def _is_point(dims: tuple[Dim, ...]) -> bool:
    """One element a channel: what is left after global pooling."""
    return len(dims) > 1 and all(d.size == 1 for d in dims[1:])


def _lines(words: list[str], most: int, join: str = ", ") -> list[str]:
    """The words on lines of at most `most` characters, where they fit."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + len(join) + len(word) <= most:
            lines[-1] += join + word
        else:
            lines.append(word)
    return lines
