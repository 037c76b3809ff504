"""``netfig trace --verify`` after passes: what they made is replayed where it can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from commandline import Netfig

MODEL = """
import torch
from torch import nn


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(*(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True) for _ in range(3)))

    def forward(self, x):
        return self.layers(x)
"""


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "layers.py").write_text(MODEL, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return "layers.py:Model"


def test_the_blocks_of_the_pass_attention_are_replayed_and_compared(netfig: Netfig, model: str) -> None:
    done = netfig("trace", model, "--input", "5x16", "--pass", "attention", "--verify")
    assert (done.code, "netfig: verified: 1 compared" in done.stderr) == (0, True), done.stderr
    assert done.stdout.count("Attention(d_model=16, heads=4") == 3


def test_a_fold_that_cannot_be_replayed_does_not_hinder_the_check_of_the_trace(netfig: Netfig, model: str) -> None:
    done = netfig("trace", model, "--input", "5x16", "--pass", "repeats", "--verify")
    assert (done.code, "netfig: verified: 1 compared" in done.stderr) == (0, True), done.stderr
