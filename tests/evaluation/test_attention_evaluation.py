"""The canonical graph of attention computes what torch and the papers' formulas compute."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from netfig.evaluation import evaluate
from netfig.graph.attention import attention_blocks, spec_of
from netfig.graph.attention_build import attention_graph
from netfig.schema import graph_from_json, graph_to_json

TOLERANCE = {"rtol": 0, "atol": 1e-12}


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def weights_of(module: nn.MultiheadAttention) -> dict[str, Tensor]:
    """The parameters of torch's module by the names the canonical graph gives them."""
    state = {k: v.detach() for k, v in module.named_parameters()}
    found = {"W_O": state["out_proj.weight"]}
    if "in_proj_weight" in state:
        found |= dict(zip(("W_Q", "W_K", "W_V"), state["in_proj_weight"].chunk(3), strict=True))
    else:
        found |= {f"W_{one.upper()}": state[f"{one}_proj_weight"] for one in "qkv"}
    if "in_proj_bias" in state:
        found |= dict(zip(("b_Q", "b_K", "b_V"), state["in_proj_bias"].chunk(3), strict=True))
        found["b_O"] = state["out_proj.bias"]
    return found


def seeded(*args: Any, **kwargs: Any) -> nn.MultiheadAttention:
    torch.manual_seed(3)
    module = nn.MultiheadAttention(*args, batch_first=True, dtype=torch.float64, **kwargs)
    for p in module.parameters():
        nn.init.normal_(p, std=0.5)
    return module


@pytest.mark.parametrize("heads", [1, 2, 4])
@pytest.mark.parametrize("bias", [True, False])
def test_self_attention_is_what_nn_multihead_attention_computes(heads: int, bias: bool) -> None:
    """Output and averaged weights agree to 1e-12 for any number of heads, a batch in front."""
    module, x = seeded(8, heads, bias=bias), random(3, 5, 8)
    graph = attention_graph(spec_of(8, heads, queries=5, bias="qkvo" if bias else ""))
    found = evaluate(graph, {"x": x}, weights_of(module))
    wanted, weights = module(x, x, x, average_attn_weights=False)
    torch.testing.assert_close(found["heads/o_proj.out"], wanted, **TOLERANCE)
    own = found["heads/softmax.out"]
    torch.testing.assert_close(own if heads > 1 else own.unsqueeze(1), weights, **TOLERANCE)


def test_cross_attention_with_other_features_is_what_nn_multihead_attention_computes() -> None:
    """Keys and values of other widths and another number of tokens."""
    module = seeded(8, 2, kdim=6, vdim=6)
    graph = attention_graph(spec_of(8, 2, queries=4, keys=7, d_key=6, cross=True))
    x, memory = random(4, 8), random(7, 6, seed=1)
    found = evaluate(graph, {"x": x, "memory": memory}, weights_of(module))
    torch.testing.assert_close(found["heads/o_proj.out"], module(x, memory, memory)[0], **TOLERANCE)


def test_a_causal_mask_and_a_padding_mask_are_what_torch_computes() -> None:
    """Both masks at once, the padding given as numbers."""
    module, x = seeded(8, 2), random(5, 8)
    graph = attention_graph(spec_of(8, 2, queries=5, masks=("causal", "padding"), mask_means="drop"))
    padding = torch.tensor([0, 0, 0, 1, 1])
    found = evaluate(graph, {"x": x, "mask": padding}, weights_of(module))
    causal = torch.ones(5, 5, dtype=torch.bool).triu(1)
    wanted = module(x, x, x, attn_mask=causal, key_padding_mask=padding.bool())[0]
    torch.testing.assert_close(found["heads/o_proj.out"], wanted, **TOLERANCE)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({}, {}),
        ({"masks": ("causal",)}, {"is_causal": True}),
        ({"scale": 0.25}, {"scale": 0.25}),
        ({"scale": "none"}, {"scale": 1.0}),
        ({"kv_heads": 2}, {"enable_gqa": True}),
        ({"kv_heads": 1, "d_v": 3}, {"enable_gqa": True}),
        ({"dropout": 0.1}, {}),
    ],
)
def test_heads_are_what_scaled_dot_product_attention_computes(settings: dict[str, Any], told: dict[str, Any]) -> None:
    """Without an output projection, with any scale, with grouped queries; a batch in front."""
    graph = attention_graph(spec_of(8, 4, queries=5, d_k=6, projections="qkv", bias="", **settings))
    found = evaluate(graph, {"x": random(2, 5, 8)}, seed=1)
    q, k, v = (found[f"heads/{one}_heads.out"] for one in "qkv")
    wanted = F.scaled_dot_product_attention(q, k, v, **told)
    torch.testing.assert_close(found["heads/sum.out"], wanted, **TOLERANCE)
    torch.testing.assert_close(found["heads/merge.out"], wanted.transpose(-3, -2).flatten(-2), **TOLERANCE)


@pytest.mark.parametrize("groups", [1, 2])
def test_a_fused_matrix_gives_the_same_as_its_rows_apart(groups: int) -> None:
    """Rows q, k, v one after another, or again and again for each group of heads."""
    graph = attention_graph(spec_of(8, 4, queries=5, kv_heads=2, fused="qkv", fused_groups=groups))
    stored, bias = random(16, 8), random(16, seed=2)
    found = evaluate(graph, {"x": random(5, 8, seed=3)}, {"W_QKV": stored, "b_QKV": bias}, seed=4)
    rows = torch.arange(16).reshape(groups, 16 // groups)
    share = {"q": slice(0, 8 // groups), "k": slice(8 // groups, 12 // groups), "v": slice(12 // groups, 16 // groups)}
    apart = {one: rows[:, part].flatten() for one, part in share.items()}
    given = {f"W_{k.upper()}": stored[v] for k, v in apart.items()} | {f"b_{k.upper()}": bias[v] for k, v in apart.items()}
    given |= {name: found[name] for name in ("W_O", "b_O")}
    other = evaluate(attention_graph(spec_of(8, 4, queries=5, kv_heads=2)), {"x": random(5, 8, seed=3)}, given)
    torch.testing.assert_close(found["heads/o_proj.out"], other["heads/o_proj.out"], **TOLERANCE)


@pytest.mark.parametrize("style", ["half", "interleaved"])
def test_rotary_embedding_turns_each_pair_by_its_angle(style: str) -> None:
    """Every pair of features, as a complex number, is multiplied by e^(i·position·base^(−2j/d)) (Su et al. 2021)."""
    graph = attention_graph(spec_of(8, 2, queries=5, position="rotary", rotary_style=style, rotary_base=100.0))  # type: ignore[arg-type]
    found = evaluate(graph, seed=0)
    before, after = found["heads/q_heads.out"], found["heads/q_rotary.out"]

    def pairs(x: Tensor) -> Tensor:
        low, high = x.chunk(2, -1) if style == "half" else (x[..., ::2], x[..., 1::2])
        return torch.complex(low, high)

    angles = torch.arange(5, dtype=torch.float64)[:, None] * 100.0 ** (-torch.arange(2, dtype=torch.float64) / 2)
    torch.testing.assert_close(pairs(after), pairs(before) * torch.exp(1j * angles), **TOLERANCE)


def test_a_bias_by_distance_and_alibi_are_added_to_the_scores() -> None:
    """The table is read at key − query; ALiBi's slopes for 2 heads are 1/16 and 1/256 (Press et al. 2022)."""
    found = evaluate(attention_graph(spec_of(8, 2, queries=3, position="relative")), seed=0)
    table, added = found["b_rel"], found["heads/bias.out"] - found["heads/scale.out"]
    assert table.shape == (2, 5)
    torch.testing.assert_close(added[1], torch.stack([table[1, 2 - i : 5 - i] for i in range(3)]), **TOLERANCE)
    found = evaluate(attention_graph(spec_of(8, 2, queries=3, position="alibi")), seed=0)
    added = found["heads/bias.out"] - found["heads/scale.out"]
    torch.testing.assert_close(added[:, 0, 2], torch.tensor([-2 / 16, -2 / 256], dtype=torch.float64), **TOLERANCE)


def test_a_window_shows_each_query_the_last_keys() -> None:
    """A causal window of 2: a token sees itself and the one before it."""
    found = evaluate(attention_graph(spec_of(8, 2, queries=4, masks=("causal", "window"), window=2)), seed=0)
    assert (found["heads/softmax.out"][0] > 0).int().tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]


def test_queries_and_keys_are_normalised_and_scores_are_capped() -> None:
    """RMS norm of each head by torch's own function; cap·tanh(s / cap)."""
    found = evaluate(attention_graph(spec_of(8, 2, queries=3, qk_norm="rms", softcap=2.0)), seed=0)
    wanted = F.rms_norm(found["heads/k_heads.out"], (4,), found["g_K"], 1e-6)
    torch.testing.assert_close(found["heads/k_norm.out"], wanted, **TOLERANCE)
    torch.testing.assert_close(found["heads/softcap.out"], 2 * torch.tanh(found["heads/scale.out"] / 2), **TOLERANCE)


def test_sizes_that_are_names_get_their_numbers_from_what_is_given() -> None:
    """d, h, n and d_k as names compute what the numbers compute."""
    named = attention_graph(spec_of("d", "h", queries="n"))
    numbers = attention_graph(spec_of(8, 2, queries=4))
    one = evaluate(named, sizes={"d": 8, "h": 2, "n": 4, "d_k": 4}, seed=5)
    two = evaluate(numbers, seed=5)
    assert torch.equal(one["heads/o_proj.out"], two["heads/o_proj.out"])
    assert math.prod(one["heads/o_proj.out"].shape) == 32


def test_a_block_is_read_back_as_it_was_specified() -> None:
    """The specification survives the graph and its JSON."""
    spec = spec_of("d", "h", kv_heads="g", position="rotary", masks=("causal", "window"), window=64, bias="", qk_norm="rms")
    graph = graph_from_json(graph_to_json(attention_graph(spec)))
    (block,) = attention_blocks(graph)
    assert block.spec == spec
    assert block.sources == ("x", "x", "x")
    assert block.reads("q_proj", "weight") == "W_Q"
