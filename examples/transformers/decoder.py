# title: Transformer decoder, as a tower
# category: Attention
# summary: PyTorch's own decoder: masked self-attention, then attention to a memory that comes from elsewhere.
# command: netfig draw examples/transformers/decoder.py:Decoder --input tokens=7:int64 --input memory=10x64 --renderer tower -o decoder-tower.svg

from torch import Tensor, nn


class Decoder(nn.Module):
    def __init__(self, vocabulary: int = 96, width: int = 64, heads: int = 4, layers: int = 6) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        layer = nn.TransformerDecoderLayer(width, heads, 4 * width, batch_first=True)
        self.layers = nn.TransformerDecoder(layer, layers)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        mask = nn.Transformer.generate_square_subsequent_mask(tokens.shape[1], device=tokens.device)
        return self.layers(self.embedding(tokens), memory, tgt_mask=mask, tgt_is_causal=True)
