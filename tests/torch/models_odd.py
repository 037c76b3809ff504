"""Still more models that break tracers: operators, control flow and what people leave lying about."""

from __future__ import annotations

import collections
import dataclasses
import enum
import functools
import itertools
import operator
import random
import types
import weakref
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from models import Case, takes, words
from models_more import MORE, case
from torch import Tensor, nn
from torch.nn.utils import parametrizations, parametrize
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pad_packed_sequence

# ---- layers ----


@case(takes((4, 4)))
class RandomOps(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.drops = nn.Sequential(nn.Dropout(0.4), nn.AlphaDropout(0.2), nn.RReLU())

    def forward(self, x: Tensor) -> Tensor:
        picks = torch.multinomial(x.softmax(-1), 2)
        noise = torch.randn_like(x) + torch.normal(x, 1.0) + torch.randint(0, 5, (4, 4))
        mixed = F.gumbel_softmax(x) + torch.bernoulli(x.sigmoid()) + torch.poisson(x.abs())
        return self.drops(x + noise + mixed).gather(1, picks) + x[torch.randperm(4)][:, :2]


@case(takes((4, 3, 4, 4)))
class Norms(nn.Module):
    """Batch norm with a cumulative average, without statistics, synchronised but evaluating; instance norm with statistics."""

    def __init__(self) -> None:
        super().__init__()
        self.cumulative, self.bare = nn.BatchNorm2d(3, momentum=None), nn.BatchNorm2d(3, track_running_stats=False)
        self.sync = nn.SyncBatchNorm(3).eval()
        self.instance = nn.InstanceNorm2d(3, affine=True, track_running_stats=True)
        self.group, self.rms = nn.GroupNorm(3, 3), nn.RMSNorm(4)

    def forward(self, x: Tensor) -> Tensor:
        return self.rms(self.group(self.instance(self.sync(self.bare(self.cumulative(x))))))


@case(takes((2, 4)))
class Normed(nn.Module):
    """Spectral and weight norm, by hooks and by parametrization, and an orthogonal weight."""

    def __init__(self) -> None:
        super().__init__()
        self.old_weight = nn.utils.weight_norm(nn.Linear(4, 4))
        self.old_spectral = nn.utils.spectral_norm(nn.Linear(4, 4))
        self.new_spectral = parametrizations.spectral_norm(nn.Linear(4, 4))
        self.orthogonal = parametrizations.orthogonal(nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        with parametrize.cached():
            y = self.orthogonal(self.new_spectral(self.old_spectral(self.old_weight(x))))
            return self.orthogonal(y)


class Symmetric(nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return weight.triu() + weight.triu(1).t()


@case(takes((2, 4)))
def Parametrized() -> nn.Module:
    layer = nn.Linear(4, 4)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return nn.Sequential(layer, nn.ReLU(), layer)


@case(lambda: ((torch.randint(0, 10, (7,)), torch.tensor([0, 3, 5]), torch.randint(0, 10, (2, 3))), {}))
class Bags(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.bag, self.sparse = nn.EmbeddingBag(10, 4, mode="mean"), nn.Embedding(10, 4, sparse=True, padding_idx=0)
        self.clipped = nn.Embedding(10, 4, max_norm=0.5)

    def forward(self, tokens: Tensor, offsets: Tensor, more: Tensor) -> Tensor:
        return self.bag(tokens, offsets).sum(0) + self.sparse(more).sum(1) + self.clipped(more).sum(1)


@case(takes((1, 2, 8, 8)))
class Signal(nn.Module):
    """Convolution by FFT, STFT and back, and a grid sample."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel, self.window = nn.Parameter(torch.randn(2, 8, 8)), torch.hann_window(16)

    def forward(self, x: Tensor) -> Tensor:
        y = torch.fft.ifft2(torch.fft.fft2(x) * torch.fft.fft2(self.kernel)).real
        line = y.reshape(2, 64)
        spectrum = torch.stft(line, 16, 4, window=self.window, return_complex=True)
        back = torch.istft(spectrum * 0.5, 16, 4, window=self.window, length=64)
        theta = torch.eye(2, 3)[None]
        return F.grid_sample(back.view(1, 2, 8, 8), F.affine_grid(theta, [1, 2, 4, 4], align_corners=False), align_corners=False)


@case(lambda: ((torch.randn(5, 2, 4), torch.tensor([[1, 2], [3, 1]]), torch.tensor([5, 5]), torch.tensor([2, 2])), {}))
class Losses(nn.Module):
    def forward(self, x: Tensor, targets: Tensor, lengths: Tensor, target_lengths: Tensor) -> tuple[Tensor, ...]:
        ctc = F.ctc_loss(x.log_softmax(-1), targets, lengths, target_lengths)
        return ctc, F.cross_entropy(x[0], targets[:, 0], label_smoothing=0.1), F.huber_loss(x[0], x[1])


@case(lambda: ((torch.randn(3, 6, 4), [4, 6, 2]), {}))
class UnsortedPacked(nn.Module):
    """Lengths in any order; projection; a packed sequence handed out."""

    def __init__(self) -> None:
        super().__init__()
        self.gru = nn.GRU(4, 5, bidirectional=True, batch_first=True)
        self.lstm = nn.LSTM(10, 6, proj_size=3, num_layers=2, dropout=0.2, batch_first=True)

    def forward(self, x: Tensor, lengths: list[int]) -> tuple[Tensor, PackedSequence]:
        packed = pack_padded_sequence(x, torch.tensor(lengths), batch_first=True, enforce_sorted=False)
        out, _ = self.gru(packed)
        out, _ = self.lstm(out)
        return pad_packed_sequence(out, batch_first=True, total_length=6)[0], out


@case(takes((2, 4)), grad=False, witness=False)
def QuantizedDynamic() -> nn.Module:
    model = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 2)).eval()
    return torch.ao.quantization.quantize_dynamic(model, {nn.Linear}, dtype=torch.qint8)


@case(takes((3, 4), (2, 4)), witness=False)
class NestedTensors(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        nested = torch.nested.as_nested_tensor([a, b])
        return torch.nested.to_padded_tensor(self.layer(nested).relu(), 0.0)


# ---- numbers ----


@case(lambda: ((torch.tensor(2.0), torch.randn(0, 4), torch.randn(2, 0)), {}), witness=False)
class ZeroSizes(nn.Module):
    """A tensor without dimensions, and tensors without elements (where the witness finds no byte to follow)."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.scale, self.empty = nn.Linear(4, 3), nn.Parameter(torch.tensor(1.5)), nn.Linear(0, 2)

    def forward(self, x: Tensor, none: Tensor, thin: Tensor) -> tuple[Tensor, ...]:
        y = self.layer(none)
        y[:] = 1
        return x * self.scale, y, self.empty(thin), torch.cat([none, none]).sum(), thin.t()


@case(lambda: ((torch.tensor([2**62, -5, 7]), torch.tensor([True, False, True])), {}))
class Integers(nn.Module):
    def forward(self, x: Tensor, mask: Tensor) -> tuple[Tensor, ...]:
        y = (x // 3 << 1) ^ 12345678901234567
        y %= 2**61 - 1
        return y & x | 1, ~mask ^ (x > 0), x[mask], torch.where(mask, x, -(2**63)), mask.sum() * 10**15


@case(lambda: ((torch.randn(2, 4).half(), torch.randn(2, 4).bfloat16(), torch.randn(2, 4).double()), {}))
class MixedPrecision(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4).half(), nn.Linear(4, 4).bfloat16(), nn.Linear(4, 4).double()

    def forward(self, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        return self.a(x).float() + self.b(y).to(torch.float32) + self.c(z).type(torch.float32) + z.to(x.dtype).to(x)


@case(takes((2, 4)))
class SpecialNumbers(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        y = torch.cat([x, torch.tensor([[float("inf"), float("-inf"), float("nan"), -0.0]])])
        return y.nan_to_num(1.0, 2.0, -2.0), torch.full((2,), float("nan")), y.masked_fill(y.isnan(), float("-inf"))


# ---- control flow and side effects ----


@case(lambda: ((torch.tensor([1.0, 2.0]),), {}))
class WhileLoop(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        steps = 0
        while x.norm().item() < 20 and steps < 30:
            x = x * 1.7 + 0.0 * self.layer(x)
            steps += 1
        return x


@case(takes((2, 4)))
class CatchesErrors(nn.Module):
    """Tries what fails, in a child and in torch, and goes on; a write that fails half way leaves nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.bad, self.good = nn.Sequential(nn.Linear(4, 3), nn.Linear(4, 4)), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        for attempt in (self.bad, lambda t: t @ t, lambda t: t.add_(torch.zeros(3)), lambda t: t.view(3, 3), self.good):
            try:
                y = attempt(y)
            except RuntimeError as error:
                self.reason = str(error)
        return y


@case(takes((4, 4)))
class ChangesModes(nn.Module):
    """Switches gradients, training and hooks while it runs."""

    def __init__(self) -> None:
        super().__init__()
        self.drop, self.layer = nn.Dropout(0.5), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        self.eval()
        y = self.drop(x)
        self.train()
        self.layer.weight.requires_grad_(False)
        self.layer.requires_grad_(True)
        handle = self.layer.register_forward_hook(lambda *_: _[2] * 2)
        y = self.layer(y)
        handle.remove()
        x.requires_grad_()
        return self.drop(self.layer(y)) + x


@case(takes((2, 4)))
class GlobalSettings(nn.Module):
    """Changes settings of torch itself for a moment."""

    def forward(self, x: Tensor) -> Tensor:
        before = torch.get_default_dtype()
        torch.set_default_dtype(torch.float64)
        try:
            return x + torch.ones(4) + torch.tensor(1.5)
        finally:
            torch.set_default_dtype(before)


@case(takes((2, 4)))
class NewLayerEachCall(nn.Module):
    """Parameters and modules made inside forward: fresh, not the model's own."""

    def forward(self, x: Tensor) -> Tensor:
        layer = nn.Linear(4, 4)
        nn.init.ones_(layer.weight)
        scale = nn.Parameter(torch.full((4,), 3.0))
        return layer(x) * scale


@case(takes((2, 4)))
class TrainsInside(nn.Module):
    """A step of gradient descent inside forward."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 1)

    def forward(self, x: Tensor) -> Tensor:
        fast = {n: p.detach().clone().requires_grad_() for n, p in self.layer.named_parameters()}
        optimizer = torch.optim.SGD(fast.values(), lr=0.1)
        for _ in range(2):
            optimizer.zero_grad()
            torch.func.functional_call(self.layer, fast, (x.detach(),)).square().sum().backward()
            optimizer.step()
        return torch.func.functional_call(self.layer, fast, (x,))


@case(takes((2, 4)))
class ListState(nn.Module):
    """Recurrent state that lives in a deque of a plain object."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = collections.deque([torch.zeros(2, 4)] * 2, maxlen=2)
        self.gate = nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            y = self.gate(torch.cat(list(self.memory), 1)) + x
            self.memory.append(y)
        self.memory[0].zero_()
        return y + self.memory[1]


@case(words((2, 5)))
class HigherOrder(nn.Module):
    """Modules called from `map`, `functools.reduce`, `getattr` and a dict of methods."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(10, 4)
        self.block0, self.block1 = nn.Linear(4, 4), nn.Linear(4, 4)
        self.table = {"twice": self.twice}

    def twice(self, x: Tensor) -> Tensor:
        return x * 2

    def forward(self, tokens: Tensor) -> Tensor:
        rows = list(map(self.embed, tokens))
        blocks = [getattr(self, f"block{i}") for i in range(2)]
        x = functools.reduce(lambda t, block: block(t).relu(), blocks, torch.stack(rows))
        return self.table["twice"](x)


@case(takes((2, 3, 4)))
class FlexibleAttention(nn.Module):
    """Masks made on the fly, causal and additive, and a bias by relative position."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.bias = nn.Linear(4, 12), nn.Parameter(torch.randn(5))
        self.register_buffer("index", torch.arange(3)[None] - torch.arange(3)[:, None] + 2)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(-1, (3, 2, 2)).permute(2, 0, 3, 1, 4).unbind(0)
        causal = torch.full((3, 3), float("-inf")).triu_(1) + self.bias[self.index]
        a = F.scaled_dot_product_attention(q, k, v, attn_mask=causal)
        b = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return (a + b).transpose(1, 2).flatten(2)


@case(takes((2, 4)))
class NoParameters(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.softmax(-1).cumsum(0).flip(1).roll(1, 0)


@case(takes((2, 4)), witness=False)
class SharedStorage(nn.Module):
    """Parameters that are pieces of one flat block, as sharding makes them (to the witness the same bytes are one source)."""

    def __init__(self) -> None:
        super().__init__()
        self.flat = nn.Parameter(torch.randn(20))
        self.layer = nn.Linear(4, 4)
        with torch.no_grad():
            self.layer.weight.data = self.flat.data[:16].view(4, 4)
            self.layer.bias.data = self.flat.data[16:]

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.flat.mul_(0.5)
        return self.layer(x)


# ---- state outside of tensors ----


class Stateful(nn.Module):
    """Everything that remembers: an iterator, generators of random numbers, arrays, sets, bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.counter, self.python = itertools.count(), random.Random(3)
        self.numpy, self.generator = np.random.default_rng(4), torch.Generator().manual_seed(5)
        self.array, self.raw = np.zeros(3), bytearray(b"abc")
        self.words, self.tally = {"a"}, collections.Counter("aab")
        self.space = types.SimpleNamespace(step=0, inner=[1])

    def forward(self, x: Tensor) -> Tensor:
        self.array[next(self.counter) % 3] += self.numpy.random() + self.python.random()
        self.raw.append(1)
        self.words.add("b")
        self.tally.update("b")
        self.space.step += 1
        self.space.inner.append(2)
        return x + torch.randn(2, 4, generator=self.generator) + float(self.array.sum())


MORE["Stateful"] = Case(Stateful, takes((2, 4)))


@functools.lru_cache
def mask_of(size: int) -> Tensor:
    return torch.ones(size, size).tril()


TABLE: dict[int, Tensor] = {}


def forget() -> None:
    """Empties the caches that belong to no model, so that one trace does not see what another has left there."""
    TABLE.clear()
    mask_of.cache_clear()


@case(takes((2, 4)))
class CachedOutside(nn.Module):
    """Constants kept in a cache that belongs to nobody: it must not be left with what only a trace can use."""

    def forward(self, x: Tensor) -> Tensor:
        if x.shape[1] not in TABLE:
            TABLE[x.shape[1]] = torch.arange(x.shape[1]) * 2.0
        return x @ mask_of(x.shape[1]) + TABLE[x.shape[1]]


@case(takes((2, 4)))
class CaughtWithoutData(nn.Module):
    """What fails only where there are no values is caught by the model: the path of the real run is another."""

    def forward(self, x: Tensor) -> Tensor:
        try:
            top = int(x.argmax())
        except Exception:
            return x.tanh()
        return x.relu() + top


@case(takes((2, 4)))
class AsksForDevice(nn.Module):
    """Goes another way on another device."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type == "cpu":
            return x.relu()
        return x.tanh()


@case(takes((2, 4)))
class WeakParent(nn.Module):
    """A child that knows its parent weakly, and one that is a proxy."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.randn(4))
        self.child = WeakChild(self)

    def forward(self, x: Tensor) -> Tensor:
        return self.child(x)


class WeakChild(nn.Module):
    def __init__(self, parent: nn.Module) -> None:
        super().__init__()
        self.parent, self.proxy = weakref.ref(parent), weakref.proxy(parent)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.parent().scale + self.proxy.scale  # type: ignore[union-attr]


@case(takes((2, 4)))
class Wrapper(nn.Module):
    """Answers for the module it wraps, is false, equal to everything, and has itself among its children."""

    def __init__(self) -> None:
        super().__init__()
        self.module = nn.Linear(4, 4)
        self._modules["me"] = self

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("module"), name)

    def __len__(self) -> int:
        return 0

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = nn.Module.__hash__

    def forward(self, x: Tensor) -> Tensor:
        return self.module(x) * self.in_features


@case(takes((2, 4)))
class StaticForward(nn.Module):
    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.relu() + 1


@case(takes((2, 4)))
class BackwardHooks(nn.Module):
    """Hooks for the way back leave marks on the way there; saved tensors are packed; gradients are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)
        self.a.register_full_backward_hook(lambda *_: None)
        self.b.register_full_backward_pre_hook(lambda *_: None)
        self.a.weight.register_hook(lambda grad: grad * 2)

    def forward(self, x: Tensor) -> Tensor:
        with torch.autograd.graph.saved_tensors_hooks(lambda t: t.double(), lambda t: t.float()):
            y = self.a(x).tanh()
        y.retain_grad()
        self.b(y).sum().backward()
        return y + y.grad


@case(takes((2, 4)))
class Profiled(nn.Module):
    """Ranges for a profiler."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        with torch.profiler.record_function("range"):
            return self.layer(x)


def CompiledRoot() -> nn.Module:
    return torch.compile(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))


def ScriptedRoot() -> nn.Module:
    return torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))


def TracedRoot() -> nn.Module:
    return torch.jit.trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), torch.randn(2, 4))


def SymbolicRoot() -> nn.Module:
    return torch.fx.symbolic_trace(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))


def ExportedRoot() -> nn.Module:
    return torch.export.export(nn.Sequential(nn.Linear(4, 4), nn.ReLU()), (torch.randn(2, 4),)).module()


def Parallel() -> nn.Module:
    return nn.DataParallel(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))


for root in (CompiledRoot, ScriptedRoot, TracedRoot, SymbolicRoot, ExportedRoot, Parallel):
    case(takes((2, 4)))(root)


@case(takes((2, 4)), witness=False)
class ControlFlowOperators(nn.Module):
    """Operators that take functions: a witness made of one mode does not see into them."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.cond(x.sum() > 0, lambda t: t.sin(), lambda t: t.cos(), (x,))
        return y + torch.func.vjp(torch.sin, x)[1](x)[0]


@case(takes((4, 4)), witness=False)
class SparseFormats(nn.Module):
    """Compressed rows (the witness knows of no bytes in them) and coordinates."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("adjacency", torch.eye(4).to_sparse_csr())

    def forward(self, x: Tensor) -> Tensor:
        return self.adjacency @ x + torch.sparse_coo_tensor(torch.tensor([[0, 1], [1, 0]]), x[0, :2], (4, 4)).to_dense()


@case(lambda: ((torch.randn(2, 4, requires_grad=True) * 2,), {}))
class NonLeafInput(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2


@case(takes((2, 4)))
class FrozenConfig(nn.Module):
    """Settings of every kind: frozen, enumerated, a dict with attributes, one that makes itself from arguments."""

    def __init__(self) -> None:
        super().__init__()
        self.config = Config(width=4, kind=Kind.SUM)
        self.defaults = collections.defaultdict(lambda: 3.0, a=1.0)
        self.frozen = Frozen(nn.Linear(4, 4), (torch.ones(4),))
        self.layer = self.frozen.layer

    def forward(self, x: Tensor) -> Tensor:
        if self.config.kind is Kind.SUM and self.config["width"] == 4:
            return self.frozen.layer(x) * self.frozen.parts[0] + self.defaults["b"]
        return x


class Kind(enum.Enum):
    SUM = "sum"


class Config(dict):
    def __init__(self, *, width: int, kind: Kind) -> None:
        super().__init__(width=width)
        self.kind = kind


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    layer: nn.Module
    parts: tuple[Tensor, ...]


@case(takes((2, 3, 4)))
class BoundEarly(nn.Module):
    """Functions and bound methods taken apart at construction: of the module, of torch, of tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.steps = [self.scale, self.layer.forward, self.layer.__call__, torch.relu, Tensor.tanh, operator.neg]
        self.weight_method = self.layer.weight.sum

    def scale(self, x: Tensor) -> Tensor:
        return x * 2

    def forward(self, x: Tensor) -> Tensor:
        for step in self.steps:
            x = step(x)
        return x + self.weight_method()


@case(takes((2, 4)))
class LayerDrop(nn.Module):
    """Which layers run is decided by dice, Python's and torch's."""

    def __init__(self) -> None:
        super().__init__()
        self.layers, self.dice = nn.ModuleList(nn.Linear(4, 4) for _ in range(6)), random.Random(2)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            if self.dice.random() < 0.5 or torch.rand(()).item() < 0.3:
                x = layer(x)
        return x + 1
