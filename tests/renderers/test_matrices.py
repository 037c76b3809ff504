"""Figures of worked examples: every number drawn is that of the graph, in its place, and the drawing is clean."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netfig.drawing import Drawing
from netfig.errors import UsageError
from netfig.figure import Box, Figure
from netfig.graph import Graph
from netfig.graph.exact import decode
from netfig.hooks import Request
from netfig.layout import lay_out
from netfig.layout.lint import contrast, lint
from netfig.mathtext import text_of
from netfig.pipeline import load, render
from netfig.pipeline.stages import renderer_for
from netfig.registry import current_registry
from netfig.renderers.attention_map import draw_attention_map
from netfig.renderers.matrices import draw_matrices
from netfig.renderers.mlp import draw_mlp
from netfig.renderers.options import AttentionMapOptions, MatricesOptions, MlpOptions
from netfig.sources.worked import worked
from netfig.theme import BUILT_IN, load_theme

PROJECT = Path(__file__).parents[2]
CASES = json.loads((PROJECT / "examples/cases.json").read_text())
EXAMPLES = sorted((PROJECT / "examples/worked").glob("*.worked.toml"))
LIGHT = load_theme("light")


def example(name: str) -> Graph:
    return worked((PROJECT / f"examples/worked/{name}.worked.toml").read_text(), name)


def matrices(graph: Graph, **options: object) -> Figure:
    return draw_matrices(graph, MatricesOptions(**options))  # type: ignore[arg-type]


def box_of(figure: Figure, value: str) -> Box:
    return next(box for box in figure.boxes.values() if box.cells is not None and value in box.stands_for)


def printed(figure: Figure, value: str) -> list[list[str]]:
    cells = box_of(figure, value).cells
    assert cells is not None
    return [[text_of(cell.text) for cell in row] for row in cells.rows]


def lines_of(figure: Figure) -> list[str]:
    return [text_of(line) for box in figure.boxes.values() if box.role == "text.equation" for line in box.title]


def two_decimals(rows: list[list[float]]) -> list[list[str]]:
    return [[f"{x:.2f}".replace("-", "−") for x in row] for row in rows]


# ---- what is printed -----------------------------------------------------------------------------------------------------------


def test_the_small_attention_prints_the_numbers_of_the_answer_sheet():
    figure, case = matrices(example("attention")), CASES["attention_worked_3x2"]
    assert printed(figure, "QK_T") == [[str(x) for x in row] for row in case["scores"]]
    for value, key in (("S", "scaled"), ("A", "weights"), ("Z", "output")):
        assert printed(figure, value) == two_decimals(case[key])
    assert printed(figure, "V") == [[str(x) for x in row] for row in case["V"]]


def test_the_scores_of_the_red_panda_are_logarithms_and_its_weights_those_of_the_answer_sheet():
    figure, case = matrices(example("red-panda")), CASES["attention_red_panda"]
    assert printed(figure, "S")[2] == ["0", "ln 80", "0", "0", "ln 17"]
    assert printed(figure, "W_K")[0] == ["√3 ln 80", "0", "0"]
    assert printed(figure, "A") == two_decimals(case["weights"])
    assert printed(figure, "Z") == two_decimals(case["output"])
    assert "[1, 80, 1, 1, 17] / (1 + 80 + 1 + 1 + 17) = [0.01, 0.80, 0.01, 0.01, 0.17]" in lines_of(figure)[0]


def test_numbers_can_be_asked_for_as_decimals_with_more_digits():
    figure = matrices(example("red-panda"), numbers="decimal", digits=3)
    assert printed(figure, "S")[2] == ["0.000", "4.382", "0.000", "0.000", "2.833"]


@pytest.mark.parametrize(("name", "key"), [("convolution", "valid"), ("convolution-padded", "padding_1")])
def test_the_convolution_prints_the_map_and_works_its_cell_out(name, key):
    figure, expected = matrices(example(name)), CASES["conv_worked"][key]
    minus = [[str(x).replace("-", "−") for x in row] for row in expected]
    assert printed(figure, "map") == minus
    strip = [text_of(box.rows[0].text) for id, box in figure.boxes.items() if id.startswith("place")]
    assert strip == [x for row in minus for x in row]
    line = lines_of(figure)[0]
    assert line.endswith(f"= {minus[-1][-1]}")
    assert eval(line.partition("=")[0].replace("−", "-").replace("·", "*")) == expected[-1][-1]
    assert any("cross-correlation" in text_of(text) for text in figure.caption)


@pytest.mark.parametrize("cell", ["1,1", "2,3", "3,1"])
def test_the_arithmetic_of_every_cell_comes_to_what_stands_in_it(cell):
    figure = matrices(example("convolution"), cell=cell)
    i, j = (int(n) - 1 for n in cell.split(","))
    left, _, right = lines_of(figure)[0].replace("−", "-").partition("=")
    assert eval(left.replace("·", "*")) == int(right) == CASES["conv_worked"]["valid"][i][j]
    image = box_of(figure, "image").cells
    marked = [(a, b) for a, row in enumerate(image.rows) for b, c in enumerate(row) if c.marked]
    assert marked == [(i, j), (i, j + 1), (i + 1, j), (i + 1, j + 1)]
    times = [text_of(image.rows[a][b].note) for a, b in marked]
    assert times == ["× 1", "× 2", "× −2", "× −1"]


def test_the_worked_lines_of_a_chain_and_of_layer_norm_are_true():
    chain = lines_of(matrices(example("chain")))
    assert chain == ["y_2 = 3 · 1 + (−3) · 2 + 12 · 0.5 = 3.0"]
    norm = lines_of(matrices(example("layer-norm")))
    assert norm[0] == "μ_1 = (1 + 2 + 3 + 6) / 4 = 3"
    assert norm[1].endswith("= 3.5")


def test_an_operation_is_drawn_once_and_none_is_lost():
    for path in EXAMPLES:
        graph = load(Request(str(path)), current_registry()).graph
        if not graph.ops or renderer_for(graph, current_registry()) != "matrices":
            continue
        stood = [id for box in matrices(graph).boxes.values() for id in box.stands_for]
        for op in graph.ops:
            assert op.id in stood, (path.name, op.id)
            assert stood.count(op.outputs[0]) >= 1


def test_every_matrix_says_its_size_and_why_it_has_it():
    figure = matrices(example("attention"), shapes="why")
    said = [text_of(text) for text in figure.caption]
    assert any(text.startswith("QK^T is 3 × 2: (3 × 2)(2 × 2) sums over the inner 2") for text in said)
    for box in figure.boxes.values():
        if box.cells is not None:
            size = f"{len(box.cells.rows)} × {len(box.cells.rows[0])}"
            assert text_of(box.rows[0].text).startswith(size)


def test_a_large_matrix_keeps_its_heat_and_drops_its_digits():
    graph = worked('kind = "softmax"\nx = [[' + ", ".join(map(str, range(12))) + "]]")
    figure = matrices(graph)
    cells = box_of(figure, "p").cells
    assert not any(cell.text for row in cells.rows for cell in row)
    heats = [cell.heat for cell in cells.rows[0]]
    assert heats == sorted(heats)
    assert heats[0] < heats[-1]


def test_masked_scores_are_minus_infinity_and_weigh_nothing():
    graph = worked('kind = "attention"\nQ = [[1], [2]]\nK = [[1], [3]]\nV = [[1], [2]]\nmask = "causal"')
    figure = matrices(graph)
    assert printed(figure, "S_masked")[0][1] == "−∞"
    assert printed(figure, "A")[0] == ["1.00", "0.00"]


@pytest.mark.parametrize(("option", "value"), [("row", "9"), ("row", "pnada"), ("cell", "9,9"), ("cell", "x")])
def test_a_row_or_cell_that_is_not_there_is_refused(option, value):
    graph = example("convolution" if option == "cell" else "red-panda")
    with pytest.raises(UsageError, match=value):
        matrices(graph, **{option: value})


# ---- the attention map ---------------------------------------------------------------------------------------------------------


def test_panda_looks_at_red_and_cute():
    figure = draw_attention_map(example("red-panda"), AttentionMapOptions())
    tokens = CASES["attention_red_panda"]["tokens"]
    weights = {(w.source.box, w.target.box): w.weight for w in figure.wires}
    expected = {("token2", f"token{j}"): w for j, w in enumerate(CASES["attention_red_panda"]["weights"][2]) if j != 2}
    assert weights == expected
    strong = {tokens[int(w.target.box.removeprefix("token"))] for w in figure.wires if w.emphasis != "quiet"}
    assert strong == {"red", "cute"}
    assert "“panda” looks at “red” (0.80) and “cute” (0.17)" in text_of(figure.caption[0])


def test_a_thicker_arc_is_a_larger_weight():
    drawing = lay_out(draw_attention_map(example("red-panda"), AttentionMapOptions()), LIGHT)
    widths = {line.target: line.width for line in drawing.lines}
    assert widths["token1"] > widths["token4"] > widths["token0"]


def test_given_weights_are_drawn_by_it_without_being_asked():
    graph = example("attention-weights")
    assert renderer_for(graph, current_registry()) == "attention-map"
    figure = draw_attention_map(graph, AttentionMapOptions(row="small"))
    assert "“small” looks at “kleine”" in text_of(figure.caption[0])


# ---- neurons -------------------------------------------------------------------------------------------------------------------


def test_the_numbers_on_neurons_are_those_of_the_graph_and_a_neuron_is_worked_out():
    graph = example("mlp")
    figure = draw_mlp(graph, MlpOptions(neuron="1,2"))
    shown = {id: text_of(box.rows[0].text) for id, box in figure.boxes.items()}
    assert [float(shown[f"layer1/{i}"]) for i in range(3)] == [float(decode(d)) for d in graph.value_by_id["h_1"].data]
    assert [shown["layer2/0"], shown["layer2/1"]] == ["0.75", "0.25"]
    assert [text_of(line) for line in figure.equations] == ["z_2 = 0.5 · 1 + 1 · 2 + 0.5 = 3", "h_2 = ReLU(3) = 3"]
    strong = {(w.source.box, w.target.box) for w in figure.wires if w.emphasis == "strong"}
    assert strong == {("layer0/0", "layer1/1"), ("layer0/1", "layer1/1")}


def test_a_wide_layer_of_a_model_has_dots_and_its_last_neuron():
    registry = current_registry()
    graph = load(Request("Linear(64) | ReLU | Linear(2)", inputs=("3",)), registry).graph
    figure = draw_mlp(graph, MlpOptions())
    drawn = [id for id in figure.boxes if id.startswith("layer1/")]
    assert drawn == ["layer1/0", "layer1/1", "layer1/2", "layer1/dots3", "layer1/63"]
    assert len(figure.wires) == 3 * 4 + 4 * 2
    assert "3·64 + 64 + 64·2 + 2 = 386 parameters" in text_of(figure.caption[0])


@pytest.mark.parametrize("chain", ["Conv1d(4, 3) | ReLU", "Linear(3) | LayerNorm(3) | Linear(2)"])
def test_what_is_no_chain_of_linear_layers_is_refused(chain):
    graph = load(Request(chain, inputs=("2x8",)), current_registry()).graph
    with pytest.raises(UsageError, match="no chain of linear layers"):
        draw_mlp(graph, MlpOptions())


# ---- the drawing ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.name)
@pytest.mark.parametrize("theme", BUILT_IN)
def test_every_example_fits_two_columns_of_a_page_and_is_clean(path, theme):
    registry = current_registry()
    graph = load(Request(str(path)), registry).graph
    for name in ("matrices", "attention-map", "mlp"):
        if registry.renderer(name).suits(graph) > 0:
            result = render(graph, registry, renderer=name, theme=theme, width=520)
            assert [str(f) for f in result.lint()] == [], name
            drawing = result.drawing
            printed_at = min(1.0, 520 / drawing.width, 680 / drawing.height)
            sizes = [run.size for label in drawing.labels for run in label.runs if any(c.isalnum() for c in run.text)]
            assert min(sizes) * printed_at >= 9.0 - 0.01, (name, drawing.width, drawing.height)


def places(drawing: Drawing, box: str, kind: str) -> dict[str, tuple[float, float]]:
    found = {}
    for shape in drawing.shapes:
        if shape.box == box and shape.part.startswith(kind):
            left, top, right, bottom = shape.bounds
            found[shape.part] = ((left + right) / 2, (top + bottom) / 2)
    return found


def test_each_number_stands_in_the_middle_of_its_cell():
    figure = matrices(example("attention"))
    drawing, box = lay_out(figure, LIGHT), box_of(figure, "S")
    centres = places(drawing, box.id, "cell")
    for label in drawing.labels:
        found = re.fullmatch(re.escape(box.id) + r"/text(\d+\.\d+)", label.id)
        if found:
            x, y = centres[f"cell{found[1]}"]
            left, top, right, bottom = label.bounds
            assert abs((left + right) / 2 - x) < 1
            assert abs((top + bottom) / 2 - y) < 2


@pytest.mark.parametrize("theme", BUILT_IN)
def test_text_can_be_read_on_every_heat(theme):
    paints = load_theme(theme)
    for role in ("input", "weight", "state", "norm", "attention", "output"):
        for heat in (0.0, 0.25, 0.5, 0.75, 1.0):
            ground = paints.paint(role, "fill", 0.0, heat)
            assert contrast(paints.role(role).text, ground) >= 7.0, (role, heat)


@settings(max_examples=25)
@given(st.integers(1, 6), st.integers(1, 6), st.integers(1, 3), st.integers(0, 99), st.sampled_from(["", '\nmask = "causal"']))
def test_attention_of_any_size_is_drawn_clean(queries, keys, width, seed, mask):
    def rows(count: int, columns: int, shift: int) -> str:
        return json.dumps([[(i * 7 + j * 5 + shift + seed) % 13 - 6 for j in range(columns)] for i in range(count)])

    given = {"Q": rows(queries, width, 0), "K": rows(keys, width, 1), "V": rows(keys, 2, 2)}
    matrices_given = "\n".join(f"{key} = {rows}" for key, rows in given.items())
    graph = worked(f'kind = "attention"\nrow = {queries}\n{matrices_given}{mask}')
    for figure in (matrices(graph), draw_attention_map(graph, AttentionMapOptions())):
        assert [str(f) for f in lint(lay_out(figure, LIGHT), LIGHT)] == []


def test_hostile_names_are_drawn_as_they_are():
    graph = worked('kind = "softmax"\ntitle = "<b>&\u202e"\ntokens = ["<script>", "a"]\nrow = 1\nx = [[1], [2]]')
    result = render(graph, current_registry(), renderer="matrices")
    assert "<script>" not in result.svg()
    assert [str(f) for f in result.lint()] == []


def test_the_same_example_gives_the_same_bytes():
    first, second = (render(example("red-panda"), current_registry()).svg() for _ in range(2))
    assert first == second
