"""Importing the user's code: a file as a module of its own, or a module by its dotted name."""

from __future__ import annotations

import ast
import contextlib
import importlib
import importlib.util
import os
import re
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from netfig.errors import InvalidInput, Missing, ModelFailed
from netfig.sources.files import near_file, read_file

_PACKAGE = Path(__file__).resolve().parents[1]


@contextlib.contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Let code import the modules that lie in `folder`, for as long as the context lasts.

    Modules of the same name from another folder are set aside meanwhile: two examples may both have a ``layers.py``, and so may
    the program that calls us.
    """
    folder = folder.resolve()
    path, names = list(sys.path), _shadowing(folder)
    aside = {m: sys.modules.pop(m) for m in list(sys.modules) if m.partition(".")[0] in names}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    try:
        yield
    finally:
        sys.path[:] = path
        for name in [m for m in sys.modules if m.partition(".")[0] in names]:
            del sys.modules[name]
        sys.modules.update(aside)


def _shadowing(folder: Path) -> set[str]:
    """Names of modules and packages in `folder` under which a user's module of another folder is loaded."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return set()
    here = {p.stem: p for p in entries if p.suffix == ".py"} | {p.name: p / "__init__.py" for p in entries if p.is_dir()}
    found = set()
    for name in here.keys() & sys.modules.keys():
        file = getattr(sys.modules[name], "__file__", None)
        if file and here[name].exists() and Path(file).resolve() != here[name].resolve() and not _is_library(file):
            found.add(name)
    return found


def _is_library(filename: str) -> bool:
    """Whether a file is part of Python, of something installed, or of netfig, not of the user's code."""
    parts = (f"{os.sep}site-packages{os.sep}", f"{os.sep}lib{os.sep}python", f"{_PACKAGE}{os.sep}")
    return filename.startswith("<") or any(part in filename for part in parts)


def import_place(place: str, *, is_file: bool) -> ModuleType:
    """Import a file (afresh each time) or a dotted module; what it raises becomes one error that names file and line."""
    return _import_file(place) if is_file else _import_module(place)


def folder_of(place: str, *, is_file: bool) -> Path:
    """The folder whose modules a target's code may import: the file's own, or the working directory."""
    return Path(place).resolve().parent if is_file else Path.cwd()


def _import_file(place: str) -> ModuleType:
    source = read_file(place, "file")
    path = Path(place).resolve()
    if _is_part_of_package(source, path):
        return _import_from_package(place, path)
    name = "netfig_target_" + re.sub(r"\W", "_", path.stem)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None, "a .py file always has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    module.__file__ = str(path)
    sys.modules[name] = module  # dataclasses, pickling and typing look their module up here
    with importable(path.parent), _user_errors(place):
        exec(compile(source, str(path), "exec"), module.__dict__)  # noqa: S102  # the loader's job, without writing a .pyc
    return module


def _is_part_of_package(source: bytes, path: Path) -> bool:
    """Whether the file imports relatively (``from .blocks import Block``) and lies in a package, so only works as part of it."""
    if not (path.parent / "__init__.py").exists():
        return False
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return False
    return any(isinstance(node, ast.ImportFrom) and node.level > 0 for node in ast.walk(tree))


def _import_from_package(place: str, path: Path) -> ModuleType:
    parts, root = [path.stem], path.parent
    while (root / "__init__.py").exists():
        parts.insert(0, root.name)
        root = root.parent
    with importable(root), _user_errors(place):
        return importlib.import_module(".".join(parts).removesuffix(".__init__"))


def _import_module(name: str) -> ModuleType:
    with importable(Path.cwd()):
        try:
            with _user_errors(name):
                return importlib.import_module(name)
        except ModelFailed as error:
            cause = error.__cause__
            if (
                isinstance(cause, ModuleNotFoundError)
                and cause.name
                and (name == cause.name or name.startswith(f"{cause.name}."))
            ):
                near = near_file(f"{name}.py") if "." not in name else ""
                hint = near or f"is it installed, or did you mean the file '{name.replace('.', '/')}.py'?"
                raise Missing(f"no module named {cause.name!r}", where=name, hint=hint) from None
            raise


@contextlib.contextmanager
def _user_errors(place: str) -> Iterator[None]:
    try:
        yield
    except SyntaxError as error:
        line = (error.text or "").rstrip("\n")
        at = f"{_shown_path(error.filename)}:{error.lineno}" if error.filename else place
        raise ModelFailed(f"{at} is not valid Python: {error.msg}", where=line.strip()) from error
    except SystemExit as error:
        raise ModelFailed(
            f"importing {place} ended the program (SystemExit: {error.code})",
            where=failure_place(error),
            hint="put what should only run as a script under if __name__ == '__main__':",
        ) from error
    except ValueError as error:
        if "null bytes" in str(error):
            raise InvalidInput(f"{place} is not Python: it has NUL bytes") from None
        raise _import_failed(place, error) from error
    except Exception as error:
        raise _import_failed(place, error) from error


def _import_failed(place: str, error: Exception) -> ModelFailed:
    first = (str(error).strip().splitlines() or [""])[0]
    hint = f"is {error.name!r} installed?" if isinstance(error, ModuleNotFoundError) and error.name else ""
    return ModelFailed(
        f"importing {place} raised {type(error).__name__}{f': {first}' if first else ''}", where=failure_place(error), hint=hint
    )


def failure_place(error: BaseException) -> str:
    """File, line and text of the deepest line of the user's own code that an error came from, without an absolute path."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if not _is_library(f.filename)]
    if not own:
        return ""
    return f"{_shown_path(own[-1].filename)}:{own[-1].lineno}" + (f": {own[-1].line}" if own[-1].line else "")


def _shown_path(filename: str) -> str:
    path = Path(filename)
    with contextlib.suppress(ValueError, OSError):
        return str(path.resolve().relative_to(Path.cwd()))
    return path.name
