"""One recurrent layer or cell of torch written out as equations."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from netfig.errors import UsageError
from netfig.graph import Affine, Dim, Graph, Op, Ref, Slot, TensorType, Value
from netfig.mathtext import math
from netfig.passes.expand_draft import marked

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.passes.expand_draft import Draft
    from netfig.passes.expand_find import Found

_RNN = """x[t] : n,  h[t] : m
h[t] = tanh(W_xh x[t] + b_xh + W_hh h[t-1] + b_hh)  # hidden state
"""
"""The network of Elman as torch has it, with two biases and no output."""
_GATES = {"lstm": "ifgo", "gru": "rzn", "rnn": ""}


@lru_cache(maxsize=32)
def definition(kind: str, inputs: int, hidden: int, projected: int, bias: bool, relu: bool) -> Graph:
    """The equations of one layer in one direction, as a graph."""
    from netfig.equations import compile, parse
    from netfig.equations.library import cell_text

    name = "lstm-projection" if projected else kind
    text = _RNN if kind == "rnn" else cell_text(name)
    if relu:
        text = text.replace("tanh", "relu")
    if not bias:
        text = re.sub(r" \+ b_\w+", "", text)
    sizes = {"n": inputs, "m": hidden, **({"p": projected} if projected else {})}
    return compile(parse(text, name), sizes)


class Layer:
    """One layer written out."""

    def __init__(self, draft: Draft, found: Found) -> None:
        self.draft, self.found, self.values = draft, found, draft.values
        self.prefix = "" if found.scope.kind == "root" else f"{found.scope.id}/"
        self.axis = self.plate = self.name = ""
        self.starts: dict[str, tuple[str, ...]] = {}
        self.states = found.proj_size or found.hidden_size
        self.old = draft.graph.value_by_id
        self.needed, self.new = draft.take_out(found)
        self.ports = {port.value for port in draft.graph.outputs}

    def write(self, name: str = "") -> None:
        """Put the equations in the place of the layer; with a `name` that tells its values from those of other layers."""
        found = self.found
        self.name = name
        given = list(found.scope.inputs)
        if found.is_cell:
            for id, value in zip(found.scope.outputs, self._cell(given), strict=False):
                self._alias(id, value)
        else:
            self._layers(given)

    def write_step(self) -> None:
        """Put the equations of a cell that is called once in its place, as a sequence of one step."""
        found, given = self.found, list(self.found.scope.inputs)
        self.prefix, self.axis = "", self.draft.time(1)
        self.draft.equations(definition(found.kind, found.input_size, *self._sizes()))
        reads = self._given(given[0], "x", (self.axis,))
        starts = {letter: self._given(id, f"{letter}_0") for letter, id in zip(found.letters, given[1:], strict=False)}
        for id, state in zip(found.scope.outputs, self._direction(reads, found.input_size, 0, "", starts), strict=False):
            if id in self.needed:
                old = self.draft.add(replace(self.old[id], storage=None))
                whole = self.draft.add(Value(self.unique(f"{state}.sequence"), "computed", self.old[id].type))
                self.op("stack", [Ref(state)], (whole,), found.scope.id, f"{state}/stack", dim=0)
                self.op("select", [Ref(whole)], (old,), found.scope.id, f"{state}/select", dim=0, index=0)
            else:
                self.draft.renamed[id] = state

    def _given(self, id: str, name: str, axes: tuple[str, ...] = ()) -> str:
        """An input of the graph as a vector with a textbook's symbol; anything else as it is."""
        value = self.values[id]
        if value.kind == "input" and not self.draft.is_read_outside(id, self.found):
            vector = TensorType(value.type.dtype, (value.type.shape or ())[-1:])
            self.values[id] = replace(value, type=vector, axes=axes, symbol=math(name))
        return id

    def unique(self, wanted: str) -> str:
        """An id that is not used yet, in the scope of the layer."""
        return self.draft.unique(f"{self.prefix}{wanted}")

    def op(self, kind: str, refs: Iterable[Ref], outputs: tuple[str, ...], scope: str, id: str, **attributes: int) -> None:
        """A new op with one slot."""
        slot = Slot("input" if kind in ("unbind", "select") else "values", tuple(refs))
        self.new.append(Op(self.unique(id), kind, (slot,), outputs, scope, tuple(attributes.items())))

    # ---- a sequence --------------------------------------------------------------------------------------------------

    def _layers(self, given: list[str]) -> None:
        found = self.found
        shape = self.values[given[0]].type.shape or ()
        self.axis = self.draft.time(shape[self._time_dim(len(shape))].size if len(shape) > 1 else None)
        if found.layers == len(found.directions) == 1:
            self.draft.equations(definition(found.kind, found.input_size, *self._sizes()))
        reads = self._input(given[0])
        last: list[list[str]] = []
        for layer in range(found.layers):
            size = found.input_size if layer == 0 else self.states * len(found.directions)
            made: list[list[str]] = []
            for direction, ending in enumerate(found.directions):
                index = layer * len(found.directions) + direction
                starts = {letter: self._start(letter, id, index) for letter, id in zip(found.letters, given[1:], strict=False)}
                made.append(self._direction(reads, size, layer, ending, starts))
            last += made
            reads = made[0][0] if len(made) == 1 else self._both([one[0] for one in made], layer)
        self._outputs(reads, last)

    def _sizes(self) -> tuple[int, int, bool, bool]:
        """What tells one definition from another, beside the size of its input."""
        return self.found.hidden_size, self.found.proj_size, self.found.bias, self.found.relu

    def _time_dim(self, rank: int) -> int:
        return 1 if self.found.batch_first and rank == 3 else 0

    def _input(self, id: str) -> str:
        """The input step by step: a graph input itself, anything else taken apart."""
        axis, value = self.axis, self.values[id]
        vector = TensorType(value.type.dtype, (Dim(self.found.input_size),))
        if value.kind == "input" and not self.draft.is_read_outside(id, self.found):
            self.values[id] = replace(value, type=vector, axes=(axis,), symbol=value.symbol or math("x"))
            return id
        if (step := self.draft.steps_of(id, axis)) is not None:
            return step  # what the layer before hands on
        made = self.draft.add(Value(self.unique("x"), "computed", vector, math("x"), (axis,)))
        dim = self._time_dim(len(value.type.shape or ()))
        self.op("unbind", [Ref(id)], (made,), self.found.scope.id, "unbind", dim=dim)
        return made

    def _open(self, suffix: str) -> None:
        """A plate for what follows."""
        self.plate = self.unique(f"over {self.axis}{suffix}")
        self.draft.plate(self.plate, self.found.scope.id, self.axis)

    def _start(self, letter: str, id: str, index: int) -> str:
        """The state that one layer starts from, out of the tensor of all."""
        if id not in self.starts:
            size = self.states if letter == "h" else self.found.hidden_size
            vector = TensorType(self.values[id].type.dtype, (Dim(size),))
            marks = [self._mark(layer, ending) for layer in range(self.found.layers) for ending in self.found.directions]
            self.starts[id] = tuple(
                self.draft.add(Value(self.unique(f"{letter}_0.{k}"), "computed", vector, marked(math(f"{letter}_0"), mark)))
                for k, mark in enumerate(marks)
            )
            self.op("unbind", [Ref(id)], self.starts[id], self.found.scope.id, "unbind", dim=0)
        return self.starts[id][index]

    def _direction(self, reads: str, size: int, layer: int, ending: str, starts: dict[str, str]) -> list[str]:
        """One layer in one direction; hands back its states."""
        found, axis = self.found, self.axis
        cell = definition(found.kind, size, *self._sizes())
        mark = self._mark(layer, ending)
        suffix = f".l{layer}{ending}" if found.layers > 1 or len(found.directions) > 1 else ""
        self._open(suffix)
        names = {"x": reads, **self._weights("" if found.is_cell else f"l{layer}{ending}", suffix, mark)}
        for v in cell.values:
            if v.id in names:
                continue
            letter = v.id.partition("[")[0]
            if v.kind == "constant" and letter != v.id and letter in starts:
                names[v.id] = starts[letter]
                continue
            base, bracket, index = v.id.partition("[")
            base, slash, rest = base.partition("/")
            index = "t=T+1]" if ending and bracket else index
            names[v.id] = self.unique(f"{base}{suffix}{slash}{rest}{bracket}{index}")
            like = replace(v, id=names[v.id], type=self._type(v), symbol=marked(v.symbol, mark))
            self.draft.add(replace(like, axes=(axis,) if v.axes else (), names=(), initial=(), final=()))
        for v in cell.values:
            if v.initial:
                boundary = names[v.initial[0][2]]
                edge = {"final": ((axis, 1, boundary),)} if ending else {"initial": ((axis, 0, boundary),)}
                self.values[names[v.id]] = replace(self.values[names[v.id]], **edge)  # type: ignore[arg-type]
        for op in cell.ops:
            slots = [Slot(s.name, tuple(self._ref(ref, names, axis, bool(ending)) for ref in s.refs)) for s in op.inputs]
            outputs = tuple(names[out] for out in op.outputs)
            base, slash, rest = op.id.partition("/")
            id = self.unique(f"{base}{suffix}{slash}{rest}")
            self.new.append(Op(id, op.kind, tuple(slots), outputs, self.plate, op.attributes))
        self._call(cell, names, ending)
        return [names[letter] for letter in found.letters]

    def _call(self, cell: Graph, names: dict[str, str], ending: str = "") -> None:
        """Values are called what the library calls them."""
        way = (", backward" if ending else ", forward") if len(self.found.directions) > 1 else ""
        for note in cell.notes:
            if note.key == "label" and note.subject in names:
                self.draft.say(names[note.subject], "label", f"{note.value}{way}")
        for letter in self.found.letters:
            self.draft.say(names[letter], "cell", self.found.scope.type_name)

    def _type(self, v: Value) -> TensorType:
        """The type of a value of the equations in this model: numbers for its sizes, the dtype of the input."""
        dtype = self.old[self.found.scope.inputs[0]].type.dtype
        return TensorType(dtype, None if v.type.shape is None else tuple(Dim(d.size) for d in v.type.shape))

    def _mark(self, layer: int, ending: str) -> str:
        """What tells the states of layers and directions apart, above their symbols."""
        return self._layer_mark(layer) + (("←" if ending else "→") if len(self.found.directions) > 1 else "")

    def _layer_mark(self, layer: int) -> str:
        parts = [*([self.name] if self.name else []), *([str(layer + 1)] if self.found.layers > 1 else [])]
        return f"({', '.join(parts)})" if parts else ""

    def _ref(self, ref: Ref, names: dict[str, str], axis: str, backwards: bool) -> Ref:
        offset = tuple((axis, -distance if backwards else distance) for _, distance in ref.offset)
        return Ref(names[ref.value], offset)

    def _both(self, states: list[str], layer: int) -> str:
        """Both directions of a layer, one after the other."""
        one = self.values[states[0]]
        name = f"h.l{layer}" if self.found.layers > 1 else "h"
        symbol = marked(math("h"), self._layer_mark(layer))
        self._open(f".both.l{layer}" if self.found.layers > 1 else ".both")
        type = TensorType(one.type.dtype, (Dim(self.states * len(states)),))
        made = self.draft.add(Value(self.unique(name), "computed", type, symbol, (self.axis,)))
        self.op("cat", map(Ref, states), (made,), self.plate, f"{name}/cat")
        self.draft.say(made, "label", "both directions")
        return made

    def _outputs(self, output: str, states: list[list[str]]) -> None:
        """What the layer hands back: the sequence, and the last states of each layer and direction."""
        outputs = list(self.found.scope.outputs)
        if not outputs:
            return
        rank = len(self.old[outputs[0]].type.shape or ())
        if outputs[0] in self.needed:
            self._stack(outputs[0], [Ref(output)], self._time_dim(rank))
        else:
            self.draft.renamed[outputs[0]] = output
        for position, id in enumerate(outputs[1:]):
            if id in self.needed or id in self.ports:
                ends = [self._end(one[position]) for one in states]
                self._stack(id, ends, 0)

    def _end(self, state: str) -> Ref:
        """A state after its last step."""
        extent = next(a.extent for a in self.draft.axes if a.id == self.axis)
        name = Affine(((extent.name, 1),)) if extent.name else Affine((), extent.size or 0)
        return Ref(state, at=((self.axis, Affine((), 1) if self.values[state].final else name),))

    def _stack(self, id: str, refs: list[Ref], dim: int) -> None:
        self.draft.add(replace(self.old[id], storage=None))
        self.op("stack", refs, (id,), self.found.scope.id, "stack", dim=dim)

    # ---- weights -----------------------------------------------------------------------------------------------------

    def _weights(self, ending: str, suffix: str, mark: str) -> dict[str, str]:
        """The weights of the equations: rows of the parameters of the model."""
        found = self.found
        path = f"{found.scope.path}." if found.scope.path else ""
        end = f"_{ending}" if ending else ""
        names: dict[str, str] = {}
        for source, letter in (("ih", "i"), ("hh", "h")):
            for word, stem in (("weight", "W"), ("bias", "b")) if found.bias else (("weight", "W"),):
                parameter = self._parameter(f"{path}{word}_{source}{end}")
                if found.kind == "rnn":
                    name = f"{stem}_{'xh' if letter == 'i' else 'hh'}"
                    names[name] = parameter
                    self.values[parameter] = replace(self.values[parameter], symbol=marked(math(name), mark))
                else:
                    rows = [f"{stem}_{letter}{gate}" for gate in _GATES[found.kind]]
                    whole = marked(math(f"{stem}_{source}"), mark)
                    self.values[parameter] = replace(self.values[parameter], symbol=whole)
                    names |= self.draft.rows(parameter, rows, found.hidden_size, self.prefix, suffix, mark, self.new)
        if found.proj_size:
            names["W_hr"] = self._parameter(f"{path}weight_hr{end}")
            self.values[names["W_hr"]] = replace(self.values[names["W_hr"]], symbol=marked(math("W_hr"), mark))
        return names

    def _parameter(self, name: str) -> str:
        found = self.draft.parameter(name)
        if found is None:
            raise UsageError(f"the layer {self.found.scope.id!r} cannot be expanded", why=f"it has no parameter {name!r}")
        return found

    # ---- one step ----------------------------------------------------------------------------------------------------

    def _cell(self, given: list[str]) -> list[str]:
        """One step without a plate; hands back its states."""
        found = self.found
        cell = definition(found.kind, found.input_size, found.hidden_size, 0, found.bias, found.relu)
        names = {"x": given[0], **self._weights("", "", "")}
        before = {f"{letter}[t=0]": id for letter, id in zip(found.letters, given[1:], strict=False)}
        for v in cell.values:
            if v.id in names:
                continue
            if v.id in before:
                names[v.id] = before[v.id]
                continue
            id = self.unique(v.id.replace("[t=0]", "_0"))
            names[v.id] = self.draft.add(replace(v, id=id, type=self._type(v), axes=(), names=(), initial=()))
        states = {v.id: names[v.initial[0][2]] for v in cell.values if v.initial}
        for op in cell.ops:
            slots = [Slot(s.name, tuple(Ref(states[r.value] if r.offset else names[r.value]) for r in s.refs)) for s in op.inputs]
            outputs = tuple(names[out] for out in op.outputs)
            self.new.append(Op(self.unique(op.id), op.kind, tuple(slots), outputs, found.scope.id, op.attributes))
        self._call(cell, names)
        return [names[letter] for letter in found.letters]

    def _alias(self, id: str, value: str) -> None:
        """The value made now has the id that the rest of the graph knows it by."""
        old = self.old[id]
        made = self.values.pop(value)
        self.values[id] = replace(made, id=id, type=old.type, names=old.names)
        self.draft.recall(value, id)
        self.new[:] = [
            replace(
                op,
                inputs=tuple(
                    Slot(s.name, tuple(replace(r, value=id) if r.value == value else r for r in s.refs)) for s in op.inputs
                ),
                outputs=tuple(id if out == value else out for out in op.outputs),
            )
            for op in self.new
        ]
