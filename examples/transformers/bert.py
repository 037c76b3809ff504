# title: BERT, as a tower
# category: Attention
# summary: Three embeddings added and normed, twelve post-norm blocks that look both ways, and a pooled first token.
# command: netfig draw examples/transformers/bert.py:Bert --input tokens=16:int64 --input segments=16:int64 --renderer attention -o bert-attention.svg
# command: netfig draw examples/transformers/bert.py:Bert --input tokens=16:int64 --input segments=16:int64 --renderer tower -o bert-tower.svg

import torch
from torch import Tensor, nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Written out: scores, softmax, weighted sum."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads, self.size = heads, width // heads
        self.query, self.key, self.value = nn.Linear(width, width), nn.Linear(width, width), nn.Linear(width, width)
        self.output = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, self.size).transpose(1, 2)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.split(self.query(x)), self.split(self.key(x)), self.split(self.value(x))
        weights = torch.softmax(q @ k.transpose(-2, -1) / self.size**0.5, dim=-1)
        return self.output((weights @ v).transpose(1, 2).reshape(x.shape))


class Block(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = Attention(width, heads)
        self.attention_norm, self.output_norm = nn.LayerNorm(width), nn.LayerNorm(width)
        self.inner, self.outer = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.attention_norm(x + self.attention(x))
        return self.output_norm(x + self.outer(F.gelu(self.inner(x))))


class Bert(nn.Module):
    def __init__(self, vocabulary: int = 512, width: int = 96, heads: int = 6, layers: int = 12, context: int = 32) -> None:
        super().__init__()
        self.word_embedding = nn.Embedding(vocabulary, width)
        self.segment_embedding = nn.Embedding(2, width)
        self.position_embedding = nn.Embedding(context, width)
        self.norm = nn.LayerNorm(width)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
        self.pooler = nn.Linear(width, width)

    def forward(self, tokens: Tensor, segments: Tensor) -> Tensor:
        place = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.word_embedding(tokens) + self.segment_embedding(segments) + self.position_embedding(place)
        x = self.norm(x)
        for block in self.blocks:
            x = block(x)
        return torch.tanh(self.pooler(x[:, 0]))
