"""Multiply-adds agree with torch's own counter on real models, and say when they are only a lower bound."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from netfig.annotators import macs
from netfig.annotators.kinds import CHEAP, base
from netfig.graph import Graph
from netfig.graph.build import GraphBuilder
from netfig.sources.torch_trace import trace_module


class Functional(nn.Module):
    """Raw parameters, operators, einsum, attention."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.zeros(16, 16))
        self.kernel = nn.Parameter(torch.zeros(4, 1, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = F.linear(x @ self.w, self.w)
        y = torch.einsum("bij,bkj->bik", y, x)
        z = F.scaled_dot_product_attention(x[:, None], x[:, None], x[:, None])[:, 0]
        c = F.conv1d(z.transpose(1, 2)[:, :1], self.kernel)
        return torch.baddbmm(y, y, y).sum() + c.sum() + torch.mv(self.w, x[0, 0]).sum() * 0


MODELS: dict[str, tuple[nn.Module, tuple[torch.Tensor, ...]]] = {
    "convolutions": (
        nn.Sequential(nn.Conv2d(3, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Conv2d(16, 8, 3, groups=4, stride=2)),
        (torch.zeros(2, 3, 32, 32),),
    ),
    "transposed": (nn.ConvTranspose2d(16, 8, 2, stride=2), (torch.zeros(1, 16, 4, 4),)),
    "linear on three dimensions": (nn.Linear(16, 4), (torch.zeros(2, 10, 16),)),
    "gru": (nn.GRU(10, 16), (torch.zeros(7, 2, 10),)),
    "lstm": (nn.LSTM(10, 16, 2, bidirectional=True), (torch.zeros(5, 2, 10),)),
    "lstm cell": (nn.LSTMCell(8, 16), (torch.zeros(2, 8),)),
    "rnn cell": (nn.RNNCell(12, 16), (torch.zeros(1, 12),)),
    "encoder layer": (nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), (torch.zeros(2, 10, 64),)),
    "encoder layer in eval": (nn.TransformerEncoderLayer(64, 4, 128, batch_first=True).eval(), (torch.zeros(2, 10, 64),)),
    "decoder": (
        nn.TransformerDecoderLayer(32, 4, 64, batch_first=True),
        (torch.zeros(2, 5, 32), torch.zeros(2, 9, 32)),
    ),
    "embedding": (nn.Sequential(nn.Embedding(100, 8), nn.Linear(8, 3)), (torch.zeros(1, 4, dtype=torch.long),)),
}


def counted_by_torch(model: nn.Module, args: tuple[torch.Tensor, ...]) -> int:
    """Half of torch's flops, on the meta device with gradients, where it decomposes what it does not know."""
    import copy

    with FlopCounterMode(display=False) as counter:
        copy.deepcopy(model).to("meta")(*(a.to("meta") for a in args))
    return counter.get_total_flops() // 2


def notes(graph: Graph) -> dict[tuple[str, str], object]:
    return {(n.subject, n.key): n.value for n in macs.annotate(graph)}


@pytest.mark.parametrize("name", MODELS)
def test_a_models_multiply_adds_are_half_of_the_flops_that_torch_counts(name: str) -> None:
    model, args = MODELS[name]
    found = notes(trace_module(model, args))
    assert found[("", "macs")] == counted_by_torch(model, args)
    assert ("", "macs.unknown_ops") not in found


def test_functional_ops_are_counted_where_torchs_counter_knows_them() -> None:
    model, x = Functional(), torch.zeros(2, 10, 16)
    found = notes(trace_module(model, (x,)))
    mv = 16 * 16  # torch's counter leaves matrix times vector out
    assert found[("", "macs")] == counted_by_torch(model, (x,)) + mv


@pytest.mark.parametrize(("name", "expected"), [("encoder layer in eval", 680_960), ("transposed", 8_192)])
def test_known_totals_come_out(name: str, expected: int) -> None:
    model, args = MODELS[name]
    assert notes(trace_module(model, args))[("", "macs")] == expected


def test_attention_stands_on_its_module() -> None:
    model, args = MODELS["encoder layer in eval"]
    assert notes(trace_module(model, args))[("self_attn", "macs")] == 353_280


def test_a_packed_sequence_counts_its_elements_only() -> None:
    class Packed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(8, 16)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            packed = nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 2]))
            return self.lstm(packed)[0].data

    assert notes(trace_module(Packed(), (torch.zeros(5, 2, 8),)))[("", "macs")] == 10_752


def test_an_op_of_unknown_work_makes_a_lower_bound_and_is_named() -> None:
    class Fourier(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(8, 8)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.fft.rfft(self.fc(x)).real

    found = notes(trace_module(Fourier(), (torch.zeros(2, 8),)))
    assert found[("", "macs")] == 128
    assert found[("", "macs.unknown_ops")] == 1
    assert "fft" in str(found[("", "macs.unknown_kinds")])
    assert ("fc", "macs.unknown_ops") not in found


def test_a_shape_that_is_not_known_is_unknown_work_and_not_none() -> None:
    b = GraphBuilder("net")
    x = b.input("x", None)
    b.output("y", b.op("linear", {"input": x, "weight": b.parameter("w", (2, 3))}, shape=None))
    found = notes(b.finish())
    assert found[("", "macs")] == 0
    assert found[("", "macs.unknown_kinds")] == ("linear",)


@pytest.mark.parametrize(
    ("kind", "inputs", "out", "expected"),
    [
        ("lstm", {"input": (5, 2, 8), "w_ih": (64, 8), "w_hh": (64, 16), "b": (64,)}, (5, 2, 16), 15_360),
        ("bilinear", {"input1": (2, 3), "input2": (2, 4), "weight": (5, 3, 4), "bias": (5,)}, (2, 5), 2 * 5 * 3 * 4),
        ("addbmm", {"self": (2, 4), "batch1": (3, 2, 5), "batch2": (3, 5, 4)}, (2, 4), 3 * 2 * 5 * 4),
        ("dot", {"self": (7,), "tensor": (7,)}, (), 7),
        ("outer", {"self": (7,), "vec2": (3,)}, (7, 3), 0),
    ],
)
def test_one_op_alone_is_counted(kind: str, inputs: dict[str, tuple[int, ...]], out: tuple[int, ...], expected: int) -> None:
    b = GraphBuilder("net")
    stored = ("w_ih", "w_hh", "b", "weight", "bias")
    slots = {name: b.parameter(name, s) if name in stored else b.input(name, s) for name, s in inputs.items()}
    b.output("y", b.op(kind, slots, shape=out))
    assert notes(b.finish())[("", "macs")] == expected


def test_every_pointwise_op_of_torch_is_known_to_multiply_no_matrices() -> None:
    exotic = ("special_", "conj", "native_dropout_backward", "backward")
    names = set()
    for name in dir(torch.ops.aten):
        packet = getattr(torch.ops.aten, name)
        if isinstance(packet, torch._ops.OpOverloadPacket) and not name.startswith("__"):
            tags = [tag for overload in packet.overloads() for tag in getattr(packet, overload).tags]
            if torch.Tag.pointwise in tags and not any(word in name for word in exotic):
                names.add(base(name))
    assert len(names) > 100
    assert names - CHEAP == set()
