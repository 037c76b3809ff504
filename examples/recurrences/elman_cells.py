# title: Elman network as a loop over nn.RNNCell
# category: Recurrences
# summary: A loop written by hand calls one cell at every step; its steps are found to be alike and drawn as one recurrence.
# command: netfig draw examples/recurrences/elman_cells.py:Elman --input 6x3 --renderer unrolled --width 7.2in -o elman-cells.svg
# command: netfig draw examples/recurrences/elman_cells.py:Elman --input 6x3 --renderer folded -o elman-cells-folded.svg

import torch
from torch import Tensor, nn


class Elman(nn.Module):
    def __init__(self, inputs: int = 3, hidden: int = 4, outputs: int = 2) -> None:
        super().__init__()
        self.cell = nn.RNNCell(inputs, hidden)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        state = None
        outputs = []
        for t in range(x.shape[1]):
            state = self.cell(x[:, t], state)
            outputs.append(self.head(state))
        return torch.stack(outputs, dim=1)
