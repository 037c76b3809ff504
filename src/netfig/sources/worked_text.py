"""A worked example as it is written: TOML with exact numbers, and where in the text each key and each entry stands.

All mistakes are collected, each with its place; nothing is executed.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NoReturn

from netfig.errors import InvalidProgram, Problem, did_you_mean, shown
from netfig.graph.exact import Number
from netfig.graph.expressions import WrongNumber, parse_number

Path = tuple[str | int, ...]
Span = tuple[int, int]
Matrix = list[list[Number]]

MOST_ENTRIES: Final = 4096
"""A worked example is looked at; a matrix of more entries is no such thing."""
LONGEST_FILE: Final = 1_000_000

_HEADER = re.compile(r"[ \t]*(\[\[|\[)[ \t]*([\w.\-\"' ]+?)[ \t]*\]{1,2}")
_KEY = re.compile(r"[ \t]*(?P<key>[\w\-]+|\"[^\"\n]*\"|'[^'\n]*')[ \t]*=[ \t]*")
_PLACE = re.compile(r"\(at line (\d+), column (\d+)\)")


class _Decimal(str):
    """A float as it is written in the file; it is read as exactly that decimal."""

    __slots__ = ()


class WorkedText:
    """The keys of a file with their places; what is wrong is collected until `check`."""

    def __init__(self, source: str, name: str = "") -> None:
        self.source, self.name = source, name
        self.problems: list[Problem] = []
        self.data: dict[str, Any] = {}
        if len(source) > LONGEST_FILE:
            self.stop(f"the file has {len(source):,} characters", (0, 1), hint=f"{LONGEST_FILE:,} is the most")
        try:
            self.data = tomllib.loads(source, parse_float=_Decimal)
        except (tomllib.TOMLDecodeError, RecursionError) as error:
            self._not_toml(error)
        self.spans = dict(_spans(source))

    def _not_toml(self, error: Exception) -> NoReturn:
        words = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "it is nested too deeply"
        found = _PLACE.search(words)
        start = len(self.source)
        if found:
            lines = self.source.split("\n")
            start = sum(len(line) + 1 for line in lines[: int(found[1]) - 1]) + int(found[2]) - 1
        hint = "an expression such as sqrt(3) stands in quotes" if "value" in words.lower() or "array" in words.lower() else ""
        self.stop(f"the file is not valid TOML: {_PLACE.sub('', words).strip()}", (start, start + 1), hint=hint)

    # ---- mistakes --------------------------------------------------------------------------------------------------------------

    def span(self, path: Path) -> Span:
        """Where a key, a table or an entry stands: of a key its value, else the nearest thing around it."""
        whole = path
        while path:
            if path in self.spans:
                start, end = self.spans[path]
                for index in whole[len(path) :]:
                    parts = _elements(self.source, start)
                    if not isinstance(index, int) or index >= len(parts):
                        break
                    start, end = parts[index]
                return start, end
            path = path[:-1]
        return 0, 1

    def wrong(self, what: str, path: Path, *, why: str = "", hint: str = "", span: Span | None = None) -> None:
        """Note a mistake."""
        start, end = span or self.span(path)
        end = min(end, self.source.find("\n", start) if "\n" in self.source[start:end] else end)
        self.problems.append(Problem(what, start, max(end, start + 1), why, hint))

    def stop(self, what: str, span: Span, *, why: str = "", hint: str = "") -> NoReturn:
        """A mistake after which nothing can be said."""
        self.problems.append(Problem(what, *span, why, hint))
        self.check()
        raise AssertionError

    def check(self) -> None:
        """Raises `InvalidProgram` with all mistakes, when there are any."""
        if self.problems:
            raise InvalidProgram(self.problems, self.source, name=self.name, kind="the worked example has")

    # ---- what it says ----------------------------------------------------------------------------------------------------------

    def known(self, table: Mapping[str, Any], path: Path, keys: Sequence[str], needed: Iterable[str] = ()) -> None:
        """Every key is known, and those needed are there."""
        for key in table:
            if key not in keys:
                self.wrong(f"there is no key {shown(key)} here", (*path, key), hint=did_you_mean(key, keys))
        for key in needed:
            if key not in table:
                self.wrong(f"the key {key!r} is missing", path, hint=f"write {key} = …")

    def word(self, table: Mapping[str, Any], key: str, path: Path, words: Iterable[str], default: str) -> str:
        """One of some words."""
        found = table.get(key, default)
        if found not in (known := list(words)):
            hint = did_you_mean(found, known) if isinstance(found, str) else f"known: {', '.join(known)}"
            self.wrong(f"{key} is {shown(str(found))}", (*path, key), hint=hint)
            return default
        return str(found)

    def text(self, table: Mapping[str, Any], key: str, path: Path, default: str = "") -> str:
        """A text."""
        found = table.get(key, default)
        if not isinstance(found, str) or isinstance(found, _Decimal):
            self.wrong(f"{key} is {_kind(found)}, not text in quotes", (*path, key))
            return default
        return found

    def whole(self, table: Mapping[str, Any], key: str, path: Path, default: int, least: int) -> int:
        """A whole number."""
        found = table.get(key, default)
        if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= MOST_ENTRIES:
            self.wrong(f"{key} is not a whole number from {least} on", (*path, key))
            return default
        return found

    def words(self, table: Mapping[str, Any], key: str, path: Path) -> list[str]:
        """A list of texts; nothing when the key is not there."""
        found = table.get(key, [])
        if not isinstance(found, list) or not all(isinstance(w, str) and not isinstance(w, _Decimal) for w in found):
            self.wrong(f"{key} is not a list of texts", (*path, key), hint=f'such as {key} = ["the", "cat"]')
            return []
        return found

    def number(self, table: Mapping[str, Any], key: str, path: Path, default: Number) -> Number:
        """One exact number."""
        found = self._entry(table[key], (*path, key)) if key in table else None
        return default if found is None else found

    def matrix(self, table: Mapping[str, Any], key: str, path: Path = ()) -> Matrix | None:
        """A list of rows of numbers; of a plain list of numbers each is a row of one. ``None`` when something in it is wrong."""
        found = self._rows(table[key], (*path, key))
        if found is None:
            return None
        before = len(self.problems)
        is_vector = not isinstance(table[key][0], list)
        rows = [
            [self._entry(entry, (*path, key, i) if is_vector else (*path, key, i, j)) for j, entry in enumerate(row)]
            for i, row in enumerate(found)
        ]
        return None if len(self.problems) > before else [[n for n in row if n is not None] for row in rows]

    def _rows(self, found: Any, path: Path) -> list[list[Any]] | None:
        key = path[-1]
        if not isinstance(found, list) or not found:
            self.wrong(f"{key} is {_kind(found)}, not a matrix", path, hint=f"such as {key} = [[1, 2], [3, 4]]")
            return None
        rows: list[list[Any]] = found if any(isinstance(row, list) for row in found) else [[entry] for entry in found]
        for i, row in enumerate(rows):
            if not isinstance(row, list) or not row:
                self.wrong(f"row {i + 1} of {key} is {_kind(row)}, not a list of numbers", (*path, i))
                return None
            if len(row) != len(rows[0]):
                here, first = (f"{len(r)} number{'s' if len(r) != 1 else ''}" for r in (row, rows[0]))
                self.wrong(f"row {i + 1} of {key} has {here}, the first row {first}", (*path, i))
                return None
        if len(rows) * len(rows[0]) > MOST_ENTRIES:
            self.wrong(f"{key} has {len(rows) * len(rows[0]):,} entries", path, hint=f"{MOST_ENTRIES:,} are the most")
            return None
        return rows

    def _entry(self, entry: Any, path: Path) -> Number | None:
        if isinstance(entry, bool) or not isinstance(entry, (int, str)):
            self.wrong(f"{_kind(entry)} stands where a number should", path, hint='write 2, 0.5 or "sqrt(3)*ln(80)"')
            return None
        try:
            return parse_number(entry.replace("_", "") if isinstance(entry, _Decimal) else str(entry))
        except WrongNumber as error:
            start, end = self.span(path)
            quoted = self.source[start : start + 1] in ("'", '"') and "\\" not in self.source[start:end]
            inner = (start + 1 + error.start, start + 1 + error.end) if quoted else (start, end)
            self.wrong(error.what, path, hint=error.hint, span=inner)
            return None


def _kind(found: Any) -> str:
    if isinstance(found, bool):
        return "true or false"
    if isinstance(found, _Decimal):
        return f"the number {found}"
    names: dict[type, Callable[[Any], str]] = {
        str: lambda w: f"the text {shown(w)}",
        int: lambda n: f"the number {n}" if abs(n) < 10**30 else "a number",
        list: lambda items: "a list" if items else "an empty list",
        dict: lambda _: "a table",
    }
    return names.get(type(found), lambda _: "a date or time")(found)


# ---- places --------------------------------------------------------------------------------------------------------------


def _spans(source: str) -> Iterator[tuple[Path, Span]]:
    """Of every table its header, of every key its value; arrays of tables are counted."""
    table: Path = ()
    counts: dict[str, int] = {}
    at = 0
    while at < len(source):
        if header := _HEADER.match(source, at):
            name = header[2].strip("\"' ")
            table = (name,)
            if header[1] == "[[":
                table = (name, counts.get(name, 0))
                counts[name] = counts.get(name, 0) + 1
            yield table, (header.start(2), header.end(2))
        elif found := _KEY.match(source, at):
            end = _value_end(source, found.end())
            yield (*table, found["key"].strip("\"'")), (found.end(), end)
            at = end
        newline = source.find("\n", at)
        at = len(source) if newline < 0 else newline + 1


def _value_end(source: str, start: int) -> int:
    """Where a value that begins at `start` ends: a list after its bracket, anything else before a comma, comment or new line."""
    depth, at = 0, start
    while at < len(source):
        sign = source[at]
        if sign in "\"'":
            at = _string_end(source, at)
            if not depth:
                return at
            continue
        if sign == "#":
            if not depth:
                break
            at = source.find("\n", at) if "\n" in source[at:] else len(source)
            continue
        depth += (sign in "[{") - (sign in "]}")
        if sign in "]}" and depth <= 0:
            return at + (depth == 0)
        if not depth and sign in ",\n":
            break
        at += 1
    return start + len(source[start:at].rstrip())


def _string_end(source: str, start: int) -> int:
    quote = source[start]
    marks = quote * 3 if source.startswith(quote * 3, start) else quote
    at = start + len(marks)
    while at < len(source) and not source.startswith(marks, at):
        at += 2 if quote == '"' and source[at] == "\\" else 1
    return min(at + len(marks), len(source))


def _elements(source: str, start: int) -> list[Span]:
    """The places of the elements of the list that begins at `start`."""
    found: list[Span] = []
    at = start + 1
    while start < len(source) and source[start] == "[" and at < len(source) and source[at] != "]":
        if source[at] in " \t\n\r,":
            at += 1
        elif source[at] == "#":
            at = source.find("\n", at) if "\n" in source[at:] else len(source)
        else:
            end = max(_value_end(source, at), at + 1)
            found.append((at, end))
            at = end
    return found
