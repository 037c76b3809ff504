"""Small models in variants, for the tests that compare two of them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

import netfig
from netfig.graph import Graph


class Layer(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.down(self.act(self.up(self.norm(x))))


class Plain(nn.Module):
    """A head called `head`, `count` layers, one of which may be narrow."""

    def __init__(self, width: int = 8, count: int = 3, narrow: int | None = None) -> None:
        super().__init__()
        self.embed = nn.Linear(4, width)
        self.layers = nn.ModuleList(Layer(width, width if k == narrow else 2 * width) for k in range(count))
        self.head = nn.Linear(width, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for layer in self.layers:
            x = layer(x)
        return self.head(x)


class Renamed(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.classifier = self.head
        del self.head

    def forward(self, x: Tensor) -> Tensor:
        x = self.embed(x)
        for layer in self.layers:
            x = layer(x)
        return self.classifier(x)


class Wrapped(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.backbone = Plain()

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.backbone(x), -1)


class Norms(nn.Module):
    """A normalisation before or after an addition."""

    def __init__(self, after: bool) -> None:
        super().__init__()
        self.after = after
        self.norm = nn.LayerNorm(4)
        self.fc = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.fc(x)) if self.after else x + self.fc(self.norm(x))


class Branches(nn.Module):
    """Query and key, called in one order or the other."""

    def __init__(self, key_first: bool) -> None:
        super().__init__()
        self.key_first = key_first
        self.query, self.key = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        if self.key_first:
            key, query = self.key(x), self.query(x)
        else:
            query, key = self.query(x), self.key(x)
        return query @ key.transpose(-1, -2)


class Skip(nn.Module):
    """A skip that begins before or after the second layer."""

    def __init__(self, late: bool) -> None:
        super().__init__()
        self.late = late
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        first = self.a(x)
        second = self.b(first)
        return self.c(second) + (second if self.late else first)


class Tied(nn.Module):
    def __init__(self, tied: bool) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 4)
        self.head = nn.Linear(4, 9, bias=False)
        if tied:
            self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.embedding(tokens))


class Block(nn.Module):
    def __init__(self, middle: nn.Module) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.middle = middle
        self.last = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.middle(self.first(x)))


def plain(**sizes: int) -> Graph:
    return of(Plain(**sizes))


def of(model: nn.Module, *shape: int) -> Graph:
    return netfig.trace(model, torch.zeros(shape or (2, 3, 4)))
