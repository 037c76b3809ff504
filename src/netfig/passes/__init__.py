"""The built-in passes: Graph → Graph. Each is imported when it runs."""

from __future__ import annotations

from netfig.hooks import Pass
from netfig.later import later
from netfig.passes.options import FoldOptions, RepeatsOptions, UnrollOptions


def builtin_passes() -> tuple[Pass, ...]:
    """The passes that ship with netfig."""
    return (
        Pass(
            "unroll",
            "Writes the steps of a plate out: one box for each time.",
            later("netfig.passes.steps:unroll_steps"),
            options=UnrollOptions,
        ),
        Pass("fold", "Makes one plate of steps that are alike.", later("netfig.passes.steps:fold_steps"), options=FoldOptions),
        Pass(
            "expand",
            "Writes LSTM, GRU and RNN layers of torch out as their equations.",
            later("netfig.passes.expand:expand"),
        ),
        Pass(
            "recognise",
            "Makes one plate of a loop that carries a state, hand-written or a recurrent layer.",
            later("netfig.passes.recognise:recognise"),
        ),
        Pass(
            "repeats",
            "Makes one block of blocks that are alike, how often it is there, and a table of what differs.",
            later("netfig.passes.repeats:fold_alike"),
            options=RepeatsOptions,
        ),
        Pass(
            "attention",
            "Makes one block of each attention, the same block however the model wrote it.",
            later("netfig.passes.attention:normalise"),
        ),
        Pass("unfold", "Writes out what repeats has folded.", later("netfig.passes.repeats:write_out")),
    )
