"""What a user reads when a model cannot be traced, and what a partial trace keeps."""

from __future__ import annotations

import logging

import pytest
import torch
from torch import Tensor, nn

from netfig.errors import ModelFailed, UsageError
from netfig.sources.torch_trace import trace_module


class Inner(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(4, 6), nn.Linear(5, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.second(self.first(x).relu())


class Outer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.body = nn.Linear(4, 4), Inner()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(self.stem(x))


@pytest.mark.parametrize("device", ["auto", "meta", "cpu"])
def test_a_wrong_shape_names_the_module_path_the_function_and_the_shapes(device: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        trace_module(Outer(), (torch.randn(2, 4),), device=device)
    first, *rest = str(caught.value).splitlines()
    assert "'body.second' (Linear)" in first
    assert "linear" in first
    assert any("(2, 6) float32" in line for line in rest)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_a_wrong_shape_on_fake_tensors_is_told_once_and_not_logged(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.getLogger("torch._subclasses.fake_tensor")
    with pytest.raises(ModelFailed):
        trace_module(Outer(), (torch.randn(2, 4),), device="fake")
    assert capfd.readouterr().err == ""
    assert not logger.disabled


def test_the_error_a_user_sees_is_that_of_the_real_run() -> None:
    class NeedsValues(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            if float(x.sum()) > 0:
                raise ValueError("positive\nand more")
            return x

    with pytest.raises(ModelFailed, match="the model \\(NeedsValues\\) failed: positive") as caught:
        trace_module(NeedsValues(), (torch.ones(2),))
    assert isinstance(caught.value.__cause__, ValueError)
    assert "more" not in str(caught.value).splitlines()[0]


def test_a_partial_trace_keeps_what_ran_and_says_where_it_stopped() -> None:
    graph = trace_module(Outer(), (torch.randn(2, 4),), partial=True)
    assert {"stem", "body", "body.first"} <= set(graph.scope_by_id)
    assert any(op.kind == "relu" for op in graph.ops)
    assert "body.second" in str(graph.notes_on("")["failed"].value)
    assert "linear" in str(graph.notes_on("body.second")["failed"].value)
    assert not graph.outputs


def test_an_exception_the_model_catches_is_not_a_failure() -> None:
    class Tolerant(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.bad, self.good = nn.Linear(3, 3), nn.Linear(4, 3)

        def forward(self, x: Tensor) -> Tensor:
            try:
                return self.bad(x)
            except RuntimeError:
                return self.good(x)

    graph = trace_module(Tolerant(), (torch.randn(2, 4),))
    assert graph.outputs[0].value in graph.producer
    assert "failed" not in graph.notes_on("")
    assert graph.producer[graph.outputs[0].value].scope.startswith("good")


def test_too_many_arguments_fail_at_the_model_itself() -> None:
    with pytest.raises(ModelFailed, match="Outer"):
        trace_module(Outer(), (torch.randn(2, 4), torch.randn(1)))


def test_an_unknown_device_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="gpu"):
        trace_module(Outer(), (torch.randn(2, 4),), device="gpu")


def test_a_failed_trace_leaves_the_model_and_the_process_as_they_were() -> None:
    class Counts(Outer):
        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("count", torch.zeros(3))

        def forward(self, x: Tensor) -> Tensor:
            self.count.add_(1)
            torch.rand(2)
            return super().forward(x)

    model, x, asked = Counts(), torch.randn(2, 4), torch.overrides.has_torch_function
    state = torch.get_rng_state()
    with pytest.raises(ModelFailed):
        trace_module(model, (x,))
    assert torch.equal(model.count, torch.zeros(3))
    assert "forward" not in model.__dict__
    assert "forward" not in model.body.__dict__
    assert torch.overrides.has_torch_function is asked
    assert torch._C._len_torch_function_stack() == 0
    assert torch.equal(state, torch.get_rng_state())
