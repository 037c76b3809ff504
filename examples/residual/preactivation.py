# title: Pre-activation ResNet
# category: Residual networks
# summary: Norm and activation come before each convolution; nothing acts on the sum.
# command: netfig draw examples/residual/preactivation.py:model --input 3x32x32 --renderer residual -o preactivation.svg

from torch import Tensor, nn
from torch.nn import functional


class PreActivation(nn.Module):
    def __init__(self, given: int, channels: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(given)
        self.conv1 = nn.Conv2d(given, channels, 3, stride, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.shortcut = nn.Conv2d(given, channels, 1, stride, bias=False) if stride > 1 or given != channels else None

    def forward(self, x: Tensor) -> Tensor:
        out = functional.relu(self.bn1(x))
        skip = x if self.shortcut is None else self.shortcut(out)
        out = self.conv1(out)
        return self.conv2(functional.relu(self.bn2(out))) + skip


class PreResNet(nn.Module):
    def __init__(self, blocks: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        stages, given = [], 16
        for width in (16, 32, 64):
            stage = [PreActivation(given, width, 1 if width == 16 else 2)]
            stage += [PreActivation(width, width, 1) for _ in range(blocks - 1)]
            stages.append(nn.Sequential(*stage))
            given = width
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(given)
        self.head = nn.Linear(given, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = functional.relu(self.norm(self.stages(self.stem(image))))
        return self.head(functional.adaptive_avg_pool2d(x, 1).flatten(1))


def model() -> nn.Module:
    return PreResNet()
