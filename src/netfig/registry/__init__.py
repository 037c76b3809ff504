"""Finds, validates and attributes plugins; the only place that names the built-ins.

A `Registry` is made when a command needs one and asks each kind of hook at most once, the first time that kind is needed: listing
renderers loads no source and no writer.
"""

from netfig.registry.core import KINDS, Plugin, Registry, current_registry
from netfig.registry.installed import CHOICE, GROUP, Candidate
from netfig.registry.options import Option, describe, split

__all__ = [
    "CHOICE",
    "GROUP",
    "KINDS",
    "Candidate",
    "Option",
    "Plugin",
    "Registry",
    "current_registry",
    "describe",
    "split",
]
