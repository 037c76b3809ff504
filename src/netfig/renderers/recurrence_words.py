"""The words of a recurrence: symbols with their indices, shapes, weights on chips, and what is counted once."""

from __future__ import annotations

import re
from collections import Counter
from math import prod
from typing import TYPE_CHECKING

from netfig.equations.names import symbol_text
from netfig.figure import Chip
from netfig.mathtext import Accent, Fence, Piece, Run, Script, Text, math, plain, strong, text_of
from netfig.renderers.recurrence import FAR, Dependency, Instance, Recurrence

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from netfig.graph import Dim, Value
    from netfig.renderers.recurrence import Indices

FEW = 2  # weights that are named on one chip; of more it says how many
KIND_WORDS = {"input": "input", "state": "state", "output": "output", "value": "hidden"}


class Words:
    """Writes what a recurrence holds."""

    def __init__(self, recurrence: Recurrence) -> None:
        self.recurrence = recurrence
        self.graph = recurrence.graph
        self._names: dict[str, list[Text]] = {}

    # --- symbols --------------------------------------------------------------------------------------------------------------

    def index(self, axis: str, n: int) -> Text:
        """An index as it is written: a number, or the name of the last one."""
        if n < FAR - 1000:
            return math(str(n)) if n >= 0 else (Run(f"−{-n}", "math"),)
        found = self.recurrence.axes[axis]
        name = found.extent.name or "T"
        rest = n - FAR
        return math(name if not rest else f"{name}{'+' if rest > 0 else '−'}{abs(rest)}")

    def symbol(self, instance: Instance) -> Text:
        """The symbol of a value with its indices below it: h_3."""
        value = self.graph.value_by_id[instance.value]
        return self.indexed(self.bare(value), [self.index(axis, n) for axis, n in instance.at])

    def bare(self, value: Value) -> Text:
        """The symbol of a value without indices."""
        return value.symbol or math(value.id)

    def general(self, value: Value, shift: int = 0, axis: str = "", at: Mapping[str, int] | None = None) -> Text:
        """The symbol of a value with its indices as letters, h_t or h_{t−1}; those in `at` as numbers."""
        letters = []
        for own in value.axes:
            if own in (at or {}):
                letters.append(self.index(own, (at or {})[own]))
                continue
            letter = own.split("@")[0]
            letters.append(math(letter if own != axis or not shift else f"{letter}{'+' if shift > 0 else '−'}{abs(shift)}"))
        return self.indexed(self.bare(value), letters)

    @staticmethod
    def indexed(symbol: Text, indices: Sequence[Text]) -> Text:
        """A symbol with more indices below it."""
        if not indices:
            return symbol
        joined: list[Run | object] = []
        for n, index in enumerate(indices):
            joined += [*([Run(",", "math")] if n else []), *index]
        last = symbol[-1] if symbol else None
        if len(symbol) == 1 and isinstance(last, Script):
            sub = (*last.sub, Run(",", "math"), *joined) if last.sub else tuple(joined)
            return (Script(last.base, sub, last.sup),)  # type: ignore[arg-type]
        return (Script(symbol, tuple(joined)),)  # type: ignore[arg-type]

    def table(self, id: str) -> Text:
        """What stands on the layer that looks up rows of a table: its symbol."""
        return self.bare(self.graph.value_by_id[id])

    # --- shapes ---------------------------------------------------------------------------------------------------------------

    def shape(self, value: Value) -> Text:
        """``∈ ℝⁿ``, or nothing where the shape is not known."""
        dims = value.type.shape
        if dims is None:
            return ()
        whole = (value.type.dtype or "").startswith(("int", "uint"))
        space: Text = (Run("ℕ" if whole else "ℝ", "math-upright"),)
        if dims:
            space = (Script(space, (), _joined("×", [_size_text(_dim(d)) for d in dims])),)
        return (Run(" ∈ ", "math"), *space)

    def row_name(self, members: Sequence[tuple[Value, Indices]], kind: str) -> tuple[Text, ...]:
        """What a row holds, and the symbol and shape of each of its values, given with their indices other than time."""
        lines: list[Text] = []
        for value, at in members:
            word = plain(self._word(value, kind))
            if word and word not in lines:
                lines.append(word)
            lines.append((*self.general(value, at=dict(at)), *self.shape(value)))
        return tuple(lines)

    def _word(self, value: Value, kind: str) -> str:
        """What a value is in a word or two: what the program calls it, else its part."""
        note = self.graph.notes_on(value.id).get("label")
        if note is not None:
            return str(note.value)
        if self.recurrence.time_of(value.id) is None and self.recurrence.shown.get(value.id) == "output":
            return KIND_WORDS["output"]
        if kind == "state":
            if text_of(self.bare(value))[:1] == "h":
                return "hidden state"
            fed_back = any(port.value == value.id for port in self.graph.outputs) and len(self.recurrence.shown) > 2
            return "output, fed back" if fed_back else "state"
        return KIND_WORDS[kind]

    # --- weights --------------------------------------------------------------------------------------------------------------

    def chips(self, dependency: Dependency) -> tuple[Chip, ...]:
        """The weights of a dependency: one chip each where they act one after the other, else one for all of them."""
        weights = dependency.weights
        if dependency.is_plain or len(weights) < 2:
            return tuple(self._chip((w,)) for w in weights)
        return (self._chip(weights),)

    def _chip(self, given: tuple[Instance, ...]) -> Chip:
        order = {v.id: n for n, v in enumerate(self.graph.values)}
        weights = sorted(given, key=lambda w: (order[w.value], w.at))
        names = [self.symbol(w) for w in weights]
        if len(weights) <= FEW or self._is_short(names):
            title = _listed(names)
        else:
            title = (Run(f"{len(weights)} ×", "math"), *plain(" "), *_common(names))
        words = ", ".join(text_of(name) for name in names)
        id = "+".join(map(str, weights))
        self._names[id] = names
        shapes = "; ".join(dict.fromkeys(self.size(w.value) for w in weights))
        return Chip(id, title, tooltip=f"{words}: {shapes}", stands_for=tuple(w.value for w in weights))

    @staticmethod
    def _is_short(names: Sequence[Text]) -> bool:
        """Whether three letters with one index each fit on a chip."""
        return len(names) == 3 and len({text_of(_base(name)) for name in names}) == 3 and sum(map(len, map(text_of, names))) <= 9

    def folded_chips(self, chips: Iterable[Chip]) -> tuple[Text, ...]:
        """For each chip that stands for several weights a line that names them."""
        found = {c.id: c for c in chips if len(c.stands_for) > FEW and not self._is_short(self._names[c.id])}
        return tuple((*chip.title, *plain(": "), *_listed(self._names[chip.id]), *plain(".")) for chip in found.values())

    def size(self, value: str) -> str:
        """The shape of a weight in words: ``4×3``."""
        dims = self.graph.value_by_id[value].type.shape
        return "×".join(_dim(d) for d in dims) if dims else "scalar" if dims is not None else "?"

    # --- counts ---------------------------------------------------------------------------------------------------------------

    def parameters(self) -> Text:
        """The number of parameters as the sum of products it is, each weight counted once."""
        terms: Counter[tuple[str, ...]] = Counter()
        total: int | None = 0
        for value in self.graph.values:
            if value.kind != "parameter":
                continue
            if value.type.shape is None:
                return ()
            factors = [str(d.size) if d.size is not None else str(d) for d in value.type.shape]
            number = value.type.numel
            for axis in value.axes:
                extent = self.recurrence.axes[axis].extent
                count = self.recurrence.extent(self.recurrence.axes[axis], {})
                factors.insert(0, str(count) if count is not None else f"({extent})" if "+" in str(extent) else str(extent))
                number = number * count if number is not None and count is not None else None
            terms[tuple(factors) or ("1",)] += 1
            total = total + number if total is not None and number is not None else None
        written: list[Piece] = []
        for k, (term, n) in enumerate(terms.items()):
            written += plain(" + ") if k else ()
            product = (str(n),) if term == ("1",) else (str(n), *term) if n > 1 else term
            written.append(Fence("", _joined("·", [_size_text(factor) for factor in product]), ""))  # it is not broken
        if total is not None and terms:
            whole = (Run(f"{total:,}", "math"),)
            written = [*written, *plain(" = "), *whole] if text_of(tuple(written)) != str(total) else [*whole]
        return (*written, *plain(" parameters")) if terms else ()

    def shared(self) -> Text:
        """What the caption says of the weights: shared over t, counted once."""
        weights = [v for v in self.graph.values if v.kind == "parameter"]
        shared = [v for v in weights if not set(v.axes) & set(self.recurrence.times)]
        if not shared:
            return ()
        letters: list[Piece] = []
        for n, letter in enumerate(dict.fromkeys(a.split("@")[0] for a in self.recurrence.times)):
            letters += [*(plain(" and ") if n else ()), Run(letter, "math")]
        names: Text = _listed([self.general(v) for v in shared]) if len(shared) <= 6 else plain(f"all {len(shared)} weights")
        text: Text = (*plain("Shared over "), *letters, *plain(", counted once: "), *names)
        count = self.parameters()
        return (*text, *(plain("; ") if count else ()), *count, *plain("."))

    def matrices(self) -> Text:
        """How many weight matrices there are: a number, or a product with the size of their family."""
        plain_ones = 0
        families: Counter[str] = Counter()
        for value in self.graph.values:
            if value.kind == "parameter" and value.type.shape is not None and len(value.type.shape) == 2:
                counts = [self.recurrence.extent(self.recurrence.axes[a], {}) for a in value.axes]
                if len(counts) == 1 and counts[0] is None:
                    families[str(self.recurrence.axes[value.axes[0]].extent)] += 1
                elif None not in counts:
                    plain_ones += prod(c for c in counts if c is not None)
        if len(families) == 1 and (n := next(iter(families.values()))) == plain_ones:
            return (*_size_text(f"{n}({next(iter(families))}+1)"), *plain(" weight matrices."))
        terms = [*(f"{n}·{name}" for name, n in families.items()), *([str(plain_ones)] if plain_ones else [])]
        return (*_size_text(" + ".join(terms)), *plain(" weight matrices.")) if terms else ()

    def title(self) -> Text:
        """The name of the recurrence in bold, for the beginning of a caption."""
        return strong(f"{self.name}.")

    @property
    def name(self) -> str:
        """What the recurrence is called: its title, else the name of its file."""
        note = self.graph.notes_on("").get("title")
        return str(note.value).rstrip(".") if note is not None and note.value else title_of(self.graph.name)

    @property
    def cell(self) -> str:
        """What stands on a closed cell: the kind of cell where it is known, else the name of the program."""
        note = self.graph.notes_on("").get("cell")
        return str(note.value) if note is not None and note.value else title_of(self.graph.name)

    def cell_of(self, state: str) -> str:
        """What stands on the closed cell of a state, where there are several kinds."""
        note = self.graph.notes_on(state).get("cell")
        return str(note.value) if note is not None and note.value else self.cell


def title_of(name: str) -> str:
    """A name of a program as a title: ``LSTM``, ``bahdanau attention``."""
    words = name.rpartition("/")[2].replace("_", " ").replace("-", " ").split()
    spelled = [word.upper() if len(word) < 6 and not re.search(r"[aeioy\d]", word) else word for word in words]
    title = " ".join(spelled)
    return title[:1].upper() + title[1:]


def _size_text(size: str) -> Text:
    """A size as it is written: ``n``, ``2m``, ``(K+1)``, ``4``; a name such as n_h has its index below."""
    found: list[Piece] = []
    for word in re.findall(r"[^\W\d]\w*|\d+|[^\w]", size.replace("*", "")):
        found += symbol_text(word) if word[0].isalpha() else [Run(word.replace("-", "−"), "math")]
    return tuple(found)


def _dim(dim: Dim) -> str:
    text = str(dim.size) if dim.size is not None else str(dim)
    return text.replace("*", "")


def _listed(names: Sequence[Text]) -> Text:
    return _joined(", ", names)


def _joined(sign: str, texts: Sequence[Text]) -> Text:
    return tuple(piece for n, text in enumerate(texts) for piece in (*([Run(sign, "math")] if n else []), *text))


def _common(names: Sequence[Text]) -> Text:
    """What several symbols have in common: of W_xi, W_xf and W_xo it is W_{x∗}, of W_{xi,2} and W_{xf,2} it is W_{x∗,2}."""
    bases = {text_of(_base(name)) for name in names}
    if len(bases) > 1:
        return plain("weights")
    subs = [text_of(_sub(name)) for name in names]
    start = 0
    while all(len(sub) > start and sub[start] == subs[0][start] for sub in subs):
        start += 1
    end = 0
    while all(len(sub) > start + end and sub[len(sub) - 1 - end] == subs[0][len(subs[0]) - 1 - end] for sub in subs):
        end += 1
    base = _base(names[0])
    same, mark = subs[0][:start].rstrip(","), subs[0][len(subs[0]) - end :].partition(",")
    return (Script(base, (Run(f"{same}∗{mark[1]}{mark[2]}", "math"),)),) if same else base


def _base(name: Text) -> Text:
    first = name[0]
    return first.base if isinstance(first, (Script, Accent)) and len(name) == 1 else name


def _sub(name: Text) -> Text:
    first = name[0]
    return first.sub if isinstance(first, Script) and len(name) == 1 else ()
