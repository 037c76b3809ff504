"""A dense block opened: its layers along a bus, each reading all that is on it and adding its own maps."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.figure import Box, End, Group, Wire
from netfig.mathtext import Run, Text, math, plain, text_of

if TYPE_CHECKING:
    from netfig.renderers.residual_find import Dense
    from netfig.renderers.residual_words import Words

MOST = 4
"""Layers that are drawn: of more than these the first three and the last."""
BUS, LAYER = 1, 2


class DensePanel:
    """Makes the group of a dense block and its wires."""

    def __init__(self, words: Words) -> None:
        self.words, self.net = words, words.net
        self.wires: list[Wire] = []
        self.said: list[Text] = []
        self.alt = ""

    def growth(self, dense: Dense) -> str:
        """How many maps each layer adds: one number, or all of them."""
        found = list(dict.fromkeys(self.words.channels(layer.value) for layer in dense.layers))
        return found[0] if len(found) == 1 else "…".join((found[0], found[-1]))

    def group(self, dense: Dense, name: str, *, equation: bool = True) -> Group:
        """The panel: boxes of the bus at level 1, the layers at level 2, columns from left to right."""
        count = len(dense.layers)
        drawn = list(range(count)) if count <= MOST else [0, 1, 2, count - 1]
        boxes: list[Box] = [
            Box(
                "open/x",
                "state.residual",
                (math("x"),),
                above=(plain(self.words.shape(dense.base)),),
                place=(0, BUS),
                stands_for=(dense.base, *self._cats([dense.layers[0].reads])),
            )
        ]
        before, column = "open/x", 1
        for n in drawn:
            if n and n - 1 not in drawn:
                dots = Box("open/dots", "ellipsis", (), place=(column, BUS), stands_for=self._left_out(dense, drawn))
                boxes.append(dots)
                self.wires.append(Wire(End(before), End(dots.id), "skip", head=False, stands_for=(dense.base,)))
                before, column = dots.id, column + 1
            layer = dense.layers[n]
            box = self._layer(dense, n, column)
            bus = self._bus(dense, n, column + 1)
            boxes += [box, bus]
            self.wires.append(Wire(End(before), End(box.id), stands_for=(self._carried(dense, n),)))
            self.wires.append(Wire(End(before), End(bus.id), "skip", stands_for=(dense.base,)))
            self.wires.append(Wire(End(box.id), End(bus.id), label=math(f"h_{{{n + 1}}}"), stands_for=(layer.value,)))
            before, column = bus.id, column + 2
        out = self.net.made(dense.join)
        boxes.append(
            Box(
                "open/y",
                "state.residual",
                (math("y"),),
                above=(plain(self.words.shape(out)),),
                place=(column, BUS),
                stands_for=(out,),
            )
        )
        self.wires.append(Wire(End(before), End("open/y"), "skip", stands_for=(out,)))
        self._say(dense, count)
        title = plain(f"{name + ', ' if name else ''}{count} layers")
        row = Group("open0", tuple(boxes), title=title, detail=self._equation(count) if equation else (), arrangement="grid")
        return Group("open", (row,), "panel", stands_for=self.words.items([dense.join, *dense.inner]))

    def _say(self, dense: Dense, count: int) -> None:
        growth = self.growth(dense)
        self.said.append((*plain("Growth "), *math("k"), *plain(f" = {growth}: so many maps each layer adds to the bus.")))
        equation = text_of(self._equation(count))
        self.alt = f"A dense block opened: {count} layers, each reads all maps on the bus and adds {growth}. {equation}."

    def _equation(self, count: int) -> Text:
        """What a layer computes, and what leaves the block."""
        so_far: Text = (Run("[", "math"), *math("x"), Run(", ", "math"), *math("h_1"), Run(", …, ", "math"))
        layer: Text = (
            *math("h_i"),
            Run(" = ", "math"),
            *math("H_i"),
            Run("(", "math"),
            *so_far,
            *math("h_{i-1}"),
            Run("])", "math"),
        )
        made: Text = (*math("y"), Run(" = ", "math"), *so_far, *math(f"h_{{{count}}}"), Run("]", "math"))
        return (*layer, *plain(",\u2003"), *made)

    def _carried(self, dense: Dense, n: int) -> str:
        reads = dense.layers[n].reads
        return self.net.made(reads) if reads and self.net.nodes[reads].is_concatenation else dense.base

    def _cats(self, nodes: list[str]) -> tuple[str, ...]:
        """The concatenations among some nodes, as ids of the graph."""
        known = self.net.nodes
        return self.words.items([one for one in nodes if one in known and known[one].is_concatenation])

    def _left_out(self, dense: Dense, drawn: list[int]) -> tuple[str, ...]:
        hidden = [k for k in range(len(dense.layers)) if k not in drawn]
        nodes = [n for k in hidden for n in dense.layers[k].nodes]
        cats = self._cats([dense.layers[k].reads for k in (*hidden, hidden[-1] + 1)])
        values = [dense.base, *(layer.value for layer in dense.layers[: hidden[-1] + 1])]
        return (*self.words.items(nodes), *cats, *values)

    def _layer(self, dense: Dense, n: int, column: int) -> Box:
        nodes = dense.layers[n].nodes
        id, name = f"open/layer{n + 1}", math(f"H_{{{n + 1}}}")
        place, items = (column, LAYER), self.words.items(nodes)
        return Box(id, "layer.residual", self.words.list_of(nodes), above=(name,), place=place, stands_for=items)

    def _bus(self, dense: Dense, n: int, column: int) -> Box:
        """Where the maps of a layer join the bus; it stands for the concatenation that follows and all that is in it."""
        after = dense.layers[n + 1].reads if n + 1 < len(dense.layers) else dense.join
        cats = [after] if after in self.net.nodes and self.net.nodes[after].is_concatenation else []
        channels = self.net.made(after) if cats else ""
        values = (dense.base, *(layer.value for layer in dense.layers[: n + 1]))
        above = (plain(self.words.channels(channels)),) if channels else ()
        return Box(
            f"open/bus{n + 1}",
            "op.merge",
            (plain("cat"),),
            above=above,
            place=(column, BUS),
            stands_for=(*self.words.items(cats), *values),
        )
