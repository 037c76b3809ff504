"""Whether Python code asks where a tensor lives in order to decide something.

``torch.arange(n, device=x.device)`` only hands the device on and means the same on every device. ``x.device.type == "cpu"`` looks
at it: without data the answer is another one, and the model may go another way.
"""

from __future__ import annotations

import dis
import functools
from types import CodeType, FrameType

import torch

_DECIDES = frozenset({"COMPARE_OP", "IS_OP", "CONTAINS_OP"})
_QUESTIONS = frozenset({"type", "index"})
_OURS = ("torch.", "netfig.")


def decides(frame: FrameType | None, name: str) -> bool:
    """Whether the code of a frame, which now reads the property `name` of a tensor, goes by the answer."""
    if frame is None or frame.f_globals.get("__name__", "").startswith(_OURS):
        return False
    if name == "device":
        return _looked_at(frame.f_code, frame.f_lasti)
    return name in {"is_cpu", "is_meta"} or (name == "is_cuda" and torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


@functools.lru_cache(maxsize=1024)
def _looked_at(code: CodeType, offset: int) -> bool:
    """Whether what the instruction at `offset` puts on the stack is compared, or asked for its type."""
    after = [i for i in dis.get_instructions(code) if i.offset > offset]
    above = 0  # how many things lie on top of it
    for instruction in after:
        name = instruction.opname
        if name in _DECIDES:
            return above <= 1
        if name in {"LOAD_ATTR", "LOAD_METHOD"} and above == 0:
            return instruction.argval in _QUESTIONS
        if instruction.opcode in dis.hasjrel or instruction.opcode in dis.hasjabs:
            return False
        above += dis.stack_effect(instruction.opcode, instruction.arg)
        if above < 0:
            return False
    return False
