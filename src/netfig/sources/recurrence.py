"""Source "recurrence": equations in a ``.rnn`` file, on standard input, in a string, or a cell of the library (``cell:lstm``).

Nothing is executed: the equations are parsed, their shapes inferred, and the graph made from that.
"""

from __future__ import annotations

import os
import re
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from netfig.errors import InvalidInput, UsageError
from netfig.hooks import Loaded, Request
from netfig.sources.files import read_file, refuse_what_models_take

if TYPE_CHECKING:
    from collections.abc import Mapping

SUFFIX = ".rnn"
CELL = "cell:"
NAME = "recurrence"
_EQUATION = re.compile(  # h[t] = …, h_t = …, before any bracket; h = …; and h(t) = …, of which the parser says what is wrong
    r"(?:\A|[;\n])[^\S\n]*[^\W\d](?:[^=(|:;\n#]*[\[_][^=(|:;\n#]*|\w*\s+|\w*\s*\(\s*\w+\s*(?:[-+]\s*\w+\s*)?\)\s*)=(?!=)"
)
_FILE = re.compile(r"\.(json|layers|pyw?)(:.*)?\Z", re.IGNORECASE | re.DOTALL)
_HINT = "leave it out; numbers for sizes are given as --size n=3 --size m=4, and steps as --steps 5"
_WORD = re.compile(r"\A\s*(?P<name>[^\W\d]\w*)\s*=\s*(?P<number>\d{1,9})\s*\Z")


def accepts(target: Any) -> bool:
    """A path that ends in ``.rnn``, ``-``, ``cell:NAME``, or text with an equation for an indexed name."""
    if not isinstance(target, (str, os.PathLike)):
        return False
    text = os.fspath(target)
    if not isinstance(text, str) or (_FILE.search(text) and "\n" not in text):
        return False
    return text == "-" or text.startswith(CELL) or text.lower().endswith(SUFFIX) or _EQUATION.search(text) is not None


def load(request: Request, options: Any) -> Loaded:
    """Parse, infer and compile; ``--size n=3`` gives a size a number."""
    text = os.fspath(request.target)
    raw = sys.stdin.buffer.read() if text == "-" else b""
    if raw.lstrip()[:1] == b"{":
        from netfig.sources import saved

        return saved.from_bytes(request, raw, where="standard input")
    source = decoded(raw, "standard input") if text == "-" else equations_of(text)
    refuse_what_models_take(request, "equations take", "they are never run, and drawn for one example", _HINT, sizes=True)
    if text == "-":
        name, origin = NAME, "standard input"
    elif text.startswith(CELL):
        name, origin = text.removeprefix(CELL), text
    elif is_file(text):
        origin = os.path.basename(text)
        name = os.path.splitext(origin)[0]
    else:
        name, origin = NAME, " ".join(text.split())

    from netfig.equations import compile, parse

    program = parse(source, "" if name == NAME else origin)
    return Loaded(replace(compile(program, _sizes(request), name=request.name or name), origin=origin))


def is_file(text: str) -> bool:
    """Whether a target names a file of equations."""
    return text.lower().endswith(SUFFIX) and not _EQUATION.search(text)


def equations_of(text: str) -> str:
    """The equations that a target is or names: a cell of the library, a ``.rnn`` file, or the equations themselves."""
    if text.startswith(CELL):
        from netfig.equations.library import cell_text

        return cell_text(text.removeprefix(CELL))
    return decoded(read_file(text, "recurrence file"), text) if is_file(text) else text


def decoded(raw: bytes, where: str) -> str:
    """The text of a file of equations, its lines ended by a newline each."""
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            f"recurrence file {where!r} is not UTF-8 text",
            why=f"byte {error.start}: {error.reason}",
            hint="save it as UTF-8 in the editor",
        ) from None


def _sizes(request: Request) -> Mapping[str, int]:
    """``--size n=3`` and ``--input n=3`` words, also several in one, separated by commas."""
    sizes: dict[str, int] = dict(request.sizes)
    for word in (part for given in request.inputs for part in given.split(",")):
        found = _WORD.match(word)
        if not found:
            raise UsageError(f"{word!r} gives no size of the equations a number", hint="write --size n=3 --size m=4")
        name, number = found["name"], int(found["number"])
        if sizes.setdefault(name, number) != number:
            raise UsageError(f"the size {name} is given twice", why=f"{sizes[name]} and {number}")
    return sizes
