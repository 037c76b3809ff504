# title: Elman network as nn.RNN
# category: Recurrences
# summary: PyTorch's recurrent layer with a linear layer on every state; the trace is recognised as the recurrence it is.
# command: netfig draw examples/recurrences/elman_module.py:Elman --input 6x3 --renderer unrolled --width 7.2in -o elman-module.svg

from torch import Tensor, nn


class Elman(nn.Module):
    def __init__(self, inputs: int = 3, hidden: int = 4, outputs: int = 2) -> None:
        super().__init__()
        self.rnn = nn.RNN(inputs, hidden, batch_first=True)
        self.head = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.rnn(x)
        return self.head(states)
