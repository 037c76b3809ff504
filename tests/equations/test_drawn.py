"""Small programs of unusual shape give figures that a reader can follow: nothing for the linter to find."""

from __future__ import annotations

import pytest

import netfig

PROGRAMS = {
    "ahead": "h[t] = sum(W_i h[t-i] for i = -3..-1) + x[t]",
    "head": "y[t] = V h[T]",
    "last": "h[t] = tanh(W x[t] + U h[t-1])\ny = V h[T]",
    "lags": "h[t] = sum(W_i h[t-i] for i = 1..K) + x[t]",
    "two lags": "K = 2\nh[t] = sum(W_i h[t-i] for i = 1..K) + x[t]",
}
RENDERERS = ("unrolled", "folded", "cell", "modules", "dataflow")
PAIRS = [(name, renderer) for name in PROGRAMS for renderer in RENDERERS if name != "head" or renderer not in RENDERERS[:2]]


@pytest.mark.parametrize(("name", "renderer"), PAIRS)
def test_a_small_program_lints_clean_in_every_renderer_that_takes_it(name, renderer):
    assert netfig.draw(PROGRAMS[name], renderer=renderer).lint() == ()


def test_a_head_without_a_recurrence_is_drawn_by_itself_and_not_unrolled():
    assert netfig.draw(PROGRAMS["head"]).renderer.name == "modules"
    with pytest.raises(netfig.NetfigError, match="is no recurrence"):
        netfig.draw(PROGRAMS["head"], renderer="unrolled")
