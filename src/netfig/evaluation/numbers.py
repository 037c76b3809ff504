"""Sizes and numbers: what the named sizes are, tensors for families of values, random ones, constants."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from netfig.errors import InvalidInput, UsageError
from netfig.graph.exact import decode
from netfig.graph.plates_index import Places, placed_id
from netfig.graph.types import Affine, Dim, Graph, Value

GIVEN = ("input", "parameter", "buffer")
"""Kinds of values that a graph does not make itself."""

MOST = 100_000_000
"""Random numbers of one step that are made at most."""


def check_sizes(sizes: Mapping[str, int]) -> None:
    """Sizes are whole numbers, and none is negative.

    Raises:
        UsageError: one is not.
    """
    for name, number in sizes.items():
        if isinstance(number, bool) or not isinstance(number, int) or number < 0:
            raise UsageError(f"the size {name} is {number!r}", why="it has to be a whole number from 0 on")


def random_numbers(
    graph: Graph,
    sizes: Mapping[str, int] | None = None,
    seed: int = 0,
    dtype: torch.dtype = torch.float64,
    given: Mapping[str, Tensor] | None = None,
) -> dict[str, Tensor]:
    """Random numbers for the inputs and parameters of a graph, the same ones for the same seed, beside those `given`.

    A value with axes gets one tensor for each place (``x[t=1]``).

    Raises:
        UsageError: the number of a size is not known; all of them are named.
    """
    sizes = sizes or {}
    if not -(1 << 63) <= seed < 1 << 63:
        raise UsageError(f"the seed {seed} is out of range", why="it is a whole number of 64 bits")
    places = Places(graph, [a.id for a in graph.axes], {}, sizes)
    found: dict[str, Tensor] = dict(given or {})
    wanted = [v for v in graph.values if v.kind in GIVEN and v.id not in found]
    unknown = dict.fromkeys(str(d) for v in wanted for d in (v.type.shape or ()) if number_of(d, places.sizes) is None)
    if unknown:
        names = dict.fromkeys(name for text in unknown for name in _names(text))
        raise UsageError(
            f"how large {' and '.join(names)} {'is' if len(names) == 1 else 'are'} is not known",
            hint=f"say so: {' '.join(f'--size {name}=3' for name in names)}, or sizes={dict.fromkeys(names, 3)}",
        )
    count = sum(math.prod(number_of(d, places.sizes) or 0 for d in v.type.shape or ()) for v in wanted)
    if count > MOST:
        raise UsageError(f"{count:,} random numbers are too many", why=f"{MOST:,} is the most", hint="give smaller sizes")
    generator = torch.Generator().manual_seed(seed)
    for v in wanted:
        if v.data is not None:  # a worked example says its numbers
            found[v.id] = constant(v, places.sizes, dtype)
            continue
        shape = [number_of(d, places.sizes) or 0 for d in v.type.shape or ()]
        for place in every_place(places, v):
            scale = shape[-1] ** -0.5 if v.kind == "parameter" and len(shape) > 1 and shape[-1] else 1.0
            found.setdefault(instance(places, v, place), torch.randn(shape, generator=generator, dtype=dtype) * scale)
    return found


def _names(text: str) -> list[str]:
    try:
        return [name for name, _ in Affine.parse(text).terms]
    except ValueError:
        return [one for one in re.findall(r"[^\W\d]\w*", text) if _FACTORS.match(text)] or [text]


_FACTORS = re.compile(r"\A(?:\w+)(?:[*+]\w+)*\Z")
"""A sum of products of names and whole numbers: ``h*d_k``, ``h*d_k+2*g*d_k``."""


def number_of(dim: Dim, sizes: Mapping[str, int]) -> int | None:
    """A size as a number, if it is known."""
    if dim.size is not None or dim.name is None:
        return dim.size
    try:
        return Affine.parse(dim.name).at(sizes).number
    except ValueError:
        return sizes[dim.name] if dim.name in sizes else _of_products(dim.name, sizes)


def _of_products(text: str, sizes: Mapping[str, int]) -> int | None:
    """The number of a sum of products, if every factor is known."""
    if not _FACTORS.match(text):
        return None
    total = 0
    for term in text.split("+"):
        factors = [int(one) if one.isdecimal() else sizes.get(one) for one in term.split("*")]
        if None in factors:
            return None
        total += math.prod(one for one in factors if one is not None)
    return total


def every_place(places: Places, v: Value) -> list[dict[str, int]]:
    """All places of a value."""
    return list(places.every(places.placed_axes(v.id), {}))


def instance(places: Places, v: Value, place: Mapping[str, int]) -> str:
    """The id of a value at a place, as when it is unrolled."""
    return placed_id(v.id, [(axis, place[axis]) for axis in places.placed_axes(v.id)], places.order)


def solved_sizes(graph: Graph, given: Mapping[str, Any], sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes that the shapes of given tensors tell, with those already known.

    Raises:
        InvalidInput: a tensor does not have the shape of its value; all of them are named.
    """
    known = dict(sizes)
    starts = {a.id: a for a in graph.axes}
    wrong: list[str] = []
    for id, tensor in given.items():
        v = graph.value_by_id.get(id)
        if v is None or v.type.shape is None:
            continue
        dims = [*(starts[axis].extent for axis in v.axes), *v.type.shape]
        batch = range(len(v.axes), len(v.axes) + tensor.dim() - len(dims))
        if tensor.dim() < len(dims):
            wrong.append(f"{id} has {tensor.dim()} dimensions instead of {len(dims)} ({', '.join(map(str, dims)) or 'a scalar'})")
            continue
        sizes_given = [size for i, size in enumerate(tensor.shape) if i not in batch]
        for dim, size in zip(dims, sizes_given, strict=True):
            if not _fits(dim, size, known):
                wrong.append(f"{id} is {tuple(tensor.shape)} instead of ({', '.join(map(str, dims))})")
                break
    if wrong:
        raise InvalidInput("the numbers do not fit the shapes", why="\n       ".join(wrong))
    return known


def _fits(dim: Dim, size: int, known: dict[str, int]) -> bool:
    """Whether a size may be what it is; a name that has no number yet gets one."""
    if dim.name is None:
        return dim.size is None or dim.size == size
    if dim.size is not None:
        return dim.size == size
    try:
        rest = Affine.parse(dim.name).at(known)
    except ValueError:
        number = _of_products(dim.name, known)
        return known.setdefault(dim.name, size if number is None else number) == size
    if rest.number is not None:
        return rest.number == size
    if len(rest.terms) == 1:
        name, factor = rest.terms[0]
        number, remainder = divmod(size - rest.constant, factor)
        known[name] = number
        return not remainder
    return True


def _exact(text: str) -> float | None:
    """The value of an exact number such as ``sqrt(3)*ln(80)``, or ``None`` for a text that is none."""
    try:
        number = decode(text)
    except ValueError:
        return None
    return -math.inf if number is None else float(number)


def constant(v: Value, sizes: Mapping[str, int], dtype: torch.dtype) -> Tensor:
    """The numbers of a constant; a single one fills the shape.

    Raises:
        UsageError: it is made of sizes that are not known.
    """
    if v.data == ("identity",) and v.type.shape is not None and None not in (size := [number_of(d, sizes) for d in v.type.shape]):
        return torch.eye(*[n for n in size if n is not None], dtype=dtype)
    numbers = []
    for one in v.data or ():
        number = sizes.get(one, _exact(one)) if isinstance(one, str) else one
        if not isinstance(number, (int, float)):
            raise UsageError(f"what {one} is is not known", where=v.id, hint=f"say so: {one}=3")
        numbers.append(float(number))
    flat = torch.tensor(numbers, dtype=dtype)
    shape = [number_of(d, sizes) for d in v.type.shape or ()]
    if flat.numel() == 1:
        return (
            torch.full([size for size in shape if size is not None], float(flat[0]), dtype=dtype)
            if None not in shape
            else flat[0]
        )
    return flat if None in shape else flat.reshape([size for size in shape if size is not None])
