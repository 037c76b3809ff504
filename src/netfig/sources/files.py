"""Files the user names, read with errors that help; what targets that are never run do not take."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from netfig.errors import InvalidInput, Missing, UsageError

if TYPE_CHECKING:
    from netfig.hooks import Request


def read_file(path: str | os.PathLike[str], kind: str) -> bytes:
    """The bytes of a file the user named, or an error that says what is in the way."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except FileNotFoundError:
        raise Missing(f"{kind} {str(path)!r} does not exist", hint=near_file(path)) from None
    except IsADirectoryError:
        raise InvalidInput(f"{str(path)!r} is a folder, not a {kind}") from None
    except (OSError, ValueError) as error:
        raise Missing(f"{kind} {str(path)!r} cannot be read", why=getattr(error, "strerror", None) or str(error)) from None


def near_file(path: str | os.PathLike[str]) -> str:
    """A file beside the missing one whose name is nearly the same, as a hint."""
    import difflib  # only a mistake needs them
    from pathlib import Path

    wanted = Path(path)
    try:
        stems = {p.stem: p for p in sorted(wanted.parent.iterdir()) if p.suffix == wanted.suffix}
    except (OSError, ValueError):
        return f"the folder {str(wanted.parent)!r} does not exist"
    near = difflib.get_close_matches(wanted.stem, stems, n=1)
    return f"did you mean {str(stems[near[0]])!r}?" if near else ""


def refuse_what_models_take(request: Request, what: str, why: str, hint: str, *, sizes: bool = False) -> None:
    """Raise when something is given that says how a model is run; `what` the target is takes none of that, only `sizes`."""
    said = request.configured
    given = {
        "--input": bool(request.inputs) and not sizes,
        "--size": bool(request.sizes) and not sizes,
        "--inputs": request.inputs_from is not None,
        "tensors": request.arguments is not None and any(request.arguments),
        "--batch": request.batch != 1 and "batch" not in said,
        "--device": request.device != "auto" and "device" not in said,
        "--train": request.mode != "eval" and "mode" not in said,
        "--partial": request.partial and "partial" not in said,
        "--verify": request.verify,
    }
    words = [word for word, is_given in given.items() if is_given]
    if words:
        raise UsageError(f"{what} no {' and no '.join(words)}", why=why, hint=hint)
