"""What layer chains are made of: the classes of ``torch.nn`` with their constructors, and the modules that join them."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable
from typing import Any

from torch import nn

from netfig.records import dataclass

CONTAINERS = {"Module", "Container", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict", "DataParallel"}
"""Modules that hold others: not layers themselves."""


@dataclass(frozen=True)
class Layer:
    """A layer with all its arguments; one among them that is a layer itself is a `Layer`."""

    made_by: type[nn.Module]
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]

    def make(self) -> nn.Module:
        """A new module on torch's current device."""
        args = [a.make() if isinstance(a, Layer) else a for a in self.args]
        return self.made_by(*args, **{k: v.make() if isinstance(v, Layer) else v for k, v in self.kwargs})


@dataclass(frozen=True)
class Block:
    """Named layers in a row."""

    children: tuple[tuple[str, Layer | Block], ...]
    made_by: Callable[[], nn.Sequential]

    def make(self) -> nn.Module:
        """A new sequence on torch's current device."""
        made = self.made_by()
        for name, child in self.children:
            made.add_module(name, child.make())
        return made


def apply(module: nn.Module, x: Any) -> Any:
    """One layer of a chain: attention attends to its own input, and of several outputs the first goes on."""
    y = module(x, x, x, need_weights=False) if isinstance(module, nn.MultiheadAttention) else module(x)
    while isinstance(y, tuple):
        y = y[0]
    return y


class Chain(nn.Sequential):
    """A sequence in which a layer may hand back a tuple, whose first goes on, and attention attends to its own input."""

    def forward(self, x: Any) -> Any:
        """Each layer in turn."""
        for module in self:
            x = apply(module, x)
        return x


class Residual(Chain):
    """A sequence whose result is added to its input."""

    def forward(self, x: Any) -> Any:
        """``x + chain(x)``."""
        return x + super().forward(x)


@functools.cache
def layer_classes() -> dict[str, type[nn.Module]]:
    """The classes of ``torch.nn`` a chain may name."""
    return {
        name: value
        for name, value in sorted(vars(nn).items())
        if inspect.isclass(value)
        and issubclass(value, nn.Module)
        and name not in CONTAINERS
        and not name.startswith(("Lazy", "_"))
        and value not in (nn.RNNBase, nn.RNNCellBase)
    }


def signature_of(made_by: type[nn.Module]) -> inspect.Signature:
    """A layer's constructor; those of recurrent layers hide behind ``*args`` and are taken from their base."""
    if not issubclass(made_by, nn.RNNBase):
        return inspect.signature(made_by)
    parameters = list(inspect.signature(nn.RNNBase.__init__).parameters.values())[2:]  # without self and mode
    if made_by is nn.RNN:
        parameters.insert(3, inspect.Parameter("nonlinearity", inspect.Parameter.POSITIONAL_OR_KEYWORD, default="tanh"))
    if made_by is not nn.LSTM:
        parameters = [p for p in parameters if p.name != "proj_size"]
    return inspect.Signature(parameters)


def takes(signature: inspect.Signature) -> str:
    """A signature for people: no annotations, no addresses."""
    shown = [p.replace(annotation=p.empty) for p in signature.parameters.values() if p.name not in ("device", "dtype")]
    shown = [p for p in shown if p.kind is not p.VAR_KEYWORD]
    text = str(inspect.Signature(shown))
    return re.sub(r"<(?:function|class) ([^ >']+|'[^']*')[^>]*>", r"\1", text)


def signature_text(made_by: type[nn.Module]) -> str:
    """What a layer's constructor takes."""
    return f"{made_by.__name__} takes {takes(signature_of(made_by))}"


def spatial_count(made_by: type[nn.Module]) -> int:
    """How many dimensions after the channels a layer's name speaks of (2 for ``Conv2d``), or 0."""
    found = re.search(r"([123])d\Z", made_by.__name__)
    return int(found[1]) if found else 0
