"""Arbitrary recurrences: as equations, and as graphs with plates that no equation gives."""

from __future__ import annotations

from hypothesis import strategies as st

from netfig.equations import compile, parse
from netfig.graph import Affine, Axis, Dim, Graph, Op, Port, Ref, Scope, Slot, TensorType, Value


@st.composite
def programs(draw: st.DrawFn, families: tuple[str, ...] = ("fixed", "growing")) -> str:
    """Equations of several states that read earlier steps, states that read later ones, families over another index, a summary.

    A forward state may read any other forward state at earlier steps and those before it at this one; a backward state likewise
    later ones, and forward states anywhere; so nothing needs itself.
    """
    forward = [f"f{i}" for i in range(draw(st.integers(1, 3)))]
    backward = [f"b{i}" for i in range(draw(st.integers(0, 2)))]
    weights = (f"W_{i}" for i in range(1000))
    lines = ["x[t] : n"]

    def at(offset: int) -> str:
        return f"t{offset:+d}" if offset else "t"

    def equation(name: str, reads: list[str]) -> str:
        function = draw(st.sampled_from(["tanh", "sigmoid", "relu"]))
        return f"{name}[t] = {function}({' + '.join(reads)})"

    for i, name in enumerate(forward):
        reads = [f"{next(weights)} x[t]"] if draw(st.booleans()) or not i else []
        for other in draw(st.lists(st.sampled_from(forward), min_size=1, max_size=3)):
            least = 0 if forward.index(other) < i else 1
            reads.append(f"{next(weights)} {other}[{at(-draw(st.integers(least, 3)))}]")
        lines.append(equation(name, reads))
    for i, name in enumerate(backward):
        reads = [f"{next(weights)} {draw(st.sampled_from(['x', *forward]))}[{at(draw(st.integers(-1, 1)))}]"]
        for other in draw(st.lists(st.sampled_from(backward), min_size=1, max_size=2)):
            least = 0 if backward.index(other) < i else 1
            reads.append(f"{next(weights)} {other}[{at(draw(st.integers(least, 2)))}]")
        lines.append(equation(name, reads))
    terms = [f"{next(weights)} {name}[t]" for name in (*forward, *backward)]
    state = draw(st.sampled_from(forward))
    for family in draw(st.lists(st.sampled_from(families), unique=True)):
        letter, last = ("i", "2") if family == "fixed" else ("j", "t-1")
        lines.append(f"q_{letter}[t] = tanh(Q {state}[t-{letter}])  for {letter} = 1..{last}".replace("q_", f"q{letter}_"))
        terms.append(f"sum(q{letter}_{letter}[t] for {letter} = 1..{last})")
    if draw(st.booleans()):
        lines += ["h[0,t] = x[t]", f"h[l,t] = tanh(A_l h[l-1,t] + B_l h[l,t-{draw(st.integers(1, 2))}])  for l = 1..2"]
        terms.append("h[2,t]")
    lines.append(f"y[t] = {' + '.join(terms)}")
    if draw(st.booleans()):
        lines.append(f"z = softmax({draw(st.sampled_from(forward))}[T])")
    if draw(st.booleans()):
        lines.append("m = sum(y[t] for t = 1..T)")
    order = [lines[0], *draw(st.permutations(lines[1:]))]
    return "\n".join(order)


def rolled(source: str) -> Graph:
    """The graph of a program."""
    return compile(parse(source, "random"))


@st.composite
def interleaved(draw: st.DrawFn) -> Graph:
    """A plate whose forward and backward ops are mixed, with a scope inside it, ops beside it, and reads from outside."""
    dim = TensorType(None, (Dim(None, "n"),))
    values = [Value("x", "input", dim, axes=("t",)), Value("zero", "constant", dim, data=(0,))]
    chains = [("f", -1), ("b", 1)]
    plans: list[tuple[str, str, list[Ref]]] = []
    for name, direction in chains:
        length = draw(st.integers(1, 3))
        bound = (("t", 0, "zero"),) if direction < 0 else ()
        final = (("t", 1, "zero"),) if direction > 0 else ()
        for i in range(length):
            reads = [Ref("x")] if i == 0 else [Ref(f"{name}{i - 1}")]
            if i == 0:
                reads.append(Ref(f"{name}{length - 1}", (("t", direction),)))
            last = i == length - 1
            values.append(Value(f"{name}{i}", type=dim, axes=("t",), initial=bound if last else (), final=final if last else ()))
            plans.append((name, f"{name}{i}", reads))
    forward, backward = ([p for p in plans if p[0] == name] for name, _ in chains)
    mixed: list[tuple[str, str, list[Ref]]] = []
    while forward or backward:
        queue = draw(st.sampled_from([q for q in (forward, backward) if q]))
        mixed.append(queue.pop(0))
    scopes = [Scope("net", "root", None, inputs=("x",)), Scope("over t", "plate", "net", axis="t", inputs=("x", "zero"))]
    scopes.append(Scope("block", "block", "over t"))
    ops = []
    for _, out, reads in mixed:
        where = draw(st.sampled_from(["over t", "block"]))
        ops.append(Op(f"{out}/sum", "sum", (Slot("values", tuple(reads)),), (out,), where, (("axis", None),)))
    ends = [[p[1] for p in plans if p[0] == name][-1] for name, _ in chains]
    values += [Value("y", type=dim, axes=("t",)), Value("all", type=dim), Value("last", type=dim)]
    ops.append(Op("y/sum", "sum", (Slot("values", tuple(Ref(e) for e in ends)),), ("y",), "over t", (("axis", None),)))
    ops.append(Op("all/sum", "sum", (Slot("values", (Ref("y"), Ref("zero"))),), ("all",), "net", (("axis", "t"),)))
    ops.append(Op("last/identity", "identity", (Slot("input", (Ref("y", at=(("t", Affine((("T", 1),))),)),)),), ("last",), "net"))
    outputs = (Port("y", "y"), Port("all", "all"))
    axes = (Axis("t", "time", draw(st.sampled_from([Dim(None, "T"), Dim(None, "T")])), 1),)
    return Graph("net", tuple(values), tuple(ops), tuple(scopes), (Port("x", "x"),), outputs, axes)
