# title: Mixture of experts
# category: Several inputs and outputs
# summary: A gate weighs the answers of four experts that all see the same input.
# command: netfig draw examples/mixture.py:Mixture --input 16 --depth 1 -o mixture.svg

import torch
from torch import Tensor, nn


class Expert(nn.Sequential):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__(nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, width))


class Mixture(nn.Module):
    def __init__(self, width: int = 16, hidden: int = 32, experts: int = 4) -> None:
        super().__init__()
        self.gate = nn.Linear(width, experts)
        self.experts = nn.ModuleList(Expert(width, hidden) for _ in range(experts))

    def forward(self, x: Tensor) -> Tensor:
        weights = torch.softmax(self.gate(x), dim=-1)
        answers = torch.stack([expert(x) for expert in self.experts], dim=-1)
        return (answers * weights.unsqueeze(-2)).sum(dim=-1)
