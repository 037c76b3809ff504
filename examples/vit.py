# title: Vision transformer
# category: Attention
# summary: A picture is cut into patches, each patch becomes a token, and a class token gathers the answer.
# command: netfig draw examples/vit.py:VisionTransformer --input 3x32x32 --depth 1 --direction up -o vit.svg

import torch
from torch import Tensor, nn


class VisionTransformer(nn.Module):
    def __init__(self, size: int = 32, patch: int = 8, width: int = 64, depth: int = 2, classes: int = 10) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        layer = nn.TransformerEncoderLayer(width, 4, 4 * width, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, depth, enable_nested_tensor=False)
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.patches(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(image.shape[0], -1, -1), tokens], dim=1) + self.position
        return self.head(self.norm(self.encoder(tokens))[:, 0])
