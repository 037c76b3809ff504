"""What happens inside one step, folded to what a textbook shows.

The ops of the step become *steps*, one box each: a product with a weight is the weight's chip, a bias goes into the sum it is
added to, a chain of additions is one sum, ``1 − c`` is one sign, and with `words` an affine map and its function are one gate.
Nothing is lost: every op is in the `ops` of exactly one step, and every read of a step is a read of one of its ops.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field, replace

from netfig.graph import Affine, Graph, Op, Ref, Scope
from netfig.records import dataclass

STORED = ("parameter", "constant", "buffer")
MADE = frozenset(("chip", "bias", "minus", "shift", "factor", "quotient"))
SUM_SIZE = 3  # a sum sign takes so many summands, the way out is its fourth side
SIGNS = {"add": "+", "sub": "+", "mul": "⊙", "div": "÷", "dot": "•", "outer": "⊗", "scale": "×"}
SLOT_SIGNS = {"sub": "−", "div": "÷"}
NO_GATES = frozenset(
    (
        "add",
        "sub",
        "mul",
        "div",
        "neg",
        "pow",
        "scale",
        "dot",
        "outer",
        "matmul",
        "transpose",
        "cat",
        "stack",
        "select",
        "sum",
        "prod",
    )
)
"""Ops that are no function of one tensor: what else there is may stand in one box with the affine map before it."""


@dataclass(frozen=True, slots=True)
class Feed:
    """A value that flows into a step: of another step of this time (`index` empty), or from outside."""

    value: str
    index: tuple[tuple[str, Affine], ...] = ()  # by axis, where it differs from the step's own
    sign: str = ""  # ``−`` where it is subtracted, ``÷`` where it divides
    slot: str = ""
    part: bool = False  # one component of it

    @property
    def key(self) -> tuple[str, tuple[tuple[str, Affine], ...]]:
        """What flows, whoever reads it."""
        return self.value, self.index


@dataclass(frozen=True, slots=True)
class Step:
    """A box of the cell. `kind` is the op's, ``chip`` for a product with a weight, ``gate`` for an affine map and its function,
    ``merge`` where values become a bus, ``minus`` for ``1 − c`` (`weights` holds the constant). `makes` is what it hands on."""

    id: str
    kind: str
    feeds: tuple[Feed, ...]
    makes: str
    ops: tuple[str, ...]
    weights: tuple[str, ...] = ()
    biases: tuple[str, ...] = ()  # added on the way, and named in the equations only
    repeated: tuple[str, ...] = ()  # axes of families it is repeated over


@dataclass
class Folded:
    """The steps in order, the states that recur, and where each step's value comes from."""

    graph: Graph
    plate: Scope
    axis: str | None
    steps: list[Step] = field(default_factory=list)
    states: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    untold: tuple[str, ...] = ()  # ops of the step that no figure of it needs: they work on weights alone

    def maker(self) -> dict[str, Step]:
        """The step that makes each value."""
        return {s.makes: s for s in self.steps}


def plate_of(graph: Graph, wanted: str = "") -> Scope:
    """The scope whose inside is drawn: the plate called `wanted`, else that with most ops among those that carry a state."""
    plates = [s for s in graph.scopes if s.kind == "plate"]
    if wanted:
        return next(s for s in plates if wanted in (s.id, s.axis, s.id.removeprefix("over ")))
    inside = {s.id: _inside(graph, s) for s in plates}
    counts = {id: sum(1 for op in graph.ops if op.scope in scopes) for id, scopes in inside.items()}
    carrying = [s for s in plates if _recurrent(graph, inside[s.id], s.axis)]
    inner = [s for s in carrying if not any(o is not s and o.id in inside[s.id] for o in carrying)]
    if not (inner or carrying or plates):
        return graph.root
    return max(inner or carrying or plates, key=lambda s: counts[s.id])


def _inside(graph: Graph, scope: Scope) -> set[str]:
    found = {scope.id}
    for s in graph.scopes:  # parents come before their children
        if s.parent in found:
            found.add(s.id)
    return found


def _recurrent(graph: Graph, scopes: set[str], axis: str | None) -> set[str]:
    """The values made in these scopes that are read there at another index of the axis."""
    made = {v for op in graph.ops if op.scope in scopes for v in op.outputs}
    found: set[str] = set()
    for op in graph.ops:
        if op.scope in scopes:
            for slot in op.inputs:
                found.update(r.value for r in slot.refs if r.value in made and _index(r))
    return found


def _index(ref: Ref) -> tuple[tuple[str, Affine], ...]:
    """Where a reference looks, by axis: only what differs from the reader's own index."""
    moved = [(axis, Affine(((axis, 1),), by)) for axis, by in ref.offset if by]
    return (*moved, *ref.at)


def fold_steps(graph: Graph, plate: Scope, *, words: bool | None, biases: bool) -> Folded:
    """The steps inside a plate. `words`: gates as words (``None``: when there are more than four weights)."""
    return _Folder(graph, plate, biases).run(words)


class _Folder:
    def __init__(self, graph: Graph, plate: Scope, biases: bool) -> None:
        self.graph, self.plate, self.biases = graph, plate, biases
        self.scopes = _inside(graph, plate)
        self.ops = [op for op in graph.ops if op.scope in self.scopes]
        self.made = {v for op in self.ops for v in op.outputs}
        self.stored = self._stored()
        self.steps: dict[str, Step] = {}  # by the value they make
        self.alias: dict[str, str] = {}  # a value that another step's stands for
        self.spread: dict[str, tuple[tuple[Feed, ...], tuple[str, ...]]] = {}  # a value read as what it is put together from
        self.untold: list[str] = []

    def run(self, words: bool | None) -> Folded:
        """See `fold_steps`."""
        for op in self.ops:
            self._add(op)
        self._flatten_sums()
        self._same_lists()
        states = self._states()
        chips = sum(1 for s in self.steps.values() if s.kind == "chip")
        if words or (words is None and chips > 4):
            self._gates(states)
            self._buses(states)
        outputs = self._outputs(states)
        return Folded(self.graph, self.plate, self._time(), self._ordered(), tuple(states), tuple(outputs), tuple(self.untold))

    def _time(self) -> str | None:
        """The axis the state goes along: time where the step is one of time, else the plate's own."""
        around: list[str] = []
        scope: Scope | None = self.plate
        while scope is not None:
            around += [scope.axis] if scope.axis else []
            scope = self.graph.scope_by_id[scope.parent] if scope.parent else None
        named = [a.id for a in self.graph.axes if a.name == "time" and a.id in around]
        return named[0] if named else self.plate.axis

    def _stored(self) -> set[str]:
        """Weights and what is made of weights alone: it does not flow."""
        found = {v.id for v in self.graph.values if v.kind in STORED}
        for op in self.graph.ops:
            if op.inputs and all(r.value in found for slot in op.inputs for r in slot.refs):
                found.update(op.outputs)
        return found - {v.id for v in self.graph.values if v.initial}

    # --- one op -------------------------------------------------------------------------------------------------------------

    def _add(self, op: Op) -> None:
        feeds: list[Feed] = []
        weights, ops = [], [op.id]
        for slot in op.inputs:
            for ref in slot.refs:
                if ref.value in self.stored:
                    weights.append(ref.value)
                elif ref.value in self.spread and not _index(ref):
                    more, through = self.spread[ref.value]
                    feeds += [
                        replace(f, slot=slot.name, part=f.part or self.graph.producer[ref.value].kind == "select") for f in more
                    ]
                    ops = [*through, *ops]
                else:
                    feeds.append(self._feed(ref, slot.name, sign=SLOT_SIGNS.get(op.kind, "") if slot.name == "right" else ""))
        if not feeds:
            self.untold.append(op.id)
            return
        kind, makes = op.kind, op.outputs[0]
        if kind in ("select", "stack") and not self._is_named(makes) and self._may_pass(makes, kind):
            self.spread[makes] = tuple(feeds), tuple(ops)
            return
        repeated = tuple(a for a in self.graph.value_by_id[makes].axes if a != self.plate.axis)
        repeated = tuple(a for a in repeated if a in self._plates_of(op))
        step = Step(op.id, kind, tuple(feeds), makes, tuple(ops), tuple(weights), repeated=repeated)
        if kind in ("matmul", "dot", "outer") and weights and len(feeds) == 1:
            step = replace(step, kind="chip")
        elif kind in ("add", "sub") and weights and len(feeds) == 1:
            bias = all(self.graph.value_by_id[w].kind != "constant" for w in weights)
            if bias and kind == "add":
                if not self.biases and self._absorb(step, feeds[0]):
                    return
                step = replace(step, kind="bias")
            else:
                step = replace(step, kind="minus" if kind == "sub" and op.inputs[0].refs[0].value in self.stored else "shift")
                step = replace(step, feeds=(replace(feeds[0], sign=""),))
        elif kind in ("mul", "scale", "div") and weights and len(feeds) == 1:
            step = replace(step, kind="factor" if kind != "div" else "quotient", feeds=(replace(feeds[0], sign=""),))
        elif kind == "identity" and self._absorb(step, feeds[0]):
            return
        self.steps[makes] = step

    def _may_pass(self, value: str, kind: str) -> bool:
        """Whether what reads a component, or a list, can be shown as reading the whole, or the members."""
        readers = self.graph.readers.get(value, ())
        inside = bool(readers) and all(r.scope in self.scopes for r in readers)
        return inside and (kind == "select" or all(sum(1 for _ in r.reads) == 1 for r in readers))

    def _plates_of(self, op: Op) -> set[str]:
        found, by_id = set(), self.graph.scope_by_id
        scope: str | None = op.scope
        while scope is not None and scope != self.plate.id:
            if by_id[scope].axis:
                found.add(by_id[scope].axis or "")
            scope = by_id[scope].parent
        return found

    def _feed(self, ref: Ref, slot: str, *, sign: str) -> Feed:
        value = ref.value
        index = _index(ref)
        if not index:
            value = self.alias.get(value, value)
        return Feed(value, index, sign, slot)

    def _absorb(self, step: Step, feed: Feed) -> bool:
        """Lets the step that makes a sum's one summand also add the bias: only where nobody else reads the summand."""
        before = self.steps.get(feed.value) if not feed.index else None
        if before is None or len(self._reads(feed.value)) != 1 or self._is_named(feed.value):
            return False
        if step.kind != "identity" and not self._is_affine(before):
            return False
        del self.steps[feed.value]
        self.alias[feed.value] = step.makes
        more = () if step.kind == "identity" else step.weights
        self.steps[step.makes] = replace(before, makes=step.makes, ops=(*before.ops, *step.ops), biases=(*before.biases, *more))
        return True

    def _is_affine(self, step: Step) -> bool:
        """Whether a product with a weight is, or is a summand of, what a step makes: then a constant summand is its bias."""
        inner = [self.steps.get(f.value) for f in step.feeds if not f.index]
        chips = any(s is not None and (s.kind == "chip" or (s.kind in ("add", "sub") and self._is_affine(s))) for s in inner)
        return step.kind == "chip" or (step.kind in ("add", "sub", "sum") and chips)

    def _reads(self, value: str) -> list[str]:
        """The ops of the graph that read a value, one entry a read."""
        return [op.id for op in self.graph.readers.get(value, ()) for read in op.reads if read == value]

    def _is_named(self, value: str) -> bool:
        """Whether an equation of its own defines it, or it leaves the step."""
        return "/" not in value or any(p.value == value for p in self.graph.outputs)

    # --- sums ---------------------------------------------------------------------------------------------------------------

    def _flatten_sums(self) -> None:
        for value in list(self.steps):
            step = self.steps.get(value)
            if step is None or step.kind not in ("add", "sub"):
                continue
            feeds: list[Feed] = []
            ops, biases = list(step.ops), list(step.biases)
            room = SUM_SIZE - len(step.feeds)
            for feed in step.feeds:
                inner = self.steps.get(feed.value) if not feed.index else None
                joins = (
                    inner is not None
                    and inner.kind in ("add", "sub")
                    and not self._is_named(feed.value)
                    and len(self._reads(feed.value)) == 1
                    and len(inner.feeds) - 1 <= room
                )
                if inner is not None and joins and not (self._on_highway(inner) or self._on_highway(step)):
                    room -= len(inner.feeds) - 1
                    feeds += [replace(f, sign="−" if f.sign != feed.sign else "") for f in inner.feeds]
                    ops, biases = [*inner.ops, *ops], [*inner.biases, *biases]
                    del self.steps[feed.value]
                else:
                    feeds.append(feed)
            if len(ops) > len(step.ops):
                self.steps[value] = replace(step, feeds=tuple(feeds), ops=tuple(ops), biases=tuple(biases))

    def _on_highway(self, step: Step) -> bool:
        """Whether a past state reaches this sum at once: then it stays a sign of its own, on the state's way."""
        for feed in step.feeds:
            if feed.index and feed.value in self.made:
                return True
            before = self.steps.get(feed.value)
            past = before is not None and any(f.index and f.value in self.made for f in before.feeds)
            if past and before is not None and before.kind in ("mul", "factor", "chip"):
                return True
        return False

    def _same_lists(self) -> None:
        """One concatenation for all that put the same values together."""
        first: dict[tuple[object, ...], Step] = {}
        renamed: dict[str, str] = {}
        for value in list(self.steps):
            step = self.steps[value]
            if step.kind != "cat" or step.weights or any(f.index == () and f.value in renamed for f in step.feeds):
                continue
            key = tuple(f.key for f in step.feeds)
            if key in first and not self._is_named(value):
                kept = first[key]
                first[key] = self.steps[kept.makes] = replace(kept, ops=(*kept.ops, *step.ops))
                renamed[value] = kept.makes
                del self.steps[value]
            else:
                first.setdefault(key, step)
        for value, step in self.steps.items():
            feeds = tuple(replace(f, value=renamed.get(f.value, f.value)) if not f.index else f for f in step.feeds)
            self.steps[value] = replace(step, feeds=feeds)

    # --- words --------------------------------------------------------------------------------------------------------------

    def _gates(self, states: Iterable[str]) -> None:
        """A function of a sum with products of weights in it becomes one box, and so does such a sum under a product."""
        kept = set(states)
        for value in list(self.steps):
            step = self.steps.get(value)
            if step is None or step.kind in NO_GATES or step.kind in MADE or len(step.feeds) != 1:
                continue
            inner = self._affine(step.feeds[0], kept)
            if any(s.kind == "chip" for s in inner):
                self._take(value, inner)

    def _affine(self, feed: Feed, kept: set[str]) -> list[Step]:
        """The products with weights behind a feed, and the sums that add them up, as far as nobody else reads any of it."""
        step = self._only_mine(feed, kept)
        if step is None or step.kind not in ("chip", "factor", "add", "sub"):
            return []
        if step.kind in ("chip", "factor"):
            return [step]
        inner = [s for f in step.feeds for s in self._affine(f, kept)]
        return [step, *inner] if any(s.kind == "chip" for s in inner) else []

    def _only_mine(self, feed: Feed, kept: set[str]) -> Step | None:
        """The step behind a feed, when nobody else reads it and no equation names it."""
        if feed.index or feed.value in kept:
            return None
        step = self.steps.get(feed.value)
        if step is None or len(self._reads(feed.value)) != 1 or self._is_named(feed.value):
            return None
        return step

    def _take(self, value: str, inner: list[Step]) -> None:
        step = self.steps[value]
        gone = {s.makes: s for s in inner}
        feeds: list[Feed] = []

        def open_up(feed: Feed) -> None:
            before = gone.get(feed.value) if not feed.index else None
            if before is None:
                feeds.append(replace(feed, sign=""))
            else:
                for one in before.feeds:
                    open_up(one)

        for feed in step.feeds:
            open_up(feed)
        unique = tuple({f.key: f for f in feeds}.values())
        ops = [*(op for s in inner for op in s.ops), *step.ops]
        weights = [w for s in inner for w in s.weights]
        biases = [w for s in inner for w in s.biases]
        for made in gone:
            del self.steps[made]
        self.steps[value] = replace(
            step, kind=f"gate.{step.kind}", feeds=unique, ops=tuple(ops), weights=tuple(weights), biases=tuple(biases)
        )

    def _buses(self, states: Iterable[str]) -> None:
        """Where several gates read the same values from outside, or what is made of such alone, these become one bus."""
        gates = [s for s in self.steps.values() if s.kind.startswith("gate.")]
        kept = set(states)
        outside = {s.makes: [f for f in s.feeds if f.index or self._is_given(f.value, kept)] for s in gates}
        sets = [{f.key for f in feeds} for feeds in outside.values()]
        best: tuple[int, set[object]] = (0, set())
        for i, one in enumerate(sets):
            for other in sets[i + 1 :]:
                common = one & other
                users = sum(1 for s in sets if common <= s)
                saved = users * len(common) - users - len(common)  # wires
                if len(common) >= 2 and users >= 2 and saved >= best[0]:
                    best = saved + 1, set(common)
        if not best[0]:
            return
        members = [f for f in next(v for v in outside.values() if best[1] <= {f.key for f in v}) if f.key in best[1]]
        bus = Step("bus", "merge", tuple(replace(f, slot="", sign="") for f in members), "bus", ())
        changed = {}
        for step in gates:
            if best[1] <= {f.key for f in step.feeds}:
                rest = tuple(f for f in step.feeds if f.key not in best[1])
                changed[step.makes] = replace(step, feeds=(Feed("bus"), *rest))
        self.steps = {"bus": bus, **{v: changed.get(v, s) for v, s in self.steps.items()}}

    def _is_given(self, value: str, states: set[str]) -> bool:
        """Whether a value comes from outside, or has a name and is made of such inputs alone: an embedding."""
        step = self.steps.get(value)
        if step is None:
            return True
        if value in states or step.kind.startswith("gate.") or not self._is_named(value):
            return False
        return all(not f.index and self._is_given(f.value, states) for f in step.feeds)

    # --- what leaves ----------------------------------------------------------------------------------------------------------

    def _states(self) -> list[str]:
        found = _recurrent(self.graph, self.scopes, self.plate.axis)
        return [self.alias.get(v.id, v.id) for v in self.graph.values if v.id in found]

    def _outputs(self, states: Iterable[str]) -> list[str]:
        """What is handed on and is no state: outputs of the graph, what is read outside, what nobody reads."""
        leaving = {p.value for p in self.graph.outputs}
        leaving |= {r for op in self.graph.ops if op.scope not in self.scopes for r in op.reads}
        read = {f.value for s in self.steps.values() for f in s.feeds}
        return [v for v in self.steps if v not in states and v != "bus" and (v in leaving or v not in read)]

    def _ordered(self) -> list[Step]:
        position = {op.id: i for i, op in enumerate(self.ops)}
        return sorted(self.steps.values(), key=lambda s: max((position[o] for o in s.ops), default=-1))


def terminals(folded: Folded) -> Mapping[tuple[str, tuple[tuple[str, Affine], ...]], Feed]:
    """What comes from outside the step, by what it is, in the order it is first read."""
    made = {s.makes for s in folded.steps}
    found: dict[tuple[str, tuple[tuple[str, Affine], ...]], Feed] = {}
    for step in folded.steps:
        for feed in step.feeds:
            if feed.index or feed.value not in made:
                found.setdefault(feed.key, feed)
    return found
