"""``--input`` words, ``--inputs`` targets, and how they meet forward's parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from netfig.errors import InvalidInput, NetfigError, UsageError
from netfig.hooks import Request
from netfig.sources.forward import Forward
from netfig.sources.inputs import arrange, make_inputs, make_tensor, read_word


class Two(nn.Module):
    def forward(self, x: torch.Tensor, mask: Any = None, *, scale: float = 1.0) -> torch.Tensor:
        return x


class Text(nn.Module):
    def forward(self, tokens: torch.Tensor, lengths: torch.LongTensor) -> torch.Tensor:
        return tokens


class Any_(nn.Module):
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        return args


def inputs(model: nn.Module, *words: str, **rest: Any) -> Any:
    return make_inputs(Request("net.py:Net", inputs=words, **rest), model)


@pytest.mark.parametrize(
    ("word", "batch", "shape", "dtype"),
    [
        ("3x64x64", 1, (1, 3, 64, 64), torch.float32),
        ("3x64x64", 8, (8, 3, 64, 64), torch.float32),
        ("3×64×64", 0, (3, 64, 64), torch.float32),
        ("3,64, 64", 1, (1, 3, 64, 64), torch.float32),
        ("[3x64x64]", 8, (3, 64, 64), torch.float32),
        ("[]", 8, (), torch.float32),
        ("12:int64", 2, (2, 12), torch.int64),
        ("12:int", 2, (2, 12), torch.int64),
        ("[4]:bool", 2, (4,), torch.bool),
        ("4:half", 2, (2, 4), torch.float16),
        ("4:torch.bfloat16", 2, (2, 4), torch.bfloat16),
        ("4:complex64", 2, (2, 4), torch.complex64),
        ("0x4", 1, (1, 0, 4), torch.float32),
        (" x = 5 : int32 ", 1, (1, 5), torch.int32),
    ],
)
def test_a_word_makes_a_tensor_of_its_shape_and_dtype(word: str, batch: int, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    tensor = make_tensor(read_word(word), batch)
    assert (tuple(tensor.shape), tensor.dtype) == (shape, dtype)


@pytest.mark.parametrize(
    ("word", "at", "why"),
    [
        ("3x6a4", "a4", "sizes are joined by 'x'"),
        ("3xx4", "x4", "a size is a number"),
        ("3x", "", "a size is missing here"),
        ("", "", "a size is missing here"),
        ("x=", "", "a size is missing here"),
        ("-3", "-3", "a size is a number"),
        ("3x4:", "", "a dtype is missing"),
        ("3x4:int46", "int46", "unknown dtype 'int46'"),
        ("[3x4", "", "a closing ']' is missing"),
        ("[3x4]int64", "int64", "after the shape comes ':'"),
        ("99999999999999", "99999999999999", "this size is too large"),
        ("flag=@maybe", "maybe", "'maybe' is not a value"),
        ("flag=@open('x')", "open('x')", "is not a value"),
        ("3.5", ".5", "sizes are joined by 'x'"),
        ("٣x4", "٣x4", "a size is a number"),
    ],
)
def test_a_malformed_word_points_at_the_character(word: str, at: str, why: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_word(word)
    assert why in caught.value.what
    line, carets = f"  where: {caught.value.where}".split("\n")
    assert line[carets.index("^") :] == at


def test_a_misspelt_dtype_is_put_right() -> None:
    with pytest.raises(InvalidInput) as caught:
        read_word("12:int46")
    assert "did you mean 'int64'?" in caught.value.hint


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.text(alphabet="3x64[]:=@int bfloat'(),.é\n\0-", max_size=14))
def test_any_word_is_read_or_refused(word: str) -> None:
    error = None
    try:
        read_word(word)
    except NetfigError as raised:
        error = raised
    assert error is None or "^" in error.where


def test_the_same_word_always_gives_the_same_numbers_and_touches_no_global_state() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state().clone()
    first, second = make_tensor(read_word("3x4"), 1), make_tensor(read_word("3x4"), 1)
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), before)
    assert first.std() > 0.1


def test_integers_are_valid_indices() -> None:
    assert nn.Embedding(1, 2)(make_tensor(read_word("5:int64"), 1)).shape == (1, 5, 2)


def test_words_go_to_forward_by_position_and_by_name() -> None:
    made = inputs(Two(), "3x4", "mask=5:bool", "scale=@0.5", batch=2)
    assert [tuple(a.shape) for a in made.args] == [(2, 3, 4)]
    assert (made.kwargs["mask"].dtype, made.kwargs["scale"], made.batch) == (torch.bool, 0.5, 2)


@pytest.mark.parametrize(
    ("literal", "value"), [("true", True), ("None", None), ("-3", -3), ("'mean'", "mean"), ("[1, 2]", [1, 2]), ("(4,)", (4,))]
)
def test_a_value_is_handed_over_as_it_stands(literal: str, value: object) -> None:
    assert inputs(Two(), "3", f"mask=@{literal}").kwargs["mask"] == value


def test_indices_are_known_by_name_by_annotation_and_by_the_layer_that_reads_them() -> None:
    assert [v.dtype for v in inputs(Text(), "tokens=5", "lengths=[2]").kwargs.values()] == [torch.int64] * 2
    assert inputs(nn.Sequential(nn.Embedding(3, 4), nn.ReLU()), "5").args[0].dtype == torch.int64
    assert inputs(Text(), "tokens=5:float16", "lengths=5").kwargs["tokens"].dtype == torch.float16


def test_no_batch_is_claimed_where_none_was_added() -> None:
    assert inputs(Two(), "[3x4]", batch=4).batch is None
    assert inputs(Two(), "3x4", batch=0).batch is None


@pytest.mark.parametrize(
    ("model", "words", "what", "rest"),
    [
        (Two(), (), "no input is given: Two.forward takes (x, mask=None, scale=1.0)", "netfig draw 'net.py:Net' --input 3x64x64"),
        (Text(), (), "no input is given: Text.forward takes (tokens, lengths)", "--input tokens=12:int64 --input lengths="),
        (nn.Conv2d(5, 1, 1), (), "no input is given: Conv2d.forward takes (input)", "--input 5x64x64"),
        (nn.LSTM(7, 2), (), "no input is given: LSTM.forward takes (input, hx=None)", "--input 12x7"),
        (Any_(), (), "no input is given: Any_.forward takes (*args, **kwargs)", "such as"),
        (
            Two(),
            ("3", "4", "5"),
            "Two.forward takes (x, mask=None, scale=1.0), which does not fit 3 inputs",
            "too many positional",
        ),
        (
            Text(),
            ("3",),
            "Text.forward takes (tokens, lengths), which does not fit 1 input",
            "missing a required argument: 'lengths'",
        ),
        (Two(), ("3", "x=4"), "Two.forward takes", "multiple values for argument 'x'"),
        (Two(), ("3", "masc=4"), "Two.forward has no parameter 'masc'", "did you mean 'mask'?"),
        (Two(), ("3", "mask=4", "mask=5"), "input 'mask' is given twice", ""),
    ],
)
def test_inputs_that_do_not_fit_name_what_forward_takes(model: nn.Module, words: tuple[str, ...], what: str, rest: str) -> None:
    with pytest.raises(UsageError) as caught:
        inputs(model, *words)
    assert caught.value.what.startswith(what)
    assert rest in str(caught.value)


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
def test_a_scripted_forward_is_known_by_its_schema() -> None:
    scripted = torch.jit.script(nn.Linear(3, 2))
    with pytest.raises(UsageError, match="takes"):
        inputs(scripted, "3", "4", "5")
    assert tuple(inputs(scripted, "3").args[0].shape) == (1, 3)


def test_a_forward_that_needs_nothing_gets_nothing() -> None:
    class Still(nn.Module):
        def forward(self, x: Any = None) -> Any:
            return x

    assert inputs(Still()).args == ()


def test_any_structure_becomes_arguments() -> None:
    x, forward = torch.zeros(2), Forward(Two())
    assert arrange(x, forward).args == (x,)
    assert arrange((x, x), forward).args == (x, x)
    assert arrange([x, x], forward).args == ([x, x],)
    assert arrange({"x": x}, forward).kwargs == {"x": x}
    both = arrange(((x,), {"mask": x}), forward)
    assert (both.args, both.kwargs) == ((x,), {"mask": x})
    nested = {"image": x, "boxes": [x, {"y": x}]}  # no names of parameters: it is the argument itself
    assert arrange(nested, forward).args == (nested,)


def test_inputs_may_come_from_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("data.py").write_text(
        "import torch\ndef two(n=3):\n    return torch.zeros(n), None\nready = {'x': torch.ones(2)}\nclass A:\n    b = 5\n"
    )
    assert inputs(Two(), inputs_from="data.py:two").args[0].shape == (3,)
    assert inputs(Two(), inputs_from="data.py:two(4)").args[0].shape == (4,)
    assert inputs(Two(), inputs_from="data.py:ready").kwargs["x"].shape == (2,)
    assert inputs(Two(), inputs_from="data.py:A.b").args == (5,)
    with pytest.raises(UsageError, match=r"data\.py has no 'three'"):
        inputs(Two(), inputs_from="data.py:three")
    with pytest.raises(UsageError, match="is not a target"):
        inputs(Two(), inputs_from="data")
    with pytest.raises(UsageError, match="both given"):
        inputs(Two(), "3", inputs_from="data.py:two")


def test_arguments_from_python_are_checked_and_passed_on() -> None:
    x = torch.zeros(2)
    made = make_inputs(Request(Two(), arguments=((x,), {"scale": 2})), Two())
    assert (made.args, dict(made.kwargs)) == ((x,), {"scale": 2})
    with pytest.raises(UsageError, match="does not fit 0 inputs"):
        make_inputs(Request(Two(), arguments=((), {})), Two())
