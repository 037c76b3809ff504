"""Options of the built-in renderers: what ``--opt <renderer>.<field>=…`` takes."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netfig.records import dataclass


@dataclass(frozen=True)
class ModulesOptions:
    """Options of the ``modules`` renderer."""

    depth: int = field(default=0, metadata={"help": "levels of modules to open; 0 opens as many as stay under max_boxes"})
    max_boxes: int = field(
        default=36, metadata={"help": "with depth 0: open modules while the figure has at most this many boxes"}
    )
    params: Literal["none", "count", "worked"] = field(default="count", metadata={"help": "parameter counts in the boxes"})
    shapes: Literal["changes", "all", "none"] = field(default="changes", metadata={"help": "shapes on the wires"})
    fold: Literal["none", "activation"] = field(default="activation", metadata={"help": "fold an activation into its layer"})
    names: bool = field(default=True, metadata={"help": "the attribute's name in boxes that read alike"})
    reshapes: bool = field(default=False, metadata={"help": "show views, transposes and other re-indexing"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


@dataclass(frozen=True)
class DataflowOptions:
    """Options of the ``dataflow`` renderer."""

    level: Literal["function", "aten"] = field(
        default="function", metadata={"help": "one box for each function called, or for each operation the dispatcher ran"}
    )
    params: Literal["none", "count"] = field(default="count", metadata={"help": "parameter counts in the boxes"})
    shapes: Literal["changes", "all", "none"] = field(default="changes", metadata={"help": "shapes on the wires"})
    constants: bool = field(default=True, metadata={"help": "show operations that depend on no input, such as masks"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


@dataclass(frozen=True)
class PipelineOptions:
    """Options of the ``pipeline`` renderer."""

    style: Literal["flat", "volumes", "sheets"] = field(default="flat", metadata={"help": "how feature maps are drawn"})
    params: Literal["none", "count", "worked"] = field(
        default="count", metadata={"help": "parameter counts with the operations; worked: with the product they come from"}
    )
    dense_equivalent: bool = field(
        default=False, metadata={"help": "the size of the linear layer that would do what each convolution does"}
    )
    receptive_field: bool = field(default=False, metadata={"help": "how much of the input one element sees, under its shape"})
    window: bool = field(default=True, metadata={"help": "the window the next layer looks through (volumes and sheets)"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


@dataclass(frozen=True)
class UnrolledOptions:
    """Options of the ``unrolled`` renderer."""

    steps: int | None = field(
        default=None,
        metadata={"help": "how many steps: 3, of two sequences 2 each; of more than 5 the first three and the last are drawn"},
    )
    all_steps: bool = field(default=False, metadata={"help": "draw every step, of steps or of a length that is a number"})
    last: bool | None = field(default=None, metadata={"help": "draw the last step after the dots"})
    highlight: str = field(default="", metadata={"help": "a value such as h[3]: every path it depends on is made strong"})
    weights: Literal["chips", "fan"] = field(
        default="chips", metadata={"help": "a chip on every wire, or one box for each weight from which wires fan out"}
    )
    sizes: tuple[str, ...] = field(default=(), metadata={"help": "numbers for named sizes, such as T=5,K=2"})
    equations: bool = field(default=True, metadata={"help": "the equations under the figure"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")


@dataclass(frozen=True)
class FoldedOptions:
    """Options of the ``folded`` renderer."""

    with_unrolled: bool = field(default=False, metadata={"help": "the unrolled form beside it, rows level"})
    steps: int | None = field(default=None, metadata={"help": "how many steps of the unrolled form are drawn"})
    sizes: tuple[str, ...] = field(default=(), metadata={"help": "numbers for named sizes, such as T=5,K=2"})
    equations: bool = field(default=True, metadata={"help": "the equations under the figure"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})

    def __post_init__(self) -> None:
        if self.steps is not None and self.steps < 1:
            raise ValueError(f"steps must be at least 1, not {self.steps}")


@dataclass(frozen=True)
class CellOptions:
    """Options of the ``cell`` renderer."""

    weights: Literal["auto", "chips", "words"] = field(
        default="auto", metadata={"help": "a chip for each weight, or one box for an affine map with its function"}
    )
    equations: bool = field(default=True, metadata={"help": "the equations under the figure"})
    names: bool = field(default=True, metadata={"help": "the names of values on their wires"})
    biases: bool = field(default=False, metadata={"help": "show biases as chips of their own"})
    plate: str = field(default="", metadata={"help": "which repeated part to open, by its axis or id"})
    caption: bool = field(default=True, metadata={"help": "shapes and parameter counts under the figure"})


@dataclass(frozen=True)
class AttentionRnnOptions:
    """Options of the ``attention-rnn`` renderer."""

    steps: int | None = field(default=None, metadata={"help": "how many steps are drawn: 3, for more than two past states 4"})
    focus: int | None = field(default=None, metadata={"help": "the step whose attention is made strong: the last one drawn"})
    sizes: tuple[str, ...] = field(default=(), metadata={"help": "numbers for named sizes, such as K=3"})
    equations: bool = field(default=True, metadata={"help": "the equations under the figure"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})

    def __post_init__(self) -> None:
        for name, number in (("steps", self.steps), ("focus", self.focus)):
            if number is not None and not 1 <= number <= 400:
                raise ValueError(f"{name} must be from 1 to 400, not {number}")
