"""Recurrences written in PyTorch in the ways people write them, and their numbers as a recognised graph wants them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor, nn

from netfig.graph import Graph, Value


class ThreeLinears(nn.Module):
    """Plain linear layers, outputs collected in a list."""

    def __init__(self) -> None:
        super().__init__()
        self.xh, self.hh, self.hy = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 4)
        ys = []
        for t in range(x.shape[1]):
            h = torch.tanh(self.xh(x[:, t]) + self.hh(h))
            ys.append(self.hy(h))
        return torch.stack(ys, 1)


class Cells(nn.Module):
    """A cell, the sequence unbound."""

    def __init__(self, cell: type[nn.RNNCellBase]) -> None:
        super().__init__()
        self.cell, self.head = cell(3, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        ys = []
        for step in x.unbind(1):
            state = self.cell(step, state)
            ys.append(self.head(state[0] if isinstance(state, tuple) else state))
        return torch.stack(ys, 1)


class LastState(nn.Module):
    """Only the last state is read."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.GRUCell(3, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], 4)
        for step in x.split(1, dim=1):
            h = self.cell(step.squeeze(1), h)
        return self.head(h)


class LayersInside(nn.Module):
    """A loop over layers inside the loop over time."""

    def __init__(self) -> None:
        super().__init__()
        self.cells, self.head = nn.ModuleList([nn.RNNCell(3, 4), nn.RNNCell(4, 5)]), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        states = [x.new_zeros(x.shape[0], 4), x.new_zeros(x.shape[0], 5)]
        ys = []
        for t in range(x.shape[1]):
            below = x[:, t]
            for n, cell in enumerate(self.cells):
                below = states[n] = cell(below, states[n])
            ys.append(self.head(below))
        return torch.stack(ys, 1)


class OwnCell(nn.Module):
    """One step of a gated network on the concatenation of input and state."""

    def __init__(self) -> None:
        super().__init__()
        self.gates, self.candidate = nn.Linear(7, 8), nn.Linear(7, 4)

    def forward(self, x: Tensor, h: Tensor) -> Tensor:
        z, r = self.gates(torch.cat([x, h], -1)).sigmoid().chunk(2, -1)
        return (1 - z) * h + z * torch.tanh(self.candidate(torch.cat([x, r * h], -1)))


class HandWritten(nn.Module):
    """A module called once for each step."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = OwnCell()

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
            out.append(h.unsqueeze(1))
        return torch.cat(out, 1)


class IntoBuffer(nn.Module):
    """States written into a fresh buffer, the input projected for all steps beforehand, a head on all of them afterwards."""

    def __init__(self) -> None:
        super().__init__()
        self.xh, self.hh = nn.Linear(3, 4), nn.Linear(4, 4, bias=False)
        self.head = nn.Sequential(nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))

    def forward(self, x: Tensor) -> Tensor:
        projected = self.xh(x)
        h = torch.zeros(x.shape[0], 4)
        out = torch.empty(x.shape[0], x.shape[1], 4)
        for t in range(x.shape[1]):
            h = torch.tanh(projected[:, t] + self.hh(h))
            out[:, t] = h
        return self.head(out)


class RawParameters(nn.Module):
    """Matrices on the right, and a first state that is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.wx, self.wh = nn.Parameter(torch.randn(3, 4)), nn.Parameter(torch.randn(4, 4))
        self.b, self.start = nn.Parameter(torch.randn(4)), nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        h = self.start.expand(x.shape[0], -1)
        out = []
        for t in range(x.shape[1]):
            h = torch.relu(x[:, t] @ self.wx + h @ self.wh + self.b)
            out.append(h)
        return torch.stack(out, 1)


class Smoothed(nn.Module):
    """A moving average: no weights at all."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros_like(x[:, 0])
        out = []
        for t in range(x.shape[1]):
            h = 0.9 * h + 0.1 * x[:, t]
            out.append(h)
        return torch.stack(out, 1)


class FedBack(nn.Module):
    """Jordan's network: the output goes back."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(3, 4), nn.Linear(2, 4, bias=False), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        y = x.new_zeros(x.shape[0], 2)
        ys = []
        for t in range(x.shape[1]):
            y = self.c(torch.sigmoid(self.a(x[:, t]) + self.b(y)))
            ys.append(y)
        return torch.stack(ys, 1)


class FirstStepDiffers(nn.Module):
    """There is no state before the first step."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = None
        for t in range(x.shape[1]):
            h = torch.tanh(self.a(x[:, t])) if h is None else torch.tanh(self.a(x[:, t]) + self.b(h))
        return self.head(h)


class BothWays(nn.Module):
    """Two loops, one of them against time."""

    def __init__(self) -> None:
        super().__init__()
        self.f, self.b, self.head = nn.RNNCell(3, 4), nn.RNNCell(3, 4), nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], 4)
        forwards, backwards = [], []
        for t in range(x.shape[1]):
            h = self.f(x[:, t], h)
            forwards.append(h)
        h = torch.zeros(x.shape[0], 4)
        for t in reversed(range(x.shape[1])):
            h = self.b(x[:, t], h)
            backwards.insert(0, h)
        return self.head(torch.cat([torch.stack(forwards, 1), torch.stack(backwards, 1)], -1))


class Peepholes(nn.Module):
    """An LSTM by hand, one matrix for all gates, with a weight that is a vector."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.p = nn.Linear(7, 16), nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        h = c = torch.zeros(x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            i, f, g, o = self.w(torch.cat([x[:, t], h], 1)).chunk(4, 1)
            c = f.sigmoid() * c + i.sigmoid() * g.tanh()
            h = (o + self.p * c).sigmoid() * c.tanh()
            out.append(h)
        return torch.stack(out, 1)


class Normed(nn.Module):
    """A layer norm inside each step, the mean of all states at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.norm, self.head = nn.Linear(3, 4), nn.Linear(4, 4), nn.LayerNorm(4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            h = torch.tanh(self.norm(self.a(x[:, t]) + self.b(h)))
            out.append(h)
        return self.head(torch.stack(out, 1).mean(1))


class Translator(nn.Module):
    """An encoder whose last state starts a decoder that reads its own outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.decoder, self.head = nn.GRU(3, 4, batch_first=True), nn.GRUCell(2, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        _, states = self.encoder(x)
        h, y = states[0], torch.zeros(x.shape[0], 2)
        ys = []
        for _ in range(4):
            h = self.decoder(y, h)
            y = self.head(h)
            ys.append(y)
        return torch.stack(ys, 1)


class Words(nn.Module):
    """Words looked up, a stacked LSTM both ways, the last states of its upper layer."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.head = nn.Embedding(10, 3), nn.Linear(8, 3)
        self.lstm = nn.LSTM(3, 4, num_layers=2, bidirectional=True, batch_first=True)

    def forward(self, words: Tensor) -> Tensor:
        _, (h, _) = self.lstm(self.table(words))
        return self.head(torch.cat([h[-2], h[-1]], 1))


class Around(nn.Module):
    """A first state and inputs that are computed, and a head of several layers on the last state."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.first, self.before = nn.GRUCell(4, 4), nn.Linear(5, 4), nn.Linear(3, 4)
        self.head = nn.Sequential(nn.LayerNorm(4), nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 2))

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        h = torch.tanh(self.first(z))
        x = torch.relu(self.before(x))
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.head(h)


LOOPS = {
    "three linears": ThreeLinears,
    "RNNCell": lambda: Cells(nn.RNNCell),
    "LSTMCell": lambda: Cells(nn.LSTMCell),
    "GRUCell": lambda: Cells(nn.GRUCell),
    "last state": LastState,
    "layers inside": LayersInside,
    "own cell": HandWritten,
    "into a buffer": IntoBuffer,
    "raw parameters": RawParameters,
    "no weights": Smoothed,
    "fed back": FedBack,
    "first step differs": FirstStepDiffers,
    "both ways": BothWays,
    "peepholes": Peepholes,
    "normed": Normed,
    "translator": Translator,
}
"""Loops over an input ``x`` of shape (batch, T, 3)."""


# ---- numbers ---------------------------------------------------------------------------------------------------------------


def numbers(graph: Graph, model: nn.Module, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inputs and parameters of a recognised graph, each the part of a tensor that its name says."""
    state = {**dict(model.named_parameters()), **dict(model.named_buffers()), **inputs}
    return {v.id: _numbers(v, state) for v in graph.values if v.kind in ("input", "parameter", "buffer")}


def _numbers(value: Value, tensors: Mapping[str, Tensor]) -> Tensor:
    found = re.match(r"\A([^\[]+)(?:\[(.*)\])?\Z", value.names[0])
    assert found is not None
    tensor = tensors[found[1]].detach()
    at: list[int | slice] = []
    time = None
    for word in found[2].split(", ") if found[2] else []:
        if word.startswith("t"):
            time = sum(isinstance(one, slice) for one in at)
        word = word.removeprefix("t").removeprefix("=")
        at.append(
            int(word) if word.isdigit() else slice(*(int(n) if n else None for n in word.split(":"))) if word else slice(None)
        )
    tensor = tensor[tuple(at)]
    sizes = value.type.sizes
    assert sizes is not None
    return tensor.reshape(sizes) if time is None else tensor.movedim(time, 0).reshape(-1, *sizes)
