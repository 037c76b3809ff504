"""A loop that runs through in one scope, with the same modules in each turn, as one thing: its first turn and all others in it.

An iterative model (optical flow, refinement) calls one module twelve times, with fifty small operations in between. That is no
repeat to be folded, for the turns have no weights of their own and what they give may be used one by one; drawn as it stands
it is hundreds of boxes.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

from netfig.graph import Graph, Note, Op, Scope

LEAST = 3
"""Turns of a loop that is shortened."""
SAID = "loop.shortened"


def shorten_loops(graph: Graph, most: int) -> Graph:
    """The graph with the loops of all scopes in which more than `most` things stand; the same graph where there is none."""
    for scope in graph.scopes:
        children = graph.children[scope.id]
        turns = _turns(children) if len(children) > most else []
        if turns:
            graph = _wrapped(graph, scope, [turns[0], [item for turn in turns[1:] for item in turn]], len(turns))
    return graph


def _turns(children: tuple[Scope | Op, ...]) -> list[list[Scope | Op]]:
    """The longest row of equal stretches of what follows one another, each with one call of the same module."""
    words = [(child.kind, "") if isinstance(child, Op) else (child.type_name, child.path) for child in children]
    calls: dict[tuple[str, str], list[int]] = defaultdict(list)
    for k, child in enumerate(children):
        if isinstance(child, Scope) and child.kind == "module":
            calls[words[k]].append(k)
    best: list[list[Scope | Op]] = []
    for places in calls.values():
        if len(places) < LEAST:
            continue
        length = places[1] - places[0]
        if any(b - a != length for a, b in pairwise(places)):
            continue
        before = 0  # a turn begins before its call, as far as all turns are alike
        while before < min(length - 1, places[0]) and len({words[k - before - 1] for k in places}) == 1:
            before += 1
        turns = [list(children[k - before : k - before + length]) for k in places]
        alike = {tuple(words[k - before : k - before + length]) for k in places}
        if len(alike) == 1 and len(turns) * length > sum(map(len, best)):
            best = turns
    return best


def _wrapped(graph: Graph, around: Scope, parts: list[list[Scope | Op]], count: int) -> Graph:
    """Each of some stretches in a scope of its own."""
    home: dict[str, str] = {}
    made = [_named(graph, around, around.id, f"steps 1–{count}")]
    for words, part in zip(("step 1", f"steps 2–{count}"), parts, strict=True):
        one = _named(graph, around, made[0].id, words)
        home.update((item.id, one.id) for item in part)
        made.append(one)
    ops = tuple([replace(op, scope=home[op.id]) if op.id in home else op for op in graph.ops])
    scopes: list[Scope] = []
    for scope in graph.scopes:
        scopes.append(replace(scope, parent=home[scope.id]) if scope.id in home else scope)
        if scope.id == around.id:
            scopes += made
    bare = replace(graph, ops=ops, scopes=tuple(scopes))
    ports = {one.id: _ports(bare, one) for one in made}
    full = tuple([replace(s, inputs=ports[s.id][0], outputs=ports[s.id][1]) if s.id in ports else s for s in scopes])
    whole, first, rest = made
    inside = _within(bare, rest)
    operations = sum(op.scope in inside for op in ops) // (count - 1)
    said = f"{count} steps of {operations} operations, each with the same modules"
    notes = [Note(whole.id, SAID, said), Note(whole.id, "label", f"{count} steps")]
    notes += [Note(one.id, "label", words) for one, words in ((first, f"step 1 of {count}"), (rest, f"steps 2–{count}, alike"))]
    stored = {value.id for value in graph.values if value.kind == "parameter"}
    if any(read in stored for item in parts[0] for read in _reads(graph, item)):
        notes.append(Note(rest.id, "params.shared_with", first.id))
    return replace(bare, scopes=full, notes=(*graph.notes, *notes))


def _named(graph: Graph, around: Scope, parent: str, words: str) -> Scope:
    """A new scope for a part of another."""
    id = f"{around.id}/{words}"
    while id in graph.scope_by_id or id in graph.op_by_id:
        id += "~"
    return Scope(id, "module", parent, "Steps", f"{around.path}.{words}" if around.path else words)


def loops_said(graph: Graph) -> list[str]:
    """What a figure says of each loop that was shortened."""
    return [str(note.value) for note in graph.notes if note.key == SAID]


def _within(graph: Graph, scope: Scope) -> set[str]:
    """A scope and all in it."""
    inside = {scope.id}
    for one in graph.scopes:
        if one.parent in inside:
            inside.add(one.id)
    return inside


def _ports(graph: Graph, scope: Scope) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a scope reads that is computed outside, and what it makes that is read outside."""
    inside = _within(graph, scope)
    made = {out for op in graph.ops if op.scope in inside for out in op.outputs}
    values = graph.value_by_id
    reads = dict.fromkeys(r for op in graph.ops if op.scope in inside for r in op.reads)
    left = {r for op in graph.ops if op.scope not in inside for r in op.reads} | {port.value for port in graph.outputs}
    entering = tuple(r for r in reads if r not in made and values[r].kind not in ("parameter", "buffer", "constant"))
    return entering, tuple(out for op in graph.ops if op.scope in inside for out in op.outputs if out in left)


def _reads(graph: Graph, item: Scope | Op) -> set[str]:
    """Every value that is read in something."""
    if isinstance(item, Op):
        return set(item.reads)
    return {read for child in graph.children[item.id] for read in _reads(graph, child)}
