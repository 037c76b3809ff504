"""One network in four forms is one figure: equations, nn.RNN, a loop over nn.RNNCell, a loop over three nn.Linear."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import netfig
from netfig.cli import cli
from netfig.figure import Box, Figure, Group
from netfig.layout import lay_out
from netfig.mathtext import text_of
from netfig.theme import load_theme

EXAMPLES = Path(__file__).parents[2] / "examples/recurrences"
FORMS = ("elman_module", "elman_cells", "elman_linears")
EQUATIONS = """x[t] : 3,  h[t] : 4,  y[t] : 2
h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)
y[t] = W_hy h[t] + b_y"""
STEPS = 5
LAST_STATE = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.head = nn.GRUCell(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        h = None
        for t in range(x.shape[1]):
            h = self.cell(x[:, t], h)
        return self.head(h)
"""


def figure(target: str, *inputs: str, renderer: str, **options: object) -> Figure:
    made = netfig.draw(target, *inputs, renderer=renderer, options={f"{renderer}.{key}": value for key, value in options.items()})
    assert isinstance(made.figure, Figure)
    return made.figure


def boxes(group: Group) -> list[Box]:
    """The boxes of a figure as they are shown; what they stand for has ids of biases in it."""
    found = []
    for child in group.children:
        found += boxes(child) if isinstance(child, Group) else [dataclasses.replace(child, stands_for=())]
    return found


def groups(group: Group) -> list[object]:
    return [
        (group.id, group.arrangement, group.row_names, group.column_names),
        *(one for child in group.children if isinstance(child, Group) for one in groups(child)),
    ]


def of_equations(renderer: str) -> Figure:
    return figure(EQUATIONS, renderer=renderer, **({"sizes": (f"T={STEPS}",)} if renderer != "cell" else {}))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("renderer", ["unrolled", "folded", "cell"])
def test_every_form_gives_the_boxes_and_wires_of_the_equations(form: str, renderer: str) -> None:
    expected = of_equations(renderer)
    found = figure(f"{EXAMPLES}/{form}.py:Elman", f"{STEPS}x3", renderer=renderer)
    assert sorted(boxes(found.root), key=lambda b: b.id) == sorted(boxes(expected.root), key=lambda b: b.id)
    bare = [[dataclasses.replace(wire, stands_for=()) for wire in one.wires] for one in (found, expected)]
    assert sorted(bare[0], key=str) == sorted(bare[1], key=str)
    if renderer != "cell":
        assert [dataclasses.replace(c, stands_for=()) for w in found.wires for c in w.chips]
        assert groups(found.root) == groups(expected.root)


@pytest.mark.parametrize("form", FORMS)
def test_the_equations_differ_in_their_biases_only(form: str) -> None:
    lines = [text_of(line) for line in figure(f"{EXAMPLES}/{form}.py:Elman", f"{STEPS}x3", renderer="unrolled").equations]
    expected = [text_of(line) for line in of_equations("unrolled").equations]
    assert [re.sub(r"b_xh \+ b_hh", "b_h", line) for line in lines] == expected
    assert lines != expected  # torch has two


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_parameters_that_torch_counts(form: str) -> None:
    made = netfig.draw(f"{EXAMPLES}/{form}.py:Elman", f"{STEPS}x3", renderer="unrolled")
    assert made.graph.parameter_count == 4 * 3 + 4 * 4 + 2 * 4 + 2 * 4 + 2


def test_a_state_that_only_the_end_reads_is_read_after_the_last_column(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(LAST_STATE)
    found = figure(f"{tmp_path}/net.py:Net", "4x3", renderer="unrolled")
    places = {box.id: box.place for box in boxes(found.root)}
    assert places["y"][0] > places["h[t=4]"][0]
    last = next(wire for wire in found.wires if wire.target.box == "y")
    assert (last.source.box, [text_of(chip.title) for chip in last.chips]) == ("h[t=4]", ["W_hy"])


def test_the_command_says_in_one_line_why_a_model_is_no_recurrence(tmp_path: Path) -> None:
    layers = ", ".join(["nn.Linear(4, 4), nn.ReLU()"] * 3)
    (tmp_path / "net.py").write_text(f"from torch import nn\n\nnet = nn.Sequential({layers})\n")
    result = CliRunner().invoke(cli, ["draw", f"{tmp_path}/net.py:net", "--input", "4", "-r", "unrolled"])
    assert result.exit_code != 0
    first = result.stderr.splitlines()[0]
    assert first == "netfig: warning: no recurrence in 'net': steps 1 and 2 differ: matmul reads 0.weight, then 2.weight"


def test_the_pass_is_asked_for_by_name_where_a_graph_is_made() -> None:
    result = CliRunner().invoke(cli, ["trace", f"{EXAMPLES}/elman_linears.py:Elman", "--input", "5x3", "--pass", "recognise"])
    assert result.exit_code == 0
    assert "over t" in result.stdout


def test_an_embedding_is_the_layer_that_looks_it_up_and_its_name_stands_on_the_wire() -> None:
    found = figure(f"{EXAMPLES}/lstm_language_model.py:LanguageModel", "words=3:int64", renderer="unrolled")
    one = next(box for box in boxes(found.root) if box.id == "x[t=1]")
    assert (one.role, [text_of(line) for line in one.title]) == ("layer.cell", ["E"])
    into = next(wire for wire in found.wires if wire.target.box == one.id)
    out = next(wire for wire in found.wires if wire.source.box == one.id)
    assert (into.chips, text_of(out.label)) == ((), "x_1")


def test_in_a_cell_the_gates_read_an_embedding_from_their_bus_and_stand_in_one_row() -> None:
    found = figure(f"{EXAMPLES}/lstm_language_model.py:LanguageModel", "words=3:int64", renderer="cell")
    bus = next(box for box in boxes(found.root) if box.role == "op.merge")
    readers = [wire.target.box for wire in found.wires if wire.source.box == bus.id]
    gates = {box.id: [text_of(line) for line in box.title] for box in boxes(found.root) if box.role == "activation.gate"}
    assert sorted(readers) == sorted(gates)
    assert sorted(gates.values()) == [["tanh", "candidate"], ["σ", "forget"], ["σ", "input"], ["σ", "output"]]
    sources = {wire.source.box for wire in found.wires if wire.target.box == bus.id}
    embedding = next(box for box in boxes(found.root) if box.role == "layer.cell")
    assert embedding.id in sources
    assert [text_of(line) for line in embedding.title] == ["embedding", "E"]
    drawing = lay_out(found, load_theme("light"))
    middles = {s.id: (s.bounds[1] + s.bounds[3]) / 2 for s in drawing.shapes}
    assert len({round(middles[gate], 1) for gate in gates}) == 1
    assert middles[embedding.id] > middles[bus.id] > middles[readers[0]]


def test_chips_with_weights_of_different_layers_say_which(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("from torch import nn\n\nnet = nn.LSTM(3, 4, num_layers=2)\n")
    found = figure(f"{tmp_path}/net.py:net", "input=5x3", renderer="unrolled", steps=2)
    weights: dict[str, set[tuple[str, ...]]] = {}
    for wire in found.wires:
        for chip in wire.chips:
            weights.setdefault(text_of(chip.title), set()).add(chip.stands_for)
    assert len(weights) == 4
    assert {len(held) for held in weights.values()} == {1}


ONE_STEP = """
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(3, 4)

    def forward(self, x, h, c):
        return self.cell(x, (h, c))
"""


def test_a_cell_that_is_called_once_is_drawn_as_the_step_of_the_library(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(ONE_STEP)
    found = figure(f"{tmp_path}/net.py:Net", "x=3", "h=4", "c=4", renderer="cell")
    expected = figure("cell:lstm", renderer="cell")

    def seen(one: Figure) -> list[tuple[str, list[str]]]:
        return sorted((box.role, [text_of(line) for line in box.title]) for box in boxes(one.root))

    assert seen(found) == seen(expected)
    assert sorted(text_of(wire.label) for wire in found.wires) == sorted(text_of(wire.label) for wire in expected.wires)
    assert [text_of(line) for line in found.equations] == [text_of(line) for line in expected.equations]
