"""A layer chain whose sizes are names: the Graph that tracing it would give, with formulas in place of numbers.

Nothing is run. Layers are completed as those with numbers are, and their shapes follow from `netfig.sources.layers_rules`. A size
whose formula is long gets a name of its own (``H'``, or ``H_1``, ``H_2`` where there are several), noted on the graph.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from netfig.errors import InvalidInput, point_at, shown
from netfig.graph.build import GraphBuilder
from netfig.graph.formula import Formula, formula
from netfig.graph.formula_graph import DEFINES, dim_of
from netfig.graph.formula_text import WrongFormula, parse, pretty
from netfig.records import dataclass
from netfig.sources.layers_build import MAX_LAYERS, Inference, Step
from netfig.sources.layers_rules import Arguments, Made, Misfit, rule_of
from netfig.sources.layers_text import BlockWord, ChainText, Item, LayerWord
from netfig.sources.layers_torch import signature_of

if TYPE_CHECKING:
    from netfig.graph import Graph

LONG: Final = 7
"""Characters of a formula that may stand in a shape; a longer one is given a name."""
_LETTERS: Final = {1: "L", 2: "HW", 3: "DHW"}
_SIGN: Final = re.compile(r"\s*(×|,|\sx\s)\s*", re.IGNORECASE)


@dataclass(frozen=True)
class NamedShape:
    """The shape of an input in words, its sizes formulas."""

    sizes: tuple[Formula, ...]
    dtype: str | None = None
    is_exact: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names in it, in the order they stand."""
        return tuple(dict.fromkeys(name for size in self.sizes for name in size.names))

    def at(self, known: Mapping[str, int]) -> NamedShape:
        """The same with numbers for some names."""
        return NamedShape(tuple(size.at(known) for size in self.sizes), self.dtype, self.is_exact)

    @property
    def text(self) -> str:
        """As a word that says it: ``3x17x11``, ``[5]:int64``."""
        body = "x".join(map(str, self.sizes))
        return (f"[{body}]" if self.is_exact else body) + (f":{self.dtype}" if self.dtype else "")


def read_shape(text: str) -> NamedShape:
    """The shape that ``CxHxW``, ``C × 2*H × W`` or ``[n]:int64`` says; a name that holds an x stands between spaces, × or commas.

    Raises:
        InvalidInput: a size is missing or is no formula.
    """
    body, _, dtype = text.partition(":")
    stripped = body.strip()
    is_exact = stripped.startswith("[") and stripped.endswith("]")
    inner = stripped[1:-1] if is_exact else stripped
    start = text.find(inner) if inner else 0
    sizes = []
    for word, at in _split(inner):
        try:
            size = parse(word)
        except WrongFormula as error:
            where = start + at + error.start
            raise InvalidInput(
                f"input {shown(text)} is malformed: {error.what}",
                where=point_at(text, where, max(where + 1, start + at + error.end)),
                hint="write C x H x W, 3x64x64, or n x 2*d",
            ) from None
        if size.number is not None and size.number < 0:
            raise InvalidInput(f"input {shown(text)} is malformed: a size is {size.number}", where=point_at(text, start + at))
        sizes.append(size)
    return NamedShape(tuple(sizes), dtype.strip() or None, is_exact)


def _split(text: str) -> Iterable[tuple[str, int]]:
    """The words between the signs, with where they begin."""
    pattern = _SIGN if _SIGN.search(text) else re.compile(r"[xX]")
    begin = 0
    for found in pattern.finditer(text):
        yield text[begin : found.start()], begin
        begin = found.end()
    yield text[begin:], begin


def named_graph(chain: ChainText, shape: NamedShape, batch: int, name: str, origin: str) -> Graph:
    """The graph of a chain on an input whose sizes, or its own, are names.

    Raises:
        InvalidInput: a layer does not fit, or has no rule for names.
    """
    taken = {*chain.names, *shape.names}
    first = _Walk(chain, shape, batch, name, origin, _Names(taken))
    first.graph()
    names = _Names(taken, Counter(first.names.bases))
    return _Walk(chain, shape, batch, name, origin, names).graph()


class _Names:
    """Gives long formulas names, equal ones the same: H' when it is the only one made of H, else H_1, H_2."""

    def __init__(self, taken: set[str], counts: Mapping[str, int] | None = None) -> None:
        self.taken, self.counts = set(taken), counts
        self.bases: list[str] = []
        self.given: dict[str, str] = {}
        self.defined: list[tuple[str, Formula]] = []
        self.next: Counter[str] = Counter()

    def short(self, size: Formula, letter: str) -> Formula:
        """The formula itself, or the name it is known by from now on."""
        if len(pretty(size)) <= LONG or not _is_sum(size):
            return size
        key = str(size)
        if key not in self.given:
            base = size.names[0].rstrip("'").partition("_")[0] if size.names and letter != "n" else letter
            self.bases.append(base)
            self.given[key] = self._free(base) if letter != "n" else self._letter()
            self.defined.append((self.given[key], size))
        return formula(self.given[key])

    def _letter(self) -> str:
        """A letter for how many elements there are."""
        free = next((letter for letter in "NMLR" if letter not in self.taken), None)
        if free is None:
            return self._free("N")
        self.taken.add(free)
        return free

    def _free(self, base: str) -> str:
        if self.counts is not None and self.counts[base] == 1 and f"{base}'" not in self.taken:
            self.taken.add(f"{base}'")
            return f"{base}'"
        while True:
            self.next[base] += 1
            name = f"{base}_{self.next[base]}"
            if name not in self.taken:
                self.taken.add(name)
                return name


def _is_sum(size: Formula) -> bool:
    """Whether it is more than a product of names and numbers."""
    return len(size.terms) > 1 or len(size.names) == 0 or "(" in str(size)


@dataclass(frozen=True)
class _Shaped:
    """What `Step` asks of a tensor."""

    shape: tuple[Formula, ...]


class _Walk(Inference):
    """Goes through the chain and writes the graph down."""

    def __init__(self, chain: ChainText, shape: NamedShape, batch: int, name: str, origin: str, names: _Names) -> None:
        super().__init__(chain, batched=not shape.is_exact and batch > 0)
        self.names, self.start = names, shape
        self.lead = (formula(batch),) if self.batched else ()
        self.builder = GraphBuilder(name, type_name="Sequential", origin=origin)
        if self.batched:
            self.builder.note("", "batch", batch)

    def graph(self) -> Graph:
        first = self.chain.items[0]
        while isinstance(first, BlockWord):
            first = first.items[0]
        self.dtype = self.start.dtype or ("int64" if first.type_name.startswith("Embedding") else "float32")
        x = self.builder.input("input", self._dims(self.start.sizes), dtype=self.dtype)
        self.dtype = "float32" if "int" in self.dtype else self.dtype
        value, _ = self._items(self.chain.items, x, self.start.sizes, "")
        for name, size in self.names.defined:
            self.builder.note("", DEFINES + name, str(size))
        self.builder.output("output", value)
        return self.builder.finish()

    def _dims(self, shape: Iterable[Formula]) -> list[Any]:
        return [dim_of(size) for size in (*self.lead, *shape)]

    def _items(self, items: tuple[Item, ...], x: str, shape: tuple[Formula, ...], path: str) -> tuple[str, tuple[Formula, ...]]:
        for name, item in self.named(items):
            inner = f"{path}.{name}" if path else name
            if isinstance(item, BlockWord):
                x, shape = self._block(item, x, shape, inner)
            else:
                x, shape = self._layer(item, name, x, shape, inner)
        return x, shape

    def _block(self, word: BlockWord, x: str, shape: tuple[Formula, ...], path: str) -> tuple[str, tuple[Formula, ...]]:
        kind = "Residual" if word.is_residual else "Sequential"
        with self.builder.scope(path, type_name=kind, inputs=[x]) as scope:
            y, made = self._items(word.items, x, shape, path)
            if word.is_residual:
                if len(made) != len(shape) or not all(a.same(b) for a, b in zip(made, shape, strict=True)):
                    raise self.chain.error(
                        f"the residual does not fit: its chain makes {_shown(made)} and needs {_shown(shape)}, "
                        "the shape of its input",
                        word.span,
                        hint="a convolution keeps the size with padding='same'",
                    )
                y = self.builder.op("add", {"self": x, "other": y}, shape=self._dims(shape), dtype=self.dtype)
            scope.outputs = [y]
        return y, made

    def _layer(
        self, word: LayerWord, name: str, x: str, shape: tuple[Formula, ...], path: str
    ) -> tuple[str, tuple[Formula, ...]]:
        self.layer_count += 1
        if self.layer_count > MAX_LAYERS:
            raise self.chain.error(f"the chain has more than {MAX_LAYERS:,} layers", word.span)
        step = _NamedStep(self, word, f"layer {self.layer_count} {name!r} ({word.type_name})", _Shaped((*self.lead, *shape)))
        step.complete()
        made = step.made(shape)
        letters = _LETTERS.get(len(made.shape) - 1, "")
        sizes = tuple(
            self.names.short(size, letters[i - 1] if letters and i else "n") if i or len(made.shape) == 1 else size
            for i, size in enumerate(made.shape)
        )
        with self.builder.scope(path, type_name=step.made_by.__name__, inputs=[x], attributes=_settings(step)) as scope:
            reads = {"input": x}
            for short, parameter in made.parameters.items():
                dims = [dim_of(size) for size in parameter]
                reads[short] = self.builder.parameter(f"{path}.{short}", dims, dtype=self.dtype)
            y = self.builder.op(made.kind, reads, shape=self._dims(sizes), dtype=self.dtype)
            scope.outputs = [y]
        return y, sizes


class _NamedStep(Step):
    """One layer whose sizes may be formulas."""

    def made(self, shape: tuple[Formula, ...]) -> Made:
        """What it makes of a shape."""
        name = self.made_by.__name__
        rule = rule_of(name)
        if rule is None:
            hint = "give its sizes numbers, such as --size H=64"
            raise self.fail(f"{self.label} has no rule for sizes that are names", hint=hint)
        flags = [p.name for p in signature_of(self.made_by).parameters.values() if p.annotation in (bool, "bool")]
        if wrong := [flag for flag in flags if isinstance(self.bound.get(flag), Formula)]:
            raise self.fail(f"{self.label}: {wrong[0]} is True or False, not {self.bound[wrong[0]]}")
        try:
            made = rule(Arguments(name, self.bound, shape))
        except (Misfit, IndexError, ZeroDivisionError) as error:
            reason = str(error) if isinstance(error, Misfit) else "it takes more dimensions"
            raise self.fail(f"{self.label} does not fit: it gets {_shown(shape)}", why=reason) from None
        except ValueError as error:
            raise self.fail(f"{self.label} does not fit: {error}") from None
        for size in (size for shape in (made.shape, *made.parameters.values()) for size in shape):
            if size.number is None and not size.names:
                raise self.fail(f"{self.label} does not fit: a size would be {pretty(size)}, which is not whole")
        if any(size.number is not None and size.number < 1 for size in made.shape):
            raise self.fail(f"{self.label} makes nothing: from {_shown(shape)} its output would be {_shown(made.shape)}")
        return made

    def input_size(self, parameter: str, made_by: Any) -> Any:
        """The size of what reaches the layer along the dimension a parameter speaks of."""
        axis = self.axis_of(parameter, made_by)
        return self.x.shape[axis] if -len(self.x.shape) <= axis < len(self.x.shape) else None

    def check_sizes(self) -> None:
        """The rules say what does not fit."""


def _settings(step: Step) -> dict[str, Any]:
    """The arguments as people read them: what torch spells out for each dimension, and formulas as text."""
    windows = step.made_by.__name__.startswith("Conv")
    spatial = int(step.made_by.__name__[-2]) if windows else 0
    found = {}
    for key, value in step.bound.items():
        if key in ("device", "dtype") or value is None or isinstance(value, LayerWord) or callable(value):
            continue
        if windows and key in ("kernel_size", "stride", "padding", "dilation") and not isinstance(value, (tuple, list, str)):
            value = (value,) * spatial
        found[key] = _plain(value)
    if found.get("stride") is None and "kernel_size" in found and "Pool" in step.made_by.__name__:
        found["stride"] = found["kernel_size"]
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain, value))
    if isinstance(value, Formula):
        return str(value) if value.number is None else value.number
    return value


def _shown(shape: Iterable[Formula]) -> str:
    return "×".join(f"({pretty(size)})" if len(size.terms) > 1 else pretty(size) for size in shape) or "one number"
