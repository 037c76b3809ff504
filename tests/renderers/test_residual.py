"""The renderer `residual`, judged against torch: its own modules, hooks on them, and the wiring of the graph."""

from __future__ import annotations

import functools
import importlib.util
import json
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

import netfig
from netfig.errors import UsageError
from netfig.figure import Box, Figure
from netfig.mathtext import text_of
from netfig.pipeline import render
from netfig.registry import current_registry
from netfig.renderers.options import ResidualOptions
from netfig.renderers.residual import draw_residual
from netfig.testing import check_renderer, figure_problems

EXAMPLES = Path(__file__).parents[2] / "examples"
PAGE = 520.0


@functools.cache
def example(name: str):
    spec = importlib.util.spec_from_file_location(f"example_{Path(name).stem}", EXAMPLES / name)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@functools.cache
def traced(name: str, side: int = 64, made: str = "model"):
    return netfig.trace(getattr(example(name), made)().eval(), torch.zeros(1, 3, side, side))


def drawn(graph, **options) -> Figure:
    return draw_residual(graph, ResidualOptions(**options))


def words(box: Box) -> str:
    return " ".join([*(text_of(line) for line in box.title), *(text_of(row.text) for row in box.rows)])


def overview(figure: Figure) -> list[Box]:
    return list(figure.root.children[0].children)


def row(figure: Figure, number: int = 0) -> list[Box]:
    return list(figure.root.children[1].children[number].children)


def chain(figure: Figure, number: int = 0) -> list[str]:
    """The words of a row's boxes on its centre line, from left to right."""
    found = sorted((b for b in row(figure, number) if b.place[1] == 1), key=lambda b: b.place[0])
    return [words(b) for b in found]


def lane(figure: Figure, number: int = 0) -> list[str]:
    return [words(b) for b in row(figure, number) if b.place[1] == 0]


def label_of_skip(figure: Figure, number: int = 0) -> str:
    ids = {b.id for b in row(figure, number)}
    return " ".join(text_of(w.label) for w in figure.wires if w.role == "skip" and w.target.box in ids and w.label)


RESNETS = [
    ("residual/cifar_resnet18.py", "model"),
    ("residual/resnet50.py", "model"),
    ("residual/resnet50.py", "resnext"),
    ("residual/preactivation.py", "model"),
    ("residual/mobilenet_v2.py", "model"),
    ("residual/densenet121.py", "model"),
]


class Squeeze(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.down, self.up = nn.Conv2d(channels, channels // 4, 1), nn.Conv2d(channels // 4, channels, 1)

    def forward(self, x):
        return x * torch.sigmoid(self.up(torch.relu(self.down(F.adaptive_avg_pool2d(x, 1)))))


class SqueezeBlock(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv, self.norm, self.squeeze = (
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
            Squeeze(channels),
        )

    def forward(self, x):
        return torch.relu(self.squeeze(self.norm(self.conv(x))) + x)


class ConvNext(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.depthwise, self.norm = nn.Conv2d(channels, channels, 7, padding=3, groups=channels), nn.LayerNorm(channels)
        self.widen, self.narrow = nn.Linear(channels, 4 * channels), nn.Linear(4 * channels, channels)
        self.gamma = nn.Parameter(torch.ones(channels))

    def forward(self, x):
        inner = self.narrow(F.gelu(self.widen(self.norm(self.depthwise(x).permute(0, 2, 3, 1)))))
        return x + (self.gamma * inner).permute(0, 3, 1, 2)


class Compact(nn.Module):
    """Three blocks in one forward: no module is a block."""

    def __init__(self):
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(3 if n == 0 else 16, 16, 3, padding=1) for n in range(7))

    def forward(self, x):
        x = torch.relu(self.convs[0](x))
        for n in (1, 3, 5):
            x = torch.relu(x + self.convs[n + 1](torch.relu(self.convs[n](x))))
        return x


class LongSkip(nn.Module):
    """Blocks, and a skip around all of them, as networks for super-resolution have it."""

    def __init__(self):
        super().__init__()
        self.head, self.body, self.tail = (
            nn.Conv2d(3, 16, 3, padding=1),
            nn.Sequential(*[SqueezeBlock(16) for _ in range(4)]),
            nn.Conv2d(16, 16, 3, padding=1),
        )

    def forward(self, x):
        x = self.head(x)
        return x + self.tail(self.body(x))


def small(*layers: nn.Module, given: int = 16):
    return netfig.trace(nn.Sequential(*layers).eval(), torch.zeros(1, given, 16, 16))


# --- what is found ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "made", "block"),
    [
        ("residual/cifar_resnet18.py", "model", "Block"),
        ("residual/resnet50.py", "model", "Bottleneck"),
        ("residual/resnet50.py", "resnext", "Bottleneck"),
        ("residual/preactivation.py", "model", "PreActivation"),
        ("residual/mobilenet_v2.py", "model", "InvertedResidual"),
    ],
)
def test_the_cards_count_the_blocks_of_each_stage_as_the_modules_do(name, made, block):
    model = getattr(example(name), made)()
    kind = getattr(example(name), block)
    stages = [m for m in model.modules() if isinstance(m, nn.Sequential) and len(m) and all(isinstance(c, kind) for c in m)]
    cards = [b for b in overview(drawn(traced(name, made=made))) if "block" in words(b)]
    assert [int(text_of(b.badge).strip("× ") or 1) if b.badge else 1 for b in cards] == [len(stage) for stage in stages]


def test_identity_and_projection_are_counted_as_torch_has_them():
    model = example("residual/resnet50.py").model()
    blocks = [m for m in model.modules() if isinstance(m, example("residual/resnet50.py").Bottleneck)]
    identity = sum(isinstance(b.shortcut, nn.Identity) for b in blocks)
    caption = text_of(drawn(traced("residual/resnet50.py")).caption[1])
    assert f"{len(blocks)} residual blocks: {identity} with identity skips, {len(blocks) - identity} with projections." in caption


def test_the_shapes_above_are_those_torch_computes():
    model, image = example("residual/cifar_resnet18.py").model().eval(), torch.zeros(1, 3, 32, 32)
    shapes = {}
    for name in ("stem", "layer1", "layer2", "layer3", "layer4", "head"):
        getattr(model, name).register_forward_hook(lambda _, __, out, name=name: shapes.update({name: tuple(out.shape[1:])}))
    model(image)
    above = [text_of(b.above[0]) for b in overview(drawn(traced("residual/cifar_resnet18.py", 32)))]
    written = [f"{s[0]}@{s[1]}²" if len(s) == 3 else str(s[0]) for s in shapes.values()]
    assert above == ["3@32²", *written[:5], "512", "10", "10"]


def test_the_parameters_of_the_caption_are_those_of_torch():
    count = sum(p.numel() for p in example("residual/densenet121.py").model().parameters())
    assert f"{count:,} parameters" in text_of(drawn(traced("residual/densenet121.py")).caption[0])


@pytest.mark.parametrize(("name", "made"), RESNETS)
def test_no_op_is_lost_and_no_wire_is_invented(name, made):
    graph = traced(name, made=made)
    assert figure_problems(graph, drawn(graph)) == []


def test_class_names_play_no_part():
    renamed = type("Zork", (SqueezeBlock,), {})
    texts = [[words(b) for b in drawn(small(*[kind(16) for _ in range(3)])).boxes.values()] for kind in (SqueezeBlock, renamed)]
    assert texts[0] == texts[1]


def test_blocks_are_found_where_all_are_written_in_one_forward():
    figure = drawn(netfig.trace(Compact().eval(), torch.zeros(1, 3, 16, 16)))
    assert [words(b) for b in overview(figure)] == ["input", "3×3 conv ReLU", "residual block 16", "output"]
    assert chain(figure) == ["x", "3×3 conv 16", "ReLU", "3×3 conv 16", "+", "ReLU", "y"]


def test_a_graph_folded_before_gives_the_same_figure():
    from netfig.graph.repeats import fold_repeats

    graph = traced("residual/cifar_resnet18.py", 32)
    folded = fold_repeats(graph)
    assert folded != graph
    assert drawn(folded) == drawn(graph)


# --- one block opened ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("block", "number"), [("layer2.0", 0), ("layer2.1", 1)])
def test_the_steps_of_an_opened_block_are_in_the_order_torch_runs_them(block, number):
    model, ran = example("residual/cifar_resnet18.py").model().eval(), []
    short = {"Conv2d": "conv", "BatchNorm2d": "BN"}
    for name, module in model.get_submodule(block).named_modules():
        if type(module).__name__ in short and not name.startswith("shortcut"):
            module.register_forward_hook(lambda m, *_: ran.append(short[type(m).__name__]))
    model(torch.zeros(1, 3, 32, 32))
    steps = chain(drawn(traced("residual/cifar_resnet18.py", 32)), number)
    assert [w for step in steps for w in ("conv", "BN") if w in step] == ran == ["conv", "BN", "conv", "BN"]
    assert steps[-3:] == ["+", "ReLU", "y"]


def test_a_projection_has_its_layers_on_the_lane_and_an_identity_has_nothing_there():
    figure = drawn(traced("residual/cifar_resnet18.py", 32))
    assert lane(figure, 0) == ["1×1 conv 128 stride 2", "BN"]
    assert label_of_skip(figure, 0).startswith("projection skip")
    assert lane(figure, 1) == []
    assert label_of_skip(figure, 1) == "identity skip"
    assert [text_of(e) for e in figure.equations] == ["y = ReLU(F(x) + P(x))", "y = ReLU(F(x) + x)"]


def test_pre_activation_comes_before_the_split_only_where_it_is_shared():
    figure = drawn(traced("residual/preactivation.py", 32))
    assert chain(figure, 0)[1:3] == ["BN", "ReLU"]
    starts = [w.source.box for w in figure.wires if w.role == "skip" and w.target.box.endswith("shortcut")]
    assert len(starts) == 1
    assert words(figure.boxes[starts[0]]) == "ReLU"
    assert chain(figure, 1)[-2:] == ["+", "y"]
    assert [text_of(e) for e in figure.equations] == ["u = ReLU(BN(x))", "y = F(u) + P(u)", "y = F(x) + x"]


def test_groups_strides_and_depthwise_convolutions_are_said():
    figure = drawn(traced("residual/resnet50.py", made="resnext"), open="layer3.0")
    assert "3×3 conv 512 stride 2 32 groups" in chain(figure)
    figure = drawn(traced("residual/mobilenet_v2.py"), open="features.2.0")
    assert chain(figure)[4] == "3×3 depthwise conv 96 stride 2"


def test_a_block_without_a_skip_is_one_of_its_stage_and_says_so():
    figure = drawn(traced("residual/mobilenet_v2.py"), open="features.2")
    assert [text_of(group.detail) for group in figure.root.children[1].children] == ["F(x), no skip", "residual branch F(x)"]
    assert "+" not in chain(figure, 0)
    assert "+" in chain(figure, 1)
    assert [text_of(e) for e in figure.equations] == ["y = F(x)", "y = x + F(x)"]


def test_the_squeeze_gate_runs_beside_the_chain_and_meets_it_in_a_product():
    figure = drawn(small(SqueezeBlock(16), SqueezeBlock(16)))
    assert chain(figure) == ["x", "3×3 conv 16", "BN", "⊙", "+", "ReLU", "y"]
    (gate,) = [b for b in row(figure) if b.place[1] > 1]
    assert words(gate) == "gate avg pool 1×1 conv, 4 ReLU 1×1 conv, 16 sigmoid"
    into = {w.target.box for w in figure.wires if w.source.box == gate.id}
    assert [words(figure.boxes[one]) for one in into] == ["⊙"]


def test_a_convnext_block_shows_its_layer_scale_and_no_permutes():
    figure = drawn(small(ConvNext(16), ConvNext(16)))
    assert chain(figure) == ["x", "7×7 depthwise conv 16", "LN", "linear 64", "GELU", "linear 16", "scale γ", "+", "y"]
    assert {text_of(b.above[0]) for b in overview(figure)} == {"16@16²"}


def test_a_skip_around_all_blocks_is_drawn_over_the_row():
    figure = drawn(netfig.trace(LongSkip().eval(), torch.zeros(1, 3, 16, 16)))
    boxes = [words(b) for b in overview(figure)]
    assert boxes == ["input", "3×3 conv", "residual block 16", "3×3 conv", "+", "output"]
    ids = [b.id for b in overview(figure)]
    assert [
        (ids.index(w.source.box), ids.index(w.target.box)) for w in figure.wires if w.role == "skip" and w.source.box in ids
    ] == [(1, 4)]


# --- dense blocks -------------------------------------------------------------------------------------------------------------


def test_the_bus_of_a_dense_block_has_the_channels_torch_has():
    model, widths = example("residual/densenet121.py").model().eval(), []
    for layer in model.features[0].layers:
        layer.register_forward_hook(lambda _, given, out: widths.append(given[0].shape[1] + out.shape[1]))
    model(torch.zeros(1, 3, 64, 64))
    figure = drawn(traced("residual/densenet121.py"), open="features.0")
    on_bus = [int(text_of(b.above[0])) for b in row(figure) if words(b) == "cat"]
    assert on_bus == [*widths[:3], widths[-1]]
    assert "k = 32" in text_of(figure.caption[1])
    assert [text_of(b.badge) for b in overview(figure) if "dense" in words(b)] == ["× 6", "× 12", "× 24", "× 16"]


@pytest.mark.parametrize("before", [torch.relu, lambda x: x], ids=["a value of the network", "its input"])
def test_a_dense_block_is_found_as_well_where_each_concatenation_reads_the_one_before(before):
    class Nested(nn.Module):
        def __init__(self):
            super().__init__()
            self.convs = nn.ModuleList(nn.Conv2d(16 + 8 * n, 8, 3, padding=1) for n in range(4))

        def forward(self, x):
            x = before(x)
            for conv in self.convs:
                x = torch.cat([conv(x), x], 1)
            return x

    figure = drawn(netfig.trace(Nested().eval(), torch.zeros(1, 16, 8, 8)))
    assert [text_of(b.above[0]) for b in row(figure) if words(b) == "cat"] == ["24", "32", "40", "48"]


# --- options and refusals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "rows"), [("layer3", 2), ("layer3.0", 1), ("layer3.5", 1), ("3", 2)])
def test_what_is_opened_can_be_said(name, rows):
    figure = drawn(traced("residual/resnet50.py"), open=name)
    assert len(figure.root.children[1].children) == rows
    zoomed = [w.source.box for w in figure.wires if w.target.box == "open"]
    assert [words(figure.boxes[one]) for one in zoomed] == ["residual block 1024"]


def test_a_block_that_is_not_there_is_an_error_with_a_near_miss():
    with pytest.raises(UsageError) as caught:
        drawn(traced("residual/resnet50.py"), open="layer3.9")
    assert "no stage or block 'layer3.9'" in str(caught.value)
    assert "layer3." in caught.value.hint


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (nn.Sequential(nn.Conv2d(16, 4, 3), nn.ReLU()), "nothing in it adds two values"),
        (nn.TransformerEncoderLayer(16, 2, batch_first=True), "no convolution"),
    ],
)
def test_a_network_without_residual_blocks_is_refused_with_the_reason(model, why):
    given = torch.zeros(1, 16, 16, 16) if isinstance(model, nn.Sequential) else torch.zeros(1, 4, 16)
    graph = netfig.trace(model.eval(), given)
    assert current_registry().renderer("residual").suits(graph) == 0
    with pytest.raises(UsageError, match="no residual block") as caught:
        drawn(graph)
    assert why in caught.value.why


def test_two_branches_that_are_added_are_no_residual_block():
    class Two(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Conv2d(16, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)

        def forward(self, x):
            return torch.relu(self.a(x)) + torch.relu(self.b(x))

    with pytest.raises(UsageError, match="no residual block") as caught:
        drawn(small(Two()))
    assert "its one sum is not" in caught.value.why


# --- on the page --------------------------------------------------------------------------------------------------------------


def test_the_renderer_keeps_its_promises():
    check_renderer(current_registry().renderer("residual"))


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
@pytest.mark.parametrize(("name", "made"), RESNETS)
def test_each_figure_is_clean_at_the_width_of_a_page(name, made, theme):
    result = render(traced(name, made=made), current_registry(), renderer="residual", theme=theme, width=PAGE)
    assert [str(f) for f in result.lint()] == []


@pytest.mark.parametrize(
    "graph",
    [
        lambda: small(SqueezeBlock(16), SqueezeBlock(16)),
        lambda: netfig.trace(LongSkip().eval(), torch.zeros(1, 3, 16, 16)),
        lambda: small(ConvNext(16)),
    ],
)
def test_gates_long_skips_and_layer_scales_are_clean_at_the_width_of_a_page(graph):
    result = render(graph(), current_registry(), renderer="residual", width=PAGE)
    assert [str(f) for f in result.lint()] == []


def test_the_skip_is_the_only_thick_wire():
    result = render(traced("residual/cifar_resnet18.py", 32), current_registry(), renderer="residual")
    widths = {line.role: result.theme.role(line.role).width for line in result.drawing.lines if not line.dashed}
    assert widths["skip"] > 1.4 * max(width for role, width in widths.items() if role != "skip")


def test_the_row_is_on_one_centre_line_and_alike_columns_are_level():
    result = render(traced("residual/cifar_resnet18.py", 32), current_registry(), renderer="residual")
    middle = {
        s.box: ((s.bounds[0] + s.bounds[2]) / 2, (s.bounds[1] + s.bounds[3]) / 2) for s in result.drawing.shapes if not s.part
    }
    assert len({round(middle[b.id][1], 1) for b in overview(result.figure)}) == 1
    rows = [[middle[b.id] for b in row(result.figure, n) if b.place[1] == 1] for n in (0, 1)]
    assert [x for x, _ in rows[0]] == [x for x, _ in rows[1]]


def test_what_a_screen_reader_says_of_the_cifar_resnet():
    assert drawn(traced("residual/cifar_resnet18.py", 32)).alt == (
        "ResNet18, left to right: image (3@32²), 3×3 conv BN ReLU (64@32²), residual block 64 × 2 (64@32²), "
        "residual block 128 × 2 (128@16²), residual block 256 × 2 (256@8²), residual block 512 × 2 (512@4²), avg pool (512), "
        "linear (10), output (10). "
        "layer2.0, the first block opened, projection skip: 3×3 conv, BN, ReLU, 3×3 conv, BN, +, ReLU. "
        "layer2.1, the other block opened, identity skip: 3×3 conv, BN, ReLU, 3×3 conv, BN, +, ReLU. "
        "ResNet18. 11,173,962 parameters; batch dimension left out; 1 helper operation not drawn. "
        "8 residual blocks: 5 with identity skips, 3 with projections. BN: batch norm."
    )


# --- the training script ------------------------------------------------------------------------------------------------------


@pytest.fixture
def train(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES / "residual"))
    return example("residual/train.py").main


def test_training_writes_a_line_for_each_epoch_and_the_same_again(train, tmp_path):
    logs = [tmp_path / "a.jsonl", tmp_path / "b.jsonl"]
    for log in logs:
        train(["--epochs", "2", "--width", "2", "--pictures", "48", "--batch", "16", "--log", str(log)])
    lines = [json.loads(line) for line in logs[0].read_text().splitlines()]
    assert [line["epoch"] for line in lines] == [1, 2]
    assert all({"rate", "loss", "accuracy", "test_loss", "test_accuracy"} <= line.keys() for line in lines)
    assert logs[0].read_text() == logs[1].read_text()


def test_training_reads_the_binary_version_of_cifar_and_refuses_other_files(train, tmp_path):
    record = bytes([3]) + bytes(range(256)) * 12
    for name in ("data_batch_1.bin", "data_batch_2.bin", "test_batch.bin"):
        (tmp_path / name).write_bytes(record * 4)
    train(["--data", str(tmp_path), "--epochs", "1", "--width", "1", "--batch", "4", "--log", str(tmp_path / "log")])
    assert json.loads((tmp_path / "log").read_text())["epoch"] == 1
    pictures, labels = example("residual/train.py").read_cifar([tmp_path / "test_batch.bin"])
    assert labels.tolist() == [3] * 4
    assert pictures.shape == (4, 3, 32, 32)
    assert pictures[0, 0, 0, :2].tolist() == pytest.approx([-1.0, 1 / 127.5 - 1])
    (tmp_path / "test_batch.bin").write_bytes(b"no pictures")
    with pytest.raises(SystemExit, match="not records of 3073 bytes"):
        train(["--data", str(tmp_path)])
