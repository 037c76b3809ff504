# title: LeNet-5
# category: Convolutional networks
# summary: The first convolutional network that read cheques: two rounds of convolution and pooling, then three dense layers.
# command: netfig draw examples/lenet5.py:LeNet5 --input 1x32x32 -o lenet5.svg
# command: netfig draw examples/lenet5.py:LeNet5 --input 1x32x32 --renderer pipeline --opt pipeline.style=sheets -o lenet5-sheets.svg

import torch
from torch import Tensor, nn


class LeNet5(nn.Module):
    def __init__(self, num_classes: int = 10) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(1, 6, kernel_size=5)
        self.s2 = nn.AvgPool2d(2)
        self.c3 = nn.Conv2d(6, 16, kernel_size=5)
        self.s4 = nn.AvgPool2d(2)
        self.c5 = nn.Linear(16 * 5 * 5, 120)
        self.f6 = nn.Linear(120, 84)
        self.output = nn.Linear(84, num_classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.s2(torch.tanh(self.c1(image)))
        x = self.s4(torch.tanh(self.c3(x)))
        x = torch.flatten(x, 1)
        x = torch.tanh(self.c5(x))
        x = torch.tanh(self.f6(x))
        return self.output(x)
