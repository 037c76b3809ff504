# title: Transformer encoder
# category: Attention
# summary: Two layers of PyTorch's own encoder: self-attention and a feed-forward network, each with its residual connection.
# command: netfig draw examples/transformer_encoder.py:encoder --input 16x64 --direction up -o transformer-encoder.svg
# command: netfig draw examples/transformer_encoder.py:encoder_layer --input 16x64 --direction up -o transformer-encoder-layer.svg

from torch import nn


def encoder_layer() -> nn.TransformerEncoderLayer:
    return nn.TransformerEncoderLayer(d_model=64, nhead=4, dim_feedforward=256, dropout=0.1, batch_first=True)


def encoder() -> nn.TransformerEncoder:
    return nn.TransformerEncoder(encoder_layer(), num_layers=2)
