"""The command line: parses, calls `netfig.pipeline`, prints. Each command lives in a file of its own, loaded when it runs."""

from __future__ import annotations

import atexit
import gc

import click

from netfig.cli.app import App

__all__ = ["cli", "main"]

COMMANDS = {
    "draw": "Make a figure of a model, a layer chain, a recurrence or a saved graph.",
    "trace": "Make a graph, as JSON or text.",
    "summary": "Print a table: layers, shapes, parameters, multiply-adds.",
    "diff": "Show what differs between two models, in one figure.",
    "evaluate": "Compute a recurrence on random numbers.",
    "fmt": "Print equations in Unicode, ASCII or LaTeX.",
    "check": "Validate files of ours: graphs, figures, chains, equations, themes.",
    "list": "List what there is: renderers, formats, themes, ...",
    "plugins": "List the plugins found, and what is wrong with them.",
    "doctor": "Say what is installed and whether it works.",
    "gallery": "Draw every example again, or check that none is stale.",
}
"""What ``netfig --help`` says about each command, so that it need not load them."""


@click.group(
    cls=App, summaries=COMMANDS, context_settings={"auto_envvar_prefix": "NETFIG", "help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="netfig", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """From a PyTorch module, a chain of layers or equations to a figure you would put into a paper.

    \b
    netfig draw net.py:Net --input 3x224x224 -o net.svg -o net.pdf
    netfig draw "Conv2d(3,16,3) | ReLU | Flatten | Linear(10)" --input 3x64x64 -o chain.svg
    netfig draw "h[t] = tanh(W x[t] + U h[t-1])" --steps 3 -o rnn.svg

    A target that names Python code is imported and run. Layer chains, equations, .layers, .rnn and
    .json files never execute anything.

    Products go to stdout or to -o, messages to stderr. Every option can also be set as NETFIG_<COMMAND>_<OPTION> in the
    environment or under [tool.netfig] in the nearest pyproject.toml. Exit codes: netfig list exit-codes.
    """
    from netfig.cli.config import read_defaults

    if ctx.invoked_subcommand:
        ctx.default_map = read_defaults(ctx, cli)


def main() -> None:
    """The entry point of the ``netfig`` command."""
    gc.set_threshold(50_000, 20, 20)  # most of what starting up makes stays: looking through it is a twelfth of a small figure
    atexit.register(gc.freeze)  # what is left ends with the process: Python would look through all of it twice more
    cli.main(prog_name="netfig")
