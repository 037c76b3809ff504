"""Python targets: what they name, and the error for each way to name it wrongly."""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from netfig.errors import ExitCode, InvalidInput, Missing, ModelFailed, NetfigError, UsageError
from netfig.sources.importing import folder_of, importable
from netfig.sources.targets import Resolved, made, resolve, split_target

NET = """
from __future__ import annotations
from dataclasses import dataclass
import random
import torch
from torch import nn
from blocks import Block

@dataclass
class Config:
    width: int = 8

class Net(nn.Module):
    def __init__(self, num_classes: int = 4, *, config: Config | None = None):
        super().__init__()
        self.block = Block((config or Config()).width, num_classes)
    def forward(self, x):
        return self.block(x)

class Sized(nn.Module):
    def __init__(self, size, depth, rate=0.1):
        super().__init__()

class Raises(nn.Module):
    def __init__(self):
        raise ValueError("no good\\nmore of it")

class _Hidden(nn.Module):
    pass

def small(n=3):
    return nn.Sequential(nn.Linear(4, n))

def number():
    return 3

class zoo:
    tiny = nn.Linear(3, 2)
    by_name = {"a": nn.Linear(2, 2)}
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], Path]:
    """Write a file below an empty working directory."""
    monkeypatch.chdir(tmp_path)

    def to(name: str, text: str) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    to("a/net.py", NET)
    to("a/blocks.py", "from torch import nn\nclass Block(nn.Linear): pass\n")
    return to


def found(text: str, **kwargs: str) -> Resolved:
    target = split_target(text)
    assert target is not None
    return resolve(target, **kwargs)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("target", "name", "shape"),
    [
        ("a/net.py:Net", "Net", (4, 8)),
        ("a/net.py:Net(num_classes=7)", "Net", (7, 8)),
        ("a/net.py:Net(7)", "Net", (7, 8)),
        ("a/net.py:Net(+7, config=None)", "Net", (7, 8)),
        ("a/net.py:small", "small", (3, 4)),
        ("a/net.py:small(5)", "small", (5, 4)),
        ("a/net.py:zoo.tiny", "tiny", (2, 3)),
        ("a/net.py:zoo.by_name['a']", "a", (2, 2)),
    ],
)
@pytest.mark.usefixtures("write")
def test_a_target_names_a_class_a_call_a_factory_or_an_instance(target: str, name: str, shape: tuple[int, int]) -> None:
    resolved = found(target)
    assert (resolved.name, tuple(next(resolved.value.parameters()).shape)) == (name, shape)


@pytest.mark.parametrize(
    ("target", "kind", "what", "rest"),
    [
        ("a/nets.py:Net", Missing, "file 'a/nets.py' does not exist", "did you mean 'a/net.py'?"),
        ("b/net.py:Net", Missing, "file 'b/net.py' does not exist", "the folder 'b' does not exist"),
        ("nowhere.pkg:Net", Missing, "no module named 'nowhere'", "nowhere/pkg.py"),
        ("a/net.py:Nett", UsageError, "a/net.py has no 'Nett'", "did you mean 'Net'? Known: Net, Raises, Sized"),
        ("a/net.py:zoo.tinny", UsageError, "'zoo' in a/net.py has no 'tinny'", "did you mean 'tiny'?"),
        ("a/net.py:zoo.by_name['b']", UsageError, "'zoo.by_name' in a/net.py has no item 'b'", "a"),
        ("a/net.py:Sized", UsageError, "Sized needs 2 arguments: 'size', 'depth'", "write 'a/net.py:Sized(size=…, depth=…)'"),
        ("a/net.py:Sized(3)", UsageError, "Sized needs an argument: 'depth'", "write 'a/net.py:Sized(3, depth=…)'"),
        ("a/net.py:Sized(3, 4, rat=1)", UsageError, "Sized does not take these arguments", "did you mean 'rate'?"),
        (
            "a/net.py:Sized(3, size=4)",
            UsageError,
            "Sized does not take these arguments: multiple values",
            "Sized(size, depth, rate=0.1)",
        ),
        ("a/net.py:Raises", ModelFailed, "Raises could not be made: ValueError: no good", "a/net.py:26: raise ValueError"),
        ("a/net.py:number", InvalidInput, "'a/net.py:number' is not an nn.Module but an int", "name an nn.Module class"),
        ("a/net.py:zoo.tiny(3)", UsageError, "'zoo.tiny' is already an instance (Linear)", "write 'a/net.py:zoo.tiny'"),
        ("a/net.py", UsageError, "a/net.py defines 3 modules: which one?", "it has Net, Sized, Raises"),
        ("a/net.py:Net(num_classes=ten)", InvalidInput, "'ten' in 'a/net.py:Net(num_classes=ten)' is not a literal", "^^^"),
        ("a/net.py:Net(__import__('os').getcwd())", InvalidInput, "\"__import__('os').getcwd()\" in", "is not a literal"),
        ("a/net.py:Net(**{})", InvalidInput, "'a/net.py:Net(**{})' unpacks with **", "write each name=value"),
        ("a/net.py:Net(", InvalidInput, "'a/net.py:Net(' cannot be read: '(' was never closed", "^"),
        ("a/net.py:1+2", InvalidInput, "'a/net.py:1+2' is not a target", "^^^"),
        ("a/net.py:[x for x in ()]", InvalidInput, "'a/net.py:[x for x in ()]' is not a target", "^"),
        ("a/net.py:lambda: 3", InvalidInput, "'a/net.py:lambda: 3' is not a target", "^"),
        ("a/net.py:" + "(" * 3000, InvalidInput, "", ""),
    ],
)
@pytest.mark.usefixtures("write")
def test_a_wrong_target_says_in_one_line_what_is_wrong_and_then_what_to_do(target: str, kind: type, what: str, rest: str) -> None:
    with pytest.raises(NetfigError) as caught:
        found(target)
    assert type(caught.value) is kind
    assert caught.value.what.startswith(what)
    assert "\n" not in caught.value.what
    assert rest in str(caught.value)


@pytest.mark.parametrize(
    ("text", "what", "where"),
    [
        ("def f(:\n  pass\n", "bad.py:1 is not valid Python", "def f(:"),
        ("x = 1\nx / 0\n", "importing bad.py raised ZeroDivisionError: division by zero", "bad.py:2: x / 0"),
        ("import nothing_of_the_kind\n", "importing bad.py raised ModuleNotFoundError", "bad.py:1: import nothing_of_the_kind"),
        ("import sys\nsys.exit(2)\n", "importing bad.py ended the program (SystemExit: 2)", "bad.py:2: sys.exit(2)"),
    ],
)
def test_a_file_that_fails_on_import_is_named_with_its_line(
    write: Callable[[str, str], Path], text: str, what: str, where: str
) -> None:
    write("bad.py", text)
    with pytest.raises(ModelFailed) as caught:
        found("bad.py:Net")
    assert caught.value.what.startswith(what)
    assert caught.value.where == where
    assert caught.value.exit_code is ExitCode.FAILED
    assert caught.value.__cause__ is not None


def test_a_file_that_is_not_python_is_invalid(write: Callable[[str, str], Path]) -> None:
    path = write("bad.py", "")
    path.write_bytes(b"\x00\x01\x02")
    with pytest.raises(NetfigError) as caught:
        found("bad.py:Net")
    assert "bad.py" in caught.value.what


def test_a_file_without_a_name_means_its_only_module(write: Callable[[str, str], Path]) -> None:
    write("one.py", "from torch import nn\nclass Only(nn.Linear):\n    def __init__(self): super().__init__(2, 3)\n")
    write("two.py", "from torch import nn\nclass Part(nn.ReLU): pass\nclass Whole(nn.ReLU): pass\nnet = Whole()\n")
    write("none.py", "def build(): ...\n")
    assert found("one.py").name == "Only"
    assert found("two.py").name == "Whole"
    with pytest.raises(UsageError, match=r"none\.py has no nn\.Module of its own") as caught:
        found("none.py")
    assert "write 'none.py:build'" in caught.value.hint


def test_two_folders_may_hold_siblings_of_the_same_name(write: Callable[[str, str], Path]) -> None:
    write(
        "b/net.py",
        "from blocks import Block\nfrom torch import nn\nclass Net(Block):\n    def __init__(self): super().__init__(3, 3, 3)\n",
    )
    write("b/blocks.py", "from torch import nn\nclass Block(nn.Conv2d): pass\n")
    kinds = [type(found(t).value).__mro__[1].__mro__[1] for t in ("b/net.py:Net",)]
    assert isinstance(found("a/net.py:Net").value.block, nn.Linear)
    assert kinds == [nn.Conv2d]
    assert isinstance(found("b/net.py:Net").value, nn.Conv2d)


def test_a_module_of_the_calling_program_is_neither_used_nor_replaced(write: Callable[[str, str], Path], tmp_path: Path) -> None:
    write("mine/blocks.py", "WHOSE = 'mine'\n")
    spec = importlib.util.spec_from_file_location("blocks", tmp_path / "mine/blocks.py")
    assert spec is not None
    mine = importlib.util.module_from_spec(spec)
    sys.modules["blocks"] = mine
    try:
        assert isinstance(found("a/net.py:Net").value.block, nn.Linear)
        assert sys.modules["blocks"] is mine
    finally:
        del sys.modules["blocks"]


def test_a_file_of_a_package_may_import_relatively(write: Callable[[str, str], Path]) -> None:
    write("pkg/__init__.py", "")
    write("pkg/sizes.py", "WIDTH = 5\n")
    write(
        "pkg/model.py",
        "from torch import nn\nfrom .sizes import WIDTH\nclass Net(nn.Linear):\n def __init__(self): super().__init__(WIDTH, 1)",
    )
    assert found("pkg/model.py:Net").value.in_features == 5
    assert found("pkg.model:Net").value.in_features == 5


@pytest.mark.usefixtures("write")
def test_importing_leaves_the_search_path_as_it_was() -> None:
    before = list(sys.path)
    found("a/net.py:Net")
    with pytest.raises(ModelFailed):
        found("a/net.py:Raises")
    assert sys.path == before


def test_code_may_import_a_sibling_late_while_its_folder_is_importable(write: Callable[[str, str], Path]) -> None:
    write("late.py", "def value():\n    import late_sibling\n    return late_sibling.VALUE\n")
    write("late_sibling.py", "VALUE = 7\n")
    target = split_target("late.py:value")
    assert target is not None
    with importable(folder_of("late.py", is_file=True)):
        assert resolve(target, wants_module=False).value() == 7


@pytest.mark.usefixtures("write")
def test_making_a_model_leaves_every_random_state_as_it_was_and_does_not_depend_on_it() -> None:
    weights = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        random.seed(seed)
        before = torch.get_rng_state().clone(), random.getstate()
        weights.append(found("a/net.py:Net").value.block.weight)
        assert torch.equal(torch.get_rng_state(), before[0])
        assert random.getstate() == before[1]
    assert torch.equal(*weights)


@pytest.mark.usefixtures("write")
def test_on_the_meta_device_a_model_is_made_without_memory() -> None:
    assert {p.device.type for p in found("a/net.py:Net", device="meta").value.parameters()} == {"meta"}
    assert {p.device.type for p in found("a/net.py:Net").value.parameters()} == {"cpu"}


def test_python_hands_over_an_instance_a_class_or_a_factory() -> None:
    instance = nn.Linear(2, 2)
    assert made(instance, "").value is instance
    assert isinstance(made(nn.ReLU, "ReLU").value, nn.ReLU)
    assert made(lambda: nn.Linear(4, 1), "<lambda>").value.in_features == 4
    with pytest.raises(UsageError, match="Linear needs 2 arguments: 'in_features', 'out_features'"):
        made(nn.Linear, "Linear")


def test_a_module_named_by_its_import_path_is_not_ours_to_change(write: Callable[[str, str], Path]) -> None:
    write("shared_net.py", "from torch import nn\nnet = nn.Linear(1, 1)\n")
    assert not found("shared_net:net").is_fresh
    assert found("shared_net:nn.Linear(1, 1)").is_fresh
    assert found("shared_net.py:net").is_fresh


@pytest.mark.parametrize(
    "name", ["x" * 100_000, "Net\0", "Net\x1b[31m", "Net\u202eten", "<script>", "Nét", "Net😀", "Net.a" * 20_000, "Net\nNet"]
)
@pytest.mark.usefixtures("write")
def test_a_hostile_name_gives_a_short_printable_error(name: str) -> None:
    with pytest.raises(NetfigError) as caught:
        found(f"a/net.py:{name}")
    assert len(str(caught.value)) < 2000
    assert all(c.isprintable() or c == "\n" for c in str(caught.value))


@pytest.mark.parametrize(
    ("text", "is_target"),
    [
        ("net.py", True),
        ("dir/net.py:Net", True),
        (r"C:\dir\net.py:Net", True),
        ("pkg.mod:Net(3)", True),
        ("pkg:net", True),
        ("graph.json", False),
        ("chain.layers", False),
        ("Conv2d(3, 16, 3) | ReLU", False),
        ("first: Conv2d(3, 16, 3)", False),
        ("pkg.mod", False),
        ("", False),
    ],
)
def test_a_target_is_known_by_its_text_alone(text: str, is_target: bool) -> None:
    assert (split_target(text) is not None) is is_target
