"""What plugin authors test with: graphs of every shape, and checks that a renderer or writer keeps its promises.

::

    from netfig.testing import check_renderer

    def test_my_renderer():
        check_renderer(MY_RENDERER)

The checks judge results against the Graph alone and know nothing about how a built-in renderer works.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from netfig.figure import Box, Figure, Group
from netfig.graph import Graph, Op
from netfig.graph.build import GraphBuilder
from netfig.mathtext import text_of
from netfig.registry import current_registry
from netfig.theme import load_theme

if TYPE_CHECKING:
    from netfig.hooks import Renderer, Writer

HOSTILE = ("<script>alert(1)</script>", "a\"b'c", "</text>", "שלום\u202e", "🧠", "x" * 300, "a&b;{|}\\n")
"""Names that break writers which do not escape."""


def sample_graphs() -> Iterator[Graph]:
    """Small valid graphs: a chain, a skip, branches, sharing, several ports, nesting, in-place writes, hostile names."""
    yield _chain()
    yield _residual()
    yield _branches()
    yield _shared()
    yield _ports()
    yield _hostile()
    yield _nothing()


def check_renderer(renderer: Renderer, graphs: Iterable[Graph] | None = None, *, options: Any = None, lint: bool = True) -> None:
    """Assert that a renderer draws every graph it suits, truthfully and legibly.

    Each result is a Figure or Digraph; no op is lost, no wire is drawn that the graph does not have, it can be laid out and,
    with `lint`, read; two runs are equal. All that is wrong is listed.
    """
    given = renderer.options() if options is None else options
    problems: list[str] = []
    for graph in sample_graphs() if graphs is None else graphs:
        suits = renderer.suits(graph)
        if not 0 <= suits <= 1:
            problems.append(f"{graph.name}: suits() gave {suits!r}, not a number from 0 to 1")
        if suits <= 0:
            continue
        drawn = renderer.draw(graph, given)
        if not isinstance(drawn, Figure):
            problems += [f"{graph.name}: {line}" for line in _digraph_problems(drawn)]
            continue
        if drawn != renderer.draw(graph, given):
            problems.append(f"{graph.name}: drawn twice, it gives two different figures")
        problems += [f"{graph.name}: {line}" for line in (*figure_problems(graph, drawn), *_layout_problems(drawn, lint))]
    assert not problems, f"the renderer {renderer.name!r} breaks its promises:\n  " + "\n  ".join(problems)


def check_writer(writer: Writer, graphs: Iterable[Graph] | None = None, *, options: Any = None, theme: str = "light") -> None:
    """Assert that a writer writes what it is given, the same bytes twice, and survives hostile names."""
    given = writer.options() if options is None else options
    problems: list[str] = []
    paints = load_theme(theme)
    for graph in sample_graphs() if graphs is None else graphs:
        subject = _subject(graph, writer.takes, theme)
        data = writer.write(subject, paints, given)
        if not isinstance(data, bytes) or not data:
            problems.append(f"{graph.name}: wrote {type(data).__name__} {data!r:.40}, not bytes")
            continue
        if data != writer.write(subject, paints, given):
            problems.append(f"{graph.name}: written twice, it gives different bytes")
        if all(f.text for f in writer.formats):
            problems += [f"{graph.name}: {line}" for line in _text_problems(data)]
        if any(f.media_type == "image/svg+xml" for f in writer.formats):
            problems += [f"{graph.name}: {line}" for line in _svg_problems(data)]
    assert not problems, f"the writer {writer.name!r} breaks its promises:\n  " + "\n  ".join(problems)


def figure_problems(graph: Graph, figure: Figure) -> list[str]:
    """Where a figure says less or more than its graph: lost ops, and wires without a dependency behind them."""
    cover = _Cover(graph, figure)
    return [*cover.unknown(), *cover.lost(), *cover.invented()]


class _Cover:
    """Which ops and values each box stands for."""

    def __init__(self, graph: Graph, figure: Figure) -> None:
        self.graph, self.figure = graph, figure
        self.ops: dict[str, set[str]] = {}
        self.values: dict[str, set[str]] = {}
        inside: dict[str, set[str]] = {s.id: set() for s in graph.scopes}
        for op in graph.ops:
            scope: str | None = op.scope
            while scope is not None:
                inside[scope].add(op.id)
                scope = graph.scope_by_id[scope].parent
        all_ops, all_values = graph.op_by_id.keys(), graph.value_by_id.keys()
        for item in figure.walk():
            ids = set(item.stands_for)
            within = set().union(*(inside[i] for i in ids if i in inside), ids & all_ops)
            idle = [graph.scope_by_id[i] for i in ids if i in inside and not inside[i]]  # hands on what it is given
            self.ops[item.id] = within
            self.values[item.id] = (ids & all_values).union(*((*s.inputs, *s.outputs) for s in idle))
        boxes = [item.id for item in figure.walk() if isinstance(item, Box)]
        self.shown = set().union(*(self.ops[b] for b in boxes))

    def unknown(self) -> Iterator[str]:
        known = set(self.graph.op_by_id) | set(self.graph.scope_by_id) | set(self.graph.value_by_id)
        for item in self.figure.walk():
            for id in item.stands_for:
                if id not in known:
                    yield f"{_word(item)} {item.id!r} stands for {id!r}, which the graph does not have"

    def lost(self) -> Iterator[str]:
        """Ops no box stands for. Helpers may go; others must at least be counted in the caption."""
        helpers = {name for name, kind in current_registry().of("op_kinds").items() if kind.helper}
        lost = [op for op in self.graph.ops if op.id not in self.shown and op.kind not in helpers and not self._passes_on(op)]
        said = sum(int(n) for line in self.figure.caption for n in re.findall(r"\d+", text_of(line)))
        if len(lost) > said:
            names = ", ".join(op.id for op in lost[:5])
            yield f"{len(lost)} ops are lost without a trace: {names}"

    def _passes_on(self, op: Op) -> bool:
        """Whether an op only hands one value on in another layout: as many elements in as out, and nothing else read."""
        reads, outs = list(op.reads), op.outputs
        if len(reads) != 1 or len(outs) != 1:
            return False
        values = self.graph.value_by_id
        return op.kind in _LAYOUT_KINDS and values[reads[0]].type.numel == values[outs[0]].type.numel

    def invented(self) -> Iterator[str]:
        """Wires without a dependency: from what one end makes, through ops no box stands for, to what the other end reads."""
        for wire in self.figure.wires:
            if not self._reaches(wire.source.box, wire.target.box):
                yield f"the wire from {wire.source.box!r} to {wire.target.box!r} is not in the graph"

    def _reaches(self, source: str, target: str) -> bool:
        made = {out for op in self.ops[source] for out in self.graph.op_by_id[op].outputs} | self.values[source]
        frontier, seen = list(made), set(made)
        while frontier:
            value = frontier.pop()
            if value in self.values[target]:
                return True
            handed = [one for one in self.graph.handed_on.get(value, ()) if one not in seen]
            frontier += handed
            seen.update(handed)
            for op in self.graph.readers.get(value, ()):
                if op.id in self.ops[target]:
                    return True
                if op.id not in self.shown:
                    frontier += [out for out in op.outputs if out not in seen]
                    seen.update(op.outputs)
        return False


_LAYOUT_KINDS = frozenset(
    {"view", "reshape", "permute", "transpose", "t", "T", "mT", "movedim", "unflatten", "flatten", "_unsafe_view"}
)


def _word(item: Box | Group) -> str:
    return "the box" if isinstance(item, Box) else "the group"


def _layout_problems(figure: Figure, lint: bool) -> list[str]:
    from netfig.layout import lay_out
    from netfig.layout.lint import lint as judge

    theme = load_theme("light")
    drawing = lay_out(figure, theme)
    drawn = {shape.box for shape in drawing.shapes} | {label.box for label in drawing.labels}
    problems = [f"the box {box!r} is not drawn" for box in figure.boxes if box not in drawn]
    return problems + ([str(finding) for finding in judge(drawing, theme)] if lint else [])


def _digraph_problems(drawn: Any) -> list[str]:
    from netfig.errors import EngineFailed
    from netfig.layout.engine import run_dot

    source = getattr(drawn, "source", None)
    if not isinstance(source, str):
        return [f"draw() returned {type(drawn).__name__}, not Figure or graphviz.Digraph"]
    try:
        run_dot(source, ["-Tplain"])
    except EngineFailed as error:
        return [f"Graphviz does not take its DOT: {error.why or error.what}"]
    return []


def _subject(graph: Graph, takes: str, theme: str) -> Any:
    if takes == "graph":
        return graph
    figure = plain_figure(graph)
    if takes == "figure":
        return figure
    from netfig.layout import lay_out

    return lay_out(figure, load_theme(theme))


def plain_figure(graph: Graph) -> Figure:
    """A figure of any graph with one box an op: something to write when only the writer is of interest."""
    from netfig.figure import End, Wire
    from netfig.mathtext import plain

    boxes = [Box(p.value, "input", (plain(p.name),), stands_for=(p.value,)) for p in graph.inputs]
    boxes += [Box(op.id, "op.box", (plain(op.kind),), stands_for=(op.id,), tooltip=op.id) for op in graph.ops]
    known = {box.id for box in boxes}
    wires: dict[tuple[str, str], Wire] = {}
    for op in graph.ops:
        for value in op.reads:
            source = graph.producer[value].id if value in graph.producer else value
            if source in known and source != op.id:
                wires[source, op.id] = Wire(End(source), End(op.id), stands_for=(value,))
    root = Group("figure", tuple(boxes) or (Box("empty", "note", (plain("nothing"),)),))
    return Figure(graph.name, f"{graph.name}: {len(graph.ops)} operations", root, tuple(wires.values()))


def _text_problems(data: bytes) -> list[str]:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        return [f"the text is not UTF-8: {error}"]
    bad = sorted({c for c in text if c < " " and c not in "\n\t\r"})
    return [f"the text holds control characters: {bad!r}"] if bad else []


def _svg_problems(data: bytes) -> list[str]:
    from xml.etree import ElementTree

    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - our own output, and the check is whether it parses
    except ElementTree.ParseError as error:
        return [f"the SVG is not XML: {error}"]
    found = []
    for element in root.iter():
        name = str(element.tag).rpartition("}")[2]
        if name in ("script", "foreignObject"):
            found.append(f"the SVG holds a <{name}>")
        found += [f"the SVG holds the handler {a!r}" for a in element.attrib if a.lower().startswith("on")]
    return found


# ---- graphs ----


def _linear(b: GraphBuilder, name: str, x: str, inner: int, outer: int, weight: str | None = None) -> str:
    with b.scope(name, type_name="Linear", inputs=[x], attributes={"in_features": inner, "out_features": outer}) as scope:
        weight = weight or b.parameter(f"{name}.weight", (outer, inner))
        out = b.op("linear", {"input": x, "weight": weight}, shape=(1, outer))
        scope.outputs.append(out)
    return out


def _relu(b: GraphBuilder, name: str, x: str, size: int) -> str:
    with b.scope(name, type_name="ReLU", inputs=[x]) as scope:
        out = b.op("relu", {"input": x}, shape=(1, size))
        scope.outputs.append(out)
    return out


def _chain() -> Graph:
    b = GraphBuilder("chain", type_name="Sequential")
    x = b.input("x", (1, 8))
    y = _linear(b, "0", x, 8, 16)
    y = _relu(b, "1", y, 16)
    b.output("output", _linear(b, "2", y, 16, 4))
    return b.finish()


def _residual() -> Graph:
    b = GraphBuilder("residual", type_name="Residual")
    x = b.input("x", (1, 8))
    with b.scope("block", type_name="Block", inputs=[x]) as block:
        y = _linear(b, "block.first", x, 8, 8)
        y = _relu(b, "block.act", y, 8)
        y = _linear(b, "block.second", y, 8, 8)
        y = b.op("add", {"input": y, "other": x}, shape=(1, 8))
        block.outputs.append(y)
    b.output("output", _relu(b, "act", y, 8))
    return b.finish()


def _branches() -> Graph:
    b = GraphBuilder("branches", type_name="Branches")
    x = b.input("x", (1, 8))
    parts = [_linear(b, f"branch{i}", x, 8, 4) for i in range(4)]
    b.output("output", b.op("cat", {"tensors": parts}, shape=(1, 16), attributes={"dim": 1}))
    return b.finish()


def _shared() -> Graph:
    b = GraphBuilder("shared", type_name="Tied")
    x = b.input("x", (1, 8))
    weight = b.parameter("first.weight", (8, 8), names=("first.weight", "second.weight"))
    y = _linear(b, "first", x, 8, 8, weight)
    b.output("output", _linear(b, "second", y, 8, 8, weight))
    return b.finish()


def _ports() -> Graph:
    b = GraphBuilder("ports", type_name="TwoInTwoOut")
    left, right = b.input("left", (1, 8)), b.input("right", (1, 8))
    total = b.op("add", {"input": left, "other": right}, shape=(1, 8))
    b.output("total", total)
    b.output("scores", _linear(b, "head", total, 8, 3))
    return b.finish()


def _hostile() -> Graph:
    b = GraphBuilder("hostile " + HOSTILE[0], type_name=HOSTILE[2])
    y = b.input("x", (1, 8))
    for name in HOSTILE:
        y = _linear(b, name, y, 8, 8)
    b.output("output", y)
    return b.finish()


def _nothing() -> Graph:
    b = GraphBuilder("identity", type_name="Identity")
    b.output("output", b.input("x", (1, 8)))
    return b.finish()
