"""Models that break tracers: each a factory of the model and one of its inputs, by name."""

from __future__ import annotations

import collections
import dataclasses
import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.functional import gelu as bound_gelu
from torch.nn.utils import parametrizations
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.utils.checkpoint import checkpoint

Inputs = tuple[tuple[Any, ...], dict[str, Any]]


class Case(NamedTuple):
    """A model, its inputs, whether gradients are on, and what cannot be asked of it."""

    model: Callable[[], nn.Module]
    inputs: Callable[[], Inputs]
    grad: bool = True
    witness: bool = True
    lazy: bool = False


CASES: dict[str, Case] = {}


def case(inputs: Callable[[], Inputs], **options: Any) -> Callable[[Any], Any]:
    """Register a model class (or a factory) under its name."""

    def register(model: Any) -> Any:
        CASES[model.__name__] = Case(model, inputs, **options)
        return model

    return register


def takes(*shapes: tuple[int, ...], **named: tuple[int, ...]) -> Callable[[], Inputs]:
    """Random float inputs of these shapes."""
    return lambda: (tuple(torch.randn(s) for s in shapes), {k: torch.randn(s) for k, s in named.items()})


def words(*shapes: tuple[int, ...]) -> Callable[[], Inputs]:
    """Token inputs."""
    return lambda: (tuple(torch.randint(0, 10, s) for s in shapes), {})


@case(takes((2, 8), (2, 4)))
class ViewInplace(nn.Module):
    def forward(self, x: Tensor, gate: Tensor) -> Tensor:
        y = x * 2
        y[:, :4].mul_(gate)
        return y.sum(1)


@case(takes((2, 8)))
class SliceAssign(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(8, 4), nn.Linear(8, 4)

    def forward(self, x: Tensor) -> Tensor:
        out = torch.empty(2, 8)
        out[:, ::2] = self.a(x)
        out[:, 1::2] = self.b(x)
        return out.tanh()


@case(takes((2, 6), (2, 6)))
class HalfOverwritten(nn.Module):
    """Both halves of a clone are replaced: nothing of `x` is left in it."""

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        z = x.clone()
        z[:, :3] = y[:, 3:]
        z[:, 3:].copy_(y[:, :3])
        return z + 1


@case(takes((2, 6)))
class DisjointChunks(nn.Module):
    """Writing one chunk leaves the other alone."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        y = x + 1
        a, b = y.chunk(2, 1)
        a.add_(5)
        return a, b, y


@case(takes((3, 4), (4,)))
class OverlappingViews(nn.Module):
    """Windows that overlap, written one after the other and read in between."""

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        y = x.clone().view(-1)
        a, b, c = y[0:6], y[4:10], y[2:8]
        a.mul_(2)
        b.add_(a.clone())
        d = c * 1
        c[:4].mul_(w)
        return torch.cat([a, b, c, d, y])


@case(takes((2, 3, 4, 4), (3, 4, 4)))
class BatchedCopy(nn.Module):
    """Detection models fill a padded batch image by image."""

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        batch = x.new_full((3, 3, 6, 6), 0.0)
        for i, image in enumerate([x[0], x[1], other]):
            batch[i, :, : image.shape[1], : image.shape[2]].copy_(image)
        return F.avg_pool2d(batch, 2)


@case(words((2, 5)))
class TiedEmbedding(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed, self.head = nn.Embedding(10, 4), nn.Linear(4, 10, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.embed(tokens))


@case(takes((2, 4)))
class CalledTwice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(torch.relu(self.layer(x)))


@case(takes((2, 4)))
class SharedActivation(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        relu = nn.ReLU()
        self.net = nn.Sequential(nn.Linear(4, 4), relu, nn.Linear(4, 4), relu)
        self.alias = self.net[0]

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x) + self.alias(x)


@case(takes((2, 4)))
class Containers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stages = nn.ModuleList(nn.ModuleList(nn.Linear(4, 4) for _ in range(2)) for _ in range(2))
        self.heads = nn.ModuleDict({"a": nn.Linear(4, 2), "b": nn.Linear(4, 3)})
        self.scales = nn.ParameterList(nn.Parameter(torch.randn(4)) for _ in range(2))
        self.plain = [nn.Identity()]

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        for stage, scale in zip(self.stages, self.scales, strict=True):
            for layer in stage:
                x = layer(x) * scale
        return {name: head(self.plain[0](x)) for name, head in self.heads.items()}


@case(lambda: ((torch.randn(2, 4),), {"mask": torch.ones(2, 4), "scale": 0.5, "extra": None}))
class KeywordInputs(nn.Module):
    def forward(self, x: Tensor, *, mask: Tensor, scale: float = 1.0, extra: Tensor | None = None) -> Tensor:
        return x * mask * scale if extra is None else x + extra


@dataclasses.dataclass
class Pieces:
    image: Tensor
    text: Tensor | None = None
    sizes: tuple[int, ...] = ()


@case(lambda: ((Pieces(torch.randn(2, 4)),), {}))
class DataclassInOut(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, batch: Pieces) -> Pieces:
        y = self.layer(batch.image)
        return Pieces(y, y.sum(1), (1, 2))


@case(lambda: (([torch.randn(2, 3), torch.randn(2, 3)], {"a": (torch.randn(2, 3), None)}), {}))
class NestedInOut(nn.Module):
    def forward(self, parts: list[Tensor], more: dict[str, Any]) -> tuple[Any, ...]:
        total = parts[0] + parts[1]
        return total, None, [{"x": more["a"][0] * 2}, (total, "text", 3)]


@case(takes((4, 3, 6, 6)))
class BatchNormTraining(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.Dropout(0.3))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


@case(takes((4, 3)))
class MovingAverage(nn.Module):
    average: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("average", torch.zeros(3))
        self.register_buffer("history", torch.zeros(5, 3))
        self.step = 0
        self.seen: list[float] = []

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            self.average.mul_(0.9).add_(x.mean(0), alpha=0.1)
            self.history[self.step % 5] = x[0]
        self.step += 1
        self.seen.append(1.0)
        return x - self.average


class Clip(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, limit: float) -> Tensor:
        ctx.save_for_backward(x)
        return x.clamp(-limit, limit)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Any:
        return grads[0], None


@case(takes((2, 4)))
class CustomFunction(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return Clip.apply(x * 3, 1.0) + 1


@case(takes((2, 3, 4), (2, 4, 5)))
class Einsum(nn.Module):
    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        return torch.einsum("bij,bjk->bik", a, b) @ torch.ones(5, 2)


@case(takes((2, 2, 5, 4), (2, 2, 6, 4), (2, 2, 6, 4)))
class ScaledDotProduct(nn.Module):
    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)


@case(takes((2, 5, 8)))
class AttentionSlow(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.attention(x, x, x)


@case(takes((2, 5, 8)), grad=False)
class AttentionFast(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


def _encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    return nn.TransformerEncoder(layer, 2)


@case(takes((2, 5, 8)))
def EncoderSlow() -> nn.Module:
    return _encoder()


@case(takes((2, 5, 8)), grad=False)
def EncoderFast() -> nn.Module:
    return _encoder().eval()


@case(lambda: ((torch.randn(2, 5, 8), torch.randn(2, 3, 8)), {}))
def EncoderDecoder() -> nn.Module:
    return nn.Transformer(8, 2, 1, 1, 16, batch_first=True)


@case(takes((2, 4)))
class VmapEnsemble(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.randn(3, 4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return torch.vmap(lambda w: torch.tanh(x @ w))(self.weights).mean(0)


@case(takes((2, 8)))
class Fourier(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.fft.irfft(torch.fft.rfft(x) * 0.5, n=8) + torch.fft.fft2(x).real


@case(takes((2, 4)))
class BoundAtImport(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return bound_gelu(x) * 2


@torch.jit.script
def scripted(x: Tensor, y: Tensor) -> Tensor:
    if x.sum() > 1e9:
        return x
    return torch.sigmoid(x) * y


@case(takes((2, 4), (2, 4)))
class ScriptedFunction(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        return scripted(x, y) + 1


@case(takes((2, 4)))
class ScriptedModule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.inner = torch.jit.script(nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.BatchNorm1d(4)))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(self.first(x))


@case(takes((2, 4)))
class CompiledSubmodule(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = torch.compile(nn.Sequential(nn.Linear(4, 4), nn.ReLU()))

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + 1


@case(lambda: ((torch.randn(3, 6, 4), torch.tensor([6, 4, 2])), {}))
class PackedLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 5, batch_first=True)

    def forward(self, x: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        packed = pack_padded_sequence(x, lengths, batch_first=True)
        out, (h, _) = self.lstm(packed)
        return pad_packed_sequence(out, batch_first=True)[0], h


@case(takes((5, 2, 4)))
class BidirectionalLSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.rnn = nn.LSTM(4, 3, num_layers=2, bidirectional=True)

    def forward(self, x: Tensor) -> Any:
        return self.rnn(x)


@case(takes((2, 5, 4)))
class BidirectionalGRU(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gru, self.rnn = nn.GRU(4, 3, bidirectional=True, batch_first=True), nn.RNN(6, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.rnn(self.gru(x)[0])[0]


class Cache:
    """A key-value cache as libraries write them: an object with lists of tensors."""

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.length = 0

    def update(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        self.keys.append(key)
        self.values.append(value)
        self.length += key.shape[1]
        return torch.cat(self.keys, 1), torch.cat(self.values, 1)


@case(takes((2, 3, 4)))
class CacheInOutput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.k, self.v = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor, cache: Cache | None = None) -> dict[str, Any]:
        cache = cache or Cache()
        k, v = cache.update(self.k(x), self.v(x))
        return {"logits": F.scaled_dot_product_attention(x, k, v), "cache": cache}


@case(lambda: ((torch.randn(2, 3, 4), _filled_cache()), {}))
class CacheInInput(CacheInOutput):
    pass


def _filled_cache() -> Cache:
    cache = Cache()
    cache.update(torch.randn(2, 1, 4), torch.randn(2, 1, 4))
    return cache


@case(takes((2, 4), (2, 4)))
class OutKeyword(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            out = torch.zeros(2, 4)
            torch.add(x, y, out=out)
            torch.mul(out, 2, out=out)
        return out + 1


class Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.scale * 0.001


@case(takes((1, 2)))
def VeryDeep() -> nn.Module:
    return nn.Sequential(*(Residual() for _ in range(1500)))


class Nested(nn.Module):
    def __init__(self, depth: int) -> None:
        super().__init__()
        self.inner: nn.Module = Nested(depth - 1) if depth else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x) + 1


@case(takes((1, 2)))
def DeeplyNested() -> nn.Module:
    return Nested(200)


@case(takes((2, 4)))
class DataDependentIf(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.relu() if bool(x.sum() > 0) else x.tanh()


@case(takes((4, 2, 3)))
class CellLoop(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell, self.out = nn.RNNCell(3, 5), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.shape[1], 5)
        outputs = []
        for step in x:
            h = self.cell(step, h)
            outputs.append(self.out(h))
        return torch.stack(outputs)


@case(takes((4, 2, 3)))
class TimeLoopAssign(nn.Module):
    """An output filled step by step, as recurrent language models do."""

    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.GRUCell(3, 5)

    def forward(self, x: Tensor) -> Tensor:
        h = x.new_zeros(2, 5)
        out = x.new_zeros(4, 2, 5)
        for t in range(4):
            h = self.cell(x[t], h)
            out[t] = h
        return out


@case(takes((6, 4)))
class MixtureOfExperts(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.gate, self.experts = nn.Linear(4, 3), nn.ModuleList(nn.Linear(4, 4) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        choice = self.gate(x).argmax(-1)
        out = torch.zeros_like(x)
        for i, expert in enumerate(self.experts):
            mask = choice == i
            if mask.any():
                out[mask] = expert(x[mask])
        return out


@case(takes((2, 4)))
class GradientInForward(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.energy = nn.Sequential(nn.Linear(4, 4), nn.Tanh(), nn.Linear(4, 1))

    def forward(self, x: Tensor) -> Tensor:
        x = x.detach().requires_grad_()
        return torch.autograd.grad(self.energy(x).sum(), x, create_graph=True)[0]


@case(takes((2, 4)))
class Checkpointed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b = nn.Linear(4, 4), nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        return checkpoint(self.b, checkpoint(self.a, x, use_reentrant=False), use_reentrant=True)


@case(takes((2, 4)), witness=False)
class NumpyRoundTrip(nn.Module):
    """What happens in numpy nobody sees: the witness neither."""

    def forward(self, x: Tensor) -> Tensor:
        array = x.detach().cpu().numpy() * 2
        return torch.from_numpy(array) + x


@case(takes((2, 4)))
class OldWeightNorm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = parametrizations.weight_norm(nn.Linear(4, 4))
        self.orthogonal = parametrizations.spectral_norm(nn.Linear(4, 4))

    def forward(self, x: Tensor) -> Tensor:
        return self.orthogonal(self.layer(x))


@case(lambda: ((torch.randn(2, 4, dtype=torch.complex64),), {}))
class Complex(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y = x.clone()
        torch.view_as_real(y)[..., 0].mul_(2)
        return y.conj() * (1 + 2j), torch.view_as_complex(torch.view_as_real(x) + 1).abs()


@case(takes((2, 4)))
class InputOverwritten(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        x.mul_(2)
        x[0].zero_()
        return x + 1


@case(takes((2, 4)))
class InputReturned(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return x, x + 1, x


@case(lambda: ((), {}))
class NoInput(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table = nn.Parameter(torch.randn(3, 4))
        self.unused = nn.Parameter(torch.randn(7))

    def forward(self) -> Tensor:
        return self.table.softmax(-1) + torch.arange(4)


@case(takes((2, 5)), lazy=True)
class Lazy(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.LazyLinear(4), nn.ReLU(), nn.LazyLinear(2))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


@case(takes((2, 4)))
class UserHooks(nn.Module):
    """Hooks are part of the model: one scales the input, one adds to the output, one remembers the module."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.calls = 0
        self.layer.register_forward_pre_hook(lambda _, args: (args[0] * 2,))
        self.layer.register_forward_hook(self.remember)

    def remember(self, module: nn.Module, args: Any, out: Tensor) -> Tensor:
        self.calls += 1
        return out + 1

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)


@case(takes((2, 4)))
class ForwardCalled(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)
        self.apply_layer = functools.partial(self.layer.forward)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer.forward(x) + self.apply_layer(x)


@case(takes((6, 4)))
class ManyOutputs(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        a, b, c = x.chunk(3)
        d, e = x.split([1, 3], 1)
        values, indices = x.sort(0)
        return (a + b, c, *x.unbind(1), d, e * 2, values, indices, *torch.max(x, 1))


@case(lambda: ((torch.randn(4, 6).t(), torch.randn(2, 3, 4, 5).permute(0, 3, 1, 2)), {}))
class NonContiguous(nn.Module):
    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
        z = x.contiguous().view(-1)[::2]
        return z + 1, y.transpose(1, 2).reshape(2, 3, -1).as_strided((2, 2), (1, 2), 1)


@case(takes((4, 4)))
class Sparse(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        adjacency = torch.eye(4).to_sparse()
        return torch.sparse.mm(adjacency, x)


@case(takes((2, 4)))
class RandomInside(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn_like(x) + torch.rand(2, 4) + torch.empty(2, 4).uniform_()
        return F.dropout(x + noise, 0.5) + torch.bernoulli(x.sigmoid())


@case(takes((2, 4)))
class MutatesState(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.step, self.cache, self.config = 0, [], {"seen": 0}
        self.state = collections.deque([torch.zeros(2, 4)], maxlen=2)
        self.weight = nn.Parameter(torch.randn(4))

    def forward(self, x: Tensor) -> Tensor:
        self.step += 1
        self.config["seen"] += 1
        y = x * self.weight + self.state[-1]
        self.state.append(y)
        self.cache.append(y)
        return y.sum() + self.step


@case(takes((2, 4)))
class SetItemForms(nn.Module):
    """Every way of writing into a tensor by index."""

    def forward(self, x: Tensor) -> Tensor:
        y = torch.zeros(4, 4)
        y[0] = x[0]
        y[[1, 2]] = x
        y[y > 1] = 0.5
        y.index_add_(0, torch.tensor([3]), x[:1])
        y.masked_fill_(y < -1, -1.0)
        y.scatter_(1, torch.tensor([[0], [1], [2], [3]]), 1.0)
        y.diagonal().mul_(2)
        return y.t() @ y


@case(takes((2, 4)))
class DataAttribute(nn.Module):
    """``.data`` and ``.detach()`` share memory behind autograd's back."""

    def forward(self, x: Tensor) -> Tensor:
        y = x * 1
        z = y.detach()
        z.add_(1)
        y.data.mul_(2)
        w = torch.zeros(2, 4)
        w.data = y.detach() * 3
        return y + w + z


@case(takes((2, 3, 4)))
class InplaceShapes(nn.Module):
    """In-place operators that change the shape of a tensor, not its content."""

    def forward(self, x: Tensor) -> Tensor:
        y = x.clone()
        y.transpose_(0, 1)
        y.unsqueeze_(0)
        y.squeeze_(0)
        y.t_() if y.dim() == 2 else y.relu_()
        return y


@case(takes((2, 4)))
class IdentityPaths(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.skip, self.drop = nn.Identity(), nn.Dropout(0.5)
        self.eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.skip(x)) + x


@case(takes((2, 4)))
class FunctionalCall(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x: Tensor) -> Tensor:
        weights = {name: p * 2 for name, p in self.layer.named_parameters()}
        return torch.func.functional_call(self.layer, weights, (x,))


@case(takes((2, 3), (2, 3)))
class ShapedLike(nn.Module):
    """Tensors that take their shape, and nothing else, from an input."""

    def forward(self, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return y + torch.zeros_like(x), y * torch.randn_like(x), y + x.new_ones(2, 3), torch.full_like(x, 2.0) * y
