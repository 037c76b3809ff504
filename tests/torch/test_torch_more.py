"""The second set of awkward models, through the same judges as the first, and models that give nothing to compare."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from models_more import MORE
from test_torch_suite import (  # noqa: F401 - the same judges, with this file's models
    test_the_graph_counts_every_parameter_once,
    test_the_graph_has_a_path_for_every_true_dependency_and_no_more,
    test_the_replayed_graph_gives_the_models_own_outputs,
    test_the_users_model_inputs_and_generators_are_as_before,
)

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(params=MORE, ids=str)
def prepared(request: pytest.FixtureRequest) -> Any:
    case = MORE[request.param]
    torch.manual_seed(0)
    model = case.model()
    args, kwargs = case.inputs()
    with torch.set_grad_enabled(case.grad):
        yield case, model, args, kwargs
