"""What must be known of a log before ops are placed: what can be dropped, and which Python function made which operators."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor

from netfig.sources.torch_record import LEAF, OP, SPAN, Number, Recorder

_MethodWrapper = type(Tensor.shape.__get__)  # type: ignore[attr-defined]


class Span(NamedTuple):
    """A Python-level function that made several operators: its entries are those from `start` to `end`."""

    function: Any
    start: int
    end: int


class Prepass:
    """Facts about the log.

    `dropped` are operators that are no part of the computation: views nobody reads (autograd saves detached tensors; the
    destination of ``x[i] = y`` is a view that is only written to) and the announcement of a fresh constant. `written` are the
    memories written to in place, `used` the tensors that something reads. `single` names the function of an operator that is
    its only one; `opens` and `closes` are where functions of several operators begin and end.
    """

    def __init__(self, recorder: Recorder, used_at_the_end: frozenset[int]) -> None:
        log = recorder.log
        self.written: set[int] = set()
        self.used: set[int] = set()
        self.dropped = self._unread(recorder, used_at_the_end)
        counts: list[int] = []  # operators before each entry
        placed: list[int] = []  # where the operators are
        spans: list[tuple[int, int, Any, int]] = []
        self.single: dict[int, Any] = {}
        self.opens: dict[int, list[Span]] = {}
        self.closes: set[int] = set()
        dropped = self.dropped
        count = 0
        for position, entry in enumerate(log):
            counts.append(count)
            code = entry[0]
            if code == OP:
                if position not in dropped:
                    placed.append(position)
                    count += 1
            elif code == SPAN:
                _, function, start, _ = entry
                before = counts[start]
                made = count - before
                if made and type(function) is not _MethodWrapper:
                    if made == 1:
                        self.single[placed[before]] = function  # the outermost function of an operator comes last
                    else:
                        spans.append((position, start, function, made))
        outer: list[tuple[int, int]] = []  # start and number of operators of the functions around, outermost first
        for position, start, function, made in reversed(spans):
            while outer and outer[-1][0] >= position:
                outer.pop()
            if not outer or outer[-1][1] != made:
                self.opens.setdefault(start, []).append(Span(function, start, position))
                self.closes.add(position)
            outer.append((start, made))

    def _unread(self, recorder: Recorder, used_at_the_end: frozenset[int]) -> set[int]:
        dropped: set[int] = set()
        log = recorder.log
        used = self.used = {entry[4] for entry in log if entry[0] == LEAF}.union(used_at_the_end)  # what modules hand back
        for position in range(len(log) - 1, -1, -1):
            entry = log[position]
            if entry[0] != OP:
                if entry[0] == LEAF:
                    used.add(entry[3])
                elif entry[0] != SPAN and entry[2]:
                    used.update(entry[2])
                continue
            _, info, args, kwargs, made = entry
            if info.disposable and type(made) is Number and made not in used:
                dropped.add(position)
                continue
            if info.lift and args[0] in recorder.external:
                dropped.add(position)
                continue
            if info.writes and not info.renames:
                for _, written in info.written(args, kwargs or {}):
                    for number in written if type(written) is list else (written,):
                        self.written.add(recorder.seen[number][4])
            given = len(args)
            for place in info.reads:
                if place >= given:
                    break
                value = args[place]
                if type(value) is Number:
                    used.add(value)
                elif type(value) is list:
                    used.update([item for item in value if type(item) is Number])
            if kwargs:
                ignored = info.overwritten | info.blind
                for name, value in kwargs.items():
                    if name not in ignored:
                        used.update([item for item in (value if type(value) is list else [value]) if type(item) is Number])
        return dropped
