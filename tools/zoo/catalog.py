"""The models of the zoo: which, how each is made with random weights, and on what it is run. Nothing is downloaded."""

from __future__ import annotations

import dataclasses
import functools
import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Entry:
    """A model of a library: `settings` change what the library makes by default, `inputs` are words as in `tensor_of`."""

    library: str
    family: str
    name: str
    inputs: Mapping[str, str]
    settings: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """Unique in the zoo."""
        return f"{self.library}/{self.name}"

    @property
    def reduced(self) -> str:
        """What was made smaller than the library's default, in words; empty for the model as it is."""
        return ", ".join(_in_words(self.settings))

    @property
    def key(self) -> str:
        """All that decides what is checked."""
        return repr(dataclasses.astuple(self))


@dataclass(frozen=True)
class LeftOut:
    """A model that is not in the zoo, and why."""

    library: str
    name: str
    reason: str


def _in_words(settings: Mapping[str, Any]) -> Iterator[str]:
    for key, value in settings.items():
        if isinstance(value, Mapping):
            yield from _in_words(value)
        elif value is not None:
            yield f"{key} {value}"


def tensor_of(word: str) -> Tensor:
    """``3x224x224`` random numbers with a batch of one in front, ``16<1000`` whole numbers under 1000, ``16=1`` all ones.

    A word that starts with ``!`` has no batch added.
    """
    batch = () if word.startswith("!") else (1,)
    word = word.removeprefix("!")
    for sign in "<=":
        if sign in word:
            shape, _, number = word.partition(sign)
            sizes = (*batch, *map(int, filter(None, shape.split("x"))))
            if sign == "=":
                return torch.full(sizes, int(number))
            return torch.randint(int(number), sizes)
    return torch.randn(*batch, *map(int, word.split("x")))


def made(entry: Entry) -> tuple[nn.Module, tuple[Any, ...], dict[str, Any]]:
    """The model with random weights, ready to be evaluated, and its inputs, the same every time."""
    torch.manual_seed(0)
    model = MAKERS[entry.library](entry).eval()
    given = {name: tensor_of(word) for name, word in entry.inputs.items()}
    args = tuple(given.pop(name) for name in list(given) if name.isdecimal())
    return model, args, {**given, **entry.options}


@functools.cache
def load_torchvision() -> None:
    """Import torchvision, also beside a torch that has no CUDA.

    The wheel that pip finds is built for CUDA: without it its library of operators cannot be loaded, and the import then fails
    because it registers shapes for two operators that do not exist. Declared without a kernel they do, and whatever does not call
    them (all but detection, which needs non-maximum suppression) works.
    """
    try:
        importlib.import_module("torchvision")
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        _KEPT.append(library)  # the operators are gone when this is
        importlib.import_module("torchvision")


_KEPT: list[Any] = []


def _torchvision(entry: Entry) -> nn.Module:
    load_torchvision()
    from torchvision.models import get_model

    model: nn.Module = get_model(entry.name, weights=None, **entry.settings)
    return model


def _timm(entry: Entry) -> nn.Module:
    load_torchvision()
    import timm

    model: nn.Module = timm.create_model(entry.name, pretrained=False, **entry.settings)
    return model


def _transformers(entry: Entry) -> nn.Module:
    load_torchvision()
    import transformers

    kind = getattr(transformers, entry.name)
    model: nn.Module = kind(kind.config_class(**entry.settings))
    return model


MAKERS: dict[str, Callable[[Entry], nn.Module]] = {
    "torchvision": _torchvision,
    "timm": _timm,
    "transformers": _transformers,
}
LOADERS: dict[str, Callable[[], Any]] = {
    "torchvision": load_torchvision,
    "timm": lambda: (load_torchvision(), importlib.import_module("timm")),
    "transformers": lambda: (load_torchvision(), importlib.import_module("transformers")),
}
