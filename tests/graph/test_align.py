"""Aligning two graphs: what is the same, changed, added, removed, moved; and that nothing is counted twice or lost."""

from __future__ import annotations

import pytest
import torch
from compared_models import Block, Branches, Norms, Plain, Renamed, Skip, Tied, Wrapped, of, plain
from torch import nn

import netfig
from netfig.graph import Graph, Op
from netfig.graph.align import Alignment, Item, align
from netfig.graph.align_totals import totals
from netfig.graph.repeats import fold_repeats

CELLS = ("elman", "lstm", "gru", "mgu", "bahdanau", "encoder-decoder")


def differing(alignment: Alignment) -> dict[str, Item]:
    """Modules that are not the same, by path."""
    return {
        item.item.path: item
        for item in alignment.root.walk()
        if not isinstance(item.item, Op) and item.item.kind == "module" and item.state != "same"
    }


def said(item: Item) -> list[str]:
    return [str(change) for change in item.changes]


def check_accounts(alignment: Alignment) -> None:
    """Every op and scope of both graphs stands in the tree exactly once, and partners are of one sort."""
    items = list(alignment.root.walk())
    for side, graph in (("before", alignment.before), ("after", alignment.after)):
        there = [one for item in items if (one := getattr(item, side)) is not None]
        assert sorted(o.id for o in there if isinstance(o, Op)) == sorted(o.id for o in graph.ops)
        assert sorted(s.id for s in there if not isinstance(s, Op)) == sorted(s.id for s in graph.scopes)
    assert len(set(alignment.values.values())) == len(alignment.values)
    for item in items:
        if item.before is not None and item.after is not None:
            assert isinstance(item.before, Op) == isinstance(item.after, Op)


def pairs() -> list[tuple[str, Graph, Graph]]:
    narrow, wide = plain(narrow=1), plain(width=16)
    return [
        ("width", plain(), wide),
        ("one layer", plain(), narrow),
        ("more layers", plain(), plain(count=5)),
        ("renamed", plain(), of(Renamed())),
        ("wrapped", plain(), of(Wrapped())),
        ("unwrapped", of(Wrapped()), plain()),
        ("norms", of(Norms(False)), of(Norms(True))),
        ("branches", of(Branches(False)), of(Branches(True))),
        ("skip", of(Skip(False)), of(Skip(True))),
        ("another model", plain(), of(Skip(True))),
    ]


@pytest.mark.parametrize(("before", "after"), [p[1:] for p in pairs()], ids=[p[0] for p in pairs()])
def test_every_op_of_both_graphs_is_accounted_for_once(before, after):
    check_accounts(align(before, after))
    check_accounts(align(after, before))


@pytest.mark.parametrize("graph", [p[2] for p in pairs()], ids=[p[0] for p in pairs()])
def test_a_graph_does_not_differ_from_itself(graph):
    found = align(graph, graph)
    assert found.is_equal
    assert set(found.counts.values()) == {0, len(graph.ops)}
    assert (found.removed_wires, found.added_wires, found.ports) == ((), (), ())


@pytest.mark.parametrize("name", CELLS)
@pytest.mark.parametrize("other", CELLS)
def test_recurrences_are_aligned_too(name, other):
    graphs = [netfig.trace(f"cell:{word}") for word in (name, other)]
    found = align(*graphs)
    check_accounts(found)
    assert found.is_equal == (name == other)


def test_a_folded_graph_is_compared_unfolded():
    graph = plain(count=4)
    assert align(fold_repeats(graph), graph).is_equal


def test_another_width_changes_the_layers_that_have_it_and_no_other():
    found = differing(align(plain(), plain(width=16)))
    assert {path.rpartition(".")[2] for path in found} == {"embed", "norm", "up", "down", "head"}
    assert said(found["layers.0.up"]) == ["in features 8 → 16", "out features 16 → 32"]
    assert all(item.state == "changed" for item in found.values())


def test_a_change_in_one_layer_is_found_in_that_layer():
    found = align(plain(count=12), plain(count=12, narrow=7))
    assert set(differing(found)) == {"layers.7.up", "layers.7.down"}


def test_layers_that_are_added_at_the_end_are_added_and_the_others_the_same():
    found = differing(align(plain(), plain(count=5)))
    assert {path: item.state for path, item in found.items() if path.count(".") == 1} == {
        "layers.3": "added",
        "layers.4": "added",
    }


def test_adding_is_the_reverse_of_removing():
    there, back = align(plain(), plain(count=5)), align(plain(count=5), plain())
    assert there.counts["added"] == back.counts["removed"] > 0
    assert {w.value for w in there.added_wires} == {w.value for w in back.removed_wires}


def test_a_layer_that_is_inserted_into_a_sequence_does_not_change_those_behind_it():
    first = nn.Sequential(nn.Linear(4, 4), nn.ReLU(), nn.Linear(4, 6))
    second = nn.Sequential(nn.Linear(4, 4), nn.LayerNorm(4), nn.ReLU(), nn.Linear(4, 6))
    found = differing(align(of(first), of(second)))
    assert {path: item.state for path, item in found.items()} == {"1": "added"}


def test_a_layer_in_the_place_of_another_is_a_change_of_its_class():
    found = align(of(Block(nn.ReLU())), of(Block(nn.GELU())))
    assert said(differing(found)["middle"]) == ["class ReLU → GELU"]


def test_a_block_in_the_place_of_a_wholly_different_one_is_removed_and_added():
    class Gate(nn.Module):
        def forward(self, x):
            return torch.sigmoid(x).mul(x).cumsum(-1)

    class Mixer(nn.Module):
        def __init__(self):
            super().__init__()
            self.norm, self.mix = nn.LayerNorm(4), nn.Linear(4, 4)

        def forward(self, x):
            return self.mix(self.norm(x))

    found = align(of(Block(Gate())), of(Block(Mixer())))
    states = {(i.state, i.item.type_name) for i in found.root.walk() if not isinstance(i.item, Op) and i.state != "same"}
    assert {("removed", "Gate"), ("added", "Mixer")} <= states
    assert found.counts["removed"] == 3


def test_a_module_of_another_name_is_the_same_module_under_another_name():
    found = differing(align(plain(), of(Renamed())))
    assert {path: said(item) for path, item in found.items()} == {"classifier": ["name head → classifier"]}


def test_a_model_inside_another_is_found_there():
    found = align(plain(), of(Wrapped()))
    assert found.counts == {"same": len(plain().ops), "changed": 0, "added": 1, "removed": 0}
    assert set(differing(found)) == {"backbone"}


def test_a_module_that_is_called_elsewhere_has_moved():
    found = align(of(Norms(False)), of(Norms(True)))
    moved = {(item.state, item.item.path, item.moved) for item in found.root.walk() if item.moved}
    assert moved == {("removed", "norm", "norm"), ("added", "norm", "norm")}


def test_calls_in_another_order_that_do_not_depend_on_each_other_are_the_same():
    found = align(of(Branches(False)), of(Branches(True)))
    assert set(differing(found)) <= {""}  # the model's own setting
    assert found.counts["same"] == len(found.before.ops)


def test_a_skip_from_elsewhere_is_one_wire_less_and_one_more():
    found = align(of(Skip(False)), of(Skip(True)))
    assert (len(found.removed_wires), len(found.added_wires)) == (1, 1)
    assert found.counts["same"] == len(found.before.ops)
    assert not found.is_equal


def test_a_weight_that_is_shared_with_another_layer_is_said():
    tokens = torch.zeros(1, 3, dtype=torch.long)
    found = align(*(netfig.trace(Tied(tied), tokens) for tied in (False, True)))
    assert "reads head.weight → embedding.weight" in [str(c) for item in found.root.walk() for c in item.changes]


def test_inputs_in_another_order_are_a_change_where_the_order_matters():
    class Subtract(nn.Module):
        def __init__(self, swap):
            super().__init__()
            self.swap, self.a = swap, nn.Linear(4, 4)

        def forward(self, x):
            y = self.a(x)
            return y - x if self.swap else x - y

    class Add(Subtract):
        def forward(self, x):
            y = self.a(x)
            return y + x if self.swap else x + y

    counts = [align(of(kind(False)), of(kind(True))).counts["changed"] for kind in (Subtract, Add)]
    assert counts == [1, 0]


def test_another_size_of_the_input_is_a_difference_though_no_layer_is_changed():
    graphs = [of(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()), 1, 3, size, size) for size in (8, 16)]
    found = align(*graphs)
    assert not found.is_equal
    assert str(found.ports[0]).endswith("1×3×8×8 → 1×3×16×16")
    assert found.counts["changed"] == 0


@pytest.mark.parametrize(("before", "after"), [({}, {"width": 16}), ({}, {"count": 7}), ({"narrow": 0}, {"narrow": 2})])
def test_parameters_before_and_after_are_those_torch_counts(before, after):
    expected = tuple(sum(p.numel() for p in Plain(**sizes).parameters()) for sizes in (before, after))
    assert totals(align(plain(**before), plain(**after))).params == expected


def test_long_rows_are_aligned_in_little_time():
    def chain(changed: int | None) -> Graph:
        layers = [nn.Tanh() if k == changed else nn.ReLU() if k % 2 else nn.Sigmoid() for k in range(900)]
        return of(nn.Sequential(*layers), 2, 4)

    found = align(chain(None), chain(451))
    check_accounts(found)
    assert set(differing(found)) == {"451"}
