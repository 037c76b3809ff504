"""`dataclass` for a program that must start at once: netfig has more than a hundred records, and the standard decorator compiles
six functions for each of them, a quarter of the time that drawing a small figure takes.

Here they are shared closures; ``__init__`` is compiled, by the standard library, when a class has made many objects, and the
standard library's account of the fields is made when somebody asks for it. What comes out is a dataclass to
``dataclasses.fields``, ``replace``, ``asdict`` and ``is_dataclass``, to pattern matching, ``copy``, ``pickle`` and
``inspect.signature``. What is not needed here (``order``, ``kw_only``, ``InitVar``, ``init=False``) is left to the standard
decorator. Type checkers see the standard one always.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    import dataclasses
    import inspect
    from operator import attrgetter

    OBJECTS_BEFORE_COMPILING = 400
    """So many objects cost about as much more by a closure as compiling costs."""

    def dataclass(cls=None, /, *, frozen=False, slots=False, eq=True, **more):
        """As ``dataclasses.dataclass``."""

        def made(cls):
            own = None if more else _own_fields(cls)
            if own is None:
                return dataclasses.dataclass(cls, frozen=frozen, slots=slots, eq=eq, **more)
            return _record(cls, own, frozen, slots, eq)

        return made if cls is None else made(cls)

    def _own_fields(cls):
        """The fields a class adds, each with its default, default factory and whether it is compared.

        ``None`` when one of them is of a kind not made here.
        """
        found = {}
        for name, hint in inspect.get_annotations(cls).items():
            written = hint if isinstance(hint, str) else repr(hint)
            if "ClassVar" in written:
                continue
            default, factory, compared = cls.__dict__.get(name, dataclasses.MISSING), dataclasses.MISSING, True
            plain = "InitVar" not in written and "KW_ONLY" not in written
            if isinstance(default, dataclasses.Field):
                one = default
                plain &= one.init and one.hash is None and one.kw_only in (False, dataclasses.MISSING)
                default, factory, compared = one.default, one.default_factory, one.compare
            if not plain or type(default).__hash__ is None:
                return None
            found[name] = default, factory, compared
        return found

    def _record(cls, own, frozen, slots, eq):
        fields = {}
        for base in cls.__mro__[-1:0:-1]:
            if dataclasses.is_dataclass(base):
                fields |= {one.name: (one.default, one.default_factory, one.compare) for one in dataclasses.fields(base)}
        fields |= own
        names, given = tuple(fields), dict(cls.__dict__)
        methods = {
            "__match_args__": names,
            "__repr__": _repr,
            "__init__": _init(fields, frozen, hasattr(cls, "__post_init__")),
            "__replace__": _replace,
        }
        if eq:
            methods |= _comparison(tuple(name for name in names if fields[name][2]), frozen, given.get("__hash__"))
        if frozen:
            methods |= {"__setattr__": _refuse_set, "__delattr__": _refuse_delete}
        if slots:
            methods |= {"__getstate__": _state, "__setstate__": _restore}
        more = {name: one for name, one in methods.items() if name not in given or name == "__hash__"}
        left_out = {name for name in own if name in given and (slots or own[name][0] is dataclasses.MISSING)}
        more |= {name: own[name][0] for name in own if name in given and name not in left_out}
        made = _with_slots(cls, names, more, left_out) if slots else _completed(cls, more, left_out)
        made.__dataclass_fields__ = _Asked(made, "__dataclass_fields__", lambda: _standard_fields(made, own, given))
        made.__dataclass_params__ = _Asked(made, "__dataclass_params__", lambda: _standard(made, frozen).__dataclass_params__)
        if "__signature__" not in given:
            made.__signature__ = _Asked(made, "__signature__", lambda: inspect.signature(_standard(made, frozen)))
        return made

    def _completed(cls, more, left_out):
        for name in left_out:
            delattr(cls, name)
        for name, one in more.items():
            setattr(cls, name, one)
        return cls

    def _with_slots(cls, names, more, left_out):
        """The class again, as slots have to be there when a class is made."""
        taken = {slot for base in cls.__mro__[1:-1] for slot in base.__dict__.get("__slots__", ())}
        body = {name: one for name, one in cls.__dict__.items() if name not in left_out | {"__dict__", "__weakref__"}}
        body |= {**more, "__slots__": tuple(name for name in names if name not in taken)}
        made = type(cls)(cls.__name__, cls.__bases__, body)
        made.__qualname__ = cls.__qualname__
        return made

    class _Asked:
        """An attribute of a class that is found when somebody asks for it."""

        def __init__(self, owner, name, find):
            self.owner, self.name, self.find = owner, name, find

        def __get__(self, record, cls):
            value = self.find()
            setattr(self.owner, self.name, value)
            return value

    def _standard_fields(cls, own, given):
        """The fields as the standard library describes them, the inherited ones included."""
        hints = inspect.get_annotations(cls)
        body = {"__module__": cls.__module__, "__doc__": cls.__name__, "__annotations__": {name: hints[name] for name in own}}
        body |= {name: given[name] for name in own if name in given}
        twin = dataclasses.dataclass(type(cls.__name__, (), body), init=False, repr=False, eq=False, match_args=False)
        fields = {}
        for base in cls.__mro__[-1:0:-1]:
            if dataclasses.is_dataclass(base):
                fields |= {one.name: one for one in dataclasses.fields(base)}
        return fields | {one.name: one for one in dataclasses.fields(twin)}

    def _standard(cls, frozen):
        """A standard dataclass of these fields: for its compiled ``__init__``, and for whoever asks how one is made."""
        fields = dataclasses.fields(cls)
        body = {one.name: dataclasses.field(default=one.default, default_factory=one.default_factory) for one in fields}
        body |= {"__doc__": cls.__name__, "__annotations__": {one.name: one.type for one in fields}}
        if hasattr(cls, "__post_init__"):
            body["__post_init__"] = None
        made = dataclasses.dataclass(type(cls.__name__, (), body), frozen=frozen, repr=False, eq=False, match_args=False)
        made.__init__.__qualname__ = f"{cls.__qualname__}.__init__"
        return made

    def _init(fields, frozen, checked):
        """An ``__init__`` that reads what it has to do, for the first objects; it leaves wrong arguments to the compiled one."""
        put, missing = object.__setattr__, dataclasses.MISSING
        names = tuple(fields)
        others = tuple((name, default, factory) for name, (default, factory, _) in fields.items())
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
            cls.__init__ = _standard(cls, frozen).__init__
            return cls.__init__

        return __init__

    def _comparison(names, frozen, own_hash):
        values = attrgetter(*names) if names else lambda record: ()

        def __eq__(self, other):  # noqa: N807
            return values(self) == values(other) if other.__class__ is self.__class__ else NotImplemented

        def __hash__(self):  # noqa: N807
            return hash(values(self))

        if own_hash is not None:  # a class that only defines __eq__ has a None there
            return {"__eq__": __eq__}
        return {"__eq__": __eq__, "__hash__": __hash__ if frozen else None}

    def _repr(self):
        shown = ", ".join(f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self) if one.repr)
        return f"{self.__class__.__qualname__}({shown})"

    def _replace(self, /, **changes):
        return dataclasses.replace(self, **changes)

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
