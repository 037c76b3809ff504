"""Layer chains: shapes and counts of the course cases, the short form, and errors that point at the layer."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from netfig.errors import InvalidInput, Missing, NetfigError, UsageError
from netfig.hooks import Request
from netfig.sources import layers
from netfig.sources.inputs import read_word
from netfig.sources.layers_build import build
from netfig.sources.layers_text import read_chain
from netfig.sources.layers_torch import layer_classes


def made(text: str, shape: str, batch: int = 1) -> tuple[nn.Module, torch.Tensor]:
    return build(read_chain(text), read_word(shape), batch, on_meta=False, needs_values=False)


def rows(text: str, shape: str) -> list[tuple[list[int], int]]:
    """Per layer, as torch itself runs it: the output shape without the batch, and the parameters."""
    model, x = made(text, shape)
    found = []
    for child in model.eval().children():
        x = child(x)
        found.append((list(x.shape[1:]), sum(p.numel() for p in child.parameters())))
    return found


A1 = [
    ([16, 64, 64], 448),
    ([16, 32, 32], 0),
    ([32, 30, 30], 4640),
    ([32, 16, 16], 0),
    ([8, 16, 16], 264),
    ([4, 12, 12], 804),
    ([576], 0),
    ([10], 5770),
]
A2 = [([16, 128, 128], 1216), ([16, 64, 64], 0), ([32, 62, 62], 4640), ([32, 31, 31], 0), ([30752], 0), ([100], 3075300)]
A3 = [
    ([3, 64, 64], 0),
    ([12, 48, 48], 10416),
    ([12, 16, 16], 0),
    ([3072], 0),
    ([128], 393344),
    ([128], 0),
    ([10], 1290),
    ([10], 0),
]
CASES = {
    "A1": (
        "Conv2d(3, 16, 3, stride=1, padding=1) | MaxPool2d(2, stride=2, padding=0) | Conv2d(16, 32, 3, stride=1, padding=0)"
        "| MaxPool2d(2, stride=2, padding=1) | Conv2d(32, 8, 1, stride=1, padding=0) | Conv2d(8, 4, 5, stride=1, padding=0)"
        "| Flatten() | Linear(576, 10)",
        "Conv2d(16, 3, padding=1) | MaxPool2d(2) | Conv2d(32, 3) | MaxPool2d(2, padding=1) | Conv2d(8, 1) | Conv2d(4, 5)"
        "| Flatten | Linear(10)",
        "3x64x64",
        A1,
    ),
    "A2": (
        "Conv2d(3, 16, 5, stride=1, padding='same') | MaxPool2d(2, stride=2) | Conv2d(16, 32, 3, stride=1, padding='valid')"
        "| MaxPool2d(2, stride=2) | Flatten() | Linear(30752, 100)",
        "Conv2d(16, 5, padding='same') | MaxPool2d(2) | Conv2d(32, 3) | MaxPool2d(2) | Flatten | Linear(100)",
        "3x128x128",
        A2,
    ),
    "A3": (
        "MaxPool2d(2, stride=2) | Conv2d(3, 12, 17) | MaxPool2d(3, stride=3) | Flatten() | Linear(3072, 128) | ReLU()"
        "| Linear(128, 10) | Softmax(dim=-1)",
        "MaxPool2d(2) | Conv2d(12, 17) | MaxPool2d(3) | Flatten | Linear(128) | ReLU | Linear(10) | Softmax",
        "3x128x128",
        A3,
    ),
}


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("form", [0, 1], ids=["full", "short"])
def test_a_course_case_has_its_shapes_and_counts_in_the_full_and_in_the_short_form(case: str, form: int) -> None:
    *texts, shape, expected = CASES[case]
    assert rows(texts[form], shape) == expected


def test_dense_and_convolutional_totals_of_case_a3_are_those_of_the_course() -> None:
    model, _ = made(CASES["A3"][1], "3x128x128")
    dense = sum(p.numel() for m in model.modules() if isinstance(m, nn.Linear) for p in m.parameters())
    assert (dense, sum(p.numel() for p in model.parameters())) == (394634, 405050)


SHORT = [
    ("Conv1d(8, 3)", "5x20", "Conv1d(5, 8, 3)"),
    ("Conv2d(8, kernel_size=3)", "5x20x20", "Conv2d(5, 8, kernel_size=3)"),
    ("Conv3d(8, 3)", "5x9x9x9", "Conv3d(5, 8, 3)"),
    ("ConvTranspose2d(8, 3, stride=2)", "5x9x9", "ConvTranspose2d(5, 8, 3, stride=2)"),
    ("Conv2d(out_channels=8, kernel_size=3)", "5x20x20", "Conv2d(5, 8, 3)"),
    ("BatchNorm1d", "7", "BatchNorm1d(7)"),
    ("BatchNorm1d", "7x11", "BatchNorm1d(7)"),
    ("BatchNorm2d(momentum=0.2)", "5x9x9", "BatchNorm2d(5, momentum=0.2)"),
    ("InstanceNorm2d", "5x9x9", "InstanceNorm2d(5)"),
    ("GroupNorm(3)", "6x9x9", "GroupNorm(3, 6)"),
    ("LayerNorm", "5x9", "LayerNorm(9)"),
    ("RMSNorm", "5x9", "RMSNorm(9)"),
    ("Linear(4)", "5x9", "Linear(9, 4)"),
    ("LSTM(16, num_layers=2)", "5x9", "LSTM(9, 16, num_layers=2, batch_first=True)"),
    ("GRU(16)", "5x9", "GRU(9, 16, batch_first=True)"),
    ("RNN(16, nonlinearity='relu')", "5x9", "RNN(9, 16, nonlinearity='relu', batch_first=True)"),
    ("MultiheadAttention(3)", "5x9", "MultiheadAttention(9, 3, batch_first=True)"),
    ("TransformerEncoderLayer(3, dim_feedforward=8)", "5x9", "TransformerEncoderLayer(9, 3, 8, batch_first=True)"),
]


@pytest.mark.parametrize(("short", "shape", "full"), SHORT, ids=[f"{s}@{i}" for s, i, _ in SHORT])
def test_a_size_left_out_is_the_one_of_the_input(short: str, shape: str, full: str) -> None:
    model, _ = made(short, shape)
    assert repr(model[0]) == repr(eval(f"nn.{full}", {"nn": nn}))


def test_positional_arguments_that_suffice_are_taken_as_they_stand() -> None:
    """Conv2d(16, 3, 1) is complete for torch, so it is not read as a short form."""
    with pytest.raises(InvalidInput, match="gets 3×64×64 and needs 16×H×W") as caught:
        made("Conv2d(16, 3, 1)", "3x64x64")
    assert "Conv2d(16, 3, stride=1)" in caught.value.hint


def test_the_first_of_several_outputs_goes_on() -> None:
    model, x = made("LSTM(16) | MultiheadAttention(4) | Linear(3)", "5x9", batch=2)
    assert model.eval()(x).shape == (2, 5, 3)


def test_attention_in_a_chain_attends_to_its_own_input() -> None:
    model, x = made("MultiheadAttention(3)", "5x9")
    torch.testing.assert_close(model.eval()(x), model[0](x, x, x)[0])


def test_a_traced_chain_has_the_shapes_and_the_count_of_the_course() -> None:
    graph = layers.load(Request(CASES["A1"][1], inputs=("3x64x64",)), None).graph
    assert [
        [d.size for d in graph.value_by_id[s.outputs[0]].type.shape or ()][1:] for s in graph.scopes if s.kind == "module"
    ] == [shape for shape, _ in A1]
    assert graph.parameter_count == 11926
    assert {n.key: n.value for n in graph.notes if n.subject == ""}["batch"] == 1


def test_a_file_is_traced_under_its_title_with_its_own_input_unless_another_is_given(tmp_path: Path) -> None:
    (tmp_path / "small.layers").write_text("input: 3x8x8\nfirst: Conv2d(4, 3)\nReLU\n")
    graph = layers.load(Request(str(tmp_path / "small.layers")), None).graph
    assert (graph.name, graph.origin) == ("small", "small.layers")
    assert [s.path for s in graph.scopes if s.kind == "module"] == ["first", "relu"]
    larger = layers.load(Request(str(tmp_path / "small.layers"), inputs=("5x9x9",), batch=2), None).graph
    assert larger.value_by_id[larger.inputs[0].value].type.sizes == (2, 5, 9, 9)
    (tmp_path / "small.layers").write_text("title: A small net\ninput: 3x8x8\nReLU\n")
    assert layers.load(Request(str(tmp_path / "small.layers")), None).graph.name == "A small net"


def test_python_may_hand_over_the_tensor_itself() -> None:
    loaded = layers.load(Request("Conv2d(4, 3) | Flatten", arguments=((torch.ones(5, 3, 8, 8),), {})), None)
    assert loaded.graph.value_by_id[loaded.graph.outputs[0].value].type.sizes == (5, 4 * 6 * 6)
    assert torch.equal(loaded.run.args[0], torch.ones(5, 3, 8, 8))
    with pytest.raises(UsageError, match="takes one tensor"):
        layers.load(Request("ReLU", arguments=((torch.ones(2), torch.ones(2)), {})), None)


@pytest.mark.parametrize("device", ["auto", "meta", "cpu"])
def test_a_chain_is_the_same_graph_on_every_device(device: str) -> None:
    request = Request("Conv2d(4, 3) | residual(BatchNorm2d | ReLU) | Flatten | Linear(2)", inputs=("3x8x8",), device=device)
    kinds = [o.kind for o in layers.load(request, None).graph.ops]
    assert kinds == [o.kind for o in layers.load(dataclasses.replace(request, device="auto"), None).graph.ops]


def test_a_residual_adds_its_input() -> None:
    model, x = made("residual(Conv2d(3, 3, padding=1) | ReLU)", "3x8x8")
    block = model.residual
    torch.testing.assert_close(model(x), x + block.relu(block.conv(x)))


def test_a_repeated_block_is_made_anew_each_time_with_its_own_sizes() -> None:
    model, _ = made("stage: 2 * (Conv2d(16, 3) | ReLU) | 2 * ReLU", "3x20x20")
    assert [n for n, _ in model.named_children()] == ["stage1", "stage2", "relu1", "relu2"]
    assert [m.in_channels for m in model.modules() if isinstance(m, nn.Conv2d)] == [3, 16]


def test_layers_get_short_names_numbered_where_they_repeat() -> None:
    text = "Conv2d(4, 3) | ReLU | MaxPool2d(2) | Conv2d(4, 3) | relu1: ReLU | AdaptiveAvgPool2d(1) | Flatten | ReLU | Linear(10)"
    model, _ = made(text, "3x32x32")
    names = [n for n, _ in model.named_children()]
    assert names == ["conv1", "relu2", "pool1", "conv2", "relu1", "pool2", "flatten", "relu3", "linear"]


def test_no_default_name_is_taken_by_torch_itself() -> None:
    from netfig.sources.layers_build import _short_name

    clashes = [n for n in layer_classes() if hasattr(nn.Sequential(), _short_name(read_chain(n).items[0]))]
    assert clashes == []


def test_a_nested_layer_is_an_argument() -> None:
    model, x = made("TransformerEncoder(TransformerEncoderLayer(nhead=4, dim_feedforward=16), num_layers=2)", "5x8")
    assert model.eval()(x).shape == (1, 5, 8)
    assert len(model.encoder.layers) == 2


def test_an_embedding_reads_integers_without_being_told() -> None:
    model, x = made("Embedding(50, 8) | Linear(2)", "12")
    assert (x.dtype, model(x).shape) == (torch.int64, (1, 12, 2))


def test_a_dtype_goes_into_the_weights() -> None:
    model, x = made("Linear(4)", "3:float64")
    assert model(x).dtype == torch.float64


def test_a_chain_too_large_for_memory_stays_without_memory() -> None:
    model, _ = made("Linear(1000000) | Linear(1000000)", "10")
    assert {p.device.type for p in model.parameters()} == {"meta"}


ERRORS = [
    (
        "AdaptiveAvgPool2d(0)",
        "3x8x8",
        "layer 1 'pool' (AdaptiveAvgPool2d) makes nothing: from 3×8×8 its output would be 3×0×0",
        "AdaptiveAvgPool2d(0)",
    ),
    (
        "Conv2d(3,16,3) | Linear(576,10)",
        "3x64x64",
        "layer 2 'linear' (Linear) does not fit: it gets 16×62×62 and needs …×576",
        "Linear(576,10)",
    ),
    ("Conv2d(4,16,3)", "3x64x64", "layer 1 'conv' (Conv2d) does not fit: it gets 3×64×64 and needs 4×H×W", "Conv2d(4,16,3)"),
    ("Flatten | Conv2d(16,3)", "3x8x8", "layer 2 'conv' (Conv2d) does not fit: it gets 192 and needs C×H×W", "Conv2d(16,3)"),
    (
        "head: Conv2d(16, 7)",
        "3x5x9",
        "layer 1 'head' (Conv2d) does not fit: it gets 3×5×9 and needs 3×H×W with H ≥ 7 and W ≥ 7",
        "Conv2d(16, 7)",
    ),
    (
        "MaxPool2d(9)",
        "3x5x5",
        "layer 1 'pool' (MaxPool2d) does not fit: it gets 3×5×5 and needs C×H×W with H ≥ 9 and W ≥ 9",
        "MaxPool2d(9)",
    ),
    ("Linear(5) | LSTM(4, 8)", "7x9", "layer 2 'lstm' (LSTM) does not fit: it gets 7×5 and needs T×4", "LSTM(4, 8)"),
    ("LayerNorm((3, 4))", "5x9", "layer 1 'norm' (LayerNorm) does not fit: it gets 5×9 and needs …×3×4", "LayerNorm((3, 4))"),
    ("BatchNorm2d(4)", "3x8x8", "layer 1 'norm' (BatchNorm2d) does not fit: it gets 3×8×8 and needs 4×H×W", "BatchNorm2d(4)"),
    (
        "residual(Conv2d(3, 3))",
        "3x8x8",
        "the residual does not fit: its chain makes 3×6×6 and needs 3×8×8, the shape of its input",
        "residual(Conv2d(3, 3))",
    ),
    ("Conv2d(16)", "3x8x8", "layer 1 'conv' (Conv2d) cannot be made: missing a required argument: 'kernel_size'", "Conv2d(16)"),
    ("Conv2d(16, 3, strid=2)", "3x8x8", "Conv2d has no argument 'strid'", "Conv2d(16, 3, strid=2)"),
    (
        "Conv2d(16, 3, padding='full')",
        "3x8x8",
        "layer 1 'conv' (Conv2d) cannot be made: Invalid padding string",
        "Conv2d(16, 3, padding='full')",
    ),
    ("ReLU | Conv2D(16, 3)", "3x8x8", "unknown layer 'Conv2D'", "Conv2D"),
    ("ReLU | LazyLinear(3)", "8", "unknown layer 'LazyLinear'", "LazyLinear"),
    (
        "Bilinear(2, 3, 4)",
        "8",
        "layer 1 'bilinear' (Bilinear) needs 2 inputs (input1, input2) and a chain gives one",
        "Bilinear(2, 3, 4)",
    ),
    ("Conv2d(16, 3", "3x8x8", "'(' is not closed", "("),
    ("ReLU | | ReLU", "8", "a layer is missing here", "| ReLU"),
    ("ReLU |", "8", "a layer is missing here", ""),
    ("ReLU -> Linear(3)", "8", "'->' means nothing in a layer chain", "-> "),
    ("ReLU Linear(3)", "8", "'Linear' is not expected here", "Linear"),
    ("Linear(same)", "8", "'same' is not a value", "same"),
    ("Linear(__import__('os'))", "8", "'__import__' is not a value", "__import__"),
    ("Linear(3, bias=False, 4)", "8", "a value without a name comes after one with a name", "4"),
    ("Linear(3, bias=False, bias=True)", "8", "'bias' is given twice", "bias=True"),
    ("Linear('3)", "8", "a string is not closed", "'3)"),
    ("a: ReLU | a: ReLU", "8", "the name 'a' stands for two layers", "ReLU"),
    ("train: ReLU", "8", "'train' cannot name a layer: every module has a 'train' of its own", "ReLU"),
    ("0 * (ReLU)", "8", "'0' is not a number of repetitions", "0"),
    ("1000 * (1000 * (ReLU))", "8", "the chain has 1,000,000 layers; the limit is 5,000", "1000 * (1000"),
    ("(" * 500 + "ReLU" + ")" * 500, "8", "brackets are nested more than 40 deep", "("),
    ("torch.optim.SGD(3)", "8", "'torch.optim.SGD' is not a layer of torch.nn", "torch.optim.SGD"),
]


@pytest.mark.parametrize(("text", "shape", "what", "at"), ERRORS, ids=[e[0][:40] for e in ERRORS])
def test_an_error_names_the_layer_and_points_at_it(text: str, shape: str, what: str, at: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        made(text, shape)
    assert caught.value.what.startswith(what)
    line, carets = f"  where: {caught.value.where}".split("\n")
    assert line[carets.index("^") :].startswith(at)
    assert len(carets) <= len(line) + 1


def test_an_error_in_a_file_names_its_line() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_chain("# a comment\nConv2d(16, 3)\nReLU(\n  inplace=mean)\n", "net.layers")
    line, carets = f"  where: {caught.value.where}".split("\n")
    assert line == "  where: net.layers:4:   inplace=mean)"
    assert line[carets.index("^") :] == "mean)"


def test_a_file_holds_names_comments_a_title_and_its_input() -> None:
    chain = read_chain(
        "# header\ntitle: The horse net  # really\ninput: 3x128x128\n\nmaxpool-1: MaxPool2d(2) # halves\n"
        "conv: Conv2d(\n  12,\n  17,\n)\n| ReLU\n"
    )
    assert (chain.title, chain.input) == ("The horse net", "3x128x128")
    assert [i.name for i in chain.items] == ["maxpool-1", "conv", None]


@pytest.mark.parametrize(
    ("text", "title"),
    [
        ("# title: A small CNN on 64×64 pictures \n# category: Nets\nReLU\n", "A small CNN on 64×64 pictures"),
        ("# title: one\ntitle: two\nReLU\n", "two"),
        ("# what the title: is\n# title:\nReLU  # title: none\n", None),
    ],
)
def test_a_comment_that_says_title_names_the_chain_unless_the_file_does(text: str, title: str | None) -> None:
    assert read_chain(text, "net.layers").title == title


@pytest.mark.parametrize(
    "word", ["X" * 100_000, "ReLU" + " " * 100_000, "A" + "\u202e", "A\x1b[31m", "😀", "ReLU(" * 30_000, "'" * 9999]
)
def test_a_hostile_chain_gives_a_short_printable_error(word: str) -> None:
    result = outcome(f"ReLU | {word}", "8")
    assert isinstance(result, nn.Module) is word.startswith("ReLU ")
    if isinstance(result, NetfigError):
        assert len(str(result)) < 2000
        assert all(c.isprintable() or c == "\n" for c in str(result))


def test_a_directive_stands_once() -> None:
    with pytest.raises(InvalidInput, match="'input' is given twice"):
        read_chain("input: 3\nReLU\ninput: 4\n", "net.layers")


def test_the_input_of_a_file_is_checked_where_it_stands() -> None:
    chain = read_chain("ReLU\ninput: 3xfoo\n", "net.layers")
    with pytest.raises(InvalidInput) as caught:
        layers._input_word(Request("net.layers"), chain, "net.layers", True)
    line, carets = f"  where: {caught.value.where}".split("\n")
    assert line[carets.index("^") :] == "3xfoo"


def test_a_chain_without_an_input_says_how_to_give_one() -> None:
    with pytest.raises(UsageError, match="needs the shape of its input") as caught:
        layers.load(Request("Conv2d(16, 3) | ReLU"), None)
    assert "netfig draw 'Conv2d(16, 3) | ReLU' --input 3x64x64" in caught.value.hint


@pytest.mark.parametrize(
    ("request_", "what"),
    [
        (Request("ReLU", inputs=("3", "4")), "takes one input, 2 are given"),
        (Request("ReLU", inputs=("x=3",)), "no input named 'x'"),
        (Request("ReLU", inputs=("@3",)), "takes a tensor"),
        (Request("ReLU", inputs_from="f.py:g"), "takes its input as a shape"),
    ],
)
def test_an_input_a_chain_cannot_take_is_refused(request_: Request, what: str) -> None:
    with pytest.raises(UsageError, match=what):
        layers.load(request_, None)


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    (tmp_path / "lenet.layers").write_text("ReLU")
    with pytest.raises(Missing) as caught:
        layers.load(Request(str(tmp_path / "lenett.layers")), None)
    assert "lenet.layers" in caught.value.hint


@pytest.mark.parametrize(
    ("target", "is_chain"),
    [
        ("Conv2d(3,16,3) | ReLU", True),
        ("ReLU", True),
        ("nn.ReLU | Linear(3)", True),
        ("2 * (ReLU)", True),
        ("first: Conv2d(3, 16, 3)", True),
        ("residual(ReLU)", True),
        ("  \nConv2d(16, 3)\nReLU", True),
        ("net.layers", True),
        ("lenet.py:Net", False),
        ("pkg.mod:Net(3)", False),
        ("graph.json", False),
        ("Graph(1).json", False),
        ("net.py", False),
        ("model.pt", False),
        ("some words", False),
        (3, False),
    ],
)
def test_a_chain_is_known_by_its_first_word(target: object, is_chain: bool) -> None:
    assert layers.accepts(target) is is_chain


_SEEDS = [*(t for c in CASES.values() for t in c[:2]), *(s for s, _, _ in SHORT), *(e[0] for e in ERRORS if len(e[0]) < 200)]
_PIECES = [
    "(",
    ")",
    "|",
    ",",
    "=",
    "*",
    ":",
    "-",
    ".",
    "'",
    "[",
    "]",
    "\n",
    "#",
    "0",
    "3",
    "1e9",
    "99999999999",
    "None",
    "True",
    "residual",
    "é",
    "\0",
    " ",
]


@st.composite
def mutated(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(_SEEDS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(text)))
        end = min(len(text), at + draw(st.integers(0, 6)))
        piece = draw(st.one_of(st.just(""), st.sampled_from(_PIECES), st.sampled_from(sorted(layer_classes()))))
        text = text[:at] + piece + text[end:]
    return text


@settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(text=mutated(), shape=st.sampled_from(["3x32x32", "5x9", "8", "[4x6]", "12:int64", "3x8x8x8"]))
def test_a_broken_chain_gives_a_module_or_an_error_with_a_position_and_nothing_else(text: str, shape: str) -> None:
    result = outcome(text, shape)
    if isinstance(result, NetfigError):
        assert result.what
        assert "\n" not in result.what
        assert "^" in result.where or "NUL" in result.what or "memory" in result.what
    else:
        assert isinstance(result, nn.Module)


def outcome(text: str, shape: str) -> nn.Module | NetfigError:
    """The module, or the error on purpose; any other exception is a failure of the test."""
    try:
        return made(text, shape)[0]
    except NetfigError as error:
        return error


@pytest.mark.parametrize("name", sorted(layer_classes()))
def test_every_layer_class_without_arguments_is_made_or_refused_with_a_position(name: str) -> None:
    results = [outcome(name, shape) for shape in ("3x16x16", "6x8", "8")]
    assert all(isinstance(r, nn.Module) or "^" in r.where for r in results)
