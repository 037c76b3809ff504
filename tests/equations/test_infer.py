"""What `infer` finds out about names, and what it says of programs that do not fit together."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from netfig.equations import infer, parse
from netfig.errors import InvalidProgram, UsageError

CASES = json.loads((Path(__file__).parents[2] / "examples/cases.json").read_text())
ELMAN = """
h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)
y[t] = W_hy h[t] + b_y
"""


def shapes(source: str, **sizes: int) -> dict[str, str]:
    """``4×3`` by name, ``scalar`` where there is no size."""
    found = infer(parse(source), sizes).symbols
    return {name: "×".join(map(str, symbol.shape)) or "scalar" for name, symbol in found.items()}


def roles(source: str) -> dict[str, str]:
    return {name: symbol.role for name, symbol in infer(parse(source)).symbols.items()}


def mistakes(source: str) -> list[tuple[int, str, str]]:
    """Line, text, and why with hint, of each mistake."""
    with pytest.raises(InvalidProgram) as caught:
        infer(parse(source))
    error = caught.value
    return [(error.place(p)[0], p.what, f"{p.why} {p.hint}") for p in error.problems]


class TestNames:
    def test_read_but_never_defined_with_an_index_is_an_input_without_one_a_parameter(self):
        assert roles(ELMAN) == {
            **dict.fromkeys(("h", "y"), "computed"),
            "x": "input",
            **dict.fromkeys(("W_xh", "W_hh", "b_h", "W_hy", "b_y"), "parameter"),
        }

    def test_a_component_of_a_vector_is_no_family(self):
        source = "a[t] = softmax(W x[t])\ny[t] = a_1[t] x[t]"
        assert shapes(source)["a"] == "n_a"
        assert "a_1" not in shapes(source)

    def test_a_family_over_a_range_is_one_name_with_an_axis(self):
        found = infer(parse("y[t] = sum(A_i x[t-i] for i = 1..3)")).symbols
        assert (found["A"].axes, found["x"].axes) == (("i",), ("t",))

    def test_members_of_one_family_defined_apart_are_pieces(self):
        found = infer(parse("q_0[t] = A x[t]\nq_i[t] = B x[t-i] for i = 1..3\ny[t] = sum(q_i[t] for i = 0..3)")).symbols
        assert found["q_0"].axes == ("t",)
        assert found["q"].axes == ("t", "i")

    def test_the_last_member_of_a_family_may_be_named_by_its_size(self):
        found = infer(parse("s_0[t] = s_L[t-1] + x[t]\ns_l[t] = tanh(R_l s_{l-1}[t]) for l = 1..L")).symbols
        assert set(found) == {"s_0", "s", "x", "R"}

    def test_an_equation_for_the_next_step_is_read_as_one_for_this_step(self):
        found = infer(parse("h[t+1] = h[t] + W x[t]"))
        reads = {node.thing.id: dict(node.offset) for thing in found.resolved.things.values() for node in thing.reads}
        assert reads == {"h": {"t": -1}, "x": {"t": -1}, "W": {}}


class TestShapes:
    def test_the_elman_network_has_the_shapes_of_the_textbook(self):
        assert shapes(ELMAN) == {
            "h": "n_h", "y": "n_y", "x": "n_x", "b_h": "n_h", "b_y": "n_y",
            "W_xh": "n_h×n_x", "W_hh": "n_h×n_h", "W_hy": "n_y×n_h",
        }  # fmt: skip

    def test_the_three_layer_case_has_the_shapes_of_the_answer_sheet(self):
        source = "x[t] : 3, h[t] : 4, ŷ[t] : 2\nz[t] = W_hh h[t-1] + W_hx x[t]\nh[t] = ψ(z[t])\no[t] = W_yh h[t]\nŷ[t] = σ(o[t])"
        expected = CASES["rnn_cmu"]
        found = shapes(source)
        assert {n: found[n] for n in ("W_hx", "W_hh", "W_yh")} == {
            n: "×".join(map(str, expected[n])) for n in ("W_hx", "W_hh", "W_yh")
        }
        assert found["z"] == found["h"] == str(expected["h"])

    def test_the_gate_of_the_gated_case_is_inferred(self):
        source = "x[t] : n, h[t] : m\nc[t] = σ(W_c x[t] + W_h h[t-1])\nh[t] = c[t] ⊙ h[t-1] + (1 - c[t]) ⊙ W_x x[t]"
        assert shapes(source) == {"c": "m", "h": "m", "W_c": "m×n", "x": "n", "W_h": "m×m", "W_x": "m×n"}

    def test_the_attention_weights_of_the_last_two_states_and_the_input_are_three(self):
        source = """K = 2
            q_0[t] = Q_0 x[t];  q_i[t] = Q_i h[t-i] for i = 1..K
            k_0[t] = K_0 x[t];  k_i[t] = K_i h[t-i] for i = 1..K
            v_0[t] = V_0 x[t];  v_i[t] = V_i h[t-i] for i = 1..K
            w_i[t] = q_i[t]ᵀ k_i[t] for i = 0..K
            a[t] = softmax([w_i[t] for i = 0..K])
            h[t] = sum(a_i[t] v_i[t] for i = 0..K)"""
        found = infer(parse(source)).symbols
        assert [d.size for d in found["a"].shape] == [3]
        assert found["w"].shape == found["w_0"].shape == ()

    @pytest.mark.parametrize(
        ("source", "expected"),
        [
            ("h[t] = relu(w h[t-1] + u x[t])", {"h": "scalar", "x": "scalar", "w": "scalar", "u": "scalar"}),
            ("c[t] = f[t] c[t-1] + i[t] c̃[t]", dict.fromkeys(("c", "f", "i", "c_tilde"), "scalar")),
            ("h[t] = relu(W x[t] + u ⊙ h[t-1] + b)", {"u": "n_h", "b": "n_h", "W": "n_h×n_x"}),
            ("h[t] = (1 - α) h[t-1] + α tanh(W h[t-1] + U x[t])", {"α": None, "h": "n_h", "alpha": "scalar"}),
            ("h[t] = tanh(λ ⊙ h[t-1] + W x[t])", {"lambda": "n_h"}),
            ("S[t] = λ S[t-1] + v[t] k[t]ᵀ\no[t] = S[t] q[t]", {"S": "n_v×n_k", "lambda": "scalar", "q": "n_k", "o": "n_v"}),
            ("m[t] = A m[t-1] + B u[t]\nu[t] = eᵀ x[t]", {"u": "scalar", "B": "n_m", "A": "n_m×n_m", "e": "n_x"}),
            ("h[t] = tanh(W [h[t-1]; x[t]] + b)", {"W": "n_h×n_h+n_x"}),
            ("e_j[t] = vᵀ tanh(W s[t-1] + U h[j]) for j = 1..S\nc[t] = sum(e_j[t] h[j] for j = 1..S)\ns[t] = tanh(V c[t])",
             {"e": "scalar", "v": "n_v", "W": "n_v×n_s", "U": "n_v×n_h"}),
            ("h[t] = W x[t]\ns[t] = q[t]ᵀ h[t] / √d_k", {"s": "scalar", "q": "n_q", "h": "n_q", "d_k": None}),
            ("θ[t] = θ[t-1] - η m[t] / (√v[t] + ε)", {"theta": "n_m", "eta": "scalar", "epsilon": "scalar"}),
        ],
        ids=["chain", "highway", "indrnn", "leaky", "diagonal", "outer product", "lmu", "joined", "scores", "root", "adam"],
    )  # fmt: skip
    def test_names_are_read_as_a_student_means_them(self, source, expected):
        found = shapes(source)
        assert {name: found.get(name) for name in expected} == expected

    def test_numbers_for_sizes_may_be_given_by_name_or_by_an_input(self):
        assert shapes("x[t] : n, h[t] : m\nh[t] = W x[t]", n=3, m=4)["W"] == "m×n"
        found = infer(parse("h[t] = W x[t]"), {"x": 3, "n_h": 4}).symbols["W"].shape
        assert [d.size for d in found] == [4, 3]

    def test_a_number_for_something_that_is_no_size_is_refused_with_what_there_is(self):
        with pytest.raises(UsageError, match="no size 'q'") as caught:
            infer(parse(ELMAN), {"q": 3})
        assert "n_x" in caught.value.hint


class TestMistakes:
    def test_a_contradiction_names_the_shapes_and_the_lines_that_made_them(self):
        ((line, what, why),) = mistakes("x[t] : 3\nW : 4×5\nh[t] = tanh(W x[t])")
        assert (line, what) == (3, "the inner sizes of this product differ")
        assert [part for part in ("4×5", "of 3", "line 2", "line 1") if part not in why] == []

    def test_two_names_for_sizes_are_two_sizes(self):
        ((line, what, why),) = mistakes("x[t] : n, h[t] : m\ny[t] = h[t] + x[t]")
        assert (line, what) == (2, "these shapes differ")
        assert [part for part in ("of m", "of n") if part not in why] == []

    def test_all_contradictions_are_listed_at_once(self):
        source = "x[t] : 3, h[t] : 4, y[t] : 2\nW : 4×5\nV : 3×4\nh[t] = tanh(W x[t])\ny[t] = V h[t]"
        assert [line for line, _, _ in mistakes(source)] == [4, 5]

    @pytest.mark.parametrize(
        ("source", "line", "what"),
        [
            ("h[t] = tanh(W x[t] + U h[t])", 1, "within one step h needs h"),
            ("a[t] = W b[t]\nb[t] = V c[t]\nc[t] = U a[t] + x[t]", 1, "within one step a needs b needs c needs a"),
            ("h[t] = sum(W h[t-i] for i = 0..2)", 1, "within one step h needs h"),
            ("h[t] = tanh(U h[t-1] + V h[t+1])", 1, "h would need both its past ('h[t-1]') and its future ('h[t+1]')"),
            ("h[t] = W x[t]\nh[t] = V x[t]", 2, "h is defined twice"),
            ("q_i[t] = Q_i x[t] for i = 1..3\nq_2[t] = P x[t]", 2, "q is defined twice"),
            ("h[0] = 0; h[0] = 1\nh[t] = h[t-1] + x[t]", 1, "h[0] is given twice"),
            ("h[t] = tanh(W x[s])", 1, "the index s of x is not defined"),
            ("h[t] = W x[t] for i = 1..K", 1, "the index i does not stand on the left of this equation"),
            ("h[t] = sum(W x[t-i] for i = 3..1)", 1, "the range i = 3..1 ends before it begins"),
            ("h[t] = sum(W h[t-i] for i = 1..t-3)", 1, "the range i = 1..t-3 ends before it begins at t = 1"),
            ("h[l,t] = tanh(W h[l-1,t] + U h[l,t-1])", 1, "h[0, t] is read and never given"),
            ("hidden[t] = tanh(W x[t] + U hiden[t-1])", 1, "nothing defines hiden"),
            ("h[t] = W h[t-1]\ny = V h[t]", 2, "the index t of h is not defined in this equation"),
            ("h[t] = sum(W x[t-i] for i = 0..)", 1, "the range of i has no end"),
            ("h[t] = sum(W x[t-i] for i = i..3)", 1, "the range of i depends on itself"),
            ("h[t] = W h[t-20000]", 1, "h is read 20,000 steps before its range; at most 1,000 can be"),
            ("h[1] = W x[1]\nh[t] = U h[t-1]", 1, "h[1] is neither before the range of t nor after it"),
            ("z[t] : n\nh[t] = tanh(W x[t])", 1, "z has a size and stands in no equation"),
            ("x[t] : 2×3×4\ny[t] = W x[t]", 1, "x has 3 sizes"),
            ("h[t] = tanh(W x)\ny[t] = x[t]", 1, "x has 1 index elsewhere, here it has 0"),
            ("h[t] = f[t] h[t-1] + W x[t]\nf[t] = σ(V x[t])", 1,
             "'f[t]' and 'h[t-1]' are vectors and cannot be multiplied as matrices"),
            ("a : scalar\nx[n] = (1 - a) x[n-1]^T a tanh(V u[n] + W x[n-1])\ny[n] = U [x[n]; u[n]]", 2,
             "x has no shape that fits all that is done with it"),
        ],
    )  # fmt: skip
    def test_each_mistake_is_named_at_its_line(self, source, line, what):
        assert [(found, text) for found, text, _ in mistakes(source)] == [(line, what)]

    def test_a_slip_is_answered_with_the_name_that_was_meant(self):
        ((_, _, hint),) = mistakes("hidden[t] = tanh(W x[t] + U hiden[t-1])")
        assert "did you mean hidden?" in hint

    def test_the_text_of_an_error_points_at_the_place(self):
        with pytest.raises(InvalidProgram) as caught:
            infer(parse("y[t] = V h[t]\nh[t] = tanh(W x[t] + U h[t])"))
        lines = str(caught.value).splitlines()
        place = next(i for i, line in enumerate(lines) if "tanh" in line)
        assert lines[place][lines[place + 1].index("^") :].startswith("h[t])")

    def test_two_states_one_for_each_direction_are_fine(self):
        assert shapes("f[t] = tanh(W x[t] + U f[t-1])\nb[t] = tanh(W x[t] + V b[t+1])\ny[t] = f[t] + b[t]")
