"""The pass ``attention``: every attention of a traced graph becomes the canonical block, whatever the model wrote.

What is found is a softmax of products of queries and keys that weighs values. From there tensors are followed back, element by
element, through views, rotations, norms and projections to what they are made of, and on to the output projection; nothing is
matched by the names of classes. See `netfig.graph.attention` for what the block is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Final

from netfig.errors import InvalidGraph, InvalidInput
from netfig.graph import Graph, Note
from netfig.passes.attention_arrange import Arrange
from netfig.passes.attention_fast import taken_apart
from netfig.passes.attention_find import Finder, Match, Refused
from netfig.passes.attention_plan import Planner
from netfig.passes.attention_splice import Block, Splice
from netfig.passes.recognise_atoms import Unclear

REFUSED: Final = "attention.refused"
"""Key of the note, on a softmax, that says why it was not made the softmax of a block."""


def normalise(graph: Graph, options: object = None) -> Graph:
    """The graph with each attention as one block; everything else stays, under the same ids.

    What is like attention but does something that no block does stays, too, with a note that says why.
    """
    names = _Names(graph)
    apart = taken_apart(graph, names)
    made = _normalised(apart, names)
    before = {op.id for op in graph.ops}
    if apart is not graph and any(note.key == REFUSED and note.subject not in before for note in made.notes):
        return _normalised(graph, names)
    return made


def _normalised(graph: Graph, names: _Names) -> Graph:
    finder = Finder(graph)
    blocks: list[Block] = []
    notes: list[Note] = []
    for found in finder.every():
        if isinstance(found, Match):
            try:
                blocks.append(_planned(graph, finder, found, names))
                continue
            except (Unclear, InvalidInput) as error:
                found = Refused(found.start, str(error))
        notes.append(Note(found.op.id, REFUSED, found.why, author="netfig"))
    known = {(note.subject, note.key) for note in graph.notes}
    notes = [note for note in notes if (note.subject, note.key) not in known]
    if not blocks:
        return replace(graph, notes=(*graph.notes, *notes)) if notes else graph
    try:
        made = Splice(graph, blocks).graph_with_blocks()
    except InvalidGraph as error:  # a tensor is overwritten in between
        why = f"the blocks cannot stand where they would have to: {error}"
        return replace(graph, notes=(*graph.notes, Note("", REFUSED, why, author="netfig")))
    there = {op.id for op in made.ops}
    return replace(made, notes=(*made.notes, *(note for note in notes if note.subject in there))) if notes else made


def _planned(graph: Graph, finder: Finder, found: Match, names: Callable[[str], str]) -> Block:
    parent = _scope(graph, found)
    root = graph.root.id
    prefix = "" if parent == root else f"{parent}/"
    axes = graph.plates_around.get(parent, ())
    arrange = Arrange(finder.reader, parent, prefix, names, axes)
    scope = graph.scope_by_id[parent]
    stop = frozenset(scope.inputs) if scope.kind in ("module", "root") else frozenset()
    plan = Planner(finder, found, arrange, stop).plan()
    return Block(names(f"{prefix}attention"), parent, found, plan, arrange)


def _scope(graph: Graph, found: Match) -> str:
    """The innermost module that all of an attention is in."""
    paths = []
    for op in found.core:
        path: list[str] = []
        here: str | None = op.scope
        while here is not None:
            path.insert(0, here)
            here = graph.scope_by_id[here].parent
        paths.append(path)
    common: list[str] = [level[0] for level in zip(*paths, strict=False) if len(set(level)) == 1]
    while graph.scope_by_id[common[-1]].kind == "function":
        common.pop()
    return common[-1]


class _Names:
    """Ids that no op and no scope has."""

    def __init__(self, graph: Graph) -> None:
        self.used = {op.id for op in graph.ops} | {s.id for s in graph.scopes}
        self.values = {v.id for v in graph.values}

    def __call__(self, wanted: str) -> str:
        found, count = wanted, 0
        while found in self.used or f"{found}.out" in self.values:
            count += 1
            found = f"{wanted}@{count}"
        self.used.add(found)
        return found
