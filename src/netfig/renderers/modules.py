"""The default renderer: modules as boxes and nested panels, operations as small circles, skips in their own lane."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from netfig.figure import Box, End, Figure, Group, Mark, Row, Wire
from netfig.graph import Graph, Op, Scope, Value
from netfig.hooks import Renderer
from netfig.mathtext import Text, math, plain, text_of
from netfig.renderers.kinds import KINDS, PARAMETRIC, RESHAPES, kind_of
from netfig.renderers.labels import MODULE_ROLES, batch_of, has_maps, module_label, module_role, number, shape_text
from netfig.renderers.view import Detail, Edge, Leaf, View

CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
FEW = 3
"""Values that one operation takes from one box and that are still drawn as a wire each."""
LINE = 24
"""Characters of a box's title before it becomes two lines."""


@dataclass(frozen=True)
class ModulesOptions:
    """Options of the ``modules`` renderer."""

    depth: int = field(default=0, metadata={"help": "levels of modules to open; 0 opens as many as stay under max_boxes"})
    max_boxes: int = field(
        default=36, metadata={"help": "with depth 0: open modules while the figure has at most this many boxes"}
    )
    params: Literal["none", "count", "worked"] = field(default="count", metadata={"help": "parameter counts in the boxes"})
    shapes: Literal["changes", "all", "none"] = field(default="changes", metadata={"help": "shapes on the wires"})
    fold: Literal["none", "activation"] = field(default="activation", metadata={"help": "fold an activation into its layer"})
    names: bool = field(default=True, metadata={"help": "the attribute's name in boxes that read alike"})
    reshapes: bool = field(default=False, metadata={"help": "show views, transposes and other re-indexing"})
    caption: bool = field(default=True, metadata={"help": "the lines of facts under the figure"})


@dataclass(frozen=True)
class Look:
    """What the two free-graph renderers differ in."""

    helpers: bool
    reshapes: bool
    constants: bool
    functions: bool
    params: str
    shapes: str
    fold: bool
    names: bool
    caption: bool
    unfold_library: bool = False


def draw_modules(graph: Graph, options: ModulesOptions) -> Figure:
    """A Figure of the module tree, opened to `options.depth`."""
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
    levels = depths(graph)
    deepest = max(levels.values(), default=0) + 1
    if options.depth > 0:
        return FigureMaker(graph, look, levels, options.depth).figure()
    best = None
    for depth in range(1, deepest + 1):
        maker = FigureMaker(graph, look, levels, depth)
        if best is not None and len(maker.view.leaves) > options.max_boxes:
            break
        best = maker
    assert best is not None
    return best.figure()


def depths(graph: Graph) -> dict[str, int]:
    """How deep each module scope lies, the root at 0."""
    found: dict[str, int] = {}
    for scope in graph.scopes:
        found[scope.id] = found[scope.parent] + 1 if scope.parent is not None else 0
    return found


class FigureMaker:
    """Builds a View and turns it into a Figure."""

    def __init__(self, graph: Graph, look: Look, levels: dict[str, int], depth: int) -> None:
        self.graph, self.look = graph, look
        self.batch = batch_of(graph)
        self.maps = has_maps(graph)
        busy = Counter(op.scope for op in graph.ops)
        inner = {s.parent for s in graph.scopes if s.parent is not None and s.kind == "module"}

        def opened(scope: Scope) -> bool:
            if scope.kind == "function":
                return look.functions
            if scope.kind != "module":
                return True
            if levels[scope.id] >= depth or "opaque" in graph.notes_on(scope.id):
                return False
            if scope.type_name in MODULE_ROLES and not look.unfold_library:
                return False
            return scope.id in inner or busy[scope.id] > 1 or look.unfold_library

        def hidden(op: Op) -> bool:
            if not look.helpers and kind_of(graph, op).helper:
                return True
            if op.kind == "getitem" and not look.helpers and not self._picks(op):
                return True
            return not look.reshapes and op.kind.rstrip("_") in RESHAPES and not self._flattens(op)

        def stored(op: Op) -> bool:
            return op.kind not in PARAMETRIC

        def shown(op: Op, maker: Op) -> bool:
            return kind_of(graph, op).role == "op" or "rand" in maker.kind

        self.view = View(graph, Detail(opened, hidden, stored, shown, look.constants))
        self.lenders = {n.value for n in graph.notes if n.key == "params.shared_with" and isinstance(n.value, str)}
        self.folded: dict[str, list[str]] = {}
        if look.fold:
            self._fold_activations()
        self.alike = self._names_of_alike() if look.names else {}

    def _flattens(self, op: Op) -> bool:
        """A view that joins everything but the batch into one dimension is a flatten, and people draw it."""
        reads = list(op.reads)
        before = self.graph.value_by_id[reads[0]].type.shape if reads else None
        after = self.graph.value_by_id[op.outputs[0]].type.shape if op.outputs else None
        return op.kind in ("view", "reshape") and bool(before and after) and len(before or ()) > 2 and len(after or ()) <= 2

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
            if leaf.item is None or self._role(leaf) != "activation":
                continue
            before = view.into(leaf.id)
            if len(before) != 1:
                continue
            source = view.leaves[before[0].source]
            readers = [e for e in view.edges.values() if e.source == source.id]
            same_panel = source.panel == leaf.panel
            if source.item is not None and len(readers) == 1 and same_panel and self._role(source) in ("layer", "norm"):
                self.folded.setdefault(source.id, []).append(self._title(leaf)[0])
                view.merge(source.id, leaf.id)

    # -- words ------------------------------------------------------------------------------------------------------

    def _role(self, leaf: Leaf) -> str:
        if self.view.is_input(leaf):
            return "input"
        if self.view.is_output(leaf):
            return "output"
        if leaf.item is None:
            return "weight" if leaf.weights else "note"
        if isinstance(leaf.item, Op):
            if not list(leaf.item.reads) and not self.look.constants:
                return "note"
            return self._op_role(leaf.item)
        if leaf.item.kind == "function":
            return KINDS[leaf.item.type_name].role if leaf.item.type_name in KINDS else "op.box"
        return module_role(leaf.item)

    def _op_role(self, op: Op) -> str:
        if self._flattens(op):
            return "op.box"
        row = kind_of(self.graph, op)
        if row.role == "op" and len(list(op.reads)) < 2:
            return "op.box"  # a circle needs two things to join
        return row.role

    def _title(self, leaf: Leaf) -> tuple[str, list[str]]:
        item = leaf.item
        if item is None:
            value = self.graph.value_by_id[leaf.stands_for[0]]
            return self._stored_name(leaf, value), []
        if isinstance(item, Scope):
            if item.kind == "function":
                return (
                    KINDS[item.type_name].label if item.type_name in KINDS else item.type_name.strip("_").replace("_", " ")
                ), []
            note = self.graph.notes_on(item.id).get("label")
            if note is not None:
                return str(note.value), []
            if item.type_name in CONTAINERS:
                return self._relative_path(item), self._contents(item)
            return module_label(item)
        if self._flattens(item):
            return "flatten", []
        if item.kind == "getitem" and item.attribute("dim") is not None:
            return index_text(item), []
        row = kind_of(self.graph, item)
        if row.role == "op" and self._op_role(item) == "op" and row.sign:
            return row.sign, []
        return self._op_words(item, row.label, row.sign)

    def _op_words(self, op: Op, label: str, sign: str) -> tuple[str, list[str]]:
        """A functional op with its setting: ``× 0.125``, ``concat``, ``mean over 1``."""
        other = op.attribute("other", op.attribute("alpha" if op.kind not in ("add", "sub") else "other"))
        if op.attribute("is_causal"):
            return label, ["causal"]
        if sign and other is not None and isinstance(other, (int, float)):
            return f"{'×' if sign == '⊙' else sign} {other:g}", []
        dim = op.attribute("dim")
        if op.kind in ("mean", "sum", "max", "argmax", "softmax", "log_softmax") and dim is not None and self.look.helpers:
            return label, [f"dim {dim}"]
        return label, []

    def _stored_name(self, leaf: Leaf, value: Value) -> str:
        if self.view.is_input(leaf):
            return next(p.name for p in self.graph.inputs if p.value == value.id)
        if self.view.is_output(leaf):
            name = next(n for n, vs in self.view.output_groups.items() if leaf.id.rstrip("~") == n.rstrip("~") or leaf.id == n)
            short = name.removeprefix("output.")
            return short if len(leaf.stands_for) == 1 else f"{short}, {len(leaf.stands_for)} tensors"
        return (value.names[0] if value.names else value.id).rpartition(".")[2]

    def _names_of_alike(self) -> dict[str, str]:
        """Attribute names of closed modules that one could not tell apart by their words: ``query``, ``key``, ``value``."""
        groups: dict[tuple[str, str], list[tuple[Leaf, str]]] = {}
        for leaf in self.view.leaves.values():
            if isinstance(leaf.item, Scope) and leaf.item.kind == "module" and leaf.item.type_name not in CONTAINERS:
                name = self._relative_path(leaf.item)
                groups.setdefault((leaf.panel, self._title(leaf)[0]), []).append((leaf, name))
        return {
            leaf.id: name
            for group in groups.values()
            for leaf, name in group
            if len({n.rstrip("0123456789_.") for _, n in group}) > 1  # conv1, conv2 or 0, 1 tell no more than the order
        }

    # -- boxes ------------------------------------------------------------------------------------------------------

    def _box(self, leaf: Leaf) -> Box:
        role = self._role(leaf)
        title, details = self._title(leaf)
        lines = [plain(line) for line in _lines(title, self.folded.get(leaf.id, []))]
        if role in ("input", "output") and len(title) == 1:
            lines = [math(title)]
        if leaf.id in self.alike:
            details = [self.alike[leaf.id], *details]
        rows = [Row("detail", plain(d)) for d in (*details, *self._plugin_details(leaf))]
        if role in ("input", "output", "weight", "note") and self.look.shapes != "none":
            rows += self._stored_rows(leaf)
        rows += self._param_rows(leaf, role)
        return Box(
            leaf.id,
            role,
            tuple(lines),
            tuple(rows),
            marks=self._marks(leaf),
            tooltip=self._tooltip(leaf, title),
            stands_for=tuple(dict.fromkeys(leaf.stands_for)),
        )

    def _plugin_details(self, leaf: Leaf) -> list[str]:
        """What a plugin says about a module: ``rank 8``."""
        notes = self.graph.notes_on(leaf.item.id) if isinstance(leaf.item, Scope) else {}
        said = [(key.removeprefix("attribute."), note.value) for key, note in notes.items() if key.startswith("attribute.")]
        return [f"{key} {value}" for key, value in said]

    def _stored_rows(self, leaf: Leaf) -> list[Row]:
        first = leaf.item.outputs[0] if isinstance(leaf.item, Op) else leaf.stands_for[0]
        value = self.graph.value_by_id[first]
        shape = _dims(value) if value.kind in ("parameter", "buffer") else shape_text(value.type, self.batch, self.maps)
        return [Row("shape", plain(shape))] if shape and len(leaf.stands_for) == 1 else []

    def _param_rows(self, leaf: Leaf, role: str) -> list[Row]:
        if self.look.params == "none" or role in ("input", "output") or leaf.item is None:
            return []
        notes = self.graph.notes_on(leaf.item.id)
        rows = []
        if isinstance(leaf.item, Scope) and "params" in notes:
            count = int(notes["params"].value or 0)  # type: ignore[arg-type]
        else:
            count = sum(self.graph.value_by_id[w].type.numel or 0 for w in leaf.weights)
        if count:
            formula = notes.get("params.formula")
            worked = self.look.params == "worked" and formula is not None
            rows.append(Row("params", plain(str(formula.value) if worked and formula else f"{number(count)} params")))
        shared = self._shared_with(leaf)
        if shared:
            rows.append(Row("detail", plain("same weights" if shared == "itself" else f"weights of {shared}")))
        return rows

    def _shared_with(self, leaf: Leaf) -> str:
        if leaf.item is None:
            return ""
        note = self.graph.notes_on(leaf.item.id).get("params.shared_with")
        if note is None or not isinstance(note.value, str) or note.value not in self.graph.scope_by_id:
            return ""
        other = self.graph.scope_by_id[note.value]
        if isinstance(leaf.item, Scope) and other.path == leaf.item.path:
            return "" if self._in_repeated_panel(leaf) else "itself"
        return other.path

    def _in_repeated_panel(self, leaf: Leaf) -> bool:
        """Whether the panel around a box already says that this is another call with the same weights."""
        scope: str | None = leaf.panel
        while scope is not None:
            around = self.graph.scope_by_id[scope]
            if around.call:
                return True
            scope = around.parent
        return False

    def _marks(self, leaf: Leaf) -> tuple[Mark, ...]:
        marks: list[Mark] = []
        if leaf.item is None:
            return ("shared",) if len(self.graph.value_by_id[leaf.stands_for[0]].names) > 1 else ()
        if self._shared_with(leaf) or self.lenders & {leaf.item.id, *leaf.stands_for}:
            marks.append("shared")
        if "failed" in self.graph.notes_on(leaf.item.id):
            marks.append("failed")
        return tuple(marks)

    def _tooltip(self, leaf: Leaf, title: str) -> str:
        if isinstance(leaf.item, Scope) and leaf.item.kind == "module":
            return f"{leaf.item.path or self.graph.name}: {leaf.item.type_name}"
        return f"{leaf.stands_for[0]}: {title}" if leaf.stands_for else title

    # -- assembling -------------------------------------------------------------------------------------------------

    def figure(self) -> Figure:
        """The whole figure."""
        view = self.view
        boxes = {leaf.id: self._box(leaf) for leaf in view.leaves.values()}
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
        )

    def _groups(self, boxes: dict[str, Box]) -> Group:
        inside: dict[str, list[tuple[float, Box | Group]]] = {p.id: [] for p in self.view.panels}
        for leaf in self.view.leaves.values():
            inside[leaf.panel].append((leaf.order, boxes[leaf.id]))
        for panel in reversed(self.view.panels):
            content = sorted(inside[panel.id], key=lambda c: c[0])
            if panel.parent is None:
                return Group(self._panel_id(panel), tuple(item for _, item in content), stands_for=(panel.id,))
            if not content:
                continue
            if len(content) == 1:
                inside[panel.parent].append(content[0])  # a frame around one thing says nothing
                continue
            members = tuple(item for _, item in content)
            group = Group(
                panel.id,
                members,
                "panel",
                self._panel_title(panel),
                self._panel_detail(panel),
                stands_for=(panel.id,),
                tooltip=f"{panel.path}: {panel.type_name}",
            )
            inside[panel.parent].append((content[0][0], group))
        raise AssertionError("a graph has a root scope")

    def _panel_id(self, panel: Scope) -> str:
        name = panel.id
        while name in self.view.leaves:
            name += "~"
        return name

    def _relative_path(self, scope: Scope) -> str:
        """The module's path as seen from the panel it stands in."""
        parent = self.graph.scope_by_id[scope.parent] if scope.parent else None
        if parent is not None and parent.path and scope.path.startswith(parent.path + "."):
            return scope.path[len(parent.path) + 1 :]
        return scope.path

    def _contents(self, container: Scope) -> list[str]:
        """What a closed container holds: ``2 × BasicBlock``, or the words of its layers."""
        inside = [c for c in self.graph.children[container.id] if isinstance(c, Scope) and c.kind == "module"]
        words = [c.type_name if c.type_name not in MODULE_ROLES else module_label(c)[0] for c in inside]
        runs = [(word, len(list(group))) for word, group in groupby(words)]
        listed = [word if count == 1 else f"{count} × {word}" for word, count in runs]
        return listed if len(listed) <= 3 else [f"{len(words)} layers"]

    def _panel_title(self, panel: Scope) -> Text:
        path = self._relative_path(panel)
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
                wires.append(Wire(End(source), End(target, edge.slot), role, label, values))
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
            and self._role(self.view.leaves[name]) != "note"
        }

    def _wire_label(self, edge: Edge, changed: bool) -> Text:
        if self.look.shapes == "none" or (self.look.shapes == "changes" and not changed):
            return ()
        shapes = {shape_text(self.graph.value_by_id[v].type, self.batch, self.maps) for v in edge.read}
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
        if any("shared" in self._marks(leaf) for leaf in view.leaves.values()):
            facts.append("shared weights counted once")
        if self.batch is not None:
            facts.append("batch dimension left out")
        left_out = view.helper_count + view.constant_count + view.unused_count
        if left_out:
            facts.append(f"{left_out} helper operation{'s' if left_out > 1 else ''} not drawn")
        if view.unchanged:
            names = sorted({s.type_name for s in view.unchanged})
            facts.append(f"{', '.join(names)} not drawn ({'it changes' if len(names) == 1 else 'they change'} nothing here)")
        lines = ["; ".join(facts)] if facts else []
        notes = graph.notes_on("")
        if "data_dependent" in notes:
            lines.append("The program branches on data: this is the path these inputs took.")
        if "failed" in notes:
            lines.append(f"The forward pass failed here: {notes['failed'].value}")
        return tuple(plain(line[0].upper() + line[1:] + ("" if line.endswith(".") else ".")) for line in lines)

    def _alt(self, boxes: dict[str, Box], caption: tuple[Text, ...]) -> str:
        words = []
        for leaf in sorted(self.view.leaves.values(), key=lambda leaf: leaf.order):
            box = boxes[leaf.id]
            words.append(" ".join(text_of(line) for line in box.title))
        listing = ", ".join(words[:60]) + (f" and {len(words) - 60} more" if len(words) > 60 else "")
        return f"Diagram of {self.graph.name}. In reading order: {listing}. " + " ".join(text_of(c) for c in caption)


def _lines(title: str, folded: list[str]) -> list[str]:
    """Title and folded activations on one line where they fit one, else on two."""
    if not folded:
        return [title]
    joined = ", ".join([title, *folded])
    return [joined] if len(joined) <= LINE else [title, ", ".join(folded)]


def index_text(op: Op) -> str:
    """Indexing one dimension, as written: ``[:, 0]``, ``[…, -1]``, ``[:, 1:3]``."""
    dim, index = int(op.attribute("dim") or 0), op.attribute("index")  # type: ignore[arg-type]
    if index is None:
        start, end, step = (op.attribute(key) for key in ("start", "end", "step"))
        bounded = isinstance(end, int) and end < 2**62
        index = f"{start or ''}:{end if bounded else ''}" + (f":{step}" if step not in (None, 1) else "")
    return f"[{':, ' * dim}{index}]".replace("-", "−")


def _dims(value: Value) -> str:
    return "×".join(str(d) for d in value.type.shape or ()) or "scalar"


MODULES = Renderer(
    name="modules",
    summary="Modules as boxes and nested panels, operations as small circles, skip connections in their own lane.",
    draw=draw_modules,
    suits=lambda graph: 0.6,
    options=ModulesOptions,
)
