"""Models in which much is alike, written in PyTorch in the ways people write them."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional


class Loop(nn.Module):
    """No modules: weights in lists, functions in a loop."""

    def __init__(self, depth: int = 6, width: int = 8) -> None:
        super().__init__()
        self.weights = nn.ParameterList(torch.zeros(width, width) for _ in range(depth))
        self.biases = nn.ParameterList(torch.zeros(width) for _ in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        for weight, bias in zip(self.weights, self.biases, strict=True):
            x = torch.relu(functional.linear(x, weight, bias))
        return x


class Masked(nn.Module):
    """Encoder layers that are all given one mask."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=bool(depth % 2)) for _ in range(depth)
        )

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x, src_mask=mask)
        return x


class Hidden(nn.Module):
    """Hands out what every block makes."""

    def __init__(self, depth: int = 5) -> None:
        super().__init__()
        self.embed = nn.Linear(4, 8)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)) for _ in range(depth))

    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        x = self.embed(x)
        seen = [x]
        for block in self.blocks:
            x = x + block(x)
            seen.append(x)
        return x, seen


class Heads(nn.Module):
    """Attention head by head, each on its slice, then side by side."""

    def __init__(self, heads: int = 4, width: int = 16) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        made = []
        parts = [layer(x).chunk(self.heads, -1) for layer in (self.query, self.key, self.value)]
        for q, k, v in zip(*parts, strict=True):
            made.append(torch.softmax(q @ k.transpose(-2, -1) / 2.0, -1) @ v)
        return self.out(torch.cat(made, -1))


class Cross(nn.Module):
    """Decoder blocks that all read one memory and each have a cache of their own."""

    def __init__(self, depth: int = 3) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.TransformerDecoderLayer(8, 2, 16, batch_first=True) for _ in range(depth))

    def forward(self, x: Tensor, memory: Tensor, caches: list[Tensor]) -> tuple[Tensor, list[Tensor]]:
        kept = []
        for block, cache in zip(self.blocks, caches, strict=True):
            x = block(torch.cat((cache, x), 1), memory)
            kept.append(x)
        return x, kept


class Carries(nn.Module):
    """Two values that run along."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.left = nn.ModuleList(nn.Linear(8, 8) for _ in range(depth))
        self.right = nn.ModuleList(nn.Linear(8, 8) for _ in range(depth))

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        for left, right in zip(self.left, self.right, strict=True):
            x, y = x + left(y).relu_(), y + right(x)
        return x + y


def stage(before: int, width: int, count: int) -> nn.Module:
    """A convolution that halves, and some that keep the size."""
    down = nn.Sequential(nn.Conv2d(before, width, 3, 2, 1), nn.ReLU(inplace=True), nn.Conv2d(width, width, 3, 1, 1))
    same = (nn.Sequential(nn.Conv2d(width, width, 3, 1, 1), nn.Conv2d(width, width, 1)) for _ in range(count))
    return nn.Sequential(down, *same)


class Stages(nn.Module):
    """Stages of blocks, more of them in the middle."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, 1, 1)
        self.stages = nn.ModuleList((stage(8, 16, 2), stage(16, 32, 4), stage(32, 64, 3)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for one in self.stages:
            x = one(x)
        return x.mean((2, 3))


class InPlace(nn.Module):
    """Every block adds to the same tensor, and writes into a slice of one buffer."""

    def __init__(self, depth: int = 5) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8), nn.ReLU(inplace=True), nn.Linear(8, 8)) for _ in range(depth))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        x = x.clone()
        seen = x.new_zeros(len(self.blocks), *x.shape)
        for k, block in enumerate(self.blocks):
            x.add_(block(x)).relu_()
            seen[k] = x
        return x, seen


class Cached(nn.Module):
    """Blocks that each append to a cache and hand it out."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.keys = nn.ModuleList(nn.Linear(8, 8) for _ in range(depth))
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 8)) for _ in range(depth))

    def forward(self, x: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        cache: tuple[Tensor, ...] = ()
        for key, block in zip(self.keys, self.blocks, strict=True):
            cache = (*cache, key(x))
            x = x + block(x * cache[-1])
        return x, cache


class Shared(nn.Module):
    """One layer, twelve times on what it made itself."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(12):
            x = self.layer(x)
        return x


class Reused(nn.Module):
    """One module on several inputs: no repeat."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(8, 8), nn.ReLU(), nn.Linear(8, 8))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.body(x * k) for k in range(4)], -1)


class Growing(nn.Module):
    """Every layer reads all before it: no repeat."""

    def __init__(self, depth: int = 4) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(8 * (k + 1), 8), nn.Linear(8, 8)) for k in range(depth))

    def forward(self, x: Tensor) -> Tensor:
        seen = [x]
        for layer in self.layers:
            seen.append(layer(torch.cat(seen, -1)))
        return torch.cat(seen, -1)


class Net(NamedTuple):
    """A model, what it is given, and how many members its repeats have (none: it has no repeat)."""

    model: type[nn.Module]
    inputs: tuple[object, ...]
    members: tuple[int, ...]


def zeros(*shape: int) -> Tensor:
    """Numbers that do not matter."""
    return torch.zeros(shape)


MODELS = {
    net.model.__name__: net
    for net in (
        Net(Loop, (zeros(2, 8),), (6,)),
        Net(Masked, (zeros(2, 5, 8), zeros(5, 5)), (4,)),
        Net(Hidden, (zeros(2, 4),), (5,)),
        Net(Heads, (zeros(2, 5, 16),), (4,)),
        Net(Cross, (zeros(1, 2, 8), zeros(1, 5, 8), [zeros(1, 3, 8) for _ in range(3)]), (3,)),
        Net(Carries, (zeros(2, 8), zeros(2, 8)), (4,)),
        Net(Stages, (zeros(1, 3, 32, 32),), (2, 3)),
        Net(InPlace, (zeros(2, 8),), (5,)),
        Net(Cached, (zeros(2, 8),), (4,)),
        Net(Shared, (zeros(1, 5, 8),), (12,)),
        Net(Reused, (zeros(2, 8),), ()),
        Net(Growing, (zeros(2, 8),), ()),
    )
}
