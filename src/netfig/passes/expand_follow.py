"""What is done alike to every step of an expanded layer goes into its plate: a linear layer, a function element by element.

A traced model does it to the whole sequence at once, ``out(h)``; an equation says it of one step, ``y[t] = W_hy h[t] + b_y``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from netfig.equations.names import symbol_text
from netfig.graph import Affine, Graph, Note, Op, Port, Ref, Scope, Slot, Value
from netfig.mathtext import Script, math, text_of

if TYPE_CHECKING:
    from netfig.mathtext import Text

FUNCTIONS = frozenset("abs elu exp gelu hardsigmoid hardtanh leaky_relu relu sigmoid sign silu softplus sqrt tanh".split())  # noqa: SIM905


def follow(graph: Graph) -> Graph:
    """The graph with what follows an expanded layer step by step, as far as it can be."""
    while True:
        step = next((one for op in graph.ops for one in [_moved(graph, op)] if one is not None), None)
        if step is None:
            return without_idle(graph)
        graph = step


def _moved(graph: Graph, op: Op) -> Graph | None:
    if is_sequence(graph, op):
        return _next(graph, op)
    if op.kind in ("select", "getitem"):
        return _of_ends(graph, op)
    if op.kind == "identity" and op.inputs[0].refs[0].at:
        units = {reader.scope for reader in graph.readers.get(op.outputs[0], ())}
        scope = graph.scope_by_id[units.pop()] if len(units) == 1 else None
        return _linear_once(graph, op, scope) if scope is not None and scope.type_name == "linear" else None
    return None


def _of_ends(graph: Graph, op: Op) -> Graph | None:
    """One of the last states that a layer hands back, read where it is."""
    maker = graph.producer.get(op.inputs[0].refs[0].value) if len(op.inputs) == 1 and len(op.inputs[0].refs) == 1 else None
    index, dim = op.attribute("index"), op.attribute("dim", 0)
    if maker is None or maker.kind != "stack" or maker.attribute("dim", 0) != dim or not isinstance(index, int):
        return None
    refs = maker.inputs[0].refs
    if not all(ref.at for ref in refs) or not -len(refs) <= index < len(refs):
        return None
    new = replace(op, id=unused(graph, f"{op.id}.step"), kind="identity", attributes=(), inputs=(Slot("input", (refs[index],)),))
    graph = _replaced(graph, [op], [new], [], list(graph.scopes), {})
    return without(graph, maker) if not _is_needed(graph, maker.outputs[0]) else graph


def _is_needed(graph: Graph, value: str) -> bool:
    return bool(graph.readers.get(value)) or any(port.value == value for port in graph.outputs)


def without(graph: Graph, op: Op) -> Graph:
    """The graph without an op whose results nobody reads."""
    gone = {op.id, *op.outputs}
    scopes = tuple(
        replace(s, outputs=tuple(o for o in s.outputs if o not in gone), inputs=tuple(i for i in s.inputs if i not in gone))
        for s in graph.scopes
    )
    return replace(
        graph,
        values=tuple(v for v in graph.values if v.id not in gone),
        ops=tuple(one for one in graph.ops if one.id != op.id),
        scopes=scopes,
        notes=tuple(note for note in graph.notes if note.subject not in gone),
    )


def is_sequence(graph: Graph, op: Op) -> bool:
    """Whether an op only puts the steps of one value together."""
    refs = op.inputs[0].refs if op.kind == "stack" and len(op.inputs) == 1 else ()
    value = graph.value_by_id.get(refs[0].value) if len(refs) == 1 else None
    return value is not None and bool(value.axes) and not refs[0].at and not refs[0].offset


def without_idle(graph: Graph) -> Graph:
    """The graph without sequences that nothing reads; an output that is one is its steps."""
    read = {value for op in graph.ops for value in op.reads}
    idle = {op.outputs[0]: op for op in graph.ops if is_sequence(graph, op) and op.outputs[0] not in read}
    if not idle:
        return graph
    steps = {id: op.inputs[0].refs[0].value for id, op in idle.items()}
    scopes = tuple(
        replace(
            s, inputs=tuple(steps.get(i, i) for i in s.inputs), outputs=tuple(dict.fromkeys(steps.get(i, i) for i in s.outputs))
        )
        for s in graph.scopes
    )
    gone = {*idle, *(op.id for op in idle.values())}
    return replace(
        graph,
        values=tuple(v for v in graph.values if v.id not in idle),
        ops=tuple(op for op in graph.ops if op.id not in gone),
        scopes=scopes,
        outputs=tuple(Port(port.name, steps.get(port.value, port.value)) for port in graph.outputs),
        notes=tuple(note for note in graph.notes if note.subject not in gone),
    )


def _next(graph: Graph, sequence: Op) -> Graph | None:
    """The graph with one thing that is done to a sequence done to its steps; ``None`` when there is nothing."""
    whole, step = sequence.outputs[0], sequence.inputs[0].refs[0].value
    scopes = graph.scope_by_id
    for op in graph.readers.get(whole, ()):
        scope = scopes[op.scope]
        if op.kind == "unbind" and op.attribute("dim") == sequence.attribute("dim"):
            return _undone(graph, step, op)
        if scope.kind == "function" and scope.type_name == "linear":
            return _linear(graph, sequence, step, scope)
        if op.kind == "embedding" and list(op.reads)[1:] == [whole]:
            return _function(graph, sequence, step, op)
        if op.kind in FUNCTIONS and list(op.reads) == [whole] and not op.writes:
            return _function(graph, sequence, step, op)
        if op.kind in ("select", "getitem") and list(op.reads) == [whole] and op.attribute("dim", 0) == sequence.attribute("dim"):
            return _one(graph, step, op)
    return None


def _plate(graph: Graph, step: str) -> Scope:
    """The plate that makes a value, or reads it first."""
    maker = graph.producer.get(step)
    scope = graph.scope_by_id[maker.scope] if maker is not None else None
    while scope is not None and scope.kind != "plate":
        scope = graph.scope_by_id.get(scope.parent or "")
    return scope or next(s for s in graph.scopes if s.axis == graph.value_by_id[step].axes[0])


def _undone(graph: Graph, step: str, apart: Op) -> Graph:
    """Steps that were put together and taken apart again are read as they are; they keep the later symbol."""
    made = graph.value_by_id[apart.outputs[0]]

    def read(ref: Ref) -> Ref:
        return replace(ref, value=step) if ref.value == made.id else ref

    ops = tuple(
        replace(op, inputs=tuple(Slot(s.name, tuple(map(read, s.refs))) for s in op.inputs))
        for op in graph.ops
        if op is not apart
    )
    values = tuple(replace(v, symbol=v.symbol or made.symbol) if v.id == step else v for v in graph.values if v.id != made.id)
    there = {apart.id, made.id}
    return replace(graph, ops=ops, values=values, notes=tuple(note for note in graph.notes if note.subject not in there))


def _linear(graph: Graph, sequence: Op, step: str, function: Scope) -> Graph | None:
    """A linear layer over a sequence as one over each of its steps."""
    whole = sequence.outputs[0]
    weights = _weights(graph, function, whole)
    if weights is None:
        return None
    result = function.outputs[0]
    ops = [op for op in graph.ops if op.scope == function.id]
    plate = _plate(graph, step)
    module = graph.scope_by_id[function.parent or ""]
    inside = module.kind == "module" and sum(s.parent == module.id for s in graph.scopes) == 1
    alone = all(op.scope == function.id for op in graph.ops if op.scope.startswith(module.id))
    where = module.id if inside and alone else plate.id
    out = graph.value_by_id[result]
    vector = replace(out.type, shape=(out.type.shape or ())[-1:])
    symbol = _symbol(graph, result)
    made = Value(unused(graph, "y" if symbol else f"{result}.step"), "computed", vector, symbol, (plate.axis or "",))
    new, added = _affine(graph, weights, step, made, where)
    before, name = text_of(_letter(graph.value_by_id[step].symbol)), text_of(symbol)
    named = _named(graph, weights, before, name)
    scopes = [s for s in graph.scopes if s.id != function.id]
    if where == module.id:
        scopes = [replace(s, parent=plate.id) if s.id == module.id else s for s in scopes]
        scopes = [
            replace(s, outputs=(made.id,), inputs=(step,)) if s.id == module.id else s
            for s in _after(scopes, module.id, plate.id)
        ]
    line = f"{name}[t] = W_{before}{name} {before}[t]" + (f" + b_{name}" if len(weights) > 1 else "")
    graph = _with_line(graph, line if name == "y" and len(before) == 1 and not graph.value_by_id[step].names else "")
    return _replaced(graph, ops, [*new, _together(sequence, graph, made.id, result)], [made, *added], scopes, named)


def _linear_once(graph: Graph, one: Op, function: Scope) -> Graph | None:
    """A linear layer of one step of a sequence, such as its last."""
    value = one.outputs[0]
    weights = _weights(graph, function, value)
    if weights is None:
        return None
    result = graph.value_by_id[function.outputs[0]]
    ops = [op for op in graph.ops if op.scope == function.id]
    made = replace(result, symbol=_symbol(graph, result.id), type=replace(result.type, shape=(result.type.shape or ())[-1:]))
    where = function.parent or graph.root.id
    new, added = _affine(graph, weights, value, made, where)
    step = graph.value_by_id[one.inputs[0].refs[0].value]
    named = _named(graph, weights, text_of(_letter(step.symbol)), text_of(made.symbol))
    scopes = [s for s in graph.scopes if s.id != function.id]
    graph = replace(_with_line(graph, ""), values=tuple(made if v.id == made.id else v for v in graph.values))
    return _replaced(graph, ops, new, added, scopes, named)


def _weights(graph: Graph, function: Scope, given: str) -> list[str] | None:
    """The matrix of a linear layer and its bias, when it has one; ``None`` when it does more than add a bias to a product."""
    values = graph.value_by_id
    weights = [i for i in function.inputs if i != given and values[i].kind == "parameter"]
    ranks = {len(values[i].type.shape or ()): i for i in weights}
    if 2 not in ranks or len(weights) != len(function.inputs) - 1 or len(function.outputs) != 1 or len(ranks) != len(weights):
        return None
    inner = {out for op in graph.ops if op.scope == function.id for out in op.outputs} - {*function.outputs}
    if any(reader.scope != function.id for out in inner for reader in graph.readers.get(out, ())):
        return None
    return [ranks[2], *([ranks[1]] if 1 in ranks else [])]


def _affine(graph: Graph, weights: list[str], given: str, made: Value, where: str) -> tuple[list[Op], list[Value]]:
    """The ops of a linear layer, and the value between them."""
    if len(weights) == 1:
        return [Op(unused(graph, f"{where}/matmul"), "matmul", _slots(Ref(weights[0]), Ref(given)), (made.id,), where)], []
    product = replace(made, id=unused(graph, f"{where}/matmul.out"), symbol=(), names=())
    return [
        Op(unused(graph, f"{where}/matmul"), "matmul", _slots(Ref(weights[0]), Ref(given)), (product.id,), where),
        Op(unused(graph, f"{where}/add"), "add", _slots(Ref(product.id), Ref(weights[1])), (made.id,), where),
    ], [product]


def _named(graph: Graph, weights: list[str], before: str, name: str) -> dict[str, Text]:
    """Symbols for the weights of a linear layer: W_hy and b_y where it makes y of h."""
    letters = f"{before}{name}"
    if not letters:
        return {}
    matrix = f"W_{letters}" if letters.isalnum() else f"W_{{{letters}}}"
    found = dict(zip(weights, (matrix, f"b_{name or before}"), strict=False))
    taken = {text_of(v.symbol) for v in graph.values}
    return {id: math(symbol) for id, symbol in found.items() if text_of(math(symbol)) not in taken}


def _with_line(graph: Graph, line: str) -> Graph:
    """The graph with one more line among its equations; without a line for what is done they would not tell all."""
    notes = [
        replace(note, value=(*note.value, line)) if note.key == "equations" and isinstance(note.value, tuple) else note
        for note in graph.notes
        if line or note.key != "equations"
    ]
    return replace(graph, notes=tuple(notes))


def _function(graph: Graph, sequence: Op, step: str, op: Op) -> Graph:
    plate = _plate(graph, step)
    result = graph.value_by_id[op.outputs[0]]
    is_table = op.kind == "embedding"
    shape = (result.type.shape or ())[-1:] if is_table else graph.value_by_id[step].type.shape
    made = Value(
        unused(graph, f"{result.id}.step"),
        "computed",
        replace(result.type, shape=shape),
        _symbol(graph, result.id),
        (plate.axis or "",),
    )
    settings = tuple(pair for pair in op.attributes if pair[0] != "target")
    graph = _with_line(graph, "")
    slots = tuple(
        Slot(s.name, tuple(Ref(step) if ref.value == sequence.outputs[0] else ref for ref in s.refs)) for s in op.inputs
    )
    new = Op(unused(graph, f"{plate.id}/{op.kind}"), op.kind, slots, (made.id,), plate.id, settings)
    table = next(iter(op.reads))
    named = {table: _free(graph, "E") or graph.value_by_id[table].symbol} if is_table else {}
    graph = _replaced(graph, [op], [new, _together(sequence, graph, made.id, result.id)], [made], list(graph.scopes), named)
    said = (Note(made.id, "label", "embedding", author="netfig"),) if is_table else ()
    return replace(graph, notes=(*graph.notes, *said)) if said else graph


def _symbol(graph: Graph, whole: str) -> Text:
    """The symbol of a step of what is computed: that of what it becomes, y or ŷ for what is handed back."""
    for reader in graph.readers.get(whole, ()):
        if reader.kind == "unbind":
            return graph.value_by_id[reader.outputs[0]].symbol
    follows = any(
        reader.kind in FUNCTIONS or graph.scope_by_id[reader.scope].kind == "function" for reader in graph.readers.get(whole, ())
    )
    leads = follows and _leads(graph, whole)
    return () if leads else _free(graph, "y") or (symbol_text("y_hat") if any(p.value == whole for p in graph.outputs) else ())


def _leads(graph: Graph, whole: str) -> bool:
    """Whether what is done to a value ends in a recurrent layer."""
    seen, stack = set(), [whole]
    while stack:
        for reader in graph.readers.get(stack.pop(), ()):
            if reader.kind == "unbind":
                return True
            if reader.id not in seen:
                seen.add(reader.id)
                stack += reader.outputs
    return False


def _one(graph: Graph, step: str, op: Op) -> Graph | None:
    """One step out of a sequence is read where it is."""
    value = graph.value_by_id[step]
    axis = next(a for a in graph.axes if a.id == value.axes[0])
    index = op.attribute("index")
    if not isinstance(index, int):
        return None
    last = (
        Affine(((axis.extent.name, 1),), axis.start - 1)
        if axis.extent.name
        else Affine((), (axis.extent.size or 0) + axis.start - 1)
    )
    at = Affine((), index + axis.start) if index >= 0 else Affine(last.terms, last.constant + index + 1)
    new = replace(
        op,
        id=unused(graph, f"{op.id}.step"),
        kind="identity",
        attributes=(),
        inputs=(Slot("input", (Ref(step, at=((axis.id, at),)),)),),
    )
    return _replaced(graph, [op], [new], [], list(graph.scopes), {})


def _letter(symbol: Text) -> Text:
    """A symbol without what stands above it."""
    only = symbol[0] if len(symbol) == 1 else None
    return symbol if not isinstance(only, Script) else (replace(only, sup=()),) if only.sub else only.base


def _slots(left: Ref, right: Ref) -> tuple[Slot, ...]:
    return (Slot("left", (left,)), Slot("right", (right,)))


def _together(sequence: Op, graph: Graph, step: str, whole: str) -> Op:
    """The steps as the sequence that the rest of the graph knows."""
    return replace(
        sequence,
        id=unused(graph, f"{whole}/stack"),
        inputs=(Slot("values", (Ref(step),)),),
        outputs=(whole,),
        scope=graph.root.id,
    )


def _replaced(
    graph: Graph, gone: list[Op], new: list[Op], values: list[Value], scopes: list[Scope], symbols: dict[str, Text]
) -> Graph:
    """The graph with some ops in the place of others."""
    out = {op.id for op in gone}
    first = next(i for i, op in enumerate(graph.ops) if op.id in out)
    ops = [*graph.ops[:first], *new, *graph.ops[first:]]
    ops = [op for op in ops if op.id not in out]
    still = {o for op in ops for o in op.outputs}
    lost = {o for op in gone for o in op.outputs} - still
    kept = [replace(v, symbol=symbols[v.id]) if v.id in symbols else v for v in graph.values if v.id not in lost]
    there = {"", *(v.id for v in (*kept, *values)), *(s.id for s in scopes), *(op.id for op in ops), *(a.id for a in graph.axes)}
    notes = tuple(note for note in graph.notes if note.subject in there)
    return replace(graph, values=(*kept, *values), ops=tuple(ops), scopes=tuple(scopes), notes=notes)


def _after(scopes: list[Scope], moved: str, parent: str) -> list[Scope]:
    """The scopes with one of them after its new parent."""
    one = next(s for s in scopes if s.id == moved)
    rest = [s for s in scopes if s.id != moved]
    place = next(i for i, s in enumerate(rest) if s.id == parent) + 1
    return [*rest[:place], one, *rest[place:]]


def _free(graph: Graph, letter: str) -> Text:
    """A letter as a symbol, unless another value has it."""
    return () if any(text_of(v.symbol) == letter for v in graph.values) else math(letter)


def unused(graph: Graph, wanted: str) -> str:
    """An id that nothing in the graph has yet."""
    used = graph.value_by_id.keys() | graph.op_by_id.keys() | graph.scope_by_id.keys()
    id, count = wanted, 0
    while id in used:
        count += 1
        id = f"{wanted}@{count}"
    return id
