"""Arbitrary valid graphs and figures."""

from __future__ import annotations

from hypothesis import strategies as st

from netfig.figure import Box, End, Figure, Group, LegendEntry, Row, Solid, Wire
from netfig.graph import Affine, Axis, Dim, Graph, Note, Op, Port, Ref, Scope, Slot, TensorType, Value
from netfig.mathtext import Accent, Big, Fence, Fraction, Root, Run, Script

words = st.text(st.characters(codec="utf-8"), max_size=8)
names = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters=":"), min_size=1, max_size=6
)
floats = st.floats(allow_nan=False)
attributes = st.recursive(
    st.none() | st.booleans() | st.integers() | floats | words, lambda inner: st.lists(inner, max_size=3).map(tuple), max_leaves=6
)
settings = st.dictionaries(words, attributes, max_size=3).map(lambda d: tuple(d.items()))
dims = st.builds(Dim, st.none() | st.integers(0, 10**12), st.none() | words)
ranges = st.builds(Dim, st.none() | st.integers(0, 10**12), st.sampled_from([None, "size_N", "2*size_N-1", "size_m+size_N"]))
types = st.builds(TensorType, st.none() | words, st.none() | st.lists(dims, max_size=4).map(tuple))
styles = st.sampled_from(["plain", "strong", "math", "math-bold", "math-upright", "code"])


def pieces(inner: st.SearchStrategy) -> st.SearchStrategy:
    """Every kind of piece that holds text."""
    marks = st.sampled_from(["hat", "tilde", "bar", "dot", "vector"])
    return st.one_of(
        st.builds(Script, inner, inner, inner),
        st.builds(Accent, inner, marks),
        st.builds(Fraction, inner, inner),
        st.builds(Big, words, inner, inner),
        st.builds(Root, inner),
        st.builds(Fence, words, inner, words),
    )


texts = st.recursive(
    st.lists(st.builds(Run, words, styles), max_size=2).map(tuple),
    lambda inner: st.lists(pieces(inner) | st.builds(Run, words, styles), max_size=2).map(tuple),
    max_leaves=4,
)


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """A graph that keeps all rules: any tree of scopes, any acyclic flow, shared weights, in-place writes, axes, notes."""
    axes = tuple(
        Axis(id, draw(words), draw(ranges), draw(st.integers())) for id in draw(st.lists(names, unique=True, max_size=2))
    )
    along = st.sampled_from([a.id for a in axes]) if axes else st.nothing()
    ids = draw(st.lists(names, unique=True, min_size=1, max_size=8))
    made = draw(st.integers(0, len(ids) - 1))
    scopes = [Scope(draw(names), "root", None, draw(words), attributes=draw(settings))]
    around: list[tuple[str, ...]] = [()]
    for id in draw(st.lists(names.filter(lambda n: n != scopes[0].id), unique=True, max_size=4)):
        kind = draw(st.sampled_from(["module", "function", "block"] + (["plate", "step"] if axes else [])))
        parent = draw(st.sampled_from([s.id for s in scopes]))
        axis = draw(along) if kind in ("plate", "step") else None
        around.append(around[[s.id for s in scopes].index(parent)])
        if kind == "plate" and axis in around[-1]:
            kind = "step"
        elif kind == "plate":
            around[-1] += (axis,)
        stored = draw(st.lists(st.sampled_from(ids), max_size=2).map(tuple))
        said = (("index", draw(st.integers())),) if kind == "step" else draw(settings)
        scopes.append(
            Scope(id, kind, parent, draw(words), draw(words), draw(st.integers(0, 3)), axis, stored, stored, stored, said)
        )
    values, ready = [], []
    for id in ids[made:]:
        kind = draw(st.sampled_from(["input", "parameter", "buffer", "constant"]))
        data = draw(st.none() | st.lists(attributes, max_size=2).map(tuple))
        carried = draw(st.lists(along, max_size=2, unique=True).map(tuple)) if axes else ()
        plain = [v.id for v in values if not v.axes]
        bounded = carried and plain and draw(st.booleans())
        before = {a.id: a.start for a in axes}[carried[0]] - draw(st.integers(1, 9)) if bounded else 0
        initial = ((carried[0], before, draw(st.sampled_from(plain))),) if bounded else ()
        final = ((carried[0], draw(st.integers(1, 9)), draw(st.sampled_from(plain))),) if bounded and draw(st.booleans()) else ()
        values.append(
            Value(
                id,
                kind,
                draw(types),
                draw(texts),
                carried,
                draw(st.lists(words, max_size=2).map(tuple)),
                id,
                None,
                initial,
                data,
                final=final,
            )
        )
        ready.append(values[-1])
    ops = []
    for id in ids[:made]:
        read = draw(st.lists(st.sampled_from(ready), max_size=3))
        where = draw(st.sampled_from(range(len(scopes))))
        slots = []
        for i, v in enumerate(read):
            offset, at = (), ()
            if v.axes and v.axes[0] in around[where] and draw(st.booleans()):
                offset = ((v.axes[0], draw(st.integers(-2, 2))),)
            elif v.axes and draw(st.booleans()):
                at = (
                    (v.axes[0], draw(st.sampled_from([Affine((), -3), Affine((("size_N", 2),), 1), Affine((("size_m", -1),))]))),
                )
            slots.append(Slot(f"s{i}", (Ref(v.id, offset, at),)))
        write = bool(read) and draw(st.booleans())
        storage = read[0].storage if write else draw(st.just(id))
        grad_of = draw(st.none() | st.sampled_from(ids))
        value = Value(id, type=draw(types), axes=around[where], storage=storage, grad_of=grad_of, origin=draw(st.none() | words))
        phase = draw(st.sampled_from(["forward", "backward", "update"]))
        ops.append(
            Op(f"op {id}", draw(words), tuple(slots), (id,), scopes[where].id, draw(settings), phase, ("s0",) if write else ())
        )
        if write:
            ready = [v for v in ready if v.storage != storage]
        values.append(value)
        ready.append(value)
    ports = [Port(n, draw(st.sampled_from(ready)).id) for n in draw(st.lists(words, unique=True, max_size=2))] if ready else []
    subjects = st.sampled_from(["", *ids, *(s.id for s in scopes), *(o.id for o in ops)])
    notes = draw(st.lists(st.builds(Note, subjects, words, attributes, words, words), max_size=3))
    return Graph(
        draw(words), tuple(values), tuple(ops), tuple(scopes), tuple(ports), tuple(ports), axes, tuple(notes), draw(words)
    )


solids = st.builds(
    Solid,
    st.sampled_from(["flat", "volume", "sheets", "bar"]),
    st.integers(0, 512),
    st.none() | st.integers(1, 64),
    st.none() | st.integers(1, 64),
    st.none() | st.tuples(st.integers(1, 9), st.integers(1, 9)),
)


@st.composite
def figures(draw: st.DrawFn) -> Figure:
    """A figure with a tree of any depth and wires between its boxes."""
    ids = iter(draw(st.lists(words, unique=True, min_size=12, max_size=12)))

    def box() -> Box:
        rows = st.lists(st.builds(Row, st.sampled_from(["shape", "params", "detail", "count"]), texts), max_size=2).map(tuple)
        marks = st.lists(st.sampled_from(["shared", "initial", "stacked", "failed", "data-dependent"]), max_size=2).map(tuple)
        titles = st.lists(texts, max_size=2).map(tuple)
        return Box(
            next(ids), draw(words), draw(titles), draw(rows), draw(marks), draw(texts), draw(st.none() | solids), draw(titles)
        )

    def group(depth: int) -> Group:
        inner = [group(depth - 1) if depth and draw(st.booleans()) else box() for _ in range(draw(st.integers(0, 2)))]
        arrangement = draw(st.sampled_from(["flow", "row", "column", "pipeline"]))
        return Group(next(ids), tuple(inner), draw(words), draw(texts), arrangement=arrangement, stands_for=(draw(words),))

    root = group(2)
    boxes = [b.id for b in Figure("t", "a", root).boxes.values()]
    wires = []
    if len(boxes) > 1:
        ends = (
            st.builds(End, st.just(boxes[0]), words),
            st.builds(End, st.just(boxes[1]), words, st.sampled_from(["in", "top", ""])),
        )
        wires = draw(st.lists(st.builds(Wire, *ends, words, texts), max_size=2))
    legend = draw(st.lists(st.builds(LegendEntry, words, texts, st.sampled_from(["box", "wire"])), max_size=1))
    direction = draw(st.sampled_from(["right", "down", "up", "auto"]))
    return Figure(
        draw(words),
        "alt",
        root,
        tuple(wires),
        draw(st.lists(texts, max_size=1).map(tuple)),
        direction,
        tuple(legend),
        draw(st.booleans()),
        draw(st.lists(texts, max_size=2).map(tuple)),
    )
