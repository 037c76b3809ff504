"""Recurrences at the command line: how equations come in, what is done with them, and how mistakes end."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest
from commandline import Netfig

import netfig as api
from netfig.errors import UsageError

ELMAN = "h[t] = tanh(W_xh x[t] + W_hh h[t-1] + b_h)\ny[t] = W_hy h[t] + b_y\n"
GATED = "x[t] : n,  h[t] : m  # sizes\nc[t] = σ(W_c x[t] + W_h h[t-1])\nh[t] = c[t] ⊙ h[t-1] + (1 - c[t]) ⊙ W_x x[t]\n"
ATTENTION = (
    "K = 2\nq_0[t] = Q_0 x[t];  q_i[t] = Q_i h[t-i]  for i = 1..K\nk_0[t] = K_0 x[t];  k_i[t] = K_i h[t-i]  for i = 1..K\n"
    "v_0[t] = V_0 x[t];  v_i[t] = V_i h[t-i]  for i = 1..K\nw_i[t] = q_i[t]ᵀ k_i[t]  for i = 0..K\n"
    "a[t] = softmax([w_i[t] for i = 0..K])\nh[t] = sum(a_i[t] v_i[t] for i = 0..K)\n"
)


class TestComingIn:
    @pytest.mark.parametrize("program", [ELMAN, GATED, ATTENTION])
    def test_a_program_gives_the_same_figure_from_stdin_file_string_and_in_every_spelling(
        self, netfig: Netfig, here: Path, program
    ):
        wanted = netfig("draw", "-", stdin=program)
        assert wanted.code == 0
        assert wanted.stderr == ""
        ElementTree.fromstring(wanted.stdout)
        assert netfig("draw", program).stdout == wanted.stdout
        (here / "recurrence.rnn").write_bytes(b"\xef\xbb\xbf" + program.replace("\n", "\r\n").encode())
        assert netfig("draw", "recurrence.rnn").stdout == wanted.stdout
        for style in ("unicode", "ascii", "latex"):
            spelled = netfig("fmt", "-", "--style", style, stdin=program).stdout
            assert netfig("draw", "-", stdin=spelled).stdout == wanted.stdout

    @pytest.mark.parametrize("target", ["h = tanh(W x + b)", "h_t = W x_t", "h[t] = W x[t]"])
    def test_equations_with_any_or_no_index_are_taken_for_equations(self, netfig: Netfig, target):
        assert netfig("trace", target).code == 0

    def test_indices_in_round_brackets_are_explained_and_not_taken_for_python(self, netfig: Netfig):
        done = netfig("draw", "h(t) = W x(t-1)")
        assert (done.code, done.error_line) == (3, "netfig: error: indices stand in square brackets")
        assert "hint: write h[t]" in done.stderr

    def test_a_saved_graph_is_drawn_like_its_equations(self, netfig: Netfig, here: Path):
        assert netfig("trace", ELMAN, "-o", "g.json").code == 0
        assert netfig("draw", "g.json").stdout == netfig("draw", ELMAN).stdout

    def test_fmt_takes_a_cell_of_the_library_and_equations_themselves(self, netfig: Netfig):
        assert "sigmoid(" in netfig("fmt", "cell:gru", "--style", "ascii").stdout
        assert netfig("fmt", "h[t]=sigmoid(W x[t])").stdout == "h[t] = σ(W x[t])\n"

    def test_fmt_writes_only_files(self, netfig: Netfig, here: Path):
        done = netfig("fmt", "cell:gru", "--write")
        assert (done.code, done.error_line) == (2, "netfig: error: 'cell:gru' is no file that could be written")
        assert list(here.iterdir()) == []


class TestCheck:
    def test_good_equations_are_counted(self, netfig: Netfig, here: Path):
        (here / "elman.rnn").write_text("# title: Elman\n" + ELMAN)
        done = netfig("check", "elman.rnn")
        assert (done.code, done.stdout) == (0, "ok  elman.rnn  recurrence: 'Elman', 2 equations, 1 input, 5 parameters\n")

    def test_shapes_that_do_not_fit_are_said_with_their_place(self, netfig: Netfig, here: Path):
        (here / "bad.rnn").write_text("h[t] : 3;  x[t] : 4\nh[t] = x[t]\n")
        done = netfig("check", "bad.rnn", "--json")
        (row,) = json.loads(done.stdout)
        assert done.code == 3
        assert row["what"] == "the right side is a vector of 4, the left side is a vector of 3"
        assert row["where"].splitlines()[0] == "bad.rnn:2: h[t] = x[t]"


class TestMistakes:
    @pytest.mark.parametrize(
        ("source", "line"),
        [
            (b"", "there is no equation"),
            (b"# only\n# comments\n", "there is no equation"),
            (b"h[t] = simgoid(W x[t])", "'simgoid' is no function"),
            (b"h[t] = " + b"(" * 1000 + b"x[t]" + b")" * 1000, "brackets more than 40 deep"),
            (b"h[t] = W x[t]\n" * 800_000, "a program has at most 100000 characters, this has 11200000"),
            ("h[t] = W x[t]".encode("utf-16"), "recurrence file 'standard input' is not UTF-8 text"),
            (b"T = 0\nh[t] = h[t-1]", "T is at least 1, not 0"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_read_ends_with_code_3_and_writes_nothing(self, netfig: Netfig, here: Path, source, line):
        done = netfig("draw", "-", "-o", "a.svg", "-o", "a.pdf", stdin=source)
        assert (done.code, done.error_line) == (3, f"netfig: error: {line}")
        assert list(here.iterdir()) == []

    @pytest.mark.parametrize(
        ("words", "line"),
        [
            (("draw", ELMAN, "--highlight", "z[1]"), "there is no 'z[1]' in the figure"),
            (("draw", ELMAN, "-r", "cell", "--with-unrolled"), "the renderer 'cell' has no --with-unrolled"),
            (("draw", ELMAN, "--steps", "3", "--opt", "unrolled.steps=4"),
             "--steps 3 and unrolled.steps=4 ask for different things"),
            (("draw", "h = W x", "--steps", "3"), "the renderer 'modules' has no --steps"),
            (("draw", ELMAN, "--all-steps"), "there is no number of steps to draw: T is only a name"),
            (("draw", ELMAN, "--input", "T=0"), "the size T is at least 1, not 0"),
            (("draw", ELMAN, "--input", "x=0"), "the size x is at least 1, not 0"),
            (("draw", ELMAN, "--batch", "4", "--train"), "equations take no --batch and no --train"),
            (("trace", "cell:lstm", "--device", "cpu", "--partial"), "equations take no --device and no --partial"),
            (("draw", "cell:lst"), "there is no cell 'lst'"),
            (("evaluate", ELMAN, "--steps", "2", "--size", "n_x=99999,n_h=99999,n_y=2"),
             "20,000,000,000 random numbers are too many"),
            (("evaluate", ELMAN, "--steps", "2", "--size", "n_x=2,n_h=2,n_y=2", "--seed", "9" * 30),
             f"the seed {'9' * 30} is out of range"),
        ],
    )  # fmt: skip
    def test_what_cannot_be_asked_ends_with_code_2_and_writes_nothing(self, netfig: Netfig, here: Path, words, line):
        done = netfig(*words, *(("-o", "a.svg") if words[0] == "draw" else ()))
        assert (done.code, done.error_line) == (2, f"netfig: error: {line}")
        assert list(here.iterdir()) == []

    def test_a_missing_number_is_asked_for_as_the_command_line_takes_it(self, netfig: Netfig):
        done = netfig("evaluate", "h[t] = W h[t-1]", "--steps", "2")
        assert "--size n_h=3" in done.stderr
        done = netfig("trace", ELMAN, "--pass", "unroll")
        assert "--opt unroll.extent=3" in done.stderr
        assert netfig("trace", ELMAN, "--pass", "unroll", "--opt", "unroll.extent=3").code == 0


class TestWhatModelsTake:
    def test_a_project_may_say_how_its_models_are_run_and_draw_equations_too(self, netfig: Netfig, here: Path):
        wanted = netfig("draw", ELMAN).stdout
        assert netfig("draw", ELMAN, env={"NETFIG_DRAW_BATCH": "4"}).stdout == wanted
        (here / "pyproject.toml").write_text('[tool.netfig]\ndevice = "cpu"\n[tool.netfig.draw]\neval = false\n')
        assert netfig("draw", ELMAN).stdout == wanted
        assert netfig("draw", ELMAN, "--device", "meta").code == 2

    def test_a_saved_graph_takes_none_of_it_either(self, netfig: Netfig, here: Path):
        netfig("trace", ELMAN, "-o", "g.json")
        done = netfig("draw", "g.json", "--batch", "2", "--device", "cpu")
        assert (done.code, done.error_line) == (2, "netfig: error: the saved graph 'g.json' takes no --batch and no --device")


class TestSteps:
    def test_a_number_of_steps_among_the_equations_is_that_of_the_figure(self, netfig: Netfig):
        drawn = netfig("draw", f"T = 4\n{ELMAN}", "--all-steps", "-f", "json")
        assert drawn.code == 0
        assert drawn.stdout == netfig("draw", f"T = 4\n{ELMAN}", "--steps", "9", "-f", "json").stdout

    def test_an_option_of_the_command_can_stand_in_the_environment(self, netfig: Netfig):
        assert netfig("draw", ELMAN, env={"NETFIG_DRAW_STEPS": "5"}).stdout == netfig("draw", ELMAN, "--steps", "5").stdout


class TestFromPython:
    @pytest.mark.parametrize(
        ("given", "words"),
        [
            ({"steps": 4}, ("--steps", "4")),
            ({"steps": 7, "all_steps": True}, ("--steps", "7", "--all-steps")),
            ({"highlight": "h[3]"}, ("--highlight", "h[3]")),
            ({"with_unrolled": True}, ("--with-unrolled",)),
            ({"with_unrolled": True, "steps": 2}, ("--with-unrolled", "--steps", "2")),
            ({"renderer": "cell"}, ("--renderer", "cell")),
            ({"steps": 4, "options": {"unrolled.steps": 4}}, ("--steps", "4", "--opt", "unrolled.steps=4")),
        ],
    )
    def test_what_the_command_has_a_short_name_for_draw_takes_by_the_same(self, netfig: Netfig, given, words):
        assert api.draw(ELMAN, **given).svg() == netfig("draw", ELMAN, *words).stdout

    @pytest.mark.parametrize(
        ("given", "what", "hint"),
        [
            ({"with_unrolled": True, "renderer": "unrolled"}, "the renderer 'unrolled' has no with_unrolled", "folded"),
            ({"with_unrolled": True, "all_steps": True}, "the renderer 'folded' has no all_steps", "unrolled"),
            ({"steps": 3, "renderer": "cell"}, "the renderer 'cell' has no steps", "unrolled"),
            ({"depth": 1}, "the renderer 'unrolled' has no depth", "modules"),
            ({"steps": 2, "options": {"unrolled.steps": 3}}, "steps 2 and unrolled.steps=3 ask for different things", "one of"),
            ({"steps": "many"}, "unrolled.steps must be", ""),
            ({"steps": 0}, "the options of 'unrolled' do not fit together", ""),
            ({"highlight": "z[1]"}, "there is no 'z[1]' in the figure", ""),
        ],
    )  # fmt: skip
    def test_what_does_not_fit_together_is_said_with_what_would(self, given, what, hint):
        with pytest.raises(UsageError) as raised:
            api.draw(ELMAN, **given)
        assert raised.value.what.startswith(what)
        assert hint in raised.value.hint

    def test_what_is_wrong_is_said_before_the_model_runs(self):
        def model():
            raise AssertionError("it ran")

        with pytest.raises(UsageError, match="has no steps"):
            api.draw(model, renderer="modules", steps=3)


HOSTILE = """# title: </text></svg><script>alert(1)</script>
h[t] = W x[t] + U h[t-1]  # \"q'&%$ \\input{x} \u202e\x07\x1b[31m <script>
"""


@pytest.mark.parametrize("renderer", ["unrolled", "folded", "cell", "modules", "dataflow"])
def test_hostile_comments_stay_text_in_every_figure(netfig: Netfig, renderer):
    done = netfig("draw", "-", "-r", renderer, stdin=HOSTILE)
    assert done.code == 0
    assert not [e for e in ElementTree.fromstring(done.stdout).iter() if e.tag.rpartition("}")[2] == "script"]
    assert "\x1b" not in done.stdout + done.stderr
