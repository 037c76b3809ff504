# title: ResNet-18 for CIFAR-10
# category: Residual networks
# summary: Four stages of two blocks as stacked cards; the second stage opened: its first block projects, the other adds what it was given.
# command: netfig draw examples/residual/cifar_resnet18.py:model --input 3x32x32 --renderer residual -o cifar-resnet18.svg

from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    def __init__(self, given: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(given, channels, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or given != channels:
            self.shortcut = nn.Sequential(nn.Conv2d(given, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(self.conv1(x)))
        out = self.bn2(self.conv2(out))
        return functional.relu(out + self.shortcut(x))


class ResNet18(nn.Module):
    """The residual network for pictures of 32 × 32: a stem that keeps their size, four stages of two blocks."""

    def __init__(self, classes: int = 10, width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU())
        self.layer1 = self._stage(width, width, 1)
        self.layer2 = self._stage(width, 2 * width, 2)
        self.layer3 = self._stage(2 * width, 4 * width, 2)
        self.layer4 = self._stage(4 * width, 8 * width, 2)
        self.head = nn.Linear(8 * width, classes)

    @staticmethod
    def _stage(given: int, channels: int, stride: int) -> nn.Sequential:
        return nn.Sequential(Block(given, channels, stride), Block(channels, channels, 1))

    def forward(self, image: Tensor) -> Tensor:
        x = self.layer4(self.layer3(self.layer2(self.layer1(self.stem(image)))))
        return self.head(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def model(width: int = 64) -> nn.Module:
    return ResNet18(width=width)
