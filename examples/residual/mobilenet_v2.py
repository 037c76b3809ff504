# title: MobileNetV2
# category: Residual networks
# summary: Inverted residual blocks: widen, filter each channel by itself, narrow; the first block of each stage has no skip.
# command: netfig draw examples/residual/mobilenet_v2.py:model --input 3x224x224 --renderer residual -o mobilenet-v2.svg

from torch import Tensor, nn

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def conv(given: int, made: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    layers = nn.Conv2d(given, made, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(made), nn.ReLU6()
    return nn.Sequential(*layers)


class InvertedResidual(nn.Module):
    def __init__(self, given: int, made: int, stride: int, widen: int) -> None:
        super().__init__()
        wide = given * widen
        layers = [conv(given, wide, 1)] if widen > 1 else []
        layers += [conv(wide, wide, 3, stride, wide), nn.Conv2d(wide, made, 1, bias=False), nn.BatchNorm2d(made)]
        self.layers = nn.Sequential(*layers)
        self.adds = stride == 1 and given == made

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.adds else self.layers(x)


class MobileNetV2(nn.Module):
    def __init__(self, classes: int = 1000) -> None:
        super().__init__()
        features: list[nn.Module] = [conv(3, 32, 3, 2)]
        given = 32
        for widen, made, count, stride in STAGES:
            blocks = []
            for k in range(count):
                blocks.append(InvertedResidual(given, made, stride if k == 0 else 1, widen))
                given = made
            features.append(nn.Sequential(*blocks))
        self.features = nn.Sequential(*features, conv(given, 1280, 1))
        self.classifier = nn.Linear(1280, classes)

    def forward(self, image: Tensor) -> Tensor:
        return self.classifier(self.features(image).mean([2, 3]))


def model() -> nn.Module:
    return MobileNetV2()
