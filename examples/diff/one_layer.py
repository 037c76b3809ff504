# title: One layer of twelve
# category: Two models
# summary: Only the eighth layer is opened, because only it differs; the others are two boxes that say how many they are.
# command: netfig diff examples/diff/one_layer.py:Encoder "examples/diff/one_layer.py:Encoder(narrow=7)" --input 12x64 --name-a "12 layers" --name-b "one of them narrow" -o diff-one-layer.svg

from torch import Tensor, nn


class Layer(nn.Module):
    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, 4, batch_first=True)
        self.norm2 = nn.LayerNorm(width)
        self.up = nn.Linear(width, hidden)
        self.act = nn.GELU()
        self.down = nn.Linear(hidden, width)

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm1(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.down(self.act(self.up(self.norm2(x))))


class Encoder(nn.Module):
    def __init__(self, width: int = 64, layers: int = 12, narrow: int | None = None) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width, width if k == narrow else 4 * width) for k in range(layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return self.norm(x)
