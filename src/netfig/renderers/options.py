"""Options of the built-in renderers: what ``--opt <renderer>.<field>=…`` takes."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netfig.records import dataclass


@dataclass(frozen=True)
class ModulesOptions:
    """Options of the ``modules`` renderer."""

    depth: int = field(default=0, metadata={"help": "levels of modules to open; 0 opens what max_boxes lets"})
    expand: tuple[str, ...] = field(default=(), metadata={"help": "modules to open, by path or glob: layers.3, encoder.**"})
    collapse: tuple[str, ...] = field(default=(), metadata={"help": "modules to keep closed, by path or glob"})
    max_boxes: int | None = field(
        default=None, metadata={"help": "open modules while the figure has at most this many boxes: 36, with a depth any number"}
    )
    params: Literal["none", "count", "worked"] = field(default="count", metadata={"help": "parameter counts in the boxes"})
    shapes: Literal["changes", "all", "none"] = field(default="changes", metadata={"help": "shapes on the wires"})
    fold: Literal["none", "activation"] = field(default="activation", metadata={"help": "fold an activation into its layer"})
    names: bool = field(default=True, metadata={"help": "the attribute's name in boxes that read alike"})
    reshapes: bool = field(default=False, metadata={"help": "show views, transposes and other re-indexing"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})

    def __post_init__(self) -> None:
        if self.depth < 0:
            raise ValueError(f"depth must be at least 0, not {self.depth}")
        if self.max_boxes is not None and self.max_boxes < 1:
            raise ValueError(f"max_boxes must be at least 1, not {self.max_boxes}")


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
class CompareOptions:
    """Options of the figure of two models."""

    depth: int = field(default=0, metadata={"help": "levels of modules to open; 0 opens down to where the models differ"})
    max_boxes: int = field(default=60, metadata={"help": "with depth 0: open less when the figure has more boxes than this"})
    context: bool = field(default=False, metadata={"help": "draw everything that is the same, however much it is"})
    params: Literal["none", "count"] = field(default="count", metadata={"help": "parameter counts in the boxes"})
    shapes: Literal["changes", "none"] = field(default="changes", metadata={"help": "shapes on wires where they differ"})
    fold: Literal["none", "activation"] = field(default="activation", metadata={"help": "fold an activation into its layer"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


@dataclass(frozen=True)
class PipelineOptions:
    """Options of the ``pipeline`` renderer."""

    style: Literal["flat", "volumes", "sheets"] = field(default="flat", metadata={"help": "how feature maps are drawn"})
    params: Literal["none", "count", "worked"] = field(
        default="count", metadata={"help": "parameter counts with the operations; worked: with the product they come from"}
    )
    growth: bool = field(default=False, metadata={"help": "how parameters grow where sizes are names: O(d²)"})
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


@dataclass(frozen=True)
class MatricesOptions:
    """Options of the ``matrices`` renderer."""

    row: str = field(default="", metadata={"help": "the row that is worked out: its name, or its number from 1"})
    cell: str = field(default="", metadata={"help": "the cell of the map that is worked out: row,column from 1"})
    digits: int = field(default=2, metadata={"help": "decimals of numbers that have no short form"})
    numbers: Literal["auto", "exact", "decimal"] = field(
        default="auto", metadata={"help": "closed forms such as ln 80; auto: when the example is given in them"}
    )
    shapes: Literal["size", "why", "none"] = field(
        default="size", metadata={"help": "the size under each matrix; why: with a line for each that says why"}
    )
    steps: bool = field(default=False, metadata={"help": "draw the scores before they are scaled, too"})
    worked: bool = field(default=True, metadata={"help": "work the chosen row or cell out in a line below"})
    strip: bool = field(default=True, metadata={"help": "all places of the window of a convolution"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})

    def __post_init__(self) -> None:
        if not 0 <= self.digits <= 6:
            raise ValueError(f"digits must be from 0 to 6, not {self.digits}")


@dataclass(frozen=True)
class AttentionOptions:
    """Options of the ``attention`` renderer."""

    block: str = field(default="", metadata={"help": "which attention of the graph, by its id or its module's: the first"})
    params: Literal["none", "count"] = field(default="count", metadata={"help": "the parameters of every matrix in the caption"})
    equations: bool = field(default=True, metadata={"help": "one head written out, with shapes"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


@dataclass(frozen=True)
class MlpOptions:
    """Options of the ``mlp`` renderer."""

    neuron: str = field(default="", metadata={"help": "the neuron that is worked out: layer,neuron, both from 1"})
    digits: int = field(default=2, metadata={"help": "decimals of numbers that have no short form"})
    numbers: Literal["auto", "exact", "decimal"] = field(
        default="auto", metadata={"help": "closed forms such as ln 80; auto: when the example is given in them"}
    )
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})

    def __post_init__(self) -> None:
        if not 0 <= self.digits <= 6:
            raise ValueError(f"digits must be from 0 to 6, not {self.digits}")


@dataclass(frozen=True)
class AttentionMapOptions:
    """Options of the ``attention-map`` renderer."""

    row: str = field(default="", metadata={"help": "the token whose arcs are drawn: its name, or its number from 1"})
    value: str = field(default="", metadata={"help": "which attention weights, by the id of their value; else the layer"})
    layer: int = field(default=1, metadata={"help": "which attention weights, where a graph has several, from 1"})
    head: int = field(default=1, metadata={"help": "the head, from 1"})
    tokens: tuple[str, ...] = field(default=(), metadata={"help": "names of the tokens, such as the,cat,sat"})
    heat: bool = field(default=True, metadata={"help": "the heat map of all weights below"})
    digits: int = field(default=2, metadata={"help": "decimals of the weights"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})

    def __post_init__(self) -> None:
        if not 0 <= self.digits <= 6:
            raise ValueError(f"digits must be from 0 to 6, not {self.digits}")


@dataclass(frozen=True)
class TowerOptions:
    """Options of the ``tower`` renderer."""

    params: Literal["none", "count"] = field(default="none", metadata={"help": "the parameters of each box beside it"})
    shapes: Literal["changes", "all", "none"] = field(
        default="changes", metadata={"help": "the shape of what a box makes beside it: where it changes, everywhere, nowhere"}
    )
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


@dataclass(frozen=True)
class ResidualOptions:
    """Options of the ``residual`` renderer."""

    open: str = field(
        default="",
        metadata={"help": "what is opened: a stage such as layer3, or one block such as layer3.0; else the first telling stage"},
    )
    equations: bool = field(default=True, metadata={"help": "what the opened blocks compute, below the figure"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})
