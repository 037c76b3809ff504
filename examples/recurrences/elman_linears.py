# title: Elman network as a loop over three nn.Linear
# category: Recurrences
# summary: Nothing but linear layers, a tanh and a loop; what one step hands to the next makes it a recurrence.
# command: netfig draw examples/recurrences/elman_linears.py:Elman --input 6x3 --renderer unrolled --width 7.2in -o elman-linears.svg
# command: netfig draw examples/recurrences/elman_linears.py:Elman --input 6x3 --renderer cell -o elman-linears-cell.svg

import torch
from torch import Tensor, nn


class Elman(nn.Module):
    def __init__(self, inputs: int = 3, hidden: int = 4, outputs: int = 2) -> None:
        super().__init__()
        self.xh = nn.Linear(inputs, hidden)
        self.hh = nn.Linear(hidden, hidden)
        self.hy = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        state = x.new_zeros(x.shape[0], self.hh.in_features)
        outputs = []
        for step in x.unbind(dim=1):
            state = torch.tanh(self.xh(step) + self.hh(state))
            outputs.append(self.hy(state))
        return torch.stack(outputs, dim=1)
