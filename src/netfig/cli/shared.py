"""What several commands need: the registry of this run, the options that say how to load a target, a sign of life."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar

import click

from netfig.cli.app import say
from netfig.errors import UsageError

if TYPE_CHECKING:
    from netfig.hooks import Request
    from netfig.registry import Registry

F = TypeVar("F", bound=Callable[..., Any])

TARGET_HELP = """\b
TARGET is one of
  file.py:Net  file.py:Net(num_classes=10)  pkg.mod:factory   imported and run
  "Conv2d(3,16,3) | ReLU | Linear(10)"  net.layers            parsed, never run
  "h[t] = tanh(W x[t] + U h[t-1])"  net.rnn  cell:lstm        parsed, never run
  attention --d-model 8 --heads 2 --tokens 4  a.attention     by its sizes, never run
  numbers.worked.toml                                         worked out, never run
  graph.json  -                                               read, never run
"""


def registry_of(ctx: click.Context) -> Registry:
    """The registry of this run, made when it is first needed."""
    from netfig.registry import Registry

    meta = ctx.find_root().meta
    if "netfig.registry" not in meta:
        meta["netfig.registry"] = Registry(report=say)
    found: Registry = meta["netfig.registry"]
    return found


def target_options(command: F) -> F:
    """The argument TARGET and the options that say how it is run."""
    named = click.option("--name", metavar="TEXT", help="What the graph is called.")
    return click.argument("target")(run_options(named(command)))


def run_options(command: F) -> F:
    """The options that say how targets are run."""
    options = (
        click.option(
            "--input",
            multiple=True,
            metavar="[NAME=]SHAPE[:DTYPE]",
            help="An input, such as 3x64x64 (the batch is added) or tokens=12:int64. Repeat for several.",
        ),
        click.option(
            "--size", multiple=True, metavar="NAME=N", help="A number for a size that is a name: H=17. Repeat for several."
        ),
        click.option("--inputs", metavar="FILE.py:FUNC", help="A function that returns the inputs, of any structure."),
        click.option(
            "--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Size of the batch that is added."
        ),
        click.option("--device", metavar="DEVICE", default="auto", show_default=True, help="auto, meta, fake or cpu."),
        click.option("--eval/--train", default=True, help="Mode the model is run in.  [default: eval]"),
        click.option("--partial", is_flag=True, help="Draw what ran when the model raises."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def opt_option(command: F) -> F:
    """``--opt name.key=value``."""
    return click.option(
        "--opt",
        multiple=True,
        metavar="NAME.KEY=VALUE",
        help="An option of a component; netfig list shows them. Repeatable.",
    )(command)


def pass_option(command: F) -> F:
    """``--pass NAME``."""
    return click.option(
        "--pass",
        multiple=True,
        metavar="NAME",
        help="Change the graph first, such as unroll; see netfig list passes. Repeatable, in order.",
    )(command)


def request_from(target: str, given: dict[str, Any]) -> Request:
    """The request of the options of `target_options`."""
    from netfig.hooks import Request

    return Request(
        target,
        inputs=given["input"],
        inputs_from=given["inputs"],
        sizes=sizes_of(given["size"]),
        batch=given["batch"],
        device=given["device"],
        mode="eval" if given["eval"] else "train",
        partial=given["partial"],
        name=given["name"],
        verify=given.get("verify", False),
        configured=_configured({"batch": "batch", "device": "device", "eval": "mode", "partial": "partial"}),
    )


_PAIR = re.compile(r"\A\s*([^\W\d]\w*)\s*=\s*(\d{1,12})\s*\Z")


def sizes_of(words: Iterable[str]) -> dict[str, int]:
    """``H=17`` words, also several in one, separated by commas."""
    found: dict[str, int] = {}
    for word in (part for given in words for part in given.split(",")):
        pair = _PAIR.match(word)
        if pair is None:
            raise UsageError(f"--size {word!r} is not NAME=NUMBER", hint="such as --size H=17 --size K_H=3")
        if found.setdefault(pair[1], int(pair[2])) != int(pair[2]):
            raise UsageError(f"the size {pair[1]} is given twice", why=f"{found[pair[1]]} and {pair[2]}")
    return found


def _configured(fields: dict[str, str]) -> frozenset[str]:
    """The fields whose options come from a configuration file or the environment."""
    from click.core import ParameterSource

    everywhere = (ParameterSource.DEFAULT_MAP, ParameterSource.ENVIRONMENT)
    context = click.get_current_context()
    return frozenset(field for option, field in fields.items() if context.get_parameter_source(option) in everywhere)


@contextlib.contextmanager
def working(what: str) -> Iterator[None]:
    """Long work: a sign of life on a terminal; what the user's own code prints goes to stderr, away from the product."""
    if not sys.stderr.isatty():
        with contextlib.redirect_stdout(sys.stderr):
            yield
        return
    from rich.console import Console

    with Console(stderr=True).status(what), contextlib.redirect_stdout(sys.stderr):
        yield


def print_json(data: Any) -> None:
    """Data for programs."""
    import json

    click.echo(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def print_table(rows: Iterable[tuple[str, ...]]) -> None:
    """Columns for people; the last one is as long as it likes."""
    listed = [tuple(cell.replace("\n", " ") for cell in row) for row in rows]
    widths = [max((len(row[i]) for row in listed if len(row) > i), default=0) for i in range(max(map(len, listed), default=0))]
    for row in listed:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip())
