# title: ResNet-50
# category: Residual networks
# summary: Bottleneck blocks in stages of 3, 4, 6 and 3, written in a few lines; 1×1 convolutions narrow and widen again.
# command: netfig draw examples/residual/resnet50.py:model --input 3x224x224 --renderer residual -o resnet50.svg
# command: netfig draw examples/residual/resnet50.py:resnext --input 3x224x224 --renderer residual --opt residual.open=layer3.1 -o resnext50.svg

from torch import Tensor, nn


def conv(given: int, made: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(given, made, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(made))


class Bottleneck(nn.Module):
    def __init__(self, given: int, width: int, made: int, stride: int, groups: int) -> None:
        super().__init__()
        self.relu = nn.ReLU(inplace=True)
        self.branch = nn.Sequential(
            *conv(given, width, 1), self.relu, *conv(width, width, 3, stride, groups), self.relu, *conv(width, made, 1)
        )
        self.shortcut = conv(given, made, 1, stride) if stride > 1 or given != made else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.branch(x) + self.shortcut(x))


class ResNet(nn.Module):
    def __init__(self, blocks: tuple[int, ...] = (3, 4, 6, 3), groups: int = 1, width: int = 64, classes: int = 1000) -> None:
        super().__init__()
        self.stem = nn.Sequential(*conv(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1))
        given = 64
        for n, count in enumerate(blocks):
            made, stage = 256 * 2**n, nn.Sequential()
            for k in range(count):
                stage.append(Bottleneck(given, width * groups * 2**n, made, 2 if n and not k else 1, groups))
                given = made
            self.add_module(f"layer{n + 1}", stage)
        self.pool, self.fc = nn.AdaptiveAvgPool2d(1), nn.Linear(given, classes)

    def forward(self, image: Tensor) -> Tensor:
        x = self.stem(image)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return self.fc(self.pool(x).flatten(1))


def model() -> nn.Module:
    return ResNet()


def resnext() -> nn.Module:
    """ResNeXt-50 (32×4d): the 3×3 convolution in 32 groups."""
    return ResNet(groups=32, width=4)
