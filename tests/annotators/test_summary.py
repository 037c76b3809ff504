"""The table of a graph: rows, totals, shares, and every format safe against the names in it."""

from __future__ import annotations

import csv
import dataclasses
import io
import json
import re
from pathlib import Path

import pytest
import torch
from layer_chains import case, chain, parse
from markdown_it import MarkdownIt
from rich.cells import cell_len
from torch import nn

from netfig.annotators import builtin_annotators
from netfig.errors import UsageError
from netfig.graph import Graph, Note
from netfig.graph.build import GraphBuilder
from netfig.sources.torch_trace import trace_module
from netfig.summary import COLUMNS, FORMATS, Summary, render, summarize

CASES = Path(__file__).parents[2] / "examples" / "cases.json"
DENSE = "(1·28·28 + 1)·6·24·24 = 2,712,960"
HOSTILE = [
    "=1+1",
    "@x",
    "+1",
    "-1",
    "a|b",
    "<script>alert(1)</script>",
    "\x1b[31mred",
    "a\nb",
    r"\input{x}",
    "$x_1^2$ & 50% #~{}",
    "`c` *b* [l](u)",
]


def annotated(graph: Graph) -> Graph:
    notes = [note for one in builtin_annotators() for note in one.annotate(graph, None, None)]
    return dataclasses.replace(graph, notes=(*graph.notes, *notes))


def lenet() -> Summary:
    layers = [("conv", nn.Conv2d(1, 6, 5)), ("pool", nn.MaxPool2d(2)), ("flat", nn.Flatten()), ("fc", nn.Linear(864, 10))]
    return summarize(annotated(chain(layers, (1, 28, 28))), columns=["all"])


def hostile() -> Summary:
    b = GraphBuilder("<b>\x1b[31m|\n$")
    x = b.input("x", (1, 2))
    for name in HOSTILE:
        with b.scope(name, type_name=name, path=name, inputs=[x], outputs=[x]):
            b.parameter(f"{name}.w", (1,))
    return summarize(annotated(b.finish()))


@pytest.mark.parametrize("name", ["cnn_64", "cnn_128_same_valid", "cnn_horse"])
def test_the_worked_cases_give_every_row(name: str) -> None:
    data = json.loads(CASES.read_text())[name]
    summary = summarize(annotated(case(data)))
    shapes = ["×".join(map(str, layer["output"])) for layer in data["layers"]]
    assert [row.output_text for row in summary.rows] == shapes
    assert [row.params for row in summary.rows] == [layer["params"] for layer in data["layers"]]
    assert summary.params == data["total_params"]


@pytest.mark.parametrize("name", ["cnn_64", "cnn_128_same_valid", "cnn_horse"])
def test_the_worked_cases_come_out_of_the_running_model_too(name: str) -> None:
    data = json.loads(CASES.read_text())[name]
    model = nn.Sequential(*(parse(layer["layer"]) for layer in data["layers"]))
    summary = summarize(annotated(trace_module(model, (torch.zeros(1, *data["input"]),), batch=1)))
    assert [row.output_text for row in summary.rows] == ["×".join(map(str, layer["output"])) for layer in data["layers"]]
    assert [row.params for row in summary.rows] == [layer["params"] for layer in data["layers"]]
    dense = {i: layer["dense_equivalent"] for i, layer in enumerate(data["layers"]) if "dense_equivalent" in layer}
    assert {i: summary.rows[i].dense for i in dense} == dense
    assert summary.params == data["total_params"]


def test_the_shares_of_the_convolutional_and_dense_layers_come_out() -> None:
    data = json.loads(CASES.read_text())["cnn_horse"]
    text = render(summarize(annotated(case(data))))
    assert f"convolutional: 10,416 ({data['convolutional_share_percent']:.2f} %)" in text
    assert f"dense: 394,634 ({data['dense_share_percent']:.2f} %)" in text


def test_the_terminal_table_without_a_width_is_plain_and_complete() -> None:
    headings, rule, *rows = render(lenet()).splitlines()[1:7]
    assert [re.split(r" {2,}", row) for row in (headings, *rows)] == [
        [heading for name, heading in COLUMNS.items() if name != "growth"],  # only where sizes are names
        ["conv", "Conv2d", "1→6 k5", "6×24×24", "156", "1·6·5·5 + 6 = 156", "86,400", "2,712,960", DENSE, "5×5"],
        ["pool", "MaxPool2d", "k2 s2", "6×12×12", "0", "0", "6×6"],
        ["flat", "Flatten", "864", "0", "0"],
        ["fc", "Linear", "864→10", "10", "8,650", "864·10 + 10 = 8,650", "8,640"],
    ]
    assert rule == "─" * len(headings)
    right = headings.index("Parameters") + len("Parameters")
    assert {row[:right].rstrip() == row[:right] for row in rows} == {True}  # numbers are flush right


@pytest.mark.parametrize("width", [24, 40, 60, 80, 100, 120, 160])
def test_in_a_terminal_no_line_is_wider_than_it_and_no_number_is_cut(width: int) -> None:
    text = render(lenet(), width=width)
    assert max(map(cell_len, text.splitlines())) <= width
    assert "8,650" in text
    assert ("8,640" in text) or ("No room for" in text)


def test_a_column_without_room_is_named() -> None:
    flat = " ".join(render(lenet(), width=60).split())
    assert "No room for:" in flat
    assert "Receptive field" in flat


def test_wide_characters_keep_the_columns_straight() -> None:
    text = render(summarize(annotated(chain([("层一", nn.Linear(2, 3)), ("b", nn.Linear(3, 4))], (2,)))))
    rows = [line for line in text.splitlines() if "Linear" in line]
    assert len({cell_len(row[: row.index("Linear")]) for row in rows}) == 1


@pytest.mark.parametrize("width", [None, 80])
def test_a_name_cannot_steer_the_terminal(width: int | None) -> None:
    text = render(hostile(), width=width)
    assert "\x1b" not in text
    assert all(c.isprintable() for c in text.replace("\n", ""))


def test_markdown_reads_back_as_the_cells_that_were_written() -> None:
    summary = hostile()
    parser = MarkdownIt("commonmark", {"html": True}).enable("table")
    text = render(summary, "markdown")
    tokens = parser.parse(text)
    assert not [t for t in tokens for c in (t.children or ()) if c.type not in ("text", "text_special", "softbreak")]
    rows = [t for t in tokens if t.type == "tr_open"]
    assert len(rows) == 1 + len(HOSTILE)
    html = parser.render(text)
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html


def test_latex_has_no_active_character_left() -> None:
    text = render(hostile(), "latex")
    body = text.partition("\\midrule\n")[2].rpartition("\\bottomrule")[0]
    known = (
        r"\\(textbackslash|textasciicircum|textasciitilde|textless|textgreater|textbar|textasciigrave|textquotesingle|dots|quad)"
    )
    rest = re.sub(
        known + r"(\{\})?|\\[{}$&#%_]|\\\\$|\$\\(times|cdot|to|ge)\$|\\midrule|\\multicolumn|\{[*\[\]]\}", "", body, flags=re.M
    )
    assert "\\" not in rest
    assert "$" not in rest
    assert re.sub(r"[^{}]", "", rest).replace("{}", "").count("{") == re.sub(r"[^{}]", "", rest).replace("{}", "").count("}")
    assert {line.count("&") for line in rest.splitlines() if line.strip() and "{l}" not in line} == {5}


def test_csv_reads_back_and_no_cell_is_a_formula() -> None:
    rows = list(csv.reader(io.StringIO(render(hostile(), "csv"))))
    assert len(rows) == 1 + len(HOSTILE)
    assert all(not cell.startswith(("=", "+", "-", "@", "\t", "\r")) for row in rows for cell in row)
    assert rows[1][0] == "'=1+1"


def test_csv_has_bare_numbers() -> None:
    rows = list(csv.DictReader(io.StringIO(render(lenet(), "csv"))))
    assert [row["params"] for row in rows] == ["156", "0", "0", "8650"]


def test_json_has_shapes_as_numbers_and_the_worked_out_products() -> None:
    data = json.loads(render(lenet(), "json"))
    assert data["rows"][0]["output"] == [6, 24, 24]
    assert data["rows"][0]["formula"] == "1·6·5·5 + 6 = 156"
    assert data["total"]["params"] == 8806
    assert {s["family"]: s["percent"] for s in data["shares"]} == {"dense": 98.23, "convolutional": 1.77}


@pytest.mark.parametrize("fmt", FORMATS)
def test_two_renderings_are_the_same(fmt: str) -> None:
    assert render(lenet(), fmt) == render(lenet(), fmt)


def test_an_unknown_format_or_column_gets_a_suggestion() -> None:
    with pytest.raises(UsageError, match="no summary format 'markdwon'") as caught:
        render(lenet(), "markdwon")
    assert "did you mean 'markdown'" in caught.value.hint
    with pytest.raises(UsageError, match="no column 'parms'") as caught:
        summarize(chain([], (1,)), columns=["parms"])
    assert "did you mean 'params'" in caught.value.hint


def test_columns_stand_as_asked() -> None:
    text = render(summarize(annotated(chain([("fc", nn.Linear(2, 3))], (2,))), columns=["params", "layer"]), "csv")
    assert text.splitlines() == ["params,layer", "9,fc"]
    assert set(lenet().columns) == set(COLUMNS)


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(4, 4), nn.ReLU())
        self.w = nn.Parameter(torch.zeros(4, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(x) + x) @ self.w


class Shared(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.block = Block()
        self.head = nn.Linear(4, 4, bias=False)
        self.head.weight = self.block.body[0].weight

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.block(self.block(x)))


def test_rows_nest_as_the_modules_do_and_functional_steps_have_rows() -> None:
    summary = summarize(annotated(trace_module(Shared(), (torch.zeros(1, 4),), batch=1)))
    assert [(row.depth, row.layer, row.params, row.shared_with) for row in summary.rows] == [
        (0, "block", 36, ""),
        (1, "body", 20, ""),
        (2, "0", 20, ""),
        (2, "1", 0, ""),
        (1, "add", 0, ""),
        (1, "relu", 0, ""),
        (1, "matmul", 16, ""),
        (0, "block (call 2)", 36, "block"),
        (1, "body (call 2)", 20, "block.body"),
        (2, "0 (call 2)", 20, "block.body.0"),
        (2, "1 (call 2)", 0, ""),
        (1, "add", 0, ""),
        (1, "relu", 0, ""),
        (1, "matmul", 16, "block/matmul"),
        (0, "head", 16, "block.body.0"),
    ]
    assert summary.params == 36


def test_depth_hides_what_is_nested_deeper() -> None:
    summary = summarize(trace_module(Shared(), (torch.zeros(1, 4),)), depth=1)
    assert [row.layer for row in summary.rows] == ["block", "block (call 2)", "head"]
    (whole,) = summarize(trace_module(Shared(), (torch.zeros(1, 4),)), depth=0).rows
    assert (whole.type, whole.params) == ("Shared", 36)


def test_a_model_that_is_one_layer_has_one_row() -> None:
    (row,) = summarize(annotated(trace_module(nn.LSTM(3, 4), (torch.zeros(5, 1, 3),)))).rows
    assert (row.type, row.params, row.formula) == ("LSTM", 144, "4·(3·4 + 4·4 + 2·4) = 144")


def test_the_batch_dimension_is_left_out_when_it_is_known() -> None:
    graph = trace_module(nn.Sequential(nn.Linear(4, 3)), (torch.zeros(7, 4),), batch=7)
    assert summarize(graph).rows[0].output_text == "3"
    assert summarize(trace_module(nn.Sequential(nn.Linear(4, 3)), (torch.zeros(7, 4),))).rows[0].output_text == "7×3"


def test_disagreements_and_lower_bounds_are_said() -> None:
    graph = chain([("fc", nn.Linear(2, 3))], (2,))
    notes = (
        Note("fc", "disagreement", "someone counts 7", "", "someone 1.0"),
        Note("", "macs", 6, "multiply-adds"),
        Note("", "macs.unknown_kinds", ("fft_rfft",)),
        Note("fc", "macs", 6),
        Note("fc", "macs.unknown_ops", 1),
    )
    summary = summarize(dataclasses.replace(graph, notes=notes))
    text = render(summary)
    assert summary.disagreements == (("fc", "someone counts 7"),)
    assert "Disagreement in fc: someone counts 7" in text
    assert "Multiply-adds: at least 6" in text
    assert "≥ 6" in text
    assert "fft_rfft" in text
