"""How the layout of a figure with nothing folded or closed grows with the number of operations.

Two models of 250 to 5,000 operations, every one of them drawn: a tower of attention blocks with residual connections, and a chain
of convolutions whose every output a last layer reads. The time may grow as n^1.5 at most: the exponent between each size and the
next is printed, and the one over all sizes is judged. Beyond what the engine can place, a message must come in seconds.
Ends with 1 when a limit is missed.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from typing import Any

import torch
from torch import Tensor, nn

import netfig
from netfig.errors import NetfigError
from netfig.graph import Graph
from netfig.layout import lay_out
from netfig.renderers.modules import draw_modules
from netfig.renderers.options import ModulesOptions
from netfig.theme import load_theme

SIZES = (250, 500, 1000, 2000, 5000)
EXPONENT, SECONDS = 1.5, 120.0


class Block(nn.Module):
    """Attention and two layers, each with what it bypasses added."""

    def __init__(self, width: int = 8) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """x plus attention, plus layers."""
        y = self.norm1(x)
        scores = torch.softmax(self.q(y) @ self.k(y).transpose(-1, -2) * 0.3, -1)
        x = x + self.o(scores @ self.v(y))
        return x + self.down(torch.nn.functional.gelu(self.up(self.norm2(x))))


class Bus(nn.Module):
    """A chain whose every output is read at its end."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(4, 4) for _ in range(layers))
        self.last = nn.Linear(4 * layers, 4)

    def forward(self, x: Tensor) -> Tensor:
        """All that the chain made, joined."""
        made = []
        for layer in self.layers:
            x = torch.relu(layer(x))
            made.append(x)
        return self.last(torch.cat(made, -1))


def traced(kind: str, size: int) -> Graph:
    """A model of about so many operations."""
    if kind == "bus":
        return netfig.trace(Bus(size // 3), torch.zeros(1, 4))
    blocks = [Block() for _ in range(max(1, size // 44))]
    return netfig.trace(nn.Sequential(*blocks), torch.zeros(1, 5, 8))


def measured(kind: str, size: int) -> dict[str, Any]:
    """Operations, boxes, and the seconds of the layout; the message where there is none."""
    graph = traced(kind, size)
    figure = draw_modules(graph, ModulesOptions(depth=99))
    started = time.process_time(), time.monotonic()
    found: dict[str, Any] = {"model": kind, "operations": len(graph.ops), "boxes": len(figure.boxes)}
    try:
        lay_out(figure, load_theme("light"))
    except NetfigError as error:
        found["message"] = f"{error.what}; {error.hint}"
    found["seconds"] = round(time.process_time() - started[0], 3)
    found["waited"] = round(time.monotonic() - started[1], 3)
    return found


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    missed: list[str] = []
    for kind in ("tower", "bus"):
        measured(kind, 60)  # what is imported and compiled once is not measured
        own: list[dict[str, Any]] = []
        for size in given.sizes:
            row = measured(kind, size)
            if own and "message" not in row:
                row["exponent"] = round(_exponent(own[-1], row), 2)
            own.append(row)
            print(json.dumps(row) if given.json else "  ".join(f"{key} {value}" for key, value in row.items()), flush=True)
            if row["waited"] > SECONDS:
                missed.append(f"{kind}: {row['operations']} operations took {row['waited']} s")
        drawn = [row for row in own if "message" not in row]
        if len(drawn) > 1 and (over_all := _exponent(drawn[0], drawn[-1])) > EXPONENT:
            missed.append(f"{kind}: the layout grows as n^{over_all:.2f}")
    for line in missed:
        print("missed:", line, file=sys.stderr)
    return 1 if missed else 0


def _exponent(before: dict[str, Any], after: dict[str, Any]) -> float:
    return math.log(after["seconds"] / before["seconds"]) / math.log(after["operations"] / before["operations"])


if __name__ == "__main__":
    raise SystemExit(main())
