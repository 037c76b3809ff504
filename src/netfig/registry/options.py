"""Options of a descriptor: the fields of its options dataclass, parsed from words, checked, and described."""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, Protocol

from netfig.errors import PluginError, UsageError, did_you_mean
from netfig.records import dataclass

_TRUE, _FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class HasOptions(Protocol):
    """Any descriptor: a source, an annotator, a pass, a renderer, a writer."""

    @property
    def name(self) -> str:
        """What the user calls it."""

    @property
    def options(self) -> type:
        """The dataclass whose fields are its options."""


@dataclass(frozen=True, slots=True)
class Option:
    """One option as a person reads it: its type in words, what it may be, its default and what it does."""

    name: str
    type: str
    default: Any
    help: str = ""
    choices: tuple[Any, ...] = ()


class _WrongError(ValueError):
    """A word does not read as the type; the message says what would."""


def describe(descriptor: HasOptions) -> tuple[Option, ...]:
    """Every option of a descriptor, in the order its author wrote them."""
    hints = _hints(descriptor)
    return tuple(
        Option(f.name, _type_name(hints[f.name]), _default(f), str(f.metadata.get("help", "")), _choices(f, hints[f.name]))
        for f in dataclasses.fields(descriptor.options)
    )


def build(descriptor: HasOptions, given: Mapping[str, Any]) -> Any:
    """The options object of a descriptor; text is parsed, anything else must already have the field's type.

    Raises:
        UsageError: a key it does not have, or a value that does not fit; all of them are listed.
    """
    fields = {f.name: f for f in dataclasses.fields(descriptor.options)}
    hints = _hints(descriptor)
    problems: list[str] = []
    hint = ""
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in fields:
            problems.append(f"{descriptor.name} has no option {key!r}")
            hint = hint or (did_you_mean(key, fields) if fields else f"{descriptor.name} takes no options")
            continue
        choices = _choices(fields[key], hints[key])
        try:
            values[key] = _read(value, hints[key])
            if choices and values[key] not in choices and not _is_literal(hints[key]):
                raise _WrongError(f"one of {', '.join(map(str, choices))}")
        except _WrongError as error:
            problems.append(f"{descriptor.name}.{key} must be {error}, not {value!r}")
            if choices and isinstance(value, str):
                hint = hint or did_you_mean(value, map(str, choices))
    if problems:
        raise UsageError(problems[0], why="\n       ".join(problems[1:]), hint=hint)
    try:
        return descriptor.options(**values)
    except (TypeError, ValueError) as error:  # a dataclass may check itself in __post_init__
        raise UsageError(f"the options of {descriptor.name!r} do not fit together", why=str(error)) from error


def check(descriptor: HasOptions) -> None:
    """Raise `PluginError` unless the options are a dataclass of types we can parse, all with defaults."""
    kind = descriptor.options
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise PluginError(f"the options of {descriptor.name!r} are not a dataclass but {kind!r}")
    hints = _hints(descriptor)
    for f in dataclasses.fields(kind):
        if f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
            raise PluginError(f"the option {descriptor.name}.{f.name} has no default")
        if not _readable(hints[f.name]):
            raise PluginError(
                f"the option {descriptor.name}.{f.name} has the type {_type_name(hints[f.name])}",
                hint="use bool, int, float, str, a Literal, a tuple of one of them, or one of them | None",
            )


def split(word: str) -> tuple[str, str, str]:
    """``name.key=value`` in its three parts."""
    path, equals, value = word.partition("=")
    name, dot, key = path.strip().rpartition(".")
    if not (equals and dot and name and key):
        raise UsageError(f"the option {word!r} is not of the form name.key=value", hint="for example pipeline.style=volumes")
    return name, key.replace("-", "_"), value.strip()


def _hints(descriptor: HasOptions) -> dict[str, Any]:
    try:
        return _hints_of(descriptor.options)
    except Exception as error:  # a plugin's annotations may name anything
        raise PluginError(f"the option types of {descriptor.name!r} cannot be read", why=str(error)) from error


_hints_of = functools.cache(typing.get_type_hints)


def _is_union(hint: Any) -> bool:
    return typing.get_origin(hint) in (typing.Union, types.UnionType)


def _is_literal(hint: Any) -> bool:
    return typing.get_origin(hint) is Literal


def _readable(hint: Any) -> bool:
    if hint in (bool, int, float, str, types.NoneType) or _is_literal(hint):
        return True
    if _is_union(hint):
        return all(_readable(arg) for arg in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        return all(arg is Ellipsis or _readable(arg) for arg in typing.get_args(hint))
    return False


def _choices(f: dataclasses.Field[Any], hint: Any) -> tuple[Any, ...]:
    if "choices" in f.metadata:
        return tuple(f.metadata["choices"])
    for arg in (hint, *typing.get_args(hint)):
        if _is_literal(arg):
            return typing.get_args(arg)
    return ()


def _default(f: dataclasses.Field[Any]) -> Any:
    if f.default is not dataclasses.MISSING:
        return f.default
    return f.default_factory() if f.default_factory is not dataclasses.MISSING else None


def _type_name(hint: Any) -> str:
    if hint is types.NoneType:
        return "none"
    if _is_literal(hint):
        return "choice"
    if _is_union(hint):
        return " or ".join(_type_name(arg) for arg in typing.get_args(hint))
    if typing.get_origin(hint) is tuple:
        inner = [arg for arg in typing.get_args(hint) if arg is not Ellipsis]
        return f"list of {_type_name(inner[0])}" if inner else "list"
    return hint.__name__ if isinstance(hint, type) else str(hint)


def _read(value: Any, hint: Any) -> Any:
    if _is_union(hint):
        return _read_union(value, typing.get_args(hint))
    if _is_literal(hint):
        options = typing.get_args(hint)
        found = [o for o in options if value == o or (isinstance(value, str) and value == str(o))]
        if not found:
            raise _WrongError(f"one of {', '.join(map(str, options))}")
        return found[0]
    if typing.get_origin(hint) is tuple:
        return _read_tuple(value, typing.get_args(hint))
    if hint is types.NoneType:
        if value is None or (isinstance(value, str) and value.lower() == "none"):
            return None
        raise _WrongError("none")
    return _read_text(value, hint) if isinstance(value, str) else _read_object(value, hint)


def _read_union(value: Any, hints: tuple[Any, ...]) -> Any:
    wanted = []
    for hint in sorted(hints, key=lambda h: h is str):  # text fits str always: try it last
        try:
            return _read(value, hint)
        except _WrongError as error:
            wanted.append(str(error))
    raise _WrongError(" or ".join(wanted))


def _read_tuple(value: Any, hints: tuple[Any, ...]) -> tuple[Any, ...]:
    parts = [p.strip() for p in value.split(",") if p.strip()] if isinstance(value, str) else value
    if not isinstance(parts, (list, tuple)):
        raise _WrongError("a list, its entries separated by commas")
    if len(hints) == 2 and hints[1] is Ellipsis:
        return tuple(_read(p, hints[0]) for p in parts)
    if len(parts) != len(hints):
        raise _WrongError(f"a list of {len(hints)}")
    return tuple(_read(p, h) for p, h in zip(parts, hints, strict=True))


def _read_text(value: str, hint: Any) -> Any:
    if hint is str:
        return value
    if hint is bool:
        if value.lower() in _TRUE + _FALSE:
            return value.lower() in _TRUE
        raise _WrongError("true or false")
    try:
        return hint(value)
    except ValueError:
        raise _WrongError("a whole number" if hint is int else "a number") from None


def _read_object(value: Any, hint: Any) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise _WrongError({bool: "true or false", int: "a whole number", float: "a number", str: "text"}[hint])
