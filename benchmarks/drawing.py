"""How drawing grows: graphs of 250 to 2,000 operations, every operation drawn, to SVG."""

from __future__ import annotations

import math
import resource
import sys
import time

import torch
from torch import Tensor, nn

import netfig

SIZES = (250, 500, 1000, 2000)
LIMIT = 1.7


class Block(nn.Module):
    """A residual connection around two layers, and a normalization."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, width))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.inner(x))


def processor_seconds() -> float:
    """Used by this process and the engines it has run."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(u.ru_utime + u.ru_stime for u in used)


def exponent(sizes: list[int], times: list[float]) -> float:
    """The slope of the line through the points (log size, log time)."""
    xs, ys = [math.log(s) for s in sizes], [math.log(t) for t in times]
    mean_x, mean_y = sum(xs) / len(xs), sum(ys) / len(ys)
    return sum((x - mean_x) * (y - mean_y) for x, y in zip(xs, ys, strict=True)) / sum((x - mean_x) ** 2 for x in xs)


def main() -> int:
    torch.set_num_threads(1)
    one = netfig.trace(Block(8), torch.zeros(1, 8))
    netfig.draw(one, renderer="dataflow").svg()  # loads what is loaded once
    rows = []
    for size in SIZES:
        model = nn.Sequential(*(Block(8) for _ in range(round(size / len(one.ops)))))
        graph = netfig.trace(model, torch.zeros(1, 8))
        start, used = time.perf_counter(), processor_seconds()
        svg = netfig.draw(graph, renderer="dataflow").svg()
        rows.append((len(graph.ops), time.perf_counter() - start, processor_seconds() - used, len(svg)))
    growth = exponent([r[0] for r in rows], [r[2] for r in rows])
    print(
        "A stack of residual blocks in nested modules, every operation drawn by `dataflow` and written as SVG; tracing it is not"
    )
    print(f"in the time. The exponent is fitted to processor seconds and must stay under {LIMIT}.\n")
    print("| operations | seconds | processor seconds | SVG, kB |\n| --: | --: | --: | --: |")
    for count, elapsed, used, length in rows:
        print(f"| {count:,} | {elapsed:.2f} | {used:.2f} | {length / 1000:,.0f} |")
    print(f"\nGrowth: time ~ operations^{growth:.2f}.")
    return int(growth >= LIMIT)


if __name__ == "__main__":
    sys.exit(main())
