"""The words and symbols of a cell: values with their index, the signs and names of operations, sizes and counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from netfig.equations.names import symbol_text
from netfig.equations.typesetting import affine, with_indices
from netfig.graph import Affine
from netfig.mathtext import Root, Run, Script, Text, text_of
from netfig.renderers.cell_steps import SIGNS, Feed, Folded, Step

UPRIGHT = {
    "relu": "ReLU", "gelu": "GELU", "silu": "SiLU", "elu": "ELU", "selu": "SELU", "leaky_relu": "leaky ReLU", "celu": "CELU",
    "cat": "concat", "log_softmax": "log-softmax", "layer_norm": "LayerNorm", "rms_norm": "RMSNorm", "batch_norm": "BatchNorm",
}  # fmt: skip
SHAPES: dict[str, Text] = {
    "sqrt": (Run("√", "math"),),
    "abs": (Run("|·|", "math"),),
    "norm": (Run("‖·‖", "math"),),
    "inverse": (Script((Run("(·)", "math"),), (), (Run("−1", "math"),)),),
}
LONGEST_NAME = 18  # characters of an expression on a wire
LONGEST_WORD = 18  # … of a gate's word
Index = tuple[tuple[str, Affine], ...]


class Words:
    """What is written in a cell's figure."""

    def __init__(self, folded: Folded) -> None:
        self.folded, self.graph = folded, folded.graph
        self.maker = folded.maker()

    # --- values -------------------------------------------------------------------------------------------------------------

    def value(self, id: str, index: Index = ()) -> Text:
        """A value as the equations write it: its symbol with its indices below it."""
        value = self.graph.value_by_id[id]
        symbol = value.symbol or symbol_text(value.id)
        moved = dict(index)
        places = {a: moved.get(a, Affine(((a, 1),))) for a in value.axes if a in moved or self._around(a)}
        families = [p for axis, p in places.items() if axis != self.folded.axis]
        time = [p for axis, p in places.items() if axis == self.folded.axis]
        return with_indices(symbol, [affine(_letters(p)) for p in [*families, *time]])

    def _around(self, axis: str) -> bool:
        """Whether a step has one index along an axis (else it reads all of them)."""
        return any(s.axis == axis for s in self.graph.scopes if s.kind == "plate")

    def feed(self, feed: Feed) -> Text:
        """A value as it flows into a step."""
        return self.value(feed.value, feed.index)

    def is_named(self, id: str) -> bool:
        """Whether an equation of its own defines a value."""
        return "/" not in id and id in self.graph.value_by_id

    def name(self, step: Step) -> Text:
        """What the wire out of a step is called: its value's symbol, or a short expression of such; else nothing."""
        if step.kind == "merge":
            return ()  # its box says it
        if self.is_named(step.makes):
            return self.value(step.makes)
        text = self._expression(step)
        return text if len(text_of(text)) <= LONGEST_NAME else ()

    def _operand(self, feed: Feed) -> Text:
        if feed.part:
            return ()
        if feed.index or feed.value not in self.maker or self.is_named(feed.value):
            return self.feed(feed)
        return ()

    def _expression(self, step: Step) -> Text:
        operands = [self._operand(f) for f in step.feeds]
        if not all(operands) or step.biases:
            return ()
        match step.kind:
            case "chip":
                return (*self._matrix(step), Run(" ", "math"), *operands[0]) if len(step.weights) == 1 else ()
            case "minus":
                return (*self.symbols(step.weights), Run(" − ", "math"), *operands[0])
            case "mul" | "outer" | "dot":
                return _joined(operands, self._times(step)) if step.kind != "dot" else ()
            case "factor":
                first = self.symbols(step.weights[:1], alone=False)
                return (*first, Run(self._times(step), "math"), *operands[0])
            case "sigmoid" | "tanh" | "exp" | "relu":
                name = Run("σ", "math") if step.kind == "sigmoid" else Run(step.kind, "math-upright")
                return (name, Run("(", "math"), *operands[0], Run(")", "math"))
        return ()

    def _is_vector(self, step: Step) -> bool:
        return self.graph.op_by_id[step.ops[-1]].kind == "mul" and not self._is_number(step)

    def _is_number(self, step: Step) -> bool:
        """Whether what a step makes is known to be one number: its factors stand side by side."""
        return self.graph.value_by_id[step.makes].type.shape == ()

    def _times(self, step: Step) -> str:
        """The sign between the factors of a product, or only a space."""
        if step.kind == "factor":
            return " ⊙ " if self._is_vector(step) else " "
        return " " if step.kind == "mul" and self._is_number(step) else f" {SIGNS[step.kind]} "

    def _matrix(self, step: Step) -> Text:
        """The weight of a chip: its symbol, transposed where the product is a dot product."""
        symbol = self.symbols(step.weights[:1])
        return transposed(symbol) if any(self.graph.op_by_id[o].kind == "dot" for o in step.ops) else symbol

    def symbols(self, ids: Iterable[str], *, alone: bool = True) -> Text:
        """Weights and constants, one after another; a sum of such stands in brackets where it is not `alone`."""
        out: list[Text] = []
        for id in ids:
            value = self.graph.value_by_id[id]
            if value.kind == "constant" and value.data and len(value.data) == 1 and not isinstance(value.data[0], str):
                out.append((Run(_number(value.data[0]), "math"),))
            elif "/" in id:
                out.append(self._stored(id, alone=alone))
            else:
                out.append(self.value(id))
        return _joined(out, ", ")

    def _stored(self, id: str, *, alone: bool = True) -> Text:
        """What is made of weights and numbers alone, written out: ``1 − α``, ``W⊤``."""
        op = self.graph.producer.get(id)
        if op is None or "/" not in id:
            return self.symbols([id])
        parts = [self._stored(r.value, alone=False) for slot in op.inputs for r in slot.refs]
        match op.kind:
            case "add" | "sub":
                text = _joined(parts, " + " if op.kind == "add" else " − ")
                return text if alone else (Run("(", "math"), *text, Run(")", "math"))
            case "mul":
                return _joined(parts, " ⊙ ")
            case "div":
                return _joined(parts, " / ")
            case "sqrt":
                return (Root(parts[0]),)
            case "scale" | "matmul":
                return _joined(parts, " ")
            case "neg":
                return (Run("−", "math"), *parts[0])
            case "transpose":
                return transposed(parts[0])
        if len(parts) == 1:
            name = symbol_text(str(op.attribute("name"))) if op.kind == "function" else (Run(op.kind, "math-upright"),)
            return (*name, Run("(", "math"), *parts[0], Run(")", "math"))
        return (Run("const"),)

    # --- boxes ----------------------------------------------------------------------------------------------------------------

    def function(self, step: Step) -> Text:
        """The name of a step's function."""
        kind = step.kind.removeprefix("gate.")
        if kind == "sigmoid":
            return (Run("σ", "math"),)
        if kind == "function":
            op = self.graph.op_by_id[step.ops[-1]]
            return symbol_text(str(op.attribute("name", "f")))
        if kind in SHAPES:
            return SHAPES[kind]
        return (Run(UPRIGHT.get(kind, kind.replace("_", " "))),)

    def look(self, step: Step) -> tuple[str, tuple[Text, ...]]:
        """A step's role and the lines of its title."""
        kind = step.kind
        if kind.startswith("gate."):
            return "activation.gate", self._gate(step)
        if kind == "merge":
            listed = _joined([self._operand(f) for f in step.feeds], "; ")
            return "op.merge", ((Run("[", "math"), *listed, Run("]", "math")),)
        if kind == "chip":
            return "weight", (self._matrix(step),)
        if kind == "cat" and not step.weights and all(self._operand(f) for f in step.feeds):
            listed = _joined([self._operand(f) for f in step.feeds], "; ")
            return "op.merge", ((Run("[", "math"), *listed, Run("]", "math")),)
        if kind == "bias":
            return "weight", ((Run("+ ", "math"), *self.symbols(step.weights)),)
        if kind == "minus":
            return "op", ((*self.symbols(step.weights[:1]), Run("−", "math")),)
        if kind in ("shift", "factor", "quotient"):
            role, title = self._with_constant(step)
        elif kind in SIGNS:
            sign = "×" if kind == "mul" and self._is_number(step) else SIGNS[kind]
            role, title = "op", (Run(sign, "math"),)
        elif kind == "embedding" and step.weights:
            return "layer.cell", ((Run(kind),), self.symbols(step.weights))
        else:
            role, title = self._other(step)
            word = self._word(step)
            if (
                role == "activation"
                and word not in ("", "gate")
                and step.makes not in (*self.folded.states, *self.folded.outputs)
            ):
                return "activation.gate", (title, (Run(word),))
        return role, (title,)

    def _with_constant(self, step: Step) -> tuple[str, Text]:
        constant = all(self.graph.value_by_id[w].kind == "constant" for w in step.weights)
        symbols = self.symbols(step.weights, alone=step.kind == "shift")
        op = self.graph.op_by_id[step.ops[-1]]
        if step.kind == "shift":
            first: Text = (Run("− " if op.kind == "sub" else "+ ", "math"), *symbols)
        elif step.kind == "quotient":
            over = op.inputs[0].refs[0].value in step.weights
            first = (*symbols, Run(" ÷", "math")) if over else (Run("÷ ", "math"), *symbols)
        else:
            first = (Run("⊙ " if self._is_vector(step) and not constant else "× ", "math"), *symbols)
        return ("op" if constant else "weight"), first

    def _other(self, step: Step) -> tuple[str, Text]:
        op = self.graph.op_by_id[step.ops[-1]]
        match step.kind:
            case "neg":
                return "op", (Run("−", "math"),)
            case "sum" | "prod":
                return "op", (Run("Σ" if step.kind == "sum" else "Π", "math"),)
            case "transpose":
                return "op", (Run("⊤", "math"),)
            case "pow":
                exponent = self.symbols(step.weights) or (Run("p", "math"),)
                return "op", (Script((Run("(·)", "math"),), (), exponent),)
            case "square":
                return "op", (Script((Run("(·)", "math"),), (), (Run("2", "math"),)),)
            case "select":
                return "op.box", (Run(f"[{op.attribute('index')}]", "math"),)
            case "matmul":
                return "op", (Run("×", "math"),)
        if step.kind in ("cat", "stack", "mean", "max", "min"):
            return "op.box", self._with_weights(step)
        return "activation", self._with_weights(step)

    def _with_weights(self, step: Step) -> Text:
        """The name of a function, and the stored values it also reads: ``max, 1``."""
        name = self.function(step)
        return (*name, Run(", "), *self.symbols(step.weights)) if step.weights else name

    def _gate(self, step: Step) -> tuple[Text, ...]:
        """The function, and below it which gate it is: by its word, or by its weights where the equations say none."""
        word = self._word(step)
        return self.function(step), ((Run(word),) if word else self.symbols(dict.fromkeys(step.weights)))

    def _word(self, step: Step) -> str:
        """Which gate makes a value, as its equation says: ``forget``."""
        note = self.graph.notes_on(step.makes).get("label")
        word = str(note.value).partition(",")[0].strip() if note is not None else ""
        for end in (" gate", " Gate"):
            word = word.removesuffix(end)
        return word if len(word) <= LONGEST_WORD else ""


def _letters(place: Affine) -> Affine:
    """A place with its axes as the letters they are written with: the axis ``i@1`` is another range of i."""
    return Affine(tuple((name.partition("@")[0], factor) for name, factor in place.terms), place.constant)


def joined(parts: Sequence[Text], between: Run) -> Text:
    """Texts one after another."""
    out: Text = ()
    for k, part in enumerate(parts):
        out += (between, *part) if k else part
    return out


def _joined(parts: Sequence[Text], between: str) -> Text:
    return joined(parts, Run(between, "math"))


def transposed(symbol: Text) -> Text:
    """A symbol with the sign of transposition."""
    sign: Text = (Run("⊤", "math"),)
    if len(symbol) == 1 and isinstance(symbol[0], Script) and not symbol[0].sup:
        return (Script(symbol[0].base, symbol[0].sub, sign),)
    return (Script(symbol, (), sign),)


def _number(data: object) -> str:
    text = str(data)
    return text.removesuffix(".0").replace("-", "−")
