"""What things of a repeat are called: one text for all members, and back."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Container, Mapping, Sequence

T = TypeVar("T")
PLATE: Final = "over "
"""What the id of a plate begins with."""

_CALL = re.compile(r"@\d+\Z")
_PIECES = re.compile(r"\d+|\D+")
_COUNTS = re.compile(r"@\d+|\d+[a-z]?(?=[._/+]|\Z)")
_MADE = re.compile(r"\.out\d*")  # what an op makes is called after the op
_MULTIPLE = re.compile(r"\A(?:(?P<times>\d+)\*)?(?P<name>[^\W\d]\w*)(?:/(?P<over>\d+))?\Z")


class Prefixes:
    """Texts that begin like one of some columns: ``layers.0+.norm`` is at index 3 ``layers.3.norm``.

    `columns` are, by the text that stands for all, the texts at each index.
    """

    def __init__(self, columns: Mapping[str, Sequence[str]]) -> None:
        self._columns = dict(columns)
        for template, column in columns.items():  # a second call `layers.0@1` has things called `layers.0.norm@1` in it
            bare = [_CALL.sub("", text) for text in column]
            if bare != list(column) and len(set(bare)) == len(bare):
                self._columns.setdefault(_CALL.sub("", template), tuple(bare))
        for template, column in columns.items():  # what stands in a plate has names like the plate
            if template.startswith(PLATE) and all(text.startswith(PLATE) for text in column):
                self._columns.setdefault(template[len(PLATE) :], tuple(text[len(PLATE) :] for text in column))
        self._first = {column[0]: template for template, column in reversed(self._columns.items())}
        self._known: dict[str, tuple[str, Sequence[str], str] | None] = {}

    def at(self, text: str, index: int) -> str:
        """The text at an index; one that begins like no column stays."""
        if text not in self._known:
            self._known[text] = _split(text, self._columns)
        found = self._known[text]
        if found is None:
            return text
        lead, column, rest = found
        call = _CALL.search(column[index])
        if call is None or not rest.startswith(".") or _MADE.fullmatch(rest):
            return lead + column[index] + rest
        path, slash, inside = rest.partition("/")  # the call stands at the end of the path of a module
        return lead + column[index][: call.start()] + path + call[0] + slash + inside

    def template(self, text: str) -> str:
        """What stands for all in place of the text at the first index; one that begins like no column stays."""
        found = _split(text, self._first)
        return text if found is None else found[0] + found[1] + found[2]


def _split(text: str, known: Mapping[str, T]) -> tuple[str, T, str] | None:
    """The longest beginning that is known and ends where a part of a path does."""
    start = len(PLATE) if text.startswith(PLATE) else 0
    end = len(text)
    while end > start:
        found = known.get(text[start:end])
        if found is not None:
            return text[:start], found, text[end:]
        end = max(text.rfind(".", start, end), text.rfind("/", start, end))
    return None


def together(first: str, last: str) -> str:
    """One text for a row of texts by the first and the last of them: ``layers.0+``, whatever their number."""
    mine, its = _PIECES.findall(first), _PIECES.findall(last)
    unlike = next((i for i, (a, b) in enumerate(zip(mine, its, strict=False)) if a != b), len(mine))
    if unlike < len(mine) and not mine[unlike].isdigit():  # the part of the path in which they begin to differ
        while unlike + 1 < len(mine) and not re.search("[./]", mine[unlike]):
            unlike += 1
    return "".join(mine[: unlike + 1]) + "+" + "".join(mine[unlike + 1 :])


class Taken:
    """Names that are in use, in several places."""

    def __init__(self, *places: Container[str]) -> None:
        self._places = places
        self._more: set[str] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._more or any(name in place for place in self._places)

    def add(self, name: str) -> None:
        """Take one more."""
        self._more.add(name)


def free(text: str, taken: Container[str]) -> str:
    """A text that is not taken yet."""
    while text in taken:
        text += "~"
    return text


def stem(name: str) -> str:
    """A name without what counts in it: that of ``up3`` and ``up2``, ``cat`` and ``cat@1``, ``mixed_5b`` and ``mixed_5c``."""
    return _COUNTS.sub("", name)


def family_word(name: str, otherwise: str) -> str:
    """What the members are one by one, by the name of the first: ``layers.0`` is a layer, ``up3`` an up."""
    *around, last = ["", *re.split(r"[./]", _CALL.sub("", name))]
    word = stem(last).strip("_")
    if not word and not any(c.isdigit() for c in around[-1]):
        word = around[-1][:-1] if around[-1].endswith("s") and not around[-1].endswith("ss") else around[-1]
    return word if len(word) > 1 and word.isidentifier() else otherwise


def multiple(text: str) -> tuple[int, str, int] | None:
    """``4*C`` is (4, "C", 1), ``C/2`` is (1, "C", 2); ``None`` for a text that is neither a name nor such."""
    found = _MULTIPLE.match(text)
    return None if found is None else (int(found["times"] or 1), found["name"], int(found["over"] or 1))
