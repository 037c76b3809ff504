"""More ways in which people write recurrences: other orders, other indices, gates computed beforehand, attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Basic(nn.Module):
    """Three linear layers, and what a subclass adds."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.y = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 2)
        self.add()

    def add(self) -> None:
        """More layers."""

    def step(self, x: Tensor, h: Tensor) -> Tensor:
        """The next state."""
        return torch.tanh(self.a(x) + self.b(h))


class FromSecond(Basic):
    """The first element is not read, or only as the one before."""

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 4)
        out = []
        for t in range(1, x.shape[1]):
            h = self.step(x[:, t] - x[:, t - 1], h)
            out.append(self.y(h))
        return torch.stack(out, 1)


class Residual(Basic):
    """The loop runs over the tensor itself, with a way past the weights."""

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(4)
        for step in x.transpose(0, 1):
            h = h + self.step(step, h)
        return self.y(h)


class LayerStepByStep(Basic):
    """A recurrent layer called for one step at a time."""

    def add(self) -> None:
        self.g = nn.GRU(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(1, x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            made, h = self.g(x[:, t : t + 1], h)
            out.append(made)
        return self.y(torch.cat(out, 1))


class LastOfAll(Basic):
    """The last of what a layer hands back."""

    def add(self) -> None:
        self.g = nn.LSTM(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.y(self.g(x)[0][:, -1])


class GatesBeforehand(Basic):
    """A simple recurrent unit: gates for all steps at once, no matrix inside the loop."""

    def add(self) -> None:
        self.w = nn.Linear(3, 12)

    def forward(self, x: Tensor) -> Tensor:
        z, f, r = self.w(x).chunk(3, -1)
        f, r = f.sigmoid(), r.sigmoid()
        c = x.new_zeros(x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            c = f[:, t] * c + (1 - f[:, t]) * z[:, t]
            out.append(r[:, t] * c.tanh())
        return self.y(torch.stack(out, 1))


class ReadBack(Basic):
    """The buffer of the states is where the loop reads the last one."""

    def forward(self, x: Tensor) -> Tensor:
        states = torch.zeros(x.shape[0], x.shape[1] + 1, 4)
        for t in range(x.shape[1]):
            states[:, t + 1] = self.step(x[:, t], states[:, t])
        return self.y(states[:, 1:])


class SecondOrder(Basic):
    """A step reads the last two states."""

    def add(self) -> None:
        self.c = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        last = before = x.new_zeros(x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            last, before = torch.tanh(self.a(x[:, t]) + self.b(last) + self.c(before)), last
            out.append(self.y(last))
        return torch.stack(out, 1)


class LayerByLayer(Basic):
    """A loop over time inside the loop over layers."""

    def add(self) -> None:
        self.cells = nn.ModuleList([nn.GRUCell(3, 4), nn.GRUCell(4, 4)])

    def forward(self, x: Tensor) -> Tensor:
        sequence = list(x.unbind(1))
        for cell in self.cells:
            h = x.new_zeros(x.shape[0], 4)
            states = []
            for step in sequence:
                h = cell(step, h)
                states.append(h)
            sequence = states
        return self.y(torch.stack(sequence, 1))


class Einsum(nn.Module):
    """Products as sums over indices."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.u = nn.Parameter(torch.randn(4, 3)), nn.Parameter(torch.randn(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            h = torch.tanh(torch.einsum("bi,ji->bj", x[:, t], self.w) + torch.einsum("bi,ji->bj", h, self.u))
            out.append(h)
        return torch.stack(out, 1)


class Flipped(Basic):
    """The sequence turned round for a second layer, its states turned back."""

    def add(self) -> None:
        self.f, self.g = nn.RNN(3, 4, batch_first=True), nn.RNN(3, 4, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.y(self.f(x)[0] + self.g(x.flip(1))[0].flip(1))


class TwoLayersInACell(Basic):
    """A perceptron with one hidden layer as the step."""

    def add(self) -> None:
        self.m = nn.Sequential(nn.Linear(7, 8), nn.ReLU(), nn.Linear(8, 4), nn.Tanh())

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 4)
        out = []
        for t in range(x.shape[1]):
            h = self.m(torch.cat([x[:, t], h], 1))
            out.append(self.y(h))
        return torch.stack(out, 1)


class Attending(Basic):
    """A decoder that attends to all states of its encoder."""

    def add(self) -> None:
        self.e, self.d, self.q = nn.GRU(3, 4, batch_first=True), nn.GRUCell(6, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor, z: Tensor) -> Tensor:
        states, last = self.e(x)
        h = last[0]
        out = []
        for t in range(z.shape[1]):
            weights = torch.softmax((states * self.q(h).unsqueeze(1)).sum(-1), -1)
            context = torch.bmm(weights.unsqueeze(1), states).squeeze(1)
            h = self.d(torch.cat([z[:, t], context], -1), h)
            out.append(self.y(h))
        return torch.stack(out, 1)


class Flow(nn.Module):
    """Euler's steps: nothing is read from outside, one block again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.f, self.dt, self.y = nn.Linear(4, 4), nn.Parameter(torch.tensor(0.1)), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(6):
            x = x + self.dt * torch.tanh(self.f(x))
        return self.y(x)


class TimeFirst(Basic):
    """Time is the first dimension."""

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[1], 4)
        out = []
        for t in range(x.shape[0]):
            h = self.step(x[t], h)
            out.append(self.y(h))
        return torch.stack(out)


class OneNumber(nn.Module):
    """A series of numbers, a state of one number."""

    def __init__(self) -> None:
        super().__init__()
        self.cell, self.head = nn.LSTMCell(1, 1), nn.Linear(1, 1)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        out = []
        for t in range(x.shape[1]):
            state = self.cell(x[:, t : t + 1], state)
            out.append(self.head(state[0]))
        return torch.cat(out, 1)


class PastStates(Basic):
    """A cell that attends to all states so far, which it keeps in one of three ways."""

    def __init__(self, keeps: str) -> None:
        super().__init__()
        self.keeps = keeps

    def add(self) -> None:
        self.cell, self.q = nn.RNNCell(3, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 4)
        listed, cache, buffer = [h], h[:, None], x.new_zeros(x.shape[0], x.shape[1] + 1, 4)
        for t in range(x.shape[1]):
            if self.keeps == "list":
                states = torch.stack(listed, 1)
            else:
                states = cache if self.keeps == "cache" else buffer[:, : t + 1].clone()
            weights = torch.softmax((self.q(h)[:, None] * states).sum(-1), -1)
            h = self.cell(x[:, t], (weights[..., None] * states).sum(1))
            if self.keeps == "list":
                listed.append(h)
            elif self.keeps == "cache":
                cache = torch.cat([cache, h[:, None]], 1)
            else:
                buffer[:, t + 1] = h
        return self.y(h)


class SumOfStates(Basic):
    """A cell that reads the sum of all states so far."""

    def add(self) -> None:
        self.cell = nn.RNNCell(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        states = [x.new_zeros(x.shape[0], 4)]
        for t in range(x.shape[1]):
            states.append(self.cell(x[:, t], sum(states)))
        return self.y(states[-1])


class Shifted(Basic):
    """A state whose halves move on: [the second half; what is new]."""

    def add(self) -> None:
        self.new = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(x.shape[0], 6)
        for t in range(x.shape[1]):
            h = torch.cat([h[:, 3:], torch.tanh(self.new(h)) + x[:, t]], 1)
        return h


MORE = {
    "from the second": FromSecond,
    "residual": Residual,
    "layer step by step": LayerStepByStep,
    "last of all": LastOfAll,
    "gates beforehand": GatesBeforehand,
    "read back": ReadBack,
    "second order": SecondOrder,
    "layer by layer": LayerByLayer,
    "einsum": Einsum,
    "flipped": Flipped,
    "two layers in a cell": TwoLayersInACell,
    "shifted": Shifted,
}
"""More loops over an input ``x`` of shape (batch, T, 3)."""
