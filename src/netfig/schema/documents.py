"""Graph, Figure and Drawing as JSON documents: versioned, and the same bytes for equal things.

A document is one object: ``format``, ``version`` ([major, minor]), then the fields, one line for each thing in a list. A figure's
groups are written flat, as a list of items whose groups name their children, so that depth is no limit.
"""

from __future__ import annotations

import dataclasses
import json
from functools import cache
from typing import TYPE_CHECKING, Any, Final, NamedTuple, get_args

from netfig.drawing import Drawing
from netfig.errors import InvalidGraph, InvalidInput, Missing, NetfigError, shown
from netfig.figure import Box, Figure, Group
from netfig.graph.types import Affine, Dim, Graph, Ref
from netfig.mathtext import Accent, Big, Fence, Fraction, Mark, Piece, Root, Run, Script, Style, Under
from netfig.schema import codec
from netfig.schema.codec import Codec, Codecs, Problems

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netfig.schema.codec import Path

VERSION: Final = (1, 0)
"""(major, minor) of the documents written. Another major is refused; a newer minor is read and what is not known left out."""

MAX_DEPTH: Final = 64
"""Steps into a document at which text may still hold text."""

LARGEST: Final = 256 * 2**20
"""Bytes of the largest document that is read."""


class _Form(NamedTuple):
    """One kind of document."""

    word: str  # "graph"
    cls: type
    lists: tuple[str, ...]  # fields written one item a line


def _dim_codec() -> Codec:
    def encode(dim: Dim) -> Any:
        if dim.size is None or dim.name is None:
            return dim.name if dim.size is None else dim.size
        return {"size": dim.size, "name": dim.name}

    def decode(data: Any, path: Path, problems: Problems) -> Dim:
        if data is None or type(data) is int:
            return Dim(data)
        if type(data) is str:
            return Dim(None, data)
        if type(data) is dict and set(data) == {"size", "name"} and type(data["size"]) is int and type(data["name"]) is str:
            return Dim(data["size"], data["name"])
        problems.add(path, 'a dimension is a whole number, a name, null or {"size": …, "name": …}')
        return Dim()

    both = codec.object_schema({"size": {"type": "integer", "minimum": 0}, "name": {"type": "string"}}, ["size", "name"], Dim)
    return Codec(encode, decode, {"anyOf": [{"type": "integer", "minimum": 0}, {"type": ["string", "null"]}, both]})


def _affine_codec() -> Codec:
    """An index as it is written: ``t-1``, ``t-i``, ``T``."""

    def decode(data: Any, path: Path, problems: Problems) -> Affine:
        try:
            return Affine.parse(data)
        except (TypeError, ValueError):
            found = shown(data) if isinstance(data, str) else codec.kind_of(data)
            problems.add(path, f"an index is a sum of names and whole numbers such as 't-1', not {found}")
            return Affine()

    return Codec(str, decode, {"type": "string"})


def _ref_codec() -> Codec:
    offset = codec.many(codec.fixed(codec.TEXT, codec.WHOLE))
    at = codec.many(codec.fixed(codec.TEXT, _affine_codec()))
    fields: dict[str, tuple[Codec, Any]] = {"value": (codec.TEXT, None), "offset": (offset, ()), "at": (at, ())}

    def encode(ref: Ref) -> Any:
        if not (ref.offset or ref.at):
            return ref.value
        placed = {"offset": offset.encode(ref.offset)} if ref.offset else {}
        return {"value": ref.value, **placed, **({"at": at.encode(ref.at)} if ref.at else {})}

    def decode(data: Any, path: Path, problems: Problems) -> Ref:
        if type(data) is str:
            return Ref(data)
        given = codec.decode_fields(data, path, problems, fields, ["value"])
        return Ref(**given) if given else Ref("")

    full = codec.object_schema({name: one.schema for name, (one, _) in fields.items()}, ["value"], Ref)
    return Codec(encode, decode, {"anyOf": [{"type": "string"}, full]})


def _text_codec(definitions: dict[str, Any]) -> Codec:
    """Typeset text: a word alone is its characters, every other piece is told by a key of its own; pieces nest."""
    here = {"$ref": "#/$defs/Text"}
    pieces = codec.many(
        Codec(lambda piece: encode_piece(piece), lambda data, path, problems: decode_piece(data, path, problems), {})
    )

    def decode_text(data: Any, path: Path, problems: Problems) -> Any:
        if _depth(path) > MAX_DEPTH:
            problems.add(path, f"text is nested deeper than {MAX_DEPTH}")
            return ()
        return pieces.decode(data, path, problems)

    text = Codec(pieces.encode, decode_text, here)
    shapes: dict[type, dict[str, tuple[Codec, Any]]] = {  # of each kind of piece its fields, the one that tells it first
        Run: {"text": (codec.TEXT, None), "style": (codec.choice(get_args(Style)), "plain")},
        Script: {"base": (text, None), "sub": (text, ()), "sup": (text, ())},
        Accent: {"mark": (codec.choice(get_args(Mark)), None), "base": (text, None)},
        Fraction: {"over": (text, None), "under": (text, None)},
        Big: {"sign": (codec.TEXT, None), "below": (text, ()), "above": (text, ())},
        Root: {"body": (text, None)},
        Under: {"noted": (text, None), "note": (text, None)},
        Fence: {"left": (codec.TEXT, None), "body": (text, None), "right": (codec.TEXT, None)},
    }

    def encode_piece(piece: Piece) -> Any:
        if isinstance(piece, Run) and piece.style == "plain":
            return piece.text
        fields = ((name, getattr(piece, name), one, default) for name, (one, default) in shapes[type(piece)].items())
        return {name: one.encode(value) for name, value, one, default in fields if default is None or value != default}

    def decode_piece(data: Any, path: Path, problems: Problems) -> Piece:
        if type(data) is str:
            return Run(data)
        keys = set(data) if type(data) is dict else set()
        cls = next((cls for cls in (Accent, Fence, *shapes) if next(iter(shapes[cls])) in keys), Run)
        given = codec.decode_fields(data, path, problems, shapes[cls], _required(shapes[cls]))
        made: Piece = cls(**given) if given else Run("")
        return made

    described = [
        codec.object_schema({name: one.schema for name, (one, _) in fields.items()}, _required(fields), cls)
        for cls, fields in shapes.items()
    ]
    definitions["Text"] = {"type": "array", "items": {"anyOf": [{"type": "string"}, *described]}}
    return text


def _required(fields: Mapping[str, tuple[Codec, Any]]) -> list[str]:
    return [name for name, (_, default) in fields.items() if default is None]


def _depth(path: Path) -> int:
    count = 0
    while path:
        path, count = path[0], count + 1
    return count


GRAPH: Final = _Form("graph", Graph, ("values", "ops", "scopes", "inputs", "outputs", "axes", "notes"))
FIGURE: Final = _Form("figure", Figure, ("root", "wires", "legend"))
DRAWING: Final = _Form("drawing", Drawing, ("items",))


@cache
def _codecs(form: _Form) -> tuple[Codecs, Codec]:
    definitions: dict[str, Any] = {}
    attribute = codec.attribute_codec()
    special = {
        "Dim": _dim_codec(),
        "Ref": _ref_codec(),
        "Text": _text_codec(definitions) if form is not DRAWING else codec.TEXT,
        "Attribute": attribute,
        "Attributes": codec.attributes_codec(attribute),
    }
    made = Codecs(special, definitions)
    if form is FIGURE:
        made.replace("Group", _tree_codec(made))
    return made, made.of(form.cls)


def _tree_codec(codecs: Codecs) -> Codec:
    """The tree of groups and boxes as a flat list, parents first; a group's `children` are ids."""
    children = codec.many(codec.TEXT)
    leaf = codecs.of(Box)
    group = codecs.object(Group, {"children": children})
    items = codecs.tagged({"box": leaf, "group": group}, {"box": Box, "group": Group})

    def encode(root: Group) -> Any:
        listed, stack = [], [root]
        while stack:
            item: Any = stack.pop()
            if isinstance(item, Group):
                stack.extend(reversed(item.children))  # type: ignore[arg-type]
                listed.append({"is": "group", **group.encode(_Flat(item))})
            else:
                listed.append({"is": "box", **leaf.encode(item)})
        return listed

    def decode(data: Any, path: Path, problems: Problems) -> Any:
        read: tuple[Any, ...] = codec.many(items).decode(data, path, problems)
        if problems.found:
            return None
        made: dict[str, Box | Group] = {}
        for i in range(len(read) - 1, -1, -1):  # children come after their group
            item = read[i]
            if item.id in made:
                problems.add((path, i), f"the id {item.id!r} is used twice, or a group that holds it comes after it")
            if type(item) is Group:
                children: Any = item.children  # ids, as they are written
                for child in (child for child in children if child not in made):
                    problems.add((path, i), f"the child {child!r} is not listed after its group, or stands in two groups")
                item = dataclasses.replace(item, children=tuple(made.pop(child) for child in children if child in made))
            made[item.id] = item
        if len(made) != 1 or not isinstance(next(iter(made.values())), Group):
            problems.add(path, "the items do not form one tree with a group at its root")
            return None
        return next(iter(made.values()))

    return Codec(encode, decode, {"type": "array", "items": items.schema, "minItems": 1})


class _Flat:
    """A group as it is written: its children are ids."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self.children = tuple(child.id for child in group.children)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._group, name)


def write(form: _Form, thing: Any) -> bytes:
    """The document of a thing."""
    fields = _codecs(form)[1].encode(thing)
    head = {"format": f"netfig-{form.word}", "version": list(VERSION)}
    parts = []
    for key, value in {**head, **fields}.items():
        if key in form.lists:
            lines = ",\n  ".join(_dumps(item) for item in value)
            parts.append(f'"{key}": [\n  {lines}\n ]' if lines else f'"{key}": []')
        else:
            parts.append(f'"{key}": {_dumps(value)}')
    return ("{\n " + ",\n ".join(parts) + "\n}\n").encode("utf-8", "backslashreplace")  # a lone surrogate becomes its escape


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(", ", ": "))


def read(form: _Form, data: bytes, where: str = "") -> Any:
    """The thing a document holds; raises with all problems at once."""
    document = _parse(form, data, where)
    lenient = _check_version(form, document, where)
    problems = Problems(lenient=lenient)
    fields = {key: item for key, item in document.items() if key not in ("format", "version")}
    try:
        thing = _codecs(form)[1].decode(fields, (), problems)
    except InvalidGraph as error:
        if problems.found:
            raise _invalid(form, problems, where) from None
        raise InvalidGraph(error.what, error.violations, where=where) from None
    if problems.found:
        raise _invalid(form, problems, where)
    return thing


def _invalid(form: _Form, problems: Problems, where: str) -> InvalidGraph:
    count = len(problems.found) + problems.more
    return InvalidGraph(f"the {form.word} file has {count} problem{'s' if count > 1 else ''}", problems.all(), where=where)


def _parse(form: _Form, data: bytes, where: str) -> dict[str, Any]:
    if len(data) > LARGEST:
        raise InvalidInput(f"the {form.word} file is larger than {LARGEST // 2**20} MiB", where=where)
    try:
        document = json.loads(data.decode("utf-8-sig"), parse_constant=_no_constant, object_pairs_hook=_pairs)
    except UnicodeDecodeError as error:
        raise InvalidInput("this is not JSON: it is not UTF-8 text", where=where, why=f"byte {error.start}") from None
    except json.JSONDecodeError as error:
        place = f"{where}:{error.lineno}:{error.colno}" if where else f"line {error.lineno}, column {error.colno}"
        raise InvalidInput("this is not JSON", where=place, why=error.msg) from None
    except RecursionError:
        raise InvalidInput("this JSON is nested too deeply to be read", where=where) from None
    except ValueError as error:  # a number of more digits than Python reads, a key given twice
        raise InvalidInput("this JSON cannot be read", where=where, why=str(error).split(";")[0]) from None
    if not isinstance(document, dict) or document.get("format") != f"netfig-{form.word}":
        found = document.get("format") if isinstance(document, dict) else None
        why = f"its format is {found!r}" if isinstance(found, str) else f'there is no "format": "netfig-{form.word}"'
        raise InvalidInput(f"this JSON is no netfig {form.word}", where=where, why=why)
    return document


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(k for k in keys if keys.count(k) > 1)!r} is given twice in one object")
    return found


def _check_version(form: _Form, document: Mapping[str, Any], where: str) -> bool:
    """Whether the document is of a newer minor version; raises when its version cannot be read."""
    version = document.get("version")
    if not (isinstance(version, list) and len(version) == 2 and all(type(n) is int and n >= 0 for n in version)):
        raise InvalidInput(
            f"the {form.word} file does not say its version", where=where, why='expected "version": [major, minor]'
        )
    if version[0] != VERSION[0]:
        newer = version[0] > VERSION[0]
        error: NetfigError = Missing(
            f"the {form.word} file has schema version {version[0]}.{version[1]}; this netfig reads {VERSION[0]}.x",
            where=where,
            hint="update netfig" if newer else "write the file again with this netfig",
        )
        raise error
    return bool(version[1] > VERSION[1])


def schema(form: _Form) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a document, worked out from the types."""
    codecs, main = _codecs(form)
    definitions = dict(codecs.definitions)
    body = definitions.pop(form.cls.__name__)
    head = {
        "format": {"const": f"netfig-{form.word}"},
        "version": {"type": "array", "prefixItems": [{"const": VERSION[0]}, {"type": "integer", "minimum": 0}], "minItems": 2},
    }
    assert main.schema == {"$ref": f"#/$defs/{form.cls.__name__}"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"netfig {form.word}, version {VERSION[0]}.{VERSION[1]}",
        "type": "object",
        "properties": {**head, **body["properties"]},
        "required": ["format", "version", *body["required"]],
        "additionalProperties": False,
        "$defs": dict(sorted(definitions.items())),
    }
