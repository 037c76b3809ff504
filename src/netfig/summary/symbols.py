"""A recurrence as a table: its symbols with their shapes, the weights with their counts, each counted once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.decompiler import stands_in_brackets
from netfig.graph.counts import matrix_count, written_count, written_total
from netfig.mathtext import text_of
from netfig.summary.row import Row

if TYPE_CHECKING:
    from netfig.graph import Graph, Value


def is_recurrence(graph: Graph) -> bool:
    """Whether a graph is made of symbols: it has plates or steps, and no module."""
    kinds = {s.kind for s in graph.scopes}
    return bool(kinds & {"plate", "step"}) and "module" not in kinds


def symbol_rows(graph: Graph) -> tuple[tuple[Row, ...], str, tuple[str, ...]]:
    """A row for each name, the total where it has no number, and what is to be said about sharing."""
    outputs = {port.value for port in graph.outputs}
    states = {ref.value for op in graph.ops for slot in op.inputs for ref in slot.refs if ref.offset or ref.at}
    rows, shared = [], []
    for value in graph.values:
        if not value.names or value.kind == "constant" or value.id.endswith("]"):
            continue
        kind = "output" if value.id in outputs else "state" if value.id in states else "computed"
        kind = {"input": "input", "parameter": "weight"}.get(value.kind, kind)
        notes = graph.notes_on(value.id)
        over = notes["params.shared_over"].value if "params.shared_over" in notes else ()
        over = tuple(str(one).partition("@")[0] for one in over) if isinstance(over, tuple) else ()
        if value.kind == "parameter" and over:
            shared.append(over)
        label = str(notes["label"].value) if "label" in notes else f"shared over {' and '.join(over)}" if over else ""
        rows.append(_row(graph, value, kind, label))
    total = written_total(graph)
    letters = tuple(dict.fromkeys(letter for one in shared for letter in one))
    matrices = matrix_count(graph)
    remarks = [f"Weight matrices: {matrices.text}"] if matrices.text != "0" else []
    if letters:
        remarks.append(f"Shared over {' and '.join(letters)}, counted once.")
    return tuple(rows), total.text if total is not None and total.number is None else "", tuple(remarks)


def _row(graph: Graph, value: Value, kind: str, label: str) -> Row:
    shape = None if value.type.shape is None else tuple(str(d) if d.size is None else str(d.size) for d in value.type.shape)
    count = written_count(graph, value) if value.kind == "parameter" else None
    if count is None:
        return Row(value.id, 0, indexed(graph, value), kind, label, (shape,), 0, is_symbol=True)
    text = count.text if count.number is None else ""
    formula = "" if text else count.worked
    return Row(value.id, 0, indexed(graph, value), kind, label, (shape,), count.number, formula, params_text=text, is_symbol=True)


def indexed(graph: Graph, value: Value) -> str:
    """A name with its indices: ``h[t]``, ``Q_i``, ``q_i[t]``."""
    letters = [(axis.partition("@")[0], stands_in_brackets(graph, value, axis)) for axis in value.axes]
    below = "".join(f"_{letter}" for letter, is_bracket in letters if not is_bracket)
    inside = ",".join(letter for letter, is_bracket in letters if is_bracket)
    return (text_of(value.symbol) or value.id) + below + (f"[{inside}]" if inside else "")
