"""Files the user names, read with errors that help."""

from __future__ import annotations

import os
from pathlib import Path

from netfig.errors import InvalidInput, Missing


def read_file(path: str | os.PathLike[str], kind: str) -> bytes:
    """The bytes of a file the user named, or an error that says what is in the way."""
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise Missing(f"{kind} {str(path)!r} does not exist", hint=near_file(path)) from None
    except IsADirectoryError:
        raise InvalidInput(f"{str(path)!r} is a folder, not a {kind}") from None
    except (OSError, ValueError) as error:
        raise Missing(f"{kind} {str(path)!r} cannot be read", why=getattr(error, "strerror", None) or str(error)) from None


def near_file(path: str | os.PathLike[str]) -> str:
    """A file beside the missing one whose name is nearly the same, as a hint."""
    wanted = Path(path)
    try:
        stems = {p.stem: p for p in sorted(wanted.parent.iterdir()) if p.suffix == wanted.suffix}
    except (OSError, ValueError):
        return f"the folder {str(wanted.parent)!r} does not exist"
    import difflib  # only a mistake needs it

    near = difflib.get_close_matches(wanted.stem, stems, n=1)
    return f"did you mean {str(stems[near[0]])!r}?" if near else ""
