"""The renderer ``mlp``: a chain of linear layers as columns of neurons, with the numbers on them where the graph has them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.errors import UsageError
from netfig.figure import Box, End, Figure, Group, Row, Wire
from netfig.graph.exact import decode
from netfig.mathtext import Run, Script, Text, plain, strong, text_of
from netfig.records import dataclass
from netfig.renderers import matrices_lines as lines
from netfig.renderers.kinds import RESHAPES, kind_of
from netfig.renderers.matrices_numbers import Printer, is_exact

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netfig.graph import Graph, Op
    from netfig.graph.exact import Number
    from netfig.renderers.options import MlpOptions

MOST_NEURONS: Final = 6
"""Neurons of a layer that are drawn; of more the first three and the last."""
MOST_LAYERS: Final = 12


@dataclass(frozen=True)
class Layer:
    """One column: its neurons' values and what it is. `ops` are the operations that make it, the linear one first."""

    size: int
    value: str
    name: str = ""
    words: tuple[str, ...] = ()
    ops: tuple[str, ...] = ()
    weight: str = ""
    bias: str = ""


def suits(graph: Graph) -> float:
    """0 unless the graph is a chain of linear layers and activations, one vector in and one out."""
    if graph.axes or layers_of(graph) is None:
        return 0.0
    return 0.97 if any(v.data is not None for v in graph.values) else 0.5


def draw_mlp(graph: Graph, options: MlpOptions) -> Figure:
    """The figure.

    Raises:
        UsageError: the graph is no chain of linear layers, or the neuron asked for does not exist.
    """
    found = layers_of(graph)
    if found is None:
        raise UsageError(
            f"the graph {graph.name!r} is no chain of linear layers",
            why="the renderer mlp draws vectors, linear layers and activations, one after the other",
            hint="draw it with --renderer modules",
        )
    return _Neurons(graph, found, options).figure()


@dataclass(frozen=True)
class _Unit:
    """An op, or all ops of one call of ``linear``: what it reads of what flows, its parameters, and what it makes."""

    kind: str
    ops: tuple[Op, ...]
    reads: tuple[str, ...]
    parameters: tuple[str, ...]
    made: str


def _units(graph: Graph) -> list[_Unit]:
    calls: dict[str, list[Op]] = {}
    for op in graph.ops:
        scope = graph.scope_by_id[op.scope]
        is_call = scope.kind == "function" and scope.type_name == "linear"
        calls.setdefault(scope.id if is_call else op.id, []).append(op)
    found = []
    for ops in calls.values():
        made = {out for op in ops for out in op.outputs}
        reads = tuple(dict.fromkeys(id for op in ops for id in op.reads if id not in made))
        flowing = tuple(id for id in reads if graph.value_by_id[id].kind in ("input", "computed"))
        parameters = tuple(id for id in reads if graph.value_by_id[id].kind == "parameter")
        kind = "linear" if len(ops) > 1 else ops[0].kind
        found.append(_Unit(kind, tuple(ops), flowing, parameters, ops[-1].outputs[0] if ops[-1].outputs else ""))
    return found


def layers_of(graph: Graph) -> list[Layer] | None:
    """The columns of a chain of linear layers, the input first; ``None`` for anything else."""
    layers: list[Layer] = []
    here = ""
    for unit in _units(graph):
        if len(unit.reads) != 1 or not unit.made or (here and unit.reads[0] != here):
            return None
        kind = kind_of(graph, unit.ops[-1])
        ids = tuple(op.id for op in unit.ops)
        size = _width(graph, unit.made)
        if unit.kind == "linear":
            before = _width(graph, unit.reads[0])
            if size is None or before is None:
                return None
            layers += [] if layers else [Layer(before, unit.reads[0])]
            weight, bias = (next((p for p in unit.parameters if _rank(graph, p) == rank), "") for rank in (2, 1))
            layers.append(Layer(size, unit.made, _name(graph, unit.ops[0]), (), ids, weight, bias))
        elif kind.role == "activation" or kind.helper or unit.kind in RESHAPES or unit.kind == "flatten":
            if layers and size != layers[-1].size:
                return None
            if layers:
                last = layers[-1]
                words = (*last.words, kind.label) if kind.role == "activation" else last.words
                layers[-1] = Layer(last.size, unit.made, last.name, words, (*last.ops, *ids), last.weight, last.bias)
        else:
            return None
        here = unit.made
    return layers if 2 <= len(layers) <= MOST_LAYERS else None


def _rank(graph: Graph, id: str) -> int:
    return len(graph.value_by_id[id].type.shape or ())


def _width(graph: Graph, id: str) -> int | None:
    sizes = graph.value_by_id[id].type.sizes
    if not sizes or (any(n != 1 for n in sizes[:-1]) and len(sizes) > 2):
        return None
    return sizes[-1] or None


def _name(graph: Graph, op: Op) -> str:
    """What the layer is called: in a worked example its name, in a model the attribute that is not a mere number."""
    said = graph.notes_on(op.scope).get("name")
    if said is not None:
        return str(said.value)
    scope = graph.scope_by_id[op.scope]
    if scope.kind == "function" and scope.parent is not None:
        scope = graph.scope_by_id[scope.parent]
    last = scope.path.rpartition(".")[2]
    return "" if last.isdigit() else last


class _Neurons:
    def __init__(self, graph: Graph, layers: Sequence[Layer], options: MlpOptions) -> None:
        self.graph, self.layers, self.options = graph, layers, options
        exact = is_exact(graph) if options.numbers == "auto" else options.numbers == "exact"
        self.printer = Printer(options.digits, exact)
        self.numbers = [self._numbers(layer.value) for layer in layers]
        self.chosen = self._chosen()

    def figure(self) -> Figure:
        columns = [self._column(n, layer) for n, layer in enumerate(self.layers)]
        return Figure(
            title=self.graph.name,
            alt=self._alt(),
            root=Group("neurons", tuple(columns), arrangement="neurons", stands_for=(self.graph.root.id,)),
            wires=tuple(self._wires()),
            caption=self._caption() if self.options.caption else (),
            equations=self._worked(),
            direction="right",
        )

    def _numbers(self, id: str) -> list[Number] | None:
        data = self.graph.value_by_id[id].data
        if data is None:
            return None
        try:
            return [n for n in map(decode, data) if n is not None]
        except ValueError:
            return None

    def _chosen(self) -> tuple[int, int] | None:
        """Layer and neuron that are worked out, both from 0 (layer 0 is the input)."""
        if not self.options.neuron:
            return None
        words = [w.strip() for w in self.options.neuron.split(",")]
        if len(words) == 2 and all(w.isdigit() for w in words):
            layer, index = int(words[0]), int(words[1]) - 1
            if 1 <= layer < len(self.layers) and 0 <= index < self.layers[layer].size:
                return layer, index
        sizes = ", ".join(f"{n}: {layer.size}" for n, layer in enumerate(self.layers) if n)
        raise UsageError(
            f"there is no neuron {self.options.neuron!r}",
            hint=f"say layer,neuron, both from 1, such as 1,2; the layers have this many: {sizes}",
        )

    # ---- columns ---------------------------------------------------------------------------------------------------------------

    def _shown(self, n: int) -> list[int | None]:
        """The neurons of a layer that are drawn; ``None`` for the dots."""
        size = self.layers[n].size
        if size <= MOST_NEURONS:
            return list(range(size))
        kept = [0, 1, 2, size - 1]
        if self.chosen is not None and self.chosen[0] == n and self.chosen[1] not in kept:
            return (
                [0, None, self.chosen[1], None, size - 1] if 1 < self.chosen[1] < size - 2 else [0, 1, None, size - 2, size - 1]
            )
        return [0, 1, 2, None, size - 1]

    def _role(self, n: int) -> str:
        return "neuron.input" if n == 0 else "neuron.output" if n == len(self.layers) - 1 else "neuron"

    def _symbol(self, n: int, index: int) -> Text:
        letter = "x" if n == 0 else "y" if n == len(self.layers) - 1 else "h"
        many = len(self.layers) > 3 and letter == "h"
        up: Text = (Run(f"({n})", "math"),) if many else ()
        return (Script((Run(letter, "math"),), (Run(str(index + 1), "math"),), up),)

    def _column(self, n: int, layer: Layer) -> Group:
        boxes = []
        numbers = self.numbers[n]
        texts = self.printer.rows([list(numbers)], given=n == 0)[0] if numbers else None
        for place, index in enumerate(self._shown(n)):
            if index is None:
                boxes.append(Box(f"layer{n}/dots{place}", "ellipsis", ()))
                continue
            rows = (Row("detail", texts[index]),) if texts and index < len(texts) else ()
            is_chosen = self.chosen == (n, index)
            symbol = self._symbol(n, index)
            boxes.append(
                Box(
                    f"layer{n}/{index}", self._role(n), (symbol,), rows, emphasis="strong" if is_chosen else "",
                    tooltip=text_of(symbol), stands_for=(layer.value,),
                )
            )  # fmt: skip
        last = len(self.layers) - 1
        name = layer.name or ("input" if n == 0 else "output" if n == last else "hidden")
        words = plain(", " + ", ".join(layer.words)) if layer.words else ()
        return Group(
            f"layer{n}", tuple(boxes), title=(*strong(name), *words), detail=plain(f"{layer.size:,}"), stands_for=layer.ops
        )

    def _wires(self) -> list[Wire]:
        found = []
        for n in range(1, len(self.layers)):
            for a in self._shown(n - 1):
                for b in self._shown(n):
                    if a is not None and b is not None:
                        is_chosen = self.chosen == (n, b)
                        ends = End(f"layer{n - 1}/{a}"), End(f"layer{n}/{b}")
                        value = (self.layers[n - 1].value,)
                        found.append(Wire(*ends, "dense", emphasis="strong" if is_chosen else "", head=False, stands_for=value))
        return found

    # ---- words -----------------------------------------------------------------------------------------------------------------

    def _worked(self) -> tuple[Text, ...]:
        """The chosen neuron as a sum of products, and its activation."""
        if self.chosen is None:
            return ()
        n, index = self.chosen
        layer, before = self.layers[n], self.numbers[n - 1]
        weights, made = self._row(layer.weight, n, index), self.numbers[n]
        if before is None or weights is None or made is None or len(before) > lines.MOST_TERMS:
            return ()
        bias = self._numbers(layer.bias) if layer.bias else None
        said = lines.sum_text(list(zip(weights, before, strict=True)), self.printer)
        if bias is not None:
            added = self.printer.row([bias[index]], given=True)[0]
            said = (*said, Run(" + ", "math"), *(lines.factor(added) if text_of(added).startswith("−") else added))
        linear = self._numbers(self.graph.op_by_id[layer.ops[0]].outputs[0])
        result = self.printer.row([made[index]])[0]
        symbol = self._symbol(n, index)
        if not layer.words or linear is None:
            return (lines.equation(symbol, said, result),)
        z: Text = (Script((Run("z", "math"),), (Run(str(index + 1), "math"),)),)
        sum_made = self.printer.row([linear[index]])[0]
        word = layer.words[-1]
        inner = lines.vector(self.printer.row(linear)) if word == "softmax" else sum_made
        inside: Text = (Run(f"{word}(", "math-upright"), *inner, Run(")", "math-upright"))
        after: Text = (*inside, Script((Run("", "math"),), (Run(str(index + 1), "math"),))) if word == "softmax" else inside
        return lines.equation(z, said, sum_made), lines.equation(symbol, after, result)

    def _row(self, id: str, n: int, index: int) -> list[Number] | None:
        numbers = self._numbers(id) if id else None
        width = self.layers[n - 1].size
        return None if numbers is None else numbers[index * width : (index + 1) * width]

    def _caption(self) -> tuple[Text, ...]:
        found: Text = strong(f"{self.graph.name}.") if self.graph.name else ()
        terms = [
            f"{a.size:,}·{b.size:,}" + (f" + {b.size:,}" if b.bias else "")
            for a, b in zip(self.layers, self.layers[1:], strict=False)
        ]
        count = self.graph.parameter_count
        if count is not None and len(terms) <= 4:
            found += plain(f" Every neuron reads all of the layer before it: {' + '.join(terms)} = {count:,} parameters.")
        elif count is not None:
            found += plain(f" Every neuron reads all of the layer before it: {count:,} parameters.")
        return (found,) if found else ()

    def _alt(self) -> str:
        sizes = ", ".join(f"{layer.size:,}" + (f" ({', '.join(layer.words)})" if layer.words else "") for layer in self.layers)
        return f"{self.graph.name}: a multilayer perceptron with layers of {sizes} neurons, each joined to all of the next."
