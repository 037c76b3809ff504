"""Source "layers": a chain of ``torch.nn`` layers, on the command line or in a ``.layers`` file. Runs no code of the user's.

The language is described in `netfig.sources.layers_text`, what may be left out in `netfig.sources.layers_build`.
"""

from __future__ import annotations

import dataclasses
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidInput, UsageError
from netfig.hooks import Loaded, Request
from netfig.sources.files import read_file
from netfig.sources.layers_text import ChainText, read_chain
from netfig.sources.targets import split_target

if TYPE_CHECKING:
    from netfig.sources.inputs import InputWord
    from netfig.sources.layers_named import NamedShape

SUFFIX = ".layers"
_NAMED = re.compile(r"[^\W\dxX]|[xX]\s*[xX]|^\s*[xX]|[xX]\s*$")
"""Letters in the shape of an input, other than the x between sizes: sizes that are names."""
_CHAIN = re.compile(
    r"""\s*(?:[^\W\d][\w-]*\s*:\s+)?          # a name, a colon and a space: `file:Net` is a Python target
        (?:[0-9]+\s*\*|\(|\|
          |(?:(?:torch\.)?nn\.)?[^\W\d]\w*\s*[(|]  # Conv2d(…, ReLU | …
          |[A-Z]\w*\s*\Z)                     # ReLU
    """,
    re.VERBOSE,
)


def accepts(target: Any) -> bool:
    """A path that ends in ``.layers``, or text that starts like a chain."""
    if not isinstance(target, (str, os.PathLike)):
        return False
    text = os.fspath(target)
    if not isinstance(text, str) or split_target(text) is not None or text.lower().endswith(".json"):
        return False
    return text.lower().endswith(SUFFIX) or _CHAIN.match(text) is not None


def load(request: Request, options: Any) -> Loaded:
    """Read the chain, infer every shape, build the module and trace it."""
    text = os.fspath(request.target)
    is_file = text.lower().endswith(SUFFIX)
    chain = _read_file(text) if is_file else read_chain(text)
    given = _given_tensor(request)
    if given is None:
        request, chain, named = _with_sizes(request, chain)
        if named is not None:
            return _named(request, chain, named, text, is_file)
    elif chain.names or request.sizes:
        raise UsageError("a layer chain whose sizes are names is not run on a tensor", hint="leave it out, or write numbers")
    word, batch = _word_of(given) if given is not None else (_input_word(request, chain, text, is_file), request.batch)

    from netfig.sources.forward import Inputs
    from netfig.sources.layers_build import build
    from netfig.sources.targets import Resolved
    from netfig.sources.torch_source import trace

    needs_values = request.verify or request.device == "cpu"
    model, tensor = build(chain, word, batch, on_meta=request.device == "meta", needs_values=needs_values)
    name = request.name or chain.title or (Path(text).stem if is_file else "network")
    inputs = Inputs((tensor if given is None else given,), {}, None if word.is_exact or batch == 0 else batch)
    loaded = trace(request, Resolved(model, name, True), inputs)
    origin = Path(text).name if is_file else " ".join(text.split())
    return dataclasses.replace(loaded, graph=dataclasses.replace(loaded.graph, origin=origin))


def _with_sizes(request: Request, chain: ChainText) -> tuple[Request, ChainText, NamedShape | None]:
    """Numbers put in for names; the shape of the input where names are left, there or in the layers."""
    words = request.inputs or ((chain.input,) if chain.input is not None else ())
    in_words = any("=" not in word and _NAMED.search(word.partition(":")[0]) for word in words[:1])
    if not (chain.names or request.sizes or in_words):
        return request, chain, None
    from netfig.graph.formula_graph import check_names
    from netfig.sources.layers_named import read_shape

    if len(words) != 1 or request.inputs_from is not None:
        return request, chain, None  # the mistake is the same without names
    try:
        shape = read_shape(words[0])
    except InvalidInput as error:
        if request.inputs or chain.input_span is None:
            raise
        raise chain.error(error.what, chain.input_span, hint=error.hint) from None
    check_names(request.sizes, sorted({*chain.names, *shape.names}), "the chain")
    shape, chain = shape.at(request.sizes), chain.at(request.sizes)
    request = dataclasses.replace(request, inputs=(shape.text,))
    return request, chain, shape if shape.names or chain.names else None


def _named(request: Request, chain: ChainText, shape: NamedShape, text: str, is_file: bool) -> Loaded:
    """The graph of a chain in which names are left: it is not run."""
    from netfig.sources.files import refuse_what_models_take
    from netfig.sources.layers_named import named_graph

    rest = dataclasses.replace(request, inputs=(), sizes={}, batch=1)
    names = ", ".join(dict.fromkeys((*shape.names, *chain.names)))
    hint = f"give numbers for {names}: --size"
    refuse_what_models_take(rest, "a layer chain whose sizes are names takes", "it is not run", hint)
    name = request.name or chain.title or (Path(text).stem if is_file else "network")
    origin = Path(text).name if is_file else " ".join(text.split())
    return Loaded(named_graph(chain, shape, request.batch, name, origin))


def _read_file(path: str) -> ChainText:
    raw = read_file(path, "layer file")
    try:
        return read_chain(raw.decode("utf-8-sig"), Path(path).name)
    except UnicodeDecodeError as error:
        raise InvalidInput(f"layer file {path!r} is not UTF-8 text", why=f"byte {error.start}: {error.reason}") from None


def _given_tensor(request: Request) -> Any:
    """The tensor that Python hands over, if it does."""
    if request.arguments is None or not (request.arguments[0] or request.arguments[1]):
        return None
    args, kwargs = request.arguments
    if len(args) != 1 or kwargs or not hasattr(args[0], "shape") or not hasattr(args[0], "dtype"):
        raise UsageError(
            "a layer chain takes one tensor or the shape of one", hint="such as '3x64x64' or torch.zeros(1, 3, 64, 64)"
        )
    if request.inputs:
        raise UsageError("inputs are given twice: as arguments and as words", hint="give one of them")
    return args[0]


def _word_of(tensor: Any) -> tuple[InputWord, int]:
    """A tensor as a word; its first dimension is the batch, as everywhere in torch."""
    from netfig.sources.inputs import InputWord

    sizes, dtype = tuple(int(s) for s in tensor.shape), str(tensor.dtype).removeprefix("torch.")
    text = f"{'x'.join(map(str, sizes))}:{dtype}"
    return InputWord(text, None, sizes[1:], dtype, is_exact=not sizes), sizes[0] if sizes else 1


def _input_word(request: Request, chain: ChainText, text: str, is_file: bool) -> InputWord:
    from netfig.sources.inputs import read_word

    if request.inputs_from is not None:
        raise UsageError("a layer chain takes its input as a shape", hint="write --input 3x64x64")
    if len(request.inputs) > 1:
        raise UsageError(f"a layer chain takes one input, {len(request.inputs)} are given", why=", ".join(request.inputs))
    if request.inputs:
        word = read_word(request.inputs[0])
    elif chain.input is not None:
        try:
            word = read_word(chain.input)
        except InvalidInput as error:
            assert chain.input_span is not None, "a text that has an input says where"
            raise chain.error(error.what, chain.input_span, hint=error.hint) from None
    else:
        where = f"in the file, a line 'input: 3x64x64', or: netfig draw {text} --input 3x64x64" if is_file else ""
        example = f"netfig draw '{' '.join(text.split())}' --input 3x64x64"
        raise UsageError("a layer chain needs the shape of its input", hint=where or f"such as: {example}")
    if word.name is not None:
        raise UsageError(f"a layer chain has no input named {word.name!r}", hint="leave the name out: --input 3x64x64")
    if word.sizes is None:
        raise UsageError(f"a layer chain takes a tensor, not {word.text!r}", hint="write --input 3x64x64")
    return word
