"""Graphs of layer chains built by hand, with shapes that torch itself works out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from netfig.graph.build import GraphBuilder

if TYPE_CHECKING:
    from netfig.graph import Graph

KINDS = {
    "Conv1d": "conv1d",
    "Conv2d": "conv2d",
    "Conv3d": "conv3d",
    "ConvTranspose2d": "conv_transpose2d",
    "MaxPool2d": "max_pool2d",
    "AvgPool2d": "avg_pool2d",
    "Flatten": "flatten",
    "Linear": "linear",
    "ReLU": "relu",
    "Softmax": "softmax",
    "BatchNorm2d": "batch_norm",
    "LayerNorm": "layer_norm",
    "GroupNorm": "group_norm",
    "Embedding": "embedding",
    "LSTM": "lstm",
    "GRU": "gru",
    "RNN": "rnn_tanh",
    "Bilinear": "bilinear",
}
SETTINGS = (
    "in_channels",
    "out_channels",
    "in_features",
    "out_features",
    "kernel_size",
    "stride",
    "padding",
    "dilation",
    "groups",
)


def chain(layers: list[tuple[str, nn.Module]], shape: tuple[int, ...], *, dtype: torch.dtype = torch.float32) -> Graph:
    """The graph of layers applied one after the other to an input of batch 1."""
    builder = GraphBuilder("chain", type_name="Sequential")
    data = torch.zeros((1, *shape), dtype=dtype)
    value = builder.input("input", data.shape, dtype=str(dtype).removeprefix("torch."))
    builder.note("", "batch", 1)
    with torch.no_grad():
        for name, layer in layers:
            data = layer(data)
            data = data[0] if isinstance(data, tuple) else data
            value = add_layer(builder, name, layer, value, tuple(data.shape))
    builder.output("output", value)
    return builder.finish()


def add_layer(builder: GraphBuilder, name: str, layer: nn.Module, value: str, out: tuple[int, ...]) -> str:
    """Add one module call with its op; hands back its output."""
    settings = {key: getattr(layer, key) for key in SETTINGS if hasattr(layer, key)}
    with builder.scope(name, type_name=type(layer).__name__, inputs=[value], attributes=settings) as scope:
        slots = {"input": value}
        for key, parameter in layer.named_parameters():
            slots[key] = builder.parameter(f"{name}.{key}", parameter.shape)
        made = builder.op(KINDS[type(layer).__name__], slots, shape=out)
        scope.outputs = [made]
    return made


def parse(text: str) -> nn.Module:
    """A layer as the cases write it, such as ``Conv2d(3, 16, 3, stride=1)``."""
    return eval(text, {name: getattr(nn, name) for name in KINDS})


def case(data: dict) -> Graph:
    """The graph of one of the cases."""
    return chain([(entry.get("name", str(i)), parse(entry["layer"])) for i, entry in enumerate(data["layers"])], data["input"])
