"""The torch source end to end: what it accepts, the modes, and what it leaves as it was."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from netfig.errors import InvalidInput, ModelFailed, UsageError
from netfig.hooks import NoOptions, Request
from netfig.sources import builtin_sources, torch_source

NET = """
import torch
from torch import nn
print("imported")

class Net(nn.Module):
    def __init__(self, width=4):
        super().__init__()
        print("made")
        self.fc = nn.Linear(3, width)
        self.drop = nn.Dropout(0.5)

    def forward(self, x, flag=False):
        import helper
        return self.drop(self.fc(x)) * helper.FACTOR

class Fails(Net):
    def forward(self, x):
        raise RuntimeError("not today")

class Words(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(10, 4)

    def forward(self, sentence):
        return self.table(sentence)
"""


@pytest.fixture
def net(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("sub").mkdir()
    Path("sub/net.py").write_text(NET)
    Path("sub/helper.py").write_text("FACTOR = 2\n")
    return "sub/net.py"


def load(target: Any, *words: str, **rest: Any) -> Any:
    return torch_source.load(Request(target, inputs=words, **rest), NoOptions())


def test_a_class_of_a_file_becomes_a_graph(net: str) -> None:
    loaded = load(f"{net}:Net(width=5)", "3", batch=7)
    graph = loaded.graph
    assert (graph.name, graph.origin) == ("Net", "net.py:Net(width=5)")
    assert graph.value_by_id[graph.outputs[0].value].type.sizes == (7, 5)
    assert graph.parameter_count == 3 * 5 + 5
    assert loaded.run.model(*loaded.run.args, **loaded.run.kwargs).shape == (7, 5)


def test_what_the_users_code_prints_goes_to_stderr(net: str, capsys: pytest.CaptureFixture[str]) -> None:
    load(f"{net}:Net", "3")
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "imported" in printed.err
    assert "made" in printed.err


def test_the_request_names_the_graph(net: str) -> None:
    assert load(f"{net}:Net", "3", name="Figure 1").graph.name == "Figure 1"


@pytest.mark.parametrize(("mode", "is_training"), [("eval", False), ("train", True), ("same", True)])
def test_the_model_runs_in_the_mode_asked_for(net: str, mode: str, is_training: bool) -> None:
    loaded = load(f"{net}:Net", "3", mode=mode)
    assert loaded.run.model.training is is_training
    kinds = [o.kind for o in loaded.graph.ops]
    assert any("dropout" in k or "bernoulli" in k for k in kinds) is is_training


@pytest.mark.parametrize("mode", ["eval", "train", "same"])
def test_an_instance_from_python_keeps_its_flags_weights_and_gradients(mode: str) -> None:
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Dropout(0.5))
    model[1].eval()
    model[0].bias.requires_grad_(False)
    flags = [m.training for m in model.modules()]
    state = {k: v.clone() for k, v in model.state_dict().items()}
    rng = torch.get_rng_state().clone()
    load(model, arguments=((torch.ones(2, 3),), {}), mode=mode)
    assert [m.training for m in model.modules()] == flags
    assert [p.requires_grad for p in model.parameters()] == [True, False, True, True]
    assert all(torch.equal(v, state[k]) for k, v in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), rng)


def test_flags_come_back_when_the_model_fails() -> None:
    class Fails(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("no")

    model = nn.Sequential(Fails())
    with pytest.raises(ModelFailed):
        load(model, "3")
    assert model.training
    assert model[0].training


def test_a_train_method_of_the_users_own_is_respected() -> None:
    class Frozen(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.norm = nn.BatchNorm1d(3)

        def train(self, mode: bool = True) -> Frozen:
            super().train(mode)
            self.norm.eval()
            self.norm.weight.requires_grad_(False)
            return self

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            assert not self.norm.training
            return self.norm(x)

    model = Frozen()
    load(model, "3", mode="train", batch=2)
    assert model.norm.training  # as it was: nobody had called train() on it
    assert model.norm.weight.requires_grad


def test_a_class_from_python_is_made_and_traced() -> None:
    assert load(nn.ReLU, "3").graph.name == "ReLU"


@pytest.mark.filterwarnings("ignore:.*torch.jit.script.*:DeprecationWarning")
@pytest.mark.parametrize("wrap", [torch.jit.script, torch.compile])
def test_a_scripted_or_compiled_module_keeps_its_name_and_its_parameters(wrap: Any) -> None:
    class Own(nn.Module):
        def forward(self, first: torch.Tensor) -> torch.Tensor:
            return first + 1

    globals()["Own"] = Own  # scripting looks the class up
    model = wrap(Own())
    assert load(model, "first=3").graph.name == "Own"
    with pytest.raises(UsageError, match="takes"):
        load(model, "3", "4")


def test_a_forward_that_raises_is_the_models_failure(net: str) -> None:
    with pytest.raises(ModelFailed, match="not today"):
        load(f"{net}:Fails", "3")


def test_a_wrong_shape_is_one_error_and_no_log(net: str) -> None:
    """In a process of its own: torch logs to the standard error it found when it was imported."""
    code = (
        "from netfig.hooks import Request; from netfig.sources import torch_source as t; from netfig.errors import ModelFailed\n"
        f"try: t.load(Request('{net}:Net', inputs=('9',)), None)\n"
        "except ModelFailed as error: print('FOUND', error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert "module 'fc' (Linear) failed" in done.stdout
    assert "1, 9" in done.stdout
    assert "Traceback" not in done.stderr


def test_a_graph_that_does_not_replay_is_an_error(net: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from netfig.sources import torch_replay

    assert load(f"{net}:Net", "3", verify=True).graph.name == "Net"
    wrong = torch_replay.Verification(False, "output differs by 0.5", 0.5, 1)
    monkeypatch.setattr(torch_replay, "verify", lambda *_: wrong)
    with pytest.raises(InvalidInput, match="does not give the model's outputs") as caught:
        load(f"{net}:Net", "3", verify=True)
    assert caught.value.why == "output differs by 0.5"


def test_floats_given_to_an_embedding_are_explained(net: str) -> None:
    with pytest.raises(ModelFailed) as caught:
        load(f"{net}:Words", "3")
    assert "12:int64" in caught.value.hint


def test_on_the_meta_device_nothing_takes_memory(net: str) -> None:
    loaded = load(f"{net}:Net(width=100000000000)", "3", device="meta")
    assert loaded.graph.parameter_count == 4 * 100000000000


def test_an_unknown_mode_is_refused(net: str) -> None:
    with pytest.raises(UsageError, match="unknown mode 'test'"):
        load(f"{net}:Net", "3", mode="test")


def test_sources_are_found_without_loading_torch() -> None:
    code = (
        "import sys; from netfig.sources import builtin_sources; "
        "[s.accepts(t) for s in builtin_sources() for t in ('a.py:N', 'ReLU | ReLU', 'x.json', 'x.layers', 'other', 3)]; "
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0


@pytest.mark.parametrize(
    ("target", "names"),
    [
        ("net.py:Net", ["torch"]),
        ("net.py", ["torch"]),
        ("pkg.mod:make(3)", ["torch"]),
        (nn.ReLU(), ["torch"]),
        (nn.ReLU, ["torch"]),
        ("Conv2d(3, 4, 5) | ReLU", ["layers"]),
        ("ReLU", ["layers"]),
        ("lenet.layers", ["layers"]),
        (Path("lenet.layers"), ["layers"]),
        (Path("net.py"), ["torch"]),
        ("graph.json", ["saved"]),
        ("net.rnn", ["recurrence"]),
        ("h[t] = tanh(W x[t] + U h[t-1])", ["recurrence"]),
        ("cell:lstm", ["recurrence", "torch"]),  # the first is asked
        ("-", ["recurrence", "saved"]),  # which hands a graph on to the other
        ("model.pt", []),
        (None, []),
    ],
)
def test_every_target_has_its_source(target: object, names: list[str]) -> None:
    assert [s.name for s in builtin_sources() if s.accepts(target)] == names


def test_only_the_torch_source_runs_code_of_the_users() -> None:
    assert {s.name: s.runs_code for s in builtin_sources()} == {
        "torch": True,
        "layers": False,
        "saved": False,
        "recurrence": False,
        "worked": False,
        "attention": False,
    }
