# title: Siamese network
# category: Several inputs and outputs
# summary: One encoder, called twice with the same weights, and the distance between its two answers.
# command: netfig draw examples/siamese.py:Siamese --input left=1x28x28 --input right=1x28x28 -o siamese.svg

import torch
from torch import Tensor, nn


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 16, 5),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(16 * 12 * 12, 32),
        )
        self.score = nn.Linear(32, 1)

    def forward(self, left: Tensor, right: Tensor) -> Tensor:
        distance = torch.abs(self.encoder(left) - self.encoder(right))
        return torch.sigmoid(self.score(distance))
