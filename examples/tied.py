# title: Tied embedding and head
# category: Sequences
# summary: A language model whose output matrix is its embedding matrix: one parameter, used twice, counted once.
# command: netfig draw examples/tied.py:TiedLanguageModel --input tokens=20:int64 -o tied.svg

from torch import Tensor, nn


class TiedLanguageModel(nn.Module):
    def __init__(self, vocabulary: int = 1000, width: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.head = nn.Linear(width, vocabulary, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, tokens: Tensor) -> Tensor:
        states, _ = self.rnn(self.embedding(tokens))
        return self.head(states)
