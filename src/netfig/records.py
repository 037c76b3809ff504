"""`dataclass` for a program that must start at once: netfig has more than a hundred records, and the standard decorator compiles
six functions for each of them, a quarter of the time that drawing a small figure takes.

Here they are shared closures, and ``__init__`` is compiled, by the standard library, when a class has made some objects. What
comes out is a dataclass to ``dataclasses.fields``, ``replace``, ``asdict`` and ``is_dataclass``, to pattern matching, ``copy``,
``pickle`` and ``inspect.signature``. What is not needed here (``order``, ``kw_only``, ``InitVar``, ``init=False``) is left to the
standard decorator. Type checkers see the standard one always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    import inspect
    from operator import attrgetter
    from types import SimpleNamespace

    OBJECTS_BEFORE_COMPILING = 40

    def dataclass(cls=None, /, *, frozen=False, slots=False, eq=True, **more):
        """As ``dataclasses.dataclass``."""

        def made(cls):
            own = None if more else _own_fields(cls)
            if own is None:
                return dataclasses.dataclass(cls, frozen=frozen, slots=slots, eq=eq, **more)
            return _record(cls, own, frozen, slots, eq)

        return made if cls is None else made(cls)

    def _own_fields(cls):
        """The fields a class adds, as `dataclasses.fields` lists them; ``None`` when one of them is of a kind not made here."""
        found = {}
        for name, hint in inspect.get_annotations(cls).items():
            written = hint if isinstance(hint, str) else repr(hint)
            if "ClassVar" in written:
                continue
            given = cls.__dict__.get(name, dataclasses.MISSING)
            one = given if isinstance(given, dataclasses.Field) else dataclasses.field(default=given)
            plain = one.init and one.repr and one.hash is None and one.kw_only in (False, dataclasses.MISSING)
            if not plain or "InitVar" in written or "KW_ONLY" in written or type(one.default).__hash__ is None:
                return None
            one.name, one.type, one.kw_only, one._field_type = name, hint, False, dataclasses._FIELD
            found[name] = one
        return found

    def _record(cls, own, frozen, slots, eq):
        fields = {}
        for base in cls.__mro__[-1:0:-1]:
            fields.update(getattr(base, "__dataclass_fields__", {}))
        fields.update(own)
        body = {k: v for k, v in cls.__dict__.items() if k not in ("__dict__", "__weakref__")}
        for name, one in own.items():
            if slots or one.default is dataclasses.MISSING:
                body.pop(name, None)
            elif name in body:
                body[name] = one.default
        body["__dataclass_fields__"] = fields
        body["__dataclass_params__"] = SimpleNamespace(
            init=True, repr=True, eq=eq, order=False, unsafe_hash=False, frozen=frozen, match_args=True, kw_only=False,
            slots=slots, weakref_slot=False,
        )  # fmt: skip
        body.setdefault("__match_args__", tuple(fields))
        body.setdefault("__repr__", _repr)
        body.setdefault("__init__", _init(fields, hasattr(cls, "__post_init__")))
        body.setdefault("__signature__", _Signature())
        if eq:
            _compare(body, [one.name for one in fields.values() if one.compare], frozen)
        if frozen:
            body.setdefault("__setattr__", _refuse_set)
            body.setdefault("__delattr__", _refuse_delete)
        if slots:
            taken = {slot for base in cls.__mro__[1:-1] for slot in base.__dict__.get("__slots__", ())}
            body["__slots__"] = tuple(name for name in fields if name not in taken)
            body.setdefault("__getstate__", _state)
            body.setdefault("__setstate__", _restore)
        made = type(cls)(cls.__name__, cls.__bases__, body)
        made.__qualname__ = cls.__qualname__
        return made

    class _Signature:
        """The constructor's signature, for whoever asks."""

        def __get__(self, record, cls):
            parameters = list(inspect.signature(_compiled(cls)).parameters.values())[1:]
            return inspect.Signature(parameters)

    def _compiled(cls):
        """The standard ``__init__`` of these fields."""
        fields, frozen = cls.__dataclass_fields__.values(), cls.__dataclass_params__.frozen
        body = {"__annotations__": {one.name: one.type for one in fields}}
        for one in fields:
            if one.default is not dataclasses.MISSING or one.default_factory is not dataclasses.MISSING:
                body[one.name] = dataclasses.field(default=one.default, default_factory=one.default_factory)
        if hasattr(cls, "__post_init__"):
            body["__post_init__"] = None
        made = dataclasses.dataclass(type(cls.__name__, (), body), frozen=frozen, repr=False, eq=False)
        made.__init__.__qualname__ = f"{cls.__qualname__}.__init__"
        return made.__init__

    def _init(fields, checked):
        """An ``__init__`` that reads what it has to do, for the first objects; it leaves wrong arguments to the compiled one."""
        put, missing = object.__setattr__, dataclasses.MISSING
        names = tuple(fields)
        others = tuple((one.name, one.default, one.default_factory) for one in fields.values())
        left = OBJECTS_BEFORE_COMPILING

        def __init__(self, *args, **named):  # noqa: N807
            nonlocal left
            left -= 1
            if left < 0 or len(args) > len(names):
                return _compile(self)(self, *args, **named)
            for name, value in zip(names, args, strict=False):
                put(self, name, value)
            used = 0
            for name, value, factory in others[len(args) :]:
                if name in named:
                    value, used = named[name], used + 1
                elif value is missing:
                    if factory is missing:
                        return _compile(self)(self, *args, **named)
                    value = factory()
                put(self, name, value)
            if used != len(named):
                return _compile(self)(self, *args, **named)
            if checked:
                self.__post_init__()
            return None

        def _compile(self):
            cls = next(c for c in type(self).__mro__ if c.__dict__.get("__init__") is __init__)
            cls.__init__ = _compiled(cls)
            return cls.__init__

        return __init__

    def _compare(body, names, frozen):
        values = attrgetter(*names) if names else lambda record: ()

        def __eq__(self, other):  # noqa: N807
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):  # noqa: N807
            return hash(values(self))

        hashed = body.get("__hash__") is not None  # a class that only defines __eq__ has a None there
        body.setdefault("__eq__", __eq__)
        if not hashed:
            body["__hash__"] = __hash__ if frozen else None

    def _repr(self):
        shown = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__dataclass_fields__)
        return f"{self.__class__.__qualname__}({shown})"

    def _refuse_set(self, name, value):
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    def _refuse_delete(self, name):
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    def _state(self):
        return [getattr(self, name) for name in self.__dataclass_fields__]

    def _restore(self, state):
        for name, value in zip(self.__dataclass_fields__, state, strict=True):
            object.__setattr__(self, name, value)


__all__ = ["dataclass"]
