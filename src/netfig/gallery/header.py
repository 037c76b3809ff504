"""The header of an example: comment lines ``# key: text`` at the top of the file.

``title``, ``category`` and ``summary`` stand once, ``command`` once or more. A command is a `netfig` command line: ``draw … -o
NAME.svg`` and ``diff A B -o NAME.svg`` make a picture of the gallery, ``summary …`` and ``diff A B --text`` print a table for its
page.
"""

from __future__ import annotations

import re
import shlex
import tomllib
from collections.abc import Mapping
from pathlib import Path

from netfig.errors import InvalidInput, Missing, did_you_mean
from netfig.records import dataclass

SUFFIXES = (".py", ".layers", ".json", ".rnn", ".attention", ".worked.toml")
CATEGORIES = "categories.toml"

_LINE = re.compile(r"\A# ([a-z]+): (.*\S)\s*\Z")
_PICTURE = re.compile(r"\A[a-z0-9]+(-[a-z0-9]+)*\.svg\Z")
_ONCE = ("title", "category", "summary")
_VERBS = ("draw", "diff", "summary")


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a header, as typed, and what it makes: `picture` is its file name in the gallery, "" for a table."""

    line: str
    picture: str = ""

    @property
    def words(self) -> tuple[str, ...]:
        """What follows ``netfig``, split as a shell splits it."""
        return tuple(shlex.split(self.line)[1:])


@dataclass(frozen=True, slots=True)
class Example:
    """One file of ``examples/`` and what its header says; `path` is relative to the project, with ``/``."""

    path: str
    title: str
    category: str
    summary: str
    commands: tuple[Command, ...]


def read_categories(folder: Path) -> Mapping[str, str]:
    """The categories in their order, each with its opening sentence."""
    path = folder / CATEGORIES
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise Missing(f"there is no {CATEGORIES} in {folder.name!r}", hint="it names the categories in their order") from error
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{CATEGORIES} is not valid TOML", why=str(error)) from error
    if wrong := [name for name, sentence in found.items() if not isinstance(sentence, str)]:
        raise InvalidInput(f"{CATEGORIES} gives no sentence for {', '.join(map(repr, wrong))}")
    return found


def read_examples(root: Path, folder: str = "examples") -> tuple[Example, ...]:
    """All examples, by category and title. Files without a header are helpers and left out; every mistake is reported at once."""
    directory = root / folder
    if not directory.is_dir():
        raise Missing(f"there is no folder {folder!r}", where=str(root), hint="run this in the project, or say --root")
    categories = read_categories(directory)
    problems: list[str] = []
    examples: list[Example] = []
    owner: dict[str, str] = {}
    for path in sorted(path for path in directory.rglob("*") if path.name.endswith(SUFFIXES)):
        name = f"{folder}/{path.relative_to(directory).as_posix()}"
        example = _parse(path.read_text(encoding="utf-8"), name, problems)
        if example is None:
            continue
        examples.append(example)
        if example.category not in categories:
            problems.append(f"{name}: no category {example.category!r} ({did_you_mean(example.category, categories)})")
        for command in example.commands:
            first = owner.setdefault(command.picture or command.line, name)
            if first != name:
                problems.append(f"{name}: makes {command.picture or command.line!r}, which {first} makes too")
    if problems:
        raise InvalidInput(f"the examples have {len(problems)} mistakes", why="\n       ".join(problems))
    order = list(categories)
    return tuple(sorted(examples, key=lambda e: (order.index(e.category), e.title)))


def read_example(text: str, path: str) -> Example:
    """The example whose file holds `text`."""
    problems: list[str] = []
    example = _parse(text, path, problems)
    if problems or example is None:
        raise InvalidInput(f"{path} has no right header", why="\n       ".join(problems) or "there is no line '# title: …'")
    return example


def _parse(text: str, path: str, problems: list[str]) -> Example | None:
    """The header, or ``None`` for a file that has none."""
    found: dict[str, list[str]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        if match := _LINE.match(line):
            found.setdefault(match[1], []).append(match[2])
    if "title" not in found:
        return None
    mistakes = [
        f"{path}: unknown key {key!r} ({did_you_mean(key, (*_ONCE, 'command'))})" for key in found.keys() - {*_ONCE, "command"}
    ]
    mistakes += [
        f"{path}: needs one line '# {key}: …', has {len(found.get(key, ()))}" for key in _ONCE if len(found.get(key, ())) != 1
    ]
    if "command" not in found:
        mistakes.append(f"{path}: needs at least one line '# command: netfig draw …'")
    commands = tuple(_command(line, path, mistakes) for line in found.get("command", ()))
    problems += sorted(mistakes)
    if mistakes:
        return None
    return Example(path, found["title"][0], found["category"][0], found["summary"][0], commands)


def _command(line: str, path: str, problems: list[str]) -> Command:
    try:
        words = shlex.split(line)
    except ValueError as error:
        problems.append(f"{path}: the command {line!r} cannot be read: {error}")
        return Command(line)
    if len(words) < 3 or words[0] != "netfig" or words[1] not in _VERBS:
        problems.append(f"{path}: the command {line!r} must start with 'netfig draw', 'netfig diff' or 'netfig summary'")
    elif not words[2].startswith(path):
        problems.append(f"{path}: the command {line!r} must be about this file")
    if "draw" not in words[1:2] and not ("diff" in words[1:2] and "-o" in words):
        return Command(line)
    picture = words[words.index("-o") + 1] if "-o" in words[:-1] else ""
    if not _PICTURE.match(picture):
        problems.append(f"{path}: the command {line!r} must end in '-o NAME.svg', NAME in small letters, digits and hyphens")
    return Command(line, picture)
