"""``netfig evaluate``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from netfig.cli.app import say
from netfig.cli.shared import opt_option, pass_option, print_json, registry_of, working
from netfig.cli.words import TargetCommand
from netfig.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.pipeline.evaluation import Evaluation

_WORD = re.compile(r"\A\s*([^\W\d]\w*)\s*=\s*([^\W\d]\w*|\d{1,9})\s*\Z")
_MOST = 64  # numbers of one table that are shown


@click.command(
    "evaluate",
    cls=TargetCommand,
    short_help="Compute a recurrence on random numbers.",
    help="""Compute the values of a recurrence on random numbers, the same ones for the same seed.

\b
netfig evaluate elman.rnn --steps 3 --size n=3 --size m=4 --size k=2
netfig evaluate "h[t] = psi(W h[t-1] + U x[t])" --steps 2 --size n=2,m=2 --function psi=tanh

Prints the outputs; --value names others. Equations are parsed, never run as code.
""",
)
@click.argument("target")
@click.option("--steps", type=click.IntRange(min=1), metavar="N", help="How many steps there are, where the graph does not say.")
@click.option("--size", multiple=True, metavar="NAME=N", help="A number for a named size. Repeatable.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which random numbers.")
@click.option(
    "--function", multiple=True, metavar="NAME=KNOWN", help="What an unknown function is, such as psi=tanh. Repeatable."
)
@click.option("--value", multiple=True, metavar="ID", help="A value to print instead of the outputs. Repeatable.")
@click.option("--json", is_flag=True, help="As JSON, with all digits.")
@pass_option
@opt_option
@click.pass_context
def command(ctx: click.Context, /, target: str, **given: Any) -> None:
    """Compute a recurrence."""
    from netfig.hooks import Request
    from netfig.pipeline import load, transform
    from netfig.pipeline.evaluation import evaluate_graph

    registry = registry_of(ctx)
    options = registry.options(given["opt"])
    sizes = {name: _whole(name, number) for name, number in _pairs("size", given["size"])}
    functions = dict(_pairs("function", given["function"]))
    for name in given["pass"]:
        registry.pass_named(name)
    with working("computing"):
        loaded = transform(load(Request(target), registry, options), registry, given["pass"], options=options)
        result = evaluate_graph(
            loaded.graph,
            steps=given["steps"],
            sizes=sizes,
            seed=given["seed"],
            functions=functions,
            values=given["value"] or None,
        )
    if given["json"]:
        print_json(result.data())
        return
    if any(v.kind in ("input", "parameter", "buffer") and v.data is None for v in loaded.graph.values):
        say(f"netfig: random numbers of seed {given['seed']}")
    for line in _lines(result):
        click.echo(line)


def _pairs(option: str, words: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for word in (part for given in words for part in given.split(",")):
        pair = _WORD.match(word)
        if pair is None:
            raise UsageError(f"--{option} {word!r} is not NAME={'NUMBER' if option == 'size' else 'NAME'}")
        found.append((pair[1], pair[2]))
    return found


def _whole(name: str, number: str) -> int:
    if not number.isdigit():
        raise UsageError(f"the size {name} is {number!r}, which is no whole number")
    return int(number)


def _lines(result: Evaluation) -> Iterable[str]:
    """Each value as a small table: a line for each index, or row."""
    for id, numbers in result.items():
        rows = [[f"{number:.6g}" for number in row] for row in numbers.rows]
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))] if rows and rows[0] else []
        label = max((len(name) for name in numbers.labels), default=0)
        shown = max(1, _MOST // max(1, len(widths)))
        yield id + (f"  {' × '.join(map(str, numbers.shape))}" if numbers.shape else "")
        for name, row in list(zip(numbers.labels, rows, strict=True))[:shown]:
            yield f"  {name.ljust(label)}  " + "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True))
        if len(rows) > shown:
            yield f"  … {len(rows) - shown} more"
