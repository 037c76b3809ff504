"""What a Python target names: ``file.py:Net``, ``file.py:Net(num_classes=10)``, ``pkg.mod:zoo.small``, or an object from Python.

The part before the colon is imported, which runs it. The part after it is read as a syntax tree, never evaluated: names,
attributes, ``[literal]`` and calls with literal arguments.
"""

from __future__ import annotations

import ast
import contextlib
import inspect
import re
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from netfig.errors import InvalidInput, ModelFailed, UsageError, did_you_mean, point_at, shown
from netfig.records import dataclass
from netfig.sources.forward import plain_parameter, unwrapped
from netfig.sources.importing import failure_place, import_place
from netfig.sources.randomness import fixed_randomness

_FILE = re.compile(r"(?P<place>.+?\.pyw?)(?::(?P<path>.*))?\Z", re.DOTALL)
_MODULE = re.compile(r"(?P<place>[^\W\d]\w*(?:\.[^\W\d]\w*)*):(?P<path>[^\W\d].*)\Z", re.DOTALL)


@dataclass(frozen=True)
class Target:
    """A target as typed: where the code is (a file or a dotted module) and what it names in there (may be empty)."""

    text: str
    place: str
    path: str

    @property
    def is_file(self) -> bool:
        """Whether the code is a file rather than an importable module."""
        return self.place.endswith((".py", ".pyw"))


@dataclass(frozen=True)
class Resolved:
    """The object a target names, a short name for it, and whether netfig made it (so may change it)."""

    value: Any
    name: str
    is_fresh: bool


def split_target(text: str) -> Target | None:
    """Read a target's two halves, or ``None`` when the text is none; cheap, looks at nothing but the text."""
    found = _FILE.match(text.strip()) or _MODULE.match(text.strip())
    return Target(text.strip(), found["place"], (found["path"] or "").strip()) if found else None


def resolve(target: Target, *, device: str = "auto", wants_module: bool = True) -> Resolved:
    """Import a target's place and find what it names; with `wants_module` the result is an ``nn.Module``."""
    tree = _parse(target) if target.path else None
    with fixed_randomness():  # a file may make its model while it is imported
        module = import_place(target.place, is_file=target.is_file)
    if tree is None:
        name = _only_candidate(target, module) if wants_module else _no_name(target, module)
        tree = ast.parse(name, mode="eval").body
    try:
        value = _Walk(target, module, device).visit(tree)
    except RecursionError as error:
        raise InvalidInput(f"the name after {target.place!r} is nested too deeply", where=shown(target.text)) from error
    name = _short_name(tree)
    if not wants_module:
        return Resolved(value, name, False)
    found = made(value, name, target, device)
    return Resolved(found.value, found.name, found.is_fresh or target.is_file or isinstance(tree, ast.Call))


def made(value: Any, name: str, target: Target | None = None, device: str = "auto") -> Resolved:
    """The module that a class, a factory or an instance stands for."""
    from torch import nn

    is_fresh = False
    if not isinstance(value, nn.Module) and callable(value):
        value, is_fresh = call(value, name, (), {}, target, device), True
    if not isinstance(value, nn.Module):
        what = f"{shown(target.text if target else name)} is not an nn.Module but {_a(value)}"
        raise InvalidInput(what, hint="name an nn.Module class, an instance, or a function without arguments that returns one")
    return Resolved(value, _graph_name(value, name), is_fresh)


def call(
    made_by: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any], target: Target | None, device: str
) -> Any:
    """Call a class or function with the user's literals: arguments checked first, then its own errors kept as cause."""
    _check_arguments(made_by, name, args, kwargs, target)
    try:
        with _constructing(device):
            return made_by(*args, **kwargs)
    except (Exception, SystemExit) as error:
        raise ModelFailed(
            f"{name} could not be made: {type(error).__name__}: {_first_line(error)}",
            where=failure_place(error),
            why=f"calling {name}({_shown(args, kwargs)}) raised it",
            hint="--device meta makes it without memory" if _is_out_of_memory(error) else "",
        ) from error


@contextlib.contextmanager
def _constructing(device: str) -> Iterator[None]:
    """Make modules on the meta device when asked; seeded, with every random state put back afterwards."""
    import torch

    with fixed_randomness(), torch.device("meta") if device == "meta" else contextlib.nullcontext():
        yield


def _check_arguments(
    made_by: Callable[..., Any], name: str, args: tuple[Any, ...], kwargs: dict[str, Any], target: Target | None
) -> None:
    try:
        signature = inspect.signature(made_by)
    except (TypeError, ValueError):
        return  # built in C or scripted: its own error will say
    try:
        signature.bind(*args, **kwargs)
        return
    except TypeError as error:
        reason = str(error)
    parameters = signature.parameters.values()
    needed = [p for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    given = set(list(signature.parameters)[: len(args)]) | set(kwargs)
    missing = [p.name for p in needed if p.name not in given]
    example = ", ".join([*(repr(a) for a in args), *(f"{k}={v!r}" for k, v in kwargs.items()), *(f"{m}=…" for m in missing)])
    takes = f"{name}({', '.join(plain_parameter(p) for p in parameters)})"
    is_given_twice = any(k in list(signature.parameters)[: len(args)] for k in kwargs)
    if missing and not is_given_twice:
        listed = ", ".join(repr(m) for m in missing)
        what = f"{name} needs {'an argument' if len(missing) == 1 else f'{len(missing)} arguments'}: {listed}"
        hint = f"write '{target.place}:{name}({example})'" if target else f"give an instance: {name}({example})"
        raise UsageError(what, where=target.text if target else "", why=takes, hint=hint)
    unknown = next((k for k in kwargs if k not in signature.parameters), None)
    near = did_you_mean(unknown, signature.parameters) if unknown else ""
    raise UsageError(f"{name} does not take these arguments: {reason}", where=target.text if target else "", why=takes, hint=near)


class _Walk(ast.NodeVisitor):
    """Follows the syntax tree of a target through the imported module."""

    def __init__(self, target: Target, module: ModuleType, device: str) -> None:
        self.target, self.module, self.device = target, module, device

    def visit_Name(self, node: ast.Name) -> Any:
        """A name of the module."""
        try:
            return getattr(self.module, node.id)
        except AttributeError:
            pass
        known = _modules_in(self.module)
        public = [n for n, v in vars(self.module).items() if callable(v) and not n.startswith("_")]
        near = did_you_mean(node.id, known) if known else did_you_mean(node.id, public)
        listed = f"its modules: {', '.join(known)}" if known else "it defines no nn.Module"
        raise UsageError(f"{self.target.place} has no {shown(node.id)}", where=self._point(node), why=listed, hint=near)

    def visit_Attribute(self, node: ast.Attribute) -> Any:
        """An attribute of what stands before the dot."""
        owner = self.visit(node.value)
        try:
            return getattr(owner, node.attr)
        except AttributeError:
            names = [n for n in dir(owner) if not n.startswith("_")]
            owner_name, start = ast.unparse(node.value), node.end_col_offset or 0
            what = f"{shown(owner_name)} in {self.target.place} has no {shown(node.attr)}"
            where = self._point(node, start - len(node.attr.encode()), start)
            near = did_you_mean(node.attr, names)
            raise UsageError(what, where=where, hint=near if len(names) <= 40 or "did you" in near else "") from None

    def visit_Subscript(self, node: ast.Subscript) -> Any:
        """An item of a list or dict, by a literal key."""
        owner, key = self.visit(node.value), self._literal(node.slice)
        try:
            return owner[key]
        except (LookupError, TypeError) as error:
            keys = [str(k) for k in owner] if isinstance(owner, dict) else []
            what = f"{ast.unparse(node.value)!r} in {self.target.place} has no item {key!r}"
            raise UsageError(
                what, where=self._point(node.slice), why=_first_line(error), hint=did_you_mean(str(key), keys)
            ) from None

    def visit_Call(self, node: ast.Call) -> Any:
        """A call with literal arguments."""
        from torch import nn

        made_by = self.visit(node.func)
        name = ast.unparse(node.func)
        if isinstance(made_by, nn.Module):
            what = f"{name!r} is already an instance ({type(made_by).__name__}); calling it would run its forward"
            raise UsageError(what, where=self._point(node), hint=f"write '{self.target.place}:{name}', inputs come from --input")
        if not callable(made_by):
            raise UsageError(f"{name!r} cannot be called: it is {_a(made_by)}", where=self._point(node))
        args = tuple(self._literal(a) for a in node.args)
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            if keyword.arg is None:
                raise InvalidInput(
                    f"{shown(self.target.text)} unpacks with **", where=self._point(keyword.value), hint="write each name=value"
                )
            kwargs[keyword.arg] = self._literal(keyword.value)
        return call(made_by, name, args, kwargs, self.target, self.device)

    def generic_visit(self, node: ast.AST) -> Any:
        """Anything else is not a target."""
        raise InvalidInput(
            f"{shown(self.target.text)} is not a target",
            where=self._point(node) if isinstance(node, ast.expr) else "",
            why="after the colon stands a name, with attributes and literal arguments if need be",
            hint=f"such as '{self.target.place}:Net' or '{self.target.place}:Net(num_classes=10)'",
        )

    def _literal(self, node: ast.expr) -> Any:
        try:
            return ast.literal_eval(node)
        except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
            what = f"{shown(ast.unparse(node))} in {shown(self.target.text)} is not a literal"
            hint = "arguments are numbers, strings, True, False, None, and lists, tuples or dicts of them"
            raise InvalidInput(what, where=self._point(node), hint=hint) from None

    def _point(self, node: ast.expr, start: int | None = None, end: int | None = None) -> str:
        return _point(self.target, node.col_offset if start is None else start, node.end_col_offset if end is None else end)


def _point(target: Target, start: int, end: int | None) -> str:
    """Carets under a part of the path, given in the bytes of it that `ast` counts in."""
    raw = target.path.encode()
    shift = len(target.place) + 1
    first = shift + len(raw[:start].decode(errors="replace"))
    last = shift + len(raw[: end or start + 1].decode(errors="replace"))
    return point_at(f"{target.place}:{target.path}", first, last)


MOST_DOTS = 100
"""Names after one another in a target: far more than anybody writes, far fewer than the walk over them could not take."""


def _parse(target: Target) -> ast.expr:
    try:
        if target.path.count(".") > MOST_DOTS and "(" not in target.path:
            raise ValueError(f"more than {MOST_DOTS} names, one after another")
        return ast.parse(target.path, mode="eval").body
    except SyntaxError as error:
        column = max(0, (error.offset or 1) - 1)
        raise InvalidInput(
            f"{shown(target.text)} cannot be read: {error.msg}",
            where=point_at(f"{target.place}:{target.path}", len(target.place) + 1 + column),
            hint=f"such as '{target.place}:Net' or '{target.place}:Net(num_classes=10)'",
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:  # NUL bytes, thousands of brackets
        raise InvalidInput(f"the name after {target.place!r} cannot be read", why=_first_line(error)) from None


def _modules_in(module: ModuleType) -> list[str]:
    """Names of the nn.Module instances and classes that the file itself defines."""
    from torch import nn

    instances = [n for n, v in vars(module).items() if isinstance(v, nn.Module) and not n.startswith("_")]
    classes = [
        n
        for n, v in vars(module).items()
        if inspect.isclass(v) and issubclass(v, nn.Module) and v.__module__ == module.__name__ and not n.startswith("_")
    ]
    return [*instances, *classes]


def _only_candidate(target: Target, module: ModuleType) -> str:
    """The one module a file without ``:Name`` can mean: its only instance, else its only class."""
    from torch import nn

    names = _modules_in(module)
    instances = [n for n in names if isinstance(getattr(module, n), nn.Module)]
    for choice in (instances, names):
        if len(choice) == 1:
            return choice[0]
    if not names:
        return _no_name(target, module)
    raise UsageError(
        f"{target.place} defines {len(names)} modules: which one?",
        why=f"it has {', '.join(names)}",
        hint=f"write '{target.place}:{(instances or names)[-1]}'",
    )


def _no_name(target: Target, module: ModuleType) -> str:
    own = [
        n for n, v in vars(module).items() if inspect.isfunction(v) and v.__module__ == module.__name__ and not n.startswith("_")
    ]
    raise UsageError(
        f"{target.place} has no nn.Module of its own and {shown(target.text)} names nothing in it",
        why=f"it has the function{'s' if len(own) > 1 else ''} {', '.join(own)}" if own else "",
        hint=f"write '{target.place}:{own[-1] if own else 'Net'}'",
    )


def _short_name(tree: ast.expr) -> str:
    """The last name in a target's path: ``small`` of ``zoo.small(3)``."""
    while True:
        match tree:
            case ast.Call(func=inner):
                tree = inner
            case ast.Attribute(attr=name) | ast.Name(id=name):
                return name
            case ast.Subscript(slice=ast.Constant(value=str() as name)):
                return name
            case ast.Subscript(value=inner):
                tree = inner
            case _:
                return "model"


def _graph_name(model: Any, name: str) -> str:
    """A class of the user's names the figure; for torch's own containers the name it was found under says more."""
    model = unwrapped(model)
    kind = type(model)
    own = getattr(model, "original_name", kind.__name__)  # a scripted module's class before it was scripted
    return name if name and kind.__module__.partition(".")[0] == "torch" else str(own)


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "allocate memory" in str(error)


def _shown(args: tuple[Any, ...], kwargs: dict[str, Any]) -> str:
    return ", ".join([*(repr(a) for a in args), *(f"{k}={v!r}" for k, v in kwargs.items())])


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _a(value: Any) -> str:
    name = type(value).__name__
    return (
        f"{'an' if name[0].lower() in 'aeiou' else 'a'} {name}" if not inspect.isclass(value) else f"the class {value.__name__}"
    )
