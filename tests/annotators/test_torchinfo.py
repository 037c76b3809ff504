"""What torchinfo says is kept; where it is wrong the note says so; the caller's model is left alone."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pytest
import torch
import torchinfo
from torch import nn

import netfig
from netfig.annotators.torchinfo_notes import annotate
from netfig.graph import Note
from netfig.hooks import ModelRun
from netfig.sources.torch_trace import trace_module


def notes(model: nn.Module, *args: Any, **kwargs: Any) -> list[Note]:
    graph = trace_module(model, args, kwargs)
    return annotate(graph, ModelRun(model, args, kwargs))


def values(found: list[Note], key: str) -> dict[str, Any]:
    return {n.subject: n.value for n in found if n.key == key}


class Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.emb = nn.Embedding(100, 16)
        self.head = nn.Linear(16, 100, bias=False)
        self.head.weight = self.emb.weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.emb(x))


def test_a_plain_network_agrees_layer_by_layer() -> None:
    model = nn.Sequential(nn.Conv2d(3, 6, 5), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 28 * 28, 10))
    found = notes(model, torch.zeros(1, 3, 32, 32))
    direct = torchinfo.summary(model, (1, 3, 32, 32), verbose=0)
    assert values(found, "torchinfo.params")[""] == direct.total_params
    assert values(found, "torchinfo.mult_adds")[""] == direct.total_mult_adds
    assert values(found, "torchinfo.output_shape") == {"0": (1, 6, 28, 28), "1": (1, 6, 28, 28), "2": (1, 4704), "3": (1, 10)}
    assert values(found, "disagreement") == {}
    assert {n.author for n in found} == {f"torchinfo {torchinfo.__version__}"}


def test_a_tied_weight_that_torchinfo_counts_twice_is_a_disagreement() -> None:
    found = values(notes(Tied(), torch.zeros(1, 7, dtype=torch.long)), "disagreement")
    assert "torchinfo counts 3,200 parameters, the graph 1,600" in found[""]


def test_attention_that_torchinfo_counts_as_nothing_is_a_disagreement() -> None:
    found = values(notes(nn.TransformerEncoderLayer(64, 4, 128, batch_first=True), torch.zeros(2, 10, 64)), "disagreement")
    assert found[""] == "torchinfo counts 33,664 multiply-adds, the graph 680,960"


def test_a_linear_layer_on_a_sequence_is_a_disagreement() -> None:
    found = values(notes(nn.Sequential(nn.Linear(16, 4)), torch.zeros(2, 10, 16)), "disagreement")
    assert found[""] == "torchinfo counts 136 multiply-adds, the graph 1,280"


def test_biases_counted_as_multiply_adds_are_a_convention_and_no_disagreement() -> None:
    found = notes(nn.Sequential(nn.LSTM(10, 16)), torch.zeros(7, 2, 10))
    assert values(found, "disagreement") == {}


def test_parameters_of_a_normalization_counted_as_multiply_adds_are_a_convention_and_no_disagreement() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.LayerNorm(6))
    assert values(notes(model, torch.zeros(2, 3, 8, 8)), "disagreement") == {}


def test_a_layer_called_twice_has_notes_on_both_calls() -> None:
    class Twice(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(4, 4)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.fc(x))

    found = notes(Twice(), torch.zeros(1, 4))
    assert values(found, "torchinfo.params") == {"": 20, "fc": 20, "fc@1": 20}
    assert values(found, "disagreement") == {}


class Packed(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.lstm(nn.utils.rnn.pack_padded_sequence(x, torch.tensor([5, 2])))[0].data


class Keywords(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(4, 2)

    def forward(self, batch: dict[str, Any], *, scale: torch.Tensor | None = None) -> torch.Tensor:
        return self.fc(batch["x"]) if scale is None else self.fc(batch["x"] * scale)


@pytest.mark.parametrize(
    ("model", "args", "kwargs"),
    [
        (nn.Sequential(nn.Linear(4, 2)).half(), (torch.zeros(1, 4, dtype=torch.half),), {}),
        (nn.Sequential(nn.Linear(4, 2)).to("meta"), (torch.zeros(1, 4, device="meta"),), {}),
        (nn.Sequential(nn.Embedding(5, 2)), (torch.zeros(1, 4, dtype=torch.long),), {}),
        (Packed(), (torch.zeros(5, 2, 8),), {}),
        (Keywords(), ({"x": torch.zeros(1, 4), "nothing": None},), {}),
        (Keywords(), ({"x": torch.zeros(1, 4)},), {"scale": torch.ones(4)}),
    ],
    ids=["half", "meta", "integers", "packed", "dictionary and None", "keyword tensor"],
)
def test_inputs_that_torchinfo_cannot_take_itself_work(model: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    found = notes(model, *args, **kwargs)
    assert values(found, "torchinfo.failed") == {}
    assert values(found, "torchinfo.params")[""] == sum(p.numel() for p in model.parameters())


class Touchy(nn.Module):
    """A model with everything that a careless annotator would change."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(4)
        self.drop = nn.Dropout(0.5)
        self.calls: list[int] = []
        self.plain = torch.ones(4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.drop(self.norm(x)) * self.plain * random.random() * float(np.random.rand())


def test_the_callers_model_its_flags_its_hooks_and_the_random_state_stay_as_they_were() -> None:
    model = Touchy()
    model.norm.eval()
    seen: list[object] = []
    model.norm.register_forward_hook(lambda *_: seen.append(1))
    x = torch.randn(3, 4)
    graph = trace_module(model, (x,))
    seen.clear()
    before = {k: (id(v), v.clone()) for k, v in model.state_dict(keep_vars=True).items()}
    states = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    annotate(graph, ModelRun(model, (x,)))
    after = model.state_dict(keep_vars=True)
    assert all(id(after[k]) == id_ and torch.equal(after[k], v) for k, (id_, v) in before.items())
    assert (model.training, model.norm.training, model.drop.training) == (True, False, True)
    assert all(p.device.type == "cpu" for p in model.parameters())
    assert model.plain.device.type == "cpu"
    assert seen == []
    assert torch.equal(states[0], torch.get_rng_state())
    assert states[1] == random.getstate()
    assert states[2] == np.random.get_state()[1].tolist()


def test_a_crash_is_a_note_and_no_error() -> None:
    class Moody(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            if type(self).broken:
                raise OSError("no more")
            return self.fc(x)

        broken = False

    model, x = Moody(), torch.zeros(1, 2)
    graph = trace_module(model, (x,))
    Moody.broken = True
    (note,) = annotate(graph, ModelRun(model, (x,)))
    assert (note.subject, note.key, note.value) == ("", "torchinfo.failed", "OSError: no more")


def test_the_note_of_a_crash_says_nothing_that_differs_between_runs() -> None:
    class Strange:
        def __init__(self, x: torch.Tensor) -> None:
            self.x = x

        def __repr__(self) -> str:
            return f"{object.__repr__(self)} {self.x}"

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> Strange:
            return Strange(self.fc(x))

    model = Model()
    graph = trace_module(nn.Linear(2, 2), (torch.zeros(1, 2),))
    (note,) = annotate(graph, ModelRun(model, (torch.randn(1, 2),)))
    assert note.key == "torchinfo.failed"
    assert "unsupported" in str(note.value)
    assert "0x" not in str(note.value)
    assert "[[" not in str(note.value)


def test_a_model_that_takes_a_gradient_inside_runs() -> None:
    class Inner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(2, 2)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            (slope,) = torch.autograd.grad(self.fc(x).sum(), self.fc.weight)
            return x @ slope

    found = notes(Inner(), torch.zeros(1, 2))
    assert values(found, "torchinfo.failed") == {}


def test_without_a_live_model_there_is_nothing_to_say() -> None:
    graph = trace_module(nn.Linear(2, 2), (torch.zeros(1, 2),))
    assert annotate(graph, None) == []


def test_a_model_that_torchinfo_would_not_finish_is_a_note() -> None:
    model: nn.Module = nn.Linear(2, 2)
    for _ in range(60):
        model = nn.Sequential(model)
    x = torch.zeros(1, 2)
    (note,) = notes(model, x)
    assert note.key == "torchinfo.failed"
    assert "nest too deeply" in str(note.value)


def test_a_module_that_contains_itself_is_not_given_to_torchinfo() -> None:
    class Ring(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(2, 2)
            self.layer.around = self

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.layer(x)

    graph = netfig.trace(Ring(), torch.ones(1, 2))
    assert "contains itself" in str(graph.notes_on("")["torchinfo.failed"].value)
