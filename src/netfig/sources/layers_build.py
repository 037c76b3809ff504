"""From the words of a layer chain to a module: shapes are inferred layer by layer on the meta device.

A layer is a class of ``torch.nn`` with the arguments of its constructor. If they lack a required one, the size of the layer's
input (``in_channels``, ``in_features``, ``num_features``, ``normalized_shape``, ``input_size``, ``embed_dim``, ``d_model`` …) is
put in its place: ``Linear(576, 10)`` is complete, ``Linear(10)`` takes 576 from what reaches it. Since the batch stands in front,
layers with ``batch_first`` have it on unless told otherwise, and a softmax without ``dim`` works along the last one.
"""

from __future__ import annotations

import contextlib
import difflib
import inspect
import itertools
import math
import re
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import nn

from netfig.errors import InvalidInput, did_you_mean, shown
from netfig.sources.inputs import InputWord, make_tensor
from netfig.sources.layers_text import BlockWord, ChainText, Item, LayerWord
from netfig.sources.layers_torch import (
    CONTAINERS,
    Block,
    Chain,
    Layer,
    Residual,
    apply,
    layer_classes,
    signature_of,
    signature_text,
    spatial_count,
    takes,
)
from netfig.sources.randomness import fixed_randomness

MAX_LAYERS = 5000
REAL_BELOW = 50_000_000
"""Chains with more parameters than this stay on the meta device: a figure needs no weights."""

_CHANNELS = ("in_channels", "num_features", "num_channels")
_LAST = ("in_features", "normalized_shape", "input_size", "embed_dim", "d_model")
_SEQUENCE_LAYERS = (nn.RNNBase, nn.MultiheadAttention, nn.TransformerEncoderLayer, nn.TransformerEncoder)
_SPATIAL = {1: ("L",), 2: ("H", "W"), 3: ("D", "H", "W")}
_SHORT_NAMES = (
    (r"ConvTranspose", "upconv"),
    (r"Conv\d", "conv"),
    (r".*Pool\d", "pool"),
    (r".*Norm", "norm"),
    (r".*Dropout", "dropout"),
    (r".*Pad\d", "pad"),
    (r"Upsampl", "upsample"),
    (r"MultiheadAttention", "attention"),
    (r"TransformerEncoder", "encoder"),
)


def build(chain: ChainText, word: InputWord, batch: int, *, on_meta: bool, needs_values: bool) -> tuple[nn.Module, torch.Tensor]:
    """The module of a chain and the tensor it runs on; `needs_values` makes real weights however many there are."""
    dtype = word.dtype or ("int64" if _first_class(chain.items).startswith("Embedding") else "float32")
    batched = not word.is_exact and batch > 0
    if _layer_count(chain.items) > MAX_LAYERS:
        longest = max(chain.items, key=lambda item: _layer_count((item,)))
        raise chain.error(f"the chain has {_layer_count(chain.items):,} layers; the limit is {MAX_LAYERS:,}", longest.span)
    inference = Inference(chain, batched)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        tensor = make_tensor(word, batch, dtype)
        plan, _ = inference.block(chain.items, tensor.to("meta"), None)
        stays_on_meta = on_meta or (inference.parameter_count > REAL_BELOW and not needs_values)
        try:
            with fixed_randomness(), torch.device("meta" if stays_on_meta else "cpu"):
                model = plan.make()
        except (MemoryError, RuntimeError) as error:
            what = f"the chain has {inference.parameter_count:,} parameters, which do not fit into memory"
            raise InvalidInput(
                what, where=chain.place, why=_reason(error), hint="without --verify no memory is needed"
            ) from error
    return (model.to(tensor.dtype) if tensor.is_floating_point() else model), tensor


def _layer_count(items: tuple[Item, ...]) -> int:
    return sum(item.count * (1 if isinstance(item, LayerWord) else _layer_count(item.items)) for item in items)


def _first_class(items: tuple[Item, ...]) -> str:
    first = items[0]
    return first.type_name if isinstance(first, LayerWord) else _first_class(first.items)


class Inference:
    """Walks the chain with a tensor that has a shape and no memory."""

    def __init__(self, chain: ChainText, batched: bool) -> None:
        self.chain, self.batched = chain, batched
        self.layer_count = 0
        self.parameter_count = 0

    def block(self, items: tuple[Item, ...], x: torch.Tensor, word: BlockWord | None) -> tuple[Block, torch.Tensor]:
        """Plan a sequence; `word` is the block it stands in."""
        entered, children, plain = x, [], True
        for name, item in self.named(items):
            child: Layer | Block
            before = x
            if isinstance(item, BlockWord):
                child, x = self.block(item.items, x, item)
            else:
                child, x, is_plain = self.layer(item, name, before)
                plain = plain and is_plain
            children.append((name, child))
        residual = word is not None and word.is_residual
        if word is not None and residual and x.shape != entered.shape:
            made, needed = self._shape(x), self._shape(entered)
            raise self.chain.error(
                f"the residual does not fit: its chain makes {made} and needs {needed}, the shape of its input",
                word.span,
                hint="a convolution keeps the size with padding='same'",
            )
        return Block(tuple(children), Residual if residual else nn.Sequential if plain else Chain), x

    def layer(self, word: LayerWord, name: str, x: torch.Tensor) -> tuple[Layer, torch.Tensor, bool]:
        """Plan one layer and run it; the last result says whether plain chaining does."""
        self.layer_count += 1
        step = Step(self, word, f"layer {self.layer_count} {name!r} ({word.type_name})", x)
        planned = step.complete()
        module = step.construct(planned)
        self.parameter_count += sum(p.numel() for p in module.parameters())
        y, plain = step.run(module)
        return planned, y, plain

    def named(self, items: tuple[Item, ...]) -> Iterator[tuple[str, Item]]:
        """Every item with its name in the sequence: the one given, or a short one, numbered where it repeats."""
        single = [(item, number if item.count > 1 else None) for item in items for number in range(1, item.count + 1)]
        given = [None if i.name is None else i.name if n is None else f"{i.name}{n}" for i, n in single]
        taken: set[str] = set()
        for (item, _), name in zip(single, given, strict=True):
            if name is None:
                continue
            if name in taken:
                raise self.chain.error(
                    f"the name {name!r} stands for two layers", item.span, hint="give each its own name, or none"
                )
            if hasattr(nn.Sequential, name) or name in vars(nn.Sequential()):
                raise self.chain.error(f"{name!r} cannot name a layer: every module has a {name!r} of its own", item.span)
            taken.add(name)
        uses = Counter(_short_name(item) for (item, _), name in zip(single, given, strict=True) if name is None)
        free = {base: map(base.__add__, map(str, itertools.count(1))) for base in uses}
        for (item, _), name in zip(single, given, strict=True):
            base = _short_name(item)
            if name is None:
                name = base if uses[base] == 1 and base not in taken else next(n for n in free[base] if n not in taken)
            yield name, item

    def sample(self, x: torch.Tensor) -> tuple[int, ...]:
        """The shape without the batch."""
        return tuple(x.shape[1:] if self.batched else x.shape)

    def _shape(self, x: torch.Tensor) -> str:
        return _times(self.sample(x))


class Step:
    """One layer, and what reaches it."""

    def __init__(self, inference: Inference, word: LayerWord, label: str, x: Any) -> None:
        self.inference, self.word, self.label, self.x = inference, word, label, x
        self.made_by = self._class(word)
        self.bound: dict[str, Any] = {}

    def fail(self, what: str, *, why: str = "", hint: str = "") -> InvalidInput:
        """An error that points at the layer."""
        return self.inference.chain.error(what, self.word.span, why=why, hint=hint)

    def _class(self, word: LayerWord) -> type[nn.Module]:
        known = layer_classes()
        name = word.type_name
        if name in known:
            return known[name]
        near = next((k for k in known if k.lower() == name.lower()), None)
        hint = f"did you mean {near!r}?" if near else did_you_mean(name, known)
        if name in CONTAINERS:
            hint = "layers in brackets make a sequence: ( Conv2d(16, 3) | ReLU )"
        elif name.startswith("Lazy") and name[4:] in known:
            hint = f"write {name[4:]} and leave out the size of its input"
        elif hint.startswith("known"):
            hint = "a layer is a class of torch.nn; a class of a file is written file.py:Net"
        raise self.inference.chain.error(f"unknown layer {shown(name)}", word.type_span, hint=hint)

    def complete(self) -> Layer:
        """All arguments of the layer, the size of its input put in where it is left out."""
        self._check_one_input()
        with contextlib.suppress(TypeError):
            signature = signature_of(self.made_by)
            self.bound = dict(signature.bind(*self.word.args, **dict(self.word.kwargs)).arguments)
        self._check_dimensions()
        planned, self.bound = self._completed(self.word, self.made_by)
        self.check_sizes()
        return planned

    def _completed(self, word: LayerWord, made_by: type[nn.Module]) -> tuple[Layer, dict[str, Any]]:
        signature = signature_of(made_by)
        args = [self._argument(a) for a in word.args]
        kwargs = {k: self._argument(v) for k, v in word.kwargs}
        self._check_names(word, signature, kwargs)
        try:
            bound = signature.bind(*args, **kwargs)
        except TypeError:
            args, kwargs = self._with_input_size(word, made_by, signature, args, kwargs)
            bound = self._bind(word, signature, args, kwargs)
        if "batch_first" in signature.parameters and "batch_first" not in bound.arguments:
            bound.arguments["batch_first"] = kwargs["batch_first"] = True
        if made_by in (nn.Softmax, nn.LogSoftmax, nn.Softmin) and bound.arguments.get("dim") is None:
            args, kwargs = [], {"dim": -1}
        bound.apply_defaults()
        return Layer(made_by, tuple(args), tuple(kwargs.items())), dict(bound.arguments)

    def _argument(self, value: Any) -> Any:
        return self._completed(value, self._class(value))[0] if isinstance(value, LayerWord) else value

    def _check_names(self, word: LayerWord, signature: inspect.Signature, kwargs: dict[str, Any]) -> None:
        for name in kwargs:
            if name in ("device", "dtype"):
                hint = "--device for the trace; the dtype follows the input: --input 3x64x64:float16"
                raise self.fail(f"{word.type_name} takes no {name!r} in a chain", hint=hint)
            if name not in signature.parameters:
                why, near = f"it takes {takes(signature)}", difflib.get_close_matches(name, signature.parameters, n=1)
                hint = f"did you mean {near[0]!r}?" if near else ""
                raise self.fail(f"{word.type_name} has no argument {name!r}", why=why, hint=hint)

    def _with_input_size(
        self, word: LayerWord, made_by: type[nn.Module], signature: inspect.Signature, args: list[Any], kwargs: dict[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        for index, name in enumerate(signature.parameters):
            if name in (*_CHANNELS, *_LAST) and name not in kwargs:
                size = self.input_size(name, made_by)
                if size is not None:
                    if len(args) >= index:
                        return [*args[:index], size, *args[index:]], kwargs
                    return args, {**kwargs, name: size}
        return args, kwargs

    def _bind(
        self, word: LayerWord, signature: inspect.Signature, args: list[Any], kwargs: dict[str, Any]
    ) -> inspect.BoundArguments:
        try:
            return signature.bind(*args, **kwargs)
        except TypeError as error:
            what = f"{self.label} cannot be made: {error}"
            if word.type_name != self.word.type_name:
                what = f"{self.label} cannot be made: its {word.type_name}: {error}"
            raise self.fail(what, why=f"{word.type_name} takes {takes(signature)}") from None

    def axis_of(self, parameter: str, made_by: type[nn.Module]) -> int:
        """The dimension a parameter speaks of."""
        if parameter not in _CHANNELS:
            return -1
        spatial = spatial_count(made_by)
        return -(spatial + 1) if spatial and "Norm" not in made_by.__name__ else int(self.inference.batched)

    def input_size(self, parameter: str, made_by: type[nn.Module]) -> Any:
        """The size of what reaches the layer along the dimension a parameter speaks of, if it has one."""
        try:
            return int(self.x.shape[self.axis_of(parameter, made_by)])
        except IndexError:
            return None

    def _check_dimensions(self) -> None:
        """Refuse an input with too few or too many dimensions: torch would take some of them for one without a batch."""
        wanted: tuple[int, ...] = ()
        if spatial := spatial_count(self.made_by):
            wanted = (spatial + 1, spatial) if self.made_by is nn.BatchNorm1d else (spatial + 1,)
        elif issubclass(self.made_by, _SEQUENCE_LAYERS):
            wanted = (2,)
        if self.inference.batched and wanted and len(self.inference.sample(self.x)) not in wanted:
            raise self._misfit()

    def check_sizes(self) -> None:
        """Refuse an input of another size than the arguments say, before torch does so less clearly."""
        sample = self.inference.sample(self.x)
        for name in (*_CHANNELS, *_LAST):
            size = self.bound.get(name)
            if name == "normalized_shape" and isinstance(size, (tuple, list)):
                if tuple(size) != sample[len(sample) - len(size) :]:
                    raise self._misfit()
            elif name in self.bound and isinstance(size, int) and size != self.input_size(name, self.made_by):
                raise self._misfit()

    def construct(self, planned: Layer) -> nn.Module:
        """The layer without memory, to run and to count."""
        try:
            with torch.device("meta"):
                return planned.make().eval()
        except Exception as error:
            raise self.fail(f"{self.label} cannot be made: {_reason(error)}", why=signature_text(self.made_by)) from error

    def run(self, module: nn.Module) -> tuple[torch.Tensor, bool]:
        """What the layer makes of its input, and whether that is simply one tensor."""
        dtype = self.x.dtype
        if dtype.is_floating_point:
            module = module.to(dtype)
        try:
            if isinstance(module, nn.MultiheadAttention):
                return apply(module, self.x), False
            result = module(self.x)
        except NotImplementedError:
            result = self._run_for_real(module)
        except Exception as error:
            raise self._misfit(_reason(error)) from error
        first = result
        while isinstance(first, tuple) and first:
            first = first[0]
        if not isinstance(first, torch.Tensor):
            raise self.fail(f"{self.label} makes no tensor but a {type(first).__name__}")
        if 0 in first.shape and 0 not in self.x.shape:
            got, empty = self.inference._shape(self.x), self.inference._shape(first)
            raise self.fail(f"{self.label} makes nothing: from {got} its output would be {empty}")
        return first.to("meta"), first is result

    def _run_for_real(self, module: nn.Module) -> Any:
        """Run on the CPU what torch cannot run on the meta device."""
        try:
            return module.to_empty(device="cpu")(torch.zeros(self.x.shape, dtype=self.x.dtype))
        except Exception as error:
            raise self._misfit(_reason(error)) from error

    def _check_one_input(self) -> None:
        if issubclass(self.made_by, nn.MultiheadAttention):
            return
        parameters = inspect.signature(self.made_by.forward).parameters.values()
        needed = [p.name for p in list(parameters)[1:] if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
        if len(needed) > 1:
            raise self.fail(f"{self.label} needs {len(needed)} inputs ({', '.join(needed)}) and a chain gives one")

    def _misfit(self, reason: str = "") -> InvalidInput:
        shape = self.inference._shape(self.x)
        needs = self._needs(bool(reason))
        what = f"{self.label} does not fit: it gets {shape}" + (f" and needs {needs}" if needs else "")
        return self.fail(what, why=reason, hint=self._advice())

    def _needs(self, with_least: bool) -> str:
        """The shape the layer takes, with the sizes its arguments fix."""
        size = next((self.bound[n] for n in (*_CHANNELS, *_LAST) if self.bound.get(n) is not None), None)
        spatial = spatial_count(self.made_by)
        if spatial:
            least = self._least_sizes(spatial) if with_least else ""
            return _times([size if size is not None else "C", *_SPATIAL[spatial]]) + least
        if isinstance(size, (tuple, list)):
            return "…×" + _times(size)
        if issubclass(self.made_by, _SEQUENCE_LAYERS):
            return f"T×{size if size is not None else 'd'}"
        if "num_channels" in self.bound:
            return f"{size}×…"
        if size is None:
            return ""
        return f"…×{size}" if len(self.inference.sample(self.x)) > 1 else str(size)

    def _least_sizes(self, spatial: int) -> str:
        """The smallest input a window fits into, where the layer has one."""
        if (
            "kernel_size" not in self.bound
            or "Transpose" in self.made_by.__name__
            or not isinstance(self.bound.get("padding", 0), (int, tuple))
        ):
            return ""
        windows = [_each(self.bound.get(n, d), spatial) for n, d in (("kernel_size", 0), ("dilation", 1), ("padding", 0))]
        if any(w is None for w in windows):
            return ""
        least = [d * (k - 1) + 1 - 2 * p for k, d, p in zip(*windows, strict=True)]
        bounds = [f"{name} ≥ {size}" for name, size in zip(_SPATIAL[spatial], least, strict=True) if size > 1]
        return f" with {' and '.join(bounds)}" if bounds else ""

    def _advice(self) -> str:
        sample = self.inference.sample(self.x)
        if self.made_by is nn.Linear and len(sample) > 1 and math.prod(sample) == self.bound.get("in_features"):
            return "put Flatten before it"
        if spatial_count(self.made_by) and self.inference.batched and len(sample) != spatial_count(self.made_by) + 1:
            return ""
        name = next((n for n in (*_CHANNELS, *_LAST) if n in self.bound), None)
        size = self.input_size(name, self.made_by) if name else None
        if name is None or size is None or size == self.bound[name]:
            return ""
        short = f"{name} may be left out, it follows from the input"
        if len(self.word.args) > 2 and self.made_by.__name__.startswith("Conv"):
            short += f"; then name what comes after the kernel: {self.word.type_name}(16, 3, stride=1)"
        return short


def _short_name(item: Item) -> str:
    if isinstance(item, BlockWord):
        return "residual" if item.is_residual else "block"
    name = item.type_name
    short = next((s for pattern, s in _SHORT_NAMES if re.match(pattern, name)), None)
    return short or re.sub(r"\dd\Z", "", name).lower()


def _each(value: Any, count: int) -> list[int] | None:
    """One number per dimension."""
    values = [value] * count if isinstance(value, int) else list(value) if isinstance(value, (tuple, list)) else []
    return values if len(values) == count and all(isinstance(v, int) for v in values) else None


def _times(sizes: Iterable[object]) -> str:
    return "×".join(str(s) for s in sizes) or "one number"


def _reason(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__
