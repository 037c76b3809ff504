"""Textbook names for what a recognised recurrence holds: x, h, c, y, gates, and W_ab for a weight from a to b."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from netfig.graph import Axis
from netfig.passes.recognise_link import Key
from netfig.passes.recognise_nodes import Leaf
from netfig.passes.recognise_sheet import Sheet, Step, Use
from netfig.passes.recognise_tidy import source_of

_ACTIVATIONS = frozenset(
    (
        "sigmoid",
        "tanh",
        "relu",
        "softmax",
        "gelu",
        "silu",
        "elu",
        "softplus",
        "hardsigmoid",
        "hardtanh",
        "leaky_relu",
        "mish",
        "selu",
    )
)
_PLAIN = frozenset(("add", "sub", "neg", "matmul", "cat", "layer_norm", "mul", "scale", "transpose", "stack", "select"))
_GATES = {"i": "i", "f": "f", "g": "g", "o": "o", "r": "r", "z": "z", "h_tilde": "n"}
"""The letters of gates as torch has them below its weights: W_ii, W_hn."""
_OF_TORCH = re.compile(r"(?:\A|\.)weight_(i|h)h(?:_l\d+)?(?:_reverse)?\(")
_WORDS = {
    "LSTM": {"i": "input gate", "f": "forget gate", "g": "candidate", "o": "output gate", "c": "cell state"},
    "GRU": {"r": "reset gate", "z": "update gate", "h_tilde": "candidate"},
}
_SPARE = ("z", "u", "v", "a", "q", "p")
_OWN = re.compile(r"\A[a-zA-Z](?:_?[a-z0-9]{1,2})?\Z")


class Names:
    """The id of every value that has a name, and the marks (layer, direction) of those of one state."""

    def __init__(self, sheet: Sheet, axes: Mapping[int, Axis]) -> None:
        self.sheet, self.axes = sheet, axes
        self.ids: dict[Key, str] = {}
        self.base: dict[Key, tuple[str, str]] = {}
        self.used: set[str] = set()
        self.readers = sheet.readers()
        self.order = sheet.ordered()
        self._inputs()
        self._states()
        self._starts()
        self._outputs()
        for step in self.order:
            self._activation(step)
        self._weights()

    # ---- bookkeeping ---------------------------------------------------------------------------------------------------------

    def name(self, key: Key, letter: str, mark: str = "") -> None:
        """Name a value, unless it has a name."""
        if key not in self.ids:
            self.ids[key] = self.unique(letter + mark)
            self.base[key] = (letter, mark)

    def unique(self, wanted: str) -> str:
        """An id that nothing has yet."""
        id, count = wanted, 1
        while id in self.used:
            count += 1
            id = f"{wanted}_{count}"
        self.used.add(id)
        return id

    def _is_dynamic(self, key: Key) -> bool:
        fact = self.sheet.facts[key]
        if fact.leaf is None:
            return True
        return isinstance(fact.leaf, Leaf) and self._kind(fact.leaf) == "input"

    def _kind(self, leaf: Leaf) -> str:
        return self.sheet.low.graph.value_by_id[leaf.source].kind if isinstance(leaf.source, str) else "computed"

    def sources(self, use: Use, seen: set[Key] | None = None) -> list[tuple[Key, int]]:
        """The named values that a use is made from, with the distance of the last read."""
        seen = set() if seen is None else seen
        if use.value in self.ids:
            return [(use.value, use.distance)]
        step = self.sheet.steps.get(use.value)
        if step is None or use.value in seen:
            return []
        seen.add(use.value)
        return [found for one in step.uses if self._is_dynamic(one.value) for found in self.sources(one, seen)]

    def target(self, key: Key, seen: set[Key] | None = None) -> Key | None:
        """The nearest named value that a value flows into at its own time."""
        waiting, known = [key], {key}
        while waiting:
            here = waiting.pop(0)
            if here in self.ids:
                return here
            for step in self.readers.get(here, ()):
                if step.value not in known:
                    known.add(step.value)
                    waiting.append(step.value)
        return None

    @property
    def cell(self) -> str:
        """The kind of cell, as far as the letters of its gates tell."""
        letters = {letter for letter, _ in self.base.values()}
        return "LSTM" if letters >= set("ifgoch") else "GRU" if letters >= {"r", "z", "h_tilde", "h"} else ""

    @property
    def words(self) -> Mapping[str, str]:
        """What the gates and states of a known cell are called, by their ids."""
        known = {**_WORDS[self.cell], "h": "hidden state"} if self.cell else {}
        return {self.ids[key]: known[letter] for key, (letter, _) in self.base.items() if letter in known}

    # ---- inputs, states, outputs ---------------------------------------------------------------------------------------------

    def _inputs(self) -> None:
        graph = self.sheet.low.graph
        leaves = [(k, f.leaf) for k, f in self.sheet.facts.items() if isinstance(f.leaf, Leaf) and self._kind(f.leaf) == "input"]
        series = [(k, leaf) for k, leaf in leaves if k[0] == "sequence"]
        for key, leaf in series:
            own = _short(str(leaf.source))
            whole = str(graph.value_by_id[str(leaf.source)].type.dtype).startswith(("int", "uint", "bool"))
            embeds = all(step.kind == "embedding" for step in self.readers.get(key, ()))
            only = len([1 for _, other in series if (other.source == leaf.source)]) == len(series)
            self.name(key, ("w" if whole and embeds else "x") if only else own)
            for step in self.readers.get(key, ()) if embeds else ():
                if step.kind == "embedding":
                    self.name(step.value, "x" if only else f"x_{own}")
        for key, leaf in leaves:
            if key[0] != "sequence" and key[0] != "edge":
                self.name(key, _short(str(leaf.source)) + "".join(f"_{p}" for p in leaf.at if isinstance(p, int) and p))

    def _states(self) -> None:
        sheet = self.sheet
        states = sheet.carried()
        ports = {place.value for out in sheet.low.graph.outputs for _, place in sheet.outputs.get(out.value, ())}
        owner: dict[Key, Key] = {}
        self.marks: dict[Key, str] = {}
        for state in states:
            if not any(step.kind == "matmul" for step in self._plain_readers(state)):
                over = next((o for o in states if o != state and self._reaches(state, o)), None)
                if over is not None and self._run(over) == self._run(state):
                    owner[state] = over
        mains = [s for s in states if s not in owner]
        fed_back = [s for s in mains if s in ports and sheet.steps[s].kind in ("add", "matmul") and self._is_affine(s)]
        fed_back = fed_back if len(fed_back) == 1 else []
        for state in fed_back:
            self.marks[state] = ""
            self.name(state, "y")
            mains.remove(state)
        backwards = {s: self._is_backward(s) for s in mains}
        both = len(set(backwards.values())) > 1
        counts: dict[tuple[object, bool], int] = {}
        axes = dict.fromkeys(sheet.facts[s].axis for s in mains)
        for state in mains:
            group = (sheet.facts[state].axis, backwards[state])
            counts[group] = counts.get(group, 0) + 1
            layers = sum((sheet.facts[s].axis, backwards[s]) == group for s in mains)
            mark = (f"_{counts[group]}" if layers > 1 else "") + (("_b" if backwards[state] else "_f") if both else "")
            self.marks[state] = mark
            second = len(axes) == 2 and list(axes).index(sheet.facts[state].axis) == 1
            letter = "s" if second else "h"
            self.name(state, letter, mark)
        for state, over in owner.items():
            self.marks[state] = self.marks.get(over, "")
            self.name(state, "c", self.marks[state])

    def boundary(self, axis: int, end: str, index: int) -> str:
        """A place before the first step of an axis or after its last, as in an id."""
        found = self.axes[axis]
        last = found.extent.name or str(found.extent.size)
        return f"{found.id}={index}" if end == "initial" else f"{found.id}={last}+{index}"

    def _starts(self) -> None:
        """What is computed to start a state from is that state at its place."""
        for state in list(self.ids):
            fact = self.sheet.facts[state]
            for end, bounds in (("initial", fact.initial), ("final", fact.final)):
                for index, use in bounds.items():
                    if use.value in self.sheet.steps and use.value not in self.ids and use.time is None:
                        letter, mark = self.base[state]
                        self.ids[use.value] = f"{letter}{mark}[{self.boundary(fact.axis or 0, end, index)}]"
                        self.base[use.value] = letter, mark

    def _is_affine(self, state: Key) -> bool:
        """Whether a state is W a + b of something that is not itself a state's product with a weight."""
        step = self.sheet.steps[state]
        if step.kind == "add":
            terms = [self.sheet.steps.get(use.value) for use in step.uses]
            products = [t for t in terms if t is not None]
            return len(products) == 1 and products[0].kind == "matmul" and not products[0].one("right").distance
        return step.kind == "matmul" and not step.one("right").distance

    def _plain_readers(self, key: Key) -> Iterator[Step]:
        """The steps that read a value, also through views and concatenation."""
        waiting, known = [key], {key}
        while waiting:
            for step in self.readers.get(waiting.pop(), ()):
                yield step
                if step.kind in ("cat", "transpose", "layer_norm", "view") and step.value not in known:
                    known.add(step.value)
                    waiting.append(step.value)

    def _reaches(self, one: Key, other: Key) -> bool:
        """Whether a state is made from another at its own time with no weight between."""
        waiting, seen = [other], {other}
        while waiting:
            step = self.sheet.steps.get(waiting.pop())
            if step is None:
                continue
            for use in step.uses:
                if use.value == one and not use.distance:
                    return True
                if use.value not in seen and not use.distance:
                    seen.add(use.value)
                    waiting.append(use.value)
        return False

    def _run(self, key: Key) -> object:
        return key[1][:2] if isinstance(key[1], tuple) else key

    def _is_backward(self, key: Key) -> bool:
        family = key[1]
        axis = self.sheet.facts[key].axis
        return (
            axis is not None
            and isinstance(family, tuple)
            and family[0] == "run"
            and family[1] in self.sheet.linked.spans[axis].backwards
        )

    def _outputs(self) -> None:
        found: dict[Key, None] = {}
        for port in self.sheet.low.graph.outputs:
            places = self.sheet.outputs.get(port.value, [])
            found.update(dict.fromkeys(p.value for _, p in places if p.value in self.sheet.steps and p.value not in self.ids))
        for key in found:
            number = list(found).index(key) + 1
            self.name(key, "y", f"_{number}" if len(found) > 1 else "")

    # ---- gates ---------------------------------------------------------------------------------------------------------------

    def _activation(self, step: Step) -> None:
        """A nonlinear function of weighted sums has a letter: that of its gate, where it is known."""
        if step.kind not in _ACTIVATIONS or step.value in self.ids or not self._is_weighted(step.value):
            return
        state = self._flows_into(step.value)
        mark = self.marks.get(state, "") if state is not None else ""
        letter = self._gate(step.value) if state is not None else None
        if letter is None and state is not None and self._letter(state) == "y" and f"h{mark}" not in self.used:
            letter = "h"
        if letter is None and step.kind == "softmax":
            letter = "alpha"
        if letter is None:
            letter = next((s for s in _SPARE if s + mark not in self.used), "g")
        self.name(step.value, letter, mark)

    def _is_weighted(self, key: Key) -> bool:
        step = self.sheet.steps[key]
        waiting = [u.value for u in step.uses if not u.distance]
        while waiting:
            below = self.sheet.steps.get(waiting.pop())
            if below is None or below.value in self.ids:
                continue
            if below.kind == "matmul" and source_of(self.sheet, below.one("left").value):
                return True
            if below.kind in _PLAIN or below.kind == "dot":
                waiting += [u.value for u in below.uses if not u.distance]
        return False

    def _flows_into(self, key: Key) -> Key | None:
        waiting, known = [key], {key}
        while waiting:
            here = waiting.pop(0)
            if here in self.marks:
                return here
            for step in self.readers.get(here, ()):
                if step.value not in known and any(u.value == here and not u.distance for u in step.uses):
                    known.add(step.value)
                    waiting.append(step.value)
        return None

    def _letter(self, key: Key) -> str:
        return self.base.get(key, ("", ""))[0]

    def _gate(self, key: Key) -> str | None:
        """The letter of a gate by what it multiplies: f the cell, i its candidate g, o the output; z and r as in a GRU."""
        kind = self.sheet.steps[key].kind
        for step in self.readers.get(key, ()):
            if step.kind == "sub" and step.one("right").value == key:
                return "z"
            if step.kind == "mul":
                other = next((u for u in step.uses if u.value != key), None)
                if other is None:
                    continue
                letter = self._letter(other.value)
                target = self.target(step.value)
                into = self._letter(target) if target is not None else ""
                if letter == "c" and other.distance:
                    return "f"
                if into == "c":
                    return "g" if kind == "tanh" else "i"
                if into == "h" and self._is_of(other, "c"):
                    return "o"
                if self._is_mean(step):
                    return "h_tilde" if kind != "sigmoid" else "z"
                if (letter == "h" and other.distance) or kind == "sigmoid":
                    return "r"
        return None

    def _is_of(self, use: Use, letter: str) -> bool:
        step = self.sheet.steps.get(use.value)
        return self._letter(use.value) == letter or (step is not None and any(self._letter(u.value) == letter for u in step.uses))

    def _is_mean(self, product: Step) -> bool:
        """Whether a product is a part of (1 − z) ⊙ a + z ⊙ b."""
        total = next((s for s in self.readers.get(product.value, ()) if s.kind == "add"), None)
        if total is None:
            return False
        parts = [self.sheet.steps.get(use.value) for use in total.uses]
        inner = [self.sheet.steps.get(u.value) for p in parts if p is not None and p.kind == "mul" for u in p.uses]
        return any(s is not None and s.kind == "sub" for s in inner)

    # ---- weights -------------------------------------------------------------------------------------------------------------

    def _weights(self) -> None:
        """W_ab for a matrix from a to b, b_b for the bias of b, or b_ab where b has several."""
        sheet = self.sheet
        pairs: dict[str, tuple[str, str]] = {}
        for step in self.order:
            if step.kind in ("matmul", "dot", "embedding"):
                left, right = step.slots[0][1][0], step.slots[1][1][0]
                self._matrix(step, left, right, pairs)
        biases: dict[Key | None, list[tuple[Key, Step]]] = {}
        others: list[tuple[Key, Step]] = []
        for step in self.order:
            for use in step.uses:
                leaf = sheet.facts[use.value].leaf
                if use.value in self.ids or not isinstance(leaf, Leaf) or self._kind(leaf) not in ("parameter", "buffer"):
                    continue
                if step.kind == "add":
                    biases.setdefault(self.target(step.value), []).append((use.value, step))
                else:
                    others.append((use.value, step))
        for target, listed in biases.items():
            for key, _ in listed:
                self._bias(key, target, len({k for k, _ in listed}), pairs)
        for key, step in others:
            leaf = sheet.facts[key].leaf
            assert isinstance(leaf, Leaf)
            own = str(leaf.source).rpartition(".")[2]
            target = self.target(step.value)
            letter, mark = self.base.get(target, ("", "")) if target is not None else ("", "")
            self.name(key, own if _OWN.match(own) else f"w_{_below(letter)}" if letter else _word(str(leaf.source)), mark)

    def _matrix(self, step: Step, left: Use, right: Use, pairs: dict[str, tuple[str, str]]) -> None:
        source = source_of(self.sheet, left.value)
        key = left.value
        turned = self.sheet.steps.get(key)
        if turned is not None and turned.kind == "transpose":
            key = turned.one("input").value
        if not source or key in self.ids:
            return
        if step.kind == "embedding":
            self.name(key, "E")
            return
        target = self.target(step.value)
        letter, mark = self.base.get(target, ("", "")) if target is not None else ("", "")
        froms = dict.fromkeys(key for key, _ in self.sources(right))
        begin = ""
        if len(froms) == 1:
            only = next(iter(froms))
            begin, its = self.base[only]
            if (begin == letter and its != mark) or (begin in ("h", "s") and its != mark and only in self.marks):
                begin = "x" if letter != "y" else begin
        elif froms and mark and all(key in self.marks and self.base[key][1] != mark for key in froms):
            begin = "x"  # both directions of the layer below
        words = [word for word in (_below(begin), _below(letter)) if word]
        if (native := _OF_TORCH.search(source)) and letter in _GATES:
            words = [native[1], _GATES[letter]]
        below = ("_" if max(map(len, words), default=1) > 1 else "").join(words)
        stem = "W" if step.kind == "matmul" else "w"
        self.name(key, f"{stem}_{below}" if below else _word(source.split("(")[0].split("[")[0]), mark)
        pairs[source] = (below, mark)

    def _bias(self, key: Key, target: Key | None, count: int, pairs: dict[str, tuple[str, str]]) -> None:
        leaf = self.sheet.facts[key].leaf
        assert isinstance(leaf, Leaf)
        letter, mark = self.base.get(target, ("", "")) if target is not None else ("", "")
        weight = f"{self.sheet.low.biases.get(str(leaf.source), '')}{leaf.at[:1]}"
        if count == 1 and letter:
            self.name(key, f"b_{_below(letter)}", mark)
        elif weight in pairs:
            self.name(key, f"b_{pairs[weight][0]}", pairs[weight][1])
        else:
            self.name(key, f"b_{_below(letter)}" if letter else _word(str(leaf.source)), mark)


def _below(letter: str) -> str:
    return letter.partition("_")[0] if letter != "h_tilde" else "h"


def _short(name: str) -> str:
    return _word(name)


def _word(name: str) -> str:
    """A name of torch as an id."""
    word = re.sub(r"\W+", "_", name).strip("_")
    return word if word and not word[0].isdigit() else f"v_{word}"
