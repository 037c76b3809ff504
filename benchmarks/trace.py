"""How long a trace takes beside the plain forward pass of the same model: same device, same process, one thread, same grad mode.

Run ``python benchmarks/trace.py`` for the table, ``--peers`` to run torchview, torchlens and torch.export beside it, ``--memory``
for what a trace needs of it. Ends with 1 when a limit is missed.

What makes the ratio robust on a machine that others use too: it is of processor seconds of this process, which waiting for a
processor does not add to; each trace stands between two forwards and is compared with their mean, so that a machine that gets
slower or faster meanwhile (a neighbour in the same cache, another clock rate) slows both; garbage is collected before every
piece of work, outside the clock, and there is one turn that does not count; the verdict is the median over the turns, and of
those over the models. The ratio by the clock stands beside it.
"""

from __future__ import annotations

import argparse
import gc
import importlib
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from netfig.sources.torch_trace import trace_module

LIMITS = {"meta": 1.5, "cpu": 1.15}
"""The median over the models of trace time over forward time."""
MEMORY_LIMIT = 1000
"""Megabytes that tracing a transformer of seven billion parameters may need over the interpreter with torch loaded."""
PEERS = ("torchview", "torchlens", "torch.export")
WITHOUT_DATA = frozenset({"torch.export"})
"""Peers that compute nothing on any device, as netfig does by default: there like is compared with like."""


class Bottleneck(nn.Module):
    def __init__(self, inputs: int, width: int, stride: int = 1) -> None:
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = nn.Conv2d(width, width, 3, stride, 1, bias=False), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = nn.Conv2d(width, width * 4, 1, bias=False), nn.BatchNorm2d(width * 4)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != width * 4:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, width * 4, 1, stride, bias=False), nn.BatchNorm2d(width * 4))

    def forward(self, x: Tensor) -> Tensor:
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.relu(self.bn2(self.conv2(y)))
        y = self.bn3(self.conv3(y))
        y += x if self.downsample is None else self.downsample(x)
        return self.relu(y)


def resnet50() -> nn.Module:
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    blocks: list[nn.Module] = []
    inputs = 64
    for width, count, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(count):
            blocks.append(Bottleneck(inputs, width, stride if i == 0 else 1))
            inputs = width * 4
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2048, 1000))


class DenseLayer(nn.Module):
    def __init__(self, inputs: int, growth: int) -> None:
        super().__init__()
        self.norm1, self.conv1 = nn.BatchNorm2d(inputs), nn.Conv2d(inputs, 4 * growth, 1, bias=False)
        self.norm2, self.conv2 = nn.BatchNorm2d(4 * growth), nn.Conv2d(4 * growth, growth, 3, padding=1, bias=False)
        self.relu1, self.relu2 = nn.ReLU(inplace=True), nn.ReLU(inplace=True)

    def forward(self, parts: list[Tensor]) -> Tensor:
        x = self.conv1(self.relu1(self.norm1(torch.cat(parts, 1))))
        return self.conv2(self.relu2(self.norm2(x)))


class DenseBlock(nn.Module):
    def __init__(self, count: int, inputs: int, growth: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(DenseLayer(inputs + i * growth, growth) for i in range(count))

    def forward(self, x: Tensor) -> Tensor:
        parts = [x]
        for layer in self.layers:
            parts.append(layer(parts))
        return torch.cat(parts, 1)


def densenet201() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False),
        nn.BatchNorm2d(64),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(3, 2, 1),
    ]
    width = 64
    for i, count in enumerate((6, 12, 48, 32)):
        layers.append(DenseBlock(count, width, 32))
        width += count * 32
        if i < 3:
            layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True), nn.Conv2d(width, width // 2, 1, bias=False), nn.AvgPool2d(2)]
            width //= 2
    return nn.Sequential(*layers, nn.BatchNorm2d(width), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 1000))


class Attention(nn.Module):
    """Hand-written multi-head attention, so that the trace sees what a library user's model would run."""

    def __init__(self, width: int, heads: int, causal: bool = False) -> None:
        super().__init__()
        self.heads, self.causal = heads, causal
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(x).view(batch, length, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        y = F.scaled_dot_product_attention(q, k, v, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    def __init__(self, width: int, heads: int, *, pre: bool = True, causal: bool = False) -> None:
        super().__init__()
        self.pre = pre
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width, heads, causal)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width), nn.Dropout(0.1))

    def forward(self, x: Tensor) -> Tensor:
        if self.pre:
            x = x + self.attention(self.norm1(x))
            return x + self.mlp(self.norm2(x))
        x = self.norm1(x + self.attention(x))
        return self.norm2(x + self.mlp(x))


class VisionTransformer(nn.Module):
    def __init__(self, width: int = 768, depth: int = 12, heads: int = 12) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, 16)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.zeros(1, 197, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(depth)))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 1000)

    def forward(self, image: Tensor) -> Tensor:
        x = self.patches(image).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(x.shape[0], -1, -1), x], 1) + self.position
        return self.head(self.norm(self.blocks(x))[:, 0])


class LanguageModel(nn.Module):
    """BERT-like (``causal=False``) or GPT-2-like, with a tied head."""

    def __init__(self, words: int, length: int, *, causal: bool) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(words, 768), nn.Embedding(length, 768)
        self.blocks = nn.ModuleList(Block(768, 12, pre=causal, causal=causal) for _ in range(12))
        self.norm = nn.LayerNorm(768)
        self.head = nn.Linear(768, words, bias=False)
        self.head.weight = self.tokens.weight

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens) + self.positions(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x))


class RMSNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: Tensor) -> Tensor:
        y = x.float()
        return self.weight * (y * torch.rsqrt(y.pow(2).mean(-1, keepdim=True) + 1e-6)).type_as(x)


class LlamaBlock(nn.Module):
    def __init__(self, width: int, heads: int, groups: int, hidden: int) -> None:
        super().__init__()
        self.heads, self.repeats, self.size = heads, heads // groups, width // heads
        self.q, self.o = nn.Linear(width, width, bias=False), nn.Linear(width, width, bias=False)
        self.k, self.v = (nn.Linear(width, groups * self.size, bias=False) for _ in range(2))
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.norm1, self.norm2 = RMSNorm(width), RMSNorm(width)

    @staticmethod
    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat([-b, a], -1) * sin

    def repeat(self, x: Tensor) -> Tensor:
        if self.repeats == 1:
            return x
        batch, groups, length, size = x.shape
        return x[:, :, None].expand(batch, groups, self.repeats, length, size).reshape(batch, -1, length, size)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, width = x.shape
        y = self.norm1(x)
        q, k, v = (f(y).view(batch, length, -1, self.size).transpose(1, 2) for f in (self.q, self.k, self.v))
        q, k = self.rotate(q, cos, sin), self.rotate(k, cos, sin)
        y = F.scaled_dot_product_attention(q, self.repeat(k), self.repeat(v), is_causal=True)
        x = x + self.o(y.transpose(1, 2).reshape(batch, length, width))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, groups: int, hidden: int, words: int) -> None:
        super().__init__()
        self.tokens = nn.Embedding(words, width)
        self.blocks = nn.ModuleList(LlamaBlock(width, heads, groups, hidden) for _ in range(depth))
        self.norm, self.head = RMSNorm(width), nn.Linear(width, words, bias=False)
        half = width // heads // 2
        self.register_buffer("frequency", 1.0 / 10000 ** (torch.arange(half) / half), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.tokens(tokens)
        angles = torch.outer(torch.arange(tokens.shape[1], device=tokens.device).float(), self.frequency)
        angles = torch.cat([angles, angles], -1)
        cos, sin = angles.cos(), angles.sin()
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.head(self.norm(x))


class WindowBlock(nn.Module):
    """Swin's: attention within shifted windows."""

    def __init__(self, width: int, heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.heads, self.window, self.shift = heads, window, shift
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.table = nn.Parameter(torch.zeros(heads, window**2, window**2))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        batch, height, length, width = x.shape
        w = self.window
        y = self.norm1(x)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = y.view(batch, height // w, w, length // w, w, width).transpose(2, 3).reshape(-1, w * w, width)
        q, k, v = self.qkv(y).reshape(-1, w * w, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        scores = (q * (width // self.heads) ** -0.5) @ k.transpose(-2, -1) + self.table
        y = self.out((scores.softmax(-1) @ v).transpose(1, 2).reshape(-1, w * w, width))
        y = y.view(batch, height // w, length // w, w, w, width).transpose(2, 3).reshape(batch, height, length, width)
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.norm2(x))


class Merge(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm, self.reduce = nn.LayerNorm(4 * width), nn.Linear(4 * width, 2 * width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        parts = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        return self.reduce(self.norm(torch.cat(parts, -1)))


class Swin(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.patches, width = nn.Conv2d(3, 96, 4, 4), 96
        layers: list[nn.Module] = []
        for i, count in enumerate((2, 2, 6, 2)):
            layers += [WindowBlock(width, width // 32, 7, 3 if j % 2 else 0) for j in range(count)]
            if i < 3:
                layers.append(Merge(width))
                width *= 2
        self.layers, self.norm, self.head = nn.Sequential(*layers), nn.LayerNorm(width), nn.Linear(width, 1000)

    def forward(self, image: Tensor) -> Tensor:
        x = self.layers(self.patches(image).permute(0, 2, 3, 1))
        return self.head(self.norm(x).mean((1, 2)))


class Inverted(nn.Module):
    """EfficientNet's block: expand, depthwise convolution, squeeze and excite, project."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expand: int) -> None:
        super().__init__()
        width = inputs * expand
        self.same = stride == 1 and inputs == outputs
        self.expand = nn.Sequential(nn.Conv2d(inputs, width, 1, bias=False), nn.BatchNorm2d(width), nn.SiLU())
        depthwise = nn.Conv2d(width, width, kernel, stride, kernel // 2, groups=width, bias=False)
        self.depthwise = nn.Sequential(depthwise, nn.BatchNorm2d(width), nn.SiLU())
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, inputs // 4, 1), nn.SiLU())
        self.excite = nn.Sequential(nn.Conv2d(inputs // 4, width, 1), nn.Sigmoid())
        self.project = nn.Sequential(nn.Conv2d(width, outputs, 1, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x: Tensor) -> Tensor:
        y = self.depthwise(self.expand(x))
        y = self.project(y * self.excite(self.squeeze(y)))
        return x + y if self.same else y


def efficientnet() -> nn.Module:
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.SiLU()]
    inputs = 32
    stages = ((24, 3, 1, 2, 2), (40, 5, 2, 6, 4), (80, 3, 2, 6, 5), (112, 5, 1, 6, 6), (192, 5, 2, 6, 7), (320, 3, 1, 6, 2))
    for outputs, kernel, stride, expand, count in stages:
        for i in range(count):
            layers.append(Inverted(inputs, outputs, kernel, stride if i == 0 else 1, expand))
            inputs = outputs
    return nn.Sequential(
        *layers, nn.Conv2d(320, 1280, 1), nn.SiLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000)
    )


def image(device: str) -> tuple[Tensor, ...]:
    return (torch.randn(1, 3, 224, 224, device=device),)


def tokens(length: int) -> Callable[[str], tuple[Tensor, ...]]:
    return lambda device: (torch.zeros(1, length, dtype=torch.int64, device=device),)


def tinyllama() -> nn.Module:
    """Llama with the sizes of TinyLlama-1.1B."""
    return Llama(2048, 22, 32, 4, 5632, 32000)


def smollm() -> nn.Module:
    """Llama with the sizes of SmolLM-135M: about the smallest published one, so the least work for each op."""
    model = Llama(576, 30, 9, 3, 1536, 49152)
    model.head.weight = model.tokens.weight
    return model


def llama_7b() -> nn.Module:
    """Llama with the sizes of Llama-2-7B."""
    return Llama(4096, 32, 32, 32, 11008, 32000)


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[str], tuple[Tensor, ...]]]] = {
    "ResNet-50": (resnet50, image),
    "ViT-B/16": (VisionTransformer, image),
    "DenseNet-201": (densenet201, image),
    "BERT-base": (lambda: LanguageModel(30522, 512, causal=False), tokens(128)),
    "TinyLlama-1.1B": (tinyllama, tokens(128)),
    "Swin-T": (Swin, image),
    "EfficientNet": (efficientnet, image),
    "GPT-2 small": (lambda: LanguageModel(50257, 1024, causal=True), tokens(128)),
    "SmolLM-135M": (smollm, tokens(128)),
}
NOT_COUNTED = frozenset({"SmolLM-135M"})
"""Shown and not in the medians, which are over one model of each kind: the same kind as another, where it is smallest."""
LONGEST = 40.0
"""Seconds that the turns of one measurement may take together, once there were three."""


class Spent(NamedTuple):
    """Seconds that a piece of work took, by the clock and of the processor."""

    wall: float
    processor: float


def spend(work: Callable[[], object]) -> Spent:
    """Time a piece of work; what lies about is collected before."""
    gc.collect()
    processor, wall = time.process_time(), time.perf_counter()
    work()
    return Spent(time.perf_counter() - wall, time.process_time() - processor)


class Turns(NamedTuple):
    """Medians over the turns: milliseconds of the processor, and by both clocks what the other took over what plain took."""

    plain: float
    other: float
    wall: float
    processor: float


def take_turns(plain: Callable[[], object], other: Callable[[], object], turns: int) -> Turns:
    """Time both in turn, again and again: plain, other, plain, other, …, plain."""
    for work in (plain, other):
        work()
    rows: list[Turns] = []
    begun = time.perf_counter()
    before = spend(plain)
    while len(rows) < min(turns, 3) or (len(rows) < turns and time.perf_counter() - begun < LONGEST):
        spent, after = spend(other), spend(plain)
        base = Spent(*(statistics.mean(pair) for pair in zip(before, after, strict=True)))
        ratios = spent.wall / base.wall, spent.processor / base.processor
        rows.append(Turns(base.processor * 1000, spent.processor * 1000, *ratios))
        before = after
    return Turns(*(statistics.median(column) for column in zip(*rows, strict=True)))


def peer(name: str, model: nn.Module, inputs: tuple[Tensor, ...]) -> Callable[[], object]:
    """What another tracer is asked to do: everything, to the last layer."""
    device = inputs[0].device.type
    if name == "torchview":
        torchview: Any = importlib.import_module("torchview")
        return lambda: torchview.draw_graph(model, input_data=inputs, device=device, depth=99)
    if name == "torchlens":
        torchlens: Any = importlib.import_module("torchlens")
        options = importlib.import_module("torchlens.options")
        capture = options.CaptureOptions(structure_only=True) if device == "meta" else None
        return lambda: torchlens.trace(model, list(inputs), capture=capture)
    return lambda: torch.export.export(model, inputs)


def build(name: str, device: str) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """A model and its inputs."""
    make, inputs_of = MODELS[name]
    with torch.device(device):
        return make().eval(), inputs_of(device)


def peer_ratio(other: str, name: str, device: str) -> str:
    """The ratio of a peer, measured in this process, which is then of no more use: torchlens replaces functions of torch."""
    model, inputs = build(name, device)
    small, one = nn.Linear(2, 2, device=device), torch.zeros(1, 2, device=device)
    try:
        with torch.no_grad():
            peer(other, small, (one,))()  # what is loaded once
            model(*inputs)
            return f"{take_turns(lambda: model(*inputs), peer(other, model, inputs), 3).processor:.2f}"
    except ModuleNotFoundError:
        return "not installed"
    except Exception as error:
        return f"fails ({type(error).__name__})"


def beside(other: str, name: str, device: str) -> str:
    """The same in a process of its own."""
    command = [sys.executable, __file__, "--peer", other, name, device]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=600)
    except subprocess.TimeoutExpired:
        return "over 10 minutes"
    return done.stdout.strip().rsplit("\n", 1)[-1] if done.returncode == 0 else f"ends with {done.returncode}"


class Row(NamedTuple):
    """One model on one device."""

    cells: list[str]
    spent: Turns
    faster: list[str]


def measure(name: str, device: str, turns: int, others: tuple[str, ...]) -> Row:
    """Build a model, and time its forward, its trace on the same device, its trace by default, and what the others do."""
    model, inputs = build(name, device)
    with torch.no_grad():
        graph = trace_module(model, inputs, device=device)
        model(*inputs)
        spent = take_turns(lambda: model(*inputs), lambda: trace_module(model, inputs, device=device), turns)
        default = spent
        if device != "meta":
            trace_module(model, inputs)
            default = take_turns(lambda: model(*inputs), lambda: trace_module(model, inputs), 3)
    found = {other: beside(other, name, device) for other in others}
    count = f"{(graph.parameter_count or 0) / 1e6:.0f} M"
    size = "×".join(map(str, inputs[0].shape))
    cells = [name, size, count, device, str(len(graph.ops)), f"{spent.plain:.0f}", f"{spent.other:.0f}"]
    cells += [f"**{spent.processor:.2f}**", f"{spent.wall:.2f}", f"{default.processor:.2f}", *found.values()]
    faster = [
        f"{other} on {name}, {device}"
        for other, ratio in found.items()
        if ratio[0].isdigit() and float(ratio) <= (default.processor if other in WITHOUT_DATA else spent.processor)
    ]
    return Row(cells, spent, faster)


def table(names: list[str], turns: int, with_peers: bool) -> bool:
    """Print the table; whether every limit is kept."""
    torch.set_num_threads(1)
    ratios: dict[str, list[Turns]] = {device: [] for device in LIMITS}
    faster: list[str] = []
    others = PEERS if with_peers else ()
    print(
        "Processor time over that of the plain forward pass, with the model run on the device named. "
        "By default a model is traced without computing anything, where that gives the same graph; so does torch.export, "
        f"which is compared with that. Not in the medians: {', '.join(sorted(NOT_COUNTED))}, a second Llama.\n"
    )
    columns = ["model", "input", "parameters", "device", "ops", "forward, ms", "trace, ms", "ratio", "by the clock", "by default"]
    columns += others
    print(f"| {' | '.join(columns)} |\n|---|---|---:|---|{'---:|' * (len(columns) - 4)}")
    for name in names:
        for device, spent in ratios.items():
            row = measure(name, device, turns, others)
            if name not in NOT_COUNTED:
                spent.append(row.spent)
            faster += row.faster
            print(f"| {' | '.join(row.cells)} |", flush=True)
    kept = not faster
    print()
    for device, spent in ratios.items():
        if not spent:
            continue
        wall, processor = (statistics.median(getattr(turn, clock) for turn in spent) for clock in ("wall", "processor"))
        print(
            f"Median on {device} of {len(spent)} models: **{processor:.2f}**, {wall:.2f} by the clock; limit {LIMITS[device]}.\n"
        )
        kept &= processor <= LIMITS[device]
    if with_peers:
        print(f"Others at least as fast: {'; '.join(faster) or 'none'}.")
    return kept


MEMORY_SCRIPT = """
import resource, sys, torch
from netfig.sources.torch_trace import trace_module
sys.path.insert(0, {folder!r})
from trace import {names}
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
"""

LARGE_SCRIPT = """
with torch.device("meta"):
    model, inputs = llama_7b(), tokens(2048)("meta")
graph = trace_module(model, inputs)
used = peak() - before
print(f"Tracing a transformer of {graph.parameter_count / 1e9:.2f} billion parameters built on the meta device "
      f"({len(graph.ops)} ops): {used:.0f} MB over the interpreter with torch loaded ({before:.0f} MB); limit {MEMORY_LIMIT} MB.")
sys.exit(used > MEMORY_LIMIT)
"""

DEEP_SCRIPT = """
torch.set_num_threads(1)
depth, rows, width = 30, 640_000, 16
model = torch.nn.Sequential(*(layer for _ in range(depth) for layer in (torch.nn.Linear(width, width), torch.nn.ReLU())))
x = torch.randn(rows, width)
one = rows * width * 4 / 2**20
before = peak()
with torch.no_grad():
    model(x)
    plain = peak() - before
    trace_module(model, (x,), device="cpu")
traced = peak() - before
print(f"Peak of a plain forward through {2 * depth} layers, each result {one:.0f} MB: {plain:.0f} MB; "
      f"of tracing it: {traced:.0f} MB. All results together would be {2 * depth * one:.0f} MB.")
sys.exit(traced > plain + one)
"""


def memory() -> bool:
    """What tracing needs of memory, each in a process of its own; whether the limits are kept."""
    folder = __file__.rsplit("/", 1)[0]
    kept = True
    for names, script in (("MEMORY_LIMIT, llama_7b, tokens", LARGE_SCRIPT), ("tokens", DEEP_SCRIPT)):
        code = MEMORY_SCRIPT.format(folder=folder, names=names) + script
        kept &= subprocess.run([sys.executable, "-c", code], timeout=600).returncode == 0
        print(flush=True)
    return kept


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS), metavar="NAME")
    parser.add_argument("--turns", type=int, default=15)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peer", nargs=3, metavar=("PEER", "MODEL", "DEVICE"), help="print the ratio of one peer on one model")
    options = parser.parse_args()
    if options.peer:
        torch.set_num_threads(1)
        print(peer_ratio(*options.peer))
        return 0
    return int(not (memory() if options.memory else table(options.models, options.turns, options.peers)))


if __name__ == "__main__":
    sys.exit(main())
