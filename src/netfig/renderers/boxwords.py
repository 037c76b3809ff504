"""What stands in a box of a free graph: its role, its title, its rows of details, shapes and parameters, its marks."""

from __future__ import annotations

from collections import Counter
from itertools import groupby

from netfig.figure import Box, Mark, Row
from netfig.graph import Graph, Op, Scope, Value
from netfig.graph.repeats_read import each
from netfig.mathtext import math, plain
from netfig.records import dataclass
from netfig.renderers.kinds import KINDS, kind_of
from netfig.renderers.labels import MODULE_ROLES, Shapes, module_role, number
from netfig.renderers.layerwords import layer_name
from netfig.renderers.view import Leaf, View

CONTAINERS = frozenset({"Sequential", "ModuleList", "ModuleDict"})
LINE = 24
"""Characters of a box's title before it becomes two lines."""
LISTED = 3
"""Layers of a closed container that are named one by one; more are counted."""


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


def flattens(graph: Graph, op: Op) -> bool:
    """A view that joins everything but the batch into one dimension is a flatten, and people draw it."""
    reads = list(op.reads)
    before = graph.value_by_id[reads[0]].type.shape if reads else None
    after = graph.value_by_id[op.outputs[0]].type.shape if op.outputs else None
    return op.kind in ("view", "reshape") and bool(before and after) and len(before or ()) > 2 and len(after or ()) <= 2


def relative_path(graph: Graph, scope: Scope) -> str:
    """The module's path as seen from the panel it stands in; one that stands for several says for which."""
    parent = graph.scope_by_id[scope.parent] if scope.parent else None
    path = members_name(graph, scope, parent) if parent is not None and parent.kind == "plate" else scope.path
    while parent is not None and parent.kind == "plate":
        parent = graph.scope_by_id[parent.parent] if parent.parent else None
    if parent is not None and parent.path and path.startswith(parent.path + "."):
        return path[len(parent.path) + 1 :]
    return path


def members_name(graph: Graph, scope: Scope, plate: Scope) -> str:
    """The path of a module that stands for several: ``layers.0–11``."""
    axis = next((axis for axis in graph.axes if axis.id == plate.axis and axis.members), None)
    names = plate.attribute("template")
    if axis is None or not isinstance(names, tuple) or scope.id not in names:
        return scope.path
    column = names.index(scope.id)
    first, last = axis.members[0][column], axis.members[-1][column]
    shared = 0
    while shared < min(len(first), len(last)) and first[shared] == last[shared]:
        shared += 1
    while shared and first[shared - 1].isdigit():
        shared -= 1
    if axis.extent.size is None:  # elsewhere there are more, or fewer
        return f"{first}, …"
    return f"{first}–{last[shared:]}" if first[shared:].isdigit() and last[shared:].isdigit() else scope.path


class BoxWords:
    """Turns the leaves of a view into boxes."""

    def __init__(self, graph: Graph, look: Look, view: View) -> None:
        self.graph, self.look, self.view = graph, look, view
        self.shapes = Shapes(graph)
        self.lenders = {n.value for n in graph.notes if n.key == "params.shared_with" and isinstance(n.value, str)}
        self.folded: dict[str, list[str]] = {}  # by leaf: the activations folded into it
        self.alike: dict[str, str] = {}  # by leaf: the name that tells it from its like

    # -- roles and titles -------------------------------------------------------------------------------------------

    def role(self, leaf: Leaf) -> str:
        """The role of a leaf's box."""
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
        if flattens(self.graph, op):
            return "op.box"
        row = kind_of(self.graph, op)
        if row.role == "op" and len(list(op.reads)) < 2:
            return "op.box"  # a circle needs two things to join
        return row.role

    def title(self, leaf: Leaf) -> tuple[str, list[str]]:
        """A leaf's title and its details."""
        item = leaf.item
        if item is None:
            value = self.graph.value_by_id[leaf.stands_for[0]]
            return self._stored_name(leaf, value), []
        if isinstance(item, Scope):
            note = self.graph.notes_on(item.id).get("label")
            if note is not None and item.kind == "module":
                return str(note.value), []
            if item.type_name in CONTAINERS:
                return relative_path(self.graph, item), self._contents(item)
            title, details = self._layer(item)
            return title, details or self._repeats(item)
        if flattens(self.graph, item):
            return "flatten", []
        if item.kind == "getitem" and item.attribute("dim") is not None:
            return index_text(item), []
        row = kind_of(self.graph, item)
        if row.role == "op" and self._op_role(item) == "op" and row.sign:
            return row.sign, []
        return self._op_words(item, row.sign)

    def _layer(self, item: Scope | Op) -> tuple[str, list[str]]:
        ops = self._ops_inside(item) if isinstance(item, Scope) and item.kind == "function" else ()
        named = layer_name(self.graph, item, ops)
        return named.title, list(named.settings)

    def _ops_inside(self, scope: Scope) -> tuple[Op, ...]:
        found: list[Op] = []
        for child in self.graph.children[scope.id]:
            found += [child] if isinstance(child, Op) else self._ops_inside(child)
        return tuple(found)

    def _op_words(self, op: Op, sign: str) -> tuple[str, list[str]]:
        """A functional op with its setting: ``× 0.125``, ``concat``, ``mean over 1``."""
        label, details = self._layer(op)
        other = op.attribute("other", op.attribute("alpha" if op.kind not in ("add", "sub") else "other"))
        if op.attribute("is_causal"):
            return label, ["causal"]
        if sign and other is not None and isinstance(other, (int, float)):
            return f"{'×' if sign == '⊙' else sign} {constant_text(other)}", []
        dim = op.attribute("dim")
        if op.kind in ("mean", "sum", "max", "argmax", "softmax", "log_softmax") and dim is not None and self.look.helpers:
            return label, [f"dim {dim}"]
        return label, details

    def _stored_name(self, leaf: Leaf, value: Value) -> str:
        if self.view.is_input(leaf):
            return next(p.name for p in self.graph.inputs if p.value == value.id)
        if self.view.is_output(leaf):
            name = next(n for n, vs in self.view.output_groups.items() if leaf.id.rstrip("~") == n.rstrip("~") or leaf.id == n)
            return self._output_name(leaf, name)
        return (value.names[0] if value.names else value.id).rpartition(".")[2]

    def _output_name(self, leaf: Leaf, name: str) -> str:
        short = name.removeprefix("output.")
        place = short.removeprefix("output[").removesuffix("]")
        if f"output[{place}]" == short and place.isdigit():
            short = f"output {int(place) + 1}"  # people count from one
        return short if len(leaf.stands_for) == 1 else f"{short}, {len(leaf.stands_for)} tensors"

    def _contents(self, container: Scope) -> list[str]:
        """What a closed container holds: ``2 × BasicBlock``, or the words of its layers."""
        inside = self._modules_in(container)
        words = [c.type_name if c.type_name not in MODULE_ROLES else layer_name(self.graph, c).title for c in inside]
        runs = [(word, len(list(group))) for word, group in groupby(words)]
        listed = [word if count == 1 else f"{count} × {word}" for word, count in runs]
        return listed if len(listed) <= LISTED else [f"{len(words)} layers"]

    def _repeats(self, module: Scope) -> list[str]:
        """How many of the same a closed module holds in a list of its own: ``6 layers``, ``12 blocks``."""
        if module.type_name in MODULE_ROLES:
            return []
        inside = self._modules_in(module)
        lists = Counter((c.type_name, relative_path(self.graph, c).rpartition(".")[0]) for c in inside)
        return [f"{n} {name.replace('_', ' ')}" for (_, name), n in lists.items() if n > 1 and name]

    def _modules_in(self, scope: Scope) -> list[Scope]:
        """The modules that stand directly in a scope, those of a plate as often as it has members."""
        found: list[Scope] = []
        for child in self.graph.children[scope.id]:
            if isinstance(child, Scope) and child.kind == "plate":
                axis = next(axis for axis in self.graph.axes if axis.id == child.axis)
                found += self._modules_in(child) * max(1, len(axis.members))
            elif isinstance(child, Scope) and child.kind == "module":
                found.append(child)
        return found

    def name_alike(self) -> None:
        """Finds the names of closed modules that one could not tell apart by their words: ``query``, ``key``, ``value``."""
        groups: dict[tuple[str, str], list[tuple[Leaf, str]]] = {}
        for leaf in self.view.leaves.values():
            if isinstance(leaf.item, Scope) and leaf.item.kind == "module" and leaf.item.type_name not in CONTAINERS:
                name = relative_path(self.graph, leaf.item)
                groups.setdefault((leaf.panel, self.title(leaf)[0]), []).append((leaf, name))
        self.alike = {
            leaf.id: name
            for group in groups.values()
            for leaf, name in group
            if len({n.rstrip("0123456789_.") for _, n in group}) > 1  # conv1, conv2 or 0, 1 tell no more than the order
        }

    # -- boxes ------------------------------------------------------------------------------------------------------

    def box(self, leaf: Leaf) -> Box:
        """The box of a leaf."""
        role = self.role(leaf)
        title, details = self.title(leaf)
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
            marks=self.marks(leaf),
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
        shape = self.shapes.text(first)
        return [Row("shape", plain(shape))] if shape and len(leaf.stands_for) == 1 else []

    def _param_rows(self, leaf: Leaf, role: str) -> list[Row]:
        if self.look.params == "none" or role in ("input", "output") or leaf.item is None:
            return []
        notes = self.graph.notes_on(leaf.item.id)
        rows = []
        said = [one for one in each(self.graph, leaf.item.id, "params") if isinstance(one, int)]
        if isinstance(leaf.item, Scope) and said:
            count = said[0]
        else:
            count = sum(self.graph.value_by_id[w].type.numel or 0 for w in leaf.weights)
        if len(set(said)) > 1:
            rows.append(Row("params", plain(f"{number(said[0])} … {number(said[-1])} params")))
        elif count:
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

    def marks(self, leaf: Leaf) -> tuple[Mark, ...]:
        """The small signs at a leaf's box."""
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


def _lines(title: str, folded: list[str]) -> list[str]:
    """Title and folded activations on one line where they fit one, else on two."""
    if not folded:
        return [title]
    joined = ", ".join([title, *folded])
    return [joined] if len(joined) <= LINE else [title, ", ".join(folded)]


def constant_text(value: float) -> str:
    """A constant as people write it: the root of a whole number (or one over it) by its sign, else to six digits."""
    for sign, square in (("", value * value), ("1/", 1 / (value * value) if value else 0.0)):
        whole = round(square)
        exact = abs(square - whole) < 1e-9 * max(1, whole)
        if isinstance(value, float) and value > 0 and 1 < whole < 10**6 and exact and round(whole**0.5) ** 2 != whole:
            return f"{sign}√{whole}"
    return f"{value:g}".replace("-", "−")


def index_text(op: Op) -> str:
    """Indexing one dimension, as written: ``[:, 0]``, ``[…, -1]``, ``[:, 1:3]``."""
    dim, index = int(op.attribute("dim") or 0), op.attribute("index")  # type: ignore[arg-type]
    if index is None:
        start, end, step = (op.attribute(key) for key in ("start", "end", "step"))
        bounded = isinstance(end, int) and end < 2**62
        index = f"{start or ''}:{end if bounded else ''}" + (f":{step}" if step not in (None, 1) else "")
    return f"[{':, ' * dim}{index}]".replace("-", "−")
