"""The language of layer chains: its words, its grammar, and errors that point at the character.

::

    file      = { [ directive | chain ] newline }
    directive = ( "title" | "input" ) ":" text to the end of the line
    chain     = item { "|" item }                 a newline also separates items
    item      = [ name ":" ] [ count "*" ] ( layer | block | residual )
    block     = "(" chain ")"
    residual  = "residual" "(" chain ")"          x + chain(x)
    layer     = Class [ "(" [ argument { "," argument } ] ")" ]
    argument  = [ name "=" ] value
    value     = number | string | True | False | None | "(" values ")" | "[" values "]" | layer | size
    size      = a formula of names and whole numbers: C, K_H, 4*d_model, h*d_k

``#`` starts a comment; a line ``# title: …`` is the title where no ``title:`` stands. Nothing is ever evaluated.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from dataclasses import field, replace
from typing import Any

from netfig.errors import InvalidInput, point_at
from netfig.graph.formula import Formula
from netfig.graph.formula_text import WrongFormula, parse
from netfig.records import dataclass

MAX_DEPTH = 40
MAX_COUNT = 1000

_TOKEN = re.compile(
    r"""(?P<space>[^\S\n]+|\#[^\n]*)
      |(?P<newline>\n)
      |(?P<number>(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      |(?P<name>[^\W\d]\w*(?:-\w+)*)
      |(?P<string>'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*")
      |(?P<sign>[|:*()\[\],=+./-])
    """,
    re.VERBOSE,
)
_DIRECTIVE = re.compile(r"^[^\S\n]*(?P<key>title|input)[^\S\n]*:(?P<value>[^\n#]*)", re.MULTILINE)
_HEADER = re.compile(r"^[^\S\n]*#[^\S\n]*title[^\S\n]*:(?P<value>[^\n]*\S)", re.MULTILINE)
_SIZE_NAME = re.compile(r"[^\W\d_](?:\d*|_\w+)\Z|[^\W\dA-Z]\w*\Z|\w+_\w+\Z")
"""Names of sizes: one letter, one with something below it, or words in small letters. Classes of layers are in CamelCase."""
_WORDS = frozenset(
    (
        *("same", "valid", "zeros", "reflect", "replicate", "circular", "constant", "border", "nearest", "linear", "bilinear"),
        "false",
        *("bicubic", "trilinear", "area", "relu", "gelu", "silu", "tanh", "sigmoid", "mean", "sum", "max", "none", "true"),
    )
)
"""What arguments are strings for; without quotes they are a mistake, not the name of a size."""
_CONSTANTS = {"True": True, "true": True, "False": False, "false": False, "None": None, "none": None}


@dataclass(frozen=True)
class Span:
    """A stretch of the text."""

    start: int
    end: int


@dataclass(frozen=True)
class LayerWord:
    """One layer as written; an argument that is itself a layer is a `LayerWord`."""

    type_name: str
    args: tuple[Any, ...]
    kwargs: tuple[tuple[str, Any], ...]
    span: Span
    type_span: Span
    name: str | None = None
    count: int = 1


@dataclass(frozen=True)
class BlockWord:
    """A chain in brackets, repeated `count` times or, with `is_residual`, added to its own input."""

    items: tuple[LayerWord | BlockWord, ...]
    span: Span
    is_residual: bool = False
    name: str | None = None
    count: int = 1


Item = LayerWord | BlockWord


@dataclass(frozen=True)
class ChainText:
    """A chain as written, with what a file says about itself."""

    items: tuple[Item, ...]
    text: str
    place: str = ""
    title: str | None = None
    input: str | None = None
    input_span: Span | None = field(default=None, compare=False)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of sizes in its layers, in the order they stand."""
        return tuple(dict.fromkeys(name for size in _sizes_in(self.items) for name in size.names))

    def at(self, sizes: Mapping[str, int]) -> ChainText:
        """The same with numbers for some of its sizes.

        Raises:
            InvalidInput: with them something is divided by 0 or less.
        """
        try:
            return replace(self, items=tuple(_with_sizes(item, sizes) for item in self.items))
        except ValueError as error:
            raise InvalidInput(str(error), where=self.place) from None

    def error(self, what: str, span: Span, *, why: str = "", hint: str = "") -> InvalidInput:
        """An error that points at a part of the text."""
        return error_at(self.text, self.place, what, span, why=why, hint=hint)


def _sizes_in(found: Any) -> Iterator[Formula]:
    match found:
        case Formula():
            yield found
        case LayerWord(args=args, kwargs=kwargs):
            yield from _sizes_in(args)
            yield from _sizes_in(tuple(value for _, value in kwargs))
        case BlockWord(items=items):
            yield from _sizes_in(items)
        case tuple():
            for one in found:
                yield from _sizes_in(one)


def _with_sizes(found: Any, sizes: Mapping[str, int]) -> Any:
    match found:
        case Formula():
            made = found.at(sizes)
            return made if made.number is None else made.number
        case LayerWord():
            kwargs = tuple((key, _with_sizes(value, sizes)) for key, value in found.kwargs)
            return replace(found, args=_with_sizes(found.args, sizes), kwargs=kwargs)
        case BlockWord():
            return replace(found, items=_with_sizes(found.items, sizes))
        case tuple():
            return tuple(_with_sizes(one, sizes) for one in found)
        case _:
            return found


def error_at(text: str, place: str, what: str, span: Span, *, why: str = "", hint: str = "") -> InvalidInput:
    """An error with the line of the text it is about, a caret, and in a file its line number."""
    begin = text.rfind("\n", 0, span.start) + 1
    stop = text.find("\n", begin)
    line = text[begin : stop if stop >= 0 else len(text)]
    start, end = span.start - begin, min(span.end - begin, len(line))
    label = f"{place}:{text.count(chr(10), 0, span.start) + 1}: " if place else ""
    what = what if len(what) <= 400 else what[:399] + "…"
    return InvalidInput(what, where=point_at(label + line, len(label) + start, len(label) + end), why=why, hint=hint)


def read_chain(text: str, place: str = "") -> ChainText:
    """Read a chain from a command line (no `place`) or a file."""
    if "\0" in text:
        raise InvalidInput("a layer chain has no NUL characters", where=place)
    text = text.replace("\r\n", "\n")
    title, given, span, body = None, None, None, text
    directives = list(_DIRECTIVE.finditer(text))
    keys = [d["key"] for d in directives]
    if len(set(keys)) < len(keys):
        twice = next(d for i, d in enumerate(directives) if d["key"] in keys[:i])
        raise error_at(text, place, f"{twice['key']!r} is given twice", Span(twice.start("key"), twice.end("key")))
    for found in directives:
        value = found["value"].strip()
        if found["key"] == "title":
            title = value
        else:
            given, span = (
                value,
                Span(found.start("value") + len(found["value"]) - len(found["value"].lstrip()), found.end("value")),
            )
        body = body[: found.start()] + " " * (found.end() - found.start()) + body[found.end() :]
    items = _Reader(body, text, place).file()
    if title is None and (header := _HEADER.search(text)) is not None:
        title = header["value"].strip()
    return ChainText(items, text, place, title, given, span)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    start: int
    end: int


class _Reader:
    """Recursive descent over the tokens."""

    def __init__(self, body: str, text: str, place: str) -> None:
        self.text, self.place = text, place
        self.tokens = self._scan(body)
        self.index = 0
        self.depth = 0

    def _scan(self, body: str) -> list[_Token]:
        tokens, position = [], 0
        while position < len(body):
            found = _TOKEN.match(body, position)
            if found is None:
                raise self.meaningless(body, position)
            if found.lastgroup != "space":
                tokens.append(_Token(str(found.lastgroup), found[0], found.start(), found.end()))
            position = found.end()
        tokens.append(_Token("end", "", len(body.rstrip()), len(body.rstrip()) + 1))
        return tokens

    def meaningless(self, body: str, position: int) -> InvalidInput:
        sign = body[position]
        if sign == ">" and body[position - 1 : position] in ("-", "="):  # an arrow: the sign before it was a token
            position, sign = position - 1, body[position - 1 : position + 1]
        what = "a string is not closed" if sign in ("'", '"') else f"{sign!r} means nothing in a layer chain"
        hint = "layers are joined by '|'" if sign in ("->", "=>", ">", ";", "→", "&") else ""
        return self.fail(what, Span(position, position + len(sign)), hint=hint)

    def fail(self, what: str, span: Span | _Token, *, why: str = "", hint: str = "") -> InvalidInput:
        return error_at(self.text, self.place, what, Span(span.start, span.end), why=why, hint=hint)

    @property
    def token(self) -> _Token:
        return self.tokens[self.index]

    def peek(self, offset: int = 1) -> _Token:
        return self.tokens[min(self.index + offset, len(self.tokens) - 1)]

    def take(self) -> _Token:
        token = self.token
        self.index = min(self.index + 1, len(self.tokens) - 1)
        return token

    def is_sign(self, sign: str) -> bool:
        return self.token.kind == "sign" and self.token.text == sign

    def skip_newlines(self) -> None:
        while self.token.kind == "newline":
            self.take()

    def file(self) -> tuple[Item, ...]:
        items = self.chain()
        if self.token.kind != "end":
            hint = "layers are joined by '|' or stand on lines of their own"
            raise self.fail(f"{_shown(self.token)} is not expected here", self.token, hint=hint)
        return items

    def chain(self) -> tuple[Item, ...]:
        """Items up to the end or a closing bracket, which is left for the caller."""
        items: list[Item] = []
        self.skip_newlines()
        while True:
            items.append(self.item())
            newline = self.token.kind == "newline"
            self.skip_newlines()
            if self.is_sign("|"):
                self.take()
                self.skip_newlines()
            elif not newline or self.token.kind == "end" or self.is_sign(")"):
                return tuple(items)

    def item(self) -> Item:
        name, count, start = None, 1, self.token.start
        if self.token.kind == "name" and self.peek().text == ":":
            name = self.take().text
            self.take()
        if self.token.kind == "number":
            count = self.count()
        if self.is_sign("("):
            return self.block(start, name, count, is_residual=False)
        if self.token.kind == "name" and self.token.text == "residual":
            self.take()
            if not self.is_sign("("):
                raise self.fail(
                    "'residual' is followed by a chain in brackets", self.token, hint="residual(Conv2d(16, 3) | ReLU)"
                )
            return self.block(start, name, count, is_residual=True)
        layer = self.layer()
        return LayerWord(layer.type_name, layer.args, layer.kwargs, layer.span, layer.type_span, name, count)

    def count(self) -> int:
        token = self.take()
        if not token.text.isdigit() or not 1 <= int(token.text[:9]) <= MAX_COUNT:
            raise self.fail(
                f"{token.text!r} is not a number of repetitions", token, why=f"it is a whole number from 1 to {MAX_COUNT}"
            )
        if not self.is_sign("*"):
            hint = f"{token.text} * (Conv2d(16, 3) | ReLU) repeats a chain"
            raise self.fail("after a number of repetitions comes '*'", self.token, hint=hint)
        self.take()
        return int(token.text)

    def block(self, start: int, name: str | None, count: int, *, is_residual: bool) -> BlockWord:
        opening = self.take()
        self.enter(opening)
        items = self.chain()
        if not self.is_sign(")"):
            raise self.not_closed(opening)
        end = self.take().end
        self.depth -= 1
        return BlockWord(items, Span(start, end), is_residual, name, count)

    def enter(self, token: _Token) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail(f"brackets are nested more than {MAX_DEPTH} deep", token)

    def not_closed(self, opening: _Token) -> InvalidInput:
        if self.token.kind == "end":
            return self.fail(f"{opening.text!r} is not closed", opening)
        return self.fail(
            f"{_shown(self.token)} is not expected here", self.token, hint=f"a ',' or a closing bracket for {opening.text!r}"
        )

    def layer(self) -> LayerWord:
        token = self.token
        if token.kind != "name":
            hint = "a layer is a class of torch.nn, such as Conv2d(16, 3) or ReLU"
            what = (
                "a layer is missing here"
                if token.kind in ("end", "newline") or token.text in "|)"
                else f"{_shown(token)} is not a layer"
            )
            raise self.fail(what, token, hint=hint)
        self.take()
        dotted = token
        while self.is_sign(".") and self.peek().kind == "name":  # nn.Conv2d and torch.nn.Conv2d mean Conv2d
            self.take()
            dotted = self.take()
        type_span, end = Span(token.start, dotted.end), dotted.end
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        if self.is_sign("("):
            args, kwargs, end = self.arguments()
        prefix = self.text[token.start : dotted.start].replace(" ", "")
        if prefix not in ("", "nn.", "torch.nn."):
            raise self.fail(f"{prefix + dotted.text!r} is not a layer of torch.nn", type_span)
        return LayerWord(dotted.text, tuple(args), tuple(kwargs.items()), Span(token.start, end), type_span)

    def arguments(self) -> tuple[list[Any], dict[str, Any], int]:
        opening = self.take()
        self.enter(opening)
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        self.skip_newlines()
        while not self.is_sign(")"):
            token = self.token
            if token.kind == "name" and self.peek().text == "=":
                if token.text in kwargs:
                    raise self.fail(f"{token.text!r} is given twice", token)
                self.take()
                self.take()
                self.skip_newlines()
                kwargs[token.text] = self.value()
            elif kwargs:
                raise self.fail(
                    "a value without a name comes after one with a name", token, hint="write name=value for this one too"
                )
            else:
                args.append(self.value())
            self.separator(opening, ")")
        self.depth -= 1
        return args, kwargs, self.take().end

    def separator(self, opening: _Token, closing: str) -> None:
        """A comma, or nothing before the closing bracket."""
        self.skip_newlines()
        if self.is_sign(","):
            self.take()
            self.skip_newlines()
        elif not self.is_sign(closing):
            raise self.not_closed(opening)

    def value(self) -> Any:
        token = self.token
        if token.kind == "sign" and token.text in "([":
            return self.sequence()
        if self.is_size():
            return self.size()
        if token.kind == "sign" and token.text in "+-" and self.peek().kind == "number":
            self.take()
            number = self.number()
            return -number if token.text == "-" else number
        if token.kind == "number":
            return self.number()
        if token.kind == "string":
            try:
                return ast.literal_eval(self.take().text)
            except (SyntaxError, ValueError):
                raise self.fail(f"{token.text} is not a string", token) from None
        if token.kind == "name" and token.text in _CONSTANTS:
            return _CONSTANTS[self.take().text]
        if token.kind == "name" and (token.text[0].isupper() or token.text in ("nn", "torch")):
            return self.layer()
        what = (
            "a value is missing here"
            if token.kind in ("end", "newline") or token.text in ",)]"
            else f"{_shown(token)} is not a value"
        )
        hint = f"is it a string? Write '{self._word(token)}'" if token.kind == "name" else ""
        raise self.fail(what, token, why="arguments are numbers, strings, True, False, None, or tuples of them", hint=hint)

    @staticmethod
    def _word(token: _Token) -> str:
        """The string that is meant without its quotes."""
        return _near_word(token.text) or token.text

    def is_size(self) -> bool:
        """Whether a size with names begins here, and not a number, a word without its quotes, or a layer."""
        token, after = self.token, self.peek()
        if token.kind == "number":
            return after.kind == "sign" and after.text in "*+-/"
        name = token.text.partition("-")[0]
        if token.kind != "name" or name in _CONSTANTS or name.lower() in _WORDS or name in ("nn", "torch"):
            return False
        if after.kind == "sign" and after.text in "(.":
            return False
        return _SIZE_NAME.match(name) is not None and not _near_word(name)

    def size(self) -> Any:
        """A formula of names and numbers, or the number it comes to."""
        start = end = self.token
        while self.token.kind in ("number", "name") or (self.token.kind == "sign" and self.token.text in "*+-/"):
            end = self.take()
        text = self.text[start.start : end.end]
        try:
            made = parse(text)
        except WrongFormula as error:
            at = min(start.start + error.start, end.end - 1)
            raise self.fail(
                f"{text!r} is no size: {error.what}", Span(at, min(max(start.start + error.end, at + 1), end.end))
            ) from None
        return made if made.number is None else made.number

    def number(self) -> int | float:
        token = self.take()
        try:
            return int(token.text) if re.fullmatch(r"[0-9_]+", token.text) else float(token.text)
        except ValueError:
            raise self.fail(f"{token.text!r} is not a number", token) from None

    def sequence(self) -> Any:
        opening = self.take()
        self.enter(opening)
        closing = ")" if opening.text == "(" else "]"
        values = []
        self.skip_newlines()
        comma = False
        while not self.is_sign(closing):
            values.append(self.value())
            comma = self.is_sign(",") or comma
            self.separator(opening, closing)
        self.take()
        self.depth -= 1
        if closing == ")" and len(values) == 1 and not comma:
            return values[0]
        return tuple(values) if closing == ")" else values


def _near_word(name: str) -> str:
    """The word an argument may be that a name nearly is."""
    import difflib

    return next(iter(difflib.get_close_matches(name, sorted(_WORDS), n=1, cutoff=0.75)), "") if len(name) > 3 else ""


def _shown(token: _Token) -> str:
    return {"end": "the end", "newline": "the end of the line"}.get(token.kind, repr(token.text))
