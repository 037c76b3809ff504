# title: Inception block
# category: Convolutional networks
# summary: Four branches look at the same feature map with different windows and are put side by side again.
# command: netfig draw examples/inception.py:Inception --input 192x28x28 -o inception.svg

import torch
from torch import Tensor, nn


class ConvReLU(nn.Sequential):
    def __init__(self, in_channels: int, channels: int, size: int) -> None:
        super().__init__(nn.Conv2d(in_channels, channels, size, padding=size // 2), nn.ReLU())


class Inception(nn.Module):
    def __init__(self, in_channels: int = 192) -> None:
        super().__init__()
        self.branch1 = ConvReLU(in_channels, 64, 1)
        self.branch2 = nn.Sequential(ConvReLU(in_channels, 96, 1), ConvReLU(96, 128, 3))
        self.branch3 = nn.Sequential(ConvReLU(in_channels, 16, 1), ConvReLU(16, 32, 5))
        self.branch4 = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), ConvReLU(in_channels, 32, 1))

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([self.branch1(x), self.branch2(x), self.branch3(x), self.branch4(x)], dim=1)
