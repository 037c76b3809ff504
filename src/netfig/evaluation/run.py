"""Running a graph: each op once for each place of the plates around it, when what it reads is there."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from netfig.errors import InvalidInput, ModelFailed, NetfigError, UsageError, did_you_mean
from netfig.evaluation.attention import attention_result
from netfig.evaluation.numbers import GIVEN, check_sizes, constant, every_place, instance, number_of, random_numbers, solved_sizes
from netfig.evaluation.ops import Function, Read, result
from netfig.graph.plates_index import Places, placed_attributes
from netfig.graph.types import Graph, Op, Value

Key = tuple[str, tuple[int, ...]]


def evaluate(
    graph: Graph,
    inputs: Mapping[str, Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    sizes: Mapping[str, int] | None = None,
    dtype: torch.dtype | None = None,
    functions: Mapping[str, Function] | None = None,
    seed: int | None = None,
) -> dict[str, Tensor]:
    """The numbers of every value of a graph, rolled or unrolled, by value id; gradients flow through.

    `inputs` and `parameters` are tensors by value id. One for a value with axes has these as its first dimensions, or each place
    has its own (``x[t=1]``); what comes back has both forms. Dimensions before its shape are a batch. `sizes` has numbers
    for names (``T``, ``K``) that the tensors do not tell, `functions` what unknown functions compute. With a `seed`, what is not
    given is random. The dtype is ``float64``.

    Raises:
        UsageError: numbers or sizes are missing, or for values that do not exist.
        InvalidInput: shapes do not fit, or something is read where it has no value.
    """
    dtype = dtype or torch.float64
    check_sizes(sizes or {})
    given = {id: torch.as_tensor(one, dtype=dtype) for id, one in {**(inputs or {}), **(parameters or {})}.items()}
    known = solved_sizes(graph, given, sizes or {})
    if seed is not None:
        given = random_numbers(graph, known, seed, dtype, given)
    return _Run(graph, given, known, dtype, functions or {}).run()


class _Run:
    def __init__(
        self,
        graph: Graph,
        given: Mapping[str, Tensor],
        sizes: Mapping[str, int],
        dtype: torch.dtype,
        functions: Mapping[str, Function],
    ) -> None:
        self.graph, self.dtype, self.functions = graph, dtype, functions
        self.places = Places(graph, [a.id for a in graph.axes], {}, sizes)
        self.sizes = self.places.sizes
        self.numbers: dict[Key, Tensor] = {}
        self.made_by = {out: op for op in graph.ops for out in op.outputs}
        self._fill(given)

    def run(self) -> dict[str, Tensor]:
        for op in self.graph.ops:
            nest = self.places.around[op.scope]
            for place in self.places.every(nest, {}):
                self._make(op, place)
        found: dict[str, Tensor] = {}
        for v in self.graph.values:
            axes = self.places.placed_axes(v.id)
            places = every_place(self.places, v)
            listed = [self.numbers[key] for place in places if (key := (v.id, tuple(place[a] for a in axes))) in self.numbers]
            if len(listed) < len(places):
                continue  # nothing reads it and nothing makes it
            if axes:
                found |= {instance(self.places, v, place): one for place, one in zip(places, listed, strict=True)}
                whole = self._whole(v, axes, places, listed)
                found |= {v.id: whole} if whole is not None else {}
            else:
                found[v.id] = listed[0]
        return found

    def _whole(self, v: Value, axes: tuple[str, ...], places: list[dict[str, int]], listed: list[Tensor]) -> Tensor | None:
        """A value at all places as one tensor, when their ranges do not depend on each other and the shapes are the same."""
        lengths = [len({place[axis] for place in places}) for axis in axes]
        rank = listed[0].dim() if listed and v.type.shape is None else len(v.type.shape or ())
        if not listed or math.prod(lengths) != len(listed) or len({one.shape[one.dim() - rank :] for one in listed}) != 1:
            return None
        even = torch.broadcast_tensors(*listed)  # type: ignore[no-untyped-call]
        ordered = sorted(zip(places, even, strict=True), key=lambda pair: [pair[0][axis] for axis in axes])
        return torch.stack([one for _, one in ordered]).reshape(*lengths, *even[0].shape)

    # ---- what is given -----------------------------------------------------------------------------------------------

    def _fill(self, given: Mapping[str, Tensor]) -> None:
        """Put given numbers and constants in their places."""
        used: set[str] = set()
        missing: list[str] = []
        for v in self.graph.values:
            axes = self.places.placed_axes(v.id)
            if v.kind == "computed":
                continue
            for place in every_place(self.places, v):
                numbers = tuple(place[axis] for axis in axes)
                found = self._given(v, place, axes, given, used)
                if found is None and (v.kind == "constant" or v.data is not None):
                    found = constant(v, self.sizes, self.dtype)
                if found is not None:
                    self.numbers[v.id, numbers] = found
                elif v.kind in GIVEN and v.id not in missing:
                    missing.append(v.id)
        unknown = [id for id in given if id not in used]
        if unknown:
            raise UsageError(
                f"there is no value {unknown[0]!r} to give numbers to", hint=did_you_mean(unknown[0], self._wanted())
            )
        if missing:
            raise UsageError(f"there are no numbers for {', '.join(missing)}", hint="give them, or use random_numbers")

    def _wanted(self) -> list[str]:
        return [v.id for v in self.graph.values if v.kind != "computed"]

    def _given(
        self, v: Value, place: Mapping[str, int], axes: tuple[str, ...], given: Mapping[str, Tensor], used: set[str]
    ) -> Tensor | None:
        own = instance(self.places, v, place)
        if own in given:
            used.add(own)
            return given[own]
        if axes and v.id in given:
            used.add(v.id)
            starts = [self.places.span(axis, place).start for axis in axes]
            at = tuple(place[axis] - start for axis, start in zip(axes, starts, strict=True))
            if any(i >= size for i, size in zip(at, given[v.id].shape, strict=False)):
                raise InvalidInput(
                    f"there are too few numbers for {v.id}", why=f"{own} is wanted, and its shape is {tuple(given[v.id].shape)}"
                )
            return given[v.id][at]
        return None

    # ---- ops ---------------------------------------------------------------------------------------------------------

    def _make(self, op: Op, place: dict[str, int]) -> None:
        """Run an op at a place, after those that make what it reads (however many steps back that goes)."""
        waiting: list[tuple[Op, dict[str, int]]] = [(op, place)]
        underway: set[Key] = set()
        while waiting:
            op, place = waiting[-1]
            key = (op.id, tuple(place.values()))
            if self._done(op, place):
                waiting.pop()
                continue
            reads = {
                slot.name: [(use.value, use.numbers) for ref in slot.refs for use in self.places.uses(ref, place, op.id)]
                for slot in op.inputs
            }
            absent = [one for listed in reads.values() for one in listed if one not in self.numbers]
            if absent:
                if key in underway:
                    raise InvalidInput("some steps need each other", where=op.id, why=f"{absent[0][0]} is needed to make it")
                underway.add(key)
                waiting += [self._maker(one, op) for one in absent]
                continue
            self._run(op, place, {name: [self._read(one) for one in listed] for name, listed in reads.items()})
            waiting.pop()

    def _read(self, key: Key) -> Read:
        shape = self.graph.value_by_id[key[0]].type.shape
        return Read(self.numbers[key], None if shape is None else len(shape))

    def _outputs(self, op: Op, place: Mapping[str, int]) -> list[Key]:
        found: list[Key] = []
        for out in op.outputs:
            axes = self.places.placed_axes(out)
            known = {axis: place[axis] for axis in axes if axis in place}
            every = self.places.every([axis for axis in axes if axis not in known], known)
            found += [(out, tuple(full[axis] for axis in axes)) for full in every]
        return found

    def _done(self, op: Op, place: Mapping[str, int]) -> bool:
        return all(key in self.numbers for key in self._outputs(op, place))

    def _maker(self, key: Key, reader: Op) -> tuple[Op, dict[str, int]]:
        value, numbers = key
        op = self.made_by.get(value)
        if op is None:
            raise UsageError(f"there are no numbers for {value}", where=reader.id)
        target = dict(zip(self.places.placed_axes(value), numbers, strict=True))
        return op, {axis: target[axis] for axis in self.places.around[op.scope]}

    def _run(self, op: Op, place: Mapping[str, int], reads: Mapping[str, list[Read]]) -> None:
        outputs = self._outputs(op, place)
        shape = self.graph.value_by_id[op.outputs[0]].type.shape if op.outputs else None
        attributes = placed_attributes(op.attributes, {**self.sizes, **place})
        here = op if attributes == op.attributes else Op(op.id, op.kind, op.inputs, op.outputs, op.scope, attributes)
        try:
            if op.attribute("part") is not None:
                slots = {name: [read.tensor for read in listed] for name, listed in reads.items()}
                made = attention_result(op, slots, {**self.sizes, **place})
            else:
                every = [read for listed in reads.values() for read in listed]
                made = result(here, every, None if shape is None else len(shape), self.functions, self.dtype)
        except NetfigError:
            raise
        except Exception as error:
            shapes = ", ".join(f"{name} {[tuple(read.tensor.shape) for read in listed]}" for name, listed in reads.items())
            raise ModelFailed(f"{op.kind} cannot be computed", where=op.id, why=f"{shapes}: {error}") from error
        sizes = [number_of(dim, {**self.sizes, **place}) for dim in shape or ()]
        for key, one in zip(outputs, made, strict=True):
            full = one.dim() == 0 and sizes and None not in sizes  # a sum over nothing is 0 of the right shape
            self.numbers[key] = one.expand([size for size in sizes if size is not None]) if full else one
