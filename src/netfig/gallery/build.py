"""Drawing the examples, and comparing what is drawn with what is there."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from netfig.errors import NetfigError
from netfig.gallery.header import Command, Example, read_categories, read_examples
from netfig.gallery.index import INDEX, dark_name, index_page
from netfig.records import dataclass

Run = Callable[[Sequence[str]], str]
"""Runs one command line (the words after ``netfig``) in the current directory and returns what it printed."""

GALLERY = "gallery"


@dataclass(frozen=True, slots=True)
class Difference:
    """How a folder differs from what the examples make: file names, sorted."""

    missing: tuple[str, ...] = ()
    stale: tuple[str, ...] = ()
    left_over: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.missing or self.stale or self.left_over)

    def lines(self) -> list[str]:
        """One line a file."""
        kinds = (("missing", self.missing), ("stale", self.stale), ("left over", self.left_over))
        return [f"{kind}: {GALLERY}/{name}" for kind, names in kinds for name in names]


def build(root: Path, run: Run) -> Difference:
    """Draw everything into the gallery of the project at `root`; what is returned says which files changed."""
    files = everything(root, run)
    folder = root / GALLERY
    folder.mkdir(exist_ok=True)
    difference = _compare(folder, files)
    for name in (*difference.missing, *difference.stale):
        _write(folder / name, files[name])
    for name in difference.left_over:
        (folder / name).unlink()
    return difference


def check(root: Path, run: Run) -> Difference:
    """Draw everything and compare it byte by byte with the gallery of the project at `root`; nothing is written."""
    return _compare(root / GALLERY, everything(root, run))


def everything(root: Path, run: Run) -> dict[str, bytes]:
    """All files of the gallery by name: every picture, light and dark, and the index page."""
    examples = read_examples(root)
    files: dict[str, bytes] = {}
    tables: dict[str, str] = {}
    for example in examples:
        for name, content in products(example, root, run):
            if name in {c.line for c in example.commands}:
                tables[name] = content.decode()
            else:
                files[name] = content
    dark = frozenset(c.picture for e in examples for c in e.commands if c.picture and dark_name(c.picture) in files)
    files[INDEX] = index_page(examples, read_categories(root / "examples"), tables, dark).encode()
    return files


def products(example: Example, root: Path, run: Run) -> Iterator[tuple[str, bytes]]:
    """What one example's commands make: ``(file name, bytes)`` for pictures, ``(command line, text)`` for tables."""
    with tempfile.TemporaryDirectory() as temporary, contextlib.chdir(root):
        for command in example.commands:
            if not command.picture:
                yield command.line, _run(run, command.words, example, command).encode()
                continue
            for name, words in _versions(command):
                target = Path(temporary, name)
                _run(run, _with_output(words, str(target)), example, command)
                yield name, target.read_bytes()


def _versions(command: Command) -> Iterable[tuple[str, tuple[str, ...]]]:
    """The picture as its command says, and once more dark unless the command chooses the theme itself."""
    yield command.picture, command.words
    if "--theme" not in command.words:
        yield dark_name(command.picture), (*command.words, "--theme", "dark")


def _with_output(words: Sequence[str], path: str) -> list[str]:
    at = words.index("-o") + 1
    return [*words[:at], path, *words[at + 1 :]]


def _run(run: Run, words: Sequence[str], example: Example, command: Command) -> str:
    try:
        return run(words)
    except NetfigError as error:
        raise NetfigError(f"{example.path}: {error.what}", where=command.line, why=error.why, hint=error.hint) from error


def _compare(folder: Path, files: dict[str, bytes]) -> Difference:
    there = {p.name: p for p in folder.iterdir() if p.is_file()} if folder.is_dir() else {}
    return Difference(
        missing=tuple(sorted(files.keys() - there.keys())),
        stale=tuple(sorted(n for n in files.keys() & there.keys() if there[n].read_bytes() != files[n])),
        left_over=tuple(sorted(n for n in there.keys() - files.keys() if n.endswith(".svg"))),
    )


def _write(path: Path, content: bytes) -> None:
    temporary = path.with_name(path.name + ".part")
    temporary.write_bytes(content)
    temporary.replace(path)
