"""What a model's forward takes, and the errors that say so."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from netfig.errors import NetfigError, UsageError, did_you_mean, point_at
from netfig.records import dataclass

if TYPE_CHECKING:
    from netfig.hooks import Request

INDEX_NAMES = re.compile(r"(?:.*_)?(?:ids?|idx|indices|index|tokens?|labels?)\Z")
"""Parameter names that plainly mean integer indices."""


@dataclass(frozen=True)
class Inputs:
    """What forward is called with; `batch` is the size of the leading batch dimension where one was added."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    batch: int | None = None


class Forward:
    """What a model's forward takes."""

    def __init__(self, model: Any) -> None:
        self.model = model = unwrapped(model)
        self.signature: inspect.Signature | None = None
        try:
            self.signature = inspect.signature(model.forward)
        except (TypeError, ValueError):  # scripted: known by its schema, whose first argument is the module itself
            schema = getattr(getattr(model, "forward", None), "schema", None)
            if schema is not None:
                self.signature = _from_schema(schema)

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """Parameters by name; empty when they are not known."""
        return self.signature.parameters if self.signature else {}

    @property
    def needed(self) -> list[str]:
        """Names of the parameters without a default."""
        fixed = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
        return [p.name for p in self.parameters.values() if p.default is p.empty and p.kind in fixed]

    @property
    def takes_any(self) -> bool:
        """Whether it has ``*args``: a wrapper, whose needs are not known."""
        return any(p.kind is p.VAR_POSITIONAL for p in self.parameters.values())

    def positional_name(self, index: int) -> str | None:
        """The parameter that the positional argument number `index` goes to."""
        kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = [p.name for p in self.parameters.values() if p.kind in kinds]
        return names[index] if index < len(names) else None

    def annotation(self, name: str | None) -> str:
        """A parameter's annotation as text."""
        parameter = self.parameters.get(name or "")
        return "" if parameter is None or parameter.annotation is parameter.empty else str(parameter.annotation)

    def fits(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> bool:
        """Whether forward can be called so."""
        return self._misfit(args, kwargs) is None

    def _misfit(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str | None:
        if self.signature is None:
            return None
        try:
            self.signature.bind(*args, **kwargs)
        except TypeError as error:
            return str(error)
        return None

    def __str__(self) -> str:
        return f"({', '.join(plain_parameter(p) for p in self.parameters.values())})"

    def check_name(self, name: str, text: str) -> None:
        """Refuse a name that forward does not have."""
        if self.signature is None or name in self.parameters:
            return
        if any(p.kind is p.VAR_KEYWORD for p in self.parameters.values()):
            return
        start = text.index(name)
        raise UsageError(
            f"{type(self.model).__name__}.forward has no parameter {name!r}",
            where=point_at(text, start, start + len(name)),
            why=f"it takes {self}",
            hint=did_you_mean(name, self.parameters),
        )

    def checked(self, inputs: Inputs, request: Request) -> Inputs:
        """The inputs, if forward can be called with them."""
        reason = self._misfit(inputs.args, inputs.kwargs)
        if reason is None:
            return inputs
        count = len(inputs.args) + len(inputs.kwargs)
        raise UsageError(
            f"{type(self.model).__name__}.forward takes {self}, which does not fit {count} input{'' if count == 1 else 's'}",
            why=reason,
            hint=f"such as: {self.example(request)}" if request.arguments is None else "",
        )

    def no_input(self, request: Request) -> NetfigError:
        """The error for a model that needs inputs and got none."""
        return UsageError(
            f"no input is given: {type(self.model).__name__}.forward takes {self}",
            hint=f"such as: {self.example(request)}",
        )

    def example(self, request: Request) -> str:
        """A command line that would work for many models like this one."""
        target = f"'{request.target}'" if isinstance(request.target, str) else "TARGET"
        words = [f"--input {_example_word(self.model, name, i, len(self.needed))}" for i, name in enumerate(self.needed)]
        return " ".join(["netfig draw", target, *words])


def unwrapped(model: Any) -> Any:
    """The module inside ``torch.compile``'s wrapper, whose forward takes anything."""
    return getattr(model, "_orig_mod", model) if type(model).__module__.startswith("torch._dynamo") else model


def _from_schema(schema: Any) -> inspect.Signature:
    parameters = []
    for argument in schema.arguments[1:]:
        default = argument.default_value if argument.has_default_value() else inspect.Parameter.empty
        parameters.append(inspect.Parameter(argument.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default))
    return inspect.Signature(parameters)


def plain_parameter(parameter: inspect.Parameter) -> str:
    """A parameter without its annotation; a default that shows an address is left out."""
    default = "" if parameter.default is parameter.empty else repr(parameter.default)
    star = "*" if parameter.kind == parameter.VAR_POSITIONAL else "**" if parameter.kind == parameter.VAR_KEYWORD else ""
    return f"{star}{parameter.name}" + (
        "" if not default else "=…" if " at 0x" in default or len(default) > 40 else f"={default}"
    )


def _example_word(model: Any, name: str, index: int, count: int) -> str:
    from torch import nn

    label = f"{name}=" if count > 1 else ""
    if INDEX_NAMES.match(name) or (index == 0 and reads_indices(model)):
        return f"{label}12:int64"
    for module in model.modules():
        match module:
            case nn.Conv1d() | nn.Conv2d() | nn.Conv3d():
                return label + "x".join([str(module.in_channels), *["64"] * len(module.kernel_size)])
            case nn.Linear():
                return f"{label}{module.in_features}"
            case nn.RNNBase():
                return f"{label}12x{module.input_size}"
    return f"{label}3x64x64"


def reads_indices(model: Any) -> bool:
    """Whether a module, or the first of a sequence, is an embedding."""
    from torch import nn

    while isinstance(model, nn.Sequential) and len(model):
        model = model[0]
    return isinstance(model, (nn.Embedding, nn.EmbeddingBag))
