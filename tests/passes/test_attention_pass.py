"""The pass ``attention``: each way of writing attention becomes the same block, which computes what the model computes."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import attention_models as forms
import pytest
import torch
from attention_models import HEADS, TOKENS, WIDTH
from torch import Tensor, nn

import netfig
from netfig.evaluation.attention import attention_result
from netfig.graph import Graph, Op
from netfig.graph.attention import AttentionBlock, attention_blocks
from netfig.graph.repeats import fold_repeats, unfold_repeats
from netfig.passes.attention import REFUSED, normalise
from netfig.sources.torch_replay import verify

USUAL = {"heads": HEADS, "kv_heads": HEADS, "d_k": 4, "masks": (), "position": "none", "bias": "qkvo", "projections": "qkvo"}


def checked(model: nn.Module, *inputs: Any) -> Graph:
    """The graph of a model with its attentions as blocks, after a check that it computes what the model computes (float64)."""
    torch.manual_seed(0)
    model = model.double().eval()
    inputs = tuple(one.double() if one is not None and one.is_floating_point() else one for one in inputs)
    made: list[Graph] = []

    def through(graph: Graph) -> Graph:
        made.append(normalise(graph))
        return made[-1]

    shapes: dict[str, tuple[int, ...]] = {}

    def parts(op: Op, slots: Mapping[str, list[Tensor]]) -> list[Tensor]:
        found = attention_result(op, slots, {})
        shapes.update((out, tuple(one.shape)) for out, one in zip(op.outputs, found, strict=True))
        return found

    with torch.no_grad():
        result = verify(model, inputs, through=through, parts=parts)
    assert result.max_error < 1e-10, result.message
    graph = made[0]
    assert shapes == {id: graph.value_by_id[id].type.sizes for id in shapes}
    assert graph.parameter_count == sum(p.numel() for p in set(model.parameters()))
    assert normalise(graph) == graph
    return graph


def only(graph: Graph) -> AttentionBlock:
    blocks = attention_blocks(graph)
    assert len(blocks) == 1, [note.value for note in graph.notes if note.key == REFUSED]
    return blocks[0]


def said(block: AttentionBlock) -> dict[str, Any]:
    """The specification with plain numbers for sizes."""
    spec = block.spec
    return {
        name: getattr(one, "size", one) if not isinstance(one, (str, float, bool, tuple, type(None))) else one
        for name in spec.__dataclass_fields__
        for one in (getattr(spec, name),)
    }


def x(batch: int = 2, tokens: int = TOKENS) -> Tensor:
    return torch.randn(batch, tokens, WIDTH, generator=torch.Generator().manual_seed(tokens))


there = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]])

FORMS: dict[str, tuple[Any, tuple[Any, ...], dict[str, Any]]] = {
    "linear layers": (forms.Plain, (x(),), {"scale": "sqrt", "fused": "none", "cross": False}),
    "another memory": (forms.Plain, (x(), x(tokens=7)), {"queries": 5, "keys": 7, "cross": True}),
    "no biases": (lambda: forms.Plain(bias=False), (x(),), {"bias": ""}),
    "heads wider than a part of the model": (lambda: forms.Plain(size=6), (x(),), {"d_k": 6, "d_v": 6}),
    "one sample": (forms.Plain, (x(1),), {}),
    "one token": (forms.Plain, (x(2, 1),), {"queries": 1}),
    "one head of many": (lambda: forms.Plain(heads=1), (x(),), {"heads": 1, "kv_heads": 1, "d_k": 16}),
    "scaled_dot_product_attention": (forms.Fused, (x(),), {"masks": ("causal",)}),
    "grouped in one call": (lambda: forms.Grouped(groups=2), (x(),), {"kv_heads": 2}),
    "keys repeated": (lambda: forms.Repeated(groups=2), (x(),), {"kv_heads": 2, "masks": ("causal",)}),
    "one key for all": (lambda: forms.OneKeyForAll(groups=1), (x(),), {"kv_heads": 1}),
    "einsum": (forms.Einsum, (x(),), {"masks": ("causal",), "scale": "sqrt"}),
    "one matrix per head": (forms.OneMatrixPerHead, (x(),), {"d_k": 5, "bias": ""}),
    "GPT-2": (forms.Gpt2, (x(),), {"fused": "qkv", "masks": ("causal",)}),
    "GPT-NeoX": (forms.NeoX, (x(),), {"fused": "qkv", "fused_groups": HEADS}),
    "Falcon": (forms.Falcon, (x(),), {"fused": "qkv", "fused_groups": 2, "kv_heads": 2}),
    "one head": (forms.OneHead, (x(),), {"heads": 1, "kv_heads": 1, "d_k": 16, "bias": "qkv", "projections": "qkv"}),
    "mul and sum": (forms.MulAndSum, (x(),), {"heads": 1, "kv_heads": 1, "d_k": 16, "bias": "qkv", "projections": "qkv"}),
    "nothing but the core": (
        forms.Bare,
        tuple(torch.randn(2, 3, 5, 4) for _ in range(3)),
        {"heads": 3, "kv_heads": 3, "bias": "", "projections": "", "split": False, "merge": False},
    ),
    "pixels": (forms.OverPixels, (torch.randn(2, WIDTH, 3, 4),), {"queries": 12, "fused": "qkv"}),
    "layer norm of heads": (lambda: forms.Normed(nn.LayerNorm), (x(),), {"qk_norm": "layer", "norm_eps": 1e-5}),
    "root mean square of heads": (lambda: forms.Normed(forms.RmsNorm), (x(),), {"qk_norm": "rms", "norm_eps": 1e-6}),
    "torch's own": (lambda: forms.Normed(lambda n: nn.RMSNorm(n, eps=1e-6)), (x(),), {"qk_norm": "rms"}),
    "norm before heads": (forms.NormedBefore, (x(),), {"qk_norm": "rms", "qk_norm_over": "all"}),
    "cosine": (forms.Cosine, (x(),), {"qk_norm": "l2", "scale": "learned"}),
    "softcap": (forms.Capped, (x(),), {"softcap": 30.0, "scale": "sqrt"}),
    "softmax written out": (forms.SoftmaxWrittenOut, (x(),), {}),
    "rotated halves": (lambda: forms.RotatedHalves(heads=2), (x(),), {"position": "rotary", "rotary_style": "half"}),
    "rotated and grouped": (lambda: forms.RotatedHalves(groups=2), (x(),), {"position": "rotary", "kv_heads": 2}),
    "rotated chunks": (lambda: forms.RotatedChunks(heads=2), (x(),), {"position": "rotary", "rotary_style": "half"}),
    "rotated pairs": (lambda: forms.RotatedPairs(heads=2), (x(),), {"position": "rotary", "rotary_style": "interleaved"}),
    "rotated unbound": (lambda: forms.RotatedUnbound(heads=2), (x(),), {"position": "rotary", "rotary_style": "interleaved"}),
    "rotated complex": (lambda: forms.RotatedComplex(heads=2), (x(),), {"position": "rotary", "rotary_style": "interleaved"}),
    "rotated in part": (lambda: forms.RotatedInPart(heads=2), (x(),), {"position": "rotary", "rotary_dims": 4}),
    "T5": (forms.RelativeBias, (x(),), {"position": "relative", "masks": ("causal",), "scale": "none", "bias": ""}),
    "ALiBi": (forms.Slopes, (x(),), {"position": "alibi", "masks": ("causal",)}),
    "padding": (forms.Padded, (x(), there.bool()), {"masks": ("padding",), "mask_means": "keep"}),
    "padding that is added": (forms.PaddedByAdding, (x(), there), {"masks": ("padding",), "mask_means": "add"}),
    "window": (forms.Windowed, (x(),), {"masks": ("causal", "window"), "window": 3}),
    "Swin": (forms.SwinWindows, (torch.randn(2, 6, 6, WIDTH),), {"position": "relative", "masks": ("given",), "fused": "qkv"}),
    "Swin, one image": (forms.SwinWindows, (torch.randn(1, 6, 6, WIDTH),), {"position": "relative", "masks": ("given",)}),
    "learned queries": (forms.LearnedQueries, (x(),), {"queries": 3, "keys": 5, "cross": True}),
    "keys handed back": (forms.Cached, (x(),), {}),
    "projections shared": (forms.SharedBetweenHeads, (x(),), {"projections": "o", "bias": "o", "split": False, "scale": 0.25}),
    "nn.MultiheadAttention": (lambda: forms.SelfMha(False, batch_first=True), (x(),), {"fused": "qkv"}),
    "with weights": (lambda: forms.SelfMha(True, batch_first=True), (x(),), {"fused": "qkv"}),
    "tokens first": (lambda: forms.SelfMha(False), (x(),), {"queries": 2, "fused": "qkv"}),
    "tokens first, with weights": (lambda: forms.SelfMha(True), (x(),), {"queries": 2, "fused": "qkv"}),
    "no batch": (lambda: forms.SelfMha(True), (x()[0],), {"queries": 5, "fused": "qkv"}),
    "an encoder layer": (lambda: nn.TransformerEncoderLayer(WIDTH, HEADS, 32, batch_first=True), (x(),), {"fused": "qkv"}),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_becomes_the_block_with_the_right_specification_and_the_same_numbers(form: str) -> None:
    make, inputs, wanted = FORMS[form]
    found = said(only(checked(make(), *inputs)))
    rest = {} if "d_k" in wanted or form in ("rotated and grouped",) else {"d_k": found["d_k"]}
    wanted = {**USUAL, **({"heads": 2, "kv_heads": 2} if "rotated" in form and "grouped" not in form else {}), **rest, **wanted}
    assert {key: found[key] for key in wanted} == wanted


@pytest.mark.parametrize("form", [form for form in FORMS if form != "Falcon"])  # whose index is a list: a number, data
def test_a_trace_without_data_gives_the_same_block_as_one_with(form: str) -> None:
    make, inputs, _ = FORMS[form]
    model = make().double().eval()
    given = [one.double() if one.is_floating_point() else one for one in inputs]
    assert said(only(normalise(netfig.trace(model, *given)))) == said(only(checked(model, *inputs)))


@pytest.mark.parametrize("first", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_the_fast_path_of_an_encoder_layer_is_taken_apart(first: bool, masked: bool) -> None:
    layer = nn.TransformerEncoderLayer(
        WIDTH, HEADS, 32, batch_first=True, norm_first=first, activation="gelu" if masked else "relu"
    )
    graph = checked(layer, x(), None, there == 0) if masked else checked(layer, x())
    assert said(only(graph))["masks"] == (("padding",) if masked else ())
    assert not any("transformer_encoder" in str(op.attribute("target")) for op in graph.ops)


def test_a_decoder_layer_has_a_block_for_itself_and_one_for_the_memory() -> None:
    graph = checked(nn.TransformerDecoderLayer(WIDTH, HEADS, 32, batch_first=True), x(), x(tokens=7))
    own, memory = attention_blocks(graph)
    assert (own.spec.cross, memory.spec.cross, memory.spec.keys.size) == (False, True, 7)


def test_keys_and_values_of_another_width_are_read_from_their_own_matrices() -> None:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.attention = nn.MultiheadAttention(WIDTH, HEADS, kdim=12, vdim=10, batch_first=True)

        def forward(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
            return self.attention(q, k, v)[0]

    block = only(checked(Model(), x(), torch.randn(2, 7, 12), torch.randn(2, 7, 10)))
    assert (block.spec.d_key.size, block.spec.d_value.size, block.spec.fused) == (12, 10, "none")


@pytest.mark.parametrize(
    ("model", "inputs", "why"),
    [
        (forms.Bahdanau(), (x(), x(tokens=7)), "no product of queries and keys"),
        (forms.SmallFill(), (x(),), "does not hide"),
        (forms.TalkingHeads(), (x(),), "mixed between heads"),
        (forms.OverChannels(), (x(),), "compares features"),
    ],
)
def test_what_is_like_attention_but_is_none_stays_and_the_reason_is_noted(
    model: nn.Module, inputs: tuple[Any, ...], why: str
) -> None:
    graph = netfig.trace(model.eval(), *inputs)
    made = normalise(graph)
    notes = [note for note in made.notes if note.key == REFUSED]
    assert (made.ops, made.values, made.scopes) == (graph.ops, graph.values, graph.scopes)
    assert len(notes) == 1
    assert why in str(notes[0].value)
    assert normalise(made) == made


def test_a_mask_whose_numbers_are_not_known_is_read_as_it_is() -> None:
    model = forms.Gpt2()
    model.bias[0, 0, 0, 3] = True
    block = only(checked(model, x()))
    assert (block.spec.masks, block.spec.mask_means) == (("given",), "keep")
    assert block.reads("mask", "mask") is not None


def test_a_classifier_with_a_softmax_at_its_end_is_no_attention_and_nothing_is_said() -> None:
    graph = netfig.trace(nn.Sequential(nn.Linear(4, 3), nn.Softmax(-1)), torch.randn(2, 4))
    assert normalise(graph) is graph


def test_everything_outside_the_block_keeps_its_id_and_its_place() -> None:
    graph = netfig.trace(nn.TransformerEncoderLayer(WIDTH, HEADS, 32, batch_first=True).eval(), x())
    made = normalise(graph)
    kept = [op for op in made.ops if op.attribute("part") is None]
    assert kept == [op for op in graph.ops if not op.id.startswith("self_attn/")]
    assert made.inputs == graph.inputs
    assert made.outputs == graph.outputs
    assert next(s.parent for s in made.scopes if s.type_name == "Attention") == "self_attn"


def test_dropout_of_the_weights_in_training_is_a_part_of_the_block() -> None:
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, dropout=0.25, batch_first=True)
    graph = netfig.trace(layer, x(), netfig_options={"mode": "train"})
    block = only(normalise(graph))
    assert (block.spec.dropout, "dropout" in block.ops) == (0.25, True)


def test_parameters_of_scopes_that_are_gone_belong_to_the_block() -> None:
    made = normalise(netfig.trace(forms.Plain().eval(), x()))
    owned = [value for s in made.scopes for value in s.owns]
    assert sorted(owned) == sorted(v.id for v in made.values if v.kind == "parameter")
    assert set(only(made).scope.owns) == set(owned)


def test_weights_that_the_model_hands_back_are_those_of_the_block() -> None:
    made = checked(forms.Cached(), x())
    block = only(made)
    ports = [port.value for port in made.outputs]
    assert [block.makes(part) for part in ("o_proj", "k_heads", "v_heads", "softmax")] == ports


def test_a_block_may_stand_in_a_fold_of_equal_layers_and_layers_with_blocks_may_be_folded() -> None:
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, batch_first=True)
    graph = netfig.trace(nn.TransformerEncoder(layer, 3, enable_nested_tensor=False).eval(), x())
    folded = normalise(fold_repeats(graph))
    assert len(attention_blocks(folded)) == 1
    assert folded.parameter_count == graph.parameter_count
    blocks = normalise(graph)
    assert unfold_repeats(fold_repeats(blocks)) == blocks
    assert len(attention_blocks(fold_repeats(blocks))) == 1


def test_a_deep_model_takes_well_under_a_second() -> None:
    layer = nn.TransformerEncoderLayer(WIDTH, HEADS, 32, batch_first=True)
    graph = netfig.trace(nn.TransformerEncoder(layer, 24, enable_nested_tensor=False).eval(), x())
    start = time.process_time()
    made = normalise(graph)
    assert len(attention_blocks(made)) == 24
    assert time.process_time() - start < 1.0
