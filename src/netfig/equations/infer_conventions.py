"""How people name things: what settles scalar, vector or matrix where the operations leave it open."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netfig.equations.functions import rule
from netfig.equations.infer_rules import KINDS, Contradiction, Rule, is_capital, is_greek, is_number, readers_of, strike
from netfig.equations.infer_tree import ANY, KIND_WORDS, MATRIX, ROW, SCALAR, VECTOR, Node, Resolved, Term, Thing

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netfig.equations.infer_problems import Problems


class Conventions:
    """Settles by convention what the operations leave open."""

    def __init__(self, resolved: Resolved, rules: list[Rule], source: str) -> None:
        self.resolved, self.rules = resolved, rules
        self.readers = readers_of(rules)
        self.uses = _uses(resolved, source)
        self.multiplied = {thing for thing in map(_multiplied, rules) if thing is not None}
        self.state: dict[Term, int] = {}

    def settle(self, state: dict[Term, int], problems: Problems) -> None:
        """Take the conventions in order."""
        self.state = state
        for one in self.rules:
            for term in one.terms:
                self.state.setdefault(term, ANY)
        scalars = self._all_scalar()
        for stage in (self._inputs, self._transposed, self._recurrent, self._weights, self._members, self._states, self._rest):
            for thing, wishes in stage():
                if thing.term in scalars:
                    wishes = (SCALAR, *wishes)
                self._wish(thing.term, wishes)
                if self.state[thing.term] != VECTOR and thing in self.multiplied:
                    self._report_not_a_vector(thing, problems)
        for term in list(self.state):
            self._wish(term, (VECTOR, SCALAR, MATRIX, ROW))
        for thing in self.resolved.things.values():
            self.state.setdefault(thing.term, SCALAR)
        if not problems.found:
            self._report_open(problems)

    def _report_open(self, problems: Problems) -> None:
        """What can be none of the kinds left to it: its uses fit together two by two, not all of them. The first one is said."""
        open_terms = {term for term, kinds in self.state.items() if kinds not in KINDS}
        spans = [(thing.name, thing.reads[0].span, thing.term) for thing in self.resolved.things.values() if thing.reads]
        spans += [(problems.text(one.node.span), one.node.span, term) for one in self.rules for term in one.terms]
        for name, span, term in spans:
            if term in open_terms:
                said = " or ".join(words for kind, words in KIND_WORDS.items() if self.state[term] & kind)
                why = f"each use by itself lets it be {said}, but neither fits all of them"
                problems.add(span, f"{name} has no shape that fits all that is done with it", "declare it, such as x[t] : n", why)
                return

    def _wish(self, term: Term, wishes: tuple[int, ...]) -> None:
        kinds = self.state.get(term, ANY)
        if kinds in KINDS:
            return
        for wish in (*wishes, *KINDS):
            if not kinds & wish:
                continue
            trial = dict(self.state)
            trial[term] = wish
            try:
                strike(trial, self.readers.get(term, ()), self.readers)
            except Contradiction:
                continue
            self.state = trial
            return

    def _report_not_a_vector(self, thing: Thing, problems: Problems) -> None:
        """``W x[t]`` asks for a vector x, and something else does not let it be one: mostly a product that should have been ⊙."""
        for one in self.rules:
            node = one.node
            if node.op == "product" and all(_is_vector_like(part) for part in node.parts):
                words = [problems.text(part.span) for part in node.parts]
                hint = "write ⊙ (or *) for the product element by element, or aᵀ b (a^T b) for the inner product"
                problems.add(node.span, f"{words[0]} and {words[1]} are vectors and cannot be multiplied as matrices", hint)
                return
        why = "read as a vector it fits nothing else"
        dots = ", ".join(self.resolved.axes[axis].letter for axis in thing.axes[: thing.brackets])
        hint = f"if it is a matrix, say so: {thing.name}{f'[{dots}]' if dots else ''} : m×n"
        problems.add(thing.reads[0].span, f"{thing.name} is multiplied by a matrix and cannot be a vector here", hint, why)

    def _open(self) -> list[Thing]:
        return [t for t in self.resolved.things.values() if self.state.get(t.term, ANY) not in KINDS]

    def _inputs(self) -> Iterator[tuple[Thing, tuple[int, ...]]]:
        for thing in self._open():
            if thing.role == "input" and not is_capital(thing):
                yield thing, (VECTOR,)

    def _transposed(self) -> Iterator[tuple[Thing, tuple[int, ...]]]:
        """``vᵀ`` of a small parameter makes a row of it."""
        for thing in self._open():
            if thing.role == "parameter" and not is_capital(thing) and "transpose" in self.uses.get(thing, ()):
                yield thing, (VECTOR, SCALAR)

    def _recurrent(self) -> Iterator[tuple[Thing, tuple[int, ...]]]:
        """A small state that is read at another step is a vector."""
        for thing in self._open():
            if thing.role == "computed" and not is_capital(thing) and any(node.offset or node.at for node in thing.reads):
                yield thing, (VECTOR,)

    def _weights(self) -> Iterator[tuple[Thing, tuple[int, ...]]]:
        """Capitals are matrices; one that multiplies a number waits until the states are known (``B u[t]`` with a scalar u)."""
        for thing in self._open():
            if thing.role == "parameter" and is_capital(thing):
                scaled = any(
                    one.node.op == "product" and thing.term is one.terms[0] and self.state.get(one.terms[1], ANY) == SCALAR
                    for one in self.readers.get(thing.term, ())
                )
                if not scaled:
                    yield thing, (MATRIX, VECTOR)

    def _members(self) -> Iterator[tuple[Thing, tuple[int, ...]]]:
        """Small parameters: a Greek one is a number unless ⊙ is written beside it; what is no factor is a vector."""
        for thing in self._open():
            uses = self.uses.get(thing, {})
            if thing.role != "parameter" or is_capital(thing):
                continue
            if is_greek(thing) and not thing.axes and "⊙" not in uses:
                yield thing, (SCALAR, VECTOR)
            elif not {"factor", "divisor"} & set(uses):
                yield thing, (VECTOR, SCALAR)

    def _states(self) -> Iterator[tuple[Thing, tuple[int, ...]]]:
        states = [t for t in self._open() if t.role in ("computed", "input") and t.brackets]
        for thing in sorted(states, key=is_capital):
            if self.state.get(thing.term, ANY) not in KINDS:
                yield thing, (MATRIX, VECTOR) if is_capital(thing) else (VECTOR,)

    def _rest(self) -> Iterator[tuple[Thing, tuple[int, ...]]]:
        for thing in self._open():
            if thing.role == "parameter":
                yield thing, (MATRIX, VECTOR) if is_capital(thing) else (SCALAR, VECTOR, MATRIX)
            else:
                yield thing, (VECTOR, SCALAR, MATRIX)

    def _all_scalar(self) -> set[Term]:
        """Terms of parts of the program where plain numbers are the only reading a student can mean.

        Such a part multiplies lower-case names by writing them side by side (``w h[t-1] + u x[t]``), and nothing in it is a
        matrix, a list, a transpose or an element-by-element product, which would ask for vectors.
        """
        leader: dict[Term, Term] = {}

        def find(term: Term) -> Term:
            while (above := leader.get(term, term)) is not term:
                leader[term] = leader.get(above, above)  # halve the way for the next one
                term = above
            return term

        for one in self.rules:
            for term in one.terms[1:]:
                leader[find(term)] = find(one.terms[0])
        vectors: set[Term] = set()
        products: set[Term] = set()
        for one in self.rules:
            if one.node.op == "product" and not any(map(is_number, one.node.parts)):
                products.add(find(one.terms[0]))
            if one.node.op in ("mul", "transpose", "cat", "stack", "select"):
                vectors.update(map(find, one.terms))
        for term, kinds in self.state.items():
            if not kinds & SCALAR:
                vectors.add(find(term))
        for thing in self.resolved.things.values():
            if is_capital(thing) and thing.term.kinds != SCALAR:
                vectors.add(find(thing.term))
        return {term for term in self.state if find(term) in products and find(term) not in vectors}


def _multiplied(one: Rule) -> Thing | None:
    """The small input in ``W x[t]``."""
    if one.node.op != "product":
        return None
    left, right = (part.thing if part.op == "read" else None for part in one.node.parts)
    if left is None or right is None or left.role != "parameter" or not is_capital(left):
        return None
    return right if right.role == "input" and not is_capital(right) else None


def _is_vector_like(node: Node) -> bool:
    thing = node.thing
    return node.op == "read" and thing is not None and bool(thing.brackets) and not is_capital(thing)


def _uses(resolved: Resolved, source: str) -> dict[Thing, dict[str, None]]:
    """How each small parameter is used: ``transpose``, ``factor`` of a product, ``divisor``, ``⊙`` where that sign is written."""
    found: dict[Thing, dict[str, None]] = {}
    bodies = [d.body for d in resolved.definitions]
    bodies += [b.body for thing in resolved.things.values() for b in thing.boundaries]
    stack: list[tuple[Node, str]] = [(body, "") for body in bodies]
    fixed = [d for d in resolved.definitions if not d.thing.axes]  # λ = exp(-ν) is used as λ is
    while stack or fixed:
        if not stack:
            definition = fixed.pop()
            stack += [(definition.body, use) for use in found.get(definition.thing, ())]
            continue
        node, use = stack.pop()
        if node.op == "read" and node.thing is not None:
            found.setdefault(node.thing, {})[use] = None
            continue
        for position, part in enumerate(node.parts):
            own = ""
            if (
                (node.op in ("neg", "call") and len(node.parts) == 1 and rule(node.name, 1) == "same")
                or node.op == "neg"
                or (node.op in ("add", "sub") and is_number(node.parts[1 - position]))
            ):
                own = use
            elif node.op == "mul":
                between = source[node.parts[0].span.end : node.parts[1].span.start]
                own = "*" if "*" in between and ".*" not in between else "⊙"
            elif node.op in ("product", "sign"):
                own = "factor"
            elif (node.op in ("div", "pow")) and position == 1:
                own = "divisor"
            elif node.op == "transpose":
                own = "transpose"
            stack.append((part, own))
    return found
