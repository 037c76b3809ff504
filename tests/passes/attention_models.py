"""Attention as people write it: every form a class of its own, small."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

WIDTH, HEADS, TOKENS = 16, 4, 5


class Plain(nn.Module):
    """Four linear layers, heads by view and transpose, products by ``@``."""

    def __init__(self, heads: int = HEADS, groups: int | None = None, bias: bool = True, size: int | None = None) -> None:
        super().__init__()
        self.heads, self.groups = heads, groups or heads
        self.size = size or WIDTH // heads
        self.q = nn.Linear(WIDTH, self.heads * self.size, bias=bias)
        self.k = nn.Linear(WIDTH, self.groups * self.size, bias=bias)
        self.v = nn.Linear(WIDTH, self.groups * self.size, bias=bias)
        self.o = nn.Linear(self.heads * self.size, WIDTH, bias=bias)

    def split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], -1, self.size).transpose(1, 2)

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        return q @ k.transpose(-1, -2) / math.sqrt(self.size)

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return torch.softmax(self.scores(q, k), -1) @ v

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        memory = x if memory is None else memory
        mixed = self.core(self.split(self.q(x)), self.split(self.k(memory)), self.split(self.v(memory)))
        return self.o(mixed.transpose(1, 2).reshape(x.shape[0], x.shape[1], -1))


class Fused(Plain):
    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)


class Grouped(Plain):
    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v, enable_gqa=True)


class Repeated(Plain):
    """Keys repeated by expand and reshape, values by repeat_interleave, the mask added."""

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        times, (batch, _, length, size) = self.heads // self.groups, k.shape
        k = k[:, :, None].expand(batch, self.groups, times, length, size).reshape(batch, -1, length, size)
        mask = torch.full((length, length), float("-inf")).triu(1)
        weights = F.softmax(self.scores(q, k) + mask, -1, dtype=torch.float64).to(q.dtype)
        return weights @ v.repeat_interleave(times, 1)


class Einsum(Plain):
    """Products by einsum, the scale on the queries, what is later filled with the lowest number."""

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = torch.einsum("bhnd,bhmd->bhnm", q * self.size**-0.5, k)
        place = torch.arange(scores.shape[-1])
        scores = scores.masked_fill(place[None, :] > place[:, None], -torch.finfo(scores.dtype).max)
        return torch.einsum("bhnm,bhmd->bhnd", scores.softmax(-1), v)


class OneMatrixPerHead(nn.Module):
    """Weights with a dimension of heads, nothing but einsum."""

    def __init__(self, size: int = 5) -> None:
        super().__init__()
        self.wq, self.wk, self.wv = (nn.Parameter(torch.randn(HEADS, WIDTH, size)) for _ in range(3))
        self.wo = nn.Parameter(torch.randn(HEADS, size, WIDTH))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (torch.einsum("bnd,hdk->bhnk", x, w) for w in (self.wq, self.wk, self.wv))
        weights = (torch.einsum("bhnk,bhmk->bhnm", q, k) / math.sqrt(q.shape[-1])).softmax(-1)
        return torch.einsum("bhnk,hkd->bnd", torch.einsum("bhnm,bhmk->bhnk", weights, v), self.wo)


class Conv1D(nn.Module):
    """The layer of GPT-2: a weight that is input × output."""

    def __init__(self, width: int, out: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.randn(width, out)), nn.Parameter(torch.randn(out))

    def forward(self, x: Tensor) -> Tensor:
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(*x.shape[:-1], -1)


class Gpt2(nn.Module):
    """As in GPT-2: one Conv1D for q, k, v, a buffer of truth values, where()."""

    def __init__(self) -> None:
        super().__init__()
        self.c_attn, self.c_proj = Conv1D(WIDTH, 3 * WIDTH), Conv1D(WIDTH, WIDTH)
        self.register_buffer("bias", torch.tril(torch.ones(10, 10, dtype=torch.bool)).view(1, 1, 10, 10))

    def forward(self, x: Tensor) -> Tensor:
        batch, n, width = x.shape
        q, k, v = (t.view(batch, n, HEADS, -1).transpose(1, 2) for t in self.c_attn(x).split(width, 2))
        scores = q @ k.transpose(-1, -2)
        scores = scores / torch.full([], v.size(-1) ** 0.5, dtype=scores.dtype)
        low = torch.full([], torch.finfo(scores.dtype).min, dtype=scores.dtype)
        weights = torch.where(self.bias[:, :, :n, :n], scores, low).softmax(-1)
        return self.c_proj((weights @ v).transpose(1, 2).contiguous().view(batch, n, width))


class NeoX(nn.Module):
    """One matrix whose rows are q, k, v of the first head, then of the second."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, n, width = x.shape
        q, k, v = self.qkv(x).view(batch, n, HEADS, -1).transpose(1, 2).chunk(3, -1)
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, n, width))


class Falcon(nn.Module):
    """One matrix in groups: the queries of a group, its key, its value."""

    def __init__(self, groups: int = 2) -> None:
        super().__init__()
        self.groups, self.size = groups, WIDTH // HEADS
        self.qkv, self.out = nn.Linear(WIDTH, (HEADS + 2 * groups) * self.size), nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, n, width = x.shape
        every = self.qkv(x).view(batch, n, self.groups, HEADS // self.groups + 2, self.size)
        q, k, v = every[..., :-2, :], every[..., [-2], :], every[..., [-1], :]
        k, v = (torch.broadcast_to(one, q.shape).flatten(2, 3) for one in (k, v))
        q, k, v = (one.transpose(1, 2) for one in (q.flatten(2, 3), k, v))
        return self.out(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(batch, n, width))


class OneHead(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(WIDTH, WIDTH) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        return torch.bmm(F.softmax(torch.bmm(self.q(x), self.k(x).transpose(1, 2)) / 4, dim=-1), self.v(x))


class MulAndSum(OneHead):
    """Products element by element, then summed."""

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.q(x), self.k(x), self.v(x)
        weights = ((q[:, :, None] * k[:, None]).sum(-1) / 4).softmax(-1)
        return (weights[..., None] * v[:, None]).sum(2)


class Bare(nn.Module):
    def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(q, k, v)


class OverPixels(nn.Module):
    """Convolutions of one pixel as projections, channels first."""

    def __init__(self) -> None:
        super().__init__()
        self.qkv, self.out = nn.Conv2d(WIDTH, 3 * WIDTH, 1), nn.Conv2d(WIDTH, WIDTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        batch, channels, height, width = x.shape
        q, k, v = self.qkv(x).reshape(batch, 3, HEADS, channels // HEADS, height * width).unbind(1)
        weights = torch.einsum("bhdn,bhdm->bhnm", q * 0.5, k).softmax(-1)
        return x + self.out(torch.einsum("bhnm,bhdm->bhdn", weights, v).reshape(batch, channels, height, width))


class RmsNorm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(width))

    def forward(self, x: Tensor) -> Tensor:
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Normed(Plain):
    """A norm of each head of queries and keys."""

    def __init__(self, norm: Any) -> None:
        super().__init__()
        self.q_norm, self.k_norm = norm(self.size), norm(self.size)

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return super().core(self.q_norm(q), self.k_norm(k), v)


class NormedBefore(Plain):
    """A norm of queries and keys over all heads."""

    def __init__(self) -> None:
        super().__init__()
        self.q_norm, self.k_norm = RmsNorm(WIDTH), RmsNorm(WIDTH)

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        q, k = self.q_norm(self.q(x)), self.k_norm(self.k(x))
        mixed = self.core(self.split(q), self.split(k), self.split(self.v(x)))
        return self.o(mixed.transpose(1, 2).flatten(2))


class Cosine(Plain):
    """Queries and keys of length one, and a factor for each head that is learned."""

    def __init__(self) -> None:
        super().__init__()
        self.tau = nn.Parameter(torch.randn(HEADS, 1, 1))

    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        return F.normalize(q, dim=-1) @ F.normalize(k, dim=-1).transpose(-2, -1) * self.tau.clamp(max=4).exp()


class Capped(Plain):
    def scores(self, q: Tensor, k: Tensor) -> Tensor:
        return torch.tanh(super().scores(q, k) / 30.0) * 30.0


class SoftmaxWrittenOut(Plain):
    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = self.scores(q, k)
        powers = torch.exp(scores - scores.amax(-1, keepdim=True))
        return (powers / powers.sum(-1, keepdim=True)) @ v


def angles(length: int, size: int) -> Tensor:
    rates = 10000.0 ** (-torch.arange(0, size, 2, dtype=torch.float64) / size)
    return torch.arange(length, dtype=torch.float64)[:, None] * rates


class RotatedHalves(Plain):
    """As in Llama: x cos + (−second half, first half) sin."""

    def turned(self, x: Tensor) -> Tensor:
        phase = angles(x.shape[2], x.shape[-1])
        phase = torch.cat((phase, phase), -1)[None, None]
        low, high = x[..., : x.shape[-1] // 2], x[..., x.shape[-1] // 2 :]
        return x * phase.cos() + torch.cat((-high, low), -1) * phase.sin()

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        times = self.heads // self.groups
        return super().core(self.turned(q), self.turned(k).repeat_interleave(times, 1), v.repeat_interleave(times, 1))


class RotatedChunks(RotatedHalves):
    """The halves turned one by one, cosines for one half only."""

    def turned(self, x: Tensor) -> Tensor:
        phase = angles(x.shape[2], x.shape[-1])
        cos, sin = phase.cos(), phase.sin()
        low, high = x.chunk(2, -1)
        return torch.cat((low * cos - high * sin, high * cos + low * sin), -1)


class RotatedPairs(RotatedHalves):
    """As in GPT-J: neighbours are turned."""

    def turned(self, x: Tensor) -> Tensor:
        phase = angles(x.shape[2], x.shape[-1]).repeat_interleave(2, -1)
        return x * phase.cos() + torch.stack((-x[..., 1::2], x[..., ::2]), -1).flatten(-2) * phase.sin()


class RotatedUnbound(RotatedHalves):
    """Neighbours taken apart, turned, and stacked."""

    def turned(self, x: Tensor) -> Tensor:
        phase = angles(x.shape[2], x.shape[-1])
        cos, sin = phase.cos(), phase.sin()
        a, b = x.reshape(*x.shape[:-1], -1, 2).unbind(-1)
        return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)


class RotatedComplex(RotatedHalves):
    """Neighbours as complex numbers."""

    def turned(self, x: Tensor) -> Tensor:
        phase = angles(x.shape[2], x.shape[-1])
        turn = torch.polar(torch.ones_like(phase), phase)
        return torch.view_as_real(torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2)) * turn).flatten(-2)


class RotatedInPart(RotatedHalves):
    """The first half of the features of a head is turned, the rest stays."""

    def turned(self, x: Tensor) -> Tensor:
        part = x.shape[-1] // 2
        return torch.cat((super().turned(x[..., :part]), x[..., part:]), -1)


class RelativeBias(Plain):
    """As in T5: a table by distance, no scale, bias and mask added as one."""

    def __init__(self) -> None:
        super().__init__(bias=False)
        self.table = nn.Embedding(8, HEADS)

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n, m = q.shape[2], k.shape[2]
        distance = (torch.arange(m)[None] - torch.arange(n)[:, None]).clamp(-4, 3) + 4
        bias = self.table(distance).permute(2, 0, 1)[None]
        later = torch.ones(n, m).triu(1).bool()
        mask = torch.zeros(n, m).masked_fill(later, torch.finfo(torch.float32).min)
        return (q @ k.transpose(-1, -2) + (bias + mask)).softmax(-1) @ v


class Slopes(Plain):
    """As in ALiBi: scores fall with the distance, each head at its own rate."""

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        n = q.shape[2]
        rates = 2.0 ** (-8 * torch.arange(1, HEADS + 1) / HEADS)
        bias = rates[:, None, None] * (torch.arange(n)[None] - torch.arange(n)[:, None])
        later = torch.full((n, n), float("-inf")).triu(1)
        return (self.scores(q, k) + bias + later).softmax(-1) @ v


class Padded(Plain):
    """True where there is a token."""

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None, :])
        return self.o(mixed.transpose(1, 2).flatten(2))


class PaddedByAdding(Plain):
    """As in the first BERT: (1 − there) times the lowest number."""

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        low = (1 - there.to(q.dtype))[:, None, None] * torch.finfo(q.dtype).min
        return self.o(((self.scores(q, k) + low).softmax(-1) @ v).transpose(1, 2).flatten(2))


class Windowed(Plain):
    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        place = torch.arange(q.shape[2])
        behind = place[:, None] - place[None]
        return F.scaled_dot_product_attention(q, k, v, attn_mask=(behind >= 0) & (behind < 3))


class SwinWindows(nn.Module):
    """Windows of an image, a bias from a table by index, a mask for each window."""

    def __init__(self, side: int = 3) -> None:
        super().__init__()
        self.side = side
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.table = nn.Parameter(torch.randn((2 * side - 1) ** 2, HEADS))
        place = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")).flatten(1)
        away = (place[:, :, None] - place[:, None]).permute(1, 2, 0) + side - 1
        self.register_buffer("index", away[..., 0] * (2 * side - 1) + away[..., 1])
        self.register_buffer("mask", torch.randn(4, side * side, side * side) * 100)

    def forward(self, image: Tensor) -> Tensor:
        batch, height, width, channels = image.shape
        side = self.side
        cut = image.view(batch, height // side, side, width // side, side, channels)
        x = cut.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, side * side, channels)
        windows, n, _ = x.shape
        q, k, v = self.qkv(x).reshape(windows, n, 3, HEADS, channels // HEADS).permute(2, 0, 3, 1, 4).unbind(0)
        bias = self.table[self.index.view(-1)].view(n, n, -1).permute(2, 0, 1).contiguous()
        scores = (q * (channels // HEADS) ** -0.5) @ k.transpose(-2, -1) + bias.unsqueeze(0)
        scores = scores.view(windows // 4, 4, HEADS, n, n) + self.mask.unsqueeze(1).unsqueeze(0)
        x = self.out((scores.view(-1, HEADS, n, n).softmax(-1) @ v).transpose(1, 2).reshape(windows, n, channels))
        cut = x.view(batch, height // side, width // side, side, side, channels).permute(0, 1, 3, 2, 4, 5)
        return cut.reshape(batch, height, width, channels)


class OneKeyForAll(Plain):
    """One head of keys and values for all queries, without a dimension of heads in the product."""

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return (torch.einsum("bhnd,bmd->bhnm", q, k[:, 0]) / math.sqrt(self.size)).softmax(-1) @ v


class LearnedQueries(Plain):
    def __init__(self) -> None:
        super().__init__()
        self.latents = nn.Parameter(torch.randn(3, WIDTH))

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Tensor:
        return super().forward(self.latents.expand(x.shape[0], -1, -1), x)


class Cached(Plain):
    """Keys, values and weights are handed back, too."""

    def forward(self, x: Tensor, memory: Tensor | None = None) -> Any:
        q, k, v = self.split(self.q(x)), self.split(self.k(x)), self.split(self.v(x))
        k = torch.cat([torch.empty(0), k], -2)
        weights = self.scores(q, k).softmax(-1)
        return self.o((weights @ v).transpose(1, 2).flatten(2)), k, v, weights


class SharedBetweenHeads(nn.Module):
    """Heads are split before the projections, which are the same for all of them."""

    def __init__(self) -> None:
        super().__init__()
        size = WIDTH // HEADS
        self.q, self.k, self.v = (nn.Linear(size, size, bias=False) for _ in range(3))
        self.o = nn.Linear(WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        batch, n, width = x.shape
        x = x.reshape(batch, n, HEADS, -1)
        weights = torch.softmax(torch.einsum("nqhd,nkhd->nhqk", self.q(x), self.k(x)) / width**0.5, 3)
        return self.o(torch.einsum("nhql,nlhd->nqhd", weights, self.v(x)).reshape(batch, n, width))


class Bahdanau(nn.Module):
    """Additive: scores are a layer of tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.w, self.u, self.v = nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, 1)

    def forward(self, query: Tensor, keys: Tensor) -> Tensor:
        scores = self.v(torch.tanh(self.w(query)[:, :, None] + self.u(keys)[:, None])).squeeze(-1)
        return scores.softmax(-1) @ keys


class SmallFill(Plain):
    """What is masked gets a score that is low but does not hide it."""

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        scores = self.scores(q, k)
        return scores.masked_fill(torch.ones_like(scores).triu(1).bool(), -5.0).softmax(-1) @ v


class TalkingHeads(Plain):
    """A layer over heads between the softmax and the values."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(HEADS, HEADS)

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weights = self.scores(q, k).softmax(-1)
        return self.mix(weights.permute(0, 2, 3, 1)).permute(0, 3, 1, 2) @ v


class OverChannels(Plain):
    """Cross-covariance: features attend to features."""

    def core(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = (one.transpose(-2, -1) for one in (q, k, v))
        return ((q @ k.transpose(-2, -1)).softmax(-1) @ v).transpose(-2, -1)


class SelfMha(nn.Module):
    """`nn.MultiheadAttention` of one thing with itself."""

    def __init__(self, weights: bool, **settings: Any) -> None:
        super().__init__()
        self.weights = weights
        self.attention = nn.MultiheadAttention(WIDTH, HEADS, **settings)

    def forward(self, x: Tensor) -> Any:
        out, weights = self.attention(x, x, x, need_weights=self.weights)
        return (out, weights) if self.weights else out
