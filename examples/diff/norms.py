# title: Post-norm and pre-norm
# category: Two models
# summary: Both normalisations of a transformer layer move from behind the additions to in front of what is added; no parameter is new.
# command: netfig diff examples/diff/norms.py:PostNorm examples/diff/norms.py:PreNorm --input 12x64 -o diff-norms.svg

from torch import Tensor, nn


class PostNorm(nn.Module):
    def __init__(self, width: int = 64, heads: int = 4) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)
        self.norm1 = nn.LayerNorm(width)
        self.up = nn.Linear(width, 4 * width)
        self.act = nn.GELU()
        self.down = nn.Linear(4 * width, width)
        self.norm2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm1(x + self.attention(x, x, x, need_weights=False)[0])
        return self.norm2(x + self.down(self.act(self.up(x))))


class PreNorm(PostNorm):
    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(self.act(self.up(self.norm2(x))))
