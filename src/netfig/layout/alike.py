"""What is alike stands level: panels, boxes beside a series, twins in a knot, branches that begin together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from netfig.figure import Figure
from netfig.layout.blocks import Block


def align_panels(parts: Sequence[Block]) -> None:
    """Panels that follow one another, or stand side by side, reach equally far where that wastes little."""
    panels = [p for p in parts if p.kind == "panel"]
    if len(panels) > 1:
        before, after = max(p.before for p in panels), max(p.after for p in panels)
        for p in panels:
            if p.before + p.after >= 0.7 * (before + after):
                p.before, p.after = before, after


def align_beside(parts: Sequence[Block]) -> None:
    """What stands beside the boxes of a series stands in one row (or column) where it is equally large."""
    for side in (-1, 1):
        placed = [(p, k) for p in parts if p.kind == "beside" for k, (_, v) in enumerate(p.at) if v * side > 0]
        if len({round(p.parts[k].breadth, 1) for p, k in placed}) != 1:
            continue
        far = max(abs(p.at[k][1]) for p, k in placed)
        for p, k in placed:
            p.at[k] = (p.at[k][0], side * far)
            reach = far + (p.parts[k].before if side < 0 else p.parts[k].after)
            p.before, p.after = (reach, p.after) if side < 0 else (p.before, reach)


def twins(roles: Sequence[str], edges: Sequence[tuple[int, int]]) -> list[int]:
    """The edges to blocks of one role that one block alone feeds: ``query``, ``key`` and ``value``."""
    entering = Counter(b for _, b in edges)
    alike: dict[tuple[int, str], list[int]] = {}
    for k, (a, b) in enumerate(edges):
        role = roles[b]
        if entering[b] == 1 and role:
            alike.setdefault((a, role), []).append(k)
    return [k for group in alike.values() if len(group) > 1 for k in group]


def first_twins(roles: Sequence[str], edges: Sequence[tuple[int, int]]) -> list[int]:
    """Blocks of one role that nothing enters, if there are several."""
    entered = {b for _, b in edges}
    alike: dict[str, list[int]] = {}
    for k, role in enumerate(roles):
        if role and k not in entered and role.split(".")[0] not in ("input", "note", "weight"):
            alike.setdefault(role, []).append(k)
    return [k for group in alike.values() if len(group) > 1 for k in group]


def first_role(figure: Figure, block: Block) -> str:
    """The role of the box a block begins with."""
    while block.kind == "series":
        block = block.parts[0]
    return figure.boxes[block.id].role if block.kind == "box" else ""


def lead(block: Block) -> float:
    """How far into a block its first box begins."""
    if block.kind in ("box", "ghost"):
        return block.outset.u0
    if block.kind == "series":
        k = next((k for k, p in enumerate(block.parts) if p.kind != "ghost"), 0)
        return block.at[k][0] + lead(block.parts[k])
    return min((at[0] + lead(p) for p, at in zip(block.parts, block.at, strict=True) if p.kind != "ghost"), default=0.0)


def main_branch(parts: Sequence[Block]) -> int | None:
    """The branch that goes straight on: one without boxes, or one much longer than all others."""
    ghosts = [i for i, p in enumerate(parts) if p.kind == "ghost" or any(q.kind == "ghost" for q in p.parts)]
    if len(ghosts) == 1:
        return ghosts[0]
    order = sorted(range(len(parts)), key=lambda i: -parts[i].length)
    if len(parts) == 2 and parts[order[0]].length >= 1.6 * parts[order[1]].length:
        return order[0]
    return None
