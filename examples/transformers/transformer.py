# title: The transformer
# category: Attention
# summary: Encoder and decoder as in "Attention is all you need": sine positions, and one matrix for both embeddings and the output.
# command: netfig draw examples/transformers/transformer.py:Transformer --input source=10:int64 --input target=7:int64 --renderer tower -o transformer.svg
# command: netfig draw examples/transformers/transformer.py:Transformer --input source=10:int64 --input target=7:int64 --renderer tower --opt tower.params=count -o transformer-params.svg

import torch
from torch import Tensor, nn


def positions(length: int, width: int, device: torch.device) -> Tensor:
    """Sines and cosines of the position, from fast to slow."""
    place = torch.arange(length, device=device).unsqueeze(1)
    rate = 10000.0 ** (-torch.arange(0, width, 2, device=device) / width)
    return torch.stack([torch.sin(place * rate), torch.cos(place * rate)], dim=-1).flatten(1)


class Transformer(nn.Module):
    def __init__(self, vocabulary: int = 96, width: int = 64, heads: int = 4, layers: int = 6) -> None:
        super().__init__()
        self.width = width
        self.embedding = nn.Embedding(vocabulary, width)
        self.body = nn.Transformer(width, heads, layers, layers, 4 * width, batch_first=True)
        self.output = nn.Linear(width, vocabulary, bias=False)
        self.output.weight = self.embedding.weight

    def embed(self, tokens: Tensor) -> Tensor:
        return self.embedding(tokens) * self.width**0.5 + positions(tokens.shape[1], self.width, tokens.device)

    def forward(self, source: Tensor, target: Tensor) -> Tensor:
        memory = self.body.encoder(self.embed(source))
        mask = nn.Transformer.generate_square_subsequent_mask(target.shape[1], device=target.device)
        hidden = self.body.decoder(self.embed(target), memory, tgt_mask=mask, tgt_is_causal=True)
        return self.output(hidden).softmax(-1)
