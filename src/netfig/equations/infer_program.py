"""What every name of a program is and its shape, inferred from the equations; all mistakes at once."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.equations.infer_affine import is_plain, minus, name
from netfig.equations.infer_dims import Sizes, declarations
from netfig.equations.infer_kinds import infer_kinds
from netfig.equations.infer_names import Names
from netfig.equations.infer_order import check_order, edges_of, least_index
from netfig.equations.infer_problems import Problems
from netfig.equations.infer_tree import MATRIX, Definition, Node, Resolved, Role, Thing
from netfig.equations.names import split
from netfig.equations.types import Declaration, Program, SizeValue
from netfig.errors import UsageError, did_you_mean
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from netfig.graph.types import Dim

FARTHEST = 1_000
"""Steps outside its range at which a name may be read."""
LAYER = "l"
"""The letter that stands for a layer."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """What one name is: an ``input``, a ``parameter``, ``computed``, or a ``constant``; its axes and shape."""

    id: str
    role: Role
    axes: tuple[str, ...]
    shape: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Inferred:
    """Everything known about a program. `order` are its definitions so that each comes after what it needs in the same step."""

    resolved: Resolved
    order: tuple[Definition, ...]
    sizes: Sizes

    @property
    def symbols(self) -> dict[str, Symbol]:
        """The names by id, in the order of first mention."""
        return {
            thing.id: Symbol(thing.id, thing.role, thing.axes, self.sizes.dims(thing.term))
            for thing in self.resolved.things.values()
        }


def infer(program: Program, sizes: Mapping[str, int] | None = None) -> Inferred:
    """What every name is, its axes and its shape. `sizes` are numbers for sizes, the program's own or those found here (``n_x``).

    Raises:
        UsageError: a name in `sizes` is no size.
        InvalidProgram: shapes contradict each other, an index or a boundary value is missing, an equation stands twice, a step
            needs itself or its own future; all of it is listed.
    """
    problems = Problems(program)
    if all(isinstance(s, SizeValue) for s in program.statements):
        problems.add(program.statements[0].span, "there is no equation", "such as h[t] = tanh(W x[t] + U h[t-1])")
        problems.raise_any()
    names = Names(program, problems, sizes or {})
    resolved = names.resolve()
    _name_axes(names, resolved)
    _check_ranges(resolved, problems)
    _check_boundaries(resolved, problems)
    if not problems.found:
        _check_near_misses(resolved, problems)
    declared = declarations(resolved, _declared(names, problems), problems)
    infer_kinds(resolved, problems)
    found = Sizes(resolved, problems)
    if not problems.found:
        found.infer(declared)
    order = check_order(resolved, problems)
    problems.raise_any()
    found.name_all(_by_niceness(resolved))
    _check_lengths(resolved, found.positive_names(), problems)
    problems.raise_any()
    _give_numbers(resolved, found, sizes or {})
    return Inferred(resolved, tuple(order), found)


def _give_numbers(resolved: Resolved, found: Sizes, given: Mapping[str, int]) -> None:
    """Numbers from outside: for a size by its name, or for the one size of an input by the input's."""
    names = found.size_names()
    ends = {axis.end for axis in resolved.axes.values() if axis.last is None}
    for word, number in given.items():
        thing = resolved.things.get(word)
        if number < 1 and (word not in resolved.sizes or word in found.positive_names() or word in ends):
            raise UsageError(f"the size {word} is at least 1, not {number}")
        if word in names or word in resolved.sizes:
            resolved.sizes[word] = number
            continue
        shape = found.dims(thing.term) if thing is not None and thing.role == "input" else ()
        if len(shape) != 1 or shape[0].name not in names:
            raise UsageError(f"the equations have no size {word!r}", hint=did_you_mean(word, {*names, *resolved.sizes}))
        resolved.sizes[shape[0].name] = number


def _declared(names: Names, problems: Problems) -> Iterator[tuple[Thing, Declaration]]:
    """Declarations with the things they are about; one of a family is about all its pieces."""
    found_in = [s for s in names.program.statements if isinstance(s, Declaration)]
    own = {(s.symbol.name, s.symbol.family[0].number) for s in found_in if len(s.symbol.family) == 1}
    for statement in found_in:
        symbol = statement.symbol
        index = is_plain(symbol.family[0]) if len(symbol.family) == 1 else None
        if index is not None and index not in names.variables and f"{symbol.name}_{index}" in names.things:
            symbol = replace(symbol, name=f"{symbol.name}_{index}", family=())
        found = [t for t in names.things.values() if t.name == symbol.name and bool(symbol.family) == _is_member(t)]
        if len(symbol.family) == 1 and (number := symbol.family[0].number) is not None:
            found = [t for t in found if t.piece == number] or found
        elif symbol.family:  # q_i is about every member but those that have a line of their own
            found = [t for t in found if t.piece is None or (t.name, t.piece) not in own]
        if not found:
            known = {t.name for t in names.things.values()}
            hint = did_you_mean(symbol.name, known)
            problems.add(statement.span, f"{symbol.name} has a size and stands in no equation", hint)
        for thing in found:
            yield thing, statement


def _is_member(thing: Thing) -> bool:
    return thing.piece is not None or len(thing.axes) > thing.brackets


def _name_axes(names: Names, resolved: Resolved) -> None:
    """The words of the axes (time, layer), and a name for where an axis ends that nothing says."""
    recurring = {axis for thing in resolved.things.values() for read in thing.reads for axis, _ in read.offset}
    for axis in resolved.axes.values():
        axis.word = "time" if axis.letter == "t" else "layer" if axis.letter == LAYER else axis.letter
        if axis.word == axis.letter and axis.id in recurring:
            axis.word = "time"
        if axis.last is None:
            axis.end = names.end_name(axis)
            resolved.sizes.setdefault(axis.end, None)


def _check_ranges(resolved: Resolved, problems: Problems) -> None:
    """No range may have fewer than no elements."""
    known = {word: number for word, number in resolved.sizes.items() if number is not None}
    for axis in resolved.axes.values():
        if axis.last is None:
            continue
        ends = {}
        for other in resolved.axes.values():  # at the first index of each axis it depends on
            first = other.first.at(known).number
            if other.id != axis.id and first is not None:
                ends[other.id] = first
        first, last = axis.first.at(known).at(ends).number, axis.last.at(known).at(ends).number
        if first is not None and last is not None and last < first - 1:
            outer = [word for word, _ in (*axis.first.terms, *axis.last.terms) if word in ends]
            where = f" at {outer[0]} = {ends[outer[0]]}" if outer else ""
            span = next((r.span for r in resolved.ranges if r.variable == axis.letter), None)
            text = f"the range {axis.letter} = {axis.first}..{axis.last} ends before it begins{where}"
            if span is not None:
                problems.add(span, text, "the greater number stands last")


def _check_lengths(resolved: Resolved, shapes: set[str], problems: Problems) -> None:
    """Vectors have at least one number, and an axis that ends where nothing else says has at least one step."""
    least = shapes | {axis.end for axis in resolved.axes.values() if axis.last is None}
    for statement in resolved.program.statements:
        if isinstance(statement, SizeValue) and statement.name in least and statement.value < 1:
            problems.add(statement.span, f"{statement.name} is at least 1, not {statement.value}")


def _check_boundaries(resolved: Resolved, problems: Problems) -> None:
    """What is read one layer below the first must be given: no layer starts from nothing."""
    for thing in resolved.things.values():
        for node in thing.reads:
            for axis in thing.axes:
                _check_reach(resolved, problems, thing, node, axis)
            for axis, distance in node.offset:
                if resolved.axes[axis].word != "layer" or distance > 0:
                    continue
                least, _ = least_index(resolved, thing, axis, node)
                if least is not None and not any(b.axis == axis and b.index == least for b in thing.boundaries):
                    letters = [str(least) if a == axis else resolved.axes[a].letter for a in thing.axes[: thing.brackets]]
                    text = f"{thing.name}[{', '.join(letters)}] is read and never given"
                    problems.add(node.span, text, f"add a line such as {thing.name}[{', '.join(letters)}] = x[t]")


def _check_reach(resolved: Resolved, problems: Problems, thing: Thing, node: Node, axis: str) -> None:
    """How far outside its range a name is read: each place there gets a value of its own."""
    if axis not in dict(node.offset) and axis not in dict(node.at):
        return
    known = {word: number for word, number in resolved.sizes.items() if number is not None}
    least, greatest = least_index(resolved, thing, axis, node)
    span = resolved.axes[axis]
    last = span.last if span.last is not None else name(span.end)
    before = None if least is None else minus(span.first, least).at(known).number
    after = None if greatest is None else minus(greatest, last).at(known).number
    for steps, word in ((before, "before"), (after, "after")):
        if steps is not None and steps > FARTHEST:
            problems.add(node.span, f"{thing.name} is read {steps:,} steps {word} its range; at most {FARTHEST:,} can be")


def _check_near_misses(resolved: Resolved, problems: Problems) -> None:
    """A name that nothing defines and that one letter tells from one that is defined is a slip of the hand."""
    defined = {t.name: t for t in resolved.things.values() if t.definition is not None}
    by_letter: dict[str, list[str]] = {}
    for known in defined:
        if len(known) > 2:
            by_letter.setdefault(known[0], []).append(known)
    for thing in resolved.things.values():
        if thing.definition is not None or thing.boundaries or not thing.reads:
            continue
        near = next((known for known in by_letter.get(thing.name[0], ()) if _is_slip(thing.name, known)), None)
        if near is None and thing.brackets and all(n.offset for n in thing.reads) and thing.name.swapcase() in defined:
            near = thing.name.swapcase()
        if near is not None and defined[near].brackets == thing.brackets:
            problems.add(thing.span, f"nothing defines {thing.name}", f"did you mean {near}?")


def _is_slip(word: str, known: str) -> bool:
    """Whether one letter is left out, added or exchanged with the next (``hiden``, ``h_tidle``), in four letters or more."""
    if len(word) < 4 or word == known or abs(len(word) - len(known)) > 1 or word[0] != known[0]:
        return False
    if len(word) == len(known):
        wrong = [i for i, (a, b) in enumerate(zip(word, known, strict=True)) if a != b]
        return len(wrong) == 2 and wrong[1] == wrong[0] + 1 and sorted(word[wrong[0] :][:2]) == sorted(known[wrong[0] :][:2])
    long, short = (word, known) if len(word) > len(known) else (known, word)
    return any(long[:i] + long[i + 1 :] == short and long[i] not in "_0123456789" for i in range(len(long)))


def _by_niceness(resolved: Resolved) -> Iterable[Thing]:
    """Things in the order in which they may name a size: inputs, states (``h`` first), other vectors, matrices, parameters."""
    recurring = {edge.read for edge in edges_of(resolved) if not edge.is_now}
    order = {thing.id: position for position, thing in enumerate(resolved.things.values())}

    def rank(thing: Thing) -> tuple[int, int, bool, int, int]:
        role = 0 if thing.role == "input" else 1 if thing.id in recurring else 2
        if thing.role in ("parameter", "constant"):
            role = 4
        elif thing.term.kinds == MATRIX:
            role = 3
        marks = len(split(thing.name)[1])
        return role, marks, thing.name != "h", len(thing.name), order[thing.id]

    return sorted(resolved.things.values(), key=rank)
