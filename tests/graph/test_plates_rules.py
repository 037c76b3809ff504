"""What a graph with axes may not be: each rule has a graph that breaks just it; the message names the object."""

from __future__ import annotations

import dataclasses

import pytest

from netfig.errors import InvalidGraph, NetfigError
from netfig.graph import Affine, Axis, Dim, Graph, Op, Port, Ref, Scope, Slot, Value
from netfig.graph.rules import violations
from netfig.schema import graph_from_json, graph_to_json

ROOT, PLATE = Scope("net", "root", None), Scope("over t", "plate", "net", axis="t")
INNER = Scope("over t/over i", "plate", "over t", axis="i")
T, GROWING = Axis("t", "time", Dim(None, "T"), 1), Axis("i", "i", Dim(None, "t-1"), 1)
ZERO, X = Value("zero", "constant", data=(0,)), Value("x", "input", axes=("t",))
H = Value("h", axes=("t",), initial=(("t", 0, "zero"),))
LAST = (("t", Affine((("T", 1),))),)


def reads(*refs: Ref, id: str = "cell", makes: str = "h", scope: str = "over t") -> Op:
    """An op that reads some values."""
    return Op(id, "sum", (Slot("values", refs),), (makes,), scope)


def graph(**changes: object) -> dict[str, object]:
    """A small valid recurrence as keyword arguments, with changes."""
    plain = {
        "name": "net",
        "values": (X, ZERO, H),
        "ops": (reads(Ref("x"), Ref("h", (("t", -1),))),),
        "scopes": (ROOT, PLATE),
        "axes": (T,),
        "outputs": (Port("h", "h"),),
    }
    return plain | changes


def with_index(*at: tuple[str, Affine], offset: tuple[tuple[str, int], ...] = ()) -> dict[str, object]:
    """The same where the op reads x at an index."""
    return graph(ops=(reads(Ref("x", offset, at), Ref("h", (("t", -1),))),))


def bounded(**changes: object) -> dict[str, object]:
    """The same with other boundary values."""
    return graph(values=(X, ZERO, dataclasses.replace(H, **changes)))


STARTS = "G10: value 'h' starts from"
BROKEN = {
    "plate in plate": (
        graph(scopes=(ROOT, PLATE, Scope("again", "plate", "over t", axis="t"))),
        "G10: the plate 'again' stands in another plate over 't'",
    ),
    "step without index": (
        graph(scopes=(ROOT, PLATE, Scope("s", "step", "net", axis="t"))),
        "G10: the step 's' does not say which one it is: it has no attribute 'index'",
    ),
    "value without the plate's axis": (
        graph(values=(X, ZERO, H, Value("y")), ops=(*graph()["ops"], reads(Ref("x"), id="y/sum", makes="y"))),  # type: ignore[misc]
        "G10: op 'y/sum' in a plate over 't' makes 'y', which has no axis 't'",
    ),
    "two indices": (
        with_index(LAST[0], offset=(("t", -1),)),
        "G10: op 'cell' reads 'x' along 't' at two indices",
    ),
    "distance outside": (
        graph(
            values=(X, ZERO, H, Value("y")),
            ops=(*graph()["ops"], reads(Ref("h", (("t", -1),)), id="y/sum", makes="y", scope="net")),
        ),  # type: ignore[misc]
        "G10: op 'y/sum' reads 'h' at a distance along 't' and stands in no plate over it",
    ),
    "index that is no sum": (
        with_index(("t", Affine((("a b", 1),)))),
        "G10: op 'cell' reads 'x' along 't' at 'a b', which is no sum of names and whole numbers",
    ),
    "index of another plate": (
        graph(axes=(T, dataclasses.replace(GROWING, extent=Dim(2))), ops=with_index(("t", Affine((("t", 1), ("i", -1)))))["ops"]),
        "G10: op 'cell' reads 'x' along 't' at 't-i' and stands in no plate over 'i'",
    ),
    "place along no axis of the value": (
        graph(ops=(reads(Ref("zero", at=LAST)),)),
        "G10: op 'cell' reads 'zero' along the axis 't', which that value does not have",
    ),
    "place along no axis": (
        graph(ops=(reads(Ref("x", at=(("s", Affine((), 1)),)), Ref("h", (("t", -1),))),)),
        "G10: op 'cell' reads 'x' along the axis 's', which does not exist",
    ),
    "own index before it is made": (
        graph(ops=(reads(Ref("h")),)),
        "G5: op 'cell' reads 'h' before op 'cell' makes it",
    ),
    "distance of nothing": (
        graph(ops=(reads(Ref("h", (("t", 0),))),)),
        "G5: op 'cell' reads 'h' before op 'cell' makes it",
    ),
    "extent": (
        graph(axes=(dataclasses.replace(T, extent=Dim(None, "T // 2")),)),
        "G10: the extent 'T // 2' of axis 't' is no sum of names and whole numbers",
    ),
    "extent of itself": (
        graph(axes=(dataclasses.replace(T, extent=Dim(None, "t+1")),), scopes=(ROOT, PLATE)),
        "G10: the extent 't+1' of axis 't' depends on the axis itself",
    ),
    "range outside": (
        graph(axes=(T, GROWING), scopes=(ROOT, PLATE, Scope("over i", "plate", "net", axis="i"))),
        "G10: the range of the plate 'over i' depends on 't', and it stands in no plate over it",
    ),
    "initial inside": (bounded(initial=(("t", 1, "zero"),)), f"{STARTS} 'zero' at index 1 of 't', which begins at 1"),
    "initial twice": (
        bounded(initial=(("t", 0, "zero"), ("t", 0, "zero"))),
        f"{STARTS} 'zero' at index 0 of 't', where it has another boundary value",
    ),
    "initial with the axis": (
        bounded(initial=(("t", 0, "x"),)),
        f"{STARTS} 'x' at index 0 of 't', which has the axis 't' that does not fit",
    ),
    "final too early": (
        bounded(final=(("t", 0, "zero"),)),
        "G10: value 'h' ends with 'zero' 0 after the last index of 't'; the first after it is 1",
    ),
    "final of another axis": (
        bounded(final=(("s", 1, "zero"),)),
        "G10: value 'h' has a final value along 's', which is not one of its axes",
    ),
    "final of nothing": (
        bounded(final=(("t", 1, "gone"),)),
        "G3: value 'h' ends with 'gone' at index 1, which does not exist",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_recurrence_that_breaks_one_rule_says_exactly_that(name: str) -> None:
    changes, message = BROKEN[name]
    with pytest.raises(InvalidGraph) as caught:
        Graph(**changes)  # type: ignore[arg-type]
    extra = {
        "extent of itself": "G10: the range of the plate",
        "place along no axis of the value": "G10: op 'cell' reads 'zero' at",
    }
    assert [v for v in caught.value.violations if not v.startswith(extra.get(name, "-"))] == [message]


def test_the_recurrence_that_the_broken_ones_change_is_valid() -> None:
    assert violations(Graph(**graph())) == []  # type: ignore[arg-type]


def test_an_index_comes_back_from_json_as_it_was() -> None:
    """`at` with axes, sizes, factors and negative numbers, beside an offset."""
    inner = Value("q", axes=("t", "i"))
    place = Affine((("t", 1), ("i", -2), ("K", 3)), -4)
    op = Op("q/sum", "sum", (Slot("values", (Ref("x", at=(("t", place),)), Ref("q", (("i", -1),)))),), ("q",), INNER.id)
    inner = dataclasses.replace(inner, initial=(("i", 0, "zero"),), final=(("i", 1, "zero"),))
    made = Graph("net", (X, ZERO, inner), (op,), (ROOT, PLATE, INNER), axes=(T, GROWING))
    assert graph_from_json(graph_to_json(made)) == made
    assert b'"at": [["t", "t-2*i+3*K-4"]]' in graph_to_json(made)


def test_an_index_that_is_no_sum_is_named_with_its_place_in_the_file() -> None:
    data = graph_to_json(Graph(**with_index(LAST[0])))  # type: ignore[arg-type]
    with pytest.raises(NetfigError, match=r"ops\[0\].*an index is a sum of names and whole numbers such as 't-1', not 'T\*T'"):
        graph_from_json(data.replace(b'["t", "T"]', b'["t", "T*T"]'))


def test_the_text_of_a_recurrence_reads_like_its_equations() -> None:
    made = Graph(**graph(axes=(T,), values=(X, ZERO, dataclasses.replace(H, final=(("t", 1, "zero"),)))))  # type: ignore[arg-type]
    lines = made.text().splitlines()
    assert "  h[t] at t=0 is zero" in lines
    assert "  h[t] at t=T+1 is zero" in lines
    assert "      h[t] = sum([x[t], h[t-1]])  ?" in lines


def test_the_text_shows_what_is_read_at_all_indices() -> None:
    outside = Op("m/sum", "sum", (Slot("values", (Ref("h"), Ref("h", at=LAST))),), ("m",), "net")
    made = Graph(**graph(values=(X, ZERO, H, Value("m")), ops=(*graph()["ops"], outside)))  # type: ignore[arg-type, misc]
    assert "m/sum: sum(values=[h[t=:], h[T]]) → m ?" in made.text()
