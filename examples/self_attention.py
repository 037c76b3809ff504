# title: Causal self-attention, written by hand
# category: Attention
# summary: One projection makes queries, keys and values; a mask hides the future; the heads are joined again.
# command: netfig draw examples/self_attention.py:CausalSelfAttention --input 12x48 --direction up -o self-attention.svg

import math

import torch
from torch import Tensor, nn


class CausalSelfAttention(nn.Module):
    mask: Tensor

    def __init__(self, width: int = 48, heads: int = 4, context: int = 12) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)
        self.register_buffer("mask", torch.ones(context, context).tril() == 0)

    def forward(self, x: Tensor) -> Tensor:
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in self.qkv(x).chunk(3, dim=-1))
        scores = q @ k.transpose(-2, -1) / math.sqrt(width // self.heads)
        scores = scores.masked_fill(self.mask[:length, :length], float("-inf"))
        mixed = scores.softmax(dim=-1) @ v
        return self.proj(mixed.transpose(1, 2).reshape(batch, length, width))
