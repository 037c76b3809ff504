"""The rows of a summary, from a graph and its notes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.errors import UsageError, did_you_mean
from netfig.graph import Op, Scope
from netfig.graph.counts import first_owners, parameter_counts
from netfig.graph.formula_graph import definitions, is_symbolic, relations
from netfig.graph.formula_text import pretty_size
from netfig.records import dataclass
from netfig.summary.families import family_of_parameter, is_worth_a_row
from netfig.summary.row import Row
from netfig.summary.settings import settings_text
from netfig.summary.symbols import is_recurrence, symbol_rows

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from netfig.graph import Attribute, Graph, Note

COLUMNS: Final[Mapping[str, str]] = {
    "layer": "Layer",
    "type": "Type",
    "settings": "Settings",
    "output": "Output",
    "params": "Parameters",
    "formula": "Worked out",
    "growth": "Grows as",
    "macs": "Multiply-adds",
    "dense": "Dense equivalent",
    "dense_formula": "Dense equivalent, worked out",
    "field": "Receptive field",
}
"""Columns by name, with their headings, in the order they stand."""

DEFAULT_COLUMNS: Final = ("layer", "type", "settings", "output", "params", "formula", "macs")


@dataclass(frozen=True, slots=True)
class Share:
    """What one family of layers has of all parameters."""

    family: str
    params: int
    percent: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A table. `disagreements` are (subject, text): what someone else counted differently.

    `params_text` is the total written out where sizes are names, `remarks` are lines to stand under it, `formulas` what names of
    sizes stand for (``("H'", "floor((H - K)/S) + 1")``). `is_named`: sizes are names.
    """

    name: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    params: int | None
    macs: int | None
    macs_unknown: tuple[str, ...] = ()
    shares: tuple[Share, ...] = ()
    batch: int | None = None
    disagreements: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()
    params_text: str = ""
    remarks: tuple[str, ...] = ()
    formulas: tuple[tuple[str, str], ...] = ()
    is_named: bool = False

    def heading(self, column: str) -> str:
        """What stands above a column: a table of symbols has symbols and shapes, not layers and outputs."""
        own = {"layer": "Symbol", "type": "Is", "settings": "What", "output": "Shape"}
        return own.get(column, COLUMNS[column]) if any(row.is_symbol for row in self.rows) else COLUMNS[column]


def summarize(graph: Graph, *, depth: int | None = None, columns: Iterable[str] | None = None) -> Summary:
    """The table of a graph.

    `depth` hides modules nested deeper: 1 shows the outermost, 0 the model alone. `columns` names what to show, see `COLUMNS`;
    ``all`` is every one.
    """
    wanted = _columns(columns)
    if is_recurrence(graph):
        rows, text, remarks = symbol_rows(graph)
        return Summary(graph.name, wanted, rows, graph.parameter_count, None, params_text=text, remarks=remarks)
    named = is_symbolic(graph)
    if named and columns is None:
        wanted = tuple("growth" if c == "macs" else c for c in wanted if c != "formula")
    batch = graph.notes_on("").get("batch")
    size = batch.value if batch is not None and type(batch.value) is int else None
    rows = tuple(_Rows(graph, size, depth).listed())
    top = graph.notes_on("")
    kinds = _value(top, "macs.unknown_kinds")
    unknown = tuple(str(k) for k in kinds) if isinstance(kinds, tuple) else ()
    failed = tuple(str(note.value) for note in graph.notes if note.subject == "" and note.key == "failed")
    total = graph.parameter_count
    return Summary(
        graph.name,
        wanted,
        rows,
        total,
        None if named else _number(top, "macs"),
        () if named else unknown,
        tuple(_shares(graph, total)) if total else (),
        size,
        tuple((n.subject, str(n.value)) for n in graph.notes if n.key == "disagreement"),
        failed,
        _text(top, "params") if total is None else "",
        _remarks(graph) if named else (),
        formulas=tuple((name, str(size)) for name, size in definitions(graph).items()) if named else (),
        is_named=named,
    )


def _remarks(graph: Graph) -> tuple[str, ...]:
    """What the names stand for, and how the parameters grow with them."""
    grows = _text(graph.notes_on(""), "params.growth")
    lines = [f"Parameters grow as {grows}"] if grows else []
    return (*lines, *(f"{one}·{other} = {whole}" for one, other, whole in relations(graph)))


def _columns(columns: Iterable[str] | None) -> tuple[str, ...]:
    if columns is None:
        return DEFAULT_COLUMNS
    wanted = list(columns)
    if "all" in wanted:
        return tuple(COLUMNS)
    for name in wanted:
        if name not in COLUMNS:
            raise UsageError(f"the summary has no column {name!r}", hint=did_you_mean(name, COLUMNS))
    return tuple(dict.fromkeys(wanted))


class _Rows:
    def __init__(self, graph: Graph, batch: int | None, depth: int | None) -> None:
        self.graph, self.batch, self.depth = graph, batch, depth
        self.counts = parameter_counts(graph)
        self.inner = self._with_modules_inside()

    def _with_modules_inside(self) -> set[str]:
        """Scopes that have a module call somewhere below."""
        found: set[str] = set()
        for s in reversed(self.graph.scopes):
            if s.parent is not None and (s.kind == "module" or s.id in found):
                found.add(s.parent)
        return found

    def listed(self) -> Iterator[Row]:
        """Rows in execution order, containers before what is in them."""
        graph = self.graph
        children = graph.children
        root = graph.root
        steps = [i for i in children[root.id] if self._shows(i, i.kind if isinstance(i, Op) else i.type_name)]
        one_layer = root.id not in self.inner and len(steps) == 1 and self.counts[root.id].total
        if one_layer or self.depth == 0:
            yield self.module(root, 0)
            return
        stack: list[tuple[Scope | Op, int]] = [(child, 0) for child in reversed(children[root.id])]
        while stack:
            item, depth = stack.pop()
            if isinstance(item, Op):
                if self._shows(item, item.kind):
                    yield self.op(item, depth)
                continue
            if item.kind == "module":
                yield self.module(item, depth)
                open_ = item.id in self.inner and (self.depth is None or depth + 1 < self.depth)
                stack.extend((child, depth + 1) for child in reversed(children[item.id] if open_ else ()))
            elif item.id in self.inner or item.kind != "function":
                stack.extend((child, depth) for child in reversed(children[item.id]))
            elif self._shows(item, item.type_name):
                yield self.function(item, depth)

    def _shows(self, item: Op | Scope, kind: str) -> bool:
        if isinstance(item, Op) and item.phase != "forward":
            return False
        notes = self.graph.notes_on(item.id)
        return is_worth_a_row(kind) or bool(_number(notes, "params") or _number(notes, "macs") or notes.get("failed"))

    def module(self, s: Scope, depth: int) -> Row:
        """The row of a module call."""
        notes = self.graph.notes_on(s.id)
        count = self.counts[s.id]
        name = self._name(s)
        if s.call:
            name += f" (call {s.call + 1})"
        return self._row(
            s.id,
            depth,
            name,
            s.type_name,
            settings_text(s),
            s.outputs,
            notes,
            params=count.total,
            formula=_text(notes, "params.formula"),
            shared_with=count.shared_with or "",
            container=s.id in self.inner,
        )

    def _name(self, s: Scope) -> str:
        """The path below the module it stands in (``layers.0``)."""
        above = s.parent
        while above is not None and self.graph.scope_by_id[above].kind != "module":
            above = self.graph.scope_by_id[above].parent
        prefix = f"{self.graph.scope_by_id[above].path}." if above is not None else ""
        return s.path.removeprefix(prefix) or s.id

    def op(self, op: Op, depth: int) -> Row:
        """The row of an op that stands by itself."""
        notes = self.graph.notes_on(op.id)
        name = op.id.rpartition("/")[2]
        params = _number(notes, "params")
        shared = _text(notes, "params.shared_with")
        formula = _text(notes, "params.formula")
        return self._row(
            op.id,
            depth,
            name,
            op.kind,
            settings_text(op),
            op.outputs,
            notes,
            params=params or 0,
            formula=formula,
            shared_with=shared,
        )

    def function(self, s: Scope, depth: int) -> Row:
        """The row of a function made of several ops."""
        notes = self.graph.notes_on(s.id)
        name = s.id.rpartition("/")[2]
        return self._row(
            s.id,
            depth,
            name,
            s.type_name or name,
            settings_text(s),
            s.outputs,
            notes,
            params=_number(notes, "params") or 0,
            formula=_text(notes, "params.formula"),
            shared_with=_text(notes, "params.shared_with"),
        )

    def _row(
        self,
        subject: str,
        depth: int,
        layer: str,
        type: str,
        settings: str,
        outputs: Sequence[str],
        notes: Mapping[str, Note],
        *,
        params: int | None,
        formula: str = "",
        shared_with: str = "",
        container: bool = False,
    ) -> Row:
        return Row(
            subject,
            depth,
            layer,
            type,
            settings,
            tuple(self._shape(v) for v in outputs),
            params,
            formula,
            shared_with,
            _number(notes, "macs"),
            _number(notes, "macs.unknown_ops") or 0,
            _number(notes, "dense_equivalent"),
            _text(notes, "dense_equivalent.formula"),
            _text(notes, "receptive_field"),
            _text(notes, "failed"),
            container,
            params_text=_text(notes, "params") if isinstance(_value(notes, "params"), str) else "",
            growth=_text(notes, "params.growth"),
        )

    def _shape(self, value: str) -> tuple[str, ...] | None:
        shape = self.graph.value_by_id[value].type.shape
        if shape is None:
            return None
        if self.batch is not None and shape and shape[0].size == self.batch:
            shape = shape[1:]
        return tuple(pretty_size(str(d)) if d.size is None else str(d) for d in shape)


def _value(notes: Mapping[str, Note], key: str) -> Attribute:
    note = notes.get(key)
    return None if note is None else note.value


def _number(notes: Mapping[str, Note], key: str) -> int | None:
    value = _value(notes, key)
    return value if type(value) is int else None


def _text(notes: Mapping[str, Note], key: str) -> str:
    value = _value(notes, key)
    return "" if value is None else str(value)


def _shares(graph: Graph, total: int) -> Iterator[Share]:
    """Parameters by family of layer, most first; each parameter belongs to the first owner's family."""
    owner = first_owners(graph)
    sums: dict[str, int] = {}
    for value, scope in owner.items():
        readers = graph.readers.get(value, ())
        family = family_of_parameter(graph.scope_by_id[scope], readers)
        sums[family] = sums.get(family, 0) + (graph.value_by_id[value].type.numel or 0)
    for family, count in sorted(sums.items(), key=lambda item: (-item[1], item[0])):
        yield Share(family, count, 100 * count / total)
