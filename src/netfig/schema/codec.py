"""JSON for frozen dataclasses, worked out from their type hints: encoding, strict decoding and the JSON Schema are one thing.

Fields that have their default are left out. Decoding collects every problem with its JSON path instead of stopping at the first.
"""

from __future__ import annotations

import dataclasses
import math
import sys
import types
from dataclasses import field
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from netfig.errors import did_you_mean
from netfig.graph.rules import MAX_NESTING
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Path = tuple[Any, ...]
"""Where we are in the document, innermost last, as nested pairs ``(outer, key)``; ``()`` is the document."""

MOST_PROBLEMS: Final = 50
"""Problems that are listed; the rest is counted."""


class Problems:
    """What is wrong with a document. `lenient` (a newer minor version) lets keys pass that are not known."""

    def __init__(self, *, lenient: bool = False) -> None:
        self.found: list[str] = []
        self.more = 0
        self.lenient = lenient

    def add(self, path: Path, text: str) -> None:
        """Note one problem."""
        if len(self.found) < MOST_PROBLEMS:
            self.found.append(f"{path_text(path)}: {text}")
        else:
            self.more += 1

    def all(self) -> list[str]:
        """The list for an error."""
        return [*self.found, f"… and {self.more} more"] if self.more else self.found


def path_text(path: Path) -> str:
    """``$.ops[3].inputs[0].name``."""
    steps = []
    while path:
        path, key = path
        steps.append(f"[{key}]" if isinstance(key, int) else f".{key}" if key.isidentifier() else f"[{key!r}]")
    return "$" + "".join(reversed(steps))


@dataclass(frozen=True)
class Codec:
    """How one type is written, read and described."""

    encode: Callable[[Any], Any]
    decode: Callable[[Any, Path, Problems], Any]
    schema: Mapping[str, Any]


def kind_of(data: object) -> str:
    """A JSON type in words."""
    names = {dict: "an object", list: "an array", str: "a text", bool: "true or false", int: "a number", float: "a number"}
    return "null" if data is None else names.get(type(data), type(data).__name__)


def _same(value: Any) -> Any:
    return value


def _plain(kind: type, words: str, schema: Mapping[str, Any]) -> Codec:
    def decode(data: Any, path: Path, problems: Problems) -> Any:
        if type(data) is not kind:
            problems.add(path, f"expected {words}, found {kind_of(data)}")
        return data

    return Codec(_same, decode, schema)


def _decode_number(data: Any, path: Path, problems: Problems) -> Any:
    if type(data) not in (int, float) or not math.isfinite(data):
        problems.add(path, f"expected a number, found {kind_of(data)}")
        return 0.0
    return float(data)


TEXT: Final = _plain(str, "a text", {"type": "string"})
WHOLE: Final = _plain(int, "a whole number", {"type": "integer"})
BOOLEAN: Final = _plain(bool, "true or false", {"type": "boolean"})
NUMBER: Final = Codec(float, _decode_number, {"type": "number"})


def choice(words: tuple[str, ...]) -> Codec:
    """One of some words."""

    def decode(data: Any, path: Path, problems: Problems) -> Any:
        if not isinstance(data, str) or data not in words:
            known = did_you_mean(data, words) if isinstance(data, str) else f"known: {', '.join(words)}"
            problems.add(path, f"unknown word {data!r}; {known}" if isinstance(data, str) else f"expected one word; {known}")
        return data

    return Codec(_same, decode, {"enum": list(words)})


def optional(inner: Codec) -> Codec:
    """The same or null."""

    def encode(value: Any) -> Any:
        return None if value is None else inner.encode(value)

    def decode(data: Any, path: Path, problems: Problems) -> Any:
        return None if data is None else inner.decode(data, path, problems)

    return Codec(encode, decode, {"anyOf": [inner.schema, {"type": "null"}]})


def many(inner: Codec) -> Codec:
    """An array of the same, a tuple in Python."""
    encode_one, decode_one = inner.encode, inner.decode

    def decode(data: Any, path: Path, problems: Problems) -> Any:
        if type(data) is not list:
            problems.add(path, f"expected an array, found {kind_of(data)}")
            return ()
        return tuple([decode_one(item, (path, i), problems) for i, item in enumerate(data)])

    return Codec(lambda value: [encode_one(item) for item in value], decode, {"type": "array", "items": inner.schema})


def fixed(*inner: Codec) -> Codec:
    """An array of exactly these."""

    def encode(value: Any) -> Any:
        return [one.encode(item) for one, item in zip(inner, value, strict=True)]

    def decode(data: Any, path: Path, problems: Problems) -> Any:
        if type(data) is not list or len(data) != len(inner):
            problems.add(path, f"expected an array of {len(inner)}, found {kind_of(data)}")
            return (None,) * len(inner)
        return tuple(one.decode(item, (path, i), problems) for i, (one, item) in enumerate(zip(inner, data, strict=True)))

    size = len(inner)
    return Codec(
        encode, decode, {"type": "array", "prefixItems": [one.schema for one in inner], "minItems": size, "maxItems": size}
    )


@dataclass
class Codecs:
    """Codecs by type, made on demand; `special` has those that are not worked out from hints, by the name in the hint."""

    special: Mapping[str, Codec]
    definitions: dict[str, Any] = field(default_factory=dict)
    _made: dict[Any, Codec] = field(default_factory=dict)
    _marks: dict[str, type] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._marks = {name: type(name, (), {}) for name in self.special}
        self._made.update({mark: self.special[name] for name, mark in self._marks.items()})

    def of(self, hint: Any) -> Codec:
        """The codec of a type hint."""
        if hint not in self._made:
            self._made[hint] = self._make(hint)
        return self._made[hint]

    def _make(self, hint: Any) -> Codec:
        simple = {str: TEXT, int: WHOLE, bool: BOOLEAN, float: NUMBER}
        if hint in simple:
            return simple[hint]
        origin, args = get_origin(hint), get_args(hint)
        if origin is Literal:
            return choice(args)
        if origin is tuple:
            return many(self.of(args[0])) if args[-1] is Ellipsis else fixed(*map(self.of, args))
        if origin in (Union, types.UnionType):
            rest = [arg for arg in args if arg is not type(None)]
            literals = [word for arg in rest if get_origin(arg) is Literal for word in get_args(arg)]
            if len(rest) == 1:
                return optional(self.of(rest[0]))
            if literals:
                return choice(tuple(literals))
            classes = {cls.__name__.lower(): cls for cls in rest}
            return self.tagged({word: self.of(cls) for word, cls in classes.items()}, classes)
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            return self.object(hint)
        raise TypeError(f"no JSON form for {hint!r}")

    def replace(self, name: str, made: Codec) -> None:
        """Use a codec wherever a hint names this type from now on."""
        self._marks[name] = type(name, (), {})
        self._made[self._marks[name]] = made

    def object(self, cls: type, given: Mapping[str, Codec] | None = None) -> Codec:
        """The codec of a dataclass; `given` has fields that are not worked out from their hints."""
        hints = get_type_hints(cls, {**vars(sys.modules[cls.__module__]), **self._marks})
        fields = [f for f in dataclasses.fields(cls) if not f.name.startswith("_")]
        known = {f.name: ((given or {}).get(f.name) or self.of(hints[f.name]), f.default) for f in fields}
        writers = [(name, default, codec.encode) for name, (codec, default) in known.items()]
        required = [name for name, (_, default) in known.items() if default is dataclasses.MISSING]

        def encode(value: Any) -> Any:
            found = {}
            for name, default, write in writers:
                one = getattr(value, name)
                if default is dataclasses.MISSING or one != default:
                    found[name] = write(one)
            return found

        def decode(data: Any, path: Path, problems: Problems) -> Any:
            before = len(problems.found)
            read = decode_fields(data, path, problems, known, required)
            return None if read is None or len(problems.found) != before else cls(**read)

        self.definitions[cls.__name__] = object_schema({n: c.schema for n, (c, _) in known.items()}, required, cls)
        return Codec(encode, decode, {"$ref": f"#/$defs/{cls.__name__}"})

    def tagged(self, codecs: Mapping[str, Codec], classes: Mapping[str, type]) -> Codec:
        """One of several classes, told apart by the key ``is``."""
        words = {cls: word for word, cls in classes.items()}

        def encode(value: Any) -> Any:
            word = words[type(value)]
            return {"is": word, **codecs[word].encode(value)}

        def decode(data: Any, path: Path, problems: Problems) -> Any:
            word = data.get("is") if isinstance(data, dict) else None
            if not isinstance(word, str) or word not in codecs:
                problems.add(path, f"the key 'is' must be one of {', '.join(codecs)}")
                return None
            return codecs[word].decode({k: v for k, v in data.items() if k != "is"}, path, problems)

        for word, cls in classes.items():
            described = self.definitions[cls.__name__]
            described["properties"] = {"is": {"const": word}, **described["properties"]}
            described["required"] = ["is", *described["required"]]
        return Codec(encode, decode, {"oneOf": [one.schema for one in codecs.values()]})


def decode_fields(
    data: Any, path: Path, problems: Problems, known: Mapping[str, tuple[Codec, Any]], required: list[str]
) -> dict[str, Any] | None:
    """The fields of an object, or ``None`` when it cannot be made from them."""
    if type(data) is not dict:
        problems.add(path, f"expected an object, found {kind_of(data)}")
        return None
    given = {}
    for key, item in data.items():
        if key in known:
            given[key] = known[key][0].decode(item, (path, key), problems)
        elif not problems.lenient:
            problems.add(path, f"unknown key {key!r}; {did_you_mean(key, known)}")
    missing = [name for name in required if name not in given]
    for name in missing:
        problems.add(path, f"the key {name!r} is missing")
    return None if missing else given


def object_schema(properties: Mapping[str, Any], required: list[str], cls: type) -> dict[str, Any]:
    """The JSON Schema of an object."""
    described = (cls.__doc__ or "").strip().split("\n")[0]
    return {
        "type": "object",
        "description": described,
        "properties": dict(properties),
        "required": required,
        "additionalProperties": False,
    }


def attribute_codec() -> Codec:
    """Attributes: JSON's own values, arrays for tuples, ``{"float": "nan"}`` for what JSON cannot write."""

    def encode(value: Any) -> Any:
        kind = type(value)
        if kind is tuple:
            return [encode(item) for item in value]
        if kind is float and not math.isfinite(value):
            return {"float": str(value)}
        return value

    def decode(data: Any, path: Path, problems: Problems, depth: int = MAX_NESTING) -> Any:
        kind = type(data)
        if kind is list:
            if depth <= 1:
                problems.add(path, f"nested deeper than {MAX_NESTING}")
                return ()
            return tuple(decode(item, (path, i), problems, depth - 1) for i, item in enumerate(data))
        if kind is dict:
            if set(data) != {"float"} or data["float"] not in ("nan", "inf", "-inf"):
                problems.add(path, 'an object here must be {"float": "nan", "inf" or "-inf"}')
                return None
            return float(data["float"])
        if kind is float and not math.isfinite(data):
            problems.add(path, "the number is too large")
        return data

    special = object_schema({"float": {"enum": ["nan", "inf", "-inf"]}}, ["float"], Codec)
    special["description"] = "A number that JSON cannot write."
    schema = {"anyOf": [{"type": ["null", "boolean", "number", "string"]}, special, {"type": "array", "items": {}}]}
    return Codec(encode, lambda data, path, problems: decode(data, path, problems), schema)


def attributes_codec(inner: Codec) -> Codec:
    """Attributes by key, in their order."""

    def decode(data: Any, path: Path, problems: Problems) -> Any:
        if type(data) is not dict:
            problems.add(path, f"expected an object, found {kind_of(data)}")
            return ()
        return tuple([(key, inner.decode(item, (path, key), problems)) for key, item in data.items()])

    def encode(value: Any) -> Any:
        return {key: inner.encode(item) for key, item in value}

    return Codec(encode, decode, {"type": "object", "additionalProperties": inner.schema})
