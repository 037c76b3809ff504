"""Options of the built-in passes."""

from __future__ import annotations

from dataclasses import field

from netfig.records import dataclass


@dataclass(frozen=True)
class UnrollOptions:
    """Options of ``unroll``."""

    axis: str = field(default="t", metadata={"help": "The axis whose steps are written out."})
    extent: int | None = field(default=None, metadata={"help": "How many steps there are, where the graph does not say."})
    sizes: tuple[str, ...] = field(default=(), metadata={"help": "Numbers for names in ranges, such as K=2."})


@dataclass(frozen=True)
class FoldOptions:
    """Options of ``fold``."""

    axis: str = field(default="t", metadata={"help": "The axis whose steps become one plate."})
