# title: ViT, as a tower
# category: Attention
# summary: A picture cut into patches, a class token before them, learned positions, twelve pre-norm blocks.
# command: netfig draw examples/transformers/vit.py:VisionTransformer --input 3x64x64 --renderer attention -o vit-attention.svg
# command: netfig draw examples/transformers/vit.py:VisionTransformer --input 3x64x64 --renderer tower -o vit-tower.svg

import torch
from torch import Tensor, nn


class VisionTransformer(nn.Module):
    def __init__(
        self, size: int = 64, patch: int = 16, width: int = 96, heads: int = 6, layers: int = 12, classes: int = 10
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, stride=patch)
        self.class_token = nn.Parameter(torch.zeros(1, 1, width))
        self.position_embedding = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        layer = nn.TransformerEncoderLayer(width, heads, 4 * width, activation="gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, layers, nn.LayerNorm(width), enable_nested_tensor=False)
        self.head = nn.Linear(width, classes)

    def forward(self, image: Tensor) -> Tensor:
        tokens = self.patches(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.class_token.expand(image.shape[0], -1, -1), tokens], dim=1) + self.position_embedding
        return self.head(self.encoder(tokens)[:, 0])
