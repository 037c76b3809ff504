# title: DenseNet-121
# category: Residual networks
# summary: Dense blocks of 6, 12, 24 and 16 layers; one opened as a bus that every layer reads and adds 32 maps to.
# command: netfig draw examples/residual/densenet121.py:model --input 3x224x224 --renderer residual -o densenet121.svg

import torch
from torch import Tensor, nn


class DenseLayer(nn.Sequential):
    def __init__(self, given: int, growth: int) -> None:
        super().__init__(
            nn.BatchNorm2d(given), nn.ReLU(), nn.Conv2d(given, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False),
        )  # fmt: skip


class DenseBlock(nn.Module):
    def __init__(self, given: int, growth: int, count: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(given + n * growth, growth) for n in range(count))

    def forward(self, x: Tensor) -> Tensor:
        maps = [x]
        for layer in self.layers:
            maps.append(layer(torch.cat(maps, 1)))
        return torch.cat(maps, 1)


class Transition(nn.Sequential):
    def __init__(self, given: int) -> None:
        super().__init__(nn.BatchNorm2d(given), nn.ReLU(), nn.Conv2d(given, given // 2, 1, bias=False), nn.AvgPool2d(2))


class DenseNet(nn.Module):
    def __init__(self, blocks: tuple[int, ...] = (6, 12, 24, 16), growth: int = 32, classes: int = 1000) -> None:
        super().__init__()
        maps = 2 * growth
        self.stem = nn.Sequential(nn.Conv2d(3, maps, 7, 2, 3, bias=False), nn.BatchNorm2d(maps), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.features = nn.Sequential()
        for n, count in enumerate(blocks):
            self.features.append(DenseBlock(maps, growth, count))
            maps += growth * count
            if n < len(blocks) - 1:
                self.features.append(Transition(maps))
                maps //= 2
        self.norm = nn.BatchNorm2d(maps)
        self.classifier = nn.Linear(maps, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = torch.relu(self.norm(self.features(self.stem(image))))
        return self.classifier(x.mean([2, 3]))


def model() -> nn.Module:
    return DenseNet()
