"""Each rule has a graph that breaks just it; the message starts with its number and names the object."""

from __future__ import annotations

import dataclasses
import re
import time

import pytest

from netfig.errors import InvalidGraph
from netfig.graph import Axis, Dim, Graph, Note, Op, Port, Ref, Scope, Slot, TensorType, Value
from netfig.graph.rules import MAX_NESTING, id_problem, violations

ROOT = Scope("net", "root", None)
X = Value("x", "input")
Y = Value("y")
RELU = Op("relu", "relu", (Slot("input", (Ref("x"),)),), ("y",), "net")


def graph(**changes: object) -> dict[str, object]:
    """A small valid graph as keyword arguments, with changes."""
    plain = {
        "name": "net",
        "values": (X, Y),
        "ops": (RELU,),
        "scopes": (ROOT,),
        "inputs": (Port("x", "x"),),
        "outputs": (Port("output", "y"),),
    }
    return plain | changes


def op(id: str, reads: str, makes: str, **more: object) -> Op:
    """An op that reads and makes one value."""
    return Op(id, "relu", (Slot("input", (Ref(reads),)),), (makes,), "net", **more)  # type: ignore[arg-type]


T = Axis("t", "time", Dim(3))
MEMORY = dataclasses.replace(X, storage="s")
WRITE = Op("add_", "add_", (Slot("self", (Ref("x"),)),), ("y",), "net", writes=("self",))
IN_PLACE = {"values": (MEMORY, Value("y", storage="s")), "ops": (WRITE,)}

BROKEN = {
    "G1 value ids": (graph(values=(X, X, Y)), "G1: two values have the id 'x'"),
    "G1 op ids": (graph(values=(X, Y, Value("z")), ops=(RELU, op("relu", "y", "z"))), "G1: two ops have the id 'relu'"),
    "G1 op and scope": (graph(ops=(op("net", "x", "y"),)), "G1: an op and a scope have the id 'net'"),
    "G1 axis ids": (graph(axes=(T, T)), "G1: two axes have the id 't'"),
    "G2 colon": (graph(axes=(Axis("a:b", "a"),)), "G2: the id of axis 'a:b' contains ':'"),
    "G2 control": (graph(axes=(Axis("a\0", "a"),)), "G2: the id of axis 'a\\x00' contains the character U+0000"),
    "G2 empty": (graph(axes=(Axis("", "a"),)), "G2: the id of axis '' is empty"),
    "G3 read": (graph(ops=(op("relu", "gone", "y"),)), "G3: op 'relu' reads 'gone', which does not exist"),
    "G3 made": (graph(ops=(RELU, op("more", "x", "gone"))), "G3: op 'more' makes 'gone', which does not exist"),
    "G3 scope": (
        graph(ops=(dataclasses.replace(RELU, scope="gone"),)),
        "G3: op 'relu' stands in the scope 'gone', which does not exist",
    ),
    "G3 owned": (graph(scopes=(dataclasses.replace(ROOT, owns=("gone",)),)), "G3: scope 'net' owns 'gone', which does not exist"),
    "G3 gradient": (
        graph(values=(dataclasses.replace(X, grad_of="gone"), Y)),
        "G3: value 'x' is the gradient of 'gone', which does not exist",
    ),
    "G4 twice": (graph(ops=(RELU, op("more", "x", "y"))), "G4: op 'more' makes 'y' a second time"),
    "G4 never": (graph(values=(X, Y, Value("z"))), "G4: the computed value 'z' has no producer"),
    "G4 an input": (graph(ops=(RELU, op("more", "y", "x"))), "G4: op 'more' makes 'x', which is of kind 'input'"),
    "G5": (
        graph(values=(X, Y, Value("z")), ops=(op("early", "y", "z"), RELU)),
        "G5: op 'early' reads 'y' before op 'relu' makes it",
    ),
    "G5 itself": (graph(ops=(op("relu", "y", "y"),)), "G5: op 'relu' reads 'y' before op 'relu' makes it"),
    "G6 no root": (graph(scopes=(), ops=(), values=(X,), outputs=()), "G6: no scope is the root"),
    "G6 two roots": (graph(scopes=(ROOT, Scope("other", "root", None))), "G6: several roots: 'net', 'other'"),
    "G6 order": (
        graph(scopes=(ROOT, Scope("a", "module", "b"), Scope("b", "module", "net"))),
        "G6: the parent 'b' of scope 'a' is listed after it",
    ),
    "G6 missing": (graph(scopes=(ROOT, Scope("a", "module", "gone"))), "G6: the parent 'gone' of scope 'a' is not there"),
    "G6 kind": (
        graph(scopes=(dataclasses.replace(ROOT, kind="module"),)),
        "G6: scope 'net' is of kind 'module' and has no parent",
    ),
    "G7 slot": (
        graph(ops=(dataclasses.replace(RELU, writes=("out",)),)),
        "G7: op 'relu' writes 'out', which is neither one of its slots nor a storage",
    ),
    "G7 no storage": (
        graph(ops=(dataclasses.replace(RELU, writes=("input",)),)),
        "G7: op 'relu' writes 'x' in place, which has no storage",
    ),
    "G7 nothing made": (
        graph(values=(MEMORY, Y), ops=(WRITE,)),
        "G7: op 'add_' writes the storage 's' but makes no value in it",
    ),
    "G8 read": (
        graph(values=(*IN_PLACE["values"], Value("z")), ops=(WRITE, op("late", "x", "z"))),
        "G8: op 'late' reads 'x' after its storage was overwritten",
    ),
    "G8 port": (
        graph(**IN_PLACE, outputs=(Port("output", "x"),)),
        "G8: the output 'output' names 'x', whose storage was overwritten",
    ),
    "G9 missing": (
        graph(outputs=(Port("output", "gone"),)),
        "G9: the output 'output' names the value 'gone', which does not exist",
    ),
    "G9 twice": (graph(outputs=(Port("output", "y"), Port("output", "x"))), "G9: two outputs have the name 'output'"),
    "G10 value": (
        graph(values=(dataclasses.replace(X, axes=("t",)), Y)),
        "G10: value 'x' has the axis 't', which does not exist",
    ),
    "G10 plate": (graph(scopes=(ROOT, Scope("p", "plate", "net"))), "G10: the plate 'p' has no axis"),
    "G10 offset": (
        graph(axes=(T,), ops=(dataclasses.replace(RELU, inputs=(Slot("input", (Ref("x", (("t", -1),)),)),)),)),
        "G10: op 'relu' reads 'x' along the axis 't', which that value does not have",
    ),
    "G10 initial": (
        graph(values=(dataclasses.replace(X, initial=(("t", 0, "y"),)), Y), axes=(T,)),
        "G10: value 'x' has an initial value along 't', which is not one of its axes",
    ),
    "G11": (graph(notes=(Note("gone", "params", 1),)), "G11: the note 'params' is about 'gone', which does not exist"),
    "G12 attribute": (
        graph(ops=(dataclasses.replace(RELU, attributes=(("dim", [1]),)),)),  # type: ignore[arg-type]
        "G12: the attribute 'dim' of op 'relu' is list, which JSON cannot keep",
    ),
    "G12 twice": (
        graph(ops=(dataclasses.replace(RELU, attributes=(("dim", 1), ("dim", 2))),)),
        "G12: an attribute of op 'relu' is given twice",
    ),
    "G12 slots": (
        graph(ops=(dataclasses.replace(RELU, inputs=RELU.inputs * 2),)),
        "G12: a slot name of op 'relu' is used twice",
    ),
    "G12 note": (
        graph(notes=(Note("", "k", object()),)),  # type: ignore[arg-type]
        "G12: the note 'k' about '' is object, which JSON cannot keep",
    ),
    "G12 data": (
        graph(values=(dataclasses.replace(X, data=({},)), Y)),  # type: ignore[arg-type]
        "G12: the data of value 'x' are not plain numbers or text",
    ),
    "G13 kind": (graph(values=(X, Y, Value("z", "tensor"))), "G13: value 'z' has the unknown kind 'tensor'"),  # type: ignore[arg-type]
    "G13 scope": (
        graph(scopes=(ROOT, Scope("a", "layer", "net"))),  # type: ignore[arg-type]
        "G13: scope 'a' has the unknown kind 'layer'",
    ),
    "G13 phase": (
        graph(ops=(dataclasses.replace(RELU, phase="later"),)),  # type: ignore[arg-type]
        "G13: op 'relu' is in the unknown phase 'later'",
    ),
    "G13 size": (
        graph(values=(dataclasses.replace(X, type=TensorType(None, (Dim(-1),))), Y)),
        "G13: value 'x' has a dimension of size -1",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_graph_that_breaks_one_rule_says_exactly_that(name: str) -> None:
    changes, message = BROKEN[name]
    with pytest.raises(InvalidGraph) as caught:
        Graph(**changes)  # type: ignore[arg-type]
    found = [v for v in caught.value.violations if not (name == "G13 kind" and v.startswith("G4"))]
    assert found == [message]


def test_the_graph_that_the_broken_ones_change_is_valid() -> None:
    assert violations(Graph(**graph())) == []  # type: ignore[arg-type]


def test_every_rule_of_the_module_has_a_graph_that_breaks_it() -> None:
    import netfig.graph.rules as rules

    documented = set(re.findall(r"^- (G\d+)", rules.__doc__ or "", re.MULTILINE))
    assert {message.partition(":")[0] for _, message in BROKEN.values()} == documented


def test_all_violations_are_raised_at_once() -> None:
    with pytest.raises(InvalidGraph) as caught:
        Graph("net", (X, X), (RELU,), (ROOT, ROOT), outputs=(Port("o", "gone"),))
    assert {v.partition(":")[0] for v in caught.value.violations} == {"G1", "G3", "G6", "G9"}


def test_an_earlier_value_of_a_storage_may_be_read_before_the_write_and_the_new_one_after() -> None:
    before, after = op("before", "x", "a"), op("after", "y", "b")
    values = (*IN_PLACE["values"], Value("a"), Value("b"))
    assert violations(Graph("net", values, (before, WRITE, after), (ROOT,))) == []  # type: ignore[arg-type]


def test_an_op_may_overwrite_a_storage_that_it_does_not_read() -> None:
    fill = Op("fill", "copy_", (Slot("source", (Ref("a"),)),), ("y",), "net", writes=("s",))
    values = (MEMORY, Value("y", storage="s"), Value("a", "input"))
    assert violations(Graph("net", values, (fill,), (ROOT,))) == []


def test_a_read_at_an_earlier_step_may_come_before_the_op_that_makes_the_value() -> None:
    h = Value("h", axes=("t",))
    cell = Op("cell", "tanh", (Slot("input", (Ref("h", (("t", -1),)),)),), ("h",), "steps")
    plate = Scope("steps", "plate", "net", axis="t")
    assert violations(Graph("net", (h,), (cell,), (ROOT, plate), axes=(T,))) == []


def test_an_id_may_have_any_printable_character_but_a_colon() -> None:
    assert [id_problem(name) for name in ("h[t=2]", "блок", "层 1", "🙂", 'a"b<c>')] == [""] * 5


def test_attributes_nest_up_to_the_documented_depth() -> None:
    def nested(depth: int) -> tuple[object, ...]:
        value: tuple[object, ...] = ()
        for _ in range(depth - 1):
            value = (value,)
        return value

    def make(value: tuple[object, ...]) -> Graph:
        return Graph(**graph(notes=(Note("", "k", value),)))  # type: ignore[arg-type]

    make(nested(MAX_NESTING))
    with pytest.raises(InvalidGraph, match="G12"):
        make(nested(MAX_NESTING + 1))


def long_chain(length: int, *, in_place: bool) -> Graph:
    """A chain of ops with weights, every third of them in place."""
    type = TensorType("float32", (Dim(1), Dim(64), Dim(32), Dim(32)))
    values, ops, scopes = [Value("x", "input", type, storage="s0")], [], [ROOT]
    last = "x"
    for i in range(length):
        scopes.append(Scope(f"layer{i}", "module", "net", owns=(f"layer{i}.weight",)))
        values.append(Value(f"layer{i}.weight", "parameter", type))
        out, writes = f"layer{i}/conv2d.out", ("input",) if in_place and i % 3 else ()
        values.append(Value(out, "computed", type, storage=f"s{i // 3}"))
        slots = (Slot("input", (Ref(last),)), Slot("weight", (Ref(f"layer{i}.weight"),)))
        attributes = (("stride", (1, 1)), ("padding", (1, 1)))
        ops.append(Op(f"layer{i}/conv2d", "conv2d", slots, (out,), f"layer{i}", attributes, writes=writes))
        last = out
    return Graph("net", tuple(values), tuple(ops), tuple(scopes))


@pytest.mark.parametrize("in_place", [False, True])
def test_checking_a_graph_takes_time_in_proportion_to_its_size(in_place: bool) -> None:
    def seconds(graph: Graph) -> float:
        best = float("inf")
        for _ in range(5):
            start = time.process_time()
            violations(graph)
            best = min(best, time.process_time() - start)
        return best

    small, large = long_chain(500, in_place=in_place), long_chain(4000, in_place=in_place)
    assert seconds(large) < 8 * 3 * seconds(small)  # a quadratic check would take 64 times as long
