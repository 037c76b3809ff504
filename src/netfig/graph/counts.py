"""Parameters of every scope, each counted once: the first owner pays, later owners share; and counts whose sizes are names."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from netfig.graph.types import Dim, Graph, Value


@dataclass(frozen=True, slots=True)
class ScopeCount:
    """Elements of parameters of one scope; ``None`` where a size is not known.

    `own`: declared directly in it. `total`: in its subtree, each parameter once. `paid`: the part of `total` that no scope
    before it has counted; summed over disjoint scopes it never counts twice. `shared_with`: the scope that has counted
    (some of) it already.
    """

    own: int | None
    total: int | None
    paid: int | None
    shared_with: str | None = None


def owned_parameters(graph: Graph) -> dict[str, list[str]]:
    """Parameters by the scope that owns them.

    One that no scope owns belongs to a module that was never called; the nearest module above it that was called takes it
    (``attention.out_proj.weight`` belongs to ``attention``), at last the root. A later call of a module owns what the first does.
    """
    parameters = {v.id: v for v in graph.values if v.kind == "parameter"}
    owned = {s.id: list(dict.fromkeys(v for v in s.owns if v in parameters)) for s in graph.scopes}
    called: dict[str, str] = {}
    for s in graph.scopes:
        if s.kind == "module":
            called.setdefault(s.path, s.id)
    homeless = set(parameters).difference(*owned.values())
    for value in parameters if homeless else ():  # in the graph's order
        if value in homeless:
            path = (parameters[value].names or (value,))[0]
            while "." in path and path not in called:
                path = path.rpartition(".")[0]
            owned[called.get(path, graph.root.id)].append(value)
    for s in graph.scopes:
        if s.kind == "module" and not owned[s.id] and called[s.path] != s.id:
            owned[s.id] = list(owned[called[s.path]])
    return owned


def _payers(graph: Graph, owned: Mapping[str, list[str]]) -> dict[str, str]:
    payer: dict[str, str] = {}
    for scope in graph.scopes:
        for value in owned[scope.id]:
            payer.setdefault(value, scope.id)
    return payer


def first_owners(graph: Graph) -> Mapping[str, str]:
    """The scope that pays for a parameter, by parameter."""
    return _payers(graph, owned_parameters(graph))


def parameter_counts(graph: Graph) -> Mapping[str, ScopeCount]:
    """Counts by scope id. The root's total is the graph's."""
    owned = owned_parameters(graph)
    payer = _payers(graph, owned)
    size: dict[str, int | None] = {v.id: graph.elements(v) for v in graph.values if v.kind == "parameter"}
    owners: dict[str, list[str]] = {}
    for scope, values in owned.items():
        for value in values:
            owners.setdefault(value, []).append(scope)

    own = {scope: _sum(size[v] for v in values) for scope, values in owned.items()}
    paid = {scope: _sum(size[v] for v in values if payer[v] == scope) for scope, values in owned.items()}
    total = {scope: _sum(size[v] for v in values if len(owners[v]) == 1) for scope, values in owned.items()}
    for s in reversed(graph.scopes):  # children come after their parents
        if s.parent is not None:
            paid[s.parent] = _sum((paid[s.parent], paid[s.id]))
            total[s.parent] = _sum((total[s.parent], total[s.id]))
    _add_shared(graph, {v: o for v, o in owners.items() if len(o) > 1}, size, total)

    first_call: dict[str, str] = {}
    counts = {}
    for s in graph.scopes:
        shared = next((payer[v] for v in owned[s.id] if payer[v] != s.id), None)
        if s.kind == "module":
            first = first_call.setdefault(s.path, s.id)
            if shared is None and first != s.id and total[s.id] != 0 and paid[s.id] == 0:
                shared = first
        counts[s.id] = ScopeCount(own[s.id], total[s.id], paid[s.id], shared)
    return counts


def _add_shared(
    graph: Graph, owners: Mapping[str, list[str]], size: Mapping[str, int | None], total: dict[str, int | None]
) -> None:
    """Add each parameter that several scopes own once to every scope above an owner."""
    parent = {s.id: s.parent for s in graph.scopes}
    for value, scopes in owners.items():
        reached: set[str] = set()
        for owner in scopes:
            scope: str | None = owner
            while scope is not None and scope not in reached:
                reached.add(scope)
                total[scope] = _sum((total[scope], size[value]))
                scope = parent[scope]


def _sum(sizes: Iterable[int | None]) -> int | None:
    result = 0
    for one in sizes:
        if one is None:
            return None
        result += one
    return result


@dataclass(frozen=True, slots=True)
class Written:
    """A count as the product or sum it is (``m·n``, ``4·3``), and its number when every size has one."""

    text: str
    number: int | None

    @property
    def worked(self) -> str:
        """``4·3 = 12``; without a number, or where the text is the number, the text alone."""
        done = "" if self.number is None else f"{self.number:,}"
        return self.text if done in ("", self.text) else f"{self.text} = {done}"


def written_count(graph: Graph, value: Value) -> Written | None:
    """The elements of one value over all its axes: ``K·m·n`` for a family of K matrices; ``None`` without a shape."""
    if value.type.shape is None:
        return None
    extents = {axis.id: axis.extent for axis in graph.axes}
    dims = [*(extents[axis] for axis in value.axes), *value.type.shape]
    return Written("·".join(_factor(dim) for dim in dims) or "1", graph.elements(value))


def written_total(graph: Graph) -> Written | None:
    """The elements of all parameters, equal terms together: ``4·m·n + 4·m·m + 8·m``; ``None`` where a shape is not known."""
    terms: dict[str, int] = {}
    for value in graph.values:
        if value.kind == "parameter":
            one = written_count(graph, value)
            if one is None:
                return None
            terms[one.text] = terms.get(one.text, 0) + 1
    text = " + ".join((term if term != "1" else str(n)) if n == 1 or term == "1" else f"{n}·{term}" for term, n in terms.items())
    return Written(text or "0", graph.parameter_count)


def matrix_count(graph: Graph) -> Written:
    """How many weight matrices there are, a family counted once for each index: ``3·(K+1)``; vectors and scalars are none."""
    families: dict[str, int] = {}
    single = 0
    number: int | None = 0
    extents = {axis.id: axis.extent for axis in graph.axes}
    for value in graph.values:
        if value.kind != "parameter" or value.type.shape is None or len(value.type.shape) < 2:
            continue
        sizes = [extents[axis] for axis in value.axes]
        if all(one.size is not None for one in sizes):
            single += math.prod(one.size or 0 for one in sizes)
        else:
            text = "·".join(map(_factor, sizes))
            families[text] = families.get(text, 0) + 1
            number = None
    if number is not None:
        return Written(f"{single:,}", single)
    if len(families) == 1 and single % (count := next(iter(families.values()))) == 0 and single:
        return Written(f"{'' if count == 1 else f'{count}·'}({next(iter(families))}+{single // count})", None)
    terms = [text if count == 1 else f"{count}·{text}" for text, count in families.items()]
    return Written(" + ".join([*terms, *([str(single)] if single else [])]), None)


def _factor(dim: Dim) -> str:
    """A size in a product: its number, else its name, a sum in brackets."""
    if dim.size is not None:
        return f"{dim.size:,}"
    text = str(dim).replace("*", "·")
    return f"({text})" if "+" in text or "-" in text else text
