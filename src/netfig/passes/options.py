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


@dataclass(frozen=True)
class RepeatsOptions:
    """Options of ``repeats``."""

    sizes: bool = field(default=True, metadata={"help": "Fold what differs only in sizes, too: the stages of a ResNet."})
    branches: bool = field(default=True, metadata={"help": "Fold what stands side by side, too: the experts of a mixture."})
    least: int = field(default=2, metadata={"help": "So many alike are folded, not fewer."})
    skips: bool = field(default=False, metadata={"help": "Fold stages that skip connections join to others, too: a U-Net."})
    apart: tuple[str, ...] = field(default=(), metadata={"help": "Modules that are to stand by themselves, such as layers.3."})
    split: tuple[str, ...] = field(default=(), metadata={"help": "Like apart, or globs; a fold of which all fit stays one."})
