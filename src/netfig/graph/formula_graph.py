"""Formulas in a Graph: sizes that are named once and defined by a note, counts of parameters, numbers put in for names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from netfig.errors import UsageError, did_you_mean
from netfig.graph import formula as f
from netfig.graph.formula import Formula, formula
from netfig.graph.formula_layers import parameter_count
from netfig.graph.formula_text import parsed
from netfig.graph.types import Dim, Graph, Note

if TYPE_CHECKING:
    from netfig.graph.types import Attribute, Value

DEFINES: Final = "size."
"""A note on the whole graph under this key and a name says what the size of that name is."""


def dim_of(size: Formula) -> Dim:
    """A size in a shape: a number, or the text of the formula as its name."""
    return Dim(size.number) if size.number is not None else Dim(None, str(size))


def size_of(dim: Dim) -> Formula | None:
    """The formula of a size: its number, else what its name says; ``None`` where that is no formula."""
    return formula(dim.size) if dim.size is not None else parsed(dim.name)


def is_symbolic(graph: Graph) -> bool:
    """Whether sizes are names, in a graph that is no recurrence and holds no folded repeats (whose names are columns)."""
    return not graph.axes and any(
        d.size is None and d.name is not None for v in graph.values if v.type.shape is not None for d in v.type.shape
    )


def definitions(graph: Graph) -> dict[str, Formula]:
    """Sizes that have a name of their own, in the order they are made; each may use those before it."""
    found = {n.key.removeprefix(DEFINES): str(n.value) for n in graph.notes if n.key.startswith(DEFINES) and not n.subject}
    return {name: made for name, text in found.items() if (made := parsed(text)) is not None}


def relations(graph: Graph) -> tuple[tuple[str, str, str], ...]:
    """Products that are one size by definition: ``(h, d_k, d_model)`` for an attention whose heads share d_model evenly."""
    found = []
    for scope in graph.scopes:
        if scope.kind == "block" and scope.attribute("even") is True:
            heads, d_k, d_model = (scope.attribute(key) for key in ("heads", "d_k", "d_model"))
            if isinstance(d_k, str) and isinstance(heads, (int, str)) and isinstance(d_model, (int, str)):
                found.append((str(heads), d_k, str(d_model)))
    return tuple(dict.fromkeys(found))


def related(size: Formula, known: Iterable[tuple[str, str, str]]) -> Formula:
    """The same with products put together: 3·d_k·(d_model + 1)·h is 3·d_model·(d_model + 1)."""
    for one, other, whole in known:
        over, under = parsed(whole), parsed(one)
        if over is not None and under is not None:
            size = size.at({other: f.quotient("exact", over, under)})
    return size


def shape_of(value: Value) -> tuple[Formula, ...] | None:
    """The shape of a value as formulas, where all of its sizes are some."""
    if value.type.shape is None:
        return None
    sizes = tuple(size_of(dim) for dim in value.type.shape)
    return None if None in sizes else sizes  # type: ignore[return-value]


def counted(graph: Graph, type_name: str, values: Iterable[str]) -> Formula | None:
    """The parameters of one layer, from the ids of its values; ``None`` where a size is no formula."""
    shapes = {}
    known = relations(graph)
    for id in values:
        value = graph.value_by_id[id]
        shape = shape_of(value)
        if shape is None:
            return None
        shape = tuple(related(size, known) for size in shape) if known else shape
        name = (value.names or (id,))[0].rpartition(".")[2]
        shapes[name if name not in shapes else id] = shape
    return parameter_count(type_name, shapes)


def counts(graph: Graph) -> dict[str, Formula]:
    """The parameters of every module and of the whole, each once, as the layers that own them count them.

    A scope is left out when it holds a parameter whose size is no formula.
    """
    from netfig.graph.counts import first_owners

    by_owner: dict[str, list[str]] = {}
    for value, scope in first_owners(graph).items():
        by_owner.setdefault(scope, []).append(value)
    types = {s.id: s.type_name for s in graph.scopes}
    found: dict[str, Formula] = {s.id: Formula() for s in graph.scopes}
    for owner, values in by_owner.items():
        made = counted(graph, types[owner], values)
        above: str | None = owner
        while above is not None:
            if made is None:
                found.pop(above, None)
            elif above in found:
                found[above] = found[above] + made
            above = graph.scope_by_id[above].parent
    return {scope: _simplest(size) if scope not in by_owner else size for scope, size in found.items()}


def _simplest(size: Formula) -> Formula:
    """A sum multiplied out, where that makes no more terms: 4d·(d + 1) + d·(4d + 1) is 8d² + 5d."""
    try:
        out = f.expanded(size)
    except ValueError:
        return size
    return out if len(out.terms) <= len(size.terms) and len(str(out)) < len(str(size)) else size


def names_of(graph: Graph) -> tuple[str, ...]:
    """The names that sizes of the graph are made of, sorted; those that are defined by others are left out."""
    defined = definitions(graph)
    named = {name for v in graph.values for d in v.type.shape or () for name in _names(d)}
    return tuple(sorted((named | {n for one in defined.values() for n in one.names}) - set(defined)))


def with_sizes(graph: Graph, sizes: Mapping[str, int]) -> Graph:
    """The graph with numbers for names, and for what is defined by them.

    Raises:
        UsageError: a name is in no shape of the graph, or a number does not fit.
    """
    defined = definitions(graph)
    check_names(sizes, names_of(graph), f"the graph {graph.name!r}")
    known: dict[str, Formula | int] = dict(sizes)
    try:
        rest = {}
        for name, size in defined.items():
            made = size.at(known)
            if made.number is None:
                rest[name] = made
            else:
                known[name] = made.number
        values = tuple(
            replace(v, type=replace(v.type, shape=tuple(_numbered(d, known) for d in v.type.shape))) if v.type.shape else v
            for v in graph.values
        )
        scopes = tuple(replace(s, attributes=tuple((k, _settled(v, known)) for k, v in s.attributes)) for s in graph.scopes)
        ops = tuple(replace(op, attributes=tuple((k, _settled(v, known)) for k, v in op.attributes)) for op in graph.ops)
    except ValueError as error:
        raise UsageError(f"these sizes do not fit: {error}") from None
    stale = ("params", "macs", "dense_equivalent", "receptive_field", "jump")  # counted again by whoever annotates the graph
    notes = [n for n in graph.notes if n.key.partition(".")[0] not in stale and (n.subject or not n.key.startswith(DEFINES))]
    notes += [Note("", DEFINES + name, str(size), author="netfig") for name, size in rest.items()]
    return replace(graph, values=values, scopes=scopes, ops=ops, notes=tuple(notes))


def _settled(value: Attribute, known: Mapping[str, Formula | int]) -> Attribute:
    """A setting with numbers for names."""
    if isinstance(value, tuple):
        return tuple(_settled(one, known) for one in value)
    size = parsed(value) if isinstance(value, str) else None
    if size is None or not any(name in known for name in size.names):
        return value
    made = size.at(known)
    return str(made) if made.number is None else made.number


def check_names(sizes: Mapping[str, int], known: Iterable[str], what: str) -> None:
    """Raise when a number is given for a name that is not known."""
    names = list(known)
    wrong = [name for name in sizes if name not in names]
    if wrong:
        hint = did_you_mean(wrong[0], names) if names else "its sizes are numbers: leave out --size"
        raise UsageError(f"{what} has no size {' and no size '.join(map(repr, wrong))}", hint=hint)


def _names(dim: Dim) -> tuple[str, ...]:
    size = None if dim.size is not None else parsed(dim.name)
    return () if size is None else size.names


def _numbered(dim: Dim, known: Mapping[str, Formula | int]) -> Dim:
    size = None if dim.size is not None else parsed(dim.name)
    if size is None or not any(name in known for name in size.names):
        return dim
    made = size.at(known)
    if made.number is not None and made.number < 0:
        raise ValueError(f"{dim.name} would be {made.number}")
    if made.number is None and not made.names:
        raise ValueError(f"{dim.name} would be {made}, which is not whole")
    return dim_of(made)
