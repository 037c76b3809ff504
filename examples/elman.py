# title: Elman network, unrolled by its loop
# category: Sequences
# summary: A loop over three time steps uses the same two matrices at every step.
# command: netfig draw examples/elman.py:Elman --input 3x4 -o elman.svg

import torch
from torch import Tensor, nn


class Elman(nn.Module):
    def __init__(self, inputs: int = 4, hidden: int = 8, outputs: int = 2) -> None:
        super().__init__()
        self.hidden = hidden
        self.w_xh = nn.Linear(inputs, hidden)
        self.w_hh = nn.Linear(hidden, hidden, bias=False)
        self.w_hy = nn.Linear(hidden, outputs)

    def forward(self, sequence: Tensor) -> Tensor:
        state = sequence.new_zeros(sequence.shape[0], self.hidden)
        for x in sequence.unbind(dim=1):
            state = torch.tanh(self.w_xh(x) + self.w_hh(state))
        return self.w_hy(state)
