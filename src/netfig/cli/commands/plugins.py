"""``netfig plugins``."""

from __future__ import annotations

from dataclasses import asdict

import click

from netfig.cli.shared import print_json, print_table, registry_of


@click.command("plugins", short_help="List the plugins found, and what is wrong with them.")
@click.option("--json", is_flag=True, help="As JSON.")
@click.pass_context
def command(ctx: click.Context, json: bool) -> None:
    """List every plugin: its distribution, its hooks, what it offers, and why it is not used if it is not.

    NETFIG_PLUGINS=none loads none of them, a,b only these, -a,-b all but these.
    """
    from netfig.registry import KINDS

    registry = registry_of(ctx)
    offers: dict[str, list[str]] = {p.name: [] for p in registry.plugins}
    for kind in KINDS:
        for name in registry.of(kind) if kind != "op_kinds" else ():
            offers[registry.owner(kind, name).name].append(f"{kind}: {name}")
    plugins = registry.plugins  # asking may have found more to complain about
    if json:
        print_json([asdict(p) | {"offers": offers[p.name]} for p in plugins])
        return
    for plugin in plugins:
        click.echo(f"{plugin.name}  {plugin.distribution}" + (f"  NOT USED: {plugin.error}" if plugin.error else ""))
        grouped: dict[str, list[str]] = {}
        for offer in offers[plugin.name]:
            kind, _, name = offer.partition(": ")
            grouped.setdefault(kind, []).append(name)
        print_table(("", kind, ", ".join(names)) for kind, names in grouped.items())
