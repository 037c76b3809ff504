"""Targets that are a word, such as ``attention``: the options of their source become options of the command.

``netfig draw attention --d-model 8`` is short for ``--opt attention.d_model=8``. A word is looked up only where it may be one, so
that no other command line pays for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from netfig.cli.shared import registry_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netfig.hooks import Source

_WORD = re.compile(r"\A[a-z][a-z0-9-]*\Z")
_KEY = "netfig.word"
_PREFIX = "word_"


class TargetCommand(click.Command):
    """A command whose TARGET may be the name of a source that has options."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Look for such a word first: what it adds has to be known before the rest is read."""
        source = self._source(ctx, args)
        if source is not None:
            ctx.meta[_KEY] = source.name, list(_options(source, _taken(super().get_params(ctx))))
        return super().parse_args(ctx, args)

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """The options of the command, then those of the word."""
        return [*super().get_params(ctx), *ctx.meta.get(_KEY, ("", []))[1]]

    def invoke(self, ctx: click.Context) -> Any:
        """What was given for the word goes where ``--opt`` goes."""
        word, options = ctx.meta.get(_KEY, ("", []))
        found = []
        for option in options:
            value = ctx.params.pop(option.name)
            if value is not None:
                found.append(
                    f"{word}.{option.name.removeprefix(_PREFIX)}={str(value).lower() if value in (True, False) else value}"
                )
        if found and ctx.params.get("target") != word:
            raise click.UsageError(f"the options of {word!r} are for the target {word!r}, not {ctx.params.get('target')!r}", ctx)
        if found:
            ctx.params["opt"] = (*ctx.params["opt"], *found)
        return super().invoke(ctx)

    def _source(self, ctx: click.Context, args: Iterable[str]) -> Source | None:
        words = [arg for arg in args if _WORD.match(arg)]
        if not words:
            return None
        from netfig.registry import describe

        sources = registry_of(ctx).sources
        found = [sources[word] for word in words if word in sources and sources[word].accepts(word)]
        return found[0] if found and describe(found[0]) else None


def _taken(params: Iterable[click.Parameter]) -> set[str]:
    return {word for param in params for word in (*param.opts, *param.secondary_opts)}


def _options(source: Source, taken: set[str]) -> Iterable[click.Option]:
    """An option of the command for each option of the source; types are checked where all options are."""
    from netfig.registry import describe

    for one in describe(source):
        word = one.name.replace("_", "-")
        if f"--{word}" in taken:
            continue
        shown = "" if one.default is None else f"  [default: {one.default}]"
        if one.type == "bool":
            yield click.Option([f"--{word}/--no-{word}", f"{_PREFIX}{one.name}"], default=None, help=one.help + ".")
        else:
            kind = "|".join(map(str, one.choices)) or one.type.removesuffix(" or none").upper().replace(" ", "_")
            yield click.Option([f"--{word}", f"{_PREFIX}{one.name}"], metavar=kind, help=f"{one.help}.{shown}")
