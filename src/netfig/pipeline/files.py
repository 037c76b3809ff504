"""Files are written whole or not at all."""

from __future__ import annotations

import contextlib
import itertools
import os
import stat
import sys
from collections.abc import Mapping

from netfig.errors import Missing, NetfigError, UsageError, shown

STDOUT = "-"


def write_files(products: Mapping[str, bytes]) -> None:
    """Write every product under its path (``-``: stdout), or none of them.

    Each is first written to a temporary file beside its target; only when all are there do they take their names.

    Raises:
        Missing: a folder is not there or cannot be written.
        NetfigError: the disk refused.
    """
    ready: list[tuple[str, str]] = []
    try:
        for path, data in products.items():
            if path != STDOUT:
                final = os.path.realpath(path)  # a link stays a link
                ready.append((_beside(final, data), final))
        for temporary, final in ready:
            try:
                os.replace(temporary, final)
            except OSError as error:
                raise NetfigError(
                    f"cannot write {os.path.basename(final)!r}", where=final, why=error.strerror or str(error)
                ) from error
    finally:
        for temporary, _ in ready:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
    if STDOUT in products:
        sys.stdout.flush()
        sys.stdout.buffer.write(products[STDOUT])
        sys.stdout.buffer.flush()


def check_writable(path: str) -> None:
    """Say before the long work, not after it, that a file cannot be written."""
    if path == STDOUT:
        return
    folder = os.path.dirname(path) or os.curdir
    if "\0" in path:
        raise UsageError(f"{path!r} is not a file name", why="it holds a NUL character")
    try:
        is_folder = stat.S_ISDIR(os.stat(path).st_mode)
    except FileNotFoundError:
        is_folder = False
    except OSError as error:  # too long, a file where a folder should be, a link to itself
        raise Missing(f"cannot write {shown(path)}", why=error.strerror or str(error)) from error
    if is_folder:
        raise UsageError(
            f"{path!r} is a folder, not a file", hint="name the file, such as " + repr(os.path.join(path, "figure.svg"))
        )
    if not os.path.isdir(folder):
        raise Missing(f"cannot write {path!r}", why=f"the folder {folder!r} does not exist", hint=f"mkdir -p {folder}")
    if not os.access(folder, os.W_OK):
        raise Missing(f"cannot write {path!r}", why=f"the folder {folder!r} is not writable")


def _new_file(path: str) -> tuple[int, str]:
    """A file beside `path` that nobody else has, only ours to read; `tempfile` would do it, and load five compressors."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    folder, suffix = os.path.dirname(path), os.path.splitext(path)[1]
    for number in itertools.count():
        name = os.path.join(folder, f".netfig-{os.getpid()}-{number}{suffix}")
        with contextlib.suppress(FileExistsError):
            return os.open(name, flags, 0o600), name
    raise AssertionError("the count does not end")


def _beside(path: str, data: bytes) -> str:
    check_writable(path)
    temporary = ""
    try:
        handle, temporary = _new_file(path)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        os.chmod(temporary, _mode_of(path))
    except OSError as error:
        if temporary:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
        raise NetfigError(f"cannot write {path!r}", why=error.strerror or str(error)) from error
    return temporary


def _mode_of(path: str) -> int:
    """The permissions the file has, or would get from an ordinary ``open``: temporary files are private."""
    try:
        return os.stat(path).st_mode & 0o777
    except OSError:
        mask = os.umask(0)
        os.umask(mask)
        return 0o666 & ~mask
