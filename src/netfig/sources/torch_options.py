"""Options of the source "torch": what ``--opt torch.<field>=…`` takes."""

from __future__ import annotations

from dataclasses import field
from typing import Literal

from netfig.records import dataclass


@dataclass(frozen=True)
class TorchOptions:
    """Options of the ``torch`` source."""

    numbers: Literal["none", "attention"] = field(
        default="none", metadata={"help": "attention: keep the attention weights of the run, on the CPU, with its real inputs"}
    )
