# title: Two inputs
# category: Several inputs and outputs
# summary: A picture and a row of numbers are encoded separately, joined, and used for a class and a price.
# command: netfig draw examples/two_inputs.py:TwoInputs --input image=3x32x32 --input numbers=6 -o two-inputs.svg

import torch
from torch import Tensor, nn


class TwoInputs(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.vision = nn.Sequential(
            nn.Conv2d(3, 8, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(8, 16, 3, stride=2, padding=1),
            nn.ReLU(),
            nn.AdaptiveAvgPool2d(1),
            nn.Flatten(),
        )
        self.table = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.classifier = nn.Linear(32, 5)
        self.price = nn.Linear(32, 1)

    def forward(self, image: Tensor, numbers: Tensor) -> dict[str, Tensor]:
        joined = torch.cat([self.vision(image), self.table(numbers)], dim=1)
        return {"label": self.classifier(joined), "price": self.price(joined)}
