"""The differences of two aligned graphs as text and as data: one line for each thing that differs, then totals."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from netfig.graph.align_changes import NONE
from netfig.graph.align_rows import row_name, rows_of
from netfig.graph.align_totals import is_layer, layer_changes, layer_state, parameters_of, signed, totals
from netfig.graph.types import Op, Scope
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.graph.align import Alignment, Item

_SIGNS: Final = {"same": "=", "changed": "~", "added": "+", "removed": "−"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs: its path, what it is, in which way, and its parameters in both graphs (0 where it is not).

    `times` is how many like it stand in a row; the parameters are those of one.
    """

    path: str
    state: str
    type: str
    changes: tuple[tuple[str, str, str], ...]
    params: tuple[int, int]
    times: int = 1
    moved: str = ""


def differences(alignment: Alignment) -> list[Difference]:
    """What differs, in the order of both graphs; what was added or removed as a whole is one."""
    return list(_of(alignment, alignment.root, "", "", 1))


def _of(alignment: Alignment, item: Item, real: str, shown: str, times: int) -> Iterator[Difference]:
    """The differences of an item; paths that begin with `real` are shown to begin with `shown`: a row of alike ones."""
    inside = [child for child in item.children if not _is_quiet(child)]
    whole = item.state in ("added", "removed") and not any(i.before and i.after for i in item.walk())
    if whole or (item is not alignment.root and is_layer(item)):
        if not _is_quiet(item):
            yield _one(alignment, item, real, shown, times)
        return
    if item.state != "same":
        yield _one(alignment, item, real, shown, times, own=True)
    elif item.rewired and not inside:
        yield _one(alignment, item, real, shown, times)
    for row in rows_of(item):
        if len(row) == 1:
            yield from _of(alignment, row[0], real, shown, times)
            continue
        path = row[0].item.path if isinstance(row[0].item, Scope) else row[0].item.id
        name = row_name(row)
        renamed = shown + name.removeprefix(real) if real and name.startswith(real) else name
        yield from _of(alignment, row[0], path, renamed, times * len(row))


def _is_quiet(item: Item) -> bool:
    return all(i.state == "same" and not i.rewired for i in item.walk())


def _one(alignment: Alignment, item: Item, real: str, shown: str, times: int, own: bool = False) -> Difference:
    one = item.item
    path = one.path if isinstance(one, Scope) and one.path else one.id if one.id != alignment.after.root.id else ""
    path = shown + path.removeprefix(real) if real and path.startswith(real) else path
    graphs = alignment.before, alignment.after
    params = [parameters_of(g, side) or 0 for g, side in zip(graphs, (item.before, item.after), strict=True)]
    changes = [(c.what, c.before, c.after) for c in item.changes] if own else layer_changes(item)
    state = layer_state(item)
    if state == "changed" and not changes:
        changes = [("wires", "", "")]
    word = one.kind if isinstance(one, Op) else one.type_name or one.kind.replace("root", "")
    return Difference(path or "(the model)", state, word, tuple(changes), (params[0], params[1]), times, item.moved)


def difference_text(alignment: Alignment) -> str:
    """Lines for a terminal: a sign, the path, the class, what is different; totals at the end."""
    names = [graph.name for graph in (alignment.before, alignment.after)]
    lines = [" → ".join(dict.fromkeys(names))]
    if alignment.is_equal:
        return "\n".join([*lines, "No difference.", *_totals(alignment)]) + "\n"
    cells = [_cells(difference) for difference in differences(alignment)]
    widths = [max((len(row[k]) for row in cells), default=0) for k in range(3)]
    for row in cells:
        head = "  ".join(cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True))
        lines.append(f"{head}  {row[3]}".rstrip())
    lines += [f"~  {change}" for change in alignment.ports]
    return "\n".join([*lines, *_totals(alignment)]) + "\n"


def _cells(found: Difference) -> tuple[str, str, str, str]:
    said = ["wired otherwise" if what == "wires" else f"{what} {a} → {b}" for what, a, b in found.changes if NONE not in (a, b)]
    for word, names in (
        ("without", [what for what, _, b in found.changes if b == NONE]),
        ("with", [what for what, a, _ in found.changes if a == NONE]),
    ):
        said += [f"{word} {', '.join(names)}"] if names else []
    before, after = found.params
    each = " each" if found.times > 1 else ""
    if found.state == "changed" and before != after:
        said.append(f"{before:,} → {after:,} parameters{each}")
    elif found.state in ("added", "removed") and max(before, after):
        said.append(f"{max(before, after):,} parameters{each}")
    if found.moved:
        to = "to" if found.state == "removed" else "from"
        said.append("moved" if found.moved == found.path else f"moved {to} {found.moved}")
    times = f" × {found.times}" if found.times > 1 else ""
    return _SIGNS[found.state], found.path + times, found.type, "; ".join(said)


def _totals(alignment: Alignment) -> list[str]:
    found = totals(alignment)
    counts = [f"{found.layers[state]} {state}" for state in ("changed", "added", "removed") if found.layers[state]]
    lines = [f"{found.word.capitalize()}: {', '.join([*counts, str(found.layers['same']) + ' the same'])}."]
    for what, (before, after) in (("Parameters", found.params), ("Multiply-adds", found.macs)):
        if before is None or after is None:
            continue
        least = "at least " if what == "Multiply-adds" and found.macs_at_least else ""
        same = before == after
        lines.append(f"{what}: {least}{before:,}" + ("." if same else f" → {after:,} ({signed(before, after)})."))
    return lines


def difference_data(alignment: Alignment) -> dict[str, Any]:
    """The same for programs."""
    found = totals(alignment)
    sides = zip(("before", "after"), (alignment.before, alignment.after), found.params, found.macs, strict=True)
    return {
        **{key: {"name": graph.name, "parameters": params, "multiply_adds": macs} for key, graph, params, macs in sides},
        "equal": alignment.is_equal,
        "layers": found.layers,
        "differences": [
            {
                "path": one.path,
                "state": one.state,
                "type": one.type,
                "times": one.times,
                "changes": [{"what": what, "before": before, "after": after} for what, before, after in one.changes],
                "parameters": {"before": one.params[0], "after": one.params[1]},
                "moved": one.moved,
            }
            for one in differences(alignment)
        ],
        "ports": [{"what": c.what, "before": c.before, "after": c.after} for c in alignment.ports],
        "wires": {"added": len(alignment.added_wires), "removed": len(alignment.removed_wires)},
    }
