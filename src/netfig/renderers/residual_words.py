"""The words of a figure of a residual network: titles of boxes, shapes, the equation of a block, the caption."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.figure import Row
from netfig.graph import Op, Scope
from netfig.mathtext import Run, Text, math, plain, strong, text_of
from netfig.renderers.kinds import kind_of
from netfig.renderers.labels import Shapes, number
from netfig.renderers.layerwords import layer_name
from netfig.renderers.residual_find import Block, Dense
from netfig.renderers.residual_plan import inside

if TYPE_CHECKING:
    from netfig.graph import Attribute
    from netfig.renderers.residual_net import Node
    from netfig.renderers.residual_plan import Part, Plan

NORMS = (
    ("batch", "BN", "batch norm"),
    ("layer", "LN", "layer norm"),
    ("group", "GN", "group norm"),
    ("instance", "IN", "instance norm"),
)
LINE = 6
"""Words of the overview share a line up to so many characters."""


class Words:
    """The words of one network."""

    def __init__(self, plan: Plan) -> None:
        self.plan, self.net = plan, plan.net
        self.shapes = Shapes(self.net.graph)
        self.norms: dict[str, str] = {}

    # ---- shapes --------------------------------------------------------------------------------------------------------

    def shape(self, value: str) -> str:
        """``64@56²``; a map of one element is the vector it is."""
        text = self.shapes.text(self.net.seen(value))
        channels, at, size = text.partition("@")
        sides = size.split("×")
        if at and len(sides) > 1 and len(set(sides)) == 1:
            return channels if sides[0] == "1" else f"{channels}@{sides[0]}{'²' if len(sides) == 2 else '³'}"
        return text

    def channels(self, value: str) -> str:
        """How many maps a value has, or features."""
        return self.shapes.text(self.net.seen(value)).partition("@")[0]

    # ---- boxes ---------------------------------------------------------------------------------------------------------

    def name(self, node: Node) -> str:
        """``3×3 conv``, ``BN``, ``ReLU``."""
        if node.role == "norm":
            low = node.kind.lower()
            for start, short, full in NORMS:
                if low.startswith(start):
                    self.norms[short] = full
                    return short
        if node.kind in ("mean", "AdaptiveAvgPool2d", "adaptive_avg_pool2d") and self._is_point(node):
            return "avg pool"
        return layer_name(self.net.graph, node.item, node.ops).name

    def _is_point(self, node: Node) -> bool:
        shape = self.net.graph.value_by_id[self.net.made(node.id)].type.shape or ()
        return len(shape) <= 2 or all(d.size == 1 for d in shape[2:])

    def settings(self, node: Node) -> tuple[str, ...]:
        """What a layer of a block is told by beside its name: how many maps it makes, stride, groups."""
        words = layer_name(self.net.graph, node.item, node.ops)
        return tuple(word for word in (words.size, *words.settings) if word) if node.is_layer or node.role == "pool" else ()

    def title(self, node: Node) -> tuple[str, Text]:
        """Role and title of a node's box."""
        if node.kind in ("mul", "scale"):
            if len(node.reads) == 1 and node.stored:
                return "layer.residual", (*plain("scale "), *math("γ"))
            factor = self._factor(node)
            if factor is not None:
                return "op.box.residual", plain(f"×\u00a0{factor:g}" if isinstance(factor, float) else f"×\u00a0{factor}")
        if node.role == "op" and isinstance(node.item, Op) and len(node.reads) > 1:
            sign = kind_of(self.net.graph, node.item).sign
            return "op", plain(sign)
        role = "op.box" if node.role in ("op", "op.merge") else node.role
        return f"{role}.residual", plain(self.name(node))

    def _factor(self, node: Node) -> Attribute:
        found = [
            v for op in node.ops for k, v in op.attributes if k in ("other", "factor", "value") and isinstance(v, (int, float))
        ]
        return found[0] if found and len(node.reads) == 1 else None

    def lines(self, nodes: list[str]) -> tuple[Text, ...]:
        """The words of some nodes one under the other, in the order they run; what is said twice in a row stands once."""
        found: list[str] = []
        for one in nodes:
            node = self.net.nodes[one]
            words = text_of(self.title(node)[1])
            if node.role == "op" and len(node.reads) > 1:
                words = kind_of(self.net.graph, node.item).label if isinstance(node.item, Op) else words
            found += wrapped(words)
        return tuple(plain(line) for line in found)

    def list_of(self, nodes: list[str]) -> tuple[Text, ...]:
        """The words of nodes beside a chain, a line each, with how many maps a layer makes."""
        found: list[Text] = []
        for one in nodes:
            node = self.net.nodes[one]
            size = layer_name(self.net.graph, node.item, node.ops).size if node.is_layer else ""
            found.append((*self.title(node)[1], *plain(f", {size}" if size else "")))
        return tuple(found)

    def items(self, nodes: list[str]) -> tuple[str, ...]:
        """The ids of the graph that some nodes are."""
        return tuple(self.net.nodes[one].item.id for one in nodes)

    def tooltip(self, node: Node) -> str:
        """Where a node is, and what it makes."""
        where = node.item.path if isinstance(node.item, Scope) and node.item.path else node.id
        return f"{where}: {self.shape(self.net.made(node.id))}"

    # ---- equations -----------------------------------------------------------------------------------------------------

    def equation(self, block: Block) -> tuple[Text, ...]:
        """What a block computes of its input *x*: where nodes lead to the split, that is named *u*."""
        equations: list[Text] = []
        source = "x"
        if block.lead:
            source = "u"
            equations.append((*math("u"), *_maths(" = "), *self._applied(block.lead, math("x"))))
        branch: Text = (*math("F"), *_maths("("), *math(source), *_maths(")"))
        if not block.join:
            return (*equations, (*math("y"), *_maths(" = "), *branch))
        skip: Text = (*math("P"), *_maths("("), *math(source), *_maths(")")) if block.skip else math(source)
        reads = self.net.nodes[block.join].reads
        skip_first = self.net.maker[reads[0].value] == (block.skip[-1] if block.skip else block.split)
        total: Text = (*skip, *_maths(" + "), *branch) if skip_first else (*branch, *_maths(" + "), *skip)
        return (*equations, (*math("y"), *_maths(" = "), *self._applied(block.tail, total)))

    def _applied(self, nodes: list[str], to: Text) -> Text:
        for one in nodes:
            name = text_of(self.title(self.net.nodes[one])[1])
            to = (Run(name, "math-upright"), *_maths("("), *to, *_maths(")"))
        return to

    # ---- the caption ---------------------------------------------------------------------------------------------------

    def caption(self, others: tuple[Text, ...] = ()) -> tuple[Text, ...]:
        """The lines of facts; `others` are sentences the figure adds."""
        graph, plan = self.net.graph, self.plan
        facts = [f"{number(graph.parameter_count)} parameters"] if graph.parameter_count else []
        if self.shapes.batch is not None:
            facts.append("batch dimension left out")
        hidden = len(self.net.helpers) + len(self.net.constants)
        if hidden:
            facts.append(f"{hidden} helper operation{'s' if hidden > 1 else ''} not drawn")
        ops = sum(len(self.net.nodes[one].ops) for one in plan.aside)
        if ops:
            facts.append(f"{ops} operation{'s' if ops > 1 else ''} beside the way to {graph.outputs[0].name} not drawn")
        said = "; ".join(facts)
        first: Text = (*strong(f"{graph.name.replace('_', ' ')}."), *plain(f" {said[:1].upper()}{said[1:]}." if said else ""))
        lines = [first]
        rest = [*map(plain, self._blocks_said()), *others, *map(plain, self._norms_said())]
        joined = tuple(piece for n, text in enumerate(rest) for piece in (*(plain(" ") if n else ()), *text))
        return (*lines, joined) if joined else tuple(lines)

    def _blocks_said(self) -> list[str]:
        found = []
        kinds = {kind: sum(b.kind == kind for b in self.plan.blocks) for kind in ("identity", "projection", "plain")}
        total = kinds["identity"] + kinds["projection"]
        if total:
            said = f"{total} residual block{'s' if total > 1 else ''}"
            if kinds["identity"] and kinds["projection"]:
                said += f": {kinds['identity']} with identity skips, {kinds['projection']} with projections"
            else:
                kind = "identity skip" if kinds["identity"] else "projection"
                said += f", all with {kind}s" if total > 1 else f", with {'an' if kinds['identity'] else 'a'} {kind}"
            found.append(f"{said}; {kinds['plain']} more without a skip." if kinds["plain"] else f"{said}.")
        dense = [part for part in self.plan.parts if isinstance(part.entry, Dense)]
        if dense:
            listed = [str(len(part.entry.layers)) for part in dense if isinstance(part.entry, Dense)]
            sizes = " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)
            found.append(f"{len(dense)} dense block{'s' if len(dense) > 1 else ''} of {sizes} layers.")
        return found

    def _norms_said(self) -> list[str]:
        said = "; ".join(f"{short}: {full}" for short, full in sorted(self.norms.items()))
        return [f"{said}."] if said else []

    def block_said(self, part: Part, block: Block) -> str:
        """Which block of its stage it is: ``layer2.0, the first block``."""
        same = [k for k, b in enumerate(part.blocks) if b.kind == block.kind]
        name = self.path(block.scope) if block.owned or block.kind == "plain" else ""
        if len(part.blocks) == 1:
            return name
        count = len(same)
        if same == [0]:
            which = "the first block"
        elif len(same) == len(part.blocks):
            which = f"one of {count} blocks"
        elif same == list(range(1, len(part.blocks))) and count > 1:
            which = f"one of the other {count} blocks"
        else:
            which = "the other block" if count == 1 else f"one of {count} such blocks"
        return f"{name}, {which}" if name else which

    def path(self, scope: str) -> str:
        """What a scope is called in the program."""
        found = self.net.graph.scope_by_id[scope]
        return found.path or ("" if found.parent is None else found.id)

    def reading(self, block: Block) -> str:
        """The steps of a block in order, for the alt text."""
        drawn = inside(self.net, block)
        return ", ".join(text_of(self.title(self.net.nodes[one])[1]) for one in drawn.chain)


def wrapped(words: str) -> list[str]:
    """Words on short lines."""
    lines: list[str] = []
    for word in words.split():
        if lines and len(lines[-1]) + 1 + len(word) <= LINE:
            lines[-1] += f" {word}"
        else:
            lines.append(word)
    return lines


def _maths(text: str) -> Text:
    return (Run(text, "math"),)


def detail_rows(words: tuple[str, ...]) -> tuple[Row, ...]:
    """Settings as rows of a box."""
    return tuple(Row("detail", plain(word)) for word in words)
