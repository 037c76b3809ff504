# title: LSTM classifier
# category: Sequences
# summary: A two-layer LSTM reads a sentence both ways; the last states of the upper layer decide the class.
# command: netfig draw examples/lstm_classifier.py:LSTMClassifier --input tokens=30:int64 -o lstm-classifier.svg

import torch
from torch import Tensor, nn


class LSTMClassifier(nn.Module):
    def __init__(self, vocabulary: int = 5000, width: int = 64, hidden: int = 128, classes: int = 4) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.lstm = nn.LSTM(width, hidden, num_layers=2, bidirectional=True, batch_first=True)
        self.dropout = nn.Dropout(0.5)
        self.classifier = nn.Linear(2 * hidden, classes)

    def forward(self, tokens: Tensor) -> Tensor:
        _, (hidden, _) = self.lstm(self.embedding(tokens))
        last = torch.cat([hidden[-2], hidden[-1]], dim=1)
        return self.classifier(self.dropout(last))
