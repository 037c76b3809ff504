"""The inputs a model is run on: ``--input`` words, the ``--inputs`` target, or what Python hands over.

An ``--input`` word is ``[name=]shape[:dtype]`` or ``[name=]@literal``::

    3x64x64              a float32 tensor, the batch added in front: 1×3×64×64
    12:int64             zeros of another dtype: 1×12
    tokens=12:int64      for the parameter `tokens` of forward
    [3x64x64]            exactly this shape, no batch added; [] has no dimension
    flag=@true           a value: a number, a string, true, false, none, or a list or tuple of them
"""

from __future__ import annotations

import ast
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidInput, ModelFailed, UsageError, did_you_mean, point_at, shown
from netfig.records import dataclass
from netfig.sources.forward import INDEX_NAMES, Forward, Inputs, reads_indices

if TYPE_CHECKING:
    import torch

    from netfig.hooks import Request

_NAME = re.compile(r"\s*(?:(?P<name>[^\W\d]\w*)\s*=)?\s*")
_SEPARATORS = "xX×,"
_DTYPES = {"float": "float32", "double": "float64", "half": "float16", "int": "int64", "long": "int64", "complex": "complex64"}
_WORDS = {"true": True, "false": False, "none": None}
_MAX_ELEMENTS = 2**28


@dataclass(frozen=True)
class InputWord:
    """One ``--input`` word, read. `sizes` is ``None`` for a value; `is_exact` means that no batch is added."""

    text: str
    name: str | None = None
    sizes: tuple[int, ...] | None = None
    dtype: str | None = None
    is_exact: bool = False
    value: Any = None

    def shape(self, batch: int) -> tuple[int, ...]:
        """The tensor's shape; a batch of 0 adds no dimension."""
        assert self.sizes is not None, "a value has no shape"
        return self.sizes if self.is_exact or batch == 0 else (batch, *self.sizes)


def read_word(text: str) -> InputWord:
    """Read one ``--input`` word, or point at the character that is wrong."""
    found = _NAME.match(text)
    assert found is not None, "the pattern takes any text"
    rest, start = text[found.end() :].rstrip(), found.end()
    if rest.startswith("@"):
        return InputWord(text, found["name"], value=_read_value(text, rest[1:], start + 1))
    is_exact = rest.startswith("[")
    if is_exact:
        end = rest.find("]")
        if end < 0:
            raise _malformed(text, start + len(rest), "a closing ']' is missing")
        body, body_start, after, after_start = rest[1:end], start + 1, rest[end + 1 :], start + end + 1
    else:
        body, _, _ = rest.partition(":")
        body_start, after, after_start = start, rest[len(body) :], start + len(body)
    sizes = () if is_exact and not body.strip() else _read_sizes(text, body, body_start)
    return InputWord(text, found["name"], sizes, _read_dtype(text, after, after_start), is_exact)


def _read_sizes(text: str, body: str, start: int) -> tuple[int, ...]:
    sizes, position = [], 0
    while True:
        number = re.compile(r"\s*([0-9]+)\s*").match(body, position)
        if number is None:
            raise _malformed(text, start + position, "a size is missing here" if position == len(body) else "a size is a number")
        if len(number[1]) > 12:
            raise _malformed(text, start + number.start(1), "this size is too large", start + number.end(1))
        sizes.append(int(number[1]))
        position = number.end()
        if position == len(body):
            return tuple(sizes)
        if body[position] not in _SEPARATORS:
            raise _malformed(text, start + position, "sizes are joined by 'x'")
        position += 1


def _read_dtype(text: str, after: str, start: int) -> str | None:
    if not after:
        return None
    if not after.startswith(":"):
        raise _malformed(text, start, "after the shape comes ':' and a dtype, or nothing")
    name = after[1:].strip().removeprefix("torch.")
    if not name:
        raise _malformed(text, start + 1, "a dtype is missing after ':'")
    known = _dtypes()
    dtype = _DTYPES.get(name, name)
    if dtype not in known:
        raise _malformed(
            text, start + 1, f"unknown dtype {shown(name)}", start + len(after), did_you_mean(name, [*known, *_DTYPES])
        )
    return dtype


def _dtypes() -> tuple[str, ...]:
    import torch

    return tuple(
        sorted(n for n, v in vars(torch).items() if isinstance(v, torch.dtype) and str(v) == f"torch.{n}" and _is_plain(v))
    )


def _is_plain(dtype: torch.dtype) -> bool:
    """Whether tensors of it can be made and filled: no quantised or sub-byte storage formats."""
    return (
        dtype.is_floating_point
        or dtype.is_complex
        or str(dtype).removeprefix("torch.").rstrip("0123456789") in ("int", "uint", "bool")
    ) and not re.search(r"int[1-7]$|fn_x2|e8m0", str(dtype))


def _read_value(text: str, literal: str, start: int) -> Any:
    if literal.strip().lower() in _WORDS:
        return _WORDS[literal.strip().lower()]
    try:
        return ast.literal_eval(literal.strip())
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        hint = "after '@' stands a number, a 'string', true, false, none, or a [list] or (tuple) of them"
        raise _malformed(text, start, f"{shown(literal)} is not a value", start + len(literal), hint) from None


def _malformed(text: str, column: int, why: str, end: int | None = None, hint: str = "") -> InvalidInput:
    return InvalidInput(
        f"input {shown(text)} is malformed: {why}",
        where=point_at(text, column, end),
        hint=hint or "write 3x64x64, tokens=12:int64, [3x64x64] (no batch added) or flag=@true",
    )


def make_tensor(word: InputWord, batch: int, dtype: str = "float32") -> torch.Tensor:
    """The tensor of a word: noise for floats from a generator of its own, zeros (valid indices) for integers and booleans."""
    import torch

    shape, kind = word.shape(batch), getattr(torch, word.dtype or dtype)
    count = 1
    for size in shape:
        count *= size
    if count > _MAX_ELEMENTS:
        raise InvalidInput(f"input {word.text!r} has {count:,} elements; the limit is {_MAX_ELEMENTS:,}")
    if not (kind.is_floating_point or kind.is_complex):
        return torch.zeros(shape, dtype=kind, device="cpu")
    generator = torch.Generator(device="cpu").manual_seed(0)
    made = torch.complex64 if kind.is_complex else torch.float32
    return torch.randn(shape, generator=generator, dtype=made, device="cpu").to(kind)


def make_inputs(request: Request, model: Any) -> Inputs:
    """The arguments forward is called with, checked against its parameters before anything runs."""
    forward = Forward(model)
    if request.arguments is not None:
        if request.inputs or request.inputs_from is not None:
            raise UsageError("inputs are given twice: as arguments and as words", hint="give one of them")
        return forward.checked(Inputs(tuple(request.arguments[0]), dict(request.arguments[1])), request)
    if request.inputs and request.inputs_from is not None:
        raise UsageError("--input and --inputs are both given", hint="--inputs names code that makes all inputs; leave one out")
    if request.inputs_from is not None:
        return forward.checked(_from_target(request.inputs_from, forward), request)
    words = [read_word(text) for text in request.inputs]
    if not words and (forward.needed or forward.takes_any):
        raise forward.no_input(request)
    return forward.checked(_from_words(words, request.batch, forward, model), request)


def _from_words(words: Sequence[InputWord], batch: int, forward: Forward, model: Any) -> Inputs:
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    batched = False
    for word in words:
        if word.name is not None and word.name in kwargs:
            raise UsageError(f"input {word.name!r} is given twice", where=word.text, hint="each name stands once")
        if word.name is not None:
            forward.check_name(word.name, word.text)
        name = word.name or forward.positional_name(len(args))
        value = word.value if word.sizes is None else make_tensor(word, batch, _sensible_dtype(model, name, forward))
        batched = batched or (word.sizes is not None and not word.is_exact and batch > 0)
        if word.name is None:
            args.append(value)
        else:
            kwargs[word.name] = value
    return Inputs(tuple(args), kwargs, batch if batched else None)


def _sensible_dtype(model: Any, name: str | None, forward: Forward) -> str:
    """int64 where an index is plainly meant (by its annotation, its name, or an embedding that reads it first), else float32."""
    annotation = forward.annotation(name)
    for word, dtype in (("LongTensor", "int64"), ("IntTensor", "int32"), ("BoolTensor", "bool")):
        if word in annotation:
            return dtype
    if name is not None and INDEX_NAMES.match(name):
        return "int64"
    return "int64" if reads_indices(model) and name == forward.positional_name(0) else "float32"


def _from_target(text: str, forward: Forward) -> Inputs:
    from netfig.sources.importing import folder_of, importable
    from netfig.sources.targets import call, resolve, split_target

    target = split_target(text)
    if target is None:
        raise UsageError(f"--inputs {text!r} is not a target", hint="write '--inputs file.py:make_inputs'")
    with importable(folder_of(target.place, is_file=target.is_file)):
        found = resolve(target, wants_module=False)
        value = found.value
        if callable(value) and not _is_tensor_like(value):
            value = call(value, found.name, (), {}, target, "auto")
    return arrange(value, forward)


def _is_tensor_like(value: Any) -> bool:
    import torch

    return isinstance(value, torch.Tensor)


def arrange(value: Any, forward: Forward) -> Inputs:
    """Any structure as arguments: a tuple is args, a dict kwargs, ``(args, kwargs)`` both, anything else the one argument."""
    match value:
        case (tuple() | list() as args, dict() as kwargs) if isinstance(value, tuple) and all(isinstance(k, str) for k in kwargs):
            return Inputs(tuple(args), kwargs)
        case tuple():
            return Inputs(value)
        case dict() if all(isinstance(k, str) for k in value) and (forward.fits((), value) or not forward.fits((value,), {})):
            return Inputs((), value)
        case _:
            return Inputs((value,))


def dtype_hint(error: ModelFailed) -> None:
    """Say how to give integers when an embedding refused floats."""
    if not error.hint and re.search(r"indices.*(Long|Int)|scalar types.*(Long|Int)", f"{error.what} {error.why}", re.DOTALL):
        error.hint = "indices are integers: write the input as 12:int64"
