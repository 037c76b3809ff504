"""Renderer "tower": a transformer as towers of equal boxes from the bottom up, as it is computed.

Everything comes from the wiring of the graph: where a sum is and where its norm, what attends to what, how often a block is
there.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.errors import UsageError
from netfig.figure import Box, End, Figure, Group, Row, Side, Wire
from netfig.graph.attention import attention_blocks
from netfig.graph.repeats_read import counts
from netfig.mathtext import Text, plain, text_of
from netfig.renderers.labels import Shapes
from netfig.renderers.tower_atoms import Atom, Net
from netfig.renderers.tower_find import find_parts, weighs
from netfig.renderers.tower_plan import Plan, Step, make_plan
from netfig.renderers.tower_words import Words

if TYPE_CHECKING:
    from netfig.graph import Graph, Scope
    from netfig.renderers.options import TowerOptions


def suits(graph: Graph) -> float:
    """Below the default renderer, for what has attention: it is asked for by name."""
    if any(not axis.members for axis in graph.axes) or len(graph.scopes) < 2 or any(v.data is not None for v in graph.values):
        return 0.0
    return 0.45 if attention_blocks(graph) or any(weighs(graph, op) for op in graph.ops) else 0.0


def draw_tower(graph: Graph, options: TowerOptions) -> Figure:
    """The figure of a transformer.

    Raises:
        UsageError: there is no attention in the graph.
    """
    net = Net(graph)
    find_parts(net)
    if not any(atom.kind == "attention" for atom in net.in_order()):
        raise UsageError(
            f"there is no attention in {graph.name!r}",
            why="nothing in it computes a softmax of products of queries and keys and mixes values by it",
            hint="draw it with -r modules",
        )
    return _Towers(net, options).figure()


class _Towers:
    def __init__(self, net: Net, options: TowerOptions) -> None:
        self.net, self.options = net, options
        self.plan: Plan = make_plan(net)
        self.words = Words(net, self.plan, options)
        self.shapes = Shapes(net.graph)
        self.home = {step.atom.id: n for n, tower in enumerate(self.plan.towers) for step in tower}
        self.rows = {step.atom.id: k for tower in self.plan.towers for k, step in enumerate(tower)}

    def figure(self) -> Figure:
        """The whole figure."""
        towers = tuple(self._tower(n, steps) for n, steps in enumerate(self.plan.towers))
        wires = tuple(self._wires())
        caption = self.words.caption() if self.options.caption else ()
        return Figure(
            self.net.graph.name,
            self.words.alt(towers),
            Group("towers", towers, arrangement="towers", stands_for=(self.net.graph.root.id,)),
            wires,
            caption,
            "up",
        )

    def lane_side(self, tower: int) -> Side:
        """Where the residual lanes of a tower run: outside, so at the right for the last of several, and for a decoder."""
        if len(self.plan.towers) > 1:
            return "right" if tower == len(self.plan.towers) - 1 else "left"
        return "right" if any(self.words.is_masked(step.atom) for step in self.plan.towers[0]) else "left"

    # ---- boxes -------------------------------------------------------------------------------------------------------

    def _tower(self, number: int, steps: tuple[Step, ...]) -> Group:
        said = ""
        boxes: list[tuple[tuple[str, ...], Box]] = []
        side = self.lane_side(number)
        for step in steps:
            there = [self.words.box(self.net.atoms[one]) for one in step.beside] + self.words.stored_beside(step.atom)
            for nth, box in enumerate(there):
                boxes.append((step.panels, _placed(box, (side == "left") == (nth % 2 == 0))))
            box = self.words.box(step.atom)
            shape = self._shape(step.atom)
            facts = any(row.kind == "count" and "→" in text_of(row.text) for row in box.rows)
            if shape and not facts and (shape != said or self.options.shapes == "all") and self.options.shapes != "none":
                box = _with_row(box, Row("shape", plain(shape)))
            said = shape or said
            boxes.append((step.panels, box))
        return Group(f"tower {number + 1}", tuple(self._nested(boxes, 0, number)), title=())

    def _nested(self, boxes: list[tuple[tuple[str, ...], Box]], depth: int, tower: int) -> list[Box | Group]:
        found: list[Box | Group] = []
        k = 0
        while k < len(boxes):
            panels, box = boxes[k]
            if len(panels) <= depth:
                found.append(box)
                k += 1
                continue
            end = k
            while end < len(boxes) and boxes[end][0][depth : depth + 1] == panels[depth : depth + 1]:
                end += 1
            scope = self.plan.panels[panels[depth]]
            last = all(not later for later, _ in boxes[end:]) and depth == 0
            inner = tuple(self._nested(boxes[k:end], depth + 1, tower))
            id = scope.id if k == 0 or all(scope.id not in before for before, _ in boxes[:k]) else f"{scope.id}~{k}"
            found.append(
                Group(
                    id,
                    inner,
                    "panel",
                    self.words.panel_title(scope, tower, last),
                    badge=self.badge(scope),
                    stands_for=(scope.id,),
                )
            )
            k = end
        return found

    def badge(self, scope: Scope) -> Text:
        """``6 ×``: how often what stands in a panel is there."""
        axis = next((axis for axis in self.net.graph.axes if axis.id == scope.axis), None)
        if scope.kind != "plate" or axis is None:
            return plain("1 ×") if any(one.kind == "plate" for one in self.plan.panels.values()) else ()
        found = counts(self.net.graph, axis)
        return plain(f"{', '.join(map(str, found if len(set(found)) > 1 else found[:1]))} ×")

    def _shape(self, atom: Atom) -> str:
        if atom.kind == "output":
            return ""
        going = [(read, target) for source, target, read in self.plan.wires if source == atom.id]
        seen = [read.seen for read, target in going if self.net.atoms[target].kind != "attention"]  # which may turn it first
        return self.shapes.text((seen or [read.value for read, _ in going])[0]) if going else ""

    # ---- wires -------------------------------------------------------------------------------------------------------

    def _wires(self) -> list[Wire]:
        found: list[Wire] = []
        taken: dict[str, set[str]] = {}
        named = False
        for source, target, read in self.plan.wires:
            slot = read.slot
            across = source in self.home and self.home[source] != self.home[target]
            side = self._side(source, target, slot, taken.setdefault(target, set()))
            role = "memory.tower" if across and slot in ("K", "V") else "data"
            label: Text = ()
            if role == "memory.tower" and not named:
                label, named = plain("memory"), True
            found.append(Wire(End(source), End(target, slot, side), role, label, stands_for=(read.value,)))
        found += [
            Wire(End(box), End(target), stands_for=(value,))
            for target in self.home
            for box, value in self.words.stored_wires(target)
        ]
        return found

    def _side(self, source: str, target: str, slot: str, taken: set[str]) -> Side:
        """Where a wire enters: from below into attention and where it comes from the next box, else from a lane at the side."""
        if slot or source not in self.home:
            return ""
        atom = self.net.atoms[target]
        outer = self.lane_side(self.home[target])
        inner: Side = "left" if outer == "right" else "right"
        if self.home[source] != self.home[target]:
            return "left" if self.home[source] < self.home[target] else "right"
        joins = atom.kind in ("add", "addnorm", "cat", "concat") or self.words.box(atom).role == "op"
        if self.rows[target] == self.rows[source] + 1 or not joins:
            return ""
        side: Side = outer if outer not in taken else inner if inner not in taken else ""
        taken.add(side)
        return side


def _placed(box: Box, left: bool) -> Box:
    """The box beside the column."""
    rows = tuple(row if box.role == "op" else Row("detail", row.text) for row in box.rows)
    return replace(box, rows=rows, place=(0 if left else 2, 0))


def _with_row(box: Box, row: Row) -> Box:
    return replace(box, rows=(row, *box.rows))


__all__ = ["draw_tower"]
