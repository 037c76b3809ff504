# title: LSTM language model
# category: Recurrences
# summary: Words are embedded, a loop over nn.LSTMCell carries two states, and every state gives the scores of the next word.
# command: netfig draw examples/recurrences/lstm_language_model.py:LanguageModel --input words=3:int64 --renderer unrolled --width 7.2in -o lstm-language-model.svg
# command: netfig draw examples/recurrences/lstm_language_model.py:LanguageModel --input words=3:int64 --renderer cell -o lstm-language-model-cell.svg

import torch
from torch import Tensor, nn


class LanguageModel(nn.Module):
    def __init__(self, vocabulary: int = 1000, width: int = 32, hidden: int = 64) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.cell = nn.LSTMCell(width, hidden)
        self.scores = nn.Linear(hidden, vocabulary)

    def forward(self, words: Tensor) -> Tensor:
        state = None
        outputs = []
        for word in words.unbind(dim=1):
            state = self.cell(self.embedding(word), state)
            outputs.append(self.scores(state[0]))
        return torch.stack(outputs, dim=1)
