"""What each operation allows: which of its operands may be scalars, vectors, rows or matrices, and what it makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from netfig.equations.functions import rule
from netfig.equations.infer_tree import ANY, MATRIX, ROW, SCALAR, VECTOR, Node, Resolved, Term, Thing
from netfig.equations.names import GREEK, split
from netfig.records import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Table = tuple[tuple[int, ...], ...]
KINDS: Final = (SCALAR, VECTOR, ROW, MATRIX)
_SAME: Final[Table] = tuple((k, k) for k in KINDS)
_SAME3: Final[Table] = tuple((k, k, k) for k in KINDS)
_LEFT: Final[Table] = tuple((SCALAR, k, k) for k in KINDS[1:])
_RIGHT: Final[Table] = tuple((k, SCALAR, k) for k in KINDS[1:])
_MATMUL: Final[Table] = (
    (MATRIX, VECTOR, VECTOR),
    (MATRIX, MATRIX, MATRIX),
    (ROW, VECTOR, SCALAR),
    (ROW, MATRIX, ROW),
    (VECTOR, ROW, MATRIX),
)
_PRODUCT: Final[Table] = ((SCALAR, SCALAR, SCALAR), *_LEFT, *_RIGHT, *_MATMUL)
_BY_RULE: Final[dict[str, Table]] = {
    "same": _SAME,
    "list": _SAME[1:],
    "number": tuple((k, SCALAR) for k in KINDS),
    "two": (*_SAME3, *_LEFT, *_RIGHT),
    "outer": ((VECTOR, VECTOR, MATRIX),),
    "dot": ((VECTOR, VECTOR, SCALAR),),
    "matrix": ((VECTOR, MATRIX),),
    "inverse": ((MATRIX, MATRIX), (SCALAR, SCALAR)),
    "matmul": _MATMUL,
}
_TABLES: Final[dict[str, Table]] = {
    "product": _PRODUCT,
    "sign": (*_PRODUCT, (VECTOR, VECTOR, SCALAR)),
    "mul": (*_SAME3, *_LEFT, *_RIGHT),
    "div": (*_SAME3, *_RIGHT),
    "pow": (*_SAME3, *_RIGHT),
    "neg": _SAME,
    "inverse": ((MATRIX, MATRIX), (SCALAR, SCALAR)),
    "transpose": ((SCALAR, SCALAR), (VECTOR, ROW), (ROW, VECTOR), (MATRIX, MATRIX)),
    "select": ((VECTOR, SCALAR), (MATRIX, VECTOR)),
}
_LIST: Final[Table] = ((SCALAR, VECTOR), (VECTOR, MATRIX))
_JOIN: Final[Table] = ((SCALAR, VECTOR), (VECTOR, VECTOR))
DEEPEST: Final = 50
"""How deep an expression may be that reads as a number."""
Readers = dict["Term", list["Rule"]]


@dataclass(slots=True, eq=False)
class Rule:
    """An operation's combinations that are still possible, the last column being what it makes."""

    terms: tuple[Term, ...]
    rows: Table
    node: Node


class Contradiction(Exception):
    """No combination of kinds is left for an operation."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule


def nodes_of(node: Node) -> Iterator[Node]:
    """A tree from the leaves up, left to right."""
    stack = [node]
    found = []
    while stack:
        one = stack.pop()
        found.append(one)
        stack.extend(one.parts)
    return reversed(found)


def rules_of(resolved: Resolved) -> list[Rule]:
    """A rule for each operation of a program, and one for each equation."""
    rules: list[Rule] = []
    for definition in resolved.definitions:
        rules += _tree_rules(definition.body)
        rules.append(Rule((definition.body.term, definition.thing.term), _SAME, definition.body))
    for thing in resolved.things.values():
        for boundary in thing.boundaries:
            rules += _tree_rules(boundary.body)
            pairs = (*_SAME, *((SCALAR, k) for k in KINDS[1:])) if is_number(boundary.body) else _SAME
            rules.append(Rule((boundary.body.term, thing.term), pairs, boundary.body))
    return rules


def _tree_rules(body: Node) -> Iterator[Rule]:
    for node in nodes_of(body):
        out = node.term
        match node.op:
            case "number" | "size" | "index":
                out.kinds = SCALAR
                yield Rule((out,), ((SCALAR,),), node)
            case "read":
                assert node.thing is not None
                node.term = node.thing.term
            case "stack":
                yield from (Rule((part.term, out), _LIST, node) for part in node.parts)
            case "reduce":
                yield from (Rule((part.term, out), _SAME, node) for part in node.parts)
            case "cat":
                yield Rule((out,), ((VECTOR,),), node)
                yield from (Rule((part.term, out), _JOIN, node) for part in node.parts)
            case "call":
                how = rule(node.name, len(node.parts))
                if how in _BY_RULE and len(node.parts) == len(_BY_RULE[how][0]) - 1:
                    yield Rule((*(p.term for p in node.parts), out), _BY_RULE[how], node)
            case "add" | "sub":
                left, right = node.parts
                rows = _SAME3
                rows += _LEFT if is_number(left) else ()
                rows += _RIGHT if is_number(right) else ()
                yield Rule((left.term, right.term, out), rows, node)
            case "div":
                rows = _TABLES["div"] + (_LEFT if is_number(node.parts[0]) else ())
                yield Rule((*(p.term for p in node.parts), out), rows, node)
            case _:
                yield Rule((*(p.term for p in node.parts), out), _TABLES[node.op], node)


def is_number(node: Node, depth: int = 0) -> bool:
    """Whether it reads as a number wherever it stands: made of literals, sizes, indices and Greek parameters."""
    if node.op in ("number", "size", "index"):
        return True
    if node.op == "read":
        thing = node.thing
        assert thing is not None
        if thing.definition is not None:
            return not thing.axes and depth < DEEPEST and is_number(thing.definition.body, depth + 1)
        return thing.role == "parameter" and (thing.term.kinds == SCALAR or is_greek(thing))
    if node.op not in ("neg", "pow", "mul", "div", "add", "sub", "product", "call") or depth > DEEPEST:
        return False
    return all(is_number(part, depth + 1) for part in node.parts)


def is_greek(thing: Thing) -> bool:
    """Whether its letter is a small Greek one, or a Δ."""
    base = split(thing.name)[0]
    return (base in GREEK and base[0].islower()) or base.startswith("Delta")


def is_capital(thing: Thing) -> bool:
    """Whether it is written with a capital, as matrices are."""
    return thing.name[0].isupper() and not thing.name.startswith("Delta")


def readers_of(rules: Iterable[Rule]) -> Readers:
    """The rules about each term."""
    found: Readers = {}
    for one in rules:
        for term in one.terms:
            found.setdefault(term, []).append(one)
    return found


def strike(state: dict[Term, int], changed: Iterable[Rule], readers: Readers) -> None:
    """Strike out what cannot be, starting from the rules in `changed`, until nothing changes."""
    queue = list(changed)
    while queue:
        one = queue.pop()
        masks = [state.get(term, ANY) for term in one.terms]
        left = [0] * len(masks)
        for row in one.rows:
            for mask, kind in zip(masks, row, strict=True):
                if not mask & kind:
                    break
            else:
                for position, kind in enumerate(row):
                    left[position] |= kind
        if not left[0]:
            raise Contradiction(one)
        for term, before, after in zip(one.terms, masks, left, strict=True):
            after &= state.get(term, ANY)
            if not after:
                raise Contradiction(one)
            if after != before:
                state[term] = after
                queue += [other for other in readers.get(term, ()) if other is not one]
