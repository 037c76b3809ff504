# title: U-Net
# category: Convolutional networks
# summary: A contracting and an expanding path; every level hands its features across to its mirror image.
# command: netfig draw examples/unet.py:UNet --input 1x128x128 --depth 1 -o unet.svg

import torch
from torch import Tensor, nn


class DoubleConv(nn.Sequential):
    def __init__(self, in_channels: int, channels: int) -> None:
        super().__init__(
            nn.Conv2d(in_channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
        )


class UNet(nn.Module):
    def __init__(self, in_channels: int = 1, classes: int = 2, width: int = 32) -> None:
        super().__init__()
        self.down1 = DoubleConv(in_channels, width)
        self.down2 = DoubleConv(width, 2 * width)
        self.down3 = DoubleConv(2 * width, 4 * width)
        self.bottom = DoubleConv(4 * width, 8 * width)
        self.pool = nn.MaxPool2d(2)
        self.up3 = nn.ConvTranspose2d(8 * width, 4 * width, 2, stride=2)
        self.merge3 = DoubleConv(8 * width, 4 * width)
        self.up2 = nn.ConvTranspose2d(4 * width, 2 * width, 2, stride=2)
        self.merge2 = DoubleConv(4 * width, 2 * width)
        self.up1 = nn.ConvTranspose2d(2 * width, width, 2, stride=2)
        self.merge1 = DoubleConv(2 * width, width)
        self.head = nn.Conv2d(width, classes, 1)

    def forward(self, image: Tensor) -> Tensor:
        d1 = self.down1(image)
        d2 = self.down2(self.pool(d1))
        d3 = self.down3(self.pool(d2))
        x = self.bottom(self.pool(d3))
        x = self.merge3(torch.cat([d3, self.up3(x)], dim=1))
        x = self.merge2(torch.cat([d2, self.up2(x)], dim=1))
        x = self.merge1(torch.cat([d1, self.up1(x)], dim=1))
        return self.head(x)
