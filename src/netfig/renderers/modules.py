"""The default renderer: modules as boxes and nested panels, operations as small circles, skips in their own lane."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import replace

from netfig.figure import Box, End, Figure, Group, Wire
from netfig.graph import Graph, Op, Scope
from netfig.graph.repeats_read import counts, sizes
from netfig.mathtext import Text, plain, text_of
from netfig.renderers.boxwords import CONTAINERS, BoxWords, Look, flattens, members_name, relative_path
from netfig.renderers.detail import LARGEST, MOST, TRIES, Opening, fits_a_page
from netfig.renderers.kinds import KINDS, PARAMETRIC, RESHAPES, kind_of
from netfig.renderers.labels import MODULE_ROLES, number
from netfig.renderers.options import ModulesOptions
from netfig.renderers.pipeline_named import size_equations
from netfig.renderers.runs import loops_said, shorten_loops
from netfig.renderers.view import Detail, Edge, Leaf, View

FEW = 3
"""Values that one operation takes from one box and that are still drawn as a wire each."""


def draw_modules(graph: Graph, options: ModulesOptions) -> Figure:
    """A Figure of the module tree, opened to `options.depth`, or as far as it stays readable."""
    look = Look(
        False,
        options.reshapes,
        False,
        False,
        options.params,
        options.shapes,
        options.fold != "none",
        options.names,
        options.caption,
    )
    if options.depth == 0 and options.max_boxes is None:
        graph = shorten_loops(graph, LARGEST)
    opening = Opening(graph, options)
    if options.depth > 0 and options.max_boxes is None:
        return FigureMaker(graph, look, opening.to(options.depth), opening.always).figure()
    return _fitted(graph, look, opening).figure()


def _fitted(graph: Graph, look: Look, opening: Opening) -> FigureMaker:
    """As many levels as there is room for, then single modules where there still is some; always the first level."""
    options = opening.options

    def fits(maker: FigureMaker) -> bool:
        if len(maker.view.leaves) > (options.max_boxes or MOST):
            return False
        return options.max_boxes is not None or fits_a_page(maker.figure())

    best, depth = FigureMaker(graph, look, opening.to(1), opening.always), 1
    for level in range(2, (options.depth or opening.deepest) + 1):
        maker = FigureMaker(graph, look, opening.to(level), opening.always)
        if maker.view.leaves.keys() == best.view.leaves.keys():
            continue
        if not fits(maker):
            break
        best, depth = maker, level
    else:
        return best
    more: list[str] = []
    refused: set[str] = set()
    for _ in range(TRIES):
        kind, ids = opening.next_of(best.view, refused)
        if not ids:
            break
        for some in (ids, ids[:1])[: len(ids)]:  # one of several that are alike, where there is no room for all
            maker = FigureMaker(graph, look, opening.to(depth, [*more, *some]), opening.always)
            if fits(maker):
                best, more = maker, [*more, *some]
                break
        else:
            refused.add(kind)
            continue
        if some is not ids:
            refused.add(kind)
    return best


class FigureMaker:
    """Builds a View and turns it into a Figure."""

    def __init__(self, graph: Graph, look: Look, wanted: Callable[[Scope], bool], named: Collection[str] = ()) -> None:
        self.graph, self.look = graph, look
        self.repeats = {axis.id: axis for axis in graph.axes if axis.members}
        busy = Counter(op.scope for op in graph.ops)
        inner = {s.parent for s in graph.scopes if s.parent is not None and s.kind in ("module", "plate")}

        def opened(scope: Scope) -> bool:
            if scope.kind == "function":
                return look.functions
            if scope.kind != "module":
                return True
            if not wanted(scope) or "opaque" in graph.notes_on(scope.id):
                return False
            if scope.type_name in MODULE_ROLES and not (look.unfold_library or scope.id in named):
                return False
            return scope.id in inner or busy[scope.id] > 1 or look.unfold_library

        def hidden(op: Op) -> bool:
            if not look.helpers and kind_of(graph, op).helper:
                return True
            if op.kind == "getitem" and not look.helpers and not self._picks(op):
                return True
            return not look.reshapes and op.kind.rstrip("_") in RESHAPES and not flattens(graph, op)

        def stored(op: Op) -> bool:
            return op.kind not in PARAMETRIC

        def shown(op: Op, maker: Op) -> bool:
            return kind_of(graph, op).role == "op" or "rand" in maker.kind

        self.view = View(graph, Detail(opened, hidden, stored, shown, look.constants))
        self.words = BoxWords(graph, look, self.view)
        self.shapes = self.words.shapes
        if look.fold:
            self._fold_activations()
        if look.names:
            self.words.name_alike()

    def _picks(self, op: Op) -> bool:
        """Whether indexing leaves something of what flows behind: one token, every second column."""
        value = self.graph.value_by_id
        reads = [value[r] for r in op.reads]
        if any(v.kind in ("parameter", "buffer") for v in reads) or not reads or not op.outputs:
            return False
        return value[op.outputs[0]].type.numel != reads[0].type.numel

    # -- folding ----------------------------------------------------------------------------------------------------

    def _fold_activations(self) -> None:
        view = self.view
        for leaf in list(view.leaves.values()):
            if leaf.item is None or self.words.role(leaf) != "activation":
                continue
            before = view.into(leaf.id)
            if len(before) != 1:
                continue
            source = view.leaves[before[0].source]
            readers = [e for e in view.edges.values() if e.source == source.id]
            same_panel = source.panel == leaf.panel
            if source.item is not None and len(readers) == 1 and same_panel and self.words.role(source) in ("layer", "norm"):
                self.words.folded.setdefault(source.id, []).append(self.words.title(leaf)[0])
                view.merge(source.id, leaf.id)

    # -- assembling -------------------------------------------------------------------------------------------------

    def figure(self) -> Figure:
        """The whole figure."""
        view = self.view
        boxes = {leaf.id: self.words.box(leaf) for leaf in view.leaves.values()}
        root = self._groups(boxes)
        skips = view.redundant()
        wires = tuple(self._wires(skips))
        caption = self._caption() if self.look.caption else ()
        return Figure(
            title=self.graph.name,
            alt=self._alt(boxes, caption),
            root=root,
            wires=wires,
            caption=caption,
            equations=size_equations(self.graph),
        )

    def _groups(self, boxes: dict[str, Box]) -> Group:
        inside: dict[str, list[tuple[float, Box | Group]]] = {p.id: [] for p in self.view.panels}
        for leaf in self.view.leaves.values():
            inside[leaf.panel].append((leaf.order, boxes[leaf.id]))
        framed = self.framed = self._framed()
        for panel in reversed(self.view.panels):
            content = sorted(inside[panel.id], key=lambda c: c[0])
            if panel.parent is None:
                return Group(self._panel_id(panel), tuple(item for _, item in content), stands_for=(panel.id,))
            if not content:
                continue
            badge = self._badge(panel)
            if badge and len(content) == 1 and not content[0][1].badge:
                inside[panel.parent].append((content[0][0], replace(content[0][1], badge=badge)))
                continue
            if panel.id not in framed and not badge:
                inside[panel.parent].append(content[0])
                continue
            members = tuple(item for _, item in content)
            group = Group(
                panel.id,
                members,
                "panel",
                self._panel_title(panel),
                self._panel_detail(panel) if len(members) > 1 else (),
                badge,
                stands_for=(panel.id,),
                tooltip=f"{panel.path}: {panel.type_name}" if panel.path else text_of(badge),
            )
            inside[panel.parent].append((content[0][0], group))
        raise AssertionError("a graph has a root scope")

    def _badge(self, panel: Scope) -> Text:
        """How often what stands in a plate is there: ``× 12``; several numbers where it is so in several places."""
        axis = self.repeats.get(panel.axis or "") if panel.kind == "plate" else None
        if axis is None:
            return ()
        found = counts(self.graph, axis)
        return plain(f"× {', '.join(map(str, found if len(set(found)) > 1 else found[:1]))}")

    def _framed(self) -> set[str]:
        """The panels drawn: a frame around one thing says nothing, unless its like (``branch1``, ``branch2``) has one."""
        size = Counter(leaf.panel for leaf in self.view.leaves.values())
        families: dict[tuple[str, str, str], list[str]] = {}
        for panel in reversed(self.view.panels):
            if panel.parent is None or not size[panel.id]:
                continue
            size[panel.parent] += 1
            stem = panel.path.rpartition(".")[2].rstrip("0123456789")
            families.setdefault((panel.parent, stem, "" if stem else panel.type_name), []).append(panel.id)
        return {id for family in families.values() if max(size[i] for i in family) > 1 for id in family}

    def _panel_id(self, panel: Scope) -> str:
        name = panel.id
        while name in self.view.leaves:
            name += "~"
        return name

    def _panel_title(self, panel: Scope) -> Text:
        path = relative_path(self.graph, panel)
        scopes = self.graph.scope_by_id
        if panel.parent is not None and scopes[panel.parent].kind == "plate":  # as seen from the frame around it
            around = scopes[panel.parent]
            while around.parent is not None and (around.kind == "plate" or around.id not in self.framed):
                around = scopes[around.parent]
            path = members_name(self.graph, panel, scopes[panel.parent]).removeprefix(f"{around.path}." if around.path else "")
        return plain(path + (f" (call {panel.call + 1})" if panel.call else ""))

    def _panel_detail(self, panel: Scope) -> Text:
        said = panel.path.rpartition(".")[2].replace("_", "").lower()
        name = "" if panel.type_name in CONTAINERS or panel.type_name.lower() == said else panel.type_name
        return plain(", ".join(word for word in (name, "same weights" if panel.call else "") if word))

    def _wires(self, skips: set[tuple[str, str]]) -> list[Wire]:
        view = self.view
        labelled: set[str] = set()
        wires = []
        changed = self._changed()
        order = {name: leaf.order for name, leaf in view.leaves.items()}
        for (source, target), edge in sorted(view.edges.items(), key=lambda kv: (order[kv[0][0]], order[kv[0][1]], kv[1].rank)):
            role = "skip" if (source, target) in skips and self._joins(view.leaves[target]) else "data"
            label: Text = ()
            if role == "data" and source not in labelled and not view.is_output(view.leaves[target]):
                label = self._wire_label(edge, source in changed)
                if label:
                    labelled.add(source)
            for values in self._apart(edge):
                wires.append(Wire(End(source), End(target, edge.slot), role, label, stands_for=values))
                label = ()
        return wires

    def _apart(self, edge: Edge) -> list[tuple[str, ...]]:
        """A few values that one operation takes from one box are a wire each: query, key and value are three."""
        item = self.view.leaves[edge.target].item
        operation = isinstance(item, Op) or (item is not None and item.kind == "function")
        if operation and 1 < len(edge.values) <= FEW:
            return [(value,) for value in edge.values]
        return [tuple(edge.values)]

    def _joins(self, leaf: Leaf) -> bool:
        """Whether a box adds, multiplies or concatenates: where a bypass of it is what people call a skip connection."""
        item = leaf.item
        kind = item.kind if isinstance(item, Op) else item.type_name if item is not None and item.kind == "function" else ""
        return kind in ("cat", "concat", "stack") or (kind in KINDS and KINDS[kind].role == "op")

    def _changed(self) -> set[str]:
        """Boxes that something leaves in another shape than everything that enters."""
        types = self.graph.value_by_id
        entering: dict[str, set[object]] = {}
        leaving: dict[str, set[object]] = {}
        for edge in self.view.edges.values():
            shapes = [types[v].type.shape for v in edge.read]
            entering.setdefault(edge.target, set()).update(shapes)
            leaving.setdefault(edge.source, set()).update(shapes)
        return {
            name
            for name, shapes in leaving.items()
            if not shapes <= entering.get(name, set())
            and self.view.leaves[name].item is not None
            and self.words.role(self.view.leaves[name]) != "note"
        }

    def _wire_label(self, edge: Edge, changed: bool) -> Text:
        if self.look.shapes == "none" or (self.look.shapes == "changes" and not changed):
            return ()
        shapes = {self.shapes.text(v) for v in edge.read}
        if len(shapes) != 1:
            return ()
        shape = shapes.pop()
        several = len(edge.read) > 1 and len(self._apart(edge)) == 1
        return plain(f"{len(edge.read)} × ({shape})" if several and shape else shape)

    def _caption(self) -> tuple[Text, ...]:
        graph, view = self.graph, self.view
        facts = []
        if graph.parameter_count:
            facts.append(f"{number(graph.parameter_count)} parameters")
        if any("shared" in self.words.marks(leaf) for leaf in view.leaves.values()):
            facts.append("shared weights counted once")
        if self.shapes.batch is not None:
            facts.append("batch dimension left out")
        left_out = view.helper_count + view.constant_count + view.unused_count
        if left_out:
            facts.append(f"{left_out} helper operation{'s' if left_out > 1 else ''} not drawn")
        if view.unchanged:
            names = sorted({s.type_name for s in view.unchanged})
            facts.append(f"{', '.join(names)} not drawn ({'it changes' if len(names) == 1 else 'they change'} nothing here)")
        lines = ["; ".join(facts)] if facts else []
        lines += self._folds()
        lines += [f"A loop: {loop}" for loop in loops_said(graph)]
        notes = graph.notes_on("")
        if "data_dependent" in notes:
            lines.append("The program branches on data: this is the path these inputs took.")
        if "failed" in notes:
            lines.append(f"The forward pass failed here: {notes['failed'].value}")
        return tuple(plain(line[0].upper() + line[1:] + ("" if line.endswith(".") else ".")) for line in lines)

    def _folds(self) -> list[str]:
        """What each fold that is seen stands for, and what differs in it."""
        lines = []
        for panel in self.view.panels:
            axis = self.repeats.get(panel.axis or "") if panel.kind == "plate" else None
            if axis is None:
                continue
            first, last = (" and ".join(axis.members[k]) for k in (0, -1))
            what = f"{first} to {last}" if len(axis.members) > 2 else f"{first} and {last}"
            if len(counts(self.graph, axis)) > 1:
                continue  # said with the fold around it
            table = [(name, column) for name, column in sizes(self.graph, axis) if isinstance(column, tuple)]
            columns = [f"{name} = {', '.join(map(str, column))}" for name, column in table]
            lines.append(f"Drawn once: {what}, " + (f"with {'; '.join(columns)}" if columns else "which are alike"))
        return lines

    def _alt(self, boxes: dict[str, Box], caption: tuple[Text, ...]) -> str:
        words = []
        for leaf in sorted(self.view.leaves.values(), key=lambda leaf: leaf.order):
            box = boxes[leaf.id]
            words.append(" ".join(text_of(line) for line in box.title))
        listing = ", ".join(words[:60]) + (f" and {len(words) - 60} more" if len(words) > 60 else "")
        return f"Diagram of {self.graph.name}. In reading order: {listing}. " + " ".join(text_of(c) for c in caption)
