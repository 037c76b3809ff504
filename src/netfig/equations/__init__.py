"""Recurrence equations: from the lines a student types to a Graph.

`parse` reads a program, `infer` finds out what every name is and its shape, `compile` makes the Graph with its plates; `write`
prints a program in Unicode, ASCII or LaTeX, and `typeset` makes the `Text` of an equation for a figure.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from netfig.equations.compiler import compile
    from netfig.equations.decompiler import decompile, equation_lines
    from netfig.equations.infer_program import infer
    from netfig.equations.names import symbol_text
    from netfig.equations.parser import parse
    from netfig.equations.typesetting import shape_text, typeset
    from netfig.equations.writer import write

_HOMES = {
    "compile": "compiler",
    "decompile": "decompiler",
    "equation_lines": "decompiler",
    "infer": "infer_program",
    "parse": "parser",
    "shape_text": "typesetting",
    "symbol_text": "names",
    "typeset": "typesetting",
    "write": "writer",
}
"""The module of each name; imported when it is first used."""

__all__ = ["compile", "decompile", "equation_lines", "infer", "parse", "shape_text", "symbol_text", "typeset", "write"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
