"""Why each matrix has its shape, a line for each operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from netfig.mathtext import Run, Text, math, plain

if TYPE_CHECKING:
    from netfig.graph import Graph, Op

Sizes = Mapping[str, tuple[int, int]]


def shape_lines(graph: Graph, sizes: Sizes, symbol: Callable[[str], Text]) -> list[Text]:
    """The lines; values without numbers are left out."""
    roles = _attention_roles(graph)
    found = []
    for id, (rows, columns) in sizes.items():
        if id in roles:
            what, width = roles[id]
            found.append(
                (
                    *symbol(id),
                    *plain(f" is {rows} × {columns}: {rows} {what}, "),
                    *math(width),
                    *plain(f" = {columns} numbers each."),
                )
            )
    for op in graph.ops:
        made = op.outputs[0] if op.outputs else ""
        if made in sizes and op.kind != "transpose":
            line = _line(graph, op, made, sizes, symbol)
            if line:
                found.append(line)
    return found


def _attention_roles(graph: Graph) -> dict[str, tuple[str, str]]:
    """The queries, keys and values of an attention: what their rows are, and how their width is called."""
    by_id = {op.id: op for op in graph.ops}
    last = next((op for op in by_id.values() if op.kind == "matmul" and _is_softmax(graph, next(op.reads))), None)
    if last is None:
        return {}
    weights, values = list(last.reads)[:2]
    found = {values: ("values", "d_v")}
    op: Op | None = graph.producer.get(weights)
    while op is not None and op.kind != "matmul":
        op = graph.producer.get(next(op.reads))
    if op is not None:
        queries, keys = list(op.reads)[:2]
        turned = graph.producer.get(keys)
        found = {queries: ("queries", "d_k"), (next(turned.reads) if turned else keys): ("keys", "d_k"), **found}
    return found


def _is_softmax(graph: Graph, id: str) -> bool:
    op = graph.producer.get(id)
    return op is not None and op.kind == "softmax"


def _line(graph: Graph, op: Op, made: str, sizes: Sizes, symbol: Callable[[str], Text]) -> Text:
    rows, columns = sizes[made]
    reads = [id for id in op.reads if id in sizes]
    name = (*symbol(made), *plain(f" is {rows} × {columns}: "))
    if op.kind == "matmul" and len(reads) == 2:
        (a, inner), (_, b) = sizes[reads[0]], sizes[reads[1]]
        product = f"({a} × {inner})({inner} × {b}) sums over the inner {inner}"
        if made in _scores(graph):
            return (*name, *plain(f"{product}; a row for each query, a column for each key."))
        if _is_softmax(graph, reads[0]):
            return (
                *name,
                *plain(f"{product}, one for each key; a row for each query, as wide as "),
                *symbol(reads[1]),
                *plain("."),
            )
        return (
            *name,
            *plain(f"{product}; rows as in "),
            *symbol(reads[0]),
            *plain(", columns as in "),
            *symbol(reads[1]),
            Run("."),
        )
    if reads and sizes[reads[0]] == (rows, columns):
        how = "row by row" if op.kind in ("softmax", "layer_norm") else "entry by entry"
        return (*name, *plain("as "), *symbol(reads[0]), *plain(f", from which it is made {how}."))
    return ()


def _scores(graph: Graph) -> set[str]:
    found: set[str] = set()
    for op in reversed(graph.ops):
        if op.kind == "softmax" or (op.kind in ("div", "masked_fill") and set(op.outputs) & found):
            found.add(next(op.reads))
    return found
