"""The click group: commands loaded when they are needed, and every ending of the program in one place."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import click

from netfig.errors import ExitCode, NetfigError, did_you_mean
from netfig.glance import may_have_plugins


class App(click.Group):
    """A group that knows the summaries of its commands and imports ``netfig.cli.commands.<name>`` only when one is asked for.

    Commands of plugins are added when they are needed: for a name we do not have, and for ``--help`` if a look at the installed
    distributions says that there are plugins at all.
    """

    def __init__(self, *args: Any, summaries: Mapping[str, str], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._summaries = summaries

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Ours in the order of the work, then those of plugins."""
        if may_have_plugins():
            self._add_from_plugins(ctx)
        return [*self._summaries, *sorted(self.commands)]

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """One command, imported now."""
        if name in self._summaries:
            from importlib import import_module

            found: click.Command = import_module(f"netfig.cli.commands.{name}").command
            return found
        self._add_from_plugins(ctx)
        return self.commands.get(name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in ``--help``, without importing a command of ours."""
        rows = []
        for name in self.list_commands(ctx):
            if name in self._summaries:
                rows.append((name, self._summaries[name]))
            elif not self.commands[name].hidden:
                rows.append((name, self.commands[name].get_short_help_str(80)))
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest name for one that is not known."""
        if self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            raise UnknownCommand(args[0], self.list_commands(ctx), ctx)
        return super().resolve_command(ctx, args)

    def _add_from_plugins(self, ctx: click.Context) -> None:
        from netfig.cli.shared import registry_of

        root = ctx.find_root()
        if root.meta.setdefault("netfig.plugin_commands", False):
            return
        root.meta["netfig.plugin_commands"] = True
        self.commands.clear()
        registry_of(ctx).add_commands(self)
        for name in set(self.commands) & set(self._summaries):
            say(f"netfig: warning: a plugin offers the command {name!r}, which netfig has: it is left out")
            del self.commands[name]

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """Run, and end with a code of `ExitCode` whatever happens; a bug keeps its traceback."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
            sys.stdout.flush()
        except NetfigError as error:
            _end(error.exit_code, str(error))
        except click.exceptions.NoArgsIsHelpError as error:
            say(error.format_message())
            sys.exit(ExitCode.USAGE)
        except click.UsageError as error:
            _end(ExitCode.USAGE, _usage_lines(error))
        except click.ClickException as error:
            _end(ExitCode.FAILED, error.format_message())
        except (click.Abort, KeyboardInterrupt):
            _end(ExitCode.INTERRUPTED, "interrupted")
        except OSError as error:
            if error.errno != errno.EPIPE:
                raise
            _mute_stdout()  # the reader left (`| head`): what it wanted it has
            sys.exit(ExitCode.FAILED)
        sys.exit(code if isinstance(code, int) else ExitCode.DONE)


class UnknownCommand(click.UsageError):
    """A first word that is no command."""

    def __init__(self, name: str, known: list[str], ctx: click.Context) -> None:
        hint = did_you_mean(name, known)
        if name.endswith(".py") or "|" in name or ".py:" in name:
            hint = f"to draw it: netfig draw {name!r} …"
        super().__init__(f"there is no command {name!r}\n  hint: {hint}", ctx)


def say(line: str) -> None:
    """One message for the person at the terminal; never part of a product."""
    click.echo(line, err=True)


def _usage_lines(error: click.UsageError) -> str:
    lines = [error.format_message()]
    if error.ctx is not None and "hint:" not in lines[0]:
        lines.append(f"  hint: see {error.ctx.command_path} --help")
    return "\n".join(lines)


def _end(code: ExitCode, message: str) -> NoReturn:
    printable = "".join(c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in message)
    say(f"netfig: error: {printable}")
    sys.exit(code)


def _mute_stdout() -> None:
    """Python flushes stdout when it ends, which would fail again, loudly."""
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (OSError, ValueError):
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115 - it has to outlive this function
