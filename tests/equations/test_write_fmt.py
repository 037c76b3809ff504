"""``netfig fmt``."""

from __future__ import annotations

import pytest
from click.testing import CliRunner

from netfig.cli import cli
from netfig.errors import ExitCode

MIXED = "# gate\nf[t] = sigmoid(W x[t])*h[t-1]   # forget\n"
UNICODE = "# gate\nf[t] = σ(W x[t]) ⊙ h[t-1]   # forget\n"


@pytest.fixture
def fmt(monkeypatch):
    """Run ``netfig fmt``."""
    monkeypatch.setenv("NETFIG_PLUGINS", "none")
    return lambda *words, stdin=None: CliRunner().invoke(cli, ["fmt", *words], input=stdin, catch_exceptions=False)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "gate.rnn"
    path.write_text(MIXED, encoding="utf-8")
    return path


def test_a_file_is_printed_in_a_style(fmt, file):
    assert fmt(str(file)).stdout == UNICODE
    assert fmt(str(file), "--style", "latex").stdout == (
        "% title: gate\n" r"f_{t} &= \sigma\left(W x_{t}\right) \odot h_{t-1}  % forget" "\n"
    )
    assert file.read_text(encoding="utf-8") == MIXED


def test_standard_input_is_a_file(fmt):
    assert fmt("-", "--style", "ascii", stdin="y[t] = σ(x[t])").stdout == "y[t] = sigmoid(x[t])\n"


def test_check_tells_whether_a_file_is_in_the_style_and_write_makes_it_so(fmt, file):
    assert fmt(str(file), "--check").exit_code == ExitCode.FAILED
    assert fmt(str(file), "--write").exit_code == ExitCode.DONE
    assert file.read_text(encoding="utf-8") == UNICODE
    done = fmt(str(file), "--check")
    assert (done.exit_code, done.output) == (ExitCode.DONE, "")


def test_mistakes_are_shown_with_the_name_of_the_file(fmt, file):
    file.write_text("h[t] = simgoid(x[t])")
    done = fmt(str(file), "--write")
    assert done.exit_code == ExitCode.INVALID
    assert "gate.rnn:1: h[t] = simgoid(x[t])" in done.stderr
    assert file.read_text() == "h[t] = simgoid(x[t])"


@pytest.mark.parametrize(
    ("words", "code"),
    [(("-", "--write"), ExitCode.USAGE), (("x.rnn", "--write", "--check"), ExitCode.USAGE), (("nowhere.rnn",), ExitCode.MISSING)],
)
def test_what_cannot_be_done_is_refused(fmt, words, code):
    assert fmt(*words, stdin="h = x").exit_code == code


def test_bytes_that_are_no_text_are_refused(fmt, file):
    file.write_bytes(b"h[t] = \xff")
    assert fmt(str(file)).exit_code == ExitCode.INVALID
