"""Two models in one figure: the same stands back, what is changed, added or removed has a sign, an outline and a colour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.figure import Box, End, Figure, Group, LegendEntry, Wire
from netfig.graph import Scope
from netfig.graph.align_rows import row_name
from netfig.graph.align_totals import signed, totals
from netfig.mathtext import Text, plain, text_of
from netfig.renderers.boxwords import CONTAINERS, relative_path
from netfig.renderers.compare_rows import elide, fold_activations, fold_rows
from netfig.renderers.compare_view import CompareView, Link, Pair
from netfig.renderers.compare_words import MOST, SIGNS, CompareWords
from netfig.renderers.labels import number

if TYPE_CHECKING:
    from netfig.graph.align import Alignment, Item
    from netfig.renderers.compare_rows import Row
    from netfig.renderers.options import CompareOptions

ROOM = 18
"""Boxes of a figure from which on stretches of the same are drawn as one."""


def draw_comparison(alignment: Alignment, options: CompareOptions) -> Figure:
    """A Figure of two graphs, opened down to where they differ; less deep when that takes too many boxes."""
    depth = options.depth or (1 if alignment.is_equal else _deepest(alignment.root))
    maker = FigureMaker(alignment, options, depth)
    while options.depth == 0 and depth > 1 and len(maker.view.pairs) > options.max_boxes:
        depth -= 1
        maker = FigureMaker(alignment, options, depth)
    return maker.figure()


def _deepest(root: Item) -> int:
    return 1 + max((_deepest(child) for child in root.children if not child.is_op), default=0)


class FigureMaker:
    """Builds a view of two graphs and turns it into a Figure."""

    def __init__(self, alignment: Alignment, options: CompareOptions, depth: int) -> None:
        self.alignment, self.options = alignment, options
        self.view = CompareView(alignment, depth)
        self.rows: dict[Item, Row] = fold_rows(self.view)
        self.words = CompareWords(self.view, options.params)
        if options.fold == "activation":
            fold_activations(self.view, {pair.id: self.words.kind(pair) for pair in self.view.pairs.values()})
        if len(self.view.pairs) > ROOM and not options.context:
            elide(self.view)

    def figure(self) -> Figure:
        """The whole figure."""
        boxes = {pair.id: self.words.box(pair) for pair in self.view.pairs.values()}
        caption = self._caption() if self.options.caption else ()
        names = [graph.name for graph in self.view.graphs]
        title = f"{names[0]} → {names[1]}" if names[0] != names[1] else f"{names[0]}, two versions"
        return Figure(
            title=title,
            alt=self._alt(title, boxes),
            root=self._groups(boxes),
            wires=self._wires(),
            caption=caption,
            legend=self._legend(boxes),
            show_title=True,
        )

    # -- groups -----------------------------------------------------------------------------------------------------

    def _groups(self, boxes: dict[str, Box]) -> Group:
        view = self.view
        inside: dict[Item, list[tuple[float, Box | Group]]] = {item: [] for item in view.opened}
        for pair in view.pairs.values():
            inside[pair.panel].append((pair.order, boxes[pair.id]))
        taken = set(boxes)
        for item in sorted(view.opened, key=lambda item: -view.order[item]):
            content = sorted(inside[item], key=lambda entry: entry[0])
            members = tuple(member for _, member in content)
            name = item.item.id
            while name in taken:
                name += "~"
            if item not in view.parent:
                return Group(name, members, stands_for=(item.item.id,))
            if not members:
                continue
            place = inside[view.parent[item]]
            told = item in self.rows or item.changes or item.state in ("added", "removed")
            if len(members) == 1 and not told:
                place.append(content[0])
                continue
            taken.add(name)
            place.append((content[0][0], self._panel(item, name, members)))
        raise AssertionError("an alignment has a root")

    def _panel(self, item: Item, name: str, members: tuple[Box | Group, ...]) -> Group:
        scope = item.item
        assert isinstance(scope, Scope)
        graph = self.view.graphs[item.after is not None]
        row = self.rows.get(item)
        path = relative_path(graph, scope) or scope.id
        if row is not None:
            path += row_name(row).removeprefix(scope.path)
        sign = SIGNS[item.state]
        said = self.words.changes(item) if item.changes else []
        classes = dict.fromkeys(one.type_name for one in (item.before, item.after) if isinstance(one, Scope))
        names = " → ".join(one for one in classes if one not in CONTAINERS)
        detail = ", ".join(word for word in (names, *said) if word and word != "wired otherwise")
        return Group(
            name,
            members,
            "panel",
            plain(f"{sign} {path}".strip()),
            plain(detail) if len(members) > 1 else (),
            plain(f"× {len(row)}") if row is not None else (),
            stands_for=(scope.id,),
            tooltip=f"{scope.path}: {scope.type_name}",
        )

    # -- wires ------------------------------------------------------------------------------------------------------

    def _wires(self) -> tuple[Wire, ...]:
        view = self.view
        order = {name: pair.order for name, pair in view.pairs.items()}
        told: dict[str, set[str]] = {}
        for (_, target), link in view.links.items():
            text = self._reshaped(link)
            if text:
                told.setdefault(target, set()).add(text)
        wires, labelled = [], set()
        for (source, target), link in sorted(view.links.items(), key=lambda kv: (order[kv[0][0]], order[kv[0][1]])):
            text = self._reshaped(link)
            label: Text = ()
            known = view.pairs[source].item is None or text in told.get(source, ())
            if text and not known and source not in labelled and view.pairs[target].item is not None:
                label = plain(text)
                labelled.add(source)
            edge = link.after or link.before
            assert edge is not None
            values = edge.values if link.after else [self.alignment.values.get(value, value) for value in edge.values]
            wires.append(Wire(End(source), End(target, edge.slot), f"data.{link.state}", label, stands_for=tuple(values)))
        return tuple(wires)

    def _reshaped(self, link: Link) -> str:
        """``64@32×32 → 64@30×30`` where a value has another shape than before."""
        if link.before is None or link.after is None or self.options.shapes == "none":
            return ""
        before, after = (self.words.shapes(tuple(edge.read), k) for k, edge in enumerate((link.before, link.after)))
        if not before or not after or before == after:
            return ""
        channels, at, maps = before.partition("@")
        return f"{channels} → {after}" if at and after.partition("@")[2] == maps else f"{before} → {after}"

    # -- words ------------------------------------------------------------------------------------------------------

    def _legend(self, boxes: dict[str, Box]) -> tuple[LegendEntry, ...]:
        if self.alignment.is_equal:
            return ()
        shown = {box.role.partition(".")[0] for box in boxes.values()}
        wires = {link.state for link in self.view.links.values()}
        words = (("changed", "~ changed"), ("added", "+ added"), ("removed", "− removed"), ("same", "the same"))
        return tuple(
            LegendEntry(role, plain(text)) if role in shown else LegendEntry(f"data.{role}", plain(text), "wire")
            for role, text in words
            if role in shown or role in wires
        )

    def _caption(self) -> tuple[Text, ...]:
        alignment, view = self.alignment, self.view
        found = totals(alignment)
        lines = []
        counts = [f"{found.layers[state]} {state}" for state in ("changed", "added", "removed") if found.layers[state]]
        if alignment.is_equal:
            lines.append("No difference")
        elif counts:
            lines.append(f"{found.word}: {', '.join(counts)}; {found.layers['same']} the same")
        else:
            lines.append(f"The same {found.word}, on other sizes or wired otherwise")
        for what, (before, after) in (("parameters", found.params), ("multiply-adds", found.macs)):
            if before is None or after is None:
                continue
            least = "at least " if what == "multiply-adds" and found.macs_at_least else ""
            if before != after:
                lines.append(f"{least}{number(before)} → {number(after)} {what} ({signed(before, after)})")
            elif before:
                lines.append(f"{least}{number(before)} {what}" + ("" if alignment.is_equal else ", as before"))
        lines += self._undrawn()
        facts = []
        if any(words.shapes.batch is not None for words in self.words.words):
            facts.append("batch dimension left out")
        left_out = max(v.helper_count + v.constant_count + v.unused_count for v in view.views)
        if left_out:
            facts.append(f"{left_out} helper operation{'s' if left_out > 1 else ''} not drawn")
        lines += ["; ".join(facts)] if facts else []
        return tuple(plain(line[0].upper() + line[1:] + ".") for line in lines)

    def _undrawn(self) -> list[str]:
        """Layers that only one model has and that do nothing in this run: dropout outside training."""
        found: dict[str, list[str]] = {}
        for item in self.alignment.root.walk():
            scope = item.item
            alone = item.state in ("added", "removed") and self.view.parent[item].state in ("same", "changed")
            if alone and isinstance(scope, Scope) and not item.children and scope.kind == "module":
                found.setdefault(item.state, []).append(f"{scope.path} ({scope.type_name})")
        return [
            f"{word} but not drawn, because it does nothing here: {', '.join(names[:MOST])}"
            + (f" and {len(names) - MOST} more" if len(names) > MOST else "")
            for word, names in found.items()
        ]

    def _alt(self, title: str, boxes: dict[str, Box]) -> str:
        words = [
            f"{box.tooltip.partition(':')[0]} " + " ".join(text_of(line) for line in box.title)
            for name, box in boxes.items()
            if self.view.pairs[name].state != "same"
        ]
        listing = ", ".join(words[:60]) + (f" and {len(words) - 60} more" if len(words) > 60 else "")
        end = f"In reading order: {listing}." if words else "No box differs."
        return f"Comparison of two models, {title}. {end} " + " ".join(text_of(line) for line in self._caption())


__all__ = ["FigureMaker", "Pair", "draw_comparison"]
