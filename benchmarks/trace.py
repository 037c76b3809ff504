"""How long a trace takes beside the plain forward pass of the same model: same device, same process, one thread.

Run ``python benchmarks/trace.py`` for the table, ``--quick`` for smaller models, ``--peers`` to run torchview, torchlens and
torch.export beside it (those that are installed), ``--memory`` for the peak memory of a model of seven billion parameters.
"""

from __future__ import annotations

import argparse
import functools
import gc
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F  # noqa: N812
from torch import Tensor, nn

from netfig.sources.torch_trace import trace_module


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
    def __init__(self, width: int, heads: int, hidden: int) -> None:
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.gate, self.up = nn.Linear(width, hidden, bias=False), nn.Linear(width, hidden, bias=False)
        self.down = nn.Linear(hidden, width, bias=False)
        self.norm1, self.norm2 = RMSNorm(width), RMSNorm(width)

    @staticmethod
    def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        a, b = x.chunk(2, -1)
        return x * cos + torch.cat([-b, a], -1) * sin

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        batch, length, width = x.shape
        y = self.norm1(x)
        q, k, v = (f(y).view(batch, length, self.heads, -1).transpose(1, 2) for f in (self.q, self.k, self.v))
        y = F.scaled_dot_product_attention(self.rotate(q, cos, sin), self.rotate(k, cos, sin), v, is_causal=True)
        x = x + self.o(y.transpose(1, 2).reshape(batch, length, width))
        y = self.norm2(x)
        return x + self.down(F.silu(self.gate(y)) * self.up(y))


class Llama(nn.Module):
    def __init__(self, width: int, depth: int, heads: int, hidden: int, words: int = 32000) -> None:
        super().__init__()
        self.tokens = nn.Embedding(words, width)
        self.blocks = nn.ModuleList(LlamaBlock(width, heads, hidden) for _ in range(depth))
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


MODELS: dict[str, tuple[Callable[[], nn.Module], Callable[[str], tuple[Tensor, ...]]]] = {
    "ResNet-50": (resnet50, image),
    "ViT-B/16": (VisionTransformer, image),
    "DenseNet-201": (densenet201, image),
    "BERT-base": (lambda: LanguageModel(30522, 512, causal=False), tokens(128)),
    "Llama, 32 layers": (lambda: Llama(1024, 32, 16, 2752), tokens(128)),
    "Swin-T": (Swin, image),
    "EfficientNet": (efficientnet, image),
    "GPT-2 small": (lambda: LanguageModel(50257, 1024, causal=True), tokens(128)),
}


def median_ms(work: Callable[[], object], runs: int) -> float:
    """Processor time: with one thread it is the time on a quiet machine, and a busy one does not change it."""
    times = []
    for _ in range(runs):
        gc.collect()
        start = time.process_time()
        work()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def peers(model: nn.Module, inputs: tuple[Tensor, ...]) -> dict[str, Callable[[], object]]:
    """The other tracers that are installed."""
    found: dict[str, Callable[[], object]] = {"torch.export": lambda: torch.export.export(model, inputs)}
    try:
        import torchview

        found["torchview"] = lambda: torchview.draw_graph(model, input_data=inputs, device=inputs[0].device.type, depth=99)
    except ImportError:
        pass
    try:
        import torchlens
        from torchlens.options import CaptureOptions

        capture = CaptureOptions(structure_only=True) if inputs[0].is_meta else None
        found["torchlens"] = lambda: torchlens.trace(model, list(inputs), capture=capture)
    except ImportError:
        pass
    return found


def beside(name: str, device: str) -> list[str]:
    """What the peers take, in a process of their own: torchlens replaces functions of torch and leaves them so."""
    command = [sys.executable, __file__, "--beside", name, device]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    return done.stdout.splitlines() or [f"the peers ended with {done.returncode}"]


def print_peers(name: str, device: str) -> None:
    """One line a peer: its time as a ratio to the plain forward pass in this process."""
    torch.set_num_threads(1)
    make, inputs_of = MODELS[name]
    with torch.device(device), torch.no_grad():
        model, inputs = make().eval(), inputs_of(device)
        model(*inputs)
        plain = median_ms(functools.partial(model, *inputs), 3)
        for peer, work in peers(model, inputs).items():
            try:
                work()  # what is loaded once
                print(f"{peer} {median_ms(work, 3) / plain:.1f}", flush=True)
            except Exception as error:
                print(f"{peer} fails: {type(error).__name__}", flush=True)


def table(names: list[str], runs: int, with_peers: bool) -> None:
    torch.set_num_threads(1)
    ratios: dict[str, list[float]] = {"meta": [], "cpu": []}
    print("| model | device | ops | forward, ms | trace, ms | ratio | µs per op | others, ratio |")
    print("|---|---|---:|---:|---:|---:|---:|---|")
    for name in names:
        make, inputs_of = MODELS[name]
        for device in ("meta", "cpu"):
            with torch.device(device):
                model = make().eval()
                inputs = inputs_of(device)
            with torch.no_grad():
                graph = trace_module(model, inputs, device=device)
                model(*inputs)
                forward, trace = [], []
                for _ in range(runs):
                    forward.append(median_ms(functools.partial(model, *inputs), 1))
                    trace.append(median_ms(functools.partial(trace_module, model, inputs, device=device), 1))
            plain, traced = statistics.median(forward), statistics.median(trace)
            others = beside(name, device) if with_peers else []
            ratios[device].append(traced / plain)
            each = 1000 * (traced - plain) / len(graph.ops)
            print(
                f"| {name} | {device} | {len(graph.ops)} | {plain:.0f} | {traced:.0f} | {traced / plain:.2f} | {each:.0f} |"
                f" {', '.join(others)} |",
                flush=True,
            )
    for device, listed in ratios.items():
        print(f"\nmedian ratio on {device}: {statistics.median(listed):.2f} (worst {max(listed):.2f})")


MEMORY_SCRIPT = """
import resource, sys, torch
sys.path.insert(0, {folder!r})
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
before = peak()
from trace import Llama, tokens
from netfig.sources.torch_trace import trace_module
with torch.device("meta"):
    model = Llama(4096, 32, 32, 11008)
    inputs = tokens(2048)("meta")
graph = trace_module(model, inputs)
print(f"{{graph.parameter_count / 1e9:.2f}} billion parameters, {{len(graph.ops)}} ops: "
      f"{{peak() - before:.0f}} MB over the interpreter with torch loaded ({{before:.0f}} MB)")
"""


def memory() -> None:
    folder = __file__.rsplit("/", 1)[0]
    subprocess.run([sys.executable, "-c", MEMORY_SCRIPT.format(folder=folder)], check=True, timeout=600)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", nargs="*", default=list(MODELS), choices=list(MODELS), metavar="NAME")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--beside", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.beside:
        print_peers(*options.beside)
        return
    if options.memory:
        memory()
        return
    table(options.models, options.runs, options.peers)


if __name__ == "__main__":
    main()
