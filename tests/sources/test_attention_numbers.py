"""Attention weights of a model on real inputs: they are the model's own, and asking for them changes nothing."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from netfig.errors import InvalidInput
from netfig.graph import Graph
from netfig.hooks import Request
from netfig.pipeline import load, render
from netfig.pipeline.stages import renderer_for
from netfig.registry import current_registry
from netfig.renderers.attention_map import weights_in


class Mixer(nn.Module):
    """Self-attention by torch's own module, whose weights it hands back when asked."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=False)[0]


class Fused(nn.Module):
    """Attention by the fused function, which hides its weights."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.qkv = nn.Linear(8, 24)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).chunk(3, -1)
        return functional.scaled_dot_product_attention(q, k, v, is_causal=True)


def tokens(count: int = 5) -> Tensor:
    return torch.randn(1, count, 8, generator=torch.Generator().manual_seed(2))


def traced(model: nn.Module, *args: Tensor, numbers: str = "attention") -> Graph:
    registry = current_registry()
    request = Request(model.eval(), arguments=(args, {}))
    return load(request, registry, {"torch": {"numbers": numbers}}).graph


def weights(graph: Graph) -> list[Tensor]:
    values = [graph.value_by_id[id] for id in weights_in(graph)]
    return [torch.tensor(v.data).reshape(v.type.sizes) for v in values]


def test_the_weights_of_a_module_are_those_it_hands_back():
    model, x = Mixer().eval(), tokens()
    with torch.no_grad():
        expected = model.attention(x, x, x, average_attn_weights=False)[1]
    (found,) = weights(traced(model, x))
    assert torch.allclose(found.reshape(expected.shape), expected, atol=1e-5)


def test_the_weights_inside_of_the_fused_function_are_those_of_the_formula():
    model, x = Fused().eval(), tokens()
    q, k, _ = model.qkv(x).chunk(3, -1)
    scores = (q @ k.mT / math.sqrt(8)).masked_fill(torch.ones(5, 5).triu(1).bool(), -math.inf)
    (found,) = weights(traced(model, x))
    assert torch.allclose(found.reshape(1, 5, 5), torch.softmax(scores, -1), atol=1e-5)


@pytest.mark.parametrize("model", [Mixer(), Fused()], ids=lambda m: type(m).__name__)
def test_the_model_and_the_way_torch_attends_are_left_as_they_were(model):
    x = tokens()
    before = {name: p.detach().clone() for name, p in model.named_parameters()}
    fast, flash = torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled()
    graph = traced(model, x)
    assert (torch.backends.mha.get_fastpath_enabled(), torch.backends.cuda.flash_sdp_enabled()) == (fast, flash)
    assert all(torch.equal(p, before[name]) for name, p in model.named_parameters())
    assert graph.parameter_count == traced(model, x, numbers="none").parameter_count


def test_a_model_with_numbers_is_drawn_as_a_map_and_clean():
    registry, graph = current_registry(), traced(Mixer(), tokens())
    assert renderer_for(graph, registry) == "attention-map"
    for head in (1, 2):
        options = {"attention-map": {"head": head, "tokens": ("the", "cat", "sat", "down", "now")}}
        result = render(graph, registry, renderer="attention-map", options=options)
        assert [str(f) for f in result.lint()] == []
        assert f"head {head} of 2" in result.svg().lower().replace("\u00a0", " ")


def test_a_model_without_attention_says_so():
    with pytest.raises(InvalidInput, match="no attention weights"):
        traced(nn.Sequential(nn.Linear(8, 4), nn.ReLU()), tokens())


def test_probabilities_of_classes_are_no_attention():
    with pytest.raises(InvalidInput, match="no attention weights"):
        traced(nn.Sequential(nn.Linear(8, 4), nn.Softmax(-1)), tokens())
