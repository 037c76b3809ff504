# title: Transformer encoder, as a tower
# category: Attention
# summary: PyTorch's own encoder: six equal layers, the norm after each sum; the same with the norm first.
# command: netfig draw examples/transformers/encoder.py:encoder --input 10x64 --renderer tower -o encoder-tower.svg
# command: netfig draw "examples/transformers/encoder.py:encoder(norm_first=True)" --input 10x64 --renderer tower -o encoder-pre-norm.svg

from torch import nn


def encoder(norm_first: bool = False, layers: int = 6) -> nn.TransformerEncoder:
    layer = nn.TransformerEncoderLayer(64, 4, 256, activation="gelu", batch_first=True, norm_first=norm_first)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
