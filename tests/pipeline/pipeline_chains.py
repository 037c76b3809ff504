"""Models that are chains, and their graphs, for the tests of the pipeline renderer and its layout."""

from __future__ import annotations

import dataclasses
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from netfig.annotators.counts import annotate
from netfig.sources.torch_trace import trace_module


class LeNet(nn.Module):
    """Layers as modules, everything else as functions."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5, padding=2), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.conv1(x)), 2)
        x = F.max_pool2d(F.relu(self.conv2(x)), 2)
        x = torch.flatten(x, 1)
        return F.log_softmax(self.fc3(F.relu(self.fc2(F.relu(self.fc1(x))))), dim=1)


class VGG(nn.Module):
    """Nested containers, norms in place activations and dropout."""

    def __init__(self):
        super().__init__()
        layers, channels = [], 3
        for size in (64, 0, 128, 0, 256, 256, 0, 512, 512, 0, 512, 512, 0):
            layers += (
                [nn.Conv2d(channels, size, 3, padding=1), nn.BatchNorm2d(size), nn.ReLU(inplace=True)]
                if size
                else [nn.MaxPool2d(2)]
            )
            channels = size or channels
        self.features, self.avgpool = nn.Sequential(*layers), nn.AdaptiveAvgPool2d((7, 7))
        self.classifier = nn.Sequential(
            nn.Linear(25088, 512),
            nn.ReLU(True),
            nn.Dropout(),
            nn.Linear(512, 512),
            nn.ReLU(True),
            nn.Dropout(),
            nn.Linear(512, 1000),
        )

    def forward(self, x):
        return self.classifier(torch.flatten(self.avgpool(self.features(x)), 1))


def cnn_64():
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1), nn.MaxPool2d(2, 2), nn.Conv2d(16, 32, 3), nn.MaxPool2d(2, 2, padding=1),
        nn.Conv2d(32, 8, 1), nn.Conv2d(8, 4, 5), nn.Flatten(), nn.Linear(576, 10),
    )  # fmt: skip


def cnn_128():
    return nn.Sequential(
        nn.Conv2d(3, 16, 5, padding="same"), nn.MaxPool2d(2), nn.Conv2d(16, 32, 3, padding="valid"), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(30752, 100),
    )  # fmt: skip


def cnn_horse():
    named = {
        "maxpool-1": nn.MaxPool2d(2), "conv": nn.Conv2d(3, 12, 17), "maxpool-2": nn.MaxPool2d(3), "flatten": nn.Flatten(),
        "fully-connected-1": nn.Linear(3072, 128), "ReLU": nn.ReLU(), "fully-connected-2": nn.Linear(128, 10),
        "softmax": nn.Softmax(-1),
    }  # fmt: skip
    return nn.Sequential(OrderedDict(named))


def audio():
    return nn.Sequential(
        nn.Conv1d(7, 16, 3, stride=2), nn.ReLU(), nn.MaxPool1d(2), nn.Conv1d(16, 32, 3, dilation=2), nn.AdaptiveAvgPool1d(1),
        nn.Flatten(), nn.Linear(32, 4),
    )  # fmt: skip


def video():
    return nn.Sequential(
        nn.Conv3d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool3d(2), nn.Conv3d(8, 16, (1, 3, 3)), nn.AdaptiveAvgPool3d(1),
        nn.Flatten(), nn.Linear(16, 4),
    )  # fmt: skip


def oblong():
    return nn.Sequential(nn.Conv2d(1, 32, (3, 9), padding=(1, 4)), nn.MaxPool2d((2, 4)), nn.AdaptiveAvgPool2d(1), nn.Flatten())


MODELS = {
    "lenet": (LeNet, (1, 28, 28)),
    "cnn_64": (cnn_64, (3, 64, 64)),
    "cnn_128_same_valid": (cnn_128, (3, 128, 128)),
    "cnn_horse": (cnn_horse, (3, 128, 128)),
    "vgg": (VGG, (3, 224, 224)),
    "audio": (audio, (7, 99)),
    "video": (video, (1, 16, 32, 48)),
    "oblong": (oblong, (1, 40, 160)),
    "one layer": (lambda: nn.Sequential(nn.Linear(5, 3)), (5,)),
    "strip": (lambda: nn.Sequential(nn.Conv2d(1, 512, (1, 7)), nn.ReLU(), nn.Conv2d(512, 2, 1)), (1, 1, 4000)),
}


def graph_of(model, *shape, name=None, batch=1):
    """The annotated graph of a model on a batch of inputs of this shape."""
    graph = trace_module(model.eval(), (torch.zeros(batch, *shape),), name=name, batch=batch)
    return dataclasses.replace(graph, notes=(*graph.notes, *annotate(graph)))


_made = {}


def graph_named(name):
    """The graph of one of `MODELS`, traced once."""
    if name not in _made:
        make, shape = MODELS[name]
        with torch.device("meta" if name == "vgg" else "cpu"):
            model = make()
        with torch.device("cpu"):
            _made[name] = graph_of(model, *shape, name=name)
    return _made[name]
