"""What stands in a box of a comparison: its sign, its title, what is different, and parameters before and after."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from netfig.figure import Box, Row
from netfig.graph import Op, Scope
from netfig.graph.align_rows import row_name
from netfig.graph.align_totals import layer_changes, layer_state, layers, parameters_of
from netfig.mathtext import Run, Text, plain
from netfig.renderers.boxwords import LINE, BoxWords, Look
from netfig.renderers.kinds import kind_of
from netfig.renderers.labels import number

if TYPE_CHECKING:
    from netfig.graph.align import Item
    from netfig.renderers.compare_view import CompareView, Pair
    from netfig.renderers.view import Leaf

SIGNS: Final = {"same": "", "changed": "~", "added": "+", "removed": "−"}
MOST: Final = 4
"""Differences that are listed in a box; more are counted."""
_LOW: Final = frozenset(("op.box", "op", "activation", "norm", "pool", "note"))
_SAID: Final = frozenset(("class", "operation"))


class CompareWords:
    """Turns the pairs of a view into boxes."""

    def __init__(self, view: CompareView, params: str) -> None:
        self.view, self.params = view, params
        look = Look(
            helpers=False, reshapes=False, constants=False, functions=False, params=params, shapes="changes", fold=True,
            names=False, caption=True,
        )  # fmt: skip
        self.words = tuple(BoxWords(graph, look, one) for graph, one in zip(view.graphs, view.views, strict=True))

    def _sides(self, pair: Pair) -> list[tuple[BoxWords, Leaf]]:
        return [(w, leaf) for w, leaf in zip(self.words, (pair.before, pair.after), strict=True) if leaf is not None]

    def kind(self, pair: Pair) -> str:
        """The role its box has in a figure of one model."""
        words, leaf = self._sides(pair)[-1]
        return words.role(leaf)

    def shapes(self, pair_values: tuple[str, ...], which: int) -> str:
        """The shape of values of one graph, where they have one."""
        found = {self.words[which].shapes.text(value) for value in pair_values}
        return found.pop() if len(found) == 1 else ""

    def box(self, pair: Pair) -> Box:
        """The box of a pair."""
        if pair.elided:
            return self._stretch(pair)
        kind, sign = self.kind(pair), SIGNS[pair.state]
        lines = self._lines(pair)
        low = ".op" if kind == "op" and not sign else ".low" if kind in _LOW else ".weight" if kind == "weight" else ""
        title = tuple(_signed(sign if k == 0 else "", line) for k, line in enumerate(lines))
        rows = [Row("detail", plain(line)) for line in self._details(pair)]
        rows += self._shapes(pair, kind) + self._params(pair)
        word = {"same": "the same", "changed": "changed", "added": "added", "removed": "removed"}[pair.state]
        leaf = pair.leaf
        path = leaf.item.path if isinstance(leaf.item, Scope) and leaf.item.path else leaf.id
        return Box(
            pair.id,
            pair.state + low,
            title,
            tuple(rows),
            badge=plain(f"× {pair.times}") if pair.times > 1 else (),
            emphasis="quiet" if pair.state == "same" else "strong",
            tooltip=f"{word}: {path}",
            stands_for=tuple(dict.fromkeys(leaf.stands_for)),
        )

    def _stretch(self, pair: Pair) -> Box:
        every = [pair, *pair.elided]
        count = sum(one.times for one in every)
        ends = [self._name(one) for one in (every[0], every[-1])]
        return Box(
            pair.id,
            "same",
            (plain(f"{count} layers"),),
            (Row("detail", plain(f"{ends[0]} … {ends[1]}")),),
            emphasis="quiet",
            tooltip="the same: " + ", ".join(map(self._name, every)),
            stands_for=tuple(dict.fromkeys(id for one in every for id in one.leaf.stands_for)),
        )

    def _name(self, pair: Pair) -> str:
        item = pair.last.item if pair.last is not None else pair.leaf.item
        return item.path if isinstance(item, Scope) and item.path else self._title(*self._sides(pair)[-1])

    # -- titles -----------------------------------------------------------------------------------------------------

    def _title(self, words: BoxWords, leaf: Leaf) -> str:
        """A word, also where a figure of one model has a sign."""
        title = words.title(leaf)[0]
        if isinstance(leaf.item, Op) and words.role(leaf) == "op":
            return kind_of(words.graph, leaf.item).label
        return title

    def _lines(self, pair: Pair) -> list[str]:
        sides = self._sides(pair)
        if pair.state == "same" and self.kind(pair) == "op":
            title = sides[-1][0].title(sides[-1][1])[0]
        else:
            titles = [self._title(words, leaf) for words, leaf in sides]
            other = pair.item is None or any(c[0] in _SAID for c in layer_changes(pair.item))
            title = " → ".join(dict.fromkeys(titles)) if other else titles[-1]
        activations = [self._title(*self._sides(one)[-1]) for one in pair.folded]
        joined = ", ".join([title, *activations])
        return [joined] if len(joined) <= LINE or not activations else [title, ", ".join(activations)]

    # -- rows -------------------------------------------------------------------------------------------------------

    def _details(self, pair: Pair) -> list[str]:
        item = pair.item
        words, leaf = self._sides(pair)[-1]
        if item is None:
            return []
        details = [] if pair.state == "changed" else words.title(leaf)[1]
        if pair.last is not None:
            details = [row_name((item, pair.last))]
        elif isinstance(leaf.item, Scope) and pair.state in ("added", "removed") and self.kind(pair) == "block":
            details = [*details, leaf.item.path]
        if item.moved:
            to = pair.state == "removed"
            here = isinstance(item.item, Scope) and item.item.path == item.moved
            word = ("moved away" if to else "moved here") if here else f"moved {'to' if to else 'from'} {item.moved}"
            details = [*details, word]
        if pair.state == "changed":
            details = self.changes(item)
        return details

    def changes(self, item: Item) -> list[str]:
        """What is different in an item, as lines."""
        if not item.is_op and not item.changes and any(_is_module(i) for i in item.walk() if i is not item):
            found = Counter(layer_state(layer) for layer in layers(item))
            words = [f"{found[state]} {state}" for state in ("changed", "added", "removed") if found[state]]
            return [", ".join(words) + " inside"] if words else ["wired otherwise"]
        changes = layer_changes(item)
        names: dict[tuple[str, str], list[str]] = {}
        for what, before, after in changes:
            if what not in _SAID:
                names.setdefault((before, after), []).append(what)
        listed = [
            f"was {before}" if words == ["name"] else f"{', '.join(words)} {before} → {after}"
            for (before, after), words in names.items()
        ] or ([] if changes else ["wired otherwise"])
        return listed if len(listed) <= MOST else [*listed[: MOST - 1], f"{len(listed) - MOST + 1} more"]

    def _shapes(self, pair: Pair, kind: str) -> list[Row]:
        """The shapes of an input, output or stored value: of both where they differ."""
        if kind not in ("input", "output", "weight"):
            return []
        values = [(words, leaf.stands_for[0]) for words, leaf in self._sides(pair) if len(leaf.stands_for) == 1]
        texts = list(dict.fromkeys(text for words, value in values if (text := words.shapes.text(value))))
        return [Row("shape", plain(" → ".join(texts)))] if texts else []

    def _params(self, pair: Pair) -> list[Row]:
        item = pair.item
        if self.params == "none" or pair.state == "same" or item is None:
            return []
        counts = [parameters_of(g, one) or 0 for g, one in zip(self.view.graphs, (item.before, item.after), strict=True)]
        if pair.state != "changed":
            count = counts[pair.state == "added"]
            return [Row("params", plain(f"{number(count)} params{' each' if pair.times > 1 else ''}"))] if count else []
        if counts[0] == counts[1]:
            return []
        return [Row("params", plain(f"{number(counts[0])} → {number(counts[1])} params"))]


def _is_module(item: Item) -> bool:
    return isinstance(item.item, Scope) and item.item.kind == "module"


def _signed(sign: str, line: str) -> Text:
    return (Run(f"{sign} ", "strong"), *plain(line)) if sign else plain(line)
